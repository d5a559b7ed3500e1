"""The pointing game: whether a map lights what it should, where a mask says what that is."""

from math import prod
from typing import Any

import numpy as np

from pellucid.core.arguments import refused
from pellucid.core.errors import InputError
from pellucid.maths.ranks import Values, is_constant
from pellucid.methods.faithfulness.places import Places


def masks_of(given: Any, examples: int, places: Places) -> Values:
    """Return masks as truth values.

    Args:
        given: [examples, ...] laid out like the places of the one explained input, with or without an axis of one
            channel; truth values, or numbers that are all 0 or 1.
        examples: How many there are.
        places: Of the values.

    Returns:
        [example, place].

    Raises:
        InputError: They do not fit, or hold other numbers.
    """
    try:
        whole = np.asarray(given.detach().cpu() if hasattr(given, "detach") else given)
    except (TypeError, ValueError, RuntimeError) as error:
        how = "a dense tensor or array of truth values, or of 0 and 1: one value a place"
        raise refused("masks", given, how) from error
    if len(places.shapes) > 1:
        raise InputError(f"masks came, and {len(places.shapes)} inputs are explained. Name the masked one with only=.")
    space = next(iter(places.shapes))
    shape = (examples, *space)
    if whole.shape not in {shape, (examples, 1, *space)}:
        raise InputError(f"Masks of shape {whole.shape} came, expected {shape}: one value a place.")
    if whole.dtype != np.bool_ and not np.isin(whole, (0, 1)).all():
        raise InputError(
            f"Masks of type {whole.dtype} came with values other than 0 and 1. Say where the object is: masks > 0.5."
        )
    return whole.reshape(examples, prod(space)).astype(bool)


def pointed(ranked: Values, masks: Values) -> Values:
    """Return whether the highest value lies in the mask, [example].

    Args:
        ranked: [example, place].
        masks: [example, place].

    Returns:
        1 for a hit, 0 for a miss; among equal highest values the share that hits. A constant map points nowhere and
        misses. NaN for an empty mask, and for a map that is not finite.

    Source:
        Zhang et al. 2018, "Top-down neural attention by excitation backprop".
    """
    top = ranked == ranked.max(axis=1, keepdims=True)
    hits = (top & masks).sum(axis=1) / np.maximum(top.sum(axis=1), 1)
    hits = np.where(is_constant(ranked), 0.0, hits)
    return np.where(_judged(ranked, masks), hits, np.nan)


def mass_in(ranked: Values, masks: Values) -> Values:
    """Return the share of what speaks for the score that lies in the mask, [example].

    Args:
        ranked: [example, place]; values below 0 count as 0.
        masks: [example, place].

    Returns:
        0 to 1; NaN for a map without a value above 0, an empty mask, and a map that is not finite.
    """
    above = np.maximum(ranked, 0)
    whole = above.sum(axis=1)
    share = (above * masks).sum(axis=1) / np.where(whole > 0, whole, 1)
    return np.where(_judged(ranked, masks) & (whole > 0), share, np.nan)


def _judged(ranked: Values, masks: Values) -> Values:
    return np.asarray(masks.any(axis=1) & np.isfinite(ranked).all(axis=1))
