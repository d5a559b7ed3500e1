"""The filters of a convolution: what is measured, and how it is drawn."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import prune

import pellucid as pel
from pellucid.core.errors import AddressError, InputError
from pellucid.core.figure import Heat, Lines, Table, Tiles
from pellucid.core.figure.words import number
from pellucid.core.finding import Level
from pellucid.windows.weights import Filters


def images(count: int = 24, channels: int = 3) -> Tensor:
    """Pictures from a generator of their own."""
    return torch.randn(count, channels, 12, 12, generator=torch.Generator().manual_seed(1))


def slow_partners(weights: np.ndarray, groups: int) -> list[tuple[int, float]]:
    """Compare every filter with every other of its group, in float64."""
    rows, each = weights.reshape(len(weights), -1).astype(np.float64), len(weights) // groups
    found: list[tuple[int, float]] = []
    for one, row in enumerate(rows):
        best = (-1, float("nan"))
        for other in range(one // each * each, one // each * each + each):
            if other != one and row.any() and rows[other].any():
                cosine = row @ rows[other] / np.sqrt(row @ row) / np.sqrt(rows[other] @ rows[other])
                best = max(best, (other, cosine), key=lambda pair: pair[1] if pair[0] >= 0 else -2)
        found.append(best)
    return found


def marks(result: Filters, name: str | None = None) -> list[Any]:
    """The marks of a drawing, panel by panel."""
    return [mark for panel in result.figure(name).panels for mark in panel.marks]


@pytest.mark.parametrize("groups", [1, 2])
def test_norms_and_partners_are_those_of_the_slow_twin(groups: int) -> None:
    """Only filters that look at the same channels are compared; a zero filter has no partner."""
    layer = nn.Conv2d(4, 8, 3, groups=groups)
    with torch.no_grad():
        layer.weight[3] = 0
        layer.weight[1] = 2 * layer.weight[0]
    found = pel.weights.filters(nn.Sequential(layer))
    expected = slow_partners(found.weights, groups)
    np.testing.assert_array_equal(found.partners, [one for one, _ in expected])
    np.testing.assert_allclose(found.cosines, [one for _, one in expected], atol=1e-12)
    np.testing.assert_allclose(found.norms, layer.weight.detach().double().flatten(1).norm(dim=1), rtol=1e-12)
    assert (found.partners[0], found.partners[1]) == (1, 0)


def test_tiny_filters_keep_their_direction() -> None:
    """Squares that would leave float32 are no matter."""
    layer = nn.Conv2d(1, 2, 3)
    with torch.no_grad():
        layer.weight[0] *= 1e-30
        layer.weight[1] = -layer.weight[0]
    assert pel.weights.filters(nn.Sequential(layer)).cosines == pytest.approx([-1, -1])


def test_the_first_convolution_is_taken_and_others_are_named() -> None:
    """In the order of registration."""
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 5, 3))
    assert pel.weights.filters(model).layer == "0"
    assert pel.weights.filters(model, "1").weights.shape == (5, 4, 3, 3)
    assert pel.weights.filters(model, model[1]).layer == "1"


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Conv1d(2, 6, 5), (6, 2, 5)),
        (nn.Conv3d(2, 6, (2, 3, 4)), (6, 2, 2, 3, 4)),
        (nn.Conv2d(4, 8, 3, groups=4), (8, 1, 3, 3)),
        (nn.ConvTranspose2d(4, 6, 3), (6, 4, 3, 3)),
        (nn.ConvTranspose2d(4, 6, 3, groups=2), (6, 2, 3, 3)),
        (nn.Conv2d(5, 6, 1), (6, 5, 1, 1)),
        (nn.Conv2d(3, 64, 7), (64, 3, 7, 7)),
    ],
)
def test_every_kind_of_convolution_is_shown(layer: nn.Module, shape: tuple[int, ...]) -> None:
    """Filters first, then the channels of their group; drawn as text and as an image, on either scale."""
    found = pel.weights.filters(nn.Sequential(layer))
    assert found.weights.shape == shape
    for name in found.figures():
        assert found.figure(name).text(72)
        assert found.figure(name).svg()


def test_a_transposed_convolution_is_brought_into_order() -> None:
    """Filter 4 of 6 in 2 groups is the second of the second group, and sees channels 2 and 3."""
    layer = nn.ConvTranspose2d(4, 6, 3, groups=2, bias=False)
    found = pel.weights.filters(nn.Sequential(layer))
    x = torch.zeros(1, 4, 1, 1)
    x[0, 3] = 1
    np.testing.assert_allclose(layer(x)[0, 4].detach(), found.weights[4, 1], rtol=1e-6)


def test_colours_are_symmetric_about_grey() -> None:
    """A weight of 0 is mid-grey, the largest of all filters is full; raw weights stay in the result."""
    layer = nn.Conv2d(3, 64, 7)
    with torch.no_grad():
        layer.weight.zero_()
        layer.weight[0, 0, 0, 0], layer.weight[1, 2, 3, 3] = -4.0, 2.0
    found = pel.weights.filters(nn.Sequential(layer))
    (tiles,) = marks(found)
    assert isinstance(tiles, Tiles)
    assert tiles.images.shape == (64, 7, 7, 3)
    assert tiles.images[0, 0, 0].tolist() == [0.0, 0.5, 0.5]
    assert tiles.images[1, 3, 3].tolist() == [0.5, 0.5, 0.75]
    assert (tiles.images[5] == 0.5).all()
    assert found.weights[0, 0, 0, 0] == -4.0
    (own,) = marks(found, "each_by_itself")
    assert own.images[1, 3, 3].tolist() == [0.5, 0.5, 1.0]
    assert "scale of its own" in found.figure("each_by_itself").panels[0].title


def test_constant_filters_are_flat() -> None:
    """They are no NaN, on either scale, whatever the constant."""
    for value in (0.0, 0.3):
        layer = nn.Conv2d(1, 4, 3)
        nn.init.constant_(layer.weight, value)
        found = pel.weights.filters(nn.Sequential(layer))
        for name in ("filters", "each_by_itself"):
            (tiles,) = marks(found, name)
            np.testing.assert_array_equal(tiles.images, np.full((4, 3, 3), value, np.float32))


def test_many_channels_are_the_strongest_ones() -> None:
    """A column is a filter and a row a channel, which is named; those of a group of three are no colours."""
    layer = nn.Conv2d(10, 4, 2)
    with torch.no_grad():
        layer.weight[1] *= torch.arange(10.0)[:, None, None]
    found = pel.weights.filters(nn.Sequential(layer))
    (heat,) = marks(found)
    assert isinstance(heat, Heat)
    assert heat.values.shape == (8 * 3 - 1, 4 * 3 - 1)
    order = np.argsort(-(found.weights**2).sum(axis=(0, 2, 3)))
    (panel,) = found.figure().panels
    assert panel.y.categories == tuple(map(str, order[:8]))
    for row in range(8):
        np.testing.assert_array_equal(heat.values[3 * row : 3 * row + 2, 3:5], found.weights[1, order[row]])
    assert heat.y is not None
    assert (heat.y[0], heat.y[-1]) == (-0.5, 7.5)
    assert np.isnan(heat.values[2]).all()
    assert (
        panel.note == "a column is a filter, a row a channel: 8 of 10 channels, largest norm over these filters first"
    )
    volume = pel.weights.filters(nn.Sequential(nn.Conv3d(2, 4, 3))).figure().panels[0].y.categories
    assert sorted(volume) == [f"{one}, slice {place}" for one in range(2) for place in range(3)]
    grouped = pel.weights.filters(nn.Sequential(nn.Conv2d(6, 4, 2, groups=2)))
    assert isinstance(marks(grouped)[0], Heat)


def test_filters_of_zeros_stay_to_be_seen() -> None:
    """Four of sixteen are counted, and drawn where the norms end; a batch norm that makes a fifth one 0 is told."""
    model = nn.Sequential(nn.Conv2d(1, 16, 3, bias=False), nn.BatchNorm2d(16))
    with torch.no_grad():
        model[0].weight[:4] = 0
    (panel,) = pel.weights.filters(model).figure("norms").panels
    assert panel.note == "4 of 16 filters are 0"
    assert [one.tone for one in panel.marks if isinstance(one, Lines)] == ["accent", "second", "dead"]
    assert panel.marks[-1].x.tolist() == [13, 14, 15, 16]  # pyright: ignore[reportAttributeAccessIssue]
    assert panel.marks[0].x.tolist() == list(range(1, 17))  # pyright: ignore[reportAttributeAccessIssue]
    with torch.no_grad():
        model[1].weight[7] = 0
    (panel,) = pel.weights.filters(model).figure("norms").panels
    assert panel.note == "4 of 16 filters are 0, and 5 with 1"
    (sound,) = pel.weights.filters(nn.Sequential(nn.Conv2d(1, 16, 3))).figure("norms").panels
    assert (sound.note, len(sound.marks)) == ("", 1)


def test_of_many_filters_a_first_number_is_drawn() -> None:
    """And the picture says how many are not."""
    found = pel.weights.filters(nn.Sequential(nn.Conv2d(3, 2048, 1)))
    figure = found.figure()
    assert "1,984 filters more are not drawn." in figure.caveat
    assert isinstance(marks(pel.weights.filters(nn.Sequential(nn.Conv1d(1, 20, 9))))[0], Lines)


def test_the_data_stand_beside_the_filters() -> None:
    """What a filter answers to, with NaN beyond the border in the result and colours in the picture."""
    model = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.ReLU())
    subject = pel.Subject(model, normalization=((0.5, 0.5, 0.5), (0.2, 0.2, 0.2)))
    found = pel.weights.filters(subject, data=images().split(7))
    assert found.exciting is not None
    assert found.exciting.patches.shape == (6, 3, 3, 3)
    assert found.provenance.samples == 24
    _, patches = marks(found)
    assert patches.images.shape == (6, 3, 3, 3)
    known = np.isfinite(found.exciting.patches[0])
    expected = np.clip(found.exciting.patches[0] * 0.2 + 0.5, 0, 1).transpose(1, 2, 0)
    np.testing.assert_allclose(
        patches.images[0][known.transpose(1, 2, 0)], expected[known.transpose(1, 2, 0)], atol=1e-6
    )


def test_the_batch_norm_behind_is_found() -> None:
    """Its factor is that of eval mode."""
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 3), nn.ReLU(), nn.BatchNorm2d(4))
    with torch.no_grad():
        model[1].weight.copy_(torch.tensor([1.0, 0.0, -2.0, 3.0]))
        model[1].running_var.fill_(4.0)
    found = pel.weights.filters(model)
    assert found.norm_layer == "1"
    np.testing.assert_allclose(found.factors, np.array([1.0, 0.0, -2.0, 3.0]) / np.sqrt(4 + 1e-5), rtol=1e-12)
    assert pel.weights.filters(model, "2").norm_layer == ""


def test_parametrized_and_half_precision_weights() -> None:
    """A spectral norm in train mode is not turned further by looking."""
    model = nn.Sequential(nn.utils.parametrizations.spectral_norm(nn.Conv2d(3, 4, 3)))
    before = {name: one.clone() for name, one in model.state_dict().items()}
    model.train()
    found = pel.weights.filters(model)
    assert model.training
    assert all(torch.equal(one, before[name]) for name, one in model.state_dict().items())
    assert np.linalg.svd(found.weights.reshape(4, -1).astype(np.float64), compute_uv=False)[0] > 0
    half = pel.weights.filters(nn.Sequential(nn.Conv2d(3, 4, 3)).to(torch.bfloat16))
    assert half.weights.dtype == np.float32


def test_pruning_masks_are_told() -> None:
    """So that nobody is accused of what was done on purpose."""
    layer = nn.Conv2d(3, 4, 3)
    prune.ln_structured(layer, "weight", amount=2, n=2, dim=0)
    found = pel.weights.filters(nn.Sequential(layer))
    assert found.masked
    assert (found.norms == 0).sum() == 2


def test_what_is_no_convolution_is_refused() -> None:
    """With what to do instead."""
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4, 2))
    messages = {
        "2": "The layer '2' is a Linear, and filters are those of a convolution. Show its rows with "
        "pel.weights.templates(model, '2').",
        "1": "The layer '1' is a Flatten, and filters are those of a convolution. Name a convolution.",
    }
    for at, message in messages.items():
        with pytest.raises(InputError) as caught:
            pel.weights.filters(model, at)
        assert str(caught.value) == message
    with pytest.raises(InputError) as none:
        pel.weights.filters(nn.Sequential(nn.Linear(4, 2)))
    assert str(none.value) == (
        "Sequential has no convolution, so that there are no filters to show. Show the rows of a dense layer with "
        "pel.weights.templates(model)."
    )
    with pytest.raises(AddressError):
        pel.weights.filters(model, "7")


def test_ctrl_c_keeps_what_was_seen() -> None:
    """The batches that were done stand beside the filters, and it is told."""

    def stopped() -> Iterator[Tensor]:
        yield images(10)
        raise KeyboardInterrupt

    result = pel.weights.filters(nn.Conv2d(3, 8, 3), data=stopped())
    assert result.provenance.samples == 10
    assert [one.message for one in result.findings if one.level is Level.LOOK] == [
        "stopped with Ctrl-C after 10 examples"
    ]


def test_a_dead_filter_is_called_dead_beside_the_data() -> None:
    """What it puts out is no more than rounding, and no number of use."""
    layer = nn.Conv2d(3, 4, 3)
    with torch.no_grad():
        layer.weight[2] = 0
    weights, patches = marks(pel.weights.filters(nn.Sequential(layer, nn.ReLU()), data=images()))
    assert weights.titles[2] == patches.titles[2] == "2 dead"
    assert patches.titles[1].startswith("1: ")


def test_what_the_rules_find_sound_is_not_called_dead_or_the_same() -> None:
    """Small filters that a batch norm makes large, filters of few values, and too few of them to compare."""
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8))
    with torch.no_grad():
        model[0].weight[2] *= 1e-4
        model[1].running_var[2], model[1].eps = 1e-8, 1e-12
    dots, few = nn.Conv2d(1, 4, (1, 4)), nn.Conv2d(3, 2, 3)
    with torch.no_grad():
        dots.weight[1] = dots.weight[0]
        few.weight[1] *= 1e-4
    for net in (model, nn.Sequential(dots), nn.Sequential(few)):
        found = pel.weights.filters(net, data=images(channels=net[0].in_channels))
        assert {one.level for one in found.findings} <= {Level.OK, Level.NOT_MEASURED}
        weights, patches = marks(found)
        assert weights.titles == tuple(f"filter {one}" for one in range(len(found.norms)))
        assert not any("dead" in one for one in patches.titles)


def test_what_lies_in_no_plane_is_a_table() -> None:
    """Of a volume there is no picture, but the number of the example, in place of an empty panel."""
    x = torch.rand(5, 1, 4, 6, 6, generator=torch.Generator().manual_seed(1))
    found = pel.weights.filters(nn.Sequential(nn.Conv3d(1, 3, 3), nn.ReLU()), data=x)
    assert found.exciting is not None
    (table,) = found.figure().panels[1].marks
    assert isinstance(table, Table)
    best = found.exciting
    expected = tuple((str(one), str(best.examples[one]), number(float(best.values[one]))) for one in range(3))
    assert table.rows == expected
