"""torch's user-level names → rows of the table: prefixes, overloads, methods."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, TypeVar

from gradcli.engine.device import np
from gradcli.engine.dtypes import ALIASES, TYPE_NAMES, dtype_kind, dtype_named
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.ops import arithmetic as arithmetic
from gradcli.ops import compare as compare
from gradcli.ops import copies as copies
from gradcli.ops import create as create
from gradcli.ops import elementary as elementary
from gradcli.ops import extremes as extremes
from gradcli.ops import index as index
from gradcli.ops import linalg as linalg
from gradcli.ops import method as method
from gradcli.ops import pieces as pieces
from gradcli.ops import reduce as reduce
from gradcli.ops import sampling as sampling
from gradcli.ops import scatter as scatter
from gradcli.ops import shape as shape
from gradcli.ops import sorting as sorting
from gradcli.ops import views as views
from gradcli.ops.define import TABLE as TABLE
from gradcli.ops.define import Composite, Op, Parameter

Row = Op | Composite
Rows = Sequence[Row]
Found = TypeVar("Found")

# families that are imported, in this order, until a name is found: to import them all takes as long as half of NumPy
LATER = [
    "softmax", "activation", "piecewise", "loss", "cross_entropy", "join", "windows", "special", "cumulative",
    "statistics", "norm", "dropout", "products", "embedding", "pad", "similarity", "distance", "margin_loss", "conv",
    "pool", "average", "attention", "bessel", "ctc", "decompose", "einsum", "fake_quantize", "fft", "fold",
    "fused_lstm", "grid", "grouped", "histogram", "householder", "kernels", "layout", "ldl", "limits", "lowrank",
    "matrix", "multi_head", "polynomials", "recurrent", "recurrent_layers", "resample", "segment", "shuffle", "signal",
    "solve", "storage", "symbolic", "tbc", "view_copies", "namesakes",
]  # fmt: skip

PREFIXES = (
    "torch.nn.functional.", "nn.functional.", "torch.autograd.functional.", "torch.autograd.", "torch.linalg.",
    "torch.special.", "torch.fft.", "linalg.", "special.", "fft.", "torch.", "F.",
)  # fmt: skip
# where a bare name is looked up: a row `linalg::svd` is torch.linalg.svd, beside torch.svd
NAMESPACES = ("linalg", "special", "fft")
# user-level names whose rows are declared under another one
ALIAS_NAMES = {
    "absolute": "abs", "arccos": "acos", "arcsin": "asin", "arctan": "atan", "arctan2": "atan2",
    "concat": "cat", "concatenate": "cat", "divide": "div", "greater": "gt", "greater_equal": "ge", "less": "lt",
    "less_equal": "le", "multiply": "mul", "negative": "neg", "not_equal": "ne", "subtract": "sub",
    "swapdims": "swapaxes", "true_divide": "div", "moveaxis": "movedim", "nelement": "numel", "ndimension": "dim",
    "clip": "clamp", "fix": "trunc", "arccosh": "acosh", "arcsinh": "asinh", "arctanh": "atanh",
    "expit": "sigmoid", "row_stack": "vstack", "swapdims_": "swapaxes_", "gammaln": "lgamma",
    "multigammaln": "mvlgamma", "psi": "digamma", "trapz": "trapezoid", "gammainc": "igamma", "gammaincc": "igammac",
    "spmm": "mm", "dsmm": "mm",
}  # fmt: skip
# of these torch has methods only; here they are called as functions, too
ONLY_METHODS = frozenset({
    "backward", "bernoulli_", "bfloat16", "bool", "byte", "cauchy_", "cdouble", "cfloat", "char", "contiguous", "cpu",
    "cuda", "dense_dim", "dim", "dim_order", "double", "element_size", "expand", "expand_as", "exponential_",
    "fill_diagonal_", "float", "geometric_", "half", "int", "is_contiguous", "is_pinned", "is_set_to", "is_shared",
    "item", "log_normal_", "long", "ndimension", "nelement", "new_empty", "new_empty_strided", "new_full", "new_ones",
    "new_tensor", "new_zeros", "normal_", "random_", "repeat", "requires_grad_", "reshape_as", "retain_grad", "short",
    "size", "sparse_dim", "squeeze_", "storage_offset", "stride", "sum_to_size", "swapaxes_", "swapdims_", "t_", "to",
    "to_dense", "tolist", "transpose_", "type", "type_as", "uniform_", "unsqueeze_", "view", "view_as",
})  # fmt: skip
# of these torch has functions only
NO_METHODS = frozenset({
    "cudnn_is_acceptable", "dsmm", "expit", "fused_moving_avg_obs_fake_quant", "gammainc", "gammaincc", "gammaln",
    "mkldnn_convolution", "multigammaln", "psi", "spmm",
})  # fmt: skip
# these torch has for the message alone that they are removed, in favour of what torch.linalg has under the name
REMOVED = frozenset({"eig", "lstsq", "matrix_rank", "solve"})
# these take other arguments in torch than in torch.nn.functional, where a bare name is looked up
NAMESAKES = frozenset({
    "adaptive_max_pool1d", "batch_norm", "binary_cross_entropy_with_logits", "cosine_embedding_loss", "ctc_loss",
    "embedding", "group_norm", "hinge_embedding_loss", "instance_norm", "kl_div", "layer_norm", "margin_ranking_loss",
    "poisson_nll_loss", "triplet_margin_loss",
})  # fmt: skip
ARGUMENT_ALIASES = {"axis": "dim", "keepdims": "keepdim", "input": "self", "x": "self", "A": "self"}
# orders of parameters that torch still takes, with the numbers by position; a method has `self` in front of all others
BETA_FIRST = ("beta", "self", "alpha"), ("beta", "self")
DEPRECATED_ORDERS: dict[str, tuple[tuple[str, ...], ...]] = {
    **dict.fromkeys(("add", "sub"), (("self", "alpha", "other"),)),
    **dict.fromkeys(("addcmul", "addcdiv"), (("self", "value", "tensor1", "tensor2"),)),
    **{
        name: tuple((*order, *tensors) for order in BETA_FIRST)
        for name, tensors in {
            "addmm": ("mat1", "mat2"), "addmv": ("mat", "vec"), "addr": ("vec1", "vec2"),
            "addbmm": ("batch1", "batch2"), "baddbmm": ("batch1", "batch2"),
        }.items()
    },
}  # fmt: skip
MULTIPLE = ("int[]", "int[]?")
# these take their list (of tensors; of sizes) one by one, too
VARIADIC = frozenset({
    "einsum", "einsum.sublists", "meshgrid", "broadcast_tensors", "cartesian_prod", "block_diag", "chain_matmul",
    "atleast_1d.Sequence", "atleast_2d.Sequence", "atleast_3d.Sequence", "broadcast_shapes", "sym_sum",
})  # fmt: skip
# and these take no list of them
STARRED = frozenset({"broadcast_tensors", "cartesian_prod", "block_diag", "chain_matmul"})
# whose in-place form torch has as a function, too
IN_PLACE_FUNCTIONS = frozenset({
    "abs", "acos", "acosh", "addmv", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctanh", "asin", "asinh",
    "atan", "atanh", "ceil", "clamp", "clamp_max", "clamp_min", "clip", "cos", "cosh", "deg2rad", "erf", "erfc", "exp",
    "exp2", "expm1", "fill", "fix", "floor", "frac", "gcd", "i0", "index_put", "lcm", "ldexp", "log", "log10", "log1p",
    "log2", "logit", "nan_to_num", "neg", "negative", "rad2deg", "reciprocal", "round", "rsqrt", "sigmoid", "sin",
    "sinc", "sinh", "sqrt", "square", "tan", "tanh", "trunc", "xlogy", "zero",
})  # fmt: skip
OUT_OF_PLACE = frozenset({
    "all", "amax", "amin", "angle", "any", "argmax", "argmin", "argsort", "argwhere", "bincount", "bmm", "cholesky",
    "cholesky_inverse", "cholesky_solve", "clone", "count_nonzero", "dequantize", "det", "detach_copy", "diag_embed",
    "diagonal_scatter", "dist", "dot", "flip", "fmax", "fmin", "gather", "hardshrink", "hash_tensor", "histc",
    "index_select", "isclose", "isfinite", "isinf", "isnan", "isneginf", "isposinf", "isreal", "logaddexp",
    "logaddexp2", "logcumsumexp", "logsumexp", "masked_select", "matrix_exp", "max", "maximum", "mean", "median",
    "min", "minimum", "mm", "multinomial", "mv", "nanmedian", "nansum", "ormqr", "prod", "repeat", "roll", "rot90",
    "rsub", "select_scatter", "signbit", "slice_scatter", "sum", "take", "trace", "vdot", "vector_norm",
})  # fmt: skip


def table() -> dict[str, list[Row]]:
    """The whole table."""
    until_found(lambda: None)
    return TABLE


def until_found(look_up: Callable[[], Found | None]) -> Found | None:
    """What `look_up` finds in the families that are there, or when one more of the others is."""
    found = look_up()
    while not found and LATER:
        import_module(f"gradcli.ops.{LATER.pop(0)}")
        found = look_up()
    return found


def find(name: str) -> Rows | None:
    """The rows of the function a user calls `name`, prefixes included; None if there is none."""
    for prefix in PREFIXES:
        if name.startswith(prefix):
            bare, namespace = name.removeprefix(prefix), prefix.split(".")[-2]
            known = table() if namespace in NAMESPACES else TABLE
            if prefix == "torch." and bare in REMOVED:
                return None
            if prefix == "torch." and bare in NAMESAKES:
                known = table()
            return known.get(f"{namespace}::{bare}") or rows_of(bare)
    return rows_of(name)


def rows_of(name: str) -> Rows | None:
    """The rows of a bare name: torch's own, or else those of one of its namespaces."""
    if name.startswith("_"):
        return None
    if name.removesuffix("_") in IN_PLACE_FUNCTIONS and name.endswith("_"):
        return find_method(name)
    own = until_found(lambda: TABLE.get(name) or TABLE.get(ALIAS_NAMES.get(name, "")))
    return own or next((TABLE[key] for key in (f"{space}::{name}" for space in NAMESPACES) if key in TABLE), None)


def find_method(name: str) -> Rows | None:
    """The rows of `x.name(...)`: those whose first parameter is `self`; `name_` is the in-place form of a row."""
    if name.removesuffix("_") in NO_METHODS:
        return None
    return until_found(lambda: TABLE.get(f"Tensor::{name}") or methods_of(name) or inplace_rows(name))


def methods_of(name: str) -> Rows:
    if name.startswith("_"):
        return []
    return [row for row in TABLE.get(name) or TABLE.get(ALIAS_NAMES.get(name, "")) or () if is_method(row)]


def inplace_rows(name: str) -> Rows | None:
    if not name.endswith("_") or name.endswith("__"):
        return None
    rows = methods_of(name[:-1])
    own = TABLE.get(f"Tensor::{ALIAS_NAMES.get(name[:-1], name[:-1])}_")
    return own or [InPlace(row) for row in rows if isinstance(row, Op) and has_inplace(row)] or None


def has_inplace(row: Op) -> bool:
    """Whether the one result of a row can take the place of `self`: neither a view nor several outputs."""
    is_copy = row.grad_fn is not None and row.grad_fn.endswith("_copy")
    return not (row.view or is_copy) and "->" not in row.text and row.name not in OUT_OF_PLACE


def is_method(row: Row) -> bool:
    return "(Tensor self" in row.text or "(Tensor|Scalar self" in row.text


class InPlace(Composite):
    """The in-place form of a row, as a row of its own."""

    def __init__(self, row: Op) -> None:
        head, _, parameters = row.text.partition("(")
        name, dot, overload = head.partition(".")
        text = f"{name}_{dot}{overload}({parameters.partition(' ->')[0]}"
        super().__init__(text, lambda **given: row.inplace(**given))


def suggest(name: str, methods: bool) -> list[str]:
    """Names of operations close to `name`, the closest first."""
    bare = name
    for prefix in PREFIXES:
        bare = bare.removeprefix(prefix)
    names = [name.rpartition("::")[2] for name in table() if not name.startswith(("_", "Tensor::"))]
    known = list(dict.fromkeys((*names, *ALIAS_NAMES)))
    if methods:
        known = [known for known in known if find_method(known)]
    return difflib.get_close_matches(bare, known, 3, 0.6)


def check_arguments(rows: Rows, count: int, keywords: Sequence[str], method: bool) -> str | None:
    """A message if no overload takes `count` positional arguments and these keywords, whatever their types."""
    if any(count + method + len(keywords) == len(order) for order in deprecated_orders(rows[0], method)):
        return None
    messages = []
    for row in rows:
        message = misfit(row, count + method, keywords, method)
        if message is None:
            return None
        messages.append(message)
    return messages[0] if len(rows) == 1 else f"{messages[0]}; it is called as {signatures(rows)}"


def called(row: Row) -> str:
    """A row's name as torch's messages have it: `linalg_svd` for torch.linalg.svd."""
    space, _, bare = row.name.rpartition("::")
    return bare if space in ("Tensor", "autograd", "torch", "") else f"{space}_{bare}"


def misfit(row: Row, count: int, keywords: Sequence[str], method: bool) -> str | None:
    parameters = row.schema.parameters
    positional = [parameter for parameter in parameters if not parameter.keyword_only]
    names = [parameter.name for parameter in parameters]
    given = [keyword_name(name, names) for name in keywords]
    for written, name in zip(keywords, given, strict=True):
        if name not in names:
            close = difflib.get_close_matches(written, names, 1)
            return f"{called(row)}() got an unexpected keyword argument '{written}'" + (
                f" (did you mean `{close[0]}`?)" if close else ""
            )
    if count > len(positional) and not takes_many(row, method):
        least, most = sum(parameter.required for parameter in positional) - method, len(positional) - method
        wanted_count = f"from {least} to {most}" if least < most else str(most)
        verb = "were" if count - method > 1 else "was"
        return (
            f"{called(row)}() takes {wanted_count} positional argument{'s' if most != 1 else ''} but {count - method} "
            f"{verb} given"
        )
    taken = names[: min(count, len(positional))]
    for name in given:
        if name in taken:
            return f"{called(row)}() got multiple values for argument '{name}'"
    missing = [
        shown_name(parameter)
        for parameter in parameters
        if parameter.required and parameter.name not in taken and parameter.name not in given
    ]
    if missing:
        # the number is torch's own: it takes one for several
        listed = ", ".join(f'"{name}"' for name in missing)
        plural = "s" if len(missing) == 1 else ""
        return f"{called(row)}() missing {len(missing)} required positional argument{plural}: {listed}"
    return None


def deprecated_orders(row: Row, method: bool) -> list[tuple[str, ...]]:
    orders = DEPRECATED_ORDERS.get(row.name.removesuffix("_"), ())
    return [("self", *(name for name in order if name != "self")) if method else order for order in orders]


def in_order_of_today(row: Row, args: Sequence[Any], keywords: dict[str, Any], method: bool) -> dict[str, Any] | str:
    """The arguments by parameter, given in an order that is deprecated; or, as text, that there is none such."""
    for order in deprecated_orders(row, method):
        given = {**dict(zip(order, args, strict=False)), **keywords}
        if len(args) + len(keywords) == len(order) == len(given):
            bound = bind(row, (), given, False)
            if isinstance(bound, dict):
                return bound
    return "no order that torch knows"


def is_variadic(row: Row) -> bool:
    return row.text.partition("(")[0] in VARIADIC


def is_item(row: Row, value: Any) -> bool:
    """Whether `value` is one of the list that a variadic row takes."""
    fits = {"broadcast_shapes": as_ints, "sym_sum": as_scalar}.get(row.name)
    return is_tensor(value) if fits is None else fits(value) is not MISFIT


def takes_many(row: Row, method: bool) -> bool:
    """Whether `zeros(2, 3)` and `x.view(2, 3)` may stand for `zeros([2, 3])`: sizes and dims come one by one."""
    positional = [parameter for parameter in row.schema.parameters if not parameter.keyword_only]
    if is_variadic(row):
        return True
    place = 1 if method else 0
    return len(positional) == place + 1 and positional[place].type in MULTIPLE


def keyword_name(name: str, names: Sequence[str]) -> str:
    return name if name in names else ARGUMENT_ALIASES.get(name, name)


def signatures(rows: Rows) -> str:
    return " or ".join(f"`{row.text}`" for row in rows)


def call(rows: Rows, args: Sequence[Any], keywords: dict[str, Any], method: bool = False) -> Any:
    """Call the first overload that takes these arguments."""
    if len(rows) > 1 and any(is_tensor(value) and value.ndim == 0 for value in (*args, *keywords.values())):
        # a 0-dim tensor may stand for a number, but an overload that wants tensors comes first
        rows = sorted(rows, key=lambda row: (row.text.count("Scalar"), -row.text.count("Tensor")))
    reasons = []
    for row in rows:
        bound = bind(row, args, keywords, method)
        if isinstance(bound, str):
            reasons.append(bound)
        else:
            return row.call(**bound)
    deprecated = in_order_of_today(rows[0], args, keywords, method)
    if isinstance(deprecated, dict):
        return rows[0].call(**deprecated)
    likely = [reason for row, reason in zip(rows, reasons, strict=True) if is_likely(row, len(args) + len(keywords))]
    too_few = not likely and bool(deprecated_orders(rows[0], method))
    if (len(rows) == 1 or len(likely) == 1) and not (too_few or is_overloaded(rows[0], method)):
        raise UserError("type", (likely or reasons)[0])
    kinds = ", ".join([*map(kind_of, args[method:]), *(f"{name}={kind_of(value)}" for name, value in keywords.items())])
    raise UserError(
        "type",
        f"{called(rows[0])}() received an invalid combination of arguments - got ({kinds})",
        hint=f"it is called as {signatures(rows)}",
    )


def is_likely(row: Row, count: int) -> bool:
    """Whether so many arguments are neither too few nor too many: of one such overload torch says what it lacks."""
    parameters = row.schema.parameters
    return sum(parameter.required for parameter in parameters) <= count <= len(parameters)


def is_overloaded(row: Row, method: bool) -> bool:
    """Whether torch has several rows where there is one here: for tensors, for numbers, or for a dtype."""
    of_both = "(Tensor self, Tensor|Scalar other" in row.text
    return of_both or (not method and row.name in ("addmm", "baddbmm", "bmm", "mm"))


def shown_name(parameter: Parameter) -> str:
    return "input" if parameter.name == "self" else parameter.name


def bind(row: Row, args: Sequence[Any], keywords: dict[str, Any], method: bool) -> dict[str, Any] | str:
    """The arguments by parameter, checked and converted; or, as text, why they do not fit."""
    if row.name in STARRED:
        other = first_other(args)
        if other is not None:
            return no_tensor(*other, 0)
    if is_variadic(row):
        first = next((place for place, arg in enumerate(args) if is_item(row, arg)), len(args))
        args = [*args[:first], list(args[first:])] if first < len(args) else args
    elif method and takes_many(row, True) and len(args) > 1 and all(is_int(arg) for arg in args[1:]):
        args = [args[0], list(args[1:])]
    elif not method and takes_many(row, False) and len(args) > 1 and all(is_int(arg) for arg in args):
        args = [list(args)]
    elif (
        takes_many(row, method)
        and len(args) == method
        and "size" not in keywords
        and row.schema.parameters[method].name == "size"
    ):
        args = [*args, []]
    problem = misfit(row, len(args), list(keywords), method)
    if problem is not None:
        return problem
    parameters = row.schema.parameters
    names = [parameter.name for parameter in parameters]
    given = dict(zip(names, args, strict=False))
    given.update({keyword_name(name, names): value for name, value in keywords.items()})
    bound = {}
    for place, parameter in enumerate(parameters):
        if parameter.name not in given:
            continue
        value = given[parameter.name]
        fitted = fit_argument(parameter, value)
        if fitted is MISFIT:
            other = first_other(value) if parameter.type == "Tensor[]" and isinstance(value, list | tuple) else None
            if other is not None:
                return (
                    f"expected Tensor as element {other[0]} in argument {place - method}, but got {kind_of(other[1])}"
                )
            return (
                f"{called(row)}(): argument '{shown_name(parameter)}' (position {place + 1 - method}) must be "
                f"{wanted(parameter)}, not {kind_of(value)}"
            )
        bound[parameter.name] = fitted
    return bound


MISFIT: Any = object()


def first_other(value: Sequence[Any]) -> tuple[int, Any] | None:
    """The first item of a list that is no tensor, and its place."""
    return next(((place, item) for place, item in enumerate(value) if not is_tensor(item)), None)


def no_tensor(place: int, item: Any, argument: int) -> str:
    return f"expected Tensor as element {place} in argument {argument}, but got {kind_of(item)}"


def fit_argument(parameter: Parameter, value: Any) -> Any:
    """`value` as the parameter wants it, or MISFIT."""
    for kind in alternatives(parameter.type):
        fitted = CHECKS[kind](value)
        if fitted is not MISFIT:
            return fitted
    return MISFIT


_alternatives: dict[str, tuple[str, ...]] = {}


def alternatives(type_text: str) -> tuple[str, ...]:
    """`Tensor?|Scalar` → ("None", "Tensor", "Scalar")."""
    if type_text not in _alternatives:
        parts = type_text.split("|")
        kinds = tuple(part.removesuffix("?") if part != "Tensor?[]" else part for part in parts)
        optional = any(part.endswith("?") for part in parts)
        _alternatives[type_text] = ("None", *kinds) if optional else kinds
    return _alternatives[type_text]


def is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def take(accepts: Callable[[Any], bool]) -> Callable[[Any], Any]:
    return lambda value: value if accepts(value) else MISFIT


def as_scalar(value: Any) -> Any:
    """A number; a 0-dim tensor outside the graph counts as its number."""
    if isinstance(value, int | float | complex):
        return value
    if isinstance(value, Tensor) and value.ndim == 0 and not value.requires_grad:
        return value.array.item()
    return MISFIT


def as_int(value: Any) -> Any:
    if isinstance(value, Tensor) and value.ndim == 0 and dtype_kind(value.dtype) in "iu":
        return value.array.item()
    return value if is_int(value) else MISFIT


def as_ints(value: Any) -> Any:
    if is_int(value):
        return [value]
    if isinstance(value, list | tuple):
        items = [as_int(item) for item in value]
        return MISFIT if any(item is MISFIT for item in items) else items
    return MISFIT


def all_of(accepts: Callable[[Any], bool]) -> Callable[[Any], Any]:
    return take(lambda value: isinstance(value, list | tuple) and all(accepts(item) for item in value))


def is_tensor(value: Any) -> bool:
    return isinstance(value, Tensor)


CHECKS: dict[str, Callable[[Any], Any]] = {
    "None": lambda value: value if value is None else MISFIT,
    "Tensor": take(is_tensor),
    "Tensor[]": all_of(is_tensor),
    "Tensor?[]": all_of(lambda item: item is None or is_tensor(item)),
    "Scalar": as_scalar,
    "Scalar[]": all_of(lambda item: as_scalar(item) is not MISFIT),
    "int": as_int,
    "int[]": as_ints,
    "int[][]": all_of(lambda item: as_ints(item) is not MISFIT),
    "int?[]": all_of(lambda item: item is None or is_int(item)),
    "float": take(lambda value: isinstance(value, int | float) and not isinstance(value, bool)),
    "float[]": all_of(lambda item: isinstance(item, int | float) and not isinstance(item, bool)),
    "bool": take(lambda value: isinstance(value, bool)),
    "str": take(lambda value: isinstance(value, str)),
    "ScalarType": take(lambda value: isinstance(value, np.dtype)),
    "Device": take(lambda value: isinstance(value, str) and re.fullmatch("cpu|cuda(:[0-9]+)?", value) is not None),
    "any": lambda value: value,
}


def wanted(parameter: Parameter) -> str:
    """A parameter's type as torch's messages name it."""
    names = {"Tensor[]": "tuple of Tensors", "int[]": "tuple of ints", "Scalar": "Number", "ScalarType": "torch.dtype"}
    return " or ".join(names.get(kind, kind) for kind in alternatives(parameter.type) if kind != "None")


def kind_of(value: Any) -> str:
    if isinstance(value, Tensor):
        return "Tensor"
    return "NoneType" if value is None else type(value).__name__


def dtype_or_none(name: str) -> Any:
    """The dtype written `float64` or `torch.float64`; None if it is none."""
    bare = name.removeprefix("torch.")
    return dtype_named(bare) if bare in TYPE_NAMES or (bare in ALIASES and bare != name) else None
