"""float16 and bfloat16: torch's CPU computes in float32 what is stored in them, and rounds every result once.

This is all that operations know of it. Rows see float32; where a gradient is computed, the formulas run on Tensors,
so that each operation in them rounds as torch's does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gradcli.engine.device import np
from gradcli.engine.dtypes import TYPE_NAMES, converted, is_reduced
from gradcli.engine.node import Edge, Node
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.ops.define import Op

KERNEL = "\"{kernel}\" not implemented for '{{dtype}}'"
LAPACK = "linalg.{name}: Low precision dtypes not supported. Got {{dtype}}"
DOUBLE = "This function doesn't handle types other than float and double"
# what torch's CPU does not compute in them, by its message, and the rows that it would need
REFUSED = {
    "MKL FFT doesn't support tensors of type: {dtype}": ("_fft_r2c", "_fft_c2r"),
    KERNEL.format(kernel="cdist"): ("_cdist_forward",),
    KERNEL.format(kernel="cholesky_cpu"): ("cholesky", "linalg::cholesky_ex"),
    KERNEL.format(kernel="compute_index_ranges_weights"): (
        "_upsample_smooth_bilinear2d", "_upsample_smooth_bicubic2d", "_upsample_smooth_lanczos2d",
    ),
    KERNEL.format(kernel="ctc_loss_cpu"): ("_ctc_loss",),
    KERNEL.format(kernel="geqrf_cpu"): ("linalg::qr", "_geqrf"),
    KERNEL.format(kernel="histogramdd"): (
        "_histogramdd_from_bin_cts", "_histogramdd_from_bin_tensors", "histogram",
        "histogram.bins_tensor",
    ),
    KERNEL.format(kernel="ldl_factor_kernel_cpu"): ("linalg::ldl_factor_ex",),
    KERNEL.format(kernel="ldl_solve_kernel_cpu"): ("linalg::ldl_solve",),
    KERNEL.format(kernel="linalg_eig_out_cpu"): ("linalg::eig",),
    KERNEL.format(kernel="lu_cpu"): ("det", "linalg::solve_ex", "linalg::lu", "linalg::lu_factor_ex"),
    KERNEL.format(kernel="multi_margin_loss_cpu_kernel"): ("_multi_margin_loss",),
    KERNEL.format(kernel="multilabel_margin_loss_forward_out_frame"): ("_multilabel_margin_loss",),
    KERNEL.format(kernel="ormqr_cpu"): ("ormqr",),
    KERNEL.format(kernel="pdist"): ("_pdist_forward",),
    LAPACK.format(name="inv"): ("linalg::inv_ex",),
    LAPACK.format(name="slogdet"): ("slogdet", "linalg::slogdet"),
    DOUBLE: ("linalg::lstsq", "_matrix_rank"),
}  # fmt: skip
# rows that look at the dtype themselves: for its limits, for what is drawn, or to refuse it in their own words
THEMSELVES = frozenset({
    "_bernoulli_", "_bernoulli_.Tensor", "_cauchy_", "_embedding_renorm_", "_exponential_", "_fill", "_geometric_",
    "_grouped_mm", "_linalg_pinv", "_log_normal_", "_normal_", "_random_", "_random_.from", "_random_.to", "_uniform_",
    "_view_as_complex_copy", "bernoulli", "bernoulli.p", "bincount", "binomial", "cholesky_inverse", "cholesky_solve",
    "dequantize", "fill", "linalg::eigh", "linalg::householder_product", "linalg::lu_solve", "linalg::solve_triangular",
    "linalg::svd", "masked_fill", "multinomial", "nan_to_num", "nextafter", "poisson", "triangular_solve",
})  # fmt: skip

# rows whose kernels torch has written in the dtype itself, so that each step rounds
STEP_BY_STEP = frozenset({
    "_adaptive_avg_pool2d_backward", "_adaptive_avg_pool3d", "_adaptive_avg_pool3d_backward",
    "_adaptive_max_pool2d_backward", "_adaptive_max_pool3d_backward", "_affine_grid_generator",
    "_avg_pool2d_backward", "_bce_with_logits", "_binary_cross_entropy", "_binary_cross_entropy_backward",
    "_col2im", "_embedding_bag_backward", "_embedding_dense_backward", "_fractional_max_pool2d_backward",
    "_fractional_max_pool3d_backward", "_grid_sampler_2d", "_grid_sampler_2d_backward",
    "_grid_sampler_3d_backward", "_max_pool2d_with_indices_backward", "_max_pool3d_with_indices_backward",
    "_mse_loss_backward", "_nll_loss", "_nll_loss2d", "addr", "entr", "igamma", "index_reduce", "ldexp",
    "linalg::cross", "logit", "logsumexp", "mvlgamma", "normal.Tensor_Tensor", "normal.Tensor_float",
    "normal.float_Tensor", "prod", "prod.dim", "remainder.Scalar", "rsqrt", "segment_reduce", "xlog1py",
    "xlog1py.other_scalar", "xlog1py.self_scalar", "xlogy", "xlogy.Scalar_Other", "xlogy.Scalar_Self",
})  # fmt: skip
# rows that round the numbers they are given, too, where others compute with all their digits
SUMS = frozenset({"_add.Scalar", "_sub.Scalar", "add", "pow.Tensor_Scalar", "rsub", "rsub.Scalar", "sub"})
# rows that take parameters in float32, too
NORMS = frozenset({
    "_native_batch_norm", "_native_batch_norm_backward", "_native_group_norm", "_native_layer_norm",
    "_native_layer_norm_backward",
})  # fmt: skip


def in_reduced(row: str) -> Callable[..., Any]:
    """How the forward of a row is called where an operand may be float16 or bfloat16."""
    message = next((message for message, rows in REFUSED.items() if row in rows), None)
    if message is None:
        calls = {THEMSELVES: as_it_is, STEP_BY_STEP: step_by_step, SUMS: adding, NORMS: normalising}
        return next((call for rows, call in calls.items() if row in rows), in_single)

    def refuse(forward: Callable[..., Any], *arguments: Any) -> Any:
        found = next((one.dtype for one in arguments if has_reduced(one)), None)
        if found is not None:
            raise UserError("type", message.format(dtype=TYPE_NAMES[found.name]))
        return forward(*arguments)

    return refuse


def may_be_reduced(op: Op) -> str:
    """Whether what a row computes with may be float16 or bfloat16, as source: the quickest look there is."""
    tensors = [parameter for parameter in op.schema.parameters if parameter.is_tensor]
    if op.promote is not None:
        tensors = [p for p in tensors if not op.operands or p.name in op.operands][:1]
    elif op.differentiable:
        tensors = op.differentiable
    tests = []
    for parameter in tensors:
        array = f"{parameter.name}_array"
        if parameter.is_list:
            tests.append(f"any(getattr(array, 'itemsize', 0) == 2 for array in {array})")
        elif parameter.type == "Tensor" or op.promote is not None:
            tests.append(f"{array}.itemsize == 2")
        else:
            tests.append(f"getattr({array}, 'itemsize', 0) == 2")
    for parameter in op.schema.parameters:
        if parameter.type.startswith("ScalarType"):
            tests.append(f"({parameter.name} is not None and {parameter.name}.itemsize == 2)")
    return " or ".join(tests) or "False"


def as_it_is(forward: Callable[..., Any], *arguments: Any) -> Any:
    return forward(*arguments)


def step_by_step(forward: Callable[..., Any], *arguments: Any) -> Any:
    """`forward` on arrays as they are; Python's floats would make bfloat16 a float32."""
    target = one_dtype(arguments)
    if target is None:
        return forward(*arguments)
    return all_rounded(forward(*with_numbers_in(target, arguments)), target)


def adding(forward: Callable[..., Any], *arguments: Any) -> Any:
    """As `in_single`, after the numbers have been rounded."""
    target = one_dtype(arguments)
    if target is not None:
        arguments = tuple(
            float(one) if isinstance(one, target.type) else one for one in with_numbers_in(target, arguments)
        )
    return in_single(forward, *arguments)


def with_numbers_in(dtype: Any, arguments: Sequence[Any]) -> list[Any]:
    return [dtype.type(one) if isinstance(one, float) else one for one in arguments]


def normalising(forward: Callable[..., Any], *arguments: Any) -> Any:
    """As `in_single`, beside float32 too; the running statistics are changed in place."""
    target = arguments[0].dtype if has_reduced(arguments[0]) else None
    wide = [widened(one) for one in arguments]
    results = forward(*wide)
    for array, one in zip(arguments, wide, strict=True):
        if has_reduced(array):
            array[...] = rounded(one, array.dtype)
    if target is None or any(getattr(one, "dtype", None) == np.float32 for one in arguments):
        first, *others = results
        return (first if target is None else rounded(first, target), *others)
    return all_rounded(results, target)


def in_single(forward: Callable[..., Any], *arguments: Any) -> Any:
    """`forward` of arrays in float32, its results in the dtype asked for, or else in that of the arrays.

    Only results in float32 are rounded, and none where the dtype asked for is a wider one. Arrays of several floating
    dtypes are left as they are: the forward refuses them, or promotes them. Whoever calls looks no closer than at the
    size of an element, so that there may be nothing to widen.
    """
    asked = next((one for one in arguments if isinstance(one, np.dtype)), None)
    if asked is not None and is_reduced(asked):  # torch converts what it is given first
        arguments = tuple(converted(one, asked) if is_float(one) else one for one in arguments)
    target = one_dtype(arguments)
    if target is None and asked is None:
        return forward(*arguments)
    try:
        result = forward(*[widened(one) for one in arguments])
    except UserError:
        forward(*arguments)  # whose error is about the dtype that they have
        raise
    target = asked or target
    return all_rounded(result, target) if is_reduced(target) else result


def one_dtype(arguments: Sequence[Any]) -> Any:
    """The dtype of all arrays of floats among `arguments`, if it is float16 or bfloat16."""
    floats = {one.dtype for one in flat(arguments) if is_float(one)}
    return floats.pop() if len(floats) == 1 and all(map(is_reduced, floats)) else None


def all_rounded(result: Any, dtype: Any) -> Any:
    return [rounded(one, dtype) for one in result] if isinstance(result, list | tuple) else rounded(result, dtype)


def flat(arguments: Sequence[Any]) -> list[Any]:
    return [part for one in arguments for part in (one if isinstance(one, list) else (one,))]


def has_reduced(value: Any) -> bool:
    return hasattr(value, "itemsize") and not isinstance(value, np.dtype) and is_reduced(value.dtype)


def is_float(value: Any) -> bool:
    return hasattr(value, "dtype") and value.dtype.kind in "fV"


def widened(value: Any) -> Any:
    if isinstance(value, list):
        return [widened(one) for one in value]
    if isinstance(value, np.dtype):
        return np.dtype(np.float32) if is_reduced(value) else value
    return value.astype(np.float32) if has_reduced(value) else value


def rounded(value: Any, dtype: Any) -> Any:
    return value.astype(dtype) if getattr(value, "dtype", None) == np.float32 else value


_rounding: dict[type[Node], type[Node]] = {}


def rounding(recorded: type[Node]) -> type[Node]:
    """The class of the nodes that a row records of float16 and bfloat16, from its ordinary one."""
    if recorded not in _rounding:
        _rounding[recorded] = type(recorded.name, (recorded,), {"__slots__": (), "apply": apply_rounding})
    return _rounding[recorded]


def apply_rounding(node: Node, grads: Sequence[Any], edges: tuple[Edge | None, ...]) -> Sequence[Any]:
    tensors = [None if gradient is None else Tensor(gradient) for gradient in grads]
    return [None if result is None else result.array for result in node.apply_recorded(tensors, edges)]
