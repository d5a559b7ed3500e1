"""``import pellucid`` brings nothing; its first name brings torch, NumPy and little else."""

import json
import subprocess
import sys

import pytest

HEAVY = {
    *("jinja2", "matplotlib", "pandas", "rich", "sklearn", "sqlite3", "tensorboard", "typer", "wandb"),
    *("numba", "openTSNE", "scipy", "umap"),  # of the maps that only some of the methods make
}


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
    """Using pellucid loads none of the packages that only some of its functions need."""
    assert _loaded_by("import pellucid; pellucid.watch") & HEAVY == set()


def test_a_pca_map_brings_nothing_heavy() -> None:
    """It is made and judged by torch alone."""
    statement = "import pellucid; pellucid.embeddings.project(torch.randn(60, 8), progress=False)"
    assert _loaded_by(statement) & HEAVY == set()


@pytest.mark.parametrize("statement", ["import rich", "import pellucid, sqlite3", "import matplotlib.pyplot"])
def test_the_heavy_import_would_be_seen(statement: str) -> None:
    """The test above can fail: what is imported is seen."""
    assert len(_loaded_by(statement) & HEAVY) == 1


def test_the_first_name_loads_and_registers_everything() -> None:
    """Until then not even torch is there; afterwards every public name, rule, kind of result and store is."""
    found = json.loads(
        _run(
            "import json, sys, pellucid\n"
            "before = sorted({'numpy', 'torch', 'pellucid.windows'} & set(sys.modules))\n"
            "listed = set(pellucid.__all__) <= set(dir(pellucid))\n"
            "found = {name: getattr(pellucid, name) is not None for name in pellucid.__all__}\n"
            "from pellucid import public\n"
            "from pellucid.core.recorder import _OPENERS\n"
            "print(json.dumps([before, listed, all(found.values()), public.__all__ == pellucid.__all__,"
            " len(pellucid.rules()) > 20, len(pellucid.Result.kinds), len(_OPENERS)]))"
        )
    )
    assert found == [[], True, True, True, True, 25, 1]


def test_measuring_does_not_bring_the_compiler() -> None:
    """A second of imports, for models that nobody compiled; of one that was, it is seen."""
    program = (
        "import sys, torch, pellucid as pel\n"
        "model = torch.nn.Linear(4, 2)\n"
        "pel.activations.histograms(model, torch.zeros(3, 4))\n"
        "before = 'torch._dynamo' in sys.modules\n"
        "from pellucid.probe.address import is_compiled\n"
        "print([before, is_compiled(model), is_compiled(torch.compile(model))])"
    )
    assert _run(program).strip() == "[False, False, True]"


@pytest.mark.parametrize("statement", ["pellucid.wach", "from pellucid import wach"])
def test_a_name_that_is_not_there_is_an_error(statement: str) -> None:
    """As of any module."""
    with pytest.raises(subprocess.CalledProcessError) as caught:
        _run(f"import pellucid\n{statement}")
    assert "wach" in caught.value.stderr.splitlines()[-1]
