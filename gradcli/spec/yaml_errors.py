"""What is wrong with text that is no YAML, said in the words of somebody who writes specs.

The parser reports what it expected; a writer wants to know which quote, bracket or operator caused it. Both
parsers of PyYAML are understood: their messages are told apart by words that the two have in common.
"""

from __future__ import annotations

import re

import yaml

from gradcli.errors import UserError
from gradcli.record import Record
from gradcli.spec.positions import span_between

TAGS_REFUSED = ("tags (`!...`) have no meaning in a spec", "remove the tag, or quote the expression")

_CLOSERS = {"(": ")", "[": "]", "{": "}"}
_BRACKET = re.compile(r"[()\[\]{}]")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
# Indentation, dashes and a key: what stands before a block value on its line.
_BEFORE_VALUE = r"""[ \t]*(?:-[ ]+(?=\S))*(?:(?:"[^"\n]*"[ \t]*|'[^'\n]*'[ \t]*|[^\s"'\[{&*!|>%@`#-][^:\n]*):[ \t]+)?"""
_COMMENT = re.compile(r"[ \t]#[^\n\r]*")
# What is longer than this is not repeated in a hint.
_LONGEST_HINT = 120
_LONGEST_KEY = 1024


class Surroundings(Record):
    """Where in its work the parser was: the innermost open `[` or `{`, and the last scalar with its style."""

    bracket: int | None = None
    scalar: tuple[int, int] = (0, 0)
    style: str = ""


def translate(text: str, error: yaml.MarkedYAMLError, around: Surroundings) -> UserError:
    """The parser's `error` about `text` as one of ours, placed where the writer has to look."""
    context = error.context or ""
    problem = error.problem or ""
    end = len(text.rstrip())
    mark = error.problem_mark or error.context_mark
    at = min(mark.index, end) if mark else end
    began = min(error.context_mark.index, end) if error.context_mark else at
    found = text[at : at + 1]

    def at_fault(message: str, hint: str | None = None, start: int = at, stop: int | None = None) -> UserError:
        last = start + 1 if stop is None else stop
        return UserError("yaml", message, hint, span_between(text, start, last))

    if "quoted scalar" in context and ("end of stream" in problem or "document" in problem):
        return at_fault("this quote is never closed", None, began)
    if "quoted scalar" in context:
        backslash = max(text.rfind("\\", began, at + 1), began)
        return at_fault(
            f"`{text[backslash : backslash + 2]}` is no escape that YAML knows",
            "inside double quotes write a backslash as `\\\\`, or use single quotes",
            backslash,
            backslash + 2,
        )
    if "tag" in context or "tag" in problem:
        return at_fault(*TAGS_REFUSED, began)
    if found == "\t":
        return at_fault("YAML cannot be indented with tabs", "use spaces")
    if "alias" in context or "anchor" in context:
        meaning = "the value of an anchor" if text[began] == "*" else "an anchor"
        message = f"`{text[began]}` at the start of a value means {meaning} in YAML"
        return at_fault(message, quote_value(text, began, around.bracket), began)
    if "cannot start any token" in problem:
        return at_fault(f"a YAML value cannot begin with `{found}`", quote_value(text, at, around.bracket))
    if "block scalar" in context:
        return at_fault(
            f"`{text[began]}` at the start of a value begins a block of text in YAML",
            quote_value(text, began, around.bracket),
            began,
        )
    if "entries are not allowed" in problem:
        return at_fault("`- ` begins a list entry, which cannot stand here", quote_value(text, at, around.bracket))
    if "mapping values are not allowed" in problem:
        return _misplaced_colon(text, at)
    if "could not find expected ':'" in problem:
        line = text[began:].splitlines()[0].rstrip()
        return at_fault(f"`{short(line)}` is neither a `key: value` nor part of one", None, began, began + len(line))
    if "directive" in context or "directive" in problem or "incompatible" in problem:
        return at_fault("YAML directives (`%...`) other than `%YAML 1.2` are not understood", None, began)
    if around.bracket is not None and ("flow" in context or at == end):
        return _broken_collection(text, at, end, around)
    return _broken_block(text, at, began, context, around)


def cut_entry(text: str, start: int, stop: int, *, key: bool) -> UserError:
    """For the piece `text[start:stop]` of an expression in a flow collection, cut inside an open bracket."""
    piece = short(text[start:stop])
    message = f"inside [] and {{}} YAML ends this entry after `{piece}`, within an open bracket"
    return UserError("yaml", message, _quote_entry(text, start, key=key), span_between(text, start, stop))


def quote_line(text: str, start: int) -> str:
    """The advice to quote what stands from `start` to the end of its line, without its comment."""
    return _quote(text[start : _line_end(text, start)])


def quote_value(text: str, at: int, bracket: int | None) -> str:
    """The advice to quote the value that begins at `at` inside of `bracket`, or else contains it."""
    if bracket is not None:
        return _quote_entry(text, at)
    before = re.compile(_BEFORE_VALUE).match(text, _line_start(text, at))
    return quote_line(text, min(before.end(), at) if before else at)


def is_balanced(piece: str) -> bool:
    """Whether the brackets of `piece` match, taken as they stand or leaving out what is quoted."""
    return not _BRACKET.search(piece) or _matches(piece) or _matches(_QUOTED.sub("", piece))


def _quote(expression: str) -> str:
    expression = " ".join(expression.split())
    if not 0 < len(expression) <= _LONGEST_HINT:
        return "quote the expression"
    if '"' in expression or "\\" in expression:
        return "quote the expression: '" + expression.replace("'", "''") + "'"
    return f'quote the expression: "{expression}"'


def _matches(piece: str) -> bool:
    expected: list[str] = []
    for char in piece:
        if char in _CLOSERS:
            expected.append(_CLOSERS[char])
        elif char in ")]}" and (not expected or expected.pop() != char):
            return False
    return not expected


def _misplaced_colon(text: str, at: int) -> UserError:
    line_start = _line_start(text, at)
    before = re.compile(_BEFORE_VALUE).match(text, line_start)
    value = before.end() if before else line_start
    if value <= at and ":" in text[line_start:value]:
        return UserError(
            "yaml",
            "a second `: ` cannot stand in a value",
            quote_line(text, value),
            span_between(text, at, at + 1),
        )
    if at - line_start > _LONGEST_KEY:
        message = f"a key cannot be longer than {_LONGEST_KEY:,} characters"
        return UserError("yaml", message, None, span_between(text, line_start, at))
    above_end = len(text[:line_start].rstrip())
    above_start = _line_start(text, above_end)
    above = text[above_start:above_end].lstrip()
    if above and ":" not in above and above[0] not in "-#\"'":
        span = span_between(text, above_end - len(above), above_end)
        return UserError(
            "yaml", f"`{short(above)}` is followed by keys but has no colon", f"write `{short(above)}:`", span
        )
    key = text[line_start:at].lstrip(" ")
    return UserError(
        "yaml",
        f"`{short(key)}` is indented as part of the value above it",
        "give it the indentation of the keys it belongs to",
        span_between(text, at - len(key), at),
    )


def _broken_collection(text: str, at: int, end: int, around: Surroundings) -> UserError:
    """What is wrong inside the `[` or `{` that is open."""
    bracket = around.bracket or 0
    opener = text[bracket]
    closer = _CLOSERS[opener]
    found = text[at : at + 1]
    start, stop = around.scalar
    follows_scalar = bracket < start and stop <= at and not text[stop:at].strip()
    multi_line = "\n" in text[start:stop] or "\r" in text[start:stop]
    if at >= end or (found == ":" and multi_line) or (found not in "[{" and "\n" in text[stop:at] and follows_scalar):
        return UserError("yaml", f"this `{opener}` is never closed", None, span_between(text, bracket, bracket + 1))
    here = span_between(text, at, at + 1)
    if found in ")]}":
        return UserError("yaml", f"`{found}` cannot close the `{opener}` opened before; `{closer}` would", None, here)
    if found == ",":
        return UserError("yaml", "there is nothing before this comma", "remove it", here)
    if follows_scalar and around.style == "":
        message = f"inside [] and {{}} YAML ends this entry before `{found}`"
    elif follows_scalar and stop == at and found.isalnum():
        return _closed_early(text, at, around)
    elif follows_scalar:
        message = "the text goes on after its closing quote"
    else:
        start, message = at, f"an entry cannot begin with `{found}`"
        if found in "[{\"'":
            return UserError("yaml", "a comma is missing before this", None, here)
    return UserError("yaml", message, _quote_entry(text, start), here)


def _broken_block(text: str, at: int, began: int, context: str, around: Surroundings) -> UserError:
    """What is wrong outside of brackets: text after a closed value, or indentation."""
    found = text[at : at + 1]
    line_start = _line_start(text, at)
    here = span_between(text, at, at + 1)
    if text[line_start:at].strip():
        start, stop = around.scalar
        if around.style in ("'", '"') and "\n" in text[start:stop] and stop <= at and not text[stop:at].strip():
            return UserError(
                "yaml",
                "this quote is closed only by the next one, on a later line",
                "close it where its text ends",
                span_between(text, start, start + 1),
            )
        if around.style in ("'", '"') and stop == at and found.isalnum():
            return _closed_early(text, at, around)
        if found in ")]}" and found:
            return UserError("yaml", f"there is no open bracket for this `{found}`", None, here)
        message = f"YAML ends this value before `{found}`"
        return UserError("yaml", message, quote_value(text, at, around.bracket), here)
    if found in ")]}" and found:
        return UserError("yaml", f"there is no open bracket for this `{found}`", None, here)
    if text.startswith(("---", "..."), at):
        return UserError("yaml", "this document is empty", None, span_between(text, at, at + 3))
    if found == ":":
        return UserError("yaml", "a key is missing before this colon", None, here)
    if "block node" in context:
        return UserError("yaml", f"a YAML value cannot begin with `{found}`", quote_line(text, at), here)
    if "block mapping" in context and text.startswith(("- ", "-\n"), at):
        message = "a list entry stands among the keys of a mapping"
    elif "block" in context and "mapping" not in context:
        message = f"the list that began at line {span_between(text, began, began).line} goes on with `- ` only"
    elif "block" in context:
        message = "this line's indentation fits nothing above it"
    else:
        return UserError("yaml", "this stands outside of any document", "begin a document with `---`", here)
    return UserError("yaml", message, None, here)


def _closed_early(text: str, at: int, around: Surroundings) -> UserError:
    """For `'don't'`: the quote before `at` was meant as part of the text."""
    inner = "''" if around.style == "'" else '\\"'
    message = f"this {around.style} closes the quoted text"
    return UserError("yaml", message, f"write {inner} for a quote inside it", span_between(text, at - 1, at))


def _quote_entry(text: str, start: int, *, key: bool = False) -> str:
    """The advice to quote the entry of a flow collection from `start`, as its writer will have meant it."""
    expected: list[str] = []
    quote = ""
    for at in range(start, min(len(text), start + _LONGEST_HINT)):
        char = text[at]
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'" and not text[at - 1 : at].isalnum() and char in text[at + 1 : start + _LONGEST_HINT]:
            quote = char
        elif char in _CLOSERS:
            expected.append(_CLOSERS[char])
        elif expected and char in ")]}":
            if expected.pop() != char:
                break
        elif not expected and (char in ",]})" or (key and char == ":")):
            return _quote(text[start:at])
    return _quote("")


def _line_start(text: str, at: int) -> int:
    return max(text.rfind("\n", 0, at), text.rfind("\r", 0, at)) + 1


def _line_end(text: str, start: int) -> int:
    """Where the content of the line ends: before a comment and trailing blanks."""
    line = re.compile(r"[^\r\n]*").match(text, start)
    shown = _COMMENT.split(line.group(), maxsplit=1)[0] if line else ""
    return start + len(shown.rstrip())


def short(piece: str) -> str:
    """`piece` on one line, its end left out when it is long."""
    piece = " ".join(piece.split())
    return piece if len(piece) <= 40 else f"{piece[:37]}..."
