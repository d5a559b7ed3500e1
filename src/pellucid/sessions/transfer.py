"""Moving what was read off the device: one copy that nobody waits for, unpacked on another thread."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import torch
from torch import Tensor

from pellucid.maths.reduce import Reduced
from pellucid.maths.sampled import Sampled

Kind = TypeVar("Kind")
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
    arriving = [torch.empty(one.shape, dtype=one.dtype, pin_memory=True, device="cpu") for one in tensors]
    with torch.cuda.device(tensors[0].device):
        for there, one in zip(arriving, tensors, strict=True):
            there.copy_(one, non_blocking=True)
        arrived = torch.cuda.Event()
        arrived.record()

    def wait() -> list[Tensor]:
        arrived.synchronize()
        return arriving

    return wait


Parts = Mapping[str, Reduced | Sampled]


def send_numbers(numbers: Mapping[str, Tensor]) -> Callable[[], dict[str, float]]:
    """Start to copy single numbers to the host, one copy a device, and return at once.

    Args:
        numbers: Tensors without axes by name, on any devices.

    Returns:
        A function that waits for the copies and returns the numbers.
    """
    groups = _by_device({name: (one, one.device) for name, one in numbers.items()})
    later = [(list(group), send([torch.stack(list(group.values()))])) for group in groups]
    return lambda: {name: value for names, one in later for name, value in zip(names, one()[0].tolist(), strict=True)}


def send_reduced(parts: Parts) -> Callable[[], Parts]:
    """Start to copy statistics to the host, in four copies a device, and return at once.

    Args:
        parts: By name, on any devices; on the CPU nothing is copied.

    Returns:
        A function that waits for the copies and returns the statistics on the host.
    """
    # A model that is spread over devices has its layers on several.
    groups = _by_device({name: (one, _device_of(one)) for name, one in parts.items()})
    later = [_send_group(group) for group in groups]

    def unpack() -> Parts:
        arrived = {name: one for group in later for name, one in group().items()}
        return {name: arrived[name] for name in parts}

    return unpack


def _device_of(part: Reduced | Sampled) -> torch.device:
    return part.sums.device if isinstance(part, Reduced) else torch.device("cpu")


def _by_device(values: Mapping[str, tuple[Kind, torch.device]]) -> list[dict[str, Kind]]:
    groups: dict[torch.device, dict[str, Kind]] = {}
    for name, (value, device) in values.items():
        groups.setdefault(device, {})[name] = value
    return list(groups.values())


def _send_group(parts: Parts) -> Callable[[], Parts]:
    names, found = list(parts), [one for one in parts.values() if isinstance(one, Reduced)]
    if len(found) < len(parts) or not found[0].sums.is_cuda:
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

    def unpack() -> Parts:
        sums, extremes, counts, packed = later()
        parts = packed.split(widths, dim=1)
        return {
            name: Reduced(sums[i], extremes[i], counts[i], None if found[i].units is None else parts[i])
            for i, name in enumerate(names)
        }

    return unpack
