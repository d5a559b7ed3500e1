"""Networks that have learned to read: they read, they are the same every time, and are trained once."""

import pytest
import torch

from pellucid.core.errors import InputError
from pellucid.gallery import trained
from pellucid.gallery.trained import digit_reader


@pytest.mark.parametrize(("architecture", "relus"), [("mlp", 32), ("cnn", 8 * 16 * 16 + 16 * 8 * 8 + 32)])
def test_they_read_digits_that_they_have_not_seen(architecture: str, relus: int) -> None:
    """At least 95 of 100, given brightness from 0 to 1; in eval mode, with as many ReLUs as the page says."""
    reader = digit_reader(architecture)
    pictures, digits = reader.split.validation_x, reader.split.validation_y
    assert pictures.shape == (512, 1, 16, 16)
    assert float(pictures.min()) >= 0
    assert 0.9 < float(pictures.max()) <= 1
    with torch.no_grad():
        right = float((reader.model(pictures).argmax(1) == digits).float().mean())
    assert right == reader.accuracy >= 0.95
    assert not any(module.training for module in reader.model.modules())
    seen = list[int]()
    handles = [
        module.register_forward_hook(lambda *given: seen.append(given[2][0].numel()))
        for module in reader.model.modules()
        if isinstance(module, torch.nn.ReLU)
    ]
    reader.model(pictures[:1])
    for handle in handles:
        handle.remove()
    assert sum(seen) == relus


def test_training_is_done_once_and_always_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the global random state and device are; the state is left as it was."""
    first = digit_reader("mlp")
    assert digit_reader("mlp") is first
    monkeypatch.setattr(trained, "digit_reader", trained.digit_reader.__wrapped__)
    torch.manual_seed(123)
    before = torch.get_rng_state()
    with torch.device("meta"):
        again = trained.digit_reader("mlp")
    assert torch.equal(torch.get_rng_state(), before)
    assert all(
        torch.equal(one, other) for one, other in zip(first.model.parameters(), again.model.parameters(), strict=True)
    )


def test_held_out_pictures_by_digit_and_number() -> None:
    """There are 39 of the rarest digit, which is as far as the page goes; beyond the last it is said how many."""
    reader = digit_reader("mlp")
    for digit in range(10):
        picture = reader.held_out(digit, 38)
        where = (reader.split.validation_x == picture).flatten(1).all(1)
        assert set(reader.split.validation_y[where].tolist()) == {digit}
        assert not (reader.split.train_x == picture).flatten(1).all(1).any()
    with pytest.raises(InputError) as refused:
        reader.held_out(2, 39)
    assert str(refused.value) == "Held-out picture 39 of a 2 was asked for; there are 39, from 0."


def test_a_network_that_there_is_not() -> None:
    """Those that there are are named."""
    with pytest.raises(InputError) as refused:
        digit_reader("transformer")
    assert str(refused.value) == "There is no trained network 'transformer'. Expected: mlp, cnn."
