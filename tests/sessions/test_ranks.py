"""Two gloo ranks: the statistics of the whole equal those of one process, and nothing is disturbed."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import pellucid as pel

PROCESS = Path(__file__).with_name("rank_process.py")


def run(kind: str, folder: Path, *, world: int) -> None:
    """Start every rank and wait for all."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    common = {**os.environ, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(world)}
    command = [sys.executable, "-W", "ignore", str(PROCESS), kind, str(folder)]
    ranks = [
        subprocess.Popen(command, env={**common, "RANK": str(rank)}, stderr=subprocess.PIPE, text=True)
        for rank in range(world)
    ]
    try:
        errors = [rank.communicate(timeout=300)[1] for rank in ranks]
    finally:
        for rank in ranks:  # one that waits for another which is gone
            rank.kill()
    assert [rank.returncode for rank in ranks] == [0] * world, errors


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pel.Result]:
    """The results of the same training in one process."""
    folder = tmp_path_factory.mktemp("alone")
    run("alone", folder, world=1)
    return pel.Run(folder / "run").results()


@pytest.fixture(
    scope="module",
    params=[
        "ddp",
        "fsdp",
        pytest.param("ddp-compiled", marks=pytest.mark.slow),
        pytest.param("fsdp-compiled", marks=pytest.mark.slow),
    ],
)
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the training on two ranks, wrapped in DDP or cut by FSDP2, eager and compiled."""
    folder = tmp_path_factory.mktemp(request.param)
    run(request.param, folder, world=2)
    return folder


def test_two_ranks_give_the_statistics_of_one_process(both: Path, alone: dict[str, pel.Result]) -> None:
    """Merged statistics of activations, weights, gradients and updates equal the single-process ones."""
    merged = pel.Run(both / "run").results()
    assert set(merged) == set(alone)
    pairs = [
        (merged["activations"].series, alone["activations"].series),
        (merged["weights"].series, alone["weights"].series),
        (merged["gradients"].gradients, alone["gradients"].gradients),
    ]
    for together, single in pairs:
        assert together.names == single.names
        np.testing.assert_array_equal(together.steps, single.steps)
        np.testing.assert_array_equal(together.count, single.count)
        # Sums of the same numbers in another order, after steps that differ in the last bit of float32.
        np.testing.assert_allclose(together.sums[..., 5:], single.sums[..., 5:], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(together.extremes, single.extremes, rtol=1e-4, atol=1e-6)
        np.testing.assert_array_equal(together.units, single.units)
    np.testing.assert_allclose(merged["gradients"].updates, alone["gradients"].updates, rtol=1e-4, atol=1e-7)
    for name in ("loss", "accuracy"):
        np.testing.assert_allclose(
            merged["loss"].curves[name].values, alone["loss"].curves[name].values, rtol=1e-5, atol=1e-6
        )
    np.testing.assert_array_equal(merged["loss"].label_counts, alone["loss"].label_counts)


def test_watching_changes_nothing_on_two_ranks(both: Path) -> None:
    """Losses and parameters of both ranks are the same bit for bit with and without a watch."""
    for rank in range(2):
        bare, again, watched = json.loads((both / f"ends-{rank}.json").read_text())
        assert again == bare  # the unwatched training repeats itself
        assert watched == bare
