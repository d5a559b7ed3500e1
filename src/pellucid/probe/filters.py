"""Filters: how each parameter falls into parts, each of which is everything that feeds one output unit."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import prod

import torch
from torch import Tensor, nn

from pellucid.core.errors import InputError
from pellucid.probe.address import unwrap
from pellucid.probe.guard import refuse_complex, refuse_meta, refuse_uninitialized

_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_ROWS = (
    *(nn.Linear, nn.Bilinear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Embedding, nn.EmbeddingBag),
    *(nn.MultiheadAttention, nn.RNNBase, nn.RNNCellBase),
)
_NORMS = (
    *(nn.LayerNorm, nn.GroupNorm, nn.RMSNorm, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm),
    *(nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d),
)
_BIASES = ("bias", "bias_k", "bias_v")
_PARAMETRIZATIONS = ".parametrizations."


@dataclass(frozen=True, kw_only=True)
class Filters:
    """How one parameter falls into filters.

    Attributes:
        name: Its dotted name.
        parameter: The parameter itself.
        view: The shape in which whole axes number the filters; of as many values as the parameter.
        axes: These axes of the view; empty where the parameter is one filter.
        gain: Whether it is a bias or a gain, which falls into no filters: it adds to units or scales them. Parameters
            of norms are, whatever their shape, and those whose name ends in "bias".
        known: Whether the type of its module says where its units are. In a module of one's own it is assumed to be
            the first axis, and of three axes or more the first two: one matrix an expert.
        lengths: Length of each filter of the parameter as it was when this was made; see `norms`.
    """

    name: str
    parameter: Tensor
    view: tuple[int, ...]
    axes: tuple[int, ...]
    gain: bool
    known: bool
    lengths: Tensor = field(init=False)

    def __post_init__(self) -> None:
        # Now, since the weights may be moved while directions are still being drawn.
        object.__setattr__(self, "lengths", self.norms(self.parameter))

    @property
    def size(self) -> int:
        """Return how many values a filter holds."""
        return prod(self.view) // max(self.count, 1)

    @property
    def count(self) -> int:
        """Return how many filters there are."""
        return prod(self.view[axis] for axis in self.axes)

    def norms(self, values: Tensor) -> Tensor:
        """Return the length of each filter of values of the parameter's shape, float64, ready to be multiplied.

        Args:
            values: Of the shape of the parameter.

        Returns:
            [1 or length, ...], of as many axes as the view: 1 where a filter reaches, the length along `axes`.
        """
        viewed = values.detach().reshape(self.view).double()
        within = tuple(axis for axis in range(len(self.view)) if axis not in self.axes)
        return torch.linalg.vector_norm(viewed, dim=within, keepdim=True) if within else viewed.abs()


def filters_of(model: nn.Module, *, frozen: bool = False) -> list[Filters]:
    """Return how each parameter that is trained falls into filters.

    Linear and convolutional layers, embeddings, attention and recurrent layers hold one filter a row; transposed
    convolutions one a column of each group; `Conv1D` of Hugging Face one a column. A matrix that holds queries, keys
    and values, or several heads, falls into its rows, and so into its heads.

    Args:
        model: Any module, wrapped or not.
        frozen: Whether those that are not trained come along.

    Returns:
        In the order of `named_parameters`: those that require gradients, or all where none does. A tied parameter is
        there once. Buffers never are.

    Raises:
        InputError: There is no parameter, or one has no shape yet, no values, or complex numbers.
    """
    refuse_uninitialized(model)
    bare = unwrap(model)
    named = list(bare.named_parameters())
    floating = [(name, one) for name, one in named if one.is_floating_point() or one.is_complex()]
    trained = [(name, one) for name, one in floating if frozen or one.requires_grad] or floating
    if not trained:
        raise InputError(
            f"{type(bare).__name__} has no parameter of real numbers that could be moved, and so no ground around its "
            "weights. Expected a model with weights."
        )
    refuse_meta(trained)
    refuse_complex(trained, "no ground is measured (requires_grad_(False) leaves it out)")
    return [
        _filters(name, parameter, owner)
        for (name, parameter), owner in zip(trained, _owners(bare, trained), strict=True)
    ]


def _owners(model: nn.Module, named: Sequence[tuple[str, Tensor]]) -> Iterator[nn.Module | None]:
    modules = dict(model.named_modules())
    for name, _ in named:
        # torch.nn.utils.parametrize keeps what a weight is made from in a module of its own.
        path = name.split(_PARAMETRIZATIONS)[0] if _PARAMETRIZATIONS in name else name.rpartition(".")[0]
        yield modules.get(path)


def _filters(name: str, parameter: Tensor, owner: nn.Module | None) -> Filters:
    shape = tuple(parameter.shape)
    view, axes, known = shape, (0,), isinstance(owner, _ROWS)
    if isinstance(owner, _TRANSPOSED) and len(shape) > 1:
        # [input, output of a group, ...], the inputs of a group side by side.
        view, axes, known = (owner.groups, shape[0] // owner.groups, *shape[1:]), (0, 2), True
    elif type(owner).__name__ == "Conv1D" and len(shape) == 2:
        axes, known = (1,), True
    elif not known and len(shape) > 2:
        axes = (0, 1)
    if _is_gain(name, shape, owner):
        return Filters(name=name, parameter=parameter, view=shape, axes=(), gain=True, known=True)
    return Filters(name=name, parameter=parameter, view=view, axes=axes, gain=False, known=known)


def _is_gain(name: str, shape: tuple[int, ...], owner: nn.Module | None) -> bool:
    if isinstance(owner, _NORMS) or name.endswith(_BIASES) or len(shape) < 2:
        return True
    # The lengths that weight_norm keeps apart, the new and the old one.
    if name.endswith("original0") or (name.endswith("_g") and hasattr(owner, f"{name.rpartition('.')[2][:-1]}v")):
        return True
    return not isinstance(owner, (*_ROWS, *_TRANSPOSED)) and sum(size > 1 for size in shape) < 2
