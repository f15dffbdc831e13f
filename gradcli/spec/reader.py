"""From YAML nodes to the values a spec is made of; every mistake is noted, and reading goes on.

A value that cannot be read is replaced by one that stands for nothing: whoever notes a mistake throws the
whole spec away in the end.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Sequence as Several

from gradcli.engine.dtypes import ALIASES, TYPE_NAMES
from gradcli.errors import Kind, Span, UserError
from gradcli.record import field
from gradcli.spec.expression import parse_expression
from gradcli.spec.language import ARCHIVES, DEVICE, FLOATING, FORMATS, NAME, RESERVED, Options, required
from gradcli.spec.scope import Scope, did_you_mean
from gradcli.spec.source import Limits, Mapping, Node, Scalar, Sequence, Source
from gradcli.spec.steps import Expression, Literal, Load, Plain, Value
from gradcli.spec.syntax import ExpressionError
from gradcli.spec.tree import Constant, TupleOf

_NAME = re.compile(NAME)
# What other programs write for truth values.
_TRUTHS = {**dict.fromkeys(("yes", "on", "true"), "true"), **dict.fromkeys(("no", "off", "false"), "false")}
_LOADED = rf"(?i)(?P<path>.+\.(?P<format>{'|'.join(FORMATS)}))(?::(?P<key>.+))?"


class ListText(Scalar):
    """A YAML list as the text of one expression; `parts` are its scalars, each with its place in the text."""

    parts: list[tuple[int, int, Scalar]] = field(default_factory=list)

    def span_of(self, start: int, end: int) -> Span:
        touched = [part for part in self.parts if part[0] < end and start < part[1]]
        if not touched or start < touched[0][0] or end > touched[-1][1]:
            return self.span
        (first, _, head), (last, _, tail) = touched[0], touched[-1]
        begin = head.span_of(min(start - first, len(head.text)), min(start - first + 1, len(head.text)))
        finish = tail.span_of(0, min(end - last, len(tail.text)))
        return Span(begin.line, begin.column, finish.end_line, finish.end_column)


class Reader:
    """Reads nodes within a `scope`; mistakes are appended to `errors`, which the scope shares."""

    def __init__(self, scope: Scope, errors: list[UserError], limits: Limits) -> None:
        self.scope = scope
        self.errors = errors
        self.limits = limits

    def note(self, message: str, span: Span, hint: str | None = None, kind: Kind = "spec") -> None:
        self.errors.append(UserError(kind, message, hint, span))

    def is_missing(self, node: Node) -> bool:
        """Whether nothing at all is written where a value may stand."""
        return isinstance(node, Scalar) and node.plain and not node.text

    def plain(self, scalar: Scalar) -> Plain:
        """What YAML makes of a scalar; a name that is bound is no `nan` or `inf`."""
        try:
            return scalar.value if scalar.text in self.scope.bound else scalar.literal
        except UserError as error:
            self.errors.append(error)
            return 0

    def expression(self, node: Node, what: str, example: str) -> Expression:
        """The expression that a scalar writes, its names checked; a list counts as an expression of lists."""
        if isinstance(node, Scalar) and not self.is_missing(node):
            return self.parse(node)
        if isinstance(node, Sequence):
            return self.list_expression(node)
        self.note(f"{what} must be an expression", node.span, f"for example `{example}`")
        return self.nothing(node)

    def nothing(self, node: Node) -> Expression:
        """Stands for an expression that could not be read."""
        scalar = node if isinstance(node, Scalar) else _first_scalar(node)
        return Expression(scalar.text, Constant(None, start=0, end=len(scalar.text)), scalar)

    def parse(self, scalar: Scalar, *, check: bool = True) -> Expression:
        """The expression in `scalar`."""
        try:
            tree = parse_expression(scalar.text, limits=self.limits, bound=self.scope.bound)
        except ExpressionError as error:
            self.errors.append(error.at(scalar.span_of(error.start, error.end)))
            return self.nothing(scalar)
        expression = Expression(scalar.text, tree, scalar)
        if check:
            self.scope.check(expression, tree)
        return expression

    def expressions(self, node: Node, what: str, example: str) -> list[Expression]:
        """One expression, or each of a list."""
        if not isinstance(node, Sequence):
            return [self.expression(node, what, example)]
        if not node.items:
            self.note(f"{what} must not be an empty list", node.span, f"for example `{example}`")
        return [self.expression(item, f"each of {what}", example) for item in node.items]

    def value(self, node: Node, what: str, example: str) -> Value:
        """A literal or an expression: numbers, truth values, None and lists of them are literals."""
        if isinstance(node, Sequence):
            literal = self.list_literal(node)
            return literal if literal is not None else self.list_expression(node)
        if isinstance(node, Scalar) and not self.is_missing(node):
            value = self.plain(node)
            return self.parse(node) if isinstance(value, str) else Literal(value, node.span)
        message = f"{what} must be an expression, a number or a list"
        if self.is_missing(node):
            message = f"{what} has no value"
        self.note(message, node.span, f"for example `{example}`")
        return Literal(None, node.span)

    def list_literal(self, node: Sequence) -> Literal | None:
        """The list, if nothing in it is an expression."""
        values: list[Plain] = []
        for item in node.items:
            if isinstance(item, Sequence):
                inner = self.list_literal(item)
                if inner is None:
                    return None
                values.append(inner.value)
                continue
            if isinstance(item, Mapping) or self.is_missing(item):
                return None
            value = self.plain(item)
            if isinstance(value, str):
                return None
            values.append(value)
        return Literal(values, node.span)

    def list_expression(self, node: Sequence) -> Expression:
        """A YAML list as one expression, `[a, 2 * b]`."""
        before = len(self.errors)
        pieces: list[str] = []
        parts: list[tuple[int, int, Scalar]] = []
        self._write(node, pieces, parts, 0)
        if len(self.errors) > before:
            return self.nothing(node)
        scalar = ListText("".join(pieces), '"', node.start, node.end, _first_scalar(node).source, parts=parts)
        return self.parse(scalar)

    def _write(self, node: Sequence, pieces: list[str], parts: list[tuple[int, int, Scalar]], at: int) -> int:
        """Appends the text of `node` to `pieces`, which are `at` characters long; gives their new length."""

        def put(text: str) -> None:
            nonlocal at
            pieces.append(text)
            at += len(text)

        put("[")
        for index, item in enumerate(node.items):
            put(", " if index else "")
            if isinstance(item, Sequence):
                at = self._write(item, pieces, parts, at)
                continue
            if isinstance(item, Mapping) or self.is_missing(item):
                self.note("each item of a list must be a number, an expression or a list", item.span)
                continue
            value = self.plain(item)
            text = item.text if isinstance(value, str) else repr(value)
            tuple_of = isinstance(value, str) and isinstance(self.parse(item, check=False).tree, TupleOf)
            put("(" if tuple_of else "")
            parts.append((at, at + len(text), item))
            put(text)
            # A comment in the text ends with its line.
            put(("\n" if "#" in text else "") + (")" if tuple_of else ""))
        put("]")
        return at

    def options(self, node: Mapping, what: str, options: Options, example: str) -> dict[str, Node]:
        """The entries of a mapping whose keys are `options`; what is unknown or missing is noted."""
        needed = required(options)
        known = [*needed, *(name for name in options if name not in needed)]
        found: dict[str, Node] = {}
        # An unknown key is likely a missing one, misspelt: that is one mistake, not two.
        for key, value in node.entries:
            if key.text in known:
                found[key.text] = value
            else:
                hint = did_you_mean(key.text, known) or f"it has {listed(known)}"
                self.note(f"{what} has no option `{key.text}`", key.span, hint)
        missing = [name for name in needed if name not in found]
        if missing and len(found) == len(node.entries):
            self.note(f"{what} needs {listed(missing)}", node.span, f"for example `{example}`")
        return found

    def boolean(self, node: Node, what: str) -> bool:
        hint = None
        if isinstance(node, Scalar):
            value = self.plain(node)
            if isinstance(value, bool):
                return value
            meant = _TRUTHS.get(node.text.lower())
            hint = f"write `{meant}`" if meant else None
        self.note(f"{what} must be true or false", node.span, hint)
        return False

    def number(self, node: Node, what: str, example: str) -> float:
        """A number that is not negative, as tolerances are."""
        if isinstance(node, Scalar):
            value = self.plain(node)
            if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
                return value
        self.note(f"{what} must be a number that is not negative", node.span, f"for example `{example}`")
        return 0.0

    def integer(self, node: Node, what: str, example: str) -> int:
        if isinstance(node, Scalar):
            value = self.plain(node)
            if isinstance(value, int) and not isinstance(value, bool):
                return value
        self.note(f"{what} must be an integer", node.span, f"for example `{example}`")
        return 0

    def count(self, node: Node, what: str, example: str) -> Value:
        """How often: an integer of at least 0, or an expression."""
        value = self.value(node, what, example) if isinstance(node, Scalar) else None
        if isinstance(value, Expression):
            return value
        number = value.value if value is not None else None
        if value is not None and isinstance(number, int) and not isinstance(number, bool) and number >= 0:
            return value
        if not self.is_missing(node):
            message = f"{what} must be an integer that is not negative, or an expression"
            self.note(message, node.span, f"for example `{example}`")
        return Literal(0, node.span)

    def text(self, node: Node, what: str, example: str) -> str:
        if isinstance(node, Scalar) and not self.is_missing(node):
            return node.text
        self.note(f"{what} must be text", node.span, f"for example `{example}`")
        return ""

    def dtype(self, node: Node, what: str, *, floating: bool = False) -> str:
        """The full name of a dtype, written `float64`, `double` or `torch.float64`."""
        known = FLOATING if floating else tuple(TYPE_NAMES)
        if isinstance(node, Scalar):
            name = full_dtype(node.text)
            if name in known:
                return name
            kind = "floating dtype" if floating else "dtype"
            hint = did_you_mean(node.text, known) or f"one of {listed(known)}"
            self.note(f"{what} must be a {kind}, not `{shown(node.text)}`", node.span, hint)
        else:
            self.note(f"{what} must be the name of a dtype", node.span, f"one of {listed(known)}")
        return "float32"

    def device(self, node: Node, what: str) -> str:
        if isinstance(node, Scalar) and is_device(node.text):
            return node.text
        self.note(f"{what} must be `cpu`, `cuda` or `cuda:N`", node.span)
        return "cpu"

    def load(self, node: Node) -> Load:
        """`data.npy`, or `data.npz:key`."""
        if isinstance(node, Scalar) and not self.is_missing(node):
            found = re.fullmatch(_LOADED, node.text)
            if found is not None:
                if found["key"] is not None and found["format"].lower() not in ARCHIVES:
                    message = f"a .{found['format'].lower()} file has no keys, so `:{found['key']}` has no meaning"
                    self.note(message, node.span)
                return Load(found["path"], found["key"], node.span)
        hint = "a path that ends in .npy, .npz, .npz:key, .safetensors:key, .csv or .json"
        self.note("`load` must be a file of tensors", node.span, hint)
        return Load("", None, node.span)

    def name(self, scalar: Scalar, what: str) -> str:
        """A name to bind."""
        name = scalar.text
        if name in RESERVED:
            self.note(f"`{name}` is a word of the language and cannot be {what}", scalar.span, "choose another name")
        elif keyword.iskeyword(name):
            message = f"`{name}` is a word of Python's syntax and cannot be {what}"
            self.note(message, scalar.span, "choose another name")
        elif not _NAME.fullmatch(name):
            hint = "a name is made of ASCII letters, digits and `_`, and begins with no digit"
            self.note(f"`{shown(name)}` cannot be {what}", scalar.span, hint)
        return name


def _first_scalar(node: Node) -> Scalar:
    """A scalar in `node`, or one made up in its place."""
    while not isinstance(node, Scalar):
        inner: list[Node] = node.items if isinstance(node, Sequence) else [key for key, _ in node.entries]
        if not inner:
            return Scalar("", '"', node.start, node.end, Source("", ""))
        node = inner[0]
    return node


def is_device(text: str) -> bool:
    return re.fullmatch(DEVICE, text) is not None


def full_dtype(text: str) -> str:
    """`float64` for `double`, `torch.float64` and the like; other text as it is."""
    bare = text.removeprefix("torch.")
    return ALIASES.get(bare, bare)


def shown(text: str) -> str:
    """`text` as a message quotes it: on one line and not too long."""
    line = " ".join(text[:200].split())
    return line if len(line) <= 40 else f"{line[:39]}…"


def listed(words: Several[str]) -> str:
    """`a`, `b` and `c`."""
    quoted = [f"`{word}`" for word in words]
    return f"{', '.join(quoted[:-1])} and {quoted[-1]}" if len(quoted) > 1 else quoted[0]
