"""A test run with annotations that GitHub shows at the lines of what failed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from gradcli.errors import Span
from gradcli.report.model import Outcome, Suite, SuiteReporter
from gradcli.report.suite import by_place, span_of, unmet_text
from gradcli.spec.excerpt import visible
from gradcli.spec.source import Source


class Annotated:
    """Writes what `reporter` writes, in which nothing counts as a command to GitHub, and then the annotations."""

    def __init__(self, reporter: SuiteReporter) -> None:
        self._reporter = reporter
        self._token = os.urandom(16).hex()
        print(f"::stop-commands::{self._token}")

    def begin(self, source: Source) -> None:
        self._reporter.begin(source)

    def tested(self, outcome: Outcome) -> None:
        self._reporter.tested(outcome)

    def end(self, suite: Suite) -> None:
        self._reporter.end(suite)
        print(f"::{self._token}::")
        for outcome in suite.failed:
            for line in commands(outcome):
                print(line, flush=True)


def commands(outcome: Outcome) -> Iterator[str]:
    """A command to GitHub for each expectation that failed, where it stands, and for each error."""
    for item, times in by_place(outcome.failures):
        yield _annotation(outcome, span_of(outcome.source, item), unmet_text(item, times))
    for error in outcome.errors:
        yield _annotation(outcome, error.span, "\n".join(text for text in (error.message, error.hint) if text))


def _annotation(outcome: Outcome, span: Span | None, message: str) -> str:
    place = {"file": visible(_from_the_root(outcome.source.file))}
    if span:
        place |= {"line": str(span.line), "endLine": str(span.end_line), "col": str(span.column)}
        if span.line == span.end_line:  # GitHub takes columns of one line only
            place["endColumn"] = str(span.end_column)
    place["title"] = visible(outcome.source.name)
    properties = ",".join(f"{name}={_escaped(text, property_=True)}" for name, text in place.items())
    shown = "\n".join(map(visible, message.split("\n")))
    return f"::error {properties}::{_escaped(shown)}"


def _from_the_root(file: str) -> str:
    """The path of `file` from the repository's folder, which GitHub names; as it is if it lies elsewhere."""
    root = os.environ.get("GITHUB_WORKSPACE")
    path = Path(os.path.normpath(Path(file).absolute()))
    return path.relative_to(root).as_posix() if root and path.is_relative_to(root) else file


def _escaped(text: str, *, property_: bool = False) -> str:
    for char in "%\r\n" + (":," if property_ else ""):
        text = text.replace(char, f"%{ord(char):02X}")
    return text
