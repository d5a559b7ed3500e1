"""The rule on dreams."""

from collections.abc import Iterator

import numpy as np

from pellucid.core.figure.words import amount
from pellucid.core.finding import Finding
from pellucid.core.rule import Case, rule
from pellucid.windows.weights.result import Dreamed


@rule(Dreamed, code="WGT006", title="Dream without a dreamer", order=6, limits={"rise": 1.0})
def nothing_to_dream(result: Dreamed, case: Case) -> Iterator[Finding]:
    """Photographs in which a layer found nothing to raise.

    Looks for: a photograph that came back exactly as it was, since the layer has no gradient for any of it; or a layer
        that is no stronger for what came of the photograph than for the photograph.
    Why it matters: a layer without a gradient is dead for this photograph, and such pictures cannot wake it.
    Where the limit comes from: the strength must rise at all, by a factor above 1; in healthy networks it rises by a
        half or more.
    False alarms: layers that put out the same for every picture by design, such as a norm over all of its values.
    Likely cause: dead ReLUs in front of the layer, or a layer that does not see the picture.
    What to do: Look at the layer with pel.activations.histograms; dream of an earlier layer.
    Source: ours.
    """
    if not len(result.images):
        yield case.not_measured("no photograph was dreamt of")
        return
    if result.stopped:
        steps = int(np.isfinite(result.trace[-1]).sum())
        rest = f"; {amount(result.left_out, 'image')} had not been begun" if result.left_out else ""
        total = result.trace[-1].size
        yield case.stopped(f"stopped after {steps} of {amount(total, 'step')}{rest}")
    finite = np.isfinite(result.first) & np.isfinite(result.last)
    if not finite.all():
        yield case.not_measured(f"the layer puts out NaN or infinity for {amount(int((~finite).sum()), 'image')}")
        return
    same = (np.abs(result.images - result.inputs) <= 1e-6 * (result.high - result.low).max()).all(axis=(1, 2, 3))
    factor = np.divide(result.last, result.first, out=np.full(len(result.first), np.inf), where=result.first > 0)
    samples = len(result.images)
    if same.any():
        yield case.warn(
            f"{int(same.sum())} of {amount(samples, 'photograph')} came back as it was: the layer has no gradient",
            where=result.layer,
            value=float(same.mean()),
            limit=0.0,
            samples=samples,
            evidence={"first such image": int(np.argmax(same))},
        )
    elif factor.min() <= case.limits["rise"]:
        yield case.look(
            f"the layer did not grow stronger for image {int(factor.argmin())}: by a factor of {factor.min():.2g}",
            where=result.layer,
            value=float(factor.min()),
            limit=case.limits["rise"],
            samples=samples,
            cause="Steps that are too long, or octaves that are too small for the layer.",
            next_step="Lower rate, raise steps, or take fewer octaves.",
        )
    elif not result.stopped:  # that was said, and is no pass
        yield case.ok(f"the layer grew stronger by a factor of {factor.min():.2g} at the least", samples=samples)
