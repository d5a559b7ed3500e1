"""A nudge of one pixel: what it does to every score, beside what the gradient says that it does."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pellucid.probe.capture import capture
from pellucid.probe.subject import Subject, call
from pellucid.windows import gradients

Array = NDArray[Any]
Place = tuple[int, int]
"""Row and column."""
NOTHING = 1e-6
"""Changes below it are rounding."""
_CURVE = 41  # nudges along the curve


@dataclass(frozen=True, kw_only=True)
class Nudge:
    """What happens to the scores when one pixel is made brighter or darker.

    Attributes:
        place: Row and column of the pixel.
        brightness: Of the pixel before, 0 to 1.
        size: By how much it is made brighter; below 0 darker.
        sizes: All nudges that were tried, rising, [nudge].
        curve: Scores at these, [nudge, class].
        before: Scores without a nudge, [class].
        after: Scores with the one of `size`, [class].
        slopes: Gradient of each score by this pixel, [class].
        units: ReLUs that there are.
        switched: Those that are on without the nudge and off with it, or the other way round.
    """

    place: Place
    brightness: float
    size: float
    sizes: Array
    curve: Array
    before: Array
    after: Array
    slopes: Array
    units: int
    switched: int

    @property
    def change(self) -> Array:
        """What the nudge does to the scores, [class]."""
        return self.after - self.before

    @property
    def predicted(self) -> Array:
        """What the gradient says that it does, [class]."""
        return self.slopes * self.size


def nudge_of(subject: Subject, picture: Tensor, place: Place, size: float) -> Nudge:
    """Nudge one pixel of a picture, and compare with what the gradient says.

    Args:
        subject: A network from [N, 1, rows, columns] to scores, [N, classes].
        picture: [1, 1, rows, columns].
        place: Row and column of the pixel.
        size: By how much it is made brighter; below 0 darker.

    Returns:
        What happened; the brightness may leave 0 to 1.

    Cost:
        A gradient of each score, and one forward pass over 43 pictures.
    """
    row, column = place
    grid = np.linspace(-1, 1, _CURVE)
    sizes = np.unique(np.append(grid[np.abs(grid - size) > NOTHING], size))
    rows = picture.repeat(2 + len(sizes), 1, 1, 1)
    rows[1:, 0, row, column] += torch.tensor([size, *sizes], dtype=picture.dtype, device=picture.device)
    with torch.no_grad(), capture(subject.model, nn.ReLU, keep=slice(2)) as tape:
        scores = call(subject.model, rows).double().cpu().numpy()
    on = [one.reshape(2, -1) > 0 for one in tape.outputs.values()]
    classes = scores.shape[1]
    slopes = gradients.saliency(subject, picture.repeat(classes, 1, 1, 1), list(range(classes)), progress=False).map
    return Nudge(
        place=place,
        brightness=float(picture[0, 0, row, column]),
        size=size,
        sizes=sizes,
        curve=scores[2:],
        before=scores[0],
        after=scores[1],
        slopes=slopes[:, 0, row, column].astype(np.float64),
        units=sum(one.shape[1] for one in on),
        switched=sum(int((one[0] != one[1]).sum()) for one in on),
    )
