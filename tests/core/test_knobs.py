"""Knobs: a range or a choice that cannot be is refused when the view is made, or when it is worked out."""

import math
from collections.abc import Callable
from typing import Annotated, Any, Literal

import numpy as np
import pytest
import torch

from pellucid.core.controls import Control, Pad
from pellucid.core.errors import InputError
from pellucid.core.figure import Figure
from pellucid.core.figure.live.frozen import frozen
from pellucid.core.view import Choice, Range, Sketch, View, view

NAN, INF = math.nan, math.inf
UNSET = object()


def view_of(annotation: Any, default: Any = UNSET) -> View:
    """Make a view with one control `it`."""

    def drawn(it: Any) -> Figure:
        return Figure(title=str(it), panels=())

    drawn.__annotations__["it"] = annotation
    drawn.__defaults__ = () if default is UNSET else (default,)
    return view(drawn)


def loose(kind: type[Any], **fields: Any) -> Any:
    """Make a range or a choice of anything, past the checker of types that stands around it in tests."""
    made = Range(0, 1) if kind is Range else Choice(("a",))
    for name, value in fields.items():
        object.__setattr__(made, name, value)
    return made


def loose_sketch(rows: Any) -> Any:
    """Make a sketch of anything, likewise."""
    made = Sketch(1, 3)
    object.__setattr__(made, "rows", rows)
    return made


FINITE = "expected a finite number."
WHOLE = "expected a whole number, as it is annotated with int, and at most 2**53."
PICKS = "expected text, then True or False, then None, 'x' or 'y'."
RISING = "expected one or more, rising, none twice, from 0 to 1."
RANGES: list[tuple[type, Range, Any, str]] = [
    (float, Range(NAN, 1), UNSET, f"The range of 'it' has low=nan, {FINITE}"),
    (float, Range(0, INF), UNSET, f"The range of 'it' has high=inf, {FINITE}"),
    (float, loose(Range, low="0"), UNSET, f"The range of 'it' has low='0', {FINITE}"),
    (float, Range(False, 7), UNSET, f"The range of 'it' has low=False, {FINITE}"),
    (float, Range(1, 0), UNSET, "'it' has the range 1 to 0, expected the lower end first."),
    (float, Range(0, 1, log=True), UNSET, "'it' has the range 0 to 1, expected the lower end first, both above 0."),
    (
        float,
        Range(-1e308, 1e308),
        UNSET,
        "'it' has the range -1e+308 to 1e+308, expected ends that differ by a finite number.",
    ),
    (int, Range(0.5, 3), UNSET, f"The range of 'it' has low=0.5, {WHOLE}"),
    (int, Range(0, 2**60), UNSET, f"The range of 'it' has high={2**60}, {WHOLE}"),
    (
        float,
        Range(0, 1, step=0),
        UNSET,
        "The range of 'it' has step=0, expected a number above 0 that is a step from 0 to 1.",
    ),
    (
        float,
        Range(0, 1, step=-0.1),
        UNSET,
        "The range of 'it' has step=-0.1, expected a number above 0 that is a step from 0 to 1.",
    ),
    (float, Range(0, 1, step=NAN), UNSET, f"The range of 'it' has step=nan, {FINITE}"),
    (
        float,
        Range(0, 1e300, step=1e-300),
        UNSET,
        "The range of 'it' has step=1e-300, expected a number above 0 that is a step from 0 to 1e+300.",
    ),
    (int, Range(0, 9, step=0.5), UNSET, f"The range of 'it' has step=0.5, {WHOLE}"),
    (float, Range(0, 1), 2, "'it' has the usual value 2, expected one in its range of 0 to 1."),
    (float, Range(0, 1, default=2), UNSET, "'it' has the usual value 2, expected one in its range of 0 to 1."),
    (float, Range(0, 1), "a", f"The range of 'it' has default='a', {FINITE}"),
    (float, Range(0, 1), NAN, f"The range of 'it' has default=nan, {FINITE}"),
    (float, Range(0, 1), True, f"The range of 'it' has default=True, {FINITE}"),
    (int, Range(0, 9), 2.5, f"The range of 'it' has default=2.5, {WHOLE}"),
    (float, Range(0, 1, stops=()), UNSET, f"The range of 'it' has stops=(), {RISING}"),
    (float, Range(0, 1, stops=(0, 0)), UNSET, f"The range of 'it' has stops=(0.0, 0.0), {RISING}"),
    (float, Range(0, 1, stops=(0.5, 2)), UNSET, f"The range of 'it' has stops=(0.5, 2.0), {RISING}"),
    (float, Range(0, 1, stops=(0, NAN)), UNSET, f"The range of 'it' has a stop of=nan, {FINITE}"),
    (float, loose(Range, stops="01"), UNSET, "The stops of 'it' are '01', expected a tuple or a list."),
    (float, loose(Range, picks="z"), UNSET, f"The range of 'it' has unit='', log=False and picks='z', {PICKS}"),
]


@pytest.mark.parametrize(("kind", "given", "default", "message"), RANGES)
def test_a_range_that_cannot_be_is_refused_at_once(kind: type, given: Range, default: Any, message: str) -> None:
    """When the view is made."""
    with pytest.raises(InputError) as caught:
        view_of(Annotated[kind, given], default)
    assert str(caught.value) == message


OPTIONS = "expected one of its options, 'a', 'b'."
CHOICES: list[tuple[Any, Any, str]] = [
    (Annotated[str, Choice(())], UNSET, "There is nothing to choose for 'it'."),
    (Literal[()], UNSET, "There is nothing to choose for 'it'."),
    (tuple[Literal[()], ...], UNSET, "There is nothing to choose for 'it'."),
    (Annotated[str, Choice("ab")], UNSET, "The options of 'it' are 'ab', expected a tuple or a list."),
    (Annotated[str, loose(Choice, options=3)], UNSET, "The options of 'it' are 3, expected a tuple or a list."),
    (Annotated[str, Choice(("a", "b", "a"))], UNSET, "'it' has the option 'a' twice, expected each once."),
    (
        Annotated[str, loose(Choice, options=("a", 1))],
        UNSET,
        "'it' has the option 1, expected text that can be written.",
    ),
    (Annotated[str, Choice(("\ud800",))], UNSET, r"'it' has the option '\ud800', expected text that can be written."),
    (Literal["a", "b"], "c", f"'it' has the usual value 'c', {OPTIONS}"),
    (Literal["a", "b"], 1, f"'it' has the usual value 1, {OPTIONS}"),
    (Annotated[str, Choice(("a", "b"), default="c")], UNSET, f"'it' has the usual value 'c', {OPTIONS}"),
    (tuple[Literal["a", "b"], ...], ("a", "c"), f"'it' has the usual value 'c', {OPTIONS}"),
    (tuple[Literal["a", "b"], ...], "ab", "'it' has the usual value 'ab', expected a tuple of names."),
    (bool, "yes", "'it' has the usual value 'yes', expected True or False."),
    (bool, 1, "'it' has the usual value 1, expected True or False."),
]


@pytest.mark.parametrize(("annotation", "default", "message"), CHOICES)
def test_a_choice_that_cannot_be_is_refused_at_once(annotation: Any, default: Any, message: str) -> None:
    """When the view is made."""
    with pytest.raises(InputError) as caught:
        view_of(annotation, default)
    assert str(caught.value) == message


def _later(value: Any) -> Callable[..., Any]:
    return lambda _: value


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        (Annotated[float, Range(_later(NAN), 1)], f"The range of 'it' has low=nan, {FINITE}"),
        (Annotated[float, Range(0, _later(-1))], "'it' has the range 0 to -1, expected the lower end first."),
        (Annotated[float, Range(0, _later(None))], f"The range of 'it' has high=None, {FINITE}"),
        (Annotated[float, Range(0, 1, default=_later("a"))], f"The range of 'it' has default='a', {FINITE}"),
        (Annotated[float, Range(0, 1, stops=_later([]))], f"The range of 'it' has stops=(), {RISING}"),
        (Annotated[str, Choice(_later("ab"))], "The options of 'it' are 'ab', expected a tuple or a list."),
        (Annotated[str, Choice(_later(["a"]), default=_later(1))], "'it' has the usual value 1, expected text."),
        (
            Annotated[float, Range(0, lambda chosen: chosen["end"])],
            "What 'it' can be could not be worked out from nothing: KeyError: 'end'.",
        ),
    ],
)
def test_what_depends_is_refused_when_it_is_worked_out(annotation: Any, message: str) -> None:
    """With the words that it has when the view is made."""
    made = view_of(annotation)
    with pytest.raises(InputError) as caught:
        made.frame()
    assert str(caught.value) == message


def test_what_is_static_is_refused_beside_a_function() -> None:
    """A usual value that depends hides no range that cannot be."""
    with pytest.raises(InputError, match=r"^'it' has the range 1 to 0, expected the lower end first\.$"):
        view_of(Annotated[float, Range(1, 0, default=_later(0))])


@pytest.mark.parametrize(
    "given",
    [
        Range(1, 1),
        Range(0, 1e-321),
        Range(1e-300, 1e300, log=True),
        loose(Range, low=np.float32(0), high=np.int64(3), step=np.float64(0.5)),
        loose(Range, low=torch.tensor(0.0), high=torch.tensor(1)),
    ],
)
def test_odd_ranges_that_can_be(given: Range) -> None:
    """Of one place, too fine or too wide for a step, with ends of numpy and torch: they are shown, and frozen."""
    made = view_of(Annotated[float, given])
    (control,) = made.controls()
    assert control.value == made.frame().parameters["it"]
    assert frozen(made)


@pytest.mark.parametrize(
    ("annotation", "value", "expected"),
    [
        (Annotated[float, Range(0, 1)], np.float32(0.5), 0.5),
        (Annotated[float, Range(0, 1)], np.array(0.5), 0.5),
        (Annotated[float, Range(0, 1)], torch.tensor(0.5, requires_grad=True), 0.5),
        (Annotated[float, Range(0, 1)], torch.tensor(0.5, dtype=torch.bfloat16), 0.5),
        (Annotated[int, Range(0, 9)], np.int64(3), 3),
        (Annotated[int, Range(0, 9)], torch.tensor(3), 3),
        (Annotated[int, Range(0, 9)], np.float64(3), 3),
        (bool, np.bool_(True), True),
        (bool, torch.tensor(False), False),
        (Literal["a", "b"], np.str_("b"), "b"),
    ],
)
def test_numbers_of_numpy_and_torch_are_numbers(annotation: Any, value: Any, expected: Any) -> None:
    """Given to the view or to its frame."""
    made = view_of(annotation)
    found = made.frame({"it": value}).parameters["it"]
    assert found == expected
    assert type(found) in (type(expected), type(value))
    assert made(value).title == str(expected)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (np.bool_(True), "np.True_"),
        (torch.tensor(True), "tensor(True)"),
        (np.array([0.5]), "array([0.5])"),
        (np.complex64(1), "np.complex64(1+0j)"),
        (np.float32(np.nan), "np.float32(nan)"),
        (torch.zeros((), device="meta"), "tensor(..., device='meta', size=())"),
    ],
)
def test_what_is_no_number_stays_none(value: Any, shown: str) -> None:
    """Truth values, arrays, complex numbers and NaN are told as they came."""
    with pytest.raises(InputError) as caught:
        view_of(Annotated[float, Range(0, 1)]).frame({"it": value})
    assert str(caught.value) == f"'it' takes a finite number, got {shown}."


DRAWN = "expected 6 hexadecimal digits, one a pixel of 2 x 3, or no text."
SIDES = "expected whole numbers from 1 to 64."


@pytest.mark.parametrize(
    ("annotation", "default", "message"),
    [
        (Annotated[str, Sketch(0, 3)], UNSET, f"A sketch has 0 rows and 3 columns, {SIDES}"),
        (Annotated[str, Sketch(3, 65)], UNSET, f"A sketch has 3 rows and 65 columns, {SIDES}"),
        (Annotated[str, loose_sketch(2.5)], UNSET, f"A sketch has 2.5 rows and 3 columns, {SIDES}"),
        (Annotated[str, loose_sketch(True)], UNSET, f"A sketch has True rows and 3 columns, {SIDES}"),
        (Annotated[str, Sketch(2, 3)], "0f", f"'it' has the usual value '0f', {DRAWN}"),
        (Annotated[str, Sketch(2, 3)], 5, f"'it' has the usual value 5, {DRAWN}"),
        (
            Annotated[int, Sketch(2, 3)],
            UNSET,
            "'it' has a Sketch, which takes str, but it is annotated with <class 'int'>.",
        ),
        (
            Annotated[str, Sketch],
            UNSET,
            (
                "'it' is annotated with typing.Annotated[str, <class 'pellucid.core.knobs.Sketch'>]. "
                "Write Annotated[float, Range(0, 1)]."
            ),
        ),
    ],
)
def test_a_sketch_that_cannot_be_is_refused_at_once(annotation: Any, default: Any, message: str) -> None:
    """When the view is made."""
    with pytest.raises(InputError) as caught:
        view_of(annotation, default)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("00f3a", "'00f3a'"),
        ("00f3a00", "'00f3a00'"),
        ("00f3ag", "'00f3ag'"),
        ("00f3a\n", r"'00f3a\n'"),
        ("٠٠٠٠٠٠", "'٠٠٠٠٠٠'"),
        (None, "None"),
        (0, "0"),
        (["0"] * 6, "['0', '0', '0', '0', '0', '0']"),
        ("g" * 5000, f"'{'g' * 59}…"),
    ],
)
def test_what_nobody_can_have_drawn_is_refused(value: Any, shown: str) -> None:
    """Text of another length, of other letters, and what is no text: also from an address that somebody wrote."""
    with pytest.raises(InputError) as caught:
        view_of(Annotated[str, Sketch(2, 3)], "").frame({"it": value})
    assert str(caught.value) == f"'it' takes {DRAWN.removeprefix('expected ')[:-1]}, got {shown}."


@pytest.mark.parametrize(
    ("value", "expected"), [("00f3a0", "00f3a0"), ("00F3A0", "00f3a0"), ("000000", ""), ("", ""), (UNSET, "")]
)
def test_a_sketch_is_a_text(value: Any, expected: str) -> None:
    """In lower case, and none where nothing is drawn."""
    made = view_of(Annotated[str, Sketch(2, 3)], "")
    frame = made.frame({} if value is UNSET else {"it": value})
    assert frame.controls == (Pad(name="it", label="It", rows=2, columns=3, value=expected),)
    assert frame.parameters == {"it": expected}
    assert (
        str(made).splitlines()[-1].endswith("it: 6 hexadecimal digits, one a pixel of 2 x 3, or no text; '' unless set")
    )


def test_a_sketch_is_drawn_once_where_nothing_can_be_computed() -> None:
    """What a reader would draw cannot be enumerated: the usual picture stays, and the caveat says so."""

    def drawn(
        size: Annotated[int, Range(1, 3)] = 1,
        ink: Annotated[str, Sketch(1, 2)] = "",
        start: Annotated[str, Sketch(1, 2)] = "f0",
    ) -> Figure:
        return Figure(title=f"{size}{ink}{start}", panels=())

    frames = frozen(view(drawn))
    assert [one.figure.title for one in frames] == ["1f0", "2f0", "3f0"]
    assert frames[0].figure.caveat == "Fixed here: ink empty, start as drawn here. To set them: pellucid open."
    assert [one.name for one in frames[0].controls] == ["size"]


def test_ink_and_its_text_are_the_same_picture() -> None:
    """To the nearest of 16 levels; nothing drawn is black."""
    pad = Sketch(3, 4)
    ink = np.random.default_rng(0).integers(0, 16, (3, 4)) / 15
    assert pad.values(pad.text(ink)) == pytest.approx(ink, abs=1e-6)
    assert pad.text(torch.full((3, 4), 0.49)) == "7" * 12
    assert pad.values("").tolist() == [[0.0] * 4] * 3
    assert pad.values("0123456789aB").dtype == np.float32


@pytest.mark.parametrize(
    ("ink", "message"),
    [
        ([[0, 1]], "This sketch takes 1 x 3 values from 0 to 1, got shape (1, 2) with values from 0 to 1."),
        ([[0, 1, 1.5]], "This sketch takes 1 x 3 values from 0 to 1, got shape (1, 3) with values from 0 to 1.5."),
        ([[0, 1, NAN]], "This sketch takes 1 x 3 values from 0 to 1, got shape (1, 3) with values from nan to nan."),
        ([], "This sketch takes 1 x 3 values from 0 to 1, got shape (0,) with values from nan to nan."),
    ],
)
def test_ink_that_is_none_is_refused(ink: Any, message: str) -> None:
    """Another shape, or values that no pixel can have."""
    with pytest.raises(InputError) as caught:
        Sketch(1, 3).text(ink)
    assert str(caught.value) == message


def test_controls_that_can_be_are_left_alone() -> None:
    """A usual value at the end of its range, and no name at all of several."""
    found: list[Control] = [
        *view_of(Annotated[float, Range(0, 1)], 1).controls(),
        *view_of(tuple[Literal["a", "b"], ...], ()).controls(),
    ]
    assert [one.value for one in found] == [1.0, ()]
