"""Tests of the Gauss-Legendre rule against numpy's and against powers."""

import numpy as np
import pytest

from pellucid.maths.quadrature import gauss_legendre


@pytest.mark.parametrize("nodes", [1, 2, 3, 5, 64])
def test_the_rule_is_exact_for_polynomials(nodes: int) -> None:
    """N nodes integrate powers up to 2n - 1, and their weights sum to 1."""
    places, weights = gauss_legendre(nodes)
    for power in range(min(2 * nodes, 20)):
        assert float((weights * places**power).sum()) == pytest.approx(1 / (power + 1), abs=1e-14)


@pytest.mark.parametrize("nodes", [1, 2, 7, 50, 129, 300])
def test_the_rule_is_that_of_the_eigenvalues(nodes: int) -> None:
    """Places and weights are numpy's, which come from eigenvalues; an odd rule has its middle node at 1/2."""
    places, weights = gauss_legendre(nodes)
    expected, shares = np.polynomial.legendre.leggauss(nodes)
    np.testing.assert_allclose(places, (expected + 1) / 2, atol=1e-15)
    np.testing.assert_allclose(weights, shares / 2, atol=1e-14)
    assert (np.diff(places) > 0).all()
    assert not places.flags.writeable
