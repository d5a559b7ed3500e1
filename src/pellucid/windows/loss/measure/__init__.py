"""Measuring: curves from what was recorded, evaluations from the model, descents over a surface."""

from pellucid.windows.loss.measure.curvature import CurvatureOptions, curvature
from pellucid.windows.loss.measure.descent import descend
from pellucid.windows.loss.measure.evaluation import evaluate, sanity
from pellucid.windows.loss.measure.landscape import LandscapeOptions, landscape
from pellucid.windows.loss.measure.scalars import curves

__all__ = [
    "CurvatureOptions",
    "LandscapeOptions",
    "curvature",
    "curves",
    "descend",
    "evaluate",
    "landscape",
    "sanity",
]
