"""History: what a watch has seen so far, in bounded memory, and what of it is not written yet."""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from pellucid.core.recorder import Scalar
from pellucid.core.result import Provenance, Result
from pellucid.windows.loss.result import Curve, LossCurves

_MOST_STEPS = 400  # watched steps held for judging; twice as many are thinned to this
_MOST_BYTES = 64 << 20  # held of each result; twice as much is thinned too
_FEWEST_STEPS = 16  # are held however large they are


class History:
    """Pieces of results by name, and scalars by name."""

    def __init__(self, provenance: Provenance) -> None:
        self._provenance = provenance
        self._held: dict[str, list[Result]] = {}
        self._held_steps: dict[str, int] = {}
        self._held_bytes: dict[str, int] = {}
        self._unwritten_bytes = 0
        self._unwritten: dict[str, list[tuple[Sequence[int], Result]]] = {}
        self._steps: dict[str, array[int]] = {}
        self._values: dict[str, array[float]] = {}
        self.label_counts: NDArray[Any] = np.zeros(0, dtype=np.int64)

    def add(self, name: str, steps: Sequence[int], piece: Result) -> None:
        """Take the piece of some steps, one or more, rising."""
        self._unwritten.setdefault(name, []).append((steps, piece))
        self._unwritten_bytes += _size(piece)
        self._hold(name, piece, len(steps))

    def recall(self, name: str, result: Result) -> None:
        """Take what the run that is resumed holds already."""
        if isinstance(result, LossCurves):
            self.label_counts = result.label_counts
            for scalar, curve in result.curves.items():
                self.add_scalars((int(s), scalar, float(v)) for s, v in zip(curve.steps, curve.values, strict=True))
        else:
            self._hold(name, result, _MOST_STEPS)

    def _hold(self, name: str, piece: Result, steps: int) -> None:
        held = self._held.setdefault(name, [])
        held.append(piece)
        count = self._held_steps[name] = self._held_steps.get(name, 0) + steps
        size = self._held_bytes[name] = self._held_bytes.get(name, 0) + _size(piece)
        too_large = size > 2 * _MOST_BYTES and count >= 2 * _FEWEST_STEPS
        if count > 2 * _MOST_STEPS or too_large:
            fewer = min(_MOST_STEPS, count // 2)
            self._held[name] = [type(piece).join(held).thin(fewer)]
            self._held_steps[name], self._held_bytes[name] = fewer, _size(self._held[name][0])

    def add_scalars(self, rows: Iterable[Scalar]) -> None:
        """Take (step, name, value) rows."""
        for step, name, value in rows:
            self._steps.setdefault(name, array("q")).append(step)
            self._values.setdefault(name, array("d")).append(value)

    @property
    def unwritten(self) -> int:
        """Steps of the result that has the most that are not written yet."""
        return max((sum(len(steps) for steps, _ in pieces) for pieces in self._unwritten.values()), default=0)

    @property
    def unwritten_bytes(self) -> int:
        """Bytes of memory of the pieces that are not written yet."""
        return self._unwritten_bytes

    def take_unwritten(self) -> list[tuple[str, Result, int, int]]:
        """Return (name, joined piece, first step, last step) of what is not written, and forget it."""
        taken = [
            (name, type(pieces[0][1]).join([piece for _, piece in pieces]), pieces[0][0][0], pieces[-1][0][-1])
            for name, pieces in self._unwritten.items()
            if pieces
        ]
        self._unwritten.clear()
        self._unwritten_bytes = 0
        return taken

    def results(self) -> dict[str, Result]:
        """Return everything seen so far, by name."""
        found: dict[str, Result] = {}
        for name, held in self._held.items():
            if len(held) > 1:
                held[:] = [type(held[0]).join(held)]
            found[name] = held[0]
        if self._values:
            found["loss"] = self._curves()
        return found

    def _curves(self) -> LossCurves:
        curves = {
            name: Curve(
                steps=np.frombuffer(self._steps[name], dtype=np.int64).copy(),
                values=np.frombuffer(self._values[name], dtype=np.float64).copy(),
            )
            for name in self._values
        }
        return LossCurves(provenance=self._provenance, curves=curves, label_counts=self.label_counts)


def _size(value: Any) -> int:
    """Return the bytes of all arrays in a result."""
    if isinstance(value, np.ndarray):
        return value.nbytes
    if is_dataclass(value):
        return sum(_size(getattr(value, one.name)) for one in fields(value))
    if isinstance(value, Mapping):
        return sum(_size(one) for one in cast("Mapping[Any, Any]", value).values())
    return 0
