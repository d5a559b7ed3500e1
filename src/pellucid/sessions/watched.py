"""Watched: models, optimisers, loss and check batch as the user gave them, checked once."""

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from torch import Tensor, nn
from torch.optim import Optimizer

from pellucid.core.errors import InputError
from pellucid.probe.guard import refuse_uninitialized
from pellucid.probe.subject import holds_nothing, no_examples, unwrap


@dataclass(frozen=True, kw_only=True)
class Watched:
    """What a watch looks at.

    Attributes:
        models: By prefix of their names: "" for a single model, "generator." and so on for several.
        optimizers: Zero or more.
        loss: `loss(output, target)` for checks; None to assume it from the target.
        check: Held-out batch (input, target); None for no checks.
    """

    models: Mapping[str, nn.Module]
    optimizers: tuple[Optimizer, ...]
    loss: Callable[..., Any] | None
    check: Any

    @classmethod
    def of(cls, model: Any, optimizer: Any, *, loss: Any, check: Any) -> "Watched":
        """Check what the user gave.

        Raises:
            InputError: Something is of the wrong type, a check is asked for several models, or holds no example.
        """
        models = _models(model)
        for one in models.values():
            refuse_uninitialized(one)
        if check is not None and len(models) > 1:
            raise InputError(
                f"check= needs one model, got {len(models)}. Leave it out and call watch.probe(model, batch) for each."
            )
        if check is not None and holds_nothing(*cls.split(check)):
            raise no_examples([check])
        return cls(models=models, optimizers=_optimizers(optimizer), loss=loss, check=check)

    @staticmethod
    def split(batch: Any) -> tuple[Any, Any]:
        """Return (input, target) of a batch.

        Raises:
            InputError: It is not a pair.
        """
        if isinstance(batch, tuple | list) and len(batch) == 2:
            return batch[0], batch[1]
        raise InputError(f"A check batch is a pair (input, target), got {type(batch).__name__}.")

    @property
    def only_model(self) -> nn.Module:
        """The single model."""
        (model,) = self.models.values()
        return model

    @property
    def parameters(self) -> dict[str, nn.Parameter]:
        """Every parameter by its name in the user's own model, shared ones once."""
        found: dict[str, nn.Parameter] = {}
        seen: set[int] = set()
        for prefix, model in self.models.items():
            for name, parameter in unwrap(model).named_parameters():
                if id(parameter) not in seen:
                    seen.add(id(parameter))
                    found[prefix + name] = parameter
        return found

    @property
    def fingerprint(self) -> str:
        """Type, size and a hash of names and shapes."""
        parameters = self.parameters
        text = ";".join(f"{name}:{tuple(one.shape)}" for name, one in parameters.items())
        kinds = "+".join(type(unwrap(model)).__name__ for model in self.models.values())
        total = sum(one.numel() for one in parameters.values())
        return (
            f"{kinds}, {total:,} parameters, {hashlib.sha256(text.encode(errors='backslashreplace')).hexdigest()[:12]}"
        )

    @property
    def optimizer_name(self) -> str:
        """Types of the optimisers, joined."""
        return "+".join(type(one).__name__ for one in self.optimizers)

    @property
    def settings(self) -> dict[str, Any]:
        """What the optimisers are set to now, by name: learning rate, momentum and the like.

        Where parameter groups differ, a mapping from the number of the group, over all optimisers, to its value.
        """
        groups = [_numbers(group) for one in self.optimizers for group in one.param_groups]
        found: dict[str, Any] = {}
        for name in dict.fromkeys(name for group in groups for name in group):
            values = {str(place): group[name] for place, group in enumerate(groups) if name in group}
            same = len(set(values.values())) == 1
            found[name] = next(iter(values.values())) if same else values
        return found


def _numbers(group: Mapping[str, Any]) -> dict[str, float]:
    """The hyper-parameters of a parameter group that people compare."""
    wanted = {name: group.get(name) for name in ("lr", "weight_decay", "momentum", "alpha")}
    betas = group.get("betas")
    if isinstance(betas, tuple | list):
        wanted |= {f"beta{place}": one for place, one in enumerate(cast("Sequence[Any]", betas), 1)}
    known = {name: number for name, value in wanted.items() if (number := _number(value)) is not None}
    # A schedule may begin low: the rate that people mean is the one that it goes up to, or comes down from.
    rates = [one for name in ("lr", "initial_lr", "max_lr") if (one := _number(group.get(name))) is not None]
    return known | {"lr": max(rates)} if rates else known


def _number(value: Any) -> float | None:
    """A finite number; None for anything else, and for what lies on a device, since asking would wait for it."""
    if isinstance(value, Tensor):
        value = value.item() if value.device.type == "cpu" and value.numel() == 1 else None
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        return None
    try:
        number = float(value)
    except (OverflowError, TypeError):  # too large, or complex
        return None
    return number if math.isfinite(number) else None


def _models(model: Any) -> dict[str, nn.Module]:
    if isinstance(model, nn.Module):
        return {"": model}
    if isinstance(model, Mapping) and model and all(isinstance(one, nn.Module) for one in model.values()):
        return {f"{name}.": one for name, one in model.items()}
    raise InputError(f"watch() takes a torch.nn.Module or a mapping of names to modules, got {type(model).__name__}.")


def _optimizers(optimizer: Any) -> tuple[Optimizer, ...]:
    if optimizer is None:
        return ()
    given: Sequence[Any] = optimizer if isinstance(optimizer, list | tuple) else (optimizer,)
    for one in given:
        if not isinstance(one, Optimizer):
            raise InputError(f"watch() takes a torch.optim.Optimizer or a list of them, got {type(one).__name__}.")
    return tuple(given)
