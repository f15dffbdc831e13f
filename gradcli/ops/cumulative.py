"""Running extremes and sums, differences and integrals along a dimension."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradcli.engine.device import np
from gradcli.errors import UserError
from gradcli.ops.arithmetic import abs as absolute
from gradcli.ops.arithmetic import sub
from gradcli.ops.compare import logical_xor
from gradcli.ops.copies import copy, where, zeros_like
from gradcli.ops.define import composite, op
from gradcli.ops.elementary import exp, log, log_of_sum
from gradcli.ops.index import scatter_add
from gradcli.ops.kinds import only
from gradcli.ops.shape import cat, flip, narrow, wrap_dim, zeros


def scan(function: Callable[[Any, Any], Any], self: Any, dim: int) -> Any:
    """The running results of `function`, an associative one, along `dim`, in a logarithmic number of rounds."""
    self = np.moveaxis(self, dim, 0)
    behind = 1
    while behind < self.shape[0]:
        self = np.concatenate([self[:behind], function(self[:-behind], self[behind:])])
        behind *= 2
    return np.moveaxis(self, 0, dim)


def running_extreme(function: Any, reaches: Any) -> Any:
    """The extremes so far and where they were last reached, NaN counting as the extreme."""

    def forward(self: Any, dim: int) -> tuple[Any, Any]:
        dim = wrap_dim(dim, self.ndim)
        if self.ndim == 0:
            return self.copy(), np.zeros((), np.int64)
        values = scan(function, self, dim)
        places = np.arange(self.shape[dim]).reshape((-1,) + (1,) * (self.ndim - dim - 1))
        return values, scan(np.maximum, np.where(reaches(self, values) | (self != self), places, 0), dim)

    return forward


def extreme_backward(grad: Any, shape: tuple[int, ...], dim: int, indices: Any) -> Any:
    result = zeros(shape, grad.dtype)
    return result if 0 in shape else scatter_add(result, dim, indices, grad)


def logcumsumexp_forward(self: Any, dim: int) -> Any:
    dim = wrap_dim(dim, self.ndim)
    return scan(log_of_sum, self, dim) if self.ndim else self.copy()


def logcumsumexp_backward(grad: Any, self: Any, result: Any, dim: int) -> Any:
    """Positive and negative gradients apart, each as a logarithm."""
    if grad.ndim == 0 or 0 in grad.shape:
        return grad
    size, lowest = log(absolute(grad)), float(np.finfo(grad.dtype).min)
    parts = [
        exp(flip(logcumsumexp(flip(where(chosen, size, lowest) - result, [dim]), dim), [dim]) + self)
        for chosen in (grad > 0, grad < 0)
    ]
    return parts[0] - parts[1]


cummax = op(
    "cummax(Tensor self, int dim) -> (values, indices)", "CummaxBackward0",
    running_extreme(np.maximum, np.greater_equal), constant=("indices",),
    contiguous=True,
    check=only("biuf", "cummax_cpu"),
    self=lambda grad, self, dim, indices: extreme_backward(grad, self.shape, dim, indices),
)  # fmt: skip
cummin = op(
    "cummin(Tensor self, int dim) -> (values, indices)", "CumminBackward0",
    running_extreme(np.minimum, np.less_equal), constant=("indices",),
    contiguous=True,
    check=only("biuf", "cummin_cpu"),
    self=lambda grad, self, dim, indices: extreme_backward(grad, self.shape, dim, indices),
)  # fmt: skip
logcumsumexp = op(
    "logcumsumexp(Tensor self, int dim)", "LogcumsumexpBackward0", logcumsumexp_forward,
    contiguous=True,
    check=only("fc", "logcumsumexp_out_cpu"),
    self=lambda grad, self, dim, result: logcumsumexp_backward(grad, self, result, dim),
)  # fmt: skip


@composite("diff(Tensor self, int n=1, int dim=-1, Tensor? prepend=None, Tensor? append=None)")
def diff(self: Any, n: int = 1, dim: int = -1, prepend: Any = None, append: Any = None) -> Any:
    if self.ndim == 0:
        raise UserError("shape", "diff expects input to be at least one-dimensional")
    if n < 0:
        raise UserError("value", f"order must be non-negative but got {n}")
    ends = [end for end in (prepend, self, append) if end is not None]
    if any(end.ndim != self.ndim for end in ends):
        raise UserError("shape", "diff expects prepend or append to be the same dimension as input")
    if len(ends) > 1:
        self = cat(ends, dim)
    if n == 0:
        return copy(zeros_like(self), self)
    for _ in range(n):
        length = self.shape[wrap_dim(dim, self.ndim)]
        if length == 0:
            break
        earlier, later = narrow(self, dim, 0, length - 1), narrow(self, dim, 1, length - 1)
        self = logical_xor(later, earlier) if self.dtype.kind == "b" else sub(later, earlier)
    return self
