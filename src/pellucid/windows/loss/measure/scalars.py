"""Curves from what a run left, or from plain numbers."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from pellucid.core.errors import InputError
from pellucid.windows.loss.result import Curve, LossCurves, SanityCheck


def curves(run: Any, *, label_counts: Sequence[int] | NDArray[Any] | None = None) -> LossCurves:
    """Collect the curves of a run.

    Args:
        run: A `pel.Run`, or anything with `scalars()`, `facts` and `results()`; or a mapping from names to values,
            one a step from step 0, or to (steps, values). "loss", "val_loss", "accuracy", "val_accuracy" (shares of
            1), "lr" and "target_entropy" (nats) have a meaning for the rules; None counts as NaN.
        label_counts: How often each class was a target in training, [class]; None to take what the run knows.

    Returns:
        The curves.

    Raises:
        InputError: It is neither, holds no curve, or steps and values do not fit each other.
    """
    check: SanityCheck | None = None
    if not isinstance(run, Mapping):
        if not callable(scalars := getattr(run, "scalars", None)):
            raise InputError(
                f"curves() got a {type(run).__name__}. Expected a pel.Run, or a mapping such as "
                '{"loss": [2.3, 2.1], "val_loss": ([0, 1], [2.3, 2.2])}.'
            )
        facts = cast("Mapping[str, Any]", getattr(run, "facts", {}))
        label_counts = facts.get("label_counts") if label_counts is None else label_counts
        results = run.results() if callable(getattr(run, "results", None)) else {}
        check = next((one for one in results.values() if isinstance(one, SanityCheck)), None)
        run = scalars()
    named = {str(name): _curve(str(name), values) for name, values in cast("Mapping[Any, Any]", run).items()}
    if not named:
        raise InputError('curves() got no curve. Expected at least one, such as {"loss": [2.3, 2.1]}.')
    counts = np.zeros(0, dtype=np.int64) if label_counts is None else np.asarray(label_counts, dtype=np.int64)
    return LossCurves(curves=named, label_counts=counts, check=check)


def _curve(name: str, values: Any) -> Curve:
    if isinstance(values, Curve):
        return values
    given = _pair(values)
    numbers = _numbers(name, values if given is None else given[1])
    steps = np.arange(len(numbers)) if given is None else np.asarray(given[0], dtype=np.int64)
    if len(steps) != len(numbers):
        raise InputError(
            f"Curve {name!r} has {len(steps)} steps and {len(numbers)} values. Give as many of one as the other."
        )
    if np.any(np.diff(steps) <= 0):
        raise InputError(f"The steps of curve {name!r} do not rise. Sort them, and keep one value a step.")
    return Curve(steps=steps, values=numbers)


def _pair(values: Any) -> tuple[Any, Any] | None:
    """Return (steps, values) where that is what came: a tuple of two sequences."""
    if isinstance(values, tuple) and len(cast("tuple[Any, ...]", values)) == 2:
        first, second = cast("tuple[Any, Any]", values)
        if hasattr(first, "__len__") and hasattr(second, "__len__"):
            return first, second
    return None


def _numbers(name: str, values: Any) -> NDArray[Any]:
    try:
        numbers = np.array([np.nan if one is None else float(one) for one in values], dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"Curve {name!r} is a {type(values).__name__} that does not hold numbers: {error}. Give one number a step, "
            "or (steps, values)."
        ) from error
    return numbers
