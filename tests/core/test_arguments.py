"""Arguments: one way of saying what came and what was expected; odd ones never end in another library's error."""

import copy
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import pellucid as pel
from pellucid.core import arguments
from pellucid.core.errors import InputError
from pellucid.methods.attribution import GradCAM, IntegratedGradients, SmoothGrad, method_of

ROOT = Path(__file__).parents[2]
REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "a real number of things": (
        lambda: arguments.whole("most", 1.5, 1),
        "most=1.5 came; expected a whole number, 1 or more.",
    ),
    "truth in place of a number": (
        lambda: arguments.whole("seed", True, 0, 4_000, "of the noise"),
        "seed=True came; expected a whole number, 0 to 4,000: of the noise.",
    ),
    "not a number": (
        lambda: arguments.real_number("noise", float("nan")),
        "noise=nan came; expected a number, 0 or more.",
    ),
    "a tensor, which is not written out": (
        lambda: arguments.real_number("rate", torch.ones(3), arguments.ABOVE_0, 1),
        "rate of type Tensor came; expected a number, above 0 to 1.",
    ),
    "a number in place of truth": (lambda: arguments.flag("relu", 0), "relu=0 came; expected True or False."),
    "another option class": (
        lambda: arguments.instance("options", pel.weights.DreamOptions, pel.gradients.FaithfulnessOptions),
        "options came as the class DreamOptions; expected None or FaithfulnessOptions(...).",
    ),
    "the class of a loss": (
        lambda: arguments.function("loss", nn.MSELoss, "loss(output, target)"),
        "loss came as the class MSELoss; expected None or a function loss(output, target), such as MSELoss().",
    ),
    "numbers for names": (
        lambda: arguments.names("class_names", (1, 2), "one text a class"),
        "class_names=(1, 2) came; expected one text a class.",
    ),
    "one name": (
        lambda: arguments.names("class_names", "cat", "one text a class"),
        "class_names='cat' came; expected one text a class.",
    ),
    "names without an order": (
        lambda: arguments.names("class_names", {"cat"}, "one text a class"),
        "class_names={'cat'} came; expected one text a class.",
    ),
    "a name that no file takes": (
        lambda: arguments.names("class_names", ["\ud800"], "one text a class"),
        r"class_names=['\ud800'] came; expected one text a class.",
    ),
    "one number in place of several": (
        lambda: arguments.wholes("shape", 5, 1, "(rows, columns)"),
        "shape=5 came; expected (rows, columns).",
    ),
    "a deviation of 0": (
        lambda: arguments.normalization("normalization", (0.5, 0)),
        (
            "normalization=(0.5, 0) came; expected (mean, standard deviation), finite numbers, one a channel each, the "
            "second above 0."
        ),
    ),
    "an option that there is not": (
        lambda: IntegratedGradients(steps=8),
        "IntegratedGradients has no option 'steps'. It has: baseline, tolerance, nodes, exact.",
    ),
    "an option spelt wrong": (
        lambda: SmoothGrad(sample=8),
        "SmoothGrad has no option 'sample'. Closest: 'samples'. It has: samples, noise, antithetic, seed.",
    ),
    "an option where there are none": (
        lambda: method_of("gradient").__class__(samples=8),
        "Gradient has no option 'samples'. It has none.",
    ),
    "more options than there are": (
        lambda: GradCAM(*(True, 3)),
        "GradCAM takes fewer options without a name than the 2. It has: relu.",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_used_is_refused(name: str) -> None:
    """The message says what came and what was expected."""
    make, message = REFUSED[name]
    with pytest.raises(InputError) as caught:
        make()
    assert str(caught.value) == message


@pytest.mark.parametrize("path", [3, None, b"a", ["a"]])
def test_what_is_no_path_is_refused(path: Any) -> None:
    """`Result.save`, `Result.load` and `pel.report` ask here."""
    with pytest.raises(InputError) as caught:
        arguments.file_path("to", path)
    assert str(caught.value) == f"to={path!r} came; expected the name of a file, a text or a pathlib.Path."


def test_a_number_too_long_to_write_is_named_by_its_type() -> None:
    """Python writes no whole number of more than 4,300 digits."""
    assert arguments.came("radius", 10**5000) == "radius of type int came"


def test_what_can_be_used_becomes_plain() -> None:
    """Numbers of NumPy, arrays and lists come back as what a file can hold."""
    assert SmoothGrad(samples=int(np.int64(3)), noise=1).noise == 1.0
    assert type(arguments.whole("most", np.int64(3))) is int
    radii = [arguments.real_number("radius", kind(1.5)) for kind in (np.float16, np.float32, np.float64)]
    assert [(type(one), one) for one in radii] == [(float, 1.5)] * 3
    assert arguments.file_path("path", "a/b.html") == Path("a/b.html")
    assert arguments.wholes("classes", torch.tensor([2, 0]), 0, "") == (2, 0)
    assert arguments.names("only", ["[0]"], "") == ("[0]",)
    assert arguments.normalization("it", (torch.tensor([0.5]), np.array([1, 2]))) == ((0.5,), (1.0, 2.0))
    subject = pel.Subject(nn.Linear(2, 2), batches={"x": torch.ones(3, 2)})
    assert len(list(subject.batches or ())) == 1


def test_options_are_copied_like_any_dataclass() -> None:
    """What refuses unknown options is in the way of no copy."""
    given = IntegratedGradients(baseline=0.5, nodes=16)
    assert copy.deepcopy(given) == copy.copy(given) == given


def test_odd_arguments_end_in_our_own_errors_or_in_results_that_can_be_kept() -> None:
    """Every public function of three windows x 42 odd values, in a program of its own, as users run it."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.odd_arguments"]
    told: dict[str, Any] = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)
    assert told["calls"] > 40
    assert told["wrong"] == {}
