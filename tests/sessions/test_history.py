"""What a watch holds in memory is bounded by steps and by bytes."""

import numpy as np
import pytest
import torch

from pellucid.core.result import Provenance
from pellucid.maths.reduce import reduce
from pellucid.maths.series import TensorSeries
from pellucid.sessions import history
from pellucid.sessions.history import History
from pellucid.windows.activations.result import ActivationHistograms


def piece(step: int, units: int) -> ActivationHistograms:
    """One layer at one step."""
    series = TensorSeries.from_reduced(step, {"layer": reduce(torch.ones(2, units), unit_axis=1)})
    return ActivationHistograms(series=series, types=("ReLU",), activations=("relu",), roles=("activation",))


def filled(steps: int, units: int) -> tuple[History, ActivationHistograms]:
    """A history of so many steps, nothing of it written."""
    found = History(Provenance())
    for step in range(steps):
        found.add("activations", (step,), piece(step, units))
    result = found.results()["activations"]
    assert isinstance(result, ActivationHistograms)
    return found, result


def test_steps_are_bounded() -> None:
    """Beyond 800 steps, 400 are kept, with the first and the last."""
    _, result = filled(801, units=1)
    assert len(result.series.steps) == 400
    assert result.series.steps[[0, -1]].tolist() == [0, 800]


def test_bytes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wide layers leave room for fewer steps, but never for none; what is not written yet is counted."""
    monkeypatch.setattr(history, "_MOST_BYTES", 3_000_000)
    found, result = filled(200, units=5000)
    held = sum(array.nbytes for array in result.series.arrays().values())
    assert held < 6_200_000
    assert 24 <= len(result.series.steps) <= 50
    assert result.series.steps[[0, -1]].tolist() == [0, 199]
    assert (np.diff(result.series.steps) > 0).all()
    assert found.unwritten == 200
    assert found.unwritten_bytes > 200 * 5000 * 3 * 8
    assert len(found.take_unwritten()) == 1
    assert (found.unwritten, found.unwritten_bytes) == (0, 0)
