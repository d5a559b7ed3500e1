"""Series of tensor statistics: made, read, picked, joined, merged and stored."""

import dataclasses
import math
import re
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from pellucid.core.errors import FormatError, InputError
from pellucid.maths.reduce import merge, reduce
from pellucid.maths.series import TensorSeries

Step = dict[str, tuple[Tensor, int | None]]


def tensors(seed: int, *names: str) -> Step:
    """Draw the tensors of one step: a rectified layer with units, a convolution with units, a weight."""
    draw = torch.Generator().manual_seed(seed)
    known: Step = {
        "layer": (torch.randn(20, 6, generator=draw).relu(), -1),
        "conv": (torch.randn(20, 3, 4, 4, generator=draw).relu(), 1),
        "weight": (torch.randn(7, 5, generator=draw) * 0.1, None),
    }
    return {name: known[name] for name in (names or known)}


def series(steps: dict[int, Step]) -> TensorSeries:
    """Reduce every tensor of every step."""
    return TensorSeries.concatenate(
        [
            TensorSeries.from_reduced(step, {name: reduce(x, unit_axis=axis) for name, (x, axis) in found.items()})
            for step, found in steps.items()
        ]
    )


def assert_equal(first: TensorSeries, second: TensorSeries) -> None:
    """Compare every field exactly."""
    assert first.names == second.names
    assert first.mantissa_bits == second.mantissa_bits
    for field in dataclasses.fields(first):
        one, two = getattr(first, field.name), getattr(second, field.name)
        if isinstance(one, np.ndarray):
            assert one.dtype == two.dtype
            np.testing.assert_array_equal(one, two, err_msg=field.name)


def test_statistics_are_those_of_the_values() -> None:
    """Each statistic of each tensor and step is what NumPy computes from the finite values."""
    steps = {0: tensors(0), 10: tensors(1)}
    steps[10]["weight"][0][0, :3] = torch.tensor([math.nan, math.inf, -math.inf])
    found = series(steps)
    assert found.names == ("layer", "conv", "weight")
    assert found.steps.tolist() == [0, 10]
    for row, step in enumerate(steps.values()):
        for column, (x, _) in enumerate(step.values()):
            every = x.double().numpy().ravel()
            values = every[np.isfinite(every)]
            at = (row, column)
            assert found.count[at] == len(every)
            assert found.finite[at] == len(values)
            assert found.zeros[at] == (every == 0).sum()
            assert found.nans[at] == np.isnan(every).sum()
            assert found.infinities[at] == np.isinf(every).sum()
            assert found.minimum[at] == values.min()
            assert found.maximum[at] == values.max()
            expected = {
                "mean": values.mean(),
                "std": values.std(),
                "rms": np.sqrt((values**2).mean()),
                "norm": np.linalg.norm(values),
                "mean_absolute": np.abs(values).mean(),
            }
            for name, value in expected.items():
                assert getattr(found, name)[at] == pytest.approx(value, rel=1e-6), name


@pytest.mark.parametrize("value", [0.1, 0.3, 1 / 3, 7.7, -1e-6])
def test_equal_values_have_no_spread(value: float) -> None:
    """The standard deviation of a constant is exactly 0, not a difference of roundings."""
    found = series({0: {"small": (torch.full((100,), value), None), "large": (torch.full((9_999,), value), None)}})
    assert found.std.tolist() == [[0.0, 0.0]]


def test_where_nothing_was_measured_there_is_nan() -> None:
    """Absent and empty tensors are NaN in every statistic; without finite values only the counts are known."""
    found = TensorSeries.concatenate(
        [
            series({0: {"a": (torch.ones(2), None), "empty": (torch.zeros(0), None)}}),
            series({1: {"b": (torch.tensor([math.nan, math.inf]), None)}}),
        ]
    )
    assert found.names == ("a", "empty", "b")
    missing = [[False, True, True], [True, True, False]]
    for name in ("count", "finite", "zeros", "nans", "infinities"):
        assert np.isnan(getattr(found, name)).tolist() == missing, name
    for name in ("mean", "std", "rms", "norm", "mean_absolute", "minimum", "maximum"):
        assert np.isnan(getattr(found, name)).tolist() == [[False, True, True], [True, True, True]], name
    assert found.nans[1, 2] == 1
    assert found.infinities[1, 2] == 1
    assert found.finite[1, 2] == 0
    assert found.histogram(1, "a").total == 0


def test_histograms_of_one_step_and_of_several() -> None:
    """A histogram at a step is that of the tensor, and over steps that of all its tensors together."""
    steps = {step: tensors(step) for step in range(4)}
    found = series(steps)
    for name in found.names:
        one = reduce(steps[2][name][0]).counts.numpy()
        histogram = found.histogram(2, name)
        np.testing.assert_array_equal(histogram.index, np.flatnonzero(one))
        np.testing.assert_array_equal(histogram.count, one[one > 0])
    cases: list[tuple[int | slice | None, range]] = [
        (None, range(4)),
        (2, range(2, 4)),
        (9, range(4)),
        (slice(0, 4, 2), range(0, 4, 2)),
        (slice(0, 0), range(0)),
    ]
    for last, picked in cases:
        for name, histogram in zip(found.names, found.over_steps(last), strict=True):
            whole = sum((reduce(steps[step][name][0]).counts for step in picked), torch.zeros(4096)).numpy()
            np.testing.assert_array_equal(histogram.index, np.flatnonzero(whole))
            np.testing.assert_array_equal(histogram.count, whole[whole > 0])


def test_unit_counts_add_over_steps() -> None:
    """Seen and active samples of each unit add up over the steps asked for."""
    steps = {step: tensors(step) for step in range(3)}
    found = series(steps)
    layers = [steps[step]["layer"][0] for step in range(3)]
    counts = found.unit_counts("layer")
    assert counts[0].tolist() == [60] * 6
    np.testing.assert_array_equal(counts[1], sum((x != 0).sum(0).numpy() for x in layers))
    np.testing.assert_array_equal(found.unit_counts(0, 1)[1], (layers[2] != 0).sum(0).numpy())
    active = (steps[1]["conv"][0] != 0).flatten(2).any(2).sum(0).numpy()
    np.testing.assert_array_equal(found.unit_counts("conv", slice(1, 2))[1], active)
    assert found.unit_counts("weight").shape == (3, 0)


def test_select_reorders_and_keeps_everything() -> None:
    """Selected tensors carry their buckets and units along, in the order asked for."""
    found = series({step: tensors(step) for step in range(3)})
    expected = series({step: tensors(step, "weight", "layer") for step in range(3)})
    assert found.select(["weight", "layer"]).names == ("weight", "layer")
    picked = found.select(["weight", "layer"])
    for name in picked.names:
        np.testing.assert_array_equal(picked.unit_counts(name), found.unit_counts(name))
        np.testing.assert_array_equal(picked.mean[:, picked.place(name)], found.mean[:, found.place(name)])
        np.testing.assert_array_equal(picked.histogram(1, name).count, found.histogram(1, name).count)
    assert picked.select(()).names == ()
    assert expected.names == picked.names
    assert_equal(found.select(found.names), found)


@pytest.mark.parametrize(
    ("most", "kept"), [(1, [9]), (2, [0, 9]), (4, [0, 3, 6, 9]), (10, list(range(10))), (99, list(range(10)))]
)
def test_thin_keeps_the_ends(most: int, kept: list[int]) -> None:
    """Thinning keeps whole steps, evenly spaced, the first and the last among them."""
    steps = {step: tensors(step) for step in range(10)}
    assert_equal(series(steps).thin(most), series({step: steps[step] for step in kept}))


def test_concatenate_aligns_names() -> None:
    """A tensor that is missing from a part counts as absent there, with its units at zero."""
    first, second = series({0: tensors(0, "layer", "weight")}), series({5: tensors(5, "conv", "layer")})
    joined = TensorSeries.concatenate([first, second, TensorSeries.empty()])
    assert joined.names == ("layer", "weight", "conv")
    assert joined.steps.tolist() == [0, 5]
    assert joined.unit_counts("conv", slice(0, 1)).sum() == 0
    np.testing.assert_array_equal(joined.unit_counts("conv", 1), second.unit_counts("conv"))
    np.testing.assert_array_equal(joined.unit_counts("layer"), first.unit_counts(0) + second.unit_counts(1))
    np.testing.assert_array_equal(joined.histogram(1, "conv").index, second.histogram(0, "conv").index)
    assert joined.histogram(1, "weight").total == 0
    assert joined.extremes[1, 1].tolist() == [-math.inf, -math.inf]


def test_concatenate_is_associative() -> None:
    """The grouping of the parts does not matter."""
    one, two, three = (
        series({step: tensors(step, *names)})
        for step, names in enumerate([("layer",), ("weight", "layer"), ("conv", "weight")])
    )
    join = TensorSeries.concatenate
    assert_equal(join([join([one, two]), three]), join([one, join([two, three])]))
    assert_equal(join([one]), one)
    assert_equal(join([]), TensorSeries.empty())


def test_merge_is_the_reduction_of_all_ranks() -> None:
    """Merging two ranks gives what merging each of their tensors gives, in either order."""
    ranks = [{step: tensors(10 * rank + step) for step in range(3)} for rank in range(2)]
    merged = series(ranks[0]).merge(series(ranks[1]))
    expected = TensorSeries.concatenate(
        [
            TensorSeries.from_reduced(
                step,
                {
                    name: merge(reduce(x, unit_axis=axis), reduce(ranks[1][step][name][0], unit_axis=axis))
                    for name, (x, axis) in found.items()
                },
            )
            for step, found in ranks[0].items()
        ]
    )
    assert_equal(merged, expected)
    assert_equal(series(ranks[1]).merge(series(ranks[0])), merged)


def test_merge_takes_tensors_that_one_rank_lacks() -> None:
    """A tensor on one rank only comes through unchanged."""
    one, two = series({0: tensors(0, "layer")}), series({0: tensors(1, "weight", "conv")})
    merged = one.merge(two)
    assert merged.names == ("layer", "weight", "conv")
    assert_equal(merged.select(["layer"]), one)
    assert_equal(merged.select(["weight", "conv"]), two)


@pytest.mark.parametrize(
    "found", [TensorSeries.empty(), series({3: tensors(0), 9: tensors(1)}), series({0: {"ü.0": (torch.ones(2), 0)}})]
)
def test_stored_arrays_come_back(found: TensorSeries) -> None:
    """Taking a series apart and building it again changes nothing, names in any script included."""
    assert_equal(TensorSeries.from_arrays(found.arrays()), found)


def test_damaged_arrays_are_refused() -> None:
    """Missing, mistyped and inconsistent arrays are one kind of error each, and no crash."""
    stored = series({3: tensors(0)}).arrays()
    message = (
        "These arrays are no TensorSeries: steps, sums missing, unknown or of another type. Pass what "
        "TensorSeries.arrays returned."
    )
    damaged = {**stored, "sums": stored["sums"].astype(np.float32)}
    del damaged["steps"]
    with pytest.raises(FormatError, match=f"^{re.escape(message)}$"):
        TensorSeries.from_arrays(damaged)
    for name in stored:
        with pytest.raises(FormatError):
            TensorSeries.from_arrays({**stored, name: stored[name][:-1]})
    with pytest.raises(FormatError):
        TensorSeries.from_arrays({**stored, "bucket_offsets": stored["bucket_offsets"][::-1].copy()})


def wide(units: int) -> TensorSeries:
    """Make a series with one tensor of so many units."""
    return series({0: {"layer": (torch.ones(4, units), 1)}})


REFUSALS: dict[str, tuple[Callable[[], object], str]] = {
    "name": (
        lambda: wide(2).place("leyer"),
        "No tensor 'leyer' in this series of 1. Closest: 'layer'. series.names lists them all.",
    ),
    "name far from all": (
        lambda: wide(2).place("q"),
        "No tensor 'q' in this series of 1. series.names lists them all.",
    ),
    "place": (
        lambda: wide(2).place(1),
        "No tensor at place 1 in this series of 1. series.names lists them all.",
    ),
    "step": (
        lambda: wide(2).histogram(5, 0),
        "No step at place 5 in a series of 1 steps. Places are not step numbers: series.steps lists those.",
    ),
    "last": (
        lambda: wide(2).over_steps(0),
        "Cannot take the last 0 steps: expected 1 or more, a slice, or None for all.",
    ),
    "thin": (lambda: wide(2).thin(0), "Cannot thin a series to 0 steps: expected 1 or more."),
    "units": (
        lambda: TensorSeries.concatenate([wide(2), wide(3)]),
        (
            "Tensor 'layer' has 2 units in one series and 3 in another: expected the same model. Select the other "
            "tensors, or measure one of the runs again."
        ),
    ),
    "bits": (
        lambda: wide(2).merge(
            TensorSeries.from_reduced(0, {"layer": reduce(torch.ones(4, 2), unit_axis=1, mantissa_bits=4)})
        ),
        "Cannot join series with mantissa_bits [3, 4]: their buckets differ. Measure all with the same.",
    ),
    "merge": (
        lambda: wide(2).merge(series({1: tensors(0)})),
        (
            "Cannot merge series of 1 and 1 steps whose numbers differ: expected the same steps in the same order. "
            "TensorSeries.concatenate joins different steps."
        ),
    ),
    "nothing reduced": (
        lambda: TensorSeries.from_reduced(7, {}),
        ("Step 7 has 0 tensors with [] buckets: expected one tensor or more, all reduced with the same mantissa_bits."),
    ),
    "twice": (
        lambda: wide(2).select(["layer", "layer"]),
        "The names of a series must differ: ('layer', 'layer'). Rename one, or merge the two.",
    ),
    "shape": (
        lambda: dataclasses.replace(wide(2), names=("layer", "more")),
        (
            "sums of a series has shape (1, 1, 8): expected (1, 2, 8) from the number of its steps, tensors and units. "
            "Build series with TensorSeries.from_reduced and TensorSeries.concatenate."
        ),
    ),
    "offsets": (
        lambda: dataclasses.replace(wide(2), unit_offsets=np.array([1, 2])),
        (
            "unit_offsets must rise from 0 to 2, the number of values that it divides into rows; it goes from 1 to 2. "
            "Build it with np.cumsum of the lengths."
        ),
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals(name: str) -> None:
    """Each refusal says what came, what was expected, and what to do."""
    work, message = REFUSALS[name]
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        work()
