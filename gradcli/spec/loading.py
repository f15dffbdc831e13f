"""Reads spec files without raising what is wrong with them."""

from __future__ import annotations

from gradcli.errors import UserError, UserErrors
from gradcli.spec.document import load_specs
from gradcli.spec.source import Limits, Source, read_source
from gradcli.spec.steps import Spec


def read(path: str, limits: Limits) -> tuple[list[Spec], list[UserError], Source]:
    """The specs in the file at `path`, or everything wrong with them, and the text."""
    try:
        source = read_source(path, limits)
    except UserError as error:
        return [], [error], Source(path, "")
    return *understand(source, limits), source


def understand(source: Source, limits: Limits) -> tuple[list[Spec], list[UserError]]:
    """The specs in a text, or everything wrong with them."""
    try:
        return load_specs(source, limits), []
    except UserErrors as several:
        return [], several.errors
    except UserError as error:
        return [], [error]
