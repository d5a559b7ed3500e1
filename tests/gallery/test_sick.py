"""The fault injections: each fault is measured in the network that is said to have it."""

from copy import deepcopy

import pytest
import torch

from pellucid.core.errors import InputError
from pellucid.gallery import INJECTIONS, build, healthy
from tests.gallery.evidence import EVIDENCE, run_case

DIAGNOSES = {
    "non-finite", "dying-relu", "saturation", "vanishing-gradient", "exploding-gradient", "activation-scale",
    "update-too-large", "update-too-small", "diverging", "objective-contradicts-metric", "stuck-at-prior",
    "labels-not-learnable", "collapse", "symmetric-units", "frozen", "softmax-before-cross-entropy",
    "input-or-output-range", "bad-start", "train-eval-mismatch", "overfit", "loss-spike",
    "batch-order-or-imbalance", "gradients-not-cleared",
}  # fmt: skip

SLOW = [(kind, name) for kind, one in INJECTIONS.items() for name in one.where if name != "mlp"]


@pytest.mark.parametrize("kind", INJECTIONS)
def test_the_fault_is_present_in_an_mlp(kind: str) -> None:
    """Training really makes the network sick in the way that is said."""
    assert EVIDENCE[kind](run_case(kind, "mlp"))


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "architecture"), SLOW)
def test_the_fault_is_present_in_the_other_architectures(kind: str, architecture: str) -> None:
    """Training really makes the network sick in the way that is said."""
    assert EVIDENCE[kind](run_case(kind, architecture))


@pytest.mark.parametrize("kind", ["dying-relu-bias", "rate-1e-8", "weight-kick", "softmax-head", "sign-flip"])
def test_the_evidence_of_a_fault_is_absent_from_another_one(kind: str) -> None:
    """The measurement says no on a network with a different fault: it can fail."""
    case = run_case("biased-head" if kind != "dying-relu-bias" else "left-out-of-optimizer", "mlp")
    assert not EVIDENCE[kind](case)


def test_every_injection_has_evidence_and_known_diagnoses() -> None:
    """All 23 diagnoses are intended somewhere, and no fault goes unmeasured."""
    assert set(EVIDENCE) == set(INJECTIONS)
    assert {code for injection in INJECTIONS.values() for code in injection.intended} == DIAGNOSES
    assert all(1 <= len(injection.intended) <= 3 for injection in INJECTIONS.values())


@pytest.mark.parametrize("kind", INJECTIONS)
def test_an_injection_leaves_the_healthy_run_alone(kind: str) -> None:
    """Applying a fault makes a new run: the weights and data of the old one stay."""
    injection = INJECTIONS[kind]
    for architecture, place in injection.where.items():
        trainee = build(healthy(architecture))
        weights, pictures = deepcopy(trainee.model.state_dict()), trainee.split.train_x.clone()
        sick = injection.apply(trainee)
        assert sick.name == f"{architecture}/{kind}"
        assert sick.model is not trainee.model
        assert place is None or sick.model.get_submodule(place) is not None
        assert all(torch.equal(weights[name], value) for name, value in trainee.model.state_dict().items())
        assert torch.equal(pictures, trainee.split.train_x)


def test_a_fault_that_an_architecture_cannot_have_is_refused() -> None:
    """The message names the architectures that can have it."""
    with pytest.raises(InputError) as caught:
        INJECTIONS["dying-relu-rate"].apply(build(healthy("transformer")))
    assert str(caught.value) == (
        "The fault 'dying-relu-rate' cannot be put into architecture 'transformer'. Use one of 'mlp', 'cnn'."
    )
