"""Corners of watching and of checkups: odd targets, odd parameters, callbacks that ask back, loaders that draw."""

import threading
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import pellucid as pel
from pellucid.core.errors import CaptureError, FormatError, InputError
from tests.sessions import loops


def test_a_callback_may_ask_the_watch() -> None:
    """A callback that reads the findings while training runs does not wait for itself."""
    setting, seen = loops.Setting(), []
    with torch.no_grad():
        setting.plain.head.weight.fill_(torch.nan)
    watches: list[Any] = []
    options = pel.WatchOptions(on_finding=lambda finding: seen.append((finding.code, len(watches[0].findings))))
    with pel.watch(setting.model, setting.optimizer, every=1, options=options) as watch:
        watches.append(watch)
        loops.plain(setting, watch)
    assert seen


def test_targets_that_are_ids_are_not_counted() -> None:
    """Large integers without an output are no classes: nothing of their size is made."""
    model = nn.Linear(2, 2)
    with pel.watch(model, None, every=1, options=loops.QUIET) as watch:
        watch.step(loss=1.0, target=torch.tensor([10**12, 3]))
    assert watch.results["loss"].label_counts.size == 0


def test_a_complex_parameter_is_measured_by_its_magnitude() -> None:
    """One complex parameter does not keep the others from being measured."""

    class Mixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.turn = nn.Parameter(torch.full((3, 2), 3 + 4j))
            self.layer = nn.Linear(2, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            """Return something real."""
            return self.layer(x) + self.turn.abs().sum()

    model = Mixed()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with pel.watch(model, optimizer, every=1, options=loops.QUIET) as watch:
        model(torch.ones(4, 2)).sum().backward()
        optimizer.step()
        watch.step(loss=0.0)
    weights = watch.results["weights"].series
    assert weights.rms[0, weights.place("turn")] == pytest.approx(5.0)
    assert weights.count[0, weights.place("layer.weight")] == 4


def test_a_reading_bears_the_step_at_which_it_was_taken() -> None:
    """Where the optimiser does not step at a watched step, the reading waits and is labelled with its own step."""
    model = nn.Linear(2, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with pel.watch(model, optimizer, every=4, options=loops.QUIET) as watch:
        for step in range(6):
            model(torch.ones(1, 2)).sum().backward()
            if step >= 2:
                optimizer.step()
            watch.step(loss=0.0)
    assert watch.results["weights"].series.steps.tolist() == [2, 4]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"resume": True}, InputError, "options is a dict; expected pel.WatchOptions(resume=..., ...)."),
        (
            pel.WatchOptions(limits={"ACT001": {"alrm": 0.5}}),
            FormatError,
            "WatchOptions.limits sets ACT001.alrm; ACT001 has: warn, alarm, samples, units.",
        ),
    ],
)
def test_wrong_options_are_refused(options: Any, error: type[Exception], message: str) -> None:
    """A dict instead of options, and a limit that does not exist, are errors at once."""
    make: Any = getattr(pel.watch, "__wrapped__", pel.watch)
    with pytest.raises(error) as caught:
        make(nn.Linear(2, 2), options=options)
    assert str(caught.value) == message


def digits(count: int = 64) -> TensorDataset:
    """Return inputs and targets."""
    source = torch.Generator().manual_seed(1)
    return TensorDataset(torch.randn(count, 6, generator=source), torch.randint(3, (count,), generator=source))


def test_a_checkup_draws_no_random_number_of_the_user() -> None:
    """A loader that shuffles is iterated without moving the global generators."""
    model, before = nn.Linear(6, 3), torch.get_rng_state()
    pel.checkup(model, DataLoader(digits(), batch_size=16, shuffle=True), F.cross_entropy)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_checkup_of_an_untrained_classifier_is_an_alarm() -> None:
    """A model that answers no better than guessing does not pass."""
    torch.manual_seed(0)
    found = pel.checkup(nn.Linear(6, 3), DataLoader(digits(256), batch_size=64), F.cross_entropy)
    (said,) = [one for one in found.findings.every if one.code == "LOS014"]
    assert said.level is pel.Level.ALARM


def test_a_loss_that_raises_is_a_window_that_was_not_looked_at() -> None:
    """Labels outside the classes skip the windows that need the loss, with the reason."""
    x = torch.randn(8, 6)
    found = pel.checkup(nn.Linear(6, 3), [(x, torch.full((8,), 7))], F.cross_entropy)
    assert "gradients" in found.skipped
    assert "weights" in found.results


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"samples": 0}, "samples is 0; expected 1 or more."),
        (
            {"loader": [torch.ones(4, 6), torch.ones(4, 6)]},
            (
                "checkup() needs batches that are pairs (input, target), got Tensor. "
                "A single batch is passed as [(input, target)]."
            ),
        ),
    ],
)
def test_a_checkup_refuses_what_it_cannot_use(arguments: dict[str, Any], message: str) -> None:
    """The error says what to pass."""
    given = {"loader": [(torch.ones(4, 6), torch.zeros(4).long())]} | arguments
    with pytest.raises(InputError) as caught:
        pel.checkup(nn.Linear(6, 3), given.pop("loader"), F.cross_entropy, **given)
    assert str(caught.value) == message


class Functional(nn.Module):
    """A ReLU that is called as a function, and most of whose units are dead."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.head = nn.Linear(6, 16), nn.Linear(16, 3)
        with torch.no_grad():
            self.hidden.bias[:12] = -50.0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits."""
        return self.head(F.relu(self.hidden(x)))


def test_dead_units_behind_a_function_are_judged_on_the_check_batch() -> None:
    """A few steps of small batches tell nothing, but the check batch is large enough, as it is for nn.ReLU."""
    model, check = Functional(), digits(600).tensors
    with pel.watch(model, None, every=1, check=check, options=loops.QUIET) as watch:
        for x, y in DataLoader(digits(), batch_size=16):
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            watch.step(loss=loss)
    (said,) = [one for one in watch.findings.every if one.code == "ACT001"]
    assert (said.level, said.where, said.value) == (pel.Level.ALARM, "head.input", 0.75)
    assert said.message == "75 % of the units are dead: 0 on every one of 600 held-out samples"


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_scripting_in_a_watched_step_is_refused_and_training_goes_on() -> None:
    """The error says what to do, the hooks come off, and the training is the one without a watch and a script."""

    def trained(*, watched: bool) -> nn.Module:
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        with pel.watch(model, optimizer, every=2, options=loops.QUIET) if watched else nullcontext() as watch:
            for x, y in DataLoader(digits(), batch_size=16):
                if watch is not None and watch.step_number == 2:
                    with pytest.raises(CaptureError, match=r"Script the model before, or a copy\.deepcopy made before"):
                        torch.jit.script(model)
                loss = F.cross_entropy(model(x), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                if watch is not None:
                    watch.step(loss=loss)
        return model

    bare, watched = trained(watched=False), trained(watched=True)
    assert all(map(torch.equal, bare.state_dict().values(), watched.state_dict().values()))
    assert not any(one._forward_hooks or one._forward_pre_hooks for one in watched.modules())
    assert torch.jit.script(watched)(torch.ones(1, 6)).shape == (1, 3)


@pytest.mark.slow
def test_ten_thousand_layers_are_watched_stored_judged_and_reported(tmp_path: Path) -> None:
    """The largest models pass through the watch, the store and the report, which stays below 5 MB."""
    torch.manual_seed(0)
    model = nn.Sequential(*[nn.Linear(2, 2) for _ in range(10_000)])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with pel.watch(model, optimizer, run=tmp_path / "run", every=1, options=loops.QUIET) as watch:
        loss = model(torch.ones(4, 2)).square().mean()
        loss.backward()
        optimizer.step()
        watch.step(loss=loss)
    run = pel.Run(tmp_path / "run")
    assert len(run.results()["activations"].series.names) == 10_000
    page = pel.report(run, to=tmp_path / "report.html")
    assert page.stat().st_size < 5_000_000


def test_threads_that_read_along_lose_nothing() -> None:
    """Two threads ask for results and findings all the time; every step arrives in every window."""
    setting, stop = loops.Setting(), threading.Event()
    with pel.watch(setting.model, setting.optimizer, every=1, options=loops.QUIET) as watch:

        def read() -> None:
            while not stop.is_set():
                assert watch.results is not None
                assert watch.findings is not None

        readers = [threading.Thread(target=read) for _ in range(2)]
        for reader in readers:
            reader.start()
        for _ in range(60):
            x, y = setting.batches[0]
            loss = F.cross_entropy(setting.model(x), y)
            setting.optimizer.zero_grad()
            loss.backward()
            setting.optimizer.step()
            watch.step(loss=loss)
        stop.set()
        for reader in readers:
            reader.join()
    results = watch.results
    assert results["activations"].series.steps.tolist() == list(range(60))
    assert results["weights"].series.steps.tolist() == list(range(60))
    assert results["loss"].curves["loss"].steps.tolist() == list(range(60))
