"""Files of numbers, as scripts read them: by paths as they are seen from the current folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gradcli.errors import UserError
from gradcli.export.python import PLACE, call, literal, method, name
from gradcli.export.script import Script
from gradcli.files import csv
from gradcli.files.access import Access
from gradcli.files.content import Unreadable, decoded
from gradcli.files.load import load
from gradcli.spec import tree
from gradcli.spec.steps import Load, Spec


def loaded(file: Load, spec: Spec, script: Script, dtype: str | None) -> Any:
    """The tensor in a file, for torch; numbers in text become `dtype`, or if it is None what a literal has.

    Raises UserError for a file of text that cannot be read.
    """
    options: dict[str, Any] = {} if dtype is None else {"dtype": name(f"torch.{dtype}")}
    path = literal(path_of(file, spec))
    extension = extension_of(file)
    if extension == "safetensors":
        script.need("read_safetensors")
        value = call("read_safetensors", path, *([] if file.key is None else [file.key]))
    elif extension in ("csv", "json"):
        if dtype is None and extension == "csv" and not are_integers(file, spec):
            options = {"dtype": call("torch.get_default_dtype")}  # NumPy would make it float64
        return call("torch.tensor", numbers_in(file, spec, script), **options)
    else:
        value = call("torch.from_numpy", numbers_in(file, spec, script))
    return method(value, "to", *options.values()) if options else value


def numbers_in(file: Load, spec: Spec, script: Script) -> Any:
    """The array in a file as NumPy reads it, or nested lists."""
    path, extension = literal(path_of(file, spec)), extension_of(file)
    if extension == "json":
        if '"' in text_of(file, spec):
            raise UserError("spec", f"`{file.path}` has numbers as text, which cannot be exported", span=file.span)
        script.imports |= {"json", "Path"}
        return call("json.loads", method(call("Path", path), "read_text"))
    script.imports.add("np")
    if extension == "csv":
        separator, before = csv.layout(text_of(file, spec))
        options: dict[str, Any] = {"delimiter": separator} | ({"skiprows": before} if before else {})
        if are_integers(file, spec):
            options["dtype"] = name("np.int64")
        return call("np.loadtxt", path, **options, ndmin=2)
    read = call("np.load", path)
    if extension == "npy":
        return read
    if file.key is not None:
        return tree.Subscript(read, literal(file.key), **PLACE)
    return call("next", call("iter", method(read, "values")))


def path_of(file: Load, spec: Spec) -> str:
    return (Path(spec.source.file).parent / file.path).as_posix()


def extension_of(file: Load) -> str:
    return file.path.rpartition(".")[2].lower()


def text_of(file: Load, spec: Spec) -> str:
    try:
        with Access(spec.source.file).open(file.path) as opened:
            return decoded(opened.read())
    except Unreadable as error:
        raise UserError("io", f"cannot read `{file.path}`: {error.why}", error.hint, file.span) from None
    except UserError as error:
        raise error.at(file.span) from None


def are_integers(file: Load, spec: Spec) -> bool:
    """Whether a file of text has nothing but integers."""
    try:
        pending = [load(file.path, file.key, Access(spec.source.file))]
    except UserError as error:
        raise error.at(file.span) from None
    while pending:
        one = pending.pop()
        if isinstance(one, list):
            pending += one
        elif not isinstance(one, int):
            return False
    return True
