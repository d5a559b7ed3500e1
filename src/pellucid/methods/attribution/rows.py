"""All examples at one time, in chunks only where the memory does not do."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from pellucid.methods.attribution.memory import Chunks, is_out_of_memory
from pellucid.methods.attribution.question import Question


def of_all(question: Question, work: Callable[[Tensor], Sequence[Tensor]]) -> list[Tensor]:
    """Return what some work finds for the examples.

    Args:
        question: Which is being asked.
        work: From the numbers of N examples to tensors, [N, ...] each.

    Returns:
        The same tensors for all examples, [examples, ...] each.

    Raises:
        torch.OutOfMemoryError: One example does not fit either.
    """
    try:
        return list(work(question.every))
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error) or question.rows == 1:
            raise
    with torch.no_grad():
        question.scores(question.values, question.every)  # of all at once, since it may be they that settle the target
    parts: list[Sequence[Tensor]] = []
    Chunks(question.rows // 2).each(question.rows, lambda rows: parts.append(work(rows)))
    return [torch.cat(ones) for ones in zip(*parts, strict=True)]
