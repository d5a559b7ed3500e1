"""The untrained twin: the same architecture, with weights that have learned nothing."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from pellucid.core.errors import CaptureError
from pellucid.core.figure.words import percent
from pellucid.methods.faithfulness.weights import copy_of, drawn_from, has_statistics, make_random
from pellucid.probe.address import modules_of

_SHUFFLED = 0.25
"""Of the entries of all matrices; beyond it the twin would begin with the sizes that training left."""


def untrained(model: nn.Module, seed: int) -> tuple[nn.Module | None, str]:
    """Return a copy of a model with weights as before a training, drawn anew.

    Modules draw them by `reset_parameters`, or as the model's own `_init_weights(module)` does. What neither knows (the
    token of a class, positions) is shuffled.

    Args:
        model: Bare of wrappers.
        seed: Of the weights.

    Returns:
        The copy in eval mode, and ""; or None, and why there is none.
    """
    try:
        twin = copy_of(model)
    except CaptureError:
        return None, "the model cannot be copied"
    matrices = [one for one in twin.parameters() if one.ndim > 1]
    if not matrices:
        return None, "the model has no weights"
    with drawn_from(seed), torch.no_grad():
        shuffled = make_random(twin, list(modules_of(twin)))
        shuffled = _drawn_by_the_model(twin, shuffled)
    share = sum(one.numel() for one in shuffled if one.ndim > 1) / sum(one.numel() for one in matrices)
    if share > _SHUFFLED:
        return None, f"modules with {percent(share)} of the weights have no reset_parameters()"
    twin.requires_grad_(requires_grad=False)
    return twin.eval(), ""


def _drawn_by_the_model(twin: nn.Module, shuffled: list[Tensor]) -> list[Tensor]:
    """Draw weights the way models of Hugging Face do; return those that are still only shuffled."""
    draw: Any = getattr(twin, "_init_weights", None)
    if not shuffled or not callable(draw):
        return shuffled
    before = [one.detach().clone() for one in shuffled]
    try:
        for module in twin.modules():
            draw(module)
    except Exception:  # noqa: BLE001 - of a stranger, who may want other arguments
        return shuffled
    return [one for one, then in zip(shuffled, before, strict=True) if torch.equal(one, then)]


def settle(twin: nn.Module, batches: Iterable[Any], run: Callable[[Any], Any]) -> bool:
    """Let the norms of a twin take their statistics from data, as they would have in training.

    Args:
        twin: In eval mode; its norms are changed.
        batches: What it is given.
        run: Runs it on one of them.

    Returns:
        Whether there was such a norm, and data with a spread for it.
    """
    norms: list[Any] = [one for one in twin.modules() if has_statistics(one)]
    if not norms:
        return False
    for one in norms:
        one.reset_running_stats()
        one.momentum, one.training = None, True
    try:
        for batch in batches:
            run(batch)
    except ValueError:  # one value a channel
        for one in norms:
            one.reset_running_stats()
    finally:
        for one in norms:
            one.training = False
    return True
