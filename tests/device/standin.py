"""An array that behaves as CuPy's does, on a machine without a GPU.

It computes with NumPy, but only what CuPy has, only with numbers and arrays of its own kind, and never becomes a NumPy
array, a number or a truth value unless it is asked to explicitly (`get`, `item`, `tolist`). Reductions stay arrays.
"""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from gradcli.engine.device import SpecialFunction

CUPY: dict[str, Any] = json.loads((Path(__file__).parent / "cupy_names.json").read_text(encoding="utf-8"))
# the module of a function of NumPy, in short, to what CuPy's has of it and can be given by name
FUNCTIONS: dict[str, dict[str, list[str] | None]] = {module: CUPY[module] for module in ("numpy", "linalg", "fft")}
# a ufunc's other methods, and the dtypes of what is added up at repeated places
REDUCED = ("add", "multiply")
OPTIONS = {"axis", "casting", "dtype", "keepdims", "out"}
ADDED = ("int32", "uint32", "uint64", "float16", "float32", "float64", "complex64", "complex128")
MEMBERS = frozenset(CUPY["array"])


class Memory:
    """What `array.data` of CuPy tells of its memory."""

    def __init__(self, ptr: int) -> None:
        self.ptr = ptr


class Device:
    def __init__(self, id: int) -> None:
        self.id = id


class DeviceArray(np.lib.mixins.NDArrayOperatorsMixin):
    """The stand-in; `host` is the NumPy array that computes for it."""

    __array_priority__ = 100

    def __init__(self, host: Any, id: int = 0) -> None:
        self.host = np.asarray(host)
        self.device = Device(id)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        name = ufunc.__name__
        known = method == "__call__" or (method in ("reduce", "accumulate") and name in REDUCED)
        if not known or name not in FUNCTIONS["numpy"] or set(options) - OPTIONS:
            raise TypeError(f"CuPy has no {name}.{method} with {[*options]}")
        check_operands(inputs)
        return wrapped(getattr(ufunc, method)(*unwrapped(inputs), **unwrapped(options)), self.device.id)

    def __array_function__(self, function: Any, kinds: Any, args: Any, options: Any) -> Any:
        module, name = function.__module__, function.__name__
        known = FUNCTIONS.get(module.rpartition(".")[2], FUNCTIONS["numpy"])
        if name not in known or set(options) - set(known[name] or options):
            raise TypeError(f"CuPy has no {module}.{name} with {[*options]}")
        check_operands(args)
        if name == "repeat" and not isinstance(args[1], int):
            raise TypeError("CuPy repeats all elements equally often")
        result = function(*broken_off(name, unwrapped(args)), **unwrapped(options))
        if name == "diagonal":  # CuPy has no arrays that are only read
            result.flags.writeable = True
        return wrapped(result, self.device.id)

    def __array__(self, *args: Any, **options: Any) -> Any:
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use `.get()` to construct one.")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name not in MEMBERS:
            raise AttributeError(name)
        value = getattr(self.host, name)
        if not callable(value):
            return wrapped(value, self.device.id) if isinstance(value, np.ndarray) else value

        def method(*args: Any, **options: Any) -> Any:
            check_operands(args)
            result = value(*unwrapped(args), **unwrapped(options))
            return result if name in ("tolist", "item") else wrapped(result, self.device.id)

        return method

    def get(self) -> Any:
        return self.host.copy()

    @property
    def data(self) -> Memory:
        return Memory(self.host.__array_interface__["data"][0])

    def __getitem__(self, key: Any) -> Any:
        check_key(key)
        return DeviceArray(self.host[unwrapped(key)], self.device.id)

    def __setitem__(self, key: Any, value: Any) -> None:
        check_key(key)
        check_operands((value,))
        self.host[unwrapped(key)] = unwrapped(value)

    def __len__(self) -> int:
        return len(self.host)

    def refuse(self, *args: Any) -> Any:
        raise TypeError("the value of a device array is needed on the host: say so with `.item()`")

    __bool__ = __int__ = __float__ = __complex__ = __index__ = __iter__ = __contains__ = refuse


def broken_off(name: str, args: Any) -> Any:
    """cuSOLVER does not look whether a matrix is finite; what it makes of one that is not is anything."""
    return (np.nan_to_num(args[0]), *args[1:]) if name == "svd" else args


def check_operands(values: Any) -> None:
    """CuPy computes with its own arrays and with Python's numbers; lists of arrays where a function joins them."""
    for value in values:
        if isinstance(value, np.ndarray | np.generic):
            raise TypeError(f"Unsupported type {type(value)}")
        if isinstance(value, list | tuple):
            check_operands(value)


def check_key(key: Any) -> None:
    for item in key if isinstance(key, tuple) else (key,):
        if isinstance(item, np.ndarray) and item.ndim:
            raise IndexError("CuPy is not indexed by NumPy arrays")
        if isinstance(item, list):
            raise IndexError("a list as an index is an implicit conversion")


def unwrapped(value: Any) -> Any:
    if isinstance(value, DeviceArray):
        return value.host
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return value
    if isinstance(value, list | tuple):
        return type(value)(unwrapped(item) for item in value)
    return {key: unwrapped(item) for key, item in value.items()} if isinstance(value, dict) else value


def wrapped(value: Any, id: int) -> Any:
    """Arrays and NumPy's scalars as device arrays: CuPy's reductions stay on the device."""
    if isinstance(value, np.ndarray | np.generic):
        return DeviceArray(value, id)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(wrapped(item, id) for item in value))
    return type(value)(wrapped(item, id) for item in value) if isinstance(value, list | tuple) else value


def as_strided(array: DeviceArray, shape: Any, strides: Any) -> DeviceArray:
    return DeviceArray(np.lib.stride_tricks.as_strided(array.host, shape, strides), array.device.id)


def scatter_add(array: DeviceArray, index: Any, values: Any) -> None:
    check_key(index)
    check_operands((values,))
    if array.dtype.name not in ADDED:
        raise TypeError(f"cupyx.scatter_add only supports {', '.join(ADDED)} as data type")
    np.add.at(array.host, unwrapped(index), unwrapped(values))


# of cupyx.scipy.special what the engine asks for
SPECIAL = (
    "erf", "erfc", "gammainc", "gammaincc", "gammaln", "j0", "j1", "k0", "k0e", "k1", "k1e", "ndtri", "y0", "y1",
)  # fmt: skip


def special_function(name: str) -> Any:
    def function(*operands: Any) -> DeviceArray:
        check_operands(operands)
        return DeviceArray(SpecialFunction(name)(*unwrapped(operands)), operands[-1].device.id)

    return function


def module(name: str, **members: Any) -> types.ModuleType:
    made = types.ModuleType(name)
    vars(made).update(members)
    return made


@contextmanager
def installed(devices: int = 1) -> Iterator[None]:
    """`import cupy` gives the stand-in inside, with as many usable devices."""
    current = [0]

    class Device:
        def __init__(self, id: int) -> None:
            self.id = id

        def __enter__(self) -> None:
            self.before, current[0] = current[0], self.id

        def __exit__(self, *error: Any) -> None:
            current[0] = self.before

    cuda = module(
        "cupy.cuda",
        is_available=lambda: devices > 0,
        runtime=module("cupy.cuda.runtime", getDeviceCount=lambda: devices),
        Device=Device,
    )
    cupy = module(
        "cupy",
        __version__=CUPY["version"],
        ndarray=DeviceArray,
        cuda=cuda,
        asarray=lambda array: DeviceArray(unwrapped(array), current[0]),
        zeros=lambda *args, **options: DeviceArray(np.zeros(*args, **options), current[0]),
        lib=module("cupy.lib", stride_tricks=module("cupy.lib.stride_tricks", as_strided=as_strided)),
    )
    special = module("cupyx.scipy.special", **{name: special_function(name) for name in SPECIAL})
    scipy = module("cupyx.scipy", special=special)
    fakes = {
        "cupy": cupy,
        "cupy.cuda": cuda,
        "cupyx": module("cupyx", scatter_add=scatter_add, scipy=scipy),
        "cupyx.scipy": scipy,
        "cupyx.scipy.special": special,
    }
    vars(fakes["cupyx"]).update(errstate=lambda linalg: nullcontext())
    before = {name: sys.modules.get(name) for name in fakes}
    sys.modules.update(fakes)
    try:
        yield
    finally:
        for name, found in before.items():
            if found is None:
                del sys.modules[name]
            else:
                sys.modules[name] = found
