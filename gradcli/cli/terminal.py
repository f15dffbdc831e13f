"""What standard output is: whether it may be coloured, and how lines are written to it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
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


def writer(choice: Color) -> Callable[[Iterable[Line]], None]:
    """What writes lines to standard output: as a screen shows them, or as plain text where it is none."""
    coloured = is_coloured(choice)
    if not (coloured or sys.stdout.isatty()):
        from gradcli.report.plain import print_lines

        return print_lines
    from gradcli.report.console import Screen, standard_output

    return Screen(standard_output(color=coloured), verbose=False).write
