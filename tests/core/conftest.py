"""Rules and results that exist for one test only."""

from collections.abc import Generator

import pytest


@pytest.fixture
def no_rules() -> Generator[None]:
    """Start with no rule registered; afterwards the rules are as before."""
    from pellucid.core import rule

    before = dict(rule._RULES)
    rule._RULES.clear()
    yield
    rule._RULES.clear()
    rule._RULES.update(before)
