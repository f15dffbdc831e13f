"""Some of the singular values or eigenvalues: by random projections, and by LOBPCG."""

from __future__ import annotations

import math
from typing import Any

from gradcli.engine.device import beside, np
from gradcli.engine.dtypes import dtype_kind
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.ops.arithmetic import add, div, sub
from gradcli.ops.copies import zeros_like
from gradcli.ops.create import default_generator
from gradcli.ops.decompose import eigen_backward, linalg_qr, linalg_svd, with_unit_diagonal
from gradcli.ops.define import composite, op
from gradcli.ops.lapack import check_errors, cholesky_as_far_as_possible, has_kernel, turned
from gradcli.ops.linalg import adjoint, matmul
from gradcli.ops.method import Size
from gradcli.ops.reduce import mean_dim
from gradcli.ops.shape import contiguous, expand, squeeze_dim, transpose, unsqueeze
from gradcli.ops.solve import solve


def random_matrix(A: Any, rows: int, columns: int) -> Any:
    """Normal numbers to begin with, of the dtype of `A`, if it is floating, on its device."""
    dtype = A.dtype if dtype_kind(A.dtype) in "fc" else np.dtype(np.float32)
    return beside(A, default_generator.randn((rows, columns), dtype))


def approximate_basis(A: Any, q: int, niter: int, M: Any) -> Any:
    """An orthonormal basis of `q` columns that nearly spans those of A - M, by subspace iteration."""
    if q < 0:
        raise UserError("shape", f"Trying to create tensor with negative dimension {q}: {[A.shape[-1], q]}")
    basis = Tensor(random_matrix(A.array, A.shape[-1], q))
    basis = linalg_qr(times_difference(A, M, basis))[0]
    for _ in range(niter):
        basis = linalg_qr(times_difference(adjoint(A), None if M is None else adjoint(M), basis))[0]
        basis = linalg_qr(times_difference(A, M, basis))[0]
    return basis


def times_difference(A: Any, M: Any, X: Any) -> Any:
    """(A - M) X, without the difference."""
    product = matmul(A, X)
    return product if M is None else sub(product, matmul(M, X))


@composite("svd_lowrank(Tensor A, int? q=6, int? niter=2, Tensor? M=None)")
def svd_lowrank(A: Any, q: int | None = 6, niter: int | None = 2, M: Any = None) -> Any:
    """U, S and V with U diag(S) V^H near A - M, which has about the rank `q`."""
    M = None if M is None else expand(M, A.shape)
    is_wide = A.shape[-2] < A.shape[-1]
    if is_wide:
        A, M = adjoint(A), None if M is None else adjoint(M)
    basis = approximate_basis(A, 6 if q is None else q, 2 if niter is None else niter, M)
    inner = matmul(adjoint(basis), A)
    if M is not None:
        inner = sub(inner, matmul(adjoint(basis), M))
    U, S, Vh = linalg_svd(inner, False)
    U, V = matmul(basis, U), adjoint(Vh)
    return (V, S, U) if is_wide else (U, S, V)


@composite("pca_lowrank(Tensor A, int? q=None, bool center=True, int niter=2)")
def pca_lowrank(A: Any, q: int | None = None, center: bool = True, niter: int = 2) -> Any:
    """`svd_lowrank` of observations in rows, of each variable its mean taken away first if `center`."""
    smaller = min(A.shape[-2:])
    if q is None:
        q = min(6, smaller)
    elif not 0 <= q <= smaller:
        raise UserError("value", f"q(={q}) must be non-negative integer and not greater than min(m, n)={smaller}")
    if niter < 0:
        raise UserError("value", f"niter(={niter}) must be non-negative integer")
    centered = sub(A, mean_dim(A, [-2], True)) if center else A
    return svd_lowrank(centered, q, niter, None)


def norm(matrix: Any) -> float:
    length: float = np.linalg.norm(matrix).item()
    return length


class Search:
    """The iteration of LOBPCG for one matrix: the basis S holds the eigenvectors X, what is left of them, and where
    they came from. After the first step, what has converged stays.
    """

    def __init__(self, A: Any, B: Any, X: Any, iK: Any, k: int, tol: float, largest: bool, ortho: bool) -> None:
        self.A, self.B, self.iK, self.X = A, B, iK, X
        self.wanted, self.tol, self.largest, self.ortho = k, tol, largest, ortho
        self.count = X.shape[1]
        self.values = np.zeros_like(X, shape=(self.count,))
        self.converged = 0
        self.norms = norm(A @ X) / norm(X), norm(self.in_metric(X)) / norm(X)
        self.basis = self.begin()

    def in_metric(self, X: Any) -> Any:
        return X if self.B is None else self.B @ X

    def run(self, niter: int) -> tuple[Any, Any]:
        while niter != 1 and self.converged < self.wanted:
            self.step()
            niter -= 1
        return self.values[: self.wanted], self.X[:, : self.wanted]

    def eigenpairs(self, matrix: Any, largest: bool) -> tuple[Any, Any]:
        values, vectors = np.linalg.eigh(matrix, "U")
        return (values[::-1], vectors[:, ::-1]) if largest else (values, vectors)

    def begin(self) -> Any:
        """The first step, in the space of the given vectors; the basis of the next."""
        transform = self.ritz_transform(self.X)
        values, vectors = self.eigenpairs(transform.T @ (self.X.T @ self.A @ self.X) @ transform, self.largest)
        self.X = self.X @ (transform @ vectors)
        if not self.ortho:
            self.values = values
        residual = self.residual()
        more = self.orthonormal(residual, self.X) if self.ortho else self.preconditioned(residual)
        return np.concatenate([self.X, more], axis=1)

    def step(self) -> None:
        done, count = self.converged, self.count
        basis = self.basis[:, done:]
        left = count - done
        if self.ortho:
            values, vectors = self.eigenpairs(basis.T @ self.A @ basis, self.largest)
            turned_back = np.linalg.qr(turned(vectors[:left, left:]))[0]
            direction = basis @ (vectors[:, left:] @ turned_back)
        else:
            transform = self.ritz_transform(basis)
            values, vectors = self.eigenpairs(transform.T @ (basis.T @ self.A @ basis) @ transform, self.largest)
            vectors = transform @ vectors
            direction = basis @ vectors[:, count : 2 * count - done]
        self.X = np.concatenate([self.X[:, :done], basis @ vectors[:, :left]], axis=1)
        self.values = np.concatenate([self.values[:done], values[:left]])
        residual = self.residual()[:, self.converged :]
        found = np.concatenate([self.X, direction], axis=1)
        more = self.orthonormal(residual, found) if self.ortho else self.preconditioned(residual)
        self.basis = np.concatenate([found, more], axis=1)

    def preconditioned(self, residual: Any) -> Any:
        return residual if self.iK is None else self.iK @ residual

    def residual(self) -> Any:
        """How far X is from eigenvectors; those that lead, and are near enough, have converged."""
        residual = self.A @ self.X - self.in_metric(self.X) * self.values
        scale = self.norms[0] + np.absolute(self.values) * self.norms[1]
        error = np.linalg.norm(residual, axis=0) / (np.linalg.norm(self.X, axis=0) * scale)
        near = (error < self.tol).tolist()
        converged = near.index(False) if False in near else len(near)
        if converged < self.converged:
            raise UserError(
                "value",
                f"the number of converged eigenpairs (was {self.converged}, got {converged}) cannot decrease",
            )
        self.converged = converged
        return residual

    def ritz_transform(self, S: Any) -> Any:
        """T with T^T S^T B S T = 1, upper triangular."""
        gram = S.T @ self.in_metric(S)
        scale = np.diagonal(gram) ** -0.5
        lower, info = cholesky_as_far_as_possible(gram * scale * scale[:, None])
        check_errors(info, "linalg.cholesky", "cholesky")
        return np.linalg.solve(lower, np.diag(scale)).T

    def orthonormal(self, U: Any, V: Any) -> Any:
        """The columns of `U`, made orthogonal to `V` and to each other in the metric of B, with two repetitions."""
        eye = np.eye(U.shape[1], dtype=U.dtype)
        V_norm, product = norm(self.in_metric(V)), self.in_metric(U)
        for _ in range(3):
            U = U - V @ (V.T @ product)
            for _ in range(3):
                U = self.decorrelated(U)
                if not U.size:
                    return U
                product = self.in_metric(U)
                error = norm(U.T @ product - beside(U, eye[: U.shape[1], : U.shape[1]]))
                if error < self.tol * norm(product) * norm(U):
                    break
            if norm(V.T @ product) < self.tol * V_norm * norm(U):
                break
            if len(U) < U.shape[1] + V.shape[1]:
                raise UserError(
                    "value",
                    f"Overdetermined shape of U: #B-cols(={len(U)}) >= #U-cols(={U.shape[1]}) + "
                    f"#V-cols(={V.shape[1]}) must hold",
                )
        return U

    def decorrelated(self, U: Any) -> Any:
        """`U` times what makes U^T B U nearly 1, by its eigenvalues, which are kept from being too small."""
        size = np.diagonal(U.T @ self.in_metric(U))
        U = U[:, np.absolute(size) != 0]
        if not U.size:
            return U
        gram = U.T @ self.in_metric(U)
        scale = np.diagonal(gram) ** -0.5
        values, vectors = self.eigenpairs(gram * scale[:, None] * scale, False)
        values = np.maximum(values, self.tol * np.amax(np.absolute(values)))
        return (U * scale) @ (vectors * values**-0.5)


def lobpcg_forward(
    A: Any, others: Any, names: tuple[str, ...], n: int, k: int, niter: int, tol: float, largest: bool, ortho: bool
) -> tuple[Any, Any]:
    has_kernel(A, "lobpcg")
    if dtype_kind(A.dtype) == "c":
        raise UserError("type", "lobpcg does not support complex input")
    given = dict(zip(names, others, strict=True))
    rows, batch = A.shape[-1], A.shape[:-2]
    count = math.prod(batch)
    stacks = {name: given[name].reshape(count, *given[name].shape[-2:]) for name in ("B", "X") if name in given}
    matrices, found = A.reshape(count, rows, rows), []
    for place in range(count):
        start = stacks["X"][place] if "X" in stacks else random_matrix(A, rows, n)
        metric = stacks["B"][place] if "B" in stacks else None
        found.append(Search(matrices[place], metric, start, given.get("iK"), k, tol, largest, ortho).run(niter))
    values, vectors = (np.stack(parts) for parts in zip(*found, strict=True))
    return values.reshape(*batch, *values.shape[1:]), vectors.reshape(*batch, *vectors.shape[1:])


def lobpcg_backward(grads: Any, names: tuple[str, ...], A: Any, D: Any, U: Any) -> Any:
    """As of eigenvectors of a symmetric matrix. Their part along those that nobody has computed solves, for each u_j,
    the equation of A - d_j outside the span of U; inside, the identity takes its place.
    """
    D_grad, U_grad = (zeros_like(output) if grad is None else grad for grad, output in zip(grads, (D, U), strict=True))
    Uh = contiguous(adjoint(U))
    span = matmul(U, Uh)
    outside = with_unit_diagonal(zeros_like(A)) - span
    parts = unsqueeze(outside, -3) * unsqueeze(unsqueeze(D, -1), -1)
    systems = unsqueeze(matmul(outside, matmul(A, outside)) + span, -3) - parts
    sides = unsqueeze(transpose(matmul(outside, U_grad), -2, -1), -1)
    rest = matmul(outside, transpose(squeeze_dim(solve(systems, sides), -1), -2, -1))
    return eigen_backward((D_grad, U_grad), D, U, True) - matmul(rest, Uh)


def refuse_metric(names: tuple[str, ...]) -> None:
    if "B" in names:
        raise UserError("autograd", "lobpcg.backward does not support backward with B != I yet.")


def others_backward(names: tuple[str, ...]) -> list[None]:
    refuse_metric(names)
    return [None] * len(names)


# `others` are the tensors called `names` that are given besides: B, X, iK
lobpcg_of = op(
    "_lobpcg(Tensor A, Tensor[] others, any names, int n, int k, int niter, float tol, bool largest, bool ortho)"
    " -> (D, U)",
    "LOBPCGAutogradFunctionBackward", lobpcg_forward,
    A=lambda grads, A, names, D, U: lobpcg_backward(grads, names, A, D, U),
    others=lambda grads, names: others_backward(names),
)  # fmt: skip


@composite(
    "lobpcg(Tensor A, int? k=None, Tensor? B=None, Tensor? X=None, int? n=None, Tensor? iK=None, int? niter=None, "
    "float? tol=None, bool? largest=None, str? method=None)"
)
def lobpcg(
    A: Any,
    k: int | None = None,
    B: Any = None,
    X: Any = None,
    n: int | None = None,
    iK: Any = None,
    niter: int | None = None,
    tol: float | None = None,
    largest: bool | None = None,
    method: str | None = None,
) -> Any:
    """The `k` largest eigenvalues of a symmetric `A`, or the smallest, and their eigenvectors: A U = B U diag(D).

    The rest of torch's parameters, dictionaries and a function, have no place in an expression.
    """
    if A.ndim < 2 or A.shape[-2] != A.shape[-1]:
        raise UserError("shape", f"A must be square, got shape {Size(A.shape)}")
    if B is not None and A.shape != B.shape:
        raise UserError("shape", f"A and B must have same shape, got {Size(A.shape)} vs {Size(B.shape)}")
    columns = None if X is None else X.shape[-1]
    if k is None:
        k = 1 if columns is None else columns
    if columns is None:
        columns = k if n is None else n
    rows = A.shape[-1]
    if rows < 3 * columns:
        raise UserError(
            "value",
            f"LOBPCG algorithm is not applicable when the number of A rows (={rows}) is smaller than 3 x the number of "
            f"requested eigenpairs (={columns})",
        )
    if X is not None and X.shape[-2:] != (rows, columns):
        raise UserError("shape", f"X shape mismatch: got {Size(X.shape)}, expected {(rows, columns)}")
    if A.requires_grad or (B is not None and B.requires_grad):
        A = symmetric(A)
        B = None if B is None else symmetric(B)
    given = {name: one for name, one in (("B", B), ("X", X), ("iK", iK)) if one is not None}
    precision = {"float32": 1.2e-07, "float64": 2.23e-16}.get(A.dtype.name, 1.0)
    D, U = lobpcg_of(
        A,
        list(given.values()),
        tuple(given),
        columns,
        k,
        1000 if niter is None else niter,
        precision**0.5 if tol is None else tol,
        largest is not False,
        method in (None, "ortho"),
    )
    return D, U


def symmetric(A: Any) -> Any:
    return div(add(A, transpose(A, -2, -1)), 2)
