"""What was measured: gradients and updates of a run, and maps of what a score depends on."""

from pellucid.windows.gradients.result.flow import GradientFlow, usual_scale
from pellucid.windows.gradients.result.saliency import Saliency

__all__ = ["GradientFlow", "Saliency", "usual_scale"]
