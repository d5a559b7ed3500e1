"""Tests of separation: slow twins, known answers, and what must not change it."""

from dataclasses import astuple

import numpy as np
import pytest
from numpy.typing import NDArray

from pellucid.maths.separation import (
    collapse,
    distances,
    means_of,
    nearest,
    resampled,
    scatter_ratio,
    scatter_ratios,
    silhouettes,
    stratified,
)
from tests.reference import separation as slow

Values = NDArray[np.float64]


def crowd(examples: int = 60, units: int = 5, groups: int = 4, seed: int = 0) -> tuple[Values, NDArray[np.int64]]:
    """Return groups of unequal size around means of their own, far from the origin."""
    source = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(groups), source.choice(groups, examples - groups, p=[0.1, 0.2, 0.3, 0.4])])
    means = source.normal(size=(groups, units)) * 2
    return means[labels] + source.normal(size=(examples, units)) + 100, labels


@pytest.mark.parametrize("seed", range(3))
def test_all_is_what_the_formulas_say(seed: int) -> None:
    """Scatter, silhouettes and collapse equal the slow twin, which goes over pairs and makes dense matrices."""
    values, groups = crowd(seed=seed)
    source = np.random.default_rng(seed)
    head, said = source.normal(size=(4, 5)), source.integers(0, 4, len(groups))
    assert scatter_ratio(values, groups) == pytest.approx(slow.scatter_ratio(values, groups), rel=1e-10)
    np.testing.assert_allclose(silhouettes(values, groups), slow.silhouettes(values, groups), atol=1e-10)
    found = astuple(collapse(values, groups, head=head, said=said))
    np.testing.assert_allclose(found, slow.collapse(values, groups, head, said), rtol=1e-7)


def test_more_rows_than_are_held_at_one_time() -> None:
    """Silhouettes and nearest means come chunk by chunk, and are the same in another order."""
    values, groups = crowd(1300)
    order = np.random.default_rng(1).permutation(1300)
    np.testing.assert_allclose(silhouettes(values, groups)[order], silhouettes(values[order], groups[order]), atol=1e-9)
    means = means_of(values, groups)
    np.testing.assert_array_equal(nearest(values, means), ((values[:, None] - means) ** 2).sum(2).argmin(1))
    np.testing.assert_allclose(distances(means, means), np.linalg.norm(means[:, None] - means, axis=2), atol=1e-9)


def test_two_points_are_apart_and_one_point_is_nothing() -> None:
    """Two point masses: no scatter within, silhouettes of 1. Examples that are all alike have no ratio."""
    groups = np.repeat([0, 1], 10)
    points = np.repeat([[0.1, 0.2], [3.3, 0.2]], 10, axis=0)
    assert scatter_ratio(points, groups) == 0
    np.testing.assert_array_equal(silhouettes(points, groups), 1)
    assert np.isnan(scatter_ratio(np.full((20, 2), 0.1), groups))
    np.testing.assert_array_equal(silhouettes(np.full((20, 2), 0.1), groups), 0)
    same = np.tile([[0.1, 0.2], [3.3, 0.2]], (10, 1))
    assert scatter_ratio(same, groups) == np.inf


def test_an_exact_simplex_has_collapsed() -> None:
    """All five numbers are 0 on a simplex whose head points along the means, and 1.41 for a head at right angles."""
    corners = np.eye(4) - 0.25
    values, groups = np.repeat(corners, 10, axis=0), np.repeat(np.arange(4), 10)
    np.testing.assert_allclose(astuple(collapse(values, groups, head=7 * corners, said=groups)), 0, atol=1e-12)
    wide = np.concatenate([values, np.zeros_like(values)], 1)
    across = np.concatenate([np.zeros_like(corners), corners], 1)
    found = collapse(wide, groups, head=across, said=(groups + 1) % 4)
    assert found.self_dual == pytest.approx(2**0.5)
    assert found.disagreement == 1
    without = collapse(values, groups)
    assert np.isnan([without.self_dual, without.disagreement]).all()


def test_scale_shift_and_turns_change_nothing() -> None:
    """The ratio and the silhouettes are those of the shape alone."""
    values, groups = crowd()
    turn, _ = np.linalg.qr(np.random.default_rng(2).normal(size=(5, 5)))
    moved = 1e-3 * values @ turn - 7
    assert scatter_ratio(moved, groups) == pytest.approx(scatter_ratio(values, groups), rel=1e-9)
    np.testing.assert_allclose(silhouettes(moved, groups), silhouettes(values, groups), atol=1e-8)


def test_weights_count_examples_as_often() -> None:
    """A ratio with weights is that of the examples repeated, and draws keep the size of each group."""
    values, groups = crowd()
    weights = resampled(groups, 5, seed=3)
    np.testing.assert_array_equal(resampled(groups, 5, seed=3), weights)
    for group in range(4):
        np.testing.assert_array_equal(weights[:, groups == group].sum(1), (groups == group).sum())
    found = scatter_ratios(values, groups, weights)
    for one, ratio in zip(weights, found, strict=True):
        rows = np.repeat(np.arange(len(groups)), one)
        assert ratio == pytest.approx(scatter_ratio(values[rows], groups[rows]), rel=1e-9)


def test_a_sample_holds_some_of_every_group() -> None:
    """Of each group its share, two at the least, in order and without a repeat; all where there are few."""
    groups = np.repeat([0, 1, 2], [900, 97, 3])
    rows = stratified(groups, 100, seed=0)
    assert np.bincount(groups[rows]).tolist() == [90, 10, 2]
    assert (np.diff(rows) > 0).all()
    np.testing.assert_array_equal(stratified(groups, 1000, seed=0), np.arange(1000))
