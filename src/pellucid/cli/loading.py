"""Finding the model that `package.module:callable` names."""

import importlib
import sys
import sysconfig
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pellucid.core.errors import AddressError, InputError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable

    from pellucid.probe.subject import Subject

_FORM = "Give it as package.module:callable, for example my_project.models:make_subject."


def load_subject(target: str, folder: Path) -> "Subject":
    """Import a module, call what makes the subject, and return the subject.

    Args:
        target: "package.module:callable".
        folder: A folder to import from before all others.

    Returns:
        The subject.

    Raises:
        InputError: The target is malformed, the module or the callable fails, or it returns something else.
        AddressError: There is no such module, or nothing of that name in it.
    """
    module, _, name = target.partition(":")
    if not module or not name:
        raise InputError(f"{target!r} does not say which callable makes the model. {_FORM}")
    made = _called(_attribute(_module(module, folder), name, target), target)
    return _as_subject(made, target)


def _module(name: str, folder: Path) -> Any:
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            near = did_you_mean(error.name, [path.stem for path in folder.iterdir() if _importable(path)])
            message = f"There is no module {error.name!r} to import from {folder}. {near} {_FORM}"
            raise AddressError(message.replace("  ", " ")) from error
        raise InputError(f"Importing {name} failed{_place(error)}: {error}.") from error
    except Exception as error:
        raise InputError(f"Importing {name} failed{_place(error)}: {type(error).__name__}: {error}") from error


def _importable(path: Path) -> bool:
    return path.suffix == ".py" or (path / "__init__.py").is_file()


def _attribute(module: Any, name: str, target: str) -> "Callable[[], Any]":
    found = module
    for part in name.split("."):
        if not hasattr(found, part):
            known = [one for one, value in vars(found).items() if callable(value) and not one.startswith("_")]
            message = f"{module.__name__} has no {name!r}. {did_you_mean(part, known)} {_FORM}"
            raise AddressError(message.replace("  ", " "))
        found = getattr(found, part)
    if not callable(found):
        kind = type(found).__name__
        raise InputError(f"{target} is of type {kind}; expected a callable that returns a pel.Subject. {_FORM}")
    return cast("Callable[[], Any]", found)


def _called(make: "Callable[[], Any]", target: str) -> Any:
    try:
        return make()
    except Exception as error:  # the user's own code: its place says more than our traceback
        raise InputError(f"{target} failed{_place(error)}: {type(error).__name__}: {error}") from error


def _place(error: BaseException) -> str:
    """Where the user's code failed: the innermost frame outside of what is installed."""
    frames = [one for one in traceback.extract_tb(error.__traceback__) if _is_of_user(one.filename)]
    return f" in {Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""


def _is_of_user(file: str) -> bool:
    return not file.startswith("<") and not any(Path(file).is_relative_to(folder) for folder in _INSTALLED)


_INSTALLED = (
    Path(importlib.__file__).parents[1],  # the standard library
    *(Path(path) for name, path in sysconfig.get_paths().items() if name.endswith("lib")),
    Path(__file__).parents[1],  # pellucid itself
)


def _as_subject(made: Any, target: str) -> "Subject":
    from torch import nn

    from pellucid.probe.subject import Subject

    if isinstance(made, Subject):
        return made
    parts = list(cast("tuple[Any, ...]", made)) if isinstance(made, tuple) else []
    if len(parts) in (2, 3) and isinstance(parts[0], nn.Module):
        return Subject(parts[0], batches=parts[1], loss=parts[2] if len(parts) == 3 else None)
    came = f"a tuple of {len(parts)}" if parts else type(made).__name__
    raise InputError(
        f"{target} returned {came}; expected a pel.Subject, (model, loader) or (model, loader, loss) with an nn.Module."
    )
