"""Loss: how training goes, and whether a model, its inputs and its labels are plainly in order."""

from pellucid.windows.loss import draw, judge
from pellucid.windows.loss.measure import curves, sanity
from pellucid.windows.loss.result import Curve, LossCurves, SanityCheck

__all__ = ["Curve", "LossCurves", "SanityCheck", "curves", "draw", "judge", "sanity"]
