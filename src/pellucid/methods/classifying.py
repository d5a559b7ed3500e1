"""Classifying: what a model says of many pictures, the model being as it was afterwards."""

from collections.abc import Callable, Generator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from pellucid.core.errors import InputError
from pellucid.methods.attribution.memory import Chunks, room
from pellucid.methods.attribution.target import row_of
from pellucid.probe.guard import examined
from pellucid.probe.subject import call, device_of

_COPIES = 64
"""Of a picture that the pass of a network without gradients has room for; what does not fit is halved."""


@contextmanager
def in_eval(model: nn.Module) -> Generator[nn.Module, None, None]:
    """Have a model in eval mode and without gradients while the block runs, and as it was afterwards."""
    with examined(model) as bare, torch.no_grad():
        yield bare


def classes_of(model: nn.Module, count: int, make: Callable[[Tensor], Tensor], *, size: int) -> Tensor:
    """Return the class that scores highest for each of many inputs.

    Args:
        model: In eval mode.
        count: How many inputs there are.
        make: From the numbers of some inputs to these, [N, ...].
        size: Bytes of one input.

    Returns:
        [count], on the CPU.

    Raises:
        InputError: The output is no row of two classes or more.
        torch.OutOfMemoryError: One input does not fit.

    Cost:
        `count` forward passes, as many at one time as memory allows.
    """
    found: list[Tensor] = []

    def work(rows: Tensor) -> None:
        found.append(scores_of(model, make(rows)).argmax(1).cpu())

    Chunks(min(max(1, room(device_of(model)) // (_COPIES * max(1, size))), 1024)).each(count, work, name="pictures")
    return torch.cat(found) if found else torch.zeros(0, dtype=torch.long, device="cpu")


def scores_of(model: nn.Module, inputs: Tensor) -> Tensor:
    """Return what a classifier puts out, [N, classes].

    Raises:
        InputError: It puts out something else, or no score that is highest.
    """
    output = call(model, inputs.clone())  # a model may change what it is given
    row = row_of(output)
    if row is None or len(row) != len(inputs):
        came = f"a tensor of shape {tuple(output.shape)}" if isinstance(output, Tensor) else type(output).__name__
        raise InputError(
            f"The model returned {came} for {len(inputs)} pictures; expected scores of two classes or more, "
            "[N, classes]. Wrap a model that returns more in a module that returns the scores."
        )
    if not bool(torch.isfinite(row.amax(1)).all()):  # the score of a class that is masked may be -infinity
        raise InputError(
            "The highest score of a picture is NaN or infinite, so that the model says no class of it. Check the "
            "weights with pel.weights.histograms(model), and the pictures for NaN; use float32 where half precision "
            "overflows."
        )
    return row
