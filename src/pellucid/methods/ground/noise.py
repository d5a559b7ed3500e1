"""Noise: what a model draws in eval mode, made the same at every place."""

import random

import numpy as np
import torch
from torch import nn

from pellucid.probe.contents import PutBack, generator_back

_DRAWS = 0


def seed_everything() -> None:
    """Seed Python, NumPy and PyTorch, on the CPU and on every CUDA device that is in use, always with the same."""
    torch.default_generator.manual_seed(_DRAWS)  # torch.manual_seed would reseed a GPU that is not in use yet
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(_DRAWS)
    random.seed(_DRAWS)
    np.random.seed(_DRAWS)  # noqa: NPY002 - a model may draw from it


def own_generators(model: nn.Module) -> list[PutBack]:
    """Return functions that put the generators which modules hold as attributes back to where they stand now."""
    held = {id(one): one for module in model.modules() for one in vars(module).values()}
    kept = (generator_back(one) for one in held.values() if not isinstance(one, np.ndarray))
    return [one for one in kept if one is not None]
