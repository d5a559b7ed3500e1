"""What pattern is each unit tuned to, and do the units differ?

`histograms` reads a finished model; `pel.watch` measures the same while a model trains.

Example:
    >>> import torch
    >>> from torch import nn
    >>> from pellucid.windows import weights
    >>> layer = nn.Linear(8, 4)
    >>> _ = nn.init.constant_(layer.weight, 0.1)
    >>> print(weights.histograms(layer).findings.problems[0].line)
    alarm: Symmetric units at weight: 100 % of 4 rows point the same way as another row
"""

from pellucid.windows.weights import draw, judge
from pellucid.windows.weights.measure import histograms
from pellucid.windows.weights.result import WeightHistograms

__all__ = ["WeightHistograms", "draw", "histograms", "judge"]
