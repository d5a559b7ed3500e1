"""The digits that ship inside scikit-learn, as standardised pictures."""

from dataclasses import dataclass
from functools import cache

import torch
from jaxtyping import Float, Shaped
from torch import Tensor
from torch.nn import functional as F

from pellucid.core.errors import InputError
from pellucid.core.extras import require

PIXEL_MEAN, PIXEL_SPREAD = 0.305, 0.376
"""Mean and standard deviation of all pixels of the data set, scaled to [0, 1]."""

TOTAL = 1797


@dataclass(frozen=True, kw_only=True)
class Split:
    """Training and validation samples, disjoint.

    Attributes:
        train_x: training pictures.
        train_y: their classes 0 to 9, or other targets after an injection.
        validation_x: validation pictures.
        validation_y: their targets.
    """

    train_x: Float[Tensor, "train channel side side"]
    train_y: Shaped[Tensor, "train *target"]
    validation_x: Float[Tensor, "validation channel side side"]
    validation_y: Shaped[Tensor, "validation *target"]


@cache
def _loaded() -> tuple[Tensor, Tensor]:
    """Read all pictures in [0, 1] and their classes; nobody changes them in place."""
    loaded = require("sklearn.datasets", extra="gallery", purpose="the digits data set").load_digits()
    pictures = torch.tensor(loaded.images, dtype=torch.float32)[:, None] / 16
    return pictures, torch.tensor(loaded.target, dtype=torch.int64)


def digits(side: int = 8, *, seed: int = 0, train: int = 1200, validation: int = 512) -> Split:
    """Load handwritten digits: 1,797 pictures of 8 x 8 pixels that ship inside scikit-learn.

    Pixels are scaled to [0, 1], enlarged bilinearly where asked, and standardised by a fixed mean and
    spread, so that the same picture has the same values in every split.

    Args:
        side: rows and columns, 8 or more.
        seed: decides which pictures train and which validate.
        train: number of training pictures.
        validation: number of validation pictures; at most 1,797 together.

    Returns:
        Pictures of one channel, float32, and classes 0 to 9, int64.

    Raises:
        InputError: more pictures are asked for than there are, or none.
        MissingExtraError: scikit-learn is not installed.

    Cost: 1 ms, after 0.5 s for importing scikit-learn once.
    """
    if train < 1 or validation < 1 or train + validation > TOTAL:
        msg = (
            f"digits() was asked for {train} training and {validation} validation pictures. "
            f"There are {TOTAL} in all. Ask for at least 1 of each and no more than that together."
        )
        raise InputError(msg)
    pictures, classes = _loaded()
    if side != pictures.shape[-1]:
        pictures = F.interpolate(pictures, size=(side, side), mode="bilinear", align_corners=False)
    pictures = (pictures - PIXEL_MEAN) / PIXEL_SPREAD
    order = torch.randperm(TOTAL, generator=torch.Generator().manual_seed(seed))
    training, validating = order[:train], order[train : train + validation]
    return Split(
        train_x=pictures[training],
        train_y=classes[training],
        validation_x=pictures[validating],
        validation_y=classes[validating],
    )
