"""What stands in and below the pictures: words that a reader understands without a textbook."""

import re

import numpy as np
import pytest
import torch

from pellucid.core.figure import Axis, Figure, Heat, Panel
from pellucid.windows.loss import curves
from tests.ward.watching import mlp, train
from tests.windows.loss.test_result import check

JARGON = re.compile(
    r"m_t|b\^t|sqrt|log ?\(|log10|log1p|Euclidean|\bRMS\b|symmetric-logarithmic|registration order", re.IGNORECASE
)


@pytest.fixture(scope="module")
def figures() -> dict[str, Figure]:
    """Every drawing of a watched network of which the first layer is frozen."""
    torch.manual_seed(0)
    model = mlp(24, 24)
    model[0].requires_grad_(requires_grad=False)
    watched = train(model, steps=4)
    losses = curves({"loss": np.linspace(2, 1, 200), "fid": [3.0, 2.0]}, label_counts=[10, 10])
    results = (watched.activations, watched.weights, watched.gradients, losses, check(), check(1))
    return {f"{place}.{name}": figure for place, one in enumerate(results) for name, figure in one.figures().items()}


def words_of(figure: Figure) -> list[str]:
    """Return every text of a figure."""

    def axis(one: Axis) -> list[str]:
        return [one.label, one.unit]

    def panel(one: Panel) -> list[str]:
        marks = [mark.label for mark in one.marks if isinstance(mark, Heat)]
        return [one.title, one.note, *axis(one.x), *axis(one.y), *marks]

    return [figure.title, figure.caveat, figure.alt, *(word for one in figure.panels for word in panel(one))]


def test_no_formula_and_no_unexplained_term(figures: dict[str, Figure]) -> None:
    """Formulas stay in the documentation."""
    found = {name: hit[0] for name, one in figures.items() for word in words_of(one) if (hit := JARGON.search(word))}
    assert found == {}


def test_units_and_statistics_are_explained(figures: dict[str, Figure]) -> None:
    """A picture in nats says what they are, and one of typical sizes what is typical."""
    for name, figure in figures.items():
        labels = [panel.y.label for panel in figure.panels]
        if any(panel.y.unit == "nats" for panel in figure.panels):
            assert "in nats: 0 is" in figure.caveat, name
        if any("typical" in label for label in labels):
            assert "Typical: the root mean square" in figure.caveat, name
