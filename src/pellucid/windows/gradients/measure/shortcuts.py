"""From a classifier and labelled pictures to the patches that alone make a class."""

import hashlib
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pellucid.core.errors import InputError
from pellucid.core.result import Provenance
from pellucid.maths.repeats import Repeat, moving, standing
from pellucid.methods.attribution import IntegratedGradients, Method, Question, method_of
from pellucid.methods.classifying import classes_of, in_eval, scores_of
from pellucid.methods.pictures import OTHERS, Pictures, first_batch, labelled, pictures_of
from pellucid.methods.sharing import Group, Sharing
from pellucid.probe.guard import undisturbed
from pellucid.probe.subject import Subject
from pellucid.windows.gradients.result import Shortcuts, Spot

NODES = 8
LEAST_HITS, LEAST_SHARE = 8, 0.1
TRIED, TESTED = 32, 128
"""Pictures that each patch is pasted into: to choose one of a class, and to measure it, on others."""
EXEMPLARS = 4
_NOTEWORTHY = 0.2
_BLOCK = 256


@undisturbed()
def shortcuts(
    model: nn.Module | Subject,
    data: Iterable[Any] | None = None,
    *,
    method: str | Method | None = None,
    cell: int | tuple[int, int] | None = None,
    most: int = 100,
    classes: Sequence[int] | None = None,
    shape: tuple[int, ...] | None = None,
    group: Group = None,
) -> Shortcuts:
    """Find what a classifier may use in place of what it should learn, such as a watermark in the pictures of a class.

    Patches are sought that stand, alike, in many pictures of a class and in few others, at one place or at many, and
    that get attention (saliency). Each is then pasted into pictures of other classes, and covered in its own.

    Args:
        model: A classifier, or a subject (whose batches and class names are used).
        data: A loader of (pictures, labels), or one such pair; best pictures that the model was not trained on, with
            whatever artefact those have. Pictures are [N, channel, row, column] or [N, row, column].
        method: Name of a method of attribution, or one with options; None for integrated gradients from the mean of
            all classes with 8 nodes.
        cell: Rows and columns of a patch, in pixels; None for a quarter of each side. A patch ought to be about as
            large as the artefact, or smaller.
        most: Pictures of a class to look at: the first that come.
        classes: Classes to examine; None for all.
        shape: (channels, rows, columns) where the inputs are flat; a signal is (channels, 1, length).
        group: Share the work under torch.distributed: "world" or a process group. Every rank must call with the same
            data, in the same order; each examines every world-th picture, and all return the whole result, equal to
            that of one process to 1e-6 (counts and shares exactly). None works alone, and waits for nobody.

    Returns:
        Maps and patches, with a finding for each class that has a shortcut.

    Raises:
        InputError: The data are no labelled pictures, or the model is no classifier of them.
        CaptureError: Another rank failed; the message says why.

    Cost:
        Of each picture 8 forward and backward passes, and one forward pass; 192 forward passes and less for each patch
        that repeats; and the pairs of pictures of a class, compared in every cell. Of the digits (16 x 16 pixels, ten
        classes, 512 pictures) that is about 3 s on one core.

    Source:
        After Lapuschkin et al. 2019, "Unmasking Clever Hans predictors"; the tests of patches are ours.
    """
    begun, subject, sharing = time.perf_counter(), Subject.of(model), Sharing.of(group)
    if most < 1:
        raise InputError(f"most={most} came; expected 1 picture of a class or more.")
    pictures, labels = _read(subject, data, most=most, classes=classes, shape=shape)
    sharing.agree("data", _mark(pictures))
    cells = _Cells.of(cell, pictures.shape)
    base = _mean_of_classes(pictures)
    maps = _maps(subject.model, pictures, base, method, sharing)
    work = _Examined(subject.model, pictures, base, sharing)
    predicted = work.predicted([_Edit(row) for row in range(len(pictures.labels))])
    candidates = _candidates(pictures, maps, labels, cells, sharing)
    spots = _tested(work, candidates, predicted, maps)
    own = [pictures.labels == label for label in labels]
    return Shortcuts(
        provenance=_provenance(subject, pictures, time.perf_counter() - begun),
        labels=np.array(labels, dtype=np.int64),
        class_names=subject.class_names or (),
        counts=np.array([int(one.sum()) for one in own], dtype=np.int64),
        accuracies=np.array([_share(predicted[one] == label) for one, label in zip(own, labels, strict=True)]),
        maps=torch.stack([maps[one].mean(0) if one.any() else torch.zeros_like(maps[0]) for one in own]).numpy(),
        cell=cells.size,
        least=np.array([_least(int(one.sum())) for one in own], dtype=np.int64),
        spots=spots,
        method="integratedgradients" if method is None else method_of(method).name,
        left_out=pictures.left_out,
    )


class _Edit(NamedTuple):
    """A picture, as it is or with a patch in it: that of another picture, or of the mean where `source` is -1."""

    row: int
    source: int | None = None
    place: tuple[int, int] = (0, 0)
    size: tuple[int, int] = (0, 0)


@dataclass(frozen=True, kw_only=True)
class _Cells:
    """How pictures are cut: `size` in pixels, and the same in blocks of `pooled` x `pooled` pixels."""

    size: tuple[int, int]
    coarse: tuple[int, int]
    pooled: tuple[int, int]
    stride: tuple[int, int]

    @classmethod
    def of(cls, cell: int | tuple[int, int] | None, shape: tuple[int, int, int]) -> "_Cells":
        """Large patches are compared in blocks, so that it takes no longer than with small ones."""
        sides = shape[1:]
        wanted = tuple(min(side, max(3, side // 4)) for side in sides) if cell is None else cell
        size = (wanted, wanted) if isinstance(wanted, int) else tuple(wanted)
        if len(size) != 2 or any(not 1 <= one <= side for one, side in zip(size, sides, strict=True)):
            raise InputError(f"cell={cell} came; expected rows and columns, at most {sides[0]} x {sides[1]}.")
        if size[0] * size[1] < 3:
            raise InputError(f"cell={cell} came; a patch of less than 3 pixels cannot be told from others.")
        pooled = (max(1, size[0] // 8), max(1, size[1] // 8))
        coarse = (size[0] // pooled[0], size[1] // pooled[1])
        return cls(
            size=(coarse[0] * pooled[0], coarse[1] * pooled[1]),
            coarse=coarse,
            pooled=pooled,
            stride=(max(1, coarse[0] // 4), max(1, coarse[1] // 4)),
        )

    @property
    def smaller(self) -> tuple[int, int]:
        """Three quarters of a cell: less of what surrounds a patch that moves."""
        height, width = self.coarse
        return min(height, max(3, 3 * height // 4)), min(width, max(3, 3 * width // 4))

    def shares(self, maps: Tensor, cell: tuple[int, int], stride: tuple[int, int] = (1, 1)) -> Tensor:
        """Return the share of each map that lies in each cell of so many blocks, [picture, down, right]."""
        coarse = F.avg_pool2d(maps[:, None], self.pooled) * (self.pooled[0] * self.pooled[1])
        return F.avg_pool2d(coarse, cell, stride)[:, 0] * (cell[0] * cell[1])


@dataclass(frozen=True)
class _Examined:
    """A model and pictures that are changed for it."""

    model: nn.Module
    pictures: Pictures
    base: Tensor
    sharing: Sharing

    def predicted(self, edits: list[_Edit]) -> Tensor:
        """Return the class of each picture after its edit; each rank asks for its part of them."""
        mine = [edits[number] for number in self.sharing.mine(len(edits))]
        planes = self.pictures.planes
        size = planes[:1].numel() * planes.element_size()

        def make(rows: Tensor) -> Tensor:
            return self.pictures.as_given(torch.stack([self._made(planes, mine[row]) for row in rows.tolist()]))

        def work() -> list[int]:
            with in_eval(self.model) as model:
                return classes_of(model, len(mine), make, size=size).tolist() if mine else []

        return torch.tensor(self.sharing.in_order(self.sharing.together(work)), dtype=torch.long)

    def _made(self, planes: Tensor, edit: _Edit) -> Tensor:
        if edit.source is None:
            return planes[edit.row]
        rows, columns = (slice(at, at + long) for at, long in zip(edit.place, edit.size, strict=True))
        made = planes[edit.row].clone()
        made[:, rows, columns] = (self.base if edit.source < 0 else planes[edit.source])[:, rows, columns]
        return made


def _read(
    subject: Subject,
    data: Iterable[Any] | None,
    *,
    most: int,
    classes: Sequence[int] | None,
    shape: tuple[int, ...] | None,
) -> tuple[Pictures, list[int]]:
    """Return pictures, and the classes to examine."""
    chosen = subject.batches if data is None else data
    if chosen is None:
        raise InputError("No data came. Give shortcuts(model, loader), or a subject with batches.")
    first, batches = first_batch(chosen)
    x, _ = labelled(first)
    with in_eval(subject.model) as model:
        count = scores_of(model, x[:1] if len(x) else x).shape[1]
    labels = list(range(count)) if classes is None else sorted({int(one) for one in classes})
    if not labels or labels[0] < 0 or labels[-1] >= count:
        raise InputError(f"classes={classes} came; expected some of 0 to {count - 1}.")
    others = count - len(labels)
    quotas = {one: most if one in set(labels) else min(most, -(-OTHERS // others)) for one in range(count)}
    pictures = pictures_of(batches, quotas=quotas, shape=shape)
    return pictures, [one for one in labels if classes is not None or bool((pictures.labels == one).any())]


def _mark(pictures: Pictures) -> str:
    """Return a few characters that other pictures would not give."""
    found = hashlib.sha256(pictures.labels.numpy().tobytes())
    found.update(pictures.planes.double().sum((1, 2, 3)).numpy().tobytes())
    return found.hexdigest()


def _mean_of_classes(pictures: Pictures) -> Tensor:
    """Return the mean of the mean pictures of the classes: no class stands out by its number."""
    planes = pictures.planes
    means = [planes[pictures.labels == label].mean(0) for label in pictures.labels.unique().tolist()]
    return torch.stack(means).mean(0)


def _maps(model: nn.Module, pictures: Pictures, base: Tensor, method: str | Method | None, sharing: Sharing) -> Tensor:
    """Return the saliency of each picture for its own class, as a share of its sum, [picture, row, column]."""
    mean = pictures.as_given(base[None])[0]
    chosen = IntegratedGradients(baseline=mean, nodes=NODES, exact=True) if method is None else method_of(method)
    mine = torch.tensor(sharing.mine(len(pictures.labels)), dtype=torch.long)

    def work() -> list[Tensor]:
        return [one for rows in mine.split(_BLOCK) if len(rows) for one in _some_maps(model, pictures, rows, chosen)]

    return torch.stack(sharing.in_order(sharing.together(work)))


def _some_maps(model: nn.Module, pictures: Pictures, rows: Tensor, method: Method) -> list[Tensor]:
    question = Question(model, pictures.given[rows], pictures.labels[rows])
    with question.asked():
        found = method.attribute(question).maps[0].detach().cpu().float()
    if found.shape[1:] == pictures.given.shape[1:]:
        flat = found.reshape(-1, *pictures.shape).abs().sum(1)
    elif found.ndim == 3:  # a class activation map
        flat = F.interpolate(found.abs()[:, None], size=pictures.shape[1:], mode="bilinear")[:, 0]
    else:
        raise InputError(
            f"{method.name} gives maps of shape {tuple(found.shape[1:])}, which are not over the pictures."
        )
    flat = torch.nan_to_num(flat, posinf=0.0)
    return list(flat / flat.sum((1, 2), keepdim=True).clamp(min=torch.finfo(flat.dtype).tiny))


def _candidates(
    pictures: Pictures, maps: Tensor, labels: list[int], cells: _Cells, sharing: Sharing
) -> list[tuple[int, Repeat]]:
    """Return patches that repeat, with their class; in pixels."""
    coarse = F.avg_pool2d(pictures.planes.float(), cells.pooled)

    def work() -> list[list[Repeat]]:
        mine = [labels[number] for number in sharing.mine(len(labels))]
        return [_repeats(pictures.labels, label, coarse, maps, cells) for label in mine]

    found = sharing.in_order(sharing.together(work))
    return [(label, _in_pixels(one, cells)) for label, some in zip(labels, found, strict=True) for one in some]


def _in_pixels(one: Repeat, cells: _Cells) -> Repeat:
    height, width = cells.pooled
    places = one.places * torch.tensor(cells.pooled)
    return replace(one, places=places, cell=(one.cell[0] * height, one.cell[1] * width))


def _repeats(labels: Tensor, label: int, coarse: Tensor, maps: Tensor, cells: _Cells) -> list[Repeat]:
    own = torch.nonzero(labels == label).flatten()
    others = torch.nonzero(labels != label).flatten()
    if len(own) < LEAST_HITS or not len(others):
        return []
    # Of many others an even spread: they are only counted.
    step = max(1, len(others) // (2 * OTHERS))
    rows = torch.cat([own, others[::step]])
    inside, least = torch.arange(len(rows)) < len(own), _least(len(own))
    shares = cells.shares(maps[rows], cells.coarse, cells.stride)
    found = standing(coarse[rows], shares, inside, cell=cells.coarse, stride=cells.stride, least=least)
    for cell in sorted({cells.coarse, cells.smaller}):
        found += moving(coarse[rows], cells.shares(maps[rows], cell), inside, cell=cell, least=least)
    return [replace(one, members=rows[one.members]) for one in found]


def _least(count: int) -> int:
    return max(LEAST_HITS, int(np.ceil(LEAST_SHARE * count)))


def _tested(work: _Examined, candidates: list[tuple[int, Repeat]], predicted: Tensor, maps: Tensor) -> tuple[Spot, ...]:
    """Choose the patches of each class that flip most, one that stands and one that moves, and measure them anew."""
    receivers = {label: _receivers(work.pictures.labels, predicted, label) for label, _ in candidates}
    tried = {label: rows[: min(TRIED, len(rows) // 3)] for label, rows in receivers.items()}
    first = _flips(work, candidates, tried)
    chosen: dict[tuple[int, bool], tuple[float, Repeat]] = {}
    for (label, one), flip in zip(candidates, first, strict=True):
        if (label, one.moving) not in chosen or flip > chosen[label, one.moving][0]:
            chosen[label, one.moving] = flip, one
    kept = [(label, one) for (label, _), (_, one) in chosen.items()]
    fresh = {label: rows[len(tried[label]) :][:TESTED] for label, rows in receivers.items()}
    flips, masked = _flips(work, kept, fresh), _masked(work, kept)
    made = [
        _spot(work, label, one, flip=flip, receivers=len(fresh[label]), masked=cover, predicted=predicted, maps=maps)
        for (label, one), flip, cover in zip(kept, flips, masked, strict=True)
    ]
    return tuple(sorted(made, key=lambda one: (one.label, -float(np.nan_to_num(one.flip, nan=-1.0)))))


def _receivers(labels: Tensor, predicted: Tensor, label: int) -> list[int]:
    """Return pictures of other classes that are not taken for this one, shuffled, always alike."""
    rows = torch.nonzero((labels != label) & (predicted != label)).flatten()
    source = torch.Generator().manual_seed(label)
    return rows[torch.randperm(len(rows), generator=source)].tolist()


def _flips(work: _Examined, patches: list[tuple[int, Repeat]], receivers: dict[int, list[int]]) -> list[float]:
    """Return the share of receivers that become the class of each patch when they hold it."""
    edits: list[_Edit] = []
    for label, one in patches:
        held = list(zip(one.members.tolist(), one.places.tolist(), strict=True))
        for number, row in enumerate(receivers[label]):
            source, (top, left) = held[number % len(held)]
            edits.append(_Edit(row, source, (top, left), one.cell))
    parts = work.predicted(edits).split([len(receivers[label]) for label, _ in patches]) if patches else ()
    return [_share(part == label) for part, (label, _) in zip(parts, patches, strict=True)]


def _masked(work: _Examined, patches: list[tuple[int, Repeat]]) -> list[float]:
    """Return the accuracy of each class with the patch covered: in all pictures; what moves, where it was found."""
    edits: list[_Edit] = []
    counts: list[int] = []
    for label, one in patches:
        places = dict(zip(one.members.tolist(), one.places.tolist(), strict=True))
        rows = torch.nonzero(work.pictures.labels == label).flatten().tolist()
        for row in rows:
            place = places.get(row) if one.moving else one.places[0].tolist()
            edits.append(_Edit(row) if place is None else _Edit(row, -1, (place[0], place[1]), one.cell))
        counts.append(len(rows))
    parts = work.predicted(edits).split(counts) if patches else ()
    return [_share(part == label) for part, (label, _) in zip(parts, patches, strict=True)]


def _spot(
    work: _Examined,
    label: int,
    one: Repeat,
    *,
    flip: float,
    receivers: int,
    masked: float,
    predicted: Tensor,
    maps: Tensor,
) -> Spot:
    own = work.pictures.labels == label
    height, width = one.cell
    places = list(zip(one.members.tolist(), one.places.tolist(), strict=True))
    within = [float(maps[row, top : top + height, left : left + width].sum()) for row, (top, left) in places]
    order = np.argsort(-np.array(within), kind="stable")[:EXEMPLARS]
    rows = one.members[torch.from_numpy(order)]
    shown = rows if flip >= _NOTEWORTHY else rows[:0]
    corners = one.places[torch.from_numpy(order)]
    return Spot(
        label=label,
        hits=len(places),
        share=len(places) / int(own.sum()),
        place=(int(corners[0, 0]), int(corners[0, 1])),
        size=one.cell,
        moving=one.moving,
        attention=float(np.mean(within)),
        sameness=one.alike,
        copied=one.copied,
        elsewhere=one.elsewhere,
        flip=flip,
        receivers=receivers,
        accuracy=_share(predicted[own] == label),
        masked=masked,
        examples=tuple(work.pictures.numbers[rows].tolist()),
        corners=corners.numpy(),
        pictures=work.pictures.planes[shown].float().numpy(),
        maps=maps[shown].numpy(),
    )


def _share(some: Tensor) -> float:
    return float(some.double().mean()) if len(some) else float("nan")


def _provenance(subject: Subject, pictures: Pictures, seconds: float) -> Provenance:
    count = sum(one.numel() for one in subject.model.parameters())
    title = f"{subject.title} {count:,} parameters"
    return Provenance(model=title, samples=len(pictures.labels), seconds=seconds)
