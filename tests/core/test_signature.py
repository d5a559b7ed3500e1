"""Signatures: what says that it is a control is one, or is refused."""

import functools
import sys
from collections.abc import Callable, Generator
from types import ModuleType
from typing import Annotated, Any

import pytest

from pellucid.core.errors import InputError
from pellucid.core.figure import Figure
from pellucid.core.view import Range, View, view

HEAD = """
from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pellucid.core.figure import Figure
from pellucid.core.view import Range, view

if TYPE_CHECKING:
    from typing import Literal

    from pellucid.outlets.store import Run
"""
TODO = (
    "A control is known by its annotation: import or define what it names at the top of the file, not below "
    "`if TYPE_CHECKING:` or inside a function."
)


def view_of(signature: str) -> View:
    """Make the view `drawn` in a module of its own, whose annotations are text."""
    module = ModuleType("written_late")
    sys.modules[module.__name__] = module
    exec(f"{HEAD}\n\n@view\ndef drawn({signature}) -> Figure:\n    ...", vars(module))  # noqa: S102 - our own text
    return module.drawn


@pytest.mark.parametrize(
    ("signature", "annotation", "problem"),
    [
        ("kind: Literal['a', 'b'] = 'a'", "\"Literal['a', 'b']\"", "NameError: name 'Literal' is not defined"),
        ("kind: Literal['a', 'b']", "\"Literal['a', 'b']\"", "NameError: name 'Literal' is not defined"),
        ("kind: Local = 'a'", "'Local'", "NameError: name 'Local' is not defined"),
        (
            "kind: Annotated[float, Rnge(0, 1)]",
            "'Annotated[float, Rnge(0, 1)]'",
            "NameError: name 'Rnge' is not defined",
        ),
    ],
)
def test_a_control_whose_annotation_cannot_be_read_is_refused(signature: str, annotation: str, problem: str) -> None:
    """Rather than lost: which parameter, which name, and what to do."""
    with pytest.raises(InputError) as caught:
        view_of(signature)
    words = f"The annotation {annotation} of 'kind' of the view 'drawn' cannot be read: {problem}. {TODO}"
    assert str(caught.value) == words


@pytest.mark.parametrize("signature", ["run: Run", "run: Run | None = None"])
def test_what_only_a_type_checker_knows_may_be_bound(signature: str) -> None:
    """Such as a run: it is no control."""
    made = view_of(f"{signature}, size: Annotated[int, Range(0, 3)] = 1")
    assert [one.name for one in made.knobs] == ["size"]


def _range_itself(size: Range(0, 1)) -> Figure: ...  # pyright: ignore[reportInvalidTypeForm]
def _class_of_range(size: Annotated[float, Range]) -> Figure: ...


@pytest.mark.parametrize(
    ("function", "shown"), [(_range_itself, "Range(low=0, high=1"), (_class_of_range, "typing.Annotated[float,")]
)
def test_a_range_that_is_no_annotation_is_refused(function: Callable[..., Figure], shown: str) -> None:
    """Instead of being no control."""
    with pytest.raises(InputError) as caught:
        view(function)
    assert str(caught.value).startswith(f"'size' is annotated with {shown}")
    assert str(caught.value).endswith(". Write Annotated[float, Range(0, 1)].")


def test_an_annotated_switch_is_a_switch() -> None:
    """Whatever else its annotation says."""

    @view
    def drawn(on: Annotated[bool, "in words"] = True) -> Figure:
        return Figure(title=str(on), panels=())

    assert [(one.kind, one.value) for one in drawn.controls()] == [("toggle", True)]


class Drawer:
    """Draws as a method, and when it is called."""

    def method(self, on: bool = True) -> Figure:
        """Draw."""
        return Figure(title=f"{type(self).__name__} {on}", panels=())

    def __call__(self, on: bool = True) -> Figure:
        """Draw."""
        return self.method(on)


def _two(first: int, on: bool = True) -> Figure:
    """Draw two things."""
    return Figure(title=f"{first} {on}", panels=())


@pytest.mark.parametrize(
    ("function", "name", "title"),
    [
        (Drawer().method, "method", "Drawer False"),
        (Drawer(), "Drawer", "Drawer False"),
        (functools.partial(_two, 3), "two", "3 False"),
        (functools.partial(_two, first=3), "two", "3 False"),
        (functools.partial(functools.partial(_two, 3), on=True), "two", "3 False"),
    ],
)
def test_what_can_be_called_can_be_a_view(function: Callable[..., Figure], name: str, title: str) -> None:
    """Methods, objects and partial functions have names and controls."""
    made = view(function)
    assert made.name == name
    assert made.frame({"on": False}).figure.title == title
    assert view(functools.partial(_two, 3)).summary == "Draw two things."


def test_a_method_without_its_object_is_bound_first() -> None:
    """The object is a parameter as any other."""
    made = view(Drawer.method)
    assert made.needs == ("self",)
    assert made.bind(self=Drawer()).frame().figure.title == "Drawer True"
    assert made(self=Drawer(), on=False).title == "Drawer False"


async def _later(on: bool = True) -> Figure: ...


async def _parts_later() -> Any:
    yield 1


def _parts() -> Generator[Figure]:
    yield Figure(title="", panels=())


class _Later:
    async def __call__(self) -> None: ...


def _() -> Figure: ...
def _named(first: int, /) -> Figure: ...
def _any(**settings: float) -> Figure: ...


def _refused() -> dict[str, tuple[Any, str]]:
    plain = "expected a plain function that returns a Figure."
    function = "@view takes a function that returns a Figure, got"
    unnamed = "is no name. Write it with `def` and a name."
    return {
        "async": (_later, f"The view '_later' is an async function, {plain}"),
        "partial of async": (functools.partial(_later), f"The view '_later' is an async function, {plain}"),
        "object of async": (_Later(), f"The view '_Later' is an async function, {plain}"),
        "async generator": (_parts_later, f"The view '_parts_later' is an async generator, {plain}"),
        "generator": (_parts, f"The view '_parts' is a generator, {plain}"),
        "class": (Drawer, f"{function} the class Drawer."),
        "view": (view(_two), f"{function} View."),
        "lambda": (lambda: Figure(title="", panels=()), f"A view is called as its function, and '<lambda>' {unnamed}"),
        "no name": (_, f"A view is called as its function, and '_' {unnamed}"),
        "by place": (_named, "'first' of the view '_named' cannot be given by name. Make it a plain parameter."),
        "any": (_any, "'settings' of the view '_any' cannot be given by name. Make it a plain parameter."),
    }


@pytest.mark.parametrize("name", list(_refused()))
def test_what_can_be_no_view_is_refused_at_once(name: str) -> None:
    """When it is made, and not when it is looked at."""
    function, message = _refused()[name]
    with pytest.raises(InputError) as caught:
        view(function)
    assert str(caught.value) == message


def test_a_plain_function_around_an_async_one_is_a_view() -> None:
    """It may run it."""

    @functools.wraps(_later)
    def run(on: bool = True) -> Figure:
        return Figure(title=str(on), panels=())

    assert view(run).frame({"on": False}).figure.title == "False"
