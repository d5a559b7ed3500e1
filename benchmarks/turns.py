"""Systems that are measured in turns, each in a process of its own, so that what else the machine does falls on all.

Used by the benchmarks beside it; running it does nothing.
"""

import multiprocessing as mp
import os
import statistics
import time
import traceback
from collections.abc import Callable, Sequence
from typing import Any

os.environ["OMP_WAIT_POLICY"] = "PASSIVE"


def in_turns(build: Callable[[str], Callable[[], Any]], systems: Sequence[str], rounds: int) -> dict[str, list[float]]:
    """Run every system once a round, after a round to warm up.

    Args:
        build: From the name of a system to what is measured; a function at the top of a module.
        systems: Their names.
        rounds: How many.

    Returns:
        CPU seconds of each round, by system. One that cannot be built has none, and says why.
    """
    context, pipes = mp.get_context("spawn"), dict[str, Any]()
    for system in systems:
        pipes[system], theirs = context.Pipe()
        context.Process(target=_serve, args=(build, system, theirs), daemon=True).start()
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


def ratio(mine: Sequence[float], floor: Sequence[float]) -> float:
    """Return the median over the rounds of one system's seconds over another's; NaN where either was not measured."""
    pairs = list(zip(mine, floor, strict=False))
    return statistics.median(one / other for one, other in pairs) if pairs else float("nan")


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
