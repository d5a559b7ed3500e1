"""The rule on shortcuts: a patch that alone makes a class."""

from collections.abc import Iterator

from pellucid.core.figure.words import amount, percent
from pellucid.core.finding import Finding
from pellucid.core.rule import Case, rule
from pellucid.windows.gradients.result import Shortcuts, Spot

LEAST_RECEIVERS = 16
MOST_OF_PICTURE = 1 / 8
_LIMITS = {"flip": 0.35, "sameness": 0.7, "copied": 0.75, "elsewhere": 0.1, "weak flip": 0.2, "fall": 0.7}


@rule(Shortcuts, code="GRD015", title="Shortcut", order=1, limits=_LIMITS)
def shortcut(result: Shortcuts, case: Case) -> Iterator[Finding]:
    """A patch, the same in many pictures of a class, that turns other pictures into it.

    Looks for: a patch that stands, with pixels that correlate by 0.7 or more, in 8 pictures and a tenth of a class at
        the least, at least ten times as often as in other classes; that is a copy (of the pixels that tell it from
        other pictures three quarters are the same in nearly all of these); and that turns 35 % of the pictures of other
        classes into this one when it is pasted into them, or 20 % where the class also loses 70 points of accuracy when
        the patch is covered.
    Why it matters: the network recognises a watermark, a border or a ruler, and not what the class is. It fails where
        that is missing, and sees the class wherever that appears.
    Where the limit comes from: in digits of 16 x 16 pixels with a mark of 3 x 3 planted in one class of the training
        pictures. Of sound networks the patches of no class flipped more than 31 %; a mark that the network had come to
        use (pasted by itself it flips 35 % or more) was found each time. benchmarks/shortcuts.py measures it anew.
    False alarms: classes that are nothing but something at a fixed place, always drawn alike, as in crisp black and
        white. Where half of the other classes hold copied patches, too, it is therefore only a look, and where a patch
        is more than an eighth of the picture nothing is judged.
    Likely cause: the pictures of the class come from a source that marks them: a watermark, a scanner's frame, a tag, a
        ruler; or copies of one picture are among them.
    What to do: Look at the exemplars. Remove or cover the patch in training (mask), paste it into pictures of all
        classes (augment), or add pictures of the class without it (rebalance); then train again and compare the
        accuracy with the patch covered.
    Source: Lapuschkin et al. 2019 (Clever Hans); the tests: ours.
    """
    # A patch is judged where it could be pasted into enough pictures, and could repeat often enough.
    judged = [int(one) for one, count, least in _classes(result) if count >= least]
    if len(result.labels) == 0 or not judged:
        yield case.not_measured("no class has 8 pictures or more")
        return
    share = result.cell[0] * result.cell[1] / max(1, result.maps.shape[1] * result.maps.shape[2])
    if share > MOST_OF_PICTURE:
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
    if not guilty:
        best = max((one for one in result.spots if one not in short), key=lambda one: one.flip, default=None)
        most = (
            "no patch repeats"
            if best is None
            else f"the strongest patch flips {percent(best.flip)}, {_where(result, best)}"
        )
        yield case.ok(f"none in {amount(len(judged), 'class', 'classes')}: {most}", samples=result.provenance.samples)
        return
    for label in sorted(guilty, key=lambda one: -guilty[one].flip):
        others = {one for one in judged if one != label}
        alike = {one.label for one in result.spots if one.label in others and _is_copy(one, case)}
        yield _said(result, guilty[label], case, others=len(others), alike=len(alike))


def _classes(result: Shortcuts) -> Iterator[tuple[int, int, int]]:
    yield from zip(result.labels.tolist(), result.counts.tolist(), result.least.tolist(), strict=True)


def _is_shortcut(spot: Spot, case: Case) -> bool:
    limits = case.limits
    if spot.receivers < LEAST_RECEIVERS or not _is_copy(spot, case):
        return False
    needed = spot.accuracy - spot.masked >= limits["fall"]
    return spot.flip >= limits["flip"] or (needed and spot.flip >= limits["weak flip"])


def _is_copy(spot: Spot, case: Case) -> bool:
    """Say whether a patch is copied from picture to picture, and rare in other classes."""
    limits = case.limits
    same = spot.sameness >= limits["sameness"] and spot.copied >= limits["copied"]
    return same and spot.elsewhere <= limits["elsewhere"] * spot.share


def _said(result: Shortcuts, spot: Spot, case: Case, *, others: int, alike: int) -> Finding:
    usual = alike * 2 >= others
    moves = "a patch that moves" if spot.moving else f"the patch at {_place(spot)}"
    message = (
        f"{moves}, alike in {percent(spot.share)} of class {result.name(spot.label)!r} (n = {spot.hits}), turns "
        f"{percent(spot.flip)} of other pictures into it; covered, its accuracy goes from {percent(spot.accuracy)} to "
        f"{percent(spot.masked)}"
    )
    if usual:
        message += f"; {alike} of {others} other classes hold copied patches, too: it may be what tells them apart"
    speak = case.look if usual else case.alarm
    weak = spot.flip < case.limits["flip"]
    return speak(
        message,
        where=f"class {result.name(spot.label)}",
        value=spot.flip,
        limit=case.limits["weak flip" if weak else "flip"],
        samples=spot.receivers,
        evidence={
            "hits": spot.hits,
            "share of the class": spot.share,
            "sameness": spot.sameness,
            "copied": spot.copied,
            "share of other classes": spot.elsewhere,
            "saliency inside": spot.attention,
            "accuracy": spot.accuracy,
            "accuracy, covered": spot.masked,
            "first example": spot.examples[0],
            "moves": spot.moving,
        },
    )


def _where(result: Shortcuts, spot: Spot) -> str:
    return f"of class {result.name(spot.label)!r}"


def _place(spot: Spot) -> str:
    (top, left), (height, width) = spot.place, spot.size
    return f"rows {top}-{top + height - 1}, columns {left}-{left + width - 1}"
