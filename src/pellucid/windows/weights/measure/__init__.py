"""Measuring: the distribution of every parameter."""

from pellucid.windows.weights.measure.dream import dream
from pellucid.windows.weights.measure.filters import filters
from pellucid.windows.weights.measure.histograms import histograms
from pellucid.windows.weights.measure.maximize import maximize
from pellucid.windows.weights.measure.spectra import spectra
from pellucid.windows.weights.measure.templates import templates

__all__ = ["dream", "filters", "histograms", "maximize", "spectra", "templates"]
