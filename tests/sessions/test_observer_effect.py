"""Watching changes nothing, bit for bit."""

from typing import Any

import pytest
import torch
from torch import Tensor

from tests.sessions import loops

CASES = {
    "plain": (loops.plain, {}),
    "accumulating": (loops.accumulating, {}),
    "mixed precision": (loops.scaled, {"optimizer": "SGD"}),
    "checkpointed": (loops.plain, {"recompute": True}),
    "closure": (loops.closures, {"optimizer": "LBFGS"}),
    "compiled": (loops.plain, {"compiled": "aot_eager"}),
    "compiled, accumulating": (loops.accumulating, {"compiled": "aot_eager"}),
}


def same(one: tuple[list[float], list[Tensor]], two: tuple[list[float], list[Tensor]]) -> bool:
    """Whether two trainings agree in every bit."""
    return one[0] == two[0] and len(one[1]) == len(two[1]) and all(map(torch.equal, one[1], two[1]))


@pytest.mark.parametrize("case", list(CASES))
@pytest.mark.filterwarnings("ignore:.*lr_scheduler.*", "ignore:.*_get_tracing_state.*")
def test_a_watched_training_is_the_same_bit_for_bit(case: str) -> None:
    """Losses, parameters, buffers, optimiser state, gradients and RNG agree, checks on held-out data included."""
    loop, options = CASES[case]
    bare = loops.run(loop, watched=False, **options)
    assert same(bare, loops.run(loop, watched=False, **options))  # the unwatched training repeats itself
    assert same(bare, loops.run(loop, watched=True, check=True, **options))


def test_the_comparison_sees_a_disturbance() -> None:
    """A single draw from the global generator is enough to make the test above fail."""
    bare = loops.run(loops.plain, watched=False)

    def disturbed(setting: Any, watch: Any) -> list[float]:
        torch.rand(1)
        return loops.plain(setting, watch)

    assert not same(bare, loops.run(disturbed, watched=False))


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_the_model_comes_back_when_training_breaks_off(error: type[BaseException]) -> None:
    """After an exception or Ctrl-C in a forward no hook is left, and the exception is the user's own."""
    setting = loops.Setting()

    def broken(*_: Any) -> None:
        raise error("stop here")

    def train() -> None:
        with loops.watching(setting) as watch:
            loops.plain(setting, watch)
            with setting.plain.norm.register_forward_hook(broken):
                setting.model(setting.batches[0][0])

    with pytest.raises(error, match="stop here"):
        train()
    for module in setting.plain.modules():
        assert not module._forward_hooks
        assert not module._forward_pre_hooks
    assert not setting.optimizer._optimizer_step_pre_hooks
    assert not setting.optimizer._optimizer_step_post_hooks
