"""SmoothGrad and VarGrad are mean and variance over the noise that they say they draw."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from pellucid.core.errors import InputError
from pellucid.methods.attribution import Gradient, Method, SmoothGrad, VarGrad
from pellucid.methods.attribution.smooth import Spread
from tests.reference import attribution as reference


def _net() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))


@pytest.mark.parametrize(("antithetic", "signs"), [(True, (1, -1)), (False, (1,))])
def test_smoothgrad_is_the_twin(antithetic: bool, signs: tuple[int, ...]) -> None:
    """The mean of the gradients, and its standard error over its size, of pairs where noise comes in pairs."""
    net, x = _net().double(), torch.randn(3, 4, dtype=torch.float64)
    found, _ = reference.ask(net, x, 1, SmoothGrad(samples=8, noise=0.3, antithetic=antithetic))
    assert found.check == "sampling"
    assert found.error is not None
    for row in range(3):
        slopes = torch.stack(
            reference.noisy_slopes(reference.scored(net, 1), x[row], samples=8 // len(signs), noise=0.3, signs=signs)
        )
        torch.testing.assert_close(found.maps[0][row], slopes.mean(0), rtol=1e-12, atol=1e-14)
        draws = slopes.reshape(-1, len(signs), 4).mean(1)
        error = math.sqrt(float((draws.var(0) / len(draws)).sum()) / float((draws.mean(0) ** 2).sum()))
        assert float(found.error[row]) == pytest.approx(error, rel=1e-9)


def test_vargrad_is_the_twin() -> None:
    """The unbiased variance of the gradients."""
    net, x = _net().double(), torch.randn(2, 4, dtype=torch.float64)
    found, _ = reference.ask(net, x, 2, VarGrad(samples=6, noise=0.3))
    for row in range(2):
        slopes = reference.noisy_slopes(reference.scored(net, 2), x[row], samples=6, noise=0.3, signs=(1,))
        torch.testing.assert_close(found.maps[0][row], torch.stack(slopes).var(0), rtol=1e-10, atol=1e-16)


def test_vargrad_of_a_steep_slope_is_right_and_not_negative() -> None:
    """Of 1e4 z + z^2 the gradient varies by 4e-4 around 1e4: squares in float32 would give anything, such as -8."""

    class Steep(nn.Module):
        def forward(self, v: Tensor) -> Tensor:
            return (1e4 * v + v**2)[:, 0]

    found, _ = reference.ask(Steep(), torch.tensor([[1.0, 0.0]]), None, VarGrad(noise=0.01, samples=50))
    assert 2e-4 < float(found.maps[0][0, 0]) < 6e-4
    assert float(found.maps[0].min()) >= 0


def test_pairs_cancel_what_is_odd() -> None:
    """Of a square the gradient is linear, so that its mean over pairs is the gradient itself."""

    class Square(nn.Module):
        def forward(self, v: Tensor) -> Tensor:
            return (v**2).sum(1)

    x = torch.randn(2, 5, dtype=torch.float64)
    pairs, _ = reference.ask(Square(), x, None, SmoothGrad(samples=2))
    torch.testing.assert_close(pairs.maps[0], 2 * x, rtol=1e-12, atol=1e-12)


def test_no_noise_is_the_gradient() -> None:
    """With noise=0 nothing is smoothed, and the error is 0."""
    net, x = _net(), torch.randn(2, 4)
    smooth, _ = reference.ask(net, x, 0, SmoothGrad(noise=0.0, samples=4))
    plain, _ = reference.ask(net, x, 0, Gradient())
    torch.testing.assert_close(smooth.maps, plain.maps)
    assert smooth.error is not None
    assert float(smooth.error.max()) < 1e-6


def test_one_pair_has_no_error_to_report() -> None:
    """From one draw nothing is known of how far the next would be."""
    found, _ = reference.ask(_net(), torch.randn(2, 4), 0, SmoothGrad(samples=2))
    assert (found.check, found.error) == ("", None)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SmoothGrad(samples=0), "samples=0 came; expected a whole number, 1 to 100,000."),
        (lambda: VarGrad(samples=1), "samples=1 came; expected a whole number, 2 to 100,000."),
        (
            lambda: SmoothGrad(noise=-0.1),
            "noise=-0.1 came; expected a number, 0 or more: a share of the range, such as 0.15.",
        ),
        (
            lambda: VarGrad(noise=math.nan),
            "noise=nan came; expected a number, 0 or more: a share of the range, such as 0.15.",
        ),
    ],
)
def test_options_out_of_range_are_refused(make: Callable[[], Method], message: str) -> None:
    """When they are given, and not when they are used: what came and what is possible."""
    with pytest.raises(InputError) as error:
        make()
    assert str(error.value) == message


def test_spread_is_the_same_in_whatever_order_it_comes() -> None:
    """Maps added one by one, in pairs, or of one example more often than of another."""
    maps = torch.randn(12, 3, dtype=torch.float64) + 1e3
    rows = torch.tensor([0, 1, 1, 0, 1, 0, 0, 1, 1, 1, 1, 0])
    for sizes in ([12], [1] * 12, [5, 7], [2, 1, 9]):
        spread = Spread((torch.zeros(2, 3, dtype=torch.float64),))
        for some, one in zip(rows.split(sizes), maps.split(sizes), strict=True):
            spread.add(some, (one,))
        for row in range(2):
            torch.testing.assert_close(spread.mean[0][row], maps[rows == row].mean(0))
            torch.testing.assert_close(spread.variance()[0][row], maps[rows == row].var(0))
