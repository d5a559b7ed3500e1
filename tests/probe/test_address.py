"""Addresses mean the modules that a reader expects, and wrong ones say what to do."""

import pytest
import torch
from torch import nn

from pellucid.core.errors import AddressError, InputError
from pellucid.probe.address import is_compiled, leaves_of, modules_of, resolve, unwrap


class Block(nn.Module):
    """A part with parts of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(8, 8), nn.ReLU())


class Net(nn.Module):
    """Two blocks in a list, and a head that is registered twice."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block() for _ in range(2))
        self.norm = nn.LayerNorm(8)
        self.head = nn.Linear(8, 3)
        self.again = self.head


@pytest.mark.parametrize(
    ("at", "names"),
    [
        ("head", ["head"]),
        ("blocks.*", ["blocks.0", "blocks.1"]),
        ("blocks.*.mlp", ["blocks.0.mlp", "blocks.1.mlp"]),
        ("**.mlp", ["blocks.0.mlp", "blocks.1.mlp"]),
        ("**.head", ["head"]),
        ("blocks.1.**", [*("blocks.1.attention", "blocks.1.attention.out_proj", "blocks.1.mlp"),
            *("blocks.1.mlp.0", "blocks.1.mlp.1")]),
        ("blocks.?", ["blocks.0", "blocks.1"]),
        ("h*", ["head"]),
        ("**", [*("blocks.0.attention", "blocks.0.mlp.0", "blocks.0.mlp.1", "blocks.1.attention"),
            *("blocks.1.mlp.0", "blocks.1.mlp.1", "norm", "head")]),
        (nn.ReLU, ["blocks.0.mlp.1", "blocks.1.mlp.1"]),
        (["head", nn.LayerNorm], ["norm", "head"]),
        (Net, ["(model)"]),
    ],
)  # fmt: skip
def test_address_means(at: object, names: list[str]) -> None:
    """An address gives its modules in the order of registration, shared ones once."""
    assert list(resolve(Net(), at)) == names


def test_module_as_address() -> None:
    """A module is its own address, also when it is wrapped."""
    net = Net()
    assert resolve(net, net.blocks[1].mlp) == {"blocks.1.mlp": net.blocks[1].mlp}
    assert resolve(net, torch.compile(net.head, backend="eager")) == {"head": net.head}


@pytest.mark.parametrize(
    ("at", "message"),
    [
        (
            "blocks.3.mpl",
            (
                "No module 'blocks.3.mpl' in Net. Closest: 'blocks.1.mlp', 'blocks.0.mlp', 'blocks.1.mlp.1'. "
                "print(pel.Subject(model)) lists all 15."
            ),
        ),
        ("zzzzz", "No module 'zzzzz' in Net. print(pel.Subject(model)) lists all 15."),
        (nn.Conv2d, "No module of type Conv2d in Net. print(pel.Subject(model)) lists all 15."),
        (nn.Linear(1, 1), "This Linear is no part of Net. print(pel.Subject(model)) lists all 15."),
    ],
)
def test_address_without_a_match(at: object, message: str) -> None:
    """An address that matches nothing names what is near and where all names are."""
    with pytest.raises(AddressError) as error:
        resolve(Net(), at)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("at", "message"),
    [
        (
            [],
            "The address is an empty list. Give a glob such as 'blocks.*', a module, a type, or a list of these.",
        ),
        (
            [3],
            "An address of type int came; expected a glob such as 'blocks.*', a module, a type, or a list of these.",
        ),
    ],
)
def test_no_address_at_all(at: object, message: str) -> None:
    """What cannot be an address is refused."""
    with pytest.raises(InputError) as error:
        resolve(Net(), at)
    assert str(error.value) == message


def test_wrappers_do_not_show_in_names() -> None:
    """Names are the user's own, through torch.compile on the whole and on a part."""
    net = Net()
    names = list(modules_of(net))
    net.norm = torch.compile(net.norm, backend="eager")
    compiled = torch.compile(net, backend="eager")
    assert unwrap(compiled) is net
    assert list(modules_of(compiled)) == names
    assert isinstance(modules_of(compiled)["norm"], nn.LayerNorm)


def test_leaves_of_odd_models() -> None:
    """A model without parts is its own leaf, and a parametrized layer stays one."""
    assert list(leaves_of(nn.Linear(2, 2))) == ["(model)"]
    model = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(2, 2)), nn.ModuleList())
    assert list(leaves_of(model)) == ["0"]


def test_compiled_models_are_known() -> None:
    """A model counts as compiled when it, or a part of it, goes through torch.compile."""
    net = Net()
    assert not is_compiled(net)
    assert is_compiled(torch.compile(net, backend="eager"))
    net.head.compile(backend="eager")
    assert is_compiled(net)
