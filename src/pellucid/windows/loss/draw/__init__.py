"""Drawing: curves and evaluations of a run, and descents over a surface. Importing this registers them."""

from pellucid.windows.loss.draw import curves, descents
from pellucid.windows.loss.draw.descents import race

__all__ = ["curves", "descents", "race"]
