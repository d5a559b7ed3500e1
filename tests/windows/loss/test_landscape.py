"""Tests of landscapes: exact cells, smooth surfaces that are checked, arguments, and models that come back."""

import functools
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import pellucid as pel
from pellucid.core.errors import InputError
from pellucid.windows.loss import Landscape, LandscapeOptions
from tests.kinds import Net, batch

QUICK = LandscapeOptions(lines=0)
Guarded = Callable[[nn.Module], AbstractContextManager[None]]


def test_the_smooth_surface_is_that_of_every_point() -> None:
    """A hundred points are measured, and the others are those of the whole grid to the error that is told."""
    model, data = Net(), batch(256)
    found = pel.loss.landscape(model, data, options=QUICK)
    whole = pel.loss.landscape(model, data, options=LandscapeOptions(lines=0, tolerance=0.0))
    assert found.measured.sum() == 100
    assert whole.measured.all()
    assert whole.missed.size == 0
    assert found.error <= 0.02
    assert np.abs(found.losses / whole.losses - 1).max() <= 0.02
    np.testing.assert_array_equal(found.losses[found.measured], whole.losses[found.measured])


def test_a_surface_that_is_not_smooth_is_measured() -> None:
    """Where cells that were held out are missed, finer grids are measured, in the end every point."""

    class Stairs(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.at = nn.Linear(2, 1, bias=False)

        def forward(self, x: Tensor) -> Tensor:
            """Return steps."""
            return torch.floor(8 * self.at(x)) + 20

    found = pel.loss.landscape(Stairs(), (torch.ones(64, 2), torch.zeros(64, 1)), options=QUICK)
    assert found.measured.all()
    assert found.error == 0


def test_the_middle_is_the_loss_and_errors_are_paired() -> None:
    """The middle is the loss of the whole data in eval mode, its own error is 0, and errors grow with the distance."""
    model, (x, y) = Net(), batch(256)
    found = pel.loss.landscape(model, (x, y), options=QUICK)
    model.eval()
    assert found.middle == pytest.approx(float(F.cross_entropy(model(x), y).detach()), rel=1e-6)
    middle = found.losses.shape[0] // 2
    assert found.errors[middle, middle] == 0
    assert found.errors[0, 0] > found.errors[middle, middle + 4] > 0
    assert found.parts == 16


def test_lines_go_along_directions_of_their_own() -> None:
    """Further directions depend on the seed alone, and their middle is that of the plane."""
    model, data = Net(), batch(64)
    first, again, other = (
        pel.loss.landscape(model, data, resolution=3, options=LandscapeOptions(lines=3, seed=seed, tolerance=tolerance))
        for seed, tolerance in ((0, 0.02), (0, 0.0), (1, 0.0))
    )
    np.testing.assert_array_equal(first.lines, again.lines)
    assert (first.lines[:, 0] != other.lines[:, 0]).all()
    np.testing.assert_allclose(first.lines[:, 4], first.middle, rtol=1e-9)
    assert first.spread.shape == (3,)


def test_steepest_directions_rise_fastest() -> None:
    """Along the Hessian's steepest directions the loss rises more than along random ones of the same length."""
    model, (x, y) = Net(), batch(128)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(150):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    optimizer.zero_grad()
    options = LandscapeOptions(lines=0)
    steep = pel.loss.landscape(model, (x, y), directions="hessian", radius=0.05, resolution=9, options=options)
    plain = pel.loss.landscape(model, (x, y), radius=0.05, resolution=9, options=options)
    assert steep.losses.max() - steep.middle > 3 * (plain.losses.max() - plain.middle)
    assert abs(steep.cosine) < 1e-3


def test_batch_norm_is_named_and_recalibrated() -> None:
    """The mode is told; with statistics measured anew far points are less steep."""
    model, data = Net(), batch(256)
    held = pel.loss.landscape(model, data, options=QUICK)
    anew = pel.loss.landscape(model, data, options=LandscapeOptions(lines=0, recalibrated=True))
    none = pel.loss.landscape(nn.Linear(12, 4), data, resolution=3, options=QUICK)
    assert (held.statistics, anew.statistics, none.statistics) == ("held", "recalibrated", "none")
    assert "statistics that the model holds" in held.figure().caveat
    assert "measured anew at each point" in anew.figure().caveat
    assert not np.allclose(held.losses, anew.losses)


def test_the_model_comes_back(model_is_untouched: Guarded) -> None:
    """Weights, buffers, gradients, modes and random state are as they were, also where the model or the loss fails."""
    model, (x, y) = Net(), batch(64)
    F.cross_entropy(model(x), y).backward()
    model.norm.weight.requires_grad_(False)
    with model_is_untouched(model):
        pel.loss.landscape(model, (x, y), resolution=3, options=LandscapeOptions(lines=1, recalibrated=True))
    with model_is_untouched(model):
        pel.loss.landscape(model, (x, y), directions="hessian", resolution=3, options=QUICK)

    def failing(output: Any, target: Any) -> Tensor:
        value = F.cross_entropy(output, target)
        if len(target) > 2:  # not while it is looked at with two examples
            raise RuntimeError("out of ink")
        return value

    with model_is_untouched(model), pytest.raises(RuntimeError, match="out of ink"):
        pel.loss.landscape(model, (x, y), loss=failing, options=QUICK)


def test_subjects_loaders_and_mappings_are_data() -> None:
    """A subject's own batches and loss, a loader with a small last batch, and named inputs give the same loss."""
    model, (x, y) = Net(), batch(100)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=32)
    options = LandscapeOptions(lines=0, samples=99)
    subject = pel.Subject(model, batches=loader, loss=F.cross_entropy)
    ways = [pel.loss.landscape(model, loader, resolution=3, options=options)]
    ways.append(pel.loss.landscape(subject, resolution=3, options=options))
    ways.append(pel.loss.landscape(model, [{"x": x, "labels": y}], resolution=3, options=options))
    for one in ways:
        assert one.samples == 99
        np.testing.assert_allclose(one.losses, ways[0].losses, rtol=1e-5)


def test_targets_that_do_not_count_weigh_nothing() -> None:
    """Padding does not change the mean, whichever part it falls into."""
    model, (x, y) = Net(), batch(64)
    y = y.clone()
    y[40:] = -100
    found = pel.loss.landscape(model, (x, y), resolution=3, options=QUICK)
    model.eval()
    assert found.middle == pytest.approx(float(F.cross_entropy(model(x), y).detach()), rel=1e-6)


def test_it_is_saved_drawn_and_told(tmp_path: Any) -> None:
    """A file gives it back, and the picture has the surface, the plane from above, lines and figures."""
    found = pel.loss.landscape(Net(), batch(64), options=LandscapeOptions(lines=2))
    again = Landscape.load(found.save(tmp_path / "ground.safetensors"))
    np.testing.assert_array_equal(again.losses, found.losses)
    figure = again.figure()
    assert [one.title for one in figure.panels] == ["Surface", "From above", "Along 2 further directions", "In figures"]
    assert "100 of 1,089 points were measured" in figure.caveat


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"resolution": 10}, "resolution=10 came; expected an odd number, so that a node lies at the weights"),
        ({"radius": 0.0}, "radius=0.0 came; expected a number, above 0."),
        ({"data": None}, "No data was given to measure the loss of Net on. Give batches (input, target)"),
        ({"data": [torch.zeros(4, 12)]}, "Cannot tell what the loss of Net is: there is no target, and no loss"),
        ({"directions": "up"}, "directions='up' came; expected 'random', 'hessian', a path such as watch.path"),
    ],
)
def test_what_cannot_be_used_is_refused(arguments: dict[str, Any], message: str) -> None:
    """The message says what came and what is expected."""
    with pytest.raises(InputError, match=f"^{re.escape(message)}"):
        pel.loss.landscape(Net(), **({"data": batch(8), "options": QUICK} | arguments))


def test_half_precision_is_refused_for_zooms() -> None:
    """Within a hundredth bfloat16 has no more than rounding to show; at the radius 1 it is measured."""
    model, (x, y) = nn.Linear(12, 4).bfloat16(), batch(64)
    data = (x.bfloat16(), y)
    with pytest.raises(InputError, match=r"radius=0\.002 came, and 'weight' is of torch\.bfloat16"):
        pel.loss.landscape(model, data, radius=0.002, options=QUICK)
    assert np.isfinite(pel.loss.landscape(model, data, resolution=5, options=QUICK).losses).all()


def targets() -> tuple[Tensor, Tensor]:
    """Return examples of which the first 20 are of class 3, which a loss may pass over."""
    x, y = batch(61)
    y = y.clone()
    y[:20] = 3
    return x, y


CLASS_WEIGHTS = torch.tensor([1.0, 5.0, 9.0, 0.0])


@pytest.mark.parametrize(
    "loss",
    [
        nn.CrossEntropyLoss(ignore_index=3),
        functools.partial(F.cross_entropy, ignore_index=3),
        nn.CrossEntropyLoss(weight=CLASS_WEIGHTS),
        nn.CrossEntropyLoss(reduction="sum"),
        nn.CrossEntropyLoss(weight=CLASS_WEIGHTS, reduction="sum"),
        nn.CrossEntropyLoss(weight=CLASS_WEIGHTS + 1, label_smoothing=0.1),
        nn.CrossEntropyLoss(ignore_index=3, reduction="none"),
        nn.MultiMarginLoss(reduction="sum"),
    ],
    ids=["ignored", "partial", "weighted", "sum", "weighted sum", "smoothed", "none", "other sum"],
)
def test_parts_count_as_the_loss_says(loss: Any) -> None:
    """The middle is the loss of all data at once, whatever it passes over, weighs or adds up."""
    model, (x, y) = Net(), targets()
    found = pel.loss.landscape(model, (x, y), loss=loss, resolution=3, options=QUICK)
    model.eval()
    assert found.middle == pytest.approx(float(loss(model(x), y).detach().mean()), rel=1e-5)
    assert np.isfinite(found.losses).all()


def test_a_part_without_a_loss_is_told() -> None:
    """A function of one's own that passes over a whole part, and an example with NaN, are named."""
    model, (x, y) = Net(), targets()
    y[:20] = 255
    message = r"^The loss at the weights is NaN on 1 of 4 parts of the data, the first of them part 1 with 15 examples"
    own = lambda output, target: F.cross_entropy(output, target, ignore_index=255)  # noqa: E731
    with pytest.raises(InputError, match=message):
        pel.loss.landscape(model, (x, y), loss=own, resolution=3, options=QUICK)
    x[0] = float("nan")
    with pytest.raises(InputError, match=message):
        pel.loss.landscape(model, (x, y % 4), resolution=3, options=QUICK)


@pytest.mark.parametrize("loss", [None, nn.CrossEntropyLoss(), F.cross_entropy, lambda o, t: 2 * F.cross_entropy(o, t)])
def test_labels_without_an_output_are_refused(loss: Any) -> None:
    """A label beyond the outputs is named, and data of which no target counts is refused."""
    x, y = batch(64)
    with pytest.raises(InputError, match=r"^The label 5 came, and the model has outputs for classes 0 to 3"):
        pel.loss.landscape(Net(), (x, y * 0 + 5), loss=loss, options=QUICK)
    with pytest.raises(InputError, match=r"^None of 64 examples has a target that counts"):
        pel.loss.landscape(Net(), (x, y * 0 - 100), options=QUICK)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_steepest_directions_are_found_in_half_precision(kind: torch.dtype) -> None:
    """Lanczos runs in float32: the steepest direction of half precision is that of the same weights in float32."""
    torch.manual_seed(0)
    model, (x, y) = nn.Linear(12, 4).to(kind), batch(64)
    half = pel.loss.landscape(model, (x.to(kind), y), directions="hessian", resolution=5, options=QUICK)
    data = (x.to(kind).float(), y)
    whole = pel.loss.landscape(model.float(), data, directions="hessian", resolution=5, options=QUICK)
    rise = [sorted((one.losses[2, 0], one.losses[2, -1])) for one in (half, whole)]
    np.testing.assert_allclose(rise[0], rise[1], rtol=0.1)


class Ball(nn.Module):
    """A loss that bends alike along every direction."""

    def __init__(self) -> None:
        super().__init__()
        self.at = nn.Parameter(torch.ones(2, 3))

    def forward(self, x: Tensor) -> Tensor:
        """Return the height."""
        return self.at.square().sum() + 0 * x[:, :1]


def test_the_second_steepest_direction_may_be_any() -> None:
    """Where one step of Lanczos is enough the second direction is drawn, at a right angle."""
    data = (torch.ones(4, 1), torch.zeros(4, 1))
    found = pel.loss.landscape(Ball(), data, loss=height, directions="hessian", resolution=3, options=QUICK)
    assert abs(found.cosine) < 1e-6
    assert found.losses[0, 0] + found.losses[2, 2] == pytest.approx(2 * (found.middle + 12), rel=1e-5)


def height(output: Tensor, target: Tensor) -> Tensor:
    """Return the mean of the outputs."""
    return output.mean() + 0 * target.sum()


def made_under_inference() -> nn.Module:
    """Return a model through which no gradients go."""
    with torch.inference_mode():
        return Net()


def with_nan() -> nn.Module:
    """Return a model with a weight that is NaN."""
    model = Net()
    with torch.no_grad():
        model.first.weight[0, 0] = float("nan")
    return model


@pytest.mark.parametrize(
    ("model", "arguments", "message"),
    [
        (nn.Linear(12, 1), {"loss": height}, "directions='hessian' came, and the loss does not bend at these weights"),
        (
            nn.Linear(12, 4),
            {"loss": lambda output, _: float(output.detach().sum())},
            "The loss came without a gradient, as a plain number",
        ),
        (with_nan(), {}, "'first.weight' holds 1 of 192 values that are NaN or infinite, and there is no"),
        (Net().to("meta"), {}, "'first.weight' is on the meta device and has no values. Give a model with weights."),
        (
            made_under_inference(),
            {"directions": "random"},
            "'first.weight' was made or loaded under torch.inference_mo",
        ),
        (Net(), {"radius": 1e39}, "radius=1e+39 came, and 'head.bias' is of torch.float32, which does not reach that"),
        (nn.Linear(12, 4).half(), {"radius": 1e5}, "radius=100000 came, and 'bias' is of torch.float16, which does"),
        (Net(), {"loss": lambda *_: None}, "The loss returned a NoneType; expected one real number, as a tensor"),
        (
            Net(),
            {"loss": lambda output, _: output.sum() / 0 * 0},
            "Product 1 of the Hessian with a vector is not finite. The los",
        ),
    ],
)
def test_models_and_losses_that_cannot_be_used_are_refused(
    model: nn.Module, arguments: dict[str, Any], message: str
) -> None:
    """The message says what came and what is expected, and no error of PyTorch comes through."""
    x, y = batch(8)
    x = x.to(next(model.parameters()).dtype)
    with pytest.raises(InputError, match=f"^{re.escape(message)}"):
        pel.loss.landscape(model, **({"data": (x, y), "directions": "hessian", "options": QUICK} | arguments))


def test_a_single_weight_has_no_plane_of_curvature() -> None:
    """One weight has one direction."""
    x = torch.ones(4, 1)
    with pytest.raises(InputError, match=r"^directions='hessian' came, and the model has a single weight, around"):
        pel.loss.landscape(nn.Linear(1, 1, bias=False), (x, x), directions="hessian", options=QUICK)


@pytest.mark.parametrize("directions", ["random", "hessian"])
def test_the_default_device_does_not_matter(directions: str) -> None:
    """With any default device everything is made where the model is."""
    model, data = Net(), batch(64)
    plain = pel.loss.landscape(model, data, directions=directions, loss=F.cross_entropy, resolution=3, options=QUICK)
    for loss in (F.cross_entropy, nn.CrossEntropyLoss(reduction="sum"), None):
        with torch.device("meta"):
            found = pel.loss.landscape(model, data, directions=directions, loss=loss, resolution=3, options=QUICK)
        assert found.middle == pytest.approx(plain.middle * (64 if isinstance(loss, nn.Module) else 1))


def test_progress_counts_each_grid_on_its_own() -> None:
    """The coarse grid comes to its end, and only where it is not enough another follows; lines count after it."""
    calls: list[tuple[int, int]] = []
    options = LandscapeOptions(lines=2)
    pel.loss.landscape(Net(), batch(64), options=options, progress=lambda done, total: calls.append((done, total)))
    assert calls[:2] == [(1, 100), (2, 100)]
    assert calls[99:] == [(100, 100), (1, 2), (2, 2)]
    calls.clear()
    options = LandscapeOptions(lines=0, tolerance=1e-9)
    data = batch(64)
    pel.loss.landscape(
        Net(), data, resolution=17, options=options, progress=lambda done, total: calls.append((done, total))
    )
    assert calls[99:101] == [(100, 100), (1, 189)]
    assert calls[-1] == (189, 189)


def test_a_plane_without_a_value_is_drawn() -> None:
    """Nothing warns where every loss is NaN."""
    x, y = batch(64)
    found = pel.loss.landscape(Net(), (x * float("nan"), y), resolution=5, options=LandscapeOptions(lines=2))
    figure = found.figure()
    assert [one.title for one in figure.panels] == ["Along 2 further directions", "In figures"]
    assert "rise" not in str(found)
