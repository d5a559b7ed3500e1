"""The rules on gradients and updates, and on maps. Importing this registers them."""

from pellucid.windows.gradients.judge.clearing import not_cleared
from pellucid.windows.gradients.judge.depth import exploding_gradient, vanishing_gradient
from pellucid.windows.gradients.judge.faithfulness import does_not_depend, no_better_than_chance, very_sensitive
from pellucid.windows.gradients.judge.reach import frozen, not_finite
from pellucid.windows.gradients.judge.saliency import incomplete, map_is_zero, noisy, not_finite_map
from pellucid.windows.gradients.judge.shortcuts import shortcut
from pellucid.windows.gradients.judge.size import update_too_large, update_too_small

__all__ = [
    "does_not_depend",
    "exploding_gradient",
    "frozen",
    "incomplete",
    "map_is_zero",
    "no_better_than_chance",
    "noisy",
    "not_cleared",
    "not_finite",
    "not_finite_map",
    "shortcut",
    "update_too_large",
    "update_too_small",
    "vanishing_gradient",
    "very_sensitive",
]
