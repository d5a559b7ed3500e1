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


def test_classes_that_are_a_thing_at_a_place_are_no_alarm() -> None:
    """Where most classes have such a patch it may be what they are: a look, which says so."""
    y = torch.arange(90) % 3
    x = 0.02 * torch.randn(90, 1, 12, 12, generator=torch.Generator().manual_seed(0))
    for row, place in enumerate(y.tolist()):
        x[row, 0, 4 * place : 4 * place + 3, 2:5] += torch.tensor([3.0, 1.0, 4.0])
    found = findings(pel.gradients.shortcuts(_Places(), (x, y), cell=4), "GRD015")
    assert {one.level for one in found} == {"look"}
    assert all(
        one.message.endswith("2 of 2 other classes hold copied patches, too: it may be what tells them apart")
        for one in found
    )


def test_patches_of_small_pictures_are_not_judged() -> None:
    """Strokes of 3 x 3 pixels are a seventh of a digit of 8 x 8, and what it is: no network is accused of them."""
    split = digits(8, seed=0)
    with seeded(0):
        model = SmallCNN((8,), side=8, width=32)
    result = pel.gradients.shortcuts(model, (split.validation_x, split.validation_y), most=20)
    (found,) = findings(result, "GRD015")
    assert found.level == "not-measured"
    assert found.message.startswith("a patch of 3 x 3 pixels is 14 % of a picture of 8 x 8")


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
