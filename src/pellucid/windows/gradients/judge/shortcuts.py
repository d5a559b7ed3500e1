"""The rule on shortcuts: a patch that alone makes a class."""

from collections.abc import Iterator
from typing import Any

from pellucid.core.figure.words import amount, number, percent
from pellucid.core.finding import Finding, Level
from pellucid.core.rule import Case, rule
from pellucid.maths.repeats import STAMP
from pellucid.windows.gradients.result import Shortcuts, Spot

LEAST_RECEIVERS = 16
MOST_OF_PICTURE = 1 / 8
_LIMITS = {
    "flip": 0.35,
    "sameness": 0.7,
    "copied": 0.75,
    "residue": STAMP,
    "elsewhere": 0.1,
    "weak flip": 0.2,
    "fall": 0.7,
}


@rule(Shortcuts, code="GRD015", title="Shortcut", order=1, limits=_LIMITS)
def shortcut(result: Shortcuts, case: Case) -> Iterator[Finding]:
    """A patch, the same in many pictures of a class, that turns other pictures into it.

    Looks for: a patch that stands, with pixels that correlate by 0.7 or more, in 8 pictures and a tenth of a class at
        the least, at least ten times as often as in other classes; that is a copy (of the pixels that tell it from
        other pictures three quarters are the same in nearly all of these, the ground that all stand on aside; or, at
        one place, no more than 12 % of its contrast is left when the usual patch is taken out of each, fainter or
        stronger as it is there); and that turns 35 % of the pictures of other classes into this one when it is pasted
        into them, or 20 % where the class also loses 70 points of accuracy when the patch is covered. Of a copy that is
        larger than a patch, up to a quarter of the picture, all is pasted. It misses marks that the picture shines
        through where pictures differ, tints, lines thinner than three pixels, frames, what moves and changes its
        brightness, and marks smaller than the patch amid other things: name a smaller cell. A patch at one place that
        turns 35 % and is no copy accuses nobody, and is a look.
    Why it matters: the network recognises a watermark, a border or a ruler, and not what the class is. It fails where
        that is missing, and sees the class wherever that appears.
    Where the limit comes from: in digits of 16 x 16 pixels with a mark of 3 x 3 planted in one class of the training
        pictures. Of sound networks the patches of no class flipped more than 32 %; a mark that the network had come to
        use (pasted by itself it flips 35 % or more) was found each time. benchmarks/shortcuts.py measures it anew. What
        is left of a mark that is 0.7 to 1 times as bright from copy to copy, with noise of a twentieth, is up to 11 %.
        In 548 checks of classes without a mark (digits of 16 and 28 pixels, also in black and white, and pieces of
        photographs) it was 17 % and more of whatever flips 20 % at one place.
    False alarms: classes that are nothing but something at a fixed place, always drawn alike, as in crisp black and
        white. Where half of the other classes hold copied patches, too, it is therefore only a look, and where a patch
        is an eighth of the picture or more nothing is judged.
    Likely cause: the pictures of the class come from a source that marks them: a watermark, a scanner's frame, a tag, a
        ruler; or copies of one picture are among them.
    What to do: Look at the exemplars. Remove or cover the patch in training (mask), paste it into pictures of all
        classes (augment), or add pictures of the class without it (rebalance); then train again and compare the
        accuracy with the patch covered.
    Source: Lapuschkin et al. 2019 (Clever Hans); the tests: ours.
    """
    told, stopped = list(_told(result, case)), result.provenance.stopped
    if stopped and told[0].level is Level.OK:
        yield case.stopped(f"{stopped}; {told[0].message}")
        return
    if stopped:
        yield case.stopped(stopped)
    yield from told


def _told(result: Shortcuts, case: Case) -> Iterator[Finding]:
    """Say what was found in the classes that were examined: one finding or more."""
    # A patch is judged where it could be pasted into enough pictures, and could repeat often enough.
    judged = [int(one) for one, count, least in _classes(result) if count >= least]
    if len(result.labels) == 0 or not judged:
        yield case.not_measured("no class has 8 pictures or more")
        return
    share = result.cell[0] * result.cell[1] / max(1, result.maps.shape[1] * result.maps.shape[2])
    if share >= MOST_OF_PICTURE:
        yield case.not_measured(
            f"a patch of {result.cell[0]} x {result.cell[1]} pixels is {percent(share)} of a picture of "
            f"{result.maps.shape[1]} x {result.maps.shape[2]}: so much of it may well be what a class is",
            next_step="Name a smaller cell=, or look at the pictures of each class by eye.",
        )
        return
    short = [one for one in result.spots if one.receivers < LEAST_RECEIVERS]
    if short and len(short) == len(result.spots):
        yield case.not_measured(
            f"there are less than {LEAST_RECEIVERS} pictures of other classes to paste patches into"
        )
        return
    guilty = {one.label: one for one in reversed(result.spots) if _is_shortcut(one, case)}
    strong = {one.label: one for one in reversed(result.spots) if _is_strong(one, case)}
    told = strong | guilty
    if not told:
        best = max((one for one in result.spots if one not in short), key=lambda one: one.flip, default=None)
        most = (
            "no patch repeats"
            if best is None
            else f"the strongest patch flips {percent(best.flip)}, {_where(result, best)}"
        )
        yield case.ok(f"none in {amount(len(judged), 'class', 'classes')}: {most}", samples=result.provenance.samples)
        return
    for label in sorted(told, key=lambda one: -told[one].flip):
        if label not in guilty:
            yield _differs(result, told[label], case)
            continue
        others = {one for one in (*judged, *result.compared.tolist()) if one != label}
        alike = {one.label for one in (*result.spots, *result.aside) if one.label in others and _is_copy(one, case)}
        yield _said(result, guilty[label], case, others=len(others), alike=len(alike))


def _classes(result: Shortcuts) -> Iterator[tuple[int, int, int]]:
    yield from zip(result.labels.tolist(), result.counts.tolist(), result.least.tolist(), strict=True)


def _is_shortcut(spot: Spot, case: Case) -> bool:
    limits = case.limits
    if spot.receivers < LEAST_RECEIVERS or not _is_copy(spot, case):
        return False
    needed = spot.accuracy - spot.masked >= limits["fall"]
    return spot.flip >= limits["flip"] or (needed and spot.flip >= limits["weak flip"])


def _is_strong(spot: Spot, case: Case) -> bool:
    """Say whether a patch does what a shortcut does, be it a copy or not."""
    return spot.receivers >= LEAST_RECEIVERS and not spot.moving and spot.flip >= case.limits["flip"]


def _is_copy(spot: Spot, case: Case) -> bool:
    """Say whether a patch is copied from picture to picture, and rare in other classes."""
    limits = case.limits
    # Small patches of strokes, looked for everywhere, are as alike as faint stamps are.
    stamp = spot.copied >= limits["copied"] or (spot.residue <= limits["residue"] and not spot.moving)
    rare = spot.elsewhere <= limits["elsewhere"] * spot.share
    return stamp and rare and spot.sameness >= limits["sameness"]


def _said(result: Shortcuts, spot: Spot, case: Case, *, others: int, alike: int) -> Finding:
    usual, stopped = others > 0 and alike * 2 >= others, bool(result.provenance.stopped)
    message = _deed(result, spot)
    if not others:
        message += "; no other class has pictures enough to see whether such patches are usual here"
    if usual:
        message += f"; {alike} of {others} other classes hold copied patches, too: it may be what tells them apart"
    if stopped:
        message += "; whether other classes hold copied patches, too, is not known of those that were not examined"
    return (case.look if usual or stopped else case.alarm)(message, **_figures(result, spot, case))


def _differs(result: Shortcuts, spot: Spot, case: Case) -> Finding:
    """Speak of a patch that does what a shortcut does, and may be what the class is."""
    limits = case.limits
    if spot.elsewhere > limits["elsewhere"] * spot.share:
        but = f"{percent(spot.elsewhere)} of other pictures hold it, too"
    elif spot.sameness < limits["sameness"]:
        but = f"its copies are alike by {number(spot.sameness)} only"
    else:
        but = (
            f"its copies differ: {percent(spot.copied)} of what tells it apart is the same in nearly all, and "
            f"{percent(spot.residue)} of its contrast is left when the usual patch is taken out"
        )
    message = f"{_deed(result, spot)}; but {but}: a mark that changes, or part of what the class is"
    return case.look(message, **_figures(result, spot, case))


def _deed(result: Shortcuts, spot: Spot) -> str:
    moves = "a patch that moves" if spot.moving else f"the patch at {_place(spot)}"
    return (
        f"{moves}, alike in {percent(spot.share)} of class {result.name(spot.label)!r} (n = {spot.hits}), turns "
        f"{percent(spot.flip)} of other pictures into it; covered, its accuracy goes from {percent(spot.accuracy)} to "
        f"{percent(spot.masked)}"
    )


def _figures(result: Shortcuts, spot: Spot, case: Case) -> dict[str, Any]:
    """Return the fields of a finding that speaks of a patch."""
    weak = spot.flip < case.limits["flip"]
    return {
        "where": f"class {result.name(spot.label)}",
        "value": spot.flip,
        "limit": case.limits["weak flip" if weak else "flip"],
        "samples": spot.receivers,
        "evidence": {
            "hits": spot.hits,
            "share of the class": spot.share,
            "sameness": spot.sameness,
            "copied": spot.copied,
            "residue": spot.residue,
            "share of other classes": spot.elsewhere,
            "saliency inside": spot.attention,
            "accuracy": spot.accuracy,
            "accuracy, covered": spot.masked,
            "first example": spot.examples[0],
            "moves": spot.moving,
        },
    }


def _where(result: Shortcuts, spot: Spot) -> str:
    return f"of class {result.name(spot.label)!r}"


def _place(spot: Spot) -> str:
    (top, left), (height, width) = spot.place, spot.size
    return f"rows {top}-{top + height - 1}, columns {left}-{left + width - 1}"
