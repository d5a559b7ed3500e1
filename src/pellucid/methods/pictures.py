"""Pictures: labelled images out of a loader, as planes that patches can be cut from and put into."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isqrt, prod
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from pellucid.core.arguments import wholes
from pellucid.core.errors import InputError
from pellucid.core.figure import Lines
from pellucid.core.progress import each
from pellucid.probe.subject import no_examples, split

MOST_BYTES = 4 << 30
SHAPE = "(channels, rows, columns) or (rows, columns), whole numbers of 1 or more"
OTHERS = 512
"""Pictures kept of all classes together that are not examined."""


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """Some pictures of every class.

    Attributes:
        given: As the model takes them, [picture, ...], on the CPU.
        labels: Class of each.
        numbers: Place of each in the order of the data.
        shape: Channels, rows and columns of a picture.
        left_out: Examples that were passed over: labels below 0, or values that are not finite.
    """

    given: Tensor
    labels: Int[Tensor, " picture"]
    numbers: Int[Tensor, " picture"]
    shape: tuple[int, int, int]
    left_out: int

    @property
    def planes(self) -> Float[Tensor, "picture channel row column"]:
        """The pictures, float32 at least."""
        planes = self.given.reshape(-1, *self.shape)
        return planes if planes.dtype in (torch.float32, torch.float64) else planes.float()

    def as_given(self, planes: Tensor) -> Tensor:
        """Return planes in the shape and type that the model takes."""
        return planes.reshape(-1, *self.given.shape[1:]).to(self.given.dtype)


def outlined(top: float, bottom: float, left: float, right: float, **looks: Any) -> Lines:
    """Return the border of a box.

    Args:
        top: Its first row; pixel n of a heat reaches from n - 0.5 to n + 0.5.
        bottom: The row behind its last.
        left: Its first column.
        right: The column behind its last.
        looks: Of the line: see `Lines`.
    """
    x, y = np.array([left, right, right, left, left]), np.array([top, top, bottom, bottom, top])
    return Lines(x=x - 0.5, y=y - 0.5, **looks)


def square_pictures(values: int) -> list[tuple[int, int, int]]:
    """Return the square pictures that a number of values may be: channels (1 or 3), rows and columns."""
    squares = [(channels, isqrt(values // channels)) for channels in (1, 3)]
    return [(channels, side, side) for channels, side in squares if channels * side * side == values and side > 1]


def picture_shape(shape: Sequence[int], values: int, whose: str) -> tuple[int, int, int]:
    """Return channels, rows and columns of what is flat.

    Args:
        shape: (channels, rows, columns) or (rows, columns).
        values: How many there are.
        whose: In words that go on with their number: "'fc1' is given".

    Raises:
        InputError: The shape holds another number of values.
    """
    given = wholes("shape", shape, 1, SHAPE)
    whole = (1, *given) if len(given) == 2 else given
    if len(whole) == 3 and prod(whole) == values:
        return whole[0], whole[1], whole[2]
    fits = square_pictures(values)
    fitting = f"{fits[0]} would fit." if fits else "Give (channels, rows, columns)."
    raise InputError(f"shape={given} holds {prod(given)} values, and {whose} {values}. {fitting}")


def first_batch(data: Iterable[Any]) -> tuple[Any, Iterable[Any]]:
    """Return the first batch, and all of them: one pair of pictures and labels counts as one batch.

    Raises:
        InputError: There is none, or the data cannot be gone through twice.
    """
    if isinstance(data, (list, tuple)) and len(data) == 2 and all(isinstance(one, Tensor) for one in data):
        return data, (data,)
    if not isinstance(data, Iterable) or isinstance(data, (Tensor, type)):
        raise InputError(f"data is a {type(data).__name__}; expected a loader of (pictures, labels).")
    every = iter(data)
    if every is data:
        raise InputError(
            f"data is a {type(data).__name__}, which can be gone through only once. Give a DataLoader, or list(data)."
        )
    first = next(every, None)
    if first is None:
        raise no_examples(())
    return first, data


def pictures_of(
    data: Iterable[Any],
    *,
    quotas: dict[int, int],
    shape: tuple[int, ...] | None = None,
) -> Pictures:
    """Read the first pictures of every class, until every class has its quota or the data ends.

    Args:
        data: Batches of (pictures, labels): [N, channel, row, column], or [N, row, column]; with `shape` of any form.
        quotas: Of each class, how many pictures to keep at the most.
        shape: (channel, row, column) of what is flat, or (row, column) or (channel, length).

    Returns:
        The pictures, in the order of the data.

    Raises:
        InputError: No pictures, no labels, a label without a quota, pictures of several sizes, or more than 4
            GiB.
    """
    kept: list[tuple[Tensor, Tensor, Tensor]] = []
    left, seen, out, held = dict(quotas), 0, 0, 0
    form: tuple[int, int, int] | None = None
    for batch in each(data, "batches"):
        x, y = labelled(batch)
        form = form or _form(x, shape)
        if kept and x.shape[1:] != kept[0][0].shape[1:]:
            raise InputError(
                f"Pictures of {tuple(x.shape[1:])} came in batch {len(kept) + 1}, and of {tuple(kept[0][0].shape[1:])} "
                "in the first. They are compared place by place: bring all to one size."
            )
        usable = (y >= 0) & torch.isfinite(x).flatten(1).all(1)
        out += int((~usable).sum())
        rows = _within(y, usable, left)
        held += rows.numel() * x[:1].numel() * x.element_size()
        if held > MOST_BYTES:
            raise InputError(
                f"More than {MOST_BYTES >> 30} GiB of pictures would be kept, of {len(quotas)} classes. Examine fewer "
                "classes with classes=, or fewer pictures a class with most=."
            )
        kept.append((x[rows].detach().cpu(), y[rows], rows + seen))
        seen += len(x)
        if not any(left.values()):
            break
    if form is None or not sum(len(one) for _, one, _ in kept):
        raise InputError(f"Of {seen} examples none has a label of 0 or more and values that are finite.")
    given, labels, numbers = (torch.cat(parts) for parts in zip(*kept, strict=True))
    return Pictures(given=given, labels=labels, numbers=numbers, shape=form, left_out=out)


def labelled(batch: Any) -> tuple[Tensor, Tensor]:
    """Return the pictures and labels of a batch, [N, ...] and [N].

    Raises:
        InputError: It is no pair of one tensor of real numbers and one label each.
    """
    x, y = split(batch)
    if isinstance(x, dict) and len(x) == 1:
        x = next(iter(x.values()))
    if not isinstance(x, Tensor) or not x.is_floating_point() or x.ndim < 2:
        came = f"{x.dtype} of shape {tuple(x.shape)}" if isinstance(x, Tensor) else type(x).__name__
        raise InputError(f"The pictures are {came}; expected one tensor of real numbers, [N, channel, row, column].")
    labels = torch.as_tensor(y, device="cpu").detach() if isinstance(y, (Tensor, list, tuple)) else None
    if labels is None or labels.is_floating_point() or labels.ndim != 1 or len(labels) != len(x):
        came = "no labels" if y is None else f"labels of shape {tuple(getattr(labels, 'shape', ()))}"
        raise InputError(
            f"{came[0].upper()}{came[1:]} came with {len(x)} pictures; expected batches of (pictures, labels), with "
            "one class number for each picture."
        )
    return x, labels.long()


def _within(labels: Tensor, usable: Tensor, left: dict[int, int]) -> Tensor:
    """Return the rows that are kept, and take them from what is left of the quotas."""
    rows: list[Tensor] = []
    for label in labels[usable].unique().tolist():
        if label not in left:
            raise InputError(f"The label {label} came, and the model has outputs for classes 0 to {max(left)}.")
        chosen = torch.nonzero((labels == label) & usable).flatten()[: left[label]]
        left[label] -= len(chosen)
        rows.append(chosen)
    return torch.cat(rows).sort().values if rows else torch.zeros(0, dtype=torch.long, device="cpu")


def _form(x: Tensor, shape: tuple[int, ...] | None) -> tuple[int, int, int]:
    """Return channels, rows and columns."""
    size = x[:1].numel() if len(x) else 0
    if shape is None:
        if x.ndim in (3, 4):
            rows, columns = x.shape[-2:]
            return (1 if x.ndim == 3 else x.shape[1], rows, columns)
        side = round(size**0.5)
        advice = f"shape=(1, {side}, {side})" if side * side == size else "shape=(channels, rows, columns)"
        raise InputError(
            f"The inputs have shape {tuple(x.shape)}; expected pictures, [N, channel, row, column]. Say how a picture "
            f"is laid out in them: {advice}. Signals are pictures of one row: shape=(channels, 1, length)."
        )
    return picture_shape(shape, size, "an input holds")
