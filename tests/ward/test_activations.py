"""Sick and healthy networks for the rules on activations."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from pellucid.core.finding import Finding
from pellucid.core.judge import judge
from pellucid.core.learning import Learning
from pellucid.windows.activations import ActivationHistograms, histograms
from pellucid.windows.loss.measure import evaluate
from tests.ward.watching import FAULTS, Watched, blobs, findings, levels, mlp, train

LEARNED = Learning(accuracy=0.95, chance=0.25)


def _scaled(model: nn.Module, factor: float) -> nn.Module:
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(factor)
    return model


@pytest.fixture(scope="module")
def healthy() -> Watched:
    """A network that learns."""
    torch.manual_seed(0)
    return train(mlp(32, 32, 32), steps=25)


@pytest.fixture(scope="module")
def bounded() -> Watched:
    """A network of tanh that learns."""
    torch.manual_seed(0)
    return train(mlp(32, 32, 32, activation=nn.Tanh), steps=25)


@pytest.mark.parametrize("code", ["ACT001", "ACT002", "ACT003", "ACT004", "ACT006"])
def test_healthy_networks_are_not_accused(healthy: Watched, bounded: Watched, code: str) -> None:
    """No rule warns of a network that learns."""
    for one in (healthy, bounded):
        assert not levels(one.activations, code) & set(FAULTS)
    assert levels(healthy.activations, code) | levels(bounded.activations, code) & {"ok"}


def _dying(share: float) -> nn.Module:
    model = mlp(64, 64)
    with torch.no_grad():
        model[0].bias[: int(64 * share)] = -40.0
    return model


def test_dead_layers_are_no_matter_of_scale() -> None:
    """Layers that fade to nothing because every unit is off are dying, and the first weights are not to blame."""
    model = mlp(64, 64)
    for layer in (model[0], model[2]):
        nn.init.constant_(layer.bias, -100.0)
    watched = train(model, steps=25)
    (scale,) = findings(watched.activations, "ACT004")
    assert (scale.level, scale.where) == ("look", "2")
    assert scale.cause == "the units before it are off for every sample."
    verdict = judge([watched.activations, watched.gradients], limits={})
    assert verdict.problems[0].code == "ACT001"
    said = {one.where: one for one in verdict.every if one.code == "GRD007"}
    assert said["0.weight"].next_step.endswith("in the layers after this one, towards the loss.")
    assert said["4.weight"].cause == "its inputs are 0 for every sample: the units before it are dead."
    assert said["4.weight"].message.endswith("at every watched step, though its bias gets one: its inputs are 0")


def test_a_layer_after_hardly_any_living_unit_is_no_matter_of_scale() -> None:
    """A single living unit of 64 leaves a scale that is small, and not the fault of a gain."""
    torch.manual_seed(0)
    model = mlp(64, 64)
    nn.init.constant_(model[0].bias, -100.0)
    nn.init.constant_(model[2].bias, 0.0)
    with torch.no_grad():
        model[0].bias[0] = 0.0
        model[2].weight.mul_(0.1)
    assert levels(train(model, steps=4).activations, "ACT004") == {"ok"}


def test_few_dead_units_in_a_network_that_learns_are_called_harmless() -> None:
    """Their cause is no learning rate, and nothing has to be done."""
    result = train(_dying(0.4), steps=4).activations
    (found,) = (one for one in judge([result], learning=LEARNED, limits={}).every if one.code == "ACT001")
    assert found.level == "look"
    assert "do no harm" in found.cause
    assert found.next_step.startswith("Nothing needs to be done.")


def test_dead_units_are_named_with_their_layer_and_onset() -> None:
    """Units pushed below zero for all data raise an alarm at their layer, from the first step."""
    (found,) = findings(train(_dying(0.75), steps=4).activations, "ACT001")
    assert (found.level, found.where, found.step, found.samples) == ("alarm", "1", 0, 600)
    assert found.value == pytest.approx(0.75, abs=0.02)
    assert found.evidence["units"] == 64
    assert found.evidence["dead_share_of_values"] == pytest.approx(0.75, abs=0.02)
    assert found.evidence["incoming_gradient_of_dead_units"] == 0.0


def test_dead_units_that_die_late_have_a_late_onset() -> None:
    """The onset is the first window in which the share holds until the end."""
    model = mlp(64, 64)

    def kill(step: int) -> None:
        if step == 5:
            with torch.no_grad():
                model[0].bias[:40] = -40.0

    (found,) = findings(train(model, steps=12, before=kill).activations, "ACT001")
    assert found.step == 5


def test_some_dead_units_are_warned_of() -> None:
    """Between a quarter and half of the units is a warning."""
    assert levels(train(_dying(0.35), steps=4).activations, "ACT001") == {"warn"}


def test_units_that_came_back_are_not_accused() -> None:
    """Death that was over at the end is no finding."""
    model = mlp(64, 64)
    bias = model[0].bias.detach().clone()

    def kill_and_revive(step: int) -> None:
        with torch.no_grad():
            model[0].bias.copy_(torch.full_like(bias, -40.0) if step in (2, 3, 4) else bias)

    assert levels(train(model, steps=12, before=kill_and_revive).activations, "ACT001") == {"ok"}


def test_dead_units_need_samples() -> None:
    """Below 512 samples nothing is said, and how many are missing is."""
    (found,) = findings(train(_dying(0.75), steps=2).activations, "ACT001")
    assert found.level == "not-measured"
    assert found.message == "400 sound samples were seen, and 512 are needed to call a unit dead"


def test_a_check_batch_tells_of_dead_units_where_the_watch_saw_too_few() -> None:
    """A held-out batch of 512 or more is judged instead, with the same leniency for small layers and for learning."""

    def said(model: nn.Module, learning: Learning | None = None, samples: int = 600) -> list[Finding]:
        watched = train(model, steps=2).activations
        check = evaluate(model, *blobs(samples), F.cross_entropy, 1)
        found = judge([watched, check], learning=learning or Learning(), limits={}).every
        return [one for one in found if one.code == "ACT001"]

    (found,) = said(_dying(0.75))
    assert (found.level, found.where, found.samples) == ("alarm", "1", 600)
    assert found.value == pytest.approx(0.75, abs=0.02)
    assert [one.level for one in said(_dying(0.75), LEARNED)] == ["warn"]
    assert [one.level for one in said(_dying(0.35))] == ["warn"]
    assert [one.level for one in said(_dying(0.0))] == ["ok"]
    assert [one.level for one in said(_dying(0.75), samples=500)] == ["not-measured"]
    tiny = mlp(4)
    with torch.no_grad():
        tiny[0].bias[:3] = -40.0
    assert [one.level for one in said(tiny)] == ["warn"]


def test_dead_units_of_a_model_that_learns_well_are_warned_of() -> None:
    """What is left suffices: the level is one lower, and a third of the units is only looked at."""
    assert levels(train(_dying(0.75), steps=4).activations, "ACT001", learning=LEARNED) == {"warn"}
    assert levels(train(_dying(0.35), steps=4).activations, "ACT001", learning=LEARNED) == {"look"}


def test_a_sparse_network_is_alive() -> None:
    """Units that fire on one sample in twenty are sparse, not dead; the spike is shown and nobody accused."""
    torch.manual_seed(0)
    layer = nn.Linear(12, 64)
    model = nn.Sequential(layer, nn.ReLU(), nn.Linear(64, 4))
    x = torch.randn(4000, 12)
    with torch.no_grad():
        layer.bias -= (layer(x)).quantile(0.95, dim=0)
    result = histograms(model, x)
    dead, sparse = result.spike(1)
    assert dead == 0.0
    assert sparse == pytest.approx(0.95, abs=0.01)
    assert levels(result, "ACT001") == {"ok"}
    assert levels(result, "ACT002") == {"ok"}


def test_units_that_fire_once_in_a_thousand_samples_are_not_called_dead() -> None:
    """Where most units fire once or twice, those that did not fire are no evidence of death."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.ReLU(), nn.Linear(256, 2))
    x = (torch.rand(600, 256) < 1 / 600).float()
    result = histograms(model, x)
    assert float((result.series.unit_counts(0)[1] == 0).mean()) > 0.3
    assert levels(result, "ACT001") == {"ok"}


def test_a_tiny_layer_is_warned_of_at_the_most() -> None:
    """Half of four units may well be chance."""
    model = mlp(4)
    with torch.no_grad():
        model[0].bias[:3] = -40.0
    assert levels(histograms(model, blobs()[0]), "ACT001") == {"warn"}


def test_a_run_of_nan_does_not_report_dead_units() -> None:
    """Steps at and after the first NaN are not judged, and the first layer at fault is named."""
    model = mlp(32, 32)

    def spoil(step: int) -> None:
        if step == 4:
            with torch.no_grad():
                model[2].weight[0, 0] = float("nan")

    result = train(model, steps=12, before=spoil).activations
    assert levels(result, "ACT001") == {"ok"}
    assert not levels(result, "ACT003") & set(FAULTS)
    (found,) = findings(result, "ACT006")
    assert (found.level, found.where, found.step) == ("alarm", "2", 4)
    assert found.evidence["nans"] == 200
    assert found.evidence["largest_finite_before"] is not None


def test_nan_from_the_first_step_leaves_nothing_to_judge() -> None:
    """A run that was never sound has only the one finding."""
    model = mlp(32, 32)
    with torch.no_grad():
        model[0].weight.fill_(float("inf"))
    result = train(model, steps=4).activations
    assert levels(result, "ACT001") == levels(result, "ACT004") == {"not-measured"}
    assert levels(result, "ACT006") == {"alarm"}


class _Mask(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.masked_fill(x < -1.0, -torch.inf)


def test_a_mask_is_no_fault() -> None:
    """-inf alone is looked at, and the other rules go on."""
    model = nn.Sequential(nn.Linear(12, 16), _Mask(), nn.Softmax(dim=-1), nn.Linear(16, 16), nn.ReLU())
    result = histograms(model, blobs()[0])
    assert levels(result, "ACT006") == {"look"}
    assert levels(result, "ACT001") != {"not-measured"}


def test_saturated_tanh_is_found_in_every_layer() -> None:
    """Weights 25 times too large put tanh on its ends."""
    result = train(_scaled(mlp(32, 32, activation=nn.Tanh), 25), steps=4).activations
    found = findings(result, "ACT003")
    assert [(one.level, one.where) for one in found] == [("alarm", "1"), ("alarm", "3")]


def test_the_last_sigmoid_and_learned_gates_are_spared() -> None:
    """A sure classifier saturates its output; gates of a model that learns well are a warning at the most."""
    x = blobs()[0]
    last = _scaled(nn.Sequential(nn.Linear(12, 8), nn.Sigmoid()), 50)
    assert levels(histograms(last, x), "ACT003") == {"not-measured"}
    gate = nn.Sequential(last[0], last[1], nn.Linear(8, 4))
    assert levels(histograms(gate, x), "ACT003") == {"alarm"}
    assert levels(histograms(gate, x), "ACT003", learning=Learning(accuracy=0.95, chance=0.25)) == {"warn"}


@pytest.mark.parametrize(("factor", "word"), [(8.0, "grow"), (0.08, "fade")])
def test_scales_that_grow_or_fade_over_the_depth(factor: float, word: str) -> None:
    """First weights with the wrong gain change the scale from layer to layer."""
    model = mlp(*[32] * 6)
    for module in model:
        if isinstance(module, nn.Linear):
            nn.init.zeros_(module.bias)
    found = findings(histograms(_scaled(model, factor), blobs()[0]), "ACT004")
    assert found[-1].level == "alarm"
    assert f"functions {word} " in found[-1].message


def test_scales_that_grew_in_training_are_only_looked_at() -> None:
    """Updates made them: the rules on updates judge that."""
    torch.manual_seed(0)
    model = mlp(32, 32)
    result = train(model, torch.optim.Adam(model.parameters(), lr=0.5), steps=30).activations
    assert levels(result, "ACT004") <= {"look", "ok"}


def test_nothing_seen_is_not_measured() -> None:
    """An empty result says so under every rule."""
    empty = ActivationHistograms(
        series=histograms(mlp(4), blobs()[0]).series.select([]), types=(), activations=(), roles=()
    )
    for code in ("ACT001", "ACT002", "ACT003", "ACT004", "ACT006"):
        assert levels(empty, code) == {"not-measured"}
