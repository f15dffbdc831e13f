"""What scripts for NumPy and for JAX have in common: declarations, expressions and steps without gradients.

The steps are taken in gradcli's engine while they are written, loops once: so shapes are known, and what takes part in
a gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gradcli.engine.device import load_numpy, np
from gradcli.engine.dtypes import TYPE_NAMES, default_dtype
from gradcli.engine.mode import set_grad_enabled
from gradcli.engine.tensor import Tensor
from gradcli.export.arrays.expressions import Expressions, Item, asks_the_graph, draws, is_grad
from gradcli.export.loads import extension_of, numbers_in
from gradcli.export.names import every, trees_in
from gradcli.export.python import PLACE, SIGNS, call, literal, method, name, source
from gradcli.export.script import Script
from gradcli.ops.create import default_generator
from gradcli.spec import steps, tree
from gradcli.spec.steps import Expression, Literal, Load, Spec, Step, TensorEntry
from gradcli.verify.expectations import tolerances


class ArrayDocument(Expressions):
    """One document of a file, being written."""

    def __init__(self, spec: Spec, script: Script) -> None:
        super().__init__(spec, script)
        self.state: dict[str, str] = {}  # of each gradient: "none", "set", or "unknown" after a loop
        self.top = 0  # the line of the script that constants are given in
        self.rows = spec.source.text.splitlines()
        self.row = 0

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
        return item.active and item.value.is_leaf and all(item.value is not one for one in self.bindings.values())

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
        if isinstance(data, Expression) and not draws(data.tree):
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

    def assign_computed(self, target: str, expression: Expression, node: Any) -> None:
        shares = is_grad(node) or any(map(is_grad, getattr(node, "items", ())))
        if shares and any(named.id == target for root in trees_in(self.spec.pipeline) for named in tree.names_in(root)):
            raise self.unable(f"`{target}`, a second name for a gradient")  # which a backward would change
        self.assign(target, self.computed(expression, node))

    def computed(self, expression: Expression, node: Any) -> Item:
        """The value of a step."""
        raise NotImplementedError

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
        raise self.unable("several results")

    def effect(self, step: steps.Line, expression: Expression, value: tree.Expr) -> None:
        if isinstance(value, tree.Call) and value.function == "print":
            self.script.statement("", call("print", *(self.flat(expression, one).tree for one in value.args)))
        elif step.kind == "backward" and isinstance(value, tree.Method):
            self.backward(backward_of(step, value))
        elif isinstance(value, tree.Method) and value.name == "retain_grad":
            self.retain_grad(steps.RetainGrad([part_of(step, value.target)], span=step.span))
        elif isinstance(value, tree.Method) and value.name == "requires_grad_":
            flag = value.args[0] if value.args else tree.Constant(True, **PLACE)
            if not isinstance(flag, tree.Constant):
                raise self.unable(f"`{expression.text}`")
            flags = [(part_of(step, value.target), bool(flag.value))]
            self.requires_grad(steps.RequiresGrad(flags, span=step.span))
        elif isinstance(value, tree.Method) and value.name == "zero_" and isinstance(value.target, tree.Attribute):
            if not is_grad(value.target):
                raise self.unable(f"`{expression.text}`")
            own = self.owner(expression, value.target.target)
            self.take(step)
            self.zero(own)
        else:
            raise self.unable(f"`{expression.text}`")

    def set_gradient(self, step: steps.Line, expression: Expression, target: tree.Attribute, value: Any) -> None:
        if target.name != "grad" or not (isinstance(value, tree.Constant) and value.value is None):
            raise self.unable(f"`.{target.name} = ...`")
        own = self.owner(expression, target.target)
        self.take(step)
        if own in self.gradients:
            self.script.line(f"{self.gradients[own]} = None")
            self.state[own] = "none"

    def change(self, step: steps.Line, expression: Expression, target: Any, sign: str, value: Any) -> None:
        """A change in place, which no gradient may flow through."""
        raise NotImplementedError

    def backward(self, step: steps.Backward) -> None:
        raise NotImplementedError

    def retain_grad(self, step: steps.RetainGrad) -> None:
        raise NotImplementedError

    def hook(self, step: steps.Hook) -> None:
        raise NotImplementedError

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

    def repeat(self, step: steps.Repeat) -> None:
        times = step.times
        shown = self.literal(times.value) if isinstance(times, Literal) else self.flat(times).tree
        own = self.names.fresh("_") if step.name is None else self.names.values[step.name]
        if step.name is not None:
            self.bindings[step.name] = 0
        self.loop(f"for {own} in range({source(shown)}):", step.steps)

    def while_(self, step: steps.While) -> None:
        rounds, at_most = self.names.fresh("rounds"), step.at_most
        limit = source(self.literal(at_most.value) if isinstance(at_most, Literal) else self.flat(at_most).tree)
        condition = self.flat(step.condition).tree
        self.script.line(f"{rounds} = 0")
        self.loop(f"while {source(condition)}:", step.steps, [f"assert {rounds} < {limit}"], [f"{rounds} += 1"])

    def loop(self, head: str, todo: Sequence[Step], first: Sequence[str] = (), last: Sequence[str] = ()) -> None:
        """The steps of a loop, which are taken once, and once more to see that all shapes stay."""
        if any(isinstance(step, steps.Backward | steps.ZeroGrad | steps.Line) for step in every(todo)):
            self.state = dict.fromkeys(self.state, "unknown")
        self.loops += 1
        with self.script.block(head):
            for text in first:
                self.script.line(text)
            self.write_steps(todo)
            for text in last:
                self.script.line(text)
        self.loops -= 1
        before = self.shapes()
        self.session.run_steps(todo)
        if self.shapes() != before:
            raise self.unable("a loop in which shapes change", todo[0].span)

    def shapes(self) -> dict[str, Any]:
        return {known: value.shape for known, value in self.bindings.items() if isinstance(value, Tensor)}

    def print(self, step: steps.Print) -> None:
        for item in step.items:
            label = [] if item.label is None else [f"{item.label}:"]
            if asks_the_graph(item.value.tree):
                self.script.comment(f"{item.value.text} is {self.session.text_of(self.session.value_of(item.value))}")
            else:
                self.script.statement("", call("print", *label, self.flat(item.value).tree))

    def expect(self, step: steps.Expect) -> None:
        for item in step.items:
            if asks_the_graph(item.expr.tree):
                self.script.comment(f"{item.expr.text} is {self.session.text_of(self.session.value_of(item.expr))}")
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

    def claim(self, step: steps.Claim) -> None:
        for expression, formula in step.items:
            actual = self.flat(expression)
            rtol, atol = tolerances(actual.value.dtype.name)
            self.script.need("assert_close")
            self.script.statement("", call("assert_close", actual.tree, self.flat(formula).tree, rtol=rtol, atol=atol))

    def gradcheck(self, step: steps.Gradcheck) -> None:
        self.script.comment(f"gradcli check: the derivatives of {step.of.text}, of order {step.order}")


def part_of(step: steps.Line, node: Any) -> Expression:
    """A part of a line as an expression of its own."""
    return Expression(step.expression.text, node, step.expression.scalar)


def backward_of(step: steps.Line, value: tree.Method) -> steps.Backward:
    """`loss.backward(...)` as the step `backward:`."""
    words = {word.name: word.value for word in value.keywords}

    def flag(word: str) -> Any:
        node = words.get(word)
        return node.value if isinstance(node, tree.Constant) else None

    gradient = value.args[0] if value.args else words.get("gradient")
    inputs = words.get("inputs")
    listed = None if inputs is None else [part_of(step, one) for one in getattr(inputs, "items", (inputs,))]
    return steps.Backward(
        [part_of(step, value.target)],
        [None if gradient is None else part_of(step, gradient)],
        flag("retain_graph"),
        bool(flag("create_graph")),
        listed,
        span=step.span,
    )


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
    steps.Claim: ArrayDocument.claim,
    steps.Gradcheck: ArrayDocument.gradcheck,
}
