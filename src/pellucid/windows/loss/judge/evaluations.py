"""Rules that compare training with evaluation: LOS010, LOS011."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.figure.words import percent
from pellucid.core.finding import Finding
from pellucid.core.rule import Case, rule
from pellucid.windows.loss.judge.failing import and_trouble, of_evaluations
from pellucid.windows.loss.judge.heldout import RECENT, HeldOut, longest
from pellucid.windows.loss.result import MOST_TELLING_CHANCE, LossCurves, SanityCheck


@rule(
    SanityCheck,
    code="LOS010",
    title="Train/eval mismatch",
    order=6,
    limits={
        "accuracy": 0.15,
        "loss": 1.5,
        "loss_alone": 5.0,
        "guessing": 0.1,
        "samples": 32.0,
        "steps": 20.0,
        "dropout_steps": 100.0,
    },
)
@of_evaluations
def mismatch(result: SanityCheck, case: Case) -> Iterator[Finding]:
    """Find a model that does one thing in train mode and another in eval mode, on the same batch.

    Looks for: In three evaluations running (or the one of a finished model), from step `steps` on: in eval mode an
        accuracy `accuracy` lower and a loss `loss` times that in train mode, or an accuracy 5 points lower and a loss
        `loss_alone` times that (alarm). Or, from step `dropout_steps` on, guessing in train mode (at most 3 standard
        deviations above the most frequent class) with an accuracy `guessing` higher in eval mode (warning).
    Why it matters: What was trained is not what is used.
    Where the limit comes from: 15 points and 50 % from the facts. The other way round dropout makes train mode worse
        in every healthy network that has it, at 0.7 by as much as 50 points, yet far from guessing.
    False alarms: The statistics of batch norm need some steps before they are right, which is why early steps are
        left out. A batch of one class is no batch that batch norm knows: it is not judged.
    Likely cause: Batch norm whose running statistics were not learned (momentum, frozen, too few steps) or belong to
        other data; dropout that drops nearly everything.
    What to do: Look at momentum and running_var of the norm layers, and let them see training data once more; lower
        the dropout.
    Source: facts of this project, diagnosis 19; TheDeepChecker's train/eval check.
    """
    kept = np.isfinite(result.accuracy_eval) & np.isfinite(result.accuracy_train)
    finished = len(result.steps) == 1 and case.learning.steps is None
    kept &= finished | (result.steps >= case.limits["steps"])
    enough = result.samples >= case.limits["samples"] and result.largest_share <= MOST_TELLING_CHANCE
    if not enough or kept.sum() < (1 if finished else RECENT):
        yield case.not_measured(
            f"needs class targets, {case.limits['samples']:.0f} samples of several classes, "
            "and three evaluations of a run",
            samples=result.samples,
        )
        return
    pair = np.stack([result.accuracy_eval, result.accuracy_train, result.loss_eval, result.loss_train])[:, kept][
        :, -RECENT:
    ]
    accuracy, trained, loss, trained_loss = pair
    fact = (
        f"accuracy {percent(accuracy[-1], 1)} in eval mode, {percent(trained[-1], 1)} in train mode; "
        f"loss {loss[-1]:.3g} and {trained_loss[-1]:.3g}"
    )
    figures = {"value": float(trained[-1] - accuracy[-1]), "samples": result.samples}
    limits = case.limits
    much = (trained - accuracy >= limits["accuracy"]) & (loss >= limits["loss"] * trained_loss)
    sure = (trained - accuracy >= 0.05) & (loss >= limits["loss_alone"] * trained_loss)
    if bool((much | sure).all()):
        yield case.alarm(fact, limit=limits["accuracy"], **figures)
    elif result.steps[-1] >= limits["dropout_steps"] and _guesses(result, accuracy, trained, case):
        yield case.warn(fact, limit=-limits["guessing"], **figures)
    else:
        yield case.ok(fact, limit=limits["accuracy"], **figures)


def _guesses(result: SanityCheck, accuracy: NDArray[Any], trained: NDArray[Any], case: Case) -> bool:
    """Whether the model guesses in train mode, though not in eval mode."""
    chance = result.largest_share
    noise = 3 * float(np.sqrt(chance * (1 - chance) / max(result.labels, 1)))
    return bool((trained <= chance + noise).all()) and float(np.median(accuracy - trained)) >= case.limits["guessing"]


@rule(
    SanityCheck,
    code="LOS014",
    title="No better than guessing",
    order=7,
    limits={"deviations": 3.0, "explained": 0.02, "broadcast": 0.1, "samples": 100.0, "steps": 100.0},
)
@of_evaluations
def guessing(result: SanityCheck, case: Case) -> Iterator[Finding]:
    """Find a model whose held-out answers are no better than guessing.

    Looks for: A held-out accuracy at most `deviations` standard deviations above that of guessing with the model's
        own frequencies; in a regression a held-out loss that is not `explained` (a share) below that of answering the
        mean of the targets always. On `samples` samples or more: of a finished model, or after `steps` steps in the
        last two evaluations of a run.
    Why it matters: Whatever the loss curve looks like, nothing that holds for other data was learned.
    Where the limit comes from: Three standard deviations of guessing; healthy networks are dozens above. For a
        regression it is an R squared of 0.02; below 0.1 it is looked at where shapes differ, so that they broadcast.
    False alarms: Tasks with a long plateau before learning sets in: in a run it is a warning. A batch with one class
        tells nothing and is not judged. Targets that hold next to nothing but noise: there it is a warning.
    Likely cause: A model that was not trained or not loaded, labels that were shuffled apart from their inputs or are
        numbered differently from training, inputs prepared differently; in a regression targets that are not scaled,
        or outputs and targets whose shapes differ and broadcast; in a run whatever is named before this.
    What to do: Evaluate on the training data; compare the preparation of inputs and labels; look at four examples;
        scale the targets of a regression to a standard deviation of 1.
    Source: ours.
    """
    finished = len(result.steps) == 1 and case.learning.steps is None
    if result.task == "regression" and np.isfinite(result.loss_constant):
        yield _beside_the_mean(result, case, finished=finished)
        return
    above = result.above_guessing()
    enough = result.samples >= case.limits["samples"] and result.largest_share <= MOST_TELLING_CHANCE
    late = np.isfinite(above) & (finished | (result.steps >= case.limits["steps"]))
    if not enough or late.sum() < (1 if finished else 2):
        yield case.not_measured(
            f"needs class targets and {case.limits['samples']:.0f} held-out samples of several classes, and in a run "
            f"two evaluations from step {case.limits['steps']:.0f} on",
            samples=result.samples,
        )
        return
    recent = above[late][-2:]
    accuracy = float(result.accuracy_eval[late][-1])
    fact = f"held-out accuracy is {percent(accuracy, 1)}, {_beside_guessing(float(recent[-1]), case)}"
    figures = {"value": float(recent[-1]), "limit": case.limits["deviations"], "samples": result.samples}
    if bool((recent <= case.limits["deviations"]).all()):
        yield (case.alarm if finished else case.warn)(fact, **figures)
    else:
        yield case.ok(fact, **figures)


def _beside_guessing(deviations: float, case: Case) -> str:
    """Say how far an accuracy is from that of guessing, in units of what chance alone makes it vary."""
    size = f"{abs(deviations):.1f} standard deviations"
    if abs(deviations) <= case.limits["deviations"]:
        return f"no better than guessing ({size} from it)"
    return f"better than guessing by {size}" if deviations > 0 else f"worse than guessing by {size}"


def _beside_the_mean(result: SanityCheck, case: Case, *, finished: bool) -> Finding:
    """Hold the loss of a regression against that of the one answer that needs no input."""
    late = np.isfinite(result.loss_eval) & (finished | (result.steps >= case.limits["steps"]))
    few = result.samples < case.limits["samples"] or late.sum() < (1 if finished else 2)
    if few or not result.loss_constant > 0:
        return case.not_measured(
            f"needs {case.limits['samples']:.0f} held-out samples whose targets differ, and in a run two evaluations "
            f"from step {case.limits['steps']:.0f} on",
            samples=result.samples,
        )
    recent = result.loss_eval[late][-2:]
    explained = 1 - recent / result.loss_constant
    blind = f"answering the mean of the targets always gives {result.loss_constant:.3g}"
    fact = f"held-out loss is {recent[-1]:.3g}; {blind}"
    figures = {"value": float(explained[-1]), "limit": case.limits["explained"], "samples": result.samples}
    if result.shapes:
        fact += f"; outputs and targets of two samples have the shapes {result.shapes}, which broadcast in most losses"
    if not bool((explained < case.limits["explained"]).all()):
        little = bool(result.shapes) and bool((explained < case.limits["broadcast"]).all())
        return (case.look if little else case.ok)(fact, **figures)
    return (case.alarm if finished and bool((explained < 0).all()) else case.warn)(fact, **figures)


@rule(
    LossCurves,
    code="LOS011",
    title="Overfit",
    order=7,
    limits={"gap": 0.12, "evaluations": 3.0, "rise": 1.1, "ratio": 2.0, "errors": 2.0},
)
def overfit(result: LossCurves, case: Case) -> Iterator[Finding]:
    """Find a model that still learns its training samples while it gets worse on others.

    Looks for: In the last `evaluations` evaluations a training accuracy above the held-out one by `gap` and `errors`
        standard errors of that or more, while the held-out loss is above its best by `rise` and more. Without
        accuracies: a held-out loss above its first value and `ratio` times the training loss (warning).
    Why it matters: From here on training costs and harms.
    Where the limit comes from: 12 points from the facts. The usual rules (held-out loss up once, 10 % between losses)
        accuse 49 to 93 % of healthy networks.
    False alarms: A rising held-out loss alone is common in healthy classifiers, whose confidence grows faster than
        their errors vanish; hence the accuracies. Held-out data from elsewhere show a gap from the start.
    Likely cause: Too few or too uniform training samples for so large a model, or too many steps.
    What to do: Stop where the held-out loss was best; more or augmented data, weight decay, dropout, a smaller model.
    Source: facts of this project, diagnosis 20.
    """
    held, fewest = longest(result), int(case.limits["evaluations"])
    training = result.curve("loss").before_failure()
    if held is None or len(held.steps) < fewest + 1 or not len(training):
        needed = f"needs a training loss and {fewest + 1} evaluations on held-out data"
        yield case.not_measured(needed + and_trouble(result.check))
        return
    best = int(np.argmin(held.loss))
    rising = len(held.steps) - 1 - best >= fewest and bool(
        (held.loss[-fewest:] >= case.limits["rise"] * held.loss[best]).all()
    )
    rising = rising and held.loss[best] > 0
    gaps = _gaps(result, held)[-fewest:]
    onset = {"step": int(held.steps[best]), "where": "val_loss", "samples": len(held.steps)}
    rose = f"held-out loss {held.loss[-1]:.3g}, best {held.loss[best]:.3g} at step {held.steps[best]}"
    if held.telling and np.isfinite(gaps).all():
        fact = f"training accuracy is {percent(gaps[-1], 1, signed=True)} from held-out accuracy; {rose}"
        limits = np.maximum(case.limits["gap"], case.limits["errors"] * held.accuracy_errors[-fewest:])
        wide = bool((gaps >= limits).all())
        figures = {"value": float(gaps.min()), "limit": float(limits.max())}
        if rising and wide:
            yield case.alarm(fact, **figures, **onset)
        else:
            yield (case.look if wide else case.ok)(fact, samples=len(held.steps), **figures)
        return
    last = float(np.median(training.values[-max(len(training) // 10, 1) :]))
    apart = rising and held.loss[-1] > held.loss[0] and 0 < case.limits["ratio"] * last < held.loss[-1]
    fact = f"{rose}; training loss {last:.3g}; accuracies were not measured"
    yield case.warn(fact, **onset) if apart else (case.look if rising else case.ok)(fact, samples=len(held.steps))


def _gaps(result: LossCurves, held: HeldOut) -> NDArray[Any]:
    """Training accuracy, averaged since the evaluation before, minus held-out accuracy, [evaluation]."""
    training = result.shares("accuracy")
    gaps = np.full(len(held.steps), np.nan)
    before = -np.inf
    for place, step in enumerate(held.steps):
        since = training.values[(training.steps > before) & (training.steps <= step)]
        if since.size:
            gaps[place] = float(since[-50:].mean()) - held.accuracy[place]
        before = step
    return gaps
