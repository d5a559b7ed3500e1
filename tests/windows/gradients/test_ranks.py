"""Two gloo ranks share an examination: each has the whole result, and none waits for one that failed."""

import os
import socket
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

import pellucid as pel
from pellucid.windows.gradients import Saliency, Shortcuts
from tests.windows.gradients.marked import Reader, pictures
from tests.windows.gradients.reading import IDS, MASK, words
from tests.windows.gradients.reading import Reader as TextReader

ROOT = Path(__file__).parents[3]
PROCESS = Path(__file__).with_name("shared_process.py")


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of what two ranks found; they are started once and asked everything."""
    folder = tmp_path_factory.mktemp("ranks")
    world = 2
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    common = {**os.environ, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(world)}
    command = [sys.executable, "-W", "ignore", str(PROCESS), str(folder)]
    ranks = [
        subprocess.Popen(
            command, env={**common, "RANK": str(rank), "PYTHONPATH": path}, stderr=subprocess.PIPE, text=True
        )
        for rank in range(world)
    ]
    try:
        errors = [rank.communicate(timeout=120)[1] for rank in ranks]
    finally:
        for rank in ranks:  # one that waits for another which is gone
            rank.kill()
    assert [rank.returncode for rank in ranks] == [0] * world, errors
    return folder


def test_shortcuts_of_two_ranks_are_those_of_one_process(both: Path) -> None:
    """Counts, shares and flips are equal exactly, maps to 1e-6, on both ranks; and the finding is the same."""
    alone = pel.gradients.shortcuts(Reader(), pictures(share=0.5), cell=4)
    for rank in range(2):
        shared = Shortcuts.load(both / f"shortcuts-{rank}.safetensors")
        np.testing.assert_allclose(shared.maps, alone.maps, atol=1e-6)
        np.testing.assert_array_equal(shared.counts, alone.counts)
        np.testing.assert_array_equal(shared.accuracies, alone.accuracies)
        assert len(shared.spots) == len(alone.spots) > 0
        for one, other in zip(shared.spots, alone.spots, strict=True):
            plain = ("label", "hits", "share", "place", "size", "moving", "elsewhere", "flip", "accuracy", "masked")
            assert [getattr(one, name) for name in plain] == [getattr(other, name) for name in plain]
            assert one.attention == pytest.approx(other.attention, abs=1e-6)
            assert one.sameness == pytest.approx(other.sameness, abs=1e-6)
            np.testing.assert_allclose(one.maps, other.maps, atol=1e-6)
        assert [one.line for one in shared.findings] == [one.line for one in alone.findings]


def test_text_of_two_ranks_is_that_of_one_process(both: Path) -> None:
    """The tokens of the whole batch stand in its order, and its mask is known."""
    alone = pel.gradients.saliency(TextReader(), (IDS, MASK), at="embedding", tokens=words)
    for rank in range(2):
        shared = Saliency.load(both / f"text-{rank}.safetensors")
        assert shared.tokens == alone.tokens
        np.testing.assert_array_equal(shared.padded, alone.padded)
        assert [token for token, _ in shared.table(0)] == words([1, 2, 3, 4])


@pytest.mark.parametrize("kind", ["saliency", "one-example"])
def test_saliency_of_two_ranks_is_that_of_one_process(kind: str, both: Path) -> None:
    """Uneven parts, and a rank without any example: every field is that of one process, in order, to 1e-6."""
    x, y = pictures(share=0.5)
    alone = (
        pel.gradients.saliency(Reader(), x[:7], y[:7], method="integratedgradients")
        if kind == "saliency"
        else pel.gradients.saliency(Reader(), x[:1])
    )
    for rank in range(2):
        shared = Saliency.load(both / f"{kind}-{rank}.safetensors")
        assert shared.provenance.samples == alone.provenance.samples
        for one in fields(Saliency):
            mine, its = getattr(shared, one.name), getattr(alone, one.name)
            if one.name in ("maps", "inputs"):
                np.testing.assert_allclose(mine[0], its[0], atol=1e-6)
            elif isinstance(its, (np.ndarray, float)):
                np.testing.assert_allclose(mine, its, atol=1e-6)
            elif one.name not in ("provenance", "notes"):
                assert mine == its, one.name


def test_one_rank_may_examine_alone(both: Path) -> None:
    """Without group= nothing is exchanged, so that rank 0 does not wait for the others."""
    assert (both / "alone-0.safetensors").exists()
    assert not (both / "alone-1.safetensors").exists()


def test_a_rank_that_fails_does_not_leave_the_others_waiting(both: Path) -> None:
    """The one that fails raises its own error, the other says which and why."""
    assert (both / "failing-1.txt").read_text("utf-8") == "RuntimeError: out of ink"
    assert (both / "failing-0.txt").read_text("utf-8") == (
        "CaptureError: Rank 1 failed, so that its part is missing. RuntimeError: out of ink"
    )


@pytest.mark.parametrize(
    ("kind", "what"),
    [("other-data", "data"), ("other-batch", "batches"), ("other-order", "batches"), ("other-targets", "batches")],
)
def test_ranks_with_different_data_are_refused(kind: str, what: str, both: Path) -> None:
    """A shuffled loader or a distributed sampler is told on every rank, with what to do."""
    for rank in range(2):
        assert (both / f"{kind}-{rank}.txt").read_text("utf-8") == (
            f"InputError: Ranks 0 and 1 were given different {what}. Give every rank the same, in the same order (no "
            "shuffling, no DistributedSampler): each then works on its own part of it."
        )
