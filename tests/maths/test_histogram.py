"""Histograms over fixed buckets: quantiles within their bound, and what is made of the counts."""

import math
import re
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pellucid.core.errors import InputError
from pellucid.maths.histogram import (
    Histogram,
    bucket_edges,
    bucket_total,
    check_mantissa_bits,
    quantile_error,
)
from pellucid.maths.reduce import reduce
from tests.reference.statistics import slow_quantile

SHARES = (0.0, 0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1.0)

Draw = Callable[[np.random.Generator], np.ndarray]
ADVERSARIES: dict[str, Draw] = {
    "normal": lambda draw: draw.standard_normal(5_000),
    "bimodal": lambda draw: np.concatenate([draw.normal(-1e-6, 1e-8, 2_500), draw.normal(1e6, 1.0, 2_500)]),
    "huge dynamic range": lambda draw: draw.choice([-1, 1], 5_000) * 10.0 ** draw.uniform(-37, 38, 5_000),
    "powers of two": lambda draw: draw.choice([-1, 1], 5_000) * 2.0 ** draw.integers(-126, 127, 5_000),
    "just below powers of two": lambda draw: np.nextafter(2.0 ** draw.integers(-120, 127, 500), 0, dtype="f4"),
    "constant": lambda _: np.full(1_000, 0.1),
    "heavy tails": lambda draw: draw.standard_cauchy(5_000),
    "rectified": lambda draw: np.maximum(draw.standard_normal(5_000), 0),
    "one outlier": lambda draw: np.append(draw.standard_normal(999), 1e30),
    "not all finite": lambda draw: np.append(draw.standard_normal(999), [np.nan, np.inf, -np.inf]),
    "denormals": lambda draw: draw.standard_normal(2_000) * 1e-40,
}


def histogram_of(values: np.ndarray, mantissa_bits: int = 3) -> Histogram:
    """Count values as float32."""
    narrow = torch.from_numpy(values.astype(np.float32))
    return Histogram.from_counts(reduce(narrow, mantissa_bits=mantissa_bits).counts.numpy())


@pytest.mark.parametrize("mantissa_bits", [2, 3, 4, 5])
@pytest.mark.parametrize("name", ADVERSARIES)
def test_quantiles_are_within_the_stated_bound(name: str, mantissa_bits: int) -> None:
    """Every quantile is near the sorted value: in proportion, or absolutely where there are only denormals."""
    values = ADVERSARIES[name](np.random.default_rng(0)).astype(np.float32)
    histogram = histogram_of(values, mantissa_bits)
    for share in SHARES:
        exact = slow_quantile(values, share)
        slack = quantile_error(mantissa_bits) * abs(exact) if abs(exact) >= 2**-126 else 2 ** -(126 + mantissa_bits)
        assert abs(histogram.quantile(share) - exact) <= slack * (1 + 1e-12)


@pytest.mark.parametrize(("mantissa_bits", "error"), [(2, 1 / 9), (3, 1 / 17), (5, 1 / 65)])
def test_the_bound_is_reached(mantissa_bits: int, error: float) -> None:
    """The stated error is the real one: a power of two is off by just that much."""
    assert quantile_error(mantissa_bits) == error
    assert histogram_of(np.array([4.0]), mantissa_bits).quantile(0.5) / 4 - 1 == pytest.approx(error)


@pytest.mark.parametrize("mantissa_bits", [1, 3, 7])
def test_edges_enclose_every_bucket(mantissa_bits: int) -> None:
    """The smallest and largest float32 number of each bucket lie in its edges, and neighbours touch."""
    half = bucket_total(mantissa_bits) // 2
    finite = half - 2**mantissa_bits
    first = (np.arange(finite, dtype=np.uint32) << (23 - mantissa_bits)).view(np.float32).astype(np.float64)
    edges = bucket_edges(np.arange(half, half + finite, dtype=np.uint16), mantissa_bits)
    np.testing.assert_array_equal(edges[:, 0], first)
    np.testing.assert_array_equal(edges[:-1, 1], first[1:])
    assert edges[-1, 1] == 2.0**128
    mirrored = bucket_edges(np.arange(finite, dtype=np.uint16), mantissa_bits)
    np.testing.assert_array_equal(mirrored, -edges[:, ::-1])


def test_edges_and_heights_ascend_from_negative_to_positive() -> None:
    """Buckets come in the order of their values, NaN and infinities left out."""
    histogram = histogram_of(np.array([-8, -1, -1, 0.0, 1, 8, np.nan, np.inf, -np.inf]))
    np.testing.assert_array_equal(histogram.heights(), [1, 2, 1, 1, 1])
    np.testing.assert_allclose(histogram.representatives(), [-8, -1, 0, 1, 8], rtol=1 / 16)
    np.testing.assert_array_equal(histogram.edges()[[0, 1, 3]], [[-9, -8], [-1.125, -1], [1, 1.125]])
    assert histogram.total == 6
    assert histogram.not_finite == 3


def test_nothing_measured() -> None:
    """Without finite values there are no quantiles and no shares, and bins stay empty."""
    for histogram in (histogram_of(np.zeros(0)), histogram_of(np.array([np.nan]))):
        assert math.isnan(histogram.quantile(0.5))
        assert math.isnan(histogram.share_beyond(1.0))
        assert histogram.total == 0
        np.testing.assert_array_equal(histogram.edges_linear(2), [-1, 0, 1])
        np.testing.assert_array_equal(histogram.edges_symlog(2), [-1, 0, 1])
        np.testing.assert_array_equal(histogram.rebin(np.array([-1, 0, 1])), [0, 0])
        np.testing.assert_array_equal(histogram.density(np.array([-1, 0, 1])), [0, 0])


def test_share_beyond_on_an_edge_is_exact() -> None:
    """On bucket edges the share is the counted one; between, it is interpolated."""
    values = np.random.default_rng(1).standard_normal(10_000)
    histogram = histogram_of(values)
    for limit in (0.125, 0.5, 1.0, 1.5, 2.0, 3.0):
        assert histogram.share_beyond(limit) == np.mean(np.abs(values.astype(np.float32)) >= limit)
    assert histogram.share_beyond(1.03) == pytest.approx(np.mean(np.abs(values) > 1.03), abs=0.005)
    assert histogram_of(np.array([0.0, 0.0, 1.0, -1.0])).share_beyond(0.0) == 0.5
    assert histogram.share_beyond(math.inf) == 0


def test_rebin_on_bucket_edges_is_numpy_histogram() -> None:
    """Over edges that are bucket edges the counts are exact, zeros included in the bin that begins at zero."""
    values = np.append(np.random.default_rng(2).standard_normal(5_000), np.zeros(300)).astype(np.float32)
    edges = np.array([-8.0, -2.0, -1.0, -0.5, 0.0, 0.25, 1.0, 8.0])
    np.testing.assert_array_equal(histogram_of(values).rebin(edges), np.histogram(values, edges)[0])
    np.testing.assert_array_equal(histogram_of(np.zeros(3)).rebin(np.array([-1, 0])), [3])


@given(
    values=arrays.arrays(np.float32, st.integers(1, 50), elements=st.floats(-(2.0**100), 2.0**100, width=32)),
    bins=st.integers(1, 40),
)
def test_enclosing_edges_keep_every_value(values: np.ndarray, bins: int) -> None:
    """Linear and symmetric-log edges ascend, enclose everything, and rebinning loses nothing."""
    histogram = histogram_of(values)
    for edges in (histogram.edges_linear(bins), histogram.edges_symlog(bins)):
        assert len(edges) == bins + 1
        assert np.all(np.diff(edges) > 0)
        assert edges[0] <= values.min()
        assert edges[-1] >= values.max()
        assert histogram.rebin(edges).sum() == pytest.approx(len(values))
        assert (histogram.density(edges) * np.diff(edges)).sum() == pytest.approx(1)


def test_symlog_edges_give_each_magnitude_its_room() -> None:
    """Over twelve powers of ten most bins are spaced by a constant factor."""
    values = 10.0 ** np.random.default_rng(3).uniform(-4, 2, 5_000)
    edges = histogram_of(values).edges_symlog(50)
    ratios = edges[20:] / edges[19:-1]
    assert ratios.max() / ratios.min() < 1.05


@given(
    parts=st.lists(arrays.arrays(np.float32, st.integers(0, 30), elements=st.floats(width=32)), min_size=3, max_size=3)
)
def test_merge_adds(parts: list[np.ndarray]) -> None:
    """Merging is associative, commutative, and the histogram of all values."""
    one, two, three = (histogram_of(part) for part in parts)
    whole = histogram_of(np.concatenate(parts))
    for merged in (one.merge(two).merge(three), one.merge(two.merge(three)), three.merge(two).merge(one)):
        np.testing.assert_array_equal(merged.index, whole.index)
        np.testing.assert_array_equal(merged.count, whole.count)


def check_past_the_shape_checker(**fields: np.ndarray) -> None:
    """Build a histogram as it is built outside tests, where nothing else checks the shapes."""
    histogram = object.__new__(Histogram)
    for name, value in fields.items():
        object.__setattr__(histogram, name, value)
    histogram.__post_init__()


REFUSALS: dict[str, tuple[Callable[[], object], str]] = {
    "bits": (
        lambda: check_mantissa_bits(0),
        "mantissa_bits is 0: expected 1 to 7 (2 to 128 buckets per power of two). Leave it out for 3.",
    ),
    "quantile": (
        lambda: histogram_of(np.ones(1)).quantile(50.0),
        "Quantile 50.0 does not exist: expected a share between 0 and 1. For percent, divide by 100.",
    ),
    "magnitude": (
        lambda: histogram_of(np.ones(1)).share_beyond(-1.0),
        "A magnitude of -1.0 does not exist: expected 0 or more. Pass abs(limit).",
    ),
    "edges": (
        lambda: histogram_of(np.ones(1)).rebin(np.array([1.0, 0.0])),
        (
            "Cannot count over 2 edges: expected at least 2, each larger than the one before. edges_linear and "
            "edges_symlog make such edges."
        ),
    ),
    "bins": (lambda: histogram_of(np.ones(1)).edges_linear(0), "Cannot make 0 bins: expected 1 or more."),
    "merge": (
        lambda: histogram_of(np.ones(1)).merge(histogram_of(np.ones(1), 4)),
        (
            "Cannot merge a histogram of mantissa_bits 3 with one of mantissa_bits 4: their buckets differ. Measure "
            "both with the same mantissa_bits."
        ),
    ),
    "counts": (
        lambda: Histogram.from_counts(np.zeros(4095, dtype=np.int64)),
        (
            "4095 buckets: expected 512 x 2**k with k from 1 to 7, as in the counts that pellucid.maths.reduce.reduce "
            "returns. Pass those counts whole."
        ),
    ),
    "lengths": (
        lambda: check_past_the_shape_checker(index=np.zeros(1, dtype=np.uint16), count=np.zeros(0, dtype=np.int64)),
        (
            "A histogram with 1 bucket numbers and 0 counts: expected one count for each. Build it with "
            "Histogram.from_counts."
        ),
    ),
    "order": (
        lambda: Histogram(index=np.array([2, 1], dtype=np.uint16), count=np.ones(2, dtype=np.int64)),
        (
            "The bucket numbers of a histogram must be ascending, each once, and below 4096. Build it with "
            "Histogram.from_counts."
        ),
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals(name: str) -> None:
    """Each refusal says what came, what was expected, and what to do."""
    work, message = REFUSALS[name]
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        work()
