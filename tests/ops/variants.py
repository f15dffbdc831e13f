"""Samples once more in other forms: dims counted from the end, and inputs without dimensions, without elements, with
a dimension more, of complex numbers, or laid out otherwise in memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from gradcli.engine.dtypes import BAREBONES
from gradcli.errors import UserError
from gradcli.ops import frontend
from gradcli.ops.define import Parameter
from gradcli.spec.expression import parse_expression
from gradcli.spec.tree import Call, Constant, Expr, ListOf, Method, Node, TupleOf, walk

from . import linear_algebra
from .answers import bindings, evaluate
from .asking import Laid
from .pool import POOL, Input
from .samples import names_in

Pool = dict[str, Input]


def first_element(values: Any) -> Any:
    return first_element(values[0]) if isinstance(values, list) and values else values


def without_dimensions(expression: str, drawn: Pool) -> Pool:
    """Each tensor becomes its first element."""
    return {name: Input(first_element(given.values), given.kind) for name, given in drawn.items()}


def without_elements(expression: str, drawn: Pool) -> Pool:
    """Each tensor loses all of its first dimension."""
    return {
        name: Input(np.zeros((0, *np.shape(given.values)[1:])) if np.ndim(given.values) else given.values, given.kind)
        for name, given in drawn.items()
    }


def batched(expression: str, drawn: Pool) -> Pool:
    """The first tensor gets another dimension in front, so that the others are broadcast."""
    first = next(iter(names_in(expression)), None)
    return drawn if first is None else {**drawn, first: Input([drawn[first].values] * 2, drawn[first].kind)}


def in_the_plane(values: Any, turn: float = 0.7) -> Any:
    """Numbers with an imaginary part, of a size and sign without pattern."""
    if isinstance(values, list):
        return [in_the_plane(value, turn * 1.9 + place) for place, value in enumerate(values)]
    return complex(values, round(math.sin(turn), 3))


def complexes(expression: str, drawn: Pool) -> Pool:
    """Each floating tensor gets imaginary parts."""
    return {
        name: Input(in_the_plane(given.values), "complex") if given.kind == "float" else given
        for name, given in drawn.items()
    }


def whole(values: Any) -> Any:
    """Small whole numbers in place of any."""
    if isinstance(values, list):
        return [whole(value) for value in values]
    return int(abs(values) * 4) % 7 if abs(values) < 10**6 else 3


def barebones(dtype: str) -> Callable[[str, Pool], Pool]:
    """Each floating tensor holds whole numbers of a dtype that torch has few kernels for."""
    return lambda expression, drawn: {
        name: Input(whole(given.values), dtype) if given.kind == "float" else given for name, given in drawn.items()
    }


INPUTS: dict[str, Callable[[str, Pool], Pool]] = {
    "without dimensions": without_dimensions,
    "without elements": without_elements,
    "batched": batched,
    "complex": complexes,
    **{dtype: barebones(dtype) for dtype in sorted(BAREBONES)},
}


def repeated(array: Any) -> Any:
    """The first row in place of all, in the memory of one."""
    return np.lib.stride_tricks.as_strided(array, strides=(0, *array.strides[1:]))


LAYOUTS: dict[str, Laid] = {
    "transposed": lambda array: np.array(array, order="F"),
    "with steps": lambda array: np.repeat(array, 2, axis=-1)[..., ::2] if array.ndim else array,
    "expanded": lambda array: repeated(array) if array.ndim and len(array) else array,
}

DIMS = {"dim", "dims", "dim0", "dim1", "dim2", "start_dim", "end_dim", "source", "destination", "axis0", "axis1", "dimension"}  # fmt: skip
NO_DIMS = {"tile", "tensordot"}  # what they call dims are counts
ONE_MORE = {"unsqueeze", "stack", "diag_embed"}  # whose dims are those of the result


def from_the_end(expression: str, drawn: Pool) -> str | None:
    """The expression with the dims of its calls as negative numbers; None if it names none."""
    tree = parse_expression(expression, bound=POOL)
    changes: dict[int, tuple[int, str]] = {}
    for node in walk(tree):
        if isinstance(node, Call | Method):
            for number, ndim in dims_of(node, expression, drawn):
                if 0 <= number.value < ndim:
                    changes[number.start] = number.end, str(number.value - ndim)
    text = expression
    for start in sorted(changes, reverse=True):
        end, number = changes[start]
        text = text[:start] + number + text[end:]
    return text if changes else None


def dims_of(node: Call | Method, expression: str, drawn: Pool) -> Iterator[tuple[Any, int]]:
    """The literal dims among the arguments of a call, each with the number of dimensions that it counts in."""
    method = isinstance(node, Method)
    args = [node.target, *node.args] if isinstance(node, Method) else list(node.args)
    rows = frontend.find_method(node.name) if isinstance(node, Method) else frontend.find(node.function)
    try:
        tensors = bindings(expression, drawn)
        values = [evaluate(expression[arg.start : arg.end], tensors) for arg in args]
        keywords = {
            word.name: evaluate(expression[word.value.start : word.value.end], tensors) for word in node.keywords
        }
    except UserError:
        return
    for row in rows or ():
        if isinstance(frontend.bind(row, values, keywords, method), dict):
            break
    else:
        return
    if not values:
        return
    first = values[0][0] if isinstance(values[0], list | tuple) and values[0] else values[0]
    if row.name.rpartition(":")[2].rstrip("_") in NO_DIMS or not frontend.is_tensor(first):
        return
    ndim = max(first.ndim + (row.name.rstrip("_") in ONE_MORE), 1)
    for place, parameter in enumerate(row.schema.parameters):
        if parameter.name in DIMS:
            for given in given_for(parameter, place, args, node):
                yield from ((number, ndim) for number in numbers_in(given))


def given_for(parameter: Parameter, place: int, args: list[Expr], node: Call | Method) -> list[Node]:
    """What stands for a parameter: of a list of ints, the last positional one, perhaps several arguments."""
    if place < len(args):
        return list(
            args[place:] if parameter.type.startswith("int[]") and len(args) > place + 1 else args[place : place + 1]
        )
    return [word.value for word in node.keywords if word.name == parameter.name]


def numbers_in(given: Node) -> Iterator[Constant]:
    for item in given.items if isinstance(given, TupleOf | ListOf) else (given,):
        if isinstance(item, Constant) and type(item.value) is int:
            yield item


UNDEFINED = "torch gives what was in the memory"
IN_PLACE = "written to memory that several elements share"
SINGULAR = "equal rows: singular"
UNSTABLE = "rounding errors"
MEMORY = "torch dies of what it reads beyond the memory"
NOT_FINITE = "infinite parts"
STRICTER = "torch refuses what is not contiguous"
STRIDES = "graphs go by the strides of dimensions of length 1, where NumPy has its own"
MKL = "torch's library fails on nothing"
EMPTY_ROWS = "torch derives nothing of no elements, where ours are empty gradients"

SOME = "torch has a kernel for some options, or needs none where there is nothing to do"
FEW_KERNELS = {
    **dict.fromkeys(("flip", "fliplr", "flipud", "rot90", "index_select", "repeat_interleave.self_Tensor", "index_reduce", "scatter_reduce", "take",
                     "aminmax", "combinations", "matrix_power", "softmax", "pixel_shuffle", "pixel_unshuffle", "grid_sample", "interpolate",
                     "nonzero_static", "tensordot.dims", "batch_norm_update_stats", "pow.Tensor_Scalar"), SOME),
    "div(x, y, rounding_mode=None)": SOME, "torch.hash_tensor(x[:0], 1)": SOME, "median(none)": SOME, "nanmedian(none)": SOME, "(median(none)) ** 2": SOME, "(nanmedian(none)) ** 2": SOME,
    **dict.fromkeys(("isclose", "allclose"), "differences wrap around"), **dict.fromkeys(("jacobian", "vjp", "jvp"), "of what has no gradient"),
    **dict.fromkeys(("logical_and", "logical_or", "vander", "ldexp"), "torch promotes what it need not, or does without"),
    "fill.Tensor": "torch refuses a value with a gradient", "zeta": "torch makes no uint64 of a fraction",
}  # fmt: skip

# by row, or by sample, each with the reason
LEFT_OUT: dict[str, dict[str, str]] = {
    **dict.fromkeys(BAREBONES, FEW_KERNELS),
    "without dimensions": {
        "Tensor::resize_": UNDEFINED, "Tensor::set_.window": UNDEFINED, "Tensor::resize_as": "torch fails on what has no dimensions",
        "fill.Tensor": "torch sums the one element, which is a node more", "Tensor::fill_": "the same",
        "normalize": "the same", "lobpcg": UNSTABLE, "dist": UNSTABLE, "vector_norm": UNSTABLE, "pairwise_distance": UNSTABLE,
        "cov": "torch fails on a view of a leaf that it changes itself",
    },
    "without elements": {
        "Tensor::resize_": UNDEFINED, "Tensor::set_.window": UNDEFINED, "cat": EMPTY_ROWS, "hstack": EMPTY_ROWS, "torch::embedding": "torch cannot derive its gradient again",
        "grouped_mm": "groups of nothing", "c.conj().stride()": "NumPy has zeros for it", "[c.mH.stride(), c.mH.is_contiguous(), c.conj().is_contiguous(), c.conj()[:, ::2].is_contiguous()]": "the same",
        "pdist": "torch dies of a floating point exception", "segment_reduce": "torch dies of a segmentation fault",
        **{f"fft::{name}": MKL for name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft", "fft2", "ifft2", "rfft2", "irfft2",
                                            "hfft2", "ihfft2", "fftn", "ifftn", "rfftn", "irfftn", "hfftn", "ihfftn")},
        "multi_margin_loss": UNDEFINED, "stride": "NumPy has zeros for it", "dim_order": "the same",
        "trapezoid": EMPTY_ROWS, "max_unpool2d": EMPTY_ROWS, "det": EMPTY_ROWS, "linalg::cond": EMPTY_ROWS, "ormqr": EMPTY_ROWS,
        "bincount": EMPTY_ROWS, "hessian": "the sample's own helper cannot stack nothing",
        "embedding": "torch cannot derive its gradient again", "index_put": "torch takes any index of nothing",
        "multi_head_attention_forward": "weights without rows, which torch refuses later than others",
        "linear_cross_entropy": "no classes", "multinomial": "no rows to draw for", "linalg::matrix_rank": "no matrix",
    },
    "batched": {
        "linalg::lu_factor_ex": "torch factors integers where there are none", "batch_norm_update_stats": "torch does not count the statistics",
        "sub": "the real part of a sum, or the sum of real parts", "std": UNSTABLE, "std_mean": UNSTABLE,
        "quantile": "equal elements, which torch sorts by the instructions that a processor has",
        "linalg::solve_triangular": STRIDES, "linalg::lu": STRIDES, "linalg::lu_factor": STRIDES, "lu": STRIDES,
        "randn_like": "random numbers in an order of the memory of 16 elements and more", "segment_reduce": MEMORY,
        "softmax(x, 1, dtype=float32)": UNSTABLE,
        "cdist(x[:0], y, 2.0, 'use_mm_for_euclid_dist')": EMPTY_ROWS, "native_batch_norm": "torch does not count the weights",
    },
    "complex": {
        "softmax(empty, 0)": "torch has a kernel for nothing", "cov(single)": STRIDES,
        "segment_reduce": "torch dies of a floating point exception", "pdist": "the same",
        "cholesky_inverse": "a diagonal that is not real",
        "linalg::solve_triangular": STRIDES, "linalg::lu": STRIDES, "linalg::lu_factor_ex": STRIDES,
        "lobpcg": UNSTABLE, "softmax(x, 1, dtype=float32)": UNSTABLE, "logaddexp": NOT_FINITE,
        **dict.fromkeys(("0.0 ** edge", "exp(huge)", "exp(special)", "expm1(huge)"), NOT_FINITE),
        "grid_sample": "torch has a kernel for nothing", "batch_norm(empty, None, None, row, v, training=True)": "the same",
    },
    "transposed": {
        "linalg::ldl_solve": UNDEFINED, "Tensor::set_.window": STRICTER, "choose_qparams_optimized": "it reads the memory as it lies",
        "tensordot.dims": STRIDES, "empty.view(int32)": STRIDES, "nll_loss": "torch cannot derive its gradient again", "conv_tbc": STRICTER, "isin": STRICTER,
        "local_response_norm": STRICTER, "view_as_complex": STRICTER, "lobpcg": UNSTABLE, "multinomial": "random numbers in the order of the memory",
    },
    "with steps": {
        "linalg::ldl_solve": UNDEFINED, "Tensor::set_.window": STRICTER, "torch::group_norm": "weights are copied first, a node more", "conj": "conjugates are copied to memory of another order",
        "cross_entropy": "weights are copied first, a node more", "group_norm": "the same", "view_as_complex": STRICTER, "dim_order": STRIDES,
        "empty.view(int32)": STRIDES,
        "as_strided_scatter": "what lies between the elements",
        **dict.fromkeys(("linalg::cholesky", "cholesky", "cholesky_solve", "cholesky_inverse", "linalg::eigvalsh", "svd_lowrank"),
                        "conjugates are copied to memory of another order"),
    },
    "expanded": {
        "Tensor::set_.window": STRICTER, "torch::group_norm": "weights are copied first, a node more", "batch_norm_update_stats": IN_PLACE, "is_conj": IN_PLACE, "conj": IN_PLACE,
        "imag": IN_PLACE, **dict.fromkeys(("Tensor::resize_", "resize_as_"), "memory that NumPy owns is not resized"),
        "cross_entropy": "weights are copied first, a node more", "group_norm": "the same", "conv_tbc": STRICTER, "isin": STRICTER,
        "as_strided": "the memory is as short as its one row", "as_strided_": "the same", "as_strided_copy": "the same",
        "as_strided_scatter": "the same", "cross": UNSTABLE, "linalg::cross": UNSTABLE,
        "median.dim": "torch overwrites the rows that it sorts", "nanmedian.dim": "the same", "in place": IN_PLACE,
        **dict.fromkeys(("batch_norm", "instance_norm", "embedding", "embedding_bag", "fill_diagonal_"), IN_PLACE),
        "dropout": "random numbers in the order of the memory", "grad": SINGULAR, "pca_lowrank": SINGULAR, "svd_lowrank": SINGULAR,
        "lobpcg": SINGULAR, "nuclear_norm": SINGULAR, "corrcoef": UNSTABLE, "embedding_renorm_": IN_PLACE, "view.dtype": STRICTER,
        **dict.fromkeys((*linear_algebra.SMOOTH, *linear_algebra.KINKED), SINGULAR),
    },
}  # fmt: skip
