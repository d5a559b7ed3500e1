"""What was measured: gradients and updates of a run, and maps of what a score depends on."""

from pellucid.windows.gradients.result.faithfulness import Faithfulness
from pellucid.windows.gradients.result.flow import GradientFlow, usual_scale
from pellucid.windows.gradients.result.saliency import Saliency
from pellucid.windows.gradients.result.shortcuts import Shortcuts, Spot

__all__ = ["Faithfulness", "GradientFlow", "Saliency", "Shortcuts", "Spot", "usual_scale"]
