"""`gradcli test`: runs the specs of files and folders, and says which of them fail, and why."""

# Annotations are evaluated here: typer would take 2 ms to evaluate them from their texts.

import os
import sys
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from gradcli.cli import options, terminal
from gradcli.cli.exits import Status, tell
from gradcli.cli.reports import Reports, destinations
from gradcli.errors import UserError

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from gradcli.report.model import Outcome, SuiteReporter
    from gradcli.report.plain import Detail
    from gradcli.suite.selection import Choice

Format = Literal["text", "github"]

_WIDEST = 60  # columns for names, before times that stand below each other


def test(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PATH...", help="Files, folders, globs; `-` reads standard input."),
    ],
    pattern: Annotated[
        str | None,
        typer.Option("-k", metavar="PATTERN", help="Only specs named so, as in `conv and not slow`."),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option("-j", "--jobs", metavar="N", min=0, help="Run in N processes; 0: one for each processor."),
    ] = None,
    dask: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Run on the Dask cluster with this scheduler.")
    ] = None,
    update: Annotated[bool, typer.Option("--update", help="Record what was found where expectations fail.")] = False,
    update_new: Annotated[
        bool, typer.Option("--update-new", help="Only where nothing is recorded; also written --update=new.")
    ] = False,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Stop at the first spec that fails.")] = False,
    listed: Annotated[bool, typer.Option("--list", help="Print the names of the specs, and run none.")] = False,
    slowest: Annotated[
        int, typer.Option("--durations", metavar="N", min=0, help="Name the N specs that took the longest.")
    ] = 0,
    json: options.Json = False,
    format_: Annotated[
        Format, typer.Option("--format", help="`github` also annotates the lines of what failed.")
    ] = "text",
    reports: Annotated[
        list[str] | None,
        typer.Option("--report", metavar="KIND=FILE", help="Write junit=, tap= or json=FILE. Repeatable."),
    ] = None,
    settings: options.Settings = None,
    device: options.Device = None,
    dtype: options.Dtype = None,
    seed: options.Seed = None,
    allow_path: options.AllowPath = None,
    max_memory: options.MaxMemory = None,
    timeout: options.Timeout = None,
    limit: options.Limit = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print failures only.")] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Print every expectation, and where internal errors arose.")
    ] = False,
    color: options.Color = "auto",
) -> int:
    """Run specs and say which of them fail, and why.

    A spec passes if it runs to its end and everything it expects holds. A folder stands for the *.yaml and
    *.yml in it and below, in the order of their names; what is hidden is left out. Every document of a file
    and every combination of a matrix is a spec of its own.

    -k takes parts of names with `and`, `or`, `not` and parentheses. --quiet prints nothing if all specs pass.

    The exit status is 0 if every spec passes, 1 if one does not, whatever the reason, 2 if there is no spec
    or the command line is wrong, 3 for a bug in gradcli.

    \b
    Examples:
      gradcli test specs
      gradcli test specs/quickstart.yaml specs/blitz.yaml --durations 1
      gradcli test specs -k hooks --json
    """
    replaced = tuple(options.settings_of(settings or [], seed, dtype, device).items())
    updates = update or update_new
    for one, other, both in (
        ("--quiet", "--verbose", quiet and verbose),
        ("-j", "--dask", jobs is not None and dask is not None),
        ("--json", "--format", json and format_ != "text"),
        ("--json", "--list", json and listed),
        ("--update", "--list", updates and listed),
        ("--update", "--fail-fast", updates and fail_fast),
        ("--update", "what replaces a spec's own", updates and bool(replaced)),
        ("--update", "`-`", updates and "-" in paths),
    ):
        if both:
            raise typer.BadParameter(f"it cannot be combined with {other}", param_hint=one)
    if updates and os.environ.get("CI"):
        tell("error: `--update` changes specs, and is refused where the variable CI is set")
        return Status.USER_ERROR
    from gradcli.suite.testing import Request, Silent, select, test

    processes = _processors() if jobs == 0 else jobs
    request = Request(
        replaced,
        options.limits_of(limit or []),
        options.run_options(allow_path or [], max_memory, timeout, processes or 1),
        verbose,
    )
    files = _files(paths)
    chosen = _choice(pattern)
    items = select(files, request, chosen)
    if listed:
        names = [item.source.name for item in items]
        print("".join(f"{name}\n" for name in names), end="")
    else:
        kinds = destinations(reports or [])
        executor = _executor(processes, dask)
        detail: Detail = "failures" if quiet else "everything" if verbose else "results"
        reporter = _reporter(files, detail, json=json, color=color, slowest=slowest)
        if format_ == "github":
            from gradcli.report import github

            reporter = github.Annotated(reporter)
        if sys.stderr.isatty() and not quiet:
            from gradcli.cli.progress import SuiteProgress

            reporter = SuiteProgress(reporter, files)
        reporter = Reports(reporter, kinds)
        if updates:
            from gradcli.cli.updating import Updating
            from gradcli.report.plain import print_lines

            def again(changed: list[str]) -> list["Outcome"]:
                return test(select(changed, request, chosen), _executor(processes, dask), Silent()).outcomes

            write = partial(print_lines, file=sys.stderr) if json else terminal.writer(color)
            reporter = Updating(reporter, again, write, request.limits, only_new=update_new)
        suite = test(items, executor, reporter, fail_fast=fail_fast)
        names = [outcome.source.name for outcome in suite.outcomes]
    if not names:
        raise typer.BadParameter(f"no spec is named so: `{pattern}`", param_hint="-k")
    return Status.OK if listed or suite.ok else Status.FAILED


def _files(paths: list[str]) -> list[str]:
    from gradcli.suite.discovery import find

    try:
        return find(paths)
    except UserError as error:
        raise options.refused(error, "PATH") from None


def _choice(pattern: str | None) -> "Choice | None":
    from gradcli.suite.selection import choice

    try:
        return None if pattern is None else choice(pattern)
    except UserError as error:
        raise typer.BadParameter(f"`{pattern}`: {error.message}", param_hint="-k") from None


def _processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _executor(processes: int | None, dask: str | None) -> "Executor":
    if dask is not None:
        from gradcli.suite.cluster import Dask

        try:
            return Dask(dask)
        except UserError as error:
            raise options.refused(error, "--dask") from None
    if processes is not None:
        from gradcli.suite.processes import Processes

        return Processes(processes)
    from gradcli.suite.executors import Serial

    return Serial()


def _reporter(
    files: list[str], detail: "Detail", *, json: bool, color: terminal.Color, slowest: int
) -> "SuiteReporter":
    if json:
        from gradcli.report.json_lines import JsonSuite

        return JsonSuite()
    from gradcli.report.suite import SuiteText

    width = min(max(map(len, files)), _WIDEST) if terminal.is_screen(color) else 0
    return SuiteText(terminal.writer(color), detail, width=width, slowest=slowest)
