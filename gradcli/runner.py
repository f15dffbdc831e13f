"""Runs a spec: step by step, from `Spec` to `Report`."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from gradcli import advice, deadline, judging
from gradcli.engine import graph, memory
from gradcli.engine.device import default_device, device_of, load_numpy, np, to_device, to_host
from gradcli.engine.dtypes import default_dtype, dtype_named
from gradcli.engine.mode import grad_mode, heard_by, set_grad_enabled, taped
from gradcli.engine.node import Node, numbers
from gradcli.engine.tensor import Tensor
from gradcli.errors import Span, UserError
from gradcli.evaluate import Program, Scope, located, set_attribute, set_item, truth, with_operands
from gradcli.functions import declared
from gradcli.ops import frontend, operators
from gradcli.ops.copies import clone, to_dtype, zero
from gradcli.ops.create import default_generator, tensor
from gradcli.ops.method import Size
from gradcli.ops.views import View
from gradcli.report.model import Binding, Gradient, Printed, Report, StepReport, TensorState, Warned
from gradcli.report.text import format_tensor, format_value
from gradcli.spec import steps as spec_steps
from gradcli.spec import tree
from gradcli.spec.expression import parse_expression
from gradcli.spec.reader import shown
from gradcli.spec.steps import Expression, Literal, Load, Spec, Step
from gradcli.values import plain_value

if TYPE_CHECKING:
    from gradcli.trials import Checking, Trials

OnStep = Callable[[StepReport], None]


def run(
    spec: Spec,
    on_step: OnStep | None = None,
    *,
    detect_anomaly: bool = False,
    get: Sequence[str] = (),
    allow_path: Sequence[str] = (),
    max_memory: int | None = None,
    timeout: float | None = None,
    checking: Checking | None = None,
) -> Report:
    """Run `spec` and report what happened; a mistake in it ends the run and is the report's `error`.

    `on_step` is called with each step as it is done; `get` are expressions to evaluate at the end (`Report.got`).
    `allow_path` are folders besides the spec's own to load from; the run may take `max_memory` bytes, half of what
    is available if left out, and `timeout` seconds. With `checking`, every gradient is held against the
    numbers (`Report.checks`).
    """
    load_numpy()
    report = Report(spec.source.name, spec.seed, spec.dtype, spec.device, spec.title)
    session = Session(spec, report, on_step, allow_path, checking)
    before = default_dtype.name, default_device.name, grad_mode.anomaly
    default_dtype.name, default_device.name, grad_mode.anomaly = spec.dtype, spec.device, detect_anomaly
    try:
        tape = None if session.trials is None else session.trials.tape
        with np.errstate(all="ignore"), heard_by(session.warn), memory.limited(max_memory), taped(tape):
            try:
                with deadline.limited(timeout):
                    try:
                        session.run()
                    except UserError as error:
                        report.error = error
                    session.finish(get)
            except deadline.Expired as late:
                report.error = late.error
                session.finish(())
    finally:
        default_dtype.name, default_device.name, grad_mode.anomaly = before
    if session.trials is not None:
        report.checks += session.trials.checks.values()
    return report


def still_holds(step: spec_steps.While, at_most: int) -> UserError:
    """The error of a loop that does not end."""
    message = f"`{step.condition.text}` still holds after {at_most} rounds"
    return UserError("limit", message, hint="raise `at_most`")


class Session:
    """A run in progress."""

    def __init__(
        self,
        spec: Spec,
        report: Report,
        on_step: OnStep | None,
        allow_path: Sequence[str] = (),
        checking: Checking | None = None,
    ) -> None:
        self.spec = spec
        self.allow_path = allow_path
        self.report = report
        self.on_step = on_step
        self.scope = Scope(dict(spec.params))
        self.programs: dict[int, Program] = {}
        self.path: tuple[int, ...] = ()
        self.span = Span(1, 1, 1, 1)
        # the node number at which each step began, and its line: which step made a node
        self.starts: list[int] = []
        self.lines: list[int] = []
        self.trials: Trials | None = None
        if checking is not None or any(isinstance(step, ON_TRIAL) for step in spec_steps.every(spec.pipeline)):
            from gradcli.trials import Trials

            self.trials = Trials(self.named_tensors, self.line_of, checking)

    def run(self) -> None:
        grad_mode.detached_in_place = grad_mode.data_replaced = False
        to_device(np.zeros(0), self.spec.device)  # an error if there is none
        self.scope.functions = {entry.name: declared(entry, self.evaluate_inside) for entry in self.spec.functions}
        default_generator.manual_seed(self.spec.seed)
        with set_grad_enabled(False):
            for entry in self.spec.tensors:
                with self.at(entry.span):
                    self.scope.bindings[entry.name] = self.make_tensor(entry)
        with set_grad_enabled(True):
            self.run_steps(self.spec.pipeline)

    def make_tensor(self, entry: spec_steps.TensorEntry) -> Tensor:
        """A leaf from an entry of `tensors:`; what would be another tensor, or a view of one, is a copy."""
        data = entry.data
        dtype = None if entry.dtype is None else dtype_named(entry.dtype)
        value = self.loaded(data, dtype) if isinstance(data, Load) else self.value_of(data)
        if not isinstance(value, Tensor):
            result: Tensor = tensor(value, dtype=dtype, device=entry.device)
        else:
            shared = isinstance(value, View) or any(value is known for known in self.scope.bindings.values())
            result = clone(value) if shared else value
            if dtype is not None and result.dtype != dtype:
                result = to_dtype(result, dtype)
            if entry.device is not None:
                result = Tensor(to_device(result.array, entry.device))
        if entry.requires_grad is not None:
            result.requires_grad_(entry.requires_grad)
        return result

    def loaded(self, file: Load, dtype: Any) -> Tensor:
        """The tensor in a file; numbers in text are read as `dtype`, or as in a literal if it is None."""
        from gradcli.files.access import Access
        from gradcli.files.load import load

        try:
            value = load(file.path, file.key, Access(self.spec.source.file, self.allow_path))
            return Tensor(value) if isinstance(value, np.ndarray) else tensor(value, dtype=dtype)
        except UserError as error:
            error.at(file.span)
            raise

    def run_steps(self, steps: Sequence[Step], path: tuple[int, ...] = ()) -> None:
        for place, step in enumerate(steps):
            self.run_step(step, (*path, place))

    def run_step(self, step: Step, path: tuple[int, ...]) -> None:
        self.path = path
        self.starts.append(next(numbers))
        self.lines.append(step.line)
        with self.at(step.span):
            RUNNERS[type(step)](self, step)
            if self.trials is not None:
                root = ", ".join(one.text for one in step.of) if isinstance(step, spec_steps.Backward) else None
                self.trials.after_step(root, step.line)

    @contextmanager
    def at(self, span: Span) -> Iterator[None]:
        """Whatever goes wrong inside has its place at `span`, unless a narrower place is known."""
        before, self.span = self.span, span
        try:
            yield
        except UserError as error:
            advice.advise(error, self.line_of)
            error.at(span)
            raise
        except deadline.Expired as late:
            late.error.at(span)
            raise
        except MemoryError as error:
            raise memory.exceeded(error).at(span) from error
        finally:
            self.span = before

    def line_of(self, number: int) -> int | None:
        """The line of the step during which `number` was taken."""
        place = bisect.bisect_right(self.starts, number) - 1
        return self.lines[place] if number >= 0 and place >= 0 else None

    def value_of(self, value: Expression | Literal) -> Any:
        if isinstance(value, Literal):
            return value.value
        return self.evaluate(value, value.tree)

    def evaluate(self, expression: Expression, node: tree.Expr, scope: Scope | None = None) -> Any:
        """The value of `node`, a part of `expression`."""
        try:
            program = self.programs.get(id(node))
            if program is None:
                program = self.programs[id(node)] = Program(node)
            return program.run(scope or self.scope)
        except UserError as error:
            self.locate(error, expression)
            raise

    def locate(self, error: UserError, expression: Expression) -> None:
        """Give an error that comes from a part of `expression` its place, and the names of what it is about."""
        if error.span is None and error.place is not None:
            error.at(expression.scalar.span_of(*error.place))
            told = [f"`{shown(expression.text[start:end])}` is {what}" for start, end, what in error.operands[:4]]
            if error.hint is None and ((told and error.kind == "shape") or len(told) > 1):
                error.hint = ", ".join(dict.fromkeys(told))

    def evaluate_inside(self, expression: Expression, bindings: dict[str, Any]) -> Any:
        """The value of an expression that sees `bindings` in place of those of the pipeline."""
        return self.evaluate(expression, expression.tree, self.scope.inside(bindings))

    def tensor_of(self, expression: Expression) -> Tensor:
        value = self.value_of(expression)
        if not isinstance(value, Tensor):
            raise UserError(
                "type", f"`{expression.text}` must be a tensor, not {frontend.kind_of(value)}", span=expression.span()
            )
        return value

    def tell(self, kind: str, **details: Any) -> None:
        """Report the step that is being done."""
        step = StepReport(len(self.report.steps), self.path, self.span.line, kind, **details)
        self.report.steps.append(step)
        if self.on_step is not None:
            self.on_step(step)

    def warn(self, message: str) -> None:
        if all(warned.message != message or warned.line != self.span.line for warned in self.report.warnings):
            self.report.warnings.append(Warned(message, self.span.line))

    # the steps, in the order of the language's table

    def bind(self, step: spec_steps.Bind) -> None:
        self.scope.bindings[step.name] = self.value_of(step.value)
        self.tell("assign", name=step.name)

    def line(self, step: spec_steps.Line) -> None:
        statement, expression = step.statement, step.expression
        if isinstance(statement, tree.Assign):
            self.assign_all(statement, expression)
        elif isinstance(statement, tree.AugmentedAssign):
            target = statement.target
            old = self.evaluate(expression, target)
            other = self.evaluate(expression, statement.value)
            try:
                result = operators.inplace(statement.operator, old, other)
            except UserError as error:
                with_operands(error, (target, statement.value), (old, other))
                self.locate(located(error, statement), expression)
                raise
            self.assign(target, result, expression)
            self.tell("assign", name=written(target))
        elif isinstance(statement, tree.Delete):
            for name in statement.names:
                if name.id not in self.scope.bindings:
                    raise UserError("name", f"unknown name `{name.id}`", span=expression.span(name))
                del self.scope.bindings[name.id]
            self.tell("delete")
        else:
            self.effect(step, statement.value)

    def assign_all(self, statement: tree.Assign, expression: Expression) -> None:
        value = self.evaluate(expression, statement.value)
        values = [value]
        if statement.unpack:
            if not isinstance(value, list | tuple):
                raise UserError("type", f"cannot unpack {frontend.kind_of(value)}", span=expression.span())
            if len(value) != len(statement.targets):
                raise UserError(
                    "value",
                    f"{len(value)} values to unpack for {len(statement.targets)} names",
                    span=expression.span(),
                )
            values = list(value)
        for target, item in zip(statement.targets, values, strict=True):
            self.assign(target, item, expression)
        self.tell("assign", name=", ".join(written(target) for target in statement.targets))

    def assign(self, target: tree.Target, value: Any, expression: Expression) -> None:
        try:
            if isinstance(target, tree.Name):
                self.scope.bindings[target.id] = value
            elif isinstance(target, tree.Attribute):
                set_attribute(self.evaluate(expression, target.target), target.name, value)
            else:
                set_item(self.evaluate(expression, target.target), self.evaluate(expression, target.index), value)
        except UserError as error:
            error.at(expression.span(target))
            raise

    def effect(self, step: spec_steps.Line, value: tree.Expr) -> None:
        expression = step.expression
        if isinstance(value, tree.Call) and value.function == "print":
            parts = [self.evaluate(expression, argument) for argument in value.args]
            text = " ".join(self.text_of(part) for part in parts)
            shown = [expression.text[argument.start : argument.end] for argument in value.args]
            plain = plain_value(parts[0]) if len(parts) == 1 else [plain_value(part) for part in parts]
            self.tell("print", printed=[Printed(", ".join(shown), text, plain)])
        elif step.kind == "backward":
            with self.gradients() as changed:
                self.evaluate(expression, value)
            root = expression.text[: value.name_start - 1] if isinstance(value, tree.Method) else None
            self.tell("backward", name=root, grads=changed)
        else:
            self.evaluate(expression, value)
            self.tell(step.kind)

    @contextmanager
    def gradients(self) -> Iterator[dict[str, Gradient | None]]:
        """Filled, at the end, with the gradients that changed inside: by the names of their tensors."""
        before = {name: fingerprint(value) for name, value in self.named_tensors()}
        changed: dict[str, Gradient | None] = {}
        yield changed
        for name, value in self.named_tensors():
            if fingerprint(value) != before.get(name):
                grad = value.grad
                changed[name] = None if grad is None else self.gradient(grad)

    def gradient(self, grad: Tensor) -> Gradient:
        return Gradient(plain_value(grad), grad.dtype.name, self.text_of(grad))

    def named_tensors(self) -> list[tuple[str, Tensor]]:
        return [(name, value) for name, value in self.scope.bindings.items() if isinstance(value, Tensor)]

    def backward(self, step: spec_steps.Backward) -> None:
        roots = [self.tensor_of(root) for root in step.of]
        gradients = [None if gradient is None else self.gradient_of(gradient) for gradient in step.gradient]
        inputs = None if step.inputs is None else [self.tensor_of(one) for one in step.inputs]
        with self.gradients() as changed:
            try:
                graph.backward(roots, gradients, step.retain_graph, step.create_graph, inputs)
            except UserError as error:
                error.at(step.of[0].span())
                raise
        self.tell("backward", name=", ".join(root.text for root in step.of), grads=changed)

    def gradient_of(self, gradient: Expression | Literal) -> Tensor:
        value = self.value_of(gradient)
        given: Tensor = value if isinstance(value, Tensor) else tensor(value)
        return given

    def zero_grad(self, step: spec_steps.ZeroGrad) -> None:
        of = [value for _, value in self.named_tensors()] if step.of is None else map(self.tensor_of, step.of)
        for one in of:
            if one.grad is None:
                continue
            if step.set_to_none:
                one.grad = None
            else:
                with set_grad_enabled(False):
                    zero.inplace(one.grad)
        self.tell("zero_grad")

    def block(self, step: spec_steps.Block) -> None:
        with set_grad_enabled(step.kind == "enable_grad"):
            self.run_steps(step.steps, self.path)

    def requires_grad(self, step: spec_steps.RequiresGrad) -> None:
        for expression, flag in step.flags:
            try:
                self.tensor_of(expression).requires_grad_(flag)
            except UserError as error:
                error.at(expression.span())
                raise
        self.tell("requires_grad")

    def retain_grad(self, step: spec_steps.RetainGrad) -> None:
        for expression in step.of:
            try:
                self.tensor_of(expression).retain_grad()
            except UserError as error:
                error.at(expression.span())
                raise
        self.tell("retain_grad")

    def hook(self, step: spec_steps.Hook) -> None:
        path, span = self.path, step.span

        def fire(gradient: Tensor | None) -> Tensor | None:
            before, self.path = self.path, path
            try:
                with self.at(span):
                    if step.value is None:
                        shown = Printed(step.name, self.text_of(gradient), plain_value(gradient))
                        self.tell("hook", name=step.name, printed=[shown])
                        return None
                    value = self.evaluate_inside(step.value, {**self.scope.bindings, step.name: gradient})
                    if value is not None and not isinstance(value, Tensor):
                        raise UserError("type", f"expected Variable, but hook returned '{frontend.kind_of(value)}'")
                    return value
            finally:
                self.path = before

        try:
            self.tensor_of(step.on).register_hook(fire)
        except UserError as error:
            error.at(step.on.span())
            raise
        self.tell("hook")

    def repeat(self, step: spec_steps.Repeat) -> None:
        times = self.value_of(step.times)
        if not frontend.is_int(times) or times < 0:
            message = f"`times` must be a whole number that is not negative, not {self.text_of(times)}"
            raise UserError("value", message, span=span_of(step.times))
        path = self.path
        for place in range(times):
            if step.name is not None:
                self.scope.bindings[step.name] = place
            self.run_steps(step.steps, (*path, place))

    def while_(self, step: spec_steps.While) -> None:
        at_most = self.value_of(step.at_most)
        path = self.path
        rounds = 0
        while self.holds(step.condition):
            if rounds >= at_most:
                raise still_holds(step, at_most)
            self.run_steps(step.steps, (*path, rounds))
            rounds += 1

    def holds(self, condition: Expression) -> bool:
        value = self.value_of(condition)
        try:
            return truth(value)
        except UserError as error:
            raise error.at(condition.span()) from None

    def print(self, step: spec_steps.Print) -> None:
        printed = []
        for item in step.items:
            value = self.value_of(item.value)
            printed.append(Printed(item.value.text, self.text_of(value), plain_value(value), item.label))
        self.tell("print", printed=printed)

    # the end

    def finish(self, get: Sequence[str]) -> None:
        """Put the final bindings, and the values of `get`, into the report."""
        try:
            self.report.bindings = [self.state_of(name, value) for name, value in self.scope.bindings.items()]
        except MemoryError as error:
            self.report.error = self.report.error or memory.exceeded(error)
        if self.report.error is None:
            for text in get:
                try:
                    value = Program(parse_expression(text, bound=self.scope.bindings)).run(self.scope)
                except UserError as error:
                    self.report.error = UserError(error.kind, f"--get {text}: {error.message}", error.hint)
                    return
                self.report.got.append(Printed(text, self.text_of(value), plain_value(value)))

    def state_of(self, name: str, value: Any) -> Binding:
        if isinstance(value, Tensor):
            return Binding(name, state=self.tensor_state(value), text=self.text_of(value))
        if isinstance(value, tuple) and not isinstance(value, Size):
            parts = tuple(self.state_of(f"{name}[{place}]", item) for place, item in enumerate(value))
            return Binding(name, parts=parts, text=self.text_of(value))
        return Binding(name, value=plain_value(value), text=self.text_of(value))

    def tensor_state(self, value: Tensor) -> TensorState:
        try:
            node = value.grad_fn
            is_leaf = value.is_leaf
        except UserError:  # a view whose place in the graph torch refuses to tell
            node, is_leaf = None, False
        grad = value.grad
        return TensorState(
            to_host(value.array),
            value.dtype.name,
            device_of(value.array),
            value.requires_grad,
            is_leaf,
            None if node is None else node.name,
            None if grad is None else to_host(grad.array),
            self.text_of(value),
        )

    def text_of(self, value: Any) -> str:
        return format_value(value, self.describe)

    def describe(self, value: Any) -> str | None:
        """The texts of the engine's own objects."""
        if isinstance(value, Tensor):
            try:
                node = value.grad_fn
            except UserError:
                node = None
            return format_tensor(
                to_host(value.array),
                requires_grad=value.requires_grad,
                grad_fn=None if node is None else node.name,
                default_dtype=default_dtype.name,
                device=device_of(value.array),
            )
        return repr(value) if isinstance(value, Node) else None


# the steps that need to know what gradients were computed from
ON_TRIAL = (spec_steps.Claim, spec_steps.Gradcheck)

RUNNERS: dict[type, Callable[[Session, Any], None]] = {
    spec_steps.Bind: Session.bind,
    spec_steps.Line: Session.line,
    spec_steps.Backward: Session.backward,
    spec_steps.ZeroGrad: Session.zero_grad,
    spec_steps.Block: Session.block,
    spec_steps.RequiresGrad: Session.requires_grad,
    spec_steps.RetainGrad: Session.retain_grad,
    spec_steps.Hook: Session.hook,
    spec_steps.Repeat: Session.repeat,
    spec_steps.While: Session.while_,
    spec_steps.Print: Session.print,
    spec_steps.Expect: judging.expect,
    spec_steps.ExpectError: judging.expect_error,
    spec_steps.Claim: judging.claim,
    spec_steps.Gradcheck: judging.gradcheck,
}


def span_of(value: Expression | Literal) -> Span:
    return value.span if isinstance(value, Literal) else value.span()


def written(target: tree.Target) -> str:
    """A target's name, without its index."""
    if isinstance(target, tree.Name):
        return target.id
    inner = target.target
    name = written(inner) if isinstance(inner, tree.Name | tree.Attribute | tree.Subscript) else "..."
    return f"{name}.{target.name}" if isinstance(target, tree.Attribute) else name


def fingerprint(value: Tensor) -> tuple[int, int] | None:
    """Changes whenever the tensor's `.grad` is replaced, or changed in place."""
    grad = value.grad
    return None if grad is None else (id(grad), grad.version[0])
