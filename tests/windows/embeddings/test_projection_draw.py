"""Tests of what the pictures of maps show and say."""

from dataclasses import replace

import numpy as np
import pytest

from pellucid.core.figure import Cloud, Figure, Panel, Table
from pellucid.windows.embeddings import Projection, ProjectionOptions, project
from pellucid.windows.embeddings.draw import projection as draw
from tests.windows.embeddings.test_projection import digits, made

QUICK = ProjectionOptions(stability=False)


def pca(rows: int = 80, **fields: object) -> Projection:
    """Return a map of digits with all that a model says of them."""
    return project(made(rows, **fields), options=QUICK, progress=False)


def clouds(figure: Figure) -> dict[str, Cloud]:
    """Return the points of each panel, by title."""
    return {panel.title: mark for panel in figure.panels for mark in panel.marks if isinstance(mark, Cloud)}


def rows_of(figure: Figure) -> dict[str, str]:
    """Return the table."""
    (table,) = [mark for panel in figure.panels for mark in panel.marks if isinstance(mark, Table)]
    return {row[0]: row[1] for row in table.rows}


def test_points_are_coloured_by_class_prediction_and_trust() -> None:
    """The same colours for the same classes; those that are badly placed have one of their own, and are counted."""
    result = pca()
    found = clouds(result.figure())
    assert list(found) == ["By class", "By prediction", "How well points are placed"]
    names = tuple("0123456789")
    assert found["By class"].names == found["By prediction"].names == names
    np.testing.assert_array_equal(found["By class"].group, result.labels)
    np.testing.assert_array_equal(found["By prediction"].group, result.predicted)
    bad = found["How well points are placed"]
    assert bad.names == ("in their place", "own trust below 0.85")
    np.testing.assert_array_equal(bad.points, result.points)
    np.testing.assert_array_equal(np.flatnonzero(bad.group), np.sort(result.misplaced))
    assert rows_of(result.figure())["own trust below 0.85"] == f"{len(result.misplaced)} of 80"
    np.testing.assert_array_equal(found["By class"].images, result.images)


def test_a_true_map_has_no_panel_of_bad_places() -> None:
    """Rows of two units are where they belong."""
    found = project(np.random.default_rng(0).normal(size=(60, 2)), progress=False).figure()
    assert list(clouds(found)) == ["All rows"]
    assert rows_of(found)["trustworthiness@10"] == "1"


def test_axes_of_pca_say_their_share_and_the_third_stands_in_the_note() -> None:
    """A map in three dimensions has two named axes and a note."""
    result = project(digits(80)[0], dims=3, options=QUICK, progress=False)
    panel = result.figure().panels[0]
    shares = [f"PC {axis + 1}, {100 * share:.0f} %" for axis, share in enumerate(result.explained)]
    assert [panel.x.label, panel.y.label, panel.note] == [*shares[:2], f"upright: {shares[2]}"]


def test_the_caption_says_what_cannot_be_read() -> None:
    """Islands of t-SNE and UMAP mean nothing, PCA hides what lies outside, and no map is a verdict."""
    result = pca()
    assert result.figure().caveat == f"{draw._AXES} {draw._NO_VERDICT} {draw._MEASURES}"
    for method, words in (("tsne", "t-SNE map of input of fc"), ("umap", "UMAP map of input of fc")):
        figure = replace(result, method=method, follows="started").figure()
        assert figure.title == words
        assert figure.caveat == " ".join((draw._ISLANDS, draw._NO_VERDICT, draw._MEASURES, draw._FOLLOWS["started"]))
        assert figure.panels[0].x.label == f"{words.split()[0]} 1"


def test_rows_without_a_place_are_not_drawn_but_counted() -> None:
    """Nor are they in the pictures that are pointed at."""
    values = made(60).values.copy()
    values[[4, 9]] = np.nan
    result = pca(60, values=values)
    cloud, figure = clouds(result.figure())["By class"], result.figure()
    assert cloud.points.shape == (58, 2)
    assert np.isfinite(cloud.points).all()
    assert cloud.images is not None
    np.testing.assert_array_equal(cloud.images, np.delete(result.images, [4, 9], axis=0))
    assert rows_of(figure)["left out, not finite"] == "2"


def test_rows_without_a_class_have_a_name_and_many_classes_a_note() -> None:
    """Numbers below 0 are no class; colours of more than ten begin anew."""
    labels = np.where(np.arange(80) < 5, -100, np.arange(80) % 12 + 3)
    cloud = clouds(pca(labels=labels, predicted=np.zeros(0, dtype=np.int64)).figure())["By class"]
    assert cloud.names == (*(str(one) for one in range(3, 15)), "no class")
    assert cloud.group is not None
    assert set(cloud.group[:5].tolist()) == {12}
    panel: Panel = pca(labels=labels).figure().panels[0]
    assert panel.note.endswith("classes; colours begin anew after 10")
    named = clouds(pca(names=("nought", "one")).figure())["By class"]
    assert named.names[:3] == ("nought", "one", "2")


def test_of_very_many_points_a_part_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """With those that were judged, and it is said."""
    monkeypatch.setattr(draw, "_MOST", 60)
    result = project(made(150), options=ProjectionOptions(stability=False, judged=50), progress=False)
    figure = result.figure()
    drawn = len(clouds(figure)["By class"].points)
    assert 45 <= drawn <= 60
    assert f"{drawn} of 150 points are drawn." in figure.caveat
    assert len(clouds(figure)["How well points are placed"].points) >= 30


def test_thumbnails_are_made_coarser_where_they_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """By means of four pixels; rows without a picture have none at all."""
    images = np.random.default_rng(0).random((80, 9, 16, 3), dtype=np.float32)
    assert clouds(pca(images=images).figure())["By class"].images is not None
    monkeypatch.setattr(draw, "_PIXELS", 80 * 4 * 8 * 3)
    coarse = clouds(pca(images=images).figure())["By class"].images
    assert coarse is not None
    assert coarse.shape == (80, 4, 8, 3)
    np.testing.assert_allclose(coarse[3, 1, 2], images[3, 2:4, 4:6].mean(axis=(0, 1)), rtol=1e-6)
    assert clouds(pca(images=images[:79]).figure())["By class"].images is None


def test_how_far_rows_moved_stands_in_the_table() -> None:
    """Median and most, in shares of the size of the earlier map."""
    first = pca()
    later = project(made(80), like=first, progress=False)
    assert rows_of(later.figure())["moved (median)"] == "0 % of its size, 0 % at the most"
    assert "The axes are those of an earlier map." in later.figure().caveat
    assert set(rows_of(later.figure())) >= {
        "10 nearest kept",
        "10 nearest kept when shaken",
        "shape lost when shaken",
    }
