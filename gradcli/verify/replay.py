"""A recorded graph, computed again: in double precision, at other inputs, with or without a graph of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import copy
from typing import Any

from gradcli.engine import graph
from gradcli.engine.device import np, to_host
from gradcli.engine.dtypes import dtype_kind, is_differentiable
from gradcli.engine.mode import set_grad_enabled
from gradcli.engine.node import AccumulateGrad, Edge, Node
from gradcli.engine.tape import Use, Walked
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.ops.arithmetic import add
from gradcli.ops.copies import clone

DOUBLE = {"f": "float64", "c": "complex128"}

# the numbers of a device are checked on the host, where nothing moves them elsewhere
ON_HOST: dict[str, Callable[..., Tensor]] = {"_to_device": lambda self, device: clone(self)}

Values = dict[Edge, Tensor]


class Replay:
    """The graph behind the roots of one backward.

    `double` computes it in float64 and complex128, whatever its dtypes; integers and conditions stay what they were.
    A tensor counts with its own numbers as each call found them; what is moved is moved in all of its uses alike.
    """

    def __init__(self, roots: list[tuple[Use, Any]], nodes: list[Node], leaves: dict[Edge, Use], double: bool) -> None:
        self.double = double
        self.nodes = nodes
        self.leaves = leaves
        self.roots = [(use, self._converted(gradient)) for use, gradient in roots]
        self._constants: dict[int, Tensor] = {}
        self._shifts: dict[int, Tensor] = {}
        self._behind: dict[frozenset[Edge], list[Node]] = {}
        self.first: Values = {}
        self.first = self._compute({}, recorded=False)
        self.results = self._root_values(self.first)

    @classmethod
    def of(cls, walked: Walked, *, double: bool = True) -> Replay:
        """All that the roots of a backward were computed from."""
        nodes = calls_behind([use for use, _ in walked.roots])
        leaves: dict[Edge, Use] = {}  # each as it was when it was first used
        for use in [
            *(use for node in nodes for use in uses_of(node.call.arguments)),
            *(use for use, _ in walked.roots),
        ]:
            if use.edge is not None and isinstance(use.edge[0], AccumulateGrad):
                leaves.setdefault(use.edge, use)
        return cls(walked.roots, nodes, leaves, double)

    def alone(self, node: Node, weights: Callable[[Tensor], Any]) -> Replay:
        """One node by itself: what it was computed from are the leaves, `weights` the gradients of its results."""
        uses = [use for use in uses_of(node.call.arguments) if use.edge is not None]
        leaves = {use.edge: Use(use.edge, self.first[use.edge].array) for use in uses if use.edge is not None}
        results = [edge for edge in self.first if edge[0] is node and is_differentiable(self.first[edge].dtype)]
        return Replay([(Use(edge, None), weights(self.first[edge])) for edge in results], [node], leaves, self.double)

    def weighted(self, factor: float) -> Replay:
        """The same, with the gradients of the roots multiplied."""
        other = copy(self)
        other.roots = [(use, np.asarray(factor * gradient)) for use, gradient in self.roots]
        return other

    def values(self, moved: Mapping[Edge, Any], *, recorded: bool = False) -> Values:
        """The tensor at each edge with those of `moved` that much further; `recorded` with a graph of their own."""
        return self._compute(moved, recorded=recorded)

    def root_values(self, moved: Mapping[Edge, Any]) -> list[Tensor]:
        return self._root_values(self.values(moved))

    def gradients(self, values: Values, wanted: list[Edge], *, create_graph: bool = False) -> list[Tensor | None]:
        """The gradients of the roots, weighted as the backward was, by `wanted`; `values` are recorded ones."""
        roots = zip(self._root_values(values), self.roots, strict=True)
        given = [(root, Tensor(gradient)) for root, (_, gradient) in roots if root.requires_grad]
        inputs = [values[edge] for edge in wanted]
        known = [tensor for tensor in inputs if tensor.requires_grad]
        if not given or not known:
            return [None] * len(wanted)
        starts, seeds = zip(*given, strict=True)
        found = iter(graph.grad(starts, known, seeds, True, create_graph, True))
        return [next(found) if tensor.requires_grad else None for tensor in inputs]

    def _root_values(self, values: Values) -> list[Tensor]:
        return [self._tensor(use, values) for use, _ in self.roots]

    def _compute(self, moved: Mapping[Edge, Any], *, recorded: bool) -> Values:
        """All anew where a graph is to be recorded, else what depends on the moved tensors."""
        with set_grad_enabled(recorded):
            if recorded or not self.first:
                nodes, values = self.nodes, {}
                for edge, use in self.leaves.items():
                    leaf = further(Tensor(self._converted(use.numbers)), edge, moved)
                    values[edge] = leaf.requires_grad_() if recorded else leaf
            else:
                nodes, values = self.behind(moved), dict(self.first)
                values |= {edge: further(self.first[edge], edge, moved) for edge in moved}
            for node in nodes:
                function = ON_HOST.get(node.call.name, node.call.function)
                result = function(*self._resolved(node.call.arguments, values))
                for place, output in enumerate(result if isinstance(result, tuple) else (result,)):
                    values[node, place] = further(output, (node, place), moved)
        return values

    def _resolved(self, arguments: Any, values: Values) -> list[Any]:
        return [self._value(argument, values) for argument in arguments]

    def _value(self, argument: Any, values: Values) -> Any:
        if isinstance(argument, Use):
            return self._tensor(argument, values)
        if isinstance(argument, list):
            return self._resolved(argument, values)
        if self.double and isinstance(argument, np.dtype):
            return np.dtype(DOUBLE.get(dtype_kind(argument), argument))
        return argument

    def _tensor(self, use: Use, values: Values) -> Tensor:
        if use.edge is None:
            constant = self._constants.get(id(use))
            if constant is None:
                constant = self._constants[id(use)] = Tensor(self._converted(use.numbers))
            return constant
        value = values[use.edge]
        if use.numbers is None or self.leaves.get(use.edge) is use:
            return value
        shift = self._shifts.get(id(use))
        if shift is None:  # met for the first time, where nothing is moved
            numbers = self._converted(use.numbers)
            if numbers.shape != value.shape:
                raise UserError("autograd", "`.data` was given another shape: its graph cannot be computed again")
            shift = self._shifts[id(use)] = Tensor(numbers - value.array)
        return add(value, shift) if shift.array.any() else value

    def behind(self, moved: Iterable[Edge]) -> list[Node]:
        """The nodes whose results depend on what is moved, the oldest first."""
        edges = frozenset(moved)
        found = self._behind.get(edges)
        if found is None:
            reached = {node for node, _ in edges}
            found = self._behind[edges] = []
            for node in self.nodes:
                if any(use.edge is not None and use.edge[0] in reached for use in uses_of(node.call.arguments)):
                    reached.add(node)
                    found.append(node)
        return found

    def _converted(self, array: Any) -> Any:
        array = to_host(array)
        if self.double and is_differentiable(array.dtype):
            return array.astype(DOUBLE[dtype_kind(array.dtype)], copy=False)
        return array


def further(tensor: Tensor, edge: Edge, moved: Mapping[Edge, Any]) -> Tensor:
    """The tensor at `edge`, moved if it is one of those that are."""
    result: Tensor = add(tensor, Tensor(moved[edge])) if edge in moved else tensor
    return result


def uses_of(arguments: Any) -> list[Use]:
    """The tensors among the arguments of a call."""
    found = []
    for argument in arguments:
        if isinstance(argument, Use):
            found.append(argument)
        elif isinstance(argument, list):
            found += uses_of(argument)
    return found


def calls_behind(roots: list[Use]) -> list[Node]:
    """The nodes that the roots are computed by, the oldest first."""
    found: set[Node] = set()
    waiting = [use.edge[0] for use in roots if use.edge is not None]
    while waiting:
        node = waiting.pop()
        if node in found or isinstance(node, AccumulateGrad):
            continue
        if not hasattr(node, "call"):
            raise UserError("autograd", f"what {node.name} was computed from is not known")
        found.add(node)
        waiting += [use.edge[0] for use in uses_of(node.call.arguments) if use.edge is not None]
    return sorted(found, key=lambda node: node.number)
