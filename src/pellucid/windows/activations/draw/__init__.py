"""Drawing: what each layer puts out, of a model or of a run. Importing this registers them."""

from pellucid.windows.activations.draw import feature_maps
from pellucid.windows.activations.draw.histograms import depth_profile, layers

__all__ = ["depth_profile", "feature_maps", "layers"]
