"""Products, linear algebra and Fourier transforms in NumPy's words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradcli.export.arrays.texts import Use, are_finite, text, times


def weighed(first: str, second: str) -> Callable[[Use], str]:
    """`beta * first + alpha * second`; what is times zero does not count, be it infinite."""

    def made(use: Use) -> str:
        product = times("alpha", second)(use)
        return product if use.values["beta"] == 0 else f"{times('beta', first)(use)} + {product}"

    return made


# Products


def trilinear(use: Use) -> str:
    """A sum of products, each operand being without the dimensions that it is expanded in."""
    words = ("expand1", "expand2", "expand3", "sumdim")
    letters = "abcdefghijklmnopqrstuvwxyz"[: use.rank("i1") + len(use.values["expand1"])]
    first, second, third, result = (
        "".join(letter for dim, letter in enumerate(letters) if dim not in use.values[word]) for word in words
    )
    return f"np.einsum('{first},{second},{third}->{result}', i1, i2, i3)"


text("mm bmm", "self @ mat2")
text("mv", "self @ vec")
text("dot", "self @ tensor")
text("vdot", "np.vdot(self, other)")
text("addmm", weighed("self", "(mat1 @ mat2)"))
text("addmv", weighed("self", "(mat @ vec)"))
text("addr", weighed("self", "np.outer(vec1, vec2)"))
text("addbmm", weighed("self", "(batch1 @ batch2).sum(axis=0)"))
text("baddbmm", weighed("self", "(batch1 @ batch2)"))
text("linalg::cross", "np.cross(input, other, axis=dim)")
text("_trilinear", trilinear)

# Linear algebra


def turned(made: str, rank: int) -> str:
    return f"{made}.T" if rank == 2 else f"np.swapaxes({made}, -2, -1)"


def adjoint(use: Use, made: str, parameter: str) -> str:
    made = turned(made, use.rank(parameter))
    return f"np.conj({made})" if use.values[parameter].dtype.kind == "c" else made


def succeeded(*made: str) -> Callable[[Use], list[str] | None]:
    """The text of what tells, as its last result, whether it failed, where it did not."""
    information = "np.zeros(shape[:-2], dtype=np.int32)"
    return lambda use: None if use.results[-1].array.any() else [*made, information]


def solve(use: Use) -> list[str] | None:
    if use.results[-1].array.any():
        return None
    info = f"np.zeros({tuple(use.results[-1].shape)}, dtype=np.int32)"
    matrix, sides, left = (use.values[word] for word in ("A", "B", "left"))
    if sides.ndim == 1 or (matrix.ndim - 1 == sides.ndim and sides.shape == matrix.shape[:-1]):
        made = "A" if left else turned("A", matrix.ndim)
        if sides.ndim == 1:
            return [f"np.linalg.solve({made}, B)", info]
        return [f"np.linalg.solve({made}, B[..., None])[..., 0]", info]
    return [solved(use, "A", left), info]


def solved(use: Use, matrix: str, left: bool) -> str:
    """The X for which matrix @ X is B, or X @ matrix, if not `left`; the matrix is made of A."""
    if left:
        return f"np.linalg.solve({matrix}, B)"
    matrix, sides = turned(matrix, use.rank("A")), turned("B", use.rank("B"))
    return turned(f"np.linalg.solve({matrix}, {sides})", use.results[0].ndim)


def triangle(made: str, upper: bool, unitriangular: bool, size: int) -> str:
    function = "np.triu" if upper else "np.tril"
    if unitriangular:
        return f"({function}({made}, {1 if upper else -1}) + np.eye({size}, dtype=dtype))"
    return f"{function}({made})"


def solve_triangular(use: Use) -> str | None:
    if not are_finite(use):
        return None
    upper, unitriangular, left = (use.values[word] for word in ("upper", "unitriangular", "left"))
    made = triangle("A", upper, unitriangular, use.size(-1, "A"))
    return solved(use, made, left)


def triangular_solve(use: Use) -> list[str] | None:
    if not are_finite(use):
        return None
    made = triangle("A", use.values["upper"], use.values["unitriangular"], use.size(-1, "A"))
    made = turned(made, use.rank("A")) if use.values["transpose"] else made
    whole = "A" if use.results[1].shape == use.values["A"].shape else f"np.broadcast_to(A, {use.results[1].shape})"
    return [f"np.linalg.solve({made}, self)", whole]


def cholesky_factors(use: Use, parameter: str) -> tuple[str, str]:
    """The two triangles, one the adjoint of the other, whose product is meant by either."""
    factor = f"{'np.triu' if use.values['upper'] else 'np.tril'}({parameter})"
    other = adjoint(use, factor, parameter)
    return (other, factor) if use.values["upper"] else (factor, other)


def cholesky_solve(use: Use) -> str | None:
    if not are_finite(use):
        return None
    lower, upper = cholesky_factors(use, "input2")
    return f"np.linalg.solve({upper}, np.linalg.solve({lower}, self))"


def cholesky_inverse(use: Use) -> str:
    lower, upper = cholesky_factors(use, "self")
    return f"np.linalg.inv({upper}) @ np.linalg.inv({lower})"


def lu_unpack(use: Use) -> str | None:
    both = use.values["unpack_data"] and use.values["unpack_pivots"]
    return "lu_unpack(LU_data, LU_pivots)" if both else None


def lu_solve(use: Use) -> str:
    flag = ", adjoint=adjoint" if use.values["adjoint"] else ""
    if use.values["left"]:
        return f"lu_solve(LU, pivots, B{flag})"
    # X A = B is A^H X^H = B^H
    flag = "" if use.values["adjoint"] else ", adjoint=True"
    made = f"lu_solve(LU, pivots, {adjoint(use, 'B', 'B')}{flag})"
    made = turned(made, use.results[0].ndim)
    return f"np.conj({made})" if use.results[0].dtype.kind == "c" else made


def qr(use: Use) -> str | list[str]:
    if use.values["mode"] == "r":
        return ["np.zeros(0, dtype=dtype)", "np.linalg.qr(A, mode='r')"]
    return "np.linalg.qr(A)" if use.values["mode"] == "reduced" else "np.linalg.qr(A, mode=mode)"


def eigh(use: Use) -> str:
    return "np.linalg.eigh(A)" if use.values["UPLO"].upper() == "L" else "np.linalg.eigh(A, UPLO='U')"


def is_none(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and value == 0)


def pinv(use: Use) -> str | None:
    rtol = use.values["rtol"]
    if not is_none(use.values["atol"]) or not (rtol is None or isinstance(rtol, int | float)):
        return None
    limit = "rtol" if rtol is not None else machine_limit(use, "self")
    return f"np.linalg.pinv(self, {limit}, hermitian=hermitian)"


def machine_limit(use: Use, parameter: str) -> str:
    """The share of the largest singular value up to which torch has one count as zero."""
    return f"{max(use.values[parameter].shape[-2:])} * np.finfo(dtype).eps"


def matrix_rank(use: Use) -> str | None:
    atol, rtol = use.values["atol"], use.values["rtol"]
    if not all(one is None or isinstance(one, int | float) for one in (atol, rtol)):
        return None
    if atol is None:
        limit = "" if rtol is None else ", rtol=rtol"
    elif is_none(rtol):
        limit = ", atol"
    else:
        return None
    return f"np.linalg.matrix_rank(A{limit}, hermitian=hermitian)"


def lstsq(use: Use) -> list[str] | None:
    if (
        use.rank("A") != use.rank("B")
        or use.values["driver"] not in (None, "gelsy")
        or not is_none(use.values["rcond"])
    ):
        return None
    nothing = "np.zeros(0, dtype=dtype)"
    return [f"np.linalg.pinv(A, {machine_limit(use, 'A')}) @ B", nothing, "np.linalg.matrix_rank(A)", nothing]


def ormqr(use: Use) -> str | None:
    """Products with all columns of the orthogonal matrix."""
    *batch, rows, columns = use.values["self"].shape
    if columns > rows:
        return None
    margins = tuple([(0, 0)] * (len(batch) + 1) + [(0, rows - columns)])
    made = f"householder_product({f'np.pad(self, {margins})' if rows > columns else 'self'}, input2)"
    made = adjoint(use, made, "self") if use.values["transpose"] else made
    return f"{made} @ input3" if use.values["left"] else f"input3 @ {made}"


text("_geqrf", ["np.swapaxes(np.linalg.qr(self, mode='raw')[0], -2, -1)", "np.linalg.qr(self, mode='raw')[1]"])
text("linalg::householder_product", "householder_product(input, tau)")
text("ormqr", ormqr)
text("det", "np.linalg.det(self)")
text("linalg::slogdet", "np.linalg.slogdet(A)")
text("slogdet", "np.linalg.slogdet(self)")
text("linalg::inv_ex", succeeded("np.linalg.inv(A)"))
text("linalg::solve_ex", solve)
text("linalg::cholesky_ex", succeeded("np.linalg.cholesky(A, upper=upper)"))
text("cholesky", "np.linalg.cholesky(self, upper=upper)")
text("cholesky_solve", cholesky_solve)
text("cholesky_inverse", cholesky_inverse)
text("linalg::solve_triangular", solve_triangular)
text("triangular_solve", triangular_solve)
text("linalg::lu_factor_ex", lambda use: None if use.results[2].array.any() else "lu_factor(A)")
text("linalg::lu", "lu(A)")
text("lu_unpack", lu_unpack)
text("linalg::lu_solve", lu_solve)
text("linalg::qr", qr)
text("linalg::svd", "np.linalg.svd(A, full_matrices)")
text("linalg::eigh", eigh)
text("linalg::eig", "eig(A)")
text("_linalg_pinv", pinv)
text("_matrix_rank", matrix_rank)
text("linalg::lstsq", lstsq)
text("matrix_exp", "matrix_exp(self)")

# Fourier transforms


def real_transform(use: Use) -> str | None:
    norm = {0: "backward", 1: "ortho", 2: "forward"}[use.values["normalization"]]
    function = "rfftn" if use.values["onesided"] else "fftn"
    return f"np.fft.{function}(self, axes={tuple(use.values['dim'])}, norm='{norm}')"


def back_to_real(use: Use) -> str | None:
    norm = {0: "forward", 1: "ortho", 2: "backward"}[use.values["normalization"]]
    dims, size = tuple(use.values["dim"]), use.values["last_dim_size"]
    sizes = (*(use.size(dim) for dim in dims[:-1]), size)
    return f"np.fft.irfftn(self, s={sizes}, axes={dims}, norm='{norm}')"


def transformed(use: Use) -> str | None:
    """`numpy.fft` of what torch's transforms are made of."""
    if not use.values["dim"]:
        return "self"
    norm = {0: "backward", 1: "ortho", 2: "forward"}[use.values["normalization"]]
    sign = "" if use.values["forwards"] else "i"
    if sign and norm != "ortho":  # torch's scale goes with the transform, NumPy's with its direction
        norm = {"backward": "forward", "forward": "backward"}[norm]
    return f"np.fft.{sign}fftn(self, axes={tuple(use.values['dim'])}, norm='{norm}')"


text("_fft_c2c", transformed)
text("_fft_r2c", real_transform)
text("_fft_c2r", back_to_real)
