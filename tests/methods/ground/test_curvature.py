"""Tests of curvature against dense Hessians."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pellucid.methods.ground import Ground, random_direction
from pellucid.methods.ground.curvature import hessian, lanczos, sharpness, start_of, unflattened
from pellucid.probe.filters import filters_of


@pytest.fixture(scope="module")
def small() -> tuple[nn.Module, Tensor, Tensor]:
    """A tanh net of 99 weights that was trained a little, and its data, float64."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 3)).double()
    x, y = torch.randn(90, 8, dtype=torch.float64), torch.randint(0, 3, (90,))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
    for _ in range(60):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    optimizer.zero_grad()
    return model, x, y


def dense(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """Return the Hessian row by row, from second derivatives of the whole."""
    parameters = list(model.parameters())
    slope = torch.cat(
        [one.reshape(-1) for one in torch.autograd.grad(F.cross_entropy(model(x), y), parameters, create_graph=True)]
    )
    rows = [torch.autograd.grad(one, parameters, retain_graph=True) for one in slope]
    return torch.stack([torch.cat([one.reshape(-1) for one in row]) for row in rows])


def walked(model: nn.Module, x: Tensor, y: Tensor, sizes: tuple[int, ...]) -> Iterator[Ground]:
    """Yield the ground of a model on data divided into parts of some sizes."""
    pieces = zip(x.split(list(sizes)), y.split(list(sizes)), sizes, strict=True)
    with Ground(model, filters_of(model), [(a, b, float(n)) for a, b, n in pieces], F.cross_entropy).walked() as there:
        yield there


@pytest.mark.parametrize("sizes", [(90,), (40, 40, 10), (89, 1)])
def test_both_ends_are_those_of_the_dense_hessian(
    small: tuple[nn.Module, Tensor, Tensor], sizes: tuple[int, ...]
) -> None:
    """The largest eigenvalue is right to 1e-6 within 20 products, however the data is divided, and its bound holds."""
    truth = torch.linalg.eigvalsh(dense(*small)).numpy()
    for there in walked(*small, sizes):
        found = lanczos(hessian(there), start_of(there, seed=0), most=20)
        top = found.vector(-1)
        assert abs(found.values[-1] - truth[-1]) <= 1e-6 * truth[-1]
        assert np.abs(truth - found.values[-1]).min() <= found.bounds[-1] + 1e-12
        assert float((hessian(there)(top) - found.values[-1] * top).norm()) <= found.bounds[-1] + 1e-9
        whole = lanczos(hessian(there), start_of(there, seed=0), most=99)
        assert np.allclose(whole.values[[0, -1]], truth[[0, -1]], atol=1e-12)
        assert all(np.abs(truth - one).min() <= far + 1e-9 for one, far in zip(whole.values, whole.bounds, strict=True))
        assert there.passes == 4 * (20 + 1 + len(whole.values))


def test_it_ends_where_both_ends_are_known(small: tuple[nn.Module, Tensor, Tensor]) -> None:
    """With a tolerance no product is spent once both ends are known that well."""
    truth = torch.linalg.eigvalsh(dense(*small)).numpy()
    for there in walked(*small, (90,)):
        counted: list[int] = []
        found = lanczos(hessian(there), start_of(there, seed=0), most=99, tolerance=1e-3, told=counted.append)
        assert 5 <= counted[-1] < 99
        assert abs(found.values[0] - truth[0]) <= 1e-3 * truth[-1]
        assert abs(found.values[-1] - truth[-1]) <= 1e-3 * truth[-1]


def test_quadrature_of_the_spectrum_has_the_moments_of_the_hessian(small: tuple[nn.Module, Tensor, Tensor]) -> None:
    """Values and weights of a start v give v'Hv and v'HHv exactly, and weights add up to 1."""
    matrix = dense(*small).numpy()
    for there in walked(*small, (90,)):
        start = start_of(there, seed=4)
        found = lanczos(hessian(there), start, most=12)
        v = (start / start.norm()).numpy()
        assert found.weights.sum() == pytest.approx(1)
        assert found.weights @ found.values == pytest.approx(v @ matrix @ v)
        assert found.weights @ found.values**2 == pytest.approx(v @ matrix @ matrix @ v)


def test_sharpness_is_the_trace_in_the_size_of_the_filters(small: tuple[nn.Module, Tensor, Tensor]) -> None:
    """The mean of d'Hd over directions is the sum over filters of |w|^2 / n times the trace of their blocks."""
    model, matrix, expected, at = small[0], dense(*small), 0.0, 0
    for parameter in model.parameters():
        rows = parameter.detach() if parameter.ndim > 1 else parameter.detach()[:, None]
        for row in rows:
            block = matrix[at : at + len(row), at : at + len(row)]
            expected += float(row.square().sum() / len(row) * block.trace()) if parameter.ndim > 1 else 0.0
            at += len(row)
    for there in walked(*small, (50, 40)):
        found = sharpness(there, seed=1, directions=300)
    assert abs(found.mean() - expected) <= 3 * found.std(ddof=1) / 300**0.5


def test_a_space_that_the_operator_keeps_to_itself_ends_it() -> None:
    """A start that is an eigenvector gives one value, and a Hessian of 0 gives 0."""
    matrix = torch.diag(torch.tensor([3.0, 2.0, 1.0], dtype=torch.float64))
    found = lanczos(lambda v: matrix @ v, torch.tensor([1.0, 0, 0], dtype=torch.float64), most=3)
    assert found.values.tolist() == [3.0]
    assert lanczos(torch.zeros_like, torch.ones(3), most=3).values.tolist() == [0.0]


def test_a_product_that_is_not_finite_is_told() -> None:
    """NaN in a product ends it with the number of the product."""
    with pytest.raises(FloatingPointError, match="Product 1 of the Hessian with a vector is not finite"):
        lanczos(lambda v: v * float("nan"), torch.ones(3), most=3)


def test_vectors_and_directions_are_two_ways_to_write_the_same(small: tuple[nn.Module, Tensor, Tensor]) -> None:
    """A flat vector falls into tensors of the shapes of the parameters, in their order."""
    for there in walked(*small, (90,)):
        vector = torch.arange(99.0)
        assert torch.equal(torch.cat([one.reshape(-1).float() for one in unflattened(vector, there)]), vector)


class Fused(nn.Module):
    """Self-attention as PyTorch fuses it, or by hand."""

    def __init__(self, *, by_hand: bool) -> None:
        super().__init__()
        self.mix, self.head, self.by_hand = nn.Linear(8, 24), nn.Linear(8, 3), by_hand

    def forward(self, x: Tensor) -> Tensor:
        """Return logits, [N, 3], of sequences, [N, T, 8]."""
        query, key, value = self.mix(x).unsqueeze(1).chunk(3, -1)
        if self.by_hand:
            mixed = (query @ key.transpose(-1, -2) / 8**0.5).softmax(-1) @ value
        else:
            mixed = F.scaled_dot_product_attention(query, key, value)
        return self.head(mixed.squeeze(1).mean(1))


def test_fused_attention_is_differentiated_twice() -> None:
    """PyTorch knows no second derivative of its fused kernels, and curvature needs one."""
    x, y = torch.randn(12, 5, 8).double(), torch.arange(12) % 3
    found: list[Tensor] = []
    weights = Fused(by_hand=True).double().state_dict()
    for by_hand in (True, False):
        model = Fused(by_hand=by_hand).double()
        model.load_state_dict(weights)
        filters = filters_of(model)
        with Ground(model, filters, [(x, y, 12.0)], F.cross_entropy).walked() as there:
            bends = there.curved(random_direction(filters, seed=0, gains=True))
        found.append(nn.utils.parameters_to_vector(bends))
    assert torch.allclose(*found, atol=1e-12)
    assert found[0].abs().max() > 0.01
