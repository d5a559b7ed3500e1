"""Tests of surveys and of the files that they keep; whole landscapes: tests/windows/loss/test_resume.py."""

from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from pellucid.methods.ground import Ground, survey
from pellucid.methods.ground.kept import Kept, mark_of
from pellucid.methods.ground.lockstep import Lockstep
from pellucid.methods.ground.survey import Survey
from pellucid.probe.filters import filters_of

X, Y = torch.arange(12.0).reshape(6, 2), torch.tensor([0, 1, 2, 0, 1, 2])


def ground() -> Ground:
    """Return the ground of a small model, on two parts of data."""
    torch.manual_seed(0)
    model = nn.Linear(2, 3)
    return Ground(model, filters_of(model), [(X[:4], Y[:4], 4.0), (X[4:], Y[4:], 2.0)], F.cross_entropy)


def test_a_point_is_measured_once() -> None:
    """Asked again, by whatever list of places, it is known; points of another number are others."""
    with ground().walked() as there:
        found = Survey(there)
        first = dict(found.measured(0, [(0, 0), (0, 1)], lambda _: ()))
        again = dict(found.measured(0, [(0, 1), (5, 5)], lambda _: ()))
        assert there.passes == 3
        assert again[0, 1] is first[0, 1]
        assert found.known(0, (5, 5)) is again[5, 5]
        list(found.measured(1, [(0, 0)], lambda _: ()))
        assert there.passes == 4


def test_it_is_written_every_few_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not after every point, and at the end of the list in any case; less often where a writing takes long."""
    now, written = [0.0], list[int]()
    monkeypatch.setattr(survey, "monotonic", lambda: now[0])

    class Slow(Kept):
        def write(self, keys: Any, losses: Any) -> None:
            """Take a while."""
            written.append(len(keys))
            now[0] += slow

    def measured(count: int, step: float) -> list[int]:
        written.clear()
        with ground().walked() as there:
            found = Survey(there, Slow(tmp_path / "none", {}, 0.0, Lockstep()))
            for _ in found.measured(0, [(0, n) for n in range(count)], lambda _: ()):
                now[0] += step
        return list(written)

    slow = 0.0
    assert measured(9, 0.5) == [0, 5, 9]
    slow = 0.2  # 20 times as long apart, 4 s
    assert measured(9, 0.5) == [0, 9]


def test_files_give_back_what_was_written(tmp_path: Path) -> None:
    """Points of every rank's file are known, those of the first rank first, and at the end one file is left."""
    path, alone = tmp_path / "ground", Lockstep()
    first, second = Kept(path, {"data": "a"}, 1.0, alone), Kept(tmp_path / "ground.2", {"data": "a"}, 1.0005, alone)
    first.write([(0, 1, 2)], np.array([[1.0, np.nan]]))
    second.write([(0, 1, 2), (2, 0, 7)], np.array([[5.0, 6.0], [7.0, np.inf]]))
    (tmp_path / "ground.notes").write_text("not ours", "utf-8")
    again = Kept(path, {"data": "a"}, 1.0, alone)
    assert again.known.keys() == {(0, 1, 2), (2, 0, 7)}
    np.testing.assert_array_equal(again.known[0, 1, 2], [1.0, np.nan])
    np.testing.assert_array_equal(again.known[2, 0, 7], [7.0, np.inf])
    again.tidy()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["ground", "ground.notes"]


def test_marks_tell_values_apart() -> None:
    """Other values, types, shapes, orders, nests and names have other marks; the same values have the same."""
    values: list[Any] = [
        *(X, X.double(), X.flip(0), X.reshape(2, 6), [X], (X,), [X, X], {"a": X}, {"b": X}, OrderedDict(a=X)),
        *(None, 1, 1.0, True, "1", [1, [2]], [[1], 2], X.to_sparse(), np.arange(3), object()),
    ]
    marks = [mark_of(one) for one in values]
    assert len(set(marks)) == len(values)
    assert mark_of(X.clone()) == marks[0]
    assert mark_of([X.clone(), X]) == mark_of([X, X])
    assert mark_of(X.numpy()) == mark_of(X)
