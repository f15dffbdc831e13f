"""The functions whose slopes a check of gradients looks at: the roots of a graph, and the gradients of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from gradcli.engine import graph
from gradcli.engine.device import np
from gradcli.engine.dtypes import dtype_kind, finfo
from gradcli.engine.mode import set_grad_enabled
from gradcli.engine.node import Edge
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.verify.replay import Replay, Values, uses_of

EPS = 2.0**-52
# operations that are analytic wherever they are defined and compute with complex numbers: a step into the imaginary
# loses nothing to cancellation
ANALYTIC_NAMES = """
    add sub rsub mul neg div pow square reciprocal exp expm1 log sin cos tan sinh cosh tanh sum mean mm mv bmm matmul
    dot addmm view reshape expand t transpose permute unsqueeze squeeze select slice as_strided clone cat stack
"""
ANALYTIC = frozenset(ANALYTIC_NAMES.split())

Moved = Mapping[Edge, Any]


class Level:
    """The function whose slopes are looked at: of order 1 the weighted roots, of order 2 of their gradients.

    `offset` is where it is looked at, beside the place where the spec computed it.
    """

    def __init__(self, replay: Replay, targets: list[Edge], order: int, offset: Moved | None = None) -> None:
        self.replay = replay
        self.targets = targets
        self.order = order
        self.offset = offset or {}
        with set_grad_enabled(True):
            values = replay.values(self.offset, recorded=True)
            first = replay.gradients(values, targets, create_graph=order == 2)
            self.noise = rounding(replay, values)
            found = first
            if order == 2:
                source = np.random.default_rng(2)
                self.weights = [None if one is None else random_like(source, one.array) for one in first]
                found = self._second(values, first)
                # a gradient is to the root what the root is to the tensor
                per_element = sum(1 / (size_of(replay.first[edge].array) or 1.0) for edge in targets)
                self.noise *= 4 * per_element
                self.noise += 16 * EPS * sum(size_of(one.array) * one.array.size for one in first if one is not None)
        self.analytic = {
            edge: np.zeros_like(values[edge].array) if gradient is None else gradient.array
            for edge, gradient in zip(targets, found, strict=True)
        }
        self.start = self._parts(self.offset)
        self.undefined: str | None = None  # what is not finite here
        if not all(bool(np.isfinite(root.array).all()) for root in replay.root_values(self.offset)):
            self.undefined = "root"
        elif not all(bool(np.isfinite(part).all()) for part in self.start):
            self.undefined = "gradient"

    def value(self, moved: Moved) -> float:
        """How much higher the function is where `moved` leads; NaN where it is not defined."""
        with np.errstate(all="ignore"):
            try:
                parts = self._parts({**self.offset, **moved})
            except UserError:
                return math.nan
            return sum(float((part - start).sum()) for part, start in zip(parts, self.start, strict=True))

    def along(self, edge: Edge, direction: Any) -> Callable[[float], float]:
        """The function on the line through here, of the distance."""
        here = self.offset.get(edge)

        def function(distance: float) -> float:
            step = np.where(direction == 0, -0.0, distance * direction)  # which leaves even the sign of a zero alone
            return self.value({edge: step if here is None else np.asarray(here + step)})

        return function

    def in_imaginary_direction(self, edge: Edge, direction: Any, step: float) -> float:
        """The slope by a step into the imaginary, where nothing cancels; NaN where the operations do not allow it."""
        analytic = all(node.call.name in ANALYTIC for node in self.replay.behind({edge: direction}))
        real = (
            all(dtype_kind(gradient.dtype) == "f" for _, gradient in self.replay.roots)
            and dtype_kind(direction.dtype) == "f"
        )
        if not (analytic and real and self.order == 1):
            return math.nan
        try:
            roots = self.replay.root_values(
                {**self.offset, edge: np.asarray(self.offset.get(edge, 0) + 1j * step * direction)}
            )
        except (UserError, TypeError):  # such as a division that is rounded
            return math.nan
        weights = [gradient for _, gradient in self.replay.roots]
        return sum(float((weight * root.array.imag).sum()) for weight, root in zip(weights, roots, strict=True)) / step

    def usual_slope(self, edge: Edge) -> float:
        """What a slope is like if the roots change as much as they are large, or as the tensor does."""
        own = size_of(self.replay.first[edge].array) or 1.0
        size = 0.0
        for (use, weight), root in zip(self.replay.roots, self.replay.results, strict=True):
            value = parts = size_of(root.array)
            if (
                use.edge is not None and use.edge not in self.replay.leaves
            ):  # what it was made of, if that has cancelled
                inputs = [one.edge for one in uses_of(use.edge[0].call.arguments) if one.edge is not None]
                parts = max([value, *(size_of(self.replay.first[one].array) for one in inputs)])
            size += size_of(weight) * min(parts, max(value, own))
        return size / own if self.order == 1 else size / own / own  # the square could overflow

    def _parts(self, moved: Moved) -> list[Any]:
        """The function's summands."""
        if self.order == 1:
            roots = self.replay.root_values(moved)
            weights: list[Any] = [gradient for _, gradient in self.replay.roots]
            return [inner(weight, root.array) for weight, root in zip(weights, roots, strict=True)]
        with set_grad_enabled(True):
            values = self.replay.values(moved, recorded=True)
            gradients = self.replay.gradients(values, self.targets)
        pairs = zip(self.weights, gradients, strict=True)
        return [inner(weight, one.array) for weight, one in pairs if weight is not None and one is not None]

    def _second(self, values: Values, first: list[Tensor | None]) -> list[Tensor | None]:
        pairs = [(one, weight) for one, weight in zip(first, self.weights, strict=True) if one is not None]
        pairs = [(one, weight) for one, weight in pairs if one.requires_grad]
        if not pairs:
            return [None] * len(self.targets)
        roots, seeds = zip(*((one, Tensor(weight)) for one, weight in pairs), strict=True)
        return graph.grad(roots, [values[edge] for edge in self.targets], seeds, False, False, True)


def rounding(replay: Replay, values: Values) -> float:
    """About how far rounding moves the roots: by each number on the way, as much as the roots depend on it."""
    wanted = [edge for edge, value in values.items() if value.requires_grad]
    moved = 0.0
    for edge, gradient in zip(wanted, replay.gradients(values, wanted), strict=True):
        if gradient is not None:
            value = values[edge].array
            # the numbers of a dtype lie so far apart, at least
            info = finfo(value.dtype)
            with np.errstate(all="ignore"):  # an infinite slope, left out as all that is not finite
                effects = abs(gradient.array) * (info.eps * abs(value) + info.smallest_subnormal)
            effects = effects[np.isfinite(effects)]
            moved = math.hypot(moved, size_of(effects) * math.sqrt(effects.size))
    return 4 * moved


def inner(self: Any, other: Any) -> Any:
    """The summands of the real inner product of two arrays."""
    return (np.conj(self) * other).real


def random_like(source: Any, array: Any) -> Any:
    drawn = np.asarray(source.standard_normal(array.shape))
    if dtype_kind(array.dtype) == "c":
        drawn = drawn + 1j * source.standard_normal(array.shape)
    return drawn


def size_of(array: Any) -> float:
    """The root mean square of the elements."""
    if not array.size:
        return 0.0
    largest = float(abs(array).max())
    if largest == 0 or not math.isfinite(largest):
        return largest
    return largest * float(np.sqrt((abs(array / largest) ** 2).mean()))  # whose squares do not over- or underflow
