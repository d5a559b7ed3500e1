"""Print what a step of activation maximisation costs, beside the loop that others run.

The loop is that of lucent: the whole model forward, the loss on a hooked layer, and a backward pass with the gradients
of all weights that it reaches; the picture is made in the same way, from waves. Each is a process of its own with one
thread, in turns. It fails where a step at a middle layer takes more than .6 of the loop.

Run: python benchmarks/maximize.py
"""

import os
import statistics
import subprocess
import sys
import time

STEPS, ROUNDS, UNITS, SIDE = 64, 3, 4, 32
LIMIT = 0.6
STAGES = {"stage 1": "blocks.1", "stage 2": "blocks.3", "stage 3": "blocks.5", "stage 4": "blocks.7"}
PROMISED = "stage 2"


def ours(layer: str) -> float:
    """Return the CPU seconds of `maximize`, everything in it."""
    import torch

    import pellucid as pel
    from pellucid.gallery.models import ResNet18

    torch.set_num_threads(1)
    torch.manual_seed(0)
    model, size = ResNet18().eval(), (3, SIDE, SIDE)
    pel.weights.maximize(model, layer, range(UNITS), like=size, steps=1)
    begun = time.process_time()
    pel.weights.maximize(model, layer, range(UNITS), like=size, steps=STEPS)
    return time.process_time() - begun


def loop(layer: str) -> float:
    """Return the CPU seconds of the loop over the whole model, with its weights asking for gradients."""
    import torch

    from pellucid.gallery.models import ResNet18
    from pellucid.maths.fourier import falloff, picture_of, shaded
    from pellucid.methods.synthesis.moves import drawn, moved

    torch.set_num_threads(1)
    torch.manual_seed(0)
    model, strength, seen = ResNet18().eval(), falloff(SIDE, SIDE), list[torch.Tensor]()
    model.get_submodule(layer).register_forward_hook(lambda module, given, output: seen.append(output))  # noqa: ARG005
    waves = (torch.randn(UNITS, 3, SIDE, SIDE // 2 + 1, 2) * 0.01).requires_grad_()
    optimizer, generator = torch.optim.Adam([waves], lr=0.05), torch.Generator().manual_seed(0)

    def step() -> None:
        optimizer.zero_grad()
        draws = drawn(generator, UNITS)
        model(moved(shaded(picture_of(waves, strength, SIDE)), draws, jitter=0.05, zoom=0.1, turn=10.0))
        output = seen.pop()
        (-output[torch.arange(UNITS), torch.arange(UNITS)].mean((1, 2)).sum()).backward()
        optimizer.step()

    step()
    begun = time.process_time()
    for _ in range(STEPS):
        step()
    return time.process_time() - begun


def measured(kind: str, layer: str) -> float:
    """Return the CPU seconds of one run in a process of its own."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1") | {"OMP_WAIT_POLICY": "PASSIVE"}
    command = [sys.executable, __file__, kind, layer]
    done = subprocess.run(command, env=os.environ | threads, capture_output=True, text=True, check=True)
    return float(done.stdout)


def main() -> None:
    """Measure each stage in turns, and print ratios."""
    print(f"ResNet-18, {SIDE} x {SIDE}, {UNITS} units, {STEPS} steps; CPU seconds, median of {ROUNDS} rounds in turns")
    print(f"{'layer':10s} {'ours':>8s} {'loop':>8s} {'ratio':>7s}")
    ratios: dict[str, float] = {}
    for stage, layer in STAGES.items():
        pairs = [(measured("ours", layer), measured("loop", layer)) for _ in range(ROUNDS)]
        ratios[stage] = statistics.median(mine / theirs for mine, theirs in pairs)
        mine, theirs = (statistics.median(one) for one in zip(*pairs, strict=True))
        print(f"{stage:10s} {mine:8.2f} {theirs:8.2f} {ratios[stage]:7.2f}")
    assert ratios[PROMISED] <= LIMIT, f"{PROMISED} takes {ratios[PROMISED]:.2f} of the loop, promised {LIMIT}"


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print({"ours": ours, "loop": loop}[sys.argv[1]](sys.argv[2]))
    else:
        main()
