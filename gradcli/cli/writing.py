"""Writes files for the commands: whole, or not at all."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def write_whole(path: Path, text: str, *, replace: bool) -> None:
    """Writes `text` to `path` in one step, so that nobody ever finds a part of it there.

    Raises FileExistsError if there is a file and it must not be replaced, and OSError for what cannot be written.
    """
    target = Path(os.path.realpath(path))  # a link stays, and what it points to is replaced
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with draft.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
        if replace:
            draft.replace(target)
        else:
            _put(draft, target)
    except OSError as error:
        # the name that the user knows
        raise type(error)(error.errno, error.strerror, str(path)) from None
    finally:
        with suppress(OSError):
            draft.unlink()


def _put(draft: Path, target: Path) -> None:
    """Gives the draft its name unless another file has it, which may have come a moment ago."""
    try:
        target.hardlink_to(draft)
    except FileExistsError:
        raise
    except OSError:  # not every file system has links
        if target.exists():
            raise FileExistsError(None, "File exists") from None
        draft.replace(target)
