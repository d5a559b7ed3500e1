"""The pages that the explorer comes with: what they draw, say and teach."""

import itertools
import random
import re
from typing import Any

import numpy as np
import pytest
import torch

from pellucid.core.figure import Bars, Event, Figure, Lines, Surface
from pellucid.core.finding import Level
from pellucid.core.frame import pack, unpack
from pellucid.core.view import View, views
from pellucid.gallery.conditions import CONDITIONS, conditioned, pictures
from pellucid.gallery.models import ACTIVATIONS
from pellucid.maths.descent import OPTIMIZERS
from pellucid.maths.surfaces import SURFACES
from pellucid.outlets.explorer.pages import activation_histograms as page_module
from pellucid.outlets.explorer.pages.activation_histograms import activation_histograms
from pellucid.outlets.explorer.pages.embedding_projection import embedding_projection
from pellucid.outlets.explorer.pages.loss_landscape import loss_landscape
from pellucid.outlets.explorer.pages.loss_surface import loss_surface
from pellucid.outlets.explorer.pages.saliency import saliency
from pellucid.windows import activations

PAGES: dict[str, View] = {
    "activation-histograms": activation_histograms,
    "embedding-projection": embedding_projection,
    "loss-landscape": loss_landscape,
    "loss-surface": loss_surface,
    "saliency": saliency,
}
FUNCTIONS = tuple(name.replace("_", " ") for name in ACTIVATIONS)
UNBOUNDED = ("relu", "leaky relu", "gelu", "silu", "elu")


def drawn(page: View, **parameters: Any) -> Figure:
    """The figure of a page, by way of bytes."""
    frame = page.frame(parameters)
    assert unpack(pack(frame)).figure.verdict == frame.figure.verdict
    return frame.figure


# -------------------------------------------------------------------------------------------------------- every page


@pytest.mark.parametrize("name", PAGES)
def test_a_page_teaches(name: str) -> None:
    """Under its name: a line, paragraphs, four to six things to try, and help for every control."""
    page = views()[name]
    assert page is PAGES[name]
    assert page.summary
    assert len(page.teaches) >= 2
    assert 4 <= len(page.tries) <= 6
    assert all(control.help for control in page.controls({}))


@pytest.mark.parametrize("name", PAGES)
def test_a_page_draws_without_being_told_anything(name: str) -> None:
    """A figure with a verdict, in words and in characters."""
    figure = drawn(PAGES[name])
    assert figure.verdict
    assert figure.alt
    assert figure.text(80)


# ----------------------------------------------------------------------------------------------------- loss surface


@pytest.mark.parametrize("surface", ["bowl", "ravine", "saddle", "non-convex", "himmelblau"])
def test_controls_follow_the_surface(surface: str) -> None:
    """Starts and learning rate of another surface are possible there; a click on the picture sets the start."""
    controls = {one.name: one for one in loss_surface.controls({"surface": surface})}
    assert (controls["start_x"].picks, controls["start_y"].picks) == ("x", "y")  # pyright: ignore[reportAttributeAccessIssue]
    figure = drawn(loss_surface, surface=surface)
    (ground,) = figure.panels[0].marks
    assert isinstance(ground, Surface)
    assert (float(ground.x[0]), float(ground.x[-1])) == (controls["start_x"].min, controls["start_x"].max)  # pyright: ignore[reportAttributeAccessIssue]
    np.testing.assert_allclose(
        np.asarray(ground.paths[0])[0, :2], [controls["start_x"].value, controls["start_y"].value], rtol=1e-6
    )


def test_all_are_raced_at_once() -> None:
    """One path, curve and row each, in the order of the control."""
    names = ["SGD", "momentum", "Nesterov", "RMSProp", "Adam"]
    figure = drawn(loss_surface, optimizers=names, steps=300)
    (ground,) = figure.panels[0].marks
    assert isinstance(ground, Surface)
    assert ground.names == tuple(names)
    assert [name for name in names if name[0].upper() + name[1:] in figure.verdict] == names
    assert all(isinstance(mark, Lines) for mark in figure.panels[2].marks)


def test_nobody_walks() -> None:
    """Without an optimizer there is the surface, and a word on what to do."""
    figure = drawn(loss_surface, optimizers=[])
    assert figure.panels[0].note == "Choose an optimizer to see it walk down."
    assert (figure.verdict, figure.level) == ("", Level.OK)  # nothing was judged


@pytest.mark.parametrize(
    ("parameters", "words", "level"),
    [
        ({"surface": "bowl", "learning_rate": 0.1}, "SGD reaches the minimum (0, 0) in 7 steps.", "ok"),
        (
            {"surface": "bowl", "learning_rate": 0.35},
            "SGD oscillates: the learning rate 0.35 is above 1/λ = 0.2",
            "warn",
        ),
        (
            {"surface": "bowl", "learning_rate": 0.41},
            "SGD diverges: the learning rate 0.41 is above 2/λ = 0.4",
            "alarm",
        ),
        ({"surface": "ravine", "learning_rate": 0.36}, "SGD zig-zags: 21 sign flips along y", "warn"),
        ({"surface": "saddle", "start_y": 0.0, "learning_rate": 0.1}, "SGD is stuck near the saddle: ", "warn"),
    ],
)
def test_the_verdict_changes_with_the_picture(parameters: dict[str, Any], words: str, level: str) -> None:
    """In words, at its level."""
    figure = drawn(loss_surface, optimizers=["SGD"], **parameters)
    assert figure.verdict.startswith(words)
    assert figure.level == level


@pytest.mark.parametrize("seed", range(40))
def test_any_setting_is_drawn(seed: int) -> None:
    """Nothing overflows, no rule fails, and each optimizer has its sentence."""
    drawn_from = random.Random(seed)
    surface = drawn_from.choice(list(SURFACES))
    terrain, names = SURFACES[surface], drawn_from.sample(list(OPTIMIZERS), drawn_from.randint(1, 5))
    figure = drawn(
        loss_surface,
        surface=surface,
        learning_rate=10 ** drawn_from.uniform(-3, 0.6),
        momentum=drawn_from.choice([0.0, 0.5, 0.9, 0.99]),
        optimizers=names,
        start_x=drawn_from.uniform(*terrain.x),
        start_y=drawn_from.uniform(*terrain.y),
        steps=drawn_from.choice([10, 50, 500]),
    )
    assert figure.verdict.count(".") >= len(names)
    assert "the rule failed" not in figure.verdict
    assert not {"nan", "∞"} & set(figure.verdict.lower().split())
    (ground,) = figure.panels[0].marks
    assert isinstance(ground, Surface)
    for path in ground.paths:
        assert np.isfinite(path).all()
        assert terrain.x[0] <= np.min(path[:, 0]) <= np.max(path[:, 0]) <= terrain.x[1]


def test_what_to_try_comes_out_as_it_says() -> None:
    """Momentum as torch means 0.36 zig-zags again; a large learning rate carries momentum over the ridge."""
    again = drawn(loss_surface, surface="ravine", optimizers=["momentum"], learning_rate=3.6)
    assert again.verdict.startswith("Momentum zig-zags: ")
    over = drawn(
        loss_surface, surface="non-convex", optimizers=["momentum"], learning_rate=1.0, start_x=3.0, start_y=1.5
    )
    assert "the minimum (−2.07, 0)" in over.verdict
    near = drawn(
        loss_surface, surface="non-convex", optimizers=["momentum"], learning_rate=0.1, start_x=3.0, start_y=1.5
    )
    assert "the minimum (1.92, 0)" in near.verdict
    ridge = drawn(loss_surface, surface="saddle", optimizers=["SGD", "RMSProp", "Adam"], learning_rate=0.1, start_y=0.0)
    assert ridge.verdict.count("is stuck near the saddle") == 3


# --------------------------------------------------------------------------------------------- activation histograms


@pytest.mark.parametrize("activation", FUNCTIONS)
def test_healthy_is_never_accused(activation: str) -> None:
    """For six seeds, by any rule; and the page says so."""
    for seed in range(6):
        model = conditioned(activation.replace(" ", "_"), "healthy", seed=seed)
        found = activations.histograms(model, pictures()).findings
        assert found.level is Level.OK, (seed, found.headline)
    figure = drawn(activation_histograms, activation=activation, condition="healthy")
    assert figure.level is Level.OK
    assert " is healthy here: " in figure.verdict


EXISTS = [
    ("dying", "relu", " dies here: ", "ACT001"),
    *(("saturated", name, " saturates here: ", "ACT003") for name in ("tanh", "sigmoid")),
    *(("exploding", name, "The signal is exploding: ", "ACT004") for name in UNBOUNDED),
    *(("vanishing", name, "The signal is vanishing: ", "ACT004") for name in FUNCTIONS),
]


@pytest.mark.parametrize(("condition", "activation", "words", "code"), EXISTS)
def test_a_condition_is_named(condition: str, activation: str, words: str, code: str) -> None:
    """Where the function can have it, for four seeds: the words name it, and the rule for it leads with an alarm."""
    figure = drawn(activation_histograms, activation=activation, condition=condition)
    assert words in figure.verdict
    assert figure.level is Level.ALARM
    for seed in range(4):
        model = conditioned(activation.replace(" ", "_"), condition, seed=seed)
        problem = activations.histograms(model, pictures()).findings.problems[0]
        assert (problem.code, problem.level) == (code, Level.ALARM), seed


ABSENT = [
    ("dying", "leaky relu", "Leaky ReLU does not die: ", "ok"),
    ("dying", "gelu", "GELU has no dead half on paper, ", "look"),
    ("dying", "silu", "SiLU has no dead half, ", "look"),
    ("dying", "elu", "ELU has no dead half: ", "look"),
    ("dying", "tanh", "Tanh has no dead half: ", "alarm"),
    ("dying", "sigmoid", "Sigmoid has no dead half: ", "alarm"),
    ("saturated", "relu", "ReLU cannot saturate: ", "ok"),
    ("saturated", "leaky relu", "Leaky ReLU cannot saturate: ", "ok"),
    ("saturated", "gelu", "GELU cannot saturate: ", "ok"),
    ("saturated", "silu", "SiLU cannot saturate: ", "ok"),
    ("saturated", "elu", "ELU is flat on one side only: ", "ok"),
    ("exploding", "tanh", "Tanh cannot explode: its values stay between −1 and 1; ", "alarm"),
    ("exploding", "sigmoid", "Sigmoid cannot explode: its values stay between 0 and 1; ", "ok"),
]


@pytest.mark.parametrize(("condition", "activation", "words", "level"), ABSENT)
def test_a_condition_that_a_function_cannot_have_is_said_so(
    condition: str, activation: str, words: str, level: str
) -> None:
    """Built as near as it goes, and the words are honest; what is found then is saturation."""
    figure = drawn(activation_histograms, activation=activation, condition=condition)
    assert figure.verdict.startswith(words)
    assert figure.level == level
    assert ("Saturation" in figure.verdict) == (level == "alarm")


@pytest.mark.parametrize(("dtype", "device"), [(torch.float64, "cpu"), (torch.float32, "meta")])
def test_histograms_do_not_depend_on_defaults(dtype: torch.dtype, device: str, request: pytest.FixtureRequest) -> None:
    """The same verdict and pictures, and the defaults are as they were."""
    usual = drawn(activation_histograms, activation="sigmoid", condition="saturated")
    request.addfinalizer(lambda: torch.set_default_dtype(torch.float32))
    request.addfinalizer(lambda: torch.set_default_device(None))
    torch.set_default_dtype(dtype)
    torch.set_default_device(device)
    page_module._examined.cache_clear()
    figure = drawn(activation_histograms, activation="sigmoid", condition="saturated")
    assert (torch.get_default_dtype(), torch.get_default_device().type) == (dtype, device)
    assert figure.verdict == usual.verdict
    assert figure.text(80) == usual.text(80)


def test_saturated_values_lead_where_no_unit_is_stuck() -> None:
    """An alarm never begins with a share that is 0."""
    for activation, condition in (("tanh", "exploding"), ("tanh", "saturated"), ("sigmoid", "saturated")):
        figure = drawn(activation_histograms, activation=activation, condition=condition)
        words = rf"\d\d % of all values of 96 {activation} units are saturated, but none of the units on more than 95 %"
        assert re.search(words, figure.verdict), figure.verdict
    figure = drawn(activation_histograms, activation="tanh", condition="dying")
    assert "70 % of 96 tanh units are saturated on more than 95 % of 768 samples" in figure.verdict


def test_words_fit_the_function() -> None:
    """Dead units are spoken of where there can be some, flat ends where there are two."""
    for activation, note, split in (("relu", "dead: 0 for every digit", True), ("gelu", "", False)):
        figure = drawn(activation_histograms, activation=activation)
        assert figure.panels[-1].note == note
        assert ("zeros of dead units" in figure.caveat) is split
        assert figure.caveat.endswith("very histogram has an axis of its own.")
    figure = drawn(activation_histograms, activation="tanh", condition="exploding")
    assert (figure.title, figure.panels[-1].note) == ("Tanh, exploding", "at a flat end: within 1 % of it")
    assert "its flat ends instead: 51 % of the values are there." in figure.verdict


def test_every_choice_is_named_or_refused() -> None:
    """All 35 are tested above."""
    tested = {(activation, condition) for condition, activation, *_ in (*EXISTS, *ABSENT)}
    tested |= {(activation, "healthy") for activation in FUNCTIONS}
    assert tested == set(itertools.product(FUNCTIONS, CONDITIONS))


def test_the_histogram_marks_what_it_is_about() -> None:
    """Dead and sparse parts of the spike, and mean and standard deviation, of the layer that was chosen."""
    figure = drawn(activation_histograms, activation="relu", condition="dying", layer=5)
    large, *small = figure.panels[:7]
    assert large.title == "Layer 5 of 6: hidden5.activation (relu)"
    assert large.wide
    labels = [mark.label for mark in large.marks if isinstance(mark, Bars)]
    assert labels == ["other values", "zeros of dead units", "zeros of living units"]
    result = activations.histograms(conditioned("relu", "dying"), pictures())
    place = result.series.names.index("hidden5.activation")
    mean, std = float(result.series.mean[0, place]), float(result.series.std[0, place])
    marked = {mark.text: mark.at for mark in large.marks if isinstance(mark, Event)}
    assert marked == pytest.approx({"mean": mean, "+ std": mean + std})  # − std would be below 0, where no value is
    both = drawn(activation_histograms, activation="tanh", layer=1).panels[0]
    assert [mark.text for mark in both.marks if isinstance(mark, Event)] == ["− std", "mean", "+ std"]
    assert [panel.title for panel in small] == [f"hidden{layer}.activation (relu)" for layer in range(1, 7)]
    assert not any(isinstance(mark, Event) for panel in small for mark in panel.marks)
    assert [panel.title for panel in figure.panels[7:]] == [
        "What activation functions are given",
        "What they return",
        "Zeros, and what is stuck",
    ]


def test_bars_end_at_the_extreme_values() -> None:
    """No bar of a tanh reaches beyond its ends, and no value is lost."""
    for layer in (1, 4):
        figure = drawn(activation_histograms, activation="tanh", condition="saturated", layer=layer)
        bars = figure.panels[0].marks[0]
        assert isinstance(bars, Bars)
        assert -1 <= bars.edges[0] < -0.99
        assert 0.99 < bars.edges[-1] <= 1
        assert np.all(np.diff(bars.edges) > 0)
        assert bars.heights.sum() == pytest.approx(1)


def test_what_is_stuck_is_shown_over_the_depth() -> None:
    """Dead units of a ReLU, flat ends of a tanh; for other functions there is nothing but the zeros."""

    def curves(activation: str, condition: str) -> dict[str, np.ndarray]:
        marks = drawn(activation_histograms, activation=activation, condition=condition).panels[-1].marks
        return {mark.label: mark.y for mark in marks if isinstance(mark, Lines)}

    assert curves("relu", "dying")["dead units"].min() > 0.5
    assert curves("relu", "healthy")["dead units"].max() < 0.05
    assert curves("tanh", "saturated")["values at a flat end"].min() > 0.5
    assert curves("tanh", "healthy")["values at a flat end"].max() < 0.05
    assert list(curves("elu", "dying")) == ["values that are 0"]
