"""Results: when two of them are equal, and what they can be saved as."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid as pel
from pellucid.core.errors import InputError
from pellucid.core.result import Provenance, Result

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, kw_only=True)
class Place:
    """A record with an array inside a result."""

    name: str = "a"
    values: Array = field(default_factory=lambda: np.array([1.0, np.nan]))


@dataclass(frozen=True, kw_only=True)
class Looked(Result):
    """A result with a field of every form."""

    array: Array = field(default_factory=lambda: np.array([[1.0, np.nan], [np.inf, -0.0]]))
    names: Array = field(default_factory=lambda: np.array(["a", "b"]))
    place: Place | None = field(default_factory=Place)
    parts: tuple[Place, ...] = field(default_factory=lambda: (Place(), Place(name="b")))
    notes: dict[str, float | Place] = field(default_factory=lambda: {"error": float("nan"), "part": Place()})
    number: float = float("nan")


@dataclass(frozen=True, kw_only=True)
class Overlooked(Looked):
    """Another class with the same fields."""


ORIGIN = Provenance(model="m", seconds=0.5, made="2026-01-01")
FLAT = np.zeros(2)


def test_what_comes_back_from_a_file_is_equal(tmp_path: Path) -> None:
    """Its arrays, NaN and the records in it are compared, and not asked for their truth."""
    one = replace(Looked(provenance=ORIGIN), names=np.arange(2))
    back = Result.load(one.save(tmp_path / "r.safetensors"))
    assert back is not one
    assert back == one
    assert not back != one  # noqa: SIM202 - the other operator
    assert Looked(provenance=ORIGIN) == Looked(provenance=ORIGIN)


@pytest.mark.parametrize(
    "change",
    [
        {"array": np.array([[1.0, np.nan], [np.inf, 1.0]])},
        {"array": np.array([1.0, np.nan, np.inf, -0.0])},
        {"names": np.array(["a", "c"])},
        {"place": Place(values=FLAT)},
        {"place": None},
        {"parts": (Place(), Place(name="b", values=FLAT))},
        {"parts": (Place(),)},
        {"notes": {"error": float("nan"), "part": Place(name="b")}},
        {"notes": {"error": float("nan")}},
        {"number": 0.0},
        {"provenance": replace(ORIGIN, seconds=0.75)},
    ],
)
def test_any_change_makes_it_another(change: dict[str, Any]) -> None:
    """Also deep inside, and where the result comes from."""
    one = Looked(provenance=ORIGIN)
    assert one != replace(one, **change)
    assert replace(one, **change) != one


def test_other_classes_are_never_equal() -> None:
    """Though all of their fields are."""
    assert Looked(provenance=ORIGIN) != Overlooked(provenance=ORIGIN)
    assert Looked() != "a text"
    assert Looked() != None  # noqa: E711 - what is compared


def test_equal_results_hash_equal_and_can_be_keys(tmp_path: Path) -> None:
    """Though they hold arrays and mappings, and also one that comes back from a file."""
    one = replace(Looked(provenance=ORIGIN), names=np.arange(2))
    back = Result.load(one.save(tmp_path / "r.safetensors"))
    assert hash(back) == hash(one)
    kept: dict[Result, str] = {one: "kept"}
    assert kept[back] == "kept"
    changed = replace(one, array=FLAT)
    assert {one: 1, changed: 2, back: 3} == {one: 3, changed: 2}
    assert len({one, back, changed, replace(one, provenance=replace(ORIGIN, model="n"))}) == 3


def test_every_kind_of_result_is_compared_so() -> None:
    """Whatever `dataclass` would have made for it."""
    assert pel.weights.filters  # every window is loaded with it
    assert {kind.__eq__ for kind in Result.kinds.values()} == {Result.__eq__}
    assert {kind.__hash__ for kind in Result.kinds.values()} == {Result.__hash__}


@pytest.mark.parametrize("ending", ["png", "SVG", "pdf", "html"])
def test_a_result_is_no_picture(ending: str, tmp_path: Path) -> None:
    """Nobody finds numbers in a file that is called a picture or a page."""
    message = rf"^path='.*map\.{ending}' came, and a result is saved as numbers .* map\.safetensors\. For a picture: "
    with pytest.raises(InputError, match=message):
        Looked().save(tmp_path / f"map.{ending}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("path", ["", ".", "/", "a\0b", "\ud800"])
def test_what_names_no_file(path: str) -> None:
    """Whatever cannot be the name of a file is refused before anything is written or read."""
    for call in (Looked().save, Result.load):
        with pytest.raises(InputError) as caught:
            call(path)
        assert str(caught.value) == f"path={path!r} came; expected the name of a file, a text or a pathlib.Path."
