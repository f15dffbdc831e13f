"""The values that `--update` writes into specs."""

from __future__ import annotations

from typing import Any

from gradcli.engine.device import np
from gradcli.record import Record
from gradcli.spec.pipeline import expected_name
from gradcli.spec.rewrite import Written
from gradcli.spec.scalars import resolve_literal
from gradcli.verify.expectations import compare

MOST = 10_000  # elements that are written into a spec


class Unrecordable(Exception):
    """Why a value is not recorded."""


class Value(Record):
    """A value as it is written, and as it is read then: None, a name, a number or nested lists of numbers."""

    written: Written
    read: Any
    rtol: float | None = None
    atol: float | None = None

    def is_right_for(self, actual: Any) -> bool:
        """Whether an expectation of this value holds of `actual`."""
        if self.read is None or isinstance(self.read, str):
            return isinstance(actual, type(self.read)) and actual == self.read
        try:
            numbers = _numbers(actual)
        except Unrecordable:
            return False
        return compare(numbers, np.asarray(self.read), self.rtol, self.atol).ok


def value_of(actual: Any, rtol: float | None, atol: float | None, *, single: bool) -> Value:
    """The shortest way to write `actual` so that it is expected within these tolerances.

    A float has the digits that tell it from the others of its dtype, or all that it has as a float64, where the
    tolerances leave no room. A tensor that is the same everywhere is one number if it may be `single`. Raises
    Unrecordable for what YAML cannot write.
    """
    if actual is None:
        return Value("null", None)
    if isinstance(actual, str):
        if expected_name(actual) is None:
            raise Unrecordable(f"`{actual}` is no name of a grad_fn, a dtype or a device")
        return Value(actual, expected_name(actual))
    array = _numbers(actual)
    if single and array.size and compare(array, array.flat[0], rtol, atol).ok:
        array = array.reshape(-1)[0]
    if array.size > MOST:
        raise Unrecordable(f"it has {array.size:,} elements, which `load:` can read from a file")
    for texts in (_texts(array), _texts(array.astype(np.complex128 if array.dtype.kind == "c" else np.float64))):
        value = Value(_nested(texts, array.shape), _nested(list(map(resolve_literal, texts)), array.shape), rtol, atol)
        if value.is_right_for(actual):
            return value
    raise Unrecordable(f"no list has the shape {list(array.shape)}")


def _numbers(value: Any) -> Any:
    """`value` as an array."""
    if isinstance(value, np.ndarray):  # a tensor's
        return value
    try:
        array = np.asarray(value)
    except ValueError:  # rows of different lengths
        array = None
    if array is None or isinstance(value, tuple) or array.dtype.kind not in "biufc":
        raise Unrecordable("only numbers, lists of numbers, names and null can be recorded")
    return array


def _texts(array: Any) -> list[str]:
    """The elements as YAML writes them; floats with as many digits as their dtype needs."""
    if array.dtype.kind in "biu":
        return [str(value).lower() for value in array.ravel().tolist()]
    digits: list[str] = array.ravel().astype(str).tolist()
    if array.dtype.kind != "c":
        return [_float(float(text)) for text in digits]
    if not np.isfinite(array).all():
        raise Unrecordable("YAML cannot write complex numbers that are not finite")
    return [text.strip("()") for text in digits]


def _float(value: float) -> str:
    if value - value == 0:
        return repr(value)
    return ".nan" if value != value else ".inf" if value > 0 else "-.inf"


def _nested(items: list[Any], shape: tuple[int, ...]) -> Any:
    """The items as lists of that shape; the only one itself if there are no dimensions."""
    array = np.empty(len(items), object)
    array[:] = items
    return array.reshape(shape).tolist()
