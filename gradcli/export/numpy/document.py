"""A spec file as a script for NumPy: forwards operation by operation, backwards by the formulas of the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

from gradcli.engine.device import np
from gradcli.engine.tensor import Tensor
from gradcli.export.arrays.document import written
from gradcli.export.arrays.items import Item, Reading, items_of, written_in
from gradcli.export.arrays.loops import Key
from gradcli.export.numpy.walking import Gradients, Walking
from gradcli.export.python import PLACE, call, literal, method, name
from gradcli.spec import steps, tree
from gradcli.spec.steps import Expression, Literal, Spec

IMPORTS = {"np": "import numpy as np", "special": "from scipy import special"}


def script(specs: Sequence[Spec]) -> str:
    """The script of all documents of a file. Raises UserError for what has no counterpart in NumPy."""
    return written(specs, NumpyDocument, IMPORTS, {"np"}, [])


TAKEN = frozenset({"create_graph", "retain_graph", "grad_outputs", "allow_unused", "materialize_grads"})


class NumpyDocument(Walking):
    """One document, or one combination of a matrix."""

    def hook_named(self, step: steps.Hook, own: str) -> None:
        self.take(step)
        variable = self.names.values[own]
        self.hooks.append(((variable, self.stamp(variable)), self.bindings[own], step))

    def backward(self, step: steps.Backward) -> None:
        gradients: Gradients = {}
        keep = self.keep if step.create_graph else None
        for root, gradient in zip(step.of, step.gradient, strict=True):
            key, value = self.root(self.computed(root, root.tree))
            self.add(gradients, key, self.begin(key, value, gradient), keep)
        inputs = None if step.inputs is None else {self.owner(one, one.tree) for one in step.inputs}
        for own in inputs or ():
            if own not in self.gradients:
                self.begin_gradient(own)
        before = self.reached(step)
        owners = {key: own for key, own in self.owners().items() if own in before}
        self.walk(gradients, keep, None if inputs is None else owners)
        for key in [one for one in gradients if one in owners]:
            self.add_to_grad(owners[key], gradients[key], before[owners[key]], keep)

    def add_to_grad(self, own: str, gradient: Item, before: Tensor | None, keep: Any) -> None:
        if keep is None and not (before is not None and before.requires_grad):
            self.accumulate(own, gradient.tree)
            return
        if self.varying:
            raise self.unable_in_loop("a gradient that is recorded in a loop")
        if before is not None:
            total: Any = before
            known = Item(name(self.gradients[own]), before)
            gradient = self.gives(lambda: total + gradient.value, [known, gradient], keep)
        self.gradients[own] = self.variable(self.gradients[own])
        self.settle(self.gradients[own], gradient)
        self.flush()
        self.state[own] = "set"

    def root(self, item: Item) -> tuple[Key, Tensor]:
        """The variable of what is differentiated, and what it is in the engine."""
        self.flush()
        if not isinstance(item.tree, tree.Name):
            own = self.names.numbered("t")
            self.settle(own, item)
            return (own, self.stamp(own)), item.value
        return (item.tree.id, self.stamp(item.tree.id)), item.value

    def begin(self, key: Key, value: Tensor, gradient: Expression | Literal | None) -> Item:
        """The gradient that a backward begins with."""
        ones = Tensor(np.ones_like(value.array))
        if gradient is None:
            return Item(call("np.ones_like", name(key[0])), ones)
        if isinstance(gradient, Literal):
            return Item(call("np.array", self.literal(gradient.value), dtype=self.dtype(value.dtype.name)), ones)
        return self.item(Reading(gradient, self.session.scope), gradient.tree)

    # Derivatives in expressions

    def differential(self, reading: Reading, node: tree.Call, below: list[Item]) -> Item:
        function = written_in(node)
        words = {word.name: item for word, item in zip(node.keywords, below[len(node.args) :], strict=True)}
        args = below[: len(node.args)]
        if reading.keep is None or len(args) < 2 or words.keys() - TAKEN:
            raise self.unable(f"`{function}` with these arguments")
        flag = words.get("create_graph")
        records = flag is not None and flag.value is True
        if records and function not in ("grad", "vjp") and not self.showing:
            raise self.unable(f"`{function}`, recorded")
        value = self.derivative(reading, node, below)
        root, wanted, vector = args[0], items_of(args[1]), args[2] if len(args) > 2 else words.get("grad_outputs")
        if function in ("grad", "vjp"):
            made: Any = [one.tree for one in self.slopes(root, wanted, vector, records)]
        elif function == "jacobian":
            made = [self.jacobian(root, one) for one in wanted]
        elif function == "hessian":
            slopes = self.slopes(root, wanted, None, True)
            made = [[self.jacobian(slope, one) for one in wanted] for slope in slopes]
            made = (
                [tree.TupleOf(tuple(row), **PLACE) for row in made]
                if isinstance(args[1].value, list | tuple)
                else made[0]
            )
        else:
            assert vector is not None
            made = [self.product(function, root, wanted, items_of(vector))]
        if function == "grad":
            made = [self.literal(None) if one is None else part for part, one in zip(made, value, strict=True)]
        if function == "grad" or (isinstance(args[1].value, list | tuple) and function != "jvp"):
            return Item(tree.TupleOf(tuple(made), **PLACE), value)
        return Item(made[0], value)

    def product(self, function: str, root: Item, wanted: list[Item], vectors: list[Item]) -> Any:
        """The Jacobian, or the Hessian, times vectors."""
        if function == "hvp":
            (slope,) = self.slopes(root, wanted, None, True)
            return self.slopes(slope, wanted, vectors[0], False)[0].tree
        parts: list[Any] = [
            call("np.tensordot", self.jacobian(root, one), vector.tree, one.value.ndim)
            for one, vector in zip(wanted, vectors, strict=True)
        ]
        return reduce(lambda total, part: tree.Operator("add", (total, part), **PLACE), parts)

    def slopes(self, root: Item, wanted: list[Item], vector: Item | None, records: bool) -> list[Item]:
        """The gradients of an item by others; zeros where there are none."""
        keep = self.keep if records else None
        zeros = [Item(call("np.zeros_like", one.tree), Tensor(np.zeros_like(one.value.array))) for one in wanted]
        if not root.active:
            return zeros
        key, value = self.root(root)
        keys = [self.root(one)[0] for one in wanted]
        gradients: Gradients = {}
        start = self.begin(key, value, None) if vector is None or vector.value is None else items_of(vector)[0]
        self.add(gradients, key, start, keep)
        self.walk(gradients, keep, keys)
        self.flush()
        return [gradients.get(one, zero) for one, zero in zip(keys, zeros, strict=True)]

    def jacobian(self, root: Item, leaf: Item) -> Any:
        """The rows that a function gives, which has the gradient for any gradient of the root."""
        shape = tree.TupleOf(tuple(map(literal, (*root.value.shape, *leaf.value.shape))), **PLACE)
        if not root.active:
            return call("np.zeros", shape, dtype=self.dtype(root.value.dtype.name))
        key, value = self.root(root)
        own = self.root(leaf)[0]
        function, parameter = self.names.fresh(f"gradient_of_{key[0]}"), self.backward_name(key)
        self.script.space()
        with self.script.block(f"def {function}({parameter}):"):
            gradients: Gradients = {key: Item(name(parameter), Tensor(np.ones_like(value.array)))}
            self.walk(gradients, None, [own])
            found = gradients.get(own)
            self.script.returned([call("np.zeros_like", name(own[0])) if found is None else found.tree])
        self.script.space()
        self.script.need("rows_of")
        return method(call("rows_of", name(function), name(key[0])), "reshape", shape)
