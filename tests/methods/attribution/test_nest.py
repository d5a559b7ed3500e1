"""Nests are taken apart and put together again, each part of its kind."""

from collections import OrderedDict, namedtuple
from types import MappingProxyType

import torch

from pellucid.methods.attribution.nest import named, places, rebuilt, tensors

Pair = namedtuple("Pair", "left right")  # noqa: PYI024 - of the plain kind on purpose


def test_places_and_back() -> None:
    """Every value has a place, and unchanged parts make an equal nest of the same kinds."""
    nest = {"a": [1, (2, None)], "b": Pair(left=3, right=OrderedDict(c=4))}
    assert list(places(nest)) == [(".a[0]", 1), (".a[1][0]", 2), (".a[1][1]", None), (".b[0]", 3), (".b[1].c", 4)]
    again = rebuilt(nest, lambda *part: part[1])
    assert again == nest
    assert type(again["b"]) is Pair
    assert type(again["b"].right) is OrderedDict
    assert again["b"].right is not nest["b"].right
    assert rebuilt(nest, lambda *part: part[0])["a"][1] == (".a[1][0]", ".a[1][1]")


def test_what_cannot_be_written_becomes_a_dict() -> None:
    """A mapping that takes no values is read."""
    assert rebuilt(MappingProxyType({"a": 1}), lambda *part: part[1] + 1) == {"a": 2}


def test_tensors_and_names() -> None:
    """A tensor alone has the place "", which a message calls the input."""
    one = torch.zeros(1)
    assert tensors(one) == [("", one)]
    assert [path for path, _ in tensors((one, {"x": 3, "y": one}))] == ["[0]", "[1].y"]
    assert named(["", ".x"]) == "the input, .x"
