"""Householder reflections: LAPACK's QR factorization as it leaves it, and the orthogonal matrix of reflections."""

from __future__ import annotations

from typing import Any

from gradcli.engine.device import np
from gradcli.engine.dtypes import TYPE_NAMES
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


def product_backward(grad: Any, input: Any, tau: Any, result: Any) -> tuple[Any, Any]:
    """One reflection after the other, from the first: the product of all others stands in K."""
    count = tau.shape[-1]
    vectors = with_unit_diagonal(tril(input, -1))
    active = narrow(vectors, -1, 0, count)
    sigma = tau / (tau * sum_dim(active * conj(active), [-2]) - 1.0)  # of the inverse reflections
    input_grad, tau_grad = zeros_like(input), zeros_like(tau)
    K = applied_left(matmul(result, adjoint(grad)), vectors, sigma, 0)
    for place in range(count):
        vector = below(vectors, place)
        factor = unsqueeze(narrow(tau, -1, place, 1), -1)
        size = vector.shape[-2]
        row = matmul(adjoint(vector), narrow(K, -2, place, size))
        column = matmul(narrow(K, -1, place, size), vector)
        vector_grad = squeeze_dim(conj(-factor * row), -2) - squeeze_dim(factor * column, -1)
        factor_grad = -conj(matmul(narrow(row, -1, place, size), vector))
        put(squeeze_dim(unsqueeze(vector_grad, -1), -1), select(input_grad, -1, place))
        put(squeeze_dim(squeeze_dim(factor_grad, -1), -1), select(tau_grad, -1, place))
        if place < count - 1:
            K = applied_right(applied_left(K, vectors, sigma, place + 1), vectors, tau, place)
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


@composite("geqrf(Tensor self) -> (a, tau)")
def geqrf(self: Any) -> Any:
    if self.dtype.kind == "c" and self.requires_grad and grad_mode.enabled:
        raise UserError("autograd", "geqrf does not support automatic differentiation for outputs with complex dtype.")
    return factored(self)


@composite("orgqr(Tensor self, Tensor input2)")
def orgqr(self: Any, input2: Any) -> Any:
    return householder_product(self, input2)
