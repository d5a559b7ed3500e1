"""Recipes and the training loop."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from pellucid.core.errors import InputError
from pellucid.gallery import ARCHITECTURES, Recipe, build, evaluate, healthy, train


class Listener:
    """Notes what a watch is told."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []

    def step(self, **values: Any) -> None:
        """Take the values of a step."""
        self.calls.append(values)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_healthy_recipes_learn_the_digits(architecture: str) -> None:
    """A healthy run reaches at least 90 % on pictures that it has not seen."""
    assert train(build(healthy(architecture, seed=7))).accuracy >= 0.9


def test_a_watch_is_told_every_step_and_every_evaluation() -> None:
    """Each step brings loss, output and target; each evaluation adds three scalars."""
    listener, done = Listener(), []
    train(build(replace(healthy("mlp"), steps=40)), listener, progress=lambda step, steps: done.append((step, steps)))
    assert len(listener.calls) == 40
    assert done[-1] == (40, 40)
    plain, evaluated = {"loss", "output", "target"}, {"val_loss", "val_accuracy", "accuracy"}
    assert set(listener.calls[0]) == plain
    assert [step for step, call in enumerate(listener.calls, 1) if set(call) == plain | evaluated] == [20, 40]


def test_watching_and_evaluating_change_nothing() -> None:
    """Losses are the same to the bit with a watch, without one, and however often the run is evaluated."""
    recipe = replace(healthy("mlp"), norm="batch", dropout=0.3, steps=40)
    plain = train(build(recipe)).losses
    assert np.array_equal(plain, train(build(recipe), Listener(), evaluate_every=3).losses)


def test_training_leaves_the_global_random_state_alone() -> None:
    """Building and training draw from generators of their own."""
    before = torch.random.get_rng_state()
    train(build(replace(healthy("mlp"), dropout=0.5, steps=5)))
    assert torch.equal(before, torch.random.get_rng_state())


def test_evaluation_restores_the_mode_of_every_module() -> None:
    """A module that was in evaluation mode inside a training network stays so."""
    trainee = build(replace(healthy("mlp"), norm="batch"))
    trainee.model.get_submodule("hidden1.norm").eval()
    before = [module.training for module in trainee.model.modules()]
    evaluate(trainee)
    assert [module.training for module in trainee.model.modules()] == before


def test_warm_up_reaches_the_full_rate_after_a_quarter() -> None:
    """The learning rate rises linearly over the first quarter of the steps and stays."""
    rates: list[float] = []
    trainee = build(replace(healthy("mlp"), schedule="warmup", steps=8))
    trainee.model.register_forward_hook(lambda *_: rates.append(trainee.optimizer.param_groups[0]["lr"]))
    train(trainee)
    assert rates == pytest.approx([3e-3 * share for share in (0.5, 1, 1, 1, 1, 1, 1, 1)])


def test_an_unknown_choice_names_the_closest() -> None:
    """A misspelt entry of a recipe is refused with what there is."""
    with pytest.raises(InputError) as caught:
        Recipe(architecture="transfomer")
    assert str(caught.value) == (
        "Recipe(architecture=...) got 'transfomer'. Closest: 'transformer'. Choose one of 'mlp', 'cnn', 'transformer'."
    )


def test_an_unknown_architecture_is_refused() -> None:
    """There is no healthy recipe for an architecture that the gallery lacks."""
    with pytest.raises(InputError) as caught:
        healthy("rbf")
    assert str(caught.value) == "healthy() got 'rbf'. Choose one of 'mlp', 'cnn', 'transformer'."


def test_batches_repeat_with_the_seed_and_cover_each_epoch_once() -> None:
    """Two iterations give the same batches, and one epoch holds no sample twice."""
    trainee = build(healthy("mlp"))
    first, second = trainee.batches(), trainee.batches()
    epoch = [next(first)[0] for _ in range(18)]
    assert all(torch.equal(x, next(second)[0]) for x in epoch)
    assert len(torch.cat(epoch).flatten(1).unique(dim=0)) == 18 * 64
