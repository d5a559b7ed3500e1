"""Pages to learn from: one Python file here, with one function under `@view(page=True)`, is one page."""

import importlib
import importlib.util
import pkgutil
import sys
import zlib
from pathlib import Path

from pellucid.core.errors import AddressError, InputError, did_you_mean
from pellucid.core.view import View, Views, restore, views
from pellucid.outlets.explorer.failing import words_of

_FILES: dict[str, str] = {}  # the module of each page that was added, by the name of the page


def pages() -> Views:
    """Return the pages by name, printed as a list: those of pellucid, then those that were added."""
    for found in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{found.name}")
    return views()


def page(name: str) -> View:
    """Return one page.

    Args:
        name: Such as "loss-surface".

    Returns:
        The view.

    Raises:
        AddressError: There is no such page.
    """
    known = pages()
    if name not in known:
        near = did_you_mean(name, known)
        raise AddressError(
            " ".join(one for one in (f"There is no page {name!r}.", near, f"There are: {', '.join(known)}.") if one)
        )
    return known[name]


def add_page(file: Path) -> None:
    """Take in a page from a Python file, which is run.

    Args:
        file: With a function under `@view(page=True)` in it.

    Raises:
        InputError: There is no such file, it fails, it has no page, or one whose name is taken; no page of it is
            kept then.
    """
    if file.suffix != ".py" or not file.is_file():
        raise InputError(f"A page is a Python file, and {str(file)!r} is none.")
    name = f"pellucid_page_{file.stem}_{zlib.crc32(str(file.resolve()).encode('utf-8', 'surrogateescape')):x}"
    before, loaded = pages(), sys.modules.get(name)
    try:
        _run(file, name)
        added = [one for one, view in views().items() if view is not before.get(one)]
        if not added:
            words = "put `@view(title=..., page=True)` above the function that draws it."
            raise InputError(f"{str(file)!r} has no page: {words}")
        if taken := [one for one in added if one in before and _FILES.get(one) != name]:
            raise InputError(f"{str(file)!r} has a page {taken[0]!r}, and there is one already. Rename its function.")
    except BaseException:
        restore(before)
        sys.modules.pop(name, None)
        if loaded is not None:
            sys.modules[name] = loaded
        raise
    _FILES.update(dict.fromkeys(added, name))


def _run(file: Path, name: str) -> None:
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise InputError(f"A page is a Python file, and {str(file)!r} cannot be read as one.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # annotations of the view are looked up there
    try:
        spec.loader.exec_module(module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever a file raises, also sys.exit(), is told and ends nothing
        raise InputError(f"The page {str(file)!r} failed: {words_of(error)}") from error


__all__ = ["add_page", "page", "pages"]
