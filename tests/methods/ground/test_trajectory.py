"""Tests of snapshots of the weights: thinned, bounded, and refused where they are of another model."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from pellucid.core.errors import InputError
from pellucid.methods.ground.trajectory import Trajectory, Way
from pellucid.probe.filters import filters_of


@pytest.mark.parametrize(("calls", "steps"), [(3, [0, 1, 2]), (5, [0, 2, 4]), (9, [0, 4, 8]), (100, [0, 32, 64, 96])])
def test_snapshots_are_evenly_spread(calls: int, steps: list[int]) -> None:
    """However long it goes on, they lie evenly, the first among them, and there are never more than asked for."""
    model = nn.Linear(2, 1)
    path = Trajectory(model, most=4)
    for step in range(calls):
        with torch.no_grad():
            model.weight.fill_(step)
        path.take(step)
        assert len(path) <= 4
    assert path.steps == steps
    assert [float(one["weight"][0, 0]) for one in path.states()] == steps


def test_memory_decides_how_many_are_kept() -> None:
    """A model of 1 MiB leaves room for eight snapshots in 8 MiB, and a larger one for none of its own kind of path."""
    assert Trajectory(nn.Linear(512, 512, bias=False), megabytes=8).most == 8
    with pytest.raises(InputError, match=r"^A snapshot of Linear takes 1 MiB, so that 3 fit into megabytes=3; 4 are"):
        Trajectory(nn.Linear(512, 512, bias=False), megabytes=3)


def test_only_what_is_trained_is_kept() -> None:
    """Frozen parameters and buffers are not."""
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    model[0].weight.requires_grad_(False)
    path = Trajectory(model)
    path.take(0)
    assert set(path.states()[0]) == {"0.bias", "1.weight", "1.bias"}
    assert repr(path) == "<Trajectory: 1 snapshot of steps 0 to 0>"
    assert repr(Trajectory(model)) == "<Trajectory: 0 snapshots>"


def states(count: int) -> list[dict[str, Any]]:
    """Return state dicts of a small layer."""
    return [nn.Linear(2, 1).state_dict() for _ in range(count)]


def test_ways_are_differences_to_where_the_weights_were() -> None:
    """Also while these are moved, of wrapped models too; a last snapshot that is where they are is left out."""
    model, kept = nn.Linear(2, 1), states(5)
    wrapped = [{f"module._orig_mod.{name}": one for name, one in state.items()} for state in kept]
    way = Way({10 * n: one for n, one in enumerate([*wrapped, model.state_dict()])}, filters_of(model))
    assert way.steps == [0, 10, 20, 30, 40]
    home = model.weight.detach().clone()
    for state, (weight, _) in zip(kept, way, strict=True):
        torch.testing.assert_close(weight, state["weight"] - home)
        with torch.no_grad():
            model.weight.add_(1)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (lambda: 3, "path=int came; expected a pel.loss.Trajectory, such as watch.path, a list of state dicts"),
        (list, "path=list came; expected"),
        (lambda: [*states(3), 4], "path=list came; expected"),
        (lambda: "run", "path=str came; expected"),
        (lambda: states(3), "path holds 3 snapshots beside the weights as they are now; expected 4 or more."),
        (
            lambda: {step: {} for step in (3, 5, 6, 7)},
            "The snapshot of step 7 has no parameter 'weight', 'bias', 2 of 2 in all",
        ),
        (lambda: [nn.Linear(3, 1).state_dict()] * 4, "the snapshot of step 3 has shape (1, 3) for 'weight'; expected"),
    ],
)
def test_what_is_no_path_is_refused(path: Callable[[], Any], message: str) -> None:
    """The message says what came, or which snapshot does not fit."""
    with pytest.raises(InputError, match=f"^{re.escape(message)}"):
        list(Way(path(), filters_of(nn.Linear(2, 1))))
