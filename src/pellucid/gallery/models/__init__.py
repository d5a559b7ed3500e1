"""Small networks with readable layer names, in plain torch."""

from pellucid.gallery.models.character_gpt import CharacterGPT
from pellucid.gallery.models.deep_cnn import DeepCNN
from pellucid.gallery.models.efficientnet_lite import EfficientNetLite0
from pellucid.gallery.models.mlp import MLP
from pellucid.gallery.models.parts import ACTIVATIONS, INITIALIZATIONS, NORMS, initialize
from pellucid.gallery.models.resnet import ResNet18, ResNet20
from pellucid.gallery.models.small_cnn import SmallCNN
from pellucid.gallery.models.small_transformer import SmallTransformer

__all__ = [
    "ACTIVATIONS",
    "INITIALIZATIONS",
    "MLP",
    "NORMS",
    "CharacterGPT",
    "DeepCNN",
    "EfficientNetLite0",
    "ResNet18",
    "ResNet20",
    "SmallCNN",
    "SmallTransformer",
    "initialize",
]
