"""Curvature: the extreme eigenvalues of the Hessian, its spectrum, and its trace in the size of the filters."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pellucid.methods.ground.directions import Direction, random_direction
from pellucid.methods.ground.ground import Ground

Array = NDArray[np.float64]
Product = Callable[[Tensor], Tensor]
Told = Callable[[int], None]
_SETTLED = 1e-12


@dataclass(frozen=True, kw_only=True)
class Krylov:
    """What the Lanczos process has found of a symmetric operator.

    Attributes:
        values: Ritz values: eigenvalues as far as they are known, from the lowest to the highest, [k].
        bounds: How far each may be from an eigenvalue, [k].
        weights: Share of the start that each stands for, adding up to 1, [k].
        vectors: An orthonormal basis, [k, N].
        turned: From the basis to the eigenvectors, [k, k], one a column.
    """

    values: Array
    bounds: Array
    weights: Array
    vectors: Tensor
    turned: Array

    def vector(self, place: int) -> Tensor:
        """Return the eigenvector of one of the values, [N], of length 1."""
        return (
            torch.as_tensor(self.turned[:, place], dtype=self.vectors.dtype, device=self.vectors.device) @ self.vectors
        )


def lanczos(product: Product, start: Tensor, *, most: int, tolerance: float = 0.0, told: Told | None = None) -> Krylov:
    """Find the ends of the spectrum of a symmetric operator from its products with vectors.

    Every vector is made orthogonal to all before it, twice: without that, eigenvalues turn up several times.

    Args:
        product: From a vector [N] to the operator times it.
        start: Any vector but 0, [N].
        most: Products at the most.
        tolerance: It ends once both ends are known to this share of the larger; 0 for all products.
        told: Called with the number of products done.

    Returns:
        What was found. Fewer values than products where the start lies in a space that the operator keeps to itself.

    Raises:
        FloatingPointError: A product is not finite.

    Cost:
        `most` products, and as many vectors in memory.

    Source:
        Lanczos 1950; Parlett 1980, "The symmetric eigenvalue problem", chapter 13 (residual bound beta |s|).
    """
    vectors, alphas, betas = [start / start.norm()], list[float](), list[float]()
    while True:
        after = product(vectors[-1])
        if not bool(torch.isfinite(after).all()):
            raise FloatingPointError(f"Product {len(vectors)} of the Hessian with a vector is not finite.")
        alphas.append(float(after.double() @ vectors[-1].double()))
        basis = torch.stack(vectors)
        for _ in range(2):
            after = after - (basis @ after) @ basis
        betas.append(float(after.norm()))
        if told is not None:
            told(len(vectors))
        found = _ritz(alphas, betas, basis)
        size, ends = np.abs(found.values).max(), max(found.bounds[0], found.bounds[-1])
        known = len(vectors) > 1 and ends <= tolerance * size
        if known or betas[-1] <= _SETTLED * size or len(vectors) == min(most, len(start)):
            return found
        vectors.append(after / after.norm())


def _ritz(alphas: Sequence[float], betas: Sequence[float], basis: Tensor) -> Krylov:
    inner = np.array(betas[:-1])
    values, turned = np.linalg.eigh(np.diag(alphas) + np.diag(inner, 1) + np.diag(inner, -1))
    return Krylov(
        values=values, bounds=np.abs(betas[-1] * turned[-1]), weights=turned[0] ** 2, vectors=basis, turned=turned
    )


def hessian(ground: Ground) -> Product:
    """Return the Hessian of the mean loss as a function of flat vectors, all parameters one after the other.

    Products are of the type of the vectors, which is float32 or wider: Lanczos in half precision finds rounding.
    """
    return lambda vector: flattened(ground.curved(unflattened(vector, ground))).to(vector.dtype)


def flattened(direction: Sequence[Tensor]) -> Tensor:
    """Return a direction as one vector, of the widest of its types."""
    return torch.cat([one.reshape(-1) for one in direction])


def unflattened(vector: Tensor, ground: Ground) -> Direction:
    """Return a vector as one tensor a parameter."""
    parameters = [one.parameter for one in ground.filters]
    pieces = vector.split([one.numel() for one in parameters])
    return [piece.reshape(one.shape).to(one.dtype) for piece, one in zip(pieces, parameters, strict=True)]


def start_of(ground: Ground, *, seed: int, number: int = 0) -> Tensor:
    """Return a vector to begin with, drawn from a normal distribution."""
    return flattened(random_direction(ground.filters, seed=seed, number=number, gains=True, normalized=False))


def sharpness(
    ground: Ground, *, seed: int, directions: int = 32, told: Told | None = None, gains: bool = False
) -> NDArray[np.float64]:
    """Return d'Hd of random directions d whose filters are as long as the model's; their mean is a trace.

    That mean is the sum over filters f of |w_f|^2 / n_f times the trace of the filter's own block of the Hessian, which
    does not see the scales that filter normalisation does not see.

    Args:
        ground: Being walked.
        seed: Of the directions.
        directions: How many.
        told: Called with the number of directions done.
        gains: Whether biases and gains move, too.

    Returns:
        [direction].

    Cost:
        About four forward passes over the data for each direction.
    """
    found: list[float] = []
    for number in range(directions):
        along = random_direction(ground.filters, seed=seed, number=number, gains=gains)
        bent = ground.curved(along)
        found.append(sum(float((a.double() * b.double()).sum()) for a, b in zip(along, bent, strict=True)))
        if told is not None:
            told(number + 1)
    return np.array(found)
