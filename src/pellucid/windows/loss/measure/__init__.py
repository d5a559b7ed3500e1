"""Measuring: curves from what was recorded, evaluations from the model."""

from pellucid.windows.loss.measure.evaluation import evaluate, sanity
from pellucid.windows.loss.measure.scalars import curves

__all__ = ["curves", "evaluate", "sanity"]
