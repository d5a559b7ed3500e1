"""Sick and healthy maps for the rules on saliency."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import pellucid as pel
from pellucid.core.result import Result
from tests.ward.watching import findings, levels


class _Kinked(nn.Module):
    """A score with a step in it: two nodes see nothing of it."""

    def forward(self, x: Tensor) -> Tensor:
        """Rise by 1 between .9 and .91."""
        return (100 * (x[:, 0] - 0.9)).clamp(0, 1)


def mlp(shift: float = 0.0) -> nn.Sequential:
    """A small network; a large negative shift switches every unit off."""
    torch.manual_seed(0)
    hidden = nn.Linear(8, 32)
    nn.init.constant_(hidden.bias, shift)
    return nn.Sequential(hidden, nn.ReLU(), nn.Linear(32, 4))


def inputs() -> Tensor:
    """Sixteen examples."""
    return torch.randn(16, 8, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("method", ["gradient", "smoothgrad", "integratedgradients", "deeplift", "occlusion"])
def test_maps_of_a_healthy_network_are_not_accused(method: str) -> None:
    """No rule accuses; what a method does not promise is not measured."""
    found = pel.gradients.saliency(mlp(), inputs(), method=method).findings
    assert {one.level for one in found} <= {"ok", "not-measured"}


def test_a_map_of_zeros_names_the_layer_at_which_the_gradient_is_lost() -> None:
    """Every hidden unit is off; the linear layer behind them still gets a gradient."""
    result = pel.gradients.saliency(mlp(shift=-100.0), inputs(), 2)
    (found,) = result.findings.problems
    assert (found.code, found.level, found.where, found.value) == ("GRD009", "warn", "1", 1.0)
    assert found.message == "16 of 16 maps are 0 everywhere; the gradient is lost at 1"


@pytest.mark.parametrize("method", ["gradient", "inputxgradient", "smoothgrad"])
def test_saturated_units_lose_a_gradient_that_is_not_zero(method: str) -> None:
    """All units of a tanh stand at nearly 1; healthy ones, and ones half way, are not accused."""

    def net(bias: float) -> nn.Sequential:
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 4))
        nn.init.constant_(model[0].bias, bias)
        return model

    result = pel.gradients.saliency(net(8.0), inputs(), 0, method=method)
    (found,) = result.findings.problems
    assert (found.code, found.level, found.where, found.value) == ("GRD009", "warn", "1", 1.0)
    assert found.message == "16 of 16 maps are saturated: all but 0; the gradient is lost at 1"
    assert found.evidence == {"first example": 0, "maps of next to nothing": 16}
    assert abs(result.map).max() > 0
    for bias in (0.0, 2.0):
        assert levels(pel.gradients.saliency(net(bias), inputs(), 0, method=method), "GRD009") == {"ok"}


def test_a_probability_of_one_is_saturated_and_its_logit_is_not() -> None:
    """The softmax is named: as a module, or as a part of the target."""
    model = mlp()
    with torch.no_grad():
        model[2].weight.mul_(200)
    through = pel.gradients.saliency(nn.Sequential(model, nn.Softmax(1)), inputs())
    assert set(through.silent) == {"", "1"}
    target = pel.gradients.saliency(model, inputs(), lambda output: output.softmax(1).amax(1))
    assert set(target.silent) == {"", "the target"}
    assert set(pel.gradients.saliency(model, inputs()).silent) == {""}


def test_a_score_that_hardly_uses_the_input_is_not_saturated() -> None:
    """A large bias makes the score large, not the gradient small; and no layer takes the gradient."""
    model = mlp()
    with torch.no_grad():
        model[2].bias.add_(1e5)
    assert levels(pel.gradients.saliency(model, inputs(), 0), "GRD009") == {"ok"}


def test_a_class_that_nothing_speaks_for_is_no_lost_gradient() -> None:
    """The rectified map of a class activation map may be 0 while the gradient is not."""
    first, last = nn.Conv2d(1, 2, 3), nn.Linear(2 * 36, 2)
    nn.init.constant_(first.weight, 0.1)
    nn.init.constant_(last.weight, -1.0)
    model = nn.Sequential(first, nn.Flatten(), last)
    result = pel.gradients.saliency(model, torch.ones(3, 1, 8, 8), 0, method="gradcam")
    (found,) = findings(result, "GRD009")
    assert found.level == "look"
    assert found.message.startswith("3 of 3 maps are 0 everywhere, though the gradient arrives: the channels, each ")
    assert found.cause == "The score falls where the layer is active, and what speaks against the score is cut off."
    rectified = nn.Sequential(first, nn.ReLU(), nn.Flatten(), last)
    for method, net in (("gradcam", model), ("guidedgradcam", rectified)):
        (found,) = findings(pel.gradients.saliency(net, torch.ones(3, 1, 8, 8), 0, method=method), "GRD009")
        assert found.level == "look"
        assert found.next_step == (
            "See what speaks against it with method=pel.gradients.GradCAM(relu=False), or explain the class that "
            "scores highest."
        )
    unlike = pel.gradients.saliency(model, torch.ones(3, 1, 8, 8), 0, method=pel.gradients.GradCAM(relu=False))
    assert levels(unlike, "GRD009") == {"ok"}
    assert (unlike.map < 0).all()


@pytest.mark.parametrize("method", ["gradient", "integratedgradients", "smoothgrad", "occlusion"])
def test_a_weight_that_is_not_finite_is_an_alarm(method: str) -> None:
    """Whatever the method, the fault is named, and nothing else is said of its maps; the sound twin passes."""
    model = mlp()
    assert levels(pel.gradients.saliency(model, inputs(), 0, method=method), "GRD016") == {"ok"}
    with torch.no_grad():
        model[0].weight[0] = torch.nan
    result = pel.gradients.saliency(model, inputs(), 0, method=method)
    (found,) = result.findings.problems
    assert (found.code, found.level) == ("GRD016", "alarm")
    assert levels(result, "GRD009") == {"not-measured"}


@pytest.mark.parametrize("function", [torch.erf, torch.atan, torch.sinh])
def test_relevance_that_meets_a_function_without_a_rule_is_lost(function: Callable[[Tensor], Tensor]) -> None:
    """It is told, and not of functions with one; what biases absorb is none of it."""

    class Net(nn.Module):
        def __init__(self, inner: Callable[[Tensor], Tensor]) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.first, self.second, self.inner = nn.Linear(6, 12), nn.Linear(12, 3), inner

        def forward(self, x: Tensor) -> Tensor:
            return self.second(self.inner(2 * self.first(x)))

    x = torch.randn(8, 6, generator=torch.Generator().manual_seed(1))
    for known in (torch.relu, torch.tanh, nn.functional.gelu):
        assert levels(pel.gradients.saliency(Net(known), x, 0, method="lrp"), "GRD010") == {"ok"}
    (found,) = findings(pel.gradients.saliency(Net(function), x, 0, method="lrp"), "GRD010")
    assert found.level == "warn"
    assert found.message.endswith(
        "of the score: the model calls a function that lrp has no rule for, or its epsilon is large"
    )


def test_a_path_that_steps_over_a_kink_is_incomplete() -> None:
    """Two nodes miss the whole step; as many as it takes are found when nobody says how many."""
    x = torch.tensor([[1.0]])
    few = pel.gradients.saliency(_Kinked(), x, method=pel.gradients.IntegratedGradients(nodes=2, exact=True))
    (found,) = findings(few, "GRD010")
    assert found.message == "the map of example 0 misses 100.0 % of the difference that it explains with 2 nodes"
    many = pel.gradients.saliency(_Kinked(), x, method=pel.gradients.IntegratedGradients(nodes=4096, tolerance=0.02))
    assert levels(many, "GRD010") == {"ok"}


def test_two_noisy_samples_are_noise() -> None:
    """A look, and none with enough samples."""
    few = pel.gradients.SmoothGrad(samples=4, noise=2.0, antithetic=False)
    assert levels(pel.gradients.saliency(mlp(), inputs(), method=few), "GRD011") == {"look"}
    many = pel.gradients.SmoothGrad(samples=200, noise=0.1)
    assert levels(pel.gradients.saliency(mlp(), inputs(), method=many), "GRD011") == {"ok"}


def test_maps_of_zeros_have_no_sampling_error() -> None:
    """An error is a share of the map, and there is no map; one example with a map is enough to judge."""
    method = pel.gradients.SmoothGrad(samples=8)
    (found,) = findings(pel.gradients.saliency(mlp(shift=-100.0), inputs(), method=method), "GRD011")
    assert (found.level, found.message) == (
        "not-measured",
        "every map is 0 everywhere, and an error is a share of a map",
    )
    model = nn.Sequential(nn.Linear(1, 1), nn.ReLU())
    with torch.no_grad():
        model[0].weight.fill_(1.0)
        model[0].bias.fill_(0.0)
    some = pel.gradients.saliency(model, torch.tensor([[-5.0], [5.0]]), 0, method=method)
    assert some.is_zero(0)
    assert levels(some, "GRD011") == {"ok"}


def test_a_gradient_too_small_to_be_squared_is_not_lost() -> None:
    """Its square is 0 in float32; the map of the method is 0, and the gradient arrives."""
    model = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2))
    with torch.no_grad():
        for one in model.parameters():
            one.fill_(1e-14)
    result = pel.gradients.saliency(model, torch.zeros(2, 4), 0, method="inputxgradient")
    assert result.silent == ("", "")


def test_maps_of_zeros_and_small_ones_are_told_apart_in_one_batch() -> None:
    """A unit is off for the first example, saturated for the second, and neither for the third."""

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.off, self.saturated = nn.ReLU(), nn.Tanh()

        def forward(self, x: Tensor) -> Tensor:
            return self.saturated(self.off(x)).sum(1, keepdim=True)

    result = pel.gradients.saliency(Net(), torch.tensor([[-3.0, -4.0], [9.0, 8.0], [0.1, 0.2]]), 0)
    assert result.silent == ("off", "saturated", "")


def test_a_result_comes_back_from_a_file(tmp_path: object) -> None:
    """With the names of the classes, the options and the notes."""
    subject = pel.Subject(mlp(), class_names=("ant", "bee", "cat", "dog"))
    result = pel.gradients.saliency(subject, inputs(), [3, *[0] * 15], method="integratedgradients")
    found = Result.load(result.save(f"{tmp_path}/map.safetensors"))
    assert isinstance(found, pel.gradients.Saliency)
    assert (found.target_name(0), found.target_name(1)) == ("dog", "ant")
    assert (found.options, found.notes, found.targets) == (result.options, result.notes, result.targets)
    assert (found.map == result.map).all()


def test_a_score_that_is_not_finite_is_an_alarm_though_its_map_is() -> None:
    """The gradient of one logit passes a NaN in its weight by; what it explains is NaN."""
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    with torch.no_grad():
        model[2].bias[0] = torch.nan
    result = pel.gradients.saliency(model, torch.rand(3, 4), 0)
    (found,) = findings(result, "GRD016")
    assert (found.level, found.message) == ("alarm", "3 of 3 maps hold NaN or infinity, or explain a score that is")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_where_a_script_module_loses_its_gradient_cannot_be_said() -> None:
    """It shows no layers: the whole model is named, and not the target."""
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    with torch.no_grad():
        model[0].bias.fill_(-100)
    result = pel.gradients.saliency(torch.jit.script(model), torch.rand(3, 4), 0)
    assert result.silent == ("(model)", "(model)", "(model)")


def test_the_layer_that_loses_a_gradient_is_named_without_a_number_of_its_call() -> None:
    """The pass that finds what a class activation map explains is not on the tape."""
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(72, 3))
    with torch.no_grad():
        model[3].weight.zero_()
    assert pel.gradients.saliency(model, torch.rand(2, 1, 8, 8), 0, method="gradcam").silent == ("3", "3")
