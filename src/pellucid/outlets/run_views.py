"""Views of what was stored of a run."""

import weakref
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Protocol, cast, runtime_checkable

import numpy as np

from pellucid.core.drawing import draw, drawings_of
from pellucid.core.figure import Figure
from pellucid.core.result import Result
from pellucid.core.view import Range, view
from pellucid.outlets.steady_axes import Steady, held, steady_axes

_DRAWING = "histograms"
_LOOKED_AT = 24
"""Watched steps that decide the axes: drawing all of a long run would take seconds."""
_CAVEAT = (
    "The axes are the same at every step, and logarithmic on both sides of 0 where values grew or shrank far; "
    "an arrow stands at bars that are taller."
)
_known_axes: dict[int, tuple[weakref.ref[Result], dict[str, Steady]]] = {}


@runtime_checkable
class _CutAlongSteps(Protocol):
    """A result with watched steps."""

    def before(self, step: int) -> Result: ...


def has_histograms(result: Result) -> bool:
    """Whether a result has histograms of more than one watched step, so that `scrubbed` can show them."""
    cut = isinstance(result, _CutAlongSteps) and _DRAWING in drawings_of(type(result))
    return cut and len(result.watched) > 1


def _axes(result: Result) -> dict[str, Steady]:
    """Return axes that hold the histograms of a result over all its steps; known until the result is gone."""
    place = id(result)
    known = _known_axes.get(place)
    if known is not None and known[0]() is result:
        return known[1]
    steps = result.watched
    apart = np.linspace(0, len(steps) - 1, min(len(steps), _LOOKED_AT)).round().astype(int)
    axes = steady_axes([_figure(result, steps[one]) for one in apart])
    _known_axes[place] = (weakref.ref(result, lambda _: _known_axes.pop(place, None)), axes)
    return axes


def _figure(result: Result, step: int) -> Figure:
    return draw(cast("_CutAlongSteps", result).before(step + 1), _DRAWING)


def _steps(chosen: Mapping[str, Any]) -> tuple[int, ...]:
    return chosen["result"].watched


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

    Move the step to see when a layer died, saturated or grew. The axes stay where they are meanwhile.

    Args:
        result: Has watched steps and a drawing of histograms; see `has_histograms`.
        step: The last watched step that is taken in.
    """
    figure = held(_figure(result, step), _axes(result))
    return replace(figure, title=f"{figure.title}, up to step {step:,}", caveat=f"{figure.caveat} {_CAVEAT}".strip())
