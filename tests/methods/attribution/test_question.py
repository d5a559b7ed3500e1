"""Questions: what is explained, of which inputs, and what is asked again in chunks."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pellucid.core.errors import CaptureError, InputError
from pellucid.methods.attribution import Gradient, IntegratedGradients, Question
from pellucid.methods.attribution.memory import Chunks
from tests.reference import attribution as reference


class _Named(nn.Module):
    """Takes named arguments, some of them None or no tensor of real numbers; returns a mapping."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 4)

    def forward(self, *, pixels: Tensor, mask: Tensor | None = None, scale: float = 1.0, extra: Any = None) -> Any:
        logits = self.layer(pixels) * scale
        if mask is not None:
            logits = logits * mask[:, None]
        return {"logits": logits, "loss": None, "hidden": pixels}


def test_named_arguments_none_and_masks_go_along() -> None:
    """Only what holds real numbers is explained; a mask goes with its example, None and numbers as they are."""
    net, mask = _Named(), torch.tensor([2, 3])
    inputs = {"pixels": torch.randn(2, 3), "mask": mask, "scale": 2.0, "extra": None}
    found, question = reference.ask(net, inputs, 1, IntegratedGradients(nodes=8))
    assert question.places == (".pixels",)
    expected = inputs["pixels"] * net.layer.weight[1] * 2 * mask[:, None]
    torch.testing.assert_close(found.maps[0], expected.detach())


def test_nested_inputs_are_named_by_place() -> None:
    """Tuples inside mappings and the other way round."""

    class Nested(nn.Module):
        def forward(self, pair: Any, more: Any) -> Tensor:
            return (pair[0] * pair[1]["b"]).sum(1) + more["c"].sum(1)

    inputs = ((torch.ones(2, 3), {"b": torch.full((2, 3), 2.0)}), {"c": torch.ones(2, 1)})
    found, question = reference.ask(Nested(), inputs, None, Gradient())
    assert question.places == ("[0][0]", "[0][1].b", "[1].c")
    assert [float(one.mean()) for one in found.maps] == [2.0, 1.0, 1.0]
    some, question = reference.ask(Nested(), inputs, None, Gradient(), only=["[0][1].b"])
    assert question.places == ("[0][1].b",)
    torch.testing.assert_close(some.maps[0], found.maps[1])


def test_tokens_are_explained_where_they_are_embedded() -> None:
    """Whole numbers are refused with that advice, and the advice works."""
    net = nn.Sequential(nn.Embedding(7, 4), nn.Flatten(), nn.Linear(12, 2))
    tokens = torch.tensor([[1, 2, 3], [4, 5, 6]])
    with pytest.raises(InputError) as error:
        Question(net, tokens, 0)
    assert str(error.value) == (
        "The inputs hold whole numbers only (torch.int64), which have no gradient. Explain them where they become real "
        "numbers: at='0'."
    )
    found, _ = reference.ask(net, tokens, 0, Gradient(), at="0")
    torch.testing.assert_close(found.maps[0], net[2].weight[0].detach().reshape(1, 3, 4).expand(2, 3, 4))


@pytest.mark.parametrize(
    ("inputs", "options", "message"),
    [
        (
            torch.zeros(0, 3),
            {},
            "The batch holds no example. Give one example or more.",
        ),
        (
            torch.tensor(1.0),
            {},
            (
                "A Tensor without a tensor that numbers examples on its first axis came. Give a batch, such as x[None] "
                "for one image."
            ),
        ),
        (torch.tensor([[1.0, torch.nan, torch.inf]]), {}, "the input holds NaN or infinity in 2 places."),
        (
            torch.zeros(1, 3),
            {"only": [".pixels"]},
            "There is no input '.pixels' of real numbers to explain. There are: the input.",
        ),
        (
            torch.zeros(1, 3),
            {"at": "*"},
            "'*' names 3 layers: (model), 0, 1. Name one of them.",
        ),
    ],
)
def test_bad_inputs_are_refused(inputs: Tensor, options: dict[str, Any], message: str) -> None:
    """The message says what came and what is possible."""
    with pytest.raises(InputError) as error:
        Question(nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2)), inputs, 0, **options)
    assert str(error.value) == message


def test_inside_inference_mode_and_without_gradients() -> None:
    """Tensors made for inference only, asked where gradients are switched off."""
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    with torch.inference_mode():
        x = torch.randn(2, 3)
        found, _ = reference.ask(net, x, 0, Gradient())
    with torch.no_grad():
        again, _ = reference.ask(net, x.clone(), 0, Gradient())
    torch.testing.assert_close(found.maps, again.maps)
    assert float(found.maps[0].abs().max()) > 0


def test_weights_take_no_part_in_the_graph() -> None:
    """While a question is asked no weight requires a gradient, and in front of a layer no graph is kept."""
    net = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    question = Question(net, torch.randn(2, 3), 0, at="0")
    with question.asked():
        assert not any(one.requires_grad for one in net.parameters())
    assert all(one.requires_grad for one in net.parameters())


@pytest.mark.parametrize("at", ["back", "back.0"])
def test_a_layer_inside_a_part_without_gradients_is_reached(at: str) -> None:
    """A frozen part that switches gradients off around itself, as backbones do while a head is tuned."""

    class Frozen(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.back = nn.Sequential(nn.Linear(3, 4), nn.Identity())
            self.head, self.frozen = nn.Linear(4, 2), True

        def forward(self, x: Tensor) -> Tensor:
            with torch.set_grad_enabled(not self.frozen):
                x = self.back(x)
            return self.head(x)

    net = Frozen()
    found, _ = reference.ask(net, torch.randn(2, 3), 1, Gradient(), at=at)
    torch.testing.assert_close(found.maps[0], net.head.weight[1].detach().expand(2, 4))


def test_chunks_change_nothing() -> None:
    """One row at a time gives what all at once give."""
    net, x = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2)), torch.randn(4, 3)
    whole, _ = reference.ask(net, x, 1, IntegratedGradients())
    question = Question(net, x, 1)
    question._chunks = Chunks(1)
    with question.asked():
        single = IntegratedGradients().attribute(question)
    torch.testing.assert_close(single.maps, whole.maps, rtol=1e-5, atol=1e-6)


def test_transformers_compute_alike_with_and_without_gradients() -> None:
    """PyTorch fuses attention where there are no gradients, and puts 0 in place of what is padded: not while asked."""

    class Padded(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
            self.encoder = nn.TransformerEncoder(layer, 1)

        def forward(self, x: Tensor, padded: Tensor) -> Tensor:
            return self.encoder(x, src_key_padding_mask=padded).sum((1, 2)) + (x**2).sum((1, 2))

    padded = torch.tensor([[False] * 5, [False] * 3 + [True] * 2])
    before = torch.backends.mha.get_fastpath_enabled()
    net = Padded()
    question = Question(net, (torch.randn(2, 5, 8), padded), lambda output: output)
    with question.asked():
        with torch.no_grad():
            alone = question.scores(question.values, torch.arange(2))
        graph, _ = question.gradients(None, torch.arange(2))
    torch.testing.assert_close(alone, graph)
    assert torch.backends.mha.get_fastpath_enabled() == before
    found, _ = reference.ask(net.encoder, torch.randn(2, 5, 8), (1, 2), Gradient(), at="layers.0.linear1")
    assert found.maps[0].shape == (2, 5, 16)


class TestLayer:
    """A layer whose output is replaced."""

    def test_one_that_does_not_run_is_named(self) -> None:
        """A module that forward leaves out has no output."""

        class Skips(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.used, self.unused = nn.Linear(3, 2), nn.Linear(3, 2)

            def forward(self, x: Tensor) -> Tensor:
                return self.used(x)

        with pytest.raises(CaptureError) as error:
            reference.ask(Skips(), torch.randn(2, 3), 0, Gradient(), at="unused")
        assert str(error.value) == "The layer 'unused' did not run in the forward pass. Name one that does."

    def test_one_without_real_numbers_is_named(self) -> None:
        """Whole numbers have no gradient."""

        class Counts(nn.Module):
            def forward(self, x: Tensor) -> Tensor:
                return x.long()

        net = nn.Sequential(nn.Linear(3, 2), Counts())
        with pytest.raises(InputError) as error:
            reference.ask(net, torch.randn(2, 3), lambda output: output.float()[:, 0], Gradient(), at="1")
        assert str(error.value) == "The layer '1' returned no tensor of real numbers. Name another layer."

    def test_one_that_numbers_something_else_first_is_named(self) -> None:
        """Tokens in front of examples cannot be told apart."""

        class Turned(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.inner = nn.Linear(4, 4)

            def forward(self, x: Tensor) -> Tensor:
                return self.inner(x.transpose(0, 1)).transpose(0, 1).flatten(1)

        with pytest.raises(InputError) as error:
            reference.ask(Turned(), torch.randn(2, 5, 4), 0, Gradient(), at="inner")
        assert str(error.value) == (
            "The layer 'inner' returned a tensor of shape (5, 2, 4) for 2 examples, and its first axis must number "
            "them. Name another layer."
        )

    def test_a_module_used_twice_is_explained_at_its_first_call(self) -> None:
        """The second call keeps what it computes from the first."""

        class Twice(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.inner = nn.Linear(3, 3, bias=False)

            def forward(self, x: Tensor) -> Tensor:
                return self.inner(self.inner(x)).sum(1)

        net = Twice()
        found, _ = reference.ask(net, torch.randn(2, 3), None, Gradient(), at="inner")
        torch.testing.assert_close(found.maps[0], net.inner.weight.sum(0).detach().expand(2, 3))

    def test_tuples_and_mappings_keep_their_kind(self) -> None:
        """What a layer returns beside the first tensor reaches what follows, which may ask for attributes."""

        class Output(dict[str, Any]):
            def __getattr__(self, name: str) -> Any:
                return self[name]

        class Gives(nn.Module):
            def forward(self, x: Tensor) -> Output:
                return Output(hidden=x * 2, more=(x, None))

        class Net(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.gives, self.cell = Gives(), nn.LSTM(3, 4, batch_first=True)

            def forward(self, x: Tensor) -> Tensor:
                _, (last, _) = self.cell(self.gives(x).hidden)
                return last[0]

        x = torch.randn(2, 5, 3)
        found, _ = reference.ask(Net(), x, 1, Gradient(), at="gives")
        assert found.maps[0].shape == (2, 5, 3)
        assert float(found.maps[0].abs().max()) > 0

    def test_rows_of_two_examples_are_never_mixed(self) -> None:
        """As many rows as examples, in another order, behind a skip connection: each gets its own example."""

        class Around(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.inner = nn.Linear(3, 3)

            def forward(self, x: Tensor) -> Tensor:
                return (torch.tanh(self.inner(x)) * x).sum(1)

        net, x = Around(), torch.randn(3, 3)
        question = Question(net, x, None, at="inner")
        with question.asked():
            for rows in ([2, 0, 1], [1, 0], [2], [0, 0, 0], [2, 2, 1, 0, 1]):
                chosen = torch.tensor(rows)
                scores = question.scores(question.at(chosen), chosen)
                torch.testing.assert_close(scores, net(x)[chosen].detach())
