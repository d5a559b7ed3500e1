"""Findings, and the registry of rules."""

import json
from collections.abc import Iterable

import pytest

from pellucid.core.errors import AddressError, InputError
from pellucid.core.finding import Finding, Level
from pellucid.core.learning import Learning
from pellucid.core.result import Result
from pellucid.core.rule import SECTIONS, Case, rule, rule_of, rules

DOC = "\n".join(f"{name}: words about {name.lower()}." for name in SECTIONS)


class Sample(Result):
    """A result for these tests."""


def silent(result: Sample, case: Case) -> Iterable[Finding]:
    """Say nothing."""
    return []


silent.__doc__ = DOC


def test_a_finding_survives_json() -> None:
    """A finding with everything set, and another folded under it, comes back equal from JSON text."""
    inner = Finding(code="ACT002", title="Sparse", level=Level.LOOK, message="m")
    whole = Finding(
        code="ACT001",
        title="Dying ReLU",
        level=Level.ALARM,
        message="half is dead",
        where="fc1",
        step=3,
        value=0.5,
        limit=0.1,
        samples=512,
        evidence={"dead": 5, "share": 0.5, "kind": "relu", "known": True, "gone": None},
        cause="c",
        next_step="n",
    ).fold(inner)
    assert Finding.from_dict(json.loads(json.dumps(whole.as_dict()))) == whole
    assert whole.all == (whole, inner)


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({}, "warn: T: m"),
        ({"where": "fc1"}, "warn: T at fc1: m"),
        ({"where": "fc1", "step": 0}, "warn: T at fc1 from step 0: m"),
    ],
)
def test_a_finding_in_one_line(fields: dict[str, object], line: str) -> None:
    """The line names level, title, place and onset, and leaves out what is not known."""
    assert Finding(code="A", title="T", level=Level.WARN, message="m", **fields).line == line  # type: ignore[arg-type]


def test_levels_rise() -> None:
    """From ok to alarm each level asks for more."""
    assert [level.rank for level in Level] == [0, 1, 2, 3, 4]
    assert max(Level, key=lambda level: level.rank) is Level.ALARM


@pytest.mark.usefixtures("no_rules")
def test_a_rule_is_registered_with_its_reasons() -> None:
    """A registered rule is found by its code in any case, with the parts of its docstring."""
    rule(Sample, code="TST001", title="Test", order=1, limits={"alarm": 0.5})(silent)
    found = rule_of("tst001")
    assert rules() == (found,)
    assert found.limits == {"alarm": 0.5}
    assert found.sections["Likely cause"] == "words about likely cause."


@pytest.mark.usefixtures("no_rules")
def test_malformed_code() -> None:
    """A code that is not three capitals and three digits is refused."""
    with pytest.raises(InputError, match=r"^Rule code 'act1' is not three capital letters and three digits\.$"):
        rule(Sample, code="act1", title="T", order=1)(silent)


@pytest.mark.usefixtures("no_rules")
def test_taken_code() -> None:
    """Two functions cannot share a code, but one may be registered again after a reload."""
    register = rule(Sample, code="TST001", title="First", order=1)
    register(silent)
    register(silent)

    def another(result: Sample, case: Case) -> Iterable[Finding]:
        return []

    another.__doc__ = DOC
    with pytest.raises(InputError, match=r"^Rule code 'TST001' is taken by 'First'\.$"):
        rule(Sample, code="TST001", title="Second", order=1)(another)


@pytest.mark.usefixtures("no_rules")
def test_missing_sections() -> None:
    """A rule that does not give its reasons is refused, and the missing parts are named."""

    def bare(result: Sample, case: Case) -> Iterable[Finding]:
        """Looks for: nothing."""
        return []

    missing = "Why it matters, Where the limit comes from, False alarms, Likely cause, What to do, Source"
    with pytest.raises(InputError) as caught:
        rule(Sample, code="TST001", title="T", order=1)(bare)
    assert str(caught.value) == f"The docstring of rule TST001 lacks: {missing}."


@pytest.mark.usefixtures("no_rules")
def test_unknown_rule() -> None:
    """An unknown code names the nearest, or only where all are listed."""
    rule(Sample, code="TST001", title="T", order=1)(silent)
    with pytest.raises(AddressError) as caught:
        rule_of("tst002")
    assert str(caught.value) == "No rule 'tst002'. Closest: 'TST001'. `pellucid rules` lists all 1."
    with pytest.raises(AddressError) as caught:
        rule_of("zzz")
    assert str(caught.value) == "No rule 'zzz'. `pellucid rules` lists all 1."


@pytest.mark.usefixtures("no_rules")
def test_a_case_speaks_with_the_rule_s_reasons() -> None:
    """Problems carry cause and next step from the docstring; ok and not-measured accuse nobody."""
    rule(Sample, code="TST001", title="Test", order=1)(silent)
    case = Case(rule=rule_of("TST001"), limits={})
    for speak, level in ((case.alarm, Level.ALARM), (case.warn, Level.WARN), (case.look, Level.LOOK)):
        said = speak("it is so", where="fc1", value=1.0)
        assert (said.level, said.code, said.title, said.where, said.value) == (level, "TST001", "Test", "fc1", 1.0)
        assert (said.cause, said.next_step) == ("words about likely cause.", "words about what to do.")
    assert case.warn("m", cause="another").cause == "another"
    assert (case.ok("m").cause, case.ok("m").next_step) == ("", "")
    assert (case.not_measured("m").cause, case.not_measured("m").next_step) == ("", "")
    assert case.not_measured("m", next_step="give more").next_step == "give more"


@pytest.mark.parametrize(
    ("learning", "fall", "succeeds"),
    [
        (Learning(), None, None),
        (Learning(first=2.0, last=0.5), 0.75, True),
        (Learning(first=2.0, last=1.5), 0.25, False),
        (Learning(first=0.0, last=1.5), None, None),
        (Learning(first=-1.0, last=-3.0), 2.0, True),
        (Learning(accuracy=0.6, chance=0.1), None, True),
        (Learning(accuracy=0.5, chance=0.1), None, False),
        (Learning(accuracy=0.5, chance=0.1, first=2.0, last=0.1), 0.95, True),
        (Learning(accuracy=0.15, chance=0.1, first=2.0, last=0.1), 0.95, False),
        (Learning(accuracy=0.5, chance=0.1, first=2.0, last=1.5), 0.25, False),
        (Learning(accuracy=0.5, chance=0.1, first=20.0, last=2.2, prior=2.3), 0.89, False),
        (Learning(accuracy=1.0, chance=1.0), None, True),
    ],
)
def test_learning(learning: Learning, fall: float | None, succeeds: bool | None) -> None:
    """Accuracy far above chance is enough, and so is a fall below the prior with some accuracy; else the fall alone."""
    assert learning.fall == (None if fall is None else pytest.approx(fall))
    assert learning.succeeds is succeeds
