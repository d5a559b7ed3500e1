"""Rules on whether gradient and update reach every parameter, and are finite."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.finding import Finding
from pellucid.core.rule import Case, rule
from pellucid.maths.onset import bad_values
from pellucid.windows.gradients.result import GradientFlow

Array = NDArray[Any]


@rule(
    GradientFlow,
    code="GRD005",
    title="Frozen although trainable",
    order=2,
    limits={"span": 20, "steps": 3, "backbone": 0.5},
)
def frozen(result: GradientFlow, case: Case) -> Iterator[Finding]:
    """Parameters that ask for a gradient and never change.

    Looks for: trainable weight matrices whose size stays the same to the last digit over 20 steps or more, at three
        watched steps at the least, because no optimiser holds them, or because their gradient is None. A gradient of
        exactly 0 is GRD007's.
    Why it matters: this part of the model keeps its first values. The rest learns around it, and the loss still
        falls, so nobody notices.
    Where the limit comes from: a change of any single value shows in the size, so the limit is only one of
        patience: 20 steps, as in smdebug's UnchangedTensor at a stricter tolerance.
    False alarms: parameters with requires_grad=False are not asked; experts and branches that are used now and then
        change at some time; a frozen backbone that was simply not given to the optimiser (the first matrices, half
        of them or more) and a learning rate of 0 are only looked at. Modules that the forward pass never uses are
        warned of, unless they are the first. When the model learns well it is a warning.
    Likely cause: a parameter that is missing from the optimiser, a detach() or no_grad() on the way, or a module that
        forward does not use.
    What to do: Pass model.parameters() to the optimiser, look for detach() and no_grad(), or set requires_grad_(False)
        to say that it is meant.
    Source: smdebug, rule UnchangedTensor; levels: ours.
    """
    sound = result.sound
    span = int(result.steps[sound - 1] - result.steps[0]) if sound else 0
    if sound < case.limits["steps"] or span < case.limits["span"]:
        yield case.not_measured(
            f"{sound} sound watched steps over {span} training steps; {int(case.limits['steps'])} over "
            f"{int(case.limits['span'])} are needed",
            next_step="Watch longer.",
        )
        return
    still = [place for place in result.matrices if _unchanged(result, place)]
    # When the gradient arrives everywhere and nothing moves, the steps are too small: GRD004 judges that.
    found = [one for place in still if (one := _stuck(result, case, place, still, zero=False)) is not None]
    yield from found or [
        case.ok(
            f"all {len(result.matrices)} trainable weight matrices change or get a gradient",
            samples=sound,
        )
    ]


@rule(GradientFlow, code="GRD007", title="Gradient exactly zero", order=6, limits={"span": 20, "steps": 3})
def silent(result: GradientFlow, case: Case) -> Iterator[Finding]:
    """Parameters that get a gradient of exactly 0 at every step.

    Looks for: weight matrices that an optimiser holds, whose gradient is there and is 0 in every value at every
        watched step, over 20 steps or more, and that never change.
    Why it matters: nothing can be learned here, whatever the learning rate.
    Where the limit comes from: there is none for the gradient: 0 is 0. The patience is that of GRD005.
    False alarms: a learning rate of 0 and branches that start at zero on purpose change at some time or are looked at.
    Likely cause: everything after it is dead: units that are 0 for every sample, weights that are all 0, an output
        that is constant; or, where its bias gets a gradient, its inputs are 0: the units before it are dead.
    What to do: Look for dead units, zero weights and a constant output in the layers after this one, towards the
        loss, and for dead units in those before it.
    Source: ours.
    """
    sound = result.sound
    span = int(result.steps[sound - 1] - result.steps[0]) if sound else 0
    if sound < case.limits["steps"] or span < case.limits["span"]:
        yield case.not_measured(f"{sound} sound watched steps over {span} training steps", next_step="Watch longer.")
        return
    still = [place for place in result.matrices if _unchanged(result, place)]
    found = [one for place in still if (one := _stuck(result, case, place, still, zero=True)) is not None]
    yield from found or [case.ok("no trainable matrix gets a gradient of exactly 0 throughout", samples=sound)]


def _unchanged(result: GradientFlow, place: int) -> bool:
    sizes = result.weights[: result.sound, place]
    sizes = sizes[np.isfinite(sizes)]
    if len(sizes) < 2 or not (sizes == sizes[0]).all():
        return False
    return not bool((result.updates[: result.sound, place] > 0).any())


def _stuck(result: GradientFlow, case: Case, place: int, still: list[int], *, zero: bool) -> Finding | None:
    """Return a finding on a matrix that never changes: with a gradient of 0, or for one of the other reasons."""
    steps = slice(0, result.sound)
    rms = result.gradients.rms[steps, place]
    missing = bool(result.missing[steps, place].all())
    nothing = not missing and not bool((rms > 0).any())
    if zero != (result.owned[place] and nothing):
        return None
    if not result.owned[place]:
        reason = "no optimiser holds it"
    elif missing:
        reason = "its gradient is None at every watched step"
    elif nothing:
        reason = "its gradient is exactly 0 at every watched step"
    else:
        return None
    said = _blind(result, place) if nothing and result.owned[place] else {}
    return _level(result, case, place, still, missing=missing)(
        f"{result.shapes[place][0]} rows did not change over {int(result.steps[result.sound - 1] - result.steps[0])} "
        f"steps: {reason}{said.pop('fact', '')}",
        where=result.names[place],
        step=int(result.steps[0]),
        value=0.0,
        limit=0.0,
        samples=result.sound,
        evidence={
            "in_optimiser": result.owned[place],
            "gradient": "none" if missing else "zero" if nothing else "arrives",
        },
        **said,
    )


def _blind(result: GradientFlow, place: int) -> dict[str, str]:
    """Say what is dead around a matrix without a gradient, as far as its bias tells: fact, cause and next step.

    The gradient of a matrix is what arrives from the loss times its inputs; that of its bias is what arrives alone.
    """
    name = result.names[place]
    bias = f"{name.removesuffix('weight')}bias" if name.endswith("weight") else ""
    if bias not in result.names:
        return {}
    sizes = result.gradients.rms[: result.sound, result.names.index(bias)]
    if bool((sizes > 0).any()):
        return {
            "fact": ", though its bias gets one: its inputs are 0",
            "cause": "its inputs are 0 for every sample: the units before it are dead.",
            "next_step": "Look for dead units in the layers before this one.",
        }
    if not bool(np.isfinite(sizes).any()):
        return {}
    return {
        "cause": "everything after it is dead: units that are 0 for every sample, weights that are all 0, an output "
        "that is constant.",
        "next_step": "Look for dead units, zero weights and a constant output in the layers after this one, towards "
        "the loss.",
    }


def _level(result: GradientFlow, case: Case, place: int, still: list[int], *, missing: bool) -> Any:
    rates = result.learning_rates[: result.sound, place]
    resting = bool(np.isfinite(rates).any()) and not bool((rates[np.isfinite(rates)] > 0).any())
    if resting or (not result.owned[place] and _is_backbone(result, case, place)):
        return case.look
    if case.learning.succeeds is True:  # nobody would notice: that is why it is said
        return case.warn
    # None at the end of the list is a head that forward does not use; at its beginning, a detach in between.
    unused = missing and result.owned[place] and result.matrices[0] not in still
    return case.warn if unused else case.alarm


def _is_backbone(result: GradientFlow, case: Case, place: int) -> bool:
    """Return whether a parameter belongs to first matrices, half of all or more, that no optimiser holds."""
    length = next((index for index, one in enumerate(result.matrices) if result.owned[one]), 0)
    return case.limits["backbone"] * len(result.matrices) <= length and place in result.matrices[:length]


@rule(GradientFlow, code="GRD006", title="Non-finite gradients", order=0)
def not_finite(result: GradientFlow, case: Case) -> Iterator[Finding]:
    """NaN or infinity in a gradient or an update.

    Looks for: the first step with a gradient that is not finite, and there the parameter nearest to the loss: the
        one that the backward pass reached first.
    Why it matters: an optimiser that takes this step makes the weights NaN.
    Where the limit comes from: there is none: a single value is too many.
    False alarms: a GradScaler tries scales that overflow and then skips the step; watched gradients are unscaled,
        and skipped steps are not watched.
    Likely cause: a loss that was not finite, a derivative of sqrt, norm or log at 0, or an overflow in half precision.
    What to do: Replay the batch of this step under torch.autograd.set_detect_anomaly(True), and clip what goes into
        log and sqrt.
    Source: ours.
    """
    if not len(result.steps) or not len(result.names):
        yield case.not_measured("no gradient was seen")
        return
    bad = bad_values(result.gradients)
    updates = np.isinf(result.updates)
    if not bad.any() and not updates.any():
        yield _finite(result, case)
        return
    what, table = ("gradient", bad) if _first(bad) <= _first(updates) else ("update", updates)
    step = _first(table)
    place = int(np.flatnonzero(table[step])[-1])
    size = int(np.prod(result.shapes[place], dtype=np.int64))
    some = f"{bad[step, place]} of {size}" if what == "gradient" else "some"
    yield case.alarm(
        f"{some} values of the {what} are NaN or infinite",
        where=result.names[place],
        step=int(result.steps[step]) if len(result.steps) > 1 else None,
        value=float(table[step, place]),
        limit=0.0,
        samples=size,
        evidence={
            "parameters_at_that_step": int(table[step].astype(bool).sum()),
            "norm_before": float(result.norm[step - 1]) if step > 0 else None,
        },
    )


def _first(bad: Array) -> int:
    steps = np.flatnonzero(bad.any(axis=1))
    return int(steps[0]) if len(steps) else len(bad)


def _finite(result: GradientFlow, case: Case) -> Finding:
    arrived = int((~result.missing).any(axis=0).sum())
    if not arrived:
        return case.not_measured("no parameter has a gradient", next_step="Call loss.backward() before the step.")
    return case.ok(f"all gradients of {arrived} parameters at {len(result.steps)} steps are finite")
