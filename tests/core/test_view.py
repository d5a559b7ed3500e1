"""Views: a signature becomes controls, a docstring becomes teaching, and nothing untrusted gets through."""

import functools
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
import pytest

from pellucid.core import view as views_module
from pellucid.core.controls import Select, Several, Slider, Toggle
from pellucid.core.errors import InputError
from pellucid.core.figure import Figure, Lines, Panel
from pellucid.core.view import Choice, Range, View, view, views

if TYPE_CHECKING:
    from nowhere import Unknown  # pyright: ignore[reportMissingImports]

KNOWN = "It has: ground, frequency, parts, ways, start, layer, loud."


@view(title="A wave on something")
def wave_form(  # noqa: D417, PLR0917 - a view takes what it takes; controls may do without help
    ground: Literal["string", "drum"] = "string",
    frequency: Annotated[float, Range(0.1, 10, log=True, unit="Hz")] = 1.0,
    parts: Annotated[int, Range(1, 9)] = 3,
    ways: tuple[Literal["sine", "square"], ...] = ("sine",),
    start: Annotated[
        float,
        Range(
            lambda chosen: -1 if chosen["ground"] == "drum" else 2,
            lambda chosen: chosen["frequency"] + 2,
            default=lambda chosen: 0 if chosen["ground"] == "drum" else 2.5,
            picks="x",
        ),
    ] = 0.0,
    layer: Annotated[str, Choice(lambda chosen: [f"layer{place}" for place in range(chosen["parts"])])] = "layer1",
    loud: bool = False,
) -> Figure:
    """Show a wave.

    A wave goes up
    and down.

    Then it ends.

    Try:
        - more parts,
          one by one
        - a drum

    Args:
        frequency: Swings a second.
        parts: How many parts
            it has.
    """
    x = np.linspace(start, start + parts, 20)
    return Figure(
        title=f"{ground} {layer} {loud} {'+'.join(ways)}", panels=(Panel(marks=(Lines(x=x, y=x * frequency),)),)
    )


def test_a_signature_becomes_controls() -> None:
    """Numbers, choices, lists and switches, with ranges and options that depend on what stands before them."""
    assert wave_form.controls() == (
        Select(name="ground", label="Ground", options=("string", "drum"), value="string"),
        Slider(
            name="frequency", label="Frequency", help="Swings a second.", min=0.1, max=10.0, step=0.001, log=True,
            unit="Hz", value=1.0,
        ),
        Slider(name="parts", label="Parts", help="How many parts it has.", min=1, max=9, step=1, value=3, whole=True),
        Several(name="ways", label="Ways", options=("sine", "square"), value=("sine",)),
        Slider(name="start", label="Start", min=2.0, max=3.0, step=0.005, value=2.5, picks="x"),
        Select(name="layer", label="Layer", options=("layer0", "layer1", "layer2"), value="layer1"),
        Toggle(name="loud", label="Loud", value=False),
    )  # fmt: skip


def test_a_docstring_becomes_teaching() -> None:
    """One line, paragraphs, and what to try."""
    assert wave_form.name == "wave-form"
    assert wave_form.title == "A wave on something"
    assert wave_form.summary == "Show a wave."
    assert wave_form.teaches == ("A wave goes up and down.", "Then it ends.")
    assert wave_form.tries == ("more parts, one by one", "a drum")


def test_what_is_not_possible_any_more_becomes_the_usual_value() -> None:
    """Where a range or the options depend on another control."""
    controls = {one.name: one.value for one in wave_form.controls({"start": 0.5, "parts": 1, "layer": "layer2"})}
    assert (controls["start"], controls["layer"]) == (2.5, "layer0")
    frame = wave_form.frame({"ground": "drum", "start": 0.5, "layer": "nothing", "parts": 4})
    assert frame.parameters == {
        "ground": "drum", "frequency": 1.0, "parts": 4, "ways": ("sine",), "start": 0.5, "layer": "layer1",
        "loud": False,
    }  # fmt: skip
    assert frame.view == "wave-form"
    assert frame.controls == wave_form.controls(frame.parameters)
    assert frame.figure.title == "drum layer1 False sine"


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"frequncy": 1}, "The view 'wave-form' has no parameter 'frequncy'. Closest: 'frequency'. " + KNOWN),
        ({"frequency": "1"}, "'frequency' takes a finite number, got '1'."),
        ({"frequency": True}, "'frequency' takes a finite number, got True."),
        ({"frequency": math.nan}, "'frequency' takes a finite number, got nan."),
        ({"frequency": 10**400}, f"'frequency' takes a finite number, got {str(10**400)[:60]}…."),
        ({"frequency": 11}, "'frequency' takes 0.1 to 10, got '11.0'."),
        ({"start": math.inf}, "'start' takes a finite number, got inf."),
        ({"parts": 2.5}, "'parts' takes a whole number, got 2.5."),
        ({"ground": 1}, "'ground' takes one of 'string', 'drum', got 1."),
        ({"ground": "<b>"}, "'ground' takes 'string', 'drum', got '<b>'."),
        ({"ways": "sine"}, "'ways' takes a list of any of 'sine', 'square', got 'sine'."),
        ({"ways": ["sine", 1]}, "'ways' takes a list of any of 'sine', 'square', got ['sine', 1]."),
        ({"ways": ["saw"]}, "'ways' takes 'sine', 'square', got \"('saw',)\"."),
        ({"loud": 1}, "'loud' takes true or false, got 1."),
        ({"layer": None}, "'layer' takes one of 'layer0', 'layer1', 'layer2', got None."),
    ],
)  # fmt: skip
def test_what_a_browser_may_not_say(parameters: dict[str, Any], message: str) -> None:
    """Is refused with what came and what was expected."""
    with pytest.raises(InputError) as caught:
        wave_form.frame(parameters)
    assert str(caught.value) == message


def test_lists_are_put_in_order_and_whole_numbers_stay_whole() -> None:
    """A browser sends 3 for 3.0 and lists in the order of the clicks."""
    values = wave_form.frame({"ways": ["square", "sine", "square"], "parts": 5.0, "frequency": 2}).parameters
    assert values["ways"] == ("sine", "square")
    assert values["parts"] == 5
    assert isinstance(values["parts"], int)
    assert isinstance(values["frequency"], float)
    assert wave_form.frame({"ways": []}).parameters["ways"] == ()


def test_a_view_is_called_like_its_function() -> None:
    """Values by place or name; what is missing is usual beside them; nothing holds them to the ranges."""
    assert wave_form("drum", 20, loud=True).title == "drum layer1 True sine"
    assert wave_form().title == "string layer1 False sine"
    with pytest.raises(InputError, match=r"^The view 'wave-form' has no parameter 'size'\. It has: ground"):
        wave_form(size=3)
    with pytest.raises(InputError, match=r"^The view 'wave-form' takes 7 values, got 8\.$"):
        wave_form(*range(8))


def test_what_is_no_control_is_bound_first() -> None:
    """Such as a run; ranges see it."""

    @view
    def of_run(
        run: list[int], unknown: "Unknown", step: Annotated[int, Range(0, lambda chosen: max(chosen["run"]))]
    ) -> Figure:
        return Figure(title=f"{run} {unknown} {step}", panels=())

    assert of_run.needs == ("run", "unknown")
    assert of_run.title == "Of run"
    with pytest.raises(InputError) as caught:
        of_run.frame()
    assert str(caught.value) == ("The view 'of-run' is not about anything yet. Call bind(run=..., unknown=...) first.")
    with pytest.raises(InputError, match=r"^The view 'of-run' has no parameter 'runs'\. Closest: 'run'\."):
        of_run.bind(runs=3)
    bound = of_run.bind(run=[3, 7]).bind(unknown=None)
    assert bound.frame({"step": 7}).figure.title == "[3, 7] None 7"
    assert bound.frame({"step": 9}).parameters == {"step": 0}  # the range depends on the run
    assert bound.bind(step=2).controls() == ()
    assert bound.bind(step=2)().title == "[3, 7] None 2"
    assert of_run([1], None, 1).title == "[1] None 1"


def test_stops_are_the_only_values() -> None:
    """Whatever is asked for, the nearest stop is taken."""

    @view
    def stopped(step: Annotated[int, Range(0, 50, stops=(0, 20, 50))] = 50) -> Figure:
        return Figure(title=str(step), panels=())

    (control,) = stopped.controls()
    assert isinstance(control, Slider)
    assert control.stops == (0, 20, 50)
    assert stopped.frame({"step": 31}).parameters == {"step": 20}


def test_annotations_as_text_are_read() -> None:
    """A file with `from __future__ import annotations` works alike."""

    def late(on: "bool" = True, size: "Annotated[float, Range(0, 1)]" = 0.5) -> Figure:
        return Figure(title=f"{on} {size}", panels=())

    assert [one.kind for one in view(late).controls()] == ["toggle", "range"]


def _refused() -> dict[str, tuple[Callable[..., Figure], str]]:
    def no_number(name: Annotated[str, Range(0, 1)]) -> Figure: ...
    def no_text(size: Annotated[float, Choice(("a",))]) -> Figure: ...
    def numbers(size: Literal[1, 2]) -> Figure: ...
    def unnamed(*sizes: int) -> Figure: ...

    return {
        "a range of text": (
            no_number,
            "'name' has a Range, which takes int or float, but it is annotated with <class 'str'>.",
        ),
        "a choice of numbers": (
            no_text,
            "'size' has a Choice, which takes text, but it is annotated with <class 'float'>.",
        ),
        "literal numbers": (numbers, "'size' is a choice of (1, 2), expected text only."),
        "no names": (unnamed, "'sizes' of the view 'unnamed' cannot be given by name. Make it a plain parameter."),
    }


@pytest.mark.parametrize("name", list(_refused()))
def test_controls_that_cannot_be_are_refused_at_once(name: str) -> None:
    """When the view is made, not when it is shown."""
    function, message = _refused()[name]
    with pytest.raises(InputError) as caught:
        view(function)
    assert str(caught.value) == message


def test_ranges_that_cannot_be_are_refused_when_they_are_known() -> None:
    """Ends in the wrong order, a logarithm of nothing, no options."""

    @view
    def odd(
        low: Annotated[float, Range(0, 1)] = 0,
        size: Annotated[float, Range(lambda chosen: chosen["low"], 0.5, log=True)] = 1,
    ) -> Figure:
        return Figure(title="", panels=())

    @view
    def empty(layer: Annotated[str, Choice(lambda _: [])]) -> Figure:
        return Figure(title="", panels=())

    with pytest.raises(
        InputError, match=r"^'size' has the range 0 to 0\.5, expected the lower end first, both above 0\.$"
    ):
        odd.frame()
    with pytest.raises(
        InputError, match=r"^'size' has the range 0\.7 to 0\.5, expected the lower end first, both above 0\.$"
    ):
        odd.frame({"low": 0.7})
    with pytest.raises(InputError, match=r"^There is nothing to choose for 'layer'\.$"):
        empty.frame()


def test_pages_are_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that ask for it, under their names, in order."""
    monkeypatch.setattr(views_module, "_PAGES", {})

    @functools.wraps(wave_form.function)
    def wrapped(**values: Any) -> Figure:
        return wave_form.function(**values)

    one = view(title="One", page=True)(wrapped)
    view(wrapped)
    assert views() == {"wave-form": one}
    assert isinstance(one, View)
    assert [control.name for control in one.controls()][:2] == ["ground", "frequency"]


def test_a_view_prints_what_can_be_set() -> None:
    """Its repr is short, its text has a line a control, and several views are a list."""

    @view(title="Of something")
    def about(run: object, size: Annotated[float, Range(0, 9.5, unit="m")] = 2.5, on: bool = False) -> Figure:
        """Show it."""
        return Figure(title=f"{run} {size} {on}", panels=())

    assert repr(about) == "View('about', title='Of something')"
    assert str(about) == "Of something (about)\n  Show it.\n  Not about anything yet: bind(run)."
    assert str(about.bind(run=1)) == (
        "Of something (about)\n  Show it.\n  size: 0 to 9.5 m; 2.5 unless set\n  on: true or false; False unless set"
    )
    assert "  ways: any of 'sine', 'square'; ('sine',) unless set" in str(wave_form).splitlines()
    assert str(views_module.Views({"about": about, "wave-form": wave_form})) == (
        "about      Of something\nwave-form  A wave on something"
    )
    assert str(views_module.Views()) == "No pages."
    assert isinstance(views(), views_module.Views)
