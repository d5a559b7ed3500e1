"""Sight: what is read from sizes, batches and loaders, and what is refused."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from pellucid.core.errors import InputError
from pellucid.methods.synthesis import sight_of

ADVICE = (
    "Give like=(channels, height, width), a batch of pictures [examples, channels, height, width], or a loader of such."
)


def pictures(count: int = 5) -> Tensor:
    """Pictures of two channels, of values 0 to 3 and -1 to 1."""
    x = torch.rand(count, 2, 4, 6, generator=torch.Generator().manual_seed(0))
    x[:, 0] *= 3
    x[:, 1] = 2 * x[:, 1] - 1
    return x


LIKES: dict[str, Any] = {
    "tensor": pictures(),
    "batch": (pictures(), torch.zeros(5)),
    "loaded": [pictures(), torch.zeros(5)],
    "mapping": {"pixels": pictures(), "labels": torch.zeros(5)},
    "list": [pictures(), pictures(2)],
    "batches": [(pictures(), torch.zeros(5)), (pictures(2), torch.zeros(2))],
    "loader": DataLoader(TensorDataset(pictures(7), torch.zeros(7)), batch_size=5),
    "first empty": [pictures()[:0], pictures()],
}


@pytest.mark.parametrize("kind", LIKES)
def test_examples_tell_size_and_range(kind: str) -> None:
    """However they come, labelled or not; black and white are the lowest and the highest value of each channel."""
    sight, batches = sight_of(LIKES[kind], None)
    assert (sight.shape, sight.known) == ((2, 4, 6), "examples")
    assert batches is not None
    seen = sight.seen(pictures())
    assert -0.2 < float(seen.min()) <= 0.05
    assert 0.95 <= float(seen.max()) < 1.2
    given = sight.given(torch.ones(3, 2, 4, 6), torch.float32)
    given = given["pixels"] if kind == "mapping" else given
    torch.testing.assert_close(given[0, :, 0, 0].double(), sight.high)


def test_a_size_alone_is_taken_to_lie_between_0_and_1() -> None:
    """There are no examples to hold a picture against."""
    sight, batches = sight_of((3, 8, 9), None)
    assert (sight.shape, sight.known, batches) == ((3, 8, 9), "", None)
    grey = torch.full((1, 3, 8, 9), 0.5)
    assert torch.equal(sight.given(grey, torch.float32), grey)


def test_a_normalisation_comes_before_the_examples() -> None:
    """Black is what 0 is normalised to, and back."""
    sight, _ = sight_of(pictures(), ((0.5, 0.25), (0.5, 2.0)))
    assert sight.known == "normalization"
    assert sight.low.tolist() == [-1, -0.125]
    assert sight.high.tolist() == [1, 0.375]
    made = torch.rand(2, 2, 4, 6)
    torch.testing.assert_close(sight.seen(sight.given(made, torch.float32)), made)


def test_a_constant_channel_takes_the_range_of_all() -> None:
    """Else it would be divided by 0; constant pictures are taken to lie between 0 and 1, as are those of NaN."""
    x = pictures()
    x[:, 1] = 1.0
    sight, _ = sight_of(x, None)
    assert float(sight.high[1]) == pytest.approx(float(x.max()))
    for constant in (torch.full((2, 1, 4, 4), 7.0), torch.full((2, 1, 4, 4), float("nan"))):
        assert sight_of(constant, None)[0].known == ""
    x[0, 0, 0, 0] = float("inf")
    assert float(sight_of(x, None)[0].high[0]) <= 3


REFUSED: dict[str, tuple[Any, str]] = {
    "features": (
        torch.zeros(5, 12),
        (
            "Inputs of shape (5, 12) came, expected one tensor of pictures [examples, channels, height, width]: only "
            f"pictures have waves to be made of. {ADVICE}"
        ),
    ),
    "two inputs": (
        ((pictures(), pictures()), torch.zeros(5)),
        (
            "Inputs of shape (5, 2, 4, 6) and (5, 2, 4, 6) came, expected one tensor of pictures [examples, channels, "
            f"height, width]: only pictures have waves to be made of. {ADVICE}"
        ),
    ),
    "tokens": (
        torch.zeros(2, 3, 4, 4, dtype=torch.int64),
        "Pictures of torch.int64 came. Give what the model takes: real numbers, after its normalisation.",
    ),
    "short size": ((3, 8), f"like=(3, 8) came. {ADVICE}"),
    "no size": ((3, 0, 8), f"like=(3, 0, 8) came. {ADVICE}"),
    "generator": (
        (one for one in [pictures()]),
        f"like of type generator came, which cannot be gone through twice. {ADVICE}",
    ),
    "number": (7, f"like of type int came, which cannot be gone through twice. {ADVICE}"),
    "no pixel": (torch.zeros(2, 3, 0, 4), f"Pictures without a pixel came, of shape (2, 3, 0, 4). {ADVICE}"),
    "empty": (
        torch.zeros(0, 1, 4, 4),
        (
            "The batch holds 0 examples: its tensors are of shape (0, 1, 4, 4). Expected 1 example or more on the "
            "first axis; 512 or more let dead units be judged. Look at what cut the data: a split, a filter or a "
            "sampler."
        ),
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_picture_is_refused(kind: str) -> None:
    """With what came and what to give."""
    like, words = REFUSED[kind]
    with pytest.raises(InputError) as told:
        sight_of(like, None)
    assert str(told.value) == words


@pytest.mark.parametrize("normalization", [((0.5,), (0.0,)), ((0.5, 0.5, 0.5), (1.0,)), ((float("nan"),), (1.0,))])
def test_a_normalisation_that_does_not_fit_is_refused(normalization: Any) -> None:
    """Deviations of 0, and a number of channels of its own."""
    with pytest.raises(InputError, match=r"came for pictures of 2 channels\. Expected \(mean, standard deviation\)"):
        sight_of(pictures(), normalization)
