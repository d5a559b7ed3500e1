"""Result: what one examination measured, frozen, on the CPU, and able to judge, draw and store itself."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

import numpy as np

from pellucid.core.arguments import file_path
from pellucid.core.errors import FormatError, InputError, did_you_mean

if TYPE_CHECKING:
    from pellucid.core.figure import Figure
    from pellucid.core.judge import Findings


_OF_PICTURES = (".png", ".svg", ".pdf", ".jpg", ".jpeg", ".html", ".htm")

Kind = TypeVar("Kind", bound="Result")  # typing.Self would do, but beartype, which checks the tests, refuses it


def _versions() -> dict[str, str]:
    # What is already imported is asked; nothing is imported for the sake of a version number.
    import sys

    names = ("pellucid", "torch", "numpy")
    known = {name: getattr(sys.modules.get(name), "__version__", None) for name in names}
    return {"python": platform.python_version()} | {name: str(one) for name, one in known.items() if one}


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Where a result comes from.

    Attributes:
        model: Name and fingerprint of the model, such as "MLP 8,554 parameters 3f2a...".
        models: Names of the models, where several were watched: each stands before the names of its layers.
        samples: Examples that were looked at.
        passes: Forward or backward passes that were spent.
        seconds: Wall seconds that were spent.
        seed: Seed of whatever was drawn at random; None when nothing was.
        versions: Versions of python, torch, numpy and pellucid.
        made: UTC time, ISO 8601.
        stopped: What Ctrl-C kept from being done, in words; "" where it was all done.
    """

    model: str = ""
    models: tuple[str, ...] = ()
    samples: int = 0
    passes: int = 0
    seconds: float = 0.0
    seed: int | None = None
    versions: Mapping[str, str] = field(default_factory=_versions)
    made: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    stopped: str = ""


@dataclass(frozen=True, kw_only=True)
class Result:
    """Base of every result: a frozen dataclass of arrays and plain values.

    Fields may be numpy arrays, plain values, tuples and string-keyed mappings of these, and further
    frozen dataclasses. A result knows neither the model nor a renderer. Results are equal where their class and all
    that they hold are, provenance included; NaN is equal to NaN.
    """

    kinds: ClassVar[dict[str, type["Result"]]] = {}
    kind: ClassVar[str] = ""

    provenance: Provenance = field(default_factory=Provenance)

    def __init_subclass__(cls) -> None:
        """Register the class under its window and name, so that a stored file finds it.

        It is given the equality and the hash of this class: those that `dataclass` would make for it ask arrays for
        their truth and for theirs.
        """
        cls.__eq__, cls.__hash__ = Result.__eq__, Result.__hash__
        window = cls.__module__.removeprefix("pellucid.windows.").partition(".")[0]
        cls.kind = f"{window}.{cls.__name__}"
        Result.kinds[cls.kind] = cls

    @property
    def findings(self) -> "Findings":
        """Every rule registered for this kind of result, applied to it, ordered by cause."""
        from pellucid.core.judge import judge

        return judge([self])

    @property
    def watched(self) -> tuple[int, ...]:
        """The steps of a training at which it was measured, rising; () for what is measured once."""
        return ()

    def figure(self, name: str | None = None) -> "Figure":
        """Draw the result.

        Args:
            name: Which drawing, one of `figures()`; None for the first.

        Returns:
            The figure, as plain data; it shows itself in a notebook and prints itself in a terminal.

        Raises:
            AddressError: There is no such drawing.
        """
        from pellucid.core.drawing import draw

        return draw(self, name)

    def figures(self) -> dict[str, "Figure"]:
        """Return every drawing of this result, by name; how things change only where there are several steps."""
        from pellucid.core.drawing import drawings_for

        return {name: self.figure(name) for name in drawings_for(self)}

    def save(self, path: str | Path) -> Path:
        """Write the result to one safetensors file, beside it first and then renamed.

        Args:
            path: Where to; an existing file is replaced.

        Returns:
            The path.

        Raises:
            InputError: The path names no file, or that of a picture or a page.
            StoreError: The file cannot be written; what was there before is still there.
        """
        from pellucid.core.files import write_result

        chosen = file_path("path", path)
        if chosen.suffix.lower() in _OF_PICTURES:
            raise InputError(
                f"path={str(path)!r} came, and a result is saved as numbers that Result.load reads back; name it "
                f"{chosen.stem}.safetensors. For a picture: result.figure().save('{chosen.stem}.png'); for a page: "
                f"pel.report(result, to='{chosen.stem}.html')."
            )
        return write_result(self, chosen)

    @classmethod
    def load(cls: type[Kind], path: str | Path) -> Kind:  # noqa: PYI019 - see Kind
        """Read a result back. Nothing in the file is executed.

        Args:
            path: A file that `save` wrote.

        Returns:
            A result of the class that was saved.

        Raises:
            InputError: The path names no file.
            StoreError: There is no such file, or it cannot be read.
            FormatError: The file is damaged, truncated, hostile, or holds another kind of result.
        """
        from pellucid.core.files import read_result

        found = read_result(file_path("path", path))
        if not isinstance(found, cls):
            raise FormatError(f"{path} holds {found.kind}, expected {cls.kind}. Read it with Result.load().")
        return found

    @classmethod
    def join(cls: type[Kind], pieces: Sequence[Kind]) -> Kind:  # noqa: PYI019 - see Kind
        """Put pieces of one result, cut along the steps, together again.

        Args:
            pieces: At least one, in the order of their steps.

        Returns:
            One result. A result without steps is replaced by its latest piece; others override this.
        """
        return pieces[-1]

    def thin(self: Kind, most: int) -> Kind:  # noqa: PYI019 - see Kind
        """Keep at most `most` steps, evenly spread, always the first and the last.

        Args:
            most: At least 2.

        Returns:
            A result with fewer steps; itself where it has no steps. Results with steps override this.
        """
        del most
        return self

    @staticmethod
    def class_of(kind: str, where: str) -> type["Result"]:
        """Return the class registered as `kind`, or raise FormatError naming the nearest."""
        if kind not in Result.kinds:
            near = did_you_mean(kind, Result.kinds)
            raise FormatError(
                f"{where} holds a result of kind {kind!r}, which this pellucid does not know. {near}".strip()
            )
        return Result.kinds[kind]

    def __eq__(self, other: object) -> bool:
        return _same(self, other) if isinstance(other, Result) else NotImplemented

    def __hash__(self) -> int:
        return hash((self.kind, self.provenance.model, self.provenance.made))

    def __str__(self) -> str:
        """The findings and the first picture, where there is one, as text."""
        return self._repr_mimebundle_()["text/plain"]

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        from pellucid.core.notebook import bundle

        return bundle(self)


def _same(one: Any, other: Any) -> bool:
    """Say whether two results, or what two hold in one place, have the same content."""
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        both = isinstance(one, np.ndarray) and isinstance(other, np.ndarray)
        return both and np.array_equal(one, other, equal_nan=one.dtype.kind in "fc")
    if is_dataclass(one):
        names = (each.name for each in fields(one))
        return type(one) is type(other) and all(_same(getattr(one, name), getattr(other, name)) for name in names)
    if isinstance(one, Mapping):
        first, second = cast("Mapping[Any, Any]", one), cast("Mapping[Any, Any]", other)
        alike = isinstance(other, Mapping) and first.keys() == second.keys()
        return alike and all(_same(first[name], second[name]) for name in first)
    if isinstance(one, tuple | list):
        first, second = cast("Sequence[Any]", one), cast("Sequence[Any]", other)
        return type(one) is type(other) and len(first) == len(second) and all(map(_same, first, second))
    return bool(one == other or (one != one and other != other))  # noqa: PLR0124 - NaN is itself
