"""Sick and healthy trainings for the rules on losses, labels and outputs."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pellucid.core.finding import Finding, Level
from pellucid.core.judge import judge
from pellucid.maths.curves import entropy
from pellucid.windows.loss import LossCurves, SanityCheck, curves, sanity
from pellucid.windows.loss.measure import evaluate
from tests.ward.watching import FAULTS, blobs, checker_unseen, mlp

CODES = tuple(f"LOS{number:03}" for number in range(1, 14))
Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What a training left, with its held-out evaluations and without."""

    curves: LossCurves
    check: SanityCheck
    model: nn.Module

    def says(self, code: str) -> list[Finding]:
        """What one rule says about the run, folded findings too."""
        return [one for one in judge([self.check, self.curves], limits={}).every if one.code == code]

    def levels(self, code: str) -> set[Level]:
        """The levels of what one rule says."""
        return {one.level for one in self.says(code)}


def train(
    model: nn.Module | None = None,
    loss: Loss = F.cross_entropy,
    *,
    data: tuple[Tensor, Tensor] | None = None,
    batches: Callable[[int, int], Tensor] | None = None,
    rate: float = 1e-2,
    steps: int = 140,
    optimizer: torch.optim.Optimizer | None = None,
    before: Callable[[int, nn.Module], None] | None = None,
) -> Trained:
    """Train on all but the last 300 samples, 40 a step, and evaluate on those 300 every 20 steps."""
    torch.manual_seed(0)
    model = model or mlp(32, 32)
    x, y = data or blobs(900)
    seen, held = len(x) - 300, (x[-300:], y[-300:])
    optimizer = optimizer or torch.optim.Adam(model.parameters(), lr=rate)
    generator = torch.Generator().manual_seed(3)
    rows: dict[str, list[float]] = {"loss": [], "accuracy": [], "target_entropy": []}
    labels: list[Tensor] = []
    checks: list[SanityCheck] = []
    for step in range(steps):
        chosen = torch.randint(seen, (40,), generator=generator) if batches is None else batches(step, seen)
        if before is not None:
            before(step, model)
        output = model(x[chosen])
        value = loss(output, y[chosen])
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        rows["loss"].append(float(value.detach()))
        if not y.is_floating_point():
            labels.append(y[chosen])
            rows["accuracy"].append(float((output.argmax(1) == y[chosen]).float().mean()))
            rows["target_entropy"].append(entropy(torch.bincount(y[chosen]).numpy()))
        if step % 20 == 0:
            checks.append(evaluate(model, *held, loss, step))
    counts = torch.bincount(torch.cat(labels), minlength=4).numpy() if labels else None
    recorded = {name: values for name, values in rows.items() if values}
    return Trained(curves=curves(recorded, label_counts=counts), check=SanityCheck.join(checks), model=model)


@cache
def healthy() -> Trained:
    """A network that learns."""
    return train()


def _regression() -> tuple[Tensor, Tensor]:
    x, _ = blobs(900)
    return x, (x[:, :1] - x[:, 1:2]).tanh() * 2


@cache
def regression() -> Trained:
    """A regression that is learned."""
    return train(mlp(32, 32, classes=1), F.mse_loss, data=_regression())


@pytest.mark.parametrize("code", CODES)
def test_a_healthy_training_is_not_accused(code: str) -> None:
    """Every rule has enough data and is content."""
    assert healthy().levels(code) == {"ok"}


@pytest.mark.parametrize("code", CODES)
def test_a_healthy_regression_is_not_accused(code: str) -> None:
    """What needs classes is not measured, the rest is content."""
    assert regression().levels(code) <= {"ok", "not-measured"}


@pytest.mark.parametrize("code", sorted({*CODES} - {"LOS001", "LOS007", "LOS008", "LOS009", "LOS013"}))
def test_five_steps_are_too_few(code: str) -> None:
    """A verdict on a run takes more."""
    assert train(steps=5).levels(code) == {"not-measured"}


@pytest.mark.parametrize("code", CODES)
def test_missing_curves_are_not_measured(code: str) -> None:
    """A run that recorded its learning rate only is neither good nor bad."""
    found = judge([curves({"lr": [0.1] * 200})], limits={}).every
    assert {one.level for one in found if one.code == code} <= {Level.NOT_MEASURED}


@pytest.mark.parametrize("code", CODES)
def test_healthy_variants_are_not_accused(code: str, variants: list[Trained]) -> None:
    """Label smoothing, warm-up, batches of two, dropout, few steps, no evaluations, one class held out."""
    for one in variants:
        assert not one.levels(code) & {*FAULTS}, [finding.line for finding in one.says(code)]


@pytest.fixture(scope="module")
def variants() -> list[Trained]:
    """Healthy trainings that look a little odd."""
    small = mlp(32, 32)
    sgd = torch.optim.SGD(small.parameters(), lr=0.02)
    x, y = blobs(2000)
    order = torch.cat([(y != 0).nonzero()[:, 0], (y == 0).nonzero()[:, 0]])
    warm = mlp(32, 32)
    adam = torch.optim.Adam(warm.parameters(), lr=1e-2)

    def warm_up(step: int, _: nn.Module) -> None:
        adam.param_groups[0]["lr"] = 1e-2 * min(1.0, (step + 1) / 60)

    half = nn.Sequential(nn.Linear(12, 64), nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, 4))
    found = [
        train(loss=partial(F.cross_entropy, label_smoothing=0.3)),
        train(warm, optimizer=adam, before=warm_up),
        train(small, optimizer=sgd, batches=lambda _, n: torch.randint(n, (2,)), steps=600),
        train(half),
        train(steps=60),
        train(data=(x[order], y[order])),
    ]
    return [*found, replace(healthy(), check=replace(healthy().check, steps=healthy().check.steps + 5000))]


def test_a_nan_is_found_with_its_step() -> None:
    """And nothing else is said of what follows it."""

    def spoil(step: int, model: nn.Module) -> None:
        if step == 70:
            with torch.no_grad():
                model[0].weight[0, 0] = math.nan

    sick = train(before=spoil)
    (found,) = sick.says("LOS001")
    assert (found.level, found.step) == ("alarm", 70)
    assert found.message.startswith("loss is nan at step 70; the last finite value was 0.")
    problems = judge([sick.curves, sick.check], limits={}).problems
    assert [one.code for one in problems] == ["LOS001"]


def test_one_infinite_loss_that_passes_is_a_warning() -> None:
    """A scaler skips such a step."""
    run = curves({"loss": [1.0] * 20 + [math.inf] + [1.0] * 20})
    assert {one.level for one in judge([run], limits={}).every if one.code == "LOS001"} == {"warn"}


def test_ascent_is_diverging_from_the_start() -> None:
    """The optimizer maximizes; what collapses with it follows from it."""
    model = mlp(32, 32)
    sick = train(model, optimizer=torch.optim.Adam(model.parameters(), lr=1e-2, maximize=True))
    (found,) = sick.says("LOS002")
    assert found.level == "alarm"
    assert found.evidence["onset"] < 20
    assert judge([sick.curves, sick.check], limits={}).problems[0].code == "LOS002"


def test_a_flipped_sign_contradicts() -> None:
    """No cross-entropy is negative."""
    sick = train(loss=lambda output, target: -F.cross_entropy(output, target))
    (found,) = sick.says("LOS003")
    assert (found.level, found.where) == ("alarm", "loss")
    assert "no cross-entropy is below 0" in found.message
    alone = judge([sick.curves], limits={}).problems[0]
    assert alone.code == "LOS003"


def test_a_flipped_sign_of_a_regression_contradicts() -> None:
    """The training loss falls below 0 and the error on the check batch rises."""
    model = mlp(32, 32, classes=1)
    sick = train(model, lambda output, target: -F.mse_loss(output, target), data=_regression())
    plain = replace(sick.check, loss_eval=-sick.check.loss_eval, loss_name="mse (assumed)")
    (found,) = replace(sick, check=plain).says("LOS003")
    assert found.level == "alarm"


def test_labels_numbered_differently_contradict() -> None:
    """The loss falls and held-out accuracy is far below guessing."""
    sick = train(loss=lambda output, target: F.cross_entropy(output, (target + 1) % 4))
    (found,) = sick.says("LOS003")
    assert found.level == "alarm"
    assert found.value < -3


def test_a_loss_too_good_for_its_accuracy_contradicts() -> None:
    """A mask leaves out all classes but one."""

    def masked(output: Tensor, target: Tensor) -> Tensor:
        kept = (target == 0).float()
        return (F.cross_entropy(output, target, reduction="none") * kept).sum() / kept.sum().clamp(min=1)

    (found,) = train(loss=masked).says("LOS003")
    assert found.level == "alarm"
    assert "means that at least" in found.message


def test_inputs_that_tell_nothing_leave_the_loss_at_the_prior() -> None:
    """Also where the layers tell the samples apart."""
    _, y = blobs(900)
    sick = train(data=(torch.randn(900, 12), y), rate=1e-4)
    (found,) = sick.says("LOS004")
    assert found.level == "alarm"
    assert found.message.endswith("the inputs make no difference on held-out data")


def test_shuffled_labels_are_learned_by_heart() -> None:
    """Training falls, held-out accuracy stays at guessing."""
    x, y = blobs(900)
    sick = train(data=(x, y[torch.randperm(900)]), steps=300)
    (found,) = sick.says("LOS005")
    assert (found.level, found.where) == ("alarm", "labels")
    problems = judge([sick.curves, sick.check], limits={}).problems
    assert problems[0].code == "LOS005"


def test_shuffled_labels_are_a_warning_by_validation_curves_alone() -> None:
    """How many samples an accuracy rests on is not known there."""
    falling = np.linspace(1.4, 0.3, 200)
    run = curves(
        {
            "loss": falling,
            "val_loss": ([50, 100, 150], [1.5, 2.0, 2.5]),
            "val_accuracy": ([50, 100, 150], [0.25, 0.26, 0.24]),
        },
        label_counts=[100, 100, 100, 100],
    )
    assert {one.level for one in judge([run], limits={}).every if one.code == "LOS005"} == {"warn"}


class _Average(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean(0, keepdim=True).expand_as(x) + 0.001 * x


def test_a_collapse_is_found_with_its_layer() -> None:
    """The layer that averages over the batch, not the ones before it; being stuck follows from it."""
    model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), _Average(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 4))
    sick = train(model)
    assert "2" in {one.where for one in sick.says("LOS006") if one.level == "alarm"}
    assert sick.levels("LOS004") == {"look"}


def test_a_constant_answer_is_a_collapse() -> None:
    """One class has all predictions; a finished model is only warned about."""
    model = mlp(32, 32)
    with torch.no_grad():
        model[-1].bias[2] = 100.0
    sick = train(model, rate=1e-5)
    assert "predictions" in {one.where for one in sick.says("LOS006") if one.level == "alarm"}
    finished = sanity(sick.model, blobs(300))
    assert {one.level for one in finished.findings.every if one.code == "LOS006"} == {"warn"}


def test_a_softmax_before_cross_entropy_is_found() -> None:
    """In a run and in a finished model; without a loss it is a warning, for another loss a look."""
    model = nn.Sequential(*mlp(32, 32), nn.Softmax(1))
    sick = train(model)
    assert sick.levels("LOS007") == {"alarm"}

    def level(loss: Any) -> set[Level]:
        return {one.level for one in sanity(model, blobs(300), loss).findings.every if one.code == "LOS007"}

    assert level(nn.CrossEntropyLoss()) == {"alarm"}
    assert level(None) == {"look"}
    assert level(lambda output, target: F.nll_loss(output.log(), target)) == {"look"}


@pytest.mark.parametrize(("scale", "rate"), [(255.0, 1e-2), (1 / 2000, 1e-3), (0.0, 1e-2)])
def test_inputs_far_from_one_are_found(scale: float, rate: float) -> None:
    """Too large, too small, all the same."""
    x, y = blobs(900)
    sick = train(data=(x * scale, y), rate=rate, steps=80)
    found = [one for one in sick.says("LOS008") if one.where == "input"]
    assert {one.level for one in found} <= {*FAULTS}


def test_a_model_that_normalises_its_inputs_is_not_accused() -> None:
    """Inputs of 0 to 255 that are learned well are a look."""

    class Normalising(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = mlp(32, 32)

        def forward(self, x: Tensor) -> Tensor:
            return self.inner(x / 100)

    x, y = blobs(900)
    fine = train(Normalising(), data=(x * 100, y))
    assert fine.levels("LOS008") == {"look", "ok"}


@pytest.mark.parametrize("head", [nn.Sigmoid(), nn.Tanh(), nn.ReLU(), nn.Softmax(1)])
def test_outputs_that_cannot_reach_their_targets_are_found(head: nn.Module) -> None:
    """Every bounded head below targets from -2 to 2, and a softmax over one output."""
    model = nn.Sequential(*mlp(32, 32, classes=1), head)
    x, y = _regression()
    sick = train(model, F.mse_loss, data=(x, 3 * y), rate=3e-2)
    assert {one.level for one in sick.says("LOS008") if one.where == "output"} == {"alarm"}


@pytest.mark.parametrize("head", [nn.Sigmoid(), nn.ReLU(), nn.Identity()])
def test_outputs_that_reach_their_targets_are_fine(head: nn.Module) -> None:
    """A bounded head over targets within its bounds."""
    x, y = _regression()
    fine = train(nn.Sequential(*mlp(32, 32, classes=1), head), F.mse_loss, data=(x, (y + 2.2) / 4.4))
    assert {one.level for one in fine.says("LOS008") if one.where == "output"} == {"ok"}


def test_a_head_that_is_sure_of_itself_is_a_bad_start() -> None:
    """While learning succeeds it is a warning; dropout in the head is none."""
    model = mlp(32, 32)
    with torch.no_grad():
        model[-1].weight *= 60
    assert train(model).levels("LOS009") == {"warn"}
    noisy = nn.Sequential(*list(mlp(32, 32))[:-1], nn.Dropout(0.97), nn.Linear(32, 4))
    assert train(noisy).levels("LOS009") == {"ok"}


def test_statistics_that_were_not_learned_are_a_mismatch() -> None:
    """Batch norm with a momentum of nearly 0; with the usual one all is well."""
    x, y = blobs(900)
    for momentum, expected in ((1e-4, "alarm"), (0.1, "ok")):
        model = mlp(32, 32, norm=True)
        for module in model:
            if isinstance(module, nn.BatchNorm1d):
                module.momentum = momentum
        assert train(model, data=(20 * x + 30, y)).levels("LOS010") == {expected}


def test_dropout_of_nearly_everything_is_a_mismatch() -> None:
    """It guesses in train mode and not in eval mode."""
    model = nn.Sequential(nn.Linear(12, 64), nn.ReLU(), nn.Dropout(0.995), nn.Linear(64, 4))
    assert train(model, steps=200).levels("LOS010") == {"warn"}


def test_few_samples_are_learned_by_heart() -> None:
    """Training accuracy leaves held-out accuracy behind, and held-out loss rises."""
    x, y = blobs(900)
    noisy = x + 2 * torch.randn(900, 12)
    sick = train(data=(noisy, y), batches=lambda *_: torch.arange(40), steps=240)
    (found,) = sick.says("LOS011")
    assert found.level == "alarm"
    assert found.step is not None


def test_a_rising_loss_without_accuracies_is_a_warning() -> None:
    """Where it ends above its start and far above training."""
    run = curves(
        {
            "loss": np.linspace(2, 0.1, 100),
            "val_loss": (range(0, 100, 10), [2.0, 1.5, 1.2, 1.4, 1.6, 1.8, 2.0, 2.2, 2.4, 2.6]),
        }
    )
    assert {one.level for one in judge([run], limits={}).every if one.code == "LOS011"} == {"warn"}


def test_a_corrupt_batch_is_a_spike() -> None:
    """It is found at its step."""
    x, y = blobs(900)

    def corrupt(step: int, n: int) -> Tensor:
        chosen = (torch.arange(40) + 40 * step) % (n - 40)
        return torch.arange(n - 40, n) if step == 90 else chosen

    x, y = x + 2 * torch.randn(900, 12), y.clone()
    x[560:600], y[560:600] = 4 * x[560:600], (y[560:600] + 1) % 4
    (found,) = train(data=(x, y), batches=corrupt).says("LOS012")
    assert (found.level, found.step) == ("alarm", 90)


def test_sorted_batches_are_found() -> None:
    """Small batches that are drawn at random are not, however few classes they hold."""
    x, y = blobs(900)
    order = torch.cat([y[:600].argsort(stable=True), torch.arange(600, 900)])
    data = (x[order], y[order])
    sick = train(data=data, batches=lambda step, n: (torch.arange(40) + 40 * step) % n)
    assert {one.level for one in sick.says("LOS013") if one.where == "order"} <= {*FAULTS}
    fine = train(data=data, batches=lambda _, n: torch.randint(n, (3,)), steps=300)
    assert fine.levels("LOS013") == {"ok"}


def test_imbalance_is_found() -> None:
    """One class with nearly all labels; a rare class is a look."""
    x, y = blobs(900)
    for share, expected in ((0.97, {*FAULTS}), (0.8, {Level.LOOK})):
        common = torch.rand(900) < share
        order = torch.where(common, 0, y)
        order[-300:] = y[-300:]
        order[:600][(order[:600] == 3) & (torch.rand(600) < 0.9)] = 0
        found = [one for one in train(data=(x, order)).says("LOS013") if one.where == "balance"]
        assert {one.level for one in found} <= expected


def test_evaluations_leave_a_training_as_it_was() -> None:
    """Watched and unwatched runs have the same losses, bit for bit, dropout and batch norm included."""

    def losses(watched: bool) -> list[float]:
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(12, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 4))
        x, y = blobs(200)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        found: list[float] = []
        for step in range(10):
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            found.append(float(loss.detach()))
            if watched:
                with checker_unseen():
                    evaluate(model, x, y, None, step)
        return found

    assert losses(True) == losses(False)
