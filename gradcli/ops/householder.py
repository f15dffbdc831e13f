"""Householder reflections: LAPACK's QR factorization as it leaves it, the orthogonal matrix of reflections, and
products with it.
"""

from __future__ import annotations

from typing import Any

from gradcli.engine.device import np
from gradcli.engine.dtypes import TYPE_NAMES, dtype_kind
from gradcli.engine.mode import grad_mode
from gradcli.errors import UserError
from gradcli.ops.copies import conj, zeros_like
from gradcli.ops.decompose import with_unit_diagonal
from gradcli.ops.define import composite, op
from gradcli.ops.lapack import by_columns, has_kernel, turned
from gradcli.ops.linalg import adjoint, matmul
from gradcli.ops.reduce import put, sum_dim
from gradcli.ops.shape import narrow, select, squeeze_dim, tril, unsqueeze


def geqrf_forward(self: Any) -> tuple[Any, Any]:
    if self.ndim < 2:
        raise UserError("shape", "torch.geqrf: input must have at least 2 dimensions.")
    has_kernel(self, "geqrf_cpu")
    reflections, tau = np.linalg.qr(self, "raw")
    return by_columns(turned(reflections)), tau


def geqrf_backward() -> Any:
    raise UserError("autograd", "the derivative for 'geqrf' is not implemented.")


def product_forward(input: Any, tau: Any) -> Any:
    """The first columns of H_1 H_2 ... with H_i = 1 - tau_i v_i v_i^H, the v_i below the diagonal of `input`."""
    name = "torch.linalg.householder_product"
    if input.ndim < 2:
        raise UserError("shape", f"{name}: input must have at least 2 dimensions.")
    rows, columns = input.shape[-2:]
    if rows < columns:
        raise UserError("shape", f"{name}: input.shape[-2] must be greater than or equal to input.shape[-1]")
    if columns < tau.shape[-1]:
        raise UserError("shape", f"{name}: input.shape[-1] must be greater than or equal to tau.shape[-1]")
    if tau.ndim != input.ndim - 1:
        raise UserError(
            "shape",
            f"{name}: Expected tau to have one dimension less than input, but got tau.ndim equal to {tau.ndim} and "
            f"input.ndim is equal to {input.ndim}",
        )
    if tau.shape[:-1] != input.shape[:-2]:
        raise UserError(
            "shape",
            f"{name}: Expected batch dimensions of tau to be equal to input.shape[:-2], but got {list(tau.shape[:-1])}",
        )
    if input.dtype != tau.dtype:
        kinds = TYPE_NAMES[tau.dtype.name], TYPE_NAMES[input.dtype.name]
        raise UserError("type", f"{name}: tau dtype {kinds[0]} does not match input dtype {kinds[1]}")
    has_kernel(input, "orgqr_cpu")
    vectors = with_unit_diagonal(np.tril(input, -1))
    result = with_unit_diagonal(np.zeros_like(input, order="C"))
    for place in reversed(range(tau.shape[-1])):
        vector = vectors[..., place : place + 1]
        result = result - tau[..., place, None, None] * vector * np.matmul(np.conj(turned(vector)), result)
    return by_columns(result)


def ormqr_forward(self: Any, input2: Any, input3: Any, left: bool, transpose: bool) -> Any:
    """Q C, C Q, Q^H C or C Q^H, one reflection after the other, where Q is that of `householder_product`."""
    check_ormqr(self, input2, input3, left)
    vectors = with_unit_diagonal(np.tril(self, -1))
    factors = np.conj(input2) if transpose else input2
    order = range(input2.shape[-1])
    apply = applied_left if left else applied_right
    result = input3
    for place in order if left == transpose else reversed(order):
        result = apply(result, vectors, factors, place)
    return by_columns(result)


def check_ormqr(self: Any, tau: Any, other: Any, left: bool) -> None:
    name = "torch.ormqr"
    for called, matrix in (("input", self), ("other", other)):
        if matrix.ndim < 2:
            raise UserError("shape", f"{name}: {called} must have at least 2 dimensions.")
    side = -2 if left else -1
    if other.shape[side] != self.shape[-2]:
        raise UserError("shape", f"{name}: other.shape[{side}] must be equal to input.shape[-2]")
    if tau.shape[-1] != min(other.shape[side], self.shape[-1]):
        raise UserError("shape", f"{name}: tau.shape[-1] must be equal to min(other.shape[{side}], input.shape[-1])")
    if tau.ndim != self.ndim - 1:
        raise UserError(
            "shape",
            f"{name}: Expected tau to have one dimension less than input, but got tau.ndim equal to {tau.ndim} and "
            f"input.ndim is equal to {self.ndim}",
        )
    if other.ndim != self.ndim:
        raise UserError(
            "shape",
            f"{name}: Expected other to have the same number of dimensions as input, but got other.ndim equal to "
            f"{other.ndim} and input.ndim is equal to {self.ndim}",
        )
    for called, batch in (("tau", tau.shape[:-1]), ("other", other.shape[:-2])):
        if batch != self.shape[:-2]:
            raise UserError(
                "shape",
                f"{name}: Expected batch dimensions of {called} to be equal to input.shape[:-2], but got {list(batch)}",
            )
    for called, tensor in (("tau", tau), ("other", other)):
        if tensor.dtype != self.dtype:
            kinds = TYPE_NAMES[self.dtype.name], TYPE_NAMES[tensor.dtype.name]
            raise UserError(
                "type",
                f"{name}: Expected input and {called} to have the same dtype, but input has dtype{kinds[0]} and "
                f"{called} has dtype {kinds[1]}",
            )
    has_kernel(self, "ormqr_cpu")


def ormqr_backward(
    grad: Any, needs: Any, self: Any, input2: Any, input3: Any, result: Any, left: bool, transpose: bool
) -> tuple[Any, Any, Any]:
    by_reflections: tuple[Any, Any] = (None, None)
    if needs[0] or needs[1]:
        # as a product from the left, of the other order of reflections if it is the adjoint of Q
        product, slope = (result, grad) if left else (adjoint(result), adjoint(grad))
        K = matmul(slope, adjoint(product)) if left == transpose else matmul(product, adjoint(slope))
        by_reflections = reflections_backward(K, self, input2, left == transpose)
    by_other = ormqr(self, input2, grad, left, not transpose) if needs[2] else None
    return (*by_reflections, by_other)


def product_backward(grad: Any, input: Any, tau: Any, result: Any) -> tuple[Any, Any]:
    return reflections_backward(matmul(result, adjoint(grad)), input, tau, False)


def reflections_backward(K: Any, input: Any, tau: Any, last_first: bool) -> tuple[Any, Any]:
    """One reflection after the other, from the first or the last: the product of all others stands in K."""
    count = tau.shape[-1]
    vectors = with_unit_diagonal(tril(input, -1))
    active = narrow(vectors, -1, 0, count)
    sigma = tau / (tau * sum_dim(active * conj(active), [-2]) - 1.0)  # of the inverse reflections
    input_grad, tau_grad = zeros_like(input), zeros_like(tau)
    without, with_again = (applied_right, applied_left) if last_first else (applied_left, applied_right)
    order = list(range(count))[:: -1 if last_first else 1]
    for place, before in zip(order, [None, *order], strict=False):
        K = without(K, vectors, sigma, place)
        if before is not None:
            K = with_again(K, vectors, tau, before)
        vector = below(vectors, place)
        factor = unsqueeze(narrow(tau, -1, place, 1), -1)
        size = vector.shape[-2]
        row = matmul(adjoint(vector), narrow(K, -2, place, size))
        column = matmul(narrow(K, -1, place, size), vector)
        vector_grad = squeeze_dim(conj(-factor * row), -2) - squeeze_dim(factor * column, -1)
        factor_grad = -conj(matmul(narrow(row, -1, place, size), vector))
        put(squeeze_dim(unsqueeze(vector_grad, -1), -1), select(input_grad, -1, place))
        put(squeeze_dim(squeeze_dim(factor_grad, -1), -1), select(tau_grad, -1, place))
    return tril(input_grad, -1), tau_grad


def below(vectors: Any, place: int) -> Any:
    """A reflection's vector without the zeros above its diagonal, as one column."""
    return narrow(narrow(vectors, -1, place, 1), -2, place, vectors.shape[-2] - place)


def applied_left(K: Any, vectors: Any, factors: Any, place: int) -> Any:
    """(1 - t v v^H) K of the reflection at `place`."""
    vector = narrow(vectors, -1, place, 1)
    return K - unsqueeze(narrow(factors, -1, place, 1), -1) * matmul(vector, matmul(adjoint(vector), K))


def applied_right(K: Any, vectors: Any, factors: Any, place: int) -> Any:
    vector = narrow(vectors, -1, place, 1)
    return K - unsqueeze(narrow(factors, -1, place, 1), -1) * matmul(matmul(K, vector), adjoint(vector))


factored = op(
    "_geqrf(Tensor self) -> (a, tau)", "GeqrfBackward0", geqrf_forward,
    self=lambda grads: geqrf_backward(),
)  # fmt: skip
householder_product = op(
    "linalg::householder_product(Tensor input, Tensor tau)", "LinalgHouseholderProductBackward0", product_forward,
    joint=lambda grad, input, tau, result: product_backward(grad, input, tau, result),
)  # fmt: skip
ormqr = op(
    "ormqr(Tensor self, Tensor input2, Tensor input3, bool left=True, bool transpose=False)", "OrmqrBackward0",
    ormqr_forward,
    joint=lambda grad, needs, self, input2, input3, result, left, transpose: ormqr_backward(
        grad, needs, self, input2, input3, result, left, transpose
    ),
)  # fmt: skip


@composite("geqrf(Tensor self) -> (a, tau)")
def geqrf(self: Any) -> Any:
    if dtype_kind(self.dtype) == "c" and self.requires_grad and grad_mode.enabled:
        raise UserError("autograd", "geqrf does not support automatic differentiation for outputs with complex dtype.")
    return factored(self)


@composite("orgqr(Tensor self, Tensor input2)")
def orgqr(self: Any, input2: Any) -> Any:
    return householder_product(self, input2)
