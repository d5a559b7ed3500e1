"""Infidelity and sensitivity: whether a map foretells what the score does, and whether it stays under noise."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pellucid.core.progress import each
from pellucid.maths.ranks import Values
from pellucid.methods.attribution.method import Attribution, Method
from pellucid.methods.attribution.nest import rebuilt
from pellucid.methods.attribution.question import Question, array_of, flat, wide
from pellucid.methods.faithfulness.explainers import Explainers
from pellucid.methods.faithfulness.places import Places

_FEATURES = 0.5
"""Most of the places, along each axis, that a box takes away."""


def boxes(places: Places, draws: int, seed: int) -> Values:
    """Return boxes of places drawn by lot, the same for every example.

    A box has 1 to half of the places along each axis of space; of features, which have no space, as many at random. Of
    several inputs each has a box of its own.

    Args:
        places: Of which.
        draws: How many.
        seed: Of the lots.

    Returns:
        [draw, place], whether the place lies in the box.
    """
    source = np.random.default_rng((seed, 2))
    return np.stack([np.concatenate([_box(shape, source) for shape in places.shapes]) for _ in range(draws)])


def _box(shape: tuple[int, ...], source: np.random.Generator) -> Values:
    taken = np.zeros(shape, dtype=bool)
    if len(shape) < 2:
        size = max(1, int(np.prod(shape)))
        some = source.permutation(size)[: source.integers(1, max(1, int(_FEATURES * size)) + 1)]
        taken.reshape(-1)[some] = True
        return taken.reshape(-1)
    sizes = [int(source.integers(1, max(1, int(_FEATURES * side)) + 1)) for side in shape]
    starts = [int(source.integers(0, side - size + 1)) for side, size in zip(shape, sizes, strict=True)]
    taken[tuple(slice(start, start + size) for start, size in zip(starts, sizes, strict=True))] = True
    return taken.reshape(-1)


def losses(question: Question, places: Places, baselines: Sequence[Tensor], gone: Values, scores: Tensor) -> Values:
    """Return what the score loses when boxes are replaced by the baseline, [draw, example].

    Args:
        question: Which is being asked.
        places: Of its values.
        baselines: [examples, ...] each.
        gone: [draw, place].
        scores: Without anything gone, [examples].

    Cost:
        One forward pass a draw.
    """
    lost = torch.zeros(len(gone), question.rows, dtype=torch.float64, device="cpu")
    taken, before = torch.as_tensor(gone, device="cpu"), wide(scores).cpu().double()

    def work(jobs: Tensor) -> None:
        draw, rows = jobs // question.rows, jobs % question.rows
        values = places.removed(question.at(rows), [one[rows.to(one.device)] for one in baselines], taken[draw])
        with torch.no_grad():
            after = wide(question.scores(values, rows)).cpu().double()
        lost.view(-1)[jobs] = before[rows] - after

    question.chunks.each(lost.numel(), work, name="boxes")
    return lost.numpy()


def foretold(
    question: Question, places: Places, baselines: Sequence[Tensor], gone: Values, *, told: Attribution, method: Method
) -> tuple[Values, bool]:
    """Return what a map says that the score loses when boxes are removed, and whether it says it in units of the score.

    A map that shares the score out loses the shares of the box. A gradient loses gradient times change. What has no
    unit (class activation maps, sizes) is added up over the box.

    Args:
        question: See `losses`.
        places: See `losses`.
        baselines: See `losses`.
        gone: See `losses`.
        told: The map.
        method: Which made it.

    Returns:
        [draw, example], and whether the method has a unit.
    """
    fits = [tuple(one.shape) for one in told.maps] == [tuple(one.shape) for one in question.values]
    if fits and method.contributes:
        shares, has_unit = places.folded([one.double() for one in told.maps]), True
    elif fits and method.signed:
        changes = [wide(value) - wide(baseline) for value, baseline in zip(question.values, baselines, strict=True)]
        parts = [one.double() * change.double() for one, change in zip(told.maps, changes, strict=True)]
        shares, has_unit = places.folded(parts), True
    else:
        shares, has_unit = torch.as_tensor(places.ranked(method, told), device="cpu"), False
    with np.errstate(invalid="ignore"):  # of a map with infinity
        return gone.astype(np.float64) @ array_of(shares).T, has_unit


def infidelity(said: Values, lost: Values) -> tuple[Values, Values]:
    """Return how far off a map is about what the score loses.

    Args:
        said: What the map says, [draw, example].
        lost: What the score lost, [draw, example].

    Returns:
        The mean squared difference, [example], in squared units of the score; and the share of the squared losses that
        is left when the map is first multiplied by the number, 0 or more, that fits best, [example]: 0 where the map
        foretells everything but for its scale, 1 where it foretells nothing; NaN where nothing was lost.

    Source:
        Yeh et al. 2019, "On the (in)fidelity and sensitivity of explanations", definition 2.1 and section 2.1 (scale).
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        squared = ((said - lost) ** 2).mean(axis=0)
        both, of_map, of_score = (said * lost).sum(0), (said**2).sum(0), (lost**2).sum(0)
        fitting = np.where(of_map > 0, np.maximum(both, 0) ** 2 / of_map, 0.0)
        share = np.where(of_score > 0, 1 - fitting / of_score, np.nan)
    return squared, np.clip(share, 0, 1)


def shivering(question: Question, radius: float, draw: int, seed: int) -> Any:
    """Return the inputs with noise in what is explained, evenly spread within a radius.

    Args:
        question: Of the inputs, not of a layer.
        radius: As a share of each example's range.
        draw: Number of the draw: the noise of a draw is the same for every example, but for its size.
        seed: Of the noise.
    """
    values = dict(zip(question.places, question.values, strict=True))
    source = torch.Generator().manual_seed(seed * 100_000 + draw)

    def change(path: str, value: Any) -> Any:
        if path not in values:
            return value
        whole = wide(value)
        sizes = flat(whole).amax(1) - flat(whole).amin(1)
        noise = 2 * torch.rand(value.shape[1:], generator=source, dtype=whole.dtype, device="cpu") - 1
        reach = (radius * sizes).reshape(-1, *[1] * (value.ndim - 1))
        return (whole + reach * noise.to(whole.device)).to(value.dtype)

    return rebuilt(question.inputs, change)


def sensitivity(maps: Sequence[Tensor], moved: Sequence[Tensor]) -> Values:
    """Return how far maps moved, in their own size, [example]; a map of 0 has the size 1.

    Args:
        maps: [example, ...] each.
        moved: The maps at inputs with noise.
    """
    size = torch.cat([flat(one.double()) for one in maps], dim=1).norm(dim=1)
    apart = torch.cat([flat(b.double() - a.double()) for a, b in zip(maps, moved, strict=True)], dim=1).norm(dim=1)
    return array_of(apart / torch.where(size == 0, 1.0, size))


def max_sensitivity(
    question: Question, explain: Explainers, found: Sequence[Attribution], *, radius: float, samples: int, seed: int
) -> Values:
    """Return the farthest that each map moves among noisy copies of the input, [method, example].

    Args:
        question: Of the inputs, or of a layer; it is not being asked.
        explain: Asks a question with every method.
        found: What it found without noise.
        radius: See `shivering`.
        samples: Noisy copies.
        seed: See `shivering`.

    Raises:
        InputError: The inputs are whole numbers, which cannot shiver.

    Cost:
        That of the methods, `samples` times.

    Source:
        Yeh et al. 2019, definition 3.1: the maximum is one of samples, and so a lower bound.
    """
    farthest = np.full((len(found), question.rows), np.nan)
    given = question if question.layer is None else Question(question.model, question.inputs, None)
    for draw in each(range(samples), "noisy copies"):
        other = question.again(inputs=shivering(given, radius, draw, seed))
        moved = explain(other)
        question.passes += other.passes
        apart = np.stack([sensitivity(a.maps, b.maps) for a, b in zip(found, moved, strict=True)])
        farthest = np.fmax(farthest, apart)
    return farthest
