"""Expressions and one-line statements: their trees, where the parts stand, what is refused and how.

A tree is compared as text: `{add x y}` is an operator, `<a, b>` a tuple, calls and the rest are as in Python.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradcli.spec.expression import (
    Assign,
    Attribute,
    AugmentedAssign,
    Call,
    Constant,
    Delete,
    Effect,
    ExpressionError,
    Keyword,
    ListOf,
    Logical,
    Method,
    Name,
    Operator,
    Slice,
    Subscript,
    TupleOf,
    names_in,
    parse_expression,
    parse_statement,
    walk,
)


def show(node: object) -> str:
    match node:
        case Constant(value):
            return "..." if value is Ellipsis else repr(value)
        case Name(name):
            return name
        case Keyword(name, value):
            return f"{name}={show(value)}"
        case Call(function, args, keywords):
            return f"{function}({listed(args + keywords)})"
        case Method(target, name, args, keywords):
            return f"{show(target)}.{name}({listed(args + keywords)})"
        case Attribute(target, name):
            return f"{show(target)}.{name}"
        case Subscript(target, index):
            return f"{show(target)}[{show(index)}]"
        case Slice(lower, upper, step):
            return ":".join("" if part is None else show(part) for part in (lower, upper, step))
        case TupleOf(items):
            return f"<{listed(items)}>"
        case ListOf(items):
            return f"[{listed(items)}]"
        case Operator(name, operands) | Logical(name, operands):
            return f"{{{' '.join([name, *map(show, operands)])}}}"
        case Assign(targets, unpack, value):
            return f"{'unpack' if unpack else 'assign'} {listed(targets)} = {show(value)}"
        case AugmentedAssign(operator, target, value):
            return f"{show(target)} {operator}= {show(value)}"
        case Delete(names):
            return f"delete {listed(names)}"
        case Effect(value):
            return f"effect {show(value)}"
    raise AssertionError(node)


def listed(nodes: tuple[Any, ...]) -> str:
    return ", ".join(map(show, nodes))


EXPRESSIONS = [
    ("x @ w + b", "{add {matmul x w} b}"),
    ("a - b - c", "{sub {sub a b} c}"),
    ("a ** b ** c", "{pow a {pow b c}}"),
    ("-x ** 2", "{neg {pow x 2}}"),
    ("2 ** -x", "{pow 2 {neg x}}"),
    ("(a + b) * c", "{mul {add a b} c}"),
    ("a // b % c / d", "{div {remainder {floor_divide a b} c} d}"),
    ("a & b | c ^ ~d", "{bitwise_or {bitwise_and a b} {bitwise_xor c {invert d}}}"),
    ("a << b >> c", "{rshift {lshift a b} c}"),
    ("+x", "{pos x}"),
    ("a ++ b", "{add a {pos b}}"),
    ("a < b", "{lt a b}"),
    ("a<-b", "{lt a {neg b}}"),
    ("(a <= b) == (c != d)", "{eq {le a b} {ne c d}}"),
    ("a > b and c >= d and not e or f", "{or {and {gt a b} {ge c d} {not e}} f}"),
    ("not not a", "{not {not a}}"),
    ("w.grad is None", "{is_none w.grad}"),
    ("w.grad is not None", "{is_not_none w.grad}"),
    ("True, False, None", "<True, False, None>"),
    ("(a,)", "<a>"),
    ("()", "<>"),
    ("[[1, 2.5], [3, x],]", "[[1, 2.5], [3, x]]"),
    ("1_000 + 0x1F + 1e-3 + 2j", "{add {add {add 1000 31} 0.001} 2j}"),
    ("-1", "-1"),
    ("- 2.5", "-2.5"),
    ("-9223372036854775808", "-9223372036854775808"),
    ("9223372036854775807", "9223372036854775807"),
    ("1e400", "inf"),
    ("f()", "f()"),
    ("sum(x, dim=(0, -1), keepdim=True,)", "sum(x, dim=<0, -1>, keepdim=True)"),
    ("einsum('ij,jk->ik', a, b)", "einsum('ij,jk->ik', a, b)"),
    (r"""norm(x, p="f" 'r' "\x6f\u00f6\n\\")""", r"norm(x, p='froö\n\\')"),
    ("x.sum(0).T.grad", "x.sum(0).T.grad"),
    ("(a + b).abs()", "{add a b}.abs()"),
    ("x._version", "x._version"),
    ("torch.float64", "torch.float64"),
    ("torch.linalg.svd(a).S[0]", "torch.linalg.svd(a).S[0]"),
    ("x[0]", "x[0]"),
    ("x[1:, ::2, a:b:-1, :]", "x[<1::, ::2, a:b:-1, ::>]"),
    ("x[...,None]", "x[<..., None>]"),
    ("x[[0, 2]][mask]", "x[[0, 2]][mask]"),
    ("x[:,]", "x[<::>]"),
    ("a +\n  b  # the bias\n", "{add a b}"),
    ("x\n .sum(\n dim=0)", "x.sum(dim=0)"),
    ("  \t x", "x"),
]


@pytest.mark.parametrize(("text", "tree"), EXPRESSIONS)
def test_expression(text: str, tree: str) -> None:
    assert show(parse_expression(text)) == tree


STATEMENTS = [
    ("loss = f(x)", "assign loss = f(x)"),
    ("u, s, vh = linalg.svd(a)", "unpack u, s, vh = linalg.svd(a)"),
    ("(a, b) = c", "unpack a, b = c"),
    ("a, = c", "unpack a = c"),
    ("a = b, c", "assign a = <b, c>"),
    ("y[0, 1:] = 3", "assign y[<0, 1::>] = 3"),
    ("w.grad = None", "assign w.grad = None"),
    ("x.requires_grad = True", "assign x.requires_grad = True"),
    ("w -= lr * w.grad", "w sub= {mul lr w.grad}"),
    ("x[0] **= 2", "x[0] pow= 2"),
    ("x @= w", "x matmul= w"),
    ("m >>= 1", "m rshift= 1"),
    ("loss.backward(retain_graph=True)", "effect loss.backward(retain_graph=True)"),
    ("torch.manual_seed(1)  # as in torch", "effect torch.manual_seed(1)"),
    ("print('w:', w.grad)", "effect print('w:', w.grad)"),
    ("x + 1", "effect {add x 1}"),
    ("x == 1", "effect {eq x 1}"),
    ("del y", "delete y"),
    (" del a, b", "delete a, b"),
    ("x = f(\n  y,\n  z)\n", "assign x = f(y, z)"),
    ("x = a + \\\n b", "assign x = {add a b}"),
    ("delta = 1", "assign delta = 1"),
]


@pytest.mark.parametrize(("text", "tree"), STATEMENTS)
def test_statement(text: str, tree: str) -> None:
    statement = parse_statement(text)
    assert show(statement) == tree
    assert text[statement.start : statement.end] == text.partition("#")[0].strip()


def test_a_binding_shadows_a_module() -> None:
    assert isinstance(parse_expression("F.sum()"), Call)
    assert isinstance(parse_expression("F.sum()", bound={"F"}), Method)
    assert isinstance(parse_expression("linalg.T"), Name)
    assert isinstance(parse_expression("linalg.T", bound={"linalg"}), Attribute)
    assert isinstance(parse_expression("x.linalg.T"), Attribute)
    assert isinstance(parse_statement("F.grad = None", bound={"F"}), Assign)


def test_constants_keep_their_type() -> None:
    tree = parse_expression("[1, 1.0, True, 0j, -0.0, None]")
    values = [repr(node.value) for node in walk(tree) if isinstance(node, Constant)]
    assert values == ["1", "1.0", "True", "0j", "-0.0", "None"]


def test_names_in_reads_values_only() -> None:
    text = "f(x, k=y[z:, n]) + torch.pi * w.grad.norm(x) - F.relu(b)"
    assert [name.id for name in names_in(parse_expression(text))] == ["x", "y", "z", "n", "w", "x", "b"]


def test_places_count_characters() -> None:
    text = "f('é𝛼', x) + g\n  .  grad.sum (y, dim=0)"
    places = {show(node): text[node.start : node.end] for node in walk(parse_expression(text))}
    assert places == {
        "{add f('é𝛼', x) g.grad.sum(y, dim=0)}": text,
        "f('é𝛼', x)": "f('é𝛼', x)",
        "'é𝛼'": "'é𝛼'",
        "x": "x",
        "g.grad.sum(y, dim=0)": "g\n  .  grad.sum (y, dim=0)",
        "g.grad": "g\n  .  grad",
        "g": "g",
        "y": "y",
        "dim=0": "dim=0",
        "0": "0",
    }


def test_places_of_names_within_nodes() -> None:
    text = "x .grad. sum(y)"
    method = parse_expression(text)
    assert isinstance(method, Method)
    assert text[method.name_start :].startswith("sum(")
    assert isinstance(method.target, Attribute)
    assert text[method.target.name_start : method.target.end] == "grad"


CHAIN = "write `a < b and b < c`, or `(a < b) & (b < c)` for masks"
ONE = "write each statement as a step of its own"
STEP = "write the assignment as a step of its own"
TIMES = "multiplication is written `*`"
WHERE = "write `where(condition, a, b)`"
LEFT = "left of `=` stands a name, a subscript `x[0]` or an attribute `w.grad`"
FLOAT = "with a decimal point it is a floating-point number"

# What an error points at stands between « and ».
WRONG_EXPRESSIONS = [
    ("«»", "the expression is empty", None),
    ("«  # nothing»", "the expression is empty", None),
    ("x «+»", "expected an expression after `+`", None),
    ("x «+ *» y", "expected an expression after `+`", None),
    ("(x «-)»", "expected an expression after `-`", None),
    ("a «and»", "expected an expression after `and`", None),
    ("«/» x", "expected an expression before `/`", None),
    ("f(«,» x)", "expected an expression before `,`", None),
    ("f(x,«,» y)", "expected an expression before `,`", None),
    ("«|»x|", "expected an expression before `|`", "the absolute value is `abs(x)`"),
    ("x «y»", "expected an operator between `x` and `y`", None),
    ("(x) «y»", "expected an operator between `)` and `y`", TIMES),
    ("2 «x»", "expected an operator between `2` and `x`", TIMES),
    ("print «x»", "expected an operator between `print` and `x`", "write `print(x)`"),
    ("x «~» y", "expected an operator between `x` and `~`", None),
    ("«2x» + 1", "the number `2` runs into `x`", "write `2 * x`"),
    ("«1if» x else y", "the number `1` runs into `if`", None),
    ("«2» (x)", "`2` cannot be called", TIMES),
    ("(«a + b»)(c)", "`a + b` cannot be called", TIMES),
    ("«x[0]»(c)", "`x[0]` cannot be called", TIMES),
    ("«True»(c)", "`True` cannot be called", TIMES),
    ("«010»", "the number `010` begins with a 0", "write `10`"),
    ("«9223372036854775808»", "the integer `9223372036854775808` does not fit in int64", FLOAT),
    ("«-9223372036854775809»", "the integer `-9223372036854775809` does not fit in int64", FLOAT),
    ("f«(»x", "`(` is never closed", None),
    ("f(x[0«)»", "`[` is closed by `)`", None),
    ("x«]»", "`]` closes nothing", None),
    ("x«[]»", "expected an index between `[` and `]`", None),
    ("x[1:2:3«:»4]", "`:` stands only in a subscript, `x[a:b]` or `x[a:b:step]`", None),
    ("f(x«:» y)", "`:` stands only in a subscript, `x[a:b]` or `x[a:b:step]`", None),
    ("x«.»", "expected a name after `.`", None),
    ("a «.»* b", "expected a name after `.`", "`*`, `/` and `**` work element by element"),
    ("x.«if»", "`if` is a word of the language, not an attribute", None),
    ("x.«__class__»", "the attribute `__class__` is private", None),
    ("x.«_make_subclass»(y)", "the attribute `_make_subclass` is private", None),
    ("torch.«_C»", "the attribute `_C` is private", None),
    ("x «=» 3", "`=` cannot stand in an expression", f"`==` compares; or else {STEP}"),
    ("(x «=» 3)", "`=` cannot stand in an expression", "`==` compares"),
    ("f(x.a «=» 3)", "`=` cannot stand in an expression", "`==` compares"),
    ("x «+=» 3", "`+=` cannot stand in an expression", STEP),
    ("(x «:=» 3)", "`:=` is not an operator of this language", "bind the name in a step of its own"),
    ("x «&&» y", "`&&` is not an operator of this language", "write `and`, or `&` for masks"),
    ("x «||» y", "`||` is not an operator of this language", "write `or`, or `|` for masks"),
    ("«!»x", "`!` is not an operator of this language", "write `not`, or `~` for masks"),
    ("x «<>» y", "`<>` is not an operator of this language", "write `!=`"),
    ("x «?» y : z", "`?` is not an operator of this language", WHERE),
    ("«a < b < c»", "comparisons cannot be chained", CHAIN),
    ("«a < b < c < d»", "comparisons cannot be chained", "join two comparisons with `and`, or `&` for masks"),
    ("«x is 3»", "`is` compares only with None", "write `==` or `!=`"),
    ("x == «not» y", "`not` after `==` needs brackets around it and its operand", None),
    ("x «not» in y", "`not` stands before a truth value, not after one", None),
    ("x «in» y", "`in` is not available in an expression", "compare with `==`, as in `(x == value).any()`"),
    ("x «if» y else z", "`if` is not available in an expression", WHERE),
    (
        "«lambda» x: x",
        "`lambda` is not available in an expression",
        "declare the function under `functions:`",
    ),
    (
        "[a «for» a in b]",
        "`for` is not available in an expression",
        "operate on whole tensors, or write the items out",
    ),
    ("«await» x", "`await` is not available in an expression", None),
    ("«del» x", "`del` is not available in an expression", "write it as a step of its own"),
    ("f(«*»x)", "unpacking with `*` is not available", "write the items out"),
    ("f(a, «**»x)", "unpacking with `**` is not available", "write the items out"),
    ("«{»a: b}", "sets and dictionaries are not available", "write a list, `[a, b]`"),
    ("f(a=1, «b»)", "the argument `b` stands after a named one", "name it as well, or put it first"),
    ("f(a=1, «a=2»)", "the argument `a` is given twice", None),
    ("x«;» y", "only one statement a step", ONE),
    ("«'abc'»", "a string stands only among the arguments of a call", None),
    ("f([«'abc'»])", "a string stands only among the arguments of a call", None),
    (
        "print(«f'»{x}')",
        "strings with a prefix, `f''`, are not available",
        "`print(a, b)` prints several values on one line",
    ),
    ('f(«b"»a")', 'strings with a prefix, `b""`, are not available', "write the string without the `b`"),
    ("f(«'''»a''')", "triple quotes are not available", "write the string on one line, in single ones"),
    ("f(«'»abc)", "the quote `'` is never closed", None),
    ("A«'» @ B", "the quote `'` is never closed", "the transpose is `x.T`"),
    (r"f('«\d»')", r"unknown escape `\d` in a string", r"a backslash is written `\\`"),
    (r"f('«\x»0g')", r"unknown escape `\x` in a string", r"a backslash is written `\\`"),
    (r"f('«\u»d800')", r"unknown escape `\u` in a string", r"a backslash is written `\\`"),
    ("f('«\0»')", "the character U+0000 cannot stand in a string", None),
    ("f('«\ud800»')", "the character U+D800 cannot stand in a string", None),
    ("x «\\» y", "`\\` is not available in an expression", None),
    ("x «\u2212» y", "the character `\u2212` cannot stand in an expression", "write `-`"),
    ("x «\u00d7» y", "the character `\u00d7` cannot stand in an expression", "write `*`"),
    ("x«²»", "the character `²` cannot stand in an expression", "write `**2`"),
    ("f(«\u201c»sum\u201d)", "the character `\u201c` cannot stand in an expression", 'write `"`'),
    ("«\uff58» + 1", "the character `\uff58` cannot stand in an expression", "write `x`"),
    ("«\u03c3»(x)", "the character `\u03c3` cannot stand in an expression", "names are ASCII: write `sigma`"),
    ("x«\u00a0»+ y", "the character U+00A0 cannot stand in an expression", "write an ordinary space"),
    ("x«\u200b»", "the character U+200B cannot stand in an expression", "delete it"),
    ("«字»", "the character `字` cannot stand in an expression", None),
]


def assert_refused(error: ExpressionError, marked: str, message: str, hint: str | None) -> None:
    start = marked.index("«")
    assert (error.kind, error.message, error.hint) == ("spec", message, hint)
    assert (error.start, error.end) == (start, marked.index("»") - 1)


def unmarked(marked: str) -> str:
    return marked.replace("«", "").replace("»", "")


@pytest.mark.parametrize(("marked", "message", "hint"), WRONG_EXPRESSIONS)
def test_wrong_expression(marked: str, message: str, hint: str | None) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_expression(unmarked(marked))
    assert_refused(caught.value, marked, message, hint)


WRONG_STATEMENTS = [
    ("a = b «=» c", "only one assignment a step", "write a step for each name"),
    ("«f(x)» = 3", "cannot assign to `f(x)`", LEFT),
    ("a, «b + c» = d", "cannot assign to `b + c`", LEFT),
    ("«()» = d", "cannot assign to `()`", LEFT),
    ("«True» = 3", "cannot assign to `True`", LEFT),
    ("«torch.pi» = 3", "cannot assign to `torch.pi`", LEFT),
    ("«a, b» += 3", "cannot assign to `a, b`", LEFT.replace("`=`", "`+=`")),
    ("a, «*»b = c", "unpacking with `*` is not available", "write the items out"),
    ("«=» 3", "expected an expression before `=`", None),
    ("x «=»", "expected an expression after `=`", None),
    ("x«:» int = 3", "`:` stands only in a subscript, `x[a:b]` or `x[a:b:step]`", None),
    ("x = «yield» y", "`yield` is not available in an expression", None),
    ("x = 1«\n»y = 2", "only one statement a step", ONE),
    ("loss.backward()«;»", "only one statement a step", ONE),
    ("«del»", "expected a name after `del`", None),
    ("del a, «w.grad»", "cannot delete `w.grad`, only names", "write `w.grad = None`"),
    ("del «f(x)»", "cannot delete `f(x)`, only names", None),
    (
        "«with» torch.no_grad(): x",
        "`with` is not available in a step",
        "use a block, `no_grad: [steps]` or `enable_grad: [steps]`",
    ),
    ("«for» i in x: y", "`for` is not available in a step", "use `repeat: {times: n, as: i, steps: [...]}`"),
    (
        "«while» x: y",
        "`while` is not available in a step",
        "use `while: {condition: ..., at_most: n, steps: [...]}`",
    ),
    ("«def» f(x): x", "`def` is not available in a step", "declare the function under `functions:`"),
    (
        "«import» torch",
        "`import` is not available in a step",
        "nothing needs importing: `torch.`, `F.` and `linalg.` are understood",
    ),
    ("«assert» x", "`assert` is not available in a step", "use an `expect:` step"),
]


@pytest.mark.parametrize(("marked", "message", "hint"), WRONG_STATEMENTS)
def test_wrong_statement(marked: str, message: str, hint: str | None) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_statement(unmarked(marked))
    assert_refused(caught.value, marked, message, hint)


WITHIN_LIMITS = {
    "a sum": ("+".join(["x"] * 2000), 3999),
    "a sum of products": ("+".join(["(a.t()[i] @ b) ** 2 * f(x, y=-1)"] * 1000), 13_999),
    "a product": ("*".join(["x"] * 2000), 3999),
    "powers": ("**".join(["x"] * 1000), 1999),
    "attributes": ("x" + ".T" * 2000, 2001),
    "brackets": ("(" * 64 + "x" + ")" * 64, 1),
    "prefixes": ("-" * 64 + "x", 65),
    "a list": (f"[{'1,' * 20_000}]", 20_001),
    "a list of sums": (f"[{'-x + f(y),' * 5_000}]", 25_001),
}


@pytest.mark.parametrize(("text", "nodes"), WITHIN_LIMITS.values(), ids=WITHIN_LIMITS)
def test_within_limits(text: str, nodes: int) -> None:
    assert sum(1 for _ in walk(parse_expression(text))) == nodes


DEEP = ("too many operators in one expression", "give parts of it names of their own")
NESTED = (
    "too many brackets and prefix operators inside each other: the limit is 64",
    "raise it with `--limit open-brackets=NUMBER`",
)
BEYOND_LIMITS = {
    "a sum": ("+".join(["x"] * 100_000), DEEP),
    "powers": ("**".join(["x"] * 4000), DEEP),
    "negated powers": ("**".join(["-x"] * 3000), DEEP),
    "methods": ("x" + ".t()" * 60_000, DEEP),
    "chains in brackets": ("(" * 60 + "x" + ("+x" * 500 + ")") * 60, DEEP),
    "brackets": ("(" * 65 + "x" + ")" * 65, NESTED),
    "unclosed brackets": ("[" * 100_000, NESTED),
    "prefixes": ("-" * 65 + "x", NESTED),
    "words": ("not " * 65 + "x", NESTED),
    "both": ("-(" * 33 + "x" + ")" * 33, NESTED),
    "text": (
        "x" * 262_145,
        ("an expression of 262,145 bytes: the limit is 262,144", "raise it with `--limit expression-bytes=NUMBER`"),
    ),
}


@pytest.mark.parametrize(("text", "error"), BEYOND_LIMITS.values(), ids=BEYOND_LIMITS)
def test_beyond_limits(text: str, error: tuple[str, str]) -> None:
    for parse in (parse_expression, parse_statement):
        with pytest.raises(ExpressionError) as caught:
            parse(text)
        assert (caught.value.kind, caught.value.message, caught.value.hint) == ("limit", *error)


@dataclass(frozen=True)
class Small:
    expression_bytes: int = 20
    nodes: int = 5
    open_brackets: int = 2


def test_limits_can_be_set() -> None:
    assert parse_expression("(-x) + y", limits=Small())
    for text, option in [
        ("x" * 21, "expression-bytes"),
        ("f('éééééééé')", "expression-bytes"),
        ("a + b + c + d", "nodes"),
        ("--(x)", "open-brackets"),
    ]:
        with pytest.raises(ExpressionError) as caught:
            parse_expression(text, limits=Small())
        assert (caught.value.kind, caught.value.hint) == ("limit", f"raise it with `--limit {option}=NUMBER`")


@pytest.mark.parametrize("digits", ["1" * 5000, "0x" + "f" * 5000])
def test_an_integer_too_long_to_read(digits: str) -> None:
    with pytest.raises(ExpressionError, match="does not fit in int64") as caught:
        parse_expression(f"x + {digits}")
    assert (caught.value.start, caught.value.end) == (4, 4 + len(digits))


# What an expression means is for Python itself to say: it evaluates it on operands that keep a record.


class Record:
    """An operand that turns whatever is done with it into the text that `show` gives for the tree."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text

    def __getattr__(self, name: str) -> Record:
        return Record(f"{self}.{name}")

    def __call__(self, *args: object, **keywords: object) -> Record:
        given = [recorded(value) for value in args]
        given += [f"{name}={recorded(value)}" for name, value in keywords.items()]
        return Record(f"{self}({', '.join(given)})")

    def __getitem__(self, index: object) -> Record:
        return Record(f"{self}[{recorded(index)}]")


def recorded(value: object) -> str:
    match value:
        case slice():
            bounds = (value.start, value.stop, value.step)
            return ":".join("" if bound is None else recorded(bound) for bound in bounds)
        case tuple():
            return f"<{', '.join(map(recorded, value))}>"
        case list():
            return f"[{', '.join(map(recorded, value))}]"
    return "..." if value is Ellipsis else repr(value)


def _between(name: str) -> Any:
    return lambda self, other: Record(f"{{{name} {self} {recorded(other)}}}")


def _before(name: str) -> Any:
    return lambda self: Record(f"{{{name} {self}}}")


BETWEEN = {
    "+": ("__add__", "add"),
    "-": ("__sub__", "sub"),
    "*": ("__mul__", "mul"),
    "/": ("__truediv__", "div"),
    "//": ("__floordiv__", "floor_divide"),
    "%": ("__mod__", "remainder"),
    "**": ("__pow__", "pow"),
    "@": ("__matmul__", "matmul"),
    "&": ("__and__", "bitwise_and"),
    "|": ("__or__", "bitwise_or"),
    "^": ("__xor__", "bitwise_xor"),
    "<<": ("__lshift__", "lshift"),
    ">>": ("__rshift__", "rshift"),
}
BEFORE = {"-": ("__neg__", "neg"), "+": ("__pos__", "pos"), "~": ("__invert__", "invert")}
for method, name in BETWEEN.values():
    setattr(Record, method, _between(name))
for method, name in BEFORE.values():
    setattr(Record, method, _before(name))

_gap = st.sampled_from(["", "", " ", "\t", "\n ", " # why\n"])
_names = st.sampled_from(["x", "y", "w_1", "torch", "F"])
_constants = st.sampled_from(["1", "2.5", "3j", "None", "...", "True", "-1"])


def _compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    item = st.one_of(inner, _constants)
    bound = st.one_of(st.sampled_from(["", "0", "-1"]), inner)
    slices = st.builds("{}{}:{}".format, bound, _gap, bound)
    index = st.lists(st.one_of(item, slices, st.builds("{}:{}".format, slices, bound)), min_size=1, max_size=3)
    string = st.sampled_from(["'é'", '"\U0001d6fc #("'])
    keyword = st.builds("dim{}={}{}".format, _gap, _gap, st.one_of(item, string))
    arguments = st.builds(
        lambda args, named: ", ".join(args + named),
        st.lists(st.one_of(item, string), max_size=2),
        st.lists(keyword, max_size=1),
    )
    closed = st.builds("({}{}{})".format, _gap, inner, _gap)
    primary = st.one_of(_names, closed)
    return st.one_of(
        st.builds("{}{}{}{}{}".format, inner, _gap, st.sampled_from([*BETWEEN]), _gap, inner),
        st.builds("{}{}{}".format, st.sampled_from([*BEFORE]), _gap, inner),
        closed,
        st.builds("{}{}.grad".format, primary, _gap),
        st.builds("{}.sum{}({})".format, primary, _gap, arguments),
        st.builds("f({})".format, arguments),
        st.builds("torch.linalg.norm({})".format, arguments),
        st.builds(lambda target, parts: f"{target}[{', '.join(parts)}]", primary, index),
        st.builds(lambda parts: f"stack([{', '.join(parts)}])", st.lists(item, max_size=3)),
    )


_expressions = st.recursive(_names, _compound, max_leaves=8)


@given(_expressions)
def test_python_reads_the_same(text: str) -> None:
    operands = {name: Record(name) for name in ("x", "y", "w_1", "torch", "F", "f", "stack")}
    meant = eval(f"({text}\n)", {"__builtins__": {}}, operands)
    assert show(parse_expression(text)) == recorded(meant)


@given(_expressions)
def test_each_node_stands_where_it_says(text: str) -> None:
    for node in walk(parse_expression(text)):
        piece = text[node.start : node.end]
        if isinstance(node, Keyword) or (isinstance(node, Constant) and isinstance(node.value, str)):
            piece, expected = f"f({piece}\n)", f"f({show(node)})"
        elif isinstance(node, Slice | TupleOf):
            piece, expected = f"x[{piece}\n]", f"x[{show(node)}]"
        else:
            expected = show(node)
        assert show(parse_expression(piece)) == expected


_characters = [*"xf01()[]{},:.+-*/@&|^~<=!;#\\\n'\"é²\x00\ud800\u2028"]
_words = [
    "torch",
    "F.",
    ".T",
    "2.5",
    "0x1F",
    "1e3",
    "2j",
    "'a'",
    "''",
    "f'",
    "...",
    "+=",
    "**",
    "==",
    "__debug__",
]
_words += [
    "and",
    "or",
    "not",
    "is",
    "in",
    "if",
    "else",
    "lambda",
    "for",
    "del",
    "None",
    "True",
    "\\\n",
    "# a",
]
_tokens = st.sampled_from(_characters + _words)
_nearly_python = st.lists(st.one_of(_tokens, st.just(" ")), max_size=12).map("".join)


@st.composite
def _mutated(draw: st.DrawFn) -> str:
    text = draw(_expressions)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(_tokens) + text[at + draw(st.integers(0, 2)) :]
    return text


@given(st.one_of(_nearly_python, _mutated(), st.text(max_size=30)))
def test_nothing_but_expression_errors(text: str) -> None:
    for parse in (parse_expression, parse_statement):
        try:
            parse(text)
        except ExpressionError as error:
            assert 0 <= error.start <= error.end <= len(text)
            # the check has something better to say wherever Python would object
            assert error.message != "this is not an expression"
            assert error.kind == "spec"


@given(_nearly_python)
def test_what_python_refuses_is_refused(text: str) -> None:
    text = text.replace("\x00", "").replace("\ud800", "")  # which only our comments may contain
    try:
        parse_expression(text)
    except ExpressionError:
        return
    ast.parse(f"({text}\n)", mode="eval")
