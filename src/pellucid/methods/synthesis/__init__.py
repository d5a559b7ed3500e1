"""Pictures that a model is made to like: those that excite single units, and photographs that a layer dreams of."""

from pellucid.methods.synthesis.ascent import Climbed, MaximizeOptions, climb
from pellucid.methods.synthesis.best import Best, best_of
from pellucid.methods.synthesis.dreaming import DreamOptions, Dreamt, dream_of, octaves_of
from pellucid.methods.synthesis.readout import Readout, units_of
from pellucid.methods.synthesis.sight import Sight, sight_of

__all__ = [
    "Best",
    "Climbed",
    "DreamOptions",
    "Dreamt",
    "MaximizeOptions",
    "Readout",
    "Sight",
    "best_of",
    "climb",
    "dream_of",
    "octaves_of",
    "sight_of",
    "units_of",
]
