"""A capture writes down the very values, and says what to do when something cannot be captured."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from pellucid.core.errors import AddressError, CaptureError, InputError
from pellucid.maths.reduce import reduce
from pellucid.probe.capture import capture

X = torch.linspace(-1, 1, 12).reshape(3, 4)


class Nested(nn.Module):
    """Returns a mapping of a tensor and a tuple, and takes two arguments."""

    def forward(self, x: Tensor, *, scale: Tensor) -> dict[str, Any]:
        """Scale."""
        return {"hidden": x * scale, "more": (x, None, [x + 1])}


class Shared(nn.Module):
    """Calls one layer twice."""

    def __init__(self) -> None:
        super().__init__()
        self.dense, self.nested = nn.Linear(4, 4), Nested()

    def forward(self, x: Tensor) -> Tensor:
        """Run."""
        x = self.dense(self.dense(x))
        return self.nested(x, scale=x.detach().abs().max())["hidden"]


def test_full_values_in_execution_order() -> None:
    """The tape holds what each layer returned, also before an in-place activation."""
    model = nn.Sequential(nn.Linear(4, 5), nn.ReLU(inplace=True), nn.Linear(5, 2))
    with capture(model, inputs=True) as tape:
        output = model(X)
    first = model[0](X)
    assert tape.names == ("0", "1", "2")
    assert torch.equal(tape["0"], first)
    assert torch.equal(tape["1"], first.relu())
    assert torch.equal(tape["2"], output)
    assert torch.equal(tape.inputs["1"], first)
    assert not tape["0"].requires_grad
    assert list(tape) == ["0", "1", "2"]
    assert len(tape) == 3
    assert "1" in tape
    assert tape.get("7") is None
    assert repr(tape) == "Tape(3 outputs, 3 inputs, 0 gradients)"


def test_keys_of_calls_and_parts() -> None:
    """A second call and the parts of nested values have their own keys."""
    model = Shared()
    with capture(model, inputs=True) as tape:
        model(X)
    assert tape.names == ("dense", "dense#2", "nested/hidden", "nested/more/0", "nested/more/2/0")
    assert list(tape.inputs) == ["dense", "dense#2", "nested/0", "nested/scale"]
    assert torch.equal(tape["dense#2"], model.dense(model.dense(X)))


def test_gradients_are_those_of_the_outputs() -> None:
    """The gradient of each output is the one autograd gives, through in-place operations too."""
    model = nn.Sequential(nn.Linear(4, 5), nn.ReLU(inplace=True), nn.Linear(5, 2))
    with capture(model, grads=True) as tape:
        model(X).square().sum().backward()
    h = model[0](X)
    a = h.relu()
    y = model[2](a)
    expected = torch.autograd.grad(y.square().sum(), (h, a, y))
    assert all(torch.equal(tape.grads[key], value) for key, value in zip("012", expected, strict=True))


@pytest.mark.parametrize("reentrant", [False, True])
def test_checkpointing_is_captured_once(reentrant: bool) -> None:
    """Recomputed values are not written down again, and their gradients are found."""
    layers = nn.Sequential(nn.Linear(4, 5), nn.Tanh())
    x = X.clone().requires_grad_()
    with capture(layers, grads=True) as tape:
        checkpoint(layers, x, use_reentrant=reentrant).sum().backward()
    h = layers[0](X)
    (expected,) = torch.autograd.grad(h.tanh().sum(), h)
    assert tape.names == ("0", "1")
    assert torch.equal(tape.grads["0"], expected)


def test_statistics_instead_of_values() -> None:
    """With keep="statistics" the tape holds what reduce makes of each value, with units and saturation."""
    model = nn.Sequential(nn.Conv1d(2, 3, 1), nn.Tanh())
    x = 9 * torch.randn(4, 2, 5)
    with capture(model, keep="statistics", grads=True) as tape:
        model(x).sum().backward()
    expected = reduce(model(x), unit_axis=1, saturation=(-0.99, 0.99))
    assert all(torch.equal(a, b) for a, b in zip(tape["1"], expected, strict=True))
    assert tape.grads["1"].units.shape == (3, 3)


@pytest.mark.parametrize(
    ("keep", "part"),
    [
        (slice(0, 2), X[:2]),
        (1, X[1]),
        ((slice(None), 2), X[:, 2]),
        (lambda x: x.mean(0), X.mean(0)),
        (lambda x: x[:1], X[:1]),
    ],
)
def test_part_of_each_value(keep: Any, part: Tensor) -> None:
    """An index or a function decides what is kept; what is kept is a copy."""
    model = nn.Sequential(nn.Identity(), nn.ReLU(inplace=True))
    with capture(model, "0", keep=keep) as tape:
        model(X.clone())
    assert torch.equal(tape["0"], part)


def test_half_precision_and_inference_mode() -> None:
    """Half precision stays half precision, and inference tensors become ordinary ones."""
    model = nn.Linear(4, 2).bfloat16()
    with torch.inference_mode(), capture(model) as tape:
        model(X.bfloat16())
    assert tape["(model)"].dtype == torch.bfloat16
    assert not tape["(model)"].is_inference()


def _message(tape: Any, key: str) -> str:
    with pytest.raises(AddressError) as error:
        tape[key]
    return str(error.value)


def test_missing_keys_say_why() -> None:
    """A key that is not on the tape is explained: misspelt, not asked for, not run, or not reached."""
    model = nn.Sequential(nn.Linear(4, 5), nn.Linear(5, 2))
    with capture(model) as plain:
        assert _message(plain, "0") == (
            "No '0' on this tape: nothing was captured. Call the model inside the with block of pel.capture, and "
            "do not read the tape before."
        )
        model(X)
    with capture(model, grads=True, inputs=True) as tape:
        model(X)
    assert _message(tape, "0#2") == "No '0#2' on this tape. Closest: '0'. print(tape.names) lists all 2."
    assert _message(plain.inputs, "0") == (
        "No input of '0' on this tape: pel.capture(..., inputs=True) keeps what modules are given."
    )
    assert _message(tape.inputs, "7") == "No input of '7' on this tape. print(list(tape.inputs)) lists all 2."
    assert _message(plain.grads, "0") == (
        "No gradient of '0' on this tape: pel.capture(..., grads=True) keeps gradients."
    )
    assert _message(tape.grads, "0") == (
        "No gradient of '0' on this tape: no backward pass reached it. Call loss.backward() inside the with "
        "block, on a loss that depends on this output, without torch.no_grad()."
    )
    assert _message(tape.grads, "x") == "No gradient of 'x' on this tape. print(list(tape.grads)) lists all 0."


def test_ambiguous_recomputation_says_why() -> None:
    """Two calls inside a reentrant checkpoint cannot be told apart, and that is said."""
    layer = nn.Linear(4, 4)
    x = X.clone().requires_grad_()
    with capture(layer, grads=True) as tape:
        checkpoint(lambda x: layer(layer(x)), x, use_reentrant=True).sum().backward()
    assert _message(tape.grads, "(model)") == (
        "No gradient of '(model)' on this tape: the module ran several times inside a reentrant checkpoint, so "
        "that its recomputations cannot be told apart. Use torch.utils.checkpoint.checkpoint(..., "
        "use_reentrant=False)."
    )


def test_wrong_keep() -> None:
    """What cannot be kept is refused before the model runs."""
    with pytest.raises(InputError) as error, capture(nn.Linear(4, 2), keep="all"):
        pass
    assert str(error.value) == (
        "keep='all' came; expected 'full', 'statistics', an index such as slice(0, 8) or (0, slice(4)), or a "
        "function of one tensor."
    )


def test_function_that_changes_the_model() -> None:
    """A function that writes to what it is given would change the model, and is refused."""
    model = nn.Identity()
    with pytest.raises(CaptureError) as error, capture(model, keep=lambda x: x.zero_()):
        model(X.clone())
    assert str(error.value) == (
        "The function given as keep changed the (3, 4) tensor in place, and the model with it. Have it return a "
        "new tensor."
    )


def test_transform_is_refused() -> None:
    """Inside torch.func there is nothing to keep, and that is said."""
    model = nn.Linear(4, 2)
    with pytest.raises(CaptureError) as error, capture(model):
        torch.func.vmap(model)(X)
    assert str(error.value) == (
        "The model ran inside a torch.func transform (vmap, grad, jacrev, ...), whose tensors mean nothing "
        "outside it. Capture a plain call of the model."
    )


def test_compiled_gradients_are_refused() -> None:
    """Gradients of activations in a compiled model are refused at once."""
    model = torch.compile(nn.Linear(4, 2), backend="eager")
    with pytest.raises(CaptureError) as error, capture(model, grads=True):
        pass
    assert str(error.value) == (
        "Gradients of activations cannot be captured from the compiled Linear: a hook on them would break the "
        "graph and change the losses. Give the model without torch.compile, or capture with grads=False."
    )
