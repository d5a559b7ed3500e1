"""Rules on the gradient over the depth, and on its norm over time."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.figure.words import number
from pellucid.core.finding import Finding
from pellucid.core.rule import Case, rule
from pellucid.windows.gradients.result import GradientFlow

Array = NDArray[Any]
_MAD_TO_DEVIATION = 1.4826
"""The standard deviation of a normal distribution over its median absolute deviation."""
_CALM = 0.15
"""Least standard deviation of the logarithm of the norm: quieter runs are not believed."""


@dataclass(frozen=True, kw_only=True)
class _Profile:
    """Median gradient RMS of each weight matrix that has a gradient, by depth."""

    places: tuple[int, ...]
    rms: Array


def _profile(result: GradientFlow) -> _Profile | None:
    rms = result.gradient_rms[: result.sound]
    known: list[tuple[int, float]] = []
    for place in result.matrices:
        values = rms[:, place]
        values = values[np.isfinite(values) & (values > 0)]
        # A matrix without a gradient is no matter of depth: GRD005 judges that.
        if len(values):
            known.append((place, float(np.median(values))))
    if not known:
        return None
    return _Profile(places=tuple(place for place, _ in known), rms=np.array([value for _, value in known]))


def _unready(result: GradientFlow, case: Case) -> Finding | None:
    """Return why there is nothing to judge; None when there is."""
    needed = int(case.limits["steps"])
    if len(result.steps) > 1 and result.sound < needed:
        return case.not_measured(
            f"{result.sound} sound watched steps, and {needed} are needed", next_step="Watch longer."
        )
    if result.sound == 0:
        return case.not_measured("no sound gradient was seen")
    return None


@rule(
    GradientFlow,
    code="GRD001",
    title="Vanishing gradient",
    order=5,
    limits={"ratio": 1e-3, "share": 0.1, "matrices": 4, "steps": 3},
)
def vanishing_gradient(result: GradientFlow, case: Case) -> Iterator[Finding]:
    """The gradient fades on its way back to the first layers.

    Looks for: weight matrices (a tenth of them, two at the least) before the one with the largest gradient, RMS per
        weight, that are below a thousandth of it. Rows without any gradient, and matrices without any, are left
        out; the median over the watched steps is judged.
    Why it matters: the first layers barely learn, and the later ones build on what they happened to begin with.
    Where the limit comes from: a thousandth is AUTOTRAINER's; none of 210 healthy small networks had a single
        matrix below it.
    False alarms: fewer than four matrices are too shallow to judge. When the model learns well it is only looked
        at, and a single step without the loss of a run gives a warning at the most.
    Likely cause: many layers of sigmoid or tanh, or first weights that are too small, without skip connections or
        norm layers.
    What to do: Use rectifiers with He initialisation, skip connections, and norm layers.
    Source: S. Hochreiter, "Untersuchungen zu dynamischen neuronalen Netzen", 1991; X. Zhang et al.,
        "AUTOTRAINER", ICSE 2021.
    """
    if (unready := _unready(result, case)) is not None:
        yield unready
        return
    profile = _profile(result)
    if profile is None or len(profile.places) < case.limits["matrices"]:
        yield case.not_measured(
            f"{0 if profile is None else len(profile.places)} weight matrices have a gradient, and "
            f"{int(case.limits['matrices'])} are needed"
        )
        return
    share = profile.rms / profile.rms.max()
    # What lies behind the largest is no matter of fading on the way back, but of exploding: GRD002.
    small = np.flatnonzero(share[: int(share.argmax())] < case.limits["ratio"])
    if len(small) < max(2, case.limits["share"] * len(share)):
        yield case.ok(
            f"the first of {len(share)} matrices has {number(share[0])} times the largest gradient per weight",
            value=float(share[0]),
            limit=case.limits["ratio"],
        )
        return
    first, largest = int(small[0]), result.names[profile.places[int(share.argmax())]]
    speak = case.look if case.learning.succeeds is True else case.warn if len(result.steps) == 1 else case.alarm
    yield speak(
        f"the gradient per weight is {number(share[first])} times that of {largest!r}; "
        f"{len(small)} of {len(share)} matrices are below {number(case.limits['ratio'])}",
        where=result.names[profile.places[first]],
        step=int(result.steps[0]) if len(result.steps) > 1 else None,
        value=float(share[first]),
        limit=case.limits["ratio"],
        samples=result.sound,
        evidence={"gradient_rms": float(profile.rms[first]), "largest_gradient_rms": float(profile.rms.max())},
    )


@rule(
    GradientFlow,
    code="GRD002",
    title="Exploding gradient",
    order=4,
    limits={"ratio": 100, "deviations": 8, "times": 50, "history": 8, "matrices": 4, "steps": 3},
)
def exploding_gradient(result: GradientFlow, case: Case) -> Iterator[Finding]:
    """The gradient grows on its way back, or its norm jumps.

    Looks for: a weight matrix whose gradient per weight is more than 100 times that of the last two, median over the
        watched steps; and steps whose gradient norm is more than 50
        times the median of the steps before and 8 robust standard deviations above it, in the logarithm.
    Why it matters: one step along such a gradient undoes what was learned, or ends in NaN.
    Where the limit comes from: in 210 healthy small networks no matrix had more than 9.8 times the gradient of the
        last two, and the norm was at most 47 times its median.
    False alarms: a model that has learned all but a few samples has a small norm and steps far above it, so when it
        learns well this is only looked at; a single jump is warned of, three in a row are an alarm.
    Likely cause: first weights that are too large, a recurrent network over many steps, or a bad sample.
    What to do: Clip the gradient norm (torch.nn.utils.clip_grad_norm_), lower the learning rate, look at the batch.
    Source: R. Pascanu, T. Mikolov, Y. Bengio, "On the difficulty of training recurrent neural networks", 2013.
        Limits: our calibration.
    """
    if (unready := _unready(result, case)) is not None:
        yield unready
        return
    profile = _profile(result)
    found = [one for one in (_growing(result, case, profile), _jumping(result, case)) if one is not None]
    if found:
        yield from found
    elif profile is None:
        yield case.not_measured("no weight matrix has a gradient")
    else:
        yield case.ok(
            f"gradient norms from {number(float(np.nanmin(result.norm[: result.sound])))} to "
            f"{number(float(np.nanmax(result.norm[: result.sound])))} over {result.sound} watched steps",
            samples=result.sound,
        )


def _growing(result: GradientFlow, case: Case, profile: _Profile | None) -> Finding | None:
    if profile is None or len(profile.places) < case.limits["matrices"]:
        return None
    largest = int(profile.rms.argmax())
    ratio = float(profile.rms[largest] / profile.rms[-2:].max())
    if ratio <= case.limits["ratio"]:
        return None
    speak = case.look if case.learning.succeeds is True else case.warn if len(result.steps) == 1 else case.alarm
    return speak(
        f"the gradient per weight is {number(ratio)} times that of the last layers",
        where=result.names[profile.places[largest]],
        step=int(result.steps[0]) if len(result.steps) > 1 else None,
        value=ratio,
        limit=case.limits["ratio"],
        samples=result.sound,
        evidence={"gradient_rms": float(profile.rms[largest]), "last_gradient_rms": float(profile.rms[-1])},
    )


def _jumping(result: GradientFlow, case: Case) -> Finding | None:
    norm = result.norm[: result.sound]
    places = np.flatnonzero(np.isfinite(norm) & (norm > 0))
    logs, history = np.log(norm[places]), int(case.limits["history"])
    jumps: list[tuple[int, float]] = []
    for now in range(history, len(logs)):
        before = logs[max(0, now - 50) : now]
        middle = np.median(before)
        spread = max(_MAD_TO_DEVIATION * float(np.median(np.abs(before - middle))), _CALM)
        above = float(logs[now] - middle)
        if above > np.log(case.limits["times"]) and above / spread >= case.limits["deviations"]:
            jumps.append((now, above))
    if not jumps:
        return None
    at, above = jumps[0]
    steps = {now for now, _ in jumps}
    lasting = any({now, now + 1, now + 2} <= steps for now in steps)
    speak = case.look if case.learning.succeeds is True else case.alarm if lasting else case.warn
    largest = int(np.nanargmax(result.gradients.norm[places[at]]))
    return speak(
        f"the gradient norm is {number(float(np.exp(above)))} times the median of the steps before"
        + (f", and {len(jumps)} watched steps jump like that" if len(jumps) > 1 else ""),
        where=result.names[largest],
        step=int(result.steps[places[at]]),
        value=float(np.exp(above)),
        limit=case.limits["times"],
        samples=len(logs),
        evidence={"norm": float(norm[places[at]]), "jumps": len(jumps)},
    )
