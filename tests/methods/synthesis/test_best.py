"""Best: the real example of each unit, whatever the batches, and read as the pictures are."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pellucid.core.errors import InputError
from pellucid.methods.synthesis import Best, MaximizeOptions, Readout, best, best_of
from tests.methods.synthesis.nets import small


def x(rows: int = 23) -> Tensor:
    """Pictures of 8 x 8."""
    return torch.rand(rows, 1, 8, 8, generator=torch.Generator().manual_seed(0))


def found(model: nn.Module, batches: Any, units: tuple[int, ...], **options: Any) -> Best | None:
    """The best of each unit of layer "3"."""
    readout = Readout(model, "3")
    with readout.ready():
        readout.settle(x(1).to(readout.dtype), (8, 8))
        return best_of(readout, batches, units, (1, 8, 8), MaximizeOptions(**options))


@pytest.mark.parametrize("negative", [False, True])
@pytest.mark.parametrize("centre", [False, True])
@pytest.mark.parametrize("size", [23, 5, 1])
def test_it_is_the_best_of_all_examples(size: int, centre: bool, negative: bool) -> None:
    """However they are cut into batches; of equals the first."""
    model = small(nn.Tanh)
    output = model[:4](x())
    values = output[:, :, 4, 4] if centre else output.mean((2, 3))
    expected = values.min(0) if negative else values.max(0)
    batches = [(one, torch.zeros(len(one))) for one in x().split(size)]
    given = found(model, [(x(0), torch.zeros(0)), *batches], (3, 0), centre=centre, negative=negative)
    assert given is not None
    assert given.numbers.tolist() == expected.indices[[3, 0]].tolist()
    torch.testing.assert_close(given.values, expected.values[[3, 0]].double())
    assert torch.equal(given.inputs, x()[given.numbers])
    assert given.examples == 23


def test_a_large_batch_is_cut_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """And numbered as a whole."""
    whole = found(small(), [x()], (1,))
    monkeypatch.setattr(best, "_MOST_ROWS", 4)
    cut = found(small(), [x()], (1,))
    assert whole is not None
    assert cut is not None
    assert torch.equal(whole.numbers, cut.numbers)


def test_examples_of_nan_win_nothing() -> None:
    """The others are compared; of nothing but NaN the value is infinite the wrong way."""
    given = x()
    given[3] = float("nan")
    model = small(nn.Tanh)
    cleaned = found(model, [given], (2,))
    assert cleaned is not None
    assert int(cleaned.numbers[0]) != 3
    nothing = found(model, [given[3:4]], (2,))
    assert nothing is not None
    assert float(nothing.values[0]) == -float("inf")


def test_examples_are_cast_to_what_the_model_takes() -> None:
    """Pictures of float32 for a model of bfloat16."""
    given = found(small().bfloat16(), [x()], (0,))
    assert given is not None
    assert given.inputs.dtype == torch.float32


def test_pictures_of_another_size_are_refused() -> None:
    """They could not be laid side by side."""
    with pytest.raises(InputError) as told:
        found(small()[:4], [x(), torch.rand(2, 1, 8, 9)], (0,))
    assert str(told.value) == (
        "Pictures of (1, 8, 9) came in like= after pictures of (1, 8, 8). Bring all to one size, or give "
        "like=(channels, height, width)."
    )


def test_an_error_of_the_model_comes_with_the_batch() -> None:
    """Which of several, and what it held."""
    model = small()

    def refuse(_: nn.Module, given: tuple[Tensor]) -> None:
        if len(given[0]) == 2:
            raise RuntimeError("no pairs")

    model.register_forward_pre_hook(refuse)
    with pytest.raises(RuntimeError, match=r"^no pairs\n") as caught:
        found(model, [(x(4), None), (x(2), None)], (0,))
    assert caught.value.__notes__[1:] == ["That was batch 2 of the data. Give batches that the model takes."]
