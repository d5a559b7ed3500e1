"""L named tensors over S steps: what a watched run writes, a store keeps and a window reads."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int64, Shaped

from pellucid.core.errors import FormatError, InputError
from pellucid.maths import ragged
from pellucid.maths.histogram import MANTISSA_BITS, bucket_total
from pellucid.maths.measured import Measured
from pellucid.maths.reduce import SUMS, Reduced
from pellucid.maths.sampled import Sampled, rows

_KINDS = {
    "names": np.uint8,
    "steps": np.int64,
    "sums": np.float64,
    "extremes": np.float64,
    "bucket_index": np.uint16,
    "bucket_count": np.int64,
    "bucket_offsets": np.int64,
    "unit_offsets": np.int64,
    "units": np.int64,
    "mantissa_bits": np.int64,
}


@dataclass(frozen=True, kw_only=True)
class TensorSeries(Measured):
    """The statistics of L named tensors at S steps; the fields are those of `Measured`.

    Series of different steps concatenate, series of different ranks merge, and both pick tensors and steps.
    """

    # -------------------------------------------------------------------------------- picking and joining

    def select(self, names: Sequence[str]) -> "TensorSeries":
        """Return the series of some of the tensors, in the order asked for.

        Args:
            names: Which; each at most once.

        Returns:
            A series with these tensors and all steps.

        Raises:
            InputError: There is no such tensor, or one was asked for twice.
        """
        places = np.array([self.place(name) for name in names], dtype=np.int64)
        return self._picked(np.arange(len(self.steps)), tuple(names), places, self._widths[places])

    def thin(self, maximum_steps: int) -> "TensorSeries":
        """Return the series with fewer steps: the first, the last, and others evenly spaced between them.

        Args:
            maximum_steps: How many to keep at the most, 1 or more; 1 keeps the last.

        Returns:
            A series with all tensors. Steps are kept or dropped whole, never mixed.

        Raises:
            InputError: The number is below 1.
        """
        if maximum_steps < 1:
            raise InputError(f"Cannot thin a series to {maximum_steps} steps: expected 1 or more.")
        last = len(self.steps) - 1
        if last < maximum_steps:
            return self
        kept = np.linspace(last if maximum_steps == 1 else 0, last, maximum_steps).round().astype(np.int64)
        return self._picked(kept, self.names, np.arange(len(self.names)), self._widths)

    def before(self, step: int) -> "TensorSeries":
        """Return the series of the steps below `step`.

        Args:
            step: A step number.

        Returns:
            A series with all tensors.
        """
        kept = np.flatnonzero(self.steps < step)
        return self._picked(kept, self.names, np.arange(len(self.names)), self._widths)

    @classmethod
    def concatenate(cls, parts: Sequence["TensorSeries"]) -> "TensorSeries":
        """Join series along the steps, in the order given.

        Args:
            parts: Any number; a tensor that is missing from one counts as absent at its steps.

        Returns:
            All steps, and every tensor that occurs: those of the first part, then new ones as they come.

        Raises:
            InputError: The buckets differ, or a tensor changed its number of units.
        """
        parts = [part for part in parts if len(part.names) or len(part.steps)]
        if not parts:
            return cls.empty()
        aligned = cls._aligned(parts)
        rows = ragged.join([(part.bucket_offsets, (part.bucket_index, part.bucket_count)) for part in aligned])
        return cls(
            names=aligned[0].names,
            steps=np.concatenate([part.steps for part in aligned]),
            sums=np.concatenate([part.sums for part in aligned]),
            extremes=np.concatenate([part.extremes for part in aligned]),
            bucket_offsets=rows[0],
            bucket_index=rows[1][0],
            bucket_count=rows[1][1],
            unit_offsets=aligned[0].unit_offsets,
            units=np.concatenate([part.units for part in aligned]),
            mantissa_bits=aligned[0].mantissa_bits,
        )

    def merge(self, other: "TensorSeries") -> "TensorSeries":
        """Return both series as one, value for value: two ranks that measured the same steps.

        Args:
            other: A series with the same steps; a tensor that one of them lacks counts as absent there.

        Returns:
            The statistics of both together: counts exactly, sums up to rounding.

        Raises:
            InputError: The steps or the buckets differ, or a tensor has another number of units.
        """
        if not np.array_equal(self.steps, other.steps):
            raise InputError(
                f"Cannot merge series of {len(self.steps)} and {len(other.steps)} steps whose numbers "
                "differ: expected the same steps in the same order. TensorSeries.concatenate joins "
                "different steps."
            )
        one, two = self._aligned([self, other])
        offsets, index, count = ragged.add(
            (one.bucket_offsets, one.bucket_index, one.bucket_count),
            (two.bucket_offsets, two.bucket_index, two.bucket_count),
        )
        return TensorSeries(
            names=one.names,
            steps=one.steps,
            sums=one.sums + two.sums,
            extremes=np.maximum(one.extremes, two.extremes),
            bucket_offsets=offsets,
            bucket_index=index,
            bucket_count=count,
            unit_offsets=one.unit_offsets,
            units=one.units + two.units,
            mantissa_bits=one.mantissa_bits,
        )

    # --------------------------------------------------------------------------------------------- making

    @classmethod
    def empty(cls, mantissa_bits: int = MANTISSA_BITS) -> "TensorSeries":
        """Return the series of no tensors and no steps.

        Args:
            mantissa_bits: Buckets per power of two, as a power of two, 1 to 7.

        Returns:
            What `concatenate` leaves out.
        """
        return cls(
            names=(),
            steps=np.zeros(0, dtype=np.int64),
            sums=np.zeros((0, 0, len(SUMS))),
            extremes=np.zeros((0, 0, 2)),
            bucket_index=np.zeros(0, dtype=np.uint16),
            bucket_count=np.zeros(0, dtype=np.int64),
            bucket_offsets=np.zeros(1, dtype=np.int64),
            unit_offsets=np.zeros(1, dtype=np.int64),
            units=np.zeros((0, 3, 0), dtype=np.int64),
            mantissa_bits=mantissa_bits,
        )

    @classmethod
    def from_reduced(cls, step: int, reduced: Mapping[str, Reduced | Sampled]) -> "TensorSeries":
        """Build the series of one step.

        Args:
            step: The step number.
            reduced: What `reduce` or `read` returned, by name, in execution order; one or more, on any device.

        Returns:
            A series of one step.

        Raises:
            InputError: There are none, or their buckets differ.

        Cost:
            As `from_steps`.
        """
        return cls.from_steps({step: reduced})

    @classmethod
    def from_steps(cls, reduced: Mapping[int, Mapping[str, Reduced | Sampled]]) -> "TensorSeries":
        """Build the series of several steps in one go.

        Args:
            reduced: By step number, what `reduce` or `read` returned by name; at every step the same names in the
                same order, one or more, each with the same number of units.

        Returns:
            A series of these steps.

        Raises:
            InputError: There are none, the names or numbers of units differ from step to step, or the buckets do.

        Cost:
            About 5 us a tensor and step on the CPU, and 5 ns a value that was sampled; from a device, one transfer
            a tensor.
        """
        return cls(**_built(reduced))

    # -------------------------------------------------------------------------------------------- storing

    def arrays(self) -> dict[str, Shaped[np.ndarray, "..."]]:
        """Return the series as plain arrays, to be stored in any format.

        Returns:
            The fields by name; the names of the tensors are JSON in UTF-8, as bytes.
        """
        stored = {name: getattr(self, name) for name in _KINDS if name not in {"names", "mantissa_bits"}}
        text = json.dumps(list(self.names), ensure_ascii=False).encode()
        return {
            "names": np.frombuffer(text, dtype=np.uint8).copy(),
            **stored,
            "mantissa_bits": np.array([self.mantissa_bits], dtype=np.int64),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Shaped[np.ndarray, "..."]]) -> "TensorSeries":
        """Build the series that `arrays` took apart.

        Args:
            arrays: What `arrays` returned.

        Returns:
            An equal series.

        Raises:
            FormatError: An array is missing, strange, of another kind, or does not fit the others.
        """
        found = {name: array.dtype for name, array in arrays.items()}
        expected = {name: np.dtype(kind) for name, kind in _KINDS.items()}
        if found != expected:
            wrong = sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))
            raise FormatError(
                f"These arrays are no TensorSeries: {', '.join(wrong)} missing, unknown or of another type. "
                "Pass what TensorSeries.arrays returned."
            )
        try:
            values = {name: array for name, array in arrays.items() if name not in {"names", "mantissa_bits"}}
            names = json.loads(arrays["names"].tobytes().decode())
            (mantissa_bits,) = arrays["mantissa_bits"].tolist()
            return cls(names=tuple(str(name) for name in names), mantissa_bits=mantissa_bits, **values)
        except (ValueError, TypeError) as error:
            raise FormatError(
                f"These arrays are no TensorSeries: {error} Pass what TensorSeries.arrays returned."
            ) from error

    # ----------------------------------------------------------------------------------------- the inside

    @property
    def _widths(self) -> Int64[np.ndarray, "tensor"]:
        return np.diff(self.unit_offsets)

    def _picked(
        self,
        steps: Int64[np.ndarray, "picked"],
        names: tuple[str, ...],
        places: Int64[np.ndarray, "name"],
        widths: Int64[np.ndarray, "name"],
    ) -> "TensorSeries":
        """Return some steps and tensors; place -1 is a tensor that is absent here, `widths` its units."""
        absent = places < 0
        rows = np.where(absent, -1, steps[:, None] * len(self.names) + places).reshape(-1)
        offsets, values = ragged.positions(self.bucket_offsets, rows)
        # Picking from one column more, of zeros, leaves absent tensors and units at zero.
        sums = np.pad(self.sums, [(0, 0), (0, 1), (0, 0)])[steps][:, places]
        extremes = np.pad(self.extremes, [(0, 0), (0, 1), (0, 0)], constant_values=-np.inf)[steps][:, places]
        held = np.where(absent | (np.append(self._widths, 0)[places] == 0), -1, places)
        _, columns = ragged.positions(self.unit_offsets, held)
        target = np.repeat(held >= 0, widths)
        units = np.zeros((len(steps), 3, len(target)), dtype=np.int64)
        units[..., target] = self.units[steps][..., columns]
        return TensorSeries(
            names=names,
            steps=self.steps[steps],
            sums=sums,
            extremes=extremes,
            bucket_index=self.bucket_index[values],
            bucket_count=self.bucket_count[values],
            bucket_offsets=offsets,
            unit_offsets=ragged.offsets_of(widths),
            units=units,
            mantissa_bits=self.mantissa_bits,
        )

    @classmethod
    def _aligned(cls, parts: Sequence["TensorSeries"]) -> list["TensorSeries"]:
        """Return the parts with the same tensors and units in the same places."""
        bits = sorted({part.mantissa_bits for part in parts})
        if len(bits) > 1:
            raise InputError(
                f"Cannot join series with mantissa_bits {bits}: their buckets differ. Measure all with the same."
            )
        widths: dict[str, int] = {}
        for part in parts:
            for name, width in zip(part.names, np.diff(part.unit_offsets).tolist(), strict=True):
                known = widths.get(name, 0)
                if known and width and known != width:
                    raise InputError(
                        f"Tensor {name!r} has {known} units in one series and {width} in another: "
                        "expected the same model. Select the other tensors, or measure one of the runs again."
                    )
                widths[name] = known or width
        names, lengths = tuple(widths), np.array(list(widths.values()), dtype=np.int64)
        return [part._aligned_to(names, lengths) for part in parts]  # noqa: SLF001 (its own class)

    def _aligned_to(self, names: tuple[str, ...], widths: Int64[np.ndarray, "name"]) -> "TensorSeries":
        if self.names == names and np.array_equal(self._widths, widths):
            return self
        known = {name: place for place, name in enumerate(self.names)}
        places = np.array([known.get(name, -1) for name in names], dtype=np.int64)
        return self._picked(np.arange(len(self.steps)), names, places, widths)


def _built(reduced: Mapping[int, Mapping[str, Reduced | Sampled]]) -> dict[str, Any]:
    """Return the fields of a series of several steps."""
    step, names = next(iter(reduced), 0), next((tuple(one) for one in reduced.values()), ())
    parts = [part for one in reduced.values() for part in one.values()]
    buckets = {len(one.counts) if isinstance(one, Reduced) else bucket_total(MANTISSA_BITS) for one in parts}
    if len(buckets) != 1:
        raise InputError(
            f"Step {step} has {len(names)} tensors with {sorted(buckets)} buckets: expected one "
            "tensor or more, all reduced with the same mantissa_bits."
        )
    found = rows(parts)
    lengths = np.array([0 if one.units is None else one.units.shape[1] for one in found])
    alike = all(tuple(one) == names for one in reduced.values())
    if not alike or (lengths.reshape(-1, len(names)) != lengths[: len(names)]).any():
        raise InputError(
            f"The steps {list(reduced)[:3]} differ in their tensors or in the units of one: expected the same at "
            "each. Build them apart, and join them with TensorSeries.concatenate."
        )
    shape = (len(reduced), len(names))
    units = [np.zeros((3, 0), dtype=np.int64), *(one.units.numpy() for one in found if one.units is not None)]
    return {
        "names": names,
        "steps": np.array(list(reduced), dtype=np.int64),
        "sums": np.concatenate([one.sums for one in found]).reshape(*shape, len(SUMS)),
        "extremes": np.concatenate([one.extremes for one in found]).reshape(*shape, 2),
        "bucket_index": np.concatenate([one.buckets for one in found]).astype(np.uint16),
        "bucket_count": np.concatenate([one.held for one in found]),
        "bucket_offsets": ragged.offsets_of(np.array([len(one.buckets) for one in found])),
        "unit_offsets": ragged.offsets_of(lengths[: len(names)]),
        "units": np.concatenate(units, axis=1).reshape(3, len(reduced), -1).transpose(1, 0, 2).copy(),
        "mantissa_bits": buckets.pop().bit_length() - 10,
    }
