"""Errors and optional packages."""

import builtins
import sys

import pytest

from pellucid.core import errors
from pellucid.core.extras import require


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (errors.AddressError, LookupError),
        (errors.InputError, ValueError),
        (errors.CaptureError, RuntimeError),
        (errors.FormatError, ValueError),
        (errors.StoreError, OSError),
        (errors.RunLockedError, errors.StoreError),
        (errors.MissingExtraError, ImportError),
    ],
)
def test_family(error: type[Exception], builtin: type[Exception]) -> None:
    """Every error is a PellucidError and the builtin that fits, and prints its sentence as it is."""
    raised = error("No module 'a'.")
    assert isinstance(raised, errors.PellucidError)
    assert isinstance(raised, builtin)
    assert str(raised) == "No module 'a'."


def test_the_nearest_names_come_first() -> None:
    """A misspelt name finds what was meant, best first and never more than asked for."""
    assert errors.closest("fc1.wieght", ["fc1.weight", "fc2.weight", "bias"])[0] == "fc1.weight"
    assert len(errors.closest("a1", ["a1x", "a1y", "a1z"], most=2)) == 2
    assert errors.did_you_mean("fc1.wieght", ["fc1.weight", "bias"]) == "Closest: 'fc1.weight'."
    assert errors.did_you_mean("zzz", ["fc1.weight"]) == ""


def test_a_missing_package_names_the_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that is not installed is missed in one sentence that says what to run."""
    with pytest.raises(errors.MissingExtraError) as caught:
        require("nosuchpackage.part", extra="static", purpose="drawing a static image")
    assert str(caught.value) == (
        "Drawing a static image needs nosuchpackage, which is not installed. Run: pip install 'pellucid[static]'"
    )
    assert caught.value.name == "nosuchpackage.part"


def test_an_installed_package_is_imported() -> None:
    """A package that is installed comes back as it is."""
    assert require("math", extra="static", purpose="counting") is sys.modules["math"]


def test_a_broken_package_speaks_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that is installed but lacks one of its own needs is not reported as missing."""
    whole = builtins.__import__

    def broken(name: str) -> object:
        raise ModuleNotFoundError("No module named 'inner'", name="inner")

    monkeypatch.setattr("pellucid.core.extras.import_module", broken)
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'inner'$") as caught:
        require("outer", extra="static", purpose="drawing")
    assert not isinstance(caught.value, errors.MissingExtraError)
    assert builtins.__import__ is whole
