"""The safetensors format: the length of a header in 8 bytes, the header in JSON, and the bytes of all tensors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, BinaryIO

from gradcli.engine.device import np
from gradcli.engine.dtypes import dtype_named
from gradcli.errors import UserError
from gradcli.files.content import Choose, Select, Unreadable, check_size, filled, shown, unsupported

DTYPES = {
    "BOOL": "bool",
    "U8": "uint8",
    "I8": "int8",
    "I16": "int16",
    "I32": "int32",
    "I64": "int64",
    "U16": "uint16",
    "U32": "uint32",
    "U64": "uint64",
    "F16": "float16",
    "BF16": "bfloat16",
    "F32": "float32",
    "F64": "float64",
    "C64": "complex64",
}
LONGEST_HEADER = 16 * 2**20


def read(file: BinaryIO, size: int, choose: Choose) -> Any:
    """The tensor that `choose` picks, of a file of `size` bytes."""
    [array] = read_several(file, size, lambda names: [choose(names)]).values()
    return array


def read_several(file: BinaryIO, size: int, select: Select) -> dict[str, Any]:
    """The tensors that `select` picks, of a file of `size` bytes."""
    length = int.from_bytes(file.read(8), "little")
    if not 2 <= length <= min(size - 8, LONGEST_HEADER):
        raise Unreadable("it does not begin as a .safetensors file does")
    entries = _entries(file.read(length))
    entries.pop("__metadata__", None)
    tensors = {name: _tensor(name, entry) for name, entry in entries.items()}
    begin = 8 + length
    _check_places([place for _, _, place in tensors.values()], size - begin)
    return {name: _read_tensor(file, begin, *tensors[name]) for name in select(list(tensors))}


def _read_tensor(file: BinaryIO, begin: int, name: str, shape: tuple[int, ...], place: tuple[int, int]) -> Any:
    """The tensor of the dtype called `name` whose bytes stand at `place` after `begin`."""
    if name not in DTYPES:
        raise unsupported(f"`{shown(name)}`")
    dtype = dtype_named(DTYPES[name]).newbyteorder("<")
    check_size(shape, dtype, place[1] - place[0])
    file.seek(begin + place[0])
    return filled(file, shape, dtype)


def _entries(header: bytes) -> dict[str, Any]:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        entries = dict(pairs)
        if len(entries) < len(pairs):
            raise Unreadable("a name comes twice in its header")
        return entries

    try:
        entries = json.loads(header.decode("utf-8"), object_pairs_hook=unique)
    except (ValueError, RecursionError):
        raise Unreadable("its header is no JSON") from None
    if not isinstance(entries, dict):
        raise Unreadable("its header is no mapping")
    return entries


def _tensor(name: str, entry: Any) -> tuple[str, tuple[int, ...], tuple[int, int]]:
    """dtype, shape, and where the bytes begin and end."""
    if isinstance(entry, dict) and entry.keys() == {"dtype", "shape", "data_offsets"}:
        dtype, shape, place = entry["dtype"], entry["shape"], entry["data_offsets"]
        if isinstance(dtype, str) and _are_counts(shape) and _are_counts(place) and len(place) == 2:
            return dtype, tuple(shape), (place[0], place[1])
    raise Unreadable(f"its header does not describe `{shown(name)}` as a tensor")


def _are_counts(value: Any) -> bool:
    return isinstance(value, list) and all(type(item) is int and 0 <= item < 2**63 for item in value)


def _check_places(places: list[tuple[int, int]], size: int) -> None:
    """The tensors fill the file, each beginning where another ends."""
    ordered = [(0, 0), *sorted(places), (size, size)]
    if any(before[1] != after[0] or after[0] > after[1] for before, after in pairwise(ordered)):
        raise Unreadable("its tensors do not fill the file")


def write(file: BinaryIO, arrays: Mapping[str, Any]) -> None:
    """All tensors one after the other, the first of them aligned."""
    names = {dtype: name for name, dtype in DTYPES.items()}
    header: dict[str, Any] = {}
    end = 0
    for name, array in arrays.items():
        if array.dtype.name not in names:
            message = f"a .safetensors file cannot hold `{name}`, which is {array.dtype.name}"
            raise UserError("io", message, "save to a .npz file")
        begin, end = end, end + array.nbytes
        header[name] = {"dtype": names[array.dtype.name], "shape": list(array.shape), "data_offsets": [begin, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    file.write(len(text).to_bytes(8, "little") + text)
    for array in arrays.values():
        file.write(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).reshape(-1).view(np.uint8))
