"""Sick and healthy filters and channels for the rules on them."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import prune

import pellucid as pel
from pellucid.gallery import SmallCNN
from tests.ward.watching import findings, levels


def net(*, norm: bool = False) -> nn.Sequential:
    """A small network, healthy."""
    torch.manual_seed(0)
    first, second = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 16, 3, padding=1)
    between = (nn.BatchNorm2d(16),) if norm else ()
    return nn.Sequential(first, *between, nn.ReLU(), second, nn.ReLU())


def images(count: int = 600) -> Tensor:
    """Pictures from a generator of their own."""
    return torch.randn(count, 3, 6, 6, generator=torch.Generator().manual_seed(1))


def scaled(model: nn.Sequential, filters: slice, factor: float) -> nn.Sequential:
    """Make some filters of the first layer smaller."""
    with torch.no_grad():
        model[0].weight[filters] *= factor
    return model


@pytest.mark.parametrize(("norm", "layer"), [(False, "0"), (False, "2"), (True, "0"), (True, "3")])
def test_filters_of_a_healthy_network_are_not_accused(norm: bool, layer: str) -> None:
    """With data and without."""
    model = net(norm=norm)
    for data in (None, images(32)):
        found = pel.weights.filters(model, layer, data)
        assert levels(found, "WGT003") == {"ok"}
        assert levels(found, "WGT004") == {"ok"}


@pytest.mark.parametrize("seed", range(6))
def test_filters_of_first_weights_are_not_accused(seed: int) -> None:
    """Nine values a filter, as few as a first layer of grey pictures has."""
    torch.manual_seed(seed)
    model = SmallCNN((24, 24), initialization="he")
    for layer in ("block1.convolution", "block2.convolution"):
        assert {one.level for one in pel.weights.filters(model, layer).findings} == {"ok"}


def test_some_dead_filters_are_looked_at_and_many_are_warned_of() -> None:
    """With their numbers."""
    (few,) = findings(pel.weights.filters(scaled(net(), slice(2, 5), 1e-6)), "WGT003")
    assert (few.level, few.evidence["filters"]) == ("look", "2, 3, 4")
    assert few.message == "3 of 16 filters are below 0.1 % of the largest, by norm only: 2, 3, 4"
    (many,) = findings(pel.weights.filters(scaled(net(), slice(0, 10), 1e-6), data=images(32)), "WGT003")
    assert (many.level, many.value) == ("warn", 10 / 16)
    assert many.message == (
        "10 of 16 filters are below 0.1 % of the largest, and their output hardly changes over the data: "
        "0, 1, 2, 3, 4, 5 …"
    )


def test_a_verdict_without_data_is_by_norm_only() -> None:
    """It says so, and with few examples too; with enough of them it does not."""
    (bare,), (few,), (many,) = (
        findings(pel.weights.filters(net(), data=one), "WGT003") for one in (None, images(127), images(128))
    )
    assert {one.level for one in (bare, few, many)} == {"ok"}
    assert bare.message == f"{many.message}, by norm only: no data were given"
    assert few.message == f"{many.message}, by norm only: 127 examples came, and 128 are needed to call a filter silent"


@pytest.mark.parametrize("norm", [False, True])
def test_filters_that_stay_silent_on_the_data_are_looked_at(norm: bool) -> None:
    """Two that are held below 0, by a bias or by the batch norm, and one that sees the same everywhere."""
    model, x = net(norm=norm), images(200)
    x[:, 2] = 0.5
    with torch.no_grad():
        model[int(norm)].bias[[3, 7]] = -100
        model[0].weight[9, :2] = 0
        model[0].padding = (0, 0)
    (silent, ok) = findings(pel.weights.filters(model, data=x), "WGT003")
    assert (silent.level, silent.where, silent.samples, ok.level) == ("look", "0", 200, "ok")
    behind = ", behind the batch norm 1," if norm else ""
    assert silent.message == (
        "3 of 16 filters are silent on all of 200 examples, though not small: what they put out"
        f"{behind} is never above 0, or hardly changes: 3, 7, 9"
    )
    assert silent.evidence == {"silent filters": "3, 7, 9"}
    assert "pel.activations.feature_maps" in silent.next_step
    assert levels(pel.weights.filters(model), "WGT003") == {"ok"}
    assert levels(pel.weights.filters(model, data=x[:100]), "WGT003") == {"ok"}


def test_dead_filters_are_not_called_silent_too() -> None:
    """They are named once."""
    model = scaled(net(), slice(2, 5), 1e-6)
    with torch.no_grad():
        model[0].bias[2:5] = -1
    (found,) = findings(pel.weights.filters(model, data=images(200)), "WGT003")
    assert (found.level, found.evidence["filters"]) == ("look", "2, 3, 4")


def test_a_layer_of_zeros_is_warned_of() -> None:
    """Nothing is large beside nothing."""
    (found,) = findings(pel.weights.filters(scaled(net(), slice(0, 16), 0.0)), "WGT003")
    assert (found.level, found.value) == ("warn", 1.0)


def test_filters_that_were_pruned_with_a_mask_are_only_looked_at() -> None:
    """They are dead on purpose."""
    model = net()
    prune.ln_structured(model[0], "weight", amount=12, n=2, dim=0)
    (found,) = findings(pel.weights.filters(model), "WGT003")
    assert found.level == "look"
    assert "(they are pruned with a mask)" in found.message


def test_small_filters_that_a_batch_norm_makes_large_are_alive() -> None:
    """Weight decay shrinks what a norm undoes."""
    model = scaled(net(norm=True), slice(2, 5), 1e-4)
    with torch.no_grad():
        model[1].running_var[2:5] = 1e-8
        model[1].eps = 1e-12
    assert levels(pel.weights.filters(model), "WGT003") == {"ok"}


def test_small_filters_that_see_large_values_are_alive() -> None:
    """The data say so: the first channel is a million times as large as the others."""
    model = net()
    with torch.no_grad():
        model[0].weight[3] *= 1e-6
        model[0].weight[3, 0] = 1e-4
        model[0].weight[[*range(3), *range(4, 16)], 0] = 0
    x = images(32) * torch.tensor([1e6, 1.0, 1.0])[:, None, None]
    assert levels(pel.weights.filters(model), "WGT003") == {"look"}
    assert levels(pel.weights.filters(model, data=x), "WGT003") == {"ok"}


def test_a_pair_of_duplicates_is_looked_at_and_a_layer_of_them_is_warned_of() -> None:
    """The pair is named, and the scale of a filter does not matter."""
    model = net()
    with torch.no_grad():
        model[0].weight[9] = 3 * model[0].weight[4]
    (pair,) = findings(pel.weights.filters(model), "WGT004")
    assert (pair.level, pair.evidence["filters"]) == ("look", "4, 9")
    assert pair.message == "2 of 16 filters point the same way as another, such as 4 and 9 (cosine 1.000000)"
    with torch.no_grad():
        model[0].weight[:8] = model[0].weight[8:]
    (many,) = findings(pel.weights.filters(model), "WGT004")
    assert (many.level, many.evidence["share"]) == ("warn", 1.0)


def test_filters_that_point_against_each_other_are_no_duplicates() -> None:
    """Nor are those that are nearly alike."""
    model = net()
    with torch.no_grad():
        model[0].weight[9] = -model[0].weight[4]
        model[0].weight[3] = model[0].weight[5] + 0.02 * torch.randn(3, 3, 3)
    assert levels(pel.weights.filters(model), "WGT004") == {"ok"}


def test_what_cannot_be_compared_is_not_measured() -> None:
    """Depthwise filters look at different channels, and filters of three values have few directions."""
    depthwise, dots = nn.Conv2d(8, 8, 3, groups=8), nn.Conv2d(3, 8, 1)
    nn.init.constant_(depthwise.weight, 0.1)
    for layer, message in (
        (depthwise, "no two filters look at the same channels and are alive"),
        (dots, "a filter has 3 values, and 6 are needed"),
    ):
        (found,) = findings(pel.weights.filters(nn.Sequential(layer)), "WGT004")
        assert (found.level, found.message) == ("not-measured", message)
    broken = net()
    with torch.no_grad():
        broken[0].weight[0, 0, 0, 0] = torch.nan
    assert levels(pel.weights.filters(broken), "WGT003") == {"not-measured"}


def channels(model: nn.Module, layer: str, data: Tensor | None) -> pel.activations.FeatureMaps:
    """Look at a layer."""
    return pel.activations.feature_maps(model, images(2), layer, None if data is None else data.split(200))


def biased(count: int) -> nn.Sequential:
    """Switch some channels of the first layer off."""
    model = net()
    with torch.no_grad():
        model[0].bias[:count] = -100
    return model


@pytest.mark.parametrize("layer", ["0", "1", "3"])
def test_channels_of_a_healthy_network_are_not_accused(layer: str) -> None:
    """Behind a rectifier and in front of it."""
    assert levels(channels(net(), layer, images()), "ACT007") == {"ok"}


@pytest.mark.parametrize(("count", "level"), [(2, "ok"), (5, "warn"), (12, "alarm")])
def test_dead_channels_are_counted(count: int, level: str) -> None:
    """A quarter is a warning, and half an alarm."""
    (found,) = findings(channels(biased(count), "1", images()), "ACT007")
    assert (found.level, found.value) == (level, count / 16)
    assert found.evidence["channels"] == ", ".join(map(str, range(count)))


def test_a_channel_that_is_constant_but_not_zero_is_dead_too() -> None:
    """It tells nothing to what follows."""
    model = net()
    with torch.no_grad():
        model[0].weight[:6], model[0].bias[:6] = 0, 1.5
    assert levels(channels(model, "1", images()), "ACT007") == {"warn"}


@pytest.mark.parametrize("count", [None, 511])
def test_on_few_examples_no_channel_is_called_dead(count: int | None) -> None:
    """One example says nothing, and 511 are one too few."""
    data = None if count is None else images(count)
    (found,) = findings(channels(biased(12), "1", data), "ACT007")
    assert found.level == "not-measured"
    seen = "no data were given" if count is None else "511 examples came"
    assert found.message == f"{seen}, and 512 are needed to call a channel dead"


def test_a_few_channels_alone_are_warned_of_at_the_most() -> None:
    """Four of four."""
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
    nn.init.constant_(model[0].bias, -100.0)  # pyright: ignore[reportArgumentType]
    assert levels(channels(model, "1", images()), "ACT007") == {"warn"}


def test_channels_that_fire_for_few_examples_are_not_taken_for_dead() -> None:
    """Of eight that never fired six are thought to be alive, since four fired once."""
    model, x = net(), images()
    with torch.no_grad():
        tops = model[0](x).amax((2, 3)).sort(0, descending=True).values
        model[0].bias[:4] -= (tops[0, :4] + tops[1, :4]) / 2
        model[0].bias[4:9] -= tops[0, 4:9] + 1
    (found,) = findings(channels(model, "1", x), "ACT007")
    assert found.level == "ok"
    assert found.value == 0.0


def test_values_that_are_not_finite_are_not_judged() -> None:
    """They belong to another rule."""
    x = images()
    x[5] = torch.nan
    assert levels(channels(net(), "1", x), "ACT007") == {"not-measured"}


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_filters_that_are_not_finite_are_not_judged(value: float) -> None:
    """One value is enough."""
    model = net()
    with torch.no_grad():
        model[0].weight[0, 0, 0, 0] = value
    result = pel.weights.filters(model)
    for code in ("WGT003", "WGT004"):
        (found,) = findings(result, code)
        assert (found.level, found.message) == ("not-measured", "the weights hold values that are not finite")
