"""What a figure is made of: lists, masked arrays and tensors become arrays, and what cannot be is told at once."""

from dataclasses import MISSING, fields
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch

from pellucid.core.errors import InputError
from pellucid.core.figure import (
    Axis,
    Bars,
    Cloud,
    Event,
    Figure,
    Heat,
    Lines,
    Panel,
    Parallel,
    Surface,
    Table,
    Tiles,
    Tokens,
)
from pellucid.core.finding import Level
from pellucid.core.frame import Frame, pack, unpack

X = np.arange(3.0)
KINDS: dict[str, type[Any]] = {
    "Axis": Axis, "Bars": Bars, "Cloud": Cloud, "Event": Event, "Figure": Figure, "Heat": Heat, "Lines": Lines,
    "Panel": Panel, "Parallel": Parallel, "Surface": Surface, "Table": Table, "Tiles": Tiles, "Tokens": Tokens,
}  # fmt: skip


def made(kind: type[Any], **given: Any) -> Any:
    """Make a part of a figure, past the checker of types that stands around it in tests."""
    record = object.__new__(kind)
    for one in fields(kind):
        usual = one.default if one.default_factory is MISSING else one.default_factory()
        object.__setattr__(record, one.name, given.get(one.name, usual))
    record.__post_init__()
    return record


MARKS = "Bars | Lines | Heat | Tiles | Cloud | Surface | Parallel | Tokens | Table | Event"
CALL = "Call np.asarray(..., dtype=float) first."


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([1, 2, 3], [1, 2, 3]),
        ((1.5, 2, 3), [1.5, 2, 3]),
        (np.ma.masked_array([1, 2, 3], [False, True, False]), [1, np.nan, 3]),
        (np.ma.masked_array([1.0, 2.0, 3.0]), [1, 2, 3]),
        (np.arange(3, dtype=np.longdouble), [0, 1, 2]),
        (np.array([True, False, True]), [1, 0, 1]),
        (torch.arange(3), [0, 1, 2]),
        (torch.arange(3.0, requires_grad=True), [0, 1, 2]),
        (torch.arange(3, dtype=torch.bfloat16), [0, 1, 2]),
        (torch.arange(3, dtype=torch.float16), [0, 1, 2]),
        (torch.nn.Parameter(torch.ones(3)), [1, 1, 1]),
        ([torch.tensor(1.0), torch.tensor(2.0), np.float32(3)], [1, 2, 3]),
    ],
)
def test_numbers_of_all_kinds_are_arrays(given: Any, expected: list[float]) -> None:
    """And reach a page."""
    mark = made(Lines, x=X, y=given)
    assert isinstance(mark.y, np.ndarray)
    np.testing.assert_array_equal(mark.y.astype(np.float64), expected)
    figure = Figure(title="t", panels=(Panel(marks=(mark,)),))
    (found,) = unpack(pack(Frame(figure=figure))).figure.panels[0].marks
    assert isinstance(found, Lines)
    np.testing.assert_array_equal(found.y, expected)
    assert figure.text()


def test_an_array_is_not_copied_and_a_tensor_is() -> None:
    """A picture does not change while training goes on."""
    weight = torch.nn.Parameter(torch.zeros(3))
    mark = made(Lines, x=X, y=weight)
    with torch.no_grad():
        weight += 1
    assert mark.x is X
    assert mark.y.tolist() == [0, 0, 0]


def test_lists_are_tuples_and_numbers_are_plain() -> None:
    """Also in parts of a figure."""
    axis = made(Axis, limits=[np.float32(0), torch.tensor(2)], categories=["a"])
    assert (axis.limits, axis.categories) == ((0.0, 2), ("a",))
    assert made(Axis, limits=np.array([0.0, 2.0])).limits == (0.0, 2.0)
    panel = made(Panel, marks=[made(Table, columns=["a"], rows=[["b"]])], level="warn", wide=np.bool_(True))
    figure = made(Figure, title="t", panels=[panel], columns=np.int64(2))
    assert figure.panels[0].marks[0] == Table(columns=("a",), rows=(("b",),))
    assert (panel.level, panel.wide, figure.columns) == (Level.WARN, True, 2)
    assert made(Event, at=torch.tensor(3.0), text="").at == 3.0


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    (
        "Lines",
        {"x": X, "y": X + 1j, "label": "a"},
        "'y' of Lines 'a' takes real numbers, got complex ones. Take abs(), .real or .imag of them.",
    ),
    (
        "Lines",
        {"x": X, "y": torch.zeros(3, dtype=torch.complex64)},
        "'y' of Lines takes real numbers, got complex ones. Take abs(), .real or .imag of them.",
    ),
    (
        "Lines",
        {"x": X, "y": np.array([1, None, 2])},
        f"'y' of Lines takes an array of numbers, got an array of object. {CALL}",
    ),
    (
        "Lines",
        {"x": X, "y": [Fraction(1), 2, 3]},
        f"'y' of Lines takes an array of numbers, got an array of object. {CALL}",
    ),
    ("Lines", {"x": ["a", "b", "c"], "y": X}, f"'x' of Lines takes an array of numbers, got an array of <U1. {CALL}"),
    (
        "Lines",
        {"x": np.zeros(3, dtype="M8[D]"), "y": X},
        f"'x' of Lines takes an array of numbers, got an array of datetime64[D]. {CALL}",
    ),
    ("Lines", {"x": X, "y": None}, f"'y' of Lines takes an array of numbers, got NoneType. {CALL}"),
    ("Lines", {"x": X, "y": "abc"}, f"'y' of Lines takes an array of numbers, got str. {CALL}"),
    (
        "Lines",
        {"x": X, "y": torch.zeros(3, device="meta")},
        "'y' of Lines takes an array of numbers, got Tensor: Cannot copy out of meta tensor; no data!.",
    ),
    (
        "Lines",
        {"x": X, "y": [1, 2], "label": "a"},
        "'y' of Lines 'a' has the shape (2,), expected [point] with point = 3.",
    ),
    ("Lines", {"x": X, "y": 3.0}, "'y' of Lines has the shape (), expected [point] with point = 3."),
    ("Lines", {"x": X, "y": X, "low": X[:2]}, "'low' of Lines has the shape (2,), expected [point] with point = 3."),
    (
        "Lines",
        {"x": X, "y": X, "style": "dashd"},
        "'style' of Lines takes one of 'solid', 'dashed', 'dotted', got 'dashd'. Closest: 'dashed'.",
    ),
    ("Lines", {"x": X, "y": X, "dots": 1}, "'dots' of Lines takes True or False, got 1."),
    ("Lines", {"x": X, "y": X, "label": 3}, "'label' of Lines takes text, got 3."),
    ("Bars", {"edges": X, "heights": X}, "'edges' of Bars has the shape (3,), expected [bar+1] with bar = 3."),
    ("Heat", {"values": X}, "'values' of Heat has the shape (3,), expected [row, column]."),
    ("Heat", {"values": np.eye(3), "x": X}, "'x' of Heat has the shape (3,), expected [column+1] with column = 3."),
    (
        "Tiles",
        {"images": np.zeros((1, 2, 2, 4))},
        "'images' of Tiles has the shape (1, 2, 2, 4), expected [tile, height, width, colours?].",
    ),
    ("Cloud", {"points": np.zeros((3, 4))}, "'points' of Cloud has the shape (3, 4), expected [point, 2|3]."),
    (
        "Cloud",
        {"points": np.zeros((3, 2)), "group": [0, 1, -1]},
        "'group' of Cloud takes whole numbers, 0 for the first group.",
    ),
    (
        "Cloud",
        {"points": np.zeros((2, 2)), "group": [0, np.nan]},
        "'group' of Cloud takes whole numbers, 0 for the first group.",
    ),
    (
        "Surface",
        {"x": X, "y": X, "z": np.zeros((3, 2))},
        "'z' of Surface has the shape (3, 2), expected [row, column] with row = 3, column = 3.",
    ),
    (
        "Surface",
        {"x": X, "y": X, "z": np.eye(3), "paths": (np.zeros((5, 2)),)},
        "'paths' of Surface has the shape (5, 2), expected [any, 3].",
    ),
    (
        "Parallel",
        {"axes": (Axis(),), "rows": np.zeros((2, 2))},
        "'rows' of Parallel has the shape (2, 2), expected [row, axis] with axis = 1.",
    ),
    (
        "Tokens",
        {"text": ("a", "b"), "values": X},
        "'values' of Tokens has the shape (3,), expected [token] with token = 2.",
    ),
    ("Tokens", {"text": "ab", "values": X[:2]}, "'text' of Tokens takes a tuple, got 'ab'. Put it into one: (..., )."),
    ("Table", {"columns": ("a",), "rows": ((1,),)}, "'rows' of Table takes text, got 1."),
    ("Event", {"at": "3", "text": ""}, "'at' of Event takes a number, got '3'."),
    ("Axis", {"limits": (0, 1, 2), "label": "a"}, "'limits' of Axis 'a' takes 2 values, got 3."),
    ("Axis", {"scale": "symlog", "threshold": 0}, "'threshold' of Axis takes a number above 0, got 0."),
    (
        "Panel",
        {"title": "a", "marks": Lines(x=X, y=X)},
        "'marks' of Panel 'a' takes a tuple, got Lines. Put it into one: (..., ).",
    ),
    ("Panel", {"title": "a", "marks": (X,)}, f"'marks' of Panel 'a' takes {MARKS}, got ndarray."),
    (
        "Panel",
        {"level": "bad"},
        "'level' of Panel takes one of 'ok', 'not-measured', 'look', 'warn', 'alarm', got 'bad'.",
    ),
    ("Figure", {"title": 3, "panels": ()}, "'title' of Figure takes text, got 3."),
    ("Figure", {"title": None, "panels": ()}, "'title' of Figure takes text, got None."),
    ("Figure", {"title": "a", "panels": (), "alt": ["b"]}, "'alt' of Figure 'a' takes text, got list."),
    ("Figure", {"title": "a", "panels": (), "caveat": b"b"}, "'caveat' of Figure 'a' takes text, got bytes."),
    (
        "Figure",
        {"title": "a", "panels": Panel()},
        "'panels' of Figure 'a' takes a tuple, got Panel. Put it into one: (..., ).",
    ),
    (
        "Figure",
        {"title": "a", "panels": (), "columns": 0},
        "'columns' of Figure 'a' takes a whole number of 1 or more, got 0.",
    ),
]


@pytest.mark.parametrize(("kind", "given", "message"), REFUSED)
def test_what_cannot_be_is_refused_where_it_is_made(kind: str, given: dict[str, Any], message: str) -> None:
    """With the mark, the field, what came and what it takes."""
    with pytest.raises(InputError) as caught:
        made(KINDS[kind], **given)
    assert str(caught.value) == f"The field {message}"


def test_a_ragged_list_is_refused() -> None:
    """With what numpy says about it."""
    with pytest.raises(
        InputError, match=r"^The field 'values' of Heat takes an array of numbers, got list: setting an"
    ):
        made(Heat, values=[[1, 2], [3]])


EIGHT = np.eye(8)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"under": 255 * EIGHT}, "'under' of Heat takes numbers from 0 to 1, got 0 to 255. Divide by 255 first."),
        ({"under": EIGHT - 1}, "'under' of Heat takes numbers from 0 to 1, got -1 to 0."),
        ({"under": EIGHT * np.nan}, "'under' of Heat takes numbers from 0 to 1, got nan to nan."),
        ({"under": EIGHT[0]}, "'under' of Heat has the shape (8,), expected [height, width, colours?]."),
        ({"under": EIGHT, "opacity": 1.5}, "'opacity' of Heat takes a number from 0 to 1, got 1.5."),
        (
            {"under": EIGHT, "y": np.array([0, 1, 5])},
            "'y' of Heat takes evenly spaced edges where a picture lies under the matrix.",
        ),
    ],
)
def test_a_matrix_over_a_picture_must_fit_it(given: dict[str, Any], words: str) -> None:
    """A picture of bytes is told from one of shares, and edges must be those of its pixels."""
    with pytest.raises(InputError) as raised:
        made(Heat, values=np.ones((2, 2)), **given)
    assert str(raised.value) == f"The field {words}"


def test_edges_may_be_uneven_without_a_picture() -> None:
    """Only a picture has pixels of one size."""
    assert made(Heat, values=np.ones((2, 2)), y=np.array([0, 1, 5])).under is None
    fine = made(Heat, values=np.ones((2, 2)), under=np.ones((3, 4, 3)), x=np.array([-0.5, 1.5, 3.5]), opacity=0)
    assert fine.under.shape == (3, 4, 3)
