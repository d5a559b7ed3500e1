"""Sick and healthy trainings for the rules on losses and labels."""

import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pellucid.core.finding import Level
from pellucid.core.judge import judge
from pellucid.windows.loss import curves
from pellucid.windows.loss.measure import evaluate
from tests.ward.losses import CODES, Trained, healthy, regression, sums, train
from tests.ward.watching import FAULTS, blobs, mlp


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


def _warmed_up() -> Trained:
    model = mlp(32, 32)
    adam = torch.optim.Adam(model.parameters(), lr=1e-2)

    def warm_up(step: int, _: nn.Module) -> None:
        adam.param_groups[0]["lr"] = 1e-2 * min(1.0, (step + 1) / 60)

    return train(model, optimizer=adam, before=warm_up)


def _batches_of_two() -> Trained:
    model = mlp(32, 32)
    sgd = torch.optim.SGD(model.parameters(), lr=0.02)
    return train(model, optimizer=sgd, batches=lambda _, n: torch.randint(n, (2,)), steps=600)


def _one_class_held_out() -> Trained:
    x, y = blobs(2000)
    order = torch.cat([(y != 0).nonzero()[:, 0], (y == 0).nonzero()[:, 0]])
    return train(data=(x[order], y[order]))


VARIANTS = {
    "label smoothing": lambda: train(loss=partial(F.cross_entropy, label_smoothing=0.3)),
    "warm-up": _warmed_up,
    "batches of two": _batches_of_two,
    "dropout": lambda: train(nn.Sequential(nn.Linear(12, 64), nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, 4))),
    "few steps": lambda: train(steps=60),
    "one class held out": _one_class_held_out,
    "late evaluations": lambda: replace(healthy(), check=replace(healthy().check, steps=healthy().check.steps + 5000)),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_healthy_variants_are_not_accused(variant: str) -> None:
    """Healthy trainings that look a little odd are accused by no rule."""
    trained = VARIANTS[variant]()
    for code in CODES:
        assert not trained.levels(code) & {*FAULTS}, [finding.line for finding in trained.says(code)]


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
    sick = train(model, lambda output, target: -F.mse_loss(output, target), data=sums())
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
    step, loss, zeroed = (one[-1] for one in (sick.check.steps, sick.check.loss_eval, sick.check.loss_zeroed))
    assert f"; at step {step} the held-out loss is {loss:.4g}, and {zeroed:.4g} with zeroed inputs; " in found.message


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


def test_few_samples_are_learned_by_heart() -> None:
    """Training accuracy leaves held-out accuracy behind, and held-out loss rises."""
    x, y = blobs(900)
    noisy = x + 2 * torch.randn(900, 12)
    sick = train(data=(noisy, y), batches=lambda *_: torch.arange(40), steps=240)
    (found,) = sick.says("LOS011")
    assert found.level == "alarm"
    assert found.step is not None


def test_few_held_out_samples_show_no_gap() -> None:
    """Fifteen points are two standard errors of 300 examples, and not of 20."""
    x, y = blobs(900)
    sick = train(data=(x + 2 * torch.randn(900, 12), y), batches=lambda *_: torch.arange(40), steps=240)
    gap = sick.says("LOS011")[0].value
    assert gap is not None
    few = replace(sick.check, samples=max(int((0.5 / gap) ** 2 * 2), 1))
    assert {one.level for one in judge([few, sick.curves], limits={}).every if one.code == "LOS011"} == {"ok"}


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
                evaluate(model, x, y, None, step)
        return found

    assert losses(True) == losses(False)
