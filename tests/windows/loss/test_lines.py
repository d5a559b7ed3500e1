"""Tests of single lines: between two models, and along the step of an optimizer."""

import copy
import re
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
from tests.kinds import Net, batch

Guarded = Callable[[nn.Module], AbstractContextManager[None]]


class Plain(nn.Module):
    """Two layers without a norm, so that units can be put into another order."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.head = nn.Linear(12, 24), nn.Linear(24, 4)

    def forward(self, x: Tensor) -> Tensor:
        """Classify."""
        return self.head(torch.relu(self.first(x)))

    def shuffled(self) -> "Plain":
        """Return the same function with its units in another order."""
        order = torch.randperm(24, generator=torch.Generator().manual_seed(3))
        there = copy.deepcopy(self)
        with torch.no_grad():
            there.first.weight.copy_(self.first.weight[order])
            there.first.bias.copy_(self.first.bias[order])
            there.head.weight.copy_(self.head.weight[:, order])
        return there


def trained(model: nn.Module, steps: int = 300, rate: float = 1e-2) -> nn.Module:
    """Train on all of the data."""
    x, y = batch(256)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    for _ in range(steps):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    optimizer.zero_grad()
    return model


class Wells(nn.Module):
    """One weight, whose loss is w^4 - 2 w^2 + 1: a barrier of height 1 between -1 and 1."""

    def __init__(self, at: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([[at]], dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        """Return the loss of each example."""
        w = self.weight[0, 0]
        return (w**4 - 2 * w**2 + 1) * x


ONES = (torch.ones(64, dtype=torch.float64), torch.zeros(64, dtype=torch.float64))


def mean(output: Tensor, _: Tensor) -> Tensor:
    """Return what came."""
    return output.mean()


def test_a_barrier_of_known_height() -> None:
    """Between two wells the loss is that of the formula at every place, and the barrier is 1."""
    found = pel.loss.interpolation(Wells(-1.0), Wells(1.0), ONES, loss=mean)
    w = 2 * found.places - 1
    np.testing.assert_allclose(found.losses, w**4 - 2 * w**2 + 1, atol=1e-12)
    assert found.barrier == pytest.approx(1.0, abs=1e-12)
    assert found.top == 10
    assert (found.distance, found.cosine) == (pytest.approx(2.0), pytest.approx(-1.0))
    assert np.isnan(found.wrong).all()
    np.testing.assert_allclose(found.rise_errors, 0, atol=1e-12)  # all examples are alike


def test_a_copy_with_its_units_in_another_order_is_across_a_barrier() -> None:
    """Both ends are alike, and what lies between is not; a model beside itself has no barrier at all."""
    model, data = trained(Plain()), batch(256)
    apart = pel.loss.interpolation(model, model.shuffled(), data)
    assert apart.barrier > 0.1
    assert apart.losses[0] == pytest.approx(apart.losses[-1], rel=1e-5)
    same = pel.loss.interpolation(model, copy.deepcopy(model), data)
    assert same.barrier < 1e-9
    assert same.distance == 0


def test_wrong_predictions_are_counted() -> None:
    """At both ends their share is that of the models themselves, padding left out."""
    first, second, (x, y) = trained(Plain(), 20), trained(Plain(), 40), batch(128)
    y = y.clone()
    y[:30] = -100
    found = pel.loss.interpolation(first, second, (x, y))
    for model, place in ((first, 0), (second, -1)):
        with torch.no_grad():
            wrong = (model(x).argmax(1) != y)[30:].double().mean()
        assert found.wrong[place] == pytest.approx(float(wrong), abs=1e-12)
    assert np.isfinite(found.wrong_errors).all()


@pytest.mark.parametrize("wrapped", [False, True])
def test_state_dicts_are_models(wrapped: bool) -> None:
    """A state dict, also of a wrapped model, gives what the model gives, bit for bit."""
    first, second, data = Net(), trained(Net(), 20), batch(64)
    state = second.state_dict()
    if wrapped:
        state = {f"module.{name}": one for name, one in state.items()}
    by_state, by_model = (pel.loss.interpolation(first, one, data) for one in (state, second))
    np.testing.assert_array_equal(by_state.losses, by_model.losses)


def test_batch_norm_is_measured_anew_and_other_buffers_are_told() -> None:
    """Statistics of neither end matter; a buffer in which both differ is named."""

    class Shifted(Net):
        def __init__(self, shift: float) -> None:
            super().__init__()
            self.register_buffer("shift", torch.tensor(shift))

        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) + self.shift

    first, data = Shifted(0.0), batch(64)
    second = copy.deepcopy(first)
    second.shift += 1
    second.norm.running_mean += 100
    found = pel.loss.interpolation(first, second, data)
    assert found.statistics == "recalibrated"
    assert found.buffers == ("shift",)
    assert "Buffers are those of the first model all the way: shift." in found.figure().caveat
    assert found.barrier < 1e-9


def test_frozen_parameters_move_too() -> None:
    """What is not trained, and differs, is on the line as well."""
    first, second = Wells(-1.0), Wells(1.0)
    first.weight.requires_grad_(False)
    first.extra = nn.Parameter(torch.zeros(1, dtype=torch.float64))
    second.extra = nn.Parameter(torch.zeros(1, dtype=torch.float64))
    assert pel.loss.interpolation(first, second, ONES, loss=mean).barrier == pytest.approx(1.0)


def test_models_come_back(model_is_untouched: Guarded) -> None:
    """Both models are as they were, also where the loss fails half way."""
    first, second, data = Net(), Net(), batch(64)
    with model_is_untouched(first), model_is_untouched(second):
        pel.loss.interpolation(first, second, data)
    seen = 0

    def failing(output: Tensor, target: Tensor) -> Tensor:
        nonlocal seen
        seen += 1
        if seen > 9:
            raise RuntimeError("out of ink")
        return F.cross_entropy(output, target)

    with model_is_untouched(first), pytest.raises(RuntimeError, match="out of ink"):
        pel.loss.interpolation(first, second, data, loss=failing)
    with model_is_untouched(first):
        pel.loss.line_search(first, data, optimizer=torch.optim.SGD(first.parameters(), lr=0.1))


def interrupting(after: int) -> Callable[[Tensor, Tensor], Tensor]:
    """Return a loss during which somebody presses Ctrl-C."""
    calls = 0

    def loss(output: Tensor, target: Tensor) -> Tensor:
        nonlocal calls
        calls += 1
        if calls == after:
            raise KeyboardInterrupt
        return F.cross_entropy(output, target)

    return loss


def test_ctrl_c_returns_what_is_done() -> None:
    """Both ends and the middle come first, evenly; before both ends there is nothing to return."""
    first, second, data = Plain(), Plain(), batch(16)
    found = pel.loss.interpolation(first, second, data, loss=interrupting(7))
    assert found.stopped
    assert np.flatnonzero(np.isfinite(found.losses)).tolist() == [0, 5, 10, 20]
    assert "stopped before all points" in found.findings.every[0].message
    with pytest.raises(KeyboardInterrupt):
        pel.loss.interpolation(first, second, data, loss=interrupting(4))
    search = pel.loss.line_search(first, data, loss=interrupting(9))
    assert search.stopped
    assert len(search.steps) >= 1


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (dict, "The second model has no parameter 'first.weight', 'first.bias', 'head.weight' …, 4 of 4 in all; "),
        (lambda: {"model": Plain().state_dict()}, "The second model has no parameter 'first.weight'"),
        (lambda: nn.Linear(12, 4), "The second model has no parameter 'first.weight'"),
        (
            lambda: {name: one[:1] for name, one in Plain().state_dict().items()},
            "second has shape (1, 12) for 'first.weight'; expected (24, 12).",
        ),
        (
            lambda: {name: one * float("nan") for name, one in Plain().state_dict().items()},
            "second is not finite at 'first.weight' in torch.float32.",
        ),
    ],
)
def test_another_model_is_refused(second: Callable[[], Any], message: str) -> None:
    """The message names what is missing or does not fit."""
    with pytest.raises(InputError, match=f"^{re.escape(message)}"):
        pel.loss.interpolation(Plain(), second(), batch(8))


class Bowl(nn.Module):
    """Two weights on a parabola: (4 a^2 + b^2) / 2."""

    def __init__(self, a: float = 1.0, b: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([[a, b]], dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        """Return the loss of each example."""
        return (4 * self.weight[0, 0] ** 2 + self.weight[0, 1] ** 2) / 2 * x


def test_the_best_step_on_a_parabola_is_the_one_predicted() -> None:
    """|g|^2 / g'Hg = 17 / 65, with slope 17 and the loss of the formula after every step."""
    found = pel.loss.line_search(Bowl(), ONES, loss=mean)
    assert found.predicted == pytest.approx(17 / 65, rel=1e-12)
    assert (found.slope, found.bend) == (pytest.approx(17.0), pytest.approx(65.0))
    assert found.best == pytest.approx(17 / 65, rel=0.02)
    expected = (4 * (1 - 4 * found.steps) ** 2 + (1 - found.steps) ** 2) / 2
    np.testing.assert_allclose(found.losses, expected, atol=1e-9)
    assert found.steps[0] == 0
    assert (np.diff(found.steps) > 0).all()


@pytest.mark.parametrize(
    ("rate", "level", "word"),
    [
        (1e-5, "look", "timid"),
        (0.01, "ok", "timid"),
        (0.2, "ok", "good"),
        (0.4, "ok", "overshoots"),
        (0.6, "look", "rises"),
        (1e300, "look", "rises"),
    ],
)
def test_the_learning_rate_is_judged_beside_the_best(rate: float, level: str, word: str) -> None:
    """From a step that hardly moves to one that ends higher than it began."""
    model = Bowl()
    found = pel.loss.line_search(model, ONES, loss=mean, optimizer=torch.optim.SGD(model.parameters(), lr=rate))
    (finding,) = found.findings.every
    assert finding.level.name.lower() == level
    assert finding.message.startswith(f"{word}: a step with the learning rate")
    assert found.figure().panels


def test_adam_is_searched_along_its_own_direction() -> None:
    """Each weight of the gradient is divided by what Adam will divide it by, the gradient of all data remembered."""
    model = Bowl()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    model(ONES[0]).mean().backward()
    optimizer.step()
    optimizer.zero_grad()
    found = pel.loss.line_search(model, ONES, loss=mean, optimizer=optimizer)
    gradient = torch.tensor([4.0, 1.0], dtype=torch.float64) * model.weight.detach()[0]
    square = optimizer.state[model.weight]["exp_avg_sq"][0] * 0.999 + 0.001 * gradient**2
    direction = gradient / ((square / (1 - 0.999**2)).sqrt() + 1e-8)
    assert found.slope == pytest.approx(float(gradient @ direction), rel=1e-9)
    assert found.optimizer == "Adam"


def test_ground_that_only_falls_is_followed() -> None:
    """Where a parabola says nothing, steps are doubled until the loss rises or ends."""

    class Slope(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(1, 1, dtype=torch.float64))

        def forward(self, x: Tensor) -> Tensor:
            w = self.weight[0, 0]
            return x * (torch.log1p(torch.exp(-w)) + 1e-8 * w**2)

    found = pel.loss.line_search(Slope(), ONES, loss=mean)
    assert found.best > 20  # 0.5 is the slope: minus that times the step is the weight
    assert found.losses[found.place] < 0.01 * found.before


def test_no_direction_leads_down_from_a_flat_place() -> None:
    """A gradient of 0 or NaN is told, with what to do."""
    with pytest.raises(InputError, match=r"^The gradient of the loss has the squared length 0 at these weights"):
        pel.loss.line_search(Bowl(0.0, 0.0), ONES, loss=mean)


def test_an_optimizer_without_memory_is_refused() -> None:
    """Adam before its first step has nothing to divide by; others are not known."""
    model = Bowl()
    with pytest.raises(InputError, match=r"^The optimizer has no memory of a parameter of shape \(1, 2\)"):
        pel.loss.line_search(model, ONES, loss=mean, optimizer=torch.optim.Adam(model.parameters()))
    with pytest.raises(InputError, match=r"^optimizer=LBFGS with 1 different settings came; expected SGD, Adam or"):
        pel.loss.line_search(model, ONES, loss=mean, optimizer=torch.optim.LBFGS(model.parameters()))


def test_lines_are_saved_and_drawn(tmp_path: Any) -> None:
    """Files give them back, and pictures have their panels."""
    first, second, data = Net(), trained(Net(), 20), batch(64)
    line = pel.loss.interpolation(first, second, data)
    search = pel.loss.line_search(second, data, optimizer=torch.optim.SGD(second.parameters(), lr=0.1))
    for number, one in enumerate((line, search)):
        assert type(one).load(one.save(tmp_path / f"{number}.safetensors")) == one
    assert [one.title for one in line.figure().panels] == ["Loss", "Share of wrong predictions", "In figures"]
    assert [one.title for one in search.figure().panels] == ["By step length", "In figures"]
