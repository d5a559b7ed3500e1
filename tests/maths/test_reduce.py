"""Reducing tensors: both ways against the slow twin, and against each other."""

import math
import os
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from torch import Tensor

from pellucid.core.errors import InputError
from pellucid.maths import reduce as reducing
from pellucid.maths import units
from pellucid.maths.reduce import SUMS, Reduced, merge, reduce
from tests.reference.statistics import slow_statistics, slow_units

WAYS = ("small", "looking", "blind", "blind with lanes")
EXACT = [SUMS.index(name) for name in SUMS[:5]]
TOTAL, SQUARES, ABSOLUTES = (SUMS.index(name) for name in SUMS[5:])

# NaN with any payload, infinities, denormals and both zeros included.
floats = st.floats(width=32, allow_nan=True, allow_infinity=True, allow_subnormal=True)
values = arrays.arrays(np.float32, st.integers(0, 60), elements=floats)


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Take one of the ways that a tensor can go, whatever its size."""
    take(request.param, monkeypatch)
    return request.param


def take(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Force one way, with pieces so small that every tensor has several."""
    monkeypatch.setattr(reducing, "_SMALL", 10**9 if way == "small" else 0)
    _set(monkeypatch, "CACHE_PIECE", 50_000)
    if way.startswith("blind"):
        _set(monkeypatch, "may_look", lambda _: False)
        _set(monkeypatch, "BRANCH_FREE_PIECE", 50_000)
    if way == "blind with lanes":
        monkeypatch.setattr(reducing, "_lanes", lambda _: 8)


def _set(monkeypatch: pytest.MonkeyPatch, name: str, value: Any) -> None:
    for module in (reducing, units):
        if hasattr(module, name):
            monkeypatch.setattr(module, name, value)


def assert_like_twin(found: Reduced, x: Tensor, mantissa_bits: int = 3) -> None:
    """Compare counts and extremes exactly, and sums within the stated bound."""
    expected = slow_statistics(x.detach().resolve_neg().to(torch.float32).numpy(), mantissa_bits)
    sums = found.sums.tolist()
    assert [sums[place] for place in EXACT] == [expected.sums[place] for place in EXACT]
    assert tuple(found.extremes.tolist()) == expected.extremes
    assert {int(place): int(found.counts[place]) for place in found.counts.nonzero()} == expected.counts
    # Below float32's range a square may vanish beside the largest of its piece, and only there.
    assert abs(sums[TOTAL] - expected.sums[TOTAL]) <= 1e-5 * expected.sums[ABSOLUTES]
    assert sums[SQUARES] == pytest.approx(expected.sums[SQUARES], rel=1e-5, abs=1e-300)
    assert sums[ABSOLUTES] == pytest.approx(expected.sums[ABSOLUTES], rel=1e-5, abs=1e-300)


def bits(*patterns: int) -> Tensor:
    """Build float32 numbers from their bits."""
    return torch.from_numpy(np.array(patterns, dtype=np.uint32).view(np.float32).copy())


DISTRIBUTIONS = {
    "normal": lambda: torch.randn(120_001),
    "rectified": lambda: torch.randn(70_000).relu(),
    "negative": lambda: -torch.rand(1_000) - 0.1,
    "constant": lambda: torch.full((100_003,), 0.1),
    "zeros": lambda: torch.zeros(1_000),
    "negative zeros": lambda: -torch.zeros(1_000),
    "largest": lambda: torch.full((100_000,), torch.finfo(torch.float32).max),
    "largest of both signs": lambda: torch.tensor([3.4028234e38, -3.4028234e38] * 40_000),
    "tiny gradients": lambda: torch.randn(60_000) * 1e-25,
    "denormals": lambda: torch.randn(1_000) * 1e-41,
    "smallest denormal": lambda: torch.tensor([1e-45, -1e-45, 0.0, -0.0] * 20_000),
    "mixed magnitudes": lambda: torch.randn(60_000) * 10.0 ** torch.randint(-40, 38, (60_000,)),
    "one NaN": lambda: torch.cat([torch.randn(60_000), torch.tensor([math.nan])]),
    "everything": lambda: torch.tensor([math.nan, math.inf, -math.inf, 0.0, -0.0, 1e-45, -3.4e38, 1.0] * 30),
    "nothing finite": lambda: torch.tensor([math.nan, math.inf, -math.inf]),
    "NaN of every kind": lambda: bits(0x7F800001, 0x7FC00000, 0xFF800001, 0xFFFFFFFF, 0x7F800000, 0xFF800000),
}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_agrees_with_the_slow_twin(name: str, way: str) -> None:
    """Every way counts exactly and sums within the stated bound, on harmless and on hostile values."""
    x = DISTRIBUTIONS[name]()
    assert_like_twin(reduce(x), x)


@pytest.mark.parametrize("mantissa_bits", range(1, 8))
def test_buckets_of_every_width(mantissa_bits: int, way: str) -> None:
    """The bucket is sign, exponent and the front of the mantissa, for every number of bits."""
    x = torch.randn(3_000) * 10.0 ** torch.randint(-44, 38, (3_000,))
    found = reduce(x, mantissa_bits=mantissa_bits)
    assert found.counts.shape == (512 * 2**mantissa_bits,)
    assert_like_twin(found, x, mantissa_bits)


@given(array=values)
@pytest.mark.parametrize("name", WAYS)
def test_agrees_with_the_slow_twin_on_any_bits(name: str, array: np.ndarray) -> None:
    """Arbitrary float32 bits are counted exactly on every way."""
    with pytest.MonkeyPatch.context() as patch:
        take(name, patch)
        x = torch.from_numpy(array)
        assert_like_twin(reduce(x), x)


@given(parts=st.lists(values, min_size=3, max_size=3))
def test_merge_is_associative_commutative_and_equals_the_whole(parts: list[np.ndarray]) -> None:
    """Merging the parts in any order and grouping gives the statistics of all values together."""
    one, two, three = (reduce(torch.from_numpy(part)) for part in parts)
    whole = reduce(torch.from_numpy(np.concatenate(parts)))
    for merged in (merge(merge(one, two), three), merge(one, merge(two, three)), merge(three, merge(two, one))):
        assert torch.equal(merged.counts, whole.counts)
        assert torch.equal(merged.extremes, whole.extremes)
        assert torch.equal(merged.sums[:5], whole.sums[:5])
        slack = 1e-5 * whole.sums[ABSOLUTES].item()
        assert abs(merged.sums[TOTAL] - whole.sums[TOTAL]).item() <= slack
        torch.testing.assert_close(merged.sums[SQUARES:], whole.sums[SQUARES:], rtol=1e-5, atol=1e-300)


@given(split=st.integers(1, 15), seed=st.integers(0, 1000))
def test_splitting_the_batch_changes_nothing(split: int, seed: int) -> None:
    """Units, counts and extremes of a batch are those of its halves, merged."""
    draw = torch.Generator().manual_seed(seed)
    x = torch.randn(16, 5, 3, generator=draw).relu()
    whole = reduce(x, unit_axis=1, saturation=(-1.0, 1.0))
    halves = (reduce(part, unit_axis=1, saturation=(-1.0, 1.0)) for part in (x[:split], x[split:]))
    merged = merge(*halves)
    assert torch.equal(merged.counts, whole.counts)
    assert torch.equal(merged.extremes, whole.extremes)
    assert merged.units is not None
    assert whole.units is not None
    assert torch.equal(merged.units, whole.units)


@pytest.mark.parametrize(
    ("shape", "axis", "grid"),
    [
        ((40, 7), -1, (40, 7, 1)),
        ((40, 7), 1, (40, 7, 1)),
        ((6, 9, 5), -1, (54, 5, 1)),
        ((30, 4, 3, 5), 1, (30, 4, 15)),
        ((30, 4, 3), 1, (30, 4, 3)),
        ((4, 3, 5), 0, (1, 4, 15)),
        ((11,), 0, (1, 11, 1)),
    ],
)
def test_units_of_dense_token_and_conv_layers(
    shape: tuple[int, ...], axis: int, grid: tuple[int, ...], way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Samples, active samples and saturated samples of each unit are those of the slow count."""
    _set(monkeypatch, "CACHE_PIECE", 64)
    _set(monkeypatch, "BRANCH_FREE_PIECE", 64)
    x = torch.randint(-2, 3, shape).float().relu()
    x.view(-1)[3] = math.nan
    found = reduce(x, unit_axis=axis, saturation=(0.0, 2.0)).units
    assert found is not None
    np.testing.assert_array_equal(found.numpy(), slow_units(x.reshape(grid).numpy(), low=0.0, high=2.0))
    assert torch.equal(reduce(x, unit_axis=axis).units[2], torch.zeros(grid[1], dtype=torch.int64))


def test_a_conv_unit_is_active_where_any_position_is_and_saturated_where_all_are(way: str) -> None:
    """The example from the contract, counted by hand."""
    x = torch.tensor([[[0.0, 0.0], [0.0, 0.3], [1.0, 1.0]], [[0.0, -1.0], [1.0, 0.3], [-1.0, 1.0]]])
    units = reduce(x, unit_axis=1, saturation=(-1.0, 1.0)).units
    assert units is not None
    assert units.tolist() == [[2, 2, 2], [1, 2, 2], [0, 0, 2]]


@pytest.mark.parametrize("shape", [(0,), (0, 4), (4, 0), (3, 4, 0)])
def test_empty_tensors(shape: tuple[int, ...], way: str) -> None:
    """Nothing is counted, the extremes say so, and the units have the right shape."""
    x = torch.zeros(shape)
    found = reduce(x, unit_axis=min(1, x.dim() - 1))
    assert found.sums.tolist() == [0.0] * 8
    assert found.extremes.tolist() == [-math.inf, -math.inf]
    assert found.counts.shape == (4096,)
    assert found.counts.sum() == 0
    assert found.units is not None
    assert found.units[1:].sum() == 0
    assert found.units.shape == (3, shape[min(1, x.dim() - 1)])


def test_scalars(way: str) -> None:
    """A tensor without axes is one value."""
    x = torch.tensor(-2.5)
    assert_like_twin(reduce(x), x)


@pytest.mark.parametrize(
    "dtype",
    [torch.bool, torch.uint8, torch.int8, torch.int32, torch.int64, torch.float16, torch.bfloat16, torch.float64],
)
def test_other_types_are_read_as_float32(dtype: torch.dtype, way: str) -> None:
    """Whole numbers, truth values and other precisions give what their float32 values give."""
    x = (torch.randn(1_000) * 3).to(dtype)
    assert_like_twin(reduce(x), x)
    units = reduce(x.view(100, 10), unit_axis=-1).units
    assert units is not None
    assert torch.equal(units[1], (x.view(100, 10) != 0).sum(0))


def test_float64_beyond_float32_counts_as_infinite_and_as_zero(way: str) -> None:
    """Values too large for float32 are infinities, values too small are zeros, as the docstring says."""
    found = reduce(torch.tensor([1e300, -1e300, 1e-300, 1.0], dtype=torch.float64))
    assert found.sums.tolist() == [2, 1, 0, 1, 1, 1, 1, 1]


@pytest.mark.parametrize(
    "view",
    [
        lambda x: x.t(),
        lambda x: x[::2, 1::3],
        lambda x: x.view(8, 5, 6, 5).to(memory_format=torch.channels_last),
        lambda x: x.view(8, 5, 30).permute(2, 0, 1),
        lambda x: x[0].expand(7, -1),
        lambda x: x.flip(0),
        lambda x: torch.view_as_complex(x.view(8, 75, 2)).conj().imag,
        torch.nn.Parameter,
        lambda x: (torch.nn.Parameter(x) * 2).relu(),
    ],
)
def test_any_layout(view: Callable[[Tensor], Tensor], way: str) -> None:
    """Transposed, sliced, expanded, negated, and gradient-carrying tensors give what their values give."""
    x = view(torch.randn(8, 150).relu_())
    found = reduce(x, unit_axis=1, saturation=(0.0, 1.0))
    assert_like_twin(found, x)
    plain = reduce(x.detach().clone().contiguous(), unit_axis=1, saturation=(0.0, 1.0))
    assert found.units is not None
    assert torch.equal(found.units, plain.units)
    assert not found.sums.requires_grad


def test_the_tensor_is_only_read(way: str) -> None:
    """Values, version counter, gradient history and random state stay as they were."""
    x = torch.randn(200, 30, requires_grad=True)
    before, version, state = x.detach().clone(), x._version, torch.get_rng_state()
    reduce(x, unit_axis=-1, saturation=(-1.0, 1.0))
    assert torch.equal(x.detach(), before)
    assert x._version == version
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("name", WAYS[1:])
def test_the_ways_agree(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each way gives the counts and extremes of the first exactly, and its sums within the bound."""
    x = torch.randn(300, 400) * 10.0 ** torch.randint(-30, 30, (300, 1))
    x[5, 5], x[7, 7], x[9] = math.nan, -math.inf, 0.0
    take("small", monkeypatch)
    first = reduce(x, unit_axis=-1, saturation=(-1.0, 1.0))
    take(name, monkeypatch)
    second = reduce(x, unit_axis=-1, saturation=(-1.0, 1.0))
    assert torch.equal(first.counts, second.counts)
    assert first.units is not None
    assert second.units is not None
    assert torch.equal(first.units, second.units)
    assert torch.equal(first.extremes, second.extremes)
    assert torch.equal(first.sums[:5], second.sums[:5])
    torch.testing.assert_close(first.sums[5:], second.sums[5:], rtol=1e-5, atol=1e-5 * first.sums[7].item())


@pytest.mark.parametrize("mean", [0.0, 0.1, 1.0, 1000.0])
def test_sums_are_better_than_promised(mean: float) -> None:
    """On the default way, over two million values, sums are within 1e-6 of exact ones; the promise is 1e-5."""
    x = torch.randn(1 << 21) + mean
    exact = x.double()
    sums = reduce(x).sums
    magnitude = math.fsum(exact.abs().tolist())
    assert abs(sums[TOTAL].item() - math.fsum(exact.tolist())) <= 1e-6 * magnitude
    assert sums[ABSOLUTES].item() == pytest.approx(magnitude, rel=1e-6)
    assert sums[SQUARES].item() == pytest.approx(math.fsum(exact.square().tolist()), rel=1e-6)


COMPILED = """
import torch
from pellucid.maths.reduce import reduce
torch.set_num_threads(1)

def measure(x):
    return reduce(x, unit_axis=1, saturation=(-1.0, 1.0))

torch.manual_seed(0)
x = torch.randn(32, 6, 5, 5)
x[0, 0, 0, 0], x[1, 1, 1, 1], x[2] = float("nan"), float("inf"), 0.0
compiled = torch.compile(measure, fullgraph=True, backend="aot_eager")
for values in (x, x.to(memory_format=torch.channels_last), x.bfloat16(), x.requires_grad_()):
    one, two = measure(values), compiled(values)
    assert torch.equal(one.counts, two.counts)
    assert torch.equal(one.units, two.units)
    assert torch.equal(one.extremes, two.extremes)
    torch.testing.assert_close(one.sums, two.sums, rtol=1e-5, atol=1e-5 * one.sums[7].item())
print("no graph break")
"""


def test_compiles_without_a_graph_break() -> None:
    """torch.compile takes the whole function as one graph, and it gives what eager mode gives."""
    # In a process of its own: the shape checks of the test run are no part of the compiled function.
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", COMPILED],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    assert done.stdout == "no graph break\n", done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"x": torch.zeros(2, 3, dtype=torch.complex64)},
            (
                "Cannot reduce a complex tensor (torch.complex64, shape (2, 3)): complex numbers have no order, so no "
                "buckets. Pass torch.view_as_real(x), or x.abs()."
            ),
        ),
        (
            {"x": torch.zeros(2, 3).to_sparse()},
            (
                "Cannot reduce a tensor of layout torch.sparse_coo (shape (2, 3)): expected a dense tensor. Pass "
                "x.to_dense()."
            ),
        ),
        (
            {"x": torch.zeros(2, 3), "unit_axis": 2},
            (
                "unit_axis 2 does not exist in a tensor of shape (2, 3): expected an axis from -2 to 1. Pass "
                "unit_axis=None when there are no units."
            ),
        ),
        (
            {"x": torch.zeros(()), "unit_axis": -1},
            "A tensor without axes has no units: unit_axis is -1. Pass unit_axis=None.",
        ),
        (
            {"x": torch.zeros(2), "unit_axis": 0, "saturation": (1.0, -1.0)},
            (
                "saturation (1.0, -1.0) leaves nothing between its limits: expected (low, high) with low < high. Pass "
                "-inf or inf for a side without a limit."
            ),
        ),
        (
            {"x": torch.zeros(2), "saturation": (-1.0, 1.0)},
            (
                "saturation (-1.0, 1.0) is counted per unit, and no unit_axis was named. Name the axis that numbers "
                "the units."
            ),
        ),
        (
            {"x": torch.zeros(2), "mantissa_bits": 8},
            "mantissa_bits is 8: expected 1 to 7 (2 to 128 buckets per power of two). Leave it out for 3.",
        ),
    ],
)
def test_what_cannot_be_reduced(arguments: dict[str, Any], message: str) -> None:
    """Each refusal says what came, what was expected, and what to do."""
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        reduce(**arguments)


def test_what_cannot_be_merged() -> None:
    """Statistics over different buckets or units do not merge."""
    plain, fine = reduce(torch.zeros(3)), reduce(torch.zeros(3), mantissa_bits=4)
    message = (
        "Cannot merge 4096 buckets with 8192: both must come from pellucid.maths.reduce.reduce with the same "
        "mantissa_bits. Reduce one of them again."
    )
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        merge(plain, fine)
    message = (
        "Cannot merge statistics of no units with statistics of 3 units: both must come from "
        "pellucid.maths.reduce.reduce with a unit_axis of the same length. Reduce one of them again."
    )
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        merge(plain, reduce(torch.zeros(3), unit_axis=0))
