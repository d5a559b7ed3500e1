"""Rules that need nothing but the training loss: LOS001, LOS002, LOS009, LOS012."""

from collections.abc import Iterator

import numpy as np

from pellucid.core.finding import Finding
from pellucid.core.rule import Case, rule
from pellucid.maths.curves import smooth, surprise
from pellucid.windows.loss.result import Curve, LossCurves


@rule(LossCurves, code="LOS001", title="Non-finite loss", order=0)
def non_finite(result: LossCurves, case: Case) -> Iterator[Finding]:
    """Find the first loss that is no number.

    Looks for: NaN or infinity in a curve called "loss" or "val_loss".
    Why it matters: After one step with such a loss every weight is NaN, and nothing that follows means anything.
    Where the limit comes from: There is none: one is too many.
    False alarms: A scaler of mixed precision skips steps whose gradients overflow; the loss itself is finite then.
        A single such value after which the loss goes on is a warning.
    Likely cause: A sample that holds NaN, an overflow of float16, a learning rate that is too large, or the
        logarithm or the square root of 0 in the loss.
    What to do: Replay the batch of that step and look for the first layer that is not finite; lower the learning
        rate, clip the gradient, compute the loss in float32.
    Source: facts of this project, diagnosis 1; PyTorch's anomaly detection does the same for gradients.
    """
    for name in ("loss", "val_loss"):
        curve = result.curve(name)
        if not len(curve):
            if name == "loss":
                yield case.not_measured("no training loss was recorded")
            continue
        good, bad = curve.before_failure(), int(np.sum(~np.isfinite(curve.values)))
        if not bad:
            yield case.ok(f"all {len(curve)} values are finite", where=name, samples=len(curve))
            continue
        step, value = int(curve.steps[len(good)]), float(curve.values[len(good)])
        before = f"the last finite value was {good.values[-1]:.4g}" if len(good) else "it was never finite"
        recovered = bad == 1 and bool(np.isfinite(curve.values[-3:]).all())
        say = case.warn if recovered else case.alarm
        yield say(
            f"{name} is {value} at step {step}; {before}" + (", and it went on" if recovered else ""),
            where=name,
            step=step,
            samples=len(curve),
            evidence={"bad_values": bad, "largest_before": float(good.values.max()) if len(good) else None},
        )


@rule(
    LossCurves,
    code="LOS002",
    title="Diverging loss",
    order=6,
    limits={"factor": 1.5, "rise": 0.5, "points": 20.0, "recovering": 0.1},
    explains=("LOS004", "LOS006"),
)
def diverging(result: LossCurves, case: Case) -> Iterator[Finding]:
    """Find a loss that ends well above where it began.

    Looks for: A median of the last tenth of the training loss above `factor` times that of the first values, and at
        least `rise` above it, over `points` values or more.
    Why it matters: The steps make the model worse.
    Where the limit comes from: chosen on 212 healthy small networks and then silent on 199 others.
    False alarms: The generator of an adversarial pair, and reinforcement learning, whose losses may rise in good
        health: while held-out accuracy is good it is no more than a look. So it is after a spike from which the loss
        has come down again, to below `recovering` of its peak.
    Likely cause: A learning rate that is too large, gradients that are never cleared, or, where it rose from the
        first step on, the wrong sign: an optimizer that maximizes.
    What to do: Divide the learning rate by 10; check that optimizer.zero_grad() is called once a step, and the sign
        of the loss.
    Source: facts of this project, diagnosis 9.
    """
    loss = result.curve("loss").before_failure()
    if len(loss) < case.limits["points"]:
        yield case.not_measured(f"{len(loss)} finite losses; {case.limits['points']:.0f} are needed", samples=len(loss))
        return
    head = float(np.median(loss.values[: min(max(len(loss) // 20, 1), 10)]))
    tail = float(np.median(loss.values[-max(len(loss) // 10, 3) :]))
    rose = tail - head
    if rose <= case.limits["rise"] or rose <= (case.limits["factor"] - 1) * abs(head):
        yield case.ok(
            f"from {head:.4g} to {tail:.4g}", value=tail, limit=head * case.limits["factor"], samples=len(loss)
        )
        return
    onset = _onset(loss, head + max(case.limits["rise"], (case.limits["factor"] - 1) * abs(head)))
    peak = float(np.max(smooth(loss.values, 0.8)))
    early = onset <= loss.steps[0] + 0.05 * (loss.steps[-1] - loss.steps[0])
    recovering = tail < case.limits["recovering"] * peak
    say = case.look if case.learning.succeeds or recovering else case.alarm
    yield say(
        f"from {head:.4g} to {tail:.4g}, rising {'from the first steps on' if early else f'since step {onset}'}",
        where="loss",
        value=tail,
        limit=head * case.limits["factor"],
        samples=len(loss),
        evidence={"first": head, "last": tail, "onset": onset, "from_the_start": early, "peak": peak},
    )


def _onset(loss: Curve, level: float) -> int:
    """The step after which the smoothed loss stays above a level."""
    below = np.flatnonzero(smooth(loss.values, 0.8) <= level)
    place = int(below[-1]) + 1 if below.size else 0
    return int(loss.steps[min(place, len(loss) - 1)])


@rule(LossCurves, code="LOS009", title="Bad start", order=3, limits={"excess": 1.5, "learned": 3.0, "latest_step": 1.0})
def bad_start(result: LossCurves, case: Case) -> Iterator[Finding]:
    """Find a first loss that is far above that of knowing nothing.

    Looks for: A first training loss more than `excess` nats above the logarithm of the number of classes. With small
        batches the first few are averaged, until 64 labels are counted; a check batch must say the same.
    Why it matters: A fresh network should call every class about equally likely. One that is sure of wrong answers
        spends its first steps, and its early units, on taking that back.
    Where the limit comes from: 212 healthy small networks began 0.08 below to 0.83 above it.
    False alarms: A loss that is summed over the batch, weighted, or has further terms is no mean cross-entropy. When
        learning succeeds it is a warning from `learned` nats on, and a look below that, or when even the last loss is
        above that of guessing.
    Likely cause: Weights that are too large, above all in the last layer, or inputs that are not normalised; or a
        loss with reduction="sum".
    What to do: Initialise the last layer with small weights, or start its bias at the logarithm of the class
        frequencies; check the scale of the inputs and the reduction of the loss.
    Source: Karpathy 2019, A Recipe for Training Neural Networks, "verify loss @ init"; facts, diagnosis 18.
    """
    loss = result.curve("loss").before_failure()
    classes, limit = len(result.label_counts), case.limits["excess"]
    if classes < 2 or not len(loss):
        yield case.not_measured("needs a training loss and class targets")
        return
    if loss.steps[0] > case.limits["latest_step"]:
        yield case.not_measured(f"the curve begins at step {loss.steps[0]}, after the start")
        return
    each = result.labels_per_step() or 1
    first = float(np.mean(loss.values[: int(np.clip(np.ceil(64 / each), 1, 32))]))
    # Dropout makes the first training losses high; the check batch is evaluated without it.
    check = result.check
    at_start = check is not None and check.task == "classification" and len(check.steps) > 0
    if check is not None and at_start and check.steps[0] <= case.limits["latest_step"]:
        first = float(np.nanmin([first, check.loss_eval[0]]))
    guessing = float(np.log(classes))
    excess = first - guessing
    figures = {"value": first, "limit": guessing + limit, "where": case.learning.head or "loss", "samples": len(loss)}
    if excess <= limit:
        yield case.ok(
            f"the first loss is {first:.3g}; guessing among {classes} classes costs {guessing:.3g}", **figures
        )
        return
    last = case.learning.last
    say = case.alarm
    if case.learning.succeeds:
        say = case.warn if last is not None and last < guessing and excess > case.limits["learned"] else case.look
    yield say(f"the first loss is {first:.3g}, where guessing among {classes} classes costs {guessing:.3g}", **figures)


@rule(
    LossCurves,
    code="LOS012",
    title="Loss spike",
    order=7,
    limits={"deviations": 8.0, "window": 20.0, "smallest_deviation": 0.1, "rise": 0.25, "labels": 16.0},
)
def spike(result: LossCurves, case: Case) -> Iterator[Finding]:
    """Find a loss that jumps out of its own noise.

    Looks for: A loss whose logarithm is `deviations` robust standard deviations (of at least `smallest_deviation`)
        above the median of the `window` values before, above all of these, and by at least `rise` of the first
        loss.
    Why it matters: One bad batch or one step too far can undo much of what was learned, and the state of Adam
        remembers it.
    Where the limit comes from: The largest deviation of 82 healthy small networks was 6.0, that of 18 injected
        kicks and corrupt batches 8.6 to 46.
    False alarms: Batches of a few labels have losses with a long tail: below `labels` a step, a jump of one step is
        a look.
    Likely cause: A corrupt or mislabelled batch, or a step that was too large.
    What to do: Look at the batch of that step; clip the norm of the gradient; skip batches with such a loss.
    Source: facts of this project, diagnosis 21.
    """
    loss, window = result.curve("loss").before_failure(), int(case.limits["window"])
    if len(loss) < 2 * window:
        yield case.not_measured(f"{len(loss)} finite losses; {2 * window} are needed", samples=len(loss))
        return
    if loss.values.min() <= 0:
        yield case.not_measured("the loss is not positive, so that jumps cannot be held against its size")
        return
    z = surprise(np.log(loss.values), window=window, floor=case.limits["smallest_deviation"])
    highest = np.array([loss.values[max(i - window, 0) : max(i, 1)].max() for i in range(len(loss))])
    enough = case.limits["rise"] * float(np.median(loss.values[:3]))
    jumps = np.flatnonzero(
        (z >= case.limits["deviations"]) & (loss.values > highest) & (loss.values - highest > enough)
    )
    limit = case.limits["deviations"]
    if not jumps.size:
        largest = float(np.nanmax(z))
        yield case.ok(f"the largest jump is {largest:.1f} deviations", value=largest, limit=limit, samples=len(loss))
        return
    place = int(jumps[0])
    before, peak = float(np.median(loss.values[place - window : place])), float(loss.values[place])
    after = loss.values[place + 1 : place + 4]
    lasting = bool(after.size) and float(np.median(after)) > 0.5 * (before + highest[place])
    few = (result.labels_per_step() or np.inf) < case.limits["labels"]
    say = case.look if few and not lasting else case.alarm
    yield say(
        f"from {before:.3g} to {peak:.3g}, {z[place]:.0f} deviations above its noise",
        where="loss",
        step=int(loss.steps[place]),
        value=float(z[place]),
        limit=limit,
        samples=len(loss),
        evidence={"before": before, "peak": peak, "spikes": int(jumps.size), "lasting": lasting},
    )
