"""What watching costs: CPU seconds per training step over the bare loop, beside TensorBoard and wandb.watch.

Each system trains the same model in a process of its own. The processes take turns, block by block, so that
whatever else the machine does falls on all of them; the figure is the median over the blocks of the ratio to the bare
loop. CPU seconds are of the whole process, so pellucid's worker thread counts too. "bare again" is a second bare loop:
its distance from 1 is the noise of the measurement.

    python benchmarks/watch.py                       every model, about 12 minutes on two cores
    python benchmarks/watch.py --models mlp          one model
    python benchmarks/watch.py --blocks 3 --json out.json

A target that is missed makes the exit status 1.
"""

import argparse
import json
import multiprocessing as mp
import os
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

os.environ["OMP_WAIT_POLICY"] = "PASSIVE"

SYSTEMS = ("bare", "bare again", "every=1", "every=10", "every=50", "tensorboard", "wandb")
# Steps in one block of each model, and most for the peers, which are slow.
STEPS = {"mlp": 50, "gpt": 10, "resnet18": 3}
TARGETS = {"every=1": 1.15, "every=10": 1.03, "every=50": 1.01}
MLP_TARGETS = TARGETS | {"every=1": 1.35}


def build(name: str) -> tuple[Any, Callable[[], tuple[Any, Any]]]:
    """Return the model and a function that returns a batch."""
    import torch

    from pellucid.gallery.models import CharacterGPT, ResNet18

    source = torch.Generator().manual_seed(0)
    if name == "mlp":
        widths = (784, 512, 512, 10)
        layers: list[Any] = []
        for fan_in, fan_out in pairwise(widths):
            layers += [torch.nn.Linear(fan_in, fan_out), torch.nn.ReLU()]
        x, y = torch.randn(256, 784, generator=source), torch.randint(10, (256,), generator=source)
        return torch.nn.Sequential(*layers[:-1]), lambda: (x, y)
    if name == "gpt":
        tokens = torch.randint(65, (8, 129), generator=source)
        return CharacterGPT(), lambda: (tokens[:, :-1], tokens[:, 1:])
    x, y = torch.randn(32, 3, 32, 32, generator=source), torch.randint(10, (32,), generator=source)
    return ResNet18(), lambda: (x, y)


def trainer(name: str, system: str, folder: str) -> tuple[Callable[[], None], Callable[[], None]]:
    """Return a function that trains one step under a system, and one that ends the system."""
    import torch
    import torch.nn.functional as F

    torch.manual_seed(0)
    model, batch = build(name)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)

    def train() -> Any:
        x, y = batch()
        output = model(x)
        loss = F.cross_entropy(output.flatten(0, -2), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    if system.startswith("every="):
        return with_pellucid(model, optimizer, train, int(system.removeprefix("every=")), folder)
    if system == "tensorboard":
        return with_tensorboard(model, train, folder)
    if system == "wandb":
        return with_wandb(model, train, folder)
    return (lambda: train().item() and None), lambda: None


def with_pellucid(model: Any, optimizer: Any, train: Any, every: int, folder: str) -> Any:
    """Watch everything."""
    import pellucid as pel

    watch = pel.watch(model, optimizer, run=f"{folder}/run", every=every, options=pel.WatchOptions(on_finding=None))
    watch.__enter__()
    return (lambda: watch.step(loss=train())), lambda: watch.__exit__(None, None, None)


def with_tensorboard(model: Any, train: Any, folder: str) -> Any:
    """Write the same at every step: histograms of weights, gradients and activations of leaves, norms of updates."""
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(folder)
    seen: dict[str, Any] = {}
    for name, module in model.named_modules():
        if not list(module.children()):
            module.register_forward_hook(lambda _m, _i, output, name=name: seen.__setitem__(name, output.detach()))
    state = {"step": 0}

    def step() -> None:
        before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
        loss = train()
        writer.add_scalar("loss", loss.item(), state["step"])
        for name, parameter in model.named_parameters():
            writer.add_histogram(f"weight/{name}", parameter.detach(), state["step"])
            writer.add_histogram(f"gradient/{name}", parameter.grad, state["step"])
            writer.add_scalar(f"update/{name}", (parameter.detach() - before[name]).norm(), state["step"])
        for name, output in seen.items():
            writer.add_histogram(f"activation/{name}", output, state["step"])
        state["step"] += 1

    return step, writer.close


def with_wandb(model: Any, train: Any, folder: str) -> Any:
    """Watch parameters and gradients at every step, offline (it knows no activations and no updates)."""
    import wandb

    run = wandb.init(mode="offline", dir=folder, project="benchmark", settings=wandb.Settings(silent=True))
    run.watch(model, log="all", log_freq=1)
    return (lambda: run.log({"loss": train().item()})), run.finish


def system_process(name: str, system: str, folder: str, pipe: Any) -> None:
    """Train blocks of steps on request; answer with CPU and wall seconds per step."""
    import torch

    torch.set_num_threads(1)
    step, end = trainer(name, system, folder)
    while (steps := pipe.recv()) is not None:
        cpu, wall = time.process_time(), time.perf_counter()
        for _ in range(steps):
            step()
        pipe.send(((time.process_time() - cpu) / steps, (time.perf_counter() - wall) / steps))
    end()
    pipe.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def measure(name: str, blocks: int, systems: tuple[str, ...]) -> dict[str, Any]:
    """Run all systems in turns on one model."""
    context, folder = mp.get_context("spawn"), Path(tempfile.mkdtemp(prefix="pellucid-benchmark-"))
    pipes: dict[str, Any] = {}
    for index, system in enumerate(systems):
        pipes[system], theirs = context.Pipe()
        home = folder / str(index)
        home.mkdir()
        context.Process(target=system_process, args=(name, system, str(home), theirs), daemon=True).start()
    seconds: dict[str, list[tuple[float, float]]] = {system: [] for system in systems}
    for block in range(blocks + 1):
        for system in systems:
            every = int(system.removeprefix("every=")) if system.startswith("every=") else 1
            # A block holds whole periods of the watch; a peer that is slow gets a short one.
            steps = max(STEPS[name], every) if system not in ("tensorboard", "wandb") else max(1, STEPS[name] // 3)
            pipes[system].send(steps)
            if (took := pipes[system].recv()) and block > 0:  # the first block warms up
                seconds[system].append(took)
    figures = {}
    for index, system in enumerate(systems):
        pipes[system].send(None)
        ratios = [mine[0] / bare[0] for mine, bare in zip(seconds[system], seconds["bare"], strict=True)]
        figures[system] = {
            "cpu_ms": 1e3 * statistics.median(one[0] for one in seconds[system]),
            "wall_ms": 1e3 * statistics.median(one[1] for one in seconds[system]),
            "ratio": statistics.median(ratios),
            "spread": [min(ratios), max(ratios)],
            "memory_mb": pipes[system].recv(),
        }
        if system.startswith("every="):
            figures[system] |= written(folder / str(index) / "run")
    shutil.rmtree(folder)
    return figures


def written(run: Path) -> dict[str, float]:
    """Bytes on disk per watched step."""
    import pellucid as pel

    total = sum(path.stat().st_size for path in run.rglob("*") if path.is_file())
    weights: Any = pel.Run(run).results(10**9)["weights"]
    return {"bytes_per_watched_step": total / len(weights.series.steps)}


def show(name: str, figures: dict[str, Any]) -> bool:
    """Print one table; return whether every target is met."""
    targets = MLP_TARGETS if name == "mlp" else TARGETS
    met = True
    columns = {"CPU ms/step": 12, "wall": 9, "ratio": 8, "min-max": 14, "target": 8, "MB held": 9, "bytes/watched": 15}
    print(f"\n{name}\n{'':14}" + "".join(f"{title:>{width}}" for title, width in columns.items()))
    bare = figures["bare"]["memory_mb"]
    for system, one in figures.items():
        target = targets.get(system)
        met &= target is None or one["ratio"] <= target
        print(
            f"{system:14}{one['cpu_ms']:12.2f}{one['wall_ms']:9.2f}{one['ratio']:8.3f}"
            f"{one['spread'][0]:8.2f}-{one['spread'][1]:.2f} {target or '':>7}"
            f"{one['memory_mb'] - bare:9.0f}{one.get('bytes_per_watched_step', 0):15,.0f}"
        )
    return met


def main() -> int:
    """Measure and print; 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=list(STEPS), choices=list(STEPS))
    parser.add_argument("--blocks", type=int, default=7)
    parser.add_argument("--systems", nargs="+", default=list(SYSTEMS), choices=list(SYSTEMS))
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    figures, met = {}, True
    for name in arguments.models:
        figures[name] = measure(name, arguments.blocks, tuple(arguments.systems))
        met &= show(name, figures[name])
        sys.stdout.flush()
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2))
    print("\nevery target met" if met else "\na target is missed")
    return 0 if met else 1


if __name__ == "__main__":
    raise SystemExit(main())
