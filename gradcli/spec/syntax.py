"""The check of an expression's syntax: one pass over its tokens, saying what is wrong in the user's terms.

`ast` alone would be a poor reader of other people's text: its messages speak of things that expressions do
not have, it warns on standard error, and deep nesting ends in MemoryError or, on Python 3.10, in a crash.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable
from typing import Protocol

from gradcli.errors import Kind, UserError
from gradcli.record import Record
from gradcli.spec import hints


class ExpressionError(UserError):
    """A mistake in an expression: what `UserError` says, at the characters `start:end` of the text."""

    def __init__(self, message: str, start: int, end: int, hint: str | None = None, kind: Kind = "spec") -> None:
        super().__init__(kind, message, hint)
        self.start = start
        self.end = end


class Limits(Protocol):
    """How large one expression may be; `open_brackets` counts prefix operators as well."""

    @property
    def expression_bytes(self) -> int: ...
    @property
    def nodes(self) -> int: ...
    @property
    def open_brackets(self) -> int: ...


class _DefaultLimits(Record):
    expression_bytes: int = 256 * 2**10
    nodes: int = 200_000
    open_brackets: int = 64


DEFAULT_LIMITS: Limits = _DefaultLimits()


def limit_error(name: str, limit: int, what: str, start: int, end: int) -> ExpressionError:
    """The error for reaching the limit called `name`."""
    return ExpressionError(f"{what}: the limit is {limit:,}", start, end, hints.how_to_raise(name), "limit")


def depth_error(start: int, end: int) -> ExpressionError:
    """The error for a tree deeper than Python can parse."""
    return ExpressionError(
        "too many operators in one expression", start, end, "give parts of it names of their own", "limit"
    )


BINARY = {
    "+": "add",
    "-": "sub",
    "*": "mul",
    "/": "div",
    "//": "floor_divide",
    "%": "remainder",
    "**": "pow",
    "@": "matmul",
    "&": "bitwise_and",
    "|": "bitwise_or",
    "^": "bitwise_xor",
    "<<": "lshift",
    ">>": "rshift",
}
"""torch's names for the operators between two values."""

_DIGITS = r"[0-9](?:_?[0-9])*"
_TOKEN = re.compile(
    rf"""
      (?P<blank> [ \t]+ )
    | (?P<name> [A-Za-z_][A-Za-z0-9_]* )
    | (?P<number> 0[xX](?:_?[0-9a-fA-F])+ | 0[oO](?:_?[0-7])+ | 0[bB](?:_?[01])+
                | (?: {_DIGITS} (?: \. (?:{_DIGITS})? )? | \.{_DIGITS} ) (?: [eE][+-]?{_DIGITS} )? [jJ]? )
    | (?P<attribute> \. [ \t\r\n\f]* [A-Za-z_][A-Za-z0-9_]* )
    | (?P<opening> [(\[] )
    | (?P<closing> [)\]] )
    | (?P<comma> , )
    | (?P<refused> && | \|\| | <> | := | -> | === | => | =< | !(?!=) | [?$`] )
    | (?P<assignment> (?: \*\* | // | << | >> | [-+*/%@&|^] )? = (?!=) )
    | (?P<operator> \*\* | // | << | >> | [<>=!]= | [-+*/%@&|^<>~] )
    | (?P<ellipsis> \.\.\. )
    | (?P<colon> : )
    | (?P<string> (?!'''|\"\"\") (?: '(?:[^'\\\r\n]|\\[^\r\n])*' | "(?:[^"\\\r\n]|\\[^\r\n])*" ) )
    | (?P<break> (?: [\r\n\f] | \\\r?\n | \#[^\r\n]* )+ )
    | (?P<other> . )
    """,
    re.VERBOSE | re.DOTALL,
)
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# compiled when they are needed
_STRING_PREFIX = r"(?i)(?:[bft]r?|r[bft]?|u)\Z"
_ESCAPE = r"\\(?:[\\'\"abfnrtv]|x..|u(?![dD][89a-fA-F])[0-9a-fA-F]{4}|(?P<unknown>.))"
_UNPRINTABLE = "[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]"
_PRIVATE_ATTRIBUTES = {"_version", "_base"}
_TIGHT = {"*", "/", "//", "%", "@", "**"}  # what binds them is one term
_OPENINGS = {"opening", "comma", "colon", "assignment"}  # after these an item begins
_MAX_DEPTH = 10_000  # well above it Python 3.10 overflows the C stack instead of raising RecursionError


class _Frame:
    """An open bracket, or the text as a whole, and what is known of the items in it so far."""

    __slots__ = (
        "colons",
        "deepest",
        "item",
        "kind",
        "named",
        "opener",
        "prefixes",
        "some_named",
        "start",
        "term",
        "terms",
    )

    def __init__(self, kind: str, opener: str, start: int) -> None:
        self.kind = kind  # whole, group, list, call or index
        self.opener = opener
        self.start = start
        self.item = start + len(opener)  # where the current item begins
        self.named = False  # the current item is `name=value`
        self.some_named = False  # and one before it was
        self.colons = 0  # in the current item
        self.prefixes = 0  # operators before the operand that is still to come
        # the depths of trees, or a little more: of the current term, of the item's terms before it, of the
        # items before; a sum of large terms is not as deep as it has operators
        self.term = 0
        self.terms = 0
        self.deepest = 0

    def end_term(self) -> None:
        self.terms = max(self.terms, self.term) + 1
        self.term = 0

    def end_part(self) -> None:
        """An item, or one of the bounds of a slice, is over."""
        self.deepest = max(self.deepest, self.terms + self.term)
        self.term = self.terms = 0


class Scan:
    """The check: raises ExpressionError at the first token that cannot stand where it does.

    Afterwards `source` is the text with line breaks and comments blanked out, character for character, and
    `assignment` the operator, start and end of the assignment, where the text is a statement that has one.
    """

    def __init__(self, text: str, limits: Limits, *, start: int = 0, statement: bool = False) -> None:
        self.text = text
        self.limits = limits
        self.statement = statement
        self.source = text
        self.assignment: tuple[str, int, int] | None = None
        self._frame = _Frame("whole", "", start)
        self._outer: list[_Frame] = []
        self._nesting = 0
        self._wanting = True  # an operand has to come next
        self._token = ""  # the last token, its kind and place, and the token before it
        self._kind = "opening"
        self._start = start
        self._before = ""
        self._run(start)

    def quote(self, start: int, end: int) -> str:
        """A stretch of the text as a message shows it: on one line, and not too long."""
        shown = " ".join(self.text[start : min(end, start + 200)].split())
        return shown if len(shown) <= 40 else f"{shown[:39]}…"

    def too_large(self, start: int, end: int) -> ExpressionError:
        return ExpressionError(
            f"the integer `{self.quote(start, end)}` does not fit in int64",
            start,
            end,
            "with a decimal point it is a floating-point number",
        )

    def not_callable(self, start: int, end: int) -> ExpressionError:
        message = f"`{self.quote(start, end)}` cannot be called"
        return ExpressionError(message, start, end, "multiplication is written `*`")

    def _run(self, start: int) -> None:
        text = self.text
        size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
        if size > self.limits.expression_bytes:
            what = f"an expression of {size:,} bytes"
            raise limit_error("expression_bytes", self.limits.expression_bytes, what, 0, len(text))
        breaks = []
        for match in _TOKEN.finditer(text, start):
            kind = match.lastgroup
            if kind == "blank":
                continue
            token = match[0]
            at = match.start()
            if kind is None or kind == "break":
                breaks.append(match.span())
                self._line_break(token, at)
                continue
            _RULES[kind](self, token, at)
            self._before = self._token
            self._token = token
            self._kind = kind
            self._start = at
        self._finish()
        if breaks or not text.isprintable():
            self.source = self._blanked(breaks)

    def _blanked(self, breaks: list[tuple[int, int]]) -> str:
        pieces = []
        kept = 0
        for start, end in breaks:
            pieces += [self.text[kept:start], " " * (end - start)]
            kept = end
        # line breaks may remain between a dot and its attribute
        return re.sub(r"[\r\n\f]", " ", "".join([*pieces, self.text[kept:]]))

    # One method a kind of token: what it may follow, and what it opens, ends or counts.

    def _name(self, token: str, start: int) -> None:
        if keyword.iskeyword(token):
            self._word(token, start)
            return
        end = start + len(token)
        if self._wanting and self.text[end : end + 1] in ("'", '"') and re.match(_STRING_PREFIX, token):
            hint = f"write the string without the `{token}`"
            if "f" in token.lower():
                hint = "`print(a, b)` prints several values on one line"
            message = f"strings with a prefix, `{token}{self.text[end] * 2}`, are not available"
            raise ExpressionError(message, start, end + 1, hint)
        self._operand(token, start)

    def _operand(self, token: str, start: int) -> None:
        if not self._wanting:
            raise self._missing_operator(token, start)
        self._wanting = False
        self._nesting -= self._frame.prefixes
        self._frame.prefixes = 0

    def _word(self, word: str, start: int) -> None:
        end = start + len(word)
        if word in ("True", "False", "None"):
            self._operand(word, start)
        elif word in ("and", "or", "is"):
            self._infix(word, start)
        elif word != "not":
            hint = hints.IN_EXPRESSION.get(word, hints.IN_STEP.get(word))
            raise ExpressionError(f"`{word}` is not available in an expression", start, end, hint)
        elif not self._wanting:
            raise ExpressionError("`not` stands before a truth value, not after one", start, end)
        elif self._token in ("and", "or") or self._kind in _OPENINGS or self._is_prefix_not():
            self._prefix(word, start)
        elif self._token != "is":
            message = f"`not` after `{self._token}` needs brackets around it and its operand"
            raise ExpressionError(message, start, end)

    def _is_prefix_not(self) -> bool:
        return self._token == "not" and self._before != "is"

    def _number(self, token: str, start: int) -> None:
        end = start + len(token)
        tail = _WORD.match(self.text, end)
        if tail is not None:
            quoted, word = self.quote(start, end), self.quote(end, tail.end())
            hint = None if keyword.iskeyword(word) else f"write `{quoted} * {word}`"
            raise ExpressionError(f"the number `{quoted}` runs into `{word}`", start, tail.end(), hint)
        digits = token.replace("_", "")
        if digits.isdigit() and digits[0] == "0" and digits.strip("0"):
            quoted = self.quote(start, end)
            hint = f"write `{quoted.lstrip('0_')}`"
            raise ExpressionError(f"the number `{quoted}` begins with a 0", start, end, hint)
        # longer than an int64 is ever written, and perhaps too long for Python to read
        if len(token) > 100 and (digits.isdigit() or token[1] in "xXoObB"):
            raise self.too_large(start, end)
        self._operand(token, start)

    def _string(self, token: str, start: int) -> None:
        if "\\" in token:
            for escape in re.finditer(_ESCAPE, token):
                written = escape[0]
                if escape["unknown"] or (written[1] == "x" and not re.fullmatch("[0-9a-fA-F]{2}", written[2:])):
                    at = start + escape.start()
                    message = f"unknown escape `{written[:2]}` in a string"
                    hint = "a backslash is written `\\\\`"
                    raise ExpressionError(message, at, at + 2, hint)
        odd = None if token.isprintable() else re.search(_UNPRINTABLE, token)
        if odd is not None:
            at = start + odd.start()
            raise ExpressionError(f"the character U+{ord(odd[0]):04X} cannot stand in a string", at, at + 1)
        if self._wanting or self._kind != "string":  # strings side by side are one
            self._operand(token, start)

    def _attribute(self, token: str, start: int) -> None:
        if self._wanting:
            raise self._missing_operand(".", start)
        name = token[1:].lstrip()
        end = start + len(token)
        at = end - len(name)
        if keyword.iskeyword(name):
            raise ExpressionError(f"`{name}` is a word of the language, not an attribute", at, end)
        if name.startswith("_") and name not in _PRIVATE_ATTRIBUTES:
            raise ExpressionError(f"the attribute `{self.quote(at, end)}` is private", at, end)
        self._deepen(start)

    def _opening(self, token: str, start: int) -> None:
        if self._wanting:
            kind = "group" if token == "(" else "list"
        else:
            if token == "(" and self._kind in ("number", "string", "ellipsis"):
                raise self.not_callable(self._start, self._start + len(self._token))
            kind = "call" if token == "(" else "index"
            self._deepen(start)
        self._nest(start)
        self._outer.append(self._frame)
        self._frame = _Frame(kind, token, start)
        self._wanting = True

    def _closing(self, token: str, start: int) -> None:
        inner = self._frame
        end = start + 1
        if not self._outer:
            raise ExpressionError(f"`{token}` closes nothing", start, end)
        if inner.opener != ("(" if token == ")" else "["):
            raise ExpressionError(f"`{inner.opener}` is closed by `{token}`", start, end)
        if self._wanting:
            if self._kind == "opening" and inner.kind == "index":
                raise ExpressionError("expected an index between `[` and `]`", inner.start, end)
            if self._kind not in ("opening", "comma", "colon"):
                raise self._missing_operand(token, start)
        if not self._wanting or self._kind == "colon":
            self._end_item(start)
        frame = self._frame = self._outer.pop()
        frame.term += inner.deepest
        self._deepen(start)
        self._nesting -= 1 + frame.prefixes
        frame.prefixes = 0
        self._wanting = False

    def _comma(self, token: str, start: int) -> None:
        if self._wanting and self._kind != "colon":
            raise self._missing_operand(token, start)
        self._end_item(start)
        self._frame.item = start + 1
        self._wanting = True

    def _end_item(self, at: int) -> None:
        frame = self._frame
        if frame.some_named and not frame.named:
            start = at - len(self.text[frame.item : at].lstrip())
            message = f"the argument `{self.quote(start, at)}` stands after a named one"
            raise ExpressionError(message, start, at, "name it as well, or put it first")
        frame.some_named |= frame.named
        frame.named = False
        frame.colons = 0
        frame.end_part()

    def _colon(self, token: str, start: int) -> None:
        frame = self._frame
        if frame.kind != "index" or frame.colons == 2:
            message = "`:` stands only in a subscript, `x[a:b]` or `x[a:b:step]`"
            raise ExpressionError(message, start, start + 1)
        if self._wanting and self._kind not in ("opening", "comma", "colon"):
            raise self._missing_operand(token, start)
        frame.colons += 1
        frame.end_part()
        self._wanting = True

    def _operator(self, token: str, start: int) -> None:
        if not self._wanting:
            if token == "~":
                raise self._missing_operator(token, start)
            self._infix(token, start)
        elif token in "-+~":
            self._prefix(token, start)
        elif token in ("*", "**") and self._kind in ("opening", "comma"):
            message = f"unpacking with `{token}` is not available"
            raise ExpressionError(message, start, start + len(token), "write the items out")
        else:
            raise self._missing_operand(token, start)

    def _infix(self, token: str, start: int) -> None:
        if self._wanting:
            raise self._missing_operand(token, start)
        if token not in _TIGHT:
            self._frame.end_term()
        self._deepen(start)
        self._wanting = True

    def _prefix(self, token: str, start: int) -> None:
        self._frame.prefixes += 1
        self._deepen(start)
        self._nest(start)

    def _nest(self, start: int) -> None:
        self._nesting += 1
        limit = self.limits.open_brackets
        if self._nesting > limit:
            what = "too many brackets and prefix operators inside each other"
            raise limit_error("open_brackets", limit, what, start, start + 1)

    def _deepen(self, start: int) -> None:
        frame = self._frame
        frame.term += 1
        if frame.terms + frame.term > _MAX_DEPTH:
            raise depth_error(start, start + 1)

    def _assignment(self, token: str, start: int) -> None:
        end = start + len(token)
        if token == "=" and self._names_argument():
            self._frame.named = True
        elif self._outer or not self.statement:
            hint = "write the assignment as a step of its own"
            if token == "=":
                hint = "`==` compares" if self._outer else f"`==` compares; or else {hint}"
            raise ExpressionError(f"`{token}` cannot stand in an expression", start, end, hint)
        elif self.assignment is not None:
            raise ExpressionError("only one assignment a step", start, end, "write a step for each name")
        elif self._wanting and self._kind != "comma":
            raise self._missing_operand(token, start)
        else:
            self.assignment = (token, start, end)
            self._frame.end_part()
        self._wanting = True

    def _names_argument(self) -> bool:
        """Whether the last token is a name, and alone in its place among a call's arguments."""
        alone = self._kind == "name" and self._before in ("(", ",")
        return alone and self._frame.kind == "call" and not keyword.iskeyword(self._token)

    def _refused(self, token: str, start: int) -> None:
        message = f"`{token}` is not an operator of this language"
        raise ExpressionError(message, start, start + len(token), hints.OPERATORS[token])

    def _line_break(self, token: str, start: int) -> None:
        outside = self.statement and self._token and not self._outer
        if outside and "\n" in token and token[0] != "\\" and self.text[start + len(token) :].strip():
            hint = "write each statement as a step of its own"
            raise ExpressionError("only one statement a step", start, start + len(token), hint)

    def _other(self, character: str, start: int) -> None:
        message = f"`{character}` is not available in an expression"
        end = start + 1
        hint = None
        if character in "'\"":
            message = f"the quote `{character}` is never closed"
            if self.text.startswith(character * 3, start):
                end = start + 3
                message = "triple quotes are not available"
                hint = "write the string on one line, in single ones"
            elif character == "'" and not self._wanting:
                hint = "the transpose is `x.T`"
        elif character == ".":
            message = "expected a name after `.`"
            if self.text[end : end + 1] in ("*", "/", "^"):
                hint = "`*`, `/` and `**` work element by element"
        elif character == ";":
            message = "only one statement a step"
            hint = "write each statement as a step of its own"
        elif character in "{}":
            message = "sets and dictionaries are not available"
            hint = "write a list, `[a, b]`"
        elif character != "\\":
            shown = f"`{character}`" if character.isprintable() else f"U+{ord(character):04X}"
            message = f"the character {shown} cannot stand in an expression"
            hint = hints.for_character(character)
        raise ExpressionError(message, start, end, hint)

    def _missing_operator(self, token: str, start: int) -> ExpressionError:
        hint = None
        if self._token == "print":
            hint = f"write `print({self.quote(start, start + len(token))})`"
        elif self._kind in ("number", "closing"):
            hint = "multiplication is written `*`"
        left = self.quote(self._start, self._start + len(self._token))
        right = self.quote(start, start + len(token))
        message = f"expected an operator between `{left}` and `{right}`"
        return ExpressionError(message, start, start + len(token), hint)

    def _missing_operand(self, token: str, start: int) -> ExpressionError:
        end = start + len(token)
        if self._kind in ("opening", "comma", "colon"):
            hint = "the absolute value is `abs(x)`" if token == "|" else None
            return ExpressionError(f"expected an expression before `{token}`", start, end, hint)
        return ExpressionError(f"expected an expression after `{self._token}`", self._start, end)

    def _finish(self) -> None:
        if self._outer:
            start = self._frame.start
            raise ExpressionError(f"`{self._frame.opener}` is never closed", start, start + 1)
        if not self._token:
            raise ExpressionError("the expression is empty", 0, len(self.text))
        if self._wanting and self._kind != "comma":
            end = self._start + len(self._token)
            raise ExpressionError(f"expected an expression after `{self._token}`", self._start, end)


_RULES: dict[str, Callable[[Scan, str, int], None]] = {
    "name": Scan._name,
    "number": Scan._number,
    "ellipsis": Scan._operand,
    "string": Scan._string,
    "attribute": Scan._attribute,
    "opening": Scan._opening,
    "closing": Scan._closing,
    "comma": Scan._comma,
    "colon": Scan._colon,
    "operator": Scan._operator,
    "assignment": Scan._assignment,
    "refused": Scan._refused,
    "other": Scan._other,
}
