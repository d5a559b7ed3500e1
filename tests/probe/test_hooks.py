"""Hooks leave no mark: on copies, on saved models, on what is patched, traced or exported meanwhile."""

import copy
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from pellucid.core.errors import CaptureError
from pellucid.probe.capture import capture
from pellucid.probe.lent import lend_forward, return_forward

X = torch.linspace(-1, 1, 8).reshape(2, 4)


def _model() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2))


def _emptied(layer: nn.Linear) -> nn.Linear:
    layer._parameters = {"weight": nn.Parameter(torch.zeros(2, 4)), "bias": nn.Parameter(torch.zeros(2))}
    return layer


def test_plain_models_are_lent_nothing() -> None:
    """A model that is not compiled keeps the forward of its class."""
    torch._dynamo.reset()
    model = _model()
    with capture(model):
        assert all("forward" not in vars(module) for module in model.modules())


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, nn.Module._replicate_for_data_parallel])
def test_copies_run_with_their_own_parameters(duplicate: object) -> None:
    """A copy made while a forward is lent computes with its own parameters, then and later."""
    layer = nn.Linear(4, 2)
    lend_forward(layer)
    twin = _emptied(duplicate(layer))
    assert twin(X).abs().sum() == 0
    return_forward(layer)
    assert twin(X).abs().sum() == 0
    assert "forward" not in vars(layer)
    lend_forward(twin)
    return_forward(twin)
    assert "forward" not in vars(twin)


def test_patch_made_meanwhile_stays() -> None:
    """A forward that the user puts in place of the lent one is not taken away."""
    layer = nn.Linear(4, 2)
    lend_forward(layer)
    own = layer.forward
    layer.forward = patch = lambda x: own(x) * 0 + 7
    return_forward(layer)
    assert vars(layer)["forward"] is patch
    assert layer(X).tolist() == [[7, 7], [7, 7]]


def test_saved_model_loads_without_pellucid(tmp_path: Path) -> None:
    """A model saved in the middle of a capture loads and runs where pellucid is not installed."""
    model = _model()
    with capture(model, inputs=True):
        lend_forward(model[0])
        torch.save(model, tmp_path / "model.pt")
        return_forward(model[0])
    program = (
        "import sys, torch; sys.modules['pellucid'] = None; "
        "print(tuple(torch.load(sys.argv[1], weights_only=False)(torch.ones(2, 4)).shape))"
    )
    told = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "model.pt"], capture_output=True, text=True, check=True
    )
    assert told.stdout == "(2, 2)\n"


def _trace(model: nn.Module) -> Tensor:
    return torch.jit.trace(model, X, check_trace=False)(X)


def _export(model: nn.Module) -> Tensor:
    exported = torch.export.export(model, (X,))
    assert not [node for node in exported.graph.nodes if "pellucid" in str(node.target)]
    return exported.module()(X)


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:`isinstance:FutureWarning")
@pytest.mark.parametrize("make", [_trace, _export])
def test_hooks_do_nothing_while_traced(make: object) -> None:
    """What is traced or exported in a capture is the plain model."""
    model = _model()
    with capture(model, inputs=True) as tape:
        made = make(model)
    assert torch.equal(made, model(X))
    assert list(tape) == []


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
@pytest.mark.parametrize("compiled_before", [False, True])
def test_scripting_is_refused(compiled_before: bool) -> None:
    """Scripting compiles hooks along with the model: it is refused, with what to do, whatever was compiled before."""
    if compiled_before:
        torch.compile(nn.Linear(2, 2), backend="eager")(torch.ones(1, 2))
    model = _model()
    with capture(model), pytest.raises(CaptureError) as error:
        torch.jit.script(model)
    assert str(error.value) == (
        "torch.jit.script came upon a model that is being captured or watched, and cannot leave out its hooks. Script "
        "the model before, or a copy.deepcopy made before."
    )


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_a_script_module_is_passed_over_beside_others_and_refused_alone() -> None:
    """Python sees nothing of what runs inside of one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        scripted = torch.jit.script(nn.Linear(4, 4))
    model = nn.Sequential(scripted, nn.ReLU())
    with capture(model) as tape:
        model(torch.ones(2, 4))
    assert list(tape) == ["1"]
    for examined, at in ((scripted, "**"), (model, "0")):
        with pytest.raises(CaptureError) as error, capture(examined, at):
            pass
        assert str(error.value) == (
            f"What is to be captured of {type(examined).__name__} is a ScriptModule, which Python cannot look into. "
            "Give the model as it was before torch.jit."
        )


def test_a_capture_begun_in_a_backward_pass_sees_what_runs() -> None:
    """It is no recomputation; what runs in a pass that began later is."""
    model, tapes = nn.Linear(4, 4), list[list[str]]()

    def hook(_: torch.Tensor) -> None:
        with capture(model) as tape:
            model(torch.ones(2, 4))
        tapes.append(list(tape))

    leaf = torch.ones(2, requires_grad=True)
    made = leaf * 2
    made.register_hook(hook)
    made.sum().backward()
    assert tapes == [["(model)"]]
