"""Measuring: the distribution of every parameter."""

from pellucid.windows.weights.measure.histograms import histograms

__all__ = ["histograms"]
