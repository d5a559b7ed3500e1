"""What maps cost, over the bare passes that they cannot do without, beside captum and pytorch-grad-cam.

CPU seconds on ResNet-18 and 64 x 64 pictures (--side 32 for smaller ones), one thread, each system in a process of its
own, in turns, and all processes five times anew; the figure is the median over the rounds of the ratio, with its
standard error. "again" is the floor a second time: its distance from 1 is the noise. pytorch-grad-cam is measured where
it is installed; it wants torchvision for its image tools only, which are replaced by nothing here.

    python benchmarks/attribution.py                     everything, about 20 minutes
    python benchmarks/attribution.py --tables gradient   one table
    python benchmarks/attribution.py --rounds 1          of each start

A target that is missed by more than two standard errors makes the exit status 1.
"""

import argparse
import sys
import types
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

from turns import in_turns, ratio

# For each table: examples, rounds of each start, and for each system what it is divided by and the most that may be.
TABLES: dict[str, tuple[int, int, dict[str, tuple[str, float | None]]]] = {
    "gradient": (
        16,
        5,
        {
            "floor": ("floor", None),
            "again": ("floor", None),
            "pellucid": ("floor", 1.05),
            "captum": ("floor", None),
        },
    ),
    "gradcam": (
        16,
        5,
        {
            "floor": ("floor", None),
            "again": ("floor", None),
            "pellucid": ("floor", 1.05),
            "pellucid, no layer named": ("floor", None),
            "captum": ("floor", None),
            "pytorch-grad-cam": ("floor", None),
        },
    ),
    "smoothgrad": (8, 1, {"floor": ("floor", None), "captum": ("floor", None), "pellucid": ("captum", 1.0)}),
    "integrated": (8, 1, {"floor": ("floor", None), "captum": ("floor", None), "pellucid": ("captum", 1.0)}),
    "layer": (8, 1, {"floor": ("floor", None), "pellucid": ("floor", 3.0), "captum": ("floor", None)}),
}
TITLES = {
    "gradient": "Gradient over a forward and backward pass to the input",
    "gradcam": "Grad-CAM at the last stage over a forward pass and the backward pass of the head",
    "smoothgrad": "SmoothGrad, 16 samples and the scores: floor one bare pass, over captum at equal passes",
    "integrated": "Integrated gradients, 16 nodes and the check: floor one bare pass, over captum at equal passes",
    "layer": "Integrated gradients at the last stage, 50 nodes, over a forward pass",
}
STEPS, STARTS = 16, 5


def build(table: str, side: int, system: str) -> Callable[[], Any]:
    """Return one run of a system on square pictures of so many pixels a side."""
    import torch

    from pellucid.gallery.models import ResNet18

    net = ResNet18().eval()
    with torch.no_grad():
        net.head.weight.abs_()  # no class activation map is 0 everywhere, which would be looked into
    x = torch.randn(TABLES[table][0], 3, side, side, generator=torch.Generator().manual_seed(0))
    if system in ("floor", "again"):
        return partial({"gradcam": head, "layer": forward}.get(table, bare), net, x)
    if system.startswith("pellucid"):
        return pellucid(table, system, net, x)
    return grad_cam(net, x) if system == "pytorch-grad-cam" else captum(table, net, x)


def bare(net: Any, x: Any) -> Any:
    """One forward and one backward pass to the input."""
    import torch

    leaf = x.clone().requires_grad_()
    return torch.autograd.grad(net(leaf)[:, 1].sum(), leaf)


def forward(net: Any, x: Any) -> Any:
    """One forward pass."""
    import torch

    with torch.no_grad():
        return net(x)


def head(net: Any, x: Any) -> Any:
    """One forward pass, with a graph behind the last stage only."""
    import torch

    with torch.no_grad():
        hidden = net.blocks(net.activation(net.norm(net.convolution(x))))
    hidden.requires_grad_()
    return torch.autograd.grad(net.head(net.pool(hidden).flatten(1))[:, 1].sum(), hidden)


def pellucid(table: str, system: str, net: Any, x: Any) -> Callable[[], Any]:
    """What users call."""
    import pellucid as pel

    ways: dict[str, tuple[Any, str | None]] = {
        "gradient": (pel.gradients.Gradient(), None),
        "gradcam": (pel.gradients.GradCAM(), None if "no layer" in system else "blocks"),
        "smoothgrad": (pel.gradients.SmoothGrad(samples=STEPS), None),
        "integrated": (pel.gradients.IntegratedGradients(nodes=STEPS, exact=True), None),
        "layer": (pel.gradients.IntegratedGradients(nodes=50, exact=True), "blocks"),
    }
    method, at = ways[table]
    return lambda: pel.gradients.saliency(net, x, 1, method=method, at=at)


def captum(table: str, net: Any, x: Any) -> Callable[[], Any]:
    """The same of captum, in its quickest form."""
    import warnings

    from captum import attr

    warnings.simplefilter("ignore")
    path: dict[str, Any] = {"target": 1, "return_convergence_delta": True}
    ways: dict[str, Callable[[], Any]] = {
        "gradient": lambda: attr.Saliency(net).attribute(x, 1),
        "gradcam": lambda: attr.LayerGradCam(net, net.blocks).attribute(x, 1),
        "smoothgrad": lambda: (  # the scores, which ours have with them: equal passes
            forward(net, x),
            attr.NoiseTunnel(attr.Saliency(net)).attribute(
                x, nt_samples=STEPS, nt_samples_batch_size=2, stdevs=0.15, target=1
            ),
        ),
        "integrated": lambda: attr.IntegratedGradients(net).attribute(x, n_steps=STEPS, internal_batch_size=16, **path),
        "layer": lambda: attr.LayerIntegratedGradients(net, net.blocks).attribute(
            x, n_steps=50, internal_batch_size=16, target=1
        ),
    }
    return ways[table]


def grad_cam(net: Any, x: Any) -> Callable[[], Any]:
    """Grad-CAM of pytorch-grad-cam."""
    from unittest import mock

    transforms: Any = types.ModuleType("torchvision.transforms")
    transforms.Compose = transforms.Normalize = transforms.ToTensor = object
    functional: Any = types.ModuleType("torchvision.transforms.functional")
    functional.resize = None
    names = {"torchvision": types.ModuleType("torchvision"), "torchvision.transforms": transforms}
    with mock.patch.dict(sys.modules, names | {"torchvision.transforms.functional": functional}):
        from pytorch_grad_cam import GradCAM
        from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    cam = GradCAM(model=net, target_layers=[net.blocks])
    return lambda: cam(input_tensor=x, targets=[ClassifierOutputTarget(1)] * len(x))


def smooth_nets() -> bool:
    """Print passes for the same completeness error on smooth networks; return whether the target is met."""
    print("\nIntegrated gradients of smooth networks: passes for an error no larger than captum's with its 50 steps")
    met = [
        smooth_net(kind, weights) or weights > 1  # the target is for weights as PyTorch draws them
        for kind in ("GELU", "Tanh", "Softplus", "SiLU")
        for weights in (1, 2)
    ]
    return all(met)


def smooth_net(kind: str, weights: float) -> bool:
    """Print a line on one network; return whether a third of captum's passes is enough."""
    import torch
    from captum.attr import IntegratedGradients
    from torch import nn

    import pellucid as pel

    torch.manual_seed(0)
    widths = (16, 32, 32, 32, 4)
    parts = [part for a, b in pairwise(widths) for part in (nn.Linear(a, b), getattr(nn, kind)())]
    net, x = nn.Sequential(*parts[:-1]).double(), torch.randn(16, 16, dtype=torch.float64)
    with torch.no_grad():
        for layer in net[:-1:2]:
            layer.weight.mul_(weights)
        scores = (net(x) - net(torch.zeros_like(x)))[:, 1]
    error = {}
    for steps in (50, 8, 12, 16, 24, 32):
        found = IntegratedGradients(net).attribute(x, target=1, n_steps=steps).detach()
        error[steps] = float(((found.sum(1) - scores) / scores).abs().max())
    worst = max(error[50], 1e-6)  # below that float32 ends
    ours = pel.gradients.saliency(net, x, 1, method=pel.gradients.IntegratedGradients(tolerance=worst))
    passes, least = ours.provenance.passes, min(steps for steps, one in error.items() if one <= worst)
    print(
        f"{kind:9} weights x {weights:g}: captum 50 steps {error[50]:.0e}, 102 passes ({least} steps would have done); "
        f"pellucid {float(ours.error.max()):.0e}, {ours.notes['nodes']:.0f} nodes, {passes} passes: {passes / 102:.2f}"
        + (" (at most 0.33)" if weights == 1 else "")
    )
    return passes <= 102 / 3 and float(ours.error.max()) <= worst


def show(table: str, side: int, rounds: int | None) -> bool:
    """Print one table; return whether every target is met."""
    rows, usual, systems = TABLES[table]
    seconds = in_turns(partial(build, table, side), list(systems), rounds or usual, STARTS)
    print(f"\n{TITLES[table]}, {rows} examples of {side} x {side}", flush=True)
    met = True
    for system, (floor, target) in systems.items():
        found, (over, error) = seconds[system], ratio(seconds[system], seconds[floor])
        if not found:
            continue
        said = "" if target is None else judged(over, error, target, floor)
        met &= "MISSED" not in said
        bound = said and f"   {said}"
        print(f"{system:26} {1e3 * min(found):9.0f} ms {over:8.3f} +- {error:.3f} x {floor}{bound}")
    return met


def judged(over: float, error: float, target: float, floor: str) -> str:
    """Say whether a target is met; what lies above it by less than two standard errors may be, and is called so."""
    word = "met" if over <= target else "met within the error" if over - 2 * error <= target else "MISSED"
    return f"at most {target:g} of {floor}: {word}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tables that are asked for."""
    parser = argparse.ArgumentParser(description="What maps cost.")
    parser.add_argument("--tables", nargs="+", choices=(*TABLES, "smooth"), default=[*TABLES, "smooth"])
    parser.add_argument("--rounds", type=int, help="of each start, instead of the usual ones of each table")
    parser.add_argument("--side", type=int, default=64, help="pixels of a picture's side")
    chosen = parser.parse_args(arguments)
    met = [smooth_nets() if table == "smooth" else show(table, chosen.side, chosen.rounds) for table in chosen.tables]
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
