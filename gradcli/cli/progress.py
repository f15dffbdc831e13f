"""What a run that takes longer shows on standard error while it goes on, if that is a terminal."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from gradcli.errors import UserError
    from gradcli.report.model import Report, Reporter, StepReport

PATIENCE = 1.0  # seconds before anything is shown
REFRESH = 0.1  # seconds between two changes of it


class Progress:
    """Hands everything on to `reporter`, and keeps one line below what it writes."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._name = ""
        self._steps = 0
        self._began = time.monotonic()
        self._due = self._began + PATIENCE
        self._shown = False
        stdout: Any = _Above(sys.stdout, self._clear)
        sys.stdout = stdout

    def begin(self, name: str, title: str | None, seed: int, dtype: str, device: str) -> None:
        self._name, self._steps = name, 0
        self._reporter.begin(name, title, seed, dtype, device)

    def step(self, step: StepReport) -> None:
        self._steps += 1
        self._reporter.step(step)
        now = time.monotonic()
        if now >= self._due:
            self._due = now + REFRESH
            self._show(step.line, now - self._began)

    def end(self, report: Report) -> None:
        self._clear()
        self._reporter.end(report)

    def refuse(self, name: str, error: UserError) -> None:
        self._clear()
        self._reporter.refuse(name, error)

    def _show(self, line: int, seconds: float) -> None:
        from gradcli.spec.excerpt import visible

        text = visible(f"{self._name} · line {line} · {self._steps:,} steps · {seconds:.0f} s")
        sys.stdout.flush()
        sys.stderr.write(f"\r\x1b[2K{text[: shutil.get_terminal_size().columns - 1]}")
        sys.stderr.flush()
        self._shown = True

    def _clear(self) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()
            self._shown = False


class _Above:
    """Standard output, which the line of progress makes room for."""

    def __init__(self, stream: TextIO, make_room: Callable[[], None]) -> None:
        self._stream = stream
        self._make_room = make_room

    def write(self, text: str) -> int:
        self._make_room()
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
