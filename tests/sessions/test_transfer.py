"""What was read arrives under its name and in its order, from whatever devices."""

import torch

from pellucid.maths.reduce import Reduced, reduce
from pellucid.maths.sampled import read
from pellucid.sessions.transfer import send, send_numbers, send_reduced


def test_numbers_arrive_under_their_names() -> None:
    """Also when there are none."""
    assert send_numbers({})() == {}
    numbers = {"a": torch.tensor(1.5, dtype=torch.float64), "b": torch.tensor(2.0, dtype=torch.float64)}
    assert send_numbers(numbers)() == {"a": 1.5, "b": 2.0}


def test_statistics_arrive_in_their_order() -> None:
    """Whether sampled or reduced, and when some lie on another device than others."""
    assert send_reduced({})() == {}
    parts = {"a": read(torch.ones(4), most=8), "b": reduce(torch.zeros(3)), "c": read(torch.ones(9), most=2)}
    arrived = send_reduced(parts)()
    assert list(arrived) == ["a", "b", "c"]
    assert all(arrived[name] is parts[name] for name in parts)
    elsewhere = Reduced(*(part.to("meta") for part in reduce(torch.ones(2))[:3]), None)
    spread = send_reduced({"a": elsewhere, **parts, "d": elsewhere})()
    assert list(spread) == ["a", "b", "c", "d"]
    assert spread["d"] is elsewhere


def test_on_the_cpu_nothing_is_copied() -> None:
    """The tensors themselves arrive."""
    tensors = [torch.ones(2), torch.zeros(3)]
    assert all(one is two for one, two in zip(send(tensors)(), tensors, strict=True))
