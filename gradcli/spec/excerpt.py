"""An error as plain text: where it is, what is wrong, the line with a caret under the place, and the fix."""

from __future__ import annotations

import unicodedata

from gradcli.errors import Span, UserError
from gradcli.spec.positions import line_at
from gradcli.spec.source import Source

_WIDTH = 100
_TAB = "    "


def render_error(error: UserError, source: Source) -> str:
    """`error` for people to read, in a few lines without a last line break; without colour or markup.

    What a terminal would act upon or not show (control and bidi characters) is written as an escape.
    """
    if error.span is None:
        lines = [f"error: {visible(source.name)}: {visible(error.message)}"]
    else:
        place = f"{error.span.line}:{error.span.column}"
        lines = [f"error: {visible(source.name)}:{place}: {visible(error.message)}", *excerpt(source, error.span)]
    if error.hint:
        lines += [f"  {visible(line)}" for line in error.hint.splitlines()]
    return "\n".join(line.rstrip() for line in lines)


def excerpt(source: Source, span: Span) -> list[str]:
    """The line in which `span` begins, behind its number, and below it the carets under `span`."""
    line = line_at(source.text, span.line)
    end = span.end_column if span.end_line == span.line else len(line) + 1
    shown, carets = _around(line, span.column - 1, end - 1)
    gutter = f"{span.line:>5} | "
    return [gutter + shown, " " * (len(gutter) - 2) + "| " + carets]


def visible(text: str) -> str:
    """`text` with everything that is not printable written as Python's escape of it."""
    return text if text.isprintable() else "".join(map(_cell, text))


def _around(line: str, start: int, end: int) -> tuple[str, str]:
    """The part of `line` around `start`, at most 100 columns wide, and the carets under `start` to `end`."""
    first = max(0, start - _WIDTH)
    cells = [_TAB if char == "\t" else _cell(char) for char in line[first : start + _WIDTH]]
    widths = [sum(map(_columns, cell)) for cell in cells]
    left, right, at = 0, len(cells), start - first
    # Takes from the longer side, so that the place stays in view with what stands around it.
    total = sum(widths)
    room = _WIDTH - 6
    cut_left, cut_right = first > 0, start + _WIDTH < len(line)
    while total > (room if cut_left or cut_right else _WIDTH):
        if sum(widths[left:at]) > room // 2:
            total -= widths[left]
            left, cut_left = left + 1, True
        else:
            right, cut_right = right - 1, True
            total -= widths[right]
    shown = "..." * cut_left + "".join(cells[left:right]) + "..." * cut_right
    before = 3 * cut_left + sum(widths[left:at])
    carets = max(1, sum(widths[at : max(at, min(end - first, right))]))
    return shown, " " * before + "^" * carets


def _cell(char: str) -> str:
    return char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode("ascii")


def _columns(char: str) -> int:
    """How many columns a terminal gives to a printable character."""
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
