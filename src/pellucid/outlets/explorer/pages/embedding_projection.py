"""The page on maps of features: what a map shows of a network, and what it does not."""

from functools import lru_cache
from importlib.util import find_spec
from typing import Annotated, Literal

import numpy as np
import torch

from pellucid.core.figure import Axis, Bars, Cloud, Figure, Panel, Table
from pellucid.core.figure.words import number, percent
from pellucid.core.finding import Level
from pellucid.core.view import Choice, view
from pellucid.gallery.trained import STATES, state_of_training
from pellucid.windows import embeddings

StateName = Literal["untrained", "1 epoch", "converged", "random labels"]
AxesName = Literal["2-D", "3-D"]
ColourName = Literal["class", "prediction"]

_LIBRARIES = {"PCA": ("",), "t-SNE": ("openTSNE", "sklearn"), "UMAP": ("umap",)}
METHODS = tuple(name for name, any_of in _LIBRARIES.items() if any(not one or find_spec(one) for one in any_of))
"""Those that can be drawn with what is installed."""
_NAMES = {"PCA": "pca", "t-SNE": "tsne", "UMAP": "umap"}
_SPACES = ("features", "raw pixels", "untrained twin")


@view(title="Embedding projection", page=True)
def embedding_projection(
    state: StateName = "converged",
    method: Annotated[str, Choice(METHODS)] = "PCA",
    *,
    dimensions: AxesName = "2-D",
    colour: ColourName = "class",
) -> Figure:
    """What a map of features shows of a network, and why it is never the verdict.

    Before its last layer a network holds a vector of each digit, here 64 numbers, the features. A map draws these as
    points on paper, so that digits with similar features lie beside each other. PCA looks from the side from which they
    are spread out most; t-SNE and UMAP move points until neighbours stay neighbours, and tear the rest apart as they
    please.

    Maps are persuasive. Digits are so different that even the features of a network with random weights fall into
    islands on a t-SNE map, and so do those of one that has learned nothing but its training digits by heart. What says
    whether classes were learned is measured in the space of the features, on digits that the network has not seen: how
    far they scatter within a class beside how far the classes lie apart, as a share of what raw pixels and an untrained
    twin have.

    Try:
        - With t-SNE, go from untrained to converged: both maps have islands. Then read the verdict of each.
        - Compare 1 epoch with converged in the bars: scatter falls long before accuracy stops to rise.
        - Choose random labels: the network knows its training digits by heart, and on new ones its features are worse
          than the pixels that it was given.
        - Colour by prediction with random labels: neighbours on the map are told different classes.
        - Point at a digit that lies among others, and look at it: is the network wrong, or the writer?
        - Draw a lasso around an island: its members are listed. Compare PCA in three dimensions, turned by the mouse.

    Args:
        state: how far a network with hidden layers of 256 and 64 units was trained; random labels are drawn by lot
        method: how the map is made; those whose library is installed
        dimensions: of the map; three can be turned
        colour: the true class of each held-out digit, or what the network says
    """
    shown, judged = _map(state, method, 3 if dimensions == "3-D" else 2), _separation(state)
    features = _features(state)
    verdict = next(one for one in judged.findings.every if one.code == "EMB003")
    groups = features.labels if colour == "class" else features.predicted
    cloud = Cloud(
        points=shown.points, group=groups, names=tuple(map(str, range(10))), images=features.images.astype(np.float32)
    )
    trust = f"The trustworthiness of the map is {number(shown.trustworthiness)}, which says nothing about that."
    words = f"In the space of the features: {verdict.message}. {trust}"
    level = verdict.level if verdict.level in (Level.ALARM, Level.WARN, Level.LOOK) else Level.OK
    return Figure(
        title=f"512 held-out digits, {state}: {method}",
        panels=(
            Panel(title=f"Map by {colour}", marks=(cloud,), wide=True),
            _scatter(judged),
            _table(shown, judged),
        ),
        columns=2,
        verdict=words,
        level=level,
        caveat="Sizes of islands and gaps between them mean nothing. Scatter is that within classes over that between "
        "them; below half of the lower bar beside it classes are learned.",
        alt=f"A map of 512 held-out digits, coloured by {colour}. {words}",
    )


@lru_cache(maxsize=8)
def _features(state: str) -> embeddings.Features:
    trained = state_of_training(state)
    held_out = trained.split.validation_x, trained.split.validation_y
    with torch.device("cpu"):
        return embeddings.features(trained.model, held_out, progress=False)


@lru_cache(maxsize=32)
def _map(state: str, method: str, dims: int) -> embeddings.Projection:
    options = embeddings.ProjectionOptions(stability=False)
    with torch.device("cpu"):
        return embeddings.project(_features(state), method=_NAMES[method], dims=dims, options=options, progress=False)


@lru_cache(maxsize=8)
def _separation(state: str) -> embeddings.Separation:
    trained = state_of_training(state)
    held_out = trained.split.validation_x, trained.split.validation_y
    train = (trained.split.train_x, trained.labels) if STATES[state] else None
    with torch.device("cpu"):
        return embeddings.separation(trained.model, held_out, train=train, progress=False)


def _scatter(judged: embeddings.Separation) -> Panel:
    places = np.arange(len(_SPACES))
    bars = tuple(
        Bars(edges=np.array([place - 0.4, place + 0.4]), heights=judged.ratios[[place]], label=name, tone=tone)
        for place, name, tone in zip(places, _SPACES, ("accent", "faint", "sparse"), strict=True)
        if np.isfinite(judged.ratios[place])
    )
    return Panel(
        title="Scatter within classes over that between them",
        marks=bars,
        x=Axis(label="features, raw pixels, untrained twin", limits=(-0.6, 2.6)),
        y=Axis(label="ratio"),
    )


def _table(shown: embeddings.Projection, judged: embeddings.Separation) -> Panel:
    low, high = (float(one) for one in judged.share_range)
    rows = (
        ("verdict, in the space of the features", judged.verdict),
        ("share of the lower baseline", f"{number(judged.share)} ({number(low)} to {number(high)})"),
        ("held-out digits read rightly", percent(judged.accuracy, 1)),
        (
            "training digits, as it was told",
            percent(judged.train_accuracy, 1) if judged.train_accuracy >= 0 else "none",
        ),
        ("trustworthiness of the map", number(shown.trustworthiness)),
        ("neighbours that it keeps", percent(float(shown.kept.mean()))),
        ("made by", shown.made_by),
    )
    return Panel(title="In figures", marks=(Table(columns=("what", "how much"), rows=rows),))
