"""Sick and healthy features for the rules on them: EMB001 to EMB003."""

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import pellucid as pel
from pellucid.core.finding import Finding
from pellucid.core.result import Result
from pellucid.gallery.trained import digit_reader
from pellucid.windows.embeddings import Features, Separation


def says(result: Result, code: str) -> Finding:
    """What one rule says."""
    (found,) = [one for one in result.findings.every if one.code == code]
    return found


def read(model: nn.Module, data: object) -> Features:
    """Read features in silence."""
    return pel.embeddings.features(model, data, progress=False)


def measured(model: nn.Module, held_out: object, train: object = None) -> Separation:
    """Measure separation in silence."""
    return pel.embeddings.separation(model, held_out, train=train, progress=False)


def classes(examples: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return four classes that overlap a little, in ten dimensions."""
    labels = torch.arange(examples) % 4
    noise = torch.randn(examples, 10, generator=torch.Generator().manual_seed(seed))
    return 2.5 * F.one_hot(labels, 10) + noise, labels


def mlp(*, bias: float | None = None) -> nn.Sequential:
    """Return a small network; with a bias, of a last hidden layer that is the same for every input."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 4))
    if bias is not None:
        nn.init.constant_(model[2].bias, bias)
    return model


def trained(x: Tensor, y: Tensor, steps: int = 200) -> nn.Module:
    """Return a network that was trained."""
    model = mlp()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(steps):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    return model


def test_networks_that_read_digits_are_healthy() -> None:
    """No rule has anything to say of what they make of digits that they have not seen."""
    for kind in ("mlp", "cnn"):
        reader = digit_reader(kind)
        held_out = reader.split.validation_x, reader.split.validation_y
        separated = measured(reader.model, held_out, (reader.split.train_x, reader.split.train_y))
        for found in (separated, read(reader.model, held_out)):
            assert {one.level for one in found.findings.every} == {"ok"}
        assert separated.verdict == "learned"


def test_nan_is_a_warning() -> None:
    """How many examples, and the first; the collapse of the others is judged without them."""
    x, y = classes(40, 0)
    x[[7, 30]] = math.nan
    found = read(mlp(), (x, y))
    said = says(found, "EMB001")
    assert said.level == "warn"
    assert said.message == "2 of 40 examples have features that are NaN or infinite, the first of them number 7"
    assert says(found, "EMB002").level == "ok"
    assert says(read(mlp(), classes(40, 0)), "EMB001").level == "ok"


def test_features_that_are_all_the_same_are_a_warning() -> None:
    """Dead units, units that are saturated, and a layer of which nothing is left beside a constant."""
    dead = read(mlp(bias=-100.0), classes(40, 0))
    assert not dead.values.any()
    far = read(nn.Sequential(nn.Linear(10, 8), nn.Linear(8, 4)), classes(40, 0)[0] * 1e-9 + 1)
    for found in (dead, far):
        said = says(found, "EMB002")
        assert said.level == "warn"
        assert said.message == "the features of 40 examples are the same"
    assert says(read(mlp(bias=3.0), classes(40, 0)), "EMB002").level == "ok"


def test_one_direction_is_a_look_only_where_there_are_three_classes() -> None:
    """A layer of rank one in front of four classes; two classes need no more, and a layer of one unit has no more."""
    torch.manual_seed(0)
    thin = nn.Sequential(nn.Linear(10, 1), nn.Linear(1, 16), nn.Linear(16, 4))
    said = says(read(thin, classes(100, 0)), "EMB002")
    assert said.level == "look"
    assert said.message == "100.0 % of the spread is along one of 16 directions, and there are 4 classes"
    x, y = classes(100, 0)
    two = nn.Sequential(nn.Linear(10, 1), nn.Linear(1, 16), nn.Linear(16, 2))
    assert says(read(two, (x, y % 2)), "EMB002").level == "ok"
    narrow = nn.Sequential(nn.Linear(10, 1), nn.Linear(1, 4))
    assert says(read(narrow, (x, y)), "EMB002").level == "ok"
    assert says(read(mlp(), x[:9]), "EMB002").level == "not-measured"


def test_memorised_classes_are_an_alarm() -> None:
    """Shuffled classes that are known by heart: all training data right, held-out data at chance, and a tangle."""
    x, y = classes(400, 0)
    held_out = classes(400, 1)
    shuffled = y[torch.randperm(400, generator=torch.Generator().manual_seed(0))]
    found = measured(trained(x, shuffled, 600), held_out, (x, shuffled))
    said = says(found, "EMB003")
    assert said.level == "alarm"
    assert said.message.startswith("memorised: 100 % of the training data are right, on these the accuracy is ")
    assert found.share > 1
    assert says(measured(trained(x, y), held_out, (x, y)), "EMB003").level == "ok"


@pytest.mark.parametrize("given", [False, True])
def test_an_untrained_network_is_sick_only_where_it_is_said_to_be_trained(given: bool) -> None:
    """Without training data a tangle is a look; with them, and an accuracy of guessing, a warning."""
    train = classes(400, 0) if given else None
    said = says(measured(mlp(), classes(400, 1), train), "EMB003")
    assert said.level == ("warn" if given else "look")
    assert said.message.startswith("tangled: the scatter within classes is ")
    assert ("where guessing gives 25 %" in said.message) == given


def test_an_early_layer_of_a_network_that_works_is_no_fault() -> None:
    """Its first layer is as tangled as the inputs, the head reads the classes all the same: a look at the most."""
    x, y = classes(400, 0)
    found = pel.embeddings.separation(trained(x, y), classes(400, 1), train=(x, y), at="0", progress=False)
    assert says(found, "EMB003").level in ("ok", "look", "not-measured")


def test_partly_and_unclear() -> None:
    """Halfway is a look; where the interval lies across a limit, or classes are too small, nothing is said."""
    x, y = classes(2000, 0)
    means = torch.stack([x[y == one].mean(0) for one in range(4)])[y]
    judged = pel.embeddings.separation_of
    half = judged(means + 0.7**0.5 * (x - means), y, raw=x)
    assert says(half, "EMB003").level == "look"
    assert says(half, "EMB003").message.startswith("partly: the scatter within classes is ")
    edge = judged(means + 0.5**0.5 * (x - means), y, raw=x)
    assert says(edge, "EMB003").level == "not-measured"
    assert says(edge, "EMB003").message.startswith("not clear: the scatter within classes is ")
    assert says(judged(x[:30], y[:30], raw=x[:30]), "EMB003").message == (
        "4 classes have fewer than 10 examples, the smallest 7"
    )
    assert says(judged(x, y), "EMB003").message.startswith("there is nothing to compare with: no raw inputs (none was")
    assert says(judged(x, y * 0, raw=x), "EMB003").message == "there is one class only"
    assert says(judged(x, y - 9, raw=x), "EMB003").message == "there is no class"
