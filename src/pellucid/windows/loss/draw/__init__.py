"""Drawing: curves and evaluations of a run, and descents over a surface. Importing this registers them."""

from pellucid.windows.loss.draw import comparison, curvature, curves, descents, landscape, lines, path
from pellucid.windows.loss.draw.descents import race

__all__ = ["comparison", "curvature", "curves", "descents", "landscape", "lines", "path", "race"]
