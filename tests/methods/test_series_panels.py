"""Panels that several windows draw: which layers they show, and how many bars."""

import numpy as np
import pytest

from pellucid.core.figure import Bars, Lines
from pellucid.core.finding import Finding, Level
from pellucid.core.judge import Findings
from pellucid.maths.histogram import Histogram, bucket_total
from pellucid.methods.series_panels import choose, histogram_panel, ridges_over_time
from pellucid.windows.weights import WeightHistograms
from tests.ward.watching import mlp, train

NAMES = tuple(f"{model}.{place}" for model in ("first", "second") for place in range(20))
MODELS = ("first",) * 20 + ("second",) * 20


def accusing(*places: str) -> Findings:
    """Make an alarm for each of some layers."""
    return Findings(
        tuple(Finding(code="ACT001", title="Dying ReLU", level=Level.ALARM, message="", where=one) for one in places)
    )


def test_every_model_has_its_share_of_a_picture() -> None:
    """As many layers of each, the first and the last among them."""
    chosen = choose(NAMES, Findings(()), among=range(40), models=MODELS)
    assert [sum(MODELS[place] == model for place in chosen.places) for model in ("first", "second")] == [8, 8]
    assert {0, 19, 20, 39} <= set(chosen.places)
    assert chosen.left_out == "16 of 40 tensors are shown, those with findings first; 24 are left out."


def test_what_is_accused_comes_first() -> None:
    """In its own model, and the other model is still seen."""
    accused = [f"first.{place}" for place in range(18)]
    chosen = choose(NAMES, accusing(*accused), among=range(40), models=MODELS)
    shown = [NAMES[place] for place in chosen.places]
    assert sum(name in accused for name in shown) == 15
    assert any(name.startswith("second") for name in shown)
    assert chosen.level("first.3") is Level.ALARM


@pytest.mark.parametrize(("values", "bars"), [(0, 8), (10, 8), (480, 24), (100_000, 40)])
def test_few_values_have_few_bars(values: int, bars: int) -> None:
    """Forty bars of ten values would be a comb."""
    counts = np.zeros(bucket_total(3), dtype=np.int64)
    counts[3000] = values
    (mark,) = histogram_panel(Histogram.from_counts(counts), title="", unit="weight").marks
    assert isinstance(mark, Bars)
    assert len(mark.heights) == bars


@pytest.fixture(scope="module")
def weights() -> WeightHistograms:
    """Weights that were watched."""
    return train(mlp(24), steps=6).weights


def test_a_ridge_is_not_cut_off(weights: WeightHistograms) -> None:
    """It begins and ends on its floor, beyond nearly all of the values."""
    panel = ridges_over_time(weights.series, 0, title="0.weight", unit="weight")
    whole = weights.series.select(["0.weight"]).over_steps()[0]
    assert len(panel.marks) == 6
    for mark in panel.marks:
        assert isinstance(mark, Lines)
        assert mark.low is not None
        assert (mark.y[0], mark.y[-1]) == (mark.low[0], mark.low[-1])
        assert mark.x[0] < whole.quantile(0.001) < whole.quantile(0.999) < mark.x[-1]
        assert mark.y.max() == pytest.approx(mark.low[0] + 1.6)


def test_zeros_alone_stand_at_zero() -> None:
    """Where every value is 0 the bars of the zeros are drawn there and not beside an empty axis."""
    counts = np.zeros(bucket_total(3), dtype=np.int64)
    counts[bucket_total(3) // 2] = 600
    panel = histogram_panel(Histogram.from_counts(counts), title="relu", unit="activation", zeros=(0.75, 0.25))
    dead, sparse = (one for one in panel.marks if isinstance(one, Bars) and one.tone in ("dead", "sparse"))
    assert dead.edges[0] < 0 < dead.edges[1]
    assert (dead.heights[0], sparse.heights[0], sparse.base[0]) == (0.75, 0.25, 0.75)
