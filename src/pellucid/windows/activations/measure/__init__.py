"""Measuring: the distribution of what each layer puts out."""

from pellucid.windows.activations.measure.histograms import histograms

__all__ = ["histograms"]
