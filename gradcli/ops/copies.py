"""Copies, fills, choices, conversions, and the parts of complex numbers."""

from __future__ import annotations

from typing import Any

from gradcli.engine.device import as_array, beside, device_of, np, to_device
from gradcli.engine.device import as_strided as window
from gradcli.engine.dtypes import (
    C_NAMES,
    INTEGER_NAMES,
    TYPE_NAMES,
    as_dtype,
    converted,
    dtype_kind,
    empty_like,
    fitted,
    is_reduced,
    result_type,
)
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.ops.define import composite, op
from gradcli.ops.shape import broadcast_sizes, contiguous, select

NUMBERS = bool | int | float | complex


def as_mask(mask: Any, self: Any) -> Any:
    """`mask`, of bools and of a shape that fits `self`."""
    if dtype_kind(mask.dtype) != "b":
        kind = INTEGER_NAMES.get(mask.dtype.name, C_NAMES[mask.dtype.name])
        raise UserError("type", f"masked_fill_ only supports boolean masks, but got mask with dtype {kind}")
    broadcast_sizes(mask.shape, self.shape)
    return mask


def where_forward(condition: Any, self: Any, other: Any) -> Any:
    if dtype_kind(condition.dtype) != "b":
        raise UserError(
            "type",
            "where expected condition to be a boolean tensor, but got a tensor with dtype "
            f"{TYPE_NAMES[condition.dtype.name]}",
        )
    return np.where(condition, self, other)


def numbers_fit(condition: Any, self: Any, other: Any) -> None:
    """A number is made a tensor, of float16 in single precision, before it is chosen."""
    dtype = result_type((self, other))
    for operand in (self, other):
        if isinstance(operand, NUMBERS):
            fitted(operand, np.dtype(np.float32) if is_reduced(dtype) else dtype)


def fill_forward(self: Any, value: Any) -> Any:
    return np.full_like(self, as_dtype(value, self.dtype, self))


def fill_tensor_forward(self: Any, value: Any) -> Any:
    if value.ndim:
        raise UserError(
            "shape",
            f"fill_ only supports 0-dimension value tensor but got tensor with {value.ndim} dimensions.",
        )
    return np.full_like(self, cast(beside(self, value), self.dtype))


def clone_forward(self: Any) -> Any:
    result = empty_like(self, self.dtype)
    result[...] = self
    return result


def copy_forward(self: Any, src: Any) -> Any:
    """`src` in the shape and dtype of `self`."""
    src = beside(self, src)
    if src.shape == self.shape:
        return cast(src, self.dtype)
    try:
        return cast(np.broadcast_to(src, self.shape), self.dtype)
    except ValueError as error:
        raise UserError(
            "shape", f"output with shape {list(self.shape)} doesn't match the broadcast shape {list(src.shape)}"
        ) from error


def cast(self: Any, dtype: Any) -> Any:
    """`self` in another dtype; a complex number loses its imaginary part."""
    if dtype_kind(self.dtype) == "c" and dtype_kind(dtype) != "c":
        self = self.real
    return converted(self, dtype)


def two_floats(first: Any, second: Any) -> None:
    """The operands of `complex` and `polar` are two of one floating dtype."""
    kinds = [TYPE_NAMES[one.dtype.name] for one in (first, second)]
    if not {first.dtype.name, second.dtype.name} <= {"float16", "float32", "float64"}:
        raise UserError(
            "type", f"Expected both inputs to be Half, Float or Double tensors but got {kinds[0]} and {kinds[1]}"
        )
    broadcast_sizes(first.shape, second.shape)
    if kinds[0] != kinds[1]:
        raise UserError(
            "type", f"Expected object of scalar type {kinds[0]} but got scalar type {kinds[1]} for second argument"
        )


def part(self: Any, place: int) -> Any:
    """The real (0) or imaginary (1) part of a complex tensor, as a view."""
    if getattr(self, "mirror", None) is None:
        return select(view_as_real(self), -1, place)
    parts = view_as_real(conj(self))
    return select(neg_view(parts) if place else parts, -1, place)


def view_as_real_forward(self: Any) -> Any:
    """Real and imaginary parts in a last dimension of their own."""
    if dtype_kind(self.dtype) != "c":
        raise UserError("type", "view_as_real is only supported for complex tensors")
    parts = as_array(self).real
    return window(parts, (*parts.shape, 2), (*parts.strides, parts.itemsize))


def view_as_complex_forward(self: Any) -> Any:
    if self.dtype == np.float16:
        raise UserError("type", "view_as_complex of float16 would be complex32, which is not available here")
    if dtype_kind(self.dtype) != "f" or is_reduced(self.dtype):
        kind = TYPE_NAMES[self.dtype.name]
        raise UserError(
            "type", f"view_as_complex is only supported for half, float and double tensors, but got a tensor of "
            f"scalar type: {kind}"
        )  # fmt: skip
    if self.ndim == 0:
        raise UserError("shape", "Input tensor must have one or more dimensions")
    if self.shape[-1] != 2:
        raise UserError("shape", "Tensor must have a last dimension of size 2")
    if self.size == 0:
        return np.zeros_like(self, np.result_type(self.dtype, np.complex64), shape=self.shape[:-1])
    if self.strides[-1] != self.itemsize:
        raise UserError("shape", "Tensor must have a last dimension with stride 1")
    if any(stride % (2 * self.itemsize) for stride in self.strides[:-1]):
        raise UserError("shape", "Tensor must have a stride divisible by 2 for all but last dimension")
    return self.view(f"c{2 * self.itemsize}")[..., 0]


conj_complex = op("_conj(Tensor self)", "ConjBackward0", np.conj, mirror=True, self=lambda grad: conj_complex(grad))
neg_view = op("_neg_view(Tensor self)", "NegViewBackward0", np.negative, mirror=True, self=lambda grad: -grad)
conj_physical_complex = op(
    "_conj_physical(Tensor self)", "ConjPhysicalBackward0", np.conj, self=lambda grad: conj_physical_complex(grad),
)  # fmt: skip
conj_in_place = op(
    "_conj_physical_(Tensor self)", "ConjPhysicalBackward1", np.conj, self=lambda grad: conj_physical(grad),
)  # fmt: skip
where = op(
    "where(Tensor condition, Tensor|Scalar self, Tensor|Scalar other)", "WhereBackward0", where_forward,
    promote="same", operands=("self", "other"), host_scalars=3,
    check=numbers_fit,
    self=lambda grad, condition: where(condition, grad, 0),
    other=lambda grad, condition: where(condition, 0, grad),
)  # fmt: skip
clone = op("clone(Tensor self)", "CloneBackward0", clone_forward, self=lambda grad: grad)
to_dtype = op(
    "_to_copy(Tensor self, ScalarType dtype)", "ToCopyBackward0", cast, real_part=True, self=lambda grad: grad,
)  # fmt: skip
view_as_real = op(
    "view_as_real(Tensor self)", "ViewAsRealBackward0", view_as_real_forward, view=True,
    self=lambda grad: view_as_complex(contiguous(grad)),
)  # fmt: skip
view_as_complex = op(
    "view_as_complex(Tensor self)", "ViewAsComplexBackward0", view_as_complex_forward, view=True,
    self=lambda grad: view_as_real(grad),
)  # fmt: skip
complex_of = op(
    "complex(Tensor real, Tensor imag)", "ComplexBackward0",
    lambda real, imag: real + 1j * imag,
    check=two_floats,
    real=lambda grad, real, imag: part(grad, 0),
    imag=lambda grad, real, imag: part(grad, 1),
)  # fmt: skip
copy = op(
    "copy(Tensor self, Tensor src)", "CopyBackwards", copy_forward,
    real_part=True,
    self=lambda grad: zeros_like(grad),
    src=lambda grad, src_device: on_device(grad, src_device),
)  # fmt: skip
fill = op(
    "fill(Tensor self, Scalar value)", "FillBackward0", fill_forward,
    fits=("value",),
    self=lambda grad: zeros_like(grad),
)  # fmt: skip
fill_tensor = op(
    "fill.Tensor(Tensor self, Tensor value)", "FillBackward1", fill_tensor_forward,
    self=lambda grad: zeros_like(grad),
    value=lambda grad, value_device: on_device(grad, value_device),
)  # fmt: skip
fill_in_place = op(
    "_fill(Tensor self, Scalar value)", "FillBackward2", fill_forward,
    fits=("value",),
    self=lambda grad: zeros_like(grad),
)  # fmt: skip
fill_tensor_in_place = op(
    "_fill.Tensor(Tensor self, Tensor value)", "FillBackward3", fill_tensor_forward,
    self=lambda grad: zeros_like(grad),
    value=lambda grad, value_device: on_device(grad, value_device),
)  # fmt: skip
zero = op("zero(Tensor self)", "ZeroBackward0", np.zeros_like, self=lambda grad: zeros_like(grad))
masked_fill = op(
    "masked_fill(Tensor self, Tensor mask, Scalar value)", "MaskedFillBackward0",
    lambda self, mask, value: np.where(as_mask(mask, self), as_dtype(value, self.dtype, self), self),
    fits=("value",),
    self=lambda grad, mask: masked_fill(grad, mask, 0),
)  # fmt: skip
zeros_like = op("_zeros_like(Tensor self)", None, np.zeros_like)
ones_like = op("_ones_like(Tensor self)", None, np.ones_like)


def conjugate(self: Tensor) -> Tensor:
    if dtype_kind(self.dtype) != "c":
        return self
    result: Tensor = conj_complex.call(self)
    return result


@composite("conj(Tensor self)")
def conj(self: Any) -> Any:
    """A view whose numbers are conjugated when they are read; what is real is its own conjugate, with no node."""
    return conjugate(self) if isinstance(self, Tensor) else self.conjugate()


@composite("conj_physical(Tensor self)")
def conj_physical(self: Any) -> Any:
    """torch's conjugate that is computed at once."""
    return conj_physical_complex(self) if dtype_kind(self.dtype) == "c" else self


@composite("conj_physical_(Tensor self)")
def conj_physical_(self: Any) -> Any:
    return self if dtype_kind(self.dtype) == "b" else conj_in_place.inplace(self)


def is_mirrored_by(self: Tensor, row: str) -> bool:
    return self.mirror is not None and self.mirror.name == row


@composite("is_conj(Tensor self)")
def is_conj(self: Tensor) -> bool:
    """Whether `self` is a view of what it is the conjugate of: results of operations that are no views are not."""
    return is_mirrored_by(self, "_conj")


@composite("is_neg(Tensor self)")
def is_neg(self: Tensor) -> bool:
    """Whether `self` is a view of what it is the negative of, as is the imaginary part of a conjugate."""
    return is_mirrored_by(self, "_neg_view")


@composite("resolve_conj(Tensor self)")
def resolve_conj(self: Tensor) -> Any:
    return clone(self) if is_conj(self) else self


@composite("resolve_neg(Tensor self)")
def resolve_neg(self: Tensor) -> Any:
    return clone(self) if is_neg(self) else self


@composite("real(Tensor self)")
def real(self: Any) -> Any:
    return part(self, 0) if dtype_kind(self.dtype) == "c" else self


@composite("imag(Tensor self)")
def imag(self: Any) -> Any:
    if dtype_kind(self.dtype) != "c":
        raise UserError("type", "imag is not implemented for tensors with non-complex dtypes.")
    return part(self, 1)


@composite("Tensor::fill_(Tensor self, Tensor|Scalar value)")
def fill_(self: Any, value: Any) -> Any:
    return (fill_tensor_in_place if hasattr(value, "ndim") else fill_in_place).inplace(self, value)


def on_device(grad: Any, device: Any) -> Any:
    """`grad` on `device`, as an array has it: torch copies and fills across devices."""
    name = device_named(device)
    return grad if device_of(getattr(grad, "array", grad)) == name else move(grad, name)


def device_named(device: Any) -> str:
    """The name of what an array calls its `device`: NumPy a text, CuPy an object."""
    return device if isinstance(device, str) else f"cuda:{device.id}"


move = op(
    "_to_device(Tensor self, str device)", "ToCopyBackward0", to_device,
    self=lambda grad, self_device: move(grad, device_named(self_device)),
)  # fmt: skip


def check_elements(self: Tensor, dtype: Any) -> None:
    """A UserError unless elements of the size of `dtype` can take the place of those of `self`."""
    array = self.array
    size = array.itemsize
    if dtype.itemsize == size:
        return
    change = f"to view {TYPE_NAMES[array.dtype.name]} as {TYPE_NAMES[dtype.name]} (different element sizes)"
    if array.ndim == 0:
        raise UserError("shape", f"self.dim() cannot be 0 {change}")
    ratio = max(1, dtype.itemsize // size)

    def check_divisible(name: str, number: int) -> None:
        if number % ratio:
            raise UserError("shape", f"self.{name} must be divisible by {ratio} {change}, but got {number}")

    check_divisible("size(-1)", array.shape[-1])
    if array.size:
        *outer, last = (stride // size for stride in array.strides)
        if last != 1:
            raise UserError("shape", f"self.stride(-1) must be 1 {change}, but got {last}")
        check_divisible("storage_offset()", self.offset())
        for dim, stride in enumerate(outer):
            check_divisible(f"stride({dim})", stride)


@composite("view.dtype(Tensor self, ScalarType dtype)")
def view_dtype(self: Tensor, dtype: Any) -> Tensor:
    """The same memory, outside the graph, read as numbers of another dtype: of one of another size, more or fewer."""
    if self.mirror is not None:
        kind = "conjugate view tensors" if is_conj(self) else "tensors with negative bit set"
        raise UserError("type", f"torch.Tensor.view is not supported for {kind} when converting to a different dtype.")
    check_elements(self, dtype)
    return Tensor(self.array.view(dtype), version=self.version)
