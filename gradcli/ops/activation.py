"""Curved activation functions: elementwise but for `glu`, most with an in-place form or an option `inplace`."""

from __future__ import annotations

import math
from typing import Any

from gradcli.engine.device import np
from gradcli.engine.dtypes import fitted
from gradcli.errors import UserError
from gradcli.ops.arithmetic import abs as absolute
from gradcli.ops.arithmetic import add, div, sub
from gradcli.ops.define import composite, op
from gradcli.ops.elementary import exp, log1p, sigmoid, sigmoid_backward, tanh
from gradcli.ops.kinds import only
from gradcli.ops.pieces import cat
from gradcli.ops.shape import narrow, wrap_dim
from gradcli.ops.special import erf

SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946
# gelu's approximation: tanh(GELU_SLOPE * (x + GELU_CUBIC * x ** 3))
GELU_SLOPE = math.sqrt(2 / math.pi)
GELU_CUBIC = 0.044715


def elu_forward(self: Any, alpha: Any, scale: float, input_scale: float) -> Any:
    alpha = fitted(alpha, self.dtype)
    return np.where(self < 0, np.expm1(self * input_scale) * (alpha * scale), self * scale)


def celu_forward(self: Any, alpha: Any) -> Any:
    alpha = fitted(alpha, self.dtype)
    return elu_forward(self, alpha, 1.0, 1 / alpha)


def softplus_forward(input: Any, beta: Any, threshold: Any) -> Any:
    beta, threshold = fitted(beta, input.dtype), fitted(threshold, input.dtype)
    bent = np.log1p(np.exp(np.minimum(input * beta, threshold))) / beta
    return np.where(input * beta > threshold, input, bent)


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
    real_only="silu",
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
    "softplus(Tensor input, Scalar beta=1.0, Scalar threshold=20.0)", "SoftplusBackward0", softplus_forward,
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
    "_celu(Tensor self, Scalar alpha)", "CeluBackward0", celu_forward,
    check=only("f", "elu_cpu"),
    self=lambda grad, self, alpha: elu_backward(grad, alpha, 1.0, 1 / alpha, False, self),
)  # fmt: skip
celu_result = op(
    "_celu_(Tensor self, Scalar alpha)", "CeluBackward1", celu_forward,
    check=only("f", "elu_cpu"),
    self=lambda grad, result, alpha: elu_backward(grad, alpha, 1.0, 1 / alpha, True, result),
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


@composite("silu(Tensor input, bool inplace=False)")
def silu(input: Any, inplace: bool = False) -> Any:
    return (silu_row.inplace if inplace else silu_row)(input)


@composite("mish(Tensor input, bool inplace=False)")
def mish(input: Any, inplace: bool = False) -> Any:
    return (mish_row.inplace if inplace else mish_row)(input)


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
