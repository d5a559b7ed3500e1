"""The arrays behind a series of tensor statistics: their form, their checks, and arithmetic over them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64, UInt16

from pellucid.core.errors import InputError, did_you_mean
from pellucid.maths import ragged
from pellucid.maths.histogram import MANTISSA_BITS, Histogram, check_mantissa_bits
from pellucid.maths.reduce import SUMS


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The statistics of L named tensors at S steps, as arrays.

    Every statistic is [step, tensor], and NaN where nothing was measured.

    Attributes:
        names: The tensors, in execution order, each once.
        steps: Step numbers, in the order in which they were measured.
        sums: The sums of `pellucid.maths.reduce.SUMS`; all zero where a tensor was absent at a step.
        extremes: Maximum and negated minimum of the finite values; -inf where there were none.
        bucket_index: Buckets that hold anything, row after row, a row for each (step, tensor).
        bucket_count: Values in each of them.
        bucket_offsets: Where each row begins and the last ends.
        unit_offsets: Where the units of each tensor begin on the unit axis, and the last end.
        units: Samples seen, samples in which the unit was active, samples in which it was saturated.
        mantissa_bits: Buckets per power of two, as a power of two.
    """

    names: tuple[str, ...]
    steps: Int64[np.ndarray, "step"]
    sums: Float64[np.ndarray, "step tensor 8"]
    extremes: Float64[np.ndarray, "step tensor 2"]
    bucket_index: UInt16[np.ndarray, "bucket"]
    bucket_count: Int64[np.ndarray, "bucket"]
    bucket_offsets: Int64[np.ndarray, "boundary"]
    unit_offsets: Int64[np.ndarray, "unit_boundary"]
    units: Int64[np.ndarray, "step 3 unit"]
    mantissa_bits: int = MANTISSA_BITS

    def __post_init__(self) -> None:
        check_mantissa_bits(self.mantissa_bits)
        steps, tensors = len(self.steps), len(self.names)
        if len(set(self.names)) != tensors:
            raise InputError(f"The names of a series must differ: {self.names}. Rename one, or merge the two.")
        found = {
            "sums": (self.sums.shape, (steps, tensors, len(SUMS))),
            "extremes": (self.extremes.shape, (steps, tensors, 2)),
            "bucket_count": (self.bucket_count.shape, self.bucket_index.shape),
            "bucket_offsets": (self.bucket_offsets.shape, (steps * tensors + 1,)),
            "unit_offsets": (self.unit_offsets.shape, (tensors + 1,)),
        }
        for name, (shape, expected) in found.items():
            _check_shape(name, shape, expected)
        ragged.check("bucket_offsets", self.bucket_offsets, len(self.bucket_index))
        ragged.check("unit_offsets", self.unit_offsets, self.units.shape[-1])
        _check_shape("units", self.units.shape, (steps, 3, int(self.unit_offsets[-1])))

    # ----------------------------------------------------------------------------------------- statistics

    @property
    def count(self) -> Float64[np.ndarray, "step tensor"]:
        """Return the number of all values, 1 or more, finite or not."""
        every = self._sum("finite") + self._sum("nans") + self._infinities
        return np.where(every > 0, every, np.nan)

    @property
    def finite(self) -> Float64[np.ndarray, "step tensor"]:
        """Return the number of finite values, 0 to `count`."""
        return self._where_measured(self._sum("finite"))

    @property
    def zeros(self) -> Float64[np.ndarray, "step tensor"]:
        """Return the number of values that are ±0.0, 0 to `count`."""
        return self._where_measured(self._sum("zeros"))

    @property
    def nans(self) -> Float64[np.ndarray, "step tensor"]:
        """Return the number of values that are NaN, 0 to `count`."""
        return self._where_measured(self._sum("nans"))

    @property
    def infinities(self) -> Float64[np.ndarray, "step tensor"]:
        """Return the number of values that are +inf or -inf, 0 to `count`."""
        return self._where_measured(self._infinities)

    @property
    def mean(self) -> Float64[np.ndarray, "step tensor"]:
        """Return the mean of the finite values."""
        return self._per_finite(self._sum("total"))

    @property
    def mean_absolute(self) -> Float64[np.ndarray, "step tensor"]:
        """Return the mean magnitude of the finite values, 0 or more."""
        return self._per_finite(self._sum("absolutes"))

    @property
    def rms(self) -> Float64[np.ndarray, "step tensor"]:
        """Return the root of the mean square of the finite values, 0 or more."""
        return np.sqrt(self._per_finite(self._sum("squares")))

    @property
    def norm(self) -> Float64[np.ndarray, "step tensor"]:
        """Return the Euclidean norm of the finite values, 0 or more."""
        return np.sqrt(np.where(self._sum("finite") > 0, self._sum("squares"), np.nan))

    @property
    def std(self) -> Float64[np.ndarray, "step tensor"]:
        """Return the standard deviation of the finite values (divided by n), 0 or more.

        It is the difference of two sums: below a thousandth of the mean it is noise. Where all values are
        equal it is exactly 0.
        """
        squares, mean = self._per_finite(self._sum("squares")), self.mean
        spread = np.sqrt(np.maximum(squares - mean**2, 0))
        return np.where(self.maximum == self.minimum, 0.0, spread)

    @property
    def minimum(self) -> Float64[np.ndarray, "step tensor"]:
        """Return the smallest finite value."""
        return np.where(self._sum("finite") > 0, -self.extremes[..., 1], np.nan)

    @property
    def maximum(self) -> Float64[np.ndarray, "step tensor"]:
        """Return the largest finite value."""
        return np.where(self._sum("finite") > 0, self.extremes[..., 0], np.nan)

    # ------------------------------------------------------------------------------- histograms and units

    def histogram(self, step: int, tensor: int | str) -> Histogram:
        """Return the histogram of one tensor at one step.

        Args:
            step: Place on the step axis; negative counts from the end.
            tensor: Place on the tensor axis, or the name.

        Returns:
            Its buckets; empty where the tensor was absent.

        Raises:
            InputError: There is no such step or tensor.
        """
        if not -len(self.steps) <= step < len(self.steps):
            raise InputError(
                f"No step at place {step} in a series of {len(self.steps)} steps. Places are not step "
                "numbers: series.steps lists those."
            )
        row = step % len(self.steps) * len(self.names) + self.place(tensor)
        return self._histogram_of(np.array([row]))

    def over_steps(self, last: int | slice | None = None) -> tuple[Histogram, ...]:
        """Return the histogram of each tensor over several steps together.

        Args:
            last: The number of last steps, 1 or more, or a slice of the step axis; None is all of them.

        Returns:
            One histogram per name, in order.

        Raises:
            InputError: The number of last steps is below 1.
        """
        steps = self._steps(last)
        width = len(self.names)
        return tuple(self._histogram_of(steps * width + tensor) for tensor in range(width))

    def unit_counts(self, tensor: int | str, steps: int | slice | None = None) -> Int64[np.ndarray, "3 unit"]:
        """Return what is known of each unit of one tensor, over several steps together.

        Args:
            tensor: Place on the tensor axis, or the name.
            steps: The number of last steps, 1 or more, or a slice of the step axis; None is all of them.

        Returns:
            Samples seen, samples in which the unit was active, and in which it was saturated. No columns for
            a tensor without units.

        Raises:
            InputError: There is no such tensor, or the number of last steps is below 1.
        """
        place = self.place(tensor)
        columns = slice(int(self.unit_offsets[place]), int(self.unit_offsets[place + 1]))
        return self.units[self._steps(steps)][..., columns].sum(axis=0, dtype=np.int64)

    def place(self, tensor: int | str) -> int:
        """Return the place of a tensor on the tensor axis.

        Args:
            tensor: The name, or the place itself; negative counts from the end.

        Returns:
            0 to L - 1.

        Raises:
            InputError: There is no such tensor.
        """
        if isinstance(tensor, str):
            if tensor not in self.names:
                raise InputError(
                    f"No tensor {tensor!r} in this series of {len(self.names)}. "
                    f"{did_you_mean(tensor, self.names)} series.names lists them all.".replace("  ", " ")
                )
            return self.names.index(tensor)
        if not -len(self.names) <= tensor < len(self.names):
            raise InputError(
                f"No tensor at place {tensor} in this series of {len(self.names)}. series.names lists them all."
            )
        return tensor % len(self.names)

    # ----------------------------------------------------------------------------------------- the inside

    def _steps(self, last: int | slice | None) -> Int64[np.ndarray, "picked"]:
        if isinstance(last, int):
            if last < 1:
                raise InputError(f"Cannot take the last {last} steps: expected 1 or more, a slice, or None for all.")
            last = slice(-last, None)
        return np.arange(len(self.steps))[slice(None) if last is None else last]

    def _histogram_of(self, rows: Int64[np.ndarray, "row"]) -> Histogram:
        _, places = ragged.positions(self.bucket_offsets, rows)
        index, where = np.unique(self.bucket_index[places], return_inverse=True)
        count = np.zeros(len(index), dtype=np.int64)
        np.add.at(count, where, self.bucket_count[places])
        return Histogram(index=index, count=count, mantissa_bits=self.mantissa_bits)

    def _sum(self, name: str) -> Float64[np.ndarray, "step tensor"]:
        return self.sums[..., SUMS.index(name)]

    @property
    def _infinities(self) -> Float64[np.ndarray, "step tensor"]:
        return self._sum("positive_infinities") + self._sum("negative_infinities")

    def _where_measured(self, values: Float64[np.ndarray, "step tensor"]) -> Float64[np.ndarray, "step tensor"]:
        return np.where(np.isnan(self.count), np.nan, values)

    def _per_finite(self, values: Float64[np.ndarray, "step tensor"]) -> Float64[np.ndarray, "step tensor"]:
        finite = self._sum("finite")
        return np.divide(values, finite, out=np.full_like(values, np.nan), where=finite > 0)


def _check_shape(name: str, shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    if shape != expected:
        raise InputError(
            f"{name} of a series has shape {shape}: expected {expected} from the number of its steps, "
            "tensors and units. Build series with TensorSeries.from_reduced and TensorSeries.concatenate."
        )
