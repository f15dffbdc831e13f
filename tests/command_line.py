"""What tests of command lines have in common; the fixture `gradcli` of conftest runs them."""

from __future__ import annotations

import io
import re

# an exit status, standard output and standard error
Ended = tuple[int, str, str]


class Terminal(io.StringIO):
    """Standard output that claims to be a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def timeless(text: str) -> str:
    """`text` with 0 ms for whatever something took."""
    return re.sub(r"[\d.]+ m?s\b", "0 ms", text)
