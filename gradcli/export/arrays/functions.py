"""Activations and special functions in NumPy's and SciPy's words."""

from __future__ import annotations

from collections.abc import Callable

from gradcli.engine.device import np
from gradcli.export.arrays.texts import Use, at, is_one, of_kinds, text


def gelu(use: Use) -> str:
    if use.values["approximate"] == "tanh":
        return "0.5 * input * (1 + np.tanh((2 / np.pi) ** 0.5 * (input + 0.044715 * input ** 3)))"
    return "0.5 * input * (1 + special.erf(input / 2 ** 0.5))"


def gelu_backward(use: Use) -> str:
    if use.values["approximate"] == "tanh":
        slope = "np.tanh((2 / np.pi) ** 0.5 * (self + 0.044715 * self ** 3))"
        inner = "(2 / np.pi) ** 0.5 * (1 + 0.134145 * self ** 2)"
        return f"0.5 * grad_output * (1 + {slope} + self * (1 - {slope} ** 2) * {inner})"
    cdf = "0.5 * (1 + special.erf(self / 2 ** 0.5))"
    return f"grad_output * ({cdf} + self * np.exp(-self ** 2 / 2) / (2 * np.pi) ** 0.5)"


def conjugated(slope: str) -> Callable[[Use], str]:
    """A gradient times a slope, which is conjugated if it is complex."""
    return lambda use: f"grad_output * {slope if use.results[0].dtype.kind == 'f' else f'np.conj({slope})'}"


def safe_softmax(use: Use) -> str:
    """Zeros where nothing has a share."""
    if bool((use.values["self"].array != -np.inf).any(axis=use.values["dim"]).all()):
        return SOFTMAX
    return f"np.where((self == -np.inf).all(axis=dim, keepdims=True), 0, {SOFTMAX})"


def mvlgamma(use: Use) -> str | None:
    """SciPy refuses what is too small."""
    inside = bool((use.values["self"].array > (use.values["p"] - 1) / 2).all())
    return "special.multigammaln(self, p).astype(dtype)" if inside else None


def inexact(use: Use, word: str) -> str:
    """Booleans, of which SciPy has no functions, or others, as floats."""
    kind = getattr(getattr(use.values[word], "dtype", None), "kind", "f")
    return f"{word}.astype(dtype)" if kind == "b" else word


def special(function: str) -> Callable[[Use], str]:
    """A function of SciPy's, which takes a number for a double."""

    def made(use: Use) -> str:
        numbers = any(isinstance(value, int | float) for value in use.values.values())
        cast = ".astype(dtype)" if numbers and use.results[0].dtype.name != "float64" else ""
        return f"special.{function}({', '.join(inexact(use, word) for word in use.trees)}){cast}"

    return made


def polynomial(made: str) -> Callable[[Use], str | None]:
    """An orthogonal polynomial, of a degree that is cut off to a whole number."""

    def form(use: Use) -> str | None:
        degree = use.values["n"]
        if isinstance(degree, int | float):
            lowest, word = degree, "n" if isinstance(degree, int) else f"{int(degree)}"
        else:
            lowest, word = degree.array.min() if degree.array.size else 0, "n.astype(int)"
            word = "n" if degree.dtype.kind in "iu" else word
        return f"{made.format(n=word)}.astype(dtype)" if lowest >= 0 else None

    return form


def elu_backward(use: Use) -> str:
    if use.values["is_result"]:
        return "grad_output * np.where(self_or_result > 0, scale, input_scale * (self_or_result + alpha * scale))"
    slope = "input_scale * alpha * np.exp(self_or_result * input_scale)"
    return f"grad_output * scale * np.where(self_or_result > 0, 1, {slope})"


# Activations

text("sigmoid", "1 / (1 + np.exp(-self))")
text("_sigmoid_backward", conjugated("output * (1 - output)"))
text("_tanh_backward", conjugated("(1 - output ** 2)"))
text("relu", "np.maximum(self, 0)")
text("_threshold_backward", "np.where(self > 0, grad_output, 0)")
text("_threshold_backward.threshold", "np.where(self > threshold, grad_output, 0)")
text("_threshold", of_kinds("f", "np.where(self > threshold, self, value)"))
text("_silu", "self / (1 + np.exp(-self))")
text("_mish", "self * np.tanh(np.logaddexp(0, self))")
text("logsigmoid", "-np.logaddexp(0, -input)")
text("_logsigmoid_backward", "grad_output / (1 + np.exp(self))")
text(
    "softplus",
    lambda use: (
        "np.logaddexp(0, input)"
        if is_one(use.values["beta"])
        else "np.where(input * beta > threshold, input, np.logaddexp(0, input * beta) / beta)"
    ),
)
text(
    "_softplus_backward",
    lambda use: (
        "grad_output / (1 + np.exp(-self))"
        if is_one(use.values["beta"])
        else "np.where(self * beta > threshold, grad_output, grad_output / (1 + np.exp(-self * beta)))"
    ),
)
text("gelu", gelu)
text("_gelu_backward", gelu_backward)
text("_elu", "scale * np.where(self > 0, self, alpha * np.expm1(self * input_scale))")
text("_elu_backward", elu_backward)
text("_celu", "np.where(self > 0, self, alpha * np.expm1(self / alpha))")
text("_leaky_relu", "np.where(self > 0, self, self * negative_slope)")
text("_leaky_relu_backward", "np.where(self > 0, grad_output, grad_output * negative_slope)")
text("_prelu_kernel", "np.where(self > 0, self, weight * self)")
text(
    "_prelu_kernel_backward",
    ["np.where(self > 0, grad_output, weight * grad_output)", "np.where(self > 0, 0, self * grad_output)"],
)
text("_hardtanh", of_kinds("f", "np.clip(self, min_val, max_val)"))
text("_hardtanh_backward", "np.where((self <= min_val) | (self >= max_val), 0, grad_output)")
text("_hardsigmoid", "np.clip(self + 3, 0, 6) / 6")
text("_hardsigmoid_backward", "np.where((self > -3) & (self < 3), grad_output * float(np.float32(1 / 6)), 0)")
text("_hardswish", "self * np.clip(self + 3, 0, 6) / 6")
text("_hardswish_backward", "np.where(self <= -3, 0, np.where(self < 3, grad_output * (self / 3 + 0.5), grad_output))")
text("hardshrink", "np.where((self >= -lambd) & (self <= lambd), 0, self)")
text("_hardshrink_backward", "np.where((self >= -lambd) & (self <= lambd), 0, grad_out)")
text("softshrink", "np.where(input > lambd, input - lambd, np.where(input < -lambd, input + lambd, 0))")
text("_softshrink_backward", "np.where((self >= -lambd) & (self <= lambd), 0, grad_output)")
SOFTMAX = "np.exp(self - np.logaddexp.reduce(self, axis=dim, keepdims=True))"
text("_softmax", SOFTMAX)
text("_safe_softmax", safe_softmax)
text("_softmax_backward", "output * (grad_output - (grad_output * output).sum(axis=dim, keepdims=True))")
text("_log_softmax", "self - np.logaddexp.reduce(self, axis=dim, keepdims=True)")
text("_log_softmax_backward", "grad_output - np.exp(output) * grad_output.sum(axis=dim, keepdims=True)")

# Special functions

for _name in (
    "erf",
    "erfc",
    "erfinv",
    "digamma",
    "i0",
    "i0e",
    "i1",
    "i1e",
    "xlogy",
    "xlog1py",
    "zeta",
    "entr",
    "log_ndtr",
    "ndtri",
    "erfcx",
):
    text(_name, special(_name))
text("lgamma", "special.gammaln(self)")
text("polygamma _polygamma", "special.polygamma(n, self).astype(dtype)")
text("igamma", "special.gammainc(self, other)")
text("igammac", "special.gammaincc(self, other)")
text("mvlgamma", mvlgamma)
text("_half_steps", "(np.arange(1 - p, 1) / 2).astype(dtype)")
text("airy_ai", lambda use: f"special.airy({inexact(use, 'x')})[0]")
text("spherical_bessel_j0", "np.sinc(x / np.pi)")
for _name, _function in (
    ("modified_bessel_i0", "i0"), ("modified_bessel_i1", "i1"), ("bessel_j0", "j0"), ("bessel_j1", "j1"),
    ("bessel_y0", "y0"), ("bessel_y1", "y1"), ("modified_bessel_k0", "k0"), ("modified_bessel_k1", "k1"),
):  # fmt: skip
    text(_name, special(_function))
text("scaled_modified_bessel_k0", "special.k0e(x)")
text("scaled_modified_bessel_k1", "special.k1e(x)")
for _name, _polynomial in (
    ("chebyshev_polynomial_t", "special.eval_chebyt({n}, x)"),
    ("chebyshev_polynomial_u", "special.eval_chebyu({n}, x)"),
    ("chebyshev_polynomial_v", "(special.eval_chebyu({n}, x) - special.eval_chebyu({n} - 1, x))"),
    ("chebyshev_polynomial_w", "(special.eval_chebyu({n}, x) + special.eval_chebyu({n} - 1, x))"),
    ("shifted_chebyshev_polynomial_t", "special.eval_sh_chebyt({n}, x)"),
    ("shifted_chebyshev_polynomial_u", "special.eval_sh_chebyu({n}, x)"),
    ("shifted_chebyshev_polynomial_v", "(special.eval_sh_chebyu({n}, x) - special.eval_sh_chebyu({n} - 1, x))"),
    ("shifted_chebyshev_polynomial_w", "(special.eval_sh_chebyu({n}, x) + special.eval_sh_chebyu({n} - 1, x))"),
    ("hermite_polynomial_h", "special.eval_hermite({n}, x)"),
    ("hermite_polynomial_he", "special.eval_hermitenorm({n}, x)"),
    ("laguerre_polynomial_l", "special.eval_laguerre({n}, x)"),
    ("legendre_polynomial_p", "special.eval_legendre({n}, x)"),
):
    text(_name, polynomial(_polynomial))

# Gated, random and normed


def halves(use: Use) -> tuple[str, str]:
    dim = use.values["dim"]
    half = use.size(dim) // 2
    return f"self[{at(use, dim, f':{half}')}]", f"self[{at(use, dim, f'{half}:')}]"


def glu(use: Use) -> str:
    first, second = halves(use)
    return f"{first} / (1 + np.exp(-{second}))"


def glu_backward(use: Use) -> str:
    first, second = halves(use)
    opened = f"grad_output / (1 + np.exp(-{second}))"
    return f"np.concatenate([{opened}, {opened} * {first} / (1 + np.exp({second}))], axis=dim)"


def rrelu(use: Use) -> str:
    slope = "noise" if use.values["training"] else "((lower + upper) / 2)"
    return f"np.where(self <= 0, self * {slope}, self)"


def rrelu_backward(use: Use) -> str:
    if use.values["training"] and use.values["upper"] - use.values["lower"] > 1e-6:
        return "grad_output * noise"
    return "np.where(self > 0, grad_output, grad_output * ((lower + upper) / 2))"


def norm_of(difference: str, axis: str) -> Callable[[Use], str]:
    """The p-norm of a difference over an axis, or of all of it."""
    size = f"np.abs({difference})"

    def made(use: Use) -> str:
        p = float(use.values["p"])
        if p == 0:
            return f"({difference} != 0).sum({axis}).astype(dtype)"
        if p == 1:
            return f"{size}.sum({axis})"
        if p == 2:
            real = use.results[0].dtype.kind == "f" and all(
                getattr(value, "dtype", use.results[0].dtype).kind != "c" for value in use.values.values()
            )
            return f"np.sqrt((({difference}) ** 2).sum({axis}))" if real else f"np.sqrt(({size} ** 2).sum({axis}))"
        if p == float("inf"):
            return f"{size}.max({axis})"
        return f"({size} ** p).sum({axis}) ** (1 / p)"

    return made


def renorm(use: Use) -> str | None:
    dims = tuple(dim for dim in range(use.rank()) if dim != use.values["dim"] % use.rank())
    return f"renormed(self, p, {dims}, maxnorm)" if float(use.values["p"]) != float("inf") else None


CROSSED = "x1[..., :, None, :] - x2[..., None, :, :]"
PAIRS = "np.triu_indices(len(self), 1)"
PAIRED = f"self[{PAIRS}[0]] - self[{PAIRS}[1]]"

text("_glu", glu)
text("_glu_backward", glu_backward)
text("_rrelu_with_noise", rrelu)
text("_rrelu_with_noise_backward", rrelu_backward)
text("renorm", renorm)
text("dist", norm_of("self - other", ""))
text("_cdist_forward", norm_of(CROSSED, "axis=-1"))
text("_cdist_backward", f"distance_slopes(grad, {CROSSED}, cdist, p).sum(axis=-2)")
text("_pdist_forward", norm_of(PAIRED, "axis=-1"))
text("_pdist_backward", f"summed_pairs(distance_slopes(grad, {PAIRED}, pdist, p), len(self))")
text(
    "_euclidean_dist",
    "np.sqrt(np.maximum((x1 ** 2).sum(axis=-1)[..., None] + (x2 ** 2).sum(axis=-1)[..., None, :] "
    "- 2 * x1 @ np.swapaxes(x2, -2, -1), 0))",
)
