"""Maps that cannot be read, and those that can, for the rules EMB004 to EMB006."""

import sys
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris, load_wine

from pellucid.core.finding import Finding
from pellucid.windows.embeddings import Projection, ProjectionOptions, project

QUICK = ProjectionOptions(stability=False)


@pytest.fixture(autouse=True)
def scikit_learn_makes_the_maps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same everywhere."""
    monkeypatch.setitem(sys.modules, "openTSNE", None)


def says(result: Projection, code: str) -> Finding:
    """What one rule says."""
    (found,) = [one for one in result.findings.every if one.code == code]
    return found


def real(name: str) -> Any:
    """Return rows that have a structure."""
    if name == "digits":
        return load_digits().data[:300]
    found = {"iris": load_iris, "wine": load_wine}[name]().data
    return (found - found.mean(axis=0)) / found.std(axis=0)


def noise(rows: int = 300, units: int = 64) -> Any:
    """Return rows that have none."""
    return np.random.default_rng(0).normal(size=(rows, units))


@pytest.mark.parametrize("name", ["digits", "iris", "wine"])
def test_a_map_of_something_can_be_read(name: str) -> None:
    """By t-SNE, shaken or not."""
    result = project(real(name), method="tsne", progress=False)
    for code in ("EMB004", "EMB005", "EMB006"):
        assert says(result, code).level == "ok", code
    assert says(result, "EMB004").message.startswith(
        "neighbours on the map are neighbours in fact: trustworthiness 0.9"
    )
    assert says(result, "EMB006").message == f"all {len(result.points)} rows are on the map"


def test_a_map_of_noise_must_not_be_read() -> None:
    """However pretty: its neighbours are none in fact, and others after 1 % of noise more."""
    result = project(noise(), method="tsne", progress=False)
    said = says(result, "EMB004")
    assert said.level == "warn"
    assert said.message.startswith("do not read this map: its neighbours are often none in fact, trustworthiness 0.7")
    shaken = says(result, "EMB005")
    assert shaken.level == "look"
    assert shaken.message.startswith("rows shaken by 1 % come to lie beside others: trustworthiness 0.7")


@pytest.mark.parametrize("spread", [0.0, 1e-3])
@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_classes_that_coincide_are_no_unstable_map(method: str, spread: float) -> None:
    """As in well trained networks: which of a class are nearest changes with the noise, and means nothing."""
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(5, 16))[np.arange(200) % 5] + spread * generator.normal(size=(200, 16))
    result = project(rows, method=method, progress=False)
    assert result.shaken_kept < 0.5
    assert says(result, "EMB005").level == "ok"
    assert says(result, "EMB004").level == "ok"


def test_pca_is_not_told_off() -> None:
    """What does not fit into two axes is no fault of a map; where much of it fits nothing is said."""
    said = says(project(noise(), progress=False), "EMB004")
    assert said.level == "look"
    assert said.message.startswith(
        "most of the structure is not in these 2 axes: they hold 6 % of the variance, and neighbours on the map are "
        "often none in fact (trustworthiness 0.6"
    )
    assert said.next_step == 'Use method="tsne" to see which rows are neighbours.'
    assert says(project(real("iris"), progress=False), "EMB004").level == "ok"
    for rows in (noise(), real("digits")):
        assert says(project(rows, progress=False), "EMB005").level == "ok"


def test_rows_that_are_not_finite_are_told() -> None:
    """How many and which; the map of the others is judged as ever."""
    rows = real("digits")
    rows[::40] = np.nan
    result = project(rows, options=QUICK, progress=False)
    assert says(result, "EMB006").level == "look"
    assert says(result, "EMB006").message == (
        "8 rows of 300 hold a NaN or an infinity and are left out: 0, 40, 80, 120, 160, …"
    )
    assert says(result, "EMB004").samples == 292


def test_too_few_rows_are_not_judged() -> None:
    """Nor is what was not tried."""
    few = project(noise(40), progress=False)
    for code in ("EMB004", "EMB005"):
        said = says(few, code)
        assert (said.level, said.message) == ("not-measured", "40 rows are too few to judge a map: 50 are needed")
    still = says(project(noise(60), options=QUICK, progress=False), "EMB005")
    assert (still.level, still.message) == ("not-measured", "the map was not made a second time")
