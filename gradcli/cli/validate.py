"""`gradcli validate`: finds everything wrong with specs that can be found without running them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gradcli.cli import options
from gradcli.cli.exits import Status, internal_error
from gradcli.cli.loading import load
from gradcli.errors import UserError, describe

if TYPE_CHECKING:
    from gradcli.spec.source import Limits


def validate(
    specs: Annotated[list[str], typer.Argument(metavar="SPEC...", help="YAML files; `-` reads standard input.")],
    json: options.Json = False,
    limit: options.Limit = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show the traceback of an internal error.")] = False,
) -> int:
    """Check specs without running them.

    Prints a line for each spec that is in order. Everything wrong that can be found without computing
    anything is reported together on standard error, each with its place; the exit status is 2 then.

    \b
    Examples:
      gradcli validate specs/*.yaml
      gradcli validate specs/quickstart.yaml --json
    """
    limits = options.limits_of(limit or [])
    return max(_validate_file(path, limits, json=json, verbose=verbose) for path in specs)


def _validate_file(path: str, limits: Limits, *, json: bool, verbose: bool) -> int:
    try:
        loaded, errors = load(path, limits)
    except (OSError, MemoryError):
        raise
    except Exception as error:
        if json:
            _print_line(path, [UserError("internal", describe(error))])
        return internal_error(error, verbose=verbose)
    if json:
        for name in [path] if errors else [spec.source.name for spec in loaded]:
            _print_line(name, errors)
    else:
        for spec in loaded:
            print(f"{spec.source.name}: ok")
    return Status.USER_ERROR if errors else Status.OK


def _print_line(name: str, errors: list[UserError]) -> None:
    from gradcli.report.json_lines import validation_line

    print(validation_line(name, errors), flush=True)
