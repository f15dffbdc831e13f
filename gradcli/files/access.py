"""Which files may be read, and how they are opened."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from gradcli.errors import UserError

# opening a FIFO would wait for a writer; between looking and opening a link may take the file's place
_FLAGS = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOFOLLOW", "O_CLOEXEC", "O_BINARY"))


class Access:
    """Opens files by paths relative to the folder of `spec`, if they lie in it or in one of the folders `allowed`."""

    def __init__(self, spec: str, allowed: Sequence[str] = ()) -> None:
        self.folder = Path(spec).parent
        self.roots = [str(self.folder), *allowed]

    def open(self, path: str) -> BinaryIO:
        """The regular file at `path`, open for reading. A UserError if there is none, or it may not be read."""
        try:
            # with symbolic links followed: what counts is where the file lies
            real = Path(os.path.realpath(Path(self.folder, path)))
            if not any(real.is_relative_to(os.path.realpath(root)) for root in self.roots):
                raise UserError(
                    "io", f"`{path}` lies outside the folder of the spec", f"allow it with `--allow-path {real.parent}`"
                )
            descriptor = os.open(real, _FLAGS)
        except FileNotFoundError:
            raise UserError("io", f"there is no file `{path}`", similar(real)) from None
        except OSError as error:
            raise unreadable(path, error.strerror or str(error)) from None
        except ValueError:
            raise unreadable(path, "no file can have this name") from None
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            os.close(descriptor)
            raise unreadable(path, f"it is {'a folder' if stat.S_ISDIR(mode) else 'no regular file'}")
        return os.fdopen(descriptor, "rb")


def unreadable(path: str, why: str, hint: str | None = None) -> UserError:
    return UserError("io", f"cannot read `{path}`: {why}", hint)


def similar(missing: Path) -> str | None:
    """The hint that names a file beside `missing` with a name like its."""
    try:
        names = [file.name for file in missing.parent.iterdir()]
    except OSError:
        return f"there is no folder `{missing.parent}` either"
    return did_you_mean(missing.name, names)


def did_you_mean(word: str, known: Sequence[str]) -> str | None:
    """The hint for a misspelt name."""
    import difflib

    close = difflib.get_close_matches(word, known, 1)
    return f"did you mean `{close[0]}`?" if close else None
