"""Rules that count units: dead ones, and saturated ones; and the spike at zero that is mostly neither."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.figure.words import percent
from pellucid.core.finding import Finding, Level
from pellucid.core.rule import Case, rule
from pellucid.maths.onset import UnitWindows, last_stretch, unit_windows
from pellucid.windows.activations.result import ActivationHistograms

_SATURATING = frozenset({"tanh", "sigmoid", "hardtanh", "hardsigmoid", "softsign", "relu6"})
_GATES = frozenset({"sigmoid", "hardsigmoid"})


@rule(
    ActivationHistograms,
    code="ACT001",
    title="Dying ReLU",
    order=5,
    limits={"warn": 0.25, "alarm": 0.5, "samples": 512, "units": 8},
)
def dying_relu(result: ActivationHistograms, case: Case) -> Iterator[Finding]:
    """Units of a rectifying activation function that are off for every sample.

    Looks for: units whose output is exactly 0 on every one of 512 samples or more (several watched steps are
        added up). Units that only happened not to fire are taken off: their number is estimated from the units
        that fired once and twice.
    Why it matters: a unit that is off for all data gets no gradient, so it can never come back. The layer works
        with fewer units than it has, and a layer without living units passes nothing on.
    Where the limit comes from: 212 healthy small networks had up to 19 % dead units in 95 of 100 rectified
        layers and 44 % at the most; a warning at 25 % and an alarm at 50 % gave one warning and no alarm on
        199 fresh healthy networks. The same healthy network reads 16 % with 8 samples, 5 % with 16 and 2 % with
        256 or more, hence 512. A layer of fewer than 8 units is warned of at the most, and when the model learns well
        the level is one lower.
    False alarms: very sparse networks, whose units fire once in thousands of samples, when few samples were
        seen; pruned networks. Zeros alone are no sign: half of all values are 0 in a healthy layer.
    Likely cause: a learning rate so high that one step pushed the biases far below zero; a negative bias at the
        start; inputs that are not centred.
    What to do: Lower the learning rate or warm it up, use LeakyReLU or GELU, and start these layers anew: dead
        units do not come back by themselves.
    Source: A. L. Maas, A. Y. Hannun, A. Y. Ng, "Rectifier nonlinearities improve neural network acoustic models",
        2013. Units never seen: A. Chao, Scandinavian Journal of Statistics 11, 1984. Limits: our calibration.
    """
    highest, measured, most = 0.0, 0, 0
    faulty = False
    for place in result.rectified:
        windows = unit_windows(result.series, place, samples=int(case.limits["samples"]), stop=result.sound)
        seen = result.series.unit_counts(place, slice(0, result.sound))[0]
        most = max(most, int(seen[0]) if len(seen) else 0)
        if not len(windows.last):
            if (checked := _on_check(result, case, place)) is not None:
                measured += 1
                highest = max(highest, checked.value or 0.0)
                if checked.level is not Level.OK:
                    faulty = True
                    yield checked
            continue
        measured += 1
        share = _dead_share(windows)
        highest = max(highest, float(share[-1]))
        if share[-1] >= case.limits["warn"]:
            faulty = True
            yield _dead(result, case, place, windows, share=share)
    if faulty:
        return
    if measured:
        yield case.ok(
            f"at most {percent(highest)} of the units are dead, in {measured} rectified layers",
            value=highest,
            limit=case.limits["warn"],
        )
    else:
        yield _too_few_samples(result, case, most)


def _too_few_samples(result: ActivationHistograms, case: Case, most: int) -> Finding:
    if not result.rectified:
        return case.not_measured("no output of a rectifying activation function was seen")
    return case.not_measured(
        f"{most} sound samples were seen, and {int(case.limits['samples'])} are needed to call a unit dead",
        samples=most,
        next_step=f"Give {int(case.limits['samples'])} samples or more, or watch longer.",
    )


def _on_check(result: ActivationHistograms, case: Case, place: int) -> Finding | None:
    """Judge the held-out batch, where the watched steps hold too few samples; None when it does not tell either."""
    name = result.series.names[place]
    share, samples = result.dead_on_check.get(name), result.check_samples
    if share is None or samples < case.limits["samples"] or result.sound < len(result.series.steps):
        return None
    past = share >= case.limits["alarm"]
    large = result.series.unit_counts(place).shape[1] >= case.limits["units"]
    severe = past and large and case.learning.succeeds is not True
    if share < case.limits["warn"]:
        speak, words = case.ok, dict[str, str]()
    else:
        speak, words = (case.alarm if severe else case.warn), _harmless(case, past=past)
    return speak(
        f"{percent(share)} of the units are dead: 0 on every one of {samples} held-out samples",
        where=name,
        value=share,
        limit=case.limits["alarm" if past else "warn"],
        samples=samples,
        **words,
    )


def _speak(case: Case, *, past: bool) -> Callable[..., Finding]:
    """Choose the level: one lower for a network that learns well in spite of its dead units."""
    if case.learning.succeeds is True:
        return case.warn if past else case.look
    return case.alarm if past else case.warn


def _harmless(case: Case, *, past: bool) -> dict[str, str]:
    """Give cause and next step for some dead units in a network that learns well: there the usual ones are untrue."""
    if past or case.learning.succeeds is not True:
        return {}
    return {
        "cause": "some units were switched off for good, as is common; the network learns well without them, so they "
        "do no harm that shows.",
        "next_step": "Nothing needs to be done. If all units are to work, use LeakyReLU or GELU; if not, a layer with "
        "fewer units does as well.",
    }


def _dead_share(windows: UnitWindows) -> NDArray[Any]:
    """Return the share of dead units in each window, without those that probably just did not fire."""
    never, once, twice = ((windows.active == times).sum(axis=1) for times in (0, 1, 2))
    unseen = once * (once - 1) / (2 * (twice + 1))
    return np.maximum(never - unseen, 0) / windows.active.shape[1]


def _dead(
    result: ActivationHistograms, case: Case, place: int, windows: UnitWindows, *, share: NDArray[Any]
) -> Finding:
    dead, units, samples = float(share[-1]), windows.active.shape[1], int(windows.samples[-1])
    onset = last_stretch(share >= case.limits["warn"]) or 0
    first, last = int(windows.first[-1]), int(windows.last[-1])
    dead_values, sparse_values = result.spike(place, slice(first, last + 1))
    past = dead >= case.limits["alarm"] and units >= case.limits["units"]
    living = f"; the living ones are 0 at times, {percent(sparse_values)} of all values" if sparse_values else ""
    message = f"{percent(dead)} of {units} units are dead: 0 on every one of {samples} samples{living}"
    return _speak(case, past=past)(
        message,
        where=result.series.names[place],
        step=_step(result, int(windows.first[onset])),
        value=dead,
        limit=case.limits["alarm" if past else "warn"],
        samples=samples,
        evidence={
            "dead_units": int((windows.active[-1] == 0).sum()),
            "units": units,
            "dead_share_of_values": dead_values,
            "sparse_share_of_values": sparse_values,
            # A rectifier that is off passes exactly nothing back, so this one need not be measured.
            "incoming_gradient_of_dead_units": 0.0,
        },
        **_harmless(case, past=past),
    )


@rule(
    ActivationHistograms,
    code="ACT002",
    title="Spike at zero past half",
    order=5,
    limits={"spike": 0.5, "dead": 0.1, "samples": 512},
)
def spike_at_zero(result: ActivationHistograms, case: Case) -> Iterator[Finding]:
    """More than half of the values of a rectified layer are exactly 0: a fact, and usually a healthy one.

    Looks for: rectified layers in which more than half of the values are 0, and how much of that comes from dead
        units.
    Why it matters: the spike is often read as dying units. It is, only where the same units are zero for every
        sample; otherwise it is sparsity.
    Where the limit comes from: half is the textbook's limit. In 69 healthy ReLU networks the median layer had
        53 % zeros and 55 of the networks passed one half; batch norm gives 50 % by symmetry. So this rule
        never accuses, and asks for a look only where a tenth of the values are zeros of dead units.
    False alarms: none: it is a fact to look at.
    Likely cause: sparsity, which rectifiers are meant to produce, and units that are dead for the share named.
    What to do: Read the share in dead units: Dying ReLU (ACT001) judges that.
    Source: X. Glorot, A. Bordes, Y. Bengio, "Deep sparse rectifier neural networks", 2011. Figures: our
        calibration.
    """
    past: list[tuple[float, float, int]] = []
    measured = 0
    for place in result.rectified:
        windows = unit_windows(result.series, place, samples=int(case.limits["samples"]), stop=result.sound)
        if not len(windows.last):
            continue
        measured += 1
        dead, sparse = result.spike(place, slice(int(windows.first[-1]), int(windows.last[-1]) + 1))
        if dead + sparse > case.limits["spike"]:
            past.append((dead + sparse, dead, place))
    if not measured:
        yield case.not_measured("no rectified layer was seen on enough samples to split its zeros")
    elif not past:
        yield case.ok(f"none of {measured} rectified layers is more than half zeros")
    else:
        spike, dead, place = max(past)
        yield (case.look if dead >= case.limits["dead"] else case.ok)(
            f"{len(past)} of {measured} rectified layers are more than half zeros. In this one, where they are most, "
            f"{percent(spike)} of the values are 0: {percent(dead)} in dead units, {percent(spike - dead)} in living "
            "ones that are off at times",
            where=result.series.names[place],
            value=spike,
            limit=case.limits["spike"],
            evidence={"layers": len(past), "dead_share_of_values": dead},
        )


@rule(
    ActivationHistograms,
    code="ACT003",
    title="Saturation",
    order=3,
    limits={"units": 0.25, "values": 0.5, "always": 0.95, "samples": 128},
)
def saturation(result: ActivationHistograms, case: Case) -> Iterator[Finding]:
    """Units that sit on the flat ends of a bounded activation function.

    Looks for: units of tanh, sigmoid and their kin that are saturated (|tanh| >= 0.99, sigmoid <= 0.01 or
        >= 0.99) on more than 95 % of the samples, and layers in which half of the values are.
    Why it matters: the slope there is next to nothing. A saturated unit passes almost no gradient back, and the
        layers before it stop learning.
    Where the limit comes from: in 212 healthy small networks of seven activation functions no unit at all was
        saturated on more than 95 % of the samples; the limit leaves a margin of 25 % of the units.
    False alarms: the sigmoid at the end of a trained classifier (the last tensor is left out); gates that
        learned to stay open or shut, so sigmoids that were not saturated at first are only looked at when the model
        learns well; anything else is then a warning.
    Likely cause: first weights too large for the function, inputs that were not normalised, or a learning rate
        that is too high.
    What to do: Use Xavier initialisation with the gain of the function, normalise the inputs, or put a norm layer
        before it.
    Source: X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks",
        2010. Limits: our calibration.
    """
    measured, faulty = 0, False
    for place, name in enumerate(result.activations):
        if name not in _SATURATING or place == len(result.activations) - 1:
            continue
        windows = unit_windows(result.series, place, samples=int(case.limits["samples"]), stop=result.sound)
        if not len(windows.last):
            continue
        measured += 1
        share = windows.saturated / windows.samples[:, None]
        units, values = (share > case.limits["always"]).mean(axis=1), _values_saturated(result, place, windows, share)
        holds = (units >= case.limits["units"]) | (values >= case.limits["values"])
        if holds[-1]:
            faulty = True
            onset = int(windows.first[last_stretch(holds) or 0])
            learns = case.learning.succeeds is True
            gate = name in _GATES and not holds[0]  # it learned to stay open or shut
            yield (case.look if learns and gate else case.warn if learns else case.alarm)(
                _saturated(case, name, windows, units=float(units[-1]), values=float(values[-1])),
                where=result.series.names[place],
                step=_step(result, onset),
                value=float(units[-1]) if units[-1] >= case.limits["units"] else float(values[-1]),
                limit=case.limits["units" if units[-1] >= case.limits["units"] else "values"],
                samples=int(windows.samples[-1]),
                evidence={"units_saturated": float(units[-1]), "values_saturated": float(values[-1])},
            )
    if faulty:
        return
    if measured:
        yield case.ok(f"no layer of {measured} bounded ones is saturated")
    else:
        yield case.not_measured(
            f"no hidden layer with a bounded activation function was seen on {int(case.limits['samples'])} samples"
        )


def _saturated(case: Case, name: str, windows: UnitWindows, *, units: float, values: float) -> str:
    """Say what is saturated: units nearly always, or else values, now of these units and now of those."""
    count, always = windows.active.shape[1], percent(case.limits["always"])
    samples = int(windows.samples[-1])
    if units >= case.limits["units"]:
        return (
            f"{percent(units)} of {count} {name} units are saturated on more than {always} of {samples} samples, and "
            f"{percent(values)} of all values are"
        )
    few = "none" if units == 0 else percent(units) if units >= 0.005 else "below 1 %"
    return (
        f"{percent(values)} of all values of {count} {name} units are saturated, but {few} of the units on more than "
        f"{always} of {samples} samples"
    )


_KNEES = {"tanh": 2.65, "sigmoid": 4.6}
"""Magnitudes of the pre-activation at which tanh passes 0.99, and the sigmoid 0.01 and 0.99."""


def _values_saturated(
    result: ActivationHistograms, place: int, windows: UnitWindows, share: NDArray[Any]
) -> NDArray[Any]:
    """Return the share of saturated values in each window.

    A unit with positions counts as saturated in a sample only where all of them are, so the values are read from
    the histogram of what goes into the function, where that is the tensor before.
    """
    knee = _KNEES.get(result.activations[place])
    if knee is None or place == 0 or result.roles[place - 1] != "pre-activation":
        return share.mean(axis=1)
    spans = zip(windows.first.tolist(), windows.last.tolist(), strict=True)
    return np.array([_beyond(result, place - 1, range(first, last + 1), knee) for first, last in spans])


def _beyond(result: ActivationHistograms, place: int, steps: range, knee: float) -> float:
    seen = [result.series.histogram(step, place) for step in steps]
    total = sum(one.total for one in seen)
    return sum(one.share_beyond(knee) * one.total for one in seen) / total if total else 0.0


def _step(result: ActivationHistograms, place: int) -> int | None:
    return int(result.series.steps[place]) if len(result.series.steps) > 1 else None
