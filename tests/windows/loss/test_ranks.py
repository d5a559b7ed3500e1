"""Gloo ranks share a landscape: each has the whole result to the bit, and none waits for one that fails."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid as pel
from pellucid.core.result import Result
from tests.kinds import batch
from tests.windows.loss.shared_process import NONE, made, questions

ROOT = Path(__file__).parents[3]
PROCESS = Path(__file__).with_name("shared_process.py")
WORLDS = (2, pytest.param(3, marks=pytest.mark.slow))


def started(folder: Path, world: int) -> list[subprocess.Popen[str]]:
    """Start the ranks of one world."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    common = {**os.environ, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(world)}
    command = [sys.executable, "-W", "ignore", str(PROCESS), str(folder)]
    return [
        subprocess.Popen(
            command, env={**common, "RANK": str(rank), "PYTHONPATH": path}, stderr=subprocess.PIPE, text=True
        )
        for rank in range(world)
    ]


Found = Callable[[int], Path]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """The folders of what so many ranks found; they are started once and asked everything."""

    @cache
    def folder(world: int) -> Path:
        made = tmp_path_factory.mktemp(f"ranks{world}-")
        ranks = started(made, world)
        try:
            errors = [rank.communicate(timeout=240)[1] for rank in ranks]
        finally:
            for rank in ranks:  # one that waits for another which is gone
                rank.kill()
        assert [rank.returncode for rank in ranks] == [0] * world, errors
        return made

    return folder


@cache
def alone(kind: str) -> Any:
    """What one process finds without others."""
    return questions()[kind]()


def assert_same(one: Any, other: Any) -> None:
    """Compare every field but where it comes from, to the bit."""
    assert type(one) is type(other)
    for name in (each.name for each in fields(one) if each.name != "provenance"):
        mine, its = getattr(one, name), getattr(other, name)
        if isinstance(mine, np.ndarray):
            assert mine.dtype == its.dtype
            assert mine.tobytes() == its.tobytes(), name
        else:
            assert mine == its or mine != mine, name  # noqa: PLR0124 - NaN


@pytest.mark.parametrize("kind", sorted(questions()))
@pytest.mark.parametrize("world", [*WORLDS, pytest.param(1, marks=pytest.mark.slow)])
def test_any_number_of_ranks_finds_the_same(kind: str, world: int, found: Found) -> None:
    """Whoever measured which point or part, every field is that of one process, and so is the number of passes."""
    for rank in range(world):
        shared = Result.load(found(world) / f"{kind}-{rank}.safetensors")
        assert_same(shared, alone(kind))
        assert shared.provenance.passes == alone(kind).provenance.passes


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("kind", ["failing", "failing product", "failing loader"])
def test_a_rank_that_fails_does_not_leave_the_others_waiting(kind: str, world: int, found: Found) -> None:
    """The one that fails raises its own error, also outside of what is shared, and the others say which and why."""
    told = [(found(world) / f"{kind}-{rank}.txt").read_text("utf-8") for rank in range(world)]
    assert told.pop(1) == "RuntimeError: out of ink"
    others = "CaptureError: Rank 1 failed, so that its part is missing. RuntimeError: out of ink"
    assert told == [others] * (world - 1)


@pytest.mark.parametrize(
    ("kind", "what"), [("other weights", "weights"), ("other options", "seed"), ("other data", "data")]
)
def test_ranks_that_were_given_different_things_are_told(kind: str, what: str, found: Found) -> None:
    """Every rank says what differs, and what to do."""
    for rank in range(2):
        assert (found(2) / f"{kind}-{rank}.txt").read_text("utf-8") == (
            f"InputError: Ranks 0 and 1 were given different {what}. Give every rank the same model, arguments and "
            "data, in the same order (no shuffling, no DistributedSampler): each then works on its own part of it."
        )


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("kind", ["stopped", "stopped lines", "stopped product"])
def test_ctrl_c_on_one_rank_ends_all_with_what_there_is(kind: str, world: int, found: Found) -> None:
    """All return the same result, which says that it was stopped; what it holds is right."""
    first, *others = (Result.load(found(world) / f"{kind}-{rank}.safetensors") for rank in range(world))
    assert vars(first)["stopped"]
    for one in others:
        assert_same(one, first)
    if kind == "stopped":
        whole, measured = alone("smooth"), vars(first)["measured"]
        assert 0 < measured.sum() < 100
        assert vars(first)["losses"][measured].tobytes() == whole.losses[measured].tobytes()


def test_ctrl_c_before_anything_is_known_is_raised_everywhere(found: Found) -> None:
    """Without the loss at the weights there is nothing to return."""
    for rank in range(2):
        assert (found(2) / f"stopped at once-{rank}.txt").read_text("utf-8").startswith("KeyboardInterrupt")


@pytest.mark.parametrize("world", WORLDS)
def test_ranks_go_on_with_what_they_have_kept(world: int, found: Found) -> None:
    """After Ctrl-C the whole landscape is that of one process, and one file is left."""
    assert vars(Result.load(found(world) / "kept-0.safetensors"))["stopped"]
    whole = pel.loss.landscape(made(), batch(96), options=NONE)
    for rank in range(world):
        assert_same(Result.load(found(world) / f"gone on-{rank}.safetensors"), whole)
    left = [one.name for one in found(world).iterdir() if one.name.startswith(("kept", ".")) and "-" not in one.name]
    assert left == ["kept"]
