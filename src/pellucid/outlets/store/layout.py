"""Where things lie in a run directory, and what their files are called.

run.sqlite                                   the index, in WAL mode
results/<name>-<first>-<last>.safetensors    pieces of results, cut along the steps
lock                                         locked by the process that writes; names it
"""

import re
import stat
from collections.abc import Iterator
from hashlib import blake2s
from pathlib import Path

INDEX = "run.sqlite"
RESULTS = "results"
LOCK = "lock"

_SIMPLE = re.compile(r"[a-z0-9_]{1,80}")
_PIECE = re.compile(r"(?P<name>[a-z0-9_.]+)-(?P<first>[0-9]+)-(?P<last>[0-9]+)\.safetensors")
_HALF = re.compile(r"\.[a-z0-9_.]+-[0-9]+-[0-9]+\.safetensors\.[0-9]+\.part")


def is_run(path: Path) -> bool:
    """Return whether a directory holds a run, whatever its state; False when it cannot be looked into."""
    try:
        return (path / INDEX).is_file()
    except OSError:  # not allowed, or too long a name
        return False


def piece_file(name: str, first: int, last: int) -> str:
    """Return the file name of one piece.

    A name that every file system keeps apart is used as it is. Any other loses its special characters and
    gains a hash of the whole, so that "Loss", "loss" and "loss/" never share a file.
    """
    if not _SIMPLE.fullmatch(name):
        digest = blake2s(name.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
        name = f"{re.sub('[^a-z0-9_]+', '_', name.lower())[:60]}.{digest}"
    return f"{name}-{first}-{last}.safetensors"


def steps_of(file: str) -> tuple[str, int, int] | None:
    """Return (name, first, last) of the file of a piece; None for a file that is none."""
    match = _PIECE.fullmatch(file)
    return (match["name"], int(match["first"]), int(match["last"])) if match else None


def is_regular(file: Path) -> bool:
    """Return whether a file is one, and neither a link, a pipe nor a device; False when it may not be looked at."""
    try:
        return stat.S_ISREG(file.lstat().st_mode)
    except (OSError, ValueError):
        return False


def piece_files(path: Path) -> Iterator[Path]:
    """Yield the files in `results/` that are called as pieces are, finished or half written; no links.

    Others may call theirs so too: see `ownership.is_ours` before one is removed.
    """
    folder = path / RESULTS
    if folder.is_dir() and not folder.is_symlink():
        named = (one for one in sorted(folder.iterdir()) if _PIECE.fullmatch(one.name) or _HALF.fullmatch(one.name))
        yield from (one for one in named if is_regular(one))
