"""What torch has for sizes that a compiler may not know yet; of numbers it gives what Python's own functions do."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from gradcli.errors import UserError
from gradcli.ops.define import composite
from gradcli.ops.method import number

LEAST, GREATEST = -(2**63), 2**63 - 1


number("sym_float", "Scalar a", float)
number("sym_int", "Scalar a", int)


@composite("sym_sqrt(Scalar a)")
def sym_sqrt(a: Any) -> float:
    if isinstance(a, complex) or a < 0:
        raise UserError("value", "math domain error")
    return math.sqrt(a)


@composite("sym_not(any a)")
def sym_not(a: Any) -> bool:
    return not a


@composite("sym_ite(any b, any t, any f)")
def sym_ite(b: Any, t: Any, f: Any) -> Any:
    """`t` if `b`, else `f`."""
    if not isinstance(b, bool):
        raise UserError("type", f"expected SymBool or bool, got {type(b)}")
    if type(t) is not type(f):
        raise UserError("type", f"type mismatch: {type(t)} vs {type(f)}")
    return t if b else f


def extreme(name: str, choose: Callable[[Any, Any], Any]) -> None:
    @composite(f"{name}(Scalar a, Scalar b)")
    def chosen(a: Any, b: Any) -> Any:
        """One of two numbers: a float where either is one."""
        for given in (a, b):
            if isinstance(given, complex):
                raise UserError("type", f"expected int or float, got {type(given)}")
        result = choose(a, b)
        return float(result) if isinstance(a, float) or isinstance(b, float) else result


extreme("sym_max", max)
extreme("sym_min", min)


@composite("sym_sum(Scalar[] args)")
def sym_sum(args: Sequence[Any] = ()) -> Any:
    return sum(args)


@composite("sym_fresh_size(Scalar expr)")
def sym_fresh_size(expr: Any) -> Any:
    """The number itself."""
    return expr


def check_range(size: int, least: int, greatest: int) -> None:
    if not least <= size <= greatest:
        raise UserError("value", f"Invalid value range for {size} between [{least}, {greatest}].")


@composite("sym_constrain_range(Scalar size, *, int? min=None, int? max=None)")
def sym_constrain_range(size: Any, min: int | None = None, max: int | None = None) -> None:
    """An error unless `size` lies between `min` and `max`."""
    check_range(int(size), LEAST if min is None else min, GREATEST if max is None else max)


@composite("sym_constrain_range_for_size(Scalar size, *, int? min=None, int? max=None)")
def sym_constrain_range_for_size(size: Any, min: int | None = None, max: int | None = None) -> None:
    """An error unless `size` lies between `min`, or 0, and `max`, which may not be a size that is treated apart."""
    if max is not None and max <= 2:
        raise UserError("value", f"Max value to constrain_range_for_size must be greater than 2. got: {max}")
    check_range(int(size), 0 if min is None else min, GREATEST if max is None else max)
