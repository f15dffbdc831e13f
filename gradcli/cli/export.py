"""`gradcli export`: writes specs as scripts for other libraries."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated, Literal

import typer

from gradcli.cli import options
from gradcli.cli.exits import Status, tell
from gradcli.cli.loading import load, show_errors
from gradcli.cli.writing import write_whole
from gradcli.errors import UserError

Target = Literal["torch", "jax", "numpy"]


def export(
    spec: Annotated[str, typer.Argument(metavar="SPEC", help="A YAML file; `-` reads standard input.")],
    to: Annotated[Target, typer.Option("--to", help="The library that the script is for.")],
    output: Annotated[str | None, typer.Option("-o", "--output", metavar="FILE", help="Write it to this file.")] = None,
    limit: options.Limit = None,
) -> int:
    """Write a spec as a Python script.

    The script computes what `gradcli run` computes, and is there to be read: names and order are the spec's,
    expectations are assertions. For torch it also prints the same text, from the same seed. For jax a backward
    is jax.grad of a function, for numpy it is written out, formula by formula, whatever its order; random
    numbers are written into these scripts, and what has no counterpart is an error. Files that the spec loads
    are read by their paths as seen from the current folder.

    \b
    Examples:
      gradcli export specs/quickstart.yaml --to torch
      gradcli export specs/training.yaml --to numpy -o training.py
    """
    documents, errors = load(spec, options.limits_of(limit or []))
    if errors:
        return Status.USER_ERROR
    try:
        text = import_module(f"gradcli.export.{to}.document").script(documents)
    except UserError as error:
        show_errors([error], documents[0].source)
        return Status.USER_ERROR
    if output is None:
        sys.stdout.write(text)
    else:
        write_whole(Path(output), text, replace=True)
        tell(f"wrote {output}")
    return Status.OK
