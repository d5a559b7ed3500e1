"""Histograms over fixed buckets: sign, power of two, and 2**k equal parts of each power of two.

The bucket of a float32 number is the front of its bits. The edges are therefore the same for every tensor,
every step and every rank, and histograms merge by addition.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int, Int64, Num, UInt16

from pellucid.core.errors import InputError

MANTISSA_BITS = 3


def check_mantissa_bits(mantissa_bits: int) -> None:
    """Refuse a bucket width that does not exist.

    Args:
        mantissa_bits: Buckets per power of two, as a power of two.

    Raises:
        InputError: It is not between 1 and 7.
    """
    if not 1 <= mantissa_bits <= 7:
        raise InputError(
            f"mantissa_bits is {mantissa_bits}: expected 1 to 7 (2 to 128 buckets per power of two). "
            f"Leave it out for {MANTISSA_BITS}."
        )


def bucket_total(mantissa_bits: int) -> int:
    """Return how many buckets there are: 2 signs x 256 exponents x 2**mantissa_bits.

    Args:
        mantissa_bits: Buckets per power of two, as a power of two, 1 to 7.

    Returns:
        512 x 2**mantissa_bits: 4096 for 3 bits.
    """
    return 512 << mantissa_bits


def quantile_error(mantissa_bits: int) -> float:
    """Return the largest relative error of a quantile, for values of magnitude 2**-126 (1e-38) and above.

    Below that, the error is absolute: at most 2**-(126 + mantissa_bits).

    Args:
        mantissa_bits: Buckets per power of two, as a power of two, 1 to 7.

    Returns:
        1 / (2 * 2**mantissa_bits + 1): 0.111 for 2 bits, 0.059 for 3, 0.015 for 5.

    Source:
        C. Masson, J. E. Rim, H. K. Lee, "DDSketch", VLDB 2019, lemma 2: the estimate 2ab/(a+b) for the bucket
        [a, b) is off by (b-a)/(a+b) at both ends; here that is largest in the first bucket of a power of two.
    """
    return 1 / (2 * 2**mantissa_bits + 1)


def bucket_edges(index: UInt16[np.ndarray, "bucket"], mantissa_bits: int) -> Float64[np.ndarray, "bucket 2"]:
    """Return the lower and upper edge of buckets of finite values.

    Args:
        index: Bucket numbers, as `reduce` counts them.
        mantissa_bits: Buckets per power of two, as a power of two, 1 to 7.

    Returns:
        (lower, upper), lower < upper. A bucket holds its edge nearer to zero and not the other one. The two
        buckets around zero hold ±0.0 and the denormals below 2**-(126 + mantissa_bits).
    """
    half = bucket_total(mantissa_bits) // 2
    negative = index < half
    position = index.astype(np.int64) % half
    near, far = _magnitude(position, mantissa_bits), _magnitude(position + 1, mantissa_bits)
    return np.stack([np.where(negative, -far, near), np.where(negative, -near, far)], axis=1)


def _magnitude(position: Int64[np.ndarray, "bucket"], mantissa_bits: int) -> Float64[np.ndarray, "bucket"]:
    exponent, part = position >> mantissa_bits, position & ((1 << mantissa_bits) - 1)
    share = part / 2**mantissa_bits
    # Exponent 0 marks the denormals: no leading one, and the scale of exponent 1.
    return np.ldexp(np.where(exponent == 0, share, 1 + share), np.maximum(exponent, 1) - 127)


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """The buckets of one tensor, or of several, that hold anything.

    Attributes:
        index: Bucket numbers, ascending, each once.
        count: Values in each of them, 1 or more.
        mantissa_bits: Buckets per power of two, as a power of two.
    """

    index: UInt16[np.ndarray, "bucket"]
    count: Int64[np.ndarray, "bucket"]
    mantissa_bits: int = MANTISSA_BITS

    def __post_init__(self) -> None:
        check_mantissa_bits(self.mantissa_bits)
        if len(self.index) != len(self.count):
            raise InputError(
                f"A histogram with {len(self.index)} bucket numbers and {len(self.count)} counts: "
                "expected one count for each. Build it with Histogram.from_counts."
            )
        ascending = bool(np.all(self.index[1:] > self.index[:-1]))
        if not ascending or (len(self.index) and self.index[-1] >= bucket_total(self.mantissa_bits)):
            raise InputError(
                "The bucket numbers of a histogram must be ascending, each once, and below "
                f"{bucket_total(self.mantissa_bits)}. Build it with Histogram.from_counts."
            )

    @classmethod
    def from_counts(cls, counts: Int[np.ndarray, "bucket"]) -> "Histogram":
        """Build a histogram from the counts of all buckets.

        Args:
            counts: Values per bucket; 512 x 2**k buckets, from which k is read.

        Returns:
            The same histogram, with the empty buckets left out.

        Raises:
            InputError: The number of buckets is not 512 x 2**k with k from 1 to 7.
        """
        mantissa_bits = len(counts).bit_length() - 10
        if not 1 <= mantissa_bits <= 7 or len(counts) != bucket_total(mantissa_bits):
            raise InputError(
                f"{len(counts)} buckets: expected 512 x 2**k with k from 1 to 7, as in the counts that "
                "pellucid.maths.reduce.reduce returns. Pass those counts whole."
            )
        index = np.flatnonzero(counts)
        return cls(
            index=index.astype(np.uint16),
            count=counts[index].astype(np.int64),
            mantissa_bits=mantissa_bits,
        )

    @property
    def total(self) -> int:
        """Return the number of finite values."""
        return int(self.count[self._finite].sum())

    @property
    def not_finite(self) -> int:
        """Return the number of NaN and infinities."""
        return int(self.count[~self._finite].sum())

    def edges(self) -> Float64[np.ndarray, "bucket 2"]:
        """Return lower and upper edge of every bucket that holds finite values.

        Returns:
            (lower, upper), ascending; rows belong to `heights`. Empty when nothing finite was counted.
        """
        return bucket_edges(self.index[self._ascending], self.mantissa_bits)

    def heights(self) -> Int64[np.ndarray, "bucket"]:
        """Return the number of values in each bucket of `edges`.

        Returns:
            Counts of 1 and more, in the order of `edges`.
        """
        return self.count[self._ascending]

    def representatives(self) -> Float64[np.ndarray, "bucket"]:
        """Return one value for each bucket of `edges`, the one that is nearest to all others in proportion.

        Returns:
            Ascending; 0 for the two buckets around zero, else off by at most `quantile_error` in proportion.
        """
        lower, upper = self.edges().T
        return 2 * lower * upper / (lower + upper)

    def quantile(self, share: float) -> float:
        """Return the value that a share of the finite values does not exceed.

        Args:
            share: Between 0 (minimum) and 1 (maximum); 0.5 is the lower median.

        Returns:
            The value of rank ceil(share x total), counted from 1, off by at most `quantile_error` in
            proportion; NaN when there are no finite values.

        Raises:
            InputError: The share is not between 0 and 1.
        """
        if not 0 <= share <= 1:
            raise InputError(
                f"Quantile {share} does not exist: expected a share between 0 and 1. For percent, divide by 100."
            )
        if self.total == 0:
            return float("nan")
        rank = max(1, int(np.ceil(share * self.total)))
        place = int(np.searchsorted(np.cumsum(self.heights()), rank))
        return float(self.representatives()[place])

    def share_beyond(self, magnitude: float) -> float:
        """Return the share of the finite values whose magnitude is larger than a limit.

        Args:
            magnitude: The limit, 0 or more. Inside the bucket of the limit values are taken as evenly spread;
                on the edge of a bucket the share is exact, but for values that are the edge itself.

        Returns:
            Between 0 and 1; NaN when there are no finite values.

        Raises:
            InputError: The limit is negative or NaN.
        """
        if not magnitude >= 0:
            raise InputError(f"A magnitude of {magnitude} does not exist: expected 0 or more. Pass abs(limit).")
        if self.total == 0:
            return float("nan")
        near, far = np.sort(np.abs(self.edges()), axis=1).T
        far = np.where(near == 0, 0.0, far)  # what sits around zero is zero
        width = np.where(far > near, far - near, 1.0)
        beyond = np.clip((far - magnitude) / width, 0, 1)
        return float((beyond * self.heights()).sum() / self.total)

    def rebin(self, edges: Num[np.ndarray, "edge"]) -> Float64[np.ndarray, "bin"]:
        """Return the finite values counted over other edges.

        Values are taken as evenly spread inside a bucket, and zeros (with the denormals beside them) as a
        point.

        Args:
            edges: Ascending, 2 or more, in the unit of the values. A bin holds its lower edge; the last holds
                its upper edge, too.

        Returns:
            Counts, with fractions, one fewer than edges. They add up to `total` when the edges enclose all.

        Raises:
            InputError: There are fewer than 2 edges, or they are not ascending.
        """
        edges = edges.astype(np.float64)
        if len(edges) < 2 or not bool(np.all(edges[1:] > edges[:-1])):
            raise InputError(
                f"Cannot count over {len(edges)} edges: expected at least 2, each larger than the one "
                "before. edges_linear and edges_symlog make such edges."
            )
        return np.diff(self._below(edges))

    def density(self, edges: Num[np.ndarray, "edge"]) -> Float64[np.ndarray, "bin"]:
        """Return the share of the finite values per unit of the axis, over other edges.

        Args:
            edges: As for `rebin`.

        Returns:
            Share per unit, so that the sum of density x width is 1 when the edges enclose all. All zero when
            there are no finite values.

        Raises:
            InputError: There are fewer than 2 edges, or they are not ascending.
        """
        return self.rebin(edges) / max(self.total, 1) / np.diff(edges.astype(np.float64))

    def edges_linear(self, bins: int) -> Float64[np.ndarray, "edge"]:
        """Return edges of equal width that enclose the finite values.

        Args:
            bins: How many, 1 or more.

        Returns:
            bins + 1 edges, ascending; from -1 to 1 when there is nothing but zeros, or nothing.

        Raises:
            InputError: There is less than one bin.
        """
        low, high = self._range(bins)
        return np.linspace(low, high, bins + 1)

    def edges_symlog(self, bins: int) -> Float64[np.ndarray, "edge"]:
        """Return edges that enclose the finite values: logarithmic on both sides, linear around zero.

        The linear part reaches to the magnitude that 1 % of the non-zero values stay below, and at the least
        to a millionth of the largest.

        Args:
            bins: How many, 1 or more.

        Returns:
            bins + 1 edges, ascending, evenly spaced in arcsinh(value / linear part); from -1 to 1 when there
            is nothing but zeros, or nothing.

        Raises:
            InputError: There is less than one bin.

        Source:
            Ours; the scale is the one of R. Lupton et al., "A modified magnitude system", AJ 118, 1999.
        """
        low, high = self._range(bins)
        magnitude = np.abs(self.representatives())
        order = np.argsort(magnitude)
        within = np.cumsum(np.where(magnitude > 0, self.heights(), 0)[order])
        if len(within) == 0 or within[-1] == 0:
            return np.linspace(low, high, bins + 1)
        smallest = float(magnitude[order][np.searchsorted(within, max(1.0, 0.01 * within[-1]))])
        linear = max(smallest, 1e-6 * float(magnitude[order][-1]))
        edges = linear * np.sinh(np.linspace(np.arcsinh(low / linear), np.arcsinh(high / linear), bins + 1))
        edges[0], edges[-1] = low, high  # the round trip through arcsinh may lose the last digit
        return edges

    def merge(self, other: "Histogram") -> "Histogram":
        """Return the histogram of both together.

        Args:
            other: A histogram over the same buckets.

        Returns:
            Counts added, exactly.

        Raises:
            InputError: The buckets differ.
        """
        if self.mantissa_bits != other.mantissa_bits:
            raise InputError(
                f"Cannot merge a histogram of mantissa_bits {self.mantissa_bits} with one of mantissa_bits "
                f"{other.mantissa_bits}: their buckets differ. Measure both with the same mantissa_bits."
            )
        index, place = np.unique(np.concatenate([self.index, other.index]), return_inverse=True)
        count = np.zeros(len(index), dtype=np.int64)
        np.add.at(count, place, np.concatenate([self.count, other.count]))
        return Histogram(index=index, count=count, mantissa_bits=self.mantissa_bits)

    @property
    def _finite(self) -> Bool[np.ndarray, "bucket"]:
        half = bucket_total(self.mantissa_bits) // 2
        return self.index % half < half - 2**self.mantissa_bits

    @property
    def _ascending(self) -> Int64[np.ndarray, "finite"]:
        """Return the places of the finite buckets by value: the negative ones are numbered away from zero."""
        half = bucket_total(self.mantissa_bits) // 2
        places = np.flatnonzero(self._finite)
        negative = self.index[places] < half
        return np.concatenate([places[negative][::-1], places[~negative]])

    def _range(self, bins: int) -> tuple[float, float]:
        if bins < 1:
            raise InputError(f"Cannot make {bins} bins: expected 1 or more.")
        edges = self.edges()
        edges[np.abs(edges).min(axis=1) == 0] = 0  # what sits around zero is zero
        low, high = (float(edges.min()), float(edges.max())) if len(edges) else (0.0, 0.0)
        return (low, high) if low < high else (-1.0, 1.0)

    def _below(self, limits: Float64[np.ndarray, "edge"]) -> Float64[np.ndarray, "edge"]:
        """Return how many values lie below each limit, at the last limit including it."""
        lower, upper = self.edges().T
        at_zero = (lower == 0) | (upper == 0)
        low, high, spread = lower[~at_zero], upper[~at_zero], self.heights()[~at_zero]
        below = np.clip((limits[:, None] - low) / (high - low), 0, 1) @ spread
        zeros = np.append(limits[:-1] > 0, limits[-1] >= 0) * self.heights()[at_zero].sum()
        return below + zeros
