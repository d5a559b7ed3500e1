"""The look: contrast, colour-blind safety, and colours without matplotlib."""

import itertools

import numpy as np
import pytest

from pellucid.core.errors import InputError
from pellucid.core.finding import Level
from pellucid.core.theme import (
    DARK,
    DIVERGING,
    GROUPS,
    LEVEL_STYLES,
    LEVEL_SYMBOLS,
    LIGHT,
    PLACES,
    SEQUENTIAL,
    Theme,
    colour_limits,
    contrast,
    css,
    group_of,
    oklab,
    paint,
    rgb,
    theme_of,
    veil,
)

THEMES = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)

# How the missing cones of protanopes, deuteranopes and tritanopes mix linear light.
# Source: Machado, Oliveira, Fernandes (2009), severity 1.
BLINDNESS = {
    "full sight": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


def distance(one: str, other: str, sight: str) -> float:
    """Return how far apart two colours look, in OKLab units; 0.02 is about the least that can be seen."""
    seen = []
    for colour in (one, other):
        share = np.array(rgb(colour))
        light = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
        mixed = np.clip(BLINDNESS[sight] @ light, 0, 1)
        seen.append(oklab(np.where(mixed <= 0.0031308, mixed * 12.92, 1.055 * mixed ** (1 / 2.4) - 0.055)))
    return float(np.linalg.norm(seen[0] - seen[1]))


def test_contrast_of_black_and_white() -> None:
    """Black on white is 21 : 1, a colour on itself 1 : 1, and the order does not matter."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#777777") == pytest.approx(1)


@THEMES
def test_text_can_be_read(theme: Theme) -> None:
    """Ink reaches 12 : 1, labels and every level 4.5 : 1 on the paper."""
    assert contrast(theme.ink, theme.paper) >= 12
    assert contrast(theme.muted, theme.paper) >= 4.5
    for level in Level:
        assert contrast(theme.level(level), theme.paper) >= 4.5, level


@THEMES
def test_marks_can_be_seen(theme: Theme) -> None:
    """Every tone but faint reaches 3 : 1 on the paper."""
    for name, colour in theme.tones.items():
        assert name == "faint" or contrast(colour, theme.paper) >= 3, name


def test_groups_can_be_seen_on_both_papers() -> None:
    """The colours of groups reach 3 : 1 on the light and on the dark paper."""
    for colour in GROUPS:
        assert min(contrast(colour, LIGHT.paper), contrast(colour, DARK.paper)) >= 3, colour


@pytest.mark.parametrize("sight", BLINDNESS)
@THEMES
def test_tones_differ_to_colour_blind_readers(theme: Theme, sight: str) -> None:
    """The five tones of curves look different with full sight and with each kind of colour blindness."""
    for one, other in itertools.combinations(("accent", "second", "third", "fourth", "fifth"), 2):
        assert distance(theme.tones[one], theme.tones[other], sight) > 0.05, (one, other)  # type: ignore[index]


@pytest.mark.parametrize("sight", BLINDNESS)
def test_the_ends_of_signed_values_differ(sight: str) -> None:
    """Red and blue are told apart with each kind of colour blindness."""
    ends = [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in (DIVERGING[40], DIVERGING[215])]
    assert distance(*ends, sight) > 0.1


def test_maps_of_colour() -> None:
    """Lightness rises along the sequential map, and falls evenly on both sides of the pale middle of the diverging."""
    light = oklab(SEQUENTIAL / 255)[:, 0]
    assert SEQUENTIAL.shape == DIVERGING.shape == (256, 3)
    assert np.all(np.diff(light) > -0.003)
    assert light[-1] - light[0] > 0.7
    signed = oklab(DIVERGING / 255)[:, 0]
    assert np.all(np.diff(signed[:128]) > -0.003)
    assert np.all(np.diff(signed[128:]) < 0.003)
    assert np.abs(signed - signed[::-1]).max() < 0.06
    assert not SEQUENTIAL.flags.writeable


def test_things_of_one_kind_have_colours_of_their_own() -> None:
    """First the roles, then the groups that resemble none of them, then these anew."""
    later = [group_of(len(PLACES) + place) for place in range(7)]
    assert later[:5] == list(GROUPS[5:])
    assert later[5] == later[0]


def test_every_level_has_its_own_sign() -> None:
    """A level is told by its symbol alone."""
    assert len({LEVEL_SYMBOLS[level] for level in Level}) == len(Level)
    assert set(LEVEL_STYLES) == set(Level)


@pytest.mark.parametrize(
    ("values", "signed", "limits"),
    [
        ([1.0, -3.0], True, (-3, 3)),
        ([0.0], True, (-1, 1)),
        ([], True, (-1, 1)),
        ([], False, (0, 1)),
        ([np.nan, np.inf], False, (0, 1)),
        ([0.1, 4.0], False, (0, 4)),
        ([3.0, 4.0], False, (3, 4)),
        ([-1.0, 4.0], False, (-1, 4)),
        ([2.0, 2.0], False, (2, 4)),
        ([0.0, 0.0], False, (0, 1)),
        ([-2.0], False, (-2, 0)),
    ],
)
def test_ends_of_the_colours(values: list[float], signed: bool, limits: tuple[float, float]) -> None:
    """0 is the middle for signed values, and the low end for magnitudes that come near it; never an empty span."""
    assert colour_limits(np.array(values), signed=signed) == limits


def test_painting() -> None:
    """0 is the pale middle, the ends are the ends, NaN is clear, and infinite values are the ends."""
    pixels = paint(np.array([[-2.0, 0.0, 2.0, np.nan, np.inf, -np.inf]]), signed=True)
    assert pixels.shape == (1, 6, 4)
    np.testing.assert_array_equal(pixels[0, 0, :3], DIVERGING[0])
    np.testing.assert_array_equal(pixels[0, 2, :3], DIVERGING[255])
    assert pixels[0, 1, :3].min() > 235
    assert pixels[0, :, 3].tolist() == [255, 255, 255, 0, 255, 255]
    np.testing.assert_array_equal(pixels[0, 4, :3], DIVERGING[255])
    np.testing.assert_array_equal(pixels[0, 5, :3], DIVERGING[0])


def test_painting_the_largest_values() -> None:
    """The largest float64 values neither overflow nor warn."""
    large = np.finfo(np.float64).max
    pixels = paint(np.array([-large, large]), signed=False)
    np.testing.assert_array_equal(pixels[:, :3], SEQUENTIAL[[0, 255]])


def test_unknown_theme() -> None:
    """A theme that does not exist is refused with those that do."""
    assert theme_of("dark") is DARK
    with pytest.raises(InputError, match=r"^Theme 'sepia' does not exist\. Give 'light' or 'dark'\.$"):
        theme_of("sepia")


def test_css_of_a_page() -> None:
    """The variables stand in the scope, once for each background, and follow the switches of the usual hosts."""
    text = css(".here")
    assert text.startswith(".here{--paper:#ffffff;--ink:#1d2127;")
    assert "@media (prefers-color-scheme:dark){.here{--paper:#15181d;" in text
    assert '[data-jp-theme-light="false"] .here{--paper:#15181d' in text
    assert css(".here", dark_of_page=False).count("--paper") == 1


def test_a_veil_is_clear_at_zero_and_dense_at_the_ends() -> None:
    """Blue against, red for, NaN clear; what is infinite is as dense as the largest value."""
    over = veil(np.array([-2.0, -1, 0, 1, 2, np.nan, np.inf]), signed=True)
    np.testing.assert_array_equal(over[:, 3], [255, 152, 0, 152, 255, 0, 255])
    assert over[0, 2] > over[0, 0]
    assert over[4, 0] > over[4, 2]
    np.testing.assert_array_equal(over[0, :3], over[1, :3])


def test_a_veil_of_magnitudes_is_clear_at_its_low_end() -> None:
    """Its colours are the brighter ones of the sequential map."""
    over = veil(np.array([[0.0, 0.5], [1.0, np.nan]]), signed=False)
    np.testing.assert_array_equal(over[..., 3], [[0, 152], [255, 0]])
    np.testing.assert_array_equal(over[1, 0, :3], SEQUENTIAL[-1])
    assert over[0, 0, :3].sum() > SEQUENTIAL[0].sum()
