"""What PyTorch's `print` shows, character for character: tensors, and what Python prints around them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from gradcli.errors import UserError
from gradcli.record import Record

if TYPE_CHECKING:
    from numpy.typing import NDArray

LINE_WIDTH = 80
LARGEST_PRINTED_WHOLE = 1000
EDGE_ITEMS = 3
PREFIX = "tensor("

Array: TypeAlias = "NDArray[Any]"
Describe = Callable[[object], "str | None"]


def format_tensor(
    array: Array,
    *,
    requires_grad: bool = False,
    grad_fn: str | None = None,
    default_dtype: str = "float32",
    device: str = "cpu",
) -> str:
    """The text of `print(tensor)` for a tensor that holds `array`, of any shape.

    The dtype is bool, an integer, bfloat16, float16 to float64, complex64 or complex128. `grad_fn` is the bare name of
    the node that made the tensor (`AddBackward0`), `default_dtype` the floating dtype that goes unsaid.
    """
    suffixes = []
    if device != "cpu":
        suffixes.append(f"device='{device}'")
    if array.size == 0:
        body = "[]"
        if array.ndim != 1:
            suffixes.append(f"size={array.shape}")
        implied = array.dtype.name == default_dtype
    else:
        body = _body(array)
        default_complex = "complex128" if default_dtype == "float64" else "complex64"
        implied = array.dtype.name in (default_dtype, default_complex, "int64", "bool")
    if not implied:
        suffixes.append(f"dtype={format_dtype(array.dtype)}")
    if grad_fn is not None:
        suffixes.append(f"grad_fn=<{grad_fn}>")
    elif requires_grad:
        suffixes.append("requires_grad=True")
    return _with_suffixes(PREFIX + body, suffixes)


def format_dtype(dtype: np.dtype[Any]) -> str:
    """`torch.float32` for the dtype float32."""
    return f"torch.{dtype.name}"


def format_size(shape: Sequence[int]) -> str:
    """`torch.Size([5, 3])` for the shape (5, 3)."""
    return f"torch.Size({list(shape)})"


def format_value(value: object, describe: Describe) -> str:
    """What `print(value)` shows under PyTorch.

    `describe` is asked first, about `value` and about everything inside its lists and tuples: it answers with
    the text of a tensor (or another object with a text of its own), and with None for the rest. A named tuple
    prints as a `torch.return_types`, a NumPy dtype as torch's; anything else as its own `str` or, inside a
    list or tuple, `repr` says. Raises UserError("limit") for lists nested too deeply to be printed.
    """
    try:
        return _value_text(value, describe, str)
    except RecursionError:
        raise UserError("limit", "the value is nested too deeply to be printed") from None


def _value_text(value: object, describe: Describe, plain: Callable[[object], str]) -> str:
    """The text of `value`, by `plain` (`str` or `repr`) where torch prints what Python prints."""

    def inside(item: object) -> str:
        return _value_text(item, describe, repr)

    described = describe(value)
    if described is not None:
        return described
    if isinstance(value, np.dtype):
        return format_dtype(value)
    if isinstance(value, tuple) and hasattr(value, "_fields") and "__str__" not in vars(type(value)):
        fields = (f"{name}={inside(item)}" for name, item in zip(value._fields, value, strict=True))
        return f"torch.return_types.{type(value).__name__}(\n" + ",\n".join(fields) + ")"
    # Subclasses are left to their own `repr`: a size is a tuple too.
    if type(value) is list:
        return "[" + ", ".join(map(inside, value)) + "]"
    if type(value) is tuple:
        items = ", ".join(map(inside, value))
        return f"({items},)" if len(value) == 1 else f"({items})"
    return plain(value)


class _Column(Record):
    """The texts of a tensor's elements in row-major order, and the room that each of them takes."""

    texts: list[str]
    width: int


def _body(array: Array) -> str:
    """The brackets and the numbers of a tensor that has at least one element."""
    summarise = array.size > LARGEST_PRINTED_WHOLE
    shown = _edges(array) if summarise else array
    column = _column(shown)
    if shown.ndim == 0:
        return column.texts[0]
    bracket = len(PREFIX) + shown.ndim - 1
    per_line = max(1, (LINE_WIDTH - bracket) // (column.width + len(", ")))

    def cut(dim: int) -> bool:
        return summarise and array.shape[dim] > 2 * EDGE_ITEMS

    blocks = []
    for items in _groups(column.texts, shown.shape[-1]):
        if cut(-1):
            items.insert(EDGE_ITEMS, " ...")
        lines = (", ".join(items[start : start + per_line]) for start in range(0, len(items), per_line))
        blocks.append("[" + (",\n" + " " * (bracket + 1)).join(lines) + "]")
    for dim in reversed(range(shown.ndim - 1)):
        separator = "," + "\n" * (shown.ndim - 1 - dim) + " " * (len(PREFIX) + dim + 1)
        grouped = []
        for items in _groups(blocks, shown.shape[dim]):
            if cut(dim):
                items.insert(EDGE_ITEMS, "...")
            grouped.append("[" + separator.join(items) + "]")
        blocks = grouped
    return blocks[0]


def _edges(array: Array) -> Array:
    """The elements that a summary shows: the first and the last three along every longer dimension."""
    ends = [*range(EDGE_ITEMS), *range(-EDGE_ITEMS, 0)]
    # One look-up for all dimensions, so that nothing of the tensor's own size is ever copied.
    return array[np.ix_(*(ends if size > 2 * EDGE_ITEMS else range(size) for size in array.shape))]


def _groups(items: list[str], size: int) -> Iterator[list[str]]:
    """Consecutive lists of `size` items each."""
    remaining = iter(items)
    while group := list(islice(remaining, size)):
        yield group


def _column(array: Array) -> _Column:
    """The texts of all elements, padded to a common width."""
    if array.dtype.kind in "fV":  # bfloat16 is of no kind that NumPy knows
        return _padded(_float_column(array))
    if array.dtype.kind == "c":
        return _complex_column(array)
    texts = [str(value) for value in array.ravel().tolist()]
    return _padded(_Column(texts, max(map(len, texts))))


def _padded(column: _Column) -> _Column:
    return _Column([text.rjust(column.width) for text in column.texts], column.width)


def _float_column(array: Array) -> _Column:
    """The unpadded texts of floats; zeros, infinities and NaNs have no say in notation and width."""
    values = array.astype(np.float64).ravel().tolist()
    telling = [value for value in values if value and math.isfinite(value)]
    notation = _notation(telling)
    width = max((len(notation % value) for value in telling), default=1)
    return _Column([notation % value if math.isfinite(value) else str(value) for value in values], width)


def _notation(telling: list[float]) -> str:
    """The format that suits the finite non-zero values of a tensor: whole, four decimals or scientific."""
    whole = all(map(float.is_integer, telling))
    if telling:
        sizes = [abs(value) for value in telling]
        least, most = min(sizes), max(sizes)
        if most / least > 1000 or most > 1e8 or (not whole and least < 1e-4):
            return "%.4e"
    return "%.0f." if whole else "%.4f"


def _complex_column(array: Array) -> _Column:
    """Real parts are padded; imaginary parts follow directly, but count with the width of the widest."""
    real = _padded(_float_column(array.real))
    imag = _float_column(array.imag)
    signed = (text if text.startswith("-") else f"+{text}" for text in imag.texts)
    texts = [f"{left}{right}j" for left, right in zip(real.texts, signed, strict=True)]
    return _Column(texts, real.width + imag.width + 1)


def _with_suffixes(text: str, suffixes: list[str]) -> str:
    """`text` closed by its suffixes, each on a new line if it would run over the end of the last."""
    # Torch counts two characters more than the last line has.
    used = len(text) - text.rfind("\n") + 1
    parts = [text]
    for suffix in suffixes:
        if used + len(suffix) + len(", ") > LINE_WIDTH:
            parts.append(",\n" + " " * len(PREFIX) + suffix)
            used = len(PREFIX) + len(suffix)
        else:
            parts.append(f", {suffix}")
            used += len(suffix) + len(", ")
    return "".join(parts) + ")"
