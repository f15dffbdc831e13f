"""Neural-network functions: activations, softmax family, normalisation, dropout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gradcli.engine.device import np
from gradcli.errors import UserError
from gradcli.ops.copies import to_dtype, zeros_like
from gradcli.ops.define import composite, op
from gradcli.ops.elementary import exp, sigmoid, sigmoid_backward
from gradcli.ops.kinds import only
from gradcli.ops.reduce import mean_dim, sum_dim
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


def layer_norm_forward(
    input: Any, normalized_shape: Sequence[int], weight: Any, bias: Any, eps: float
) -> tuple[Any, Any, Any]:
    normalized_shape = tuple(normalized_shape)
    if input.shape[input.ndim - len(normalized_shape) :] != normalized_shape:
        raise UserError(
            "shape",
            f"Given normalized_shape={list(normalized_shape)}, expected input with shape "
            f"[{', '.join(['*', *map(str, normalized_shape)])}], but got input of size{list(input.shape)}",
        )
    for name, parameter in (("weight", weight), ("bias", bias)):
        if parameter is not None and parameter.shape != normalized_shape:
            raise UserError(
                "shape",
                f"Expected {name} to be of same shape as normalized_shape, but got {name} of shape "
                f"{list(parameter.shape)} and normalized_shape = {list(normalized_shape)}",
            )
    axes = normalized_axes(normalized_shape)
    mean = input.mean(axis=axes, keepdims=True)
    mean = mean + (input - mean).mean(axis=axes, keepdims=True)  # equal values must have exactly themselves as mean
    centered = input - mean
    rstd = 1 / np.sqrt((centered * centered).mean(axis=axes, keepdims=True) + np.asarray(eps, input.dtype))
    result = centered * rstd
    if weight is not None:
        result = result * weight
    return result if bias is None else result + bias, mean, rstd


def normalized_axes(normalized_shape: Sequence[int]) -> tuple[int, ...]:
    return tuple(range(-len(normalized_shape), 0))


def layer_norm_backward_forward(
    grad_out: Any, input: Any, normalized_shape: Sequence[int], mean: Any, rstd: Any, weight: Any, bias: Any
) -> tuple[Any, Any, Any]:
    """With x = (input - mean) * rstd and g = grad_out * weight: rstd * (g - mean(g) - x * mean(g * x)) by the input."""
    axes = normalized_axes(normalized_shape)
    normal = (input - mean) * rstd
    scaled = grad_out if weight is None else grad_out * weight
    product_mean = (scaled * normal).mean(axis=axes, keepdims=True)
    for_input = rstd * (scaled - scaled.mean(axis=axes, keepdims=True) - normal * product_mean)
    leading = tuple(range(input.ndim - len(axes)))
    return for_input, np.add.reduce(grad_out * normal, axis=leading), np.add.reduce(grad_out, axis=leading)


def layer_norm_double_backward(
    grads: Sequence[Any],
    needs: Sequence[bool],
    grad_out: Any,
    input: Any,
    normalized_shape: Sequence[int],
    weight: Any,
    rstd: Any,
) -> tuple[Any, ...]:
    """The derivative of the three gradients above, mean and rstd being functions of the input.

    P(v) = rstd * (v - mean(v) - x * mean(v * x)) is symmetric, and it is also the derivative of x by the input.
    """
    dims = list(normalized_axes(normalized_shape))
    leading = list(range(input.ndim - len(dims)))
    normal = (input - mean_dim(input, dims, True)) * rstd

    def project(v: Any) -> Any:
        return rstd * (v - mean_dim(v, dims, True) - normal * mean_dim(v * normal, dims, True))

    by_input, by_weight, by_bias = grads
    scaled = grad_out if weight is None else grad_out * weight
    zero = zeros_like(grad_out)
    for_grad_out, for_input, for_weight = zero, zero, None
    if by_input is not None:
        projected = project(by_input)
        for_grad_out = projected if weight is None else projected * weight
        for_weight = sum_dim(projected * grad_out, leading) if leading else projected * grad_out
        along, across = mean_dim(by_input * normal, dims, True), mean_dim(scaled * normal, dims, True)
        spread = mean_dim(by_input * scaled, dims, True) - (
            mean_dim(by_input, dims, True) * mean_dim(scaled, dims, True)
        )
        for_input = -(rstd * rstd * normal * (spread - along * across)) - rstd * (
            projected * across + project(scaled) * along
        )
    if by_weight is not None:
        for_grad_out = for_grad_out + by_weight * normal
        for_input = for_input + project(by_weight * grad_out)
    if by_bias is not None:
        for_grad_out = for_grad_out + by_bias
    results = (for_grad_out, for_input, None, None, for_weight, None)
    return tuple(result if need else None for result, need in zip(results, needs, strict=True))


def layer_norm_backward(grad: Any, needs: Sequence[bool], *saved: Any) -> tuple[Any, ...]:
    results = native_layer_norm_backward(grad, *saved)
    return tuple(result if need else None for result, need in zip(results, needs, strict=True))


softmax_dim = op(
    "_softmax(Tensor self, int dim)", "SoftmaxBackward0", softmax_forward, promote="float",
    contiguous=True,
    check=only("f", "softmax_lastdim_kernel_impl"),
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
    check=only("f", "log_softmax_lastdim_kernel_impl"),
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
native_layer_norm = op(
    "_native_layer_norm(Tensor input, int[] normalized_shape, Tensor? weight, Tensor? bias, float eps)"
    " -> (result, mean, rstd)",
    "NativeLayerNormBackward0", layer_norm_forward, constant=("mean", "rstd"), check=only("f", "LayerNormKernelImpl"),
    contiguous=True,
    joint=lambda grad, needs, input, normalized_shape, mean, rstd, weight, bias: layer_norm_backward(
        grad, needs, input, normalized_shape, mean, rstd, weight, bias
    ),
)  # fmt: skip
native_layer_norm_backward = op(
    "_native_layer_norm_backward(Tensor grad_out, Tensor input, int[] normalized_shape, Tensor mean, Tensor rstd, "
    "Tensor? weight, Tensor? bias) -> (result0, result1, result2)",
    "NativeLayerNormBackwardBackward0", layer_norm_backward_forward,
    joint=lambda grads, needs, grad_out, input, normalized_shape, rstd, weight: layer_norm_double_backward(
        grads, needs, grad_out, input, normalized_shape, weight, rstd
    ),
)  # fmt: skip
silu = op(
    "silu(Tensor input)", "SiluBackward0", lambda input: input / (1 + np.exp(-input)),
    check=only("fc", "silu_cpu"),
    input=lambda grad, input: grad * sigmoid(input) * (1 + input * (1 - sigmoid(input))),
)  # fmt: skip
softplus = op(
    "softplus(Tensor input, Scalar beta=1.0, Scalar threshold=20.0)", "SoftplusBackward0",
    lambda input, beta, threshold: np.where(
    input * beta > threshold, input, np.log1p(np.exp(np.minimum(input * beta, threshold))) / beta
    ),
    check=only("f", "softplus_cpu"),
    input=lambda grad, input, beta, threshold: softplus_backward(grad, input, beta, threshold),
)  # fmt: skip
softplus_backward = op(
    "_softplus_backward(Tensor grad_output, Tensor self, Scalar beta, Scalar threshold)", "SoftplusBackwardBackward0",
    lambda grad_output, self, beta, threshold: np.where(
        self * beta > threshold, grad_output, grad_output * sigmoid(self * beta)
    ),
    grad_output=lambda grad, self, beta, threshold: softplus_backward(grad, self, beta, threshold),
    self=lambda grad, grad_output, self, beta, threshold: (
        sigmoid_backward(grad * grad_output, sigmoid(self * beta)) * (self * beta < threshold) * beta
    ),
)  # fmt: skip
leaky_relu = op(
    "leaky_relu(Tensor input, Scalar negative_slope=0.01)", "LeakyReluBackward0",
    lambda input, negative_slope: np.where(input > 0, input, input * negative_slope),
    check=only("f", "leaky_relu_cpu"),
    input=lambda grad, input, negative_slope: leaky_relu_backward(grad, input, negative_slope),
)  # fmt: skip
leaky_relu_backward = op(
    "_leaky_relu_backward(Tensor grad_output, Tensor self, Scalar negative_slope)", "LeakyReluBackwardBackward0",
    lambda grad_output, self, negative_slope: np.where(self > 0, grad_output, grad_output * negative_slope),
    grad_output=lambda grad, self, negative_slope: leaky_relu_backward(grad, self, negative_slope),
    self=lambda grad: zeros_like(grad),
)  # fmt: skip


def need_dim(name: str, dim: int | None, ndim: int) -> int:
    """torch's implicit choice, 1 for 2 dimensions and 4, else 0, where `dim` is left out."""
    if dim is not None:
        return dim
    return 0 if ndim in (0, 1, 3) else 1


@composite("softmax(Tensor input, int? dim=None, int _stacklevel=3, ScalarType? dtype=None)")
def softmax(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
    return softmax_dim(cast_first(input, dtype), need_dim("softmax", dim, input.ndim))


@composite("log_softmax(Tensor input, int? dim=None, int _stacklevel=3, ScalarType? dtype=None)")
def log_softmax(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
    return log_softmax_dim(cast_first(input, dtype), need_dim("log_softmax", dim, input.ndim))


def cast_first(input: Any, dtype: Any) -> Any:
    return input if dtype is None or input.dtype == dtype else to_dtype(input, dtype)


@composite("layer_norm(Tensor input, int[] normalized_shape, Tensor? weight=None, Tensor? bias=None, float eps=1e-05)")
def layer_norm(
    input: Any, normalized_shape: Sequence[int], weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Any:
    return native_layer_norm(input, normalized_shape, weight, bias, eps)[0]


@composite("softmax.int(Tensor self, int dim, ScalarType? dtype=None)")
def softmax_method(self: Any, dim: int, dtype: Any = None) -> Any:
    return softmax_dim(cast_first(self, dtype), dim)


@composite("log_softmax.int(Tensor self, int dim, ScalarType? dtype=None)")
def log_softmax_method(self: Any, dim: int, dtype: Any = None) -> Any:
    return log_softmax_dim(cast_first(self, dtype), dim)
