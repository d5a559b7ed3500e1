"""What was measured of the loss: the curves of a run, evaluations on a held-out batch, and descents over a surface."""

from pellucid.windows.loss.result.check import MOST_TELLING_CHANCE, SanityCheck
from pellucid.windows.loss.result.comparison import Comparison
from pellucid.windows.loss.result.curvature import Curvature
from pellucid.windows.loss.result.curves import Curve, LossCurves
from pellucid.windows.loss.result.descent import NEAR, Descent
from pellucid.windows.loss.result.landscape import Landscape
from pellucid.windows.loss.result.lines import Interpolation, LineSearch
from pellucid.windows.loss.result.path import Path

__all__ = [
    "MOST_TELLING_CHANCE",
    "NEAR",
    "Comparison",
    "Curvature",
    "Curve",
    "Descent",
    "Interpolation",
    "Landscape",
    "LineSearch",
    "LossCurves",
    "Path",
    "SanityCheck",
]
