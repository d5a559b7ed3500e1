"""The ground around the weights: directions to go in, and the loss at any point of it."""

from pellucid.methods.ground.directions import Direction, filter_normalized, random_direction
from pellucid.methods.ground.ground import Ground

__all__ = ["Direction", "Ground", "filter_normalized", "random_direction"]
