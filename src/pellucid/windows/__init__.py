"""Questions to a network, one folder each: what is measured, how it is judged, how it is drawn.

Importing any window imports all of them, in this order: each registers its kinds of results, its rules and drawings.
"""

from pellucid.windows import activations, gradients, loss, weights

__all__ = ["activations", "gradients", "loss", "weights"]
