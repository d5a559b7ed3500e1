"""What was measured of the activations."""

from pellucid.windows.activations.result.histograms import ActivationHistograms

__all__ = ["ActivationHistograms"]
