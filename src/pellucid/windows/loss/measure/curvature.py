"""From a finished model and data to the curvature of the loss at its weights."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pellucid.core.arguments import MOST_SEED, Options, instance, whole
from pellucid.core.errors import InputError
from pellucid.core.progress import Loop, Progress, telling
from pellucid.core.result import Provenance
from pellucid.methods.ground import Ground
from pellucid.methods.ground.curvature import Krylov, Product, flattened, hessian, lanczos, sharpness, start_of
from pellucid.methods.ground.kept import marks_of
from pellucid.methods.ground.lockstep import Lockstep
from pellucid.methods.sharing import Group, Sharing
from pellucid.probe.subject import Subject
from pellucid.windows.loss.measure.stepper import Stepper, divisor_of, stepper_of
from pellucid.windows.loss.measure.surroundings import Surroundings, given_subject, surroundings_of
from pellucid.windows.loss.result.curvature import Curvature

Array = NDArray[Any]
_ENDS = 1e-4
"""Share of the larger end to which both ends of the spectrum are known before it ends early."""


@dataclass(frozen=True, kw_only=True)
class CurvatureOptions(Options):
    """How thoroughly curvature is measured.

    Attributes:
        samples: Examples that the loss is a mean of, at the most; the first that the batches give.
        products: Products with the Hessian for the largest and smallest eigenvalue, at the most.
        starts: Random starts of the spectrum, each with as many products as `steps`; 0 leaves it out.
        steps: Products of each start.
        directions: Directions for the sharpness in the size of the filters; 0 leaves it out.
        seed: Of everything that is drawn.
    """

    samples: int = 1024
    products: int = 40
    starts: int = 3
    steps: int = 30
    directions: int = 32
    seed: int = 0

    def __post_init__(self) -> None:
        self.settle(
            samples=(whole, 1),
            products=(whole, 2, 10_000),
            starts=(whole, 0, 1000),
            steps=(whole, 2, 1000),
            directions=(whole, 0, 100_000),
            seed=(whole, 0, MOST_SEED),
        )


def curvature(
    model: nn.Module | Subject,
    data: Any = None,
    *,
    loss: Callable[[Any, Any], Tensor] | None = None,
    optimizer: torch.optim.Optimizer | None = None,
    options: CurvatureOptions | None = None,
    group: Group = None,
    progress: Progress = None,
) -> Curvature:
    """Measure how the loss bends at the weights: its steepest directions, its spectrum, and its sharpness.

    The sharpness is the mean of d'Hd over random directions d whose filters are as long as the model's. Unlike the
    largest eigenvalue it does not change when whole layers, heads, or filters before a norm are rescaled without
    changing the function; scales of single units do change it.
    The model is in eval mode meanwhile, and afterwards as it was, bit for bit.

    Args:
        model: A model, or a subject with batches.
        data: Batches (input, target), one such pair, or a loader; None for the batches of the subject. Products are of
            the mean over all of it, however it is divided into batches.
        loss: `loss(output, target)`, a tensor that leads back to the weights; see `landscape` for what is taken for a
            mean. None for that of the subject, or else cross-entropy for class targets and squared error for others.
        optimizer: SGD (with or without momentum), Adam or AdamW with one learning rate, whose stability is judged; None
            for that of the subject. It holds for steps on all of the data at a time only: on small batches the
            curvature settles lower.
        options: How thoroughly.
        group: Share the work under torch.distributed: "world" or a process group. Every rank must call with the same
            model, arguments and data, in the same order; each computes products with every world-th part of the data
            (of about 16), and all return the whole result, which is that of one process to the bit where each
            computes with as many threads. None works alone, and waits for nobody.
        progress: None for a line on stderr, False for silence, or a function that is given (done, in all).

    Returns:
        The curvature. After Ctrl-C as much as was measured.

    Raises:
        InputError: There is no data, target or loss, a value is not finite, the model was made under inference mode,
            the loss comes without a gradient, the optimizer is none of these, or ranks were given different things.
        CaptureError: Another rank failed; the message says why.

    Cost:
        About four forward passes over the data for each product: 40 + 3 x 30 + 32 with the defaults, and 40 more for
        Adam.
        Memory: 40 copies of the weights.

    Source:
        Pearlmutter 1994 (products); Lanczos 1950; Ubaru, Chen and Saad 2017 (spectrum); Cohen et al. 2021 and 2022
        (edge of stability); Li et al. 2018 (filters).
    """
    begun, chosen = time.perf_counter(), instance("options", options, CurvatureOptions)
    lockstep, subject = Lockstep(Sharing.of(group)), given_subject(model, data, loss)
    with telling("curvature", lockstep.sharing.rank == 0 and progress), lockstep.held():
        around = surroundings_of(subject, samples=chosen.samples)
        stepper = stepper_of(optimizer if optimizer is not None else subject.optimizer)
        around.ground.lockstep = lockstep
        with around.ground.walked() as ground:
            if not lockstep.alone:
                lockstep.agree(_marks(ground, chosen, stepper))
            found = _Work(ground, chosen, stepper).run()
        passes = sum(lockstep.exchange("passes", lambda: ground.passes))
    return Curvature(
        provenance=Provenance(
            model=f"{subject.title} {sum(one.numel() for one in subject.model.parameters()):,} parameters",
            samples=around.samples,
            passes=passes,
            seconds=time.perf_counter() - begun,
            seed=chosen.seed,
        ),
        optimizer=stepper.kind,
        learning_rate=stepper.rate,
        momentum=stepper.memory,
        **found,
        **_facts(around),
    )


def _facts(around: Surroundings) -> dict[str, Any]:
    return {
        "loss_name": around.objective.loss_name,
        "statistics": around.statistics,
        "samples": around.samples,
        "parameters": sum(one.parameter.numel() for one in around.filters),
        "assumed": around.assumed,
    }


def _marks(ground: Ground, chosen: CurvatureOptions, stepper: Stepper) -> dict[str, str]:
    options = {name: repr(one) for name, one in asdict(chosen).items()}
    optimizer = f"{stepper.kind} {stepper.rate!r} {stepper.memory!r}"
    return {**marks_of(ground.model, [ground.parts, ground.weights]), "optimizer": optimizer, **options}


class _Work:
    """Measures what is asked for, and keeps what is done."""

    def __init__(self, ground: Ground, chosen: CurvatureOptions, stepper: Stepper) -> None:
        self._ground, self._chosen, self._stepper = ground, chosen, stepper
        adam = chosen.products if stepper.kind == "Adam" else 0
        self._loop = Loop(chosen.products + adam + chosen.starts * chosen.steps + chosen.directions, "products")
        self._before = 0

    def run(self) -> dict[str, Any]:
        """Return the fields of the result; what was not reached is NaN or empty."""
        ends = self._lanczos(hessian(self._ground), self._chosen.products, number=0)
        found: dict[str, Any] = {
            "highest": float(ends.values[-1]),
            "lowest": float(ends.values[0]),
            "bounds": (float(ends.bounds[0]), float(ends.bounds[-1])),
            "values": np.zeros((0, 0)),
            "weights": np.zeros((0, 0)),
            "along": np.zeros(0),
        }
        try:
            if self._stepper.kind == "Adam":
                steep = self._lanczos(self._as_adam_sees_it(), self._chosen.products, number=0)
                found["preconditioned"] = float(steep.values[-1])
            if self._chosen.directions:
                found["along"] = sharpness(
                    self._ground, seed=self._chosen.seed, directions=self._chosen.directions, told=self._told
                )
                self._before += self._chosen.directions
            if self._chosen.starts:
                found["values"], found["weights"] = self._spectrum()
        except KeyboardInterrupt:
            found["stopped"] = True
        return found

    def _lanczos(self, product: Product, most: int, *, number: int, tolerance: float = _ENDS) -> Krylov:
        start = start_of(self._ground, seed=self._chosen.seed, number=number)
        try:
            return lanczos(product, start, most=most, tolerance=tolerance, told=self._told)
        except FloatingPointError as error:
            raise InputError(
                f"{error} The loss or its derivatives are NaN or infinite at these weights, so that there is no "
                "curvature to speak of. See where it begins: pel.activations.histograms(model, x)."
            ) from error
        finally:
            self._before += most

    def _spectrum(self) -> tuple[Array, Array]:
        steps = self._chosen.steps
        values = np.full((self._chosen.starts, steps), np.nan)
        weights = np.zeros_like(values)
        for number in range(self._chosen.starts):
            one = self._lanczos(hessian(self._ground), steps, number=1 + number, tolerance=0.0)
            values[number, : len(one.values)], weights[number, : len(one.values)] = one.values, one.weights
        return values, weights

    def _as_adam_sees_it(self) -> Product:
        plain, optimizer = hessian(self._ground), cast("torch.optim.Optimizer", self._stepper.optimizer)
        root = flattened([divisor_of(optimizer, one.parameter).rsqrt() for one in self._ground.filters])
        return lambda vector: root * plain(root * vector)

    def _told(self, done: int) -> None:
        self._loop.at(self._before + done)
