"""Views and rearrangements: the same values in another shape, order or selection."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from gradcli.engine.device import as_strided as window
from gradcli.engine.device import np, zeros_beside
from gradcli.engine.dtypes import empty_like
from gradcli.engine.node import type_text
from gradcli.errors import UserError
from gradcli.ops.define import composite, op

Shape = tuple[int, ...]

WHOLE = slice(None)  # as a part of an index: a dimension as it is


def wrap_dim(dim: int, ndim: int) -> int:
    """`dim` counted from the front; a 0-dim tensor has dims 0 and -1, as in torch."""
    limit = ndim or 1
    if not -limit <= dim < limit:
        raise UserError(
            "shape",
            f"Dimension out of range (expected to be in range of [{-limit}, {limit - 1}], but got {dim})",
        )
    return dim % limit


def wrap_dims(dim: int | Sequence[int], ndim: int) -> Shape:
    """Several dimensions counted from the front, none twice; none at all for a 0-dim tensor."""
    if isinstance(dim, int):
        dims: Shape = (wrap_dim(dim, ndim),)
    elif len(dim) == 1:
        dims = (wrap_dim(dim[0], ndim),)
    else:
        dims = tuple([wrap_dim(d, ndim) for d in dim])
        for place, one in enumerate(dims):
            if one in dims[:place]:
                raise UserError("shape", f"dim {one} appears multiple times in the list of dims")
    return dims if ndim else ()


def infer_size(shape: Sequence[int], numel: int) -> Shape:
    """`shape` with its -1, if any, such that it has `numel` elements."""
    shape = tuple(shape)
    known = math.prod(n for n in shape if n != -1)
    unknown = shape.count(-1)
    if unknown > 1:
        raise UserError("shape", "only one dimension can be inferred")
    for place, length in enumerate(shape):
        if length < -1:
            raise UserError("shape", f"invalid shape dimension {length} at index {place} of shape {list(shape)}")
    if unknown and known == 0:
        raise UserError(
            "shape",
            f"cannot reshape tensor of {numel} elements into shape {list(shape)} because the unspecified dimension "
            "size -1 can be any value and is ambiguous",
        )
    if numel % known if unknown else numel != known:
        raise UserError("shape", f"shape '{list(shape)}' is invalid for input of size {numel}")
    return tuple(numel // known if n == -1 else n for n in shape)


def broadcast_sizes(*shapes: Shape) -> Shape:
    """The common shape of broadcast operands; a UserError in torch's words where there is none."""
    result: list[int] = []
    for shape in shapes:
        for place in range(1, len(shape) + 1):
            if place > len(result):
                result.insert(0, shape[-place])
            elif shape[-place] != result[-place] and shape[-place] != 1:
                if result[-place] != 1:
                    raise UserError(
                        "shape",
                        f"The size of tensor a ({result[-place]}) must match the size of tensor b ({shape[-place]}) at "
                        f"non-singleton dimension {max(len(shape), len(result)) - place}",
                    )
                result[-place] = shape[-place]
    return tuple(result)


def view_forward(self: Any, size: Sequence[int]) -> Any:
    shape = infer_size(size, self.size)
    self = as_memory(self)
    result = self.reshape(shape)
    if self.size and not np.may_share_memory(self, result):
        raise UserError(
            "shape",
            "view size is not compatible with input tensor's size and stride (at least one dimension spans across two "
            "contiguous subspaces). Use .reshape(...) instead.",
        )
    return window(result, shape, view_strides(self, shape)) if self.size and 1 in shape else result


def view_strides(self: Any, shape: Shape) -> Shape:
    """The strides in bytes that torch gives a view of that shape; those of sizes 1 tell matrix products their order."""
    strides: list[int] = []
    place, length = len(shape) - 1, 1  # the next of the new dimensions; elements in the stretch of memory so far
    step = self.strides[-1] if self.ndim else self.itemsize
    for dim in reversed(range(max(self.ndim, 1))):
        length *= self.shape[dim] if self.ndim else 1
        if dim == 0 or (self.shape[dim - 1] != 1 and self.strides[dim - 1] != length * step):
            filled = 1
            while place >= 0 and (filled < length or shape[place] == 1):
                strides.insert(0, filled * step)
                filled *= shape[place]
                place -= 1
            if dim:
                step, length = self.strides[dim - 1], 1
    return tuple(strides)


def expand_forward(self: Any, size: Sequence[int]) -> Any:
    size = tuple(size)
    if self.shape == size:
        return self.view()
    leading = len(size) - self.ndim
    if leading < 0:
        raise UserError(
            "shape",
            f"expand({type_text(self)}{{{list(self.shape)}}}, size={list(size)}): the number of sizes provided "
            f"({len(size)}) must be greater or equal to the number of dimensions "
            f"in the tensor ({self.ndim})",
        )
    strides: list[int] = []
    shape = list(size[:leading])
    if any_negative(shape):
        place, length = next((place, length) for place, length in enumerate(shape) if length < 0)
        raise UserError(
            "shape",
            f"The expanded size of the tensor ({length}) isn't allowed in a leading, non-existing dimension {place}",
        )
    for dim in range(self.ndim):
        length, wanted = self.shape[dim], size[leading + dim]
        if wanted == -1 or wanted == length:
            shape.append(length)
            strides.append(self.strides[dim])
        elif length == 1:
            shape.append(wanted)
            strides.append(0)
        else:
            raise UserError(
                "shape",
                f"The expanded size of the tensor ({wanted}) must match the existing size ({length}) at non-singleton "
                f"dimension {leading + dim}.  Target sizes: {list(size)}.  Tensor sizes: {list(self.shape)}",
            )
    # a new dimension of size 1 has the stride of a contiguous one, as torch's has, though not if all are new
    for wanted in reversed(shape[:leading]):
        behind = shape[len(shape) - len(strides)] * strides[0] if strides else 0
        strides.insert(0, behind if wanted == 1 else 0)
    return window(as_memory(self), tuple(shape), tuple(strides))


def as_memory(self: Any) -> Any:
    """`self` as an array with memory of its own: arithmetic on 0-dim arrays leaves NumPy scalars."""
    return np.asarray(self) if isinstance(self, np.generic) else self


def any_negative(shape: Sequence[int]) -> bool:
    return min(shape, default=0) < 0


def permute_forward(self: Any, dims: Sequence[int]) -> Any:
    if len(dims) != self.ndim:
        raise UserError(
            "shape",
            "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired "
            f"ordering of dimensions i.e. input.dim() = {self.ndim} is not equal to len(dims) = {len(dims)}",
        )
    try:
        return self.transpose(wrap_dims(dims, self.ndim))
    except UserError as error:
        if "multiple" in error.message:
            raise UserError("shape", "permute(): duplicate dims are not allowed.") from error
        raise


def transpose_forward(self: Any, dim0: int, dim1: int) -> Any:
    dim0, dim1 = wrap_dim(dim0, self.ndim), wrap_dim(dim1, self.ndim)
    return self.swapaxes(dim0, dim1) if self.ndim else self[...]


def t_forward(self: Any) -> Any:
    if self.ndim > 2:
        raise UserError("shape", f"t() expects a tensor with <= 2 dimensions, but self is {self.ndim}D")
    return self.transpose()


def squeeze_forward(self: Any, dim: int | Sequence[int] | None = None) -> Any:
    dims = range(self.ndim) if dim is None else wrap_dims(dim, self.ndim)
    return self.squeeze(tuple(d for d in dims if self.ndim and self.shape[d] == 1))


def unsqueeze_forward(self: Any, dim: int) -> Any:
    dim = wrap_dim(dim, self.ndim + 1)
    shape = (*self.shape[:dim], 1, *self.shape[dim:])
    if self.flags.c_contiguous and 1 not in self.shape:
        return self.reshape(shape)
    # with torch's stride for the new dimension, which tells whether two windows on the same memory are the same one
    step = self.shape[dim] * self.strides[dim] if dim < self.ndim else self.itemsize
    strides = (*self.strides[:dim], step, *self.strides[dim:])
    return window(self, shape, strides)


def unsqueeze_to(grad: Any, shape: Shape, dims: Iterable[int]) -> Any:
    """`grad` with those of `dims` back that were squeezed away: the ones of size 1."""
    for dim in sorted(dims):
        if shape and shape[dim] == 1:
            grad = unsqueeze(grad, dim)
    return grad


def select_forward(self: Any, dim: int, index: int) -> Any:
    if self.ndim == 0:
        raise UserError("shape", "select() cannot be applied to a 0-dim tensor.")
    dim = wrap_dim(dim, self.ndim)
    length = self.shape[dim]
    if not -length <= index < length:
        raise UserError(
            "shape",
            f"select(): index {index} out of range for tensor of size {list(self.shape)} at dimension {dim}",
        )
    return self[(WHOLE,) * dim + (index % length, ...)]


def slice_forward(self: Any, dim: int, start: int | None, end: int | None, step: int) -> Any:
    if self.ndim == 0:
        raise UserError("shape", "slice() cannot be applied to a 0-dim tensor.")
    if step <= 0:
        raise UserError("value", "step must be greater than zero")
    return self[(WHOLE,) * wrap_dim(dim, self.ndim) + (slice(start, end, step),)]


def flip_forward(self: Any, dims: Sequence[int]) -> Any:
    result = empty_like(self, self.dtype)
    result[...] = np.flip(self, wrap_dims(dims, self.ndim))
    return result


def roll_forward(self: Any, shifts: Sequence[int], dims: Sequence[int]) -> Any:
    if not shifts:
        raise UserError("value", "`shifts` required")
    if not dims and len(shifts) == 1:
        return np.roll(self, shifts[0])
    if len(shifts) != len(dims):
        raise UserError("shape", f"shifts and dimensions must align. shifts: {len(shifts)}, dims:{len(dims)}")
    if not self.size:
        return self.copy()
    if not self.ndim:
        raise UserError("shape", "Dimension specified as 0 but tensor has no dimensions")
    return np.roll(self, tuple(shifts), tuple([wrap_dim(dim, self.ndim) for dim in dims]))


def triangle(name: str, function: Any) -> Any:
    def forward(self: Any, diagonal: int) -> Any:
        if self.ndim < 2:
            raise UserError("shape", f"{name}: input tensor must have at least 2 dimensions")
        return function(self, diagonal)

    return forward


def inverse_permutation(dims: Sequence[int], ndim: int) -> list[int]:
    order = wrap_dims(dims, ndim)
    return [order.index(dim) for dim in range(ndim)]


view = op(
    "view(Tensor self, int[] size)", "ViewBackward0", view_forward, view=True,
    self=lambda grad, self_shape: reshape(grad, self_shape),
)  # fmt: skip
unsafe_view = op(
    "_unsafe_view(Tensor self, int[] size)", "UnsafeViewBackward0", view_forward,
    self=lambda grad, self_shape: reshape(grad, self_shape),
)  # fmt: skip
reshape_alias = op(
    "_reshape_alias(Tensor self, int[] size)", "ReshapeAliasBackward0", view_forward, view=True,
    self=lambda grad, self_shape: reshape(grad, self_shape),
)  # fmt: skip
expand = op(
    "expand(Tensor self, int[] size, *, bool implicit=False)", "ExpandBackward0",
    lambda self, size, implicit: expand_forward(self, size), view=True,
    self=lambda grad: grad,
)  # fmt: skip
permute = op(
    "permute(Tensor self, int[] dims)", "PermuteBackward0", permute_forward, view=True,
    self=lambda grad, dims: permute(grad, inverse_permutation(dims, grad.ndim)),
)  # fmt: skip
transpose = op(
    "transpose(Tensor self, int dim0, int dim1)", "TransposeBackward0", transpose_forward, view=True,
    self=lambda grad, dim0, dim1: transpose(grad, dim0, dim1),
)  # fmt: skip
t = op("t(Tensor self)", "TBackward0", t_forward, view=True, self=lambda grad: t(grad))
squeeze = op(
    "squeeze(Tensor self)", "SqueezeBackward0", squeeze_forward, view=True,
    self=lambda grad, self_shape: unsqueeze_to(grad, self_shape, range(len(self_shape))),
)  # fmt: skip
squeeze_dim = op(
    "squeeze.dim(Tensor self, int dim)", "SqueezeBackward1", squeeze_forward, view=True,
    self=lambda grad, self_shape, dim: unsqueeze_to(grad, self_shape, wrap_dims(dim, len(self_shape))),
)  # fmt: skip
squeeze_dims = op(
    "squeeze.dims(Tensor self, int[] dim)", "SqueezeBackward2", squeeze_forward, view=True,
    self=lambda grad, self_shape, dim: unsqueeze_to(grad, self_shape, wrap_dims(dim, len(self_shape))),
)  # fmt: skip
# the in-place squeeze of a fresh result, inside matmul; torch gives it another node
squeeze_result = op(
    "_squeeze_result(Tensor self, int dim)", "SqueezeBackward4", squeeze_forward,
    self=lambda grad, self_shape, dim: unsqueeze_to(grad, self_shape, (dim,)),
)  # fmt: skip
alias = op("_alias(Tensor self)", "AliasBackward0", lambda self: self[...], view=True, self=lambda grad: grad)
unsqueeze = op(
    "unsqueeze(Tensor self, int dim)", "UnsqueezeBackward0",
    unsqueeze_forward, view=True,
    self=lambda grad, dim: squeeze_dim(grad, dim),
)  # fmt: skip
select = op(
    "select(Tensor self, int dim, int index)", "SelectBackward0", select_forward, view=True,
    self=lambda grad, self_shape, dim, index: select_backward(grad, self_shape, dim, index),
)  # fmt: skip
slice_ = op(
    "_slice(Tensor self, int dim, int? start, int? end, int step)", "SliceBackward0", slice_forward, view=True,
    self=lambda grad, self_shape, dim, start, end, step: slice_backward(grad, self_shape, dim, start, end, step),
)  # fmt: skip
select_backward = op(
    "_select_backward(Tensor self, int[] shape, int dim, int index)", "SelectBackwardBackward0",
    lambda self, shape, dim, index: filled(self, shape, select_forward, dim, index),
    self=lambda grad, dim, index: select(grad, dim, index),
)  # fmt: skip
slice_backward = op(
    "_slice_backward(Tensor self, int[] shape, int dim, int? start, int? end, int step)", "SliceBackwardBackward0",
    lambda self, shape, dim, start, end, step: filled(self, shape, slice_forward, dim, start, end, step),
    self=lambda grad, dim, start, end, step: slice_(grad, dim, start, end, step),
)  # fmt: skip
flip = op("flip(Tensor self, int[] dims)", "FlipBackward0", flip_forward, self=lambda grad, dims: flip(grad, dims))
roll = op(
    "roll(Tensor self, int[] shifts, int[] dims=[])", "RollBackward0", roll_forward,
    contiguous=True,
    self=lambda grad, shifts, dims: roll(grad, [-shift for shift in shifts], dims),
)  # fmt: skip
tril = op(
    "tril(Tensor self, int diagonal=0)", "TrilBackward0", triangle("tril", np.tril),
    contiguous=True,
    self=lambda grad, diagonal: tril(grad, diagonal),
)  # fmt: skip
triu = op(
    "triu(Tensor self, int diagonal=0)", "TriuBackward0", triangle("triu", np.triu),
    contiguous=True,
    self=lambda grad, diagonal: triu(grad, diagonal),
)  # fmt: skip
zeros = op("_zeros(int[] shape, ScalarType dtype)", None, lambda shape, dtype: np.zeros(tuple(shape), dtype))
new_zeros = op("_new_zeros(Tensor self, int[] size)", None, lambda self, size: zeros_beside(self, tuple(size)))


def filled(self: Any, shape: Sequence[int], part: Any, *arguments: Any) -> Any:
    """Zeros of `shape` with `self` in the window that `part(zeros, *arguments)` is."""
    result = zeros_beside(self, tuple(shape))
    part(result, *arguments)[...] = self
    return result


def is_contiguous(self: Any) -> bool:
    flags: bool = getattr(self, "memory", self).flags.c_contiguous
    return flags


def has_channels_last(self: Any) -> bool:
    """Whether the memory of images lies pixel by pixel, and not just as well channel by channel."""
    if self.ndim not in (4, 5):
        return False
    reached = 0
    for dim in (1, *reversed(range(2, self.ndim)), 0):
        stride = self.strides[dim]
        if stride < reached or (dim == 0 and reached == self.strides[1]):
            return False
        reached = stride * self.shape[dim]
    return bool(self.strides[1])


@composite("reshape(Tensor self, int[] shape)")
def reshape(self: Any, shape: Sequence[int]) -> Any:
    """A view where the memory allows it, else a copy: torch's three ways, told apart by their grad_fn."""
    if is_contiguous(self):
        return view(self, shape)
    array = getattr(self, "memory", self)
    if np.may_share_memory(array, array.reshape(infer_size(shape, array.size))):
        return reshape_alias(self, shape)
    return unsafe_view(contiguous(self), shape)


@composite("contiguous(Tensor self)")
def contiguous(self: Any) -> Any:
    return self if is_contiguous(self) else row_major(self)


row_major = op("_row_major(Tensor self)", "CloneBackward0", lambda self: self.copy("C"), self=lambda grad: grad)


@composite("flatten(Tensor self, int start_dim=0, int end_dim=-1)")
def flatten(self: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    """The dimensions from `start_dim` to `end_dim` as one."""
    start, end = wrap_dim(start_dim, self.ndim), wrap_dim(end_dim, self.ndim)
    if start > end:
        raise UserError("shape", "flatten() has invalid args: start_dim cannot come after end_dim")
    if self.ndim == 0:
        return reshape(self, (1,))
    if start == end:
        return self
    return reshape(self, (*self.shape[:start], math.prod(self.shape[start : end + 1]), *self.shape[end + 1 :]))


@composite("narrow(Tensor self, int dim, int start, int length)")
def narrow(self: Any, dim: int, start: int, length: int) -> Any:
    start = checked_start(self, dim, start, length)
    return slice_(self, dim, start, start + length, 1)


def checked_start(self: Any, dim: int, start: int, length: int) -> int:
    """`start` counted from the front, if as many elements as `length` follow it."""
    size = self.shape[wrap_dim(dim, self.ndim)]
    if not -size <= start <= size:
        raise UserError(
            "shape", f"start out of range (expected to be in range of [-{size}, {size}], but got {start})"
        )  # fmt: skip
    start = start + size if start < 0 else start
    if not 0 <= length <= size - start:
        raise UserError("shape", f"start ({start}) + length ({length}) exceeds dimension size ({size}).")
    return start


@composite("movedim(Tensor self, int[] source, int[] destination)")
def movedim(self: Any, source: Any, destination: Any) -> Any:
    given, wanted = ([dims] if isinstance(dims, int) else list(dims) for dims in (source, destination))
    if len(given) != len(wanted):
        raise UserError(
            "value",
            f"movedim: Invalid source or destination dims: source ({given} dims) should contain the same number of "
            f"dims as destination ({wanted} dims)",
        )
    sources, destinations = wrap_dims(given, self.ndim), wrap_dims(wanted, self.ndim)
    order = [dim for dim in range(self.ndim) if dim not in sources]
    for place, dim in sorted(zip(destinations, sources, strict=True)):
        order.insert(place, dim)
    return permute(self, order) if self.ndim else alias(self)


@composite("expand_as(Tensor self, Tensor other)")
def expand_as(self: Any, other: Any) -> Any:
    return expand(self, other.shape)


@composite("view_as(Tensor self, Tensor other)")
def view_as(self: Any, other: Any) -> Any:
    return view(self, other.shape)


@composite("reshape_as(Tensor self, Tensor other)")
def reshape_as(self: Any, other: Any) -> Any:
    return reshape(self, other.shape)


@composite("broadcast_to(Tensor self, int[] size)")
def broadcast_to(self: Any, size: Sequence[int]) -> Any:
    return expand(self, size)


@composite("swapaxes(Tensor self, int axis0, int axis1)")
def swapaxes(self: Any, axis0: int, axis1: int) -> Any:
    return transpose(self, axis0, axis1)
