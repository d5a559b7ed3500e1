"""The network in five conditions: what its first weights and biases are."""

from functools import cache

import pytest
import torch

from pellucid.core.errors import InputError
from pellucid.gallery import conditions
from pellucid.gallery.conditions import BOUNDED, DYING_BIAS, HIDDEN, WIDTH, conditioned, pictures
from pellucid.gallery.models import ACTIVATIONS

EVERY = ", ".join(ACTIVATIONS)


def weights(activation: str, condition: str) -> list[torch.Tensor]:
    """The weights of the hidden layers."""
    model = conditioned(activation, condition)
    return [model.get_parameter(f"hidden{layer}.linear.weight") for layer in range(1, HIDDEN + 1)]


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_one_thing_is_changed_in_healthy_weights(activation: str) -> None:
    """They are multiplied, in every layer or in the first, and otherwise the same."""
    factors = {
        "dying": [1.0] * HIDDEN,
        "saturated": [12.0] * HIDDEN if activation in BOUNDED else [12.0, *[1.0] * (HIDDEN - 1)],
        "exploding": [3.0] * HIDDEN,
        "vanishing": [0.2] * HIDDEN,
    }
    for condition, multiplied in factors.items():
        for sick, healthy, factor in zip(
            weights(activation, condition), weights(activation, "healthy"), multiplied, strict=True
        ):
            torch.testing.assert_close(sick, factor * healthy)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_healthy_sums_are_centred_and_of_one_scale(activation: str) -> None:
    """On digits that they were not fitted to, nearly so."""
    model, values = conditioned(activation, "healthy").requires_grad_(False), pictures().flatten(1)
    for layer in range(1, HIDDEN + 1):
        sums = model.get_submodule(f"hidden{layer}.linear")(values)
        assert 0.9 < float(sums.std()) < 1.1
        assert abs(float(sums.mean())) < 0.05
        values = model.get_submodule(f"hidden{layer}.activation")(sums)


def test_two_thirds_of_the_units_are_pushed_down() -> None:
    """By eight standard deviations."""
    dying, healthy = (conditioned("leaky_relu", condition) for condition in ("dying", "healthy"))
    name = "hidden1.linear.bias"
    moved = dying.get_parameter(name) - healthy.get_parameter(name)
    pushed = moved < DYING_BIAS / 2
    torch.testing.assert_close(moved[pushed], torch.full((int(pushed.sum()),), DYING_BIAS))
    assert not moved[~pushed].any()
    assert 0.5 * WIDTH < int(pushed.sum()) < 0.8 * WIDTH


def test_a_seed_makes_the_network_and_nothing_else() -> None:
    """Neither is the random state touched, nor does another seed give the same network."""
    before = torch.get_rng_state()
    first, again, other = (conditioned("relu", "dying", seed=seed) for seed in (3, 3, 4))
    assert torch.equal(before, torch.get_rng_state())
    same = [torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True)]
    assert all(same)
    assert not torch.equal(first.get_parameter("hidden1.linear.weight"), other.get_parameter("hidden1.linear.weight"))


@pytest.mark.parametrize(
    ("dtype", "device"), [(torch.float64, "cpu"), (torch.bfloat16, "cpu"), (torch.float32, "meta")]
)
def test_defaults_change_nothing_and_stay(
    dtype: torch.dtype, device: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """The same float32 network and digits on the CPU, whatever is the default, which is left alone."""
    monkeypatch.setattr(conditions, "pictures", cache(pictures.__wrapped__))
    usual, seen = conditioned("tanh", "dying", seed=1).state_dict(), pictures()
    request.addfinalizer(lambda: torch.set_default_dtype(torch.float32))
    request.addfinalizer(lambda: torch.set_default_device(None))
    torch.set_default_dtype(dtype)
    torch.set_default_device(device)
    found, anew = conditioned("tanh", "dying", seed=1).state_dict(), conditions.pictures()
    defaults = torch.get_default_dtype(), torch.get_default_device().type
    torch.set_default_device(None)
    torch.set_default_dtype(torch.float32)
    assert defaults == (dtype, device)
    assert torch.equal(anew, seen)
    for name, value in usual.items():
        assert torch.equal(found[name], value), name


@pytest.mark.parametrize(
    ("activation", "condition", "message"),
    [
        (
            "rellu",
            "healthy",
            f"There is no activation function 'rellu'. Closest: 'relu', 'elu', 'gelu'. Expected: {EVERY}.",
        ),
        (
            "relu",
            "dead",
            "There is no condition 'dead'. Expected: healthy, dying, saturated, exploding, vanishing.",
        ),
    ],
)
def test_unknown_networks_are_refused(activation: str, condition: str, message: str) -> None:
    """With the names that there are."""
    with pytest.raises(InputError) as caught:
        conditioned(activation, condition)
    assert str(caught.value) == message
