"""Maps as pictures: over what they explain, as coarse as they are, and several of them side by side."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import pellucid as pel
from pellucid.core.errors import InputError
from pellucid.core.figure import Bars, Figure, Heat, Lines, Panel, Tiles
from pellucid.core.finding import Level
from pellucid.core.frame import Frame, pack, unpack

MEAN, DEVIATION = (0.5, 0.4, 0.3), (0.2, 0.25, 0.5)


def network(channels: int = 3, classes: int = 4) -> nn.Sequential:
    """A convolution, a coarser one behind it, and a dense layer over 2 x 3 places."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(channels, 5, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(4),
        nn.Conv2d(5, 6, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(36, classes),
    )


def pictures(count: int = 1, channels: int = 3) -> Tensor:
    """Photographs in [0, 1], 8 x 12."""
    return torch.rand(count, channels, 8, 12, generator=torch.Generator().manual_seed(1))


def heats(figure: Figure) -> list[Heat]:
    """The matrices of a figure."""
    return [mark for panel in figure.panels for mark in panel.marks if isinstance(mark, Heat)]


def under(mark: Heat) -> np.ndarray[Any, Any]:
    """The picture under a map."""
    assert mark.under is not None
    return mark.under


def test_a_picture_stands_in_colour_beside_its_map() -> None:
    """The map lies over it in grey, since its own colours would be taken for those of the picture."""
    x = pictures()
    given, mapped = heats(pel.gradients.saliency(network(), x, 1).figure())
    np.testing.assert_allclose(under(given), x[0].permute(1, 2, 0).numpy(), atol=1e-7)
    assert given.opacity == 0
    np.testing.assert_allclose(under(mapped), x[0].permute(1, 2, 0).numpy() @ [0.2126, 0.7152, 0.0722], atol=1e-7)
    assert (mapped.x, mapped.y, mapped.signed) == (None, None, True)
    assert 0 < mapped.opacity <= 1


def test_values_of_the_map_stay_raw() -> None:
    """Added up over the channels, so that their sum is that of the map."""
    result = pel.gradients.saliency(network(), pictures(), 1, method="inputxgradient")
    mapped = heats(result.figure())[1]
    np.testing.assert_allclose(mapped.values, result.map[0].sum(0), rtol=1e-6)


def test_normalisation_is_undone() -> None:
    """What a subject knows of it reaches the picture, and the file."""
    mean, deviation = (torch.tensor(one)[:, None, None] for one in (MEAN, DEVIATION))
    x = pictures()
    subject = pel.Subject(network(), normalization=(MEAN, DEVIATION))
    result = pel.gradients.saliency(subject, (x - mean) / deviation, 0)
    assert result.normalization == (MEAN, DEVIATION)
    figure = result.figure()
    np.testing.assert_allclose(under(heats(figure)[0]), x[0].permute(1, 2, 0).numpy(), atol=1e-6)
    assert figure.panels[0].note == ""


def test_a_guess_is_named() -> None:
    """Without a normalisation each picture is stretched, and that is said; what is not finite is black."""
    x = pictures() * 6 - 3
    x[0, :, 0, 0] = float("nan")
    panel = pel.gradients.saliency(network(), x.nan_to_num(), 0).figure().panels[0]
    assert panel.note == "shown each stretched from its darkest to its brightest value"
    (mark,) = panel.marks
    assert isinstance(mark, Heat)
    assert (under(mark).min(), under(mark).max()) == (0, 1)


def test_other_numbers_of_channels_are_grey() -> None:
    """Their mean is shown."""
    panel = pel.gradients.saliency(network(channels=5), pictures(channels=5), 0).figure().panels[0]
    assert panel.note == "shown the mean of 5 channels"
    (mark,) = panel.marks
    assert isinstance(mark, Heat)
    assert under(mark).shape == (8, 12)
    assert mark.label == "input, 5 channels added up"


@pytest.mark.parametrize("at", [None, "3"])
def test_a_coarse_map_lies_over_the_whole_input(at: str | None) -> None:
    """Also when the layer is named, of which the result then holds the values: the picture is taken along."""
    x = pictures()
    result = pel.gradients.saliency(network(), x, 1, method="gradcam", at=at)
    assert result.map.shape == (1, 2, 3)
    assert result.picture.size == (0 if at is None else x.numel())  # never twice
    np.testing.assert_array_equal(result.given, x.numpy())
    mapped = heats(result.figure())[1]
    assert mapped.values.shape == (2, 3)
    assert under(mapped).shape == (8, 12)
    assert mapped.x is not None
    assert mapped.y is not None
    np.testing.assert_allclose(mapped.x, [-0.5, 3.5, 7.5, 11.5])
    np.testing.assert_allclose(mapped.y, [-0.5, 3.5, 7.5])
    assert "smoothed for the eye" in result.figure().caveat


def test_maps_of_a_layer_lie_over_the_input() -> None:
    """Its channels are added up."""
    result = pel.gradients.saliency(network(), pictures(), 1, at="0")
    given, mapped = heats(result.figure())
    assert under(given).shape == (8, 12, 3)
    np.testing.assert_allclose(mapped.values, result.map[0].sum(0), rtol=1e-5)


def test_tokens_of_a_layer_lie_over_nothing() -> None:
    """Their plane is that of tokens and features, not that of the picture."""

    class Patches(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.head = nn.Conv2d(3, 4, 4, 4), nn.Linear(4, 2)
            self.mix = nn.Identity()

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.mix(self.embed(x).flatten(2).transpose(1, 2)).mean(1))

    figure = pel.gradients.saliency(Patches(), pictures(), 1, at="mix").figure()
    assert [one.under for one in heats(figure)] == [None, None]


def test_several_examples_have_a_map_each() -> None:
    """Their inputs stand small above; what is not drawn is counted."""
    figure = pel.gradients.saliency(network(), pictures(14), 1).figure()
    assert [panel.title for panel in figure.panels[:1]] == ["Inputs"]
    (tiles,) = figure.panels[0].marks
    assert isinstance(tiles, Tiles)
    assert tiles.images.shape == (12, 8, 12, 3)
    assert len(figure.panels) == 13
    assert figure.panels[1].title.startswith("1: score ")
    assert figure.caveat.endswith("2 examples more are not drawn.")


def test_a_map_of_zeros_is_named() -> None:
    """Alone, among several, over nothing, and of features: its limits would say that there is something to see."""
    model = network()
    one, several = (pel.gradients.saliency(model, pictures(count), 1) for count in (1, 2))
    zeros = one.map * 0
    assert replace(one, maps=(zeros,)).figure().panels[1].note.endswith("; all 0")
    mixed = replace(several, maps=(np.concatenate([zeros, several.map[1:]]),))
    assert [panel.note for panel in mixed.figure().panels[1:]] == ["all 0", ""]
    bare = np.zeros((2, 3, 4), np.float32)
    bare[1] = 1
    tiles = replace(several, maps=(bare,), inputs=(bare,), layer="3", places=("3",)).figure().panels[-1].marks[0]
    assert isinstance(tiles, Tiles)
    assert [title.endswith(", all 0") for title in tiles.titles] == [True, False]
    flat = pel.gradients.saliency(nn.Linear(6, 2), torch.rand(1, 6), 0)
    assert replace(flat, maps=(flat.map * 0,)).figure().panels[0].note == "all 0"


@pytest.mark.parametrize(("features", "mark"), [(6, Bars), (64, Bars), (65, Lines)])
def test_features_are_bars_about_zero(features: int, mark: type) -> None:
    """They have no order that a curve would join; of many, bars could not be told apart. Each panel names its axes."""
    torch.manual_seed(0)
    result = pel.gradients.saliency(nn.Linear(features, 3), torch.randn(2, features), 0)
    panels = result.figure().panels
    assert [type(mark) for panel in panels for mark in panel.marks] == [mark, mark]
    assert {(one.x.label, one.y.label) for one in panels} == {("feature", "against / for")}
    assert panels[0].x.categories == (tuple("012345") if features == 6 else ())
    drawn = panels[0].marks[0]
    if isinstance(drawn, Bars):
        np.testing.assert_allclose(drawn.heights, result.map[0])
        assert (drawn.edges[0], drawn.edges[-1]) == (-0.5, features - 0.5)


@pytest.mark.parametrize(("channels", "label"), [(1, "brightness"), (3, "red, green, blue")])
def test_grey_inputs_are_no_colours(channels: int, label: str) -> None:
    """What is read at a pixel of one channel is its brightness."""
    figure = pel.gradients.saliency(network(channels), pictures(2, channels), 1).figure()
    (tiles,) = figure.panels[0].marks
    assert isinstance(tiles, Tiles)
    assert tiles.label == label
    assert f"{label}: 0 [" in figure.text()


def test_a_picture_survives_saving(tmp_path: Any) -> None:
    """With the normalisation; a file that knows neither is still read."""
    subject = pel.Subject(network(), normalization=(MEAN, DEVIATION))
    result = pel.gradients.saliency(subject, pictures(), 1, method="gradcam", at="3")
    found = pel.gradients.Saliency.load(result.save(tmp_path / "map.safetensors"))
    np.testing.assert_array_equal(found.picture, result.picture)
    assert found.normalization == (MEAN, DEVIATION)


# ------------------------------------------------------------------------------------------------------ side by side


def titles(figure: Figure) -> list[str]:
    """The titles of the panels that show maps."""
    return [panel.title for panel in figure.panels if panel.title != "Input"]


def test_methods_stand_side_by_side() -> None:
    """A row an example: the input, then a map a method, each with its class and score."""
    x = pictures(3)
    methods = ("gradient", "gradcam", "smoothgrad")
    ways = [pel.gradients.saliency(network(), x, [0, 1, 2], method=way) for way in methods]
    figure = pel.gradients.side_by_side(ways, most=2)
    assert figure.columns == 4
    assert titles(figure) == [
        "gradient: 0", "gradcam at 4: 0", "smoothgrad: 0", "gradient: 1", "gradcam at 4: 1", "smoothgrad: 1",
    ]  # fmt: skip
    assert [panel.title for panel in figure.panels[::4]] == ["Input", "Input"]
    assert figure.panels[1].note == f"score {ways[0].scores[0]:.3g}".replace("-", "−")
    assert figure.title == "What the score depends on, by 3 methods"
    assert figure.caveat.endswith("compare where, not how much. 1 example more is not drawn.")
    for sentence in ("A gradient is local", "As coarse as the layer", "The mean over noisy copies"):
        assert figure.caveat.count(sentence) == 1


def test_classes_stand_side_by_side() -> None:
    """Of one method: a column a class."""
    subject = pel.Subject(network(), class_names=("cat", "dog", "<b>", "cup"))
    maps = [pel.gradients.saliency(subject, pictures(), target) for target in (0, 1, 2)]
    figure = pel.gradients.side_by_side(maps)
    assert [one.partition(":")[0] for one in titles(figure)] == ["cat", "dog", "<b>"]
    assert figure.title == "What each score depends on: gradient, 3 classes side by side"


def test_methods_and_classes_make_a_grid() -> None:
    """A row a class, a column a method, and what was not asked stays open."""
    x, model = pictures(), network()
    found = [pel.gradients.saliency(model, x, *one) for one in ((0,), (1,))]
    found.append(pel.gradients.saliency(model, x, 0, method="vargrad"))
    figure = pel.gradients.side_by_side(found)
    assert titles(figure) == ["gradient: 0", "vargrad: 0", "gradient: 1", "vargrad"]
    assert figure.panels[-1].note == "not explained"
    assert figure.panels[-1].marks == ()
    assert figure.text()


def test_options_tell_the_same_method_apart() -> None:
    """And what cannot be told apart is counted."""
    x, model = pictures(), network()
    few, many = (pel.gradients.saliency(model, x, 0, method=pel.gradients.SmoothGrad(samples=one)) for one in (2, 4))
    figure = pel.gradients.side_by_side([few, many, many])
    assert titles(figure) == ["smoothgrad, samples 2: 0", "smoothgrad, samples 4: 0", "smoothgrad, samples 4 (2): 0"]


def test_each_map_has_a_scale_of_its_own_and_one_picture() -> None:
    """The picture under all maps of an example is stored once."""
    x = pictures()
    ways = [pel.gradients.saliency(network(), x, 0, method=way) for way in ("gradient", "inputxgradient")]
    figure = pel.gradients.side_by_side(ways)
    _, first, second = heats(figure)
    assert np.abs(first.values).max() != np.abs(second.values).max()
    assert first.label == second.label == "against / for"
    assert unpack(pack(Frame(figure=figure))).figure.columns == 3


def test_problems_of_each_map_are_kept() -> None:
    """With the method that has them; a map of zeros is marked."""
    model = network()
    with torch.no_grad():
        model[3].bias.fill_(-100)
    x = pictures()
    ways = [pel.gradients.saliency(model, x, 0, method=way) for way in ("gradient", "occlusion")]
    figure = pel.gradients.side_by_side(ways)
    assert figure.level is Level.WARN
    assert "(gradient, occlusion" in figure.verdict or "(gradient)" in figure.verdict
    assert [panel.level for panel in figure.panels] == [Level.OK, Level.WARN, Level.WARN]
    assert figure.panels[1].note.startswith("all 0")


def test_the_verdict_names_what_each_method_has_worst_first() -> None:
    """Warnings before what is worth a look, each once, with the methods that have it."""
    model, x = network(), pictures(2)
    few = pel.gradients.SmoothGrad(samples=4, noise=1.0)
    calm = [pel.gradients.saliency(model, x, 0, method=way) for way in ("gradient", few)]
    figure = pel.gradients.side_by_side(calm)
    (noisy,) = calm[1].findings.at(Level.LOOK)
    assert figure.verdict == f"ok: 4 checks passed, 1 to look at, 3 not measured; {noisy.line} (smoothgrad)"
    assert figure.level is Level.OK
    with torch.no_grad():
        model[3].bias.fill_(-100)
    zero = [pel.gradients.saliency(model, x, 0, method=way) for way in ("gradient", "vargrad")]
    (lost,) = zero[0].findings.problems
    figure = pel.gradients.side_by_side([*calm[1:], *zero])
    assert figure.verdict == f"{lost.line} (gradient, vargrad); {noisy.line} (smoothgrad)"
    assert figure.level is Level.WARN


def test_the_verdict_names_classes_where_they_are_compared() -> None:
    """Of one method its name says nothing; of a grid both are named."""
    model, x = network(), pictures()
    with torch.no_grad():
        model[6].weight[1] = 0
    maps = [pel.gradients.saliency(model, x, one) for one in (0, 1)]
    (lost,) = maps[1].findings.problems
    assert pel.gradients.side_by_side(maps).verdict == f"{lost.line} (1)"
    grid = [*maps, pel.gradients.saliency(model, x, 1, method="inputxgradient")]
    assert pel.gradients.side_by_side(grid).verdict == f"{lost.line} (gradient: 1, inputxgradient: 1)"


def test_features_stand_side_by_side_too() -> None:
    """As bars, without a column for the input."""
    torch.manual_seed(0)
    model, x = nn.Linear(6, 3), torch.randn(1, 6)
    figure = pel.gradients.side_by_side([pel.gradients.saliency(model, x, one) for one in (0, 1)])
    assert figure.columns == 2
    assert all(isinstance(panel, Panel) and isinstance(panel.marks[0], Bars) for panel in figure.panels)


def test_what_does_not_belong_together_is_refused() -> None:
    """With what came, what was expected and what to do."""
    model, x = network(), pictures(2)
    one = pel.gradients.saliency(model, x, 0)
    other = pel.gradients.saliency(model, x.flip(3), 0, method="vargrad")
    fewer = pel.gradients.saliency(model, x[:1], 0)
    same = "Maps side by side explain the same inputs, but those of number 0 (gradient) and number 1"
    again = "Call saliency with the same batch for each."
    for given, words in (
        ([], "There is nothing to put side by side: no result came. Give what saliency returned, in a list."),
        ([one, other], f"{same} (vargrad) differ: the values of example 0. {again}"),
        ([one, fewer], f"{same} (gradient) differ: 2 examples and 1 example. {again}"),
    ):
        with pytest.raises(InputError) as raised:
            pel.gradients.side_by_side(given)
        assert str(raised.value) == words
    with pytest.raises(InputError, match=r"^most=0 came; expected a whole number, 1 or more\.$"):
        pel.gradients.side_by_side([one], most=0)


def test_a_method_of_somebody_else_has_a_caveat_of_its_own() -> None:
    """Or none; and never one of another method."""

    @dataclass(frozen=True)
    class Own(pel.gradients.Gradient):
        """A gradient under another name, without words of its own."""

    @dataclass(frozen=True)
    class Spoken(pel.gradients.Gradient):
        """A gradient with words of its own."""

        name: ClassVar[str] = "spoken in a test"
        caveat: ClassVar[str] = "Believe none of it."

    x = torch.rand(1, 5)
    net = nn.Sequential(nn.Linear(5, 2))
    quiet, spoken = (pel.gradients.saliency(net, x, 0, method=one()).figure() for one in (Own, Spoken))
    assert not quiet.caveat
    assert quiet.title == "What the score depends on for '0': Own"
    assert spoken.caveat == "Believe none of it."
