"""What every rule, every drawing, every result and every measuring function promises, fed from the registries.

A new rule, drawing, window or kind of result is tested here unasked; a new kind says below how little of it there
can be.
"""

import importlib
import inspect
import itertools
import pkgutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import pellucid as pel
from pellucid.core.drawing import drawings_of
from pellucid.core.figure.static import svg
from pellucid.core.figure.text import figure_text
from pellucid.core.finding import Level
from pellucid.core.learning import Learning
from pellucid.core.result import Result
from pellucid.core.rule import Case, Rule, rules
from pellucid.maths.series import TensorSeries
from pellucid.windows.activations import ActivationHistograms
from pellucid.windows.gradients import GradientFlow, Saliency
from pellucid.windows.loss import Descent, LossCurves, SanityCheck
from pellucid.windows.loss.measure import evaluate
from pellucid.windows.weights import WeightHistograms

Untouched = Callable[[nn.Module], AbstractContextManager[None]]

WARD = "\n".join(path.read_text("utf-8") for path in sorted((Path(__file__).parent / "ward").glob("*.py")))
LEARNINGS = {
    "unknown": Learning(),
    "succeeding": Learning(steps=500, first=2.3, last=0.1, prior=2.3, classes=10, accuracy=0.97, chance=0.1),
    "failing": Learning(steps=500, first=2.3, last=2.3, prior=2.3, classes=10, accuracy=0.1, chance=0.1),
}


class Net(nn.Module):
    """Everything that a measurement could disturb: batch norm, dropout, an in-place function."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm, self.act = nn.Linear(12, 16), nn.BatchNorm1d(16), nn.ReLU(inplace=True)
        self.drop, self.head = nn.Dropout(0.3), nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        """Classify."""
        return self.head(self.drop(self.act(self.norm(self.first(x)))))


def batch(samples: int = 64) -> tuple[Tensor, Tensor]:
    """Return inputs and classes from a generator of their own."""
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(samples, 12, generator=generator)
    return x, (x[:, :4] + 0.1).argmax(1)


# --------------------------------------------------------------------------------- every kind of result, large to empty


def run_of(steps: int) -> dict[type[Result], Result]:
    """Watch a small training; a result of every kind."""
    torch.manual_seed(0)
    model, (x, y) = Net(), batch()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    options = pel.WatchOptions(on_finding=None)
    with pel.watch(model, optimizer, every=1, check=batch(128), check_every=3, options=options) as watch:
        for _ in range(steps):
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            watch.step(loss=loss)
    descent = pel.loss.descend("bowl", steps=steps)  # no part of a run: on its way, and healthy
    maps = pel.gradients.saliency(model, x[:steps])
    return {type(one): one for one in (*watch.results.values(), descent, maps)}


def finished() -> dict[type[Result], Result]:
    """Examine a finished model: one step, and no optimiser."""
    torch.manual_seed(0)
    model, data = Net(), batch()
    found: list[Result] = [
        pel.activations.histograms(model, data),
        pel.weights.histograms(model),
        pel.gradients.flow(model, data),
        pel.loss.sanity(model, data, F.cross_entropy),
        pel.loss.curves({"loss": [1.0]}),
        pel.loss.descend("bowl"),
        pel.gradients.saliency(model, data[0], method="integratedgradients"),
    ]
    return {type(one): one for one in found}


def nothing() -> dict[type[Result], Result]:
    """Results in which nothing was measured: no layer ran, there is no parameter, no step, no value."""
    none, table = TensorSeries.empty(), np.zeros((0, 0))
    found: list[Result] = [
        ActivationHistograms(series=none, types=(), activations=(), roles=()),
        WeightHistograms(series=none, shapes=(), twins=table),
        GradientFlow(
            gradients=none,
            updates=table,
            weights=table,
            shapes=(),
            trainable=(),
            owned=(),
            missing=table.astype(bool),
            learning_rates=table,
            carried=table,
        ),
        LossCurves(curves={}, label_counts=np.zeros(0, dtype=np.int64)),
        evaluate(Net(), *batch(8), F.cross_entropy).before(0),
        nowhere(),
        unexplained(),
    ]
    return {type(one): one for one in found}


def nowhere() -> Descent:
    """A descent without a single point."""
    found, none = pel.loss.descend("bowl", steps=0), np.zeros(0)
    return replace(found, path=none.reshape(0, 2), losses=none, gradients=none, curvatures=none.reshape(0, 2))


def unexplained() -> Saliency:
    """Maps of no example."""
    found, none = pel.gradients.saliency(Net(), batch(2)[0]), np.zeros((0, 12))
    empty = {"scores": none[:, 0], "outputs": none[:, :4], "error": none[:, 0], "targets": (), "silent": ()}
    return replace(found, maps=(none,), inputs=(none,), **empty)


EXTENTS: dict[str, Callable[[], dict[type[Result], Result]]] = {
    "nothing": nothing,
    "finished model": finished,
    "one step": lambda: run_of(1),
    "run": lambda: run_of(8),
}
KINDS = {
    one.kind: one
    for one in (ActivationHistograms, WeightHistograms, GradientFlow, Saliency, LossCurves, SanityCheck, Descent)
}


@cache
def results(extent: str) -> dict[type[Result], Result]:
    """The results of one extent, made once: nothing writes to them."""
    return EXTENTS[extent]()


def test_every_kind_of_result_is_tested_here() -> None:
    """A kind that a window registers has an entry above, at every extent."""
    registered = {kind for kind, one in Result.kinds.items() if one.__module__.startswith("pellucid.windows.")}
    assert registered == set(KINDS)
    for extent in EXTENTS:
        assert set(results(extent)) == set(KINDS.values()), extent


# ------------------------------------------------------------------------------------------------------- every rule


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.code)
def test_every_rule_has_a_patient_in_the_ward(rule: Rule) -> None:
    """The ward names every rule by its code."""
    assert f'"{rule.code}"' in WARD


@pytest.mark.parametrize("extent", ["nothing", "finished model", "one step"])
@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.code)
def test_no_rule_accuses_on_too_little(rule: Rule, extent: str) -> None:
    """On nothing, a sound finished model and a single step a rule speaks, does not fail, and accuses nobody."""
    for learning in LEARNINGS.values():
        case = Case(rule=rule, limits=rule.limits, learning=learning)
        found = list(rule.judge(results(extent)[rule.result], case))
        assert found
        assert {one.level for one in found} <= {Level.OK, Level.LOOK, Level.NOT_MEASURED}
        if extent == "nothing":
            assert Level.NOT_MEASURED in {one.level for one in found}


@pytest.mark.parametrize("learning", LEARNINGS)
@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.code)
def test_every_finding_is_complete(rule: Rule, learning: str) -> None:
    """On a run a rule speaks in one line, and a problem comes with its cause and a next step."""
    for one in rule.judge(
        results("run")[rule.result], Case(rule=rule, limits=rule.limits, learning=LEARNINGS[learning])
    ):
        assert one.code == rule.code
        assert one.message
        assert "\n" not in one.line
        if one.level in (Level.WARN, Level.ALARM):
            assert one.cause
            assert one.next_step


# ---------------------------------------------------------------------------------------------------- every drawing


DRAWINGS = [(kind, name) for kind, one in KINDS.items() for name in drawings_of(one)]


def test_every_kind_of_result_can_be_drawn() -> None:
    """There is at least one drawing of each."""
    assert {kind for kind, _ in DRAWINGS} == set(KINDS)


@pytest.mark.parametrize("extent", EXTENTS)
@pytest.mark.parametrize(("kind", "name"), DRAWINGS)
def test_every_drawing_is_text_and_an_image(kind: str, name: str, extent: str) -> None:
    """As text it keeps its width and says the verdict; as SVG it is well formed; the result stays as it was."""
    result = results(extent)[KINDS[kind]]
    figure = result.figure(name)
    assert figure.title
    assert figure.alt
    assert figure.verdict
    lines = figure_text(figure, 72).splitlines()
    assert lines
    assert max(len(line) for line in lines) <= 72
    assert ET.fromstring(svg(figure)).tag.endswith("svg")  # noqa: S314 - our own picture


# ----------------------------------------------------------------------------------------------------- every result


@pytest.mark.parametrize("extent", EXTENTS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_result_comes_back_from_a_file(kind: str, extent: str, tmp_path: Path) -> None:
    """Stored and read back it is judged and shown the same, however little it holds."""
    result = results(extent)[KINDS[kind]]
    again = Result.load(result.save(tmp_path / "result.safetensors"))
    assert type(again) is KINDS[kind]
    assert again.findings == result.findings
    assert str(again) == str(result)


@pytest.mark.parametrize("kind", KINDS)
def test_every_result_joins_and_thins(kind: str) -> None:
    """Joined with a piece in which nothing was measured it still judges; thinned it keeps what it can say."""
    result, empty = results("run")[KINDS[kind]], results("nothing")[KINDS[kind]]
    assert type(result).join([result]).findings == result.findings
    assert type(result).join([empty, result]).findings == result.findings
    assert result.thin(1000).findings == result.findings
    assert list(result.thin(2).findings)
    assert list(empty.thin(2).findings)


# ------------------------------------------------------------------------------------------ every measuring function


def measuring() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every public function of a window that takes a model first, and the checkup of all windows."""
    for window in pkgutil.iter_modules(pel.windows.__path__):
        module = importlib.import_module(f"pellucid.windows.{window.name}")
        for name in module.__all__:
            one = getattr(module, name)
            if inspect.isfunction(one) and next(iter(inspect.signature(one).parameters), "") == "model":
                yield f"{window.name}.{name}", one
    yield "checkup", lambda model, batch, loss: pel.checkup(model, [batch], loss)


MEASURING = dict(measuring())


def call(name: str, model: nn.Module, loss: Callable[[Tensor, Tensor], Tensor]) -> Any:
    """Call a measuring function with whatever it takes of a batch, its inputs and a loss."""
    function, given = MEASURING[name], {"batch": batch(), "loss": loss, "x": batch()[0]}
    return function(model, **{key: given[key] for key in inspect.signature(function).parameters if key in given})


def test_every_window_is_reached() -> None:
    """Each window measures a finished model."""
    assert {name.partition(".")[0] for name in MEASURING} >= {"activations", "gradients", "loss", "weights", "checkup"}


@pytest.mark.parametrize("failing", ["nothing", "loss", "forward", "interrupt"])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", MEASURING)
def test_measuring_leaves_the_model_as_it_was(
    name: str, training: bool, failing: str, model_is_untouched: Untouched
) -> None:
    """Bit for bit, in either mode, with gradients and odd modes inside, also when the model or the loss fails."""
    model = Net()
    F.cross_entropy(model(batch()[0]), batch()[1]).backward()
    model.first.bias.grad = None
    model.train(training)
    model.norm.train(not training)
    calls = itertools.count()

    def loss(output: Tensor, target: Tensor) -> Tensor:
        if failing == "interrupt" and next(calls):
            raise KeyboardInterrupt
        if failing == "loss":
            raise RuntimeError("the loss fails")
        return F.cross_entropy(output, target)

    def fail(*_: object) -> None:
        raise RuntimeError("the model fails")

    if failing == "forward":
        model.norm.register_forward_hook(fail)
    with model_is_untouched(model), suppress(RuntimeError, KeyboardInterrupt):
        call(name, model, loss)
