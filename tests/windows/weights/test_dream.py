"""Dreams from the front door: what comes back, and what is refused."""

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
from pellucid.core.errors import InputError
from pellucid.core.figure import Lines
from pellucid.core.result import Result
from pellucid.windows.weights import Dreamed, DreamOptions

Untouched = Callable[[nn.Module], AbstractContextManager[None]]


def model() -> nn.Sequential:
    """Two convolutions with what a measurement could disturb between."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(inplace=True), nn.Dropout(0.5), nn.Conv2d(6, 4, 3)
    )


def photograph(rows: int = 1, height: int = 36, width: int = 48) -> Tensor:
    """A photograph of noise, as the model is given it."""
    return torch.randn(rows, 3, height, width, generator=torch.Generator().manual_seed(0))


def test_a_dream_stays_in_the_range_of_its_photograph() -> None:
    """In what the model is given, no channel beyond its darkest and brightest value."""
    result = pel.weights.dream(model(), photograph()[0], "4", octaves=2, steps=4)
    assert result.images.shape == result.inputs.shape == (1, 3, 36, 48)
    np.testing.assert_array_equal(result.inputs, photograph().numpy())
    assert (result.images.min((2, 3)) >= result.inputs.min((2, 3)) - 1e-5).all()
    assert (result.images.max((2, 3)) <= result.inputs.max((2, 3)) + 1e-5).all()
    assert (result.sizes, result.trace.shape) == (((26, 34), (36, 48)), (1, 2, 4))
    assert result.last[0] > result.first[0]
    assert 0 <= result.pictures.min() < result.pictures.max() <= 1


def test_a_normalisation_tells_black_and_white() -> None:
    """Of the subject: the dream may go there, and no further."""
    subject = pel.Subject(model(), normalization=((0.5,) * 3, (0.25,) * 3))
    result = pel.weights.dream(subject, photograph().clamp(-1, 1), "4", octaves=1, steps=5)
    assert result.low.tolist() == [[-2] * 3]
    assert result.images.min() >= -2
    assert result.images.max() <= 2
    assert result.images.max() > 1


def test_an_image_does_not_depend_on_the_others() -> None:
    """Nor does its range: dark among bright it is as alone."""
    images = photograph(3)
    images[1] *= 0.1
    together = pel.weights.dream(model(), images, "4", octaves=1, steps=3)
    alone = pel.weights.dream(model(), images[1], "4", octaves=1, steps=3)
    np.testing.assert_allclose(together.images[1], alone.images[0], rtol=1e-4, atol=1e-6)
    assert len(together.images) == 3


@pytest.mark.parametrize("failing", [False, True])
def test_the_model_is_as_it_was(failing: bool, model_is_untouched: Untouched) -> None:
    """Bit for bit, also where a forward pass fails."""
    net, calls = model(), list[None]()

    def fail(*_: object) -> None:
        calls.append(None)
        if failing and len(calls) > 2:
            raise RuntimeError("it fails")

    net[1].register_forward_hook(fail)
    with model_is_untouched(net):
        if failing:
            with pytest.raises(RuntimeError, match="it fails"):
                pel.weights.dream(net, photograph(), "4")
        else:
            pel.weights.dream(net, photograph(), "4", octaves=1, steps=2)


def test_ctrl_c_keeps_what_there_is() -> None:
    """Of the second image some steps, of the third nothing."""

    def stop(done: int, total: int) -> None:
        assert total == 12
        if done == 6:
            raise KeyboardInterrupt

    result = pel.weights.dream(model(), photograph(3), "4", octaves=1, steps=4, progress=stop)
    assert (len(result.images), result.left_out, result.stopped) == (2, 1, True)
    assert np.isfinite(result.trace).sum((1, 2)).tolist() == [4, 2]
    assert [one.message for one in result.findings] == ["stopped after 2 of 4 steps; 1 image had not been begun"]
    assert "It was stopped early." in result.figure().caveat


def curve(result: Dreamed) -> list[list[float]]:
    """Return the points of the first curve of a dream."""
    (line, *_) = result.figure().panels[2].marks
    assert isinstance(line, Lines)
    return [line.x.tolist(), line.y.tolist()]


def test_the_curve_ends_where_it_was_stopped(tmp_path: Path) -> None:
    """Steps that no image took are left out of the mean, and nothing at all leaves no curve; both can be saved."""
    whole = pel.weights.dream(model(), photograph(2), "4", octaves=1, steps=3)
    trace = np.array([[[1, 3, np.nan]], [[2, np.nan, np.nan]]], dtype=np.float32)
    early = replace(whole, trace=trace, stopped=True)
    assert curve(early) == [[1, 2], [1.5, 3]]
    lost = replace(early, trace=np.full_like(trace, np.nan), images=np.full_like(whole.images, np.nan))
    assert lost.figure().panels[2].marks == ()
    for place, one in enumerate((early, lost)):
        assert one.figure().save(tmp_path / f"{place}.png").stat().st_size > 0
        assert str(one)


def test_it_says_where_colours_are_spread() -> None:
    """Without a normalisation black and white are guessed; with one, or from 0 to 1, colours are those that came."""
    said = "It was not known how the photographs are normalised: colours are spread from the darkest to the brightest"
    image = photograph()
    assert f"{said} value of each channel." in pel.weights.dream(model(), image, "4", steps=1).figure().caveat
    known = pel.Subject(model(), normalization=((0.5,) * 3, (0.25,) * 3))
    assert said not in pel.weights.dream(known, image.clamp(-1, 1), "4", steps=1).figure().caveat
    lowest, highest = image.amin((2, 3), keepdim=True), image.amax((2, 3), keepdim=True)
    as_seen = (image - lowest) / (highest - lowest)
    assert said not in pel.weights.dream(model(), as_seen, "4", steps=1).figure().caveat


def test_it_says_which_octaves_were_left_out() -> None:
    """The smaller ones of a small image; of a large one nothing is said."""
    small = pel.weights.dream(model(), photograph(), "4", octaves=4, steps=1).figure().caveat
    assert "No octave below 18 × 24 was gone through: it would have fewer than 16 rows or columns." in small
    large = pel.weights.dream(model(), photograph(), "4", octaves=2, steps=1).figure().caveat
    assert "No octave" not in large


def test_it_comes_back_from_a_file(tmp_path: Path) -> None:
    """With its octaves."""
    result = pel.weights.dream(model(), photograph(), "4", octaves=2, steps=2)
    found = Result.load(result.save(tmp_path / "dream.safetensors"))
    assert isinstance(found, Dreamed)
    assert (found.sizes, found.options) == (result.sizes, result.options)
    np.testing.assert_array_equal(found.images, result.images)


def test_the_figure_shows_before_and_after() -> None:
    """And a curve an octave, side by side."""
    figure = pel.weights.dream(model(), photograph(2), "4", octaves=2, steps=3).figure()
    assert [one.title for one in figure.panels] == [
        "Photograph",
        "Dream",
        "Strength of the layer, octave by octave",
    ]
    assert [getattr(one, "label") for one in figure.panels[2].marks] == ["26 × 34", "36 × 48"]  # noqa: B009 - marks


REFUSED: dict[str, tuple[Any, dict[str, Any], str]] = {
    "flat": (
        torch.zeros(12),
        {},
        (
            "An image of shape (12,) came; expected a dense tensor [channel, row, column], or several as [image, "
            "channel, row, column], with what the model is given."
        ),
    ),
    "list": (
        [1.0],
        {},
        (
            "An image of type list came; expected a dense tensor [channel, row, column], or several as [image, "
            "channel, row, column], with what the model is given."
        ),
    ),
    "NaN": (
        torch.full((3, 20, 20), float("nan")),
        {},
        "The image holds NaN or infinity, which would spread over all of it. Replace those values.",
    ),
    "bytes": (
        torch.zeros(3, 20, 20, dtype=torch.uint8),
        {},
        "Pictures of torch.uint8 came. Give what the model takes: real numbers, after its normalisation.",
    ),
    "no octave": (torch.rand(3, 20, 20), {"octaves": 0}, "octaves=0 came; expected a whole number, 1 to 100."),
    "no step": (torch.rand(3, 20, 20), {"steps": 0}, "steps=0 came; expected a whole number, 1 to 1,000,000."),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_done_is_refused(kind: str) -> None:
    """With what came, and what to do."""
    image, given, words = REFUSED[kind]
    with pytest.raises(InputError) as told:
        pel.weights.dream(model(), image, "4", **given)
    assert str(told.value) == words


def test_the_seed_and_the_options_decide() -> None:
    """The same seed the same dream; longer steps another."""
    first, again = (pel.weights.dream(model(), photograph(), "4", octaves=1, steps=2).images for _ in range(2))
    np.testing.assert_array_equal(first, again)
    other = pel.weights.dream(model(), photograph(), "4", octaves=1, steps=2, options=DreamOptions(rate=0.05)).images
    assert np.abs(other - photograph().numpy()).mean() > 2 * np.abs(first - photograph().numpy()).mean()
