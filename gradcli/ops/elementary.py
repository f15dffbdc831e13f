"""Elementary functions: powers, exponentials, logarithms, trigonometry, rounding, and the activations made of them."""

from __future__ import annotations

import cmath
import math
from typing import Any

from gradcli.engine.device import np
from gradcli.engine.dtypes import TYPE_NAMES, as_dtype, dtype_kind, promoted
from gradcli.errors import UserError
from gradcli.ops.arithmetic import abs as absolute
from gradcli.ops.arithmetic import reciprocal, sgn
from gradcli.ops.copies import conj, imag, masked_fill, part, real, to_dtype, two_floats, where, zeros_like
from gradcli.ops.define import composite, op
from gradcli.ops.kinds import in_turn, kind_of, only, refuse, single_or_double
from gradcli.ops.shape import broadcast_sizes


def pow_forward(self: Any, exponent: Any) -> Any:
    kind = kind_of(self)
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
    if hasattr(exponent, "dtype") and dtype_kind(exponent.dtype) == "i":
        self = as_dtype(self, exponent.dtype, exponent)
        # numpy refuses negative exponents; what is not whole is 0
        inverse = np.where(np.absolute(self) == 1, np.power(self, np.absolute(exponent)), 0)
        return np.where(exponent < 0, inverse, np.power(self, np.maximum(exponent, 0))).astype(exponent.dtype)
    return np.power(self, exponent)


def power_backward(grad: Any, self: Any, exponent: float) -> Any:
    return zeros_like(grad) if exponent == 0 else grad * conj(exponent * pow_scalar(self, exponent - 1))


def power_backward_exponent(grad: Any, self: Any, exponent: Any, result: Any) -> Any:
    """0 ** exponent is flat where the exponent is not negative, though log(0) is not finite."""
    return grad * where((self == 0) & not_negative(exponent), zeros_like(result), conj(result * log(self)))


def not_negative(exponent: Any) -> Any:
    return exponent >= 0 if dtype_kind(exponent.dtype) != "c" else (imag(exponent) == 0) & (real(exponent) >= 0)


def logarithm(number: float | complex) -> float | complex:
    """The natural logarithm of a number that is not 0; NaN for a negative one, as torch's formula has it."""
    if isinstance(number, complex):
        return cmath.log(number)
    return math.log(number) if number > 0 else math.nan


def polar_forward(abs: Any, angle: Any) -> Any:
    return abs * np.cos(angle) + 1j * (abs * np.sin(angle))


def angle_forward(self: Any) -> Any:
    """Of real numbers 0, or pi for the negative ones."""
    if dtype_kind(self.dtype) == "c":
        return np.arctan2(self.imag, self.real)
    return np.where(self < 0, math.pi, np.where(self == self, 0, self))


def angle_backward(grad: Any, self: Any) -> Any:
    """Orthogonal to `self`, and longer the nearer that is to the origin."""
    if dtype_kind(self.dtype) != "c":
        return zeros_like(grad)
    return where(self == 0, 0, grad * self / pow_scalar(absolute(self), 2) * 1j)


def inverse_square(self: Any, other: Any) -> Any:
    """1 / (self ** 2 + other ** 2), and 0 at the origin, where torch calls atan2 flat."""
    squares = self * self + other * other
    return masked_fill(reciprocal(squares), squares == 0, 0)


def acosh_slope(self: Any) -> Any:
    """1 / sqrt(self ** 2 - 1), on the branch of the complex acosh."""
    return rsqrt(self + 1) * rsqrt(self - 1) if dtype_kind(self.dtype) == "c" else rsqrt(self * self - 1)


def round_forward(self: Any, decimals: int) -> Any:
    """To a multiple of a power of ten, a half to the even one."""
    only("f", "round_cpu" if decimals else "round_vml_cpu")(self)
    scale = as_dtype(10.0 ** math.fabs(decimals), self.dtype, self)
    return np.rint(self * scale) / scale if decimals > 0 else np.rint(self / scale) * scale


def rounding(function: Any) -> Any:
    """`function` on floats; integers are whole already."""
    return lambda self: function(self) if dtype_kind(self.dtype) == "f" else self.copy()


pow_scalar = op(
    "pow.Tensor_Scalar(Tensor self, Scalar exponent)", "PowBackward0", pow_forward, promote="same",
    operands=("self", "exponent"),
    real_part=True,
    self=lambda grad, self, exponent: power_backward(grad, self, exponent),
)  # fmt: skip
pow_tensor = op(
    "pow.Tensor_Tensor(Tensor self, Tensor exponent)", "PowBackward1", pow_forward, promote="same",
    check=only("iufc", "pow"),
    real_part=True,
    self=lambda grad, self, exponent: where(
        exponent == 0, zeros_like(grad), grad * conj(exponent * pow_tensor(self, exponent - 1))
    ),
    exponent=lambda grad, self, exponent, result: power_backward_exponent(grad, self, exponent, result),
)  # fmt: skip
pow_of_number = op(
    "pow.Scalar(Scalar self, Tensor exponent)", "PowBackward2", pow_forward, promote="same",
    operands=("exponent", "self"),
    check=only("iufc", "pow"),
    real_part=True,
    exponent=lambda grad, self, exponent, result: (
        grad * where(not_negative(exponent), zeros_like(result), conj(result * -math.inf)) if self == 0
        else grad * conj(result * logarithm(self))
    ),
)  # fmt: skip


def logit_forward(self: Any, eps: float | None) -> Any:
    inside = self if eps is None else np.where(self < eps, eps, np.where(self > 1 - eps, 1 - eps, self))
    return np.log(inside / (1 - inside))


def logit_backward(grad: Any, self: Any, eps: float | None) -> Any:
    """Flat outside what `eps` leaves; without one, not defined outside of 0 to 1."""
    low, high, outside = (0.0, 1.0, math.nan) if eps is None else (eps, 1 - eps, 0.0)
    return where((self >= low) & (self <= high), grad / (self * (1 - self)), outside)


def ldexp_forward(self: Any, other: Any) -> Any:
    """`other` is promoted here: torch saves it as it is, and so 2 ** other is whole in the gradient of integers."""
    if dtype_kind(other.dtype) == "b" and dtype_kind(self.dtype) == "f":
        raise UserError("type", "\"ldexp_cpu_exp\" not implemented for 'Bool'")
    broadcast_sizes(self.shape, other.shape)
    self, exponent = promoted((self, other), True)
    return self * np.power(2, exponent)


def log_of_sum(self: Any, other: Any) -> Any:
    """log(exp(self) + exp(other)); of complex numbers, too."""
    if dtype_kind(self.dtype) != "c":
        return np.logaddexp(self, other)
    larger = np.where(self.real < other.real, other, self)
    return larger + np.log1p(np.exp(np.where(self.real < other.real, self, other) - larger))


def sinc_forward(self: Any) -> Any:
    angle = self * math.pi
    return np.where(self == 0, 1, np.sin(angle) / angle)


def sinc_backward(grad: Any, self: Any) -> Any:
    angle, square = self * math.pi, self * self * math.pi
    return where(square == 0, 0, grad * conj((angle * cos(angle) - sin(angle)) / square))


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
logaddexp = op(
    "logaddexp(Tensor self, Tensor other)", "LogaddexpBackward0", log_of_sum, promote="same",
    check=only("fc", "logaddexp_cpu"),
    self=lambda grad, self, other: grad / conj(exp(other - self) + 1),
    other=lambda grad, self, other: grad / conj(exp(self - other) + 1),
)  # fmt: skip
logaddexp2 = op(
    "logaddexp2(Tensor self, Tensor other)", "Logaddexp2Backward0", np.logaddexp2, promote="same",
    check=only("f", "logaddexp2_cpu"),
    self=lambda grad, self, other: grad / (pow_of_number(2, other - self) + 1),
    other=lambda grad, self, other: grad / (pow_of_number(2, self - other) + 1),
)  # fmt: skip
ldexp = op(
    "ldexp(Tensor self, Tensor other)", "LdexpBackward0",
    ldexp_forward,
    host_scalars=1,
    self=lambda grad, other: grad * conj(pow_of_number(2, other)),
    other=lambda grad, result: grad * conj(result) * math.log(2),
)  # fmt: skip
frexp = op(
    "frexp(Tensor self) -> (mantissa, exponent)", "FrexpBackward0", np.frexp, constant=("exponent",),
    check=refuse(**dict.fromkeys("biuc", "torch.frexp() only supports floating-point dtypes")),
    self=lambda grad, exponent: grad / exp2(exponent),
)  # fmt: skip
logit = op(
    "logit(Tensor self, float? eps=None)", "LogitBackward0", logit_forward, promote="float",
    check=refuse(c="\"logit_cpu\" not implemented for 'ComplexDouble'"),
    self=lambda grad, self, eps: logit_backward(grad, self, eps),
)  # fmt: skip
rad2deg = op(
    "rad2deg(Tensor self)", "Rad2DegBackward0", lambda self: self * (180 / math.pi),
    promote="float",
    check=refuse(c="rad2deg is not supported for complex tensors."),
    self=lambda grad: grad * (180 / math.pi),
)  # fmt: skip
deg2rad = op(
    "deg2rad(Tensor self)", "Deg2RadBackward0", lambda self: self * (math.pi / 180),
    promote="float",
    check=refuse(c="deg2rad is not supported for complex tensors."),
    self=lambda grad: grad * (math.pi / 180),
)  # fmt: skip
sinc = op(
    "sinc(Tensor self)", "SincBackward0", sinc_forward, promote="float",
    self=lambda grad, self: sinc_backward(grad, self),
)  # fmt: skip
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
polar = op(
    "polar(Tensor abs, Tensor angle)", "PolarBackward0", polar_forward,
    check=in_turn(two_floats, single_or_double("polar_cpu")),
    abs=lambda grad, result: part(conj(grad) * sgn(result), 0),
    angle=lambda grad, result: part(conj(grad) * (result * 1j), 0),
)  # fmt: skip
angle = op(
    "angle(Tensor self)", "AngleBackward0", angle_forward, promote="float",
    self=lambda grad, self: angle_backward(grad, self),
)  # fmt: skip
atan2 = op(
    "atan2(Tensor self, Tensor other)", "Atan2Backward0", np.arctan2, promote="float",
    check=only("biuf", "atan2_cpu"),
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
    lambda grad_output, self: np.where(self <= 0, 0, grad_output),
    grad_output=lambda grad, self: threshold_backward(grad, self),
    self=lambda grad: zeros_like(grad),
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
round_decimals = op(
    "round.decimals(Tensor self, *, int decimals)", "RoundBackward1", round_forward,
    self=lambda grad: zeros_like(grad),
)  # fmt: skip
frac = op(
    "frac(Tensor self)", "FracBackward0", lambda self: self - np.trunc(self),
    check=only("f", "frac_cpu"),
    self=lambda grad: grad,
)  # fmt: skip


@composite("special::round(Tensor input, *, int decimals=0)")
def special_round(input: Any, decimals: int = 0) -> Any:
    return round_decimals(input, decimals)


@composite("square(Tensor self)")
def square(self: Any) -> Any:
    return pow_scalar(self, 2)


@composite("Tensor::square_(Tensor self)")
def square_(self: Any) -> Any:
    return pow_scalar.inplace(self, 2)


def in_double(self: Any, other: Any) -> Any:
    """`self`, in the dtype in which float_power computes with `other`."""
    kinds = (kind_of(getattr(operand, "array", operand)) for operand in (self, other))
    dtype = np.dtype(np.complex128 if "c" in kinds else np.float64)
    if hasattr(self, "dtype"):
        return self if self.dtype == dtype else to_dtype(self, dtype)
    return complex(self) if dtype_kind(dtype) == "c" else float(self)


@composite("float_power(Tensor self, Tensor exponent)")
def float_power(self: Any, exponent: Any) -> Any:
    return pow_tensor(in_double(self, exponent), in_double(exponent, self))


@composite("float_power.Tensor_Scalar(Tensor self, Scalar exponent)")
def float_power_scalar(self: Any, exponent: Any) -> Any:
    return pow_scalar(in_double(self, exponent), in_double(exponent, self))


@composite("float_power.Scalar(Scalar self, Tensor exponent)")
def float_power_of_number(self: Any, exponent: Any) -> Any:
    return pow_of_number(in_double(self, exponent), in_double(exponent, self))


@composite("Tensor::float_power_(Tensor self, Tensor|Scalar exponent)")
def float_power_(self: Any, exponent: Any) -> Any:
    exponent = in_double(exponent, self)
    kinds = [kind_of(getattr(operand, "array", operand)) for operand in (self, exponent)]
    wanted = "complex128" if "c" in kinds else "float64"
    if self.dtype.name != wanted:
        raise UserError(
            "type",
            f"the base given to float_power_ has dtype {TYPE_NAMES[self.dtype.name]} but the operation's result "
            f"requires dtype {TYPE_NAMES[wanted]}",
        )
    return (pow_tensor if hasattr(exponent, "array") else pow_scalar).inplace(self, exponent)
