"""Watching changes nothing: a watched training run equals an unwatched one bit for bit.

Every run is told by its losses, parameters, gradients, optimizer state, buffers and random state, compared as
bytes. First the unwatched run is shown to equal itself: otherwise equality would prove nothing.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from pellucid.probe.capture import capture
from pellucid.probe.listener import Listener
from tests.reference.model_state import differences, state_of

STEPS, BATCH = 4, 6


class Net(nn.Module):
    """Batch norm, in-place ReLU, a function in forward, dropout; recomputed on demand."""

    def __init__(self, recompute: str) -> None:
        super().__init__()
        self.conv, self.norm, self.relu = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True)
        self.dense, self.drop, self.head = nn.Linear(4 * 16, 8), nn.Dropout(0.4), nn.Linear(8, 3)
        self.recompute = recompute

    def features(self, x: Tensor) -> Tensor:
        """Reduce the image."""
        return self.relu(self.norm(self.conv(x))).flatten(1)

    def classifier(self, x: Tensor) -> Tensor:
        """Score."""
        return self.head(self.drop(torch.relu_(self.dense(x))))

    def forward(self, x: Tensor) -> Tensor:
        """Classify."""
        if self.recompute == "no":
            return self.classifier(self.features(x))
        reentrant = self.recompute == "reentrant"
        return checkpoint(self.classifier, self.features(x), use_reentrant=reentrant)


CONDITIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "accumulation": {"accumulate": 2},
    "bfloat16": {"amp": True},
    "checkpoint": {"recompute": "yes"},
    "reentrant checkpoint": {"recompute": "reentrant"},
}


class Listening:
    """A listener that is on for every other step, and an evaluation in between."""

    def __init__(self, model: nn.Module) -> None:
        self.listener = Listener(model, active=False)
        self.heard: list[int] = []

    @contextmanager
    def __call__(self, step: int) -> Iterator[None]:
        """Watch one step."""
        self.listener.attach()
        self.listener.active = step % 2 == 0
        yield
        self.heard.append(len(self.listener.drain()))
        self.listener.detach()


def _capturing(**options: Any) -> Callable[[nn.Module], Callable[[int], AbstractContextManager[Any]]]:
    return lambda model: lambda _: capture(model, **options)


def _unwatched(_: nn.Module) -> Callable[[int], AbstractContextManager[Any]]:
    return lambda _: nullcontext()


WATCHERS: dict[str, Callable[[nn.Module], Any]] = {
    "unwatched": _unwatched,
    "capture full": _capturing(inputs=True, grads=True),
    "capture statistics": _capturing(keep="statistics", grads=True),
    "listener": Listening,
}
COMPILED_WATCHERS: dict[str, Callable[[nn.Module], Any]] = {
    "unwatched": _unwatched,
    "capture full": _capturing(inputs=True),
    "listener": Listening,
}


def _train(
    watcher: Callable[[nn.Module], Any],
    *,
    backend: str | None = None,
    accumulate: int = 1,
    amp: bool = False,
    recompute: str = "no",
) -> dict[str, Any]:
    """Train for a few steps, watched, and tell everything about the run."""
    torch.manual_seed(1)
    data = torch.Generator().manual_seed(2)
    model = Net(recompute)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    run = model if backend is None else torch.compile(model, backend=backend, fullgraph=True)
    watch = watcher(model)
    told: dict[str, Any] = {}
    for step in range(STEPS):
        with watch(step):
            for part in range(accumulate):
                x, y = torch.randn(BATCH, 1, 6, 6, generator=data), torch.randint(3, (BATCH,), generator=data)
                with torch.autocast("cpu", torch.bfloat16, enabled=amp):
                    loss = nn.functional.cross_entropy(run(x), y)
                (loss / accumulate).backward()
                told[f"loss {step} {part}"] = loss.detach().numpy().tobytes()
            optimizer.step()
        told[f"gradients {step}"] = [bytes(p.grad.numpy().tobytes()) for p in model.parameters()]
        optimizer.zero_grad()
    state = state_of(model)
    told.update({key: value for key, value in state.items() if ":values" in key or key == "random: torch"})
    told["optimizer"] = [value.numpy().tobytes() for entry in optimizer.state.values() for value in entry.values()]
    return told


@cache
def _unwatched_run(condition: str, backend: str | None) -> dict[str, Any]:
    torch._dynamo.reset()
    return _train(_unwatched, backend=backend, **CONDITIONS[condition])


def _assert_equal(condition: str, watcher: Callable[[nn.Module], Any], backend: str | None) -> None:
    before = _unwatched_run(condition, backend)
    changed = differences(before, _train(watcher, backend=backend, **CONDITIONS[condition]))
    assert not changed, f"watching changed {', '.join(changed)}"


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("watcher", WATCHERS)
def test_eager(condition: str, watcher: str) -> None:
    """In eager mode a watched run equals an unwatched one."""
    _assert_equal(condition, WATCHERS[watcher], None)


# torch.compile cannot trace a reentrant checkpoint.
@pytest.mark.parametrize("condition", [name for name in CONDITIONS if name != "reentrant checkpoint"])
def test_compiled(condition: str) -> None:
    """Compiled, without a graph break, a watched run equals an unwatched one."""
    for watcher in COMPILED_WATCHERS.values():
        _assert_equal(condition, watcher, "aot_eager")


@pytest.mark.slow
@pytest.mark.parametrize("condition", ["plain", "bfloat16", "checkpoint"])
def test_compiled_by_inductor(condition: str) -> None:
    """With generated kernels too, a watched run equals an unwatched one."""
    for watcher in COMPILED_WATCHERS.values():
        _assert_equal(condition, watcher, "inductor")


def test_a_difference_would_be_seen() -> None:
    """The comparison notices one random number drawn, and one value changed by one bit."""

    @contextmanager
    def draw(_: int) -> Iterator[None]:
        torch.rand(1)
        yield

    assert "random: torch" in differences(_unwatched_run("plain", None), _train(lambda _: draw))

    def nudge(model: nn.Module) -> Callable[[int], AbstractContextManager[None]]:
        with torch.no_grad():
            model.head.bias[0] = torch.nextafter(model.head.bias[0], torch.tensor(9.0))
        return lambda _: nullcontext()

    assert "head.bias:values" in differences(_unwatched_run("plain", None), _train(nudge))


def test_listener_did_listen() -> None:
    """The listener in these runs hears every layer on its steps, and nothing on the others."""
    heard: list[Listening] = []

    def watcher(model: nn.Module) -> Listening:
        heard.append(Listening(model))
        return heard[-1]

    _assert_equal("plain", watcher, None)
    assert heard[0].heard == [7, 0, 7, 0]


class Fails(nn.Module):
    """Fails in the middle of its forward pass."""

    def __init__(self, error: type[BaseException]) -> None:
        super().__init__()
        self.first, self.norm, self.last = nn.Linear(4, 4), nn.BatchNorm1d(4, track_running_stats=False), nn.ReLU()
        self.error = error

    def forward(self, x: Tensor) -> Tensor:
        """Fail."""
        x = self.norm(self.first(x))
        if self.training:
            raise self.error
        return self.last(x)


def _listening(model: nn.Module) -> AbstractContextManager[Any]:
    @contextmanager
    def watch() -> Iterator[None]:
        listener = Listener(model)
        listener.attach()
        try:
            yield
        finally:
            listener.detach()

    return watch()


WATCHES: dict[str, Callable[[nn.Module], AbstractContextManager[Any]]] = {
    "capture": lambda model: capture(model, inputs=True, grads=True),
    "listener": _listening,
}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("watch", WATCHES)
def test_failure_in_forward(watch: str, error: type[BaseException]) -> None:
    """After an exception or Ctrl-C in the middle of a forward pass the model is as it was."""
    model = Fails(error)
    before = state_of(model)
    with pytest.raises(error), WATCHES[watch](model):
        model(torch.ones(3, 4))
    assert not differences(before, state_of(model))


@pytest.mark.parametrize("watch", WATCHES)
def test_failure_in_a_hook(watch: str) -> None:
    """After an exception in a hook of the user the model is as it was, and that hook stays."""
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU())

    def fail(*_: object) -> None:
        raise ValueError("mine")

    model[0].register_forward_hook(fail)
    before = state_of(model)
    with pytest.raises(ValueError, match="mine"), WATCHES[watch](model):
        model(torch.ones(3, 4))
    assert not differences(before, state_of(model))


def test_failure_in_our_own_hook() -> None:
    """When the function given as keep fails, the model is as it was."""
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
    before = state_of(model)
    with pytest.raises(ZeroDivisionError), capture(model, keep=lambda _: 1 // 0):
        model(torch.ones(3, 4))
    assert not differences(before, state_of(model))


def test_gradient_hooks_come_off_the_output() -> None:
    """A graph that outlives the capture carries no hook of ours: a later backward writes nothing."""
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
    with capture(model, grads=True) as tape:
        output = model(torch.ones(3, 4))
    output.sum().backward()
    assert len(tape.grads) == 0
