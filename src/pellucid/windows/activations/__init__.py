"""What has each layer learned to detect, and is it alive?

`histograms` runs a finished model once; `pel.watch` measures the same while a model trains. `feature_maps` shows what
each channel of a layer makes of a picture.

Example:
    >>> import torch
    >>> from torch import nn
    >>> from pellucid.windows import activations
    >>> model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3))
    >>> result = activations.histograms(model, torch.randn(512, 4))
    >>> result.series.names
    ('0', '1', '2')
    >>> result.roles
    ('pre-activation', 'activation', 'output')
    >>> result.findings.level.value in ("ok", "look", "not-measured")
    True
    >>> result.figure("depth_profile").title
    'Activation scale over depth'
"""

from pellucid.windows.activations import draw, judge
from pellucid.windows.activations.measure import feature_maps, histograms
from pellucid.windows.activations.result import ActivationHistograms, FeatureMaps

__all__ = ["ActivationHistograms", "FeatureMaps", "draw", "feature_maps", "histograms", "judge"]
