"""Operations in NumPy's words, which are JAX's too, each with the formulas of its gradients.

In the templates, the parameters, `grad` and `result` stand for what they are where the operation is used, `np` for the
module of the script. More words that they know are those of `Use`; arguments that are not given fall out of calls.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

from gradcli.export.python import PLACE, call, changed, literal, method, name
from gradcli.record import Record
from gradcli.spec import tree
from gradcli.spec.expression import parse_expression

REQUIRED = object()
DEFAULTS: dict[str, Any] = {
    "": REQUIRED, "None": None, "False": False, "True": True, "0": 0, "1": 1, "mean": "mean", "0.01": 0.01,
}  # fmt: skip


class Use(Record):
    """An operation where it is used: trees and values of its arguments by parameter, its result and its gradient."""

    trees: dict[str, Any]
    values: dict[str, Any]
    result: Any = None
    grad: Any = None

    def word(self, word: str) -> Any:
        """What a word of a template stands for; None if for nothing but itself."""
        known = self.trees.get(word)
        if known is None and word in WORDS:
            known = WORDS[word](self)
        return known

    def kept(self, reduced: Any) -> Any:
        """What a reduction gave, with the dimensions that it had before as ones."""
        if self.values.get("dim") is None or self.values.get("keepdim"):
            return reduced
        return call("np.expand_dims", reduced, axis(self.trees["dim"]))

    def count(self) -> Any:
        """How many elements are reduced to one."""
        dims = self.values.get("dim")
        if dims is None:
            return tree.Attribute(self.trees["self"], "size", **PLACE)
        return literal(math.prod(self.values["self"].shape[dim] for dim in ([dims] if isinstance(dims, int) else dims)))

    def ranks(self) -> tuple[int, int]:
        return self.values["self"].ndim, self.values["other"].ndim


WORDS: dict[str, Callable[[Use], Any]] = {
    "grad": lambda use: use.grad,
    "result": lambda use: use.result,
    "kept_grad": lambda use: use.kept(use.grad),
    "kept_result": lambda use: use.kept(use.result),
    "count": Use.count,
    "ddof": lambda use: literal(int(use.values["unbiased"])),
}

# a text, or what makes it, a tree, or None where there is none
Template = str | Callable[[Use], Any]


class Row(Record):
    """`gradients` are those of parameters; None is no gradient at all."""

    parameters: tuple[tuple[str, Any], ...]
    forward: Template
    gradients: dict[str, Template | None]


TABLE: dict[str, Row] = {}


def op(signature: str, forward: Template, /, **gradients: Template | None) -> None:
    """Declare `name(parameter, other=default)`; several names, separated by blanks, are the same operation."""
    names, _, rest = signature.partition("(")
    pairs = [part.partition("=") for part in rest.rstrip(")").split(", ")]
    row = Row(tuple([(parameter, DEFAULTS[default]) for parameter, _, default in pairs]), forward, gradients)
    TABLE.update(dict.fromkeys(names.split(), row))


def filled(template: Template, use: Use) -> Any:
    """The tree of a template where an operation is used."""

    def change(node: Any) -> Any:
        if isinstance(node, tree.Name):
            known = use.word(node.id)
            return node if known is None else known
        if isinstance(node, tree.Method):
            words = [word for word in node.keywords if not is_left_out(word.value)]
            kept = [tree.Keyword(word.name, axis(word.value), **PLACE) for word in words]
            return tree.Method(node.target, node.name, node.args, tuple(kept), 0, **PLACE)
        if isinstance(node, tree.Call):
            return SPECIAL[node.function](use, *node.args)
        return node

    made = template if isinstance(template, str) else template(use)
    return changed(parsed(made), change) if isinstance(made, str) else made


@cache
def parsed(template: str) -> Any:
    return parse_expression(template, bound={"np"})


def is_left_out(value: Any) -> bool:
    return isinstance(value, tree.Constant) and (value.value is None or value.value is False)


def axis(dim: Any) -> Any:
    """Dimensions as NumPy takes them."""
    return tree.TupleOf(dim.items, **PLACE) if isinstance(dim, tree.ListOf) else dim


def reduced(use: Use, whole: Any) -> Any:
    """What `reduction` makes of a loss."""
    reduction = use.values["reduction"]
    return whole if reduction == "none" else method(whole, reduction)


def share(use: Use, whole: Any) -> Any:
    """The part that each element has in the gradient of a loss."""
    size = tree.Attribute(use.trees["self"], "size", **PLACE)
    return tree.Operator("div", (whole, size), **PLACE) if use.values["reduction"] == "mean" else whole


def scattered(use: Use, grad: Any, shape: Any, index: Any) -> Any:
    return call("scattered", grad, shape, tree.Subscript(name("np.s_"), index, **PLACE))


SPECIAL: dict[str, Callable[..., Any]] = {"reduced": reduced, "share": share, "scattered": scattered}


def power(use: Use) -> str:
    exponent = use.values["exponent"]
    if isinstance(exponent, int | float):
        if exponent in (0, 1, 2):
            return ("np.zeros_like(grad)", "grad", "grad * 2 * self")[int(exponent)]
        return f"grad * exponent * self ** ({exponent - 1!r})"
    return "np.where(exponent == 0, 0, grad * exponent * self ** (exponent - 1))"


def logarithm(use: Use) -> str | None:
    """The gradient of an exponent."""
    base = use.values["self"]
    if isinstance(base, int | float):
        return f"grad * result * {math.log(base)!r}" if base > 0 else None
    return "np.where((self == 0) & (exponent >= 0), 0, grad * result * np.log(self))"


def without_zeros(use: Use) -> str | None:
    """The gradient of a product, of which a zero would have to be left out."""
    return "kept_grad * kept_result / self" if use.values["self"].array.all() else None


def within(use: Use) -> str:
    bounds = [
        f"(self {sign} {bound})" for bound, sign in (("min", ">="), ("max", "<=")) if use.values[bound] is not None
    ]
    return f"np.where({' & '.join(bounds)}, grad, 0)"


def left(use: Use) -> str:
    """The gradient of `self` in `self @ other`."""
    mine, other = use.ranks()
    if other == 1:
        return "grad * other" if mine == 1 else "np.expand_dims(grad, -1) * other"
    return "grad @ np.swapaxes(other, -1, -2)" if other > 2 else "grad @ other.T"


def right(use: Use) -> str:
    """The gradient of `other` in `self @ other`."""
    other, mine = use.ranks()
    if other == 1:
        return "grad * self" if mine == 1 else "np.outer(self, grad)"
    return "np.swapaxes(self, -1, -2) @ grad" if other > 2 else "self.T @ grad"


def back(use: Use) -> str:
    """The gradient of a permutation."""
    dims = [dim % use.values["self"].ndim for dim in use.values["dims"]]
    return f"np.transpose(grad, {tuple(map(dims.index, range(len(dims))))})"


def outer(use: Use) -> str | None:
    """The gradient of the weights of a linear layer."""
    return {1: "np.outer(grad, self)", 2: "grad.T @ self"}.get(use.values["self"].ndim)


def over_rows(use: Use) -> str | None:
    return {1: "grad", 2: "grad.sum(axis=0)"}.get(use.values["self"].ndim)


def affine(use: Use) -> str:
    return "self @ weight.T" if use.values["bias"] is None else "self @ weight.T + bias"


# Elementwise

op("add(self, other)", "self + other", self="grad", other="grad")
op("sub subtract(self, other)", "self - other", self="grad", other="-grad")
op("mul multiply(self, other)", "self * other", self="grad * other", other="grad * self")
op("div divide true_divide(self, other)", "self / other", self="grad / other", other="-grad * self / other ** 2")
op("neg negative(self)", "-self", self="-grad")
op("pos positive(self)", "+self", self="grad")
op("pow(self, exponent)", "self ** exponent", self=power, exponent=logarithm)
op("square(self)", "self ** 2", self="grad * 2 * self")
op("reciprocal(self)", "1 / self", self="-grad * result ** 2")
op("abs absolute(self)", "np.abs(self)", self="grad * np.sign(self)")
op("exp(self)", "np.exp(self)", self="grad * result")
op("exp2(self)", "np.exp2(self)", self="grad * result * 0.6931471805599453")
op("expm1(self)", "np.expm1(self)", self="grad * (result + 1)")
op("log(self)", "np.log(self)", self="grad / self")
op("log2(self)", "np.log2(self)", self="grad / (self * 0.6931471805599453)")
op("log10(self)", "np.log10(self)", self="grad / (self * 2.302585092994046)")
op("log1p(self)", "np.log1p(self)", self="grad / (self + 1)")
op("sqrt(self)", "np.sqrt(self)", self="grad / (2 * result)")
op("rsqrt(self)", "1 / np.sqrt(self)", self="-0.5 * grad * result ** 3")
op("sin(self)", "np.sin(self)", self="grad * np.cos(self)")
op("cos(self)", "np.cos(self)", self="-grad * np.sin(self)")
op("tan(self)", "np.tan(self)", self="grad * (1 + result ** 2)")
op("asin arcsin(self)", "np.arcsin(self)", self="grad / np.sqrt(1 - self ** 2)")
op("acos arccos(self)", "np.arccos(self)", self="-grad / np.sqrt(1 - self ** 2)")
op("atan arctan(self)", "np.arctan(self)", self="grad / (1 + self ** 2)")
op("sinh(self)", "np.sinh(self)", self="grad * np.cosh(self)")
op("cosh(self)", "np.cosh(self)", self="grad * np.sinh(self)")
op("tanh(self)", "np.tanh(self)", self="grad * (1 - result ** 2)")
op("asinh arcsinh(self)", "np.arcsinh(self)", self="grad / np.sqrt(self ** 2 + 1)")
op("acosh arccosh(self)", "np.arccosh(self)", self="grad / np.sqrt(self ** 2 - 1)")
op("atanh arctanh(self)", "np.arctanh(self)", self="grad / (1 - self ** 2)")
op("sigmoid expit(self)", "1 / (1 + np.exp(-self))", self="grad * result * (1 - result)")
op("relu(self)", "np.maximum(self, 0)", self="np.where(result > 0, grad, 0)")
op(
    "silu(self)",
    "self / (1 + np.exp(-self))",
    self="grad * (1 + self - result) / (1 + np.exp(-self))",
)
op(
    "leaky_relu(self, negative_slope=0.01)",
    "np.where(self > 0, self, self * negative_slope)",
    self="np.where(self > 0, grad, grad * negative_slope)",
)
op("logsigmoid(self)", "-np.logaddexp(0, -self)", self="grad / (1 + np.exp(self))")
op("softplus(self)", "np.logaddexp(0, self)", self="grad / (1 + np.exp(-self))")
op("softsign(self)", "self / (1 + np.abs(self))", self="grad / (1 + np.abs(self)) ** 2")
op("tanhshrink(self)", "self - np.tanh(self)", self="grad * np.tanh(self) ** 2")
op("sign sgn(self)", "np.sign(self)", self="np.zeros_like(grad)")
op("floor(self)", "np.floor(self)", self="np.zeros_like(grad)")
op("ceil(self)", "np.ceil(self)", self="np.zeros_like(grad)")
op("trunc fix(self)", "np.trunc(self)", self="np.zeros_like(grad)")
op(
    "maximum(self, other)",
    "np.maximum(self, other)",
    self="np.where(self == other, grad / 2, grad * (self > other))",
    other="np.where(self == other, grad / 2, grad * (self < other))",
)
op(
    "minimum(self, other)",
    "np.minimum(self, other)",
    self="np.where(self == other, grad / 2, grad * (self < other))",
    other="np.where(self == other, grad / 2, grad * (self > other))",
)
op("clamp clip(self, min=None, max=None)", "np.clip(self, min, max)", self=within)
op(
    "where(condition, self, other)",
    "np.where(condition, self, other)",
    self="np.where(condition, grad, 0)",
    other="np.where(condition, 0, grad)",
)
op(
    "atan2 arctan2(self, other)",
    "np.arctan2(self, other)",
    self="grad * other / (self ** 2 + other ** 2)",
    other="-grad * self / (self ** 2 + other ** 2)",
)
op("hypot(self, other)", "np.hypot(self, other)", self="grad * self / result", other="grad * other / result")
op(
    "logaddexp(self, other)",
    "np.logaddexp(self, other)",
    self="grad * np.exp(self - result)",
    other="grad * np.exp(other - result)",
)
op("lt less(self, other)", "self < other")
op("le less_equal(self, other)", "self <= other")
op("gt greater(self, other)", "self > other")
op("ge greater_equal(self, other)", "self >= other")
op("eq(self, other)", "self == other")
op("ne not_equal(self, other)", "self != other")
op("bitwise_and(self, other)", "self & other")
op("bitwise_or(self, other)", "self | other")
op("bitwise_xor(self, other)", "self ^ other")
op("bitwise_not invert(self)", "~self")
op("logical_not(self)", "np.logical_not(self)")
op("logical_and(self, other)", "np.logical_and(self, other)")
op("logical_or(self, other)", "np.logical_or(self, other)")
op("isnan(self)", "np.isnan(self)")
op("isinf(self)", "np.isinf(self)")
op("isfinite(self)", "np.isfinite(self)")
op("floor_divide(self, other)", "self // other")
op("remainder(self, other)", "self % other", self="grad", other="-grad * np.floor(self / other)")

# Reductions

op(
    "sum(self, dim=None, keepdim=False)",
    "self.sum(axis=dim, keepdims=keepdim)",
    self="np.broadcast_to(kept_grad, self.shape)",
)
op(
    "mean(self, dim=None, keepdim=False)",
    "self.mean(axis=dim, keepdims=keepdim)",
    self="np.broadcast_to(kept_grad / count, self.shape)",
)
op(
    "prod(self, dim=None, keepdim=False)",
    "self.prod(axis=dim, keepdims=keepdim)",
    self=without_zeros,
)
op(
    "var(self, dim=None, unbiased=True, keepdim=False)",
    "self.var(axis=dim, ddof=ddof, keepdims=keepdim)",
    self="kept_grad * 2 * (self - self.mean(axis=dim, keepdims=True)) / (count - ddof)",
)
op(
    "std(self, dim=None, unbiased=True, keepdim=False)",
    "self.std(axis=dim, ddof=ddof, keepdims=keepdim)",
    self="np.where(kept_result == 0, 0, kept_grad * (self - self.mean(axis=dim, keepdims=True))"
    " / (kept_result * (count - ddof)))",
)
for extreme, reduction in (("amax", "max"), ("amin", "min")):
    op(
        f"{extreme} {reduction}(self, dim=None, keepdim=False)",
        f"self.{reduction}(axis=dim, keepdims=keepdim)",
        self="kept_grad * (self == kept_result) / (self == kept_result).sum(axis=dim, keepdims=True, dtype=self.dtype)",
    )
op(
    "logsumexp(self, dim, keepdim=False)",
    "np.logaddexp.reduce(self, axis=dim, keepdims=keepdim)",
    self="kept_grad * np.exp(self - kept_result)",
)
op("norm(self)", "np.sqrt((self ** 2).sum())", self="np.where(result == 0, 0, grad * self / result)")
op("argmax(self, dim=None, keepdim=False)", "self.argmax(axis=dim, keepdims=keepdim)")
op("argmin(self, dim=None, keepdim=False)", "self.argmin(axis=dim, keepdims=keepdim)")
op("all(self, dim=None, keepdim=False)", "self.all(axis=dim, keepdims=keepdim)")
op("any(self, dim=None, keepdim=False)", "self.any(axis=dim, keepdims=keepdim)")
op("cumsum(self, dim)", "self.cumsum(axis=dim)", self="np.flip(np.flip(grad, dim).cumsum(axis=dim), dim)")
op(
    "softmax(self, dim)",
    "np.exp(self - np.logaddexp.reduce(self, axis=dim, keepdims=True))",
    self="result * (grad - (grad * result).sum(axis=dim, keepdims=True))",
)
op(
    "log_softmax(self, dim)",
    "self - np.logaddexp.reduce(self, axis=dim, keepdims=True)",
    self="grad - np.exp(result) * grad.sum(axis=dim, keepdims=True)",
)

# Products and shapes

op("matmul mm mv bmm dot(self, other)", "self @ other", self=left, other=right)
op("outer ger(self, vec2)", "np.outer(self, vec2)", self="grad @ vec2", vec2="self @ grad")
op("t(self)", "self.T", self="grad.T")
op(
    "transpose swapaxes swapdims(self, dim0, dim1)",
    "np.swapaxes(self, dim0, dim1)",
    self="np.swapaxes(grad, dim0, dim1)",
)
op("reshape view(self, shape)", "self.reshape(shape)", self="grad.reshape(self.shape)")
op("flatten ravel(self)", "self.reshape(-1)", self="grad.reshape(self.shape)")
op("unsqueeze(self, dim)", "np.expand_dims(self, dim)", self="grad.reshape(self.shape)")
op("squeeze(self)", "self.squeeze()", self="grad.reshape(self.shape)")
op("expand broadcast_to(self, size)", "np.broadcast_to(self, size)", self="grad")
op("permute(self, dims)", "np.transpose(self, dims)", self=back)
op("linear(self, weight, bias=None)", affine, self="grad @ weight", weight=outer, bias=over_rows)
op("flip(self, dims)", "np.flip(self, dims)", self="np.flip(grad, dims)")
op("tril(self, diagonal=0)", "np.tril(self, diagonal)", self="np.tril(grad, diagonal)")
op("triu(self, diagonal=0)", "np.triu(self, diagonal)", self="np.triu(grad, diagonal)")
op("clone contiguous(self)", "self.copy()", self="grad")
op("detach(self)", "self")

# Losses

op(
    "mse_loss(self, target, reduction=mean)",
    "reduced((self - target) ** 2)",
    self="share(grad * 2 * (self - target))",
    target="share(grad * 2 * (target - self))",
)
op(
    "l1_loss(self, target, reduction=mean)",
    "reduced(np.abs(self - target))",
    self="share(grad * np.sign(self - target))",
    target="share(grad * np.sign(target - self))",
)
op(
    "binary_cross_entropy_with_logits(self, target, reduction=mean)",
    "reduced(np.logaddexp(0, self) - target * self)",
    self="share(grad * (1 / (1 + np.exp(-self)) - target))",
)
op(
    "binary_cross_entropy(self, target, reduction=mean)",
    "reduced(-target * np.maximum(np.log(self), -100) - (1 - target) * np.maximum(np.log(1 - self), -100))",
    self="share(grad * (self - target) / np.maximum(self * (1 - self), 1e-12))",
)

op("getitem(self, index)", "self[index]", self="scattered(grad, self.shape, index)")
op("identity(self)", "self", self="grad")

BROADCASTING = [
    TABLE[known]
    for known in (
        "add", "sub", "mul", "div", "pow", "maximum", "minimum", "where", "atan2", "hypot", "logaddexp", "remainder",
        "mse_loss", "l1_loss", "expand",
    )
]  # fmt: skip
