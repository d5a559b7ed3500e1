"""Rules on the loss around the weights: LOS022 to LOS024."""

from collections.abc import Iterator

import numpy as np

from pellucid.core.figure.words import amount, number, percent
from pellucid.core.finding import Finding
from pellucid.core.rule import Case, rule
from pellucid.windows.loss.result.landscape import Landscape


@rule(
    Landscape,
    code="LOS022",
    title="Weights beside a lower place",
    order=8,
    limits={"errors": 3.0, "share": 0.1},
)
def beside_lower_ground(result: Landscape, case: Case) -> Iterator[Finding]:
    """A plane on which the loss is clearly lower elsewhere than at the weights.

    Looks for: a measured point with a loss lower than in the middle by a tenth of that and by 3 standard errors, each
        part of the data seen at both places.
    Why it matters: training should have found such a place: at a minimum every plane rises on all sides.
    Where the limit comes from: of 20 small networks on digits the trained ones were lower elsewhere by 3.3 % at the
        most, with 0.6 standard errors, on data that they did not see. Random planes hardly ever lead downhill: after 2
        steps of training they fell by 1.7 %. Directions that are given do.
    False alarms: never more than a look. On held-out data the lowest place lies a little beside that of the training
        data. With 1,000 points one may be lower by chance; 3 standard errors and a tenth keep that out.
    Likely cause: training that ended early, a learning rate that decayed too soon, or data unlike those it was
        trained on.
    What to do: Train on, and look at the training data, too: pel.loss.landscape(model, training_batches).
    Source: ours.
    """
    if result.stopped:
        points = amount(int(result.measured.sum()), "point")
        yield case.stopped(f"stopped after {points} of the plane", samples=result.samples)
        return
    if not np.isfinite(result.middle):
        yield case.not_measured(f"the loss at the weights is {result.middle:g}")
        return
    seen = result.measured & np.isfinite(result.losses)
    row, column = divmod(int(np.where(seen, result.losses, np.inf).argmin()), result.losses.shape[1])
    fall, error = result.middle - float(result.losses[row, column]), float(result.errors[row, column])
    if not np.isfinite(error):
        yield case.not_measured(
            f"{amount(result.parts, 'part')} of the data cannot give a standard error",
            next_step="Give 64 examples or more.",
        )
        return
    least = case.limits["share"] * abs(result.middle)
    fields = {"value": fall, "limit": least, "samples": result.samples, "evidence": {"standard_error": error}}
    if fall <= max(least, case.limits["errors"] * error):
        yield case.ok("no place on the plane is clearly lower than the weights", **fields)
        return
    where = f"({number(float(result.columns[column]))}, {number(float(result.rows[row]))})"
    yield case.look(
        f"the loss is {number(result.middle)} at the weights, {number(float(result.losses[row, column]))} at {where}",
        **fields,
    )


@rule(Landscape, code="LOS023", title="Loss without a value near the weights", order=1, limits={"near": 0.5})
def without_value(result: Landscape, case: Case) -> Iterator[Finding]:
    """Points near the weights at which the loss is NaN or infinite.

    Looks for: cells that were measured within half the radius and are not finite; further out only to be looked at.
    Why it matters: a step that is a little too long ends in NaN, and in half precision one that is not.
    Where the limit comes from: none of 20 small networks on digits had any within the radius 1 in float32.
    False alarms: a radius of several lengths of the filters makes large networks overflow, which is why the limit is a
        share of the radius that was asked for, and why it never is more than a warning.
    Likely cause: half precision, exp or log without a guard, a normalisation that divides by a spread near 0, or
        statistics of batch norm that no longer fit.
    What to do: Look in float32, or with LandscapeOptions(recalibrated=True) where there is batch norm.
    Source: ours.
    """
    bad = result.measured & ~np.isfinite(result.losses)
    if not result.measured.any():
        yield case.not_measured("no point was measured")
        return
    far = np.maximum(np.abs(result.rows)[:, None], np.abs(result.columns)[None]) / np.abs(result.columns).max()
    near = bad & (far <= case.limits["near"])
    if not bad.any():
        yield case.ok("the loss has a value at every point", samples=result.samples)
        return
    speak = case.warn if near.any() else case.look
    nearest = float(far[bad].min() * np.abs(result.columns).max())
    yield speak(
        f"the loss is NaN or infinite at {int(bad.sum()):,} of {amount(int(result.measured.sum()), 'point')}, the "
        f"nearest {number(nearest)} away",
        value=float(bad.sum() / result.measured.sum()),
        samples=result.samples,
    )


@rule(Landscape, code="LOS024", title="Rough ground", order=8, limits={"share": 0.5, "cells": 49, "relief": 0.1})
def rough(result: Landscape, case: Case) -> Iterator[Finding]:
    """A plane that bends down nearly everywhere, as the ground of very deep networks without skip connections does.

    Looks for: half of the inner cells or more with a clearly negative curvature, where the loss differs over the plane
        by a tenth of its value at the weights or more.
    Why it matters: the gradient says little about where it goes down a step further on; such networks train badly.
    Where the limit comes from: convolutional networks on digits, 8 layers deep: 2 to 28 %; 32 layers deep with skip
        connections 16 to 27 %, without 72 to 77 %, and these reached an accuracy of 48 to 60 % instead of 95 to 97 %.
        Small networks that are trained: 3 % at the most. After 2 steps up to 78 %, on ground that is nearly flat.
    False alarms: never more than a look. Far out the loss of most networks grows slower than a parabola, so that a
        large radius bends down along one direction. Along the path of a training, and where batch norm is measured
        anew, it levels off on sound ground, too, and nothing is said.
    Likely cause: depth without skip connections or norms, or weights that are hardly trained.
    What to do: Add skip connections or normalisation; compare with a smaller radius.
    Source: Li et al. 2018, section 5; facts of this project, loss 2.5.
    """
    known = int(np.isfinite(result.bends).all(axis=-1).sum())
    if known < case.limits["cells"] or result.stopped:
        yield case.not_measured(f"{amount(known, 'inner cell')} are too few to judge how the ground bends")
        return
    if result.directions == "path" or result.statistics == "recalibrated":
        far = "where training began" if result.directions == "path" else "where batch norm is measured anew"
        yield case.not_measured(f"the loss levels off {far}, so that sound ground bends down there, too")
        return
    relief = float(np.nanmax(result.losses) - np.nanmin(result.losses))
    if relief < case.limits["relief"] * abs(result.middle):
        yield case.not_measured(f"the ground is nearly flat: the loss differs by {number(relief)} over the whole plane")
        return
    share = result.bent_down
    fields = {"value": share, "limit": case.limits["share"], "samples": known}
    speak = case.ok if share < case.limits["share"] else case.look
    yield speak(f"{percent(share)} of the inner cells bend down", **fields)
