"""What was measured of the weights."""

from pellucid.windows.weights.result.dream import Dreamed
from pellucid.windows.weights.result.filters import Filters
from pellucid.windows.weights.result.histograms import WeightHistograms, is_matrix
from pellucid.windows.weights.result.maximize import Maximized
from pellucid.windows.weights.result.spectra import Spectra
from pellucid.windows.weights.result.templates import Templates

__all__ = ["Dreamed", "Filters", "Maximized", "Spectra", "Templates", "WeightHistograms", "is_matrix"]
