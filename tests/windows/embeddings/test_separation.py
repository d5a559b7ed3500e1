"""Tests of separation: measured figures, baselines and their absence, arguments, and models that come back."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

import pellucid as pel
from pellucid.core.errors import InputError
from pellucid.maths.separation import collapse, scatter_ratio, silhouettes
from pellucid.windows.embeddings import Separation, SeparationOptions
from tests.kinds import Net, batch

Guarded = Callable[[nn.Module], AbstractContextManager[None]]
Values = NDArray[np.float64]
NAN = float("nan")


def measured(model: Any, data: Any = None, **given: Any) -> Separation:
    """Measure in silence."""
    return pel.embeddings.separation(model, data, progress=False, **given)


def groups(apart: float, examples: int = 200, classes: int = 4) -> tuple[Values, NDArray[np.int64]]:
    """Return classes around the corners of a simplex."""
    source, labels = np.random.default_rng(0), np.arange(examples) % classes
    return apart * np.eye(classes, 6)[labels] + source.normal(size=(examples, 6)), labels


def test_figures_are_those_of_the_formulas() -> None:
    """Ratios and silhouettes of features and raw inputs, NC1 to NC4, and the accuracies."""
    model, (x, y) = Net(), batch(300)
    found = measured(model, (x, y), train=(x[:100], y[:100]))
    labels = y.numpy()
    model.eval()
    features = model.act(model.norm(model.first(x))).detach().double().numpy()
    assert found.ratios[0] == pytest.approx(scatter_ratio(features, labels), rel=1e-5)
    assert found.ratios[1] == pytest.approx(scatter_ratio(x.double().numpy(), labels), rel=1e-5)
    assert found.silhouettes[0] == pytest.approx(silhouettes(features, labels).mean(), abs=1e-6)
    said = model(x).argmax(1).numpy()
    head = model.head.weight.detach().double().numpy()
    np.testing.assert_allclose(found.collapse, astuple(collapse(features, labels, head=head, said=said)), rtol=1e-4)
    assert found.accuracy == pytest.approx((said == labels).mean())
    assert found.train_accuracy == pytest.approx((said == labels)[:100].mean())
    assert (found.examples, found.compared, found.left_out) == (300, 300, 0)
    assert found.counts.tolist() == np.bincount(labels).tolist()
    assert found.share == pytest.approx(found.ratios[0] / found.ratios[1:].min())
    assert found.lift == pytest.approx(found.silhouettes[0] - found.silhouettes[found.baseline or 0])
    assert (found.ratio_ranges[:, 0] < found.ratios).all()
    assert (found.ratio_ranges[:, 1] > found.ratios).all()
    assert np.isfinite(found.distances).all()


def test_the_twin_is_drawn_anew_and_depends_on_the_seed_alone() -> None:
    """Trained weights leave it as it is; another seed makes another; the random state does not."""
    model, data = Net(), batch(200)
    first = measured(model, data)
    torch.manual_seed(7)
    with torch.no_grad():
        for one in (model.first, model.head):
            one.weight.mul_(3).add_(0.1)
        model.norm.running_mean.fill_(2.0)
    changed = measured(model, data)
    assert changed.ratios[2] == first.ratios[2]
    assert changed.ratios[0] != first.ratios[0]
    assert measured(model, data, options=SeparationOptions(seed=1)).ratios[2] != first.ratios[2]
    assert first.twin_missing == ""


def test_batches_and_one_pass_data_give_the_same() -> None:
    """Loaders, lists and generators, however the data are divided."""
    model, (x, y) = Net(), batch(200)
    whole = measured(model, (x, y))
    pairs = list(zip(x.split(33), y.split(33), strict=True))
    for data in (pairs, iter(pairs), torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=50)):
        again = measured(model, data)
        np.testing.assert_allclose(again.ratios[:2], whole.ratios[:2], rtol=1e-5)
        # The norms of the twin take their statistics from batches, the mean of which is nearly that of all.
        assert again.ratios[2] == pytest.approx(whole.ratios[2], rel=0.2)
    assert measured(pel.Subject(model, batches=pairs, class_names=tuple("abcd"))).names == ("a", "b", "c", "d")


def test_tokens_have_no_raw_baseline() -> None:
    """Numbers of words lie at no distance from each other: the twin alone is compared with, and that is said."""
    model = nn.Sequential(nn.Embedding(12, 8), nn.Flatten(), nn.Linear(40, 6), nn.Tanh(), nn.Linear(6, 3))
    ids = torch.randint(12, (90, 5))
    found = measured(model, (ids, ids[:, 0] % 3))
    assert np.isnan(found.ratios[1])
    assert found.baseline == 2
    assert found.raw_missing == "the inputs are numbers of tokens, whose distances mean nothing"
    assert f"There are no raw inputs to compare with: {found.raw_missing}." in found.figure().caveat


class Own(nn.Module):
    """A layer that nobody knows how to begin with."""

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.head = nn.Parameter(torch.randn(12, 9)), nn.Linear(9, 4)

    def forward(self, x: Tensor) -> Tensor:
        """Classify."""
        return self.head((x @ self.weight).tanh())


class Known(Own):
    """The same, with a way to begin as models of transformers have it."""

    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, Own):
            nn.init.normal_(module.weight, std=0.02)


class Placed(nn.Module):
    """A network with a few parameters that nobody resets, as positions and the token of a class are."""

    def __init__(self) -> None:
        super().__init__()
        self.shift, self.body, self.head = nn.Parameter(torch.randn(1, 12)), nn.Linear(12, 40), nn.Linear(40, 4)

    def forward(self, x: Tensor) -> Tensor:
        """Classify."""
        return self.head(self.body(x + self.shift).relu())


def test_what_cannot_begin_anew_has_no_twin() -> None:
    """Then the raw inputs alone count, and it is said why; a model may know itself; a few entries are shuffled."""
    data = batch(100)
    found = measured(Own(), data)
    assert np.isnan(found.ratios[2])
    assert found.twin_missing == "modules with 75 % of the weights have no reset_parameters()"
    assert found.baseline == 1
    for model in (Known(), Placed()):
        assert np.isfinite(measured(model, data).ratios).all()
    copied = Net()
    copied.cannot = (one for one in ())
    assert measured(copied, data).twin_missing == "the model cannot be copied"


def test_long_inputs_are_sketched() -> None:
    """Their ratio is that of the inputs themselves to a few per cent, and that is said."""
    source = torch.Generator().manual_seed(0)
    labels = torch.arange(120) % 3
    means = torch.randn(3, 1, 70, 70, generator=source)
    x = means[labels] + torch.randn(120, 1, 70, 70, generator=source)
    found = measured(nn.Sequential(nn.Flatten(), nn.Linear(4900, 3)), (x, labels))
    assert found.sketched
    assert found.ratios[1] == pytest.approx(scatter_ratio(x.flatten(1).double().numpy(), labels.numpy()), rel=0.02)
    assert "so long that sums of them" in found.figure().caveat


def test_many_examples_are_compared_in_part() -> None:
    """Silhouettes of 4,000 chosen by lot are near those of all."""
    values, labels = groups(3.0, examples=5000)
    found = pel.embeddings.separation_of(values, labels)
    assert found.compared == 4000
    assert found.silhouettes[0] == pytest.approx(silhouettes(values, labels).mean(), abs=0.01)
    assert "Silhouettes are those of 4,000 examples, chosen by lot." in found.figure().caveat


def test_the_interval_is_where_other_samples_lie() -> None:
    """Of 60 samples of the same classes, most have a ratio within the interval of the first, which holds the first."""
    source, labels = np.random.default_rng(1), np.arange(300) % 3
    means = source.normal(size=(3, 8))
    ratios = [scatter_ratio(means[labels] + source.normal(size=(300, 8)), labels) for _ in range(60)]
    found = pel.embeddings.separation_of(means[labels] + source.normal(size=(300, 8)), labels)
    low, high = found.ratio_ranges[0]
    assert low < found.ratios[0] < high
    spread = np.percentile(ratios, 97.5) - np.percentile(ratios, 2.5)
    assert 0.6 < (high - low) / spread < 1.6


@pytest.mark.parametrize(
    ("share", "said"), [(0.3, "learned"), (0.7, "partly"), (1.5, "tangled"), (0.5, "unclear"), (0.9, "unclear")]
)
def test_the_verdict_follows_the_share(share: float, said: str) -> None:
    """Scatter within classes scaled to a share of the baseline's gives that verdict, or none near a limit."""
    values, labels = groups(3.0, examples=2000)
    means = np.stack([values[labels == one].mean(0) for one in range(4)])[labels]
    features = means + (values - means) * share**0.5
    found = pel.embeddings.separation_of(features, labels, raw=values)
    assert found.share == pytest.approx(share, rel=1e-9)
    assert found.verdict == said


def test_too_little_is_not_judged() -> None:
    """One class, a class of nine, no baseline, examples without a class, and values that are NaN."""
    values, labels = groups(3.0, examples=60)
    judged = pel.embeddings.separation_of
    assert judged(values, labels * 0, raw=values).verdict == "few"
    assert judged(values, np.where(np.arange(60) < 9, 5, labels), raw=values).verdict == "few"
    assert judged(values, labels).verdict == "unknown"
    assert judged(values, labels - 100, raw=values).verdict == "few"
    spoiled = values.copy()
    spoiled[:4, 0] = NAN
    found = judged(spoiled, labels, raw=values, untrained=np.where(np.isnan(spoiled), NAN, values)[:, ::-1])
    assert (found.examples, found.left_out) == (56, 4)
    assert np.isfinite(found.ratios).all()
    found = judged(values, labels, raw=spoiled)
    assert found.raw_missing == "there is a value that is NaN or infinite"
    assert judged(np.eye(4)[labels], labels, raw=np.eye(4)[labels]).verdict == "unknown"
    assert judged(np.eye(4)[labels], labels, raw=values).verdict == "learned"


def test_ctrl_c_keeps_what_was_read() -> None:
    """The examples until then are compared, and it says so."""
    x, y = batch(400)

    def data() -> Iterator[tuple[Tensor, Tensor]]:
        yield x, y
        raise KeyboardInterrupt

    class Loader:
        def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
            return data()

    model = nn.Sequential(nn.Linear(12, 9), nn.Tanh(), nn.Linear(9, 4))
    found = measured(model, Loader(), train=(x, y))
    assert found.stopped
    assert found.examples == 400
    assert np.isnan(found.train_accuracy)


def test_the_model_comes_back(model_is_untouched: Guarded) -> None:
    """Weights, buffers, gradients, modes, hooks and random state are as they were."""
    model, (x, y) = Net(), batch(64)
    F.cross_entropy(model(x), y).backward()
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=16, shuffle=True)
    with model_is_untouched(model):
        measured(model, loader, train=loader)


def test_it_is_saved_drawn_and_told(tmp_path: Path) -> None:
    """A file gives it back, and the picture has scatter, silhouettes, distances and figures."""
    found = measured(Net(), batch(200))
    again = Separation.load(found.save(tmp_path / "separation.safetensors"))
    assert again == found
    figure = again.figure()
    titles = ["Scatter within classes over that between", "Silhouette", "Distances between classes", "In figures"]
    assert [one.title for one in figure.panels] == titles
    assert figure.title == "Separation of classes: tangled"


VALUES, LABELS = groups(3.0, examples=20)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: measured(Net()), "No held-out data was given to run Net on."),
        (lambda: measured(Net(), batch(9)[0]), "None of 9 examples has a class, and separation is that of classes."),
        (lambda: SeparationOptions(draws=3), "draws=3 came; expected a whole number, 20 to 100,000."),
        (
            lambda: pel.embeddings.separation_of(VALUES[0], LABELS),
            "values of shape (6,) came; expected an array of real numbers, [row, column].",
        ),
        (
            lambda: pel.embeddings.separation_of(VALUES, LABELS[:9]),
            "labels of shape (9,) came; expected one whole number for each of 20 rows.",
        ),
        (
            lambda: pel.embeddings.separation_of(VALUES, LABELS + 0.5),
            "labels holds numbers that are not whole; expected one whole number for each of 20 rows.",
        ),
        (
            lambda: pel.embeddings.separation_of(VALUES, LABELS, raw=VALUES[:3]),
            "raw of shape (3, 6) came; expected an array of real numbers, [row, column], with 20 rows.",
        ),
        (
            lambda: pel.embeddings.separation_of(VALUES, LABELS, train_accuracy=2.0),
            "train_accuracy=2.0 came; expected a number, 0 to 1.",
        ),
    ],
)
def test_what_cannot_be_used_is_refused(call: Callable[[], Any], message: str) -> None:
    """The message says what came and what is expected."""
    with pytest.raises(InputError, match=f"^{re.escape(message)}"):
        call()
