"""Under torch.compile the same is captured, in one graph, whenever the model was compiled."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pellucid.core.errors import AddressError
from pellucid.probe.address import is_compiled
from pellucid.probe.capture import capture
from pellucid.probe.guard import untouched
from pellucid.probe.listener import Listener

X = torch.linspace(-1, 1, 12).reshape(3, 4)
# torch.compile itself reads it when a graph is given the result of another.
pytestmark = pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor:UserWarning")

KEYS = ["first", "relu", "shared", "shared#2"]


class Net(nn.Module):
    """Four calls of three layers."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.relu, self.shared = nn.Linear(4, 4), nn.ReLU(inplace=True), nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        """Run."""
        return self.shared(self.shared(self.relu(self.first(x))))


class Graphs:
    """A backend that runs graphs as they are and counts them."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, graph: torch.fx.GraphModule, _: Any) -> Callable[..., Any]:
        """Count one graph."""
        self.count += 1
        return graph.forward


@pytest.fixture(autouse=True)
def nothing_compiled() -> None:
    """Forget what other tests compiled."""
    torch._dynamo.reset()


def _wrapped(model: nn.Module, graphs: Graphs) -> Callable[[Tensor], Tensor]:
    return torch.compile(model, backend=graphs, fullgraph=True)


def _in_place(model: nn.Module, graphs: Graphs) -> Callable[[Tensor], Tensor]:
    model.compile(backend=graphs, fullgraph=True)
    return model


def _by_function(model: nn.Module, graphs: Graphs) -> Callable[[Tensor], Tensor]:
    def function(x: Tensor) -> Tensor:
        return model(x)

    return torch.compile(function, backend=graphs, fullgraph=True)


def _by_parts(model: nn.Module, graphs: Graphs) -> Callable[[Tensor], Tensor]:
    model.shared = torch.compile(model.shared, backend=graphs, fullgraph=True)
    return model


@pytest.mark.parametrize("compiled", [_wrapped, _in_place, _by_function, _by_parts])
@pytest.mark.parametrize("ran_before", [False, True])
def test_compiled_is_captured_as_eager(compiled: Callable[..., Any], ran_before: bool) -> None:
    """However and whenever the model was compiled, the tape is that of the eager model, without a graph break."""
    model = Net()
    with capture(model, inputs=True) as expected:
        model(X)
    run = compiled(model, Graphs())
    if ran_before:
        run(X)
    for _ in range(2):
        with capture(run if isinstance(run, nn.Module) else model, inputs=True) as tape:
            run(X)
        assert list(tape) == KEYS
        assert list(tape.inputs) == KEYS
        assert all(torch.equal(tape[key], expected[key]) for key in KEYS)
        assert all(torch.equal(tape.inputs[key], expected.inputs[key]) for key in KEYS)


def test_graphs_are_made_once() -> None:
    """Switching a listener on and off costs one more graph, once; the old graph is found again."""
    model, graphs = Net(), Graphs()
    run = _wrapped(model, graphs)
    run(X)
    assert graphs.count == 1
    listener = Listener(run, active=False)
    listener.attach()
    for _ in range(3):
        listener.active = True
        run(X).sum().backward()
        assert list(listener.drain()) == KEYS
        listener.active = False
        run(X).sum().backward()
        assert listener.drain() == {}
    listener.detach()
    another = Listener(run)
    another.attach()
    run(X)
    another.detach()
    run(X)
    assert list(another.drain()) == KEYS
    assert graphs.count == 2


def test_listener_before_the_first_run() -> None:
    """A model that is compiled while it is watched loses the hooks with the listener."""
    model, graphs = nn.Sequential(nn.Linear(4, 4), nn.Tanh()), Graphs()
    listener = Listener(model)
    listener.attach()
    run = _wrapped(model, graphs)
    run(X)
    run(X)
    listener.detach()
    heard = listener.drain()
    assert [(key, record.role, int(record.reduced.sums[0])) for key, record in heard.items()] == [
        ("0", "pre-activation", 24),
        ("1", "activation", 24),
    ]
    run(X)
    assert listener.drain() == {}


class WithFunctions(nn.Module):
    """Calls activation functions in forward: before a pool and a flatten, before dropout, before two layers."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.dense = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Linear(36, 8)
        self.left, self.right, self.last = nn.Linear(8, 3), nn.Linear(8, 3), nn.Linear(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Run."""
        x = nn.functional.max_pool2d(nn.functional.relu(self.norm(self.conv(x))), 2).flatten(1)
        x = nn.functional.dropout(self.dense(x).tanh(), 0.5)
        return self.last(torch.sigmoid(self.left(x)) * self.right(x))


def test_functions_in_forward_are_heard_as_in_eager_mode() -> None:
    """A compiled model tells the same keys, functions, roles and counts as the eager one, in one graph."""
    model, graphs = WithFunctions(), Graphs()
    told = []
    for run in (model, _wrapped(model, graphs)):
        listener = Listener(model)
        listener.attach()
        torch.manual_seed(0)
        run(torch.linspace(-1, 1, 320).reshape(5, 1, 8, 8))
        listener.detach()
        told.append(listener.drain())
    eager, compiled = told
    assert graphs.count == 1
    assert list(eager) == list(compiled)
    assert [record.activation for record in eager.values() if record.activation] == ["relu", "tanh"]
    for key, record in eager.items():
        other = compiled[key]
        assert (record.activation, record.role, record.module) == (other.activation, other.role, other.module)
        assert torch.equal(record.reduced.counts, other.reduced.counts), key
        if record.reduced.units is not None:
            assert torch.equal(record.reduced.units, other.reduced.units), key


def test_evaluation_of_a_compiled_model_is_not_heard() -> None:
    """A compiled forward without gradients leaves nothing, and the training graph is not made anew for it."""
    model, graphs = Net(), Graphs()
    run = _wrapped(model, graphs)
    listener = Listener(model)
    listener.attach()
    with torch.no_grad():
        run(X)
    assert listener.drain() == {}
    run(X)
    assert list(listener.drain()) == KEYS
    listener.detach()


def test_gradients_in_a_compiled_function_say_why() -> None:
    """A function that compiles the model inside cannot be seen beforehand; the missing gradient is explained."""
    model = Net()
    run = _by_function(model, Graphs())
    with capture(model, grads=True) as tape:
        run(X).sum().backward()
    with pytest.raises(AddressError) as error:
        tape.grads["first"]
    assert str(error.value) == (
        "No gradient of 'first' on this tape: it was computed in a compiled graph, where a gradient hook would "
        "break the graph and change the losses. Call the model outside the compiled function, or capture with "
        "grads=False."
    )


def test_model_with_a_graph_break_of_its_own() -> None:
    """Where a model breaks its graph by itself, both halves are captured."""

    class Breaks(Net):
        def forward(self, x: Tensor) -> Tensor:
            x = self.relu(self.first(x))
            torch._dynamo.graph_break()
            return self.shared(self.shared(x))

    model, graphs = Breaks(), Graphs()
    run = torch.compile(model, backend=graphs)
    run(X)
    assert graphs.count == 2
    for _ in range(2):
        with capture(model) as tape:
            run(X)
        assert list(tape) == KEYS
    assert graphs.count == 4


def _child(model: nn.Module, graphs: Graphs) -> Callable[[Tensor], Tensor]:
    compiled: Any = torch.compile(model.get_submodule("first"), backend=graphs)
    model.register_module("first", compiled)
    model.get_submodule("shared").compile(backend=graphs)
    return model


@pytest.mark.parametrize("compiled", [_wrapped, _in_place, _child, _by_function])
def test_the_guard_runs_what_was_written_and_adds_no_graph(compiled: Callable[..., Any]) -> None:
    """Hooks fire, other modes and sizes compile nothing, and the graphs of the user are found again."""
    model, graphs, seen = Net(), Graphs(), list[str]()
    run = compiled(model, graphs)
    before, made = run(X), graphs.count
    with untouched(model), torch.no_grad():
        assert not is_compiled(model)
        model.train(mode=False)
        model.get_submodule("relu").register_forward_hook(lambda *_: seen.append("relu"))
        torch.testing.assert_close(run(X.repeat(5, 1))[:3], before)
    assert seen == ["relu"]
    assert is_compiled(model) == (compiled in (_in_place, _child))
    assert torch.equal(run(X), before)
    assert graphs.count == made
