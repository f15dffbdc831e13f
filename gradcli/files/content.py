"""What the formats share: how content is read, and how it is refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import IO, Any

from gradcli.engine import memory
from gradcli.engine.device import np
from gradcli.engine.dtypes import TYPE_NAMES, dtype_kind

MOST_DIMS = 32  # as many as every NumPy can make
PIECE = 2**20  # bytes that are read at a time

Choose = Callable[[Sequence[str]], str]
"""Picks one of the names that a file has."""

Select = Callable[[Sequence[str]], Sequence[str]]
"""Picks some of them."""


class Unreadable(Exception):
    """What is wrong with the content of a file, and how to mend it."""

    def __init__(self, why: str, hint: str | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.hint = hint


def filled(file: IO[bytes], shape: tuple[int, ...], dtype: Any) -> Any:
    """An array in C order and native byte order whose bytes come next in `file`."""
    if len(shape) > MOST_DIMS:
        raise Unreadable(f"it has {len(shape)} dimensions")
    memory.check(shape, dtype)
    try:
        # any other byte than 0 and 1 in an array of truth values would have no meaning
        array = np.empty(shape, np.uint8 if dtype_kind(dtype) == "b" else dtype)
    except (ValueError, OverflowError):
        raise Unreadable(f"there can be no array of shape {list(shape)}") from None
    if array.size:
        _fill(file, memoryview(array.reshape(-1).view(np.uint8)))
    if dtype_kind(dtype) == "b":
        if (array > 1).any():
            raise Unreadable("it has truth values that are neither true nor false")
        return array.view(dtype)
    return array if dtype.isnative else array.astype(dtype.newbyteorder("="))


def _fill(file: IO[bytes], rest: memoryview) -> None:
    while rest:
        piece = file.read(min(len(rest), PIECE))
        if not piece:
            raise Unreadable("it ends too early")
        rest[: len(piece)] = piece
        rest = rest[len(piece) :]


def check_size(shape: Sequence[int], dtype: Any, size: int) -> None:
    """Whether a header is right about the number of bytes."""
    needed = dtype.itemsize
    for length in shape:
        needed *= length
    if needed != size:
        raise Unreadable(f"shape {list(shape)} of {dtype.name} needs {needed:,} bytes, and it has {size:,}")


def unsupported(dtype: str) -> Unreadable:
    """The error for elements that a file may have and torch's operations do not take."""
    wider = "complex128" if dtype.startswith("complex") else "float64"
    return Unreadable(f"its dtype is {dtype}", f"save it as {wider}; the dtypes are {', '.join(TYPE_NAMES)}")


def decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Unreadable(f"byte 0x{content[error.start]:02x} in line {line} is no UTF-8") from None


def whole(file: IO[bytes], size: int) -> bytes:
    """All `size` bytes of a file of text."""
    memory.check_bytes(size, "the file")
    return file.read(size)


def fitting(number: int, what: str) -> int:
    """`number`, if it is one of int64."""
    if -(2**63) <= number < 2**63:
        return number
    raise Unreadable(f"{what} does not fit into int64, {shown(str(number))}")


def shown(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:39]}…"
