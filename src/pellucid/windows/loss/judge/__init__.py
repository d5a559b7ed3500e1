"""Judging losses, labels and outputs: LOS001 to LOS013."""

from pellucid.windows.loss.judge import evaluations, labels, outputs, training

__all__ = ["evaluations", "labels", "outputs", "training"]
