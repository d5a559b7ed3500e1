"""How a method becomes known, and by which name."""

import re
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from pellucid.core.errors import InputError
from pellucid.methods.attribution import Attribution, Gradient, Method, Question, method_of


def test_a_class_without_a_name_of_its_own_replaces_nothing() -> None:
    """It is given as an object, and called as it is in Python."""

    @dataclass(frozen=True)
    class Mine(Gradient):
        """A gradient of my own."""

    assert Method.known["gradient"] is Gradient
    assert type(method_of("gradient")) is Gradient
    assert method_of(Mine()).name == "Mine"
    assert "Mine" not in Method.known


def test_a_name_that_another_class_has_is_refused() -> None:
    """What was known stays known."""
    message = (
        "The method Mine has the name 'gradient', which pellucid.methods.attribution.gradient.Gradient has already. "
        "Expected a name of its own, or none: then it is given as an object, method=Mine()."
    )
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):

        class Mine(Gradient):  # pyright: ignore[reportUnusedClass]
            name: ClassVar[str] = "gradient"

    assert Method.known["gradient"] is Gradient


def _defined() -> Any:
    """Define a method, as running a cell of a notebook does."""

    @dataclass(frozen=True, slots=True)
    class Mine(Method):
        """A method of my own."""

        name: ClassVar[str] = "my_own method"

        def attribute(self, question: Question) -> Attribution:
            """Return no map."""
            return Attribution(maps=(), scores=question.own_scores())

    return Mine


def test_the_same_class_may_be_defined_again() -> None:
    """The later one is known; and it is found by its name as it was written."""
    first, second = _defined(), _defined()
    assert first is not second
    assert type(method_of("my_own method")) is second
