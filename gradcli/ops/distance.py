"""Distances between the rows of matrices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from gradcli.engine.device import beside, np, scatter_add
from gradcli.engine.dtypes import TYPE_NAMES, dtype_kind
from gradcli.errors import UserError
from gradcli.ops.copies import masked_fill
from gradcli.ops.define import composite, op
from gradcli.ops.linalg import matmul
from gradcli.ops.products import expect_dtype
from gradcli.ops.reduce import sum_dim
from gradcli.ops.shape import broadcast_sizes, contiguous, expand, transpose, unsqueeze, view

MODES = ("use_mm_for_euclid_dist_if_necessary", "use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist")


def distance(difference: Any, p: float) -> Any:
    """The p-norm over the last dimension."""
    size = np.abs(difference)
    if p == 0:
        return np.sum(size != 0, axis=-1).astype(size.dtype)
    if p == 1:
        return np.sum(size, axis=-1)
    if p == 2:
        return np.sqrt(np.sum(size * size, axis=-1))
    if p == math.inf:
        return np.amax(size, axis=-1) if size.shape[-1] else np.sum(size, axis=-1)
    return np.sum(size**p, axis=-1) ** (1 / p)


def slope(difference: Any, grad: Any, result: Any, p: float) -> Any:
    """The gradient of `distance` times `grad`; zero where the distance is."""
    grad, result = grad[..., None], result[..., None]
    size, sign = np.abs(difference), np.sign(difference)
    if p == 0:
        return np.zeros_like(difference)
    if p == 1:
        return grad * sign
    if p == math.inf:
        return grad * sign * (size == result)
    with np.errstate(all="ignore"):
        if p == 2:
            slopes = grad * difference / result
        elif p < 2:
            slopes = grad * sign * size ** (p - 1) / result ** (p - 1)
        else:
            slopes = grad * difference * size ** (p - 2) / result ** (p - 1)
    flat = result == 0
    return np.where(flat | (difference == 0) if p < 1 else flat, 0, slopes).astype(difference.dtype)


def differences(x1: Any, x2: Any) -> Any:
    """Of every row of `x1` and every row of `x2`."""
    return x1[..., :, None, :] - x2[..., None, :, :]


def euclidean_forward(x1: Any, x2: Any) -> Any:
    """By one product of matrices, which is quick and less exact."""
    squares = [np.sum(x * x, axis=-1, keepdims=True) for x in (x1, x2)]
    left = np.concatenate([-2 * x1, squares[0], np.ones_like(squares[0])], axis=-1)
    right = np.concatenate([x2, np.ones_like(squares[1]), squares[1]], axis=-1)
    return np.sqrt(np.maximum(np.matmul(left, right.swapaxes(-1, -2)), 0))


def euclidean_backward(grad: Any, x1: Any, x2: Any, result: Any) -> tuple[Any, Any]:
    ratio = masked_fill(grad / result, result == 0, 0)
    return (
        x1 * sum_dim(ratio, [-1], True) - matmul(ratio, x2),
        x2 * unsqueeze(sum_dim(ratio, [-2]), -1) - matmul(transpose(ratio, -2, -1), x1),
    )


def pairs(self: Any) -> tuple[Any, Any]:
    """The places i < j of all pairs, in the order of pdist."""
    return tuple(beside(self, places) for places in np.triu_indices(self.shape[0], 1))


def pdist_slope(grad: Any, self: Any, p: float, result: Any) -> Any:
    first, second = pairs(self)
    slopes = slope(self[first] - self[second], grad, result, p)
    total = np.zeros_like(self)
    scatter_add(total, first, slopes)
    scatter_add(total, second, -slopes)
    return total


def not_implemented(name: str) -> Any:
    def formula(grad: Any) -> Any:
        raise UserError("autograd", f"the derivative for '{name}' is not implemented.")

    return formula


euclidean_dist = op(
    "_euclidean_dist(Tensor x1, Tensor x2)", "EuclideanDistBackward0", euclidean_forward,
    joint=lambda grad, x1, x2, result: euclidean_backward(grad, x1, x2, result),
)  # fmt: skip
cdist_forward = op(
    "_cdist_forward(Tensor x1, Tensor x2, float p)", "CdistBackward0",
    lambda x1, x2, p: distance(differences(x1, x2), p),
    contiguous=True,
    x1=lambda grad, x1, x2, p, result: cdist_backward(contiguous(grad), x1, x2, p, result),
    x2=lambda grad, x1, x2, p, result: cdist_backward(
        contiguous(transpose(grad, -2, -1)), x2, x1, p, contiguous(transpose(result, -2, -1))
    ),
)  # fmt: skip
cdist_backward = op(
    "_cdist_backward(Tensor grad, Tensor x1, Tensor x2, float p, Tensor cdist)", "CdistBackwardBackward0",
    lambda grad, x1, x2, p, cdist: np.sum(slope(differences(x1, x2), grad, cdist, p), axis=-2),
    grad=not_implemented("_cdist_backward"),
    x1=not_implemented("_cdist_backward"),
    x2=not_implemented("_cdist_backward"),
    cdist=not_implemented("_cdist_backward"),
)  # fmt: skip
pdist_forward = op(
    "_pdist_forward(Tensor self, float p)", "PdistBackward0",
    lambda self, p: distance(np.subtract(*(self[places] for places in pairs(self))), p),
    self=lambda grad, self, p, result: pdist_backward(grad, self, p, result),
)  # fmt: skip
pdist_backward = op(
    "_pdist_backward(Tensor grad, Tensor self, float p, Tensor pdist)", "PdistBackwardBackward0",
    lambda grad, self, p, pdist: pdist_slope(grad, self, p, pdist),
    grad=not_implemented("_pdist_backward"),
    self=not_implemented("_pdist_backward"),
    pdist=not_implemented("_pdist_backward"),
)  # fmt: skip


@composite(f'cdist(Tensor x1, Tensor x2, float p=2.0, str compute_mode="{MODES[0]}")')
def cdist(x1: Any, x2: Any, p: float = 2.0, compute_mode: str = MODES[0]) -> Any:
    """The p-norm of the difference of each row of `x1` and each of `x2`."""
    if compute_mode not in MODES:
        raise UserError("value", f"{compute_mode} is not a valid value for compute_mode")
    check_rows(x1, x2, p)
    elements = math.prod(x1.shape) * math.prod(x2.shape)
    many = max(x1.shape[-2], x2.shape[-2]) > 25
    if elements and p == 2 and (compute_mode == MODES[1] or (compute_mode == MODES[0] and many)):
        return euclidean(x1, x2)
    return cdist_forward(x1, x2, p)


def check_rows(x1: Any, x2: Any, p: float) -> None:
    for name, tensor in (("X1", x1), ("X2", x2)):
        if dtype_kind(tensor.dtype) != "f":
            kind = TYPE_NAMES[tensor.dtype.name]
            raise UserError("type", f"cdist only supports floating-point dtypes, {name} got: {kind}")
        if tensor.ndim < 2:
            raise UserError("shape", f"cdist only supports at least 2D tensors, {name} got: {tensor.ndim}D")
    if x1.shape[-1] != x2.shape[-1]:
        raise UserError(
            "shape", f"X1 and X2 must have the same number of columns. X1: {x1.shape[-1]} X2: {x2.shape[-1]}"
        )
    if p < 0:
        raise UserError("value", "cdist only supports non-negative p values")
    expect_dtype(x1, x2)


def euclidean(x1: Any, x2: Any) -> Any:
    batch = broadcast_sizes(x1.shape[:-2], x2.shape[:-2])
    shape = (*batch, x1.shape[-2], x2.shape[-2])
    if math.prod(batch) != 1:
        x1, x2 = in_batch(x1, batch), in_batch(x2, batch)
    return view(euclidean_dist(x1, x2), shape)


def in_batch(x: Any, batch: Sequence[int]) -> Any:
    rows = x.shape[-2:]
    return view(contiguous(expand(x, (*batch, *rows))), (math.prod(batch), *rows))


@composite("pdist(Tensor input, float p=2.0)")
def pdist(input: Any, p: float = 2.0) -> Any:
    if input.ndim != 2:
        raise UserError("shape", f"pdist only supports 2D tensors, got: {input.ndim}D")
    if dtype_kind(input.dtype) != "f":
        raise UserError("type", "pdist only supports floating-point dtypes")
    if p < 0:
        raise UserError("value", "pdist only supports non-negative p values")
    return pdist_forward(contiguous(input), p)
