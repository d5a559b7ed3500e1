"""Rules on the size of the values: layers that grow or fade over the depth, and values that are not finite."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.figure.words import number
from pellucid.core.finding import Finding
from pellucid.core.rule import Case, rule
from pellucid.maths.onset import bad_values, last_stretch
from pellucid.windows.activations.result import ActivationHistograms

Array = NDArray[Any]
_RECENT = 3
_OFF = 0.9
"""Share of units that are off beyond which what comes after them says nothing of the first weights."""


@rule(
    ActivationHistograms,
    code="ACT004",
    title="Activation scale",
    order=3,
    limits={"scale": 50, "ratio": 30, "steps": 3},
)
def activation_scale(result: ActivationHistograms, case: Case) -> Iterator[Finding]:
    """What activation functions are given is huge, or grows or fades from layer to layer.

    Looks for: pre-activations with a standard deviation above 50, and one that is 30 times larger or smaller than
        the first. The first watched step is judged, and the median of the last three.
    Why it matters: each layer multiplies the scale of the one before, and the gradient on its way back. Values
        far from the bend of the activation function make it a straight line or a constant.
    Where the limit comes from: 212 healthy small networks stayed inside both limits at all times; at the first step
        of 210 no layer was more than 2.5 times larger or 6.2 times smaller than the first.
        A layer whose input units are all but off, or that is the same for every sample and unit, fades for that
        reason and is no matter of scale: Dying ReLU or the weights tell why.
    False alarms: inputs that are not normalised make the first layers large (LOS008 says so). Scales that were
        fine at first and grew in training are only looked at: updates, not first weights, made them.
    Likely cause: first weights with the wrong gain, or a deep network without norm layers.
    What to do: Use He initialisation for rectifiers and Xavier for tanh and sigmoid, or put norm layers in between.
    Source: K. He et al., "Delving deep into rectifiers", 2015. Limits: our calibration.
    """
    scale = result.scale()
    places = [place for place, role in enumerate(result.roles) if role == "pre-activation"]
    places = [place for place in places if np.isfinite(scale[-_RECENT:, place]).any()]
    if not places:
        yield case.not_measured("no sound values that go into an activation function were seen")
        return
    if len(result.series.steps) > 1 and len(scale) < case.limits["steps"]:
        yield case.not_measured(
            f"{len(scale)} sound watched steps, and {int(case.limits['steps'])} are needed",
            next_step="Watch longer.",
        )
        return
    found = [*_too_large(result, case, scale, places), *_over_depth(result, case, scale, places)]
    found = found or _constant(result, case, places)
    recent = np.nanmedian(scale[-_RECENT:, places], axis=0)
    yield from found or [
        case.ok(
            f"{len(places)} layers go into activation functions with standard deviations from "
            f"{number(recent.min())} to {number(recent.max())}",
            value=float(recent.max()),
            limit=case.limits["scale"],
        )
    ]


def _too_large(result: ActivationHistograms, case: Case, scale: Array, places: list[int]) -> Iterator[Finding]:
    for place in places:
        value = float(np.nanmedian(scale[-_RECENT:, place]))
        if value > case.limits["scale"]:
            holds = scale[:, place] > case.limits["scale"]
            yield _said(
                result,
                case,
                f"the values that go into the activation function have a standard deviation of {number(value)}",
                where=result.series.names[place],
                holds=holds,
                value=value,
                limit=case.limits["scale"],
            )


def _over_depth(result: ActivationHistograms, case: Case, scale: Array, places: list[int]) -> Iterator[Finding]:
    """Judge the first watched step, which shows the first weights, and then the latest."""
    limit = np.log(case.limits["ratio"])
    recent = slice(max(len(scale) - _RECENT, 0), len(scale))
    for steps, onset in ((slice(0, 1), 0), (recent, None)):
        # What does not vary has no scale: it is neither a place to begin from nor one that faded.
        places = [place for place in places if not _alike(result, steps)[place]]
        if not places:
            return
        profile = scale[0, places] if onset == 0 else np.nanmedian(scale[steps][:, places], axis=0)
        change = np.log(np.maximum(profile, 1e-30) / max(profile[0], 1e-30))
        change[(change < 0) & [_after_dead(result, place, steps) for place in places]] = 0
        beyond = np.flatnonzero(np.abs(change) >= limit)
        if not len(beyond) or not np.isfinite(profile[0]):
            continue
        far, crossing = int(np.nanargmax(np.abs(change))), places[int(beyond[0])]
        word, times = ("grow", np.exp(change[far])) if change[far] > 0 else ("fade", np.exp(-change[far]))
        ratios = np.log(np.maximum(scale[:, crossing], 1e-30) / np.maximum(scale[:, places[0]], 1e-30))
        yield _said(
            result,
            case,
            f"the values that go into the activation functions {word} {number(float(times))} times over the "
            f"{len(places)} layers, from a standard deviation of {number(profile[0])} to {number(profile[far])}",
            where=result.series.names[crossing],
            holds=np.abs(ratios) >= limit if onset is None else np.ones(len(scale), dtype=bool),
            value=float(times),
            limit=case.limits["ratio"],
        )
        return


def _alike(result: ActivationHistograms, steps: slice) -> Array:
    """Say of each tensor whether all its values were equal, at each of these steps."""
    return np.asarray((result.series.std[steps] == 0).all(axis=0))


def _after_dead(result: ActivationHistograms, place: int, steps: slice) -> bool:
    """Say whether nearly all units of the rectified layer before a tensor are off at these steps."""
    before = max((one for one in result.rectified if one < place), default=None)
    if before is None:
        return False
    seen, active, _ = result.series.unit_counts(before, steps)
    return bool(len(seen) and seen[0] > 0 and (active == 0).mean() >= _OFF)


def _constant(result: ActivationHistograms, case: Case, places: list[int]) -> list[Finding]:
    """Name what holds a single value at last: a fact of another cause than the scale of the first weights."""
    alike = _alike(result, slice(max(result.sound - _RECENT, 0), result.sound))
    found = [place for place in places if alike[place]]
    if not found:
        return []
    dead = _after_dead(result, found[0], slice(max(result.sound - _RECENT, 0), result.sound))
    return [
        case.look(
            f"what goes into the activation functions of {len(found)} of {len(places)} layers is the same for every "
            "sample and unit; that is no matter of scale",
            where=result.series.names[found[0]],
            value=0.0,
            cause="the units before it are off for every sample."
            if dead
            else "weights that are all 0 or all the same.",
            next_step="Read what Dying ReLU says." if dead else "Look at the weights and biases of this layer.",
        )
    ]


def _said(
    result: ActivationHistograms, case: Case, message: str, *, where: str, holds: Array, value: float, limit: float
) -> Finding:
    onset = last_stretch(holds) or 0
    many = len(result.series.steps) > 1
    grew = len(holds) >= case.limits["steps"] and not holds[0]
    speak = case.look if grew else case.warn if case.learning.succeeds is True else case.alarm
    return speak(
        f"{message}, which it had not at first" if grew else message,
        where=where,
        step=int(result.series.steps[onset]) if many else None,
        value=value,
        limit=limit,
        samples=len(holds),
    )


@rule(ActivationHistograms, code="ACT006", title="Non-finite activations", order=0)
def not_finite(result: ActivationHistograms, case: Case) -> Iterator[Finding]:
    """NaN or infinity in what a layer puts out.

    Looks for: the first NaN or +inf, by step and then in execution order. A layer that puts out -inf and nothing
        worse is taken for a mask, and is named to be looked at.
    Why it matters: one NaN makes the loss NaN, and one step later every weight.
    Where the limit comes from: there is none: a single value is too many.
    False alarms: masks are meant to hold -inf. Losses scaled for half precision may overflow on purpose, but that
        shows in the gradients and not here.
    Likely cause: a sample with NaN, a division or logarithm of 0, or an overflow, in half precision above 65,504.
    What to do: Look at the batch of that step, run this layer in float32, and lower the learning rate if the values
        grew before.
    Source: ours.
    """
    series = result.series
    if not len(series.steps) or not len(series.names):
        yield case.not_measured("no activation was seen")
        return
    bad = bad_values(series, masks=True)
    if not bad.any():
        yield from _masks_or_ok(result, case)
        return
    step, place = (int(one) for one in np.argwhere(bad)[0])
    before = series.sums[step, place]
    largest = series.extremes[: max(step, 1), place].max()
    yield case.alarm(
        f"{int(bad[step, place])} of {int(series.count[step, place])} values are NaN or infinite, the first in "
        "execution order",
        where=series.names[place],
        step=int(series.steps[step]) if len(series.steps) > 1 else None,
        value=float(bad[step, place]),
        limit=0.0,
        samples=int(series.count[step, place]),
        evidence={
            "nans": int(before[2]),
            "infinities": int(before[3] + before[4]),
            "largest_finite_before": float(largest) if np.isfinite(largest) else None,
            "layers_at_that_step": int(bad[step].astype(bool).sum()),
        },
    )


def _masks_or_ok(result: ActivationHistograms, case: Case) -> Iterator[Finding]:
    series = result.series
    masks = np.argwhere(bad_values(series))
    if len(masks):
        yield case.look(
            "some values are -inf and none is NaN or +inf, as in a mask",
            where=series.names[int(masks[0][1])],
            value=float(bad_values(series).sum()),
        )
        return
    total = int(np.nansum(series.count))
    yield case.ok(f"all {total:,} values of {len(series.names)} layers are finite", samples=total)
