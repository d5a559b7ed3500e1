"""The gradient is that of each example alone, also where the batch does not fit."""

import pytest
import torch
from torch import Tensor, nn

from pellucid.core.errors import InputError
from pellucid.methods.attribution import Gradient, InputXGradient
from pellucid.methods.attribution.question import Question
from tests.reference import attribution as reference


def _net() -> nn.Module:
    return nn.Sequential(nn.Conv2d(2, 3, 3), nn.GELU(), nn.Flatten(), nn.Linear(12, 4))


def test_gradient_is_the_twin() -> None:
    """In float64 it is what central differences give, and its scores are the outputs."""
    net, x = _net().double(), torch.randn(3, 2, 4, 4, dtype=torch.float64)
    found, question = reference.ask(net, x, [0, 3, 1], Gradient())
    for row, column in enumerate((0, 3, 1)):
        twin = reference.gradient(reference.scored(net, column), x[row])
        torch.testing.assert_close(found.maps[0][row], twin, rtol=0, atol=1e-8)
    torch.testing.assert_close(found.scores, net(x)[range(3), [0, 3, 1]].detach())
    assert (found.check, found.error, question.passes) == ("", None, 2.0)


def test_input_times_gradient_sums_to_the_score_without_biases() -> None:
    """Of a piecewise linear network without biases nothing is missing."""
    net = nn.Sequential(nn.Linear(6, 9, bias=False), nn.ReLU(), nn.Linear(9, 3, bias=False)).double()
    x = torch.randn(5, 6, dtype=torch.float64)
    found, _ = reference.ask(net, x, 2, InputXGradient())
    torch.testing.assert_close(found.maps[0].sum(1), found.scores, rtol=1e-12, atol=1e-12)


def test_input_times_gradient_at_a_layer_runs_once() -> None:
    """The values of a layer come out of the pass that its gradient takes."""
    net, x = _net(), torch.randn(3, 2, 4, 4)
    found, question = reference.ask(net, x, 1, InputXGradient(), at="1")
    inside = net[1](net[0](x)).detach()
    weight = net[3].weight[1].detach().reshape(1, 3, 2, 2)
    torch.testing.assert_close(found.maps[0], inside * weight)
    assert question.passes == 2.0


@pytest.mark.parametrize("at", [None, "0"])
def test_a_batch_that_does_not_fit_is_halved(at: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Out of memory at 3 rows or more: the same map comes from 1 or 2 at a time, of the classes of all of them."""
    net, x = _net(), torch.randn(5, 2, 4, 4)
    whole, _ = reference.ask(net, x, None, InputXGradient(), at=at)
    plain = Question.gradients
    sizes: list[int] = []

    def small(self: Question, values: list[Tensor] | None, rows: Tensor, **options: object) -> object:
        sizes.append(len(rows))
        if len(rows) > 2:
            raise torch.OutOfMemoryError("full")
        return plain(self, values, rows, **options)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(Question, "gradients", small)
    parts, _ = reference.ask(net, x, None, InputXGradient(), at=at)
    assert sizes == [5, 2, 2, 1]
    torch.testing.assert_close(parts.maps, whole.maps, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(parts.scores, whole.scores)


def test_other_errors_are_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong with the model is said at once."""

    class Broken(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            raise RuntimeError("broken inside")

    with pytest.raises(RuntimeError, match=r"^broken inside\npellucid called Broken\(torch\.float32\[2, 3\]\)\.$"):
        reference.ask(Broken(), torch.zeros(2, 3), 0, Gradient())


def test_a_score_without_gradient_is_refused() -> None:
    """A model that detaches its input has no map, and the message names what has one."""

    class Rounds(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.detach().round()

    with pytest.raises(InputError) as error:
        reference.ask(Rounds(), torch.ones(2, 3), 0, Gradient())
    assert str(error.value) == (
        "The score does not depend on the input in a way that can be differentiated: the model detaches it, rounds it, "
        "or does not use it. Name another layer with at=, or use Occlusion()."
    )


def test_one_of_two_inputs_that_is_not_used_has_zeros() -> None:
    """Each input has a map of its own shape."""

    class First(nn.Module):
        def forward(self, a: Tensor, b: Tensor) -> Tensor:
            return (a**2).sum(1)

    found, _ = reference.ask(First(), (torch.tensor([[3.0, 1]]), torch.ones(1, 4)), None, Gradient())
    assert [one.tolist() for one in found.maps] == [[[6.0, 2.0]], [[0.0] * 4]]


def test_float16_gradients_do_not_vanish() -> None:
    """A gradient of 1e-7 is far below what float16 holds exactly, and comes back within a hundredth."""

    class Tiny(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return (x * 1e-4).sum(1) * 1e-3

    found, _ = reference.ask(Tiny(), torch.ones(1, 3, dtype=torch.float16), None, Gradient())
    assert found.maps[0].dtype == torch.float32
    torch.testing.assert_close(found.maps[0], torch.full((1, 3), 1e-7), rtol=1e-2, atol=0)
