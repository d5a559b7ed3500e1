"""A rule on the path of the weights: LOS029."""

from collections.abc import Iterator

from pellucid.core.figure.words import amount, percent
from pellucid.core.finding import Finding
from pellucid.core.rule import Case, rule
from pellucid.windows.loss.result.path import Path


@rule(Path, code="LOS029", title="Path in few dimensions", order=8, limits={"in_plane": 0.9, "snapshots": 10})
def low_dimensional(result: Path, case: Case) -> Iterator[Finding]:
    """Whether the path lies in a plane, which is what lets a picture of it be believed.

    Looks for: 90 % or more of the spread of the snapshots about their mean in two principal components.
    Why it matters: two components hold 76 % of any random walk in many dimensions, and a picture of it looks like a
        smooth spiral. Only beyond that does the picture show the path and not its projection.
    Where the limit comes from: random walks in 4,000 dimensions: 76 to 78 % from 10 snapshots on; trainings of small
        networks on digits: 97 to 98 %.
    False alarms: never a problem, only a statement. A training of a few steps, or with a very high learning rate, is
        nearer to a random walk.
    Likely cause: below: noise of small batches, or a learning rate under which the weights wander.
    What to do: Below, believe distances to the plane (`off_plane`) more than the picture.
    Source: Antognini and Sohl-Dickstein 2018, "PCA of high dimensional random walks with comparison to neural network
        training".
    """
    count = len(result.steps)
    if count < case.limits["snapshots"]:
        yield case.not_measured(f"{amount(count, 'snapshot')} lie in a plane whatever the path is")
        return
    share, limit = result.in_plane, case.limits["in_plane"]
    words = (
        f"two components hold {percent(share)} of the spread, of a random walk they would {percent(result.of_a_walk)}"
    )
    what = "a low-dimensional path" if share >= limit else "not clearly a low-dimensional path"
    yield case.ok(f"{what}: {words}", value=share, limit=limit, samples=count)
