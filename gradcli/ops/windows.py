"""Windows on memory: strides, diagonals, sliding windows; what writes into one; and views made in place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gradcli.engine.device import as_strided as window
from gradcli.engine.device import beside, np, zeros_beside
from gradcli.engine.device import scatter_add as scatter_add_at
from gradcli.engine.mode import grad_mode
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.ops.copies import fill
from gradcli.ops.define import Op, composite, op
from gradcli.ops.linalg import as_writable, diagonal, diagonal_forward, diagonal_zeros
from gradcli.ops.shape import (
    Shape,
    contiguous,
    is_contiguous,
    new_zeros,
    select,
    select_forward,
    slice_,
    slice_forward,
    squeeze_dim,
    squeeze_forward,
    t,
    t_forward,
    transpose,
    transpose_forward,
    unsqueeze_forward,
    unsqueeze_to,
    view,
    wrap_dim,
    wrap_dims,
)
from gradcli.ops.views import (
    SHARED_LOCATION,
    as_strided,
    as_strided_backward,
    as_strided_forward,
    check_recordable,
    element_strides,
    extent,
    is_folded,
    move,
    offset_in,
    storage_of,
)


def unfold_forward(self: Any, dimension: int, size: int, step: int) -> Any:
    dim = wrap_dim(dimension, self.ndim)
    length = self.shape[dim] if self.ndim else 1
    if size < 0:
        raise UserError("value", f"size is {size} but must be >= 0")
    if size > length:
        raise UserError("shape", f"maximum size for tensor at dimension {dim} is {length} but size is {size}")
    if step <= 0:
        raise UserError("value", f"step is {step} but must be > 0")
    if self.ndim == 0:
        return self.reshape(1)[:size]
    shape, strides = list(self.shape), list(self.strides)
    shape[dim] = (length - size) // step + 1
    strides[dim] *= step
    return window(self, (*shape, size), (*strides, self.strides[dim]))


def unfold_backward_forward(grad: Any, shape: Shape, dim: int, size: int, step: int) -> Any:
    """The sum of all windows, each at its place."""
    if not shape:
        return np.sum(grad).reshape(())
    result = zeros_beside(grad, tuple(shape))
    dim = wrap_dim(dim, len(shape))
    places = beside(grad, np.arange(grad.shape[dim])[:, None] * step + np.arange(size))
    scatter_add_at(result, (slice(None),) * dim + (places,), np.moveaxis(grad, -1, dim + 1))
    return result


def embedded(self: Any, src: Any, part: Callable[[Any], Any]) -> Any:
    """A copy of `self` with `src` where `part` looks."""
    result = self.copy("K")
    place = part(result)
    if place.shape != src.shape:
        raise UserError(
            "shape",
            f"expected src to have a size equal to the slice of self. src size = {list(src.shape)}, slice size = "
            f"{list(place.shape)}",
        )
    place[...] = src
    return result


def slice_to_scatter(self: Any, dim: int, start: int | None, end: int | None, step: int) -> Any:
    if step <= 0:
        raise UserError("value", "slice step must be positive")
    return slice_forward(self, dim, start, end, step)


def diag_embed_forward(self: Any, offset: int, dim1: int, dim2: int) -> Any:
    ndim = self.ndim + 1
    first, second = wrap_dim(dim1, ndim), wrap_dim(dim2, ndim)
    if first == second:
        raise UserError("shape", f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    shape = list(self.shape[:-1])
    for dim in sorted((first, second)):
        shape.insert(dim, self.shape[-1] + abs(offset))
    result = zeros_beside(self, tuple(shape))
    as_writable(np.diagonal(result, offset, first, second))[...] = self
    return result


unfold = op(
    "Tensor::unfold(Tensor self, int dimension, int size, int step)", "UnfoldBackward0", unfold_forward, view=True,
    self=lambda grad, self_shape, dimension, size, step: unfold_backward(grad, self_shape, dimension, size, step),
)  # fmt: skip
unfold_backward = op(
    "_unfold_backward(Tensor grad_in, int[] input_sizes, int dim, int size, int step)", "UnfoldBackwardBackward0",
    unfold_backward_forward,
    grad_in=lambda grad, dim, size, step: unfold(grad, dim, size, step),
)  # fmt: skip
select_scatter = op(
    "select_scatter(Tensor self, Tensor src, int dim, int index)", "SelectScatterBackward0",
    lambda self, src, dim, index: embedded(self, src, lambda array: select_forward(array, dim, index)),
    real_only="select_scatter",
    self=lambda grad, src_shape, dim, index: select_scatter(grad, new_zeros(grad, src_shape), dim, index),
    src=lambda grad, dim, index: select(grad, dim, index),
)  # fmt: skip
slice_scatter = op(
    "slice_scatter(Tensor self, Tensor src, int dim=0, int? start=None, int? end=None, int step=1)",
    "SliceScatterBackward0",
    lambda self, src, dim, start, end, step: embedded(
        self, src, lambda array: slice_to_scatter(array, dim, start, end, step)
    ),
    real_only="slice_scatter",
    self=lambda grad, src_shape, dim, start, end, step: slice_scatter(
        grad, new_zeros(grad, src_shape), dim, start, end, step
    ),
    src=lambda grad, dim, start, end, step: slice_(grad, dim, start, end, step),
)  # fmt: skip
diagonal_scatter = op(
    "diagonal_scatter(Tensor self, Tensor src, int offset=0, int dim1=0, int dim2=1)", "DiagonalScatterBackward0",
    lambda self, src, offset, dim1, dim2: embedded(
        self, src, lambda array: diagonal_forward(array, offset, dim1, dim2)
    ),
    self=lambda grad, src_shape, offset, dim1, dim2: diagonal_scatter(
        grad, new_zeros(grad, src_shape), offset, dim1, dim2
    ),
    src=lambda grad, offset, dim1, dim2: diagonal(grad, offset, dim1, dim2),
)  # fmt: skip
diag_embed = op(
    "diag_embed(Tensor self, int offset=0, int dim1=-2, int dim2=-1)", "DiagEmbedBackward0", diag_embed_forward,
    self=lambda grad, offset, dim1, dim2: diagonal(grad, offset, dim1, dim2),
)  # fmt: skip
diagonal_copy = op(
    "_diagonal_copy(Tensor self, int offset)", "DiagonalBackward0_copy",
    lambda self, offset: np.diagonal(self, offset).copy(),
    self=lambda grad, self_shape, offset: diagonal_zeros(grad, self_shape, offset, 0, 1),
)  # fmt: skip


@composite("diag(Tensor self, int diagonal=0)")
def diag(self: Any, diagonal: int = 0) -> Any:
    if self.ndim not in (1, 2):
        raise UserError("shape", f"diag(): Supports 1D or 2D tensors. Got {self.ndim}D")
    return diag_embed(self, diagonal) if self.ndim == 1 else diagonal_copy(self, diagonal)


@composite("diagflat(Tensor self, int offset=0)")
def diagflat(self: Any, offset: int = 0) -> Any:
    return diag(view(contiguous(self), (-1,)), offset)


def checked_window(array: Any, size: Sequence[int], stride: Sequence[int], storage_offset: int | None) -> Any:
    """The arguments of the row `_as_strided` for a window on the storage of `array`, which must hold it."""
    if len(size) != len(stride):
        raise UserError("shape", "mismatch in length of strides and shape")
    if min(stride, default=0) < 0:
        raise UserError(
            "value", f"as_strided: Negative strides are not supported at the moment, got strides: {list(stride)}"
        )
    if min(size, default=0) < 0:
        raise UserError(
            "value", f"Storage size calculation overflowed with sizes={list(size)} and strides={list(stride)}"
        )
    memory = storage_of(array)
    first = offset_in(memory, array)
    offset = first if storage_offset is None else storage_offset
    if offset < 0:
        raise UserError("value", f"Tensor: invalid storage offset {offset}")
    needed = extent(size, stride, offset)
    if needed > memory.size:
        raise UserError(
            "shape",
            f"setStorage: sizes {list(size)}, strides {list(stride)}, storage offset {offset}, and itemsize "
            f"{array.itemsize} requiring a storage size of {needed * array.itemsize} are out of bounds for storage of "
            f"size {memory.nbytes}",
        )
    return array.shape, element_strides(array), tuple(size), tuple(stride), offset - first


@composite("fill_diagonal_(Tensor self, Scalar fill_value, bool wrap=False)")
def fill_diagonal_(self: Tensor, fill_value: Any, wrap: bool = False) -> Tensor:
    """`fill_value` where all indices are equal; with `wrap`, below a tall matrix's diagonal again and again."""
    if self.ndim < 2:
        raise UserError("shape", "dimensions must larger than 1")
    if self.ndim > 2 and len(set(self.shape)) > 1:
        raise UserError("shape", "all dimensions of input must be of equal length")
    steps = element_strides(self.memory)
    first = offset_in(storage_of(self.memory), self.memory)
    size, step = min(self.shape), sum(steps)
    fill.inplace(strided(self, (size,), (step,), first), fill_value)
    if wrap and self.ndim == 2 and self.shape[0] > self.shape[1] + 1:
        rows, columns = self.shape
        again = columns + 1
        count = (rows * columns + columns) // again - columns
        fill.inplace(strided(self, (count,), (step,), first + again * steps[0]), fill_value)
    return self


@composite("as_strided(Tensor self, int[] size, int[] stride, int? storage_offset=None)")
def strided(self: Tensor, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None) -> Any:
    """A window on the storage of `self`, from the beginning of the storage on if `storage_offset` is given."""
    return as_strided(self, *checked_window(self.memory, size, stride, storage_offset))


# torch's own gradient of the first tensor, that of the window only, instead of that around it
strided_scatter = op(
    "_as_strided_scatter(Tensor self, Tensor src, int[] base_shape, int[] base_strides, int[] size, int[] stride, "
    "int storage_offset)",
    "AsStridedScatterBackward0",
    lambda self, src, base_shape, base_strides, *place: embedded(
        self, src, lambda array: as_strided_forward(array, base_shape, base_strides, *place)
    ),
    self=lambda grad, base_shape, base_strides, size, stride, storage_offset: as_strided_backward(
        as_strided(grad, base_shape, base_strides, size, stride, storage_offset),
        base_shape, base_strides, size, stride, storage_offset,
    ),
    src=lambda grad, base_shape, base_strides, size, stride, storage_offset: as_strided(
        grad, base_shape, base_strides, size, stride, storage_offset
    ),
)  # fmt: skip


@composite("as_strided_scatter(Tensor self, Tensor src, int[] size, int[] stride, int? storage_offset=None)")
def as_strided_scatter(
    self: Tensor, src: Tensor, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None
) -> Any:
    if self.requires_grad and not is_contiguous(self):
        raise UserError(
            "autograd",
            "!self.requires_grad() || self.is_contiguous() INTERNAL ASSERT FAILED: as_strided_scatter is currently "
            "only supported for contiguous inputs",
        )
    array = self.array.copy("K")
    if len(size) == len(stride) and is_folded(size, stride):
        raise UserError("autograd", SHARED_LOCATION)
    return strided_scatter(self, src, *checked_window(array, size, stride, storage_offset))


# what becomes of a tensor whose shape is changed in place: torch gives it nodes of their own
squeeze_all_in_place = op(
    "_squeeze_(Tensor self)", "SqueezeBackward3", squeeze_forward,
    self=lambda grad, self_shape: unsqueeze_to(grad, self_shape, range(len(self_shape))),
)  # fmt: skip
squeeze_dim_in_place = op(
    "_squeeze_.dim(Tensor self, int dim)", "SqueezeBackward4", squeeze_forward,
    self=lambda grad, self_shape, dim: unsqueeze_to(grad, self_shape, [dim]),
)  # fmt: skip
squeeze_dims_in_place = op(
    "_squeeze_.dims(Tensor self, int[] dim)", "SqueezeBackward5", squeeze_forward,
    self=lambda grad, self_shape, dim: unsqueeze_to(grad, self_shape, wrap_dims(dim, len(self_shape))),
)  # fmt: skip
unsqueeze_in_place = op(
    "_unsqueeze_(Tensor self, int dim)", "UnsqueezeBackward1", unsqueeze_forward,
    self=lambda grad, dim: squeeze_dim(grad, dim),
)  # fmt: skip
t_in_place = op("_t_(Tensor self)", "TBackward1", t_forward, self=lambda grad: t(grad))
transpose_in_place = op(
    "_transpose_(Tensor self, int dim0, int dim1)", "TransposeBackward1", transpose_forward,
    self=lambda grad, dim0, dim1: transpose(grad, dim0, dim1),
)  # fmt: skip
as_strided_in_place = op(
    "_as_strided_(Tensor self, int[] base_shape, int[] base_strides, int[] size, int[] stride, int storage_offset)",
    "AsStridedBackward1", as_strided_forward,
    self=lambda grad, base_shape, base_strides, size, stride, storage_offset: as_strided_backward(
        grad, base_shape, base_strides, size, stride, storage_offset
    ),
)  # fmt: skip


def reshaped(self: Tensor, row: Op, *arguments: Any) -> Tensor:
    """`self` as the window that `row` gives, in place, which counts as a change of its values."""
    before = self.edge
    if grad_mode.enabled and self.requires_grad:
        check_recordable(self)
    changed = row(self, *arguments)
    self.show(changed.array if self.mirror is None else row.on_arrays(self.memory, *arguments))
    self.count_change()
    if changed.edge is not None:
        move(self, changed.edge, before)
    elif self.holder is not None:
        self.holder.metadata = ((self.shape, self.dtype),)
    return self


@composite("squeeze_(Tensor self)")
def squeeze_(self: Tensor) -> Tensor:
    return reshaped(self, squeeze_all_in_place)


@composite("squeeze_.dim(Tensor self, int dim)")
def squeeze_dim_(self: Tensor, dim: int) -> Tensor:
    return reshaped(self, squeeze_dim_in_place, wrap_dim(dim, self.ndim))


@composite("squeeze_.dims(Tensor self, int[] dim)")
def squeeze_dims_(self: Tensor, dim: Sequence[int]) -> Tensor:
    return reshaped(self, squeeze_dims_in_place, dim)


@composite("unsqueeze_(Tensor self, int dim)")
def unsqueeze_(self: Tensor, dim: int) -> Tensor:
    return reshaped(self, unsqueeze_in_place, dim)


@composite("t_(Tensor self)")
def t_(self: Tensor) -> Tensor:
    if grad_mode.enabled and self.requires_grad:
        check_recordable(self)
    if self.ndim > 2:
        raise UserError("shape", f"t_() expects a tensor with <= 2 dimensions, but self is {self.ndim}D")
    return reshaped(self, t_in_place)


@composite("transpose_(Tensor self, int dim0, int dim1)")
def transpose_(self: Tensor, dim0: int, dim1: int) -> Tensor:
    return reshaped(self, transpose_in_place, dim0, dim1)


@composite("swapaxes_(Tensor self, int axis0, int axis1)")
def swapaxes_(self: Tensor, axis0: int, axis1: int) -> Tensor:
    return reshaped(self, transpose_in_place, axis0, axis1)


@composite("as_strided_(Tensor self, int[] size, int[] stride, int? storage_offset=None)")
def as_strided_(self: Tensor, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None) -> Tensor:
    return reshaped(self, as_strided_in_place, *checked_window(self.memory, size, stride, storage_offset))
