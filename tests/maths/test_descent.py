"""Optimizers against torch.optim, and what was measured of them on each surface."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from pellucid.maths.descent import (
    FIRST_TURNS,
    OPTIMIZERS,
    Settings,
    basin,
    descend,
    highest_rate,
    nearest,
    settings,
    settled_at,
    sign_flips,
    torch_learning_rate,
    turning_angles,
)
from pellucid.maths.surfaces import BOWL, HIMMELBLAU, NON_CONVEX, RAVINE, SADDLE, SURFACES, Terrain
from tests.reference.descents import walk

Path = np.ndarray


def go(
    terrain: Terrain, optimizer: str, rate: float, *, steps: int = 400, momentum: float = 0.9, start: object = None
) -> Path:
    """Walk with the settings of the optimizer."""
    chosen = settings(optimizer, rate=rate, momentum=momentum)
    begin = terrain.start if start is None else start
    return descend(terrain, begin, optimizer=optimizer, chosen=chosen, steps=steps)


TWINS: dict[str, Callable[[float, float], tuple[type[torch.optim.Optimizer], dict[str, float]]]] = {
    "SGD": lambda rate, _: (torch.optim.SGD, {"lr": rate}),
    "momentum": lambda rate, b: (torch.optim.SGD, {"lr": rate * (1 - b), "momentum": b}),
    "Nesterov": lambda rate, b: (torch.optim.SGD, {"lr": rate * (1 - b), "momentum": b, "nesterov": True}),
    "RMSProp": lambda rate, _: (torch.optim.RMSprop, {"lr": rate}),
    "Adam": lambda rate, b: (torch.optim.Adam, {"lr": rate, "betas": (b, 0.999)}),
}


@pytest.mark.parametrize("momentum", [0.5, 0.9])
@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_path_is_that_of_torch(optimizer: str, surface: str, momentum: float) -> None:
    """Point by point; an average of gradients takes the path of a sum with the learning rate times 1 - b."""
    terrain = SURFACES[surface]
    kind, given = TWINS[optimizer](0.05, momentum)
    assert given["lr"] == pytest.approx(torch_learning_rate(optimizer, rate=0.05, momentum=momentum))
    chosen = Settings(rate=0.05, momentum=momentum, squares=0.99 if optimizer == "RMSProp" else 0.999, longest=math.inf)
    path = descend(terrain, terrain.start, optimizer=optimizer, chosen=chosen, steps=60)
    torch.testing.assert_close(
        torch.from_numpy(path), walk(surface, terrain.start, kind, 60, **given), rtol=1e-10, atol=1e-12
    )


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_many_walks_at_once_are_one_by_one_the_same(optimizer: str) -> None:
    """Arrays of starts take the path of numbers."""
    x, y = np.array([[-3.0, 1.0], [0.5, 2.5]]), np.array([[1.0, -2.0], [0.0, 2.0]])
    paths = go(HIMMELBLAU, optimizer, 0.1, steps=30, start=(x, y))
    assert paths.shape == (31, 2, 2, 2)
    for place in np.ndindex(2, 2):
        alone = go(HIMMELBLAU, optimizer, 0.1, steps=30, start=(x[place], y[place]))
        np.testing.assert_allclose(paths[:, *place], alone, rtol=1e-12, atol=1e-12)


def test_what_is_not_finite_stays_so() -> None:
    """NaN from the first step on that overflows; nothing is raised or warned of."""
    path = go(SADDLE, "SGD", 4.0, steps=60, start=(1.0, 3.9))
    first = settled_at(np.isnan(path[:, 0]))
    assert first is not None
    assert np.isfinite(path[:first]).all()
    assert np.isnan(path[first:]).all()


def test_powers_do_not_overflow() -> None:
    """Of plain numbers they raise: a walk on a surface written with ** ends before."""
    fourth = replace(BOWL, height=lambda x, y: x**4 + y**4, slope=lambda x, y: (4 * x**3, 4 * y**3))
    for optimizer in ("SGD", "momentum", "Nesterov"):
        path = go(fourth, optimizer, 4.0, steps=60, start=(1.0, 2.0))
        assert path.shape == (61, 2)
        assert np.isfinite(path[:3]).all()
        assert np.isnan(path[-1]).all()


def test_noise_has_a_seed() -> None:
    """The same seed gives the same path, another one another."""

    def shaken(seed: int) -> Path:
        chosen = settings("SGD", rate=0.1, momentum=0.9)
        return descend(BOWL, BOWL.start, optimizer="SGD", chosen=chosen, steps=5, noise=0.5, seed=seed)

    np.testing.assert_array_equal(shaken(1), shaken(1))
    assert not np.allclose(shaken(1), shaken(2))


# --------------------------------------------------------------------------------------------------- measured before


@pytest.mark.parametrize(
    ("rate", "flips", "steps"),
    [
        (0.01, 0, 90),
        (0.1, 0, 7),
        (0.19, 0, 2),
        (0.2, 0, 1),
        (0.21, 2, 2),
        (0.25, 4, 4),
        (0.3, 9, 7),
        (0.35, 24, 17),
        (0.38, 65, 44),
        (0.39, 134, 90),
    ],
)
def test_gradient_descent_in_the_bowl(rate: float, flips: int, steps: int) -> None:
    """Overshooting begins at 1/λ = 0.2 exactly, and takes longer and longer towards 2/λ = 0.4."""
    path = go(BOWL, "SGD", rate)
    assert sign_flips(path[:, 0], 0.002) == flips
    assert settled_at(np.hypot(*path.T) <= 0.01 * 2.5) == steps


def test_the_bowl_at_its_limit_and_above() -> None:
    """At 2/λ it goes back and forth between two places for ever, above it away."""
    path = go(BOWL, "SGD", 0.4)
    np.testing.assert_allclose(path[::2], np.broadcast_to([-2.0, 1.5], (201, 2)), rtol=1e-12)
    np.testing.assert_allclose(path[1::2], np.broadcast_to([2.0, -1.5], (200, 2)), rtol=1e-12)
    assert np.all(np.diff(np.hypot(*go(BOWL, "SGD", 0.41, steps=60).T)) > 0)


@pytest.mark.parametrize(
    ("optimizer", "rate", "flips", "turn", "steps"),
    [
        ("SGD", 0.36, 20, 64, 126),
        ("SGD", 0.38, 43, 130, 119),
        ("momentum", 0.36, 12, 12, 74),
        ("momentum", 3.6, 42, 57, 87),  # 0.36 in torch
        ("Adam", 0.3, 9, 5, 91),
    ],
)
def test_the_ravine(optimizer: str, rate: float, flips: int, turn: float, steps: int) -> None:
    """Momentum as an average calms the zig-zag; as torch adds it up, with the same learning rate, it does not."""
    path = go(RAVINE, optimizer, rate)
    assert abs(sign_flips(path[:, 1], 0.01) - flips) <= 2
    assert abs(float(turning_angles(path)[:FIRST_TURNS].mean()) - turn) <= 3
    assert settled_at(np.hypot(*path.T) <= 0.01 * math.hypot(8, 1)) == steps


def test_rmsprop_never_settles() -> None:
    """Its steps do not get shorter: it ends up going back and forth across the ravine by half a learning rate."""
    path = go(RAVINE, "RMSProp", 0.05, steps=1000)
    assert sign_flips(path[:, 1], 0.01) > 350
    assert 0.01 < np.abs(path[-100:, 1]).min() < np.abs(path[-100:, 1]).max() < 0.04


def test_the_saddle() -> None:
    """A start 0.001 beside the ridge takes 66 steps to leave, as theory says: ln 500 / ln 1.1."""
    path = go(SADDLE, "SGD", 0.1)
    assert settled_at(np.abs(path[:, 1]) > 0.5) == math.ceil(math.log(500) / math.log(1.1)) == 66
    lengths = np.hypot(*np.diff(path, axis=0).T)
    slowest, fastest = int(lengths[:66].argmin()), 40 + int(lengths[40:].argmax())
    assert (slowest, fastest) == (37, 79)
    assert lengths[slowest] == pytest.approx(0.0046, abs=5e-5)
    assert lengths[fastest] == pytest.approx(0.109, abs=5e-4)
    np.testing.assert_allclose(path[-1], [0, 8**0.5], atol=1e-12)


def test_on_the_ridge_only_noise_helps() -> None:
    """Without a push along the way down there is no gradient along it."""
    chosen = settings("SGD", rate=0.1, momentum=0.9)
    still = descend(SADDLE, (1.5, 0.0), optimizer="SGD", chosen=chosen, steps=400)
    shaken = descend(SADDLE, (1.5, 0.0), optimizer="SGD", chosen=chosen, steps=400, noise=1e-3)
    assert still[-1, 1] == 0
    assert abs(shaken[-1, 1]) == pytest.approx(8**0.5, abs=0.01)


@pytest.mark.parametrize(("optimizer", "steps"), [("Adam", 11), ("RMSProp", 10)])
def test_adaptive_optimizers_leave_the_saddle_fast(optimizer: str, steps: int) -> None:
    """A tenth of the steps: they divide by the size of the gradient."""
    assert settled_at(np.abs(go(SADDLE, optimizer, 0.05)[:, 1]) > 0.5) == steps


def test_rmsprop_is_kept_from_leaping() -> None:
    """The first step of torch is lr / sqrt(1 - a) = 10 lr; here no coordinate moves further than lr."""
    torch_like = Settings(rate=0.05, squares=0.99, longest=math.inf)
    leap = descend(SADDLE, SADDLE.start, optimizer="RMSProp", chosen=torch_like, steps=1)
    assert np.abs(np.diff(leap, axis=0)).max() == pytest.approx(0.5, rel=1e-4)
    assert np.abs(np.diff(go(SADDLE, "RMSProp", 0.05), axis=0)).max() <= 0.05 * (1 + 1e-12)


@pytest.mark.parametrize(
    ("optimizer", "rate"), [("SGD", 0.05), ("SGD", 0.2), ("momentum", 0.2), ("Adam", 0.05), ("RMSProp", 0.02)]
)
def test_the_start_decides_the_basin(optimizer: str, rate: float) -> None:
    """None of 99 starts ends on the other side of the ridge."""
    x, y = np.meshgrid(np.linspace(-3.4, 3.4, 11), np.linspace(-2.4, 2.4, 9))
    ends = go(NON_CONVEX, optimizer, rate, steps=1500, start=(x, y))[-1]
    minima = np.array([(one.x, one.y) for one in NON_CONVEX.minima])
    chosen = nearest(ends, minima)
    assert np.hypot(*np.moveaxis(ends - minima[chosen], -1, 0)).max() < 0.02
    assert int(((x < 0.15086) != (chosen == 0)).sum()) == 0


@pytest.mark.parametrize("terrain", SURFACES.values(), ids=SURFACES)
def test_the_slope_leads_where_the_flow_goes(terrain: Terrain) -> None:
    """As many small steps do; the nearest minimum is another one for some."""
    drawn = np.random.default_rng(0).uniform((terrain.x[0], terrain.y[0]), (terrain.x[1], terrain.y[1]), (60, 2))
    minima = np.array([(one.x, one.y) for one in terrain.minima])
    ends = go(terrain, "SGD", terrain.rate / 8, steps=6000, start=(drawn[:, 0], drawn[:, 1]))[-1]
    assert [basin(terrain, (x, y)) for x, y in drawn.tolist()] == nearest(ends, minima).tolist()


def test_a_ridge_parts_the_near_from_the_reached() -> None:
    """Just left of it the slope leads left, though the right minimum is nearer."""
    minima = np.array([(one.x, one.y) for one in NON_CONVEX.minima])
    assert int(nearest(np.array([0.1, 0.1]), minima)) == 1
    assert basin(NON_CONVEX, (0.1, 0.1)) == 0
    assert basin(NON_CONVEX, (0.2, 0.1)) == 1


def test_where_the_slope_leads_nowhere_the_nearest_is_named() -> None:
    """A surface whose own learning rate diverges."""
    assert basin(replace(SADDLE, rate=50.0), (1.0, 1.0)) == 1


def test_himmelblau_shares_the_plane() -> None:
    """Of 121 starts about as many end at each of the four minima."""
    x, y = np.meshgrid(np.linspace(-5, 5, 11), np.linspace(-5, 5, 11))
    ends = go(HIMMELBLAU, "SGD", 0.2, steps=500, start=(x, y))[-1]
    minima = np.array([(one.x, one.y) for one in HIMMELBLAU.minima])
    counts = np.bincount(nearest(ends, minima).ravel())
    assert np.abs(counts - [31, 32, 28, 30]).max() <= 2


@pytest.mark.parametrize("momentum", [0.3, 0.9])
@pytest.mark.parametrize("optimizer", ["SGD", "momentum", "Nesterov"])
def test_the_highest_learning_rate_is_the_highest(optimizer: str, momentum: float) -> None:
    """A hundredth below it comes down, a hundredth above it goes away."""
    limit = highest_rate(optimizer, curvature=5.0, momentum=momentum)
    below, above = (go(BOWL, optimizer, factor * limit, steps=3000, momentum=momentum)[-1] for factor in (0.99, 1.01))
    assert np.abs(below).max() < 1e-3
    assert not np.abs(above).max() < 1e3


@pytest.mark.parametrize(
    ("optimizer", "curvature"), [("SGD", 0.0), ("momentum", -1.0), ("Adam", 5.0), ("RMSProp", 5.0)]
)
def test_without_a_limit_there_is_none(optimizer: str, curvature: float) -> None:
    """Flat ground and steps that do not grow with the slope."""
    assert highest_rate(optimizer, curvature=curvature, momentum=0.9) == math.inf


# ----------------------------------------------------------------------------------------------- read off a path


def test_flips_are_counted_while_they_can_be_seen() -> None:
    """Up to the last point that is far; a zero between is no flip."""
    assert sign_flips(np.array([4.0, -2.0, 1.0, -0.5, 0.25]), 0.9) == 2
    assert sign_flips(np.array([4.0, 0.0, -4.0]), 0.9) == 0
    assert sign_flips(np.zeros(0), 0.9) == 0


def test_turns_are_angles_between_steps() -> None:
    """Straight on is 0, back 180; a step of no length is no turn."""
    path = np.array([[0, 0], [1, 0], [1, 0], [2, 0], [2, 1], [2, 0]], dtype=np.float64)
    np.testing.assert_allclose(turning_angles(path), [0, 90, 180], atol=1e-6)
    assert turning_angles(path[:2]).size == 0


def test_settled_is_from_then_on() -> None:
    """Being near and going away again does not count."""
    assert settled_at(np.array([False, True, False, True, True])) == 3
    assert settled_at(np.array([True, True])) == 0
    assert settled_at(np.array([True, False])) is None
    assert settled_at(np.zeros(0, dtype=bool)) is None
