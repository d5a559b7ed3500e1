"""What a map costs and how far it can be believed, beside the libraries alone.

Digits as they are, 1,797 rows, and copies of them with noise. Each system runs once in a process of its own on one
thread; CPU seconds are those of the map, without imports and without what pellucid measures of it afterwards, which
stands in a column of its own. Trustworthiness and the neighbours kept are pellucid's for all of them. Systems that are
not installed are said and left out.

    python benchmarks/projection.py                 1,797 rows, about 3 minutes
    python benchmarks/projection.py --rows 20000    about an hour
"""

import argparse
import multiprocessing as mp
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

METHODS = ("pca", "tsne", "umap")
SYSTEMS = (*(f"pellucid {one}" for one in METHODS), "scikit-learn TSNE", "openTSNE", "umap-learn")


def rows_of(count: int) -> Any:
    """Return digits, and as many noisy copies of them as are needed, [row, unit]."""
    import numpy as np
    from sklearn.datasets import load_digits

    generator, digits = np.random.default_rng(0), load_digits().data
    copies = digits[np.arange(count) % len(digits)]
    return copies + (np.arange(count) >= len(digits))[:, None] * generator.normal(scale=2, size=copies.shape)


def ours(method: str, rows: Any) -> Any:
    """Make a map without judging its stability."""
    import pellucid as pel

    options = pel.embeddings.ProjectionOptions(stability=False)
    return pel.embeddings.project(rows, method=method, options=options, progress=False)


def maker_of(system: str) -> Callable[[Any], Any]:
    """Return what makes points of rows, everything that it needs imported."""
    if system.startswith("pellucid"):
        return partial(ours, system.split()[1])
    if system == "scikit-learn TSNE":
        from sklearn.manifold import TSNE

        return TSNE(random_state=0).fit_transform
    if system == "openTSNE":
        import openTSNE  # pyright: ignore[reportMissingImports]

        return openTSNE.TSNE(random_state=0, n_jobs=1).fit
    import umap  # pyright: ignore[reportMissingImports]

    return umap.UMAP(random_state=0, n_jobs=1).fit_transform


def measured(system: str, count: int, pipe: Any) -> None:
    """Make one map, and send CPU seconds of the map and of its judgement, trustworthiness and neighbours kept."""
    import torch

    from pellucid.core.errors import MissingExtraError
    from pellucid.maths.neighbours import neighbours_kept

    torch.set_num_threads(1)
    try:
        make, rows = maker_of(system), rows_of(count)
        make(rows[:300])  # what is compiled when it is first called, is
    except (ImportError, MissingExtraError) as error:
        pipe.send(str(error))
        return
    begun = time.process_time()
    found = make(rows)
    took = time.process_time() - begun
    sample = torch.arange(0, count, max(1, count // 5000))
    points = torch.from_numpy(getattr(found, "points", found).astype("float64"))
    begun = time.process_time()
    kept = neighbours_kept(torch.from_numpy(rows)[sample], points[sample], 10)
    judged = time.process_time() - begun
    took -= judged if system.startswith("pellucid") else 0.0
    pipe.send((took, judged, float(kept.trust.mean()), float(kept.share.mean()), getattr(found, "made_by", "")))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure each system in a process of its own."""
    parser = argparse.ArgumentParser(description="What a map costs and how far it can be believed.")
    parser.add_argument("--rows", type=int, default=1797)
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, default=SYSTEMS)
    given = parser.parse_args(arguments)
    print(f"{given.rows:,} rows of 64 units\n{'':20} CPU s  judged  trust  kept")
    for system in given.systems:
        mine, theirs = mp.get_context("spawn").Pipe()
        process = mp.get_context("spawn").Process(target=measured, args=(system, given.rows, theirs))
        process.start()
        found = mine.recv()
        process.join()
        if isinstance(found, str):
            print(f"{system:20} not measured: {found}")
            continue
        took, judged, trust, kept, by = found
        print(f"{system:20} {took:6.1f} {judged:6.1f} {trust:7.4f} {kept:5.2f}  {by}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
