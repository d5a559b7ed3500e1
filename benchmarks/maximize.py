"""What a step of activation maximisation costs, beside the loop that others run.

The loop is that of lucent: the whole model forward, the loss on a hooked layer, and a backward pass with the gradients
of all weights that it reaches; the picture is made in the same way, from waves. CPU seconds on ResNet-18, one thread,
each system in a process of its own, in turns; the figure is the median over the rounds of the ratio, with its error.

    python benchmarks/maximize.py                about 8 minutes

A mean over the stages of more than .6 of the loop makes the exit status 1. A stage alone may lie above it: the further
back a layer stands, the less of the model behind it is saved.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from turns import in_turns, ratio

STEPS, UNITS, SIDE = 64, 4, 32
LIMIT = 0.6
STAGES = {"stage 1": "blocks.1", "stage 2": "blocks.3", "stage 3": "blocks.5", "stage 4": "blocks.7"}


def build(layer: str, system: str) -> Callable[[], Any]:
    """Return one run of a system."""
    from pellucid.gallery.models import ResNet18

    return partial({"pellucid": ours, "loop": loop}[system], ResNet18().eval(), layer)


def ours(model: Any, layer: str) -> None:
    """Run `maximize`, everything in it."""
    import pellucid as pel

    pel.weights.maximize(model, layer, range(UNITS), like=(3, SIDE, SIDE), steps=STEPS)


def loop(model: Any, layer: str) -> None:
    """Run the loop over the whole model, with its weights asking for gradients."""
    import torch

    from pellucid.maths.fourier import falloff, picture_of, shaded
    from pellucid.methods.synthesis.moves import drawn, moved

    strength, seen = falloff(SIDE, SIDE), list[torch.Tensor]()
    hook = model.get_submodule(layer).register_forward_hook(lambda module, given, output: seen.append(output))  # noqa: ARG005
    waves = (torch.randn(UNITS, 3, SIDE, SIDE // 2 + 1, 2) * 0.01).requires_grad_()
    optimizer, generator = torch.optim.Adam([waves], lr=0.05), torch.Generator().manual_seed(0)
    for _ in range(STEPS):
        optimizer.zero_grad()
        draws = drawn(generator, UNITS)
        model(moved(shaded(picture_of(waves, strength, SIDE)), draws, jitter=0.05, zoom=0.1, turn=10.0))
        output = seen.pop()
        (-output[torch.arange(UNITS), torch.arange(UNITS)].mean((1, 2)).sum()).backward()
        optimizer.step()
    hook.remove()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure each stage."""
    parser = argparse.ArgumentParser(description="What a step of activation maximisation costs.")
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args(arguments).rounds
    print(f"ResNet-18, {SIDE} x {SIDE}, {UNITS} units, {STEPS} steps: pellucid over the whole loop")
    found = list[tuple[float, float]]()
    for stage, layer in STAGES.items():
        seconds = in_turns(partial(build, layer), ["pellucid", "loop"], rounds)
        found.append(ratio(seconds["pellucid"], seconds["loop"]))
        print(f"{stage} {found[-1][0]:6.3f} +- {found[-1][1]:.3f}", flush=True)
    mean = sum(over for over, _ in found) / len(found)
    error = sum(error**2 for _, error in found) ** 0.5 / len(found)
    print(f"mean    {mean:6.3f} +- {error:.3f}   at most {LIMIT:g}: {'met' if mean <= LIMIT else 'MISSED'}")
    return 0 if mean <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
