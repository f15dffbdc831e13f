"""Which files a suite consists of."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from gradcli.errors import UserError

ENDINGS = (".yaml", ".yml")


def find(paths: Sequence[str]) -> list[str]:
    """The files that `paths` stand for, each once: files, folders, globs, and "-" for standard input.

    A folder stands for its `*.yaml` and `*.yml` at any depth, in the order of their names; what is hidden is left
    out, and links to folders are not followed. Raises UserError for a path that stands for nothing.
    """
    found: dict[str, str] = {}
    for path in paths:
        for file in _files(path):
            found.setdefault(file if file == "-" else str(Path(file).absolute()), file)
    return list(found.values())


def _files(path: str) -> list[str]:
    if path == "-" or os.path.lexists(path):
        return _in_folder(path) if Path(path).is_dir() else [path]
    if not glob.has_magic(path):
        raise UserError("io", f"there is no file or folder `{path}`")
    matches = sorted(glob.glob(path, recursive=True))  # noqa: PTH207 - Path.glob: relative ones only, and hidden files
    if not matches:
        raise UserError("io", f"nothing matches `{path}`")
    return [file for match in matches for file in (list(_walk(match)) if Path(match).is_dir() else [match])]


def _in_folder(folder: str) -> list[str]:
    files = list(_walk(folder))
    if not files:
        raise UserError("io", f"there is no spec in the folder `{folder}`", "specs are named *.yaml or *.yml")
    return files


def _walk(folder: str) -> Iterator[str]:
    found = []
    for inner, folders, names in os.walk(folder, onerror=_refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(inner, name) for name in names if name.endswith(ENDINGS) and not name.startswith(".")]
    return map(str, sorted(found, key=lambda file: file.parts))


def _refuse(error: OSError) -> NoReturn:
    raise UserError("io", f"cannot read `{error.filename}`: {error.strerror}")
