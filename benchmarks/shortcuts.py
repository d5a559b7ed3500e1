"""Are shortcuts found, and are sound networks left alone?

Trains small networks on real digits, scattered over a picture of 16 x 16 pixels or in its middle. Sound ones have no
mark; in the others a mark of 3 x 3 pixels stands in 100, 50, 25 or 15 % of the pictures of one class, at one place or
at another in each. Whether a network came to use the mark is measured beside it: the mark alone, pasted into clean
pictures of other classes, turns 35 % or more into the class. What it does not use is no shortcut of the network.

    python benchmarks/shortcuts.py                  48 sound networks, 32 with a standing mark, 12 with a moving one
    python benchmarks/shortcuts.py --share 0 2      every second network only

A false alarm, or a used mark that is not found, makes the exit status 1.
"""

import argparse
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
LEVELS = (1.0, 0.5, 0.25, 0.15)
SPOTS = ((0, 0), (12, 12), (2, 10), (7, 7))
LABELS = (3, 8, 1, 0)
USED = 0.35


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


def trained(job: dict[str, Any]) -> tuple[Any, Any, Any]:
    """Return a trained network, the clean samples and those that it was trained on."""
    import torch
    from torch.nn import functional as F

    from pellucid.gallery import digits
    from pellucid.gallery.models import MLP, SmallCNN
    from pellucid.gallery.recipes import seeded
    from pellucid.gallery.watermark import scattered, watermarked

    seed = job["seed"]
    clean = scattered(seed=seed) if job["kind"] == "scattered" else digits(16, seed=seed)
    split = clean
    if job["share"]:
        split = watermarked(clean, label=job["label"], share=job["share"], at=job["at"], seed=seed)
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

    from pellucid.gallery.watermark import watermark

    source, mark = torch.Generator().manual_seed(1), watermark(job["seed"])
    with torch.no_grad():
        before = model(clean.validation_x).argmax(1)
        pictures = clean.validation_x[(clean.validation_y != job["label"]) & (before != job["label"])].clone()
        for picture in pictures:
            a, b = job["at"] or torch.randint(0, 14, (2,), generator=source).tolist()
            picture[:, a : a + 3, b : b + 3] = mark
        return float((model(pictures).argmax(1) == job["label"]).float().mean())


def main() -> int:
    """Train, examine, count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--share", type=int, nargs=2, default=(0, 1), metavar=("PART", "OF"))
    part, of = parser.parse_args().share
    import torch

    import pellucid as pel

    torch.set_num_threads(1)
    checks, false, flips, seconds = 0, 0, list[float](), 0.0
    table: dict[tuple[str, float], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    missed = 0
    for job in list(jobs())[part::of]:
        model, clean, split = trained(job)
        begun = time.process_time()
        result = pel.gradients.shortcuts(model, (split.validation_x, split.validation_y))
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
        row = table["stands" if job["at"] else "moves", job["share"]]
        for place, one in enumerate((True, found, use >= USED, found and use >= USED)):
            row[place] += one
        missed += use >= USED and not found
        print(
            f"{job['kind']:9} {job['network']:4} {job['at']} {job['share']:.2f} use {use:.2f} found {found}", flush=True
        )
    print("\nmark     share  networks  found  used  used and found")
    for (kind, share), row in sorted(table.items(), key=lambda one: (one[0][0], -one[0][1])):
        print(f"{kind:8} {share:5.0%}  {row[0]:8}  {row[1]:5}  {row[2]:4}  {row[3]:14}")
    print(f"\n{false} false alarms in {checks} checks of clean classes; their strongest patch flips {max(flips):.0%}")
    print(f"{seconds:.1f} CPU seconds an examination at the most")
    return int(bool(false or missed))


if __name__ == "__main__":
    sys.exit(main())
