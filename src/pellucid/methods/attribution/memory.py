"""Memory: how many rows go through a model at one time."""

import os
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from pellucid.core.progress import Loop

_SHARE = 0.25
_MOST_BYTES = {"cuda": 1 << 30}
_MOST_ELSEWHERE = 1 << 26
"""Beyond this a larger chunk is not faster: on a CPU it is slower, as caches end (a fifth at 600 MB, ResNet-18), and as
the system takes memory back after each chunk and clears it anew (128 MiB: 600,000 page faults, 7 %; 64 MiB: 26,000)."""


@contextmanager
def counted_bytes(besides: Iterable[Tensor] = ()) -> Generator[list[int], None, None]:
    """Count what the graph that is built inside the block holds on to, each piece of memory once.

    The graph is good for values, and not for second derivatives.

    Args:
        besides: Tensors that are not counted, such as the parameters.

    Yields:
        A list with the bytes in it once the block is left.
    """
    held: dict[int, int] = {}
    known = {one.untyped_storage().data_ptr() for one in besides}
    total: list[int] = []

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in known:
            held[storage.data_ptr()] = storage.nbytes()
        return tensor.detach()  # with its history it would hold on to the graph that holds on to it, for good

    def give(tensor: Tensor) -> Tensor:
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, give):
        yield total
    total.append(sum(held.values()))


def room(device: torch.device) -> int:
    """Return how many bytes a chunk may take on a device: a quarter of what is free, 1 GiB (CPU: 64 MiB) at most."""
    most = _MOST_BYTES.get(device.type, _MOST_ELSEWHERE)
    if device.type == "cuda":
        free = torch.cuda.mem_get_info(device)[0]
    else:
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4 * most
    return min(int(_SHARE * free), most)


def is_out_of_memory(error: BaseException) -> bool:
    """Say whether an error means that a smaller chunk might do."""
    words = str(error)
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or (
        isinstance(error, RuntimeError) and ("not enough memory" in words or "can't allocate memory" in words)
    )


class Chunks:
    """Works through rows in chunks that fit, and halves them where they do not.

    Args:
        most: Rows of one chunk at the most.
    """

    def __init__(self, most: int) -> None:
        self.most = max(1, most)

    def each(self, count: int, work: Callable[[Tensor], Any], *, rows: int = 1, name: str = "") -> None:
        """Do some work for jobs 0 to count - 1, chunk by chunk.

        Args:
            count: How many jobs there are.
            work: Is given the numbers of some jobs, [N]. It must keep what it found as its last act: after an
                out-of-memory error it is asked again, for fewer.
            rows: Rows that one job runs.
            name: What the jobs are called where it is told how many are done.

        Raises:
            torch.OutOfMemoryError: One job does not fit either.
        """
        loop, begun = Loop(count, name), 0
        while begun < count:
            size = min(max(1, self.most // rows), count - begun)
            loop.at(begun, size)
            try:
                work(torch.arange(begun, begun + size, device="cpu"))
            except (RuntimeError, MemoryError) as error:
                if size == 1 or not is_out_of_memory(error):
                    raise
                self.most = size * rows // 2
                continue
            begun += size
        loop.at(begun)
