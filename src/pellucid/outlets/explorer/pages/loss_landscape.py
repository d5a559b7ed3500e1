"""The page on the ground around real weights: networks with skip connections and without."""

from functools import lru_cache
from typing import Annotated, Literal

import torch

from pellucid.core.figure import Figure, Panel, Table
from pellucid.core.figure.words import number, percent
from pellucid.core.view import Range, view
from pellucid.gallery.trained import DeepReader, deep_reader
from pellucid.windows import loss

NetworkName = Literal["8 layers, skips", "8 layers, no skips", "32 layers, skips", "32 layers, no skips"]
PictureName = Literal["surface", "contour"]

_SAMPLES = 64
_DIRECTIONS = 16
_PANELS = {"surface": "Surface", "contour": "From above"}


@view(title="Loss landscape of a real network", page=True)
def loss_landscape(
    network: NetworkName = "8 layers, skips",
    picture: PictureName = "surface",
    *,
    radius: Annotated[float, Range(0.05, 2.0, log=True)] = 1.0,
    resolution: Annotated[int, Range(7, 21, step=2)] = 11,
    seed: Annotated[int, Range(0, 9)] = 0,
    path: bool = False,
) -> Figure:
    """What the ground around trained weights looks like, how much of that is the drawing, and what depth does to it.

    A network is a point in a space with an axis for each weight, and the loss is a height over it. A picture can show
    two directions of thousands. Drawn at random they would show little but how large the weights are: the same function
    with one layer ten times as large and the next ten times as small would look ten times as flat. So each direction is
    as long as the weights, filter by filter (everything that feeds one unit), and 1 means that every filter has moved
    by its own length.

    Very deep networks without skip connections stand on broken ground: the surface bends down at about half of all
    places, a gradient says little about what lies a step further, and they train badly: this one reads half of the
    digits. With skip connections the ground is a bowl, though the network is as deep.

    Another seed draws other directions, and another picture: one plane is a sample of one. The sharpness beside it is
    the mean over many directions, with its interval, and is the number to compare.

    Try:
        - Compare 32 layers with and without skips at radius 1, then the share of cells that bend down in the table.
        - Go through the seeds: how much of what you saw was the direction?
        - Set the radius to 0.1: what is rough from afar may be a bowl when you stand close enough.
        - Switch path on: the plane now shows most of the way that the weights took, and the snapshots lie on it.
          Beside the loss on the surface stands their own: they lie off the plane.
        - As contour, look where the lowest place is. It is seldom where the weights are: the 64 digits that the loss is
          measured on are not all that it was trained on.

    Args:
        network: four convolutional networks of 8 channels, trained on 1,200 digits when they are first looked at
        picture: the plane as a surface to turn, or from above with lines of equal loss
        radius: how far the plane reaches, in lengths of each filter; along the path how far beyond it, in fifths of it
        resolution: nodes a side, each of which is measured: 21 take four times as long as 11
        seed: decides the directions
        path: show the plane of the path that the weights took, and not random directions
    """
    result = _measured(network, radius, resolution, seed, path)
    sharp, reader = _sharpness(network), _reader(network)
    drawn = result.figure()
    chosen = [one for one in drawn.panels if one.title == _PANELS[picture]]
    (figures,) = (one for one in drawn.panels if one.title == "In figures")
    words = (
        f"{percent(result.bent_down)} of the inner cells bend down. Sharpness {number(sharp.sharpness)} ± "
        f"{number(sharp.interval)}; it reads {percent(reader.accuracy)} of the held-out digits."
    )
    findings = result.findings
    problem = findings.problems[0].line + ". " if findings.problems else ""
    return Figure(
        title=f"{drawn.title}: {network}",
        panels=(*chosen, _beside(figures, sharp, reader)),
        columns=2,
        verdict=f"{problem}{words}",
        level=findings.level,
        caveat=drawn.caveat,
        alt=f"{drawn.alt} {words}",
    )


def _reader(network: str) -> DeepReader:
    depth, _, skips = network.partition(" layers, ")
    return deep_reader(int(depth), skips=skips == "skips")


@lru_cache(maxsize=32)
def _measured(network: str, radius: float, resolution: int, seed: int, path: bool) -> loss.Landscape:
    reader = _reader(network)
    data = reader.split.train_x[:_SAMPLES], reader.split.train_y[:_SAMPLES]
    options = loss.LandscapeOptions(tolerance=0.0, lines=0, seed=seed)
    with torch.device("cpu"):
        return loss.landscape(
            reader.model,
            data,
            radius=radius,
            resolution=resolution,
            directions=reader.path if path else "random",
            options=options,
            progress=False,
        )


@lru_cache(maxsize=8)
def _sharpness(network: str) -> loss.Curvature:
    reader = _reader(network)
    data = reader.split.train_x[:_SAMPLES], reader.split.train_y[:_SAMPLES]
    options = loss.CurvatureOptions(products=2, starts=0, directions=_DIRECTIONS)
    with torch.device("cpu"):
        return loss.curvature(reader.model, data, options=options, progress=False)


def _beside(figures: Panel, sharp: loss.Curvature, reader: DeepReader) -> Panel:
    """Return the figures of the plane below those of the network, which no direction changes."""
    weights = sum(one.numel() for one in reader.model.parameters())
    own = (
        ("sharpness, over all directions", f"{number(sharp.sharpness)} ± {number(sharp.interval)}"),
        ("held-out digits read rightly", percent(reader.accuracy, 1)),
        ("weights", f"{weights:,}"),
    )
    (table,) = (one for one in figures.marks if isinstance(one, Table))
    return Panel(title=figures.title, marks=(Table(columns=table.columns, rows=(*own, *table.rows)),))
