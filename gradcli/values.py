"""Values of a pipeline without the engine: as plain data for reports, and compared with what is expected."""

from __future__ import annotations

from typing import Any

from gradcli.engine.device import np, to_host
from gradcli.engine.dtypes import as_dtype, dtype_kind, scalar_dtype
from gradcli.engine.node import Node
from gradcli.engine.tensor import Tensor
from gradcli.ops import frontend
from gradcli.ops.method import Size
from gradcli.verify.expectations import Verdict, compare


def plain_value(value: Any) -> Any:
    """`value` without the engine's objects: tensors as arrays, nodes and dtypes by their names, sizes as lists."""
    if isinstance(value, Tensor):
        return to_host(value.array).copy()  # the run goes on, and may change it
    if isinstance(value, Node):
        return value.name
    if isinstance(value, np.dtype):
        return value.name
    if isinstance(value, Size | list):
        return [plain_value(item) for item in value]
    return tuple(plain_value(item) for item in value) if isinstance(value, tuple) else value


def same(actual: Any, expected: Any, rtol: float | None, atol: float | None) -> Verdict:
    """Whether `actual` is as expected: numbers within the tolerances, everything else exactly."""
    if isinstance(expected, str):
        name = plain_value(actual)
        ok = isinstance(name, str) and name == expected
        return Verdict(ok, why=None if ok else f"it is {name if isinstance(name, str) else frontend.kind_of(actual)}")
    if expected is None or actual is None:
        ok = expected is None and actual is None
        return Verdict(ok, why=None if ok else "it is None" if actual is None else "it is not None")
    given, wanted = as_numbers(actual), as_numbers(expected)
    if given is None or wanted is None:
        ok = plain_value(actual) == plain_value(expected)
        return Verdict(ok, why=None if ok else "it is something else")
    return compare(given, wanted, rtol, atol)


def as_numbers(value: Any) -> Any:
    """A tensor, a number or a list of numbers as an array; None for anything else."""
    if isinstance(value, Tensor):
        return to_host(value.array)
    if isinstance(value, bool | int | float | complex):
        return as_dtype(value, scalar_dtype(value) if isinstance(value, bool | int) else np.asarray(value).dtype)
    if isinstance(value, list | tuple):
        if any(isinstance(item, Tensor) for item in value):
            return None
        try:
            array = np.asarray(value)
        except ValueError:
            return None
        return array if dtype_kind(array.dtype) in "biufc" else None
    return None
