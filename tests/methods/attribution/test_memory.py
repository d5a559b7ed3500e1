"""Chunks: as many rows as fit, fewer where they do not."""

import gc
import weakref

import pytest
import torch
from torch import Tensor, nn

from pellucid.methods.attribution.memory import Chunks, counted_bytes, is_out_of_memory, room


def test_all_jobs_are_done_once_in_order() -> None:
    """Whatever the chunk."""
    for most, rows, sizes in ((4, 1, [4, 4, 2]), (4, 2, [2, 2, 2, 2, 2]), (1, 3, [1] * 10), (0, 1, [1] * 10)):
        seen: list[Tensor] = []
        Chunks(most).each(10, seen.append, rows=rows)
        assert [len(one) for one in seen] == sizes
        assert torch.cat(seen).tolist() == list(range(10))


def test_a_chunk_that_does_not_fit_is_halved_for_good() -> None:
    """Out of memory above 3 rows: asked again with half, and never again with more."""
    chunks, asked, done = Chunks(8), [], []

    def work(jobs: Tensor) -> None:
        asked.append(len(jobs))
        if len(jobs) > 3:
            raise torch.OutOfMemoryError("full")
        done.extend(jobs.tolist())

    chunks.each(9, work)
    assert asked == [8, 4, 2, 2, 2, 2, 1]
    assert done == list(range(9))
    assert chunks.most == 2


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("full"), RuntimeError("broken")])
def test_what_halving_does_not_mend_is_raised(error: RuntimeError) -> None:
    """One job that does not fit, and any other error."""

    def work(jobs: Tensor) -> None:
        raise error

    with pytest.raises(type(error), match=str(error)):
        Chunks(1 if is_out_of_memory(error) else 4).each(4, work)


def test_what_counts_as_out_of_memory() -> None:
    """PyTorch's words on a CPU, Python's own error, and nothing else."""
    words = "[enforce fail at alloc_cpu.cpp:118] err == 0. DefaultCPUAllocator: can't allocate memory"
    assert is_out_of_memory(RuntimeError(words))
    assert is_out_of_memory(MemoryError())
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert not is_out_of_memory(ValueError("not enough memory"))


def test_bytes_that_a_graph_holds_on_to() -> None:
    """A linear layer keeps its input and its weight, each once; what is known already is left out."""
    layer, x = nn.Linear(16, 4, bias=False), torch.randn(8, 16)
    with counted_bytes() as held:
        layer(x).sum()
    assert held == [8 * 16 * 4]
    x.requires_grad_()
    with counted_bytes() as held:
        layer(layer.weight.new_ones(8, 16) * x).sum()
    assert held == [2 * 8 * 16 * 4 + 16 * 4 * 4]
    with counted_bytes(besides=layer.parameters()) as held:
        layer(layer.weight.new_ones(8, 16) * x).sum()
    assert held == [2 * 8 * 16 * 4]


def test_counting_keeps_nothing_alive() -> None:
    """A graph that was counted is freed with its last tensor."""
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Conv2d(2, 2, 3)).requires_grad_(False)
    outputs: list[weakref.ref[Tensor]] = []
    net[1].register_forward_hook(lambda *call: outputs.append(weakref.ref(call[-1])))
    with counted_bytes():
        net(torch.randn(1, 1, 8, 8, requires_grad=True))
    gc.collect()
    assert outputs[0]() is None


def test_room_is_bounded() -> None:
    """Never more than 64 MiB on a CPU, nor nothing."""
    assert 0 < room(torch.device("cpu")) <= 1 << 26
