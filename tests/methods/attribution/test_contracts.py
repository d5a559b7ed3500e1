"""What every method promises, asked of all that are known."""

import copy
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pellucid.core.errors import AddressError, InputError
from pellucid.methods.attribution import ExpectedGradients, Method, Question, method_of
from pellucid.methods.attribution.memory import Chunks
from tests.reference import attribution as reference
from tests.reference.model_state import differences, state_of

Untouched = Callable[[nn.Module], AbstractContextManager[None]]


def _cnn(*, inplace: bool = True) -> nn.Module:
    """A model with batch norm left in train mode, and dropout."""
    net = nn.Sequential(
        *(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=inplace), nn.MaxPool2d(2)),
        *(nn.Conv2d(4, 6, 3), nn.ReLU(inplace=inplace), nn.AdaptiveAvgPool2d(2), nn.Flatten()),
        *(nn.Dropout(0.5), nn.Linear(24, 8), nn.ReLU(inplace=inplace), nn.Linear(8, 3)),
    )
    net(torch.randn(8, 2, 10, 10)).sum().backward()
    net[4].eval()
    net[0].weight.requires_grad_(False)
    return net


def _method(name: str) -> Method:
    if name == "expectedgradients":
        return ExpectedGradients(data=torch.randn(9, 2, 10, 10), samples=6)
    few = {"smoothgrad": {"samples": 6}, "vargrad": {"samples": 6}}
    return type(method_of(name))(**few.get(name, {}))


@pytest.fixture(params=sorted(name for name, one in Method.known.items() if one.__module__.startswith("pellucid.")))
def method(request: pytest.FixtureRequest) -> Method:
    """Every method that is known."""
    return _method(request.param)


def test_the_model_and_the_inputs_are_untouched(method: Method, model_is_untouched: Untouched) -> None:
    """Bit for bit: parameters, buffers, gradients, modes, hooks, random state; and nothing of the inputs."""
    net, x = _cnn(), torch.randn(3, 2, 10, 10)
    before = x.clone()
    with model_is_untouched(net):
        found, _ = reference.ask(net, x, [0, 1, 2], method)
    assert torch.equal(x, before)
    assert (x.requires_grad, x.grad) == (False, None)
    assert not any(one.requires_grad for one in (*found.maps, found.scores))


def test_inputs_that_require_gradients_get_none(method: Method) -> None:
    """Whoever needs gradients of the input for something else finds it as it was."""
    x = torch.randn(2, 2, 10, 10, requires_grad=True)
    found, _ = reference.ask(_cnn(), x, 1, method)
    assert (x.requires_grad, x.grad) == (True, None)
    assert not found.maps[0].requires_grad


def test_a_bad_target_leaves_the_model_untouched(method: Method, model_is_untouched: Untouched) -> None:
    """A class that does not exist is refused in the middle of the work."""
    net, x = _cnn(), torch.randn(2, 2, 10, 10)
    with model_is_untouched(net), pytest.raises(InputError) as error:
        reference.ask(net, x, 7, method)
    assert str(error.value) == (
        "The target 7 does not exist: the output has shape (2, 3), so expected 0 to 2 on axis 1."
    )


def test_a_model_that_fails_is_untouched(method: Method, model_is_untouched: Untouched) -> None:
    """Its own error comes out, whichever forward pass it is raised in."""

    class Fails(nn.Module):
        after, calls = 0, 0

        def forward(self, x: Tensor) -> Tensor:
            if Fails.calls >= Fails.after:
                raise ValueError("no more")
            Fails.calls += 1
            return x

    net, x = _cnn().append(Fails()), torch.randn(2, 2, 10, 10)
    for after in (0, 1):
        Fails.after, Fails.calls = after, 0
        if after and method.name not in ("smoothgrad", "vargrad", "integratedgradients", "occlusion"):
            continue
        with model_is_untouched(net), pytest.raises(ValueError, match=r"^no more\npellucid called ") as caught:
            reference.ask(net, x, 1, method)
        assert str(caught.value) == "no more"


def test_a_map_does_not_depend_on_its_batch(method: Method) -> None:
    """Each example alone has the map that it has among others, also with batch norm left in train mode."""
    net, x, targets = _cnn(), torch.randn(4, 2, 10, 10), [0, 2, 1, 2]
    together, _ = reference.ask(net, x, targets, method)
    for row in range(4):
        alone, _ = reference.ask(net, x[row : row + 1], targets[row], method)
        for one, other in zip(together.maps, alone.maps, strict=True):
            torch.testing.assert_close(one[row], other[0], rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(together.scores[row], alone.scores[0])


def test_chunks_change_nothing(method: Method) -> None:
    """One row at a time."""
    net, x = _cnn(), torch.randn(3, 2, 10, 10)
    whole, _ = reference.ask(net, x, [0, 1, 2], method)
    question = Question(net, x, [0, 1, 2])
    question._chunks = Chunks(1)
    with question.asked():
        single = method.attribute(question)
    torch.testing.assert_close(single.maps, whole.maps, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (torch.float64, torch.float64),
        (torch.float32, torch.float32),
        (torch.bfloat16, torch.float32),
        (torch.float16, torch.float32),
    ],
)
def test_maps_are_as_precise_as_the_model_and_float32_at_least(
    method: Method, given: torch.dtype, expected: torch.dtype
) -> None:
    """Half precision is computed as it is, and added up in float32."""
    net, x = _cnn().to(given), torch.randn(2, 2, 10, 10, dtype=given)
    found, _ = reference.ask(net, x, 1, method)
    assert {one.dtype for one in found.maps} == {expected}
    assert bool(torch.isfinite(found.maps[0]).all())


def test_in_place_activations_change_nothing(method: Method) -> None:
    """ReLUs that overwrite their input give the map of those that do not."""
    inplace, x = _cnn(), torch.randn(3, 2, 10, 10)
    plain = copy.deepcopy(inplace)
    for one in plain.modules():
        if isinstance(one, nn.ReLU):
            one.inplace = False
    first, _ = reference.ask(inplace, x, 1, method)
    second, _ = reference.ask(plain, x, 1, method)
    torch.testing.assert_close(first.maps, second.maps)


def test_a_compiled_model_is_explained_as_it_was_written(method: Method) -> None:
    """Hooks do not fire in what was compiled; the module inside it is asked, and nothing is compiled."""
    net, x = _cnn(), torch.randn(2, 2, 10, 10)
    plain, _ = reference.ask(net, x, 1, method)
    with warnings.catch_warnings():
        compiled: Any = torch.compile(net)
        found, _ = reference.ask(compiled, x, 1, method)
    torch.testing.assert_close(found.maps, plain.maps)


def test_all_weights_may_be_frozen(method: Method) -> None:
    """What is explained needs no weight that learns."""
    net, x = _cnn(), torch.randn(2, 2, 10, 10)
    plain, _ = reference.ask(net, x, 1, method)
    found, _ = reference.ask(net.requires_grad_(False), x, 1, method)
    torch.testing.assert_close(found.maps, plain.maps)


def test_the_same_question_has_the_same_answer(method: Method) -> None:
    """Whatever was drawn from the global generators in between; bit for bit."""
    net, x = _cnn(), torch.randn(2, 2, 10, 10)
    first, _ = reference.ask(net, x, 1, method)
    torch.manual_seed(123)
    second, _ = reference.ask(net, x, 1, method)
    assert all(torch.equal(one, other) for one, other in zip(first.maps, second.maps, strict=True))


def test_errors_are_one_number_an_example(method: Method) -> None:
    """A check has errors, 0 or more, and no check has none."""
    found, question = reference.ask(_cnn(), torch.randn(3, 2, 10, 10), None, method)
    assert (found.error is None) == (not found.check)
    assert found.check in ("", "completeness", "conservation", "sampling")
    if found.error is not None:
        assert found.error.shape == (3,)
        assert float(found.error.min()) >= 0
    assert found.scores.shape == (3,)
    assert question.passes > 1


def test_outputs_in_a_tuple_take_a_function(method: Method) -> None:
    """Of several tensors a function chooses; the map is that of the plain output."""

    class Wrapped(nn.Module):
        def __init__(self, inner: nn.Module) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, x: Tensor) -> Any:
            return self.inner(x), x

    net, x = _cnn(), torch.randn(2, 2, 10, 10)
    plain, _ = reference.ask(net, x, 2, method)
    found, _ = reference.ask(Wrapped(net), x, lambda output: output[0][:, 2], method)
    torch.testing.assert_close(found.maps, plain.maps)


def test_every_method_says_what_it_costs_and_where_it_comes_from(method: Method) -> None:
    """Users read it before they choose."""
    words = type(method).__doc__ or ""
    assert all(part in words for part in ("Cost:", "Source:"))


def test_methods_are_found_by_name() -> None:
    """However it is written; a method is itself, a misspelt one is answered with the closest."""
    assert method_of("Integrated-Gradients") == method_of("integrated_gradients")
    assert method_of("grad CAM").name == "gradcam"
    plain = method_of("gradient")
    assert method_of(plain) is plain
    with pytest.raises(AddressError) as error:
        method_of("oclusion")
    assert str(error.value).startswith(
        "There is no method 'oclusion'. Closest: 'occlusion', 'deconvolution'. There are: "
    )


def test_what_is_compiled_in_place_is_explained_as_it_was_written(method: Method) -> None:
    """Neither a frame of the model nor one of ours is compiled, and the model is compiled as before."""
    torch._dynamo.reset()
    net, x, graphs = _cnn().eval(), torch.randn(2, 2, 10, 10), list[Any]()

    def backend(graph: torch.fx.GraphModule, _: Any) -> Any:
        graphs.append(graph)
        return graph.forward

    plain, _ = reference.ask(net, x, 1, method)
    net.compile(backend=backend)
    output, made = net(x), len(graphs)
    found, _ = reference.ask(net, x, 1, method)
    torch.testing.assert_close(found.maps, plain.maps)
    assert found.layer == plain.layer
    assert torch.equal(net(x), output)
    assert len(graphs) == made


def test_default_device_and_type_change_nothing(method: Method) -> None:
    """What a method makes by itself says where it is, and of which type."""
    net, x = _cnn(), torch.randn(4, 2, 10, 10)
    plain, _ = reference.ask(net, x, [0, 1, 2, 0], method)
    try:
        torch.set_default_dtype(torch.bfloat16)
        with torch.device("meta"):
            found, _ = reference.ask(net, x, [0, 1, 2, 0], method)
    finally:
        torch.set_default_dtype(torch.float32)
    for one, other in zip((*found.maps, found.scores), (*plain.maps, plain.scores), strict=True):
        assert one.dtype == other.dtype
        assert torch.equal(one, other)
    assert (found.error is None) == (plain.error is None)
    if found.error is not None and plain.error is not None:
        assert torch.equal(found.error, plain.error)


def test_inside_a_backward_pass_and_under_other_modes_it_is_the_same(method: Method) -> None:
    """Called from a hook of a backward pass, without gradients, and in inference mode."""
    net, x, maps = _cnn(), torch.randn(2, 2, 10, 10), list[tuple[Tensor, ...]]()

    def ask(*_: Any) -> None:
        maps.append(reference.ask(net, x, 1, method)[0].maps)

    ask()
    leaf = torch.ones(2, requires_grad=True)
    made = leaf * 2
    made.register_hook(ask)
    made.sum().backward()
    with torch.no_grad():
        ask()
    with torch.inference_mode():
        ask()
    assert len(maps) == 4
    for one in maps[1:]:
        torch.testing.assert_close(one, maps[0])


def test_under_autocast_maps_are_nearly_the_same(method: Method) -> None:
    """The model computes in half precision then; what is added up is not."""
    net, x = _cnn(), torch.randn(2, 2, 10, 10)
    plain, _ = reference.ask(net, x, 1, method)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found, _ = reference.ask(net, x, 1, method)
    for one, other in zip(found.maps, plain.maps, strict=True):
        assert one.dtype == other.dtype
        # Noise of half precision flips a few ReLUs.
        assert float((one - other).norm()) <= 0.3 * float(other.norm())


def test_threads_that_ask_at_one_time_do_not_disturb_each_other(method: Method) -> None:
    """Each gets the map that it would get alone, and the model is as it was."""
    net, x = _cnn(), torch.randn(2, 2, 10, 10)
    plain, _ = reference.ask(net, x, 1, method)
    before = state_of(net)
    with ThreadPoolExecutor(3) as pool:
        jobs = [pool.submit(reference.ask, net, x, 1, method) for _ in range(6)]
    for one in jobs:
        torch.testing.assert_close(one.result()[0].maps, plain.maps)
    assert not differences(before, state_of(net))


LOOKS_INSIDE = {
    *("gradcam", "gradcamplusplus", "guidedgradcam", "deeplift", "lrp"),
    *("guidedbackprop", "deconvolution"),
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("make", [torch.jit.script, lambda net: torch.jit.trace(net, torch.randn(2, 2, 10, 10))])
def test_a_script_module_is_explained_or_refused_in_words(method: Method, make: Callable[..., Any]) -> None:
    """Methods that look inside say what they were given, and which methods do not."""
    net, x = _cnn().eval(), torch.randn(2, 2, 10, 10)
    scripted = make(net)
    if method.name not in LOOKS_INSIDE:
        found, _ = reference.ask(scripted, x, 1, method)
        torch.testing.assert_close(found.maps, reference.ask(net, x, 1, method)[0].maps)
        return
    with pytest.raises(InputError) as error:
        reference.ask(scripted, x, 1, method)
    assert str(error.value).partition(", and ")[2] == (
        f"the model is a ScriptModule ({type(scripted).__name__}), which Python cannot look into. Give the model as it "
        "was before torch.jit, or explain the input with gradient, inputxgradient, smoothgrad, vargrad, "
        "integratedgradients, expectedgradients or occlusion, which need not look inside."
    )
