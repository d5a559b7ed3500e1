"""The page on saliency: every method of both networks, what is drawn and clicked, and what the page says to try."""

from typing import Any

import numpy as np
import pytest
import torch

from pellucid.core.errors import InputError
from pellucid.core.figure import Bars, Figure, Heat, Lines, Table
from pellucid.core.finding import Level
from pellucid.core.frame import pack, unpack
from pellucid.gallery.trained import digit_reader
from pellucid.methods.attribution.method import Method
from pellucid.outlets.explorer.nudge import nudge_of
from pellucid.outlets.explorer.pages.saliency import METHODS, PAD, saliency
from pellucid.probe.subject import Subject
from pellucid.windows import gradients

Array = np.ndarray[Any, np.dtype[Any]]
ON_A_GRID = [name for name, one in METHODS.items() if one.needs_grid]
PAIRS = [("MLP", name) for name in METHODS if name not in ON_A_GRID] + [("CNN", name) for name in METHODS]


def drawn(**parameters: Any) -> Figure:
    """The figure of the page, by way of bytes."""
    return unpack(pack(saliency.frame(parameters))).figure


def map_of(**parameters: Any) -> Array:
    """The raw map that the page shows."""
    (heat,) = [one for one in drawn(**parameters).panels[1].marks if isinstance(one, Heat)]
    return heat.values


def read_as(figure: Figure) -> str:
    """What the network reads the picture as."""
    return figure.panels[0].note.partition(",")[0]


def alike(one: Array, other: Array) -> float:
    """Correlation of two maps."""
    return float(np.corrcoef(one.reshape(-1), other.reshape(-1))[0, 1])


@pytest.mark.parametrize(("network", "method"), PAIRS)
def test_every_method_is_that_of_the_public_function(network: str, method: str) -> None:
    """Raw, for the class that was chosen; the picture lies under the first panel."""
    figure = drawn(network=network, method=method, digit=7, example=2, target="4", samples=6, noise=0.1)
    reader = digit_reader(network.lower())
    picture = reader.held_out(7, 1)
    options: dict[str, Any] = {
        "smoothgrad": {"samples": 6, "noise": 0.1},
        "vargrad": {"samples": 6, "noise": 0.1},
        "expectedgradients": {"samples": 6, "data": reader.split.train_x[:64]},
    }.get(method, {})
    expected = gradients.saliency(reader.model, picture, 4, method=Method.known[method](**options)).map[0]
    heats = [mark for panel in figure.panels[:2] for mark in panel.marks if isinstance(mark, Heat)]
    over, alone = heats
    expected = expected.reshape(over.values.shape)
    np.testing.assert_allclose(over.values, expected, rtol=1e-4, atol=1e-5)
    block = np.ones((16 // len(expected), 16 // len(expected)))
    np.testing.assert_allclose(alone.values, np.kron(expected, block), rtol=1e-4, atol=1e-5)
    for heat in heats:
        assert heat.signed == (method not in {"vargrad", "gradcam", "gradcamplusplus"})
    assert heats[0].under is not None
    np.testing.assert_allclose(np.asarray(heats[0].under), picture[0, 0].numpy(), atol=1 / 250)
    assert heats[0].values.shape == ((4, 4) if method.startswith("gradcam") else (16, 16))
    assert method in figure.title
    assert figure.text(80)


def test_no_method_is_forgotten() -> None:
    """Whatever pellucid brings can be chosen, and no method of somebody else; those that need places come last."""
    ours = {one for one in vars(gradients).values() if isinstance(one, type) and issubclass(one, Method)}
    assert set(METHODS.values()) == ours
    assert list(METHODS)[-3:] == ON_A_GRID == ["gradcam", "gradcamplusplus", "guidedgradcam"]


@pytest.mark.parametrize("method", ON_A_GRID)
def test_a_method_without_places_says_that_the_gradient_stands_in_its_place(method: str) -> None:
    """The MLP has no layer with places; the choice stays, for the way back to the CNN."""
    frame = saliency.frame({"network": "MLP", "method": method})
    assert frame.parameters["method"] == method
    figure = frame.figure
    assert figure.verdict.startswith(
        f"{method.capitalize()} asks a layer that has places, and the MLP has none: the map is that of the gradient. "
        "Pixel 8, 8, brighter by 0.3, changes the score of 3 by +0.108, as its gradient predicts:"
    )
    assert figure.level is Level.LOOK
    assert figure.title.endswith(": gradient, MLP")
    np.testing.assert_array_equal(map_of(network="MLP", method=method), map_of(network="MLP"))


@pytest.mark.parametrize("network", ["MLP", "CNN"])
def test_what_is_drawn_is_what_the_network_is_given(network: str) -> None:
    """Pixel by pixel, in 16 levels; over the digit whichever is brighter."""
    ink = np.zeros((16, 16))
    ink[2:14, 7:9], ink[3, 5] = 1.0, 0.4
    model, digit = digit_reader(network.lower()).model, digit_reader(network.lower()).held_out(0, 0)
    given = torch.tensor(ink, dtype=torch.float32)[None, None]
    for over, picture in ((False, given), (True, torch.maximum(given, digit))):
        figure = drawn(network=network, drawing=PAD.text(ink), digit=0, onto_digit=over)
        with torch.no_grad():
            scores = model(picture)[0].numpy()
        (bars,) = [one for one in figure.panels[2].marks if isinstance(one, Bars)]
        np.testing.assert_allclose(bars.heights, scores, rtol=1e-4, atol=1e-4)
        assert read_as(figure) == f"read as {int(scores.argmax())}"
        assert figure.panels[0].title == ("A 0 with your drawing" if over else "Your drawing")
    assert drawn(network=network, digit=0, onto_digit=True).panels[0].title == "A 0"


def test_what_nobody_can_have_drawn_is_refused() -> None:
    """Too short, or no ink."""
    for wrong in ("0f", "z" * 256, 7):
        with pytest.raises(InputError, match=r"^'drawing' takes 256 hexadecimal digits, one a pixel of 16 x 16, or no"):
            saliency.frame({"drawing": wrong})


@pytest.mark.parametrize("network", ["MLP", "CNN"])
def test_the_nudge_of_the_clicked_pixel(network: str) -> None:
    """Curve, straight line, dot, bars and table say what the network does, and what the gradient says that it does."""
    column, row, size = 6, 11, -0.45
    figure = drawn(network=network, digit=3, column=column, row=row, nudge=size, target="8", method="occlusion")
    reader = digit_reader(network.lower())
    expected = nudge_of(Subject(reader.model), reader.held_out(3, 0), (row, column), size)
    measured, straight, dot = (one for one in figure.panels[3].marks if isinstance(one, Lines))
    np.testing.assert_allclose(measured.y, expected.curve[:, 8], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(np.diff(straight.y), 2 * expected.slopes[8], rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(np.mean(straight.y), expected.before[8], rtol=1e-4, atol=1e-4)
    assert (float(dot.x[0]), float(dot.y[0])) == pytest.approx((size, expected.after[8]), rel=1e-4)
    (table,) = (one for one in figure.panels[4].marks if isinstance(one, Table))
    assert [row[0] for row in table.rows] == [f"{one} ◂" if one == 8 else str(one) for one in range(10)]
    (level,) = (one for one in figure.panels[2].marks if isinstance(one, Lines))
    np.testing.assert_allclose(level.y[::3], expected.after, rtol=1e-4, atol=1e-4)
    for panel in figure.panels[:2]:  # the pixel is framed
        (frame,) = (one for one in panel.marks if isinstance(one, Lines))
        assert (float(np.mean(frame.x[:4])), float(np.mean(frame.y[:4]))) == (column, row)


def test_the_verdict_says_how_good_the_prediction_is() -> None:
    """Exact within a piece, bent where ReLUs switch, nothing without a nudge."""
    assert drawn(network="MLP").verdict.startswith(
        "Pixel 8, 8, brighter by 0.3, changes the score of 3 by +0.108, as its gradient predicts: none of 32 ReLUs "
        "switches, and so long the score is a straight line. 2 checks passed, 2 not measured."
    )
    bent = drawn(network="CNN", column=4, row=10, nudge=-0.5).verdict
    assert "its gradient predicts" in bent
    assert "of 3,104 ReLUs switch on the way, and the gradient does not see that coming." in bent
    for method in ("gradient", "smoothgrad"):
        assert drawn(nudge=0, method=method).verdict == (
            "A nudge of 0 changes nothing: move it to see how far the gradient can be relied on. "
            f"{2 + (method == 'smoothgrad')} checks passed, {2 - (method == 'smoothgrad')} not measured."
        )


@pytest.mark.parametrize(("network", "method"), PAIRS)
def test_the_verdict_says_for_which_map_it_is(network: str, method: str) -> None:
    """A prediction by the mean of slopes, a share of the score beside what black takes, or no promise at all."""
    given = {"network": network, "method": method, "column": 7, "row": 4, "nudge": 0.2}
    verdict, note = drawn(**given).verdict, drawn(**given).panels[1].note
    by = "its gradient predicts" if method == "gradient" else "the plain gradient predicts"
    assert by in verdict
    value = note.partition(" at the pixel")[0]
    if method == "smoothgrad":
        words = verdict.partition("mean slope of noisy copies, predicts ")[2].partition(". ")[0]
        predicted = float(words.replace("−", "-"))
        assert predicted == pytest.approx(0.2 * float(value.replace("−", "-")), rel=0.02)
    elif method in {"inputxgradient", "integratedgradients", "deeplift", "lrp"}:
        reader = digit_reader(network.lower())
        picture = reader.held_out(3, 0)
        black = picture.clone()
        black[0, 0, 4, 7] = 0
        with torch.no_grad():
            lost = float((reader.model(picture) - reader.model(black))[0, 3])
        told = verdict.partition(f"The map gives the pixel {value} of the score; painting it black takes away ")[2]
        assert float(told.partition(". ")[0].replace("−", "-")) == pytest.approx(lost, rel=0.05, abs=0.02)
    else:
        assert ("The map promises nothing about a nudge: it " in verdict) == (method != "gradient")


def test_the_line_of_smoothgrad_stands_beside_that_of_the_gradient() -> None:
    """Its slope is the value of the map."""
    lines = [one for one in drawn(method="smoothgrad").panels[3].marks if isinstance(one, Lines)]
    assert [one.label for one in lines] == ["measured", "predicted by gradient", "predicted by smoothgrad", ""]
    value = map_of(method="smoothgrad")[8, 8]
    np.testing.assert_allclose(np.diff(lines[2].y), 2 * value, rtol=1e-3)


@pytest.mark.parametrize("network", ["MLP", "CNN"])
def test_no_axis_moves_while_a_nudge_is_dragged(network: str) -> None:
    """All of them hold what every nudge does."""
    figures = [drawn(network=network, nudge=size, column=5, row=5) for size in (-1, -0.35, 0, 0.3, 1)]
    for place in (2, 3):
        panels = [figure.panels[place] for figure in figures]
        limits = {one.y.limits for one in panels}
        assert len(limits) == 1
        low, high = limits.pop() or (0, 0)
        for panel in panels:
            for mark in panel.marks:
                values = mark.heights if isinstance(mark, Bars) else mark.y if isinstance(mark, Lines) else np.zeros(0)
                known = values[np.isfinite(values)]
                assert ((known >= low) & (known <= high)).all()


def test_a_map_of_zeros_leads_the_verdict() -> None:
    """What a rule finds is said first, though it is but a look."""
    figure = drawn(method="gradcam", target="1")
    assert not map_of(method="gradcam", target="1").any()
    assert figure.verdict.startswith("look: Map is zero at block2: 1 of 1 map is 0 everywhere, though the gradient ")
    assert figure.level is Level.LOOK
    assert drawn().level is Level.OK


# ------------------------------------------------------------------------------------------------ what it says to try


def missed(network: str, size: float) -> Array:
    """What the first-order prediction misses of the change, for every pixel of the first 3."""
    reader = digit_reader(network.lower())
    subject, picture = Subject(reader.model), reader.held_out(3, 0)
    found = [nudge_of(subject, picture, (row, column), size) for row in range(0, 16, 3) for column in range(0, 16, 3)]
    return np.array([abs(one.change[3] - one.predicted[3]) / max(abs(one.change[3]), 1e-6) for one in found])


@pytest.mark.slow
def test_the_mlp_is_predicted_and_the_cnn_is_not() -> None:
    """Nudges of 0.5: within a hundredth with one, a third and more off at half of the pixels with the other."""
    assert missed("MLP", 0.5).max() < 0.01
    assert np.median(missed("CNN", 0.5)) > 0.33


def test_four_times_the_samples_halve_the_error() -> None:
    """As the note above the map says."""

    def error(samples: int) -> float:
        note = drawn(method="smoothgrad", noise=0.3, samples=samples).panels[1].note
        return float(note.partition("sampling error ")[2].removesuffix(" %"))

    assert error(32) == pytest.approx(2 * error(128), rel=0.25)
    assert alike(map_of(method="smoothgrad", noise=0.3, samples=1), map_of(method="gradient")) < 0.9


def test_guided_maps_hardly_know_the_class() -> None:
    """That of a 3 and that of an 8 are alike; gradients are not."""
    alikes = [
        alike(map_of(method=one, target="3"), map_of(method=one, target="8")) for one in ("guidedbackprop", "gradient")
    ]
    assert alikes[0] > 0.7
    assert alikes[1] < 0.3


@pytest.mark.slow
@pytest.mark.parametrize("network", ["MLP", "CNN"])
def test_two_dabs_where_the_map_is_red_make_a_nine(network: str) -> None:
    """Of the brush of the pad; as many elsewhere do not."""
    ink, rng = np.zeros((16, 16)), np.random.default_rng(0)
    for _ in range(2):
        given = {"network": network, "target": "9", "onto_digit": True, "drawing": PAD.text(ink)}
        bright = np.maximum(digit_reader(network.lower()).held_out(3, 0)[0, 0].numpy(), ink) > 0.9
        row, column = np.unravel_index(np.argmax(np.where(bright, -np.inf, map_of(**given))), (16, 16))
        ink = np.maximum(ink, dab(int(row), int(column)))
    assert read_as(drawn(network=network, onto_digit=True, drawing=PAD.text(ink))) == "read as 9"
    for _ in range(5):
        elsewhere = np.maximum(*(dab(int(row), int(column)) for row, column in rng.integers(0, 16, (2, 2))))
        assert read_as(drawn(network=network, onto_digit=True, drawing=PAD.text(elsewhere))) != "read as 9"


def dab(row: int, column: int) -> Array:
    """What the brush of the pad leaves where it is set down (web/src/ink.ts)."""
    rows, columns = np.mgrid[:16, :16]
    return np.clip(1.7 - np.hypot(rows - row, columns - column), 0, 1)
