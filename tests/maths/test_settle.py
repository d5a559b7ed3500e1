"""Settling many small tensors together: the same as reducing one by one."""

import math

import pytest
import torch
from torch import Tensor

from pellucid.maths.reduce import reduce
from pellucid.maths.sampled import read, settle


def tensors() -> list[Tensor]:
    """Return small and large tensors of every kind."""
    draw = torch.Generator().manual_seed(8)
    return [
        torch.randn(17, generator=draw),
        torch.zeros(5),
        torch.randn(80, 100, generator=draw),
        torch.randn(8, 3, generator=draw).t(),
        torch.tensor(2.5),
        torch.zeros(0),
        torch.randn(9, generator=draw).to(torch.bfloat16),
        torch.arange(-4, 4),
        torch.randn(6, generator=draw) * 1e30,
        torch.tensor([1e-42, -0.0, 3.0]),
    ]


@pytest.mark.parametrize("bad", [None, math.nan, math.inf])
def test_many_are_reduced_as_each_alone(bad: float | None) -> None:
    """Counts and extremes agree exactly and sums up to rounding, also where a value is not finite."""
    given = tensors()
    if bad is not None:
        given[0][3] = bad
    for together, one in zip(settle([read(one, most=8192) for one in given]), given, strict=True):
        alone = reduce(one)
        assert torch.equal(together.counts, alone.counts)
        assert torch.equal(together.extremes, alone.extremes)
        assert torch.equal(together.sums[:5], alone.sums[:5])
        rounding = 1e-12 if one.numel() <= 4096 else 1e-6  # from there on `reduce` adds up in float32
        assert torch.allclose(together.sums[5:], alone.sums[5:], rtol=rounding, atol=0)
        assert together.units is None


def test_nothing_is_reduced_to_nothing() -> None:
    """No tensors give no statistics."""
    assert settle([]) == []
