"""Drawing: the parameters of a model or of a run. Importing this registers them."""

from pellucid.windows.weights.draw import histograms

__all__ = ["histograms"]
