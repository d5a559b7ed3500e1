"""The names for people who add a window, a rule, a drawing, a page or a store."""

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
    Parallel,
    Surface,
    Table,
    Tiles,
    Tokens,
)
from pellucid.core.learning import Learning
from pellucid.core.recorder import Recorder, register_store
from pellucid.core.result import Provenance, Result
from pellucid.core.rule import SECTIONS, Case, rule
from pellucid.core.view import Choice, Range, Sketch, View, view

__all__ = [
    "SECTIONS",
    "Axis",
    "Bars",
    "Case",
    "Choice",
    "Cloud",
    "Event",
    "Figure",
    "Heat",
    "Learning",
    "Lines",
    "Panel",
    "Parallel",
    "Provenance",
    "Range",
    "Recorder",
    "Result",
    "Sketch",
    "Surface",
    "Table",
    "Tiles",
    "Tokens",
    "View",
    "drawing",
    "register_store",
    "rule",
    "view",
]
