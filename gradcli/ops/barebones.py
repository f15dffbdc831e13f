"""uint16, uint32 and uint64: torch's CPU converts and stores them, and has kernels for little else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradcli.engine.dtypes import barebones
from gradcli.ops.define import TABLE, Op
from gradcli.ops.kinds import not_barebones

# torch's kernels that lack them, and the rows that would need one
LACKING = {
    "abs_cpu": ("abs",),
    "add_stub": ("add", "index_reduce", "normal.float_Tensor", "rsub", "rsub.Scalar", "sub",),
    "addcmul_cpu_out": ("addcmul",),
    "addmm_impl_cpu_": ("_conv_tbc", "addbmm", "addmm", "mm",),
    "addmv_impl_cpu": ("addmv", "mv",),
    "addr_cpu": ("addr",),
    "aminmax_cpu": ("aminmax",),
    "argmax_cpu": ("argmax",),
    "argmin_cpu": ("argmin",),
    "baddbmm": ("baddbmm",),
    "bernoulli_scalar_cpu_": ("_bernoulli_", "bernoulli.p",),
    "bmm": ("_trilinear", "bmm",),
    "channel_shuffle": ("channel_shuffle", "native_channel_shuffle",),
    "clamp_cpu": ("clamp.Tensor",),
    "clamp_max_scalar_cpu": ("clamp_max",),
    "clamp_min_scalar_cpu": ("clamp_min", "relu",),
    "clamp_scalar_cpu": ("_hardtanh", "clamp",),
    "compute_indices_weights_nearest": (
        "_upsample_nearest1d", "_upsample_nearest3d", "_upsample_nearest_exact1d", "_upsample_nearest_exact3d",
    ),
    "cross": ("linalg::cross",),
    "cummax_cpu": ("cummax",),
    "cummin_cpu": ("cummin",),
    "div_floor_cpu": ("div.Tensor_mode", "floor_divide",),
    "dot": ("dot", "vdot",),
    "fmod_cpu": ("fmod.Scalar", "fmod.Tensor",),
    "ge_cpu": ("_ge.Tensor", "ge",),
    "geometric_cpu": ("_geometric_",),
    "gt_cpu": ("_gt.Tensor", "gt",),
    "heaviside_cpu": ("heaviside",),
    "index_copy_cpu": ("index_copy",),
    "index_fill_cpu": ("index_fill", "index_fill.Tensor",),
    "index_put": ("index_put",),
    "isin_default_cpu": ("isin",),
    "kthvalue_cpu": ("kthvalue",),
    "le_cpu": ("_le.Tensor", "le",),
    "linspace_cpu": ("_affine_grid_generator",),
    "logical_not_cpu": ("logical_not",),
    "logical_xor_cpu": ("logical_xor",),
    "lt_cpu": ("_lt.Tensor", "lt",),
    "masked_fill": ("masked_fill", "masked_fill.Tensor",),
    "masked_scatter": ("masked_scatter",),
    "masked_select": ("masked_select",),
    "max_all": ("max",),
    "max_cpu": ("max.dim",),
    "max_pool2d": ("_max_pool2d_with_indices",),
    "max_pool3d": ("_max_pool3d_with_indices",),
    "max_values_cpu": ("amax",),
    "maximum_cpu": ("clamp_min.Tensor", "fmax", "maximum",),
    "median_cpu": ("median", "nanmedian",),
    "median_out": ("median.dim", "nanmedian.dim",),
    "min_all": ("min",),
    "min_cpu": ("min.dim",),
    "min_values_cpu": ("amin",),
    "minimum_cpu": ("clamp_max.Tensor", "fmin", "minimum",),
    "mode_cpu": ("mode",),
    "neg_cpu": ("neg",),
    "nonzero_count_cpu": ("argwhere", "where.nonzero",),
    "pixel_shuffle": ("pixel_shuffle",),
    "pixel_unshuffle": ("pixel_unshuffle",),
    "pow": ("pow.Scalar", "pow.Tensor_Scalar", "pow.Tensor_Tensor",),
    "random_kernel_cpu": ("_random_",),
    "reflection_pad1d": ("_reflection_pad1d",),
    "reflection_pad2d": ("_reflection_pad2d",),
    "reflection_pad3d": ("_reflection_pad3d",),
    "remainder_cpu": ("remainder.Scalar", "remainder.Scalar_Tensor", "remainder.Tensor",),
    "replication_pad1d": ("_replication_pad1d",),
    "replication_pad2d": ("_replication_pad2d",),
    "replication_pad3d": ("_replication_pad3d",),
    "scatter_gather_scalar_cpu": ("scatter.value", "scatter.value_reduce",),
    "scatter_gather_tensor_cpu": (
        "gather", "index_add", "scatter", "scatter.reduce", "scatter_add", "scatter_reduce",
    ),
    "searchsorted_out_cpu": ("searchsorted",),
    "sign_cpu": ("sgn", "sign",),
    "slow_conv2d_cpu": ("_convolution",),
    "take_cpu": ("take",),
    "take_put_cpu": ("put",),
    "threshold_cpu": ("_threshold", "_threshold_",),
    "topk_cpu": ("topk",),
    "trace": ("trace",),
    "tril": ("tril",),
    "triu": ("triu",),
    "upsample_nearest2d_channels_last": ("_upsample_nearest2d", "_upsample_nearest_exact2d",),
    "xor_sum_cpu": ("hash_tensor",),
}  # fmt: skip
# which need none without dimensions or elements
BY_DIM = frozenset({"cummax", "cummin", "kthvalue", "max.dim", "min.dim", "mode", "topk"})
KERNELS = {row: kernel for kernel, rows in LACKING.items() for row in rows}


def refused_by(op: Op) -> Callable[[Any], None] | None:
    """What a row does about an array of these dtypes, once there are any; None if torch has a kernel."""
    kernel = KERNELS.get(op.text.partition("(")[0])
    if kernel is None or not barebones.in_use:
        return None

    spared = op.text.partition("(")[0] in BY_DIM

    def check(array: Any) -> None:
        if hasattr(array, "dtype") and not (spared and (array.ndim == 0 or array.size == 0)):
            not_barebones(array.dtype, kernel)

    return check


def compile_anew() -> None:
    """What has been compiled does not look at the dtype."""
    for rows in TABLE.values():
        for row in rows:
            row.__dict__.pop("call", None)
            row.__dict__.pop("inplace", None)


barebones.at_first = compile_anew
