"""Gradients on trial: what the formulas of a graph give, against what the numbers say.

The graph of a backward is computed again in double precision. At order 1 the function is the sum of its roots, each
weighted by the gradient it was given; at order 2 it is a fixed random sum of all its first gradients. The slope of
that function in each element, or in a few random directions, is found from values alone and compared.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

from gradcli.engine.device import np
from gradcli.engine.dtypes import dtype_kind, is_differentiable
from gradcli.engine.mode import set_grad_enabled
from gradcli.engine.node import Edge, Node
from gradcli.engine.tape import Walked
from gradcli.errors import UserError
from gradcli.record import replace
from gradcli.report.model import Check, Verdict
from gradcli.verify.level import EPS, Level, random_like, size_of
from gradcli.verify.probe import (
    FLAT,
    HERE,
    MOST_DIGITS,
    NEARBY,
    USELESS,
    Direction,
    Probe,
    conclusive_probe,
    digits_of,
    probe,
    random_direction,
    scale_of,
)
from gradcli.verify.replay import Replay
from gradcli.verify.sentences import number, of_difference

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
UNUSUAL = 1.37  # a gradient of a root that few formulas give right by chance


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
        self._culprits: dict[tuple[int, tuple[float, ...]], Node | None] = {}
        self.targets = [edge for edge in dict.fromkeys(targets) if edge in self.replay.first]

    def seconds(self, order: int) -> float:
        """About how long the checks are going to take, by the first direction of each tensor."""
        total = 0.0
        for one in range(1, order + 1):
            try:
                level = Level(self.replay, self.targets, one)
            except UserError:
                continue
            for edge in self.targets:
                for direction in itertools.islice(self.directions(edge, one), 1):
                    begun = time.perf_counter()
                    probe(level, edge, direction)
                    total += (time.perf_counter() - begun) * self.count(edge, one)
        return total

    def count(self, edge: Edge, order: int) -> int:
        """In how many directions a tensor is moved."""
        array = self.replay.first[edge].array
        if self.is_sampled(edge, order):
            return DIRECTIONS
        return int(array.size) * (1 if dtype_kind(array.dtype) == "f" else 2)

    def is_sampled(self, edge: Edge, order: int) -> bool:
        """Whether a tensor is moved in a few random directions instead of element by element."""
        size = self.replay.first[edge].array.size
        return size > 0 and (self.fast or (order == 2 and size > ELEMENTS))

    def directions(self, edge: Edge, order: int) -> Iterator[Direction]:
        """The ways in which a tensor is moved: by 1 in one element, or in all together by 1 in the root mean square."""
        array = self.replay.first[edge].array
        if self.is_sampled(edge, order):
            for seed in range(DIRECTIONS):
                yield random_direction(seed, array)
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
        found = self.judged(level, edge, [probe(level, edge, one) for one in self.directions(edge, level.order)])
        if found.verdict == "correct" and level.order == 1:
            return self.elsewhere(edge) or found
        return found

    def judged(self, level: Level, edge: Edge, probes: list[Probe]) -> Check:
        """What the probes of all its directions tell of the tensor at `edge`."""
        if level.undefined is not None:
            return Check("not-differentiable", level.order, why=f"the {level.undefined} is not finite here")
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
        again = conclusive_probe(self.replay, self.targets, level.order, edge, suspect.direction, NEARBY)
        if again is None:
            return suspect.slope.form == "smooth" and math.isfinite(suspect.analytic)
        if math.isnan(again.analytic) and not self.is_finite(edge):
            return False  # what a mask keeps out of the values it does not keep out of the gradients
        return not again.agrees(scale_of([again]))

    def is_finite(self, edge: Edge) -> bool:
        """Whether all that was computed from the tensor is finite."""
        behind = set(self.replay.behind([edge]))
        return all(np.isfinite(value.array).all() for (node, _), value in self.replay.first.items() if node in behind)

    def elsewhere(self, edge: Edge) -> Check | None:
        """What is wrong with a gradient that is right at this place only, or only while that of the root is 1.

        A spec's own formulas may be so, by chance; those of the operations' table are not.
        """
        if not any(node.claimed for node in self.replay.behind([edge])):
            return None
        direction = random_direction(5, self.replay.first[edge].array)
        found = conclusive_probe(self.replay.weighted(UNUSUAL), self.targets, 1, edge, direction, NEARBY)
        if found is None or found.agrees(scale_of([found])):
            return None
        culprit = self.culprit(1, NEARBY)
        whose = "" if culprit is None else f": the backward of {self.told(culprit)} is wrong"
        why = f"right by chance: beside this place, or with another gradient of the root, the two differ{whose}"
        return Check("wrong", 1, 0.0, None, found.analytic, found.numeric, why)

    def accusation(self, level: Level, edge: Edge, worst: Probe, probes: list[Probe], scale: float) -> Check:
        told = [one for one in probes if one.slope.form == "smooth"] or probes
        analytic, numeric = (np.array([getattr(one, side) for one in told]) for side in ("analytic", "numeric"))
        why = of_difference(analytic, numeric, self.shape_of(edge, told))
        culprit = self.culprit(level.order, (HERE, *NEARBY))
        if culprit is not None:
            why = f"{why}: the backward of {self.told(culprit)} is wrong"
        return replace(self.verdict("wrong", level, worst, why), digits=digits_of(worst.difference, scale))

    def shape_of(self, edge: Edge, probes: list[Probe]) -> tuple[int, ...] | None:
        """How the elements lie that the probes are of; None if they are not of an element each."""
        array = self.replay.first[edge].array
        if dtype_kind(array.dtype) != "f" or probes[0].direction.index is None:
            return None
        shape: tuple[int, ...] = array.shape
        return shape if array.size == len(probes) else (len(probes),)

    def culprit(self, order: int, distances: tuple[float, ...]) -> Node | None:
        """The first node whose own backward disagrees with its own forward, somewhere at these distances."""
        if (order, distances) not in self._culprits:
            self._culprits[order, distances] = self._find_culprit(order, distances)
        return self._culprits[order, distances]

    def _find_culprit(self, order: int, distances: tuple[float, ...]) -> Node | None:
        source = np.random.default_rng(4)
        for node in self.replay.nodes:
            alone = self.replay.alone(node, lambda result: random_like(source, result.array))
            for edge in alone.leaves:
                direction = random_direction(6, alone.first[edge].array)
                found = conclusive_probe(alone, list(alone.leaves), order, edge, direction, distances)
                if found is not None and not found.agrees(scale_of([found])):
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
