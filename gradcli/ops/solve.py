"""Linear systems and what factors them by elimination: triangular, LU and Cholesky; inverses and determinants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gradcli.engine.device import np
from gradcli.errors import UserError
from gradcli.ops.copies import conj
from gradcli.ops.define import composite, op
from gradcli.ops.lapack import (
    batched,
    by_columns,
    check_errors,
    cholesky_as_far_as_possible,
    compatible,
    eliminated,
    has_kernel,
    identity,
    inexact,
    is_vector,
    lower_and_upper,
    of_one_dtype,
    of_one_kind,
    permutation,
    solved_by_factors,
    square,
    substituted,
    turned,
    watched,
)
from gradcli.ops.linalg import adjoint, matmul
from gradcli.ops.pieces import cat
from gradcli.ops.shape import narrow, new_zeros, squeeze_dim, transpose, tril, triu, unsqueeze


def solve_forward(A: Any, B: Any, left: bool, check_errors: bool) -> tuple[Any, Any]:
    name = "linalg.solve"
    inexact(A, name)
    of_one_dtype(A, B, name)
    square(A, name)
    vector = is_vector(A, B)
    matrix = B[..., None] if vector else B
    compatible(A, matrix, left, name)
    coefficients, sides = batched(A, matrix) if left else batched(turned(A), turned(matrix))
    info = np.zeros_like(A, shape=coefficients.shape[:-2], dtype=np.int32)
    try:
        with watched(A):
            X = np.linalg.solve(coefficients, sides)
    except np.linalg.LinAlgError:
        LU, pivots, info = eliminated(coefficients)
        X = solved_by_factors(LU, pivots, sides)
    if check_errors:
        failed_solve(info)
    if left:
        return by_columns(X[..., 0] if vector else X), info
    X = turned(by_columns(X))
    return X[..., 0] if vector else X, info


def failed_solve(info: Any) -> None:
    check_errors(info, "torch.linalg.solve", "solve")


def solve_backward(grad: Any, result: Any, A: Any, left: bool, needs: Sequence[bool]) -> tuple[Any, Any]:
    vector = is_vector(A, result)
    slope = solve(adjoint(A), unsqueeze(grad, -1) if vector else grad, left=left)
    X = unsqueeze(result, -1) if vector else result
    A_grad = None
    if needs[0]:
        A_grad = -matmul(slope, adjoint(X)) if left else -matmul(adjoint(X), slope)
    return A_grad, (squeeze_dim(slope, -1) if vector else slope) if needs[1] else None


def inverse_forward(A: Any, check_errors: bool) -> tuple[Any, Any]:
    square(A, "linalg.inv")
    inexact(A, "linalg.inv")
    info = np.zeros_like(A, shape=A.shape[:-2], dtype=np.int32)
    try:
        with watched(A):
            inverse = np.linalg.inv(A)
    except np.linalg.LinAlgError:
        LU, pivots, info = eliminated(A)
        inverse = solved_by_factors(LU, pivots, identity(A))
    if check_errors:
        failed_inverse(info)
    return by_columns(inverse), info


def failed_inverse(info: Any) -> None:
    check_errors(info, "linalg.inv", "inv")


def inverse_backward(grad: Any, inverse: Any) -> Any:
    turned_inverse = adjoint(inverse)
    return -matmul(turned_inverse, matmul(grad, turned_inverse))


def cholesky_forward(A: Any, upper: bool) -> tuple[Any, Any]:
    """The factor, of the triangle that `upper` names, and the order of the first minor that is not positive."""
    lower = np.conj(turned(A)) if upper else A
    info = np.zeros_like(A, shape=A.shape[:-2], dtype=np.int32)
    try:
        with watched(A):
            L = np.linalg.cholesky(lower)
    except np.linalg.LinAlgError:
        L = None
    if L is None or np.isnan(L).any().item():
        L, info = cholesky_as_far_as_possible(lower)
    return by_columns(np.conj(turned(L)) if upper else L), info


def cholesky_checked(self: Any, upper: bool) -> Any:
    if not self.size:
        return self.copy()
    square(self, "cholesky")
    has_kernel(self, "cholesky_cpu")
    L, info = cholesky_forward(self, upper)
    check_errors(info, "cholesky", "cholesky")
    return L


def cholesky_ex_forward(A: Any, upper: bool, check_errors: bool) -> tuple[Any, Any]:
    square(A, "linalg.cholesky")
    inexact(A, "linalg.cholesky")
    L, info = cholesky_forward(A, upper)
    if check_errors:
        failed_cholesky(info)
    return L, info


def failed_cholesky(info: Any) -> None:
    check_errors(info, "linalg.cholesky", "cholesky")


def cholesky_backward(grad: Any, upper: bool, L: Any) -> Any:
    lower = adjoint(L) if upper else L
    product = matmul(adjoint(lower), adjoint(grad) if upper else grad)
    middle = (tril(product) + adjoint(tril(product, -1))) * 0.5
    inner = solve_triangular(adjoint(lower), middle, upper=True)
    return solve_triangular(lower, inner, upper=False, left=False)


def cholesky_solve_forward(self: Any, input2: Any, upper: bool) -> Any:
    for name, operand in (("b", self), ("u", input2)):
        if operand.ndim < 2:
            raise UserError(
                "shape", f"{name} should have at least 2 dimensions, but has {operand.ndim} dimensions instead"
            )
    if self.shape[-2] != input2.shape[-1]:
        size, (rows, columns) = input2.shape[-1], self.shape[-2:]
        raise UserError(
            "shape",
            f"Incompatible matrix sizes for cholesky_solve: each A matrix is {size} by {size} but each b matrix is "
            f"{rows} by {columns}",
        )
    has_kernel(self, "cholesky_solve_cpu")
    of_one_kind(self, input2)
    L = np.conj(turned(input2)) if upper else input2
    return by_columns(substituted(np.conj(turned(L)), substituted(L, self, upper=False), upper=True))


def cholesky_solve_backward(grad: Any, input2: Any, result: Any, upper: bool, needs: Sequence[bool]) -> tuple[Any, Any]:
    slope = cholesky_solve(grad, input2, upper)
    if not needs[1]:
        return slope, None
    product = matmul(slope, adjoint(result))
    common = product + adjoint(product)
    return slope, -matmul(input2, common) if upper else -matmul(common, input2)


def cholesky_inverse_forward(self: Any, upper: bool) -> Any:
    square(self, "cholesky_inverse")
    has_kernel(self, "cholesky_inverse_out_cpu")
    return cholesky_solve_forward(identity(self), self, upper)


def cholesky_inverse_backward(grad: Any, self: Any, upper: bool, result: Any) -> Any:
    common = matmul(result, matmul(grad + adjoint(grad), result))
    return -matmul(self, common) if upper else -matmul(common, self)


def triangular_forward(A: Any, B: Any, upper: bool, left: bool, unitriangular: bool) -> Any:
    compatible(A, B, left, "linalg.solve_triangular")
    has_kernel(A, "triangular_solve_cpu")
    if left:
        return by_columns(substituted(A, B, upper, unitriangular))
    return by_columns(turned(substituted(turned(A), turned(B), not upper, unitriangular)))


def triangular_backward(
    grad: Any, A: Any, result: Any, upper: bool, left: bool, unitriangular: bool, needs: Sequence[bool]
) -> tuple[Any, Any]:
    slope = solve_triangular(adjoint(A), grad, upper=not upper, left=left, unitriangular=unitriangular)
    if not needs[0]:
        return None, slope
    A_grad = -matmul(slope, adjoint(result)) if left else -matmul(adjoint(result), slope)
    return half(A_grad, upper, unitriangular), slope if needs[1] else None


def half(A: Any, upper: bool, unitriangular: bool) -> Any:
    """The triangle of A that counts: without its diagonal, where that is ones whatever it is."""
    return triu(A, int(unitriangular)) if upper else tril(A, -int(unitriangular))


def triangular_solve_forward(self: Any, A: Any, upper: bool, transpose: bool, unitriangular: bool) -> tuple[Any, Any]:
    for name, operand in (("b", self), ("A", A)):
        if operand.ndim < 2:
            raise UserError(
                "shape", f"torch.triangular_solve: Expected {name} to have at least 2 dimensions, but it has "
                f"{operand.ndim} dimensions instead"
            )  # fmt: skip
    if A.shape[-2] != A.shape[-1]:
        rows, columns = A.shape[-2:]
        raise UserError(
            "shape", f"A must be batches of square matrices, but they are {rows} by {columns} matrices"
        )  # fmt: skip
    if self.shape[-2] != A.shape[-1]:
        size, (rows, columns) = A.shape[-1], self.shape[-2:]
        raise UserError(
            "shape",
            f"Incompatible matrix sizes for triangular_solve: each A matrix is {size} by {size} but each b matrix is "
            f"{rows} by {columns}",
        )
    has_kernel(A, "triangular_solve_cpu")
    of_one_kind(self, A)
    A, self = batched(A, self)
    solution = substituted(turned(A) if transpose else A, self, upper != transpose, unitriangular)
    return by_columns(solution), by_columns(A)


def triangular_solve_backward(
    grads: Any, A: Any, solution: Any, upper: bool, turned: bool, unitriangular: bool, needs: Sequence[bool]
) -> tuple[Any, Any]:
    slope = A_grad = None
    if grads[0] is not None:
        slope = triangular_solve(grads[0], conj(A), upper, not turned, unitriangular)[0]
        if needs[1]:
            product = -matmul(conj(solution), transpose(slope, -2, -1)) if turned else -matmul(slope, adjoint(solution))
            A_grad = half(product, upper, unitriangular)
    if grads[1] is not None and needs[1]:
        A_grad = grads[1] if A_grad is None else A_grad + grads[1]
    return slope, A_grad


def several_dims(A: Any, name: str) -> None:
    if A.ndim < 2:
        sizes = list(A.shape)
        raise UserError("shape", f"{name}: Expected tensor with 2 or more dimensions. Got size: {sizes} instead")


def lu_factor_forward(A: Any, pivot: bool, check_errors: bool) -> tuple[Any, Any, Any]:
    several_dims(A, "torch.lu_factor")
    if A.size:
        has_kernel(A, "lu_cpu")
    if not pivot and A.size:
        raise UserError("value", "linalg.lu_factor: LU without pivoting is not implemented on the CPU")
    factors = eliminated(A)
    if check_errors:
        failed_factor(factors[2])
    return factors


def failed_factor(info: Any) -> None:
    codes = getattr(info, "array", info).reshape(-1)
    if codes.any().item():
        zero = codes[codes != 0][0].item()
        raise UserError(
            "value",
            f"torch.linalg.lu_factor: U[{zero},{zero}] is zero and using it on lu_solve would result in a division by "
            "zero. If you still want to perform the factorization, consider calling linalg.lu(A, pivot) or "
            "linalg.lu_factor_ex(A, pivot)",
        )


def lu_forward(A: Any, pivot: bool) -> tuple[Any, Any, Any]:
    several_dims(A, "linalg.lu")
    LU, pivots, _ = lu_factor_forward(A, pivot, False)
    P = permutation(pivots, A.shape[-2], A) if pivot else np.zeros_like(LU, shape=(0,))
    return (P, *lower_and_upper(LU))


def lu_unpack_forward(LU_data: Any, LU_pivots: Any, unpack_data: bool, unpack_pivots: bool) -> tuple[Any, Any, Any]:
    if unpack_pivots and LU_pivots.dtype != np.int32:
        raise UserError(
            "type", "torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 dtype. Note: this "
            "function is intended to be used with the output produced by torch.linalg.lu_factor"
        )  # fmt: skip
    several_dims(LU_data, "torch.lu_unpack")
    if unpack_pivots and ((LU_pivots < 1) | (LU_pivots > LU_data.shape[-2])).any().item():
        raise UserError(
            "value", "pivots passed to lu_unpack must be between 1 and LU.size(-2) inclusive.Did you properly pass the "
            "result of lu_factor?"
        )  # fmt: skip
    nothing = np.zeros_like(LU_data, shape=(0,))
    L, U = lower_and_upper(LU_data) if unpack_data else (nothing, nothing)
    return permutation(LU_pivots, LU_data.shape[-2], LU_data) if unpack_pivots else nothing, L, U


def lu_unpack_backward(L_grad: Any, U_grad: Any, shape: Sequence[int]) -> Any:
    """The strict lower and the upper triangle, where the factors lay; zeros for the one that has no gradient."""
    rows, columns = shape[-2:]
    size = min(rows, columns)
    lower = None if L_grad is None else tril(L_grad, -1)
    upper = None if U_grad is None else triu(U_grad)
    if rows == columns:
        return upper if lower is None else lower if upper is None else lower + upper
    dim = -2 if rows > columns else -1
    longer, shorter = (lower, upper) if rows > columns else (upper, lower)
    if longer is None:
        return padded(shorter, dim, max(rows, columns) - size)
    if shorter is None:
        return longer
    rest = narrow(longer, dim, size, max(rows, columns) - size)
    return cat([narrow(longer, dim, 0, size) + shorter, rest], dim)


def padded(matrix: Any, dim: int, count: int) -> Any:
    """`matrix` with `count` rows, or columns, of zeros behind it."""
    shape = list(matrix.shape)
    shape[dim] = count
    return cat([matrix, new_zeros(matrix, shape)], dim)


def lu_backward(L_grad: Any, U_grad: Any, P: Any, L: Any, U: Any) -> Any:
    rows, columns = L.shape[-2], U.shape[-1]
    size = min(rows, columns)
    lower = None if L_grad is None else matmul(adjoint(L), L_grad)
    upper = None if U_grad is None else matmul(U_grad, adjoint(U))
    if rows == columns:
        lower = None if lower is None else tril(lower, -1)
        upper = None if upper is None else triu(upper)
        middle = upper if lower is None else lower if upper is None else lower + upper
        inner = solve_triangular(adjoint(U), middle, upper=False, left=False)
        return matmul(P, solve_triangular(adjoint(L), inner, upper=True, unitriangular=True))
    rest = max(rows, columns) - size
    if rows < columns:
        middle = lower if upper is None else -upper if lower is None else lower - upper
        inner = solve_triangular(adjoint(narrow(U, -1, 0, size)), tril(middle, -1), upper=False, left=False)
        if U_grad is None:
            return matmul(P, padded(solve_triangular(adjoint(L), inner, upper=True, unitriangular=True), -1, rest))
        inner = cat([inner + narrow(U_grad, -1, 0, size), narrow(U_grad, -1, size, rest)], -1)
        return matmul(P, solve_triangular(adjoint(L), inner, upper=True, unitriangular=True))
    middle = upper if lower is None else -lower if upper is None else upper - lower
    inner = solve_triangular(adjoint(narrow(L, -2, 0, size)), triu(middle), upper=True, unitriangular=True)
    if L_grad is None:
        return matmul(P, padded(solve_triangular(adjoint(U), inner, upper=False, left=False), -2, rest))
    inner = cat([inner + narrow(L_grad, -2, 0, size), narrow(L_grad, -2, size, rest)], -2)
    return matmul(P, solve_triangular(adjoint(U), inner, upper=False, left=False))


def lu_factor_backward(grad: Any, LU: Any, pivots: Any) -> Any:
    P, L, U = lu_unpack(LU, pivots)
    size = min(LU.shape[-2:])
    return lu_backward(narrow(grad, -1, 0, size), narrow(grad, -2, 0, size), P, L, U)


def lu_solve_forward(LU: Any, pivots: Any, B: Any, left: bool, adjoint: bool) -> Any:
    name = "linalg.lu_solve"
    inexact(LU, name)
    if pivots.dtype != np.int32:
        raise UserError("type", f"{name}: pivots should be a Tensor of scalar type torch.int32")
    of_one_dtype(LU, B, name)
    square(LU, f"torch.{name}")
    compatible(LU, B, left, name)
    if pivots.shape[-1:] != LU.shape[-1:]:
        raise UserError("shape", f"{name}: Number of pivots per batch should be same as the dimension of the matrix")
    for wrong, wanted in (
        (pivots < 1, "greater or equal to 1"),
        (pivots > LU.shape[-1], "smaller or equal to LU.size(-2)"),
    ):
        if wrong.any().item():
            raise UserError(
                "value",
                f"Pivots given to lu_solve must all be {wanted}. Did you properly pass the result of lu_factor?",
            )
    if left:
        return by_columns(solved_by_factors(*with_batch(LU, pivots, B), adjoint))
    sides = np.conj(turned(B))  # X A = B is A^H X^H = B^H
    return np.conj(turned(by_columns(solved_by_factors(*with_batch(LU, pivots, sides), not adjoint))))


def with_batch(LU: Any, pivots: Any, B: Any) -> tuple[Any, Any, Any]:
    LU, B = batched(LU, B)
    return LU, np.broadcast_to(pivots, (*LU.shape[:-2], pivots.shape[-1])), B


def lu_solve_backward(
    grad: Any, LU: Any, pivots: Any, result: Any, left: bool, adjoint: bool, needs: Sequence[bool]
) -> tuple[Any, Any]:
    LU_grad = lu_solve_backward_factors(grad, LU, pivots, result, left, adjoint) if needs[0] else None
    return LU_grad, lu_solve(LU, pivots, grad, left=left, adjoint=not adjoint) if needs[1] else None


def lu_solve_backward_factors(grad: Any, LU: Any, pivots: Any, X: Any, left: bool, adjointed: bool) -> Any:
    P, L, U = lu_unpack(LU, pivots)
    if left != adjointed:
        product = matmul(grad, adjoint(X)) if left else matmul(adjoint(grad), X)
        slope = solve_triangular(adjoint(U), -product, upper=False)
        lower = solve_triangular(adjoint(L), matmul(slope, adjoint(U)), upper=True, unitriangular=True)
        return tril(lower, -1) + triu(slope)
    rows = matmul(transpose(P, -2, -1), X if left else adjoint(X))
    product = -matmul(matmul(rows, adjoint(grad) if left else grad), P)
    slope = solve_triangular(adjoint(L), product, upper=True, left=False, unitriangular=True)
    upper = solve_triangular(adjoint(U), matmul(adjoint(L), slope), upper=False, left=False)
    return tril(slope, -1) + triu(upper)


solve_ex = op(
    "linalg::solve_ex(Tensor A, Tensor B, *, bool left=True, bool check_errors=False) -> (result, info)",
    "LinalgSolveExBackward0", solve_forward, constant=("info",),
    joint=lambda grad, A, result, left, needs: solve_backward(grad, result, A, left, needs),
)  # fmt: skip
inverse_ex = op(
    "linalg::inv_ex(Tensor A, *, bool check_errors=False) -> (inverse, info)", "LinalgInvExBackward0", inverse_forward,
    constant=("info",),
    A=lambda grad, inverse: inverse_backward(grad, inverse),
)  # fmt: skip
cholesky = op(
    "cholesky(Tensor self, bool upper=False)", "CholeskyBackward0", cholesky_checked,
    self=lambda grad, upper, result: cholesky_backward(grad, upper, result),
)  # fmt: skip
cholesky_ex = op(
    "linalg::cholesky_ex(Tensor A, *, bool upper=False, bool check_errors=False) -> (L, info)",
    "LinalgCholeskyExBackward0", cholesky_ex_forward, constant=("info",),
    A=lambda grad, upper, L: cholesky_backward(grad, upper, L),
)  # fmt: skip
cholesky_solve = op(
    "cholesky_solve(Tensor self, Tensor input2, bool upper=False)", "CholeskySolveBackward0", cholesky_solve_forward,
    joint=lambda grad, self, input2, result, upper, needs: cholesky_solve_backward(grad, input2, result, upper, needs),
)  # fmt: skip
cholesky_inverse = op(
    "cholesky_inverse(Tensor self, bool upper=False)", "CholeskyInverseBackward0", cholesky_inverse_forward,
    self=lambda grad, self, upper, result: cholesky_inverse_backward(grad, self, upper, result),
)  # fmt: skip
solve_triangular = op(
    "linalg::solve_triangular(Tensor A, Tensor B, *, bool upper, bool left=True, bool unitriangular=False)",
    "LinalgSolveTriangularBackward0", triangular_forward,
    joint=lambda grad, A, result, upper, left, unitriangular, needs: triangular_backward(
        grad, A, result, upper, left, unitriangular, needs
    ),
)  # fmt: skip
triangular_solve = op(
    "triangular_solve(Tensor self, Tensor A, bool upper=True, bool transpose=False, bool unitriangular=False)"
    " -> (solution, cloned_coefficient)",
    "TriangularSolveBackward0", triangular_solve_forward,
    joint=lambda grads, self, A, solution, upper, transpose, unitriangular, needs: triangular_solve_backward(
        grads, A, solution, upper, transpose, unitriangular, needs
    ),
)  # fmt: skip
lu_factor_ex = op(
    "linalg::lu_factor_ex(Tensor A, *, bool pivot=True, bool check_errors=False) -> (LU, pivots, info)",
    "LinalgLuFactorExBackward0", lu_factor_forward, constant=("pivots", "info"),
    A=lambda grad, LU, pivots: lu_factor_backward(grad, LU, pivots),
)  # fmt: skip
linalg_lu = op(
    "linalg::lu(Tensor A, *, bool pivot=True) -> (P, L, U)", "LinalgLuBackward0", lu_forward, constant=("P",),
    A=lambda grads, P, L, U: lu_backward(grads[1], grads[2], P, L, U),
)  # fmt: skip
lu_unpack = op(
    "lu_unpack(Tensor LU_data, Tensor LU_pivots, bool unpack_data=True, bool unpack_pivots=True) -> (P, L, U)",
    "LuUnpackBackward0", lu_unpack_forward, constant=("P",),
    LU_data=lambda grads, LU_data_shape: lu_unpack_backward(grads[1], grads[2], LU_data_shape),
)  # fmt: skip
lu_solve = op(
    "linalg::lu_solve(Tensor LU, Tensor pivots, Tensor B, *, bool left=True, bool adjoint=False)",
    "LinalgLuSolveBackward0", lu_solve_forward, constant=("pivots",),
    joint=lambda grad, LU, pivots, result, left, adjoint, needs: lu_solve_backward(
        grad, LU, pivots, result, left, adjoint, needs
    ),
)  # fmt: skip


@composite("linalg::solve(Tensor A, Tensor B, *, bool left=True)")
def solve(A: Any, B: Any, *, left: bool = True) -> Any:
    """The X for which A @ X is B, or X @ A with `left=False`."""
    result, info = solve_ex(A, B, left=left)
    failed_solve(info)
    return result


@composite("linalg::inv(Tensor A)")
def inv(A: Any) -> Any:
    """The inverse of a matrix, or of each of a batch."""
    inverse, info = inverse_ex(A)
    failed_inverse(info)
    return inverse


@composite("inverse(Tensor self)")
def inverse(self: Any) -> Any:
    return inv(self)


@composite("linalg::cholesky(Tensor A, *, bool upper=False)")
def linalg_cholesky(A: Any, *, upper: bool = False) -> Any:
    """The lower triangular L, of positive diagonal, for which L @ L.mH is A."""
    L, info = cholesky_ex(A, upper=upper)
    failed_cholesky(info)
    return L


@composite("linalg::lu_factor(Tensor A, *, bool pivot=True) -> (LU, pivots)")
def lu_factor(A: Any, *, pivot: bool = True) -> Any:
    LU, pivots, info = lu_factor_ex(A, pivot=pivot)
    failed_factor(info)
    return LU, pivots


@composite("lu(Tensor self, bool pivot=True, bool get_infos=False)")
def lu(self: Any, pivot: bool = True, get_infos: bool = False) -> Any:
    LU, pivots, info = lu_factor_ex(self, pivot=pivot)
    return (LU, pivots, info) if get_infos else (LU, pivots)


@composite("lu_solve(Tensor self, Tensor LU_data, Tensor LU_pivots)")
def torch_lu_solve(self: Any, LU_data: Any, LU_pivots: Any) -> Any:
    return lu_solve(LU_data, LU_pivots, self)
