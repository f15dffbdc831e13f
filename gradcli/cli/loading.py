"""Reads spec files for the commands, and shows what is wrong with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradcli.cli.exits import tell
from gradcli.errors import UserError, UserErrors

if TYPE_CHECKING:
    from gradcli.spec.document import Spec
    from gradcli.spec.source import Source


def load(path: str) -> tuple[list[Spec], list[UserError]]:
    """The specs in the file at `path`, or everything wrong with them, which the user has been told then."""
    specs, errors, source = read(path)
    if errors:
        show_errors(errors, source)
    return specs, errors


def read(path: str) -> tuple[list[Spec], list[UserError], Source]:
    """The specs in the file at `path`, or everything wrong with them, and the text."""
    from gradcli.spec.document import load_specs
    from gradcli.spec.source import Source, read_source

    source = Source(path, "")
    try:
        source = read_source(path)
        return load_specs(source), [], source
    except UserErrors as several:
        return [], several.errors, source
    except UserError as error:
        return [], [error], source


def show_errors(errors: list[UserError], source: Source) -> None:
    """Writes `errors` to standard error, each with its place in `source`."""
    from gradcli.spec.excerpt import render_error

    tell("\n".join(render_error(error, source) for error in errors))
