"""Rules on the size of the updates beside the weights."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.figure.words import number
from pellucid.core.finding import Finding
from pellucid.core.rule import Case, rule
from pellucid.windows.gradients.result import GradientFlow, usual_scale

Array = NDArray[Any]


def _judged(result: GradientFlow) -> tuple[int, ...]:
    return tuple(place for place in result.matrices if result.owned[place])


def _ratios(result: GradientFlow, *, skip: int) -> Array:
    """Return update over weight of the matrices that an optimiser holds, without the first steps."""
    return np.asarray(result.ratio[skip : result.sound][:, list(_judged(result))])


def _of_first(result: GradientFlow, *, skip: int) -> Array:
    """Return update over the weight at the first watched step, of the same matrices and steps."""
    places = list(_judged(result))
    first = np.maximum(result.weights[0], usual_scale(result.shapes))[places]
    return np.asarray(result.updates[skip : result.sound][:, places] / first)


def _unready(result: GradientFlow, case: Case, left: int) -> Finding | None:
    if not result.stepped:
        return case.not_measured("no optimiser step was watched", next_step="Train inside pel.watch(model, optimizer).")
    if left < case.limits["steps"]:
        return case.not_measured(
            f"{max(left, 0)} sound watched steps after the warm-up, and {int(case.limits['steps'])} are needed",
            next_step="Watch longer.",
        )
    if not _judged(result):
        return case.not_measured("no weight matrix is both trainable and held by the optimiser")
    return None


@rule(
    GradientFlow,
    code="GRD003",
    title="Update too large",
    order=4,
    limits={"ratio": 0.1, "of_first": 0.5, "first_step": 1.0, "warmup": 0.1, "most": 0.5, "steps": 3},
)
def update_too_large(result: GradientFlow, case: Case) -> Iterator[Finding]:
    """Steps that change a weight matrix by a tenth of itself.

    Looks for: weight matrices whose update is larger than a tenth of the weight, RMS over RMS, median over the
        watched steps; or larger than half of what the weight was at the first watched step, since weights that
        were blown up make any step look small; or a first watched step that is larger than the weights. For the
        first two the first tenth of the steps is left out; a weight smaller than PyTorch's usual first value counts
        as that large.
    Why it matters: steps that large overwrite what was learned; the loss jumps about or diverges.
    Where the limit comes from: a tenth is TheDeepChecker's; the healthy matrices of 212 small networks lay between
        0.0007 and 0.04 as the median of a run, which is the band that is drawn, and began with 0.13 at the most. The
        limits keep a margin from both. Half of the first weight is ours.
    False alarms: biases, norm parameters, single tokens and matrices set to zero on purpose have no scale of their
        own; the first three kinds are left out and the last is held against the usual scale. When the model learns
        well it is only looked at, and when fewer than half of the matrices are at fault it is a warning.
    Likely cause: a learning rate that is too high.
    What to do: Divide the learning rate by 10, or warm it up.
    Source: H. B. Braiek, F. Khomh, "TheDeepChecker", 2023; A. Karpathy's update:data ratio of about 0.001.
    """
    if (blown_up := _blown_up(result, case)) is not None:
        yield blown_up
        return
    watched = result.sound
    skip = result.beginning(case.limits["warmup"])
    if (unready := _unready(result, case, watched - skip)) is not None:
        yield unready
        return
    places, ratios = _judged(result), _ratios(result, skip=skip)
    medians, of_first = _medians(ratios, moved=True), _medians(_of_first(result, skip=skip), moved=True)
    holds = (medians > case.limits["ratio"]) | (of_first > case.limits["of_first"])
    over = [int(column) for column in np.flatnonzero(holds)]
    if not over:
        yield _typical(case, medians)
        return
    many = len(over) >= case.limits["most"] * len(places)
    speak = case.look if case.learning.succeeds is True else case.alarm if many else case.warn
    for column in over:
        blown_up = medians[column] <= case.limits["ratio"]
        value, whole = (of_first[column], "its first size") if blown_up else (medians[column], "itself")
        limit = case.limits["of_first" if blown_up else "ratio"]
        yield speak(
            f"each step changes the weight by {number(value)} of {whole} (median of {len(ratios)} watched steps); "
            f"the limit is {number(limit)}" + ("" if blown_up else ", and healthy networks have 0.0007 to 0.04"),
            where=result.names[places[column]],
            step=int(result.steps[0]),
            value=float(value),
            limit=limit,
            samples=len(ratios),
            evidence={
                "of_first_size": float(of_first[column]),
                "learning_rate": _rate(result, places[column]),
                "matrices_at_fault": len(over),
                "matrices": len(places),
            },
        )


def _blown_up(result: GradientFlow, case: Case) -> Finding | None:
    """Judge the first watched step alone: a rate that is far too high does its harm there, and then all is still."""
    places = list(_judged(result))
    if not result.stepped or not places or not result.sound or case.learning.succeeds is True:
        return None
    ratios = result.ratio[0, places]
    ratios = np.where(np.isfinite(ratios), ratios, 0.0)
    typical = float(np.median(ratios))
    if typical <= case.limits["first_step"]:
        return None
    largest = places[int(ratios.argmax())]
    return case.alarm(
        f"the first watched step changes the weights by {number(typical)} times themselves (median of {len(places)} "
        f"matrices); the limit of a first step is {number(case.limits['first_step'])}, and healthy networks begin with "
        "0.13 at the most",
        where=result.names[largest],
        step=int(result.steps[0]),
        value=typical,
        limit=case.limits["first_step"],
        samples=len(places),
        evidence={"learning_rate": _rate(result, largest), "matrices": len(places)},
    )


@rule(
    GradientFlow,
    code="GRD004",
    title="Update too small",
    order=4,
    limits={"ratio": 1e-5, "once": 1e-3, "fall": 0.02, "span": 100, "steps": 3},
)
def update_too_small(result: GradientFlow, case: Case) -> Iterator[Finding]:
    """Steps that change next to nothing, in a model that does not learn.

    Looks for: updates below a hundred-thousandth of the weight, RMS over RMS, median over the watched steps, in
        every weight matrix at once, while the loss fell by less than 2 % over 100 steps or more.
    Why it matters: the run costs time and learns nothing.
    Where the limit comes from: healthy matrices of 212 small networks lay above 0.0007; a hundredth of that is
        left as a margin.
    False alarms: a warm-up that has barely begun (hence 100 steps), and a model that has learned already (hence the
        loss). When the loss is not known it is only looked at. Steps that were of a usual size at first and then
        stopped, and gradients of exactly 0, have another cause, which other rules name.
    Likely cause: a learning rate that is too low, a scheduler that is stepped too often, or an optimiser that holds
        other tensors than the model's.
    What to do: Raise the learning rate, print it at every step, and make the optimiser after the model is moved.
    Source: ours; the ratio as in H. B. Braiek, F. Khomh, "TheDeepChecker", 2023.
    """
    span = int(result.steps[result.sound - 1] - result.steps[0]) if result.sound else 0
    if (unready := _unready(result, case, result.sound)) is not None:
        yield unready
        return
    places = _judged(result)
    ratios = _ratios(result, skip=0)
    medians = _medians(ratios, moved=False)
    if not (medians < case.limits["ratio"]).all():
        yield _typical(case, medians)
        return
    peak = float(np.max(ratios, initial=0.0, where=np.isfinite(ratios)))
    arrives = bool((result.gradients.rms[: result.sound, list(places)] > 0).any())
    if peak >= case.limits["once"] or not arrives:
        yield case.ok(f"the largest step changed a weight matrix by {number(peak)} of itself", value=peak)
        return
    largest, fall = float(medians.max()), case.learning.fall
    steps = max(span, case.learning.steps or 0)
    message = f"no step changes any of {len(places)} weight matrices by more than {number(largest)} of itself" + (
        "" if fall is None else f", and the loss fell by {100 * fall:.1f} %"
    )
    stuck = fall is not None and fall < case.limits["fall"] and case.learning.succeeds is not True
    if stuck and steps < case.limits["span"]:
        yield case.not_measured(
            f"{message}, but only {steps} steps were taken and {int(case.limits['span'])} are needed",
            next_step="Watch longer.",
        )
        return
    yield (case.alarm if stuck else case.look)(
        message,
        where="",
        step=int(result.steps[0]),
        value=largest,
        limit=case.limits["ratio"],
        samples=result.sound,
        evidence={"learning_rate": _rate(result, places[0]), "loss_fall": fall},
    )


def _medians(ratios: Array, *, moved: bool) -> Array:
    """Return the median of each matrix; of the steps that moved it only, if asked. 0 where there are none."""
    columns = (column[np.isfinite(column) & ((column > 0) | (not moved))] for column in ratios.T)
    return np.array([float(np.median(column)) if len(column) else 0.0 for column in columns])


def _typical(case: Case, medians: Array) -> Finding:
    return case.ok(
        f"steps change {len(medians)} weight matrices by {number(float(medians.min()))} to "
        f"{number(float(medians.max()))} of themselves",
        value=float(medians.max()),
        limit=case.limits["ratio"],
    )


def _rate(result: GradientFlow, place: int) -> float | None:
    rates = result.learning_rates[:, place]
    known = rates[np.isfinite(rates)]
    return float(known[-1]) if len(known) else None
