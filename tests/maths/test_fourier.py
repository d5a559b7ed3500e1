"""Pictures made of waves: against sums over every wave, and known answers."""

import pytest
import torch
from torch import Tensor

from pellucid.maths.fourier import CONTRAST, colours_apart, falloff, picture_of, shaded
from tests.reference import fourier as slow

SIZES = [(4, 4), (5, 4), (4, 5), (5, 7), (1, 6), (6, 1), (1, 1)]


def waves(height: int, width: int, *rows: int) -> Tensor:
    """Random waves in float64."""
    generator = torch.Generator().manual_seed(height * 10 + width)
    return torch.randn(*rows, height, width // 2 + 1, 2, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_pictures_are_the_sum_of_their_waves(height: int, width: int) -> None:
    """As summed pixel by pixel, for odd and even sizes."""
    given = waves(height, width)
    torch.testing.assert_close(falloff(height, width), slow.falloff(height, width), rtol=1e-14, atol=0)
    expected = slow.picture_of(given, width)
    torch.testing.assert_close(picture_of(given, falloff(height, width), width), expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_pictures_are_real_and_keep_their_size(height: int, width: int) -> None:
    """Rows and channels stay apart, whatever the parity."""
    given = waves(height, width, 2, 3)
    made = picture_of(given, falloff(height, width), width)
    assert made.shape == (2, 3, height, width)
    assert made.dtype == torch.float64
    torch.testing.assert_close(made[1, 2], picture_of(given[1, 2], falloff(height, width), width))


@pytest.mark.parametrize(("height", "width"), [(6, 9), (8, 7)])
def test_squares_sum_to_those_of_the_waves(height: int, width: int) -> None:
    """Parseval: the transform is unitary, each wave counted as often as it stands in the full spectrum."""
    given, strength = waves(height, width), falloff(height, width)
    made = picture_of(given, strength, width) / CONTRAST
    spectrum = torch.fft.fft2(made, norm="ortho")
    assert float(made.square().sum()) == pytest.approx(float(spectrum.abs().square().sum()), rel=1e-12)
    inner = torch.view_as_complex(given)[:, 1 : (width + 1) // 2] * strength[:, 1 : (width + 1) // 2]
    torch.testing.assert_close(spectrum[:, 1 : (width + 1) // 2], inner, rtol=1e-11, atol=1e-12)


def test_a_broad_wave_is_stronger_by_its_frequency() -> None:
    """In a square of 32 the first wave is 8 times as strong as the eighth; none is stronger than the first."""
    strength = falloff(32, 32)
    assert float(strength[1, 0] / strength[8, 0]) == pytest.approx(8)
    assert float(strength[0, 0]) == float(strength[1, 0]) == float(strength[0, 1]) == 32
    torch.testing.assert_close(strength[1:16, 0], strength[17:, 0].flip(0))


def test_equal_noise_becomes_a_spectrum_of_one_over_f() -> None:
    """Power falls with the square of the frequency, measured on pictures of random waves."""
    made = picture_of(waves(32, 32, 400), falloff(32, 32), 32)
    power = torch.fft.rfft2(made, norm="ortho").abs().square().mean(0)
    ratios = power[0, 2:15] * (torch.arange(2, 15) / 32) ** 2
    assert float(ratios.max() / ratios.min()) < 1.7


def test_grey_is_nothing() -> None:
    """No wave is mid-grey, and pictures stay between black and white."""
    assert bool((shaded(torch.zeros(1, 3, 2, 2)) == 0.5).all())
    large = shaded(100 * torch.randn(1, 1, 8, 8))
    assert 0 <= float(large.min()) < float(large.max()) <= 1


def test_colours_vary_as_those_of_photographs() -> None:
    """The three numbers of a pixel are uncorrelated; made into colours, they vary as published."""
    matrix = colours_apart(torch.float64)
    published = torch.tensor([[-0.5675, -0.5808, -0.5836]], dtype=torch.float64)
    covariance = 0.2175 * matrix @ matrix.T
    values, directions = torch.linalg.eigh(covariance)
    torch.testing.assert_close(values.flip(0), torch.tensor([0.2175, 0.0188, 0.0045]).double(), rtol=2e-3, atol=0)
    assert abs(float(published @ directions[:, -1])) > 0.9999
    assert float(matrix.norm(dim=0).max()) == pytest.approx(1, abs=1e-3)
    grey = torch.ones(3, dtype=torch.float64) / 3**0.5
    assert abs(float(grey @ matrix[:, 0])) > 0.999


def test_only_three_channels_are_mixed() -> None:
    """One channel or five stay apart; of three one number moves all."""
    for channels in (1, 2, 5):
        values = torch.randn(2, channels, 3, 3)
        torch.testing.assert_close(shaded(values), values.sigmoid())
    one = torch.zeros(1, 3, 1, 1)
    one[0, 0] = 2
    torch.testing.assert_close(shaded(one)[0, :, 0, 0], (2 * colours_apart()[:, 0]).sigmoid())
