"""Views of a stored run: histograms at a watched step."""

import gc

import pytest

from pellucid import Run
from pellucid.core.controls import Slider
from pellucid.core.figure import Bars
from pellucid.core.figure.live import frozen
from pellucid.outlets import run_views
from pellucid.outlets.run_views import has_histograms, scrubbed
from tests.outlets.report.long_run import write_long_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run with 50 watched steps."""
    return Run(write_long_run(tmp_path_factory.mktemp("runs") / "short", steps=500, every=10, layers=2))


@pytest.mark.parametrize("name", ["activations", "weights", "gradients"])
def test_histograms_are_scrubbed_by_step(run: Run, name: str) -> None:
    """The control has the watched steps; a picture shows what was known then, with its verdict."""
    result = run.results()[name]
    assert has_histograms(result)
    assert result.watched == tuple(range(0, 500, 10))
    bound = scrubbed.bind(result=result)
    (control,) = bound.controls()
    assert isinstance(control, Slider)
    assert control.stops == tuple(range(0, 500, 10))
    assert control.value == 490
    early = bound.frame({"step": 22})
    assert early.parameters == {"step": 20}
    assert early.figure.title.endswith(", up to step 20")
    assert early.figure.verdict
    assert len(early.figure.panels) == len(bound.frame().figure.panels)
    book = frozen(bound, budget_frames=5)
    assert [one.parameters["step"] for one in book] == [490, 0, 120, 240, 370]


def test_what_has_no_steps_is_not_scrubbed(run: Run) -> None:
    """Curves are shown as curves, and one step needs no control."""
    results = run.results()
    assert not has_histograms(results["loss"])
    assert results["loss"].watched == ()
    activations = results["activations"]
    assert not has_histograms(activations.before(1))  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("name", ["activations", "weights", "gradients"])
def test_the_axes_stay_while_the_step_is_moved(run: Run, name: str) -> None:
    """So that the eye can compare the steps; what each step has to show lies within them."""
    bound = scrubbed.bind(result=run.results()[name])
    figures = [bound.frame({"step": step}).figure for step in (0, 120, 250, 490)]
    axes = [[(panel.title, panel.x, panel.y) for panel in figure.panels] for figure in figures]
    assert axes[0] == axes[1] == axes[2] == axes[3]
    for panel in (one for figure in figures for one in figure.panels):
        assert panel.x.limits is not None
        for mark in panel.marks:
            assert isinstance(mark, Bars)
            assert panel.x.limits[0] <= mark.edges[0] < mark.edges[-1] <= panel.x.limits[1]
    assert figures[0].caveat.endswith("an arrow stands at bars that are taller.")


def test_axes_are_known_until_the_result_is_gone(run: Run) -> None:
    """Found once for all steps, and nothing is kept of what nobody holds."""
    before = len(run_views._known_axes)
    result = run.results()["weights"]
    bound = scrubbed.bind(result=result)
    bound.frame({"step": 0})
    assert len(run_views._known_axes) == before + 1
    kept = run_views._known_axes[id(result)][1]
    bound.frame({"step": 120})
    assert run_views._known_axes[id(result)][1] is kept
    del result, bound
    gc.collect()
    assert len(run_views._known_axes) <= before
