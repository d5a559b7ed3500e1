"""UMAP by umap-learn, which is no part of an extra: it brings a compiler of 200 MB."""

import warnings
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pellucid.core.errors import MissingExtraError
from pellucid.methods.mapping.mapper import Mapped, Mapper, Maps, between_nearest, jittered

Array = NDArray[Any]


def umap_mapper(maps: Maps) -> Mapper:
    """Return UMAP.

    Raises:
        MissingExtraError: umap-learn is not installed.

    Source:
        McInnes, Healy & Melville 2018, "UMAP: uniform manifold approximation and projection".
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of packages that it would like to find
        try:
            library = import_module("umap")
        except ModuleNotFoundError as error:
            if error.name != "umap":
                raise
            raise MissingExtraError(
                "A UMAP map needs umap-learn, which is not installed. Run: pip install umap-learn, or use "
                'method="tsne".',
                name="umap",
            ) from error
    return _Umap(library, maps)


class _Umap:
    def __init__(self, library: ModuleType, maps: Maps) -> None:
        self._library, self._maps = library, maps

    @property
    def made_by(self) -> str:
        return f"umap-learn {self._library.__version__}"

    def words(self, rows: int) -> str:
        return f"{self._neighbours(rows)} neighbours, least distance {self._maps.distance:g}"

    def fit(self, rows: Array, start: Array, *, settled: bool = False) -> Mapped:
        del settled  # it begins at the size of a map anyway
        model = self._library.UMAP(
            n_components=self._maps.dims,
            n_neighbors=self._neighbours(len(rows)),
            min_dist=self._maps.distance,
            init=jittered(start, 1.0, self._maps.seed).astype(np.float32),
            random_state=self._maps.seed,
            n_jobs=1,
        )
        threads = torch.get_num_threads()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of rows that have no neighbours, and of its compiler
                return Mapped(points=model.fit_transform(rows).astype(np.float32))
        finally:
            torch.set_num_threads(threads)  # its compiler takes as many as there are, for everybody

    def place(self, known: Array, points: Array, rows: Array) -> Array:
        # The library can do this, too, but keeps fewer neighbours so: .22 and .38 of digits, and between_nearest .36
        # and .44, where one sixth and one half of the rows had been fitted.
        return between_nearest(known, points, rows)

    def _neighbours(self, rows: int) -> int:
        return max(2, min(self._maps.neighbours, rows - 1))
