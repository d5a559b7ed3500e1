"""Occlusion: what hiding windows costs, for any number of axes and without gradients."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pellucid.core.errors import InputError
from pellucid.methods.attribution import Occlusion
from tests.reference import attribution as reference


class _Total(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return 3 * x.flatten(1).sum(1)


def test_known_answer() -> None:
    """Two ones in 5 x 5 zeros, three times their sum, windows of 3: sums over the windows of a place."""
    x = torch.zeros(1, 1, 5, 5)
    x[0, 0, 1, 1] = x[0, 0, 3, 3] = 1
    found, question = reference.ask(_Total(), x, None, Occlusion(window=3, stride=1))
    assert found.maps[0][0, 0].tolist() == [
        [3, 6, 6, 3, 0],
        [6, 15, 18, 12, 3],
        [6, 18, 24, 18, 6],
        [3, 12, 18, 15, 6],
        [0, 3, 6, 6, 3],
    ]
    assert found.notes == {"windows": 9.0}
    assert question.passes == 1 + 9


@pytest.mark.parametrize(
    ("shape", "window", "stride", "full_window", "full_stride"),
    [
        ((6,), 2, 1, (2,), (1,)),
        ((7,), None, None, (1,), (1,)),
        ((2, 9), 4, 3, (2, 4), (2, 3)),
        ((2, 5, 6), (1, 2, 3), (1, 2, 2), (1, 2, 3), (1, 2, 2)),
        ((2, 5, 6), (1, 2, 3), 2, (1, 2, 3), (1, 2, 2)),
        ((2, 5, 6), (3, 2), (2, 2), (2, 3, 2), (2, 2, 2)),
        ((2, 3, 4, 3), 2, 2, (2, 2, 2, 2), (2, 2, 2, 2)),
        ((3, 5), (1, 9), (1, 1), (1, 5), (1, 1)),
        ((5,), 1, 4, (1,), (4,)),
    ],
)
def test_it_is_the_twin(shape: Any, window: Any, stride: Any, full_window: Any, full_stride: Any) -> None:
    """Vectors, sequences, images, volumes; the last window hangs over the edge."""
    size = int(torch.tensor(shape).prod())
    net = nn.Sequential(nn.Flatten(), nn.Linear(size, 5), nn.Tanh(), nn.Linear(5, 2)).double()
    x, base = torch.randn(2, *shape, dtype=torch.float64), torch.randn(*shape, dtype=torch.float64)
    summed, _ = reference.ask(net, x, 1, Occlusion(window=window, stride=stride, baseline=base))
    mean, _ = reference.ask(net, x, 1, Occlusion(window=window, stride=stride, baseline=base, averaged=True))
    for row in range(2):
        lost, counts = reference.occluded(
            reference.scored(net, 1), x[row], base, window=full_window, stride=full_stride
        )
        torch.testing.assert_close(summed.maps[0][row], lost, rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(mean.maps[0][row], lost / counts.clamp(min=1), rtol=1e-10, atol=1e-12)


def test_it_needs_no_gradient() -> None:
    """A model that rounds has no gradient, and loses what it loses."""

    class Counts(nn.Module):
        @torch.no_grad()
        def forward(self, x: Tensor) -> Tensor:
            return (x > 0.5).sum(1).float()

    found, _ = reference.ask(Counts(), torch.tensor([[1.0, 0.2, 0.9]]), None, Occlusion(window=1))
    assert found.maps[0].tolist() == [[1.0, 0.0, 1.0]]
    assert not found.maps[0].requires_grad


def test_several_inputs_are_hidden_one_at_a_time() -> None:
    """Each has its own window; the others stay as they are."""

    class Product(nn.Module):
        def forward(self, a: Tensor, b: Tensor) -> Tensor:
            return a.sum(1) * b.sum((1, 2))

    inputs = (torch.tensor([[1.0, 2.0]]), torch.tensor([[[1.0, 1.0, 3.0]]]))
    found, _ = reference.ask(Product(), inputs, None, Occlusion(window=[1, (1, 1)], stride=[None, 1]))
    assert [one.tolist() for one in found.maps] == [[[5.0, 10.0]], [[[3.0, 3.0, 9.0]]]]


def test_a_layer_can_be_hidden() -> None:
    """Units of a layer set to 0, one by one: of a linear head each costs what it puts in."""
    net, x = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3)), torch.randn(2, 4)
    found, _ = reference.ask(net, x, 1, Occlusion(window=1, stride=1), at="1")
    torch.testing.assert_close(found.maps[0], (net[1](net[0](x)) * net[2].weight[1]).detach(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window": (1, 2)}, "window=(1, 2) came for examples of shape (2, 3, 4, 4)."),
        ({"window": 0}, "window=0 came for examples of shape (2, 3, 4, 4)."),
        ({"window": True}, "window=True came for examples of shape (2, 3, 4, 4)."),
        ({"stride": (2,)}, "stride=(2,) came for examples of shape (2, 3, 4, 4)."),
        ({"window": 1, "stride": (1, 1, 0)}, "stride=(1, 1, 0) came for examples of shape (2, 3, 4, 4)."),
    ],
)
def test_sizes_that_do_not_fit_are_refused(options: dict[str, Any], message: str) -> None:
    """The message says what came and what is possible."""
    with pytest.raises(InputError) as error:
        reference.ask(_Total(), torch.zeros(1, 2, 3, 4, 4), None, Occlusion(**options))
    assert str(error.value) == (
        f"{message} Expected None, a number for every axis of space, a tuple with one number an axis (with or without "
        "that of channels), or a list of these, one for each of the explained inputs. Each is 1 or more."
    )


def test_a_list_has_one_for_each_input() -> None:
    """Two windows for one input are refused."""
    with pytest.raises(InputError) as error:
        reference.ask(_Total(), torch.zeros(1, 4), None, Occlusion(window=[1, 2]))
    assert str(error.value) == (
        "[1, 2] came for 1 explained inputs. Expected None, a number for every axis of space, a tuple with one number "
        "an axis (with or without that of channels), or a list of these, one for each of the explained inputs."
    )
