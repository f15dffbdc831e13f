"""What the nodes of a graph were computed from, so that the same graph can be computed again at other inputs.

Only the checks of gradients need this: while `grad_mode.tape` is set, each node gets the call that it records. What
has no edge (results of `detach`, of no_grad blocks, `.data`, random draws, conditions) is a constant of the call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gradcli.engine.mode import grad_mode
from gradcli.engine.node import DEAD_END, AccumulateGrad, Edge
from gradcli.engine.tensor import Tensor


class Use:
    """A tensor as a call has it: its place in the graph, and its numbers where those do not follow from the place.

    That is for constants (`edge` is None), for leaves, and for computed tensors that were changed unrecorded.
    """

    __slots__ = ("edge", "numbers")

    def __init__(self, edge: Edge | None, numbers: Any | None) -> None:
        self.edge = edge
        self.numbers = numbers


class Call:
    """`function(*arguments)`, the tensors among the arguments as Uses; `version` is that of the result's memory."""

    __slots__ = ("arguments", "function", "name", "version")

    def __init__(self, name: str, function: Callable[..., Any], arguments: tuple[Any, ...], version: int) -> None:
        self.name = name
        self.function = function
        self.arguments = arguments
        self.version = version


class Walked:
    """A backward from `roots`, each with the gradient (an array) given to it, towards `wanted` (None: all leaves)."""

    __slots__ = ("roots", "wanted")

    def __init__(self, roots: list[tuple[Use, Any]], wanted: list[Edge] | None) -> None:
        self.roots = roots
        self.wanted = wanted


class Tape:
    """Takes the calls down as they are made, and the backwards through them."""

    def __init__(self) -> None:
        self.walks: list[Walked] = []
        # the last copy of each array and the version it was made of: many calls share a constant
        self._copies: dict[int, tuple[Any, int, Any]] = {}

    def call(self, name: str, function: Callable[..., Any], arguments: tuple[Any, ...], version: int = 0) -> Call:
        """The call of a node that is about to be recorded."""
        return Call(name, function, tuple([self._taken(argument) for argument in arguments]), version)

    def drawn(self, name: str, results: tuple[Any, ...]) -> Call:
        """The call of a node whose results, arrays, are random and stay as they were drawn."""
        constants = tuple([Use(None, result.copy()) for result in results])
        return Call(name, lambda *drawn: drawn if len(drawn) > 1 else drawn[0], constants, 0)

    def walked(self, roots: Sequence[Tensor], gradients: Sequence[Any], wanted: list[Edge] | None) -> None:
        """A backward has begun; `gradients` are arrays, or Tensors."""
        arrays = [gradient.array if isinstance(gradient, Tensor) else gradient for gradient in gradients]
        given = [(self._use(root), array.copy()) for root, array in zip(roots, arrays, strict=True)]
        self.walks.append(Walked(given, wanted))

    def forget(self) -> None:
        """Let go of the backwards, and of what calls to come could share."""
        self.walks.clear()
        self._copies.clear()

    def _taken(self, argument: Any) -> Any:
        if isinstance(argument, Tensor):
            return self._use(argument)
        if isinstance(argument, list | tuple):
            return [self._taken(item) for item in argument]
        return argument

    def _use(self, tensor: Tensor) -> Use:
        edge = tensor.edge
        if edge is None or edge is DEAD_END:
            return Use(None, self._copy(tensor))
        node = edge[0]
        if isinstance(node, AccumulateGrad):
            return Use(edge, self._copy(tensor))
        recorded = getattr(tensor, "seen_version", None)  # a view knows it itself
        if recorded is None:
            recorded = getattr(node, "call", None) and node.call.version
        changed = grad_mode.data_replaced or recorded != tensor.version[0]
        return Use(edge, self._copy(tensor) if changed else None)

    def _copy(self, tensor: Tensor) -> Any:
        """The numbers of `tensor` now, in the order of its memory."""
        array, version = tensor.array, tensor.version[0]
        held = self._copies.get(id(array))
        if held is None or held[0] is not array or held[1] != version or grad_mode.data_replaced:
            held = self._copies[id(array)] = array, version, array.copy("K")
        return held[2]
