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
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

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
from tests.kinds import EXTENTS, KINDS, Net, batch, results

Untouched = Callable[[nn.Module], AbstractContextManager[None]]

WARD = "\n".join(path.read_text("utf-8") for path in sorted((Path(__file__).parent / "ward").glob("*.py")))
LEARNINGS = {
    "unknown": Learning(),
    "succeeding": Learning(steps=500, first=2.3, last=0.1, prior=2.3, classes=10, accuracy=0.97, chance=0.1),
    "failing": Learning(steps=500, first=2.3, last=2.3, prior=2.3, classes=10, accuracy=0.1, chance=0.1),
}


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


@pytest.mark.parametrize("extent", ["finished model", "one step", "run"])
def test_what_changes_over_time_is_drawn_of_several_steps_only(extent: str) -> None:
    """Of a single step there is nothing to see; all others are drawn."""
    for result in results(extent).values():
        over_time = {name for name in drawings_of(type(result)) if name.endswith(("over_time", "ridges"))}
        missing = set(drawings_of(type(result))) - set(result.figures())
        assert missing == (over_time if len(result.watched) < 2 else set()), result.kind


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
    judged = any(one.result is KINDS[kind] for one in rules())  # some are views, and nothing about them is wrong
    assert bool(list(result.thin(2).findings)) == judged
    assert bool(list(empty.thin(2).findings)) == judged


# ------------------------------------------------------------------------------------------ every measuring function


def measuring() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every public function of a window that takes a model first, and the checkup of all windows."""
    for window in pkgutil.iter_modules(pel.windows.__path__):
        module = importlib.import_module(f"pellucid.windows.{window.name}")
        for name in module.__all__:
            one = getattr(module, name)
            if inspect.isfunction(one) and next(iter(inspect.signature(one).parameters), "") in ("model", "first"):
                yield f"{window.name}.{name}", one
    yield "checkup", lambda model, batch, loss: pel.checkup(model, [batch], loss)


MEASURING = dict(measuring())


def call(name: str, model: nn.Module, loss: Callable[[Tensor, Tensor], Tensor]) -> Any:
    """Call a measuring function with whatever it takes of a batch, its inputs and a loss."""
    function, given = MEASURING[name], {"batch": batch(), "loss": loss, "x": batch()[0]}
    if "shape" in inspect.signature(function).parameters:  # inputs that are pictures
        given |= {"data": batch(), "shape": (1, 3, 4)}
    if name in ("weights.maximize", "weights.dream"):  # of pictures that are flattened first
        model, given = nn.Sequential(nn.Flatten(), model), {"at": "1.act", "steps": 2, "like": (1, 3, 4)}
        given["image"] = batch()[0][0].reshape(1, 3, 4)
    if name == "weights.filters":  # of a convolution, made without drawing from the random state
        convolution = nn.utils.skip_init(nn.Conv1d, 1, 4, 3)
        nn.init.ones_(convolution.weight), nn.init.ones_(convolution.bias)
        model, given = nn.Sequential(nn.Unflatten(1, (1, 12)), convolution, nn.Flatten(), model), {"data": batch()}
    if name in ("loss.landscape", "loss.curvature", "loss.line_search", "loss.path", "loss.interpolation"):
        given |= {"data": batch(), "resolution": 3, "second": shifted(model, 1)}
        given["snapshots"] = [shifted(model, far) for far in range(1, 5)]
    if name == "activations.feature_maps":
        given |= {"at": "act", "data": batch()}
    if name in ("embeddings.features", "embeddings.separation"):
        given |= {"data": batch(), "held_out": batch(), "train": batch()}
    if name == "embeddings.tokens":
        model = nn.Sequential(nn.Embedding(3, 12, _weight=torch.ones(3, 12)), model)
    return function(model, **{key: given[key] for key in inspect.signature(function).parameters if key in given})


def shifted(model: nn.Module, far: float) -> dict[str, Tensor]:
    """Return the parameters of a model, moved."""
    return {name: one.detach() + 0.1 * far for name, one in model.named_parameters()}


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
