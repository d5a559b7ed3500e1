"""The rules on weights. Importing this registers them."""

from pellucid.windows.weights.judge.histograms import not_finite, symmetric_units

__all__ = ["not_finite", "symmetric_units"]
