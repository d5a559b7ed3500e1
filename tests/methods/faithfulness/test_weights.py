"""Which layers become random together, in which order, and what random means for each kind of layer."""

import copy
from contextlib import suppress

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from pellucid.methods.attribution import Question
from pellucid.methods.faithfulness.weights import copy_of, drawn_from, make_random, settle_norms, stages_of


def stages(model: nn.Module, x: Tensor, most: int = 12) -> list[tuple[str, ...]]:
    """Return the names of the stages."""
    question = Question(model, x, None)
    with question.asked():
        return [one.names for one in stages_of(question, most)]


class Backwards(nn.Module):
    """Registers its layers in another order than it runs them, and holds a parameter of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.head, self.norm, self.body = nn.Linear(4, 2), nn.LayerNorm(4), nn.Linear(3, 4)
        self.shift, self.unused = nn.Parameter(torch.ones(3, 1)), nn.Linear(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Body, norm, head."""
        return self.head(self.norm(self.body(x + self.shift[:, 0])))


def test_stages_stand_in_the_order_in_which_layers_run() -> None:
    """From the output back; a norm goes with its matrix; the model itself, and what it never calls, last."""
    assert stages(Backwards(), torch.randn(5, 3)) == [("head",), ("body", "norm"), ("unused",), ("(model)",)]


def test_norms_and_scales_in_front_of_everything_go_with_the_first_matrix() -> None:
    """They have no matrix of their own."""
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 4), nn.BatchNorm1d(4), nn.PReLU(), nn.Linear(4, 2))
    assert stages(model, torch.randn(5, 3)) == [("4",), ("0", "1", "2", "3")]


def test_many_layers_go_together() -> None:
    """In runs of neighbours, each in one stage."""
    model = nn.Sequential(*(nn.Linear(3, 3) for _ in range(10)))
    assert stages(model, torch.randn(2, 3), 3) == [("7", "8", "9"), ("3", "4", "5", "6"), ("0", "1", "2")]


def test_tied_weights_become_random_once() -> None:
    """In the layer that comes first."""
    first, second = nn.Linear(3, 3), nn.Linear(3, 3, bias=False)
    second.weight = first.weight
    assert stages(nn.Sequential(first, nn.Tanh(), second), torch.randn(2, 3)) == [("0",)]


def attention() -> nn.Module:
    """An attention, whose output layer it never calls."""
    return nn.MultiheadAttention(4, 2, batch_first=True)


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Linear(6, 5),
        lambda: nn.Conv2d(2, 3, 3),
        lambda: nn.Embedding(7, 3),
        lambda: nn.LSTM(3, 4),
        attention,
        lambda: parametrizations.weight_norm(nn.Linear(6, 5)),
        lambda: nn.TransformerEncoderLayer(4, 2, 8),
        lambda: Backwards(),  # noqa: PLW0108 - it holds a parameter without any reset
    ],
)
def test_no_matrix_stays_as_it_was(make: object) -> None:
    """Whether its module resets it, computes it from others, or knows no reset: and the same seed gives the same."""
    assert callable(make)
    model = make()
    with torch.no_grad():
        for one in model.parameters():
            one.copy_(torch.randn_like(one))
    before = {name: one.clone() for name, one in model.named_parameters()}
    names = [name or "(model)" for name, one in model.named_modules() if list(one.parameters(recurse=False))]
    other = copy.deepcopy(model)
    for one in (model, other):
        with drawn_from(3):
            make_random(one, names)
    for (name, one), same in zip(model.named_parameters(), other.parameters(), strict=True):
        assert not torch.equal(one, before[name]), name
        assert torch.equal(one, same)


def test_shuffled_weights_keep_their_values() -> None:
    """Only their places are lost."""
    model = Backwards()
    with torch.no_grad():
        model.shift.copy_(torch.arange(3.0)[:, None] ** 2)
    with drawn_from(1):
        make_random(model, ["(model)"])
    assert sorted(model.shift[:, 0].tolist()) == [0, 1, 4]


def test_a_reset_that_fails_is_a_shuffle() -> None:
    """Of a stranger, who wants arguments."""

    class Strange(nn.Linear):
        def reset_parameters(self, gain: float | None = None) -> None:
            if hasattr(self, "made"):
                raise ValueError(gain)
            self.made = True
            super().reset_parameters()

    model = Strange(4, 3)
    before = model.weight.detach().clone()
    with drawn_from(0):
        make_random(model, ["(model)"])
    assert not torch.equal(model.weight, before)
    assert sorted(model.weight.flatten().tolist()) == sorted(before.flatten().tolist())


def test_the_random_state_of_torch_stays() -> None:
    """Also when the block fails."""
    state = torch.get_rng_state()
    with suppress(RuntimeError), drawn_from(7):
        torch.rand(3)
        raise RuntimeError("stop")
    assert torch.equal(torch.get_rng_state(), state)


def test_norms_take_their_statistics_from_the_examples() -> None:
    """Those that are random only; a single example leaves them at 0 and 1; nothing else is in train mode."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.9)
    ).eval()
    x = torch.randn(20, 3)
    kept = model[1].running_mean.clone()
    with drawn_from(0):
        make_random(model, ["2", "3"])
    settle_norms(Question(model, x, 0), ["2", "3"])
    inside = model[2](model[1](model[0](x)))
    torch.testing.assert_close(model[3].running_mean, inside.mean(0).detach())
    torch.testing.assert_close(model[3].running_var, inside.var(0).detach())
    assert torch.equal(model[1].running_mean, kept)
    assert [one.training for one in model] == [False] * 5
    assert model[3].momentum == 0.1
    settle_norms(Question(model, x[:1], 0), ["2", "3"])
    assert model[3].running_mean.tolist() == [0] * 4
    assert model[3].running_var.tolist() == [1] * 4


def test_a_copy_shares_nothing() -> None:
    """Not a single storage; its modes and hooks are those of the model."""
    model = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3))
    model[1].eval()
    copied = copy_of(model)
    places = {one.data_ptr() for one in (*model.parameters(), *model.buffers())}
    assert not places & {one.data_ptr() for one in (*copied.parameters(), *copied.buffers())}
    assert [one.training for one in copied.modules()] == [True, True, False]
