"""Where things stand in a spec's text: from offsets, or from a scalar's content, to lines and columns."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import islice

from gradcli.errors import Span

_BREAK = re.compile(r"\r\n?|\n")

# One unit of written text makes some characters of content; a run of blanks around a line break is folded.
_UNITS = {
    "": r"[ \t\r\n]+|.",
    "'": r"[ \t\r\n]+|''|.",
    '"': r"(?s)[ \t\r\n]+|\\(?:x..|u.{4}|U.{8}|(?P<joined>(?:\r\n?|\n)[ \t\r\n]*)|.)|.",
}


def span_between(text: str, start: int, stop: int) -> Span:
    """The span of `text[start:stop]`; offsets beyond the text stand for its end."""
    line_starts = [found.end() for found in _BREAK.finditer(text, 0, stop)]
    return Span(*_place(start, line_starts, 1, 1), *_place(min(stop, len(text)), line_starts, 1, 1))


def line_at(text: str, number: int) -> str:
    """The line called `number`, without its break; empty beyond the end."""
    breaks = islice(_BREAK.finditer(text), max(0, number - 2), number)
    ends = [found.span() for found in breaks]
    start = 0 if number == 1 else ends.pop(0)[1] if ends else len(text)
    return text[start : ends[0][0] if ends else len(text)]


def _place(offset: int, line_starts: Sequence[int], line: int, column: int) -> tuple[int, int]:
    """Line and column of `offset` in a text that begins at (`line`, `column`)."""
    breaks = bisect_right(line_starts, offset)
    return (line + breaks, offset - line_starts[breaks - 1] + 1) if breaks else (line, column + offset)


class TextMap:
    """Maps the content of one scalar to the place where each of its characters was written."""

    __slots__ = ("_column", "_end", "_line", "_line_starts", "_starts", "_stops")

    def __init__(self, raw: str, style: str, text: str, line: int, column: int) -> None:
        """`raw`: the scalar as written, beginning at (`line`, `column`); `text`: what YAML made of it."""
        self._line = line
        self._column = column
        self._line_starts = [found.end() for found in _BREAK.finditer(raw)]
        self._starts: Sequence[int]
        self._stops: Sequence[int]
        margin = 1 if style in ("'", '"') else 0
        if raw[margin : len(raw) - margin] == text:
            self._starts = range(margin, margin + len(text))
            self._stops = range(margin + 1, margin + len(text) + 1)
            self._end = margin + len(text)
            return
        pairs = _block_offsets(raw, text) if style in ("|", ">") else _flow_offsets(raw, style, margin)
        # What cannot be told is answered by the whole scalar.
        unknown = len(text) - len(pairs)
        pairs = pairs[: len(text)] + [(0, len(raw.rstrip()))] * unknown
        self._starts = [start for start, _ in pairs]
        self._stops = [stop for _, stop in pairs]
        self._end = self._stops[-1] if pairs else margin

    def span(self, start: int, end: int) -> Span:
        """The span in the file of the content's characters `start` to `end` (exclusive)."""
        size = len(self._starts)
        start = max(0, min(start, size))
        end = max(start, min(end, size))
        first = self._starts[start] if start < size else self._end
        last = self._stops[end - 1] if end > start else first
        return Span(*self._place(first), *self._place(max(first, last)))

    def _place(self, offset: int) -> tuple[int, int]:
        return _place(offset, self._line_starts, self._line, self._column)


def _flow_offsets(raw: str, style: str, margin: int) -> list[tuple[int, int]]:
    """For each character of a plain or quoted scalar's content, the stretch of `raw` that made it."""
    pairs: list[tuple[int, int]] = []
    for unit in re.compile(_UNITS[style]).finditer(raw, margin, len(raw) - margin):
        start, stop = unit.span()
        written = unit.group()
        if style == '"' and unit["joined"] is not None:
            made = len(_BREAK.findall(written)) - 1
        elif written[0] not in " \t\r\n":
            made = 1
        elif breaks := len(_BREAK.findall(written)):
            made = max(1, breaks - 1)
        else:
            pairs.extend((offset, offset + 1) for offset in range(start, stop))
            continue
        pairs.extend([(start, stop)] * made)
    return pairs


def _block_offsets(raw: str, text: str) -> list[tuple[int, int]]:
    """The same for `|` and `>`: each written line stands in the content, less its indentation, in order."""
    header, *lines = raw.splitlines(keepends=True)
    written = next((line for line in lines if line.strip(" \r\n")), "")
    made = next((line for line in text.split("\n") if line.strip(" ")), "")
    indent = _spaces(written) - _spaces(made)
    pairs: list[tuple[int, int]] = []
    offset = len(header)
    line_end = (offset, offset)
    for line in lines:
        content = line.rstrip("\r\n")[indent:]
        if content:
            line_breaks = _spaces(text, len(pairs), "\n")
            folded = not line_breaks and bool(pairs) and text.startswith(" ", len(pairs))
            pairs.extend([line_end] * (line_breaks + folded))
            if not text.startswith(content, len(pairs)):
                return pairs
            start = offset + indent
            pairs.extend((start + i, start + i + 1) for i in range(len(content)))
            line_end = (start + len(content), start + len(content) + 1)
        offset += len(line)
    pairs.extend([line_end] * _spaces(text, len(pairs), "\n"))
    return pairs


def _spaces(text: str, start: int = 0, blank: str = " ") -> int:
    """How many `blank` characters follow one another in `text` from `start`."""
    stop = start
    while text.startswith(blank, stop):
        stop += 1
    return stop - start
