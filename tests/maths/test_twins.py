"""Twin rows, against the full matrix of cosines."""

import re

import pytest
import torch
from torch import Tensor

from pellucid.core.errors import InputError
from pellucid.maths.twins import twin_share
from tests.reference.twins import slow_twin_share


def _random() -> Tensor:
    return torch.randn(48, 20, generator=torch.Generator().manual_seed(3))


def _pairs(noise: float) -> Tensor:
    weight = _random()
    weight[1::4] = weight[::4] * 3 + noise * torch.randn(12, 20, generator=torch.Generator().manual_seed(4))
    return weight


def _zeroed(*rows: int) -> Tensor:
    weight = _random()
    weight[list(rows)] = 0
    return weight


CASES = {
    "random": _random(),
    "pairs": _pairs(0),
    "near pairs": _pairs(3e-3),
    "not so near pairs": _pairs(6e-2),
    "opposite": torch.cat([_random(), -_random()]),
    "constant": torch.full((48, 20), 0.1),
    "zero": torch.zeros(48, 20),
    "one zero row": _zeroed(5),
    "zero rows": _zeroed(*range(5, 15)),
    "tiny": _pairs(0) * 1e-30,
    "huge": _pairs(0) * 1e30,
    "kernels": _random()[:, :18].repeat(2, 1).view(96, 2, 3, 3),
}


@pytest.mark.parametrize("name", CASES)
def test_share_of_twins(name: str) -> None:
    """The share is that of the full matrix of cosines."""
    weight = CASES[name]
    assert float(twin_share(weight)) == pytest.approx(slow_twin_share(weight.double().numpy()), abs=1e-6)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_other_types(dtype: torch.dtype) -> None:
    """Copies are found in every floating type, and random rows stay apart."""
    assert float(twin_share(_pairs(0).to(dtype))) == pytest.approx(0.5)
    assert float(twin_share(_random().to(dtype))) == 0.0


def test_rows_that_are_not_finite_have_no_twin() -> None:
    """NaN and infinity are nobody's twins and do not hide those of others."""
    weight = _pairs(0)
    weight[2], weight[3, 4] = float("nan"), float("inf")
    assert float(twin_share(weight)) == pytest.approx(0.5)


def test_many_rows() -> None:
    """Twins are found among thousands of rows, however the rows are shuffled."""
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(4000, 16, generator=generator)
    weight[2000:] = weight[:2000] * (1 + torch.rand(2000, 1, generator=generator))
    assert float(twin_share(weight[torch.randperm(4000, generator=generator)])) == 1.0


def test_nothing_is_drawn_and_the_weight_stays() -> None:
    """The global random state and the weight are as before, and no gradient is recorded."""
    weight = torch.nn.Parameter(_random())
    before, state = weight.detach().clone(), torch.get_rng_state()
    share = twin_share(weight)
    assert not share.requires_grad
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(weight.detach(), before)


@pytest.mark.parametrize("shape", [(1, 5), (0, 5), (4, 0)])
def test_degenerate_shapes(shape: tuple[int, int]) -> None:
    """Without two rows, or without columns, there are no twins."""
    assert float(twin_share(torch.ones(shape))) == 0.0


def test_vectors_are_refused() -> None:
    """A bias has no rows."""
    message = (
        "A weight of shape (3,) has no rows to compare: expected two axes or more. "
        "Leave biases and norm parameters out."
    )
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        twin_share(torch.ones(3))
