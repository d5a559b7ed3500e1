"""A nudge: what is measured is what the network does, what is predicted is gradient times size."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pellucid.gallery.trained import digit_reader
from pellucid.outlets.explorer.nudge import nudge_of
from pellucid.probe.subject import Subject


class Square(nn.Module):
    """Two scores of one pixel: its square, and 3 less twice the pixel, through a ReLU."""

    def __init__(self) -> None:
        super().__init__()
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Compute both."""
        pixel = x[:, 0, 1, 2]
        return torch.stack([pixel**2, self.relu(3 - 2 * pixel)], dim=1)


def picture_of(pixel: float) -> Tensor:
    """Black but for the pixel at row 1, column 2."""
    picture = torch.zeros(1, 1, 3, 4)
    picture[0, 0, 1, 2] = pixel
    return picture


def test_known_answers() -> None:
    """Of x squared the slope at 1 is 2, and a nudge of 0.25 raises it by 0.5625; of 3 - 2 x both are -0.5."""
    found = nudge_of(Subject(Square()), picture_of(1.0), (1, 2), 0.25)
    assert found.slopes == pytest.approx([2.0, -2.0])
    assert found.predicted == pytest.approx([0.5, -0.5])
    assert found.change == pytest.approx([0.5625, -0.5])
    assert (found.brightness, found.units, found.switched) == (1.0, 1, 0)
    assert found.curve[:, 0] == pytest.approx((1 + found.sizes) ** 2, abs=1e-6)
    assert nudge_of(Subject(Square()), picture_of(1.0), (1, 2), 0.9).switched == 1
    elsewhere = nudge_of(Subject(Square()), picture_of(1.0), (0, 0), 0.9)
    assert not elsewhere.change.any()
    assert not elsewhere.predicted.any()


@pytest.mark.parametrize("size", [0.0, 0.3, -1.0, 1.0, 0.05])
def test_the_curve_rises_through_the_nudge(size: float) -> None:
    """Every size once, the chosen one among them, and there the score of `after`."""
    found = nudge_of(Subject(Square()), picture_of(0.5), (1, 2), size)
    assert (np.diff(found.sizes) > 1e-3).all()
    assert (found.sizes[0], found.sizes[-1]) == (-1.0, 1.0)
    here = int(np.flatnonzero(found.sizes == size)[0])
    assert found.curve[here] == pytest.approx(found.after, abs=1e-6)


@pytest.mark.parametrize("architecture", ["mlp", "cnn"])
def test_the_prediction_is_the_gradient_times_the_nudge(architecture: str) -> None:
    """As torch.autograd has it, for every class; the picture, the network and torch's random numbers stay."""
    reader = digit_reader(architecture)
    picture = reader.held_out(5, 3)
    kept, state = picture.clone(), torch.get_rng_state()
    found = nudge_of(Subject(reader.model), picture, (6, 9), -0.35)
    for place in range(10):
        x = picture.clone().requires_grad_()
        (slope,) = torch.autograd.grad(reader.model(x)[0, place], x)
        assert found.predicted[place] == pytest.approx(-0.35 * float(slope[0, 0, 6, 9]), rel=1e-5, abs=1e-6)
    nudged = picture.clone()
    nudged[0, 0, 6, 9] -= 0.35
    with torch.no_grad():
        expected = (reader.model(nudged) - reader.model(picture))[0].numpy()
    assert found.change == pytest.approx(expected, abs=1e-5)
    assert torch.equal(picture, kept)
    assert torch.equal(torch.get_rng_state(), state)
    assert not any(one._forward_hooks for one in reader.model.modules())


def test_it_does_not_depend_on_the_default_device() -> None:
    """What is computed lies where the network is."""
    usual = nudge_of(Subject(Square()), picture_of(1.0), (1, 2), 0.25)
    model, picture = Square(), picture_of(1.0)
    with torch.device("meta"):
        found = nudge_of(Subject(model), picture, (1, 2), 0.25)
    assert np.array_equal(found.curve, usual.curve)
