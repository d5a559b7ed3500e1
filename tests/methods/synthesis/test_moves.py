"""Moves: against a loop over pixels, and known answers."""

import pytest
import torch
from torch import Tensor

from pellucid.methods.synthesis.moves import drawn, moved
from tests.reference import fourier as slow


def picture(height: int, width: int) -> Tensor:
    """One picture of random pixels, float64."""
    return torch.rand(1, 1, height, width, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize(("height", "width"), [(8, 8), (6, 11), (13, 5)])
@pytest.mark.parametrize("draws", [(0.3, -0.8, 0.5, 0.9), (-1.0, 1.0, -1.0, -1.0), (0.0, 0.0, 0.0, 1.0)])
def test_moves_are_those_of_a_loop_over_pixels(height: int, width: int, draws: tuple[float, ...]) -> None:
    """A shift, a zoom and a turn that keep the aspect, of square and of oblong pictures."""
    given = picture(height, width)
    found = moved(given, torch.tensor([draws], dtype=torch.float64), jitter=0.2, zoom=0.3, turn=40.0)
    down, across, larger, turned = draws
    longest = 0.2 * min(height, width)
    expected = slow.moved(given[0, 0], longest * down, longest * across, 1 + 0.3 * larger, 40 * turned)
    torch.testing.assert_close(found[0, 0], expected, rtol=1e-9, atol=1e-9)


def test_no_move_gives_the_picture_itself() -> None:
    """Neither a copy nor a blur."""
    given = picture(4, 6)
    assert moved(given, torch.ones(1, 4), jitter=0, zoom=0, turn=0) is given


def test_a_quarter_turn_and_a_whole_pixel_are_exact() -> None:
    """Pixels come to lie on pixels; what comes in from outside is grey."""
    given = picture(6, 6)
    turned = moved(given, torch.tensor([[0.0, 0, 0, 1]]), jitter=0, zoom=0, turn=90)
    torch.testing.assert_close(turned[0, 0], torch.rot90(given[0, 0], 1), rtol=1e-9, atol=1e-9)
    shifted = moved(given, torch.tensor([[1.0, 0, 0, 0]]), jitter=1 / 6, zoom=0, turn=0)
    torch.testing.assert_close(shifted[0, 0, :-1], given[0, 0, 1:], rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(shifted[0, 0, -1], torch.full((6,), 0.5).double(), rtol=1e-9, atol=1e-9)


def test_an_oblong_picture_keeps_its_aspect() -> None:
    """Half as large it is half as high and half as wide."""
    given = torch.ones(1, 1, 20, 100, dtype=torch.float64)
    small = moved(given, torch.tensor([[0.0, 0, -1, 0]]), jitter=0, zoom=0.5, turn=0)[0, 0] > 0.75
    assert (int(small.any(1).sum()), int(small.any(0).sum())) == (10, 50)


def test_draws_are_even_and_from_their_generator_only() -> None:
    """Between -1 and 1, the same for the same seed, and the global state is not touched."""
    before = torch.get_rng_state()
    first, again = (drawn(torch.Generator().manual_seed(3), 2000) for _ in range(2))
    assert torch.equal(first, again)
    assert torch.equal(before, torch.get_rng_state())
    assert first.abs().max() <= 1
    assert float(first.mean().abs()) < 0.03
    assert float(first.var()) == pytest.approx(1 / 3, abs=0.02)
