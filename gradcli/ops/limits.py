"""The limits of dtypes."""

from __future__ import annotations

from typing import Any, NamedTuple

from gradcli.engine import dtypes
from gradcli.engine.device import np
from gradcli.engine.dtypes import default_dtype, dtype_kind
from gradcli.errors import UserError
from gradcli.ops.define import composite


def shown(limits: Any, kind: str) -> str:
    """What torch prints of them: six digits of each number."""
    fields = limits._asdict().items()
    numbers = (f"{name}={value:.6g}" for name, value in fields if name not in ("bits", "dtype"))
    return f"{kind}({', '.join(numbers)}, dtype={limits.dtype})"


class FloatLimits(NamedTuple):
    resolution: float
    min: float
    max: float
    eps: float
    smallest_normal: float
    tiny: float
    bits: int
    dtype: str

    def __str__(self) -> str:
        return shown(self, "finfo")


class IntegerLimits(NamedTuple):
    min: int
    max: int
    bits: int
    dtype: str

    def __str__(self) -> str:
        return shown(self, "iinfo")


@composite("finfo(ScalarType? type=None)")
def limits_of_floats(type: Any = None) -> FloatLimits:
    """The limits of a floating dtype, of the parts of a complex one."""
    dtype = default_dtype.floating if type is None else type
    if dtype_kind(dtype) == "c":
        dtype = np.zeros((), dtype).real.dtype
    if dtype_kind(dtype) != "f":
        raise UserError(
            "type", "torch.finfo() requires a floating point input type. Use torch.iinfo to handle 'torch.finfo'"
        )
    found = dtypes.finfo(dtype)
    least = float(found.smallest_normal)
    resolution = float(f"1e-{found.precision}")
    lowest, highest, eps = map(float, (found.min, found.max, found.eps))
    return FloatLimits(resolution, lowest, highest, eps, least, least, dtype.itemsize * 8, dtype.name)


@composite("iinfo(ScalarType type)")
def limits_of_integers(type: Any) -> IntegerLimits:
    """The limits of an integer dtype."""
    kind = dtype_kind(type)
    if kind == "b":
        raise UserError("type", "torch.bool is not supported by torch.iinfo")
    if kind not in "iu":
        raise UserError("type", "torch.iinfo() requires an integer input type. Use torch.finfo to handle 'torch.iinfo'")
    found = np.iinfo(type)
    return IntegerLimits(int(found.min), int(found.max), found.bits, type.name)
