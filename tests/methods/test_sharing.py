"""Sharing without other processes; with them: tests/windows/gradients/test_ranks.py."""

import re

import pytest
import torch

from pellucid.core.errors import InputError
from pellucid.methods.sharing import Sharing, fingerprint


def test_nothing_is_shared_unless_asked() -> None:
    """Without a group this process does everything and exchanges nothing."""
    alone = Sharing.of(None)
    assert list(alone.mine(3)) == [0, 1, 2]
    assert alone.together(lambda: "all") == ["all"]
    alone.agree("data", 1)


@pytest.mark.parametrize(("count", "world"), [(0, 2), (1, 3), (7, 2), (9, 3)])
def test_parts_come_together_in_order(count: int, world: int) -> None:
    """Every job is done once, however many ranks there are, and the results stand in the order of the jobs."""
    parts = [[10 * number for number in Sharing(rank, world).mine(count)] for rank in range(world)]
    assert Sharing(0, world).in_order(parts) == [10 * number for number in range(count)]


def test_a_group_without_processes_is_refused() -> None:
    """The error says how to start them."""
    message = (
        "group='world' came, and torch.distributed is not initialised. Start the program with torchrun and call "
        "torch.distributed.init_process_group() first, or leave out group=."
    )
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        Sharing.of("world")


def test_a_fingerprint_tells_the_order_of_rows() -> None:
    """Rows in another order, shape or type have another fingerprint, and the same values in other memory the same."""
    rows = torch.arange(6.0).reshape(3, 2)
    others = (rows.flip(0), rows.reshape(2, 3), rows.double(), rows[:2])
    assert fingerprint(rows) == fingerprint(rows.T.contiguous().T)
    assert len({fingerprint(rows), *(fingerprint(one) for one in others)}) == 5
    assert fingerprint(rows, rows) != fingerprint(rows)
    assert fingerprint(torch.tensor(1, dtype=torch.bfloat16), torch.zeros(0)) != fingerprint()
