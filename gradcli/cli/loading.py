"""Reads spec files for the commands, and shows what is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from gradcli.cli.exits import tell
from gradcli.errors import UserError, UserErrors

if TYPE_CHECKING:
    from gradcli.spec.document import Spec
    from gradcli.spec.source import Limits, Source


def limits_of(pairs: Sequence[str]) -> Limits:
    """The default limits, but for those that NAME=NUMBER changes."""
    from gradcli.spec.source import Limits

    changed = {}
    for pair in pairs:
        name, equals, number = pair.partition("=")
        name = name.replace("-", "_")
        if not (equals and name in Limits.fields):
            known = ", ".join(field.replace("_", "-") for field in Limits.fields)
            raise typer.BadParameter(f"`{pair}` is not NAME=NUMBER for one of {known}", param_hint="--limit")
        if not (number.isascii() and number.isdigit()):
            raise typer.BadParameter(f"`{number}` is no whole number", param_hint="--limit")
        changed[name] = int(number)
    return Limits(**changed)


def load(path: str, limits: Limits) -> tuple[list[Spec], list[UserError]]:
    """The specs in the file at `path`, or everything wrong with them, which the user has been told then."""
    specs, errors, source = read(path, limits)
    if errors:
        show_errors(errors, source)
    return specs, errors


def read(path: str, limits: Limits) -> tuple[list[Spec], list[UserError], Source]:
    """The specs in the file at `path`, or everything wrong with them, and the text."""
    from gradcli.spec.document import load_specs
    from gradcli.spec.source import Source, read_source

    source = Source(path, "")
    try:
        source = read_source(path, limits)
        return load_specs(source, limits), [], source
    except UserErrors as several:
        return [], several.errors, source
    except UserError as error:
        return [], [error], source


def show_errors(errors: list[UserError], source: Source) -> None:
    """Writes `errors` to standard error, each with its place in `source`."""
    from gradcli.spec.excerpt import render_error

    tell("\n".join(render_error(error, source) for error in errors))
