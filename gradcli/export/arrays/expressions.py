"""Expressions as scripts for NumPy and for JAX have them.

They are evaluated in gradcli's engine while they are written: so shapes are known, and what takes part in a gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from gradcli.engine.device import np
from gradcli.engine.mode import set_grad_enabled
from gradcli.engine.tensor import Tensor
from gradcli.errors import Span, UserError
from gradcli.evaluate import CONSTANTS, Scope
from gradcli.export.arrays.table import REQUIRED, TABLE, Row, Template, Use, filled
from gradcli.export.names import Names
from gradcli.export.python import PLACE, call, changed, literal, method, name, with_children
from gradcli.export.script import STANDARD, Script, functions_in
from gradcli.ops.create import default_generator
from gradcli.record import Record, field, replace
from gradcli.report.model import Report
from gradcli.runner import Session
from gradcli.spec import tree
from gradcli.spec.steps import Expression, FunctionEntry, Spec

HELPERS = Path(__file__).with_name("helpers.py")
LARGEST = 1000  # elements of a tensor that a script has as numbers
GRAPH_ONLY = frozenset(
    {"grad_fn", "requires_grad", "is_leaf", "retains_grad", "_version", "next_functions", "name", "device"}
)
LIKE = ("ones_like", "zeros_like", "full_like")
FACTORIES = {
    "ones": "ones", "zeros": "zeros", "eye": "eye", "full": "full", "arange": "arange", "linspace": "linspace",
    "tensor": "array",
}  # fmt: skip
LEAST = {"full": 2, "linspace": 3}
JOINS = ("cat", "stack")
DRAWING = frozenset({
    "rand", "randn", "randint", "randperm", "rand_like", "randn_like", "randint_like", "normal", "bernoulli",
    "multinomial", "poisson",
})  # fmt: skip
DTYPES = frozenset({"float", "double", "half", "int", "long", "short", "bool"})
VARIADIC = frozenset({"reshape", "view", "permute", "expand"})
ALIASES = {"axis": "dim", "keepdims": "keepdim", "input": "self", "dims": "dim"}


class Item(Record):
    """A part of an expression: its tree in the script, and what it is in the engine."""

    tree: Any
    value: Any

    @property
    def active(self) -> bool:
        """Whether a gradient flows through it."""
        return isinstance(self.value, Tensor) and self.value.requires_grad


Keep = Callable[["Operation"], Item]


class Operation(Record):
    """An operation on tensors: its row, how it is used, the items it is used on, and its value."""

    row: Row
    use: Use
    items: dict[str, Item]
    value: Any


class Reading(Record):
    """How an expression is read: what its names are besides bindings, and who is told of operations with gradients."""

    expression: Expression
    scope: Scope
    local: dict[str, Item] = field(default_factory=dict)
    keep: Keep | None = None
    inside: bool = False  # a function, which sees `local` and params only


class Expressions:
    """The expressions of one document, for the `library` whose functions are those of `module`."""

    library = "numpy"
    module = "np"

    def __init__(self, spec: Spec, script: Script) -> None:
        self.spec = spec
        self.script = script
        self.names = Names(spec, ("np", "jnp", "jax", *STANDARD, *functions_in(HELPERS)))
        self.functions = {entry.name: entry for entry in spec.functions}
        self.session = Session(spec, Report(spec.source.name, spec.seed, spec.dtype, spec.device), None)
        self.gradients: dict[str, str] = {}  # the names of gradients, by those of their tensors
        self.constants: set[str] = set()  # read before a step binds their names
        self.loops = 0  # that are open
        self.span = Span(1, 1, 1, 1)
        self.stream = default_generator.get_state()

    @property
    def bindings(self) -> dict[str, Any]:
        return self.session.scope.bindings

    def unable(self, what: str, span: Span | None = None) -> UserError:
        return UserError("spec", f"{what}, which cannot be exported to {self.library}", span=span or self.span)

    def numbers(self, value: Tensor, what: str) -> Any:
        """A tensor as its numbers. An error if they are too many to be read."""
        array, dtype = value.array, self.dtype(value.dtype.name)
        if array.size > LARGEST:
            raise self.unable(f"{what} with {array.size:,} elements, more than a script can show")
        if not array.size:
            return call(f"{self.module}.zeros", tree.TupleOf(tuple(map(literal, array.shape)), **PLACE), dtype=dtype)
        if array.dtype.name in ("float16", "float32"):  # as few digits as tell the number
            array = np.array([float(str(one)) for one in array.ravel()]).reshape(array.shape)
        return call(f"{self.module}.array", self.literal(array.tolist()), dtype=dtype)

    def dtype(self, torch_name: str) -> Any:
        return name(f"{self.module}.{torch_name}" + ("_" if torch_name == "bool" else ""))

    def literal(self, value: Any) -> Any:
        return literal(value, self.module)

    def flat(self, expression: Expression, node: Any = None, **local: Item) -> Item:
        """An expression in one piece, of which no gradient is asked."""
        scope = self.session.scope
        if local:
            scope = scope.inside({**self.bindings, **{known: item.value for known, item in local.items()}})
        reading = Reading(expression, scope, local)
        with set_grad_enabled(False):
            return self.item(reading, expression.tree if node is None else node)

    def item(self, reading: Reading, node: Any) -> Item:
        if isinstance(node, tree.Name):
            return self.named(reading, node)
        if isinstance(node, tree.Constant):
            return Item(self.literal(node.value), node.value)
        if isinstance(node, tree.Attribute):
            return self.attribute(reading, node)
        if isinstance(node, tree.Call) and node.function in self.functions:
            return self.composed(reading, node)
        if isinstance(node, tree.Call) and node.function.rpartition(".")[2] in JOINS:
            return self.joined(reading, node)
        below = [self.item(reading, child) for child in node.children()]
        self.span = reading.expression.span(node)
        if isinstance(node, tree.Call) and draws_numbers(node.function.rpartition(".")[2]):
            return self.drawn(reading, node)
        trees = [one.tree for one in below]
        if isinstance(node, tree.Keyword | tree.Slice):
            return Item(with_children(node, trees), below[0].value if isinstance(node, tree.Keyword) else None)
        value = self.session.evaluate(reading.expression, node, reading.scope)
        on_tensors = any(isinstance(one.value, Tensor) or holds_tensors(one.value) for one in below)
        if isinstance(node, tree.ListOf | tree.TupleOf | tree.Logical) or not on_tensors:
            return self.plain(node, trees, value)
        if isinstance(node, tree.Subscript):
            if not isinstance(below[0].value, Tensor):
                return Item(with_children(node, trees), value)
            items = {"self": below[0], "index": below[1]}
            return self.operation(reading, TABLE["getitem"], items, value)
        return self.applied(reading, node, below, value)

    def drawn(self, reading: Reading, node: tree.Call) -> Item:
        """Random numbers: what is drawn at this place."""
        if self.loops or reading.local:
            raise self.unable(f"`{node.function}` in a loop, a hook or a function")
        default_generator.set_state(self.stream)
        value = self.session.evaluate(reading.expression, node, reading.scope)
        self.stream = default_generator.get_state()
        if not isinstance(value, Tensor) or value.requires_grad:
            raise self.unable(f"`{node.function}`")
        return Item(self.numbers(value, f"`{node.function}`"), value)

    def plain(self, node: Any, trees: list[Any], value: Any) -> Item:
        """What is no operation on tensors: numbers, lists, and calls that make tensors of them."""
        if isinstance(node, tree.Call):
            return Item(self.factory(node, trees, value), value)
        if isinstance(node, tree.Method):
            raise self.unable(f"`.{node.name}()` of what is no tensor")
        return Item(with_children(node, trees), value)

    def factory(self, node: tree.Call, trees: list[Any], value: Any) -> Any:
        bare = node.function.rpartition(".")[2]
        args = trees[: len(node.args)]
        if bare not in FACTORIES:
            raise self.unable(f"`{node.function}`")
        if bare in ("ones", "zeros"):
            sizes = args[0].items if len(args) == 1 and isinstance(args[0], tree.TupleOf | tree.ListOf) else args
            args = [sizes[0] if len(sizes) == 1 else tree.TupleOf(tuple(sizes), **PLACE)]
        if len(args) < LEAST.get(bare, 1) or any(word.name not in ("dtype", "requires_grad") for word in node.keywords):
            raise self.unable(f"`{node.function}` with these arguments")
        return call(f"{self.module}.{FACTORIES[bare]}", *args, dtype=self.dtype(value.dtype.name))

    def named(self, reading: Reading, node: tree.Name) -> Item:
        if node.id in reading.local:
            return reading.local[node.id]
        self.span = reading.expression.span(node)
        value = reading.scope.look_up(node.id)
        known = node.id in reading.scope.bindings or node.id in self.spec.params
        if not known and node.id in CONSTANTS:
            if node.id not in self.names.bound or reading.inside:
                return Item(name(f"{self.module}.{node.id}"), value)
            self.constants.add(node.id)
        if reading.inside and node.id in self.names.bound:  # a function does not see what a step has called so
            return Item(self.literal(value), value)
        if node.id in self.names.values:
            return Item(name(self.names.values[node.id]), value)
        return Item(self.dtype(value.name), value)

    def composed(self, reading: Reading, node: tree.Call) -> Item:
        """A call of a declared function: its expression, of what it is called with."""
        entry = self.functions[node.function]
        given = dict(zip(entry.parameters, [self.item(reading, one) for one in node.args], strict=False))
        given.update({word.name: self.item(reading, word.value) for word in node.keywords})
        scope = self.session.scope.inside({known: item.value for known, item in given.items()})
        if entry.backward is None or reading.keep is None or not any(item.active for item in given.values()):
            return self.item(Reading(entry.forward, scope, given, reading.keep, True), entry.forward.tree)
        value = self.session.evaluate(reading.expression, node, reading.scope)
        return self.operation(reading, self.claimed(entry, entry.backward, scope, given, value), given, value)

    def claimed(
        self, entry: FunctionEntry, backward: dict[str, Expression], scope: Scope, given: dict[str, Item], value: Tensor
    ) -> Row:
        """The row of a function that brings its own backward."""

        def forward(use: Use) -> Any:
            items = {known: Item(use.trees[known], item.value) for known, item in given.items()}
            return self.item(Reading(entry.forward, scope, items, None, True), entry.forward.tree).tree

        def gradient(formula: Expression) -> Callable[[Use], Any]:
            def filled_in(use: Use) -> Any:
                items = {known: Item(use.trees[known], item.value) for known, item in given.items()}
                items["grad"] = Item(use.grad, Tensor(np.zeros_like(value.array)))
                items["result"] = Item(use.result, value)
                inner = self.session.scope.inside({known: item.value for known, item in items.items()})
                with set_grad_enabled(False):
                    return self.item(Reading(formula, inner, items, None, True), formula.tree).tree

            return filled_in

        gradients = {parameter: gradient(formula) for parameter, formula in backward.items()}
        nothing = dict.fromkeys(entry.parameters, None)
        return Row(tuple((one, REQUIRED) for one in entry.parameters), forward, {**nothing, **gradients})

    def attribute(self, reading: Reading, node: tree.Attribute) -> Item:
        if node.name == "grad":
            return self.gradient_of(reading, node)
        below = self.item(reading, node.target)
        self.span = reading.expression.span(node)
        value = self.session.evaluate(reading.expression, node, reading.scope)
        if node.name == "T":
            return self.operation(reading, TABLE["t"], {"self": below}, value)
        if node.name in ("shape", "ndim", "dtype"):
            return Item(tree.Attribute(below.tree, node.name, **PLACE), value)
        if node.name == "data":
            return Item(below.tree, value)
        raise self.unable(f"`.{node.name}`")

    def gradient_of(self, reading: Reading, node: tree.Attribute) -> Item:
        own = self.owner(reading.expression, node.target)
        value = self.session.evaluate(reading.expression, node)
        known = self.gradients.get(own)
        if known is None and value is not None:
            raise self.unable("a gradient that was not asked for here")
        return Item(self.literal(None) if known is None else name(known), value)

    def owner(self, expression: Expression, target: Any) -> str:
        """The name of a tensor: of several the first."""
        self.span = expression.span(target)
        value = self.session.evaluate(expression, target)
        for known, bound in self.bindings.items():
            if bound is value:
                return known
        raise self.unable("the gradient of a tensor without a name")

    def applied(self, reading: Reading, node: Any, below: list[Item], value: Any) -> Item:
        """An operator, a function or a method, on what is below it."""
        if isinstance(node, tree.Operator):
            written, args, words = node.name, below, {}
        else:
            written = node.function.rpartition(".")[2] if isinstance(node, tree.Call) else node.name
            count = len(node.args) + isinstance(node, tree.Method)
            args = below[:count]
            words = {word.name: item for word, item in zip(node.keywords, below[count:], strict=True)}
        if written in LIKE:
            if words or len(args) < (2 if written == "full_like" else 1):
                raise self.unable(f"`{written}` with these arguments")
            return Item(call(f"{self.module}.{written}", *(one.tree for one in args)), value)
        if written in ("item", "tolist") and isinstance(node, tree.Method):
            return Item(method(args[0].tree, written), value)
        if written == "requires_grad_":
            return Item(args[0].tree, value)
        if written in DTYPES and not args[0].active:
            return Item(method(args[0].tree, "astype", self.dtype(value.dtype.name)), value)
        if written == "where" and isinstance(node, tree.Method) and len(args) > 1:
            args = [args[1], args[0], *args[2:]]
        row = TABLE.get(written)
        if row is None:
            raise self.unable(f"`{written}`")
        if written in VARIADIC and len(args) > 2:
            sizes = tree.TupleOf(tuple(one.tree for one in args[1:]), **PLACE)
            args = [args[0], Item(sizes, [one.value for one in args[1:]])]
        names = [parameter for parameter, _ in row.parameters]
        given = dict(zip(names, args, strict=False))
        for word, item in words.items():
            own = ALIASES.get(word, word) if word not in names else word
            if own not in names:
                raise self.unable(f"`{word}` of `{written}`")
            given[own] = Item(item.tree.value, item.value)
        missing = [known for known, default in row.parameters if default is REQUIRED and known not in given]
        along_tensor = "dim" in given and isinstance(given["dim"].value, Tensor)
        if len(args) > len(names) or missing or along_tensor:
            raise self.unable(f"`{written}` with these arguments")
        return self.operation(reading, row, given, value)

    def joined(self, reading: Reading, node: tree.Call) -> Item:
        """Tensors put together: each has its part of the gradient."""
        written = node.function.rpartition(".")[2]
        words = {word.name: word.value for word in node.keywords}
        given = [*node.args[1:], *(words.pop(word) for word in ("dim", "axis") if word in words)]
        listed = node.args[0] if node.args else None
        if not isinstance(listed, tree.ListOf | tree.TupleOf) or words or len(given) > 1:
            raise self.unable(f"`{written}` with these arguments", reading.expression.span(node))
        dim = self.item(reading, given[0]) if given else Item(literal(0), 0)
        parts = [self.item(reading, one) for one in listed.items]
        items = {f"part{place}": part for place, part in enumerate(parts)}
        value = self.session.evaluate(reading.expression, node, reading.scope)
        gradients: dict[str, Template | None] = {}
        start, before = 0, ":, " * (dim.value % value.ndim)
        for known, part in items.items():
            size = part.value.shape[dim.value] if written == "cat" else 1
            gradients[known] = f"grad[{before}{start}:{start + size}]" if written == "cat" else f"grad[{before}{start}]"
            start += size
        together = f"np.{'concatenate' if written == 'cat' else 'stack'}([{', '.join(items)}], axis=dim)"
        parameters = tuple((known, REQUIRED) for known in (*items, "dim"))
        return self.operation(reading, Row(parameters, together, gradients), {**items, "dim": dim}, value)

    def operation(self, reading: Reading, row: Row, items: dict[str, Item], value: Any) -> Item:
        if isinstance(value, tuple | list):
            raise self.unable("an operation with several results")
        defaults = {parameter: default for parameter, default in row.parameters if parameter not in items}
        trees = {known: self.literal(default) for known, default in defaults.items()}
        trees.update({known: item.tree for known, item in items.items()})
        values = defaults | {known: item.value for known, item in items.items()}
        made = Operation(row, Use(trees, values), items, value)
        if reading.keep is not None and isinstance(value, Tensor) and value.requires_grad:
            return reading.keep(made)
        return Item(self.forward(made), value)

    def forward(self, operation: Operation) -> Any:
        """The operation as a tree, in the dtype that torch gives it."""
        made = self.in_module(filled(operation.row.forward, operation.use))
        value, chosen = operation.value, ("condition", "index")
        tensors = [item.value for known, item in operation.items.items() if known not in chosen]
        dtypes = {one.dtype.name for one in tensors if isinstance(one, Tensor)}
        if not isinstance(value, Tensor) or value.dtype.kind != "f" or dtypes - {"bool"} == {value.dtype.name}:
            return made
        return method(made, "astype", self.dtype(value.dtype.name))

    def in_module(self, made: Any) -> Any:
        if self.module == "np":
            return made
        return changed(made, lambda node: replace(node, id=self.module) if is_numpy(node) else node)


def is_grad(node: Any) -> bool:
    return isinstance(node, tree.Attribute) and node.name == "grad"


def holds_tensors(value: Any) -> bool:
    return isinstance(value, list | tuple) and any(isinstance(one, Tensor) for one in value)


def asks_the_graph(root: Any) -> bool:
    """Whether an expression reads what only a graph has."""
    return any(isinstance(node, tree.Attribute) and node.name in GRAPH_ONLY for node in tree.walk(root))


def draws_numbers(function: str) -> bool:
    return function in DRAWING


def draws(root: Any) -> bool:
    """Whether the value of an expression is random."""
    return any(
        (isinstance(node, tree.Call) and draws_numbers(node.function.rpartition(".")[2])) or is_drawing_method(node)
        for node in tree.walk(root)
    )


def is_drawing_method(node: Any) -> bool:
    return isinstance(node, tree.Method) and node.name in ("normal_", "uniform_", "random_", "bernoulli_", "bernoulli")


def is_numpy(node: Any) -> bool:
    return isinstance(node, tree.Name) and node.id == "np"
