"""Numbers and functions of matrices: determinants, norms and condition, the exponential, tensors read as matrices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from gradcli.engine.device import as_array, np
from gradcli.engine.dtypes import TYPE_NAMES, dtype_kind, is_reduced
from gradcli.engine.mode import warn
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.ops.arithmetic import reciprocal
from gradcli.ops.compare import nan_to_num
from gradcli.ops.copies import conj, imag, masked_fill, to_dtype, where
from gradcli.ops.create import ones
from gradcli.ops.decompose import linalg_svd, svdvals
from gradcli.ops.define import composite, op
from gradcli.ops.elementary import log
from gradcli.ops.extremes import amax, amin
from gradcli.ops.kinds import check_norm
from gradcli.ops.lapack import identity, inexact, matrices, square
from gradcli.ops.linalg import adjoint, matmul
from gradcli.ops.pieces import cat
from gradcli.ops.reduce import (
    Dims,
    around_zeros,
    check_norm_dtype,
    cumprod,
    put,
    sum_dim,
    vector_norm,
    vector_norm_backward,
    vector_norm_forward,
)
from gradcli.ops.shape import (
    contiguous,
    expand,
    flatten,
    movedim,
    narrow,
    new_zeros,
    permute,
    reshape,
    squeeze_dim,
    transpose,
    unsqueeze,
    view,
    wrap_dim,
)
from gradcli.ops.solve import inv, inverse_ex, solve, solve_ex
from gradcli.ops.windows import diag_embed


def det_backward(grad: Any, A: Any, result: Any) -> Any:
    """det(A) A^-H grad; where A has no inverse, torch has 0 here, and the adjugate in a graph."""
    scale = grad * conj(result)
    singular = getattr(result, "array", result) == 0
    if not singular.any().item():
        return solve(adjoint(A), on_diagonals(scale, A))
    if isinstance(A, Tensor):
        return det_backward_by_svd(grad, A)
    return solve(adjoint(np.where(singular[..., None, None], identity(A), A)), on_diagonals(scale, A))


def on_diagonals(values: Any, A: Any) -> Any:
    """Matrices like `A` with a number of `values` all along each diagonal."""
    return transpose(diag_embed(expand(unsqueeze(values, -1), tuple(A.shape[:-1]))), -2, -1)


def slogdet_backward(grads: Any, A: Any, sign: Any) -> Any:
    slope = grads[1]
    if dtype_kind(A.dtype) != "c":
        return None if slope is None else solved_in_any_case(adjoint(A), on_diagonals(slope, A))
    if grads[0] is not None:
        turn = imag(as_array(conj(grads[0]) * sign))
        slope = turn * -1j if slope is None else slope - turn * 1j
    else:
        slope = to_dtype(slope, A.dtype)
    return solved_in_any_case(adjoint(A), on_diagonals(slope, A))


def solved_in_any_case(A: Any, B: Any) -> Any:
    """The solution; outside a graph what is left of it where A is singular."""
    return solve(A, B) if isinstance(A, Tensor) else solve_ex(A, B)[0]


def det_backward_by_svd(grad: Any, A: Any) -> Any:
    """The adjugate of matrices of whatever rank: U diag(the products of the other singular values) Vh."""
    U, S, Vh = linalg_svd(A, True)
    scale = unsqueeze(conj(det(U) * det(Vh)) * grad, -1)
    return matmul(U * unsqueeze(around_zeros(scale, S, S.ndim - 1), -2), Vh)


det = op(
    "det(Tensor self)", "LinalgDetBackward0", lambda self: det_forward(self),
    self=lambda grad, self, result: det_backward(grad, self, result),
)  # fmt: skip
slogdet = op(
    "slogdet(Tensor self) -> (sign, logabsdet)", "LinalgSlogdetBackward0", lambda self: slogdet_forward(self),
    self=lambda grads, self, sign: slogdet_backward(grads, self, sign),
)  # fmt: skip
linalg_slogdet = op(
    "linalg::slogdet(Tensor A) -> (sign, logabsdet)", "LinalgSlogdetBackward0", lambda A: slogdet_forward(A),
    A=lambda grads, A, sign: slogdet_backward(grads, A, sign),
)  # fmt: skip


def det_forward(A: Any) -> Any:
    square(A, "linalg.det")
    inexact(A, "linalg.det")
    return np.linalg.det(A)


def slogdet_forward(A: Any) -> tuple[Any, Any]:
    square(A, "linalg.slogdet")
    inexact(A, "linalg.slogdet")
    sign, logabsdet = np.linalg.slogdet(A)
    return sign, logabsdet


@composite("logdet(Tensor self)")
def logdet(self: Any) -> Any:
    square(self, "logdet")
    inexact(self, "logdet")
    sign, logabsdet = slogdet(self)
    return log(sign) + logabsdet if dtype_kind(self.dtype) == "c" else where(sign == -1, float("nan"), logabsdet)


def matrix_exp_forward(self: Any) -> Any:
    """The exponential series to its 18th term, of what is small enough for it, and squared back."""
    square(self, "linalg.matrix_exp")
    inexact(self, "linalg.matrix_exp")
    one = identity(self)
    if self.size == 0:
        return one
    largest = np.amax(np.add.reduce(np.absolute(self), axis=-2)).item()
    halvings = max(0, math.ceil(math.log2(largest))) if 0 < largest < math.inf else 0
    small = self / 2**halvings
    result = one
    for term in range(18, 0, -1):
        result = one + np.matmul(small, result) / term
    for _ in range(halvings):
        result = np.matmul(result, result)
    return result


def matrix_exp_backward(grad: Any, self: Any) -> Any:
    """The corner of the exponential of [[A^H, grad], [0, A^H]]."""
    size = self.shape[-1]
    blocks = new_zeros(grad, (*self.shape[:-2], 2 * size, 2 * size))
    turned = adjoint(self)
    put(turned, narrow(narrow(blocks, -2, 0, size), -1, 0, size))
    put(turned, narrow(narrow(blocks, -2, size, size), -1, size, size))
    put(grad, narrow(narrow(blocks, -2, 0, size), -1, size, size))
    return narrow(narrow(matrix_exp(blocks), -2, 0, size), -1, size, size)


matrix_exp = op(
    "matrix_exp(Tensor self)", "LinalgMatrixExpBackward0", matrix_exp_forward,
    self=lambda grad, self: matrix_exp_backward(grad, self),
)  # fmt: skip


EXTREMES = {2: amax, -2: amin, 1: amax, -1: amin, math.inf: amax, -math.inf: amin}


def matrix_dims(A: Any, dim: Sequence[int]) -> tuple[int, int]:
    name = "linalg.matrix_norm"
    if dtype_kind(A.dtype) not in "fc":
        kind = TYPE_NAMES[A.dtype.name]
        raise UserError("type", f"{name}: Expected a floating point or complex tensor as input. Got {kind}")
    matrices(A, name)
    if len(dim) != 2:
        raise UserError("shape", f"{name}: dim must be a 2-tuple. Got {', '.join(map(str, dim))}")
    rows, columns = (wrap_dim(place, A.ndim) for place in dim)
    if rows == columns:
        raise UserError("shape", f"{name}: dims must be different. Got ({rows}, {columns})")
    return rows, columns


@composite(
    'linalg::matrix_norm(Tensor A, Scalar|str ord="fro", int[] dim=[-2, -1], bool keepdim=False, *, '
    "ScalarType? dtype=None)"
)
def matrix_norm(
    A: Any, ord: Any = "fro", dim: Sequence[int] = (-2, -1), keepdim: bool = False, *, dtype: Any = None
) -> Any:
    """Of the matrices in two dimensions: 'fro' and 'nuc', or by singular values (2), columns (1) or rows (inf)."""
    rows, columns = matrix_dims(A, dim)
    check_norm_dtype("matrix", A, dtype)
    if ord == "fro":
        return vector_norm(A, 2, list(dim), keepdim, dtype=dtype)
    if ord != "nuc" and ord not in EXTREMES:
        named = ord if isinstance(ord, str) else f"{ord:g}"
        raise UserError("value", f"linalg.matrix_norm: Order {named} not supported.")
    if ord in (1, -1, math.inf, -math.inf):
        summed, chosen = (rows, columns) if abs(ord) == 1 else (columns, rows)
        sums = vector_norm(A, 1, [summed], keepdim, dtype=dtype)
        if ord > 0 and not A.shape[chosen]:
            lengths = [1 if place in (rows, columns) else length for place, length in enumerate(A.shape)]
            kept = [length for place, length in enumerate(lengths) if keepdim or place not in (rows, columns)]
            return new_zeros(sums, kept)
        return EXTREMES[ord](sums, [chosen - (not keepdim and summed < chosen)], keepdim)
    A = A if dtype is None else to_dtype(A, dtype)
    inexact(A, "linalg.matrix_norm")
    order = [*(place for place in range(A.ndim) if place not in (rows, columns)), rows, columns]
    values = svdvals(permute(A, order))
    norm = sum_dim(values, [-1], keepdim) if ord == "nuc" else EXTREMES[ord](values, [-1], keepdim)
    return permute(unsqueeze(norm, -1), [order.index(place) for place in range(A.ndim)]) if keepdim else norm


@composite(
    "linalg::norm(Tensor A, Scalar|str? ord=None, int[]? dim=None, bool keepdim=False, *, ScalarType? dtype=None)"
)
def linalg_norm(A: Any, ord: Any = None, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The vector norm of all elements, or the matrix norm where `ord` and the dimensions say so."""
    dims = [dim] if isinstance(dim, int) else dim
    if dims is not None and ord is not None and len(dims) not in (1, 2):
        raise UserError("shape", f"linalg.norm: If dim is specified, it must be of length 1 or 2. Got {dims}")
    if dims is None and ord is not None and A.ndim not in (1, 2):
        raise UserError(
            "shape", "linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got "
            f"{A.ndim}D."
        )  # fmt: skip
    if isinstance(ord, str) or (ord is not None and (A.ndim if dims is None else len(dims)) == 2):
        return matrix_norm(A, ord, [-2, -1] if dims is None else dims, keepdim, dtype=dtype)
    return vector_norm(A, 2 if ord is None else ord, dims, keepdim, dtype=dtype)


@composite('norm(Tensor self, Scalar|str? p="fro", int[]? dim=None, bool keepdim=False, *, ScalarType? dtype=None)')
def norm(self: Any, p: Any = "fro", dim: Dims = None, keepdim: bool = False, dtype: Any = None) -> Any:
    """The vector norm over `dim`; 'fro' and 'nuc' are of matrices."""
    if p == "nuc":
        return matrix_norm(self, "nuc", list(range(self.ndim)) if dim is None else dim, keepdim, dtype=dtype)
    return vector_norm(self, 2 if p in ("fro", None) else p, dim, keepdim, dtype=dtype)


def norm_forward(self: Any, p: float, dim: Dims, keepdim: bool) -> Any:
    check_norm(self)
    return vector_norm_forward(self, p, dim, keepdim, None)


old_norm = op(
    "_norm(Tensor self, Scalar p)", "NormBackward0", lambda self, p: norm_forward(self, p, None, False),
    contiguous=True,
    self=lambda grad, self, p, result: vector_norm_backward(grad, self, p, None, False, result),
)  # fmt: skip
old_norm_over = op(
    "_norm.ScalarOpt_dim(Tensor self, Scalar p, int[] dim, bool keepdim)", "NormBackward1", norm_forward,
    contiguous=True,
    self=lambda grad, self, p, dim, keepdim, result: vector_norm_backward(grad, self, p, dim, keepdim, result),
)  # fmt: skip


@composite("frobenius_norm(Tensor input, int[] dim, bool keepdim=False)")
def frobenius_norm(input: Any, dim: Sequence[int], keepdim: bool = False) -> Any:
    """The root of the sum of squares over one or two dimensions, over all where `dim` is empty."""
    warn_of_old("frobenius_norm", "linalg.vector_norm(A, 2., dim, keepdim)")
    if len(dim) > 2:
        raise UserError("shape", f"Expected at most 2 dimensions, but got {len(dim)} dimensions instead.")
    return old_norm_over(input, 2, list(dim), keepdim)


@composite("nuclear_norm.dim(Tensor input, int[] dim, bool keepdim=False)")
def nuclear_norm_over(input: Any, dim: Sequence[int], keepdim: bool = False) -> Any:
    """The sum of the singular values of the matrices in two dimensions."""
    warn_of_old("nuclear_norm", "linalg.matrix_norm(A, 'nuc', dim, keepdim)")
    return matrix_norm(input, "nuc", dim, keepdim)


@composite("nuclear_norm(Tensor input, bool keepdim=False)")
def nuclear_norm(input: Any, keepdim: bool = False) -> Any:
    return nuclear_norm_over(input, (-2, -1), keepdim)


def warn_of_old(name: str, instead: str) -> None:
    warn(
        f"at::{name} is deprecated and it is just left for JIT compatibility. It will be removed in a future PyTorch "
        f"release. Please use `{instead}` instead"
    )


@composite("norm_except_dim(Tensor v, int pow=2, int dim=0)")
def norm_except_dim(v: Any, pow: int = 2, dim: int = 0) -> Any:
    """The norm over all dimensions but `dim`, which is as long as before; over all of them where `dim` is -1."""
    if dim == -1:
        return old_norm(v, pow)
    if dim not in (0, v.ndim - 1):
        return transpose(norm_except_dim(transpose(v, 0, dim), pow, 0), 0, dim)
    if v.ndim == 0:
        raise UserError("shape", f"Dimension specified as {dim} but tensor has no dimensions")
    length, last = v.shape[dim], dim != 0
    table = view(contiguous(v), (-1, length) if last else (length, -1))
    norms = old_norm_over(table, pow, [0 if last else 1], False)
    return view(norms, (*[1] * (v.ndim - 1), length) if last else (length, *[1] * (v.ndim - 1)))


@composite("linalg::cond(Tensor A, Scalar|str? p=None)")
def cond(A: Any, p: Any = None) -> Any:
    """The norm of a matrix times that of its inverse."""
    if p not in (None, "fro", "nuc", *EXTREMES):
        raise UserError("value", f"linalg.cond got an invalid norm type: {p}")
    if A.ndim < 2:
        raise UserError("shape", "linalg.cond: The input tensor must have at least 2 dimensions.")
    if p not in (None, 2, -2):
        square(A, f"linalg.cond(ord={p})")
    if 0 in A.shape[-2:]:
        return Tensor(np.zeros_like(A.array.real, shape=A.shape[:-2]))
    if p in (None, 2, -2):
        values = svdvals(A)
        largest, smallest = narrow(values, -1, 0, 1), narrow(values, -1, -1, 1)
        return squeeze_dim(smallest / largest if p == -2 else largest / smallest, -1)
    if p == "nuc":
        values = svdvals(A)
        return sum_dim(values, [-1]) * sum_dim(reciprocal(values), [-1])
    inverse, info = inverse_ex(A)
    masked_fill.inplace(inverse, unsqueeze(unsqueeze(info, -1), -1) > 0, math.inf)
    return nan_to_num.inplace(matrix_norm(A, p) * matrix_norm(inverse, p), math.inf, math.inf, -math.inf)


@composite("linalg::vander(Tensor x, *, int? N=None)")
def linalg_vander(x: Any, *, N: int | None = None) -> Any:
    x = unsqueeze(x, -1) if x.ndim == 0 else x
    if is_reduced(x.dtype) or dtype_kind(x.dtype) == "b":
        name = TYPE_NAMES[x.dtype.name]
        raise UserError("type", f"linalg.vander supports floating point, complex, and integer tensors, but got {name}")
    count = x.shape[-1] if N is None else N
    if count <= 1:
        raise UserError("value", "N must be greater than 1.")
    powers = cumprod(expand(unsqueeze(x, -1), (*x.shape, count - 1)), -1)
    return cat([ones((*x.shape, 1), dtype=powers.dtype), powers], -1)


@composite("linalg::tensorinv(Tensor A, int ind=2)")
def tensorinv(A: Any, ind: int = 2) -> Any:
    if ind <= 0:
        raise UserError("value", f"Expected a strictly positive integer for 'ind', but got {ind}")
    if ind > A.ndim:
        raise UserError("value", f"ArrayRef: invalid slice, N = {ind}; size = {A.ndim}")
    before, behind = math.prod(A.shape[:ind]), math.prod(A.shape[ind:])
    if before != behind:
        raise UserError(
            "shape",
            "Expected self to satisfy the requirement prod(self.shape[ind:]) == prod(self.shape[:ind]), but got "
            f"{behind} != {before}",
        )
    return reshape(inv(reshape(A, (before, behind))), (*A.shape[ind:], *A.shape[:ind]))


@composite("linalg::tensorsolve(Tensor A, Tensor B, int[]? dims=None)")
def tensorsolve(A: Any, B: Any, dims: Sequence[int] | None = None) -> Any:
    if dims is not None:
        A = movedim(A, dims, range(A.ndim - len(dims), A.ndim))
    shape = A.shape[B.ndim :]
    size = math.prod(shape)
    if math.prod(B.shape) != size:
        raise UserError(
            "shape",
            "Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == prod(self.shape[:other.ndim]), "
            f"but got {size} != {math.prod(B.shape)}",
        )
    return reshape(solve(reshape(A, (size, size)), flatten(B)), shape)
