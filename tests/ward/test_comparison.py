"""Runs that can be told apart and runs that cannot, for the rule on several of them: LOS031."""

import numpy as np

import pellucid as pel
from pellucid.core.finding import Level


def runs(gap: float, steps: int = 200) -> dict[str, dict[str, np.ndarray]]:
    """Return the losses of two trainings that end so far apart, with noise of .02."""
    noise = 0.02 * np.random.default_rng(0).normal(size=(2, 200))
    return {"a": {"loss": 0.5 + noise[0]}, "b": {"loss": (0.5 + gap + noise[1])[:steps]}}


def test_an_order_is_only_told_where_it_is_more_than_noise() -> None:
    """Ten standard errors apart, half a one, and runs of different lengths, which are to be looked at."""
    for gap, steps, level, words in (
        (0.05, 200, Level.OK, "which is more than the noise of the curves"),
        (0.002, 200, Level.OK, "which is within the noise of the curves"),
        (0.05, 100, Level.LOOK, "so that ends differ for that alone"),
    ):
        (finding,) = pel.loss.compare(runs(gap, steps)).findings.every
        assert (finding.code, finding.level) == ("LOS031", level)
        assert finding.message.endswith(words)
