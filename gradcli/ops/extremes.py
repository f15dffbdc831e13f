"""The largest and the smallest of elements, and where they are."""

from __future__ import annotations

from typing import Any

from gradcli.engine.device import np
from gradcli.errors import UserError
from gradcli.ops.compare import equal_places, maximum, minimum
from gradcli.ops.define import composite, op
from gradcli.ops.index import scatter
from gradcli.ops.kinds import only, refuse
from gradcli.ops.reduce import Dims, axes, count, kept_view, masked_fill_tensor, sum, sum_dim
from gradcli.ops.shape import new_zeros, unsqueeze, wrap_dim


def extreme(name: str, function: Any, called: str = "{}()") -> Any:
    """`function` (np.amax, np.amin) with torch's error, of what is `called` so, for nothing to choose from."""
    opening = called.format(name)

    def forward(self: Any, dim: Dims = None, keepdim: bool = False) -> Any:
        reduced = axes(dim, self.ndim)
        if self.size == 0 and count(self.shape, dim) == 0:
            raise UserError(
                "shape",
                f"{opening}: Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim "
                "with the 'dim' argument."
                if reduced is None
                else f"{opening}: Expected reduction dim {reduced[0]} to have non-zero size.",
            )
        return function(self, axis=reduced, keepdims=keepdim)

    return forward


def arg_extreme(name: str, function: Any) -> Any:
    """`function` (np.argmax, np.argmin) along `dim`, or over all; NaN counts as the extreme, as in torch."""

    def forward(self: Any, dim: int | None = None, keepdim: bool = False) -> Any:
        at = None if dim is None else wrap_dim(dim, self.ndim)
        if self.size == 0 and (at is None or self.shape[at] == 0):
            raise UserError(
                "shape", f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the "
                "reduction dim with the 'dim' argument."
            )  # fmt: skip
        if at is None:
            return function(self).reshape((1,) * self.ndim if keepdim else ())
        if self.ndim == 0:
            return np.zeros_like(self, np.int64)
        return function(self, axis=at, keepdims=keepdim)

    return forward


def at_extreme(name: str, function: Any) -> Any:
    """Values and indices of the extremes along `dim`."""
    find = arg_extreme(name, function)

    def forward(self: Any, dim: int, keepdim: bool) -> Any:
        if self.ndim == 0:
            wrap_dim(dim, 0)
            return self.copy(), np.zeros_like(self, np.int64)
        indices = find(self, dim, True)
        return picked(self, indices, dim, keepdim)

    return forward


def picked(self: Any, indices: Any, dim: int, keepdim: bool) -> tuple[Any, Any]:
    """The values at `indices`, one along `dim`, and `indices`."""
    values = np.take_along_axis(self, indices, axis=dim)
    return (values, indices) if keepdim else (values.squeeze(dim), indices.squeeze(dim))


def evenly(grad: Any, at: Any) -> Any:
    """`grad`, a scalar's, in equal shares to the places of the mask `at`."""
    return masked_fill_tensor(new_zeros(grad, at.shape), at, grad / sum(at))


def shared(grad: Any, at: Any, dim: Dims) -> Any:
    """`grad` in equal shares to the places of the mask `at` along `dim`."""
    return (grad / sum_dim(at, dim, keepdim=True)) * at


def to_extremes(grad: Any, self: Any, dim: Dims, keepdim: bool, result: Any) -> Any:
    """`grad` in equal shares to the places where `self` is `result`, its extreme along `dim`."""
    grad, result = (kept_view(one, self.shape, dim, keepdim) for one in (grad, result))
    return shared(grad, self == result, dim)


def scattered(grad: Any, shape: tuple[int, ...], dim: int, keepdim: bool, indices: Any) -> Any:
    """`grad` at the `indices` chosen along `dim`, zero elsewhere."""
    if shape and not keepdim:
        grad, indices = unsqueeze(grad, dim), unsqueeze(indices, dim)
    return scatter(new_zeros(grad, shape), dim, indices, grad)


max = op(
    "max(Tensor self)", "MaxBackward1", extreme("max", np.amax),
    contiguous=True,
    check=only("biuf", "max_all"),
    self=lambda grad, self, result: evenly(grad, equal_places(self, result)),
)  # fmt: skip
min = op(
    "min(Tensor self)", "MinBackward1", extreme("min", np.amin),
    contiguous=True,
    check=only("biuf", "min_all"),
    self=lambda grad, self, result: evenly(grad, equal_places(self, result)),
)  # fmt: skip
max_dim = op(
    "max.dim(Tensor self, int dim, bool keepdim=False) -> (values, indices)", "MaxBackward0",
    at_extreme("max", np.argmax), constant=("indices",),
    contiguous=True,
    check=refuse(c="max(): does not support complex input"),
    self=lambda grad, self_shape, dim, keepdim, indices: scattered(grad, self_shape, dim, keepdim, indices),
)  # fmt: skip
min_dim = op(
    "min.dim(Tensor self, int dim, bool keepdim=False) -> (values, indices)", "MinBackward0",
    at_extreme("min", np.argmin), constant=("indices",),
    contiguous=True,
    check=refuse(c="min(): does not support complex input"),
    self=lambda grad, self_shape, dim, keepdim, indices: scattered(grad, self_shape, dim, keepdim, indices),
)  # fmt: skip
amax = op(
    "amax(Tensor self, int[] dim=[], bool keepdim=False)", "AmaxBackward0", extreme("amax", np.amax),
    contiguous=True,
    check=only("biuf", "max_values_cpu"),
    self=lambda grad, self, dim, keepdim, result: to_extremes(grad, self, dim, keepdim, result),
)  # fmt: skip
amin = op(
    "amin(Tensor self, int[] dim=[], bool keepdim=False)", "AminBackward0", extreme("amin", np.amin),
    contiguous=True,
    check=only("biuf", "min_values_cpu"),
    self=lambda grad, self, dim, keepdim, result: to_extremes(grad, self, dim, keepdim, result),
)  # fmt: skip
argmax = op(
    "argmax(Tensor self, int? dim=None, bool keepdim=False)", None, arg_extreme("argmax", np.argmax),
    check=refuse(b="argmax(): does not support bool input", c="argmax(): does not support complex input"),
)  # fmt: skip
argmin = op(
    "argmin(Tensor self, int? dim=None, bool keepdim=False)", None, arg_extreme("argmin", np.argmin),
    check=refuse(b="argmin(): does not support bool input", c="argmin(): does not support complex input"),
)  # fmt: skip


@composite("max.other(Tensor self, Tensor other)")
def max_other(self: Any, other: Any) -> Any:
    return maximum(self, other)


@composite("min.other(Tensor self, Tensor other)")
def min_other(self: Any, other: Any) -> Any:
    return minimum(self, other)
