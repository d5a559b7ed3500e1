"""What was measured of the loss: the curves of a run, and evaluations on a held-out batch."""

from pellucid.windows.loss.result.check import MOST_TELLING_CHANCE, SanityCheck
from pellucid.windows.loss.result.curves import Curve, LossCurves

__all__ = ["MOST_TELLING_CHANCE", "Curve", "LossCurves", "SanityCheck"]
