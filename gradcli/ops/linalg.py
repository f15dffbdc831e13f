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
from gradcli.ops.reduce import index_fill_tensor, sum_dim
from gradcli.ops.shape import (
    broadcast_sizes,
    contiguous,
    expand,
    expand_forward,
    is_contiguous,
    movedim,
    new_zeros,
    permute,
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


@composite("einsum(str equation, Tensor[] operands)")
def einsum(equation: str, operands: Sequence[Any]) -> Any:
    """Operands permuted to common labels, then contracted from left to right by batched products, as torch does."""
    inputs, output = parse_equation(equation, operands)
    labels = [*output, *sorted({label for names in inputs for label in names} - set(output))]
    aligned = [align(tensor, names, labels) for tensor, names in zip(operands, inputs, strict=True)]
    check_sizes(aligned, labels)
    counts = {dim: sum(tensor.shape[dim] != 1 for tensor in aligned) for dim in range(len(output), len(labels))}
    result = aligned[0]
    for other in aligned[1:]:
        both, left_only, right_only = [], [], []
        for dim in range(len(output), len(labels)):
            if result.shape[dim] != 1 and other.shape[dim] != 1:
                counts[dim] -= 1
                if counts[dim] == 1:
                    both.append(dim)
                    counts[dim] = 0
            elif counts[dim] == 1:
                if result.shape[dim] != 1:
                    left_only.append(dim)
                    counts[dim] = 0
                elif other.shape[dim] != 1:
                    right_only.append(dim)
                    counts[dim] = 0
        result = sum_dim(result, left_only, keepdim=True) if left_only else result
        other = sum_dim(other, right_only, keepdim=True) if right_only else other
        result = contract(result, other, both)
    if len(labels) > len(output):
        if len(aligned) > 1:
            return view(result, result.shape[: len(output)])
        return sum_dim(result, list(range(len(output), len(labels))))
    return result


def check_sizes(aligned: Sequence[Any], labels: Sequence[str]) -> None:
    """A UserError if a label stands for two sizes, other than 1."""
    for dim, label in enumerate(labels):
        seen = 1
        for place, tensor in enumerate(aligned):
            size = tensor.shape[dim]
            if size != 1 and seen not in (1, size):
                raise UserError(
                    "shape",
                    f"einsum(): subscript {label} has size {size} for operand {place} which does not broadcast with "
                    f"previously seen size {seen}",
                )
            seen = size if size != 1 else seen


def parse_equation(equation: str, operands: Sequence[Any]) -> tuple[list[list[str]], list[str]]:
    """The labels of each operand and of the result; the dimensions of `...` become labels of their own."""
    text = equation.replace(" ", "")
    left, arrow, right = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(operands):
        more = "more operands were provided than specified in the equation"
        fewer = "fewer operands were provided than specified in the equation"
        raise UserError("value", f"einsum(): {more if len(operands) > len(terms) else fewer}")
    inputs = []
    broadcast = 0
    for place, (term, tensor) in enumerate(zip(terms, operands, strict=True)):
        names = term.replace("...", "")
        for label in names:
            if not (label.isascii() and label.isalpha()):
                raise UserError(
                    "value",
                    f"einsum(): invalid subscript given at index {text.index(label)} in the equation string, "
                    "subscripts must be in [a-zA-Z]",
                )
        hidden = tensor.ndim - len(names)
        if hidden < 0 or (hidden > 0 and "..." not in term):
            raise UserError(
                "shape",
                "einsum(): the number of subscripts in the equation "
                f"({len(names)}) {'is more than' if hidden < 0 else 'does not match'} the number of dimensions "
                f"({tensor.ndim}) for operand {place}{'' if hidden < 0 else ' and no ellipsis was given'}",
            )
        broadcast = max(broadcast, hidden)
        before, _, after = term.partition("...")
        inputs.append([*before, *(f".{n}" for n in range(hidden, 0, -1)), *after])
    dots = [f".{n}" for n in range(broadcast, 0, -1)]
    if not arrow:
        letters = sorted(letter for letter in set(left) if letter.isalpha() and left.count(letter) == 1)
        return inputs, [*dots, *letters]
    before, ellipsis, after = right.partition("...")
    output = [*before, *(dots if ellipsis else []), *after]
    known = {label for names in inputs for label in names}
    for label in output:
        if label not in known:
            raise UserError(
                "value",
                f"einsum(): output subscript {label} does not appear in the equation for any input operand",
            )
        if output.count(label) > 1:
            raise UserError("value", f"einsum(): output subscript {label} appears more than once in the output")
    return inputs, output


def align(tensor: Any, names: Sequence[str], labels: Sequence[str]) -> Any:
    """`tensor` with one dimension a label, in their order: repeated labels are diagonals, missing ones have size 1."""
    names = list(names)
    for label in dict.fromkeys(names):
        while names.count(label) > 1:
            first = names.index(label)
            second = names.index(label, first + 1)
            if tensor.shape[first] != tensor.shape[second]:
                raise UserError(
                    "shape",
                    f"einsum(): subscript {label} is repeated for operand 0 but the sizes don't match, "
                    f"{tensor.shape[second]} != {tensor.shape[first]}",
                )
            tensor = movedim(diagonal(tensor, 0, first, second), -1, first)
            del names[second]
    for label in labels:
        if label not in names:
            tensor = unsqueeze(tensor, tensor.ndim)
            names.append(label)
    return permute(tensor, [names.index(label) for label in labels])


def contract(left: Any, right: Any, summed: Sequence[int]) -> Any:
    """The product of two aligned tensors, summed over the dimensions `summed`, which stay with size 1."""
    if not summed:
        return mul(left, right)
    both: list[int] = []
    left_only: list[int] = []
    right_only: list[int] = []
    for dim in range(left.ndim):
        if dim not in summed:
            wide_left, wide_right = left.shape[dim] != 1, right.shape[dim] != 1
            (both if wide_left and wide_right else left_only if wide_left else right_only).append(dim)
    if left_only and right_only and right_only[-1] < left_only[0]:  # then the product needs no transposition
        left, right, left_only, right_only = right, left, right_only, left_only
    batch = math.prod(left.shape[dim] for dim in both)
    inner = math.prod(left.shape[dim] for dim in summed)
    rows = math.prod(left.shape[dim] for dim in left_only)
    columns = math.prod(right.shape[dim] for dim in right_only)
    order = [*both, *left_only, *summed, *right_only]
    product = bmm(
        reshape(permute(left, order), (batch, rows, inner)),
        reshape(permute(right, [*both, *summed, *right_only, *left_only]), (batch, inner, columns)),
    )
    shape = [
        *(left.shape[dim] for dim in (*both, *left_only)),
        *(1 for _ in summed),
        *(right.shape[dim] for dim in right_only),
    ]
    return permute(view(product, shape), [order.index(dim) for dim in range(left.ndim)])
