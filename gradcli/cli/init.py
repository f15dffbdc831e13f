"""`gradcli init`: writes a spec to begin with."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from gradcli.cli.exits import Status, tell
from gradcli.cli.writing import write_whole


def topics() -> list[str]:
    """What --template names."""
    from gradcli.spec import starter

    return list(starter.topics())


def init(
    path: Annotated[str, typer.Argument(metavar="[PATH]", help="Where to write it; `-` prints it.")] = "spec.yaml",
    template: Annotated[
        str, typer.Option(metavar="TOPIC", autocompletion=topics, help="What the spec is about; see --list.")
    ] = "fit",
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="List the topics.")] = False,
) -> int:
    """Write a spec to begin with.

    It is small, commented and in order: `gradcli run` runs it as it is. Its first line lets editors complete
    and check it.

    \b
    Examples:
      gradcli init first.yaml
      gradcli init --list
      gradcli init - --template jacobian
    """
    from gradcli.spec import starter

    known = starter.topics()
    if list_:
        width = max(map(len, known))
        print("\n".join(f"{topic:<{width}}  {title}" for topic, title in known.items()))
        return Status.OK
    if template not in known:
        raise typer.BadParameter(f"`{template}` is none of {', '.join(known)}", param_hint="--template")
    text = starter.starter(template)
    if path == "-":
        sys.stdout.write(text)
        return Status.OK
    file = Path(path)
    if file.is_dir():
        tell(f"error: `{path}` is a folder\n  name a file in it: `{file / 'spec.yaml'}`")
        return Status.USER_ERROR
    try:
        write_whole(file, text, replace=force)
    except FileExistsError:
        tell(f"error: `{path}` exists already\n  `--force` replaces it")
        return Status.USER_ERROR
    words = shlex.quote(path)
    tell(f"wrote {path}: {known[template]}\n  run it:    gradcli run {words}\n  check it:  gradcli validate {words}")
    return Status.OK
