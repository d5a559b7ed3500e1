"""``import pellucid`` is light: it brings torch, NumPy and little else."""

import json
import subprocess
import sys

import pytest

HEAVY = {"jinja2", "matplotlib", "pandas", "rich", "sklearn", "sqlite3", "tensorboard", "typer", "wandb"}


def _loaded_by(statement: str) -> set[str]:
    """Name the top-level packages that a statement loads in a fresh process that has torch already."""
    program = (
        "import json, sys, torch; before = set(sys.modules)\n"
        f"{statement}\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in set(sys.modules) - before})))"
    )
    return set(json.loads(_run(program)))


def _run(program: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=120
    ).stdout


def test_import_brings_nothing_heavy() -> None:
    """Importing pellucid loads none of the packages that only some of its functions need."""
    assert _loaded_by("import pellucid") & HEAVY == set()


@pytest.mark.parametrize("statement", ["import rich", "import pellucid, sqlite3", "import matplotlib.pyplot"])
def test_the_heavy_import_would_be_seen(statement: str) -> None:
    """The test above can fail: what is imported is seen."""
    assert len(_loaded_by(statement) & HEAVY) == 1
