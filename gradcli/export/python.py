"""Expression trees as Python source, laid out as a formatter would: in lines of 88 columns where there is a choice.

The trees are those of specs. Nothing of a spec's text is ever pasted: names are identifiers, strings are quoted anew.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

from gradcli.spec import tree

WIDTH = 88
INDENT = 4

SIGNS = {
    "add": "+", "sub": "-", "mul": "*", "div": "/", "floor_divide": "//", "remainder": "%", "pow": "**", "matmul": "@",
    "bitwise_and": "&", "bitwise_or": "|", "bitwise_xor": "^", "lshift": "<<", "rshift": ">>",
    "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!=", "in": "in", "and": "and", "or": "or",
    "neg": "-", "pos": "+", "invert": "~", "not": "not ",
}  # fmt: skip
_COMPARISON, _UNARY, _POWER, ATOM = 4, 11, 12, 13
_STRENGTH = {
    "or": 1, "and": 2, "not": 3,
    **dict.fromkeys(("lt", "le", "gt", "ge", "eq", "ne", "in", "is_none", "is_not_none"), _COMPARISON),
    "bitwise_or": 5, "bitwise_xor": 6, "bitwise_and": 7, "lshift": 8, "rshift": 8, "add": 9, "sub": 9,
    **dict.fromkeys(("mul", "div", "floor_divide", "remainder", "matmul"), 10),
    **dict.fromkeys(("neg", "pos", "invert"), _UNARY), "pow": _POWER,
}  # fmt: skip

Piece = str | tuple[tree.Node, int]
"""Text, or a node with how strongly it must bind to stand without brackets."""


def source(root: tree.Node, binding: int = 0) -> str:
    """The text of an expression on one line."""
    texts: list[str] = []
    pending: list[Piece] = [(root, binding)]
    while pending:
        piece = pending.pop()
        if isinstance(piece, str):
            texts.append(piece)
            continue
        node, least = piece
        pieces = _pieces(node)
        pending.extend(reversed(["(", *pieces, ")"] if _strength(node) < least else pieces))
    return "".join(texts)


def _strength(node: tree.Node) -> int:
    if isinstance(node, tree.Operator | tree.Logical):
        return _STRENGTH[node.name]
    return _UNARY if isinstance(node, tree.Constant) and constant(node.value).startswith("-") else ATOM


def constant(value: object) -> str:
    """The text of a literal."""
    if isinstance(value, str):
        return quoted(value)
    return "..." if value is ... else re.sub(r"e\+?(-?)0?(?=\d)", r"e\1", repr(value))


def quoted(text: str) -> str:
    """A string literal, in double quotes unless that needs more escapes."""
    if text.count('"') > text.count("'"):
        return repr(text)
    # with a double quote in it, repr takes single ones
    body = repr(text + '"')[1:-2]
    return '"' + body.replace("\\'", "'").replace('"', '\\"') + '"'


def _pieces(node: tree.Node) -> list[Piece]:
    if isinstance(node, tree.Constant):
        return [constant(node.value)]
    if isinstance(node, tree.Name):
        return [node.id]
    if isinstance(node, tree.Keyword):
        return [f"{node.name}=", (node.value, 0)]
    if isinstance(node, tree.Slice):
        return _slice(node)
    opening, items, closing = _brackets(node)
    if opening:
        return [*opening, *_listed(items), closing]
    if isinstance(node, tree.Attribute):
        return [*_target(node.target), f".{node.name}"]
    assert isinstance(node, tree.Operator | tree.Logical)
    if node.name in ("is_none", "is_not_none"):
        return [(node.operands[0], _COMPARISON + 1), " is None" if node.name == "is_none" else " is not None"]
    sign, strength = SIGNS[node.name], _STRENGTH[node.name]
    if len(node.operands) == 1:
        return [sign, (node.operands[0], strength)]
    if node.name == "pow":
        base, exponent = node.operands
        sign = sign if _is_simple(base) and _is_simple(exponent) else f" {sign} "
        return [(base, _POWER + 1), sign, (exponent, _UNARY)]
    first, *others = node.operands
    # comparisons do not chain, all other operators group from the left
    pieces: list[Piece] = [(first, strength + (strength == _COMPARISON))]
    for other in others:
        pieces += [f" {sign} ", (other, strength + 1)]
    return pieces


def _brackets(node: tree.Node) -> tuple[list[Piece], Sequence[tree.Node], str]:
    """What stands up to an opening bracket, the items inside, and the closing bracket; nothing if there is none."""
    if isinstance(node, tree.Call):
        return [f"{node.function}("], (*node.args, *node.keywords), ")"
    if isinstance(node, tree.Method):
        return [*_target(node.target), f".{node.name}("], (*node.args, *node.keywords), ")"
    if isinstance(node, tree.Subscript):
        index = node.index
        several = isinstance(index, tree.TupleOf) and len(index.items) > 1
        return [*_target(node.target), "["], index.children() if several else (index,), "]"
    if isinstance(node, tree.ListOf):
        return ["["], node.items, "]"
    if isinstance(node, tree.TupleOf):
        return ["("], node.items, ",)" if len(node.items) == 1 else ")"
    return [], (), ""


def _joined(pieces: list[Piece]) -> str:
    return "".join(piece if isinstance(piece, str) else source(*piece) for piece in pieces)


def _target(node: tree.Node) -> list[Piece]:
    number = isinstance(node, tree.Constant) and isinstance(node.value, int | float)
    return ["(", (node, 0), ")"] if number else [(node, ATOM)]


def _listed(items: Sequence[tree.Node]) -> list[Piece]:
    pieces: list[Piece] = []
    for item in items:
        pieces += [(item, 0), ", "]
    return pieces[:-1]


def _slice(node: tree.Slice) -> list[Piece]:
    bounds = [node.lower, node.upper] + ([] if node.step is None else [node.step])
    space = "" if all(bound is None or _is_simple(bound) for bound in bounds) else " "
    pieces: list[Piece] = []
    for place, bound in enumerate(bounds):
        if place:
            pieces.append(f"{space if bounds[place - 1] is not None else ''}:{space if bound is not None else ''}")
        if bound is not None:
            pieces.append((bound, 0))
    return pieces


def _is_simple(node: tree.Node) -> bool:
    """Whether a formatter sets no spaces around an operator beside `node`."""
    while isinstance(node, tree.Attribute):
        node = node.target
    if isinstance(node, tree.Operator) and node.name == "neg":
        node = node.operands[0]
    return isinstance(node, tree.Name) or (isinstance(node, tree.Constant) and not isinstance(node.value, str))


def laid_out(before: str, root: tree.Node, after: str = "", depth: int = 0) -> list[str]:
    """The lines of a statement that has an expression between two texts, `depth` blocks deep."""
    return _lines(before, root, after, depth * INDENT, inside=False)


def _lines(before: str, node: tree.Node, after: str, indent: int, *, inside: bool, binding: int = 0) -> list[str]:
    """`inside` brackets, a line may end anywhere between two operands."""
    margin = " " * indent
    line = f"{margin}{before}{source(node, binding)}{after}"
    if len(line) <= WIDTH:
        return [line]
    if isinstance(node, tree.Keyword):
        return _lines(f"{before}{node.name}=", node.value, after, indent, inside=True)
    opening, items, closing = _brackets(node)
    if items:
        head = _joined(opening)
        body = _items(items, indent + INDENT, alone=closing == ",)")
        return [f"{margin}{before}{head}", *body, f"{margin}{closing[-1]}{after}"]
    operands = _chain(node)
    if len(operands) < 2:
        base: tree.Node = node
        while isinstance(base, tree.Method | tree.Attribute):
            base = base.target
        _, bracketed, behind = source(node).partition(f"({source(base)})")
        return _bracketed(before, base, f"{behind}{after}", indent) if bracketed and _chain(base) else [line]
    if inside and _strength(node) >= binding:
        return _operands(before, operands, after, indent)
    if len(operands) == 2 and _strength(node) >= binding:  # a bracket at the end may open a new line, too
        (_, first, least), (sign, last, _) = operands
        start = f"{before}{source(first, least)} {sign} "
        opening, items, _ = _brackets(last)
        if items and len(f"{margin}{start}{_joined(opening)}") <= WIDTH:
            return _lines(start, last, after, indent, inside=False)
    return _bracketed(before, node, after, indent)


def _bracketed(before: str, node: tree.Node, after: str, indent: int) -> list[str]:
    """Operands in brackets of their own, together on a line or each on its own."""
    whole = " " * (indent + INDENT) + source(node)
    body = [whole] if len(whole) <= WIDTH else _operands("", _chain(node), "", indent + INDENT)
    margin = " " * indent
    return [f"{margin}{before}(", *body, f"{margin}){after}"]


def _items(items: Sequence[tree.Node], indent: int, *, alone: bool) -> list[str]:
    """What stands between two brackets, on a line of its own, or on one for each."""
    line = " " * indent + ", ".join(map(source, items))
    if len(line) <= WIDTH and not alone:
        return [line]
    comma = "," if len(items) > 1 or alone else ""
    return [line for item in items for line in _lines("", item, comma, indent, inside=True)]


def _operands(before: str, operands: list[tuple[str, tree.Node, int]], after: str, indent: int) -> list[str]:
    lines: list[str] = []
    for place, (sign, operand, binding) in enumerate(operands):
        start, end = before if place == 0 else f"{sign} ", after if place == len(operands) - 1 else ""
        lines += _lines(start, operand, end, indent, inside=True, binding=binding)
    return lines


def _chain(node: tree.Node) -> list[tuple[str, tree.Node, int]]:
    """The operands of operators that bind alike, each with the sign before it and how strongly it must bind."""
    if not isinstance(node, tree.Operator | tree.Logical) or len(node.operands) < 2 or node.name == "pow":
        return []
    strength = _strength(node)
    found: list[tuple[str, tree.Node, int]] = []
    while isinstance(node, tree.Operator | tree.Logical) and _strength(node) == strength:
        sign = SIGNS[node.name]
        found += [(sign, operand, strength + 1) for operand in reversed(node.operands[1:])]
        node = node.operands[0]
        if strength == _COMPARISON:
            break
    found.append(("", node, strength))
    return found[::-1]


# Trees made and changed

PLACE: dict[str, Any] = {"start": 0, "end": 0}  # of what stands in no text


def name(text: str) -> tree.Name:
    return tree.Name(text, **PLACE)


def call(function: str, *args: Any, **keywords: Any) -> tree.Call:
    """A call; values that are no nodes are literals."""
    named = tuple(tree.Keyword(key, literal(value), **PLACE) for key, value in keywords.items())
    return tree.Call(function, tuple(map(literal, args)), named, **PLACE)


def method(target: Any, function: str, *args: Any, **keywords: Any) -> tree.Method:
    made = call(function, *args, **keywords)
    return tree.Method(target, function, made.args, made.keywords, 0, **PLACE)


def literal(value: Any, module: str = "math") -> Any:
    """A value that YAML can write as a tree, with the `module` that has `inf` and `nan`. Nodes stay as they are."""
    if isinstance(value, tree.Node):
        return value
    if isinstance(value, list):
        return tree.ListOf(tuple(literal(item, module) for item in value), **PLACE)
    if isinstance(value, complex):
        return _complex(value, module)
    if isinstance(value, float) and not math.isfinite(value):
        known = name(f"{module}.{'nan' if math.isnan(value) else 'inf'}")
        return known if math.isnan(value) or value > 0 else tree.Operator("neg", (known,), **PLACE)
    return tree.Constant(value, **PLACE)


def _complex(value: complex, module: str) -> Any:
    """A complex number as Python writes it: a sum, unless that would lose the sign of a zero."""
    real, imag = value.real, value.imag
    part = tree.Constant(complex(0, abs(imag)), **PLACE)
    if repr(real) == "-0.0" and imag < 0:
        return tree.Operator("neg", (part,), **PLACE)
    if not (math.isfinite(real) and math.isfinite(imag)) or "-0.0" in (repr(real), repr(imag)):
        return call("complex", literal(real, module), literal(imag, module))
    if not real and imag >= 0:
        return part
    whole = literal(int(real) if real.is_integer() else real)
    return tree.Operator("add" if imag >= 0 else "sub", (whole, part), **PLACE)


def changed(root: tree.Expr, change: Callable[[Any], Any]) -> Any:
    """A copy of a tree in which `change` has replaced each node, those below it first."""
    pending: list[tuple[Any, bool]] = [(root, False)]
    made: list[Any] = []
    while pending:
        node, ready = pending.pop()
        if not ready:
            pending += [(node, True), *((child, False) for child in reversed(node.children()))]
            continue
        count = len(node.children())
        children = made[len(made) - count :]
        del made[len(made) - count :]
        made.append(change(with_children(node, children)))
    return made[0]


def with_children(node: Any, children: list[Any]) -> Any:
    """A copy of a node with other nodes below it."""
    place = {"start": node.start, "end": node.end}
    match node:
        case tree.Keyword() | tree.Attribute():
            parts = (node.name, children[0]) if isinstance(node, tree.Keyword) else (children[0], node.name)
            return type(node)(*parts, **place)
        case tree.Call():
            count = len(node.args)
            return tree.Call(node.function, tuple(children[:count]), tuple(children[count:]), **place)
        case tree.Method():
            target, *rest = children
            count = len(node.args)
            return tree.Method(target, node.name, tuple(rest[:count]), tuple(rest[count:]), node.name_start, **place)
        case tree.Subscript():
            return tree.Subscript(*children, **place)
        case tree.Slice():
            given = iter(children)
            bounds = [None if bound is None else next(given) for bound in (node.lower, node.upper, node.step)]
            return tree.Slice(*bounds, **place)
        case tree.TupleOf() | tree.ListOf():
            return type(node)(tuple(children), **place)
        case tree.Operator():
            return tree.Operator(node.name, tuple(children), **place)
        case tree.Logical():
            return tree.Logical(node.name, tuple(children), **place)
    return node
