"""Writing at indices with a reduction, and elements picked and put by their places in one row."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from gradcli.engine import memory
from gradcli.engine.device import as_array, combine_at, np
from gradcli.engine.device import scatter_add as scatter_add_at
from gradcli.engine.dtypes import TYPE_NAMES, dtype_kind
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.ops.arithmetic import no_derivative, remainder_scalar
from gradcli.ops.copies import masked_fill, ones_like, to_dtype, where, zeros_like
from gradcli.ops.define import composite, op
from gradcli.ops.index import (
    at_index,
    check_slices,
    checked,
    gather,
    index_add,
    index_select,
    nonzero_places,
    scatter_add,
    scatter_places,
    scatter_value,
    taken,
)
from gradcli.ops.reduce import index_fill
from gradcli.ops.shape import broadcast_sizes, expand, reshape, view, wrap_dim

REDUCTIONS = ("sum", "prod", "mean", "amax", "amin")


def reduced(result: Any, places: Any, values: Any, reduce: str, include_self: bool) -> None:
    """Reduce `values` into the elements of `result` at `places`, in place."""
    combine = {"prod": np.multiply, "amax": np.maximum, "amin": np.minimum}.get(reduce, np.add)
    if not include_self:
        result[places] = neutral(reduce, result.dtype)
    if combine is np.add:
        scatter_add_at(result, places, values)
    else:
        combine_at(combine, result, places, values)
    if reduce == "mean":
        count = np.full_like(result, include_self)
        scatter_add_at(count, places, np.ones_like(values))
        count[count == 0] = 1
        result[...] = result // count if dtype_kind(result.dtype) in "iu" else result / count


def neutral(reduce: str, dtype: Any) -> Any:
    """What leaves every other number as it is in the reduction."""
    if reduce in ("amax", "amin"):
        lowest = reduce == "amax"
        if dtype_kind(dtype) == "f":
            return -np.inf if lowest else np.inf
        if dtype_kind(dtype) == "b":
            return not lowest
        return np.iinfo(dtype).min if lowest else np.iinfo(dtype).max
    return 1 if reduce == "prod" else 0


def scatter_reduce_forward(self: Any, dim: int, index: Any, src: Any, reduce: str, include_self: bool) -> Any:
    if reduce not in REDUCTIONS:
        raise UserError("value", f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}")
    result, places, values = scatter_places(self, dim, index, src)
    reduced(result, places, values, reduce, include_self)
    return result.reshape(self.shape)


def scatter_with_forward(self: Any, dim: int, index: Any, src: Any, reduce: str) -> Any:
    if reduce not in ("add", "multiply"):
        raise UserError("value", "reduce argument must be either add or multiply.")
    result, places, values = scatter_places(self, dim, index, src)
    if reduce == "add":
        scatter_add_at(result, places, values)
    else:
        combine_at(np.multiply, result, places, values)
    return result.reshape(self.shape)


def index_copy_forward(self: Any, dim: int, index: Any, source: Any) -> Any:
    dim = wrap_dim(dim, self.ndim)
    if index.ndim > 1:
        raise UserError("shape", f"index_copy_(): Index should have dimension 1 or 0 (got {index.ndim})")
    if self.dtype != source.dtype:
        first, second = (TYPE_NAMES[array.dtype.name] for array in (self, source))
        raise UserError(
            "type",
            "index_copy_(): self and source expected to have the same dtype, but got (self) "
            f"{first} and (source) {second}",
        )
    if index.dtype.name != "int64":
        name = TYPE_NAMES[index.dtype.name]
        raise UserError("type", f"index_copy_(): Expected a long tensor for index, but got {name}")
    if source.ndim != self.ndim and source.ndim and self.ndim:
        raise UserError(
            "shape",
            "index_copy_(): When source and destination are not scalars, their dimensionality must match. Source "
            f"dimensionality ({source.ndim}), destination dimensionality ({self.ndim})",
        )
    given = source.shape[dim] if source.ndim else 1
    if index.size != given:
        raise UserError(
            "shape",
            f"index_copy_(): Number of indices ({index.size}) should be equal to source.size(dim) ({given})",
        )
    slices = [array.shape[:dim] + array.shape[dim + 1 :] for array in (self, source)]
    if slices[0] != slices[1]:
        first, second = (" ".join(map(str, shape)) for shape in slices)
        raise UserError(
            "shape",
            "index_copy_(): Source/destination tensor must have same slice shapes. Destination slice shape: "
            f"{first} at dimension {dim} and source slice shape: {second} at dimension 0.",
        )
    checked(index.reshape(-1), self.shape[dim] if self.ndim else 1, dim, "index_copy_(): ")
    return at_index(self, dim, index, source, lambda result, places, values: result.__setitem__(places, values))


def index_reduce_forward(self: Any, dim: int, index: Any, source: Any, reduce: str, include_self: bool) -> Any:
    dim = wrap_dim(dim, self.ndim)
    if reduce not in REDUCTIONS[1:]:
        raise UserError(
            "value", f"index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got {reduce}."
        )
    if self.dtype != source.dtype:
        first, second = (TYPE_NAMES[array.dtype.name] for array in (self, source))
        raise UserError(
            "type", f"index_reduce_(): self ({first}) and source ({second}) must have the same scalar type"
        )  # fmt: skip
    if dim >= max(source.ndim, 1):
        raise UserError(
            "shape", f"index_reduce_(): Indexing dim {dim} is out of bounds of the source tensor with dim {source.ndim}"
        )
    given = source.shape[dim] if source.ndim else 1
    if index.size != given:
        raise UserError(
            "shape", f"index_reduce_(): Number of indices ({index.size}) should be equal to source.size(dim): "
            f"({given}), for dim: {dim}"
        )  # fmt: skip
    check_slices(self, dim, source)
    if index.size and not 0 <= index.min().item() <= index.max().item() < (self.shape[dim] if self.ndim else 1):
        raise UserError("shape", "index out of range in self")
    return at_index(
        self, dim, index, source,
        lambda result, places, values: reduced(result, places, values, reduce, include_self),
    )  # fmt: skip


def in_one_row(self: Any, index: Any, name: str) -> Any:
    """`index`, into the elements of `self` in order, counted from the front."""
    if index.dtype.name != "int64":
        raise UserError("type", f"{name}(): Expected a long tensor for index, but got {TYPE_NAMES[index.dtype.name]}")
    if index.size and self.size == 0:
        raise UserError("shape", f"{name.rstrip('_')}(): tried to {name.rstrip('_')} from an empty tensor")
    wrong = index[(index < -self.size) | (index >= self.size)]
    if wrong.size:
        raise UserError(
            "shape",
            f"out of range: tried to access index {wrong.reshape(-1)[0].item()} on a tensor of {self.size} elements.",
        )
    return index % max(self.size, 1)


def put_forward(self: Any, index: Any, source: Any, accumulate: bool) -> Any:
    if index.size != source.size:
        raise UserError(
            "shape",
            "put_(): Expected source and index to have the same number of elements, but got source.numel() = "
            f"{source.size}, index.numel() = {index.size}",
        )
    if index.dtype.name == "int64" and self.dtype != source.dtype:
        first, second = (TYPE_NAMES[array.dtype.name] for array in (self, source))
        raise UserError(
            "type",
            f"put_(): self and source expected to have the same dtype, but got self.dtype = {first} and source.dtype = "
            f"{second}",
        )
    places = in_one_row(self, index, "put_").reshape(-1)
    result = self.reshape(-1).copy()
    if accumulate:
        scatter_add_at(result, places, source.reshape(-1))
    else:
        result[places] = source.reshape(-1)
    return result.reshape(self.shape)


def scatter_reduce_backward(
    grad: Any, self: Any, dim: int, index: Any, src: Any, reduce: str, include_self: bool, result: Any
) -> tuple[Any, Any]:
    if reduce not in ("sum", "mean"):
        broadcast_sizes(src.shape, index.shape)  # torch fails here where more is given than the index takes
    to_self, to_src = reduce_backward(
        grad, self, src, reduce, include_self, result,
        lambda tensor: gather(tensor, dim, index),
        lambda tensor, added: scatter_add(tensor, dim, index, added),
        lambda tensor, other: scatter_reduce(tensor, dim, index, other, reduce, include_self),
    )  # fmt: skip
    return (to_self if include_self else scatter_value(to_self, dim, index, 0)), to_src


def index_reduce_backward(
    grad: Any, self: Any, dim: int, index: Any, source: Any, reduce: str, include_self: bool, result: Any
) -> tuple[Any, Any]:
    to_self, to_source = reduce_backward(
        grad, self, source, reduce, include_self, result,
        lambda tensor: index_select(tensor, dim, index),
        lambda tensor, added: index_add(tensor, dim, index, added),
        lambda tensor, other: index_reduce(tensor, dim, index, other, reduce, include_self),
    )  # fmt: skip
    return (to_self if include_self else index_fill(to_self, dim, index, 0)), to_source


def reduce_backward(
    grad: Any,
    self: Any,
    src: Any,
    reduce: str,
    include_self: bool,
    result: Any,
    pick: Callable[[Any], Any],
    add: Callable[[Any, Any], Any],
    again: Callable[[Any, Any], Any],
) -> tuple[Any, Any]:
    """The gradients by `self`, as if it was included, and by `src`.

    `pick` reads a tensor at the indices, `add` adds there, `again` is the reduction itself.
    """
    if reduce == "sum":
        return grad, pick(grad)
    if reduce == "mean":
        count = add(ones_like(grad) if include_self else zeros_like(grad), ones_like(src))
        count = masked_fill(count, count == 0, 1)
        return grad / count, pick(grad) / pick(count)
    if reduce == "prod":  # where one factor is zero, its gradient is the product of the others
        own = masked_fill(self, self == 0, 1)
        zero = src == 0
        zeros_met = pick(add(zeros_like(self), to_dtype(zero, self.dtype)))
        only_zero = zero & (zeros_met == 1)
        others = again(self, masked_fill(src, only_zero, 1))
        return grad * again(own, src) / own, where(
            only_zero, pick(grad * others), pick(grad * result) / masked_fill(src, zero, 1)
        )
    self_won, src_won = self == result, src == pick(result)  # equal extremes share the gradient
    winners = add(to_dtype(self_won, self.dtype), to_dtype(src_won, self.dtype))
    share = grad / winners
    return self_won * share, src_won * pick(share)


scatter_reduce = op(
    "scatter_reduce(Tensor self, int dim, Tensor index, Tensor src, str reduce, *, bool include_self=True)",
    "ScatterReduceBackward0", scatter_reduce_forward, constant=("index",),
    real_only="scatter_reduce",
    joint=lambda grad, self, dim, index, src, reduce, include_self, result: scatter_reduce_backward(
        grad, self, dim, index, src, reduce, include_self, result
    ),
)  # fmt: skip
scatter_with = op(
    "scatter.reduce(Tensor self, int dim, Tensor index, Tensor src, *, str reduce)", "NotImplemented",
    scatter_with_forward,
    self=no_derivative("scatter"),
    src=no_derivative("scatter"),
)  # fmt: skip
scatter_value_with = op(
    "scatter.value_reduce(Tensor self, int dim, Tensor index, Scalar value, *, str reduce)", "NotImplemented",
    scatter_with_forward,
    self=no_derivative("scatter"),
)  # fmt: skip
index_copy = op(
    "index_copy(Tensor self, int dim, Tensor index, Tensor source)", "IndexCopyBackward0", index_copy_forward,
    self=lambda grad, dim, index: index_fill(grad, dim, index, 0),
    source=lambda grad, source, dim, index: taken(grad, source.shape, dim, index),
)  # fmt: skip
index_reduce = op(
    "index_reduce(Tensor self, int dim, Tensor index, Tensor source, str reduce, *, bool include_self=True)",
    "IndexReduceBackward0", index_reduce_forward, constant=("index",),
    real_only="index_reduce",
    joint=lambda grad, self, dim, index, source, reduce, include_self, result: index_reduce_backward(
        grad, self, dim, index, source, reduce, include_self, result
    ),
)  # fmt: skip
take = op(
    "take(Tensor self, Tensor index)", "TakeBackward0",
    lambda self, index: self.reshape(-1)[in_one_row(self, index, "take")],
    self=lambda grad, self, index: put(zeros_like(self), index, grad, True),
)  # fmt: skip
put = op(
    "put(Tensor self, Tensor index, Tensor source, bool accumulate=False)", "PutBackward0", put_forward,
    self=lambda grad, source, index, accumulate: grad if accumulate else put(grad, index, zeros_like(source)),
    source=lambda grad, source, index: reshape(take(grad, index), source.shape),
)  # fmt: skip
argwhere = op("argwhere(Tensor self)", None, np.argwhere)


@composite("nonzero(Tensor self, *, bool as_tuple=False)")
def nonzero(self: Any, as_tuple: bool = False) -> Any:
    return nonzero_places(self) if as_tuple else argwhere(self)


@composite("nonzero_static(Tensor self, *, int size, int fill_value=-1)")
def nonzero_static(self: Any, size: int, fill_value: int = -1) -> Any:
    """The first `size` rows of `nonzero`, or all of them and rows of `fill_value`."""
    if size < 0:
        raise UserError("value", "nonzero_static: 'size' must be an non-negative integer")
    memory.check((size, self.ndim), np.dtype(np.int64))
    found = argwhere(self).array[:size]
    result = np.full_like(found, fill_value, shape=(size, self.ndim))
    result[: len(found)] = found
    return Tensor(result)


@composite("unravel_index(Tensor indices, int|int[] shape)")
def unravel_index(indices: Any, shape: Any) -> Any:
    """For each dimension of a tensor of `shape` the index into it, from `indices` into all its elements in a row."""
    if dtype_kind(indices.dtype) not in "iu":
        raise UserError("type", f"expected 'indices' to be integer dtype, but got torch.{indices.dtype.name}")
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    if min(sizes, default=0) < 0:
        raise UserError("value", f"'shape' cannot have negative values, but got {sizes}")
    if 0 in sizes and indices.array.size:
        raise UserError("value", "ZeroDivisionError")
    # without the check against the number of elements that NumPy's function of this name makes
    behind = [math.prod(sizes[dim + 1 :]) for dim in range(len(sizes))]
    places = indices.array.astype(np.int64)
    return tuple(
        Tensor(as_array(places // max(step, 1) % max(length, 1))) for step, length in zip(behind, sizes, strict=True)
    )


@composite("take_along_dim(Tensor self, Tensor indices, int? dim=None)")
def take_along_dim(self: Any, indices: Any, dim: int | None = None) -> Any:
    """The elements at `indices` along `dim`, or of all in one row."""
    if indices.dtype.name != "int64" and (dim is not None or indices.array.size):
        raise UserError(
            "type",
            f"torch.take_along_dim(): dtype of indices should be Long but got {TYPE_NAMES[indices.dtype.name]}",
        )
    if dim is None:
        return gather(view(self, (-1,)), 0, view(indices, (-1,)))
    if self.ndim != indices.ndim:
        raise UserError(
            "shape",
            "torch.take_along_dim(): input and indices should have the same number of dimensions, but got "
            f"{self.ndim} dimensions for input, and {indices.ndim} dimensions for indices",
        )
    dim = wrap_dim(dim, self.ndim)
    length = self.shape[dim]
    shape = list(broadcast_sizes((*self.shape[:dim], indices.shape[dim], *self.shape[dim + 1 :]), indices.shape))
    places = expand(indices, shape)
    shape[dim] = length
    # counted from the end if negative; and torch takes them around again beyond the end, too
    return gather(expand(self, shape), dim, remainder_scalar(places, length) if length else places)
