"""Judging: which rules run, in which order findings are told, what is folded under what."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from pellucid.core.errors import FormatError
from pellucid.core.finding import Finding, Level
from pellucid.core.judge import Findings, configured_limits, judge, order
from pellucid.core.learning import Learning
from pellucid.core.result import Result
from pellucid.core.rule import SECTIONS, Case, rule

pytestmark = pytest.mark.usefixtures("no_rules")


@dataclass(frozen=True, kw_only=True)
class Judged(Result):
    """A result that says how training goes."""

    value: float = 0.0

    def learning(self) -> Learning:
        """Say that the loss halved twice."""
        return Learning(first=4.0, last=1.0)


@dataclass(frozen=True, kw_only=True)
class Other(Result):
    """A result that no rule is for."""


def register(code: str, place: int, *, explains: tuple[str, ...] = (), body: str = "quiet") -> None:
    """Register a rule that does as `body` says."""

    def act(result: Judged, case: Case) -> Iterable[Finding]:
        if body == "raise":
            raise ZeroDivisionError("no samples")
        if body == "limit" and result.value > case.limits["alarm"]:
            yield case.alarm(f"{result.value} over {case.limits['alarm']}, fall {case.learning.fall}")

    act.__doc__ = "\n".join(f"{name}: words." for name in SECTIONS)
    act.__qualname__ = code
    rule(Judged, code=code, title=code.title(), order=place, explains=explains, limits={"alarm": 1.0})(act)


def finding(code: str, level: Level = Level.WARN, **fields: object) -> Finding:
    """Make a finding of a rule."""
    return Finding(code=code, title=code, level=level, message="m", **fields)  # type: ignore[arg-type]


def codes(findings: Findings) -> list[str]:
    """Return codes and, in brackets, what is folded under them."""
    return [one.code + (f"[{','.join(deep.code for deep in one.folded)}]" if one.folded else "") for one in findings]


def test_causes_come_first_and_effects_are_folded() -> None:
    """What stands later in the order of causes is folded under what stands earlier."""
    register("AAA001", 1)
    register("BBB001", 5)
    assert codes(order([finding("BBB001"), finding("AAA001")])) == ["AAA001[BBB001]"]


def test_an_effect_cannot_begin_before_its_cause() -> None:
    """A problem that plainly began earlier is not explained by one that began later."""
    register("AAA001", 1)
    register("BBB001", 5)
    assert codes(order([finding("BBB001", step=3), finding("AAA001", step=27)])) == ["AAA001", "BBB001"]
    # Onsets are known to within the watched steps: twice the step and 20 more is no later.
    assert codes(order([finding("BBB001", step=3), finding("AAA001", step=26)])) == ["AAA001[BBB001]"]


def test_what_begins_late_does_not_lead() -> None:
    """The alarm that began first is told before a cause that came long after it."""
    register("AAA001", 1)
    register("BBB001", 5)
    late = [finding("AAA001", Level.ALARM, step=400), finding("BBB001", Level.ALARM, step=10)]
    assert codes(order(late)) == ["BBB001", "AAA001"]


def test_values_that_are_not_finite_always_lead() -> None:
    """However late they came, they are told first; what had begun long before stands beside them."""
    register("AAA001", 0)
    register("BBB001", 5)
    late = [finding("BBB001", Level.ALARM, step=10), finding("AAA001", Level.ALARM, step=400)]
    assert codes(order(late))[0].startswith("AAA001")


def test_a_warning_leads_an_alarm_only_when_it_is_of_data_code_or_first_weights() -> None:
    """Up to the third place a warning explains an alarm; later it comes after every alarm."""
    register("AAA001", 3)
    register("BBB001", 4)
    register("CCC001", 6)
    alarm = finding("CCC001", Level.ALARM)
    assert codes(order([alarm, finding("AAA001")])) == ["AAA001[CCC001]"]
    assert codes(order([alarm, finding("BBB001")])) == ["CCC001[BBB001]"]


def test_one_rule_in_many_places_is_one_problem() -> None:
    """The same rule in several layers is told once, the first layer on top."""
    register("AAA001", 1)
    found = order([finding("AAA001", where="fc1"), finding("AAA001", where="fc2"), finding("AAA001", where="fc3")])
    assert [one.where for one in found] == ["fc1"]
    assert [one.where for one in found[0].folded] == ["fc2", "fc3"]


def test_named_effects_are_folded_whatever_their_place() -> None:
    """A rule that names another in `explains` folds it although both stand in the same place."""
    register("AAA001", 2, explains=("BBB001",))
    register("BBB001", 2)
    register("CCC001", 2)
    assert codes(order([finding("AAA001"), finding("BBB001"), finding("CCC001")])) == ["AAA001[BBB001]", "CCC001"]


def test_what_is_no_problem_stands_after_the_problems() -> None:
    """Problems, then look, not-measured and ok; none of the last three is folded."""
    register("AAA001", 1)
    levels = [Level.OK, Level.NOT_MEASURED, Level.LOOK, Level.ALARM]
    found = order([finding("AAA001", level) for level in levels])
    assert [one.level for one in found] == levels[::-1]


def test_a_rule_that_raises_does_not_silence_the_others() -> None:
    """A rule that fails is a finding of its own, and the next rule still speaks."""
    register("AAA001", 1, body="raise")
    register("BBB001", 2, body="limit")
    found = judge([Judged(value=2.0), Other()], limits={})
    assert [(one.code, one.level, one.message) for one in found] == [
        ("BBB001", Level.ALARM, "2.0 over 1.0, fall 0.75"),
        ("AAA001", Level.NOT_MEASURED, "the rule failed: ZeroDivisionError: no samples"),
    ]
    assert found[1].next_step == "Report it, or mend rule AAA001."


def test_limits_can_be_given() -> None:
    """A limit that is given replaces the rule's own."""
    register("AAA001", 1, body="limit")
    assert codes(judge([Judged(value=2.0)], limits={"AAA001": {"alarm": 3.0}})) == []


def test_limits_come_from_the_nearest_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limits of the nearest pyproject.toml above the working directory are used."""
    register("AAA001", 1, body="limit")
    (tmp_path / "pyproject.toml").write_text("[tool.pellucid.rules]\nAAA001.alarm = 3\n")
    inner = tmp_path / "inner"
    inner.mkdir()
    monkeypatch.chdir(inner)
    assert configured_limits() == {"AAA001": {"alarm": 3}}
    assert codes(judge([Judged(value=2.0)])) == []
    assert codes(judge([Judged(value=4.0)])) == ["AAA001"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("AAA002.alarm = 1", "{} sets limits for rule 'AAA002', which does not exist. Closest: 'AAA001'"),
        ("ZZZ999.alarm = 1", "{} sets limits for rule 'ZZZ999', which does not exist."),
        ("AAA001.warn = 1", "{} sets AAA001.warn; AAA001 has: alarm."),
        ("AAA001.alarm = 'x'", "{} sets AAA001.alarm = 'x'; expected a number."),
        ("AAA001.alarm = true", "{} sets AAA001.alarm = True; expected a number."),
        ("AAA001 = 3", "{} sets AAA001 = 3; expected a limit by name, such as AAA001.alarm = 0.5."),
        ("AAA001.alarm = nan", "{} sets AAA001.alarm = nan; expected a number."),
    ],
)
def test_wrong_configuration(tmp_path: Path, text: str, message: str) -> None:
    """A configuration that names what does not exist is refused, with its path and the nearest name."""
    register("AAA001", 1)
    path = tmp_path / "pyproject.toml"
    path.write_text(f"[tool.pellucid.rules]\n{text}\n")
    with pytest.raises(FormatError) as caught:
        configured_limits(tmp_path)
    assert str(caught.value).startswith(message.format(path))


@pytest.mark.parametrize(
    "content", [b"[tool", b"\xff\xfe", b"", b"tool = 3", b"[tool]\npellucid = 3", b"[tool.pellucid]\nrules = 3"]
)
def test_a_broken_configuration_is_not_ours_to_judge(tmp_path: Path, content: bytes) -> None:
    """A file that is no TOML, or holds something else in our place, counts as nothing configured."""
    (tmp_path / "pyproject.toml").write_bytes(content)
    assert configured_limits(tmp_path) == {}


def test_headlines() -> None:
    """The headline is the first cause with the number of others, or what passed, or that nothing was measured."""
    register("AAA001", 1)
    register("BBB001", 5)
    both = order([finding("BBB001"), finding("AAA001", Level.ALARM)])
    assert both.headline == "alarm: AAA001: m (1 more follow or stand beside it)"
    assert both.level is Level.ALARM
    assert [one.code for one in both.at("warn")] == ["BBB001"]
    passed = Findings((finding("AAA001", Level.OK), finding("AAA001", Level.NOT_MEASURED)))
    assert passed.headline == "ok: 1 check passed, 1 not measured"
    silent = finding("AAA001", Level.NOT_MEASURED)
    assert Findings((silent,)).headline == "not-measured: m"
    assert Findings((silent, silent)).headline == "not-measured: none of 2 checks could be measured"
    assert Findings().headline == "not-measured: no rule judges this"
    assert Findings().level is Level.NOT_MEASURED


def test_a_look_is_counted_as_one_everywhere() -> None:
    """It did not pass: headline, list and the verdict in full give the same number of checks that passed."""
    register("AAA001", 1)
    found = Findings(tuple(finding("AAA001", level) for level in (Level.LOOK, Level.OK, Level.OK)))
    assert found.tally == "2 checks passed, 1 to look at"
    assert found.headline == "ok: 2 checks passed, 1 to look at"
    assert "✓ 2 checks passed" in found.text()
    assert Findings(found.items[:1]).headline == "ok: 1 to look at"
    assert Findings().tally == ""


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        ((), Level.NOT_MEASURED),
        ((Level.NOT_MEASURED,), Level.NOT_MEASURED),
        ((Level.NOT_MEASURED, Level.OK), Level.OK),
        ((Level.LOOK, Level.NOT_MEASURED), Level.OK),
        ((Level.WARN, Level.OK), Level.WARN),
        ((Level.ALARM, Level.WARN), Level.ALARM),
    ],
)
def test_the_level_of_all_agrees_with_the_headline(levels: tuple[Level, ...], expected: Level) -> None:
    """What was not measured does not outweigh what passed, and a look is no problem."""
    findings = Findings(tuple(finding("AAA001", level) for level in levels))
    assert findings.level is expected
    assert findings.headline.startswith(expected.value)


def test_findings_survive_plain_values() -> None:
    """Ordered findings come back equal from plain values."""
    register("AAA001", 1)
    register("BBB001", 5)
    found = order([finding("BBB001"), finding("AAA001")])
    assert Findings.from_dicts(found.as_dicts()) == found
    assert [one.code for one in found.every] == ["AAA001", "BBB001"]
