"""Words and numbers as a figure shows them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.core.figure.words import amount, cells, fit, not_drawn, number, pad, percent, plain, wrap


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-0.0, "0"),
        (1, "1"),
        (0.041, "0.041"),
        (1250, "1,250"),
        (99999, "99,999"),
        (100000, "10⁵"),
        (123456, "1.2×10⁵"),
        (3.2e-7, "3.2×10⁻⁷"),
        (-0.5, "−0.5"),
        (99.97, "100"),
        (9.996, "10"),
        (0.30000000000000004, "0.3"),
        (math.nan, "NaN"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
        (1.7e308, "1.7×10³⁰⁸"),
    ],
)
def test_numbers(value: float, text: str) -> None:
    """A number is written in about three figures, with a real minus sign."""
    assert number(value) == text


def test_amounts() -> None:
    """One thing is singular, others are plural, also where the plural is irregular."""
    assert amount(1, "layer") == "1 layer"
    assert amount(2000, "layer") == "2,000 layers"
    assert amount(0, "index", "indices") == "0 indices"


def test_what_is_not_drawn() -> None:
    """In a sentence, and without one where all is."""
    assert not_drawn(1, "unit") == "1 unit more is not drawn."
    assert not_drawn(3, "class", "classes") == "3 classes more are not drawn."
    assert not_drawn(0, "unit") == not_drawn(-2, "unit") == ""


def test_harmless_text() -> None:
    """Line breaks become spaces, and what could steer a terminal or break a file becomes a mark."""
    assert plain("a\nb\tc") == "a b c"
    assert plain("\x1b[31mred\x00\u202e") == "�[31mred��"
    assert plain("\ud800") == "�"
    assert plain("naïve 漢字 ✓") == "naïve 漢字 ✓"


def test_widths() -> None:
    """Wide characters take two columns and accents none."""
    assert cells("abc") == 3
    assert cells("漢字") == 4
    assert cells("e\u0301") == 1
    assert fit("漢字漢字", 5) == "漢字…"
    assert pad("漢", 4) == "漢  "
    assert pad("7", 3, right=True) == "  7"


@given(text=st.text(max_size=60), width=st.integers(4, 30))
def test_nothing_is_too_wide(text: str, width: int) -> None:
    """Whatever the text, cut, filled and broken text keeps the width, and breaking loses no word."""
    assert cells(fit(text, width)) <= width
    assert cells(pad(text, width)) == width
    lines = wrap(text, width, indent="  ")
    assert lines
    assert all(cells(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(plain(text).split())


@pytest.mark.parametrize(
    ("share", "digits", "signed", "text"),
    [
        (0.923, 0, False, "92 %"),
        (0.0935, 1, True, "+9.3 %"),
        (-0.004, 1, False, "−0.4 %"),
        (float("nan"), 1, True, "NaN"),
    ],
)
def test_percent_is_written_in_one_way(share: float, digits: int, signed: bool, text: str) -> None:
    """With a space before the sign, and a real minus."""
    assert percent(share, digits, signed=signed) == text
