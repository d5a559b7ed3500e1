"""Surveys: losses at many points around the weights, each measured once, by one rank, and kept in a file if asked."""

from collections.abc import Callable, Iterator, Sequence
from time import monotonic

import torch
from torch import Tensor

from pellucid.methods.ground.directions import Direction
from pellucid.methods.ground.ground import Ground
from pellucid.methods.ground.kept import Kept, Key
from pellucid.probe.patience import patient

Place = tuple[int, int]
Offsets = Sequence[tuple[float, Direction]]
Told = Callable[[int], None]
_EVERY, _SPARING = 2.0, 20
"""Seconds between two writings; and how many times longer than a writing takes they are apart at the least."""


class Survey:
    """Measures losses at points, and knows those that it has measured.

    Args:
        ground: Being walked; the ranks of its lockstep share the points of one call.
        kept: Where what is measured is kept, and what is known from before; None for nowhere.

    Raises:
        StoreError: The file cannot be written.
    """

    def __init__(self, ground: Ground, kept: Kept | None = None) -> None:
        self.ground, self._kept = ground, kept
        self._found: dict[Key, Tensor] = {}
        self._own: list[Key] = []
        self._written, self._due = -1, 0.0
        if kept is not None:
            self._found.update((key, self._there(torch.from_numpy(one))) for key, one in kept.known.items())
            ground.passes += ground.cost * len(kept.known) * (ground.lockstep.sharing.rank == 0)
            self.write()  # where that cannot be done, nobody wants to know hours later

    def measured(
        self, number: int, places: Sequence[Place], offsets: Callable[[Place], Offsets], told: Told | None = None
    ) -> Iterator[tuple[Place, Tensor]]:
        """Yield the losses at places, in order, each as soon as it is there; with other ranks when all are.

        Args:
            number: Of what the places are parts of.
            places: Where, two numbers each; all different.
            offsets: From a place to what is added to the weights there; asked in order, of places that are not known.
            told: Called with the number of places that are done.

        Yields:
            The place, and the loss of every part of the data, [part], float64, on the model's device.

        Raises:
            KeyboardInterrupt: Ctrl-C came, here or on another rank; what was measured before has been yielded.
            StoreError: The file cannot be written.
        """
        if not self.ground.lockstep.alone:
            yield from self._shared(number, places, offsets, told)
            return
        for done, place in enumerate(places):
            key = (number, *place)
            if key not in self._found:
                self._measure(key, offsets(place))
            yield place, self._found[key]
            if told is not None:
                told(done + 1)
        self.write()

    def known(self, number: int, place: Place) -> Tensor:
        """Return the losses at a point that was measured."""
        return self._found[number, *place]

    def write(self) -> None:
        """Write what is known, where it is more than what was written."""
        if self._kept is None or self._written == len(self._found):
            return
        first = self.ground.lockstep.sharing.rank == 0
        keys, begun = list(self._found) if first else self._own, monotonic()
        if keys or first:
            losses = torch.stack([self._found[key] for key in keys]).cpu().numpy() if keys else None
            with patient():  # Ctrl-C waits, and no half of a file is left behind
                self._kept.write(keys, losses)
        self._written, now = len(self._found), monotonic()
        self._due = now + max(_EVERY, _SPARING * (now - begun))

    def _shared(
        self, number: int, places: Sequence[Place], offsets: Callable[[Place], Offsets], told: Told | None
    ) -> Iterator[tuple[Place, Tensor]]:
        lockstep = self.ground.lockstep
        world = lockstep.sharing.world
        missing = [place for place in places if (number, *place) not in self._found]
        known, losses = len(places) - len(missing), list[Tensor]()

        def work() -> tuple[list[Tensor], bool]:
            stopped = False
            try:
                for turn in lockstep.sharing.mine(len(missing)):
                    losses.append(self._measure((number, *missing[turn]), offsets(missing[turn])))
                    if told is not None:
                        told(min(len(places), known + len(losses) * world))
            except KeyboardInterrupt:
                stopped = True
            return [one.cpu() for one in losses], stopped

        everyone = lockstep.exchange(f"{len(missing)} points of {number}", work)
        for rank, (theirs, _) in enumerate(everyone):
            for place, one in zip(missing[rank::world], theirs, strict=False):
                self._found.setdefault((number, *place), self._there(one))
        self.write()
        yield from ((place, self._found[number, *place]) for place in places if (number, *place) in self._found)
        if any(stopped for _, stopped in everyone):
            raise KeyboardInterrupt

    def _there(self, losses: Tensor) -> Tensor:
        return losses.to(self.ground.device)

    def _measure(self, key: Key, offsets: Offsets) -> Tensor:
        found = self._found[key] = self.ground.losses(offsets)
        self._own.append(key)
        if self._kept is not None and monotonic() >= self._due:
            self.write()
        return found
