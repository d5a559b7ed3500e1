"""Measuring: the distribution of what each layer puts out, and its maps of one example."""

from pellucid.windows.activations.measure.feature_maps import feature_maps
from pellucid.windows.activations.measure.histograms import histograms

__all__ = ["feature_maps", "histograms"]
