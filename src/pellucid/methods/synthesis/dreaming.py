"""Dreaming: a photograph is changed so that a layer sees more of what it sees in it already, from coarse to fine."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from pellucid.core.arguments import Normalization, Options, normalization, real_number, whole
from pellucid.core.progress import Loop
from pellucid.methods.synthesis.readout import Readout
from pellucid.methods.synthesis.sight import Sight


@dataclass(frozen=True, kw_only=True)
class DreamOptions(Options):
    """How a photograph is dreamt of.

    Attributes:
        rate: How far the average pixel moves in a step, as a share of the way from black to white.
        ratio: How much larger each octave is than the one before.
        jitter: The longest random shift along each axis, as a share of the shorter side; what leaves on one side comes
            back on the other.
        smallest: Rows and columns of the smallest octave at the least; smaller ones are left out.
        normalization: (mean, standard deviation) a channel that the picture was normalised with; None for that of the
            subject, else black and white are the darkest and the brightest value of each channel.

    Raises:
        InputError: A number is out of its range.
    """

    rate: float = 0.01
    ratio: float = 1.4
    jitter: float = 0.1
    smallest: int = 16
    normalization: Normalization | None = None

    def __post_init__(self) -> None:
        self.settle(rate=(real_number, 1e-9, 1), ratio=(real_number, 1.01, 10), jitter=(real_number, 0, 0.5))
        self.settle(smallest=(whole, 1), normalization=(normalization,))


@dataclass(frozen=True, kw_only=True)
class Dreamt:
    """What became of photographs.

    Attributes:
        pictures: [image, channel, row, column], in [0, 1] unless the photograph went beyond.
        sizes: (rows, columns) of each octave.
        trace: Root of the mean square of what the layer puts out, [image, octave, step]; NaN where no step was taken.
        first: The same for the photograph as it came, [image].
        last: The same for the picture, [image].
        passes: Forward and backward passes at full size of one image each, smaller ones by their pixels.
        stopped: Whether Ctrl-C ended it early.
    """

    pictures: Tensor
    sizes: tuple[tuple[int, int], ...]
    trace: Tensor
    first: Tensor
    last: Tensor
    passes: float
    stopped: bool


def octaves_of(height: int, width: int, count: int, options: DreamOptions) -> tuple[tuple[int, int], ...]:
    """Return (rows, columns) of each octave, from the smallest to the photograph itself."""
    sizes = [(round(height / options.ratio**one), round(width / options.ratio**one)) for one in range(count)]
    kept = [one for place, one in enumerate(sizes) if place == 0 or min(one) >= options.smallest]
    return tuple(reversed(kept))


def dream_of(
    readout: Readout,
    sight: Sight,
    photographs: Tensor,
    *,
    octaves: int,
    steps: int,
    seed: int,
    options: DreamOptions,
) -> Dreamt:
    """Raise the mean square of what a layer puts out, octave by octave; what an octave adds is carried to the next.

    Args:
        readout: The layer, ready.
        sight: How the model sees.
        photographs: In [0, 1], [image, channel, row, column].
        octaves: How many sizes, 1 or more.
        steps: Steps in each.
        seed: Decides the shifts, which are the same for every image.
        options: See `DreamOptions`.

    Returns:
        The dream. After Ctrl-C as far as it came; it is raised where no step was taken.

    Raises:
        InputError: The layer does not depend on the picture in a way that can be differentiated.

    Cost:
        A forward and a backward pass of the part in front of the layer for each step, at the size of the octave.
    """
    sizes, stopped = octaves_of(photographs.shape[2], photographs.shape[3], octaves, options), False
    trace = torch.full((len(photographs), len(sizes), steps), np.nan, dtype=photographs.dtype, device="cpu")
    dream = _Dream(readout, sight, photographs, trace=trace, seed=seed, options=options)
    loop = Loop(len(sizes) * steps)
    try:
        for number, size in enumerate(sizes):
            dream.octave(number, size, loop)
    except KeyboardInterrupt:
        if not dream.steps:
            raise
        stopped = True
    return dream.found(sizes, stopped=stopped)


class _Dream:
    """Photographs with what was added to them so far."""

    def __init__(
        self, readout: Readout, sight: Sight, photographs: Tensor, *, trace: Tensor, seed: int, options: DreamOptions
    ) -> None:
        self._readout, self._sight, self._options, self._trace = readout, sight, options, trace
        self._photographs = photographs
        self._added = torch.zeros_like(photographs[:, :, :1, :1])
        # A photograph may be darker than black; it is not made any more so than it is.
        self._lowest = photographs.amin((2, 3), keepdim=True).clamp(max=0)
        self._highest = photographs.amax((2, 3), keepdim=True).clamp(min=1)
        self._shifts = torch.Generator().manual_seed(seed)
        self._outputs = 1
        self.steps, self._passes = 0, 0.0

    def octave(self, number: int, size: tuple[int, int], loop: Loop) -> None:
        """Take the steps of one octave, and count them."""
        base = _resized(self._photographs, size)
        added = _resized(self._added, size)
        try:
            for step in range(self._trace.shape[2]):
                picture = (base + added).clamp(self._lowest, self._highest)
                gradient, self._trace[:, number, step] = self._gradient(picture)
                added = (picture + self._options.rate * gradient).clamp(self._lowest, self._highest) - base
                self.steps += 1
                self._passes += 2 * size[0] * size[1] / self._photographs[0, 0].numel() * len(base)
                loop.at(self.steps)
        finally:
            self._added = added

    def _gradient(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Return the direction in which each image rises, its mean size 1, and how strong the layer is."""
        most = round(self._options.jitter * min(pictures.shape[2:]))
        down, across = torch.randint(-most, most + 1, (2,), generator=self._shifts, device="cpu").tolist()
        with torch.enable_grad():
            leaf = pictures.roll((down, across), (2, 3)).requires_grad_()
            squares = self._squares(leaf)
            self._readout.refuse_flat(squares)
            # Scaled so that the gradient of each output is about 1: in float16 smaller ones would be lost.
            scale = self._outputs / squares.detach().sqrt().clamp(min=1e-30)
            (found,) = torch.autograd.grad((squares * scale).sum(), leaf)
        found = torch.nan_to_num(found, nan=0.0, posinf=0.0, neginf=0.0).roll((-down, -across), (2, 3))
        size = found.abs().mean((1, 2, 3), keepdim=True)
        return torch.where(size > 0, found / size, 0.0), squares.detach().sqrt().cpu()

    def _squares(self, pictures: Tensor) -> Tensor:
        output = self._readout.run(self._sight.given(pictures, self._readout.dtype))
        output = output.float() if output.dtype in (torch.float16, torch.bfloat16) else output
        flat = output.reshape(len(pictures), -1)
        self._outputs = flat.shape[1]
        return flat.square().mean(1).to(pictures.dtype)

    def found(self, sizes: tuple[tuple[int, int], ...], *, stopped: bool) -> Dreamt:
        """Return what became of the photographs."""
        added = _resized(self._added, tuple(self._photographs.shape[2:]))
        pictures = (self._photographs + added).clamp(self._lowest, self._highest)
        with torch.no_grad():
            first, last = (self._squares(one).sqrt() for one in (self._photographs, pictures))
        return Dreamt(
            pictures=pictures.cpu(),
            sizes=sizes,
            trace=self._trace,
            first=first.cpu(),
            last=last.cpu(),
            passes=self._passes + 2 * len(pictures),
            stopped=stopped,
        )


def _resized(pictures: Tensor, size: tuple[int, ...]) -> Tensor:
    if tuple(pictures.shape[2:]) == tuple(size):
        return pictures
    return F.interpolate(pictures, size=tuple(size), mode="bilinear", align_corners=False, antialias=True)
