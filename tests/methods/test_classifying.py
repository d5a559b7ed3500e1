"""Classes of many pictures, and what is no class."""

import pytest
import torch
from torch import Tensor, nn

from pellucid.core.errors import InputError
from pellucid.methods.classifying import classes_of, in_eval, scores_of


class Fixed(nn.Module):
    """Returns the same scores for every picture."""

    def __init__(self, *scores: float) -> None:
        super().__init__()
        self.scores = scores

    def forward(self, x: Tensor) -> Tensor:
        """Return them."""
        return torch.tensor(self.scores).expand(len(x), -1)


def test_the_highest_score_is_the_class() -> None:
    """That of a masked class may be -infinity."""
    with in_eval(Fixed(0.5, 2.0, -torch.inf)) as model:
        found = classes_of(model, 3, lambda rows: torch.zeros(len(rows), 4), size=16)
    assert found.tolist() == [1, 1, 1]


@pytest.mark.parametrize("worst", [torch.nan, torch.inf])
def test_scores_without_a_highest_are_refused(worst: float) -> None:
    """The first NaN would pass for the class."""
    with pytest.raises(InputError) as error:
        scores_of(Fixed(0.5, worst), torch.zeros(2, 4))
    assert str(error.value) == (
        "The highest score of a picture is NaN or infinite, so that the model says no class of it. Check the weights "
        "with pel.weights.histograms(model), and the pictures for NaN; use float32 where half precision overflows."
    )
