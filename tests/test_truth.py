"""A sample of benchmarks/diagnosis.py: silent on healthy networks, and right about sick ones.

Its own seed, so that no limit was set on these runs. The benchmark trains 650 of them, over three architectures.
"""

import importlib.util
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pellucid.gallery import ARCHITECTURES

SEED = 3_000
HEALTHY = 9 * len(ARCHITECTURES)  # every third of the zoo is an mlp
FAULTS = (
    "dying-relu-bias",
    "saturated-tanh",
    "constant-weights",
    "activation-decay",
    "large-head",
    "rate-0.5",
    "rate-1e-8",
    "left-out-of-optimizer",
    "gradient-ascent",
    "inputs-times-255",
    "permuted-labels",
    "softmax-head",
)


@pytest.fixture(scope="module")
def diagnosis() -> ModuleType:
    """The benchmark, which is a script and no package."""
    path = Path(__file__).parents[1] / "benchmarks" / "diagnosis.py"
    specification = importlib.util.spec_from_file_location("benchmark_diagnosis", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def judged(diagnosis: ModuleType, folder: Path, job: dict[str, Any]) -> dict[str, Any]:
    """Train one watched run, and judge what was stored of it."""
    diagnosis.train_one((job, HEALTHY, str(folder)))
    found = diagnosis.judge_one((job["name"], str(folder)))
    assert found["failed"] == []
    return found


def alarms(found: dict[str, Any]) -> list[str]:
    """The alarms of one run, in words."""
    return [f"{one['code']} {one['where']}: {one['message']}" for one in found["said"] if one["level"] == "alarm"]


@pytest.mark.parametrize("index", range(0, HEALTHY, len(ARCHITECTURES)))
def test_a_healthy_network_raises_no_alarm(index: int, diagnosis: ModuleType, tmp_path: Path) -> None:
    """Whatever its activation, norm, initialization, optimizer, rate and size."""
    job = {"kind": "healthy", "name": f"healthy-{index}", "index": index, "seed": SEED}
    found = judged(diagnosis, tmp_path, job)
    assert found["accuracy"] >= 0.9
    assert alarms(found) == []


@pytest.mark.parametrize("miss", ["sparse-but-alive", "zero-head", "label-smoothing"])
def test_a_near_miss_raises_no_alarm(miss: str, diagnosis: ModuleType, tmp_path: Path) -> None:
    """What looks sick to a hasty rule and is not."""
    job = {"kind": "near-miss", "miss": miss, "architecture": "mlp", "seed": SEED, "name": miss}
    assert alarms(judged(diagnosis, tmp_path, job)) == []


def test_sick_networks_are_named(diagnosis: ModuleType, tmp_path: Path) -> None:
    """Of twelve different faults at least nine in ten are called by their name, and something is said of all."""
    sick = partial(judged, diagnosis, tmp_path)
    named: dict[str, bool] = {}
    for fault in FAULTS:
        found = sick({"kind": "sick", "name": fault, "fault": fault, "architecture": "mlp", "seed": SEED})
        verdict = diagnosis.judged_sick(found)
        assert verdict["something"], f"nothing was said of {fault}"
        named[fault] = verdict["named"]
    assert sum(named.values()) >= 0.9 * len(FAULTS), named
