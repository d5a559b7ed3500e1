"""A question: a model, what it is given, and the number of its output that a map explains."""

import copy
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pellucid.core.errors import InputError
from pellucid.methods.attribution.inputs import examples_of, explained, plain
from pellucid.methods.attribution.layer import Layer
from pellucid.methods.attribution.memory import Chunks, counted_bytes, is_out_of_memory, room
from pellucid.methods.attribution.nest import named, rebuilt
from pellucid.methods.attribution.target import Probability, Score, row_of
from pellucid.probe.address import Address, resolve, unwrap
from pellucid.probe.guard import examined, refuse_inference
from pellucid.probe.subject import call, device_of, to_device

_COPIES, _COPIES_OF_UNKNOWN = 4, 64  # of a row that a chunk has room for at the least
_HALF_SCALE = 1024.0  # float16 gradients below 6e-8 would be lost; a power of two changes no digit


class Question:
    """What every method asks: scores and their gradients, for rows that it makes up from the examples.

    A row is an example with other values in it: a point of a path, a noisy copy, one with a window hidden. What is
    not explained (masks, further inputs) goes along from the example that the row belongs to.

    Args:
        model: Any module. It is examined in eval mode and put back.
        inputs: A tensor, a tuple of positional or a mapping of named arguments, nested at will; every tensor of real
            numbers whose first axis numbers the examples is explained.
        target: See `target.Score`.
        at: A layer whose output is explained in place of the input.
        only: Places of the inputs to explain, such as "[0]" or ".pixels"; None for all.

    Attributes:
        inputs: What the model is given, on its device.
        places: Where each of the values lies in the inputs, or the name of the layer.
        rows: How many examples there are.
        passes: Forward and backward passes spent so far, of all examples each.
        output: What the model returned for the examples, [examples, classes]; None before, and where it is no such row.

    Raises:
        InputError: Nothing can be explained, or the target does not fit.
        AddressError: The layer does not exist.
    """

    def __init__(
        self,
        model: nn.Module,
        inputs: Any,
        target: Any,
        *,
        at: Address | None = None,
        only: Sequence[str] | None = None,
    ) -> None:
        self.model = unwrap(model)
        with torch.inference_mode(mode=False):
            self.inputs = rebuilt(to_device(inputs, device_of(self.model)), lambda _, one: plain(one))
        self.rows = examples_of(self.inputs)
        self.passes = 0.0
        self.output: Tensor | None = None
        self._chunks: Chunks | None = None
        self._seen = False
        self._score: Score | Probability = Score(target, self.rows)
        self.layer = None if at is None else Layer(*layer_named(self.model, at))
        if only is not None and self.layer is not None:
            raise InputError(
                f"only= came beside at={self.layer.name!r}: of a layer its whole output is explained, and no input. "
                "Leave one of them out."
            )
        self._values: tuple[Tensor, ...] | None = None
        if self.layer is None:
            found = explained(self.model, self.inputs, self.rows, only)
            self.places, self._values = tuple(found), tuple(found.values())
        else:
            self.places = (self.layer.name,)

    @contextmanager
    def asked(self) -> Generator["Question", None, None]:
        """Have the model in eval mode while the block runs, and as it was afterwards, also after an exception."""
        refuse_inference(self.model)
        with ExitStack() as stack:
            stack.enter_context(examined(self.model))
            if any(isinstance(one, nn.RNNBase) for one in self.model.modules()):
                torch.backends.cudnn.enabled = False  # it has no backward pass for recurrent layers in eval mode
            for one in self.model.parameters():
                # The graph begins at what is explained: nothing in front of it is kept, nor what weights would need.
                if one.requires_grad and one.is_leaf:
                    one.requires_grad_(False)
            stack.enter_context(self._hooked())
            yield self

    @contextmanager
    def moved(self, at: Address) -> Generator["Question", None, None]:
        """Ask the same of a layer, while this is being asked; the passes are counted here.

        Args:
            at: The layer.

        Raises:
            AddressError: It does not exist.
        """
        there = copy.copy(self)
        there._move(Layer(*layer_named(self.model, at)))  # noqa: SLF001 - one of our own
        try:
            with there._hooked():  # noqa: SLF001 - the same
                yield there
        finally:
            self.passes += there.passes
            self.output, self._seen = there.output, there._seen  # noqa: SLF001 - the same

    def again(self, *, model: nn.Module | None = None, inputs: Any = None, probability: bool = False) -> "Question":
        """Return a new question about the same classes, to be asked by itself.

        Args:
            model: Another model with the same parts.
            inputs: Others of the same form.
            probability: Whether to ask for the probability of a class in place of its logit.
        """
        at, only = (None, self.places) if self.layer is None else (self.layer.name, None)
        there = Question(model or self.model, self.inputs if inputs is None else inputs, None, at=at, only=only)
        there._score = Probability(self._score) if probability else self._score
        return there

    @property
    def every(self) -> Tensor:
        """The numbers of all examples, [examples]."""
        return torch.arange(self.rows, device="cpu")

    @property
    def values(self) -> tuple[Tensor, ...]:
        """What is explained, [examples, ...] each; of a layer it takes a forward pass to find it, once."""
        if self._values is None:
            with torch.no_grad():
                self._opened(self.every)
        assert self._values is not None  # noqa: S101 - just found
        return self._values

    def scores(self, values: Sequence[Tensor], rows: Tensor) -> Tensor:
        """Return the score of rows.

        Args:
            values: In place of `self.values`, [N, ...] each.
            rows: The example of each, [N].

        Returns:
            [N]; differentiable where gradients are enabled.

        Cost:
            One forward pass of N rows; of a layer, its part behind the layer for N rows.
        """
        self.passes += len(rows) / self.rows
        if self.layer is not None:
            return self.layer.run(values[0], rows, lambda chosen: self._scored(self._along_rows(chosen), rows))
        return self._scored(call(self.model, self._nest(values, rows)), rows)

    def gradients(
        self, values: Sequence[Tensor] | None, rows: Tensor, *, before: Callable[[Tensor], None] | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return the score of rows, and its gradient.

        Args:
            values: See `scores`; None for those that the examples have, which a layer need not run for twice.
            rows: See `scores`.
            before: Is given the scores with their graph, [N], before the backward pass, to change it.

        Returns:
            Scores [N], and d score / d value, [N, ...] each, at least float32; 0 where the score does not depend.

        Raises:
            InputError: The score does not depend on any of the values.
        """
        with torch.enable_grad():
            leaves, scores = self._open(values, rows)
            if not scores.requires_grad:
                raise InputError(
                    f"The score does not depend on {named(self.places)} in a way that can be differentiated: the model "
                    "detaches it, rounds it, or does not use it. Name another layer with at=, or use Occlusion()."
                )
            if before is not None:
                before(scores)
            maps = derivatives(scores, leaves)
        self.passes += len(rows) / self.rows
        return scores.detach(), maps

    def forward(self, rows: Tensor) -> Any:
        """Return what the model returns for some examples as they are.

        Args:
            rows: Which, [N].

        Cost:
            One forward pass of them.
        """
        self.passes += len(rows) / self.rows
        return self._along_rows(rows)

    def own_scores(self) -> Tensor:
        """Return the score of each example as it is, [examples], at least float32.

        Cost:
            One forward pass, in which it is measured how many rows fit at one time.
        """
        try:
            return wide(self._measured(self.every))
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error) or self.rows == 1:
                raise
        with torch.no_grad():
            return wide(self.scores(self.values, self.every))

    def at(self, rows: Tensor) -> tuple[Tensor, ...]:
        """Return the values of some examples, [N, ...] each."""
        return tuple(one[rows.to(one.device)] for one in self.values)

    @property
    def chunks(self) -> Chunks:
        """How many rows fit at one time; measured on one row when it is first asked for."""
        if self._chunks is None:
            self._measured(torch.zeros(1, dtype=torch.long, device="cpu"))
        assert self._chunks is not None  # noqa: S101 - just measured
        return self._chunks

    @property
    def is_logit(self) -> bool:
        """Whether the score is one class of a row of them; known once the question was asked for scores."""
        return self.output is not None and isinstance(self._score, Score) and self._score.is_class()

    @property
    def targets(self) -> tuple[int, ...]:
        """Return the class of each example; () where the score is that of no class."""
        return self._score.chosen()

    def _scored(self, output: Any, rows: Tensor) -> Tensor:
        """Return the score of each row; what comes first is the output of the examples as they are."""
        if not self._seen:
            self._seen = True
            self._score.settle(output)
            self.output = row_of(output)
        return self._score.of(output, rows)

    def _move(self, layer: Layer) -> None:
        self.layer, self.places = layer, (layer.name,)
        self._values, self._chunks, self.passes = None, None, 0.0

    def _hooked(self) -> AbstractContextManager[None]:
        return nullcontext() if self.layer is None else self.layer.hooked()

    def _open(self, values: Sequence[Tensor] | None, rows: Tensor) -> tuple[list[Tensor], Tensor]:
        """Return the leaves of a graph, [N, ...] each, and the scores that come of them."""
        if values is None and self.layer is not None:
            leaf, scores = self._opened(rows)
            return [leaf], scores
        leaves = [one.detach().requires_grad_() for one in (self.at(rows) if values is None else values)]
        return leaves, self.scores(leaves, rows)

    def _measured(self, rows: Tensor) -> Tensor:
        """Return the scores of some examples as they are, and plan chunks by the memory that a graph of them takes."""
        with counted_bytes(besides=self.model.parameters()) as held, torch.enable_grad():
            leaves, scores = self._open(None, rows)
        # What is kept is not all: rows, copies and gradients; and a model may keep nothing for a backward pass.
        copies = _COPIES if scores.requires_grad else _COPIES_OF_UNKNOWN
        least = copies * sum(one.numel() * one.element_size() for one in leaves)
        row = max(held[0], least, 1) // len(rows)
        self._chunks = self._chunks or Chunks(min(room(leaves[0].device) // max(1, row), 4096))
        return scores.detach()

    def _opened(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return what the layer puts out for some examples as they are, and their scores."""
        assert self.layer is not None  # noqa: S101 - asked by the callers
        self.passes += len(rows) / self.rows
        leaf, scores = self.layer.open(lambda: self._scored(self._along_rows(rows), rows), len(rows))
        if torch.equal(rows, self.every):
            self._values = (leaf.detach(),)
        return leaf, scores

    def _nest(self, values: Sequence[Tensor], rows: Tensor) -> Any:
        """Return the inputs with copies of other values in them, everything else gathered by row."""
        chosen = {place: one.clone() for place, one in zip(self.places, values, strict=True)}
        return rebuilt(self.inputs, lambda path, value: chosen[path] if path in chosen else self._along(value, rows))

    def _along(self, value: Any, rows: Tensor) -> Any:
        if isinstance(value, Tensor) and value.ndim and len(value) == self.rows:
            return value[rows.to(value.device)]
        return value

    def _along_rows(self, rows: Tensor) -> Any:
        """Run the model on the example of each row; on a copy, since it may change its inputs in place."""
        return call(self.model, rebuilt(self.inputs, lambda _, value: self._along(value, rows)))


def derivatives(scores: Tensor, leaves: Sequence[Tensor], *, keep: bool = False) -> tuple[Tensor, ...]:
    """Return d score / d leaf of each row, at least float32; 0 where a score does not depend on a leaf.

    Args:
        scores: [N], with their graph.
        leaves: [N, ...] each.
        keep: Whether the graph is needed again.
    """
    scale = _HALF_SCALE if any(one.dtype == torch.float16 for one in leaves) else 1.0
    found = torch.autograd.grad(scores.sum() * scale, leaves, retain_graph=keep, materialize_grads=True)
    return tuple(wide(one) if scale == 1 else wide(one) / scale for one in found)


def wide(tensor: Tensor) -> Tensor:
    """Return a tensor in float32 at least: sums of half precision lose what is small."""
    return tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor


def along(numbers: Tensor, like: Tensor) -> Tensor:
    """Return one number a row so that it multiplies rows like those of a tensor, [N, 1, ...]."""
    return numbers.to(device=like.device, dtype=like.dtype).reshape(-1, *[1] * (like.ndim - 1))


def flat(tensor: Tensor) -> Tensor:
    """Return the values of each example in a row, [examples, values]."""
    return tensor.reshape(len(tensor), -1)


def array_of(value: Tensor) -> NDArray[Any]:
    """Return a tensor as an array; bfloat16, which NumPy does not know, as float32."""
    found = value.detach().cpu()
    return (found.float() if found.dtype == torch.bfloat16 else found).numpy()


def layer_named(model: nn.Module, at: Address) -> tuple[str, nn.Module]:
    """Return the one layer that an address means, with its name.

    Raises:
        AddressError: There is no such layer.
        InputError: There are several.
    """
    found = resolve(model, at)
    if len(found) > 1:
        raise InputError(f"{at!r} names {len(found)} layers: {', '.join(list(found)[:5])}. Name one of them.")
    return next(iter(found.items()))
