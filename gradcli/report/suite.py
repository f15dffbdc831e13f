"""What a test run tells its reader: a line for each spec, then what failed and why, and a summary."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator

from gradcli.errors import Span
from gradcli.report import story
from gradcli.report.model import Expectation, Outcome, Suite
from gradcli.report.plain import Detail
from gradcli.spec.excerpt import excerpt, render_error, visible
from gradcli.spec.positions import line_at
from gradcli.spec.source import Source

_DURATION = 8  # columns for a time, where times stand below each other


class SuiteText:
    """Writes a test run by `write`, each spec as soon as it is tested and the failures at the end.

    `detail` says how much: the failures alone, also a line for each spec and the summary, or with every expectation.
    The times stand below each other where names are shorter than `width`; `slowest` is how many of the slowest specs
    are listed.
    """

    def __init__(
        self, write: Callable[[Iterable[story.Line]], None], detail: Detail, *, width: int = 0, slowest: int = 0
    ) -> None:
        self._write = write
        self._detail = detail
        self._width = width
        self._slowest = slowest

    def begin(self, source: Source) -> None:
        pass

    def tested(self, outcome: Outcome) -> None:
        if self._detail != "failures":
            self._write([tested(outcome, self._width)])
        if self._detail == "everything" and outcome.report:
            self._write(details(outcome))
        sys.stdout.flush()

    def end(self, suite: Suite) -> None:
        summarised = self._detail != "failures"
        for place, outcome in enumerate(suite.failed):
            if place or summarised:
                self._write([[]])
            self._write(failure(outcome))
        if summarised:
            if self._slowest:
                self._write([[], *slowest(suite.outcomes, self._slowest)])
            self._write([[], summary(suite)])


def tested(outcome: Outcome, width: int) -> story.Line:
    """How a spec came out, in one line."""
    name = outcome.source.name
    took: tuple[str, story.Role] = (f"  {duration(outcome.seconds):>{_DURATION if width else 0}}", "faint")
    if outcome.ok:
        return [("✓ ", "good"), (f"{name:<{width}}", "plain"), took]
    return [("✗ ", "bad"), (f"{name:<{width}}", "strong"), took, (f"  {what_failed(outcome)}", "bad")]


def details(outcome: Outcome) -> list[story.Line]:
    """Every expectation of a spec, and its warnings."""
    report = outcome.report
    if report is None:
        return []
    items = [story.expectation(item)[0] for step in report.steps for item in step.items or ()]
    return items + [story.warning(warned) for warned in report.warnings]


def failure(outcome: Outcome) -> list[story.Line]:
    """Why a spec failed: each expectation where it stands, with what was found instead, and errors."""
    title = outcome.report.title if outcome.report else None
    lines: list[story.Line] = [[("✗ ", "bad"), (outcome.source.name, "strong"), (f"  {title or ''}".rstrip(), "plain")]]
    for item, times in by_place(outcome.failures):
        lines += unmet(outcome.source, item, times)
    for error in outcome.errors:
        first, *others = render_error(error, outcome.source).split("\n")
        lines.append([("error: ", "bad"), (first.removeprefix("error: "), "plain")])
        lines += [[(line, "plain")] for line in others]
    return lines


def unmet(source: Source, item: Expectation, times: int) -> list[story.Line]:
    """An expectation that failed, with its place in the file; `times` is how often it did."""
    (_, *first), *others = story.expectation(item)
    often: story.Line = [(f"  {times} times, here the first", "faint")] if times > 1 else []
    lines: list[story.Line] = [[(f"{source.name}:{item.line}:{item.column}: ", "plain"), *first, *often]]
    line, carets = excerpt(source, span_of(source, item))
    return [*lines, [(line, "plain")], [(carets, "bad")], *others]


def failure_text(outcome: Outcome) -> str:
    """`failure` as text, with nothing in it that a terminal, or XML, would not take."""
    return "\n".join(visible(story.text_of(line)) for line in failure(outcome))


def reason(outcome: Outcome) -> str:
    """Why a spec failed, in one sentence."""
    return outcome.errors[0].message if outcome.errors else what_failed(outcome)


def unmet_text(item: Expectation, times: int) -> str:
    """An expectation that failed, in a few lines that go without its place."""
    often = f" ({times} times, here the first)" if times > 1 else ""
    _, *lines = story.expectation(item)
    return "\n".join([f"{item.expr} is not as expected{often}", *map(story.text_of, lines)])


def by_place(items: Iterable[Expectation]) -> list[tuple[Expectation, int]]:
    """The first of the items at each place in the file, and how many there are: in a loop there are many."""
    places: dict[tuple[int, int], list[Expectation]] = {}
    for item in items:
        places.setdefault((item.line, item.column), []).append(item)
    return [(same[0], len(same)) for same in places.values()]


def span_of(source: Source, item: Expectation) -> Span:
    """Where the expression of an expectation is written."""
    written = line_at(source.text, item.line)[item.column - 1 :]
    quotes = 2 if written[:1] in ("'", '"') else 0
    length = len(item.expr) + quotes if item.expr in written[: len(item.expr) + quotes] else 1
    return Span(item.line, item.column, item.line, item.column + length)


def slowest(outcomes: Iterable[Outcome], number: int) -> Iterator[story.Line]:
    """The specs that took the longest, `number` of them."""
    yield [("slowest:", "faint")]
    for outcome in sorted(outcomes, key=lambda outcome: -outcome.seconds)[:number]:
        yield [(f"{duration(outcome.seconds):>{_DURATION}}", "plain"), (f"  {outcome.source.name}", "plain")]


def summary(suite: Suite) -> story.Line:
    """How the whole run ended, in one line."""
    tested, failed = len(suite.outcomes), len(suite.failed)
    by_error = sum(bool(outcome.errors) for outcome in suite.failed)
    expected = story.count(sum(outcome.expectations for outcome in suite.outcomes), "expectation")
    notes = [expected, duration(suite.seconds)]
    if suite.stopped:
        notes.append(suite.stopped)
    rest: tuple[str, story.Role] = ("".join(f" · {note}" for note in notes), "faint")
    if suite.ok and suite.stopped:
        return [("✗ ", "bad"), (f"{story.count(tested, 'spec')} passed", "plain"), rest]
    if suite.ok:
        return [("✓ ", "good"), (f"{story.count(tested, 'spec')} passed", "good"), rest]
    errors = f" ({by_error} by an error)" if by_error else ""
    return [("✗ ", "bad"), (f"{failed} of {story.count(tested, 'spec')} failed{errors}", "bad"), rest]


def duration(seconds: float) -> str:
    """`8 ms`, `1.24 s`, `2 min 3 s`"""
    if seconds < 0.9995:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 59.995:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def what_failed(outcome: Outcome) -> str:
    """Why a spec failed, in a few words."""
    if outcome.report is None:
        return "cannot be run" if len(outcome.errors) < 2 else f"cannot be run: {len(outcome.errors)} errors"
    parts = []
    if outcome.failures:
        parts.append(story.share_failed(len(outcome.failures), outcome.expectations))
    if outcome.errors:
        span = outcome.errors[0].span
        parts.append("stopped by an error" + (f" in line {span.line}" if span else ""))
    return ", ".join(parts)
