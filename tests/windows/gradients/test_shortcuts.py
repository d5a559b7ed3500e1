"""Shortcuts: what is measured, over which data, and what is refused."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

import pellucid as pel
from pellucid.core.errors import InputError
from pellucid.windows.gradients.measure.cells import Cells
from tests.windows.gradients.marked import Reader, pictures

Untouched = Callable[[nn.Module], AbstractContextManager[None]]


def found(**options: Any) -> pel.gradients.Shortcuts:
    """Examine the reader of marks."""
    return pel.gradients.shortcuts(Reader(), pictures(share=0.5), cell=4, **options)


def test_a_mark_is_described() -> None:
    """Where it stands, in which pictures, how alike, and what it does; counts and accuracies of every class."""
    result = found()
    (spot,) = result.spots
    assert (spot.label, spot.hits, spot.share, spot.moving, spot.flip, spot.elsewhere) == (0, 20, 0.5, False, 1.0, 0.0)
    top, left = spot.place
    assert top <= 1
    assert top + 4 >= 4
    assert left <= 8
    assert left + 4 >= 11
    assert spot.sameness > 0.9
    assert spot.attention > 0.5
    assert all(number % 3 == 0 for number in spot.examples)
    assert result.counts.tolist() == [40, 40, 40]
    assert result.accuracies.tolist() == [1.0, 1.0, 1.0]
    np.testing.assert_allclose(result.maps.sum((1, 2)), 1.0, rtol=1e-5)


class _Only(nn.Module):
    """Two classes: a bright corner, or none. Everything hangs on the mark."""

    def forward(self, x: Tensor) -> Tensor:
        """Look at the corner."""
        score = x[:, 0, :3, :3].flatten(1) @ torch.tensor([4.0, 0, 4, 0, 4, 0, 4, 0, 4]).to(x)
        return torch.stack([score - 8, 0 * score], 1)


def test_covering_the_patch_takes_the_accuracy() -> None:
    """Where the mark is all there is, covering it with the mean leaves nothing of the class."""
    x = 0.1 * torch.randn(80, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    y = torch.arange(80) % 2
    x[y == 0, 0, :3, :3] += torch.tensor([[1.0, 0, 1], [0, 1, 0], [1, 0, 1]]) * 0.7
    (spot,) = [one for one in pel.gradients.shortcuts(_Only(), (x, y)).spots if one.label == 0]
    assert (spot.accuracy, spot.masked, spot.flip) == (1.0, 0.0, 1.0)


@pytest.mark.parametrize("form", ["loader", "subject", "flat", "double", "mapping", "wrapped"])
def test_the_form_of_the_data_does_not_matter(form: str) -> None:
    """A loader with a smaller last batch, a subject, flat inputs, named ones, a wrapped model: the same spots."""
    x, y = pictures(share=0.5)
    model: Any = Reader()
    data: Any = (x, y)
    options: dict[str, Any] = {}
    if form == "loader":
        data = DataLoader(TensorDataset(x, y), batch_size=50)
    elif form == "subject":
        model, data = pel.Subject(model, batches=[(x, y)], class_names=("mark", "b", "c")), None
    elif form == "flat":
        model, data, options = (
            nn.Sequential(nn.Unflatten(1, (1, 12, 12)), model),
            (x.flatten(1), y),
            {"shape": (12, 12)},
        )
    elif form == "double":
        model, data = model.double(), (x.double(), y)
    elif form == "mapping":
        data = [{"x": x, "labels": y}]
    else:
        model = nn.DataParallel(model)
    result = pel.gradients.shortcuts(model, data, cell=4, **options)
    plain = ("label", "hits", "place", "flip", "accuracy", "masked", "examples")
    assert [[getattr(one, name) for name in plain] for one in result.spots] == [
        [getattr(one, name) for name in plain] for one in found().spots
    ]
    assert result.findings.problems[0].where == ("class mark" if form == "subject" else "class 0")


@pytest.mark.parametrize("method", ["gradient", "inputxgradient", "smoothgrad", "gradcam", "occlusion"])
def test_other_methods_may_draw_the_maps(method: str) -> None:
    """The tests of patches stay: the mark is found with each."""
    result = found(method=pel.gradients.Occlusion(window=3) if method == "occlusion" else method)
    assert result.method == method
    assert [one.where for one in result.findings.problems] == ["class 0"]


def test_large_pictures_are_compared_in_blocks() -> None:
    """Four times the size: the same mark, its place in pixels."""
    x, y = pictures(share=0.5)
    model = nn.Sequential(nn.AvgPool2d(4), Reader())
    (spot,) = pel.gradients.shortcuts(model, (x.repeat_interleave(4, 2).repeat_interleave(4, 3), y), cell=16).spots
    assert (spot.size, spot.hits, spot.flip) == ((16, 16), 20, 1.0)
    assert spot.place[0] <= 4
    assert spot.place[1] + 16 >= 44


@pytest.mark.parametrize(("side", "cell"), [(8, 3), (16, 6), (28, 9), (21, 6)])
def test_pixels_that_were_repeated_count_once(side: int, cell: int) -> None:
    """A patch has three true pixels a side at the least; where a mark was put in later, all pixels are true."""
    planes = F.interpolate(torch.rand(9, 1, 8, 8), size=(side, side))
    found = Cells.of(None, planes)
    assert found.size == (cell, cell)
    planes[0, 0, 1, 1] += 1.0  # in a place of its own, unless pixels were not repeated
    assert Cells.of(None, planes).size == (max(3, side // 4),) * 2


def test_only_named_classes_are_examined() -> None:
    """The others are what patches are pasted into."""
    result = found(classes=[1, 2])
    assert result.labels.tolist() == [1, 2]
    assert result.findings.problems == ()


def test_an_examination_repeats_itself_and_leaves_the_model_alone(model_is_untouched: Untouched) -> None:
    """Two examinations are equal, and neither model nor random state is touched."""
    model, data = Reader(), pictures(share=0.5)
    with model_is_untouched(model):
        one, other = (pel.gradients.shortcuts(model, data, cell=4) for _ in range(2))
    assert [spot.flip for spot in one.spots] == [spot.flip for spot in other.spots]
    np.testing.assert_array_equal(one.maps, other.maps)


REFUSED = {
    "cell": ({"cell": 13}, "cell=13 came; expected rows and columns, at most 12 x 12."),
    "small cell": ({"cell": 1}, "cell=1 came; a patch of less than 3 pixels cannot be told from others."),
    "most": ({"most": 0}, "most=0 came; expected a whole number, 1 or more: pictures of a class."),
    "classes": ({"classes": [3]}, "classes=[3] came; expected some of 0 to 2."),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_bad_options_are_refused(kind: str) -> None:
    """The error says what came and what was expected."""
    options, message = REFUSED[kind]
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        pel.gradients.shortcuts(Reader(), pictures(), **options)


def test_a_model_that_is_no_classifier_is_refused() -> None:
    """Maps or single numbers are no scores of classes."""
    message = (
        "The model returned a tensor of shape (1, 1, 10, 10) for 1 pictures; expected scores of two classes or more, "
        "[N, classes]. Wrap a model that returns more in a module that returns the scores."
    )
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        pel.gradients.shortcuts(nn.Conv2d(1, 1, 3), pictures())


def test_no_data_are_refused() -> None:
    """Neither a loader nor batches of a subject came."""
    with pytest.raises(
        InputError, match=r"^No data came. Give shortcuts\(model, loader\), or a subject with batches.$"
    ):
        pel.gradients.shortcuts(Reader())


def test_the_outline_is_round_the_mark() -> None:
    """The border of the cell runs between pixels, over the map and over each example."""
    result = found()
    figure, (spot,) = result.figure(), result.spots
    lines = [mark for panel in figure.panels for mark in panel.marks if type(mark).__name__ == "Lines"]
    assert len(lines) == 3
    assert "The outline is what was pasted" in figure.caveat
    for line, corner in zip(lines, [spot.place, *spot.corners[:2].tolist()], strict=True):
        assert (line.y.min(), line.x.min()) == (corner[0] - 0.5, corner[1] - 0.5)
        assert (line.y.max(), line.x.max()) == (corner[0] + 3.5, corner[1] + 3.5)


def test_nothing_is_said_of_an_outline_where_there_is_none() -> None:
    """No class has a patch: maps and a table, in which places are two numbers that are not cut in a terminal."""
    x, y = pictures(share=0.5)
    result = pel.gradients.shortcuts(Reader(trust=0.0), (x, y), cell=4)
    assert "outline" not in result.figure().caveat
    (spot,) = result.spots
    assert f" {spot.place[0]}, {spot.place[1]} " in str(result)
    assert "…" not in str(result)
