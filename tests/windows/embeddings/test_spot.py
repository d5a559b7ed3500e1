"""Tests of spots: what goes into the head is found, whatever stands behind it, and any layer can be named."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import pellucid as pel
from pellucid.core.errors import AddressError, CaptureError, InputError, PellucidError
from pellucid.gallery.models import MLP, EfficientNetLite0, ResNet18, SmallCNN, SmallTransformer
from pellucid.windows.embeddings import Features


@dataclass
class Answer:
    """An output as libraries of transformers have it."""

    loss: Tensor | None
    logits: Tensor


class Plain:
    """An output with logits and nothing else."""

    def __init__(self, logits: Tensor) -> None:
        self.logits = logits


HEADS = {
    "softmax": lambda one: one.softmax(-1),
    "log_softmax": lambda one: one.log_softmax(-1),
    "sigmoid": torch.sigmoid,
    "mapping": lambda one: {"hidden": one * 2, "logits": one},
    "tuple": lambda one: (one, one.square()),
    "nested": lambda one: ({"scores": [one]},),
    "dataclass": lambda one: Answer(loss=None, logits=one),
    "object": Plain,
}


class Net(nn.Module):
    """A network whose head is followed by something."""

    def __init__(self, then: Callable[[Tensor], Any], classes: int = 3) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 8), nn.Tanh())
        self.head = nn.Sequential(nn.Dropout(0.5), nn.Linear(8, classes))
        self.then = then

    def forward(self, x: Tensor) -> Any:
        """Classify."""
        return self.then(self.head(self.body(x)))


def read(model: nn.Module, x: Any, at: Any = "penultimate") -> Features:
    """Read features in silence."""
    return pel.embeddings.features(model, x, at=at, progress=False)


@pytest.mark.parametrize("kind", HEADS)
def test_what_stands_behind_the_head_does_not_hide_it(kind: str) -> None:
    """Softmax, sigmoid, mappings, tuples, and objects with logits."""
    model, x = Net(HEADS[kind]), torch.randn(9, 4)
    found = read(model, x)
    assert (found.layer, found.pooled) == ("input of head.1", "")
    np.testing.assert_allclose(found.values, model.body(x).detach().numpy(), rtol=1e-6)
    np.testing.assert_array_equal(found.head, model.head[1].weight.detach().numpy())
    scores = model.head.eval()(model.body(x))
    np.testing.assert_array_equal(found.predicted, scores.argmax(1).numpy())


@pytest.mark.parametrize("kind", ["plain", "flat"])
def test_a_single_score_is_squeezed(kind: str) -> None:
    """Of one score an example there is no class until the labels say that there are two."""
    model, x = Net((lambda one: one) if kind == "plain" else (lambda one: one.squeeze(1)), classes=1), torch.randn(9, 4)
    assert read(model, x).layer == "input of head.1"
    assert read(model, x).predicted.size == 0
    labels = torch.arange(9) % 2
    said = (model.eval()(x).reshape(-1) > 0).long().numpy()
    np.testing.assert_array_equal(read(model, (x, labels)).predicted, said)
    np.testing.assert_array_equal(read(model, (x, labels.float()[:, None])).predicted, said)


GALLERY = {
    "mlp": (lambda: MLP((16, 8, 10)), torch.zeros(5, 1, 4, 4), "input of head"),
    "cnn": (lambda: SmallCNN(norm="batch", dropout=0.1), torch.rand(5, 1, 8, 8), "input of head"),
    "vit": (SmallTransformer, torch.rand(5, 1, 8, 8), "input of head"),
    "resnet": (lambda: ResNet18(channels=1), torch.rand(5, 1, 8, 8), "input of head"),
    "efficientnet": (lambda: EfficientNetLite0(7), torch.rand(5, 3, 32, 32), "input of classifier"),
}


@pytest.mark.parametrize("name", GALLERY)
def test_networks_of_the_gallery(name: str) -> None:
    """The head makes of the features what the model returns."""
    make, x, layer = GALLERY[name]
    torch.manual_seed(0)
    model = make()
    found = read(model, x)
    assert (found.layer, found.pooled) == (layer, "")
    head = model.get_submodule(layer.removeprefix("input of "))
    with torch.no_grad():
        np.testing.assert_allclose(head(torch.tensor(found.values)).numpy(), model.eval()(x).numpy(), atol=1e-5)


class Squeeze(nn.Module):
    """A network whose head is a convolution of 1 x 1, in front of a mean over places."""

    def __init__(self, pool: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.body, self.head, self.pool = nn.Conv2d(1, 6, 3), nn.Conv2d(6, 3, 1), pool

    def forward(self, x: Tensor) -> Tensor:
        """Classify."""
        return self.pool(self.head(self.body(x).relu()))


@pytest.mark.parametrize("pool", [lambda one: one.mean((2, 3)), lambda one: F.adaptive_avg_pool2d(one, 1).flatten(1)])
def test_a_convolution_is_a_head(pool: Callable[[Tensor], Tensor]) -> None:
    """Its features are the mean over places, as is its output; a class map is told by its places, too."""
    model, x = Squeeze(pool), torch.randn(7, 1, 5, 6)
    found = read(model, x)
    assert (found.layer, found.pooled) == ("input of head", "mean over 12 places")
    np.testing.assert_allclose(found.values, model.body(x).relu().mean((2, 3)).detach().numpy(), atol=1e-6)
    assert found.head.shape == (3, 6)
    assert read(Squeeze(lambda one: one), x).pooled == "mean over 12 places"


class Tokens(nn.Module):
    """A text model whose head goes over all tokens."""

    def __init__(self, then: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.embedding, self.head, self.then = nn.Embedding(9, 6), nn.Linear(6, 3), then

    def forward(self, ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """Score each token."""
        return self.then(self.head(self.embedding(ids)))


@pytest.mark.parametrize(
    ("then", "token", "words"),
    [
        (lambda one: one[:, 0], 0, "token 1 of 5, which the head reads"),
        (lambda one: one[:, -1], 4, "token 5 of 5, which the head reads"),
        (lambda one: one.mean(1), None, "mean over 5 tokens"),
        (lambda one: one.flatten(0, 1), None, "mean over 5 tokens"),
        (lambda one: one, None, "mean over 5 tokens"),
    ],
)
def test_tokens(then: Callable[[Tensor], Tensor], token: int | None, words: str) -> None:
    """The class token where the head's output is read there, else the mean."""
    model, ids = Tokens(then), torch.randint(9, (8, 5))
    found, vectors = read(model, ids), None
    with torch.no_grad():
        vectors = model.embedding(ids)
    assert found.pooled == words
    want = vectors.mean(1) if token is None else vectors[:, token]
    np.testing.assert_allclose(found.values, want.numpy(), atol=1e-6)


@pytest.mark.parametrize("at", ["penultimate", "embedding"])
def test_a_mask_says_which_tokens_count(at: str) -> None:
    """Tokens that it leaves out count nothing, whatever they hold; batches may be of several lengths."""
    model = Tokens(lambda one: one)
    batches = [
        {"ids": torch.randint(9, (4, length)), "attention_mask": torch.arange(length).expand(4, length) < 2}
        for length in (5, 3)
    ]
    found = read(model, batches, at)
    assert found.pooled == "mean over the tokens that the mask keeps"
    with torch.no_grad():
        want = torch.cat([model.embedding(one["ids"])[:, :2].mean(1) for one in batches])
    np.testing.assert_allclose(found.values, want.numpy(), atol=1e-6)


class Conv1D(nn.Module):
    """A linear layer with its weight transposed, as some text models have it."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 3))

    def forward(self, x: Tensor) -> Tensor:
        """Multiply."""
        return x @ self.weight


def test_a_transposed_head_is_turned() -> None:
    """Weights come as [class, unit]."""
    model = nn.Sequential(nn.Tanh(), Conv1D())
    found = read(model, torch.randn(5, 4))
    assert found.layer == "input of 1"
    np.testing.assert_array_equal(found.head, model[1].weight.detach().numpy().T)


class Twice(nn.Module):
    """A layer, and a head, that are called twice."""

    def __init__(self) -> None:
        super().__init__()
        self.act, self.head = nn.Tanh(), nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        """Go round twice."""
        return self.head(self.act(self.head(self.act(x))))


def test_calls_are_counted() -> None:
    """The head is the second call, and of a layer any call can be named."""
    model, x = Twice(), torch.randn(5, 4)
    found = read(model, x)
    assert found.layer == "input of head#2"
    np.testing.assert_allclose(read(model, x, "act#2").values, found.values, atol=1e-7)
    np.testing.assert_allclose(read(model, x, "act").values, x.tanh().numpy(), atol=1e-6)
    np.testing.assert_array_equal(read(model, x, model.act).values, read(model, x, "act").values)
    assert read(model, x, "act").head.shape == (0, 0)


def test_wrapped_and_changed_in_place() -> None:
    """What is wrapped is unwrapped, and features are as the head was given them, whatever is done to them later."""

    class InPlace(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Linear(4, 3)

        def forward(self, x: Tensor) -> Tensor:
            """Classify, and spoil the input."""
            scores = self.head(x)
            x.zero_()
            return scores

    x = torch.randn(5, 4)
    before = x.clone()
    found = read(nn.DataParallel(InPlace()), x)
    np.testing.assert_array_equal(found.values, before.numpy())
    np.testing.assert_array_equal(x.numpy(), before.numpy())


def test_maps_and_sequences_of_named_layers() -> None:
    """Channels in front, channels at the end, and examples on the second axis."""
    x = torch.randn(6, 1, 5, 5)
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(36, 2))
    found = read(model, x, "1")
    assert found.pooled == "mean over 9 places"
    np.testing.assert_allclose(found.values, model[:2](x).mean((2, 3)).detach().numpy(), atol=1e-6)

    class Backwards(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.steps, self.head = nn.LSTM(3, 4), nn.Linear(4, 2)

        def forward(self, x: Tensor) -> Tensor:
            """Go over the steps first."""
            return self.head(self.steps(x.transpose(0, 1))[0])[-1]

    model = Backwards()
    sequence = torch.randn(7, 5, 3)
    found = read(model, sequence, "steps")
    want, _ = model.steps(sequence.transpose(0, 1))
    assert found.pooled == "mean over 5 tokens"
    np.testing.assert_allclose(found.values, want.mean(0).detach().numpy(), atol=1e-6)
    last = read(model, sequence)
    assert last.pooled == "token 5 of 5, which the head reads"
    np.testing.assert_allclose(last.values, want[-1].detach().numpy(), atol=1e-6)


NO_HEAD = (
    "No head of Sequential was found: a linear layer, or a convolution of 1 x 1, whose output is what the model "
    "returns, up to softmax, sigmoid, flatten, and a mean over places. Of such layers 0 ran, and the model returned "
    "(3, 3). Name the layer whose output is wanted, such as at='1': print(pel.Subject(model)) lists all."
)


@pytest.mark.parametrize(
    ("model", "at", "kind", "message"),
    [
        (
            nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.BatchNorm1d(3)),
            "penultimate",
            InputError,
            NO_HEAD,
        ),
        (
            nn.ReLU(),
            "penultimate",
            InputError,
            "No head of ReLU was found: a linear layer, or a convolution of 1 x 1, ",
        ),
        (nn.Sequential(nn.Linear(4, 3)), "1", AddressError, "No module '1' in Sequential. "),
        (nn.Sequential(nn.Linear(4, 3)), "0#2", CaptureError, "'0#2' was asked for, and the layer was called 1 times."),
    ],
)
def test_what_cannot_be_read_is_refused(model: nn.Module, at: Any, kind: type[PellucidError], message: str) -> None:
    """The message says what was looked at, and how to name a layer."""
    with pytest.raises(kind, match=f"^{re.escape(message)}"):
        read(model, torch.randn(5, 4), at)
