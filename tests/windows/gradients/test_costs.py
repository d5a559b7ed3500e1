"""What a map costs: the table in the words of `saliency` is what is counted."""

import re
from typing import Any

import pytest
import torch
from torch import nn

import pellucid as pel
from pellucid.methods.attribution import Method


def table() -> dict[str, int]:
    """Passes of each method, as the docstring has them."""
    words = (pel.gradients.saliency.__doc__ or "").partition("Cost:")[2]
    rows = re.findall(r"^ +([a-z, ]+): (\d+)", words, re.MULTILINE)
    return {name: int(count) for names, count in rows for name in names.split(", ")}


def network(method: str) -> nn.Sequential:
    """A small network, smooth or with ReLUs, which some methods need."""
    torch.manual_seed(0)
    active = nn.Tanh() if method == "integratedgradients" else nn.ReLU()
    parts = (nn.Conv2d(3, 4, 3, padding=1), active, nn.MaxPool2d(2), nn.Flatten(), nn.Linear(1024, 10))
    return nn.Sequential(*parts)


def passes_of(x: torch.Tensor, method: Any, norm: bool, **options: Any) -> tuple[int, int]:
    """Passes that a test of faithfulness counts, and those that its docstring's formula gives."""
    torch.manual_seed(0)
    parts = (nn.Conv2d(1, 4, 3, padding=1), *([nn.BatchNorm2d(4)] if norm else []), nn.ReLU())
    model = nn.Sequential(*parts, nn.Flatten(), nn.Linear(256, 10)).eval()
    chosen = pel.gradients.FaithfulnessOptions(**options)
    found = pel.gradients.faithfulness(model, x, 0, method=method, options=chosen, progress=False)
    methods, maps = len(found.methods), 2 * len(found.methods)
    cost = 1 + maps + chosen.perturbations + chosen.samples * maps
    if chosen.steps:
        cost += 2 + 2 * (min(chosen.steps, found.places) - 1) * (methods + chosen.chances)
    if chosen.randomisations:
        models = chosen.randomisations * len(found.stages)
        # The norm lies in front of the dense layer, and is settled with the convolution.
        cost += 1 + models * maps + norm * chosen.randomisations
    return found.provenance.passes, cost


@pytest.mark.parametrize("method", ["gradient", ("gradient", pel.gradients.GradCAM(relu=False))])
@pytest.mark.parametrize("norm", [False, True])
def test_a_test_of_faithfulness_takes_the_passes_that_it_says(method: Any, norm: bool) -> None:
    """Each part alone, and all of them with the defaults."""
    x, none = torch.rand(10, 1, 8, 8), {"steps": 0, "perturbations": 0, "samples": 0, "randomisations": 0}
    for part in ({}, {"perturbations": 50}, {"steps": 6}, {"steps": 90}, {"samples": 3}, {"randomisations": 2}):
        counted, said = passes_of(x, method, norm, **(none | part))
        assert counted == said, part
    counted, said = passes_of(x, method, norm)
    assert counted == said
    if method == "gradient" and not norm:
        words = " ".join((pel.gradients.faithfulness.__doc__ or "").split())
        assert f"the gradient of a network of two layers takes {counted}." in words


def test_the_table_of_passes_is_what_is_counted() -> None:
    """Of every method that pellucid brings, on 32 x 32 pixels; where a network has kinks, a path takes more nodes."""
    x, data = torch.rand(1, 3, 32, 32), torch.rand(20, 3, 32, 32)
    named = {name: one for name, one in Method.known.items() if one.__module__.startswith("pellucid.")}
    methods = {name: one() for name, one in named.items()} | {
        "expectedgradients": pel.gradients.ExpectedGradients(data=data)
    }
    found = {name: pel.gradients.saliency(network(name), x, 3, method=one) for name, one in methods.items()}
    assert len(found) == 14
    assert table() == {name: one.provenance.passes for name, one in found.items()}
