"""View: a typed function that returns a figure, and whose signature says what a reader can set in it."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast, overload

from pellucid.core.controls import Control, Parameter, Several, Slider, unknown_name
from pellucid.core.errors import InputError
from pellucid.core.figure.marks import Figure
from pellucid.core.frame import Frame
from pellucid.core.knobs import Choice, Knob, Range, Sketch
from pellucid.core.signature import innermost, knobs_of, name_of, without_partial
from pellucid.core.teaching import Teaching, teaching_of

_PAGES: dict[str, "View"] = {}


@dataclass(frozen=True, kw_only=True)
class View:
    """A picture with controls. Made by `@view`; shows itself in a notebook, in a report and in the explorer.

    Attributes:
        name: Name of the function with dashes, such as "loss-surface".
        title: What is shown, in a few words.
        summary: One line that says what it shows.
        teaches: Paragraphs that teach.
        tries: What to try, one line each.
        function: What draws it.
        knobs: What can be set, in the order of the signature.
        needs: Parameters that are no controls and are not bound yet.
        fixed: Parameters that are bound.
    """

    name: str
    title: str
    summary: str = ""
    teaches: tuple[str, ...] = ()
    tries: tuple[str, ...] = ()
    function: Callable[..., Figure]
    knobs: tuple[Knob, ...] = ()
    needs: tuple[str, ...] = ()
    fixed: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def bind(self, /, **fixed: Any) -> "View":
        """Fix parameters, such as the run that a view is about.

        Args:
            fixed: Values by name; a control that is fixed can no longer be set.

        Returns:
            A view with fewer parameters.

        Raises:
            InputError: There is no such parameter.
        """
        for name in fixed:
            if name not in (known := (*self.needs, *(knob.name for knob in self.knobs))):
                raise unknown_name(name, known, f"The view {self.name!r}")
        return replace(
            self,
            knobs=tuple(knob for knob in self.knobs if knob.name not in fixed),
            needs=tuple(name for name in self.needs if name not in fixed),
            fixed={**self.fixed, **fixed},
        )

    def controls(self, parameters: Mapping[str, Any] | None = None) -> tuple[Control, ...]:
        """Return what can be set, and to what it is set.

        Args:
            parameters: Values by name; those that are missing, or not possible beside the earlier ones, are replaced.

        Returns:
            One control a parameter, in the order of the signature.

        Raises:
            InputError: A value of the wrong type, or a parameter that is missing.
        """
        return self._settled(parameters or {}, strict=False)

    def frame(self, parameters: Mapping[str, Any] | None = None) -> Frame:
        """Draw for values that nobody has checked, such as those from a browser.

        Args:
            parameters: Values by name. What depends on another control and is not possible beside it becomes the
                usual value.

        Returns:
            The figure with its controls.

        Raises:
            InputError: An unknown name, a wrong type, a number that is not finite or out of its range.
        """
        controls = self._settled(parameters or {}, strict=True)
        values: dict[str, Parameter] = {one.name: one.value for one in controls}
        figure: Any = self.function(**self.fixed, **values)
        if not isinstance(figure, Figure):
            raise InputError(f"The view {self.name!r} returned {type(figure).__name__}, expected a Figure.")
        return Frame(figure=figure, view=self.name, parameters=values, controls=controls)

    def __call__(self, /, *values: Any, **parameters: Any) -> Figure:
        """Draw: the plain function, with the usual values for controls that are not given."""
        open_names = (*self.needs, *(knob.name for knob in self.knobs))
        if len(values) > len(open_names):
            raise InputError(f"The view {self.name!r} takes {len(open_names)} values, got {len(values)}.")
        given = dict(zip(open_names, values, strict=False))
        if twice := [name for name in given if name in parameters]:
            raise InputError(f"The view {self.name!r} got two values for {twice[0]!r}. Give it one.")
        given |= parameters
        bound = self.bind(**{name: value for name, value in given.items() if name in self.needs})
        settings = {name: value for name, value in given.items() if name not in self.needs}
        for name in settings:
            bound._knob(name)  # a wrong name is told before anything is computed  # noqa: SLF001 - of the same class
        chosen: dict[str, Any] = {}
        for knob in bound.knobs:
            control = knob.control({**bound.fixed, **chosen})
            chosen[knob.name] = control.checked(settings[knob.name]) if knob.name in settings else control.value
        return bound.function(**bound.fixed, **chosen)

    def live(self) -> Any:
        """Return the picture as a widget of a running notebook, computed anew whenever a control is moved.

        It needs the kernel. In a notebook that is read without one there is a still picture, and nothing at all where
        the state of widgets was saved (`nbconvert --execute`); to share a notebook, show the view itself.

        Returns:
            An anywidget; show it as the last line of a cell.

        Raises:
            MissingExtraError: anywidget is not installed.
        """
        from pellucid.core.figure.live.widget import live

        return live(self)

    def _settled(self, parameters: Any, *, strict: bool) -> tuple[Control, ...]:
        if self.needs:
            words = ", ".join(f"{name}=..." for name in self.needs)
            raise InputError(f"The view {self.name!r} is not about anything yet. Call bind({words}) first.")
        if not isinstance(parameters, Mapping):
            raise InputError(f"The view {self.name!r} takes values by name, got {type(parameters).__name__}.")
        parameters = cast("Mapping[Any, Any]", parameters)
        for name in parameters:
            self._knob(name)
        chosen: dict[str, Any] = dict(self.fixed)
        controls: list[Control] = []
        for knob in self.knobs:
            control = knob.control(chosen)
            if knob.name in parameters:
                control = knob.set(control, parameters[knob.name], strict=strict)
            chosen[knob.name] = control.value
            controls.append(control)
        return tuple(controls)

    def _knob(self, name: Any) -> Knob:
        names = tuple(knob.name for knob in self.knobs)
        if name not in names:
            raise unknown_name(name, names, f"The view {self.name!r}")
        return self.knobs[names.index(name)]

    def __repr__(self) -> str:
        """Name and title; the dataclass would print functions by their addresses."""
        return f"View({self.name!r}, title={self.title!r})"

    def __str__(self) -> str:
        """What it shows, and a line for each thing that can be set."""
        lines = [f"{self.title} ({self.name})"]
        if self.summary:
            lines.append(f"  {self.summary}")
        if self.needs:
            lines.append(f"  Not about anything yet: bind({', '.join(self.needs)}).")
        else:
            lines += [f"  {_in_words(one)}" for one in self.controls()]
        return "\n".join(lines)

    def _repr_mimebundle_(self, **_: Any) -> Mapping[str, Any]:
        from pellucid.core.notebook import view_bundle

        return view_bundle(self)


@overload
def view(function: Callable[..., Figure], /) -> View: ...
@overload
def view(*, title: str = "", page: bool = False) -> Callable[[Callable[..., Figure]], View]: ...


def view(
    function: Callable[..., Figure] | None = None, /, *, title: str = "", page: bool = False
) -> View | Callable[[Callable[..., Figure]], View]:
    """Make a view of a function: its signature says what can be set, its docstring what a reader should know.

    A parameter becomes a control when it is annotated with `Literal["a", "b"]` (one of them),
    `tuple[Literal["a", "b"], ...]` (any of them), `bool`, `Annotated[float, Range(0, 1)]`,
    `Annotated[int, Range(1, 9)]`, `Annotated[str, Choice(("a", "b"))]`, or `Annotated[str, Sketch(16, 16)]` (a pad to
    draw on). What the docstring says below "Args:" is the help of the controls, what stands below "Try:" is what to
    try, and the paragraphs between are the teaching.

    Args:
        function: Returns a figure for its parameters.
        title: What is shown, in a few words; "" for the name of the function in words.
        page: Give it a page of its own in the explorer.

    Returns:
        The view, or a decorator that makes it.

    Raises:
        InputError: A control that cannot be, such as a range without a number; something that is no function to be
            called by name; or a page with a parameter that nobody could set.

    Example:
        >>> @view(title="A wave")
        ... def wave(frequency: Annotated[float, Range(0.1, 10, log=True)] = 1.0) -> Figure: ...
    """

    def make(function: Callable[..., Figure]) -> View:
        made = _made(function, title)
        if page:
            _register(made)
        return made

    return make if function is None else make(function)


class Views(dict[str, View]):
    """Views by name, which print as a list: a line each."""

    def __repr__(self) -> str:
        """Name and title of each."""
        width = max((len(name) for name in self), default=0)
        return "\n".join(f"{name:<{width}}  {one.title}" for name, one in self.items()) or "No pages."


def views() -> Views:
    """Return the views that have a page of their own in the explorer, by name, in the order of their registration."""
    return Views(_PAGES)


def restore(pages: Mapping[str, View]) -> None:
    """Put the views that have a page back as they were.

    Args:
        pages: What `views` returned then.
    """
    _PAGES.clear()
    _PAGES.update(pages)


def _register(page: View) -> None:
    if page.needs:
        names = ", ".join(repr(name) for name in page.needs)
        raise InputError(
            f"The page {page.name!r} cannot be opened: {names} is no control and has no usual value. Annotate it with "
            'bool, Literal["a", "b"] or Annotated[float, Range(0, 1)], or give it a usual value.'
        )
    _PAGES[page.name] = page


def _made(function: Callable[..., Figure], title: str) -> View:
    _check(function, title)
    words = name_of(function).strip("_").replace("_", " ")
    told: Teaching = teaching_of(inspect.getdoc(without_partial(function)) or "")
    knobs, needs = knobs_of(function, told.help)
    return View(
        name=words.replace(" ", "-"),
        title=title or words[:1].upper() + words[1:],
        summary=told.summary,
        teaches=told.teaches,
        tries=told.tries,
        function=function,
        knobs=knobs,
        needs=needs,
    )


def _in_words(control: Control) -> str:
    """Name of a control, what it takes, and to what it is set."""
    unit = f" {control.unit}" if isinstance(control, Slider) and control.unit else ""
    several = "any of " if isinstance(control, Several) else ""
    value = f"{control.value:.6g}" if isinstance(control, Slider) else repr(control.value)
    return f"{control.name}: {several}{control.expected}{unit}; {value} unless set"


def _check(function: Any, title: Any) -> None:
    """Refuse what can be no view."""
    if isinstance(function, str):
        raise InputError(f"@view takes a function, got the text {function!r}. Write @view(title={function!r}).")
    if not isinstance(title, str):
        raise InputError(f"The title of a view is text, got {type(title).__name__}.")
    if inspect.isclass(function) or isinstance(function, View) or not callable(function):
        kind = f"the class {function.__name__}" if inspect.isclass(function) else type(function).__name__
        raise InputError(f"@view takes a function that returns a Figure, got {kind}.")
    name, inner = name_of(function), innermost(function)
    for wrong, words in (
        (inspect.iscoroutinefunction, "an async function"),
        (inspect.isasyncgenfunction, "an async generator"),
        (inspect.isgeneratorfunction, "a generator"),
    ):
        # A plain function may stand around an async one and run it.
        if wrong(function) or (not hasattr(without_partial(function), "__code__") and wrong(inner)):
            raise InputError(f"The view {name!r} is {words}, expected a plain function that returns a Figure.")
    if not name.isidentifier() or not name.strip("_"):
        raise InputError(f"A view is called as its function, and {name!r} is no name. Write it with `def` and a name.")


__all__ = ["Choice", "Range", "Sketch", "View", "view", "views"]
