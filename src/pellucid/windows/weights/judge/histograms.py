"""The rules on weights. Importing this registers them."""

from collections.abc import Iterator
from math import prod

import numpy as np

from pellucid.core.finding import Finding
from pellucid.core.rule import Case, rule
from pellucid.maths.onset import bad_values, last_stretch
from pellucid.maths.reduce import SUMS
from pellucid.windows.weights.result import WeightHistograms


@rule(
    WeightHistograms,
    code="WGT001",
    title="Symmetric units",
    order=2,
    limits={"share": 0.5, "columns": 3, "steps": 3},
)
def symmetric_units(result: WeightHistograms, case: Case) -> Iterator[Finding]:
    """Units of one layer that all compute the same thing.

    Looks for: weight matrices in which half of the rows point the same way as another row (cosine above 1 - 1e-5),
        at the last watched step and not only at the first.
    Why it matters: equal rows get equal gradients and stay equal. The layer has the capacity of a single unit,
        however wide it is.
    Where the limit comes from: rows that were drawn at random are never that near in three or more dimensions;
        no layer of 411 healthy small networks reached it.
    False alarms: matrices that are zero on purpose at the first step (residual branches, adapters, heads) are
        given until the next watched step; rows of zeros (pruning, embeddings that no batch touched) are only
        looked at; matrices with fewer than three columns and depthwise kernels are left out.
    Likely cause: weights that were filled with a constant, or with zeros.
    What to do: Draw the first weights at random, as PyTorch does when it is left alone.
    Source: I. Goodfellow, Y. Bengio, A. Courville, "Deep Learning", 2016, section 8.4. Limit: ours.
    """
    last = result.sound - 1
    places = [place for place in result.matrices if _comparable(result.shapes[place], case)]
    places = [place for place in places if last >= 0 and np.isfinite(result.twins[last, place])]
    if not places:
        yield case.not_measured("no sound weight matrix with rows to compare was seen")
        return
    many = len(result.series.steps) > 1
    if many and result.sound < case.limits["steps"]:
        yield case.not_measured(
            f"{result.sound} sound watched steps, and {int(case.limits['steps'])} are needed",
            next_step="Watch longer.",
        )
        return
    found = [one for place in places if (one := _symmetry(result, case, place, last)) is not None]
    highest = max(float(result.twins[last, place]) for place in places)
    yield from found or [
        case.ok(
            f"at most {100 * highest:.0f} % of the rows have a twin, in {len(places)} matrices",
            value=highest,
            limit=case.limits["share"],
        )
    ]


def _comparable(shape: tuple[int, ...], case: Case) -> bool:
    # A kernel with one input channel is depthwise, where equal rows look at different channels.
    depthwise = len(shape) > 2 and shape[1] == 1
    return prod(shape[1:]) >= case.limits["columns"] and not depthwise


def _symmetry(result: WeightHistograms, case: Case, place: int, last: int) -> Finding | None:
    twins, series = float(result.twins[last, place]), result.series
    if twins < case.limits["share"]:
        return None
    onset = last_stretch(result.twins[: last + 1, place] >= case.limits["share"]) or 0
    many = len(series.steps) > 1
    zeros = float(series.sums[last, place, SUMS.index("zeros")] / series.count[last, place])
    filled_with_zeros = zeros == 1.0
    # Rows of zeros are twins of each other; there are at most as many as there are zeros.
    explained = twins - zeros < case.limits["share"]
    gentle = (filled_with_zeros and not many) or (explained and not filled_with_zeros)
    gentle = gentle or (filled_with_zeros and case.learning.succeeds is True) or last - onset + 1 < min(last, 2)
    # Rows that were different at first and became alike were not filled with a constant: something else is wrong.
    gentle = gentle or onset > 0
    speak = case.look if gentle else case.warn if case.learning.succeeds is True else case.alarm
    rows = result.shapes[place][0]
    what = "are nothing but zeros" if filled_with_zeros else "point the same way as another row"
    return speak(
        f"{100 * twins:.0f} % of {rows} rows {what}"
        + (", most of them because they are zero" if explained and not filled_with_zeros else ""),
        where=series.names[place],
        step=int(series.steps[onset]) if many else None,
        value=twins,
        limit=case.limits["share"],
        samples=rows,
        evidence={"share_of_zeros": zeros, "rows": rows},
    )


@rule(WeightHistograms, code="WGT002", title="Non-finite weights", order=0)
def not_finite(result: WeightHistograms, case: Case) -> Iterator[Finding]:
    """NaN or infinity among the weights.

    Looks for: the first parameter that holds a value that is not finite, by step and then in registration order.
    Why it matters: such a weight never recovers, and neither does anything that is computed from it.
    Where the limit comes from: there is none: a single value is too many.
    False alarms: parameters that hold -inf on purpose, as a mask; make them buffers.
    Likely cause: an update with a gradient that was not finite, or an overflow in half precision.
    What to do: Go back to the last checkpoint before this step; find what was not finite first among activations
        and gradients.
    Source: ours.
    """
    series = result.series
    if not len(series.steps) or not len(series.names):
        yield case.not_measured("no parameter was seen")
        return
    bad = bad_values(series)
    if not bad.any():
        yield case.ok(f"all parameters are finite: {len(series.names)} tensors at {len(series.steps)} steps")
        return
    step, place = (int(one) for one in np.argwhere(bad)[0])
    largest = series.extremes[: max(step, 1), place].max()
    yield case.alarm(
        f"{int(bad[step, place])} of {int(series.count[step, place])} values are NaN or infinite",
        where=series.names[place],
        step=int(series.steps[step]) if len(series.steps) > 1 else None,
        value=float(bad[step, place]),
        limit=0.0,
        samples=int(series.count[step, place]),
        evidence={
            "largest_finite_before": float(largest) if np.isfinite(largest) else None,
            "parameters_at_that_step": int(bad[step].astype(bool).sum()),
        },
    )
