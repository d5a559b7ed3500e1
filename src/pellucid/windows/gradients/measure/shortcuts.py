"""From a classifier and labelled pictures to the patches that alone make a class."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pellucid.core.arguments import refused, whole, wholes
from pellucid.core.errors import InputError
from pellucid.core.figure.words import amount
from pellucid.core.progress import Loop, Progress, telling
from pellucid.core.result import Provenance
from pellucid.maths.repeats import Repeat, moving, standing
from pellucid.methods.attribution import IntegratedGradients, Method, Question, method_of
from pellucid.methods.classifying import in_eval, scores_of
from pellucid.methods.pictures import OTHERS, Pictures, first_batch, labelled, pictures_of
from pellucid.methods.sharing import Group, Sharing, fingerprint
from pellucid.probe.guard import undisturbed
from pellucid.probe.subject import Subject
from pellucid.windows.gradients.measure.cells import Cells
from pellucid.windows.gradients.measure.pasted import Edit, Pasted
from pellucid.windows.gradients.result import Shortcuts, Spot

NODES = 8
LEAST_HITS, LEAST_SHARE = 8, 0.1
TRIED, TESTED = 32, 128
"""Pictures that each patch is pasted into: to choose one of a class, and to measure it, on others."""
EXEMPLARS = 4
AT_LEAST = 10
"""Classes that are examined, where less are named and a patch does something: it is seen whether others have such."""
_NOTEWORTHY = 0.2
_BLOCK = 256


@undisturbed()
def shortcuts(  # noqa: PLR0913 - progress is one that every long function takes
    model: nn.Module | Subject,
    data: Iterable[Any] | None = None,
    *,
    method: str | Method | None = None,
    cell: int | tuple[int, int] | None = None,
    most: int = 100,
    classes: Sequence[int] | None = None,
    shape: tuple[int, ...] | None = None,
    group: Group = None,
    progress: Progress = None,
) -> Shortcuts:
    """Find what a classifier may use in place of what it should learn, such as a watermark in the pictures of a class.

    Patches are sought that stand, alike, in many pictures of a class and in few others, at one place or at many, and
    that get attention (saliency). Each is then pasted into pictures of other classes, and covered in its own. Ctrl-C
    ends it and returns the classes that were examined, which a finding says.

    Args:
        model: A classifier, or a subject (whose batches and class names are used).
        data: A loader of (pictures, labels), or one such pair; best pictures that the model was not trained on, with
            whatever artefact those have. Pictures are [N, channel, row, column] or [N, row, column].
        method: Name of a method of attribution, or one with options; None for integrated gradients from the mean of
            all classes with 8 nodes.
        cell: Rows and columns of a patch, in pixels; None for a quarter of each side, and three of the true
            pixels where pictures were made larger by repeating theirs. A patch ought to be about as large as the
            artefact, or smaller.
        most: Pictures of a class to look at: the first that come.
        classes: Classes to examine; None for all. Where a patch of one does much, some others are looked at too, up
            to ten in all, to see whether such patches are usual in these data; what they hold is not reported.
        shape: (channels, rows, columns) where the inputs are flat; a signal is (channels, 1, length).
        group: Share the work under torch.distributed: "world" or a process group. Every rank must call with the same
            data, in the same order; each examines every world-th picture, and all return the whole result, equal to
            that of one process to 1e-6 (counts and shares exactly). None works alone, and waits for nobody.
        progress: None for a line on stderr where it takes longer than two seconds, False for silence, or a function
            that is called with what is done and what there is in all: of batches, then of maps, then of classes.

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
    most = whole("most", most, 1, how="pictures of a class")
    with telling("shortcuts", sharing.rank == 0 and progress):
        pictures, wanted, beside = _read(subject, data, most=most, classes=classes, shape=shape)
        sharing.agree("data", fingerprint(pictures.labels, pictures.planes))
        cells, work = Cells.of(cell, pictures.planes), Pasted.of(subject.model, pictures, sharing)
        maps = _maps(work, wanted, method)
        predicted = work.predicted([Edit(row) for row in range(len(pictures.labels))])
        spots, done = _each_class(work, wanted, cells, predicted, maps)
        if done < len(wanted) or not any(one.flip >= _NOTEWORTHY for one in spots):
            beside = []  # there is nothing to compare
        aside, compared = _compared(work, beside, cells, predicted, method)
    labels, all_of = wanted[:done], amount(len(wanted), "class", "classes")
    stopped = f"stopped with Ctrl-C after {done} of {all_of}" if done < len(wanted) else ""
    if compared < len(beside):
        stopped = f"stopped with Ctrl-C after {compared} of {amount(len(beside), 'class', 'classes')} to compare with"
    own = [pictures.labels == label for label in labels]
    return Shortcuts(
        provenance=replace(_provenance(subject, pictures, time.perf_counter() - begun), stopped=stopped),
        labels=np.array(labels, dtype=np.int64),
        class_names=subject.class_names or (),
        counts=np.array([int(one.sum()) for one in own], dtype=np.int64),
        accuracies=np.array([_share(predicted[one] == label) for one, label in zip(own, labels, strict=True)]),
        maps=torch.stack([maps[one].mean(0) if one.any() else torch.zeros_like(maps[0]) for one in own]).numpy(),
        cell=cells.size,
        least=np.array([_least(int(one.sum())) for one in own], dtype=np.int64),
        spots=spots,
        compared=np.array(beside[:compared], dtype=np.int64),
        aside=aside,
        method="integratedgradients" if method is None else method_of(method).name,
        left_out=pictures.left_out,
    )


def _read(
    subject: Subject,
    data: Iterable[Any] | None,
    *,
    most: int,
    classes: Sequence[int] | None,
    shape: tuple[int, ...] | None,
) -> tuple[Pictures, list[int], list[int]]:
    """Return pictures, the classes to examine, and some to compare these with, next to them."""
    chosen = subject.batches if data is None else data
    if chosen is None:
        raise InputError("No data came. Give shortcuts(model, loader), or a subject with batches.")
    first, batches = first_batch(chosen)
    x, _ = labelled(first)
    with in_eval(subject.model) as model:
        count = scores_of(model, x[:1] if len(x) else x).shape[1]
    how = f"some of 0 to {count - 1}"
    labels = list(range(count)) if classes is None else sorted(set(wholes("classes", classes, 0, how)))
    if not labels or labels[-1] >= count:
        raise refused("classes", classes, how)
    named, few = set(labels), -(-OTHERS // max(1, count - 1))
    near = sorted(set(range(count)) - named, key=lambda one: (min(abs(one - label) for label in labels), one))
    near = near[: max(0, AT_LEAST - len(labels))]
    whole_of = named | set(near)
    quotas = {one: most if one in whole_of else min(most, few) for one in range(count)}
    pictures = pictures_of(batches, quotas=quotas, shape=shape)
    held = pictures.labels.bincount(minlength=count).tolist()
    wanted = [one for one in labels if classes is not None or held[one]]
    return pictures, wanted, sorted(one for one in near if held[one] >= LEAST_HITS)


def _maps(work: Pasted, classes: list[int], method: str | Method | None) -> Tensor:
    """Return the saliency of pictures for their own class, as a share of its sum; 0 of those of no such class.

    Returns:
        [picture, row, column].
    """
    pictures, sharing = work.pictures, work.sharing
    mean = pictures.as_given(work.base[None])[0]
    chosen = IntegratedGradients(baseline=mean, nodes=NODES, exact=True) if method is None else method_of(method)
    asked = torch.nonzero(torch.isin(pictures.labels, torch.tensor(classes, device="cpu"))).flatten()
    mine = asked[sharing.rank :: sharing.world]

    def found_out() -> list[Tensor]:
        loop, found = Loop(len(mine), "maps"), list[Tensor]()
        for rows in mine.split(_BLOCK):
            loop.at(len(found), len(rows))
            found += _some_maps(work.model, pictures, rows, chosen) if len(rows) else []
        loop.at(len(found))
        return found

    maps = torch.zeros(len(pictures.labels), *pictures.shape[1:], device="cpu")
    for row, one in zip(asked.tolist(), sharing.in_order(sharing.together(found_out)), strict=True):
        maps[row] = one
    return maps


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


def _each_class(
    work: Pasted, labels: list[int], cells: Cells, predicted: Tensor, maps: Tensor
) -> tuple[tuple[Spot, ...], int]:
    """Return the patches of all classes, and how many these are: after Ctrl-C those that were done."""
    coarse, loop = F.avg_pool2d(work.pictures.planes.float(), cells.pooled), Loop(len(labels), "classes")
    found: tuple[tuple[Spot, ...], int] = (), 0
    try:
        while (done := found[1]) < len(labels):
            some = labels[done : done + work.sharing.world]  # one for each process
            loop.at(done, len(some))
            candidates = _candidates(work, some, coarse, maps, cells)
            found = (*found[0], *_tested(work, candidates, predicted, maps)), done + len(some)
            loop.at(found[1])
    except KeyboardInterrupt:
        if not found[1] or work.sharing.world > 1:  # the others have heard that this process failed
            raise
    return found


def _compared(
    work: Pasted, classes: list[int], cells: Cells, predicted: Tensor, method: str | Method | None
) -> tuple[tuple[Spot, ...], int]:
    """Return the patches of classes that are no more than compared with, and how many of them were looked at."""
    if not classes:
        return (), 0
    try:
        return _each_class(work, classes, cells, predicted, _maps(work, classes, method))
    except KeyboardInterrupt:
        if work.sharing.world > 1:  # the others have heard that this process failed
            raise
        return (), 0


def _candidates(
    examined: Pasted, labels: list[int], coarse: Tensor, maps: Tensor, cells: Cells
) -> list[tuple[int, Repeat]]:
    """Return patches that repeat, with their class; in pixels."""
    sharing = examined.sharing

    def work() -> list[list[Repeat]]:
        mine = [labels[number] for number in sharing.mine(len(labels))]
        return [_repeats(examined, label, coarse, maps, cells) for label in mine]

    found = sharing.in_order(sharing.together(work))
    return [(label, _in_pixels(one, cells)) for label, some in zip(labels, found, strict=True) for one in some]


def _in_pixels(one: Repeat, cells: Cells) -> Repeat:
    height, width = cells.pooled
    places = one.places * torch.tensor(cells.pooled, device="cpu")
    return replace(one, places=places, cell=(one.cell[0] * height, one.cell[1] * width))


def _repeats(examined: Pasted, label: int, coarse: Tensor, maps: Tensor, cells: Cells) -> list[Repeat]:
    own, others = torch.nonzero(examined.pictures.labels == label).flatten(), examined.others_than(label)
    if len(own) < LEAST_HITS or not len(others):
        return []
    rows = torch.cat([own, others])
    inside, least = torch.arange(len(rows), device="cpu") < len(own), _least(len(own))
    shares = cells.shares(maps[rows], cells.coarse, cells.stride)
    found = standing(coarse[rows], shares, inside, cell=cells.coarse, stride=cells.stride, least=least)
    for cell in sorted({cells.coarse, cells.smaller}):
        found += moving(coarse[rows], cells.shares(maps[rows], cell), inside, cell=cell, least=least)
    return [replace(one, members=rows[one.members]) for one in found]


def _least(count: int) -> int:
    return max(LEAST_HITS, int(np.ceil(LEAST_SHARE * count)))


def _tested(work: Pasted, candidates: list[tuple[int, Repeat]], predicted: Tensor, maps: Tensor) -> tuple[Spot, ...]:
    """Choose the patches of each class that flip most, one that stands and one that moves, and measure them anew."""
    receivers = {label: _receivers(work, predicted, label) for label, _ in candidates}
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


def _receivers(work: Pasted, predicted: Tensor, label: int) -> list[int]:
    """Return pictures of other classes that are not taken for this one, shuffled, always alike."""
    others = work.others_than(label)
    rows = others[predicted[others] != label]
    source = torch.Generator().manual_seed(label)
    return rows[torch.randperm(len(rows), generator=source, device="cpu")].tolist()


def _flips(work: Pasted, patches: list[tuple[int, Repeat]], receivers: dict[int, list[int]]) -> list[float]:
    """Return the share of receivers that become the class of each patch when they hold it."""
    edits: list[Edit] = []
    for label, one in patches:
        held = list(zip(one.members.tolist(), one.places.tolist(), strict=True))
        for number, row in enumerate(receivers[label]):
            source, (top, left) = held[number % len(held)]
            edits.append(Edit(row, source, (top, left), one.cell))
    parts = work.predicted(edits).split([len(receivers[label]) for label, _ in patches]) if patches else ()
    return [_share(part == label) for part, (label, _) in zip(parts, patches, strict=True)]


def _masked(work: Pasted, patches: list[tuple[int, Repeat]]) -> list[float]:
    """Return the accuracy of each class with the patch covered: in all pictures; what moves, where it was found."""
    edits: list[Edit] = []
    counts: list[int] = []
    for label, one in patches:
        places = dict(zip(one.members.tolist(), one.places.tolist(), strict=True))
        rows = torch.nonzero(work.pictures.labels == label).flatten().tolist()
        for row in rows:
            place = places.get(row) if one.moving else one.places[0].tolist()
            edits.append(Edit(row) if place is None else Edit(row, -1, (place[0], place[1]), one.cell))
        counts.append(len(rows))
    parts = work.predicted(edits).split(counts) if patches else ()
    return [_share(part == label) for part, (label, _) in zip(parts, patches, strict=True)]


def _spot(
    work: Pasted,
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
        residue=one.residue,
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
