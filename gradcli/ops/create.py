"""Tensors from numbers, and from torch's random stream."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from gradcli.engine import memory
from gradcli.engine.device import beside, device_of, np, to_device, to_host
from gradcli.engine.dtypes import (
    TYPE_NAMES,
    as_dtype,
    converted,
    default_dtype,
    dtype_kind,
    fitted,
    is_beyond,
    scalar_dtype,
)
from gradcli.engine.mode import warn
from gradcli.engine.random import Generator
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.ops.copies import cast, clone, to_dtype
from gradcli.ops.copies import zeros_like as zeros_like_grad
from gradcli.ops.define import composite, op
from gradcli.ops.kinds import not_barebones
from gradcli.ops.shape import is_contiguous
from gradcli.ops.views import in_order, memory_order

default_generator = Generator(0)
Number = bool | int | float | complex

# the options every creation function ends with
FACTORY = "*, ScalarType? dtype=None, Device? device=None, bool requires_grad=False"
LIKE = f"{FACTORY}, Tensor? memory_format=None"


def made(array: Any, requires_grad: bool, device: str | None = None) -> Tensor:
    """A new leaf on `device`, or on the default device."""
    tensor = Tensor(to_device(array, device))
    if requires_grad:
        if dtype_kind(array.dtype) not in "fc":
            raise UserError("autograd", "Only Tensors of floating point and complex dtype can require gradients")
        tensor.requires_grad_()
    return tensor


def made_beside(other: Tensor, array: Any, requires_grad: bool, device: str | None) -> Tensor:
    """A new leaf on `device`, or on that of `other`."""
    return made(array, requires_grad, device or device_of(other.array))


def checked_size(size: Sequence[int], dtype: Any) -> tuple[int, ...]:
    """`size`, if a tensor of `dtype`, or of the default dtype, can have it."""
    for length in size:
        if length < 0:
            raise UserError(
                "shape",
                f"Trying to create tensor with negative dimension {length}: {list(size)}",
            )
    memory.check(size, dtype or default_dtype.floating)
    return tuple(size)


def infer(values: Any) -> Any:
    """The array torch.tensor makes of nested lists of numbers (and 0-dim tensors), before any dtype= is applied."""
    flat: list[Any] = []
    shape = measure(values, flat)
    numbers = [value.array.item() if isinstance(value, Tensor) else value for value in flat]
    kinds = {type(number) for number in numbers}
    if not kinds <= {bool, int, float, complex}:
        wrong = next(kind for kind in kinds if kind not in (bool, int, float, complex))
        raise UserError("type", f"must be real number, not {wrong.__name__}")
    if complex in kinds:
        dtype = default_dtype.complex
    elif float in kinds or not kinds:
        dtype = default_dtype.floating
    else:
        dtype = np.dtype(np.int64) if int in kinds else np.dtype(np.bool_)
    return (
        np.array(numbers, np.complex128 if complex in kinds else np.float64 if dtype_kind(dtype) == "f" else dtype),
        shape,
        dtype,
    )


def measure(values: Any, flat: list[Any]) -> tuple[int, ...]:
    """The shape of nested lists, whose numbers are gathered in `flat`; a UserError if they are ragged."""
    level = [values]
    shape: list[int] = []
    while level and isinstance(level[0], list | tuple):
        length = len(level[0])
        below: list[Any] = []
        for item in level:
            if not isinstance(item, list | tuple):
                raise UserError("value", f"expected sequence of length {length} at dim {len(shape)} (got a number)")
            if len(item) != length:
                raise UserError("value", f"expected sequence of length {length} at dim {len(shape)} (got {len(item)})")
            below.extend(item)
        shape.append(length)
        level = below
    for item in level:
        if isinstance(item, list | tuple):
            raise UserError("value", f"expected a number at dim {len(shape)} (got a sequence)")
    flat.extend(level)
    return tuple(shape)


@composite(f"tensor(any data, {FACTORY})")
def tensor(data: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """What numbers, nested lists or a tensor hold, copied."""
    if isinstance(data, Tensor):
        return made_beside(data, converted(data.array, dtype or data.dtype), requires_grad, device)
    numbers, shape, inferred = infer(data)
    if dtype is not None and dtype_kind(dtype) != "c" and dtype_kind(numbers.dtype) == "c":
        raise UserError("type", "value cannot be converted to type without overflow")
    check_range(numbers, dtype or inferred)
    return made(converted(numbers, dtype or inferred).reshape(shape), requires_grad, device)


def check_range(numbers: Any, dtype: Any) -> None:
    """A UserError if one of `numbers` is beyond what integers of `dtype` can be."""
    if dtype_kind(dtype) not in "iu" or numbers.dtype == dtype or not numbers.size:
        return
    for end in (numbers.min().item(), numbers.max().item()):
        if is_beyond(end, dtype):
            raise UserError("value", f"value cannot be converted to type {dtype.name} without overflow")


@composite("as_tensor(any data, ScalarType? dtype=None, Device? device=None)")
def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """`data` as a tensor: itself, where it is one of that dtype and on that device."""
    if not isinstance(data, Tensor):
        made_of: Tensor = tensor(data, dtype, device)
        return made_of
    converted: Tensor = data if dtype is None or dtype == data.dtype else to_dtype(data, dtype)
    return converted


@composite(
    "asarray(any obj, *, ScalarType? dtype=None, Device? device=None, bool? copy=None, bool? requires_grad=None)"
)
def asarray(
    obj: Any, dtype: Any = None, device: Any = None, copy: bool | None = None, requires_grad: bool | None = None
) -> Tensor:
    """`obj` itself, if it is such a tensor already, or a copy: always with `copy=True`, never with `copy=False`."""
    if not isinstance(obj, Tensor):
        if copy is False:
            raise UserError("value", "can't alias arbitrary sequence into a tensor.")
        made_of: Tensor = tensor(obj, dtype, device, bool(requires_grad))
        return made_of
    if copy is False and dtype not in (None, obj.dtype):
        kinds = TYPE_NAMES[obj.dtype.name], TYPE_NAMES[dtype.name]
        raise UserError("value", f"can't alias tensor with dtype '{kinds[0]}' into dtype '{kinds[1]}'.")
    result: Tensor = as_tensor(obj, dtype, device)
    if result is obj and copy:
        result = clone(obj)
    if requires_grad is None and obj.requires_grad:
        warn(
            "torch.asarray: unspecified requires_grad now defaults to obj.requires_grad instead of False. Pass "
            "requires_grad=False explicitly to get the old behavior and silence this warning."
        )
    if requires_grad is False and result.requires_grad:
        return result.detach()
    if not requires_grad or result.requires_grad:
        return result
    if dtype_kind(result.dtype) not in "fc":
        raise UserError("autograd", "Only Tensors of floating point and complex dtype can require gradients")
    return result.requires_grad_()


@composite(f"scalar_tensor(Scalar s, {FACTORY})")
def scalar_tensor(s: Number, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    dtype = dtype or default_dtype.floating
    return made(as_dtype(s, dtype), requires_grad, device)


@composite(f"empty(int[] size, {FACTORY}, Tensor? memory_format=None)")
def empty(
    size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, memory_format: Any = None
) -> Tensor:
    """Zeros: what memory happens to hold would not be the same at every run."""
    return made(np.zeros(checked_size(size, dtype), dtype or default_dtype.floating), requires_grad, device)


@composite(f"zeros(int[] size, {FACTORY})")
def zeros(size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    if min(size, default=0) < 0:
        raise UserError("shape", "zeros: Dimension size must be non-negative.")
    return made(np.zeros(checked_size(size, dtype), dtype or default_dtype.floating), requires_grad, device)


@composite(f"ones(int[] size, {FACTORY})")
def ones(size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    return made(np.ones(checked_size(size, dtype), dtype or default_dtype.floating), requires_grad, device)


@composite(f"full(int[] size, Scalar fill_value, {FACTORY})")
def full(size: Any, fill_value: Number, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    dtype = dtype or scalar_dtype(fill_value)
    return made(filled(checked_size(size, dtype), fill_value, dtype), requires_grad, device)


def filled(shape: tuple[int, ...], value: Number, dtype: Any) -> Any:
    return np.full(shape, as_dtype(fitted(value, dtype), dtype), dtype)


@composite(f"eye(int n, int? m=None, {FACTORY})")
def eye(n: int, m: int | None = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    rows, columns = n, n if m is None else m
    for name, length in (("n", rows), ("m", columns)):
        if length < 0:
            raise UserError("shape", f"{name} must be greater or equal to 0, got {length}")
    dtype = dtype or default_dtype.floating
    not_barebones(dtype, "eye")
    return made(np.eye(rows, columns, dtype=dtype), requires_grad, device)


@composite(f"arange(Scalar start, Scalar? end=None, Scalar step=1, {FACTORY})")
def arange(
    start: Any, end: Any = None, step: Any = 1, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    if end is None:
        start, end = 0, start
    if any(isinstance(number, complex) for number in (start, end, step)):
        raise UserError("type", "value cannot be converted to type double without overflow")
    if dtype is None:
        whole = all(isinstance(number, int) for number in (start, end, step))
        dtype = np.dtype(np.int64) if whole else default_dtype.floating
    not_barebones(dtype, "arange_cpu")
    if dtype_kind(dtype) in "bc":
        raise UserError("type", f"\"arange_cpu\" not implemented for '{TYPE_NAMES[dtype.name]}'")
    if not (math.isfinite(start) and math.isfinite(end)):
        raise UserError("value", f"unsupported range: {start:g} -> {end:g}")
    size = length_of_range(start, end, step)
    if dtype_kind(dtype) in "iu":
        start, end, step = int(start), int(end), int(step)
        if dtype == np.int64:
            size = length_of_range(start, end, step)
    # in the dtype's own precision for integers, in float64 rounded once for floats
    return made(converted(start + np.arange(size) * step, dtype), requires_grad, device)


def length_of_range(start: float, end: float, step: float) -> int:
    if step == 0:
        raise UserError("value", "step must be nonzero")
    if (end - start) * step < 0:
        raise UserError("value", "upper bound and lower bound inconsistent with step sign")
    return math.ceil((end - start) / step)


@composite(f"range(Scalar start, Scalar end, Scalar step=1, {FACTORY})")
def range_(
    start: Any, end: Any, step: Any = 1, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """As `arange`, with `end` itself, and the default dtype whatever the numbers are."""
    warn(
        "torch.range is deprecated and will be removed in a future release because its behavior is inconsistent with "
        "Python's range builtin. Instead, use torch.arange, which produces values in [start, end)."
    )
    if any(isinstance(number, complex) for number in (start, end, step)):
        raise UserError("type", "value cannot be converted to type double without overflow")
    dtype = dtype or default_dtype.floating
    not_barebones(dtype, "range_cpu")
    if dtype_kind(dtype) in "bc":
        raise UserError("type", f"\"range_cpu\" not implemented for '{TYPE_NAMES[dtype.name]}'")
    if not (math.isfinite(start) and math.isfinite(end)):
        raise UserError("value", f"unsupported range: {start:g} -> {end:g}")
    if dtype_kind(dtype) in "iu":
        start, end, step = int(start), int(end), int(step)
    if step == 0:
        raise UserError("value", "step must be nonzero")
    if (end - start) * step < 0:
        raise UserError("value", "upper bound and lower bound inconsistent with step sign")
    size = math.floor((end - start) / step) + 1
    memory.check([size], dtype)
    return made(converted(start + np.arange(size) * step, dtype), requires_grad, device)


def two_ends(function: str, start: Any, end: Any) -> list[Any]:
    """`start` and `end` as numbers."""
    for name, bound in (("start", start), ("end", end)):
        if isinstance(bound, Tensor) and bound.ndim:
            raise UserError(
                "shape",
                f"{function} only supports 0-dimensional start and end tensors, but got {name} with {bound.ndim} "
                "dimension(s).",
            )
    return [bound.array.item() if isinstance(bound, Tensor) else bound for bound in (start, end)]


@composite(f"linspace(Tensor|Scalar start, Tensor|Scalar end, int steps, {FACTORY})")
def linspace(
    start: Any, end: Any, steps: int, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    start, end = two_ends("linspace", start, end)
    if steps < 0:
        raise UserError("value", "number of steps must be non-negative")
    return made(evenly_spaced(start, end, steps, dtype or default_dtype.floating), requires_grad, device)


def evenly_spaced(start: Any, end: Any, steps: int, dtype: Any) -> Any:
    """From both ends towards the middle, each half in the dtype's own precision, as torch computes it."""
    not_barebones(dtype, "linspace_cpu")
    if dtype_kind(dtype) == "b":
        raise UserError("type", "\"linspace_cpu\" not implemented for 'Bool'")
    start, end = fitted(start, dtype), fitted(end, dtype)
    place = np.arange(steps)
    compute = dtype if dtype_kind(dtype) in "fc" else np.dtype(np.float64)
    first, last = as_dtype(start, compute), as_dtype(end, compute)
    step = (last - first) / np.asarray(steps - 1 or 1, compute)
    forward = fused(place, step, first, compute)
    backward = fused(-(steps - 1 - place), step, last, compute)
    return np.where((place < steps // 2) | (steps == 1), forward, backward).astype(dtype)


def fused(factor: Any, step: Any, offset: Any, dtype: Any) -> Any:
    """factor * step + offset; in float32 rounded once."""
    if dtype == np.float32:
        return (factor * step.astype(np.float64) + offset.astype(np.float64)).astype(dtype)
    return factor.astype(dtype) * step + offset


def like(make: Callable[[tuple[int, ...], Any], Any], tensor: Tensor, dtype: Any) -> Any:
    """`make(shape, dtype)` in the memory order of `tensor`."""
    order = memory_order(tensor.shape, (tensor.array,))
    return in_order(lambda shape: make(shape, dtype or tensor.dtype), tensor.shape, order)


@composite(f"zeros_like(Tensor input, {LIKE})")
def zeros_like(
    input: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, memory_format: Any = None
) -> Tensor:
    return made_beside(input, like(np.zeros, input, dtype), requires_grad, device)


@composite(f"ones_like(Tensor input, {LIKE})")
def ones_like(
    input: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, memory_format: Any = None
) -> Tensor:
    return made_beside(input, like(np.ones, input, dtype), requires_grad, device)


@composite(f"full_like(Tensor input, Scalar fill_value, {LIKE})")
def full_like(
    input: Any,
    fill_value: Number,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    return made_beside(
        input, like(lambda shape, dtype: filled(shape, fill_value, dtype), input, dtype), requires_grad, device
    )


@composite(f"empty_like(Tensor input, {LIKE})")
def empty_like(
    input: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, memory_format: Any = None
) -> Tensor:
    return made_beside(input, like(np.zeros, input, dtype), requires_grad, device)


def made_new(self: Tensor, fill: Any, size: Any, dtype: Any, device: Any, requires_grad: bool) -> Tensor:
    """A leaf of another size; dtype and device are those of `self`, unless others are given."""
    dtype = dtype or self.dtype
    return made(fill(checked_size(size, dtype), dtype), requires_grad, device or device_of(self.array))


@composite(f"new_empty(Tensor self, int[] size, {FACTORY})")
def new_empty(self: Tensor, size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    return made_new(self, np.zeros, size, dtype, device, requires_grad)


@composite(f"new_zeros(Tensor self, int[] size, {FACTORY})")
def new_zeros(self: Tensor, size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    return made_new(self, np.zeros, size, dtype, device, requires_grad)


@composite(f"new_ones(Tensor self, int[] size, {FACTORY})")
def new_ones(self: Tensor, size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    return made_new(self, np.ones, size, dtype, device, requires_grad)


@composite(f"new_full(Tensor self, int[] size, Scalar fill_value, {FACTORY})")
def new_full(
    self: Tensor, size: Any, fill_value: Number, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    return made_new(self, lambda shape, kind: filled(shape, fill_value, kind), size, dtype, device, requires_grad)


@composite(f"new_tensor(Tensor self, any data, {FACTORY})")
def new_tensor(self: Tensor, data: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    return made_beside(self, cast(tensor(data).array, dtype or self.dtype), requires_grad, device)


@composite(f"logspace(Tensor|Scalar start, Tensor|Scalar end, int steps, float base=10.0, {FACTORY})")
def logspace(
    start: Any,
    end: Any,
    steps: int,
    base: float = 10.0,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """The powers of `base`, their exponents spaced evenly, from both ends towards the middle, in float64."""
    start, end = two_ends("logspace", start, end)
    if steps < 0:
        raise UserError("value", "number of steps must be non-negative")
    dtype = dtype or default_dtype.floating
    if dtype_kind(dtype) == "b" and steps > 1:
        raise UserError("type", "\"logspace_cpu\" not implemented for 'Bool'")
    first, last = as_dtype(start, dtype), as_dtype(end, dtype)
    compute = np.complex128 if dtype_kind(dtype) == "c" else np.float64
    span = last - first if steps > 1 else np.zeros_like(first)
    step = span.astype(compute) / (steps - 1 or 1)
    place = np.arange(steps)
    from_start = (place < steps // 2) | (steps == 1)
    exponents = np.where(from_start, first + step * place, last - step * (steps - 1 - place))
    return made(converted(np.power(compute(base), exponents), dtype), requires_grad, device)


@composite("tril_indices(int row, int col, int offset=0, *, ScalarType? dtype=None, Device? device=None)")
def tril_indices(row: int, col: int, offset: int = 0, dtype: Any = None, device: Any = None) -> Tensor:
    return triangle_indices("tril_indices", np.tri(*sides(row, col), offset, bool), dtype, device)


@composite("triu_indices(int row, int col, int offset=0, *, ScalarType? dtype=None, Device? device=None)")
def triu_indices(row: int, col: int, offset: int = 0, dtype: Any = None, device: Any = None) -> Tensor:
    return triangle_indices("triu_indices", ~np.tri(*sides(row, col), offset - 1, bool), dtype, device)


def sides(row: int, col: int) -> tuple[int, int]:
    for name, length in (("row", row), ("col", col)):
        if length < 0:
            raise UserError("shape", f"{name} must be non-negative, got{length}")
    return row, col


def triangle_indices(name: str, triangle: Any, dtype: Any, device: str | None) -> Tensor:
    """The places of a triangle of a matrix: a row of their rows and one of their columns."""
    dtype = dtype or np.dtype(np.int64)
    if dtype.name not in ("int32", "int64"):
        raise UserError("type", f"\"{name}\" not implemented for '{TYPE_NAMES[dtype.name]}'")
    return made(np.stack(np.nonzero(triangle)).astype(dtype), False, device)


@composite(f"rand(int[] size, {FACTORY})")
def rand(size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    return made(
        default_generator.rand(checked_size(size, dtype), dtype or default_dtype.floating), requires_grad, device
    )


@composite(f"randn(int[] size, {FACTORY})")
def randn(size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    return made(
        default_generator.randn(checked_size(size, dtype), dtype or default_dtype.floating), requires_grad, device
    )


@composite(f"rand_like(Tensor input, {LIKE})")
def rand_like(
    input: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, memory_format: Any = None
) -> Tensor:
    return made_beside(input, like(default_generator.rand, input, dtype), requires_grad, device)


@composite(f"randn_like(Tensor input, {LIKE})")
def randn_like(
    input: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, memory_format: Any = None
) -> Tensor:
    contiguous = is_contiguous(input)
    drawn = like(lambda shape, dtype: default_generator.randn(shape, dtype, contiguous), input, dtype)
    return made_beside(input, drawn, requires_grad, device)


@composite(f"randint(int high, int[] size, {FACTORY})")
def randint(high: int, size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    dtype = dtype or np.dtype(np.int64)
    return made(default_generator.randint(0, high, checked_size(size, dtype), dtype), requires_grad, device)


@composite(f"randint.low(int low, int high, int[] size, {FACTORY})")
def randint_low(
    low: int, high: int, size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    dtype = dtype or np.dtype(np.int64)
    return made(default_generator.randint(low, high, checked_size(size, dtype), dtype), requires_grad, device)


@composite(f"randint_like(Tensor input, int high, {LIKE})")
def randint_like(
    input: Any,
    high: int,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Whole numbers from 0 up to `high`, without it, in the shape of `input`."""
    result: Tensor = randint_like_low(input, 0, high, dtype, device, requires_grad)
    return result


@composite(f"randint_like.low_dtype(Tensor input, int low, int high, {LIKE})")
def randint_like_low(
    input: Any,
    low: int,
    high: int,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Whole numbers from `low` up to `high`, without it, in the shape of `input`."""
    drawn = like(lambda shape, dtype: default_generator.randint(low, high, shape, dtype), input, dtype)
    return made_beside(input, drawn, requires_grad, device)


@composite(f"randperm(int n, {FACTORY})")
def randperm(n: int, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    dtype = dtype or np.dtype(np.int64)
    not_barebones(dtype, "randperm")
    memory.check([n], dtype)
    return made(default_generator.randperm(n, dtype), requires_grad, device)


@composite(f"normal(float mean, float std, int[] size, {FACTORY})")
def normal(
    mean: float, std: float, size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    return made(
        default_generator.normal(mean, std, checked_size(size, dtype), dtype or default_dtype.floating),
        requires_grad,
        device,
    )


bernoulli = op(
    "bernoulli(Tensor self)", "BernoulliBackward0",
    lambda self: beside(self, default_generator.bernoulli(to_host(self), self.shape, self.dtype)),
    draws=True,
    self=lambda grad: zeros_like_grad(grad),
)  # fmt: skip


@composite("manual_seed(int seed)")
def manual_seed(seed: int) -> None:
    """Begins the random stream anew."""
    default_generator.manual_seed(seed)


@composite("initial_seed()")
def initial_seed() -> int:
    """The seed that the random stream began with."""
    return default_generator.initial_seed
