"""A page needs no built script to be tested."""

from collections.abc import Generator

import pytest


@pytest.fixture
def small_script(monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    """Stand in for the script that draws living pictures, which may not be built."""
    from pellucid.core.figure.live import carrying
    from pellucid.outlets.report import build

    for module in (carrying, build):
        monkeypatch.setattr(module, "script", lambda: "globalThis.pellucid = 0;")
    carrying._code.cache_clear()
    yield
    carrying._code.cache_clear()
