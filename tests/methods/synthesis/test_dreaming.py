"""Dreaming: octaves, steps of equal length, and what is kept of the photograph."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pellucid.core.errors import InputError
from pellucid.core.progress import telling
from pellucid.methods.synthesis import DreamOptions, Dreamt, Readout, dream_of, sight_of
from pellucid.methods.synthesis.dreaming import octaves_of


def photograph(rows: int = 1, height: int = 40, width: int = 50) -> Tensor:
    """Pictures of three channels in [0, 1]."""
    return torch.rand(rows, 3, height, width, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def conv() -> nn.Sequential:
    """A convolution and a ReLU in float64."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 5, 3), nn.ReLU(), nn.Conv2d(5, 4, 3), nn.ReLU()).double()


def dreamt(
    model: nn.Module, pictures: Tensor, *, at: Any = "3", octaves: int = 3, steps: int = 4, **more: Any
) -> Dreamt:
    """Dream in [0, 1]."""
    readout, (sight, _) = Readout(model, at), sight_of((3, 8, 8), None)
    options = more.pop("options", DreamOptions())
    with readout.ready():
        return dream_of(readout, sight, pictures, octaves=octaves, steps=steps, seed=0, options=options, **more)


def test_octaves_grow_by_their_ratio() -> None:
    """From the smallest to the photograph; too small ones are left out, but never the photograph."""
    assert octaves_of(100, 200, 3, DreamOptions(ratio=2)) == ((25, 50), (50, 100), (100, 200))
    assert octaves_of(100, 40, 5, DreamOptions(ratio=2)) == ((50, 20), (100, 40))
    assert octaves_of(5, 5, 4, DreamOptions()) == ((5, 5),)


def test_one_step_is_the_gradient_at_length_one() -> None:
    """Against autograd by hand, without a shift: the mean size of a step is the rate."""
    model, given = conv(), 0.4 + 0.2 * photograph()
    options = DreamOptions(rate=0.01, jitter=0)
    found = dreamt(model, given, octaves=1, steps=1, options=options)
    leaf = given.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(model(leaf).square().mean(), leaf)
    torch.testing.assert_close(found.pictures, given + 0.01 * gradient / gradient.abs().mean())
    assert float((found.pictures - given).abs().mean()) == pytest.approx(0.01)
    assert float(found.trace[0, 0, 0]) == pytest.approx(model(given).square().mean().sqrt().item())
    assert float(found.first) == pytest.approx(float(found.trace[0, 0, 0]))
    assert float(found.last) == pytest.approx(model(found.pictures).square().mean().sqrt().item())


def test_the_layer_grows_stronger_in_each_octave() -> None:
    """And at the end; the picture stays between black and white."""
    found = dreamt(conv(), photograph(), steps=6)
    assert found.sizes == ((20, 26), (29, 36), (40, 50))
    assert bool((found.trace[..., -1] > found.trace[..., 0]).all())
    assert float(found.last) > 1.05 * float(found.first)
    assert 0 <= float(found.pictures.min()) < float(found.pictures.max()) <= 1


def test_the_detail_of_the_photograph_is_kept() -> None:
    """What is added is small beside it, where pixels next to each other differ most."""
    given = photograph()
    found = dreamt(conv(), given, options=DreamOptions(rate=0.002))
    assert float((found.pictures - given).abs().mean()) < 0.03
    both = torch.stack([found.pictures.flatten(), given.flatten()])
    assert float(torch.corrcoef(both)[0, 1]) > 0.99


def test_an_image_does_not_depend_on_the_others() -> None:
    """Alone or in a batch, and whatever is black or white in the others."""
    given = photograph(3)
    together = dreamt(conv(), given).pictures
    torch.testing.assert_close(together[1:2], dreamt(conv(), given[1:2]).pictures, rtol=1e-8, atol=1e-10)


def test_a_photograph_beyond_white_stays_where_it_is() -> None:
    """It is made neither brighter nor cut."""
    given = 2 * photograph()
    found = dreamt(conv(), given, steps=1, options=DreamOptions(rate=1e-6)).pictures
    torch.testing.assert_close(found, given, rtol=0, atol=1e-4)
    assert float(found.max()) <= float(given.max())


def test_a_dead_layer_leaves_the_photograph_as_it_is() -> None:
    """No gradient is no step."""
    model = conv()
    with torch.no_grad():
        model[2].bias.fill_(-100)
    found = dreamt(model, photograph())
    torch.testing.assert_close(found.pictures, photograph())
    assert (float(found.first), float(found.last)) == (0, 0)


def test_ctrl_c_keeps_what_there_is() -> None:
    """The steps that were not taken are NaN; before the first step there is nothing to keep."""

    def stop(done: int, total: int) -> None:
        assert total == 12
        if done == 6:
            raise KeyboardInterrupt

    with telling("dream", stop):
        found = dreamt(conv(), photograph())
    assert found.stopped
    assert torch.isfinite(found.trace).sum((0, 2)).tolist() == [4, 2, 0]
    assert not torch.equal(found.pictures, photograph())
    model = conv()
    model[0].register_forward_pre_hook(_interrupt)
    with pytest.raises(KeyboardInterrupt):
        dreamt(model, photograph())


def _interrupt(*given: Any) -> None:
    raise KeyboardInterrupt


def test_half_precision_dreams_the_same() -> None:
    """Of float16, whose gradients would be lost, about what float32 dreams of."""
    model = conv().float()
    with torch.no_grad():
        model[2].weight.mul_(1e-3)
        model[2].bias.zero_()
    given = photograph().float()
    options = DreamOptions(jitter=0)
    expected = dreamt(model, given, options=options).pictures - given
    found = dreamt(model.half(), given, options=options).pictures - given
    assert float(torch.corrcoef(torch.stack([expected.flatten(), found.flatten()]))[0, 1]) > 0.95


def test_a_layer_that_cannot_be_differentiated_is_refused() -> None:
    """With what to do."""

    class Rounded(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.detach().round()

    with pytest.raises(InputError) as told:
        dreamt(nn.Sequential(Rounded()), photograph(), at="0")
    assert str(told.value) == (
        "The layer '0' does not depend on the picture in a way that can be differentiated: the model detaches it, "
        "rounds it, or switches gradients off. Name an earlier layer."
    )


def test_options_out_of_range_are_refused() -> None:
    """With the range."""
    with pytest.raises(InputError) as told:
        DreamOptions(ratio=1.0)
    assert str(told.value) == "ratio=1.0 came; expected a number, 1.01 to 10."
