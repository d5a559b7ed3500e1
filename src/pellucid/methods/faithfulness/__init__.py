"""Faithfulness: whether a map says what the model does. Each test is one file; all of them ask a `Question`."""

from pellucid.methods.faithfulness.curves import chance_orders, order_of, removal_curves
from pellucid.methods.faithfulness.explainers import Explainers
from pellucid.methods.faithfulness.perturbed import boxes, foretold, infidelity, losses, max_sensitivity
from pellucid.methods.faithfulness.places import Places
from pellucid.methods.faithfulness.pointing import masks_of, mass_in, pointed
from pellucid.methods.faithfulness.randomised import likeness, size_of
from pellucid.methods.faithfulness.weights import copy_of

__all__ = [
    "Explainers",
    "Places",
    "boxes",
    "chance_orders",
    "copy_of",
    "foretold",
    "infidelity",
    "likeness",
    "losses",
    "masks_of",
    "mass_in",
    "max_sensitivity",
    "order_of",
    "pointed",
    "removal_curves",
    "size_of",
]
