"""Ground: the loss at any point around the weights, on data that is kept, the model being as it was afterwards."""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from pellucid.core.errors import InputError
from pellucid.core.figure.words import amount
from pellucid.methods.ground.directions import Direction
from pellucid.methods.ground.lockstep import Lockstep
from pellucid.methods.ground.noise import own_generators, seed_everything
from pellucid.methods.ground.values import loss_value, outside_inference
from pellucid.probe.address import unwrap
from pellucid.probe.filters import Filters
from pellucid.probe.guard import examined
from pellucid.probe.subject import batch_size, call, device_of, to_device

Loss = Callable[[Any, Any], Tensor]
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)
_PLAIN: Any = nn.BatchNorm1d.forward  # of any number of axes, which each kind of norm checks for itself
_TORCH: Any = torch  # its functions for lists of tensors, which PyTorch's own optimizers use, have no public name


class Ground:
    """The loss of a model as a function of where its weights are.

    Args:
        model: Any module, wrapped or not.
        filters: The parameters that move.
        parts: Batches (inputs, target) with the weight of each in the mean, such as the number of its targets. They are
            brought to the model's device once.
        loss: `loss(output, target)`, the mean over a batch: a number, or a tensor of real numbers, which is averaged.
        recalibrated: Whether the statistics of batch norm are measured anew at each point, over all parts; else they
            are those that the model holds. Either way the model is in eval mode.

    Attributes:
        lockstep: Who shares the parts of a product with the Hessian; nobody unless it is set.
        passes: Forward or backward passes over the data that were spent.
    """

    def __init__(
        self,
        model: nn.Module,
        filters: Sequence[Filters],
        parts: Sequence[tuple[Any, Any, float]],
        loss: Loss,
        *,
        recalibrated: bool = False,
    ) -> None:
        self.model, self.filters, self.loss = unwrap(model), filters, loss
        device = device_of(self.model)
        with torch.inference_mode(mode=False):
            self.parts = [outside_inference((to_device(x, device), to_device(y, device))) for x, y, _ in parts]
        self.weights = torch.tensor([weight for *_, weight in parts], dtype=torch.float64, device="cpu")
        if not self.parts or not self.weights.sum() > 0:
            raise InputError("There is no example to measure a loss on. Give at least one batch (input, target).")
        self.norms = [one for one in self.model.modules() if isinstance(one, _NORMS) and one.track_running_stats]
        self.recalibrated = recalibrated and bool(self.norms)
        self.lockstep = Lockstep()
        self.passes = 0

    @property
    def device(self) -> torch.device:
        """Return where losses are."""
        return self.filters[0].parameter.device

    @property
    def cost(self) -> int:
        """Return how many passes the losses at a point take."""
        return 1 + self.recalibrated

    @contextmanager
    def walked(self) -> Generator["Ground", None, None]:
        """Let points be asked for while the block runs; afterwards the model is as it was, also after an exception."""
        with examined(self.model):
            self._here = [one.parameter.data for one in self.filters]
            self._home = [one.clone() for one in self._here]
            self._generators = own_generators(self.model)
            yield self

    def losses(self, offsets: Sequence[tuple[float, Direction]]) -> Tensor:
        """Return the loss of every part at one point: the weights plus the offsets.

        Args:
            offsets: (how far, direction), added up; none for the weights themselves.

        Returns:
            [part], float64, on the model's device, so that nobody waits for it; NaN or infinite where the loss is.

        Cost:
            Two passes over the weights and one forward pass over the data; with `recalibrated` two forward passes.
        """
        self._go(offsets)
        with torch.no_grad():
            if self.recalibrated:
                self._recalibrate()
            found = [self._loss(x, y).detach().to(self.device).double() for x, y in self.parts]
        self.passes += self.cost
        return torch.stack(found)

    def proof(self) -> float:
        """Return the loss of the first part at the weights: another model has another, and so has another loss."""
        self._go(())
        with torch.no_grad():
            return float(self._loss(*self.parts[0]))

    def mean(self, losses: Tensor) -> Tensor:
        """Return the mean over parts, each with its weight.

        Args:
            losses: [..., part], on the CPU.

        Returns:
            [...].
        """
        return (losses * self.weights).sum(-1) / self.weights.sum()

    def refuse_blanks(self, losses: Tensor) -> None:
        """Raise where some parts have no loss at the weights and others do: their mean would be NaN everywhere.

        Args:
            losses: [part].

        Raises:
            InputError: There are such parts.
        """
        blank = torch.isnan(losses).cpu()
        if not bool(blank.any()) or bool(blank.all()):
            return
        first = int(blank.nonzero()[0])
        raise InputError(
            f"The loss at the weights is NaN on {int(blank.sum())} of {len(blank)} parts of the data, the first of "
            f"them part {first + 1} with {amount(batch_size(self.parts[first][0]), 'example')}, and has a value on the "
            "others. Either an example holds or leads to NaN, or a function of your own passes over all targets of "
            "that part: give a loss that says which it passes over, as nn.CrossEntropyLoss(ignore_index=...) does."
        )

    def gradient(self, offsets: Sequence[tuple[float, Direction]] = ()) -> Direction:
        """Return the gradient of the mean loss at a point, by parameter, of float32 or wider.

        Raises:
            InputError: The loss does not lead back to the weights.

        Cost:
            A forward and a backward pass over the data.
        """
        self._go(offsets)
        total = self._nothing()
        for (x, y), share in zip(self.parts, self._shares(), strict=True):
            with self._differentiated() as parameters:
                slopes = torch.autograd.grad(self._traced(x, y), parameters, allow_unused=True)
            _add(total, slopes, share)
        self.passes += 2
        return total

    def curved(self, direction: Sequence[Tensor]) -> Direction:
        """Return the Hessian of the mean loss at the weights, times a direction.

        Args:
            direction: One tensor a parameter.

        Returns:
            The product, by parameter, of float32 or wider; parts count with their weights, so that it does not depend
            on how the data is divided into parts.

        Raises:
            InputError: The loss does not lead back to the weights.

        Cost:
            About four forward passes over the data. Ranks that share it compute the parts in turns, and exchange the
            product of each.

        Source:
            Pearlmutter 1994: the gradient of the gradient's product with the direction.
        """
        self._go(())
        total = self._nothing()
        for bends, share in zip(self._bends(direction), self._shares(), strict=True):
            _add(total, bends, share)
        self.passes += 4 * (self.lockstep.sharing.rank == 0)
        return total

    def _bends(self, direction: Sequence[Tensor]) -> Iterator[Sequence[Tensor | None]]:
        """Yield the product of each part's Hessian with a direction, in their order, whoever computes it."""
        if self.lockstep.alone:
            yield from (self._bent(x, y, direction) for x, y in self.parts)
            return
        sharing, empty = self.lockstep.sharing, self._nothing()
        found: dict[int, Tensor] = {}

        def work() -> None:
            for part in sharing.mine(len(self.parts)):
                x, y = self.parts[part]
                bends = self._bent(x, y, direction)
                wide = [zero if one is None else one.to(zero) for one, zero in zip(bends, empty, strict=True)]
                found[part] = torch.cat([one.reshape(-1) for one in wide])

        self.lockstep.exchange("product", work)  # where one fails, none waits for its part
        vector = torch.cat([one.reshape(-1) for one in empty])
        for part in range(len(self.parts)):
            whole = self.lockstep.broadcast(found.pop(part, vector), part % sharing.world)
            pieces = whole.split([one.numel() for one in empty])
            yield [piece.reshape(one.shape).to(one) for piece, one in zip(pieces, empty, strict=True)]

    def _bent(self, x: Any, y: Any, direction: Sequence[Tensor]) -> Sequence[Tensor | None]:
        with self._differentiated() as parameters, sdpa_kernel(SDPBackend.MATH):  # fused ones differentiate once
            slopes: Any = torch.autograd.grad(self._traced(x, y), parameters, create_graph=True, allow_unused=True)
            along = sum(
                ((slope * one).sum() for slope, one in zip(slopes, direction, strict=True) if slope is not None),
                start=torch.zeros((), device=self.device),
            )
            if not along.requires_grad:
                return [None] * len(parameters)  # linear in the weights: no curvature
            return torch.autograd.grad(along, parameters, allow_unused=True)

    def _nothing(self) -> Direction:
        # Sums of half precision would lose what small parts add.
        return [torch.zeros_like(one, dtype=torch.promote_types(one.dtype, torch.float32)) for one in self._here]

    @contextmanager
    def _differentiated(self) -> Generator[list[Tensor], None, None]:
        parameters = [one.parameter for one in self.filters]
        asked = [one.requires_grad for one in parameters]
        with torch.enable_grad():
            for one in parameters:
                one.requires_grad_()
            try:
                yield parameters
            finally:
                for one, before in zip(parameters, asked, strict=True):
                    one.requires_grad_(before)

    def _shares(self) -> Iterator[float]:
        whole = float(self.weights.sum())
        return (float(one) / whole for one in self.weights)

    def _go(self, offsets: Sequence[tuple[float, Direction]]) -> None:
        _TORCH._foreach_copy_(self._here, self._home)
        for far, direction in offsets:
            if far:
                _TORCH._foreach_add_(self._here, direction, alpha=far)

    def _loss(self, x: Any, y: Any) -> Tensor:
        seed_everything()  # a model that draws in eval mode draws the same at every point
        for put_back in self._generators:
            put_back()
        return loss_value(self.loss(call(self.model, x), y))

    def _traced(self, x: Any, y: Any) -> Tensor:
        found = self._loss(x, y)
        if not found.requires_grad:
            raise InputError(
                "The loss came without a gradient, as a plain number and a detached tensor do; its curvature is asked "
                "for. Expected a tensor that is made from the output of the model by functions of PyTorch, without "
                ".item(), float() or .detach()."
            )
        return found

    def _recalibrate(self) -> None:
        memories = [one.momentum for one in self.norms]
        for one in self.norms:
            one.reset_running_stats()
            one.momentum, one.training = None, True  # None: the plain mean over all parts
            if isinstance(one, nn.SyncBatchNorm):  # other ranks are elsewhere, and it would wait for them
                one.forward = partial(_PLAIN, one)
        try:
            for x, _ in self.parts:
                call(self.model, x)
        except ValueError as error:
            if all(batch_size(x) > 1 for x, _ in self.parts):
                raise
            raise InputError(
                f"Batch norm has no statistics of a batch of 1 example: {str(error).rstrip('.')}. Expected batches "
                "of 2 examples or more where statistics are measured anew (recalibrated=True)."
            ) from error
        finally:
            for one, memory in zip(self.norms, memories, strict=True):
                one.momentum, one.training = memory, False
                vars(one).pop("forward", None)


def _add(total: Direction, found: Sequence[Tensor | None], share: float) -> None:
    for whole, one in zip(total, found, strict=True):
        if one is not None:
            whole.add_(one.detach(), alpha=share)
