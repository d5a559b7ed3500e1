"""What excites each channel most."""

import copy
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pellucid.core.errors import AddressError, CaptureError, InputError
from pellucid.methods import exciting as methods_exciting
from pellucid.methods.exciting import Exciting, _Search, batches_of, exciting, stopped_after
from tests.reference.fields import best, patch

Untouched = Callable[[nn.Module], AbstractContextManager[None]]


def cnn(*, in_place: bool = False) -> nn.Sequential:
    """Convolutions with a norm, a pool and dropout."""
    return nn.Sequential(
        *(nn.Conv2d(2, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(inplace=in_place), nn.MaxPool2d(2)),
        *(nn.Conv2d(6, 5, 3, stride=2, padding=1), nn.ReLU(inplace=in_place), nn.Dropout(0.5)),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 3)),
    )


def images(count: int = 40) -> Tensor:
    """Pictures of two channels from a generator of their own."""
    return torch.randn(count, 2, 13, 13, generator=torch.Generator().manual_seed(3))


def same(first: Exciting, second: Exciting) -> None:
    """Compare everything."""
    for name, value in vars(first).items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(value, getattr(second, name), err_msg=name)
        elif name != "passes":
            assert value == getattr(second, name), name


@pytest.mark.parametrize("at", ["0", "2", "3", "4", "5", "7", "9"])
def test_the_best_are_those_of_the_slow_twin(at: str) -> None:
    """Values, examples, places, and patches with NaN beyond the border."""
    model, x = cnn(), images()
    found = exciting(model, x.split(7), at)
    part = copy.deepcopy(model)[: int(at) + 1]
    for channel in range(len(found.channels)):
        value, example, place = best(part, x, channel)
        assert found.values[channel] == pytest.approx(value, abs=1e-5)
        assert found.examples[channel] == example
        if value > 0:
            assert tuple(found.places[channel]) == place
        low, high = found.boxes[channel, 1:].T
        np.testing.assert_array_equal(found.patches[channel], patch(x[example], low, high))


def test_of_equals_the_first_is_kept() -> None:
    """Within a batch, from batch to batch, and among the places of one example."""
    x = torch.zeros(6, 1, 4, 4)
    x[2:, 0, 1, 2] = x[2:, 0, 3, 0] = 1
    for size in (1, 3, 6):
        found = exciting(nn.Sequential(nn.Identity()), x.split(size), "0")
        assert (found.examples.tolist(), found.places.tolist()) == ([2], [[1, 2]])


def test_what_a_patch_shows_is_what_excites() -> None:
    """The layers, run on the patch alone, put out the same value."""
    model, x = nn.Sequential(nn.Conv2d(2, 6, 5), nn.ReLU(), nn.Conv2d(6, 4, 3)), images()
    found = exciting(model, x, "2")
    assert found.patches.shape == (4, 2, 7, 7)
    with torch.no_grad():
        again = model(torch.from_numpy(found.patches))[:, :, 0, 0]
    np.testing.assert_allclose(again.diagonal().numpy(), found.values, atol=1e-5)


@pytest.mark.parametrize("size", [1, 7, 40, 64])
def test_it_does_not_matter_how_the_data_are_cut(size: int) -> None:
    """One batch, single examples, and a last batch that is smaller."""
    model = cnn()
    whole, cut = exciting(model, images(), "4"), exciting(model, images().split(size), "4")
    np.testing.assert_allclose(cut.values, whole.values, atol=1e-5)
    for name in ("examples", "places", "boxes", "patches"):
        np.testing.assert_array_equal(getattr(cut, name), getattr(whole, name))


def test_statistics_are_those_of_every_channel() -> None:
    """Also of channels that were not asked for."""
    model, x = cnn(), images()
    found = exciting(model, x.split(16), "2", channels=[4, 1])
    model.eval()
    with torch.no_grad():
        output = model[:3](x)
    np.testing.assert_allclose(found.highest, output.amax((0, 2, 3)), rtol=1e-5)
    np.testing.assert_allclose(found.lowest, output.amin((0, 2, 3)), rtol=1e-5)
    np.testing.assert_allclose(found.active, (output != 0).flatten(2).any(2).float().mean(0), rtol=1e-6)
    assert found.channels.tolist() == [4, 1]
    assert found.patches.shape == (2, 2, 3, 3)
    assert (found.samples, found.positions, found.shape) == (40, 40 * 169, (6, 13, 13))


def test_labels_come_along() -> None:
    """The class of each example, of batches as loaders make them; -1 where there is none."""
    labels = torch.arange(40)
    found = exciting(cnn(), [[images()[:20], labels[:20]], [images()[20:], labels[20:]]], "0")
    np.testing.assert_array_equal(found.labels, found.examples)
    assert (exciting(cnn(), images(), "0").labels == -1).all()
    assert (exciting(cnn(), (images(), labels.float()), "0").labels == -1).all()


def test_where_nothing_is_finite_there_is_no_best() -> None:
    """What is missing is NaN and -1."""
    found = exciting(cnn(), images(2) * torch.nan, "0")
    assert np.isnan(found.values).all()
    assert np.isnan(found.patches).all()
    for one in (found.examples, found.labels, found.places):
        assert (one == -1).all()


def test_of_patches_that_are_too_large_the_first_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that fit, and one at the least."""
    monkeypatch.setattr(methods_exciting, "_MOST_BYTES", 2 * 2 * 9 * 4 + 1)
    assert exciting(cnn(), images(2), "0", channels=[4, 1, 3]).channels.tolist() == [4, 1]
    assert exciting(cnn(), images(2), "7", channels=[4, 1, 3]).patches.shape == (1, 2, 13, 13)


def test_other_layouts() -> None:
    """Sound, dense units, tokens, and a function behind a dense layer along tokens."""
    sound = exciting(nn.Sequential(nn.Conv1d(1, 4, 5), nn.ReLU()), torch.randn(6, 1, 50), "1")
    assert (sound.shape, sound.places.shape, sound.patches.shape) == ((4, 46), (4, 1), (4, 1, 5))
    dense = exciting(nn.Sequential(nn.Linear(7, 3)), torch.randn(6, 7), "0")
    assert (dense.shape, dense.places.shape, dense.patches.shape) == ((3,), (3, 0), (3, 7))
    tokens = exciting(nn.Sequential(nn.Linear(7, 3), nn.ReLU()), torch.randn(6, 9, 7), "1")
    assert (tokens.shape, tokens.places.shape, tokens.patches.shape) == ((3, 9), (3, 1), (3, 1, 7))
    volume = exciting(nn.Sequential(nn.Conv3d(1, 2, 3)), torch.randn(2, 1, 6, 7, 8), "0")
    assert (volume.shape, volume.patches.shape) == ((2, 4, 5, 6), (2, 1, 3, 3, 3))


def test_channels_at_the_end_are_found_by_their_sizes() -> None:
    """An output [example, row, column, channel] of a module that says nothing of itself."""

    class Last(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            """Put the channels last."""
            return x.movedim(1, -1)

    found = exciting(nn.Sequential(nn.Conv2d(2, 5, 3, padding=1), Last()), images(), "1")
    assert found.shape == (5, 13, 13)
    assert found.patches.shape == (5, 2, 3, 3)


def test_token_ids_are_shown_whole() -> None:
    """Whole numbers take no NaN, so that the field cannot be measured."""
    model = nn.Sequential(nn.Embedding(11, 4), nn.Linear(4, 3))
    ids = torch.randint(11, (6, 5))
    found = exciting(model, ids, "1")
    assert (found.field, found.patches.dtype) == ("unknown", np.int64)
    np.testing.assert_array_equal(found.patches, ids.numpy()[found.examples])


def test_named_inputs_and_dictionaries_of_outputs() -> None:
    """The picture is found among the inputs, and the tensor in the output."""

    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.part = nn.Sequential(nn.Conv2d(2, 3, 3))

        def forward(self, scale: Tensor, pixels: Tensor) -> dict[str, Tensor]:
            """Scale, then convolve."""
            return {"logits": self.part(pixels * scale[:, None, None, None])}

    data = [{"scale": torch.ones(8), "pixels": images(8), "labels": torch.arange(8)}]
    found = exciting(Two(), data, "part")
    assert (found.path, found.field, found.patches.shape) == (".pixels", "measured", (3, 2, 3, 3))


def test_a_module_that_is_called_twice_is_told_by_its_call() -> None:
    """The first call counts unless another is named."""

    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convolution, self.act = nn.Conv2d(2, 2, 3, padding=1), nn.ReLU()

        def forward(self, x: Tensor) -> Tensor:
            """Convolve twice with the same weights."""
            return self.act(self.convolution(self.act(self.convolution(x))))

    first, second = exciting(Twice(), images(), "act"), exciting(Twice(), images(), "act#2")
    assert (first.layer, first.patches.shape[-1]) == ("act", 3)
    assert (second.layer, second.patches.shape[-1]) == ("act#2", 5)
    with pytest.raises(CaptureError) as caught:
        exciting(Twice(), images(), "act#3")
    assert str(caught.value) == "'act#3' was asked for, and the layer was called 2 times."


def test_what_is_not_finite_excites_nothing() -> None:
    """NaN and infinity among the inputs are counted and passed over."""
    x = images()
    x[3, :, 5, 5], x[4, 0, 2, 2] = torch.nan, torch.inf
    found = exciting(cnn(), x, "0")
    assert np.isfinite(found.values).all()
    assert not np.isin(found.examples, (3, 4)).all()
    assert (found.broken > 0).all()
    assert np.isfinite(found.highest).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions(dtype: torch.dtype) -> None:
    """Values come at least in float32."""
    found = exciting(cnn().to(dtype), images().to(dtype), "4")
    assert found.values.dtype == (np.float64 if dtype == torch.float64 else np.float32)
    assert found.field == "measured"
    assert found.patches.shape == (5, 2, 8, 8)


def test_a_wrapped_model_is_run_as_it_is_inside() -> None:
    """Its layers go by the user's own names."""
    model = cnn(in_place=True)
    same(exciting(nn.DataParallel(model), images(), "4"), exciting(model, images(), "4"))


@pytest.mark.slow
def test_a_compiled_model_is_run_as_it_was_written() -> None:
    """What was compiled before does not hide the layer, whole or in part."""
    model, x = cnn(in_place=True).eval(), images()
    plain = exciting(model, x, "4")
    compiled = torch.compile(model, backend="eager")
    with torch.no_grad():
        compiled(x)
    same(exciting(compiled, x, "4"), plain)  # pyright: ignore[reportArgumentType]
    model[4].compile(backend="eager")
    with torch.no_grad():
        model(x)
    same(exciting(model, x, "4"), plain)


def test_a_generator_is_gone_through_once() -> None:
    """Data that can be read a single time do."""

    def batches() -> Iterator[Tensor]:
        yield from images().split(9)

    torch.manual_seed(1)
    model = cnn()
    same(exciting(model, batches(), "4"), exciting(model, images().split(9), "4"))


@pytest.mark.parametrize("failing", [False, True])
def test_the_model_comes_back_as_it_was(failing: bool, model_is_untouched: Untouched) -> None:
    """Bit for bit, in train mode, also when its forward fails and when it is stopped in the middle."""
    model = cnn()
    model(images()).sum().backward()
    model[1].eval()
    if failing:
        calls = iter(range(100))

        def fail(*_: object) -> None:
            if next(calls) == 3:
                raise KeyboardInterrupt

        model[1].register_forward_hook(fail)
    with model_is_untouched(model), suppress(KeyboardInterrupt):
        exciting(model, images().split(9), "4")


class _Stops:
    """A loader that Ctrl-C ends after some batches, or while one of them is looked at."""

    def __init__(self, batches: Iterable[Tensor], after: int) -> None:
        self.batches, self.after = list(batches), after

    def __iter__(self) -> Iterator[Tensor]:
        """Yield batches, and stop."""
        yield from self.batches[: self.after]
        raise KeyboardInterrupt


@pytest.mark.parametrize("where", ["loader", "model", "search"])
def test_ctrl_c_keeps_the_batches_that_were_done(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if there had been no others, wherever it comes; what was begun of a batch is not in it."""
    batches, model = images().split(9), cnn()
    whole = exciting(model, batches[:2], "4")
    data: Any = _Stops(batches, 2) if where == "loader" else batches

    def stop(_: nn.Module, given: tuple[Tensor]) -> None:
        if torch.equal(given[0][:1], batches[2][:1]):
            raise KeyboardInterrupt

    class Merges(_Search):
        def _merge(self, *given: Any, space: tuple[int, ...]) -> None:
            """Fail in the third batch, whose values have been counted."""
            if self.samples == 18:
                raise KeyboardInterrupt
            super()._merge(*given, space=space)

    if where == "model":
        model.register_forward_pre_hook(stop)
    if where == "search":
        monkeypatch.setattr(methods_exciting, "_Search", Merges)
    found = exciting(model, data, "4")
    assert found.stopped
    assert not whole.stopped
    same(replace(found, stopped=False), whole)
    assert stopped_after(found) == "stopped with Ctrl-C after 18 examples"
    assert stopped_after(whole) == stopped_after(None) == ""


def test_ctrl_c_before_the_first_batch_is_raised() -> None:
    """There is nothing to keep."""
    with pytest.raises(KeyboardInterrupt):
        exciting(cnn(), _Stops([], 0), "4")


def test_memory_is_halved_where_it_ends() -> None:
    """A batch that does not fit is looked at in parts, with the same result."""

    class Small(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            """Take no more than five examples."""
            if len(x) > 5:
                raise torch.OutOfMemoryError("full")
            return x

    model = nn.Sequential(Small(), nn.Conv2d(2, 3, 3))
    plain = exciting(nn.Sequential(nn.Identity(), model[1]), images(), "1")
    found = exciting(model, images(), "1")
    np.testing.assert_allclose(found.values, plain.values, atol=1e-6)
    np.testing.assert_array_equal(found.patches, plain.patches)
    assert found.samples == 40


REFUSED = {
    "Channel 6 does not exist: '0' has 6, so expected 0 to 5.": {"channels": [0, 6]},
    "'0#x' came; expected the number of a call behind '#', such as '0#2'.": {"at": "0#x"},
    "Data of type int came; expected a batch, or a loader or list of batches. Give a torch.utils.data.DataLoader, or "
    "[x1, x2, ...].": {"data": 3},
    "The batches yield nothing. Expected at least one batch of 1 example or more. Give a list or a DataLoader that has "
    "any; a generator can be gone through only once.": {"data": []},
    "The layer '8' returned a tensor of shape (3,), which has no axis of channels or units behind that of the "
    "examples. Name another layer.": {"at": "8", "model": "sum"},
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_cannot_be_done_is_refused(message: str) -> None:
    """With what came, what was expected and what to do."""
    given = {"data": images(3), "at": "0"} | REFUSED[message]

    class Sum(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            """Return one number an example."""
            return x.flatten(1).sum(1)

    model = nn.Sequential(*cnn()[:8], Sum()) if given.pop("model", None) else cnn()
    with pytest.raises(InputError) as caught:
        exciting(model, given.pop("data"), given.pop("at"), **given)
    assert str(caught.value) == message


def test_wrong_layers_are_named_with_the_closest() -> None:
    """And one that does not run is said so."""
    with pytest.raises(AddressError) as caught:
        exciting(cnn(), images(), "11")
    assert str(caught.value) == "No module '11' in Sequential. Closest: '1'. print(pel.Subject(model)) lists all 10."


def test_a_single_list_of_two_tensors_is_one_batch() -> None:
    """As loaders make it; tensors of one shape are batches."""
    x, y = images(4), torch.arange(4)
    assert len(list(batches_of([x, y]))) == 1
    assert len(list(batches_of([x, x]))) == 2
    assert len(list(batches_of((x, y)))) == 1
    assert len(list(batches_of(x.split(1)))) == 4
    assert len(list(batches_of(((x, x), y)))) == 1
    assert len(list(batches_of([(x, y), (x, y)]))) == 2
