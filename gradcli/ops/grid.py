"""Sampling of images and scans where a grid looks.

A sample is a sum over taps, places around the one that is looked at, of the number there times a weight, and the
weight a product of one in each dimension: a polynomial in the distance to the place before. Sampling with derivatives
of these polynomials, `orders` of them in each dimension, is linear in the input as well, and so derivatives of every
order come of two operations, the sampling and its transpose.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

from gradcli.engine.device import beside, np, scatter_add, zeros_beside
from gradcli.engine.dtypes import TYPE_NAMES, dtype_kind
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.ops.arithmetic import wanted
from gradcli.ops.define import Op, composite, op
from gradcli.ops.kinds import only
from gradcli.ops.linalg import bmm
from gradcli.ops.pieces import stack
from gradcli.ops.reduce import sum_dim
from gradcli.ops.shape import contiguous, select, transpose, unsqueeze, view

Sizes = Sequence[int]

A = -0.75  # the parameter of the cubic convolution
# the offset of the first tap, and the coefficients of each tap's weight, those of the higher powers last
TAPS: dict[str, tuple[int, tuple[tuple[float, ...], ...]]] = {
    "nearest": (0, ((1,),)),
    "bilinear": (0, ((1, -1), (0, 1))),
    "bicubic": (-1, ((0, A, -2 * A, A), (1, 0, -A - 3, A + 2), (0, -A, 2 * A + 3, -A - 2), (0, 0, A, -A))),
}


def derived(coefficients: Sequence[float], order: int) -> list[float]:
    """The coefficients of a derivative of a polynomial."""
    for _ in range(order):
        coefficients = [power * factor for power, factor in enumerate(coefficients)][1:]
    return list(coefficients)


def polynomial(coefficients: Sequence[float], x: Any) -> Any:
    result = np.zeros_like(x)
    for factor in reversed(coefficients):
        result = result * x + factor
    return result


def reflected(at: Any, length: int, align_corners: bool) -> tuple[Any, Any]:
    """Seen in mirrors at both ends, and the direction there: 1, or -1 in a mirror image."""
    low, span = (0.0, length - 1.0) if align_corners else (-0.5, float(length))
    if span == 0:
        return np.zeros_like(at), np.zeros_like(at)
    away = at - low
    sign = np.where(away < 0, -1, 1).astype(at.dtype)
    away = np.absolute(away)
    rest, flips = np.fmod(away, span), np.floor(away / span)
    even = flips % 2 == 0
    return np.where(even, rest, span - rest) + low, np.where(even, sign, -sign)


def moved_inside(at: Any, length: int, padding_mode: str, align_corners: bool) -> tuple[Any, Any]:
    """Where a place is looked for, and the slope of that."""
    slope = np.ones_like(at)
    if padding_mode == "reflection":
        at, slope = reflected(at, length, align_corners)
    if padding_mode != "zeros":
        slope = slope * ((at > 0) & (at < length - 1))
        at = np.clip(np.where(np.isnan(at), 0, at), 0, length - 1)
    return at, slope


def taps(
    grid: Any, length: int, order: int, mode: str, padding_mode: str, align_corners: bool
) -> Iterator[tuple[Any, Any, Any]]:
    """In one dimension, the places of each tap, whether they are inside, and the derived weight."""
    scale = (length - 1 if align_corners else length) * 0.5
    at = (grid + 1) * 0.5 * (length - 1) if align_corners else ((grid + 1) * length - 1) * 0.5
    slope: Any = np.ones_like(at)
    if mode != "bicubic":
        at, slope = moved_inside(at, length, padding_mode, align_corners)
    first = np.rint(at) if mode == "nearest" else np.floor(at)
    distance = np.zeros_like(at) if mode == "nearest" else at - first
    factor = (scale * slope) ** order
    offset, weights = TAPS[mode]
    for place, coefficients in enumerate(weights, offset):
        here = first + place
        if mode == "bicubic":
            here, _ = moved_inside(here, length, padding_mode, align_corners)
        inside = (here >= 0) & (here < length)
        yield (
            np.where(inside, here, 0).astype(np.int64),
            inside,
            polynomial(derived(coefficients, order), distance) * factor,
        )


def all_taps(grid: Any, size: Sizes, orders: Sizes, *options: Any) -> Iterator[tuple[Any, Any, Any]]:
    """Every tap: its places in the flattened dimensions, whether inside, and its weight, each (N, samples)."""
    rank = len(size)
    # the last number of a place in the grid is for the first dimension
    columns = [grid[..., rank - 1 - dim].reshape(len(grid), math.prod(grid.shape[1:-1])) for dim in range(rank)]
    each = [
        list(taps(column, length, order, *options)) for column, length, order in zip(columns, size, orders, strict=True)
    ]
    for combination in itertools.product(*each):
        places, inside, weight = 0, True, 1
        for length, (at, within, factor) in zip(size, combination, strict=True):
            places, inside, weight = places * length + at, inside & within, weight * factor
        yield places, inside, weight


def sampled_forward(input: Any, grid: Any, orders: Sizes, *options: Any) -> Any:
    batch, channels, *size = input.shape
    rows = input.reshape(batch, channels, math.prod(size))
    result = zeros_beside(input, (batch, channels, math.prod(grid.shape[1:-1])))
    for places, inside, weight in all_taps(grid, size, orders, *options):
        seen = np.take_along_axis(rows, places[:, None], 2)
        if len(size) == 3:  # here torch leaves out what is outside, in two dimensions it adds products of zero
            weight = np.where(inside, weight, 0)
        result += np.where(inside[:, None], seen, 0) * weight[:, None]
    return result.reshape(batch, channels, *grid.shape[1:-1])


def given_back_forward(grad_output: Any, grid: Any, shape: Sizes, orders: Sizes, *options: Any) -> Any:
    """The transpose of `sampled_forward`, for an input of `shape`."""
    batch, channels, *size = shape
    rows = grad_output.reshape(batch, channels, math.prod(grid.shape[1:-1]))
    result = zeros_beside(grad_output, (batch, channels, math.prod(size)))
    image, channel = (beside(result, np.arange(count)) for count in (batch, channels))
    for places, inside, weight in all_taps(grid, size, orders, *options):
        scatter_add(
            result,
            (image[:, None, None], channel[:, None], places[:, None]),
            rows * np.where(inside, weight, 0)[:, None],
        )
    return result.reshape(shape)


def raised(orders: Sizes, dim: int) -> list[int]:
    return [order + (place == dim) for place, order in enumerate(orders)]


def by_grid(values: Any, input: Any, grid: Any, orders: Sizes, *options: Any) -> Any:
    """The gradient in the grid of the sum of `values` times the samples."""
    rank = len(orders)
    slopes = [sampled(input, grid, raised(orders, rank - 1 - place), *options) for place in range(rank)]
    return stack([sum_dim(values * slope, [1]) for slope in slopes], -1)


sampled = op(
    "_sampled(Tensor input, Tensor grid, int[] orders, str mode, str padding_mode, bool align_corners)",
    "GridSampler2DBackward0", sampled_forward,
    input=lambda grad, input_shape, grid, orders, mode, padding_mode, align_corners: given_back(
        grad, grid, input_shape, orders, mode, padding_mode, align_corners
    ),
    grid=lambda grad, input, grid, orders, mode, padding_mode, align_corners: by_grid(
        grad, input, grid, orders, mode, padding_mode, align_corners
    ),
)  # fmt: skip
given_back = op(
    "_given_back(Tensor grad_output, Tensor grid, int[] shape, int[] orders, str mode, str padding_mode, "
    "bool align_corners)",
    "GridSampler2DBackwardBackward0", given_back_forward,
    grad_output=lambda grad, grid, orders, mode, padding_mode, align_corners: sampled(
        grad, grid, orders, mode, padding_mode, align_corners
    ),
    grid=lambda grad, grad_output, grid, orders, mode, padding_mode, align_corners: by_grid(
        grad_output, grad, grid, orders, mode, padding_mode, align_corners
    ),
)  # fmt: skip


def grid_sampler_forward(input: Any, grid: Any, *options: Any) -> Any:
    return sampled_forward(input, grid, [0] * grid.shape[-1], *options)


def grid_sampler_backward_forward(grad_output: Any, input: Any, grid: Any, *options: Any) -> tuple[Any, Any]:
    orders = [0] * grid.shape[-1]
    return (
        given_back(grad_output, grid, input.shape, orders, *options),
        by_grid(grad_output, input, grid, orders, *options),
    )


def grid_sampler_gradients(
    grad: Any, needs: Sequence[bool], input: Any, grid: Any, mode: str, padding_mode: str, align_corners: bool
) -> tuple[Any, ...]:
    arguments = (grad, input, grid, mode, padding_mode, align_corners)
    recorded = isinstance(grad, Tensor)
    results = BACKWARDS[len(grid.shape) - 2](*arguments) if recorded else grid_sampler_backward_forward(*arguments)
    return wanted(results, needs)


def grid_sampler_double_backward(
    grads: Sequence[Any],
    needs: Sequence[bool],
    grad_output: Any,
    input: Any,
    grid: Any,
    mode: str,
    padding_mode: str,
    align_corners: bool,
) -> tuple[Any, ...]:
    for_input, for_grid = grads
    rank = len(grid.shape) - 2
    options = (mode, padding_mode, align_corners)
    orders = [0] * rank
    by_output, by_input, in_grid = [], [], []
    if for_input is not None:
        by_output.append(sampled(for_input, grid, orders, *options))
        in_grid.append(by_grid(grad_output, for_input, grid, orders, *options))
    if for_grid is not None:
        for place in range(rank):
            along = raised(orders, rank - 1 - place)
            share = unsqueeze(select(for_grid, -1, place), 1)
            by_output.append(share * sampled(input, grid, along, *options))
            if mode != "nearest":
                by_input.append(given_back(grad_output * share, grid, input.shape, along, *options))
            in_grid.append(by_grid(grad_output * share, input, grid, along, *options))
    sums = (total(by_output), total(by_input), total(in_grid))
    return tuple(one if need else None for one, need in zip(sums, needs, strict=True))


def total(parts: Sequence[Any]) -> Any:
    """The sum of gradients; None for none."""
    result = None
    for part in parts:
        result = part if result is None else result + part
    return result


FORWARDS: dict[int, Op] = {}
BACKWARDS: dict[int, Op] = {}
for _rank in (2, 3):
    FORWARDS[_rank] = op(
        f"_grid_sampler_{_rank}d(Tensor input, Tensor grid, str mode, str padding_mode, bool align_corners)",
        f"GridSampler{_rank}DBackward0", grid_sampler_forward, contiguous=True,
        joint=grid_sampler_gradients,
    )  # fmt: skip
    BACKWARDS[_rank] = op(
        f"_grid_sampler_{_rank}d_backward(Tensor grad_output, Tensor input, Tensor grid, str mode, str padding_mode, "
        "bool align_corners) -> (result0, result1)",
        f"GridSampler{_rank}DBackwardBackward0", grid_sampler_backward_forward,
        joint=grid_sampler_double_backward,
    )  # fmt: skip


@composite(
    'grid_sample(Tensor input, Tensor grid, str mode="bilinear", str padding_mode="zeros", bool? align_corners=None)'
)
def grid_sample(
    input: Any, grid: Any, mode: str = "bilinear", padding_mode: str = "zeros", align_corners: bool | None = None
) -> Any:
    for name, given, known in (
        ("mode", mode, "'bilinear', 'nearest' or 'bicubic'"),
        ("padding_mode", padding_mode, "'zeros', 'border', or 'reflection'"),
    ):
        if f"'{given}'" not in known:
            raise UserError("value", f"nn.functional.grid_sample(): expected {name} to be {known}, but got: '{given}'")
    check_grid(input, grid, mode)
    return FORWARDS[input.ndim - 2](input, grid, mode, padding_mode, bool(align_corners))


def check_grid(input: Any, grid: Any, mode: str) -> None:
    """A UserError, in torch's words and order, if `grid` is none for `input`."""
    sizes = f"input with sizes {list(input.shape)} and grid with sizes {list(grid.shape)}"
    if input.ndim == 0 or grid.ndim == 0:
        raise UserError("shape", "Dimension specified as 0 but tensor has no dimensions")
    if input.shape[0] != grid.shape[0]:
        raise UserError("shape", f"grid_sampler(): expected grid and input to have same batch size, but got {sizes}")
    if grid.shape[-1] != input.ndim - 2:
        raise UserError(
            "shape",
            f"grid_sampler(): expected grid to have size {input.ndim - 2} in last dimension, but got grid with sizes "
            f"{list(grid.shape)}",
        )
    for dim in range(2, input.ndim):
        if input.shape[dim] == 0:
            raise UserError(
                "shape",
                f"grid_sampler(): expected input to have non-empty spatial dimensions, but input has sizes "
                f"{list(input.shape)} with dimension {dim} being empty",
            )
    if input.ndim not in (4, 5) or grid.ndim != input.ndim:
        ranks = "4D" if input.ndim == 4 else "5D" if input.ndim == 5 else "4D or 5D"
        raise UserError(
            "shape", f"grid_sampler(): expected {ranks} input and grid with same number of dimensions, but got {sizes}"
        )
    if input.ndim == 5 and mode == "bicubic":
        raise UserError("value", "grid_sampler(): bicubic interpolation only supports 4D input")
    only("f", f"grid_sampler_{input.ndim - 2}d_cpu_kernel_impl")(input)
    if grid.dtype != input.dtype:
        kinds = [TYPE_NAMES[one.dtype.name] for one in (input, grid)]
        raise UserError("type", f"expected scalar type {kinds[0]} but found {kinds[1]}")


def steps(count: int, align_corners: bool, dtype: Any) -> Any:
    """Places from -1 to 1: the centers of as many pixels, or the first and the last at the ends."""
    if count == 1:
        return np.zeros(1, dtype)
    places = np.linspace(-1, 1, count, dtype=dtype)
    return places if align_corners else places * (count - 1) / count


def base_grid_forward(self: Any, size: Sizes, align_corners: bool) -> Any:
    """The places of an image before a transformation, and a 1 for its shift: (N, pixels, x, y, 1)."""
    batch, _, *lengths = size
    axes = np.meshgrid(*(steps(length, align_corners, self.dtype) for length in lengths), indexing="ij")
    columns = [axis.reshape(-1) for axis in reversed(axes)]
    places = np.stack([*columns, np.ones_like(columns[0])], -1)
    return np.broadcast_to(beside(self, places), (batch, *places.shape)).copy()


def affine_grid_forward(theta: Any, size: Sizes, align_corners: bool) -> Any:
    rank = len(size) - 2
    batch, rows, columns = theta.shape
    if (batch, columns) != (size[0], rank + 1):
        raise UserError(
            "shape",
            f"Expected size for first two dimensions of batch2 tensor to be: [{size[0]}, {rank + 1}] but got: "
            f"[{batch}, {columns}].",
        )
    if rows != rank:
        shape, count = [batch, *size[2:], rank], batch * math.prod(size[2:]) * rows
        raise UserError("shape", f"shape '{shape}' is invalid for input of size {count}")
    grid = base_grid_forward(theta, size, align_corners) @ theta.transpose(0, 2, 1)
    return grid.reshape(size[0], *size[2:], len(size) - 2)


def affine_grid_backward(grad: Any, size: Sizes, align_corners: bool) -> Any:
    places = base_grid(grad, size, align_corners)
    rows = view(contiguous(grad), (size[0], math.prod(size[2:]), len(size) - 2))
    return transpose(bmm(transpose(places, 1, 2), rows), 1, 2)


base_grid = op("_base_grid(Tensor self, int[] size, bool align_corners)", None, base_grid_forward)
affine_grid_generator = op(
    "_affine_grid_generator(Tensor theta, int[] size, bool align_corners)", "AffineGridGeneratorBackward0",
    affine_grid_forward, contiguous=True, real_only="affine_grid_generator",
    theta=lambda grad, size, align_corners: affine_grid_backward(grad, size, align_corners),
)  # fmt: skip


@composite("affine_grid(Tensor theta, int[] size, bool? align_corners=None)")
def affine_grid(theta: Any, size: Sizes, align_corners: bool | None = None) -> Any:
    if dtype_kind(theta.dtype) != "f":
        raise UserError("type", f"Expected theta to have floating point type, but got torch.{theta.dtype.name}")
    rank, written = len(size) - 2, f"({', '.join(map(str, size))})"
    if rank not in (2, 3):
        raise UserError(
            "shape",
            "affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, respectively. Got size "
            f"{written}.",
        )
    if theta.ndim != 3 or theta.shape[1:] != (rank, rank + 1):
        raise UserError(
            "shape",
            f"Expected a batch of {rank}D affine matrices of shape Nx{rank}x{rank + 1} for size {written}. Got "
            f"torch.Size({list(theta.shape)}).",
        )
    if min(size) <= 0:
        raise UserError("shape", f"Expected non-zero, positive output size. Got {written}")
    return affine_grid_generator(theta, list(size), bool(align_corners))
