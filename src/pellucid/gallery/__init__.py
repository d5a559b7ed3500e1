"""Small real networks and data that pellucid ships or trains in seconds, healthy and sick."""

from pellucid.gallery.conditions import CONDITIONS, conditioned
from pellucid.gallery.data import Split, digits
from pellucid.gallery.models import (
    MLP,
    CharacterGPT,
    EfficientNetLite0,
    ResNet18,
    ResNet20,
    SmallCNN,
    SmallTransformer,
)
from pellucid.gallery.near_misses import NEAR_MISSES, NearMiss, near_misses
from pellucid.gallery.photographs import PHOTOGRAPHS, imagenet_classifier, photograph
from pellucid.gallery.recipes import ARCHITECTURES, Recipe, Trainee, build, healthy
from pellucid.gallery.sick import INJECTIONS, Injection
from pellucid.gallery.trained import DigitReader, digit_reader
from pellucid.gallery.training import TrainingRecord, evaluate, train
from pellucid.gallery.zoo import healthy_zoo

__all__ = [
    "ARCHITECTURES",
    "CONDITIONS",
    "INJECTIONS",
    "MLP",
    "NEAR_MISSES",
    "PHOTOGRAPHS",
    "CharacterGPT",
    "DigitReader",
    "EfficientNetLite0",
    "Injection",
    "NearMiss",
    "Recipe",
    "ResNet18",
    "ResNet20",
    "SmallCNN",
    "SmallTransformer",
    "Split",
    "Trainee",
    "TrainingRecord",
    "build",
    "conditioned",
    "digit_reader",
    "digits",
    "evaluate",
    "healthy",
    "healthy_zoo",
    "imagenet_classifier",
    "near_misses",
    "photograph",
    "train",
]
