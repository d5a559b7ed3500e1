"""From a model to vectors, and from vectors to what they show."""

from pellucid.windows.embeddings.measure.analogy import AnalogyOptions, analogy
from pellucid.windows.embeddings.measure.features import FeaturesOptions, features
from pellucid.windows.embeddings.measure.projection import ProjectionOptions, project
from pellucid.windows.embeddings.measure.separation import SeparationOptions, separation, separation_of
from pellucid.windows.embeddings.measure.tokens import tokens

__all__ = [
    "AnalogyOptions",
    "FeaturesOptions",
    "ProjectionOptions",
    "SeparationOptions",
    "analogy",
    "features",
    "project",
    "separation",
    "separation_of",
    "tokens",
]
