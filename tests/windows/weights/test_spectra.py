"""The singular values of weight matrices."""

import numpy as np
import pytest
import torch
from torch import nn

import pellucid as pel
from pellucid.core.figure import Lines
from pellucid.core.finding import Level


def with_weight(weight: torch.Tensor) -> nn.Sequential:
    """A dense layer with these weights."""
    layer = nn.Linear(weight.shape[1], weight.shape[0], dtype=weight.dtype)
    with torch.no_grad():
        layer.weight.copy_(weight)
    return nn.Sequential(layer)


def test_singular_values_are_roots_of_the_eigenvalues_of_the_gram_matrix() -> None:
    """In float64, largest first; a convolution counts as one row a filter."""
    model = nn.Sequential(nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5), nn.Flatten(), nn.Linear(20, 7))
    found = pel.weights.spectra(model)
    assert found.names == ("0.weight", "3.weight")
    assert found.shapes == ((5, 27), (7, 20))
    for values, layer in zip(found.values, (model[0], model[3]), strict=True):
        rows = layer.weight.detach().double().flatten(1).numpy()
        gram = np.sqrt(np.linalg.eigvalsh(rows @ rows.T))[::-1]
        np.testing.assert_allclose(values, gram, rtol=1e-10)
        np.testing.assert_allclose((values**2).sum(), (rows**2).sum(), rtol=1e-12)


def test_ranks_of_matrices_with_known_spectra() -> None:
    """The identity uses all directions alike, an outer product one, and a diagonal what its entries say."""
    outer = torch.outer(torch.arange(1.0, 5), torch.arange(1.0, 7))
    diagonal = torch.diag(torch.tensor([4.0, 2.0, 1.0]))
    found = [pel.weights.spectra(with_weight(one.double())) for one in (torch.eye(6), outer, diagonal)]
    assert [float(one.stable_ranks[0]) for one in found] == pytest.approx([6, 1, 21 / 16])
    shares = np.array([4, 2, 1]) / 7
    entropy = np.exp(-(shares * np.log(shares)).sum())
    assert [float(one.effective_ranks[0]) for one in found] == pytest.approx([6, 1, entropy], abs=1e-6)
    assert found[0].conditions[0] == pytest.approx(1)
    assert found[2].conditions[0] == pytest.approx(4)
    assert found[1].conditions[0] > 1e12
    assert found[2].norms.tolist() == pytest.approx([4])


@pytest.mark.parametrize("scale", [1e-200, 1e-30, 1e200])
def test_ranks_do_not_depend_on_the_scale(scale: float) -> None:
    """Nor do tiny and huge weights leave the range of the numbers."""
    weight = torch.randn(4, 9, dtype=torch.float64)
    plain, scaled = pel.weights.spectra(with_weight(weight)), pel.weights.spectra(with_weight(weight * scale))
    np.testing.assert_allclose(scaled.stable_ranks, plain.stable_ranks, rtol=1e-10)
    np.testing.assert_allclose(scaled.values[0], plain.values[0] * scale, rtol=1e-10)


def test_zeros_and_nan_have_no_rank() -> None:
    """They are drawn as what they are."""
    broken = torch.randn(3, 4)
    broken[1, 1] = torch.nan
    for weight, words in ((torch.zeros(3, 4), "all 0"), (broken, "not finite")):
        found = pel.weights.spectra(with_weight(weight))
        assert np.isnan(found.stable_ranks[0])
        assert np.isnan(found.effective_ranks[0])
        assert np.isnan(found.conditions[0])
        assert found.figure().panels[0].note == words
        assert found.figure().svg()


def test_what_is_too_large_is_left_out_and_named() -> None:
    """And so is said under the picture."""
    model = nn.Sequential(nn.Linear(30, 20), nn.Linear(20, 3))
    found = pel.weights.spectra(model, largest=10)
    assert found.names == ("1.weight",)
    assert found.left_out == ("0.weight",)
    assert found.figure().caveat.endswith("Left out, as too large: 0.weight.")


def test_many_matrices_are_drawn_in_part() -> None:
    """Twelve as curves, all of them in the table."""
    found = pel.weights.spectra(nn.Sequential(*(nn.Linear(4, 4) for _ in range(15))))
    figure = found.figure()
    assert len(figure.panels) == 13
    assert "3 matrices more in the table only." in figure.caveat
    assert len(figure.panels[-1].marks[0].rows) == 15  # pyright: ignore[reportAttributeAccessIssue]


def test_an_axis_is_logarithmic_only_where_it_spans_a_decade() -> None:
    """Within one it would have a single number or none; and nobody calls a view sound."""
    for least, scale in ((2.0, "linear"), (0.01, "log")):
        figure = pel.weights.spectra(with_weight(torch.diag(torch.tensor([4.0, 3.0, least])))).figure()
        assert figure.panels[0].y.scale == scale
        assert (figure.level, figure.verdict) == (Level.NOT_MEASURED, "not-measured: no rule judges this")


def test_values_that_are_zero_stay_to_be_seen() -> None:
    """Of a matrix of rank 1 the others stand at the foot, and are counted; the axis names whole numbers."""
    weight = torch.outer(torch.rand(48) + 0.5, torch.rand(48) + 0.5)
    (panel, _) = pel.weights.spectra(with_weight(weight)).figure().panels
    curve, zeros = panel.marks
    assert isinstance(curve, Lines)
    assert isinstance(zeros, Lines)
    assert np.isfinite(curve.y).tolist() == [True, *[False] * 47]
    assert zeros.x.tolist() == list(range(2, 49))
    assert panel.note == "stable rank 1 of 48; 47 are 0, or all but 0"
    assert zeros.tone == "dead"
    (few, _) = pel.weights.spectra(with_weight(weight[:3])).figure().panels
    assert few.x.categories == ("1", "2", "3")


def test_zeros_have_a_place_on_a_logarithmic_axis() -> None:
    """Below the least value that is not 0, and within the limits."""
    (panel, _) = pel.weights.spectra(with_weight(torch.diag(torch.tensor([40.0, 1.0, 0.0])))).figure().panels
    (_, zeros), limits = panel.marks, panel.y.limits
    assert isinstance(zeros, Lines)
    assert limits is not None
    assert limits[0] < zeros.y[0] < 1
    assert (zeros.label, panel.note) == ("0, at the foot", "stable rank 1 of 3; 1 is 0, or all but 0")


def test_all_panels_have_one_scale() -> None:
    """One axis for all, with a name: a matrix that spans a decade makes those of the others logarithmic, too."""
    wide, narrow = (nn.Linear(3, 3) for _ in range(2))
    with torch.no_grad():
        wide.weight.copy_(torch.diag(torch.tensor([40.0, 1.0, 0.1])))
        narrow.weight.copy_(torch.eye(3))
    first, second, _ = pel.weights.spectra(nn.Sequential(wide, narrow)).figure().panels
    assert first.y == second.y
    assert (second.y.scale, second.y.label) == ("log", "singular value")
    assert second.x.label == "number, largest first"


def test_what_no_rule_judges_says_so_in_one_wording() -> None:
    """In the list of findings, the headline, the text, and the notebook."""
    result = pel.weights.spectra(nn.Linear(4, 3))
    said = "not-measured: no rule judges this"
    assert result.findings.headline == said
    assert str(result.findings) == f"– {said}."
    assert str(result).count(said) == 2
    assert result._repr_mimebundle_()["text/html"].count("no rule judges this") == 2
