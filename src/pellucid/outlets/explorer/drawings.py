"""Drawings of a run: which pictures it has, in the order of a reading, and how each is drawn."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pellucid.core.drawing import draw, drawings_of
from pellucid.core.errors import AddressError, StoreError, did_you_mean
from pellucid.core.figure import Figure
from pellucid.core.figure.words import amount, plain
from pellucid.core.finding import Level
from pellucid.core.frame import Frame
from pellucid.core.result import Result
from pellucid.core.rule import rule_of
from pellucid.outlets.explorer.live import LiveRun
from pellucid.outlets.explorer.views import curves, overlaid, parallel
from pellucid.outlets.run_views import has_histograms, scrubbed

_WINDOWS = {
    "loss": ("Loss", "Is optimisation healthy?"),
    "sanity": ("Loss", "Is optimisation healthy?"),
    "activations": ("Activations", "What has each layer learned to detect, and is it alive?"),
    "gradients": ("Gradients", "Does learning reach every layer?"),
    "weights": ("Weights", "What is each unit tuned to?"),
}
_SCRUBBED = "scrubbed"
_MOST_TROUBLES = 3  # are told with a picture; the verdicts below tell all


@dataclass(frozen=True, kw_only=True)
class Place:
    """A place of a page where a picture stands.

    Attributes:
        view: Name of the view: "curves", or result and drawing, "activations.histograms".
        anchor: Its id in the page.
        words: What it shows, until it is there.
    """

    view: str
    anchor: str
    words: str


@dataclass(frozen=True, kw_only=True)
class Window:
    """One window of a run: a question, and the pictures that answer it."""

    title: str
    question: str
    places: tuple[Place, ...]


def windows_of(run: LiveRun) -> tuple[Window, ...]:
    """Return the windows of a run that have something to show, those of the chapter first."""
    results = run.results()
    named: dict[str, list[Place]] = {}
    if run.curves():
        named["loss"] = [_place("curves")]
    for name in sorted(results, key=lambda one: (list(_WINDOWS).index(one) if one in _WINDOWS else len(_WINDOWS), one)):
        places = named.setdefault(name, [])
        places += [_place(f"{name}.{drawing}") for drawing in _drawings(results[name])]
    windows: dict[str, Window] = {}
    for name, places in named.items():
        title, question = _WINDOWS.get(name, (plain(name).replace("_", " ").capitalize(), ""))
        before = windows[title].places if title in windows else ()
        windows[title] = Window(title=title, question=question, places=(*before, *places))
    return tuple(one for one in windows.values() if one.places)


def _drawings(result: Result) -> list[str]:
    """The drawings of a result, the histograms with a step to choose where they were taken at several."""
    names = list(drawings_of(type(result)))
    return [_SCRUBBED if one == "histograms" and has_histograms(result) else one for one in names]


def _place(view: str) -> Place:
    return Place(view=view, anchor=anchor_of(view), words=words_for(view))


def words_for(view: str) -> str:
    """Return what a picture shows, in a few words made of its name."""
    words = plain(view).replace(f".{_SCRUBBED}", ": histograms over time").replace(".", ": ").replace("_", " ")
    return words[:1].upper() + words[1:]


def anchor_of(view: str) -> str:
    """Return the id of a picture in its page."""
    return f"picture-{re.sub('[^a-z0-9]+', '-', view.lower()).strip('-')}"


def evidence_of(code: str, results: Mapping[str, Result]) -> str:
    """Return the view that shows what a rule judged; "" when none does."""
    try:
        kind = rule_of(code).result.kind
    except AddressError:  # a rule of an older pellucid, in a stored verdict
        return ""
    found = next((name for name, one in results.items() if type(one).kind == kind), "")
    drawings = _drawings(results[found]) if found else []
    return f"{found}.{drawings[0]}" if drawings else ""


def frame_of_run(run: LiveRun, view: str, parameters: Mapping[str, Any]) -> Frame:
    """Draw a picture of one run.

    Args:
        run: Refreshed.
        view: See `windows_of`.
        parameters: Settings, not checked yet.

    Raises:
        AddressError: The run has no such picture.
        InputError: A setting that cannot be.
    """
    if view == "curves":
        return curves.bind(run=run).frame(parameters)
    name, _, drawing = view.partition(".")
    results = run.results()
    if name not in results:
        near = did_you_mean(name, results)
        raise AddressError(f"The run {run.name!r} has nothing called {plain(name)[:80]!r}. {near}".strip())
    result = results[name]
    if drawing == _SCRUBBED:
        frame = replace(scrubbed.bind(result=result).frame(parameters), view=view)
        if frame.parameters.get("step") != result.watched[-1]:
            return replace(
                frame, figure=replace(frame.figure, verdict="", level=Level.OK)
            )  # the list is of the whole run
    else:
        frame = Frame(figure=draw(result, drawing), view=view)
    return replace(frame, figure=_judged(frame.figure, run, result))


def _judged(figure: Figure, run: LiveRun, result: Result) -> Figure:
    """Put what the list of findings says about a result in place of what a rule says that sees nothing but it.

    While the run is written, pictures are not all as old as the list: then only what is wrong is said with them.
    """
    findings = run.findings().about(result)
    if run.state().status == "running" and not findings.problems:
        return replace(figure, verdict="", level=Level.OK)
    return replace(figure, verdict=findings.headline, level=findings.level)


def frame_of_runs(runs: Sequence[LiveRun], view: str, parameters: Mapping[str, Any]) -> Frame:
    """Draw a picture of several runs: "overlaid" or "parallel"; errors as `frame_of_run`.

    Runs that cannot be read are left out, and the picture says so.

    Raises:
        StoreError: None of them can be read.
    """
    known = {"overlaid": overlaid, "parallel": parallel}
    if view not in known:
        raise AddressError(f"Several runs have no picture {plain(view)[:80]!r}. They have: {', '.join(known)}.")
    sound = tuple(run for run in runs if not run.trouble)
    left_out = left_out_words([run.trouble for run in runs if run.trouble])
    if not sound:
        raise StoreError(left_out)
    frame = known[view].bind(runs=sound).frame(parameters)
    return replace(frame, figure=replace(frame.figure, caveat=f"{left_out} {frame.figure.caveat}".strip()))


def left_out_words(troubles: Sequence[str]) -> str:
    """Return what to say of runs that cannot be read; "" for none."""
    if not troubles:
        return ""
    more = len(troubles) - _MOST_TROUBLES
    told = " ".join((*troubles[:_MOST_TROUBLES], *([f"And {more} more."] if more > 0 else [])))
    return f"{amount(len(troubles), 'run is', 'runs are')} left out. {told}"
