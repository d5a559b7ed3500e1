"""Readout: how active the units of a layer are, with a gradient to the picture and to nothing else."""

from collections.abc import Generator
from contextlib import contextmanager
from math import prod
from numbers import Integral
from typing import Any

import torch
from torch import Tensor, nn

from pellucid.core.arguments import MOST_SEED, refused, wholes
from pellucid.core.errors import AddressError, InputError
from pellucid.methods.prefix import Prefix
from pellucid.probe.address import ROOT, Address, leaves_of, unwrap
from pellucid.probe.subject import device_of, to_device


class Readout:
    """Runs a model until a layer has run, and reads its units.

    Args:
        model: Any module, wrapped or not.
        at: The layer, such as "layer2.0.conv1" or "act#2" for a second call; None for what the model returns.

    Attributes:
        model: The module inside wrappers.
        name: Name of the layer; "(model)" for the model itself.
        device: Where the model lives.
        dtype: Of its first parameter of real numbers; float32 without one.
        places: Places of each unit, such as rows x columns of a channel; 1 before it is settled.

    Raises:
        AddressError: There is no such layer.
        InputError: There are several.
    """

    def __init__(self, model: nn.Module, at: Address | None) -> None:
        self.model = unwrap(model)
        self._prefix = Prefix(self.model, self.model if at is None else at)
        self.name = self._prefix.name
        self.device = device_of(self.model)
        real = (one.dtype for one in self.model.parameters() if one.is_floating_point())
        self.dtype = next(real, torch.float32)
        self.places = 1
        self._axis: int | None = None

    @property
    def is_output(self) -> bool:
        """Whether the layer gives what the model returns: it is the model itself, or its last leaf."""
        return self.name == ROOT or self._prefix.module is list(leaves_of(self.model).values())[-1]

    @contextmanager
    def ready(self) -> Generator["Readout", None, None]:
        """Have the model in eval mode and frozen while the block runs, and as it was afterwards."""
        with self._prefix.asked():
            for one in self.model.parameters():
                if one.requires_grad and one.is_leaf:
                    one.requires_grad_(False)  # the guard puts it back; no gradient of a weight is ever computed
            yield self

    def run(self, inputs: Any) -> Tensor:
        """Return what the layer puts out, [row, ...]: see `Prefix.run`."""
        return self._prefix.run(to_device(inputs, self.device))

    def settle(self, inputs: Any, space: tuple[int, ...]) -> int:
        """Run the model once to see which axis numbers the units.

        Args:
            inputs: What the model is given.
            space: (rows, columns) of its pictures.

        Returns:
            How many units there are.

        Raises:
            InputError: The output has no axis for them, or its first axis does not number the examples.
        """
        inputs = to_device(inputs, self.device)
        with torch.no_grad():
            output = self.run(inputs)
            self._axis = 1 if output.ndim == 1 else self._prefix.unit_axis(inputs, output, space)
        spread = self._spread(output)
        self.places = prod(spread.shape[2:])
        return spread.shape[1]

    def activity(self, output: Tensor, units: Tensor, *, centre: bool) -> Tensor:
        """Return how active one unit of each row is, [row]; float32 at the least.

        Args:
            output: What the layer put out, [row, ...].
            units: The unit of each row, [row].
            centre: Whether the place in the middle is read, and not the mean over all places.
        """
        spread = self._spread(output)
        chosen = spread[torch.arange(len(output), device=output.device), units.to(output.device)]
        chosen = chosen.float() if chosen.dtype in (torch.float16, torch.bfloat16) else chosen
        if not centre:
            return chosen.reshape(len(chosen), -1).mean(1)
        return chosen[(slice(None), *(size // 2 for size in chosen.shape[1:]))]

    def refuse_flat(self, values: Tensor) -> None:
        """Refuse what was read of the layer where it has no gradient to the picture.

        Raises:
            InputError: It has none.
        """
        if not values.requires_grad:
            raise InputError(
                f"The layer {self.name!r} does not depend on the picture in a way that can be differentiated: the "
                "model detaches it, rounds it, or switches gradients off. Name an earlier layer."
            )

    def _spread(self, output: Tensor) -> Tensor:
        """Return an output with its units on the second axis, [row, unit, *places]."""
        if self._axis is None:
            raise RuntimeError("The readout was not settled.")
        return output[:, None] if output.ndim == 1 else output.movedim(self._axis, 1)


def units_of(units: Any, count: int, *, layer: str, most: int) -> tuple[int, ...]:
    """Return the units that are meant.

    Args:
        units: A number, several, or None for the first `most`.
        count: How many the layer has.
        layer: Its name.
        most: See `units`.

    Raises:
        AddressError: There is no such unit.
        InputError: No unit is named, one is named twice, or it is no whole number.
    """
    if units is None:
        return tuple(range(min(count, most)))
    how = "a whole number such as 3, or several such as [3, 17]"
    several = wholes("units", (units,) if isinstance(units, Integral) else units, -MOST_SEED, how)
    if not several:
        raise refused("units", units, how)
    if len(set(several)) != len(several):
        raise InputError(f"units={units!r} names a unit twice. Name each once; another seed gives another picture.")
    if wrong := [one for one in several if not 0 <= one < count]:
        raise AddressError(f"No unit {wrong[0]} in {layer!r}, which has {count}: 0 to {count - 1}.")
    return several
