"""A view without anything that computes it: its pictures drawn beforehand for a grid of settings."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.core.controls import Control, Pad, Parameter, Select, Several, Slider
from pellucid.core.figure.live.thinning import embedded, joined
from pellucid.core.figure.words import number
from pellucid.core.frame import Frame, pack

if TYPE_CHECKING:
    from pellucid.core.view import View

BUDGET_FRAMES = 48
BUDGET_BYTES = 1_500_000
_STOPS = (BUDGET_FRAMES, 24, 16, 12, 9, 8, 7, 5, 4, 3)  # of the first range, most first
_STOPS_OF_OTHERS = (9, 7, 5, 4, 3)
_ENOUGH = 7  # stops of the first range: with fewer it says little, and no further control is worth that
_MANY = 9  # beyond it a further control is worth more


@dataclass(frozen=True, kw_only=True)
class _Branch:
    """Settings of the first few controls, and the stops of the ranges among them."""

    settings: Mapping[str, Parameter] = field(default_factory=dict[str, Parameter])
    stops: Mapping[str, tuple[float, ...]] = field(default_factory=dict[str, tuple[float, ...]])
    usual: bool = True


def frozen(view: "View", *, budget_frames: int = BUDGET_FRAMES, budget_bytes: int = BUDGET_BYTES) -> tuple[Frame, ...]:
    """Draw a view for a grid of settings.

    As many controls as fit can be moved, in the order of the signature; ranges have a few stops, their usual value
    among them, the first of them 7 or more where there is room. The others stay at their usual value, and the caveat
    names them.

    Args:
        view: Nothing of it may be left to bind.
        budget_frames: How many pictures at the most.
        budget_bytes: What they may take together, deflated; judged by the usual one.

    Returns:
        The frames, the usual one first.

    Raises:
        InputError: Something of the view is left to bind.

    Cost:
        As many calls of the view as there are frames.
    """
    first = view.frame()
    # A carrier thins what is longer.
    size = len(zlib.compress(pack(replace(first, figure=embedded(first.figure))), 1))
    most = max(1, min(budget_frames, budget_bytes // max(size, 1)))
    moved, branches = _widest(view, most)
    frames: dict[str, Frame] = {}
    for branch in sorted(branches, key=lambda one: not one.usual):  # stable: only the usual one moves to the front
        try:
            frame = first if branch.usual else view.frame(branch.settings)
        except Exception:  # a setting at which the view fails is no page of the book
            if branch.usual:
                raise
            continue
        frames.setdefault(repr(sorted(frame.parameters.items())), _told(frame, branch, moved))
    return tuple(frames.values())


def holds_every_setting(view: "View", frames: Sequence[Frame]) -> bool:
    """Say whether a grid holds whatever can be set: what the view says to try can then be tried there.

    Args:
        view: What was drawn.
        frames: What `frozen` made of it, the usual one first.

    Returns:
        False as soon as one control is fixed, or has fewer values than the view allows.
    """
    moved = {one.name: one for one in frames[0].controls}
    return all(_in_full(one, moved.get(one.name)) for one in view.controls() if _free(one))


def _in_full(control: Control, kept: Control | None) -> bool:
    if kept is None or isinstance(control, Several):  # of several, not every choice is drawn
        return False
    if not isinstance(control, Slider) or not isinstance(kept, Slider) or kept.stops is None:
        return True
    if control.log and control.stops is None:
        return False
    values = round((control.max - control.min) / control.step) + 1 if control.stops is None else len(control.stops)
    return len(kept.stops) >= values


def _widest(view: "View", most: int) -> tuple[tuple[str, ...], list[_Branch]]:
    """Return what can be moved, and all combinations.

    The first range of the signature, as a rule the most telling, gets enough stops before a further control is taken
    in; then come as many controls as fit, then stops.
    """
    names = [one.name for one in view.controls()]
    ranges = [one.name for one in view.controls() if isinstance(one, Slider)]
    others = _STOPS_OF_OTHERS if len(ranges) > 1 else _STOPS_OF_OTHERS[-1:]
    best: tuple[tuple[Any, ...], tuple[str, ...], list[_Branch]] = ((), (), [])
    for count in _STOPS:
        for other in others:
            moved, branches = _grid(view, most, dict.fromkeys(ranges, other) | dict.fromkeys(ranges[:1], count))
            enough = min(count, _ENOUGH) if {*ranges[:1]} & {*moved} else 0
            first = [-names.index(name) for name in moved]  # of as many controls those that come first
            rank = (enough, len(moved), first, min(count, _MANY), other, count)
            if rank > best[0]:
                best = rank, moved, branches
    return best[1:]


def _grid(view: "View", most: int, counts: Mapping[str, int]) -> tuple[tuple[str, ...], list[_Branch]]:
    branches, moved = [_Branch()], list[str]()
    for name in (one.name for one in view.controls()):
        grown = _grown(view, branches, name, counts.get(name, 0), most)
        if len(branches) < len(grown) <= most:
            branches = grown
            moved.append(name)
    return tuple(moved), branches


def _grown(view: "View", branches: Sequence[_Branch], name: str, count: int, most: int) -> list[_Branch]:
    grown: list[_Branch] = []
    for branch in branches:
        try:
            control = next(one for one in view.controls(branch.settings) if one.name == name)
        except Exception:  # noqa: BLE001, S112 - a range may shrink to nothing at a setting of the controls before it
            continue
        values = _values(control, count)
        stops = {name: stops_of(control, count)} if isinstance(control, Slider) else {}
        grown += [
            _Branch(
                settings={**branch.settings, name: value},
                stops={**branch.stops, **stops},
                usual=branch.usual and value == control.value,
            )
            for value in values
        ]
        if len(grown) > most:
            break
    return grown


def _values(control: Control, count: int) -> list[Parameter]:
    if isinstance(control, Slider):
        return list(stops_of(control, count))
    if isinstance(control, Select):
        return list(control.options)
    if isinstance(control, Several):
        return list(dict.fromkeys([control.value, *((one,) for one in control.options), control.options]))
    return [control.value] if isinstance(control, Pad) else [False, True]  # what a reader will draw nobody knows


def stops_of(control: Slider, count: int) -> tuple[float, ...]:
    """Choose values of a range.

    Args:
        control: The range; its value is always among them, and so are its ends.
        count: How many at the most, 3 or more.

    Returns:
        Rising values, as even as the steps of the range allow.
    """
    if control.max <= control.min:
        return (control.min,)
    if control.stops is not None:
        places = np.unique(np.linspace(0, len(control.stops) - 1, min(count, len(control.stops))).round().astype(int))
        return tuple(sorted({*(control.stops[place] for place in places[:count]), control.value}))
    # Of a log range the number of steps says nothing, and may be too large for a number.
    steps = count if control.log else round((control.max - control.min) / control.step)
    if steps < count:
        even = control.min + control.step * np.arange(steps + 1)
    else:
        even = (np.geomspace if control.log else np.linspace)(control.min, control.max, count)
        even = even if control.log else control.min + control.step * np.round((even - control.min) / control.step)
    inner = [float(f"{one:.3g}") if control.log else float(f"{one:.9g}") for one in even[1:-1]]
    inner = [one for one in inner if control.min < one < control.max]
    if inner and control.min < control.value < control.max:
        inner[int(np.argmin(np.abs(np.array(inner) - control.value)))] = control.value
    stops = sorted({control.min, *inner, control.max, control.value})
    return tuple(round(one) if control.whole else float(one) for one in stops)


def _told(frame: Frame, branch: _Branch, moved: Sequence[str]) -> Frame:
    """Return a frame with the controls that can be moved, and the others in its caveat."""
    kept = tuple(
        _with_stops(one, branch.stops[one.name]) if isinstance(one, Slider) else one
        for one in frame.controls
        if one.name in moved
    )
    fixed = [f"{one.label.lower()} {_words(one)}" for one in frame.controls if one.name not in moved and _free(one)]
    if not fixed:
        return replace(frame, controls=kept)
    told = f"Fixed here: {', '.join(fixed)}. To set them: pellucid open."
    return replace(frame, controls=kept, figure=replace(frame.figure, caveat=joined(frame.figure.caveat, told)))


def _with_stops(control: Slider, stops: tuple[float, ...]) -> Slider:
    """Return a range with only some stops, which its help says: what is typed goes to the nearest."""
    kept = replace(control, stops=stops)
    if _in_full(control, kept):
        return kept
    return replace(
        kept, help=joined(control.help, f"{len(stops)} computed settings; what is typed goes to the nearest.")
    )


def _free(control: Control) -> bool:
    if isinstance(control, Slider):
        return control.max > control.min
    return not isinstance(control, Select) or len(control.options) > 1


def _words(control: Control) -> str:
    value = control.value
    if isinstance(control, Pad):
        return "as drawn here" if value else "empty"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return " and ".join(value) or "none"
    return value if isinstance(value, str) else number(float(value))
