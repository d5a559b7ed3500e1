"""Pictures that are changed for a model: a patch of one pasted into another, or covered."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Int
from torch import Tensor, nn

from pellucid.methods.classifying import classes_of, in_eval
from pellucid.methods.pictures import OTHERS, Pictures
from pellucid.methods.sharing import Sharing


class Edit(NamedTuple):
    """A picture, as it is or with a patch in it: that of another picture, or of the mean where `source` is -1."""

    row: int
    source: int | None = None
    place: tuple[int, int] = (0, 0)
    size: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Pasted:
    """A model and pictures that are changed for it.

    Attributes:
        model: A classifier.
        pictures: Of all classes.
        few: The first pictures of every class, about as many of each: patches are compared with these and pasted into
            these, so that figures do not hang on which classes are examined, of which there are more pictures.
        base: Mean of the means of the classes, of these pictures: no class stands out by its number.
        sharing: The processes that share the work.
    """

    model: nn.Module
    pictures: Pictures
    few: Int[Tensor, " picture"]
    base: Tensor
    sharing: Sharing

    @classmethod
    def of(cls, model: nn.Module, pictures: Pictures, sharing: Sharing) -> "Pasted":
        """Choose the few, and take the mean."""
        present = pictures.labels.unique().tolist()
        each = -(-OTHERS // max(1, len(present) - 1))
        firsts = [torch.nonzero(pictures.labels == label).flatten()[:each] for label in present]
        planes = pictures.planes
        base = torch.stack([planes[rows].mean(0) for rows in firsts]).mean(0)
        return cls(model, pictures, torch.cat(firsts).sort().values, base, sharing)

    def others_than(self, label: int) -> Int[Tensor, " picture"]:
        """Return those of the few that are of other classes."""
        return self.few[self.pictures.labels[self.few] != label]

    def predicted(self, edits: list[Edit]) -> Tensor:
        """Return the class of each picture after its edit; each rank asks for its part of them."""
        mine = [edits[number] for number in self.sharing.mine(len(edits))]
        planes = self.pictures.planes
        size = planes[:1].numel() * planes.element_size()

        def make(rows: Tensor) -> Tensor:
            return self.pictures.as_given(torch.stack([self._made(planes, mine[row]) for row in rows.tolist()]))

        def work() -> list[int]:
            with in_eval(self.model) as model:
                return classes_of(model, len(mine), make, size=size).tolist() if mine else []

        return torch.tensor(self.sharing.in_order(self.sharing.together(work)), dtype=torch.long, device="cpu")

    def _made(self, planes: Tensor, edit: Edit) -> Tensor:
        if edit.source is None:
            return planes[edit.row]
        rows, columns = (slice(at, at + long) for at, long in zip(edit.place, edit.size, strict=True))
        made = planes[edit.row].clone()
        made[:, rows, columns] = (self.base if edit.source < 0 else planes[edit.source])[:, rows, columns]
        return made
