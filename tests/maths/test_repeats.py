"""Patches that repeat: against a slow twin, and where the answer is known."""

import numpy as np
import pytest
import torch
from torch import Tensor

from pellucid.maths import repeats
from pellucid.maths.repeats import STAMP, moving, residue, sameness, standing
from tests.reference import repeats as slow

MARK = torch.tensor([[2.0, -1.0, 1.0], [-2.0, 1.0, 2.0], [1.0, -1.0, -2.0]])


def noise(count: int = 30, channels: int = 2, side: int = 7) -> Tensor:
    """Pictures without a pattern."""
    return torch.randn(count, channels, side, side, generator=torch.Generator().manual_seed(0))


def attention(count: int = 30, places: int = 5) -> Tensor:
    """A share for each cell."""
    return torch.rand(count, places, places, generator=torch.Generator().manual_seed(1))


def test_standing_scores_are_those_of_the_slow_twin() -> None:
    """The best cell is that of pairs of patches compared one by one."""
    pictures, drawn = noise(), attention()
    pictures[:6, :, 2:5, 1:4] += 3 * MARK
    pictures[20:22, :, 2:5, 1:4] += 3 * MARK
    inside = torch.arange(30) < 15
    scores = slow.standing_score(
        pictures.double().numpy(), drawn.double().numpy(), inside.numpy(), (3, 3), least=4, like=0.9
    )
    found = standing(pictures, drawn, inside, cell=(3, 3), least=4)
    assert tuple(found[0].places[0].tolist()) == np.unravel_index(scores.argmax(), scores.shape)
    assert set(found[0].members.tolist()) <= set(range(6))
    assert found[0].elsewhere == pytest.approx(2 / 15)


def test_sameness_is_the_mean_of_all_pairs() -> None:
    """The square of a sum equals the pairs added up one by one."""
    pictures = noise()
    members, places = torch.arange(8), torch.tensor([[row % 4, row % 3] for row in range(8)])
    patches = [pictures[row, :, a : a + 3, b : b + 4].double().numpy() for row, (a, b) in enumerate(places.tolist())]
    np.testing.assert_allclose(sameness(pictures, members, places, (3, 4)), slow.sameness(patches), atol=1e-7)


def test_moving_finds_the_places_of_the_slow_twin() -> None:
    """A mark at changing places is found where a search of all places finds it."""
    pictures, drawn = 0.1 * noise(), torch.zeros(30, 5, 5)
    inside = torch.arange(30) < 15
    for row in range(10):
        a, b = row % 5, (2 * row) % 5
        pictures[row, :, a : a + 3, b : b + 3] = MARK
        drawn[row, a, b] = 0.5
    (found,) = moving(pictures, drawn, inside, cell=(3, 3), least=8)
    assert found.members.tolist() == list(range(10))
    assert found.alike > 0.999
    for row, place in zip(found.members.tolist(), found.places.tolist(), strict=True):
        assert tuple(place) == slow.best_match(pictures[row].double().numpy(), np.stack([MARK.double().numpy()] * 2))[1]


def test_nothing_repeats_in_noise() -> None:
    """Of noise no patch is returned, standing or moving."""
    pictures, drawn, inside = noise(), attention(), torch.arange(30) < 15
    assert standing(pictures, drawn, inside, cell=(3, 3), least=3) == []
    assert moving(pictures, drawn, inside, cell=(3, 3), least=3) == []


def test_a_blank_place_is_no_repeat() -> None:
    """Constant patches, which correlate with nothing, do not count, at any brightness."""
    for value in (0.0, 5.0):
        pictures = noise()
        pictures[:, :, :4, :4] = value
        found = standing(pictures, attention(), torch.arange(30) < 15, cell=(3, 3), least=3)
        assert all(max(one.places[0].tolist()) > 1 for one in found)


def test_what_stands_elsewhere_as_often_is_no_repeat() -> None:
    """A mark in half of all pictures says nothing of the kind."""
    pictures, drawn = 0.1 * noise(), attention()
    pictures[::2, :, 1:4, 1:4] = MARK
    inside = torch.arange(30) < 14
    assert standing(pictures, drawn, inside, cell=(3, 3), least=3) == []


def test_a_mark_at_one_place_does_not_move() -> None:
    """What stands is left to `standing`."""
    pictures, drawn = 0.1 * noise(), torch.zeros(30, 5, 5)
    pictures[:15, :, 1:4, 1:4] = MARK
    drawn[:15, 1, 1] = 0.5
    inside = torch.arange(30) < 15
    assert moving(pictures, drawn, inside, cell=(3, 3)) == []
    (found,) = standing(pictures, drawn, inside, cell=(3, 3))
    assert (found.places == 1).all()
    assert found.members.tolist() == list(range(15))


def test_residue_is_that_of_the_slow_twin() -> None:
    """What a gain and offsets leave equals, for every part, what is left when they are fitted one by one."""
    pictures = noise(8) + 2 * noise(1)
    slowly = slow.residue(pictures.double().numpy(), (3, 4))
    np.testing.assert_allclose(residue(pictures, (3, 4), 0.0).numpy(), slowly, rtol=1e-9)


def test_a_fainter_stamp_leaves_nothing_and_a_noisy_one_its_noise() -> None:
    """Copies of another brightness differ by nothing; noise of a tenth leaves a tenth; a blank place has no figure."""
    mark = MARK.repeat(1, 2, 1, 1)
    factors = torch.linspace(0.8, 1.2, 29)[:, None, None, None]
    assert float(residue(factors * mark + 5, (3, 3), 0.1)) < 1e-6
    contrast = float((MARK - MARK.mean()).square().mean().sqrt())
    left = float(residue(factors * mark + 0.1 * contrast * noise(29, side=3), (3, 3), 0.1))
    assert 0.07 < left < 0.11
    assert float(residue(mark.expand(9, 2, 3, 3), (3, 3), 9.0)) == 1.0


def test_a_stamp_larger_than_a_cell_is_found_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the cell comes all of it that stands, in one piece, within a quarter of the picture; of noise nothing."""
    monkeypatch.setattr(repeats, "_MOST_STANDING", 1)
    for side, wanted in ((5, [(3, 3), (5, 5)]), (8, [(3, 3)])):
        pictures, inside, drawn = noise(side=12), torch.arange(30) < 15, torch.ones(30, 10, 10)
        drawn[:, 3, 4] = 2
        pictures[:12, :, 2 : 2 + side, 3 : 3 + side] = 4 * torch.sign(noise(1, side=side))
        found = standing(pictures, drawn, inside, cell=(3, 3))
        assert [one.cell for one in found] == wanted
        assert found[-1].members.tolist() == list(range(12))
        assert found[-1].residue < 1e-6


def test_what_is_only_alike_is_not_looked_for_further(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patches that correlate, but leave more than a stamp does, stay a cell."""
    monkeypatch.setattr(repeats, "_MOST_STANDING", 1)
    pictures, inside, drawn = noise(side=12), torch.arange(30) < 15, torch.ones(30, 10, 10)
    drawn[:, 3, 4] = 2
    pictures[:12, :, 2:7, 3:8] = 4 * torch.sign(noise(1, side=5)) + noise(12, side=5)
    (one,) = standing(pictures, drawn, inside, cell=(3, 3))
    assert (one.cell, len(one.members)) == ((3, 3), 12)
    assert STAMP < one.residue < 0.4


def test_a_frame_is_not_found_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two bars that meet fill too little of their square: what is between them is not the stamp's."""
    monkeypatch.setattr(repeats, "_MOST_STANDING", 1)
    pictures, inside = 0.05 * noise(40, side=12), torch.arange(40) < 15
    pictures[15:, :, :7, :7] += 3 * noise(25, side=7)
    stripes = torch.tensor([[2.0], [-2.0], [2.0]])
    pictures[:12, :, 0:3, 0:6] = stripes
    pictures[:12, :, 0:6, 0:3] = stripes.T
    pictures[:12, :, 3:6, 3:6] = noise(12, side=3)
    found = standing(pictures, torch.ones(40, 10, 10), inside, cell=(3, 3))
    assert [one.cell for one in found] == [(3, 3)]


def test_the_ground_is_no_copy() -> None:
    """Where strokes leave a gap all pictures of a class are the same, and nobody stamped that; a stroke there is."""
    pictures = torch.where(noise(60, 1, 12).abs() > 1.2, 1.0, 0.0)
    members, places, inside = torch.arange(20), torch.tensor([[4, 4]]).expand(20, 2), torch.arange(60) < 20
    pictures[20:, :, 4:8, 4:8] = 1.0
    for value, expected in ((0.0, 0.0), (0.6, 1.0)):
        pictures[:20, :, 4:8, 4:8] = value
        assert repeats.copied(pictures, members, places, inside, (4, 4)) == expected
