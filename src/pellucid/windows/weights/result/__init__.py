"""What was measured of the weights."""

from pellucid.windows.weights.result.histograms import WeightHistograms, is_matrix

__all__ = ["WeightHistograms", "is_matrix"]
