"""Reads the steps of `pipeline:`, in order, so that each step sees the names bound before it."""

from __future__ import annotations

import re
from collections.abc import Callable

from gradcli.engine.dtypes import TYPE_NAMES
from gradcli.errors import Span, UserError
from gradcli.spec.expression import parse_statement
from gradcli.spec.language import CHECKS, EXPECTATION, NAME, RESERVED, STEP_WORDS, STEPS, TOLERANCES, required
from gradcli.spec.reader import Reader, full_dtype, is_device, listed, shown
from gradcli.spec.scope import ASSIGNABLE, Scope, did_you_mean
from gradcli.spec.source import Limits, Mapping, Node, Scalar, Sequence
from gradcli.spec.steps import (
    Backward,
    Bind,
    Block,
    Claim,
    Expect,
    ExpectError,
    ExpectItem,
    Expression,
    Gradcheck,
    Hook,
    Line,
    Literal,
    Load,
    Print,
    PrintItem,
    Repeat,
    RequiresGrad,
    RetainGrad,
    Step,
    Value,
    While,
    ZeroGrad,
    called_name,
)
from gradcli.spec.syntax import ExpressionError
from gradcli.spec.tree import (
    Assign,
    Attribute,
    AugmentedAssign,
    Call,
    Delete,
    Effect,
    Name,
    Statement,
    Target,
    TupleOf,
)

EXAMPLES = {word: step.example for word, step in STEPS.items()}
_EFFECTS = frozenset({"print", "manual_seed", "backward", "retain_grad"})
_IDENTIFIER = re.compile(NAME)
_GRAD_FN = re.compile(r"<([A-Za-z_]\w*)>|([A-Z]\w*Backward\d*|AccumulateGrad|CopySlices|AsStridedBackward0)")


def expected_name(text: str) -> str | None:
    """The name of a grad_fn, without `<>`, of a dtype or of a device, if `text` is one."""
    if full_dtype(text) in TYPE_NAMES:
        return full_dtype(text)
    if is_device(text):
        return text
    found = _GRAD_FN.fullmatch(text)
    return (found[1] or found[2]) if found else None


class Pipeline(Reader):
    """Reads steps; `finish` must be called after the last one."""

    def __init__(self, scope: Scope, errors: list[UserError], limits: Limits) -> None:
        super().__init__(scope, errors, limits)
        self._expects_failure = False
        self._hooks: list[tuple[Expression, str]] = []
        self._binds: list[tuple[str, Scalar]] = []
        self._readers: dict[str, Callable[[Node, Span], Step | None]] = {
            "backward": self._backward,
            "zero_grad": self._zero_grad,
            "no_grad": lambda node, span: Block("no_grad", self.steps(node, "no_grad"), span=span),
            "enable_grad": lambda node, span: Block("enable_grad", self.steps(node, "enable_grad"), span=span),
            "requires_grad": self._requires_grad,
            "retain_grad": self._retain_grad,
            "hook": self._hook,
            "repeat": self._repeat,
            "while": self._while,
            "print": self._print,
            "expect": self._expect,
            "expect_error": self._expect_error,
            "claim": self._claim,
            "gradcheck": self._gradcheck,
        }

    def finish(self) -> None:
        """Checks what only the whole pipeline can tell: hooks see what is bound when they fire."""
        for expression, name in self._hooks:
            inside = self.scope.with_all_names(name)
            inside.check(expression, expression.tree)
            self.scope.read |= inside.read
        for name, key in self._binds:
            if name not in self.scope.read:
                hint = did_you_mean(name, STEP_WORDS, 0.88)
                if hint:
                    self.note(f"`{name}` is no step, and as a name it is never used", key.span, hint)

    def steps(self, node: Node | None, what: str) -> list[Step]:
        """A list of steps; a mapping or a single step is a mistake, but its steps are read."""
        example = f"`{EXAMPLES[what]}`" if what in EXAMPLES else "`- z: x * y`"
        if node is None or (self.is_missing(node) and what == "pipeline"):
            return []
        if isinstance(node, Sequence):
            if not node.items and what != "pipeline":
                self.note(f"`{what}` needs at least one step", node.span, f"for example {example}")
            return [step for item in node.items for step in self._step(item)]
        if isinstance(node, Mapping) and node.entries:
            self.note(
                f"`{what}` must be a list of steps",
                node.span,
                "write `-` before each step, as in `- z: x * y`",
            )
            self._entries(node)
        else:
            self.note(f"`{what}` must be a list of steps", node.span, f"for example {example}")
        return []

    def _step(self, node: Node) -> list[Step]:
        if isinstance(node, Sequence):
            hint = "a step is `name: expression`, one of the step words with its value, or a line of PyTorch"
            self.note("a step cannot be a list", node.span, hint)
            return []
        if isinstance(node, Mapping):
            if len(node.entries) > 1:
                second = node.entries[1][0]
                message = f"a step has one key, and `{shown(second.text)}` is a second one"
                self.note(message, second.span, f"write it as a step of its own: `- {shown(second.text)}: ...`")
            elif not node.entries:
                self.note("a step cannot be empty", node.span)
            return self._entries(node)
        if self.is_missing(node):
            self.note("a step cannot be empty", node.span, "remove its `-`")
            return []
        return self._line(node)

    def _entries(self, node: Mapping) -> list[Step]:
        read = (self._entry(key, value) for key, value in node.entries)
        return [step for step in read if step is not None]

    def _entry(self, key: Scalar, node: Node) -> Step | None:
        begin, end = key.span, node.span
        span = Span(begin.line, begin.column, end.end_line, end.end_column)
        if (end.line, end.column) < (begin.line, begin.column):  # an alias: its value stands elsewhere
            span = begin
        word = key.text
        if word not in self._readers:
            return self._bind(key, node, span)
        if self.is_missing(node):
            self.note(f"`{word}` has no value", key.span, f"for example `{EXAMPLES[word]}`")
            return None
        return self._readers[word](node, span)

    def _bind(self, key: Scalar, node: Node, span: Span) -> Step | None:
        if not _IDENTIFIER.fullmatch(key.text):
            line = shown(key.text)
            self.note(
                f"`{line}` is not a name that a step can bind",
                key.span,
                f'write the whole step as a string: `- "{line} = ..."`',
            )
            return None
        name = self.name(key, "bound by a step")
        if isinstance(node, Mapping):
            hint = did_you_mean(name, STEP_WORDS)
            if "data" in node:
                hint = f"write `{name}: randn(3, requires_grad=True)`, or declare it under `tensors:`"
            self.note(f"`{name}` must be an expression, not a mapping", node.span, hint)
            value: Value = Literal(None, node.span)
        else:
            value = self.value(node, f"`{name}`", f"{name}: x * 2")
            self._binds.append((name, key))
        self.scope.bind(name, key.span.line)
        return Bind(name, value, span=span)

    # A step that is one line of PyTorch.

    def _line(self, scalar: Scalar) -> list[Step]:
        text = scalar.text.strip()
        if text in STEP_WORDS:
            self.note(f"`{text}` has no value", scalar.span, f"for example `{EXAMPLES[text]}`")
            return []
        try:
            statement = parse_statement(scalar.text, limits=self.limits, bound=self.scope.bound)
        except ExpressionError as error:
            self.errors.append(error.at(scalar.span_of(error.start, error.end)))
            return []
        if isinstance(statement, Delete):
            names = statement.names
            tree = names[0] if len(names) == 1 else TupleOf(names, start=names[0].start, end=names[-1].end)
            expression = Expression(scalar.text, tree, scalar)
            self._delete(expression, statement)
        else:
            expression = Expression(scalar.text, statement.value, scalar)
            self._check_statement(expression, statement)
        return [Line(statement, expression, span=scalar.span)]

    def _delete(self, expression: Expression, statement: Delete) -> None:
        self.scope.check(expression, statement)
        for name in statement.names:
            self.scope.delete(name.id, expression.span().line)

    def _check_statement(self, expression: Expression, statement: Statement) -> None:
        if isinstance(statement, Assign):
            self.scope.check(expression, statement.value)
            for target in statement.targets:
                if isinstance(target, Name):
                    self._bind_target(expression, target)
                else:
                    self._check_target(expression, target)
        elif isinstance(statement, AugmentedAssign):
            self._check_target(expression, statement.target)
            self.scope.check(expression, statement.value)
        elif isinstance(statement, Effect):
            self._check_effect(expression, statement)

    def _bind_target(self, expression: Expression, target: Name) -> None:
        span = expression.span(target)
        if target.id in RESERVED:
            message = f"`{target.id}` is a word of the language and cannot be bound by a step"
            self.note(message, span, "choose another name")
        self.scope.bind(target.id, span.line)

    def _check_target(self, expression: Expression, target: Target) -> None:
        if not isinstance(target, Attribute):
            self.scope.check(expression, target)
            return
        self.scope.check(expression, target.target)
        if target.name not in ASSIGNABLE:
            span = expression.scalar.span_of(target.name_start, target.end)
            hint = did_you_mean(target.name, ASSIGNABLE) or f"only {listed(ASSIGNABLE)} can be"
            self.note(f"the attribute `.{target.name}` cannot be assigned", span, hint)

    def _check_effect(self, expression: Expression, statement: Effect) -> None:
        value = statement.value
        if isinstance(value, Call) and value.function == "print" and value.keywords:
            place = expression.span(value.keywords[0])
            self.note("`print` takes no options here", place, "`print: {label: x}` prints `label: ` before x")
        before = len(self.errors)
        self.scope.check(expression, value, statement=True)
        called = called_name(statement)
        has_effect = called in _EFFECTS or (called.endswith("_") and not called.endswith("__"))
        if has_effect or self._expects_failure or len(self.errors) > before:
            return
        text = shown(expression.text)
        if isinstance(value, Attribute) and (value.name in _EFFECTS or value.name.endswith("_")):
            hint = f"call it: `{text}()`"
        else:
            hint = f"write `y: {text}` to bind it, or `print: {text}`"
        self.note(f"`{text}` has no effect", expression.span(), hint)

    # One method a step word: what stands at `node`, and the span of the whole step.

    def _backward(self, node: Node, span: Span) -> Step:
        example = EXAMPLES["backward"]
        if not isinstance(node, Mapping):
            of = self.expressions(node, "`backward`", example)
            return Backward(of, [None] * len(of), span=span)
        example = "backward: {of: loss, retain_graph: true}"
        given = self.options(node, "`backward`", STEPS["backward"].options, example)
        of = self.expressions(given["of"], "`of`", example) if "of" in given else []
        gradient: list[Value | None] = [None] * len(of)
        if "gradient" in given:
            gradient = self._gradient(given["gradient"], given.get("of"), len(of))
        retain, create = given.get("retain_graph"), given.get("create_graph")
        inputs = given.get("inputs")
        return Backward(
            of,
            gradient,
            None if retain is None else self.boolean(retain, "`retain_graph`"),
            create is not None and self.boolean(create, "`create_graph`"),
            None if inputs is None else self.expressions(inputs, "`inputs`", "inputs: [w]"),
            span=span,
        )

    def _gradient(self, node: Node, of: Node | None, count: int) -> list[Value | None]:
        example = "gradient: ones_like(out)"
        if not isinstance(of, Sequence):
            return [self.value(node, "`gradient`", example)]
        if not isinstance(node, Sequence):
            self.note("`gradient` must be a list, as `of` is one", node.span, "for example `gradient: [v, null]`")
            return [None] * count
        if len(node.items) != count:
            message = f"`gradient` must have {count} items, one for each of `of`, not {len(node.items)}"
            self.note(message, node.span, "`null` stands for torch's default")
        return [self._optional_value(item, "each of `gradient`", example) for item in node.items]

    def _optional_value(self, node: Node, what: str, example: str) -> Value | None:
        value = self.value(node, what, example)
        return None if isinstance(value, Literal) and value.value is None else value

    def _zero_grad(self, node: Node, span: Span) -> Step:
        set_to_none = False
        of: Node | None = node
        if isinstance(node, Mapping):
            example = "zero_grad: {of: [w, b], set_to_none: true}"
            given = self.options(node, "`zero_grad`", STEPS["zero_grad"].options, example)
            of = given.get("of")
            if "set_to_none" in given:
                set_to_none = self.boolean(given["set_to_none"], "`set_to_none`")
        if of is None or (isinstance(of, Scalar) and of.text == "all"):
            return ZeroGrad(None, set_to_none, span=span)
        return ZeroGrad(self.expressions(of, "`zero_grad`", EXAMPLES["zero_grad"]), set_to_none, span=span)

    def _requires_grad(self, node: Node, span: Span) -> Step:
        flags = [
            (self.parse(key), self.boolean(value, f"`requires_grad` of `{shown(key.text)}`"))
            for key, value in self._mapping(node, "requires_grad", "tensors to true or false")
        ]
        return RequiresGrad(flags, span=span)

    def _retain_grad(self, node: Node, span: Span) -> Step:
        return RetainGrad(self.expressions(node, "`retain_grad`", EXAMPLES["retain_grad"]), span=span)

    def _hook(self, node: Node, span: Span) -> Step | None:
        given = self._options(node, "hook")
        if "on" not in given:
            return None
        on = self.expression(given["on"], "`on`", "on: w")
        name = "grad"
        alias = given.get("as")
        if isinstance(alias, Scalar):
            name = self.name(alias, "what a hook calls the gradient")
        elif alias is not None:
            self.note("`as` must be a name", alias.span, f"for example `{EXAMPLES['hook']}`")
        value = None
        written = given.get("value")
        if isinstance(written, Scalar) and not self.is_missing(written):
            value = self.parse(written, check=False)
            self._hooks.append((value, name))
        elif written is not None:
            self.note("`value` must be an expression", written.span, f"for example `{EXAMPLES['hook']}`")
        return Hook(on, name, value, span=span)

    def _repeat(self, node: Node, span: Span) -> Step:
        given = self._options(node, "repeat")
        times: Value = Literal(0, span)
        if "times" in given:
            times = self.count(given["times"], "`times`", "times: 100")
        name = None
        alias = given.get("as")
        if isinstance(alias, Scalar):
            name = self.name(alias, "the counter of a loop")
            self.scope.bind(name, alias.span.line)
        elif alias is not None:
            self.note("`as` must be a name", alias.span, "for example `as: i`")
        return Repeat(times, name, self._loop(given.get("steps"), "repeat"), span=span)

    def _while(self, node: Node, span: Span) -> Step | None:
        given = self._options(node, "while")
        condition = given.get("condition")
        if condition is None:
            return None
        expression = self.expression(condition, "`condition`", "condition: norm(y) < 1000")
        at_most: Value = Literal(0, span)
        if "at_most" in given:
            at_most = self.count(given["at_most"], "`at_most`", "at_most: 100")
        return While(expression, at_most, self._loop(given.get("steps"), "while"), span=span)

    def _loop(self, node: Node | None, what: str) -> list[Step]:
        """Steps that may run never, or often: a `del` among them says nothing of what comes after."""
        if node is None:
            return []
        before = dict(self.scope.bound)
        steps = self.steps(node, what)
        for name, line in before.items():
            if name not in self.scope.bound:
                self.scope.bind(name, line)
        return steps

    def _print(self, node: Node, span: Span) -> Step:
        nodes: list[Node] = node.items if isinstance(node, Sequence) else [node]
        if not nodes:
            self.note("`print` must not be an empty list", node.span, f"for example `{EXAMPLES['print']}`")
        return Print([item for found in nodes for item in self._print_items(found)], span=span)

    def _print_items(self, node: Node) -> list[PrintItem]:
        example = "print: {label: w.grad}"
        if isinstance(node, Mapping):
            return [
                PrintItem(key.text, self.expression(value, f"`{shown(key.text)}`", example))
                for key, value in node.entries
            ]
        return [PrintItem(None, self.expression(node, "what `print` prints", EXAMPLES["print"]))]

    def _expect(self, node: Node, span: Span) -> Step:
        tolerances: dict[str, float | None] = dict.fromkeys(TOLERANCES)
        items = []
        for key, value in self._mapping(node, "expect", "expressions to what is expected of them"):
            if key.text in tolerances:
                tolerances[key.text] = self.number(value, f"`{key.text}`", f"{key.text}: 1e-5")
            else:
                items.append(self._expect_item(key, value))
        if isinstance(node, Mapping) and node.entries and not items:
            self.note("`expect` expects nothing", node.span, f"for example `{EXAMPLES['expect']}`")
        return Expect(items, tolerances["rtol"], tolerances["atol"], span=span)

    def _expect_item(self, key: Scalar, node: Node) -> ExpectItem:
        expr = self.parse(key)
        span = key.span
        if not isinstance(node, Mapping):
            expected, recorded, is_none = self._expected(node)
            return ExpectItem(expr, span, expected, recorded, is_none)
        what = f"the expectation of `{shown(key.text)}`"
        given = self.options(node, what, EXPECTATION, "")
        expected, recorded, is_none = None, True, False
        if "equals" in given and "load" in given:
            self.note(f"{what} has both `equals` and `load`", node.span, "keep one of them")
        elif "equals" in given:
            expected, recorded, is_none = self._expected(given["equals"])
        elif "load" in given:
            expected = self.load(given["load"])
        elif not set(CHECKS) & set(given) and len(given) == len(node.entries):
            self.note(f"{what} checks nothing", node.span, "for example `{equals: 2.0, rtol: 1e-3}`")
        rtol, atol, shape = given.get("rtol"), given.get("atol"), given.get("shape")
        return ExpectItem(
            expr,
            span,
            expected,
            recorded,
            is_none,
            None if rtol is None else self.number(rtol, "`rtol`", "rtol: 1e-5"),
            None if atol is None else self.number(atol, "`atol`", "atol: 1e-8"),
            self._true(given.get("finite"), "finite"),
            self._true(given.get("nonzero"), "nonzero"),
            None if shape is None else self._shape(shape),
        )

    def _expected(self, node: Node) -> tuple[Expression | Literal | Load | None, bool, bool]:
        """What is expected, whether it is recorded yet, and whether it is None."""
        if isinstance(node, Mapping):
            self.note("`equals` must be a value, not a mapping", node.span)
            return None, True, False
        if self.is_missing(node):
            return None, False, False
        if isinstance(node, Scalar):
            text = self._expected_text(node)
            if text is not None:
                return Literal(text, node.span), True, False
            if node.text == "None":
                return None, True, True
        value = self.value(node, "what is expected", EXAMPLES["expect"])
        if isinstance(value, Literal) and value.value is None:
            return None, True, True
        return value, True, False

    def _expected_text(self, scalar: Scalar) -> str | None:
        """The name of a grad_fn, a dtype or a device, if `scalar` writes one and no binding has it."""
        return None if scalar.text in self.scope.bound else expected_name(scalar.text)

    def _true(self, node: Node | None, name: str) -> bool:
        if node is None or self.boolean(node, f"`{name}`"):
            return node is not None
        if isinstance(node, Scalar) and node.value is False:
            self.note(f"`{name}: false` checks nothing", node.span, "leave it out")
        return False

    def _shape(self, node: Node) -> list[int]:
        sizes = node.items if isinstance(node, Sequence) else []
        read = [self.plain(size) if isinstance(size, Scalar) else None for size in sizes]
        shape = [size for size in read if isinstance(size, int) and not isinstance(size, bool) and size >= 0]
        if not isinstance(node, Sequence) or len(shape) < len(read):
            self.note("`shape` must be a list of sizes", node.span, "for example `shape: [5, 3]`")
        return shape

    def _expect_error(self, node: Node, span: Span) -> Step:
        given = self._options(node, "expect_error")
        match = self.text(given["match"], "`match`", "match: second time") if "match" in given else ""
        outer = self._expects_failure, self.scope.judges_arguments
        self._expects_failure, self.scope.judges_arguments = True, False
        steps = self._loop(given.get("steps"), "expect_error")
        self._expects_failure, self.scope.judges_arguments = outer
        return ExpectError(steps, match, span=span)

    def _claim(self, node: Node, span: Span) -> Step:
        items = [
            (self.parse(key), self.expression(value, f"the claim for `{shown(key.text)}`", EXAMPLES["claim"]))
            for key, value in self._mapping(node, "claim", "gradients to formulas")
        ]
        return Claim(items, span=span)

    def _gradcheck(self, node: Node, span: Span) -> Step | None:
        given = self._options(node, "gradcheck")
        if len(given) < 2 or "of" not in given or "wrt" not in given:
            return None
        of = self.expression(given["of"], "`of`", EXAMPLES["gradcheck"])
        wrt = self.expressions(given["wrt"], "`wrt`", EXAMPLES["gradcheck"])
        order = 1
        if "order" in given:
            order = self.integer(given["order"], "`order`", "order: 2")
            if order not in (1, 2):
                self.note("`order` must be 1 or 2", given["order"].span)
        return Gradcheck(of, wrt, order, span=span)

    def _mapping(self, node: Node, word: str, what: str) -> list[tuple[Scalar, Node]]:
        """The entries of a mapping with keys of the user's own."""
        if isinstance(node, Mapping) and node.entries:
            return node.entries
        self.note(f"`{word}` must be a mapping of {what}", node.span, f"for example `{EXAMPLES[word]}`")
        return []

    def _options(self, node: Node, word: str) -> dict[str, Node]:
        options = STEPS[word].options
        if isinstance(node, Mapping):
            return self.options(node, f"`{word}`", options, EXAMPLES[word])
        message = f"`{word}` must be a mapping with {listed(required(options))}"
        self.note(message, node.span, f"for example `{EXAMPLES[word]}`")
        return {}
