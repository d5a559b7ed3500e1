"""What a watch leaves in the store: small pieces of every window are joined, and rewinding cuts them."""

from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

import pellucid as pel
from pellucid.outlets.store import Run, RunWriter, compacting
from pellucid.outlets.store.rewinding import Cuttable


def measured(path: Path, monkeypatch: pytest.MonkeyPatch, *, steps: int = 12) -> RunWriter:
    """Watch a small network, and write every step of every result as a piece of its own."""
    torch.manual_seed(0)
    monkeypatch.setattr(compacting, "FEW", 4)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    inputs, labels = torch.randn(16, 4), torch.arange(16) % 3
    writer = RunWriter.open(path)
    for step in range(steps):
        one = path.parent / f"step {step}"
        options = pel.WatchOptions(on_finding=None)
        with pel.watch(
            model, optimizer, run=one, every=1, check=(inputs, labels), check_every=1, options=options
        ) as watch:
            functional.cross_entropy(model(inputs), labels).backward()
            optimizer.step()
            watch.step(loss=1.0)
        for name, result in Run(one).results().items():
            if name != "loss":
                assert isinstance(result, Cuttable), name
                writer.result(name, at(result.before(1), step), first=step, last=step)
        writer.flush()
    return writer


def at(result: pel.Result, step: int) -> pel.Result:
    """Move a result of step 0 to another step."""
    moved: dict[str, Any] = {}
    for one in fields(result):
        value = getattr(result, one.name)
        if one.name == "steps":
            moved[one.name] = value + step
        elif is_dataclass(value) and not isinstance(value, type) and hasattr(value, "steps"):
            moved[one.name] = replace(value, steps=value.steps + step)
    return replace(result, **moved)


def steps_of(result: pel.Result) -> list[int]:
    """Return the steps of a result of any window."""
    series = getattr(result, "series", getattr(result, "gradients", result))
    return [int(step) for step in series.steps]


def test_pieces_of_every_window_are_joined_and_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve pieces become three, and a rewind to the middle of one keeps what lies before."""
    writer = measured(tmp_path / "run", monkeypatch)
    names = ["activations", "gradients", "sanity", "weights"]
    files = [one.name for one in (tmp_path / "run" / "results").iterdir()]
    assert sorted(files) == sorted(f"{name}-{first}-{first + 3}.safetensors" for name in names for first in (0, 4, 8))
    run = Run(tmp_path / "run")
    assert {name: steps_of(one) for name, one in run.results().items()} == {name: [*range(12)] for name in names}
    writer.rewind(6)
    assert {name: steps_of(one) for name, one in run.results().items()} == {name: [*range(6)] for name in names}
    assert run.problems == ()
    writer.close("finished")
