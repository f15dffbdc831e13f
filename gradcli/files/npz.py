"""The .npz format: a zip archive of .npy files."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any, BinaryIO

from gradcli.engine.device import np
from gradcli.errors import UserError
from gradcli.files import npy
from gradcli.files.content import Choose, Select, Unreadable

# what zipfile raises for archives that are none, or not in order
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    ArithmeticError,
    EOFError,
    LookupError,
    RuntimeError,
    ValueError,
)


def read(file: BinaryIO, size: int, choose: Choose) -> Any:
    """The array that `choose` picks."""
    [array] = read_several(file, size, lambda names: [choose(names)]).values()
    return array


def read_several(file: BinaryIO, size: int, select: Select) -> dict[str, Any]:
    """The arrays that `select` picks. No other is unpacked, and these only as far as their headers are right."""
    try:
        with zipfile.ZipFile(file) as archive:
            files = [info for info in archive.infolist() if info.filename.endswith(".npy")]
            members = {info.filename.removesuffix(".npy"): info for info in files}
            return {name: _read_member(archive, members[name]) for name in select(list(members))}
    except _BROKEN as error:
        raise Unreadable(f"it is no .npz file in order ({error})") from None


def _read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Any:
    if info.flag_bits & 1:
        raise Unreadable("it is encrypted")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Unreadable("it is compressed in another way than NumPy compresses")
    with archive.open(info) as member:
        array = npy.read_array(member, info.file_size)
        member.read(1)  # the checksum is compared at the end
        return array


def write(file: BinaryIO, arrays: Mapping[str, Any]) -> None:
    """As `numpy.savez` does."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            if array.dtype.name == "bfloat16":
                message = f"a .npz file cannot hold `{name}`, which is bfloat16, a dtype that NumPy does not have"
                raise UserError("io", message, "save to a .safetensors file, or what `.float()` gives")
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
