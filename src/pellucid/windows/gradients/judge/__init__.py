"""The rules on gradients and updates. Importing this registers them."""

from pellucid.windows.gradients.judge.clearing import not_cleared
from pellucid.windows.gradients.judge.depth import exploding_gradient, vanishing_gradient
from pellucid.windows.gradients.judge.reach import frozen, not_finite
from pellucid.windows.gradients.judge.size import update_too_large, update_too_small

__all__ = [
    "exploding_gradient",
    "frozen",
    "not_cleared",
    "not_finite",
    "update_too_large",
    "update_too_small",
    "vanishing_gradient",
]
