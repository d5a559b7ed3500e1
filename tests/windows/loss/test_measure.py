"""Evaluations and curves: right, whatever the form of model and batch, and without a trace."""

import functools
import math
import random
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import pellucid as pel
from pellucid.core.errors import AddressError, InputError
from pellucid.windows.loss import Curve, LossCurves, curves, sanity
from pellucid.windows.loss.measure import evaluate
from tests.reference.curves import cross_entropy_of, spread_of_samples

Untouched = Callable[[nn.Module], AbstractContextManager[None]]


def _model(classes: int = 4) -> nn.Sequential:
    return nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, classes))


def _batch(samples: int = 300, classes: int = 4) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(samples, 6, generator=generator)
    return x, torch.randint(classes, (samples,), generator=generator)


class _Drawing(nn.Module):
    """Draws from every global generator there is."""

    def forward(self, x: Tensor) -> Tensor:
        return x * (random.random() + np.random.rand()) + torch.rand(1)  # noqa: NPY002


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("failing", [True, False])
def test_the_model_is_untouched(model_is_untouched: Untouched, training: bool, failing: bool) -> None:
    """Buffers of batch norm, modes, gradients and every random state come back, also after an exception."""
    model = nn.Sequential(_model(), _Drawing()).train(training)
    model[0][3].train(not training)
    x, y = _batch()
    model(x).sum().backward()

    def loss(output: Tensor, target: Tensor) -> Tensor:
        if failing and model[0].training is False:
            raise KeyboardInterrupt
        return F.cross_entropy(output, target)

    with model_is_untouched(model):
        try:
            evaluate(model, x, y, loss, 3)
        except KeyboardInterrupt:
            assert failing


def test_numbers_agree_with_a_plain_evaluation() -> None:
    """Loss, accuracy, predictions and ranges are those of one forward pass, whatever the parts."""
    model = _model().eval()
    x, y = _batch()
    found = sanity(model, (x, y), F.cross_entropy)
    with torch.no_grad():
        logits = model(x)
    assert found.loss_eval[0] == pytest.approx(cross_entropy_of(logits, y), rel=1e-5)
    assert found.loss_zeroed[0] == pytest.approx(cross_entropy_of(model(0 * x).detach(), y), rel=1e-5)
    assert found.accuracy_eval[0] == pytest.approx(float((logits.argmax(1) == y).double().mean()))
    assert found.predictions[0].tolist() == torch.bincount(logits.argmax(1), minlength=4).tolist()
    assert found.label_counts.tolist() == torch.bincount(y, minlength=4).tolist()
    assert found.output_low[0] == pytest.approx(float(logits.min()))
    assert found.output_high[0] == pytest.approx(float(logits.max()))
    assert found.output_std[0] == pytest.approx(float(logits.double().std(0, unbiased=False).mean()), rel=1e-5)
    assert found.row_sum_error[0] == pytest.approx(float((logits.sum(1) - 1).abs().max()), rel=1e-5)
    assert found.input_std == pytest.approx(float(x.double().std(unbiased=False)))
    assert (found.task, found.loss_name, found.samples) == ("classification", "cross_entropy", 300)


def test_spread_and_dead_units_agree_with_slow_twins() -> None:
    """Per layer, over 300 samples in three parts."""
    model = _model().eval()
    with torch.no_grad():
        model[1].bias[:4] = -50.0
    x, y = _batch()
    found = sanity(model, (x, y))
    with torch.no_grad():
        for name, share in zip(found.layers, found.spread[0], strict=True):
            assert share == pytest.approx(spread_of_samples(model[: int(name) + 1](x)), rel=1e-5)
    assert found.layers == ("0", "1", "2", "3", "4")
    assert (found.unit_layers, found.unit_samples) == (("2",), 300)
    assert found.dead_units[0].tolist() == [0.25]


class _Functional(nn.Module):
    """The same as `_model`, with its activation called as a function and dropout after it."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm, self.drop, self.head = _model()[0], nn.BatchNorm1d(16), nn.Dropout(0.5), nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.drop(F.relu(self.norm(self.first(x)))))


def test_dead_units_behind_a_function_are_counted(model_is_untouched: Untouched) -> None:
    """F.relu in forward counts as nn.ReLU does, also when everything is frozen, and nothing stays behind."""
    model = _Functional().eval().requires_grad_(False)
    model.norm.bias[:4] = -50.0
    with model_is_untouched(model):
        found = sanity(model, _batch())
    assert found.unit_layers == ("drop.input",)
    assert found.dead_units[0].tolist() == [0.25]
    named = pel.activations.histograms(model.requires_grad_(True), _batch())
    assert set(found.unit_layers) < set(named.series.names)


def test_channels_are_the_units_of_a_convolution() -> None:
    """A channel that is zero at every place of every picture is dead, a place is not."""
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 16, 3))
    with torch.no_grad():
        model[0].bias[0] = -100.0
    found = sanity(model, (torch.randn(20, 1, 6, 6), torch.randint(3, (20,))))
    assert found.dead_units[0].tolist() == [0.25]


def test_constant_activations_have_no_spread() -> None:
    """0 where all samples are the same, also where everything is 0; NaN with too few samples."""
    model = nn.Sequential(nn.Linear(6, 4), nn.ReLU())
    with torch.no_grad():
        model[0].weight.zero_()
        model[0].bias.fill_(-1.0)
    assert sanity(model, (torch.randn(20, 6), None)).spread[0].tolist() == [0.0, 0.0]
    assert np.isnan(sanity(model, (torch.randn(7, 6), None)).spread).all()


def test_train_mode_draws_the_same_every_time() -> None:
    """Two evaluations of the same model agree bit for bit, whatever was drawn in between."""
    model = _model()
    x, y = _batch()
    first = evaluate(model, x, y)
    torch.rand(7)
    second = evaluate(model, x, y)
    assert first.loss_train.tolist() == second.loss_train.tolist()
    assert first.loss_train[0] != first.loss_eval[0]


def test_modules_that_were_put_in_eval_mode_stay_there_while_training() -> None:
    """Train mode is the mode that the user trains in."""
    model = _model().train()
    model[1].eval()
    model[3].eval()
    found = evaluate(model, *_batch())
    assert found.loss_train[0] == pytest.approx(found.loss_eval[0], rel=1e-6)


def test_a_batch_of_one_has_no_train_mode() -> None:
    """Batch norm cannot be given one sample."""
    found = sanity(_model(), _batch(1))
    assert math.isnan(found.loss_train[0])
    assert math.isfinite(found.loss_eval[0])


class _Tokens(nn.Module):
    def __init__(self, form: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.embedding = nn.Embedding(11, 8)
        self.head = nn.Linear(8, 11)
        self.form = form

    def forward(self, tokens: Tensor, mask: Tensor | None = None) -> Any:
        return self.form(self.head(self.embedding(tokens)))


class _Output:
    def __init__(self, logits: Tensor) -> None:
        self.logits = logits


@pytest.mark.parametrize(
    "form",
    [lambda one: one, lambda one: (None, one), lambda one: {"loss": one.sum(), "logits": one}, _Output],
)
def test_tokens_and_outputs_of_any_form(form: Callable[[Tensor], Any]) -> None:
    """Logits are found in tuples, mappings and objects; padding is left out; zeroed tokens mean nothing."""
    model = _Tokens(form)
    tokens = torch.randint(11, (20, 5))
    labels = torch.where(torch.rand(20, 5) < 0.3, -100, tokens)
    found = sanity(model, {"tokens": tokens, "mask": None, "labels": labels})
    logits = model.head(model.embedding(tokens)).detach()
    assert found.loss_eval[0] == pytest.approx(cross_entropy_of(logits.flatten(0, 1), labels.flatten()), rel=1e-5)
    assert found.labels == int((labels >= 0).sum())
    assert (found.task, found.loss_name) == ("classification", "cross_entropy (assumed)")
    assert math.isnan(found.loss_zeroed[0])
    assert math.isnan(found.input_std)


def test_pictures_of_classes() -> None:
    """Logits (N, C, height, width) for labels (N, height, width)."""
    model = nn.Conv2d(1, 3, 1)
    x, y = torch.randn(10, 1, 4, 4), torch.randint(3, (10, 4, 4))
    found = sanity(model, (x, y))
    assert found.loss_eval[0] == pytest.approx(float(F.cross_entropy(model(x), y).detach()), rel=1e-5)
    assert found.predictions.sum() == 160


def test_regression() -> None:
    """Real targets of as many values as the outputs are a regression, by squared error when no loss is given."""
    model = nn.Linear(6, 1)
    x, _ = _batch(20)
    y = torch.linspace(-2, 5, 20)
    found = sanity(model, (x, y))
    assert (found.task, found.loss_name) == ("regression", "mse (assumed)")
    assert found.loss_eval[0] == pytest.approx(float(F.mse_loss(model(x)[:, 0], y).detach()), rel=1e-5)
    assert (found.target_low, found.target_high) == (-2.0, 5.0)
    assert math.isnan(found.accuracy_eval[0])
    assert found.predictions.shape == (1, 0)


def test_without_targets_outputs_and_layers_are_measured() -> None:
    """There is no loss, and the rest stands."""
    found = sanity(_model(), torch.randn(20, 6))
    assert (found.task, found.loss_name) == ("other", "none")
    assert math.isnan(found.loss_eval[0])
    assert np.isfinite(found.spread).all()


@pytest.mark.parametrize(
    ("loss", "name"),
    [
        (F.cross_entropy, "cross_entropy"),
        (nn.CrossEntropyLoss(), "cross_entropy"),
        (functools.partial(F.cross_entropy, label_smoothing=0.1), "cross_entropy"),
        (lambda output, target: F.nll_loss(output.log_softmax(1), target), "cross_entropy"),
        (lambda output, target: -F.cross_entropy(output, target), "<lambda>"),
        (nn.MultiMarginLoss(), "MultiMarginLoss"),
    ],
)
def test_a_loss_is_named_for_what_it_does(loss: Any, name: str) -> None:
    """What agrees with cross-entropy on the batch is cross-entropy."""
    assert sanity(_model(), _batch(), loss).loss_name == name


def test_bad_inputs_are_counted() -> None:
    """NaN and infinities in the batch, and the range of the rest."""
    x, y = _batch(20)
    x[3, 1], x[4, 2] = math.nan, math.inf
    found = sanity(_model(), (x, y))
    assert found.input_bad == 2
    assert math.isfinite(found.input_high)


def test_a_large_vocabulary_is_not_counted_a_word_each() -> None:
    """Above 1,024 classes predictions are left out, losses and accuracies are not."""
    model = nn.Linear(6, 2000)
    x, _ = _batch(20)
    found = sanity(model, (x, torch.randint(2000, (20,))))
    assert found.predictions.shape == (1, 0)
    assert math.isfinite(found.accuracy_eval[0])


def test_a_model_that_returns_no_tensor_is_refused() -> None:
    """The message says what came and what to do."""
    with pytest.raises(InputError) as error:
        sanity(_Tokens(lambda _: "nothing"), (torch.randint(11, (4, 2)), torch.randint(11, (4, 2))))
    assert str(error.value) == (
        "The model returned a str without a tensor. Expected a tensor, an object or a mapping with logits, or a "
        "tuple that holds one. Wrap the model so that it returns its logits."
    )


def test_a_wrong_address_is_refused() -> None:
    """With the error that every address has."""
    with pytest.raises(AddressError) as error:
        sanity(_model(), _batch(), at="heat")
    assert str(error.value) == "No module 'heat' in Sequential. print(pel.Subject(model)) lists all 5."


def test_curves_of_plain_numbers() -> None:
    """Values number the steps from 0, pairs bring their own, None is NaN."""
    found = curves(
        {
            "loss": [2.0, 1.0, None],
            "val_loss": ([0, 10], torch.tensor([3.0, 2.0])),
            "lr": Curve(steps=np.arange(2), values=np.ones(2)),
        },
        label_counts=[3, 4],
    )
    assert found.curve("loss").steps.tolist() == [0, 1, 2]
    assert np.isnan(found.curve("loss").values[2])
    assert found.curve("val_loss").steps.tolist() == [0, 10]
    assert len(found.curve("lr")) == 2
    assert found.label_counts.tolist() == [3, 4]
    assert len(found.curve("accuracy")) == 0


def test_curves_of_a_run() -> None:
    """Scalars, label counts and evaluations are taken from anything that has them."""

    class Run:
        facts = {"label_counts": [5, 6]}  # noqa: RUF012

        def scalars(self) -> dict[str, Curve]:
            return {"loss": Curve(steps=np.arange(3), values=np.ones(3))}

        def results(self) -> dict[str, Any]:
            return {"sanity": sanity(_model(), _batch(20))}

    found = curves(Run())
    assert isinstance(found, LossCurves)
    assert found.label_counts.tolist() == [5, 6]
    assert found.check is not None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            3,
            (
                'curves() got a int. Expected a pel.Run, or a mapping such as {"loss": [2.3, 2.1], "val_loss": '
                "([0, 1], [2.3, 2.2])}."
            ),
        ),
        ({}, 'curves() got no curve. Expected at least one, such as {"loss": [2.3, 2.1]}.'),
        (
            {"loss": ([0, 1, 2], [1.0, 2.0])},
            "Curve 'loss' has 3 steps and 2 values. Give as many of one as the other.",
        ),
        (
            {"loss": ([0, 2, 2], [1.0, 2.0, 3.0])},
            "The steps of curve 'loss' do not rise. Sort them, and keep one value a step.",
        ),
        (
            {"loss": ["a"]},
            (
                "Curve 'loss' is a list that does not hold numbers: could not convert string to float: 'a'. Give one "
                "number a step, or (steps, values)."
            ),
        ),
    ],
)
def test_what_are_no_curves_is_refused(given: Any, message: str) -> None:
    """Each message says what came and what was expected."""
    with pytest.raises(InputError) as error:
        curves(given)
    assert str(error.value) == message
