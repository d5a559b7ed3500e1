"""Tests of rows: every form that numbers come in, read part by part."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import pellucid.methods.mapping.rows
from pellucid.core.errors import InputError
from pellucid.methods.mapping import Rows

VALUES = np.arange(48, dtype=np.float32).reshape(12, 4)
FORMS = (
    *("array", "integers", "the other way round", "long", "columns first", "memory map", "lists", "masked"),
    *("tensor", "parameter", "half", "transposed"),
)


def forms(folder: Path) -> dict[str, Any]:
    """Return the same numbers in every form."""
    np.save(folder / "rows.npy", VALUES)
    tensor = torch.from_numpy(VALUES.copy())
    return {
        "array": VALUES,
        "integers": VALUES.astype(np.int16),
        "the other way round": VALUES.astype(">f8"),
        "long": VALUES.astype(np.longdouble),
        "columns first": np.asfortranarray(VALUES),
        "memory map": np.load(folder / "rows.npy", mmap_mode="r"),
        "lists": VALUES.tolist(),
        "masked": np.ma.masked_array(VALUES, mask=np.zeros_like(VALUES)),
        "tensor": tensor,
        "parameter": torch.nn.Parameter(tensor),
        "half": tensor.bfloat16(),
        "transposed": tensor.T.contiguous().T,
    }


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("step", [1 << 22, 12])
def test_every_form_is_read_the_same(form: str, step: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one part or several, all of it or some rows."""
    monkeypatch.setattr(pellucid.methods.mapping.rows, "_CHUNK", step)
    rows = Rows("features", forms(tmp_path)[form])
    parts = list(rows.chunks())
    assert (rows.total, rows.units, len(rows), len(parts)) == (12, 4, 12, 1 if step > 48 else 4)
    assert all(part.dtype == torch.float64 for part in parts)
    np.testing.assert_array_equal(torch.cat(parts), VALUES)
    np.testing.assert_array_equal(rows.take(np.array([1, 2, 7, 11])), VALUES[[1, 2, 7, 11]])
    assert rows.take(np.array([], dtype=np.int64)).shape == (0, 4)


@pytest.mark.parametrize("tensor", [False, True])
def test_rows_that_are_not_finite_are_left_out(tensor: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """NaN and infinities alike; numbers of rows are then those of the rest."""
    monkeypatch.setattr(pellucid.methods.mapping.rows, "_CHUNK", 12)
    values = VALUES.copy()
    values[[2, 5, 6, 11], [0, 1, 2, 3]] = np.nan, np.inf, -np.inf, np.nan
    rows = Rows("features", torch.from_numpy(values) if tensor else values)
    kept = [0, 1, 3, 4, 7, 8, 9, 10]
    assert (rows.total, len(rows), rows.left_out.tolist()) == (12, 8, [2, 5, 6, 11])
    np.testing.assert_array_equal(torch.cat(list(rows.chunks())), VALUES[kept])
    np.testing.assert_array_equal(rows.take(np.array([2, 4])), VALUES[[3, 7]])


def test_what_is_masked_is_not_finite() -> None:
    """It is no number."""
    mask = np.zeros_like(VALUES, dtype=bool)
    mask[3, 1] = True
    assert Rows("features", np.ma.masked_array(VALUES, mask=mask)).left_out.tolist() == [3]


def test_a_gpu_would_be_read_without_its_gradient() -> None:
    """A tensor that asks for gradients is read, and stays as it is."""
    given = torch.ones(5, 3, requires_grad=True)
    (read,) = Rows("features", given * 2).chunks()
    assert not read.requires_grad
    assert given.grad is None


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (None, "features=None came"),
        ("abc", "features='abc' came"),
        ({"a", "b"}, "features={'a', 'b'} came"),
        (np.array([None, "a"], dtype=object), "features of type ndarray came"),
        (torch.zeros(3, 2, dtype=torch.complex64), "features of type Tensor came"),
        (torch.zeros(3, 2).to_sparse(), "features of type Tensor came"),
        (torch.zeros(3, 2, device="meta"), "features of type Tensor came"),
        ([[1], [2, 3]], "features=[[1], [2, 3]] came"),
        (torch.nn.Linear, "features came as the class Linear"),
    ],
)
def test_anything_else_is_refused(given: Any, words: str) -> None:
    """With what came and what was expected."""
    with pytest.raises(InputError) as caught:
        Rows("features", given)
    message = str(caught.value)
    assert message.startswith(words) or isinstance(given, set)
    assert message.endswith("; expected numbers [row, unit]: an array, a memory map or a tensor.")


def test_pictures_have_to_be_flattened() -> None:
    """The message says how."""
    with pytest.raises(InputError) as caught:
        Rows("features", np.zeros((5, 3, 3)))
    assert str(caught.value) == (
        "features of shape (5, 3, 3) came; expected numbers [row, unit]: an array, a memory map or a tensor. Flatten "
        "what has more axes: features.reshape(len(features), -1)."
    )


def test_numbers_that_are_too_large_are_refused() -> None:
    """Their squares would be infinite, and it is no row that is not finite."""
    with pytest.raises(InputError) as caught:
        Rows("features", np.full((5, 2), -2e150))
    assert str(caught.value) == (
        "features came with values up to 2.0e+150; expected 1e+140 at the most, so that their squares can be added up. "
        "Divide them first."
    )
