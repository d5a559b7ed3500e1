"""Slow twins of DeepLIFT and of relevance propagation: dense matrices, one example, one number at a time, in float64.

A network is a list of steps on flat lists of numbers. Every linear layer is the matrix that it is, found by asking it
for each unit vector; nothing here differentiates anything.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

Numbers = list[float]


@dataclass(frozen=True)
class Dense:
    """z_j = sum_i w_ij x_i + b_j; weight[j][i]."""

    weight: list[Numbers]
    bias: Numbers

    def value(self, x: Numbers) -> Numbers:
        """Return what comes out."""
        rows = zip(self.weight, self.bias, strict=True)
        return [math.fsum(w * one for w, one in zip(row, x, strict=True)) + b for row, b in rows]


@dataclass(frozen=True)
class Each:
    """One function of each number."""

    function: Callable[[float], float]
    slope: Callable[[float], float] = lambda _: 0.0

    def value(self, x: Numbers) -> Numbers:
        """Return what comes out."""
        return [self.function(one) for one in x]


@dataclass(frozen=True)
class Most:
    """The largest number of each window, which is a list of places."""

    windows: list[list[int]]

    def value(self, x: Numbers) -> Numbers:
        """Return what comes out."""
        return [max(x[place] for place in window) for window in self.windows]


@dataclass(frozen=True)
class Shares:
    """Softmax of all numbers."""

    def value(self, x: Numbers) -> Numbers:
        """Return what comes out."""
        whole = math.fsum(math.exp(one) for one in x)
        return [math.exp(one) / whole for one in x]


@dataclass(frozen=True)
class Branches:
    """The sum of what several lists of steps make of the same numbers."""

    lists: list[list["Step"]]

    def value(self, x: Numbers) -> Numbers:
        """Return what comes out."""
        return [math.fsum(ones) for ones in zip(*(run(steps, x)[-1] for steps in self.lists), strict=True)]


Step = Dense | Each | Most | Shares | Branches


def run(steps: list[Step], x: Numbers) -> list[Numbers]:
    """Return the numbers in front of each step, and those behind the last one."""
    seen = [x]
    for step in steps:
        seen.append(step.value(seen[-1]))
    return seen


def dense_of(module: nn.Module, shape: tuple[int, ...]) -> Dense:
    """Return any affine module as a matrix: its answer to 0, and to each unit vector less that.

    Args:
        module: In eval mode, float64.
        shape: Of one example.
    """
    with torch.no_grad():
        bias = module(torch.zeros(1, *shape, dtype=torch.float64)).flatten()
        columns = [module(unit.reshape(1, *shape)).flatten() - bias for unit in torch.eye(math.prod(shape)).double()]
    return Dense(torch.stack(columns, 1).tolist(), bias.tolist())


def windows_of(side: int, kernel: int, stride: int, padding: int, channels: int) -> Most:
    """Return the windows of a square max-pool."""
    starts = range(-padding, side + padding - kernel + 1, stride)
    return Most(
        [
            [
                (channel * side + row) * side + column
                for row in range(top, top + kernel)
                for column in range(left, left + kernel)
                if 0 <= row < side and 0 <= column < side
            ]
            for channel in range(channels)
            for top in starts
            for left in starts
        ]
    )


# DeepLIFT, rescale rule.


def slow_deeplift(steps: list[Step], x: Numbers, base: Numbers, out: Numbers) -> Numbers:
    """Return the contributions of the inputs to the difference of sum(out * output)."""
    multipliers = _multipliers(steps, x, base, out)
    return [(one - other) * m for one, other, m in zip(x, base, multipliers, strict=True)]


def _multipliers(steps: list[Step], x: Numbers, base: Numbers, out: Numbers) -> Numbers:
    seen, before = run(steps, x), run(steps, base)
    for place in range(len(steps) - 1, -1, -1):
        out = _back(steps[place], seen[place], before[place], out)
    return out


def _back(step: Step, x: Numbers, base: Numbers, out: Numbers) -> Numbers:
    match step:
        case Dense():
            return [math.fsum(row[i] * m for row, m in zip(step.weight, out, strict=True)) for i in range(len(x))]
        case Each():
            return [
                m * ((step.function(a) - step.function(b)) / (a - b) if a != b else step.slope(a))
                for a, b, m in zip(x, base, out, strict=True)
            ]
        case Most():
            return _back_most(step, x, base, out)
        case Shares():
            return _back_shares(x, base, out)
        case Branches():
            parts = [_multipliers(steps, x, base, out) for steps in step.lists]
            return [math.fsum(ones) for ones in zip(*parts, strict=True)]


def _back_most(step: Most, x: Numbers, base: Numbers, out: Numbers) -> Numbers:
    """Give the whole difference of a window to the place that is largest where the window's output is larger."""
    given = [0.0] * len(x)
    for window, m in zip(step.windows, out, strict=True):
        top, low = max(window, key=lambda place: x[place]), max(window, key=lambda place: base[place])
        difference = x[top] - base[low]
        winner = top if difference >= 0 else low
        given[winner] += m * difference
    return [gift / (a - b) if a != b else 0.0 for gift, a, b in zip(given, x, base, strict=True)]


def _back_shares(x: Numbers, base: Numbers, out: Numbers) -> Numbers:
    """p_i = exp(x_i - log S), S = sum exp x: ratios of differences of exp, of log and of exp again."""
    whole, before = (math.fsum(math.exp(one) for one in some) for some in (x, base))
    to_log = [
        (math.exp(a) - math.exp(b)) / (a - b) * (math.log(whole) - math.log(before)) / (whole - before)
        for a, b in zip(x, base, strict=True)
    ]
    to_share = [
        m * (math.exp(a) / whole - math.exp(b) / before) / (a - math.log(whole) - b + math.log(before))
        for a, b, m in zip(x, base, out, strict=True)
    ]
    return [one - weight * math.fsum(to_share) for one, weight in zip(to_share, to_log, strict=True)]


# Relevance.

LayerRule = Callable[[Dense, Numbers, Numbers], Numbers]
"""From a layer, its input and the relevance of its output to the relevance of its input."""


def slow_relevance(steps: list[Step], x: Numbers, out: Numbers, rules: list[LayerRule | None]) -> Numbers:
    """Return the relevance of the inputs for sum(out * output).

    Args:
        steps: The network.
        x: The input.
        out: What the outputs count.
        rules: One a step; None for those that pass relevance on. The branches of a sum have the rule of their step.
    """
    seen = run(steps, x)
    relevance = [one * some for one, some in zip(seen[-1], out, strict=True)]
    for place in range(len(steps) - 1, -1, -1):
        relevance = _relevance(steps[place], seen[place], relevance, rules[place])
    return relevance


def _relevance(step: Step, x: Numbers, relevance: Numbers, rule: LayerRule | None) -> Numbers:
    match step:
        case Dense():
            assert rule is not None
            return rule(step, x, relevance)
        case Most():
            given = [0.0] * len(x)
            for window, one in zip(step.windows, relevance, strict=True):
                given[max(window, key=lambda place: x[place])] += one
            return given
        case Branches():
            parts = []
            whole = step.value(x)
            for steps in step.lists:
                part = run(steps, x)[-1] if steps else x
                shares = [r * a / z if z else 0.0 for r, a, z in zip(relevance, part, whole, strict=True)]
                for place in range(len(steps) - 1, -1, -1):
                    shares = _relevance(steps[place], run(steps, x)[place], shares, rule)
                parts.append(shares)
            return [math.fsum(ones) for ones in zip(*parts, strict=True)]
        case _:
            return relevance


def by_epsilon(epsilon: float) -> LayerRule:
    """R_i = sum_j x_i w_ij R_j / (z_j + epsilon sign z_j)."""

    def rule(layer: Dense, x: Numbers, relevance: Numbers) -> Numbers:
        given = [0.0] * len(x)
        for row, z, r in zip(layer.weight, layer.value(x), relevance, strict=True):
            below = z + (epsilon if z >= 0 else -epsilon)
            for i, w in enumerate(row):
                given[i] += x[i] * w * r / below if below else 0.0
        return given

    return rule


def by_gamma(gamma: float) -> LayerRule:
    """What agrees with the sign of the output counts 1 + gamma times."""

    def rule(layer: Dense, x: Numbers, relevance: Numbers) -> Numbers:
        given = [0.0] * len(x)
        for row, b, z, r in zip(layer.weight, layer.bias, layer.value(x), relevance, strict=True):
            parts = [_favoured(x[i] * w, z, gamma) for i, w in enumerate(row)]
            below = math.fsum(parts) + _favoured(b, z, gamma)
            for i, part in enumerate(parts):
                given[i] += part * r / below if below else 0.0
        return given

    return rule


def _favoured(part: float, z: float, gamma: float) -> float:
    return part * (1 + gamma) if part * z > 0 else part


def by_alpha_beta(alpha: float, beta: float) -> LayerRule:
    """Positive parts share alpha R, negative ones - beta R."""

    def rule(layer: Dense, x: Numbers, relevance: Numbers) -> Numbers:
        given = [0.0] * len(x)
        for row, b, r in zip(layer.weight, layer.bias, relevance, strict=True):
            parts = [x[i] * w for i, w in enumerate(row)]
            for sign, share in ((1, alpha), (-1, -beta)):
                below = math.fsum(max(0.0, sign * one) for one in (*parts, b))
                for i, part in enumerate(parts):
                    given[i] += max(0.0, sign * part) * share * r / below if below else 0.0
        return given

    return rule


def by_weight(power: float) -> LayerRule:
    """In proportion to |w|^power, 0 for equal parts of what a unit sees: where there is a weight."""

    def rule(layer: Dense, x: Numbers, relevance: Numbers) -> Numbers:
        given = [0.0] * len(x)
        for row, r in zip(layer.weight, relevance, strict=True):
            parts = [abs(w) ** power if w else 0.0 for w in row]
            for i, part in enumerate(parts):
                given[i] += part * r / math.fsum(parts)
        return given

    return rule


def by_box(low: float, high: float) -> LayerRule:
    """In proportion to x_i w_ij - low w_ij+ - high w_ij-."""

    def rule(layer: Dense, x: Numbers, relevance: Numbers) -> Numbers:
        given = [0.0] * len(x)
        for row, r in zip(layer.weight, relevance, strict=True):
            parts = [x[i] * w - low * max(w, 0.0) - high * min(w, 0.0) for i, w in enumerate(row)]
            for i, part in enumerate(parts):
                given[i] += part * r / math.fsum(parts)
        return given

    return rule
