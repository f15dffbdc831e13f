"""`gradcli run`: runs specs and reports what they found."""

# Annotations are evaluated here: typer would take 2 ms to evaluate them from their texts.

import contextlib
import functools
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from gradcli.cli import options, terminal
from gradcli.cli.exits import tell
from gradcli.cli.running import Request, run_files
from gradcli.errors import UserError

if TYPE_CHECKING:
    from gradcli.report.model import Report, Reporter
    from gradcli.spec.document import Spec


def run(
    specs: Annotated[list[str], typer.Argument(metavar="SPEC...", help="YAML files; `-` reads standard input.")],
    json: options.Json = False,
    full: Annotated[
        bool, typer.Option("--full", help="With --json: also values of more than 100,000 elements.")
    ] = False,
    get: Annotated[
        list[str] | None,
        typer.Option(metavar="EXPR", help="Print only the value EXPR has at the end. Repeatable."),
    ] = None,
    settings: options.Settings = None,
    device: options.Device = None,
    dtype: options.Dtype = None,
    seed: options.Seed = None,
    detect_anomaly: Annotated[
        bool, typer.Option("--detect-anomaly", help="Stop where a backward makes a NaN.")
    ] = False,
    save: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Save tensors and gradients: .npz, .safetensors, .json."),
    ] = None,
    allow_path: options.AllowPath = None,
    max_memory: options.MaxMemory = None,
    timeout: options.Timeout = None,
    limit: options.Limit = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print failed expectations only.")] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Print everything: gradients in full, every step.")
    ] = False,
    color: options.Color = "auto",
) -> int:
    """Run specs and print what PyTorch would print.

    On a terminal it shows what the spec prints, the gradients each backward leaves, what became of every
    expectation, and all tensors in a table. Elsewhere standard output gets what the spec prints, character
    for character as PyTorch prints it, and the expectations that failed; warnings, errors and the outcome go
    to standard error. --verbose gives a file everything, --quiet only failed expectations.

    --save keeps what the names stand for at the end, gradients as `w.grad`; for several specs FILE contains
    {name}. A run that ends with an error saves nothing.

    The exit status is 0 if all went well, 1 if an expectation failed, 2 for an error in a spec or on the
    command line, 3 for a bug in gradcli. NO_COLOR and FORCE_COLOR are respected.

    \b
    Examples:
      gradcli run specs/quickstart.yaml
      gradcli run specs/quickstart.yaml --get w.grad
      gradcli run specs/quickstart.yaml --json
    """
    if quiet and verbose:
        raise typer.BadParameter("it cannot be combined with --verbose", param_hint="--quiet")
    if full and not json:
        raise typer.BadParameter("it goes with --json; text is never cut", param_hint="--full")
    reporter = _reporter(json=json, full=full, values=bool(get), quiet=quiet, verbose=verbose, color=color)
    chosen = {
        "detect_anomaly": detect_anomaly,
        "get": get or [],
        **options.run_options(allow_path or [], max_memory, timeout),
    }
    replaced = options.settings_of(settings or [], seed, dtype, device)
    request = Request(replaced, chosen, options.limits_of(limit or []), verbose)
    if save is not None:
        _check_destinations(save, specs, request)
        request.finish = functools.partial(_save, save, max_memory=chosen["max_memory"])
    if sys.stderr.isatty() and not quiet:
        from gradcli.cli.progress import Progress

        reporter = Progress(reporter)
    return run_files(specs, request, reporter)


def _destination(save: str, spec: "Spec") -> str:
    from gradcli.files.save import destination

    return destination(save, spec.source.file, spec.source.name)


def _check_destinations(save: str, paths: list[str], request: Request) -> None:
    """Refuses, before anything runs, what cannot be written, and one file for several specs."""
    from gradcli.files.save import PLACEHOLDER, check
    from gradcli.spec.document import expand

    targets: list[str] = []
    for document in [document for path in paths for document in request.read(path)[0]]:
        with contextlib.suppress(UserError):  # it will be told when it is this document's turn
            targets += [_destination(save, spec) for spec in expand(document, request.settings)]
    for place, target in enumerate(targets or [save]):
        try:
            check(target)
        except UserError as error:
            raise typer.BadParameter(error.message, param_hint="--save") from None
        if target in targets[:place]:
            mend = "two specs have this name" if PLACEHOLDER in save else f"write {PLACEHOLDER} into it"
            raise typer.BadParameter(f"several specs would be saved to `{target}`; {mend}", param_hint="--save")


def _save(save: str, spec: "Spec", report: "Report", max_memory: int | None) -> None:
    """Saves what a run has found; if that fails, it is the run's error."""
    from gradcli.engine.memory import limited
    from gradcli.files.save import save as write
    from gradcli.report.arrays import arrays_of

    path = _destination(save, spec)
    arrays, others = arrays_of(report.bindings)
    try:
        with limited(max_memory):
            write(path, arrays)
    except UserError as error:
        report.error = error
        return
    if others:
        names = ", ".join(f"`{name}`" for name in others)
        tell(f"note: {report.spec}: not in `{path}`, neither tensors nor numbers: {names}")


def _reporter(*, json: bool, full: bool, values: bool, quiet: bool, verbose: bool, color: terminal.Color) -> "Reporter":
    if json:
        from gradcli.report.json_lines import JsonLines, JsonValues

        return JsonValues() if values else JsonLines(full=full)
    from gradcli.report import plain

    if values:
        return plain.Values()
    if quiet or not terminal.is_screen(color):
        return plain.Plain("failures" if quiet else "everything" if verbose else "results")
    return terminal.screen(color, verbose=verbose)
