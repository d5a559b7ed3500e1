"""Maps of one batch, made by several processes and put together again."""

from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pellucid.methods.attribution import Method, method_of
from pellucid.methods.attribution.nest import rebuilt, tensors
from pellucid.methods.sharing import Sharing, fingerprint
from pellucid.probe.subject import batch_size
from pellucid.windows.gradients.result import Saliency

_EACH = ("scores", "targets", "outputs", "error", "silent", "picture")
"""Fields with one value an example, beside the maps and inputs."""


def in_parts(
    sharing: Sharing,
    x: Any,
    target: Any,
    method: str | Method,
    explain: Callable[[Any, Any, Method], Saliency],
) -> Saliency:
    """Explain every world-th example here, the others elsewhere, and return all in their order.

    Args:
        sharing: With whom.
        x: The whole batch, the same on every rank.
        target: Of the whole batch.
        method: Of attribution.
        explain: From inputs, target and method to maps.

    Returns:
        The maps of the whole batch, the same on every rank.

    Raises:
        InputError: The ranks hold different batches, or the batch holds no tensor.
        CaptureError: Another rank failed.
    """
    sharing.agree("batches", (fingerprint(*(one for _, one in tensors(x))), _mark(target)))
    count, chosen = batch_size(x), method_of(method)
    # Of no example at all every rank explains nothing, and says so.
    rows = torch.tensor(sharing.mine(count) if count else range(0), dtype=torch.long, device="cpu")

    def work() -> Saliency | None:
        if count and not len(rows):
            return None
        inputs = rebuilt(x, lambda _, value: _some(value, rows, count))
        return explain(inputs, _target(target, rows, count), _method(chosen, rows, count, x))

    found = [one for one in sharing.together(work) if one is not None]
    return _joined(found, sharing, count)


def _mark(target: Any) -> str:
    """Return what tells targets from others; of a function nothing does."""
    if isinstance(target, (Tensor, np.ndarray)):
        return fingerprint(torch.as_tensor(target, device="cpu"))
    return "" if callable(target) else repr(target)


def _some(value: Any, rows: Tensor, count: int) -> Any:
    """Return the rows of a tensor that has one for each example; anything else as it is."""
    if isinstance(value, Tensor) and value.ndim and len(value) == count:
        return value[rows.to(value.device)]
    return value


def _target(target: Any, rows: Tensor, count: int) -> Any:
    """Return the targets of some examples; a tuple is one place, the same for all."""
    if isinstance(target, (Tensor, np.ndarray)):
        return _some(torch.as_tensor(target, device="cpu"), rows, count)
    if isinstance(target, Sequence) and not isinstance(target, (tuple, str)) and len(target) == count:
        return [target[row] for row in rows.tolist()]
    return target


def _method(method: Method, rows: Tensor, count: int, x: Any) -> Method:
    """Return a method whose baselines, where there is one for each example, are those of some."""
    baseline = getattr(method, "baseline", None)
    deep = max((one.ndim for _, one in tensors(x)), default=0)
    if not is_dataclass(method) or not isinstance(baseline, (Tensor, tuple, list)):
        return method
    if "baseline" not in {one.name for one in fields(method)}:
        return method
    several = isinstance(baseline, (tuple, list))
    given = list(baseline) if several else [baseline]
    cut = [_some(one, rows, count) if isinstance(one, Tensor) and one.ndim == deep else one for one in given]
    return replace(method, baseline=tuple(cut) if several else cut[0])


def _joined(parts: list[Saliency], sharing: Sharing, count: int) -> Saliency:
    first = parts[0]
    if len(parts) == 1:
        return first
    each = {name: _woven([getattr(one, name) for one in parts], sharing, count) for name in _EACH}
    maps = tuple(_woven(list(some), sharing, count) for some in zip(*(one.maps for one in parts), strict=True))
    inputs = tuple(_woven(list(some), sharing, count) for some in zip(*(one.inputs for one in parts), strict=True))
    notes = {name: max(one.notes.get(name, value) for one in parts) for name, value in first.notes.items()}
    provenance = replace(
        first.provenance,
        samples=sum(one.provenance.samples for one in parts),
        passes=max(one.provenance.passes for one in parts),
        seconds=max(one.provenance.seconds for one in parts),
    )
    return replace(first, provenance=provenance, maps=maps, inputs=inputs, notes=notes, **each)


def _woven(parts: list[Any], sharing: Sharing, count: int) -> Any:
    """Put rows 0, world, ... of the first, 1, world + 1, ... of the second together again; nothing stays nothing."""
    if sum(len(one) for one in parts) != count:
        return parts[0]
    whole = sharing.in_order([list(one) for one in parts])
    return tuple(whole) if isinstance(parts[0], tuple) else np.stack(whole)
