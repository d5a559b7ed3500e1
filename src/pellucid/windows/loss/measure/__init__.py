"""Measuring: curves from what was recorded, evaluations from the model, descents over a surface."""

from pellucid.windows.loss.measure.comparison import compare
from pellucid.windows.loss.measure.curvature import CurvatureOptions, curvature
from pellucid.windows.loss.measure.descent import descend
from pellucid.windows.loss.measure.evaluation import evaluate, sanity
from pellucid.windows.loss.measure.interpolation import InterpolationOptions, interpolation
from pellucid.windows.loss.measure.landscape import LandscapeOptions, landscape
from pellucid.windows.loss.measure.line_search import LineSearchOptions, line_search
from pellucid.windows.loss.measure.path import path
from pellucid.windows.loss.measure.scalars import curves

__all__ = [
    "CurvatureOptions",
    "InterpolationOptions",
    "LandscapeOptions",
    "LineSearchOptions",
    "compare",
    "curvature",
    "curves",
    "descend",
    "evaluate",
    "interpolation",
    "landscape",
    "line_search",
    "path",
    "sanity",
]
