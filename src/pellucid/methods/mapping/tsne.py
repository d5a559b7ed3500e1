"""t-SNE: by openTSNE where it can be imported, else by scikit-learn."""

from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.extras import require
from pellucid.core.progress import Loop
from pellucid.methods.mapping.mapper import Mapped, Mapper, Maps, between_nearest, jittered

Array = NDArray[Any]
MANY = 10_000
_PERPLEXITY = 30.0
_START = 1e-4  # the deviation of the first axis at the start; from larger ones islands stay where they happen to be
_EARLY, _LATE, _EVERY, _PULL = 250, 500, 10, 12.0


def tsne_mapper(maps: Maps) -> Mapper:
    """Return t-SNE as the library that is there has it.

    Raises:
        MissingExtraError: There is none.

    Source:
        van der Maaten & Hinton 2008, "Visualizing data using t-SNE"; the start from principal axes and the perplexity
        of many rows: Kobak & Berens 2019, "The art of using t-SNE for single-cell transcriptomics".
    """
    try:
        library = import_module("openTSNE")
    except Exception:  # noqa: BLE001 - one that is broken is as good as none: the next one makes the same map
        return _ScikitLearn(require("sklearn.manifold", extra="embeddings", purpose="a t-SNE map"), maps)
    return _OpenTSNE(library, maps)


def perplexity_for(rows: int, wanted: float | None) -> float:
    """Return the perplexity: what is wanted or usual, at most a third of the other rows."""
    usual = rows / 100 if rows > MANY else _PERPLEXITY
    return min(usual if wanted is None else wanted, (rows - 1) / 3)


class _OpenTSNE:
    def __init__(self, library: ModuleType, maps: Maps) -> None:
        self._library, self._maps = library, maps

    @property
    def made_by(self) -> str:
        return f"openTSNE {self._library.__version__}"

    def words(self, rows: int) -> str:
        return f"perplexity {perplexity_for(rows, self._maps.perplexity):.3g}, {_EARLY + _LATE} iterations"

    def fit(self, rows: Array, start: Array, *, settled: bool = False) -> Mapped:
        heard, seed = _Heard(0 if settled else _EARLY), self._maps.seed
        try:
            near = self._near(rows, perplexity_for(len(rows), self._maps.perplexity))
            begun = start.astype(np.float64) if settled else jittered(start, _START, seed)
            points = self._library.TSNEEmbedding(begun, near, **self._common(len(rows)))
            for iterations, pull in ((heard.early, _PULL), (_LATE, 1.0)):
                points.optimize(
                    iterations, exaggeration=pull, inplace=True, callbacks=heard, callbacks_every_iters=_EVERY
                )
        except KeyboardInterrupt:
            if heard.points is None:
                raise
            return Mapped(points=heard.points, stopped=f"{heard.done} of {heard.early + _LATE} iterations")
        return Mapped(points=np.array(points, dtype=np.float32))

    def place(self, known: Array, points: Array, rows: Array) -> Array:
        near = self._near(known, min(5.0, (len(known) - 1) / 3))
        held = self._library.TSNEEmbedding(points.astype(np.float64), near, **self._common(len(known)))
        found = held.transform(rows, perplexity=near.perplexity, k=min(25, len(known) - 1))
        # The library puts the middle of the map at 0 first.
        middle = (points.max(axis=0).astype(np.float64) + points.min(axis=0)) / 2
        return (np.array(found) + middle).astype(np.float32)

    def _near(self, rows: Array, perplexity: float) -> Any:
        return self._library.affinity.PerplexityBasedNN(
            rows, perplexity=perplexity, method="exact", n_jobs=1, random_state=self._maps.seed
        )

    def _common(self, rows: int) -> dict[str, Any]:
        trees = rows < MANY or self._maps.dims > 2  # the other way has two axes at the most
        return {
            "negative_gradient_method": "bh" if trees else "fft",
            "n_jobs": 1,
            "random_state": self._maps.seed,
        }


class _Heard:
    """Hears where points are, so that they are still there after Ctrl-C."""

    def __init__(self, early: int) -> None:
        self.early, self.done = early, 0
        self._last, self._live = 0, None
        self._loop = Loop(early + _LATE, "iterations")

    @property
    def points(self) -> Array | None:
        """Where they are; None before the first iterations."""
        return None if self._live is None else np.array(self._live, dtype=np.float32)

    def __call__(self, iteration: int, error: float, points: Any) -> None:
        """Take note; iterations are counted anew in the second part."""
        del error
        self.done += iteration - self._last if iteration > self._last else iteration
        self._last, self._live = iteration, points
        self._loop.at(self.done)


class _ScikitLearn:
    _steps = 1000

    def __init__(self, library: ModuleType, maps: Maps) -> None:
        self._library, self._maps = library, maps

    @property
    def made_by(self) -> str:
        return f"scikit-learn {import_module('sklearn').__version__}"

    def words(self, rows: int) -> str:
        return f"perplexity {perplexity_for(rows, self._maps.perplexity):.3g}, {self._steps:,} iterations"

    def fit(self, rows: Array, start: Array, *, settled: bool = False) -> Mapped:
        begun = start if settled else jittered(start, _START, self._maps.seed)
        made = self._library.TSNE(
            n_components=self._maps.dims,
            perplexity=perplexity_for(len(rows), self._maps.perplexity),
            early_exaggeration=1.0 if settled else _PULL,
            init=begun.astype(np.float32),
            random_state=self._maps.seed,
            max_iter=self._steps,
        )
        # It adds up what its threads have in the order in which they end: with one the map is always the same.
        with import_module("threadpoolctl").threadpool_limits(1, user_api="openmp"):
            return Mapped(points=made.fit_transform(rows).astype(np.float32))

    def place(self, known: Array, points: Array, rows: Array) -> Array:
        return between_nearest(known, points, rows)
