"""Gradients on trial: what the formulas of a graph give, against what the numbers say.

The graph of a backward is computed again in double precision. At order 1 the function is the sum of its roots, each
weighted by the gradient it was given; at order 2 it is a fixed random sum of all its first gradients. The slope of
that function in each element, or in a few random directions, is found from values alone and compared.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

from gradcli.engine.device import np
from gradcli.engine.dtypes import dtype_kind, is_differentiable
from gradcli.engine.mode import set_grad_enabled
from gradcli.engine.node import Edge, Node
from gradcli.engine.tape import Walked
from gradcli.errors import UserError
from gradcli.record import Record, replace
from gradcli.report.model import Check, Verdict
from gradcli.verify.level import EPS, Level, inner, random_like, size_of
from gradcli.verify.replay import Replay
from gradcli.verify.sentences import number, of_difference
from gradcli.verify.slope import Slope, slope_of

# an error that leaves fewer than three digits says nothing about a slope
USELESS = 1e-3
AGREES = 1e-7
FLAT = 1e-9
MOST_DIGITS = 16.0
# relative to the largest element: what a gradient of this precision may be off by rounding
NATIVE = {"float32": 4e-4, "complex64": 4e-4, "float16": 4e-2, "bfloat16": 1e-1}
# what there is to say where a function has no slope at all
ROUGH = {
    "smooth": "the formulas give no finite number, though the whole has a slope",
    "jump": "the function jumps here",
    "steep": "the slope grows without bound",
    "border": "the function is defined to one side only",
    "undefined": "the function is not defined around this place",
}
DIRECTIONS = 3
# the second order of more elements than these is looked at in random directions
ELEMENTS = 64


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


class Trial:
    """The gradients that one backward gives, each by each.

    `told` says what a node is to the user; `wanted` are the places in the graph to look at, those that the backward
    reached if left out; `fast` looks in a few random directions instead of at every element.
    """

    def __init__(
        self, walked: Walked, told: Callable[[Node], str], wanted: list[Edge] | None = None, *, fast: bool = False
    ) -> None:
        self.walked = walked
        self.told = told
        self.fast = fast
        self.replay = Replay.of(walked)
        targets = wanted or walked.wanted or sorted(self.replay.leaves, key=lambda edge: edge[0].number)
        self.targets = [edge for edge in dict.fromkeys(targets) if edge in self.replay.first]

    def evaluations(self, order: int) -> int:
        """About how often the graph is going to be computed."""
        counts = [sum(1 for _ in self.directions(edge, one)) for edge in self.targets for one in range(1, order + 1)]
        return 6 * sum(counts)

    def directions(self, edge: Edge, order: int) -> Iterator[Direction]:
        """The ways in which a tensor is moved: by 1 in one element, or in all together by 1 in the root mean square."""
        array = self.replay.first[edge].array
        if array.size and (self.fast or (order == 2 and array.size > ELEMENTS)):
            source = np.random.default_rng(1)
            for _ in range(DIRECTIONS):
                drawn = random_like(source, array)
                yield Direction(None, np.asarray(drawn / size_of(drawn)))
        else:
            for index in np.ndindex(array.shape):
                for unit in (1.0,) if dtype_kind(array.dtype) == "f" else (1.0, 1j):
                    direction = np.zeros_like(array)
                    direction[index] = unit
                    yield Direction(index, direction)

    def checks(self, order: int) -> Iterator[tuple[Edge, Check]]:
        """What is found of each tensor, first at order 1, then at order 2."""
        for one in range(1, order + 1):
            try:
                level = Level(self.replay, self.targets, one)
            except UserError as error:
                for edge in self.targets:
                    yield edge, Check("not-differentiable", one, why=error.message)
                continue
            for edge in self.targets:
                yield edge, self.check(level, edge)

    @property
    def size(self) -> int:
        """How many elements there are to look at."""
        return sum(int(self.replay.first[edge].array.size) for edge in self.targets)

    def evidence(self, edge: Edge) -> tuple[Check, list[Probe], Any]:
        """What is found of the first gradient of the tensor at `edge`, why, and that gradient by the formulas."""
        level = Level(self.replay, self.targets, 1)
        probes = [probe(level, edge, direction) for direction in self.directions(edge, 1)]
        return self.judged(level, edge, probes), probes, level.analytic[edge]

    def check(self, level: Level, edge: Edge) -> Check:
        """What is found of the tensor at `edge`."""
        return self.judged(level, edge, [probe(level, edge, one) for one in self.directions(edge, level.order)])

    def judged(self, level: Level, edge: Edge, probes: list[Probe]) -> Check:
        """What the probes of all its directions tell of the tensor at `edge`."""
        if not level.is_defined:
            what = "root" if level.order == 1 else "gradient"
            return Check("not-differentiable", level.order, why=f"the {what} is not finite here")
        if not probes:
            return Check("correct", level.order, MOST_DIGITS, why="it has no elements")
        scale = scale_of(probes)
        suspects = [one for one in probes if not one.agrees(scale)]
        for suspect in sorted(suspects, key=lambda one: -one.difference):
            if self.is_wrong(level, edge, suspect):
                return self.accusation(level, edge, suspect, probes, scale)
        return self.acquittal(level, edge, probes, suspects, scale)

    def is_wrong(self, level: Level, edge: Edge, suspect: Probe) -> bool:
        """Whether the formulas are wrong beside this very place, too, where no kink, tie or pole excuses them."""
        source = np.random.default_rng(3)
        for distance in (1e-2, 1e-3, 1e-4):
            offset = {}
            for leaf in self.replay.leaves:
                array = self.replay.first[leaf].array
                offset[leaf] = distance * (size_of(array) or 1.0) * random_like(source, array)
                offset[leaf] = np.asarray(offset[leaf])
            try:
                beside = Level(self.replay, self.targets, level.order, offset)
            except UserError:
                continue
            again = probe(beside, edge, suspect.direction) if beside.is_defined else None
            if again is not None and again.slope.form == "smooth":
                scale = scale_of([again])
                if again.slope.error <= max(USELESS * scale, FLAT * beside.usual_slope(edge)):
                    return not again.agrees(scale)
        return suspect.slope.form == "smooth" and math.isfinite(suspect.analytic)

    def accusation(self, level: Level, edge: Edge, worst: Probe, probes: list[Probe], scale: float) -> Check:
        analytic, numeric = (np.array([getattr(one, side) for one in probes]) for side in ("analytic", "numeric"))
        why = of_difference(analytic, numeric, self.shape_of(edge, probes))
        culprit = self.culprit(level.order)
        if culprit is not None:
            why = f"{why}: the backward of {self.told(culprit)} is wrong"
        return replace(self.verdict("wrong", level, worst, why), digits=digits_of(worst.difference, scale))

    def shape_of(self, edge: Edge, probes: list[Probe]) -> tuple[int, ...] | None:
        """The shape of the tensor if there is one probe for each of its elements."""
        array = self.replay.first[edge].array
        shape: tuple[int, ...] = array.shape
        return shape if array.size == len(probes) and probes[0].direction.index is not None else None

    def culprit(self, order: int) -> Node | None:
        """The first node whose own backward disagrees with its own forward."""
        source = np.random.default_rng(4)
        for node in self.replay.nodes:
            alone = self.replay.alone(node, lambda result: random_like(source, result.array))
            try:
                level = Level(alone, list(alone.leaves), order)
            except UserError:
                continue
            for edge in alone.leaves if level.is_defined else ():
                drawn = random_like(source, alone.first[edge].array)
                found = probe(level, edge, Direction(None, np.asarray(drawn / (size_of(drawn) or 1.0))))
                if found.slope.form == "smooth" and not found.agrees(scale_of([found])):
                    return node
        return None

    def acquittal(self, level: Level, edge: Edge, probes: list[Probe], suspects: list[Probe], scale: float) -> Check:
        """What is to be said of formulas that are not wrong: whether there was anything to be right about."""
        rough = [one for one in probes if one.slope.form not in ("smooth", "kink")]
        rough += [one for one in suspects if not math.isfinite(one.analytic)]
        bent = [one for one in probes if one.slope.form == "kink"] + suspects
        # beside slopes as large as those of such a function usually are, one may be nothing but rounding
        usual = level.usual_slope(edge)
        vague = [one for one in probes if one.slope.error > max(USELESS * scale, FLAT * usual) and one.difference > 0]
        for one in rough:
            if level.order == 2 and one.slope.form == "jump":
                return self.verdict("kink", level, one, f"the gradient jumps here{self.at_node(edge, one)}")
            return self.verdict("not-differentiable", level, one, ROUGH[one.slope.form] + self.at_node(edge, one))
        if bent:
            worst, node = bent[0], self.at_node(edge, bent[0])
            if worst.slope.form == "kink":
                sides = (
                    f"the slope is {number(worst.slope.left)} to the left and {number(worst.slope.right)} to the right"
                )
                return self.verdict("kink", level, worst, sides + node)
            if node:
                return self.verdict("kink", level, worst, f"kinks on the way cancel each other{node}")
            return self.verdict(
                "not-differentiable", level, worst, "the formulas are right beside this place, not here"
            )
        if vague:
            worst = max(vague, key=lambda one: one.slope.error)
            uncertain = f"rounding moves the slope by up to {number(worst.slope.error)}, the largest is {number(scale)}"
            return self.verdict("ill-conditioned", level, worst, uncertain)
        worst = max(probes, key=lambda one: one.difference)
        lost = self.lost_natively(level, edge, usual) if level.order == 1 else None
        if lost is not None:
            index, native, share = lost
            dtype = self.native_gradients[edge].dtype.name
            why = f"in {dtype} it is {number(native)}, off by {number(share)} of the largest element"
            return Check(
                "needs-float64", 1, digits_of(share, 1.0), index, native, float(level.analytic[edge][index].real), why
            )
        digits = digits_of(worst.difference, scale if scale > FLAT * usual else usual)
        return replace(self.verdict("correct", level, worst, None), digits=digits)

    def verdict(self, verdict: Verdict, level: Level, worst: Probe, why: str | None) -> Check:
        numeric = None if math.isnan(worst.numeric) else worst.numeric
        taylor = None if math.isnan(worst.slope.remainder) else worst.slope.remainder
        return Check(verdict, level.order, None, worst.direction.index, worst.analytic, numeric, why, taylor)

    def at_node(self, edge: Edge, worst: Probe) -> str:
        """Which operation it is that has no slope, as the end of a sentence."""
        node = self.bent_node(edge, worst.direction.array)
        return "" if node is None else f": {self.told(node)}"

    def bent_node(self, edge: Edge, direction: Any) -> Node | None:
        """The first node whose results do not change smoothly along `direction`."""
        step = 1e-4 * (size_of(self.replay.first[edge].array) or 1.0)
        moved = []
        for distance in (step, -step, step / 4, -step / 4):
            array = np.where(direction == 0, -0.0, distance * direction)
            try:
                moved.append(self.replay.values({edge: array}))
            except UserError:
                return None
        for here, value in self.replay.first.items():
            if here in self.replay.leaves or not is_differentiable(value.dtype) or moved[0][here] is value:
                continue
            up, down, near_up, near_down = [values[here].array for values in moved]
            with np.errstate(all="ignore"):
                wide, narrow = (
                    abs(up + down - 2 * value.array) / step,
                    abs(near_up + near_down - 2 * value.array) / step,
                )
                noise = 64 * EPS * abs(value.array) / step
                jumps = (abs(near_up - near_down) > 0.7 * abs(up - down)) & (
                    abs(near_up - near_down) > 64 * EPS * abs(value.array)
                )
            if (
                not np.isfinite(wide).all()
                or bool(((4 * narrow > 0.7 * wide) & (narrow > noise + 1e-6)).any())
                or bool(jumps.any())
            ):
                return here[0]
        return None

    def lost_natively(self, level: Level, edge: Edge, usual: float) -> tuple[tuple[int, ...], float, float] | None:
        """Where the gradient in the spec's own precision is worst, if that is too far off, and what it is there."""
        precise = level.analytic[edge]
        native = self.native_gradients.get(edge)
        if native is None or native.dtype.name not in NATIVE or not precise.size or not precise.any():
            return None
        largest = abs(precise).max()
        shares = abs(native.astype(precise.dtype) - precise) / (largest if largest > FLAT * usual else usual)
        shares = np.where(np.isfinite(shares), shares, np.inf)
        index = tuple(int(place) for place in np.unravel_index(int(shares.argmax()), shares.shape))
        if shares[index] <= NATIVE[native.dtype.name]:
            return None
        return index, float(native[index].real), float(shares[index])

    @cached_property
    def native_gradients(self) -> dict[Edge, Any]:
        """The gradients as the spec's own precision has them, without hooks and what was accumulated before."""
        replay = Replay.of(self.walked, double=False)
        with set_grad_enabled(True):
            gradients = replay.gradients(replay.values({}, recorded=True), self.targets)
        pairs = zip(self.targets, gradients, strict=True)
        return {edge: gradient.array for edge, gradient in pairs if gradient is not None}


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
