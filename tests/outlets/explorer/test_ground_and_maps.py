"""The pages on the ground around weights and on maps of features."""

import numpy as np
import pytest

from pellucid.core.figure import Cloud, Heat, Surface, Table
from pellucid.core.finding import Level
from pellucid.outlets.explorer.pages.embedding_projection import METHODS, embedding_projection
from pellucid.outlets.explorer.pages.loss_landscape import loss_landscape


def rows(figure: object) -> dict[str, str]:
    """The figures in words, by what they are."""
    (table,) = [mark for panel in figure.panels for mark in panel.marks if isinstance(mark, Table)]  # type: ignore[attr-defined]
    return dict(table.rows)


def test_the_ground_is_a_surface_or_seen_from_above() -> None:
    """The same measurement in both; sharpness does not depend on the seed of the plane, which the picture does."""
    first, above = loss_landscape(resolution=7), loss_landscape(resolution=7, picture="contour")
    assert any(isinstance(mark, Surface) for mark in first.panels[0].marks)
    assert any(isinstance(mark, Heat) for mark in above.panels[0].marks)
    assert first.verdict == above.verdict
    other = loss_landscape(resolution=7, seed=1)
    sharp = "sharpness, over all directions"
    assert rows(first)[sharp] == rows(other)[sharp]
    heights = [mark.z for one in (first, other) for mark in one.panels[0].marks if isinstance(mark, Surface)]
    assert not np.allclose(*heights)


def test_the_path_lies_on_the_ground() -> None:
    """Its snapshots are on the picture, and their own losses in the figures."""
    figure = loss_landscape(resolution=7, path=True)
    (surface,) = [mark for mark in figure.panels[0].marks if isinstance(mark, Surface)]
    assert surface.names == ("the weights", "the path")
    assert any(name.startswith("step 0: loss") for name in rows(figure))


@pytest.mark.slow
def test_depth_without_skips_breaks_the_ground() -> None:
    """Of 32 layers about half of the cells bend down without skips, and few with them."""
    plain, skips = (loss_landscape(network) for network in ("32 layers, no skips", "32 layers, skips"))
    bent = "cells that bend down"
    assert float(rows(plain)[bent].split()[0]) > 2 * float(rows(skips)[bent].split()[0])


def test_a_pretty_map_of_an_untrained_network_is_called_tangled() -> None:
    """And that of a trained one learned, from the space of the features, whatever the map looks like."""
    untrained, trained = embedding_projection("untrained", "t-SNE"), embedding_projection("converged", "t-SNE")
    assert untrained.verdict.startswith("In the space of the features: tangled: ")
    assert (untrained.level, trained.level) == (Level.LOOK, Level.OK)
    assert trained.verdict.startswith("In the space of the features: learned: ")
    assert float(rows(untrained)["trustworthiness of the map"]) > 0.95


def test_labels_drawn_by_lot_are_known_by_heart() -> None:
    """The training digits are read as they were told, new ones by chance."""
    figure = embedding_projection("random labels")
    assert "memorised" in figure.verdict
    assert figure.level == Level.ALARM


def test_points_have_pictures_and_two_kinds_of_colours() -> None:
    """Their class, or what the network says; three axes where they are asked for."""
    by_class, by_said = embedding_projection(), embedding_projection(colour="prediction", dimensions="3-D")
    (flat,), (deep,) = by_class.panels[0].marks, by_said.panels[0].marks
    assert isinstance(flat, Cloud)
    assert isinstance(deep, Cloud)
    assert (flat.points.shape, deep.points.shape) == ((512, 2), (512, 3))
    assert flat.images is not None
    assert flat.images.shape == (512, 8, 8)
    assert 0.9 < np.mean(np.asarray(flat.group) == np.asarray(deep.group)) < 1


def test_only_methods_that_are_installed_are_offered() -> None:
    """PCA always is."""
    assert METHODS[0] == "PCA"
    assert "t-SNE" in METHODS
