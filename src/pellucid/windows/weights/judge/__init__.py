"""The rules on weights. Importing this registers them."""

from pellucid.windows.weights.judge.dream import nothing_to_dream
from pellucid.windows.weights.judge.filters import dead_filters, duplicate_filters
from pellucid.windows.weights.judge.histograms import not_finite, symmetric_units
from pellucid.windows.weights.judge.maximize import could_not_excite

__all__ = ["could_not_excite", "dead_filters", "duplicate_filters", "not_finite", "nothing_to_dream", "symmetric_units"]
