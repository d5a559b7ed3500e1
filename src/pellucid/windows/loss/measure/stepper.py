"""How an optimizer steps, as far as the ground tells whether its steps go down."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from pellucid.core.arguments import refused
from pellucid.core.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Stepper:
    """An optimizer, as far as its stability goes.

    Attributes:
        kind: "SGD", "momentum", "Nesterov", "Adam", or "" for none.
        rate: Its learning rate; NaN for none.
        memory: Its momentum, or beta1.
        optimizer: Itself.
    """

    kind: str = ""
    rate: float = float("nan")
    memory: float = 0.0
    optimizer: torch.optim.Optimizer | None = None


def stepper_of(optimizer: Any) -> Stepper:
    """Return how an optimizer steps; of none, that it is none.

    Raises:
        InputError: It is none of SGD, Adam and AdamW, or has several learning rates or momenta.
    """
    if optimizer is None:
        return Stepper()
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise refused("optimizer", optimizer, "a torch.optim.Optimizer, such as the one that trains the model, or None")
    kinds = {"SGD": "SGD", "Adam": "Adam", "AdamW": "Adam"}
    settings = {(float(one["lr"]), _memory(one), bool(one.get("nesterov"))) for one in optimizer.param_groups}
    kind = kinds.get(type(optimizer).__name__, "")
    if not kind or len(settings) > 1 or not min(settings)[0] > 0:
        raise InputError(
            f"optimizer={type(optimizer).__name__} with {len(settings)} different settings came; expected SGD, Adam or "
            "AdamW with one learning rate above 0 and one momentum, of whose steps it is known when they go down. "
            "Leave it out to see the ground alone."
        )
    ((rate, memory, nesterov),) = settings
    if kind == "SGD" and memory:
        kind = "Nesterov" if nesterov else "momentum"
    return Stepper(kind=kind, rate=rate, memory=memory, optimizer=optimizer)


def _memory(group: dict[str, Any]) -> float:
    return float(group["betas"][0] if "betas" in group else group.get("momentum", 0.0))


def divisor_of(optimizer: torch.optim.Optimizer, parameter: Tensor, gradient: Tensor | None = None) -> Tensor:
    """Return what Adam divides the step of a parameter by.

    Args:
        optimizer: Adam or AdamW.
        parameter: One of its parameters.
        gradient: Of the next step, which is remembered before it is divided; None for what the last one was divided by.

    Raises:
        InputError: It has not stepped with this parameter yet.
    """
    state = optimizer.state.get(parameter, {})
    group = next((one for one in optimizer.param_groups if any(each is parameter for each in one["params"])), None)
    if group is None or "exp_avg_sq" not in state:
        raise InputError(
            f"The optimizer has no memory of a parameter of shape {tuple(parameter.shape)}; expected the optimizer "
            "that trained this model, after a step or more."
        )
    square, steps, memory = state["exp_avg_sq"], float(state["step"]), float(group["betas"][1])
    if gradient is not None:
        square, steps = memory * square + (1 - memory) * gradient.square(), steps + 1
    return (square / (1 - memory**steps)).sqrt() + float(group["eps"])
