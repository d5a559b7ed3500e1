"""Ctrl-C ends what is done with a model, and waits while the model is set up or put back."""
# ruff: noqa: PT012 - what runs until it comes is what is tested

import contextlib
import signal
import threading
import warnings
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import nn

from pellucid.methods.attribution.functions import Replaced
from pellucid.probe import guard
from pellucid.probe.guard import examined, undisturbed, untouched
from pellucid.probe.patience import patient


def _interrupt() -> None:
    signal.raise_signal(signal.SIGINT)


def test_the_work_is_ended_at_once() -> None:
    """Neither the rest of the block runs, nor does the signal come a second time."""
    went_on = False
    with pytest.raises(KeyboardInterrupt), patient() as patience:
        patience.work()
        _interrupt()
        went_on = True
    assert not went_on


@pytest.mark.parametrize("begun", [False, True])
def test_it_waits_before_the_work_and_after_it(begun: bool) -> None:
    """And comes when the block is left, at which everything is as it was."""
    done: list[str] = []
    with pytest.raises(KeyboardInterrupt), patient() as patience:
        if begun:
            patience.work()
            patience.wait()
        _interrupt()
        done.append("put back")
    assert done == ["put back"]


def test_what_came_before_the_work_ends_it_as_it_begins() -> None:
    """It is not kept until the end of long work."""
    done: list[str] = []
    with pytest.raises(KeyboardInterrupt), patient() as patience:
        _interrupt()
        done.append("set up")
        patience.work()
        done.append("worked")
    assert done == ["set up"]


def test_one_inside_another_is_obeyed_where_work_is_done() -> None:
    """The inner one sets up and puts back, and leaves the outer one as it was."""
    done: list[str] = []
    with pytest.raises(KeyboardInterrupt), patient() as outer:
        outer.work()
        with patient() as inner:
            _interrupt()
            done.append("set up")
            inner.work()
            done.append("worked")
    assert done == ["set up"]


def test_a_second_one_lets_what_is_left_be_put_back() -> None:
    """People press it twice: the second comes when all is as it was, and is not lost."""
    done: list[str] = []
    with pytest.raises(KeyboardInterrupt), patient() as patience:
        patience.work()
        try:
            _interrupt()
        finally:
            _interrupt()
            done.append("put back")
    assert done == ["put back"]


@contextlib.contextmanager
def _theirs(done: list[str]) -> Iterator[None]:
    try:
        yield
    finally:
        _interrupt()
        done.append("put back")


def test_a_block_of_what_we_call_is_left_whole() -> None:
    """PyTorch takes its modes off for a while and puts them on again: cut off there, they would be gone."""
    done: list[str] = []
    came = threading.Event()
    with pytest.raises(KeyboardInterrupt), patient() as patience:
        patience.work()
        with _theirs(done):
            pass
        done.append("left")
        came.wait(20)  # it comes again, soon
    assert done == ["put back", "left"]


class _Leaving:
    """A program of somebody that asks us something while it leaves a block of its own."""

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, *_: object) -> None:
        """Ask."""
        with pytest.raises(KeyboardInterrupt), untouched(nn.Linear(2, 2)):
            _interrupt()
            raise AssertionError


def test_a_block_of_who_calls_us_does_not_make_it_wait() -> None:
    """That could be left for hours, and Ctrl-C would never be obeyed."""
    with _Leaving():
        pass


def test_signals_are_left_to_who_had_them() -> None:
    """After the block, and inside it where a program has its own way with them."""
    seen: list[int] = []
    before = signal.signal(signal.SIGUSR1, lambda number, _: seen.append(number))
    usual = signal.getsignal(signal.SIGINT)
    try:
        with patient():
            signal.raise_signal(signal.SIGUSR1)
            assert seen == [signal.SIGUSR1]
            assert signal.getsignal(signal.SIGINT) is not usual
        assert signal.getsignal(signal.SIGINT) is usual
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_other_threads_leave_signals_alone() -> None:
    """Python obeys them in the main thread only, and lets only that one change how."""
    usual, seen = signal.getsignal(signal.SIGINT), []

    def work() -> None:
        with untouched(nn.Linear(2, 2)):
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [usual]


@pytest.mark.parametrize("scripted", [False, True])
def test_the_model_is_whole_when_it_comes_during_the_putting_back(
    scripted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when it comes once for every part of it."""
    model: nn.Module = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    if scripted:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            model = torch.jit.script(model)
    before = {name: one.clone() for name, one in model.state_dict().items()}
    usual = guard._all_back

    def interrupted(undo: list[Callable[[], None]]) -> list[BaseException]:
        return usual([step for one in undo for step in (_interrupt, one)])

    monkeypatch.setattr(guard, "_all_back", interrupted)
    with pytest.raises(KeyboardInterrupt), untouched(model):
        model(torch.randn(4, 2))
        for one in model.parameters():
            one.data.zero_()
    assert all(torch.equal(one, before[name]) for name, one in model.state_dict().items())
    assert model.training


def test_a_frozen_script_is_examined() -> None:
    """It has no mode, and its weights are constants."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        model = torch.jit.freeze(torch.jit.script(nn.Sequential(nn.Linear(2, 2), nn.Dropout())).eval())
    x = torch.randn(3, 2)
    before = model(x)
    with examined(model) as bare:
        assert torch.equal(bare(x), before)
    assert torch.equal(model(x), before)


def test_random_numbers_are_put_back_though_it_comes_meanwhile() -> None:
    """In what runs outside a model as well."""
    state = torch.get_rng_state()
    with pytest.raises(KeyboardInterrupt), undisturbed():
        torch.rand(3)
        _interrupt()
    assert torch.equal(torch.get_rng_state(), state)


def test_switches_of_pytorch_come_back() -> None:
    """Those that our own work turns, also a mode that was not left."""
    fused, cudnn = torch.backends.mha.get_fastpath_enabled(), torch.backends.cudnn.benchmark
    with pytest.raises(KeyboardInterrupt), examined(nn.Linear(2, 2)):
        assert not torch.backends.mha.get_fastpath_enabled()
        torch.backends.cudnn.benchmark = not cudnn
        Replaced({"relu": lambda _, x: x + 1}).__enter__()
        assert torch.relu(torch.zeros(1)) == 1
        raise KeyboardInterrupt
    assert torch.backends.mha.get_fastpath_enabled() is fused
    assert torch.backends.cudnn.benchmark is cudnn
    assert torch.relu(torch.zeros(1)) == 0
