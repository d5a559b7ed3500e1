"""Pictures that excite units, from the front door: what comes back, what is kept, and what is refused."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import pellucid as pel
from pellucid.core.errors import AddressError, InputError
from pellucid.core.figure import Tiles
from pellucid.core.result import Result
from pellucid.windows.weights import Maximized, MaximizeOptions
from tests.methods.synthesis.nets import Functional, edge, matched, small

Untouched = Callable[[nn.Module], AbstractContextManager[None]]


def examples(rows: int = 40) -> Tensor:
    """Pictures of 8 x 8 around 0, as after a normalisation."""
    return torch.randn(rows, 1, 8, 8, generator=torch.Generator().manual_seed(0))


def test_the_model_is_given_what_the_result_says() -> None:
    """Pictures lie in [0, 1]; the model sees them in the range of the examples, and is as active as told."""
    model = small()
    result = pel.weights.maximize(model, "3", [1, 3], like=examples(), steps=12)
    assert result.pictures.shape == (2, 1, 8, 8)
    assert 0 <= result.pictures.min() < result.pictures.max() <= 1
    assert (result.layer, result.units, result.places, result.range_from) == ("3", (1, 3), 64, "examples")
    assert result.low[0] == pytest.approx(float(examples().min()))
    assert result.high[0] == pytest.approx(float(examples().max()))
    with torch.no_grad():
        expected = model[:4](torch.tensor(result.inputs)).mean((2, 3))[[0, 1], [1, 3]]
    np.testing.assert_allclose(result.values, expected, rtol=1e-4)
    assert (result.rise > 0).all()
    assert result.trace.shape == (2, 12)
    assert result.provenance.seed == 0
    assert result.provenance.samples == 40


def test_the_best_real_example_stands_beside() -> None:
    """The one that excites the unit most, as the model was given it."""
    model = matched(edge())
    data = [(examples()[:25], torch.zeros(25)), (examples()[25:], torch.zeros(15))]
    result = pel.weights.maximize(model, "0", 0, like=data, steps=4)
    scores = model(examples()).detach().flatten()
    assert result.real_numbers.tolist() == [int(scores.argmax())]
    assert result.real[0] == pytest.approx(float(scores.max()), rel=1e-5)
    shown = result.low[0] + (result.high[0] - result.low[0]) * result.real_pictures[0, 0]
    clipped = examples()[int(scores.argmax()), 0].numpy().clip(result.low[0], result.high[0])
    np.testing.assert_allclose(shown, clipped, atol=1e-5)


def test_no_example_is_the_best_for_a_unit_that_never_fires() -> None:
    """All are alike to it: its place is empty; and the picture that nothing moved is named."""
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU())
    with torch.no_grad():
        model[0].bias.copy_(torch.tensor([-100.0, 1.0]))
    result = pel.weights.maximize(model, "1", like=examples(), steps=4)
    assert result.unexcited.tolist() == [True, False]
    made, best = result.figure().panels[:2]
    (tiles,) = best.marks
    assert isinstance(tiles, Tiles)
    assert tiles.titles[0] == "none excites it"
    assert tiles.titles[1].startswith(f"{result.real_numbers[1]}: ")
    assert (tiles.images[0] == tiles.images[0, 0, 0]).all()
    assert best.note.endswith("; where it is empty, no real example excites the unit")
    assert made.note == (
        "above it the unit; behind it how active the unit is. Not moved in 4 steps, so that the picture says nothing: 0"
    )
    low = MaximizeOptions(negative=True)
    assert not pel.weights.maximize(model, "1", 1, like=examples(), steps=4, options=low).unexcited.any()


def test_a_size_alone_has_no_examples() -> None:
    """Nothing is compared, and inputs are taken to lie between 0 and 1, which the figure says."""
    result = pel.weights.maximize(small(), "3", 0, like=(1, 8, 8), steps=3)
    assert (result.examples, result.real_numbers.tolist(), len(result.real_pictures)) == (0, [-1], 0)
    assert np.isnan(result.real).all()
    np.testing.assert_array_equal(result.inputs, result.pictures)
    assert "It was not known how inputs are normalised" in result.figure().caveat
    assert [one.title for one in result.figure().panels] == ["Made-up pictures", "How active, step by step"]


def test_a_subject_brings_names_normalisation_and_batches() -> None:
    """The model's output has units with names; a hidden layer has not, though it has as many units."""
    names = ("ant", "bee", "cat", "dog", "eel")
    subject = pel.Subject(
        small(), class_names=names, normalization=((0.5,), (0.25,)), batches=[(examples(), torch.zeros(40))]
    )
    result = pel.weights.maximize(subject, units=[4, 0], steps=3)
    assert (result.layer, result.names, result.range_from) == ("(model)", ("eel", "ant"), "normalization")
    assert (result.low[0], result.high[0]) == (-2, 2)
    assert result.examples == 40
    assert result.figure().title == "What excites 2 classes of the model's output most"
    same = pel.weights.maximize(pel.Subject(small(), class_names=names[:4]), "3", like=(1, 8, 8), steps=2)
    assert (same.names, same.units) == ((), (0, 1, 2, 3))


def test_low_is_as_good_as_high() -> None:
    """A unit is lowered where that is asked for, and the lowest example stands beside."""
    model = matched(edge())
    options = MaximizeOptions(negative=True, jitter=0, zoom=0, turn=0)
    result = pel.weights.maximize(model, "0", 0, like=examples(), steps=30, options=options)
    assert result.values[0] < result.first[0]
    assert result.rise[0] > 0
    assert result.real[0] == pytest.approx(model(examples()).min().item(), rel=1e-5)
    assert result.figure().title == "What lowers unit 0 of '0' most"


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_any_number_of_channels_can_be_seen(channels: int) -> None:
    """Three are drawn in colour, of others the mean, as greys from black to white."""
    model = nn.Sequential(nn.Conv2d(channels, 3, 3))
    result = pel.weights.maximize(model, "0", like=torch.rand(4, channels, 7, 9), steps=2)
    (tiles,) = result.figure().panels[0].marks
    drawn = getattr(tiles, "images")  # noqa: B009 - a mark
    colours = result.pictures if channels == 3 else result.pictures.mean(axis=1, keepdims=True).repeat(3, axis=1)
    np.testing.assert_allclose(drawn, colours.transpose(0, 2, 3, 1), atol=1e-6)
    assert (f"Of {channels} channels the mean is drawn." in result.figure().caveat) == (channels in (2, 5))


def test_a_mapping_is_given_by_name() -> None:
    """As models of libraries take it; the labels stay away."""

    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = small()

        def forward(self, *, pixels: Tensor) -> dict[str, Tensor]:
            return {"logits": self.inner(pixels)}

    like = {"pixels": examples(), "labels": torch.zeros(40)}
    result = pel.weights.maximize(Named(), units=2, like=like, steps=2)
    expected = pel.weights.maximize(small(), units=2, like=examples(), steps=2)
    np.testing.assert_allclose(result.pictures, expected.pictures, rtol=1e-5)


@pytest.mark.slow
def test_wrapped_and_compiled_models_are_unwrapped() -> None:
    """Also one that was compiled in place before, whose hooks would be passed over."""
    plain = Functional()
    expected = pel.weights.maximize(plain, "second", 0, like=(1, 8, 8), steps=2).pictures
    wrapped = nn.DataParallel(plain)
    np.testing.assert_array_equal(
        pel.weights.maximize(wrapped, "second", 0, like=(1, 8, 8), steps=2).pictures, expected
    )
    plain.compile(backend="eager")
    plain(examples())
    np.testing.assert_array_equal(pel.weights.maximize(plain, "second", 0, like=(1, 8, 8), steps=2).pictures, expected)
    torch.compiler.reset()


@pytest.mark.parametrize("failing", ["nothing", "forward", "interrupt"])
@pytest.mark.parametrize("training", [True, False])
def test_the_model_is_as_it_was(failing: str, training: bool, model_is_untouched: Untouched) -> None:
    """Bit for bit, frozen parts and gradients included, also where a forward pass fails at the third step."""
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Dropout(0.5))
    model(examples()).sum().backward()
    model[0].bias.requires_grad_(requires_grad=False)
    model.train(training)
    calls: list[None] = []

    def fail(*_: object) -> None:
        calls.append(None)
        if failing != "nothing" and len(calls) > 6:
            raise {"forward": RuntimeError("it fails"), "interrupt": KeyboardInterrupt()}[failing]

    model[1].register_forward_hook(fail)
    with model_is_untouched(model):
        if failing == "forward":
            with pytest.raises(RuntimeError, match="it fails"):
                pel.weights.maximize(model, "3", like=(1, 8, 8), steps=9)
        elif failing == "nothing":
            pel.weights.maximize(model, "3", like=(1, 8, 8), steps=9)
        else:
            with pytest.raises(KeyboardInterrupt):  # the picture that would be kept cannot be read either
                pel.weights.maximize(model, "3", like=(1, 8, 8), steps=9)


def test_ctrl_c_keeps_what_there_is(model_is_untouched: Untouched) -> None:
    """The picture as far as it came, with a finding that says so."""

    def stop(done: int, total: int) -> None:
        assert total == 80
        if done == 12:
            raise KeyboardInterrupt

    model = small()
    with model_is_untouched(model):
        result = pel.weights.maximize(model, "3", like=(1, 8, 8), steps=20, progress=stop)
    assert result.stopped
    assert (result.units, result.left_out, result.steps.tolist()) == ((0, 1, 2, 3), 0, [2] * 4)
    assert np.isfinite(result.trace).sum(1).tolist() == [2] * 4
    assert "stopped after 2 of 20 steps" in {one.message for one in result.findings}
    assert not result.findings.at("ok")
    assert "It was stopped early." in result.figure().caveat


def test_it_comes_back_from_a_file(tmp_path: Path) -> None:
    """With the options and the pictures."""
    options = MaximizeOptions(normalization=((0.5,), (0.5,)))
    result = pel.weights.maximize(small(), "3", [0, 1], like=examples(), steps=3, options=options)
    found = Result.load(result.save(tmp_path / "pictures.safetensors"))
    assert isinstance(found, Maximized)
    assert found.options == result.options
    np.testing.assert_array_equal(found.pictures, result.pictures)


REFUSED: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "no size": (
        {},
        InputError,
        (
            "It is not known what the model is given. Give like=(channels, height, width), a batch of pictures, or a "
            "loader, whose best examples are then shown beside."
        ),
    ),
    "no steps": (
        {"like": (1, 8, 8), "steps": 0},
        InputError,
        "steps=0 came; expected a whole number, 1 to 1,000,000.",
    ),
    "no layer": (
        {"like": (1, 8, 8), "at": "33"},
        AddressError,
        "No module '33' in Sequential. Closest: '3'. print(pel.Subject(model)) lists all 6.",
    ),
    "no unit": (
        {"like": (1, 8, 8), "at": "3", "units": 4},
        AddressError,
        "No unit 4 in '3', which has 4: 0 to 3.",
    ),
    "features": (
        {"like": torch.zeros(4, 64)},
        InputError,
        (
            "Inputs of shape (4, 64) came, expected one tensor of pictures [examples, channels, height, width]: only "
            "pictures have waves to be made of. Give like=(channels, height, width), a batch of pictures [examples, "
            "channels, height, width], or a loader of such."
        ),
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_done_is_refused(kind: str) -> None:
    """With what came, and what to do."""
    given, error, words = REFUSED[kind]
    with pytest.raises(error) as told:
        pel.weights.maximize(small(), **given)
    assert str(told.value) == words


def test_many_units_without_a_step_have_no_range() -> None:
    """A trace of NaN alone is drawn as nothing."""
    units = pel.weights.maximize(nn.Conv2d(1, 12, 3), "(model)", like=(1, 8, 8), steps=1)
    lost = replace(units, trace=np.full_like(units.trace, np.nan))
    assert lost.figure().panels[-1].marks == ()


def test_many_units_are_drawn_as_a_range() -> None:
    """Up to five have a curve each; of more the median, and the first sixteen have a picture."""
    model = nn.Sequential(nn.Conv2d(1, 20, 3))
    few = pel.weights.maximize(model, "0", [0, 7], like=(1, 8, 8), steps=3).figure().panels[-1].marks
    assert [getattr(one, "label") for one in few] == ["unit 0", "unit 7"]  # noqa: B009 - marks of one kind
    result = pel.weights.maximize(model, "0", range(20), like=(1, 8, 8), steps=3)
    figure = result.figure()
    (curve,) = figure.panels[-1].marks
    assert getattr(curve, "label") == "median of 20 units, and their range"  # noqa: B009 - a mark
    assert "4 units more are not drawn." in figure.caveat
    assert len(pel.weights.maximize(model, "0", like=(1, 8, 8), steps=1).units) == 16
