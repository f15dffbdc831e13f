"""The .npy format: a magic, a header that describes one array, and the array's bytes.

The header is a Python dictionary; it is matched and not evaluated, and believed only where it agrees with the number
of bytes there are. Objects, which only pickle could read, are refused.
"""

from __future__ import annotations

import re
from typing import IO, Any, BinaryIO

from gradcli.engine.device import np
from gradcli.engine.dtypes import TYPE_NAMES, dtype_named
from gradcli.files.content import Choose, Unreadable, check_size, filled, shown, unsupported

MAGIC = b"\x93NUMPY"
LONGEST_HEADER = 10_000  # NumPy's own limit; that of an array has 118 bytes

_INTEGER = r"[0-9]{1,19}L?"
_SHAPE = rf"\(\s*(?:{_INTEGER}\s*(?:,\s*{_INTEGER}\s*)*,?\s*)?\)"
_ENTRY = re.compile(rf"\s*'([a-z_]+)'\s*:\s*('[^']*'|True|False|{_SHAPE})\s*(?:,|(?=\}}))")
_END = re.compile(r"\s*\}\s*")


def read(file: BinaryIO, size: int, choose: Choose) -> Any:
    """The array in a file of `size` bytes."""
    return read_array(file, size)


def read_array(file: IO[bytes], size: int) -> Any:
    """The array in a file, or a member of an archive, of `size` bytes."""
    dtype, fortran_order, shape, header = _header(file)
    check_size(shape, dtype, size - header)
    if fortran_order:
        return filled(file, shape[::-1], dtype).T.copy(order="C")
    return filled(file, shape, dtype)


def _header(file: IO[bytes]) -> tuple[Any, bool, tuple[int, ...], int]:
    """dtype, whether in Fortran order, shape, and the number of bytes that say so."""
    opening = file.read(8)
    if opening[:6] != MAGIC or len(opening) < 8:
        raise Unreadable("it does not begin as a .npy file does")
    version = opening[6]
    if version not in (1, 2, 3):
        raise Unreadable(f"it has version {version} of the format, which does not exist")
    size = 2 if version == 1 else 4
    length = int.from_bytes(file.read(size), "little")
    if length > LONGEST_HEADER:
        raise Unreadable(f"its header has {length:,} bytes")
    written = file.read(length).decode("utf-8" if version == 3 else "latin-1", "replace")
    entries = _entries(written)
    descr, order, shape = (entries.get(key, "") for key in ("descr", "fortran_order", "shape"))
    if len(entries) != 3 or not descr.startswith("'") or order not in ("True", "False") or not shape.startswith("("):
        raise Unreadable("its header describes no array of numbers")
    lengths = tuple(int(digits) for digits in re.findall("[0-9]+", shape))
    return _dtype(descr.strip("'")), order == "True", lengths, 8 + size + length


def _entries(header: str) -> dict[str, str]:
    """The entries of a header, their values as they are written; none if it is not in order."""
    entries: dict[str, str] = {}
    place = 1
    while found := _ENTRY.match(header, place):
        entries[found[1]] = found[2]
        place = found.end()
    return entries if header.startswith("{") and _END.fullmatch(header, place) else {}


def _dtype(descr: str) -> Any:
    """The dtype that NumPy calls `descr`, where torch has it too."""
    try:
        dtype = np.dtype(descr) if re.fullmatch("[<>|=]?[biufc][0-9]{1,2}", descr) else None
    except TypeError:
        dtype = None
    if dtype is None:
        objects = ", Python objects that only pickle could read" if descr.lstrip("<>|=").startswith("O") else ""
        raise Unreadable(f"its elements are `{shown(descr)}`{objects}, and not numbers")
    if dtype.name not in TYPE_NAMES:
        raise unsupported(dtype.name)
    dtype_named(dtype.name)  # which has operations look for what torch computes little of
    return dtype
