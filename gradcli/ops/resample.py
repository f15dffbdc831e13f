"""Resizing of signals, images and scans.

Every mode but "area" takes each number of the result from a few places in each dimension, with weights: a table of
places and one of weights, a row each for every place of the result.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from gradcli.engine.device import beside, np, scatter_add, zeros_beside
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.ops.define import TABLE, Op, composite, op
from gradcli.ops.kinds import only
from gradcli.ops.shape import has_channels_last

Sizes = Sequence[int]
Taps = tuple[Any, Any]  # places and weights
Table = Callable[[int, int, float | None, bool, Any], Taps]


def step(length: int, count: int, scale: float | None, align_corners: bool, dtype: Any) -> Any:
    """How far apart in the input two neighbours of the result lie."""
    if align_corners:
        return dtype.type((length - 1) / (count - 1) if count > 1 else 0)
    return dtype.type(1 / scale if scale is not None and scale > 0 else length / count)


def numbers(count: int, dtype: Any) -> Any:
    return np.arange(count).astype(dtype)


def nearest(length: int, count: int, scale: float | None, align_corners: bool, dtype: Any) -> Taps:
    return rounded_down(numbers(count, dtype) * step(length, count, scale, False, dtype), length)


def nearest_exact(length: int, count: int, scale: float | None, align_corners: bool, dtype: Any) -> Taps:
    by = step(length, count, scale, False, dtype)
    half = dtype.type(0.5)
    return rounded_down(by * (numbers(count, dtype) + half) - half + half, length)


def rounded_down(at: Any, length: int) -> Taps:
    places = np.minimum(np.floor(at.astype(np.float32)).astype(np.int64), length - 1)
    return places[:, None], None


def linear(length: int, count: int, scale: float | None, align_corners: bool, dtype: Any) -> Taps:
    if length == count:
        return np.arange(count)[:, None], None
    by, half = step(length, count, scale, align_corners, dtype), dtype.type(0.5)
    at = numbers(count, dtype)
    at = by * at if align_corners else np.maximum(by * (at + half) - half, dtype.type(0))
    first = np.minimum(np.floor(at).astype(np.int64), length - 1)
    share = np.clip(at - first.astype(dtype), 0, 1)
    return np.stack([first, np.minimum(first + 1, length - 1)], 1), np.stack([1 - share, share], 1)


def cubic(length: int, count: int, scale: float | None, align_corners: bool, dtype: Any) -> Taps:
    by, half = step(length, count, scale, align_corners, dtype), dtype.type(0.5)
    at = by * numbers(count, dtype) if align_corners else by * (numbers(count, dtype) + half) - half
    first = np.floor(at)
    places = np.clip(first[:, None].astype(np.int64) + np.arange(-1, 3), 0, length - 1)
    return places, cubic_kernel(at[:, None] - first[:, None] - np.arange(-1, 3).astype(dtype), -0.75)


def cubic_kernel(x: Any, a: float) -> Any:
    """The weight at a distance, of the cubic convolution with parameter `a`."""
    x = np.absolute(x)
    inner = ((a + 2) * x - (a + 3)) * x * x + 1
    outer = ((x - 5) * x + 8) * x * a - 4 * a
    return np.where(x < 1, inner, np.where(x < 2, outer, 0)).astype(x.dtype)


def smoothed(kernel: Callable[[Any], Any], width: int) -> Table:
    """The table of a kernel that grows with the step where an image shrinks, so that no place is left out."""

    def table(length: int, count: int, scale: float | None, align_corners: bool, dtype: Any) -> Taps:
        by, half = step(length, count, scale, align_corners, dtype), dtype.type(0.5)
        stretch = np.maximum(by, dtype.type(1))
        reach = stretch * (width / 2)
        centers = by * (numbers(count, dtype) + half)
        first = np.maximum((centers - reach + half).astype(np.int64), 0)
        end = np.minimum((centers + reach + half).astype(np.int64), length)
        places = first[:, None] + np.arange(np.amax(end - first))
        distance = (places.astype(dtype) - centers[:, None] + half) / stretch
        weights = np.where(places < end[:, None], kernel(distance), 0)
        weights = weights / np.add.reduce(weights, axis=1, keepdims=True)
        return np.minimum(places, length - 1), weights.astype(dtype)

    return table


def triangle(x: Any) -> Any:
    return np.maximum(1 - np.absolute(x), 0)


def lanczos(x: Any) -> Any:
    return np.where(np.absolute(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)


TABLES: dict[str, Table] = {
    "nearest": nearest, "nearest-exact": nearest_exact, "linear": linear, "bilinear": linear, "trilinear": linear,
    "bicubic": cubic, "smooth bilinear": smoothed(triangle, 2), "smooth lanczos": smoothed(lanczos, 6),
    "smooth bicubic": smoothed(lambda x: cubic_kernel(x, -0.5), 4),
}  # fmt: skip


SMALL = 128  # height and width together, up to which torch has another way to take the nearest pixels


def tables(
    size: Sizes,
    output_size: Sizes,
    align_corners: bool,
    scales: Sequence[float] | None,
    mode: str,
    dtype: Any,
    back: bool = False,
) -> list[Taps]:
    """The table of each dimension.

    Back from the nearest pixels, and for small images forth as well, torch computes in single precision, and for the
    same and the double size without the factor that was given.
    """
    wide = np.dtype(np.float64 if dtype == np.float64 else np.float32)
    steps: Sequence[float | None] = [None] * len(size) if scales is None else scales
    if mode.startswith("nearest") and (back or (len(size) == 2 and sum(output_size) <= SMALL)):
        wide = np.dtype(np.float32)
        if mode == "nearest":
            each = zip(size, output_size, steps, strict=True)
            steps = [None if count in (length, 2 * length) else scale for length, count, scale in each]
    return [
        TABLES[mode](length, count, scale, align_corners, wide)
        for length, count, scale in zip(size, output_size, steps, strict=True)
    ]


def resampled(self: Any, output_size: Sizes, align_corners: bool, scales: Sequence[float] | None, mode: str) -> Any:
    smooth = mode.startswith("smooth")
    result = self.copy() if smooth else self
    each = tables(self.shape[2:], output_size, align_corners, scales, mode, self.dtype)
    for dim, (places, weights) in enumerate(each, 2):
        if smooth and self.shape[dim] == output_size[dim - 2]:
            continue  # torch leaves it as it is, whatever the factor
        column = (-1,) + (1,) * (self.ndim - dim - 1)
        parts = [np.take(result, beside(self, place), axis=dim) for place in places.T]
        if weights is not None:
            parts = [part * beside(self, weight).reshape(column) for part, weight in zip(parts, weights.T, strict=True)]
        result = sum(parts[1:], parts[0])
    if smooth and repeats_first(self, output_size):
        result = np.repeat(result[:, :, :1], output_size[0], axis=2)
    return result


def repeats_first(self: Any, output_size: Sizes) -> bool:
    """Whether every row of the result is the first one: where torch 2.13 makes columns of another height of images.

    It takes the rows of a single column for repetitions of one, unless the channels of a pixel lie side by side.
    """
    return output_size[1] == 1 and output_size[0] != self.shape[2] and not has_channels_last(self)


def resampled_back(
    grad_output: Any,
    output_size: Sizes,
    input_size: Sizes,
    align_corners: bool,
    scales: Sequence[float] | None,
    mode: str,
) -> Any:
    """The transpose of `resampled`."""
    result = grad_output
    each = tables(input_size[2:], output_size, align_corners, scales, mode, grad_output.dtype, back=True)
    for dim, (places, weights) in enumerate(each, 2):
        column = (-1,) + (1,) * (result.ndim - dim - 1)
        before = result
        result = zeros_beside(before, (*before.shape[:dim], input_size[dim], *before.shape[dim + 1 :]))
        for tap, place in enumerate(places.T):
            part = before if weights is None else before * beside(before, weights[:, tap]).reshape(column)
            scatter_add(result, (*(slice(None),) * dim, beside(before, place)), part)
    return result


def upsample_gradient(
    grad: Any, self_shape: Sizes, output_size: Sizes, align_corners: bool, scales: Any, mode: str
) -> Any:
    options = (output_size, self_shape, align_corners, scales, mode)
    return (
        BACKWARDS[mode, len(output_size)](grad, *options)
        if isinstance(grad, Tensor)
        else resampled_back(grad, *options)
    )


def upsample_again(grad: Any, output_size: Sizes, align_corners: bool, scales: Any, mode: str) -> Any:
    options = (output_size, align_corners, scales, mode)
    return FORWARDS[mode, len(output_size)](grad, *options) if isinstance(grad, Tensor) else resampled(grad, *options)


FORWARDS: dict[tuple[str, int], Op] = {}
BACKWARDS: dict[tuple[str, int], Op] = {}
# each mode and number of dimensions, with torch's names of the node and of the function that refuses a dtype
NODES = {
    ("nearest", 1): ("UpsampleNearest1D", "compute_indices_weights_nearest"),
    ("nearest", 2): ("UpsampleNearest2D", "upsample_nearest2d_channels_last"),
    ("nearest", 3): ("UpsampleNearest3D", "compute_indices_weights_nearest"),
    ("nearest-exact", 1): ("UpsampleNearestExact1D", "compute_indices_weights_nearest"),
    ("nearest-exact", 2): ("UpsampleNearestExact2D", "upsample_nearest2d_channels_last"),
    ("nearest-exact", 3): ("UpsampleNearestExact3D", "compute_indices_weights_nearest"),
    ("linear", 1): ("UpsampleLinear1D", "compute_indices_weights_linear"),
    ("bilinear", 2): ("UpsampleBilinear2D", "upsample_bilinear2d_channels_last"),
    ("trilinear", 3): ("UpsampleTrilinear3D", "compute_indices_weights_linear"),
    ("bicubic", 2): ("UpsampleBicubic2D", "compute_indices_weights_cubic"),
    ("smooth bilinear", 2): ("UpsampleBilinear2DAa", "compute_indices_weights_aa"),
    ("smooth bicubic", 2): ("UpsampleBicubic2DAa", "compute_indices_weights_aa"),
    ("smooth lanczos", 2): ("UpsampleLanczos2DAa", "compute_indices_weights_aa"),
}  # fmt: skip
for (_mode, _rank), (_node, _kernel) in NODES.items():
    _name = f"_upsample_{_mode}{_rank}d".replace(" ", "_").replace("-", "_")
    FORWARDS[_mode, _rank] = op(
        f"{_name}(Tensor self, int[] output_size, bool align_corners, float[]? scales, str mode)", f"{_node}Backward0",
        resampled, contiguous=True,
        check=only("fu" if _mode.startswith("nearest") else "f", _kernel),
        self=upsample_gradient,
    )  # fmt: skip
    BACKWARDS[_mode, _rank] = op(
        f"{_name}_backward(Tensor grad_output, int[] output_size, int[] input_size, bool align_corners, "
        "float[]? scales, str mode)",
        f"{_node}BackwardBackward0", resampled_back,
        grad_output=upsample_again,
    )  # fmt: skip

MODES = "nearest | linear | bilinear | bicubic | trilinear | lanczos | area | nearest-exact"
RANKS = {"linear": 3, "bilinear": 4, "trilinear": 5}


@composite(
    'interpolate(Tensor input, int|int[]? size=None, float|float[]? scale_factor=None, str mode="nearest", '
    "bool? align_corners=None, bool? recompute_scale_factor=None, bool antialias=False)"
)
def interpolate(
    input: Any,
    size: Sizes | int | None = None,
    scale_factor: Sequence[float] | float | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Any:
    """`input` at another size, by `mode`."""
    if mode in ("nearest", "area", "nearest-exact") and align_corners is not None:
        raise UserError(
            "value",
            "align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | "
            "trilinear",
        )
    rank = input.ndim - 2
    output_size, scales = wanted_size(input, rank, size, scale_factor)
    if recompute_scale_factor and scales is None:
        raise UserError("value", "recompute_scale_factor is not meaningful with an explicit size.")
    if antialias and not (mode in ("bilinear", "bicubic", "lanczos") and input.ndim == 4):
        raise UserError(
            "value",
            "Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires a 4-D tensor as "
            "input",
        )
    if mode == "area" and rank in (1, 2, 3):
        return TABLE[f"adaptive_avg_pool{rank}d"][0](input, output_size)
    if mode == "lanczos" and rank == 2 and (align_corners or not antialias):
        problem = "does not support align_corners=True" if align_corners else "requires antialias=True"
        raise UserError("value", f"Lanczos mode {problem}")
    key = (f"smooth {mode}" if antialias else mode, rank)
    if key not in FORWARDS:
        if mode in RANKS and rank in (1, 2, 3):
            raise UserError("shape", f"Got {input.ndim}D input, but {mode} mode needs {RANKS[mode]}D input")
        raise UserError(
            "value",
            f"Input Error: Only 3D, 4D and 5D input Tensors supported (got {input.ndim}D) for the modes: {MODES} "
            f"(got {mode})",
        )
    check_resize(input, output_size)
    return FORWARDS[key](input, output_size, bool(align_corners), None if recompute_scale_factor else scales, key[0])


def wanted_size(
    input: Any, rank: int, size: Sizes | int | None, scale_factor: Sequence[float] | float | None
) -> tuple[list[int], list[float] | None]:
    """The size of the result, and the factors, if they were given, that it comes from."""
    if size is not None and scale_factor is not None:
        raise UserError("value", "only one of size or scale_factor should be defined")
    spatial = list(input.shape[2:])
    if size is not None:
        sizes = [size] * rank if isinstance(size, int) else list(size)
        if len(sizes) != rank:
            raise UserError(
                "shape",
                "Input and output must have the same number of spatial dimensions, but got input with spatial "
                f"dimensions of {spatial} and output size of {size}. Please provide input tensor in (N, C, d1, d2, "
                "...,dK) format and output size in (o1, o2, ...,oK) format.",
            )
        return sizes, None
    if scale_factor is None:
        raise UserError("value", "either size or scale_factor should be defined")
    factors = [scale_factor] * rank if isinstance(scale_factor, int | float) else list(scale_factor)
    if len(factors) != rank:
        raise UserError(
            "shape",
            "Input and scale_factor must have the same number of spatial dimensions, but got input with spatial "
            f"dimensions of {spatial} and scale_factor of shape {scale_factor}. Please provide input tensor in (N, C, "
            "d1, d2, ...,dK) format and scale_factor in (s1, s2, ...,sK) format.",
        )
    if not all(math.isfinite(length * factor) for length, factor in zip(spatial, factors, strict=True)):
        raise UserError("value", "value cannot be converted to type int64_t without overflow")
    return [int(length * factor) for length, factor in zip(spatial, factors, strict=True)], factors


def check_resize(input: Any, output_size: Sizes) -> None:
    size = input.shape[2:]
    if min(*size, *output_size) < 1:
        given, found = (
            ", ".join(f"{axis}: {length}" for axis, length in zip("DHW"[-len(size) :], one, strict=True))
            for one in (size, output_size)
        )
        joint = " and" if len(size) == 1 else ""
        raise UserError(
            "shape",
            f"Input and output sizes should be greater than 0, but got input ({given}){joint} output ({found})",
        )
    if input.shape[1] == 0:
        raise UserError(
            "shape", f"Non-empty {input.ndim}D data tensor expected but got a tensor with sizes {list(input.shape)}"
        )


@composite(
    'upsample(Tensor input, int|int[]? size=None, float|float[]? scale_factor=None, str mode="nearest", '
    "bool? align_corners=None)"
)
def upsample(
    input: Any, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None
) -> Any:
    return interpolate(input, size, scale_factor, mode, align_corners)


@composite("upsample_nearest(Tensor input, int|int[]? size=None, float|float[]? scale_factor=None)")
def upsample_nearest(input: Any, size: Any = None, scale_factor: Any = None) -> Any:
    return interpolate(input, size, scale_factor)


@composite("upsample_bilinear(Tensor input, int|int[]? size=None, float|float[]? scale_factor=None)")
def upsample_bilinear(input: Any, size: Any = None, scale_factor: Any = None) -> Any:
    return interpolate(input, size, scale_factor, "bilinear", True)
