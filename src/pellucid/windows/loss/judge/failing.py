"""What rules about evaluations say where the check batch could not be evaluated."""

from collections.abc import Callable, Iterable, Iterator
from functools import wraps

from pellucid.core.finding import Finding, Level
from pellucid.core.rule import Case
from pellucid.windows.loss.result import SanityCheck

Judge = Callable[[SanityCheck, Case], Iterable[Finding]]

NEXT = "Mend the check batch or the loss: watch.probe(model, batch) raises the whole error."


def of_evaluations(judge: Judge) -> Judge:
    """Have a rule say so where the latest evaluation failed: what was fine before it is no pass now.

    Problems that the earlier evaluations show are kept.

    Args:
        judge: A rule that judges evaluations.

    Returns:
        A rule of the same name and docstring.
    """

    @wraps(judge)
    def judged(result: SanityCheck, case: Case) -> Iterator[Finding]:
        trouble = result.trouble
        if trouble and not len(result.steps):
            yield case.not_measured(trouble, next_step=NEXT)
            return
        for one in judge(result, case):
            if trouble and one.level in (Level.OK, Level.NOT_MEASURED):
                passed = one.level is Level.OK
                message = f"{trouble}; until then: {one.message}" if passed else f"{one.message}; {trouble}"
                yield case.not_measured(message, where=one.where, samples=one.samples, next_step=NEXT)
            else:
                yield one

    return judged


def and_trouble(check: SanityCheck | None) -> str:
    """Return what to add to a sentence that misses evaluations: "; " and why they failed, or nothing."""
    return f"; {check.trouble}" if check is not None and check.trouble else ""
