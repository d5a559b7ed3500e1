"""Training loops that clear their gradients, in every way there is, and loops that do not."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import SGD, Adam, Optimizer

import pellucid as pel
from pellucid.core.learning import Learning
from pellucid.windows.gradients import GradientFlow, flow
from tests.ward.watching import blobs, findings, levels, mlp

STEPS = 12
Loop = Callable[[nn.Module, Optimizer, Tensor, Tensor], Tensor]


def result_of(loop: Loop, *, every: int = 1, optimizer: type[Optimizer] = SGD) -> GradientFlow:
    """Watch one training loop."""
    torch.manual_seed(0)
    model, (x, y) = mlp(16, 16), blobs()
    trained = optimizer(model.parameters(), lr=0.01)
    with pel.watch(model, trained, every=every, options=pel.WatchOptions(on_finding=None)) as watch:
        for _ in range(STEPS * every):
            watch.step(loss=loop(model, trained, x, y))
    found = watch.results["gradients"]
    assert isinstance(found, GradientFlow)
    return found


def before_backward(model: nn.Module, optimizer: Optimizer, x: Tensor, y: Tensor) -> Tensor:
    """The usual loop."""
    loss = F.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss


def at_the_end(model: nn.Module, optimizer: Optimizer, x: Tensor, y: Tensor) -> Tensor:
    """Clear after the step."""
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return loss


def in_place(model: nn.Module, optimizer: Optimizer, x: Tensor, y: Tensor) -> Tensor:
    """Keep the tensors and fill them with zeros."""
    optimizer.zero_grad(set_to_none=False)
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
    return loss


def in_place_at_the_end(model: nn.Module, optimizer: Optimizer, x: Tensor, y: Tensor) -> Tensor:
    """The same after the step."""
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad(set_to_none=False)
    return loss


def clipped(model: nn.Module, optimizer: Optimizer, x: Tensor, y: Tensor) -> Tensor:
    """Change the gradients in place before the step."""
    optimizer.zero_grad()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss


def accumulating(model: nn.Module, optimizer: Optimizer, x: Tensor, y: Tensor) -> Tensor:
    """Two backward passes for one step."""
    optimizer.zero_grad(set_to_none=False)
    for half in (slice(None, None, 2), slice(1, None, 2)):
        loss = F.cross_entropy(model(x[half]), y[half])
        loss.backward()
    optimizer.step()
    return loss


def by_hand(model: nn.Module, optimizer: Optimizer, x: Tensor, y: Tensor) -> Tensor:
    """Clear without the optimiser."""
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.grad is not None:
                parameter.grad.mul_(0.0)
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
    return loss


def by_data(model: nn.Module, optimizer: Optimizer, x: Tensor, y: Tensor) -> Tensor:
    """Clear behind autograd's back, as old tutorials do."""
    for parameter in model.parameters():
        if parameter.grad is not None:
            parameter.grad.data.zero_()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
    return loss


def by_numpy(model: nn.Module, optimizer: Optimizer, x: Tensor, y: Tensor) -> Tensor:
    """Clear without torch."""
    for parameter in model.parameters():
        if parameter.grad is not None:
            parameter.grad.numpy()[...] = 0
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
    return loss


def overwritten(model: nn.Module, optimizer: Optimizer, x: Tensor, y: Tensor) -> Tensor:
    """Put gradients in place of the old ones, without a backward pass into .grad."""
    loss = F.cross_entropy(model(x), y)
    parameters = list(model.parameters())
    for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
        parameter.grad.copy_(gradient)
    optimizer.step()
    return loss


def never(model: nn.Module, optimizer: Optimizer, x: Tensor, y: Tensor) -> Tensor:
    """Forget to clear."""
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
    return loss


CLEARING = (
    before_backward,
    at_the_end,
    in_place,
    in_place_at_the_end,
    clipped,
    accumulating,
    by_hand,
    by_data,
    by_numpy,
    overwritten,
)


@pytest.mark.parametrize("every", [1, 3])
@pytest.mark.parametrize("loop", CLEARING)
def test_a_loop_that_clears_is_not_accused(loop: Loop, every: int) -> None:
    """However it does it; where there is no telling, nothing is said."""
    assert levels(result_of(loop, every=every), "GRD008") <= {"ok", "not-measured"}


def test_the_usual_loops_are_cleared_for_sure() -> None:
    """The rule has enough to say so."""
    for loop in (before_backward, at_the_end, clipped):
        assert levels(result_of(loop), "GRD008") == {"ok"}


@pytest.mark.parametrize("every", [1, 3])
@pytest.mark.parametrize("optimizer", [SGD, Adam])
def test_a_loop_without_zero_grad_is_named(every: int, optimizer: type[Optimizer]) -> None:
    """At every watched step but the first; a model that learns all the same gets a warning."""
    result = result_of(never, every=every, optimizer=optimizer)
    (found,) = findings(result, "GRD008")
    assert (found.level, found.where, found.step) == ("alarm", "4.bias", every)
    assert found.value == 1.0
    assert levels(result, "GRD008", learning=Learning(accuracy=0.95, chance=0.25)) == {"warn"}


def test_what_was_carried_is_the_gradient_of_the_step_before() -> None:
    """Sum of squares of the sum of all gradients so far, of the parameter that is looked at, and of no other."""
    result = result_of(never)
    place = result.names.index("4.bias")
    squares = result.gradients.norm[:, place] ** 2
    np.testing.assert_allclose(result.carried[1:, place], squares[:-1], rtol=1e-5)
    assert np.isnan(result.carried[0, place])
    assert np.isnan(np.delete(result.carried, place, axis=1)).all()


@contextmanager
def gan(every: int) -> Iterator[tuple[pel.Watch, dict[str, nn.Module], dict[str, Optimizer]]]:
    """Watch a generator and a judge, each with its optimiser."""
    torch.manual_seed(0)
    models = {"generator": mlp(8), "judge": nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))}
    optimizers: dict[str, Optimizer] = {name: Adam(one.parameters(), 1e-3) for name, one in models.items()}
    options = pel.WatchOptions(on_finding=None)
    with pel.watch(models, list(optimizers.values()), every=every, options=options) as watch:
        yield watch, models, optimizers


@pytest.mark.parametrize("to_none", [True, False])
@pytest.mark.parametrize("every", [1, 3])
def test_a_judge_whose_gradients_the_generator_fills_is_not_accused(every: int, to_none: bool) -> None:
    """The generator's backward pass leaves gradients in the judge, which the judge's own step clears first."""
    x = blobs()[0]
    with gan(every) as (watch, models, optimizers):
        for _ in range(STEPS * every):
            fake = models["generator"](x)
            optimizers["judge"].zero_grad(set_to_none=to_none)
            F.softplus(models["judge"](fake.detach())).mean().backward()
            optimizers["judge"].step()
            optimizers["generator"].zero_grad(set_to_none=to_none)
            loss = F.softplus(-models["judge"](fake)).mean()
            loss.backward()
            optimizers["generator"].step()
            watch.step(loss=loss)
    assert levels(watch.results["gradients"], "GRD008") <= {"ok", "not-measured"}


def test_micro_batches_that_are_watched_one_by_one_are_not_accused() -> None:
    """A watch that counts micro-batches comes upon half-filled gradients; they are meant."""
    torch.manual_seed(0)
    model, (x, y) = mlp(16), blobs()
    optimizer = SGD(model.parameters(), lr=0.01)
    for every in (1, 2, 3):
        with pel.watch(model, optimizer, every=every, options=pel.WatchOptions(on_finding=None)) as watch:
            for step in range(24):
                loss = F.cross_entropy(model(x), y)
                loss.backward()
                if step % 2:
                    optimizer.step()
                    optimizer.zero_grad()
                watch.step(loss=loss)
        assert levels(watch.results["gradients"], "GRD008") <= {"ok", "not-measured"}


def test_one_batch_cannot_tell() -> None:
    """A finished model has no step before."""
    assert levels(flow(mlp(8), blobs()), "GRD008") == {"not-measured"}


@pytest.mark.parametrize("to_none", [True, False])
@pytest.mark.parametrize("every", [1, 3])
def test_heads_that_take_turns_are_not_accused(every: int, to_none: bool) -> None:
    """A head that is not used in a step keeps a cleared gradient, and one that is frozen for a step an old one."""
    torch.manual_seed(0)
    x, y = blobs()
    model = nn.ModuleDict({"body": mlp(16), "first": nn.Linear(4, 4), "second": nn.Linear(4, 4)})
    optimizer = SGD(model.parameters(), lr=0.1)
    with pel.watch(model, optimizer, every=every, options=pel.WatchOptions(on_finding=None)) as watch:
        for step in range(60):
            optimizer.zero_grad(set_to_none=to_none)
            model["first"].bias.requires_grad_(step % 4 < 2)
            loss = F.cross_entropy(model["second" if step % 2 else "first"](model["body"](x)), y)
            loss.backward()
            optimizer.step()
            watch.step(loss=loss)
    assert levels(watch.results["gradients"], "GRD008") <= {"ok", "not-measured"}


def test_a_graph_of_the_gradient_hides_nothing() -> None:
    """With create_graph=True each sum is a new tensor; it holds the old one all the same."""

    def twice(model: nn.Module, optimizer: Optimizer, x: Tensor, y: Tensor) -> Tensor:
        loss = F.cross_entropy(model(x), y)
        gradients = torch.autograd.grad(loss, list(model.parameters()), create_graph=True)
        (loss + 0.0 * sum(one.square().sum() for one in gradients)).backward(create_graph=True)
        optimizer.step()
        return loss.detach()

    with pytest.warns(UserWarning, match="create_graph"):
        result = result_of(twice)
    assert levels(result, "GRD008") == {"alarm"}


def test_the_hook_is_gone_after_the_step_and_after_the_watch() -> None:
    """Nothing is left on the parameters or on the nodes that add to their gradients."""
    torch.manual_seed(0)
    model, (x, y) = mlp(16), blobs()
    optimizer = SGD(model.parameters(), lr=0.01)
    with pel.watch(model, optimizer, every=2, options=pel.WatchOptions(on_finding=None)) as watch:
        for _ in range(4):
            watch.step(loss=in_place(model, optimizer, x, y))
    assert all(one._backward_hooks is None for one in model.parameters())
    assert all(getattr(one, "_post_accumulate_grad_hooks", None) is None for one in model.parameters())
