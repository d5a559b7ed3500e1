"""Measuring and drawing activations."""

import doctest
import re
from collections.abc import Callable
from contextlib import AbstractContextManager

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pellucid.core.drawing import drawings_of
from pellucid.core.errors import InputError
from pellucid.core.figure import Bars, Heat
from pellucid.probe.subject import Subject
from pellucid.windows import activations
from pellucid.windows.activations import ActivationHistograms, histograms
from tests.ward.watching import Watched, blobs, mlp, train


class _Functional(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.dropout, self.second = nn.Linear(12, 16), nn.Dropout(0.5), nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(F.relu(self.dropout(self.first(x))))


@pytest.fixture(scope="module")
def watched() -> Watched:
    """A network that was watched for a few steps."""
    torch.manual_seed(0)
    return train(mlp(24, 24), steps=8)


def test_the_distribution_of_every_layer_is_measured() -> None:
    """Types, activation functions, roles and figures are those of the model."""
    model, x = mlp(24, norm=True), blobs()[0]
    result = histograms(model.eval(), x)
    assert result.types == ("Linear", "BatchNorm1d", "ReLU", "Linear")
    assert result.activations == ("", "", "relu", "")
    assert result.roles == ("output", "pre-activation", "activation", "output")
    hidden = model[:3](x).detach()
    assert result.series.mean[0, 2] == pytest.approx(float(hidden.mean()), rel=1e-5)
    assert result.series.zeros[0, 2] == float((hidden == 0).sum())
    assert result.provenance.samples == 600


def test_the_model_comes_back_as_it_was(
    model_is_untouched: Callable[[nn.Module], AbstractContextManager[None]],
) -> None:
    """Also in training mode, with dropout and batch norm; functional activations are seen."""
    model = nn.Sequential(nn.BatchNorm1d(12), _Functional()).train()
    with model_is_untouched(model):
        result = histograms(model, blobs())
    assert "1.second.input" in result.series.names


def test_batches_of_a_subject_are_used() -> None:
    """Several batches add up, to the number of samples that is asked for."""
    x, y = blobs()
    subject = Subject(mlp(8), batches=[(x[:200], y[:200]), (x[200:], y[200:])])
    assert histograms(subject, samples=300).series.unit_counts("1")[0].tolist() == [300] * 8


def test_without_a_batch_nothing_is_measured() -> None:
    """The error says what to pass."""
    message = "No batch was given to run Linear with. Pass one: pel.activations.histograms(model, batch)."
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        histograms(nn.Linear(2, 2))


def test_the_spike_is_split() -> None:
    """Zeros of units that are always zero are dead, the others sparse; together they are all zeros."""
    x = torch.tensor([[1.0, 0.0, 0.0, -1.0], [0.0, 2.0, 0.0, -1.0]])
    result = histograms(nn.Sequential(nn.ReLU(), nn.Linear(4, 1)), x)
    assert result.spike(0) == (0.5, 0.25)


def test_pieces_join_and_thin(watched: Watched) -> None:
    """Pieces that are joined are the whole, layers that one lacks count as absent, and thinning keeps the ends."""
    result = watched.activations
    assert result.series.steps.tolist() == list(range(8))
    assert result.thin(3).series.steps.tolist() == [0, 4, 7]
    other = histograms(
        nn.Sequential(nn.Linear(12, 24), nn.ReLU(), nn.Tanh(), nn.Flatten(), nn.Linear(24, 4), nn.Tanh()), blobs()[0]
    )
    joined = ActivationHistograms.join([result, other])
    assert joined.series.names == ("0", "1", "2", "3", "4", "5")
    assert joined.activations[5] == "tanh"
    assert np.isnan(joined.series.count[:8, 5]).all()
    assert len(joined.types) == len(joined.roles) == 6


@pytest.mark.parametrize("name", drawings_of(ActivationHistograms))
def test_every_drawing_is_complete(watched: Watched, name: str) -> None:
    """Each has a title, axes with labels, words for those who do not see it, and a caveat; also of one step."""
    for result in (watched.activations, histograms(mlp(8), blobs()[0][:20])):
        figure = result.figure(name)
        assert figure.title
        assert figure.alt
        assert figure.caveat
        assert figure.verdict
        assert figure.panels
        assert all(panel.x.label and panel.y.label for panel in figure.panels)


@pytest.mark.parametrize("name", ["histograms", "histograms_symlog"])
def test_bars_hold_every_value_once(watched: Watched, name: str) -> None:
    """The shares of a panel add up to 1, the zeros apart."""
    for panel in watched.activations.figure(name).panels:
        bars = [mark for mark in panel.marks if isinstance(mark, Bars)]
        assert sum(float(mark.heights.sum()) for mark in bars) == pytest.approx(1.0)
        assert [mark.tone for mark in bars] in (["accent"], ["accent", "dead", "sparse"])


def test_colours_over_time_hold_the_counts(watched: Watched) -> None:
    """A column of colour is log10(1 + count) of that step, and there is one a step."""
    for panel in watched.activations.figure("over_time").panels:
        (heat,) = (mark for mark in panel.marks if isinstance(mark, Heat))
        assert heat.values.shape[1] == 8
        place = watched.activations.series.place(panel.title)
        counted = (10**heat.values - 1).sum(axis=0)
        assert (counted <= watched.activations.series.count[:, place] * (1 + 1e-9)).all()
        assert (counted >= watched.activations.series.count[:, place] * 0.9).all()


def test_many_layers_show_the_faulty_and_say_how_many_are_left_out() -> None:
    """Of forty layers sixteen are drawn, the dead one among them."""
    model = mlp(*[24] * 20)
    with torch.no_grad():
        model[14].bias.fill_(-100.0)
    figure = histograms(model, blobs()[0]).figure()
    assert len(figure.panels) == 16
    assert "15 (relu)" in [panel.title for panel in figure.panels]
    assert figure.caveat.startswith("16 of 41 tensors are shown, those with findings first; 25 are left out.")


def test_the_example_runs() -> None:
    """What the window says of itself is true."""
    assert doctest.testmod(activations).failed == 0


def test_an_error_of_the_model_comes_with_the_batch() -> None:
    """Which of several, and what it held."""
    batches = [(torch.zeros(4, 3), None), (torch.zeros(4, 5), None)]
    with pytest.raises(RuntimeError, match="mat1 and mat2 shapes cannot be multiplied") as caught:
        histograms(Subject(nn.Linear(3, 2), batches=batches))
    assert caught.value.__notes__ == [
        "pellucid called Linear(torch.float32[4, 5]).",
        "That was batch 2 of the data. Give batches that the model takes.",
    ]
