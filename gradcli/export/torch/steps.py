"""The steps of a pipeline as statements."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

from gradcli.engine.dtypes import TYPE_NAMES
from gradcli.export.loads import loaded
from gradcli.export.names import every, trees_in
from gradcli.export.python import ATOM, PLACE, SIGNS, call, literal, method, name, quoted, source
from gradcli.export.script import Script
from gradcli.export.torch.translation import Translation
from gradcli.spec import steps, tree
from gradcli.spec.language import DEVICE
from gradcli.spec.steps import Expression, Literal, Load, Spec, Step, TensorEntry
from gradcli.verify.expectations import tolerances


class Steps(Translation):
    """Writes steps. One method a step word."""

    def __init__(self, spec: Spec, script: Script) -> None:
        super().__init__(spec, script)
        self.rows = spec.source.text.splitlines()
        self.row = 0  # of what was written last

    def comments(self, line: int) -> None:
        self.script.comments_above(self.rows, line, self.row)
        self.row = max(self.row, line)

    def write_steps(self, todo: Sequence[Step]) -> None:
        for step in todo:
            self.comments(step.line)
            WRITERS[type(step)](self, step)

    def inside(self, head: str, todo: Sequence[Step]) -> None:
        with self.script.block(head):
            self.write_steps(todo)

    def bind(self, step: steps.Bind) -> None:
        self.script.statement(f"{self.names.values[step.name]} = ", self.value(step.value))
        self.kinds[step.name] = "plain" if isinstance(step.value, Literal) else self.kind(step.value.tree)

    def line(self, step: steps.Line) -> None:
        statement, expression = step.statement, step.expression
        if isinstance(statement, tree.Effect):
            self.effect(expression, statement.value)
        elif isinstance(statement, tree.Assign):
            value = self.expression(expression, statement.value)
            targets = [self.target(expression, target) for target in statement.targets]
            single = statement.unpack and len(targets) == 1
            self.script.statement(f"({targets[0]},) = " if single else f"{', '.join(targets)} = ", value)
            kind = "unknown" if statement.unpack else self.kind(statement.value)
            self.kinds.update({target.id: kind for target in statement.targets if isinstance(target, tree.Name)})
        elif isinstance(statement, tree.AugmentedAssign):
            value = self.expression(expression, statement.value)
            target = self.target(expression, statement.target)
            self.script.statement(f"{target} {SIGNS[statement.operator]}= ", value)
        else:
            self.script.line(f"del {', '.join(self.names.values[named.id] for named in statement.names)}")

    def target(self, expression: Expression, target: tree.Target) -> str:
        if isinstance(target, tree.Name):
            return self.names.values[target.id]
        return source(self.expression(expression, target))

    def effect(self, expression: Expression, value: tree.Expr) -> None:
        if isinstance(value, tree.Call) and value.function == "print":
            self.script.statement("", call("print", *(self.shown(expression, part) for part in value.args)))
        else:
            self.script.statement("", self.expression(expression, value))

    def shown(self, expression: Expression, node: Any) -> Any:
        """What `print` is given: nodes would show their addresses."""
        value = self.expression(expression, node)
        if self.kind(node) != "node":
            return value
        self.script.need("text")
        return call("text", value)

    def backward(self, step: steps.Backward) -> None:
        options: dict[str, Any] = {}
        if step.retain_graph is not None:
            options["retain_graph"] = step.retain_graph
        if step.create_graph:
            options["create_graph"] = True
        if step.inputs is not None:
            options["inputs"] = tree.ListOf(tuple(map(self.expression, step.inputs)), **PLACE)
        roots = tuple(map(self.expression, step.of))
        given = [None if gradient is None else self.gradient(gradient) for gradient in step.gradient]
        if len(roots) == 1:
            first = [one for one in given if one is not None]
            self.script.statement("", method(roots[0], "backward", *first, **options))
            return
        arguments = [tree.ListOf(roots, **PLACE)]
        if any(one is not None for one in given):
            arguments.append(literal(given))
        self.script.statement("", call("torch.autograd.backward", *arguments, **options))

    def gradient(self, gradient: Expression | Literal) -> Any:
        value = self.value(gradient)
        is_plain = isinstance(gradient, Literal) or self.kind(gradient.tree) == "plain"
        return call("torch.tensor", value) if is_plain else value

    def zero_grad(self, step: steps.ZeroGrad) -> None:
        of = self.with_gradients() if step.of is None else [self.expression(one) for one in step.of]
        if step.set_to_none:
            for one in of:
                self.script.line(f"{source(one, ATOM)}.grad = None")
        elif of:
            block, own = self.script.block, self.names.fresh("tensor")
            recorded = block("with torch.no_grad():") if self.records_gradients() else nullcontext()
            each = f"for {own} in [{', '.join(map(source, of))}]:"
            with recorded, block(each), block(f"if {own}.grad is not None:"):
                self.script.line(f"{own}.grad.zero_()")
            self.names.taken.discard(own)

    def records_gradients(self) -> bool:
        """Whether a gradient may have a place in the graph, where zeroing it would be recorded, too."""
        nodes = [node for root in trees_in(self.spec.pipeline) for node in tree.walk(root)]
        return (
            any(isinstance(step, steps.Backward) and step.create_graph for step in every(self.spec.pipeline))
            or any(isinstance(node, tree.Keyword) and node.name == "create_graph" for node in nodes)
            or any(
                isinstance(target, tree.Attribute) and target.name == "grad"
                for node in nodes
                if isinstance(node, tree.Assign)
                for target in node.targets
            )
        )

    def with_gradients(self) -> list[Any]:
        """What is bound and may have a gradient that is read somewhere: zeros show nowhere else."""
        asked = {entry.name for entry in self.spec.tensors if asks_for_gradient(entry)}
        for root in trees_in(self.spec.pipeline):
            for node in tree.walk(root):
                if isinstance(node, tree.Attribute) and node.name == "grad" and isinstance(node.target, tree.Name):
                    asked.add(node.target.id)
        return [name(self.names.values[one]) for one, kind in self.kinds.items() if one in asked and kind != "plain"]

    def block(self, step: steps.Block) -> None:
        self.inside(f"with torch.{step.kind}():", step.steps)

    def requires_grad(self, step: steps.RequiresGrad) -> None:
        for expression, flag in step.flags:
            target = self.expression(expression)
            self.script.statement("", method(target, "requires_grad_", *([] if flag else [False])))

    def retain_grad(self, step: steps.RetainGrad) -> None:
        for expression in step.of:
            self.script.statement("", method(self.expression(expression), "retain_grad"))

    def hook(self, step: steps.Hook) -> None:
        on = self.expression(step.on)
        if step.value is None:
            self.script.statement("", method(on, "register_hook", name("print")))
            return
        before = dict(self.kinds)
        self.kinds[step.name] = "tensor"
        value = self.expression(step.value)
        self.kinds = before
        head = f"{source(on, ATOM)}.register_hook(lambda {self.names.values[step.name]}: "
        self.script.statement(head, value, ")")

    def repeat(self, step: steps.Repeat) -> None:
        times = source(self.value(step.times))
        if step.name is None:
            own = self.names.fresh("_")
            self.names.taken.discard(own)
        else:
            own = self.names.values[step.name]
            self.kinds[step.name] = "plain"
        self.inside(f"for {own} in range({times}):", step.steps)

    def while_(self, step: steps.While) -> None:
        script, rounds, at_most = self.script, self.names.fresh("rounds"), source(self.value(step.at_most))
        script.line(f"{rounds} = 0")
        with script.block(f"while {source(self.expression(step.condition))}:"):
            message = quoted(f"`{step.condition.text}` still holds after {at_most} rounds")
            script.line(f"assert {rounds} < {at_most}, {message}")
            self.write_steps(step.steps)
            script.line(f"{rounds} += 1")

    def print(self, step: steps.Print) -> None:
        for item in step.items:
            label = [] if item.label is None else [f"{item.label}:"]
            self.script.statement("", call("print", *label, self.shown(item.value, item.value.tree)))

    def expect(self, step: steps.Expect) -> None:
        for item in step.items:
            if not item.recorded:
                raise self.unable(f"`{item.expr.text}` has no value yet", item.expr)
            actual = self.expression(item.expr)
            if item.is_none:
                self.require(tree.Operator("is_none", (actual,), **PLACE))
            elif item.expected is not None:
                rtol = step.rtol if item.rtol is None else item.rtol
                atol = step.atol if item.atol is None else item.atol
                self.compare(item.expr, actual, item.expected, rtol, atol)
            if self.kind(item.expr.tree) == "plain":
                actual = call("torch.as_tensor", actual)
            if item.shape is not None:
                shape = tree.TupleOf(tuple(map(literal, item.shape)), **PLACE)
                self.require(equal(tree.Attribute(actual, "shape", **PLACE), shape))
            if item.finite:
                self.require(method(call("torch.isfinite", actual), "all"))
            if item.nonzero:
                self.require(method(actual, "any"))

    def require(self, condition: Any) -> None:
        self.script.statement("assert ", condition)

    def compare(
        self,
        expr: Expression,
        actual: Any,
        expected: Expression | Literal | Load,
        rtol: float | None,
        atol: float | None,
    ) -> None:
        """An assertion that a value is as expected, by `assert_close` unless it is exact anyway."""
        if isinstance(expected, Load):
            wanted = loaded(expected, self.spec, self.script, "float64")
        else:
            wanted = self.value(expected)
            is_plain = self.kind(expr.tree) == "plain"
            if isinstance(expected, Literal) and isinstance(expected.value, str):
                self.require(self.named(expr, actual, expected.value, is_plain))
                return
            if is_plain and isinstance(expected, Literal) and isinstance(expected.value, bool):
                self.require(actual if expected.value else tree.Logical("not", (actual,), **PLACE))
                return
            if is_plain and isinstance(expected, Literal) and is_exact(expected.value):
                shape = isinstance(expr.tree, tree.Attribute) and expr.tree.name == "shape"
                self.require(equal(call("list", actual) if shape else actual, wanted))
                return
            if is_plain and isinstance(expr.tree, tree.Attribute) and expr.tree.name in ("dtype", "device"):
                self.require(equal(actual, wanted))
                return
        options = {}
        if rtol is not None or atol is not None:
            usual_rtol, usual_atol = self.usual_tolerances()
            options = {"rtol": usual_rtol if rtol is None else rtol, "atol": usual_atol if atol is None else atol}
        self.script.need("assert_close")
        self.script.statement("", call("assert_close", actual, wanted, **options))

    def named(self, expr: Expression, actual: Any, expected: str, is_plain: bool) -> Any:
        """The condition that something has this name: a dtype, a device, a node, or text itself."""
        root = expr.tree
        attribute = root.name if isinstance(root, tree.Attribute) else ""
        if expected in TYPE_NAMES and attribute == "dtype":
            return equal(actual, name(f"torch.{expected}"))
        if attribute == "device" and re.fullmatch(DEVICE, expected):
            return equal(call("str", actual), literal(expected))
        if is_plain:
            return equal(actual, literal(expected))
        return equal(tree.Attribute(call("type", actual), "__name__", **PLACE), literal(expected))

    def usual_tolerances(self) -> tuple[float, float]:
        varied = self.spec.matrix.get("dtype")
        return tolerances(*(map(str, varied) if varied else [self.spec.dtype]))

    def claim(self, step: steps.Claim) -> None:
        self.script.need("assert_close")
        for expression, formula in step.items:
            claimed = self.expression(formula)
            self.script.statement("", call("assert_close", self.expression(expression), claimed))

    def expect_error(self, step: steps.ExpectError) -> None:
        script, error = self.script, self.names.fresh("error")
        self.inside("try:", step.steps)
        with script.block(f"except Exception as {error}:"):
            message = call("str", name(error))
            self.require(tree.Operator("in", (literal(step.match), message), **PLACE))
        with script.block("else:"):
            script.line('raise AssertionError("no error")')
        self.names.taken.discard(error)

    def gradcheck(self, step: steps.Gradcheck) -> None:
        inputs = ", ".join(one.text for one in step.wrt)
        self.script.comment(f"gradcli check: the derivatives of {step.of.text} by {inputs}, of order {step.order}")


def equal(left: Any, right: Any) -> Any:
    return tree.Operator("eq", (left, right), **PLACE)


def is_exact(value: Any) -> bool:
    """Whether a literal is made of integers only."""
    if isinstance(value, list):
        return all(map(is_exact, value))
    return isinstance(value, int) and not isinstance(value, bool)


def asks_for_gradient(entry: TensorEntry) -> bool:
    """Whether an entry of `tensors:` is a leaf that requires a gradient."""
    if entry.requires_grad is not None or not isinstance(entry.data, Expression):
        return bool(entry.requires_grad)
    return any(
        (isinstance(node, tree.Keyword) and node.name == "requires_grad")
        or (isinstance(node, tree.Method) and node.name == "requires_grad_")
        for node in tree.walk(entry.data.tree)
    )


WRITERS: dict[type, Callable[[Steps, Any], None]] = {
    steps.Bind: Steps.bind,
    steps.Line: Steps.line,
    steps.Backward: Steps.backward,
    steps.ZeroGrad: Steps.zero_grad,
    steps.Block: Steps.block,
    steps.RequiresGrad: Steps.requires_grad,
    steps.RetainGrad: Steps.retain_grad,
    steps.Hook: Steps.hook,
    steps.Repeat: Steps.repeat,
    steps.While: Steps.while_,
    steps.Print: Steps.print,
    steps.Expect: Steps.expect,
    steps.ExpectError: Steps.expect_error,
    steps.Claim: Steps.claim,
    steps.Gradcheck: Steps.gradcheck,
}
