"""A script in the making: its lines, and what it turns out to need."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from gradcli.export.python import INDENT, PLACE, WIDTH, laid_out, source
from gradcli.spec import tree
from gradcli.spec.excerpt import visible

STANDARD = {"json": "import json", "re": "import re", "Path": "from pathlib import Path"}


class Script:
    """Lines of Python, the imports they need, and the helpers, functions of a file of them by name."""

    def __init__(self, helpers: Path) -> None:
        self.lines: list[str] = []
        self.depth = 0
        self.imports: set[str] = set()
        self.needed: set[str] = set()
        self.helpers = functions_in(helpers)

    def line(self, text: str = "") -> None:
        self.lines.append(" " * (INDENT * self.depth) + text if text else "")

    def statement(self, before: str, expression: Any, after: str = "") -> None:
        """A line that has an expression between two texts, or the several that it takes."""
        self.lines += laid_out(before, expression, after, self.depth)

    def returned(self, values: Sequence[Any]) -> None:
        """A return of one value, or of several."""
        line = f"return {', '.join(map(source, values))}"
        if len(values) == 1 or len(line) + INDENT * self.depth > WIDTH:
            several = tree.TupleOf(tuple(values), **PLACE)
            self.statement("return ", values[0] if len(values) == 1 else several)
        else:
            self.line(line)

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        self.line(head)
        self.depth += 1
        yield
        self.depth -= 1

    def comment(self, text: str) -> None:
        for line in comment(text):
            self.line(line)

    def gap(self, lines: int = 1) -> None:
        """At least so many blank lines before what follows, unless it is the first of a block."""
        blank = next((place for place, line in enumerate(reversed(self.lines)) if line), len(self.lines))
        if blank < len(self.lines) and not self.lines[-1].endswith(":"):
            self.lines += [""] * (lines - blank)

    def space(self) -> None:
        """The blank lines around the definition of a function."""
        self.gap(1 if self.depth else 2)

    def comments_above(self, rows: Sequence[str], line: int, after: int) -> None:
        """The comments of a spec, whose lines are `rows`, between `after` and a line; a gap stays a gap."""
        rows = list(rows[after : line - 1])
        found: list[str] = []
        while rows and (not rows[-1].strip() or rows[-1].lstrip().startswith("#")):
            found.append(rows.pop().strip())
        if found:
            self.gap()
        for row in reversed(found):
            if row:
                self.comment(row.removeprefix("#").removeprefix(" "))

    def need(self, helper: str) -> None:
        """Have the function `helper` in the script, with what it calls."""
        if helper not in self.needed:
            self.needed.add(helper)
            used = {node.id for node in ast.walk(ast.parse(self.helpers[helper])) if isinstance(node, ast.Name)}
            self.imports |= used & {*STANDARD, "np", "jnp"}
            for name in sorted(used & self.helpers.keys()):
                self.need(name)

    def text(self, packages: Mapping[str, str], title: str | None) -> str:
        """The whole script; `packages` are the imports that it may need besides the standard library's, by name."""
        groups = [[line for name, line in known.items() if name in self.imports] for known in (STANDARD, packages)]
        parts = ["\n".join(group) for group in groups if group]
        defined = "".join(f"\n\n{source}\n" for name, source in self.helpers.items() if name in self.needed)
        body = "\n".join(self.lines).rstrip()
        if title is not None:
            parts = ["\n".join(comment(title)), *parts]
        return "\n\n".join(parts) + "\n" + defined + ("\n\n" if defined else "\n") + body + "\n"


def comment(text: str) -> list[str]:
    return [f"# {visible(line)}".rstrip() for line in text.splitlines()]


@cache
def functions_in(file: Path) -> dict[str, str]:
    """The sources of the functions that a file defines, by their names, in its order."""
    text = file.read_text(encoding="utf-8")
    parts = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    return {part.name: ast.get_source_segment(text, part) or "" for part in parts}
