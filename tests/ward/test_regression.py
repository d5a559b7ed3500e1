"""Regressions that learn, and regressions that answer no better than the mean of their targets."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import pellucid as pel
from pellucid.windows.loss.result import SanityCheck
from tests.ward.watching import findings, levels

Loss = Callable[[Tensor, Tensor], Tensor]


def data(samples: int, seed: int, *, scale: float = 1.0, offset: float = 0.0) -> tuple[Tensor, Tensor]:
    """Eight inputs and a smooth target with a little noise, [sample, 1]."""
    draw = torch.Generator().manual_seed(seed)
    x = torch.randn(samples, 8, generator=draw)
    y = torch.sin(x[:, :1]) + 0.5 * x[:, 1:2] + 0.1 * torch.randn(samples, 1, generator=draw)
    return x, scale * y + offset


def trained(
    *, loss: Loss = F.mse_loss, flat: bool = False, rate: float = 0.01, scale: float = 1.0, offset: float = 0.0
) -> SanityCheck:
    """Train 300 steps and return the evaluations of the check batch."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 1))
    (x, y), held_out = data(512, 0, scale=scale, offset=offset), data(256, 1, scale=scale, offset=offset)
    if flat:
        y, held_out = y[:, 0], (held_out[0], held_out[1][:, 0])
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    options = pel.WatchOptions(on_finding=None)
    with pel.watch(model, optimizer, every=50, check=held_out, check_every=50, loss=loss, options=options) as watch:
        for _ in range(300):
            optimizer.zero_grad()
            value = loss(model(x), y)
            value.backward()
            optimizer.step()
            watch.step(loss=value)
    found = watch.results["sanity"]
    assert isinstance(found, SanityCheck)
    return found


@pytest.mark.parametrize("loss", [F.mse_loss, F.l1_loss, F.smooth_l1_loss])
def test_a_regression_that_learns_is_not_accused(loss: Loss) -> None:
    """Whatever the loss, its held-out value is far below that of the mean."""
    result = trained(loss=loss)
    assert levels(result, "LOS014") == {"ok"}
    x, y = data(256, 1)
    del x
    assert result.loss_constant == pytest.approx(float(loss(y.mean().expand_as(y), y)), rel=1e-5)


@pytest.mark.filterwarnings("ignore:Using a target size")
def test_outputs_that_broadcast_against_the_targets_are_named() -> None:
    """The classic: outputs [N, 1] against targets [N] learn the mean."""
    (found,) = findings(trained(flat=True), "LOS014")
    assert found.level == "warn"
    assert "have the shapes (2, 1) and (2,), which broadcast" in found.message


def test_targets_that_are_not_scaled_are_named() -> None:
    """After 300 steps the outputs have not come near; the next step is to scale the targets."""
    (found,) = findings(trained(scale=100.0, offset=5000.0), "LOS014")
    assert found.level == "warn"
    assert "answering the mean of the targets always gives" in found.message
    assert "scale the targets" in found.next_step


def test_a_rate_that_is_too_low_is_named() -> None:
    """It learns nothing, and is said to know nothing."""
    assert levels(trained(rate=1e-8), "LOS014") == {"warn"}


def test_a_finished_model_that_was_not_trained_is_accused() -> None:
    """One that is worse than the mean gives an alarm; too few samples tell nothing."""
    torch.manual_seed(0)
    model = nn.Linear(8, 1)
    assert levels(pel.loss.sanity(model, data(256, 1), F.mse_loss), "LOS014") == {"alarm"}
    assert levels(pel.loss.sanity(model, data(50, 1), F.mse_loss), "LOS014") == {"not-measured"}


def test_targets_that_are_all_the_same_tell_nothing() -> None:
    """Their mean cannot be beaten."""
    x = data(256, 1)[0]
    assert levels(pel.loss.sanity(nn.Linear(8, 1), (x, torch.ones(256, 1)), F.mse_loss), "LOS014") == {"not-measured"}
