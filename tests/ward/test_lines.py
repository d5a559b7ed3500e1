"""Sick and healthy lines for the rules on them: LOS027 to LOS029."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import pellucid as pel
from pellucid.core.finding import Level
from tests.kinds import batch
from tests.windows.loss.test_lines import Plain, trained


def test_models_of_one_training_are_connected() -> None:
    """Two that part from one checkpoint, and a model and its later self."""
    model = trained(Plain(), 200)
    later = trained(Plain.shuffled(model), 0)
    later.load_state_dict(model.state_dict())
    trained(later, 60, 1e-3)
    (finding,) = pel.loss.interpolation(model, later, batch(256)).findings.every
    assert (finding.code, finding.level) == ("LOS027", Level.OK)
    assert finding.message.startswith("connected: ")


def test_models_of_two_trainings_are_apart() -> None:
    """Other first weights lead to the same loss across a barrier, which is to be looked at and no problem."""
    torch.manual_seed(1)
    first, second = trained(Plain(), 400), trained(Plain(), 400).shuffled()
    found = pel.loss.interpolation(first, second, batch(256))
    (finding,) = found.findings.every
    assert finding.level == Level.LOOK
    assert finding.message.startswith("a barrier: the loss rises by ")
    assert not found.findings.problems


def test_a_rise_within_the_noise_is_no_barrier() -> None:
    """With errors as large as the rise nothing is said."""
    torch.manual_seed(1)
    found = pel.loss.interpolation(trained(Plain(), 400), trained(Plain(), 400).shuffled(), batch(256))
    noisy = replace(found, wrong_errors=np.full(len(found.places), 0.5))
    (finding,) = noisy.findings.every
    assert finding.level == Level.OK
    assert finding.message.startswith("no clear barrier: ")


def test_without_classes_the_loss_decides() -> None:
    """A loss that rises by less than that of the ends is no clear barrier; one in between without a value is one."""
    found = pel.loss.interpolation(Plain(), Plain(), batch(64))
    losses = np.ones(len(found.places))
    losses[10] = 1.5
    nothing = np.full(len(losses), np.nan)
    plain = replace(found, losses=losses, rise_errors=losses * 1e-3, wrong=nothing, wrong_errors=nothing)
    assert plain.findings.every[0].message.startswith("no clear barrier: the loss rises by 0.5")
    losses = losses.copy()
    losses[10] = np.inf
    assert replace(plain, losses=losses).findings.every[0].message.startswith("a barrier: the loss rises by ∞")
    losses = losses.copy()
    losses[0] = np.nan
    assert replace(plain, losses=losses).findings.every[0].level == Level.NOT_MEASURED


@pytest.mark.parametrize("kind", ["SGD", "Adam"])
def test_a_step_of_a_sound_training_is_never_a_problem(kind: str) -> None:
    """At no time of a training that goes well is there a problem."""
    model, (x, y) = Plain(), batch(256)
    optimizer = {"SGD": lambda p: torch.optim.SGD(p, lr=0.5), "Adam": lambda p: torch.optim.Adam(p, lr=1e-2)}[kind](
        model.parameters()
    )
    for step in range(60):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
        if step % 20 == 0:
            optimizer.zero_grad()
            found = pel.loss.line_search(model, (x, y), optimizer=optimizer)
            assert not found.findings.problems
            assert [(one.code, one.level) for one in found.findings.every] == [("LOS028", Level.OK)]


def test_a_path_of_a_training_lies_in_a_plane_and_a_walk_does_not() -> None:
    """A planted plane is called low-dimensional, a random walk is not, and few snapshots are not judged."""
    model, generator = torch.nn.Linear(60, 60, bias=False), torch.Generator().manual_seed(0)
    start = model.weight.detach().clone()
    axes = torch.randn(2, 60, 60, generator=generator)
    bent = [{"weight": start + t * axes[0] + t * t * axes[1]} for t in torch.linspace(1, 0.05, 20)]
    (finding,) = pel.loss.path(model, bent).findings.every
    assert (finding.code, finding.level) == ("LOS029", Level.OK)
    assert finding.message.startswith("a low-dimensional path: two components hold 100 % of the spread")
    walk, here = list[dict[str, torch.Tensor]](), start
    for _ in range(40):
        walk.append({"weight": here})
        here = here + 0.1 * torch.randn(60, 60, generator=generator)
    found = pel.loss.path(model, walk[::-1])
    assert found.in_plane == pytest.approx(found.of_a_walk, abs=0.02)
    assert found.findings.every[0].message.startswith("not clearly a low-dimensional path: ")
    (few,) = pel.loss.path(model, bent[:5]).findings.every
    assert few.level == Level.NOT_MEASURED
