"""Moving what was read off the device: one copy that nobody waits for, unpacked on another thread."""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from pellucid.maths.reduce import Reduced
from pellucid.maths.sampled import Sampled

Later = Callable[[], list[Tensor]]


def send(tensors: Sequence[Tensor]) -> Later:
    """Start to copy tensors to the host and return at once.

    Args:
        tensors: On one device; on the CPU nothing is copied, so they must not change afterwards.

    Returns:
        A function that waits for the copy, on whichever thread calls it, and returns the host tensors.
    """
    if not any(one.is_cuda for one in tensors):
        return lambda: list(tensors)
    # Pinned memory, or the copy would stop the training thread.
    arriving = [torch.empty(one.shape, dtype=one.dtype, pin_memory=True) for one in tensors]
    for there, one in zip(arriving, tensors, strict=True):
        there.copy_(one, non_blocking=True)
    arrived = torch.cuda.Event()
    arrived.record()

    def wait() -> list[Tensor]:
        arrived.synchronize()
        return arriving

    return wait


def send_reduced(parts: Mapping[str, Reduced | Sampled]) -> Callable[[], Mapping[str, Reduced | Sampled]]:
    """Start to copy statistics to the host, all of them in four copies, and return at once.

    Args:
        parts: By name, all on one device; on the CPU nothing is copied.

    Returns:
        A function that waits for the copies and returns the statistics on the host.
    """
    names = list(parts)
    found = [one for one in parts.values() if isinstance(one, Reduced)]
    if len(found) < len(parts) or not names or not found[0].sums.is_cuda:
        return lambda: parts
    widths = [0 if one.units is None else one.units.shape[1] for one in found]
    units = [one.units for one in found if one.units is not None]
    later = send(
        [
            torch.stack([one.sums for one in found]),
            torch.stack([one.extremes for one in found]),
            torch.stack([one.counts for one in found]),
            torch.cat(units, dim=1) if units else found[0].counts.new_zeros((3, 0)),
        ]
    )

    def unpack() -> Mapping[str, Reduced | Sampled]:
        sums, extremes, counts, packed = later()
        parts = packed.split(widths, dim=1)
        return {
            name: Reduced(sums[i], extremes[i], counts[i], None if found[i].units is None else parts[i])
            for i, name in enumerate(names)
        }

    return unpack
