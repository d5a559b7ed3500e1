"""Figures as plain data, and what turns them into text or a static image."""

from pellucid.core.figure.marks import (
    Array,
    Axis,
    Bars,
    Cloud,
    Event,
    Figure,
    Heat,
    Lines,
    Mark,
    Panel,
    Parallel,
    Surface,
    Table,
    Tiles,
    Tokens,
    Tone,
)

__all__ = [
    "Array",
    "Axis",
    "Bars",
    "Cloud",
    "Event",
    "Figure",
    "Heat",
    "Lines",
    "Mark",
    "Panel",
    "Parallel",
    "Surface",
    "Table",
    "Tiles",
    "Tokens",
    "Tone",
]
