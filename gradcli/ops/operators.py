"""Python's operators: on numbers its own, on tensors rows of the table."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from gradcli.engine.device import np
from gradcli.engine.dtypes import as_dtype, dtype_kind, result_type
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.ops import arithmetic, copies, elementary, linalg, reduce
from gradcli.ops.define import TABLE
from gradcli.ops.frontend import call, find_method, is_int, kind_of

NUMBERS: dict[str, Callable[..., Any]] = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": operator.truediv,
    "floor_divide": operator.floordiv, "remainder": operator.mod, "pow": operator.pow, "lt": operator.lt,
    "le": operator.le, "gt": operator.gt, "ge": operator.ge, "eq": operator.eq, "ne": operator.ne,
    "bitwise_and": operator.and_, "bitwise_or": operator.or_, "bitwise_xor": operator.xor,
    "lshift": operator.lshift, "rshift": operator.rshift, "neg": operator.neg, "pos": operator.pos,
    "invert": operator.invert,
}  # fmt: skip
ROW_NAMES = {
    "lshift": "bitwise_left_shift", "rshift": "bitwise_right_shift", "pos": "positive", "invert": "bitwise_not",
}  # fmt: skip
MIRRORED = {"lt": "gt", "gt": "lt", "le": "ge", "ge": "le"}
NUMBER_TYPES = (int, float, complex)


def binary(name: str, self: Any, other: Any) -> Any:
    """`self <operator> other` of tensors and numbers, as torch.Tensor's operators resolve it."""
    if isinstance(self, Tensor):
        if isinstance(other, Tensor | int | float | complex):
            return on_tensor(name, self, other)
    elif isinstance(other, Tensor) and isinstance(self, NUMBER_TYPES):
        return on_number(name, self, other)
    elif name in ("eq", "ne"):
        return NUMBERS[name](self, other)
    elif isinstance(self, NUMBER_TYPES) and isinstance(other, NUMBER_TYPES):
        return on_numbers(name, self, other)
    elif name == "add" and isinstance(self, list | tuple) and type(self) is type(other):
        return type(self)([*self, *other])
    raise UserError(
        "type", f"unsupported operand type(s) for {SYMBOLS.get(name, name)}: '{kind_of(self)}' and '{kind_of(other)}'"
    )


SYMBOLS = {
    "add": "+", "sub": "-", "mul": "*", "div": "/", "floor_divide": "//", "remainder": "%", "pow": "**", "matmul": "@",
    "bitwise_and": "&", "bitwise_or": "|", "bitwise_xor": "^", "lshift": "<<", "rshift": ">>",
    "lt": "<", "le": "<=", "gt": ">", "ge": ">=",
}  # fmt: skip


def on_tensor(name: str, self: Tensor, other: Any) -> Any:
    if name == "pow":
        return (elementary.pow_tensor if isinstance(other, Tensor) else elementary.pow_scalar).call(self, other)
    if name == "remainder":
        return (arithmetic.remainder if isinstance(other, Tensor) else arithmetic.remainder_scalar).call(self, other)
    if name == "matmul":
        return call((linalg.matmul,), (self, other), {})
    return TABLE[ROW_NAMES.get(name, name)][0].call(self, other)


def on_number(name: str, self: Any, other: Tensor) -> Any:
    """A number on the left: torch's reflected operators."""
    if name in MIRRORED:
        return on_tensor(MIRRORED[name], other, self)
    if name == "sub":
        return arithmetic.rsub.call(other, self)
    if name == "div":
        return arithmetic.mul.call(arithmetic.reciprocal.call(other), self)
    if name == "pow":
        return elementary.pow_of_number.call(self, other)
    if name == "remainder":
        return arithmetic.remainder_of_number.call(self, other)
    if name in ("floor_divide", "lshift", "rshift"):
        return on_tensor(name, Tensor(as_dtype(self, result_type((self, other.array)), other.array)), other)
    if name == "matmul":
        return call((linalg.matmul,), (self, other), {})
    return on_tensor(name, other, self)


def on_numbers(name: str, self: Any, other: Any) -> Any:
    """Arithmetic of numbers in int64 and float64, never in integers without bounds."""
    try:
        if name == "pow" and isinstance(self, int) and isinstance(other, int) and other >= 0:
            if abs(self) > 1 and other * abs(self).bit_length() > 128:
                raise OverflowError
        elif name == "lshift" and other > 64:
            raise OverflowError
        result = NUMBERS[name](self, other)
        if is_int(result) and not -(2**63) <= result < 2**63:
            raise OverflowError
    except OverflowError as error:
        raise UserError(
            "value", f"{self} {SYMBOLS[name]} {other} is too large for int64", hint="write a float, e.g. 2.0"
        ) from error
    except (ZeroDivisionError, TypeError, ValueError, KeyError) as error:
        raise UserError("value", f"{self} {SYMBOLS.get(name, name)} {other}: {error}") from error
    return result


def unary(name: str, self: Any) -> Any:
    if isinstance(self, Tensor):
        return TABLE[ROW_NAMES.get(name, name)][0].call(self)
    if isinstance(self, NUMBER_TYPES) and not (name == "invert" and not isinstance(self, int)):
        return NUMBERS[name](self)
    raise UserError("type", f"bad operand type for unary {name}: '{kind_of(self)}'")


def inplace(name: str, self: Any, other: Any) -> Any:
    """`self <operator>= other`: in place on a tensor, a new value otherwise."""
    if not isinstance(self, Tensor):
        return binary(name, self, other)
    if name == "matmul":
        raise UserError("type", "unsupported operand type(s) for @=: 'Tensor' and 'Tensor'")
    rows = find_method(f"{ROW_NAMES.get(name, name)}_")
    assert rows is not None
    return call(rows, (self, other), {}, True)


# Formulas recorded for `create_graph` use the operators of Tensor, as torch's C++ code does; the walk uses four more.
IN_FORMULAS = {
    "add": arithmetic.add_number, "sub": arithmetic.sub_number, "mul": arithmetic.mul_number,
    "div": arithmetic.div_number,
}  # fmt: skip


def in_formula(name: str) -> Callable[[Tensor, Any], Any]:
    with_number = IN_FORMULAS.get(name)

    def run(self: Tensor, other: Any) -> Any:
        if with_number is not None and not isinstance(other, Tensor) and dtype_kind(self.dtype) in "fc":
            return with_number.call(self, other)
        return on_tensor(name, self, other)

    return run


def reflected_in_formula(name: str) -> Callable[[Tensor, Any], Any]:
    run = in_formula(name)
    return lambda self, other: (
        run(self, other) if name in ("add", "mul") else on_tensor(name, as_tensor(other, self), self)
    )


def as_tensor(number: Any, like: Tensor) -> Tensor:
    """A number on the left of torch's C++ operators: a 0-dim tensor, and so an operand of its own."""
    return Tensor(as_dtype(number, like.dtype, like.array))


def _install() -> None:
    python = {"div": "truediv", "bitwise_and": "and", "bitwise_or": "or"}
    for name in ("add", "sub", "mul", "div", "pow", "lt", "le", "gt", "ge", "eq", "ne", "bitwise_and", "bitwise_or"):
        setattr(Tensor, f"__{python.get(name, name)}__", in_formula(name))
    for name in ("add", "sub", "mul", "div"):
        setattr(Tensor, f"__r{python.get(name, name)}__", reflected_in_formula(name))
    more: dict[str, Any] = {
        "__neg__": lambda self: arithmetic.neg.call(self),
        "__hash__": object.__hash__,
        "sum_to_size": lambda self, size: reduce.sum_to_size(self, size),
        "astype": lambda self, dtype: copies.to_dtype(self, dtype),
        "real": property(lambda self: copies.real.call(self)),
        "moved_to_host": lambda self: copies.move.call(self, "cpu"),
        "cloned": lambda self: copies.clone.call(self),
        "copied": lambda self: copies.copy.call(Tensor(np.empty_like(self.array)), self),
    }
    for name, value in more.items():
        setattr(Tensor, name, value)


_install()
