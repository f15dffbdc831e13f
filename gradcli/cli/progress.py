"""What a run or a test run that takes longer shows on standard error while it goes on, if that is a terminal."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from gradcli.errors import UserError
    from gradcli.report.model import Outcome, Report, Reporter, StepReport, Suite, SuiteReporter
    from gradcli.spec.source import Source

PATIENCE = 1.0  # seconds before anything is shown
REFRESH = 0.1  # seconds between two changes of it
_BAR = 20  # columns


class Progress:
    """Hands everything on to `reporter`, and keeps one line below what it writes."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._name = ""
        self._steps = 0
        self._began = time.monotonic()
        self._due = self._began + PATIENCE
        self._line = _Line()

    def begin(self, name: str, title: str | None, seed: int, dtype: str, device: str) -> None:
        self._name, self._steps = name, 0
        self._reporter.begin(name, title, seed, dtype, device)

    def step(self, step: StepReport) -> None:
        self._steps += 1
        self._reporter.step(step)
        now = time.monotonic()
        if now >= self._due:
            self._due = now + REFRESH
            self._line.show(f"{self._name} · line {step.line} · {self._steps:,} steps · {now - self._began:.0f} s")

    def end(self, report: Report) -> None:
        self._line.clear()
        self._reporter.end(report)

    def refuse(self, name: str, error: UserError) -> None:
        self._line.clear()
        self._reporter.refuse(name, error)


class SuiteProgress:
    """The same for a test run of `files`: how far it is, and which spec is waited for."""

    def __init__(self, reporter: SuiteReporter, files: Sequence[str]) -> None:
        self._reporter = reporter
        self._places = {file: place for place, file in enumerate(files)}
        self._waited_for: Source | None = None
        self._failed = 0
        self._began = time.monotonic()
        self._line = _Line()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep, daemon=True)
        self._thread.start()

    def begin(self, source: Source) -> None:
        self._waited_for = source
        self._reporter.begin(source)

    def tested(self, outcome: Outcome) -> None:
        self._failed += not outcome.ok
        self._reporter.tested(outcome)

    def end(self, suite: Suite) -> None:
        self._ended.set()
        self._thread.join()  # or it might show the line once more
        self._line.clear()
        self._reporter.end(suite)

    def _keep(self) -> None:
        wait = PATIENCE
        while not self._ended.wait(wait):
            wait = REFRESH
            if self._waited_for:
                self._line.show(self._state(self._waited_for))

    def _state(self, source: Source) -> str:
        place, total = self._places[source.file], len(self._places)
        done = _BAR * place // total
        failed = f" · {self._failed} failed" if self._failed else ""
        seconds = time.monotonic() - self._began
        return f"{'━' * done}{'─' * (_BAR - done)} {place} of {total}{failed} · {source.name} · {seconds:.0f} s"


class _Line:
    """The last line of the terminal, for which standard output makes room."""

    def __init__(self) -> None:
        self._shown = False
        self._lock = threading.RLock()
        stdout: Any = _Above(sys.stdout, self)
        sys.stdout = stdout

    def show(self, text: str) -> None:
        from gradcli.report.story import fitting
        from gradcli.spec.excerpt import visible

        shown = fitting(visible(text), sys.stderr.encoding)
        with self._lock:
            sys.stdout.flush()
            sys.stderr.write(f"\r\x1b[2K{shown[: shutil.get_terminal_size().columns - 1]}")
            sys.stderr.flush()
            self._shown = True

    def clear(self) -> None:
        with self._lock:
            if self._shown:
                sys.stderr.write("\r\x1b[2K")
                sys.stderr.flush()
                self._shown = False

    def write_above(self, write: Callable[[str], int], text: str) -> int:
        with self._lock:
            self.clear()
            return write(text)


class _Above:
    """Standard output, above the line."""

    def __init__(self, stream: TextIO, line: _Line) -> None:
        self._stream = stream
        self._line = line

    def write(self, text: str) -> int:
        return self._line.write_above(self._stream.write, text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
