"""Distances and similarities of vectors."""

from __future__ import annotations

from typing import Any

from gradcli.engine.dtypes import TYPE_NAMES, dtype_kind, result_type
from gradcli.engine.mode import set_grad_enabled
from gradcli.errors import UserError
from gradcli.ops.arithmetic import add, add_number, div, mul, sub
from gradcli.ops.compare import clamp_min
from gradcli.ops.copies import clone, to_dtype
from gradcli.ops.define import composite, op
from gradcli.ops.reduce import sum_dim, vector_norm, vector_norm_backward, vector_norm_forward
from gradcli.ops.shape import broadcast_sizes, expand

norm_dim = op(
    "_norm(Tensor self, Scalar p, int[] dim, bool keepdim)", "NormBackward1",
    lambda self, p, dim, keepdim: vector_norm_forward(self, p, dim, keepdim, None),
    self=lambda grad, self, p, dim, keepdim, result: vector_norm_backward(grad, self, p, dim, keepdim, result),
)  # fmt: skip


@composite("pairwise_distance(Tensor x1, Tensor x2, float p=2.0, float eps=1e-06, bool keepdim=False)")
def pairwise_distance(x1: Any, x2: Any, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Any:
    """The norm of the differences along the last dimension; `eps` keeps it away from its kink."""
    difference = sub(x1, x2)
    shifted = add_number(difference, eps) if dtype_kind(difference.dtype) in "fc" else add(difference, eps)
    return norm_dim(shifted, p, [-1], keepdim)


@composite("cosine_similarity(Tensor x1, Tensor x2, int dim=1, float eps=1e-08)")
def cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> Any:
    dtype = result_type((x1.array, x2.array))
    if dtype_kind(dtype) != "f":
        raise UserError(
            "type", f"expected common dtype to be floating point, yet common dtype is {TYPE_NAMES[dtype.name]}"
        )
    if not eps >= 0:
        raise UserError("value", f"eps must be non-negative, got: {eps:g}")
    vectors = [one if dtype_kind(one.dtype) == "f" else to_dtype(one, dtype) for one in (x1, x2)]
    if x1.shape != x2.shape:
        shape = broadcast_sizes(x1.shape, x2.shape)
        vectors = [expand(one, shape) for one in vectors]
    return sum_dim(mul(*(by_length(one, dim, eps) for one in vectors)), [dim])


def by_length(self: Any, dim: int, eps: float) -> Any:
    """`self` divided by its length, but never by less than `eps`, which the gradient knows nothing of."""
    length = clone(vector_norm(self, 2, [dim], True))
    with set_grad_enabled(False):
        clamp_min.inplace(length, eps)
    return div(self, length)
