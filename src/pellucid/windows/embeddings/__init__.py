"""Has the network learned the classes, or is it a tangle?"""

from pellucid.windows.embeddings import draw, judge
from pellucid.windows.embeddings.measure import (
    AnalogyOptions,
    FeaturesOptions,
    ProjectionOptions,
    SeparationOptions,
    analogy,
    features,
    project,
    separation,
    separation_of,
    tokens,
)
from pellucid.windows.embeddings.result import Analogy, Features, Projection, Separation

__all__ = [
    "Analogy",
    "AnalogyOptions",
    "Features",
    "FeaturesOptions",
    "Projection",
    "ProjectionOptions",
    "Separation",
    "SeparationOptions",
    "analogy",
    "draw",
    "features",
    "judge",
    "project",
    "separation",
    "separation_of",
    "tokens",
]
