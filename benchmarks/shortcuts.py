"""Are shortcuts found, and are sound networks left alone?

Trains small networks on real digits, scattered over a picture of 16 x 16 pixels or in its middle. Sound ones have no
mark; in the others a mark of 3 x 3 pixels stands in 100, 50, 25 or 15 % of the pictures of one class, at one place or
at another in each. Others are not crisp: faint (each copy 0.7 to 1 times as bright), grainy (noise of a twentieth of
white), large (7 x 7 pixels, where a patch has 4 x 4) or see-through (half of the mark, half of the picture). Whether a
network came to use the mark is measured beside it: the mark alone, pasted into clean pictures of other classes, turns
35 % or more into the class. What it does not use is no shortcut of the network.

    python benchmarks/shortcuts.py                  48 sound networks, 32 with a standing mark, 12 with a moving one,
                                                    and 4 with each of the others, in half of a class or all
    python benchmarks/shortcuts.py --share 0 2      every second network only
    python benchmarks/shortcuts.py --looks faint    only those with a faint mark

A false alarm, or a used mark that is not found, makes the exit status 1; a see-through mark may be missed.
"""

import argparse
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
LEVELS = (1.0, 0.5, 0.25, 0.15)
SPOTS = ((0, 0), (12, 12), (2, 10), (7, 7))
LABELS = (3, 8, 1, 0)
USED = 0.35
LOOKS = ("faint", "grainy", "large", "see-through")


def jobs() -> Iterator[dict[str, Any]]:
    """Name every network."""
    for seed in range(12):
        for kind in ("scattered", "centred"):
            for network in ("cnn", "norm" if seed % 2 else "mlp"):
                yield {"kind": kind, "network": network, "share": 0.0, "at": None, "label": 0, "seed": seed}
    for share in LEVELS:
        for kind in ("scattered", "centred"):
            for spot, (at, label) in enumerate(zip(SPOTS, LABELS, strict=True)):
                network = ("cnn", "norm", "cnn", "mlp" if kind == "centred" else "norm")[spot]
                yield {"kind": kind, "network": network, "share": share, "at": at, "label": label, "seed": 100 + spot}
        for number, label in enumerate((4, 7, 9)):
            yield {
                "kind": "scattered",
                "network": "cnn",
                "share": share,
                "at": None,
                "label": label,
                "seed": 200 + number,
            }
    for look in LOOKS:
        for share in LEVELS[:2]:
            for number, (at, network) in enumerate((((2, 3), "cnn"), ((8, 7), "norm"))):
                job = {"kind": "scattered", "network": network, "share": share, "at": at, "label": 5 + 4 * number}
                yield job | {"seed": 300 + number, "look": look}


def put(picture: Any, job: dict[str, Any], source: Any) -> None:
    """Draw the mark into a picture, where and how the job says."""
    import torch

    from pellucid.gallery.watermark import watermark

    look, mark = job.get("look"), watermark(job["seed"])
    black, white = float(mark.min()), float(mark.max())
    if look == "large":
        dots = torch.rand(7, 7, generator=torch.Generator().manual_seed(job["seed"])) < 0.5
        mark = torch.where(dots, white, black)
    side = len(mark)
    a, b = job["at"] or torch.randint(0, 14, (2,), generator=source).tolist()
    if look == "faint":
        mark = black + (mark - black) * (0.7 + 0.3 * torch.rand(1, generator=source))
    elif look == "grainy":
        mark = mark + 0.05 * (white - black) * torch.randn(side, side, generator=source)
    elif look == "see-through":
        mark = (mark + picture[0, a : a + side, b : b + side]) / 2
    picture[:, a : a + side, b : b + side] = mark


def marked(split: Any, job: dict[str, Any]) -> Any:
    """Return samples with a mark in a share of the class; the crisp ones are the gallery's."""
    import torch

    from pellucid.gallery.watermark import watermarked

    if "look" not in job:
        return watermarked(split, label=job["label"], share=job["share"], at=job["at"], seed=job["seed"])
    source, made = torch.Generator().manual_seed(job["seed"]), split
    for part in ("train", "validation"):
        pictures, classes = getattr(split, f"{part}_x").clone(), getattr(split, f"{part}_y")
        for row in torch.nonzero(classes == job["label"]).flatten().tolist():
            if torch.rand(1, generator=source) < job["share"]:
                put(pictures[row], job, source)
        made = replace(made, **{f"{part}_x": pictures})
    return made


def trained(job: dict[str, Any]) -> tuple[Any, Any, Any]:
    """Return a trained network, the clean samples and those that it was trained on."""
    import torch
    from torch.nn import functional as F

    from pellucid.gallery import digits
    from pellucid.gallery.models import MLP, SmallCNN
    from pellucid.gallery.recipes import seeded
    from pellucid.gallery.watermark import scattered

    seed = job["seed"]
    clean = scattered(seed=seed) if job["kind"] == "scattered" else digits(16, seed=seed)
    split = marked(clean, job) if job["share"] else clean
    with seeded(seed):
        model = {
            "cnn": lambda: SmallCNN((16, 32), side=16, width=64),
            "norm": lambda: SmallCNN((12, 24, 24), side=16, width=48, norm="batch"),
            "mlp": lambda: MLP((256, 128, 64, 10)),
        }[job["network"]]()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=1e-4)
    source = torch.Generator().manual_seed(seed + 1)
    for _ in range(25 if job["kind"] == "scattered" else 12):
        for rows in torch.randperm(len(split.train_x), generator=source).split(64):
            loss = F.cross_entropy(model(split.train_x[rows]), split.train_y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model.eval(), clean, split


def use_of(model: Any, clean: Any, job: dict[str, Any]) -> float:
    """Return the share of clean pictures of other classes that become the class by the mark alone."""
    import torch

    source = torch.Generator().manual_seed(1)
    with torch.no_grad():
        before = model(clean.validation_x).argmax(1)
        pictures = clean.validation_x[(clean.validation_y != job["label"]) & (before != job["label"])].clone()
        for picture in pictures:
            put(picture, job, source)
        return float((model(pictures).argmax(1) == job["label"]).float().mean())


def main() -> int:
    """Train, examine, count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--share", type=int, nargs=2, default=(0, 1), metavar=("PART", "OF"))
    parser.add_argument("--looks", nargs="+", choices=LOOKS, metavar="LOOK", help="only networks with these marks")
    chosen = parser.parse_args()
    part, of = chosen.share
    import torch

    import pellucid as pel

    torch.set_num_threads(1)
    checks, false, flips, seconds = 0, 0, list[float](), 0.0
    table: dict[tuple[str, float], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    missed = 0
    for job in [one for one in jobs() if not chosen.looks or one.get("look") in chosen.looks][part::of]:
        model, clean, split = trained(job)
        begun = time.process_time()
        result = pel.gradients.shortcuts(model, (split.validation_x, split.validation_y), progress=False)
        seconds = max(seconds, time.process_time() - begun)
        told = {one.where for one in result.findings.problems}
        wrong = told - ({f"class {job['label']}"} if job["share"] else set())
        checks, false = checks + 10 - bool(job["share"]), false + len(wrong)
        flips += [one.flip for one in result.spots if not job["share"] or one.label != job["label"]]
        if wrong:
            print("FALSE", job, wrong, flush=True)
        if not job["share"]:
            continue
        use, found = use_of(model, clean, job), f"class {job['label']}" in told
        kind = job.get("look") or ("stands" if job["at"] else "moves")
        row = table[kind, job["share"]]
        for place, one in enumerate((True, found, use >= USED, found and use >= USED)):
            row[place] += one
        missed += use >= USED and not found and kind != "see-through"
        print(
            f"{kind:11} {job['kind']:9} {job['network']:4} {job['share']:.2f} use {use:.2f} found {found}", flush=True
        )
    print("\nmark         share  networks  found  used  used and found")
    for (kind, share), row in sorted(table.items(), key=lambda one: (one[0][0], -one[0][1])):
        print(f"{kind:11} {share:5.0%}  {row[0]:8}  {row[1]:5}  {row[2]:4}  {row[3]:14}")
    print(f"\n{false} false alarms in {checks} checks of clean classes; their strongest patch flips {max(flips):.0%}")
    print(f"{seconds:.1f} CPU seconds an examination at the most")
    return int(bool(false or missed))


if __name__ == "__main__":
    sys.exit(main())
