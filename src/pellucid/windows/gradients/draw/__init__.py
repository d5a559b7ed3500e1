"""Drawing: gradients and updates of a run, and maps over inputs. Importing this registers them."""

from pellucid.windows.gradients.draw import flow, saliency

__all__ = ["flow", "saliency"]
