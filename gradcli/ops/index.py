"""Selection by indices and masks, and its reverse, scattering."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from gradcli.engine.device import as_array, as_contiguous, beside, device_of, np, zeros_beside
from gradcli.engine.device import scatter_add as scatter_add_at
from gradcli.engine.dtypes import C_NAMES, INTEGER_NAMES, TYPE_NAMES, dtype_kind, empty_like, is_differentiable
from gradcli.engine.mode import grad_mode
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.ops.copies import copy, fill_tensor_in_place, masked_fill, zeros_like
from gradcli.ops.define import Op, composite, op
from gradcli.ops.kinds import check_dense, refuse
from gradcli.ops.pieces import cat
from gradcli.ops.selection import sorted_places, top_places
from gradcli.ops.shape import (
    alias,
    broadcast_sizes,
    expand,
    new_zeros,
    reshape,
    select,
    slice_,
    unsqueeze,
    view,
    wrap_dim,
)

Shape = tuple[int, ...]


def along(index: Any, dim: int) -> tuple[Any, ...]:
    """The NumPy index that picks `index` along `dim` and position by position elsewhere."""
    places = [
        beside(index, np.arange(length).reshape((-1,) + (1,) * (index.ndim - axis - 1)))
        for axis, length in enumerate(index.shape)
    ]
    places[dim] = index
    return tuple(places)


def checked(index: Any, size: int, dim: int, name: str = "") -> Any:
    """`index` (integers from 0) if all its values are inside the dimension; CuPy would wrap them silently.

    `name` is how the message begins.
    """
    if dtype_kind(index.dtype) not in "iu":
        raise UserError("type", "gather(): Expected dtype int32/int64 for index")
    if index.size and (index.min().item() < 0 or index.max().item() >= size):
        wrong = index[(index < 0) | (index >= size)].reshape(-1)[0].item()
        raise UserError("shape", f"{name}index {wrong} is out of bounds for dimension {dim} with size {size}")
    return index


def gather_densely(self: Any, dim: int, index: Any, sparse_grad: bool) -> Any:
    if is_differentiable(self.dtype):
        check_dense(sparse_grad)
    return gather_forward(self, dim, index)


def gather_forward(self: Any, dim: int, index: Any) -> Any:
    dim = wrap_dim(dim, self.ndim)
    if index.size == 0:
        return zeros_beside(self, index.shape)
    if self.ndim == 0 or index.ndim == 0:
        self = self if self.ndim else self.reshape(1)
        row = index if index.ndim else index.reshape(1)
        return gather_forward(self, dim, row).reshape(index.shape)
    if index.ndim != self.ndim:
        raise UserError("shape", "Index tensor must have the same number of dimensions as input tensor")
    for axis in range(self.ndim):
        if axis != dim and index.shape[axis] > self.shape[axis]:
            raise UserError(
                "shape",
                f"Size does not match at dimension {axis} expected index {list(index.shape)} to be no larger than self "
                f"{list(self.shape)} apart from dimension {dim}",
            )
    return self[along(checked(index, self.shape[dim], dim), dim)]


def scatter_places(self: Any, dim: int, index: Any, src: Any) -> tuple[Any, Any, Any]:
    """A copy of `self` with dimensions, where `index` points in it, and the part of `src` that goes there."""
    result = self.copy() if self.ndim else self.reshape(1).copy()
    index = index if index.ndim else index.reshape(1)
    dim = wrap_dim(dim, result.ndim)
    if hasattr(src, "dtype") and src.dtype != self.dtype:
        raise UserError("type", "scatter(): Expected self.dtype to be equal to src.dtype")
    if index.size == 0:
        return result, (np.zeros_like(index, np.int64, shape=(0,)),) * result.ndim, zeros_beside(self, (0,))
    if dtype_kind(index.dtype) not in "iu":
        raise UserError("type", "scatter(): Expected dtype int32/int64 for index")
    if index.ndim != result.ndim:
        raise UserError("shape", "Index tensor must have the same number of dimensions as self tensor")
    places = along(checked(index, result.shape[dim], dim), dim)
    if getattr(src, "ndim", None) is None:
        return result, places, src
    src = src if src.ndim else src.reshape(1)
    if src.ndim != index.ndim:
        raise UserError("shape", "Index tensor must have the same number of dimensions as src tensor")
    if any_larger(index.shape, src.shape, None) or any_larger(index.shape, result.shape, dim):
        raise UserError(
            "shape",
            f"Expected index {list(index.shape)} to be no larger than self {list(self.shape)} apart from dimension "
            f"{dim} and to be no larger size than src {list(src.shape)}",
        )
    return result, places, src[tuple(slice(length) for length in index.shape)]


def any_larger(index: Shape, other: Shape, but: int | None) -> bool:
    return any(a > b for dim, (a, b) in enumerate(zip(index, other, strict=True)) if dim != but)


def scatter_forward(self: Any, dim: int, index: Any, src: Any) -> Any:
    result, places, values = scatter_places(self, dim, index, src)
    result[places] = values
    return result.reshape(self.shape)


def scatter_add_forward(self: Any, dim: int, index: Any, src: Any) -> Any:
    result, places, values = scatter_places(self, dim, index, src)
    scatter_add_at(result, places, values)
    return result.reshape(self.shape)


def index_select_forward(self: Any, dim: int, index: Any) -> Any:
    dim = wrap_dim(dim, self.ndim)
    if index.ndim > 1:
        raise UserError("shape", f"index_select(): Index is supposed to be a vector, but got dim: {index.ndim}")
    if dtype_kind(index.dtype) not in "iu":
        raise UserError("type", "index_select(): Expected dtype int32 or int64 for index")
    length = self.shape[dim] if self.ndim else 1
    if self.ndim == 0 and index.size != 1:
        raise UserError("shape", f"index_select(): Index to scalar can have only 1 value, got {index.size} value(s)")
    if index.size and (index.min().item() < 0 or index.max().item() >= length):
        raise UserError("shape", "index out of range in self")
    if self.ndim == 0:
        return self.copy()
    return np.take(self, index.reshape(-1), axis=dim)


def index_add_forward(self: Any, dim: int, index: Any, source: Any, alpha: float) -> Any:
    dim = wrap_dim(dim, self.ndim)
    if self.dtype != source.dtype:
        first, second = (TYPE_NAMES[array.dtype.name] for array in (self, source))
        raise UserError("type", f"index_add_(): self ({first}) and source ({second}) must have the same scalar type")
    if index.ndim > 1:
        raise UserError(
            "shape",
            f"index_add_(): Index is supposed to be a vector, but got dim: {index.ndim} with type: "
            f"{TYPE_NAMES[index.dtype.name]} and size: {list(index.shape)}",
        )
    given = source.shape[dim] if dim < source.ndim else 1
    if index.size != given:
        raise UserError(
            "shape", f"index_add_(): Number of indices ({index.size}) should be equal to source.size(dim): ({given}), "
            f"for dim: {dim}"
        )  # fmt: skip
    check_slices(self, dim, source)
    return at_index(self, dim, index, source if alpha == 1 else source * alpha, scatter_add_at)


def check_slices(self: Any, dim: int, source: Any) -> None:
    """A UserError if the slices of `source` along `dim` have not the shape of those of `self`."""
    others = [array.shape[:dim] + array.shape[dim + 1 :] for array in (self, source)]
    if others[0] != others[1] or (self.ndim == 0) != (source.ndim == 0):
        raise UserError(
            "shape",
            "source tensor shape must match self tensor shape, excluding the specified dimension. Got self.shape = "
            f"{list(self.shape)} source.shape = {list(source.shape)}",
        )


def at_index(self: Any, dim: int, index: Any, source: Any, change: Callable[[Any, Any, Any], None]) -> Any:
    """A copy of `self` after `change(copy, places of the slices that index names, source)`."""
    result = self.copy() if self.ndim else self.reshape(1).copy()
    places = (slice(None),) * dim + (checked(index.reshape(-1), result.shape[dim], dim),)
    change(result, places, source if source.ndim else source.reshape(1))
    return result.reshape(self.shape)


def index_forward(self: Any, indices: Sequence[Any]) -> Any:
    result = self[as_places(self, indices)]
    # the copy has the strides of a row-major array in dimensions of size 1, too, which matmul looks at
    return result if result.flags.c_contiguous and 1 not in result.shape else result.copy()


def as_places(self: Any, indices: Sequence[Any]) -> tuple[Any, ...]:
    """torch's list of index tensors (None: the whole dimension) as a NumPy index of `self`, checked."""
    if len(indices) > self.ndim:
        raise UserError("shape", f"too many indices for tensor of dimension {self.ndim} (got {len(indices)})")
    places: list[Any] = []
    dim = 0
    shape = self.shape
    indices = [None if index is None else from_host(index, self) for index in indices]
    check_broadcast([index for index in indices if index is not None and dtype_kind(index.dtype) in "iu"])
    for index in indices:
        if index is None:
            places.append(slice(None))
            dim += 1
            continue
        if dtype_kind(index.dtype) == "b":
            here = shape[dim : dim + index.ndim]
            if index.shape != here:
                at = next((i for i, n in enumerate(index.shape) if i >= len(here) or here[i] != n), 0)
                raise UserError(
                    "shape",
                    f"The shape of the mask {list(index.shape)} at index {at} does not match the shape of the indexed "
                    f"tensor {list(shape)} at index {dim + at}",
                )
            dim += index.ndim
        else:
            if index.dtype.name not in ("int64", "int32", "uint8"):
                raise UserError("type", "tensors used as indices must be long, int, byte or bool tensors")
            size = shape[dim]
            if index.size and (index.min().item() < -size or index.max().item() >= size):
                wrong = index[(index < -size) | (index >= size)].reshape(-1)[0].item()
                raise UserError("shape", f"index {wrong} is out of bounds for dimension {dim} with size {size}")
            dim += 1
        places.append(index)
    return tuple(places)


def from_host(index: Any, self: Any) -> Any:
    """`index` where `self` is: those of the host reach into a device, others nowhere else."""
    if device_of(self) == "cpu" != device_of(index):
        raise UserError("device", "indices should be either on cpu or on the same device as the indexed tensor (cpu)")
    return beside(self, index)


def check_broadcast(indices: Sequence[Any]) -> None:
    try:
        np.broadcast_shapes(*(index.shape for index in indices))
    except ValueError as error:
        shapes = ", ".join(str(list(index.shape)) for index in indices)
        raise UserError(
            "shape", f"shape mismatch: indexing tensors could not be broadcast together with shapes {shapes}"
        ) from error


def index_put_forward(self: Any, indices: Sequence[Any], values: Any, accumulate: bool) -> Any:
    result = self.copy()
    places = as_places(self, indices)
    if values.size == 1 and all(item is None or is_mask(item) for item in indices):
        values = values.astype(self.dtype)  # torch fills the mask with the one value
    if values.dtype != self.dtype:
        raise UserError(
            "type",
            "Index put requires the source and destination dtypes match, got "
            f"{TYPE_NAMES[self.dtype.name]} for the destination and {TYPE_NAMES[values.dtype.name]} for the source.",
        )
    target = result[places].shape
    try:
        np.broadcast_to(values, target)
    except ValueError as error:
        raise UserError(
            "shape",
            f"shape mismatch: value tensor of shape {list(values.shape)} cannot be broadcast to indexing result of "
            f"shape {list(target)}",
        ) from error
    if accumulate:
        scatter_add_at(result, places, values)
    else:
        result[places] = values
    return result


def masked_select_forward(self: Any, mask: Any) -> Any:
    if dtype_kind(mask.dtype) != "b":
        raise UserError("type", "masked_select: expected BoolTensor for mask")
    shape = broadcast_sizes(mask.shape, self.shape)
    return np.broadcast_to(self, shape)[np.broadcast_to(mask, shape)]


def masked_scatter_forward(self: Any, mask: Any, source: Any) -> Any:
    if dtype_kind(mask.dtype) != "b":
        kind = INTEGER_NAMES.get(mask.dtype.name, C_NAMES[mask.dtype.name])
        raise UserError("type", f"masked_scatter_ only supports boolean masks, but got mask with dtype {kind}")
    if self.dtype != source.dtype:
        first, second = (TYPE_NAMES[array.dtype.name] for array in (self, source))
        raise UserError(
            "type", f"masked_scatter: expected self and source to have same dtypes but got {first} and {second}"
        )
    shape = broadcast_sizes(self.shape, mask.shape)
    result, mask = np.broadcast_to(self, shape).copy(), np.broadcast_to(mask, shape)
    wanted = mask.sum().item()
    if source.size < wanted:
        raise UserError("shape", "Number of elements of source < number of ones in mask")
    result[mask] = source.reshape(-1)[:wanted]
    return result


def masked_source(taken: Any, shape: Shape) -> Any:
    """The gradient of masked_scatter's source: what was taken from it, then zeros for what was not."""
    rest = math.prod(shape) - taken.shape[0]
    return reshape(cat([taken, new_zeros(taken, (rest,))]) if rest else taken, shape)


index = op(
    "_index(Tensor self, Tensor?[] indices)", "IndexBackward0", index_forward,
    self=lambda grad, self_shape, indices: index_put_impl(new_zeros(grad, self_shape), indices, grad, True),
)  # fmt: skip


def put_at(schema: str, grad_fn: str) -> Op:
    return op(
        schema, grad_fn, index_put_forward,
        host_scalars=1,
        self=lambda grad, indices, accumulate: (
            grad if accumulate else index_put(grad, indices, zeros_like(index(grad, indices)))
        ),
        values=lambda grad, indices: index(grad, indices),
    )  # fmt: skip


# the second is what the gradient of an index is recorded as
index_put = put_at(
    "index_put(Tensor self, Tensor[] indices, Tensor values, bool accumulate=False)", "IndexPutBackward0"
)
index_put_impl = put_at(
    "_index_put_impl(Tensor self, Tensor?[] indices, Tensor values, bool accumulate)", "IndexPutImplBackward0"
)
gather = op(
    "gather(Tensor self, int dim, Tensor index, *, bool sparse_grad=False)", "GatherBackward0", gather_densely,
    contiguous=True,
    self=lambda grad, self, dim, index: scatter_add(new_zeros(grad, self.shape), dim, index, grad),
)  # fmt: skip
scatter = op(
    "scatter(Tensor self, int dim, Tensor index, Tensor src)", "ScatterBackward0", scatter_forward,
    self=lambda grad, dim, index: scatter_value(grad, dim, index, 0),
    src=lambda grad, dim, index: gather(grad, dim, index),
)  # fmt: skip
scatter_value = op(
    "scatter.value(Tensor self, int dim, Tensor index, Scalar value)", "ScatterBackward1", scatter_forward,
    fits=("value",),
    self=lambda grad, dim, index: scatter_value(grad, dim, index, 0),
)  # fmt: skip
scatter_add = op(
    "scatter_add(Tensor self, int dim, Tensor index, Tensor src)", "ScatterAddBackward0", scatter_add_forward,
    self=lambda grad: grad,
    src=lambda grad, dim, index: gather(grad, dim, index),
)  # fmt: skip
index_select = op(
    "index_select(Tensor self, int dim, Tensor index)", "IndexSelectBackward0", index_select_forward,
    contiguous=True,
    self=lambda grad, self_shape, dim, index: (
        grad if not self_shape else index_add(new_zeros(grad, self_shape), dim, index, grad)
    ),
)  # fmt: skip
index_add = op(
    "index_add(Tensor self, int dim, Tensor index, Tensor source, *, Scalar alpha=1)", "IndexAddBackward0",
    index_add_forward,
    fits=("alpha",),
    self=lambda grad: grad,
    source=lambda grad, source, dim, index, alpha: taken(grad, source.shape, dim, index, alpha),
)  # fmt: skip
masked_select = op(
    "masked_select(Tensor self, Tensor mask)", "MaskedSelectBackward0",
    masked_select_forward,
    self=lambda grad, self, mask: masked_scatter(
        new_zeros(grad, broadcast_sizes(self.shape, mask.shape)), mask, grad
    ),
)  # fmt: skip
nonzero_places = op(
    "where.nonzero(Tensor condition) -> (indices[])", None,
    lambda condition: np.nonzero(condition if condition.ndim else condition.reshape(1)),
)  # fmt: skip
masked_scatter = op(
    "masked_scatter(Tensor self, Tensor mask, Tensor source)", "MaskedScatterBackward0", masked_scatter_forward,
    self=lambda grad, mask: masked_fill(grad, mask, 0),
    source=lambda grad, source_shape, mask: masked_scatter_backward(grad, mask, source_shape),
)  # fmt: skip
masked_scatter_backward = op(
    "_masked_scatter_backward(Tensor grad_output, Tensor mask, int[] sizes)", "MaskedScatterBackwardBackward0",
    lambda grad_output, mask, sizes: masked_source(masked_select(grad_output, mask), sizes),
    grad_output=lambda grad, grad_output_shape, mask: masked_scatter(new_zeros(grad, grad_output_shape), mask, grad),
)  # fmt: skip
sort = op(
    "sort(Tensor self, int dim=-1, bool descending=False) -> (values, indices)", "SortBackward0",
    lambda self, dim, descending: sort_forward(self, dim, descending), constant=("indices",),
    check=refuse(c=" Sort does not support complex dtypes on CPU"),
    self=lambda grad, self_shape, dim, indices: scatter(new_zeros(grad, self_shape), dim, indices, grad),
)  # fmt: skip
topk = op(
    "topk(Tensor self, int k, int dim=-1, bool largest=True, bool sorted=True) -> (values, indices)", "TopkBackward0",
    lambda self, k, dim, largest, sorted: topk_forward(self, k, dim, largest, sorted), constant=("indices",),
    check=refuse(b="topk does not support bool dtypes on CPU", c=" topk does not support complex dtypes on CPU"),
    self=lambda grad, self_shape, dim, indices: scatter(new_zeros(grad, self_shape), dim, indices, grad),
)  # fmt: skip
argsort = op(
    "argsort(Tensor self, int dim=-1, bool descending=False)", None,
    lambda self, dim, descending: sort_forward(self, dim, descending)[1],
    check=refuse(c=" Sort does not support complex dtypes on CPU"),
)  # fmt: skip


def taken(grad: Any, shape: Shape, dim: int, index: Any, alpha: float = 1) -> Any:
    """The gradient of what is added or copied to the places of `index`."""
    part = index_select(grad, dim, index)
    part = expand(part, shape) if shape else part
    return part if alpha == 1 else part * alpha


def sort_forward(self: Any, dim: int, descending: bool, stable: bool = False) -> tuple[Any, Any]:
    """Values and indices in order along `dim`; equal values keep theirs if `stable`, NaN is the largest."""
    if self.ndim == 0:
        wrap_dim(dim, 0)
        return self.copy(), np.zeros_like(self, np.int64)
    dim = wrap_dim(dim, self.ndim)
    indices = np.moveaxis(sorted_places(np.moveaxis(self, dim, -1), descending, stable), -1, dim)
    values, places = empty_like(self, self.dtype), empty_like(self, np.int64)  # both in the memory order of `self`
    values[...] = np.take_along_axis(self, indices, axis=dim)
    places[...] = indices
    return values, places


def topk_forward(self: Any, k: int, dim: int, largest: bool, sorted: bool) -> tuple[Any, Any]:
    dim = wrap_dim(dim, self.ndim)
    size = self.shape[dim] if self.ndim else 1
    if not 0 <= k <= size:
        raise UserError("value", "selected index k out of range")
    if not self.ndim:
        return self.copy(), np.zeros_like(self, np.int64)
    lines = np.moveaxis(self, dim, -1)
    places = top_places(lines, k, largest, sorted)
    values, indices = (
        as_contiguous(np.moveaxis(found, -1, dim)) for found in (np.take_along_axis(lines, places, -1), places)
    )
    return values, indices


def sliced(self: Any, key: tuple[Any, ...]) -> tuple[Any, list[Any]]:
    """`self` after the integers, slices, None and `...` of `key`, and the index tensors that remain."""
    if self.ndim == 0 and any(isinstance(item, int) and not isinstance(item, bool) for item in key):
        raise UserError("shape", NO_DIM_TO_INDEX)
    specified = sum(
        item.ndim if is_mask(item) else 1
        for item in key
        if item is not None and item is not Ellipsis and not isinstance(item, bool)
    )
    if specified > self.ndim:
        raise UserError("shape", f"too many indices for tensor of dimension {self.ndim}")
    whole = self.shape
    dim = 0
    indices: list[Any] = []
    for item in key:
        if item is Ellipsis:
            dim += len(whole) - specified
        elif item is None:
            self = unsqueeze(self, dim)
            dim += 1
        elif isinstance(item, bool):
            self = unsqueeze(self, dim)
            indices = [*indices, *[None] * (dim - len(indices)), make_index([item], self)]
            dim += 1
        elif isinstance(item, int):
            self = selected(self, dim, item)
        elif isinstance(item, slice):
            if item.step is not None and item.step <= 0:
                raise UserError("value", "step must be greater than zero")
            if not is_whole(item, self.shape[dim]):
                self = slice_(self, dim, item.start, item.stop, item.step or 1)
            dim += 1
        elif item.ndim == 0 and dtype_kind(item.dtype) in "iu":
            self = selected(self, dim, item.array.item())
        else:
            indices = [*indices, *[None] * (dim - len(indices)), item]
            dim += item.ndim if is_mask(item) else 1
            if is_mask(item) and item.ndim != 1:
                dim -= item.ndim - 1  # one place in the list, several dimensions of the tensor
    return self, indices


NO_DIM_TO_INDEX = (
    "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to convert a 0-dim "
    "tensor to a number"
)


def is_whole(item: slice, length: int) -> bool:
    return item.start in (None, 0) and (item.stop is None or item.stop >= length) and item.step in (None, 1)


def selected(self: Any, dim: int, place: int) -> Any:
    if self.ndim == 0:
        raise UserError("shape", NO_DIM_TO_INDEX)
    size = self.shape[dim]
    if not -size <= place < size:
        raise UserError("shape", f"index {place} is out of bounds for dimension {dim} with size {size}")
    return select(self, dim, place)


def is_mask(item: Any) -> bool:
    return getattr(item, "dtype", None) is not None and dtype_kind(item.dtype) == "b"


def make_index(value: Any, like: Any) -> Any:
    """`value` as an index: a Tensor if `like` is one, else an array."""
    array = beside(as_array(getattr(like, "array", like)), np.asarray(value))
    return Tensor(array) if isinstance(like, Tensor) else array


def as_key(key: Any, like: Any) -> tuple[Any, ...]:
    """An index expression as a tuple; lists become index tensors, 0-dim masks bools."""
    items = key if isinstance(key, tuple) else (key,)
    return tuple(
        make_index(item or np.zeros(0, np.int64), like) if isinstance(item, list) else item.array.item()
        if isinstance(item, Tensor) and item.ndim == 0 and dtype_kind(item.dtype) == "b" else item
        for item in items
    )  # fmt: skip


@composite("_getitem(Tensor self, Key key)")
def getitem(self: Any, key: Any) -> Any:
    """`self[key]`, by the views and the one gather that torch makes of it."""
    if key is Ellipsis:
        return alias(self)
    if isinstance(key, slice):
        return slice_.call(self, 0, key.start, key.stop, 1 if key.step is None else key.step)
    result, indices = sliced(self, as_key(key, self))
    if indices:
        return index(result, indices)
    return alias(self) if result is self else result


@composite("_setitem(Tensor self, Key key, Tensor value)")
def setitem(self: Any, key: Any, value: Any) -> None:
    """`self[key] = value`, in place on the view that the key's slices make."""
    from gradcli.ops.views import SHARED_ELEMENTS, check_recordable, overlaps

    target, indices = sliced(self, as_key(key, self))
    if indices:
        one_everywhere = value.array.size == 1 and all(item is None or is_mask(item) for item in indices)
        if grad_mode.enabled and target.requires_grad:
            check_recordable(target)
        if not one_everywhere and overlaps(target.array, value.array):
            raise UserError("autograd", SHARED_ELEMENTS)
        index_put.inplace(target, indices, without_leading_ones(value), False)
    elif value.shape == target.shape:
        copy.inplace(target, value)
    elif value.ndim == 0:
        fill_tensor_in_place.inplace(target, value)
    else:
        shape = without_ones(value.shape)
        copy.inplace(target, expand_if_needed(view(value, shape), target.shape))


def without_ones(shape: Shape) -> Shape:
    """`shape` without its leading ones."""
    first = next((place for place, length in enumerate(shape) if length != 1), len(shape))
    return shape[first:]


def without_leading_ones(value: Any) -> Any:
    shape = without_ones(value.shape)
    return value if shape == value.shape else view(value, shape)


def expand_if_needed(value: Any, shape: Shape) -> Any:
    return value if value.shape == shape else expand(value, shape)
