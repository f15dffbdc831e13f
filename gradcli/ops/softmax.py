"""The softmax family: numbers into shares of one, along a dimension."""

from __future__ import annotations

from typing import Any

from gradcli.engine.device import beside, np
from gradcli.engine.mode import warn
from gradcli.engine.tensor import Tensor
from gradcli.ops.arithmetic import add, div, neg, sub
from gradcli.ops.copies import to_dtype
from gradcli.ops.create import default_generator
from gradcli.ops.define import composite, op
from gradcli.ops.elementary import exp
from gradcli.ops.index import scatter_value
from gradcli.ops.kinds import of_elements, only
from gradcli.ops.reduce import sum_dim
from gradcli.ops.shape import wrap_dim


def axis_of(dim: int, array: Any) -> int | None:
    return wrap_dim(dim, array.ndim) if array.ndim else None


def softmax_forward(self: Any, dim: int) -> Any:
    if self.ndim == 0:
        wrap_dim(dim, 0)
        return np.ones_like(self) * np.exp(self - self)
    dim = wrap_dim(dim, self.ndim)
    if self.size == 0:
        return self.copy()
    powers = np.exp(self - np.amax(self, axis=dim, keepdims=True))
    return powers / np.add.reduce(powers, axis=dim, keepdims=True)


def log_softmax_forward(self: Any, dim: int) -> Any:
    if self.ndim == 0:
        wrap_dim(dim, 0)
        return self - self
    dim = wrap_dim(dim, self.ndim)
    if self.size == 0:
        return self.copy()
    shifted = self - np.amax(self, axis=dim, keepdims=True)
    return shifted - np.log(np.add.reduce(np.exp(shifted), axis=dim, keepdims=True))


softmax_dim = op(
    "_softmax(Tensor self, int dim)", "SoftmaxBackward0", softmax_forward, promote="float",
    contiguous=True,
    check=of_elements(only("f", "softmax_lastdim_kernel_impl")),
    self=lambda grad, result, dim: softmax_backward(grad, result, dim),
)  # fmt: skip
softmax_backward = op(
    "_softmax_backward(Tensor grad_output, Tensor output, int dim)", "SoftmaxBackwardDataBackward0",
    lambda grad_output, output, dim: (
        (grad_output - np.add.reduce(grad_output * output, axis=axis_of(dim, output), keepdims=True)) * output
    ),
    grad_output=lambda grad, output, dim: softmax_backward(grad, output, dim),
    output=lambda grad, grad_output, output, dim: (
        grad_output * grad - sum_dim(output * grad_output, dim, True) * grad
        - grad_output * sum_dim(output * grad, dim, True)
    ),
)  # fmt: skip
log_softmax_dim = op(
    "_log_softmax(Tensor self, int dim)", "LogSoftmaxBackward0", log_softmax_forward, promote="float",
    contiguous=True,
    check=of_elements(only("f", "log_softmax_lastdim_kernel_impl")),
    self=lambda grad, result, dim: log_softmax_backward(grad, result, dim),
)  # fmt: skip
log_softmax_backward = op(
    "_log_softmax_backward(Tensor grad_output, Tensor output, int dim)", "LogSoftmaxBackwardDataBackward0",
    lambda grad_output, output, dim: (
        grad_output - np.exp(output) * np.add.reduce(grad_output, axis=axis_of(dim, output), keepdims=True)
    ),
    grad_output=lambda grad, output, dim: grad - sum_dim(grad * exp(output), dim, True),
    output=lambda grad, grad_output, output, dim: -sum_dim(grad_output, dim, True) * exp(output) * grad,
)  # fmt: skip


def need_dim(name: str, dim: int | None, ndim: int) -> int:
    """torch's implicit choice, 1 for 2 dimensions and 4, else 0, where `dim` is left out."""
    if dim is not None:
        return dim
    warn(f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument.")
    return 0 if ndim in (0, 1, 3) else 1


@composite("softmax(Tensor input, int? dim=None, int _stacklevel=3, ScalarType? dtype=None)")
def softmax(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
    return softmax_dim(cast_first(input, dtype), need_dim("softmax", dim, input.ndim))


@composite("log_softmax(Tensor input, int? dim=None, int _stacklevel=3, ScalarType? dtype=None)")
def log_softmax(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
    return log_softmax_dim(cast_first(input, dtype), need_dim("log_softmax", dim, input.ndim))


def cast_first(input: Any, dtype: Any) -> Any:
    return input if dtype is None or input.dtype == dtype else to_dtype(input, dtype)


@composite("softmax.int(Tensor self, int dim, ScalarType? dtype=None)")
def softmax_method(self: Any, dim: int, dtype: Any = None) -> Any:
    return softmax_dim(cast_first(self, dtype), dim)


@composite("log_softmax.int(Tensor self, int dim, ScalarType? dtype=None)")
def log_softmax_method(self: Any, dim: int, dtype: Any = None) -> Any:
    return log_softmax_dim(cast_first(self, dtype), dim)


@composite("softmin(Tensor input, int? dim=None, int _stacklevel=3, ScalarType? dtype=None)")
def softmin(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
    dim = need_dim("softmin", dim, input.ndim)
    return softmax_dim(cast_first(neg(input), dtype), dim)


@composite("gumbel_softmax(Tensor logits, Scalar tau=1, bool hard=False, float eps=1e-10, int dim=-1)")
def gumbel_softmax(logits: Any, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Any:
    """A sample of categories: shares or, if `hard`, one-hot with the gradient of the shares."""
    if eps != 1e-10:
        warn("`eps` parameter is deprecated and has no effect.")
    drawn = default_generator.exponential(1.0, logits.shape, logits.dtype)
    noise = Tensor(-np.log(beside(logits.array, drawn)))
    shares = softmax_dim(div(add(logits, noise), tau), dim)
    if not hard:
        return shares
    chosen = np.argmax(shares.array, axis_of(dim, shares.array), keepdims=True)
    one_hot = scatter_value(Tensor(np.zeros_like(logits.array)), dim, Tensor(chosen), 1.0)
    return add(sub(one_hot, shares.detach()), shares)
