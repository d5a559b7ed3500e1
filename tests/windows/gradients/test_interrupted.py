"""Long work of the gradients that Ctrl-C ends: what is done is kept, and says so."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import pellucid as pel
from pellucid.core.finding import Level
from tests.windows.gradients.marked import Reader, pictures
from tests.windows.gradients.tried import QUICK, cnn, images

Untouched = Callable[[nn.Module], AbstractContextManager[None]]
OPTIONS = replace(QUICK, randomisations=3)


def stopping_at(*shares: float) -> tuple[Callable[[int, int], None], list[tuple[int, int]]]:
    """Return a function that presses Ctrl-C when so much of the tests is done, once for each, and what it was told."""
    left, told = list(shares), list[tuple[int, int]]()

    def heard(done: int, total: int) -> None:
        told.append((done, total))
        if total > 1 and left and done >= left[0] * total:
            left.pop(0)
            raise KeyboardInterrupt

    return heard, told


def faithful(net: nn.Module, **options: Any) -> pel.gradients.Faithfulness:
    """Test the maps of six pictures."""
    return pel.gradients.faithfulness(net, images(6), [0, 1, 2, 0, 1, 2], options=OPTIONS, **options)


def weights_of_tests() -> dict[str, int]:
    """How much each test counts: the map takes three passes of the pictures, and the network has three layers."""
    return {"infidelity": 6, "curves": 2 * 4 * 3, "sensitivity": 2 * 3, "randomisation": 3 * 3 * 3}


def share_before(name: str) -> float:
    """How much is done when a test begins."""
    weights = weights_of_tests()
    before = sum(list(weights.values())[: list(weights).index(name)])
    return before / sum(weights.values())


def test_a_map_that_is_stopped_is_no_result(model_is_untouched: Untouched) -> None:
    """It raises, as its docstring says, and leaves the model as it was."""
    net, (heard, told) = cnn(), stopping_at(0.3)
    with model_is_untouched(net), pytest.raises(KeyboardInterrupt):
        pel.gradients.saliency(net, images(6), 0, method="smoothgrad", progress=heard)
    assert told
    assert "Ctrl-C raises KeyboardInterrupt and gives no result." in (pel.gradients.saliency.__doc__ or "")


def test_progress_counts_what_all_tests_take() -> None:
    """From the methods over the tests to the last; it never goes back."""
    told: list[tuple[int, int]] = []
    faithful(cnn(), progress=lambda *one: told.append(one))
    total = sum(weights_of_tests().values())
    assert told[0] == (1, 1)
    assert {one for _, one in told[1:]} == {total}
    assert [done for done, _ in told[1:]] == sorted({done for done, _ in told[1:]})
    assert told[-1] == (total, total)


@pytest.mark.parametrize("name", ["curves", "sensitivity", "randomisation"])
def test_faithfulness_keeps_the_tests_that_were_done(name: str, model_is_untouched: Untouched) -> None:
    """The others are left out, by Ctrl-C; no rule judges them."""
    net, whole = cnn(), faithful(cnn())
    heard, _ = stopping_at(share_before(name) + 1e-3)
    with model_is_untouched(net):
        result = faithful(net, progress=heard)
    names = list(weights_of_tests())
    missing = names[names.index(name) :]
    assert {test: why for test, why in result.left_out.items() if test != "pointing"} == dict.fromkeys(
        missing, "stopped with Ctrl-C"
    )
    assert result.provenance.stopped == f"stopped with Ctrl-C while measuring {name}"
    np.testing.assert_array_equal(result.unforetold, whole.unforetold)
    assert result.deletion.shape[-1] == (0 if name == "curves" else whole.deletion.shape[-1])
    assert bool(np.isnan(result.sensitivity).all()) == (name != "randomisation")
    assert result.stages == ()
    said = {one.message: one.level for one in result.findings.every}
    assert said[result.provenance.stopped] is Level.LOOK
    assert said["no randomisation: stopped with Ctrl-C"] is Level.NOT_MEASURED
    assert ("no curves: stopped with Ctrl-C" in said) == (name == "curves")
    assert str(result)


def test_of_the_random_models_those_that_were_done_are_kept() -> None:
    """The draws that were complete, as they would have been."""
    whole = faithful(cnn())
    heard, _ = stopping_at(share_before("randomisation") + 0.35 * (1 - share_before("randomisation")))
    result = faithful(cnn(), progress=heard)
    assert result.alike.shape == (1, 1, 3, 6)
    np.testing.assert_array_equal(result.alike, whole.alike[:, :1])
    assert result.provenance.stopped == "stopped with Ctrl-C after 1 of 3 random models"
    assert result.left_out == {"pointing": "no masks were given"}


def test_faithfulness_raises_where_nothing_is_done_and_at_the_second_ctrl_c(model_is_untouched: Untouched) -> None:
    """The model comes back in both cases."""
    net = cnn()
    heard, _ = stopping_at(1e-9)
    with model_is_untouched(net), pytest.raises(KeyboardInterrupt):
        faithful(net, progress=heard)

    class Twice(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            """Fail."""
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        faithful(Twice())


def test_shortcuts_keep_the_classes_that_were_examined(model_is_untouched: Untouched) -> None:
    """They are as they would have been; what hangs on the other classes is no alarm."""
    whole = pel.gradients.shortcuts(Reader(), pictures(share=0.5), cell=4)
    calls: Iterator[int] = iter(range(100))

    def heard(done: int, total: int) -> None:
        if total == 3 and done == 2:  # classes
            next(calls)
            raise KeyboardInterrupt

    model = Reader()
    with model_is_untouched(model):
        result = pel.gradients.shortcuts(model, pictures(share=0.5), cell=4, progress=heard)
    assert next(calls) == 1
    assert result.labels.tolist() == [0, 1]
    assert result.provenance.stopped == "stopped with Ctrl-C after 2 of 3 classes"
    np.testing.assert_array_equal(result.maps, whole.maps[:2])
    assert [(one.label, one.hits, one.flip, one.masked) for one in result.spots] == [
        (one.label, one.hits, one.flip, one.masked) for one in whole.spots if one.label < 2
    ]
    assert [one.level for one in whole.findings] == [Level.ALARM]
    assert [one.level for one in result.findings] == [Level.LOOK, Level.LOOK]
    first, second = result.findings
    assert first.message == "stopped with Ctrl-C after 2 of 3 classes"
    assert second.message.endswith(
        "; whether other classes hold copied patches, too, is not known of those that were not examined"
    )
    assert str(result)


def test_shortcuts_that_were_stopped_did_not_pass() -> None:
    """One finding says when, and what there was in the classes until then."""

    def heard(done: int, total: int) -> None:
        if total == 3 and done == 2:
            raise KeyboardInterrupt

    result = pel.gradients.shortcuts(Reader(), pictures(share=0.0), cell=4, progress=heard)
    (found,) = result.findings
    assert (found.level, found.message) == (
        Level.LOOK,
        "stopped with Ctrl-C after 2 of 3 classes; none in 2 classes: no patch repeats",
    )


@pytest.mark.parametrize("at", [80, 2])
def test_shortcuts_keep_what_was_asked_for_where_others_are_not_compared(at: int) -> None:
    """While the maps of the other classes are made, or between these: the class that was named is a look."""

    def heard(done: int, total: int) -> None:
        if total == at and done > 0:
            raise KeyboardInterrupt

    result = pel.gradients.shortcuts(Reader(), pictures(share=0.5), cell=4, classes=[0], progress=heard)
    done = int(at == 2)
    assert (result.labels.tolist(), result.compared.tolist()) == ([0], [1][:done])
    first, second = result.findings
    assert first.message == f"stopped with Ctrl-C after {done} of 2 classes to compare with"
    assert (second.level, second.where) == (Level.LOOK, "class 0")


@pytest.mark.parametrize("total", [1, 120])
def test_shortcuts_raise_where_no_class_was_begun(total: int) -> None:
    """While the data are read, and while the maps are made."""

    def heard(_: int, whole: int) -> None:
        if whole == total:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pel.gradients.shortcuts(Reader(), pictures(share=0.5), cell=4, progress=heard)


def test_shortcuts_raise_where_no_class_is_done() -> None:
    """In the first class: the second time that the model is asked after the maps were made."""
    model, asked = Reader(), list[int]()

    def heard(done: int, whole: int) -> None:
        if (done, whole) == (120, 120) and not asked:
            asked.append(0)

    def count(*_: Any) -> None:
        if asked:
            asked[0] += 1
        if asked == [2]:
            raise KeyboardInterrupt

    model.register_forward_pre_hook(count)
    with pytest.raises(KeyboardInterrupt):
        pel.gradients.shortcuts(model, pictures(share=0.5), cell=4, progress=heard)
    assert asked == [2]


def test_saliency_tells_how_many_passes_are_done() -> None:
    """Of methods that take many; one pass is soon over."""
    told: list[tuple[int, int]] = []
    plain = pel.gradients.saliency(cnn(), images(), 0, method="smoothgrad")
    result = pel.gradients.saliency(cnn(), images(), 0, method="smoothgrad", progress=lambda *one: told.append(one))
    np.testing.assert_array_equal(result.map, plain.map)
    assert told[-1] == (75, 75)  # pairs of noise of three examples
