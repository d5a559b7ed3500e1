"""What optimisers are set to, as a fact of the run."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

import pellucid as pel
from pellucid.sessions.watched import Watched
from tests.sessions import loops

ADAM = {"lr": 0.001, "weight_decay": 0.0, "beta1": 0.9, "beta2": 0.999}


def settings(*optimizers: torch.optim.Optimizer) -> dict[str, Any]:
    """What is told of some optimisers."""
    return Watched(models={"": nn.Linear(1, 1)}, optimizers=optimizers, loss=None, check=None).settings


def parameters() -> list[nn.Parameter]:
    """Something to optimise."""
    return [nn.Parameter(torch.zeros(2))]


def test_what_groups_share_is_one_number() -> None:
    """Numbers that people compare; switches and what lies on a device are left out."""
    assert settings() == {}
    assert settings(torch.optim.Adam(parameters())) == ADAM
    assert settings(torch.optim.SGD(parameters(), lr=torch.tensor(0.5), momentum=0.9)) == {
        "lr": 0.5, "weight_decay": 0.0, "momentum": 0.9,
    }  # fmt: skip
    elsewhere = torch.optim.SGD(parameters(), lr=0.5)
    elsewhere.param_groups[0]["lr"] = torch.tensor(0.5, device="meta")
    assert "lr" not in settings(elsewhere)


def test_groups_that_differ_are_told_apart() -> None:
    """By their number over all optimisers."""
    two = torch.optim.SGD([{"params": parameters()}, {"params": parameters(), "lr": 0.01}], lr=0.1)
    found = settings(two, torch.optim.Adam(parameters()))
    assert found["lr"] == {"0": 0.1, "1": 0.01, "2": 0.001}
    assert (found["momentum"], found["weight_decay"], found["beta1"]) == (0.0, 0.0, 0.9)


def test_a_schedule_that_begins_low_shows_where_it_goes() -> None:
    """The rate is that of the first step."""
    optimizer = torch.optim.SGD(parameters(), lr=0.4)
    torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.25 + step)
    found = settings(optimizer)
    assert found["lr"] == 0.4


def test_a_run_keeps_what_it_began_with(tmp_path: Path) -> None:
    """Learning rate and batch size are facts from the beginning, and a resumed run keeps those of its first step."""
    setting = loops.Setting(optimizer="SGD")
    for resume in (False, True):
        options = pel.WatchOptions(on_finding=None, resume=resume)
        with pel.watch(setting.model, setting.optimizer, run=tmp_path / "run", options=options) as watch:
            facts = pel.Run(tmp_path / "run").facts
            watch.step(loss=1.0, target=torch.zeros(8, dtype=torch.long))
        assert facts.get("lr") == (0.01 if resume else None)  # written with the first flush
        assert pel.Run(tmp_path / "run").facts["lr"] == 0.01
        assert pel.Run(tmp_path / "run").facts["batch_size"] == 8
        setting.optimizer.param_groups[0]["lr"] = 0.3


def test_settings_that_are_no_numbers_do_not_end_the_training(tmp_path: Path) -> None:
    """Whatever stands in a parameter group, watching begins, and what cannot be told is left out."""
    model = nn.Linear(4, 2)
    for place, odd in enumerate((10**400, None, "fast", [0.1], torch.zeros(2), 1j)):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        optimizer.param_groups[0]["momentum"] = odd
        optimizer.param_groups[0]["weight_decay"] = np.float32(0.5)
        options = pel.WatchOptions(on_finding=None)
        with pel.watch(model, optimizer, run=tmp_path / str(place), options=options) as watch:
            optimizer.param_groups[0]["momentum"] = 0
            loss = model(torch.ones(3, 4)).sum()
            loss.backward()
            optimizer.step()
            watch.step(loss=loss)
        facts = pel.Run(tmp_path / str(place)).facts
        assert (facts["lr"], facts["weight_decay"], "momentum" in facts) == (0.1, 0.5, False)
