"""A process that measures a landscape slowly, to be killed; started by test_resume.py."""

import sys
import time
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

import pellucid as pel
from tests.kinds import Net, batch

OPTIONS = pel.loss.LandscapeOptions(lines=1)


def slowly(output: Any, target: Tensor) -> Tensor:
    """Take a while."""
    time.sleep(0.01)
    return F.cross_entropy(output, target)


def main() -> None:
    """Measure, and keep it."""
    torch.manual_seed(0)
    pel.loss.landscape(Net(), batch(64), loss=slowly, options=OPTIONS, resume=sys.argv[1], progress=False)


if __name__ == "__main__":
    main()
