"""Tests of principal axes against scikit-learn's, in each of the three ways."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

import pellucid.maths.principal
from pellucid.maths.principal import Chunks, principal


def drawn(rows: int, units: int) -> np.ndarray:
    """Return rows that differ by a factor of 100 along their axes, and far from 0."""
    generator = np.random.default_rng(0)
    turn = np.linalg.qr(generator.normal(size=(units, units)))[0]
    return generator.normal(size=(rows, units)) * np.logspace(0, -2, units) @ turn + 5


def in_parts(rows: np.ndarray, size: int = 37) -> Chunks:
    """Return what reads rows in uneven parts."""
    return lambda: iter(torch.from_numpy(rows).split(size))


@pytest.mark.parametrize(("rows", "units", "exact"), [(200, 12, 2048), (30, 60, 40), (300, 60, 50)])
def test_axes_are_those_of_scikit_learn(rows: int, units: int, exact: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the covariance, by products of rows, and sought from random directions, which also says how far it is off."""
    monkeypatch.setattr(pellucid.maths.principal, "EXACT", exact)
    values = drawn(rows, units)
    found, theirs = principal(in_parts(values), 4), PCA(4, svd_solver="full").fit(values)
    close = 1e-9 if min(rows, units) <= exact else 1e-3
    np.testing.assert_allclose(found.mean, theirs.mean_, atol=1e-12)
    axes = found.axes.numpy()
    axes = axes * np.sign(axes[:, :1] * theirs.components_[:, :1])
    np.testing.assert_allclose(axes, theirs.components_, atol=close)
    np.testing.assert_allclose(found.variances, theirs.explained_variance_, rtol=close)
    np.testing.assert_allclose(found.shares, theirs.explained_variance_ratio_, rtol=close)
    np.testing.assert_allclose(found.spread, values.var(axis=0, ddof=1))
    assert (found.axes.gather(1, found.axes.abs().argmax(1, keepdim=True)) > 0).all()
    assert (found.residual > 0) == (close > 1e-9)
    assert found.residual < 1e-3
    scores = found.scores(torch.from_numpy(values))
    np.testing.assert_allclose(scores.var(0), found.variances, rtol=1e-6)


def test_rows_on_a_line_have_one_axis() -> None:
    """Further axes hold nothing, in either exact way."""
    line = np.outer(np.arange(10.0), np.arange(1.0, 5.0))
    for values in (line, np.outer(np.arange(4.0), np.arange(1.0, 50.0))):
        found = principal(in_parts(values), 3)
        assert float(found.shares[0]) == pytest.approx(1.0)
        np.testing.assert_allclose(found.scores(torch.from_numpy(values))[:, 1:], 0, atol=1e-6)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e8])
def test_rows_that_are_alike_are_told(value: float) -> None:
    """Rounding of the mean is no variance; a difference in the last digits of float32 is."""
    values = np.full((100, 3), value)
    assert principal(in_parts(values), 2).alike
    values[7, 1] += 1e-7 * max(value, 1e-9)
    assert not principal(in_parts(values), 2).alike


def test_there_are_no_more_axes_than_directions() -> None:
    """One fewer than rows, and as many as units."""
    assert len(principal(in_parts(drawn(5, 12)), 50).axes) == 4
    assert len(principal(in_parts(drawn(50, 12)), 50).axes) == 12


def test_the_seed_decides_where_axes_are_sought(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same call finds the same axes, bit for bit."""
    monkeypatch.setattr(pellucid.maths.principal, "EXACT", 20)
    values = drawn(100, 40)
    one, same, other = (principal(in_parts(values), 2, seed=seed).axes for seed in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
