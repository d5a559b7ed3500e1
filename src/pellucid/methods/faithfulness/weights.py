"""Weights that have learned nothing: a copy of a model, made random layer by layer from the output back."""

import copy
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from pellucid.core.errors import CaptureError
from pellucid.methods.attribution.question import Question
from pellucid.probe.address import ROOT, modules_of, unwrap
from pellucid.probe.guard import untouched


@dataclass(frozen=True)
class Stage:
    """Layers that become random together.

    Attributes:
        names: Their names, in the order in which they run: a layer with a matrix, and the norms and scales behind it.
    """

    names: tuple[str, ...]

    @property
    def title(self) -> str:
        """The layer that gives the stage its name."""
        return self.names[0]


def stages_of(question: Question, most: int) -> list[Stage]:
    """Return the stages of a model, from the output back to the input.

    Layers stand in the order in which they run. What holds vectors only (norms, scales, biases) belongs to the layer in
    front of it.

    Args:
        question: Which is being asked.
        most: Stages at the most: where there are more, neighbours go together.

    Returns:
        Stages; [] for a model without parameters.

    Cost:
        One forward pass.
    """
    names = _in_order(question)
    modules = modules_of(question.model)
    groups: list[list[str]] = []
    for name in names:
        if not groups or (_has_matrix(modules[name]) and any(_has_matrix(modules[one]) for one in groups[-1])):
            groups.append([])
        groups[-1].append(name)
    ends = [round(len(groups) * place / most) for place in range(most + 1)] if len(groups) > most else []
    if ends:
        groups = [sum(groups[a:b], list[str]()) for a, b in pairwise(ends)]
    return [Stage(names=tuple(one)) for one in reversed(groups)]


def _has_matrix(module: nn.Module) -> bool:
    return any(one.ndim > 1 for one in module.parameters(recurse=False))


def _in_order(question: Question) -> list[str]:
    """Return the names of the modules that hold parameters, in the order in which they are first called.

    A module that is never called, as the parts of nn.MultiheadAttention, stands behind the one that holds it.
    """
    modules = modules_of(question.model)
    turns: dict[str, int] = {}

    def seen(name: str) -> Any:
        def hook(*_: Any) -> None:
            turns.setdefault(name, len(turns))

        return hook

    with ExitStack() as stack, torch.no_grad():
        for name, module in modules.items():
            stack.callback(module.register_forward_pre_hook(seen(name)).remove)
        question.forward(question.every)

    def turn(name: str) -> int:
        while name not in turns and name != ROOT:
            name = name.rpartition(".")[0] or ROOT
        return turns.get(name, -1)

    held, known = list[str](), set[int]()
    for name, module in modules.items():
        own = {id(one) for one in module.parameters(recurse=False)}
        if own - known:  # tied weights become random once
            held.append(name)
        known |= own
    return sorted(held, key=turn)


def copy_of(model: nn.Module) -> nn.Module:
    """Return a copy of a model that shares nothing with it.

    Args:
        model: Any module, wrapped or not.

    Raises:
        CaptureError: It holds something that cannot be copied, or a ScriptModule, of which Python does not see in
            which order its layers run.

    Cost:
        The memory of its parameters and buffers, on their device.
    """
    leave_out = "Leave this test out with options=FaithfulnessOptions(randomisations=0)"
    if any(isinstance(one, torch.jit.ScriptModule) for one in model.modules()):
        raise CaptureError(
            f"{type(unwrap(model)).__name__} is or holds a ScriptModule, of which Python does not see in which order "
            f"its layers run, and weights are made random in that order. {leave_out}, or give the model as it was "
            "before torch.jit."
        )
    with untouched(model):
        try:
            return copy.deepcopy(unwrap(model))
        except Exception as error:
            raise CaptureError(
                f"{type(unwrap(model)).__name__} cannot be copied ({type(error).__name__}: {error}), and weights are "
                f"made random in a copy, so that yours are safe. {leave_out}, or give the class a __deepcopy__."
            ) from error


@contextmanager
def drawn_from(seed: int) -> Generator[None, None, None]:
    """Have torch draw from a seed while the block runs, and put its random state back afterwards."""
    devices = (
        list(range(torch.cuda.device_count())) if torch.cuda.is_available() and torch.cuda.is_initialized() else []
    )
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield


def make_random(model: nn.Module, names: Sequence[str]) -> list[Tensor]:
    """Give layers the weights that they would begin a training with; draws from torch's random state.

    A module with `reset_parameters` is asked to. What it leaves as it is (weights that are computed from others,
    modules without that method) is shuffled: each tensor keeps its values and loses their places. Of the statistics of
    norms see `settle_norms`.

    Args:
        model: A copy.
        names: Of the layers.

    Returns:
        The parameters that were only shuffled.
    """
    modules = modules_of(model)
    shuffled: list[Tensor] = []
    for name in names:
        module = modules[name]
        before = {which: one.detach().clone() for which, one in module.named_parameters(recurse=False)}
        _reset(module)
        with torch.no_grad():
            for which, one in module.named_parameters(recurse=False):
                if which in before and _same(one, before[which]):
                    order = torch.randperm(one.numel(), device="cpu").to(one.device)
                    one.copy_(one.detach().clone().reshape(-1)[order].reshape(one.shape))
                    shuffled.append(one)
    return shuffled


def _reset(module: nn.Module) -> None:
    for name in ("reset_parameters", "_reset_parameters"):
        reset = getattr(module, name, None)
        if callable(reset):
            try:
                with torch.no_grad():
                    reset()
            except Exception:  # noqa: BLE001 - of a stranger, who may want arguments: its weights are shuffled
                return
            return


def _same(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and bool(torch.equal(one.detach(), other))


def has_statistics(module: nn.Module) -> bool:
    """Say whether a module is a norm that keeps statistics of what it was given in training."""
    return callable(getattr(module, "reset_running_stats", None)) and getattr(module, "running_mean", None) is not None


def settle_norms(question: Question, names: Sequence[str]) -> None:
    """Let norms that were made random take their statistics from the examples, as they would have from a training set.

    With those of the trained model the signal in front of them would have another size, and with 0 and 1 that of deep
    networks would fade. A single example, which has no spread, leaves them at 0 and 1.

    Args:
        question: Of the copy, which is being asked.
        names: Of the layers that are random.

    Cost:
        One forward pass where there are such norms.
    """
    modules = modules_of(question.model)
    norms: list[Any] = [one for name in names if has_statistics(one := modules[name])]
    if not norms:
        return
    rates = [one.momentum for one in norms]
    try:
        for one in norms:
            one.reset_running_stats()
            one.momentum, one.training = None, True
        with torch.no_grad():
            question.forward(question.every)
    except ValueError:  # one value a channel
        for one in norms:
            one.reset_running_stats()
    finally:
        for one, rate in zip(norms, rates, strict=True):
            one.momentum, one.training = rate, False
