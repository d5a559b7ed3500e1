"""Several runs side by side."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.result import Result
from pellucid.windows.loss.result.curves import Curve, LossCurves

Array = NDArray[Any]
_SHARE, _FEWEST, _MOST = 0.2, 3, 50

MEASURES = {"val_loss": False, "val_accuracy": True, "loss": False, "accuracy": True}
"""Scalars by which runs are compared, the most telling first, and whether more is better."""


@dataclass(frozen=True, kw_only=True)
class Comparison(Result):
    """The curves, settings and verdicts of several runs.

    Attributes:
        runs: Curves by name of the run.
        settings: What each run was set to: numbers by name, by name of the run.
        verdicts: What its own rules say of each run, in a few words.
        alarms: How many alarms and warnings it has, by name of the run.
    """

    runs: Mapping[str, LossCurves]
    settings: Mapping[str, Mapping[str, float]]
    verdicts: Mapping[str, str]
    alarms: Mapping[str, int]

    @property
    def measure(self) -> str:
        """Return by what the runs are compared: the most telling scalar that all of them have; "" for none."""
        for name in MEASURES:
            if self.runs and all(len(self.curve(run, name).finite()) for run in self.runs):
                return name
        return ""

    def curve(self, run: str, name: str) -> Curve:
        """Return one scalar of one run; held-out losses come from the check batch where none were recorded."""
        found = self.runs[run].curve(name)
        check = self.runs[run].check
        if len(found) or check is None or not name.startswith("val_"):
            return found
        values = check.loss_eval if name == "val_loss" else check.accuracy_eval
        return Curve(steps=check.steps, values=values)

    def end(self, run: str, name: str) -> tuple[float, float]:
        """Return where a scalar ends, and how well that is known.

        Args:
            run: Name of the run.
            name: Of the scalar.

        Returns:
            The median of its last fifth (at most 50 points, at least 3 where there are as many), and the standard error
            of that from how far its points lie from each other; NaN with fewer than 3 points, or none.
        """
        values = self.curve(run, name).finite().values
        if not len(values):
            return float("nan"), float("nan")
        last = values[-min(max(int(_SHARE * len(values)), _FEWEST), _MOST) :]
        if len(last) < _FEWEST:
            return float(np.median(last)), float("nan")
        # Neighbours, so that a trend does not count as noise; the median of normal noise is 1.25 times as uncertain.
        noise = float(np.sqrt(np.mean(np.diff(last) ** 2) / 2))
        return float(np.median(last)), 1.2533 * noise / len(last) ** 0.5

    def best(self, run: str, name: str) -> tuple[float, int]:
        """Return the best value of a scalar, and its step; (NaN, 0) where there is none."""
        found = self.curve(run, name).finite()
        if not len(found):
            return float("nan"), 0
        place = int(found.values.argmax() if MEASURES[name] else found.values.argmin())
        return float(found.values[place]), int(found.steps[place])

    @property
    def order(self) -> tuple[str, ...]:
        """Return the runs, the best end first; as they came where nothing compares them."""
        name = self.measure
        sign = -1 if name and MEASURES[name] else 1
        return tuple(sorted(self.runs, key=lambda run: sign * self.end(run, name)[0])) if name else tuple(self.runs)

    @property
    def differing(self) -> tuple[str, ...]:
        """Return the settings in which the runs differ, in the order in which they came."""
        names = dict.fromkeys(name for one in self.settings.values() for name in one)
        return tuple(name for name in names if len({one.get(name) for one in self.settings.values()}) > 1)
