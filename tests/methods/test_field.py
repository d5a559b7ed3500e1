"""What a place of a layer can see of the input."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pellucid.methods.field import Field, field_of
from pellucid.methods.prefix import Prefix
from tests.reference.fields import Step, geometry, sees

CHAINS = {
    "one": [Step(3, padding=1)],
    "valid": [Step(5)],
    "strided": [Step(7, 2, 3), Step(3, 2, 1), Step(3, padding=1)],
    "dilated": [Step(3, padding=2, dilation=2), Step(2, 2), Step(3, 2, 1, 2)],
    "deep": [Step(3, padding=1)] * 6,
}


def field(model: nn.Module, x: Tensor, at: str, *, axis: int = 1) -> Field:
    """Measure the field of a layer."""
    prefix = Prefix(model, at)
    with prefix.asked():
        return field_of(prefix, x, "", axis=axis)


def chain(steps: list[Step], *, pools: bool = False) -> nn.Sequential:
    """Build a network of convolutions; with pools in place of those that have no padding."""
    layers: list[nn.Module] = []
    for one in steps:
        if pools and one.padding == 0 and one.dilation == 1:
            layers.append(nn.MaxPool2d(one.kernel, one.stride))
        else:
            layers.append(nn.Conv2d(2, 2, one.kernel, one.stride, one.padding, one.dilation))
        layers.append(nn.ReLU())
    return nn.Sequential(*layers)


@pytest.mark.parametrize("size", [24, 70])
@pytest.mark.parametrize("pools", [False, True])
@pytest.mark.parametrize("steps", CHAINS.values(), ids=CHAINS)
def test_fields_are_those_of_the_arithmetic_of_windows(steps: list[Step], pools: bool, size: int) -> None:
    """At every place, border or not, through kernels, padding, strides, dilation, pools and units that are off."""
    model = chain(steps, pools=pools)
    for one in model[::2]:
        if isinstance(one, nn.Conv2d) and one.bias is not None:
            nn.init.constant_(one.bias, -1.0)  # most units are off
    found = field(model, torch.randn(3, 2, size, size), str(len(model) - 1))
    rows = int(np.sqrt(found.boxes.shape[3]))
    boxes = found.boxes.reshape(3, 2, 2, rows, rows)
    for row in range(rows):
        seen = sees(steps, row, size)
        assert (boxes[1, 0, :, row] == seen[0]).all()
        assert (boxes[1, 1, :, row] == seen[-1] + 1).all()
        assert (boxes[2, 0, :, :, row] == seen[0]).all()
    assert found.how in ("measured", "whole")


@pytest.mark.parametrize("name", ["one", "valid", "strided", "deep"])
def test_windows_reach_over_the_border_as_padding_does(name: str) -> None:
    """A window at the border begins where the arithmetic says, below 0."""
    steps, size = CHAINS[name], 64
    found = field(chain(steps), torch.randn(2, 2, size, size), str(2 * len(steps) - 1))
    rows = int(np.sqrt(found.boxes.shape[3]))
    for row in range(rows):
        low, high = geometry(steps, row)
        assert found.window[1] == high - low
        assert found.corner(1, row * rows + 1)[1] == low


def test_each_branch_has_a_field_of_its_own() -> None:
    """Channels that are put together from kernels of 1 and 5 see 1 and 5 pixels."""

    class Branches(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.small, self.large, self.out = nn.Conv2d(1, 2, 1), nn.Conv2d(1, 2, 5, padding=2), nn.Identity()

        def forward(self, x: Tensor) -> Tensor:
            """Put both side by side."""
            return self.out(torch.cat([self.small(x), self.large(x)], 1))

    found = field(Branches(), torch.randn(2, 1, 40, 40), "out")
    middle = 20 * 40 + 20
    assert (found.boxes[1, 1] - found.boxes[1, 0])[:, middle].tolist() == [1, 1, 5, 5]
    assert found.window == (1, 5, 5)


def test_a_skip_connection_widens_nothing_and_a_side_way_over_all_is_the_whole() -> None:
    """A residual block sees what its convolutions see; squeeze and excitation sees everything."""

    class Residual(nn.Module):
        def __init__(self, squeeze: bool) -> None:
            super().__init__()
            self.convolution, self.norm, self.squeeze = nn.Conv2d(2, 2, 3, padding=1), nn.GroupNorm(1, 2), squeeze

        def forward(self, x: Tensor) -> Tensor:
            """Add what a convolution makes of it."""
            after = self.norm(self.convolution(x))
            return x + (after * after.mean((2, 3), keepdim=True).sigmoid() if self.squeeze else after)

    x = torch.randn(4, 2, 20, 20)
    found = field(nn.Sequential(Residual(squeeze=False)), x, "0")
    assert (found.window, found.how) == ((2, 3, 3), "measured")
    assert field(nn.Sequential(Residual(squeeze=True)), x, "0").how == "whole"


def test_attention_and_dense_layers_see_the_whole() -> None:
    """So does what stands behind global pooling."""
    attention = nn.Sequential(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True))
    assert field(attention, torch.randn(3, 7, 8), "0", axis=2).how == "whole"
    flat = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(2 * 36, 4))
    assert field(flat, torch.randn(3, 1, 8, 8), "3").how == "whole"
    assert field(nn.Sequential(nn.Linear(5, 2)), torch.randn(3, 5), "0").how == "whole"


def test_tokens_that_do_not_meet_see_one_token() -> None:
    """A dense layer along the tokens."""
    found = field(nn.Sequential(nn.Linear(6, 4), nn.GELU()), torch.randn(3, 50, 6), "1", axis=2)
    assert (found.window, found.how) == ((1, 6), "measured")
    assert found.corner(2, 17) == (17, 0)


def test_where_a_nan_is_lost_the_field_is_called_unknown() -> None:
    """Half of the way swallows NaN: the field that was found is too small, and the trial says so."""

    class Swallows(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.near, self.far, self.out = nn.Conv2d(1, 1, 1), nn.Conv2d(1, 1, 9, padding=4), nn.Identity()

        def forward(self, x: Tensor) -> Tensor:
            """Add a part in which NaN counts as 0."""
            return self.out(self.near(x) + 5 * torch.nan_to_num(self.far(torch.nan_to_num(x))))

    found = field(Swallows(), torch.randn(2, 1, 16, 16), "out")
    assert (found.how, found.window) == ("unknown", (1, 16, 16))


def test_a_model_that_says_nan_by_itself_has_an_unknown_field() -> None:
    """Nothing can be read from NaN then."""
    model = nn.Sequential(nn.Conv2d(1, 2, 3))
    with torch.no_grad():
        model[0].weight[0, 0, 0, 0] = torch.nan
    assert field(model, torch.randn(2, 1, 9, 9), "0").how == "unknown"


def test_a_long_axis_takes_few_probes() -> None:
    """4,000 samples of sound and a kernel of 80 are told apart to the sample with a tenth as many examples."""
    model = nn.Sequential(nn.Conv1d(1, 2, 80, stride=4))
    found = field(model, torch.randn(8, 1, 4000), "0")
    assert found.passes < 400
    assert found.boxes[1, :, 0].T.tolist() == [[4 * place, 4 * place + 80] for place in range(981)]


def test_the_ways_of_computing_are_put_back() -> None:
    """Also when the model fails while it is probed."""

    class Fails(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            """Refuse NaN."""
            if x.isnan().any():
                raise RuntimeError("NaN")
            return F.relu(x)

    before = torch.backends.mkldnn.enabled, torch.backends.cudnn.enabled
    with pytest.raises(RuntimeError, match=r"^NaN\npellucid called "):
        field(nn.Sequential(Fails()), torch.randn(2, 1, 8, 8), "0")
    assert (torch.backends.mkldnn.enabled, torch.backends.cudnn.enabled) == before
