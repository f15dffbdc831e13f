"""`gradcli schema`: prints the JSON Schema of specs, or of what a command prints with --json."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from gradcli.cli.exits import Status

_OF_COMMANDS = Path(__file__).parents[1] / "report" / "schemas"


def names() -> list[str]:
    """What there is a schema of."""
    return ["spec", *sorted(file.stem for file in _OF_COMMANDS.glob("*.json"))]


def schema(
    of: Annotated[
        str,
        typer.Option(metavar="NAME", autocompletion=names, help="spec, or a command that has --json."),
    ] = "spec",
    modeline: Annotated[
        bool, typer.Option("--modeline", help="Print the first line of a spec that points editors to its schema.")
    ] = False,
) -> int:
    """Print a JSON Schema: of specs, or of a command's --json.

    An editor with a YAML language server completes, explains and checks a spec that begins with the line
    that --modeline prints; `gradcli init` puts it there. It names the schema file inside this installation.

    \b
    Examples:
      gradcli schema
      gradcli schema --of run
      gradcli schema --modeline
    """
    if of not in names():
        raise typer.BadParameter(f"`{of}` is none of {', '.join(names())}", param_hint="--of")
    from gradcli.spec import schema as of_specs

    if modeline:
        if of != "spec":
            raise typer.BadParameter("only specs have one, not --of something else", param_hint="--modeline")
        print(of_specs.modeline())
    elif of == "spec":
        sys.stdout.write(of_specs.text())
    else:
        sys.stdout.write((_OF_COMMANDS / f"{of}.json").read_text(encoding="utf-8"))
    return Status.OK
