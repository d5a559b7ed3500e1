"""Checkup: one verdict on a finished model, from every window that applies."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from pellucid.core.errors import InputError
from pellucid.core.figure import Figure
from pellucid.core.judge import Findings, Limits, judge
from pellucid.core.result import Result
from pellucid.core.verdict import verdict_text
from pellucid.probe.guard import untouched
from pellucid.probe.subject import Subject, batch_size, holds_nothing, no_examples
from pellucid.windows.activations import histograms as activation_histograms
from pellucid.windows.gradients import flow
from pellucid.windows.loss import sanity
from pellucid.windows.weights import histograms as weight_histograms


@dataclass(frozen=True, kw_only=True)
class Checkup:
    """The verdict on a finished model, with the results behind it.

    Attributes:
        name: Name of the model.
        results: What was measured: activations, weights, gradients, sanity.
        findings: The verdict, ordered by cause.
        skipped: Windows that could not look, with the reason.
        seconds: Wall seconds spent.
    """

    name: str
    results: Mapping[str, Result]
    findings: Findings
    skipped: Mapping[str, str]
    seconds: float

    def figures(self) -> dict[str, Figure]:
        """Return every picture, by "window.drawing"."""
        return {
            f"{name}.{drawing}": figure
            for name, result in self.results.items()
            for drawing, figure in result.figures().items()
        }

    def text(self, *, all: bool = False, width: int = 100) -> str:  # noqa: A002 - as `Findings.text`
        """Write the verdict as text.

        Args:
            all: Whether what passed and what was not measured is listed too, each with its figures or its reason.
            width: Columns a line, 20 or more.

        Returns:
            The findings, and the windows that could not look.
        """
        verdict = verdict_text(self.findings, width=width, in_full=all, how="print(checkup.text(all=True))")
        lines = [f"Checkup of {self.name} ({self.seconds:.1f} s)", "", verdict]
        lines += [f"not looked at: {window}: {reason}" for window, reason in self.skipped.items()]
        return "\n".join(lines)

    def __str__(self) -> str:
        """The verdict as text."""
        return self.text()

    def _repr_mimebundle_(self, **options: Any) -> dict[str, str]:
        from pellucid.core.notebook import findings_bundle

        del options
        return {**findings_bundle(self.findings), "text/plain": str(self)}


def checkup(
    model: nn.Module | Subject,
    loader: Iterable[Any] | None = None,
    loss: Callable[..., Any] | None = None,
    *,
    samples: int = 1024,
    limits: Limits | None = None,
    progress: Callable[[str], None] | None = None,
) -> Checkup:
    """Examine a finished model: activations, weights, gradients, and evaluations on held-out data.

    The model comes back as it was, bit for bit; nothing is trained.

    Args:
        model: The model, or a Subject that holds model, batches and loss.
        loader: Held-out batches (input, target); 512 examples or more let dead units be judged.
        loss: `loss(output, target)`; None for cross-entropy on class targets, squared error otherwise.
        samples: Examples to use at the most.
        limits: Limits of rules by code and name; None for `[tool.pellucid.rules]` of the nearest pyproject.toml.
        progress: Called with the name of each window before it looks.

    Returns:
        The checkup; print it, or ask for its `findings`, `results` and `figures()`.

    Raises:
        InputError: There is no batch or no example in any, or a batch is not a pair (input, target).

    Cost:
        About five forward passes and one backward pass over the examples.
    """
    started = time.monotonic()
    subject = model if isinstance(model, Subject) else Subject(model, loss=loss, batches=loader)
    if samples < 1:
        raise InputError(f"samples is {samples}; expected 1 or more.")
    if subject.loss is not None and not callable(subject.loss):
        raise InputError(
            f"loss is {subject.loss!r}; expected a function loss(output, target), such as F.cross_entropy."
        )
    with untouched(subject.model):  # a loader that shuffles draws random numbers
        batch = _gathered(subject, samples)
    windows: dict[str, Callable[[], Result]] = {
        "activations": lambda: activation_histograms(subject.model, batch[0]),
        "weights": lambda: weight_histograms(subject.model),
        "gradients": lambda: flow(subject.model, batch, loss=subject.loss),
        "sanity": lambda: sanity(subject.model, batch, subject.loss),
    }
    results: dict[str, Result] = {}
    skipped: dict[str, str] = {}
    for name, look in windows.items():
        if progress is not None:
            progress(name)
        try:
            results[name] = look()
        except Exception as error:  # noqa: BLE001 - the model and the loss are the user's, and may raise anything
            skipped[name] = f"{type(error).__name__}: {error}"
    if not results:
        raise InputError(f"No window could look at {type(subject.model).__name__}: {'; '.join(skipped.values())}")
    findings = judge(results.values(), limits=limits)
    seconds = time.monotonic() - started
    return Checkup(
        name=type(subject.model).__name__, results=results, findings=findings, skipped=skipped, seconds=seconds
    )


def _gathered(subject: Subject, samples: int) -> tuple[Any, Any]:
    """Return one batch of up to `samples` examples, put together from the subject's batches."""
    if subject.batches is None:
        raise InputError("checkup() needs held-out batches. Call pel.checkup(model, loader, loss).")
    inputs: list[Any] = []
    targets: list[Any] = []
    empty: list[Any] = []
    found = 0
    for batch in subject.batches:
        if not (isinstance(batch, tuple | list) and len(batch) == 2):
            raise InputError(
                f"checkup() needs batches that are pairs (input, target), got {type(batch).__name__}. "
                "A single batch is passed as [(input, target)]."
            )
        if holds_nothing(*batch):
            empty.append(batch)
            continue
        inputs.append(batch[0])
        targets.append(batch[1])
        found += batch_size(batch[0])
        if found >= samples:
            break
    if not found:
        raise no_examples(empty)
    return _joined(inputs, samples), _joined(targets, samples)


def _joined(parts: list[Any], samples: int) -> Any:
    """Concatenate tensors, and tuples and mappings of tensors, along the first axis."""
    first = parts[0]
    if isinstance(first, torch.Tensor):
        return torch.cat(parts)[:samples]
    if isinstance(first, Mapping):
        return {key: _joined([part[key] for part in parts], samples) for key in first}
    if isinstance(first, tuple | list):
        return tuple(_joined([part[index] for part in parts], samples) for index in range(len(first)))
    raise InputError(f"checkup() can join tensors, and tuples and mappings of them, got {type(first).__name__}.")
