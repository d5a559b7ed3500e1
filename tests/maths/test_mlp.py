"""The gradient by hand against that of torch, and against differences."""

import re

import numpy as np
import pytest
import torch
from torch import nn

from pellucid.core.errors import InputError
from pellucid.maths.mlp import Mlp


def as_torch(model: Mlp, dtype: torch.dtype) -> nn.Sequential:
    """Return the same network in torch."""
    hidden, classes = nn.Linear(256, 32), nn.Linear(32, 10)
    for layer, weight, bias in ((hidden, model.w1, model.b1), (classes, model.w2, model.b2)):
        layer.weight.data, layer.bias.data = torch.from_numpy(weight), torch.from_numpy(bias)
    return nn.Sequential(hidden, nn.ReLU(), classes).to(dtype)


def biased(seed: int) -> Mlp:
    """Return a network whose biases are not 0."""
    rng = np.random.default_rng(seed)
    plain = Mlp.random(rng)
    return Mlp(plain.w1, rng.normal(size=32) / 4, plain.w2, rng.normal(size=10))


@pytest.mark.parametrize(("dtype", "close"), [(np.float32, 1e-6), (np.float64, 1e-12)])
@pytest.mark.parametrize("seed", range(5))
def test_the_map_is_that_of_torch(dtype: type, close: float, seed: int) -> None:
    """Logits and maps agree for every class, to the precision of the numbers."""
    exact = biased(seed)
    model = Mlp(*(one.astype(dtype) for one in (exact.w1, exact.b1, exact.w2, exact.b2)))
    x = np.random.default_rng(seed + 100).normal(size=256).astype(dtype)
    twin = as_torch(model, torch.float32 if dtype is np.float32 else torch.float64)
    leaf = torch.from_numpy(x).requires_grad_()
    scores = twin(leaf)
    logits, z1, h = model.forward(x)
    assert logits.dtype == z1.dtype == h.dtype == model.saliency(x, 0).dtype == dtype
    np.testing.assert_allclose(logits, scores.detach().numpy(), atol=10 * close)
    for target in range(10):
        (gradient,) = torch.autograd.grad(scores[target], leaf, retain_graph=True)
        np.testing.assert_allclose(model.saliency(x, target), gradient.numpy().reshape(16, 16), atol=close)


def test_a_unit_at_zero_is_off() -> None:
    """Where z1 is exactly 0 the slope is 0, as in torch."""
    model = Mlp(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([0.0, -1.0]), np.array([[2.0, 3.0]]), np.zeros(1))
    assert model.gradient(np.array([0.0, 2.0]), 0).tolist() == [0.0, 3.0]
    assert model.gradient(np.array([1.0, 1.0]), 0).tolist() == [2.0, 0.0]


def test_a_nudge_moves_the_score_as_the_map_says() -> None:
    """The map is the slope of the score: a difference quotient agrees."""
    model, x = biased(7), np.random.default_rng(8).normal(size=256)
    slope = model.gradient(x, 4)
    for pixel in (0, 100, 255):
        nudged = x.copy()
        nudged[pixel] += 1e-6
        measured = (model.forward(nudged)[0][4] - model.forward(x)[0][4]) / 1e-6
        assert measured == pytest.approx(slope[pixel], abs=1e-6)


def test_several_examples_are_as_one_by_one() -> None:
    """The axis of the examples goes before."""
    model, x = biased(1), np.random.default_rng(2).normal(size=(5, 256))
    np.testing.assert_allclose(model.gradient(x, 2), np.stack([model.gradient(one, 2) for one in x]), atol=1e-14)
    assert [part.shape for part in model.forward(x)] == [(5, 10), (5, 32), (5, 32)]


def test_what_does_not_fit_is_refused() -> None:
    """The error says what came and what was expected."""
    model = biased(0)
    with pytest.raises(InputError, match=re.escape("An input of shape (64,) came, expected [256] values.")):
        model.forward(np.zeros(64))
    with pytest.raises(InputError, match=r"^target=10 came, expected 0 to 9\.$"):
        model.gradient(np.zeros(256), 10)
    with pytest.raises(
        InputError, match=re.escape("An input of shape (256,) came; a picture of (8, 8) has 64 pixels.")
    ):
        model.saliency(np.zeros(256), 1, shape=(8, 8))
    with pytest.raises(InputError, match=r"expected w1 \[hidden, inputs\]"):
        Mlp(np.zeros((32, 256)), np.zeros(32), np.zeros((10, 31)), np.zeros(10))
