"""Measuring and drawing gradients."""

import doctest
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pellucid.core.drawing import drawings_of
from pellucid.core.errors import InputError
from pellucid.core.figure import Figure, Lines
from pellucid.core.figure.words import number
from pellucid.maths.reduce import SUMS
from pellucid.windows import gradients, weights
from pellucid.windows.gradients import GradientFlow, flow
from pellucid.windows.gradients.draw.flow import FROZEN, ZERO
from tests.ward.watching import Watched, blobs, mlp, train


@pytest.fixture(scope="module")
def watched() -> Watched:
    """A network that was watched for a few steps."""
    torch.manual_seed(0)
    return train(mlp(24, 24), steps=8)


def test_gradients_are_those_of_the_loss(
    model_is_untouched: Callable[[nn.Module], AbstractContextManager[None]],
) -> None:
    """They equal what backward leaves, and the model keeps the gradients that it had."""
    model, (x, y) = mlp(16, 16, norm=True), blobs()
    F.cross_entropy(model(x), y).backward()
    model[0].bias.grad = None
    with model_is_untouched(model):
        result = flow(model, (x, y))
    model.zero_grad()
    F.cross_entropy(model(x), y).backward()
    expected = [float(one.grad.square().mean().sqrt()) for one in model.parameters()]
    assert result.gradients.rms[0].tolist() == pytest.approx(expected, rel=1e-4, abs=1e-8)
    assert result.weights[0, 0] == pytest.approx(float(model[0].weight.detach().square().mean().sqrt()))
    assert not result.stepped
    assert not result.missing.any()


def test_frozen_and_unused_parameters_have_no_gradient() -> None:
    """They are listed, marked missing, and not measured."""
    model = mlp(16)
    model[0].requires_grad_(requires_grad=False)
    result = flow(model, blobs())
    assert result.missing[0].tolist() == [True, True, False, False]
    assert result.trainable == (False, False, True, True)
    assert np.isnan(result.gradients.rms[0, 0])


class _WithLabels(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = mlp(8)

    def forward(self, x: Tensor, labels: Tensor) -> SimpleNamespace:
        return SimpleNamespace(loss=F.cross_entropy(self.inner(x), labels))


@pytest.mark.parametrize("kind", ["classes", "tokens", "pixels", "values", "own loss", "given"])
def test_losses(kind: str) -> None:
    """Cross entropy for classes anywhere, squares for values, the model's own loss, and the one that is given."""
    x, y = blobs(40)
    model: nn.Module = mlp(8)
    batch: object = (x, y)
    loss = None
    if kind == "tokens":
        batch = (x.view(4, 10, 12), y.view(4, 10))
    elif kind == "pixels":
        model, batch = nn.Conv2d(1, 4, 1), (x[:4].view(4, 1, 3, 4), torch.randint(4, (4, 3, 4)))
    elif kind == "values":
        batch = (x, torch.randn(40, 4))
    elif kind == "own loss":
        model, batch = _WithLabels(), {"x": x, "labels": y}
    elif kind == "given":
        loss = F.multi_margin_loss
    assert float(flow(model, batch, loss=loss).norm[0]) > 0


def test_what_cannot_be_differentiated_is_refused() -> None:
    """No batch, no target, no parameter, no scalar: each error says what to pass."""
    x, y = blobs(8)
    cases: list[tuple[Callable[[], object], str]] = [
        (
            lambda: flow(mlp(4)),
            "No batch was given to run Sequential with. Pass one: pel.gradients.flow(model, (x, y)).",
        ),
        (
            lambda: flow(mlp(4), x),
            (
                "Cannot tell what to differentiate: Sequential returned a Tensor and the target is a NoneType. "
                "Pass loss=..., and the batch as (inputs, target)."
            ),
        ),
        (
            lambda: flow(nn.ReLU(), (x, y)),
            "ReLU has no parameters, so no gradient reaches any. Pass a model with weights.",
        ),
        (
            lambda: flow(mlp(4), (x, y), loss=lambda output, _: output),
            "The loss of Sequential is a tensor of shape (8, 4), expected a scalar. Reduce it with .mean().",
        ),
    ]
    for call, message in cases:
        with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
            call()


def test_rows_without_a_gradient_are_left_out_of_the_rms() -> None:
    """An embedding of which two rows are used has the RMS of these two."""
    table = nn.Embedding(100, 4)
    model = nn.Sequential(table, nn.Flatten(), nn.Linear(4, 2))
    result = flow(model, (torch.tensor([[3], [7]]), torch.tensor([0, 1])))
    F.cross_entropy(model(torch.tensor([[3], [7]])), torch.tensor([0, 1])).backward()
    expected = float(table.weight.grad[[3, 7]].square().mean().sqrt())
    assert result.gradient_rms[0, 0] == pytest.approx(expected, rel=1e-5)


def test_a_ratio_never_explodes() -> None:
    """A weight that began at zero is held against the usual first size."""
    model = mlp(16)
    nn.init.zeros_(model[2].weight)
    result = train(model, steps=2).gradients
    assert result.stepped
    expected = result.updates[0, 2] * np.sqrt(3 * 16)
    assert result.ratio[0, 2] == pytest.approx(expected)


def test_pieces_join_and_thin(watched: Watched) -> None:
    """Parameters that a piece lacks are missing there; without any update there are none."""
    result = watched.gradients
    thinned = result.thin(3)
    assert thinned.steps.tolist() == [0, 4, 7]
    assert np.array_equal(thinned.updates, result.updates[[0, 4, 7]])
    assert np.array_equal(thinned.weights, result.weights[[0, 4, 7]])
    other = flow(nn.Linear(12, 4), blobs())
    joined = GradientFlow.join([other, replace(result, updates=np.full_like(result.updates, np.nan))])
    assert not joined.stepped
    assert joined.names[:3] == ("weight", "bias", "0.weight")
    assert joined.missing[1:, 0].all()
    assert np.isnan(joined.weights[0, 2:]).all()
    mixed = GradientFlow.join([other, result])
    assert mixed.stepped
    assert np.isnan(mixed.ratio[0]).all()
    assert np.allclose(mixed.ratio[1:, 2:], result.ratio)


@pytest.mark.parametrize("name", drawings_of(GradientFlow))
def test_every_drawing_is_complete(watched: Watched, name: str) -> None:
    """Each has a title, axes with labels, words for those who do not see it, and a caveat; also of one step."""
    for result in (watched.gradients, flow(mlp(8), blobs())):
        figure = result.figure(name)
        assert figure.title
        assert figure.alt
        assert figure.caveat
        assert figure.verdict
        assert figure.panels
        assert all(panel.x.label and panel.y.label for panel in figure.panels)


def test_curves_are_the_measured_ones(watched: Watched) -> None:
    """Norm, ratio and profile are drawn as they are."""
    result = watched.gradients
    (norm,) = result.figure("norm_over_time").panels
    assert isinstance(norm.marks[0], Lines)
    assert np.array_equal(norm.marks[0].y, result.norm)
    (ratio,) = result.figure("update_ratio").panels
    band, limit, first = (mark for mark in ratio.marks[:3] if isinstance(mark, Lines))
    assert (band.low[0], band.high[0]) == (7e-4, 4e-2)
    assert limit.y.tolist() == [0.1, 0.1]
    # Only what is judged lies under a limit: not the first of the eight steps.
    assert band.x.tolist() == limit.x.tolist() == [1, 7]
    middle = np.median(result.ratio[1:, list(result.matrices)], axis=0)
    assert ratio.note == f"medians of 3 matrices from step 1 on: {number(middle.min())} to {number(middle.max())}"
    assert np.array_equal(first.y, result.ratio[:, 0])
    (profile,) = result.figure("depth_profile").panels
    assert profile.x.categories == ("0", "2", "4")


def _profile(model: nn.Module) -> tuple[Figure, dict[str, Lines]]:
    figure = flow(model, blobs()).figure("depth_profile")
    return figure, {mark.label: mark for mark in figure.panels[0].marks if isinstance(mark, Lines)}


def test_frozen_layers_keep_their_place_in_the_depth() -> None:
    """They are dots at the bottom, below every gradient, and not left out without a word."""
    model = mlp(16, 16, 16)
    model[2].requires_grad_(requires_grad=False)
    figure, lines = _profile(model)
    (panel,) = figure.panels
    assert panel.x.categories == ("0", "2", "4", "6")
    assert panel.note == "1 frozen"
    gradient, frozen = lines["median over the steps, and range"], lines[FROZEN]
    assert np.isfinite(gradient.y).tolist() == [True, False, True, True]
    assert np.isfinite(frozen.y).tolist() == [False, True, False, False]
    assert frozen.y[1] < np.nanmin(gradient.y)
    assert "Frozen layers" in figure.caveat
    assert "Frozen: 1." in figure.alt


def test_a_layer_that_is_cut_off_is_not_called_frozen() -> None:
    """A layer that asks for a gradient and gets none is marked as that."""

    class Cut(nn.Sequential):
        def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - PyTorch's own name
            return self[1](self[0](input).detach())

    figure, lines = _profile(Cut(nn.Linear(12, 8), nn.Linear(8, 4)))
    assert figure.panels[0].note == "1 with a gradient of 0, or none"
    assert np.isfinite(lines[ZERO].y).tolist() == [True, False]
    assert FROZEN not in lines


def _dead(steps: int) -> Watched:
    """A network whose rectifiers are off from the start: only the last bias learns."""
    torch.manual_seed(0)
    model = mlp(8, 8)
    for layer in (model[0], model[2]):
        nn.init.constant_(layer.bias, -100.0)
    return train(model, steps=steps)


def test_zeros_are_drawn_as_zeros() -> None:
    """Gradients that are 0 throughout lie at the bottom of an axis from 0, and updates of 0 were watched."""
    result = _dead(4).gradients
    (panel,) = result.figure("depth_profile").panels
    (zero,) = (mark for mark in panel.marks if isinstance(mark, Lines) and mark.label == ZERO)
    assert zero.y.tolist() == [0.0, 0.0, 0.0]
    assert (panel.y.scale, panel.y.limits) == ("linear", (0.0, 1.0))
    assert panel.note == "3 with a gradient of 0, or none"
    assert result.figure("update_ratio").panels[0].note == "every update of 3 matrices was 0 at 4 watched steps"
    finished = replace(result, updates=np.full_like(result.updates, np.nan))
    assert finished.figure("update_ratio").panels[0].note == "no step of an optimiser was watched"


def test_a_norm_of_zero_was_measured() -> None:
    """It lies at 0."""
    result = _dead(4).gradients
    nothing = replace(result, gradients=replace(result.gradients, sums=_without_squares(result)))
    (panel,) = nothing.figure("norm_over_time").panels
    assert isinstance(panel.marks[0], Lines)
    assert panel.marks[0].y.tolist() == [0.0] * 4
    assert (panel.note, panel.y.limits) == ("0 throughout, 4 steps", (0.0, 1.0))


def _without_squares(result: GradientFlow) -> np.ndarray:
    sums = result.gradients.sums.copy()
    sums[..., SUMS.index("squares")] = 0
    return sums


def test_what_has_no_gradient_lies_at_the_end_of_the_axis() -> None:
    """Beside layers with a gradient too: below all of them, and at no value of its own."""
    model = mlp(16, 16)
    model[2].requires_grad_(requires_grad=False)
    figure, lines = _profile(model)
    limits = figure.panels[0].y.limits
    assert limits is not None
    assert lines[FROZEN].y[1] == limits[0] < np.nanmin(lines["median over the steps, and range"].low)


def test_nothing_but_frozen_layers() -> None:
    """A picture all the same."""
    result = flow(mlp(8, 8), blobs())
    frozen = replace(result, trainable=(False,) * len(result.names))
    (panel,) = frozen.figure("depth_profile").panels
    assert panel.note == "3 frozen"


def test_a_norm_within_a_decade_has_a_plain_axis(watched: Watched) -> None:
    """Over more it is logarithmic."""
    result = watched.gradients
    assert result.figure("norm_over_time").panels[0].y.scale == "linear"
    sums = result.gradients.sums.copy()
    sums[0] *= 1e6
    wide = replace(result, gradients=replace(result.gradients, sums=sums))
    assert wide.figure("norm_over_time").panels[0].y.scale == "log"


def test_the_example_runs() -> None:
    """What the window says of itself is true."""
    assert doctest.testmod(gradients).failed == 0


def test_optimizer_in_the_backward_pass_does_not_step() -> None:
    """Hooks that wait for gradients to be accumulated do not run, also where a checkpoint has to accumulate."""

    class Recomputed(nn.Linear):
        def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002 - PyTorch's own name
            return torch.utils.checkpoint.checkpoint(super().forward, input.requires_grad_(), use_reentrant=True)

    for model in (nn.Linear(3, 2), Recomputed(3, 2)):
        ran: list[int] = []
        model.weight.register_post_accumulate_grad_hook(lambda _, ran=ran: ran.append(1))
        found = flow(model, (torch.ones(4, 3), torch.tensor([0, 1, 1, 1])))
        assert not found.missing.any()
        assert ran == []
        assert model.weight.grad is None


def test_complex_parameter_is_measured_by_magnitude() -> None:
    """One complex parameter does not cost the others their gradients; its own is told by magnitude."""

    class Turned(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.turn = nn.Parameter(torch.tensor([3 + 4j]))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return (x * self.turn).abs()

    model = Turned()
    found = flow(model, (torch.ones(2, 1), torch.zeros(2, 1)))
    assert found.weights.tolist() == [[5.0]]
    assert found.gradients.rms[0, 0] == pytest.approx(10.0)
    assert weights.histograms(model).series.rms[0, 0] == pytest.approx(5.0)
