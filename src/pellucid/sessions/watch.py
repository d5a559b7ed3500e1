"""Watch: one line in a training loop, and the run says what is wrong with it."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from pellucid.core.arguments import whole
from pellucid.core.errors import InputError
from pellucid.core.finding import Finding
from pellucid.core.judge import Limits, check_limits
from pellucid.core.recorder import Recorder, open_store
from pellucid.methods.ground.trajectory import FEWEST, MOST, Trajectory
from pellucid.sessions.ranks import Ranks
from pellucid.sessions.watched import Watched
from pellucid.sessions.watching import Watch

Models = nn.Module | Mapping[str, nn.Module]
Optimizers = Optimizer | Sequence[Optimizer] | None


def tell(finding: Finding) -> None:
    """Print one finding to the terminal, on the error stream, so that piped output stays clean."""
    sys.stderr.write(f"pellucid {finding.line}\n")


@dataclass(frozen=True, kw_only=True)
class WatchOptions:
    """What is rarely changed about a watch.

    Attributes:
        resume: Go on after the last step of the run that is there.
        start: Resume at this step instead, that of the checkpoint that was loaded; what the run holds at and
            after it is dropped. None to go on after the last step.
        on_finding: Called on another thread with each new warning or alarm while training runs; None for silence.
        sample: Sort about this many values of each tensor into histograms, evenly spread; None for all. What is
            cheap (NaN, infinities, sums, extremes, units) is read from every value all the same.
        sinks: Further places that everything is sent to, beside the run; see `pellucid.extend.Recorder`.
        limits: Limits of rules by code and name; None for `[tool.pellucid.rules]` of the nearest pyproject.toml.
        path: Snapshots of the weights to keep in memory at the most, 256 MiB at the most, evenly spread over the
            training, 4 or more; 0 for none. They are `watch.path`, for `pel.loss.path` and `pel.loss.landscape`.
    """

    resume: bool = False
    start: int | None = None
    on_finding: Callable[[Finding], None] | None = tell
    sample: int | None = 8_192
    sinks: tuple[Recorder, ...] = ()
    limits: Limits | None = None
    path: int = 0


def watch(
    model: Models,
    optimizer: Optimizers = None,
    *,
    run: str | Path | None = None,
    every: int = 50,
    check: Any = None,
    check_every: int | None = None,
    loss: Callable[..., Any] | None = None,
    options: "WatchOptions | None" = None,
) -> Watch:
    """Watch a training run; use it as a context manager and call `watch.step(loss=...)` once a step.

    Losses, gradients, parameters, buffers and random numbers are the same bit for bit as without it.

    Args:
        model: The module that is trained, also compiled or wrapped (DDP, FSDP2); or several by name (a GAN).
        optimizer: The optimiser or several; None when there is none, then updates are not measured.
        run: Directory to keep the run in; None to keep it in memory only.
        every: Take tensor statistics at steps that this divides.
        check: Held-out (input, target) batch, 512 examples or more, evaluated now and then without a trace in
            the model: it gives the checks that need data (train/eval mismatch, dead units, collapse ...).
        check_every: Evaluate it at steps that this divides; None for ten times `every`.
        loss: `loss(output, target)` for the check; None for cross-entropy on class targets, squared error otherwise.
        options: Resuming, limits, and where findings are told.

    Returns:
        The watch; afterwards `watch.findings` is the verdict and `watch.results` what was measured.

    Raises:
        InputError: An argument is of the wrong type or not positive, or the check batch holds no example.
        StoreError: `run` holds a run already and `options.resume` is false, or it cannot be written.
        RunLockedError: Another process is writing this run.

    Cost: nothing between watched steps; on a watched step about 2 ns an element of weights, gradients, updates
        and activations, and one copy of the parameters.
    """
    options = WatchOptions() if options is None else options
    if not isinstance(options, WatchOptions):
        raise InputError(f"options is a {type(options).__name__}; expected pel.WatchOptions(resume=..., ...).")
    if options.limits is not None:
        check_limits(options.limits, "WatchOptions.limits")
    check_every = 10 * every if check_every is None else check_every
    for name, value in {"every": every, "check_every": check_every}.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise InputError(f"{name} is {value!r}; expected a whole number of steps, 1 or more.")
    watched = Watched.of(model, optimizer, loss=loss, check=check)
    path = _trajectory(watched, options.path)
    # Of several ranks the first one writes.
    writes = run is not None and (not Ranks.here() or torch.distributed.get_rank() == 0)
    recorder = open_store(run, resume=options.resume) if run is not None and writes else None
    if recorder is not None and options.resume and options.start is not None:
        recorder.rewind(options.start)
    found = Watch(
        watched,
        every=every,
        check_every=check_every,
        recorder=recorder,
        on_finding=options.on_finding,
        limits=options.limits,
        sample=options.sample,
        sinks=options.sinks,
    )
    found.path = path
    if path is not None:
        path.take(found.step_number)
    return found


def _trajectory(watched: Watched, most: int) -> Trajectory | None:
    if not most:
        return None
    if len(watched.models) > 1:
        raise InputError(
            f"WatchOptions(path={most!r}) needs one model, got {len(watched.models)}. Leave it out, make a "
            "pel.loss.Trajectory(model) for each, and call its take(step) in the loop."
        )
    return Trajectory(watched.only_model, most=whole("path", most, FEWEST, MOST))
