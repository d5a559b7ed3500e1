"""From several runs to their curves, settings and verdicts side by side."""

import math
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any, cast

from pellucid.core.arguments import refused
from pellucid.core.errors import InputError
from pellucid.core.judge import judge
from pellucid.windows.loss.measure.scalars import curves
from pellucid.windows.loss.result.comparison import Comparison
from pellucid.windows.loss.result.curves import LossCurves


def compare(runs: Any, *, settings: Mapping[str, Mapping[str, float]] | None = None) -> Comparison:
    """Put the curves of several runs side by side, and say which ends best, and whether that is more than noise.

    Args:
        runs: `pel.Run`s, such as `pel.Run.list("runs")`, or a mapping from names to runs, to what `pel.loss.curves`
            takes or returns, such as {"a": {"loss": [2.3, 2.1]}, "b": run}; two or more.
        settings: What each run was set to, numbers by name, by name of the run; None for what the runs know.

    Returns:
        The comparison. Verdicts are those of all rules that apply to what was recorded of each run.

    Raises:
        InputError: There are fewer than two runs, two of one name, or one that holds no curve.
    """
    named = _named(runs)
    if len(named) < 2:
        raise InputError(
            f"compare() got {len(named)} run{'s' * (len(named) != 1)}; expected two or more: compare(pel.Run.list("
            '"runs")), or compare({"a": run, "b": {"loss": [2.3, 2.1]}}).'
        )
    found = {name: run if isinstance(run, LossCurves) else curves(run) for name, run in named.items()}
    judged = {name: judge([one]) for name, one in found.items()}
    given = _settings(settings)
    unknown = [name for name in given if name not in named]
    if unknown:
        raise InputError(f"settings= names {unknown[0]!r}, which is none of the runs: {', '.join(named)}.")
    return Comparison(
        runs=found,
        settings={name: _numbers(given.get(name, _facts(run))) for name, run in named.items()},
        verdicts={name: one.headline for name, one in judged.items()},
        alarms={name: len(one.problems) for name, one in judged.items()},
    )


def _settings(settings: Any) -> Mapping[str, Mapping[str, Any]]:
    given: Mapping[str, Any] = {} if settings is None else settings
    if not isinstance(given, Mapping) or not all(isinstance(one, Mapping) for one in given.values()):
        raise refused("settings", settings, 'a mapping from names of runs to their settings: {"a": {"lr": 0.1}}')
    return given


def _named(runs: Any) -> dict[str, Any]:
    if isinstance(runs, Mapping):
        return {str(name): one for name, one in cast("Mapping[Any, Any]", runs).items()}
    if not isinstance(runs, Sequence) or isinstance(runs, str):
        raise InputError(
            f"compare() got a {type(runs).__name__}; expected runs, such as pel.Run.list('runs'), or a mapping from "
            "names to runs."
        )
    found: dict[str, Any] = {}
    for place, one in enumerate(cast("Sequence[Any]", runs)):
        name = str(getattr(one, "name", f"run {place + 1}"))
        if name in found:
            raise InputError(f"Two runs are called {name!r}. Give a mapping, with a name of its own for each.")
        found[name] = one
    return found


def _facts(run: Any) -> Mapping[str, Any]:
    facts = cast("Mapping[str, Any]", getattr(run, "facts", {}) if not isinstance(run, Mapping) else {})
    return {name: one for name, one in facts.items() if name not in ("every", "first_step")}


def _numbers(settings: Mapping[str, Any]) -> dict[str, float]:
    """Return the settings that are single numbers."""
    plain = {name: one for name, one in settings.items() if isinstance(one, Real) and not isinstance(one, bool)}
    return {name: float(one) for name, one in plain.items() if math.isfinite(one)}
