"""What a survey has measured, in a file that a process leaves behind whole, also when it is killed."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as to_bytes
from torch import Tensor, nn

from pellucid.core.errors import FormatError, InputError, StoreError
from pellucid.core.files import write_atomically
from pellucid.methods.ground.lockstep import Lockstep
from pellucid.methods.sharing import fingerprint

Array = NDArray[Any]
Key = tuple[int, int, int]
"""What a point is part of, and its place there."""
_HEADER, _FORMAT = "pellucid survey", 1
_ALIKE = 1e-3
"""Up to which two losses at the weights are the same, rounded differently."""


class Kept:
    """The points of one survey on disk: one file, and while several ranks measure one more of each of the others.

    What is there from before is read when it is made. All ranks call it together, and know the same afterwards; ranks
    that do not see a file hear from the others what is in it.

    Args:
        path: The file.
        marks: By what must be the same for points to belong together, such as "data", what stands for it.
        proof: A loss at the weights: where model or loss are other functions, it differs.
        lockstep: Who measures together.

    Attributes:
        known: Losses of points that were measured before, [part] each.

    Raises:
        InputError: The file holds points of something else.
        FormatError: It is damaged, or no such file.
        StoreError: It cannot be read.
    """

    def __init__(self, path: Path, marks: Mapping[str, str], proof: float, lockstep: Lockstep) -> None:
        self._path, self._marks, self._proof, self._lockstep = path, dict(marks), proof, lockstep
        rank = lockstep.sharing.rank
        self._mine = path if not rank else path.with_name(f"{path.name}.{rank}")
        self.known: dict[Key, Array] = {}
        for found in lockstep.exchange("known points", self._read):
            for key, losses in found.items():
                self.known.setdefault(key, losses)

    def write(self, keys: Sequence[Key], losses: Array | None) -> None:
        """Replace this rank's file.

        Args:
            keys: Of all points that it is to hold.
            losses: [point, part]; None where there are none.

        Raises:
            StoreError: It cannot be written; what was there before is still there.
        """
        points = np.array(keys, dtype=np.int64).reshape(-1, 3)
        values = np.zeros((0, 0)) if losses is None else np.ascontiguousarray(losses)
        write_atomically(self._mine, self._packed({"points": points, "losses": values}))

    def directions(self) -> tuple[Tensor, Tensor, int] | None:
        """Return two directions that were found before, one vector each, and the passes that they took."""
        path = self._of("directions")

        def work() -> tuple[Array, Array, int] | None:
            if self._lockstep.sharing.rank or not path.exists():
                return None
            header, arrays = self._unpacked(path)
            return arrays["first"], arrays["second"], int(header["passes"])

        found = self._lockstep.exchange("directions", work)[0]
        return None if found is None else (torch.from_numpy(found[0]), torch.from_numpy(found[1]), found[2])

    def write_directions(self, first: Tensor, second: Tensor, passes: int) -> None:
        """Keep two directions that took long to find; see `directions`."""
        if self._lockstep.sharing.rank == 0:
            # NumPy knows no bfloat16.
            wide = torch.promote_types(first.dtype, torch.float32)
            arrays = {name: one.to("cpu", wide).numpy() for name, one in (("first", first), ("second", second))}
            write_atomically(self._of("directions"), self._packed(arrays, passes=passes))

    def tidy(self) -> None:
        """Take away the files of the other ranks, once that of the first holds all points."""
        if self._lockstep.sharing.rank == 0:
            for one in self._of_ranks():
                one.unlink(missing_ok=True)

    def _of(self, name: str) -> Path:
        return self._path.with_name(f"{self._path.name}.{name}")

    def _of_ranks(self) -> list[Path]:
        near = self._path.parent.iterdir() if self._path.parent.is_dir() else ()
        return sorted(
            one
            for one in near
            if one.name.startswith(f"{self._path.name}.") and one.name[len(self._path.name) + 1 :].isdecimal()
        )

    def _read(self) -> dict[Key, Array]:
        found: dict[Key, Array] = {}
        for path in (self._path, *self._of_ranks()):
            if path.exists():
                _, arrays = self._unpacked(path)
                for key, losses in zip(arrays["points"].tolist(), arrays["losses"], strict=True):
                    found.setdefault(tuple(key), losses)
        return found

    def _packed(self, arrays: Mapping[str, Array], **more: int) -> bytes:
        header = {"format": _FORMAT, "marks": self._marks, "proof": self._proof, **more}
        return to_bytes(dict(arrays), metadata={_HEADER: json.dumps(header)})

    def _unpacked(self, path: Path) -> tuple[dict[str, Any], dict[str, Array]]:
        try:
            with safe_open(path, framework="numpy") as file:
                metadata = cast("dict[str, str] | None", file.metadata()) or {}
                arrays = {str(key): np.asarray(file.get_tensor(key)) for key in list(file.keys())}
            header = json.loads(metadata[_HEADER])
            marks, proof, version = header["marks"], float(header["proof"]), header["format"]
        except OSError as error:
            raise StoreError(f"Could not read {path}: {error.strerror or error}.") from error
        except (SafetensorError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise FormatError(
                f"{path} is damaged, or holds something else than a landscape that was begun. Name another file, or "
                "delete this one to begin anew; what `save` writes is another kind of file."
            ) from error
        if version != _FORMAT:
            raise FormatError(
                f"{path} has format {version!r}; this pellucid reads format {_FORMAT}. Name another file."
            )
        self._refuse_others(path, marks, proof)
        return header, arrays

    def _refuse_others(self, path: Path, marks: Mapping[str, str], proof: float) -> None:
        names = list(dict.fromkeys((*self._marks, *marks)))
        odd = [name for name in names if marks.get(name) != self._marks.get(name)]
        if not odd and not math.isclose(proof, self._proof, rel_tol=_ALIKE):
            same = math.isnan(proof) and math.isnan(self._proof)
            odd = [] if same else [f"loss at the weights ({proof:g} then, {self._proof:g} now)"]
        if odd:
            raise InputError(
                f"{path} holds a landscape that was begun with other {' and '.join(odd)}. It goes on with the same "
                "model, weights, arguments and data in the same order alone. Give these, name another file, or delete "
                "this one to begin anew."
            )


def marks_of(model: nn.Module, parts: Sequence[Any]) -> dict[str, str]:
    """Return what stands for the weights of a model, and for data.

    Args:
        model: With parameters and buffers.
        parts: Of the data, nested at will.

    Cost:
        A pass over the bytes of both, on the CPU.
    """
    named = dict([*model.named_parameters(), *model.named_buffers()])
    return {"weights": mark_of(named), "data": mark_of(parts)}


def mark_of(value: Any) -> str:
    """Return a text that another value would not have, of tensors, arrays, plain values, and nests of these."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        value = torch.from_numpy(np.ascontiguousarray(value))
    if isinstance(value, Tensor):
        dense = value.layout is torch.strided and not value.is_quantized and not value.is_nested
        return fingerprint(value) if dense else f"{value.layout} {value.dtype}"
    if isinstance(value, Mapping):
        parts = [f"{key!r}: {mark_of(one)}" for key, one in cast("Mapping[Any, Any]", value).items()]
    elif isinstance(value, (list, tuple)):
        parts = [mark_of(one) for one in cast("Sequence[Any]", value)]
    elif value is None or isinstance(value, (str, int, float, bool)):
        return repr(value)
    else:
        return type(value).__name__  # what is in it nobody knows
    written = np.frombuffer("\n".join(parts).encode(), dtype=np.uint8)
    return f"{type(value).__name__} {fingerprint(torch.from_numpy(written.copy()))}"
