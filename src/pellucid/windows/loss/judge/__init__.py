"""Judging losses, labels and outputs (LOS001 to 014, 030, 031), descents (015 to 021) and the ground (022 to 029)."""

from pellucid.windows.loss.judge import (
    comparison,
    curvature,
    descent,
    endings,
    evaluations,
    labels,
    landscape,
    lines,
    outputs,
    path,
    plateau,
    training,
)

__all__ = [
    "comparison",
    "curvature",
    "descent",
    "endings",
    "evaluations",
    "labels",
    "landscape",
    "lines",
    "outputs",
    "path",
    "plateau",
    "training",
]
