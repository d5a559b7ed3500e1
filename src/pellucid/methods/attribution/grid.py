"""Grids: where the outputs of a layer lie on the input, for convolutions, channels-last maps and tokens of patches."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from math import isqrt, prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pellucid.core.errors import InputError
from pellucid.methods.attribution.functions import refuse_scripted
from pellucid.methods.attribution.nest import rebuilt, tensors
from pellucid.methods.attribution.question import Question, derivatives
from pellucid.probe.address import ROOT, modules_of

MOST_EXTRAS = 16
"""Tokens beside the patches at the most: a class token, a distillation token, registers."""
_ENLARGING = {1: "linear", 2: "bilinear", 3: "trilinear"}
_CHANNELS_LAST = (nn.Linear, nn.LayerNorm, nn.RMSNorm)


@dataclass(frozen=True, kw_only=True)
class Grid:
    """How the output of a layer is laid out.

    Attributes:
        size: Places along each axis of space, such as (rows, columns).
        extras: Tokens in front of those of patches; None where the output is no tokens.
        last: Whether channels are the last axis, and not the one behind the examples.
    """

    size: tuple[int, ...]
    extras: int | None = None
    last: bool = False

    def folded(self, output: Tensor) -> Tensor:
        """Return an output, or its gradient, as [examples, channels, ...size]; tokens beside the patches are dropped.

        Args:
            output: What the layer returned, or anything of the same shape.
        """
        if self.extras is not None:
            patches = output[:, self.extras :].transpose(1, 2)
            return patches.reshape(*patches.shape[:2], *self.size)
        return output.movedim(-1, 1) if self.last else output


def grid_of(shape: tuple[int, ...], space: tuple[int, ...], module: nn.Module | None = None) -> Grid | None:
    """Return how an output is laid out, told from sizes alone.

    An output with as many axes as the input is a map with its channels in front or at the end: where only one of these
    has the input's proportions, it is that, otherwise the module's kind decides. One of three axes, of an image, is
    tokens: up to 16 of them are dropped from the front until the rest is rows times columns of square patches.

    Args:
        shape: Of the output, examples first.
        space: Sizes of the input's axes behind examples and channels, such as (rows, columns).
        module: What returned it.

    Returns:
        A grid; None where there is none.
    """
    if len(shape) == len(space) + 2:
        last = _is_last(shape, space, module)
        size = shape[1:-1] if last else shape[2:]
        return Grid(size=size, last=last) if prod(size) > 1 else None
    if len(space) == 2 and len(shape) == 3:
        return next((Grid(size=size, extras=extras) for extras, size in _patches(shape[1], space)), None)
    return None


def _is_last(shape: tuple[int, ...], space: tuple[int, ...], module: nn.Module | None) -> bool:
    first, last = _has_proportions(shape[2:], space), _has_proportions(shape[1:-1], space)
    return last if first != last else isinstance(module, _CHANNELS_LAST)


def _has_proportions(size: tuple[int, ...], space: tuple[int, ...]) -> bool:
    """Say whether sizes are those of the input over one number, rounded up or down."""
    shares = [a / b for a, b in zip(size, space, strict=True)]
    return max(shares) - min(shares) <= sum(1 / one for one in space) and max(shares) <= 1


def _patches(tokens: int, space: tuple[int, ...]) -> Iterator[tuple[int, tuple[int, int]]]:
    """Yield (tokens beside the patches, grid) that fit: square patches that fill the image first, then near ones."""
    rows, columns = space
    counts = [(extras, tokens - extras) for extras in range(min(MOST_EXTRAS + 1, tokens - 1))]
    for extras, count in counts:
        # rows / side * columns / side = count
        side = isqrt(rows * columns // count)
        if side and rows % side == 0 == columns % side and rows // side * (columns // side) == count:
            yield extras, (rows // side, columns // side)
    for extras, count in counts:  # patches that overlap, or an image that they do not fill
        fits = [(one, count // one) for one in range(1, count + 1) if count % one == 0]
        fits = [one for one in fits if min(one) > 1 and _has_proportions(one, space)]
        if fits:
            yield extras, min(fits, key=lambda one: abs(one[0] / rows - one[1] / columns))


def space_of(question: Question) -> tuple[int, ...]:
    """Return the sizes of the axes behind examples and channels of what the model is given.

    Args:
        question: Whose inputs are looked at: the first tensor of real numbers with three axes or more counts.

    Raises:
        InputError: There is no such input.
    """
    for _, one in tensors(question.inputs):
        if one.is_floating_point() and one.ndim > 2 and len(one) == question.rows:
            return tuple(one.shape[2:])
    shapes = ", ".join(str(tuple(one.shape)) for _, one in tensors(question.inputs))
    raise InputError(
        f"Inputs of shape {shapes} came, and a class activation map needs an image: [examples, channels, rows, "
        "columns]. Use IntegratedGradients() for other inputs."
    )


def enlarged(maps: Tensor, space: tuple[int, ...]) -> Tensor:
    """Return maps at the size of the input, linear between the middles of their places.

    Args:
        maps: [examples, rows, columns], or one or three axes behind the examples.
        space: The size to bring them to.

    Returns:
        [examples, *space].
    """
    return F.interpolate(maps[:, None], size=space, mode=_ENLARGING[len(space)], align_corners=False)[:, 0]


def grid_at(name: str, module: nn.Module, output: Tensor, space: tuple[int, ...]) -> Grid:
    """Return how the output of a layer is laid out.

    Args:
        name: Of the layer.
        module: The layer.
        output: What it returned.
        space: See `grid_of`.

    Raises:
        InputError: It is no grid.
    """
    grid = grid_of(tuple(output.shape), space, module)
    if grid is None:
        raise InputError(
            f"The layer {name!r} returned a tensor of shape {tuple(output.shape)}, which is no grid over an input of "
            f"{' x '.join(map(str, space))}. Name a layer in front of it, or none to have one chosen."
        )
    return grid


def spatial_layer(question: Question) -> str:
    """Return the name of the last layer whose output still lies on the image, of a question that is being asked.

    A module that is called several times is passed over. Of tokens it is the last norm whose patches have a gradient:
    behind the last attention a model that reads its class token only has none at any patch.

    Args:
        question: Which is being asked.

    Returns:
        A dotted name.

    Raises:
        InputError: No layer returns a grid.

    Cost:
        One forward pass of two examples; with tokens one forward and one backward pass of all.
    """
    space = space_of(question)
    seen = _seen(question, space)
    names = [name for name in seen.grids if seen.calls[name] == 1] or list(seen.grids)
    if not names:
        refuse_scripted(modules_of(question.model), "No layer that can be hooked returns a grid")
        raise InputError(
            f"No module of {type(question.model).__name__} returns a grid over an input of "
            f"{' x '.join(map(str, space))}, one example to each row. Name a layer with at=."
        )
    if seen.grids[names[-1]].extras is None:
        return names[-1]
    tokens = [name for name in names if seen.grids[name].extras is not None]
    norms = [name for name in tokens if "norm" in type(seen.modules[name]).__name__.lower()]
    return _last_with_gradient(question, seen, norms or tokens)


def _seen(question: Question, space: tuple[int, ...]) -> "_Seen":
    """Return which modules return grids: two examples show it, unless the model takes batches of one size only."""
    try:
        return _Seen(question, space, min(2, question.rows))
    except Exception:
        if question.rows <= 2:
            raise
    return _Seen(question, space, question.rows)


class _Seen:
    """Which modules returned grids, in the order in which they last did.

    Args:
        question: Which is being asked.
        space: See `grid_of`.
        rows: How many examples are run.
    """

    def __init__(self, question: Question, space: tuple[int, ...], rows: int) -> None:
        self.modules = {name: one for name, one in modules_of(question.model).items() if name != ROOT}
        self.grids: dict[str, Grid] = {}
        self.calls: Counter[str] = Counter()
        self._rows, self._space = rows, space
        with ExitStack() as stack, torch.no_grad():
            for name, module in self.modules.items():
                if not isinstance(module, torch.jit.ScriptModule):
                    stack.callback(module.register_forward_hook(self._hook(name)).remove)
            question.forward(question.every[:rows])

    def _hook(self, name: str) -> Any:
        def note(module: nn.Module, given: Any, output: Any) -> None:
            del given
            value = next((one for _, one in tensors(output) if one.is_floating_point()), None)
            self.grids.pop(name, None)
            self.calls[name] += 1
            if value is not None and value.ndim and len(value) == self._rows:
                grid = grid_of(tuple(value.shape), self._space, module)
                self.grids.update({} if grid is None else {name: grid})

        return note


def _last_with_gradient(question: Question, seen: _Seen, names: list[str]) -> str:
    """Return the last of some layers whose patches have a gradient; the first of them where none has."""
    kept: dict[str, Tensor] = {}

    def keep(name: str) -> Any:
        def hook(module: nn.Module, given: Any, output: Any) -> Any:
            del module, given
            place, value = next((path, one) for path, one in tensors(output) if one.is_floating_point())
            # The graph begins at the first; each is kept as it is, since what follows may change it in place.
            kept[name] = value if value.requires_grad else value.detach().requires_grad_()
            return rebuilt(output, lambda path, one: kept[name].clone() if path == place else one)

        return hook

    with ExitStack() as stack, torch.enable_grad():
        for name in names:
            stack.callback(seen.modules[name].register_forward_hook(keep(name)).remove)
        scores = question.scores(question.values, question.every)
        found: tuple[Tensor, ...] = ()
        if scores.requires_grad:
            found = derivatives(scores, list(kept.values()))
    question.passes += 1
    live = [name for name, gradient in zip(kept, found, strict=False) if bool(seen.grids[name].folded(gradient).any())]
    return live[-1] if live else names[0]
