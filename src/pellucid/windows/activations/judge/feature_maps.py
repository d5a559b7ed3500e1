"""Rules on feature maps: channels that say nothing."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.figure.words import amount, percent
from pellucid.core.finding import Finding
from pellucid.core.rule import Case, rule
from pellucid.windows.activations.result import FeatureMaps
from pellucid.windows.activations.result.feature_maps import ENOUGH

Array = NDArray[Any]


@rule(
    FeatureMaps,
    code="ACT007",
    title="Dead channels",
    order=5,
    limits={"warn": 0.25, "alarm": 0.5, "samples": ENOUGH, "channels": 8},
)
def dead_channels(result: FeatureMaps, case: Case) -> Iterator[Finding]:
    """Channels of one layer that put out the same for all data.

    Looks for: channels whose output is one and the same value (0, behind a rectifier) at every place of 512 examples or
        more. Channels that only happened not to fire are taken off: their number is estimated from those that fired on
        one example and on two.
    Why it matters: such a channel tells nothing to what follows, and behind a rectifier it gets no gradient, so that it
        can never come back. A layer that has only such channels passes nothing on.
    Where the limit comes from: that of ACT001, which counts the same: 212 healthy small networks had up to 19 % dead
        units in 95 of 100 rectified layers and 44 % at the most. A layer of fewer than 8 channels is warned of at the
        most, and when the model learns well the level is one lower.
    False alarms: very sparse networks, whose channels fire once in thousands of examples, when few were seen; pruned
        networks; data of a single kind, on which the channels for others are silent.
    Likely cause: a learning rate so high that one step pushed the biases far below zero; a negative bias at the start;
        inputs that are not centred; weight decay on channels that the task does not need.
    What to do: Lower the learning rate or warm it up, use LeakyReLU or GELU, and start these channels anew; or leave
        them out, where the network does well without.
    Source: A. L. Maas, A. Y. Hannun, A. Y. Ng, "Rectifier nonlinearities improve neural network acoustic models", 2013.
        Channels never seen: A. Chao, Scandinavian Journal of Statistics 11, 1984. Limits: our calibration.
    """
    if result.provenance.stopped:
        yield case.stopped(result.provenance.stopped)
    found, dead = result.exciting, result.dead
    needed = int(case.limits["samples"])
    if found is None or dead is None or found.samples < needed or not len(dead):
        seen = "no data were given" if found is None else f"{amount(found.samples, 'example')} came"
        yield case.not_measured(
            f"{seen}, and {needed} are needed to call a channel dead",
            samples=0 if found is None else found.samples,
            next_step=f"Give {needed} examples or more with data=.",
        )
        return
    if found.broken.any():
        broken = int((found.broken > 0).sum())
        yield case.not_measured(f"{amount(broken, 'channel')} put out values that are not finite")
        return
    share = max(0.0, int(dead.sum()) - _unseen(found.active, found.samples)) / len(dead)
    numbers = np.flatnonzero(dead)
    kind = "channel" if result.maps.ndim > 1 else "unit"
    words = f"{len(numbers)} of {amount(len(dead), kind)} put out the same for all of {found.samples} examples"
    evidence = {"channels": ", ".join(str(one) for one in numbers[:64]), "places": found.positions}
    fields: dict[str, Any] = {"where": result.layer, "value": share, "samples": found.samples, "evidence": evidence}
    if share < case.limits["warn"]:
        yield case.ok(words, limit=case.limits["warn"], **fields)
        return
    if found.stopped:
        yield case.not_measured(f"{words} that came before it was stopped; the others may wake them", **fields)
        return
    past = share >= case.limits["alarm"]
    severe = past and len(dead) >= case.limits["channels"] and case.learning.succeeds is not True
    mild = not past and case.learning.succeeds is True
    speak = case.alarm if severe else case.look if mild else case.warn
    yield speak(f"{words} ({percent(share)})", limit=case.limits["alarm" if past else "warn"], **fields)


def _unseen(active: Array, samples: int) -> float:
    """Estimate how many channels are alive and did not fire, from those that fired once and twice (Chao 1984)."""
    fired = np.rint(active * samples)
    once, twice = int((fired == 1).sum()), int((fired == 2).sum())
    return once * (once - 1) / (2 * (twice + 1))
