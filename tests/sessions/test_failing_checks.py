"""A check batch that cannot be evaluated is told while training runs, and in the verdict, also of the stored run."""

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import pellucid as pel
from pellucid.windows.loss.result import SanityCheck
from tests.sessions import loops

OF_EVALUATIONS = {"LOS006", "LOS007", "LOS008", "LOS010", "LOS014"}


def trained(*, fails_from: int, run: Path | None = None, check: Any = None, steps: int = 12) -> Any:
    """Train for some steps under a watch whose loss raises from a step on, evaluating every second step."""
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def loss(output: Tensor, target: Tensor) -> Tensor:
        if watch.step_number >= fails_from:
            raise RuntimeError("label 7\nof 3 classes")
        return F.cross_entropy(output, target)

    check = (torch.randn(64, 6), torch.randint(3, (64,))) if check is None else check
    watch = pel.watch(model, optimizer, run=run, every=1, check=check, check_every=2, loss=loss, options=loops.QUIET)
    with watch:
        for _ in range(steps):
            x, y = torch.randn(16, 6), torch.randint(3, (16,))
            value = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            watch.step(loss=value)
    return watch


def said(findings: pel.Findings) -> dict[str, list[pel.Finding]]:
    """Return the findings about evaluations, by code."""
    return {code: [one for one in findings.every if one.code == code] for code in sorted(OF_EVALUATIONS)}


def test_a_check_that_always_fails_is_in_the_verdict_with_its_reason(tmp_path: Path) -> None:
    """Every rule that needs evaluations says when they failed and why, in the stored and in the reopened run too."""
    with pytest.warns(pel.PellucidWarning) as told:
        watch = trained(fails_from=0, run=tmp_path / "run")
    reason = "RuntimeError: label 7 of 3 classes"
    assert [str(one.message) for one in told] == [
        "pellucid could not watch part of step 0; training goes on. The check batch could not be evaluated: " + reason
    ]
    run = pel.Run(tmp_path / "run")
    assert run.problems == ()
    for findings in (watch.findings, run.findings, run.judge()):
        for ones in said(findings).values():
            assert [one.level for one in ones] == [pel.Level.NOT_MEASURED]
            assert ones[0].message == f"7 of 7 evaluations of the check batch failed, the last at step 12: {reason}"
            assert ones[0].next_step.startswith("Mend the check batch or the loss: watch.probe(model, batch)")
    (overfit,) = [one for one in watch.findings.every if one.code == "LOS011"]
    assert overfit.message == (
        "needs a training loss and 4 evaluations on held-out data; 7 of 7 evaluations of the check batch failed, the "
        f"last at step 12: {reason}"
    )
    assert not watch.findings.problems


def test_what_passed_before_the_check_failed_is_no_pass() -> None:
    """Evaluations that stopped half way are said to have stopped; what they had shown is kept beside it."""
    with pytest.warns(pel.PellucidWarning, match="step 8"):
        watch = trained(fails_from=8)
    trouble = "3 of 7 evaluations of the check batch failed, the last at step 12: RuntimeError: label 7 of 3 classes"
    ranges = said(watch.findings)["LOS008"]
    assert {one.level for one in ranges} == {pel.Level.NOT_MEASURED}
    assert ranges[0].message.startswith(f"{trouble}; until then: inputs from ")
    assert said(watch.findings)["LOS006"][0].message == (
        f"needs three evaluations from step 20 on, of 30 samples or more; {trouble}"
    )


def test_inputs_of_a_wrong_shape_are_named() -> None:
    """What the model cannot take is in the verdict in PyTorch's own words."""
    with pytest.warns(pel.PellucidWarning, match="mat1 and mat2 shapes cannot be multiplied"):
        watch = trained(fails_from=99, check=(torch.randn(64, 5), torch.randint(3, (64,))))
    assert "mat1 and mat2 shapes cannot be multiplied" in said(watch.findings)["LOS014"][0].message


def test_a_check_that_works_again_says_nothing_of_its_failures() -> None:
    """Only the latest evaluation counts."""
    good = pel.loss.sanity(nn.Linear(6, 3), (torch.randn(64, 6), torch.randint(3, (64,))))
    failed = SanityCheck.failed(0, "ValueError: once").before(1)
    joined = SanityCheck.join([failed, good])
    assert (joined.failed_at.tolist(), joined.failure, joined.trouble) == ([0], "ValueError: once", "")
    assert joined.findings == good.findings


def test_failures_are_joined_kept_and_rewound(tmp_path: Path) -> None:
    """Pieces of a run that are joined, stored or cut at a step keep the failures that belong to them."""
    joined = SanityCheck.join([SanityCheck.failed(2, "A: a"), SanityCheck.failed(4, "B: b")])
    assert joined.trouble == "2 of 2 evaluations of the check batch failed, the last at step 4: B: b"
    again = SanityCheck.load(joined.save(tmp_path / "one"))
    assert again.thin(2).trouble == joined.trouble
    assert again.before(4).failed_at.tolist() == [2]
    assert again.before(2).trouble == ""
    assert [one.level for one in joined.findings] == [pel.Level.NOT_MEASURED] * 5


def test_a_reason_of_many_pages_is_cut() -> None:
    """An exception that prints its data does not fill the run."""

    class Verbose(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            raise RuntimeError("x" * 10_000)

    with (
        pytest.warns(pel.PellucidWarning),
        pel.watch(Verbose(), None, check=(torch.ones(2, 1), None), options=loops.QUIET) as watch,
    ):
        pass
    failure = watch.results["sanity"].failure
    assert len(failure) == 300
    assert failure.endswith("…")
