"""Dead and live units for the rules on pictures that are made up, and dreams of dead layers."""

import pytest
import torch
from torch import Tensor, nn

import pellucid as pel
from pellucid.core.finding import Level
from tests.ward.watching import findings, levels


def net(shift: float = 0.0, dead: int = 8) -> nn.Sequential:
    """A small network; a shift switches some of its eight channels off for good."""
    torch.manual_seed(0)
    conv = nn.Conv2d(1, 8, 3)
    with torch.no_grad():
        conv.bias[:dead] += shift
    return nn.Sequential(conv, nn.ReLU(), nn.Conv2d(8, 4, 3), nn.ReLU())


def x(rows: int = 12) -> Tensor:
    """Pictures of 12 x 12."""
    return torch.randn(rows, 1, 12, 12, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("like", [(1, 12, 12), x()])
@pytest.mark.parametrize("layer", ["0", "1", "2"])
def test_live_units_are_not_accused(layer: str, like: object) -> None:
    """In front of a ReLU, behind it, and deeper."""
    result = pel.weights.maximize(net(), layer, like=like, steps=64)
    assert levels(result, "WGT005") == {"ok"}


def test_dead_units_are_named() -> None:
    """All of a layer that was switched off; and no example excites them either."""
    (found,) = findings(pel.weights.maximize(net(-100.0), "1", like=x(), steps=64), "WGT005")
    assert (found.level, found.where, found.value) == ("warn", "1", 1.0)
    assert found.message == (
        "8 of 8 units could not be excited, and none of 12 examples excites them: 0, 1, 2, 3, 4 ..."
    )


def test_few_dead_units_are_looked_at() -> None:
    """Some are usual, in healthy networks too."""
    (found,) = findings(pel.weights.maximize(net(-100.0, dead=2), "1", like=(1, 12, 12), steps=64), "WGT005")
    assert (found.level, found.message) == ("look", "2 of 8 units could not be excited: 0, 1")


def test_few_steps_accuse_nobody() -> None:
    """What did not move in ten steps may move in a hundred."""
    found = findings(pel.weights.maximize(net(-100.0), "1", like=(1, 12, 12), steps=10), "WGT005")
    assert [(one.level, one.message) for one in found] == [
        ("not-measured", "8 units did not move, in fewer than 64 steps")
    ]


def test_few_steps_pass_nobody_either() -> None:
    """A unit that an example excites and that did not move is no pass, nor are those beside it that did."""
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU())
    with torch.no_grad():
        model[0].weight.fill_(1.0)
        model[0].bias.copy_(torch.tensor([-8.0, 1.0]))
    like = torch.cat([torch.zeros(2, 1, 12, 12), torch.ones(2, 1, 12, 12)])
    result = pel.weights.maximize(model, "1", like=like, steps=1)
    assert result.real[0] > 0
    assert result.still.tolist() == [True, False]
    found = findings(result, "WGT005")
    assert [(one.level, one.message) for one in found] == [
        ("not-measured", "1 unit did not move, in fewer than 64 steps")
    ]
    assert result.figure().level is Level.NOT_MEASURED


def test_a_unit_that_examples_excite_is_not_called_dead() -> None:
    """Examples reach further than the range that is searched; the search is blamed, and not the units."""
    options = pel.weights.MaximizeOptions(normalization=((0.0,), (1000.0,)))
    model = net(-1.0)
    found = findings(pel.weights.maximize(model, "1", like=20 * x(), steps=64, options=options), "WGT005")
    assert {one.level for one in found} <= {"look", "ok"}
    assert found[0].message.startswith("the search fell short for 8 units: the picture of unit ")


def test_a_search_that_fell_short_is_looked_at() -> None:
    """With a tiny rate it does not get far, while an example does."""
    options = pel.weights.MaximizeOptions(rate=1e-4)
    found = findings(pel.weights.maximize(net(), "1", 0, like=3 * x(), steps=64, options=options), "WGT005")
    assert {one.level for one in found} <= {"look", "ok"}
    assert found[0].message.startswith("the search fell short for 1 unit: the picture of unit 0 gains ")


def test_numbers_that_are_not_finite_are_not_judged() -> None:
    """NaN in the weights."""
    model = net()
    with torch.no_grad():
        model[2].bias[1] = float("nan")
    found = findings(pel.weights.maximize(model, "2", like=(1, 12, 12), steps=64), "WGT005")
    assert [(one.level, one.message.partition(":")[0]) for one in found] == [
        ("not-measured", "the activity of 1 unit is NaN or infinite"),
        ("ok", "3 units could be excited"),
    ]


def test_a_dead_layer_does_not_dream() -> None:
    """The photograph comes back as it was."""
    image = torch.rand(1, 20, 20)
    (found,) = findings(pel.weights.dream(net(-100.0), image, "1", octaves=1, steps=3), "WGT006")
    assert (found.level, found.where) == ("warn", "1")
    assert found.message == "1 of 1 photograph came back as it was: the layer has no gradient"
    assert levels(pel.weights.dream(net(), image, "1", octaves=1, steps=3), "WGT006") == {"ok"}


def test_steps_that_are_too_long_are_looked_at() -> None:
    """The layer is no stronger than it was."""

    class Peak(nn.Module):
        def forward(self, given: Tensor) -> Tensor:
            return 1 - (given - 0.5).square().mean((2, 3)) * 4

    image = 0.5 + 0.02 * torch.randn(1, 16, 16, generator=torch.Generator().manual_seed(0)).clamp(-3, 3)
    options = pel.weights.DreamOptions(rate=0.5, normalization=((0.0,), (1.0,)))
    (found,) = findings(
        pel.weights.dream(nn.Sequential(Peak()), image, "0", octaves=1, steps=1, options=options), "WGT006"
    )
    assert found.level == "look"


def test_units_that_a_nan_beside_them_holds_still_are_not_called_excited() -> None:
    """NaN in the weights of one unit makes the gradient of all NaN: nothing is said of the others."""
    model = net()
    with torch.no_grad():
        model[2].weight[1, 0, 0, 0] = float("nan")
    found = findings(pel.weights.maximize(model, "2", like=x(), steps=64), "WGT005")
    assert [(one.level, one.message) for one in found] == [
        ("not-measured", "the activity of 1 unit is NaN or infinite")
    ]
