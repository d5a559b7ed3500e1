"""A verdict is short unless it is asked for in full, and says what it leaves out and how to see that."""

import pytest

from pellucid.core.figure.words import cells
from pellucid.core.finding import Finding, Level
from pellucid.core.judge import Findings
from pellucid.core.verdict import verdict_text
from tests.core.figure.pictures import NASTY

FULL = "With figures and reasons: print(findings.text(all=True))"


def some(level: Level, count: int, **fields: str) -> list[Finding]:
    """Return findings of one level, each of a rule of its own."""
    given = {"message": f"it is {level.value}"} | fields
    return [Finding(code=f"TST{place:03}", title=f"Rule {place}", level=level, **given) for place in range(count)]


ALARM = Finding(code="ACT001", title="Dying ReLU", level=Level.ALARM, message="25 % of 8 units.", where="1")


def test_what_is_left_out_is_counted_and_named() -> None:
    """The line of titles ends with how many checks more there are, and the last line says what to type."""
    found = Findings((ALARM, *some(Level.NOT_MEASURED, 12), *some(Level.OK, 3)))
    assert str(found) == (
        "✖ alarm: Dying ReLU at 1 [ACT001]\n"
        "  25 % of 8 units.\n\n"
        "– 12 checks not measured: Rule 0 [TST000], Rule 1 [TST001], Rule 2 [TST002] and 9 more\n"
        "✓ 3 checks passed: Rule 0 [TST000], Rule 1 [TST001], Rule 2 [TST002]\n"
        f"{FULL}"
    )


def test_a_check_that_spoke_of_several_places_is_named_once_and_counted_as_often() -> None:
    """The figures of the line add up."""
    twice = [*some(Level.OK, 1, where="input"), *some(Level.OK, 1, where="output"), *some(Level.OK, 20)[1:]]
    assert verdict_text(twice, width=60).splitlines()[0] == "✓ 21 checks passed: Rule 0 [TST000] and 19 more"


def test_nothing_is_said_of_more_where_there_is_no_more() -> None:
    """All titles fit, and what passed has no reason to give."""
    assert verdict_text(some(Level.OK, 2)) == "✓ 2 checks passed: Rule 0 [TST000], Rule 1 [TST001]"


def test_what_was_not_measured_has_a_reason_to_show() -> None:
    """Also where its title fits."""
    assert verdict_text(some(Level.NOT_MEASURED, 1), how="look --all").splitlines() == [
        "– 1 check not measured: Rule 0 [TST000]",
        "With figures and reasons: look --all",
    ]


def test_in_full_every_check_has_its_reason() -> None:
    """Also what is folded under another, with its place and the next step."""
    folded = ALARM.fold(*some(Level.NOT_MEASURED, 1, where="head", next_step="Give 512 samples."))
    assert (
        Findings((folded, *some(Level.OK, 1)))
        .text(all=True)
        .endswith(
            "\n\n– 1 check not measured:\n"
            "  Rule 0 at head [TST000]: it is not-measured\n"
            "    Next: Give 512 samples.\n"
            "✓ 1 check passed:\n"
            "  Rule 0 [TST000]: it is ok"
        )
    )


@pytest.mark.parametrize("in_full", [False, True])
@pytest.mark.parametrize("width", [20, 33, 200])
def test_the_width_is_kept(width: int, in_full: bool) -> None:
    """Whatever the words, no line is wider than the width or steers the terminal."""
    nasty = [
        Finding(code="A", title=NASTY, level=level, message=NASTY, where=NASTY, next_step=NASTY) for level in Level
    ]
    text = verdict_text([*nasty, *some(Level.OK, 30)], width=width, in_full=in_full)
    assert max(cells(line) for line in text.split("\n")) <= width
    assert "\x1b" not in text


def test_silence_is_no_pass() -> None:
    """Without a finding nothing was looked at."""
    assert str(Findings()) == "– not-measured: no rule judges this."
