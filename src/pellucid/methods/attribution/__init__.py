"""Attribution: how much each part of an input, or of a layer, has to do with one number of the output.

A `Question` is a model, what it is given and the number that is explained; a `Method` answers it with an `Attribution`.
Adding a method is one file here, and one slow twin in `tests/reference/attribution.py`.
"""

from pellucid.methods.attribution.cam import GradCAM, GradCAMPlusPlus, GuidedGradCAM
from pellucid.methods.attribution.deeplift import DeepLift
from pellucid.methods.attribution.expected import ExpectedGradients
from pellucid.methods.attribution.gradient import Gradient, InputXGradient
from pellucid.methods.attribution.grid import enlarged, spatial_layer
from pellucid.methods.attribution.integrated import IntegratedGradients
from pellucid.methods.attribution.lrp import LRP
from pellucid.methods.attribution.method import Attribution, Method, method_of
from pellucid.methods.attribution.occlusion import Occlusion
from pellucid.methods.attribution.question import Question
from pellucid.methods.attribution.rectified import Deconvolution, GuidedBackprop
from pellucid.methods.attribution.relevance import AlphaBeta, Box, Epsilon, Flat, Gamma, WSquare
from pellucid.methods.attribution.smooth import SmoothGrad, VarGrad
from pellucid.methods.attribution.target import Target

__all__ = [
    "LRP",
    "AlphaBeta",
    "Attribution",
    "Box",
    "Deconvolution",
    "DeepLift",
    "Epsilon",
    "ExpectedGradients",
    "Flat",
    "Gamma",
    "GradCAM",
    "GradCAMPlusPlus",
    "Gradient",
    "GuidedBackprop",
    "GuidedGradCAM",
    "InputXGradient",
    "IntegratedGradients",
    "Method",
    "Occlusion",
    "Question",
    "SmoothGrad",
    "Target",
    "VarGrad",
    "WSquare",
    "enlarged",
    "method_of",
    "spatial_layer",
]
