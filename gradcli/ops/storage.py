"""Tensors on other memory: of another size, on that of another tensor, or back on all that they are a part of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from gradcli.engine import memory
from gradcli.engine.device import np, zeros_beside
from gradcli.engine.dtypes import C_NAMES, INTEGER_NAMES
from gradcli.engine.mode import warn
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.ops.arithmetic import no_derivative
from gradcli.ops.create import made_new, new_tensor
from gradcli.ops.define import composite, op
from gradcli.ops.method import Size
from gradcli.ops.shape import alias, contiguous, is_contiguous, new_zeros, slice_, view
from gradcli.ops.views import View, as_strided_forward, element_strides, offset_in, storage_of
from gradcli.ops.windows import checked_window, reshaped, slice_scatter


def slice_inverse_forward(self: Any, src: Any, dim: int, start: int | None, end: int | None, step: int) -> Any:
    first = offset_in(storage_of(src), src)
    return as_strided_forward(self, *checked_window(self, src.shape, element_strides(src), first))


def resize_forward(self: Any, size: Sequence[int]) -> Any:
    """A window of `size` on the memory of `self`, or on a copy of it that is large enough."""
    memory.check(size, self.dtype)
    stored = storage_of(self)
    first = offset_in(stored, self)
    needed = first + math.prod(size)
    if needed > stored.size:
        more = zeros_beside(self, (needed,))
        more[: stored.size] = stored
        stored = more
    return stored[first:needed].reshape(size)


# torch trusts its users that `self` is that slice of what `src` is laid out like
slice_inverse = op(
    "slice_inverse(Tensor self, Tensor src, int dim=0, int? start=None, int? end=None, int step=1)",
    "SliceInverseBackward0", slice_inverse_forward, view=True,
    real_only="slice_inverse",
    self=lambda grad, dim, start, end, step: slice_(grad, dim, start, end, step),
    src=lambda grad, self_shape, dim, start, end, step: slice_scatter(
        grad, new_zeros(grad, self_shape), dim, start, end, step
    ),
)  # fmt: skip
resized = op(
    "_resize(Tensor self, int[] sizes)", "ResizeBackward", lambda self, sizes: self.reshape(sizes), view=True,
    self=lambda grad, self_shape: view(contiguous(grad), self_shape),
)  # fmt: skip
resized_copy = op(
    "_resize_copy(Tensor self, int[] sizes)", "ResizeBackward", lambda self, sizes: self.copy("C").reshape(sizes),
    self=lambda grad, self_shape: view(contiguous(grad), self_shape),
)  # fmt: skip
resized_in_place = op("_resize_(Tensor self, int[] size)", None, resize_forward)
put_on = op(
    "_set_(Tensor self, Tensor source)", "NotImplemented", lambda self, source: source[...],
    self=no_derivative("set_", ""), source=no_derivative("set_", ""),
)  # fmt: skip


def in_other_shape(self: Tensor, shape: Sequence[int], name: str) -> Any:
    warn(f"non-inplace {name} is deprecated")
    wanted, size = math.prod(shape), self.array.size
    if wanted != size:
        raise UserError(
            "shape",
            f"requested resize to {in_words(shape)} ({wanted} elements in total), but the given tensor has a size of "
            f"{in_words(self.shape)} ({size} elements). autograd's resize can only change the shape of a given tensor, "
            "while preserving the number of elements. ",
        )
    if is_contiguous(self):
        result = resized(self, shape)
    else:
        copied = resized_copy(self, shape)
        result = View(copied.array, copied.edge, Tensor(copied.array))
    if result.creation == "default":
        result.creation = "function"
    return result


def in_words(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))


@composite("Tensor::resize(Tensor self, int[] sizes)")
def resize(self: Tensor, sizes: Sequence[int]) -> Any:
    """All elements of `self`, row by row, in another shape."""
    return in_other_shape(self, sizes, "resize")


@composite("Tensor::resize_as(Tensor self, Tensor tensor)")
def resize_as(self: Tensor, tensor: Tensor) -> Any:
    """All elements of `self`, row by row, in the shape of `tensor`."""
    return in_other_shape(self, tensor.shape, "resize_as")


@composite("Tensor::resize_(Tensor self, int[] size, *, Tensor? memory_format=None)")
def resize_(self: Tensor, size: Sequence[int], memory_format: Any = None) -> Tensor:
    """The memory of `self` from its first element on, in another shape; where it ends, zeros follow."""
    if self.requires_grad:
        raise UserError("autograd", "cannot resize variables that require grad")
    if min(size, default=0) < 0:
        raise UserError("shape", "numel: integer multiplication overflow")
    if tuple(size) == self.shape:
        return self
    own = storage_of(self.memory)
    if isinstance(self, View) and offset_in(own, self.memory) + math.prod(size) > own.size:
        raise UserError("shape", "resize_() of a view beyond the memory of its base is not available")
    return reshaped(self, resized_in_place, size)


@composite("resize_as_(Tensor self, Tensor the_template, *, Tensor? memory_format=None)")
def resize_as_(self: Tensor, the_template: Tensor, memory_format: Any = None) -> Tensor:
    """`self` in the shape of `the_template`, as `resize_` makes it."""
    changed: Tensor = resize_(self, the_template.shape)
    return changed


@composite("Tensor::set_(Tensor self)")
def set_empty(self: Tensor) -> Tensor:
    """`self` without elements, on memory of its own."""
    return reshaped(self, put_on, Tensor(zeros_beside(self.array, (0,))))


@composite("Tensor::set_.source(Tensor self, Tensor source)")
def set_source(self: Tensor, source: Tensor) -> Tensor:
    """`self` on the memory of `source`, each with a version count of its own."""
    if self.mirror is not None or source.mirror is not None:
        raise UserError("type", "set_() of conjugates and negatives that are not resolved is not available")
    if source.dtype != self.dtype:
        other, own = (INTEGER_NAMES.get(one.dtype.name, C_NAMES[one.dtype.name]) for one in (source, self))
        raise UserError("type", f"Could not set tensor of type {other} to a tensor of type {own}")
    return reshaped(self, put_on, source)


@composite("Tensor::set_.window(Tensor self, Tensor source, int storage_offset, int[] size, int[] stride=[])")
def set_window(
    self: Tensor, source: Tensor, storage_offset: int, size: Sequence[int], stride: Sequence[int] = ()
) -> Tensor:
    """`self` as a window on the memory of `source`, by default row by row."""
    steps = stride or [math.prod(size[place + 1 :]) for place in range(len(size))]
    place = checked_window(source.array, size, steps, storage_offset)
    changed: Tensor = set_source(self, Tensor(as_strided_forward(source.array, *place), source.edge))
    return changed


@composite("Tensor::new.other(Tensor self, Tensor other, *, Device? device=None)")
def new_other(self: Tensor, other: Tensor, device: Any = None) -> Any:
    """A view of all of `other`, which has the dtype of `self`."""
    if other.dtype != self.dtype:
        raise UserError(
            "type", f"expected TensorOptions(dtype={C_NAMES[self.dtype.name]}, device=cpu, layout=Strided, "
            "requires_grad=false (default), pinned_memory=false (default), memory_format=(nullopt)) (got "
            f"TensorOptions(dtype={INTEGER_NAMES.get(other.dtype.name, C_NAMES[other.dtype.name])}, ...))"
        )  # fmt: skip
    return alias(other)


@composite("Tensor::new.data(Tensor self, any data, *, Device? device=None)")
def new_data(self: Tensor, data: Any, device: Any = None) -> Tensor:
    """The numbers `data` in the dtype of `self`; an integer, or a shape, is the size of a tensor of zeros."""
    if isinstance(data, int | Size) and not isinstance(data, bool):
        return made_new(self, np.zeros, [data] if isinstance(data, int) else data, None, device, False)
    if not isinstance(data, list | tuple):
        raise UserError("type", f"new(): data must be a sequence (got {type(data).__name__})")
    made: Tensor = new_tensor(self, data, None, device)
    return made


@composite("Tensor::new.size(Tensor self, int[] size, *, Device? device=None)")
def new_size(self: Tensor, size: Sequence[int], device: Any = None) -> Tensor:
    """Zeros of that size in the dtype of `self`; without a size no elements."""
    return made_new(self, np.zeros, size or (0,), None, device, False)
