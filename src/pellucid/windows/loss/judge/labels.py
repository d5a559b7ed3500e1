"""Rules about loss and labels: LOS003, LOS004, LOS005, LOS013."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pellucid.core.figure.words import number, percent
from pellucid.core.finding import Finding
from pellucid.core.rule import Case, rule
from pellucid.maths.curves import entropy, expected_entropy
from pellucid.windows.loss.judge.failing import and_trouble
from pellucid.windows.loss.judge.heldout import RECENT, HeldOut, held_out
from pellucid.windows.loss.judge.outputs import COLLAPSED, collapsed_from
from pellucid.windows.loss.result import LossCurves, SanityCheck


@dataclass(frozen=True, kw_only=True)
class _Training:
    """The two ends of a training loss over class targets."""

    first: float
    highest_start: float
    last: float
    error: float
    prior: float
    points: int
    steps: int

    @property
    def like_cross_entropy(self) -> bool:
        """Whether it began where a cross-entropy begins: not a squared error, not a sum of two-way losses."""
        return self.highest_start >= 0.8 * self.prior


def _training(result: LossCurves, case: Case) -> _Training | None:
    """The ends of the loss, the last tenth with the standard error of its mean; None with too little to say."""
    loss, prior = result.curve("loss").before_failure(), case.learning.prior
    if len(loss) < 20 or prior is None or prior < 0.1:
        return None
    tail = loss.values[-max(len(loss) // 10, 10) :]
    return _Training(
        first=float(np.median(loss.values[: min(max(len(loss) // 20, 1), 10)])),
        highest_start=float(loss.values[:3].max()),
        last=float(tail.mean()),
        error=float(tail.std(ddof=1) / math.sqrt(len(tail))),
        prior=prior,
        points=len(loss),
        steps=int(loss.steps[-1] - loss.steps[0]) + 1,
    )


@rule(
    LossCurves,
    code="LOS003",
    title="Objective contradicts metric",
    order=2,
    limits={"negative": 1.0, "below_guessing": -3.0, "telling_loss": 0.35, "share": 0.5},
)
def contradiction(result: LossCurves, case: Case) -> Iterator[Finding]:
    """Find a loss that goes down while the model gets worse.

    Looks for: One of three. (1) A training loss over class targets below minus `negative` times the entropy of the
        labels, which no cross-entropy reaches, without good accuracy. (2) A falling training loss while held-out
        accuracy is `below_guessing` standard deviations under that of guessing, three times running. (3) A loss
        below `telling_loss` beside an accuracy below `share` of what it guarantees: every wrong answer costs a
        cross-entropy at least ln 2, so that a mean of L means at least 1 - L / ln 2 right.
    Why it matters: Training does well what it was not meant to do; the loss curve looks perfect.
    Where the limit comes from: (1) and (3) are arithmetic; (2) is guessing itself, whatever the class frequencies.
    False alarms: A loss with an entropy bonus may be slightly negative. Losses that do not begin near the entropy
        of the labels are no cross-entropy and are not held to (3).
    Likely cause: A flipped sign, a mask or weight that leaves out most samples, labels numbered differently in loss
        and metric.
    What to do: Compute loss and accuracy by hand for one batch of four samples; compare the labels of training and
        evaluation.
    Source: facts of this project, diagnosis 10; (3) since the probability of a class that is not named is at most
        1/2.
    """
    regressed = _sign_of_regression(result)
    if regressed:
        yield case.alarm(regressed, where="loss")
        return
    training = _training(result, case)
    if training is None:
        yield case.not_measured("needs 20 losses, and class targets of more than one class")
        return
    held = held_out(result)
    found = _too_negative(training, case) or _below_guessing(training, held, case) or _too_good(training, result, case)
    if found is None:
        yield case.ok(f"loss and accuracy agree: the last loss is {training.last:.3g}", samples=training.points)
        return
    message, value, limit = found
    yield case.alarm(message, where="loss", value=value, limit=limit, samples=training.points)


def _sign_of_regression(result: LossCurves) -> str:
    check, loss = result.check, result.curve("loss").before_failure()
    if check is None or check.task != "regression" or len(loss) < 20:
        return ""
    errors = check.loss_eval[np.isfinite(check.loss_eval)]
    falling = float(np.median(loss.values[-5:])) < min(0.0, float(np.median(loss.values[:3])))
    if len(errors) < RECENT or errors.min() < 0 or not falling or errors[-1] < 1.5 * errors[0]:
        return ""
    return (
        f"the training loss fell below 0 while {check.loss_name} on the check batch rose "
        f"from {errors[0]:.3g} to {errors[-1]:.3g}"
    )


def _too_negative(training: _Training, case: Case) -> tuple[str, float, float] | None:
    limit, learning = -case.limits["negative"] * training.prior, case.learning
    accurate = learning.accuracy is not None and learning.chance is not None and bool(learning.succeeds)
    if training.last >= limit or accurate:
        return None
    return f"the loss is {number(training.last)}; no cross-entropy is below 0", training.last, limit


def _below_guessing(training: _Training, held: HeldOut | None, case: Case) -> tuple[str, float, float] | None:
    if held is None or training.first - training.last < 0.05 * abs(training.first):
        return None
    recent, limit = held.above_guessing[-RECENT:], case.limits["below_guessing"]
    if not (recent <= limit).all():
        return None
    message = (
        f"the training loss fell from {training.first:.3g} to {training.last:.3g}, while held-out accuracy is "
        f"{percent(held.accuracy[-1], 1)}, {-recent[-1]:.0f} standard deviations below guessing"
    )
    return message, float(recent[-1]), limit


def _too_good(training: _Training, result: LossCurves, case: Case) -> tuple[str, float, float] | None:
    """Hold a loss against the accuracy on the same samples, on the check batch and in training."""
    pairs: list[tuple[float, float]] = []
    check = result.check
    if check is not None and _may_be_cross_entropy(check):
        pairs += list(zip(check.loss_eval[-RECENT:].tolist(), check.accuracy_eval[-RECENT:].tolist(), strict=True))
    if training.like_cross_entropy and len(accuracy := result.shares("accuracy")) >= RECENT:
        recent = accuracy.values[-max(len(accuracy) // 10, RECENT) :]
        pairs = (
            [(training.last, float(recent.mean()))] * RECENT
            if len(pairs) < RECENT or not _all_too_good(pairs, case)
            else pairs
        )
    if len(pairs) < RECENT or not _all_too_good(pairs, case):
        return None
    loss, accuracy_now = pairs[-1]
    promised = 1 - loss / math.log(2)
    right = percent(accuracy_now, 1)
    message = f"a cross-entropy of {loss:.3g} means that at least {percent(promised)} are right, but {right} are"
    return message, accuracy_now, case.limits["share"] * promised


def _may_be_cross_entropy(check: SanityCheck) -> bool:
    first = check.loss_eval[np.isfinite(check.loss_eval)]
    return (
        check.task == "classification" and first.size >= RECENT and float(first[0]) >= 0.8 * entropy(check.label_counts)
    )


def _all_too_good(pairs: list[tuple[float, float]], case: Case) -> bool:
    return all(
        0 <= loss < case.limits["telling_loss"] and accuracy < case.limits["share"] * (1 - loss / math.log(2))
        for loss, accuracy in pairs
    )


@rule(
    LossCurves,
    code="LOS004",
    title="Stuck at prior",
    order=6,
    limits={"share": 0.97, "most": 1.5, "steps": 100.0, "zeroed": 1.02},
)
def stuck(result: LossCurves, case: Case) -> Iterator[Finding]:
    """Find a model that has learned how frequent the classes are, and nothing else.

    Looks for: A training loss of at least `share` (and at most `most`) times the entropy of the labels after
        `steps` steps, where the inputs do not help: in the latest evaluation, from step `steps` on, the held-out loss
        is as high, or zeroed inputs have at most `zeroed` times the loss of the real ones. Where the layers have
        collapsed, which explains it, it is a look.
    Why it matters: What comes in makes no difference to what comes out.
    Where the limit comes from: chosen on 212 healthy small networks and then silent on 199 others.
    False alarms: Tasks with a long plateau before learning sets in. With good accuracy the loss holds more than the
        cross-entropy, and nothing is said; without held-out data and accuracy, or where the last evaluation is from
        before step `steps`, it is a warning.
    Likely cause: Inputs that do not belong to the labels or are all the same, a dead or detached path, a learning
        rate that is far too small or too large.
    What to do: Look at four inputs with their labels; train on one batch of 16 until the loss is 0.
    Source: Karpathy 2019, "input-independent baseline"; facts, diagnosis 11.
    """
    training = _training(result, case)
    if training is None or training.steps < case.limits["steps"]:
        yield case.not_measured(f"needs class targets and the losses of {case.limits['steps']:.0f} steps")
        return
    limit = case.limits["share"] * training.prior
    figures = {"value": training.last, "limit": limit, "samples": training.points, "where": "loss"}
    fact = f"the loss is {training.last:.3g}, that of knowing the class frequencies only {training.prior:.3g}"
    help_of_inputs, measured = _help_of_inputs(result.check, case)
    collapsed = result.check is not None and collapsed_from(result.check, RECENT, COLLAPSED) is not None
    if training.last < limit or case.learning.succeeds or _learned_by_heart(training, held_out(result)):
        yield case.ok(fact, **figures)
    elif training.last > case.limits["most"] * training.prior:
        yield case.look(f"{fact}: worse than that", **figures)
    elif collapsed:
        yield case.look(f"{fact}; the layers make no difference between samples, see LOS006", **figures)
    elif help_of_inputs:
        yield case.look(f"{fact}, but {measured}", **figures)
    elif help_of_inputs is False:
        yield case.alarm(f"{fact}; {measured}", **figures)
    elif result.check is None and case.learning.accuracy is not None:
        yield case.alarm(f"{fact}, and the accuracy is {percent(case.learning.accuracy, 1)}", **figures)
    else:
        yield case.warn(f"{fact}; {measured}", **figures)


def _help_of_inputs(check: SanityCheck | None, case: Case) -> tuple[bool | None, str]:
    """Whether inputs lower the held-out loss, by the latest evaluation that comes late enough; what it measured.

    None where there is none: what a fresh model did says nothing about the trained one.
    """
    if check is None:
        return None, "whether the inputs matter was not measured"
    late = np.flatnonzero(np.isfinite(check.loss_eval) & (check.steps >= case.limits["steps"]))
    if not late.size:
        since = f"whether the inputs matter was not measured from step {case.limits['steps']:.0f} on"
        return None, since + and_trouble(check)
    last = int(late[-1])
    loss, zeroed, prior = float(check.loss_eval[last]), float(check.loss_zeroed[last]), entropy(check.label_counts)
    said = f"at step {check.steps[last]} the held-out loss is {loss:.4g}"
    said += f", and {zeroed:.4g} with zeroed inputs" if math.isfinite(zeroed) else ""
    if check.labels:
        said += f"; knowing the class frequencies only costs {prior:.4g} there"
    if check.labels and loss >= case.limits["share"] * prior:
        return False, said
    if math.isfinite(zeroed):
        return zeroed > case.limits["zeroed"] * loss, said
    # An answer that is the same whatever comes in costs at least the entropy of the labels.
    return (True if check.labels else None), said


def _learned_by_heart(training: _Training, held: HeldOut | None) -> bool:
    """Whether training goes below the prior while held-out data stay at guessing or worse."""
    fell = training.last + 3 * training.error < 0.998 * training.prior
    if not fell or held is None or not held.telling or not training.like_cross_entropy:
        return False
    if not (held.loss[-RECENT:] > held.prior).all():
        return False
    if np.isfinite(held.above_guessing[-RECENT:]).all():
        return bool((held.above_guessing[-RECENT:] <= 3).all())
    return bool((held.accuracy[-RECENT:] <= 1.1 * held.chance + 0.01).all())


@rule(LossCurves, code="LOS005", title="Labels not learnable", order=6, limits={"steps": 100.0})
def not_learnable(result: LossCurves, case: Case) -> Iterator[Finding]:
    """Find a model that learns its samples by heart because nothing in them tells the label.

    Looks for: After `steps` steps a training loss below the entropy of the labels by more than its noise, while in
        three evaluations running the held-out loss is above that entropy and accuracy at most 3 standard
        deviations above guessing.
    Why it matters: Everything seems to work, and nothing is learned that holds for the next sample.
    Where the limit comes from: Both sides are statistical: the noise of the last losses, and guessing with the
        predictions that the model makes.
    False alarms: Tasks on which generalisation sets in long after training (modular arithmetic). Held-out data from
        elsewhere, on which the model cannot do well.
    Likely cause: Labels that were shuffled or misaligned with the inputs, or held-out labels numbered differently.
    What to do: Look at 20 samples with their labels by eye, in training and in held-out data; check that inputs and
        labels are shuffled together.
    Source: facts of this project, diagnosis 12; Zhang et al. 2017, Understanding deep learning requires rethinking
        generalization.
    """
    training, held = _training(result, case), held_out(result)
    if training is None or training.steps < case.limits["steps"]:
        yield case.not_measured(f"needs class targets and the losses of {case.limits['steps']:.0f} steps")
        return
    if held is None or not held.telling or not np.isfinite(held.accuracy[-RECENT:]).all():
        needed = "needs three evaluations on held-out data of several classes, with accuracy"
        yield case.not_measured(needed + and_trouble(result.check))
        return
    if not training.like_cross_entropy:
        yield case.not_measured(
            "the loss does not begin near the entropy of the labels: not a cross-entropy from the start"
        )
        return
    fact = (
        f"training loss {training.last:.3g}, held-out loss {held.loss[-1]:.3g} and accuracy "
        f"{percent(held.accuracy[-1], 1)}; knowing the class frequencies only costs {held.prior:.3g}"
    )
    figures = {"value": float(held.loss[-1]), "limit": held.prior, "samples": len(held.steps)}
    if not _learned_by_heart(training, held):
        yield case.ok(fact, **figures)
        return
    say = case.alarm if held.source == "check" else case.warn
    yield say(fact, where="labels", **figures)


@rule(
    LossCurves,
    code="LOS013",
    title="Batch order or imbalance",
    order=1,
    limits={"entropy_share": 0.6, "largest_share": 0.9, "rarest": 0.2, "labels_per_class": 20.0, "batches": 20.0},
)
def batches(result: LossCurves, case: Case) -> Iterator[Finding]:
    """Find batches that hold too few classes, and classes that are hardly ever seen.

    Looks for: (order) A mean entropy of the labels of a batch below `entropy_share` of what batches of that size
        have when they are drawn at random, over `batches` batches. (imbalance) One class with more than
        `largest_share` of the labels; a class with less than `rarest` of its equal share is a look.
    Why it matters: In sorted batches each step unlearns the classes that are not in it. A class that is nearly alone
        makes a constant answer look good.
    Where the limit comes from: 0.6 and 2 % of ten classes from the facts; the entropy of random batches is computed,
        since 4 samples of 10 classes hold 1.2 nats of 2.3 however well they are shuffled.
    False alarms: Batches that are meant to hold few classes (episodes, contrastive pairs); rare events that are rare.
        Both are warnings at the most while learning succeeds.
    Likely cause: shuffle=False in the loader of sorted data; data that were collected or filtered unevenly.
    What to do: Shuffle; weigh the loss by class or draw the rare classes more often, and judge by class.
    Source: facts of this project, diagnosis 22.
    """
    counts, mixed = result.label_counts, result.curve("target_entropy").finite()
    total, classes = int(np.sum(counts)), int(np.sum(counts > 0))
    if total == 0 or total < case.limits["labels_per_class"] * classes:
        yield case.not_measured("needs class targets, 20 of each class on average", samples=total)
        return
    each = result.labels_per_step()
    whole = expected_entropy(counts, max(int(each), 1)) if each is not None else 0.0
    if len(mixed) < case.limits["batches"] or each is None or each < 2 or whole < 0.1:
        yield case.not_measured(
            "needs the labels of 20 batches of two samples or more, of several classes", where="order"
        )
    else:
        share, limit = float(mixed.values.mean()) / whole, case.limits["entropy_share"]
        fact = f"a batch holds {mixed.values.mean():.2f} nats of labels; drawn at random it would hold {whole:.2f}"
        say = case.ok if share >= limit else (case.warn if case.learning.succeeds else case.alarm)
        yield say(fact, where="order", value=share, limit=limit, samples=len(mixed))
    yield _imbalance(result, case, total)


def _imbalance(result: LossCurves, case: Case, total: int) -> Finding:
    present = result.label_counts[result.label_counts > 0]
    largest, rarest = float(present.max() / total), float(present.min() / total)
    most, least = percent(largest, 1), percent(rarest, 2)
    fact = f"the most frequent of {len(present)} classes has {most} of the labels, the rarest {least}"
    figures = {"where": "balance", "samples": total, "value": largest, "limit": case.limits["largest_share"]}
    if len(present) < 2:
        return case.look("every label is of one class", **figures)
    if largest > case.limits["largest_share"]:
        return (case.warn if case.learning.succeeds else case.alarm)(fact, **figures)
    if rarest < case.limits["rarest"] / len(present):
        return case.look(fact, **figures)
    return case.ok(fact, **figures)
