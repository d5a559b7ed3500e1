"""DeepLIFT: known answers, networks, parity, and what it says where it does not see."""

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pellucid.core.errors import CaptureError
from pellucid.methods.attribution import DeepLift
from tests.methods.attribution.small import DOUBLE, Plain, Way, draw, missed, one_hot
from tests.reference import attribution as reference
from tests.reference import attribution_rules as rules

ASK = reference.ask
error = partial(missed, check="completeness")


# Known answers.


def test_a_saturated_unit_still_counts() -> None:
    """1 - relu(1 - a - b) at (1, 1): the gradient is 0, and each of the two brought about half of the difference."""

    def forward(v: Tensor) -> Tensor:
        return 1 - torch.relu(1 - v[:, 0] - v[:, 1])

    found, _ = ASK(Plain(forward), torch.ones(1, 2), None, DeepLift())
    assert found.maps[0].tolist() == [[0.5, 0.5]]
    assert error(found) == 0


def test_the_smaller_of_two() -> None:
    """min(a, b) = a - relu(a - b) at (3, 1): all of it is b's, as the paper says of the rescale rule."""
    net = Plain(lambda v: v[:, 0] - torch.relu(v[:, 0] - v[:, 1]))
    found, _ = ASK(net, torch.tensor([[3.0, 1.0]]), None, DeepLift())
    assert found.maps[0].tolist() == [[0.0, 1.0]]


def test_factors_share_their_product() -> None:
    """From (1, 2) to (3, 4) the product grows by 10: (3 - 1) times the mean 3, and (4 - 2) times the mean 2."""
    base = torch.tensor([1.0, 2.0])
    found, _ = ASK(Plain(lambda v: v[:, 0] * v[:, 1]), torch.tensor([[3.0, 4.0]]), None, DeepLift(baseline=base))
    assert found.maps[0].tolist() == [[6.0, 4.0]]


def test_a_transformer_is_complete_at_its_input_and_at_a_layer() -> None:
    """Two encoder layers; at a layer the map is that of what follows alone."""
    layers = [nn.TransformerEncoderLayer(8, 2, 16, activation="gelu", batch_first=True, dtype=DOUBLE) for _ in "ab"]
    net = nn.Sequential(nn.Linear(5, 8, dtype=DOUBLE), *layers, nn.Flatten(), nn.Linear(32, 3, dtype=DOUBLE)).eval()
    x = draw(3, 4, 5)
    found, _ = ASK(net, x, 1, DeepLift())
    assert error(found) < 1e-9
    inside, _ = ASK(net, x, 1, DeepLift(), at="1")
    alone, _ = ASK(net[2:], net[:2](x).detach(), 1, DeepLift())
    torch.testing.assert_close(inside.maps[0], alone.maps[0], rtol=0, atol=1e-12)
    assert error(inside) < 1e-9


def test_the_target_is_taken_apart_too() -> None:
    """The probability of a class, which the target function computes."""
    found, _ = ASK(nn.Linear(5, 3, dtype=DOUBLE), draw(2, 5), lambda logits: logits.softmax(1)[:, 1], DeepLift())
    assert error(found) < 1e-9


# Architecture.


class _Reused(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.again, self.last = (nn.Linear(a, b, dtype=DOUBLE) for a, b in ((5, 8), (8, 8), (8, 3)))
        self.act = nn.Tanh()

    def forward(self, x: Tensor) -> Tensor:
        h = self.act(self.first(x))
        h = h + self.act(self.again(self.act(h)))
        return self.last(self.act(self.act(self.again(h))))


def test_modules_that_are_used_again_are_the_twin() -> None:
    """One activation five times, twice in a row, one dense layer twice, and a sum of branches."""
    net, x, base = _Reused(), draw(2, 5), draw(2, 5)
    found, _ = ASK(net, x, 1, DeepLift(baseline=base))
    first, again, last = (rules.dense_of(one, (one.in_features,)) for one in (net.first, net.again, net.last))
    act = rules.Each(math.tanh)
    branches = rules.Branches([[], [act, again, act]])
    for row in range(2):
        steps: list[Any] = [first, act, branches, again, act, act, last]
        twin = rules.slow_deeplift(steps, x[row].tolist(), base[row].tolist(), one_hot(1, 3))
        assert found.maps[0][row].tolist() == pytest.approx(twin, rel=1e-6, abs=1e-9)
    assert error(found) < 1e-9


def test_several_inputs_share_the_difference() -> None:
    """A mapping of two explained inputs and a mask that goes along; the output is a dictionary."""

    class Both(nn.Module):
        def forward(self, image: Tensor, words: Tensor, mask: Tensor) -> dict[str, Tensor]:
            return {"logits": torch.stack([(image * words * mask).tanh().sum(1), image.sum(1)], 1)}

    inputs = {"image": draw(2, 4), "words": draw(2, 4), "mask": torch.tensor([[True, True, False, True]] * 2)}
    found, _ = ASK(Both(), inputs, 0, DeepLift(baseline=(0.5, None)))
    assert error(found) < 1e-9
    assert float(found.maps[0][:, 2].abs().max()) == 0


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float32])
def test_narrow_types_give_float32(kind: torch.dtype) -> None:
    """Ratios are taken in float32; what is missed is the model's own rounding."""
    net = nn.Sequential(nn.Linear(5, 8), nn.GELU(), nn.LayerNorm(8), nn.Linear(8, 3)).to(kind)
    x = torch.randn(3, 5, dtype=kind)
    found, _ = ASK(net, x, 1, DeepLift())
    exact, _ = ASK(net.double(), x.double(), 1, DeepLift())
    assert found.maps[0].dtype == torch.float32
    near = 1e-5 if kind == torch.float32 else 0.02
    torch.testing.assert_close(found.maps[0].double(), exact.maps[0], rtol=near, atol=near)


class _Around(nn.Module):
    """What is computed at the layer meets the input again, so that rows and examples do not fit together."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(5, 5, dtype=DOUBLE), nn.Linear(5, 3, dtype=DOUBLE)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(torch.sigmoid(torch.tanh(self.first(x)) * x))


def test_a_pass_that_is_broken_off_begins_anew() -> None:
    """At a layer with a skip connection around it, what was seen until the pass broke off does not count."""
    net, x = _Around(), draw(4, 5)
    found, question = ASK(net, x, 1, DeepLift(), at="first")
    assert question.layer is not None
    assert question.layer.whole
    inside = net.first(x).detach()
    alone, _ = ASK(Plain(lambda v: net.last(torch.sigmoid(torch.tanh(v) * x))), inside, 1, DeepLift())
    torch.testing.assert_close(found.maps[0], alone.maps[0], rtol=0, atol=1e-12)
    assert error(found) < 1e-9


def test_what_is_taken_apart_is_rounded_once() -> None:
    """In half precision a norm comes out as torch's own, though it is computed in steps."""
    net, x = nn.LayerNorm(64).bfloat16(), 5 + torch.randn(8, 64).bfloat16()
    found, _ = ASK(net, x, 3, DeepLift())
    torch.testing.assert_close(found.scores, net(x)[:, 3].detach(), rtol=0, atol=0)


# What it does not see, and what goes wrong.


def test_what_is_not_seen_is_reported_as_missing() -> None:
    """A condition on values passes the derivative on, and the error says that something is missed."""
    x, base = torch.tensor([[1.0, 2.0]]), torch.tensor([-1.0, 0.5])
    found, _ = ASK(Plain(lambda v: torch.where(v > 0, 3 * v, v).sum(1)), x, None, DeepLift(baseline=base))
    assert found.maps[0].tolist() == [[6.0, 4.5]]
    assert error(found) == pytest.approx((10.5 - 8.5) / 8.5)


class _Turns(nn.Module):
    def __init__(self, more: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.more = more

    def forward(self, v: Tensor) -> Tensor:
        v = torch.tanh(v)
        return (self.more(v) if float(v.detach().sum()) > 0 else v).sum(1)


@pytest.mark.parametrize(
    ("sign", "base", "what"),
    [
        (
            1,
            None,
            "call 2 of a function that is not linear was not made, other than for the input, which makes 2 of them",
        ),
        (
            -1,
            1.0,
            "call 2 of a function that is not linear was given (1, 2), other than for the input, which makes 1 of them",
        ),
    ],
)
def test_a_model_that_turns_elsewhere_is_refused(sign: float, base: float | None, what: str) -> None:
    """The baseline must make the calls that the input makes, of the same shapes."""
    with pytest.raises(CaptureError) as caught:
        ASK(_Turns(torch.relu), sign * torch.ones(1, 2), None, DeepLift(baseline=base))
    assert str(caught.value) == (
        f"The model does not treat the input and its baseline alike: for the baseline {what}. Expected the same calls "
        "for both. Use IntegratedGradients(), which does not compare them layer by layer."
    )
    together, _ = ASK(_Turns(torch.relu), torch.ones(1, 2), None, DeepLift(baseline=2.0))
    assert error(together) < 1e-6


def test_the_model_is_untouched(model_is_untouched: Callable[[nn.Module], AbstractContextManager[None]]) -> None:
    """Also when the target is bad, or the baseline turns elsewhere."""
    x = torch.randn(3, 5)
    net = nn.Sequential(nn.Linear(5, 8), nn.ReLU(inplace=True), nn.BatchNorm1d(8), nn.Dropout(), nn.Linear(8, 3))
    with model_is_untouched(net):
        ASK(net, x, 1, DeepLift())
        with pytest.raises(ValueError, match="The target 7 does not exist"):
            ASK(net, x, 7, DeepLift())
    turns = _Turns(torch.relu)
    with model_is_untouched(turns), pytest.raises(CaptureError):
        ASK(turns, torch.ones(1, 2), None, DeepLift())


class _Small(nn.Module):
    """Runs out of memory with more than two examples, once gradients are asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(5, 8), nn.GELU(), nn.Linear(8, 3))

    def forward(self, x: Tensor) -> Tensor:
        if len(x) > 2 and x.requires_grad:
            raise torch.OutOfMemoryError("out of memory")
        return self.net(x)


def test_it_works_in_chunks_where_the_memory_does_not_do() -> None:
    """The maps are those of all at once, and so is the class that no target names."""
    net, x = _Small(), torch.randn(7, 5)
    found, _ = ASK(net, x, None, DeepLift())
    whole, _ = ASK(net.net, x, None, DeepLift())
    torch.testing.assert_close(found.maps[0], whole.maps[0], rtol=0, atol=1e-6)
    torch.testing.assert_close(found.scores, net.net(x).detach().amax(1))


# Against captum.


@pytest.mark.filterwarnings("ignore:Setting forward, backward hooks and attributes on non-linear")
@pytest.mark.parametrize("act", [nn.ReLU, nn.Sigmoid, nn.Tanh, nn.ELU, nn.LeakyReLU, nn.Softplus])
def test_it_is_captums_where_that_is_right(act: Callable[[], nn.Module]) -> None:
    """Activation functions, each a module of its own; average pooling."""
    captum = pytest.importorskip("captum.attr")
    body = [nn.Conv2d(2, 3, 3), act(), nn.AvgPool2d(2, 1), nn.Flatten(), nn.Linear(27, 6), act(), nn.Linear(6, 3)]
    net, x, base = nn.Sequential(*body).double(), draw(3, 2, 6, 6), draw(3, 2, 6, 6)
    found, _ = ASK(net, x, 1, DeepLift(baseline=base))
    theirs = captum.DeepLift(net).attribute(x.requires_grad_(), base, target=1)
    torch.testing.assert_close(found.maps[0], theirs.detach(), rtol=0, atol=1e-12)


@pytest.mark.filterwarnings("ignore:Setting forward, backward hooks and attributes on non-linear")
@pytest.mark.parametrize("wrong", ["windows", "softmax"])
def test_it_is_complete_where_captum_is_not(wrong: str) -> None:
    """Captum 0.9.0 loses shares of windows that overlap, and normalises its softmax rule over the batch (#1367)."""
    captum = pytest.importorskip("captum.attr")
    if wrong == "windows":
        body = [nn.Conv2d(2, 3, 3), nn.MaxPool2d(3, 1), nn.Flatten(), nn.Linear(12, 3)]
        net, x, base = nn.Sequential(*body).double(), draw(3, 2, 6, 6), draw(3, 2, 6, 6)
    else:
        net, x, base = Way(nn.Softmax(-1)), draw(3, 5), draw(3, 5)
    found, _ = ASK(net, x, 1, DeepLift(baseline=base))
    theirs = captum.DeepLift(net).attribute(x.requires_grad_(), base, target=1).detach()
    difference = (net(x) - net(base))[:, 1].detach()
    assert float((theirs.flatten(1).sum(1) - difference).abs().max()) > 1e-3
    torch.testing.assert_close(found.maps[0].flatten(1).sum(1), difference, rtol=0, atol=1e-12)
