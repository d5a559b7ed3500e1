"""Tests of t-SNE and UMAP as the libraries have them; what is not installed is skipped, and said."""

import sys
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from pellucid.core.errors import MissingExtraError
from pellucid.maths.neighbours import alignment, neighbours_kept
from pellucid.methods.mapping import Mapper, Maps, tsne_mapper, umap_mapper
from pellucid.methods.mapping.mapper import between_nearest, jittered
from pellucid.methods.mapping.tsne import perplexity_for

MAPS = Maps(dims=2, perplexity=None, neighbours=15, distance=0.1, seed=0)


def islands(rows: int = 150, units: int = 10) -> np.ndarray:
    """Return rows around three places, spread in a plane."""
    generator = np.random.default_rng(0)
    places, plane = generator.normal(size=(3, units)), generator.normal(size=(2, units))
    return (places[np.arange(rows) % 3] + 0.2 * generator.normal(size=(rows, 2)) @ plane).astype(np.float32)


def by_scikit_learn(maps: Maps) -> Mapper:
    """Return t-SNE as it is where there is no openTSNE."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "openTSNE", None)
        return tsne_mapper(maps)


def by_opentsne(maps: Maps) -> Mapper:
    """Return t-SNE as it is where there is openTSNE."""
    pytest.importorskip("openTSNE", reason="openTSNE is not installed: its maps are not tested")
    return tsne_mapper(maps)


def by_umap(maps: Maps) -> Mapper:
    """Return UMAP."""
    pytest.importorskip("umap", reason="umap-learn is not installed: its maps are not tested")
    return umap_mapper(maps)


MAKERS = {"scikit-learn": by_scikit_learn, "openTSNE": by_opentsne, "umap-learn": by_umap}
Maker = Callable[[Maps], Mapper]


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("maker", MAKERS.values(), ids=MAKERS)
def test_a_map_keeps_neighbours_and_is_the_same_each_time(maker: Maker, dims: int) -> None:
    """Bit for bit; it is made by whom it says, and nobody's random state moves."""
    rows, maps = islands(), replace(MAPS, dims=dims)
    threads, before = torch.get_num_threads(), (np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())  # noqa: NPY002
    found = maker(maps).fit(rows, rows[:, :dims])
    assert (np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()) == before  # noqa: NPY002
    assert torch.get_num_threads() == threads
    assert (found.points.shape, found.points.dtype, found.stopped) == ((150, dims), np.float32, "")
    kept = neighbours_kept(torch.from_numpy(rows), torch.from_numpy(found.points), 10)
    assert float(kept.trust.mean()) > 0.97
    np.testing.assert_array_equal(found.points, maker(maps).fit(rows, rows[:, :dims]).points)


@pytest.mark.parametrize(("name", "maker"), MAKERS.items(), ids=MAKERS)
def test_it_is_said_who_made_it(name: str, maker: Maker) -> None:
    """With the version, and how."""
    mapper = maker(replace(MAPS, perplexity=7.0))
    library, _, version = mapper.made_by.rpartition(" ")
    assert library == name
    assert version[0].isdigit()
    assert (
        mapper.words(100)
        == {
            "scikit-learn": "perplexity 7, 1,000 iterations",
            "openTSNE": "perplexity 7, 750 iterations",
            "umap-learn": "15 neighbours, least distance 0.1",
        }[name]
    )


@pytest.mark.parametrize("maker", MAKERS.values(), ids=MAKERS)
def test_few_rows_copies_and_a_line_can_be_mapped(maker: Maker) -> None:
    """Five rows; rows that stand there 30 times; rows of which a second axis is 0: all points are finite."""
    few = islands(5)
    copies = np.repeat(islands(6), 30, axis=0)
    line = np.outer(np.arange(40.0), np.ones(4)).astype(np.float32) / 40
    for rows, start in ((few, few[:, :2]), (copies, copies[:, :2]), (line, line[:, :2] * [1, 0])):
        points = maker(MAPS).fit(rows, start).points
        assert np.isfinite(points).all()
        assert (points.std(axis=0) > 0).all()


@pytest.mark.parametrize("maker", MAKERS.values(), ids=MAKERS)
def test_further_rows_are_placed_in_their_islands(maker: Maker) -> None:
    """Without a change of the map, each beside those that it is like."""
    rows = islands(300)
    known, others = rows[:200], rows[200:]
    mapper = maker(MAPS)
    points = mapper.fit(known, known[:, :2]).points
    before = points.copy()
    placed = mapper.place(known, points, others)
    np.testing.assert_array_equal(points, before)
    middles = np.stack([points[np.arange(200) % 3 == one].mean(axis=0) for one in range(3)])
    nearest = np.linalg.norm(placed[:, None] - middles, axis=2).argmin(axis=1)
    np.testing.assert_array_equal(nearest, np.arange(200, 300) % 3)


@pytest.mark.parametrize(("name", "most"), [("scikit-learn", 0.05), ("openTSNE", 0.05), ("umap-learn", 0.2)])
def test_a_settled_map_hardly_changes_its_shape(name: str, most: float) -> None:
    """Begun from itself; UMAP goes on for as long as ever, and moves islands."""
    rows = islands()
    first = MAKERS[name](MAPS).fit(rows, rows[:, :2]).points
    again = MAKERS[name](MAPS).fit(rows, first, settled=True).points
    assert alignment(torch.from_numpy(again), torch.from_numpy(first)).disparity < most


def test_points_are_kept_after_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    """As openTSNE left them, with how far it came; before the first of them nothing is there to keep."""
    mapper = by_opentsne(MAPS)
    from pellucid.methods.mapping.tsne import _Heard

    heard, rows = _Heard.__call__, islands()

    def stops(self: _Heard, *given: object) -> None:
        heard(self, *given)
        if self.done >= 300:
            raise KeyboardInterrupt

    monkeypatch.setattr(_Heard, "__call__", stops)
    found = mapper.fit(rows, rows[:, :2])
    assert found.stopped == "300 of 750 iterations"
    assert np.isfinite(found.points).all()
    assert found.points.std() > 0.01
    monkeypatch.setattr(_Heard, "points", None)
    with pytest.raises(KeyboardInterrupt):
        mapper.fit(rows, rows[:, :2])


@pytest.mark.parametrize(
    ("rows", "wanted", "expected"),
    [(5, None, 4 / 3), (91, None, 30), (10_000, None, 30), (20_000, None, 200), (20_000, 50.0, 50), (31, 50.0, 10)],
)
def test_the_perplexity_fits_the_rows(rows: int, wanted: float | None, expected: float) -> None:
    """30, a hundredth of many rows, and never more than a third."""
    assert perplexity_for(rows, wanted) == pytest.approx(expected)


def test_a_start_has_its_size_and_no_two_points_in_one_place() -> None:
    """Whatever it was before; of nothing at all it is noise."""
    found = jittered(np.repeat(islands(10)[:, :2], 5, axis=0), 1e-4, 0)
    assert found[:, 0].std() == pytest.approx(1e-4, rel=0.02)
    assert len(np.unique(found, axis=0)) == 50
    assert jittered(np.zeros((9, 2)), 1e-4, 0).std() == pytest.approx(1e-6, rel=0.5)


def test_rows_between_known_ones_lie_between_their_points() -> None:
    """The median of the three nearest; no row gives no point."""
    known = np.array([[0.0], [1.0], [2.0], [10.0]], dtype=np.float32)
    points = np.array([[0.0, 5.0], [1.0, 6.0], [2.0, 1.0], [9.0, 9.0]], dtype=np.float32)
    np.testing.assert_array_equal(between_nearest(known, points, np.array([[0.9]], dtype=np.float32)), [[1.0, 5.0]])
    assert between_nearest(known, points, known[:0]).shape == (0, 2)


def test_without_a_library_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """t-SNE comes with the extra, UMAP does not."""
    for name in ("openTSNE", "sklearn.manifold", "umap"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtraError) as caught:
        tsne_mapper(MAPS)
    assert str(caught.value) == (
        "A t-SNE map needs sklearn, which is not installed. Run: pip install 'pellucid[embeddings]'"
    )
    with pytest.raises(MissingExtraError) as caught:
        umap_mapper(MAPS)
    assert str(caught.value) == (
        'A UMAP map needs umap-learn, which is not installed. Run: pip install umap-learn, or use method="tsne".'
    )
