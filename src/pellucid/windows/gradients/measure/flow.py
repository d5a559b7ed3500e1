"""From a finished model and a batch to the gradient of every parameter."""

import time
from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pellucid.core.errors import InputError
from pellucid.core.result import Provenance
from pellucid.maths.reduce import Reduced, reduce
from pellucid.maths.series import TensorSeries
from pellucid.probe.address import unwrap
from pellucid.probe.guard import untouched
from pellucid.probe.subject import Subject, batch_size, call, device_of, is_plain, split, to_device, up_to
from pellucid.windows.gradients.result import GradientFlow


def flow(
    model: nn.Module | Subject,
    batch: Any = None,
    *,
    loss: Callable[[Any, Any], Tensor] | None = None,
    samples: int = 4096,
) -> GradientFlow:
    """Measure how the gradient of the loss reaches every parameter.

    The model runs in the mode that it is in. Afterwards it is as it was before, bit for bit, also its gradients;
    hooks that wait for gradients to be accumulated, such as an optimizer in the backward pass, do not run. Of
    complex numbers the magnitude is measured.

    Args:
        model: A model, or a subject with batches.
        batch: (inputs, target), or a mapping that holds both; None for the batches of the subject. The gradients of
            several batches add up.
        loss: `loss(output, target)`, a scalar; None for that of the subject, or else the output's own `loss`, cross
            entropy for whole-numbered targets and the mean squared error for others.
        samples: How many samples of the batches to use at the most, 1 or more.

    Returns:
        One step, with a tensor for each parameter, in registration order. Updates are unknown: train inside
        `pel.watch` for those.

    Raises:
        InputError: There is no batch or no sample in any, no target, no parameter, the loss is no scalar, or a model
            in train mode does not take a single sample.

    Cost:
        One forward and one backward pass over the samples, one copy of the parameters.
    """
    subject, begun = Subject.of(model, batch, loss=loss), time.perf_counter()
    if subject.batches is None:
        raise InputError(
            f"No batch was given to run {subject.title} with. Pass one: pel.gradients.flow(model, (x, y))."
        )
    parameters = dict(unwrap(subject.model).named_parameters())
    if not parameters:
        raise InputError(f"{subject.title} has no parameters, so no gradient reaches any. Pass a model with weights.")
    passes = seen = 0
    gradients: dict[str, Tensor] = {}
    with untouched(subject.model), torch.enable_grad():
        for one in up_to(subject.batches, samples):
            _add(gradients, _gradients(subject, one, parameters))
            seen, passes = seen + batch_size(one), passes + 2
    reduced = {name: _of_gradient(one) for name, one in gradients.items()}
    count = sum(one.numel() for one in parameters.values())
    provenance = Provenance(
        model=f"{subject.title} {count:,} parameters",
        samples=seen,
        passes=passes,
        seconds=time.perf_counter() - begun,
    )
    return _assembled(parameters, reduced, provenance)


def _gradients(subject: Subject, batch: Any, parameters: dict[str, nn.Parameter]) -> dict[str, Tensor]:
    """Return the gradient of every parameter that one reaches, and run nobody's hooks on the way.

    An optimizer may be waiting in `register_post_accumulate_grad_hook`, or at the node that accumulates: neither is
    come by when gradients are returned and not accumulated.
    """
    loss = _loss_of(subject, batch)
    trainable = {name: one for name, one in parameters.items() if one.requires_grad}
    if not trainable:
        return {}
    if _hides_parameters(loss):
        return _accumulated(loss, trainable)
    # Where a parameter is not reached there is None, which PyTorch's own types do not say.
    found = cast("tuple[Tensor | None, ...]", torch.autograd.grad(loss, list(trainable.values()), allow_unused=True))
    return {name: one for name, one in zip(trainable, found, strict=True) if one is not None}


def _hides_parameters(loss: Tensor) -> bool:
    """Say whether a reentrant checkpoint is in the graph: it runs a backward pass of its own and only accumulates."""
    left: list[Any] = [loss.grad_fn]
    seen: set[Any] = set()
    while left:
        node = left.pop()
        if node is None or node in seen:
            continue
        if node.name() == "CheckpointFunctionBackward":
            return True
        seen.add(node)
        left.extend(following for following, _ in node.next_functions)
    return False


def _accumulated(loss: Tensor, trainable: dict[str, nn.Parameter]) -> dict[str, Tensor]:
    """Return the same for a reentrant checkpoint, which can only accumulate; the guard puts the hooks back."""
    for one in trainable.values():
        one.grad = None
        hooks = getattr(one, "_post_accumulate_grad_hooks", None)
        if hooks:
            hooks.clear()
    loss.backward()
    return {name: one.grad for name, one in trainable.items() if one.grad is not None}


def _add(sums: dict[str, Tensor], more: dict[str, Tensor]) -> None:
    for name, one in more.items():
        dense = one.to_dense() if one.layout is not torch.strided else one
        sums[name] = sums[name] + dense if name in sums else dense


def _assembled(
    parameters: dict[str, nn.Parameter], reduced: dict[str, Reduced], provenance: Provenance
) -> GradientFlow:
    weights = [float(_real(one.detach()).double().square().mean().sqrt()) for one in parameters.values()]
    missing = [name not in reduced for name in parameters]
    return GradientFlow(
        provenance=provenance,
        gradients=_every(reduced, tuple(parameters)),
        updates=np.full((1, len(parameters)), np.nan),
        weights=np.array([weights], dtype=np.float64),
        shapes=tuple(tuple(one.shape) for one in parameters.values()),
        trainable=tuple(one.requires_grad for one in parameters.values()),
        owned=(True,) * len(parameters),
        missing=np.array([missing], dtype=bool),
        learning_rates=np.full((1, len(parameters)), np.nan),
        carried=np.full((1, len(parameters)), np.nan),
    )


def _every(reduced: dict[str, Reduced], names: tuple[str, ...]) -> TensorSeries:
    """Return one step with every parameter; those without a gradient count as not measured."""
    nothing = reduce(torch.zeros(0, device="cpu"))
    return TensorSeries.from_reduced(0, {name: reduced.get(name, nothing) for name in names})


def _of_gradient(gradient: Tensor) -> Reduced:
    return reduce(_real(gradient), unit_axis=0 if gradient.ndim >= 2 else None)


def _real(values: Tensor) -> Tensor:
    return values.abs() if values.is_complex() else values


def _loss_of(subject: Subject, batch: Any) -> Tensor:
    inputs, target = split(batch)
    # A model that takes its labels as an argument, as those of transformers do, returns its own loss.
    takes_all = isinstance(batch, Mapping) and subject.loss is None and _takes(subject.model, batch)
    output = call(subject.model, batch if takes_all else inputs)
    target = to_device(target, device_of(subject.model))
    value = subject.loss(output, target) if subject.loss is not None else _assumed(output, target, subject.title)
    if not isinstance(value, Tensor) or value.ndim != 0:
        came = f"tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
        raise InputError(f"The loss of {subject.title} is a {came}, expected a scalar. Reduce it with .mean().")
    return value


def _takes(model: nn.Module, batch: Any) -> bool:
    return set(batch) <= set(signature(unwrap(model).forward).parameters)


def _assumed(output: Any, target: Any, title: str) -> Tensor:
    own = getattr(output, "loss", None)
    if isinstance(own, Tensor):
        return own
    if not isinstance(target, Tensor) or not isinstance(output, Tensor):
        raise InputError(
            f"Cannot tell what to differentiate: {title} returned a {type(output).__name__} and the target is a "
            f"{type(target).__name__}. Pass loss=..., and the batch as (inputs, target)."
        )
    why = ""
    if not target.is_floating_point() and is_plain(target) and target.dtype != torch.bool:
        try:
            if target.shape == output.shape[:-1]:  # classes last, also for tokens; PyTorch wants them second
                return F.cross_entropy(output.flatten(0, -2), target.flatten().long())
            return F.cross_entropy(output, target.long())
        except (RuntimeError, ValueError, IndexError) as error:
            why = f" ({str(error).rstrip('.')})"
    elif target.is_floating_point() and is_plain(target) and target.shape == output.shape:
        return F.mse_loss(output, target)
    raise InputError(
        f"{title} returned a tensor of shape {tuple(output.shape)}, and the target is one of {target.dtype} and shape "
        f"{tuple(target.shape)}: they do not go together{why}. Give the number of a class for each example, real "
        "numbers in the shape of the output, or loss=..."
    )
