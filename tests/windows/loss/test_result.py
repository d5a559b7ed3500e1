"""Results of the loss window: cut and joined, stored, and what they say of learning."""

import math
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid.core.judge import _merged, judge
from pellucid.core.learning import Learning
from pellucid.windows.loss import Curve, LossCurves, SanityCheck, curves


def check(evaluations: int = 4, **changes: Any) -> SanityCheck:
    """Evaluations on 100 samples of two classes that end at 90 % right."""
    measured = np.linspace(1.0, 0.4, evaluations)
    accuracy = np.linspace(0.5, 0.9, evaluations)
    made = SanityCheck(
        task="classification",
        loss_name="cross_entropy",
        label_counts=np.array([60, 40]),
        samples=100,
        steps=np.arange(evaluations) * 50,
        loss_eval=measured,
        loss_train=measured,
        loss_zeroed=np.full(evaluations, 0.69),
        accuracy_eval=accuracy,
        accuracy_train=accuracy,
        predictions=np.tile([50, 50], (evaluations, 1)),
        output_low=np.full(evaluations, -2.0),
        output_high=np.full(evaluations, 2.0),
        output_std=np.ones(evaluations),
        row_sum_error=np.ones(evaluations),
        target_low=math.nan,
        target_high=math.nan,
        input_low=-2.0,
        input_high=2.0,
        input_std=1.0,
        input_bad=0,
        layers=("0", "head"),
        spread=np.full((evaluations, 2), 0.5),
        unit_layers=("1",),
        dead_units=np.zeros((evaluations, 1)),
        unit_samples=100,
    )
    return replace(made, **changes)


def same(one: Any, other: Any) -> bool:
    """Whether two results hold the same, arrays value by value."""
    if isinstance(one, np.ndarray):
        return bool(np.array_equal(one, other, equal_nan=one.dtype.kind == "f"))
    if isinstance(one, LossCurves | SanityCheck | Curve):
        names = [field.name for field in fields(one) if field.name != "provenance"]
        return all(same(getattr(one, name), getattr(other, name)) for name in names)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    return bool(one == other) or (isinstance(one, float) and math.isnan(one) and math.isnan(other))


def _cut(whole: SanityCheck, part: slice) -> SanityCheck:
    names = (*SanityCheck.by_step, "predictions", "spread", "dead_units")
    return replace(whole, **{name: getattr(whole, name)[part] for name in names})


def test_evaluations_that_were_cut_are_joined_again() -> None:
    """Whatever the order of the pieces."""
    whole = check(7)
    pieces = [_cut(whole, slice(0, 2)), _cut(whole, slice(2, 3)), _cut(whole, slice(3, 7))]
    assert same(SanityCheck.join(pieces), whole)
    assert same(SanityCheck.join(pieces[::-1]), whole)


def test_layers_that_come_and_go_are_aligned() -> None:
    """Where a layer was not measured it is NaN; classes that were not there were never named."""
    first = check(1)
    second = check(1, steps=np.array([9]), layers=("head", "new"), spread=np.array([[0.1, 0.2]]), unit_layers=())
    second = replace(second, dead_units=np.zeros((1, 0)), predictions=np.array([[1, 2, 3]]))
    joined = SanityCheck.join([first, second])
    assert joined.layers == ("0", "head", "new")
    np.testing.assert_array_equal(joined.spread, [[0.5, 0.5, np.nan], [np.nan, 0.1, 0.2]])
    np.testing.assert_array_equal(joined.dead_units, [[0.0], [np.nan]])
    np.testing.assert_array_equal(joined.predictions, [[50, 50, 0], [1, 2, 3]])


def test_thinning_keeps_both_ends() -> None:
    """At most so many evaluations and points."""
    assert check(9).thin(3).steps.tolist() == [0, 200, 400]
    run = curves({"loss": list(range(100)), "lr": [1.0]}).thin(5)
    assert run.curve("loss").steps.tolist() == [0, 25, 50, 74, 99]
    assert len(run.curve("lr")) == 1


def test_curves_that_were_cut_are_joined_again() -> None:
    """Labels add up, curves come one after the other, and a resumed run is believed over what it repeats."""
    first = curves({"loss": [3.0, 2.0, 1.0], "lr": [0.1, 0.1, 0.1]}, label_counts=[1, 2])
    second = curves({"loss": ([2, 3], [9.0, 8.0]), "val_loss": ([3], [7.0])}, label_counts=[0, 1, 4])
    joined = LossCurves.join([first, second])
    assert joined.curve("loss").values.tolist() == [3.0, 2.0, 9.0, 8.0]
    assert joined.curve("loss").steps.tolist() == [0, 1, 2, 3]
    assert joined.curve("val_loss").values.tolist() == [7.0]
    assert joined.label_counts.tolist() == [1, 3, 4]


def test_results_are_stored_and_read_back(tmp_path: Path) -> None:
    """Evaluations inside curves too."""
    run = LossCurves(
        curves={"loss": Curve(steps=np.arange(3), values=np.array([1.0, math.nan, math.inf]))},
        label_counts=np.array([1, 2]),
        check=check(),
    )
    for one in (run, check(), replace(run, check=None)):
        assert same(type(one).load(one.save(tmp_path / "one.safetensors")), one)


def test_above_guessing() -> None:
    """Guessing with the model's own frequencies is 0; a constant answer is never above or below it."""
    one = check(1, accuracy_eval=np.array([0.5]), predictions=np.array([[50, 50]]))
    assert one.above_guessing().tolist() == [0.0]
    better = check(1, accuracy_eval=np.array([0.9]), predictions=np.array([[60, 40]]))
    guessed = 0.6 * 0.6 + 0.4 * 0.4
    assert better.above_guessing()[0] == pytest.approx((0.9 - guessed) / math.sqrt(guessed * (1 - guessed) / 100))
    absent = check(1, accuracy_eval=np.array([0.0]), predictions=np.array([[0, 0, 100]]))
    assert np.isnan(absent.above_guessing()[0])
    assert np.isnan(check(1, predictions=np.zeros((1, 0), dtype=np.int64)).above_guessing()[0])


def test_learning_of_a_run() -> None:
    """Ends of the training loss, frequencies of the training labels, accuracy of held-out data first."""
    losses = [2.0] * 10 + [1.0] * 100
    run = curves({"loss": losses, "accuracy": [0.7] * 110}, label_counts=[50, 50])
    known = run.learning()
    assert (known.steps, known.first, known.last, known.prior) == (110, 2.0, 1.0, math.log(2))
    assert (known.classes, known.accuracy, known.chance) == (2, pytest.approx(0.7), 0.5)
    held_out = curves({"loss": losses, "accuracy": [0.7] * 110, "val_accuracy": ([9], [0.6])}, label_counts=[50, 50])
    assert held_out.learning().accuracy == 0.6
    checked = held_out.beside([check()])
    assert (checked.learning().accuracy, checked.learning().chance) == (pytest.approx(0.9), 0.6)
    assert checked.learning().prior == pytest.approx(math.log(2))


def test_learning_stops_at_the_first_value_that_is_not_finite() -> None:
    """What follows a NaN says nothing."""
    known = curves({"loss": [3.0, 2.0, 1.0, math.nan, 99.0]}).learning()
    assert (known.first, known.last, known.steps) == (3.0, 1.0, 3)


@pytest.mark.parametrize("accuracy", [[55.0, 60.0], [-1.0, 0.5]])
def test_an_accuracy_that_is_no_share_is_not_believed(accuracy: list[float]) -> None:
    """Percentages and scores are left out."""
    run = curves({"loss": [1.0, 1.0, 1.0], "accuracy": accuracy}, label_counts=[5, 5])
    assert run.learning().accuracy is None


def test_one_class_tells_nothing_about_accuracy() -> None:
    """A held-out batch of one class leaves the accuracy to the training batches."""
    one_class = check(label_counts=np.array([100, 0]))
    assert one_class.learning().accuracy is None
    run = curves({"loss": [1.0] * 9, "accuracy": [0.8] * 9}, label_counts=[5, 5]).beside([one_class])
    assert (run.learning().accuracy, run.learning().chance) == (pytest.approx(0.8), 0.5)


def test_little_data_gives_little_learning() -> None:
    """What was not measured is None; the layer that makes the output is known without training."""
    assert curves({"lr": [0.1]}).learning() == Learning()
    assert check(1, task="regression", label_counts=np.zeros(0, dtype=np.int64)).learning() == Learning(head="head")


def test_judging_merges_what_results_know() -> None:
    """Losses come from the curves and accuracy from the evaluations, in either order."""
    run = curves({"loss": [4.0, 3.0, 2.0, 1.0]})
    for results in ([run, check()], [check(), run], [run.beside([check()])]):
        known = _merged(results)
        assert (known.steps, known.accuracy, known.chance) == (4, pytest.approx(0.9), 0.6)
        assert known.prior == pytest.approx(check().learning().prior)
    assert _merged([run, check()]).first == 4.0


def test_judging_puts_evaluations_beside_curves() -> None:
    """A run of one class that is right on held-out data is not stuck, though its loss is at the prior."""
    losses = np.full(200, math.log(2)) + 0.01 * np.sin(np.arange(200))
    run = curves({"loss": losses}, label_counts=[50, 50])
    alone = {one.code: one.level for one in judge([run], limits={}).every}
    beside = {one.code: one.level for one in judge([check(), run], limits={}).every}
    assert (alone["LOS004"], beside["LOS004"]) == ("warn", "ok")


PRIOR = math.log(2)
STUCK = curves({"loss": np.full(200, PRIOR) + 0.001 * np.sin(np.arange(200))}, label_counts=[50, 50])
UNKNOWN = "the loss is 0.693, that of knowing the class frequencies only 0.693"


def stuck(**changes: Any) -> tuple[str, str]:
    """Return level and message of LOS004 on a loss that stays at the prior, with evaluations at 0, 100 and 200."""
    fixed: dict[str, Any] = {"steps": np.array([0, 100, 200]), "label_counts": np.array([50, 50])}
    fixed |= {"accuracy_eval": np.full(3, 0.5), "loss_eval": np.full(3, 0.68), "loss_zeroed": np.full(3, 0.70)}
    (found,) = [one for one in judge([check(3, **(fixed | changes)), STUCK], limits={}).every if one.code == "LOS004"]
    return found.level, found.message


def test_stuck_says_what_the_latest_evaluation_measured() -> None:
    """The alarm names both losses and their step, also where the inputs do change the loss, for the worse."""
    level, message = stuck(loss_eval=np.array([0.69, 0.2, 0.71]), loss_zeroed=np.array([0.69, 0.69, 3.0]))
    assert level == "alarm"
    assert message == (
        f"{UNKNOWN}; at step 200 the held-out loss is 0.71, and 3 with zeroed inputs; knowing the class frequencies "
        "only costs 0.6931 there"
    )


def test_inputs_that_help_by_now_are_no_alarm() -> None:
    """What an early evaluation showed does not count against a later one."""
    level, message = stuck(loss_eval=np.array([0.9, 0.9, 0.5]), loss_zeroed=np.array([0.9, 0.9, 0.8]))
    assert level == "look"
    assert message == (
        f"{UNKNOWN}, but at step 200 the held-out loss is 0.5, and 0.8 with zeroed inputs; knowing the class "
        "frequencies only costs 0.6931 there"
    )


@pytest.mark.parametrize("steps", [[0, 10, 90], [0, 50, 99]])
def test_an_evaluation_of_a_fresh_model_accuses_nobody(steps: list[int]) -> None:
    """Where the latest evaluation is from the first steps, whether the inputs matter is not known: a warning."""
    assert stuck(steps=np.array(steps), loss_eval=np.full(3, 0.7)) == (
        "warn",
        f"{UNKNOWN}; whether the inputs matter was not measured from step 100 on",
    )


def test_evaluations_that_failed_are_named_where_they_are_missed() -> None:
    """The warning says why nothing was measured."""
    failed = {"failed_at": np.array([100]), "failure": "ValueError: shapes"}
    assert stuck(steps=np.array([0, 10, 90]), **failed)[1].endswith(
        "from step 100 on; 1 of 4 evaluations of the check batch failed, the last at step 100: ValueError: shapes"
    )


def test_tokens_below_the_entropy_of_their_labels_are_of_help() -> None:
    """Integer inputs cannot be zeroed; a loss that no constant answer reaches says as much."""
    level, message = stuck(loss_eval=np.full(3, 0.5), loss_zeroed=np.full(3, np.nan))
    assert (level, message) == (
        "look",
        f"{UNKNOWN}, but at step 200 the held-out loss is 0.5; knowing the class frequencies only costs 0.6931 there",
    )


def test_a_check_without_class_targets_is_held_to_zeroed_inputs_alone() -> None:
    """Without labels there is no entropy to compare the held-out loss with."""
    no_labels = {"task": "other", "label_counts": np.zeros(0, dtype=np.int64), "predictions": np.zeros((3, 0))}
    assert stuck(**no_labels, loss_zeroed=np.full(3, 0.9))[0] == "look"
    level, message = stuck(**no_labels, loss_zeroed=np.full(3, 0.681))
    assert (level, message) == (
        "alarm",
        f"{UNKNOWN}; at step 200 the held-out loss is 0.68, and 0.681 with zeroed inputs",
    )
    assert stuck(**no_labels, loss_zeroed=np.full(3, np.nan))[0] == "warn"
