"""A spec file as a script for NumPy: forwards operation by operation, backwards as the formulas of their gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gradcli.engine.device import np
from gradcli.engine.tensor import Tensor
from gradcli.export.arrays.document import ArrayDocument
from gradcli.export.arrays.expressions import HELPERS, Item, Operation, Reading, is_grad
from gradcli.export.arrays.table import BROADCASTING, TABLE, Use, filled
from gradcli.export.python import PLACE, SIGNS, call, literal, name, source
from gradcli.export.script import Script
from gradcli.record import Record, field, replace
from gradcli.spec import steps, tree
from gradcli.spec.document import expand
from gradcli.spec.steps import Expression, Literal, Spec, Step

IMPORTS = {"np": "import numpy as np"}


def script(specs: Sequence[Spec]) -> str:
    """The script of all documents of a file. Raises UserError for what has no counterpart in NumPy."""
    made = Script(HELPERS)
    made.imports.add("np")
    single = [one for spec in specs for one in expand(spec)]
    for spec in single:
        made.gap(2)
        if len(single) > 1:
            made.comment(spec.title or spec.source.name)
        NumpyDocument(spec, made).write()
    return made.text(IMPORTS, title=single[0].title if len(single) == 1 else None)


Key = tuple[str, int]
"""A variable, and how often it has been assigned: one of the values that it has had."""


class Entry(Record):
    """An operation on the way of a gradient: the variable that it makes, and the values that it was made of."""

    output: str
    operation: Operation
    operands: dict[str, int] = field(default_factory=dict)
    made: int = 0

    @property
    def key(self) -> Key:
        return self.output, self.made


class NumpyDocument(ArrayDocument):
    """One document, or one combination of a matrix."""

    def __init__(self, spec: Spec, script: Script) -> None:
        super().__init__(spec, script)
        self.tape: list[Entry] = []
        self.pending: Entry | None = None
        self.stamps: dict[str, int] = {}  # how often each variable has been assigned
        self.backwards: dict[Key, str] = {}  # the variables of gradients on their way
        self.hooks: list[tuple[Key, Tensor, steps.Hook]] = []
        self.retained: set[str] = set()
        self.crossed: set[Key] = set()  # what gradients went through, in the loop that is being written

    # Forward

    def computed(self, expression: Expression, node: Any) -> Item:
        return self.item(Reading(expression, self.session.scope, {}, self.keep), node)

    def keep(self, operation: Operation) -> Item:
        """Give an operation that a gradient flows through a line, once it is known what its result is called."""
        self.flush()
        flows = [item for item in operation.items.values() if item.active]
        if not flows or not all(isinstance(item.tree, tree.Name) for item in flows):
            raise self.unable("a gradient through this")
        if {item.value.dtype for item in flows} != {operation.value.dtype} or operation.value.dtype.kind != "f":
            raise self.unable("a gradient of complex numbers, or through several dtypes")
        for parameter, item in operation.items.items():
            is_kept = isinstance(item.tree, tree.Constant) or (
                isinstance(item.tree, tree.Name) and item.tree.id not in self.gradients.values()
            )
            if isinstance(item.value, Tensor) and not is_kept:
                operation.use.trees[parameter] = self.helped(item.tree)
        output = self.names.numbered("t")
        self.pending = Entry(output, operation)
        return Item(name(output), operation.value)

    def helped(self, made: Any) -> Any:
        """A variable for what several formulas may need."""
        own = self.names.numbered("t")
        self.write_assignment(own, made)
        return name(own)

    def flush(self) -> None:
        if self.pending is not None:
            entry, self.pending = self.pending, None
            self.emit(entry, entry.output)

    def emit(self, entry: Entry, output: str) -> None:
        named = [one for part in entry.operation.use.trees.values() for one in tree.walk(part)]
        operands = {one.id: self.stamp(one.id) for one in named if isinstance(one, tree.Name)}
        self.write_assignment(output, self.forward(entry.operation))
        self.tape.append(Entry(output, entry.operation, operands, self.stamp(output)))

    def write_assignment(self, variable: str, made: Any) -> None:
        self.script.statement(f"{variable} = ", made)
        self.stamps[variable] = self.stamp(variable) + 1

    def stamp(self, variable: str) -> int:
        return self.stamps.get(variable, 0)

    def assign(self, target: str, item: Item) -> None:
        self.gradients.pop(target, None)
        is_leaf = self.is_leaf_of_its_own(item)
        self.settle(self.names.values[target], item, is_leaf)
        self.bindings[target] = item.value
        if is_leaf:
            self.begin_gradient(target)

    def settle(self, variable: str, item: Item, is_leaf: bool = False) -> None:
        """Give an item that was computed the name `variable`."""
        entry, self.pending = self.pending, None
        if entry is not None and isinstance(item.tree, tree.Name) and item.tree.id == entry.output:
            self.names.taken.discard(entry.output)
            self.emit(entry, variable)
            return
        if entry is not None:
            self.emit(entry, entry.output)
        if item.active and not is_leaf:
            use = Use({"self": item.tree}, {"self": item.value})
            self.emit(Entry(variable, Operation(TABLE["identity"], use, {"self": item}, item.value)), variable)
        else:
            self.write_assignment(variable, item.tree)

    def loop(self, head: str, todo: Sequence[Step], first: Sequence[str] = (), last: Sequence[str] = ()) -> None:
        """What a loop records is gone at its end, and no gradient may lead from one round into another."""
        recorded, before, self.crossed = len(self.tape), self.crossed, set()
        super().loop(head, todo, first, last)
        outer = self.crossed - {entry.key for entry in self.tape[recorded:]}
        if any(self.stamp(variable) != stamp for variable, stamp in outer):
            raise self.unable("a gradient from one round of a loop into another", todo[0].span)
        del self.tape[recorded:]
        self.crossed |= before

    def change(self, step: steps.Line, expression: Expression, target: Any, sign: str, value: Any) -> None:
        made = self.flat(expression, value)
        if is_grad(target):  # other names may stand for the same array
            shown = self.flat(expression, target).tree
            self.take(step)
            operator = {sign: known for known, sign in SIGNS.items()}[sign]
            self.script.statement(f"{source(shown)} = ", tree.Operator(operator, (shown, made.tree), **PLACE))
            return
        root = target
        while isinstance(root, tree.Subscript):
            root = root.target
        if not isinstance(root, tree.Name):
            raise self.unable("this change in place", expression.span(target))
        shown = self.flat(expression, target)
        before = self.session.evaluate(expression, root)
        self.take(step)
        if isinstance(before, Tensor):
            if before.requires_grad and not before.is_leaf:
                raise self.unable("a change in place that a gradient flows through", step.span)
            same = [one for one in self.bindings.values() if isinstance(one, Tensor) and one.version is before.version]
            if before.ndim == 0 and len(same) > 1:  # NumPy's numbers cannot be changed
                raise self.unable("a change of a number that has other names", step.span)
        self.script.statement(f"{source(shown.tree)} {sign}= ", made.tree)
        variable = self.names.values[root.id]
        self.stamps[variable] = self.stamp(variable) + 1

    # Backward

    def retain_grad(self, step: steps.RetainGrad) -> None:
        self.take(step)
        for expression in step.of:
            own = self.owner(expression, expression.tree)
            self.retained.add(own)
            self.begin_gradient(own)

    def hook(self, step: steps.Hook) -> None:
        own = self.owner(step.on, step.on.tree)
        self.take(step)
        variable = self.names.values[own]
        self.hooks.append(((variable, self.stamp(variable)), self.bindings[own], step))

    def backward(self, step: steps.Backward) -> None:
        if step.create_graph:
            raise self.unable("a backward that is recorded", step.span)
        gradients: dict[Key, Any] = {}
        for root, gradient in zip(step.of, step.gradient, strict=True):
            key, value = self.root(root, root.tree)
            self.add(gradients, key, self.begin(key, value, gradient))
        inputs = None if step.inputs is None else {self.owner(one, one.tree) for one in step.inputs}
        for own in inputs or ():
            if own not in self.gradients:
                self.begin_gradient(own)
        self.take(step)
        self.walk(gradients, inputs)

    def root(self, expression: Expression, node: Any) -> tuple[Key, Any]:
        """The variable of what is differentiated, and what it is in the engine."""
        item = self.computed(expression, node)
        if self.pending is not None:
            self.flush()
        if isinstance(item.tree, tree.Name):
            return (item.tree.id, self.stamp(item.tree.id)), item.value
        own = self.names.numbered("t")
        self.settle(own, item)
        return (own, self.stamp(own)), item.value

    def begin(self, key: Key, value: Any, gradient: Expression | Literal | None) -> Any:
        if gradient is None:
            return call("np.ones_like", name(key[0]))
        given = self.literal(gradient.value) if isinstance(gradient, Literal) else self.flat(gradient).tree
        if isinstance(gradient, Literal):
            return call("np.array", given, dtype=self.dtype(value.dtype.name))
        return given

    def add(self, gradients: dict[Key, Any], key: Key, part: Any) -> None:
        """Add a part to the gradient of a variable."""
        known = gradients.get(key)
        if known is not None:
            part = tree.Operator("add", (known, part), **PLACE)
        elif isinstance(part, tree.Name):
            gradients[key] = part
            return
        if key not in self.backwards:
            self.backwards[key] = self.names.fresh(f"d_{key[0]}")
        self.script.statement(f"{self.backwards[key]} = ", part)
        gradients[key] = name(self.backwards[key])

    def walk(self, gradients: dict[Key, Any], inputs: set[str] | None) -> None:
        """Go back through the tape, and add to the gradients of leaves: of all, or of `inputs`."""
        variables = {known: self.names.values[known] for known in self.gradients}
        owners = {(variable, self.stamp(variable)): known for known, variable in variables.items()}
        for entry in reversed(self.tape):
            if entry.key in gradients:
                self.crossed.add(entry.key)
                self.fire(gradients, entry.key)
                self.differentiate(entry, gradients)
        made = {entry.key for entry in self.tape}
        for key in [one for one in gradients if one not in made]:
            value = self.bindings.get(owners.get(key, ""))
            if value is None or not value.is_leaf:
                raise self.unable(f"a gradient through `{key[0]}`, which is bound anew since or made in a loop")
            self.fire(gradients, key, value)
        for key, gradient in gradients.items():
            own = owners.get(key)
            wanted = own in self.retained or self.is_leaf(own) if inputs is None else own in inputs
            if own is not None and wanted:
                self.accumulate(own, gradient)

    def is_leaf(self, own: str | None) -> bool:
        value = self.bindings.get(own or "")
        return isinstance(value, Tensor) and value.is_leaf and value.requires_grad

    def fire(self, gradients: dict[Key, Any], key: Key, leaf: Tensor | None = None) -> None:
        """Let the hooks of a variable see its gradient; a leaf has them whatever its value is by now."""
        for hooked, tensor, hook in self.hooks:
            if hooked != key and tensor is not leaf:
                continue
            if hook.value is None:
                self.script.statement("", call("print", gradients[key]))
                continue
            item = Item(gradients[key], Tensor(np.zeros_like(tensor.array)))
            made = self.flat(hook.value, **{hook.name: item}).tree
            del gradients[key]
            self.add(gradients, key, made)

    def differentiate(self, entry: Entry, gradients: dict[Key, Any]) -> None:
        operation = entry.operation
        use = replace(operation.use, result=name(entry.output), grad=gradients[entry.key])
        for parameter, item in operation.items.items():
            if not item.active:
                continue
            if parameter in operation.row.gradients and operation.row.gradients[parameter] is None:
                continue
            template = operation.row.gradients.get(parameter)
            made = None if template is None else filled(template, use)
            if made is None:
                raise self.unable(f"the gradient of `{parameter}` in `{source(self.forward(operation))}`")
            self.check(entry, made)
            if operation.row in BROADCASTING and item.value.shape != operation.value.shape:
                self.script.need("unbroadcast")
                made = call("unbroadcast", made, self.literal(list(item.value.shape)))
            operand = use.trees[parameter]
            assert isinstance(operand, tree.Name)
            self.add(gradients, (operand.id, entry.operands[operand.id]), made)

    def check(self, entry: Entry, made: Any) -> None:
        """An error if a formula names what is something else by now."""
        for node in tree.walk(made):
            if isinstance(node, tree.Name) and self.is_past(entry, node.id):
                raise self.unable(f"a gradient that needs what `{node.id}` was before")
            if isinstance(node, tree.Call) and node.function in self.script.helpers:
                self.script.need(node.function)

    def is_past(self, entry: Entry, variable: str) -> bool:
        """Whether a variable of an entry is not what it was there."""
        known = [stamp for one, stamp in (*entry.operands.items(), entry.key) if one == variable]
        return any(stamp != self.stamp(variable) for stamp in known)

    def unpacked(self, step: steps.Line, expression: Expression, statement: tree.Assign) -> None:
        value = statement.value
        if not (isinstance(value, tree.Call) and value.function.rpartition(".")[2] == "grad" and len(value.args) > 1):
            raise self.unable("several results", step.span)
        words = {word.name: word.value for word in value.keywords}
        flag = words.get("create_graph")
        if flag is not None and not (isinstance(flag, tree.Constant) and flag.value is False):
            raise self.unable("a gradient that is recorded", step.span)
        root, given = value.args[0], value.args[1]
        variables = [self.names.values[self.owner(expression, one)] for one in getattr(given, "items", (given,))]
        wanted = [(variable, self.stamp(variable)) for variable in variables]
        key, held = self.root(expression, root)
        outputs = words.get("grad_outputs", value.args[2] if len(value.args) > 2 else None)
        gradient = None if outputs is None else Expression(expression.text, outputs, expression.scalar)
        gradients: dict[Key, Any] = {}
        self.add(gradients, key, self.begin(key, held, gradient))
        self.take(step)
        self.walk(gradients, set())
        for target, one in zip(statement.targets, wanted, strict=True):
            assert isinstance(target, tree.Name)
            self.write_assignment(self.names.values[target.id], gradients.get(one, literal(None)))
