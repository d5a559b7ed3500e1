"""Descents over a surface: what is measured, what is refused, what is drawn."""

import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import pellucid as pel
from pellucid.core.errors import InputError
from pellucid.core.figure import Heat, Lines, Surface, Table
from pellucid.core.finding import Level
from pellucid.core.judge import Findings
from pellucid.maths.descent import OPTIMIZERS
from pellucid.maths.surfaces import BOWL, SADDLE, SURFACES
from pellucid.windows.loss import Descent, descend
from pellucid.windows.loss.draw.descents import race, verdict

# ------------------------------------------------------------------------------------------------------- measuring


def test_it_is_a_public_name() -> None:
    """As the other functions of the window."""
    assert pel.loss.descend is descend


def test_what_is_measured_is_that_of_the_surface() -> None:
    """Height, length of the gradient and curvatures at every point of the path."""
    result = descend("himmelblau", "Adam", start=(-1.0, 2.0), learning_rate=0.1, steps=20)
    terrain = SURFACES["himmelblau"]
    assert result.path.shape == (21, 2)
    assert result.path[0].tolist() == [-1.0, 2.0]
    np.testing.assert_allclose(result.losses, terrain.value(result.path))
    np.testing.assert_allclose(result.gradients, np.linalg.norm(terrain.gradient(result.path), axis=1))
    np.testing.assert_allclose(result.curvatures, terrain.curvatures(result.path))
    assert (result.surface, result.optimizer, result.steps, result.provenance.passes) == ("himmelblau", "Adam", 20, 20)


@pytest.mark.parametrize("name", SURFACES)
def test_start_and_learning_rate_are_those_of_the_surface(name: str) -> None:
    """Where nothing else is said; the grid is shared and cannot be written to."""
    result = descend(name, steps=3)
    assert tuple(result.path[0]) == SURFACES[name].start
    assert result.learning_rate == SURFACES[name].rate
    assert result.heights is descend(name, steps=5).heights
    assert not result.heights.flags.writeable


@pytest.mark.parametrize(
    ("optimizer", "rate"), [("SGD", 0.2), ("momentum", 0.05), ("Nesterov", 0.05), ("RMSProp", 0.2), ("Adam", 0.2)]
)
def test_the_learning_rate_of_torch_is_told(optimizer: str, rate: float) -> None:
    """Times 1 - b where torch adds gradients up."""
    result = descend("bowl", optimizer, learning_rate=0.2, momentum=0.75, steps=1)
    assert result.torch_learning_rate == pytest.approx(rate)


def test_a_surface_of_your_own() -> None:
    """Any terrain with a minimum can be walked down."""
    steep = replace(BOWL, name="steep", slope=lambda x, y: (50.0 * x, 50.0 * y), bend=lambda *_: (50.0, 0.0, 50.0))
    assert descend(steep, learning_rate=0.05).ending == "left"
    assert descend(steep, learning_rate=0.01).ending == "arrived"


def test_noise_is_reproducible() -> None:
    """The seed is kept with the result."""
    first, again = (descend("saddle", start=(1.0, 0.0), noise=0.1, seed=7) for _ in range(2))
    np.testing.assert_array_equal(first.path, again.path)
    assert first.provenance.seed == 7
    assert descend("saddle").provenance.seed is None


NO_START = "expected two finite numbers (x, y). Leave it out to begin where the surface says."
FAR_START = "expected two numbers of no more than 1,000,000 in size. Leave it out to begin where the surface says."
NO_RATE = "expected a finite number above 0. Leave it out for that of the surface."
NO_MOMENTUM = "expected a number from 0 to below 1. Leave it out for 0.9, the usual one."
NO_STEPS = "expected a whole number from 0 to 100,000. Leave it out for 150."
NO_NOISE = "expected a number from 0 to 1,000,000. Give 0 for none."
NO_SEED = "expected a whole number from 0 on. Leave it out for 0."

REFUSED: list[tuple[dict[str, Any], str]] = [
    (
        {"surface": "ravin"},
        f"There is no surface 'ravin'. Closest: 'ravine'. Expected one of: {', '.join(SURFACES)}.",
    ),
    (
        {"optimizer": "Lion"},
        "There is no optimizer 'Lion'. Expected one of: SGD, momentum, Nesterov, RMSProp, Adam.",
    ),
    ({"optimizer": "sgd"}, f"There is no optimizer 'sgd'. Closest: 'SGD'. Expected one of: {', '.join(OPTIMIZERS)}."),
    (
        {"optimizer": "RMSprop"},
        f"There is no optimizer 'RMSprop'. Closest: 'RMSProp'. Expected one of: {', '.join(OPTIMIZERS)}.",
    ),
    ({"optimizer": ["SGD"]}, f"There is no optimizer ['SGD']. Expected one of: {', '.join(OPTIMIZERS)}."),
    ({"surface": 5}, f"There is no surface 5. Expected one of: {', '.join(SURFACES)}."),
    *(
        ({"start": start}, f"descend() got start={shown}, {NO_START}")
        for start, shown in (
            ((1.0, math.nan), "(1.0, nan)"),
            ((1.0, 10**400), "(1.0, 1" + "0" * 53 + "…"),
            (5, "5"),
            ((1,), "(1,)"),
            (("a", "b"), "('a', 'b')"),
            ("ab", "'ab'"),
            ({1.0, 2.0}, "{1.0, 2.0} (set)"),
            (np.zeros((2, 1)), "array([[0.], [0.]]) (ndarray)"),
        )
    ),
    ({"start": (0.0, 1_000_001)}, f"descend() got start=(0.0, 1000001), {FAR_START}"),
    *(
        ({"learning_rate": rate}, f"descend() got learning_rate={shown}, {NO_RATE}")
        for rate, shown in (
            (0.0, "0.0"),
            (-0.1, "-0.1"),
            (math.inf, "inf"),
            (math.nan, "nan"),
            ("0.1", "'0.1'"),
            (True, "True"),
            (10**400, "1" + "0" * 59 + "…"),
            (10**5000, "a number of thousands of digits"),
            (np.array([0.1]), "array([0.1]) (ndarray)"),
            (torch.empty((), device="meta"), "tensor(..., device='meta', size=()) (Tensor)"),
        )
    ),
    *(
        ({"momentum": one}, f"descend() got momentum={one!r}, {NO_MOMENTUM}")
        for one in (1.0, -0.1, "a", math.nan, False)
    ),
    *(
        ({"steps": one}, f"descend() got steps={one!r}, {NO_STEPS}")
        for one in (-1, 100_001, 10**9, 1.5, True, "10", None)
    ),
    *(({"noise": one}, f"descend() got noise={one!r}, {NO_NOISE}") for one in (-0.1, 1e308, math.nan, "a")),
    *(({"seed": one}, f"descend() got seed={one!r}, {NO_SEED}") for one in (-1, 1.5, True, "a")),
    (
        {"surface": replace(SADDLE, name="pass", critical=SADDLE.critical[2:])},
        "The surface 'pass' names no minimum. Give its `critical` at least one.",
    ),
]


@pytest.mark.parametrize(("given", "message"), REFUSED)
def test_what_cannot_be_is_refused(given: dict[str, Any], message: str) -> None:
    """With what came, what was expected and what to do, whatever its type."""
    unchecked: Any = getattr(descend, "__wrapped__", descend)
    with pytest.raises(InputError) as caught:
        unchecked(**given)
    assert str(caught.value) == message


@pytest.mark.parametrize("number", [np.float64, np.array, torch.tensor, Fraction, float])
def test_numbers_of_any_kind_are_numbers(number: Callable[[Any], Any]) -> None:
    """Those of numpy, and tensors without a dimension: the path is that of Python's, in double precision."""
    given = {"learning_rate": number(0.125), "momentum": number(0.5), "noise": number(0.25)}
    same = descend("bowl", "momentum", start=(number(1.5), number(1.0)), seed=np.int64(3), **given)
    usual = descend("bowl", "momentum", start=(1.5, 1.0), learning_rate=0.125, momentum=0.5, noise=0.25, seed=3)
    np.testing.assert_array_equal(same.path, usual.path)
    assert type(same.learning_rate) is type(same.momentum) is type(same.noise) is float
    assert descend(start=torch.tensor([1.0, 2.0]), steps=torch.tensor(3)).path.shape == (4, 2)
    assert descend(start=np.array([1, 2]), steps=np.int32(3)).path.shape == (4, 2)


def test_single_precision_is_not_kept() -> None:
    """A learning rate of float32 takes the path of the number that it is."""
    rate = np.float32(0.1)
    np.testing.assert_array_equal(descend(learning_rate=rate).path, descend(learning_rate=float(rate)).path)


def test_the_furthest_start_is_taken() -> None:
    """A million is the limit, on any surface."""
    for name in SURFACES:
        assert descend(name, start=(1e6, -1e6), steps=5).path[0].tolist() == [1e6, -1e6]


def test_a_stored_descent_is_the_same(tmp_path: Path) -> None:
    """Read back it is judged and drawn as before, without the surface at hand."""
    result = descend("ravine", "SGD")
    again = Descent.load(result.save(tmp_path / "descent.safetensors"))
    assert again.findings == result.findings
    assert again.figure().text() == result.figure().text()


# --------------------------------------------------------------------------------------------------------- reading


def test_endings() -> None:
    """One word for how each path ends."""
    endings = {
        "arrived": descend("bowl"),
        "left": descend("bowl", learning_rate=0.41),
        "circles": descend("bowl", learning_rate=0.4),
        "saddle": descend("saddle", start=(1.5, 0.0)),
        "under way": descend("bowl", learning_rate=0.001),
    }
    assert {ending: one.ending for ending, one in endings.items()} == {ending: ending for ending in endings}


def test_a_start_at_the_minimum_has_arrived() -> None:
    """Nothing to do is done."""
    result = descend("bowl", start=(0.0, 0.0))
    assert (result.arrived, result.flips, result.ending) == (0, (0, 0), "arrived")
    assert math.isnan(result.turn)
    assert not result.findings.problems


def test_the_goal_is_where_the_slope_leads() -> None:
    """Nearest only where nobody measured it, as in a result of an older file."""
    result = descend("non-convex", start=(0.1, 0.1), steps=3)
    assert round(result.goal.x, 2) == -2.07
    assert round(replace(result, basin=-1).goal.x, 2) == 1.92


def test_how_far_a_path_goes_out() -> None:
    """In sizes of the picture, beyond where it began; points that are lost do not count."""
    result = descend("bowl", steps=3)
    assert result.strayed == 0
    out = replace(result, path=np.array([[0.0, 0.0], [3.0, -6.0], [9.0, 0.0], [math.nan, math.nan]]))
    assert out.strayed == pytest.approx(1.0)
    assert replace(out, path=out.path[1:]).strayed == pytest.approx(0.5)


def test_leaving_is_for_good() -> None:
    """A swing out of the picture and back is none."""
    heavy = descend("bowl", "momentum", start=(-2.9, 0.0), learning_rate=3.0, momentum=0.95, steps=300)
    inside_out = replace(heavy, x=np.linspace(-3.0, 0.5, 101))
    assert inside_out.outside.any()
    assert inside_out.left is None
    assert descend("bowl", learning_rate=0.41).left == 9


# --------------------------------------------------------------------------------------------------------- drawing


def paths(surface: Surface) -> list[np.ndarray]:
    """The paths of a surface, as float64."""
    return [np.asarray(one, dtype=np.float64) for one in surface.paths]


def test_the_figure() -> None:
    """The surface with the path on it, the same from above, the loss, the figures; and the verdict."""
    result = descend("ravine", "momentum", steps=50)
    ground, above, losses, figures = result.figure().panels
    (surface,) = ground.marks
    assert isinstance(surface, Surface)
    assert surface.names == ("momentum",)
    (path,) = paths(surface)
    np.testing.assert_allclose(path, np.column_stack([result.path, result.losses]), rtol=1e-6, atol=1e-6)
    heat, line, minimum, start = above.marks
    assert isinstance(heat, Heat)
    assert isinstance(line, Lines)
    assert isinstance(minimum, Lines)
    assert isinstance(start, Lines)
    assert (np.nanmean(minimum.x), np.nanmean(minimum.y)) == (0.0, 0.0)
    assert (start.x.tolist(), start.y.tolist()) == ([-8.0], [1.0])
    assert above.note == "× minimum at (0, 0), ● start at (−8, 1)"
    np.testing.assert_array_equal(heat.values, surface.z)
    np.testing.assert_allclose(np.stack([line.x, line.y], axis=1), path[:, :2])
    (curve,) = losses.marks
    assert isinstance(curve, Lines)
    np.testing.assert_allclose(curve.y, result.losses)
    assert losses.y.scale == "log"
    (table,) = figures.marks
    assert isinstance(table, Table)
    assert table.rows[0][:5] == ("momentum", "0.036", "never", "0 / 7", "12°")


def test_a_diverging_path_is_cut_off_at_the_edge() -> None:
    """And the caption says so; the curve of its loss ends far above the picture."""
    figure = descend("bowl", "SGD", learning_rate=0.41).figure()
    (surface,) = figure.panels[0].marks
    assert isinstance(surface, Surface)
    (path,) = paths(surface)
    assert len(path) == 10
    assert np.abs(path[-1, 0]) == 3.0
    assert np.abs(path[:, :2]).max() <= 3.0
    assert path[:, 2].max() <= surface.z.max()
    assert figure.caveat.endswith("The path of SGD is cut off at the edge of the picture.")
    assert figure.level is Level.ALARM
    assert "left at step 9" in str(figure.panels[3].marks)


def test_a_path_that_comes_back_is_told_of() -> None:
    """It is drawn along the edge meanwhile, and the caption says so."""
    figure = race([descend("bowl", "Adam", learning_rate=10.0), descend("bowl")])
    assert figure.level is Level.LOOK
    assert figure.verdict.startswith("Adam leaves the picture: its steps are about as long as the learning rate, 10, ")
    assert "; it reaches the minimum (0, 0) in 116 steps." in figure.verdict
    assert figure.caveat.endswith(" Where the path of Adam is outside the picture, it is drawn along the edge.")


def test_several_are_raced() -> None:
    """A path, a curve and a row each, and a sentence on each."""
    figure = race([descend("ravine", name) for name in ("SGD", "momentum", "Adam")])
    (surface,) = figure.panels[0].marks
    assert isinstance(surface, Surface)
    assert surface.names == ("SGD", "momentum", "Adam")
    assert [len(panel.marks) for panel in figure.panels] == [1, 6, 3, 1]
    assert figure.level is Level.WARN
    assert figure.verdict == (
        "SGD zig-zags: 21 sign flips along y, and the first steps turn by 62° on average: the surface is 50 times "
        "steeper across than along; it reaches the minimum (0, 0) in 126 steps. Momentum reaches the minimum (0, 0) "
        "in 74 steps. Adam reaches the minimum (0, 0) in 83 steps."
    )


@pytest.mark.parametrize(
    ("surface", "given", "words"),
    [
        (
            "bowl",
            {"learning_rate": 0.35},
            "SGD oscillates: the learning rate 0.35 is above 1/λ = 0.2, so that each step ",
        ),
        ("bowl", {"learning_rate": 0.41}, "SGD diverges: the learning rate 0.41 is above 2/λ = 0.4, λ = 5 being "),
        (
            "bowl",
            {"learning_rate": 0.4},
            "SGD goes round in circles: it keeps circling, up to 2.5 away from the minimum (0, 0): ",
        ),
        ("bowl", {"learning_rate": 0.001}, "SGD is too slow: 53 % of the way to the minimum (0, 0) after 150 steps; "),
        (
            "ravine",
            {"learning_rate": 0.1},
            "SGD is not there yet: 78 % of the way to the minimum (0, 0) after 150 steps.",
        ),
        ("saddle", {"start": (1.5, 0.0)}, "SGD is stuck near the saddle: after 150 steps it is at the saddle (0, 0), "),
        (
            "himmelblau",
            {"start": (-0.2708445906673476, -0.9230385564799816), "learning_rate": 0.01},
            "SGD is stuck near the top: after 150 steps it is at the top (−0.271, −0.923), ",
        ),
        ("bowl", {"noise": 1e6}, "SGD leaves the picture: the noise 10⁶ drowns the gradient, "),
        ("saddle", {}, "SGD reaches the minimum (0, 2.83) in 101 steps, one of 2 equally low."),
        ("bowl", {"steps": 0}, "SGD has taken 0 steps: too few to judge."),
    ],
)
def test_the_verdict_in_words(surface: str, given: dict[str, Any], words: str) -> None:
    """What it does, the numbers, and where it ends."""
    result = descend(surface, "SGD", **given)
    assert verdict(result, result.findings).startswith(words)


def test_a_descent_that_nobody_judged_says_so() -> None:
    """Without findings there is no verdict."""
    assert verdict(descend("bowl"), Findings()) == "SGD has taken 150 steps: too few to judge."
