"""`gradcli test --update`: writes the values that were found into the files of a suite."""

from __future__ import annotations

import codecs
import errno
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gradcli.report.model import Outcome, Suite, SuiteReporter, Update
    from gradcli.report.story import Line
    from gradcli.spec.source import Limits, Source


class Updating:
    """Hands a test run on to `reporter` when it is over, the files are updated and those that changed tested `again`.

    Before that it tells by `write` what has changed.
    """

    def __init__(
        self,
        reporter: SuiteReporter,
        again: Callable[[list[str]], Iterable[Outcome]],
        write: Callable[[Iterable[Line]], None],
        limits: Limits,
        *,
        only_new: bool,
    ) -> None:
        self._reporter = reporter
        self._again = again
        self._write = write
        self._limits = limits
        self._only_new = only_new

    def begin(self, source: Source) -> None:
        self._reporter.begin(source)

    def tested(self, outcome: Outcome) -> None:
        pass

    def end(self, suite: Suite) -> None:
        if not suite.stopped:
            self._update(suite)
        for outcome in suite.outcomes:
            self._reporter.tested(outcome)
        self._reporter.end(suite)

    def _update(self, suite: Suite) -> None:
        from gradcli.report import updates as report
        from gradcli.suite.update import update

        updates = update(suite.outcomes, self._limits, only_new=self._only_new)
        for one in updates:
            if one.recorded:
                put(one)
            self._write(report.lines(one))
        self._write([report.summary(updates), []])
        changed = [one.source.file for one in updates if one.recorded]
        after = {outcome.source.name: outcome for outcome in self._again(changed)}
        suite.outcomes = [after.get(outcome.source.name, outcome) for outcome in suite.outcomes]


def put(update: Update) -> None:
    """Writes the new text of a file that still has the old one."""
    from gradcli.files.save import replaced

    path = update.source.file
    content = Path(path).read_bytes()
    if content.decode("utf-8-sig", "replace") != update.source.text:
        raise OSError(errno.EBUSY, "it was changed while its specs ran", path)
    mark = codecs.BOM_UTF8 if content.startswith(codecs.BOM_UTF8) else b""
    with replaced(path) as file:
        file.write(mark + update.text.encode())
