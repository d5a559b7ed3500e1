"""What the index of a run holds, read as one consistent state; anybody may have written it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from pellucid.core.errors import PellucidError
from pellucid.core.finding import Finding
from pellucid.core.judge import Findings
from pellucid.outlets.store.index import Connection, has_tables, reading
from pellucid.outlets.store.layout import INDEX
from pellucid.outlets.store.pieces import pieces_without_index
from pellucid.outlets.store.scalars import scalars_in
from pellucid.outlets.store.state import LARGEST_STEP, Piece, State, count_pieces, pieces_in, state_in
from pellucid.windows.loss.result import Curve

_UNREADABLE = (PellucidError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)


@dataclass(frozen=True, kw_only=True)
class Content:
    """One consistent state of the index.

    Attributes:
        state: The run as a whole.
        facts: By name.
        label_counts: From the facts, [class]; empty when unknown.
        scalars: Curves by name.
        pieces: By name and first step.
        verdict: As it was stored; None when there is none that can be read.
        problems: One sentence for each part that could not be read.
    """

    state: State
    facts: dict[str, Any]
    label_counts: NDArray[np.int64]
    scalars: dict[str, Curve]
    pieces: list[Piece]
    verdict: Findings | None
    problems: tuple[str, ...] = ()


def read_content(path: Path, *, scalars: bool) -> Content:
    """Read the index of a run as far as it goes.

    Args:
        path: The run directory.
        scalars: Whether to read these too.

    Returns:
        The content. Where the index is lost the status is "damaged", and the pieces are those that lie there.
    """
    try:
        with reading(path) as connection:
            return _content_in(connection, path, scalars=scalars)
    except _UNREADABLE as error:
        ours = isinstance(error, PellucidError)
        return _content(
            State(status="damaged"),
            pieces=pieces_without_index(path),
            problems=[str(error) if ours else f"The index {path / INDEX} is damaged: {error}."],
        )


def _content_in(connection: Connection, path: Path, *, scalars: bool) -> Content:
    state = state_in(connection, path)
    if not has_tables(connection):
        return _content(state)
    problems: list[str] = []
    facts = _facts(connection, problems)
    verdict = _verdict(connection, problems)
    curves, spoilt = scalars_in(connection) if scalars else ({}, 0)
    pieces = pieces_in(connection)
    for what, count in {"scalars": spoilt, "pieces": count_pieces(connection) - len(pieces)}.items():
        if count:
            problems.append(f"{count} damaged rows of {what} in the index are left out.")
    return _content(state, facts=facts, scalars=curves, pieces=pieces, verdict=verdict, problems=problems)


def _content(
    state: State,
    *,
    facts: dict[str, Any] | None = None,
    scalars: dict[str, Curve] | None = None,
    pieces: list[Piece] | None = None,
    verdict: Findings | None = None,
    problems: list[str] | None = None,
) -> Content:
    facts, problems = facts or {}, problems or []
    counts = facts.get("label_counts", [])
    if not _are_counts(counts):
        problems.append("The fact 'label_counts' is no list of counts and is left out.")
        counts = []
    return Content(
        state=state,
        facts=facts,
        label_counts=np.array(counts, dtype=np.int64),
        scalars=scalars or {},
        pieces=pieces or [],
        verdict=verdict,
        problems=tuple(problems),
    )


def _are_counts(value: Any) -> bool:
    if not isinstance(value, list):
        return False
    counts = cast("list[Any]", value)
    return all(type(one) is int and 0 <= one < LARGEST_STEP for one in counts)


def _facts(connection: Connection, problems: list[str]) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for name, text in connection.execute("SELECT name, value FROM facts"):
        try:
            facts[str(name)] = json.loads(text)
        except (ValueError, TypeError, RecursionError):
            problems.append(f"The fact {str(name)[:80]!r} is damaged and is left out.")
    return facts


def _verdict(connection: Connection, problems: list[str]) -> Findings | None:
    said = connection.execute("SELECT verdict FROM findings").fetchone()
    if said is None:
        return None
    try:
        findings = Findings.from_dicts(json.loads(said[0]))
        if all(_is_sound(one) for finding in findings.every for one in finding.all):
            return findings
    except _UNREADABLE:
        pass
    problems.append("The stored verdict is damaged; the run is judged anew.")
    return None


def _is_sound(finding: Finding) -> bool:
    texts = (finding.code, finding.title, finding.message, finding.where, finding.cause, finding.next_step)
    wholes, numbers = (finding.step, finding.samples), (finding.value, finding.limit)
    return (
        all(isinstance(one, str) for one in texts)
        and all(one is None or type(one) is int for one in wholes)
        and all(one is None or type(one) in (int, float) for one in numbers)
        and all(isinstance(one, str | int | float | None) for one in finding.evidence.values())
    )
