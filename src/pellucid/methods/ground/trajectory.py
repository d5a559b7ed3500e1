"""Trajectories: where the weights were while a model trained, in memory that stays bounded."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from pellucid.core.arguments import whole
from pellucid.core.errors import InputError
from pellucid.core.figure.words import amount
from pellucid.methods.ground.directions import Direction, given_direction
from pellucid.probe.address import unwrap
from pellucid.probe.filters import Filters, filters_of
from pellucid.probe.subject import Subject

FEWEST, MOST = 4, 4096
"""Snapshots that a path is made of."""
_PREFIXES = ("module.", "_orig_mod.")
_MEGABYTE = 2**20


class Trajectory:
    """Snapshots of the weights, evenly spread over a training whose length nobody knows beforehand.

    When the memory is full every second snapshot is dropped, and from then on only every second is taken.

    Args:
        model: Whose trained parameters are kept.
        most: Snapshots that are kept, 4 to 4,096; half of them at the least once there were so many.
        megabytes: Memory for them, MiB; of a large model fewer are kept.

    Attributes:
        steps: Number of the step of each snapshot.

    Raises:
        InputError: The model has no parameter of real numbers, or not even 4 snapshots of it fit.

    Example:
        >>> import torch
        >>> model = torch.nn.Linear(2, 1)
        >>> path = Trajectory(model, most=4)
        >>> for step in range(100):
        ...     path.take(step)
        >>> path.steps
        [0, 32, 64, 96]
    """

    def __init__(self, model: nn.Module | Subject, *, most: int = 64, megabytes: int = 256) -> None:
        bare = Subject.of(model).model
        self._filters = filters_of(bare)
        _refuse_shards(self._filters)
        wanted, room = whole("most", most, FEWEST, MOST), whole("megabytes", megabytes, 1)
        size = sum(one.parameter.numel() * one.parameter.element_size() for one in self._filters)
        self.most = min(wanted, room * _MEGABYTE // size)
        if self.most < FEWEST:
            raise InputError(
                f"A snapshot of {type(unwrap(bare)).__name__} takes {size / _MEGABYTE:,.0f} MiB, so that "
                f"{self.most} fit into megabytes={room}; {FEWEST} are a path at the least. Give megabytes="
                f"{-(-FEWEST * size // _MEGABYTE)} or more."
            )
        self.steps: list[int] = []
        self._kept: list[dict[str, Tensor]] = []
        self._stride, self._calls = 1, 0

    def __len__(self) -> int:
        """Return how many snapshots there are."""
        return len(self.steps)

    def __repr__(self) -> str:
        """Return how many there are, and of which steps."""
        span = f" of steps {self.steps[0]:,} to {self.steps[-1]:,}" if self.steps else ""
        return f"<Trajectory: {amount(len(self), 'snapshot')}{span}>"

    def take(self, step: int) -> None:
        """Take a snapshot, if one is due; call it once a step, or as often as you like.

        Cost:
            A copy of the weights to the CPU when one is due: each of the first calls, then ever fewer.
        """
        due = self._calls % self._stride == 0
        self._calls += 1
        if not due:
            return
        self._kept.append({one.name: one.parameter.detach().cpu().clone() for one in self._filters})
        self.steps.append(step)
        if len(self.steps) > self.most:
            self._kept, self.steps = self._kept[::2], self.steps[::2]
            self._stride *= 2

    def states(self) -> list[dict[str, Tensor]]:
        """Return the snapshots, by name of the parameter."""
        return list(self._kept)


def _refuse_shards(filters: Sequence[Filters]) -> None:
    shard = next((one for one in filters if hasattr(one.parameter, "to_local")), None)
    if shard is not None:
        raise InputError(
            f"{shard.name!r} is a part of a parameter whose other parts lie in other processes, as FSDP has it, and a "
            "path is made of whole weights. Save full checkpoints now and then, and give these as the path."
        )


Snapshots = Trajectory | Sequence[Mapping[str, Any]] | Mapping[int, Mapping[str, Any]]
"""A trajectory, checkpoints in their order, or checkpoints by step."""


def is_path(given: Any) -> bool:
    """Say whether something is meant as a path: a trajectory, or state dicts in their order or by step."""
    if isinstance(given, (Trajectory, Mapping)):
        return True
    return isinstance(given, (list, tuple)) and any(isinstance(one, Mapping) for one in cast("list[Any]", given))


class Way:
    """A path as it is seen from where the weights were when this was made: differences to them, snapshot by snapshot.

    Args:
        path: A trajectory, state dicts in their order, or state dicts by step. A last one that is where the weights are
            is left out: it is not a snapshot beside them.
        filters: The parameters as they are now.

    Attributes:
        steps: Number of the step of each snapshot.

    Raises:
        InputError: It is no path, or has fewer than 4 snapshots.
    """

    def __init__(self, path: Any, filters: Sequence[Filters]) -> None:
        self.filters = filters
        self._home = [one.parameter.detach().clone() for one in filters]
        self.steps, self._states = _snapshots(path)
        if self.steps and self._is_home(self.steps[-1], self._states[-1]):
            self.steps, self._states = self.steps[:-1], self._states[:-1]
        if len(self.steps) < FEWEST:
            raise InputError(
                f"path holds {amount(len(self.steps), 'snapshot')} beside the weights as they are now; expected "
                f"{FEWEST} or more. Take them while the "
                "model trains, with pel.WatchOptions(path=64) or pel.loss.Trajectory(model), or give checkpoints."
            )

    def __len__(self) -> int:
        """Return how many snapshots there are."""
        return len(self.steps)

    def __iter__(self) -> Iterator[Direction]:
        """Yield what is to be added to these to come to each snapshot; new tensors, one snapshot at a time.

        Raises:
            InputError: A parameter is missing in a snapshot, has another shape, or is not finite.
        """
        for step, state in zip(self.steps, self._states, strict=True):
            there = self._given(step, state)
            yield [far.sub_(here) for far, here in zip(there, self._home, strict=True)]

    def _is_home(self, step: int, state: Mapping[str, Any]) -> bool:
        return all(torch.equal(*pair) for pair in zip(self._given(step, state), self._home, strict=True))

    def _given(self, step: int, state: Mapping[str, Any]) -> Direction:
        values = values_of(state, self.filters, what=f"The snapshot of step {step}")
        return given_direction(values, self.filters, name=f"the snapshot of step {step}")


def values_of(state: Mapping[str, Any], filters: Sequence[Filters], *, what: str) -> list[Any]:
    """Return the values of the parameters in a state dict, in the order of the filters.

    Args:
        state: By name, also with what wrappers put in front of names.
        filters: The parameters.
        what: Whose state it is, as the beginning of a sentence.

    Raises:
        InputError: Some are missing.
    """
    named = {bare_name(str(name)): one for name, one in state.items()}
    missing = [one.name for one in filters if one.name not in named]
    if missing:
        some = ", ".join(repr(one) for one in missing[:3]) + (" …" if len(missing) > 3 else "")
        raise InputError(
            f"{what} has no parameter {some}, {len(missing)} of {len(filters)} in all; it has "
            f"{', '.join(list(named)[:3]) or 'none'} … Expected a model of the same architecture, or its state_dict() "
            "itself: of a checkpoint that holds more, give checkpoint['model'] or whatever it is called there."
        )
    return [named[one.name] for one in filters]


def bare_name(name: str) -> str:
    """Return a name without what wrappers put in front of it."""
    while prefix := next((one for one in _PREFIXES if name.startswith(one)), ""):
        name = name.removeprefix(prefix)
    return name


def _snapshots(path: Any) -> tuple[list[int], list[Mapping[str, Any]]]:
    steps: list[int]
    states: list[Any]
    if isinstance(path, Trajectory):
        return list(path.steps), list(path.states())
    if isinstance(path, Mapping) and all(isinstance(one, int) for one in cast("Mapping[Any, Any]", path)):
        ordered = sorted(cast("Mapping[int, Any]", path).items())
        steps, states = [step for step, _ in ordered], [one for _, one in ordered]
    elif isinstance(path, Sequence) and not isinstance(path, str):
        states = list(cast("Sequence[Any]", path))
        steps = list(range(len(states)))
    else:
        steps, states = [], [path]
    if not states or not all(isinstance(one, Mapping) for one in states) or len(steps) != len(states):
        raise InputError(
            f"path={type(path).__name__} came; expected a pel.loss.Trajectory, such as watch.path, a list of state "
            "dicts in their order, or a mapping from steps to state dicts."
        )
    return steps, states
