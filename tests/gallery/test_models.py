"""The small networks."""

import pytest
import torch
from torch import nn

from pellucid.gallery import MLP, CharacterGPT, ResNet18, ResNet20, SmallCNN, SmallTransformer
from pellucid.gallery.models import ACTIVATIONS, INITIALIZATIONS, NORMS
from pellucid.gallery.models.small_transformer import Attention


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("initialization", INITIALIZATIONS)
def test_small_networks_give_ten_logits(norm: str, initialization: str) -> None:
    """Every norm and initialization works in every architecture, at both picture sizes."""
    for side in (8, 16):
        for model in (
            MLP((side * side, 32, 16, 10), norm=norm, initialization=initialization),
            SmallCNN((4, 8, 8), side=side, norm=norm, initialization=initialization),
            SmallTransformer(side=side, norm=norm, initialization=initialization),
        ):
            assert model(torch.randn(5, 1, side, side)).shape == (5, 10)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations_are_hookable_children(activation: str) -> None:
    """The activation of each stage is a module with a readable name."""
    model = MLP((64, 32, 10), activation)
    assert [name for name, _ in model.named_modules()][1:] == [
        "hidden1",
        "hidden1.linear",
        "hidden1.activation",
        "head",
    ]


def test_attention_equals_the_fused_kernel() -> None:
    """Explicit attention gives what torch's fused kernel gives, causal or not."""
    for causal in (False, True):
        layer = Attention(16, 4, causal=causal).double()
        x = torch.randn(3, 7, 16, dtype=torch.float64)
        parts = [part(x).view(3, 7, 4, 4).transpose(1, 2) for part in (layer.query, layer.key, layer.value)]
        fused = nn.functional.scaled_dot_product_attention(*parts, is_causal=causal)
        twin = layer.output(fused.transpose(1, 2).reshape(3, 7, 16))
        assert torch.allclose(layer(x), twin, atol=1e-12)


def test_patches_are_squares_of_the_picture() -> None:
    """A token reads a 2 x 2 square: changing one square changes one embedded token."""
    model, x = SmallTransformer().eval(), torch.zeros(1, 1, 8, 8)
    seen: list[torch.Tensor] = []
    model.embedding.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    model(x)
    x[0, 0, 2:4, 4:6] = 1.0
    model(x)
    changed = (seen[0] != seen[1]).any(-1)[0]
    assert changed.nonzero().flatten().tolist() == [1 * 4 + 2]


def test_benchmark_networks_have_their_known_sizes() -> None:
    """ResNet-18 for CIFAR has 11,173,962 parameters and ResNet-20 272,474, and all benchmark networks run."""
    for network, count in ((ResNet18(), 11_173_962), (ResNet20(), 272_474)):
        assert sum(p.numel() for p in network.parameters()) == count
        assert network.eval()(torch.randn(2, 3, 32, 32)).shape == (2, 10)
    assert CharacterGPT()(torch.zeros(2, 128, dtype=torch.int64)).shape == (2, 128, 65)


def test_a_character_model_never_reads_the_future() -> None:
    """Changing a later character leaves the logits of earlier ones as they were."""
    model = CharacterGPT(width=32, depth=2, heads=4, context=16).eval()
    text = torch.arange(16)[None]
    changed = text.clone()
    changed[0, 10] = 50
    assert torch.equal(model(text)[0, :10], model(changed)[0, :10])
