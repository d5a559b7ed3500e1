"""Print the cost of reducing one tensor, in ns per value, beside the floor of one sum and one bincount.

Run: python benchmarks/reduce.py
"""

import time
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from pellucid.maths.reduce import reduce


def cpu_seconds(work: Callable[[], object], repeats: int) -> float:
    """Return the CPU seconds of one call, the best of five rounds."""
    work()
    rounds: list[float] = []
    for _ in range(5):
        start = time.process_time()
        for _ in range(repeats):
            work()
        rounds.append((time.process_time() - start) / repeats)
    return min(rounds)


def floor(x: Tensor) -> None:
    """Do the least that any histogram and any mean has to do."""
    flat = x.reshape(-1)
    torch.bincount((flat.view(torch.int32) >> 20).add_(2048), minlength=4096)
    flat.sum().item()


def cases() -> dict[str, tuple[Tensor, int | None, tuple[float, float] | None]]:
    """Return tensors as they occur: name -> (values, unit axis, saturation)."""
    draw = torch.Generator().manual_seed(0)
    weight = torch.randn(512, 256, generator=draw) * 0.05
    large = torch.randn(1024, 2048, generator=draw) * 0.02
    hidden = torch.randn(256, 512, generator=draw)
    maps = torch.randn(64, 32, 14, 14, generator=draw)
    broken = weight.clone()
    broken[3, 5] = float("nan")
    return {
        "bias, 10": (torch.randn(10, generator=draw), None, None),
        "bias, 512": (torch.randn(512, generator=draw), None, None),
        "weight, 131 k": (weight, None, None),
        "weight, 2.1 M": (large, None, None),
        "weight transposed, 131 k": (weight.t(), None, None),
        "weight bfloat16, 131 k": (weight.bfloat16(), None, None),
        "weight with a NaN, 131 k": (broken, None, None),
        "gradient of 1e-20, 131 k": (weight * 1e-20, None, None),
        "gradient, half zeros, 131 k": (weight * (weight > 0), None, None),
        "relu, 131 k": (hidden.relu(), None, None),
        "relu with units, 131 k": (hidden.relu(), -1, None),
        "tanh with saturation, 131 k": (hidden.tanh(), -1, (-0.99, 0.99)),
        "conv relu with units, 401 k": (maps.relu(), 1, None),
        "conv tanh with saturation, 401 k": (maps.tanh(), 1, (-0.99, 0.99)),
    }


def main() -> None:
    """Measure every case and print a table."""
    torch.set_num_threads(1)
    print(f"{'tensor':34s} {'us':>9s} {'ns/value':>9s} {'floor':>9s} {'ratio':>6s}")
    for name, (x, axis, limits) in cases().items():
        repeats = max(3, 2_000_000 // max(x.numel(), 1000))
        spent = cpu_seconds(partial(reduce, x, unit_axis=axis, saturation=limits), repeats)
        least = cpu_seconds(partial(floor, x.float().contiguous()), repeats)
        per_value = 1e9 / x.numel()
        costs = f"{spent * per_value:9.3f} {least * per_value:9.3f} {spent / least:6.2f}"
        print(f"{name:34s} {spent * 1e6:9.1f} {costs}")


if __name__ == "__main__":
    main()
