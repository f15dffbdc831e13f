"""The rows of gradcli's table in NumPy's words, most of which are JAX's, too.

Only forwards are here: gradients are those of the rows' own formulas, which call rows again. In a text, the
parameters of a row stand for what they are where it is used, `np` for the module of the script and `special` for
SciPy's; `shape` and `dtype` are those of the result. Arguments that are None or False fall out of calls.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from importlib import import_module
from itertools import accumulate
from typing import Any

from gradcli.engine.device import Deferred, np
from gradcli.export.arrays.texts import TEXTS, Made, Template, Use, at, is_one, of_kinds, text, times, with_dims
from gradcli.export.python import PLACE, call, changed, literal, name
from gradcli.ops.define import Op
from gradcli.spec import tree
from gradcli.spec.expression import parse_expression

for _module in ("algebra", "functions", "layers", "losses", "order"):
    import_module(f"gradcli.export.arrays.{_module}")


# what is no tensor, but asked of tensors; the operands in braces
PLAIN = {
    "equal": "np.array_equal({self}, {other})", "allclose": "np.allclose({self}, {other})", "numel": "{self}.size",
    "nelement": "{self}.size", "dim": "{self}.ndim", "ndimension": "{self}.ndim", "size": "{self}.shape",
}  # fmt: skip


def forward_of(op: Op, use: Use, others: dict[str, Template]) -> Made:
    """The text of a row, of those that a library has of its own or of these; None if there is none."""
    head = op.text.partition("(")[0]
    # what is done in place, or copies where another row gives a view, computes the same
    bare = op.name.removesuffix("_copy").removesuffix("_")
    for known in (others, TEXTS):
        template = known.get(head) or known.get(op.name) or known.get(bare) or known.get(bare.removeprefix("_"))
        if template is not None:
            return template(use) if callable(template) else template
    function = op.forward.name if isinstance(op.forward, Deferred) else getattr(op.forward, "__name__", "")
    if isinstance(op.forward, Deferred) or getattr(np, function, None) is op.forward:
        return f"np.{function}({', '.join(parameter.name for parameter in op.schema.parameters)})"
    return None


def filled(made: Any, use: Use) -> Any:
    """The tree of a text where a row is used."""

    def change(node: Any) -> Any:
        if isinstance(node, tree.Name):
            known = use.word(node.id)
            return node if known is None else known
        if isinstance(node, tree.Method | tree.Call):
            kept = [word for word in node.keywords if not is_left_out(word.value)]
            words = tuple([tree.Keyword(word.name, axis(word.value), **PLACE) for word in kept])
            args = tuple(map(axis, node.args))
            if isinstance(node, tree.Method):
                return tree.Method(node.target, node.name, args, words, 0, **PLACE)
            return tree.Call(node.function, args, words, **PLACE)
        return node

    return changed(parsed(made), change) if isinstance(made, str) else made


@cache
def parsed(template: str) -> Any:
    return parse_expression(template, bound={"np", "special"})


def is_left_out(value: Any) -> bool:
    if isinstance(value, tree.TupleOf | tree.ListOf):
        return not value.items
    return isinstance(value, tree.Constant) and (value.value is None or value.value is False)


def axis(value: Any) -> Any:
    """Sizes and dimensions as NumPy takes them: tuples, or one number."""
    if isinstance(value, tree.ListOf) and all(is_number(item) for item in value.items):
        return value.items[0] if len(value.items) == 1 else tree.TupleOf(value.items, **PLACE)
    return value


def is_number(node: Any) -> bool:
    return isinstance(node, tree.Constant | tree.Name | tree.Attribute | tree.Operator)


# Texts that depend on their arguments


def slice_of(use: Use, size: int) -> str:
    start, end, step = (use.values.get(word, 1) for word in ("start", "end", "step"))
    first = "" if not start else str(start)
    last = "" if end is None or end >= size else str(end)
    return f"{first}:{last}" + ("" if step == 1 else f":{step}")


def is_nameless(use: Use, *parameters: str) -> bool:
    """Whether these are written as mere numbers, which have no dtype of their own."""
    nodes = [node for parameter in parameters for node in tree.walk(use.trees[parameter])]
    return not any(isinstance(node, tree.Name) and node.id.partition(".")[0] != "np" for node in nodes)


def expanded(use: Use) -> str:
    return "np.full(shape, self, dtype=dtype)" if is_nameless(use, "self") else "np.broadcast_to(self, shape)"


def filled_like(function: str) -> Callable[[Use], str]:
    nameless = f"np.{function}(shape, dtype=dtype)"
    return lambda use: nameless if is_nameless(use, "self") else f"np.{function}_like(self)"


def where(use: Use) -> str:
    made = "np.where(condition, self, other)"
    return f"{made}.astype(dtype)" if is_nameless(use, "self", "other") else made


def conjugate(use: Use) -> str | tree.Node:
    own = use.trees["self"]
    if isinstance(own, tree.Constant) and isinstance(own.value, int | float | complex):
        conjugated: tree.Node = literal(own.value.conjugate())
        return conjugated
    return "np.conj(self)"


def sliced(use: Use) -> str:
    dim = use.values["dim"]
    return f"self[{at(use, dim, slice_of(use, use.size(dim)))}]"


def from_subscript(use: Use, subscript: str) -> tree.Node:
    """The gradient of a subscript."""
    index = parsed(f"self[{subscript}]").index
    picked = tree.Subscript(name("np.s_"), index, **PLACE)
    return call("scattered", use.trees["self"], picked, use.trees["shape"])


def sliced_backward(use: Use) -> tree.Node:
    dim = use.values["dim"]
    before = ":, " * (dim % len(use.values["shape"]))
    return from_subscript(use, before + slice_of(use, use.values["shape"][dim]))


def selected(use: Use) -> str | tree.Node:
    made = use.trees["self"]
    if isinstance(made, tree.Method) and made.name == "stack" and use.values["dim"] == use.rank() - 1:
        stacked: Any = made.args[0]
        part: tree.Node = stacked.items[use.values["index"]]
        return part
    return f"self[{at(use, use.values['dim'], str(use.values['index']))}]"


def selected_backward(use: Use) -> tree.Node:
    before = ":, " * (use.values["dim"] % len(use.values["shape"]))
    return from_subscript(use, f"{before}{use.values['index']}")


def place_at(use: Use, part: str) -> tree.Node:
    index = tree.Subscript(name("np.s_"), parsed(f"self[{at(use, use.values['dim'], part)}]").index, **PLACE)
    return call("with_set", use.trees["self"], index, use.trees["src"])


def squeezed(use: Use) -> str:
    return "self" if use.results[0].shape == use.values["self"].shape else "self.reshape(shape)"


def indexed(use: Use) -> tree.Node:
    return tree.Subscript(use.trees["self"], index_tree(use.trees["indices"]), **PLACE)


def index_tree(indices: Any) -> Any:
    """A list of indices, in which None is a whole dimension."""
    whole = tree.Slice(None, None, None, **PLACE)
    parts = [whole if isinstance(one, tree.Constant) and one.value is None else one for one in indices.items]
    return parts[0] if len(parts) == 1 else tree.TupleOf(tuple(parts), **PLACE)


def index_of(use: Use) -> str:
    """The index of slices along `dim`."""
    return f"np.s_[{at(use, use.values['dim'], 'index')}]"


def broadcast(use: Use, parameter: str, shape: tuple[int, ...]) -> str:
    return parameter if use.values[parameter].shape == shape else f"np.broadcast_to({parameter}, {shape})"


def masked_select(use: Use) -> str:
    shape = np.broadcast_shapes(use.values["self"].shape, use.values["mask"].shape)
    return f"{broadcast(use, 'self', shape)}[{broadcast(use, 'mask', shape)}]"


def masked_scatter(use: Use) -> str:
    own, mask = (broadcast(use, word, use.results[0].shape) for word in ("self", "mask"))
    return f"with_set({own}, {mask}, source.ravel()[:{mask}.sum()])"


def masked_scatter_backward(use: Use) -> str:
    mask = broadcast(use, "mask", use.values["grad_output"].shape)
    size = math.prod(use.values["sizes"])
    return f"with_set(np.zeros({size}, dtype=dtype), np.s_[:{mask}.sum()], grad_output[{mask}]).reshape(sizes)"


def put(use: Use) -> str:
    helper = "with_added" if use.values["accumulate"] else "with_set"
    return f"{helper}(self.ravel(), index.ravel(), source.ravel()).reshape(shape)"


def reduced(index: Callable[[Use], str], values: str) -> Callable[[Use], str | None]:
    """A reduction of values into what is at an index."""
    functions = {"prod": "np.multiply", "amax": "np.maximum", "amin": "np.minimum"}
    neutral = {"sum": "0", "mean": "0", "prod": "1", "amax": "-np.inf", "amin": "np.inf"}

    def made(use: Use) -> str | None:
        reduce, place = use.values["reduce"], index(use)
        if use.results[0].dtype.kind != "f" or not use.rank():
            return None
        start = "self" if use.values["include_self"] else f"with_set(self, {place}, {neutral[reduce]})"
        if reduce in functions:
            return f"with_reduced({functions[reduce]}, {start}, {place}, {values})"
        total = f"with_added({start}, {place}, {values})"
        if reduce == "sum":
            return total
        counted = f"np.{'ones' if use.values['include_self'] else 'zeros'}_like(self)"
        return f"{total} / np.maximum(with_added({counted}, {place}, 1), 1)"

    return made


def strided(use: Use) -> str | None:
    """The elements at steps of their own, if they are laid out in a row."""
    size, steps, start = (use.values[word] for word in ("size", "stride", "storage_offset"))
    base = use.values["base_shape"]
    in_a_row = [math.prod(base[dim + 1 :]) for dim in range(len(base))] == list(use.values["base_strides"])
    if not in_a_row or start < 0 or list(use.values["self"].shape) != list(base) or not size:
        return None
    parts = [
        f"np.arange({length}){'[:' + ', None' * (len(size) - dim - 1) + ']' if dim < len(size) - 1 else ''}"
        f"{f' * {step}' if step != 1 else ''}"
        for dim, (length, step) in enumerate(zip(size, steps, strict=True))
    ]
    return f"self.ravel()[{' + '.join([str(start)] * bool(start) + parts)}]"


def index_put(use: Use) -> tree.Node:
    index = tree.Subscript(name("np.s_"), index_tree(use.trees["indices"]), **PLACE)
    helper = "with_added" if use.values["accumulate"] else "with_set"
    return call(helper, use.trees["self"], index, use.trees["values"])


def parts(sizes: Callable[[Use], list[int]]) -> Callable[[Use], list[str]]:
    """Parts of a tensor along a dimension."""

    def made(use: Use) -> list[str]:
        ends = list(accumulate(sizes(use)))
        bounds = zip([0, *ends], ends, strict=False)
        return [f"self[{at(use, use.values['dim'], f'{start}:{end}')}]" for start, end in bounds]

    return made


def along(use: Use) -> list[int]:
    """The sizes of the results along `dim`."""
    return [one.shape[use.values["dim"]] for one in use.results]


def unbound(use: Use) -> list[str]:
    return [f"self[{at(use, use.values['dim'], str(place))}]" for place in range(len(use.results))]


def joined(use: Use) -> str | None:
    like = all(value.ndim == use.results[0].ndim for value in use.values["tensors"])
    return "np.concatenate(tensors, axis=dim)" if like else None


def comparison(sign: str) -> Callable[[Use], str]:
    """A comparison; in place its truth values are numbers of the tensor's dtype."""
    made = f"self {sign} other"
    return lambda use: made if use.results[0].dtype.kind == "b" else f"({made}).astype(dtype)"


def divided(use: Use) -> str:
    texts = {None: "self / other", "floor": "np.floor(self / other)", "trunc": "np.trunc(self / other)"}
    whole = {"floor": "self // other", "trunc": "np.trunc(self / other).astype(dtype)"}
    mode = use.values["rounding_mode"]
    return whole[mode] if use.results[0].dtype.kind in "iu" else texts[mode]


def keeps_dtype(use: Use) -> bool:
    same: bool = use.values["self"].dtype == use.results[0].dtype
    return same


def copied(use: Use) -> str:
    made = "src"
    if isinstance(use.trees["src"], tree.Constant):
        return "np.full(shape, src, dtype=dtype)"
    if use.values["src"].shape != use.results[0].shape:
        made = f"np.broadcast_to({made}, shape)"
    return made if use.values["src"].dtype == use.results[0].dtype else f"{made}.astype(dtype)"


def gathered(use: Use) -> str | None:
    index, own, dim = use.values["index"], use.values["self"], use.values["dim"]
    if not own.ndim:
        return f"np.broadcast_to(self, {index.shape})" if index.ndim else "self"
    if not index.ndim:
        return "self[index]"
    sizes = [size if place == dim % index.ndim else index.shape[place] for place, size in enumerate(own.shape)]
    cut = ", ".join(":" if size == had else f":{size}" for size, had in zip(sizes, own.shape, strict=True))
    target = "self" if sizes == list(own.shape) else f"self[{cut}]"
    return f"np.take_along_axis({target}, index, dim)"


def scatter(values: str, add: bool) -> Callable[[Use], str | None]:
    """`self` with values at places along a dimension."""
    function = "scatter_add" if add else "scatter"

    def made(use: Use) -> str | None:
        reduce, given = use.values.get("reduce"), use.values[values]
        if not use.rank():
            if reduce not in (None, "add") or not hasattr(given, "ndim") or given.ndim:
                return None
            return f"self + {values}" if add or reduce else values
        if not use.rank("index"):
            return (
                f"with_{'added' if add or reduce == 'add' else 'set'}(self, index, {values})"
                if reduce != "multiply"
                else None
            )
        if reduce == "multiply":
            return f"with_reduced(np.multiply, self, places(dim, index), cut({values}, index))"
        return f"{'scatter_add' if use.values.get('reduce') else function}(self, dim, index, {values})"

    return made


def normed(power: str) -> Callable[[Use], str]:
    """A norm along dimensions; `power` is the parameter that says which."""

    def made(use: Use) -> str:
        order, magnitude = float(use.values[power]), "np.abs(self)"
        options = "(axis=dim, keepdims=keepdim)"
        if order in (float("inf"), float("-inf")):
            return f"{magnitude}.{'max' if order > 0 else 'min'}{options}"
        if order == 0:
            return f"(self != 0).sum{options}.astype(np.{use.results[0].dtype.name})"
        if order == 1:
            return f"{magnitude}.sum{options}"
        if order == 2:
            square = "self ** 2" if use.values["self"].dtype.kind == "f" else f"{magnitude} ** 2"
            return f"np.sqrt(({square}).sum{options})"
        return f"({magnitude} ** {order!r}).sum{options} ** {1 / order!r}"

    return made


def log_of_sum(use: Use) -> str:
    if len(use.values["dim"]) == 1:
        return "np.logaddexp.reduce(self, axis=dim, keepdims=keepdim)"
    return "np.log(np.exp(self).sum(axis=dim, keepdims=keepdim))"


def power(use: Use) -> str | None:
    if is_one(use.values["exponent"]):
        return "self"
    exponent = use.values["exponent"]
    lowest = exponent if isinstance(exponent, int | float) else getattr(exponent, "array", np.zeros(1)).min(initial=0)
    whole = use.results[0].dtype.kind in "iu"
    return None if whole and lowest < 0 else "self ** exponent"


def logit(use: Use) -> str:
    inside = "self" if use.values["eps"] is None else "np.clip(self, eps, 1 - eps)"
    return f"np.log({inside} / (1 - {inside}))"


def nonzero(use: Use) -> list[str] | None:
    if not use.rank("condition"):
        return None
    return [f"np.nonzero(condition)[{place}]" for place in range(len(use.results))]


def padded(use: Use) -> str:
    pad = use.values["pad"]
    if not pad:
        return "self"
    widths = [(pad[2 * place], pad[2 * place + 1]) for place in range(len(pad) // 2)][::-1]
    widths = [(0, 0)] * (use.rank() - len(widths)) + widths
    cut = ", ".join(f"{max(-before, 0) or ''}:{min(after, 0) or ''}" for before, after in widths)
    cut = f"[{cut}]" if any(size < 0 for width in widths for size in width) else ""
    grown = tuple([(max(before, 0), max(after, 0)) for before, after in widths])
    return f"np.pad(self{cut}, {grown}, constant_values=value)"


def windows(use: Use) -> str:
    """All windows of a dimension, behind the others."""
    dim, step = use.values["dimension"] % max(use.rank(), 1), use.values["step"]
    made = "np.lib.stride_tricks.sliding_window_view(self, size, axis=dimension)"
    return made if step == 1 else f"{made}[{':, ' * dim}::{step}]"


# Elementwise; rows that are one function of NumPy need no text

text("mul _mul", lambda use: "self" if is_one(use.values["other"]) and keeps_dtype(use) else "self * other")
text("div _div", "self / other")
text("div.Tensor_mode", divided)
text("add", lambda use: f"self + {times('alpha', 'other')(use)}")
text("sub", lambda use: f"self - {times('alpha', 'other')(use)}")
text("_add", "self + other")
text("_sub", "self - other")
text("rsub", "other - self")
text("neg", "-self")
text("floor_divide", "self // other")
text("remainder", "self % other")
text("fmod", "np.fmod(self, other)")
text("abs", "np.abs(self)")
text("sign sgn", of_kinds("iufc", "np.sign(self)", "self"))
text("reciprocal", "1 / self")
text("pow", power)
text("rsqrt", "1 / np.sqrt(self)")
for _name, _sign in (("eq", "=="), ("ne", "!="), ("lt", "<"), ("le", "<="), ("gt", ">"), ("ge", ">=")):
    text(_name, comparison(_sign))
text("bitwise_and", "self & other")
text("bitwise_or", "self | other")
text("bitwise_xor", "self ^ other")
text("bitwise_not", "~self")
text("bitwise_left_shift", "self << other")
text("bitwise_right_shift", "self >> other")
text("addcmul", lambda use: f"self + {times('value', 'tensor1 * tensor2')(use)}")
text("addcdiv", lambda use: f"self + {times('value', 'tensor1 / tensor2')(use)}")
text("lerp", "self + weight * (end - self)")
text("maximum", "np.maximum(self, other)")
text("clamp_min", of_kinds("bifc", "np.maximum(self, min)"))
text("clamp_max", of_kinds("bifc", "np.minimum(self, max)"))
text("clamp", of_kinds("bifc", "np.clip(self, min, max)"))
text("heaviside", of_kinds("f", "np.heaviside(self, values)", "np.heaviside(self, values).astype(dtype)"))
text("nan_to_num", "np.nan_to_num(self, nan=nan, posinf=posinf, neginf=neginf)")
text("signbit", "np.signbit(self)")
text("isposinf", "np.isposinf(self)")
text("isneginf", "np.isneginf(self)")
text("isclose", "np.isclose(self, other, rtol=rtol, atol=atol, equal_nan=equal_nan)")
for _name, _function in (("floor", "floor"), ("ceil", "ceil"), ("trunc", "trunc"), ("round", "rint")):
    text(_name, of_kinds("f", f"np.{_function}(self)", "self"))
text("round.decimals", "np.round(self, decimals)")
text("frac", "self - np.trunc(self)")
text("logaddexp", of_kinds("biuf", "np.logaddexp(self, other)"))
text("ldexp", "self * np.exp2(other)")
text("logit", logit)
text("rad2deg", "np.rad2deg(self)")
text("deg2rad", "np.deg2rad(self)")
text("sinc", "np.sinc(self)")
text("polar", "abs * np.exp(1j * angle)")
text("angle", "np.angle(self)")
text("complex", "real + 1j * imag")
text("view_as_real", "np.stack([self.real, self.imag], axis=-1)")
text("view_as_complex", "self[..., 0] + 1j * self[..., 1]")
text("where", where)
text("_conj _conj_physical", conjugate)
text("where.nonzero", nonzero)
text("masked_fill", "np.where(mask, value, self)")
text("_to_copy", "self.astype(dtype)")

# Reductions

for _name in ("sum", "mean", "prod"):
    text(_name, f"self.{_name}(dtype=dtype)")
    text(f"{_name}.dim", with_dims(f"self.{_name}(axis=dim, dtype=dtype, keepdims=keepdim)", "self"))
text("nansum", "np.nansum(self, axis=dim, dtype=dtype, keepdims=keepdim)")
for _name in ("max", "min"):
    text(_name, f"self.{_name}()")
    text(f"{_name}.dim", [f"self.{_name}(axis=dim, keepdims=keepdim)", f"self.arg{_name}(axis=dim, keepdims=keepdim)"])
    text(f"a{_name}", f"self.{_name}(axis=dim, keepdims=keepdim)")
text("aminmax", ["self.min(axis=dim, keepdims=keepdim)", "self.max(axis=dim, keepdims=keepdim)"])
for _name in ("var", "std"):
    _spread = f"self.{_name}(axis=dim, ddof=correction, keepdims=keepdim)"
    text(f"_{_name}", with_dims(_spread))
    text(f"_{_name}_mean", with_dims([_spread, "self.mean(axis=dim, keepdims=keepdim)"]))
text("logsumexp", log_of_sum)
text("vector_norm", normed("ord"))
text("_norm", normed("p"))
text("argmax", "self.argmax(axis=dim, keepdims=keepdim)")
text("argmin", "self.argmin(axis=dim, keepdims=keepdim)")
text("all", "self.all(axis=dim, keepdims=keepdim)")
text("any", "self.any(axis=dim, keepdims=keepdim)")
text("count_nonzero", "(self != 0).sum(axis=dim)")
text("cumsum", with_dims("self.cumsum(axis=dim, dtype=dtype)", "self"))
text("cumprod", with_dims("self.cumprod(axis=dim, dtype=dtype)", "self"))
text("logcumsumexp", of_kinds("f", with_dims("np.logaddexp.accumulate(self, axis=dim)", "self")))
text("trace", "np.trace(self)")

# Shapes

text("view _unsafe_view _reshape_alias", "self.reshape(shape)")
text("expand", expanded)
text("permute", lambda use: f"np.transpose(self, {tuple(use.values['dims'])})")
text("transpose", with_dims("np.swapaxes(self, dim0, dim1)", "self"))
text("t", lambda use: "self.T" if use.rank() == 2 else "self")
text("squeeze _squeeze_result", squeezed)
text("unsqueeze", "np.expand_dims(self, dim)")
text("_alias _row_major _to_device", "self")
text("alias_copy detach_copy", "self.copy()")
text("select", selected)
text("_slice slice_copy _narrow_copy", sliced)
text("_select_backward", selected_backward)
text("_slice_backward", sliced_backward)
text("flip", "np.flip(self, dims)")
text("roll", "np.roll(self, shifts, axis=dims)")
text("rot90", "np.rot90(self, k, dims)")
text("repeat", "np.tile(self, repeats)")
text("tril", "np.tril(self, diagonal)")
text("triu", "np.triu(self, diagonal)")
text("diagonal", "np.diagonal(self, offset, dim1, dim2)")
text("_diagonal_copy", "np.diagonal(self, offset)")
text("_zeros", "np.zeros(shape, dtype=dtype)")
text("_new_zeros", "np.zeros(shape, dtype=dtype)")
text("zero _zeros_like", filled_like("zeros"))
text("_ones_like", filled_like("ones"))
text("clone", "self.copy()")
text("copy", copied)
text("fill _fill", "np.full_like(self, value)")
text("split unsafe_split split_with_sizes unsafe_split_with_sizes", parts(along))
text("unbind", unbound)
text("cat", joined)
text("_block_diag", "block_diag(tensors)")
text("repeat_interleave.Tensor", "np.repeat(np.arange(repeats.size), repeats)")
text("stack", "np.stack(tensors, axis=dim)")
text("_constant_pad_nd", padded)
text("Tensor::unfold unfold_copy", windows)

# Picking and placing

text(
    "_diagonal_zeros",
    lambda use: (
        f"diagonal_set(np.zeros({tuple(use.values['shape'])}, dtype=dtype), "
        f"{use.values['offset']}, {use.values['dim1']}, {use.values['dim2']}, self)"
    ),
)
text("diagonal_scatter", "diagonal_set(self, offset, dim1, dim2, src)")
text("diag_embed", "diagonal_set(np.zeros(shape, dtype=dtype), offset, dim1, dim2, self)")
text("select_scatter", lambda use: place_at(use, str(use.values["index"])))
text("slice_scatter", lambda use: place_at(use, slice_of(use, use.size(use.values["dim"]))))
text("index_add", with_dims(lambda use: f"with_added(self, {index_of(use)}, {times('alpha', 'source')(use)})"))
text("index_copy", with_dims(lambda use: f"with_set(self, {index_of(use)}, source)"))
text("index_fill", with_dims(lambda use: f"with_set(self, {index_of(use)}, value)"))
text("masked_scatter", masked_scatter)
text("_masked_scatter_backward", masked_scatter_backward)

text("_picked", lambda use: tree.Subscript(use.trees["self"], use.trees["index"], **PLACE))
text(
    "_scattered",
    lambda use: call(
        "scattered", use.trees["self"], tree.Subscript(name("np.s_"), use.trees["index"], **PLACE), use.trees["shape"]
    ),
)
text(
    "_placed",
    lambda use: call(
        "with_set", use.trees["self"], tree.Subscript(name("np.s_"), use.trees["index"], **PLACE), use.trees["values"]
    ),
)
text("_index", indexed)
text("index_put _index_put_impl", index_put)
text("gather", gathered)
text("scatter", scatter("src", False))
text("scatter.value scatter.value_reduce", scatter("value", False))
text("scatter_add", scatter("src", True))
text("index_select", with_dims("np.take(self, index, axis=dim)"))
text("take", "np.take(self, index)")
text("masked_select", masked_select)
text("put", put)
text("scatter_reduce", reduced(lambda use: "places(dim, index)", "cut(src, index)"))
text("index_reduce", reduced(index_of, "source"))
text("_as_strided", strided)
