"""The page on saliency: which pixels the score of a digit depends on, and how far that can be relied on."""

from contextlib import AbstractContextManager, nullcontext
from typing import Annotated, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pellucid.core.arguments import whole
from pellucid.core.figure import Axis, Bars, Event, Figure, Heat, Lines, Panel, Table, Tone
from pellucid.core.figure.words import number, percent
from pellucid.core.finding import Level
from pellucid.core.view import Choice, Range, Sketch, view
from pellucid.gallery.trained import SIDE, DigitReader, digit_reader
from pellucid.methods.attribution import Method
from pellucid.outlets.explorer.nudge import NOTHING, Nudge, Place, nudge_of
from pellucid.probe.subject import Subject
from pellucid.windows import gradients

NetworkName = Literal["CNN", "MLP"]
Array = NDArray[Any]

PAD = Sketch(SIDE, SIDE)
MOST_EXAMPLES = 39  # as many are held out of the rarest digit
DIGITS = tuple("0123456789")
_OURS = [one for one in Method.known.values() if one.__module__.startswith("pellucid.")]
METHODS = {one.name: one for one in sorted(_OURS, key=lambda one: one.needs_grid)}
"""By name; those that need a layer with places, which the MLP has not, at the end."""
_BACKGROUND = 64  # digits that expectedgradients compares with
_VEIL = 0.45  # opacity of the map over the digit at first: the digit is to be seen, and the map stands beside it
_STRAIGHT = 0.01  # a prediction that misses no more of the change is called right
_SHARE = "The map gives the pixel {value} of the score; painting it black takes away {lost}."
"""Of methods that share the score out, and have no words of their own."""
_NO_PROMISE = "The map promises nothing about a nudge: it"
_MEANINGS = {
    "smoothgrad": "The map, the mean slope of noisy copies, predicts {promised}.",
    "vargrad": f"{_NO_PROMISE} says where the gradient varies under noise.",
    "expectedgradients": f"{_NO_PROMISE} gives the pixel {{value}} of what the score is above that of other digits.",
    "occlusion": f"{_NO_PROMISE} says what hiding a square around the pixel takes from the score.",
    "guidedbackprop": f"{_NO_PROMISE} is a gradient that was changed at every ReLU.",
    "deconvolution": f"{_NO_PROMISE} is a gradient that was changed at every ReLU.",
    "gradcam": f"{_NO_PROMISE} weighs the channels of the last layer with places, 4 × 4 of them.",
    "gradcamplusplus": f"{_NO_PROMISE} weighs the channels of the last layer with places, 4 × 4 of them.",
    "guidedgradcam": f"{_NO_PROMISE} is a changed gradient, weighed by the map of gradcam.",
}
"""What maps say of the nudged pixel, beside what the nudge does and the plain gradient predicts; see `_SHARE`."""


@view(title="Saliency", page=True)
def saliency(  # noqa: PLR0913 - a control each
    network: NetworkName = "CNN",
    method: Annotated[str, Choice(tuple(METHODS))] = "gradient",
    *,
    digit: Annotated[int, Range(0, 9)] = 3,
    example: Annotated[int, Range(1, MOST_EXAMPLES)] = 1,
    drawing: Annotated[str, PAD] = "",
    onto_digit: bool = False,
    target: Annotated[str, Choice(("predicted", *DIGITS))] = "predicted",
    samples: Annotated[int, Range(1, 128)] = 32,
    noise: Annotated[float, Range(0, 0.5, step=0.01)] = 0.15,
    column: Annotated[int, Range(0, SIDE - 1, picks="x")] = 8,
    row: Annotated[int, Range(0, SIDE - 1, picks="y")] = 8,
    nudge: Annotated[float, Range(-1, 1, step=0.05)] = 0.3,
) -> Figure:
    """Which pixels a network read a digit by, in fourteen ways, and how far each can be relied on.

    A network turns the 256 pixels of a digit into ten scores, and the class with the highest score is what it reads.
    The gradient of one score says, for every pixel, how fast that score rises as the pixel becomes brighter. Drawn as a
    picture it is the simplest saliency map: red pixels speak for the class if they are bright, blue ones against it.
    With one hidden layer of ReLUs it can be computed by hand: take the row of the class in the second matrix, set to 0
    what belongs to units that are off, multiply by the first matrix.

    A gradient is a promise about small nudges, and this page puts it to the test. Choose a pixel by a click, and it is
    made brighter or darker in steps: the curve is what the score really does, the dashed line what the gradient
    predicts. A network of ReLUs is made of flat pieces, and within one of them the prediction is exact. Where a ReLU
    switches, or max-pooling chooses another value, the next piece begins, and the gradient knows nothing of it. The MLP
    has 32 ReLUs, and a nudge seldom reaches the next piece. The CNN has 3,104, and hardly one does not.

    The other methods ask other questions. SmoothGrad averages the gradients of noisy copies, so that it sees across
    many pieces; VarGrad says where these disagree. Integrated gradients, DeepLift and LRP share out the whole score
    over the pixels; expected gradients share out what a digit has more than others. Occlusion hides squares and looks
    at what is lost. Guided backpropagation and deconvolution change the gradient at each ReLU until it looks sharp, and
    then it says little of the class. Grad-CAM asks the last layer that has places, here 4 x 4 of them.

    Try:
        - Click on pixels inside and beside the 3, and compare the curve with the dashed line. Then the same with the
          MLP: nudges of 0.5 are predicted to within a hundredth.
        - With smoothgrad, move samples from 1 to 128 at a noise of 0.3: the sampling error above the map falls to half
          with four times as many, and what one noisy copy made up fades.
        - Set the target to 3 and to 8 with gradient, then with guidedbackprop: one map is another, the other is nearly
          the same, whatever it is asked for.
        - Set the target to 1 with gradcam: a map of zeros: the channels together speak against a 1 everywhere. Which
          other methods still show something?
        - Set the target to 9, draw onto the digit, and dab twice where the gradient is reddest: first at column 7,
          row 5, then where it is reddest now. The 3 is read as a 9. Dabs elsewhere do not do it.
        - Draw a 7 that fills the pad, then give it a bar: at which stroke does the network change its mind, and did the
          map foresee it?

    Args:
        network: which of two small networks reads the digit; both were trained on 1,200 digits when the page opened
        method: how the map is made, as pel.gradients.saliency(method=...) names it; the last three need the CNN
        digit: which digit of those that the network has not seen
        example: which picture of it
        drawing: draw with mouse, finger, or arrow keys and space, and fill the pad; Clear goes back to the digit
        onto_digit: draw onto the digit, and not on black
        target: whose score is explained; predicted is the class that it reads
        samples: noisy copies, of smoothgrad, vargrad and expectedgradients; above 1 in pairs of opposite noise
        noise: of smoothgrad and vargrad, as a share of the range of brightness
        column: of the pixel that is nudged; a click on a picture sets it
        row: of the pixel that is nudged; a click on a picture sets it
        nudge: by how much brighter it is made; below 0 darker, 1 is from black to white
    """
    place = whole("row", row, 0, SIDE - 1), whole("column", column, 0, SIDE - 1)
    reader = digit_reader(network.lower())
    picture = _picture(reader.held_out(digit, example - 1), drawing, onto=onto_digit)
    lacking, method = (method, "gradient") if network == "MLP" and METHODS[method].needs_grid else ("", method)
    explained = _method(method, samples, noise, reader)
    with _on_cpu():
        subject = Subject(reader.model, class_names=DIGITS)
        wanted = None if target == "predicted" else int(target)
        result = gradients.saliency(subject, picture, wanted, method=explained, progress=False)
        nudged = nudge_of(subject, picture, place, nudge)
    what = f"a {digit}" if not drawing else f"a {digit} with your drawing" if onto_digit else "your drawing"
    chosen, findings = result.targets[0], result.findings
    told = " ".join(one for one in (_words(nudged, chosen, method), _meaning(result, nudged, chosen)) if one)
    noticed = next((one for one in findings.every if one.level in (Level.ALARM, Level.WARN, Level.LOOK)), None)
    said = f"{noticed.line}. {told}" if noticed else f"{told} {_capital(findings.headline.partition(': ')[2])}."
    return Figure(
        title=f"What the score of {chosen} depends on in {what}: {method}, {network}",
        panels=(
            _input(result, nudged, picture[0, 0].numpy(), what),
            _map(result, nudged.place),
            _scores(nudged),
            _effect(result, nudged, chosen),
            _table(nudged, chosen),
        ),
        columns=3,
        verdict=f"{_lack(lacking)} {said}" if lacking else said,
        level=noticed.level if noticed else Level.LOOK if lacking else findings.level,
        caveat=_caveat(reader, network),
        alt=f"{_capital(what)}, the map of {method} for {chosen}, the ten scores before and after a nudge, and the "
        f"score of {chosen} over the size of the nudge beside the straight line of its gradient. {told}",
    )


def _on_cpu() -> AbstractContextManager[Any]:
    """Make tensors where the network is, whatever the default is; the context takes a fifth of the time of a map."""
    return nullcontext() if torch.get_default_device().type == "cpu" else torch.device("cpu")


def _picture(digit: Tensor, drawing: str, *, onto: bool) -> Tensor:
    """Return what is looked at, brightness [1, 1, 16, 16]: the digit, or what was drawn, on black or over it."""
    if not drawing:
        return digit
    ink = torch.from_numpy(PAD.values(drawing))[None, None]
    return torch.maximum(ink, digit) if onto else ink


def _method(name: str, samples: int, noise: float, reader: DigitReader) -> Any:
    """Return a method with the options that can be set on the page."""
    if name == "smoothgrad":
        return gradients.SmoothGrad(samples=samples, noise=noise, antithetic=samples > 1)
    if name == "vargrad":
        return gradients.VarGrad(samples=max(samples, 2), noise=noise)
    if name == "expectedgradients":
        return gradients.ExpectedGradients(data=reader.split.train_x[:_BACKGROUND], samples=max(samples, 2))
    return name


# ------------------------------------------------------------------------------------------------------------- words


def _lack(method: str) -> str:
    return f"{_capital(method)} asks a layer that has places, and the MLP has none: the map is that of the gradient."


def _words(nudged: Nudge, target: int, method: str) -> str:
    """Say how good the first-order prediction is."""
    row, column = nudged.place
    by = "its gradient" if method == "gradient" else "the plain gradient"
    how = f"{'brighter' if nudged.size > 0 else 'darker'} by {number(abs(nudged.size))}"
    done = f"Pixel {column}, {row}, {how}, changes the score of {target} by"
    change, predicted = float(nudged.change[target]), float(nudged.predicted[target])
    if nudged.size == 0:
        return "A nudge of 0 changes nothing: move it to see how far the gradient can be relied on."
    if max(abs(change), abs(predicted)) < NOTHING:
        return f"{done} nothing, as {by} says."
    missed = abs(change - predicted)
    if missed <= _STRAIGHT * abs(change) or missed < NOTHING:
        return f"{done} {signed(change)}, as {by} predicts: {_straight(nudged)}"
    return f"{done} {signed(change)}; {by} predicts {signed(predicted)}: {_bent(nudged)}"


def _meaning(result: gradients.Saliency, nudged: Nudge, target: int) -> str:
    """Say what the chosen map says of the pixel: a prediction, a share of the score, or nothing about a nudge."""
    if nudged.size == 0:
        return ""
    value = _value(result, nudged.place)
    black = float(np.interp(-nudged.brightness, nudged.sizes, nudged.curve[:, target]))
    words = _MEANINGS.get(result.method, _SHARE if result.contributes else "")
    return words.format(
        value=signed(value), promised=signed(value * nudged.size), lost=signed(float(nudged.before[target]) - black)
    )


def _straight(nudged: Nudge) -> str:
    if not nudged.switched:
        return f"none of {nudged.units:,} ReLUs switches, and so long the score is a straight line."
    return f"{_switched(nudged)}, of little weight for this score."


def _bent(nudged: Nudge) -> str:
    if not nudged.switched:  # networks of ReLUs bend where one switches, or where max-pooling chooses another
        return "max-pooling chose other values on the way, and the gradient does not see that coming."
    return f"{_switched(nudged)} on the way, and the gradient does not see that coming."


def _switched(nudged: Nudge) -> str:
    return f"{nudged.switched:,} of {nudged.units:,} ReLUs {'switches' if nudged.switched == 1 else 'switch'}"


def signed(value: float) -> str:
    """Return a number with its sign: "+0.41"."""
    return f"+{number(value)}" if value > 0 else number(value)


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _caveat(reader: DigitReader, network: str) -> str:
    size = sum(one.numel() for one in reader.model.parameters())
    return (
        f"{network} of {size:,} weights, {percent(reader.accuracy, 1)} of 512 held-out digits right. Maps are raw: the "
        "scale of colours is that of each map. A nudge beyond black or white leaves what the network has seen."
    )


# ------------------------------------------------------------------------------------------------------------ panels


def _input(result: gradients.Saliency, nudged: Nudge, picture: Array, what: str) -> Panel:
    shares = np.exp(nudged.before - nudged.before.max())
    best = int(shares.argmax())
    return Panel(
        title=_capital(what),
        marks=(_heat(result, picture), _outline(nudged.place)),
        x=Axis(label="column"),
        y=Axis(label="row"),
        note=f"read as {best}, with {percent(float(shares[best] / shares.sum()), 1)}",
    )


def _heat(result: gradients.Saliency, under: Array | None = None) -> Heat:
    values = _plane(result)
    if under is None:  # as large and as square as the picture beside it
        values = values.repeat(SIDE // values.shape[0], axis=0).repeat(SIDE // values.shape[1], axis=1)
    y, x = (None if side == SIDE else np.linspace(-0.5, SIDE - 0.5, side + 1) for side in values.shape)
    label = f"for (+) and against (−) {result.targets[0]}" if result.signed else "size"
    return Heat(values=values, x=x, y=y, signed=result.signed, label=label, under=under, opacity=_VEIL)


def _plane(result: gradients.Saliency) -> Array:
    """Return the map, [row, column]; that of a layer has fewer of them than the picture."""
    return result.map.reshape(result.map.shape[-2:]).astype(np.float32)


def _value(result: gradients.Saliency, place: Place) -> float:
    """Return what the map says at a pixel of the picture."""
    values = _plane(result)
    row, column = (one * side // SIDE for one, side in zip(place, values.shape, strict=True))
    return float(values[row, column])


def _outline(place: Place) -> Lines:
    """Draw the sides of the nudged pixel."""
    row, column = place
    return Lines(
        x=column + np.array([-0.5, 0.5, 0.5, -0.5, -0.5]),
        y=row + np.array([-0.5, -0.5, 0.5, 0.5, -0.5]),
        tone="second",
    )


def _map(result: gradients.Saliency, place: Place) -> Panel:
    return Panel(
        title=f"Map: {result.method}",
        marks=(_heat(result), _outline(place)),
        x=Axis(label="column"),
        y=Axis(label="row"),
        note=f"{signed(_value(result, place))} at the pixel; {_checked(result)}",
    )


def _checked(result: gradients.Saliency) -> str:
    """Say what the map's own check found."""
    total = f"{number(float(result.map.sum()))} in all"
    if result.check == "sampling":
        return f"sampling error {percent(float(result.error[0]))}"
    if result.check:
        return f"{total}, {percent(float(result.error[0]), 1)} is missing"
    return total


def _scores(nudged: Nudge) -> Panel:
    places = np.arange(len(nudged.before))
    ticks = np.stack([places - 0.45, places + 0.45, np.full(len(places), np.nan)], axis=1)
    levels = np.stack([nudged.after] * 3, axis=1)
    return Panel(
        title="Scores (logits)",
        marks=(
            Bars(edges=np.append(places - 0.5, len(places) - 0.5), heights=nudged.before, label="score"),
            Lines(x=ticks.reshape(-1)[:-1], y=levels.reshape(-1)[:-1], label="nudged", tone="second"),
        ),
        x=Axis(label="class", categories=DIGITS),
        y=Axis(label="score", limits=_held(nudged)),
        note=f"largest change: {_largest(nudged)}",
    )


def _held(nudged: Nudge) -> tuple[float, float]:
    """Return limits that hold the scores of every nudge, so that the axis stays while one is dragged."""
    low, high = float(nudged.curve.min()), float(nudged.curve.max())
    return 5 * min(np.floor(low / 5), 0.0), 5 * max(np.ceil(high / 5), 1.0)


def _largest(nudged: Nudge) -> str:
    place = int(np.abs(nudged.change).argmax())
    return f"{signed(float(nudged.change[place]))} of class {place}"


def _effect(result: gradients.Saliency, nudged: Nudge, target: int) -> Panel:
    row, column = nudged.place
    score, slope = float(nudged.before[target]), float(nudged.slopes[target])
    missed = abs(float(nudged.change[target] - nudged.predicted[target]))
    slopes: list[tuple[str, float, Tone]] = [("gradient", slope, "second")]
    if result.method == "smoothgrad":
        slopes.append(("smoothgrad", _value(result, nudged.place), "third"))
    ends = np.array([-1.0, 1.0])
    predicted = [
        Lines(x=ends, y=score + one * ends, label=f"predicted by {name}", tone=tone, style="dashed")
        for name, one, tone in slopes
    ]
    reached = [nudged.curve[:, target], *(one.y for one in predicted)]
    farthest = max(float(np.abs(one - score).max()) for one in reached)
    room = next(one * 10.0**power for power in range(-3, 99) for one in (1, 2, 5) if one * 10.0**power >= farthest)
    return Panel(
        title=f"Score of {target} as pixel {column}, {row} is nudged",
        marks=(
            Lines(x=nudged.sizes, y=nudged.curve[:, target], label="measured"),
            *predicted,
            Lines(x=np.array([nudged.size]), y=nudged.after[target : target + 1], dots=True),
            Event(at=-nudged.brightness, text="black", level=Level.OK),
            Event(at=1 - nudged.brightness, text="white", level=Level.OK),
        ),
        x=Axis(label="change of brightness", limits=(-1.0, 1.0)),
        y=Axis(label="score", limits=(score - room, score + room)),
        note=f"gradient {signed(slope)}, off by {number(missed)} at {signed(nudged.size)}",
    )


def _table(nudged: Nudge, target: int) -> Panel:
    rows = tuple(
        (
            f"{name} ◂" if place == target else name,
            number(float(nudged.before[place])),
            signed(float(nudged.change[place])),
            signed(float(nudged.predicted[place])),
        )
        for place, name in enumerate(DIGITS)
    )
    return Panel(
        title="What the nudge does to each score",
        marks=(Table(columns=("class", "score", "change", "predicted"), rows=rows),),
        note="predicted: gradient times nudge",
    )
