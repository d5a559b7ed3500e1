"""Tests of what a loss may return, and of data that gradients go through."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pellucid.core.errors import InputError
from pellucid.methods.ground import Ground
from pellucid.methods.ground.values import loss_value, outside_inference
from pellucid.probe.filters import filters_of


def data() -> tuple[Tensor, Tensor]:
    """Return rows of six numbers, and three classes."""
    torch.manual_seed(0)
    return torch.randn(32, 6), torch.randint(0, 3, (32,))


@pytest.mark.parametrize("found", [None, "a", 1j, (torch.ones(()), torch.ones(())), torch.ones(3, dtype=torch.cfloat)])
def test_what_is_no_number_is_refused(found: object) -> None:
    """A loss that returns no number is refused, with what came."""
    with pytest.raises(InputError, match=r"^The loss returned a .*; expected one real number, as a tensor or plain"):
        loss_value(found)
    with pytest.raises(InputError, match=r"^The loss returned a torch.float32 tensor of shape \(0,\); expected"):
        loss_value(torch.zeros(0))


def test_numbers_of_any_kind_are_values() -> None:
    """Plain and whole numbers are taken, and several are averaged."""
    for found, value in ((2, 2.0), (np.float64(1.5), 1.5), (torch.tensor([1, 2]), 1.5), (torch.ones(3), 1.0)):
        assert float(loss_value(found)) == value


def test_a_loss_without_a_gradient_has_no_curvature() -> None:
    """A loss that is a plain number is refused where derivatives are asked for."""
    model, (x, y) = nn.Linear(6, 3), data()
    with Ground(model, filters_of(model), [(x, y, 1.0)], lambda output, _: output.detach().sum()).walked() as there:
        for ask in (lambda: there.curved(there.gradient()), there.gradient):
            with pytest.raises(
                InputError, match=r"^The loss came without a gradient, as a plain number and a detached"
            ):
                ask()


def test_data_made_under_inference_mode_is_copied() -> None:
    """Gradients go through a copy of data that was made under inference mode."""
    model, (x, y) = nn.Linear(6, 3), data()
    with torch.inference_mode():
        made = {"x": x.clone(), "more": [y.clone()]}
    assert not outside_inference(made)["more"][0].is_inference()
    with Ground(model, filters_of(model), [((made["x"],), made["more"][0], 1.0)], F.cross_entropy).walked() as there:
        assert all(bool(torch.isfinite(one).all()) for one in there.gradient())


def test_a_single_example_has_no_statistics() -> None:
    """Recalibration with a batch of one is refused in words."""
    model = nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4))
    parts = [(torch.randn(1, 6), torch.zeros(1, dtype=torch.long), 1.0)]
    with (
        Ground(model, filters_of(model), parts, F.cross_entropy, recalibrated=True).walked() as there,
        pytest.raises(InputError, match=r"^Batch norm has no statistics of a batch of 1 example: Expected more than 1"),
    ):
        there.losses(())
