"""Sick and healthy descents for the rules on surfaces of two parameters: LOS015 to LOS021."""

import itertools
import re

import pytest

from pellucid.core.finding import Finding, Level
from pellucid.windows.loss import Descent, descend

CODES = tuple(f"LOS{number:03}" for number in range(15, 22))


def says(result: Descent, code: str) -> Finding:
    """What one rule says."""
    (found,) = [one for one in result.findings.every if one.code == code]
    return found


def leading(result: Descent) -> str:
    """The code of the first problem; "" without any."""
    problems = result.findings.problems
    return problems[0].code if problems else ""


HEALTHY = [
    *itertools.product(["bowl"], ["SGD"], [0.05, 0.1, 0.15, 0.2], [0.9]),
    *itertools.product(["bowl"], ["momentum", "Nesterov"], [0.05, 0.1, 0.2, 0.4], [0.5, 0.9]),
    *itertools.product(["bowl"], ["Adam"], [0.05, 0.1, 0.3], [0.9]),
    *itertools.product(["ravine"], ["SGD"], [0.1, 0.2], [0.9]),
    *itertools.product(["ravine"], ["momentum", "Nesterov"], [0.2, 0.36, 0.5], [0.9]),
    *itertools.product(["ravine"], ["Adam"], [0.1, 0.3], [0.9]),
    *itertools.product(["saddle"], ["SGD", "momentum", "Nesterov"], [0.1, 0.3], [0.5, 0.9]),
    *itertools.product(["saddle", "non-convex", "himmelblau"], ["Adam"], [0.05, 0.1, 0.2], [0.9]),
    *itertools.product(["saddle", "non-convex", "himmelblau"], ["RMSProp"], [0.02, 0.05], [0.9]),
    *itertools.product(["non-convex"], ["SGD"], [0.05, 0.1, 0.2], [0.9]),
    *itertools.product(["non-convex"], ["momentum", "Nesterov"], [0.1, 0.2, 0.4], [0.5, 0.9]),
    *itertools.product(["himmelblau"], ["SGD", "momentum", "Nesterov"], [0.1, 0.2, 0.5], [0.5, 0.9]),
    *itertools.product(["bowl", "ravine"], ["RMSProp"], [0.05, 0.1], [0.9]),
]


@pytest.mark.parametrize(("surface", "optimizer", "rate", "momentum"), HEALTHY)
def test_healthy_descents_are_not_accused(surface: str, optimizer: str, rate: float, momentum: float) -> None:
    """From six starts, with few steps and many: no warning, at the most a look at where it is.

    RMSProp, whose steps do not get shorter, may circle close to the minimum.
    """
    x, y = descend(surface, steps=0).path[0]
    for (a, b), steps in itertools.product(
        [(1, 1), (0.5, 1), (1, 0.5), (-1, 1), (0.3, -1), (-0.7, 0.4)], (40, 150, 400)
    ):
        if surface == "saddle" and steps < 150:
            continue  # so few do leave some of them at the saddle
        start = (a * x, b * y) if surface != "himmelblau" else (4 * a, 3 * b)
        result = descend(surface, optimizer, start=start, learning_rate=rate, momentum=momentum, steps=steps)
        looks = {one.code for one in result.findings.every if one.level is Level.LOOK}
        assert not result.findings.problems, (start, steps, result.findings.headline)
        assert looks <= {"LOS020", "LOS021", *(["LOS016"] if optimizer == "RMSProp" else [])}, (start, steps, looks)
        assert (result.ending == "under way") == ("LOS020" in looks)


@pytest.mark.parametrize(("optimizer", "rate"), [("SGD", 0.41), ("momentum", 8.0), ("Nesterov", 3.0)])
def test_above_the_limit_it_diverges(optimizer: str, rate: float) -> None:
    """And nothing else leads."""
    result = descend("bowl", optimizer, learning_rate=rate)
    found = says(result, "LOS015")
    assert (found.level, leading(result)) == ("alarm", "LOS015")
    assert found.limit is not None
    assert found.limit < rate
    assert found.step == result.left


def test_the_words_of_divergence() -> None:
    """The learning rate is held against 2/λ."""
    assert says(descend("bowl", "SGD", learning_rate=0.41), "LOS015").message == (
        "the learning rate 0.41 is above 2/λ = 0.4, λ = 5 being the steepest curvature on the way; it leaves the "
        "picture at step 9"
    )


@pytest.mark.parametrize(
    ("surface", "optimizer", "start", "rate", "words"),
    [
        (
            "saddle",
            "momentum",
            (1.5, 0.001),
            10.0,
            "above what momentum can take = 3.45, λ = 11 being the curvature where it leaves the picture; it leaves ",
        ),
        (
            "bowl",
            "RMSProp",
            None,
            10.0,
            "the picture is 6 wide; from step 33 on it is outside the picture, and it ends higher than it began",
        ),
        (
            "bowl",
            "SGD",
            (5.0, 0.0),
            0.5,
            "the steepest curvature on the way; it begins outside the picture and ends higher than it began",
        ),
    ],
)
def test_why_a_path_ends_outside(
    surface: str, optimizer: str, start: tuple[float, float] | None, rate: float, words: str
) -> None:
    """A learning rate is never said to be below what it breaks; steps that do not grow are called long."""
    found = says(descend(surface, optimizer, start=start, learning_rate=rate), "LOS015")
    assert found.level == "alarm"
    assert words in found.message
    assert " is below " not in found.message


@pytest.mark.parametrize("surface", ["bowl", "ravine", "saddle", "non-convex", "himmelblau"])
@pytest.mark.parametrize("steps", [150, 500])
def test_thrown_far_out_is_never_ok(surface: str, steps: int) -> None:
    """Adam comes back from anywhere; that it was out there is said all the same, before how it went on."""
    result = descend(surface, "Adam", learning_rate=100.0, steps=steps)
    assert leading(result) == "LOS015"
    assert says(result, "LOS015").level in ("warn", "alarm")


def test_the_words_of_being_thrown_out() -> None:
    """How far, in sizes of the picture; a quarter of one is looked at, and less is nothing."""
    thrown = says(descend("himmelblau", "Adam", learning_rate=100.0, steps=500), "LOS015")
    assert thrown.level == "warn"
    assert thrown.message == (
        "its steps are about as long as the learning rate, 100, and the picture is 10 wide; it swings out of the "
        "picture by 9.5 times its size, and is back at the end"
    )
    assert says(descend("himmelblau", "Adam", learning_rate=10.0), "LOS015").level == "look"
    overshot = descend("bowl", "Adam", start=(0.15, -2.7), learning_rate=3.162)
    assert overshot.outside.any()
    assert says(overshot, "LOS015").level == "ok"


def test_a_start_outside_is_no_throw() -> None:
    """What counts is how much further out the path goes; on its way in it does not."""
    for optimizer, rate in (("SGD", 0.1), ("momentum", 0.1), ("Adam", 50.0)):
        assert says(descend("bowl", optimizer, start=(1000.0, 0.0), learning_rate=rate), "LOS015").level == "ok"


def test_noise_is_blamed_for_what_noise_does() -> None:
    """Not the learning rate, where that is sound; and both, where both are at fault."""
    found = says(descend("bowl", learning_rate=0.1, noise=1e6), "LOS015")
    assert found.level == "alarm"
    assert found.message == (
        "the noise 10⁶ drowns the gradient, which is 12.5 at most; from step 1 on it is outside the picture, and it "
        "ends higher than it began"
    )
    assert found.next_step == "Take larger batches, or lower the learning rate."
    both = says(descend("bowl", learning_rate=0.5, noise=1e6), "LOS015")
    assert "drowns the gradient" in both.message
    assert "above 2/λ = 0.4" in both.message


def test_at_the_limit_it_goes_round() -> None:
    """A cycle of two places."""
    result = descend("bowl", "SGD", learning_rate=0.4)
    assert leading(result) == "LOS016"
    assert says(result, "LOS016").message == (
        "it keeps circling, up to 2.5 away from the minimum (0, 0): the learning rate 0.4 is at 2/λ = 0.4, λ = 5 being "
        "the curvature there"
    )


def test_rmsprop_goes_round() -> None:
    """Its steps stay as long as the learning rate."""
    result = descend("bowl", "RMSProp", learning_rate=0.4)
    assert leading(result) == "LOS016"
    assert "divides by the size of the gradient" in says(result, "LOS016").message


def test_rmsprop_that_circles_close_by_is_looked_at() -> None:
    """It does not come to rest, but it is nearly there."""
    assert says(descend("ravine", "RMSProp", learning_rate=0.36), "LOS016").level == "look"


def test_noise_is_no_cycle() -> None:
    """Noise keeps every path moving."""
    for seed in range(8):
        result = descend("bowl", "SGD", learning_rate=0.133, noise=1.0, seed=seed)
        assert says(result, "LOS016").level == "not-measured"
        assert result.ending in ("arrived", "under way")


def test_noise_is_neither_oscillation_nor_zig_zag() -> None:
    """It turns every path; an overshooting step of SGD is named all the same."""
    for optimizer, rate in (("SGD", 0.05), ("momentum", 0.1), ("Adam", 0.1)):
        for code in ("LOS017", "LOS018"):
            assert says(descend("ravine", optimizer, learning_rate=rate, noise=3.0), code).level == "not-measured"
    assert says(descend("ravine", "SGD", learning_rate=0.36, noise=0.01), "LOS018").level == "warn"
    assert says(descend("bowl", "SGD", learning_rate=0.35, noise=0.01), "LOS017").level == "warn"


def test_a_circle_below_the_limit_names_the_memory() -> None:
    """Not a learning rate that is "below what momentum can take"."""
    result = descend("saddle", "momentum", start=(-2.0, 1.2), learning_rate=10.0)
    assert says(result, "LOS016").message == (
        "it keeps circling, up to 1.02 away from the minimum (0, 2.83): the learning rate is 10, and momentum 0.9 "
        "remembers about 10 steps"
    )


@pytest.mark.parametrize(
    ("rate", "level"), [(0.19, "ok"), (0.2, "ok"), (0.21, "look"), (0.29, "look"), (0.31, "warn"), (0.39, "warn")]
)
def test_above_one_over_lambda_it_oscillates(rate: float, level: str) -> None:
    """Looked at while the swings halve at least, warned of from then on."""
    assert says(descend("bowl", "SGD", learning_rate=rate), "LOS017").level == level


def test_the_words_of_oscillation() -> None:
    """The learning rate is held against 1/λ."""
    assert says(descend("bowl", "SGD", learning_rate=0.3), "LOS017").message == (
        "the learning rate 0.3 is above 1/λ = 0.2, so that each step overshoots: 9 sign flips"
    )


def test_a_step_too_long_on_the_way_only_is_looked_at() -> None:
    """Two flips on steep ground far from the minimum, and there in nine steps: no warning, and no "each step"."""
    result = descend("himmelblau", "SGD", start=(4.5, 4.0), learning_rate=1.0)
    found = says(result, "LOS017")
    assert result.arrived == 9
    assert (found.level, found.message) == (
        "look",
        "the learning rate 1 is above 1/λ = 0.42, so that steps overshoot where it is steepest: 2 sign flips",
    )


@pytest.mark.parametrize("optimizer", ["momentum", "Nesterov"])
def test_an_average_of_one_gradient_is_plain_descent(optimizer: str) -> None:
    """With momentum 0 the path is that of SGD, and so is what is said of it."""
    for surface, rate in (("bowl", 0.35), ("bowl", 0.41), ("ravine", 0.36)):
        plain = descend(surface, "SGD", learning_rate=rate)
        same = descend(surface, optimizer, learning_rate=rate, momentum=0.0)
        assert [one.line for one in same.findings.problems] == [one.line for one in plain.findings.problems]


def test_a_long_memory_oscillates() -> None:
    """Momentum 0.99 rolls past the minimum again and again."""
    result = descend("bowl", "momentum", learning_rate=0.4, momentum=0.99, steps=500)
    assert says(result, "LOS017").level == "warn"
    assert says(result, "LOS017").message.endswith("; momentum 0.99 remembers about 100 steps")


def test_the_ravine_zig_zags() -> None:
    """For plain gradient descent, and for momentum as torch adds it up with the same learning rate."""
    for optimizer, rate in (("SGD", 0.36), ("SGD", 0.38), ("momentum", 3.6)):
        result = descend("ravine", optimizer, learning_rate=rate)
        assert leading(result) == "LOS018", optimizer
    assert says(descend("ravine", "SGD"), "LOS018").message == (
        "21 sign flips along y, and the first steps turn by 62° on average: the surface is 50 times steeper across "
        "than along"
    )


def test_back_and_forth_along_a_line_is_no_zig_zag() -> None:
    """Without a way to go along the ravine there is only oscillation."""
    result = descend("ravine", "SGD", start=(0.0, 1.0), learning_rate=0.36)
    assert says(result, "LOS018").level == "ok"
    assert leading(result) == "LOS017"


@pytest.mark.parametrize(("start", "steps"), [((1.5, 0.0), 150), ((1.5, 0.001), 35), ((0.0, 0.0), 60)])
def test_stuck_at_the_saddle(start: tuple[float, float], steps: int) -> None:
    """Exactly on the ridge for ever; beside it for a while."""
    result = descend("saddle", "SGD", start=start, learning_rate=0.1, steps=steps)
    assert leading(result) == "LOS019"
    assert says(result, "LOS019").message.startswith(f"after {steps} steps it is at the saddle (0, 0), ")


def test_at_a_top_it_is_a_top() -> None:
    """And not the saddle beside it."""
    top = descend("himmelblau").critical[-1]
    result = descend("himmelblau", "SGD", start=(top.x + 1e-6, top.y), learning_rate=0.01)
    assert says(result, "LOS019").message.startswith("after 150 steps it is at the top (−0.271, −0.923), still leaving")


def test_passing_a_saddle_is_not_being_stuck() -> None:
    """A path that jumps about may happen to end beside one."""
    result = descend("himmelblau", "RMSProp", start=(4.5, 4.0), learning_rate=10.0, steps=500)
    assert says(result, "LOS019").level == "ok"


@pytest.mark.parametrize("start", [(0.0, 0.0), (0.1, 0.1)])
@pytest.mark.parametrize("optimizer", ["SGD", "momentum", "Nesterov"])
def test_too_slow_where_the_surface_bends_down(optimizer: str, start: tuple[float, float]) -> None:
    """λ is that of the minimum where the way has none above 0: a factor is never negative, nor one of thousands."""
    found = says(descend("himmelblau", optimizer, start=start, learning_rate=0.01), "LOS020")
    factor = re.search(r"the learning rate 0\.01 is ([\d.]+) times smaller than 1/λ$", found.message)
    assert factor is not None, found.message
    assert 10 < float(factor[1]) < 200


def test_the_way_is_that_down_the_slope() -> None:
    """Not to a minimum that is nearer, but behind a ridge."""
    found = says(descend("non-convex", "SGD", start=(0.1, 0.1), learning_rate=0.001), "LOS020")
    assert found.message.startswith("0 % of the way to the minimum (−2.07, 0) after 150 steps; ")


def test_too_slow() -> None:
    """A learning rate far below 1/λ; steps that cannot reach."""
    assert says(descend("bowl", "SGD", learning_rate=0.001), "LOS020").message == (
        "53 % of the way to the minimum (0, 0) after 150 steps; the learning rate 0.001 is 200 times smaller than 1/λ"
    )
    assert says(descend("ravine", "Adam", learning_rate=0.01), "LOS020").message == (
        "19 % of the way to the minimum (0, 0) after 150 steps; steps of 0.01 reach 1.5 of 8 at the most"
    )


def test_on_its_way_is_not_too_slow() -> None:
    """The flat direction of a ravine takes its time at any learning rate."""
    assert says(descend("ravine", "SGD", learning_rate=0.2), "LOS020").level == "look"


@pytest.mark.parametrize(
    ("surface", "start", "level", "message"),
    [
        ("bowl", None, "ok", "the minimum (0, 0) in 7 steps"),
        ("saddle", None, "ok", "the minimum (0, 2.83) in 101 steps, one of 2 equally low"),
        ("non-convex", (-3.0, 1.0), "ok", "the minimum (−2.07, 0) in 41 steps, the lowest"),
        (
            "non-convex",
            None,
            "look",
            "the minimum (1.92, 0) in 42 steps, which is not the lowest: the one at (−2.07, 0) is 0.6 deeper",
        ),
    ],
)
def test_which_minimum_is_reached(surface: str, start: tuple[float, float] | None, level: str, message: str) -> None:
    """By name, and whether there is a lower one."""
    found = says(descend(surface, "SGD", start=start, learning_rate=0.1), "LOS021")
    assert (found.level, found.message) == (level, message)


@pytest.mark.parametrize("code", CODES)
def test_few_points_are_not_judged(code: str) -> None:
    """A start is no path."""
    assert says(descend("bowl", steps=0), code).level == "not-measured"
