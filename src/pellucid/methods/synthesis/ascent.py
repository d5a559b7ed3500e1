"""Ascent: pictures that excite units, one a unit, found by following the gradient from noise."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pellucid.core.arguments import Normalization, Options, flag, normalization, real_number, whole
from pellucid.core.progress import Loop
from pellucid.maths.fourier import falloff, picture_of, shaded
from pellucid.methods.attribution.memory import Chunks, counted_bytes, room
from pellucid.methods.synthesis.moves import drawn, moved
from pellucid.methods.synthesis.readout import Readout
from pellucid.methods.synthesis.redirected import is_still, redirect
from pellucid.methods.synthesis.sight import Sight

_FIRST_WAVES = 0.01
_FIRST_DECAY, _SECOND_DECAY, _LEAST_SHARE = 0.9, 0.999, 1e-4
_HALF_SCALE = 1024.0  # float16 gradients below 6e-8 would be lost


@dataclass(frozen=True, kw_only=True)
class MaximizeOptions(Options):
    """How pictures are made that excite a unit.

    Attributes:
        rate: Size of a step of Adam, in what waves are measured in; .05 is a small step.
        jitter: The longest random shift along each axis, as a share of the shorter side; 0 for none.
        zoom: The largest random change of size, as a share; 0 for none.
        turn: The largest random turn, in degrees; 0 for none. Choose 0 where a turned picture is another one.
        centre: Whether a unit is read at the place in the middle alone, and not as the mean over all its places.
        negative: Whether the unit is made as low as can be, and not as high.
        redirected: For how many steps gradients are helped past ReLUs that let none through and over the dips of GELU
            and its like; a unit that has not moved by then is helped on until it does. 0 for never.
        normalization: (mean, standard deviation) a channel that the model's inputs were normalised with; None for that
            of the subject, else the range of the examples, else [0, 1].

    Raises:
        InputError: A number is out of its range.
    """

    rate: float = 0.05
    jitter: float = 0.05
    zoom: float = 0.1
    turn: float = 10.0
    centre: bool = False
    negative: bool = False
    redirected: int = 16
    normalization: Normalization | None = None

    def __post_init__(self) -> None:
        self.settle(rate=(real_number, 1e-9, 1e9), jitter=(real_number, 0, 0.5), zoom=(real_number, 0, 0.9))
        self.settle(turn=(real_number, 0, 180), redirected=(whole, 0), centre=(flag,), negative=(flag,))
        self.settle(normalization=(normalization,))


@dataclass(frozen=True, kw_only=True)
class Climbed:
    """Pictures that were found, in the order of the units, with how it went.

    Attributes:
        pictures: [unit, channel, row, column], in (0, 1).
        first: How active the unit was for the picture that it began with, [unit].
        last: How active it is for the picture, [unit].
        trace: How active it was at each step, for the picture as it was moved, [unit, step]; NaN where none was taken.
        done: Steps that were taken, [unit].
        passes: Forward and backward passes of one picture each.
        stopped: Whether Ctrl-C ended it early; units that had not been begun are missing.
    """

    pictures: Tensor
    first: Tensor
    last: Tensor
    trace: Tensor
    done: Tensor
    passes: int
    stopped: bool


def climb(
    readout: Readout,
    sight: Sight,
    units: Sequence[int],
    *,
    steps: int,
    seed: int,
    options: MaximizeOptions,
) -> Climbed:
    """Find the picture that excites each unit most. A unit's picture does not depend on the others that are asked for.

    Args:
        readout: The layer, ready and settled.
        sight: How the model sees.
        units: The units.
        steps: Steps for each.
        seed: Decides the noise that a picture begins with and how it is moved, together with the unit's number.
        options: See `MaximizeOptions`.

    Returns:
        The pictures. After Ctrl-C those that were begun, as far as they came; it is raised where there is none.

    Raises:
        InputError: The layer does not depend on the picture in a way that can be differentiated.

    Cost:
        A forward and a backward pass of the part in front of the layer for each unit and step, in chunks that fit.
    """
    work = _Work(readout, sight, options, steps=steps, seed=seed)
    chunks, found, total = Chunks(work.rows_that_fit(units[0])), list[Climbed](), steps * len(units)
    Loop(total, "steps").at(0, total)

    def some(numbers: Tensor) -> None:
        found.append(work.climb([units[one] for one in numbers.tolist()]))
        if found[-1].stopped:
            raise KeyboardInterrupt

    stopped = False
    try:
        chunks.each(len(units), some)
    except KeyboardInterrupt:
        if not found:
            raise
        stopped = True
    whole = {name: torch.cat([getattr(one, name) for one in found]) for name in ("pictures", "first", "last", "done")}
    return Climbed(
        trace=torch.cat([one.trace for one in found]),
        passes=sum(one.passes for one in found),
        stopped=stopped,
        **whole,
    )


class _Work:
    """One ascent after the other, with everything that is the same for all."""

    def __init__(self, readout: Readout, sight: Sight, options: MaximizeOptions, *, steps: int, seed: int) -> None:
        self._readout, self._sight, self._options = readout, sight, options
        self._steps, self._seed = steps, seed
        # Waves need a dtype that has a Fourier transform and keeps small steps.
        self._dtype = torch.float64 if readout.dtype == torch.float64 else torch.float32
        self._scale = _HALF_SCALE if readout.dtype == torch.float16 else 1.0
        self._strength = falloff(*sight.shape[1:]).to(self._dtype).to(readout.device)

    def rows_that_fit(self, unit: int) -> int:
        """Return how many pictures go through the model at one time, by the memory that one takes."""
        waves, draws = self._begun([unit])
        with counted_bytes(besides=self._readout.model.parameters()) as held, torch.enable_grad():
            values = self._values(
                moved(self._pictures(waves), draws[:, 0], **self._moves), torch.tensor([unit], device="cpu")
            )
        self._readout.refuse_flat(values)
        return room(self._readout.device) // max(1, held[0])

    def climb(self, units: Sequence[int]) -> Climbed:
        """Ascend for some units at once, a row each."""
        waves, draws = self._begun(units)
        numbers = torch.tensor(units, device=self._readout.device)
        trace = torch.full((len(units), self._steps), np.nan, dtype=self._dtype, device=self._readout.device)
        adam, step, stopped = _Adam(waves, self._options.rate), 0, False
        loop = Loop(self._steps)
        first = self._clean(waves, numbers)
        try:
            for step in range(self._steps):
                adam.step(self._gradient(waves, draws[:, step], numbers, trace, step))
                loop.at(step + 1)
        except KeyboardInterrupt:
            if step == 0:
                raise
            stopped = True
        else:
            step = self._steps
        trace[:, step:] = np.nan
        return Climbed(
            pictures=self._pictures(waves.detach()).detach().cpu(),
            first=first.cpu(),
            last=self._clean(waves, numbers).cpu(),
            trace=trace.cpu(),
            done=torch.full((len(units),), step, device="cpu"),
            passes=len(units) * (2 * step + 2),
            stopped=stopped,
        )

    def _begun(self, units: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Return what each unit begins with: waves, [unit, channel, row, half, 2], and moves, [unit, step, 4]."""
        channels, height, width = self._sight.shape
        waves, draws = list[Tensor](), list[Tensor]()
        for unit in units:
            own = torch.Generator().manual_seed(_seed_of(self._seed, unit))
            waves.append(
                torch.randn(channels, height, width // 2 + 1, 2, generator=own, dtype=self._dtype, device="cpu")
            )
            draws.append(drawn(own, max(1, self._steps)))
        first = torch.stack(waves).to(self._readout.device) * _FIRST_WAVES
        return first.requires_grad_(), torch.stack(draws).to(self._readout.device)

    def _pictures(self, waves: Tensor) -> Tensor:
        return shaded(picture_of(waves, self._strength, self._sight.shape[2]))

    @property
    def _moves(self) -> dict[str, float]:
        return {"jitter": self._options.jitter, "zoom": self._options.zoom, "turn": self._options.turn}

    def _values(self, pictures: Tensor, units: Tensor) -> Tensor:
        output = self._readout.run(self._sight.given(pictures, self._readout.dtype))
        return self._readout.activity(output, units, centre=self._options.centre)

    def _clean(self, waves: Tensor, units: Tensor) -> Tensor:
        with torch.no_grad():
            return self._values(self._pictures(waves), units).to(self._dtype)

    def _gradient(self, waves: Tensor, draws: Tensor, units: Tensor, trace: Tensor, step: int) -> Tensor:
        """Return the direction in which each unit rises, and note how active it is."""
        with torch.enable_grad():
            values = self._values(moved(self._pictures(waves), draws, **self._moves), units)
            trace[:, step] = values.detach()
            rising = (-values if self._options.negative else values) * self._scale
            self._help(rising, trace, step)
            (gradient,) = torch.autograd.grad(rising.sum(), waves)
        return torch.nan_to_num(gradient / self._scale, nan=0.0, posinf=0.0, neginf=0.0)

    def _help(self, rising: Tensor, trace: Tensor, step: int) -> None:
        """Help gradients of every row in the first steps, and later of those that have not moved."""
        asleep = is_still(trace[:, : step + 1]) | (step < self._options.redirected)
        if self._options.redirected and bool(asleep.any()):
            redirect(rising, asleep)


class _Adam:
    """Adam whose epsilon is a share of the largest gradient of each row.

    So that rows are independent of each other and of the size of their gradients, however small; and waves that a unit
    is blind to, whose gradient is nothing but rounding, stay where they are and do not wander at full speed.
    """

    def __init__(self, waves: Tensor, rate: float) -> None:
        self._waves, self._rate, self._taken = waves, rate, 0
        self._mean, self._square = torch.zeros_like(waves), torch.zeros_like(waves)

    def step(self, gradient: Tensor) -> None:
        """Take one step upwards."""
        self._taken += 1
        self._mean.lerp_(gradient, 1 - _FIRST_DECAY)
        self._square.mul_(_SECOND_DECAY).addcmul_(gradient, gradient, value=1 - _SECOND_DECAY)
        mean = self._mean / (1 - _FIRST_DECAY**self._taken)
        size = (self._square / (1 - _SECOND_DECAY**self._taken)).sqrt_()
        size += _LEAST_SHARE * size.amax((1, 2, 3, 4), keepdim=True) + torch.finfo(size.dtype).tiny
        with torch.no_grad():
            self._waves.addcdiv_(mean, size, value=self._rate)


def _seed_of(seed: int, unit: int) -> int:
    """Return a seed of a unit's own: neighbours share nothing, and none depends on the others."""
    return int(np.random.SeedSequence([seed, unit]).generate_state(1, np.uint64)[0] >> np.uint64(1))
