"""Fourier: pictures made of waves, so that one step moves a broad shape as easily as a single pixel; colours apart."""

import torch
from jaxtyping import Float
from torch import Tensor

CONTRAST = 0.25
"""What waves are scaled by in the end, so that a step of .05 is a small one."""

_VARIANCES = (0.2175, 0.0188, 0.0045)
_DIRECTIONS = ((-0.5675, 0.7192, 0.4009), (-0.5808, -0.0045, -0.8140), (-0.5836, -0.6948, 0.4203))
"""How the colours of photographs vary: variances, and as columns their directions in red, green and blue in [0, 1]."""


def falloff(height: int, width: int) -> Float[Tensor, "height half"]:
    """Return how strong each wave of a picture is made: 1 / its frequency, as in photographs.

    Args:
        height: Rows of the picture, 1 or more.
        width: Columns, 1 or more.

    Returns:
        1 / max(f, 1 / max(height, width)), where f is the length of the frequency in cycles a pixel; of the columns of
        waves the half that a real picture needs, [height, width // 2 + 1]. float64.

    Source:
        Olah, Mordvintsev and Schubert 2017, "Feature visualization", on preconditioning.
    """
    down = torch.fft.fftfreq(height, dtype=torch.float64, device="cpu")[:, None]
    across = torch.fft.rfftfreq(width, dtype=torch.float64, device="cpu")[None, :]
    return 1 / torch.hypot(down, across).clamp(min=1 / max(height, width))


def picture_of(
    waves: Float[Tensor, "*rows height half 2"], strength: Float[Tensor, "height half"], width: int
) -> Float[Tensor, "*rows height width"]:
    """Return the real pictures that waves add up to: the unitary inverse Fourier transform, times `CONTRAST`.

    Unitary, so that the squares of a picture sum to those of its waves, each counted as often as it stands in the
    full spectrum. Of the first column of waves, and of the last where the width is even, only what a real picture can
    have counts.

    Args:
        waves: Real and imaginary part of each wave, of which one half of the columns is given, as of a real picture.
        strength: Of each wave; see `falloff`.
        width: Columns of the picture, since 2 (half - 1) and 2 half - 1 have equally many waves.

    Returns:
        Pictures, unbounded.

    Cost:
        One fast Fourier transform a picture.
    """
    spectrum = torch.view_as_complex(waves.contiguous()) * strength.to(waves.dtype)
    return CONTRAST * torch.fft.irfft2(spectrum, s=(waves.shape[-3], width), norm="ortho")


def colours_apart(dtype: torch.dtype = torch.float32) -> Float[Tensor, "3 3"]:
    """Return the matrix that makes three uncorrelated numbers into the red, green and blue of a photograph.

    Its columns are the directions in which colours of photographs vary (bright to dark, red to blue, green to
    magenta), as long as the standard deviation along each, in parts of the longest.

    Args:
        dtype: Of the matrix.

    Returns:
        [colour, number].

    Source:
        The variances and directions of the pixels of ImageNet's training pictures, as fb.resnet.torch published them in
        2016 (datasets/imagenet.lua) for the augmentation of Krizhevsky et al. 2012, section 4.1.
    """
    variances = torch.tensor(_VARIANCES, dtype=torch.float64, device="cpu")
    directions = torch.tensor(_DIRECTIONS, dtype=torch.float64, device="cpu")
    return (directions * (variances / variances[0]).sqrt()).to(dtype)


def shaded(values: Float[Tensor, "row channel height width"]) -> Float[Tensor, "row channel height width"]:
    """Return pictures in (0, 1) from unbounded ones: three channels are made into colours, then a sigmoid.

    Args:
        values: Pictures; three channels are taken as uncorrelated colours, any other number each for itself.

    Returns:
        The same shape; 0 becomes mid-grey, 0.5.
    """
    if values.shape[1] == 3:
        values = torch.einsum("cd,ndhw->nchw", colours_apart(values.dtype).to(values.device), values)
    return values.sigmoid()
