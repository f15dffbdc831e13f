"""A run on a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from gradcli.errors import UserError
from gradcli.report import story
from gradcli.report.model import Report, StepReport
from gradcli.spec.excerpt import visible

_STYLES: dict[story.Role, str] = {
    "plain": "",
    "faint": "dim",
    "strong": "bold",
    "good": "green",
    "bad": "red",
    "warn": "yellow",
}
_QUIET = ("False", "None")
_REPEATS = 3
_ROWS = 50
# Off a terminal nothing is cut or wrapped, and a width is only a number that no line reaches.
_ENDLESS = 1_000_000


def standard_output(*, color: bool) -> Console:
    """Standard output as rich writes to it, with nothing in our texts taken for markup."""
    console = Console(
        markup=False,
        emoji=False,
        highlight=False,
        force_terminal=color or None,
        color_system="auto" if color else None,
        legacy_windows=False,
    )
    if not console.file.isatty():
        console.width = _ENDLESS
    return console


class Screen:
    """Shows a run while it goes on. In a loop the same step is shown three times, unless `verbose`.

    A step that prints, and an expectation that fails, is always shown.
    """

    def __init__(self, console: Console, *, verbose: bool) -> None:
        self._console = console
        self._ascii = console.options.ascii_only
        self._verbose = verbose
        self._begun = False
        self._shown: Counter[int] = Counter()

    def begin(self, name: str, title: str | None, seed: int, dtype: str, device: str) -> None:
        if self._begun:
            self.write([[]])
        self._begun = True
        self._shown.clear()
        self.write([*story.header(name, title, seed, dtype, device), []])

    def step(self, step: StepReport) -> None:
        if step.grads is not None and self._is_due(step):
            self.write(story.backward(step, whole=self._verbose))
        for item in step.printed or ():
            self.write([[(line, "plain")] for line in story.printed(item).split("\n")])
        if step.items:
            due = self._is_due(step)
            for expectation in step.items:
                if due or not expectation.ok:
                    self.write(story.expectation(expectation))

    def end(self, report: Report) -> None:
        rows, others = story.rows(report.bindings), story.values(report.bindings)
        shown = None if self._verbose else _ROWS
        if rows or others:
            self.write([[]])
        if rows:
            self._table(rows[:shown])
        self.write(others[:shown])
        left_out = len(rows[:shown]) + len(others[:shown]) - len(rows) - len(others)
        if left_out:
            self.write([[(f"and {-left_out:,} more; --verbose shows them", "faint")]])
        self.write([[]])
        for warned in report.warnings:
            self._wrap(story.warning(warned))
        self.write([story.outcome(report)])

    def refuse(self, name: str, error: UserError) -> None:
        pass

    def _is_due(self, step: StepReport) -> bool:
        self._shown[step.line] += 1
        if self._verbose or self._shown[step.line] <= _REPEATS:
            return True
        if self._shown[step.line] == _REPEATS + 1:
            self.write([[(f"{step.line:>4}  and so on; --verbose shows every {step.kind}", "faint")]])
        return False

    def _table(self, rows: list[tuple[str, ...]]) -> None:
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
        for heading in story.COLUMNS:
            # When it gets narrow, the long names of backward nodes give way first.
            table.add_column(heading, no_wrap=heading != "grad_fn", overflow="ellipsis")
        for row in rows:
            table.add_row(*(self._text(cell, "faint" if cell in _QUIET else "plain") for cell in row))
        self._console.print(table)

    def write(self, lines: Iterable[story.Line]) -> None:
        """Writes `lines`, each as long as it is."""
        for line in lines:
            self._console.print(self._line(line), soft_wrap=True)

    def _wrap(self, line: story.Line) -> None:
        """Prints a line of words behind a line number, below which nothing else stands."""
        width = max(self._console.width - len(story.INDENT), 1)
        margin, *words = line
        for wrapped in self._line(words).wrap(self._console, width):
            self._console.print(self._text(*margin) + wrapped, soft_wrap=True)
            margin = (story.INDENT, "plain")

    def _line(self, line: story.Line) -> Text:
        return Text().join(self._text(piece, role) for piece, role in line)

    def _text(self, text: str, role: story.Role) -> Text:
        shown = visible(text)
        return Text(story.in_ascii(shown) if self._ascii else shown, _STYLES[role])
