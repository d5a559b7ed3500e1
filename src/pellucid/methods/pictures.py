"""Pictures: labelled images out of a loader, as planes that patches can be cut from and put into."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from pellucid.core.errors import InputError
from pellucid.probe.subject import no_examples, split

MOST_BYTES = 4 << 30
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


def first_batch(data: Iterable[Any]) -> tuple[Any, Iterable[Any]]:
    """Return the first batch, and all of them: one pair of pictures and labels counts as one batch.

    Raises:
        InputError: There is none, or the data cannot be gone through twice.
    """
    if isinstance(data, (list, tuple)) and len(data) == 2 and all(isinstance(one, Tensor) for one in data):
        return data, (data,)
    if not hasattr(data, "__iter__"):
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
        InputError: No pictures, no labels, a label without a quota, or more than 4 GiB.
    """
    kept: list[tuple[Tensor, Tensor, Tensor]] = []
    left, seen, out, held = dict(quotas), 0, 0, 0
    form: tuple[int, int, int] | None = None
    for batch in data:
        x, y = labelled(batch)
        form = form or _form(x, shape)
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
    labels = torch.as_tensor(y).detach().cpu() if isinstance(y, (Tensor, list, tuple)) else None
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
    return torch.cat(rows).sort().values if rows else torch.zeros(0, dtype=torch.long)


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
    form = tuple(shape) if len(shape) == 3 else (1, *shape)
    if len(form) != 3 or min(form) < 1 or form[0] * form[1] * form[2] != size:
        raise InputError(f"shape={shape} came; an input holds {size} values. Expected (channels, rows, columns).")
    return form
