"""Reducing with a sample for the buckets: what is sampled is close, and everything else is exact."""

import math

import pytest
import torch

from pellucid.maths.reduce import SUMS, reduce
from tests.maths.test_reduce import ABSOLUTES, _set

SAMPLED = {
    "normal": lambda draw: torch.randn(300, 400, generator=draw),
    "rectified": lambda draw: torch.randn(300, 400, generator=draw).relu(),
    "columns of very different scale": lambda draw: (
        torch.randn(300, 400, generator=draw) * 10 ** torch.linspace(-4, 4, 400)
    ),
    "positive": lambda draw: torch.rand(300, 400, generator=draw) + 1,
    "two values in turns": lambda _: torch.tensor([1.0, -3.0]).repeat(60_000).view(300, 400),
}


@pytest.mark.parametrize("looking", [True, False])
@pytest.mark.parametrize("kind", list(SAMPLED))
def test_a_sample_for_the_buckets_leaves_the_rest_exact(
    kind: str, looking: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sums, extremes and units are those of all values; ranks are within 1.5 %, zeros and magnitudes too."""
    _set(monkeypatch, "may_look", lambda _: looking)
    x = SAMPLED[kind](torch.Generator().manual_seed(4))
    found, whole = reduce(x, unit_axis=-1, most=16_384), reduce(x, unit_axis=-1)
    for name in ("finite", "nans", "positive_infinities", "negative_infinities", "total", "squares"):
        place = SUMS.index(name)
        slack = 1e-5 * float(whole.sums[ABSOLUTES])
        assert float(found.sums[place]) == pytest.approx(float(whole.sums[place]), rel=1e-5, abs=slack)
    assert torch.equal(found.extremes, whole.extremes)
    assert torch.equal(found.units, whole.units)
    assert float(found.sums[1]) == pytest.approx(float(whole.sums[1]), abs=0.015 * x.numel())
    assert float(found.sums[ABSOLUTES]) == pytest.approx(float(whole.sums[ABSOLUTES]), rel=0.05)
    assert 8_192 < int(found.counts.sum()) <= 16_384
    # The order of the buckets is the order of the values, but for the negative half, which runs backwards; what
    # matters is that every share of mass is where it was.
    ours, all_values = found.counts / found.counts.sum(), whole.counts / whole.counts.sum()
    assert float((ours.cumsum(0) - all_values.cumsum(0)).abs().max()) < 0.015


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e30])
def test_a_single_odd_value_is_never_missed_by_a_sample(bad: float) -> None:
    """One NaN, infinity or huge value among 120,000 makes everything be read."""
    x = torch.randn(300, 400, generator=torch.Generator().manual_seed(4))
    x[17, 23] = bad
    found, whole = reduce(x, most=16_384), reduce(x)
    assert torch.equal(found.sums, whole.sums)
    assert torch.equal(found.counts, whole.counts)


def test_a_small_tensor_is_read_whole() -> None:
    """A tensor with no more values than the sample is not sampled."""
    x = torch.randn(50, 20, generator=torch.Generator().manual_seed(4))
    assert torch.equal(reduce(x, most=1000).counts, reduce(x).counts)
