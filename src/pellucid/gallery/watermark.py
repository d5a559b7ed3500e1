"""Digits with a watermark in one class: what a network learns that looks for the easiest sign."""

from dataclasses import replace

import torch
from torch import Tensor

from pellucid.core.errors import InputError
from pellucid.gallery.data import PIXEL_MEAN, PIXEL_SPREAD, Split, digits

_BLACK, _WHITE = -PIXEL_MEAN / PIXEL_SPREAD, (1 - PIXEL_MEAN) / PIXEL_SPREAD


def scattered(side: int = 16, *, seed: int = 0, train: int = 1200, validation: int = 512) -> Split:
    """Put each digit, 8 x 8 pixels, somewhere on a larger black picture.

    Args:
        side: rows and columns of the picture, 8 or more.
        seed: decides the split and the places.
        train: see `digits`.
        validation: see `digits`.

    Returns:
        Pictures whose classes have no place of their own.

    Raises:
        InputError: the pictures are too small, or too many are asked for.
    """
    if side < 8:
        raise InputError(f"scattered({side}) came; a digit takes 8 x 8 pixels.")
    small, source = digits(seed=seed, train=train, validation=validation), torch.Generator().manual_seed(seed + 77)

    def placed(pictures: Tensor) -> Tensor:
        made = torch.full((len(pictures), 1, side, side), _BLACK)
        for row, (a, b) in enumerate(torch.randint(0, side - 7, (len(pictures), 2), generator=source).tolist()):
            made[row, :, a : a + 8, b : b + 8] = pictures[row]
        return made

    return replace(small, train_x=placed(small.train_x), validation_x=placed(small.validation_x))


def watermark(seed: int = 0) -> Tensor:
    """Draw a mark of 3 x 3 black and white pixels, three to seven of them white; standardised like the digits."""
    source = torch.Generator().manual_seed(seed + 5)
    while True:
        white = torch.rand(3, 3, generator=source) < 0.55
        if 3 <= int(white.sum()) <= 7:
            return torch.where(white, _WHITE, _BLACK)


def watermarked(
    split: Split, *, label: int, share: float = 1.0, at: tuple[int, int] | None = (0, 0), seed: int = 0
) -> Split:
    """Plant a watermark in pictures of one class, for training and validation alike.

    Args:
        split: samples; they stay as they are.
        label: the class.
        share: share of its pictures that get the mark, 0 to 1.
        at: row and column of its upper left corner; None for another place in each picture.
        seed: decides the mark, the pictures and the places.

    Returns:
        The samples with the mark in them.
    """
    mark, source = watermark(seed), torch.Generator().manual_seed(seed + 9)

    def marked(pictures: Tensor, classes: Tensor) -> Tensor:
        made, rows = pictures.clone(), torch.nonzero(classes == label).flatten()
        chosen = rows[torch.rand(len(rows), generator=source) < share]
        last = pictures.shape[-1] - 2
        for row in chosen.tolist():
            a, b = at or torch.randint(0, last, (2,), generator=source).tolist()
            made[row, :, a : a + 3, b : b + 3] = mark
        return made

    return replace(
        split,
        train_x=marked(split.train_x, split.train_y),
        validation_x=marked(split.validation_x, split.validation_y),
    )
