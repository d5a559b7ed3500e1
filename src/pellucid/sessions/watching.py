"""Watching: the part of a watch that lives on the training thread."""

import math
import threading
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from types import TracebackType
from typing import Any

import torch
from torch import Tensor, nn

from pellucid.core.errors import InputError, PellucidError
from pellucid.core.finding import Finding
from pellucid.core.judge import Findings, Limits
from pellucid.core.recorder import Recorder
from pellucid.core.result import Provenance, Result
from pellucid.core.verdict import verdict_text
from pellucid.methods.ground.trajectory import Trajectory
from pellucid.probe.address import ROOT
from pellucid.probe.listener import Listener
from pellucid.sessions.assemble import LayerTable, ParameterTable
from pellucid.sessions.history import History
from pellucid.sessions.labels import LabelTally
from pellucid.sessions.meter import Meter, Reading
from pellucid.sessions.ranks import Ranks
from pellucid.sessions.seen import ActivationsSeen, FactsSeen, ParametersSeen, ResultSeen, ScalarsSeen
from pellucid.sessions.transfer import send, send_numbers, send_reduced
from pellucid.sessions.watched import Watched
from pellucid.sessions.worker import Worker
from pellucid.windows.loss.measure import evaluate
from pellucid.windows.loss.result import SanityCheck

_HAND_OVER = 400  # scalars are handed to the worker when so many wait
_LONGEST_REASON = 300  # characters of an exception that are kept with a run


class PellucidWarning(UserWarning):
    """Something that watching had to give up; the training is not touched."""


def _scalar(name: str, value: Any) -> float | Tensor:
    """A scalar as it can wait: a float where that costs no synchronisation, a copy on the device otherwise."""
    shape = tuple(getattr(value, "shape", ()))
    if math.prod(shape) != 1:
        raise InputError(f"watch.step({name}=...) takes one number, got a {type(value).__name__} of shape {shape}.")
    if isinstance(value, Tensor) and value.is_cuda:
        return value.detach().clone().reshape(())
    try:
        return float(value.detach() if isinstance(value, Tensor) else value.item() if shape else value)
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise InputError(f"watch.step({name}=...) takes one number, got {type(value).__name__}: {error}") from None


def _in_a_line(error: Exception) -> str:
    """Type and message of an exception as a part of a sentence; some messages hold pages."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return text if len(text) <= _LONGEST_REASON else f"{text[: _LONGEST_REASON - 1]}…"


def _full_name(prefix: str, name: str) -> str:
    """The name of a layer among several models; a model that is a single layer is called by its own name."""
    return prefix.rstrip(".") if prefix and name == ROOT else prefix + name


class Watch:
    """A training run being watched; made by `pel.watch`.

    Attributes:
        every: Tensor statistics are taken at steps that this divides.
        step_number: The step that is under way.
    """

    def __init__(
        self,
        watched: Watched,
        *,
        every: int,
        check_every: int,
        recorder: Recorder | None,
        on_finding: Callable[[Finding], None] | None,
        limits: Limits | None,
        sample: int | None,
        sinks: Sequence[Recorder],
    ) -> None:
        self.path: Trajectory | None = None  # set by `watch`
        self.every, self.check_every = every, check_every
        self.step_number = recorder.first_step if recorder is not None else 0
        self._watched = watched
        self._recorders = (*([recorder] if recorder is not None else []), *sinks)
        several = tuple(prefix.removesuffix(".") for prefix in watched.models if prefix)
        self._provenance = Provenance(model=watched.fingerprint, models=several)
        self._history = History(self._provenance)
        for name, result in (recorder.results() if recorder is not None else {}).items():
            self._history.recall(name, result)
        self._labels = LabelTally(self._history.label_counts)
        self._listeners = {
            prefix: Listener(model, active=False, most=sample) for prefix, model in watched.models.items()
        }
        self._meter = Meter(
            watched.parameters, watched.optimizers, guard=self._guard, most=sample, every_step=every == 1
        )
        self._scalars: list[tuple[int, str, float | Tensor]] = []
        self._scalars_lock = threading.Lock()
        self._on_finding, self._limits = on_finding, limits
        self._ranks: Ranks | None = None
        self._worker: Worker | None = None
        self._warned: set[str] = set()
        self._final: Findings | None = None
        self._checked_at = -1

    # Entering and leaving

    def __enter__(self) -> "Watch":  # noqa: PYI034 - beartype, which checks the tests, refuses typing.Self
        """Attach to model and optimiser."""
        if self._worker is not None or self._final is not None:
            raise InputError("This watch has been entered before. Make a new one with pel.watch(...).")
        self._ranks = Ranks() if Ranks.here() else None
        if self._ranks is not None:  # only the first rank has the store, and the step numbers must agree
            self.step_number = self._ranks.from_first(self.step_number)
        first = self._ranks is None or self._ranks.rank == 0
        self._worker = Worker(
            self._history,
            self._provenance,
            recorders=self._recorders if first else (),
            ranks=self._ranks,
            limits=self._limits,
            on_finding=self._on_finding if first else None,
        )
        self._describe()
        try:
            for listener in self._listeners.values():
                listener.attach()
            self._meter.attach()
            self._check_if_due()
            self._prepare()
        except BaseException:
            self._leave("failed")
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Detach, write what is left, and judge; an exception of the training goes on its way."""
        status = "finished" if kind is None else "stopped" if issubclass(kind, KeyboardInterrupt) else "failed"
        if kind is None and self._checked_at != self.step_number:
            self._guard(self._check)
        self._leave(status)

    def _leave(self, status: str) -> None:
        for listener in self._listeners.values():
            listener.detach()
        self._meter.detach()
        if self._worker is None or self._final is not None:
            return
        self._guard(self._hand_over_scalars)
        self._final = self._worker.close(status)
        self._report_trouble()
        if self._ranks is not None:
            self._guard(self._ranks.close)

    # The training thread

    def step(
        self,
        *,
        loss: float | Tensor | None = None,
        output: Tensor | None = None,
        target: Tensor | None = None,
        **scalars: float | Tensor,
    ) -> None:
        """Say that one training step has ended. Call it after `optimizer.step()`.

        Args:
            loss: The training loss of this step.
            output: Logits of this step; with `target` they give the training accuracy.
            target: Class indices of this step; they give the balance of the labels, over the run and within a batch.
            scalars: Anything else by name: `accuracy`, `val_loss`, `val_accuracy`, `lr` have a meaning for the rules.

        Raises:
            InputError: A scalar has more than one element, or the watch is not entered.

        Cost: some microseconds, and on a watched step the statistics; nothing waits for a GPU.
        """
        if self._worker is None or self._final is not None:
            raise InputError("watch.step() came outside `with pel.watch(...) as watch:`. Call it inside the block.")
        scalars |= {} if loss is None else {"loss": loss}
        self._keep({name: _scalar(name, value) for name, value in scalars.items()})
        if target is not None:
            self._guard(lambda: self._take_labels(output, target))
        self._guard(self._collect)
        self.step_number += 1
        if self.path is not None:
            self._guard(partial(self.path.take, self.step_number))
        if self.step_number % self.every == 0 or len(self._scalars) >= _HAND_OVER:
            self._guard(self._hand_over_scalars)
            self._report_trouble()
        self._check_if_due()
        self._prepare()

    def probe(self, model: nn.Module, batch: Any, *, loss: Any = None) -> Result:
        """Evaluate a model on a batch now, and keep the result with the run; the model comes back as it was.

        Args:
            model: Usually the watched model, or its moving average.
            batch: (input, target); 512 examples or more let dead units be judged.
            loss: `loss(output, target)`; None for the one given to `pel.watch`.

        Returns:
            The evaluation, a `pellucid.windows.loss.result.SanityCheck`.

        Cost: three forward passes over the batch.
        """
        x, y = self._watched.split(batch)
        found = evaluate(model, x, y, loss if loss is not None else self._watched.loss, step=self.step_number)
        self._keep_evaluation(found)
        return found

    @property
    def findings(self) -> Findings:
        """The verdict: as of now while training runs, and final afterwards."""
        if self._final is not None:
            return self._final
        if self._worker is None:
            return Findings()
        self._hand_over_scalars()
        self._worker.drain()
        return self._worker.judge()

    @property
    def results(self) -> dict[str, Result]:
        """What was measured so far, by name: activations, weights, gradients, loss, sanity."""
        if self._worker is not None and self._final is None:
            self._hand_over_scalars()
            self._worker.drain()
        return self._history.results() if self._worker is None else self._worker.results()

    def __str__(self) -> str:
        """The verdict as of now."""
        return verdict_text(self.findings, how="print(watch.findings.text(all=True))")

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        from pellucid.core.notebook import findings_bundle

        return findings_bundle(self.findings)

    # Inside

    def _prepare(self) -> None:
        """Open the ears for the step to come, when it is one to watch."""
        due = self.step_number % self.every == 0
        for listener in self._listeners.values():
            listener.active = due
        self._meter.begin(self.step_number, due=due)

    def _collect(self) -> None:
        """Hand what was heard in this step to the worker."""
        heard = {
            _full_name(prefix, name): record
            for prefix, listener in self._listeners.items()
            if listener.active
            for name, record in listener.drain().items()
        }
        if heard and self._worker is not None:
            layers = LayerTable(
                types={name: record.module for name, record in heard.items()},
                activations={name: record.activation for name, record in heard.items()},
                roles={name: record.role for name, record in heard.items()},
            )
            statistics = send_reduced({name: record.reduced for name, record in heard.items()})
            self._worker.submit(ActivationsSeen(step=self.step_number, statistics=statistics, layers=layers))
        if self._worker is not None and self._meter.due and (reading := self._meter.take()) is not None:
            self._worker.submit(self._seen_parameters(reading))

    def _seen_parameters(self, reading: Reading) -> ParametersSeen:
        return ParametersSeen(
            step=reading.step,
            gradients=send_reduced(reading.gradients),
            updates=send_numbers(reading.updates),
            weights=send_reduced(reading.weights),
            twins=send_numbers(reading.twins),
            carried=send_numbers(reading.carried),
            learning_rates=reading.learning_rates,
            table=self._table(),
            cut=self._meter.cut,
        )

    def _table(self) -> ParameterTable:
        parameters, owned = self._meter.parameters, self._meter.owned
        return ParameterTable(
            names=tuple(parameters),
            shapes=tuple(tuple(one.shape) for one in parameters.values()),
            trainable=tuple(one.requires_grad for one in parameters.values()),
            owned=tuple(name in owned for name in parameters),
        )

    def _take_labels(self, output: Tensor | None, target: Tensor) -> None:
        self._keep({name: _scalar(name, value) for name, value in self._labels.take(output, target).items()})
        if self._worker is not None and not self.step_number and target.ndim:
            self._worker.submit(FactsSeen(values={"batch_size": len(target)}))

    def _keep(self, scalars: dict[str, float | Tensor]) -> None:
        with self._scalars_lock:  # another thread may ask for results at this moment
            self._scalars += [(self.step_number, name, value) for name, value in scalars.items()]

    def _hand_over_scalars(self) -> None:
        with self._scalars_lock:
            taken, self._scalars = self._scalars, []
        if self._worker is None or not taken:
            return
        awaited = [(step, name, value) for step, name, value in taken if isinstance(value, Tensor)]
        counts = self._labels.counts
        self._worker.submit(
            ScalarsSeen(
                rows=tuple((step, name, value) for step, name, value in taken if not isinstance(value, Tensor)),
                awaited=tuple((step, name) for step, name, _ in awaited),
                values=send([torch.stack([value.double() for *_, value in awaited])] if awaited else []),
                label_counts=None if counts is None else send([counts.clone()]),
            )
        )

    def _check_if_due(self) -> None:
        if self.step_number % self.check_every == 0:
            self._guard(self._check)

    def _check(self) -> None:
        if self._watched.check is None:
            return
        self._checked_at = self.step_number
        try:
            self.probe(self._watched.only_model, self._watched.check)
        except Exception as error:  # noqa: BLE001 - the model and the loss are the user's, and may raise anything
            reason = _in_a_line(error)
            self._keep_evaluation(SanityCheck.failed(self.step_number, reason))
            self._warn(f"The check batch could not be evaluated: {reason}")

    def _keep_evaluation(self, found: SanityCheck) -> None:
        if self._worker is not None and self._final is None:
            # The step that is numbered may never be taken: in the store it belongs to the one before.
            self._worker.submit(ResultSeen(name="sanity", step=max(self.step_number - 1, 0), piece=found))

    def _describe(self) -> None:
        facts: dict[str, Any] = {
            "every": self.every,
            "model": self._watched.fingerprint,
            "optimizer": self._watched.optimizer_name,
        }
        self._guard(lambda: facts.update({} if self.step_number else self._watched.settings))  # resumed: as it began
        for recorder in self._recorders:
            try:
                recorder.describe(facts)
            except PellucidError as error:
                self._warn(str(error))

    def _guard(self, work: Callable[[], None]) -> None:
        """Do work of ours on the training thread: if it fails, training goes on and a warning says so."""
        try:
            work()
        except Exception as error:  # noqa: BLE001 - our trouble must not become the training's
            self._warn(f"{type(error).__name__}: {error}")

    def _report_trouble(self) -> None:
        while self._worker is not None and self._worker.trouble:
            self._warn(self._worker.trouble.pop(0))

    def _warn(self, message: str) -> None:
        if message not in self._warned:
            self._warned.add(message)
            text = f"pellucid could not watch part of step {self.step_number}; training goes on. {message}"
            warnings.warn(text, PellucidWarning, stacklevel=4)
