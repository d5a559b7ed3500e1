"""`pellucid rules` and `pellucid explain`."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pellucid import rules
from pellucid.cli import app
from pellucid.core.rule import SECTIONS


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project that sets one limit."""
    (tmp_path / "pyproject.toml").write_text("[tool.pellucid.rules]\nACT001.alarm = 0.625\n")
    monkeypatch.chdir(tmp_path)


def test_rules_stand_in_the_order_of_causes() -> None:
    """Every rule is listed once, causes before their consequences."""
    listed = json.loads(CliRunner().invoke(app, ["rules", "--json"]).stdout)
    assert {one["code"] for one in listed} == {rule.code for rule in rules()}
    assert [(one["order"], one["code"]) for one in listed] == sorted((rule.order, rule.code) for rule in rules())


def test_rules_fit_into_80_columns() -> None:
    """The table names every code, also where it is narrow."""
    output = CliRunner().invoke(app, ["rules"], env={"COLUMNS": "80"}).stdout
    assert max(len(line) for line in output.splitlines()) <= 80
    assert all(rule.code in output for rule in rules())


@pytest.mark.usefixtures("configured")
def test_a_limit_of_the_project_is_marked() -> None:
    """The table, the explanation and the JSON all tell a configured limit from its default."""
    output = CliRunner().invoke(app, ["rules"], env={"COLUMNS": "120"}).stdout
    assert "alarm 0.625*" in output
    output = CliRunner().invoke(app, ["explain", "ACT001"], env={"COLUMNS": "80"}).stdout
    assert "alarm    0.5  set to 0.625 in pyproject.toml" in output
    limit = json.loads(CliRunner().invoke(app, ["explain", "ACT001", "--json"]).stdout)["limits"]["alarm"]
    assert limit == {"default": 0.5, "value": 0.625, "configured": True}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.code)
def test_every_rule_explains_itself(rule: object) -> None:
    """All parts of the reasons of each rule are printed, within 80 columns, whatever the case of the code."""
    code = rule.code  # pyright: ignore[reportAttributeAccessIssue]
    result = CliRunner().invoke(app, ["explain", code.lower()], env={"COLUMNS": "80"})
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert max(len(line) for line in lines) <= 80
    assert [line for line in lines if line in SECTIONS] == list(SECTIONS)


def test_a_mistyped_code_is_answered_with_the_nearest() -> None:
    """An unknown rule is refused, and the nearest are named."""
    result = CliRunner().invoke(app, ["explain", "ACT0001"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("pellucid: No rule 'ACT0001'. Closest: 'ACT001'")


def test_a_wrong_limit_in_the_project_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project that sets a limit that does not exist learns which there are."""
    (tmp_path / "pyproject.toml").write_text("[tool.pellucid.rules]\nACT001.alarn = 0.6\n")
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["rules"])
    assert result.exit_code == 2
    assert result.stderr == (
        f"pellucid: {tmp_path}/pyproject.toml sets ACT001.alarn; ACT001 has: warn, alarm, samples, units.\n"
    )
