"""Measuring: the gradient of every parameter, and what a score depends on."""

from pellucid.windows.gradients.measure.flow import flow
from pellucid.windows.gradients.measure.saliency import saliency

__all__ = ["flow", "saliency"]
