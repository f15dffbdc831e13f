"""Expressions as scripts for NumPy and for JAX have them.

They are evaluated in gradcli's engine while they are written: so shapes are known, and what takes part in a gradient.
What is written for each is the text of the rows that the engine called, be it an operation or a composition of many.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from pathlib import Path
from typing import Any, ClassVar

from gradcli.engine.device import np
from gradcli.engine.mode import set_grad_enabled
from gradcli.engine.tensor import Tensor
from gradcli.errors import Span, UserError
from gradcli.evaluate import CONSTANTS, OF_TORCH, applied, fields_of
from gradcli.export.arrays.items import (
    GRAPH_ONLY,
    Item,
    Keep,
    Operation,
    Reading,
    Trees,
    is_simple,
    numbers_in_arguments,
    part_of,
    short,
    tensors_in,
    type_of_list,
    used_twice,
    written_in,
)
from gradcli.export.arrays.picked import Index, picked
from gradcli.export.arrays.table import PLAIN, filled, forward_of
from gradcli.export.arrays.texts import Template, Use
from gradcli.export.arrays.watch import RESHAPING, Called, MarkedFloat, MarkedInt, Watch, marked
from gradcli.export.kinds import NUMBERS
from gradcli.export.names import Names
from gradcli.export.python import PLACE, call, changed, literal, method, name, source, with_children
from gradcli.export.script import STANDARD, Script, functions_in
from gradcli.ops.create import default_generator
from gradcli.ops.views import View
from gradcli.record import replace
from gradcli.report.model import Report
from gradcli.runner import Session
from gradcli.spec import tree
from gradcli.spec.steps import Expression, FunctionEntry, Spec

HELPERS = frozenset(functions_in(Path(__file__).with_name("helpers.py")))
LARGEST = 1000  # elements of a tensor that a script has as numbers
FACTORIES = {
    "ones": "ones", "zeros": "zeros", "eye": "eye", "full": "full", "arange": "arange", "linspace": "linspace",
    "tensor": "array",
}  # fmt: skip
CHOOSING = ("condition", "index", "indices", "mask")  # operands that have no part in the dtype of the result
DERIVATIVES = frozenset({"grad", "jacobian", "hessian", "vjp", "jvp", "hvp"})
LEAST = {"full": 2, "linspace": 3}


class Expressions(ABC):
    """The expressions of one document, for the `target` whose functions are those of `module`."""

    target = "numpy"
    module = "np"
    helpers = Path(__file__).with_name("helpers.py")
    texts: ClassVar[dict[str, Template]] = {}

    def __init__(self, spec: Spec, script: Script, watch: Watch) -> None:
        self.spec = spec
        self.script = script
        self.watch = watch
        self.names = Names(spec, ("np", "jnp", "jax", "special", *STANDARD, *functions_in(self.helpers)))
        self.functions = {entry.name: entry for entry in spec.functions}
        self.session = Session(spec, Report(spec.source.name, spec.seed, spec.dtype, spec.device), None)
        self.gradients: dict[str, str] = {}  # the names of gradients, by those of their tensors
        self.tuples: dict[str, Any] = {}  # the variables that stand for several tensors with gradients
        self.constants: set[str] = set()  # read before a step binds their names
        self.varying: list[set[str]] = []  # the names that each open loop changes
        self.written = ""  # what is being written is called so
        self.showing = False  # whether no gradient will flow through what is read
        self.span = Span(1, 1, 1, 1)
        self.stream = default_generator.get_state()

    @property
    def bindings(self) -> dict[str, Any]:
        return self.session.scope.bindings

    def unable(self, what: str, span: Span | None = None) -> UserError:
        return UserError("spec", f"{what}, which cannot be exported to {self.target}", span=span or self.span)

    def unable_in_loop(self, what: str, span: Span | None = None) -> UserError:
        """An error for what a loop cannot have, but its rounds can one by one."""
        return self.unable(what, span)

    # Values

    def numbers(self, value: Tensor, what: str) -> Any:
        """A tensor as its numbers. An error if they are too many to be read."""
        array, dtype = value.array, self.dtype(value.dtype.name)
        if array.size > LARGEST:
            raise self.unable(f"{what} with {array.size:,} elements, more than a script can show")
        if not array.size:
            return call(f"{self.module}.zeros", tree.TupleOf(tuple(map(literal, array.shape)), **PLACE), dtype=dtype)
        if array.size > 1 and len({*map(repr, array.ravel().tolist())}) == 1:
            shape = tree.TupleOf(tuple(map(literal, array.shape)), **PLACE)
            return call(f"{self.module}.full", shape, self.literal(short(array.ravel()[:1]).item()), dtype=dtype)
        return call(f"{self.module}.array", self.literal(short(array).tolist()), dtype=dtype)

    def dtype(self, torch_name: str) -> Any:
        if torch_name == "bfloat16":
            raise self.unable("`bfloat16`")
        return name(f"{self.module}.{torch_name}" + ("_" if torch_name == "bool" else ""))

    def literal(self, value: Any) -> Any:
        """A value of the engine's that is no tensor of the script's, as a tree."""
        if isinstance(value, MarkedInt | MarkedFloat | Index):
            return value.tree
        if isinstance(value, Tensor):
            if value.ndim:
                return self.numbers(value, "a tensor")
            return self.literal(short(value.array).item())
        if isinstance(value, np.dtype):
            return self.dtype(value.name)
        if isinstance(value, tuple):
            return tree.TupleOf(tuple(map(self.literal, value)), **PLACE)
        if isinstance(value, list):
            return tree.ListOf(tuple(map(self.literal, value)), **PLACE)
        if isinstance(value, slice):
            bounds = [None if one is None else self.literal(one) for one in (value.start, value.stop, value.step)]
            return tree.Slice(*bounds, **PLACE)
        return literal(value, self.module)

    def argument(self, value: Any, trees: Trees) -> Any:
        """What a row is called with, as a tree."""
        if isinstance(value, Tensor):
            known = trees.of(value)
            if known is None and self.varying and len(np.unique(value.array)) > 1:
                raise self.unable_in_loop("numbers that may change in a loop")
            return self.literal(value) if known is None else known
        if isinstance(value, list | tuple) and any(isinstance(one, Tensor) for one in value):
            items = tuple([self.argument(one, trees) for one in value])
            return type_of_list(value)(items, **PLACE)
        return self.literal(value)

    # Expressions

    def flat(self, expression: Expression, node: Any = None, lines: bool = True, **local: Item) -> Item:
        """An expression whose value is needed, but no gradient through it."""
        node = expression.tree if node is None else node
        keep = self.keep if any(map(self.differentiates, tree.walk(node))) else None
        reading = Reading(expression, self.session.scope, local, keep, lines=lines)
        before, self.showing = self.showing, True
        with set_grad_enabled(keep is not None):
            found = self.item(reading, node)
        self.showing = before
        return Item(found.tree, found.value.detach()) if isinstance(found.value, Tensor) else found

    keep: Keep | None = None

    def read(self, reading: Reading, *, records: bool) -> Item:
        """A whole expression; whether what it does is recorded by the engine."""
        with set_grad_enabled(records):
            return self.item(reading, reading.expression.tree)

    def item(self, reading: Reading, node: Any) -> Item:
        if isinstance(node, tree.Name):
            return self.named(reading, node)
        if isinstance(node, tree.Constant):
            return Item(self.literal(node.value), node.value)
        if isinstance(node, tree.Attribute):
            return self.attribute(reading, node)
        if isinstance(node, tree.Call) and node.function in self.functions:
            return self.composed(reading, node)
        if isinstance(node, tree.Keyword):
            return self.item(reading, node.value)
        below = [self.item(reading, child) for child in node.children()]
        self.span = reading.expression.span(node)
        trees = [one.tree for one in below]
        if isinstance(node, tree.Logical):
            value = self.session.evaluate(reading.expression, node, reading.scope)
            return Item(with_children(node, trees), value)
        on_tensors = any(True for one in below for _ in tensors_in(one.value))
        if self.differentiates(node):
            return self.differential(reading, node, below)
        values = [one.value for one in below]
        if on_tensors and not isinstance(node, tree.ListOf | tree.TupleOf):
            values = [marked(one.value, one.tree) for one in below]
        value, calls = self.watch.during(lambda: self.applied(reading, node, values))
        if isinstance(node, tree.ListOf | tree.TupleOf | tree.Slice):
            return Item(with_children(node, trees), value)
        if isinstance(node, tree.Subscript):
            return self.subscript(reading, node, below, value)
        if not on_tensors and not any(one.op.draws for one in calls):
            return self.plain(node, trees, value)
        written = written_in(node)
        if not any(True for _ in tensors_in(value)) and not isinstance(value, list | tuple):
            return self.number(node, below, value)
        if written == "requires_grad_":
            return Item(trees[0], value)
        if isinstance(node, tree.Operator) and reading.keep is None and value.dtype.kind == "f":
            operands = {str(place): one for place, one in enumerate(below)}
            return Item(self.in_dtype(operands, with_children(node, trees), value), value)
        return self.traced(reading, below, calls, value, written)

    def applied(self, reading: Reading, node: Any, values: list[Any]) -> Any:
        """The value of a node; what is random comes from the stream of the spec, wherever the engine is."""
        default_generator.set_state(self.stream)
        try:
            return applied(node, values, reading.scope)
        except UserError as error:
            self.session.locate(error, reading.expression)
            raise
        finally:
            before, self.stream = self.stream, default_generator.get_state()
            if self.varying and (self.stream.words, self.stream.next_normal) != (before.words, before.next_normal):
                raise self.unable_in_loop("what is random in a loop")

    def traced(self, reading: Reading, below: list[Item], calls: list[Called], value: Any, written: str) -> Item:
        """What rows give, one after the other, of the items below."""
        trees = Trees()
        for one in below:
            trees.add_all(one.value, one.tree)
        self.check_numbers(below, calls)
        before = {id(made.overwritten): trees.of(made.overwritten) for made in calls if made.overwritten is not None}
        self.follow(calls, trees, [value], reading.keep, reading.lines, written)
        changed = {id(made.overwritten): made.overwritten for made in calls if made.overwritten is not None}
        for known, tensor in changed.items():
            if before[known] is not None:
                self.check_shown(tensor)
                self.overwrite(tensor, before[known], trees)
        if isinstance(value, Tensor) and trees.of(value) is None:
            if self.varying:
                raise self.unable_in_loop(f"`{written}` in a loop")
            return Item(self.numbers(value, f"`{written}`"), value)
        return Item(self.argument(value, trees), value)

    @abstractmethod
    def overwrite(self, changed: Tensor, before: Any, trees: Trees) -> None:
        """Let what a tensor has been called `before` it was changed in place mean what it is now."""

    def sharing(self, tensor: Tensor) -> list[str]:
        """The names with the memory of a tensor, or a part of it."""
        bound = [(known, value) for known, value in self.bindings.items() if isinstance(value, Tensor)]
        return [known for known, value in bound if np.shares_memory(value.memory, tensor.memory)]

    def check_shown(self, changed: Tensor) -> None:
        """An error if a name stands for the conjugate of what is changed in place: that of a script stays as it is."""
        sharing = self.sharing(changed)
        if len(sharing) > 1 and any(self.bindings[known].mirror is not None for known in sharing):
            raise self.unable("a change in place of what a conjugate shows")

    def follow(
        self, calls: list[Called], trees: Trees, wanted: list[Any], keep: Keep | None, lines: bool, written: str
    ) -> None:
        """Give the results of calls their trees."""
        used = Counter(id(one) for made in calls for one in tensors_in([*made.arguments.values()]))
        used.update(id(one) for one in tensors_in(wanted))
        for made in calls:
            if made.overwritten is not None:
                before = made.arguments["self"]
                trees.add(before, trees.of(made.overwritten) or self.literal(before))
            arguments = {known: self.argument(given, trees) for known, given in made.arguments.items()}
            operation = Operation(made.op, arguments, made.arguments, made.results)
            if made.drawn:
                operation.drawn = [self.numbers(drawn, f"`{written}`") for drawn in made.drawn]
            flows = operation.active and any(Item(None, one).active for one in made.results)
            if keep is not None and flows and made.recorded:
                items = list(keep(operation))
            elif keep is not None and flows and made.overwritten is not None:
                items = [
                    Item(self.renumbered(arguments["self"], self.forward(operation, written)[0].tree), made.results[0])
                ]
            else:
                items = self.forward(operation, written)
            for one, result in zip(items, made.results, strict=True):
                if lines and used[id(result)] > 1 and not is_simple(one.tree):
                    one.tree = self.helped(one.tree)
            for one, result in zip(items, made.results, strict=True):
                trees.add(result, one.tree)
            if made.overwritten is not None:
                trees.add(made.overwritten, items[0].tree)
            if isinstance(made.overwritten, View) and made.op.name not in RESHAPING:
                self.write_through(made.overwritten, arguments["self"], items[0].tree, trees)

    @abstractmethod
    def renumbered(self, before: Any, made: Any) -> Any:
        """A tensor of the graph that has been changed unrecorded: it stays where it is, with other numbers."""

    def write_through(self, view: View, before: Any, after: Any, trees: Trees) -> None:
        """Let the base of a view that has been overwritten have its numbers, too."""
        base = trees.of(view.base)
        while base is not None and source(before) != source(base):
            if isinstance(before, tree.Subscript):
                index = tree.Subscript(name("np.s_"), before.index, **PLACE)
                before, after = before.target, call("with_set", before.target, index, after)
            elif isinstance(before, tree.Method) and before.name == "diagonal" and source(before.target) == self.module:
                before, after = before.args[0], call("diagonal_set", *before.args, after)
            else:
                base = None
        if base is None:
            raise self.unable("a change in place of a part of a tensor")
        trees.add(view.base, self.completed(after))

    def check_numbers(self, below: list[Item], calls: list[Called]) -> None:
        """In a loop, a number that changes with it must have come as it is to some row."""
        changing = {self.names.values.get(known, known) for open_loop in self.varying for known in open_loop}
        for one in below if changing else ():
            if any(True for _ in tensors_in(one.value)) or isinstance(one.tree, tree.Constant):
                continue
            named = {node.id for node in tree.walk(one.tree) if isinstance(node, tree.Name)}
            given = [value for known in calls for value in numbers_in_arguments(known.arguments)]
            if named & changing and not any(part is one.tree for value in given for part in tree.walk(value.tree)):
                raise self.unable_in_loop("a number that changes in a loop")

    @abstractmethod
    def helped(self, made: Any) -> Any:
        """A variable for what is needed more than once."""

    def forward(self, operation: Operation, written: str) -> list[Item]:
        """The results of an operation as trees."""
        made = self.forms(operation, written)
        if len(made) < len(operation.results):
            whole = self.helped(made[0])
            made = [tree.Subscript(whole, literal(place), **PLACE) for place in range(len(operation.results))]
        return [Item(one, result) for one, result in zip(made, operation.results, strict=True)]

    def forms(self, operation: Operation, written: str) -> list[Any]:
        """The results of an operation as trees, in the dtypes that torch gives them; or the tree of all of them."""
        if operation.drawn is not None:
            return operation.drawn
        if isinstance(operation.op, FunctionEntry):
            return [self.claimed(operation.op, operation.trees, operation.values)]
        use = Use(operation.trees, operation.values, operation.results)
        self.written = written.lstrip("_")
        text = forward_of(operation.op, use, self.texts)
        if text is None:
            raise self.unable(f"`{self.written}`")
        for word in used_twice(text):
            if isinstance(use.values.get(word), Tensor) and not is_simple(use.trees[word]) and not self.showing:
                use.trees[word] = self.helped(use.trees[word])
        parts = text if isinstance(text, list) else [text]
        made = [self.completed(filled(part, use)) for part in parts]
        if len(made) < len(operation.results):
            return made
        operands = {known: Item(made, operation.values[known]) for known, made in operation.trees.items()}
        return [self.in_dtype(operands, *pair) for pair in zip(made, operation.results, strict=True)]

    def completed(self, made: Any) -> Any:
        """A tree of the table's for this library, with the helpers that it calls."""
        for node in tree.walk(made):
            if isinstance(node, tree.Call) and node.function in HELPERS:
                if node.function not in self.script.helpers:
                    raise self.unable(f"`{self.written}`")
                self.script.need(node.function)
            if isinstance(node, tree.Name) and node.id == "special":
                self.script.imports.add("special")
        return made if self.module == "np" else changed(made, self.in_module)

    def in_module(self, node: Any) -> Any:
        """A node with this library's module for NumPy's."""
        if isinstance(node, tree.Attribute) and source(node) == f"{self.module}.lib":
            raise self.unable("a view of windows")
        if isinstance(node, tree.Name) and node.id.partition(".")[0] == "np":
            return replace(node, id=self.module + node.id[2:])
        if isinstance(node, tree.Call) and node.function.startswith("np."):
            return replace(node, function=self.module + node.function[2:])
        return node

    def in_dtype(self, operands: dict[str, Item], made: Any, value: Tensor) -> Any:
        """What NumPy would give another dtype than torch."""
        dtypes = {
            one.dtype.name
            for known, item in operands.items()
            for one in tensors_in(item.value)
            if known not in CHOOSING and not (one.ndim == 0 and isinstance(item.tree, tree.Constant))
        }
        if value.dtype.kind not in "fc" or not dtypes or dtypes - {"bool"} == {value.dtype.name}:
            return made
        if isinstance(made, tree.Method) and made.name == "astype":
            return made
        return method(made, "astype", self.dtype(value.dtype.name))

    def plain(self, node: Any, trees: list[Any], value: Any) -> Item:
        """What is no operation on tensors: numbers, lists, and calls that make tensors of them."""
        if isinstance(node, tree.Call):
            made = self.factory(node, trees, value)
            if made is None:
                if self.varying and not all(isinstance(one, tree.Constant) for one in trees):
                    raise self.unable_in_loop(f"`{node.function}` in a loop")
                if node.function in NUMBERS:
                    return Item(with_children(node, trees), value)
                if not any(True for _ in tensors_in(value)):
                    raise self.unable(f"`{node.function}`")
                made = self.numbers(value, f"`{node.function}`") if isinstance(value, Tensor) else self.literal(value)
            return Item(made, value)
        if isinstance(node, tree.Method):
            raise self.unable(f"`.{node.name}()` of what is no tensor")
        return Item(with_children(node, trees), value)

    def factory(self, node: tree.Call, trees: list[Any], value: Any) -> Any:
        """A call that makes a tensor, in NumPy's words; None if it has none that would do."""
        bare = node.function.rpartition(".")[2]
        args = trees[: len(node.args)]
        if bare not in FACTORIES:
            return None
        if bare in ("ones", "zeros"):
            sizes = args[0].items if len(args) == 1 and isinstance(args[0], tree.TupleOf | tree.ListOf) else args
            args = [sizes[0] if len(sizes) == 1 else tree.TupleOf(tuple(sizes), **PLACE)]
        if len(args) < LEAST.get(bare, 1) or any(word.name not in ("dtype", "requires_grad") for word in node.keywords):
            return None
        return call(f"{self.module}.{FACTORIES[bare]}", *args, dtype=self.dtype(value.dtype.name))

    def number(self, node: Any, below: list[Item], value: Any) -> Item:
        """What is asked of tensors and is none itself."""
        written = written_in(node)
        if written in ("item", "tolist"):
            return Item(method(below[0].tree, written), value)
        text = PLAIN.get(written)
        if text is not None and len(below) == text.count("{"):
            given = {key: one.tree for key, one in zip(("self", "other"), below, strict=False)}
            return Item(self.completed(filled(text.replace("{", "").replace("}", ""), Use(given, {}, ()))), value)
        if self.varying:
            raise self.unable_in_loop(f"`{written}` in a loop")
        return Item(self.literal(value), value)

    def subscript(self, reading: Reading, node: tree.Subscript, below: list[Item], value: Any) -> Item:
        target, index = below
        if not isinstance(target.value, Tensor):
            if isinstance(target.tree, tree.TupleOf | tree.ListOf) and isinstance(index.value, int):
                return Item(part_of(target.tree, index.value), value)
            return Item(with_children(node, [target.tree, index.tree]), value)
        trees = {"self": target.tree, "index": index.tree}
        values = {"self": target.value, "index": Index(index.tree, index.value)}
        operation = Operation(picked, trees, values, (value,))
        if reading.keep is not None and value.requires_grad:
            return reading.keep(operation)[0]
        return self.forward(operation, "[]")[0]

    def named(self, reading: Reading, node: tree.Name) -> Item:
        if node.id in reading.local:
            return reading.local[node.id]
        self.span = reading.expression.span(node)
        value = reading.scope.look_up(node.id)
        if node.id in OF_TORCH:
            return Item(name(node.id.replace("torch", self.module)), value)
        known = node.id in reading.scope.bindings or node.id in self.spec.params
        if not known and node.id in CONSTANTS:
            if node.id not in self.names.bound or reading.inside:
                return Item(name(f"{self.module}.{node.id}"), value)
            self.constants.add(node.id)
        if reading.inside and node.id in self.names.bound:  # a function does not see what a step has called so
            return Item(self.literal(value), value)
        if node.id in self.names.values:
            parts = self.tuples.get(self.names.values[node.id])
            return Item(name(self.names.values[node.id]) if parts is None else parts, value)
        return Item(self.dtype(value.name), value)

    def composed(self, reading: Reading, node: tree.Call) -> Item:
        """A call of a declared function: its expression, of what it is called with."""
        entry = self.functions[node.function]
        given = dict(zip(entry.parameters, [self.item(reading, one) for one in node.args], strict=False))
        given.update({word.name: self.item(reading, word.value) for word in node.keywords})
        scope = self.session.scope.inside({known: item.value for known, item in given.items()})
        active = reading.keep is not None and any(item.active for item in given.values())
        if entry.backward is None or not active:
            inside = Reading(entry.forward, scope, given, reading.keep, True, reading.lines)
            return self.item(inside, entry.forward.tree)
        default_generator.set_state(self.stream)
        value = self.session.evaluate(
            reading.expression,
            node,
            reading.scope.inside(
                {**reading.scope.bindings, **{known: item.value for known, item in reading.local.items()}}
            ),
        )
        trees = {known: item.tree for known, item in given.items()}
        values = {known: item.value for known, item in given.items()}
        assert reading.keep is not None
        return reading.keep(Operation(entry, trees, values, (value,)))[0]

    def claimed(self, entry: FunctionEntry, trees: dict[str, Any], values: dict[str, Any]) -> Any:
        """The forward of a function that brings its own backward, as a tree."""
        items = {known: Item(trees[known], values[known]) for known in entry.parameters}
        scope = self.session.scope.inside(values)
        with set_grad_enabled(False):
            return self.item(Reading(entry.forward, scope, items, None, True), entry.forward.tree).tree

    def attribute(self, reading: Reading, node: tree.Attribute) -> Item:
        if node.name == "grad":
            return self.gradient_of(reading, node)
        below = self.item(reading, node.target)
        self.span = reading.expression.span(node)
        if node.name in GRAPH_ONLY:
            value = self.applied(reading, node, [below.value])
            if not isinstance(value, bool | int | str) or self.varying:
                raise self.unable(f"`.{node.name}`")
            return Item(self.literal(value), value)
        value, calls = self.watch.during(lambda: self.applied(reading, node, [below.value]))
        if node.name in ("shape", "ndim", "dtype"):
            return Item(tree.Attribute(below.tree, node.name, **PLACE), value)
        if node.name == "data":
            return Item(below.tree, value)
        if isinstance(below.value, tuple):
            return Item(part_of(below.tree, fields_of(below.value).index(node.name)), value)
        return self.traced(reading, [below], calls, value, node.name)

    def gradient_of(self, reading: Reading, node: tree.Attribute) -> Item:
        own = self.owner(reading.expression, node.target)
        value = self.session.evaluate(reading.expression, node)
        known = self.gradients.get(own)
        if known is None and value is not None:
            raise self.unable("a gradient that was not asked for here")
        return Item(self.literal(None) if known is None else name(known), value)

    def in_lists(self) -> list[Tensor]:
        """The tensors in lists that have names."""
        return list(tensors_in([value for value in self.bindings.values() if not isinstance(value, Tensor)]))

    def owner(self, expression: Expression, target: Any) -> str:
        """The name of a tensor: of several the first."""
        self.span = expression.span(target)
        value = self.session.evaluate(expression, target)
        for known, bound in self.bindings.items():
            if bound is value:
                return known
        raise self.unable("the gradient of a tensor without a name")

    def differentiates(self, node: Any) -> bool:
        """Whether a node asks for a derivative."""
        return isinstance(node, tree.Call) and written_in(node) in DERIVATIVES and node.function not in self.functions

    def derivative(self, reading: Reading, node: tree.Call, below: list[Item]) -> Any:
        """What the engine gives for a derivative."""
        before = {own: self.bindings[own].grad for own in self.gradients}
        value, _ = self.watch.during(lambda: self.applied(reading, node, [one.value for one in below]))
        if any(self.bindings[own].grad is not had for own, had in before.items()):
            raise self.unable(f"`{written_in(node)}` that leaves gradients on its way")
        return value

    def differential(self, reading: Reading, node: tree.Call, below: list[Item]) -> Item:
        """A derivative that is asked for in an expression."""
        raise self.unable(f"`{node.function}`")
