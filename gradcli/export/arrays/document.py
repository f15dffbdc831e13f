"""What scripts for NumPy and for JAX have in common: declarations, expressions and steps without gradients.

The steps are taken in gradcli's engine while they are written, loops once: so shapes are known, and what takes part in
a gradient.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

from gradcli.engine.device import load_numpy, np
from gradcli.engine.dtypes import TYPE_NAMES, default_dtype
from gradcli.engine.mode import set_grad_enabled
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.export.arrays.items import Item, asks_the_graph, is_grad, part_of, written_in
from gradcli.export.arrays.loops import InLoop, Looping
from gradcli.export.arrays.watch import Watch, watching
from gradcli.export.loads import extension_of, numbers_in
from gradcli.export.names import trees_in
from gradcli.export.python import PLACE, SIGNS, call, literal, method, name, source
from gradcli.export.script import Script
from gradcli.ops.create import default_generator
from gradcli.spec import steps, tree
from gradcli.spec.document import expand
from gradcli.spec.steps import Expression, Literal, Load, Spec, Step, TensorEntry
from gradcli.verify.expectations import tolerances


def written(
    specs: Sequence[Spec],
    document: type[ArrayDocument],
    imports: dict[str, str],
    needed: set[str],
    head: Sequence[str],
) -> str:
    """The script of all documents of a file. Raises UserError for what has no counterpart."""
    single = [one for spec in specs for one in expand(spec)]
    unrolled: set[int] = set()
    with watching() as watch:
        while True:
            made = Script(document.helpers)
            made.imports |= needed
            made.lines += head
            try:
                for spec in single:
                    made.gap(2 if len(single) > 1 else 1)
                    if len(single) > 1:
                        made.comment(spec.title or spec.source.name)
                    document(spec, made, watch, unrolled).write()
            except InLoop as error:
                if id(error.loop) in unrolled:
                    raise
                unrolled.add(id(error.loop))
            else:
                return made.text(imports, title=single[0].title if len(single) == 1 else None)


class ArrayDocument(Looping):
    """One document of a file, being written; loops in `unrolled` round by round."""

    def __init__(self, spec: Spec, script: Script, watch: Watch, unrolled: set[int]) -> None:
        super().__init__(spec, script, watch, unrolled)
        self.top = 0  # the line of the script that constants are given in
        self.rows = spec.source.text.splitlines()

    def write(self) -> None:
        """Write the document, and take its steps. Raises UserError for what has no counterpart, and what fails."""
        load_numpy()
        before = default_dtype.name
        default_dtype.name = self.spec.dtype
        try:
            with np.errstate(all="ignore"):
                self.declare()
                with set_grad_enabled(True):
                    self.write_steps(self.spec.pipeline)
            constants = [f"{self.names.values[one]} = {self.module}.{one}" for one in sorted(self.constants)]
            self.script.lines[self.top : self.top] = constants
        except RecursionError:
            raise self.unable("an expression that is nested so deep") from None
        finally:
            default_dtype.name = before

    # Declarations

    def declare(self) -> None:
        spec, script = self.spec, self.script
        pipeline, spec.pipeline[:] = list(spec.pipeline), []
        self.session.run()
        default_generator.manual_seed(spec.seed)
        self.stream = default_generator.get_state()
        spec.pipeline[:] = pipeline
        for param, value in spec.params.items():
            script.statement(f"{self.names.values[param]} = ", self.literal(value))
        self.top = len(script.lines)
        script.gap()
        for entry in spec.tensors:
            self.comments(entry.span.line)
            self.span = entry.span
            value = self.bindings[entry.name]
            script.statement(f"{self.names.values[entry.name]} = ", self.declared(entry, value))
        for entry in spec.tensors:
            if self.bindings[entry.name].requires_grad:
                self.begin_gradient(entry.name)
        script.gap()

    def is_leaf_of_its_own(self, item: Item) -> bool:
        """Whether an item that gets a name is a leaf that has no other."""
        return (
            item.active
            and isinstance(item.value, Tensor)
            and item.value.is_leaf
            and all(item.value is not one for one in self.bindings.values())
        )

    def is_alias(self, item: Item) -> bool:
        """Whether an item that gets a name is a tensor that has one, and will have it as long as that is needed."""
        if self.varying or not isinstance(item.tree, tree.Name):
            return False
        known = [one for one, value in self.bindings.items() if value is item.value]
        if not any(self.names.values[one] == item.tree.id for one in known):
            return False
        self.live.add((item.tree.id, self.stamp(item.tree.id)))
        return True

    def begin_gradient(self, tensor: str) -> None:
        if tensor not in self.gradients:
            self.gradients[tensor] = self.names.fresh(f"{self.names.values[tensor]}_grad")
        self.state[tensor] = "none"
        self.script.line(f"{self.gradients[tensor]} = None")

    def declared(self, entry: TensorEntry, value: Tensor) -> Any:
        dtype = self.dtype(value.dtype.name)
        data = entry.data
        if isinstance(data, Load) and extension_of(data) != "safetensors":
            return call(f"{self.module}.array", numbers_in(data, self.spec, self.script), dtype=dtype)
        if isinstance(data, Expression):
            found = self.flat(data)
            is_made = isinstance(found.tree, tree.Call) and any(word.name == "dtype" for word in found.tree.keywords)
            if is_made and found.value.dtype == value.dtype:
                return found.tree
            return call(f"{self.module}.array", found.tree, dtype=dtype)
        return self.numbers(value, f"`{entry.name}`")

    # Steps

    def comments(self, line: int) -> None:
        self.script.comments_above(self.rows, line, self.row)
        self.row = max(self.row, line)

    def write_steps(self, todo: Sequence[Step]) -> None:
        for step in todo:
            self.comments(step.line)
            self.span = step.span
            writer = WRITERS.get(type(step))
            if writer is None:
                raise self.unable(f"a step `{step.kind}`", step.span)
            writer(self, step)
            default_generator.set_state(self.stream)  # what the engine has drawn for shapes does not count

    def take(self, step: Step) -> None:
        """Take a step in the engine."""
        self.session.run_step(step, ())

    def bind(self, step: steps.Bind) -> None:
        if isinstance(step.value, Literal):
            self.assign(step.name, Item(self.literal(step.value.value), step.value.value))
        else:
            self.assign_computed(step.name, step.value, step.value.tree)

    def as_tensor(self, item: Item) -> Item:
        """An item that gets a name: a tensor of one number is an array, too."""
        is_number = isinstance(item.value, Tensor) and isinstance(item.tree, tree.Constant)
        return Item(self.numbers(item.value, "a number"), item.value) if is_number else item

    def assign_computed(self, target: str, expression: Expression, node: Any) -> None:
        shares = is_grad(node) or any(map(is_grad, getattr(node, "items", ())))
        if shares and any(named.id == target for root in trees_in(self.spec.pipeline) for named in tree.names_in(root)):
            raise self.unable(f"`{target}`, a second name for a gradient")  # which a backward would change
        self.assign(target, self.as_tensor(self.computed(expression, node)))

    @abstractmethod
    def computed(self, expression: Expression, node: Any) -> Item:
        """The value of a step."""

    def assign(self, target: str, item: Item) -> None:
        self.script.statement(f"{self.names.values[target]} = ", item.tree)
        self.bindings[target] = item.value

    def line(self, step: steps.Line) -> None:
        statement, expression = step.statement, step.expression
        if isinstance(statement, tree.Effect):
            self.effect(step, expression, statement.value)
        elif isinstance(statement, tree.Delete):
            self.script.line(f"del {', '.join(self.names.values[named.id] for named in statement.names)}")
            self.take(step)
        elif isinstance(statement, tree.AugmentedAssign):
            self.change(step, expression, statement.target, SIGNS[statement.operator], statement.value)
        elif len(statement.targets) == 1 and isinstance(statement.targets[0], tree.Name) and not statement.unpack:
            self.assign_computed(statement.targets[0].id, expression, statement.value)
        elif len(statement.targets) == 1 and isinstance(statement.targets[0], tree.Subscript):
            self.change(step, expression, statement.targets[0], "", statement.value)
        elif len(statement.targets) == 1 and isinstance(statement.targets[0], tree.Attribute):
            self.set_gradient(step, expression, statement.targets[0], statement.value)
        else:
            self.unpacked(step, expression, statement)

    def unpacked(self, step: steps.Line, expression: Expression, statement: tree.Assign) -> None:
        """Several names for several results."""
        made = self.computed(expression, statement.value)
        values = list(made.value) if isinstance(made.value, list | tuple) else []
        if len(values) != len(statement.targets):
            raise self.unable("this assignment of several names", step.span)
        for place, target in enumerate(statement.targets):
            assert isinstance(target, tree.Name)
            self.assign(target.id, Item(part_of(made.tree, place), values[place]))

    def effect(self, step: steps.Line, expression: Expression, value: tree.Expr) -> None:
        if isinstance(value, tree.Call) and value.function == "print":
            for one in value.args if any(map(asks_the_graph, value.args)) else ():
                self.show(expression, one, [])
            if not any(map(asks_the_graph, value.args)):
                self.script.statement("", call("print", *(self.flat(expression, one).tree for one in value.args)))
        elif isinstance(value, tree.Method | tree.Call) and written_in(value) == "backward":
            self.backward(backward_of(step, value))
        elif isinstance(value, tree.Method) and value.name == "retain_grad":
            self.retain_grad(steps.RetainGrad([line_part(step, value.target)], span=step.span))
        elif isinstance(value, tree.Method) and value.name == "requires_grad_":
            flag = value.args[0] if value.args else tree.Constant(True, **PLACE)
            if not isinstance(flag, tree.Constant):
                raise self.unable(f"`{expression.text}`")
            flags = [(line_part(step, value.target), bool(flag.value))]
            self.requires_grad(steps.RequiresGrad(flags, span=step.span))
        elif isinstance(value, tree.Method) and value.name == "zero_" and isinstance(value.target, tree.Attribute):
            if not is_grad(value.target):
                self.computed(expression, value)
                return
            own = self.owner(expression, value.target.target)
            self.take(step)
            self.zero(own)
        else:
            self.computed(expression, value)

    def set_gradient(self, step: steps.Line, expression: Expression, target: tree.Attribute, value: Any) -> None:
        if target.name == "requires_grad" and isinstance(value, tree.Constant):
            flags = [(line_part(step, target.target), bool(value.value))]
            self.requires_grad(steps.RequiresGrad(flags, span=step.span))
            return
        if target.name == "data":
            self.set_data(step, expression, target, value)
            return
        own = self.owner(expression, target.target)
        made = self.flat(expression, value)
        self.take(step)
        if own not in self.gradients:
            self.begin_gradient(own)
        if made.value is None:
            self.script.line(f"{self.gradients[own]} = None")
        else:
            self.script.statement(f"{self.gradients[own]} = ", made.tree)
        self.state[own] = "none" if made.value is None else "set"

    def set_data(self, step: steps.Line, expression: Expression, target: tree.Attribute, value: Any) -> None:
        """Other numbers for a tensor, where that is no more than a change in place."""
        before, made = self.session.evaluate(expression, target.target), self.flat(expression, value)
        is_same = (
            isinstance(made.value, Tensor) and made.value.dtype == before.dtype and made.value.shape == before.shape
        )
        if (
            not is_same
            or not isinstance(target.target, tree.Name)
            or len(self.sharing(before)) > 1
            or not before.is_leaf
        ):
            raise self.unable("`.data = ...`")
        self.take(step)
        self.script.statement(f"{self.names.values[target.target.id]} = ", made.tree)

    @abstractmethod
    def change(self, step: steps.Line, expression: Expression, target: Any, sign: str, value: Any) -> None:
        """A change in place, which no gradient may flow through."""

    @abstractmethod
    def backward(self, step: steps.Backward) -> None: ...

    def reached(self, step: steps.Backward) -> dict[str, Tensor | None]:
        """Take a backward; the tensors whose gradients it adds to, each with the gradient that it had before."""
        for own, value in list(self.bindings.items()):  # what has become a leaf on some other way
            is_leaf = isinstance(value, Tensor) and Item(None, value).active and value.is_leaf
            if is_leaf and not any(self.bindings[known] is value for known in self.gradients):
                self.begin_gradient(own)
        before = {own: self.bindings[own].grad for own in self.gradients}
        for own in before:
            self.bindings[own].grad = None
        self.take(step)
        found = {own: had for own, had in before.items() if self.bindings[own].grad is not None}
        for own, had in before.items():
            tensor = self.bindings[own]
            tensor.grad = had if own not in found else tensor.grad if had is None else had + tensor.grad
        return found

    def retain_grad(self, step: steps.RetainGrad) -> None:
        self.take(step)
        for expression in step.of:
            own = self.owner(expression, expression.tree)
            self.begin_gradient(own)

    def hook(self, step: steps.Hook) -> None:
        """A hook; on what has no name it is never called, since nothing else is made of that."""
        value = self.session.value_of(step.on)
        if any(bound is value for bound in (*self.bindings.values(), *self.in_lists())):
            self.hook_named(step, self.owner(step.on, step.on.tree))
            return
        self.take(step)
        self.script.comment(f"a hook on {step.on.text}, of which nothing else is made")

    @abstractmethod
    def hook_named(self, step: steps.Hook, own: str) -> None: ...

    def zero_grad(self, step: steps.ZeroGrad) -> None:
        owners = [*self.gradients] if step.of is None else [self.owner(one, one.tree) for one in step.of]
        self.take(step)
        for own in owners:
            if own not in self.gradients:
                continue
            if step.set_to_none:
                self.script.line(f"{self.gradients[own]} = None")
                self.state[own] = "none"
            else:
                self.zero(own)

    def zero(self, own: str) -> None:
        gradient = self.gradients[own]
        text = f"{gradient} = {self.module}.zeros_like({self.names.values[own]})"
        if self.state[own] == "set":
            self.script.line(text)
        elif self.state[own] == "unknown":
            with self.script.block(f"if {gradient} is not None:"):
                self.script.line(text)

    def accumulate(self, own: str, gradient: Any) -> None:
        """Add to the gradient of a tensor."""
        known = self.gradients[own]
        total = tree.Operator("add", (name(known), gradient), **PLACE)
        if self.state[own] == "none":
            self.script.statement(f"{known} = ", gradient)
        elif self.state[own] == "set":
            self.script.statement(f"{known} = ", total)
        else:
            self.script.statement(f"{known} = ", gradient, f" if {known} is None else {source(total)}")
        self.state[own] = "set"

    def block(self, step: steps.Block) -> None:
        with set_grad_enabled(step.kind == "enable_grad"):
            self.write_steps(step.steps)

    def requires_grad(self, step: steps.RequiresGrad) -> None:
        self.take(step)
        for expression, flag in step.flags:
            own = self.owner(expression, expression.tree)
            if flag and own not in self.gradients:
                self.begin_gradient(own)

    def print(self, step: steps.Print) -> None:
        for item in step.items:
            self.show(item.value, item.value.tree, [] if item.label is None else [f"{item.label}:"])

    def show(self, expression: Expression, node: Any, label: Sequence[str]) -> None:
        """Print a value; what only a graph has becomes a comment."""
        if asks_the_graph(node):
            value = self.session.evaluate(expression, node)
            self.script.comment(f"{expression.text[node.start : node.end]} is {self.session.text_of(value)}")
        else:
            self.script.statement("", call("print", *label, self.flat(expression, node).tree))

    def expect(self, step: steps.Expect) -> None:
        for item in step.items:
            if asks_the_graph(item.expr.tree):
                self.show(item.expr, item.expr.tree, [])
                continue
            actual = self.flat(item.expr)
            if not item.recorded:
                raise self.unable(f"`{item.expr.text}` without a value", item.span)
            if item.is_none:
                self.require(tree.Operator("is_none", (actual.tree,), **PLACE))
            elif item.expected is not None:
                self.compare(item, step, actual)
            if item.shape is not None:
                shape = tree.TupleOf(tuple(map(literal, item.shape)), **PLACE)
                self.require(tree.Operator("eq", (tree.Attribute(actual.tree, "shape", **PLACE), shape), **PLACE))
            if item.finite:
                self.require(method(call(f"{self.module}.isfinite", actual.tree), "all"))
            if item.nonzero:
                self.require(call(f"{self.module}.any", actual.tree))

    def require(self, condition: Any) -> None:
        self.script.statement("assert ", condition)

    def compare(self, item: steps.ExpectItem, step: steps.Expect, actual: Item) -> None:
        expected = item.expected
        if isinstance(expected, Load):
            wanted = numbers_in(expected, self.spec, self.script)
        elif isinstance(expected, Literal):
            if isinstance(expected.value, str) and expected.value in TYPE_NAMES:
                self.require(tree.Operator("eq", (actual.tree, self.dtype(expected.value)), **PLACE))
                return
            wanted = self.literal(expected.value)
        else:
            assert expected is not None
            wanted = self.flat(expected).tree
        dtype = actual.value.dtype.name if isinstance(actual.value, Tensor) else "float64"
        usual = tolerances(dtype)
        rtol = step.rtol if item.rtol is None else item.rtol
        atol = step.atol if item.atol is None else item.atol
        options = {"rtol": usual[0] if rtol is None else rtol, "atol": usual[1] if atol is None else atol}
        self.script.need("assert_close")
        self.script.statement("", call("assert_close", actual.tree, wanted, **options))

    def expect_error(self, step: steps.ExpectError) -> None:
        """The steps up to the one that fails, which is gradcli's and torch's to refuse, not the script's."""
        for one in step.steps:
            written, before = len(self.script.lines), dict(self.bindings)
            try:
                self.write_steps([one])
            except UserError as error:
                if error.message.endswith(self.unable("").message):
                    raise
                del self.script.lines[written:]
                self.fail()
                self.script.comment(f"{self.rows[one.line - 1].strip()} would raise: {error.message}")
                self.restate(before)
                return

    def restate(self, before: dict[str, Any]) -> None:
        """Say what bindings have become in steps that are not in the script."""
        for known, value in list(self.bindings.items()):
            if before.get(known) is not value:
                if Item(None, value).active:
                    raise self.unable(f"`{known}`, a part of what fails")
                self.assign(known, Item(self.literal(value), value))

    def fail(self) -> None:
        """Forget what a step that fails has begun."""

    def claim(self, step: steps.Claim) -> None:
        for expression, formula in step.items:
            actual = self.flat(expression)
            rtol, atol = tolerances(actual.value.dtype.name)
            self.script.need("assert_close")
            self.script.statement("", call("assert_close", actual.tree, self.flat(formula).tree, rtol=rtol, atol=atol))

    def gradcheck(self, step: steps.Gradcheck) -> None:
        self.script.comment(f"gradcli check: the derivatives of {step.of.text}, of order {step.order}")


def line_part(step: steps.Line, node: Any) -> Expression:
    """A part of a line as an expression of its own."""
    return Expression(step.expression.text, node, step.expression.scalar)


def backward_of(step: steps.Line, value: tree.Method | tree.Call) -> steps.Backward:
    """`loss.backward(...)`, or `torch.autograd.backward(...)`, as the step `backward:`."""
    words = {word.name: word.value for word in value.keywords}
    args = value.args if isinstance(value, tree.Call) else (value.target, *value.args)
    names = BACKWARD if isinstance(value, tree.Call) else ("of", "gradient", *BACKWARD[2:])
    words.update(zip(names, args, strict=False))
    flag: dict[str, Any] = {word: node.value for word, node in words.items() if isinstance(node, tree.Constant)}

    def parts(word: str) -> list[Any] | None:
        node = words.get(word)
        listed = getattr(node, "items", (node,))
        no_value = node is None or (isinstance(node, tree.Constant) and node.value is None)
        return None if no_value else [line_part(step, one) for one in listed]

    roots = parts(names[0]) or []
    return steps.Backward(
        roots,
        parts(names[1]) or [None] * len(roots),
        flag.get("retain_graph"),
        bool(flag.get("create_graph")),
        parts("inputs"),
        span=step.span,
    )


BACKWARD = ("tensors", "grad_tensors", "retain_graph", "create_graph", "inputs")
WRITERS: dict[type, Callable[[ArrayDocument, Any], None]] = {
    steps.Bind: ArrayDocument.bind,
    steps.Line: ArrayDocument.line,
    steps.Backward: lambda document, step: document.backward(step),
    steps.ZeroGrad: ArrayDocument.zero_grad,
    steps.Block: ArrayDocument.block,
    steps.RequiresGrad: ArrayDocument.requires_grad,
    steps.RetainGrad: lambda document, step: document.retain_grad(step),
    steps.Hook: lambda document, step: document.hook(step),
    steps.Repeat: ArrayDocument.repeat,
    steps.While: ArrayDocument.while_,
    steps.Print: ArrayDocument.print,
    steps.Expect: ArrayDocument.expect,
    steps.ExpectError: ArrayDocument.expect_error,
    steps.Claim: ArrayDocument.claim,
    steps.Gradcheck: ArrayDocument.gradcheck,
}
