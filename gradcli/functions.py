"""`functions:`, the operations that a spec declares: named compositions, and backwards taken at their word."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from gradcli.engine.dtypes import is_differentiable
from gradcli.engine.mode import grad_mode, set_grad_enabled
from gradcli.engine.node import Edge, Freed, Node
from gradcli.engine.random import GeneratorState
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.ops.create import default_generator
from gradcli.ops.define import Composite
from gradcli.ops.frontend import kind_of
from gradcli.ops.views import View
from gradcli.spec.steps import Expression, FunctionEntry
from gradcli.spec.tree import names_in

Evaluate = Callable[[Expression, dict[str, Any]], Any]


def declared(entry: FunctionEntry, evaluate: Evaluate) -> Composite:
    """The operation that `entry` declares; `evaluate` gives the value of an expression that sees the given names."""
    text = f"{entry.name}({', '.join(f'any {name}' for name in entry.parameters)})"
    if entry.backward is None:
        return Composite(text, lambda **arguments: evaluate(entry.forward, arguments))
    return Composite(text, with_backward(entry, entry.backward, evaluate))


def with_backward(entry: FunctionEntry, backward: dict[str, Expression], evaluate: Evaluate) -> Callable[..., Tensor]:
    """The call of a function that brings its own backward, which is recorded as torch records a custom Function."""
    name = "".join(word[:1].upper() + word[1:] for word in entry.name.split("_")) + "Backward"
    members = {"__slots__": (), "name": name, "formulas": backward, "evaluate": staticmethod(evaluate)}
    node_class: type[ClaimedNode] = type(name, (ClaimedNode,), members)
    used = {named.id for formula in backward.values() for named in names_in(formula.tree)}

    def again(state: GeneratorState | None, *values: Any) -> Tensor:
        with default_generator.aside(state):
            return call(**dict(zip(entry.parameters, values, strict=True)))

    def call(**arguments: Any) -> Tensor:
        state = None if grad_mode.tape is None else default_generator.get_state()
        with set_grad_enabled(False):
            result = evaluate(entry.forward, arguments)
        if not isinstance(result, Tensor):
            raise UserError("type", f"`{entry.name}` has a backward and must give a tensor, not {kind_of(result)}")
        shared = isinstance(result, View) or any(result is argument for argument in arguments.values())
        alias = Tensor(result.array.copy() if shared else result.array)
        edges = tuple([argument.edge if isinstance(argument, Tensor) else None for argument in arguments.values()])
        if not (grad_mode.enabled and is_differentiable(alias.dtype) and any(edges)):
            return alias
        saved = {name: argument for name, argument in arguments.items() if name in used}
        if "result" in used:
            saved["result"] = alias
        node = node_class(edges, saved, alias, tuple(arguments))
        if grad_mode.tape is not None:
            node.call = grad_mode.tape.call(entry.name, partial(again, state), tuple(arguments.values()))
        return Tensor(alias.array, (node, 0), alias.version)

    return call


class ClaimedNode(Node):
    """A call of a declared function; `saved` are the arguments, and the `result`, that its formulas name."""

    __slots__ = ("parameters",)

    claimed = True
    formulas: dict[str, Expression]
    evaluate: Evaluate

    def __init__(
        self, edges: tuple[Edge | None, ...], saved: dict[str, Any], result: Tensor, parameters: tuple[str, ...]
    ) -> None:
        tensors = [value for value in saved.values() if isinstance(value, Tensor)]
        versions = tuple([(tensor, tensor.version[0]) for tensor in tensors])
        super().__init__(tuple(saved.items()), edges, versions, ((result.shape, result.dtype),))
        self.parameters = parameters

    def apply(self, grads: Sequence[Any], edges: tuple[Edge | None, ...]) -> Sequence[Any]:
        found = self.apply_recorded([Tensor(grads[0])], edges)
        return [None if gradient is None else gradient.array for gradient in found]

    def apply_recorded(self, grads: Sequence[Any], edges: tuple[Edge | None, ...]) -> Sequence[Any]:
        assert not isinstance(self.saved, Freed)
        names = dict(self.saved)
        if "result" in names:  # saved without its place in the graph, which would be a reference cycle
            names["result"] = Tensor(names["result"].array, (self, 0), names["result"].version)
        found = []
        for name, edge in zip(self.parameters, edges, strict=True):
            formula = None if edge is None else self.formulas.get(name)
            found.append(None if formula is None else self._gradient(formula, {**names, "grad": grads[0]}))
        return found

    def _gradient(self, formula: Expression, names: dict[str, Any]) -> Tensor | None:
        gradient = self.evaluate(formula, names)
        if gradient is None or isinstance(gradient, Tensor):
            return gradient
        raise UserError("type", f"a gradient must be a tensor, not {kind_of(gradient)}", span=formula.span())

    def __repr__(self) -> str:
        return f"<torch.autograd.function.{self.name}>"

    def saved_tensors(self) -> Sequence[tuple[Any, Edge | None] | None]:
        return [None if held is None else (held[0].array, held[0].edge) for held in self.versions]

    def release(self, freed: Freed) -> None:
        if self.versions:
            self.saved = freed
