"""What standard output is: whether it may be coloured."""

from __future__ import annotations

import os
import sys
from typing import Literal

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
