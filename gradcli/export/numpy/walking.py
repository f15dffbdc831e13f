"""The way back through a tape: the rows' own formulas, written as the rows that they call."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from gradcli.engine.device import np
from gradcli.engine.dtypes import dtype_kind
from gradcli.engine.tensor import Tensor
from gradcli.export.arrays.items import Item, Operation, Reading, Trees
from gradcli.export.arrays.loops import Key
from gradcli.export.numpy.recording import Entry, Recording
from gradcli.export.python import call, name
from gradcli.ops.copies import real, to_dtype
from gradcli.ops.define import Formula
from gradcli.ops.nodes import parameters_of
from gradcli.ops.reduce import sum_to_size
from gradcli.spec import tree
from gradcli.spec.steps import FunctionEntry

Gradients = dict[Key, Item]


class Walking(Recording):
    """A document whose tape is gone back through."""

    def add(self, gradients: Gradients, key: Key, part: Item, keep: Any) -> None:
        """Add a part to the gradient of a variable."""
        known = gradients.get(key)
        if known is not None:
            before, more = known.value, part.value
            part = self.gives(lambda: before + more, [known, part], keep)
        elif isinstance(part.tree, tree.Name) and self.pending is None:
            gradients[key] = part
            return
        variable = self.variable(self.backward_name(key))
        self.settle(variable, part)
        gradients[key] = Item(name(variable), part.value)

    def backward_name(self, key: Key) -> str:
        if key not in self.backwards:
            self.backwards[key] = self.names.fresh(f"d_{key[0]}")
        return self.backwards[key]

    def owners(self) -> dict[Key, str]:
        """The tensors with gradients, by what their variables are now."""
        variables = {known: self.names.values[known] for known in self.gradients}
        return {(variable, self.stamp(variable)): known for known, variable in variables.items()}

    def walk(self, gradients: Gradients, keep: Any, towards: Iterable[Key] | None = None) -> None:
        """Go back through the tape, only on ways that lead `towards` some variables unless that is None."""
        owners = self.owners()
        leading = None if towards is None else self.made_of(towards)
        for entry in reversed(self.tape.copy()):
            if any(key in gradients for key in entry.keys):
                self.crossed.update(entry.keys)
                for key in entry.keys:
                    self.fire(gradients, key, keep)
                self.differentiate(entry, gradients, keep, leading)
        made = {key for entry in self.tape for key in entry.keys}
        for key in [one for one in gradients if one not in made]:
            if key in self.made_in:
                raise self.unable_in_loop(
                    f"a gradient through `{key[0]}`, which is made in a loop", None, self.made_in[key]
                )
            value = self.bindings.get(owners.get(key, ""))
            if value is not None:
                self.fire(gradients, key, keep, value)

    def made_of(self, keys: Iterable[Key]) -> set[Key]:
        """What these variables have a part in, and they themselves."""
        found = set(keys)
        for entry in self.tape:
            if any(key in found for key in entry.operands.items()):
                found.update(entry.keys)
        return found

    def fire(self, gradients: Gradients, key: Key, keep: Any, leaf: Tensor | None = None) -> None:
        """Let the hooks of a variable see its gradient; a leaf has them whatever its value is by now."""
        for hooked, tensor, hook in self.hooks:
            if key not in gradients or (hooked != key and tensor is not leaf):
                continue
            if hook.value is None:
                self.flush()
                self.script.statement("", call("print", gradients[key].tree))
                continue
            scope = self.session.scope.inside({**self.bindings, hook.name: gradients[key].value})
            reading = Reading(hook.value, scope, {hook.name: gradients[key]}, keep)
            made = self.read(reading, records=keep is not None)
            if made.value is None:
                continue
            del gradients[key]
            self.add(gradients, key, made, keep)

    def differentiate(self, entry: Entry, gradients: Gradients, keep: Any, leading: set[Key] | None) -> None:
        operation = entry.operation
        if leading is not None and not any(key in leading for key in entry.operands.items()):
            return
        grads = [gradients.get(key) for key in entry.keys]
        results = [Item(name(output), value) for output, value in zip(entry.outputs, operation.results, strict=True)]
        for parameter, place, part in self.parts(operation, results, grads, keep):
            if (parameter, place) not in operation.flows or part is None:
                continue
            own = operation.input(parameter, place)
            assert isinstance(own.tree, tree.Name)
            key = own.tree.id, entry.operands[own.tree.id]
            if leading is not None and key not in leading:
                continue
            made = self.gives(partial(fitted, part.value, own.value), [part], keep)
            self.check(entry, made.tree)
            self.add(gradients, key, made, keep)

    def parts(
        self, operation: Operation, results: list[Item], grads: list[Item | None], keep: Any
    ) -> list[tuple[str, int | None, Item | None]]:
        """The gradients of the inputs of an operation, by parameter, and by place where that is a list."""
        op = operation.op
        if isinstance(op, FunctionEntry):
            return self.claimed_parts(op, operation, results, grads[0], keep)
        if op.grad_fn == "NotImplemented":
            raise self.unable(f"the gradient of `{op.name}`")
        trees = Trees()
        values = dict(operation.values)
        for parameter in op.schema.parameters:
            value = values[parameter.name]
            if parameter.is_tensor and isinstance(value, int | float | complex):
                values[parameter.name] = value = Tensor(np.asarray(value, operation.results[0].dtype))
            trees.add_all(value, operation.trees[parameter.name])
        for one in (*results, *grads):
            if one is not None:
                trees.add(one.value, one.tree)
        several = op.schema.outputs[0].endswith("[]")
        words = {**values, **({} if several else dict(zip(op.schema.outputs, operation.results, strict=True)))}
        words["grads"] = tuple([None if one is None else one.value for one in grads])
        words["grad"] = words["grads"][0]
        words["needs"] = [one in operation.flows for one in operation.inputs]

        def called(formula: Formula) -> Any:
            return formula(**{known: words.get(known, attribute_of(known, values)) for known in parameters_of(formula)})

        named = {parameter for parameter, _ in operation.flows}
        formulas = {"": op.joint} if op.joint is not None else {known: op.formulas[known] for known in sorted(named)}
        found: dict[tuple[str, int | None], Item | None] = {}
        for known, formula in formulas.items():
            value, calls = self.watch.during(partial(called, formula), keep is not None)
            self.follow(calls, trees, [value], keep, True, op.name)
            inputs = [one for one in operation.inputs if known in ("", one[0])]
            gradients = value if isinstance(value, list | tuple) else [value]
            for place, gradient in zip(inputs, gradients, strict=True):
                found[place] = None if gradient is None else Item(self.argument(gradient, trees), gradient)
        return [(known, place, found.get((known, place))) for known, place in operation.inputs]

    def claimed_parts(
        self, entry: FunctionEntry, operation: Operation, results: list[Item], grad: Item | None, keep: Any
    ) -> list[tuple[str, int | None, Item | None]]:
        """The gradients that a function's own backward claims."""
        assert entry.backward is not None and grad is not None
        items = {known: Item(operation.trees[known], operation.values[known]) for known in entry.parameters}
        items |= {"grad": grad, "result": results[0]}
        scope = self.session.scope.inside({known: item.value for known, item in items.items()})
        found: list[tuple[str, int | None, Item | None]] = []
        for parameter, formula in entry.backward.items():
            if (parameter, None) not in operation.flows:
                continue
            reading = Reading(formula, scope, items, keep, True)
            made = self.read(reading, records=keep is not None)
            if made.value is not None and made.active:
                made = Item(self.after_flush(made), made.value)
            found.append((parameter, None, None if made.value is None else made))
        return found

    def after_flush(self, item: Item) -> Any:
        self.flush()
        return item.tree

    def check(self, entry: Entry, made: Any) -> None:
        """An error if a formula names what is something else by now."""
        past = {key for key in entry.operands.items() if self.stamp(key[0]) != key[1]}
        past |= {key for key in entry.keys if self.stamp(key[0]) != key[1]}
        for node in tree.walk(made):
            if isinstance(node, tree.Name) and any(node.id == variable for variable, _ in past):
                raise self.unable(f"a gradient that needs what `{node.id}` was before")


def attribute_of(word: str, values: dict[str, Any]) -> Any:
    """What a formula knows of a tensor without the tensor: `self_shape`; None for a word of another kind."""
    known, _, attribute = word.rpartition("_")
    value = values.get(known)
    if isinstance(value, list | tuple):
        return [getattr(one.array, attribute) for one in value]
    return getattr(value.array, attribute) if isinstance(value, Tensor) else None


def fitted(gradient: Tensor, own: Tensor) -> Any:
    """A gradient summed over what was broadcast, in the dtype of its tensor (the real part of complex)."""
    made: Any = gradient
    if made.shape != own.shape:
        made = sum_to_size(made, own.shape)
    if dtype_kind(made.dtype) == "c" and dtype_kind(own.dtype) != "c":
        made = real(made)
    return made if made.dtype == own.dtype else to_dtype(made, own.dtype)
