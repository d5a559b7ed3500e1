"""Views that fail: where, and what is left."""

import subprocess
import sys
from typing import Annotated, Any, Literal

import numpy as np
import pytest

from pellucid.core.errors import InputError
from pellucid.core.figure import Figure, Lines, Panel
from pellucid.core.figure.live import frozen
from pellucid.core.view import Range, restore, view, views


def _figure(title: str) -> Figure:
    return Figure(title=title, panels=(Panel(marks=(Lines(x=np.arange(3), y=np.arange(3)),)),))


def test_a_view_must_return_a_figure() -> None:
    """What came and what was expected is said."""

    @view(title="Nothing")
    def nothing() -> Any:
        return None

    with pytest.raises(InputError, match=r"^The view 'nothing' returned NoneType, expected a Figure\.$"):
        nothing.frame()


def test_a_setting_at_which_a_view_fails_costs_only_that_setting() -> None:
    """The usual setting is drawn, the other is no page of the book."""

    @view(title="Half")
    def half(on: bool = True) -> Figure:
        if not on:
            raise ValueError("never off")
        return _figure("on")

    assert [one.parameters for one in frozen(half)] == [{"on": True}]


def test_a_view_that_fails_as_it_comes_says_so() -> None:
    """There is nothing to draw without the usual setting."""

    @view(title="Broken")
    def broken(on: bool = True) -> Figure:
        raise ValueError(f"broken at {on}")

    with pytest.raises(ValueError, match=r"^broken at True$"):
        frozen(broken)


def test_a_page_that_nobody_could_open_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its parameter is no control and has no usual value."""
    monkeypatch.setattr("pellucid.core.view._PAGES", {})

    def of_run(run: list[int], path: str, on: bool = True) -> Figure:
        return _figure(f"{run} {path} {on}")

    with pytest.raises(InputError) as caught:
        view(title="Of a run", page=True)(of_run)
    assert str(caught.value) == (
        "The page 'of-run' cannot be opened: 'run', 'path' is no control and has no usual value. Annotate it with "
        'bool, Literal["a", "b"] or Annotated[float, Range(0, 1)], or give it a usual value.'
    )
    assert views() == {}
    assert view(title="Of a run")(of_run).needs == ("run", "path")


def test_pages_can_be_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a file of pages failed."""
    monkeypatch.setattr("pellucid.core.view._PAGES", {})
    before = views()

    @view(title="Own", page=True)
    def own() -> Figure:
        return _figure("own")

    assert views() == {"own": own}
    restore(before)
    assert views() == {}


@view(title="Two")
def two(kind: Literal["a", "b"] = "a", size: Annotated[float, Range(0, 1)] = 0.5) -> Figure:
    """Show two."""
    return _figure(f"{kind} {size}")


def test_what_is_given_twice_is_refused() -> None:
    """By its place and by its name, as of any function."""
    with pytest.raises(InputError, match=r"^The view 'two' got two values for 'kind'\. Give it one\.$"):
        two("a", kind="b")


ALONE = """
from pellucid.core.view import view
from pellucid.core.figure import Figure

def drawn() -> Figure: ...

for wrong in (lambda: view("Waves"), lambda: view(3), lambda: view(title=3)(drawn), lambda: view(drawn).frame([1]),
              lambda: view(drawn).frame({3: 1})):
    try:
        wrong()
    except ValueError as error:
        print(error)
"""


def test_what_a_checker_of_types_would_find_has_words_without_one() -> None:
    """In a process of its own: in the others the checker stands before the words."""
    done = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "@view takes a function, got the text 'Waves'. Write @view(title='Waves').",
        "@view takes a function that returns a Figure, got int.",
        "The title of a view is text, got int.",
        "The view 'drawn' takes values by name, got list.",
        "The view 'drawn' has no parameter 3. It has none.",
    ]
