"""Durations, sizes and figures in words."""

import math

import pytest

from pellucid.core.finding import Plain
from pellucid.outlets.page.words import duration, label_words, size, value_words


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (None, "unknown"),
        (0.0, "0.0 s"),
        (3.14, "3.1 s"),
        (99.96, "1 min 40 s"),
        (125.0, "2 min 5 s"),
        (3720.0, "1 h 2 min"),
    ],
)
def test_durations_have_two_units(seconds: float | None, expected: str) -> None:
    """Seconds, then minutes and seconds, then hours and minutes."""
    assert duration(seconds) == expected


@pytest.mark.parametrize(
    ("count", "expected"), [(0, "0 B"), (999, "999 B"), (31_400, "31 kB"), (999_600, "1.0 MB"), (4_200_000, "4.2 MB")]
)
def test_sizes_have_one_unit(count: int, expected: str) -> None:
    """Bytes, kilobytes, megabytes."""
    assert size(count) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "–"),
        (True, "yes"),
        (False, "no"),
        (1240, "1,240"),
        (-3, "−3"),
        (0.62451, "0.625"),
        (math.nan, "NaN"),
        ("a", "a"),
    ],
)
def test_values_read_like_words(value: Plain, expected: str) -> None:
    """Every kind of plain value has a form for readers."""
    assert value_words(value) == expected


def test_names_lose_their_joints() -> None:
    """Underscores and hyphens are spaces to a reader."""
    assert label_words("dead_units not-measured") == "dead units not measured"
