"""One rank of a shared examination; started by test_ranks.py."""

import os
import sys
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist

import pellucid as pel
from pellucid.core.errors import PellucidError
from tests.windows.gradients.marked import Reader, pictures
from tests.windows.gradients.reading import IDS, MASK, words
from tests.windows.gradients.reading import Reader as TextReader


def main() -> None:
    """Examine alone and together, fail where asked, and write down what came."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", timeout=timedelta(seconds=60))
    rank, data = dist.get_rank(), pictures(share=0.5)
    model = Reader()
    questions = {
        "shortcuts": lambda: pel.gradients.shortcuts(model, data, cell=4, group="world"),
        "saliency": lambda: pel.gradients.saliency(
            model, data[0][:7], data[1][:7], method="integratedgradients", group=dist.group.WORLD
        ),
        "text": lambda: pel.gradients.saliency(TextReader(), (IDS, MASK), at="embedding", tokens=words, group="world"),
        "one-example": lambda: pel.gradients.saliency(model, data[0][:1], group="world"),
        "alone": lambda: pel.gradients.saliency(model, data[0][:4]) if rank == 0 else None,
        "failing": lambda: pel.gradients.shortcuts(failing(Reader(), rank), data, cell=4, group="world"),
        "other-data": lambda: pel.gradients.shortcuts(model, pictures(seed=rank), cell=4, group="world"),
        "other-batch": lambda: pel.gradients.saliency(model, data[0][rank : rank + 4], group="world"),
        "other-order": lambda: pel.gradients.saliency(model, data[0][:4].roll(rank, 0), group="world"),
        "other-targets": lambda: pel.gradients.saliency(model, data[0][:4], [rank] * 4, group="world"),
    }
    for kind, ask in questions.items():
        stem = Path(sys.argv[1]) / f"{kind}-{rank}"
        try:
            found = ask()
        except (PellucidError, RuntimeError) as error:
            stem.with_suffix(".txt").write_text(f"{type(error).__name__}: {error}", encoding="utf-8")
        else:
            if found is not None:
                found.save(stem.with_suffix(".safetensors"))
    dist.barrier()  # who ends first takes away what the other still asks
    dist.destroy_process_group()


def failing(model: torch.nn.Module, rank: int) -> torch.nn.Module:
    """Return the model; on rank 1 it fails once it is given several pictures."""

    def fail(_: object, args: tuple[torch.Tensor]) -> None:
        if len(args[0]) > 1:
            raise RuntimeError("out of ink")

    if rank == 1:
        model.register_forward_pre_hook(fail)
    return model


if __name__ == "__main__":
    main()
    os._exit(0)  # threads of gloo that are still alive may abort a process that is taken down in good order
