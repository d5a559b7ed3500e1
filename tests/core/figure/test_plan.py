"""Where panels of a static picture stand, and how large they are."""

import numpy as np
import pytest

from pellucid.core.figure import Figure, Heat, Panel
from pellucid.core.figure.static.plan import grid_of, plans_of
from pellucid.core.figure.static.sheet import SMALL, width_of


@pytest.mark.parametrize("across", [1, 2, 4, 14])
@pytest.mark.parametrize("size", [(24, 24), (12, 30), (40, 16)])
def test_pixels_of_pictures_are_square(size: tuple[int, int], across: int) -> None:
    """Alone and beside others, under a map or by themselves."""
    values = np.arange(float(np.prod(size))).reshape(size)
    marks = (Heat(values=values), Heat(values=values[:2, :2], under=values / values.max()))
    drawn = tuple(Panel(title=f"{one}", marks=(marks[one % 2],)) for one in range(across))
    figure = Figure(title="t", panels=drawn, columns=across)
    for plan in plans_of(figure, grid_of(figure, narrow=False)):
        assert plan.frame / plan.inner == pytest.approx(size[0] / size[1])


def test_many_panels_in_a_row_have_room_for_the_limits_of_their_colours() -> None:
    """Both limits and a band of colours between them, and the name of a method in two lines."""
    name = "gradcamplusplus at blocks: 1"
    figure = Figure(title="t", panels=(Panel(title=name, marks=(Heat(values=np.eye(9)),)),) * 14, columns=14)
    for plan in plans_of(figure, grid_of(figure, narrow=False)):
        assert plan.width >= 2 * 1.04 * width_of("−0.000123", SMALL) + 8 + 16
        assert " ".join(plan.title) == name
