"""What was measured of the activations."""

from pellucid.windows.activations.result.feature_maps import FeatureMaps
from pellucid.windows.activations.result.histograms import ActivationHistograms

__all__ = ["ActivationHistograms", "FeatureMaps"]
