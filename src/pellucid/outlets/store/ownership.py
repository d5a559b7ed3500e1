"""Which files in a directory are ours: nothing else is written over, swept or deleted.

Anybody may point a run at a directory of theirs, and files of theirs may be called as ours are.
"""

from pathlib import Path

from pellucid.core.errors import StoreError
from pellucid.outlets.store.index import Connection
from pellucid.outlets.store.layout import INDEX, LOCK, RESULTS, is_regular, piece_files, steps_of
from pellucid.outlets.store.lock import says_holder

_LENGTH_BYTES = 8  # before the header of a safetensors file
_HEADER = b'{"__metadata__":{"pellucid":'


def is_ours(file: Path) -> bool:
    """Return whether pellucid wrote a piece, judged by how it begins.

    Args:
        file: Called as a piece is, finished or half written.

    Returns:
        True for a file with our header, and for a half written one that holds the beginning of it.
    """
    if not is_regular(file):
        return False
    try:
        with file.open("rb") as opened:
            found = opened.read(_LENGTH_BYTES + len(_HEADER))[_LENGTH_BYTES:]
    except OSError:
        return False
    return found == _HEADER or (file.suffix == ".part" and _HEADER.startswith(found))


def files_named(connection: Connection) -> set[str]:
    """Return the piece files that the index names; a name that no writer gives is left out."""
    found = connection.execute("SELECT file FROM pieces WHERE typeof(file) = 'text'")
    return {file for (file,) in found if steps_of(file) is not None}


def remove_pieces(path: Path, *, named: set[str], kept: set[str]) -> None:
    """Remove files of pieces from `results/`.

    Args:
        path: The run directory, locked.
        named: Files that the index names, or did; they are ours however damaged.
        kept: Files that stay.

    Raises:
        OSError: One cannot be removed.
    """
    for file in piece_files(path):
        if file.name not in kept and (file.name in named or is_ours(file)):
            file.unlink(missing_ok=True)


def refuse_links(path: Path) -> None:
    """Refuse a directory in which a part of a run is a link, or not the kind of file that it should be.

    Args:
        path: The run directory; need not exist.

    Raises:
        StoreError: Writing or deleting would reach files outside of the directory, or cannot work.
    """
    files = (INDEX, f"{INDEX}-wal", f"{INDEX}-shm", f"{INDEX}-journal", LOCK)
    for part in (path / name for name in (RESULTS, *files)):
        if part.is_symlink():
            raise StoreError(
                f"{part} is a symbolic link to {part.readlink()}. pellucid writes and deletes only what lies in the "
                "run directory itself. Remove the link, or choose another directory."
            )
        fits = part.is_dir() if part.name == RESULTS else is_regular(part)
        if part.exists() and not fits:
            kind = "directory" if part.name == RESULTS else "regular file"
            raise StoreError(f"{part} is in the way: a run has a {kind} there. Choose another directory.")


def refuse_clashes(path: Path) -> None:
    """Refuse to begin a run in a directory where files of others are called as ours would be.

    Args:
        path: A directory without an index; need not exist.

    Raises:
        StoreError: One of them would be written over.
    """
    clashes = [path / f"{INDEX}-wal", path / f"{INDEX}-shm", path / f"{INDEX}-journal", *piece_files(path)]
    # What a process leaves that was killed as it began: a lock that is empty or names it.
    clashes += [] if says_holder(path / LOCK) else [path / LOCK]
    if found := [one for one in clashes if one.exists()]:
        raise StoreError(
            f"Cannot begin a run in {path}: {found[0].relative_to(path)} lies there already, and the run would have "
            "files of that kind. Choose another directory."
        )
