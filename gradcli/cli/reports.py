"""`--report KIND=FILE`: the reports of a test run, in files."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gradcli.cli import options
from gradcli.cli.writing import write_whole
from gradcli.errors import UserError

if TYPE_CHECKING:
    from gradcli.report.model import Outcome, Suite, SuiteReporter
    from gradcli.spec.source import Source

_MODULES = {"junit": "junit", "tap": "tap", "json": "json_lines"}


def destinations(pairs: Sequence[str]) -> dict[str, str]:
    """The kinds of the reports by their files; refused is, before anything runs, what cannot be written."""
    from gradcli.files.save import check_place

    found: dict[str, str] = {}
    for pair in pairs:
        kind, _, path = pair.partition("=")
        if not path or kind not in _MODULES:
            kinds = ", ".join(f"{kind}=FILE" for kind in _MODULES)
            raise typer.BadParameter(f"`{pair}` is none of {kinds}", param_hint="--report")
        if path in found:
            raise typer.BadParameter(f"two reports would be written to `{path}`", param_hint="--report")
        try:
            check_place(path)
        except UserError as error:
            raise options.refused(error, "--report") from None
        found[path] = kind
    return found


class Reports:
    """Hands everything on to `reporter`, and writes the reports in the end."""

    def __init__(self, reporter: SuiteReporter, kinds: dict[str, str]) -> None:
        self._reporter = reporter
        self._kinds = kinds

    def begin(self, source: Source) -> None:
        self._reporter.begin(source)

    def tested(self, outcome: Outcome) -> None:
        self._reporter.tested(outcome)

    def end(self, suite: Suite) -> None:
        try:
            self._reporter.end(suite)
        finally:  # also if nobody reads what is printed any more
            for path, kind in self._kinds.items():
                text = import_module(f"gradcli.report.{_MODULES[kind]}").render(suite)
                write_whole(Path(path), text, replace=True)
