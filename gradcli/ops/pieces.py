"""Splits and joins: one tensor as several, which are views of it, and several as one."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from gradcli.engine.device import as_contiguous, np
from gradcli.engine.dtypes import dtype_kind
from gradcli.errors import UserError
from gradcli.ops.define import composite, op
from gradcli.ops.shape import Shape, narrow, new_zeros, select, select_forward, slice_forward, wrap_dim


def split_forward(self: Any, split_size: int, dim: int) -> Any:
    if self.ndim == 0:
        raise UserError("shape", "split expects at least a 1-dimensional tensor")
    if split_size < 0:
        raise UserError("value", f"split expects split_size be non-negative, but got split_size={split_size}")
    length = self.shape[wrap_dim(dim, self.ndim)]
    if split_size == 0 and length:
        raise UserError("value", f"split_size can only be 0 if dimension size is 0, but got dimension size of {length}")
    starts = range(0, length, split_size) if length else [0]
    return [slice_forward(self, dim, start, start + split_size, 1) for start in starts]


def split_sizes_forward(self: Any, split_sizes: Sequence[int], dim: int) -> Any:
    if self.ndim == 0:
        raise UserError("shape", "split_with_sizes expects at least a 1-dimensional tensor")
    length = self.shape[wrap_dim(dim, self.ndim)]
    if min(split_sizes, default=0) < 0:
        raise UserError(
            "value",
            "split_with_sizes expects split_sizes have only non-negative entries, but got split_sizes="
            f"{list(split_sizes)}",
        )
    if sum(split_sizes) != length:
        raise UserError(
            "shape",
            f"split_with_sizes expects split_sizes to sum exactly to {length} (input tensor's size at dimension "
            f"{dim}), but got split_sizes={list(split_sizes)}",
        )
    ends = list(itertools.accumulate(split_sizes))
    return [slice_forward(self, dim, end - size, end, 1) for end, size in zip(ends, split_sizes, strict=True)]


def unbind_forward(self: Any, dim: int) -> Any:
    if self.ndim == 0:
        raise UserError("shape", "Dimension specified as 0 but tensor has no dimensions")
    return [select_forward(self, dim, index) for index in range(self.shape[wrap_dim(dim, self.ndim)])]


def joined(grads: Sequence[Any], sizes: Sequence[int], shape: Shape, dim: int) -> Any:
    """The gradient of a tensor that was split, zeros standing for the parts that have none."""
    dim = wrap_dim(dim, len(shape))
    like = first_of(grads)
    parts = [
        new_zeros(like, (*shape[:dim], size, *shape[dim + 1 :])) if grad is None else grad
        for grad, size in zip(grads, sizes, strict=True)
    ]
    return cat(parts, dim)


def first_of(grads: Sequence[Any]) -> Any:
    """The first gradient that there is."""
    return next(grad for grad in grads if grad is not None)


def even_sizes(length: int, split_size: int) -> list[int]:
    return [min(split_size, length - start) for start in range(0, length, split_size or 1)] or [0]


def cat_forward(tensors: Any, dim: int) -> Any:
    if not tensors:
        raise UserError("value", "torch.cat(): expected a non-empty list of Tensors")
    # torch skips one-dimensional empty tensors, whatever the shape of the others
    arrays = [array for array in tensors if array.shape != (0,)] or list(tensors[:1])
    first = arrays[0]
    for place, array in enumerate(arrays):
        if array.ndim == 0:
            raise UserError("shape", f"zero-dimensional tensor (at position {place}) cannot be concatenated")
    if all(array.shape == (0,) for array in arrays):
        return np.concatenate(arrays)
    dim = wrap_dim(dim, first.ndim)
    for place, array in enumerate(arrays):
        if array.ndim != first.ndim:
            raise UserError("shape", f"Tensors must have same number of dimensions: got {first.ndim} and {array.ndim}")
        for d, (have, want) in enumerate(zip(array.shape, first.shape, strict=True)):
            if d != dim and have != want:
                raise UserError(
                    "shape",
                    f"Sizes of tensors must match except in dimension {dim}. Expected size {want} but got size {have} "
                    f"for tensor number {place} in the list.",
                )
    return as_contiguous(np.concatenate(arrays, axis=dim))


def uncat(grad: Any, shapes: Sequence[Shape], dtypes: Sequence[Any], dim: int) -> list[Any]:
    """The part of `grad` that each of the joined tensors has, a real one the real part of it."""
    if all(shape == (0,) for shape in shapes):
        return [in_kind(grad, dtype) for dtype in dtypes]
    parts, start = [], 0
    dim = wrap_dim(dim, grad.ndim)
    for shape, dtype in zip(shapes, dtypes, strict=True):
        whole = in_kind(grad, dtype)
        if shape == (0,):
            parts.append(new_zeros(whole, (0,)))
            continue
        parts.append(narrow(whole, dim, start, shape[dim]))
        start += shape[dim]
    return parts


def in_kind(grad: Any, dtype: Any) -> Any:
    """The real part of a complex gradient, where it belongs to a tensor of a real `dtype`."""
    return grad.real if dtype_kind(grad.dtype) == "c" and dtype_kind(dtype) != "c" else grad


def stack_forward(tensors: Any, dim: int) -> Any:
    if not tensors:
        raise UserError("value", "stack expects a non-empty TensorList")
    for place, array in enumerate(tensors):
        if array.shape != tensors[0].shape:
            raise UserError(
                "shape",
                f"stack expects each tensor to be equal size, but got {list(tensors[0].shape)} at entry 0 and "
                f"{list(array.shape)} at entry {place}",
            )
    return as_contiguous(np.stack(tensors, axis=wrap_dim(dim, tensors[0].ndim + 1)))


def unstack(grad: Any, shapes: Sequence[Shape], dim: int) -> list[Any]:
    return [select(grad, dim, place) for place in range(len(shapes))]


split = op(
    "split(Tensor self, int split_size, int dim=0) -> (tensors[])", "SplitBackward0", split_forward, view=True,
    self=lambda grads, self_shape, split_size, dim: joined(
        grads, even_sizes(self_shape[dim], split_size), self_shape, dim
    ),
)  # fmt: skip
split_with_sizes = op(
    "split_with_sizes(Tensor self, int[] split_sizes, int dim=0) -> (tensors[])", "SplitWithSizesBackward0",
    split_sizes_forward, view=True,
    self=lambda grads, self_shape, split_sizes, dim: joined(grads, split_sizes, self_shape, dim),
)  # fmt: skip
unbind = op(
    "unbind(Tensor self, int dim=0) -> (tensors[])", "UnbindBackward0", unbind_forward, view=True,
    self=lambda grads, self_shape, dim: stack(
        [new_zeros(first_of(grads), without(self_shape, dim)) if grad is None else grad for grad in grads], dim
    ),
)  # fmt: skip
cat = op(
    "cat(Tensor[] tensors, int dim=0)", "CatBackward0", cat_forward, promote="same",
    tensors=lambda grad, tensors_shape, tensors_dtype, dim: uncat(grad, tensors_shape, tensors_dtype, dim),
)  # fmt: skip
stack = op(
    "stack(Tensor[] tensors, int dim=0)", "StackBackward0", stack_forward, promote="same",
    real_part=True,
    tensors=lambda grad, tensors_shape, dim: unstack(grad, tensors_shape, dim),
)  # fmt: skip


def without(shape: Shape, dim: int) -> Shape:
    dim = wrap_dim(dim, len(shape))
    return shape[:dim] + shape[dim + 1 :]


@composite("split.sizes(Tensor self, int[] split_size, int dim=0)")
def split_sizes(self: Any, split_size: Sequence[int], dim: int = 0) -> Any:
    return split_with_sizes(self, split_size, dim)


@composite("chunk(Tensor self, int chunks, int dim=0)")
def chunk(self: Any, chunks: int, dim: int = 0) -> Any:
    size = chunk_size(self, chunks, dim)
    return split(self, size, dim) if size else split_with_sizes(self, [0] * chunks, dim)


def chunk_size(self: Any, chunks: int, dim: int) -> int:
    """How long each of at most as many `chunks` is."""
    if self.ndim == 0:
        raise UserError("shape", "chunk expects at least a 1-dimensional tensor")
    if chunks <= 0:
        raise UserError("value", f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    length: int = self.shape[wrap_dim(dim, self.ndim)]
    return -(-length // chunks)
