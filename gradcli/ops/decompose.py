"""Orthogonal and spectral factorizations: QR, singular values, eigenvalues; pseudo-inverses and least squares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gradcli.engine.device import beside, np, to_host
from gradcli.engine.dtypes import COMPLEX_OF, TYPE_NAMES, dtype_kind
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.ops.copies import conj, fill_in_place, real
from gradcli.ops.define import composite, op
from gradcli.ops.kinds import check_constant
from gradcli.ops.lapack import (
    batched,
    by_columns,
    has_kernel,
    inexact,
    matrices,
    of_one_dtype,
    singular_values,
    square,
    turned,
)
from gradcli.ops.linalg import adjoint, diagonal, matmul
from gradcli.ops.reduce import put, times_in_place
from gradcli.ops.shape import broadcast_sizes, narrow, new_zeros, squeeze_dim, tril, triu, unsqueeze
from gradcli.ops.solve import padded, solve, solve_triangular
from gradcli.ops.windows import diag_embed

QR_MODES = ("reduced", "complete", "r")


def qr_forward(A: Any, mode: str) -> tuple[Any, Any]:
    inexact(A, "linalg.qr")
    matrices(A, "linalg.qr")
    if mode not in QR_MODES:
        raise UserError(
            "value", f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or "
            "'complete'"
        )  # fmt: skip
    if mode == "r":
        return np.zeros_like(A, shape=(0,)), by_columns(np.linalg.qr(A, "r"))
    Q, R = np.linalg.qr(A, mode)
    return by_columns(Q), by_columns(R)


def qr_backward(grads: Any, Q: Any, R: Any, mode: str) -> Any:
    Q_grad, R_grad = grads
    if mode == "r":
        raise UserError(
            "autograd", "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please use "
            "linalg.qr(A, mode='reduced') if you are going to differentiate through linalg.qr."
        )  # fmt: skip
    rows, columns = Q.shape[-2], R.shape[-1]
    if mode == "complete" and rows > columns:
        raise UserError(
            "autograd", "The QR decomposition is not differentiable when mode='complete' and nrows > ncols."
        )
    if Q_grad is None:
        middle = matmul(R_grad, adjoint(R))
    elif R_grad is None:
        middle = -matmul(adjoint(Q), Q_grad)
    else:
        middle = matmul(R_grad, adjoint(R)) - matmul(adjoint(Q), Q_grad)
    if rows >= columns:
        upper = triu(middle)
        A_grad = matmul(Q, with_half_diagonal(upper + adjoint(upper)))
        A_grad = A_grad if Q_grad is None else A_grad + Q_grad
        return solve_triangular(adjoint(R), A_grad, upper=False, left=False)
    middle = -middle
    lower = tril(middle - adjoint(middle))
    if dtype_kind(lower.dtype) == "c":
        lower = with_half_diagonal(lower)
    A_grad = solve_triangular(adjoint(narrow(R, -1, 0, rows)), matmul(Q, lower), upper=False, left=False)
    A_grad = padded(A_grad, -1, columns - rows)
    return A_grad if R_grad is None else A_grad + matmul(Q, R_grad)


def with_half_diagonal(A: Any) -> Any:
    """`A` itself, with its diagonals halved."""
    times_in_place(0.5, diagonal(A, 0, -2, -1))
    return A


def svd_forward(A: Any, full_matrices: bool, driver: str | None = None) -> tuple[Any, Any, Any]:
    if dtype_kind(A.dtype) not in "fc":
        inexact(A, "linalg.svd")
    matrices(A, "linalg.svd")
    if A.size:
        has_kernel(A, "linalg_svd_cpu")
    if driver is not None and A.size:
        raise UserError(
            "value",
            "torch.linalg.svd: keyword argument `driver=` is only supported on CUDA inputs with cuSOLVER backend.",
        )  # fmt: skip
    U, S, Vh = singular_values(A, full_matrices)
    return by_columns(U), S, by_columns(Vh)


def svd_backward(grads: Any, U: Any, S: Any, Vh: Any, full_matrices: bool) -> Any:
    U_grad, S_grad, Vh_grad = grads
    size = S.shape[-1]
    if full_matrices:
        U, Vh = narrow(U, -1, 0, size), narrow(Vh, -2, 0, size)
        U_grad = None if U_grad is None else narrow(U_grad, -1, 0, size)
        Vh_grad = None if Vh_grad is None else narrow(Vh_grad, -2, 0, size)
    rows, columns = U.shape[-2], Vh.shape[-1]
    if U_grad is None and Vh_grad is None:
        if rows >= columns:
            return matmul(U, unsqueeze(S_grad, -1) * Vh)
        return matmul(U * unsqueeze(S_grad, -2), Vh)
    left = None if U_grad is None else skew(matmul(adjoint(U), U_grad))
    right = None if Vh_grad is None else skew(matmul(Vh, adjoint(Vh_grad)))
    if dtype_kind(U.dtype) == "c":
        check_phase(left, right)
    squares = S * S
    gaps = with_unit_diagonal(unsqueeze(squares, -2) - unsqueeze(squares, -1))
    if right is None:
        inner = (left / gaps) * unsqueeze(S, -2)
    elif left is None:
        inner = unsqueeze(S, -1) * (right / gaps)
    else:
        inner = (left * unsqueeze(S, -2) + unsqueeze(S, -1) * right) / gaps
    if S_grad is not None:
        inner = inner + diag_embed(S_grad)
    if dtype_kind(U.dtype) == "c" and left is not None and right is not None:
        inner = inner + diag_embed(diagonal(left, 0, -2, -1) / (S * 2.0))
    if rows > size and U_grad is not None:
        scaled = U_grad / unsqueeze(S, -2)
        outer = matmul(U, inner) + scaled - matmul(U, matmul(adjoint(U), scaled))
        return matmul(outer, Vh)
    if columns > size and Vh_grad is not None:
        scaled = Vh_grad / unsqueeze(S, -1)
        outer = matmul(inner, Vh) + scaled - matmul(matmul(scaled, adjoint(Vh)), Vh)
        return matmul(U, outer)
    return matmul(U, matmul(inner, Vh)) if rows >= columns else matmul(matmul(U, inner), Vh)


def skew(A: Any) -> Any:
    return A - adjoint(A)


def with_unit_diagonal(A: Any) -> Any:
    """`A` itself, with ones along its diagonals."""
    if isinstance(A, Tensor):
        fill_in_place.inplace(diagonal(A, 0, -2, -1), 1)
    else:
        diagonal(A, 0, -2, -1)[...] = 1
    return A


def imaginary_diagonal(A: Any) -> Any:
    """The imaginary parts along the diagonals: how far a loss depends on phases."""
    if A is None:
        return 0
    return np.diagonal(getattr(A, "array", A), 0, -2, -1).imag


def check_phase(left: Any, right: Any) -> None:
    """Singular vectors may be turned together: the loss must not depend on the angle."""
    if not np.allclose(imaginary_diagonal(left), -imaginary_diagonal(right), rtol=1e-2, atol=1e-2):
        raise UserError(
            "autograd", "svd_backward: The singular vectors in the complex case are specified up to multiplication by "
            "e^{i phi}. The specified loss function depends on this phase term, making it ill-defined."
        )  # fmt: skip


def eigen_backward(grads: Any, L: Any, V: Any, hermitian: bool) -> Any:
    L_grad, V_grad = grads
    if V_grad is None:
        if hermitian:
            return matmul(V * unsqueeze(L_grad, -2), adjoint(V))
        return solve(adjoint(V), unsqueeze(L_grad, -1) * adjoint(V))
    product = matmul(adjoint(V), V_grad)
    if dtype_kind(V.dtype) == "c" and not np.allclose(imaginary_diagonal(product), 0, rtol=1e-2, atol=1e-2):
        name = "linalg_eigh_backward" if hermitian else "linalg_eig_backward"
        raise UserError(
            "autograd", f"{name}: The eigenvectors in the complex case are specified up to multiplication by "
            "e^{i phi}. The specified loss function depends on this quantity, so it is ill-defined."
        )  # fmt: skip
    if hermitian:
        gaps = with_unit_diagonal(unsqueeze(L, -2) - unsqueeze(L, -1))
        inner = with_diagonal(skew(product) * 0.5 / gaps, L_grad)
        return matmul(V, matmul(inner, adjoint(V)))
    tangent = product - matmul(adjoint(V), V * unsqueeze(real(diagonal(product, 0, -2, -1)), -2))
    conjugate = conj(L)
    gaps = with_unit_diagonal(unsqueeze(conjugate, -2) - unsqueeze(conjugate, -1))
    return solve(adjoint(V), matmul(with_diagonal(tangent / gaps, L_grad), adjoint(V)))


def with_diagonal(A: Any, values: Any) -> Any:
    """`A` itself, with `values`, if there are any, along its diagonals."""
    if values is not None:
        put(values, diagonal(A, 0, -2, -1))
    return A


def eigh_forward(A: Any, UPLO: str) -> tuple[Any, Any]:
    square(A, "linalg.eigh")
    if UPLO.upper() not in ("L", "U"):
        raise UserError("value", f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    has_kernel(A, "linalg_eigh_cpu")
    L, V = np.linalg.eigh(A, UPLO.upper())
    return L, by_columns(V)


def eig_forward(A: Any) -> tuple[Any, Any]:
    square(A, "linalg.eig")
    if dtype_kind(A.dtype) not in "fc":
        raise UserError("type", f"Unknown Complex ScalarType for {TYPE_NAMES[A.dtype.name]}")
    has_kernel(A, "linalg_eig_cpu")
    if not np.isfinite(A).all().item():
        raise UserError("value", "torch.linalg.eig: input tensor should not contain infs or NaNs.")
    L, V = (beside(A, result) for result in np.linalg.eig(to_host(A)))  # not in every CuPy
    dtype = COMPLEX_OF.get(A.dtype.name, A.dtype.name)
    return L.astype(dtype), by_columns(V.astype(dtype))


def pinv_forward(self: Any, atol: Any, rtol: Any, hermitian: bool) -> Any:
    """V S^-1 U^H, the singular values below a tolerance left out."""
    if self.ndim < 2 or dtype_kind(self.dtype) not in "fc" or self.dtype.itemsize < 4:
        name = f"{TYPE_NAMES[self.dtype.name]}{{{list(self.shape)}}}"
        raise UserError(
            "shape",
            f"linalg.pinv({name}): expected a tensor with 2 or more dimensions of float, double, cfloat or cdouble "
            "types",
        )
    if hermitian:
        square(self, "linalg.pinv")
        L, V = np.linalg.eigh(self)
        kept = np.absolute(L) > tolerance(np.absolute(L), self.shape, atol, rtol)
        inverse = np.where(kept, 1 / np.where(kept, L, 1), 0)
        return np.matmul(V * inverse[..., None, :], np.conj(turned(V)))
    U, S, Vh = singular_values(self)
    kept = tolerance(S, self.shape, atol, rtol) < S
    inverse = np.where(kept, 1 / np.where(kept, S, 1), 0).astype(S.dtype)
    return np.matmul(np.conj(turned(Vh)) * inverse[..., None, :], np.conj(turned(U)))


def tolerance(S: Any, shape: Sequence[int], atol: Any, rtol: Any) -> Any:
    """Below this, a singular value counts as 0: the larger of `atol` and `rtol` times the largest of `S`."""
    atol = as_limit(0.0 if atol is None else atol, S)
    if rtol is None:
        rtol = np.where(atol > 0, 0, max(shape[-2:]) * float(np.finfo(S.dtype).eps))
    if S.shape[-1] == 0:
        return np.zeros_like(S)
    per_matrix = np.amax(S, axis=-1) * as_limit(rtol, S)
    return np.maximum(per_matrix, atol)[..., None]


def as_limit(value: Any, S: Any) -> Any:
    """A number, or an array of them, in the dtype of `S`."""
    return value.astype(S.dtype) if hasattr(value, "astype") else np.full_like(S, value, shape=())


def pinv_backward(grad: Any, self: Any, result: Any) -> Any:
    result_h, grad_h = adjoint(result), adjoint(grad)
    if self.shape[-2] <= self.shape[-1]:
        K = matmul(grad_h, result)
        K_h = matmul(K, result_h)
        return (
            -adjoint(matmul(result, K))
            + K_h
            - matmul(matmul(self, result), K_h)
            + matmul(matmul(result_h, result), grad_h - matmul(K, self))
        )
    K = matmul(result, grad_h)
    K_h = matmul(result_h, K)
    return (
        -adjoint(matmul(K, result))
        + matmul(matmul(grad_h - matmul(self, K), result), result_h)
        + K_h
        - matmul(matmul(K_h, result), self)
    )


DRIVERS = ("gels", "gelsy", "gelsd", "gelss")


def lstsq_forward(self: Any, b: Any, rcond: float | None, driver: str | None) -> tuple[Any, Any, Any, Any]:
    """The solution of least length, by the pseudo-inverse; what else is returned depends on LAPACK's `driver`."""
    name = "torch.linalg.lstsq"
    driver = "gelsy" if driver is None else driver
    if dtype_kind(self.dtype) not in "fc":
        raise UserError("type", "This function doesn't handle types other than float and double")
    if self.ndim < 2:
        raise UserError("shape", f"{name}: input must have at least 2 dimensions.")
    of_one_dtype(self, b, name)
    if driver not in DRIVERS:
        raise UserError("value", f"{name}: parameter `driver` should be one of ({', '.join(DRIVERS)})")
    if not 0 <= self.ndim - b.ndim <= 1:
        raise UserError(
            "shape", f"{name}: input.dim() must be greater or equal to other.dim() and (input.dim() - other.dim()) <= 1"
        )
    vector = is_column(self, b)
    rows, columns = self.shape[-2:]
    if not vector and b.shape[-min(b.ndim, 2)] != rows:
        raise UserError("shape", f"{name}: input.size(-2) should match other.size({-1 if b.ndim < 2 else -2})")
    if not vector and b.ndim < self.ndim:
        broadcast_sizes(self.shape[:-2], b.shape[:-1])  # which torch wants of one matrix for all, too
    sides = b[..., None] if vector else b
    coefficients, sides = batched(self, sides)
    U, S, Vh = singular_values(self)
    kept = tolerance(S, self.shape, None, rcond) < S
    inverse = np.where(kept, 1 / np.where(kept, S, 1), 0).astype(S.dtype)
    solution = np.matmul(np.conj(turned(Vh)), inverse[..., None] * np.matmul(np.conj(turned(U)), sides))
    nothing = np.zeros_like(S, shape=(0,))
    rank = np.count_nonzero(kept, axis=-1)
    residuals = nothing
    if rows > columns and driver != "gelsy" and (rank == columns).all().item():
        rest = np.matmul(coefficients, solution) - sides
        residuals = np.add.reduce((rest * np.conj(rest)).real, axis=-2)
    if driver == "gels":
        pivots = np.diagonal(np.linalg.qr(coefficients, "r"), 0, -2, -1)
        if (pivots == 0).any().item() and S.any().item():
            place = np.argmax((pivots == 0).reshape(-1, pivots.shape[-1])[0]).item() + 1
            raise UserError(
                "value", f"{name}: The least squares solution could not be computed because the input matrix does not "
                f"have full rank (error code: {place})."
            )  # fmt: skip
        rank = np.zeros_like(S, shape=(0,), dtype=np.int64)
    solution = by_columns(solution)
    return solution[..., 0] if vector else solution, residuals, rank, S if driver in ("gelsd", "gelss") else nothing


def is_column(self: Any, b: Any) -> bool:
    """Whether `b` is one right-hand side for each matrix of `self`."""
    return self.ndim - 1 == b.ndim and tuple(self.shape[:-1]) == tuple(b.shape)


def lstsq_backward(grads: Any, self: Any, b: Any, solution: Any, needs: Sequence[bool]) -> tuple[Any, Any]:
    slope, residual_slope = grads[0], grads[1]
    vector = is_column(self, b)
    X, B = (unsqueeze(solution, -1), unsqueeze(b, -1)) if vector else (solution, b)
    self_grad = b_grad = None
    if slope is not None:
        inverse = pinv(self, None, None, False)
        slope = unsqueeze(slope, -1) if vector else slope
        if needs[0]:
            self_grad = pinv_backward(matmul(slope, adjoint(B)), self, inverse)
        if needs[1]:
            b_grad = matmul(adjoint(inverse), slope)
    if residual_slope is not None and residual_slope.shape[-1] > 0:
        scale = unsqueeze(residual_slope, -2)
        rest = matmul(self, X) - B
        if needs[0]:
            more = matmul(scale * rest, adjoint(X)) * 2
            self_grad = more if self_grad is None else self_grad + more
        if needs[1]:
            more = scale * -2 * rest
            b_grad = more if b_grad is None else b_grad + more
    return self_grad, squeeze_dim(b_grad, -1) if vector and b_grad is not None else b_grad


def rank_forward(A: Any, atol: Any, rtol: Any, hermitian: bool) -> Any:
    matrices(A, "torch.linalg.matrix_rank", "input")
    if not A.size:
        return np.zeros_like(A, np.int64, shape=A.shape[:-2])
    has_kernel(A, "linalg_svd_cpu")
    S = np.absolute(np.linalg.eigvalsh(A)) if hermitian else singular_values(A)[1]
    return np.count_nonzero(tolerance(S, A.shape, atol, rtol) < S, axis=-1)


linalg_qr = op(
    'linalg::qr(Tensor A, str mode="reduced") -> (Q, R)', "LinalgQrBackward0", qr_forward,
    A=lambda grads, Q, R, mode: qr_backward(grads, Q, R, mode),
)  # fmt: skip
linalg_svd = op(
    "linalg::svd(Tensor A, bool full_matrices=True, *, str? driver=None) -> (U, S, Vh)", "LinalgSvdBackward0",
    svd_forward,
    A=lambda grads, U, S, Vh, full_matrices: svd_backward(grads, U, S, Vh, full_matrices),
)  # fmt: skip
eigh = op(
    'linalg::eigh(Tensor A, str UPLO="L") -> (eigenvalues, eigenvectors)', "LinalgEighBackward0", eigh_forward,
    A=lambda grads, eigenvalues, eigenvectors: eigen_backward(grads, eigenvalues, eigenvectors, True),
)  # fmt: skip
eig = op(
    "linalg::eig(Tensor A) -> (eigenvalues, eigenvectors)", "LinalgEigBackward0", eig_forward,
    A=lambda grads, A_dtype, eigenvalues, eigenvectors: in_kind_of(
        A_dtype, eigen_backward(grads, eigenvalues, eigenvectors, False)
    ),
)  # fmt: skip
pinv = op(
    "_linalg_pinv(Tensor self, any atol, any rtol, bool hermitian)", "LinalgPinvBackward0", pinv_forward,
    self=lambda grad, self, result: pinv_backward(grad, self, result),
)  # fmt: skip
lstsq = op(
    "linalg::lstsq(Tensor A, Tensor B, float? rcond=None, *, str? driver=None)"
    " -> (solution, residuals, rank, singular_values)",
    "LinalgLstsqBackward0", lstsq_forward, constant=("rank", "singular_values"),
    joint=lambda grads, A, B, solution, needs: lstsq_backward(grads, A, B, solution, needs),
)  # fmt: skip
matrix_rank = op("_matrix_rank(Tensor A, any atol, any rtol, bool hermitian)", None, rank_forward)


def in_kind_of(dtype: Any, grad: Any) -> Any:
    """`grad`, or its real part if it is that of a real tensor."""
    return grad if dtype_kind(dtype) == "c" else real(grad)


@composite("qr(Tensor self, bool some=True) -> (Q, R)")
def qr(self: Any, some: bool = True) -> Any:
    return linalg_qr(self, "reduced" if some else "complete")


@composite("svd(Tensor self, bool some=True, bool compute_uv=True) -> (U, S, V)")
def svd(self: Any, some: bool = True, compute_uv: bool = True) -> Any:
    """Orthonormal columns U and V, and the S for which U @ diag(S) @ V.mH is `self`, from the greatest on."""
    if self.ndim < 2:
        raise UserError(
            "shape", f"linalg.svd: input should have at least 2 dimensions, but has {self.ndim} dimensions instead"
        )
    U, S, Vh = linalg_svd(self, not some)
    if compute_uv:
        return U, S, adjoint(Vh)
    batch, (rows, columns) = tuple(self.shape[:-2]), self.shape[-2:]
    return new_zeros(self, (*batch, rows, rows)), S, new_zeros(self, (*batch, columns, columns))


@composite("linalg::svdvals(Tensor A, *, str? driver=None)")
def svdvals(A: Any, *, driver: str | None = None) -> Any:
    return linalg_svd(A, False, driver=driver)[1]


@composite('linalg::eigvalsh(Tensor A, str UPLO="L")')
def eigvalsh(A: Any, UPLO: str = "L") -> Any:
    return eigh(A, UPLO)[0]


@composite("linalg::eigvals(Tensor A)")
def eigvals(A: Any) -> Any:
    return eig(A)[0]


def number_or_array(value: Any) -> Any:
    return getattr(value, "array", value)


@composite(
    "linalg::pinv(Tensor A, Tensor|float? rcond=None, bool hermitian=False, *, Tensor|float? atol=None, "
    "Tensor|float? rtol=None)"
)
def linalg_pinv(A: Any, rcond: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None) -> Any:
    real_tolerances("linalg.pinv", rcond=rcond, atol=atol, rtol=rtol)
    for name, given in (("atol", atol), ("rtol", rtol if rcond is None else rcond)):
        if isinstance(given, Tensor):
            check_constant("linalg_pinv", name, given)
    return pinv(A, number_or_array(atol), number_or_array(rtol if rcond is None else rcond), hermitian)


def real_tolerances(function: str, **tolerances: Any) -> None:
    for name, given in tolerances.items():
        if isinstance(given, Tensor) and dtype_kind(given.dtype) == "c":
            kind = TYPE_NAMES[given.dtype.name]
            raise UserError("type", f"torch.{function}: {name} tensor of complex type is not supported. Got {kind}")


@composite("pinverse(Tensor self, float rcond=1e-15)")
def pinverse(self: Any, rcond: float = 1e-15) -> Any:
    return pinv(self, None, rcond, False)


@composite(
    "linalg::matrix_rank(Tensor A, Tensor|float? tol=None, bool hermitian=False, *, Tensor|float? atol=None, "
    "Tensor|float? rtol=None)"
)
def linalg_matrix_rank(A: Any, tol: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None) -> Any:
    if tol is not None:
        atol, rtol = tol, 0.0
    real_tolerances("linalg.matrix_rank", atol=atol, rtol=rtol)
    return matrix_rank(A, number_or_array(atol), number_or_array(rtol), hermitian)
