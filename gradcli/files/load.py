"""Reads what `load:` names. Each format is the module of its name."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from gradcli.errors import UserError
from gradcli.files.access import Access, did_you_mean, unreadable
from gradcli.files.content import Choose, Unreadable

FORMATS = ("npy", "npz", "safetensors", "csv", "json")


def load(path: str, key: str | None, access: Access) -> Any:
    """The array in the file at `path`, under `key` where it has several; of text, nested lists of numbers.

    Raises UserError for whatever is wrong with the path, the file or the key.
    """
    extension = path.rpartition(".")[2].lower()
    assert extension in FORMATS, "a spec names no other file"
    module = import_module(f"gradcli.files.{extension}")
    with access.open(path) as file:
        try:
            return module.read(file, os.fstat(file.fileno()).st_size, chooser(path, key))
        except Unreadable as error:
            raise unreadable(path, error.why, error.hint) from None
        except OSError as error:
            raise unreadable(path, error.strerror or str(error)) from None


def chooser(path: str, key: str | None) -> Choose:
    """Picks `key` of the names that a file has, or without a key its only one; raises UserError if it cannot."""

    def choose(names: Sequence[str]) -> str:
        if key is not None and key in names:
            return key
        if key is None and len(names) == 1:
            return names[0]
        listed = ", ".join(f"`{name[:40]}`" for name in names[:10]) + (", ..." if len(names) > 10 else "")
        if key is None:
            message = f"`{path}` has {len(names)} arrays, and one is needed"
            hint = f"write `{path}:key`, with one of {listed}" if names else None
        else:
            message = f"`{path}` has no array `{key}`"
            hint = did_you_mean(key, names) or (f"it has {listed}" if names else "it has none at all")
        raise UserError("io", message, hint)

    return choose
