"""One thread, fixed seeds, and a way to say that a model must come back as it was.

This file must not import pellucid: the shape checks are put in place after it is read.
"""

import random
import signal
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager

import numpy as np
import pytest
import torch
from hypothesis import settings
from torch import nn

from tests.reference.model_state import differences, state_of

# No deadline: the machine may be shared. The same examples every time: a red test stays red.
settings.register_profile("pellucid", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("pellucid")

torch.set_num_threads(1)


@pytest.fixture(autouse=True, scope="session")
def ctrl_c_is_heard() -> None:
    """Have Ctrl-C heard, which a process that a shell has put into the background ignores from its birth."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def fixed_seeds() -> None:
    """Start every test from the same random state, whichever tests ran before it."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - other people's code draws from it
    torch.manual_seed(0)


@pytest.fixture
def model_is_untouched() -> Callable[[nn.Module], AbstractContextManager[None]]:
    """Give a context manager that fails when the model, or the process, is not as it was.

    Compared bit for bit, also after an exception: parameters, buffers, gradients, modes, hooks, attributes,
    random state, global flags.
    """

    @contextmanager
    def untouched(model: nn.Module) -> Generator[None]:
        before = state_of(model)
        try:
            yield
        finally:
            changed = differences(before, state_of(model))
            assert not changed, f"watching changed {', '.join(changed)}"

    return untouched
