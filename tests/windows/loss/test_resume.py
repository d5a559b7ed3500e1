"""Landscapes that go on with what was measured before: no point twice, the same result, and nothing of another."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from torch import nn
from torch.nn import functional as F

import pellucid as pel
from pellucid.core.errors import FormatError, InputError, StoreError
from pellucid.windows.loss import Landscape, LandscapeOptions
from tests.kinds import Net, batch
from tests.windows.loss.killed_process import OPTIONS
from tests.windows.loss.test_ranks import assert_same

ROOT = Path(__file__).parents[3]
PLAIN = LandscapeOptions(lines=2)


def counted(ask: Callable[[nn.Module], Landscape], stop: int = 0) -> tuple[Landscape, int]:
    """Return what was found, and how often the network was run for it; Ctrl-C comes at one of these times."""
    torch.manual_seed(0)
    model, runs = Net(), list[int]()

    def hook(*_: Any) -> None:
        runs.append(1)
        if len(runs) == stop:
            signal.raise_signal(signal.SIGINT)

    model.register_forward_pre_hook(hook)
    return ask(model), len(runs)


def points(path: Path) -> int:
    """Return how many points a file holds."""
    with safe_open(path, framework="numpy") as file:
        return len(file.get_tensor("points"))


@pytest.mark.parametrize("stop", [3, 60, 380, 450])
def test_no_point_is_measured_twice(stop: int, tmp_path: Path) -> None:
    """After Ctrl-C, wherever it came, the rest is measured, and the result is that of one that was never stopped."""
    file, data = tmp_path / "ground", batch(64)

    def ask(model: nn.Module, **more: Any) -> Landscape:
        return pel.loss.landscape(model, data, options=PLAIN, **more)

    whole, runs = counted(ask)
    assert runs == 1 + 116 * whole.parts  # once to see what outputs look like
    if stop == 3:  # before the loss at the weights is known
        with pytest.raises(KeyboardInterrupt):
            counted(lambda model: ask(model, resume=file), stop)
    else:
        before, first = counted(lambda model: ask(model, resume=file), stop)
        assert before.stopped
        assert first == stop
    kept = points(file)
    assert kept == (stop - 3) // whole.parts
    after, second = counted(lambda model: ask(model, resume=file))
    assert_same(after, whole)
    assert after.provenance.passes == whole.provenance.passes
    assert second == runs + 1 - kept * whole.parts  # one part, to see that it is the same network
    again, third = counted(lambda model: ask(model, resume=str(file)))
    assert_same(again, whole)
    assert third == 2
    assert [one.name for one in tmp_path.iterdir()] == ["ground"]


def test_a_killed_process_loses_seconds_at_most(tmp_path: Path) -> None:
    """What was measured a few seconds before a process was killed is there, and it goes on with it."""
    file = tmp_path / "ground.safetensors"
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-W", "ignore", "-m", "tests.windows.loss.killed_process", str(file)]
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": path}, cwd=ROOT)
    try:
        for _ in range(1200):
            if process.poll() is not None or (file.exists() and points(file)):
                break
            time.sleep(0.05)
    finally:
        process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    kept = points(file)
    assert 0 < kept < 108
    torch.manual_seed(0)
    model, data = Net(), batch(64)
    runs: list[int] = []
    model.register_forward_pre_hook(lambda *_: runs.append(1))
    after = pel.loss.landscape(model, data, loss=F.cross_entropy, options=OPTIONS, resume=file)
    assert len(runs) == 1 + 1 + (108 - kept) * after.parts
    assert_same(after, pel.loss.landscape(model, data, loss=F.cross_entropy, options=OPTIONS))


def test_the_steepest_directions_are_found_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Products with the Hessian cost more than the plane: they are kept, too."""
    torch.manual_seed(0)
    file, model, data = tmp_path / "ground", Net(), batch(64)
    ask: dict[str, Any] = {"directions": "hessian", "resolution": 5, "options": PLAIN}
    whole = pel.loss.landscape(model, data, **ask)
    pel.loss.landscape(model, data, **ask, resume=file)

    def curved(*_: Any) -> None:
        raise AssertionError("once more")

    monkeypatch.setattr(pel.loss.measure.surroundings.Ground, "curved", curved)
    again = pel.loss.landscape(model, data, **ask, resume=file)
    assert_same(again, whole)
    assert again.provenance.passes == whole.provenance.passes


def test_half_precision_and_paths_go_on(tmp_path: Path) -> None:
    """Directions of bfloat16 are kept exactly, and snapshots are points like any other."""
    torch.manual_seed(0)
    model, (x, y) = nn.Linear(12, 4).bfloat16(), batch(64)
    states = [{name: one + k for name, one in model.state_dict().items()} for k in (1.0, 0.5, 0.25, 0.125)]
    for directions in ("hessian", states):
        ask: dict[str, Any] = {"directions": directions, "resolution": 3, "options": PLAIN}
        whole = pel.loss.landscape(model, (x.bfloat16(), y), **ask)
        file = tmp_path / f"ground{len(directions)}"
        for _ in range(2):
            assert_same(pel.loss.landscape(model, (x.bfloat16(), y), **ask, resume=file), whole)


def other_weights() -> nn.Module:
    """Return a network with one weight that differs in its last bit."""
    torch.manual_seed(0)
    model = Net()
    with torch.no_grad():
        model.head.bias[0] = torch.nextafter(model.head.bias[0], torch.tensor(1e9))
    return model


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"model": other_weights()}, "weights"),
        ({"data": (batch(64)[0].flip(0), batch(64)[1].flip(0))}, "data"),
        ({"radius": 0.5}, "radius"),
        ({"resolution": 3, "options": LandscapeOptions(lines=1, seed=3)}, "resolution and lines and seed"),
        ({"directions": "hessian"}, "directions"),
        ({"loss": lambda output, target: 2 * F.cross_entropy(output, target)}, None),
    ],
    ids=["weights", "data", "radius", "several", "directions", "loss"],
)
def test_other_things_are_refused(changes: dict[str, Any], what: str | None, tmp_path: Path) -> None:
    """The error says what differs; the file stays as it is."""
    torch.manual_seed(0)
    file = tmp_path / "ground"
    ask: dict[str, Any] = {"model": Net(), "data": batch(64), "resolution": 5, "options": LandscapeOptions(lines=0)}
    found = pel.loss.landscape(**ask, resume=file)
    before = file.read_bytes()
    if what is None:
        what = "loss at the weights ("
    end = (
        ". It goes on with the same model, weights, arguments and data in the same order alone. Give these, name "
        "another file, or delete this one to begin anew."
    )
    message = rf"^{re.escape(f'{file} holds a landscape that was begun with other {what}')}.*{re.escape(end)}$"
    with pytest.raises(InputError, match=message if "(" in what else message.replace(".*", "")):
        pel.loss.landscape(**(ask | changes), resume=file)
    assert file.read_bytes() == before
    assert_same(pel.loss.landscape(**ask, resume=file), found)


def test_files_of_another_kind_are_refused(tmp_path: Path) -> None:
    """A saved result, a damaged file and a folder that is not there are told, and nothing is written over."""
    torch.manual_seed(0)
    model, data, options = Net(), batch(64), LandscapeOptions(lines=0)
    found = pel.loss.landscape(model, data, resolution=3, options=options)
    saved, damaged = found.save(tmp_path / "saved.safetensors"), tmp_path / "damaged"
    damaged.write_bytes(b"no file of ours")
    for file in (saved, damaged):
        before = file.read_bytes()
        message = re.escape(
            f"{file} is damaged, or holds something else than a landscape that was begun. Name another file, or delete "
            "this one to begin anew; what `save` writes is another kind of file."
        )
        with pytest.raises(FormatError, match=f"^{message}$"):
            pel.loss.landscape(model, data, resolution=3, options=options, resume=file)
        assert file.read_bytes() == before
    with pytest.raises(StoreError, match=r"^Could not write .*nowhere/ground: No such file or directory\."):
        pel.loss.landscape(model, data, resolution=3, options=options, resume=tmp_path / "nowhere" / "ground")
    with pytest.raises(InputError, match=r"^resume='' came; expected the name of a file, a text or a pathlib\.Path\.$"):
        pel.loss.landscape(model, data, resume="")
    assert np.isfinite(found.losses).all()
