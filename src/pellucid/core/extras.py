"""Optional packages: imported only where they are used, and missed in one voice."""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from pellucid.core.errors import MissingExtraError


def require(module: str, *, extra: str, purpose: str) -> ModuleType:
    """Import an optional package, or say how to install it.

    Args:
        module: Dotted name of the module to import.
        extra: The extra of pellucid that brings it.
        purpose: What needs it, in the words of a user ("drawing a static image").

    Returns:
        The imported module.

    Raises:
        MissingExtraError: The package is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != module.partition(".")[0]:
            raise  # it is installed, but something that it needs is not: its own message says more
        raise _missing(module, extra, purpose) from error


def folder_of(module: str, *, extra: str, purpose: str) -> Path:
    """Return the folder of an optional package that is wanted for its files; none of its code runs.

    Args:
        module: Name of the package as it is imported, without dots.
        extra: See `require`.
        purpose: See `require`.

    Returns:
        The folder of its `__init__.py`.

    Raises:
        MissingExtraError: The package is not installed.
    """
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise _missing(module, extra, purpose)
    return Path(spec.origin).parent


def _missing(module: str, extra: str, purpose: str) -> MissingExtraError:
    package = module.partition(".")[0]
    message = f"{purpose} needs {package}, which is not installed. Run: pip install 'pellucid[{extra}]'"
    return MissingExtraError(message[0].upper() + message[1:], name=module)
