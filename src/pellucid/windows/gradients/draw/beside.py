"""Maps side by side: several methods, or several classes, of the same inputs in one picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.arguments import several, whole
from pellucid.core.errors import InputError
from pellucid.core.figure import Figure, Panel
from pellucid.core.figure.words import amount, not_drawn, number
from pellucid.core.finding import Level
from pellucid.core.judge import Findings
from pellucid.windows.gradients.draw.pictures import pictures_of
from pellucid.windows.gradients.draw.saliency import caveats_of, input_panel, map_panel
from pellucid.windows.gradients.result import Saliency

Array = NDArray[Any]
MOST_PANELS = 60
MOST_FINDINGS = 6


@dataclass(frozen=True)
class _Grid:
    """Which result stands where.

    Attributes:
        columns: What each column shows, in words.
        rows: The results of each row, one a column; None where nothing was explained.
        by_class: Whether the columns are classes, in place of methods.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Saliency | None, ...], ...]
    by_class: bool


def side_by_side(results: Sequence[Saliency], *, most: int = 4) -> Figure:
    """Draw maps of the same inputs beside each other: several methods, several classes, or both.

    A column is a method (or a class, where all maps come from one method), a row is an example, and where methods and
    classes vary, an example and a class. Each map has a scale of its own: compare where maps are dense, not how dense.

    Args:
        results: What `saliency` returned for the same inputs, one for each method and class.
        most: Examples that are drawn, 1 or more.

    Returns:
        The figure, with the caveats of all, and as verdict what the rules found in any, worst first, with the method or
        class that has it. `pel.judge(results)` lists it in full, with causes and next steps.

    Raises:
        InputError: There is no result, one of them is no `Saliency`, or they explain different inputs.

    Cost:
        Drawing only; about 0.02 s a map.

    Example:
        >>> import torch
        >>> import pellucid as pel
        >>> model, x = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 3)), torch.rand(1, 1, 8, 8)
        >>> ways = [pel.gradients.saliency(model, x, 0, method=way) for way in ("gradient", "smoothgrad")]
        >>> [panel.title for panel in pel.gradients.side_by_side(ways).panels][1].partition(":")[0]
        'gradient'
    """
    given, most = _checked(results), whole("most", most, 1)
    grid = _grid_of(given)
    examples = len(given[0].scores)
    fitting = max(1, MOST_PANELS // (len(grid.rows) * (len(grid.columns) + 1)))
    shown = min(examples, most, fitting)
    first = next((one for one in given if pictures_of(one) is not None), None)
    panels = tuple(
        panel
        for example in range(shown)
        for row in grid.rows
        for panel in (*_input(first, example), *(_cell(grid, row, place, example) for place in range(len(row))))
    )
    verdict, level = _verdict(grid, given)
    return Figure(
        title=_title(grid, given),
        panels=panels,
        columns=len(grid.columns) + (first is not None),
        verdict=verdict,
        level=level,
        caveat=" ".join(_caveats(given, examples - shown)),
        alt=f"Maps of {amount(shown, 'example')}, side by side: {', '.join(grid.columns)}.",
    )


def _checked(results: Sequence[Saliency]) -> list[Saliency]:
    """Return the results as a list, or refuse them."""
    how = "what saliency returned, in a list"
    given: list[Any] = [results] if isinstance(results, Saliency) else list(several("results", results, how))
    if not given:
        raise InputError(f"There is nothing to put side by side: no result came. Give {how}.")
    for place, one in enumerate(given):
        if not isinstance(one, Saliency):
            raise InputError(
                f"Number {place} of the results is {type(one).__name__}, expected Saliency, as saliency returns it."
            )
    for place, one in enumerate(given[1:], 1):
        if problem := _differ(given[0], one):
            raise InputError(
                f"Maps side by side explain the same inputs, but those of number 0 ({_way(given[0])}) and number "
                f"{place} ({_way(one)}) differ: {problem}. Call saliency with the same batch for each."
            )
    return given


def _differ(one: Saliency, other: Saliency) -> str:
    """Say in what the inputs of two results differ; "" where they do not, or where that cannot be told."""
    if len(one.scores) != len(other.scores):
        return f"{amount(len(one.scores), 'example')} and {amount(len(other.scores), 'example')}"
    first, second = one.given, other.given
    if (_explains_layer(one) and not first.size) or (_explains_layer(other) and not second.size):
        return ""
    if first.shape != second.shape:
        return f"shapes {first.shape} and {second.shape}"
    same = [np.array_equal(a, b, equal_nan=True) for a, b in zip(first, second, strict=True)]
    return "" if all(same) else f"the values of example {same.index(False)}"


def _explains_layer(result: Saliency) -> bool:
    return bool(result.layer) and result.places == (result.layer,)


def _way(result: Saliency) -> str:
    return f"{result.method} at {result.layer}" if result.layer else result.method


def _grid_of(given: Sequence[Saliency]) -> _Grid:
    """Lay the results out: methods from left to right, classes downwards; those of one method side by side."""
    ways = _named_ways(given)
    classes = list(dict.fromkeys(one.targets for one in given))
    columns = list(dict.fromkeys(ways))
    if len(columns) == 1 and len(classes) > 1:
        names = tuple(_classes(given[0], targets) for targets in classes)
        return _Grid(names, (tuple(given),), by_class=True)
    found = {(way, one.targets): one for way, one in zip(ways, given, strict=True)}
    rows = tuple(tuple(found.get((way, targets)) for way in columns) for targets in classes)
    return _Grid(tuple(columns), rows, by_class=False)


def _named_ways(given: Sequence[Saliency]) -> list[str]:
    """Name how each map was made: the method, and of several with that name whatever else sets them apart."""
    names: list[str] = []
    for one in given:
        alike = [other for other in given if _way(other) == _way(one)]
        options = [
            f"{name} {number(value) if isinstance(value, float) else value}"
            for name, value in one.options.items()
            if any(other.options.get(name) != value for other in alike)
        ]
        model = [one.provenance.model] if any(other.provenance.model != one.provenance.model for other in given) else []
        names.append(", ".join([_way(one), *options, *model]))
    counted: list[str] = []
    for place, (name, one) in enumerate(zip(names, given, strict=True)):
        before = sum(names[at] == name and given[at].targets == one.targets for at in range(place))
        counted.append(f"{name} ({before + 1})" if before else name)
    return counted


def _classes(result: Saliency, targets: tuple[int, ...]) -> str:
    names = dict.fromkeys(result.name_of(target) for target in targets)
    return names.popitem()[0] if len(names) == 1 else "the class of each example" if names else "the output"


def _input(result: Saliency | None, example: int) -> tuple[Panel, ...]:
    pictures = None if result is None else pictures_of(result)
    if result is None or pictures is None:
        return ()
    return (input_panel(result, example, pictures),)


def _cell(grid: _Grid, row: tuple[Saliency | None, ...], place: int, example: int) -> Panel:
    """Draw one map under the name of its method, with its class and score."""
    result = row[place]
    if result is None:
        return Panel(title=grid.columns[place], note="not explained")
    score = f"score {number(float(result.scores[example]))}"
    name = result.target_name(example)
    words = f"{name}: {score}" if name else score
    title = words if grid.by_class else f"{grid.columns[place]}: {name}" if name else grid.columns[place]
    drawn = map_panel(result, example, pictures_of(result), title)
    notes = [drawn.note, "" if grid.by_class else score]
    level = Level.WARN if result.is_zero(example) else Level.OK
    return Panel(title=title, marks=drawn.marks, x=drawn.x, y=drawn.y, note="; ".join(filter(None, notes)), level=level)


def _title(grid: _Grid, given: Sequence[Saliency]) -> str:
    if grid.by_class:
        classes = amount(len(grid.columns), "class", "classes")
        return f"What each score depends on: {_way(given[0])}, {classes} side by side"
    return f"What the score depends on, by {amount(len(grid.columns), 'method')}"


def _verdict(grid: _Grid, given: Sequence[Saliency]) -> tuple[str, Level]:
    """Say what was found, the worst first, each with the maps that have it; and how many checks passed in all."""
    every = Findings(tuple(finding for one in given for finding in one.findings))
    said = dict[tuple[int, str], list[str]]()
    for name, one in zip(_names(grid, given), given, strict=True):
        for finding in one.findings.every:
            if finding.level.rank >= Level.LOOK.rank:
                said.setdefault((-finding.level.rank, finding.line), []).append(name)
    lines = [f"{line} ({', '.join(dict.fromkeys(names))})" for (_, line), names in sorted(said.items(), key=_rank)]
    left = [f"{len(lines) - MOST_FINDINGS} more, see pel.judge(results)"] if len(lines) > MOST_FINDINGS else []
    passed = [] if every.problems else [every.headline]
    return "; ".join([*passed, *lines[:MOST_FINDINGS], *left]), every.level


def _rank(said: tuple[tuple[int, str], list[str]]) -> int:
    return said[0][0]


def _names(grid: _Grid, given: Sequence[Saliency]) -> list[str]:
    """Name each map as the picture does: its method, and its class where several were explained."""
    if grid.by_class:
        return list(grid.columns)
    alike = len({one.targets for one in given}) == 1
    ways = zip(_named_ways(given), given, strict=True)
    return [way if alike else f"{way}: {_classes(one, one.targets)}" for way, one in ways]


def _caveats(given: Sequence[Saliency], left: int) -> list[str]:
    """Return what each of the methods cannot show, once, and what is not drawn."""
    sentences = dict.fromkeys(sentence for one in given for sentence in caveats_of(one))
    more = [one] if (one := not_drawn(left, "example")) else []
    return [
        *sentences,
        "Colours show raw values.",
        "Methods have units of their own: compare where, not how much.",
        *more,
    ]
