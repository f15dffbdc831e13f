"""The text of an expression, or of a one-line statement, as a tree with positions.

`syntax` checks the text, `ast` reads it, and what it read is rewritten, form by form, into the nodes of
`tree`: a form not listed here does not exist. Nothing is looked up and nothing is run. Neither the check nor
the rewriting recurses, and no text makes anything but `ExpressionError` escape.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Container, Sequence
from itertools import pairwise
from typing import Any, Literal, TypeAlias, TypeGuard

from gradcli.spec import hints
from gradcli.spec.syntax import (
    BINARY,
    DEFAULT_LIMITS,
    ExpressionError,
    Limits,
    Scan,
    depth_error,
    limit_error,
)
from gradcli.spec.tree import (
    Assign,
    Attribute,
    AugmentedAssign,
    Call,
    Constant,
    Delete,
    Effect,
    Expr,
    Keyword,
    ListOf,
    Logical,
    Method,
    Name,
    Operator,
    Slice,
    Statement,
    Subscript,
    Target,
    TupleOf,
    names_in,
    walk,
)

__all__ = [
    "DEFAULT_LIMITS",
    "MODULE_HEADS",
    "Assign",
    "Attribute",
    "AugmentedAssign",
    "Call",
    "Constant",
    "Delete",
    "Effect",
    "Expr",
    "ExpressionError",
    "Keyword",
    "Limits",
    "ListOf",
    "Logical",
    "Method",
    "Name",
    "Operator",
    "Slice",
    "Statement",
    "Subscript",
    "Target",
    "TupleOf",
    "names_in",
    "parse_expression",
    "parse_statement",
    "walk",
]

MODULE_HEADS = frozenset({"torch", "F", "nn", "linalg", "fft", "special"})
"""The names that begin the path of a module (`F.relu`, `torch.pi`), unless a binding has the name."""

_FIRST_WORD = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)")
_MODULE_PATH = re.compile(rf"({'|'.join(sorted(MODULE_HEADS))})(?:[ \t]*\.[ \t]*[A-Za-z_][A-Za-z0-9_]*)+")
_INT64 = range(-(2**63), 2**63)

_OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.Div: "div",
    ast.FloorDiv: "floor_divide",
    ast.Mod: "remainder",
    ast.Pow: "pow",
    ast.MatMult: "matmul",
    ast.BitAnd: "bitwise_and",
    ast.BitOr: "bitwise_or",
    ast.BitXor: "bitwise_xor",
    ast.LShift: "lshift",
    ast.RShift: "rshift",
    ast.USub: "neg",
    ast.UAdd: "pos",
    ast.Invert: "invert",
    ast.Lt: "lt",
    ast.LtE: "le",
    ast.Gt: "gt",
    ast.GtE: "ge",
    ast.Eq: "eq",
    ast.NotEq: "ne",
    ast.Is: "is_none",
    ast.IsNot: "is_not_none",
}
_SIGNS: dict[type[ast.AST], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Is: "is",
    ast.IsNot: "is not",
}


def parse_expression(text: str, *, limits: Limits = DEFAULT_LIMITS, bound: Container[str] = ()) -> Expr:
    """The tree of an expression; line breaks and `#` comments in it count as blanks.

    `bound` are the names of the user's own bindings: `F.sum()` is a method call where `F` is one, and a call
    of the function `F.sum` where not. Raises ExpressionError, of kind `limit` where the text is too large.
    """
    return _rewrite(Scan(text, limits), 0, len(text), bound)


def parse_statement(text: str, *, limits: Limits = DEFAULT_LIMITS, bound: Container[str] = ()) -> Statement:
    """The tree of a one-line statement: an assignment, a `del`, or an expression. Errors as above."""
    word = _FIRST_WORD.match(text)
    if word is not None and word[1] == "del":
        return _delete(text, word.start(1), word.end(1), limits)
    if word is not None and word[1] in hints.IN_STEP:
        message = f"`{word[1]}` is not available in a step"
        raise ExpressionError(message, *word.span(1), hints.IN_STEP[word[1]])

    scan = Scan(text, limits, statement=True)
    if scan.assignment is None:
        effect = _rewrite(scan, 0, len(text), bound)
        return Effect(effect, start=effect.start, end=effect.end)
    sign, sign_start, sign_end = scan.assignment
    left = _rewrite(scan, 0, sign_start, bound)
    value = _rewrite(scan, sign_end, len(text), bound)
    place = {"start": left.start, "end": value.end}
    if sign != "=":
        return AugmentedAssign(BINARY[sign[:-1]], _target(scan, left, sign), value, **place)
    if isinstance(left, TupleOf | ListOf) and left.items:
        return Assign(tuple(_target(scan, item, sign) for item in left.items), True, value, **place)
    return Assign((_target(scan, left, sign),), False, value, **place)


def _target(scan: Scan, expr: Expr, sign: str) -> Target:
    if isinstance(expr, Attribute | Subscript) or _is_plain_name(expr):
        return expr
    message = f"cannot assign to `{scan.quote(expr.start, expr.end)}`"
    hint = f"left of `{sign}` stands a name, a subscript `x[0]` or an attribute `w.grad`"
    raise ExpressionError(message, expr.start, expr.end, hint)


def _delete(text: str, start: int, after: int, limits: Limits) -> Delete:
    if not text[after:].strip():
        raise ExpressionError("expected a name after `del`", start, after)
    scan = Scan(text, limits, start=after)
    what = _rewrite(scan, after, len(text), ())
    names = []
    for item in what.items if isinstance(what, TupleOf) and what.items else (what,):
        if not _is_plain_name(item):
            quoted = scan.quote(item.start, item.end)
            hint = f"write `{quoted} = None`" if isinstance(item, Attribute) else None
            raise ExpressionError(f"cannot delete `{quoted}`, only names", item.start, item.end, hint)
        names.append(item)
    return Delete(tuple(names), start=start, end=what.end)


def _is_plain_name(expr: Expr) -> TypeGuard[Name]:
    return isinstance(expr, Name) and "." not in expr.id


def _rewrite(scan: Scan, start: int, end: int, bound: Container[str]) -> Expr:
    """The tree of the stretch `start:end` of a checked text."""
    stretch = scan.source[start:end]
    start += len(stretch) - len(stretch.lstrip())
    stretch = stretch.strip()
    try:
        body = ast.parse(stretch, mode="eval").body
    except (RecursionError, MemoryError):
        raise depth_error(start, start + len(stretch)) from None
    except (SyntaxError, ValueError) as error:
        column = (error.offset if isinstance(error, SyntaxError) else None) or 1
        at = start + min(max(column, 1), len(stretch)) - 1
        raise ExpressionError("this is not an expression", at, at + 1) from None
    return _Rewriter(scan, stretch, start, bound).tree(body)


_Make: TypeAlias = Callable[[list[Expr]], Expr]
_Form: TypeAlias = tuple[Sequence[ast.expr], _Make]
"""The parts of one node of `ast`, and what makes our node of what was made of them."""


class _Rewriter:
    """From `ast` to our tree, for the text `stretch` that begins at the character `start`."""

    def __init__(self, scan: Scan, stretch: str, start: int, bound: Container[str]) -> None:
        self.scan = scan
        self.start = start
        self.bound = bound
        self.arguments: set[ast.expr] = set()  # of calls: only there may strings stand
        # `ast` counts bytes of UTF-8; this is the character at each byte, where they differ
        self.characters: list[int] | None = None
        if not stretch.isascii():
            sizes = [len(character.encode()) for character in stretch]
            self.characters = [index for index, size in enumerate(sizes) for _ in range(size)]
            self.characters.append(len(stretch))

    def tree(self, root: ast.expr) -> Expr:
        limit = self.scan.limits.nodes
        makers: list[tuple[int, _Make]] = []
        pending = [root]
        while pending:
            node = pending.pop()
            parts, make = self.form(node)
            makers.append((len(parts), make))
            pending.extend(reversed(parts))
            if len(makers) > limit:
                what = "too many names, numbers and operations in one expression"
                raise limit_error("nodes", limit, what, *self.place(root))
        made: list[Expr] = []
        for count, make in reversed(makers):
            made.append(make([made.pop() for _ in range(count)]))
        return made[0]

    def place(self, node: ast.expr | ast.keyword) -> tuple[int, int]:
        start, end = node.col_offset, node.end_col_offset
        assert end is not None  # the parser always knows it
        if self.characters is not None:
            start, end = self.characters[start], self.characters[end]
        return self.start + start, self.start + end

    def error(self, message: str, node: ast.expr | ast.keyword, hint: str | None = None) -> ExpressionError:
        return ExpressionError(message, *self.place(node), hint)

    def form(self, node: ast.expr) -> _Form:
        start, end = self.place(node)
        if isinstance(node, ast.Name):
            name = Name(node.id, start=start, end=end)
            return (), lambda _: name
        if isinstance(node, ast.Constant):
            constant = self.constant(node, node.value)
            return (), lambda _: constant
        if isinstance(node, ast.BinOp):
            operator = _OPERATORS[type(node.op)]
            return (node.left, node.right), lambda made: Operator(operator, tuple(made), start=start, end=end)
        if isinstance(node, ast.Call):
            return self.call(node)
        if isinstance(node, ast.Attribute):
            path = self.module_path(node)
            if path is not None:
                member = Name(path, start=start, end=end)
                return (), lambda _: member
            attribute = node.attr
            return (node.value,), lambda made: Attribute(made[0], attribute, start=start, end=end)
        if isinstance(node, ast.UnaryOp):
            return self.unary(node)
        if isinstance(node, ast.Subscript):
            return (node.value, node.slice), lambda made: Subscript(*made, start=start, end=end)
        if isinstance(node, ast.Tuple):
            return node.elts, lambda made: TupleOf(tuple(made), start=start, end=end)
        if isinstance(node, ast.List):
            return node.elts, lambda made: ListOf(tuple(made), start=start, end=end)
        if isinstance(node, ast.Slice):
            return self.slice(node)
        if isinstance(node, ast.Compare):
            return self.comparison(node)
        if isinstance(node, ast.BoolOp):
            word: Literal["and", "or"] = "and" if isinstance(node.op, ast.And) else "or"
            return node.values, lambda made: Logical(word, tuple(made), start=start, end=end)
        raise self.error(f"`{self.scan.quote(start, end)}` is not available in an expression", node)

    def constant(self, node: ast.expr, value: Any) -> Constant:
        start, end = self.place(node)
        if isinstance(value, str) and node not in self.arguments:
            raise self.error("a string stands only among the arguments of a call", node)
        if isinstance(value, int) and value not in _INT64:
            raise self.scan.too_large(start, end)
        return Constant(value, start=start, end=end)

    def unary(self, node: ast.UnaryOp) -> _Form:
        start, end = self.place(node)
        operand = node.operand
        if isinstance(node.op, ast.Not):
            return (operand,), lambda made: Logical("not", tuple(made), start=start, end=end)
        if isinstance(node.op, ast.USub) and isinstance(operand, ast.Constant):
            value = operand.value
            if isinstance(value, int | float | complex) and not isinstance(value, bool):
                constant = self.constant(node, -value)
                return (), lambda _: constant
        operator = _OPERATORS[type(node.op)]
        return (operand,), lambda made: Operator(operator, tuple(made), start=start, end=end)

    def slice(self, node: ast.Slice) -> _Form:
        start, end = self.place(node)
        bounds = (node.lower, node.upper, node.step)

        def make(made: list[Expr]) -> Expr:
            given = iter(made)
            lower, upper, step = [None if bound is None else next(given) for bound in bounds]
            return Slice(lower, upper, step, start=start, end=end)

        return [bound for bound in bounds if bound is not None], make

    def comparison(self, node: ast.Compare) -> _Form:
        start, end = self.place(node)
        operands = [node.left, *node.comparators]
        if len(node.ops) > 1:
            hint = "join two comparisons with `and`, or `&` for masks"
            if len(node.ops) == 2 and end - start <= 60:
                shown = [self.scan.quote(*self.place(operand)) for operand in operands]
                signs = [_SIGNS[type(sign)] for sign in node.ops]
                first, second = [
                    f"{left} {sign} {right}" for (left, right), sign in zip(pairwise(shown), signs, strict=True)
                ]
                hint = f"write `{first} and {second}`, or `({first}) & ({second})` for masks"
            raise self.error("comparisons cannot be chained", node, hint)
        if isinstance(node.ops[0], ast.Is | ast.IsNot):
            right = operands.pop()
            if not isinstance(right, ast.Constant) or right.value is not None:
                raise self.error("`is` compares only with None", node, "write `==` or `!=`")
        operator = _OPERATORS[type(node.ops[0])]
        return operands, lambda made: Operator(operator, tuple(made), start=start, end=end)

    def module_path(self, node: ast.expr) -> str | None:
        """`torch.linalg.svd` if that is all the node is, and its head no binding."""
        if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name | ast.Attribute):
            return None
        start, end = self.place(node)
        path = _MODULE_PATH.match(self.scan.source, start)
        if path is None or path.end() != end or path[1] in self.bound:
            return None
        return "".join(path[0].split())

    def call(self, node: ast.Call) -> _Form:
        start, end = self.place(node)
        positional = len(node.args)
        keywords = [(word.arg or "", *self.place(word)) for word in node.keywords]
        seen = set()
        for word in node.keywords:
            if word.arg in seen:
                raise self.error(f"the argument `{word.arg}` is given twice", word)
            seen.add(word.arg)
        values = [*node.args, *(word.value for word in node.keywords)]
        self.arguments.update(values)

        def arguments(made: Sequence[Expr]) -> tuple[tuple[Expr, ...], tuple[Keyword, ...]]:
            named = zip(keywords, made[positional:], strict=True)
            return tuple(made[:positional]), tuple(
                Keyword(name, value, start=start, end=end) for (name, start, end), value in named
            )

        called = node.func
        function = called.id if isinstance(called, ast.Name) else self.module_path(called)
        if function is not None:
            return values, lambda made: Call(function, *arguments(made), start=start, end=end)
        called_end = self.place(called)[1]
        if not isinstance(called, ast.Attribute):
            raise self.scan.not_callable(*self.place(called))
        method = called.attr
        name_start = called_end - len(method)

        def make(made: list[Expr]) -> Expr:
            return Method(made[0], method, *arguments(made[1:]), name_start, start=start, end=end)

        return [called.value, *values], make
