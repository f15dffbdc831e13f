"""The factorization L D L^T of symmetric, or L D L^H of Hermitian matrices, as LAPACK's sytrf and hetrf leave it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from gradcli.engine.device import beside, np, to_host
from gradcli.engine.dtypes import dtype_kind
from gradcli.errors import UserError
from gradcli.ops.arithmetic import no_derivative
from gradcli.ops.define import composite, op
from gradcli.ops.lapack import batched, by_columns, inexact, of_one_kind, square

GROWTH = (1 + 17**0.5) / 8  # the share of its column that a pivot must have


def sizes(values: Any) -> Any:
    """The moduli by which LAPACK chooses among numbers."""
    return np.absolute(values.real) + np.absolute(values.imag)


def largest(values: Any) -> float:
    return float(np.amax(sizes(values), initial=0))


def turner(hermitian: bool, A: Any) -> Callable[[Any], Any]:
    return (lambda matrix: np.conj(matrix.T)) if hermitian and dtype_kind(A.dtype) == "c" else (lambda matrix: matrix.T)


def factor_forward(A: Any, hermitian: bool, check_errors: bool) -> tuple[Any, Any, Any]:
    """Each matrix by itself, on the host: which rows change places is for its numbers to say."""
    name = "torch.linalg.ldl_factor_ex"
    square(A, name)
    inexact(A, name)
    size, batch = A.shape[-1], A.shape[:-2]
    LD = np.tril(to_host(A)).reshape(math.prod(batch), size, size)
    pivots = np.zeros((len(LD), size), np.int32)
    info = np.zeros(len(LD), np.int32)
    for place in range(len(LD)):
        LD[place], info[place] = bunch_kaufman(LD[place], pivots[place], turner(hermitian, A))
    if check_errors and info.any():
        raise UserError("value", f"torch.linalg.ldl_factor: Unknown error code: {int(info[info != 0][0])}.")
    LD = by_columns(LD.reshape(A.shape))
    return beside(A, LD), beside(A, pivots.reshape(*batch, size)), beside(A, info.reshape(batch))


def completed(matrix: Any, turn: Callable[[Any], Any]) -> Any:
    """The symmetric, or Hermitian, matrix with the lower triangle of `matrix`."""
    below = np.tril(matrix, -1)
    diagonal = np.diag(np.diag(matrix))
    return below + turn(below) + (diagonal + turn(diagonal)) / 2


def bunch_kaufman(lower: Any, pivots: Any, turn: Callable[[Any], Any]) -> tuple[Any, int]:
    """The factors of the matrix with this lower triangle, and its first zero pivot, from 1, or 0."""
    matrix = completed(lower, turn)
    size, zero, step = len(matrix), 0, 0
    while step < size:
        rest = matrix[step:, step:]
        width, chosen = pivot_of(rest)
        last = step + width - 1
        pivots[step : step + width] = (step + chosen + 1) * (1 if width == 1 else -1)
        order = np.arange(len(rest))
        order[[width - 1, chosen]] = order[[chosen, width - 1]]
        rest[...] = rest[order][:, order]
        columns = rest[width:, :width].copy()
        if width == 1 and rest[0, 0] == 0:
            zero = zero or step + 1
        else:
            factors = columns / rest[0, 0] if width == 1 else np.linalg.solve(rest[:2, :2].T, columns.T).T
            rest[width:, width:] -= np.matmul(factors, turn(columns))
            rest[width:, :width] = factors
        step = last + 1
    return np.tril(matrix), zero


def pivot_of(rest: Any) -> tuple[int, int]:
    """How many rows the next pivot has, and which row of `rest` is its last one."""
    own, column = largest(rest[:1, 0]), largest(rest[1:, 0])
    if own >= GROWTH * column:
        return 1, 0
    row = 1 + int(np.argmax(sizes(rest[1:, 0])))
    across = max(largest(rest[row, :row]), largest(rest[row + 1 :, row]))
    if own >= GROWTH * column * (column / across):
        return 1, 0
    return (1, row) if largest(rest[row : row + 1, row]) >= GROWTH * across else (2, row)


def solve_forward(LD: Any, pivots: Any, B: Any, hermitian: bool) -> Any:
    name = "torch.linalg.ldl_solve"
    square(LD, name)
    if B.ndim < 2:
        raise UserError("shape", f"Dimension out of range (expected to be in range of [-{B.ndim}, 0], but got -2)")
    size, (rows, columns) = LD.shape[-1], B.shape[-2:]
    if rows != size:
        raise UserError(
            "shape",
            f"Incompatible matrix sizes for {name}: each A matrix is {size} by {size} but each b matrix is {rows} by "
            f"{columns}",
        )
    if tuple(pivots.shape) != tuple(LD.shape[:-1]):
        raise UserError(
            "shape",
            f"{name}: Expected LD.shape[:-1] and pivots.shape to be the same, but got pivots with shape "
            f"{list(pivots.shape)} instead",
        )
    where, (LD, pivots, B) = B, map(to_host, (LD, pivots, B))
    if dtype_kind(pivots.dtype) != "i" or (pivots == 0).any() or (np.abs(pivots) > size).any():
        raise UserError("value", f"{name}: Expected pivots to be those of linalg.ldl_factor")
    of_one_kind(B, LD)
    inexact(LD, name)
    LD, B = batched(LD, B)
    exchanges = np.broadcast_to(pivots, LD.shape[:-1]).reshape(-1, size)
    X = B.reshape(-1, rows, columns).copy()
    for place, factors in enumerate(LD.reshape(-1, size, size)):
        solve_one(factors, exchanges[place].tolist(), X[place], turner(hermitian, LD))
    return beside(where, by_columns(X.reshape(B.shape)))


def solve_one(LD: Any, pivots: list[int], X: Any, turn: Callable[[Any], Any]) -> None:
    """Solve in place: down through L and D, and back up through the transpose of L."""
    blocks = []
    step = 0
    while step < len(pivots):
        width = 1 if pivots[step] > 0 or step + 1 == len(pivots) else 2
        blocks.append((slice(step, step + width), step + width - 1, abs(pivots[step]) - 1))
        step += width
    for block, last, other in blocks:
        X[[last, other]] = X[[other, last]]
        X[last + 1 :] -= np.matmul(LD[last + 1 :, block], X[block])
        X[block] = np.linalg.solve(completed(LD[block, block], turn), X[block])
    for block, last, other in reversed(blocks):
        X[block] -= np.matmul(turn(LD[last + 1 :, block]), X[last + 1 :])
        X[[last, other]] = X[[other, last]]


factor_ex = op(
    "linalg::ldl_factor_ex(Tensor A, *, bool hermitian=False, bool check_errors=False) -> (LD, pivots, info)",
    "NotImplemented", factor_forward, constant=("pivots", "info"),
    A=no_derivative("linalg_ldl_factor_ex"),
)  # fmt: skip
ldl_solve = op(
    "linalg::ldl_solve(Tensor LD, Tensor pivots, Tensor B, *, bool hermitian=False)", "NotImplemented", solve_forward,
    LD=no_derivative("linalg_ldl_solve"),
    B=no_derivative("linalg_ldl_solve"),
)  # fmt: skip


@composite("linalg::ldl_factor(Tensor A, *, bool hermitian=False) -> (LD, pivots)")
def ldl_factor(A: Any, *, hermitian: bool = False) -> Any:
    LD, pivots, _ = factor_ex(A, hermitian=hermitian, check_errors=True)
    return LD, pivots
