"""Judging losses, labels and outputs (LOS001 to 014), descents (LOS015 to 021) and the ground (LOS022 to 026)."""

from pellucid.windows.loss.judge import curvature, descent, endings, evaluations, labels, landscape, outputs, training

__all__ = ["curvature", "descent", "endings", "evaluations", "labels", "landscape", "outputs", "training"]
