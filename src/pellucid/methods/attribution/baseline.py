"""Baselines: what an input is compared with. A part of the question, not of the answer."""

from numbers import Real
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from pellucid.core.arguments import came
from pellucid.core.errors import InputError
from pellucid.methods.attribution.question import Question, wide
from pellucid.probe.subject import is_plain

COMPARED = "The baseline is a part of the question: another one gives another map."
"""What maps that compare with a baseline cannot show."""

_HOW = "Expected None, a number, 'blur', 'mean', or a tensor like one example or like the whole batch."


def baselines_of(given: Any, question: Question) -> tuple[Tensor, ...]:
    """Return a baseline for each of the values.

    Args:
        given: None (0), a number, "blur", "mean", a tensor, or a tuple or list of these, one for each of the values.
        question: Which is being asked.

    Returns:
        [examples, ...] each, of the type and on the device of the values.

    Raises:
        InputError: It is none of these, does not fit, or is not finite.
    """
    values = question.values
    several = given if isinstance(given, (tuple, list)) else [given] * len(values)
    if len(several) != len(values):
        raise InputError(f"{len(several)} baselines came for {len(values)} explained inputs. Give one for each.")
    return tuple(_one(some, value) for some, value in zip(several, values, strict=True))


def _one(given: Any, value: Tensor) -> Tensor:
    if given is None:
        return torch.zeros_like(value)
    if isinstance(given, str):
        return _made(given, value)
    usable = is_plain(given) if isinstance(given, Tensor) else isinstance(given, Real) and not isinstance(given, bool)
    if not usable:
        raise InputError(f"{came('baseline', given)}. {_HOW}")
    try:
        tensor = torch.as_tensor(given, dtype=value.dtype, device=value.device).detach()
    except OverflowError as error:
        raise InputError(f"{came('baseline', given)}, larger than {value.dtype} holds. {_HOW}") from error
    if not bool(torch.isfinite(tensor).all()):
        raise InputError(f"The baseline holds NaN or infinity. {_HOW}")
    try:
        return tensor.expand_as(value).contiguous()
    except RuntimeError as error:
        raise InputError(
            f"The baseline has shape {tuple(tensor.shape)}, the input {tuple(value.shape)}. {_HOW}"
        ) from error


def _made(name: str, value: Tensor) -> Tensor:
    if name == "mean":
        return value.mean(dim=tuple(range(2, value.ndim)) or (1,), keepdim=True).expand_as(value).contiguous()
    if name == "blur" and value.ndim == 4:
        return blurred(value)
    raise InputError(
        f"baseline={name!r} came, for an input of shape {tuple(value.shape)}. {_HOW} 'blur' is for images."
    )


def blurred(images: Tensor) -> Tensor:
    """Return images under a Gaussian blur that leaves no detail: its width is a tenth of the smaller side.

    Args:
        images: [examples, channels, rows, columns].
    """
    sigma = max(1.0, min(images.shape[2:]) / 10)
    reach = int(3 * sigma)
    steps = torch.arange(-reach, reach + 1, device=images.device, dtype=wide(images).dtype)
    kernel = torch.exp(-0.5 * (steps / sigma) ** 2)
    kernel = kernel / kernel.sum()
    out = wide(images)
    for axis in (2, 3):
        shape = [1, 1, 1, 1]
        shape[axis] = len(kernel)
        weight = kernel.reshape(shape).expand(images.shape[1], 1, *shape[2:])
        pad = (0, 0, reach, reach) if axis == 2 else (reach, reach, 0, 0)
        out = F.conv2d(F.pad(out, pad, mode="replicate"), weight, groups=images.shape[1])
    return out.to(images.dtype)
