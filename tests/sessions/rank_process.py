"""One rank of a small distributed training that is watched; started by test_ranks.py."""

import json
import os
import sys
from contextlib import nullcontext
from pathlib import Path

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn

import pellucid as pel


def network() -> nn.Module:
    """Return the same small network on every rank."""
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(12, 16), nn.ReLU(), nn.Linear(16, 7), nn.Tanh(), nn.Linear(7, 4))


def wrapped(kind: str) -> tuple[nn.Module, nn.Module]:
    """Return the network as it is trained, and the one that is watched."""
    model, wrapping = network(), kind.removesuffix("-compiled")
    if wrapping == "ddp":
        model = nn.parallel.DistributedDataParallel(model)
    if wrapping == "fsdp":
        from torch.distributed.fsdp import fully_shard

        for layer in model:
            if isinstance(layer, nn.Linear):
                fully_shard(layer)
        fully_shard(model)
    if kind.endswith("-compiled"):
        torch.compiler.reset()  # each training begins without the graphs of the one before
        model = torch.compile(model, backend="aot_eager")
    return model, model


def train(kind: str, rank: int, world: int, run: Path | None) -> dict[str, object]:
    """Train four steps, rank r of w on rows r::w of every batch; return losses and parameters."""
    model, seen = wrapped(kind)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    source = torch.Generator().manual_seed(7)
    losses = []
    options = pel.WatchOptions(on_finding=None)
    watch = None if run is None else pel.watch(seen, optimizer, run=run, every=2, options=options)
    with watch or nullcontext():
        for _ in range(4):
            x, y = torch.randn(32, 12, generator=source), torch.randint(4, (32,), generator=source)
            output = model(x[rank::world])
            loss = F.cross_entropy(output, y[rank::world])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            if watch is not None:
                watch.step(loss=loss, output=output, target=y[rank::world])
    whole = {
        name: (parameter.full_tensor() if hasattr(parameter, "full_tensor") else parameter).detach().tolist()
        for name, parameter in model.named_parameters()
    }
    return {"losses": losses, "parameters": whole}


def main() -> None:
    """Train twice unwatched and once watched, and write down how each ended."""
    kind, folder = sys.argv[1], Path(sys.argv[2])
    torch.set_num_threads(1)
    rank, world = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    if kind != "alone":
        dist.init_process_group("gloo")
    ends = [train(kind, rank, world, run) for run in (None, None, folder / "run")]
    (folder / f"ends-{rank}.json").write_text(json.dumps(ends))
    if kind != "alone":
        dist.destroy_process_group()


if __name__ == "__main__":
    main()
