"""Tests of features: what is kept of each example, files that are whole or not there, and models that come back."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import pellucid as pel
from pellucid.core.errors import InputError, StoreError
from pellucid.windows.embeddings import Features, FeaturesOptions
from tests.kinds import Net, batch

Guarded = Callable[[nn.Module], AbstractContextManager[None]]


def read(model: Any, data: Any = None, **options: Any) -> Features:
    """Read features in silence."""
    return pel.embeddings.features(model, data, options=FeaturesOptions(**options), progress=False)


def expected(model: Net, x: Tensor) -> np.ndarray[Any, Any]:
    """Return what goes into the head."""
    model.eval()
    return model.act(model.norm(model.first(x))).detach().numpy()


def test_every_example_has_its_vector_its_class_and_what_the_model_says() -> None:
    """In the order of the data, from batches of any size, also one that goes through the model in parts."""
    model, (x, y) = Net(), batch(1300)
    found = read(model, (x, y))
    assert (found.examples, found.layer, found.pooled) == (1300, "input of head", "")
    assert found.values.dtype == np.float32
    np.testing.assert_allclose(found.values, expected(model, x), atol=1e-6)
    np.testing.assert_array_equal(found.labels, y.numpy())
    np.testing.assert_array_equal(found.predicted, model(x).argmax(1).numpy())
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=299)
    for data in (loader, list(zip(x.split(100), y.split(100), strict=True)), [{"x": x, "labels": y}]):
        again = read(model, data)
        np.testing.assert_allclose(again.values, found.values, atol=1e-6)
        np.testing.assert_array_equal(again.labels, found.labels)
    assert read(model, x.split(100)).labels.size == 0
    assert read(model, loader, samples=301).examples == 301


def test_a_subject_brings_batches_and_names() -> None:
    """What is given beside it counts first; a generator is gone through once."""
    x, y = batch(20)
    subject = pel.Subject(Net(), batches=[(x, y)], class_names=("a", "b", "c", "d"))
    assert read(subject).names == ("a", "b", "c", "d")
    assert read(subject, x[:7]).examples == 7
    once = ((x[rows], y[rows]) for rows in (slice(0, 5), slice(5, 9)))
    assert read(subject, once).examples == 9


@pytest.mark.parametrize(
    ("target", "labels"),
    [
        (torch.tensor([2, 0, 1]), [2, 0, 1]),
        (torch.tensor([[2], [0], [-100]]), [2, 0, -100]),
        (torch.tensor([True, False, True]), [1, 0, 1]),
        (torch.eye(4)[[2, 0, 1]], [2, 0, 1]),
        (torch.tensor([1.0, 0.0, 0.0]), [1, 0, 0]),
        ([2, 0, 1], [2, 0, 1]),
        (torch.tensor([1.5, 0.0, 2.0]), []),
        (torch.rand(3, 4), []),
        (torch.zeros(3, 5, dtype=torch.long), []),
        (torch.tensor([-1, -1, -1]), []),
        (["a", "b", "c"], []),
    ],
)
def test_labels(target: Any, labels: list[int]) -> None:
    """Whole numbers, rows with a single 1, and real numbers that are all 0 or 1 are classes; others are not."""
    assert read(Net(), [(batch(3)[0], target)]).labels.tolist() == labels


def test_batches_without_classes_among_others() -> None:
    """Their examples count as examples without a class."""
    x, y = batch(4)
    assert read(Net(), [(x, y), x]).labels.tolist() == [*y.tolist(), -1, -1, -1, -1]


def test_pictures_are_kept_small() -> None:
    """Of one or three channels, in brightness, 32 pixels a side, of the first 5,000; others have none."""
    model = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.LazyLinear(2))
    x = torch.rand(6, 3, 80, 40)
    model(x)
    found = read(model, x)
    assert found.images.shape == (6, 32, 16, 3)
    np.testing.assert_allclose(found.images[0].mean((0, 1)), x[0].mean((1, 2)).numpy(), atol=2e-2)
    grey = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    bright = torch.rand(5003, 1, 2, 2)
    normalised = pel.Subject(grey, normalization=((0.3,), (0.5,)))
    images = read(normalised, ((bright - 0.3) / 0.5).split(1000)).images
    assert images.shape == (5000, 2, 2)
    np.testing.assert_allclose(images, bright[:5000, 0].numpy(), atol=1e-3)
    unknown = read(grey, bright[:50] * 6 - 3).images
    assert (unknown.min(), unknown.max()) == (0, 1)
    assert read(grey, bright, images=False).images.size == 0
    assert read(nn.Sequential(nn.Flatten(), nn.Linear(8, 2)), torch.rand(3, 2, 2, 2)).images.size == 0


def test_nan_is_kept_and_said() -> None:
    """Which examples hold any is told, and what the model says of them is not known."""
    x, y = batch(20)
    x[3] = float("nan")
    found = read(Net(), (x, y))
    assert np.flatnonzero(found.bad).tolist() == [3]
    assert np.isnan(found.values[3]).any()
    assert np.flatnonzero(found.predicted < 0).tolist() == [3]
    assert np.isfinite(found.spectrum).all()


# ------------------------------------------------------------------------------------------------------- files


def many(batches: int, failing: type[BaseException] | None = None) -> Iterator[Tensor]:
    """Yield batches, and raise in the end."""
    for _ in range(batches):
        yield torch.randn(1000, 12)
    if failing is not None:
        raise failing


def test_a_file_holds_what_memory_would(tmp_path: Path) -> None:
    """It is an ordinary .npy, read back as a map of the file; nothing else is left beside it."""
    model, x = Net(), batch(700)[0]
    path = tmp_path / "features.npy"
    path.write_bytes(b"old")
    found = read(model, x.split(100), to=path)
    assert isinstance(found.values, np.memmap)
    np.testing.assert_array_equal(found.values, read(model, x.split(100)).values)
    np.testing.assert_array_equal(np.load(path), found.values)
    assert list(tmp_path.iterdir()) == [path]
    again = Features.load(found.save(tmp_path / "kept.safetensors"))
    np.testing.assert_array_equal(again.values, found.values)
    assert again.findings == found.findings


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    """After Ctrl-C it holds what was read; after an error what was there before is there."""
    path = tmp_path / "features.npy"
    found = read(Net(), many(3, KeyboardInterrupt), to=str(path))
    assert found.stopped
    assert found.values.shape == np.load(path).shape == (3000, 16)
    with pytest.raises(RuntimeError, match="no more"):
        read(Net(), (one for one in failing_late()), to=path)
    assert np.load(path).shape == (3000, 16)
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(KeyboardInterrupt):
        read(Net(), many(0, KeyboardInterrupt))


def failing_late() -> Iterator[Tensor]:
    """Yield one batch."""
    yield torch.randn(10, 12)
    raise RuntimeError("no more")


def test_memory_does_not_grow_with_the_data(tmp_path: Path) -> None:
    """Of sixty thousand rows no more than a few batches are held at one time."""
    import tracemalloc

    tracemalloc.start()
    found = read(Net(), many(60), to=tmp_path / "a.npy", samples=100_000)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.values.shape == (60_000, 16)
    assert most < 2_500_000 < found.values.nbytes


# ------------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: read(Net()),
            "No data was given to run Net on. Give batches (input, target) or inputs alone: a loader",
        ),
        (lambda: read(Net(), []), "The batches yield nothing. Expected at least one batch of 1 example or more."),
        (lambda: FeaturesOptions(to="a.txt"), "to='a.txt' came; expected a file of NumPy, such as 'a.npy'."),
        (lambda: FeaturesOptions(samples=0), "samples=0 came; expected a whole number, 1 or more."),
        (
            lambda: read(nn.Sequential(nn.Flatten(), nn.Identity(), nn.Identity()), [torch.rand(3, 4)]),
            "No head of Sequential was found",
        ),
    ],
)
def test_what_cannot_be_used_is_refused(call: Callable[[], Any], message: str) -> None:
    """The message says what came and what is expected."""
    with pytest.raises(InputError, match=f"^{re.escape(message)}"):
        call()


def test_vectors_of_several_lengths_are_refused() -> None:
    """As inputs of several sizes make them."""
    model = nn.Sequential(nn.Flatten(), nn.Identity())
    message = r"^Vectors of 6 values came after others of 4\. Expected one length: bring all inputs to one size"
    with pytest.raises(InputError, match=message):
        pel.embeddings.features(model, iter([torch.rand(5, 4), torch.rand(5, 6)]), at="1", progress=False)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    """It cannot be written to."""
    with pytest.raises(StoreError, match=r"^Could not write .*: No such file or directory\. What was there before is"):
        read(Net(), batch(), to=tmp_path / "none" / "a.npy")


def test_the_model_comes_back(model_is_untouched: Guarded) -> None:
    """Weights, buffers, gradients, modes, hooks and random state are as they were, also where the model fails."""
    model, (x, y) = Net(), batch(64)
    F.cross_entropy(model(x), y).backward()
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=16, shuffle=True)
    with model_is_untouched(model):
        read(model, loader)
    with model_is_untouched(model), pytest.raises(RuntimeError, match="mat1 and mat2"):
        read(model, iter([x, x[:, :5]]))


@pytest.mark.parametrize("kind", [torch.float64, torch.bfloat16])
def test_other_precision(kind: torch.dtype) -> None:
    """Features are float32, and the head is found."""
    model = Net().to(kind)
    found = read(model, batch(8)[0].to(kind))
    assert found.layer == "input of head"
    assert found.values.dtype == np.float32
    assert np.isfinite(found.values).all()


def test_it_is_drawn() -> None:
    """Spread, means by class, and figures."""
    figure = read(Net(), batch(100)).figure()
    titles = ["Spread along principal directions", "Mean of each unit by class", "In figures"]
    assert [one.title for one in figure.panels] == titles
    assert "embeddings.separation" in figure.caveat
