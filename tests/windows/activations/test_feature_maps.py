"""What each channel of a layer makes of one example."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import pellucid as pel
from pellucid.core.errors import AddressError, InputError
from pellucid.core.figure import Bars, Heat, Lines, Table, Tiles
from pellucid.core.figure.words import number
from pellucid.core.finding import Level


def cnn() -> nn.Sequential:
    """Two convolutions, and a dense layer."""
    return nn.Sequential(
        *(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 50, 3, padding=1), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(50 * 25, 6), nn.ReLU()),
    )


def images(count: int = 20) -> Tensor:
    """Pictures from a generator of their own."""
    return torch.randn(count, 3, 10, 10, generator=torch.Generator().manual_seed(1))


def test_maps_are_what_the_layer_puts_out_most_active_first() -> None:
    """Raw, of the example that was asked for, in eval mode."""
    model, x = nn.Sequential(*cnn()[:2], nn.Dropout(0.5), *cnn()[2:]), images()
    found = pel.activations.feature_maps(model, x, "2", example=3)
    expected = model[1](model[0](x))[3].detach().numpy()
    np.testing.assert_allclose(found.maps, expected, atol=1e-6)
    strength = np.abs(expected).mean(axis=(1, 2))
    assert found.order.tolist() == np.argsort(-strength, kind="stable").tolist()
    np.testing.assert_array_equal(found.given, x[3].numpy())
    for channel in range(8):
        row, column = np.unravel_index(found.maps[channel].argmax(), found.maps[channel].shape)
        assert found.boxes[channel, 1:].tolist() == [[row - 1, row + 2], [column - 1, column + 2]]


def test_silent_is_said_of_one_example_and_dead_of_all() -> None:
    """A channel that is off here may be on elsewhere."""
    model, x = cnn(), images(600)
    with torch.no_grad():
        model[0].bias[0], tops = -100.0, model[0](x).amax((2, 3))
        model[0].bias[1] -= tops[0, 1] + 0.01
    found = pel.activations.feature_maps(model, x, "1", data=x.split(250))
    assert found.silent.tolist() == [True, True, *[False] * 6]
    assert found.dead is not None
    assert found.dead.tolist() == [True, *[False] * 7]
    panels = found.figure().panels
    maps = next(mark for panel in panels for mark in panel.marks if panel.title == "Maps, most active first")
    assert isinstance(maps, Tiles)
    assert set(maps.titles) >= {"0 dead", "1 silent"}
    patches = panels[-1].marks[0]
    assert isinstance(patches, Tiles)
    place = patches.titles.index("0: dead")
    assert (patches.images[place] == patches.images[place][0, 0]).all()
    alone = pel.activations.feature_maps(model, x, "1")
    assert alone.dead is None
    assert "Silent here means silent on this one example: give data= to see what is dead." in alone.figure().caveat


def test_outlines_that_coincide_are_one_with_every_name() -> None:
    """One line over another would look as if only the last were there."""
    found = pel.activations.feature_maps(cnn(), images(), "1")
    boxes = found.boxes.copy()
    first, second, third = found.order[:3].tolist()
    boxes[first, 1:], boxes[second, 1:], boxes[third, 1:] = [[-5, 40], [-1, 10]], [[4, 7], [4, 7]], [[0, 10], [0, 99]]
    marks = replace(found, boxes=boxes).figure().panels[0].marks[1:]
    assert [one.label for one in marks if isinstance(one, Lines)] == [f"channels {first}, {third}", f"channel {second}"]


def test_the_field_is_outlined_on_the_example() -> None:
    """A line around what the strongest place of each of the most active channels sees, within the image."""
    found = pel.activations.feature_maps(cnn(), images(), "1")
    picture, *outlines = found.figure().panels[0].marks
    assert isinstance(picture, Heat)
    assert picture.under is not None
    assert len(outlines) == 3
    for channel, line in zip(found.order, outlines, strict=False):
        assert isinstance(line, Lines)
        low, high = found.boxes[channel, 1:].T
        assert line.label == f"channel {channel}"
        assert (line.y.min(), line.y.max()) == (max(low[0], 0) - 0.5, min(high[0], 10) - 0.5)
        assert (line.x.min(), line.x.max()) == (max(low[1], 0) - 0.5, min(high[1], 10) - 0.5)


def test_of_many_channels_the_most_active_are_drawn() -> None:
    """And the picture says how many are not."""
    found = pel.activations.feature_maps(cnn(), images(), "4", data=images(40).split(20))
    figure = found.figure()
    assert len(figure.panels[1].marks[0].images) == 36  # pyright: ignore[reportAttributeAccessIssue]
    assert "14 channels more are not drawn." in figure.caveat
    assert found.exciting is not None
    assert found.exciting.channels.tolist() == found.order.tolist()


@pytest.mark.parametrize("name", ["feature_maps", "each_by_itself"])
@pytest.mark.parametrize("layer", ["0", "1", "2", "4", "7"])
def test_every_layer_is_drawn(layer: str, name: str) -> None:
    """With signs, without, and units without space."""
    figure = pel.activations.feature_maps(cnn(), images(), layer, images()).figure(name)
    assert figure.text(72)
    assert figure.svg()


def test_other_layouts_are_drawn() -> None:
    """Units as bars, sound and tokens as a matrix, volumes as images."""
    dense = pel.activations.feature_maps(cnn(), images(), "7")
    assert isinstance(dense.figure().panels[1].marks[0], Bars)
    cases = (
        (nn.Sequential(nn.Conv1d(1, 4, 5), nn.ReLU()), torch.randn(3, 1, 40), Heat),
        (nn.Sequential(nn.Linear(6, 4), nn.ReLU()), torch.randn(3, 9, 6), Heat),
        (nn.Sequential(nn.Conv3d(1, 4, 3), nn.ReLU()), torch.randn(3, 1, 6, 7, 8), Tiles),
    )
    for model, x, kind in cases:
        figure = pel.activations.feature_maps(model, x, "1", data=x).figure()
        assert any(isinstance(mark, kind) for panel in figure.panels for mark in panel.marks)
        assert figure.svg()


def test_data_without_a_channel_that_lives_is_no_error() -> None:
    """A layer of zeros."""
    model = cnn()
    with torch.no_grad():
        model[0].weight.zero_(), model[0].bias.zero_()
    found = pel.activations.feature_maps(model, images(), "1", data=images())
    assert found.silent.all()
    assert found.figure().svg()


def test_what_cannot_be_shown_is_refused() -> None:
    """With what was expected."""
    with pytest.raises(InputError) as caught:
        pel.activations.feature_maps(cnn(), images(3), "0", example=3)
    assert str(caught.value) == "example=3 came; expected a whole number, 0 to 2: the batch holds 3."
    with pytest.raises(RuntimeError, match="channels") as single:
        pel.activations.feature_maps(cnn(), images(1)[0], "0")
    assert single.value.__notes__[-1] == (
        "x of shape (3, 10, 10) is a batch of 3 examples. Give x[None] if it is one picture."
    )
    with pytest.raises(AddressError) as missing:
        pel.activations.feature_maps(cnn(), images(3), "9")
    assert str(missing.value) == "No module '9' in Sequential. print(pel.Subject(model)) lists all 8."


def _stopped(batches: list[Tensor]) -> Iterator[Tensor]:
    yield from batches
    raise KeyboardInterrupt


def test_ctrl_c_keeps_what_was_seen_and_calls_nobody_dead() -> None:
    """The batches that were done are told; channels that were silent in them may be woken by the others."""
    model = cnn()
    with torch.no_grad():
        model[0].bias.fill_(-100)
    batches = list(images(600).split(200))
    whole = pel.activations.feature_maps(model, batches[0], "1", batches)
    result = pel.activations.feature_maps(model, batches[0], "1", _stopped(batches))
    assert result.exciting is not None
    assert (result.exciting.samples, result.provenance.samples) == (600, 600)
    assert [one.level for one in whole.findings] == [Level.ALARM]
    assert whole.figure().panels[1].marks[0].titles[0] == "0 dead"  # pyright: ignore[reportAttributeAccessIssue]
    for panel in result.figure().panels[1:]:  # the others may wake them
        assert all(one.endswith("same") for one in panel.marks[0].titles)  # pyright: ignore[reportAttributeAccessIssue]
    first, second = result.findings
    assert (first.level, first.message) == (Level.LOOK, "stopped with Ctrl-C after 600 examples")
    assert second.level is Level.NOT_MEASURED
    assert second.message.endswith("for all of 600 examples that came before it was stopped; the others may wake them")


def test_progress_counts_batches() -> None:
    """Those done, of those in all where it is known."""
    told: list[tuple[int, int]] = []
    batches = list(images(60).split(20))
    pel.activations.feature_maps(cnn(), batches[0], "1", batches, progress=lambda *one: told.append(one))
    pel.activations.feature_maps(cnn(), batches[0], "1", iter(batches), progress=lambda *one: told.append(one))
    assert told == [(1, 3), (2, 3), (3, 3), (1, 0), (2, 0), (3, 0)]


def test_what_excites_units_without_a_plane_is_a_table() -> None:
    """The example of each unit and what it put out, in place of an empty panel."""
    model, x = nn.Sequential(nn.Linear(6, 4), nn.ReLU()), torch.randn(30, 6, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        model[0].weight[1], model[0].bias[1] = 0, -1
    found = pel.activations.feature_maps(model, x, "1", data=x)
    (table,) = found.figure().panels[-1].marks
    assert isinstance(table, Table)
    out = model(x).detach()
    for channel, example, value in table.rows:
        best = int(out[:, int(channel)].argmax())
        assert (example, value) == (str(best), "same" if channel == "1" else number(float(out[best, int(channel)])))
    assert [row[0] for row in table.rows] == [str(one) for one in found.order]
