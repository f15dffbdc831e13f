"""torch's dtypes and its type promotion, on NumPy dtypes.

A dtype is a NumPy dtype inside the engine and its torch name (`float32`, `bool`) outside.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from gradcli.engine.device import beside, check_has, np
from gradcli.errors import UserError

# torch's name for what `tensor.type()` and error messages call the dtype
TYPE_NAMES = {
    "float16": "Half",
    "bfloat16": "BFloat16",
    "float32": "Float",
    "float64": "Double",
    "complex64": "ComplexFloat",
    "complex128": "ComplexDouble",
    "uint8": "Byte",
    "int8": "Char",
    "int16": "Short",
    "int32": "Int",
    "int64": "Long",
    "uint16": "UInt16",
    "uint32": "UInt32",
    "uint64": "UInt64",
    "bool": "Bool",
}
# the names C++ error messages use (`expected m1 and m2 to have the same dtype, but got: float != double`)
C_NAMES = {
    "float16": "c10::Half",
    "bfloat16": "c10::BFloat16",
    "float32": "float",
    "float64": "double",
    "complex64": "c10::complex<float>",
    "complex128": "c10::complex<double>",
    "uint8": "unsigned char",
    "int8": "signed char",
    "int16": "short",
    "int32": "int",
    "int64": "long",
    "uint16": "short unsigned int",
    "uint32": "unsigned int",
    "uint64": "long unsigned int",
    "bool": "bool",
}
# how some messages have them instead
INTEGER_NAMES = {"int16": "short int", "int64": "long int"}
# what such messages call a number of a dtype, where it is not `int8_t` and the like
C_NUMBERS = {
    "float16": "at::Half", "bfloat16": "at::BFloat16", "float32": "float", "float64": "double", "int32": "int",
    "bool": "bool",
}  # fmt: skip
ALIASES = {
    "float": "float32",
    "double": "float64",
    "half": "float16",
    "cfloat": "complex64",
    "cdouble": "complex128",
    "short": "int16",
    "int": "int32",
    "long": "int64",
}
BAREBONES = frozenset({"uint16", "uint32", "uint64"})  # for which torch has few kernels
COMPLEX_OF = {"float16": "complex64", "bfloat16": "complex64", "float32": "complex64", "float64": "complex128"}
HALF_MAX = 65504  # the largest float16, which every floating dtype can hold
KIND_ORDER = {"b": 0, "u": 1, "i": 1, "f": 2, "c": 3}


class Defaults:
    """The default floating dtype, as `torch.set_default_dtype` sets it."""

    __slots__ = ("name",)

    def __init__(self) -> None:
        self.name = "float32"

    @property
    def floating(self) -> Any:
        return dtype_named(self.name)

    @property
    def complex(self) -> Any:
        return np.dtype(COMPLEX_OF[self.name])


default_dtype = Defaults()


class Barebones:
    """Whether a dtype of those few kernels has been asked for, which is when operations begin to look for them."""

    __slots__ = ("at_first", "in_use")

    def __init__(self) -> None:
        self.in_use = False
        self.at_first: Callable[[], None] = lambda: None

    def use(self) -> None:
        if not self.in_use:
            self.in_use = True
            self.at_first()


barebones = Barebones()


def dtype_named(name: str) -> Any:
    """The dtype torch calls `name` (`float32`, `double`); a UserError for any other word."""
    name = ALIASES.get(name, name)
    if name not in TYPE_NAMES:
        raise UserError("name", f"unknown dtype `{name}`", hint=f"one of {', '.join(TYPE_NAMES)}")
    if name in BAREBONES:
        barebones.use()
    return bfloat16() if name == "bfloat16" else np.dtype(name)


def bfloat16() -> Any:
    """The dtype that NumPy itself does not have; a UserError without the package that brings it."""
    try:
        import ml_dtypes
    except ImportError as error:
        raise UserError(
            "type",
            "bfloat16 needs the package ml_dtypes, which is not installed",
            hint="`pip install 'gradcli[bfloat16]'`",
        ) from error
    return np.dtype(ml_dtypes.bfloat16)


def dtype_kind(dtype: Any) -> str:
    """`b`, `u`, `i`, `f` or `c`: NumPy's kind, to which bfloat16 would be `V`, for all it does not know."""
    kind: str = dtype.kind
    return "f" if kind == "V" else kind


def is_reduced(dtype: Any) -> bool:
    """Whether it is float16 or bfloat16: torch computes in float32 what it stores in these."""
    return dtype.itemsize == 2 and dtype_kind(dtype) == "f"


def converted(array: Any, dtype: Any) -> Any:
    """`array` in `dtype`, as C++ converts numbers: to float16 and bfloat16 by way of float32."""
    if is_reduced(dtype) and array.dtype != np.float32:
        array = array.astype(np.float32)
    if not isinstance(array, np.ndarray | np.generic):
        check_has(dtype)
    if 0 not in array.strides:
        return array.astype(dtype)
    result = empty_like(array, dtype)
    result[...] = array
    return result


def empty_like(array: Any, dtype: Any) -> Any:
    """Memory for a result of `array`, in the order that torch gives it: an expanded dimension keeps its place."""
    if 0 in array.strides:
        np.empty_like(array, dtype=dtype)  # first, so that it is the result that is told to be too large
        array = np.equal(array, array)  # laid out as any elementwise function's result
    return np.empty_like(array, dtype=dtype)


def summed(array: Any, axis: Any, keepdims: bool = False) -> Any:
    """The sum, of float16 and bfloat16 taken in float32 and rounded once."""
    if not is_reduced(array.dtype):
        return np.add.reduce(array, axis=axis, keepdims=keepdims)
    return np.add.reduce(array.astype(np.float32), axis=axis, keepdims=keepdims).astype(array.dtype)


def finfo(dtype: Any) -> Any:
    """The limits of a floating dtype, as torch.finfo has them."""
    if dtype.kind == "V":
        import ml_dtypes

        limits: Any = ml_dtypes.finfo
        return limits(dtype)
    return np.finfo(dtype)


def is_differentiable(dtype: Any) -> bool:
    return dtype_kind(dtype) in "fc"


def can_cast(source: Any, target: Any) -> bool:
    """torch.can_cast: whether an in-place operation may store `source` in a tensor of dtype `target`."""
    if dtype_kind(source) == "c" and dtype_kind(target) != "c":
        return False
    if dtype_kind(source) == "f" and dtype_kind(target) in "biu":
        return False
    return not (dtype_kind(source) != "b" and dtype_kind(target) == "b")


def scalar_dtype(value: bool | int | float | complex) -> Any:
    """What torch.tensor makes of a Python number: int64, bool, the default float or its complex."""
    if isinstance(value, bool):
        return np.dtype(np.bool_)
    if isinstance(value, int):
        return np.dtype(np.int64)
    return default_dtype.complex if isinstance(value, complex) else default_dtype.floating


def promote_types(self: Any, other: Any) -> Any:
    """torch.promote_types: as NumPy's, but an integer with a float takes the float's own dtype."""
    if self == other:
        return self
    if (self.name in BAREBONES and dtype_kind(other) != "f") or (other.name in BAREBONES and dtype_kind(self) != "f"):
        raise UserError(
            "type",
            "Promotion for uint16, uint32, uint64 types is not supported, attempted to promote "
            f"{TYPE_NAMES[self.name]} and {TYPE_NAMES[other.name]}",
        )
    if KIND_ORDER[dtype_kind(self)] < KIND_ORDER[dtype_kind(other)]:
        self, other = other, self
    if dtype_kind(other) in "biu" and dtype_kind(self) in "fc":
        return self
    if dtype_kind(self) == "c" and dtype_kind(other) == "f":
        return np.promote_types(self, COMPLEX_OF[other.name])
    if dtype_kind(self) == "f":  # NumPy does not know how float16 and bfloat16 promote
        larger, smaller = (self, other) if self.itemsize >= other.itemsize else (other, self)
        return np.dtype(np.float32) if larger.itemsize == smaller.itemsize else larger
    return np.promote_types(self, other)


def result_type(operands: Sequence[Any]) -> Any:
    """torch.result_type of arrays and Python numbers.

    Operands of a higher kind (bool < integer < float < complex) decide; within a kind, arrays with
    dimensions win over 0-dim arrays, and those over Python numbers.
    """
    best: list[Any] = [None, None, None]  # with dimensions, 0-dim, Python numbers
    for operand in operands:
        if isinstance(operand, bool | int | float | complex):
            place, dtype = 2, scalar_dtype(operand)
        else:
            place, dtype = (0 if operand.ndim else 1), operand.dtype
        best[place] = dtype if best[place] is None else promote_types(best[place], dtype)
    return _combine(_combine(best[0], best[1]), best[2])


def _combine(higher: Any, lower: Any) -> Any:
    """The dtype of operands of two ranks: the higher rank decides, unless the lower is of a higher kind."""
    if higher is None or lower is None:
        return higher if lower is None else lower
    if dtype_kind(higher) == "c":
        return higher
    if higher.name in BAREBONES and dtype_kind(lower) == "c":
        return lower
    if dtype_kind(higher) == "f":
        return np.dtype(COMPLEX_OF[higher.name]) if dtype_kind(lower) == "c" else higher
    return promote_types(higher, lower) if dtype_kind(higher) == "b" or dtype_kind(lower) in "fc" else higher


def promoted(operands: Sequence[Any], to_float: bool = False, like: Any = None) -> tuple[Any, ...]:
    """`operands` (arrays, Python numbers, or None for none) in their common dtype, integers as floats if asked.

    Numbers become arrays beside the arrays, or beside `like` if there are none.
    """
    dtype = result_type([operand for operand in operands if operand is not None])
    if to_float and dtype_kind(dtype) not in "fc":
        dtype = default_dtype.floating
    like = next((operand for operand in operands if hasattr(operand, "dtype")), like)
    return tuple(None if operand is None else as_dtype(operand, dtype, like) for operand in operands)


def as_dtype(operand: Any, dtype: Any, like: Any = None) -> Any:
    """`operand` in `dtype`; a number as a 0-dim array, on the device of `like`."""
    if isinstance(operand, bool | int | float | complex):
        if is_reduced(dtype) and not isinstance(operand, complex):
            array = np.asarray(operand, np.float32).astype(dtype)
        else:
            array = np.asarray(number_in(operand, dtype), dtype)
        return array if like is None else beside(like, array)
    return operand if operand.dtype == dtype else converted(operand, dtype)


def number_in(value: bool | int | float | complex, dtype: Any) -> bool | int | float | complex:
    """`value` where an array of `dtype` takes it: an integer wraps around as torch's does."""
    if dtype_kind(dtype) in "iu" and isinstance(value, int) and not isinstance(value, bool):
        bits = dtype.itemsize * 8
        value &= (1 << bits) - 1
        if dtype_kind(dtype) == "i" and value >> (bits - 1):
            value -= 1 << bits
    if is_reduced(dtype) and isinstance(value, float) and is_beyond(value, dtype):
        raise beyond(dtype)
    not_finite = isinstance(value, float) and not math.isfinite(value) and dtype_kind(dtype) in "iu"
    if isinstance(value, complex) and dtype_kind(dtype) == "b":
        return bool(value)
    if not_finite or (isinstance(value, complex) and dtype_kind(dtype) != "c"):
        raise beyond(dtype)
    return value


def fitted(value: bool | int | float | complex, dtype: Any) -> bool | int | float | complex:
    """`value` as torch's kernels take a number in `dtype`, an integer towards zero; a UserError if it is beyond."""
    kind = dtype_kind(dtype)
    if kind == "b":
        return bool(value)
    parts = (value.real, value.imag) if isinstance(value, complex) else (value,)
    if any(is_beyond(part, dtype) for part in parts) or (kind != "c" and value.imag):
        raise beyond(dtype)
    if kind == "c":
        return value
    return number_in(int(value.real), dtype) if kind in "iu" else value.real


def is_beyond(number: float, dtype: Any) -> bool:
    """Whether no number of `dtype` comes near; infinities are numbers of floating dtypes."""
    kind = dtype_kind(dtype)
    if kind in "iu":
        limits = np.iinfo(dtype)
        wraps = kind == "u" and isinstance(number, int)  # as torch lets negative ones do
        return not (-limits.max if wraps else limits.min) <= number <= limits.max
    return abs(number) > HALF_MAX and float(finfo(dtype).max) < abs(number) < math.inf


def beyond(dtype: Any) -> UserError:
    kind = C_NAMES[dtype.name] if dtype_kind(dtype) == "c" or is_reduced(dtype) else C_NUMBERS.get(dtype.name)
    return UserError("value", f"value cannot be converted to type {kind or f'{dtype.name}_t'} without overflow")
