"""Views of a stored run: histograms at a watched step."""

import pytest

from pellucid import Run
from pellucid.core.controls import Slider
from pellucid.core.figure.live import frozen
from pellucid.outlets.run_views import has_histograms, scrubbed, steps_of
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
    assert steps_of(result) == tuple(range(0, 500, 10))
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
    assert steps_of(results["loss"]) == ()
    activations = results["activations"]
    assert not has_histograms(activations.before(1))  # pyright: ignore[reportAttributeAccessIssue]
