"""Elementwise operations: one value out for each (broadcast) value in."""

from __future__ import annotations

import cmath
import math
from typing import Any

from gradcli.engine.device import as_strided as window
from gradcli.engine.device import np
from gradcli.engine.dtypes import C_NAMES, INTEGER_NAMES, TYPE_NAMES, as_dtype, number_in, promoted
from gradcli.errors import UserError
from gradcli.ops.define import composite, op
from gradcli.ops.kinds import all_of_one_dtype, in_turn, no_bools, only, refuse
from gradcli.ops.shape import contiguous, select


def add_forward(self: Any, other: Any, alpha: float) -> Any:
    if alpha == 1:
        return np.add(self, other)
    if getattr(self, "dtype", None) == np.float32:  # torch multiplies and adds with one rounding
        return np.add(self, np.multiply(other, alpha, dtype=np.float64)).astype(np.float32)
    dtype = np.result_type(self, other)
    if dtype.kind in "biu" and isinstance(alpha, float | complex):
        raise UserError("type", "For integral input tensors, argument alpha must not be a floating point number.")
    return np.add(self, np.multiply(other, as_dtype(alpha, dtype)))


def sub_forward(self: Any, other: Any, alpha: float) -> Any:
    return np.subtract(self, other) if alpha == 1 else add_forward(self, other, -alpha)


def neg_forward(self: Any) -> Any:
    if self.dtype.kind == "b":
        raise UserError(
            "type", "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a "
            "mask, use the `~` or `logical_not()` operator instead."
        )  # fmt: skip
    return np.negative(self)


def pow_forward(self: Any, exponent: Any) -> Any:
    kind = getattr(self, "dtype", np.asarray(self).dtype).kind
    if kind == "b" and isinstance(exponent, bool):
        return self | (not exponent)
    if kind in "iu" and isinstance(exponent, int) and exponent < 0:
        raise UserError("value", "Integers to negative integer powers are not allowed.")
    if isinstance(exponent, int | float) and kind in "fc":
        if exponent == 2:
            return np.multiply(self, self)
        if exponent == 3:
            return np.multiply(np.multiply(self, self), self)
        if exponent == 0.5:
            return np.sqrt(self)
    if isinstance(exponent, np.ndarray) and exponent.dtype.kind == "i":
        # numpy refuses negative exponents; what is not whole is 0
        inverse = np.where(np.absolute(self) == 1, np.power(self, np.absolute(exponent)), 0)
        return np.where(exponent < 0, inverse, np.power(self, np.maximum(exponent, 0))).astype(exponent.dtype)
    return np.power(self, exponent)


def div_mode_forward(self: Any, other: Any, rounding_mode: str | None) -> Any:
    if rounding_mode is None:
        return np.true_divide(*promoted((self, other), True))
    if rounding_mode == "floor":
        if self.dtype.kind == "b":
            raise UserError("type", "\"div_floor_cpu\" not implemented for 'Bool'")
        return floor_divide_forward(self, other)
    if rounding_mode == "trunc":
        quotient = np.true_divide(self, other)
        return np.trunc(quotient).astype(self.dtype) if self.dtype.kind in "fc" else (
            sign_forward(self) * np.sign(as_dtype(other, self.dtype)) * (np.abs(self) // np.abs(other))
        )  # fmt: skip
    raise UserError(
        "value", f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'"
    )


def floor_divide_forward(self: Any, other: Any) -> Any:
    return np.floor_divide(self, no_zero(self, other))


def remainder_forward(self: Any, other: Any) -> Any:
    return np.remainder(self, no_zero(self, other))


def fmod_forward(self: Any, other: Any) -> Any:
    return np.fmod(self, no_zero(self, other))


def no_zero(self: Any, other: Any) -> Any:
    """`other`, if it can divide `self`: an integer has no quotient by 0."""
    if np.asarray(self).dtype.kind in "iu" and (np.asarray(other) == 0).any():
        raise UserError("value", "ZeroDivisionError")
    return other


def erf_forward(self: Any) -> Any:
    return np.asarray(np.frompyfunc(math.erf, 1, 1)(self.astype(np.float64))).astype(self.dtype)


def sign_forward(self: Any) -> Any:
    """-1, 0 or 1, and 0 for NaN; bools are their own signs."""
    if self.dtype.kind == "b":
        return self.copy()
    result = np.sign(self)
    return np.where(np.isnan(result), np.zeros((), self.dtype), result) if self.dtype.kind == "f" else result


def sgn_forward(self: Any) -> Any:
    if self.dtype.kind != "c":
        return sign_forward(self)
    size = np.abs(self)
    return np.where(size == 0, 0, self / np.where(size == 0, 1, size)).astype(self.dtype)


def clamp_forward(self: Any, min: Any, max: Any) -> Any:
    if min is None and max is None:
        raise UserError("value", "torch.clamp: At least one of 'min' or 'max' must not be None")
    result = self if min is None else np.maximum(self, min)
    return np.minimum(result, max) if max is not None else result


def within(self: Any, min: Any, max: Any) -> Any:
    """Where `min <= self <= max`, a limit that is None being none: where clamp lets the gradient through."""
    if max is None:
        return self >= min
    return self <= max if min is None else (self >= min) & (self <= max)


def div_other(grad: Any, slope: Any) -> Any:
    """-grad * slope; torch's code computes the slope first, which shows in the order of the recorded nodes."""
    return -grad * slope


def power_backward(grad: Any, self: Any, exponent: float) -> Any:
    return zeros_like(grad) if exponent == 0 else grad * conj(exponent * pow_scalar(self, exponent - 1))


def power_backward_exponent(grad: Any, self: Any, exponent: Any, result: Any) -> Any:
    """0 ** exponent is flat where the exponent is not negative, though log(0) is not finite."""
    return grad * where((self == 0) & not_negative(exponent), zeros_like(result), conj(result * log(self)))


def not_negative(exponent: Any) -> Any:
    return exponent >= 0 if exponent.dtype.kind != "c" else (imag(exponent) == 0) & (real(exponent) >= 0)


def logarithm(number: float | complex) -> float | complex:
    """The natural logarithm of a number that is not 0; NaN for a negative one, as torch's formula has it."""
    if isinstance(number, complex):
        return cmath.log(number)
    return math.log(number) if number > 0 else math.nan


def no_derivative(name: str) -> Any:
    def formula(grad: Any) -> Any:
        raise UserError("autograd", f"derivative for aten::{name} is not implemented")

    return formula


def sgn_backward(grad: Any, self: Any, result: Any) -> Any:
    """A complex direction turns only with what is orthogonal to it; a real sign never."""
    if self.dtype.kind != "c":
        return zeros_like(grad)
    size = abs(self)
    return masked_fill((grad - result * result * conj(grad)) / (size * 2), size == 0, 0)


def inverse_square(self: Any, other: Any) -> Any:
    """1 / (self ** 2 + other ** 2), and 0 at the origin, where torch calls atan2 flat."""
    squares = self * self + other * other
    return masked_fill(reciprocal(squares), squares == 0, 0)


def acosh_slope(self: Any) -> Any:
    """1 / sqrt(self ** 2 - 1), on the branch of the complex acosh."""
    return rsqrt(self + 1) * rsqrt(self - 1) if self.dtype.kind == "c" else rsqrt(self * self - 1)


def as_mask(mask: Any) -> Any:
    if mask.dtype.kind != "b":
        kind = INTEGER_NAMES.get(mask.dtype.name, C_NAMES[mask.dtype.name])
        raise UserError("type", f"masked_fill_ only supports boolean masks, but got mask with dtype {kind}")
    return mask


def below_min(self: Any, min: Any, max: Any) -> Any:
    """Where clamp returns `min`: the limits crossed, it is `max` that counts."""
    return self < min if max is None else (self < min) & (min < max)


def above_max(self: Any, min: Any, max: Any) -> Any:
    return self > max if min is None else (self > max) | (max < min)


def where_forward(condition: Any, self: Any, other: Any) -> Any:
    if condition.dtype.kind != "b":
        raise UserError(
            "type",
            "where expected condition to be a boolean tensor, but got a tensor with dtype "
            f"{TYPE_NAMES[condition.dtype.name]}",
        )
    return np.where(condition, self, other)


def rounding(function: Any) -> Any:
    """`function` on floats; integers are whole already."""
    return lambda self: function(self) if self.dtype.kind == "f" else self.copy()


def integral(name: str, function: Any) -> Any:
    """`function`, for integers and bools only."""

    def forward(self: Any, *other: Any) -> Any:
        if self.dtype.kind not in "iub":
            kind = TYPE_NAMES[self.dtype.name]
            raise UserError("type", f"\"bitwise_{name}_cpu\" not implemented for '{kind}'")
        return function(self, *other)

    return forward


def copy_forward(self: Any, src: Any) -> Any:
    """`src` in the shape and dtype of `self`."""
    if src.shape == self.shape:
        return cast(src, self.dtype)
    try:
        return cast(np.broadcast_to(src, self.shape), self.dtype)
    except ValueError as error:
        raise UserError(
            "shape", f"output with shape {list(self.shape)} doesn't match the broadcast shape {list(src.shape)}"
        ) from error


def cast(self: Any, dtype: Any) -> Any:
    """`self` in another dtype; a complex number loses its imaginary part."""
    if self.dtype.kind == "c" and dtype.kind != "c":
        self = self.real
    return self.astype(dtype)


def view_as_real_forward(self: Any) -> Any:
    """Real and imaginary parts in a last dimension of their own."""
    if self.dtype.kind != "c":
        raise UserError("type", "view_as_real is only supported for complex tensors")
    parts = self.real
    return window(parts, (*self.shape, 2), (*self.strides, parts.itemsize))


def view_as_complex_forward(self: Any) -> Any:
    if self.dtype.kind != "f":
        kind = TYPE_NAMES[self.dtype.name]
        raise UserError(
            "type", f"view_as_complex is only supported for half, float and double tensors, but got a tensor of "
            f"scalar type: {kind}"
        )  # fmt: skip
    if self.ndim == 0:
        raise UserError("shape", "Input tensor must have one or more dimensions")
    if self.shape[-1] != 2:
        raise UserError("shape", "Tensor must have a last dimension of size 2")
    if self.strides[-1] != self.itemsize:
        raise UserError("shape", "Tensor must have a last dimension with stride 1")
    if any(stride % (2 * self.itemsize) for stride in self.strides[:-1]):
        raise UserError("shape", "Tensor must have a stride divisible by 2 for all but last dimension")
    return self.view(f"c{2 * self.itemsize}")[..., 0]


add = op(
    "add(Tensor self, Tensor|Scalar other, *, Scalar alpha=1)", "AddBackward0", add_forward, promote="same",
    self=lambda grad: grad,
    other=lambda grad, alpha: grad if alpha == 1 else grad * alpha,
)  # fmt: skip
sub = op(
    "sub(Tensor self, Tensor|Scalar other, *, Scalar alpha=1)", "SubBackward0", sub_forward, promote="same",
    check=no_bools,
    self=lambda grad: grad,
    other=lambda grad, alpha: -grad if alpha == 1 else -grad * alpha,
)  # fmt: skip
rsub_tensor = op(
    "rsub(Tensor self, Tensor other)", "RsubBackward0", lambda self, other: np.subtract(other, self), promote="same",
    check=no_bools,
    self=lambda grad: -grad,
    other=lambda grad: grad,
)  # fmt: skip
rsub = op(
    "rsub.Scalar(Tensor self, Scalar other)", "RsubBackward1", lambda self, other: np.subtract(other, self),
    promote="same", operands=("self", "other"),
    check=no_bools,
    self=lambda grad: -grad,
)  # fmt: skip
mul = op(
    "mul(Tensor self, Tensor|Scalar other)", "MulBackward0", np.multiply, promote="same",
    self=lambda grad, other: grad * conj(other),
    other=lambda grad, self: grad * conj(self),
)  # fmt: skip
div = op(
    "div(Tensor self, Tensor|Scalar other)", "DivBackward0", np.true_divide, promote="float",
    self=lambda grad, other: grad / conj(other),
    other=lambda grad, self, other: div_other(grad, conj((self / other) / other)),
)  # fmt: skip
div_mode = op(
    "div.Tensor_mode(Tensor self, Tensor|Scalar other, *, str? rounding_mode)", "DivBackward2", div_mode_forward,
    promote="same",
    self=lambda grad, other, rounding_mode: grad / conj(other) if rounding_mode is None else zeros_like(grad),
    other=lambda grad, self, other, rounding_mode: (
        -grad * conj((self / other) / other) if rounding_mode is None else zeros_like(grad)
    ),
)  # fmt: skip
# a number in a formula: torch's C++ operators give these nodes, its Python operators those above
add_number = op("_add.Scalar(Tensor self, Scalar other)", "AddBackward1", np.add, self=lambda grad: grad)
sub_number = op("_sub.Scalar(Tensor self, Scalar other)", "SubBackward1", np.subtract, self=lambda grad: grad)
mul_number = op(
    "_mul.Scalar(Tensor self, Scalar other)", "MulBackward1", np.multiply,
    self=lambda grad, other: grad * conj(other),
)  # fmt: skip
div_number = op(
    "_div.Scalar(Tensor self, Scalar other)", "DivBackward1", np.true_divide,
    self=lambda grad, other: grad / conj(other),
)  # fmt: skip
floor_divide = op(
    "floor_divide(Tensor self, Tensor|Scalar other)", "NotImplemented", floor_divide_forward, promote="same",
    self=no_derivative("floor_divide"),
    other=no_derivative("floor_divide"),
    check=only("iuf", "div_floor_cpu"),
)  # fmt: skip
remainder_scalar = op(
    "remainder.Scalar(Tensor self, Scalar other)", "RemainderBackward0", remainder_forward, promote="same",
    operands=("self", "other"),
    check=only("iuf", "remainder_cpu"),
    self=lambda grad: grad,
)  # fmt: skip
remainder = op(
    "remainder.Tensor(Tensor self, Tensor other)", "RemainderBackward1", remainder_forward, promote="same",
    check=only("iuf", "remainder_cpu"),
    self=lambda grad: grad,
    other=lambda grad, self, other: -grad * div_mode(self, other, rounding_mode="floor"),
)  # fmt: skip
remainder_of_number = op(
    "remainder.Scalar_Tensor(Scalar self, Tensor other)", "NotImplemented", remainder_forward, promote="same",
    operands=("other", "self"),
    other=no_derivative("remainder"),
    check=only("iuf", "remainder_cpu"),
)  # fmt: skip
fmod_scalar = op(
    "fmod.Scalar(Tensor self, Scalar other)", "FmodBackward0", fmod_forward, promote="same", operands=("self", "other"),
    check=only("iuf", "fmod_cpu"),
    self=lambda grad: grad,
)  # fmt: skip
fmod = op(
    "fmod.Tensor(Tensor self, Tensor other)", "FmodBackward1", fmod_forward, promote="same",
    check=only("iuf", "fmod_cpu"),
    self=lambda grad: grad,
    other=lambda grad, self, other: -grad * div_mode(self, other, rounding_mode="trunc"),
)  # fmt: skip
pow_scalar = op(
    "pow.Tensor_Scalar(Tensor self, Scalar exponent)", "PowBackward0", pow_forward, promote="same",
    operands=("self", "exponent"),
    self=lambda grad, self, exponent: power_backward(grad, self, exponent),
)  # fmt: skip
pow_tensor = op(
    "pow.Tensor_Tensor(Tensor self, Tensor exponent)", "PowBackward1", pow_forward, promote="same",
    check=only("iufc", "pow"),
    self=lambda grad, self, exponent: where(
        exponent == 0, zeros_like(grad), grad * conj(exponent * pow_tensor(self, exponent - 1))
    ),
    exponent=lambda grad, self, exponent, result: power_backward_exponent(grad, self, exponent, result),
)  # fmt: skip
pow_of_number = op(
    "pow.Scalar(Scalar self, Tensor exponent)", "PowBackward2", pow_forward, promote="same",
    operands=("exponent", "self"),
    check=only("iufc", "pow"),
    exponent=lambda grad, self, exponent, result: (
        grad * where(not_negative(exponent), zeros_like(result), conj(result * -math.inf)) if self == 0
        else grad * conj(result * logarithm(self))
    ),
)  # fmt: skip
neg = op("neg(Tensor self)", "NegBackward0", neg_forward, self=lambda grad: -grad)
abs = op(
    "abs(Tensor self)", "AbsBackward0", np.absolute,
    check=only("iufc", "abs_cpu"),
    self=lambda grad, self: grad * sgn(self),
)  # fmt: skip
sign = op(
    "sign(Tensor self)", "SignBackward0", sign_forward,
    check=refuse(
        c="Unlike NumPy, torch.sign is not intended to support complex numbers. Please use torch.sgn instead."
    ),
    self=lambda grad: zeros_like(grad),
)  # fmt: skip
sgn = op(
    "sgn(Tensor self)", "SgnBackward0", sgn_forward, self=lambda grad, self, result: sgn_backward(grad, self, result)
)
conj_complex = op("_conj(Tensor self)", "ConjBackward0", np.conj, self=lambda grad: conj_complex(grad))
reciprocal = op(
    "reciprocal(Tensor self)", "ReciprocalBackward0", np.reciprocal, promote="float",
    self=lambda grad, result: -grad * conj(result * result),
)  # fmt: skip
sqrt = op(
    "sqrt(Tensor self)", "SqrtBackward0", np.sqrt, promote="float", self=lambda grad, result: grad / (2 * conj(result))
)
rsqrt = op(
    "rsqrt(Tensor self)", "RsqrtBackward0", lambda self: np.reciprocal(np.sqrt(self)), promote="float",
    self=lambda grad, result: -0.5 * grad * conj(pow_scalar(result, 3)),
)  # fmt: skip
exp = op("exp(Tensor self)", "ExpBackward0", np.exp, promote="float", self=lambda grad, result: grad * conj(result))
exp2 = op(
    "exp2(Tensor self)", "Exp2Backward0", np.exp2, promote="float",
    self=lambda grad, result: grad * conj(result) * math.log(2),
)  # fmt: skip
expm1 = op(
    "expm1(Tensor self)",
    "Expm1Backward0",
    np.expm1,
    promote="float",
    self=lambda grad, result: grad * (conj(result) + 1),
)
log = op("log(Tensor self)", "LogBackward0", np.log, promote="float", self=lambda grad, self: grad / conj(self))
log2 = op(
    "log2(Tensor self)", "Log2Backward0", np.log2, promote="float",
    self=lambda grad, self: grad / (conj(self) * math.log(2)),
)  # fmt: skip
log10 = op(
    "log10(Tensor self)", "Log10Backward0", np.log10, promote="float",
    self=lambda grad, self: grad / (conj(self) * math.log(10)),
)  # fmt: skip
log1p = op(
    "log1p(Tensor self)", "Log1PBackward0", np.log1p, promote="float", self=lambda grad, self: grad / conj(self + 1)
)
sin = op("sin(Tensor self)", "SinBackward0", np.sin, promote="float", self=lambda grad, self: grad * conj(cos(self)))
cos = op("cos(Tensor self)", "CosBackward0", np.cos, promote="float", self=lambda grad, self: grad * -conj(sin(self)))
tan = op(
    "tan(Tensor self)",
    "TanBackward0",
    np.tan,
    promote="float",
    self=lambda grad, result: grad * conj(1 + pow_scalar(result, 2)),
)
sinh = op(
    "sinh(Tensor self)", "SinhBackward0", np.sinh, promote="float", self=lambda grad, self: grad * conj(cosh(self))
)
cosh = op(
    "cosh(Tensor self)", "CoshBackward0", np.cosh, promote="float", self=lambda grad, self: grad * conj(sinh(self))
)
tanh = op(
    "tanh(Tensor self)",
    "TanhBackward0",
    np.tanh,
    promote="float",
    self=lambda grad, result: tanh_backward(grad, result),
)
asin = op(
    "asin(Tensor self)",
    "AsinBackward0",
    np.arcsin,
    promote="float",
    self=lambda grad, self: grad * conj(rsqrt(-self * self + 1)),
)
acos = op(
    "acos(Tensor self)",
    "AcosBackward0",
    np.arccos,
    promote="float",
    self=lambda grad, self: grad * -conj(rsqrt(-self * self + 1)),
)
atan = op(
    "atan(Tensor self)",
    "AtanBackward0",
    np.arctan,
    promote="float",
    self=lambda grad, self: grad / conj(self * self + 1),
)
asinh = op(
    "asinh(Tensor self)",
    "AsinhBackward0",
    np.arcsinh,
    promote="float",
    self=lambda grad, self: grad * conj(rsqrt(pow_scalar(self, 2) + 1)),
)
acosh = op(
    "acosh(Tensor self)", "AcoshBackward0", np.arccosh, promote="float",
    self=lambda grad, self: grad * conj(acosh_slope(self)),
)  # fmt: skip
atanh = op(
    "atanh(Tensor self)",
    "AtanhBackward0",
    np.arctanh,
    promote="float",
    self=lambda grad, self: grad / conj(1 - pow_scalar(self, 2)),
)
atan2 = op(
    "atan2(Tensor self, Tensor other)", "Atan2Backward0", np.arctan2, promote="float",
    self=lambda grad, self, other: (grad * other) * inverse_square(self, other),
    other=lambda grad, self, other: (grad * -self) * inverse_square(self, other),
)  # fmt: skip
sigmoid = op(
    "sigmoid(Tensor self)", "SigmoidBackward0", lambda self: 1 / (1 + np.exp(-self)), promote="float",
    self=lambda grad, result: sigmoid_backward(grad, result),
)  # fmt: skip
sigmoid_backward = op(
    "_sigmoid_backward(Tensor grad_output, Tensor output)", "SigmoidBackwardBackward0",
    lambda grad_output, output: grad_output * conj((1 - output) * output),
    grad_output=lambda grad, output: sigmoid_backward(grad, conj(output)),
    output=lambda grad, grad_output, output: conj(grad) * grad_output * (-2 * conj(output) + 1),
)  # fmt: skip
tanh_backward = op(
    "_tanh_backward(Tensor grad_output, Tensor output)", "TanhBackwardBackward0",
    lambda grad_output, output: grad_output * conj(1 - output * output),
    grad_output=lambda grad, output: tanh_backward(grad, conj(output)),
    output=lambda grad, grad_output, output: conj(grad) * (-2 * conj(output) * grad_output),
)  # fmt: skip
relu = op(
    "relu(Tensor self)",
    "ReluBackward0",
    lambda self: np.maximum(self, 0),
    check=refuse(b="Boolean inputs not supported for relu", c="clamp is not supported for complex types"),
    self=lambda grad, result: threshold_backward(grad, result),
)  # fmt: skip
threshold_backward = op(
    "_threshold_backward(Tensor grad_output, Tensor self)", "ThresholdBackwardBackward0",
    lambda grad_output, self: np.where(self <= 0, np.zeros((), grad_output.dtype), grad_output),
    grad_output=lambda grad, self: threshold_backward(grad, self),
    self=lambda grad: zeros_like(grad),
)  # fmt: skip
erf = op(
    "erf(Tensor self)", "ErfBackward0", erf_forward, promote="float",
    check=only("biuf", "erf_vml_cpu"),
    self=lambda grad, self: 2 / math.sqrt(math.pi) * exp(-pow_scalar(self, 2)) * grad,
)  # fmt: skip
floor = op(
    "floor(Tensor self)", "FloorBackward0", rounding(np.floor),
    check=refuse(b="\"floor_vml_cpu\" not implemented for 'Bool'", c="floor is not supported for complex inputs"),
    self=lambda grad: zeros_like(grad),
)  # fmt: skip
ceil = op(
    "ceil(Tensor self)", "CeilBackward0", rounding(np.ceil),
    check=refuse(b="\"ceil_vml_cpu\" not implemented for 'Bool'", c="ceil is not supported for complex inputs"),
    self=lambda grad: zeros_like(grad),
)  # fmt: skip
trunc = op(
    "trunc(Tensor self)", "TruncBackward0", rounding(np.trunc),
    check=refuse(b="\"trunc_vml_cpu\" not implemented for 'Bool'", c="trunc is not supported for complex inputs"),
    self=lambda grad: zeros_like(grad),
)  # fmt: skip
round = op(
    "round(Tensor self)", "RoundBackward0", rounding(np.rint),
    check=only("iuf", "round_vml_cpu"),
    self=lambda grad: zeros_like(grad),
)  # fmt: skip
frac = op(
    "frac(Tensor self)", "FracBackward0", lambda self: self - np.trunc(self),
    check=only("f", "frac_cpu"),
    self=lambda grad: grad,
)  # fmt: skip
maximum = op(
    "maximum(Tensor self, Tensor other)", "MaximumBackward0", np.maximum, promote="same",
    check=refuse(c="maximum not implemented for complex tensors."),
    self=lambda grad, self, other: masked_fill(where(self == other, grad / 2, grad), self < other, 0),
    other=lambda grad, self, other: masked_fill(where(self == other, grad / 2, grad), self > other, 0),
)  # fmt: skip
minimum = op(
    "minimum(Tensor self, Tensor other)", "MinimumBackward0", np.minimum, promote="same",
    check=refuse(c="minimum not implemented for complex tensors."),
    self=lambda grad, self, other: masked_fill(where(self == other, grad / 2, grad), self > other, 0),
    other=lambda grad, self, other: masked_fill(where(self == other, grad / 2, grad), self < other, 0),
)  # fmt: skip
clamp = op(
    "clamp(Tensor self, Scalar? min=None, Scalar? max=None)", "ClampBackward1", clamp_forward, promote="same",
    operands=("self", "min", "max"),
    check=in_turn(refuse(c="clamp is not supported for complex types"), only("iuf", "clamp_min_scalar_cpu")),
    self=lambda grad, self, min, max: where(within(self, min, max), grad, 0),
)  # fmt: skip
clamp_tensor = op(
    "clamp.Tensor(Tensor self, Tensor? min=None, Tensor? max=None)", "ClampBackward0", clamp_forward, promote="same",
    check=refuse(c="clamp is not supported for complex types"),
    self=lambda grad, self, min, max: where(within(self, min, max), grad, 0),
    min=lambda grad, self, min, max: where(below_min(self, min, max), grad, 0),
    max=lambda grad, self, min, max: where(above_max(self, min, max), grad, 0),
)  # fmt: skip
where = op(
    "where(Tensor condition, Tensor|Scalar self, Tensor|Scalar other)", "WhereBackward0", where_forward,
    promote="same", operands=("self", "other"),
    self=lambda grad, condition: where(condition, grad, 0),
    other=lambda grad, condition: where(condition, 0, grad),
)  # fmt: skip
lerp = op(
    "lerp.Scalar(Tensor self, Tensor end, Scalar weight)", "LerpBackward0",
    lambda self, end, weight: (
    self + weight * (end - self) if math.fabs(weight) < 0.5 else end - (end - self) * (1 - weight)
    ),
    promote="same", operands=("self", "end"),
    check=in_turn(all_of_one_dtype("end"), only("fc", "lerp_kernel_scalar")),
    self=lambda grad, weight: grad * (1 - weight),
    end=lambda grad, weight: grad * weight,
)  # fmt: skip
nan_to_num = op(
    "nan_to_num(Tensor self, float? nan=None, float? posinf=None, float? neginf=None)", "NanToNumBackward0",
    lambda self, nan, posinf, neginf: np.nan_to_num(self, nan=nan or 0.0, posinf=posinf, neginf=neginf),
    self=lambda grad, self: grad * isfinite(self),
)  # fmt: skip
clone = op("clone(Tensor self)", "CloneBackward0", lambda self: self.copy("K"), self=lambda grad: grad)
alias = op("_alias(Tensor self)", "AliasBackward0", lambda self: self[...], view=True, self=lambda grad: grad)
to_dtype = op(
    "_to_copy(Tensor self, ScalarType dtype)", "ToCopyBackward0", cast, self=lambda grad: grad,
)  # fmt: skip
view_as_real = op(
    "view_as_real(Tensor self)", "ViewAsRealBackward0", view_as_real_forward, view=True,
    self=lambda grad: view_as_complex(contiguous(grad)),
)  # fmt: skip
view_as_complex = op(
    "view_as_complex(Tensor self)", "ViewAsComplexBackward0", view_as_complex_forward, view=True,
    self=lambda grad: view_as_real(grad),
)  # fmt: skip
copy = op(
    "copy(Tensor self, Tensor src)", "CopyBackwards",
    copy_forward,
    self=lambda grad: zeros_like(grad),
    src=lambda grad: grad,
)  # fmt: skip
fill = op(
    "fill(Tensor self, Scalar value)", "FillBackward2",
    lambda self, value: np.full_like(self, number_in(value, self.dtype)),
    self=lambda grad: zeros_like(grad),
)  # fmt: skip
fill_tensor = op(
    "fill.Tensor(Tensor self, Tensor value)", "FillBackward3",
    lambda self, value: np.full_like(self, cast(value.reshape(()), self.dtype)),
    self=lambda grad: zeros_like(grad),
    value=lambda grad: grad,
)  # fmt: skip
zero = op("zero(Tensor self)", "ZeroBackward0", np.zeros_like, self=lambda grad: zeros_like(grad))
masked_fill = op(
    "masked_fill(Tensor self, Tensor mask, Scalar value)", "MaskedFillBackward0",
    lambda self, mask, value: np.where(as_mask(mask), as_dtype(value, self.dtype), self),
    self=lambda grad, mask: masked_fill(grad, mask, 0),
)  # fmt: skip

zeros_like = op("_zeros_like(Tensor self)", None, np.zeros_like)
ones_like = op("_ones_like(Tensor self)", None, np.ones_like)
eq = op("eq(Tensor self, Tensor|Scalar other)", None, np.equal, promote="same")
ne = op("ne(Tensor self, Tensor|Scalar other)", None, np.not_equal, promote="same")
lt = op(
    "lt(Tensor self, Tensor|Scalar other)", None, np.less, promote="same",
    check=only("biuf", "lt_cpu"),
)  # fmt: skip
le = op(
    "le(Tensor self, Tensor|Scalar other)", None, np.less_equal, promote="same",
    check=only("biuf", "le_cpu"),
)  # fmt: skip
gt = op(
    "gt(Tensor self, Tensor|Scalar other)", None, np.greater, promote="same",
    check=only("biuf", "gt_cpu"),
)  # fmt: skip
ge = op(
    "ge(Tensor self, Tensor|Scalar other)", None, np.greater_equal, promote="same",
    check=only("biuf", "ge_cpu"),
)  # fmt: skip
logical_and = op("logical_and(Tensor self, Tensor other)", None, np.logical_and)
logical_or = op("logical_or(Tensor self, Tensor other)", None, np.logical_or)
logical_xor = op("logical_xor(Tensor self, Tensor other)", None, np.logical_xor)
logical_not = op("logical_not(Tensor self)", None, np.logical_not)
bitwise_and = op("bitwise_and(Tensor self, Tensor|Scalar other)", None, integral("and", np.bitwise_and), promote="same")
bitwise_or = op("bitwise_or(Tensor self, Tensor|Scalar other)", None, integral("or", np.bitwise_or), promote="same")
bitwise_xor = op("bitwise_xor(Tensor self, Tensor|Scalar other)", None, integral("xor", np.bitwise_xor), promote="same")
bitwise_not = op("bitwise_not(Tensor self)", None, integral("not", np.bitwise_not))
bitwise_left_shift = op(
    "bitwise_left_shift(Tensor self, Tensor|Scalar other)", None, integral("left_shift", np.left_shift), promote="same",
    check=only("iu", "lshift_cpu"),
)  # fmt: skip
bitwise_right_shift = op(
    "bitwise_right_shift(Tensor self, Tensor|Scalar other)",
    None,
    integral("right_shift", np.right_shift),
    promote="same",
    check=only("iu", "rshift_cpu"),
)  # fmt: skip
isnan = op("isnan(Tensor self)", None, np.isnan)
isinf = op("isinf(Tensor self)", None, np.isinf)
isfinite = op("isfinite(Tensor self)", None, np.isfinite)


@composite("conj(Tensor self)")
def conj(self: Any) -> Any:
    """Real tensors, and the real numbers in formulas, are their own conjugates: no node, no copy."""
    dtype = getattr(self, "dtype", None)
    if dtype is None:
        return self.conjugate()
    return conj_complex(self) if dtype.kind == "c" else self


@composite("real(Tensor self)")
def real(self: Any) -> Any:
    return select(view_as_real(self), -1, 0) if self.dtype.kind == "c" else self


@composite("imag(Tensor self)")
def imag(self: Any) -> Any:
    if self.dtype.kind != "c":
        raise UserError("type", "imag is not implemented for tensors with non-complex dtypes.")
    return select(view_as_real(self), -1, 1)


@composite("positive(Tensor self)")
def positive(self: Any) -> Any:
    if self.dtype.kind == "b":
        raise UserError("type", "The `+` operator, on a bool tensor is not supported.")
    return self


@composite("square(Tensor self)")
def square(self: Any) -> Any:
    return pow_scalar(self, 2)


@composite("Tensor::abs_(Tensor self)")
def abs_(self: Any) -> Any:
    if self.dtype.kind == "c":
        raise UserError("type", "In-place abs is not supported for complex tensors.")
    return abs.inplace(self)


@composite("Tensor::square_(Tensor self)")
def square_(self: Any) -> Any:
    return pow_scalar.inplace(self, 2)
