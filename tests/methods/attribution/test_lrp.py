"""Layer-wise relevance propagation: whole networks, conservation, and what is refused."""

import copy
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pellucid.core.errors import CaptureError, InputError
from pellucid.methods.attribution import LRP, AlphaBeta, Box, Epsilon, Flat, Gamma, WSquare, method_of
from tests.methods.attribution.small import DOUBLE, Plain, draw, missed
from tests.reference import attribution as reference
from tests.reference import attribution_rules as twins

ASK = reference.ask
error = partial(missed, check="conservation")


def _stack(functional: bool) -> tuple[nn.Module, list[nn.Module]]:
    """Return a convolutional net with batch norm and windows that overlap, and its layers with weights."""
    conv, norm, again, last = nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Conv2d(2, 2, 2), nn.Linear(2, 3)
    for one in (norm.running_mean, norm.weight, norm.bias):
        assert isinstance(one, Tensor)
        one.data.uniform_(-1, 1)
    assert norm.running_var is not None
    norm.running_var.uniform_(0.5, 2)
    layers = [conv, norm, again, last]

    def forward(v: Tensor) -> Tensor:
        h = F.dropout(F.relu(norm(conv(v)), inplace=True), 0.5, training=False)
        h = again(F.max_pool2d(h, 3, 1)).relu_()
        return last(F.avg_pool2d(h, 2).flatten(1))

    body = (conv, norm, nn.ReLU(inplace=True), nn.Dropout(), nn.MaxPool2d(3, 1), again, nn.ReLU(), nn.AvgPool2d(2))
    net = Plain(forward, *layers) if functional else nn.Sequential(*body, nn.Flatten(), last)
    return net.double().eval(), layers


@pytest.mark.parametrize("functional", [False, True])
def test_a_whole_network_is_the_twin(functional: bool) -> None:
    """Batch norm merged, windows that overlap, in-place ReLU, averages; by modules and by functions alike."""
    net, (conv, norm, again, last) = _stack(functional)
    x = draw(2, 1, 7, 7)
    found, question = ASK(net, x, 1, LRP(conv=Gamma(0.5), dense=Epsilon(0.01)))
    relu = twins.Each(lambda one: max(one, 0.0))
    steps: list[Any] = [twins.dense_of(nn.Sequential(conv, norm), (1, 7, 7)), relu, twins.windows_of(5, 3, 1, 0, 2)]
    steps += [twins.dense_of(again, (2, 3, 3)), relu, twins.dense_of(nn.AvgPool2d(2), (2, 2, 2))]
    steps += [twins.dense_of(last, (2,))]
    conv_rule = twins.by_gamma(0.5)
    rules = [conv_rule, None, None, conv_rule, None, twins.by_epsilon(0), twins.by_epsilon(0.01)]
    for row in range(2):
        slow = twins.slow_relevance(steps, x[row].flatten().tolist(), [0.0, 1.0, 0.0], rules)
        assert found.maps[0][row].flatten().tolist() == pytest.approx(slow, rel=1e-5, abs=1e-7)
    assert (question.passes, found.maps[0].dtype) == (2, DOUBLE)


def test_batch_norm_with_nothing_in_front_is_a_layer_of_its_own() -> None:
    """As in networks that normalise first: in proportion, the shift being a bias that absorbs."""
    net = nn.Sequential(nn.BatchNorm1d(3), nn.ReLU(), nn.Linear(3, 2, bias=False)).double().eval()
    norm = net[0]
    assert isinstance(norm, nn.BatchNorm1d)
    norm.bias.data.copy_(torch.tensor([1.0, -0.5, 0.0]))
    x = torch.tensor([[1.0, 2.0, -1.0]], dtype=DOUBLE)
    found, _ = ASK(net, x, 0, LRP())
    scale = (1 + 1e-5) ** -0.5
    weight = net[2].weight[0].tolist()  # pyright: ignore[reportIndexIssue]
    assert found.maps[0][0].tolist() == pytest.approx([weight[0] * scale, weight[1] * 2 * scale, 0], rel=1e-5)
    score = weight[0] * (scale + 1) + weight[1] * (2 * scale - 0.5)
    assert float(found.scores) == pytest.approx(score)
    assert found.notes["absorbed by biases"] == pytest.approx((weight[0] - 0.5 * weight[1]) / score, rel=1e-4)


def test_batch_norm_is_not_merged_over_what_was_changed_in_between() -> None:
    """In place or not, what was added to the layer's output is not lost."""
    front, norm, x = nn.Linear(5, 4), nn.BatchNorm1d(4), draw(2, 5)
    added = Plain(lambda v: norm(front(v) + 1), front, norm).double()
    in_place = Plain(lambda v: norm(front(v).add_(1)), front, norm)
    expected, _ = ASK(added, x, 1, LRP(dense=AlphaBeta(2, 1)))
    found, _ = ASK(in_place, x, 1, LRP(dense=AlphaBeta(2, 1)))
    torch.testing.assert_close(found.maps[0], expected.maps[0], rtol=0, atol=1e-12)


class _Residual(nn.Module):
    def __init__(self, *, bias: bool) -> None:
        super().__init__()
        self.first, self.inner, self.last = (
            nn.Linear(a, b, bias=bias, dtype=DOUBLE) for a, b in ((5, 6), (6, 6), (6, 3))
        )

    def forward(self, x: Tensor) -> Tensor:
        h = torch.relu(self.first(x))
        g = self.inner(h)
        g += h
        return self.last(torch.relu(g))


@pytest.mark.parametrize("bias", [True, False])
def test_a_sum_of_branches_splits_relevance(bias: bool) -> None:
    """It is not doubled (zennit #236): without biases all of it arrives, and with them it is the twin's."""
    net, x = _Residual(bias=bias), draw(3, 5)
    found, _ = ASK(net, x, 1, LRP(dense=Epsilon(1e-9)))
    first, inner, last = (twins.dense_of(one, (one.in_features,)) for one in (net.first, net.inner, net.last))
    relu, rule = twins.Each(lambda one: max(one, 0.0)), twins.by_epsilon(1e-9)
    steps: list[Any] = [first, relu, twins.Branches([[], [inner]]), relu, last]
    for row in range(3):
        slow = twins.slow_relevance(steps, x[row].tolist(), [0.0, 1.0, 0.0], [rule, None, rule, None, rule])
        assert found.maps[0][row].tolist() == pytest.approx(slow, rel=1e-5, abs=1e-7)
    if not bias:
        assert error(found) < 1e-6
        assert found.notes == pytest.approx({"absorbed by biases": 0.0, "lost on the way": 0.0}, abs=1e-6)


ACTS = [nn.GELU(), nn.Sigmoid(), nn.Tanh(), nn.SiLU(inplace=True), nn.ELU(), nn.ReLU6(), F.softplus]


@pytest.mark.parametrize("act", ACTS)
def test_activations_pass_relevance_on(act: Callable[[Tensor], Tensor]) -> None:
    """Whatever they do to the value: without biases the sum is the score."""
    first, last = nn.Linear(5, 8, bias=False, dtype=DOUBLE), nn.Linear(8, 3, bias=False, dtype=DOUBLE)
    found, _ = ASK(Plain(lambda v: last(act(first(v)))), 3 * draw(4, 5), 1, LRP(dense=Epsilon(1e-9)))
    assert error(found) < 1e-5


def test_what_is_missing_and_what_biases_took_are_said() -> None:
    """At (1) of 2x + 6 the bias takes three quarters of 8."""
    net = nn.Linear(1, 1, dtype=DOUBLE)
    net.weight.data.fill_(2.0)
    net.bias.data.fill_(6.0)
    found, _ = ASK(net, torch.ones(2, 1, dtype=DOUBLE), 0, LRP(dense=Epsilon(0.0)))
    assert found.maps[0].tolist() == [[2.0], [2.0]]
    assert (error(found), found.notes) == (0.75, {"absorbed by biases": 0.75, "lost on the way": 0.0})
    found, _ = ASK(net, torch.ones(2, 1, dtype=DOUBLE), 0, LRP(dense=Epsilon(8.0)))
    assert (error(found), found.notes) == (0.875, {"absorbed by biases": 0.375, "lost on the way": 0.5})


def test_weights_that_are_multiplied_by_hand_are_dense_layers() -> None:
    """A product x @ W, and the addmm of GPT-2's Conv1D, follow the rule of dense layers."""
    weight, bias, x = draw(5, 3), draw(3), draw(2, 5)
    like = nn.Linear(5, 3, dtype=DOUBLE)
    like.weight.data, like.bias.data = weight.t(), bias.clone()
    expected, _ = ASK(like, x, 1, LRP(dense=AlphaBeta(2, 1)))
    found, _ = ASK(Plain(lambda v: torch.addmm(bias, v, weight)), x, 1, LRP(dense=AlphaBeta(2, 1)))
    torch.testing.assert_close(found.maps[0], expected.maps[0], rtol=0, atol=1e-12)
    like.bias.data.zero_()
    expected, _ = ASK(like, x, 1, LRP(dense=AlphaBeta(2, 1)))
    found, _ = ASK(Plain(lambda v: v @ weight), x, 1, LRP(dense=AlphaBeta(2, 1)))
    torch.testing.assert_close(found.maps[0], expected.maps[0], rtol=0, atol=1e-12)


def test_a_layer_and_its_batch_can_be_asked_for() -> None:
    """At a layer it is the map of what follows; an example does not see its batch."""
    net, _ = _stack(functional=False)
    x = draw(3, 1, 7, 7)
    whole, _ = ASK(net, x, None, LRP())
    for row in range(3):
        alone, _ = ASK(net, x[row : row + 1], None, LRP())
        torch.testing.assert_close(alone.maps[0][0], whole.maps[0][row], rtol=0, atol=1e-10)
    assert isinstance(net, nn.Sequential)
    inside, _ = ASK(net, x, 1, LRP(first=Flat()), at="4")
    behind, _ = ASK(net[5:], net[:5](x).detach(), 1, LRP(first=Flat()))
    torch.testing.assert_close(inside.maps[0], behind.maps[0], rtol=0, atol=1e-10)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float32])
def test_narrow_types_give_float32(kind: torch.dtype) -> None:
    """The rules are computed in float32; the notes do not depend on how gradients are scaled on the way."""
    net, _ = _stack(functional=False)
    net, x = net.to(kind), torch.randn(2, 1, 7, 7).to(kind)
    found, _ = ASK(net, x, 1, LRP(first=WSquare()))
    exact, _ = ASK(copy.deepcopy(net).double(), x.double(), 1, LRP(first=WSquare()))
    assert found.maps[0].dtype == torch.float32
    near = 1e-4 if kind == torch.float32 else 0.1
    torch.testing.assert_close(found.maps[0].double(), exact.maps[0], rtol=near, atol=near)
    assert found.notes["absorbed by biases"] == pytest.approx(exact.notes["absorbed by biases"], rel=near, abs=near)


def test_the_model_is_untouched(model_is_untouched: Callable[[nn.Module], AbstractContextManager[None]]) -> None:
    """Its weights are merged in copies; also when a layer is refused."""
    net, _ = _stack(functional=False)
    net, x = net.float().train(), torch.randn(2, 1, 7, 7)
    with model_is_untouched(net):
        ASK(net, x, 1, LRP())
    refused = nn.Sequential(nn.Linear(7, 7), nn.LayerNorm(7))
    with model_is_untouched(refused), pytest.raises(CaptureError):
        ASK(refused, x[:, 0, 0], 1, LRP())


class _Small(nn.Module):
    """Runs out of memory with more than two examples, once gradients are asked for."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        if len(x) > 2 and x.requires_grad:
            raise torch.OutOfMemoryError("out of memory")
        return self.net(x)


def test_it_works_in_chunks_where_the_memory_does_not_do() -> None:
    """Maps and notes are those of all at once."""
    net, _ = _stack(functional=True)
    x = draw(5, 1, 7, 7)
    found, _ = ASK(_Small(net), x, None, LRP())
    whole, _ = ASK(net, x, None, LRP())
    torch.testing.assert_close(found.maps[0], whole.maps[0], rtol=0, atol=1e-10)
    assert found.notes == pytest.approx(whole.notes, abs=1e-6)


# What is refused.

_HOW = (
    "it is neither linear, nor of one value alone. Expected convolutions, dense layers, batch norm, pooling, "
    "activation functions and sums. Use DeepLift() or IntegratedGradients(); if it is a softmax at the end, explain "
    "what goes into it."
)
REFUSED: dict[str, tuple[nn.Module, str]] = {
    "attention": (
        nn.TransformerEncoderLayer(8, 2, 8, batch_first=True),
        "scaled_dot_product_attention(), which the layer '1.self_attn'",
    ),
    "layer norm": (nn.LayerNorm(8), "layer_norm(), which the layer '1'"),
    "softmax": (nn.Softmax(-1), "softmax(), which the layer '1'"),
    "recurrent": (nn.LSTM(8, 4, batch_first=True), "lstm(), which the layer '1'"),
    "gate": (Plain(lambda v: v * torch.sigmoid(v)), "mul(), which the layer '1'"),
    "in place": (Plain(lambda v: v.clone().mul_(v)), "mul(), which the layer '1'"),
    "matrices": (Plain(lambda v: v @ v.transpose(1, 2)), "matmul(), which the layer '1'"),
    "ratio": (Plain(lambda v: v / (1 + v.abs())), "div(), which the layer '1'"),
    "einsum": (Plain(lambda v: torch.einsum("bij,bik->bjk", v, v)), "einsum(), which the layer '1'"),
    "batch statistics": (nn.BatchNorm1d(3, track_running_stats=False), "batch_norm(), which the layer '1'"),
}


def test_the_model_itself_may_be_what_is_refused() -> None:
    """What is called in no layer."""
    with pytest.raises(CaptureError) as caught:
        ASK(Plain(lambda v: torch.exp(v).sum(1)), torch.randn(2, 3), None, LRP())
    assert str(caught.value) == f"LRP has no rule for exp(), which the model itself calls: {_HOW}"


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_rule_is_refused_by_name(name: str) -> None:
    """With the function, the layer, and what to use instead."""
    layer, words = REFUSED[name]
    with pytest.raises(CaptureError) as caught:
        ASK(nn.Sequential(nn.Linear(8, 8), layer), torch.randn(2, 3, 8), lambda made: made.sum((1, 2)), LRP())
    assert str(caught.value) == f"LRP has no rule for {words} calls: {_HOW}"


def test_a_target_without_a_rule_is_refused() -> None:
    """Probabilities are not shared out: logits are."""
    with pytest.raises(CaptureError) as caught:
        ASK(nn.Linear(5, 3), torch.randn(2, 5), lambda made: made.softmax(1)[:, 0], LRP())
    assert str(caught.value) == f"LRP has no rule for softmax(), which the target calls: {_HOW}"


def test_what_does_not_depend_on_the_input_may_be_anything() -> None:
    """A mask that is made with a softmax of parameters, multiplied with the input."""
    held = nn.Linear(5, 1, bias=False)

    def forward(v: Tensor) -> Tensor:
        return (v * held.weight[0].softmax(0) / held.weight.exp().sum()).sum(1)

    found, _ = ASK(Plain(forward, held), torch.randn(2, 5), None, LRP())
    assert error(found) < 1e-5


def test_a_first_rule_needs_a_layer_that_sees_the_input() -> None:
    """Moved about is allowed; computed from is not."""
    seen = Plain(lambda v: last(v.transpose(1, 2).flatten(1)))
    last = nn.Linear(6, 2)
    found, _ = ASK(seen, torch.zeros(2, 2, 3), 1, LRP(first=Flat()))
    assert error(found) < 1e-5
    with pytest.raises(InputError) as caught:
        ASK(nn.Sequential(nn.Tanh(), nn.Linear(3, 2)), torch.randn(2, 3), 1, LRP(first=Flat()))
    assert str(caught.value) == (
        "first=Flat() came, and no convolution or dense layer sees the explained values themselves: something is "
        "computed from them first. Expected at most that they are moved about. Normalise in front of the model, "
        "explain the layer's input with at=, or leave first=None."
    )


def test_options_that_make_no_sense_are_refused() -> None:
    """Each with what came and what was expected."""
    cases: list[tuple[Callable[[], object], str]] = [
        (lambda: Epsilon(-1.0), "epsilon=-1.0 came; expected a number, 0 or more."),
        (lambda: Gamma(float("nan")), "gamma=nan came; expected a number, 0 or more."),
        (
            lambda: AlphaBeta(2.0, 0.0),
            (
                "AlphaBeta(alpha=2.0, beta=0.0) came; expected alpha - beta = 1, or relevance would grow or shrink "
                "from layer to layer. Usual are 1 and 0, or 2 and 1."
            ),
        ),
        (
            lambda: ASK(nn.Linear(2, 2), torch.tensor([[0.5, -2.0]]), 0, LRP(first=Box(0.0, 1.0))),
            (
                "The first layer sees values from -2 to 0.5, and Box() came with bounds inside of that. Give the "
                "bounds of what the layer sees, after any normalisation."
            ),
        ),
        (lambda: _asked(conv=Flat()), "conv=Flat() came; expected Epsilon(), Gamma() or AlphaBeta()."),
        (
            lambda: _asked(first=Gamma()),
            "first=Gamma(gamma=0.25) came; expected None, WSquare(), Flat() or Box(low, high).",
        ),
    ]
    for make, words in cases:
        with pytest.raises(InputError) as caught:
            make()
        assert str(caught.value) == words


def _asked(**options: object) -> object:
    method = LRP()
    for name, value in options.items():
        object.__setattr__(method, name, value)  # past the type checks of the tests
    method.__post_init__()
    return method


def test_it_has_a_name() -> None:
    """With the rules that suit most convolutional networks."""
    assert method_of("LRP") == LRP(conv=Gamma(0.25), dense=Epsilon(1e-6), first=None)


@pytest.mark.parametrize("rule", ["epsilon", "gamma"])
def test_it_is_captums_where_that_is_right(rule: str) -> None:
    """Epsilon anywhere; gamma where captum's is the paper's: positive values, and outputs that are."""
    captum = pytest.importorskip("captum.attr", exc_type=ImportError)
    lrp_rules = pytest.importorskip("captum.attr._utils.lrp_rules", exc_type=ImportError)
    body = [nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(2, 6, 2), nn.ReLU(), nn.Conv2d(6, 3, 1)]
    net, x = Plain(lambda v: run(v).flatten(1), *body).double(), draw(2, 1, 6, 6).abs()
    run = nn.Sequential(*body)
    if rule == "gamma":
        body[5].bias.data.fill_(20.0)  # pyright: ignore[reportArgumentType, reportCallIssue]
    ours = {"epsilon": Epsilon(1e-6), "gamma": Gamma(0.25)}[rule]
    found, _ = ASK(net, x, 1, LRP(conv=ours, dense=ours))
    theirs = {"epsilon": lambda: lrp_rules.EpsilonRule(1e-6), "gamma": lambda: lrp_rules.GammaRule(0.25)}[rule]
    for one in (body[0], body[3], body[5]):
        one.rule = theirs()  # pyright: ignore[reportArgumentType]
    made = captum.LRP(net).attribute(x.clone().requires_grad_(), target=1).detach()
    torch.testing.assert_close(found.maps[0], made, rtol=1e-4, atol=1e-6)
