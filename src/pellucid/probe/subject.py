"""The subject: what is examined, and how a model is given its batches."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from itertools import chain
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from pellucid.core.arguments import Options, can_be_written, function, names, normalization, refused, whole
from pellucid.core.errors import InputError, PellucidError
from pellucid.probe.address import modules_of, unwrap
from pellucid.probe.guard import refuse_meta

Loss = Callable[[Any, Any], Tensor]
_TARGET_KEYS = ("labels", "label", "targets", "target", "y")


@dataclass(frozen=True)
class Subject(Options):
    """What is examined: a model and what belongs to it.

    Printing a subject lists its modules with their types and parameter counts.

    Args:
        model: The model, wrapped or not.
        loss: `loss(output, target)`, a scalar.
        batches: Batches, or a loader of them: anything that can be iterated again and again.
        optimizer: The optimizer that trains the model.
        class_names: One name a class, in the order of the outputs.
        normalization: (mean, standard deviation) per channel that the inputs were normalised with.
        name: What to call the model; its type when not given.
    """

    model: nn.Module
    _: KW_ONLY
    loss: Loss | None = None
    batches: Iterable[Any] | None = None
    optimizer: torch.optim.Optimizer | None = None
    class_names: tuple[str, ...] | None = None
    normalization: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    name: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.model, nn.Module):
            raise InputError(_no_model(self.model))
        _check_names(self.model)
        self.settle(loss=(function, "loss(output, target)"), batches=(_batches,), normalization=(normalization,))
        if self.class_names is not None:
            self.settle(class_names=(names, "one text a class, in the order of the outputs"))
        if self.name is not None and not (isinstance(self.name, str) and can_be_written(self.name)):
            raise refused("name", self.name, "a text")
        if self.optimizer is not None and not hasattr(self.optimizer, "param_groups"):
            raise refused("optimizer", self.optimizer, "None or a torch.optim.Optimizer")

    @classmethod
    def of(cls, examined: "Subject | nn.Module", batch: Any = None, *, loss: Loss | None = None) -> "Subject":
        """Return a subject from a subject or from the plain (model, batch, loss).

        Args:
            examined: A subject, kept as it is except for what is given beside it, or a model.
            batch: One batch, in place of the batches of the subject.
            loss: `loss(output, target)`, in place of the loss of the subject.

        Returns:
            A subject.

        Raises:
            InputError: `examined` is neither a subject nor a model, or has a name that cannot be written.
        """
        if isinstance(examined, nn.Module):
            return cls(examined, loss=loss, batches=None if batch is None else (batch,))
        if not isinstance(examined, Subject):
            raise InputError(_no_model(examined))
        changes = {"loss": loss, "batches": None if batch is None else (batch,)}
        return replace(examined, **{name: value for name, value in changes.items() if value is not None})

    @property
    def title(self) -> str:
        """What to call the model: the name that was given, or its type."""
        return self.name or type(unwrap(self.model)).__name__

    def __str__(self) -> str:
        rows = [_row(name, module) for name, module in modules_of(self.model).items()]
        name_width, type_width = (max(len(row[column]) for row in rows) for column in (0, 1))
        lines = (f"{name:<{name_width}}  {kind:<{type_width}}  {count:>12}" for name, kind, count in rows)
        return f"{self.title}: {len(rows) - 1} modules\n" + "\n".join(line.rstrip() for line in lines)


def _row(name: str, module: nn.Module) -> tuple[str, str, str]:
    parameters = list(module.parameters())
    if any(is_lazy(one) for one in parameters):
        return name, type(module).__name__, "not yet known"
    return name, type(module).__name__, f"{sum(one.numel() for one in parameters):,}"


def _no_model(given: Any) -> str:
    """Say what came in place of a model, and how to make one of it."""
    came, cure = f"An object of type {type(given).__name__}", "Give the nn.Module, or pel.Subject(model)."
    if isinstance(given, type):
        came, cure = f"The class {given.__name__}", f"Make a model of it first: {given.__name__}(...)."
    elif isinstance(given, Mapping):
        cure = "Weights alone are no model: make it, call model.load_state_dict(...), and give the model."
    elif callable(given):
        cure = "Wrap a function in an nn.Module whose forward calls it."
    return f"{came} came where a model or a pel.Subject was expected. {cure}"


def _batches(name: str, given: Any) -> Any:
    """Return what can be gone through batch by batch: a tensor, a mapping, or an (input, target) is one batch."""
    if isinstance(given, (Tensor, Mapping)) or _is_pair(given):
        return [given]
    if given is None or (isinstance(given, Iterable) and not isinstance(given, (str, bytes, type))):
        return given
    raise refused(name, given, "batches or a loader of them, such as [(x, y)] or torch.utils.data.DataLoader(data)")


def _is_pair(given: Any) -> bool:
    """Say whether tensors are the parts of one batch; those that are alike are batches, as `x.split(64)` makes them."""
    parts = given if isinstance(given, (tuple, list)) and len(given) > 1 else ()
    if not parts or not all(isinstance(one, Tensor) and not one.is_nested for one in parts):
        return False
    return min(one.ndim for one in parts) < 2 or len({(one.dtype, one.shape[1:]) for one in parts}) > 1


def _check_names(model: nn.Module) -> None:
    for name in (*modules_of(model), *(name for name, _ in unwrap(model).named_parameters())):
        if not can_be_written(name):
            raise InputError(
                f"The name {name!a} holds half of a surrogate pair, which no file and no screen can take. Give the "
                "module or parameter another name."
            )


def device_of(model: nn.Module) -> torch.device:
    """Return where the model lives: the device of its first parameter or buffer, else the CPU.

    Args:
        model: Any module.

    Returns:
        A device.

    Raises:
        InputError: That is the meta device, where nothing can be computed.
    """
    first = next(chain(model.named_parameters(), model.named_buffers()), None)
    if first is None:
        return torch.device("cpu")
    refuse_meta([first])
    return first[1].device


def to_device(batch: Any, device: torch.device) -> Any:
    """Return a batch with every tensor in it on a device.

    Args:
        batch: A tensor, or tuples, lists and mappings of tensors and other values, nested at will.
        device: Where to.

    Returns:
        The same nesting; values that are no tensors as they came.
    """
    if isinstance(batch, Tensor):
        return _readable(batch).to(device, non_blocking=True)
    if isinstance(batch, Mapping):
        return {key: to_device(value, device) for key, value in batch.items()}
    if isinstance(batch, (list, tuple)):
        moved = [to_device(value, device) for value in batch]
        return type(batch)(*moved) if hasattr(batch, "_fields") else type(batch)(moved)
    return batch


def is_plain(tensor: Tensor) -> bool:
    """Say whether a tensor is dense, of real or whole numbers, and not of a kind of its own."""
    odd = tensor.is_complex() or tensor.is_quantized or tensor.is_nested or tensor.is_meta
    return tensor.layout is torch.strided and not odd


def _readable(tensor: Tensor) -> Tensor:
    """Return a tensor whose examples can be counted and whose values are there; refuse others."""
    for is_odd, kind, cure in (
        (tensor.is_nested, "nested", "torch.nested.to_padded_tensor(x, 0.0)"),
        (tensor.is_meta, "on the meta device, without values,", "one with values"),
        (tensor.is_mkldnn, "of the layout of MKLDNN", "x.to_dense()"),
    ):
        if is_odd:
            raise InputError(f"A tensor {kind} came in a batch. Give {cure}.")
    return tensor


def split(batch: Any) -> tuple[Any, Any]:
    """Split a batch into what the model is given and what its output is compared with.

    Args:
        batch: (input, target); (inputs…, target); a mapping with a target under "labels", "label", "targets",
            "target" or "y"; or an input alone.

    Returns:
        (inputs, target); the target is None when there is none.
    """
    if isinstance(batch, Mapping):
        key = next((key for key in _TARGET_KEYS if key in batch), None)
        inputs = {name: value for name, value in batch.items() if name != key}
        return inputs, None if key is None else batch[key]
    if isinstance(batch, (list, tuple)) and len(batch) > 1:
        return (batch[0] if len(batch) == 2 else tuple(batch[:-1])), batch[-1]
    if isinstance(batch, (list, tuple)) and len(batch) == 1:
        return batch[0], None
    return batch, None


def call(model: nn.Module, inputs: Any) -> Any:
    """Call a model with the inputs of one batch, brought to its device.

    Args:
        model: Any module.
        inputs: A tensor is given as the one argument, a tuple or list as positional arguments, a mapping as
            named ones.

    Returns:
        What the model returns.

    Raises:
        InputError: A model in train mode does not take a single example, as batch norm does not.

    Cost:
        One forward pass.
    """
    inputs = to_device(inputs, device_of(model))
    try:
        return _called(model, inputs)
    except PellucidError:
        raise
    except Exception as error:
        title = type(unwrap(model)).__name__
        if not isinstance(error, ValueError) or not model.training or not _is_single(inputs):
            error.add_note(f"pellucid called {title}({_given(inputs)}).")  # the error is the model's own
            raise
        raise InputError(
            f"{title} does not take a batch of 1 example in train mode: "
            f"{str(error).rstrip('.')}. Give 2 examples or more, or call model.eval() first."
        ) from error


def _called(model: nn.Module, inputs: Any) -> Any:
    if isinstance(inputs, Mapping):
        return model(**inputs)
    if isinstance(inputs, (list, tuple)):
        return model(*inputs)
    return model(inputs)


def _given(inputs: Any) -> str:
    """Say in words what a model is given."""
    if isinstance(inputs, Mapping):
        return ", ".join(f"{name}={_given((one,))}" for name, one in inputs.items())
    parts = inputs if isinstance(inputs, (list, tuple)) else (inputs,)
    kinds = (f"{one.dtype}{list(one.shape)}" if isinstance(one, Tensor) else type(one).__name__ for one in parts)
    return ", ".join(kinds)


def _is_single(batch: Any) -> bool:
    return next((len(tensor) == 1 for tensor in _tensors(batch) if tensor.ndim), False)


def up_to(batches: Iterable[Any], count: int) -> Iterator[Any]:
    """Yield batches until a number of samples is reached; the last one is cut to fit.

    Args:
        batches: Batches whose tensors number the samples on their first axis; those of no sample are passed over.
        count: How many samples to yield at the most, 1 or more.

    Yields:
        Batches of the same form, each of one sample or more.

    Raises:
        InputError: A batch holds no tensor, so that its samples cannot be counted; no batch holds a sample; or the
            count is below 1.
    """
    left = count = whole("samples", count, 1)
    empty: list[Any] = []
    for batch in batches:
        size = batch_size(batch)
        if size:
            yield batch if size <= left else _first(batch, size=size, count=left)
            left -= size
        else:
            empty.append(batch)
        if left <= 0:
            return
    if left == count:
        raise no_examples(empty)


def holds_nothing(inputs: Any, target: Any) -> bool:
    """Say whether a batch has no example, or none of its targets.

    Args:
        inputs: What the model is given.
        target: What its output is compared with; anything but a tensor is passed over.

    Returns:
        True where the first axis of either has the length 0.

    Raises:
        InputError: The inputs hold no tensor with an axis.
    """
    return batch_size(inputs) == 0 or (isinstance(target, Tensor) and target.ndim > 0 and len(target) == 0)


def no_examples(batches: Sequence[Any]) -> InputError:
    """Return the error to raise where there is nothing to run a model on.

    Args:
        batches: What came, each without an example; may be empty.

    Returns:
        An error that says what came, what was expected and what to do.
    """
    if not batches:
        return InputError(
            "The batches yield nothing. Expected at least one batch of 1 example or more. Give a list or a DataLoader "
            "that has any; a generator can be gone through only once."
        )
    shapes = [str(tuple(tensor.shape)) for tensor in _tensors(batches[0])]
    came = "The batch holds" if len(batches) == 1 else f"All {len(batches)} batches hold"
    whose = "its tensors" if len(batches) == 1 else "the tensors of the first"
    return InputError(
        f"{came} 0 examples: {whose} are of shape {' and '.join(shapes)}. Expected 1 example or more on the first "
        "axis; 512 or more let dead units be judged. Look at what cut the data: a split, a filter or a sampler."
    )


def batch_size(batch: Any) -> int:
    """Return the number of samples in a batch: the length of its first tensor.

    Args:
        batch: A tensor, or tuples, lists and mappings of tensors, nested at will.

    Returns:
        A number of samples, 0 or more.

    Raises:
        InputError: The batch holds no tensor with an axis.
    """
    first = next((tensor for tensor in _tensors(batch) if tensor.ndim), None)
    if first is None:
        raise InputError(
            f"A batch of type {type(batch).__name__} holds no tensor with an axis of samples. Give a tensor, "
            f"or a tuple, list or mapping of tensors, such as {one_batch_of(batch)}."
        )
    return len(first)


def one_batch_of(given: Any) -> str:
    """Return the code that makes a batch of what came where one was expected.

    Args:
        given: What came, without a tensor in it that has an axis of examples.
    """
    if isinstance(given, np.ndarray):
        return "torch.from_numpy(x)"
    if isinstance(given, (list, tuple)):
        return "torch.tensor(x)"
    loader = isinstance(given, Iterable) and not isinstance(given, (str, bytes, Mapping, Tensor))
    return "next(iter(x)) of a loader" if loader else "x[None] for one image"


def _tensors(batch: Any) -> Iterator[Tensor]:
    if isinstance(batch, Tensor):
        yield _readable(batch)
    elif isinstance(batch, (Mapping, list, tuple)):
        for value in batch.values() if isinstance(batch, Mapping) else batch:
            yield from _tensors(value)


def _first(batch: Any, *, size: int, count: int) -> Any:
    if isinstance(batch, Tensor):
        return batch[:count] if batch.ndim and len(batch) == size else batch
    if isinstance(batch, Mapping):
        return {key: _first(value, size=size, count=count) for key, value in batch.items()}
    if isinstance(batch, (list, tuple)):
        cut = [_first(value, size=size, count=count) for value in batch]
        return type(batch)(*cut) if hasattr(batch, "_fields") else type(batch)(cut)
    return batch
