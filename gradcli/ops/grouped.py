"""Products of matrices in groups: of a batch, or of stretches that `offs` cuts off rows or columns."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from gradcli.engine.device import memory_address, np, to_host
from gradcli.engine.dtypes import TYPE_NAMES, converted
from gradcli.errors import UserError
from gradcli.ops.define import composite, op
from gradcli.ops.kinds import check_constant
from gradcli.ops.shape import transpose
from gradcli.ops.views import element_strides

ALIGNMENT = 16  # of bytes: torch has these products for kernels that read so much at a time


def check_layout(matrices: Any) -> None:
    """A UserError unless rows, or columns, lie one behind the other where such kernels can read them."""
    (rows, columns), (down, along) = matrices.shape[-2:], element_strides(matrices)[-2:]
    if memory_address(matrices) % ALIGNMENT:
        raise UserError("value", "expected data_ptr to be aligned to 16 bytes\n")
    if down == 1 and along >= max(1, rows):
        step = along
    elif along == 1 and down >= max(1, columns):
        step = down
    else:
        raise UserError(
            "shape",
            f"Invalid strides/sizes, got {list(element_strides(matrices))} for strides and {list(matrices.shape)} for "
            "sizes",
        )
    if step * matrices.itemsize % ALIGNMENT:
        raise UserError("value", "strides should be multiple of 16 bytes")


def check_operands(self: Any, mat2: Any, offs: Any) -> None:
    for name, matrices in (("mat_a", self), ("mat_b", mat2)):
        if matrices.dtype.name not in ("float32", "float16", "bfloat16"):
            kind = TYPE_NAMES[matrices.dtype.name]
            raise UserError("type", f"Expected {name} to be Float32, BFloat16 or Float16 matrix, got {kind}")
    for name, matrices in (("mat_a", self), ("mat_b", mat2)):
        if matrices.ndim not in (2, 3):
            raise UserError("shape", f"{name} has to be 2 or 3d")
    if not (self.ndim == mat2.ndim == 2) and self.shape[-1] != mat2.shape[-2]:
        raise UserError("shape", "contraction dimension of mat_a and mat_b must match")
    check_layout(self)
    check_layout(mat2)
    if (offs is not None) != (2 in (self.ndim, mat2.ndim)):
        raise UserError(
            "value", "Have to provide offsets if there is a 2d matrix, or no offset if both matrices are 3d"
        )
    if offs is not None and offs.ndim != 1:
        raise UserError("shape", "offs has to be 1D")
    if offs is not None and offs.dtype != np.int32:
        raise UserError("type", "Offsets have to be int32")
    if self.ndim == mat2.ndim == 3 and self.shape[0] != mat2.shape[0]:
        raise UserError("shape", "batched dimension has to match")
    groups = {one.shape[0] for one in (self, mat2) if one.ndim == 3} | ({offs.shape[0]} if offs is not None else set())
    if len(groups) > 1:
        raise UserError("shape", "matrix batch sizes have to match")
    if mat2.dtype != self.dtype:
        first, second = (TYPE_NAMES[one.dtype.name] for one in (self, mat2))
        raise UserError("type", f"Expected mat_a and mat_b to be of one dtype, but got {first} and {second}")


def grouped_forward(self: Any, mat2: Any, offs: Any) -> Any:
    check_operands(self, mat2, offs)
    dtype = self.dtype
    left, right = (converted(one, np.dtype(np.float32)) for one in (self, mat2))
    stretches = [] if offs is None else [slice(*ends) for ends in pairwise([0, *to_host(offs).tolist()])]
    batch = (left.shape[0],) if offs is None else (len(stretches),) if left.ndim == right.ndim else ()
    result = rows_apart(left, (*batch, left.shape[-2], right.shape[-1]), dtype)
    if offs is None:
        result[...] = left @ right
    for group, stretch in enumerate(stretches):
        if left.ndim == right.ndim:
            result[group] = left[:, stretch] @ right[stretch]
        elif right.ndim == 3:
            result[stretch] = left[stretch] @ right[group]
        else:
            result[:, stretch] = left[group] @ right[:, stretch]
    return result


def rows_apart(like: Any, shape: Sequence[int], dtype: Any) -> Any:
    """Zeros of `shape`, whose rows all begin where such kernels can read."""
    each = ALIGNMENT // dtype.itemsize
    columns = -(-shape[-1] // each) * each
    return np.zeros_like(like, dtype, shape=(*shape[:-1], columns))[..., : shape[-1]]


def is_by_columns(grad: Any, strides: Sequence[int]) -> bool:
    return bool(strides[-2] == grad.dtype.itemsize)


def left_gradient(grad: Any, mat2: Any, strides: Sequence[int], offs: Any) -> Any:
    """Laid out by columns where the matrices on the left are."""
    if is_by_columns(grad, strides):
        return transpose(grouped(mat2, transpose(grad, -2, -1), offs), -2, -1)
    return grouped(grad, transpose(mat2, -2, -1), offs)


def right_gradient(grad: Any, self: Any, strides: Sequence[int], offs: Any) -> Any:
    if is_by_columns(grad, strides):
        return transpose(grouped(transpose(grad, -2, -1), self, offs), -2, -1)
    return grouped(transpose(self, -2, -1), grad, offs)


grouped = op(
    "_grouped_mm(Tensor self, Tensor mat2, Tensor? offs=None)", "GroupedMmBackward0", grouped_forward,
    self=lambda grad, mat2, self_strides, offs: left_gradient(grad, mat2, self_strides, offs),
    mat2=lambda grad, self, mat2_strides, offs: right_gradient(grad, self, mat2_strides, offs),
)  # fmt: skip


@composite(
    "grouped_mm(Tensor mat_a, Tensor mat_b, *, Tensor? offs=None, Tensor? bias=None, ScalarType? out_dtype=None)"
)
def grouped_mm(mat_a: Any, mat_b: Any, offs: Any = None, bias: Any = None, out_dtype: Any = None) -> Any:
    """One product a group: of two batches, or of stretches of rows or columns that end where `offs` says."""
    check_constant("_grouped_mm", "offs", offs)
    check_constant("_grouped_mm", "bias", bias)
    if bias is not None:
        raise UserError("value", "Bias not supported yet")
    if out_dtype is not None and out_dtype != mat_a.dtype:
        raise UserError("type", "Grouped gemm output dtype must match `mat_a` dtype")
    return grouped(mat_a, mat_b, offs)
