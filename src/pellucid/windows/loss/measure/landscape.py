"""From a finished model and data to the loss around its weights."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pellucid.core.arguments import ABOVE_0, MOST_SEED, Options, file_path, flag, instance, real_number, whole
from pellucid.core.progress import Loop, Progress, telling
from pellucid.core.result import Provenance
from pellucid.methods.ground.curvature import flattened, unflattened
from pellucid.methods.ground.directions import Direction, cosine, random_direction
from pellucid.methods.ground.ground import Ground
from pellucid.methods.ground.kept import Kept, mark_of, marks_of
from pellucid.methods.ground.lockstep import Lockstep
from pellucid.methods.ground.survey import Offsets, Place, Survey
from pellucid.methods.ground.sweep import PLANE, Plane, Sweep, home_of
from pellucid.methods.ground.trajectory import Snapshots, Way, is_path
from pellucid.methods.sharing import Group, Sharing
from pellucid.probe.subject import Subject
from pellucid.windows.loss.measure.plane import Section, refuse_radius, resolution_of, section_of
from pellucid.windows.loss.measure.surroundings import Surroundings, given_subject, surroundings_of
from pellucid.windows.loss.result.landscape import Landscape

Array = NDArray[Any]
_PLACES = 9
_LINES, _PATH = 1, 2
"""Numbers of these points among those of a survey."""


@dataclass(frozen=True, kw_only=True)
class LandscapeOptions(Options):
    """How a landscape is measured.

    Attributes:
        samples: Examples that each loss is a mean of, at the most; the first that the batches give.
        tolerance: Relative error up to which cells are filled in by a smooth surface instead of being measured; 0
            measures all.
        lines: Further directions, along which the loss is measured at 9 places each.
        recalibrated: Whether the statistics of batch norm are measured anew at each point, at twice the cost.
        gains: Whether biases and gains of norms move, too, each as one filter.
        seed: Of the directions.
    """

    samples: int = 1024
    tolerance: float = 0.02
    lines: int = 6
    recalibrated: bool = False
    gains: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        self.settle(
            samples=(whole, 1),
            tolerance=(real_number, 0.0, 1.0),
            lines=(whole, 0, 1000),
            recalibrated=(flag,),
            gains=(flag,),
            seed=(whole, 0, MOST_SEED),
        )


def landscape(  # noqa: PLR0913 - progress and group are those that every long function takes
    model: nn.Module | Subject,
    data: Any = None,
    *,
    loss: Callable[[Any, Any], Tensor] | None = None,
    radius: float = 1.0,
    resolution: int = 33,
    directions: str | Snapshots | tuple[Sequence[Tensor | Array], Sequence[Tensor | Array]] = "random",
    options: LandscapeOptions | None = None,
    resume: str | PathLike[str] | None = None,
    group: Group = None,
    progress: Progress = None,
) -> Landscape:
    """Measure the loss on a plane through the weights.

    Directions are filter-normalised: each filter (everything that feeds one output unit) of a direction is as long as
    the model's own. What rescales whole layers, heads, or filters before a norm without changing the function (a layer
    times c, the next divided by c) therefore does not change the picture; what rescales single units does.
    The model is in eval mode meanwhile, and afterwards as it was, bit for bit.

    The plane is measured on 9 x 9 nodes first. Cubic splines through logarithms, roots and fourth roots are tried on 19
    cells that they have not seen; only where the best misses one by more than two thirds of the tolerance is a finer
    grid measured. (Of 8 small networks, of all of whose cells the truth was measured, none was off by more than it.)

    Before each part of the data Python, NumPy and PyTorch are seeded, and generators that modules hold as attributes go
    back to where they stood: a model that draws in eval mode draws the same everywhere. One that draws from elsewhere
    adds noise.

    Args:
        model: A model, or a subject with batches.
        data: Batches (input, target), one such pair, or a loader; None for the batches of the subject.
        loss: `loss(output, target)`, a number or a tensor, which is averaged; None for that of the subject, or else
            cross-entropy for class targets and squared error for others. Data is measured in parts: what
            nn.CrossEntropyLoss and nn.NLLLoss (or their functions, with functools.partial) pass over or weigh, and the
            sum that a loss of PyTorch makes, count as they do on all of it. A function of your own is taken for a mean:
            over targets of 0 or more where they are classes, else over examples.
        radius: How far the plane reaches, above 0: 1 is as far as each filter is long. Along a path it reaches beyond
            the path by a fifth of it, times the radius.
        resolution: Nodes a side, odd, 3 to 513; 2^k + 1 costs least.
        directions: "random"; "hessian", the two of steepest curvature, each as long as all weights together (where
            the loss bends alike along all, the second is drawn by lot); a path, which is `watch.path`, a
            `pel.loss.Trajectory`, a list of 4 state dicts or more, or a mapping from steps to them: the plane that
            shows most of it, 1 being as far as its first snapshot is from now; or two lists of a tensor or array for
            each parameter that is trained, which are taken as they are.
        options: How thoroughly.
        resume: A file in which points are kept as they are measured, every few seconds. Where it is there from before,
            no point in it is measured again, however the process ended; with other weights, data (a loader that
            shuffles gives others each time) or arguments it is refused. Keep it or delete it afterwards.
        group: Share the work under torch.distributed: "world" or a process group. Every rank must call with the same
            model, arguments and data, in the same order; each measures every world-th point, and all return the whole
            landscape, which is that of one process to the bit where each computes with as many threads. None works
            alone, and waits for nobody.
        progress: None for a line on stderr, False for silence, or a function that is given (done, in all).

    Returns:
        The landscape. After Ctrl-C as much as was measured.

    Raises:
        InputError: There is no data, target or loss, or it has no value on a part of the data; an argument is out of
            its range; the weights hold NaN, were made under inference mode, or are of half precision and the radius
            is so small that they would not move evenly; there is no curvature where directions="hessian"; ranks were
            given different things; or the file of `resume` belongs to other weights, data or arguments.
        FormatError: That file is damaged, or something else.
        StoreError: It cannot be read or written.
        CaptureError: Another rank failed; the message says why.

    Cost:
        A forward pass over the data for each point: 100 for the plane where the surface is smooth, resolution^2 at the
        most, and 8 for each further direction. Memory: the data, and three copies of the weights.

    Source:
        Li et al. 2018, "Visualizing the loss landscape of neural nets".
    """
    begun, chosen = time.perf_counter(), instance("options", options, LandscapeOptions)
    size, reach = resolution_of(resolution), real_number("radius", radius, ABOVE_0)
    file = None if resume is None else file_path("resume", resume)
    lockstep, subject = Lockstep(Sharing.of(group)), given_subject(model, data, loss)
    with telling("landscape", lockstep.sharing.rank == 0 and progress), lockstep.held():
        around = surroundings_of(subject, samples=chosen.samples, recalibrated=chosen.recalibrated)
        refuse_radius(around.filters, reach)
        around.ground.lockstep = lockstep
        asked = Way(directions, around.filters) if is_path(directions) else directions
        with around.ground.walked() as ground:
            plan = _Plan(ground, asked, chosen, radius=reach, size=size)
            plan.begin(file)
            found = plan.run()
        passes = sum(lockstep.exchange("passes", lambda: ground.passes))
    plan.tidy()
    return Landscape(
        provenance=Provenance(
            model=f"{subject.title} {sum(one.numel() for one in subject.model.parameters()):,} parameters",
            samples=around.samples,
            passes=passes,
            seconds=time.perf_counter() - begun,
            seed=chosen.seed,
        ),
        tolerance=chosen.tolerance,
        gains=chosen.gains,
        **found,
        **_facts(around),
    )


def _facts(around: Surroundings) -> dict[str, Any]:
    return {
        "loss_name": around.objective.loss_name,
        "statistics": around.statistics,
        "samples": around.samples,
        "parts": len(around.ground.parts),
        "assumed": around.assumed,
    }


class _Plan:
    """What is measured, in which order: a plane, further lines, and the snapshots of a path.

    Args:
        ground: Being walked.
        directions: As `section_of` takes them.
        chosen: How thoroughly.
        radius: How far the plane reaches.
        size: Nodes a side.
    """

    def __init__(self, ground: Ground, directions: Any, chosen: LandscapeOptions, *, radius: float, size: int) -> None:
        self._ground, self._directions, self._chosen = ground, directions, chosen
        self._radius, self._size = radius, size
        self._way = directions if isinstance(directions, Way) else None
        self._kept: Kept | None = None

    def begin(self, file: Path | None) -> None:
        """Find the plane, and what is known of it."""
        lockstep = self._ground.lockstep
        if file is not None or not lockstep.alone:
            marks = self._marks()
            lockstep.agree(marks)
            self._kept = None if file is None else Kept(file, marks, self._ground.proof(), lockstep)
        self._section = self._found_section()
        self._survey = Survey(self._ground, self._kept)

    def run(self) -> dict[str, Any]:
        """Return the fields of the result that are measured."""
        section = self._section
        try:
            plane = self._plane()
            places, lines, stopped = self._lines(stop=plane.stopped)
            losses, stopped = self._snapshots(stop=stopped)
        finally:
            self._survey.write()
        return {
            "directions": section.kind,
            "columns": section.columns,
            "rows": section.rows,
            "losses": plane.losses,
            "errors": plane.errors,
            "measured": plane.measured,
            "missed": plane.missed,
            "lines": lines,
            "places": places,
            "cosine": cosine(*section.directions),
            "stopped": stopped,
            "path": section.path,
            "path_steps": np.array([] if self._way is None else self._way.steps, dtype=np.int64),
            "path_losses": losses,
            "off_plane": section.off_plane,
        }

    def tidy(self) -> None:
        """Take away what ranks have kept for themselves."""
        if self._kept is not None:
            self._kept.tidy()

    def _marks(self) -> dict[str, str]:
        given = self._directions
        if self._way is not None:
            given = [list(self._way.steps), [mark_of(one) for one in self._way]]
        return {
            **marks_of(self._ground.model, [self._ground.parts, self._ground.weights]),
            "directions": mark_of(given),
            "radius": repr(self._radius),
            "resolution": repr(self._size),
            **{name: repr(one) for name, one in asdict(self._chosen).items()},
        }

    def _found_section(self) -> Section:
        ground, steepest = self._ground, isinstance(self._directions, str) and self._directions == "hessian"
        known = self._kept.directions() if self._kept is not None and steepest else None
        if known is None:
            section = self._section_of(self._directions)
            if self._kept is not None and steepest:
                self._kept.write_directions(*map(flattened, section.directions), passes=ground.passes)
            return section
        *pair, passes = known
        ground.passes += passes * (ground.lockstep.sharing.rank == 0)
        first, second = (unflattened(one, ground) for one in pair)
        return replace(self._section_of((first, second)), kind="hessian")

    def _section_of(self, directions: Any) -> Section:
        chosen = self._chosen
        return section_of(
            self._ground, directions, radius=self._radius, size=self._size, seed=chosen.seed, gains=chosen.gains
        )

    def _plane(self) -> Plane:
        section, loops = self._section, dict[tuple[str, int], Loop]()

        def told(grid: str, done: int, total: int) -> None:
            if (grid, total) not in loops:  # whether there is a next one is not known before
                for one in loops.values():
                    one.over()
                loops[grid, total] = Loop(total, grid)
            loops[grid, total].at(done)

        axes, chosen = (section.columns, section.rows), self._chosen
        return Sweep(
            self._survey, section.directions, *axes, tolerance=chosen.tolerance, seed=chosen.seed, told=told
        ).run()

    def _lines(self, *, stop: bool) -> tuple[Array, Array, bool]:
        """Return places, losses along further random directions, and whether it was ended early."""
        chosen, ground, middle = self._chosen, self._ground, _PLACES // 2
        places = np.linspace(-self._radius, self._radius, _PLACES)
        places[middle] = 0.0
        count, drawn = 0 if stop else chosen.lines, dict[int, Direction]()
        spots = [(line, place) for line in range(count) for place in range(_PLACES) if place != middle]

        def offsets(spot: Place) -> Offsets:
            if spot[0] not in drawn:
                drawn.clear()
                drawn[spot[0]] = random_direction(
                    ground.filters, seed=chosen.seed, number=2 + spot[0], gains=chosen.gains
                )
            return ((float(places[spot[1]]), drawn[spot[0]]),)

        found = dict[Place, Tensor]()
        if spots:
            loop = Loop(count, "further directions")
            stop = self._filled(found, _LINES, spots, offsets, lambda done: loop.at(done // (_PLACES - 1)))
            home = self._survey.known(PLANE, home_of(self._section.columns, self._section.rows))
            found.update(((line, middle), home) for line in range(count))
        whole = [line for line in range(count) if all((line, place) in found for place in range(_PLACES))]
        losses = [torch.stack([found[line, place] for place in range(_PLACES)]) for line in whole]
        means = ground.mean(torch.stack(losses).cpu()).numpy() if losses else np.zeros((0, _PLACES))
        return places, means, stop

    def _snapshots(self, *, stop: bool) -> tuple[Array, bool]:
        """Return the losses at the snapshots of a path, NaN where they were not reached, and whether it ended early."""
        losses = np.full(len(self._section.path), np.nan)
        if self._way is None or stop:
            return losses, stop
        loop, walk, found = Loop(len(losses), "snapshots"), enumerate(self._way), dict[Place, Tensor]()
        spots = [(0, number) for number in range(len(losses))]

        def offsets(spot: Place) -> Offsets:
            return ((1.0, next(one for number, one in walk if number == spot[1])),)

        stop = self._filled(found, _PATH, spots, offsets, loop.at)
        for (_, number), one in found.items():
            losses[number] = float(self._ground.mean(one.cpu()))
        return losses, stop

    def _filled(
        self,
        found: dict[Place, Tensor],
        number: int,
        spots: Sequence[Place],
        offsets: Callable[[Place], Offsets],
        told: Callable[[int], None],
    ) -> bool:
        """Measure points; return whether Ctrl-C ended it early."""
        try:
            for spot, losses in self._survey.measured(number, spots, offsets, told):
                found[spot] = losses  # noqa: PERF403 - those before a Ctrl-C are kept
        except KeyboardInterrupt:
            return True
        return False
