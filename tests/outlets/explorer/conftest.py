"""One server for the tests that only read."""

from collections.abc import Generator
from pathlib import Path

import pytest

from tests.outlets.explorer.serving import Served, served, write_run


@pytest.fixture(scope="module")
def explorer(tmp_path_factory: pytest.TempPathFactory) -> Generator[Served]:
    """A server over two finished runs."""
    folder: Path = tmp_path_factory.mktemp("runs")
    write_run(folder / "one", loss=2.0, lr=0.1)
    write_run(folder / "two", loss=1.0, lr=0.2)
    with served(folder) as found:
        yield found
