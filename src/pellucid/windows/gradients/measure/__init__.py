"""Measuring: the gradient of every parameter, and what a score depends on."""

from pellucid.windows.gradients.measure.faithfulness import FaithfulnessOptions, faithfulness
from pellucid.windows.gradients.measure.flow import flow
from pellucid.windows.gradients.measure.saliency import saliency
from pellucid.windows.gradients.measure.shortcuts import shortcuts

__all__ = ["FaithfulnessOptions", "faithfulness", "flow", "saliency", "shortcuts"]
