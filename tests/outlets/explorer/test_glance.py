"""The few words that a list says of a run."""

from pellucid.core.finding import Finding, Level
from pellucid.core.judge import Findings
from pellucid.outlets.explorer.glance import verdict_words


def _findings(*levels: Level) -> Findings:
    return Findings(tuple(Finding(code="TST001", title="Test", level=one, message="m") for one in levels))


def test_a_list_counts_checks_as_the_verdict_does() -> None:
    """A look is named beside what passed, and is not one of them."""
    found = _findings(Level.LOOK, Level.OK, Level.OK, Level.NOT_MEASURED)
    assert verdict_words(found) == "2 checks passed, 1 to look at"
    assert verdict_words(found) in found.headline
    assert "✓ 2 checks passed" in found.text()
    assert verdict_words(_findings(Level.NOT_MEASURED)) == "not enough data yet"
