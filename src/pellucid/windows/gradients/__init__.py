"""Does learning reach every layer, and are the steps of a good size?

`flow` looks at one batch; `pel.watch` measures the same, with the updates, while a model trains. And what does a score
depend on? `saliency` makes maps of it, `side_by_side` compares them; `faithfulness` and `shortcuts` put them to
the test.

Example:
    >>> import torch
    >>> from torch import nn
    >>> from pellucid.windows import gradients
    >>> model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3))
    >>> result = gradients.flow(model, (torch.randn(32, 4), torch.randint(3, (32,))))
    >>> result.names
    ('0.weight', '0.bias', '2.weight', '2.bias')
    >>> bool((result.norm > 0).all()), model[0].weight.grad
    (True, None)
"""

from pellucid.methods.attribution import (
    LRP,
    Deconvolution,
    DeepLift,
    ExpectedGradients,
    GradCAM,
    GradCAMPlusPlus,
    Gradient,
    GuidedBackprop,
    GuidedGradCAM,
    InputXGradient,
    IntegratedGradients,
    Occlusion,
    SmoothGrad,
    VarGrad,
)
from pellucid.windows.gradients import draw, judge
from pellucid.windows.gradients.draw import side_by_side
from pellucid.windows.gradients.measure import FaithfulnessOptions, faithfulness, flow, saliency, shortcuts
from pellucid.windows.gradients.result import Faithfulness, GradientFlow, Saliency, Shortcuts, Spot

__all__ = [
    "LRP",
    "Deconvolution",
    "DeepLift",
    "ExpectedGradients",
    "Faithfulness",
    "FaithfulnessOptions",
    "GradCAM",
    "GradCAMPlusPlus",
    "Gradient",
    "GradientFlow",
    "GuidedBackprop",
    "GuidedGradCAM",
    "InputXGradient",
    "IntegratedGradients",
    "Occlusion",
    "Saliency",
    "Shortcuts",
    "SmoothGrad",
    "Spot",
    "VarGrad",
    "draw",
    "faithfulness",
    "flow",
    "judge",
    "saliency",
    "shortcuts",
    "side_by_side",
]
