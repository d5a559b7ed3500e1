"""Tests of drawing a part of the rows."""

import numpy as np

from pellucid.methods.mapping import stratified


def test_every_class_has_its_share() -> None:
    """Up to one row; none is drawn twice, and the same seed draws the same."""
    labels = np.repeat([0, 1, -1], [700, 200, 100])
    chosen = stratified(labels, 50, 0)
    assert len(chosen) == len(np.unique(chosen)) == 50
    assert (np.diff(chosen) > 0).all()
    for label, share in ((0, 35), (1, 10), (-1, 5)):
        assert abs(int((labels[chosen] == label).sum()) - share) <= 1
    np.testing.assert_array_equal(chosen, stratified(labels, 50, 0))
    assert not np.array_equal(chosen, stratified(labels, 50, 1))


def test_of_few_rows_all_are_taken() -> None:
    """In their order."""
    np.testing.assert_array_equal(stratified(np.zeros(5, dtype=np.int64), 5, 0), np.arange(5))
