"""Whoever is given nothing to look at says so; one example is enough to look, or says what it is too few for."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import pellucid as pel
from pellucid.core.errors import InputError
from tests.sessions import loops

ADVICE = (
    "Expected 1 example or more on the first axis; 512 or more let dead units be judged. Look at what cut the data: a "
    "split, a filter or a sampler."
)
NOTHING = (
    "The batches yield nothing. Expected at least one batch of 1 example or more. Give a list or a DataLoader that has "
    "any; a generator can be gone through only once."
)


def batch(examples: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return inputs and classes."""
    return torch.randn(examples, 6), torch.zeros(examples, dtype=torch.long)


def model() -> nn.Sequential:
    """Return a classifier without batch norm."""
    return nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 3))


def normed() -> nn.Sequential:
    """Return a classifier that cannot be trained on one example."""
    return nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 3))


OF_A_BATCH: dict[str, Callable[[nn.Module, Any], Any]] = {
    "activations": pel.activations.histograms,
    "gradients": pel.gradients.flow,
    "sanity": pel.loss.sanity,
    "checkup": lambda model, given: pel.checkup(model, [given]),
    "watch": lambda model, given: pel.watch(model, None, check=given, options=loops.QUIET),
    "probe": lambda model, given: pel.watch(model, None, options=loops.QUIET).probe(model, given),
}
OF_BATCHES: dict[str, Callable[[nn.Module, Iterable[Any]], Any]] = {
    "activations": lambda model, given: pel.activations.histograms(pel.Subject(model, batches=given)),
    "gradients": lambda model, given: pel.gradients.flow(pel.Subject(model, batches=given)),
    "checkup": pel.checkup,
}


@pytest.mark.parametrize("name", OF_A_BATCH)
def test_a_batch_without_examples_is_refused(name: str) -> None:
    """The error names the shapes that came, what was expected, and where to look."""
    with pytest.raises(InputError) as caught:
        OF_A_BATCH[name](model(), batch(0))
    assert str(caught.value) == f"The batch holds 0 examples: its tensors are of shape (0, 6) and (0,). {ADVICE}"


@pytest.mark.parametrize("name", ["sanity", "checkup", "watch", "probe"])
def test_a_batch_without_targets_is_refused(name: str) -> None:
    """Inputs whose targets were cut away are no task of another kind."""
    with pytest.raises(InputError) as caught:
        OF_A_BATCH[name](model(), (batch(8)[0], batch(0)[1]))
    assert str(caught.value) == f"The batch holds 0 examples: its tensors are of shape (8, 6) and (0,). {ADVICE}"


@pytest.mark.parametrize(
    "given", [[], iter(()), DataLoader(TensorDataset(*batch(0)), batch_size=4)], ids=["list", "iterator", "loader"]
)
@pytest.mark.parametrize("name", OF_BATCHES)
def test_a_loader_that_yields_nothing_is_refused(name: str, given: Iterable[Any]) -> None:
    """No batch at all is told from batches without examples."""
    with pytest.raises(InputError) as caught:
        OF_BATCHES[name](model(), given)
    assert str(caught.value) == NOTHING


@pytest.mark.parametrize("name", OF_BATCHES)
def test_batches_without_examples_are_refused_or_passed_over(name: str) -> None:
    """All of them empty is an error; an empty one among others changes nothing, not even the mean of a loss."""
    with pytest.raises(InputError) as caught:
        OF_BATCHES[name](model(), [batch(0), batch(0)])
    assert str(caught.value) == (
        f"All 2 batches hold 0 examples: the tensors of the first are of shape (0, 6) and (0,). {ADVICE}"
    )
    network, given = model(), batch(64)
    with_empty = OF_BATCHES[name](network, [batch(0), given, batch(0)]).findings
    assert with_empty == OF_BATCHES[name](network, [given]).findings


@pytest.mark.parametrize("name", OF_A_BATCH)
def test_one_example_is_looked_at(name: str) -> None:
    """What needs more examples says so; nothing is accused."""
    found = OF_A_BATCH[name](model(), batch(1))
    assert not found.findings.problems


@pytest.mark.parametrize("look", [pel.activations.histograms, pel.gradients.flow])
def test_one_example_in_train_mode_is_refused_where_the_model_does_not_take_it(look: Callable[..., Any]) -> None:
    """Batch norm needs two; in eval mode one is enough."""
    with pytest.raises(InputError) as caught:
        look(normed(), batch(1))
    assert str(caught.value) == (
        "Sequential does not take a batch of 1 example in train mode: Expected more than 1 value per channel when "
        "training, got input size torch.Size([1, 4]). Give 2 examples or more, or call model.eval() first."
    )
    assert look(normed().eval(), batch(1)).findings


def test_a_checkup_on_one_example_says_which_windows_could_not_look() -> None:
    """The windows that need train mode are named with the reason; the others are there."""
    found = pel.checkup(normed(), [batch(1)], F.cross_entropy)
    assert set(found.skipped) == {"activations", "gradients"}
    assert set(found.results) == {"weights", "sanity"}
    assert not found.findings.problems
