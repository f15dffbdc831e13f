"""Reads spec files for the commands, and shows what is wrong with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradcli.cli.exits import tell
from gradcli.errors import UserError

if TYPE_CHECKING:
    from gradcli.spec.document import Spec
    from gradcli.spec.source import Limits, Source


def load(path: str, limits: Limits) -> tuple[list[Spec], list[UserError]]:
    """The specs in the file at `path`, or everything wrong with them, which the user has been told then."""
    from gradcli.spec.loading import read

    specs, errors, source = read(path, limits)
    if errors:
        show_errors(errors, source)
    return specs, errors


def show_errors(errors: list[UserError], source: Source) -> None:
    """Writes `errors` to standard error, each with its place in `source`."""
    from gradcli.spec.excerpt import render_error

    tell("\n".join(render_error(error, source) for error in errors))
