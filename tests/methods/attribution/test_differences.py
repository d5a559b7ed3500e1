"""What propagates differences: every function against a twin of dense matrices, and complete."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pellucid.methods.attribution import DeepLift
from tests.methods.attribution.small import DOUBLE, Plain, Way, draw, missed, one_hot
from tests.reference import attribution as reference
from tests.reference import attribution_rules as rules

ASK = reference.ask
error = partial(missed, check="completeness")


# Functions of one value.


def _erf(x: float) -> float:
    return x * (1 + math.erf(x / math.sqrt(2))) / 2


EACH: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[float], float]]] = {
    "ReLU": (nn.ReLU(), lambda x: max(x, 0.0)),
    "in place": (nn.ReLU(inplace=True), lambda x: max(x, 0.0)),
    "F.relu": (F.relu, lambda x: max(x, 0.0)),
    "F.relu in place": (lambda h: F.relu(h, inplace=True), lambda x: max(x, 0.0)),
    "torch.relu": (torch.relu, lambda x: max(x, 0.0)),
    "relu_": (lambda h: h.relu_(), lambda x: max(x, 0.0)),
    "clamp": (lambda h: h.clamp(min=0), lambda x: max(x, 0.0)),
    "relu then changed": (lambda h: F.relu(h) + 0 * h.add_(1), lambda x: max(x, 0.0)),
    "LeakyReLU": (nn.LeakyReLU(0.2), lambda x: x if x > 0 else 0.2 * x),
    "PReLU": (nn.PReLU(dtype=DOUBLE), lambda x: x if x > 0 else 0.25 * x),
    "GELU": (nn.GELU(), _erf),
    "F.gelu": (F.gelu, _erf),
    "Sigmoid": (nn.Sigmoid(), lambda x: 1 / (1 + math.exp(-x))),
    "Tanh": (nn.Tanh(), math.tanh),
    "tanh_": (lambda h: h.tanh_(), math.tanh),
    "SiLU": (nn.SiLU(inplace=True), lambda x: x / (1 + math.exp(-x))),
    "ELU": (nn.ELU(), lambda x: x if x > 0 else math.expm1(x)),
    "Softplus": (nn.Softplus(), lambda x: math.log1p(math.exp(x))),
    "ReLU6": (nn.ReLU6(), lambda x: min(max(x, 0.0), 6.0)),
    "Hardswish": (nn.Hardswish(), lambda x: x * min(max(x + 3, 0.0), 6.0) / 6),
    "Softsign": (nn.Softsign(), lambda x: x / (1 + abs(x))),
    "Threshold": (nn.Threshold(0.1, 0.2), lambda x: x if x > 0.1 else 0.2),
    "power": (lambda h: h**3, lambda x: x**3),
    "power of 2": (lambda h: 2**h, lambda x: 2**x),
    "dropout": (lambda h: F.dropout(h, 0.5, training=False), lambda x: x),
}


@pytest.mark.parametrize("name", EACH)
def test_a_function_of_one_value_is_the_twin(name: str) -> None:
    """Differences over differences, whether a module computes it, a function, or a method that writes in place."""
    way, plain = EACH[name]
    net, x, base = Way(way), draw(3, 5), draw(3, 5)
    found, question = ASK(net, x, 1, DeepLift(baseline=base))
    steps: list[Any] = [rules.dense_of(net.first, (5,)), rules.Each(plain), rules.dense_of(net.last, (8,))]
    for row in range(3):
        twin = rules.slow_deeplift(steps, x[row].tolist(), base[row].tolist(), one_hot(1, 3))
        assert found.maps[0][row].tolist() == pytest.approx(twin, rel=1e-6, abs=1e-9)
    assert error(found) < 1e-9
    assert (question.passes, found.maps[0].dtype) == (3, DOUBLE)


SMOOTH = [nn.Tanh(), nn.Softmax(-1), nn.LogSoftmax(-1), nn.LayerNorm(8, dtype=DOUBLE), lambda h: h * torch.sigmoid(h)]


@pytest.mark.parametrize("way", SMOOTH)
def test_near_the_baseline_it_is_the_gradient(way: Callable[[Tensor], Tensor]) -> None:
    """Both where the ratio is taken and where it would be rounding; at the baseline itself the map is 0."""
    net, x = Way(way), draw(2, 5)
    for far in (1e-5, 1e-14):
        found, _ = ASK(net, x, 1, DeepLift(baseline=x - far))
        leaf = x.clone().requires_grad_()
        slope = torch.autograd.grad(net(leaf)[:, 1].sum(), leaf)[0]
        torch.testing.assert_close(found.maps[0] / (x - (x - far)), slope, rtol=1e-3, atol=1e-4)
    found, _ = ASK(net, x, 1, DeepLift(baseline=x))
    assert (float(found.maps[0].abs().max()), error(found)) == (0, 0)


# The largest of several.


@pytest.mark.parametrize(("kernel", "stride", "padding"), [(2, 2, 0), (3, 2, 1), (3, 1, 0), (3, 1, 1)])
@pytest.mark.parametrize("functional", [False, True])
def test_windows_that_overlap_are_complete(kernel: int, stride: int, padding: int, functional: bool) -> None:
    """As the stem of a ResNet has them: what several windows give one place adds up, to the twin's numbers."""
    pool = nn.MaxPool2d(kernel, stride, padding)
    way = (lambda h: F.max_pool2d(h, kernel, stride, padding)) if functional else pool
    conv, x, base = nn.Conv2d(1, 2, 3, dtype=DOUBLE), draw(2, 1, 7, 7), draw(2, 1, 7, 7)
    last = nn.Linear(pool(conv(x)).flatten(1).shape[1], 3, dtype=DOUBLE)
    found, _ = ASK(Plain(lambda v: last(way(conv(v)).flatten(1))), x, 2, DeepLift(baseline=base))
    windows = rules.windows_of(5, kernel, stride, padding, 2)
    steps: list[Any] = [rules.dense_of(conv, (1, 7, 7)), windows, rules.dense_of(last, (last.in_features,))]
    for row in range(2):
        twin = rules.slow_deeplift(steps, x[row].flatten().tolist(), base[row].flatten().tolist(), one_hot(2, 3))
        assert found.maps[0][row].flatten().tolist() == pytest.approx(twin, rel=1e-6, abs=1e-9)
    assert error(found) < 1e-9


POOLS = {
    "1d": (nn.MaxPool1d(3, 1), (2, 4, 16)),
    "3d": (nn.MaxPool3d(3, 2, 1), (2, 2, 5, 5, 5)),
    "dilated": (nn.MaxPool2d(2, 1, 0, 2), (2, 2, 7, 7)),
    "ceiling": (nn.MaxPool2d(3, 2, ceil_mode=True), (2, 2, 8, 8)),
    "adaptive": (nn.AdaptiveMaxPool2d(3), (2, 2, 7, 7)),
    "torch": (lambda v: torch.max_pool2d(v, 3, 1), (2, 2, 7, 7)),
    "with places": (lambda v: F.max_pool2d(v, 3, stride=2, return_indices=True)[0], (2, 2, 7, 7)),
    "torch 1d": (lambda v: torch.adaptive_max_pool1d(v, 3)[0], (2, 4, 16)),
    "average": (nn.AvgPool2d(3, 1), (2, 2, 7, 7)),
    "amax": (lambda v: v.amax((2, 3)), (2, 2, 7, 7)),
    "amin": (lambda v: v.amin(-1, keepdim=True), (2, 2, 7, 7)),
    "max": (lambda v: v.max(1, True)[0], (2, 4, 7)),
    "min": (lambda v: torch.min(v, dim=1).values, (2, 4, 7)),
    "maximum": (lambda v: torch.maximum(v, v.flip(-1)), (2, 9)),
    "two": (lambda v: torch.min(v, v.flip(-1)), (2, 9)),
}


@pytest.mark.parametrize("name", POOLS)
def test_pools_are_complete(name: str) -> None:
    """Of one, two and three axes, adaptive, dilated, and as a function of a tensor."""
    way, shape = POOLS[name]

    def forward(v: Tensor) -> Tensor:
        return (torch.tanh(way(v)) ** 2).flatten(1).sum(1)

    found, _ = ASK(Plain(forward), draw(*shape), None, DeepLift(baseline=draw(*shape)))
    assert error(found) < 1e-9


def test_a_place_that_wins_is_not_given_more_than_it_differs_by() -> None:
    """The largest went down because the old winner fell: the difference is the old winner's."""
    base = torch.tensor([5.0, 1.0, 0.0])
    found, _ = ASK(Plain(lambda v: v.amax(1)), torch.tensor([[1.0, 2.0, 0.0]]), None, DeepLift(baseline=base))
    assert found.maps[0].tolist() == [[-3.0, 0.0, 0.0]]


# Softmax, normalisation, products.


def test_softmax_is_the_twin() -> None:
    """Ratios for exp, for log and for exp again, of one example at a time."""
    net, x, base = Way(nn.Softmax(-1)), draw(3, 5), draw(3, 5)
    found, _ = ASK(net, x, 1, DeepLift(baseline=base))
    steps: list[Any] = [rules.dense_of(net.first, (5,)), rules.Shares(), rules.dense_of(net.last, (8,))]
    for row in range(3):
        twin = rules.slow_deeplift(steps, x[row].tolist(), base[row].tolist(), one_hot(1, 3))
        assert found.maps[0][row].tolist() == pytest.approx(twin, rel=1e-6, abs=1e-9)
        alone, _ = ASK(net, x[row : row + 1], 1, DeepLift(baseline=base[row]))
        torch.testing.assert_close(alone.maps[0][0], found.maps[0][row], rtol=0, atol=1e-12)
    assert error(found) < 1e-9


def test_softmax_of_far_scores_neither_overflows_nor_vanishes() -> None:
    """Also in float32, where exp(200) is no number, and with places that are masked."""

    def forward(v: Tensor) -> Tensor:
        return (torch.tensor([1.0, -2.0, 3.0, 9.0]) * v.masked_fill(torch.arange(4) == 3, -torch.inf).softmax(1)).sum(1)

    x, base = torch.tensor([[200.0, -100.0, 3.0, 1.0]]), torch.tensor([[-200.0, 50.0, 1.0, 0.0]])
    found, _ = ASK(Plain(forward), x, None, DeepLift(baseline=base))
    assert bool(torch.isfinite(found.maps[0]).all())
    assert float(found.maps[0].sum()) == pytest.approx(3.0, abs=1e-3)
    assert float(found.maps[0][0, 3]) == 0


def _spread(h: Tensor) -> Tensor:
    return (h - h.mean(-1, keepdim=True)) / torch.sqrt(h.var(-1, unbiased=False, keepdim=True) + 1e-3)


TAKEN_APART: dict[str, Callable[[Tensor], Tensor]] = {
    "layer norm": nn.LayerNorm(8, dtype=DOUBLE),
    "layer norm by hand": _spread,
    "by its deviation": lambda h: h / (h.std(-1, keepdim=True) + 1e-3),
    "rms norm": nn.RMSNorm(8, dtype=DOUBLE),
    "rms norm by hand": lambda h: h * torch.rsqrt(h.pow(2).mean(-1, keepdim=True) + 1e-6),
    "group norm": lambda h: F.group_norm(h.reshape(-1, 4, 2), 2).flatten(1),
    "instance norm": lambda h: F.instance_norm(h.reshape(-1, 2, 4)).flatten(1),
    "batch norm": nn.BatchNorm1d(8, dtype=DOUBLE),
    "length 1": lambda h: F.normalize(h, dim=-1),
    "log softmax": nn.LogSoftmax(-1),
    "logsumexp": lambda h: h - h.logsumexp(-1, keepdim=True),
    "gate": lambda h: h * torch.sigmoid(h),
    "gate in place": lambda h: h.clone().mul_(h + 1),
    "GLU": lambda h: F.glu(h.repeat(1, 2), -1),
    "ratio": lambda h: h / (1 + h.abs()),
    "inverse": lambda h: 1 / (2 + h.tanh()),
    "outer product": lambda h: torch.einsum("bi,bj->bj", h, h),
    "bmm": lambda h: torch.bmm(h[:, :, None], h[:, None, :]).sum(1),
    "baddbmm": lambda h: torch.baddbmm(h[:, None], h[:, None, :4], h[:, 4:, None] * h[:, None], beta=2, alpha=3)[:, 0],
    "addcmul": lambda h: torch.addcmul(h, h, h, value=2),
    "sum of branches": lambda h: h + F.gelu(h),
}


@pytest.mark.parametrize("name", TAKEN_APART)
def test_what_is_taken_apart_is_complete(name: str) -> None:
    """Products, ratios and normalisation: the value stays what the model computes, and nothing of it is missed."""
    net = Way(TAKEN_APART[name]).eval()
    x = draw(3, 5)
    found, _ = ASK(net, x, 1, DeepLift(baseline=draw(5)))
    torch.testing.assert_close(found.scores, net(x)[:, 1].detach(), rtol=1e-10, atol=1e-10)
    assert error(found) < 1e-9


class _Attention(nn.Module):
    def __init__(self, *, first: bool, weights: bool, causal: bool) -> None:
        super().__init__()
        self.first, self.weights, self.causal = first, weights, causal
        self.embed, self.head = nn.Linear(5, 8, dtype=DOUBLE), nn.Linear(8, 3, dtype=DOUBLE)
        self.attend = nn.MultiheadAttention(8, 2, batch_first=first, dtype=DOUBLE)

    def forward(self, x: Tensor) -> Tensor:
        h = self.embed(x if self.first else x.transpose(0, 1))
        mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1], dtype=DOUBLE) if self.causal else None
        h, _ = self.attend(h, h, h, need_weights=self.weights, attn_mask=mask)
        return self.head(h.mean(1 if self.first else 0))


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("weights", [True, False])
@pytest.mark.parametrize("causal", [True, False])
def test_attention_is_complete(first: bool, weights: bool, causal: bool) -> None:
    """Examples first or positions first, fused or in steps, masked or not; an example does not see its batch."""
    net, x = _Attention(first=first, weights=weights, causal=causal), draw(3, 6, 5)
    found, _ = ASK(net, x, 1, DeepLift(baseline=draw(6, 5)))
    torch.testing.assert_close(found.scores, net(x)[:, 1].detach(), rtol=1e-10, atol=1e-10)
    assert error(found) < 1e-9
    if not (first or weights or causal):
        alone, _ = ASK(net, x[:1], 1, DeepLift(baseline="mean"))
        together, _ = ASK(net, x, 1, DeepLift(baseline="mean"))
        torch.testing.assert_close(alone.maps[0][0], together.maps[0][0], rtol=0, atol=1e-12)


class _Grouped(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.made = nn.ModuleList(nn.Linear(5, heads * 4, dtype=DOUBLE) for heads in (4, 2, 2))

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = (one(x).unflatten(-1, (-1, 4)).transpose(1, 2) for one in self.made)
        out = F.scaled_dot_product_attention(query, key, value, is_causal=True, enable_gqa=True, scale=0.3)
        return out.flatten(1).sum(1)


def test_attention_with_shared_keys_is_complete() -> None:
    """Grouped queries, a scale and a causal mask, as language models have them."""
    net, x = _Grouped(), draw(2, 6, 5)
    found, _ = ASK(net, x, None, DeepLift())
    torch.testing.assert_close(found.scores, net(x).detach(), rtol=1e-10, atol=1e-10)
    assert error(found) < 1e-9
