"""What torch's layers call, under its own name and with all its arguments."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from gradcli.errors import UserError
from gradcli.ops.conv import Options, convolved, in_each
from gradcli.ops.define import composite
from gradcli.ops.grid import FORWARDS, check_grid
from gradcli.ops.grid import affine_grid_generator as affine_places
from gradcli.ops.kinds import check_constant
from gradcli.ops.norm import check_groups, native_batch_norm, native_group_norm, native_layer_norm
from gradcli.ops.shape import wrap_dim


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
    return convolved(input, weight, bias, Options(by, margin, gap, transposed, more, groups))


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
    for name, statistic in (("running_mean", running_mean), ("running_var", running_var)):
        check_constant("native_batch_norm", name, statistic)
    return native_batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps)


@composite("native_group_norm(Tensor input, Tensor? weight, Tensor? bias, int N, int C, int HxW, int group, float eps)")
def group_norm_and_statistics(input: Any, weight: Any, bias: Any, group: int, eps: float, **sizes: int) -> Any:
    """What is normalised of N samples of C channels of HxW elements, and what it was shifted and scaled by."""
    if input.shape[:2] != (sizes["N"], sizes["C"]) or input.array.size != math.prod(sizes.values()):
        raise UserError("shape", "Expected X.numel() == N * C * HxW to be true, but got false.")
    check_groups(input, group, weight, bias)
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
