"""The digits."""

import pytest
import torch

from pellucid.core.errors import InputError
from pellucid.gallery import digits


@pytest.mark.parametrize("side", [8, 16])
def test_digits_are_standardised_pictures_of_ten_classes(side: int) -> None:
    """Digits come at the asked size with mean 0 and spread 1 or a little less."""
    split = digits(side, seed=3)
    assert split.train_x.shape == (1200, 1, side, side)
    assert split.validation_x.shape == (512, 1, side, side)
    assert abs(float(split.train_x.mean())) < 0.05
    assert 0.8 < float(split.train_x.std()) < 1.05
    assert split.train_y.unique().tolist() == list(range(10))


def test_digits_never_share_a_picture_between_training_and_validation() -> None:
    """No validation picture is among the training pictures beyond the data set's own duplicates."""
    split = digits(seed=0, train=1285, validation=512)
    distances = torch.cdist(split.validation_x.flatten(1), split.train_x.flatten(1))
    assert int((distances < 1e-6).any(1).sum()) == 0


def test_digits_depend_on_the_seed_alone() -> None:
    """The same seed gives the same split, another seed another one."""
    assert torch.equal(digits(seed=1).train_x, digits(seed=1).train_x)
    assert not torch.equal(digits(seed=1).train_x, digits(seed=2).train_x)


def test_too_many_digits_are_refused() -> None:
    """Asking for more pictures than there are names the number that there is."""
    with pytest.raises(InputError) as caught:
        digits(train=1500, validation=512)
    assert str(caught.value) == (
        "digits() was asked for 1500 training and 512 validation pictures. There are 1797 in all. "
        "Ask for at least 1 of each and no more than that together."
    )
