"""A listener hears training forwards, each value once, and knows what it hears."""

import copy
import io
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from pellucid.maths.reduce import reduce
from pellucid.probe.listener import Listener, Record

FINITE, ZEROS = 0, 1


class Small(nn.Module):
    """A convolution, a function in forward, a dense layer with tanh, a head."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4)
        self.dense, self.tanh, self.head = nn.Linear(36, 8), nn.Tanh(), nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Classify."""
        h = F.max_pool2d(F.relu(self.norm(self.conv(x))), 2).flatten(1)
        return self.head(self.tanh(self.dense(h)))


class Checkpointed(nn.Module):
    """A dense layer and a ReLU that are recomputed in the backward pass."""

    def __init__(self, *, reentrant: bool) -> None:
        super().__init__()
        self.first, self.relu, self.head = nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2)
        self.reentrant = reentrant

    def forward(self, x: Tensor) -> Tensor:
        """Classify."""
        h = checkpoint(lambda x: self.relu(self.first(x)), x, use_reentrant=self.reentrant)
        return self.head(h)


def listen(model: nn.Module, run: Callable[[], object]) -> dict[str, Record]:
    """Return what a listener hears while `run` runs."""
    listener = Listener(model)
    listener.attach()
    try:
        run()
    finally:
        listener.detach()
    return listener.drain()


def counted(records: dict[str, Record]) -> dict[str, int]:
    """Return the number of finite values under each key."""
    return {key: int(record.reduced.sums[FINITE]) for key, record in records.items()}


def test_roles_and_order() -> None:
    """Keys come in execution order, each with its type, function, role and units."""
    model, x = Small(), torch.randn(5, 1, 8, 8)
    heard = listen(model, lambda: model(x))
    told = [(key, record.module, record.activation, record.role, record.rectifies) for key, record in heard.items()]
    assert told == [
        ("conv", "Conv2d", "", "output", False),
        ("norm", "BatchNorm2d", "", "pre-activation", False),
        ("dense.input", "Linear", "relu", "activation", True),
        ("dense", "Linear", "", "pre-activation", False),
        ("tanh", "Tanh", "tanh", "activation", False),
        ("head", "Linear", "", "output", False),
    ]
    units = {key: record.reduced.units for key, record in heard.items()}
    assert units["conv"] is None
    assert units["dense.input"].shape == (3, 4)  # channels, although the layer is given 36 features
    assert units["tanh"].shape == (3, 8)
    assert units["tanh"][0].tolist() == [5] * 8


def test_statistics_are_those_of_the_values() -> None:
    """What is heard is what `reduce` makes of the very output, merged over forwards."""
    model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(inplace=True))
    first, second = torch.randn(7, 4), torch.randn(3, 4)
    heard = listen(model, lambda: [model(first), model(second)])
    linear = torch.cat([model[0](first), model[0](second)])
    expected = reduce(linear)
    assert torch.equal(heard["0"].reduced.counts, expected.counts)
    assert torch.equal(heard["0"].reduced.extremes, expected.extremes)
    torch.testing.assert_close(heard["0"].reduced.sums, expected.sums)
    activations = reduce(linear.relu(), unit_axis=-1)
    assert torch.equal(heard["1"].reduced.units, activations.units)


def test_dead_units_are_told_from_sparse_ones() -> None:
    """The counts per unit show which ReLU never fires."""
    model = nn.Sequential(nn.Linear(4, 6), nn.ReLU())
    with torch.no_grad():
        model[0].bias[2] = -100.0
    heard = listen(model, lambda: model(torch.randn(64, 4)))
    samples, active, _ = heard["1"].reduced.units
    assert samples.tolist() == [64] * 6
    assert (active == 0).tolist() == [False, False, True, False, False, False]


def test_only_training_is_heard() -> None:
    """Evaluation without gradients is not heard, unless that is asked for."""
    model, x = nn.Sequential(nn.Linear(4, 6), nn.ReLU()), torch.randn(3, 4)

    @torch.no_grad()
    def evaluate() -> None:
        model(x)

    assert listen(model, evaluate) == {}
    everything = Listener(model, training_only=False)
    everything.attach()
    evaluate()
    everything.detach()
    assert list(everything.drain()) == ["0", "1"]


@pytest.mark.parametrize("reentrant", [False, True])
def test_recomputation_is_not_heard(reentrant: bool) -> None:
    """Activation checkpointing runs modules twice, and each value is heard once."""
    model, x = Checkpointed(reentrant=reentrant), torch.randn(5, 4, requires_grad=True)
    heard = listen(model, lambda: model(x).sum().backward())
    assert counted(heard) == {"first": 30, "relu": 30, "head": 10}
    assert [record.role for record in heard.values()] == ["pre-activation", "activation", "output"]


def test_frozen_part_is_heard() -> None:
    """A part that runs under no_grad inside a training forward belongs to it."""

    class Probe(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.backbone, self.head = nn.Conv1d(2, 3, 1), nn.Linear(15, 2)
            self.relu = nn.ReLU()

        def forward(self, x: Tensor) -> Tensor:
            with torch.no_grad():
                features = self.relu(self.backbone(x))
            return self.head(features.flatten(1))

    model = Probe()
    heard = listen(model, lambda: model(torch.randn(4, 2, 5)))
    assert counted(heard) == {"backbone": 60, "relu": 60, "head": 8}
    assert heard["backbone"].role == "pre-activation"
    assert heard["relu"].reduced.units.shape == (3, 3)


def test_second_call_in_one_forward_has_its_own_key() -> None:
    """A shared module is "name" and "name#2", and the next batch adds to both."""

    class Shared(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.dense, self.lstm = nn.Linear(4, 4), nn.LSTM(4, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.lstm(self.dense(self.dense(x)))[0]

    model, x = Shared(), torch.randn(5, 4)
    heard = listen(model, lambda: [model(x), model(x)])
    assert counted(heard) == {"dense": 40, "dense#2": 40, "lstm/0": 30, "lstm/1/0": 6, "lstm/1/1": 6}
    outside = listen(model, lambda: [model.dense(x), model.dense(x)])
    assert counted(outside) == {"dense": 40}


def test_inactive_listener_leaves_no_trace() -> None:
    """While it is inactive there is no hook on the model, and active again it goes on."""
    model, x = nn.Sequential(nn.Linear(4, 6), nn.ReLU()), torch.randn(3, 4)
    plain = [dict(vars(module)) for module in model.modules()]
    listener = Listener(model, active=False)
    listener.attach()
    assert [dict(vars(module)) for module in model.modules()] == plain
    listener.active = True
    model(x)
    listener.active = False
    assert [dict(vars(module)) for module in model.modules()] == plain
    model(x)
    listener.active = True
    assert counted(listener.drain()) == {"0": 18, "1": 18}
    assert listener.drain() == {}
    listener.detach()
    assert [dict(vars(module)) for module in model.modules()] == plain


def test_copies_are_not_watched() -> None:
    """A copy of a watched model is a plain model, and a watched model can be saved."""
    model, x = nn.Sequential(nn.Linear(4, 6), nn.ReLU()), torch.randn(3, 4)
    listener = Listener(model)
    listener.attach()
    twin = copy.deepcopy(model)
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    loaded = torch.load(file, weights_only=False)
    assert torch.equal(twin(x), loaded(x))
    assert listener.drain() == {}
    listener.detach()


def test_variable_lengths_merge_without_units() -> None:
    """Where the number of units differs from batch to batch, values still add up."""
    model = nn.Sequential(nn.Identity(), nn.ReLU())
    heard = listen(model, lambda: [model(torch.randn(2, n, requires_grad=True)) for n in (3, 5)])
    assert counted(heard)["1"] == 16
    assert heard["1"].reduced.units is None


def test_transform_is_not_heard() -> None:
    """Inside torch.func there is nothing that could be kept, and nothing breaks."""
    model = nn.Linear(4, 2)
    heard = listen(model, lambda: torch.func.vmap(model)(torch.randn(3, 4)))
    assert heard == {}


def test_two_listeners_hear_the_same() -> None:
    """Two listeners on one model do not disturb each other, whichever stops first."""
    model, x = Small(), torch.randn(5, 1, 8, 8)
    first, second = Listener(model), Listener(model)
    first.attach()
    second.attach()
    model(x)
    first.detach()
    model(x)
    second.detach()
    once, twice = first.drain(), second.drain()
    assert list(once) == list(twice)
    assert [record.role for record in once.values()] == [record.role for record in twice.values()]
    assert 2 * counted(once)["dense.input"] == counted(twice)["dense.input"]
    assert not any(module._forward_hooks or "forward" in vars(module) for module in model.modules())
