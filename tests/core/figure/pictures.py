"""Figures for tests: every mark once, and everything that may go wrong with it."""

from typing import Any

import numpy as np

from pellucid.core.figure import (
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
)
from pellucid.core.finding import Level

NASTY = '<script>alert(1)</script>\x00\x1b[31m$x_1$ & "\'\n\u202e漢字 #fe0100 id="a" ]]>'


def histogram(place: int = 0) -> Panel:
    """Return the histogram of one layer, with its spike split."""
    edges = np.linspace(0, 6, 31)
    heights = np.exp(-edges[:-1])
    spike = np.zeros(30)
    spike[0] = 0.5 + 0.1 * place
    return Panel(
        title=f"blocks.{place}.mlp",
        note="mean 0.41, std 0.60",
        marks=(
            Bars(edges=edges, heights=heights, label="non-zero"),
            Bars(edges=edges, heights=spike, base=heights, tone="sparse", label="zero"),
        ),
        x=Axis(label="activation"),
        y=Axis(label="density"),
        level=Level.ALARM if place == 1 else Level.OK,
    )


def histograms(count: int = 12) -> Figure:
    """Return histograms of many layers."""
    return Figure(
        title="Activations",
        panels=tuple(histogram(place) for place in range(count)),
        columns=4,
        verdict="alarm: Dying ReLU at blocks.1.mlp",
        level=Level.ALARM,
        caveat="A spike at zero alone is no fault.",
        alt="Histograms of the activations of twelve layers.",
    )


def _curves() -> Panel:
    x = np.arange(60.0)
    y = 2.0 * np.exp(-x / 20) + 0.2
    return Panel(
        title="loss",
        marks=(
            Lines(x=x, y=y, low=y - 0.1, high=y + 0.1, label="training"),
            Lines(x=x[::5], y=y[::5] + 0.2, label="validation", tone="second", style="dashed", dots=True),
            Event(at=20, text="spike", level=Level.WARN),
            Event(at=22, text="second spike", level=Level.ALARM),
            Event(at=1.0, text="guessing", axis="y", level=Level.OK),
        ),
        x=Axis(label="step"),
        y=Axis(label="cross-entropy", unit="nats"),
    )


def _space() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    group = np.arange(60) % 3
    angle = np.arange(60.0)
    points = np.stack([np.cos(angle), np.sin(angle), group], axis=1) * 0.3 + group[:, None]
    return points, group


def _sweep() -> Parallel:
    rows = np.array([[0.001, 2, 0, 0.9], [0.01, 4, 1, 0.5], [0.1, 8, 1, np.nan], [0.03, 8, 0, 0.2]])
    axes = (
        Axis(label="learning rate", scale="log"),
        Axis(label="depth", unit="layers"),
        Axis(label="optimizer", categories=("SGD", "Adam")),
        Axis(label="loss", unit="nats"),
    )
    names = tuple(f"run-{place}" for place in range(4))
    return Parallel(axes=axes, rows=rows, names=names, value=rows[:, 3], label="loss (nats)")


def _overlays(x: Any, y: Any) -> dict[str, Panel]:
    """Maps over pictures, one of them clear."""
    bowl = x**2 + y**2
    return {
        "overlay": Panel(
            marks=(
                Heat(
                    values=np.array([[1.0, -2, 0], [0.5, 4, 3]]),
                    x=np.linspace(0, 12, 4),
                    y=np.linspace(0, 12, 3),
                    signed=True,
                    label="against / for",
                    under=np.stack([x, y, bowl], axis=-1) / 4 + 0.5,
                    opacity=0.6,
                ),
            )
        ),
        "picture alone": Panel(marks=(Heat(values=bowl, under=bowl / 2, opacity=0.0, label="brightness"),)),
    }


def panels() -> dict[str, Panel]:
    """Return one panel for every mark."""
    points, group = _space()
    grid = np.linspace(-1, 1, 12)
    x, y = np.meshgrid(grid, grid)
    bowl = x**2 + y**2
    path = np.stack([grid, grid, 2 * grid**2], axis=1)
    attention = np.tril(np.arange(1.0, 37).reshape(6, 6))
    words = ("the", "cat", "sat", "on", "a", "mat")
    keys = Axis(label="key", categories=words)
    ridge = np.exp(-(grid**2) * 4)
    return {
        "bars": Panel(marks=(Bars(edges=np.arange(9.0), heights=np.arange(8.0)),), x=Axis(label="value", unit="mV")),
        "stacked bars": histogram(),
        "named bars": Panel(
            marks=(Bars(edges=np.arange(4) - 0.5, heights=np.array([1.0, 3.0, 0.5]), label="share"),),
            x=Axis(categories=("attention", "mlp", "norm")),
        ),
        "curves": _curves(),
        "ridges": Panel(
            marks=tuple(Lines(x=grid, y=ridge + one, low=np.full(12, float(one)), fill=True) for one in range(3))
        ),
        "log": Panel(marks=(Lines(x=grid + 2, y=10 ** (3 * grid)),), y=Axis(label="norm", scale="log")),
        "symlog": Panel(
            marks=(Bars(edges=np.array([-1.0, -0.01, 0.0, 0.01, 1.0]), heights=np.array([1.0, 4, 5, 2])),),
            x=Axis(label="gradient", scale="symlog", threshold=0.001),
        ),
        "heat": Panel(marks=(Heat(values=attention, label="weight"),), x=keys, y=Axis(label="query", categories=words)),
        "signed heat": Panel(
            marks=(
                Heat(values=x * y, x=np.linspace(0, 5, 13), signed=True, origin="lower"),
                Lines(x=grid + 1, y=grid + 5),
            )
        ),
        **_overlays(x, y),
        "tiles": Panel(marks=(Tiles(images=np.stack([x, y, x * y]), titles=("a", "b", "c"), signed=True),)),
        "colour tiles": Panel(marks=(Tiles(images=np.stack([np.stack([x, y, bowl], axis=-1) / 4 + 0.5] * 2)),)),
        "cloud": Panel(
            marks=(Cloud(points=points[:, :2], group=group, names=("a", "b", "c")),), x=Axis(label="t-SNE 1")
        ),
        "cloud in space": Panel(
            marks=(Cloud(points=points, group=group, names=("a", "b", "c")),), x=Axis(label="PC 1")
        ),
        "surface": Panel(
            marks=(Surface(x=grid, y=grid, z=bowl, paths=(path,), label="loss (nats)"),), x=Axis(label="u")
        ),
        "race": Panel(marks=(Surface(x=grid, y=grid, z=bowl, paths=(path, path * [-1, 1, 1]), names=("SGD", "Adam")),)),
        "parallel": Panel(marks=(_sweep(),)),
        "tokens": Panel(
            marks=(Tokens(text=words, values=np.array([1.0, -1, 0.5, 0, 2, -2]), signed=True, label="push"),)
        ),
        "table": Panel(marks=(Table(columns=("layer", "dead"), rows=(("fc1", "3 %"), ("fc2", "12 %"))),)),
    }


def figure(panel: Panel, **fields: Any) -> Figure:
    """Return a figure of one panel."""
    return Figure(title="Title", panels=(panel,), **fields)


def hostile_marks() -> dict[str, tuple[Mark, ...]]:
    """Return marks that hold nothing, NaN, infinite, huge or single values."""
    none, one, nan = np.zeros(0), np.ones(1), np.full(3, np.nan)
    large = np.array([-1.7e308, 0, 1.7e308])
    return {
        "nothing": (),
        "only an event": (Event(at=1, text="here"),),
        "empty bars": (Bars(edges=np.zeros(1), heights=none),),
        "flat bars": (Bars(edges=np.arange(3), heights=np.zeros(2)),),
        "bars of NaN": (Bars(edges=np.arange(4), heights=nan),),
        "negative bars": (Bars(edges=np.arange(4), heights=np.array([-1, 2, -3])),),
        "huge bars": (Bars(edges=np.arange(4), heights=np.array([1e308, 1e-320, 1])),),
        "empty line": (Lines(x=none, y=none, low=none, high=none),),
        "one point": (Lines(x=one, y=one),),
        "line of NaN": (Lines(x=nan, y=nan),),
        "line with gaps": (Lines(x=np.arange(5.0), y=np.array([1, np.nan, 2, np.inf, 3])),),
        "huge line": (Lines(x=large, y=large),),
        "constant": (Lines(x=np.arange(3), y=np.full(3, 7)),),
        "long line": (Lines(x=np.arange(20000), y=np.sin(np.arange(20000) / 50)),),
        "back and forth": (Lines(x=np.sin(np.arange(9000.0)), y=np.cos(np.arange(9000.0))),),
        "empty heat": (Heat(values=np.zeros((0, 3))),),
        "one cell": (Heat(values=np.ones((1, 1))),),
        "heat of NaN": (Heat(values=np.full((2, 2), np.nan), signed=True),),
        **_hostile_overlays(),
        "large heat": (Heat(values=np.arange(1e6).reshape(1000, 1000)),),
        "uneven heat": (Heat(values=np.ones((2, 3)), x=np.array([0, 1, 10, 11]), y=np.array([3, 2, 0])),),
        "whole numbers": (Heat(values=np.eye(3, dtype=np.int64)), Heat(values=np.eye(3, dtype=bool))),
        "no tiles": (Tiles(images=np.zeros((0, 3, 3))),),
        "many tiles": (Tiles(images=np.zeros((300, 2, 2)), shared_scale=False),),
        "no points": (Cloud(points=np.zeros((0, 2))),),
        "no points in space": (Cloud(points=np.zeros((0, 3))),),
        "one place": (Cloud(points=np.zeros((5, 3))),),
        "points of NaN": (Cloud(points=np.full((4, 2), np.nan)),),
        "many groups": (Cloud(points=np.arange(80.0).reshape(40, 2), group=np.arange(40), names=("a",)),),
        "flat surface": (Surface(x=np.arange(3), y=np.arange(3), z=np.zeros((3, 3))),),
        "thin surface": (Surface(x=np.arange(1), y=np.arange(3), z=np.zeros((3, 1))),),
        "surface with a hole": (
            Surface(x=np.arange(3), y=np.arange(3), z=np.array([[1, 2, 3], [4, np.nan, 6], [7, 8, np.inf]])),
        ),
        "no path": (Surface(x=np.arange(3), y=np.arange(3), z=np.eye(3), paths=(np.zeros((0, 3)),), names=("a",)),),
        "paths of NaN": (Surface(x=np.arange(3), y=np.arange(3), z=np.eye(3), paths=(np.full((2, 3), np.nan),) * 12),),
        **_hostile_sweeps(none, large),
        "no tokens": (Tokens(text=(), values=none),),
        "odd tokens": (Tokens(text=("\n", "", " ", NASTY, "x" * 200), values=np.array([1, np.nan, np.inf, 0, 2])),),
        "many tokens": (Tokens(text=("word",) * 700, values=np.arange(700.0)),),
        "empty table": (Table(columns=(), rows=()), Table(columns=("a",), rows=())),
        "uneven table": (Table(columns=("a", "b"), rows=(("1",), ("2", "3", "4"), (NASTY, "x" * 300))),),
        "many events": (
            *(Event(at=at, text=f"event {at} {NASTY}", level=Level.ALARM) for at in range(12)),
            Lines(x=np.arange(12), y=np.arange(12)),
            *(Event(at=5, text="limit", axis="y") for _ in range(4)),
        ),
        "everything": (
            Lines(x=one, y=one),
            Heat(values=np.eye(2)),
            Table(columns=("a",), rows=(("1",),)),
            Tokens(text=("a",), values=one),
        ),
    }


def _hostile_overlays() -> dict[str, tuple[Mark, ...]]:
    return {
        "heat of nothing over a picture": (Heat(values=np.zeros((0, 0)), under=np.zeros((2, 2))),),
        "heat over nothing": (Heat(values=np.ones((2, 2)), under=np.zeros((0, 2))),),
        "heat of NaN over a picture": (Heat(values=np.full((2, 2), np.nan), under=np.eye(5)),),
        "fine heat over a coarse picture": (Heat(values=np.arange(36.0).reshape(6, 6), under=np.ones((2, 3, 3))),),
        "endless heat over a picture": (
            Heat(values=np.array([[-np.inf, 1.0], [np.inf, 1.7e308]]), under=np.eye(4), signed=True),
        ),
        "large heat over a picture": (Heat(values=np.eye(700), under=np.ones((900, 1000))),),
    }


def _hostile_sweeps(none: Any, large: Any) -> dict[str, tuple[Mark, ...]]:
    return {
        "no axes": (Parallel(axes=(), rows=np.zeros((0, 0))),),
        "no rows": (Parallel(axes=(Axis(), Axis()), rows=np.zeros((0, 2)), value=none),),
        "one axis": (Parallel(axes=(Axis(label=NASTY, unit=NASTY),), rows=np.ones((3, 1)), names=(NASTY,)),),
        "rows of NaN": (
            Parallel(
                axes=(Axis(scale="log"), Axis(categories=("a",))),
                rows=np.full((2, 2), np.nan),
                value=np.full(2, np.nan),
            ),
        ),
        "many rows": (
            Parallel(
                axes=tuple(Axis(label=f"axis {place}", scale="symlog") for place in range(30)),
                rows=np.arange(90_000.0).reshape(3000, 30) - 40_000,
                value=np.where(np.arange(3000) % 2, np.nan, np.inf),
            ),
        ),
        "huge rows": (Parallel(axes=(Axis(), Axis()), rows=np.stack([large, large], axis=1)),),
    }


def hostile_axes(marks: tuple[Mark, ...]) -> dict[str, Axis]:
    """Return axes that do not fit what is drawn; a plain one for marks that have no axes."""
    if marks and all(isinstance(mark, Tiles | Tokens | Table | Parallel) for mark in marks):
        return {"plain": Axis()}
    return {
        "plain": Axis(),
        "log": Axis(scale="log", label=NASTY, unit=NASTY),
        "symlog": Axis(scale="symlog", threshold=1e-6),
        "limits": Axis(limits=(2.0, 2.0)),
        "log from 0": Axis(scale="log", limits=(0.0, 10.0)),
        "endless": Axis(limits=(float("-inf"), float("nan"))),
        "names": Axis(categories=("only one",)),
    }
