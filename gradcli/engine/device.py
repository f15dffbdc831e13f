"""NumPy behind a lazy handle, and the few array functions that NumPy and CuPy do not share by dispatch.

`np` of this module is what `engine` and `ops` use. It imports NumPy when something is first *called*, so
that the operation table can be read (`--help`, `validate`, `ops`) without paying for NumPy.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable
from typing import Any

from gradcli.errors import UserError


class Deferred:
    """A NumPy function named in the table before NumPy is there: `resolve` gives the function itself."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def resolve(self) -> Any:
        value: Any = load_numpy()
        for part in self.name.split("."):
            value = getattr(value, part)
        return value

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Deferred(f"{self.name}.{name}")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.resolve()(*args, **kwargs)


class LazyNumPy:
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        numpy = sys.modules.get("numpy")
        if numpy is None:
            return Deferred(name)
        value = getattr(numpy, name)
        setattr(self, name, value)  # the next look-up costs no more than a module's attribute
        return value


# untyped: arrays of the engine may be another library's
np: Any = LazyNumPy()


def load_numpy() -> Any:
    """Import NumPy with one BLAS thread: an idle OpenBLAS worker spins for 70 ms of CPU at every start."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    import numpy

    return numpy


def log_gamma(number: float) -> float:
    """The logarithm of the absolute value of gamma; infinite at its poles, and beyond what is finite."""
    try:
        return math.lgamma(number)
    except (ValueError, OverflowError):
        return math.inf


def normal_quantile(number: float) -> float:
    """Where the area under the bell curve is `number`."""
    from statistics import NormalDist

    if 0 < number < 1:
        return NormalDist().inv_cdf(number)
    return {0.0: -math.inf, 1.0: math.inf}.get(number, math.nan)


# what the standard library has of scipy.special
BY_NUMBER: dict[str, Callable[[float], float]] = {
    "erf": math.erf, "erfc": math.erfc, "gammaln": log_gamma, "ndtri": normal_quantile,
}  # fmt: skip


class SpecialFunction:
    """`function` of scipy.special, or of cupyx.scipy.special for arrays of a device; imported when it is called.

    `operation` is what needs it, for whoever has no SciPy.
    """

    __slots__ = ("function", "operation")

    def __init__(self, operation: str, function: str | None = None) -> None:
        self.operation = operation
        self.function = function or operation

    def __call__(self, *operands: Any) -> Any:
        """In the dtype of the last of `operands`; of several results (`airy`) the first."""
        result = self.resolve(operands[-1])(*operands)
        return as_array(result[0] if isinstance(result, tuple) else result).astype(operands[-1].dtype)

    def resolve(self, array: Any) -> Any:
        if not isinstance(array, np.ndarray | np.generic):
            import cupyx.scipy.special

            return getattr(cupyx.scipy.special, self.function, None) or self.on_host
        if self.function in BY_NUMBER:
            return np.frompyfunc(BY_NUMBER[self.function], 1, 1)
        try:
            import scipy.special
        except ImportError as error:
            raise UserError(
                "value",
                f"{self.operation}() needs SciPy, which is not installed",
                hint="`pip install 'gradcli[special]'`",
            ) from error
        return getattr(scipy.special, self.function)

    def on_host(self, *operands: Any) -> Any:
        """For arrays of a device, where CuPy has no such function."""
        return to_device(self(*map(to_host, operands)), device_of(operands[-1]))


def as_array(value: Any) -> Any:
    """`value` as an array: NumPy gives scalars where torch has 0-dim tensors; a device array stays."""
    return np.asarray(value) if isinstance(value, np.generic | int | float | complex) else value


def memory_address(array: Any) -> int:
    """Where the first element of `array` lies, in bytes."""
    address: int = array.__array_interface__["data"][0] if isinstance(array, np.ndarray) else array.data.ptr
    return address


def is_dense(array: Any) -> bool:
    """Whether the elements fill a stretch of memory, in whatever order of dimensions."""
    expected = array.itemsize
    for step, length in sorted(zip(array.strides, array.shape, strict=True)):
        if length != 1:
            if step != expected:
                return False
            expected *= length
    return int(array.size) > 0


def as_strided(array: Any, shape: tuple[int, ...], strides: tuple[int, ...]) -> Any:
    """A writable window on the memory of `array`, from its first element on; strides in bytes."""
    if isinstance(array, np.ndarray):
        if array.flags.c_contiguous and array.size:
            try:  # five times as quick as stride_tricks, where the window stays inside
                return np.ndarray(shape, array.dtype, array, 0, strides)
            except (ValueError, TypeError):
                pass
        return np.lib.stride_tricks.as_strided(array, shape, strides)
    import cupy

    return cupy.lib.stride_tricks.as_strided(array, shape, strides)


def zeros_beside(array: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of `shape`, on the device of `array` and in its dtype; three times as quick as `zeros_like`."""
    return (
        np.zeros(shape, array.dtype) if isinstance(array, np.ndarray) else np.zeros_like(array, order="C", shape=shape)
    )


def empty_beside(array: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """An array of `shape` and `dtype`, row by row, on the device of `array`, to be filled."""
    return np.empty(shape, dtype) if isinstance(array, np.ndarray) else np.empty_like(array, dtype, "C", shape=shape)


def as_contiguous(array: Any) -> Any:
    """`array` laid out row by row; `np.ascontiguousarray` does not dispatch."""
    return array if array.flags.c_contiguous else array.copy("C")


def scatter_add(array: Any, index: Any, values: Any) -> None:
    """`array[index] += values` in place, where repeated indices add up."""
    if isinstance(array, np.ndarray):
        np.add.at(array, index, values)
    else:
        import cupyx

        # CuPy adds up few integers: those of 64 bits in other clothes, smaller ones as wider ones
        kind, size = array.dtype.kind, array.itemsize
        values = values if hasattr(values, "dtype") else np.full_like(array, values, shape=())
        if kind in "iu" and size == 8:
            cupyx.scatter_add(array.view(np.uint64), index, values.astype(np.int64).view(np.uint64))
        elif kind == "b" or (kind in "iu" and size < 4):
            wide = array.astype(np.int32)
            cupyx.scatter_add(wide, index, values.astype(np.int32))
            array[...] = wide.astype(array.dtype)
        else:
            cupyx.scatter_add(array, index, values)


def combine_at(ufunc: Any, array: Any, index: tuple[Any, ...], values: Any) -> None:
    """`ufunc.at(array, index, values)`; on the host, where CuPy has no product of repeated indices."""
    if isinstance(array, np.ndarray):
        ufunc.at(array, index, values)
    else:
        combined = to_host(array)
        places = tuple(place if isinstance(place, slice) else to_host(place) for place in index)
        ufunc.at(combined, places, to_host(values) if hasattr(values, "dtype") else values)
        array[...] = to_device(combined, device_of(array))


def device_of(array: Any) -> str:
    """The device as torch writes it: `cpu` or `cuda:0`."""
    return "cpu" if isinstance(array, np.ndarray | np.generic) else f"cuda:{array.device.id}"


class DefaultDevice:
    """Where tensors are made that nothing else decides about: the spec's `device:`."""

    __slots__ = ("name",)

    def __init__(self) -> None:
        self.name = "cpu"


default_device = DefaultDevice()


def to_device(array: Any, device: str | None) -> Any:
    """`array` on `device` (`cpu`, `cuda`, `cuda:1`; None: the default); as it is, if it is there already."""
    name = device or default_device.name
    if name == "cpu":
        return to_host(array)
    cupy = usable_cupy()
    number = int(name.partition(":")[2] or 0)
    count = cupy.cuda.runtime.getDeviceCount()
    if number >= count:
        found = "1 GPU" if count == 1 else f"{count} GPUs"
        raise UserError(
            "device", f"there is no device `{name}`: this machine has {found}", hint="they count from cuda:0"
        )
    if not isinstance(array, np.ndarray) and array.device.id == number:
        return array
    check_has(array.dtype)
    with cupy.cuda.Device(number):
        return cupy.asarray(array)


def check_has(dtype: Any) -> None:
    """A UserError if a device has no such dtype."""
    if dtype.name == "bfloat16":
        raise UserError(
            "device", "bfloat16 is not available on `cuda`: CuPy has no such dtype", hint="use float16 or float32"
        )


def to_host(array: Any) -> Any:
    """`array` in the host's memory."""
    return array.get() if hasattr(array, "get") else array


def usable_cupy() -> Any:
    """CuPy, if it finds a GPU and computes on it: that it can be imported proves nothing. Else a UserError."""
    try:
        import cupy
    except ImportError as error:
        raise UserError(
            "device", f"`cuda` needs CuPy, which cannot be imported: {error}", hint="`pip install 'gradcli[cuda]'`"
        ) from error
    try:
        problem = None if cupy.cuda.is_available() else "it finds no GPU"
        if problem is None and (cupy.asarray(np.arange(3.0)) * 2).sum().item() != 6:
            problem = "the GPU computes wrong sums"
    except Exception as error:  # whatever a driver can raise
        problem = " ".join(str(error).split())
    if problem is not None:
        raise UserError(
            "device",
            f"`cuda` is not usable: CuPy {getattr(cupy, '__version__', '(which?)')} is installed, but {problem}",
            hint="`gradcli doctor` shows what was found; `--device cpu` computes without a GPU",
        )
    return cupy


def beside(array: Any, other: Any) -> Any:
    """`other` where `array` is."""
    return to_host(other) if isinstance(array, np.ndarray) else to_device(other, device_of(array))
