"""Measuring and drawing weights."""

import doctest
from collections.abc import Callable
from contextlib import AbstractContextManager

import numpy as np
import pytest
import torch
from torch import nn

from pellucid.core.drawing import drawings_of
from pellucid.core.figure import Bars, Lines
from pellucid.windows import weights
from pellucid.windows.weights import WeightHistograms, histograms
from tests.ward.watching import Watched, mlp, train


@pytest.fixture(scope="module")
def watched() -> Watched:
    """A network that was watched for a few steps."""
    torch.manual_seed(0)
    return train(mlp(24, 24), steps=8)


def test_every_parameter_is_measured(model_is_untouched: Callable[[nn.Module], AbstractContextManager[None]]) -> None:
    """Names, shapes, figures and twins are those of the model, which is only read."""
    model = mlp(8, 8)
    with model_is_untouched(model):
        result = histograms(model)
    assert result.series.names == ("0.weight", "0.bias", "2.weight", "2.bias", "4.weight", "4.bias")
    assert result.shapes[0] == (8, 12)
    assert result.series.std[0, 0] == pytest.approx(float(model[0].weight.detach().std(correction=0)), rel=1e-5)
    assert np.isnan(result.twins[0]).tolist() == [False, True] * 3


def test_a_model_without_parameters_is_empty() -> None:
    """There is nothing to judge, and that is said."""
    result = histograms(nn.ReLU())
    assert result.series.names == ()
    assert {one.level.value for one in result.findings.every} == {"not-measured"}


def test_pieces_join_and_thin(watched: Watched) -> None:
    """Parameters that are missing from a piece have unknown twins there, and thinning keeps the ends."""
    result = watched.weights
    thinned = result.thin(3)
    assert thinned.series.steps.tolist() == [0, 4, 7]
    assert np.array_equal(thinned.twins, result.twins[[0, 4, 7]], equal_nan=True)
    joined = WeightHistograms.join([histograms(nn.Linear(3, 3)), result])
    assert joined.series.names[:3] == ("weight", "bias", "0.weight")
    assert joined.shapes[:3] == ((3, 3), (3,), (24, 12))
    assert np.isnan(joined.twins[1:, 0]).all()
    assert joined.twins.shape == (9, 8)


@pytest.mark.parametrize("name", drawings_of(WeightHistograms))
def test_every_drawing_is_complete(watched: Watched, name: str) -> None:
    """Each has a title, axes with labels, words for those who do not see it, and a caveat; also of one step."""
    for result in (watched.weights, histograms(mlp(8))):
        figure = result.figure(name)
        assert figure.title
        assert figure.alt
        assert figure.caveat
        assert figure.verdict
        assert figure.panels
        assert all(panel.x.label and panel.y.label for panel in figure.panels)


def test_bars_hold_every_value_once(watched: Watched) -> None:
    """The shares of a panel add up to 1."""
    for panel in watched.weights.figure("histograms").panels:
        assert sum(float(mark.heights.sum()) for mark in panel.marks if isinstance(mark, Bars)) == pytest.approx(1.0)


def test_sizes_over_time_are_the_measured_ones(watched: Watched) -> None:
    """Each matrix has its curve, and the change begins at 0."""
    size, change = watched.weights.figure("norms_over_time").panels
    curves = [mark for mark in size.marks if isinstance(mark, Lines)]
    assert [one.label for one in curves] == ["0.weight", "2.weight", "4.weight"]
    assert np.array_equal(curves[1].y, watched.weights.series.rms[:, 2])
    assert all(mark.y[0] == 0 for mark in change.marks if isinstance(mark, Lines))


def test_the_example_runs() -> None:
    """What the window says of itself is true."""
    assert doctest.testmod(weights).failed == 0
