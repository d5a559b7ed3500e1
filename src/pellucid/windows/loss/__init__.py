"""Does it learn, and are the model, its inputs and its labels plainly in order?

`curves` reads a run or plain numbers, `sanity` evaluates a finished model; `pel.watch` measures both while a model
trains, and judges them together. `landscape` measures the loss on a plane through the weights of a finished model,
`curvature` how it bends there, and `descend` lets an optimizer walk down a surface of two parameters.

Example:
    >>> from pellucid.windows import loss
    >>> print(loss.curves({"loss": [2.0, 1.0, float("nan")]}).findings.problems[0].line)
    alarm: Non-finite loss at loss from step 2: loss is nan at step 2; the last finite value was 1
    >>> print(loss.descend("bowl", "SGD", learning_rate=0.41).findings.problems[0].message)
    the learning rate 0.41 is above 2/λ = 0.4, λ = 5 being the steepest curvature on the way; it leaves the picture at
    step 9
"""

from pellucid.methods.ground.trajectory import Trajectory
from pellucid.windows.loss import draw, judge
from pellucid.windows.loss.measure import (
    CurvatureOptions,
    InterpolationOptions,
    LandscapeOptions,
    LineSearchOptions,
    compare,
    curvature,
    curves,
    descend,
    interpolation,
    landscape,
    line_search,
    path,
    sanity,
)
from pellucid.windows.loss.result import (
    Comparison,
    Curvature,
    Curve,
    Descent,
    Interpolation,
    Landscape,
    LineSearch,
    LossCurves,
    Path,
    SanityCheck,
)

__all__ = [
    "Comparison",
    "Curvature",
    "CurvatureOptions",
    "Curve",
    "Descent",
    "Interpolation",
    "InterpolationOptions",
    "Landscape",
    "LandscapeOptions",
    "LineSearch",
    "LineSearchOptions",
    "LossCurves",
    "Path",
    "SanityCheck",
    "Trajectory",
    "compare",
    "curvature",
    "curves",
    "descend",
    "draw",
    "interpolation",
    "judge",
    "landscape",
    "line_search",
    "path",
    "sanity",
]
