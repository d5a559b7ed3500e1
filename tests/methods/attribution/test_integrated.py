"""Integrated gradients: known answers, completeness, and how many nodes are taken."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import pellucid as pel
from pellucid.core.errors import InputError
from pellucid.methods.attribution import IntegratedGradients, Method
from tests.reference import attribution as reference


class _First(nn.Module):
    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return torch.relu(torch.relu(a) - 1 - torch.relu(b))


class _Second(nn.Module):
    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return torch.relu(torch.relu(a - 1) - torch.relu(b))


class _Curve(nn.Module):
    def forward(self, v: Tensor) -> Tensor:
        return 5 * v[:, 0] + v[:, 1] ** 2 + torch.sin(v[:, 2])


def _net() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 8), nn.GELU(), nn.Linear(8, 3))


@pytest.mark.parametrize("nodes", [2, 4, 8, 50])
@pytest.mark.parametrize("net", [_First(), _Second()])
def test_two_ways_of_writing_one_function_have_one_answer(net: nn.Module, nodes: int) -> None:
    """At (3, 1) from 0 it is (1.5, -0.5), with any even number of nodes."""
    inputs = (torch.tensor([3.0]), torch.tensor([1.0]))
    found, _ = reference.ask(net, inputs, None, IntegratedGradients(nodes=nodes, exact=True))
    assert [float(one) for one in found.maps] == pytest.approx([1.5, -0.5], abs=1e-6)


def test_a_curve_from_another_baseline() -> None:
    """5x + y^2 + sin z from (.5, 1, 1) to (1, 2, 3), with 8 nodes in float64."""
    start = torch.tensor([0.5, 1, 1], dtype=torch.float64)
    x = torch.tensor([[1.0, 2, 3]], dtype=torch.float64)
    found, _ = reference.ask(_Curve(), x, None, IntegratedGradients(baseline=start, nodes=8, exact=True))
    assert found.maps[0][0].tolist() == pytest.approx([2.5, 3.0, math.sin(3) - math.sin(1)], abs=1e-12)
    assert float(found.maps[0][0, 2]) == pytest.approx(-0.700351, abs=1e-6)


@pytest.mark.parametrize("nodes", [1, 2, 3, 10])
def test_a_linear_model_is_complete_with_any_number_of_nodes(nodes: int) -> None:
    """Also with one: the weights of the nodes add up to 1."""
    net, x = nn.Linear(5, 2).double(), torch.randn(3, 5, dtype=torch.float64)
    found, _ = reference.ask(net, x, 1, IntegratedGradients(nodes=nodes, exact=True))
    torch.testing.assert_close(found.maps[0], x * net.weight[1].detach(), rtol=1e-12, atol=1e-12)
    assert found.error is not None
    assert float(found.error.max()) < 1e-6


def test_it_is_the_twin() -> None:
    """The integral is that of thousands of small steps."""
    net, x = _net().double(), torch.randn(2, 4, dtype=torch.float64)
    found, _ = reference.ask(net, x, [0, 2], IntegratedGradients(baseline=0.2))
    for row, column in enumerate((0, 2)):
        start = torch.full((4,), 0.2, dtype=torch.float64)
        twin = reference.integrated(reference.scored(net, column), x[row], start)
        torch.testing.assert_close(found.maps[0][row], twin, rtol=0, atol=1e-7)


def test_nodes_are_doubled_only_for_examples_that_need_it() -> None:
    """A smooth example is done with 8; one that crosses a kink takes more, to within the tolerance."""

    class Kink(nn.Module):
        def forward(self, v: Tensor) -> Tensor:
            return v[:, 0] + torch.relu(v[:, 1] - 0.123)

    x = torch.tensor([[1.0, 0.0], [0.0, 1.0], [2.0, -1.0]])
    found, question = reference.ask(Kink(), x, None, IntegratedGradients(tolerance=0.005))
    assert found.error is not None
    assert float(found.error.max()) <= 0.005
    nodes = int(found.notes["nodes"])
    assert nodes > 8
    # Two forward passes of all, and 2 x (8 for all, the rest for one).
    assert question.passes == pytest.approx(2 + 2 * (8 + (2 * nodes - 16) / 3))


def test_the_budget_is_kept_and_what_is_missing_reported() -> None:
    """With 8 nodes at the most the error stays above the tolerance, and is said."""

    class Step(nn.Module):
        def forward(self, v: Tensor) -> Tensor:
            return torch.sigmoid(200 * (v[:, 0] - 0.37))

    found, _ = reference.ask(Step(), torch.tensor([[1.0]]), None, IntegratedGradients(nodes=8))
    assert found.error is not None
    missed = abs(float(found.maps[0].sum()) - 1)
    assert float(found.error[0]) == pytest.approx(missed, rel=1e-3)
    assert missed > 0.01
    assert found.notes == {"nodes": 8.0}


def test_no_difference_is_not_divided_by() -> None:
    """Where input and baseline score the same, the error is a share of what was added up."""

    class Even(nn.Module):
        def forward(self, v: Tensor) -> Tensor:
            return v[:, 0] - v[:, 1]

    found, _ = reference.ask(Even(), torch.ones(1, 2), None, IntegratedGradients())
    assert found.error is not None
    assert float(found.error[0]) < 1e-3
    zeros, _ = reference.ask(Even(), torch.zeros(1, 2), None, IntegratedGradients())
    assert zeros.error is not None
    assert float(zeros.error[0]) == 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: IntegratedGradients(nodes=4), "nodes=4 came; expected a whole number, 8 to 4,096."),
        (lambda: IntegratedGradients(nodes=0, exact=True), "nodes=0 came; expected a whole number, 1 to 4,096."),
        (
            lambda: IntegratedGradients(tolerance=0.0),
            ("tolerance=0.0 came; expected a number, above 0: a share of the difference of the scores, such as 0.01."),
        ),
    ],
)
def test_options_out_of_range_are_refused(make: Callable[[], Method], message: str) -> None:
    """When they are given, and not when they are used: what came and what is possible."""
    with pytest.raises(InputError) as error:
        make()
    assert str(error.value) == message


class _Residual(nn.Module):
    """Stem, four stages with skip connections, head; without annotations that say that examples keep their number."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.stages = nn.ModuleList([nn.Conv2d(8, 8, 3, padding=1) for _ in range(4)])
        self.head = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x).relu_()
        for stage in self.stages:
            x = torch.relu(stage(x) + x)
        return self.head(x.mean((2, 3)))


@pytest.mark.parametrize(("examples", "expected"), [(4, [4, 2, 2]), (1, [1, 1, 1])])
def test_a_layer_runs_what_is_in_front_of_it_once_a_chunk(examples: int, expected: list[int]) -> None:
    """50 nodes at the head cost the stem a few rows, not 50 an example."""
    net, x = _Residual(), torch.randn(examples, 3, 8, 8)
    rows: list[int] = []
    net.stem.register_forward_hook(lambda *call: rows.append(len(call[-1])))
    found, question = reference.ask(net, x, 1, IntegratedGradients(nodes=50, exact=True), at="head")
    # The examples, their baselines, all nodes.
    assert rows == expected
    assert question.layer is not None
    assert not question.layer.whole
    assert found.error is not None
    assert float(found.error.max()) < 1e-3
    assert found.maps[0].shape == (examples, 5)


def test_a_layer_with_a_way_around_it_is_run_whole() -> None:
    """The skip connection around a stage needs the row's own example: it is noticed, and the map is right."""
    net, x = _Residual().double(), torch.randn(3, 3, 6, 6, dtype=torch.float64)
    found, question = reference.ask(net, x, [1, 0, 4], IntegratedGradients(nodes=16, exact=True), at="stages.2")
    assert question.layer is not None
    assert question.layer.whole
    for row, column in enumerate((1, 0, 4)):
        alone, _ = reference.ask(
            net, x[row : row + 1], column, IntegratedGradients(nodes=16, exact=True), at="stages.2"
        )
        torch.testing.assert_close(found.maps[0][row], alone.maps[0][0], rtol=1e-9, atol=1e-12)
    assert found.error is not None
    assert float(found.error.max()) < 0.5


def test_a_layer_is_integrated_like_an_input() -> None:
    """It is the map of what follows, asked by itself."""
    net, x = _net().double(), torch.randn(3, 4, dtype=torch.float64)
    found, _ = reference.ask(net, x, [0, 1, 2], IntegratedGradients(baseline=0.1), at="0")
    tail = net[1:]
    alone, _ = reference.ask(tail, net[0](x).detach(), [0, 1, 2], IntegratedGradients(baseline=0.1))
    torch.testing.assert_close(found.maps, alone.maps, rtol=1e-12, atol=1e-12)


def test_what_may_be_rounding_is_not_missed() -> None:
    """Scores that differ in their last digits are no yardstick: sound maps would be accused, and all nodes spent."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(16, 32), nn.GELU(), nn.Linear(32, 4))
    x = torch.rand(5, 16)
    for method in (pel.gradients.IntegratedGradients, pel.gradients.DeepLift):
        near = pel.gradients.saliency(net, x, 1, method=method(baseline=x + 1e-7 * torch.randn(5, 16)))
        assert near.error.max() == 0.0
        assert near.findings.level == "ok"
    assert near.provenance.passes < 20
    coarse = pel.gradients.saliency(net, x, 1, method=pel.gradients.IntegratedGradients(nodes=1, exact=True))
    assert coarse.error.min() > 0.0
