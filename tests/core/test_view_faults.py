"""Views that fail: where, and what is left."""

from typing import Any

import numpy as np
import pytest

from pellucid.core.errors import InputError
from pellucid.core.figure import Figure, Lines, Panel
from pellucid.core.figure.live import frozen
from pellucid.core.view import view


def _figure(title: str) -> Figure:
    return Figure(title=title, panels=(Panel(marks=(Lines(x=np.arange(3), y=np.arange(3)),)),))


def test_a_view_must_return_a_figure() -> None:
    """What came and what was expected is said."""

    @view(title="Nothing")
    def nothing() -> Any:
        return None

    with pytest.raises(InputError, match=r"^The view 'nothing' returned NoneType, expected a Figure\.$"):
        nothing.frame()


def test_a_setting_at_which_a_view_fails_costs_only_that_setting() -> None:
    """The usual setting is drawn, the other is no page of the book."""

    @view(title="Half")
    def half(on: bool = True) -> Figure:
        if not on:
            raise ValueError("never off")
        return _figure("on")

    assert [one.parameters for one in frozen(half)] == [{"on": True}]


def test_a_view_that_fails_as_it_comes_says_so() -> None:
    """There is nothing to draw without the usual setting."""

    @view(title="Broken")
    def broken(on: bool = True) -> Figure:
        raise ValueError(f"broken at {on}")

    with pytest.raises(ValueError, match=r"^broken at True$"):
        frozen(broken)
