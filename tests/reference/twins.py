"""The slow twin of `pellucid.maths.twins`: every row against every other, in float64."""

import numpy as np


def slow_twin_share(weight: np.ndarray) -> float:
    """Return the share of rows with another row at a cosine above 1 - 1e-5; rows of zeros are twins."""
    rows = weight.reshape(len(weight), -1).astype(np.float64)
    found = 0
    for place, row in enumerate(rows):
        others = np.delete(rows, place, axis=0)
        if not row.any():
            found += any(not other.any() for other in others)
            continue
        found += any(
            other.any() and row @ other / np.linalg.norm(row) / np.linalg.norm(other) > 1 - 1e-5 for other in others
        )
    return found / len(rows)
