"""Activation functions in pieces: relu and its variants, and what clips, shrinks or has a threshold."""

from __future__ import annotations

import math
from typing import Any

from gradcli.engine.device import beside, np
from gradcli.engine.dtypes import TYPE_NAMES, dtype_kind, finfo, fitted
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.ops.arithmetic import no_derivative, wanted
from gradcli.ops.copies import where, zeros_like
from gradcli.ops.create import default_generator
from gradcli.ops.define import composite, op
from gradcli.ops.elementary import relu
from gradcli.ops.kinds import only, refuse
from gradcli.ops.shape import reshape

SIXTH = 0.1666666716337204  # torch's hardsigmoid has this constant in single precision, for doubles too


def hardtanh_forward(self: Any, min_val: float, max_val: float) -> Any:
    return np.minimum(np.maximum(self, min_val), max_val)


def check_softshrink(input: Any, lambd: Any) -> None:
    only("f", "softshrink_check")(input)
    lambd = fitted(lambd, np.dtype(np.float64))
    largest = float(finfo(input.dtype).max)
    if not 0 <= lambd <= largest:
        raise UserError(
            "value",
            f"lambda must be in range [0, {largest:g}] for input dtype {TYPE_NAMES[input.dtype.name]}, but found "
            f"{lambd:g}",
        )


def softshrink_forward(self: Any, lambd: float) -> Any:
    return np.where(self > lambd, self - lambd, np.where(self < -lambd, self + lambd, self * 0))


def threshold_forward(self: Any, threshold: float, value: float) -> Any:
    return np.where(self <= fitted(threshold, self.dtype), value, self)


def leaky_relu_forward(self: Any, negative_slope: float) -> Any:
    return np.where(self > 0, self, self * fitted(negative_slope, self.dtype))


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


leaky_relu_row = op(
    "_leaky_relu(Tensor self, Scalar negative_slope)", "LeakyReluBackward0", leaky_relu_forward,
    check=only("f", "leaky_relu_cpu"),
    self=lambda grad, self, negative_slope: leaky_relu_backward(grad, self, negative_slope),
)  # fmt: skip
leaky_relu_result = op(
    "_leaky_relu_(Tensor self, Scalar negative_slope)", "LeakyReluBackward1", leaky_relu_forward,
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
    fits=("min_val", "max_val"),
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
    fits=("lambd",),
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
    operands=("lambd",), check=check_softshrink,
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
    fits=("value",),
    check=only("iuf", "threshold_cpu"),
    self=lambda grad, self, threshold: above_threshold(grad, self, threshold),
)  # fmt: skip
threshold_in_place = op(
    "_threshold_(Tensor self, Scalar threshold, Scalar value)", "ThresholdBackward1", threshold_forward,
    fits=("value",),
    check=only("iuf", "threshold_cpu"),
    self=lambda grad, self, threshold: above_threshold(grad, self, threshold),
)  # fmt: skip
above_threshold = op(
    "_threshold_backward.threshold(Tensor grad_output, Tensor self, Scalar threshold)", "ThresholdBackwardBackward0",
    lambda grad_output, self, threshold: np.where(self <= threshold, 0, grad_output),
    grad_output=lambda grad, self, threshold: above_threshold(grad, self, threshold),
    self=lambda grad: zeros_like(grad),
)  # fmt: skip


def given(grad: Any, like: Any) -> Any:
    """A gradient of zeros where there is none."""
    return zeros_like(like) if grad is None else grad


@composite("relu.functional(Tensor input, bool inplace)")
def relu_functional(input: Any, inplace: bool) -> Any:
    return (relu.inplace if inplace else relu)(input)


@composite("relu_(Tensor input)")
def relu_(input: Any) -> Any:
    return relu.inplace(input)


@composite("relu6(Tensor input, bool inplace=False)")
def relu6(input: Any, inplace: bool = False) -> Any:
    return (hardtanh_row.inplace if inplace else hardtanh_row)(input, 0.0, 6.0)


@composite("hardsigmoid(Tensor input, bool inplace=False)")
def hardsigmoid(input: Any, inplace: bool = False) -> Any:
    return (hardsigmoid_row.inplace if inplace else hardsigmoid_row)(input)


@composite("hardswish(Tensor input, bool inplace=False)")
def hardswish(input: Any, inplace: bool = False) -> Any:
    return (hardswish_row.inplace if inplace else hardswish_row)(input)


@composite("hardtanh(Tensor input, Scalar min_val=-1.0, Scalar max_val=1.0, bool inplace=False)")
def hardtanh(input: Any, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Any:
    if min_val > max_val:
        raise UserError("value", "min_val cannot be greater than max_val")
    check_limits(input, min_val, max_val)
    return (hardtanh_row.inplace if inplace else hardtanh_row)(input, min_val, max_val)


def check_limits(input: Any, min_val: float, max_val: float) -> None:
    if input.array.size and dtype_kind(input.dtype) == "u" and (min_val < 0 or max_val < 0):
        raise UserError("type", "cannot do hardtanh on an unsigned type with negative limits")


@composite("hardtanh_(Tensor input, Scalar min_val=-1.0, Scalar max_val=1.0)")
def hardtanh_(input: Any, min_val: float = -1.0, max_val: float = 1.0) -> Any:
    check_limits(input, min_val, max_val)
    return hardtanh_row.inplace(input, min_val, max_val)


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
    if isinstance(lower, complex) or isinstance(upper, complex):
        raise UserError("type", "value cannot be converted to type double without overflow")
    if lower > upper:
        raise UserError("value", "Lower bound should be less than or equal to the upper bound")
    for end, bound in (("lower", lower), ("upper", upper)):
        if not math.isfinite(bound):
            raise UserError("value", f"rrelu: {end} bound must be finite, got {bound}")
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
