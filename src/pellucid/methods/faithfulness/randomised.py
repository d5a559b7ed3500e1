"""Randomisation: what is left of a map when the model forgets, layer by layer, what it learned."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor, nn

from pellucid.core.progress import Loop
from pellucid.maths.ranks import Values, beyond, spearman
from pellucid.methods.attribution.method import Attribution
from pellucid.methods.attribution.question import Question, array_of, wide
from pellucid.methods.faithfulness.explainers import Explainers
from pellucid.methods.faithfulness.places import Places
from pellucid.methods.faithfulness.weights import Stage, copy_of, drawn_from, make_random, settle_norms, stages_of


@dataclass(frozen=True, kw_only=True)
class Likeness:
    """How like the map of the trained model those of the random ones are.

    Attributes:
        stages: Name of each stage, from the output back; every stage leaves those before it random.
        alike: Spearman's correlation, [method, draw, stage, example]; NaN for a map without an order. After Ctrl-C it
            holds the draws that were done.
        beyond: What of it the size of the input alone does not explain.
    """

    stages: tuple[str, ...]
    alike: Values
    beyond: Values


def likeness(
    question: Question,
    places: Places,
    explain: Explainers,
    *,
    ranked: Sequence[Values],
    size: Values,
    draws: int,
    most: int,
    seed: int,
) -> Likeness:
    """Compare maps with those of the same model, made random from the last layer back to the first.

    Args:
        question: About the trained model; it is not being asked.
        places: Of its values.
        explain: The methods.
        ranked: What each made of the places with the trained model, [example, place].
        size: How far the input is from the baseline in each place, [example, place].
        draws: Random models.
        most: Stages at the most.
        seed: Of the weights.

    Raises:
        CaptureError: The model cannot be copied.
        KeyboardInterrupt: Ctrl-C came before the first draw was done.

    Cost:
        That of the methods for every draw and stage, and the memory of two copies of the model.

    Source:
        Adebayo et al. 2018, "Sanity checks for saliency maps", section 3 (cascading randomisation).
    """
    with question.asked():
        stages = stages_of(question, most)
    shape = (len(explain.methods), draws, len(stages), question.rows)
    alike, left = np.full(shape, np.nan), np.full(shape, np.nan)
    by_size = [spearman(one, size) for one in ranked]
    loop, draw = Loop(draws * len(stages), "random models"), 0
    try:
        for draw in range(draws if stages else 0):
            model, done = copy_of(question.model), list[str]()
            for place, stage in enumerate(stages):
                loop.at(draw * len(stages) + place, 1)
                done += stage.names
                found = _forgotten(question, model, stage, done, explain, seed=(seed * 1000 + draw) * 1000 + place)
                for number, (method, one) in enumerate(zip(explain.methods, found, strict=True)):
                    now = places.ranked(method, one)
                    same = spearman(ranked[number], now)
                    alike[number, draw, place] = same
                    left[number, draw, place] = beyond(same, by_size[number], spearman(now, size))
    except KeyboardInterrupt:
        if not draw:
            raise
        draws = draw
    return Likeness(stages=tuple(one.title for one in stages), alike=alike[:, :draws], beyond=left[:, :draws])


def _forgotten(
    question: Question, model: nn.Module, stage: Stage, done: list[str], explain: Explainers, *, seed: int
) -> list[Attribution]:
    """Make one more stage of a copy random, and return the maps of it."""
    with drawn_from(seed):
        make_random(model, stage.names)
    other = question.again(model=model)
    _settle(other, model, done)
    found = explain(other)
    question.passes += other.passes
    return found


def _settle(question: Question, model: nn.Module, done: list[str]) -> None:
    modes = [(one, one.training) for one in model.modules()]
    try:
        for one, _ in modes:
            one.training = False
        settle_norms(question, done)
    finally:
        for one, mode in modes:
            one.training = mode


def size_of(values: Sequence[Tensor], baselines: Sequence[Tensor], places: Places) -> Values:
    """Return how far values are from their baseline in each place, [example, place]."""
    apart = [(wide(one) - wide(base)).abs() for one, base in zip(values, baselines, strict=True)]
    return array_of(places.folded(apart)).astype(np.float64)
