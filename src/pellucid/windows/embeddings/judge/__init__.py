"""Rules on vectors that a model makes: separation (EMB001 to 003), maps (EMB004 to 006), analogies (EMB007)."""

from pellucid.windows.embeddings.judge import analogy, features, projection, separation

__all__ = ["analogy", "features", "projection", "separation"]
