"""Activation functions: elementwise but for `glu`, most with an in-place form or an option `inplace`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from gradcli.engine.device import beside, np
from gradcli.engine.dtypes import TYPE_NAMES, dtype_kind, finfo, number_in
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.ops.arithmetic import abs as absolute
from gradcli.ops.arithmetic import add, div, no_derivative, sub
from gradcli.ops.copies import where, zeros_like
from gradcli.ops.create import default_generator
from gradcli.ops.define import Op, composite, op
from gradcli.ops.elementary import exp, log1p, relu, sigmoid, sigmoid_backward, tanh
from gradcli.ops.kinds import only, refuse
from gradcli.ops.shape import cat, narrow, reshape, wrap_dim
from gradcli.ops.special import erf

SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946
# gelu's approximation: tanh(GELU_SLOPE * (x + GELU_CUBIC * x ** 3))
GELU_SLOPE = math.sqrt(2 / math.pi)
GELU_CUBIC = 0.044715
SIXTH = 0.1666666716337204  # torch's hardsigmoid has this constant in single precision, for doubles too


def elu_forward(self: Any, alpha: float, scale: float, input_scale: float) -> Any:
    return np.where(self < 0, np.expm1(self * input_scale) * (alpha * scale), self * scale)


def elu_backward_forward(
    grad_output: Any, alpha: float, scale: float, input_scale: float, is_result: bool, self_or_result: Any
) -> Any:
    if is_result and alpha < 0:
        raise UserError(
            "autograd",
            "In-place elu backward calculation is triggered with a negative slope which is not supported. This is "
            "caused by calling in-place forward function with a negative slope, please call out-of-place version "
            "instead.",
        )
    below = self_or_result + alpha * scale if is_result else alpha * scale * np.exp(self_or_result * input_scale)
    return np.where(self_or_result <= 0, grad_output * input_scale * below, grad_output * scale)


def elu_double_backward(
    grad: Any, grad_output: Any, alpha: float, scale: float, input_scale: float, is_result: bool, self_or_result: Any
) -> Any:
    product = grad * grad_output * input_scale
    if not is_result:
        product = elu_backward(product, alpha, scale, input_scale, is_result, self_or_result)
    return product * (self_or_result < 0)


def gelu_forward(self: Any, approximate: str) -> Any:
    if approximate not in ("none", "tanh"):
        raise UserError("value", "approximate argument must be either none or tanh.")
    return self * share(self, approximate)


def share(self: Any, approximate: str) -> Any:
    """What gelu multiplies `self` with: the normal distribution's cumulative function, or nearly that."""
    if approximate == "none":
        return 0.5 * (1 + erf(self * math.sqrt(0.5)))
    return 0.5 * (1 + tanh(GELU_SLOPE * (self + GELU_CUBIC * (self * self * self))))


def gelu_slope(self: Any, approximate: str) -> Any:
    """The derivative of gelu."""
    if approximate == "none":
        return share(self, approximate) + self * density(self)
    inner, inner_slope = inside(self)
    return 0.5 * (1 + inner) + 0.5 * self * (1 - inner * inner) * inner_slope


def gelu_curvature(self: Any, approximate: str) -> Any:
    """The second derivative of gelu."""
    if approximate == "none":
        return density(self) * (2 - self * self)
    inner, inner_slope = inside(self)
    bent = 3 * GELU_SLOPE * GELU_CUBIC * self - inner * inner_slope * inner_slope
    return (1 - inner * inner) * (inner_slope + self * bent)


def density(self: Any) -> Any:
    return exp(-0.5 * (self * self)) * (1 / math.sqrt(2 * math.pi))


def inside(self: Any) -> tuple[Any, Any]:
    """The tanh of gelu's approximation, and the slope of what it is taken of."""
    square = self * self
    inner = tanh(GELU_SLOPE * (self + GELU_CUBIC * (self * square)))
    return inner, GELU_SLOPE * (1 + 3 * GELU_CUBIC * square)


def number_like(self: Any, value: float) -> Any:
    """`value` as the elements of `self` can have it."""
    return self.dtype.type(number_in(value, self.dtype)).item()


def hardtanh_forward(self: Any, min_val: float, max_val: float) -> Any:
    if dtype_kind(self.dtype) == "u" and (min_val < 0 or max_val < 0):
        raise UserError("type", "cannot do hardtanh on an unsigned type with negative limits")
    return np.minimum(np.maximum(self, number_like(self, min_val)), number_like(self, max_val))


def softshrink_forward(self: Any, lambd: float) -> Any:
    largest = float(finfo(self.dtype).max)
    if not 0 <= lambd <= largest:
        raise UserError(
            "value",
            f"lambda must be in range [0, {largest:g}] for input dtype {TYPE_NAMES[self.dtype.name]}, but found "
            f"{lambd:g}",
        )
    return np.where(self > lambd, self - lambd, np.where(self < -lambd, self + lambd, self * 0))


def threshold_forward(self: Any, threshold: float, value: float) -> Any:
    return np.where(self <= number_like(self, threshold), number_like(self, value), self)


def rrelu_forward(self: Any, noise: Any, lower: float, upper: float, training: bool) -> Any:
    return np.where(self <= 0, self * (noise if training else (lower + upper) / 2), self)


def rrelu_noise(self: Any, lower: float, upper: float) -> Any:
    """Slopes, drawn in turn for the elements that are not above zero; 1 for the others."""
    below = self <= 0
    noise = np.ones_like(self, order="C")
    drawn = default_generator.uniform((below.sum().item(),), lower, upper, np.dtype(np.float64))
    noise[below] = beside(noise, drawn)
    return noise


def rrelu_slope(
    grad: Any, self: Any, noise: Any, lower: float, upper: float, training: bool, is_result: bool = False
) -> Any:
    if training and upper - lower > 1e-6:
        return grad * noise
    return leaky_relu_result_slope(grad, self, (lower + upper) / 2, is_result)


def leaky_relu_result_slope(grad: Any, self: Any, negative_slope: float, is_result: bool = True) -> Any:
    if is_result and negative_slope < 0:
        raise UserError(
            "autograd",
            "In-place leakyReLu backward calculation is triggered with a negative slope which is not supported. This "
            "is caused by calling in-place forward function with a negative slope, please call out-of-place version "
            "instead. File an issue at https://github.com/pytorch/pytorch if you do require supporting in-place "
            "leakRelu backward calculation with negative slope",
        )
    return leaky_relu_backward(grad, self, negative_slope)


def gate(self: Any, dim: int) -> tuple[Any, Any]:
    """The two halves of `self`: what passes, and what decides how much of it."""
    dim = wrap_dim(dim, self.ndim)
    half, odd = divmod(self.shape[dim], 2)
    if odd:
        raise UserError("shape", f"Halving dimension must be even, but dimension {dim} is size {self.shape[dim]}")
    return narrow(self, dim, 0, half), narrow(self, dim, half, half)


def glu_forward(self: Any, dim: int) -> Any:
    first, second = gate(self, dim)
    return first * sigmoid(second)


def glu_slopes(grad: Any, self: Any, dim: int) -> Any:
    first, second = gate(self, dim)
    opened = sigmoid(second)
    return cat([grad * opened, grad * first * opened * (1 - opened)], dim)


def glu_double_backward(grad: Any, self: Any, dim: int) -> Any:
    """By the gradient that glu's backward was given."""
    first, second = gate(self, dim)
    for_first, for_second = gate(grad, dim)
    opened = sigmoid(second)
    return for_first * opened + for_second * first * opened * (1 - opened)


def glu_double_backward_self(grad: Any, grad_output: Any, self: Any, dim: int) -> Any:
    first, second = gate(self, dim)
    for_first, for_second = gate(grad, dim)
    opened = sigmoid(second)
    slope = grad_output * opened * (1 - opened)
    return cat([for_second * slope, for_first * slope + for_second * slope * first * (1 - 2 * opened)], dim)


silu_row = op(
    "_silu(Tensor self)", "SiluBackward0", lambda self: self / (1 + np.exp(-self)),
    check=only("fc", "silu_cpu"),
    self=lambda grad, self: grad * sigmoid(self) * (1 + self * (1 - sigmoid(self))),
)  # fmt: skip
mish_row = op(
    "_mish(Tensor self)", "MishBackward0", lambda self: self * np.tanh(np.log1p(np.exp(self))),
    check=only("f", "mish_cpu"),
    self=lambda grad, self: mish_slope(grad, self),
)  # fmt: skip
log_sigmoid = op(
    "logsigmoid(Tensor input)", "LogSigmoidBackward0",
    lambda input: np.minimum(input, 0) - np.log1p(np.exp(-np.absolute(input))),
    check=only("f", "log_sigmoid_cpu"),
    input=lambda grad, input: log_sigmoid_backward(grad, input),
)  # fmt: skip
log_sigmoid_backward = op(
    "_logsigmoid_backward(Tensor grad_output, Tensor self)", "LogSigmoidBackwardBackward0",
    lambda grad_output, self: grad_output * sigmoid(-self),
    grad_output=lambda grad, self: log_sigmoid_backward(grad, self),
    self=lambda grad, grad_output, self: grad * grad_output * (sigmoid(self) - 1) * sigmoid(self),
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
gelu = op(
    'gelu(Tensor input, *, str approximate="none")', "GeluBackward0", gelu_forward,
    check=only("f", "GeluKernelImpl"),
    input=lambda grad, input, approximate: gelu_backward(grad, input, approximate),
)  # fmt: skip
gelu_backward = op(
    "_gelu_backward(Tensor grad_output, Tensor self, str approximate)", "GeluBackwardBackward0",
    lambda grad_output, self, approximate: grad_output * gelu_slope(self, approximate),
    grad_output=lambda grad, self, approximate: gelu_backward(grad, self, approximate),
    self=lambda grad, grad_output, self, approximate: grad * grad_output * gelu_curvature(self, approximate),
)  # fmt: skip
elu_row = op(
    "_elu(Tensor self, Scalar alpha, Scalar scale, Scalar input_scale)", "EluBackward0", elu_forward,
    check=only("f", "elu_cpu"),
    self=lambda grad, self, alpha, scale, input_scale: elu_backward(grad, alpha, scale, input_scale, False, self),
)  # fmt: skip
elu_result = op(
    "_elu_(Tensor self, Scalar alpha, Scalar scale, Scalar input_scale)", "EluBackward1", elu_forward,
    check=only("f", "elu_cpu"),
    self=lambda grad, result, alpha, scale, input_scale: elu_backward(grad, alpha, scale, input_scale, True, result),
)  # fmt: skip
elu_backward = op(
    "_elu_backward(Tensor grad_output, Scalar alpha, Scalar scale, Scalar input_scale, bool is_result, "
    "Tensor self_or_result)",
    "EluBackwardBackward0", elu_backward_forward,
    grad_output=lambda grad, alpha, scale, input_scale, is_result, self_or_result: elu_backward(
        grad, alpha, scale, input_scale, is_result, self_or_result
    ),
    self_or_result=lambda grad, grad_output, alpha, scale, input_scale, is_result, self_or_result: (
        elu_double_backward(grad, grad_output, alpha, scale, input_scale, is_result, self_or_result)
    ),
)  # fmt: skip
celu_row = op(
    "_celu(Tensor self, Scalar alpha)", "CeluBackward0", lambda self, alpha: elu_forward(self, alpha, 1.0, 1 / alpha),
    check=only("f", "elu_cpu"),
    self=lambda grad, self, alpha: elu_backward(grad, alpha, 1.0, 1 / alpha, False, self),
)  # fmt: skip
celu_result = op(
    "_celu_(Tensor self, Scalar alpha)", "CeluBackward1", lambda self, alpha: elu_forward(self, alpha, 1.0, 1 / alpha),
    check=only("f", "elu_cpu"),
    self=lambda grad, result, alpha: elu_backward(grad, alpha, 1.0, 1 / alpha, True, result),
)  # fmt: skip
leaky_relu_row = op(
    "_leaky_relu(Tensor self, Scalar negative_slope)", "LeakyReluBackward0",
    lambda self, negative_slope: np.where(self > 0, self, self * negative_slope),
    check=only("f", "leaky_relu_cpu"),
    self=lambda grad, self, negative_slope: leaky_relu_backward(grad, self, negative_slope),
)  # fmt: skip
leaky_relu_result = op(
    "_leaky_relu_(Tensor self, Scalar negative_slope)", "LeakyReluBackward1",
    lambda self, negative_slope: np.where(self > 0, self, self * negative_slope),
    check=only("f", "leaky_relu_cpu"),
    self=lambda grad, result, negative_slope: leaky_relu_result_slope(grad, result, negative_slope),
)  # fmt: skip
leaky_relu_backward = op(
    "_leaky_relu_backward(Tensor grad_output, Tensor self, Scalar negative_slope)", "LeakyReluBackwardBackward0",
    lambda grad_output, self, negative_slope: np.where(self > 0, grad_output, grad_output * negative_slope),
    grad_output=lambda grad, self, negative_slope: leaky_relu_backward(grad, self, negative_slope),
    self=lambda grad: zeros_like(grad),
)  # fmt: skip
rrelu_row = op(
    "_rrelu_with_noise(Tensor self, Tensor noise, Scalar lower, Scalar upper, bool training)",
    "RreluWithNoiseBackward0", rrelu_forward,
    self=lambda grad, self, noise, lower, upper, training: rrelu_backward(grad, self, noise, lower, upper, training),
)  # fmt: skip
rrelu_result = op(
    "_rrelu_with_noise_(Tensor self, Tensor noise, Scalar lower, Scalar upper, bool training)",
    "RreluWithNoiseBackward1", rrelu_forward,
    self=lambda grad, result, noise, lower, upper, training: rrelu_backward(
        grad, result, noise, lower, upper, training, True
    ),
)  # fmt: skip
rrelu_backward = op(
    "_rrelu_with_noise_backward(Tensor grad_output, Tensor self, Tensor noise, Scalar lower, Scalar upper, "
    "bool training, bool is_result=False)",
    "RreluWithNoiseBackwardBackward0", rrelu_slope,
    grad_output=lambda grad, self, noise, lower, upper, training: rrelu_backward(
        grad, self, noise, lower, upper, training
    ),
    self=lambda grad: zeros_like(grad),
)  # fmt: skip
prelu_kernel = op(
    "_prelu_kernel(Tensor self, Tensor weight)", "PreluKernelBackward0",
    lambda self, weight: np.where(self > 0, self, weight * self),
    check=only("f", "prelu_cpu"),
    joint=lambda grad, needs, self, weight: wanted(prelu_backward(grad, self, weight), needs),
)  # fmt: skip
prelu_backward = op(
    "_prelu_kernel_backward(Tensor grad_output, Tensor self, Tensor weight) -> (result0, result1)",
    "PreluKernelBackwardBackward0",
    lambda grad_output, self, weight: (
        np.where(self > 0, grad_output, weight * grad_output),
        np.where(self > 0, np.zeros_like(self), self * grad_output),
    ),
    grad_output=lambda grads, self, weight: where(self >= 0, given(grads[0], self), (
        given(grads[0], self) * weight + given(grads[1], self) * self
    )),
    self=lambda grads, grad_output, self: where(self >= 0, 0, grad_output * given(grads[1], self)),
    weight=lambda grads, grad_output, self: where(self >= 0, 0, grad_output * given(grads[0], self)),
)  # fmt: skip
hardtanh_row = op(
    "_hardtanh(Tensor self, Scalar min_val, Scalar max_val)", "HardtanhBackward0", hardtanh_forward,
    check=refuse(b="Bool inputs not supported for hardtanh", c="clamp is not supported for complex types"),
    self=lambda grad, self, min_val, max_val: hardtanh_backward(grad, self, min_val, max_val),
)  # fmt: skip
hardtanh_backward = op(
    "_hardtanh_backward(Tensor grad_output, Tensor self, Scalar min_val, Scalar max_val)",
    "HardtanhBackwardBackward0",
    lambda grad_output, self, min_val, max_val: np.where((self > min_val) & (self < max_val), grad_output, 0),
    grad_output=lambda grad, self, min_val, max_val: hardtanh_backward(grad, self, min_val, max_val),
    self=lambda grad: zeros_like(grad),
)  # fmt: skip
hardsigmoid_row = op(
    "_hardsigmoid(Tensor self)", "HardsigmoidBackward0", lambda self: np.minimum(np.maximum(self + 3, 0), 6) / 6,
    check=only("f", "hardsigmoid_cpu"),
    self=lambda grad, self: hardsigmoid_backward(grad, self),
)  # fmt: skip
hardsigmoid_backward = op(
    "_hardsigmoid_backward(Tensor grad_output, Tensor self)", "NotImplemented",
    lambda grad_output, self: np.where((self > -3) & (self < 3), grad_output * SIXTH, 0),
    grad_output=no_derivative("hardsigmoid_backward"),
    self=no_derivative("hardsigmoid_backward"),
)  # fmt: skip
hardswish_row = op(
    "_hardswish(Tensor self)", "HardswishBackward0", lambda self: self * np.minimum(np.maximum(self + 3, 0), 6) / 6,
    check=only("f", "hardswish_cpu"),
    self=lambda grad, self: hardswish_backward(grad, self),
)  # fmt: skip
hardswish_backward = op(
    "_hardswish_backward(Tensor grad_output, Tensor self)", "HardswishBackwardBackward0",
    lambda grad_output, self: np.where(
        self <= -3, 0, np.where(self < 3, grad_output * (self / 3 + 0.5), grad_output)
    ),
    grad_output=lambda grad, self: hardswish_backward(grad, self),
    self=lambda grad, grad_output, self: where((self > -3) & (self < 3), grad * grad_output / 3, 0),
)  # fmt: skip
hardshrink = op(
    "hardshrink(Tensor self, Scalar lambd=0.5)", "HardshrinkBackward0",
    lambda self, lambd: np.where((self >= -lambd) & (self <= lambd), 0, self),
    check=only("f", "hardshrink_cpu"),
    self=lambda grad, self, lambd: hardshrink_backward(grad, self, lambd),
)  # fmt: skip
hardshrink_backward = op(
    "_hardshrink_backward(Tensor grad_out, Tensor self, Scalar lambd)", "HardshrinkBackwardBackward0",
    lambda grad_out, self, lambd: np.where((self < -lambd) | (self > lambd), grad_out, 0),
    grad_out=lambda grad, self, lambd: hardshrink_backward(grad, self, lambd),
    self=lambda grad: zeros_like(grad),
)  # fmt: skip
softshrink = op(
    "softshrink(Tensor input, Scalar lambd=0.5)", "SoftshrinkBackward0", softshrink_forward,
    check=only("f", "softshrink_check"),
    input=lambda grad, input, lambd: softshrink_backward(grad, input, lambd),
)  # fmt: skip
softshrink_backward = op(
    "_softshrink_backward(Tensor grad_output, Tensor self, Scalar lambd)", "SoftshrinkBackwardBackward0",
    lambda grad_output, self, lambd: np.where((self < -lambd) | (self > lambd), grad_output, 0),
    grad_output=lambda grad, self, lambd: softshrink_backward(grad, self, lambd),
    self=lambda grad: zeros_like(grad),
)  # fmt: skip
threshold_row = op(
    "_threshold(Tensor self, Scalar threshold, Scalar value)", "ThresholdBackward0", threshold_forward,
    check=only("iuf", "threshold_cpu"),
    self=lambda grad, self, threshold: above_threshold(grad, self, threshold),
)  # fmt: skip
threshold_in_place = op(
    "_threshold_(Tensor self, Scalar threshold, Scalar value)", "ThresholdBackward1", threshold_forward,
    check=only("iuf", "threshold_cpu"),
    self=lambda grad, self, threshold: above_threshold(grad, self, threshold),
)  # fmt: skip
above_threshold = op(
    "_threshold_backward.threshold(Tensor grad_output, Tensor self, Scalar threshold)", "ThresholdBackwardBackward0",
    lambda grad_output, self, threshold: np.where(self <= threshold, 0, grad_output),
    grad_output=lambda grad, self, threshold: above_threshold(grad, self, threshold),
    self=lambda grad: zeros_like(grad),
)  # fmt: skip
glu_row = op(
    "_glu(Tensor self, int dim)", "GluBackward0", glu_forward,
    check=only("f", "glu_cpu"),
    self=lambda grad, self, dim: glu_backward(grad, self, dim),
)  # fmt: skip
glu_backward = op(
    "_glu_backward(Tensor grad_output, Tensor self, int dim)", "GluBackwardBackward0", glu_slopes,
    grad_output=lambda grad, self, dim: glu_double_backward(grad, self, dim),
    self=lambda grad, grad_output, self, dim: glu_double_backward_self(grad, grad_output, self, dim),
)  # fmt: skip


def mish_slope(grad: Any, self: Any) -> Any:
    squashed = tanh(log1p(exp(self)))
    return grad * (squashed + self * sigmoid(self) * (1 - squashed * squashed))


def wanted(results: Sequence[Any], needs: Sequence[bool]) -> tuple[Any, ...]:
    """The gradients that are needed."""
    return tuple(result if need else None for result, need in zip(results, needs, strict=True))


def given(grad: Any, like: Any) -> Any:
    """A gradient of zeros where there is none."""
    return zeros_like(like) if grad is None else grad


def form(row: Op, inplace: bool) -> Any:
    return row.inplace if inplace else row


@composite("relu.functional(Tensor input, bool inplace)")
def relu_functional(input: Any, inplace: bool) -> Any:
    return form(relu, inplace)(input)


@composite("relu_(Tensor input)")
def relu_(input: Any) -> Any:
    return relu.inplace(input)


@composite("relu6(Tensor input, bool inplace=False)")
def relu6(input: Any, inplace: bool = False) -> Any:
    return form(hardtanh_row, inplace)(input, 0.0, 6.0)


@composite("silu(Tensor input, bool inplace=False)")
def silu(input: Any, inplace: bool = False) -> Any:
    return form(silu_row, inplace)(input)


@composite("mish(Tensor input, bool inplace=False)")
def mish(input: Any, inplace: bool = False) -> Any:
    return form(mish_row, inplace)(input)


@composite("hardsigmoid(Tensor input, bool inplace=False)")
def hardsigmoid(input: Any, inplace: bool = False) -> Any:
    return form(hardsigmoid_row, inplace)(input)


@composite("hardswish(Tensor input, bool inplace=False)")
def hardswish(input: Any, inplace: bool = False) -> Any:
    return form(hardswish_row, inplace)(input)


@composite("hardtanh(Tensor input, Scalar min_val=-1.0, Scalar max_val=1.0, bool inplace=False)")
def hardtanh(input: Any, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Any:
    if min_val > max_val:
        raise UserError("value", "min_val cannot be greater than max_val")
    return form(hardtanh_row, inplace)(input, min_val, max_val)


@composite("hardtanh_(Tensor input, Scalar min_val=-1.0, Scalar max_val=1.0)")
def hardtanh_(input: Any, min_val: float = -1.0, max_val: float = 1.0) -> Any:
    return hardtanh_row.inplace(input, min_val, max_val)


@composite("elu(Tensor input, Scalar alpha=1.0, bool inplace=False)")
def elu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Any:
    return elu_result.inplace(input, alpha, 1.0, 1.0) if inplace else elu_row(input, alpha, 1.0, 1.0)


@composite("elu_(Tensor input, Scalar alpha=1.0)")
def elu_(input: Any, alpha: float = 1.0) -> Any:
    return elu(input, alpha, True)


@composite("selu(Tensor input, bool inplace=False)")
def selu(input: Any, inplace: bool = False) -> Any:
    """elu, scaled so that mean and variance stay what they are from layer to layer."""
    if inplace:
        return elu_result.inplace(input, SELU_ALPHA, SELU_SCALE, 1.0)
    return elu_row(input, SELU_ALPHA, SELU_SCALE, 1.0)


@composite("selu_(Tensor input)")
def selu_(input: Any) -> Any:
    return selu(input, True)


@composite("celu(Tensor input, Scalar alpha=1.0, bool inplace=False)")
def celu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Any:
    if alpha == 0:
        raise UserError("value", "ZeroDivisionError: alpha cannot be 0 for CELU")
    return celu_result.inplace(input, alpha) if inplace else celu_row(input, alpha)


@composite("celu_(Tensor input, Scalar alpha=1.0)")
def celu_(input: Any, alpha: float = 1.0) -> Any:
    return celu(input, alpha, True)


@composite("leaky_relu(Tensor input, Scalar negative_slope=0.01, bool inplace=False)")
def leaky_relu(input: Any, negative_slope: float = 0.01, inplace: bool = False) -> Any:
    return leaky_relu_result.inplace(input, negative_slope) if inplace else leaky_relu_row(input, negative_slope)


@composite("leaky_relu_(Tensor input, Scalar negative_slope=0.01)")
def leaky_relu_(input: Any, negative_slope: float = 0.01) -> Any:
    return leaky_relu(input, negative_slope, True)


@composite(
    "rrelu(Tensor input, Scalar lower=0.125, Scalar upper=0.3333333333333333, bool training=False, bool inplace=False)"
)
def rrelu(input: Any, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False, inplace: bool = False) -> Any:
    if lower > upper:
        raise UserError("value", "Lower bound should be less than or equal to the upper bound")
    check_rrelu(input, training)
    noise = Tensor(rrelu_noise(input.array, lower, upper) if training else np.empty_like(input.array))
    return (rrelu_result.inplace if inplace else rrelu_row)(input, noise, lower, upper, training)


def check_rrelu(input: Any, training: bool) -> None:
    if dtype_kind(input.dtype) != "f" or (training and input.dtype == np.float16):
        kernel = "rrelu_with_noise_out_cpu" if training else "leaky_relu_cpu"
        raise UserError("type", f"\"{kernel}\" not implemented for '{TYPE_NAMES[input.dtype.name]}'")


@composite("rrelu_(Tensor input, Scalar lower=0.125, Scalar upper=0.3333333333333333, bool training=False)")
def rrelu_(input: Any, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False) -> Any:
    return rrelu(input, lower, upper, training, True)


@composite("threshold(Tensor input, Scalar threshold, Scalar value, bool inplace=False)")
def threshold(input: Any, threshold: float, value: float, inplace: bool = False) -> Any:
    return (threshold_in_place.inplace if inplace else threshold_row)(input, threshold, value)


@composite("threshold_(Tensor input, Scalar threshold, Scalar value)")
def threshold_(input: Any, threshold: float, value: float) -> Any:
    return threshold_in_place.inplace(input, threshold, value)


@composite("prelu(Tensor self, Tensor weight)")
def prelu(self: Any, weight: Any) -> Any:
    """One slope, or one for each channel: of dim 1, and of all elements where there is no dim 1."""
    if self.dtype != weight.dtype:
        first, second = (TYPE_NAMES[dtype.name] for dtype in (self.dtype, weight.dtype))
        raise UserError("type", f"prelu: Type promoting not supported. Got {first} and {second}")
    count = weight.array.size
    if count != 1:
        if self.ndim == 0:
            raise UserError("shape", "Not allow zero-dim input tensor.")
        channels = self.shape[1] if self.ndim > 1 else 1
        if channels != count:
            raise UserError(
                "shape",
                f"Mismatch of parameter numbers and input channel size. Found parameter numbers = {count} and channel "
                f"size = {channels}.",
            )
    if weight.ndim > 1:
        raise UserError("shape", f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {weight.ndim}")
    if weight.ndim != self.ndim:
        weight = reshape(weight, tuple(count if dim == 1 else 1 for dim in range(self.ndim)))
    return prelu_kernel(self, weight)


@composite("glu(Tensor input, int dim=-1)")
def glu(input: Any, dim: int = -1) -> Any:
    if input.ndim == 0:
        raise UserError("shape", "glu does not support scalars because halving size must be even")
    return glu_row(input, dim)


@composite("softsign(Tensor input)")
def softsign(input: Any) -> Any:
    return div(input, add(absolute(input), 1))


@composite("tanhshrink(Tensor input)")
def tanhshrink(input: Any) -> Any:
    return sub(input, tanh(input))
