"""Separation of classes as the formulas have it: loops over pairs and dense matrices in float64."""

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[Any]


def scatters(values: Values, groups: Values) -> tuple[Values, Values]:
    """Return the covariance within groups and that between them, by example."""
    units = values.shape[1]
    within, between = np.zeros((units, units)), np.zeros((units, units))
    middle = values.mean(0)
    for row, group in zip(values, groups, strict=True):
        mean = values[groups == group].mean(0)
        within += np.outer(row - mean, row - mean) / len(values)
        between += np.outer(mean - middle, mean - middle) / len(values)
    return within, between


def scatter_ratio(values: Values, groups: Values) -> float:
    """Return tr S_W / tr S_B."""
    within, between = scatters(values, groups)
    return float(np.trace(within) / np.trace(between))


def silhouettes(values: Values, groups: Values) -> Values:
    """Return each silhouette, from the distances to every other example."""
    found: list[float] = []
    for place, row in enumerate(values):
        means: dict[int, float] = {}
        for group in np.unique(groups):
            others = [one for other, one in enumerate(values) if groups[other] == group and other != place]
            means[int(group)] = float(np.mean([np.sqrt(((row - one) ** 2).sum()) for one in others])) if others else 0.0
        alone = (groups == groups[place]).sum() == 1
        inside = means.pop(int(groups[place]))
        outside = min(means.values())
        found.append(0.0 if alone else (outside - inside) / max(inside, outside))
    return np.array(found)


def collapse(values: Values, groups: Values, head: Values, said: Values) -> tuple[float, ...]:
    """Return NC1, the two of NC2, NC3 and NC4."""
    within, between = scatters(values, groups)
    classes = np.unique(groups)
    means = np.stack([values[groups == one].mean(0) for one in classes])
    apart = means - means.mean(0)
    lengths = [float(np.sqrt((one**2).sum())) for one in apart]
    off = [
        abs(apart[a] @ apart[b] / lengths[a] / lengths[b] + 1 / (len(classes) - 1))
        for a, b in itertools.permutations(range(len(classes)), 2)
    ]
    nearest = [int(np.argmin([((row - mean) ** 2).sum() for mean in means])) for row in values]
    return (
        float(np.trace(within @ np.linalg.pinv(between, rcond=1e-10))) / len(classes),
        float(np.std(lengths) / np.mean(lengths)),
        float(np.mean(off)),
        float(np.sqrt(((apart / np.sqrt((apart**2).sum()) - head / np.sqrt((head**2).sum())) ** 2).sum())),
        float(np.mean([one != other for one, other in zip(nearest, said, strict=True)])),
    )
