"""Sharing work over the processes of a distributed run, so that every one of them has the whole answer."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from pellucid.core.errors import CaptureError, InputError

Group = Any
"""None, "world" or a `torch.distributed.ProcessGroup`. A name of its own, as some builds of torch lack the type."""
Found = TypeVar("Found")


@dataclass(frozen=True)
class Sharing:
    """Which part of some work is this process's, and how the parts come together.

    Nothing is shared unless a group is named: who calls on rank 0 only must not wait for the others.

    Attributes:
        rank: Number of this process, 0 to world - 1.
        world: How many processes share the work.
        group: Whom the parts are exchanged with; None for nobody.
    """

    rank: int = 0
    world: int = 1
    group: Group = None

    @classmethod
    def of(cls, group: Group) -> "Sharing":
        """Return how the work is shared.

        Args:
            group: None to share nothing, "world" for all processes, or a process group that this one is a member of.

        Raises:
            InputError: torch.distributed is not initialised, this process is no member, or it is something else.
        """
        if group is None:
            return cls()
        if not (dist.is_available() and dist.is_initialized()):
            raise InputError(
                f"group={group!r} came, and torch.distributed is not initialised. Start the program with torchrun and "
                "call torch.distributed.init_process_group() first, or leave out group=."
            )
        chosen = dist.group.WORLD if isinstance(group, str) and group == "world" else group
        if not isinstance(chosen, dist.ProcessGroup):
            raise InputError(f'group={group!r} came; expected None, "world" or a torch.distributed.ProcessGroup.')
        rank = dist.get_rank(chosen)
        if rank < 0:
            raise InputError("This process is no member of the group that came. Call with it on the members only.")
        return cls(rank, dist.get_world_size(chosen), chosen)

    def mine(self, count: int) -> range:
        """Return the numbers of this process's part of jobs 0 to count - 1: rank, rank + world, ..."""
        return range(self.rank, count, self.world)

    def together(self, work: Callable[[], Found]) -> list[Found]:
        """Do this process's part, and return those of all, by rank; the same list on each.

        Args:
            work: Has no collective call in it. What it returns is pickled on the way to the others.

        Raises:
            CaptureError: It failed on another rank; the message says on which, and why. A process's own failure is
                raised as it came, once the others know of it, so that none waits for it.
        """
        if self.world == 1:
            return [work()]
        failed: BaseException | None = None
        mine: Any = None
        try:
            mine = work()
        except BaseException as error:  # noqa: BLE001 - also of Ctrl-C the others must hear, or they wait for ever
            failed = error
        everyone: list[Any] = [None] * self.world
        reason = "" if failed is None else f"{type(failed).__name__}: {failed}"
        dist.all_gather_object(everyone, (mine if failed is None else None, reason), group=self.group)
        if failed is not None:
            raise failed
        for rank, (_, why) in enumerate(everyone):
            if why:
                raise CaptureError(f"Rank {rank} failed, so that its part is missing. {why}")
        return [found for found, _ in everyone]

    def agree(self, what: str, mark: Any) -> None:
        """Raise on every rank where they do not hold the same.

        Args:
            what: What must be the same, such as "data".
            mark: A plain value that stands for it.

        Raises:
            InputError: The marks differ.
        """
        marks = self.together(lambda: mark)
        odd = next((rank for rank, one in enumerate(marks) if one != marks[0]), None)
        if odd is not None:
            raise InputError(
                f"Ranks 0 and {odd} were given different {what}. Give every rank the same, in the same order (no "
                "shuffling, no DistributedSampler): each then works on its own part of it."
            )

    def in_order(self, parts: list[list[Found]]) -> list[Found]:
        """Return what every rank found for the jobs of `mine`, by the number of the job."""
        merged: list[Any] = [None] * sum(len(one) for one in parts)
        for rank, one in enumerate(parts):
            merged[rank :: self.world] = one
        return merged


def fingerprint(*tensors: Tensor) -> str:
    """Return a few characters that other tensors, or the same rows in another order, would not give.

    Args:
        tensors: Of any shapes, types and devices.

    Cost:
        One pass over their bytes, on the CPU.
    """
    found = hashlib.sha256()
    for one in tensors:
        found.update(f"{tuple(one.shape)} {one.dtype}".encode())
        found.update(one.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return found.hexdigest()
