"""Does it learn, and are the model, its inputs and its labels plainly in order?

`curves` reads a run or plain numbers, `sanity` evaluates a finished model; `pel.watch` measures both while a model
trains, and judges them together.

Example:
    >>> from pellucid.windows import loss
    >>> print(loss.curves({"loss": [2.0, 1.0, float("nan")]}).findings.problems[0].line)
    alarm: Non-finite loss at loss from step 2: loss is nan at step 2; the last finite value was 1
"""

from pellucid.windows.loss import draw, judge
from pellucid.windows.loss.measure import curves, sanity
from pellucid.windows.loss.result import Curve, LossCurves, SanityCheck

__all__ = ["Curve", "LossCurves", "SanityCheck", "curves", "draw", "judge", "sanity"]
