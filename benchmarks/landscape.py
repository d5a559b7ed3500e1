"""What a point of a loss landscape costs, how many points it takes, and whether what is filled in is true.

A point is measured on ResNet-20 (272,474 weights) with 512 pictures of 3 x 32 x 32 pixels. The floor is the forward
passes alone, in parts of 32 pictures, which are already there. Beside it stand plain loops that do what tools do for a
point: weights through a state dict and a loader (as loss-landscape-3d and others do), directions in NumPy and a loader
(as in the code of Li et al. 2018), or in-place additions and one batch of all pictures (as loss-landscapes does); and
these two packages themselves, where they are installed. CPU seconds, one thread, each system in a process of its own,
in turns; figures are the median over the rounds of the ratio, with its error.

Then 33 x 33 points are measured one by one on small networks that were trained on digits, and compared with what
`landscape` makes of 100 of them, cell by cell. With batch norm the loss rises so steeply that 100 may be too few; how
true the cells are is promised there, too. Last, a landscape of a CNN with pictures of 32 x 32 pixels is compared with a
plain loop over all points, of which a ninth is measured, by CPU seconds.

    python benchmarks/landscape.py               about 20 minutes on an idle core
    python benchmarks/landscape.py --rounds 3    less of it

A missed bar makes the exit status 1.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from turns import in_turns, ratio

PICTURES, PART, SIDE = 512, 32, 3
RESOLUTION = 33
COST, WORST, POINTS, FEWER = 1.05, 0.02, 100, 10.0
LOOPS = ("state dict", "numpy", "in place")
PACKAGES = ("loss-landscapes", "loss-landscape-3d")
NETWORKS = {"cnn": POINTS, "mlp": POINTS, "cnn with batch norm": RESOLUTION**2}
"""Networks that were trained on digits, and how many points they may take at the most."""


def resnet(system: str) -> Callable[[], Any]:
    """Return SIDE x SIDE points of ResNet-20, as a system measures them."""
    import torch

    from pellucid.gallery.models import ResNet20

    model = ResNet20().eval()
    with torch.no_grad():
        for one in model.parameters():  # loss-landscapes divides by the length of each bias
            one.add_(0.01 * torch.randn_like(one))
    data = torch.randn(PICTURES, 3, 32, 32), torch.randint(0, 10, (PICTURES,))
    if system == "pellucid":
        return lambda: ours(model, data, SIDE, tolerance=0.0)
    if system in PACKAGES:
        return package(system, model, data)
    return {"floor": floor, "state dict": state_dict, "numpy": numpy, "in place": in_place}[system](model, data)


def ours(model: Any, data: Any, side: int, tolerance: float = 0.02) -> Any:
    """Measure a landscape, everything in it."""
    import pellucid as pel

    options = pel.loss.LandscapeOptions(lines=0, tolerance=tolerance)
    return pel.loss.landscape(model, data, resolution=side, options=options, progress=False)


def floor(model: Any, data: Any) -> Callable[[], Any]:
    """Return the forward passes of all points."""
    import torch
    from torch.nn import functional as F

    parts = list(zip(*(one.split(PART) for one in data), strict=True))

    def work() -> None:
        with torch.no_grad():
            for _ in range(SIDE**2):
                for x, y in parts:
                    F.cross_entropy(model(x), y)

    return work


def points(side: int = SIDE) -> Iterator[tuple[float, float]]:
    """Yield where the points are."""
    import numpy as np

    for b in np.linspace(-1, 1, side):
        for a in np.linspace(-1, 1, side):
            yield float(a), float(b)


def drawn(model: Any, number: int) -> dict[str, Any]:
    """Return a direction, by name."""
    import torch

    torch.manual_seed(number)
    return {name: 0.01 * torch.randn_like(one) for name, one in model.named_parameters()}


def loader(data: Any) -> Any:
    """Return a loader of batches of 128."""
    from torch.utils.data import DataLoader, TensorDataset

    return DataLoader(TensorDataset(*data), batch_size=128)


def over(model: Any, batches: Any) -> float:
    """Return the mean loss, batch by batch."""
    import torch
    from torch.nn import functional as F

    total = 0.0
    with torch.no_grad():
        for x, y in batches:
            total += F.cross_entropy(model(x), y).item() * len(x)
    return total / PICTURES


def state_dict(model: Any, data: Any) -> Callable[[], Any]:
    """Return a loop that loads a new state dict for each point."""
    home = {name: one.clone() for name, one in model.state_dict().items()}
    first, second, batches = drawn(model, 0), drawn(model, 1), loader(data)

    def work() -> None:
        for a, b in points():
            there = {
                name: one + a * first[name] + b * second[name] if name in first else one for name, one in home.items()
            }
            model.load_state_dict(there)
            over(model, batches)
        model.load_state_dict(home)

    return work


def numpy(model: Any, data: Any) -> Callable[[], Any]:
    """Return a loop whose weights and directions are NumPy arrays."""
    import torch

    home = [one.detach().numpy().copy() for one in model.parameters()]
    first, second = ([one.numpy() for one in drawn(model, number).values()] for number in (0, 1))
    batches = loader(data)

    def work() -> None:
        for a, b in points():
            for one, here, along, across in zip(model.parameters(), home, first, second, strict=True):
                one.data = torch.from_numpy(here + (along * a + across * b).astype(here.dtype))
            over(model, batches)

    return work


def in_place(model: Any, data: Any, side: int = SIDE, part: int = PICTURES) -> Callable[[], Any]:
    """Return a loop that adds to the weights one by one."""
    import torch

    home = [one.detach().clone() for one in model.parameters()]
    first, second = (list(drawn(model, number).values()) for number in (0, 1))
    batches = list(zip(*(one.split(part) for one in data), strict=True))

    def work() -> None:
        for a, b in points(side):
            with torch.no_grad():
                for one, here, along, across in zip(model.parameters(), home, first, second, strict=True):
                    one.copy_(here).add_(along, alpha=a).add_(across, alpha=b)
            over(model, batches)

    return work


def package(system: str, model: Any, data: Any) -> Callable[[], Any]:
    """Return the loop of a package."""
    from torch.nn import functional as F

    if system == "loss-landscapes":
        import loss_landscapes
        from loss_landscapes.metrics import Loss

        return lambda: loss_landscapes.random_plane(
            model, Loss(F.cross_entropy, *data), steps=SIDE, deepcopy_model=True
        )
    from loss_landscape_3d import LossLandscapeCalculator

    home = {name: one.clone() for name, one in model.state_dict().items()}
    work = LossLandscapeCalculator(model, loader(data), F.cross_entropy)
    axis = (-1.0, 0.0, 1.0)
    return lambda: work.calculate(axis, axis, drawn(model, 0), drawn(model, 1), home)


def trained(network: str, side: int = 16) -> tuple[Any, Any]:
    """Return a network that was trained on digits, and pictures that it was not trained on."""
    import torch
    from torch.nn import functional as F

    from pellucid.gallery import digits
    from pellucid.gallery.models import MLP, SmallCNN

    torch.manual_seed(0)
    split = digits(side)
    norm = "batch" if network.endswith("norm") else "none"
    model = MLP((256, 512, 512, 10)) if network == "mlp" else SmallCNN((16, 32), side=side, width=64, norm=norm)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(4):
        for rows in torch.randperm(len(split.train_x)).split(64):
            optimizer.zero_grad()
            F.cross_entropy(model(split.train_x[rows]), split.train_y[rows]).backward()
            optimizer.step()
    optimizer.zero_grad()
    return model.eval(), (split.validation_x, split.validation_y)


def whole(system: str) -> Callable[[], Any]:
    """Return a landscape of a CNN of 32 x 32 pixels, filled in; or a plain loop over a ninth of its points."""
    model, data = trained("cnn", side=32)
    if system == "plain":
        return in_place(model, data, side=RESOLUTION // 3, part=PART)
    return lambda: ours(model, data, RESOLUTION)


def cost_of_a_point(rounds: int, starts: int) -> bool:
    """Print what a point costs; say whether the bar is met."""
    print(f"ResNet-20, {PICTURES} pictures: a point, over the forward passes alone", flush=True)
    promised = in_turns(resnet, ("floor", "pellucid"), 3 * rounds, starts)  # more often than what is only shown
    beside = in_turns(resnet, ("floor", *LOOPS, *PACKAGES), rounds, starts)
    times, error = ratio(promised["pellucid"], promised["floor"])
    print(f"{'pellucid':18} {times:6.3f} +- {error:.3f}   at most {COST:g}: {'met' if times <= COST else 'MISSED'}")
    for system in (*LOOPS, *PACKAGES):
        if beside[system]:
            print("{:18} {:6.3f} +- {:.3f}".format(system, *ratio(beside[system], beside["floor"])))
    each = sorted(promised["floor"])[len(promised["floor"]) // 2] / SIDE**2
    print(f"the floor is {each:.2f} CPU seconds", flush=True)
    return times <= COST


def truth_of_the_cells() -> bool:
    """Print how far cells that were filled in are from their true values; say whether the bars are met."""
    import numpy as np
    import torch

    torch.set_num_threads(1)
    every = True
    for network, most in NETWORKS.items():
        model, data = trained(network)
        found, true = ours(model, data, RESOLUTION), ours(model, data, RESOLUTION, tolerance=0.0)
        errors = np.abs(found.losses / true.losses - 1)
        count = int(found.measured.sum())
        met = bool(errors.max() <= WORST) and count <= most and bool(true.measured.all())
        every &= met
        print(
            f"{network}: {count} of {RESOLUTION**2:,} points measured, the loss being {true.losses.min():.3g} to "
            f"{true.losses.max():.3g}; the others are {np.median(errors[~found.measured]):.3%} off in the median and "
            f"{errors.max():.2%} at the most: {'met' if met else 'MISSED'}",
            flush=True,
        )
    return every


def cost_of_a_landscape(rounds: int) -> bool:
    """Print what a whole landscape costs beside a plain loop; say whether the bar is met."""
    seconds = in_turns(whole, ("pellucid", "plain"), rounds)
    times, error = (9 * one for one in ratio(seconds["plain"], seconds["pellucid"]))
    met = times >= FEWER
    print(
        f"a plain loop over {RESOLUTION} x {RESOLUTION} points takes {times:.2f} +- {error:.2f} times as long as "
        f"pellucid; at least {FEWER:g}: {'met' if met else 'MISSED'}"
    )
    return met


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--starts", type=int, default=2)
    chosen = parser.parse_args(arguments)
    met = [
        cost_of_a_point(chosen.rounds, chosen.starts),
        truth_of_the_cells(),
        cost_of_a_landscape(max(2, chosen.rounds // 2)),
    ]
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
