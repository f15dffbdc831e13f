"""The tensors of results that are in files: what `run --json` printed, and what `--save` or another program saved."""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from gradcli.engine.device import np
from gradcli.engine.dtypes import TYPE_NAMES, dtype_kind, dtype_named
from gradcli.errors import UserError
from gradcli.files.access import similar, unreadable
from gradcli.files.content import Unreadable, decoded, shown
from gradcli.files.json import WORDS, numbers
from gradcli.record import Record

ARCHIVES = ("npz", "safetensors")


class Result(Record):
    """Arrays by name, gradients as `w.grad`. Their dtypes mean nothing where the file `has_dtypes` not."""

    name: str
    arrays: dict[str, Any]
    has_dtypes: bool = True


def read_results(path: str) -> list[Result]:
    """The results in the file at `path`, or on standard input for "-"; UserError for whatever is wrong with it.

    A .npz or .safetensors file is one result, a mapping of names to numbers in JSON is another, without dtypes, and
    each line that `gradcli run --json` prints is one with the name of its spec.
    """
    extension = path.rpartition(".")[2].lower()
    try:
        if path == "-":
            return _in_json(path, sys.stdin.buffer.read())
        with Path(path).open("rb") as file:
            if extension not in ARCHIVES:
                return _in_json(path, file.read())
            module = import_module(f"gradcli.files.{extension}")
            return [Result(path, module.read_several(file, os.fstat(file.fileno()).st_size, list))]
    except FileNotFoundError:
        raise UserError("io", f"there is no file `{path}`", similar(Path(path))) from None
    except Unreadable as error:
        raise unreadable(path, error.why, error.hint) from None
    except OSError as error:
        raise unreadable(path, error.strerror or str(error)) from None


def _in_json(path: str, content: bytes) -> list[Result]:
    text = decoded(content)
    try:
        first = _parsed(text.lstrip().partition("\n")[0])
    except ValueError:  # it goes on in the next line
        first = None
    if isinstance(first, dict) and first.keys() >= {"format", "tensors"}:
        lines = [(place, line) for place, line in enumerate(text.splitlines(), start=1) if line.strip()]
        return [_of_run(path, place, line) for place, line in lines]
    try:
        value = _parsed(text)
    except ValueError as error:
        raise Unreadable(f"it is no JSON ({error})") from None
    if not isinstance(value, dict):
        raise Unreadable("it is no mapping of names to tensors", "`gradcli run --save` writes one, and --json results")
    return [Result(path, {name: _untyped(name, tensor) for name, tensor in value.items()}, has_dtypes=False)]


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        raise Unreadable("it is nested too deep") from None


def _untyped(name: str, tensor: Any) -> Any:
    try:
        return np.asarray(numbers(tensor))
    except ValueError:
        raise Unreadable(f"the rows of `{shown(name)}` have different lengths") from None
    except Unreadable as error:
        raise Unreadable(f"{error.why}, in `{shown(name)}`") from None


def _of_run(path: str, place: int, line: str) -> Result:
    """The result in one line of `run --json`."""
    try:
        run = _parsed(line)
        name, tensors, error = run["spec"], run["tensors"], run["error"]
        if error is not None:
            raise UserError("io", f"`{path}`: the run of `{name}` ended with an error: {error['message']}")
        arrays: dict[str, Any] = {}
        for key, binding in tensors.items():
            _add(arrays, key, binding)
    except (KeyError, TypeError, AttributeError, ValueError):
        raise Unreadable(f"line {place} is no result of `gradcli run --json`") from None
    return Result(str(name), arrays)


def _add(arrays: dict[str, Any], name: str, binding: Any) -> None:
    """Adds what a name stands for to `arrays`, under the names that `--save` gives; what has no numbers is left out."""
    if isinstance(binding, dict) and "tuple" in binding:
        for place, part in enumerate(binding["tuple"]):
            _add(arrays, f"{name}[{place}]", part)
    elif isinstance(binding, dict):
        if binding.get("omitted"):
            raise Unreadable(f"it was written without the values of `{shown(name)}`", "`run --json --full` writes them")
        dtype, shape = binding["dtype"], binding["shape"]
        arrays[name] = _typed(binding["value"], dtype, shape)
        if binding["grad"] is not None:
            arrays[f"{name}.grad"] = _typed(binding["grad"], dtype, shape)
    elif isinstance(binding, str) and binding in WORDS:
        arrays[name] = np.asarray(WORDS[binding])
    elif isinstance(binding, bool | int | float):
        arrays[name] = np.asarray(binding)


def _typed(value: Any, name: str, shape: list[int]) -> Any:
    """The array of the dtype called `name` that `.tolist()` made `value` of."""
    if name not in TYPE_NAMES:
        raise Unreadable(f"its dtype is {shown(name)}")
    dtype = dtype_named(name)
    if dtype_kind(dtype) in "biu":
        return np.asarray(value, dtype).reshape(shape)
    parts = np.asarray(value, np.float64)  # which takes the words, too
    if dtype_kind(dtype) == "c":
        parts = parts.reshape([*shape, 2]).view(np.complex128)
    return parts.reshape(shape).astype(dtype)
