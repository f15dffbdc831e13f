"""What standard output is: whether it may be coloured, and how lines are written to it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from gradcli.report.console import Screen
    from gradcli.report.story import Line

Color = Literal["auto", "always", "never"]


def is_coloured(choice: Color) -> bool:
    """Whether to use colours: `choice` decides, then NO_COLOR, then FORCE_COLOR, then the terminal."""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0").lower() not in ("", "0", "false"):
        return True
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def is_screen(choice: Color) -> bool:
    """Whether standard output gets what a screen shows: it is a terminal, or coloured all the same."""
    return is_coloured(choice) or sys.stdout.isatty()


def screen(choice: Color, *, verbose: bool = False) -> Screen:
    from gradcli.report.console import Screen, standard_output

    return Screen(standard_output(color=is_coloured(choice)), verbose=verbose)


def writer(choice: Color) -> Callable[[Iterable[Line]], None]:
    """What writes lines to standard output: as a screen shows them, or as plain text where it is none."""
    if is_screen(choice):
        return screen(choice).write
    from gradcli.report.plain import print_lines

    return print_lines
