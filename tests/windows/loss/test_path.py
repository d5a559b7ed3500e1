"""Tests of paths: recorded by a watch, on their plane, with losses, and under a landscape."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import pellucid as pel
from pellucid.core.errors import InputError
from pellucid.windows.loss import LandscapeOptions
from tests.kinds import Net, batch

Guarded = Callable[[nn.Module], AbstractContextManager[None]]


def watched(most: int = 8, steps: int = 30) -> tuple[nn.Module, pel.loss.Trajectory]:
    """Train a small net under a watch that keeps its path."""
    torch.manual_seed(0)
    model, (x, y) = Net(), batch(128)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    with pel.watch(model, optimizer, options=pel.WatchOptions(on_finding=None, path=most)) as watch:
        for _ in range(steps):
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            watch.step(loss=loss)
    optimizer.zero_grad()
    assert watch.path is not None
    return model, watch.path


def test_a_watch_keeps_snapshots_of_before_and_after_steps() -> None:
    """The first is from before the first step; they are evenly spread, and the training is the same bit for bit."""
    model, path = watched()
    assert path.steps == [0, 4, 8, 12, 16, 20, 24, 28]
    torch.manual_seed(0)
    torch.testing.assert_close(path.states()[0]["first.weight"], Net().first.weight.detach(), rtol=0, atol=0)
    torch.manual_seed(0)
    plain, (x, y) = Net(), batch(128)
    optimizer = torch.optim.Adam(plain.parameters(), lr=1e-2)
    for _ in range(30):
        optimizer.zero_grad()
        F.cross_entropy(plain(x), y).backward()
        optimizer.step()
    torch.testing.assert_close(model.state_dict(), plain.state_dict(), rtol=0, atol=0)


def test_no_path_is_kept_unasked_and_of_several_models_none() -> None:
    """Without the option there is none; several models are refused with what to do instead."""
    assert pel.watch(Net()).path is None
    with pytest.raises(InputError, match=r"^WatchOptions\(path=8\) needs one model, got 2\. Leave it out, make a"):
        pel.watch({"a": Net(), "b": Net()}, options=pel.WatchOptions(path=8))
    with pytest.raises(InputError, match=r"^path=2 came; expected a whole number, 4 to 4,096"):
        pel.watch(Net(), options=pel.WatchOptions(path=2))


def test_losses_are_those_of_the_snapshots() -> None:
    """Each is the loss of a model that holds the snapshot; the model and its batch norm come back."""
    model, path = watched()
    x, y = batch(64)
    found = pel.loss.path(model, path, (x, y))
    assert found.steps.tolist() == path.steps
    assert found.loss_name == "cross_entropy (assumed)"
    model.eval()
    assert found.loss_now == pytest.approx(float(F.cross_entropy(model(x), y).detach()), rel=1e-6)
    for state, loss in zip(path.states(), found.losses, strict=True):
        model.load_state_dict(state, strict=False)
        assert loss == pytest.approx(float(F.cross_entropy(model(x), y).detach()), rel=1e-4)
    assert found.coordinates.shape == (8, 2)
    assert found.distances[0] == pytest.approx(1.0)
    assert 0 < found.straightness <= 1


def test_without_data_there_are_no_losses() -> None:
    """Everything else is there, and the picture has no panel for them."""
    model, path = watched()
    found = pel.loss.path(model, path)
    assert np.isnan(found.losses).all()
    assert [one.title for one in found.figure().panels] == [
        "On the plane",
        "Spread by component",
        "Off the plane",
        "In figures",
    ]


def test_a_landscape_along_the_path_has_it_on_it(tmp_path: Any) -> None:
    """The plane reaches beyond all snapshots, the weights are one of its nodes, and snapshots near it lie on it."""
    model, path = watched()
    data = batch(64)
    found = pel.loss.landscape(model, data, directions=path, resolution=17, options=LandscapeOptions(lines=0))
    row, column = found.home
    assert (found.rows[row], found.columns[column]) == (0, 0)
    assert found.path[:, 0].min() > found.columns[0]
    assert found.path[:, 0].max() < found.columns[-1]
    assert found.path_losses.shape == found.off_plane.shape == (8,)
    flat = pel.loss.path(model, path, data)
    np.testing.assert_allclose(found.path_losses, flat.losses, rtol=1e-5)
    np.testing.assert_allclose(found.path, flat.coordinates, atol=1e-6)
    assert found.middle == pytest.approx(flat.loss_now, rel=1e-6)
    assert found.figure().title == "Loss around the weights, along the path of a training"
    assert "the path" in found.figure().panels[0].marks[0].names
    assert type(found).load(found.save(tmp_path / "plane.safetensors")) == found


def test_planted_points_have_their_losses_on_the_plane() -> None:
    """With a path in a plane the surface at each snapshot is its own loss."""

    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(1, 2, dtype=torch.float64))

        def forward(self, x: Tensor) -> Tensor:
            return (x * (1 + self.weight[0, 0] ** 2 + 10 * self.weight[0, 1] ** 2))[:, None]

    states = [{"weight": torch.tensor([[a, a * a / 2]], dtype=torch.float64)} for a in (2.0, 1.5, 1.0, 0.5)]
    data = (torch.ones(8, dtype=torch.float64), torch.zeros(8, 1, dtype=torch.float64))
    found = pel.loss.landscape(
        Two(),
        data,
        loss=lambda output, _: output.mean(),
        directions=states,
        resolution=33,
        options=LandscapeOptions(lines=0, tolerance=0.0),
    )
    assert found.off_plane.max() < 1e-6
    np.testing.assert_allclose(found.path_losses, [1 + a**2 + 10 * (a * a / 2) ** 2 for a in (2.0, 1.5, 1.0, 0.5)])
    from pellucid.maths.spline import bilinear

    on = bilinear(found.losses, (found.rows, found.columns), (found.path[:, 1], found.path[:, 0]))
    np.testing.assert_allclose(on, found.path_losses, rtol=0.05)


def test_models_come_back(model_is_untouched: Guarded) -> None:
    """Also where Ctrl-C comes half way, which leaves the losses that were measured."""
    model, path = watched()
    data = batch(16)
    with model_is_untouched(model):
        pel.loss.path(model, path, data)
        pel.loss.landscape(model, data, directions=path, resolution=3, options=LandscapeOptions(lines=0))
    calls = 0

    def interrupted(output: Tensor, target: Tensor) -> Tensor:
        nonlocal calls
        calls += 1
        if calls == 7:
            raise KeyboardInterrupt
        return F.cross_entropy(output, target)

    with model_is_untouched(model):
        found = pel.loss.path(model, path, data, loss=interrupted)
    assert found.stopped
    assert np.isfinite(found.losses).tolist() == [True] * 3 + [False] * 5


def test_a_path_that_never_left_is_refused() -> None:
    """Snapshots of where the weights are now make no path and no plane."""
    model = Net()
    still = [model.state_dict()] * 5
    with pytest.raises(InputError, match=r"^All 4 snapshots are where the weights are now: there is no path"):
        pel.loss.path(model, still)
    with pytest.raises(InputError, match=r"^All 4 snapshots are where the weights are now, and there is no plane"):
        pel.loss.landscape(model, batch(8), directions=still, options=LandscapeOptions(lines=0))
