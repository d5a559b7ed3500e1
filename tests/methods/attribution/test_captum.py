"""The maps are those of captum, where both have a method; where captum is wrong, it is said and shown."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pellucid.gallery.models.small_transformer import SmallTransformer
from pellucid.methods.attribution import (
    Deconvolution,
    GradCAM,
    Gradient,
    GuidedBackprop,
    GuidedGradCAM,
    InputXGradient,
    IntegratedGradients,
    Occlusion,
    SmoothGrad,
    VarGrad,
    enlarged,
)
from tests.reference import attribution as reference

captum = pytest.importorskip("captum.attr", exc_type=ImportError)

pytestmark = [
    pytest.mark.filterwarnings("ignore:Input Tensor 0 did not already require gradients"),
    pytest.mark.filterwarnings("ignore:Setting forward, backward hooks"),
    pytest.mark.filterwarnings("ignore:Setting backward hooks on ReLU"),
]

TARGETS = [0, 2, 1]


def _mlp() -> tuple[nn.Module, Tensor]:
    return nn.Sequential(nn.Linear(6, 9), nn.ReLU(), nn.Linear(9, 7), nn.Tanh(), nn.Linear(7, 3)), torch.randn(3, 6)


def _cnn() -> tuple[nn.Module, Tensor]:
    net = nn.Sequential(
        *(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(4, 5, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(20, 3)),
    )
    return net, torch.randn(3, 2, 12, 12)


def _transformer() -> tuple[nn.Module, Tensor]:
    return SmallTransformer(width=16), torch.randn(3, 1, 8, 8)


def _made(make: Callable[[], tuple[nn.Module, Tensor]]) -> tuple[nn.Module, Tensor]:
    net, x = make()
    return net.eval().double(), x.double()


@pytest.fixture(params=[_mlp, _cnn, _transformer])
def model(request: pytest.FixtureRequest) -> tuple[nn.Module, Tensor]:
    """A network in float64 and its inputs."""
    return _made(request.param)


def _same(found: Any, theirs: Tensor) -> None:
    torch.testing.assert_close(found.maps[0], theirs.detach(), rtol=1e-9, atol=1e-11)


def test_gradients(model: tuple[nn.Module, Tensor]) -> None:
    """Signed, and times the input."""
    net, x = model
    _same(reference.ask(net, x, TARGETS, Gradient())[0], captum.Saliency(net).attribute(x, TARGETS, abs=False))
    theirs = captum.InputXGradient(net).attribute(x, TARGETS)
    _same(reference.ask(net, x, TARGETS, InputXGradient())[0], theirs)


def test_integrated_gradients(model: tuple[nn.Module, Tensor]) -> None:
    """At as many nodes; captum's weights are float32, so that it misses some 1e-8 of what we do not."""
    net, x = model
    found, _ = reference.ask(net, x, TARGETS, IntegratedGradients(baseline=0.1, nodes=20, exact=True))
    theirs = captum.IntegratedGradients(net).attribute(x, 0.1, TARGETS, n_steps=20)
    torch.testing.assert_close(found.maps[0], theirs, rtol=1e-6, atol=1e-8)


def test_layer_integrated_gradients() -> None:
    """At a layer: captum's baseline is an input, ours is at the layer, so it is asked of what follows the layer."""
    net, x = _made(_cnn)
    found, _ = reference.ask(net, x, TARGETS, IntegratedGradients(nodes=10, exact=True), at="4")
    inside = net[:5](x).detach()
    theirs = captum.IntegratedGradients(net[5:]).attribute(inside, 0.0, TARGETS, n_steps=10)
    torch.testing.assert_close(found.maps[0], theirs, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("window", [2, 3])
def test_occlusion(window: int) -> None:
    """Captum 0.9 returns the mean over the windows of a place, in float32 also where the model is in float64."""
    net, x = _made(_cnn)
    found, _ = reference.ask(net, x, TARGETS, Occlusion(window=window, stride=2, averaged=True))
    theirs = captum.Occlusion(net).attribute(x, (2, window, window), strides=(2, 2, 2), target=TARGETS)
    torch.testing.assert_close(found.maps[0].float(), theirs, rtol=1e-5, atol=1e-7)


def test_grad_cam_and_its_enlarging() -> None:
    """At a convolution, with and without what speaks against the score."""
    net, x = _made(_cnn)
    explainer = captum.LayerGradCam(net, net[4])
    for relu in (True, False):
        found, _ = reference.ask(net, x, TARGETS, GradCAM(relu=relu), at="4")
        theirs = explainer.attribute(x, TARGETS, relu_attributions=relu)
        torch.testing.assert_close(found.maps[0], theirs[:, 0].detach(), rtol=1e-9, atol=1e-11)
        larger = captum.LayerAttribution.interpolate(theirs, (12, 12), "bilinear")
        torch.testing.assert_close(enlarged(found.maps[0], (12, 12)), larger[:, 0].detach(), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("make", [_cnn, _mlp])
def test_rectified(make: Callable[[], tuple[nn.Module, Tensor]]) -> None:
    """Of networks of nn.ReLU modules."""
    net, x = _made(make)
    theirs = captum.GuidedBackprop(net).attribute(x, TARGETS)
    _same(reference.ask(net, x, TARGETS, GuidedBackprop())[0], theirs)
    theirs = captum.Deconvolution(net).attribute(x, TARGETS)
    _same(reference.ask(net, x, TARGETS, Deconvolution())[0], theirs)


def test_guided_grad_cam() -> None:
    """With the same way of enlarging."""
    net, x = _made(_cnn)
    theirs = captum.GuidedGradCam(net, net[4]).attribute(x, TARGETS, interpolate_mode="bilinear")
    _same(reference.ask(net, x, TARGETS, GuidedGradCAM(layer="4"))[0], theirs)


def test_captum_overlooks_functional_relu() -> None:
    """Captum is wrong: its guided backpropagation of F.relu is the plain gradient; ours is that of nn.ReLU."""

    class Functional(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = nn.Linear(6, 9), nn.Linear(9, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.last(F.relu(self.first(x)))

    net, x = Functional().double(), torch.randn(3, 6, dtype=torch.float64)
    modules = nn.Sequential(net.first, nn.ReLU(), net.last)
    ours, _ = reference.ask(net, x, TARGETS, GuidedBackprop())
    _same(ours, captum.GuidedBackprop(modules).attribute(x, TARGETS))
    plain, _ = reference.ask(net, x, TARGETS, Gradient())
    _same(plain, captum.GuidedBackprop(net).attribute(x, TARGETS))


def test_noise() -> None:
    """With other noise, of one standard deviation for all examples, the means and variances agree to a few per cent."""
    net, x = _made(_mlp)
    x = x / (x.amax(1, keepdim=True) - x.amin(1, keepdim=True))  # a range of 1 in each example
    smooth, _ = reference.ask(net, x, TARGETS, SmoothGrad(samples=4000, noise=0.3))
    various, _ = reference.ask(net, x, TARGETS, VarGrad(samples=4000, noise=0.3))
    tunnel = captum.NoiseTunnel(captum.Saliency(net))
    options: dict[str, Any] = {"nt_samples": 4000, "stdevs": 0.3, "target": TARGETS, "abs": False}
    means, variances = (tunnel.attribute(x, nt_type=kind, **options) for kind in ("smoothgrad", "vargrad"))
    assert float((smooth.maps[0] - means).norm() / means.norm()) < 0.05
    assert float((various.maps[0] - variances).norm() / variances.norm()) < 0.1


def test_captum_has_negative_variances() -> None:
    """Captum is wrong: its VarGrad subtracts two large numbers in float32; that of 1e4 z + z^2 is 4e-4."""

    def steep(v: Tensor) -> Tensor:
        return (1e4 * v + v**2)[:, 0]

    tunnel = captum.NoiseTunnel(captum.Saliency(steep))
    theirs = tunnel.attribute(torch.tensor([[1.0]]), nt_type="vargrad", nt_samples=50, stdevs=0.01, abs=False)
    assert not 2e-4 < float(theirs) < 6e-4


def test_captum_loses_half_of_a_linear_model() -> None:
    """Captum is wrong: with its trapezoid rule of two nodes a linear model gets half of what it is due."""
    net, x = nn.Linear(4, 2).double(), torch.randn(2, 4, dtype=torch.float64)
    theirs = captum.IntegratedGradients(net).attribute(x, 0.0, 1, n_steps=2, method="riemann_trapezoid")
    ours, _ = reference.ask(net, x, 1, IntegratedGradients(nodes=2, exact=True))
    torch.testing.assert_close(theirs, ours.maps[0] / 2)
