"""A spec file as a script for JAX: what is differentiated becomes a function of the leaves that it depends on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gradcli.engine.tensor import Tensor
from gradcli.export.arrays.document import ArrayDocument
from gradcli.export.arrays.expressions import HELPERS, Item, Operation, Reading, is_grad
from gradcli.export.arrays.table import TABLE, Row
from gradcli.export.python import ATOM, PLACE, call, changed, literal, method, name, source
from gradcli.export.script import Script
from gradcli.record import Record, replace
from gradcli.spec import steps, tree
from gradcli.spec.document import expand
from gradcli.spec.steps import Expression, Literal, Spec, Step

IMPORTS = {"jax": "import jax", "jnp": "import jax.numpy as jnp", "np": "import numpy as np"}

# what JAX has itself, with the gradients that torch has where the functions have edges
FORWARD = {
    "relu": "jax.nn.relu(self)",
    "sigmoid": "jax.nn.sigmoid(self)",
    "silu": "jax.nn.silu(self)",
    "softplus": "jax.nn.softplus(self)",
    "softmax": "jax.nn.softmax(self, axis=dim)",
    "log_softmax": "jax.nn.log_softmax(self, axis=dim)",
    "logsumexp": "jax.nn.logsumexp(self, axis=dim, keepdims=keepdim)",
}
# where JAX has other gradients than torch at some places: zero norms, zero deviations, bounds, shares of nothing
OTHER_GRADIENTS = ("norm", "std", "binary_cross_entropy", "clamp", "remainder", "atan2")
CHANGES = {"": "set", "+": "add", "*": "multiply", "/": "divide"}


def script(specs: Sequence[Spec]) -> str:
    """The script of all documents of a file. Raises UserError for what has no counterpart in JAX."""
    made = Script(HELPERS)
    made.imports |= {"jax", "jnp"}
    made.line('jax.config.update("jax_enable_x64", True)')
    single = [one for spec in specs for one in expand(spec)]
    for spec in single:
        made.gap(2 if len(single) > 1 else 1)
        if len(single) > 1:
            made.comment(spec.title or spec.source.name)
        JaxDocument(spec, made).write()
    return made.text(IMPORTS, title=single[0].title if len(single) == 1 else None)


Key = tuple[str, int]
"""A variable, and how often it has been assigned: one of the values that it has had."""


def as_array(node: Any) -> Any:
    return call("jnp.array", node) if isinstance(node, tree.ListOf) else node


class Statement(Record):
    """An assignment on the way of a gradient, with the values of what it names."""

    key: Key
    value: Any
    names: set[Key]


class Function(Record):
    """What is differentiated, as a function of these variables."""

    name: str
    parameters: list[str]
    result: Tensor


class JaxDocument(ArrayDocument):
    """One document, or one combination of a matrix."""

    library = "jax"
    module = "jnp"

    def __init__(self, spec: Spec, script: Script) -> None:
        super().__init__(spec, script)
        self.tape: list[Statement] = []
        self.stamps: dict[str, int] = {}  # how often each variable has been assigned
        self.written: dict[tuple[str, frozenset[Key]], Function] = {}
        self.crossed: set[Key] = set()  # what gradients went through, in the loop that is being written

    # Forward

    def forward(self, operation: Operation) -> Any:
        known = next((known for known, row in TABLE.items() if row is operation.row), "")
        if known in OTHER_GRADIENTS and isinstance(operation.value, Tensor) and operation.value.requires_grad:
            raise self.unable(f"a gradient of `{known}`")
        if known == "getitem":  # JAX takes no lists
            index = changed(operation.use.trees["index"], as_array)
            operation = replace(operation, use=replace(operation.use, trees={**operation.use.trees, "index": index}))
        if known in FORWARD:
            operation = replace(operation, row=Row(operation.row.parameters, FORWARD[known], {}))
        return super().forward(operation)

    def claimed(self, *given: Any) -> Row:
        raise self.unable("a backward of one's own")

    def computed(self, expression: Expression, node: Any) -> Item:
        # `keep` is not asked to keep anything, but has functions with backwards of their own refused
        return self.item(Reading(expression, self.session.scope, {}, self.kept), node)

    def kept(self, operation: Operation) -> Item:
        flows = {item.value.dtype for item in operation.items.values() if item.active}
        if operation.value.dtype.kind != "f" or flows - {operation.value.dtype}:
            raise self.unable("a gradient of complex numbers, or through several dtypes")
        return Item(self.forward(operation), operation.value)

    def stamp(self, variable: str) -> int:
        return self.stamps.get(variable, 0)

    def names_of(self, made: Any) -> set[Key]:
        named = {node.id for node in tree.walk(made) if isinstance(node, tree.Name)}
        return {(one, self.stamp(one)) for one in named if one not in ("jax", "jnp") and "." not in one}

    def assign(self, target: str, item: Item) -> None:
        self.gradients.pop(target, None)
        variable, names = self.names.values[target], self.names_of(item.tree)
        is_leaf = self.is_leaf_of_its_own(item)
        self.script.statement(f"{variable} = ", item.tree)
        self.stamps[variable] = self.stamp(variable) + 1
        self.bindings[target] = item.value
        if is_leaf:
            self.begin_gradient(target)
        elif item.active:
            self.tape.append(Statement((variable, self.stamp(variable)), item.tree, names))

    def change(self, step: steps.Line, expression: Expression, target: Any, sign: str, value: Any) -> None:
        """JAX's arrays do not change: the name gets another one."""
        made, root = self.flat(expression, value).tree, target
        if isinstance(root, tree.Subscript):
            root = root.target
        if not isinstance(root, tree.Name) and not (is_grad(root) and root is target):
            raise self.unable("this change in place", step.span)
        before = self.session.evaluate(expression, root)
        shown = self.flat(expression, root).tree
        if isinstance(before, Tensor):
            same = [one for one in self.bindings.values() if isinstance(one, Tensor) and one.version is before.version]
            if len(same) > 1 or (before.requires_grad and not before.is_leaf):
                raise self.unable("a change in place of what is seen elsewhere", step.span)
        if root is target:
            operators = {"+": "add", "-": "sub", "*": "mul", "/": "div", "**": "pow"}
            if sign not in operators:
                raise self.unable("this change in place", step.span)
            made = tree.Operator(operators[sign], (shown, made), **PLACE)
        else:
            if sign not in CHANGES:
                raise self.unable("this change in place", step.span)
            place = tree.Subscript(
                tree.Attribute(shown, "at", **PLACE), self.flat(expression, target.index).tree, **PLACE
            )
            made = method(place, CHANGES[sign], made)
        self.take(step)
        variable = source(shown)
        self.script.statement(f"{variable} = ", made)
        self.stamps[variable] = self.stamp(variable) + 1

    def loop(self, head: str, todo: Sequence[Step], first: Sequence[str] = (), last: Sequence[str] = ()) -> None:
        """What a loop records is gone at its end, and no gradient may lead from one round into another."""
        recorded, before, self.crossed = len(self.tape), self.crossed, set()
        super().loop(head, todo, first, last)
        outer = self.crossed - {one.key for one in self.tape[recorded:]}
        if any(self.stamp(variable) != stamp for variable, stamp in outer):
            raise self.unable("a gradient from one round of a loop into another", todo[0].span)
        del self.tape[recorded:]
        self.crossed |= before
        self.written.clear()

    # Backward

    def retain_grad(self, step: steps.RetainGrad) -> None:
        raise self.unable("a gradient of what is no leaf", step.span)

    def hook(self, step: steps.Hook) -> None:
        raise self.unable("a hook", step.span)

    def backward(self, step: steps.Backward) -> None:
        if step.create_graph or len(step.of) > 1 or step.inputs is not None:
            raise self.unable("a backward with these options", step.span)
        function = self.function(step.of[0], step.of[0].tree)
        gradient = step.gradient[0]
        given = None
        if gradient is not None:
            given = self.literal(gradient.value) if isinstance(gradient, Literal) else self.flat(gradient).tree
        self.take(step)
        parts = [self.names.fresh(f"d_{parameter}") for parameter in function.parameters]
        self.script.statement(f"{', '.join(parts)} = ", self.derivatives(function, given))
        owners = {self.names.values[known]: known for known in self.gradients}
        for parameter, part in zip(function.parameters, parts, strict=True):
            self.accumulate(owners[parameter], name(part))
            self.names.taken.discard(part)

    def derivatives(self, function: Function, gradient: Any) -> Any:
        """The gradients of a function by all its parameters: a tuple, unless there is only one."""
        parameters = [name(parameter) for parameter in function.parameters]
        single = len(parameters) == 1
        if gradient is None and function.result.ndim == 0:
            numbers = [literal(place) for place in range(len(parameters))]
            options = {} if single else {"argnums": tree.TupleOf(tuple(numbers), **PLACE)}
            return call(source(call("jax.grad", name(function.name), **options), ATOM), *parameters)
        like = self.dtype(function.result.dtype.name)
        shape = self.literal(list(function.result.shape))
        start = call("jnp.ones", shape, dtype=like) if gradient is None else call("jnp.array", gradient, dtype=like)
        pull = tree.Subscript(call("jax.vjp", name(function.name), *parameters), literal(1), **PLACE)
        parts = call(source(pull), start)
        return tree.Subscript(parts, literal(0), **PLACE) if single else parts

    def function(self, expression: Expression, node: Any) -> Function:
        """The function that gives what is differentiated, defined where it is needed first."""
        item = self.computed(expression, node)
        if not item.active:
            self.session.evaluate(expression, node)  # and a backward from it is an error of its own
            raise self.unable("a gradient of what depends on no leaf", expression.span(node))
        needed = self.names_of(item.tree)
        chosen: list[Statement] = []
        for statement in reversed(self.tape):
            if statement.key in needed:
                chosen.insert(0, statement)
                needed |= statement.names
        self.crossed |= {one.key for one in chosen}
        made = {one.key for one in chosen}
        free = needed - made
        leaves = self.leaves(free, {variable for variable, _ in made}, expression.span(node))
        key = (source(item.tree), frozenset(made | free))
        if key not in self.written:
            self.written[key] = Function(self.define(item.tree, chosen, leaves), leaves, item.value)
        return self.written[key]

    def leaves(self, free: set[Key], inner: set[str], span: Any) -> list[str]:
        """Which of the variables that a function does not make itself are leaves; errors for those it cannot have."""
        for variable, stamp in free:
            if variable in inner or stamp != self.stamp(variable) or variable in self.gradients.values():
                raise self.unable(f"a gradient that needs what `{variable}` was before", span)
        found = []
        for known, value in self.bindings.items():
            variable = self.names.values[known]
            if (variable, self.stamp(variable)) in free and isinstance(value, Tensor) and value.requires_grad:
                if not value.is_leaf or known not in self.gradients:
                    raise self.unable(f"a gradient through `{variable}`, which is made in a loop", span)
                found.append(variable)
        return found

    def define(self, result: Any, chosen: list[Statement], leaves: list[str]) -> str:
        script = self.script
        own = self.names.fresh(f"{result.id}_of") if isinstance(result, tree.Name) else self.names.numbered("f")
        script.gap(1 if script.depth else 2)
        if script.lines[-1].endswith(":"):
            script.line()
        with script.block(f"def {own}({', '.join(leaves)}):"):
            if chosen and isinstance(result, tree.Name) and chosen[-1].key[0] == result.id:
                *chosen, last = chosen
                result = last.value
            for statement in chosen:
                script.statement(f"{statement.key[0]} = ", statement.value)
            script.statement("return ", result)
        script.gap(1 if script.depth else 2)
        return own

    def unpacked(self, step: steps.Line, expression: Expression, statement: tree.Assign) -> None:
        """`(g,) = grad(y, x)`, which may be recorded."""
        value, target = statement.value, statement.targets[0]
        words = {word.name: word.value for word in getattr(value, "keywords", ())}
        is_call = isinstance(value, tree.Call) and value.function.rpartition(".")[2] == "grad" and len(value.args) == 2
        flags = all(isinstance(one, tree.Constant) for one in words.values())
        if not is_call or not flags or len(statement.targets) > 1 or not isinstance(target, tree.Name):
            raise self.unable("several results", step.span)
        assert isinstance(value, tree.Call)
        root, wanted = value.args[0], value.args[1]
        leaf = self.names.values[self.owner(expression, getattr(wanted, "items", (wanted,))[0])]
        function = self.function(expression, root)
        if leaf not in function.parameters or function.result.ndim:
            raise self.unable("this gradient", step.span)
        number = function.parameters.index(leaf)
        options = {"argnums": number} if len(function.parameters) > 1 else {}
        made = call(source(call("jax.grad", name(function.name), **options), ATOM), *map(name, function.parameters))
        self.take(step)
        self.assign(target.id, Item(made, self.bindings[target.id]))
