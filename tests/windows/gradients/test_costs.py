"""What a map costs: the table in the words of `saliency` is what is counted."""

import re

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
