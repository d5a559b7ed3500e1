"""Threads that work one piece after the other, and that nobody has to wait for."""

import asyncio
import threading

import pytest

from pellucid.outlets.explorer.hands import Hand
from tests.outlets.explorer.serving import PATIENCE, wait_until


def test_one_piece_after_the_other_on_one_thread() -> None:
    """Whoever asks first is served first, and gets what the work returns."""
    hand, threads = Hand("test"), list[threading.Thread]()

    def work(number: int) -> int:
        threads.append(threading.current_thread())
        return number**2

    async def all_of_them() -> list[int]:
        return await asyncio.gather(*(hand.do(work, number) for number in range(5)))

    assert asyncio.run(all_of_them()) == [0, 1, 4, 9, 16]
    assert len(set(threads)) == 1
    assert threads[0].daemon, "Python would wait for it in the end"
    hand.rest()
    threads[0].join(PATIENCE)
    assert not threads[0].is_alive()
    assert asyncio.run(hand.do(work, 6)) == 36, "who rested begins anew"
    hand.rest()


def test_an_error_reaches_who_waits_and_ends_nothing() -> None:
    """Also that of a view that asks to exit."""
    hand = Hand("test")

    def leave() -> None:
        raise SystemExit(3)

    async def told() -> int:
        with pytest.raises(ZeroDivisionError, match=r"^division by zero$"):
            await hand.do(lambda: 1 / 0)
        return await hand.do(int, "7")

    assert asyncio.run(told()) == 7
    with pytest.raises(SystemExit):
        asyncio.run(hand.do(leave))
    assert asyncio.run(hand.do(int, "8")) == 8
    hand.rest()


def test_who_waits_can_leave() -> None:
    """What was begun is finished for nobody, and what waits behind it for nobody either is left out."""
    hand, go_on, done = Hand("test"), threading.Event(), list[str]()

    def slow() -> None:
        assert go_on.wait(PATIENCE)
        done.append("slow")

    async def left() -> None:
        begun = asyncio.create_task(hand.do(slow))
        waits = asyncio.create_task(hand.do(done.append, "never"))
        while not hand.is_busy:
            await asyncio.sleep(0.01)
        for task in (begun, waits):
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(left())
    assert hand.is_busy
    go_on.set()
    wait_until(lambda: not hand.is_busy)
    asyncio.run(hand.do(done.append, "next"))
    assert done == ["slow", "next"]
    hand.rest()
