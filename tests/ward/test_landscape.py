"""Sick and healthy ground for the rules on landscapes: LOS022 to LOS024."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import pellucid as pel
from pellucid.core.finding import Finding, Level
from pellucid.windows.loss import Landscape
from tests.kinds import Net, batch

QUICK = pel.loss.LandscapeOptions(lines=0)


def says(result: Landscape, code: str) -> Finding:
    """What one rule says."""
    (found,) = [one for one in result.findings.every if one.code == code]
    return found


def trained(steps: int = 200) -> nn.Module:
    """Return a small net that has learned its classes."""
    model, (x, y) = Net(), batch(512)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(steps):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    return model


class Wave(nn.Module):
    """Outputs that swing many times within the length of the weights."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.head = nn.Linear(12, 32), nn.Linear(32, 4)

    def forward(self, x: Tensor) -> Tensor:
        """Classify."""
        return self.head(torch.sin(30 * self.inner(x)))


class Logarithm(nn.Module):
    """A logarithm without a guard: of weights that change their sign there is none."""

    def __init__(self) -> None:
        super().__init__()
        self.scale, self.head = nn.Linear(12, 12), nn.Linear(12, 4)
        nn.init.constant_(self.scale.weight, 0.02)

    def forward(self, x: Tensor) -> Tensor:
        """Classify."""
        return self.head(torch.log(self.scale(x.abs())))


def test_a_trained_network_lies_on_sound_ground() -> None:
    """No rule has anything to say of a small net that learned, seen on what it was trained on and on other data."""
    model = trained()
    for data in (batch(512), batch(700)):
        found = pel.loss.landscape(model, data, options=QUICK)
        assert {one.level for one in found.findings.every} == {"ok"}
        assert found.bent_down < 0.3


def test_weights_beside_a_lower_place_are_told() -> None:
    """Along the gradient a net that has hardly learned falls, and the place is named."""
    model, (x, y) = trained(3), batch(512)
    model.eval()
    down = torch.autograd.grad(F.cross_entropy(model(x), y), list(model.parameters()))
    across = [torch.zeros_like(one) for one in model.parameters()]
    across[0][0, 0] = 1.0
    found = pel.loss.landscape(model, (x, y), directions=(down, across), radius=8.0, options=QUICK)
    said = says(found, "LOS022")
    assert said.level == "look"
    assert said.value is not None
    assert said.value > 0.1 * found.middle
    assert f"{found.middle:.3g} at the weights" in said.message


def test_a_loss_without_a_value_near_the_weights_is_a_warning() -> None:
    """A logarithm of what turns negative is found, with the nearest such point."""
    torch.manual_seed(0)
    found = pel.loss.landscape(Logarithm(), batch(64), radius=2.0, options=QUICK)
    said = says(found, "LOS023")
    assert said.level == "warn"
    assert "NaN or infinite at" in said.message
    assert found.measured.all()
    healthy = pel.loss.landscape(trained(), batch(64), options=QUICK)
    assert says(healthy, "LOS023").level == "ok"


def test_rough_ground_is_told() -> None:
    """Ground that swings bends down at most places; that of a sound net does not."""
    found = pel.loss.landscape(Wave(), batch(128), options=QUICK)
    assert says(found, "LOS024").level == "look"
    assert found.bent_down > 0.5


def test_flat_ground_is_not_called_rough() -> None:
    """Before training the loss hardly changes on a small plane, however that bends."""
    found = pel.loss.landscape(Wave(), batch(128), radius=1e-4, options=QUICK)
    said = says(found, "LOS024")
    assert said.level == "not-measured"
    assert said.message.startswith("the ground is nearly flat: the loss differs by ")


def test_too_little_is_not_judged() -> None:
    """A few cells, one part of the data and a loss that is NaN are not measured."""
    small = pel.loss.landscape(Net(), batch(64), resolution=5, options=QUICK)
    assert says(small, "LOS024").level == "not-measured"
    few = pel.loss.landscape(Net(), batch(8), resolution=5, options=QUICK)
    assert says(few, "LOS022").level == "not-measured"
    x, y = batch(64)
    nan = pel.loss.landscape(Net(), (x * float("nan"), y), resolution=5, options=QUICK)
    assert {one.code: one.level.value for one in nan.findings.every}["LOS022"] == "not-measured"
    assert says(nan, "LOS023").level == "warn"
    assert not np.isfinite(nan.losses).any()


@pytest.mark.parametrize("after", [0, 1, 5])
def test_ctrl_c_keeps_what_was_measured(after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was reached is there, and says so; where nothing was, Ctrl-C is raised."""
    ground = pel.loss.measure.surroundings.Ground
    plain, count = ground.losses, [0]

    def losses(self: object, offsets: object) -> Tensor:
        count[0] += 1
        if count[0] > after:
            raise KeyboardInterrupt
        return plain(self, offsets)

    monkeypatch.setattr(ground, "losses", losses)
    if not after:
        with pytest.raises(KeyboardInterrupt):
            pel.loss.landscape(Net(), batch(64), options=QUICK)
        return
    found = pel.loss.landscape(Net(), batch(64), options=QUICK)
    assert found.stopped
    assert found.measured.sum() == after
    assert np.isfinite(found.middle)
    assert says(found, "LOS022").message == f"stopped after {after} point{'s' * (after > 1)} of the plane"


def test_ground_that_levels_off_is_not_called_rough() -> None:
    """Neither along a path nor where batch norm is measured anew: sound ground bends down there, too."""
    wave = pel.loss.landscape(Wave(), batch(256), options=QUICK)
    assert says(wave, "LOS024").level == Level.LOOK
    for other in (replace(wave, directions="path"), replace(wave, statistics="recalibrated")):
        assert says(other, "LOS024").level == Level.NOT_MEASURED
