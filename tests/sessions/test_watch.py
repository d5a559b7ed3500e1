"""What a watch sees and keeps, and how it takes bad input and broken surroundings."""

import copy
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import pellucid as pel
from pellucid.core import rule as rule_module
from pellucid.core.errors import InputError, RunLockedError, StoreError
from pellucid.core.rule import Case
from pellucid.sessions.watched import Watched
from tests.sessions import loops


def watched(loop: loops.Loop = loops.plain, *, run: Path | None = None, **options: Any) -> tuple[loops.Setting, Any]:
    """Train once under a watch."""
    setting = loops.Setting(**options)
    with pel.watch(setting.model, setting.optimizer, every=2, run=run, options=loops.QUIET) as watch:
        loop(setting, watch)
    return setting, watch


def test_tensors_are_measured_at_steps_that_every_divides() -> None:
    """Scalars are taken at each step, tensors at steps 0, 2 and 4."""
    _, watch = watched()
    results = watch.results
    assert results["loss"].curves["loss"].steps.tolist() == [0, 1, 2, 3, 4, 5]
    for name in ("activations", "weights"):
        assert results[name].series.steps.tolist() == [0, 2, 4]
    assert results["gradients"].gradients.steps.tolist() == [0, 2, 4]


def test_gradients_and_updates_are_those_of_the_optimizer_step() -> None:
    """The gradient norm is that of .grad at the step, the update that of the parameter's change."""
    setting = loops.Setting(optimizer="SGD")
    with loops.watching(setting) as watch:
        before = [one.detach().clone() for one in setting.plain.parameters()]
        loops.plain(setting, None)  # six steps, of which the first is due
        watch.step(loss=1.0)
    flow = watch.results["gradients"]
    setting = loops.Setting(optimizer="SGD")
    x, y = setting.batches[0]
    F.cross_entropy(setting.model(x), y).backward()
    for place, (parameter, old) in enumerate(zip(setting.plain.parameters(), before, strict=True)):
        assert torch.equal(parameter, old)
        expected = parameter.grad.double().norm().item()
        assert flow.gradients.norm[0, place] == pytest.approx(expected, rel=1e-5, abs=1e-8)
        assert flow.updates[0, place] * parameter.numel() ** 0.5 == pytest.approx(0.01 * expected, rel=1e-3, abs=1e-8)


def test_a_functional_relu_and_a_shared_module_are_seen() -> None:
    """F.relu is heard at the input of the next layer, and the second call of a module has its own name."""
    _, watch = watched()
    found = watch.results["activations"]
    assert "activation" in found.series.names
    assert "activation#2" in found.series.names
    assert dict(zip(found.series.names, found.activations, strict=True))["drop.input"] == "relu"


def test_accumulated_gradients_are_read_at_the_step_of_the_optimizer() -> None:
    """With two batches a step the reading waits for the optimiser and shows the whole gradient."""
    _, watch = watched(loops.accumulating)
    flow = watch.results["gradients"]
    assert not flow.missing.any()
    assert (flow.updates > 0).all()


def test_a_closure_is_read_after_its_last_evaluation() -> None:
    """LBFGS evaluates inside its step; gradients and updates are measured all the same."""
    _, watch = watched(loops.closures, optimizer="LBFGS")
    flow = watch.results["gradients"]
    assert not flow.missing.any()
    assert (flow.updates[0] > 0).any()


def test_scaled_gradients_are_read_unscaled() -> None:
    """Under GradScaler the gradient norm does not depend on the scale."""
    _, scaled = watched(loops.scaled, optimizer="SGD")
    norms = scaled.results["gradients"].gradients.norm
    assert norms.max() < 20  # the scale is 256


def test_two_models_and_two_optimizers_are_told_apart() -> None:
    """A generator and a discriminator are watched together, under their own names."""
    torch.manual_seed(0)
    models = {"generator": nn.Linear(3, 4), "judge": nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 1))}
    optimizers = [torch.optim.SGD(one.parameters(), lr=0.1) for one in models.values()]
    with pel.watch(models, optimizers, every=1, options=loops.QUIET) as watch:
        for _ in range(3):
            loss = models["judge"](models["generator"](torch.ones(2, 3))).mean()
            for optimizer in optimizers:
                optimizer.zero_grad()
            loss.backward()
            for optimizer in optimizers:
                optimizer.step()
            watch.step(loss=loss)
    results = watch.results
    assert results["activations"].series.names == ("generator", "judge.0", "judge.1", "judge.2")
    names = ("generator.weight", "generator.bias", "judge.0.weight", "judge.0.bias", "judge.2.weight", "judge.2.bias")
    assert results["weights"].series.names == names
    assert results["gradients"].owned == (True,) * 6
    assert (results["gradients"].updates[:, :2] > 0).all()


@pytest.mark.parametrize("check_every", [2, 4])
def test_the_evaluation_at_the_end_adds_no_step(tmp_path: Path, check_every: int) -> None:
    """After six steps the run has six steps, also with a check batch, and a resumed one begins at the seventh."""
    setting = loops.Setting()
    check = (torch.ones(6, 1, 8, 8), torch.arange(6) % 5)
    with pel.watch(
        setting.model,
        setting.optimizer,
        every=4,
        check=check,
        check_every=check_every,
        run=tmp_path / "run",
        options=loops.QUIET,
    ) as watch:
        loops.plain(setting, watch)
    run = pel.Run(tmp_path / "run")
    assert run.steps == 6
    assert run.results()["sanity"].steps.tolist() == sorted({*range(0, 6, check_every), 6})


def test_a_run_is_resumed_where_it_stopped(tmp_path: Path) -> None:
    """The second half goes into the same run, after the first, and both are judged together."""
    watched(run=tmp_path / "run")
    setting = loops.Setting()
    options = pel.WatchOptions(resume=True, on_finding=None)
    with pel.watch(setting.model, setting.optimizer, every=2, run=tmp_path / "run", options=options) as watch:
        assert watch.step_number == 6
        loops.plain(setting, watch)
    stored = pel.Run(tmp_path / "run").results()
    assert stored["loss"].curves["loss"].steps.tolist() == list(range(12))
    assert stored["weights"].series.steps.tolist() == [0, 2, 4, 6, 8, 10]
    assert watch.results["weights"].series.steps.tolist() == [0, 2, 4, 6, 8, 10]
    assert stored["loss"].label_counts.sum() == 96


def test_a_run_is_resumed_at_the_step_of_a_checkpoint(tmp_path: Path) -> None:
    """What the run held after the checkpoint is dropped, and the steps go on from there."""
    watched(run=tmp_path / "run")
    setting = loops.Setting()
    options = pel.WatchOptions(resume=True, start=3, on_finding=None)
    with pel.watch(setting.model, setting.optimizer, every=2, run=tmp_path / "run", options=options) as watch:
        loops.plain(setting, watch)
    stored = pel.Run(tmp_path / "run").results()
    assert stored["loss"].curves["loss"].steps.tolist() == list(range(9))
    assert stored["weights"].series.steps.tolist() == [0, 2, 4, 6, 8]
    assert watch.results["weights"].series.steps.tolist() == [0, 2, 4, 6, 8]


def test_what_is_stored_is_what_was_seen(tmp_path: Path) -> None:
    """The results read back from the run equal those in memory."""
    _, watch = watched(run=tmp_path / "run")
    stored, seen = pel.Run(tmp_path / "run").results(), watch.results
    assert set(stored) == set(seen)
    np.testing.assert_array_equal(stored["weights"].series.sums, seen["weights"].series.sums)
    np.testing.assert_array_equal(stored["activations"].series.units, seen["activations"].series.units)
    np.testing.assert_array_equal(stored["gradients"].missing, seen["gradients"].missing)
    np.testing.assert_array_equal(stored["loss"].curves["loss"].values, seen["loss"].curves["loss"].values)


def test_a_copy_of_the_model_is_not_heard() -> None:
    """An exponential moving average made by deepcopy during training does not add to the statistics."""
    setting = loops.Setting()
    x = setting.batches[0][0]
    with loops.watching(setting) as watch:
        average = copy.deepcopy(setting.plain)
        setting.model(x).sum().backward()
        average(x)
        setting.optimizer.step()
        watch.step(loss=0.0)
    series = watch.results["activations"].series
    assert series.count[0, series.place("head")] == 8 * 5


def test_an_existing_run_is_not_overwritten(tmp_path: Path) -> None:
    """A second watch of the same directory is refused unless it resumes."""
    watched(run=tmp_path / "run")
    setting = loops.Setting()
    with pytest.raises(StoreError):
        pel.watch(setting.model, setting.optimizer, run=tmp_path / "run")


def test_two_watches_of_one_run_are_refused(tmp_path: Path) -> None:
    """While one watch writes the run, another one is told who does."""
    setting = loops.Setting()
    options = pel.WatchOptions(resume=True, on_finding=None)
    with (
        pel.watch(setting.model, setting.optimizer, run=tmp_path / "run", options=loops.QUIET),
        pytest.raises(RunLockedError),
    ):
        pel.watch(setting.model, setting.optimizer, run=tmp_path / "run", options=options)


def test_training_goes_on_when_the_store_disappears(tmp_path: Path) -> None:
    """A removed run directory is one warning, and the verdict still comes."""
    setting = loops.Setting()
    watch = pel.watch(setting.model, setting.optimizer, every=2, run=tmp_path / "run", options=loops.QUIET)

    def train() -> None:
        with watch:
            shutil.rmtree(tmp_path / "run")
            loops.plain(setting, watch)

    with pytest.warns(pel.PellucidWarning, match="could not be written"):
        train()
    assert watch.results["loss"].curves["loss"].values.size == 6
    assert len(watch.findings) > 0


def test_training_goes_on_when_a_measurement_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect of ours on the training thread is a warning, and the training is the same as without a watch."""
    bare = loops.run(loops.plain, watched=False)

    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr("pellucid.sessions.meter.Meter._read_weights", broken)
    with pytest.warns(pel.PellucidWarning, match="ZeroDivisionError: ours"):
        after = loops.run(loops.plain, watched=True)
    assert after[0] == bare[0]
    assert all(map(torch.equal, after[1], bare[1]))


def test_a_rule_that_raises_is_reported_and_the_others_still_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken rule becomes a finding of its own."""
    known = rule_module.rule_of("ACT001")

    def broken(_: Any, __: Case) -> list[pel.Finding]:
        raise ZeroDivisionError("a rule of mine")

    monkeypatch.setitem(rule_module._RULES, "ACT001", copy.copy(known).__class__(**{**vars(known), "judge": broken}))
    _, watch = watched()
    (said,) = [one for one in watch.findings.every if one.code == "ACT001"]
    assert said.message == "the rule failed: ZeroDivisionError: a rule of mine"
    assert len({one.code for one in watch.findings.every}) > 10


class Sink:
    """A sink that remembers what it was sent."""

    first_step = 0

    def __init__(self, *, fails: bool = False) -> None:
        self.fails = fails
        self.rows: list[Any] = []
        self.names: set[str] = set()
        self.facts: dict[str, Any] = {}
        self.verdict: pel.Findings | None = None
        self.status = ""

    def results(self) -> dict[str, pel.Result]:
        """Return nothing: it never resumes."""
        return {}

    def rewind(self, step: int) -> None:
        """Refuse: it never resumes."""
        raise AssertionError(step)

    def scalars(self, rows: Any) -> None:
        """Remember rows."""
        if self.fails:
            raise ConnectionError("the dashboard is gone")
        self.rows += rows

    def result(self, name: str, result: pel.Result, *, first: int, last: int) -> None:
        """Remember the name."""
        assert first <= last
        self.names.add(name)

    def findings(self, findings: pel.Findings, *, step: int) -> None:
        """Remember the verdict."""
        self.verdict = findings

    def describe(self, values: Any) -> None:
        """Remember facts."""
        self.facts |= values

    def flush(self) -> None:
        """Do nothing."""

    def close(self, status: str) -> None:
        """Remember how it ended."""
        self.status = status


def test_everything_also_goes_to_the_sinks(tmp_path: Path) -> None:
    """A sink gets scalars, results, facts and the verdict; one that fails is given up and the others are not."""
    good, bad, setting = Sink(), Sink(fails=True), loops.Setting()
    options = pel.WatchOptions(sinks=(bad, good), on_finding=None)
    watch = pel.watch(setting.model, setting.optimizer, every=2, run=tmp_path / "run", options=options)

    def train() -> None:
        with watch:
            loops.plain(setting, watch)

    with pytest.warns(pel.PellucidWarning, match="by Sink: ConnectionError: the dashboard is gone"):
        train()
    assert len({row[0] for row in good.rows}) == 6
    assert good.names == {"activations", "weights", "gradients"}
    assert good.facts["every"] == 2
    assert good.status == "finished"
    assert good.verdict is not None
    assert bad.status == "failed"
    assert pel.Run(tmp_path / "run").status == "finished"


def test_findings_are_told_while_training_runs() -> None:
    """A callback gets a problem once, at the latest at the end."""
    told: list[pel.Finding] = []
    setting = loops.Setting()
    with torch.no_grad():
        setting.plain.head.weight.fill_(torch.nan)
    options = pel.WatchOptions(on_finding=told.append)
    with pel.watch(setting.model, setting.optimizer, every=2, options=options) as watch:
        loops.plain(setting, watch)
    assert {one.code for one in told} >= {"LOS001", "WGT002"}
    assert len(told) == len({(one.code, one.where) for one in told})
    assert watch.findings.level is pel.Level.ALARM


def test_names_with_html_and_hundreds_of_layers_are_watched(tmp_path: Path) -> None:
    """Odd names and many layers pass through watch and store."""
    model = nn.Sequential()
    model.add_module("<script>alert(1)</script>", nn.Linear(2, 2))
    for index in range(300):
        model.add_module(f"layer{index}", nn.Linear(2, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with pel.watch(model, optimizer, every=1, run=tmp_path / "<script>", options=loops.QUIET) as watch:
        for _ in range(3):
            loss = model(torch.ones(4, 2)).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            watch.step(loss=loss)
    names = pel.Run(tmp_path / "<script>").results()["activations"].series.names
    assert names[0] == "<script>alert(1)</script>"
    assert len(names) == 301


@pytest.mark.parametrize(
    ("model", "optimizer", "check", "message"),
    [
        (None, None, torch.ones(3), "A check batch is a pair (input, target), got Tensor."),
        (None, "adam", None, "watch() takes a torch.optim.Optimizer or a list of them, got str."),
        (3, None, None, "watch() takes a torch.nn.Module or a mapping of names to modules, got int."),
    ],
)
def test_bad_arguments_are_refused_with_advice(model: Any, optimizer: Any, check: Any, message: str) -> None:
    """The error says what came and what was expected."""
    with pytest.raises(InputError) as caught:
        Watched.of(model or nn.Linear(2, 2), optimizer, loss=None, check=check)
    assert str(caught.value) == message


def test_every_must_be_a_whole_number_of_steps() -> None:
    """Zero is refused before anything is touched."""
    with pytest.raises(InputError) as caught:
        pel.watch(nn.Linear(2, 2), every=0)
    assert str(caught.value) == "every is 0; expected a whole number of steps, 1 or more."


def test_bad_steps_are_refused() -> None:
    """A scalar of many elements and a step outside the block are errors."""
    setting = loops.Setting()
    watch = pel.watch(setting.model, setting.optimizer, options=loops.QUIET)
    with pytest.raises(InputError, match="outside"):
        watch.step(loss=1.0)
    with watch:
        with pytest.raises(InputError) as caught:
            watch.step(loss=torch.ones(2))
        assert str(caught.value) == "watch.step(loss=...) takes one number, got a Tensor of shape (2,)."
    with pytest.raises(InputError, match="entered before"):
        watch.__enter__()
