"""Sick and healthy losses for the rule on plateaus: LOS030."""

import numpy as np
import pytest

import pellucid as pel
from pellucid.core.finding import Finding, Level

STEPS = np.arange(400)
NOISE = np.random.default_rng(0).normal(size=400)


def says(loss: np.ndarray, **curves: list[float]) -> Finding:
    """What the rule says of a loss."""
    found = pel.loss.curves({"loss": loss, **curves}).findings.every
    return next(one for one in found if one.code == "LOS030")


def test_a_loss_that_never_learned_and_stands_still_is_to_be_looked_at() -> None:
    """It has hardly fallen from where it began."""
    finding = says(2.3 - 0.2 * (1 - np.exp(-STEPS / 20)) + 0.01 * NOISE)
    assert finding.level == Level.LOOK
    assert finding.message == "levelled off at 2.1 since step 200 or before"


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (0.05 + 2.2 * np.exp(-STEPS / 20) + 0.001 * NOISE, "levelled off at 0.0"),
        (2.3 - STEPS / 400 + 0.05 * NOISE, "still falling: by 0."),
        (1.3 + STEPS / 800 + 0.05 * NOISE, "rising: by 0."),
        (
            0.5 + 2 * np.exp(-STEPS / 30) + 0.6 * np.abs(NOISE),
            "not known: within the noise it may have fallen by up to",
        ),
    ],
)
def test_a_loss_that_moves_or_is_done_is_sound(loss: np.ndarray, message: str) -> None:
    """One that has learned and stands, falls still, rises, or is too noisy to know."""
    finding = says(loss)
    assert finding.level == Level.OK
    assert finding.message.startswith(message)


def test_few_points_are_not_judged() -> None:
    """Neither are those before a loss that is no number."""
    assert says(np.full(59, 2.3)).level == Level.NOT_MEASURED
    broken = np.full(200, 2.3)
    broken[30] = np.nan
    assert says(broken).level == Level.NOT_MEASURED
