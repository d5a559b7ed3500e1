"""Inside the guard anything may happen to a model; outside nothing has."""

import copy
import multiprocessing
import os
import random
import sys
import threading
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress

import pytest
import torch
from torch import nn

from pellucid.core.errors import InputError
from pellucid.probe.contents import container_back
from pellucid.probe.guard import refuse_inference, undisturbed, untouched

Untouched = Callable[[nn.Module], AbstractContextManager[None]]


def _model() -> nn.Module:
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 2))
    model[3].weight.requires_grad_(False)
    with torch.no_grad():
        model[0].bias[0] = 0.0
    model(torch.randn(5, 3)).sum().backward()
    model[0].register_forward_hook(lambda *_: None)
    return model


def _train_a_step(model: nn.Module) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    model(torch.randn(5, 3)).square().sum().backward()
    optimizer.step()
    optimizer.zero_grad()


def _spoil(model: nn.Module) -> None:
    with torch.no_grad():
        model[0].weight[0, 0] = float("nan")


def _turn_a_sign(model: nn.Module) -> None:
    with torch.no_grad():
        model[0].bias[0] = -0.0


def _rebind(model: nn.Module) -> None:
    model[0].weight = nn.Parameter(torch.zeros(4, 3))
    model[1].running_mean = torch.ones(4)
    model[0].bias.data = torch.zeros(4)
    model.add_module("extra", nn.ReLU())
    model[0].forward = lambda x: x


def _hook(model: nn.Module) -> None:
    model[0].register_forward_hook(lambda *_: None)
    model[1].register_full_backward_hook(lambda *_: None)
    model[0].weight.register_hook(lambda gradient: gradient)
    model[0].bias.register_post_accumulate_grad_hook(lambda _: None)


CHANGES: dict[str, Callable[[nn.Module], object]] = {
    "nothing": lambda _: None,
    "training": _train_a_step,
    "values": _spoil,
    "sign of zero": _turn_a_sign,
    "identities": _rebind,
    "hooks": _hook,
    "mode": lambda model: model.eval(),
    "requires_grad": lambda model: model.requires_grad_(True),
    "frozen": lambda model: model.requires_grad_(False),
    "gradient in place": lambda model: model[0].weight.grad.zero_(),
    "buffers": lambda model: model(torch.ones(5, 3)),
    "random state": lambda _: torch.manual_seed(9),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("ending", [None, ValueError, KeyboardInterrupt])
def test_model_comes_back(change: str, ending: type[BaseException] | None, model_is_untouched: Untouched) -> None:
    """Whatever was done to the model, and however the block was left, it is bit for bit what it was."""
    model = _model()
    with model_is_untouched(model):
        outcome = nullcontext() if ending is None else pytest.raises(ending)
        with outcome, untouched(model):
            CHANGES[change](model)
            if ending is not None:
                raise ending


def test_graph_from_before_stays_good() -> None:
    """A graph that the caller holds can still run backward, since nothing was written behind its back."""
    model = _model()
    loss = model(torch.randn(5, 3)).sum()
    with untouched(model):
        model(torch.randn(5, 3))
        _train_a_step_of_data(model)
    loss.backward()


def _train_a_step_of_data(model: nn.Module) -> None:
    for parameter in model.parameters():
        parameter.data.add_(1)


def test_shared_parameters_come_back_shared(model_is_untouched: Untouched) -> None:
    """A tied weight is restored once and stays tied."""
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].weight = model[0].weight
    with model_is_untouched(model), untouched(model):
        model[1].weight = nn.Parameter(torch.zeros(3, 3))
        model[0].weight.data.zero_()
    assert model[1].weight is model[0].weight


def test_scripted_parts_come_back() -> None:
    """Their flags and those of their parameters, which Python sees through wrappers made anew each time."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        inner = torch.jit.script(nn.Sequential(nn.Linear(3, 3), nn.Dropout()))
    model = nn.Sequential(inner, nn.Linear(3, 2))
    with untouched(model):
        for module in model.modules():
            module.training = False
        for one in model.parameters():
            one.requires_grad_(False)
    assert all(module.training for module in model.modules())
    assert all(one.requires_grad for one in model.parameters())


def test_random_numbers_go_on_as_if_nothing_was_drawn() -> None:
    """Under a function of ours, also when it raises; and gradients can be asked for."""
    torch.manual_seed(3)
    random.seed(3)
    expected = torch.randn(2), random.random()
    torch.manual_seed(3)
    random.seed(3)
    with suppress(ValueError), torch.inference_mode(), undisturbed():
        torch.rand(5)
        random.random()
        assert not torch.is_inference_mode_enabled()
        raise ValueError
    assert torch.equal(torch.randn(2), expected[0])
    assert random.random() == expected[1]


def test_threads_take_turns() -> None:
    """A second thread enters when the first has left, of another model, too; one enters again while it is inside."""
    first, second, order = nn.Linear(2, 2), nn.Linear(2, 2), list[str]()
    inside, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with untouched(first), untouched(second), undisturbed():
            inside.set()
            go_on.wait(30)
            order.append("first left")

    def follow() -> None:
        with untouched(second):
            order.append("second entered")

    threads = [threading.Thread(target=one) for one in (hold, follow)]
    threads[0].start()
    inside.wait(30)
    threads[1].start()
    threads[1].join(0.2)
    assert order == []
    go_on.set()
    for one in threads:
        one.join(30)
    assert order == ["first left", "second entered"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
def test_a_forked_process_does_not_wait_for_a_thread_that_it_lacks() -> None:
    """A loader's worker may be forked while another thread is inside."""
    model, inside, go_on = nn.Linear(2, 2), threading.Event(), threading.Event()

    def hold() -> None:
        with untouched(model):
            inside.set()
            go_on.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    inside.wait(30)
    child = multiprocessing.get_context("fork").Process(target=_enter, args=(model,))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # forking beside threads, from Python 3.12 on
        child.start()
    child.join(30)
    code = child.exitcode
    child.kill()
    go_on.set()
    thread.join(30)
    assert code == 0


def _enter(model: nn.Module) -> None:
    with untouched(model):
        pass


def test_a_module_is_whole_while_it_is_put_back() -> None:
    """Another thread may be running it: what holds the same names is not emptied first."""
    entries: dict[str, object] = {"mode": "train", "hooks": 1}
    back = container_back(entries)
    assert back is not None
    entries["mode"] = "eval"
    sizes: list[int] = []
    sys.setprofile(lambda *_: sizes.append(len(entries)))  # called with every call inside
    try:
        back()
    finally:
        sys.setprofile(None)
    assert entries == {"mode": "train", "hooks": 1}
    assert min(sizes) == 2


def test_a_model_made_under_inference_mode_is_refused_where_gradients_are_needed() -> None:
    """PyTorch would say it of a tensor inside, when it is too late."""
    with torch.inference_mode():
        model = nn.Linear(2, 2)
    with pytest.raises(InputError) as error:
        refuse_inference(model)
    assert str(error.value) == (
        "'weight' was made or loaded under torch.inference_mode(), and PyTorch computes no gradients through such a "
        "tensor, not even those of the input. Make the model outside of it, or give a copy that was made outside: "
        "copy.deepcopy(model)."
    )
    refuse_inference(copy.deepcopy(model))
