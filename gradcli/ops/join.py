"""Tensors put together, taken apart, repeated and turned: by other operations, mostly, as torch does."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

from gradcli.engine.device import beside, np, to_host, zeros_beside
from gradcli.engine.dtypes import TYPE_NAMES
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.ops.define import composite, op
from gradcli.ops.index import expand_if_needed, index_select, masked_select
from gradcli.ops.pieces import cat, in_kind, stack
from gradcli.ops.reduce import sum_dim
from gradcli.ops.shape import (
    Shape,
    any_negative,
    broadcast_sizes,
    contiguous,
    expand,
    flatten,
    flip,
    flip_forward,
    infer_size,
    new_zeros,
    reshape,
    row_major,
    slice_,
    squeeze_dim,
    unsqueeze,
    view,
    wrap_dim,
)


def repeat_forward(self: Any, repeats: Sequence[int]) -> Any:
    if len(repeats) < self.ndim:
        raise UserError(
            "shape",
            "Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor",
        )
    own = (1,) * (len(repeats) - self.ndim) + self.shape
    size = [count * length for count, length in zip(repeats, own, strict=True)]
    if any_negative(size):
        wrong = next(length for length in size if length < 0)
        raise UserError("shape", f"Trying to create tensor with negative dimension {wrong}: {size}")
    return np.tile(self, tuple(max(count, 0) for count in repeats))


def repeat_backward(grad: Any, repeats: Sequence[int], shape: Shape) -> Any:
    """The sum over all copies."""
    if 0 in repeats:
        return new_zeros(grad, shape)
    leading = len(repeats) - len(shape)
    for _ in range(leading):
        grad = sum_dim(grad, [0])
    size: list[int] = []
    summed: list[int] = []
    for count, length in zip(repeats[leading:], shape, strict=True):
        if count != 1:
            summed.append(len(size))
            size.append(count)
        size.append(length)
    return sum_dim(reshape(grad, size), summed) if summed else grad


def rot90_forward(self: Any, k: int, dims: Sequence[int]) -> Any:
    if len(dims) != 2:
        raise UserError("shape", f"expected total rotation dims == 2, but got dims = {len(dims)}")
    if self.ndim < 2:
        raise UserError("shape", f"expected total dims >= 2, but got total dims = {self.ndim}")
    if dims[0] == dims[1] or abs(dims[0] - dims[1]) == self.ndim:
        raise UserError(
            "shape", f"expected rotation dims to be different, but got dim0 = {dims[0]} and dim1 = {dims[1]}"
        )
    first, second = (wrap_dim(dim, self.ndim) for dim in dims)
    turns = k % 4
    if turns == 0:
        return self.copy()
    if turns == 2:
        return flip_forward(self, dims)
    return flip_forward(self, [second if turns == 1 else first]).swapaxes(first, second)


def block_diag_forward(tensors: Any) -> Any:
    for place, array in enumerate(tensors):
        if array.ndim > 2:
            raise UserError(
                "shape",
                "torch.block_diag: Input tensors must have 2 or fewer dimensions. "
                f"Input {place} has {array.ndim} dimensions",
            )
    blocks = [array.reshape(block_shape(array.shape)) for array in tensors]
    rows, columns = (sum(block.shape[dim] for block in blocks) for dim in (0, 1))
    result = zeros_beside(blocks[0], (rows, columns))
    row = column = 0
    for block in blocks:
        result[row : row + block.shape[0], column : column + block.shape[1]] = block
        row, column = row + block.shape[0], column + block.shape[1]
    return result


def block_shape(shape: Shape) -> Shape:
    return (1,) * (2 - len(shape)) + shape


def blocks_of(grad: Any, shapes: Sequence[Shape], dtypes: Sequence[Any]) -> list[Any]:
    """The gradient's blocks; a row's keeps its dimension of size 1, which goes when it is fitted to the row."""
    parts, row, column = [], 0, 0
    for shape, dtype in zip(shapes, dtypes, strict=True):
        whole = in_kind(grad, dtype)
        if shape == (0,):  # torch forgets that these take a row
            parts.append(new_zeros(whole, shape))
            continue
        rows, columns = block_shape(shape)
        part = slice_(slice_(whole, 0, row, row + rows, 1), 1, column, column + columns, 1)
        for _ in range(2 - len(shape)):
            part = squeeze_dim(part, -1)
        parts.append(part)
        row, column = row + rows, column + columns
    return parts


repeat = op(
    "repeat(Tensor self, int[] repeats)", "RepeatBackward0", repeat_forward,
    self=lambda grad, self_shape, repeats: repeat_backward(grad, repeats, self_shape),
)  # fmt: skip
rot90 = op(
    "rot90(Tensor self, int k=1, int[] dims=[0, 1])", "Rot90Backward0", rot90_forward,
    self=lambda grad, k, dims: rot90(grad, -k, dims),
)  # fmt: skip
block_diag_of = op(
    "_block_diag(Tensor[] tensors)", "BlockDiagBackward0", block_diag_forward, promote="same",
    tensors=lambda grad, tensors_shape, tensors_dtype: blocks_of(grad, tensors_shape, tensors_dtype),
)  # fmt: skip


@composite("block_diag(Tensor[] tensors=[])")
def block_diag(tensors: Sequence[Any] = ()) -> Any:
    return block_diag_of(tensors or [Tensor(np.zeros((1, 0), np.float32))])


def repeats_forward(repeats: Any, output_size: int | None) -> Any:
    if repeats.ndim != 1:
        raise UserError("shape", "repeat_interleave only accept 1D vector as repeat")
    if repeats.dtype.name not in ("int32", "int64"):
        raise UserError("type", f"\"repeat_interleave_cpu\" not implemented for '{TYPE_NAMES[repeats.dtype.name]}'")
    if repeats.size and repeats.min().item() < 0:
        raise UserError("value", "repeats can not be negative")
    places = beside(repeats, np.repeat(np.arange(repeats.size), to_host(repeats)))
    if output_size is not None and repeats.size and places.size != output_size:
        raise UserError("value", "allocated size does not match required size")
    return places.astype(repeats.dtype)


places_repeated = op(
    "repeat_interleave.Tensor(Tensor repeats, *, int? output_size=None)", None, repeats_forward
)  # fmt: skip


@composite("repeat_interleave.self_Tensor(Tensor self, Tensor repeats, int? dim=None, *, int? output_size=None)")
def repeat_interleave_each(self: Any, repeats: Any, dim: int | None = None, output_size: int | None = None) -> Any:
    self, dim = along(self, dim)
    length = self.shape[dim]
    if repeats.ndim > 1:
        raise UserError("shape", "repeats must be 0-dim or 1-dim tensor")
    if repeats.ndim == 0 or repeats.shape == (1,):
        repeats = expand(reshape(repeats, (1,)), (length,))
    elif repeats.shape[0] != length:
        raise UserError(
            "shape",
            "repeats must have the same size as input along dim, but got repeats.size(0) = "
            f"{repeats.shape[0]} and input.size({dim}) = {length}",
        )
    return index_select(self, dim, places_repeated(repeats, output_size))


@composite("repeat_interleave.self_int(Tensor self, int repeats, int? dim=None, *, int? output_size=None)")
def repeat_interleave(self: Any, repeats: int, dim: int | None = None, output_size: int | None = None) -> Any:
    if repeats < 0:
        raise UserError("value", "Repeats must be non-negative")
    if dim is not None:
        wrap_dim(dim + 1 if self.ndim == 0 else dim, self.ndim)
    self, dim = along(self, dim)
    total = self.shape[dim] * repeats
    if output_size not in (None, total):
        raise UserError(
            "value", f"repeat_interleave: Invalid output_size, expected {total} but got {output_size}"
        )  # fmt: skip
    wide = unsqueeze(self, dim + 1)
    copies = row_major(expand(wide, (*wide.shape[: dim + 1], repeats, *wide.shape[dim + 2 :])))
    return flatten(copies, dim, dim + 1)


def along(self: Any, dim: int | None) -> tuple[Any, int]:
    """`self` and the dimension to go along; without one, that of `self` as one row."""
    if dim is None:
        return flatten(self), 0
    if self.ndim == 0:
        raise UserError("shape", f"Dimension specified as {dim} but tensor has no dimensions")
    return self, wrap_dim(dim, self.ndim)


@composite("tile(Tensor self, int[] dims)")
def tile(self: Any, dims: Sequence[int]) -> Any:
    return repeat(self, [1] * (self.ndim - len(dims)) + list(dims))


@composite("unflatten(Tensor self, int dim, int[] sizes)")
def unflatten(self: Any, dim: int, sizes: Sequence[int]) -> Any:
    dim = wrap_dim(dim, self.ndim)
    if not sizes:
        raise UserError("shape", "unflatten: sizes must be non-empty")
    try:
        inferred = infer_size(sizes, self.shape[dim])
    except UserError as error:
        if "inferred" in error.message:
            raise UserError("shape", f"unflatten got an unexpected error:\n{error.message}") from error
        raise UserError(
            "shape",
            f"unflatten: Provided sizes {list(sizes)} don't multiply up to the size of dim {dim} ({self.shape[dim]}) "
            "in the input tensor",
        ) from error
    return view(self, (*self.shape[:dim], *inferred, *self.shape[dim + 1 :]))


@composite("ravel(Tensor self)")
def ravel(self: Any) -> Any:
    return view(contiguous(self), (-1,))


@composite("fliplr(Tensor self)")
def fliplr(self: Any) -> Any:
    if self.ndim < 2:
        raise UserError("shape", "Input must be >= 2-d.")
    return flip(self, [1])


@composite("flipud(Tensor self)")
def flipud(self: Any) -> Any:
    if self.ndim < 1:
        raise UserError("shape", "Input must be >= 1-d.")
    return flip(self, [0])


@composite("atleast_1d(Tensor input)")
def atleast_1d(input: Any) -> Any:
    return input if input.ndim else reshape(input, (1,))


@composite("atleast_2d(Tensor input)")
def atleast_2d(input: Any) -> Any:
    """`input` with dimensions of length 1 before it, until there are two."""
    if input.ndim == 0:
        return reshape(input, (1, 1))
    return unsqueeze(input, 0) if input.ndim == 1 else input


@composite("atleast_3d(Tensor input)")
def atleast_3d(input: Any) -> Any:
    """`input` with dimensions of length 1 around it, until there are three."""
    if input.ndim == 0:
        return reshape(input, (1, 1, 1))
    if input.ndim == 1:
        return unsqueeze(unsqueeze(input, 0), -1)
    return unsqueeze(input, -1) if input.ndim == 2 else input


@composite("atleast_1d.Sequence(Tensor[] tensors)")
def all_atleast_1d(tensors: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(atleast_1d(tensor) for tensor in tensors)


@composite("atleast_2d.Sequence(Tensor[] tensors)")
def all_atleast_2d(tensors: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(atleast_2d(tensor) for tensor in tensors)


@composite("atleast_3d.Sequence(Tensor[] tensors)")
def all_atleast_3d(tensors: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(atleast_3d(tensor) for tensor in tensors)


def not_empty(name: str, tensors: Sequence[Any]) -> None:
    if not tensors:
        raise UserError("value", f"{name} expects a non-empty TensorList")


@composite("hstack(Tensor[] tensors)")
def hstack(tensors: Sequence[Any]) -> Any:
    not_empty("hstack", tensors)
    rows = [atleast_1d(tensor) for tensor in tensors]
    return cat(rows, 0 if rows[0].ndim == 1 else 1)


@composite("vstack(Tensor[] tensors)")
def vstack(tensors: Sequence[Any]) -> Any:
    not_empty("vstack", tensors)
    return cat([atleast_2d(tensor) for tensor in tensors], 0)


@composite("dstack(Tensor[] tensors)")
def dstack(tensors: Sequence[Any]) -> Any:
    not_empty("dstack", tensors)
    return cat([atleast_3d(tensor) for tensor in tensors], 2)


@composite("column_stack(Tensor[] tensors)")
def column_stack(tensors: Sequence[Any]) -> Any:
    not_empty("column_stack", tensors)
    return hstack([reshape(one, (math.prod(one.shape), 1)) if one.ndim < 2 else one for one in tensors])


@composite("tensor_split.sections(Tensor self, int sections, int dim=0)")
def tensor_split(self: Any, sections: int, dim: int = 0) -> tuple[Any, ...]:
    dim = splittable(self, dim)
    if sections <= 0:
        raise UserError("value", f"number of sections must be larger than 0, got {sections}")
    size, longer = divmod(self.shape[dim], sections)
    return cut(self, list(itertools.accumulate(size + (place < longer) for place in range(sections - 1))), dim)


@composite("tensor_split.indices(Tensor self, int[] indices, int dim=0)")
def tensor_split_at(self: Any, indices: Sequence[int], dim: int = 0) -> tuple[Any, ...]:
    return cut(self, indices, splittable(self, dim))


@composite("tensor_split.tensor_indices_or_sections(Tensor self, Tensor tensor_indices_or_sections, int dim=0)")
def tensor_split_by(self: Any, tensor_indices_or_sections: Any, dim: int = 0) -> Any:
    given = tensor_indices_or_sections
    if given.dtype.name != "int64":
        name = TYPE_NAMES[given.dtype.name]
        raise UserError(
            "type", f"tensor_split expected tensor_indices_or_sections to have dtype of long, but got {name}"
        )
    if given.ndim > 1:
        raise UserError(
            "shape",
            "tensor_split expected tensor_indices_or_sections to be a zero-dimensional or one-dimensional tensor, but "
            f"got a tensor with {given.ndim} dims",
        )
    numbers = given.array.tolist()
    return tensor_split_at(self, numbers, dim) if given.ndim else tensor_split(self, numbers, dim)


def splittable(self: Any, dim: int) -> int:
    if self.ndim == 0:
        raise UserError(
            "shape", "tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims"
        )  # fmt: skip
    return wrap_dim(dim, self.ndim)


def cut(self: Any, ends: Sequence[int], dim: int) -> tuple[Any, ...]:
    """The parts of `self` before, between and after `ends`."""
    return tuple(
        slice_(self, dim, start, end, 1)
        for start, end in zip((0, *ends), (*ends, self.shape[dim]), strict=True)
    )  # fmt: skip


def cut_even(name: str, self: Any, sections: int, dim: int) -> Any:
    length = self.shape[dim]
    if sections <= 0 or length % sections:
        raise UserError(
            "shape",
            f"torch.{name} attempted to split along dimension {dim}, but the size of the dimension {length} is not "
            f"divisible by the split_size {sections}!",
        )
    return tensor_split(self, sections, dim)


def dim_of(name: str, self: Any, least: int) -> int:
    """The dimension that `hsplit`, `vsplit` or `dsplit` splits."""
    if self.ndim < least:
        raise UserError(
            "shape",
            f"torch.{name} requires a tensor with at least {least} dimension, but got a tensor with {self.ndim} "
            "dimensions!",
        )
    return {"hsplit": 1 if self.ndim > 1 else 0, "vsplit": 0, "dsplit": 2}[name]


def splitting(name: str, least: int) -> None:
    """The two overloads of `name`: into equal sections, and at indices."""

    @composite(f"{name}(Tensor self, int sections)")
    def sections(self: Any, sections: int) -> Any:
        return cut_even(name, self, sections, dim_of(name, self, least))

    @composite(f"{name}.array(Tensor self, int[] indices)")
    def indices(self: Any, indices: Sequence[int]) -> tuple[Any, ...]:
        return cut(self, indices, dim_of(name, self, least))


splitting("hsplit", 1)
splitting("vsplit", 2)
splitting("dsplit", 3)


@composite("broadcast_tensors(Tensor[] tensors)")
def broadcast_tensors(tensors: Sequence[Any]) -> tuple[Any, ...]:
    shape = broadcast_sizes(*(tensor.shape for tensor in tensors))
    return tuple(expand_if_needed(tensor, shape) for tensor in tensors)


@composite('meshgrid(Tensor[] tensors=[], *, str indexing="ij")')
def meshgrid(tensors: Sequence[Any] = (), indexing: str = "ij") -> tuple[Any, ...]:
    not_empty("meshgrid", tensors)
    for tensor in tensors:
        if tensor.ndim > 1:
            raise UserError(
                "shape",
                f"torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: shape {list(tensor.shape)}",
            )
        if tensor.dtype != tensors[0].dtype:
            raise UserError("type", "meshgrid expects all tensors to have the same dtype")
    if indexing not in ("ij", "xy"):
        raise UserError("value", f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    dims = list(range(len(tensors)))
    if indexing == "xy" and len(tensors) > 1:
        dims[:2] = 1, 0
    shape = [0] * len(tensors)
    for tensor, dim in zip(tensors, dims, strict=True):
        shape[dim] = math.prod(tensor.shape)
    return tuple(
        expand(view(tensor, [-1 if place == dim else 1 for place in range(len(shape))]), shape)
        for tensor, dim in zip(tensors, dims, strict=True)
    )


def require_vector(tensor: Any) -> None:
    if tensor.ndim != 1:
        raise UserError("shape", f"Expect a 1D vector, but got shape {list(tensor.shape)}")


@composite("cartesian_prod(Tensor[] tensors)")
def cartesian_prod(tensors: Sequence[Any]) -> Any:
    """Every choice of one element of each of `tensors`, a row each."""
    for tensor in tensors:
        require_vector(tensor)
    if len(tensors) == 1:
        return tensors[0]
    return stack([flatten(grid) for grid in meshgrid(tensors)], 1)


@composite("combinations(Tensor input, int r=2, bool with_replacement=False)")
def combinations(input: Any, r: int = 2, with_replacement: bool = False) -> Any:
    """Of all r-tuples of elements those whose places ascend."""
    require_vector(input)
    if r < 0:
        raise UserError("value", f"Expect a non-negative number, but got {r}")
    if r == 0:
        return Tensor(np.zeros_like(input.array, shape=(0,)))
    places = np.indices((input.shape[0],) * r)
    follows = places[:-1] <= places[1:] if with_replacement else places[:-1] < places[1:]
    mask = Tensor(beside(input.array, follows.all(axis=0)))
    return stack([masked_select(grid, mask) for grid in meshgrid([input] * r)], 1)
