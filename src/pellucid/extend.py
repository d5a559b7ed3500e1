"""The names for people who add a window, a rule, a drawing or a store."""

from pellucid.core.drawing import drawing
from pellucid.core.figure import (
    Axis,
    Bars,
    Cloud,
    Event,
    Figure,
    Heat,
    Lines,
    Panel,
    Surface,
    Table,
    Tiles,
    Tokens,
)
from pellucid.core.learning import Learning
from pellucid.core.recorder import Recorder, register_store
from pellucid.core.result import Provenance, Result
from pellucid.core.rule import SECTIONS, Case, rule

__all__ = [
    "SECTIONS",
    "Axis",
    "Bars",
    "Case",
    "Cloud",
    "Event",
    "Figure",
    "Heat",
    "Learning",
    "Lines",
    "Panel",
    "Provenance",
    "Recorder",
    "Result",
    "Surface",
    "Table",
    "Tiles",
    "Tokens",
    "drawing",
    "register_store",
    "rule",
]
