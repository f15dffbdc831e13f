"""What torch's layers call, under its own name and with all its arguments."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from gradcli.engine.device import np
from gradcli.engine.dtypes import TYPE_NAMES
from gradcli.errors import UserError
from gradcli.ops.arithmetic import no_derivative
from gradcli.ops.conv import (
    Options,
    check_dtypes,
    check_shapes,
    convolution_gradients,
    convolved,
    in_each,
    kernel_of,
)
from gradcli.ops.conv import convolution as convolution_of
from gradcli.ops.define import composite, op
from gradcli.ops.grid import FORWARDS, check_grid
from gradcli.ops.grid import affine_grid_generator as affine_places
from gradcli.ops.kinds import check_constant, only
from gradcli.ops.norm import but_channels, check_groups, native_batch_norm, native_group_norm, native_layer_norm
from gradcli.ops.shape import has_channels_last, is_contiguous, wrap_dim


@composite(
    "convolution(Tensor input, Tensor weight, Tensor? bias, int[] stride, int[] padding, int[] dilation, "
    "bool transposed, int[] output_padding, int groups)"
)
def convolution(
    input: Any,
    weight: Any,
    bias: Any,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    transposed: bool,
    output_padding: Sequence[int],
    groups: int,
) -> Any:
    """A convolution of any rank, or its transpose."""
    by, margin, gap, more = (in_each(values, weight.ndim - 2) for values in (stride, padding, dilation, output_padding))
    options = Options(by, margin, gap, transposed, more, groups)
    check_shapes(input, weight, bias, options)
    if input.array.size:
        only("biuf", kernel_of(input, options))(input)
    return convolved(input, weight, bias, options)


@composite("native_layer_norm(Tensor input, int[] normalized_shape, Tensor? weight, Tensor? bias, float eps)")
def layer_norm_and_statistics(input: Any, normalized_shape: Sequence[int], weight: Any, bias: Any, eps: float) -> Any:
    """What is normalised, and what it was shifted and scaled by."""
    return native_layer_norm(input, normalized_shape, weight, bias, eps)


@composite(
    "native_batch_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, Tensor? running_var, "
    "bool training, float momentum, float eps)"
)
def batch_norm_and_statistics(
    input: Any,
    weight: Any,
    bias: Any,
    running_mean: Any,
    running_var: Any,
    training: bool,
    momentum: float,
    eps: float,
) -> Any:
    """What is normalised, and, in training, what it was shifted and scaled by."""
    wrap_dim(1, input.ndim)  # of the channels, which there must be
    only("f", "batch_norm")(input)
    for name, statistic in (("running_mean", running_mean), ("running_var", running_var)):
        check_constant("native_batch_norm", name, statistic)
    return native_batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps)


@composite("native_group_norm(Tensor input, Tensor? weight, Tensor? bias, int N, int C, int HxW, int group, float eps)")
def group_norm_and_statistics(input: Any, weight: Any, bias: Any, group: int, eps: float, **sizes: int) -> Any:
    """What is normalised of N samples of C channels of HxW elements, and what it was shifted and scaled by."""
    if input.shape[:2] != (sizes["N"], sizes["C"]) or input.array.size != math.prod(sizes.values()):
        raise UserError("shape", "Expected X.numel() == N * C * HxW to be true, but got false.")
    check_groups(input, group, weight, bias)
    if not (is_contiguous(input) or has_channels_last(input.array)):
        raise UserError("value", "Expected X.is_contiguous(memory_format) to be true, but got false.")
    return native_group_norm(input, weight, bias, group, eps)


SAMPLING_MODES = ("bilinear", "nearest", "bicubic")
PADDING_MODES = ("zeros", "border", "reflection")


def grid_sampler(name: str, rank: int | None) -> None:
    """Declare `grid_sample` with numbers for its modes, of images of two or three dimensions, or of either."""

    @composite(f"{name}(Tensor input, Tensor grid, int interpolation_mode, int padding_mode, bool align_corners)")
    def sampler(input: Any, grid: Any, interpolation_mode: int, padding_mode: int, align_corners: bool) -> Any:
        """An image looked at in the places of a grid."""
        return sampled(input, grid, interpolation_mode, padding_mode, align_corners, rank)


def sampled(
    input: Any, places: Any, interpolation_mode: int, padding_mode: int, align_corners: bool, rank: int | None
) -> Any:
    for what, mode, modes in (
        ("interpolation", interpolation_mode, SAMPLING_MODES),
        ("padding", padding_mode, PADDING_MODES),
    ):
        if not 0 <= mode < len(modes):
            known = ", ".join(f"{number} ({name})" for number, name in enumerate(modes))
            raise UserError("value", f"grid_sampler(): {what} mode {mode} is none of {known}")
    sampling = SAMPLING_MODES[interpolation_mode]
    check_grid(input, places, sampling)
    if rank not in (None, input.ndim - 2):
        raise UserError(
            "shape",
            f"grid_sampler(): expected {rank + 2}D input and grid with same number of dimensions, but got input with "
            f"sizes {list(input.shape)} and grid with sizes {list(places.shape)}",
        )
    return FORWARDS[input.ndim - 2](input, places, sampling, PADDING_MODES[padding_mode], align_corners)


grid_sampler("grid_sampler", None)
grid_sampler("grid_sampler_2d", 2)
grid_sampler("grid_sampler_3d", 3)


@composite("affine_grid_generator(Tensor theta, int[] size, bool align_corners)")
def affine_grid_generator(theta: Any, size: Sequence[int], align_corners: bool) -> Any:
    """The places of images after affine transformations."""
    if len(size) not in (4, 5):
        raise UserError("shape", "AffineGridGenerator needs 4d (spatial) or 5d (volumetric) inputs.")
    wrap_dim(2, theta.ndim)  # the columns of a batch of matrices, which it must be
    return affine_places(theta, size, align_corners)


mkldnn_convolution_of = op(
    "_mkldnn_convolution(Tensor self, Tensor weight, Tensor? bias, int[] padding, int[] stride, int[] dilation, "
    "int groups)",
    "MkldnnConvolutionBackward0",
    lambda self, weight, bias, padding, stride, dilation, groups: convolution_of(
        self, weight, bias, stride, padding, dilation, False, [0] * len(stride), groups
    ),
    contiguous=True,
    joint=lambda grad, needs, self, weight, bias_shape, stride, padding, dilation, groups: convolution_gradients(
        grad, needs, self, weight, bias_shape, stride, padding, dilation, False, [0] * len(stride), groups
    ),
)  # fmt: skip


@composite(
    "mkldnn_convolution(Tensor self, Tensor weight, Tensor? bias, int[] padding, int[] stride, int[] dilation, "
    "int groups)"
)
def mkldnn_convolution(
    self: Any,
    weight: Any,
    bias: Any,
    padding: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> Any:
    """A convolution of any rank, of numbers that oneDNN computes with."""
    if self.dtype.name not in ("float32", "float16", "bfloat16"):
        kind = TYPE_NAMES[self.dtype.name]
        raise UserError("type", f"itensor_view_from_dense expects float/bfloat16/half/int8/fp8 tensor input{kind}")
    margin, by, gap = (in_each(values, weight.ndim - 2) for values in (padding, stride, dilation))
    options = Options(by, margin, gap, False, [0] * len(by), groups)
    check_shapes(self, weight, bias, options)
    check_dtypes(self, weight, bias, options)
    return mkldnn_convolution_of(self, weight, bias, margin, by, gap, groups)


def update_stats_forward(input: Any, running_mean: Any, running_var: Any, momentum: float) -> tuple[Any, Any]:
    """Mean and variance of each channel, after the running ones have been moved towards them."""
    axes = tuple(but_channels(input.ndim))
    mean, var = np.mean(input, axis=axes), np.var(input, axis=axes)
    count = input.size // input.shape[1]
    for running, found in ((running_mean, mean), (running_var, var * (count / (count - 1)) if count > 1 else var)):
        if running is not None:
            running[...] = momentum * found + (1 - momentum) * running
    return mean, var


update_stats = op(
    "_batch_norm_update_stats(Tensor input, Tensor? running_mean, Tensor? running_var, float momentum)"
    " -> (result0, result1)",
    "NotImplemented", update_stats_forward,
    check=only("f", "batch_norm_update_stats_cpu"),
    **dict.fromkeys(("input", "running_mean", "running_var"), no_derivative("batch_norm_update_stats")),
)  # fmt: skip


@composite("batch_norm_update_stats(Tensor input, Tensor? running_mean, Tensor? running_var, float momentum)")
def batch_norm_update_stats(input: Any, running_mean: Any, running_var: Any, momentum: float) -> Any:
    """The mean and the variance of each channel, towards which the running ones are moved."""
    wrap_dim(1, input.ndim)
    if not input.array.size:
        raise UserError(
            "shape", f"input tensor must have at least one element, but got input_sizes = {list(input.shape)}"
        )
    for name, statistic in (("running_mean", running_mean), ("running_var", running_var)):
        if statistic is not None and statistic.array.size != input.shape[1]:
            raise UserError("shape", f"{name} should contain {input.shape[1]} elements not {statistic.array.size}")
    return update_stats(input, running_mean, running_var, momentum)


@composite("cudnn_is_acceptable(Tensor self)")
def cudnn_is_acceptable(self: Any) -> bool:
    """Whether cuDNN would be asked to compute: never, gradcli having kernels of its own."""
    return False


@composite("is_vulkan_available()")
def is_vulkan_available() -> bool:
    return False
