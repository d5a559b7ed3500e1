"""A rule on analogies: EMB007."""

from collections.abc import Iterator
from typing import Any

from pellucid.core.figure.words import amount, number
from pellucid.core.finding import Finding
from pellucid.core.rule import Case, rule
from pellucid.windows.embeddings.result.analogy import Analogy


@rule(
    Analogy,
    code="EMB007",
    title="No common direction",
    order=8,
    limits={"chance": 0.05, "cosine": 0.07, "pairs": 5, "apart": 0.1},
)
def no_common_direction(result: Analogy, case: Case) -> Iterator[Finding]:
    """Pairs whose offsets agree no better than with the partners of others, or hardly at all.

    Looks for: a mean cosine of the offsets that 5 % or more of the orders with shuffled partners reach, or one below
        0.07: partners that are merely near to each other agree better than shuffled ones, too.
    Why it matters: then b - a + c leads nowhere in particular, and an answer that fits is near to c anyway, or chance.
    Where the limit comes from: 5 pairs at a time of nine relations (gender, plurals, capitals, tenses ...) in the
        embedding of a sentence encoder and in vectors counted from a book, 540 draws: over 0.07 in 99 %, never reached
        by 5 % of the orders. Partners shuffled: 0 of 660 draws pass; random words: 2 of 660; opposites, such as good
        and evil, which are near and share no direction: 4 of 120, with mean cosines of 0.02 and 0.04.
    False alarms: never more than a look: nothing says that vectors must have such a direction. With few pairs a weak
        one does not show.
    Likely cause: vectors that are hardly trained, or a relation that is not one direction.
    What to do: Try more pairs, and pairs of another relation; look at the nearest neighbours of the words.
    Source: Fournier et al. 2020, "Analogies minus analogy test: measuring regularities in word embeddings"; limits:
        ours.
    """
    pairs, limits = len(result.pairs), case.limits
    if pairs < limits["pairs"]:
        yield case.not_measured(
            f"{amount(pairs, 'pair')} cannot show whether there is a common direction",
            next_step=f"Give pairs=, {limits['pairs']:.0f} or more.",
        )
        return
    (mean, low, high), usual, chance = result.agreement, result.usual[0], result.chance
    fields: dict[str, Any] = {
        "value": mean,
        "limit": limits["cosine"],
        "samples": pairs,
        "evidence": {"low": low, "high": high, "shuffled": usual, "chance": chance, "solved": result.solved[0]},
    }
    what = (
        f"the offsets of {pairs} pairs have a mean cosine of {number(mean)} ({number(low)} to {number(high)}), which "
        f"{result.as_high:,} of {amount(len(result.shuffled), 'order')} with shuffled partners reach"
    )
    if chance >= limits["chance"] and usual >= limits["apart"]:
        yield case.look(f"{what}: first and second words lie apart, but not which belongs to which", **fields)
    elif chance >= limits["chance"]:
        yield case.look(f"{what}: the analogy is chance", **fields)
    elif mean < limits["cosine"]:
        yield case.look(f"{what}: partners may be near to each other, but hardly in one direction", **fields)
    else:
        yield case.ok(what, **fields)
