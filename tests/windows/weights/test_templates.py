"""The rows of a dense layer as images."""

import numpy as np
import pytest
import torch
from torch import nn

import pellucid as pel
from pellucid.core.errors import InputError
from pellucid.core.finding import Level


def reader(inputs: int = 64, units: int = 10) -> nn.Sequential:
    """One dense layer behind a picture that is made flat."""
    return nn.Sequential(nn.Flatten(), nn.Linear(inputs, units))


@pytest.mark.parametrize(
    ("inputs", "shape"), [(64, (1, 8, 8)), (192, (3, 8, 8)), (3072, (3, 32, 32)), (784, (1, 28, 28))]
)
def test_squares_of_one_and_three_channels_are_told_by_themselves(inputs: int, shape: tuple[int, ...]) -> None:
    """A row is reshaped as the picture was flattened."""
    model = reader(inputs)
    found = pel.weights.templates(model)
    assert found.images.shape == (10, *shape)
    assert found.inferred
    np.testing.assert_array_equal(found.images, model[1].weight.detach().reshape(10, *shape))


def test_a_template_is_what_a_score_is_made_of() -> None:
    """The sum of template times picture, and the bias, is the score."""
    model, x = reader(192), torch.randn(5, 3, 8, 8)
    found = pel.weights.templates(model)
    scores = (x.numpy()[:, None] * found.images[None]).sum((2, 3, 4)) + found.biases
    np.testing.assert_allclose(model(x).detach(), scores, atol=1e-5)


def test_a_shape_can_be_given_and_names_stand_over_the_images() -> None:
    """Rows and columns alone mean one channel; names are used where there is one for each unit."""
    subject = pel.Subject(reader(60, 3), class_names=("ant", "bee", "cat"))
    found = pel.weights.templates(subject, "1", (6, 10))
    assert found.images.shape == (3, 1, 6, 10)
    assert found.unit_names == ("ant", "bee", "cat")
    (tiles,) = found.figure().panels[0].marks
    assert tiles.titles == ("ant", "bee", "cat")  # pyright: ignore[reportAttributeAccessIssue]
    assert tiles.signed  # pyright: ignore[reportAttributeAccessIssue]
    assert pel.weights.templates(pel.Subject(reader(60, 4), class_names=("a", "b")), shape=(6, 10)).unit_names == ()


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 4, 4), (16, 2, 2), (40, 2, 2)])
def test_every_number_of_channels_is_drawn(shape: tuple[int, int, int]) -> None:
    """One tile a unit, three panels of colours, or channels side by side; on either scale."""
    found = pel.weights.templates(reader(int(np.prod(shape)), 70), shape=shape)
    for name in ("templates", "each_by_itself"):
        figure = found.figure(name)
        assert figure.text(72)
        assert figure.svg()
        assert "6 units more are not drawn." in figure.caveat
        assert (figure.level, figure.verdict) == (Level.NOT_MEASURED, "not-measured: no rule judges this")


def test_a_layer_with_a_number_for_a_name_is_quoted() -> None:
    """Each unit of 0 would read as a count."""
    assert pel.weights.templates(reader()).figure().title == "What raises (+) and lowers (-) each unit of '1'"


REFUSED = {
    "'1' is given 60 values, which are no square image of 1 or 3 channels. Give the shape: shape=(channels, rows, "
    "columns), such as (1, 6, 10).": (reader(60), None, None),
    "shape=(3, 5, 5) holds 75 values, and '1' is given 64. (1, 8, 8) would fit.": (reader(), None, (3, 5, 5)),
    "shape=(3, 5, 5) holds 75 values, and '1' is given 60. Give (channels, rows, columns).": (
        reader(60),
        None,
        (3, 5, 5),
    ),
    "'2' is not the first layer of Sequential: what it is given comes from '0' and need be no image. Give the shape of "
    "what it is given: shape=(channels, rows, columns) of 64 values.": (
        nn.Sequential(nn.Conv2d(1, 16, 3), nn.Flatten(), nn.Linear(64, 4)),
        None,
        None,
    ),
    "The layer '0' is a Flatten, and templates are rows of a dense layer (nn.Linear).": (reader(), "0", None),
    "Sequential has no dense layer (nn.Linear). Show convolutions with pel.weights.filters(model).": (
        nn.Sequential(nn.Conv2d(1, 2, 3)),
        None,
        None,
    ),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_cannot_be_an_image_is_refused(message: str) -> None:
    """With what would fit, where something does."""
    model, at, shape = REFUSED[message]
    with pytest.raises(InputError) as caught:
        pel.weights.templates(model, at, shape)
    assert str(caught.value) == message
