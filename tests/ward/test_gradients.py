"""Sick and healthy networks for the rules on gradients and updates."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pellucid.core.judge import judge
from pellucid.core.learning import Learning
from pellucid.windows.gradients import GradientFlow, flow
from tests.ward.watching import FAULTS, Watched, blobs, findings, levels, mlp, train

CODES = ("GRD001", "GRD002", "GRD003", "GRD004", "GRD005", "GRD006", "GRD007")
LEARNED = Learning(accuracy=0.95, chance=0.25)
STUCK = Learning(steps=200, first=1.39, last=1.38)


@pytest.fixture(scope="module")
def healthy() -> Watched:
    """A network that learns."""
    torch.manual_seed(0)
    return train(mlp(32, 32, 32), steps=30)


@pytest.mark.parametrize("code", CODES)
def test_a_healthy_network_is_not_accused(healthy: Watched, code: str) -> None:
    """Every rule has enough data and is content."""
    assert levels(healthy.gradients, code) == {"ok"}


@pytest.mark.parametrize("code", ["GRD001", "GRD003", "GRD004", "GRD005"])
def test_two_watched_steps_are_too_few(code: str) -> None:
    """A verdict on a run takes three watched steps."""
    assert levels(train(mlp(32, 32, 32), steps=2).gradients, code) == {"not-measured"}


def _deep_sigmoid() -> nn.Module:
    return mlp(*[16] * 12, activation=nn.Sigmoid)


def test_twelve_layers_of_sigmoid_let_the_gradient_vanish() -> None:
    """The first matrix is named; a model that learns well all the same is only looked at."""
    result = train(_deep_sigmoid(), steps=5).gradients
    (found,) = findings(result, "GRD001")
    assert (found.level, found.where) == ("alarm", "0.weight")
    assert found.value < 1e-6
    assert levels(result, "GRD001", learning=LEARNED) == {"look"}


def test_one_batch_gives_a_warning_at_the_most() -> None:
    """A finished model tells less than a run."""
    assert levels(flow(_deep_sigmoid(), blobs()), "GRD001") == {"warn"}
    assert levels(flow(mlp(32, 32, 32), blobs()), "GRD001") == {"ok"}


class _Residual(nn.Module):
    """Branches that begin at zero: their inner weights get no gradient at first, and a tiny one later."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Linear(12, 24)
        self.inner = nn.ModuleList(nn.Linear(24, 24) for _ in range(3))
        self.outer = nn.ModuleList(nn.Linear(24, 24) for _ in range(3))
        self.head = nn.Linear(24, 4)
        for layer in self.outer:
            nn.init.zeros_(layer.weight)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for inner, outer in zip(self.inner, self.outer, strict=True):
            x = x + outer(torch.relu(inner(x)))
        return self.head(x)


class _Adapted(nn.Module):
    """A frozen network with low-rank adapters whose second factor begins at zero."""

    def __init__(self) -> None:
        super().__init__()
        self.base = mlp(24, 24).requires_grad_(requires_grad=False)
        self.down = nn.ModuleList(nn.Linear(wide, 4, bias=False) for wide in (12, 24, 24))
        self.up = nn.ModuleList(nn.Linear(4, wide, bias=False) for wide in (24, 24, 4))
        for layer in self.up:
            nn.init.zeros_(layer.weight)

    def forward(self, x: Tensor) -> Tensor:
        for place, base in enumerate(layer for layer in self.base if isinstance(layer, nn.Linear)):
            x = base(x) + self.up[place](self.down[place](x))
            x = torch.relu(x) if place < 2 else x
        return x


class _Words(nn.Module):
    """An embedding of which each batch uses a few rows."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(5000, 12)
        self.rest = mlp(24, 24)

    def forward(self, x: Tensor) -> Tensor:
        return self.rest(self.table((x[:, 0].abs() * 10).long()))


@pytest.mark.parametrize("model", [_Residual, _Adapted, _Words])
@pytest.mark.parametrize("steps", [3, 25])
def test_special_starts_are_not_accused(model: type[nn.Module], steps: int) -> None:
    """Residual branches and adapters that begin at zero, and words that are not in the batch, are healthy."""
    torch.manual_seed(0)
    watched = train(model(), steps=steps)
    for code in CODES:
        assert not levels(watched.gradients, code) & set(FAULTS), code
    assert not levels(watched.weights, "WGT001") & set(FAULTS)


def test_a_gradient_that_grows_on_its_way_back() -> None:
    """Many layers of tanh with first weights too large let the gradient grow from layer to layer."""
    torch.manual_seed(0)
    model = mlp(*[48] * 16, activation=nn.Tanh)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(20)
    assert levels(train(model, steps=4).gradients, "GRD002") == {"alarm"}


def _spiked(*, at: tuple[int, ...]) -> GradientFlow:
    result = train(mlp(16, 16), steps=20).gradients
    sums = result.gradients.sums.copy()
    sums[list(at), :, 6] *= 1e6
    return replace(result, gradients=replace(result.gradients, sums=sums))


def test_jumps_of_the_gradient_norm() -> None:
    """One jump is warned of at its step, three in a row are an alarm, and a model that learns well is looked at."""
    (found,) = findings(_spiked(at=(12,)), "GRD002")
    assert (found.level, found.step) == ("warn", 12)
    assert levels(_spiked(at=(12, 13, 14)), "GRD002") == {"alarm"}
    assert levels(_spiked(at=(12,)), "GRD002", learning=LEARNED) == {"look"}


def test_a_norm_that_falls_by_thousands_is_no_jump() -> None:
    """The first steps of a run that converges are large beside the last."""
    result = train(mlp(16, 16), steps=20).gradients
    sums = result.gradients.sums.copy()
    sums[..., 6] *= np.logspace(0, -8, 20)[:, None]
    assert levels(replace(result, gradients=replace(result.gradients, sums=sums)), "GRD002") == {"ok"}


@pytest.mark.parametrize("rate", [0.5, 5.0])
def test_a_first_step_larger_than_the_weights(rate: float) -> None:
    """It is one alarm, at the matrix that changed most, and nothing when the model learns well."""
    model = mlp(32, 32)
    result = train(model, torch.optim.Adam(model.parameters(), lr=rate), steps=20).gradients
    (found,) = findings(result, "GRD003")
    assert (found.level, found.step) == ("alarm", 0)
    assert found.where == result.names[int(result.ratio[0].argmax())]
    assert found.value is not None
    assert found.message.startswith("the first watched step changes the weights by ")
    assert found.evidence["learning_rate"] == rate
    assert levels(result, "GRD003", learning=LEARNED) == {"look"}


@pytest.mark.parametrize("rate", [0.5, 5.0])
def test_steps_that_are_too_large(rate: float) -> None:
    """A learning rate far too high after a gentle first step is found at every matrix, blown up or not."""
    model = mlp(32, 32)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def hasten(step: int) -> None:
        optimizer.param_groups[0]["lr"] = rate if step else 1e-3

    result = train(model, optimizer, steps=20, before=hasten).gradients
    found = findings(result, "GRD003")
    assert {one.level.value for one in found} == {"alarm"}
    assert [one.where for one in found] == ["0.weight", "2.weight", "4.weight"]
    assert found[0].evidence["learning_rate"] == rate
    assert levels(result, "GRD003", learning=LEARNED) == {"look"}


def test_steps_that_are_too_small() -> None:
    """Nothing moves and the loss stays: one alarm for the whole run; without the loss it is only looked at."""
    model = mlp(32, 32)
    result = train(model, torch.optim.Adam(model.parameters(), lr=1e-8), steps=10).gradients
    (found,) = findings(result, "GRD004", learning=STUCK)
    assert (found.level, found.where) == ("alarm", "")
    assert levels(result, "GRD004") == {"look"}
    early = Learning(steps=10, first=1.39, last=1.38)
    assert levels(result, "GRD004", learning=early) == {"not-measured"}


def test_a_parameter_left_out_of_the_optimizer() -> None:
    """It is named; when the model learns well all the same it is a warning."""
    model = mlp(32, 32)
    rest = [one for name, one in model.named_parameters() if name != "2.weight"]
    result = train(model, torch.optim.Adam(rest, lr=1e-3), steps=25).gradients
    (found,) = findings(result, "GRD005")
    assert (found.level, found.where) == ("alarm", "2.weight")
    assert found.message == "32 rows did not change over 24 steps: no optimiser holds it"
    assert levels(result, "GRD005", learning=LEARNED) == {"warn"}


class _Detached(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.rest = nn.Linear(12, 16), mlp(16, features=16)

    def forward(self, x: Tensor) -> Tensor:
        return self.rest(self.first(x).detach())


def test_a_detached_first_layer() -> None:
    """Its gradient is None at every step: an alarm."""
    (found,) = findings(train(_Detached(), steps=25).gradients, "GRD005")
    assert (found.level, found.where, found.evidence["gradient"]) == ("alarm", "first.weight", "none")


def test_a_module_that_forward_does_not_use_is_warned_of() -> None:
    """A pooler at the end that nobody calls is probably meant, but trainable."""
    model = mlp(16, 16)
    model.pooler = nn.Linear(8, 8)
    used = nn.Sequential(*list(model)[:5])
    model.forward = used.forward
    assert levels(train(model, steps=25).gradients, "GRD005") == {"warn"}


def test_a_frozen_backbone_is_not_accused() -> None:
    """Neither one that asks for no gradient nor one that the optimiser was simply not given."""
    model = mlp(32, 32, 32)
    model[:4].requires_grad_(requires_grad=False)
    assert levels(train(model, steps=25).gradients, "GRD005") == {"ok"}
    model = mlp(32, 32, 32)
    head = [*model[4].parameters(), *model[6].parameters()]
    assert levels(train(model, torch.optim.Adam(head, lr=1e-3), steps=25).gradients, "GRD005") == {"look"}


class _Expert(nn.Module):
    """A branch that runs on one step in ten."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.common, self.rare = mlp(16, 16), mlp(16)

    def forward(self, x: Tensor) -> Tensor:
        self.count += 1
        return self.common(x) + (self.rare(x) if self.count % 10 == 5 else 0)


def test_parameters_that_are_used_now_and_then_are_not_accused() -> None:
    """They change between watched steps, even when no watched step gave them a gradient."""
    watched = train(_Expert(), steps=61, every=10)
    assert watched.gradients.missing[:, -1].all()
    assert levels(watched.gradients, "GRD005") == {"ok"}


def test_gradients_that_are_not_finite() -> None:
    """The first step and the parameter nearest the loss are named; other rules judge what was before."""
    model = mlp(32, 32, 32)

    def spoil(step: int) -> None:
        if step == 5:
            with torch.no_grad():
                model[2].weight.fill_(float("nan"))

    result = train(model, steps=25, before=spoil).gradients
    (found,) = findings(result, "GRD006")
    assert (found.level, found.where, found.step) == ("alarm", "6.bias", 5)
    assert levels(result, "GRD001") == {"ok"}
    assert levels(result, "GRD005") == {"not-measured"}


def test_without_an_optimizer_step_updates_are_not_measured() -> None:
    """A finished model has no updates."""
    for code in ("GRD003", "GRD004"):
        (found,) = findings(flow(mlp(16, 16), blobs()), code)
        assert (found.level, found.message) == ("not-measured", "no optimiser step was watched")


def test_a_layer_behind_dead_units_gets_a_gradient_of_exactly_zero() -> None:
    """As does the one in front; they are named for what it is, not taken for frozen, and the dead units come first."""
    torch.manual_seed(0)
    model = mlp(32, 32)
    with torch.no_grad():
        model[2].bias.fill_(-40.0)
    watched = train(model, steps=25)
    found = findings(watched.gradients, "GRD007")
    assert {one.level for one in found} == {"alarm"}
    assert [one.where for one in found] == ["0.weight", "2.weight", "4.weight"]
    assert levels(watched.gradients, "GRD005") == {"ok"}
    assert judge([watched.activations, watched.gradients]).problems[0].code == "ACT001"


def test_one_huge_step_and_then_none_is_not_called_too_small(healthy: Watched) -> None:
    """A rate that is far too high kills everything at its first step: GRD004 does not say to raise it."""
    result = healthy.gradients
    once = np.zeros_like(result.updates)
    assert levels(replace(result, updates=once), "GRD004", learning=STUCK) == {"alarm"}
    once[0] = 2 * result.weights[0]
    assert levels(replace(result, updates=once), "GRD004", learning=STUCK) == {"ok"}


def test_gradients_of_zero_are_not_called_small_steps() -> None:
    """Where no gradient arrives, no rate would help: GRD007 says so."""
    torch.manual_seed(0)
    model = mlp(32, 32)
    with torch.no_grad():
        for place in (0, 2):
            model[place].bias.fill_(-40.0)
    result = train(model, steps=25).gradients
    assert not (result.gradients.rms[:, [0, 2, 4]] > 0).any()
    assert levels(result, "GRD004", learning=STUCK) == {"ok"}
    assert levels(result, "GRD007") == {"alarm"}
