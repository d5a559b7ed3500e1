"""Sheets: which pictures matter, and what is told of a run and of a checkup."""

from pellucid.core.finding import Level
from tests.outlets.report.pages import curve, finding, sheet

NAMES = (
    "weights.histograms",
    "weights.norms",
    "activations.other",
    "activations.histograms",
    "loss.training",
    "loss.other",
)


def test_without_problems_the_order_is_that_of_a_first_reading() -> None:
    """Loss first, then activations, then weights, and one of each before a second of any."""
    chosen = sheet(figures=dict.fromkeys(NAMES, curve)).chosen(7)
    assert chosen == [
        "loss.training",
        "activations.histograms",
        "weights.histograms",
        "weights.norms",
        "activations.other",
        "loss.other",
    ]


def test_the_result_at_fault_comes_first() -> None:
    """A finding about activations puts their picture before the loss, and what is folded under it comes next."""
    fold = finding("LOS002", level=Level.WARN)
    chosen = sheet("run", finding("ACT001").fold(fold), figures=dict.fromkeys(NAMES, curve)).chosen(3)
    assert chosen == ["activations.histograms", "loss.training", "weights.histograms"]


def test_a_code_of_an_older_pellucid_does_no_harm() -> None:
    """A stored verdict may name a rule that is gone."""
    one = sheet("run", finding("OLD999"))
    assert one.chosen(1) == ["loss.training"]
    assert one.result_of("OLD999") == ""
    assert one.result_of("ACT001") == "activations"
