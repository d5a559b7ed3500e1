"""When something began: against plain loops."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pellucid.maths.onset import (
    aligned_columns,
    bad_values,
    last_stretch,
    most_telling,
    sound_steps,
    unit_windows,
)
from pellucid.maths.reduce import reduce
from pellucid.maths.series import TensorSeries


def _series(*values: torch.Tensor) -> TensorSeries:
    return TensorSeries.concatenate(
        [TensorSeries.from_reduced(step, {"a": reduce(one, unit_axis=-1)}) for step, one in enumerate(values)]
    )


def test_sound_steps_end_at_the_first_bad_value() -> None:
    """NaN and infinities end what is sound; -inf does not when masks are allowed."""
    fine, mask, bad = torch.ones(2, 3), torch.tensor([[-torch.inf, 1, 1]]), torch.tensor([[torch.nan, 1, torch.inf]])
    series = _series(fine, mask, bad, fine)
    assert (sound_steps(series), sound_steps(series, masks=True)) == (1, 2)
    assert bad_values(series).tolist() == [[0], [1], [2], [0]]
    assert sound_steps(_series(fine, fine)) == 2


@given(st.lists(st.booleans(), max_size=12))
def test_last_stretch(holds: list[bool]) -> None:
    """It is the first place after the last false, and there is none when the last one is false."""
    expected = None
    for place in range(len(holds) - 1, -1, -1):
        if not holds[place]:
            break
        expected = place
    assert last_stretch(np.array(holds, dtype=bool)) == expected


@given(st.lists(st.integers(0, 9), min_size=1, max_size=8), st.integers(1, 20))
def test_windows_are_the_shortest_that_hold_enough(sizes: list[int], samples: int) -> None:
    """For each measured step, the window that ends there is the shortest with enough samples."""
    generator = torch.Generator().manual_seed(1)
    values = [torch.relu(torch.randn(size, 4, generator=generator) - 1) for size in sizes]
    windows = unit_windows(_series(*values), 0, samples=samples)
    expected = []
    for end in range(len(sizes)):
        begin = next((b for b in range(end, -1, -1) if sum(sizes[b : end + 1]) >= samples), None)
        if begin is not None and sizes[end]:
            active = (torch.cat(values[begin : end + 1]) != 0).sum(0).tolist()
            expected.append((begin, end, sum(sizes[begin : end + 1]), active))
    found = zip(
        windows.first.tolist(),
        windows.last.tolist(),
        windows.samples.tolist(),
        windows.active.tolist(),
        strict=True,
    )
    assert list(found) == expected


def test_columns_are_aligned_by_name() -> None:
    """Columns move with their names, and new ones are filled."""
    table = aligned_columns(("b", "c", "a"), ("a", "b"), np.array([[1.0, 2.0]]), missing=np.nan)
    assert np.array_equal(table, np.array([[2.0, np.nan, 1.0]]), equal_nan=True)


@pytest.mark.parametrize(
    ("count", "at_fault", "expected"),
    [
        (3, [1], (0, 1, 2)),
        (10, [], (0, 3, 6, 9)),
        (10, [4], (0, 4, 9)),
        (10_000, range(10_000), (0, 3333, 6666, 9999)),
    ],
)
def test_most_telling(count: int, at_fault: list[int], expected: tuple[int, ...]) -> None:
    """Those at fault come first, and others evenly spread with the ends among them."""
    found = most_telling(count, at_fault, most=4)
    assert len(found) == min(count, 4)
    assert set(expected) <= set(found)
    assert list(found) == sorted(found)
