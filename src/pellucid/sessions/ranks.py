"""Ranks: adding statistics over the processes of a distributed run, on a process group of our own."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, cast

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor

from pellucid.core.errors import InputError
from pellucid.maths.reduce import Reduced


class Ranks:
    """A gloo group beside the training's own groups, used by one thread of each process only.

    Its collectives therefore never mix with those of training and never run inside backward. Every rank
    must make it at the same point of the program, as with `torch.distributed.new_group`.
    """

    def __init__(self, *, timeout_seconds: float = 120.0) -> None:
        # new_group returns an int only on ranks that are not members; all are members here.
        self._group = cast(
            dist.ProcessGroup, dist.new_group(backend="gloo", timeout=timedelta(seconds=timeout_seconds))
        )
        self.rank = dist.get_rank()
        self.world = dist.get_world_size()
        self._agreed: dict[str, tuple[str, ...]] = {}

    @staticmethod
    def here() -> bool:
        """Whether this process is one of several."""
        return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1

    def total(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the sum of an array over all ranks (the same array on each)."""
        shared = torch.from_numpy(np.array(values, order="C"))
        dist.all_reduce(shared, op=dist.ReduceOp.SUM, group=self._group)
        return shared.numpy()

    def from_first(self, value: int) -> int:
        """Return the value that the first rank holds."""
        return int(self.total(np.array([value if self.rank == 0 else 0]))[0])

    def mean(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the mean of an array over all ranks."""
        return self.total(np.asarray(values, dtype=np.float64)) / self.world

    def merge(self, reduced: Mapping[str, Reduced], kind: str) -> dict[str, Reduced]:
        """Return the statistics of all ranks together: one SUM and one MAX.

        Args:
            reduced: On the host; the same tensors in the same order on every rank.
            kind: What it is, for the error.

        Returns:
            The merged statistics, the same on each rank.

        Raises:
            InputError: The ranks watch different tensors.
        """
        self._agree(kind, tuple(reduced))
        # Counts are exact in float64 up to 2^53, so that everything that adds up travels in one piece.
        added = [part.double().ravel() for one in reduced.values() for part in _adding(one)]
        total = torch.cat(added)
        dist.all_reduce(total, op=dist.ReduceOp.SUM, group=self._group)
        extremes = torch.stack([one.extremes for one in reduced.values()])
        dist.all_reduce(extremes, op=dist.ReduceOp.MAX, group=self._group)
        parts = iter(total.split([part.numel() for part in added]))
        return {name: _rebuilt(one, parts, extremes[i]) for i, (name, one) in enumerate(reduced.items())}

    def _agree(self, kind: str, names: tuple[str, ...]) -> None:
        if self._agreed.get(kind) == names:
            return
        everyone: list[Any] = [None] * self.world
        dist.all_gather_object(everyone, names, group=self._group)
        for rank, theirs in enumerate(everyone):
            if theirs != names:
                odd = sorted(set(theirs) ^ set(names))[:3]
                raise InputError(
                    f"Rank {self.rank} watches {len(names)} {kind} and rank {rank} watches {len(theirs)}; "
                    f"they differ in {odd}. Every rank must run the same layers on a watched step."
                )
        self._agreed[kind] = names

    def close(self) -> None:
        """Give the group back."""
        dist.destroy_process_group(self._group)


def _adding(one: Reduced) -> list[Tensor]:
    return [one.sums, one.counts] if one.units is None else [one.sums, one.counts, one.units]


def _rebuilt(like: Reduced, parts: Iterator[Tensor], extremes: Tensor) -> Reduced:
    sums, counts = next(parts).reshape(like.sums.shape), next(parts).to(like.counts.dtype)
    units = None if like.units is None else next(parts).to(like.units.dtype).reshape(like.units.shape)
    return Reduced(sums, extremes, counts.reshape(like.counts.shape), units)
