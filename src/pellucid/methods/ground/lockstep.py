"""Lockstep: processes that measure one thing together, each a part of it, and never wait for one that is gone."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import torch.distributed as dist
from torch import Tensor

from pellucid.core.errors import CaptureError, InputError
from pellucid.methods.sharing import Sharing
from pellucid.probe.patience import Patience, patient

Found = TypeVar("Found")


class Lockstep:
    """Ranks that do the same in the same order, and exchange what each has found of its part.

    Whatever leaves the block `held` on one rank is told to the others at their next exchange, where they leave it, too.
    Ctrl-C is obeyed inside of exchanges only, and on all ranks at the same one: each can go on with what there is.

    Args:
        sharing: Who takes part. Alone, an exchange is a call.
    """

    def __init__(self, sharing: Sharing | None = None) -> None:
        self.sharing = sharing or Sharing()
        self._patience = Patience({})
        self._over = True

    @property
    def alone(self) -> bool:
        """Say whether there is nobody to exchange with."""
        return self.sharing.world == 1

    @contextmanager
    def held(self) -> Generator["Lockstep", None, None]:
        """Let exchanges be made while the block runs; all ranks leave it at its end together.

        Raises:
            CaptureError: Another rank failed; the message says on which, and why.
        """
        if self.alone:
            yield self
            return
        with patient() as self._patience:
            self._over = False
            try:
                yield self
                self.exchange("end", lambda: None)
            except BaseException as error:
                self._leave(error)
                raise

    def exchange(self, what: str, work: Callable[[], Found]) -> list[Found]:
        """Do this rank's part, and return those of all, by rank; the same list on each.

        Args:
            what: What is done, the same on every rank.
            work: Has no collective call in it. What it returns is pickled on the way to the others.

        Raises:
            CaptureError: Another rank failed, or is somewhere else. A rank's own failure is raised as it came.
            KeyboardInterrupt: Ctrl-C came on one of them.
        """
        if self.alone:
            return [work()]
        found, failed = None, None
        try:
            self._patience.work()
            found = work()
            self._patience.wait()
        except BaseException as error:  # noqa: BLE001 - the others must hear of all, or they wait for ever
            self._patience.wait()
            failed = error
        stopped = isinstance(failed, KeyboardInterrupt)
        reason = "" if failed is None or stopped else _words(failed)
        everyone = self._gathered((what, stopped, reason, found))
        if reason and failed is not None:
            self._over = True
            raise failed
        self._refuse_failures(everyone)
        if any(one[1] for one in everyone):
            raise KeyboardInterrupt
        return [one[3] for one in everyone]

    def broadcast(self, tensor: Tensor, rank: int) -> Tensor:
        """Return a rank's tensor on every rank; those of the others are written over. To be called by all."""
        dist.broadcast(tensor, dist.get_global_rank(self.sharing.group, rank), group=self.sharing.group)
        return tensor

    def agree(self, marks: Mapping[str, str]) -> None:
        """Raise on every rank where they were not given the same.

        Args:
            marks: By what must be the same, such as "data", what stands for it.

        Raises:
            InputError: Some differ.
        """
        everyone = self.exchange("marks", lambda: dict(marks))
        for rank, theirs in enumerate(everyone):
            odd = [name for name, mark in everyone[0].items() if theirs.get(name) != mark]
            if odd:
                self._over = True  # all raise the same
                raise InputError(
                    f"Ranks 0 and {rank} were given different {' and '.join(odd)}. Give every rank the same model, "
                    "arguments and data, in the same order (no shuffling, no DistributedSampler): each then works on "
                    "its own part of it."
                )

    def _gathered(self, mine: Any) -> list[Any]:
        everyone: list[Any] = [None] * self.sharing.world
        self._over = True  # until all have answered
        try:
            dist.all_gather_object(everyone, mine, group=self.sharing.group)
        except RuntimeError as error:
            raise CaptureError(
                f"The ranks could not exchange what they have found: {error} One of them has ended, or does not call "
                "this function."
            ) from error
        self._over = False
        return everyone

    def _refuse_failures(self, everyone: list[Any]) -> None:
        for rank, (_, _, reason, _) in enumerate(everyone):
            if reason:
                self._over = True
                raise CaptureError(f"Rank {rank} failed, so that its part is missing. {reason}")
        places = [what for what, *_ in everyone]
        odd = next((rank for rank, what in enumerate(places) if what != places[0]), None)
        if odd is not None:
            self._over = True
            raise CaptureError(
                f"Rank 0 came to {places[0]!r} and rank {odd} to {places[odd]!r}: they did not do the same. Give every "
                "rank the same, on processors of one kind."
            )

    def _leave(self, error: BaseException) -> None:
        if self._over:
            return
        self._patience.wait()
        with suppress(CaptureError):  # those who are gone need not be told
            self._gathered(("", False, _words(error), None))
        self._over = True


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
