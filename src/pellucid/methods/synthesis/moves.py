"""Moves: small random shifts, zooms and turns, so that a picture pleases a model however it is held."""

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

GREY = 0.5
"""What lies around a picture, in [0, 1]."""


def drawn(generator: torch.Generator, steps: int) -> Float[Tensor, "steps 4"]:
    """Draw how a picture is moved at each step: down, across, zoom, turn, each evenly spread over [-1, 1]."""
    return 2 * torch.rand(steps, 4, generator=generator, dtype=torch.float32, device="cpu") - 1


def moved(
    pictures: Float[Tensor, "row channel height width"],
    draws: Float[Tensor, "row 4"],
    *,
    jitter: float,
    zoom: float,
    turn: float,
) -> Float[Tensor, "row channel height width"]:
    """Return pictures that are shifted, zoomed and turned on a ground of mid-grey; the size and the aspect stay.

    Args:
        pictures: In [0, 1].
        draws: How each is moved, see `drawn`.
        jitter: The longest shift along each axis, as a share of the shorter side.
        zoom: The largest change of size, as a share: .1 for 90 % to 110 %.
        turn: The largest turn, in degrees.

    Returns:
        The same shape, bilinear between pixels. With no move at all the pictures themselves.

    Cost:
        One bilinear sample a pixel.

    Source:
        Olah, Mordvintsev and Schubert 2017, on robustness to transformations; one affine map in place of several.
    """
    if not (jitter or zoom or turn):
        return pictures
    maps = _maps(draws.to(pictures), pictures.shape[-2:], jitter=jitter, zoom=zoom, turn=turn)
    grid = F.affine_grid(maps, list(pictures.shape), align_corners=False)
    # What lies outside is 0 to grid_sample.
    return F.grid_sample(pictures - GREY, grid, padding_mode="zeros", align_corners=False) + GREY


def _maps(
    draws: Float[Tensor, "row 4"], size: torch.Size, *, jitter: float, zoom: float, turn: float
) -> Float[Tensor, "row 2 3"]:
    """Return for each row the map from places of the moved picture to places of the picture.

    Places are counted from the centre, in halves of a side, as grid_sample counts them: a turn in pixels is one in
    halves only of a square picture, so that the off-diagonals are stretched by the ratio of the sides.
    """
    height, width = size
    shorter = min(height, width)
    down, across, larger, turned = draws.unbind(1)
    factor, angle = 1 / (1 + zoom * larger), turned * math.radians(turn)
    cosine, sine = factor * angle.cos(), factor * angle.sin()
    shift_across, shift_down = (2 * jitter * shorter / side * one for side, one in ((width, across), (height, down)))
    first = torch.stack([cosine, -sine * height / width, shift_across], dim=1)
    second = torch.stack([sine * width / height, cosine, shift_down], dim=1)
    return torch.stack([first, second], dim=1)
