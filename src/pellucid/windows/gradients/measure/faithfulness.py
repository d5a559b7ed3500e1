"""From a finished model, examples and methods to what experiments say about their maps."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from pellucid.core.arguments import ABOVE_0, MOST_SEED, Options, instance, real_number, whole
from pellucid.core.errors import InputError
from pellucid.core.figure.words import amount
from pellucid.core.progress import Loop, Progress, telling
from pellucid.core.result import Provenance
from pellucid.maths.ranks import is_constant
from pellucid.methods import faithfulness as experiments
from pellucid.methods.attribution import Attribution, Method, Question, Target
from pellucid.methods.attribution.baseline import baselines_of
from pellucid.methods.attribution.nest import tensors
from pellucid.methods.attribution.question import array_of
from pellucid.probe.address import Address, unwrap
from pellucid.probe.guard import undisturbed
from pellucid.probe.subject import Subject
from pellucid.windows.gradients.measure.saliency import options_of
from pellucid.windows.gradients.measure.silent import silent
from pellucid.windows.gradients.result import Faithfulness

Array = NDArray[Any]
_MOST = 100_000
_STOPPED = "stopped with Ctrl-C"


@dataclass(frozen=True, kw_only=True)
class FaithfulnessOptions(Options):
    """How thorough each of the tests of faithfulness is; 0 leaves a test out.

    Attributes:
        steps: Steps of the deletion and insertion curves, 1 or more.
        chances: Random orders beside them.
        randomisations: Random models that the maps are compared with.
        stages: Steps from the output back in which a model becomes random, at the most.
        perturbations: Boxes that are taken away to measure infidelity.
        samples: Noisy copies to measure sensitivity.
        radius: Of that noise, as a share of each example's range.
        only: Places of the inputs to explain, such as "[0]" or ".pixels"; None for all.
        seed: Of everything that is drawn.
    """

    steps: int = 24
    chances: int = 4
    randomisations: int = 2
    stages: int = 12
    perturbations: int = 50
    samples: int = 8
    radius: float = 0.02
    only: Sequence[str] | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        count = (whole, 0, _MOST, "0 leaves a test out")
        self.settle(steps=count, chances=count, randomisations=count, stages=count, perturbations=count, samples=count)
        share = (real_number, ABOVE_0, 1, "a share of the range, such as 0.02")
        self.settle(radius=share, seed=(whole, 0, MOST_SEED))
        if self.steps and not self.chances:
            raise InputError("chances=0 came. Curves mean little without those of random maps: expected 1 or more.")
        if self.randomisations and not self.stages:
            raise InputError("stages=0 came; expected 1 or more. To leave that test out, give randomisations=0.")


@undisturbed()
def faithfulness(  # noqa: PLR0913 - progress is one that every long function takes
    model: nn.Module | Subject,
    x: Any,
    target: Target = None,
    *,
    method: str | Method | Sequence[str | Method] = "gradient",
    at: Address | None = None,
    masks: Any = None,
    baseline: Any = None,
    options: FaithfulnessOptions | None = None,
    progress: Progress = None,
) -> Faithfulness:
    """Test maps by experiment: whether what they name first is what the model uses.

    Five tests, each of every example: *deletion and insertion* (places are replaced by the baseline, or put back into
    it, in the order of the map; random orders beside them), the *pointing game* (whether the highest value lies in a
    mask), *randomisation* (the model forgets what it learned, from the last layer back, and the map should change),
    *infidelity* (whether the map foretells what the score loses when boxes are taken away) and *sensitivity* (how far
    a little noise moves the map).

    Curves follow the probability of the class where the model returns a row of logits, since a logit has no end; maps
    and infidelity are of the score itself. Maps that share the score out (integratedgradients, deeplift, lrp,
    occlusion ...) are ranked by value, others by size.

    The model is afterwards as it was, bit for bit; weights are made random in a copy of it. Ctrl-C ends it and returns
    the tests that were done, and the others as left out.

    Args:
        model: A model, or a subject (whose class names are used).
        x: A batch; see `saliency`. 30 examples or more give intervals that tell methods apart.
        target: See `saliency`.
        method: A method, or several to compare.
        at: A layer whose output is explained and taken away in place of the input, such as the embedding of tokens. If
            every method is a class activation map, the layer that it is taken from.
        masks: Where the object is, [examples, rows, columns] (or as the places of the input are laid out), of truth
            values or of 0 and 1; None leaves the pointing game out.
        baseline: What stands in place of what is gone: None (0), a number, "blur", "mean", or a tensor. A part of the
            question: what is missing should look like nothing to the model.
        options: How thorough each test is, and which are left out.
        progress: None for a line on stderr where it takes longer than two seconds, False for silence, or a function
            that is called with what is done and what there is in all, first of the methods, then of the tests' passes.

    Returns:
        Numbers of every example, and how to average them.

    Raises:
        InputError: Nothing can be explained, or target, masks, baseline or options do not fit.
        AddressError: There is no such method or layer.
        CaptureError: The model cannot be copied, and randomisation was not left out.

    Cost:
        Passes of all examples, as `provenance.passes` counts them, where the methods take M together (see `saliency`;
        gradient takes 2, and so does a class activation map here):
        maps: 1 + M
        infidelity: perturbations
        curves: 2 + 2 x (steps - 1) x (methods + chances), with no more steps than there are places
        sensitivity: samples x M
        randomisation: 1 + randomisations x stages x M, and one more for each random model that has norms to settle
        The stages are the layers with weights, `stages` at the most. With the defaults, the gradient of a network of
        two layers takes 310. For maps of zeros, looking where the gradient is lost takes a few more. Memory: two copies
        of the model. On large networks lower stages, samples and steps.

    Source:
        Samek et al. 2017; Petsiuk et al. 2018, "RISE" (curves); Zhang et al. 2018 (pointing game); Adebayo et al. 2018
        (randomisation); Yeh et al. 2019 (infidelity, sensitivity).
    """
    subject, begun = Subject.of(model), time.perf_counter()
    chosen = instance("options", options, FaithfulnessOptions)
    explain = experiments.Explainers.of(unwrap(subject.model), method, at)
    question = Question(subject.model, x, target, at=explain.at, only=chosen.only)
    trial = _Trial(question=question, explain=explain, chosen=chosen)
    with telling("faithfulness", progress):
        measured = trial.run(baseline, masks)
    return Faithfulness(
        provenance=replace(_provenance(subject, question, chosen, time.perf_counter() - begun), stopped=trial.stopped),
        methods=_labels(explain.methods),
        options=tuple(options_of(one) for one in explain.methods),
        shares_out=tuple(one.contributes for one in explain.methods),
        layer="" if question.layer is None else question.layer.name,
        targets=question.targets,
        class_names=subject.class_names or (),
        settings=_settings(chosen, baseline),
        **measured,
    )


@dataclass(kw_only=True)
class _Trial:
    """All tests, one after the other, of one question."""

    question: Question
    explain: experiments.Explainers
    chosen: FaithfulnessOptions
    left_out: dict[str, str] = field(default_factory=dict[str, str])
    stopped: str = ""

    def run(self, baseline: Any, masks: Any) -> dict[str, Any]:
        """Return the fields of the result that are measured."""
        question = self.question
        if self.chosen.randomisations:
            experiments.copy_of(question.model)  # what cannot be copied is refused before anything takes long
        with question.asked():
            scores, found = question.own_scores(), self.explain.asked(question)
            baselines, places = baselines_of(baseline, question), experiments.Places(question)
            ranked = [places.ranked(*one) for one in zip(self.explain.methods, found, strict=True)]
            masked = self._masked(ranked, masks, places)
            tests = _Tests(self, done=masks is not None)
            foretelling = tests.take("infidelity", lambda: self._foretelling(places, baselines, found, scores))
            self.explain = self.explain.pinned(found)
            lost_at = self._lost_at(found)
        size = experiments.size_of(question.values, baselines, places)
        return {
            "map_layers": tuple(one or "" for one in self.explain.layers),
            "places": places.count,
            "constant": np.stack([is_constant(one) for one in ranked]),
            "finite": np.stack([np.isfinite(one).all(axis=1) for one in ranked]) & np.isfinite(array_of(scores)),
            "silent": lost_at,
            **masked,
            **foretelling,
            **tests.take("curves", lambda: self._curves(places, baselines, ranked)),
            **tests.take("sensitivity", lambda: self._shivering(found)),
            **tests.take("randomisation", lambda: self._randomised(places, ranked, size)),
            "left_out": self.left_out,
        }

    def _lost_at(self, found: list[Attribution]) -> tuple[tuple[str, ...], ...]:
        asked = zip(self.explain.methods, self.explain.layers, found, strict=True)
        return tuple(silent(self.question, how, replace(one, layer=layer or one.layer)) for how, layer, one in asked)

    def _masked(self, ranked: list[Array], masks: Any, places: experiments.Places) -> dict[str, Any]:
        shape = (len(ranked), self.question.rows)
        if masks is None:
            self.left_out["pointing"] = "no masks were given"
            unknown = np.full(shape, np.nan)
            return {"pointing": unknown, "mass": unknown, "area": unknown[0]}
        inside = experiments.masks_of(masks, self.question.rows, places)
        return {
            "pointing": np.stack([experiments.pointed(one, inside) for one in ranked]),
            "mass": np.stack([experiments.mass_in(one, inside) for one in ranked]),
            "area": inside.mean(axis=1),
        }

    def _foretelling(
        self, places: experiments.Places, baselines: tuple[Tensor, ...], found: list[Attribution], scores: Tensor
    ) -> dict[str, Any]:
        shape = (len(found), self.question.rows)
        squared, share = np.full(shape, np.nan), np.full(shape, np.nan)
        if not self.chosen.perturbations:
            self.left_out["infidelity"] = "perturbations=0"
            return {"infidelity": squared, "unforetold": share}
        gone = experiments.boxes(places, self.chosen.perturbations, self.chosen.seed)
        lost = experiments.losses(self.question, places, baselines, gone, scores)
        for number, (method, one) in enumerate(zip(self.explain.methods, found, strict=True)):
            said, has_unit = experiments.foretold(self.question, places, baselines, gone, method=method, told=one)
            raw, share[number] = experiments.infidelity(said, lost)
            squared[number] = raw if has_unit else np.nan
        return {"infidelity": squared, "unforetold": share}

    def _curves(self, places: experiments.Places, baselines: tuple[Tensor, ...], ranked: list[Array]) -> dict[str, Any]:
        follows_logit = self.question.is_logit and not _is_probability(self.question.output)
        measured = "probability" if self.question.is_logit else "score"
        count, rows, chances = len(ranked), self.question.rows, self.chosen.chances
        if not self.chosen.steps:
            self.left_out["curves"] = "steps=0"
            none = np.zeros((count + chances, rows, 0))
            shares, deletion, insertion = none[0, 0], none, none
        else:
            other = self.question.again(probability=follows_logit)
            turns = [experiments.order_of(one, self.chosen.seed) for one in ranked]
            drawn = experiments.chance_orders(rows, places.count, chances, self.chosen.seed)
            with other.asked():
                curves = experiments.removal_curves(
                    other, places, baselines, np.concatenate([np.stack(turns), drawn]), self.chosen.steps
                )
            self.question.passes += other.passes
            shares, deletion, insertion = curves.shares, curves.deletion, curves.insertion
        return {
            "measured": measured,
            "shares": shares,
            "deletion": deletion[:count],
            "insertion": insertion[:count],
            "chance_deletion": deletion[count:],
            "chance_insertion": insertion[count:],
        }

    def _shivering(self, found: list[Attribution]) -> dict[str, Any]:
        unknown = np.full((len(found), self.question.rows), np.nan)
        if not self.chosen.samples:
            self.left_out["sensitivity"] = "samples=0"
            return {"sensitivity": unknown}
        if not any(one.is_floating_point() for _, one in tensors(self.question.inputs)):
            self.left_out["sensitivity"] = "the inputs are whole numbers, which no small noise can move"
            return {"sensitivity": unknown}
        return {
            "sensitivity": experiments.max_sensitivity(
                self.question,
                self.explain,
                found,
                radius=self.chosen.radius,
                samples=self.chosen.samples,
                seed=self.chosen.seed,
            )
        }

    def _randomised(self, places: experiments.Places, ranked: list[Array], size: Array) -> dict[str, Any]:
        none = np.zeros((len(ranked), self.chosen.randomisations, 0, self.question.rows))
        if not self.chosen.randomisations:
            self.left_out["randomisation"] = "randomisations=0"
            return {"stages": (), "alike": none, "beyond": none}
        found = experiments.likeness(
            self.question,
            places,
            self.explain,
            ranked=ranked,
            size=size,
            draws=self.chosen.randomisations,
            most=self.chosen.stages,
            seed=self.chosen.seed,
        )
        if not found.stages:
            self.left_out["randomisation"] = "the model has no parameters"
        elif (done := found.alike.shape[1]) < self.chosen.randomisations:
            self.stopped = f"{_STOPPED} after {done} of {amount(self.chosen.randomisations, 'random model')}"
        return {"stages": found.stages, "alike": found.alike, "beyond": found.beyond}


class _Tests:
    """The tests that take long, one after the other, until Ctrl-C.

    Args:
        trial: Which they belong to; the methods were asked.
        done: Whether another test is done already.
    """

    def __init__(self, trial: _Trial, *, done: bool) -> None:
        question, chosen = trial.question, trial.chosen
        once = max(1, round(question.passes))  # what the methods take
        layers = sum(any(one.ndim > 1 for one in part.parameters(recurse=False)) for part in question.model.modules())
        self._trial, self._done, self._begun = trial, done, 0
        self._options = {
            "infidelity": "perturbations",
            "curves": "steps",
            "sensitivity": "samples",
            "randomisation": "randomisations",
        }
        self._weights = {
            "infidelity": chosen.perturbations,
            "curves": 2 * chosen.steps * (len(trial.explain.methods) + chosen.chances),
            "sensitivity": chosen.samples * once,
            "randomisation": chosen.randomisations * min(chosen.stages, layers) * once,
        }
        self._loop = Loop(sum(self._weights.values()))

    def take(self, name: str, test: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return what a test measures; after Ctrl-C what it returns when it is left out.

        Raises:
            KeyboardInterrupt: Ctrl-C came, and there is no test whose result could be returned.
        """
        trial, option = self._trial, self._options[name]
        self._loop.at(self._begun, self._weights[name])
        self._begun += self._weights[name]
        if not trial.stopped:
            try:
                found = test()
            except KeyboardInterrupt:
                if not self._done:
                    raise
                trial.stopped = f"{_STOPPED} while measuring {name}"
            else:
                self._done = self._done or bool(getattr(trial.chosen, option))
                return found
        wanted = getattr(trial.chosen, option)
        trial.chosen = replace(trial.chosen, **{option: 0})
        found = test()
        if wanted:
            trial.left_out[name] = _STOPPED
        return found


def _is_probability(output: Tensor | None) -> bool:
    """Say whether rows are probabilities already: none below 0, and all adding up to 1."""
    if output is None or not len(output):
        return False
    rows = output.double()
    return bool((rows >= 0).all()) and bool(((rows.sum(1) - 1).abs() < 1e-3).all())


def _labels(methods: Sequence[Method]) -> tuple[str, ...]:
    """Return a name for each method; from the second time on it has a number behind it."""
    names: list[str] = []
    for one in methods:
        times = sum(known == one.name or known.startswith(f"{one.name} (") for known in names)
        names.append(f"{one.name} ({times + 1})" if times else one.name)
    return tuple(names)


def _settings(chosen: FaithfulnessOptions, baseline: Any) -> dict[str, Any]:
    plain = {one.name: getattr(chosen, one.name) for one in fields(chosen) if one.name != "only"}
    named = baseline if isinstance(baseline, (int, float, str, type(None))) else type(baseline).__name__
    return plain | {"baseline": 0 if named is None else named}


def _provenance(subject: Subject, question: Question, chosen: FaithfulnessOptions, seconds: float) -> Provenance:
    count = sum(one.numel() for one in question.model.parameters())
    return Provenance(
        model=f"{subject.title} {count:,} parameters",
        samples=question.rows,
        passes=round(question.passes),
        seconds=seconds,
        seed=chosen.seed,
    )
