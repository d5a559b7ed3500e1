"""What pattern is each unit tuned to, and do the units differ?

`histograms` reads a finished model; `pel.watch` measures the same while a model trains. `filters`, `templates` and
`spectra` show weights as they are; `maximize` makes the picture that excites a unit most; `dream` changes a photograph
so that a layer sees more in it.

Example:
    >>> import torch
    >>> from torch import nn
    >>> from pellucid.windows import weights
    >>> layer = nn.Linear(8, 4)
    >>> _ = nn.init.constant_(layer.weight, 0.1)
    >>> print(weights.histograms(layer).findings.problems[0].line)
    alarm: Symmetric units at weight: 100 % of 4 rows point the same way as another row
"""

from pellucid.methods.synthesis import DreamOptions, MaximizeOptions
from pellucid.windows.weights import draw, judge
from pellucid.windows.weights.measure import dream, filters, histograms, maximize, spectra, templates
from pellucid.windows.weights.result import Dreamed, Filters, Maximized, Spectra, Templates, WeightHistograms

__all__ = [
    "DreamOptions",
    "Dreamed",
    "Filters",
    "MaximizeOptions",
    "Maximized",
    "Spectra",
    "Templates",
    "WeightHistograms",
    "draw",
    "dream",
    "filters",
    "histograms",
    "judge",
    "maximize",
    "spectra",
    "templates",
]
