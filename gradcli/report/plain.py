"""A run as text for files and other programs: nothing is cut, wrapped or coloured."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Literal, TextIO

from gradcli.errors import UserError
from gradcli.report import story
from gradcli.report.model import Binding, Report, StepReport
from gradcli.spec.excerpt import visible

Detail = Literal["failures", "results", "everything"]


class Plain:
    """Writes a run to standard output while it goes on.

    `detail` says how much of it: the failed expectations alone, also what the spec prints (exactly as it is
    printed), or everything that a screen would show.
    """

    def __init__(self, detail: Detail) -> None:
        self._detail = detail
        self._name = ""

    def begin(self, name: str, title: str | None, seed: int, dtype: str, device: str) -> None:
        self._name = name
        if self._detail == "everything":
            print_lines([*story.header(name, title, seed, dtype, device), []])

    def step(self, step: StepReport) -> None:
        everything = self._detail == "everything"
        if step.grads is not None and everything:
            print_lines(story.backward(step, whole=True))
        if step.printed and self._detail != "failures":
            for item in step.printed:
                print(story.printed(item))
        for expectation in step.items or ():
            if everything:
                print_lines(story.expectation(expectation))
            elif not expectation.ok:
                print_lines(_located(story.expectation(expectation), self._name, expectation.line))
        if step.printed or step.items:
            sys.stdout.flush()

    def end(self, report: Report) -> None:
        if self._detail == "everything":
            _print_table(report.bindings)
        if self._detail != "failures":
            sys.stdout.flush()
            for warned in report.warnings:
                print_lines(_located([story.warning(warned)], report.spec, warned.line), sys.stderr)
            if report.error is None:  # an error says itself how the run ended
                print_lines([[(f"{report.spec}: ", "plain"), *story.outcome(report)]], sys.stderr)

    def refuse(self, name: str, error: UserError) -> None:
        pass


class Values:
    """Writes the texts of the values that were asked for; failed expectations go to standard error."""

    def begin(self, name: str, title: str | None, seed: int, dtype: str, device: str) -> None:
        pass

    def step(self, step: StepReport) -> None:
        pass

    def end(self, report: Report) -> None:
        for item in report.got:
            print(item.text)
        sys.stdout.flush()
        for expectation in report.failures:
            print_lines(_located(story.expectation(expectation), report.spec, expectation.line), sys.stderr)

    def refuse(self, name: str, error: UserError) -> None:
        pass


def _located(lines: list[story.Line], name: str, line: int) -> list[story.Line]:
    """The lines, whose file no header has named, with `file:line:` for the line number in front."""
    (_, *first), *others = lines
    return [[(f"{name}:{line}: ", "plain"), *first], *others]


def _print_table(bindings: list[Binding]) -> None:
    rows, others = story.rows(bindings), story.values(bindings)
    print_lines([[]] if rows or others else [])
    if rows:
        print_lines([[(row, "plain")] for row in story.aligned([story.COLUMNS, *rows])])
    print_lines(others)


def print_lines(lines: Iterable[story.Line], file: TextIO | None = None) -> None:
    """Writes `lines` to standard output or `file`, with nothing in them that a terminal would act upon."""
    for line in lines:
        print(story.fitting(visible(story.text_of(line)), sys.stdout.encoding), file=file)
