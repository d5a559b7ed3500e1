"""Lockstep without other processes; with them: tests/windows/loss/test_ranks.py."""

import re
import signal
from collections.abc import Callable
from typing import Any

import pytest

from pellucid.core.errors import CaptureError
from pellucid.methods.ground import lockstep
from pellucid.methods.ground.lockstep import Lockstep
from pellucid.methods.sharing import Sharing

Answers = Callable[[Any], Any]


@pytest.fixture
def beside(monkeypatch: pytest.MonkeyPatch) -> Callable[[Answers], tuple[Lockstep, list[Any]]]:
    """Rank 0 of two, and what it tells the other, whose answers are made up."""

    def made(answers: Answers) -> tuple[Lockstep, list[Any]]:
        told: list[Any] = []

        def gathered(everyone: list[Any], mine: Any, group: Any) -> None:
            told.append(mine)
            everyone[:] = [mine, answers(mine)]

        monkeypatch.setattr(lockstep.dist, "all_gather_object", gathered)
        return Lockstep(Sharing(0, 2, "made up")), told

    return made


def test_alone_an_exchange_is_a_call() -> None:
    """Nobody is asked, and what fails is raised as it came."""
    alone = Lockstep()
    with alone.held():
        assert alone.exchange("work", lambda: 3) == [3]
        alone.agree({"data": "a"})
        with pytest.raises(ZeroDivisionError):
            alone.exchange("work", lambda: 1 / 0)


def test_all_find_what_each_has_found(beside: Callable[..., Any]) -> None:
    """Findings stand in the order of the ranks, and at the end all have left the block together."""
    ranks, told = beside(lambda mine: (*mine[:3], "theirs"))
    with ranks.held():
        assert ranks.exchange("work", lambda: "mine") == ["mine", "theirs"]
    assert [what for what, *_ in told] == ["work", "end"]


def test_what_fails_between_two_exchanges_is_told_once(beside: Callable[..., Any]) -> None:
    """Others hear of it at their next exchange; of what was told already they do not hear again."""
    ranks, told = beside(lambda mine: (*mine[:3], "theirs"))
    with pytest.raises(ZeroDivisionError), ranks.held():
        1 / 0  # noqa: B018 - it is raised
    assert told == [("", False, "ZeroDivisionError: division by zero", None)]
    ranks, told = beside(lambda mine: (*mine[:3], "theirs"))
    with pytest.raises(ZeroDivisionError), ranks.held():
        ranks.exchange("work", lambda: 1 / 0)
    assert [reason for _, _, reason, _ in told] == ["ZeroDivisionError: division by zero"]


def test_ctrl_c_on_another_rank_is_ctrl_c_here(beside: Callable[..., Any]) -> None:
    """It is raised at the same exchange, and the rest may go on."""
    ranks, told = beside(lambda mine: (mine[0], mine[0] == "work", "", None))
    with ranks.held():
        with pytest.raises(KeyboardInterrupt):
            ranks.exchange("work", lambda: 1)
        assert ranks.exchange("rest", lambda: 1) == [1, None]
    assert len(told) == 3


def test_ctrl_c_waits_for_the_next_exchange(beside: Callable[..., Any]) -> None:
    """Between two exchanges it is kept, and told to the others at the next one."""
    ranks, told = beside(lambda mine: (mine[0], False, "", None))
    with ranks.held():
        ranks.exchange("before", lambda: 1)
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            ranks.exchange("work", lambda: 1)
    assert [(what, stopped) for what, stopped, *_ in told] == [("before", False), ("work", True), ("end", False)]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (("work", False, "OSError: no", None), "Rank 1 failed, so that its part is missing. OSError: no"),
        (
            ("rest", False, "", None),
            (
                "Rank 0 came to 'work' and rank 1 to 'rest': they did not do the same. Give every rank the same, on "
                "processors of one kind."
            ),
        ),
    ],
)
def test_others_that_are_gone_or_elsewhere_are_told(answer: Any, message: str, beside: Callable[..., Any]) -> None:
    """Nothing is exchanged after that."""
    ranks, told = beside(lambda _: answer)
    with pytest.raises(CaptureError, match=f"^{re.escape(message)}$"), ranks.held():
        ranks.exchange("work", lambda: 1)
    assert len(told) == 1


def test_a_rank_that_has_ended_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the exchange says of a connection is put into words."""

    def gathered(*_: Any, **__: Any) -> None:
        raise RuntimeError("Connection closed by peer.")

    monkeypatch.setattr(lockstep.dist, "all_gather_object", gathered)
    message = (
        r"^The ranks could not exchange what they have found: Connection closed by peer\. One of them has ended, or "
        r"does not call this function\.$"
    )
    ranks = Lockstep(Sharing(0, 2, "made up"))
    with pytest.raises(CaptureError, match=message), ranks.held():
        ranks.exchange("work", lambda: 1)
