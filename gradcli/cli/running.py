"""Runs spec files for the commands: one spec after the other, whatever becomes of them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from gradcli.cli.exits import Status, internal_error, tell
from gradcli.cli.loading import show_errors
from gradcli.errors import UserError, describe, out_of_memory

if TYPE_CHECKING:
    from gradcli.report.model import Report, Reporter
    from gradcli.spec.document import Spec
    from gradcli.spec.source import Limits
    from gradcli.spec.steps import Plain


class Request:
    """What the command line asks of every spec.

    `settings` stand in for what the spec says, `options` are the run's. `finish` is called after a run without an
    error, and may give it one; `passes` says whether what a run found is as it should be.
    """

    def __init__(self, settings: dict[str, Plain], options: dict[str, Any], limits: Limits, verbose: bool) -> None:
        from gradcli.spec.loading import read

        self.settings = settings
        self.options = options
        self.verbose = verbose
        self.read = functools.cache(functools.partial(read, limits=limits))  # standard input can be read only once
        self.finish: Callable[[Spec, Report], None] | None = None
        self.passes: Callable[[Report], bool] = lambda report: report.ok


def run_files(paths: Sequence[str], request: Request, reporter: Reporter) -> int:
    """Runs the specs in the files at `paths`, and gives the highest of their exit statuses."""
    return max(_run_file(path, request, reporter) for path in paths)


def _run_file(path: str, request: Request, reporter: Reporter) -> int:
    try:
        documents, errors, source = request.read(path)
        if errors:
            show_errors(errors, source)
            reporter.refuse(path, errors[0])
            return Status.USER_ERROR
        return max(_run_document(spec, request, reporter) for spec in documents)
    except OSError:
        raise
    except MemoryError:
        error = out_of_memory()
        tell(f"error: {path}: {error.message}")
        reporter.refuse(path, error)
        return Status.USER_ERROR
    except Exception as error:
        reporter.refuse(path, UserError("internal", describe(error)))
        return internal_error(error, verbose=request.verbose)


def _run_document(document: Spec, request: Request, reporter: Reporter) -> int:
    from gradcli.spec.document import expand

    try:
        specs = expand(document, request.settings)
    except UserError as error:
        show_errors([error], document.source)
        reporter.refuse(document.source.name, error)
        return Status.USER_ERROR
    return max(_run_spec(spec, request, reporter) for spec in specs)


def _run_spec(spec: Spec, request: Request, reporter: Reporter) -> int:
    from gradcli.collector import relax
    from gradcli.runner import run

    relax()
    reporter.begin(spec.source.name, spec.title, spec.seed, spec.dtype, spec.device)
    report = run(spec, reporter.step, **request.options)
    if request.finish is not None and report.error is None:
        request.finish(spec, report)
    reporter.end(report)
    if report.error is not None:
        show_errors([report.error], spec.source)
        return Status.USER_ERROR
    return Status.OK if request.passes(report) else Status.FAILED
