"""Tests of the ground: filters, directions that do not see scales, and exact places."""

import random
import warnings
from collections.abc import Callable
from copy import deepcopy

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pellucid.core.errors import InputError
from pellucid.methods.ground import Ground, filter_normalized, random_direction
from pellucid.methods.ground.directions import cosine, given_direction, lengths
from pellucid.probe.filters import filters_of

COORDINATES = (-1.0, -0.4, 0.0, 0.7)


class Attention(nn.Module):
    """One head of self-attention with its feed-forward pair, behind a layer norm."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(8)
        self.query, self.key, self.value, self.out = (nn.Linear(8, 8, bias=False) for _ in range(4))
        self.wide, self.narrow, self.head = nn.Linear(8, 16), nn.Linear(16, 8), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits, [N, 3], of sequences, [N, T, 8]."""
        y = self.norm(x)
        weights = (self.query(y) @ self.key(y).transpose(1, 2) / 8**0.5).softmax(-1)
        x = x + self.out(weights @ self.value(y))
        return self.head((x + self.narrow(F.relu(self.wide(x)))).mean(1))


class Conv1D(nn.Module):
    """A dense layer that keeps its weight the other way round, as that of Hugging Face does."""

    def __init__(self, outputs: int, inputs: int) -> None:
        super().__init__()
        self.nf = outputs
        self.weight, self.bias = nn.Parameter(torch.randn(inputs, outputs)), nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Return outputs, [N, outputs]."""
        return x @ self.weight + self.bias


def mlp() -> nn.Sequential:
    """Return a net of two dense layers with a ReLU."""
    return nn.Sequential(nn.Linear(6, 12), nn.ReLU(), nn.Linear(12, 3))


def convolutional() -> nn.Sequential:
    """Return a net with a batch norm that has seen data."""
    norm = nn.BatchNorm2d(5)
    norm.running_mean, norm.running_var = torch.randn(5), torch.rand(5) + 0.5
    return nn.Sequential(nn.Conv2d(2, 5, 3), norm, nn.ReLU(), nn.Flatten(), nn.Linear(5 * 16, 3))


def surface(
    model: nn.Module, x: Tensor, y: Tensor, *, normalized: bool = True, loss: Callable[..., Tensor] = F.cross_entropy
) -> Tensor:
    """Return losses along two random directions, [row, column]."""
    filters = filters_of(model)
    first, second = (random_direction(filters, seed=3, number=n, normalized=normalized) for n in (0, 1))
    ground = Ground(model, filters, [(x, y, 1.0)], loss)
    with ground.walked() as there:
        rows = [torch.stack([there.losses(((a, first), (b, second)))[0] for a in COORDINATES]) for b in COORDINATES]
    return torch.stack(rows)


def change(before: nn.Module, after: nn.Module, x: Tensor, y: Tensor, *, normalized: bool = True) -> float:
    """Return the largest relative difference between two surfaces."""
    first, second = (surface(one, x, y, normalized=normalized) for one in (before, after))
    return float(((second - first) / first).abs().max())


def scaled(model: nn.Module, factors: dict[str, float | Tensor]) -> nn.Module:
    """Return a copy with some tensors multiplied."""
    twin = deepcopy(model)
    with torch.no_grad():
        for name, factor in factors.items():
            tensor = dict([*twin.named_parameters(), *twin.named_buffers()])[name]
            tensor.mul_(factor)
    return twin


@pytest.fixture
def flat() -> tuple[Tensor, Tensor]:
    """Rows of six numbers, and three classes."""
    torch.manual_seed(0)
    return torch.randn(32, 6, dtype=torch.float64), torch.randint(0, 3, (32,))


@pytest.fixture
def words() -> tuple[Tensor, Tensor]:
    """Sequences, and three classes."""
    torch.manual_seed(0)
    return torch.randn(16, 5, 8, dtype=torch.float64), torch.randint(0, 3, (16,))


@pytest.fixture
def pictures() -> tuple[Tensor, Tensor]:
    """Pictures of two channels, and three classes."""
    torch.manual_seed(0)
    return torch.randn(16, 2, 6, 6, dtype=torch.float64), torch.randint(0, 3, (16,))


@pytest.mark.parametrize("factor", [2.0, 10.0, 100.0])
def test_the_surface_does_not_see_the_scale_of_layers(flat: tuple[Tensor, Tensor], factor: float) -> None:
    """A layer times c before a ReLU and the next divided by c is the same function, and the same surface."""
    model = mlp().double()
    twin = scaled(model, {"0.weight": factor, "0.bias": factor, "2.weight": 1 / factor})
    assert change(model, twin, *flat) <= 1e-9
    assert change(model, twin, *flat, normalized=False) > (0.5 if factor > 2 else 0.25)


@pytest.mark.parametrize(
    "pair",
    [
        {"query.weight": 3.0, "key.weight": 1 / 3},
        {"value.weight": 5.0, "out.weight": 1 / 5},
        {"wide.weight": 4.0, "wide.bias": 4.0, "narrow.weight": 1 / 4},
        {"norm.weight": 7.0, "norm.bias": 7.0, "query.weight": 1 / 7, "key.weight": 1 / 7, "value.weight": 1 / 7},
        {"query.weight": torch.arange(1.0, 9)[:, None], "key.weight": 1 / torch.arange(1.0, 9)[:, None]},
    ],
    ids=["query and key", "value and output", "feed-forward", "layer norm", "channels of query and key"],
)
def test_the_surface_does_not_see_the_scales_of_a_transformer(
    words: tuple[Tensor, Tensor], pair: dict[str, float | Tensor]
) -> None:
    """Scales that cancel between two weights of a transformer do not change the surface."""
    torch.manual_seed(1)
    model = Attention().double()
    assert change(model, scaled(model, pair), *words) <= 1e-9


def test_the_surface_does_not_see_the_scale_of_a_filter_before_batch_norm(pictures: tuple[Tensor, Tensor]) -> None:
    """Each filter before a batch norm may have a scale of its own."""
    torch.manual_seed(1)
    model = convolutional().double()
    model[1].eps = 0.0
    c = torch.tensor([0.5, 2, 3, 10, 100], dtype=torch.float64)
    factors: dict[str, float | Tensor] = {"0.weight": c[:, None, None, None], "0.bias": c}
    factors |= {"1.running_mean": c, "1.running_var": c**2}
    assert change(model, scaled(model, factors), *pictures) <= 1e-9


def test_the_surface_does_see_the_scale_of_single_units(flat: tuple[Tensor, Tensor]) -> None:
    """Units that are scaled one by one mix in the rows of the next layer: no normalisation by filter undoes that."""
    model, c = mlp().double(), torch.linspace(0.1, 10, 12, dtype=torch.float64)
    twin = scaled(model, {"0.weight": c[:, None], "0.bias": c, "2.weight": 1 / c})
    assert change(model, twin, *flat) > 0.01


def columns(model: nn.Module, x: Tensor) -> Tensor:
    """Return what a model makes of x when each of its filters is scaled on its own, by the lengths of a direction."""
    filters = filters_of(model)
    direction = filter_normalized([torch.ones_like(one.parameter) for one in filters], filters)
    with torch.no_grad():
        for one, step in zip(filters, direction, strict=True):
            one.parameter.add_(step)
    return model(x)


def test_a_transposed_layer_moves_as_its_dense_twin() -> None:
    """The filters of Conv1D and of a transposed convolution are columns: they move as the rows of a dense twin."""
    torch.manual_seed(0)
    turned, x = Conv1D(4, 3).double(), torch.randn(5, 3, dtype=torch.float64)
    dense = nn.Linear(3, 4).double()
    up = nn.ConvTranspose1d(3, 4, 1).double()
    with torch.no_grad():
        for one, weight in ((dense, turned.weight.T), (up, turned.weight[:, :, None])):
            one.weight.copy_(weight)
            one.bias.zero_()
    expected = columns(dense, x)
    assert torch.allclose(columns(turned, x), expected, atol=1e-12)
    assert torch.allclose(columns(up, x[:, :, None])[:, :, 0], expected, atol=1e-12)


def test_filters_of_a_grouped_transposed_convolution_are_those_of_each_output() -> None:
    """The length of a filter counts the inputs of its own group only."""
    up = nn.ConvTranspose2d(4, 6, 3, groups=2)
    (weight, bias) = filters_of(up)
    assert (weight.count, weight.size) == (6, 2 * 9)
    assert bias.gain
    expected = torch.linalg.vector_norm(up.weight[2:, 1].detach().double())
    assert torch.isclose(weight.norms(up.weight)[1, 0, 1, 0, 0], expected)


def test_filters_of_experts_are_rows_of_each() -> None:
    """A stack of matrices in a module of one's own falls into the rows of each, and says that this is assumed."""
    model = nn.Module()
    model.experts = nn.Parameter(torch.randn(3, 5, 7))
    model.scale = nn.Parameter(torch.ones(8, 1, 1))
    experts, scale = filters_of(model)
    assert (experts.count, experts.size, experts.known) == (15, 7, False)
    assert scale.gain


def test_a_tied_weight_moves_once() -> None:
    """An embedding that is the head, too, has one direction."""
    model = nn.Sequential(nn.Embedding(7, 4), nn.Linear(4, 7, bias=False))
    model[1].weight = model[0].weight
    assert [one.name for one in filters_of(model)] == ["0.weight"]


def test_frozen_parameters_stay_unless_all_are() -> None:
    """What is not trained is not part of the ground; of a frozen model everything is."""
    model = mlp()
    model[0].requires_grad_(False)
    assert [one.name for one in filters_of(model)] == ["2.weight", "2.bias"]
    assert len(filters_of(model.requires_grad_(False))) == 4


def test_biases_norms_and_filters_of_zeros_do_not_move() -> None:
    """Biases, gains and filters whose weights are all 0 have no direction; biases have one when asked for."""
    model = convolutional()
    with torch.no_grad():
        model[0].weight[2] = 0
    filters = filters_of(model)
    direction = dict(zip([one.name for one in filters], random_direction(filters, seed=0), strict=True))
    assert not direction["0.weight"][2].any()
    assert direction["0.weight"][0].any()
    assert not any(direction[name].any() for name in ("0.bias", "1.weight", "1.bias", "4.bias"))
    moved = dict(zip(direction, random_direction(filters, seed=0, gains=True), strict=True))
    assert torch.isclose(moved["0.bias"].norm(), model[0].bias.norm())


def test_a_direction_depends_on_its_seed_and_number_alone() -> None:
    """The same seed and number give the same direction, others another; two are nearly at right angles."""
    filters = filters_of(nn.Linear(40, 40))
    first, again, second = (random_direction(filters, seed=5, number=n) for n in (0, 0, 1))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert abs(cosine(first, second)) < 0.1
    assert lengths(first) == pytest.approx(float(filters[0].parameter.detach().norm()))


def _interrupted(there: Ground, direction: list[Tensor]) -> None:
    there.losses(((1.0, direction),))
    raise KeyboardInterrupt


def test_places_are_exact_and_the_model_comes_back() -> None:
    """Losses b^2 and a + 10 b are met in every cell, and the weights come back bit for bit, also after Ctrl-C."""

    class Point(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.at = nn.Parameter(torch.tensor([[0.3, -0.7]]))

        def forward(self, x: Tensor) -> Tensor:
            return self.at[0] - torch.tensor([0.3, -0.7]) + 0 * x.sum()

    model = Point()
    before = model.at.detach().clone()
    filters = filters_of(model)
    one, other = [torch.tensor([[1.0, 0.0]])], [torch.tensor([[0.0, 1.0]])]
    for loss, truth in (
        (lambda output, _: output[1] ** 2, lambda _, b: b**2),
        (lambda output, _: output[0] + 10 * output[1], lambda a, b: a + 10 * b),
    ):
        with Ground(model, filters, [(torch.zeros(1, 1), None, 1.0)], loss).walked() as there:
            for a in torch.linspace(-1, 1, 5).tolist():
                for b in torch.linspace(-1, 1, 9).tolist():
                    assert float(there.losses(((a, one), (b, other)))) == pytest.approx(truth(a, b), abs=1e-6)
        assert torch.equal(model.at, before)
    ground = Ground(model, filters, [(torch.zeros(1, 1), None, 1.0)], loss)
    with pytest.raises(KeyboardInterrupt), ground.walked() as there:
        _interrupted(there, one)
    assert torch.equal(model.at, before)


def test_recalibrated_statistics_are_those_of_the_data_and_are_put_back(pictures: tuple[Tensor, Tensor]) -> None:
    """With recalibration the loss is that of a model whose batch norm has the statistics of the data."""
    model, (x, y) = convolutional().double(), pictures
    kept = model[1].running_mean.clone()
    twin = deepcopy(model).train()
    twin[1].momentum = 1.0
    twin(x)
    expected = F.cross_entropy(twin.eval()(x), y)
    with Ground(model, filters_of(model), [(x, y, 1.0)], F.cross_entropy, recalibrated=True).walked() as there:
        assert torch.isclose(there.losses(())[0], expected)
    assert torch.equal(model[1].running_mean, kept)
    assert model[1].momentum == 0.1


def test_gradient_and_curvature_are_those_of_the_dense_hessian(flat: tuple[Tensor, Tensor]) -> None:
    """Gradient and Hessian times a vector are those of the whole data, however unevenly it is divided."""
    model, (x, y) = nn.Sequential(nn.Linear(6, 4), nn.Tanh(), nn.Linear(4, 3)).double(), flat
    names = [name for name, _ in model.named_parameters()]
    sizes = [one.numel() for one in model.parameters()]

    def loss(weights: Tensor) -> Tensor:
        parts = [part.reshape(one.shape) for part, one in zip(weights.split(sizes), model.parameters(), strict=True)]
        return F.cross_entropy(torch.func.functional_call(model, dict(zip(names, parts, strict=True)), x), y)

    here = nn.utils.parameters_to_vector(model.parameters()).detach()
    hessian, slope = torch.autograd.functional.hessian(loss, here), torch.autograd.functional.jacobian(loss, here)
    filters = filters_of(model)
    direction = random_direction(filters, seed=0, gains=True)
    flat_direction = nn.utils.parameters_to_vector(direction)
    parts = [(x[:20], y[:20], 20.0), (x[20:31], y[20:31], 11.0), (x[31:], y[31:], 1.0)]
    with Ground(model, filters, parts, F.cross_entropy).walked() as there:
        assert torch.allclose(nn.utils.parameters_to_vector(there.gradient()), slope, atol=1e-12)
        found = nn.utils.parameters_to_vector(there.curved(direction))
    assert torch.allclose(found, hessian @ flat_direction, atol=1e-12)
    assert all(one.grad is None for one in model.parameters())


def test_directions_that_do_not_fit_are_refused() -> None:
    """A direction with too few tensors, another shape or NaN is refused, with what was expected."""
    filters = filters_of(nn.Linear(3, 2))
    with pytest.raises(InputError, match=r"d holds 1 tensors; expected 2, one for each parameter that is trained"):
        given_direction([torch.zeros(2, 3)], filters, name="d")
    with pytest.raises(InputError, match=r"d has shape \(3, 2\) for 'weight'; expected \(2, 3\)\."):
        given_direction([torch.zeros(3, 2), torch.zeros(2)], filters, name="d")
    with pytest.raises(InputError, match=r"d is not finite at 'bias' in torch\.float32"):
        given_direction([torch.zeros(2, 3), torch.full((2,), float("nan"))], filters, name="d")
    with pytest.raises(InputError, match=r"d is not finite at 'bias' in torch\.float32"):
        given_direction([torch.zeros(2, 3), torch.full((2,), 1e300, dtype=torch.float64)], filters, name="d")
    for odd in (None, "up", iter([]), {}, torch.zeros(2), np.zeros((2, 3))):
        with pytest.raises(InputError, match=r"^d.* came; expected a list of a tensor for each parameter"):
            given_direction(odd, filters, name="d")
    weight = torch.zeros(2, 3)
    for one in (weight.tolist(), weight.to_sparse(), weight.to("meta"), weight.to(torch.complex64)):
        with pytest.raises(InputError, match=r"^d holds a .* for 'weight'; expected a dense tensor or array of real"):
            given_direction([one, torch.zeros(2)], filters, name="d")


def test_arrays_are_directions() -> None:
    """Arrays are taken as tensors are."""
    filters = filters_of(nn.Linear(3, 2))
    found = given_direction([np.ones((2, 3)), np.zeros(2, dtype=np.int64)], filters, name="d")
    assert torch.equal(found[0], torch.ones(2, 3))
    assert torch.equal(found[1], torch.zeros(2))


class Gains(nn.Module):
    """Parameters that scale or add, of every shape."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.group, self.root = nn.LayerNorm([4, 6, 6]), nn.GroupNorm(2, 4), nn.RMSNorm([4, 5])
        self.attention = nn.MultiheadAttention(8, 2, add_bias_kv=True)
        self.table_bias = nn.Parameter(torch.randn(4, 5))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the old one is deprecated
            self.old = nn.utils.weight_norm(nn.Linear(4, 5))


def test_norms_biases_and_lengths_are_gains_of_any_shape() -> None:
    """What scales or adds falls into no filters, however many axes it has; what it scales does."""
    gains = {one.name for one in filters_of(Gains()) if one.gain}
    assert gains == {
        *("layer.weight", "layer.bias", "group.weight", "group.bias", "root.weight", "table_bias"),
        *("attention.in_proj_bias", "attention.out_proj.bias", "attention.bias_k", "attention.bias_v"),
        *("old.weight_g", "old.bias"),
    }


class Noisy(nn.Module):
    """Draws in eval mode, from everywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.at = nn.Linear(6, 3)
        self.own, self.numpy = torch.Generator().manual_seed(5), np.random.default_rng(5)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits and noise."""
        plain = random.random() + np.random.rand() + self.numpy.random() + float(torch.rand(()))  # noqa: NPY002
        return self.at(x).double() + plain * torch.arange(3) + torch.rand(3, generator=self.own)


def test_noise_is_the_same_everywhere(flat: tuple[Tensor, Tensor]) -> None:
    """A model that draws from Python, NumPy, PyTorch or generators of its own has one loss at one place."""
    model, (x, y) = Noisy(), flat
    parts = [(x[:16].float(), y[:16], 1.0), (x[16:].float(), y[16:], 1.0)]
    with Ground(model, filters_of(model), parts, F.cross_entropy).walked() as there:
        assert torch.equal(there.losses(()), there.losses(()))


def test_a_model_without_weights_is_refused() -> None:
    """There is no ground around a model without parameters."""
    with pytest.raises(InputError, match="ReLU has no parameter of real numbers"):
        filters_of(nn.ReLU())
