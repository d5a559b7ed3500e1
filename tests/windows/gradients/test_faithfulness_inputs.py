"""How faithfulness bears odd inputs, wrong options, and models that fail."""

import copy
import math
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import pellucid as pel
from pellucid.core.errors import AddressError, CaptureError, InputError
from pellucid.core.result import Result
from pellucid.maths.ranks import interval
from pellucid.windows.gradients import Faithfulness, FaithfulnessOptions
from tests.windows.gradients.tried import CURVES, QUICK, Given, cnn, everything, images

Untouched = Callable[[nn.Module], AbstractContextManager[None]]

# ------------------------------------------------------------------------------------------------- inputs and models


def test_a_result_is_complete_and_comes_back_from_a_file(tmp_path: Any) -> None:
    """Every field has its shape, the numbers of an example do not depend on its batch, and a file keeps all."""
    result = everything()
    assert result.methods == ("gradient", "integratedgradients", "gradcam")
    assert result.map_layers == ("", "", "4")
    assert (result.places, result.examples) == (42, 3)
    assert result.deletion.shape == result.insertion.shape == (3, 3, 5)
    assert result.chance_deletion.shape == (2, 3, 5)
    assert result.alike.shape == result.beyond.shape == (3, 1, 3, 3)
    assert result.left_out == {}
    assert result.provenance.seed == 0
    again = Result.load(result.save(tmp_path / "faithfulness.safetensors"))
    assert isinstance(again, Faithfulness)
    assert again.findings == result.findings
    assert again.options == result.options
    alone = pel.gradients.faithfulness(cnn(), images()[1:2], 1, method="integratedgradients", options=QUICK)
    np.testing.assert_allclose(alone.deletion[0, 0], result.deletion[1, 1], rtol=1e-9)
    np.testing.assert_allclose(alone.infidelity[0, 0], result.infidelity[1, 1], rtol=1e-9)
    np.testing.assert_allclose(alone.sensitivity[0, 0], result.sensitivity[1, 1], rtol=1e-9)
    np.testing.assert_allclose(alone.alike[0, ..., 0], result.alike[1, ..., 1], rtol=1e-9)


def test_the_same_seed_gives_the_same_numbers() -> None:
    """Whatever torch's own random state is; another seed gives others."""
    results: list[Any] = []
    for state, seed in ((1, 0), (2, 0), (3, 1)):
        torch.manual_seed(state)
        results.append(pel.gradients.faithfulness(cnn(), images(), options=replace(QUICK, seed=seed)))
    for name in ("chance_deletion", "alike", "infidelity", "sensitivity"):
        first, same, other = (getattr(one, name) for one in results)
        np.testing.assert_array_equal(first, same)
        assert (first != other).any(), name


def test_chunks_that_do_not_fit_are_halved(monkeypatch: pytest.MonkeyPatch) -> None:
    """The numbers are the same where only a few rows fit."""
    whole = pel.gradients.faithfulness(cnn(), images(), options=QUICK)
    monkeypatch.setattr("pellucid.methods.attribution.question.room", lambda _: 1)
    parts = pel.gradients.faithfulness(cnn(), images(), options=QUICK)
    for name in ("deletion", "insertion", "chance_insertion", "infidelity", "sensitivity"):
        np.testing.assert_allclose(getattr(parts, name), getattr(whole, name), rtol=1e-9)


class Reads(nn.Module):
    """Reads tokens, and masks that go along."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.norm, self.head = nn.Embedding(11, 6), nn.LayerNorm(6), nn.Linear(6, 4)

    def forward(self, ids: Tensor, mask: Tensor) -> dict[str, Tensor]:
        """Take the mean of what is not masked."""
        return {"logits": self.head(torch.tanh(self.norm(self.embed(ids)) * mask[..., None]).mean(1))}


def test_tokens_are_taken_away_at_their_embedding() -> None:
    """With all their features; whole numbers cannot shiver, which is said."""
    torch.manual_seed(0)
    ids = torch.randint(11, (6, 9))
    x = {"ids": ids, "mask": torch.ones(6, 9, dtype=torch.bool)}
    result = pel.gradients.faithfulness(Reads(), x, 1, at="embed", method=("gradient", "inputxgradient"), options=QUICK)
    assert (result.layer, result.places) == ("embed", 9)
    assert result.stages == ("head", "embed")
    assert result.left_out == {
        "pointing": "no masks were given",
        "sensitivity": "the inputs are whole numbers, which no small noise can move",
    }
    assert np.isfinite(result.deletion).all()
    assert np.isfinite(result.beyond).all()


def test_layers_of_images_shiver_with_their_input() -> None:
    """At a convolution, pixels of its map are taken away."""
    result = pel.gradients.faithfulness(cnn(), images(), at="2", options=QUICK)
    assert (result.layer, result.places) == ("2", 3 * 2)
    assert np.isfinite(result.sensitivity).all()


def test_a_class_activation_map_of_a_layer_lies_over_the_input() -> None:
    """At the layer that was named, in the trained and in the random models."""
    result = pel.gradients.faithfulness(cnn(), images(), at="1", method="gradcam", options=QUICK)
    assert (result.layer, result.map_layers, result.places) == ("", ("1",), 42)
    assert result.stages == ("6", "2", "0")


def test_guided_maps_keep_their_layer_in_the_copy() -> None:
    """A layer that was given as a module is named, since the copy has another."""
    net = cnn()
    method = pel.gradients.GuidedGradCAM(layer=net[1])
    result = pel.gradients.faithfulness(net, images(), method=method, options=QUICK)
    assert np.isfinite(result.alike[:, :, :1]).any()
    assert result.options[0]["layer"] == "1"


class Two(nn.Module):
    """Two inputs, one score."""

    def __init__(self) -> None:
        super().__init__()
        self.image, self.facts = nn.Linear(16, 5), nn.Linear(3, 5)

    def forward(self, image: Tensor, facts: Tensor) -> Tensor:
        """Add them up."""
        return torch.tanh(self.image(image.flatten(1)) + self.facts(facts)).sum(1)


def test_several_inputs_share_one_order() -> None:
    """Places of both are ranked together; named, one of them is taken alone; a score is no probability."""
    x = (torch.randn(4, 1, 4, 4), torch.randn(4, 3))
    both = pel.gradients.faithfulness(Two(), x, options=QUICK)
    assert (both.places, both.measured) == (19, "score")
    one = pel.gradients.faithfulness(Two(), x, options=replace(QUICK, only=["[1]"]))
    assert one.places == 3


def test_probabilities_are_followed_as_they_are() -> None:
    """Rows that add up to 1 are not put through softmax once more."""
    net, x = cnn(), images()
    probable = nn.Sequential(net, nn.Softmax(1))
    found = pel.gradients.faithfulness(probable, x, [0, 1, 2], options=CURVES)
    assert found.measured == "probability"
    expected = net(x).softmax(1).detach()[range(3), [0, 1, 2]]
    np.testing.assert_allclose(found.deletion[0, :, 0], expected, rtol=1e-9)


def test_a_function_is_followed_as_a_score() -> None:
    """A margin, for example, and a place of an output with further axes."""
    margin = pel.gradients.faithfulness(cnn(), images(), lambda out: out[:, 0] - out[:, 1], options=QUICK)
    assert (margin.measured, margin.targets) == ("score", ())
    dense = nn.Sequential(nn.Conv2d(2, 3, 3, padding=1)).double()
    place = pel.gradients.faithfulness(dense, images(), (1, 2, 2), options=CURVES)
    assert place.measured == "score"


def test_half_precision_and_one_example() -> None:
    """Numbers are finite; a single example has means without intervals."""
    net = copy.deepcopy(cnn()).bfloat16()
    result = pel.gradients.faithfulness(net, images(1).bfloat16(), options=QUICK)
    assert np.isfinite(result.deletion).all()
    mean, low, high = interval(result.deletion_areas[0])
    assert np.isfinite(mean)
    assert math.isnan(low)
    assert math.isnan(high)


def test_a_model_without_parameters_is_not_made_random() -> None:
    """It is said in the result."""

    class Square(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.square().sum(1)

    result = pel.gradients.faithfulness(Square(), torch.randn(3, 5), options=QUICK)
    assert result.left_out["randomisation"] == "the model has no parameters"
    assert result.alike.shape == (1, 1, 0, 3)


def test_names_that_come_twice_are_numbered() -> None:
    """So that a table can tell them apart."""
    methods = [pel.gradients.SmoothGrad(samples=2), "gradient", pel.gradients.SmoothGrad(samples=4)]
    result = pel.gradients.faithfulness(cnn(), images(), method=methods, options=CURVES)
    assert result.methods == ("smoothgrad", "gradient", "smoothgrad (2)")
    assert [one.get("samples") for one in result.options] == [2, None, 4]


# ------------------------------------------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": -1}, "steps=-1 came; expected a whole number, 0 to 100,000: 0 leaves a test out."),
        ({"samples": True}, "samples=True came; expected a whole number, 0 to 100,000: 0 leaves a test out."),
        ({"chances": 0}, "chances=0 came. Curves mean little without those of random maps: expected 1 or more."),
        ({"stages": 0}, "stages=0 came; expected 1 or more. To leave that test out, give randomisations=0."),
        ({"radius": 0.0}, "radius=0.0 came; expected a number, above 0 to 1: a share of the range, such as 0.02."),
        ({"radius": math.nan}, "radius=nan came; expected a number, above 0 to 1: a share of the range, such as 0.02."),
    ],
)
def test_options_that_mean_nothing_are_refused(options: dict[str, Any], message: str) -> None:
    """Before anything runs."""
    with pytest.raises(InputError) as caught:
        FaithfulnessOptions(**options)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": ()}, "method=() came; expected one method or more, such as ('gradient', 'smoothgrad')."),
        (
            {"masks": torch.zeros(3, 6, 7)},
            "Masks of shape (3, 6, 7) came, expected (3, 7, 6): one value a place.",
        ),
        (
            {"masks": torch.full((3, 7, 6), 0.5)},
            "Masks of type float32 came with values other than 0 and 1. Say where the object is: masks > 0.5.",
        ),
        (
            {"method": ("gradient", "gradcam"), "at": "2"},
            (
                "at='2' came for class activation maps, which lie over the input, beside methods that then explain the "
                "layer: what is taken away would not be the same. Leave at= out, or test them apart."
            ),
        ),
        (
            {"method": Given(torch.ones(3, 5))},
            (
                "given returned a map of shape (3, 5) for places of shape (7, 6). Expected the shape of the values, or "
                "one value a place."
            ),
        ),
    ],
)
def test_what_does_not_fit_is_refused(options: dict[str, Any], message: str, model_is_untouched: Untouched) -> None:
    """With what came and what was expected; the model stays as it was."""
    net = cnn()
    with model_is_untouched(net), pytest.raises(InputError) as caught:
        pel.gradients.faithfulness(net, images(), options=QUICK, **options)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.zeros(0, 2, 7, 6), "The batch holds no example. Give one example or more."),
        (torch.full((2, 2, 7, 6), math.nan), "the input holds NaN or infinity in 168 places."),
    ],
)
def test_inputs_that_say_nothing_are_refused(x: Tensor, message: str) -> None:
    """No example, and NaN."""
    with pytest.raises(InputError) as caught:
        pel.gradients.faithfulness(cnn(), x.double(), options=QUICK)
    assert str(caught.value) == message


def test_masks_of_several_inputs_are_refused() -> None:
    """It cannot be told which of them they belong to."""
    x = (torch.randn(4, 1, 4, 4), torch.randn(4, 3))
    with pytest.raises(InputError) as caught:
        pel.gradients.faithfulness(Two(), x, masks=torch.ones(4, 4, 4), options=QUICK)
    assert str(caught.value) == "masks came, and 2 inputs are explained. Name the masked one with only=."


def test_layers_and_methods_that_do_not_exist_are_refused() -> None:
    """With the nearest that do."""
    with pytest.raises(AddressError, match="Closest: 'gradient'"):
        pel.gradients.faithfulness(cnn(), images(), method="gradeint")
    with pytest.raises(AddressError, match="No module '9' in Sequential"):
        pel.gradients.faithfulness(cnn(), images(), at="9")


class _Uncopied(nn.Module):
    """Holds what cannot be copied."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.held = nn.Linear(5, 2), (number for number in range(3))

    def forward(self, x: Tensor) -> Tensor:
        """Classify."""
        return self.layer(x)


def test_a_model_that_cannot_be_copied_is_refused_before_anything_runs() -> None:
    """With how to leave that test out, which then works."""
    net, x = _Uncopied(), torch.randn(4, 5)
    net.register_forward_pre_hook(lambda *_: calls.append(1))
    calls: list[int] = []
    with pytest.raises(CaptureError) as caught:
        pel.gradients.faithfulness(net, x, options=QUICK)
    assert str(caught.value) == (
        "_Uncopied cannot be copied (TypeError: cannot pickle 'generator' object), and weights are made random in a "
        "copy, so that yours are safe. Leave this test out with options=FaithfulnessOptions(randomisations=0), or give "
        "the class a __deepcopy__."
    )
    assert calls == []
    left = pel.gradients.faithfulness(net, x, options=replace(QUICK, randomisations=0))
    assert left.left_out["randomisation"] == "randomisations=0"


# -------------------------------------------------------------------------------------------------------- the model


class _Stops(nn.Module):
    """Fails at one of its calls."""

    def __init__(self, error: type[BaseException], call: int) -> None:
        super().__init__()
        self.body, self.norm, self.head = nn.Linear(5, 8), nn.BatchNorm1d(8), nn.Linear(8, 3)
        self.error, self.call, self.calls = error, call, [0]

    def forward(self, x: Tensor) -> Tensor:
        """Count, and fail."""
        _CALLS[0] += 1
        if _CALLS[0] == self.call:
            raise self.error("stop")
        return self.head(F.relu(self.norm(self.body(x)), inplace=True))


_CALLS = [0]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("call", [1, 4, 9, 14, 10_000])
def test_the_model_comes_back_whenever_it_is_stopped(
    error: type[BaseException], call: int, model_is_untouched: Untouched
) -> None:
    """Bit for bit, its storage where it was, in train mode, with gradients, and the random state of torch with it."""
    _CALLS[0] = 0
    net = _Stops(error, call).train()
    net.head(F.relu(net.body(torch.randn(4, 5)))).sum().backward()
    places = [one.data_ptr() for one in (*net.parameters(), *net.buffers())]
    x = torch.randn(4, 5)
    with model_is_untouched(net), suppress(RuntimeError, KeyboardInterrupt):
        pel.gradients.faithfulness(net, x, method=("gradient", "smoothgrad"), options=QUICK)
    assert places == [one.data_ptr() for one in (*net.parameters(), *net.buffers())]
    assert _CALLS[0] >= min(call, 15)


def test_compiled_and_wrapped_models_are_unwrapped() -> None:
    """The numbers are those of the model inside."""
    net, x = cnn(), images()
    inside = pel.gradients.faithfulness(net, x, options=QUICK)
    wrapped = pel.gradients.faithfulness(nn.DataParallel(net), x, options=QUICK)
    np.testing.assert_array_equal(inside.deletion, wrapped.deletion)
    assert wrapped.stages == inside.stages


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_script_module_has_no_order_of_layers() -> None:
    """It is refused before anything runs, with how to leave that test out, which then works."""
    net, x = torch.jit.script(nn.Sequential(nn.Flatten(), nn.Linear(5, 3))), torch.randn(4, 5)
    with pytest.raises(CaptureError) as caught:
        pel.gradients.faithfulness(net, x, options=QUICK)
    assert str(caught.value) == (
        "RecursiveScriptModule is or holds a ScriptModule, of which Python does not see in which order its layers run, "
        "and weights are made random in that order. Leave this test out with "
        "options=FaithfulnessOptions(randomisations=0), or give the model as it was before torch.jit."
    )
    assert pel.gradients.faithfulness(net, x, options=replace(QUICK, randomisations=0)).examples == 4
