"""Targets: which number of the output a map explains."""

from collections.abc import Callable, Mapping, Sequence
from numbers import Integral
from typing import Any

import torch
from torch import Tensor

from pellucid.core.arguments import came
from pellucid.core.errors import InputError
from pellucid.methods.attribution.nest import tensors
from pellucid.probe.subject import is_plain

Target = int | Sequence[int] | Sequence[tuple[int, ...]] | tuple[int, ...] | Tensor | Callable[[Any], Tensor] | None
_HOW = (
    "Give a class number, one number (or tuple of numbers) an example, None where the output is one number an "
    "example, or a function from the output to one number an example."
)


class Score:
    """From a model's output to one number an example.

    Args:
        target: An int: that column of the output; of outputs with further axes, such as class maps, its sum over
            these. A tuple of ints: that place. A list or tensor with one of these an example. A function: what it
            returns. None: the class that scores highest, or the output itself where it is one number an example.
        rows: How many examples there are.

    Raises:
        InputError: The target is none of these, or does not fit the number of examples.
    """

    def __init__(self, target: Any, rows: int) -> None:
        self._function: Callable[[Any], Any] | None = None
        self._places: Tensor | None = None
        if target is None:
            return
        if callable(target) and not isinstance(target, (Tensor, type)):
            self._function = target
            return
        self._places = _places(target, rows)

    def settle(self, output: Any) -> None:
        """Choose the class that scores highest where no target was named and the output is a row of classes.

        Args:
            output: What the model returned for the examples.
        """
        row = row_of(output) if self._function is None and self._places is None else None
        if row is not None:
            self._places = row.argmax(dim=1, keepdim=True).cpu()

    def of(self, output: Any, rows: Tensor) -> Tensor:
        """Return the score of each row.

        Args:
            output: What the model returned for N rows.
            rows: The example that each row belongs to, [N].

        Returns:
            [N], differentiable.

        Raises:
            InputError: The output has no such place, or is not one number a row.
        """
        if self._function is not None:
            return _one_each(self._function(output), rows, "The target function returned")
        tensor = output_of(output)
        if self._places is None:
            return _one_each(tensor, rows, "With target=None, the output is")
        if len(tensor) != len(rows):
            raise InputError(f"The output has {len(tensor)} rows, expected one for each of {len(rows)} that came.")
        places = self._places[rows.cpu()].to(tensor.device)
        self._check(tensor, places)
        index = (torch.arange(len(tensor), device=tensor.device), *places.unbind(1))
        chosen = tensor[index]
        return chosen.flatten(1).sum(1) if chosen.ndim > 1 else chosen

    def chosen(self) -> tuple[int, ...]:
        """Return the column of each example; () where there is none."""
        return () if self._places is None else tuple(self._places[:, 0].tolist())

    def is_class(self) -> bool:
        """Say whether the score of an example is one class and no place behind it."""
        return self._places is not None and self._places.shape[1] == 1

    def _check(self, tensor: Tensor, places: Tensor) -> None:
        if tensor.ndim < 1 + places.shape[1]:
            raise InputError(
                f"The output has shape {tuple(tensor.shape)}, and the target names {places.shape[1]} places behind its "
                f"first axis. {_HOW}"
            )
        for axis, column in enumerate(places.unbind(1), start=1):
            size, low, high = tensor.shape[axis], int(column.min()), int(column.max())
            if low < 0 or high >= size:
                wrong = low if low < 0 else high
                raise InputError(
                    f"The target {wrong} does not exist: the output has shape {tuple(tensor.shape)}, so expected 0 to "
                    f"{size - 1} on axis {axis}."
                )


class Probability:
    """The probability of a class in place of its logit: what the row of classes gives it by softmax.

    Args:
        score: Of the logit, with the classes settled.
    """

    def __init__(self, score: "Score | Probability") -> None:
        self._score = score

    def settle(self, output: Any) -> None:
        """See `Score.settle`."""
        self._score.settle(output)

    def of(self, output: Any, rows: Tensor) -> Tensor:
        """Return the probability of each row, 0 to 1; see `Score.of`."""
        logits = output_of(output)
        return self._score.of(logits.softmax(dim=1, dtype=torch.promote_types(logits.dtype, torch.float32)), rows)

    def chosen(self) -> tuple[int, ...]:
        """See `Score.chosen`."""
        return self._score.chosen()


def _places(target: Any, rows: int) -> Tensor:
    """Return the places of every example, [rows, axes]."""
    one_for_all = isinstance(target, tuple) and target and all(_is_index(one) for one in target)
    try:
        places = torch.as_tensor(target, device="cpu").detach()
        usable = is_plain(places) and not places.is_floating_point() and places.dtype != torch.bool
        if usable and (one_for_all or places.ndim == 0):
            return places.long().reshape(1, -1).repeat(rows, 1)
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise InputError(f"{came('target', target)}. {_HOW}") from error
    if not usable or places.ndim not in (1, 2):
        raise InputError(f"The target is {_shown(places)}. {_HOW}")
    if len(places) != rows:
        raise InputError(f"The target is for {len(places)} examples, and {rows} came. {_HOW}")
    return places.long().reshape(rows, -1)


def _is_index(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _shown(tensor: Tensor) -> str:
    shape = "nested" if tensor.is_nested else f"of shape {tuple(tensor.shape)}"
    return f"a tensor {shape} and type {tensor.dtype}"


def _one_each(value: Any, rows: Tensor, what: str) -> Tensor:
    if not isinstance(value, Tensor):
        raise InputError(f"{what} a {type(value).__name__}, expected a tensor with one number a row. {_HOW}")
    if value.numel() != len(rows) or (value.ndim and len(value) != len(rows)):
        raise InputError(
            f"{what} of shape {tuple(value.shape)}, expected one number for each of {len(rows)} rows. {_HOW}"
        )
    return _real(value, what).reshape(-1)


def _real(value: Tensor, what: str) -> Tensor:
    if value.is_complex():
        raise InputError(
            f"{what} complex numbers ({value.dtype}), which a map cannot explain. Give a function to real ones as the "
            "target, such as target=lambda output: output.abs()[:, 3]."
        )
    return value


def output_of(output: Any) -> Tensor:
    """Return the tensor that a model's output means: itself, its "logits", or the only tensor in it.

    Args:
        output: What a model returned.

    Returns:
        A floating point tensor.

    Raises:
        InputError: It cannot be told.
    """
    if isinstance(output, Tensor):
        return _real(output, "The model returned")
    logits = output.get("logits") if isinstance(output, Mapping) else getattr(output, "logits", None)
    if isinstance(logits, Tensor):
        return _real(logits, "The model returned")
    found = tensors(output)
    if len(found) == 1:
        return _real(found[0][1], "The model returned")
    raise InputError(
        f"The model returned a {type(output).__name__} with {len(found)} tensors, and none is called logits. Give a "
        "function as the target, such as target=lambda output: output[0][:, 3]."
    )


def row_of(output: Any) -> Tensor | None:
    """Return the output as rows of two classes or more, [examples, classes], detached; None where it is no such."""
    try:
        tensor = output_of(output)
    except InputError:
        return None
    return tensor.detach() if tensor.ndim == 2 and tensor.shape[1] > 1 else None
