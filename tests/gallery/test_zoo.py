"""The healthy zoo and the near misses."""

import pytest
import torch

from pellucid.gallery import NEAR_MISSES, build, healthy_zoo, near_misses, train


def test_the_zoo_is_the_same_for_a_seed_and_varies() -> None:
    """A seed gives the same recipes again, no two alike, over all three architectures."""
    recipes = list(healthy_zoo(5, 60))
    assert recipes == list(healthy_zoo(5, 60))
    assert len(set(recipes)) == 60
    assert [sum(recipe.architecture == name for recipe in recipes) for name in ("mlp", "cnn", "transformer")] == [
        20
    ] * 3
    assert recipes[:30] == list(healthy_zoo(5, 30))


@pytest.mark.slow
def test_zoo_networks_learn() -> None:
    """The first network of each architecture reaches 90 %."""
    assert [train(build(recipe)).accuracy >= 0.9 for recipe in healthy_zoo(2, 3)] == [True] * 3


@pytest.mark.slow
def test_nearly_all_of_the_zoo_learns() -> None:
    """At least 59 of 60 zoo networks reach 90 %."""
    assert sum(train(build(recipe)).accuracy >= 0.9 for recipe in healthy_zoo(1, 60)) >= 59


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_near_misses_learn(name: str) -> None:
    """A near miss is healthy: it learns, with the first of its architectures."""
    miss = NEAR_MISSES[name]
    trainee = miss.prepare(miss.architectures[0])
    record = train(trainee)
    if trainee.metric is None:
        assert record.validation_losses[-1] < 0.25
    else:
        assert record.accuracy >= (0.85 if name == "one-class-validation" else 0.9)


def test_sparse_units_are_alive() -> None:
    """The sparse near miss has at least nine zeros in ten values and not one dead unit."""
    trainee = NEAR_MISSES["sparse-but-alive"].prepare("mlp")
    train(trainee)
    values: list[torch.Tensor] = []
    activation = trainee.model.get_submodule("hidden1.activation")
    activation.register_forward_hook(lambda _module, _inputs, output: values.append(output.detach()))
    trainee.model.eval()(trainee.split.train_x)
    assert float((values[0] == 0).float().mean()) > 0.9
    assert bool((values[0] != 0).any(0).all())


def test_near_misses_come_for_every_architecture_that_can_have_them() -> None:
    """The stream is lazy and names each run by architecture and near miss."""
    stream = near_misses()
    assert [next(stream).name for _ in range(3)] == [
        "mlp/sparse-but-alive",
        "mlp/small-batch-norm",
        "cnn/small-batch-norm",
    ]
