"""The end of the demo: what a real classifier sees in a photograph, and where."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pellucid.cli.terminal import counting
from pellucid.core.errors import MissingExtraError
from pellucid.core.figure.words import percent

if TYPE_CHECKING:
    from rich.console import Console
    from torch import Tensor

    from pellucid.core.result import Result
    from pellucid.outlets.report.sheet import Sheet
    from pellucid.probe.subject import Subject

NAME, TITLE = "coffee", "A photograph, and what a network sees in it"
GUESSES = 3
EXPLAINED = ("espresso", "plate")
"""The classes that are explained: what the photograph shows, and what is beside it."""
TEACHES = (
    "Which places of the photograph the scores for espresso and for plate depend on: Grad-CAM, from the last layer "
    "that has places. Then where the network begins: the filters of its first layer, and what they make of the "
    "photograph."
)


def look_at_photograph(page: Path, screen: "Console") -> Path | None:
    """Ask EfficientNet-Lite0 about a photograph, and write a page of where it looks.

    Args:
        page: Where the page goes.
        screen: What was seen is said there, or why nothing was.

    Returns:
        The page; None where the packages with the classifier and the photograph are not installed.

    Cost:
        About 3 seconds.
    """
    from pellucid.gallery import imagenet_classifier, photograph
    from pellucid.outlets.report.build import write_report

    try:
        classifier, picture = imagenet_classifier(), photograph(NAME)
    except MissingExtraError as missing:
        screen.print(f"{'photograph':<24}left out: {missing}", soft_wrap=True)
        return None
    seen = _seen(classifier, picture)
    with counting("Looking at a photograph") as progress:
        written = write_report([_sheet(classifier, picture, seen)], page, title=TITLE, progress=progress)
    screen.print(f"{'photograph':<24}{seen}")
    return written


def _seen(classifier: "Subject", picture: "Tensor") -> str:
    """Return the classes that score highest, in words."""
    import torch

    with torch.no_grad():
        shares, numbers = classifier.model(picture)[0].softmax(-1).topk(GUESSES)
    names = classifier.class_names or ()
    pairs = zip(shares.tolist(), numbers.tolist(), strict=True)
    return ", ".join(f"{names[number]} {percent(share)}" for share, number in pairs)


def _sheet(classifier: "Subject", picture: "Tensor", seen: str) -> "Sheet":
    from pellucid.core.judge import judge
    from pellucid.outlets.report.sheet import Sheet

    results = _results(classifier, picture)
    return Sheet(
        title="coffee",
        about=f"EfficientNet-Lite0, trained on the 1,000 classes of ImageNet, sees: {seen}.",
        facts={"model": results["places"].provenance.model},
        findings=judge(results.values()),
        figures={f"{name}.first": partial(result.figure, None) for name, result in results.items()},
        kinds={name: type(result).kind for name, result in results.items()},
        teaches=(TEACHES,),
    )


def _results(classifier: "Subject", picture: "Tensor") -> "dict[str, Result]":
    """Examine the network, in the order of the page."""
    from pellucid.windows import activations, gradients, weights

    names = classifier.class_names or ()
    asked = [names.index(name) for name in EXPLAINED]
    copies = picture.expand(len(asked), -1, -1, -1)
    return {
        "places": gradients.saliency(classifier, copies, asked, method="gradcam", progress=False),
        "filters": weights.filters(classifier, data=picture, progress=False),
        "maps": activations.feature_maps(classifier, picture, at="stem", progress=False),
    }
