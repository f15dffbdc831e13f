"""One direction in which a tensor is moved: the slope that the formulas give, and what the numbers say of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from gradcli.engine.device import np
from gradcli.engine.node import Edge
from gradcli.errors import UserError
from gradcli.record import Record
from gradcli.verify.level import Level, inner, random_like, size_of
from gradcli.verify.replay import Replay
from gradcli.verify.slope import Slope, slope_of

# an error that leaves fewer than three digits says nothing about a slope
USELESS = 1e-3
AGREES = 1e-7
FLAT = 1e-9
MOST_DIGITS = 16.0
HERE = 0.0
NEARBY = (1e-2, 1e-3, 1e-4)  # relative to the size of the tensors


class Direction(Record):
    """A way to move a tensor: one element (`index`), or all of them at random (None)."""

    index: tuple[int, ...] | None
    array: Any


class Probe(Record):
    """One direction: the slope that the formulas give, and what the numbers say of it."""

    direction: Direction
    analytic: float
    slope: Slope

    @property
    def numeric(self) -> float:
        return self.slope.value

    @property
    def difference(self) -> float:
        """How far the two are apart; infinitely where one of them is no number."""
        difference = abs(self.analytic - self.numeric)
        return difference if math.isfinite(difference) else math.inf

    def bears_out(self, gradient: Any, tolerance: float) -> bool:
        """Whether the numbers say that `gradient` is right in this direction, up to a share of its size."""
        claimed = float(inner(self.direction.array, gradient).sum())
        scale = max(abs(claimed), abs(self.numeric))
        return abs(claimed - self.numeric) <= 4 * self.slope.error + tolerance * scale

    def agrees(self, scale: float) -> bool:
        """Whether nothing speaks against the formulas: at a kink they may give any slope between the two that meet."""
        if self.slope.form == "smooth":
            return self.difference <= 4 * self.slope.error + AGREES * scale or self.slope.remainder > 1.8
        if self.slope.form == "kink":
            low, high = sorted((self.slope.left, self.slope.right))
            margin = 1e-6 * (high - low)
            return not math.isfinite(self.analytic) or low - margin <= self.analytic <= high + margin
        return True


def probe(level: Level, edge: Edge, direction: Direction) -> Probe:
    """What formulas and numbers say of one direction."""
    gradient = level.analytic[edge]
    analytic = float(np.where(direction.array == 0, 0, inner(direction.array, gradient)).sum())
    array = level.replay.first[edge].array
    reach = max(size_of(array), float(abs(array[direction.index])) if direction.index is not None else 0.0) or 1.0
    reach /= 16
    finite = abs(gradient[np.isfinite(gradient)])
    scale = float(finite.max()) if finite.size else 0.0
    floor = max(1e-7 * scale, FLAT * level.usual_slope(edge))
    function = level.along(edge, direction.array)
    exact = level.in_imaginary_direction(edge, direction.array, 1e-20 * reach)
    if math.isfinite(exact):
        step = reach / 64
        central = (function(step) - function(-step)) / (2 * step)
        if abs(central - exact) <= 1e-2 * max(abs(exact), scale):
            return Probe(direction, analytic, Slope("smooth", exact, level.noise / reach))
    slope = slope_of(function, reach, level.noise, analytic, scale, floor)
    if slope.form == "smooth" and slope.error > 1e-6 * max(abs(slope.value), abs(analytic)):
        wider = slope_of(function, 256 * reach, level.noise, analytic, scale, floor)
        if wider.form == "smooth" and wider.error < slope.error and abs(wider.value - slope.value) <= slope.error:
            slope = wider
    return Probe(direction, analytic, slope)


def scale_of(probes: list[Probe]) -> float:
    """The largest slope that was found or given."""
    sizes = [abs(number) for one in probes for number in (one.analytic, one.numeric) if math.isfinite(number)]
    return max(sizes, default=0.0)


def digits_of(difference: float, scale: float) -> float:
    """How many digits agree of a number of the size `scale`."""
    if difference == 0:
        return MOST_DIGITS
    return min(MOST_DIGITS, max(0.0, -math.log10(difference / scale))) if scale > 0 and difference < math.inf else 0.0


def random_direction(seed: int, array: Any) -> Direction:
    """All elements together, by 1 in the root mean square."""
    drawn = random_like(np.random.default_rng(seed), array)
    return Direction(None, np.asarray(drawn / (size_of(drawn) or 1.0)))


def conclusive_probe(
    replay: Replay, targets: list[Edge], order: int, edge: Edge, direction: Direction, distances: Sequence[float]
) -> Probe | None:
    """What is found at the first of the distances from the place of the spec where the numbers tell the slope.

    None if they tell it nowhere. All leaves are moved, at random, by a distance relative to their sizes.
    """
    source = np.random.default_rng(3)
    for distance in distances:
        offset = {}
        for leaf in replay.leaves if distance else ():
            array = replay.first[leaf].array
            offset[leaf] = np.asarray(distance * (size_of(array) or 1.0) * random_like(source, array))
        try:
            level = Level(replay, targets, order, offset)
        except UserError:
            continue
        if level.undefined is None:
            found = probe(level, edge, direction)
            enough = max(USELESS * scale_of([found]), FLAT * level.usual_slope(edge))
            if found.slope.form == "smooth" and found.slope.error <= enough:
                return found
    return None
