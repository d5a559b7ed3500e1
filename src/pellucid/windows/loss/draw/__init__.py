"""Drawing: curves and evaluations of a run, and descents over a surface. Importing this registers them."""

from pellucid.windows.loss.draw import curvature, curves, descents, landscape
from pellucid.windows.loss.draw.descents import race

__all__ = ["curvature", "curves", "descents", "landscape", "race"]
