"""The layout of memory: asked for, compared, and dense where torch has others, too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gradcli.engine.device import as_strided as window
from gradcli.engine.device import device_of, memory_address, np
from gradcli.engine.dtypes import default_dtype
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.ops.copies import to_dtype
from gradcli.ops.create import FACTORY, checked_size, made
from gradcli.ops.define import composite
from gradcli.ops.views import element_strides, extent, in_order


@composite(f"empty_strided(int[] size, int[] stride, {FACTORY})")
def empty_strided(
    size: Sequence[int], stride: Sequence[int], dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Zeros, with so many elements of memory from one to the next along each dimension."""
    if len(size) != len(stride):
        raise UserError(
            "shape", f"dimensionality of sizes ({len(size)}) must match dimensionality of strides ({len(stride)})"
        )
    dtype = dtype or default_dtype.floating
    shape = checked_size(size, dtype)
    if min(stride, default=0) < 0:
        raise UserError(
            "shape", f"Storage size calculation overflowed with sizes={list(size)} and strides={list(stride)}"
        )
    memory = np.zeros(checked_size((extent(shape, stride, 0),), dtype), dtype)
    return made(window(memory, shape, tuple(step * dtype.itemsize for step in stride)), requires_grad, device)


@composite(f"new_empty_strided(Tensor self, int[] size, int[] stride, {FACTORY})")
def new_empty_strided(
    self: Tensor,
    size: Sequence[int],
    stride: Sequence[int],
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Zeros like those of `empty_strided`, with the dtype and the device of `self` unless others are given."""
    result: Tensor = empty_strided(size, stride, dtype or self.dtype, device or device_of(self.array), requires_grad)
    return result


@composite(f"empty_permuted(int[] size, int[] physical_layout, {FACTORY})")
def empty_permuted(
    size: Sequence[int],
    physical_layout: Sequence[int],
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Zeros, whose dimensions lie in memory in the order of `physical_layout`, the outermost one first."""
    if len(size) != len(physical_layout):
        raise UserError(
            "shape",
            "Number of dimensions in size does not match the length of the physical_layout; i.e. len(size) = "
            f"{len(size)} is not equal to len(physical_layout) = {len(physical_layout)}",
        )
    for place, dim in enumerate(physical_layout):
        if not 0 <= dim < len(size):
            raise UserError(
                "shape",
                f"Dimension out of range (expected to be between 0 and {len(size) - 1}, but got {dim} at index "
                f"{place}).  NB: negative dims not currently supported; file an issue if you want it.",
            )
    if len(set(physical_layout)) < len(size):
        raise UserError("shape", "Duplicate dim not allowed")
    dtype = dtype or default_dtype.floating
    zeros = in_order(lambda lengths: np.zeros(lengths, dtype), checked_size(size, dtype), physical_layout)
    return made(zeros, requires_grad, device)


@composite("is_set_to(Tensor self, Tensor tensor)")
def is_set_to(self: Tensor, tensor: Tensor) -> bool:
    """Whether two tensors show the same memory in the same way."""
    shown, other = ((memory_address(one.memory), one.shape, element_strides(one.memory)) for one in (self, tensor))
    return shown == other


@composite("to_dense(Tensor self, ScalarType? dtype=None, *, bool? masked_grad=None)")
def to_dense(self: Tensor, dtype: Any = None, masked_grad: bool | None = None) -> Tensor:
    """A dense tensor is itself; `masked_grad` is about others."""
    dense: Tensor = self if dtype is None or dtype == self.dtype else to_dtype(self, dtype)
    return dense


@composite("dense_dim(Tensor self)")
def dense_dim(self: Tensor) -> int:
    return self.ndim


@composite("sparse_dim(Tensor self)")
def sparse_dim(self: Tensor) -> int:
    return 0


@composite("is_pinned(Tensor self)")
def is_pinned(self: Tensor) -> bool:
    return False


@composite("is_shared(Tensor self)")
def is_shared(self: Tensor) -> bool:
    """Whether other processes see the memory: as torch has it, that of every GPU."""
    return device_of(self.array) != "cpu"


@composite("is_distributed(Tensor self)")
def is_distributed(self: Tensor) -> bool:
    return False


@composite("is_storage(any obj)")
def is_storage(obj: Any) -> bool:
    return False
