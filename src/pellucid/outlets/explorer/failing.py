"""Failing: where in the user's own code something went wrong, for the page and for the terminal."""

import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from traceback import FrameSummary, extract_tb

from pellucid.core.errors import PellucidError
from pellucid.core.figure.words import plain

_OURS = Path(__file__).parents[2]
_INSTALLED = tuple(Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib"))
_MOST_FRAMES = 5  # of a traceback in the terminal
_MOST_WORDS = 1000  # characters of a message
_MOST_KINDS = 100  # that are told; a page may fail anew at every move of a slider


def words_of(error: BaseException) -> str:
    """Return what to tell a reader: our errors are sentences, others name themselves; and the line of the user's code.

    Args:
        error: As it was caught, with its traceback.
    """
    try:
        said = str(error)[:_MOST_WORDS]
    except Exception:  # noqa: BLE001 - an error of the user's may fail to say what it is
        said = ""
    words = (
        plain(said if isinstance(error, PellucidError) else f"{type(error).__name__}: {said}").strip().removesuffix(":")
    )
    frames = frames_of_user(error)
    return f"{words} ({plain(Path(frames[-1].filename).name)}, line {frames[-1].lineno})" if frames else words


def frames_of_user(error: BaseException) -> list[FrameSummary]:
    """Return the frames of a traceback that are neither ours nor those of Python and its packages, innermost last.

    Args:
        error: As it was caught; where its own traceback has none, that of what caused it is looked at.
    """
    for one in _causes(error):
        if found := [frame for frame in extract_tb(one.__traceback__) if _is_of_user(Path(frame.filename))]:
            return found
    return []


def _causes(error: BaseException) -> Iterator[BaseException]:
    one: BaseException | None = error
    while one is not None:
        yield one
        one = one.__cause__


def _is_of_user(file: Path) -> bool:
    installed = any(file.is_relative_to(one) for one in _INSTALLED)
    return file.is_absolute() and not installed and not file.is_relative_to(_OURS)


class Failures:
    """Tells the terminal about faults in the user's code, each of them once."""

    def __init__(self) -> None:
        self._told: set[tuple[str, str]] = set()

    def tell(self, what: str, error: BaseException) -> None:
        """Print a short traceback on the error stream; nothing where no line of the user's code is in it.

        Args:
            what: What failed, such as "the page 'waves'".
            error: As it was caught.
        """
        frames = frames_of_user(error)
        kind = (what, words_of(error))
        if not frames or kind in self._told or len(self._told) >= _MOST_KINDS:
            return
        self._told.add(kind)
        trace = "".join(
            f'  File "{plain(one.filename)}", line {one.lineno}, in {one.name}\n    {plain(one.line or "")}\n'
            for one in frames[-_MOST_FRAMES:]
        )
        sys.stderr.write(f"pellucid: {what} failed: {kind[1]}\n{trace}")
        sys.stderr.flush()
