"""A suite: the specs of some files, run one after the other or side by side, and what became of each."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from functools import lru_cache
from typing import Any, TypeAlias

from gradcli.errors import UserError, describe, out_of_memory
from gradcli.record import Record, replace
from gradcli.report.model import Expectation, Outcome, Report, StepReport, Suite, SuiteReporter
from gradcli.spec.document import expand, read_documents
from gradcli.spec.source import Limits, Source, read_source
from gradcli.spec.steps import Plain, Spec
from gradcli.suite.executors import Died
from gradcli.suite.selection import Choice

Settings: TypeAlias = "tuple[tuple[str, Plain], ...]"
Ran: TypeAlias = tuple[Report, float]

KILLED = -9
BUG = "this is a bug in gradcli; please report it"


class Request(Record):
    """What is asked of every spec: `settings` stand in for what it says, `options` are the runner's."""

    settings: Settings
    limits: Limits
    options: dict[str, Any]
    verbose: bool = False


class Task(Record):
    """A spec to run: the one at `place` in a file's text. Other processes get this: a spec nests too deep to pickle."""

    text: Source
    place: int
    request: Request


class Item(Record):
    """A spec of a suite, under the name that `source` has: what is there to run, and the report to be filled.

    It cannot run if there are `errors`.
    """

    source: Source
    errors: list[UserError]
    task: Task | None = None
    report: Report | None = None


def collect(path: str, request: Request) -> list[Item]:
    """The specs in the file at `path`, those of a matrix apart; one that only has errors if it cannot be read."""
    text = Source(path, "")
    try:
        text = read_source(path, request.limits)
        specs = _specs(text, request.settings, request.limits)
    except UserError as error:
        return [Item(text, [error])]
    except Exception as error:
        return [Item(text, [_unforeseen(error, request.verbose)])]
    return [
        Item(spec.source, [], Task(text, place, request), _report(spec)) if isinstance(spec, Spec) else spec
        for place, spec in enumerate(specs)
    ]


@lru_cache(maxsize=1)  # whoever collects the specs of a file runs them next
def _specs(text: Source, settings: Settings, limits: Limits) -> list[Spec | Item]:
    specs: list[Spec | Item] = []
    for source, document, errors in read_documents(text, limits):
        try:
            specs += expand(document, dict(settings)) if document else [Item(source, errors)]
        except UserError as error:
            specs.append(Item(source, [error]))
    return specs


class Silent:
    """A reporter that tells nothing."""

    def begin(self, source: Source) -> None:
        pass

    def tested(self, outcome: Outcome) -> None:
        pass

    def end(self, suite: Suite) -> None:
        pass


def select(files: Iterable[str], request: Request, chosen: Choice | None = None) -> Iterator[Item]:
    """The specs in `files`, or those that are `chosen` by their names."""
    for file in files:
        for item in collect(file, request):
            if chosen is None or chosen(item.source.name):
                yield item


def test(items: Iterable[Item], executor: Executor, reporter: SuiteReporter, *, fail_fast: bool = False) -> Suite:
    """Runs `items` by `executor` and tells `reporter` of each, in their order and as soon as it is known.

    With `fail_fast` the first spec that fails is the last one. The executor is shut down in the end.
    """
    suite = Suite()
    began = time.monotonic()
    try:
        for outcome in _outcomes(items, executor, reporter.begin):
            suite.outcomes.append(outcome)
            reporter.tested(outcome)
            if fail_fast and not outcome.ok:
                suite.stopped = "stopped at the first failure"
                break
    except BaseException:
        suite.stopped = "interrupted"
        raise
    finally:
        executor.shutdown(cancel_futures=True)
        suite.seconds = time.monotonic() - began
        if suite.outcomes or suite.stopped:
            reporter.end(suite)
    return suite


def _outcomes(items: Iterable[Item], executor: Executor, begin: Callable[[Source], None]) -> Iterator[Outcome]:
    pending: deque[tuple[Item, Future[Ran] | None]] = deque()
    for item in items:
        if not pending:
            begin(item.source)
        pending.append((item, executor.submit(perform, item.task) if item.task else None))
        while pending and _is_known(pending[0][1]):
            yield _outcome(*pending.popleft())
    while pending:
        begin(pending[0][0].source)
        yield _outcome(*pending.popleft())


def _is_known(future: Future[Ran] | None) -> bool:
    return future is None or future.done()


def _outcome(item: Item, future: Future[Ran] | None) -> Outcome:
    if future is None:
        return Outcome(item.source, None, item.errors, 0.0)
    assert item.report is not None
    report, seconds = item.report, 0.0
    try:
        report, seconds = future.result()
    except Died as death:
        report.error, seconds = _died(death), death.seconds
    except Exception as error:  # the executor's own
        report.error = UserError("internal", describe(error))
    return Outcome(item.source, report, [report.error] if report.error else [], seconds)


def _died(death: Died) -> UserError:
    if death.code == KILLED:
        return UserError("limit", "its process was killed", "the system does so when there is no memory left")
    if death.code < 0:
        return UserError("internal", f"its process was ended by signal {-death.code}", BUG)
    return UserError("internal", f"its process ended with status {death.code}", BUG)


def perform(task: Task) -> Ran:
    """Runs a spec, whatever it comes to: its report, without what a suite has no use for, and the seconds it took."""
    from gradcli.collector import relax
    from gradcli.engine.device import load_numpy
    from gradcli.runner import run

    spec = _specs(task.text, task.request.settings, task.request.limits)[task.place]
    assert isinstance(spec, Spec)
    load_numpy()  # which is not the first spec's fault
    relax()
    began = time.perf_counter()
    try:
        report = _slim(run(spec, **task.request.options))
    except Exception as error:
        report = _report(spec)
        report.error = _unforeseen(error, task.request.verbose)
    return report, time.perf_counter() - began


def _report(spec: Spec) -> Report:
    return Report(spec.source.name, spec.seed, spec.dtype, spec.device, spec.title)


def _slim(report: Report) -> Report:
    return replace(report, bindings=[], steps=[_judged(step) for step in report.steps if step.items])


def _judged(step: StepReport) -> StepReport:
    return replace(step, items=[item if not item.ok else _held(item) for item in step.items or ()])


def _held(item: Expectation) -> Expectation:
    return replace(item, expected=None, actual=None, expected_text="", actual_text="")


def _unforeseen(error: Exception, verbose: bool) -> UserError:
    """The error of a spec that came to its end by an exception that is none of its own."""
    if isinstance(error, MemoryError):
        return out_of_memory()
    hint = BUG
    if verbose:
        import traceback

        hint += "\n" + "".join(traceback.format_exception(error)).rstrip()
    else:
        hint += ", with what `--verbose` adds to this message"
    return UserError("internal", describe(error), hint)
