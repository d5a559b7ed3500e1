"""What was measured of vectors that a model makes."""

from pellucid.windows.embeddings.result.analogy import Analogy
from pellucid.windows.embeddings.result.features import Features
from pellucid.windows.embeddings.result.projection import Projection
from pellucid.windows.embeddings.result.separation import Separation

__all__ = ["Analogy", "Features", "Projection", "Separation"]
