"""Judging losses, labels and outputs: LOS001 to LOS014; and descents over a surface: LOS015 to LOS021."""

from pellucid.windows.loss.judge import descent, endings, evaluations, labels, outputs, training

__all__ = ["descent", "endings", "evaluations", "labels", "outputs", "training"]
