"""Weights without values and weights of complex numbers: every window refuses them by name, or shows them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import pellucid as pel
from pellucid.core.errors import InputError

X, Y = torch.rand(3, 1, 4, 4), torch.tensor([0, 1, 2])
USES: dict[str, Callable[[nn.Module], Any]] = {
    "filters": pel.weights.filters,
    "templates": lambda model: pel.weights.templates(model, "2", (2, 2, 2)),
    "spectra": pel.weights.spectra,
    "weights": pel.weights.histograms,
    "maximize": lambda model: pel.weights.maximize(model, "1", like=(1, 4, 4), steps=1, progress=False),
    "dream": lambda model: pel.weights.dream(model, X[0], "0", octaves=1, steps=1, progress=False),
    "saliency": lambda model: pel.gradients.saliency(model, X, 0, progress=False),
    "flow": lambda model: pel.gradients.flow(model, (X, Y)),
    "shortcuts": lambda model: pel.gradients.shortcuts(model, [(X, Y)], progress=False),
    "activations": lambda model: pel.activations.histograms(model, X),
    "feature_maps": lambda model: pel.activations.feature_maps(model, X, "0"),
    "landscape": lambda model: pel.loss.landscape(model, (X, Y), resolution=3, progress=False),
}


def net(**kind: Any) -> nn.Sequential:
    """A convolution and a dense layer."""
    return nn.Sequential(nn.Conv2d(1, 2, 3, **kind), nn.Flatten(), nn.Linear(8, 3, **kind))


@pytest.mark.parametrize("name", USES)
def test_weights_on_the_meta_device_are_refused(name: str) -> None:
    """The first that is needed is named."""
    with pytest.raises(InputError) as caught:
        USES[name](net(device="meta"))
    weight = "2.weight" if name == "templates" else "0.weight"
    assert str(caught.value) == f"{weight!r} is on the meta device and has no values. Give a model with weights."


COMPLEX = {
    "filters": "'0.weight' holds complex numbers (torch.complex64), of which no filters can be shown. ",
    "templates": "'2.weight' holds complex numbers (torch.complex64), of which no templates can be shown. ",
    "landscape": "'0.weight' holds complex numbers (torch.complex64), of which no ground is measured "
    "(requires_grad_(False) leaves it out). ",
}


@pytest.mark.parametrize("name", COMPLEX)
def test_complex_weights_are_refused_where_there_is_no_picture_of_them(name: str) -> None:
    """With what shows them."""
    with pytest.raises(InputError) as caught:
        USES[name](net(dtype=torch.complex64))
    assert str(caught.value) == (
        f"{COMPLEX[name]}Expected real numbers. pel.weights.histograms(model) shows the magnitudes, "
        "pel.weights.spectra(model) the singular values."
    )


def test_complex_weights_have_singular_values() -> None:
    """Which are real."""
    model = net(dtype=torch.complex64)
    found = pel.weights.spectra(model).values[1]
    expected = np.linalg.svd(model[2].weight.detach().to(torch.complex128).numpy(), compute_uv=False)
    np.testing.assert_allclose(found, expected, rtol=1e-10)


class Half(nn.Module):
    """Complex weights, and real ones behind their magnitudes."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(16, 4, dtype=torch.complex64), nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return three real scores."""
        return self.last(self.first(x.flatten(1).to(torch.complex64)).abs())


def test_a_model_with_complex_weights_inside_is_explained() -> None:
    """Its scores are real; a landscape moves its real weights where the others are frozen."""
    model = Half()
    assert pel.gradients.saliency(model, X, 0, progress=False).map.any()
    model.first.requires_grad_(requires_grad=False)
    assert np.isfinite(pel.loss.landscape(model, (X, Y), resolution=3, progress=False).losses).all()


@pytest.mark.parametrize(
    "ask",
    [
        lambda net: pel.gradients.saliency(net, torch.rand(2, 3), 1),
        lambda net: pel.weights.templates(net, "0", shape=(1, 3)),
    ],
    ids=["saliency", "templates"],
)
def test_weights_that_are_still_to_come_are_refused_by_name(ask: Callable[[nn.Module], Any]) -> None:
    """A lazy layer has none before it has run."""
    message = r"^'0\.weight' has no shape yet: it belongs to a lazy module that has not been run\."
    with pytest.raises(InputError, match=message):
        ask(nn.Sequential(nn.LazyLinear(4)))
