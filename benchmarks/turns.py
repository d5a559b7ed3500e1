"""Systems that are measured in turns, each in a process of its own, so that what else the machine does falls on all.

Used by the benchmarks beside it; running it does nothing.
"""

import math
import multiprocessing as mp
import os
import statistics
import time
import traceback
from collections.abc import Callable, Sequence
from typing import Any

os.environ["OMP_WAIT_POLICY"] = "PASSIVE"


def in_turns(
    build: Callable[[str], Callable[[], Any]], systems: Sequence[str], rounds: int, starts: int = 1
) -> dict[str, list[float]]:
    """Run every system once a round, after a round to warm up.

    Args:
        build: From the name of a system to what is measured; a function at the top of a module.
        systems: Their names.
        rounds: How many, of each start.
        starts: How often all processes are made anew. Where the memory of a process lies is chance, and makes up to 9 %
            of what a network costs, for as long as the process lives.

    Returns:
        CPU seconds of each round, by system. One that cannot be built has none, and says why.
    """
    seconds: dict[str, list[float]] = {system: [] for system in systems}
    for _ in range(starts):
        for system, found in _one_start(build, systems, rounds).items():
            seconds[system] += found
    return seconds


def _one_start(
    build: Callable[[str], Callable[[], Any]], systems: Sequence[str], rounds: int
) -> dict[str, list[float]]:
    context, pipes = mp.get_context("spawn"), dict[str, Any]()
    for system in systems:
        pipes[system], theirs = context.Pipe()
        context.Process(target=_serve, args=(build, system, theirs), daemon=True).start()
        theirs.close()  # so that a process that ends is noticed
    seconds: dict[str, list[float]] = {system: [] for system in systems}
    for system in systems:
        if problem := pipes[system].recv():
            print(f"{system}: not measured: {problem}")
            del pipes[system]
    for turn in range(rounds + 1):
        for system, pipe in pipes.items():
            pipe.send(True)
            if (took := pipe.recv()) and turn:
                seconds[system].append(took)
    for pipe in pipes.values():
        pipe.send(False)
    return seconds


def ratio(mine: Sequence[float], floor: Sequence[float]) -> tuple[float, float]:
    """Return the median over the rounds of one system's seconds over another's, and its standard error.

    Both are NaN where either system was not measured. The error is that of the median of a normal distribution whose
    spread is read off the quartiles, so that a round that was disturbed does not count for more than its place.
    """
    ratios = sorted(one / other for one, other in zip(mine, floor, strict=False))
    if len(ratios) < 2:
        return (ratios[0] if ratios else math.nan), math.nan
    lower, _, upper = statistics.quantiles(ratios, n=4, method="inclusive")
    return statistics.median(ratios), 1.253 * (upper - lower) / 1.349 / math.sqrt(len(ratios))


def _serve(build: Callable[[str], Callable[[], Any]], system: str, pipe: Any) -> None:
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    try:
        work = build(system)
    except ImportError:
        pipe.send(traceback.format_exc(limit=0).strip().splitlines()[-1])
        return
    pipe.send("")
    while pipe.recv():
        begun = time.process_time()
        work()
        pipe.send(time.process_time() - begun)
