"""Tests of curvature: known Hessians, optimizers, arguments, and models that come back."""

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
from pellucid.windows.loss import Curvature, CurvatureOptions
from tests.kinds import Net, batch

BRIEF = CurvatureOptions(products=8, starts=1, steps=4, directions=3)
Guarded = Callable[[nn.Module], AbstractContextManager[None]]


class Bowl(nn.Module):
    """A parabola over two filters of four weights, with the eigenvalues 0 to 7."""

    def __init__(self) -> None:
        super().__init__()
        self.at = nn.Parameter(torch.linspace(1, 2, 8).double().reshape(2, 4))

    def forward(self, x: Tensor) -> Tensor:
        """Return the height for every example."""
        return (0.5 * self.at.square().reshape(-1) * torch.arange(8.0)).sum() + 0 * x.sum(1)


def height(output: Tensor, target: Tensor) -> Tensor:
    """Return the mean height."""
    return output.mean() + 0 * target.sum()


def test_a_parabola_has_the_eigenvalues_that_it_was_made_with() -> None:
    """Ends, trace and sharpness of a known Hessian are right, and the ends are known to rounding."""
    data = (torch.ones(40, 3), torch.zeros(40))
    options = CurvatureOptions(starts=60, steps=8, directions=150)
    found = pel.loss.curvature(Bowl(), data, loss=height, options=options)
    assert found.highest == pytest.approx(7)
    assert found.lowest == pytest.approx(0, abs=1e-9)
    assert found.bounds[1] < 1e-6
    assert found.trace == pytest.approx(28, rel=0.15)
    squares = (np.linspace(1, 2, 8) ** 2).reshape(2, 4).sum(1)
    expected = squares @ np.arange(8).reshape(2, 4).sum(1) / 4  # |w|^2 / n times the trace of each filter's block
    assert abs(found.sharpness - expected) < 2 * found.interval
    assert 0 < found.interval < 0.1 * expected


def test_batches_of_any_size_give_one_hessian() -> None:
    """However the data is divided, the last batch being small, the ends are those of the mean over all examples."""
    model, (x, y) = Net(), batch(100)
    whole = pel.loss.curvature(model, (x, y), options=CurvatureOptions(starts=0, directions=0))
    parts = [(x[:64], y[:64]), (x[64:97], y[64:97]), (x[97:], y[97:])]
    divided = pel.loss.curvature(model, parts, options=CurvatureOptions(starts=0, directions=0))
    assert divided.highest == pytest.approx(whole.highest, rel=1e-4)
    assert divided.lowest == pytest.approx(whole.lowest, rel=1e-3)


def test_adam_feels_the_hessian_that_it_divides() -> None:
    """The preconditioned eigenvalue is that of the dense matrix between roots of what Adam divides by."""
    torch.manual_seed(0)
    model = nn.Linear(4, 3, bias=False).double()
    x, y = torch.randn(30, 4).double(), torch.randint(0, 3, (30,))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1, eps=1e-3)
    for _ in range(5):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    optimizer.zero_grad()
    here = model.weight.detach().reshape(-1)
    hessian = torch.autograd.functional.hessian(lambda w: F.cross_entropy(x @ w.reshape(3, 4).T, y), here)
    second = optimizer.state[model.weight]["exp_avg_sq"].reshape(-1) / (1 - 0.999**5)
    root = (second.sqrt() + 1e-3).rsqrt()
    expected = float(torch.linalg.eigvalsh(root[:, None] * hessian * root)[-1])
    found = pel.loss.curvature(model, (x, y), optimizer=optimizer, options=CurvatureOptions(starts=0, directions=0))
    assert found.preconditioned == pytest.approx(expected, rel=1e-6)
    assert found.edge == pytest.approx(38 / 0.1)
    assert found.steepest == found.preconditioned


def test_it_is_saved_and_drawn(tmp_path: Any) -> None:
    """A file gives it back, and the picture has spectrum, directions and figures."""
    model = Net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    found = pel.loss.curvature(model, batch(64), optimizer=optimizer, options=BRIEF)
    again = Curvature.load(found.save(tmp_path / "curvature.safetensors"))
    assert again.findings == found.findings
    figure = again.figure()
    assert [one.title for one in figure.panels] == ["Spectrum of the Hessian", "Along random directions", "In figures"]
    places, density = found.density
    assert float(((density[1:] + density[:-1]) / 2 * np.diff(places)).sum()) == pytest.approx(1, abs=0.01)


def test_the_model_comes_back(model_is_untouched: Guarded) -> None:
    """Weights, gradients, modes and random state are as they were, also where the loss fails."""
    model, (x, y) = Net(), batch(64)
    F.cross_entropy(model(x), y).backward()
    model.first.bias.requires_grad_(False)
    with model_is_untouched(model):
        pel.loss.curvature(model, (x, y), options=BRIEF)

    def failing(output: Any, target: Any) -> Tensor:
        if len(target) > 2:  # not while it is looked at with two examples
            raise RuntimeError("out of ink")
        return F.cross_entropy(output, target)

    with model_is_untouched(model), pytest.raises(RuntimeError, match="out of ink"):
        pel.loss.curvature(model, (x, y), loss=failing, options=BRIEF)


@pytest.mark.parametrize("after", [0, 12])
def test_ctrl_c_keeps_what_was_measured(after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ends that are known are there, and the result says that it was stopped; before that Ctrl-C is raised."""
    ground = pel.loss.measure.surroundings.Ground
    plain, count = ground.curved, [0]

    def curved(self: Any, direction: Any) -> Any:
        count[0] += 1
        if count[0] > after:
            raise KeyboardInterrupt
        return plain(self, direction)

    monkeypatch.setattr(ground, "curved", curved)
    if not after:
        with pytest.raises(KeyboardInterrupt):
            pel.loss.curvature(Net(), batch(64), options=BRIEF)
        return
    found = pel.loss.curvature(Net(), batch(64), options=BRIEF)
    assert found.stopped
    (told,) = [one for one in found.findings.every if one.code == "LOS026"]
    assert told.message.startswith("stopped when the largest eigenvalue")
    assert np.isfinite(found.highest)
    assert found.values.size == 0


def _mixed() -> torch.optim.Optimizer:
    model = Net()
    return torch.optim.SGD(
        [{"params": model.first.parameters(), "lr": 0.1}, {"params": model.head.parameters()}], lr=0.2
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"optimizer": _mixed()}, "optimizer=SGD with 2 different settings came; expected SGD, Adam or AdamW with one"),
        (
            {"optimizer": torch.optim.Adam(Net().parameters())},
            "The optimizer has no memory of a parameter of shape (16, 12)",
        ),
        ({"optimizer": torch.optim.Adagrad(Net().parameters())}, "optimizer=Adagrad with 1 different settings came;"),
        (
            {"data": (batch(8)[0] * float("nan"), batch(8)[1])},
            "Product 1 of the Hessian with a vector is not finite. The",
        ),
    ],
)
def test_what_cannot_be_used_is_refused(arguments: dict[str, Any], message: str) -> None:
    """The message says what came and what is expected."""
    with pytest.raises(InputError, match=f"^{re.escape(message)}"):
        pel.loss.curvature(Net(), **({"data": batch(8), "options": BRIEF} | arguments))


def test_batches_and_weighted_losses_give_one_hessian() -> None:
    """The ends are those of the loss over all examples also where classes weigh and losses are added up."""
    model, (x, y) = Net(), batch(100)
    order = y.argsort()  # classes of one kind together, so that parts weigh differently
    options = CurvatureOptions(starts=0, directions=0)
    weight = torch.tensor([1.0, 5.0, 9.0, 0.5])
    mean, summed = nn.CrossEntropyLoss(weight=weight), nn.CrossEntropyLoss(weight=weight, reduction="sum")
    found = [pel.loss.curvature(model, (x[one], y[one]), loss=mean, options=options) for one in (order, slice(None))]
    assert found[0].highest == pytest.approx(found[1].highest, rel=1e-4)
    added = pel.loss.curvature(model, (x, y), loss=summed, options=options)
    assert added.highest == pytest.approx(found[0].highest * float(weight[y].sum()), rel=1e-4)


def test_half_precision_and_plain_numbers() -> None:
    """Half precision has a curvature; a loss that is a plain number has none, and is refused."""
    torch.manual_seed(0)
    model, (x, y) = nn.Linear(12, 4).bfloat16(), batch(64)
    half = pel.loss.curvature(model, (x.bfloat16(), y), options=BRIEF)
    whole = pel.loss.curvature(model.float(), (x.bfloat16().float(), y), options=BRIEF)
    assert half.highest == pytest.approx(whole.highest, rel=0.05)
    with pytest.raises(InputError, match=r"^The loss came without a gradient, as a plain number and a detached tensor"):
        pel.loss.curvature(model, (x, y), loss=lambda output, _: output.detach().sum(), options=BRIEF)
