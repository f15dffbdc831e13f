"""What LAPACK does and NumPy does not offer, on stacks of matrices; and what linear algebra asks of its operands."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from gradcli.engine.device import np
from gradcli.engine.dtypes import TYPE_NAMES, dtype_kind
from gradcli.errors import UserError
from gradcli.ops.linalg import as_writable
from gradcli.ops.shape import broadcast_sizes


def matrices(A: Any, name: str, called: str = "A") -> None:
    if A.ndim < 2:
        raise UserError("shape", f"{name}: The input tensor {called} must have at least 2 dimensions.")


def square(A: Any, name: str) -> None:
    matrices(A, name)
    rows, columns = A.shape[-2:]
    if rows != columns:
        raise UserError(
            "shape", f"{name}: A must be batches of square matrices, but they are {rows} by {columns} matrices"
        )


def inexact(A: Any, name: str) -> None:
    """Floats of 32 bits or more: what LAPACK computes with."""
    kind = TYPE_NAMES[A.dtype.name]
    if dtype_kind(A.dtype) not in "fc":
        raise UserError("type", f"{name}: Expected a floating point or complex tensor as input. Got {kind}")
    if A.dtype.itemsize < 4:
        raise UserError("type", f"{name}: Low precision dtypes not supported. Got {kind}")


def has_kernel(A: Any, kernel: str) -> None:
    if dtype_kind(A.dtype) not in "fc" or A.dtype.itemsize < 4:
        raise UserError("type", f"\"{kernel}\" not implemented for '{TYPE_NAMES[A.dtype.name]}'")


def compatible(A: Any, B: Any, left: bool, name: str) -> None:
    square(A, name)
    matrices(B, name, "B")
    if A.shape[-2] != B.shape[-2 if left else -1]:
        rows, columns = B.shape[-2:]
        size = A.shape[-1]
        equation = "AX = B" if left else "XA = B"
        raise UserError(
            "shape",
            f"{name}: Incompatible shapes of A and B for the equation {equation} ({size}x{size} and {rows}x{columns})",
        )


def of_one_dtype(A: Any, B: Any, name: str) -> None:
    if A.dtype != B.dtype:
        first, second = TYPE_NAMES[A.dtype.name], TYPE_NAMES[B.dtype.name]
        raise UserError(
            "type",
            f"{name}: Expected A and B to have the same dtype, but found A of type {first} and B of type {second} "
            "instead",
        )


def of_one_kind(b: Any, A: Any) -> None:
    if A.dtype != b.dtype:
        first, second = TYPE_NAMES[b.dtype.name], TYPE_NAMES[A.dtype.name]
        raise UserError(
            "type",
            f"Expected b and A to have the same dtype, but found b of type {first} and A of type {second} instead.",
        )


def turned(matrix: Any) -> Any:
    """The transpose of each matrix of an array, a view."""
    return matrix.swapaxes(-2, -1)


def by_columns(matrix: Any) -> Any:
    """`matrix` laid out as LAPACK leaves its results: column by column."""
    return turned(turned(matrix).copy("C")) if matrix.ndim > 1 else matrix


def batched(A: Any, B: Any) -> tuple[Any, Any]:
    """Both with their leading dimensions broadcast."""
    batch = broadcast_sizes(A.shape[:-2], B.shape[:-2])
    return np.broadcast_to(A, (*batch, *A.shape[-2:])), np.broadcast_to(B, (*batch, *B.shape[-2:]))


def identity(A: Any) -> Any:
    """The identity beside each of the square matrices `A`."""
    result = np.zeros_like(A, order="C")
    as_writable(np.diagonal(result, 0, -2, -1))[...] = 1
    return result


ADVICE = {
    "solve": "The solver failed because the input matrix is singular.",
    "inv": "The diagonal element {} is zero, the inversion could not be completed because the input matrix is "
    "singular.",
    "cholesky": "The factorization could not be completed because the input is not positive-definite (the leading "
    "minor of order {} is not positive-definite).",
}


def watched(A: Any) -> AbstractContextManager[None]:
    """Here a factorization that fails is a LinAlgError on a device too; elsewhere CuPy does not look whether it did."""
    if isinstance(A, np.ndarray):
        return nullcontext()
    import cupyx

    state: AbstractContextManager[None] = cupyx.errstate(linalg="raise")
    return state


def check_errors(info: Any, name: str, advice: str) -> None:
    """torch's error for the first matrix of a batch whose `info` is not 0."""
    codes = getattr(info, "array", info)
    failed = codes.reshape(-1).nonzero()[0]
    if len(failed):
        first = failed[0].item()
        place = f"(Batch element {first}): " if codes.ndim else ""
        raise UserError("value", f"{name}: {place}{ADVICE[advice].format(codes.reshape(-1)[first].item())}")


def substituted(A: Any, B: Any, upper: bool, unitriangular: bool = False) -> Any:
    """X with A X = B for triangular A, row by row: a zero on the diagonal gives what division by zero gives."""
    A, B = batched(A, B)
    X = np.zeros_like(B, order="C")
    size = A.shape[-1]
    for row in reversed(range(size)) if upper else range(size):
        known = slice(row + 1, None) if upper else slice(0, row)
        rest = B[..., row, :] - np.matmul(A[..., row : row + 1, known], X[..., known, :])[..., 0, :]
        X[..., row, :] = rest if unitriangular else rest / A[..., row, row, None]
    return X


def places(count: int, like: Any) -> Any:
    """0, 1, 2, ... as an index, on the device of `like`."""
    return np.add.accumulate(np.ones_like(like, shape=(count,), dtype=np.int64)) - 1


def eliminated(A: Any) -> tuple[Any, Any, Any]:
    """LAPACK's getrf: the factors L and U in one array, the rows exchanged (from 1), and the first zero pivot."""
    rows, columns = A.shape[-2:]
    batch = A.shape[:-2]
    count = min(rows, columns)
    LU = A.reshape(math.prod(batch), rows, columns).copy()
    pivots = np.zeros_like(LU, shape=(len(LU), count), dtype=np.int32)
    info = np.zeros_like(LU, shape=(len(LU),), dtype=np.int32)
    every = places(len(LU), LU)
    for step in range(count):
        column = LU[:, step:, step]
        best = step + np.argmax(np.absolute(column.real) + np.absolute(column.imag), axis=1)
        pivots[:, step] = best + 1
        top = LU[every, step].copy()
        LU[every, step] = LU[every, best]
        LU[every, best] = top
        pivot = LU[:, step, step]
        info[:] = np.where((info == 0) & (pivot == 0), step + 1, info)
        below = LU[:, step + 1 :, step] / np.where(pivot == 0, 1, pivot)[:, None]
        LU[:, step + 1 :, step] = below
        LU[:, step + 1 :, step + 1 :] -= below[:, :, None] * LU[:, step, None, step + 1 :]
    return by_columns(LU.reshape(A.shape)), pivots.reshape(*batch, count), info.reshape(batch)


def permutation(pivots: Any, rows: int, like: Any) -> Any:
    """The matrix P with A = P L U, of the exchanges `pivots`."""
    flat = pivots.reshape(math.prod(pivots.shape[:-1]), pivots.shape[-1])
    order = np.zeros_like(flat, shape=(len(flat), rows), dtype=np.int64) + places(rows, flat)
    every = places(len(flat), flat)
    for step in range(flat.shape[1]):
        other = flat[:, step].astype(np.int64) - 1
        kept = order[:, step].copy()
        order[:, step] = order[every, other]
        order[every, other] = kept
    matrix = np.zeros_like(like, shape=(len(flat), rows, rows), order="C")
    matrix[every[:, None], order, places(rows, flat)] = 1
    return matrix.reshape(*pivots.shape[:-1], rows, rows)


def lower_and_upper(LU: Any) -> tuple[Any, Any]:
    """L, with ones on its diagonal, and U of the packed factors."""
    count = min(LU.shape[-2:])
    L = np.tril(LU[..., :count], -1)
    as_writable(np.diagonal(L, 0, -2, -1))[...] = 1
    return L, np.triu(LU[..., :count, :])


def solved_by_factors(LU: Any, pivots: Any, B: Any, adjoint: bool = False) -> Any:
    L, U = lower_and_upper(LU)
    P = permutation(pivots, LU.shape[-2], LU)
    if adjoint:
        inner = substituted(np.conj(turned(U)), B, upper=False)
        return np.matmul(P, substituted(np.conj(turned(L)), inner, upper=True, unitriangular=True))
    return substituted(U, substituted(L, np.matmul(turned(P), B), upper=False, unitriangular=True), upper=True)


def singular_values(A: Any, full_matrices: bool = False) -> Any:
    """NumPy's U, S and Vh, NaN of what is infinite, or torch's error for what has none."""
    broken, endless = np.isnan(A).any(axis=(-2, -1)), np.isinf(A).any(axis=(-2, -1))
    try:
        if broken.any().item():
            raise np.linalg.LinAlgError
        if endless.any().item():  # LAPACK may look for an end of them forever
            parts = singular_values(np.where(endless[..., None, None], 0, A), full_matrices)
            return tuple(
                np.where(endless.reshape(endless.shape + (1,) * (part.ndim - endless.ndim)), np.nan, part)
                for part in parts
            )
        with watched(A):
            return np.linalg.svd(A, full_matrices)
    except np.linalg.LinAlgError as error:
        place = f"(Batch element {np.argmax(broken).item()}): " if A.ndim > 2 else ""
        raise UserError(
            "value",
            f"linalg.svd: {place}The algorithm failed to converge because the input matrix contained non-finite "
            "values.",
        ) from error


def is_vector(A: Any, B: Any) -> bool:
    """Whether `B` is a right-hand side, or a batch of them, rather than a matrix."""
    return B.ndim == 1 or (A.ndim - 1 == B.ndim and tuple(B.shape) == tuple(A.shape[:-1]))


def cholesky_as_far_as_possible(A: Any) -> tuple[Any, Any]:
    """Column by column; a matrix that is not positive-definite stays as it is from its first such minor on."""
    L = np.tril(A)
    info = np.zeros_like(A, shape=A.shape[:-2], dtype=np.int32)
    for step in range(A.shape[-1]):
        row = L[..., step, :step]
        pivot = L[..., step, step].real - np.add.reduce((row * np.conj(row)).real, axis=-1)
        positive = (info == 0) & (pivot > 0)
        info = np.where((info == 0) & ~positive, step + 1, info).astype(np.int32)
        root = np.sqrt(np.where(positive, pivot, 1))
        product = np.matmul(L[..., step + 1 :, :step], np.conj(row)[..., None])[..., 0]
        column = (L[..., step + 1 :, step] - product) / root[..., None]
        L[..., step, step] = np.where(positive, root, np.where(info == step + 1, pivot, L[..., step, step]))
        L[..., step + 1 :, step] = np.where(positive[..., None], column, L[..., step + 1 :, step])
    return L, info
