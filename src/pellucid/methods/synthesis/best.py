"""Best: the real example that excites a unit most, to hold a made-up picture against."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pellucid.core.errors import InputError
from pellucid.core.progress import each
from pellucid.methods.attribution.memory import Chunks
from pellucid.methods.attribution.nest import rebuilt
from pellucid.methods.synthesis.ascent import MaximizeOptions
from pellucid.methods.synthesis.readout import Readout
from pellucid.methods.synthesis.sight import pictures_in
from pellucid.probe.batches import batch_told
from pellucid.probe.subject import split

_MOST_ROWS = 256


@dataclass(frozen=True, kw_only=True)
class Best:
    """The example that excites each unit most.

    Attributes:
        values: How active the unit is, [unit]; NaN where there was no example.
        numbers: Which example, in the order of the data, [unit]; -1 where there was none.
        inputs: What the model was given, [unit, channel, row, column].
        examples: How many there were.
    """

    values: Tensor
    numbers: Tensor
    inputs: Tensor
    examples: int


def best_of(
    readout: Readout,
    batches: Iterable[Any],
    units: Sequence[int],
    shape: tuple[int, ...],
    options: MaximizeOptions,
) -> Best | None:
    """Return the example that excites each unit most, read as the pictures are: see `Readout.activity`.

    Args:
        readout: The layer, ready and settled.
        batches: Examples.
        units: The units.
        shape: (channels, height, width) of every example.
        options: Whether the place in the middle is read, and whether the lowest is best.

    Returns:
        The best of each unit; None where there is no example.

    Raises:
        InputError: An example has another shape.

    Cost:
        A forward pass of the part in front of the layer for each example.
    """
    search = _Search(readout, units, options)
    for number, batch in enumerate(each(batches, "batches"), 1):
        inputs = split(batch)[0]
        pictures = pictures_in(inputs)
        if tuple(pictures.shape[1:]) != shape:
            raise InputError(
                f"Pictures of {tuple(pictures.shape[1:])} came in like= after pictures of {shape}. Bring all to one "
                "size, or give like=(channels, height, width)."
            )
        with batch_told(number):
            search.add(inputs, pictures)
    return search.found


class _Search:
    """Goes through batches, and keeps the best."""

    def __init__(self, readout: Readout, units: Sequence[int], options: MaximizeOptions) -> None:
        self._readout, self._units, self._options = readout, units, options
        self.found: Best | None = None

    def add(self, inputs: Any, pictures: Tensor) -> None:
        """Look at one batch, in chunks that fit."""
        count = len(pictures)

        def work(rows: Tensor) -> None:
            def some(_: str, one: Any) -> Any:
                counted = isinstance(one, Tensor) and one.ndim > 0 and len(one) == count
                chosen = one[rows.to(one.device)] if counted else one
                # Only pictures are cast: token ids and masks that go along stay what they are.
                return chosen.to(self._readout.dtype) if isinstance(one, Tensor) and one is pictures else chosen

            new = self._best(rebuilt(inputs, some), pictures[rows.to(pictures.device)])
            self.found = new if self.found is None else _better(self.found, new, negative=self._options.negative)

        Chunks(_MOST_ROWS).each(count, work)

    def _best(self, inputs: Any, pictures: Tensor) -> Best:
        negative = self._options.negative
        with torch.no_grad():
            output = self._readout.run(inputs)
            one_of = [torch.full((len(output),), unit, device="cpu") for unit in self._units]
            found = [self._readout.activity(output, one, centre=self._options.centre) for one in one_of]
        values = torch.stack(found).cpu().double().nan_to_num(nan=np.inf if negative else -np.inf)
        best = values.min(1) if negative else values.max(1)
        chosen = best.indices.cpu()
        kept = pictures.detach().cpu()[chosen]
        return Best(values=best.values.cpu(), numbers=chosen, inputs=kept, examples=len(pictures))


def _better(old: Best, new: Best, *, negative: bool) -> Best:
    wins = new.values < old.values if negative else new.values > old.values
    return Best(
        values=torch.where(wins, new.values, old.values),
        numbers=torch.where(wins, new.numbers + old.examples, old.numbers),
        inputs=torch.where(wins[:, None, None, None], new.inputs, old.inputs),
        examples=old.examples + new.examples,
    )
