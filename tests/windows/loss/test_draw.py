"""Figures of the loss window, as data."""

import math
from dataclasses import replace

import numpy as np
import pytest

from pellucid.core.figure import Bars, Event, Figure, Lines, Table
from pellucid.windows.loss import curves
from tests.windows.loss.test_result import check


def _lines(figure: Figure, panel: int = 0) -> dict[str, Lines]:
    return {mark.label: mark for mark in figure.panels[panel].marks if isinstance(mark, Lines)}


def _events(figure: Figure, panel: int = 0) -> dict[str, Event]:
    return {mark.text: mark for mark in figure.panels[panel].marks if isinstance(mark, Event)}


def test_few_points_are_drawn_as_they_are() -> None:
    """With dots, and nothing smoothed."""
    figure = curves({"loss": [3.0, 2.0, 1.0]}).figure()
    line = _lines(figure)["training"]
    assert line.y.tolist() == [3.0, 2.0, 1.0]
    assert line.dots
    assert figure.panels[0].y.scale == "linear"


def test_many_points_are_faint_under_a_smoothed_line() -> None:
    """The raw values are all there, gaps for what is not finite."""
    losses = np.linspace(3, 2, 500)
    losses[250] = math.nan
    figure = curves({"loss": losses}).figure()
    raw, smoothed = (mark for mark in figure.panels[0].marks if isinstance(mark, Lines))
    assert (raw.tone, smoothed.tone) == ("faint", "accent")
    np.testing.assert_array_equal(raw.y, losses)
    assert np.isnan(smoothed.y[250])
    assert smoothed.y[0] == 3.0


def test_a_wide_range_is_drawn_on_a_logarithmic_axis() -> None:
    """Not where a value is 0 or below."""
    falling = np.geomspace(1.0, 1e-4, 300)
    assert curves({"loss": falling}).figure().panels[0].y.scale == "log"
    assert curves({"loss": falling - 0.5}).figure().panels[0].y.scale == "linear"


def test_findings_are_marked_at_their_step() -> None:
    """A spike has its place on the axis, and colours the panel."""
    losses = np.full(100, 1.0) + 0.05 * np.sin(np.arange(100))
    losses[60] = 50.0
    figure = curves({"loss": losses}).figure()
    assert _events(figure)["loss spike"].at == 60
    assert figure.panels[0].level == figure.level == "alarm"
    assert "Loss spike" in figure.verdict
    assert figure.verdict in figure.alt


def test_the_prior_is_a_line_where_labels_are_known() -> None:
    """Entropy of the labels on the loss axis, most frequent class on the accuracy axis."""
    figure = curves({"loss": [1.4, 1.2, 1.0], "accuracy": [0.3, 0.4, 0.5]}, label_counts=[30, 10]).figure()
    prior = _events(figure)["class frequencies only"]
    assert (prior.axis, prior.at) == ("y", pytest.approx(0.5623, abs=1e-4))
    assert _events(figure, 1)["most frequent class"].at == 0.75
    assert figure.panels[0].y.unit == "nats"


def test_validation_and_check_stand_beside_training() -> None:
    """One line each, and a panel for a learning rate that changes."""
    run = curves({"loss": [3.0, 2.0], "val_loss": ([1], [2.5]), "lr": [0.1, 0.2]}).beside([check()])
    figure = run.figure()
    assert set(_lines(figure)) == {"training", "validation", "check batch"}
    assert [panel.title for panel in figure.panels] == ["Loss", "Accuracy", "Learning rate"]


def test_curves_without_a_loss_are_drawn_too() -> None:
    """An empty panel rather than an error."""
    assert curves({"accuracy": [0.1, 0.2]}).figure().panels[0].marks == ()


def test_scalars_of_any_name_are_drawn() -> None:
    """Each has a panel of its own below the loss: few points as they are, many raw and smoothed from the start on."""
    noisy = 5 + np.sin(np.arange(300))
    figure = curves({"loss": [3.0, 2.0], "fid": ([0, 20], [90.0, 60.0]), "d_loss": noisy, "lr": [0.1, 0.1]}).figure()
    assert [panel.title for panel in figure.panels] == ["Loss", "fid", "d_loss"]
    assert [panel.wide for panel in figure.panels] == [True, False, False]
    assert figure.columns == 2
    (fid,) = (mark for mark in figure.panels[1].marks if isinstance(mark, Lines))
    assert fid.y.tolist() == [90, 60]
    raw, smoothed = (mark for mark in figure.panels[2].marks if isinstance(mark, Lines))
    np.testing.assert_array_equal(raw.y, noisy)
    assert smoothed.y[0] == 5
    assert smoothed.y.min() > 4.5
    assert "Further scalars: fid, d_loss." in figure.alt


def test_too_many_scalars_are_counted() -> None:
    """Eight are drawn, those that change first, and the caption says how many are not."""
    scalars = {f"flat{place}": [1.0, 1.0] for place in range(5)} | {f"moving{place}": [1.0, 2.0] for place in range(7)}
    figure = curves({"loss": [3.0, 2.0], **scalars}).figure()
    assert [panel.title for panel in figure.panels[1:]] == [*(f"moving{place}" for place in range(7)), "flat0"]
    assert "Of 12 further scalars 8 are shown, those that change first; 4 are not." in figure.caveat


def test_a_percentage_is_drawn_on_an_axis_of_its_own() -> None:
    """An accuracy of 85 has no place on an axis from 0 to 1."""
    figure = curves({"loss": [3.0, 2.0], "accuracy": [80.0, 85.0]}).figure()
    assert [panel.title for panel in figure.panels] == ["Loss", "accuracy"]


def test_scalars_without_a_loss_or_a_finite_value() -> None:
    """There is no empty panel for a loss of another name, and what is not finite is counted."""
    figure = curves({"d_loss": [1.0, math.nan, 2.0], "broken": [math.nan, math.inf]}).figure()
    assert [(panel.title, panel.note) for panel in figure.panels] == [
        ("d_loss", "from 1 to 2, 1 not finite"),
        ("broken", "no finite value"),
    ]


def test_the_uncertainty_of_an_accuracy_is_a_number() -> None:
    """In percentage points, not a formula."""
    assert "An accuracy on 100 samples is uncertain by about 10 percentage points." in check().figure().caveat


def test_evaluations_of_a_run() -> None:
    """Three losses, two accuracies, predictions against targets, spread by layer."""
    figure = check().figure()
    assert [panel.title for panel in figure.panels] == [
        "Loss: cross entropy",
        "Accuracy",
        "Predictions",
        "Difference between samples",
    ]
    assert set(_lines(figure)) == {"eval mode", "train mode", "inputs set to 0"}
    (bars,) = (mark for mark in figure.panels[2].marks if isinstance(mark, Bars))
    targets = _lines(figure, 2)["targets"]
    assert bars.heights.tolist() == [50, 50]
    assert targets.y[np.isfinite(targets.y)].tolist() == [60, 40]
    assert targets.x[np.isfinite(targets.y)].tolist() == [0, 1]


def test_one_evaluation_is_a_table() -> None:
    """A finished model has no course to draw."""
    figure = check(1).figure()
    (table,) = (mark for mark in figure.panels[0].marks if isinstance(mark, Table))
    assert table.rows[0] == ("eval mode", "1")
    assert [panel.title for panel in figure.panels][1] == "Predictions"


def test_what_was_not_measured_is_not_drawn() -> None:
    """A regression without a spread has its losses only."""
    bare = check(
        task="regression",
        label_counts=np.zeros(0, dtype=np.int64),
        predictions=np.zeros((4, 0), dtype=np.int64),
        accuracy_eval=np.full(4, np.nan),
        accuracy_train=np.full(4, np.nan),
    )
    bare = replace(bare, spread=np.full((4, 2), np.nan))
    assert [panel.title for panel in bare.figure().panels] == ["Loss: cross entropy"]


def test_figures_have_text() -> None:
    """In a terminal, 80 columns wide."""
    for one in (check(), check(1), curves({"loss": np.geomspace(1, 1e-3, 200)})):
        lines = one.figure().text(80).splitlines()
        assert max(map(len, lines)) <= 80
