"""The one family of errors: what came, what was expected, where, and what to do."""

from collections.abc import Iterable
from difflib import get_close_matches


class PellucidError(Exception):
    """Whatever pellucid refuses; every subclass is also the builtin that fits."""

    def __str__(self) -> str:
        # KeyError and its kin print the repr of their message; ours are sentences.
        return " ".join(str(part) for part in self.args)


class AddressError(PellucidError, LookupError):
    """A name that the model, the tape, the run or the registry does not have."""


class InputError(PellucidError, ValueError):
    """An argument with a value that cannot be used."""


class CaptureError(PellucidError, RuntimeError):
    """Something that cannot be captured from this model in this way."""


class FormatError(PellucidError, ValueError):
    """A stored file that is damaged, truncated, hostile, or not one of ours."""


class StoreError(PellucidError, OSError):
    """A run directory that cannot be read or written."""


class RunLockedError(StoreError):
    """A run that another process is writing."""


class MissingExtraError(PellucidError, ImportError):
    """An optional package that is not installed."""


class MissingScriptError(PellucidError, FileNotFoundError):
    """The script that draws living pictures was not built."""


def closest(name: str, names: Iterable[str], *, most: int = 3) -> list[str]:
    """Return the names nearest to the one that was asked for, best first.

    Args:
        name: What was asked for.
        names: What there is.
        most: How many to return at the most.

    Returns:
        Between 0 and `most` names; empty when nothing is near.
    """
    return get_close_matches(name, list(names), n=most, cutoff=0.5)


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Return "Closest: 'a', 'b'." or, when nothing is near, an empty string.

    Args:
        name: What was asked for.
        names: What there is.

    Returns:
        A sentence with a full stop, or "".
    """
    near = closest(name, names)
    return f"Closest: {', '.join(repr(one) for one in near)}." if near else ""
