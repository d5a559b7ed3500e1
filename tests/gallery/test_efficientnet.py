"""What pellucid sees in a real classifier of photographs. Looked at as well as asserted: see the demo's report."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

import pellucid as pel
from pellucid.gallery import PHOTOGRAPHS, EfficientNetLite0, imagenet_classifier, photograph
from pellucid.methods.attribution import enlarged

pytestmark = pytest.mark.slow

TIGER_CAT, COFFEE_MUG, TRIPOD, PLATE, ESPRESSO = 282, 504, 872, 923, 967
CUP = np.s_[0:140, 31:181]
"""Rows and columns of the cup in the photograph, without its handle: 42 % of the area."""
COFFEE = np.s_[45:108, 50:158]
"""Rows and columns of what is in it."""
SAUCER = np.s_[166:224, 31:200]
"""Rows and columns below cup and handle: the near half of the plate under it."""
DEAD_FILTERS = [11, 16, 28, 31]
"""Filters of the first layer whose published weights are all 0 or next to it; behind ReLU6 they are 0 everywhere."""


@pytest.fixture(scope="module")
def classifier() -> pel.Subject:
    """The network with its published weights."""
    return imagenet_classifier()


def area(place: tuple[slice, slice]) -> float:
    """Return the share of a photograph that a place takes."""
    inside = np.zeros((224, 224))
    inside[place] = 1
    return float(inside.mean())


def share(mapped: NDArray[Any], place: tuple[slice, slice]) -> float:
    """Return how much of a map, whatever the sign, lies in a place of the photograph."""
    size = np.abs(mapped)
    return float(size[place].sum() / size.sum())


def laid_out(result: Any) -> NDArray[Any]:
    """Return the map of the first example at the size of the photograph, channels added up."""
    mapped = torch.as_tensor(result.map[:1], dtype=torch.float64)
    if mapped.ndim == 4:
        mapped = mapped.sum(1)
    return enlarged(mapped, (224, 224))[0].numpy() if mapped.shape[1:] != (224, 224) else mapped[0].numpy()


@pytest.mark.parametrize(("name", "number"), [("coffee", ESPRESSO), ("camera", TRIPOD), ("chelsea", TIGER_CAT)])
def test_the_network_knows_what_it_sees(classifier: pel.Subject, name: str, number: int) -> None:
    """With weights, names and preprocessing in place, three photographs get the class that they had where trained."""
    with torch.no_grad():
        scores = classifier.model(photograph(name))
    assert int(scores.argmax()) == number
    assert name == "chelsea" or float(scores.softmax(-1).amax()) > 0.9  # of cats it knows five breeds


@pytest.mark.parametrize("method", ["gradcam", "gradcamplusplus"])
def test_espresso_lights_the_cup(classifier: pel.Subject, method: str) -> None:
    """The map of espresso is highest in the coffee, most of it lies on the cup, and the rest is faint."""
    result = pel.gradients.saliency(classifier, photograph("coffee"), method=method)
    assert (result.targets, result.target_name(0), result.layer) == ((ESPRESSO,), "espresso", "head")
    mapped = laid_out(result)
    row, column = np.unravel_index(mapped.argmax(), mapped.shape)
    assert COFFEE[0].start <= row < COFFEE[0].stop
    assert COFFEE[1].start <= column < COFFEE[1].stop
    inside = share(mapped, CUP)
    assert inside > 0.65
    assert inside / area(CUP) > 3 * (1 - inside) / (1 - area(CUP))


def test_other_classes_light_other_places(classifier: pel.Subject) -> None:
    """The plate's map reaches the saucer, the mug's is the espresso's with less of the coffee in it."""
    maps = {
        number: laid_out(pel.gradients.saliency(classifier, photograph("coffee"), number, method="gradcam"))
        for number in (ESPRESSO, PLATE, TRIPOD, COFFEE_MUG)
    }
    assert share(maps[PLATE], SAUCER) > 1.8 * share(maps[ESPRESSO], SAUCER)
    assert share(maps[PLATE], CUP) < share(maps[ESPRESSO], CUP) - 0.1
    alike = {number: np.corrcoef(maps[number].ravel(), maps[ESPRESSO].ravel())[0, 1] for number in maps}
    assert alike[COFFEE_MUG] > 0.9
    assert alike[PLATE] < 0.6
    assert alike[TRIPOD] < 0.75


def test_a_network_that_has_learned_nothing_lights_no_cup() -> None:
    """The same architecture with its first weights spreads the map: the cup is found by what was learned."""
    shares: list[float] = []
    for seed in range(3):
        torch.manual_seed(seed)
        model = EfficientNetLite0().eval()
        result = pel.gradients.saliency(model, photograph("coffee"), ESPRESSO, method=pel.gradients.GradCAM(relu=False))
        shares.append(share(laid_out(result), CUP))
    assert np.mean(shares) < 0.6


def test_integrated_gradients_add_up(classifier: pel.Subject) -> None:
    """On the real network the map adds up to the difference of the scores, as computed beside it."""
    method = pel.gradients.IntegratedGradients(nodes=64)
    result = pel.gradients.saliency(classifier, photograph("coffee"), ESPRESSO, method=method)
    with torch.no_grad():
        ends = classifier.model(torch.cat([photograph("coffee"), torch.zeros(1, 3, 224, 224)]))[:, ESPRESSO].double()
    difference = float(ends[0] - ends[1])
    assert abs(result.map.sum(dtype=np.float64) - difference) < 0.01 * abs(difference)
    assert result.error[0] < 0.01
    assert result.scores[0] == pytest.approx(float(ends[0]), abs=1e-3)


def test_deeplift_adds_up(classifier: pel.Subject) -> None:
    """Through 16 blocks with their sums, ReLU6 and batch norms nothing is lost."""
    result = pel.gradients.saliency(classifier, photograph("coffee"), ESPRESSO, method="deeplift")
    assert result.error[0] < 1e-3


@pytest.mark.parametrize(
    ("method", "times"),
    [
        (pel.gradients.SmoothGrad(samples=16), 1.3),
        (pel.gradients.VarGrad(samples=16), 2.0),
        (pel.gradients.LRP(), 4.0),
        (pel.gradients.GuidedGradCAM(), 5.0),
        (pel.gradients.Occlusion(window=56, stride=28), 2.5),
    ],
    ids=lambda one: getattr(one, "name", ""),
)
def test_fine_maps_are_denser_on_the_cup(classifier: pel.Subject, method: Any, times: float) -> None:
    """Each method's map is finite, and larger on the cup than beside it by what was measured, less a margin."""
    result = pel.gradients.saliency(classifier, photograph("coffee"), ESPRESSO, method=method)
    mapped = laid_out(result)
    assert np.isfinite(mapped).all()
    inside = share(mapped, CUP)
    assert inside / area(CUP) > times * (1 - inside) / (1 - area(CUP))
    assert result.findings.level is not pel.Level.ALARM


def test_nothing_changes_the_network(
    classifier: pel.Subject, model_is_untouched: Callable[[nn.Module], AbstractContextManager[None]]
) -> None:
    """All methods, and a forward pass that fails, leave weights, statistics, modes, hooks and random numbers alone."""
    for training in (False, True):
        classifier.model.train(training)
        try:
            with model_is_untouched(classifier.model):
                for method in ("gradient", "gradcam", "guidedgradcam", "deeplift", "lrp"):
                    pel.gradients.saliency(classifier, photograph("coffee"), method=method)
                with pytest.raises(RuntimeError, match="expected input"):
                    pel.gradients.saliency(classifier, torch.zeros(1, 4, 224, 224))
        finally:
            classifier.model.eval()


def test_a_photograph_has_the_same_map_in_any_company(classifier: pel.Subject) -> None:
    """Alone and in a batch, also with the model left in train mode: the map is the photograph's own."""
    batch = photograph("chelsea", "coffee")
    classifier.model.train()
    try:
        alone = pel.gradients.saliency(classifier, batch[1:], ESPRESSO).map[0]
        beside = pel.gradients.saliency(classifier, batch, ESPRESSO).map[1]
    finally:
        classifier.model.eval()
    assert np.abs(alone - beside).max() < 1e-4 * np.abs(alone).max()


@pytest.mark.parametrize(("kind", "least"), [(torch.bfloat16, 0.7), (torch.float16, 0.95)], ids=str)
def test_half_precision_gives_the_same_maps(classifier: pel.Subject, kind: torch.dtype, least: float) -> None:
    """Maps in half precision are finite and near to those of float32; the gradient is torch's own.

    In bfloat16 the network itself differs: 3 digits decide which of its ReLU6 are open. There the plain gradient of
    torch correlates by 0.80 as well.
    """
    model = imagenet_classifier().model.to(kind)
    x = photograph("coffee")
    methods = {
        "gradient": (pel.gradients.Gradient(), least),
        "integrated": (pel.gradients.IntegratedGradients(nodes=8, exact=True), least),
        "gradcam": (pel.gradients.GradCAM(), 0.99),
    }
    half = {
        name: pel.gradients.saliency(model, x.to(kind), ESPRESSO, method=method).map
        for name, (method, _) in methods.items()
    }
    for name, (method, bar) in methods.items():
        whole = pel.gradients.saliency(classifier, x, ESPRESSO, method=method).map
        assert np.isfinite(half[name]).all()
        assert correlation(half[name], whole) > bar
    given = x.to(kind).requires_grad_(True)
    (plain,) = torch.autograd.grad(model(given)[0, ESPRESSO], given)
    assert correlation(half["gradient"], plain.float().numpy()) > 0.99


def correlation(left: NDArray[Any], right: NDArray[Any]) -> float:
    """Return Pearson's correlation of all values."""
    return float(np.corrcoef(left.ravel().astype(np.float64), right.ravel().astype(np.float64))[0, 1])


def in_one_colour(weights: NDArray[Any]) -> NDArray[Any]:
    """Return how much of each filter is one spatial pattern in one colour, [filter], 0 to 1."""
    singular = np.linalg.svd(weights.reshape(*weights.shape[:2], -1).astype(np.float64), compute_uv=False)
    return singular[:, 0] ** 2 / (singular**2).sum(axis=1)


def test_first_filters_have_a_pattern_and_a_colour(classifier: pel.Subject) -> None:
    """A learned filter is one pattern in one colour (an edge, a blob, two colours against each other); noise is not."""
    learned = in_one_colour(pel.weights.filters(classifier).weights)
    assert np.median(learned) > 0.9
    assert learned.min() > 0.65
    for seed in range(3):
        torch.manual_seed(seed)
        assert np.median(in_one_colour(pel.weights.filters(EfficientNetLite0()).weights)) < 0.62


def test_dead_filters_are_found(classifier: pel.Subject) -> None:
    """Four filters of the published weights are 0: exactly these are named, with and without data, and no others."""
    for data in (None, photograph(*PHOTOGRAPHS)):
        result = pel.weights.filters(classifier, data=data)
        assert result.layer == "stem.convolution"
        found = {one.code: one for one in result.findings}
        assert found["WGT003"].level is pel.Level.LOOK
        assert "4 of 32 filters" in found["WGT003"].message
        assert "11, 16, 28, 31" in found["WGT003"].message
        assert found["WGT004"].level is pel.Level.OK
    deeper = pel.weights.filters(classifier, "blocks.5.expand.convolution").findings
    assert {one.level for one in deeper} == {pel.Level.OK}


def test_channels_answer_to_photographs(classifier: pel.Subject) -> None:
    """The dead channels are those of the dead filters, on every photograph; the others follow what is seen."""
    three = photograph("coffee", "chelsea", "rocket")
    results = [pel.activations.feature_maps(classifier, three, "stem", example=example) for example in range(3)]
    for result in results:
        alive = result.maps[~result.silent]
        assert len(alive) >= 27  # one more filter may find nothing in a photograph
        assert (alive.std(axis=(1, 2)) > 1e-4).all()
        assert result.silent[result.order[-4:]].all()  # the most active first
    assert np.flatnonzero(np.all([one.silent for one in results], axis=0)).tolist() == DEAD_FILTERS
    with torch.no_grad(), pel.capture(classifier.model, at="blocks.*") as tape:
        classifier.model(photograph(*PHOTOGRAPHS))
    assert all((tape.outputs[f"blocks.{index}"].flatten(2).std((0, 2)) > 1e-6).all() for index in range(16))
