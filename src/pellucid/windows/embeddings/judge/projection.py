"""Rules on maps: EMB004 to EMB006. They judge the map, never the network."""

from collections.abc import Iterator

import numpy as np

from pellucid.core.figure.words import amount, number, percent
from pellucid.core.finding import Finding
from pellucid.core.rule import Case, rule
from pellucid.windows.embeddings.result.projection import Projection

_FEW = 50


@rule(Projection, code="EMB004", title="Neighbours that are none", order=8, limits={"trust": 0.85})
def untrue_neighbours(result: Projection, case: Case) -> Iterator[Finding]:
    """A map on which rows lie side by side that are far apart in fact.

    Looks for: a trustworthiness below .85, with 50 rows or more.
    Why it matters: islands on such a map are made by the method and not by the rows.
    Where the limit comes from: digits, wine, breast cancer, iris, and what five small networks make of digits, trained,
        untrained and trained on random labels: .93 to .99 by UMAP and by t-SNE of both libraries. Gaussian noise of 64
        and of 512 units: .60 to .74; of 10 units: .84 to .90. PCA: .79 to .98 of the real ones.
    False alarms: none for t-SNE and UMAP of features of networks so far. PCA is not told off: below the limit it is
        said how much lies outside its axes, which is no fault of the map.
    Likely cause: rows without structure, such as noise or features that are nearly alike; too few iterations; or a
        perplexity that is far too small.
    What to do: Do not read this map; look at the rows in feature space.
    Source: Venna & Kaski 2001; facts of this project, embeddings 5.
    """
    if not len(result.trust):
        yield case.not_measured(result.provenance.stopped or "the map was not judged")
        return
    trust, limit = result.trustworthiness, case.limits["trust"]
    fields = {"value": trust, "limit": limit, "samples": len(result.trust)}
    if len(result.trust) < _FEW:
        yield case.not_measured(f"{amount(len(result.trust), 'row')} are too few to judge a map: {_FEW} are needed")
    elif trust >= limit:
        yield case.ok(f"neighbours on the map are neighbours in fact: trustworthiness {number(trust)}", **fields)
    elif result.method == "pca":
        yield case.look(
            f"most of the structure is not in these {result.dims} axes: they hold {percent(result.share)} of the "
            f"variance, and neighbours on the map are often none in fact (trustworthiness {number(trust)})",
            **fields,
            cause="Rows differ in more directions than a map has axes: nothing is wrong with them.",
            next_step='Use method="tsne" to see which rows are neighbours.',
        )
    else:
        yield case.warn(
            f"do not read this map: its neighbours are often none in fact, trustworthiness {number(trust)}", **fields
        )


@rule(Projection, code="EMB005", title="Unstable map", order=8, limits={"trust": 0.9})
def unstable(result: Projection, case: Case) -> Iterator[Finding]:
    """A map that is another one when the rows are shaken a little.

    Looks for: a trustworthiness below .9 of the map that is made again, each unit with noise of 1 % of its standard
        deviation, held against the map itself: rows that lie side by side on the second and far apart on the first.
    Why it matters: what changes with 1 % of noise is no property of the rows.
    Where the limit comes from: on the sets of EMB004, and on classes whose rows coincide or nearly do, .96 to 1;
        on Gaussian noise of 64 units .68 to .78, of 10 units .80 to .85, of 5 units .93 to .94. The share of the 10
        nearest that stay is no measure: of classes whose rows nearly coincide, as those of well trained networks, 17 %
        do.
    False alarms: never more than a look. With fewer than 50 rows it is not judged. PCA keeps 1.00 of noise, too.
    Likely cause: rows without structure, which the method may put anywhere.
    What to do: Do not read islands on it; make the map with another seed and compare.
    Source: ours; facts of this project, embeddings 5.
    """
    trust, rows = result.shaken_trust, int(result.mapped.sum())
    if np.isnan(trust):
        yield case.not_measured(result.provenance.stopped or "the map was not made a second time")
        return
    if rows < _FEW:
        yield case.not_measured(f"{amount(rows, 'row')} are too few to judge a map: {_FEW} are needed")
        return
    evidence = {"kept": result.shaken_kept, "disparity": result.shaken_disparity}
    fields = {"value": trust, "limit": case.limits["trust"], "samples": rows, "evidence": evidence}
    if trust < case.limits["trust"]:
        yield case.look(f"rows shaken by 1 % come to lie beside others: trustworthiness {number(trust)}", **fields)
    else:
        yield case.ok(f"the map stays when rows are shaken by 1 %: trustworthiness {number(trust)}", **fields)


@rule(Projection, code="EMB006", title="Rows that are not on the map", order=1)
def left_out(result: Projection, case: Case) -> Iterator[Finding]:
    """Rows that are left out, because they hold a NaN or an infinity.

    Looks for: a single one.
    Why it matters: the map shows the healthy rest, and looks as if nothing were wrong.
    Where the limit comes from: finite weights and finite inputs make finite features.
    False alarms: inputs that are meant to hold NaN.
    Likely cause: weights or inputs that are not finite, a division by 0, or half precision.
    What to do: Find the first layer whose output is not finite: pel.activations.histograms(model, batch).
    Source: ours.
    """
    rows, left = len(result.points), len(result.left_out)
    if not rows:
        yield case.not_measured("there is no row")
        return
    fields = {"value": left / rows, "limit": 0.0, "samples": rows}
    if left:
        shown = ", ".join(str(one) for one in result.left_out[:5]) + (", …" if left > 5 else "")
        yield case.look(
            f"{amount(left, 'row')} of {rows:,} hold a NaN or an infinity and are left out: {shown}", **fields
        )
        return
    if result.stopped and not result.mapped.all():
        missing = amount(int((~result.mapped).sum()), "row")
        yield case.stopped(f"{result.provenance.stopped}: {missing} have no place on the map yet", samples=rows)
        return
    placed = rows - int(result.fitted.sum())
    how = f"; {placed:,} of them were placed on it afterwards, one by one" if placed else ""
    yield case.ok(f"all {amount(rows, 'row')} are on the map{how}", **fields)
