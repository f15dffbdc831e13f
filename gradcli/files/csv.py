"""Rows of numbers in text, separated by commas, semicolons or tabs."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from io import StringIO
from typing import BinaryIO

from gradcli.files.content import Choose, Unreadable, decoded, fitting, shown, whole

_INTEGER = re.compile(r"[-+]?[0-9]+")
_NUMBER = re.compile(r"(?i)[-+]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[-+]?[0-9]+)?|nan|inf|infinity)")
_LONGEST = 1000  # characters: more digits than any double has
HINTS = {
    "[-+]?[0-9]+,[0-9]+": "write numbers with a point",
    r"[-+.0-9e]+(\s+[-+.0-9e]+)+": "separate the columns by commas, semicolons or tabs",
}


def read(file: BinaryIO, size: int, choose: Choose) -> list[list[int | float]]:
    """The rows of a file of `size` bytes, without its header: a first row in which nothing is a number."""
    rows: list[list[int | float]] = []
    width = None
    for line, cells in _lines(decoded(whole(file, size))):
        if width is None:
            width = len(cells)
            if not any(map(_is_number, cells)):
                continue
        if len(cells) != width:
            raise Unreadable(f"line {line} has {len(cells)} columns, and those before it have {width}")
        rows.append([_number(cell, f"column {column} of line {line}") for column, cell in enumerate(cells, 1)])
    if not rows:
        raise Unreadable("it has no numbers")
    return rows


def layout(text: str) -> tuple[str, int]:
    """What separates the columns, and the number of lines before the first row of numbers."""
    for line, cells in _lines(text):
        return _separator(text), line if not any(map(_is_number, cells)) else line - 1
    return ",", 0


def _separator(text: str) -> str:
    first = re.search(r"\S.*", text)
    return next((mark for mark in "\t;" if first and mark in first[0]), ",")


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """The cells of each line that is not blank, with its number."""
    reader = csv.reader(StringIO(text, newline=None), delimiter=_separator(text), skipinitialspace=True)
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if len(cells) > 1 or any(cells):
                yield reader.line_num, cells
    except csv.Error as error:
        raise Unreadable(f"line {reader.line_num} is no row of numbers ({error})") from None


def _is_number(cell: str) -> bool:
    return len(cell) <= _LONGEST and _NUMBER.fullmatch(cell) is not None


def _number(cell: str, where: str) -> int | float:
    if not cell:
        raise Unreadable(f"{where} is empty", "`nan` stands for a number that is missing")
    if not _is_number(cell):
        hint = next((hint for pattern, hint in HINTS.items() if re.fullmatch(pattern, cell)), None)
        raise Unreadable(f"{where} is no number, `{shown(cell)}`", hint)
    return fitting(int(cell), where) if _INTEGER.fullmatch(cell) else float(cell)
