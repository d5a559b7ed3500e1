"""Networks that use a mark, and their sound twins, for the rule on shortcuts."""

import pytest
import torch
from torch import Tensor, nn

import pellucid as pel
from pellucid.gallery import digits
from pellucid.gallery.models import SmallCNN
from pellucid.gallery.training import seeded
from pellucid.gallery.watermark import scattered, watermarked
from tests.ward.watching import findings, levels
from tests.windows.gradients.marked import Reader, pictures


@pytest.mark.parametrize("at", [(1, 8), None])
@pytest.mark.parametrize("share", [1.0, 0.5, 0.25])
def test_a_mark_that_a_network_uses_is_an_alarm(share: float, at: tuple[int, int] | None) -> None:
    """In all or in some pictures of a class, at one place or at many: the class is named, with figures and a step."""
    (found,) = findings(pel.gradients.shortcuts(Reader(), pictures(share=share, at=at), cell=4), "GRD015")
    assert (found.level, found.where, found.value) == ("alarm", "class 0", 1.0)
    assert found.evidence["hits"] == round(40 * share)
    assert found.evidence["moves"] is (at is None)
    assert "Remove or cover the patch" in found.next_step


@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_a_mark_of_changing_brightness_is_an_alarm(noise: float) -> None:
    """Copies fainter or stronger by up to a sixth, and grainy, are copies; lines less alike are a look."""
    for grain, level in ((noise, "alarm"), (0.3, "look")):
        x, y = pictures()
        source = torch.Generator().manual_seed(3)
        factors = 1.5 * (0.7 + 0.3 * torch.rand(40, 1, 1, generator=source))
        x[y == 0, 0, 1:4, 8:11] *= factors
        x[y == 0, 0, 1:4, 8:11] += grain * torch.randn(40, 3, 3, generator=source)
        result = pel.gradients.shortcuts(Reader(), (x, y), cell=4)
        assert levels(result, "GRD015") == {level}
        assert [one.where for one in result.findings.problems] == (["class 0"] if level == "alarm" else [])
        assert max(one.copied for one in result.spots) < 0.75
        (found,) = findings(result, "GRD015")
        assert (found.where, found.value) == ("class 0", 1.0)
        assert (" of other pictures into it; " in found.message, "; but its copies differ: " in found.message) == (
            True,
            level == "look",
        )
        assert [one.title for one in result.figure().panels][1].startswith("Example ")


class _Stamped(Reader):
    """Reads bands, and a stamp of 6 x 6 pixels if it is all there."""

    stamp: Tensor

    def __init__(self) -> None:
        super().__init__(trust=0.0)
        self.register_buffer("stamp", torch.sign(torch.randn(6, 6, generator=torch.Generator().manual_seed(4))))

    def forward(self, x: Tensor) -> Tensor:
        """Classify pictures of 12 x 12 pixels."""
        seen = torch.relu((x[:, 0, 3:9, 5:11] * self.stamp).mean((1, 2)) - 0.7)
        return super().forward(x) + 30 * seen[:, None] * torch.eye(3)[0].to(x)


def test_a_stamp_larger_than_the_cell_is_an_alarm() -> None:
    """No cell of it does anything; all of it, which is pasted as one, makes the class."""
    model, (x, y) = _Stamped(), pictures(share=0.0)
    x[y == 0, 0, 3:9, 5:11] = model.stamp
    (found,) = findings(pel.gradients.shortcuts(model, (x, y), cell=3), "GRD015")
    assert (found.level, found.where, found.value) == ("alarm", "class 0", 1.0)
    assert found.message.startswith("the patch at rows 3-8, columns 5-10, alike in 100 % of class '0'")


@pytest.mark.parametrize("at", [(1, 8), None])
def test_a_mark_that_a_network_does_not_use_is_none(at: tuple[int, int] | None) -> None:
    """The same pictures, and a network that was built without an eye for the mark."""
    result = pel.gradients.shortcuts(Reader(trust=0.0), pictures(at=at), cell=4)
    assert levels(result, "GRD015") == {"ok"}


def test_a_network_without_a_mark_to_see_is_sound() -> None:
    """The network that would use it, and pictures without it."""
    assert levels(pel.gradients.shortcuts(Reader(), pictures(share=0.0), cell=4), "GRD015") == {"ok"}


class _Places(nn.Module):
    """Three classes that are nothing but a bar at one of three places."""

    def forward(self, x: Tensor) -> Tensor:
        """Look at the places."""
        return torch.stack([x[:, 0, row : row + 3, 2:5].mean((1, 2)) for row in (0, 4, 8)], 1)


@pytest.mark.parametrize("classes", [None, [0], [0, 2]])
def test_classes_that_are_a_thing_at_a_place_are_no_alarm(classes: list[int] | None) -> None:
    """Where most classes have such a patch it may be what they are: a look, which says so, whichever are named."""
    y = torch.arange(90) % 3
    x = 0.02 * torch.randn(90, 1, 12, 12, generator=torch.Generator().manual_seed(0))
    for row, place in enumerate(y.tolist()):
        x[row, 0, 4 * place : 4 * place + 3, 2:5] += torch.tensor([3.0, 1.0, 4.0])
    found = findings(pel.gradients.shortcuts(_Places(), (x, y), cell=4, classes=classes), "GRD015")
    assert {one.level for one in found} == {"look"}
    assert len(found) == len(classes or range(3))
    assert all(
        one.message.endswith("2 of 2 other classes hold copied patches, too: it may be what tells them apart")
        for one in found
    )


@pytest.mark.parametrize("classes", [[0], [0, 1]])
def test_a_mark_is_an_alarm_whichever_classes_are_named(classes: list[int]) -> None:
    """The finding is the same, to the figure; also where a class has more pictures than the others are given."""
    x, y = pictures(2400, share=0.5)
    model = Reader(trust=1.7)
    every, some = (
        pel.gradients.shortcuts(model, (x, y), cell=4, most=500, classes=one, progress=False) for one in (None, classes)
    )
    assert [one.level for one in findings(every, "GRD015")] == ["alarm"]
    assert 0.35 < every.spots[0].flip < 1  # else it could not tell into which pictures it was pasted
    assert findings(some, "GRD015") == findings(every, "GRD015")
    assert some.labels.tolist() == classes
    assert some.compared.tolist() == [one for one in range(3) if one not in classes]


def test_a_mark_is_judged_where_there_is_nothing_to_compare_it_with() -> None:
    """Seven pictures of each other class are too few to say what is usual: that is said, and the mark is an alarm."""
    x, y = pictures(600)
    kept = (y == 0) | (torch.arange(600) < 36)
    wide = torch.arange(600) // 3 % 6  # six classes where there were two, of seven pictures or less
    y = torch.where(y == 0, 0, 1 + wide)
    model = nn.Sequential(Reader(), _Wider())
    for classes in (None, [0]):
        result = pel.gradients.shortcuts(model, (x[kept], y[kept]), cell=4, classes=classes)
        (found,) = findings(result, "GRD015")
        assert (found.level, found.where, found.samples) == ("alarm", "class 0", 16)
        assert found.message.endswith("; no other class has pictures enough to see whether such patches are usual here")


class _Wider(nn.Module):
    """Six classes out of the last two of three."""

    def forward(self, scores: Tensor) -> Tensor:
        """Spread them."""
        return torch.cat([scores, scores[:, 1:].repeat(1, 2)], 1)


def test_patches_of_small_pictures_are_not_judged() -> None:
    """Strokes of 3 x 3 pixels are a seventh of a digit of 8 x 8, and what it is: no network is accused of them."""
    split = digits(8, seed=0)
    with seeded(0):
        model = SmallCNN((8,), side=8, width=32)
    result = pel.gradients.shortcuts(model, (split.validation_x, split.validation_y), most=20)
    (found,) = findings(result, "GRD015")
    assert found.level == "not-measured"
    assert found.message.startswith("a patch of 3 x 3 pixels is 14 % of a picture of 8 x 8")
    assert result.figure().verdict == f"not-measured: {found.message}"


def test_too_few_pictures_are_not_judged() -> None:
    """Seven of a class are not enough, and neither are few pictures to paste into."""
    assert levels(pel.gradients.shortcuts(Reader(), pictures(21), cell=4), "GRD015") == {"not-measured"}
    few = pel.gradients.shortcuts(Reader(), pictures(27), cell=4)
    (found,) = findings(few, "GRD015")
    assert found.message == "there are less than 16 pictures of other classes to paste patches into"


@pytest.mark.slow
@pytest.mark.parametrize("share", [1.0, 0.5, 0.25, 0.0])
def test_a_watermark_in_real_digits(share: float) -> None:
    """A trained network that uses the mark of one class is told, by that class only; its twin is sound."""
    split = scattered(seed=100)
    if share:
        split = watermarked(split, label=3, share=share, seed=100)
    with seeded(100):
        model = SmallCNN((16, 32), side=16, width=64)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=1e-4)
    source = torch.Generator().manual_seed(101)
    for _ in range(20):
        for rows in torch.randperm(1200, generator=source).split(64):
            loss = nn.functional.cross_entropy(model(split.train_x[rows]), split.train_y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    result = pel.gradients.shortcuts(model, (split.validation_x, split.validation_y))
    assert [one.where for one in result.findings.problems] == (["class 3"] if share else [])
