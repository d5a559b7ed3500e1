"""What of the inputs of a model can be explained."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from pellucid.core.arguments import names
from pellucid.core.errors import InputError
from pellucid.methods.attribution.nest import named, tensors
from pellucid.probe.address import modules_of
from pellucid.probe.subject import is_plain, one_batch_of


def plain(value: Any) -> Any:
    """Return a tensor that gradients can be asked for, detached from what made it; anything else as it is."""
    if not isinstance(value, Tensor):
        return value
    return value.clone() if value.is_inference() else value.detach()


def examples_of(inputs: Any) -> int:
    """Return how many examples inputs hold.

    Raises:
        InputError: No tensor numbers them, or there is none.
    """
    sizes = [len(one) for _, one in tensors(inputs) if one.ndim]
    if not sizes:
        raise InputError(
            f"A {type(inputs).__name__} without a tensor that numbers examples on its first axis came. Give a batch, "
            f"such as {one_batch_of(inputs)}."
        )
    if sizes[0] == 0:
        raise InputError("The batch holds no example. Give one example or more.")
    return sizes[0]


def explained(model: nn.Module, inputs: Any, rows: int, only: Sequence[str] | None) -> dict[str, Tensor]:
    """Return what can be explained, by place.

    Args:
        model: For the name of a layer that could be explained in their place.
        inputs: Of the model.
        rows: How many examples they hold.
        only: See `Question`.

    Raises:
        InputError: There is nothing, `only` names none of it, or it holds NaN or infinity.
    """
    every = dict(tensors(inputs))
    real = {path: one for path, one in every.items() if one.is_floating_point() and one.ndim and len(one) == rows}
    if only is not None:
        given = (only,) if isinstance(only, str) else only
        chosen = names("only", given, "None, or one place of the inputs or more, such as '[0]' or '.pixels'")
        unknown = [path for path in chosen if path not in real]
        if unknown or not chosen:
            came = f"There is no input {unknown[0]!r} of real numbers to explain." if unknown else "only=() came."
            raise InputError(f"{came} There are: {named([*real])}.")
        real = {path: real[path] for path in chosen}
    if not real and any(one.is_complex() for one in every.values()):
        raise InputError(
            "The inputs hold complex numbers, of which no map can be drawn. Give their real and imaginary parts, "
            "torch.view_as_real(x), to a model that puts them together again."
        )
    if not real:
        tables = [name for name, one in modules_of(model).items() if isinstance(one, nn.Embedding)]
        at = f"at={tables[0]!r}" if tables else "at= the layer that embeds them"
        raise InputError(
            f"The inputs hold whole numbers only ({', '.join(str(one.dtype) for one in every.values())}), which have "
            f"no gradient. Explain them where they become real numbers: {at}."
        )
    for path, one in real.items():
        if not is_plain(one):
            raise InputError(f"{named([path])} is a tensor of layout {one.layout}. Give a dense one: x.to_dense().")
        if not bool(torch.isfinite(one).all()):
            raise InputError(f"{named([path])} holds NaN or infinity in {int((~torch.isfinite(one)).sum())} places.")
    return real
