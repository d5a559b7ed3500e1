"""Whole figures that several windows draw of a series of tensors: histograms, and histograms over time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pellucid.core.figure import Figure, Panel
from pellucid.core.judge import Findings
from pellucid.core.result import Provenance
from pellucid.maths.series import TensorSeries
from pellucid.methods.depth import models_of
from pellucid.methods.series_panels import MOST_PANELS, Chosen, choose, heat_over_time, ridges_over_time

MOST_RIDGES = 8
_SYMLOG = "The axis of values is logarithmic on both sides of 0, so that small and large ones are seen together."


@dataclass(frozen=True, kw_only=True)
class Tensors:
    """The tensors that a window draws.

    Attributes:
        series: All tensors of the result.
        findings: What the rules said of it.
        models: The model of each tensor.
        among: Places of those to choose from.
        unit: What the values are.
    """

    series: TensorSeries
    findings: Findings
    models: tuple[str, ...]
    among: Sequence[int]
    unit: str

    @classmethod
    def of(
        cls, series: TensorSeries, findings: Findings, provenance: Provenance, *, unit: str, among: Sequence[int] | None
    ) -> "Tensors":
        """Take the tensors of a result; `among` None for all of them."""
        every = range(len(series.names)) if among is None else among
        models = models_of(series.names, provenance)
        return cls(series=series, findings=findings, models=models, among=every, unit=unit)

    def chosen(self, most: int = MOST_PANELS) -> Chosen:
        """Choose those that a picture shows."""
        return choose(self.series.names, self.findings, among=self.among, models=self.models, most=most)


def assembled(
    title: str,
    panels: Sequence[Panel],
    findings: Findings,
    *,
    caveat: Sequence[str],
    alt: Sequence[str],
    columns: int = 4,
) -> Figure:
    """Put panels together to a figure with its verdict.

    Args:
        title: What is shown.
        panels: In reading order.
        findings: What the rules said.
        caveat: Sentences of the caption; "" for none.
        alt: Sentences that say the picture in words; "" for none.
        columns: Panels a row, at the most.

    Returns:
        The figure.
    """
    return Figure(
        title=title,
        panels=tuple(panels),
        columns=max(min(columns, len(panels)), 1),
        verdict=findings.headline,
        level=findings.level,
        caveat=" ".join(one for one in caveat if one),
        alt=" ".join(one for one in alt if one),
    )


def histograms(
    tensors: Tensors,
    panel: Callable[[Chosen, int], Panel],
    *,
    title: str,
    caveat: Sequence[str],
    alt: str,
    symlog: bool,
) -> Figure:
    """Draw one histogram a tensor.

    Args:
        tensors: What to draw.
        panel: Draws one tensor of those chosen, by its place.
        title: What is shown.
        caveat: Sentences of the caption.
        alt: What the histograms are of, and in which order.
        symlog: Whether the axes are logarithmic on both sides of zero.

    Returns:
        The figure.
    """
    chosen = tensors.chosen()
    panels = [panel(chosen, place) for place in chosen.places]
    axes = "axes that are logarithmic on both sides of 0" if symlog else "linear axes"
    return assembled(
        f"{title} (logarithmic)" if symlog else title,
        panels,
        tensors.findings,
        caveat=(chosen.left_out, *caveat, _SYMLOG if symlog else ""),
        alt=(f"{len(panels)} histograms of {alt}, on {axes}.", tensors.findings.headline),
    )


def over_time(tensors: Tensors, *, title: str, alt: str = "") -> Figure:
    """Draw the histograms over time as colour: one column a step, brighter where more values lie."""
    chosen, panels = _over_time(tensors, heat_over_time, MOST_PANELS)
    return assembled(
        title,
        panels,
        tensors.findings,
        caveat=(
            chosen.left_out,
            "Each column is the histogram of one watched step; the brighter a cell, the more values lie in it.",
            "Steps without a finite value are blank.",
        ),
        alt=(
            f"{len(panels)} maps of {tensors.unit} values by training step, {len(tensors.series.steps)} watched steps.",
            alt,
            tensors.findings.headline,
        ),
    )


def _over_time(tensors: Tensors, draw: Callable[..., Panel], most: int) -> tuple[Chosen, list[Panel]]:
    chosen = tensors.chosen(most)
    series = tensors.series.select([tensors.series.names[place] for place in chosen.places])
    panels = [
        draw(series, place, title=name, unit=tensors.unit, level=chosen.level(name))
        for place, name in enumerate(series.names)
    ]
    return chosen, panels


def ridges(tensors: Tensors, *, title: str) -> Figure:
    """Draw the histograms over time as ridges, the first step at the bottom."""
    chosen, panels = _over_time(tensors, ridges_over_time, MOST_RIDGES)
    return assembled(
        title,
        panels,
        tensors.findings,
        caveat=(
            chosen.left_out,
            "Each ridge is the histogram of one watched step, the latest in colour.",
            "Each has its own scale, and low parts are drawn higher than they are, so that a spike does not hide them.",
        ),
        alt=(
            f"{len(panels)} stacks of histograms of the {tensors.unit} values, the first watched step at the bottom.",
            tensors.findings.headline,
        ),
    )
