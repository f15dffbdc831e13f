"""What a view would show, copied: torch's `transpose_copy` and its like, and its splits that nobody tracks as views."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gradcli.engine.mode import grad_mode
from gradcli.errors import UserError
from gradcli.ops.arithmetic import no_derivative
from gradcli.ops.copies import clone, view_as_complex, view_as_real, view_dtype
from gradcli.ops.define import Op, composite, op
from gradcli.ops.linalg import diagonal
from gradcli.ops.pieces import chunk_size, split, split_forward, split_sizes_forward, split_with_sizes, unbind
from gradcli.ops.shape import (
    alias,
    checked_start,
    expand,
    permute,
    select,
    slice_,
    slice_backward,
    slice_forward,
    squeeze,
    squeeze_dim,
    squeeze_dims,
    t,
    transpose,
    unsqueeze,
    view,
)
from gradcli.ops.views import as_strided
from gradcli.ops.windows import checked_window, unfold


def row_by_row(shown: Any) -> Any:
    """A copy of what a view shows, or of each of several."""
    return [part.copy("C") for part in shown] if isinstance(shown, list) else shown.copy("C")


def copied(row: Op) -> Callable[..., Any]:
    """The forward of the view `row`, on memory of its own."""
    return lambda *arguments: row_by_row(row(*arguments))


def copying(row: Op, schema: str | None = None) -> Op:
    """The row of `row`, a view, as a copy: `schema`, or its own under the name with `_copy`, and its formulas."""
    name, dot, rest = row.text.partition("(")[0].partition(".")
    own = f"{name}_copy{dot}{rest}({row.text.partition('(')[2]}"
    formulas: Any = row.formulas
    text = schema or own
    refusing = next((word for word in ("select_copy", "slice_copy") if text.startswith(word)), "")
    return op(text, f"{row.grad_fn}_copy", copied(row), real_only=refusing, **formulas)


for tracked in (
    expand, permute, transpose, t, squeeze, squeeze_dim, squeeze_dims, unsqueeze, select, split, split_with_sizes,
    unbind, diagonal, view_as_real,
):  # fmt: skip
    copying(tracked)
copying(slice_, "slice_copy(Tensor self, int dim=0, int? start=None, int? end=None, int step=1)")
view_formulas: Any = view.formulas
op(
    "view_copy(Tensor self, int[] size)", "ViewBackward0_copy",
    lambda self, size: view(self.copy("C"), size),  # of any memory
    **view_formulas,
)  # fmt: skip
copying(alias, "alias_copy(Tensor self)")
copying(unfold, "unfold_copy(Tensor self, int dimension, int size, int step)")
strided_copy = copying(as_strided)
complex_copy = op("_view_as_complex_copy(Tensor self)", None, copied(view_as_complex))
detach_copy = op(
    "detach_copy(Tensor self)", "NotImplemented", lambda self: self.copy("C"), self=no_derivative("detach_copy"),
)  # fmt: skip
narrow_copied = op(
    "_narrow_copy(Tensor self, int dim, int start, int end)", "NarrowCopyBackward0",
    lambda self, dim, start, end: slice_forward(self, dim, start, end, 1).copy("C"),
    self=lambda grad, self_shape, dim, start, end: slice_backward(grad, self_shape, dim, start, end, 1),
)  # fmt: skip
by_length: Any = split.formulas
unsafe_split = op(
    "unsafe_split(Tensor self, int split_size, int dim=0) -> (tensors[])", "UnsafeSplitBackward0", split_forward,
    **by_length,
)  # fmt: skip
by_lengths: Any = split_with_sizes.formulas
unsafe_split_with_sizes = op(
    "unsafe_split_with_sizes(Tensor self, int[] split_sizes, int dim=0) -> (tensors[])",
    "UnsafeSplitWithSizesBackward0", split_sizes_forward,
    **by_lengths,
)  # fmt: skip


@composite("view_copy.dtype(Tensor self, ScalarType dtype)")
def view_copy_dtype(self: Any, dtype: Any) -> Any:
    return clone(view_dtype(self, dtype))


@composite("as_strided_copy(Tensor self, int[] size, int[] stride, int? storage_offset=None)")
def as_strided_copy(self: Any, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None) -> Any:
    return strided_copy(self, *checked_window(self.array, size, stride, storage_offset))


@composite("view_as_complex_copy(Tensor self)")
def view_as_complex_copy(self: Any) -> Any:
    if self.requires_grad and grad_mode.enabled:
        raise UserError(
            "autograd",
            "view_as_complex_copy does not support automatic differentiation for outputs with complex dtype.",
        )
    return complex_copy(self)


@composite("narrow_copy(Tensor self, int dim, int start, int length)")
def narrow_copy(self: Any, dim: int, start: int, length: int) -> Any:
    if self.ndim == 0:
        raise UserError("shape", "narrow() cannot be applied to a 0-dim tensor.")
    start = checked_start(self, dim, start, length)
    return narrow_copied(self, dim, start, start + length)


@composite("unsafe_chunk(Tensor self, int chunks, int dim=0)")
def unsafe_chunk(self: Any, chunks: int, dim: int = 0) -> Any:
    size = chunk_size(self, chunks, dim)
    return unsafe_split(self, size, dim) if size else unsafe_split_with_sizes(self, [0] * chunks, dim)
