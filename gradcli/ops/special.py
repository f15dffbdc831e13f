"""Special functions."""

from __future__ import annotations

import math
from typing import Any

from gradcli.engine.device import SpecialFunction, beside, np
from gradcli.engine.dtypes import TYPE_NAMES, as_dtype, finfo, is_reduced, result_type
from gradcli.errors import UserError
from gradcli.ops.arithmetic import abs as absolute
from gradcli.ops.arithmetic import not_derived, reciprocal, sgn
from gradcli.ops.copies import masked_fill, where
from gradcli.ops.define import composite, op
from gradcli.ops.elementary import exp, log, pow_scalar
from gradcli.ops.kinds import in_turn, only, refuse, single_or_double
from gradcli.ops.reduce import sum_dim
from gradcli.ops.shape import unsqueeze


def in_float64(function: Any) -> Any:
    """`function` computed in float64, its result in the dtype of the operands, of which one may be a number."""

    def forward(*operands: Any) -> Any:
        like = next(one for one in operands if hasattr(one, "dtype"))
        return function(*(as_dtype(one, np.dtype(np.float64), like) for one in operands)).astype(like.dtype)

    return forward


erf_of, erfc_of, lgamma_of = SpecialFunction("erf"), SpecialFunction("erfc"), SpecialFunction("lgamma", "gammaln")


def erfinv_forward(self: Any) -> Any:
    """A rough formula (Winitzki's), made exact by Halley's steps."""
    size = np.clip(np.absolute(self), 0, 1 - 2.0**-53)
    half = np.log1p(-size * size) / 2
    middle = 2 / (math.pi * 0.147) + half
    root = np.sqrt(np.sqrt(middle * middle - 2 * half / 0.147) - middle)
    for _ in range(4):
        error = (
            np.where(size < 0.5, erf_of(root) - size, (1 - size) - erfc_of(root))
            * np.exp(root * root)
            * (math.sqrt(math.pi) / 2)
        )
        root = root - error / (1 + root * error)
    root = np.where(size == 0, 0.0, root)
    outside = np.where(np.absolute(self) > 1, np.nan, np.where(np.absolute(self) == 1, np.inf, root))
    return np.copysign(np.where(np.isnan(self), np.nan, outside), self)


def erfcx_forward(self: Any) -> Any:
    """exp(self ** 2) * erfc(self), and from 10 on its asymptotic series, where the factors overflow."""
    far = np.maximum(self, 10)
    series, term = np.ones_like(far), np.ones_like(far)
    for k in range(1, 17):
        term = term * -(2 * k - 1) / (2 * far * far)
        series = series + term
    near = np.minimum(self, 10)
    return np.where(self > 10, series / (far * math.sqrt(math.pi)), np.exp(near * near) * erfc_of(near))


def log_ndtr_forward(self: Any) -> Any:
    t = self * math.sqrt(0.5)
    low, high = np.minimum(t, -math.sqrt(0.5)), np.maximum(t, -math.sqrt(0.5))
    return np.where(self < -1, np.log(erfcx_forward(-low) / 2) - low * low, np.log1p(-erfc_of(high) / 2))


def entr_forward(self: Any) -> Any:
    """-self * log(self), 0 at 0, and minus infinity below."""
    inside = np.where(self == 0, 0, -self * np.log(self))
    return np.where(self < 0, as_dtype(-math.inf, self.dtype, self), inside)


def digamma_forward(self: Any) -> Any:
    """Reflected to the right, moved beyond 10, and there by the asymptotic series."""
    reflected = self < 0
    part = self - np.trunc(self)
    x = np.where(reflected, 1 - self, self)
    total = np.where(reflected, -math.pi / np.tan(math.pi * part), 0.0)
    for _ in range(10):
        small = x < 10
        total = np.where(small, total - 1 / x, total)
        x = np.where(small, x + 1, x)
    square = 1 / (x * x)
    series = np.zeros_like(x)
    for coefficient in (1 / 12, -691 / 32760, 1 / 132, -1 / 240, 1 / 252, -1 / 120, 1 / 12):
        series = (series + coefficient) * square
    result = total + np.log(x) - 0.5 / x - series
    result = np.where(reflected & (part == 0), np.nan, result)
    return np.where(self == 0, np.copysign(np.inf, -self), result)


def trigamma(self: Any) -> Any:
    """To the precision that torch has: six steps to the right, and three terms of the series."""
    reflected = self < 0.5
    x = np.where(reflected, 1 - self, self)
    total = np.zeros_like(x)
    for _ in range(6):
        total = total + 1 / (x * x)
        x = x + 1
    square = 1 / (x * x)
    total = total + (1 + 1 / (2 * x) + square * (1 / 6 - square * (1 / 30 - square / 42))) / x
    sine = np.sin(math.pi * self)
    return np.where(reflected, math.pi**2 / (sine * sine) - total, total)


def polygamma_forward(n: int, self: Any) -> Any:
    if n < 0:
        raise UserError("value", "polygamma(n, x) does not support negative n.")
    if n == 0:
        return in_float64(digamma_forward)(self)
    if n == 1:  # in its own precision, which shows near the poles
        return trigamma(as_dtype(self, np.promote_types(self.dtype, np.float32))).astype(self.dtype)
    factorial = np.exp(math.lgamma(n + 1)).item()  # infinite from 171 on
    return in_float64(lambda x: (-1) ** (n + 1) * factorial * zeta_forward(as_dtype(n + 1, x.dtype, x), x))(self)


# B(2j) / (2j)!, of the Euler-Maclaurin sum
EULER_MACLAURIN = (
    1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160, -691 / 1307674368000, 1 / 74724249600,
    -3617 / 10670622842880000, 43867 / 5109094217170944000,
)  # fmt: skip


def zeta_forward(self: Any, other: Any) -> Any:
    """The sum of (other + k) ** -self over all k: the first ones by themselves, the others as an integral."""
    finite = other[np.isfinite(other)]
    lowest = min(finite.min().item(), 0.0) if finite.size else 0.0
    total, a = 0.0, other
    for _ in range(min(9 + math.ceil(9 - lowest), 10_000)):
        total, a = total + np.power(a, -self), a + 1
    power = np.power(a, -self)
    total = total + a * power / (self - 1) + power / 2
    factor = self * power / a
    for j, coefficient in enumerate(EULER_MACLAURIN):
        total = total + factor * coefficient
        factor = factor * (self + 2 * j + 1) * (self + 2 * j + 2) / (a * a)
    whole = other == np.floor(other)
    total = np.where((other <= 0) & whole, np.inf, total)
    total = np.where((other <= 0) & ~whole & (self != np.floor(self)), np.nan, total)
    return np.where(self == 1, np.inf, np.where(self < 1, np.nan, total))


def scaled_bessel(order: int) -> Any:
    """exp(-|x|) I(x), of order 0 or 1: the mean of cosh(x cos t) or sinh(x cos t) cos t, and a series from 50 on."""

    def forward(self: Any) -> Any:
        size = np.absolute(self)
        near, far = np.minimum(size, 50)[..., None], np.maximum(size, 50)
        angle = np.arange(64, like=self) * (2 * math.pi / 64)
        wave = near * np.cos(angle)
        values = np.cosh(wave) if order == 0 else np.sinh(wave) * np.cos(angle)
        mean = np.add.reduce(values, axis=-1) / 64 * np.exp(-near[..., 0])
        series, term = np.ones_like(far), np.ones_like(far)
        for k in range(1, 14):
            term = term * ((2 * k - 1) ** 2 - 4 * order) / (8 * k * far)
            series = series + term
        result = np.where(size < 50, mean, series / np.sqrt(2 * math.pi * far))
        result = np.where(np.isinf(size), 0.0, result)
        return result if order == 0 else np.copysign(result, self)

    return forward


def bessel(order: int) -> Any:
    """I(x), of order 0 or 1; it overflows with the exponential, as torch's does."""
    scaled = in_float64(scaled_bessel(order))

    def forward(self: Any) -> Any:
        x = as_dtype(self, np.promote_types(self.dtype, np.float32))
        return (scaled(x) * np.exp(np.absolute(x))).astype(self.dtype)

    return forward


def mvlgamma_forward(self: Any, p: int) -> Any:
    if p < 1:
        raise UserError("value", "p has to be greater than or equal to 1")
    parts = lgamma_of(half_steps_forward(self, p) + self[..., None])
    return np.add.reduce(parts, axis=-1) + p * (p - 1) * math.log(math.pi) / 4


def half_steps_forward(self: Any, p: int) -> Any:
    return beside(self, np.arange(1 - p, 1)).astype(self.dtype) / 2


def bessel_slope(kernel: str, input: Any, even: Any, odd: Any, scaled: bool) -> Any:
    """The derivative of I1, of which the formula divides by `input`: at 0 it is 1/2."""
    if is_reduced(input.dtype):
        raise UserError("type", f"\"{kernel}\" not implemented for '{TYPE_NAMES[input.dtype.name]}'")
    tiny = float(finfo(input.dtype).eps)
    nonzero = absolute(input) > tiny
    safe = where(nonzero, input, tiny)
    slope = even(safe) - odd * (sgn(safe) + reciprocal(safe) if scaled else reciprocal(safe))
    return where(nonzero, slope, 0.5)


def xlogy_forward(self: Any, other: Any, logarithm: Any = np.log) -> Any:
    """0 where `self` is 0, though the logarithm of `other` may not be finite."""
    dtype, like = result_type((self, other)), self if hasattr(self, "dtype") else other
    self, other = as_dtype(self, dtype, like), as_dtype(other, dtype, like)
    return np.where((self == 0) & ~np.isnan(other), 0, self * logarithm(other))


def xlog1py_forward(self: Any, other: Any) -> Any:
    return xlogy_forward(self, other, np.log1p)


erf = op(
    "erf(Tensor self)", "ErfBackward0", erf_of, promote="float",
    check=only("biuf", "erf_vml_cpu"),
    self=lambda grad, self: 2 / math.sqrt(math.pi) * exp(-pow_scalar(self, 2)) * grad,
)  # fmt: skip
erfc = op(
    "erfc(Tensor self)", "ErfcBackward0", erfc_of, promote="float",
    check=only("biuf", "erfc_vml_cpu"),
    self=lambda grad, self: -2 / math.sqrt(math.pi) * exp(-pow_scalar(self, 2)) * grad,
)  # fmt: skip
xlogy = op(
    "xlogy(Tensor self, Tensor other)", "XlogyBackward0", xlogy_forward, promote="float",
    check=only("biuf", "xlogy_cpu"),
    self=lambda grad, self, other: masked_fill(xlogy(grad, other), (self == 0) & (other <= 0), 0),
    other=lambda grad, self, other: grad * self / other,
)  # fmt: skip
xlogy_of_number = op(
    "xlogy.Scalar_Self(Scalar self, Tensor other)", "XlogyBackward1", xlogy_forward, promote="float",
    operands=("other", "self"),
    check=only("biuf", "xlogy_cpu"),
    other=lambda grad, self, other: grad * self / other,
)  # fmt: skip
xlogy_scalar = op(
    "xlogy.Scalar_Other(Tensor self, Scalar other)", "XlogyBackward2", xlogy_forward, promote="float",
    operands=("self", "other"),
    check=only("biuf", "xlogy_cpu"),
    self=lambda grad, self, other: (
        xlogy_scalar(grad, other) if other > 0 else masked_fill(xlogy_scalar(grad, other), self == 0, 0)
    ),
)  # fmt: skip
xlog1py = op(
    "xlog1py(Tensor input, Tensor other)", "SpecialXlog1PyBackward0", xlog1py_forward, promote="float",
    check=only("biuf", "xlog1py_cpu"),
    input=lambda grad, input, other: masked_fill(xlog1py(grad, other), (input == 0) & (other <= -1), 0),
    other=lambda grad, input, other: grad * input / (other + 1),
)  # fmt: skip
xlog1py_of_number = op(
    "xlog1py.self_scalar(Scalar input, Tensor other)", "SpecialXlog1PyBackward1", xlog1py_forward, promote="float",
    operands=("other", "input"),
    check=only("biuf", "xlog1py_cpu"),
    other=lambda grad, input, other: grad * input / (other + 1),
)  # fmt: skip
xlog1py_scalar = op(
    "xlog1py.other_scalar(Tensor input, Scalar other)", "SpecialXlog1PyBackward2", xlog1py_forward, promote="float",
    operands=("input", "other"),
    check=only("biuf", "xlog1py_cpu"),
    input=lambda grad, input, other: (
        xlog1py_scalar(grad, other) if other > -1 else masked_fill(xlog1py_scalar(grad, other), input == 0, 0)
    ),
)  # fmt: skip
erfinv = op(
    "erfinv(Tensor self)", "ErfinvBackward0", in_float64(erfinv_forward), promote="float",
    check=only("biuf", "erfinv_vml_cpu"),
    self=lambda grad, self: math.sqrt(math.pi) / 2 * exp(pow_scalar(erfinv(self), 2)) * grad,
)  # fmt: skip
erfcx = op(
    "erfcx(Tensor input)", "SpecialErfcxBackward0", in_float64(erfcx_forward), promote="float",
    check=single_or_double("erfcx_cpu"),
    input=lambda grad, input, result: (2 * input * result - 2 / math.sqrt(math.pi)) * grad,
)  # fmt: skip
log_ndtr = op(
    "log_ndtr(Tensor input)", "SpecialLogNdtrBackward0", in_float64(log_ndtr_forward), promote="float",
    check=single_or_double("log_ndtr_cpu"),
    input=lambda grad, input, result: (
        grad / math.sqrt(2 * math.pi) * exp(-(result + pow_scalar(input, 2) / 2))
    ),
)  # fmt: skip
ndtri = op(
    "ndtri(Tensor input)", "SpecialNdtriBackward0", SpecialFunction("ndtri"), promote="float",
    check=single_or_double("ndtri_cpu"),
    input=lambda grad, result: grad * math.sqrt(2 * math.pi) * exp(pow_scalar(result, 2) / 2),
)  # fmt: skip
entr = op(
    "entr(Tensor input)", "SpecialEntrBackward0", entr_forward, promote="float",
    check=only("biuf", "entr_cpu"),
    input=lambda grad, input: grad * -(log(input) + 1),
)  # fmt: skip
lgamma = op(
    "lgamma(Tensor self)", "LgammaBackward0", lgamma_of, promote="float",
    check=only("biuf", "lgamma_vml_cpu"),
    self=lambda grad, self: grad * digamma(self),
)  # fmt: skip
digamma = op(
    "digamma(Tensor self)", "DigammaBackward0", in_float64(digamma_forward), promote="float",
    check=only("biuf", "digamma"),
    self=lambda grad, self: grad * polygamma(1, self),
)  # fmt: skip
polygamma = op(
    "polygamma(int n, Tensor self)", "PolygammaBackward0", polygamma_forward, promote="float",
    check=only("biuf", "polygamma"),
    self=lambda grad, n, self: grad * polygamma(n + 1, self),
)  # fmt: skip
polygamma_in_place = op(
    "_polygamma(Tensor self, int n)", "PolygammaBackward1", lambda self, n: polygamma_forward(n, self),
    promote="float",
    check=only("biuf", "polygamma"),
    self=lambda grad, self, n: grad * polygamma(n + 1, self),
)  # fmt: skip
half_steps = op("_half_steps(Tensor self, int p)", None, half_steps_forward)
mvlgamma = op(
    "mvlgamma(Tensor self, int p)", "MvlgammaBackward0", mvlgamma_forward, promote="float",
    check=in_turn(only("biuf", "mvlgamma_cpu"), refuse(b="The input tensor may not be a boolean tensor.")),
    self=lambda grad, self, p: grad * sum_dim(digamma(half_steps(self, p) + unsqueeze(self, -1)), -1),
)  # fmt: skip
zeta = op(
    "zeta(Tensor input, Tensor other)", "SpecialZetaBackward0", in_float64(zeta_forward), promote="float",
    check=single_or_double("zeta_cpu"),
    input=not_derived("zeta"),
    other=lambda grad, input, other: grad * -input * zeta(input + 1, other),
)  # fmt: skip
zeta_of_number = op(
    "zeta.self_scalar(Scalar input, Tensor other)", "SpecialZetaBackward1", in_float64(zeta_forward), promote="float",
    operands=("other", "input"),
    check=single_or_double("zeta_cpu"),
    other=lambda grad, input, other: grad * -input * zeta_of_number(input + 1, other),
)  # fmt: skip
zeta_scalar = op(
    "zeta.other_scalar(Tensor input, Scalar other)", "SpecialZetaBackward2", in_float64(zeta_forward), promote="float",
    operands=("input", "other"),
    check=single_or_double("zeta_cpu"),
    input=not_derived("zeta"),
)  # fmt: skip
igamma = op(
    "igamma(Tensor self, Tensor other)", "IgammaBackward0", SpecialFunction("igamma", "gammainc"), promote="same",
    check=only("f", "igamma_cpu"),
    self=not_derived("igamma: input"),
    other=lambda grad, self, other: grad * exp((self - 1) * log(other) - other - lgamma(self)),
)  # fmt: skip
igammac = op(
    "igammac(Tensor self, Tensor other)", "IgammacBackward0", SpecialFunction("igammac", "gammaincc"), promote="same",
    check=only("f", "igammac_cpu"),
    self=not_derived("igammac: input"),
    other=lambda grad, self, other: -grad * exp((self - 1) * log(other) - other - lgamma(self)),
)  # fmt: skip
i0 = op(
    "i0(Tensor self)", "I0Backward0", bessel(0), promote="float",
    check=only("biuf", "i0_vml_cpu"),
    self=lambda grad, self: grad * i1(self),
)  # fmt: skip
i0e = op(
    "i0e(Tensor input)", "SpecialI0EBackward0", in_float64(scaled_bessel(0)), promote="float",
    check=only("biuf", "i0e_cpu"),
    input=lambda grad, input, result: grad * (i1e(input) - sgn(input) * result),
)  # fmt: skip
i1 = op(
    "i1(Tensor input)", "SpecialI1Backward0", bessel(1), promote="float",
    check=only("biuf", "i1_cpu"),
    input=lambda grad, input, result: grad * bessel_slope("i1_backward", input, i0, result, False),
)  # fmt: skip
i1e = op(
    "i1e(Tensor input)", "SpecialI1EBackward0", in_float64(scaled_bessel(1)), promote="float",
    check=only("biuf", "i1e_cpu"),
    input=lambda grad, input, result: grad * bessel_slope("i1e_backward", input, i0e, result, True),
)  # fmt: skip


@composite("ndtr(Tensor input)")
def ndtr(input: Any) -> Any:
    return (erf(input * math.sqrt(0.5)) + 1) * 0.5


@composite("Tensor::polygamma(Tensor self, int n)")
def polygamma_method(self: Any, n: int) -> Any:
    return polygamma(n, self)


@composite("Tensor::polygamma_(Tensor self, int n)")
def polygamma_(self: Any, n: int) -> Any:
    return polygamma_in_place.inplace(self, n)
