"""Reading with a sample for the buckets: what is sampled is close, and everything else is exact."""

import math

import pytest
import torch

from pellucid.maths.reduce import SUMS, Reduced, reduce
from pellucid.maths.sampled import Sampled, read, rows, settle, sum_of_squares
from pellucid.maths.series import TensorSeries
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


def sampled(x: torch.Tensor, *, unit_axis: int | None = None, most: int = 16_384) -> Reduced:
    """Read one tensor and settle it."""
    return settle([read(x, unit_axis=unit_axis, most=most)])[0]


@pytest.mark.parametrize("looking", [True, False])
@pytest.mark.parametrize("kind", list(SAMPLED))
def test_a_sample_for_the_buckets_leaves_the_rest_exact(
    kind: str, looking: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sums, extremes and units are those of all values; ranks are within 1.5 %, zeros and magnitudes too."""
    _set(monkeypatch, "may_look", lambda _: looking)
    monkeypatch.setattr("pellucid.maths.sampled.may_look", lambda _: looking)
    x = SAMPLED[kind](torch.Generator().manual_seed(4))
    found, whole = sampled(x, unit_axis=-1), reduce(x, unit_axis=-1)
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
    found, whole = sampled(x), reduce(x)
    assert torch.equal(found.sums, whole.sums)
    assert torch.equal(found.counts, whole.counts)


def test_a_small_tensor_is_read_whole() -> None:
    """A tensor with no more values than the sample is not sampled."""
    x = torch.randn(50, 20, generator=torch.Generator().manual_seed(4))
    assert torch.equal(sampled(x, most=1000).counts, reduce(x).counts)
    assert torch.equal(sampled(x, most=1000).sums[:5], reduce(x).sums[:5])


def test_a_sample_is_a_copy() -> None:
    """What happens to the tensor after it was read changes nothing."""
    for size in (1000, 120_000):
        x = torch.randn(size, generator=torch.Generator().manual_seed(4))
        part, before = read(x, most=8192), settle([read(x, most=8192)])[0]
        x.fill_(7.0)
        after = settle([part])[0]
        assert torch.equal(after.counts, before.counts)
        assert torch.equal(after.sums, before.sums)


@pytest.mark.parametrize("width", [10, 4096, 5000])
def test_rows_that_are_zero_are_counted_to_the_last_denormal(width: int) -> None:
    """A row whose squares vanish in float32 is not zero, and one that is zero is; sums of squares are exact."""
    x = torch.randn(60_000 // width, width, generator=torch.Generator().manual_seed(4))
    x[3] = 0.0
    x[5] = 0.0
    x[5, 2] = 1e-42
    found, whole = sampled(x, unit_axis=0), reduce(x, unit_axis=0)
    assert torch.equal(found.units, whole.units)
    assert found.units[1].tolist() == [int(row != 3) for row in range(len(x))]
    assert float(found.sums[6]) == pytest.approx(float(x.double().square().sum()), rel=1e-6)


@pytest.mark.parametrize(
    "x",
    [
        torch.full((3_000_001,), 0.1),
        torch.rand(3_000_001, generator=torch.Generator().manual_seed(4)),
        torch.randn(700, 700, generator=torch.Generator().manual_seed(4)).t()[::2],
        torch.full((1000,), 1e-30),
        torch.full((1000,), 1e30),
        torch.zeros(1000),
        torch.zeros(0),
        torch.full((1000,), 0.1, dtype=torch.float16),
        torch.full((1000,), 0.1 + 0.2j),
    ],
    ids=["constant", "uniform", "strided", "tiny", "huge", "zero", "empty", "half", "complex"],
)
@pytest.mark.parametrize("looking", [True, False])
def test_squares_add_up_as_in_float64(x: torch.Tensor, looking: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long sum in float32 loses percents; this one does not lose 1e-6, at any size and of any magnitude."""
    monkeypatch.setattr("pellucid.maths.sampled.may_look", lambda _: looking)
    wide = x.to(torch.complex128).abs() if x.is_complex() else x.double()
    assert float(sum_of_squares(x)) == pytest.approx(float(wide.square().sum()), rel=1e-6)
    if x.numel() > 100_000:
        found = sampled(x)
        assert float(found.sums[6]) == pytest.approx(float(wide.square().sum()), rel=1e-6)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_squares_tell_what_is_not_finite(bad: float) -> None:
    """One value is enough."""
    x = torch.zeros(5000)
    x[4000] = bad
    assert not math.isfinite(float(sum_of_squares(x)))


def test_rows_are_those_of_a_series() -> None:
    """Sampled, small and reduced tensors of several steps make the series that settling each of them makes."""
    draw = torch.Generator().manual_seed(4)
    tensors = [torch.randn(300, 400, generator=draw).relu(), torch.randn(7, generator=draw), torch.zeros(0)]
    steps = [
        {str(place): read(one * step, unit_axis=0, most=8192) for place, one in enumerate(tensors)} for step in (1, 2)
    ]
    assert [type(one) for one in steps[0].values()] == [Sampled, Sampled, Reduced]
    together = TensorSeries.from_steps(dict(enumerate(steps)))
    apart = [
        TensorSeries.from_reduced(step, dict(zip(parts, settle(list(parts.values())), strict=True)))
        for step, parts in enumerate(steps)
    ]
    for name, array in TensorSeries.concatenate(apart).arrays().items():
        assert (together.arrays()[name] == array).all(), name
    assert [len(one.buckets) for one in rows(list(steps[0].values()))][2] == 0


@pytest.mark.parametrize("shape", [(9240,), (8400,), (50, 300), (21, 1000), (60060,), (8193,), (128, 64), (1024, 1024)])
def test_a_sample_is_as_large_as_was_asked_for(shape: tuple[int, ...]) -> None:
    """Whatever divides the size; ranks are within 1.5 %, also where every column has a scale of its own."""
    draw = torch.Generator().manual_seed(4)
    x = torch.randn(shape, generator=draw) * torch.logspace(-2, 2, shape[-1])
    part = read(x, most=8192)
    assert isinstance(part, Sampled)
    assert len(part.sample) == min(8192, x.numel())
    found, whole = settle([part])[0], reduce(x)
    ours, all_values = found.counts / found.counts.sum(), whole.counts / whole.counts.sum()
    assert float((ours.cumsum(0) - all_values.cumsum(0)).abs().max()) < 0.015


def test_infinities_of_both_signs_are_counted_in_silence() -> None:
    """A small tensor that holds them is reduced on its own, and nothing is warned of."""
    x = torch.tensor([math.inf, -math.inf, math.nan, 1.0])
    found, whole = settle([read(x, most=8192)])[0], reduce(x)
    assert torch.equal(found.sums, whole.sums)
    assert torch.equal(found.counts, whole.counts)


def test_room_made_in_inference_mode_or_under_another_default_device_serves_later() -> None:
    """What is kept between calls belongs to no mode: each of these would otherwise raise."""
    from pellucid.maths import sampled as module
    from pellucid.maths import units

    units._scratch.room = None
    module._fractions.cache_clear()
    x = torch.randn(300, 400, generator=torch.Generator().manual_seed(4)).relu()
    with torch.inference_mode(), torch.device("meta"):
        inside = settle([read(x, unit_axis=-1, most=4096)])[0]
    outside = settle([read(x, unit_axis=-1, most=4096)])[0]
    assert torch.equal(inside.units, outside.units)
    assert torch.equal(inside.counts, outside.counts)
