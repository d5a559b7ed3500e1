"""Views of what was stored of a run."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Protocol, cast, runtime_checkable

from pellucid.core.drawing import draw, drawings_of
from pellucid.core.figure import Figure
from pellucid.core.result import Result
from pellucid.core.view import Range, view

_DRAWING = "histograms"


@runtime_checkable
class _CutAlongSteps(Protocol):
    """A result with watched steps."""

    def before(self, step: int) -> Result: ...


def steps_of(result: Result) -> tuple[int, ...]:
    """Return the watched steps of a result, rising; () where it has none."""
    found: Any = getattr(getattr(result, "series", result), "steps", ())
    return tuple(int(one) for one in found)


def has_histograms(result: Result) -> bool:
    """Whether a result has histograms of more than one watched step, so that `scrubbed` can show them."""
    cut = isinstance(result, _CutAlongSteps) and _DRAWING in drawings_of(type(result))
    return cut and len(steps_of(result)) > 1


def _steps(chosen: Mapping[str, Any]) -> tuple[int, ...]:
    return steps_of(chosen["result"])


@view(title="Histograms over time")
def scrubbed(
    result: Result,
    step: Annotated[
        int,
        Range(
            lambda chosen: _steps(chosen)[0],
            lambda chosen: _steps(chosen)[-1],
            default=lambda chosen: _steps(chosen)[-1],
            stops=_steps,
        ),
    ],
) -> Figure:
    """The histograms as they stood at a step of the training, with the verdict that could be given then.

    Move the step to see when a layer died, saturated or grew.

    Args:
        result: Has watched steps and a drawing of histograms; see `has_histograms`.
        step: The last watched step that is taken in.
    """
    figure = draw(cast("_CutAlongSteps", result).before(step + 1), _DRAWING)
    return replace(figure, title=f"{figure.title}, up to step {step:,}")
