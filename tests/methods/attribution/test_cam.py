"""Class activation maps: known answers, the papers' formulas, and which layer they look at."""

import pytest
import torch
from torch import Tensor, nn

from pellucid.core.errors import InputError
from pellucid.methods.attribution import GradCAM, GradCAMPlusPlus, GuidedBackprop, GuidedGradCAM, enlarged
from tests.reference import attribution as reference


def _known(*, inplace: bool) -> nn.Sequential:
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(inplace=inplace), nn.Flatten(), nn.Linear(8, 4), nn.ReLU())
    with torch.no_grad():
        net[0].weight.fill_(1)
        net[0].bias.copy_(torch.tensor([-50.0, -75.0]))
        net[3].weight.copy_(torch.tensor([1.0, 1, 1, 1, 1, -1, -1, -1]).expand(4, 8))
        net[3].bias.zero_()
    return net


def _cnn() -> nn.Sequential:
    head = (nn.MaxPool2d(2), nn.Conv2d(4, 6, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(24, 3))
    return nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(inplace=True), *head)


@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize(("at", "expected"), [("0", [[11.25, 13.5], [20.25, 22.5]]), ("1", [[0.0, 4.0], [28.0, 32.5]])])
def test_known_answers(at: str, expected: list[list[float]], inplace: bool) -> None:
    """At the convolution and at the ReLU behind it, which may overwrite what the convolution returned."""
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    found, question = reference.ask(_known(inplace=inplace), x, 0, GradCAM(), at=at)
    assert found.maps[0][0].tolist() == expected
    assert question.passes == 2.0
    assert not found.layer


@pytest.mark.parametrize("method", [GradCAM(), GradCAMPlusPlus()])
def test_maps_are_the_twins(method: GradCAM | GradCAMPlusPlus) -> None:
    """Both formulas, place by place."""
    net, x = _cnn().double(), torch.randn(3, 2, 10, 10, dtype=torch.float64)
    found, _ = reference.ask(net, x, [0, 1, 2], method, at="3")
    tail = nn.Sequential(nn.ReLU(), *net[5:])
    for row in range(3):
        values = net[3](net[2](torch.relu(net[0](x[row : row + 1]))))[0].detach()
        twin = reference.cam(reference.scored(tail, row), values, plus=isinstance(method, GradCAMPlusPlus))
        assert float(twin.max()) > 0
        torch.testing.assert_close(found.maps[0][row], twin, rtol=1e-10, atol=1e-12)


def test_it_is_cam_where_a_mean_over_places_is_followed_by_one_layer() -> None:
    """Then the weight of a channel is that of the last layer over the number of places; nothing is cut off."""
    net = nn.Sequential(nn.Conv2d(1, 5, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 3))
    x = torch.randn(4, 1, 6, 6)
    found, _ = reference.ask(net, x, 2, GradCAM(relu=False), at="1")
    expected = torch.einsum("k,nkij->nij", net[4].weight[2], net[1](net[0](x))) / 16
    torch.testing.assert_close(found.maps[0], expected.detach())
    assert float(found.maps[0].min()) < 0


def test_small_gradients_do_not_change_the_shares() -> None:
    """Grad-CAM++ grows with the score and keeps its pattern, also where third powers leave float32."""
    net, x = _cnn(), torch.randn(2, 2, 10, 10)
    first, _ = reference.ask(net, x, 0, GradCAMPlusPlus(), at="0")
    tiny = 1e-15

    def score(output: Tensor) -> Tensor:
        return output[:, 0] * tiny

    second, _ = reference.ask(net, x, score, GradCAMPlusPlus(), at="0")
    assert float(second.maps[0].max()) > 0
    assert bool(torch.isfinite(second.maps[0]).all())
    assert first.maps[0].shape == (2, 8, 8)


def test_the_last_layer_with_places_is_chosen_and_named() -> None:
    """Without a layer it is found by running once; the map is that of the layer named."""
    net, x = _cnn(), torch.randn(2, 2, 10, 10)
    found, question = reference.ask(net, x, 1, GradCAM())
    named, _ = reference.ask(net, x, 1, GradCAM(), at="4")
    assert found.layer == "4"
    torch.testing.assert_close(found.maps, named.maps)
    assert question.passes == 3.0  # one to find it, one forward and one backward
    assert question.output is not None


def test_two_examples_show_where_places_are() -> None:
    """Of a large batch two examples are run to find the layer; all where the model takes one size only."""

    class Fixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = _cnn()

        def forward(self, x: Tensor) -> Tensor:
            if len(x) != 8:
                raise ValueError("eight")
            return self.inner(x)

    x = torch.randn(8, 2, 10, 10)
    _, question = reference.ask(_cnn(), x, None, GradCAM())
    assert question.passes == 2.25
    found, fixed = reference.ask(Fixed(), x, None, GradCAM())
    assert (found.layer, fixed.passes) == ("inner.4", 3.25)


def test_what_is_in_front_of_the_layer_is_run_once_and_keeps_no_graph() -> None:
    """One forward pass; the backward pass never reaches the first convolution."""
    net, x = _cnn(), torch.randn(2, 2, 10, 10)
    graphs: list[bool] = []
    net[0].register_forward_hook(lambda *call: graphs.append(call[-1].requires_grad))
    net[5].register_forward_hook(lambda *call: graphs.append(call[-1].requires_grad))
    reference.ask(net, x, 1, GradCAM(), at="3")
    assert graphs == [False, True]


def test_guided_gradcam_is_the_product_from_one_forward_pass() -> None:
    """The enlarged map times guided backpropagation; the map's gradient is not guided."""
    net, x = _cnn(), torch.randn(3, 2, 10, 10)
    found, _ = reference.ask(net, x, [0, 1, 2], GuidedGradCAM(layer="3"))
    cam, _ = reference.ask(net, x, [0, 1, 2], GradCAM(), at="3")
    guided, _ = reference.ask(net, x, [0, 1, 2], GuidedBackprop())
    torch.testing.assert_close(found.maps[0], guided.maps[0] * enlarged(cam.maps[0], (10, 10))[:, None])
    assert float(found.maps[0].abs().max()) > 0
    calls: list[int] = []
    net.register_forward_hook(lambda *call: calls.append(len(call)))
    reference.ask(net, x, [0, 1, 2], GuidedGradCAM(layer="3"))
    assert len(calls) == 1
    chosen, _ = reference.ask(net, x, 0, GuidedGradCAM())
    assert (chosen.layer, found.layer) == ("4", "")


def test_guided_gradcam_is_not_asked_at_a_layer() -> None:
    """The layer is an option of the method, since it is the input that is explained."""
    with pytest.raises(InputError) as error:
        reference.ask(_cnn(), torch.randn(1, 2, 10, 10), 0, GuidedGradCAM(), at="3")
    assert str(error.value) == (
        "GuidedGradCAM explains the input, and at='3' came. Name the layer of its class activation map in the method: "
        "GuidedGradCAM(layer='3')."
    )


def test_guided_gradcam_takes_images_only() -> None:
    """A further input without places is named."""

    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cnn = _cnn()

        def forward(self, image: Tensor, more: Tensor) -> Tensor:
            return self.cnn(image) + more.relu()

    inputs = {"image": torch.randn(2, 2, 10, 10), "more": torch.randn(2, 3)}
    with pytest.raises(InputError) as error:
        reference.ask(Two(), inputs, 0, GuidedGradCAM())
    assert str(error.value) == ".more has shape (2, 3) and is no image of 10 x 10. Name the image alone with only=."
    found, _ = reference.ask(Two(), inputs, 0, GuidedGradCAM(), only=[".image"])
    assert found.maps[0].shape == (2, 2, 10, 10)


@pytest.mark.parametrize("method", [GradCAM(), GradCAMPlusPlus()])
def test_a_layer_that_is_no_grid_is_refused(method: GradCAM | GradCAMPlusPlus) -> None:
    """The output of a dense layer lies nowhere on the image."""
    with pytest.raises(InputError) as error:
        reference.ask(_cnn(), torch.randn(1, 2, 10, 10), 0, method, at="6")
    assert str(error.value) == (
        "The layer '6' returned a tensor of shape (1, 3), which is no grid over an input of 10 x 10. Name a layer in "
        "front of it, or none to have one chosen."
    )
