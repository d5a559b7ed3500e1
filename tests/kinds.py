"""Every kind of result, large to empty: what the contract tests are fed with."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import pellucid as pel
from pellucid.core.result import Result
from pellucid.maths.series import TensorSeries
from pellucid.windows.activations import ActivationHistograms, FeatureMaps
from pellucid.windows.embeddings import Analogy, Features, Projection, Separation
from pellucid.windows.gradients import Faithfulness, GradientFlow, Saliency, Shortcuts
from pellucid.windows.loss import (
    Comparison,
    Curvature,
    Descent,
    Interpolation,
    Landscape,
    LineSearch,
    LossCurves,
    Path,
    SanityCheck,
)
from pellucid.windows.loss.measure import evaluate
from pellucid.windows.weights import Filters, Spectra, Templates, WeightHistograms
from pellucid.windows.weights.result import Dreamed, Maximized

BRIEF = pel.gradients.FaithfulnessOptions(steps=3, chances=1, randomisations=1, perturbations=3, samples=1)


class Net(nn.Module):
    """Everything that a measurement could disturb: batch norm, dropout, an in-place function."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm, self.act = nn.Linear(12, 16), nn.BatchNorm1d(16), nn.ReLU(inplace=True)
        self.drop, self.head = nn.Dropout(0.3), nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        """Classify."""
        return self.head(self.drop(self.act(self.norm(self.first(x)))))


def batch(samples: int = 64) -> tuple[Tensor, Tensor]:
    """Return inputs and classes from a generator of their own."""
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(samples, 12, generator=generator)
    return x, (x[:, :4] + 0.1).argmax(1)


def run_of(steps: int) -> dict[type[Result], Result]:
    """Watch a small training; a result of every kind."""
    torch.manual_seed(0)
    model, (x, y) = Net(), batch()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    options = pel.WatchOptions(on_finding=None)
    with pel.watch(model, optimizer, every=1, check=batch(128), check_every=3, options=options) as watch:
        for _ in range(steps):
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            watch.step(loss=loss)
    descent = pel.loss.descend("bowl", steps=steps)  # no part of a run: on its way, and healthy
    maps = pel.gradients.saliency(model, x[:steps])
    tried = pel.gradients.faithfulness(model, x[:steps], method=("gradient", "integratedgradients"), options=BRIEF)
    cells = pel.gradients.shortcuts(model, batch(8 * steps), shape=(1, 3, 4))
    return {
        type(one): one
        for one in (
            *(*watch.results.values(), *made_up(steps), *seen(batch(8 * steps)[0])),
            *(descent, maps, tried, cells, ground(model, 3), bent(model), *ways(model, 4)),
            *(beside(steps), related(steps), mapped(8 * steps), *pulled_apart(model, 8 * steps)),
        )
    }


def finished() -> dict[type[Result], Result]:
    """Examine a finished model: one step, and no optimiser."""
    torch.manual_seed(0)
    model, data = Net(), batch()
    found: list[Result] = [
        pel.activations.histograms(model, data),
        pel.weights.histograms(model),
        pel.gradients.flow(model, data),
        pel.loss.sanity(model, data, F.cross_entropy),
        pel.loss.curves({"loss": [1.0]}),
        pel.loss.descend("bowl"),
        ground(model, 9),
        bent(model),
        *ways(model, 12),
        beside(100),
        related(6),
        *pulled_apart(model, 64),
        mapped(64),
        pel.gradients.saliency(model, data[0], method="integratedgradients"),
        pel.gradients.faithfulness(model, data[0], method="integratedgradients", options=BRIEF),
        pel.gradients.shortcuts(model, data, shape=(1, 3, 4)),
        *made_up(4),
        *seen(data[0]),
    ]
    return {type(one): one for one in found}


def nothing() -> dict[type[Result], Result]:
    """Results in which nothing was measured: no layer ran, there is no parameter, no step, no value."""
    none, table = TensorSeries.empty(), np.zeros((0, 0))
    found: list[Result] = [
        ActivationHistograms(series=none, types=(), activations=(), roles=()),
        WeightHistograms(series=none, shapes=(), twins=table),
        GradientFlow(
            gradients=none,
            updates=table,
            weights=table,
            shapes=(),
            trainable=(),
            owned=(),
            missing=table.astype(bool),
            learning_rates=table,
            carried=table,
        ),
        LossCurves(curves={}, label_counts=np.zeros(0, dtype=np.int64)),
        evaluate(Net(), *batch(8), F.cross_entropy).before(0),
        nowhere(),
        unmeasured(),
        unbent(),
        *nowhere_to_go(),
        Comparison(runs={}, settings={}, verdicts={}, alarms={}),
        unrelated(),
        *nothing_to_pull(),
        unmapped(),
        unexplained(),
        untried(),
        unsought(),
        *not_made_up(),
        *unseen(),
    ]
    return {type(one): one for one in found}


def made_up(steps: int) -> tuple[Maximized, Dreamed]:
    """Pictures made up for a small network of pictures, and its dream of one."""
    model, image = nn.Sequential(nn.Flatten(), Net()), batch()[0][0].reshape(1, 3, 4)
    examples = batch(8)[0].reshape(-1, 1, 3, 4)
    found = pel.weights.maximize(model, "1.norm", [0, 2], like=examples, steps=steps)
    return found, pel.weights.dream(model, image, "1.norm", octaves=1, steps=steps)


def not_made_up() -> tuple[Maximized, Dreamed]:
    """No picture, and no photograph."""
    found, dream = made_up(1)
    names = ("pictures", "values", "first", "trace", "steps", "real", "real_numbers", "real_pictures")
    less = {name: getattr(found, name)[:0] for name in names}
    names = ("images", "inputs", "low", "high", "trace", "first", "last")
    return replace(found, units=(), **less), replace(dream, **{name: getattr(dream, name)[:0] for name in names})


def seen(x: Tensor) -> tuple[Filters, Templates, Spectra, FeatureMaps]:
    """What the parts of a small convolutional network look for, and what they make of pictures."""
    x = x.reshape(-1, 1, 3, 4)
    model = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(96, 4))
    filters = pel.weights.filters(model, data=x)
    maps = pel.activations.feature_maps(model, x, "1", data=x)
    return filters, pel.weights.templates(model, "3", (8, 3, 4)), pel.weights.spectra(model), maps


def unseen() -> tuple[Filters, Templates, Spectra, FeatureMaps]:
    """No filter, no row, no matrix, no channel."""
    filters, templates, spectra, maps = seen(batch(4)[0])
    names = ("weights", "norms", "factors", "partners", "cosines")
    fewer = {name: getattr(maps, name)[:0] for name in ("maps", "order", "boxes")}
    return (
        replace(filters, exciting=None, **{name: getattr(filters, name)[:0] for name in names}),
        replace(templates, images=templates.images[:0], biases=templates.biases[:0]),
        replace(spectra, names=(), shapes=(), values=()),
        replace(maps, exciting=None, **fewer),
    )


def ground(model: nn.Module, resolution: int) -> Landscape:
    """Return the loss around the weights."""
    options = pel.loss.LandscapeOptions(lines=1, samples=64)
    return pel.loss.landscape(model, batch(), resolution=resolution, options=options, progress=False)


def bent(model: nn.Module) -> Curvature:
    """Return how the loss bends at the weights."""
    options = pel.loss.CurvatureOptions(products=4, starts=1, steps=3, directions=2)
    return pel.loss.curvature(model, batch(), options=options, progress=False)


def ways(model: nn.Module, count: int) -> tuple[Interpolation, LineSearch, Path]:
    """Return the loss on the way to another model, along a step, and at snapshots of such models."""
    others, optimizer = [Net().state_dict() for _ in range(count)], torch.optim.SGD(model.parameters(), lr=0.1)
    line = pel.loss.interpolation(model, others[0], batch(), progress=False)
    search = pel.loss.line_search(model, batch(), optimizer=optimizer, progress=False)
    return line, search, pel.loss.path(model, others, batch(), progress=False)


def beside(steps: int) -> Comparison:
    """Return two runs side by side."""
    falling = [2.0 / (1 + step) for step in range(steps)]
    return pel.loss.compare({"a": {"loss": falling}, "b": {"loss": [2 * one for one in falling]}})


def nowhere_to_go() -> tuple[Interpolation, LineSearch, Path]:
    """Lines and a path without a point."""
    line, search, path = ways(Net(), 4)
    points = {name: getattr(line, name)[:0] for name in ("places", "losses", "wrong", "rise_errors", "wrong_errors")}
    steps = {name: getattr(search, name)[:0] for name in ("steps", "losses", "errors")}
    names = ("steps", "coordinates", "distances", "off_plane", "shares", "walk", "losses")
    return replace(line, **points), replace(search, **steps), replace(path, **{n: getattr(path, n)[:0] for n in names})


def related(pairs: int) -> Analogy:
    """Return what pairs of words that share a direction have in common."""
    source = np.random.default_rng(0)
    first, along = source.normal(size=(pairs + 2, 8)), 3 * source.normal(size=8)
    rows = np.concatenate([first, first + along + 0.3 * source.normal(size=first.shape)])
    names = [f"{side}{place}" for side in "ab" for place in range(pairs + 2)]
    words = [(f"a{place}", f"b{place}") for place in range(pairs)]
    return pel.embeddings.analogy(rows, "a0", "b0", f"a{pairs}", words=names, pairs=words, progress=False)


def pulled_apart(model: nn.Module, samples: int) -> tuple[Features, Separation]:
    """Return features, and how far they pull classes apart."""
    data = batch(samples)
    separation = pel.embeddings.separation(model, data, progress=False)
    return pel.embeddings.features(model, data, progress=False), separation


def nothing_to_pull() -> tuple[Features, Separation]:
    """No example."""
    found, none = pulled_apart(Net(), 2)[0], np.zeros((0, 3))
    names = ("values", "labels", "predicted")
    less = {name: getattr(found, name)[:0] for name in names}
    return replace(found, **less), pel.embeddings.separation_of(none, none[:, 0].astype(np.int64), raw=none)


def unrelated() -> Analogy:
    """No word, and no pair."""
    found, none = related(1), np.zeros((0, 0))
    tables = dict.fromkeys(("cosines", "alike", "ranks", "open_ranks", "near_ranks"), none)
    names = ("scores", "open_scores", "points", "shuffled", "asked", "answers", "open_answers", "words", "neighbours")
    return replace(found, pairs=(), **tables, **{name: getattr(found, name)[:0] for name in names})


def mapped(rows: int) -> Projection:
    """Return a map of inputs, classes, predictions and a row that is left out."""
    x, y = batch(rows)
    x[0, 0] = torch.nan
    return pel.embeddings.project(x, labels=y, progress=False)


def unmapped() -> Projection:
    """A map without a point."""
    found = mapped(8)
    names = ("points", "left_out", "fitted", "labels", "judged", "trust", "continuity", "kept")
    nothing = {name: getattr(found, name)[:0] for name in names}
    return replace(found, shaken_trust=float("nan"), **nothing)


def unbent() -> Curvature:
    """Curvature of which nothing is known."""
    found, nan = bent(Net()), float("nan")
    none = {"values": found.values[:0, :0], "weights": found.weights[:0, :0], "along": found.along[:0]}
    return replace(found, highest=nan, lowest=nan, bounds=(nan, nan), **none)


def unmeasured() -> Landscape:
    """Ground without a single point."""
    found, none = ground(Net(), 3), np.zeros((0, 0))
    planes = {"losses": none, "errors": none, "measured": none.astype(bool), "lines": found.lines[:0]}
    return replace(found, columns=none[0:0, 0:0].reshape(0), rows=none.reshape(0), **planes)


def nowhere() -> Descent:
    """A descent without a single point."""
    found, none = pel.loss.descend("bowl", steps=0), np.zeros(0)
    return replace(found, path=none.reshape(0, 2), losses=none, gradients=none, curvatures=none.reshape(0, 2))


def unexplained() -> Saliency:
    """Maps of no example."""
    found, none = pel.gradients.saliency(Net(), batch(2)[0]), np.zeros((0, 12))
    empty = {"scores": none[:, 0], "outputs": none[:, :4], "error": none[:, 0], "targets": (), "silent": ()}
    return replace(found, maps=(none,), inputs=(none,), **empty)


def unsought() -> Shortcuts:
    """No class to look for patches in."""
    found, none = pel.gradients.shortcuts(Net(), batch(2), shape=(1, 3, 4)), np.zeros(0, dtype=np.int64)
    return replace(found, labels=none, counts=none, accuracies=none.astype(float), maps=found.maps[:0], least=none)


def untried() -> Faithfulness:
    """No experiment on no example."""
    found = pel.gradients.faithfulness(Net(), batch(2)[0], options=BRIEF)
    names = ("deletion", "insertion", "chance_deletion", "chance_insertion")
    without = {name: getattr(found, name)[:, :0] for name in (*names, "constant", "pointing", "mass", "infidelity")}
    rest = {name: getattr(found, name)[:, :0] for name in ("unforetold", "sensitivity")}
    less = {name: getattr(found, name)[..., :0] for name in ("area", "alike", "beyond")}
    return replace(found, targets=(), **without, **rest, **less)


EXTENTS: dict[str, Callable[[], dict[type[Result], Result]]] = {
    "nothing": nothing,
    "finished model": finished,
    "one step": lambda: run_of(1),
    "run": lambda: run_of(8),
}
KINDS = {
    one.kind: one
    for one in (
        ActivationHistograms,
        FeatureMaps,
        WeightHistograms,
        Filters,
        Templates,
        Spectra,
        Maximized,
        Dreamed,
        GradientFlow,
        Faithfulness,
        Saliency,
        Shortcuts,
        LossCurves,
        SanityCheck,
        Descent,
        Landscape,
        Curvature,
        Interpolation,
        LineSearch,
        Path,
        Comparison,
        Analogy,
        Features,
        Separation,
        Projection,
    )
}


@cache
def results(extent: str) -> dict[type[Result], Result]:
    """The results of one extent, made once: nothing writes to them."""
    return EXTENTS[extent]()
