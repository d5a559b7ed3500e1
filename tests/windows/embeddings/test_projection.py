"""Tests of maps: points, how far they are believed, what they keep to, and what is refused."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness

import pellucid as pel
from pellucid.core.errors import InputError, MissingExtraError, PellucidError
from pellucid.methods.mapping import Mapped
from pellucid.windows.embeddings import Features, Projection, ProjectionOptions, project
from pellucid.windows.embeddings.measure import projection as measure

QUICK = ProjectionOptions(stability=False)


@pytest.fixture(autouse=True)
def scikit_learn_makes_the_maps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same everywhere; what openTSNE makes is tested where it is wrapped."""
    monkeypatch.setitem(sys.modules, "openTSNE", None)


def digits(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return digits, a little noise so that no two distances are the same, and their classes."""
    found = load_digits()
    noise = np.random.default_rng(0).normal(scale=1e-3, size=(rows, 64))
    return found.data[:rows] / 16 + noise, found.target[:rows]


def made(rows: int, **fields: Any) -> Features:
    """Return features as a model would give them."""
    x, y = digits(rows)
    usual = {"layer": "input of fc", "values": x.astype(np.float32), "labels": y, "predicted": (y + 1) % 10}
    images = load_digits().images[:rows].astype(np.float32) / 16
    return Features(**{**usual, "head": np.zeros((0, 0)), "images": images, **fields})


# ------------------------------------------------------------------------------------------------ points and figures


@pytest.mark.parametrize("dims", [2, 3])
def test_a_pca_map_is_that_of_scikit_learn(dims: int) -> None:
    """With its share of the variance, and a trustworthiness that is scikit-learn's to the last digits."""
    x, y = digits(300)
    found, theirs = project(x, dims=dims, labels=y, progress=False), PCA(dims, svd_solver="full").fit(x)
    scores = theirs.transform(x)
    np.testing.assert_allclose(np.abs(found.points), np.abs(scores), atol=1e-6)
    np.testing.assert_allclose(found.explained, theirs.explained_variance_ratio_)
    assert found.trustworthiness == pytest.approx(
        trustworthiness(x, found.points.astype(np.float64), n_neighbors=10), abs=1e-12
    )
    assert (found.method, found.made_by, found.dims, found.scale, found.residual) == ("pca", "pellucid", dims, 1.0, 0.0)
    assert found.fitted.all()
    assert found.shaken_trust > 0.99
    assert found.shaken_kept > 0.9
    assert found.shaken_disparity < 0.01


def test_a_tsne_map_keeps_the_neighbours_of_digits() -> None:
    """Made by scikit-learn where there is nothing else; the same call makes the same map, bit for bit."""
    x, y = digits(200)
    found = project(x, method="tsne", labels=y, options=QUICK, progress=False)
    assert found.trustworthiness > 0.95
    assert found.made_by.startswith("scikit-learn ")
    assert found.settings == "perplexity 30, 1,000 iterations"
    assert found.share > 0.95
    np.testing.assert_array_equal(
        found.points, project(torch.from_numpy(x), method="tsne", options=QUICK, progress=False).points
    )


def test_what_features_bring_along_is_kept() -> None:
    """Layer, classes, predictions, names and pictures; labels that are given go before their own."""
    features = made(60, names=tuple("abcdefghij"))
    before = features.values.copy()
    found = project(features, progress=False)
    assert (found.layer, found.names) == ("input of fc", features.names)
    for name in ("labels", "predicted", "images"):
        np.testing.assert_array_equal(getattr(found, name), getattr(features, name))
    np.testing.assert_array_equal(features.values, before)
    numbered = project(features, labels=[0] * 59 + [-1], options=QUICK, progress=False)
    assert numbered.labels.tolist() == [0] * 59 + [-1]
    assert numbered.names == features.names
    named = project(features, labels=["dog"] * 30 + ["cat"] * 30, options=QUICK, progress=False)
    assert named.names == ("cat", "dog")
    assert named.labels.tolist() == [1] * 30 + [0] * 30
    assert len(named.predicted) == 0


def test_rows_that_are_not_finite_are_left_out_and_told() -> None:
    """Their points are NaN, those of the others as if they had never been there."""
    x, _ = digits(60)
    bad = x.copy()
    bad[[3, 7, 59], [0, 5, 63]] = np.nan, np.inf, -np.inf
    found = project(bad, progress=False)
    assert np.flatnonzero(~found.mapped).tolist() == [3, 7, 59]
    assert not found.fitted[[3, 7, 59]].any()
    assert not set(found.judged) & {3, 7, 59}
    rest = np.delete(np.arange(60), [3, 7, 59])
    np.testing.assert_array_equal(found.points[rest], project(x[rest], progress=False).points)
    (said,) = [one for one in found.findings.every if one.code == "EMB006"]
    assert (said.level, said.message) == ("look", "3 rows of 60 hold a NaN or an infinity and are left out: 3, 7, 59")


def test_many_rows_are_sampled_and_the_others_placed() -> None:
    """Of each class as many; what is placed lies among its own."""
    x, y = digits(240)
    options = ProjectionOptions(stability=False, most=80, judged=100)
    found = project(x, method="tsne", labels=y, options=options, progress=False)
    assert found.fitted.sum() == len(found.known) == 80
    assert np.ptp(np.bincount(y) / 3 - np.bincount(y[found.fitted])) <= 2
    assert len(found.judged) == 100
    assert found.mapped.all()
    assert found.trustworthiness > 0.9
    (said,) = [one for one in found.findings.every if one.code == "EMB006"]
    assert said.message == "all 240 rows are on the map; 160 of them were placed on it afterwards, one by one"


def test_a_memory_map_is_read_part_by_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is mapped like an array, and its file stays as it is."""
    monkeypatch.setattr("pellucid.methods.mapping.rows._CHUNK", 64 * 100)
    x, _ = digits(1000)
    np.save(tmp_path / "rows.npy", x)
    before = (tmp_path / "rows.npy").read_bytes()
    found = project(np.load(tmp_path / "rows.npy", mmap_mode="r"), progress=False)
    assert (tmp_path / "rows.npy").read_bytes() == before
    np.testing.assert_array_equal(found.points, project(x, progress=False).points)


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_the_size_of_the_numbers_does_not_matter(scale: float) -> None:
    """Squares of float32 would be lost; t-SNE is given rows of size 1."""
    x, _ = digits(80)
    for method in ("pca", "tsne"):
        found = project(scale * x, method=method, options=QUICK, progress=False)
        assert found.trustworthiness == pytest.approx(
            project(x, method=method, options=QUICK, progress=False).trustworthiness, abs=0.01
        )


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_copies_constant_units_and_five_rows_make_a_map(method: str) -> None:
    """Each is an edge of what can be mapped."""
    x, _ = digits(60)
    constant = np.concatenate([x, np.ones((60, 3))], axis=1)
    for values in (np.repeat(x[:6], 20, axis=0), constant, x[:5], x[:40, 20:22]):
        found = project(values, method=method, progress=False)
        assert np.isfinite(found.points).all()
        assert found.figure().text()


def test_what_is_done_is_told() -> None:
    """In tenths of the whole, rising to all of it."""
    heard = list[tuple[int, int]]()
    project(digits(60)[0], progress=lambda done, total: heard.append((done, total)))
    whole = [done for done, total in heard if total == 10]
    assert whole == sorted(whole)
    assert whole[-1] == 10


# ----------------------------------------------------------------------------------------------------- earlier maps


def test_a_pca_map_keeps_the_axes_of_an_earlier_one() -> None:
    """For other rows, too; for the same rows it is said how far they moved, over the size of the map."""
    x, _ = digits(200)
    first = project(x, options=QUICK, progress=False)
    same = project(x, like=first, options=QUICK, progress=False)
    np.testing.assert_allclose(same.points, first.points, atol=1e-6)
    assert same.follows == "axes"
    assert same.moved.max() < 1e-5
    far = project(x + 5 * first.axes[0], like=first, options=QUICK, progress=False)
    size = np.sqrt(np.square(first.points).sum(axis=1).mean())
    np.testing.assert_allclose(far.moved, 5 / size, rtol=1e-4)
    np.testing.assert_allclose(far.explained, first.explained, rtol=1e-6)
    fewer = project(x[:50], like=first, options=QUICK, progress=False)
    np.testing.assert_allclose(fewer.points, first.points[:50], atol=1e-6)
    assert len(fewer.moved) == 0


def test_a_tsne_map_is_begun_from_an_earlier_one_and_laid_on_it() -> None:
    """At another checkpoint, and of another layer: rows that changed a little move a little."""
    (x, y), options = digits(200), ProjectionOptions(stability=False, perplexity=20)
    first = project(x, method="tsne", labels=y, options=options, progress=False)
    later = project(x[:, :60] + 0.01, method="tsne", labels=y, like=first, options=options, progress=False)
    alone = project(x[:, :60] + 0.01, method="tsne", labels=y, options=options, progress=False)
    assert later.follows == "started"
    assert later.trustworthiness > 0.95
    assert np.median(later.moved) < 0.2
    apart, beside = (np.median(np.linalg.norm(one.points - first.points, axis=1)) for one in (alone, later))
    assert beside < apart / 2


def test_other_rows_are_placed_on_an_earlier_tsne_map(tmp_path: Path) -> None:
    """Also on one that was saved and loaded; rows that it was made of come to where they are."""
    x, y = digits(150)
    first = project(x[:100], method="tsne", labels=y[:100], options=QUICK, progress=False)
    first = Projection.load(first.save(tmp_path / "map.safetensors"))
    placed = project(x[80:], method="tsne", labels=y[80:], like=first, progress=False)
    assert (placed.follows, placed.fitted.any(), len(placed.moved)) == ("placed", False, 0)
    assert np.isfinite(placed.shaken_trust)
    middle = np.linalg.norm(first.points - first.points.mean(axis=0), axis=1).mean()
    assert np.median(np.linalg.norm(placed.points[:20] - first.points[80:], axis=1)) < 0.3 * middle
    with pytest.raises(InputError) as caught:
        project(x[:99], method="tsne", like=placed, progress=False)
    assert str(caught.value) == "like is a map whose rows were placed on another one. Give that one as like."


def test_a_map_that_cannot_be_kept_to_is_refused() -> None:
    """With what is in the way."""
    x, _ = digits(40)
    first = project(x, options=QUICK, progress=False)
    with pytest.raises(InputError) as caught:
        project(x, method="tsne", like=first)
    assert str(caught.value) == (
        "like is a map by 'pca' in 2 dimensions, expected one by 'tsne' in 2. Call project(..., method='pca', dims=2, "
        "like=...)."
    )
    with pytest.raises(InputError) as caught:
        project(x[:30, :9], like=first)
    assert str(caught.value) == (
        "like is a map of 40 rows of 64 units, and 30 rows of 9 units came; expected as many units, so that they can "
        "be placed on it, or the same rows in the same order."
    )


# ----------------------------------------------------------------------------------------------------------- Ctrl-C


def interrupt(*_: object, **__: object) -> Any:
    """Press Ctrl-C."""
    raise KeyboardInterrupt


def test_ctrl_c_says_what_it_kept_from_being_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before there is a map it goes through; afterwards there is the map, with what was measured of it."""
    x, _ = digits(60)
    with monkeypatch.context() as patch:
        patch.setattr("sklearn.manifold.TSNE.fit_transform", interrupt)
        with pytest.raises(KeyboardInterrupt, match=r"^scikit-learn \S+ was at work, and there is no map yet\.$"):
            project(x, method="tsne", progress=False)
    with monkeypatch.context() as patch:
        patch.setattr(measure, "neighbours_kept", interrupt)
        found = project(x, progress=False)
    assert (found.stopped, found.provenance.stopped) == (True, "stopped before it was judged")
    assert np.isnan(found.trustworthiness)
    assert {one.code: one.level.value for one in found.findings.every} == {
        "EMB004": "not-measured",
        "EMB005": "not-measured",
        "EMB006": "ok",
    }
    assert found.figure().text()
    with monkeypatch.context() as patch:
        patch.setattr("pellucid.methods.mapping.tsne.between_nearest", interrupt)
        found = project(x, method="tsne", options=ProjectionOptions(most=50), progress=False)
    assert found.provenance.stopped == "stopped before it was judged"
    (said,) = [one for one in found.findings.every if one.code == "EMB006"]
    assert said.level == "look"
    assert said.message == "stopped before it was judged: 10 rows have no place on the map yet"
    with monkeypatch.context() as patch:
        patch.setattr(measure, "_shaken", interrupt)
        found = project(x, progress=False)
    assert found.provenance.stopped == "stopped before its stability was measured"
    assert found.trustworthiness > 0.7


def test_points_of_a_method_that_was_stopped_are_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    """As they were; neither placed nor judged, and it is said after how much."""

    class Stopped:
        made_by = "a library 1.0"

        def words(self, rows: int) -> str:
            return f"{rows} rows"

        def fit(self, rows: np.ndarray, start: np.ndarray, *, settled: bool = False) -> Mapped:
            return Mapped(points=start, stopped="300 of 750 iterations")

        def place(self, known: np.ndarray, points: np.ndarray, rows: np.ndarray) -> np.ndarray:
            raise AssertionError

    monkeypatch.setattr(measure, "tsne_mapper", lambda _: Stopped())
    found = project(digits(80)[0], method="tsne", options=ProjectionOptions(most=50), progress=False)
    assert found.provenance.stopped == "stopped after 300 of 750 iterations"
    assert (found.made_by, found.settings) == ("a library 1.0", "50 rows")
    assert found.mapped.sum() == found.fitted.sum() == 50
    assert {one.level.value for one in found.findings.every} == {"not-measured", "look"}
    table = found.figure().text()
    assert "without a place" in table


# ---------------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"features": np.zeros((4, 9))},
            "features of 4 rows came; expected 5 or more: fewer make no map.",
        ),
        (
            {"features": np.ones((9, 3))},
            (
                "All 9 rows are alike; expected rows that differ. Look for the layer that makes them so: "
                "pel.activations.histograms(model, batch)."
            ),
        ),
        (
            {"features": np.arange(9.0)[:, None]},
            (
                "features of 1 unit came for a map of 2 dimensions; expected 2 units or more. A histogram shows a "
                "single one."
            ),
        ),
        (
            {"features": np.where(np.eye(9)[:, :4] + (np.arange(9) > 5)[:, None] > 0, np.nan, 1.0)},
            (
                "7 of 9 rows hold a NaN or an infinity (rows 0, 1, 2, 3, 6, …); expected 5 rows or more without. Look "
                "for the first layer whose output is not finite: pel.activations.histograms(model, batch)."
            ),
        ),
        ({"method": "t-snee"}, "method='t-snee' came; expected 'pca', 'tsne' or 'umap'. Closest: 'tsne'."),
        ({"dims": 4}, "dims=4 came; expected a whole number, 2 to 3."),
        ({"labels": [1, 2]}, "2 labels came for 40 rows; expected one a row, and -1 for one without."),
        (
            {"labels": [0.5] * 40},
            "labels of type list came; expected None or a class for each row, whole numbers or texts.",
        ),
        ({"labels": 3}, "labels=3 came; expected None or a class for each row, whole numbers or texts."),
    ],
)
def test_what_cannot_be_mapped_is_refused(given: dict[str, Any], message: str) -> None:
    """With what came, what was expected and what to do."""
    with pytest.raises(InputError) as caught:
        project(**{"features": digits(40)[0], "progress": False, **given})
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("perplexity", 0.5), ("neighbours", 1), ("distance", 2.0), ("most", 10), ("judged", 0), ("seed", -1)),
    ],
)
def test_options_are_checked(name: str, value: Any) -> None:
    """Each names itself."""
    with pytest.raises(PellucidError, match=f"^{name}="):
        ProjectionOptions(**{name: value})


def test_umap_is_asked_for_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no part of an extra; what cannot be imported is said before anything is read."""
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(MissingExtraError, match="Run: pip install umap-learn"):
        project(None, method="umap")


def test_it_is_public() -> None:
    """As pel.embeddings.project."""
    assert pel.embeddings.project is project
