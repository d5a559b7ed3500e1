"""Pictures of vectors that a model makes. Importing this registers them."""

from pellucid.windows.embeddings.draw import analogy, features, projection, separation

__all__ = ["analogy", "features", "projection", "separation"]
