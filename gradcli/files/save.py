"""Writes what `--save` asks for."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

from gradcli.engine import memory
from gradcli.errors import UserError

FORMATS = ("npz", "safetensors", "json")
PLACEHOLDER = "{name}"


def check(path: str) -> None:
    """A UserError if nothing can be saved to `path`, as far as can be told before it is tried."""
    if _extension(path) not in FORMATS:
        endings = ", ".join(f".{extension}" for extension in FORMATS)
        raise UserError("io", f"`{path}` has none of the endings {endings}")
    check_place(path)


def check_place(path: str) -> None:
    """A UserError if no file can be written to `path`, as far as can be told before it is tried."""
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        raise UserError("io", f"there is no folder `{target.parent}`")
    if target.exists() and not target.is_file():
        raise UserError("io", f"`{path}` is no regular file")


def destination(template: str, path: str, name: str) -> str:
    """Where the spec called `name`, from the file at `path`, is saved: its own name for `{name}`."""
    file, further = "stdin" if path == "-" else Path(path).stem, name.removeprefix(path)
    safe = re.sub(r"[^A-Za-z0-9.,=_-]+", "_", file + further).strip("._-")
    return template.replace(PLACEHOLDER, safe or "spec")


def save(path: str, arrays: Mapping[str, Any]) -> None:
    """Writes `arrays` to the file at `path`: all of them, or, if that fails, the file stays what it was."""
    # a view may be far larger than the memory it looks at
    memory.check_bytes(sum(array.nbytes for array in arrays.values()), f"`{path}`")
    module = import_module(f"gradcli.files.{_extension(path)}")
    try:
        with replaced(path) as file:
            module.write(file, arrays)
    except OSError as error:
        raise UserError("io", f"cannot write `{path}`: {error.strerror or error}") from None


@contextmanager
def replaced(path: str) -> Iterator[BinaryIO]:
    """A new file, open for writing, that takes the place of the one at `path` once it is complete on the disk."""
    target = Path(os.path.realpath(path))
    partial = target.with_name(f".gradcli-{os.urandom(8).hex()}")
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
        with os.fdopen(os.open(partial, flags, 0o666), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileNotFoundError):
            partial.chmod(stat.S_IMODE(target.stat().st_mode))
        partial.replace(target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    """Has the new name of a file on the disk, too, where a folder can be opened."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _extension(path: str) -> str:
    return path.rpartition(".")[2].lower()
