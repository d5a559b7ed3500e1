"""Ascent: known answers, a plain loop beside it, and what one unit has to do with the others."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pellucid.core.errors import InputError
from pellucid.core.progress import telling
from pellucid.maths.fourier import falloff, picture_of, shaded
from pellucid.methods.synthesis import Climbed, MaximizeOptions, Readout, ascent, climb, sight_of
from tests.methods.synthesis.nets import edge, matched, small, still


def climbed(
    model: nn.Module,
    at: Any,
    units: tuple[int, ...],
    options: MaximizeOptions,
    *,
    steps: int = 60,
    size: tuple[int, int, int] = (1, 8, 8),
    **more: Any,
) -> Climbed:
    """Climb from size alone."""
    readout, (sight, _) = Readout(model, at), sight_of(size, None)
    with readout.ready():
        readout.settle(sight.given(torch.full((1, *size), 0.5), readout.dtype), size[1:])
        return climb(readout, sight, units, steps=steps, options=options, **{"seed": 0, **more})


@pytest.mark.parametrize("sign", [1, -1])
def test_the_picture_of_a_filter_is_the_filter(sign: int) -> None:
    """Of a linear unit, raised or lowered, with a cosine above .9; the highest value possible is the sum of sizes."""
    filter_ = edge()
    found = climbed(matched(filter_), "0", (0,), still(negative=sign < 0), steps=120)
    made = found.pictures[0, 0] - 0.5
    assert float(F.cosine_similarity(made.flatten(), sign * filter_.flatten(), dim=0)) > 0.9
    assert 0.75 * 32 < sign * float(found.last) <= 32


def test_a_coloured_filter_gives_its_colour() -> None:
    """A unit that weighs red against blue gets a red picture, though colours are mixed."""
    conv = nn.Conv2d(3, 1, 8, bias=False)
    with torch.no_grad():
        conv.weight.copy_(torch.tensor([1.0, 0.0, -1.0])[None, :, None, None].expand(1, 3, 8, 8))
    red, green, blue = (
        climbed(nn.Sequential(conv), "0", (0,), still(), steps=120, size=(3, 8, 8)).pictures[0].mean((1, 2))
    )
    assert float(red) > 0.57 > float(green) > 0.43 > float(blue)


def test_it_is_adam_on_the_waves() -> None:
    """Step by step the same as the textbook's in a plain loop, in float64."""
    model, options = small(nn.Tanh).double(), still(rate=0.1)
    found = climbed(model, "2", (1,), options, steps=12)
    seed = ascent._seed_of(0, 1)
    begun = torch.randn(1, 8, 5, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    waves = (begun[None] * 0.01).requires_grad_()
    mean, square, trace = 0.0, 0.0, list[float]()
    for step in range(1, 13):
        value = model[:3](shaded(picture_of(waves, falloff(8, 8), 8)))[0, 1].mean()
        (gradient,) = torch.autograd.grad(value, waves)
        mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
        size = (square / (1 - 0.999**step)).sqrt()
        moved = waves.detach() + 0.1 * (mean / (1 - 0.9**step)) / (size + 1e-4 * size.max())
        waves = moved.requires_grad_()
        trace.append(value.item())
    torch.testing.assert_close(found.trace[0], torch.tensor(trace, dtype=torch.float64), rtol=1e-9, atol=1e-12)
    made = shaded(picture_of(waves.detach(), falloff(8, 8), 8))
    torch.testing.assert_close(found.pictures, made, rtol=1e-8, atol=1e-10)


def test_a_unit_does_not_depend_on_the_others() -> None:
    """Alone, or with others before and behind it, in one chunk or in several, the picture is the same."""
    model = small().double()
    together = climbed(model, "3", (2, 0, 3), MaximizeOptions(), steps=30)
    for place, unit in enumerate((2, 0, 3)):
        alone = climbed(model, "3", (unit,), MaximizeOptions(), steps=30)
        torch.testing.assert_close(together.pictures[place], alone.pictures[0], rtol=1e-6, atol=1e-8)
        torch.testing.assert_close(together.trace[place], alone.trace[0], rtol=1e-6, atol=1e-9)


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one row fits at a time, and where memory ends and the chunk is halved."""
    model, options = small().double(), MaximizeOptions()
    whole = climbed(model, "3", (0, 1, 2, 3), options, steps=8)
    monkeypatch.setattr(ascent, "room", lambda _: 1)
    torch.testing.assert_close(climbed(model, "3", (0, 1, 2, 3), options, steps=8).pictures, whole.pictures)
    monkeypatch.undo()
    tight = small().double()
    tight[0].register_forward_pre_hook(_only_two_rows)
    torch.testing.assert_close(climbed(tight, "3", (0, 1, 2, 3), options, steps=8).pictures, whole.pictures)


def _only_two_rows(module: nn.Module, given: tuple[Tensor]) -> None:
    del module
    if len(given[0]) > 2:
        raise torch.OutOfMemoryError("no room")


def test_the_seed_decides_and_nothing_else() -> None:
    """The same seed gives the same picture bit for bit, another another; global draws do not matter."""
    first = climbed(small(), "3", (1,), MaximizeOptions(), steps=10)
    torch.manual_seed(77)
    model = small()
    torch.rand(3)
    before = torch.get_rng_state()
    again = climbed(model, "3", (1,), MaximizeOptions(), steps=10)
    assert torch.equal(first.pictures, again.pictures)
    assert torch.equal(before, torch.get_rng_state())
    assert not torch.equal(first.pictures, climbed(small(), "3", (1,), MaximizeOptions(), steps=10, seed=1).pictures)


def test_units_begin_with_noise_of_their_own() -> None:
    """Neighbouring units and seeds share no noise: seed 0 of unit 1 is not seed 1 of unit 0."""
    assert len({ascent._seed_of(seed, unit) for seed in range(30) for unit in range(30)}) == 900


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_half_precision_finds_what_single_does(kind: torch.dtype) -> None:
    """Waves stay in float32, and gradients that float16 would lose are scaled."""
    conv = nn.Conv2d(1, 1, 8, bias=False)
    with torch.no_grad():
        conv.weight.copy_(1e-4 * edge()[None, None])
    shrinking = nn.Sequential(conv, nn.Sigmoid()).to(kind)
    found = climbed(shrinking, "0", (0,), still(), steps=120)
    assert found.trace.dtype == torch.float32
    assert float(F.cosine_similarity(found.pictures[0, 0].flatten() - 0.5, edge().flatten(), dim=0)) > 0.9


def test_a_gradient_that_is_not_finite_is_no_step() -> None:
    """The square root of 0 has an infinite slope; the picture stays finite."""

    class Root(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return (0 * x).sqrt() + x

    found = climbed(nn.Sequential(Root()), "0", (0,), still(), steps=5)
    assert bool(torch.isfinite(found.pictures).all())


def test_a_layer_that_cannot_be_differentiated_is_refused() -> None:
    """The model rounds; the message says what to do."""

    class Rounded(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.detach().round()

    with pytest.raises(InputError) as told:
        climbed(nn.Sequential(Rounded()), "0", (0,), still())
    assert str(told.value) == (
        "The layer '0' does not depend on the picture in a way that can be differentiated: the model detaches it, "
        "rounds it, or switches gradients off. Name an earlier layer."
    )


def test_progress_counts_the_steps_of_all_units() -> None:
    """From the first to the last."""
    told: list[tuple[int, int]] = []
    with telling("maximize", lambda done, total: told.append((done, total))):
        climbed(small(), "3", (0, 1), still(), steps=3)
    assert told == [(2, 6), (4, 6), (6, 6)]


def test_options_out_of_range_are_refused() -> None:
    """With the range."""
    with pytest.raises(InputError) as told:
        MaximizeOptions(zoom=1.5)
    assert str(told.value) == "zoom=1.5 came; expected a number, 0 to 0.9."
