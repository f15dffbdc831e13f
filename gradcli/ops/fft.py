"""Discrete Fourier transforms: three kernels (complex to complex, real to complex and back), and what calls them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from gradcli.engine.device import np
from gradcli.engine.dtypes import COMPLEX_OF, TYPE_NAMES, converted, default_dtype, dtype_kind
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.ops.copies import conj, real, to_dtype
from gradcli.ops.create import FACTORY, checked_size, made
from gradcli.ops.define import composite, op
from gradcli.ops.pad import constant_pad
from gradcli.ops.reduce import put, times_in_place
from gradcli.ops.shape import narrow, new_zeros, roll, slice_, wrap_dim

Sizes = Sequence[int] | None

# what a kernel divides by, as NumPy's name for it where it transforms forwards, and backwards
UNSCALED, BY_ROOT, BY_SIZE = range(3)
FORWARDS = {UNSCALED: "backward", BY_ROOT: "ortho", BY_SIZE: "forward"}
BACKWARDS = {UNSCALED: "forward", BY_ROOT: "ortho", BY_SIZE: "backward"}


def normalization(norm: str | None, forward: bool) -> int:
    """What `norm` makes a transform divide by."""
    if norm == "ortho":
        return BY_ROOT
    if norm not in (None, "forward", "backward"):
        raise UserError("value", f'Invalid normalization mode: "{norm}"')
    return BY_SIZE if (norm == "forward") == forward else UNSCALED


def laid_out(result: Any, self: Any, dim: Sequence[int], keep_last: bool) -> Any:
    """`result` in the memory order that torch gives it: the transformed dimensions inside, others by their strides."""
    outwards = range(self.ndim)
    inner = sorted(dim[:-1] if keep_last else dim, key=lambda place: -self.strides[place])
    inner += dim[-1:] if keep_last else []
    outer = sorted((place for place in outwards if place not in inner), key=lambda place: -self.strides[place])
    order = [*outer, *inner]
    return result.transpose(order).copy("C").transpose([order.index(place) for place in outwards])


def c2c_forward(self: Any, dim: Sequence[int], normalization: int, forwards: bool) -> Any:
    if not dim:
        return self.copy()
    if forwards:
        result = np.fft.fftn(self, axes=dim, norm=FORWARDS[normalization])
    else:
        result = np.fft.ifftn(self, axes=dim, norm=BACKWARDS[normalization])
    return laid_out(result, self, dim, False)


def r2c_forward(self: Any, dim: Sequence[int], normalization: int, onesided: bool) -> Any:
    if dtype_kind(self.dtype) != "f":
        kind = TYPE_NAMES[self.dtype.name]
        raise UserError("type", f"Only supports floating-point dtypes, but found: {kind}")
    result = (np.fft.rfftn if onesided else np.fft.fftn)(self, axes=dim, norm=FORWARDS[normalization])
    return laid_out(result, self, dim, True)


def c2r_forward(self: Any, dim: Sequence[int], normalization: int, last_dim_size: int) -> Any:
    sizes = [*(self.shape[place] for place in dim[:-1]), last_dim_size]
    return laid_out(np.fft.irfftn(self, sizes, dim, BACKWARDS[normalization]), self, dim, True)


def r2c_backward(grad: Any, dim: Sequence[int], normalization: int, onesided: bool, size: int) -> Any:
    """The real part of the inverse transform, what `onesided` leaves out being zero."""
    if onesided:
        last = dim[-1]
        kept = grad.shape[last]
        if size > kept:
            whole = new_zeros(grad, (*grad.shape[:last], size, *grad.shape[last + 1 :]))
            put(grad, slice_(whole, last, 0, kept, 1))
            grad = whole
    return real(c2c(grad, dim, normalization, False))


def c2r_backward(grad: Any, dim: Sequence[int], normalization: int) -> Any:
    """The transform, doubled where an element stands for its mirror image as well."""
    result = r2c(grad, dim, normalization, True)
    mirrored = grad.shape[dim[-1]] - result.shape[dim[-1]]
    if mirrored > 0:
        times_in_place(2, narrow(result, dim[-1], 1, mirrored))
    return result


c2c = op(
    "_fft_c2c(Tensor self, int[] dim, int normalization, bool forwards)", "FftC2CBackward0", c2c_forward,
    self=lambda grad, dim, normalization, forwards: c2c(grad, dim, normalization, not forwards),
)  # fmt: skip
r2c = op(
    "_fft_r2c(Tensor self, int[] dim, int normalization, bool onesided)", "FftR2CBackward0", r2c_forward,
    self=lambda grad, self, dim, normalization, onesided: r2c_backward(
        grad, dim, normalization, onesided, self.shape[dim[-1]]
    ),
)  # fmt: skip
c2r = op(
    "_fft_c2r(Tensor self, int[] dim, int normalization, int last_dim_size)", "FftC2RBackward0", c2r_forward,
    self=lambda grad, dim, normalization: c2r_backward(grad, dim, normalization),
)  # fmt: skip
conj_physical = op(
    "_conj_physical(Tensor self)", "ConjPhysicalBackward0", np.conj,
    self=lambda grad: conj_physical(grad),
)  # fmt: skip


def as_input(input: Any, to_complex: bool = False) -> Any:
    """`input` in a dtype that can be transformed: integers become floats."""
    dtype = input.dtype if dtype_kind(input.dtype) in "fc" else default_dtype.floating
    if dtype.itemsize < 4:
        raise UserError("type", f"Unsupported dtype {TYPE_NAMES[dtype.name]}")
    if to_complex and dtype_kind(dtype) != "c":
        dtype = np.dtype(COMPLEX_OF[dtype.name])
    return input if input.dtype == dtype else to_dtype(input, dtype)


def only_real(input: Any, message: str) -> None:
    if dtype_kind(input.dtype) == "c":
        raise UserError("type", f"{message}, but got {TYPE_NAMES[input.dtype.name]}")


def points(count: int) -> int:
    if count < 1:
        raise UserError("value", f"Invalid number of data points ({count}) specified")
    return count


def resized(input: Any, dims: Sequence[int], sizes: Sequence[int]) -> Any:
    """`input` cut, or filled up with zeros, to `sizes` along `dims`."""
    pad = [0] * (2 * input.ndim)
    for dim, size in zip(dims, sizes, strict=True):
        if input.shape[dim] > size:
            input = slice_(input, dim, 0, size, 1)
        elif input.shape[dim] < size:
            pad[2 * (input.ndim - dim) - 1] = size - input.shape[dim]
    return constant_pad(input, pad, 0) if any(pad) else input


def one_dim(dim: int, ndim: int) -> int:
    if ndim == 0:
        raise UserError("shape", f"Dimension specified as {dim} but tensor has no dimensions")
    return wrap_dim(dim, ndim)


def from_real(input: Any, n: int | None, dim: int, norm: str | None, forward: bool, onesided: bool) -> Any:
    input = as_input(input)
    dim = one_dim(dim, input.ndim)
    size = points(input.shape[dim] if n is None else n)
    input = input if n is None else resized(input, [dim], [size])
    result = r2c(input, [dim], normalization(norm, forward), onesided)
    return result if forward else conj(result)


def to_real(input: Any, n: int | None, dim: int, norm: str | None, forward: bool) -> Any:
    input = as_input(input, True)
    dim = one_dim(dim, input.ndim)
    size = points(2 * (input.shape[dim] - 1) if n is None else n)
    input = input if n is None else resized(input, [dim], [size // 2 + 1])
    return c2r(conj(input) if forward else input, [dim], normalization(norm, forward), size)


def either(input: Any, n: int | None, dim: int, norm: str | None, forward: bool) -> Any:
    if dtype_kind(input.dtype) != "c":
        return from_real(input, n, dim, norm, forward, False)
    dim = one_dim(dim, input.ndim)
    size = points(input.shape[dim] if n is None else n)
    input = input if n is None else resized(input, [dim], [size])
    return c2c(input, [dim], normalization(norm, forward), forward)


def sizes_and_dims(input: Any, s: Sizes, dim: Sizes) -> tuple[list[int], list[int]]:
    """The sizes to transform, and along which dimensions: all, or the last ones, unless `dim` says."""
    ndim = input.ndim
    dims = None if dim is None else [one_dim(place, ndim) for place in dim]
    if dims is not None and len(set(dims)) < len(dims):
        raise UserError("shape", "FFT dims must be unique")
    if s is None:
        dims = list(range(ndim)) if dims is None else dims
        sizes = [input.shape[place] for place in dims]
    else:
        if dims is not None and len(dims) != len(s):
            raise UserError("shape", "When given, dim and shape arguments must have the same length")
        if len(s) > ndim:
            raise UserError("shape", f"Got shape with {len(s)} values but input tensor only has {ndim} dimensions.")
        dims = list(range(ndim - len(s), ndim)) if dims is None else dims
        sizes = [input.shape[place] if size == -1 else size for size, place in zip(s, dims, strict=True)]
    return [points(size) for size in sizes], dims


def at_least_one(dims: Sequence[int], name: str) -> None:
    if not dims:
        raise UserError("shape", f"{name} must transform at least one axis")


def many_to_real(input: Any, s: Sizes, dim: Sizes, name: str) -> tuple[Any, list[int], int]:
    """The half-complex input of a transform to real numbers, its dims, and the size of the last one's result."""
    sizes, dims = sizes_and_dims(input, s, dim)
    at_least_one(dims, name)
    last = 2 * (input.shape[dims[-1]] - 1) if s is None or s[-1] == -1 else sizes[-1]
    sizes[-1] = points(last) // 2 + 1
    return resized(as_input(input, True), dims, sizes), dims, last


def declare(name: str, one: Any, many: Any) -> None:
    """The rows of a transform along one dimension (`name`), along two (`name2`), and along any (`namen`)."""

    @composite(f"fft::{name}(Tensor input, int? n=None, int dim=-1, str? norm=None)")
    def transform(input: Any, n: int | None = None, dim: int = -1, norm: str | None = None) -> Any:
        return one(input, n, dim, norm)

    @composite(f"fft::{name}2(Tensor input, int[]? s=None, int[]? dim=[-2, -1], str? norm=None)")
    def transform_2d(input: Any, s: Sizes = None, dim: Sizes = (-2, -1), norm: str | None = None) -> Any:
        return many(input, s, dim, norm)

    @composite(f"fft::{name}n(Tensor input, int[]? s=None, int[]? dim=None, str? norm=None)")
    def transform_nd(input: Any, s: Sizes = None, dim: Sizes = None, norm: str | None = None) -> Any:
        return many(input, s, dim, norm)


def along_all(input: Any, s: Sizes, dim: Sizes, norm: str | None, forward: bool) -> Any:
    sizes, dims = sizes_and_dims(input, s, dim)
    input = resized(as_input(input, True), dims, sizes)
    return c2c(input, dims, normalization(norm, forward), forward)


def rfft(input: Any, n: int | None, dim: int, norm: str | None) -> Any:
    only_real(input, "rfft expects a real input tensor")
    return from_real(input, n, dim, norm, True, True)


def ihfft(input: Any, n: int | None, dim: int, norm: str | None) -> Any:
    only_real(input, "ihfft expects a real input tensor")
    return from_real(input, n, dim, norm, False, True)


def rfftn(input: Any, s: Sizes, dim: Sizes, norm: str | None) -> Any:
    only_real(input, "rfftn expects a real-valued input tensor")
    sizes, dims = sizes_and_dims(input, s, dim)
    at_least_one(dims, "rfftn")
    return r2c(resized(as_input(input), dims, sizes), dims, normalization(norm, True), True)


def irfftn(input: Any, s: Sizes, dim: Sizes, norm: str | None) -> Any:
    input, dims, last = many_to_real(input, s, dim, "irfftn")
    return c2r(input, dims, normalization(norm, False), last)


def hfftn(input: Any, s: Sizes, dim: Sizes, norm: str | None) -> Any:
    input, dims, last = many_to_real(input, s, dim, "hfftn")
    scale = normalization(norm, True)
    input = c2c(input, dims[:-1], scale, True) if len(dims) > 1 else input
    return c2r(conj(input), dims[-1:], scale, last)


def ihfftn(input: Any, s: Sizes, dim: Sizes, norm: str | None) -> Any:
    sizes, dims = sizes_and_dims(input, s, dim)
    at_least_one(dims, "ihfftn")
    scale = normalization(norm, False)
    result = r2c(resized(as_input(input), dims, sizes), dims[-1:], scale, True)
    return conj(result) if len(dims) == 1 else c2c(conj_physical(result), dims[:-1], scale, False)


declare("fft", partial(either, forward=True), partial(along_all, forward=True))
declare("ifft", partial(either, forward=False), partial(along_all, forward=False))
declare("rfft", rfft, rfftn)
declare("irfft", partial(to_real, forward=False), irfftn)
declare("hfft", partial(to_real, forward=True), hfftn)
declare("ihfft", ihfft, ihfftn)


@composite("fft::fftshift(Tensor input, int[]? dim=None)")
def fftshift(input: Any, dim: Sizes = None) -> Any:
    dims = range(input.ndim) if dim is None else [one_dim(place, input.ndim) for place in dim]
    return roll(input, [input.shape[place] // 2 for place in dims], list(dims))


@composite("fft::ifftshift(Tensor input, int[]? dim=None)")
def ifftshift(input: Any, dim: Sizes = None) -> Any:
    dims = range(input.ndim) if dim is None else [one_dim(place, input.ndim) for place in dim]
    return roll(input, [(input.shape[place] + 1) // 2 for place in dims], list(dims))


@composite(f"fft::fftfreq(int n, float d=1.0, {FACTORY})")
def fftfreq(n: int, d: float = 1.0, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
    """The frequencies of the places of a transform: from 0 upwards, then the negative ones."""
    (size,) = checked_size([n], dtype)
    places = np.arange(size)
    return frequencies(np.where(places < (size + 1) // 2, places, places - size), n, d, dtype, requires_grad, "fftfreq")


@composite(f"fft::rfftfreq(int n, float d=1.0, {FACTORY})")
def rfftfreq(n: int, d: float = 1.0, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
    (size,) = checked_size([int(n / 2) + 1], dtype)  # towards zero, as C divides
    return frequencies(np.arange(size), n, d, dtype, requires_grad, "rfftfreq")


def frequencies(places: Any, n: int, d: float, dtype: Any, requires_grad: bool, name: str) -> Any:
    dtype = default_dtype.floating if dtype is None else dtype
    if dtype_kind(dtype) in "biu":
        raise UserError("type", f"{name} requires a floating point or complex dtype")
    if dtype_kind(dtype) == "c":  # which torch computes in this dtype, too
        raise UserError("type", f"\"arange_cpu\" not implemented for '{TYPE_NAMES[dtype.name]}'")
    step = 1 / (n * d) if n * d else float("inf")
    frequency: Any = Tensor(converted(places, dtype))
    return made((frequency * step).array, requires_grad)
