"""What dtype, and what values, elementwise operations give for operands of every pair of dtypes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from . import sliding, special_samples
from .nn_samples import DTYPES as NN

DTYPES = (
    "bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64", "complex64", "complex128",
)  # fmt: skip
LETTERS = dict(zip(DTYPES, "?BbhiqeEfdFD", strict=True))
SCALARS = (True, 2, 2.5, 1 + 2j)
LEFT, RIGHT = [1, 2, 3], [2, 1, 3]
BINARY = (
    "a + b", "a - b", "a * b", "a / b", "a // b", "a % b", "a ** b", "add(a, b)", "fmod(a, b)", "maximum(a, b)",
    "minimum(a, b)", "atan2(a, b)", "a == b", "a < b", "a >= b", "a & b", "a | b", "a ^ b", "a << b", "a >> b",
    "logical_and(a, b)", "where(m, a, b)", "rsub(a, b)", "div(a, b, rounding_mode='floor')",
    "div(a, b, rounding_mode='trunc')", "add(a, b, alpha=2)", "clamp(a, b)", "lerp(a, b, 0.5)", "cat([a, b])",
    "a.masked_fill(m, b)", "a.mul_(b)", "a.add_(b)", "a.div_(b)", "a.copy_(b)", "a.fill_(b)", "a.pow_(b)",
    "hypot(a, b)", "copysign(a, b)", "ldexp(a, b)", "gcd(a, b)", "lcm(a, b)", "nextafter(a, b)", "logaddexp(a, b)", "logaddexp2(a, b)",
    "xlogy(a, b)", "fmax(a, b)", "fmin(a, b)", "clamp_min(a, b)", "clamp_max(a, b)", "heaviside(a, b)", "isclose(a, b)", "float_power(a, b)",
    "addcmul(a, b, a)", "addcdiv(a, b, a)", "lerp(a, a, b)", "a.copysign_(b)", "a.addcmul_(b, b)",
    "torch.special.xlog1py(a, b)", "torch.special.zeta(a, b)", "torch.complex(a, b)", "torch.polar(a, b)", "isin(a, b)",
    "igamma(a, b)", "torch.special.hermite_polynomial_h(a, b)",
    "stack([a, b])", "mse_loss(a, b)", "dot(a, b)", "a.where(m, b)", "clamp(a, max=b)",
)  # fmt: skip
REFLECTED = (
    "xlogy(b, a)",
    "torch.special.zeta(b, a)",
    "torch.special.xlog1py(b, a)",
    "torch.special.hermite_polynomial_h(b, a)",
    "float_power(b, a)",
    "bitwise_and(b, a)",
    "bitwise_left_shift(b, a)",
    "b + a",
    "b - a",
    "b * a",
    "b / a",
    "b // a",
    "b % a",
    "b ** a",
    "b < a",
    "b & a",
    "b << a",
)
UNARY = (
    "abs", "acos", "asin", "atan", "ceil", "clone", "conj", "cos", "cosh", "erf", "exp", "exp2", "expm1", "floor", "frac",
    "isfinite", "isnan", "isinf", "log", "log10", "log1p", "log2", "logical_not", "logsigmoid", "nan_to_num", "neg", "positive",
    "reciprocal", "relu", "round", "rsqrt", "sgn", "sigmoid", "sign", "silu", "sin", "sinh", "softplus", "sqrt", "square",
    "tan", "tanh", "trunc", "leaky_relu", "sum", "prod", "mean", "max", "min", "amax", "all", "any", "argmax", "norm", "var", "std",
    "bitwise_not", "count_nonzero", "sort", "real", "imag", "erfc", "logit", "sinc", "rad2deg", "deg2rad", "signbit", "isposinf", "isneginf", "isreal",
    "erfinv", "lgamma", "digamma", "i0", "angle", "torch.special.erfcx", "torch.special.entr", "torch.special.ndtr", "torch.special.log_ndtr",
    "torch.special.ndtri", "torch.special.i0e", "torch.special.i1", "torch.special.i1e", "cov", "corrcoef", "trapezoid", "cumulative_trapezoid", "vander",
    "gradient", "histc", "bincount", "argwhere",
    "frexp", "aminmax", "nansum", "nanmean", "median", "nanmedian", "mode", "msort", "var_mean", "std_mean", "unique", "unique_consecutive", "diff",
    "torch.special.round", *(f"torch.special.{name}" for name in special_samples.CONSTANT),
)  # fmt: skip
OTHERS = ("polygamma(0, a)", "a.polygamma_(1)", "a.lgamma_()", "polygamma(1, a)", "polygamma(2, a)", "mvlgamma(a + 3, 2)", "renorm(a[None], 2, 0, 1)", "bincount(i, a)", "cummax(a, 0)", "cummin(a, 0)", "logcumsumexp(a, 0)", "median(a, 0)", "nanmedian(a, 0)", "kthvalue(a, 1)", "quantile(a, 0.5)",
          "sort(a, stable=True)", "round(a, decimals=1)", "nansum(a, dtype=float64)", "aminmax(a, dim=0)", "linalg.matrix_norm(a[None])",
          "linalg.matrix_norm(a[None], 1)", "dist(a, a)", "argsort(a, stable=True)", "searchsorted(a, a)", "cumsum(a, 0)", "cumprod(a, 0)", "softmax(a, 0)", "log_softmax(a, 0)", "logsumexp(a, 0)", "linalg.vector_norm(a)",
          "sum(a, 0)", "mean(a, dim=0)", "prod(a, 0)", "var(a, 0)", "max(a, 0)", "amin(a, 0)", "clamp(a, 0, 2)",
          "layer_norm(a, [3])", "a.sum(dtype=float32)", "a.to(float16)", "outer(a, a)", "topk(a, 1)", "tril(a[None])",
          "a.view(3, 1) @ a.view(1, 3)", "a.masked_fill(m, 2)", "a.masked_fill(m, 2.5)", "zeros_like(a)", "ones_like(a)",
          "full_like(a, 3)", "a.exp_()", "a.abs_()", "a.sigmoid_()", "a.floor_()", "a.fill_(2.5)", "a.neg_()", "a.clamp_(0, 2)",
          "a ** 2", "a ** -1", "a ** 0.5", "bernoulli(a * 0)", "dropout(a)", "flip(a, [0])", "gather(a, 0, i)", "a[i]", "a[m]",
          "a.scatter_add(0, i, a)", "a.index_select(0, i)", "diagonal(outer(a, a))", "trace(outer(a, a))")  # fmt: skip


def cases(expression: str) -> Iterator[tuple[str, str, Any]]:
    """The dtype of `a`; "tensor", "0-dim" or "number"; and the dtype of `b` or the number that it is."""
    for left in DTYPES:
        if " b" not in f" {expression}".replace("(", " ") and "b " not in expression:
            yield left, "none", None
            continue
        for kind in () if expression in REFLECTED else ("tensor", "0-dim"):
            for right in DTYPES:
                yield left, kind, right
        for number in SCALARS:
            yield left, "number", number


def operands(make: Callable[[Any, str], Any], left: str, kind: str, right: Any) -> dict[str, Any]:
    """The bindings of a case; `make` makes a tensor of values and a dtype."""
    b = right if kind == "number" else None if kind == "none" else make(RIGHT if kind == "tensor" else RIGHT[0], right)
    return {"a": make(LEFT, left), "b": b, "m": make([True, False, True], "bool"), "i": make([2, 0, 1], "int64")}


EXPRESSIONS = (*BINARY, *REFLECTED, *(f"{name}(a)" for name in UNARY), *OTHERS, *NN, *sliding.DTYPES)
