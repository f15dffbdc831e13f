"""What an exported script may have to define for itself; never imported, but copied function by function."""

import json
import re
from pathlib import Path

import torch


def assert_close(actual, expected, **tolerances):
    """Numbers count, not dtypes; one number stands for as many as there are."""
    actual = torch.as_tensor(actual)
    if not isinstance(expected, torch.Tensor):
        exact = torch.complex128 if actual.is_complex() else torch.float64
        expected = torch.as_tensor(expected, dtype=exact)
    if expected.ndim == 0:
        expected = expected.expand(actual.shape)
    tolerances.update(check_dtype=False, equal_nan=True)
    torch.testing.assert_close(actual, expected, **tolerances)


def text(value):
    """What `print` shows, without addresses."""
    return re.sub(r" object at 0x\w+", "", str(value))


def gradient(y, x, v=None, create_graph=True):
    """The gradient of y by x; zeros where y does not depend on x."""
    if not y.requires_grad:
        return torch.zeros_like(x)
    options = {"retain_graph": True, "create_graph": create_graph}
    return torch.autograd.grad(y, x, v, materialize_grads=True, **options)[0]


def jacobian(y, x, *, create_graph=False):
    """dy/dx, of shape y.shape + x.shape."""
    if not isinstance(x, torch.Tensor):
        return tuple(jacobian(y, one, create_graph=create_graph) for one in x)
    unit = torch.eye(y.numel(), dtype=y.dtype).reshape(-1, *y.shape)
    rows = [gradient(y, x, one, create_graph) for one in unit]
    return torch.stack(rows).reshape(y.shape + x.shape)


def hessian(y, x, *, create_graph=False):
    """The second derivatives of a number."""
    inputs = [x] if isinstance(x, torch.Tensor) else x
    slopes = [gradient(y, one) for one in inputs]
    rows = [jacobian(slope, inputs, create_graph=create_graph) for slope in slopes]
    return rows[0][0] if isinstance(x, torch.Tensor) else tuple(rows)


def vjp(y, x, v, *, create_graph=False):
    """v^T dy/dx."""
    if not isinstance(x, torch.Tensor):
        return tuple(gradient(y, one, v, create_graph) for one in x)
    return gradient(y, x, v, create_graph)


def jvp(y, x, v, *, create_graph=False):
    """dy/dx v: what the vector-Jacobian product, linear in its vector, gives for v."""
    if not isinstance(x, torch.Tensor):
        pairs = zip(x, v, strict=True)
        parts = [jvp(y, *pair, create_graph=create_graph) for pair in pairs]
        return sum(parts[1:], parts[0])
    vector = torch.zeros_like(y, requires_grad=True)
    return gradient(gradient(y, x, vector), vector, v, create_graph)


def hvp(y, x, v, *, create_graph=False):
    """The second derivatives of a number, times v."""
    return gradient((gradient(y, x) * v).sum(), x, None, create_graph)


def read_safetensors(path, key=None):
    """One array of a .safetensors file; without `key` the only one."""
    dtypes = {
        "BOOL": torch.bool,
        "U8": torch.uint8,
        "I8": torch.int8,
        "I16": torch.int16,
        "I32": torch.int32,
        "I64": torch.int64,
        "U16": torch.uint16,
        "U32": torch.uint32,
        "U64": torch.uint64,
        "F16": torch.float16,
        "BF16": torch.bfloat16,
        "F32": torch.float32,
        "F64": torch.float64,
        "C64": torch.complex64,
    }
    with Path(path).open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = bytearray(file.read())
    header.pop("__metadata__", None)
    entry = header[key or next(iter(header))]
    start, end = entry["data_offsets"]
    numbers = torch.frombuffer(data[start:end], dtype=dtypes[entry["dtype"]])
    return numbers.reshape(entry["shape"])
