"""Matrix products and what is made of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from gradcli.engine.device import np
from gradcli.engine.dtypes import C_NAMES, TYPE_NAMES, dtype_kind, fitted
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.ops.arithmetic import add, mul
from gradcli.ops.copies import conj
from gradcli.ops.define import composite, op
from gradcli.ops.index import make_index
from gradcli.ops.kinds import of_elements, only
from gradcli.ops.reduce import index_fill_tensor
from gradcli.ops.shape import (
    broadcast_sizes,
    contiguous,
    expand,
    expand_forward,
    is_contiguous,
    new_zeros,
    reshape,
    squeeze_dim,
    squeeze_result,
    t,
    transpose,
    unsafe_view,
    unsqueeze,
    view,
    wrap_dim,
)


def same_dtype(self: Any, other: Any) -> None:
    if self.dtype != other.dtype:
        raise UserError(
            "type",
            f"expected m1 and m2 to have the same dtype, but got: {C_NAMES[self.dtype.name]} != "
            f"{C_NAMES[other.dtype.name]}",
        )


def mm_forward(self: Any, mat2: Any) -> Any:
    if self.ndim != 2:
        raise UserError("shape", "self must be a matrix")
    if mat2.ndim != 2:
        raise UserError("shape", "mat2 must be a matrix")
    rows, columns = self.shape, mat2.shape
    if rows[1] != columns[0]:
        raise UserError(
            "shape",
            f"mat1 and mat2 shapes cannot be multiplied ({rows[0]}x{rows[1]} and {columns[0]}x{columns[1]})",
        )
    if self.dtype is not mat2.dtype:
        same_dtype(self, mat2)
    return self.dot(mat2)  # for matrices the same as matmul, at a third of the overhead


def mv_forward(self: Any, vec: Any) -> Any:
    if self.ndim != 2 or vec.ndim != 1:
        raise UserError("shape", f"vector + matrix @ vector expected, got 1, {self.ndim}, {vec.ndim}")
    if self.shape[1] != vec.shape[0]:
        raise UserError(
            "shape",
            f"size mismatch, got input ({self.shape[0]}), mat ({self.shape[0]}x{self.shape[1]}), vec ({vec.shape[0]})",
        )
    if self.dtype != vec.dtype:
        first, second = (TYPE_NAMES[array.dtype.name] for array in (self, vec))
        raise UserError(
            "type", f"addmv input tensors must have the same dtype, but got {second}, {first}, and {second}"
        )  # fmt: skip
    return np.matmul(self, vec)


def dot_forward(self: Any, tensor: Any) -> Any:
    if self.ndim != 1 or tensor.ndim != 1:
        raise UserError("shape", f"1D tensors expected, but got {self.ndim}D and {tensor.ndim}D tensors")
    if self.dtype != tensor.dtype:
        raise UserError(
            "type",
            "dot : expected both vectors to have same dtype, but found "
            f"{TYPE_NAMES[self.dtype.name]} and {TYPE_NAMES[tensor.dtype.name]}",
        )
    if self.shape != tensor.shape:
        raise UserError(
            "shape",
            f"inconsistent tensor size, expected tensor {list(self.shape)} and src {list(tensor.shape)} to have the "
            f"same number of elements, but got {self.size} and {tensor.size} elements respectively",
        )
    return np.dot(self, tensor)


def bmm_forward(self: Any, mat2: Any) -> Any:
    if self.ndim != 3 or mat2.ndim != 3:
        raise UserError("shape", f"batch{1 if self.ndim != 3 else 2} must be a 3D tensor")
    if self.shape[0] != mat2.shape[0] or self.shape[2] != mat2.shape[1]:
        raise UserError(
            "shape",
            f"Expected size for first two dimensions of batch2 tensor to be: [{self.shape[0]}, {self.shape[2]}] but "
            f"got: [{mat2.shape[0]}, {mat2.shape[1]}].",
        )
    same_dtype(self, mat2)
    return np.matmul(self, mat2)


def addmm_forward(self: Any, mat1: Any, mat2: Any, beta: float, alpha: float) -> Any:
    for name, other in (("self", self), ("mat1", mat1)):
        if other.dtype != mat2.dtype:
            kinds = " and ".join(TYPE_NAMES[array.dtype.name] for array in (other, mat2))
            raise UserError("type", f"{name} and mat2 must have the same dtype, but got {kinds}")
    return added(self, mm_forward(mat1, mat2), beta, alpha)


def added(self: Any, product: Any, beta: Any, alpha: Any) -> Any:
    """beta * self + alpha * product; a `self` that counts for nothing is not even looked at."""
    beta, alpha = (fitted(number, product.dtype) for number in (beta, alpha))
    product = product if alpha == 1 else product * alpha
    expand_forward(self, product.shape)  # it says what is wrong, if it does not fit
    return product + (self if beta == 1 else self * beta) if beta != 0 else product


def adjoint(matrix: Any) -> Any:
    """The conjugate transpose of one matrix, or of a batch of them."""
    return conj(transpose(matrix, -2, -1))


def is_column_major(shape: Sequence[int], strides: Sequence[int], dtype: Any) -> bool:
    """Whether a matrix is laid out as the transpose of a contiguous one; strides in bytes."""
    return bool(strides[0] == dtype.itemsize and strides[1] == dtype.itemsize * shape[0])


def mm_left(grad: Any, mat2: Any, shape: Sequence[int], strides: Sequence[int]) -> Any:
    """grad @ mat2^H, in the memory layout of the left factor (`shape`, `strides`)."""
    if is_column_major(shape, strides, grad.dtype):
        return t(mm(conj(mat2), t(grad)))
    return mm(grad, conj(t(mat2)))


def mm_right(grad: Any, self: Any, shape: Sequence[int], strides: Sequence[int]) -> Any:
    """self^H @ grad, in the memory layout of the right factor (`shape`, `strides`)."""
    if is_column_major(shape, strides, grad.dtype):
        return t(mm(t(grad), conj(self)))
    return mm(conj(t(self)), grad)


mm = op(
    "mm(Tensor self, Tensor mat2)", "MmBackward0", mm_forward,
    check=of_elements(only("iufc", "addmm_impl_cpu_")),
    self=lambda grad, self_shape, self_strides, mat2: mm_left(grad, mat2, self_shape, self_strides),
    mat2=lambda grad, self, mat2_shape, mat2_strides: mm_right(grad, self, mat2_shape, mat2_strides),
)  # fmt: skip
mv = op(
    "mv(Tensor self, Tensor vec)", "MvBackward0", mv_forward,
    check=of_elements(only("iufc", "addmv_impl_cpu")),
    self=lambda grad, vec: outer(grad, conj(vec)),
    vec=lambda grad, self: mv(t(conj(self)), grad),
)  # fmt: skip
dot = op(
    "dot(Tensor self, Tensor tensor)", "DotBackward0", dot_forward,
    check=only("iufc", "dot"),
    self=lambda grad, tensor: grad * conj(tensor),
    tensor=lambda grad, self: grad * conj(self),
)  # fmt: skip
bmm = op(
    "bmm(Tensor self, Tensor mat2)", "BmmBackward0", bmm_forward,
    check=of_elements(only("iufc", "bmm")),
    self=lambda grad, mat2: bmm(grad, adjoint(mat2)),
    mat2=lambda grad, self: bmm(adjoint(self), grad),
)  # fmt: skip
addmm = op(
    "addmm(Tensor self, Tensor mat1, Tensor mat2, *, Scalar beta=1, Scalar alpha=1)", "AddmmBackward0", addmm_forward,
    check=of_elements(only("iufc", "addmm_impl_cpu_")),
    self=lambda grad, beta: scaled(grad, beta),
    mat1=lambda grad, mat1_shape, mat1_strides, mat2, alpha: scaled(
        mm_left(grad, mat2, mat1_shape, mat1_strides), alpha
    ),
    mat2=lambda grad, mat1, mat2_shape, mat2_strides, alpha: scaled(
        mm_right(grad, mat1, mat2_shape, mat2_strides), alpha
    ),
)  # fmt: skip
trace = op(
    "trace(Tensor self)", "TraceBackward0", lambda self: trace_forward(self),
    check=only("iufc", "trace"),
    self=lambda grad, self_shape: trace_backward(grad, self_shape),
)  # fmt: skip
diagonal = op(
    "diagonal(Tensor self, int offset=0, int dim1=0, int dim2=1)", "DiagonalBackward0",
    lambda self, offset, dim1, dim2: diagonal_forward(self, offset, dim1, dim2), view=True,
    self=lambda grad, self_shape, offset, dim1, dim2: diagonal_zeros(grad, self_shape, offset, dim1, dim2),
)  # fmt: skip
diagonal_zeros = op(
    "_diagonal_zeros(Tensor self, int[] shape, int offset, int dim1, int dim2)", "DiagonalBackwardBackward0",
    lambda self, shape, offset, dim1, dim2: diagonal_zeros_forward(self, shape, offset, dim1, dim2),
    self=lambda grad, offset, dim1, dim2: diagonal(grad, offset, dim1, dim2),
)  # fmt: skip


def trace_forward(self: Any) -> Any:
    if self.ndim != 2:
        raise UserError("shape", f"trace: expected a matrix, but got tensor with dim {self.ndim}")
    return np.trace(self, dtype=np.int64 if dtype_kind(self.dtype) in "iu" else None)


def trace_backward(grad: Any, shape: Sequence[int]) -> Any:
    """Zeros with `grad` along the diagonal."""
    places = make_index(np.arange(0, shape[1] * min(shape), shape[1] + 1), grad)
    return reshape(index_fill_tensor(new_zeros(grad, (math.prod(shape),)), 0, places, grad), tuple(shape))


def scaled(grad: Any, alpha: Any) -> Any:
    """The gradient of `alpha` times a tensor."""
    return grad if alpha == 1 else grad * alpha.conjugate()


def diagonal_forward(self: Any, offset: int, dim1: int, dim2: int) -> Any:
    first, second = wrap_dim(dim1, self.ndim), wrap_dim(dim2, self.ndim)
    if first == second:
        raise UserError("shape", f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return as_writable(np.diagonal(self, offset, first, second))


def as_writable(array: Any) -> Any:
    """NumPy makes the diagonal read-only; torch's and CuPy's can be written."""
    if isinstance(array, np.ndarray):
        array.flags.writeable = True
    return array


def diagonal_zeros_forward(self: Any, shape: Sequence[int], offset: int, dim1: int, dim2: int) -> Any:
    result = np.zeros_like(self, shape=tuple(shape))
    as_writable(np.diagonal(result, offset, dim1, dim2))[...] = self
    return result


def folds(self: Any, other: Any) -> bool:
    """Whether matmul folds the batch of the larger operand into the rows of one matrix product.

    torch's rule: always when the smaller one requires a gradient (which would otherwise be expanded), else only
    if folding needs no copy.
    """
    larger, smaller = (self, other) if self.ndim >= other.ndim else (transpose(other, -2, -1), self)
    if larger.ndim < 3 or smaller.ndim > 2:
        return False
    if getattr(smaller, "requires_grad", False):
        return True
    if self.ndim == 2:
        return False
    array = getattr(larger, "array", larger)
    return array.size == 0 or all(
        array.strides[dim] == array.strides[dim + 1] * array.shape[dim + 1] for dim in range(array.ndim - 2)
    )


@composite("matmul(Tensor self, Tensor other)")
def matmul(self: Any, other: Any) -> Any:
    """torch's matmul by the ranks of its operands, through the same products and views."""
    ranks = (self.ndim, other.ndim)
    if ranks == (2, 2):
        return mm(self, other)
    if 0 in ranks:
        raise UserError(
            "shape",
            f"both arguments to matmul need to be at least 1D, but they are {self.ndim}D and {other.ndim}D",
        )
    if ranks == (1, 1):
        return dot(self, other)
    if ranks == (2, 1):
        return mv(self, other)
    if ranks == (1, 2):
        result = squeeze_result(mm(unsqueeze(self, 0), other), 0)
        if isinstance(result, Tensor):
            result.version[0] += 1  # torch squeezes the product in place, which counts
        return result
    if folds(self, other):
        turned = other.ndim > self.ndim
        large = transpose(other, -2, -1) if turned else self
        small = other if not turned else (t(self) if self.ndim == 2 else self)
        rows = reshape(large, (math.prod(large.shape[:-1]), large.shape[-1]))
        if small.ndim == 1:
            return unsafe_view(mv(rows, small), large.shape[:-1])
        product = unsafe_view(mm(rows, small), (*large.shape[:-1], small.shape[1]))
        return contiguous(transpose(product, -2, -1)) if turned else product
    return batched_matmul(self, other)


def batched_matmul(self: Any, other: Any) -> Any:
    """Products of two stacks of matrices, a vector being a stack of one row, or of one column."""
    if self.ndim == 3 and other.ndim == 3 and self.shape[0] != other.shape[0]:
        if self.shape[0] == 1 and getattr(self, "requires_grad", False):
            return matmul(squeeze_dim(self, 0), other)
        if other.shape[0] == 1 and getattr(other, "requires_grad", False):
            return matmul(self, squeeze_dim(other, 0))
    rows = self.shape[-2:] if self.ndim > 1 else (1, self.shape[-1])
    columns = other.shape[-2:] if other.ndim > 1 else (other.shape[-1],)
    batch = broadcast_sizes(self.shape[:-2], other.shape[:-2])
    size = math.prod(batch)
    left = reshape(expand(self, (*batch, *rows)), (size, *rows))
    right = reshape(expand(other, (*batch, *columns)), (size, *columns))
    shape = (*batch, *(rows[:1] if self.ndim > 1 else ()), *columns[1:])
    if other.ndim == 1:
        return unsafe_view(squeeze_dim(bmm(left, unsqueeze(right, 2)), -1), shape)
    return unsafe_view(bmm(left, right), shape)


@composite("outer(Tensor self, Tensor vec2)")
def outer(self: Any, vec2: Any) -> Any:
    for name, tensor in (("self", self), ("vec2", vec2)):
        if tensor.ndim != 1:
            raise UserError("shape", f"outer: Expected 1-D argument {name}, but got {tensor.ndim}-D")
    return mul(reshape(self, (self.shape[0], 1)), vec2)


@composite("linear(Tensor input, Tensor weight, Tensor? bias=None)")
def linear(input: Any, weight: Any, bias: Any = None) -> Any:
    """input @ weight.T + bias."""
    if 0 in (input.ndim, weight.ndim):
        raise UserError(
            "shape",
            f"both arguments to linear need to be at least 1D, but they are {input.ndim}D and {weight.ndim}D",
        )
    if bias is None:
        return matmul(input, t(weight))
    if input.ndim == 2:
        return addmm(bias, input, t(weight))
    if not (is_contiguous(input) and is_contiguous(bias) and bias.ndim == 1):
        return add.inplace(matmul(input, t(weight)), bias)
    rows = reshape(input, (math.prod(input.shape[:-1]), input.shape[-1]))
    return view(addmm(bias, rows, t(weight)), (*input.shape[:-1], weight.shape[0]))
