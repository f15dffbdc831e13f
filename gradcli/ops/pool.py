"""Pooling by the maximum: over sliding, adaptive and random windows, and back to where the maxima were."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from gradcli.engine.device import beside, np, scatter_add, to_host, zeros_beside
from gradcli.engine.dtypes import TYPE_NAMES, dtype_kind
from gradcli.engine.mode import grad_mode
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.ops.copies import zeros_like
from gradcli.ops.create import default_generator
from gradcli.ops.define import TABLE, Op, composite, op
from gradcli.ops.index import along, gather
from gradcli.ops.kinds import only
from gradcli.ops.pool_windows import (
    OUTSIDE,
    adaptive,
    check_argument_rank,
    check_gradient,
    check_sliding,
    crossed,
    fractional,
    only_one,
    options_of,
    output_sizes,
    sliding,
    window_count,
)
from gradcli.ops.shape import contiguous, squeeze_dim, unsqueeze, view, wrap_dim

Sizes = Sequence[int]


def flattened(array: Any, rank: int) -> Any:
    """A row for each image: (N * C, places)."""
    leading = array.ndim - rank
    return array.reshape(math.prod(array.shape[:leading]), math.prod(array.shape[leading:]))


def largest(self: Any, places: Any, counts: Sizes) -> tuple[Any, Any]:
    """The first maximum of each window, a NaN being the largest and the last one counting, and where it is."""
    rank = len(counts)
    rows, places = flattened(self, rank), beside(self, places)
    each = slice(None) if places.ndim == 2 else beside(self, np.arange(len(rows)))[:, None, None]
    seen = rows[each, places]
    outside = places == OUTSIDE
    if outside.any().item():
        lowest = -math.inf if dtype_kind(self.dtype) == "f" else np.iinfo(self.dtype).min
        seen = np.where(outside, lowest, seen)
    at = np.argmax(seen, axis=-1)
    nan = seen != seen
    if nan.any().item():
        at = np.where(nan.any(axis=-1), nan.shape[-1] - 1 - np.argmax(nan[..., ::-1], axis=-1), at)
    found = np.take_along_axis(seen, at[..., None], -1)
    everywhere = np.broadcast_to(places, seen.shape)
    best = np.take_along_axis(everywhere, at[..., None], -1)
    # where all is the lowest number there is, the first place inside
    first = np.take_along_axis(places, np.argmin(outside, axis=-1)[..., None], -1)
    best = np.where(best == OUTSIDE, first, best)
    shape = (*self.shape[: self.ndim - rank], *counts)
    return found.reshape(shape), best.reshape(shape)


def max_pool_forward(
    self: Any, kernel_size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, ceil_mode: bool
) -> tuple[Any, Any]:
    size = self.shape[self.ndim - len(kernel_size) :]
    each = zip(size, kernel_size, stride, padding, dilation, strict=True)
    dimensions = [sliding(*one, ceil_mode) for one in each]
    return largest(self, crossed(size, dimensions), [len(at) for at in dimensions])


def adaptive_max_pool_forward(self: Any, output_size: Sizes) -> tuple[Any, Any]:
    size = self.shape[self.ndim - len(output_size) :]
    dimensions = [adaptive(length, count) for length, count in zip(size, output_size, strict=True)]
    return largest(self, crossed(size, dimensions), output_size)


def fractional_max_pool_forward(self: Any, kernel_size: Sizes, output_size: Sizes, random_samples: Any) -> Any:
    """Torch's random numbers are for the width first in two dimensions, and for the depth first in three."""
    rank = len(kernel_size)
    size = self.shape[self.ndim - rank :]
    images = math.prod(self.shape[: self.ndim - rank])
    samples = to_host(random_samples).reshape(-1, rank)[:images]
    columns = [samples[:, rank - 1 - dim if rank == 2 else dim] for dim in range(rank)]
    each = zip(size, kernel_size, output_size, columns, strict=True)
    return largest(self, crossed(size, [fractional(*one) for one in each]), output_size)


def added_at(grad_output: Any, shape: Sizes, indices: Any, rank: int) -> Any:
    """Zeros of `shape` with `grad_output` added where `indices` look."""
    places, values = flattened(indices, rank), flattened(grad_output, rank)
    result = zeros_beside(grad_output, (len(places), math.prod(shape[len(shape) - rank :])))
    scatter_add(result, (beside(places, np.arange(len(places)))[:, None], places), values)
    return result.reshape(shape)


def adaptive_max_pool_backward(grad_output: Any, shape: Sizes, indices: Any, rank: int) -> Any:
    check_gradient(f"adaptive_max_pool{rank}d_backward", grad_output)
    return added_at(grad_output, shape, indices, rank)


def taken_at(grad: Any, indices: Any, rank: int) -> Any:
    """What of `grad` stands where `indices` look: the transpose of `added_at`."""
    leading, counts, size = indices.shape[:-rank], indices.shape[-rank:], grad.shape[-rank:]
    rows = view(contiguous(grad), (*leading, math.prod(size)))
    return view(gather(rows, -1, view(contiguous(indices), (*leading, math.prod(counts)))), indices.shape)


def max_unpool_forward(self: Any, indices: Any, output_size: Sizes) -> Any:
    """Zeros with each number at its place; where two meet, the last one."""
    rank = len(output_size)
    rows, places = flattened(self, rank), flattened(indices, rank)
    result = zeros_beside(self, (len(rows), math.prod(output_size)))
    wrong = places[(places < 0) | (places >= result.shape[1])]
    if wrong.size:
        volume = "x".join(map(str, output_size))
        place = wrong[0].item()
        raise UserError("value", f"Found an invalid max index: {place} (output volumes are of size {volume})")
    result[along(places, 1)] = rows
    return result.reshape(*self.shape[: self.ndim - rank], *output_size)


MAX_POOL = "(Tensor self, int[] kernel_size, int[] stride, int[] padding, int[] dilation, bool ceil_mode)"
ADAPTIVE_MAX_POOL = "(Tensor self, int[] output_size)"
FRACTIONAL_MAX_POOL = "(Tensor self, int[] kernel_size, int[] output_size, Tensor random_samples)"
BACKWARD = "(Tensor grad_output, Tensor self, Tensor indices)"


def pooling(
    name: str, node: str, parameters: str, rank: int, forward: Any, back: Any = added_at, check: Any = None
) -> Op:
    """A pooling that tells where each of its results comes from, with the row of its backward."""
    name, node = name.format(rank), node.format(rank)
    pooled = op(
        f"_{name}{parameters} -> (result, indices)", f"{node}Backward0", forward,
        constant=("indices",), contiguous=True, check=check,
        self=lambda grad, self, indices: pooled_backward(grad, self, indices),
    )  # fmt: skip
    pooled_backward = op(
        f"_{name}_backward{BACKWARD}", f"{node}BackwardBackward0",
        lambda grad_output, self, indices: back(grad_output, self.shape, indices, rank),
        grad_output=lambda grad, indices: taken_at(grad, indices, rank),
        self=lambda grad: zeros_like(grad),
    )  # fmt: skip
    return pooled


def unpooling(rank: int) -> Op:
    return op(
        f"_max_unpool{rank}d(Tensor self, Tensor indices, int[] output_size)", f"MaxUnpool{rank}DBackward0",
        max_unpool_forward, contiguous=True,
        self=lambda grad, indices: taken_at(grad, indices, rank),
    )  # fmt: skip


# by the number of dimensions that are pooled
POOLS = {
    rank: pooling(
        "max_pool{}d_with_indices", "MaxPool{}DWithIndices", MAX_POOL, rank, max_pool_forward,
        check=only("iuf", f"max_pool{rank}d"),
    )
    for rank in (2, 3)
}  # fmt: skip
ADAPTIVE = {
    rank: pooling(
        "adaptive_max_pool{}d", "AdaptiveMaxPool{}D", ADAPTIVE_MAX_POOL, rank, adaptive_max_pool_forward,
        adaptive_max_pool_backward, only("f", kernel),
    )
    for rank, kernel in ((2, "adaptive_max_pool2d"), (3, "adaptive_max_pool3d_cpu"))
}  # fmt: skip
FRACTIONAL = {
    rank: pooling(
        "fractional_max_pool{}d", "FractionalMaxPool{}D", FRACTIONAL_MAX_POOL, rank, fractional_max_pool_forward
    )
    for rank in (2, 3)
}
UNPOOLS = {rank: unpooling(rank) for rank in (2, 3)}


def chosen(pair: tuple[Any, Any], return_indices: bool) -> Any:
    return tuple(pair) if return_indices else pair[0]


@composite(
    "max_pool1d(Tensor input, int[] kernel_size, int[]? stride=None, int[] padding=0, int[] dilation=1, "
    "bool ceil_mode=False, bool return_indices=False)"
)
def max_pool1d(
    input: Any,
    kernel_size: Sizes | int,
    stride: Sizes | int | None = None,
    padding: Sizes | int = 0,
    dilation: Sizes | int = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    kernel, by, margin, gap = checked_max_pool1d(input, kernel_size, stride, padding, dilation, ceil_mode)
    if not return_indices and not (grad_mode.enabled and input.requires_grad):
        only("f", "max_pool1d_impl")(input)
    options = ([1, kernel], [1, by], [0, margin], [1, gap], ceil_mode)
    pooled = POOLS[2](unsqueeze(input, -2), *options)
    return chosen((squeeze_dim(pooled[0], -2), squeeze_dim(pooled[1], -2)), return_indices)


def checked_max_pool1d(
    input: Any,
    kernel_size: Sizes | int,
    stride: Sizes | int | None,
    padding: Sizes | int,
    dilation: Sizes | int,
    ceil_mode: bool,
) -> tuple[int, int, int, int]:
    """The one number of each option; a UserError in torch's words, which are others than in two dimensions."""
    if input.ndim not in (2, 3) or 0 in input.shape[input.ndim == 3 :]:
        raise UserError(
            "shape",
            "max_pool1d: Expected 2D or 3D (batch mode) tensor with optional 0 dim batch size for input, but got:"
            f"{list(input.shape)}",
        )
    given = {"kernel_size": kernel_size, "stride": stride, "padding": padding, "dilation": dilation}
    found: dict[str, int] = {}
    for name, value in given.items():
        values = [value] if isinstance(value, int) else list(value or kernel_sizes(kernel_size))
        if len(values) != 1:
            raise UserError(
                "shape",
                f"max_pool1d() {name} must be an int, list of ints, or tuple of ints of size 1 but got size "
                f"{len(values)}",
            )
        found[name] = values[0]
    kernel, by, margin, gap = found.values()
    for name in ("kernel_size", "stride"):
        if found[name] <= 0:
            raise UserError("value", f"max_pool1d() {name} must be greater than zero, but got {found[name]}")
    if margin < 0:
        raise UserError("value", f"max_pool1d() padding must be non-negative, but got {margin}")
    if margin > kernel // 2:
        raise UserError(
            "value",
            f"max_pool1d() padding should be at most half of kernel size, but got padding={margin} and "
            f"kernel_size={kernel}",
        )
    if gap <= 0:
        raise UserError("value", f"max_pool1d() dilation must be greater than zero, but got {gap}")
    count = window_count(input.shape[-1], kernel, by, margin, gap, ceil_mode)
    if count < 1:
        raise UserError("shape", f"max_pool1d() Invalid computed output size: {count}")
    return kernel, by, margin, gap


def kernel_sizes(kernel_size: Sizes | int) -> Sizes:
    return [kernel_size] if isinstance(kernel_size, int) else kernel_size


def declare(rank: int) -> None:
    """The poolings over two dimensions, and over three."""

    @composite(
        f"max_pool{rank}d(Tensor input, int[] kernel_size, int[]? stride=None, int[] padding=0, int[] dilation=1, "
        "bool ceil_mode=False, bool return_indices=False)"
    )
    def max_pool(
        input: Any,
        kernel_size: Sizes | int,
        stride: Sizes | int | None = None,
        padding: Sizes | int = 0,
        dilation: Sizes | int = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Any:
        options = options_of(f"max_pool{rank}d", rank, kernel_size, stride, padding, dilation)
        check_sliding(input, *options, ceil_mode, True)
        return chosen(POOLS[rank](input, *options, ceil_mode), return_indices)

    @composite(f"adaptive_max_pool{rank}d(Tensor input, int?[]|int output_size, bool return_indices=False)")
    def adaptive_max_pool(input: Any, output_size: Any, return_indices: bool = False) -> Any:
        function = f"adaptive_max_pool{rank}d"
        sizes = output_sizes(output_size, input, rank)
        if input.ndim not in (rank + 1, rank + 2):
            ranks = f"{rank + 1}D or {rank + 2}D"
            raise UserError("shape", f"{function}(): Expected {ranks} tensor, but got: {list(input.shape)}")
        check_not_empty(function, input, 1)
        if len(sizes) != rank:
            raise UserError("shape", f"{function}(): internal error: output_size.size() must be {rank}")
        check_output(input, sizes)
        return chosen(ADAPTIVE[rank](input, sizes), return_indices)

    @composite(
        f"fractional_max_pool{rank}d(Tensor input, int[] kernel_size, int[]? output_size=None, "
        "float[]|float? output_ratio=None, bool return_indices=False, Tensor? _random_samples=None)"
    )
    def fractional_max_pool(
        input: Any,
        kernel_size: Sizes | int,
        output_size: Sizes | int | None = None,
        output_ratio: Sequence[float] | float | None = None,
        return_indices: bool = False,
        _random_samples: Any = None,
    ) -> Any:
        function = f"fractional_max_pool{rank}d"
        size = input.shape[-rank:]
        if output_size is None:
            if output_ratio is None:
                raise UserError("value", f"{function} requires specifying either an output_size or an output_ratio")
            ratios = [output_ratio] * rank if isinstance(output_ratio, int | float) else output_ratio
            if len(ratios) != rank or not all(map(math.isfinite, ratios)):
                raise UserError(
                    "value", f"{function} requires output_ratio to either be a single Int or tuple of Ints."
                )
            wrap_dim(-rank, input.ndim)
            output_size = [int(length * ratio) for length, ratio in zip(size, ratios, strict=True)]
        wrap_dim(-rank - 1, input.ndim)
        images = (1 if input.ndim == rank + 1 else input.shape[0], input.shape[-rank - 1])
        samples = _random_samples
        if samples is None:
            samples = Tensor(default_generator.rand((*images, rank), input.dtype))
        kernel = fractional_sizes(function, "kernel_size", kernel_size, rank)
        counts = fractional_sizes(function, "output_size", output_size, rank)
        check_fractional(function, input, kernel, counts, samples)
        return chosen(FRACTIONAL[rank](input, kernel, counts, samples), return_indices)

    @composite(
        f"max_unpool{rank}d(Tensor input, Tensor indices, int[] kernel_size, int[]? stride=None, int[] padding=0, "
        "int[]? output_size=None)"
    )
    def max_unpool(
        input: Any,
        indices: Any,
        kernel_size: Sizes | int,
        stride: Sizes | int | None = None,
        padding: Sizes | int = 0,
        output_size: Sizes | None = None,
    ) -> Any:
        sizes = unpooled_sizes(input, rank, kernel_size, stride, padding, output_size)
        return unpooled(input, indices, sizes)


for _rank in (2, 3):
    declare(_rank)


@composite("adaptive_max_pool1d(Tensor input, int[] output_size, bool return_indices=False)")
def adaptive_max_pool1d(input: Any, output_size: Sizes | int, return_indices: bool = False) -> Any:
    check_argument_rank("adaptive_max_pool1d", input)
    sizes = [1, only_one("adaptive_max_pool1d", "output_size", output_size)]
    check_not_empty("adaptive_max_pool1d", input, 1)
    row = unsqueeze(input, -2)
    check_output(row, sizes)
    pooled = ADAPTIVE[2](row, sizes)
    return chosen((squeeze_dim(pooled[0], -2), squeeze_dim(pooled[1], -2)), return_indices)


@composite(
    "max_unpool1d(Tensor input, Tensor indices, int[] kernel_size, int[]? stride=None, int[] padding=0, "
    "int[]? output_size=None)"
)
def max_unpool1d(
    input: Any,
    indices: Any,
    kernel_size: Sizes | int,
    stride: Sizes | int | None = None,
    padding: Sizes | int = 0,
    output_size: Sizes | None = None,
) -> Any:
    sizes = unpooled_sizes(input, 1, kernel_size, stride, padding, output_size)
    return squeeze_dim(unpooled(unsqueeze(input, -1), unsqueeze(indices, -1), [*sizes, 1]), -1)


def check_not_empty(function: str, input: Any, first: int) -> None:
    """A UserError if a dimension from `first` on is empty."""
    for dim in range(first, input.ndim):
        if input.shape[dim] == 0:
            raise UserError(
                "shape",
                f"{function}(): Expected input to have non-zero size for non-batch dimensions, but input has sizes "
                f"{list(input.shape)} with dimension {dim} being empty",
            )


def check_output(input: Any, sizes: Sizes) -> None:
    if min(sizes) < 0:
        shape = [*input.shape[: input.ndim - len(sizes)], *sizes]
        raise UserError("shape", f"Trying to create tensor with negative dimension {min(sizes)}: {shape}")


def fractional_sizes(function: str, name: str, value: Sizes | int, rank: int) -> list[int]:
    values = [value] if isinstance(value, int) else list(value)
    if len(values) not in (1, rank):
        kinds = "tuple of Ints" if rank == 2 else "tuple of three Ints"
        raise UserError("shape", f"{function}: {name} must either be a single Int or {kinds}")
    return values * rank if len(values) == 1 else values


def check_fractional(function: str, input: Any, kernel: Sizes, counts: Sizes, samples: Any) -> None:
    """A UserError, in torch's words, if so many windows do not fit, or the random numbers are not for this input."""
    rank = len(kernel)
    if input.ndim > rank + 2:
        raise UserError(
            "shape", f"{function}(): Expected {rank + 1}D or {rank + 2}D tensor, but got: {list(input.shape)}"
        )
    only("f", function)(input)
    for dim in range(1, input.ndim):
        if input.shape[dim] == 0:
            raise UserError(
                "shape",
                f"{function}(): Expected input to have non-zero size for non-batch dimensions, but got"
                f"{list(input.shape)} with dimension {dim} being empty.",
            )
    if samples.requires_grad:
        raise UserError(
            "autograd",
            f"The function '{function}' is not differentiable with respect to argument 'random_samples'. This input "
            "cannot have requires_grad True.",
        )
    if samples.dtype != input.dtype:
        raise UserError("type", "Expect _random_samples to have the same dtype as input")
    if samples.ndim != 3:
        raise UserError("shape", f"Expect _random_samples to have 3 dimensions, got {samples.ndim}")
    images = 1 if input.ndim == rank + 1 else input.shape[0]
    if samples.shape[0] < images:
        raise UserError("shape", "Expect _random_samples.size(0) no less then input batch size.")
    if samples.shape[1] != input.shape[-rank - 1]:
        raise UserError("shape", "Expect _random_samples.size(1) equals to input channel size.")
    if samples.shape[2] != rank:
        raise UserError("shape", f"Expect _random_samples.size(2) equals to {rank}; got {samples.shape[2]}.")
    if min(kernel) < 1 or min(counts) < 0:
        raise UserError("value", f"{function}(): kernel_size must be positive, and output_size not negative")
    where = f"{function}()" if rank == 2 else f"{function}_out()"
    for axis, length, k, count in zip(AXES[-rank:], input.shape[-rank:], kernel, counts, strict=True):
        if count + k - 1 > length - (rank == 3):
            raise UserError("shape", f"{where}: pool {axis} {k} too large relative to input {axis} {length}")


AXES = ("time", "height", "width")


def unpooled_sizes(
    input: Any,
    rank: int,
    kernel_size: Sizes | int,
    stride: Sizes | int | None,
    padding: Sizes | int,
    output_size: Sizes | None,
) -> list[int]:
    """The size that was pooled: the smallest it may have been, or `output_size` if it fits."""
    function = f"max_unpool{rank}d"
    kernel, by, margin, _ = options_of(function, rank, kernel_size, stride, padding)
    wrap_dim(-rank, input.ndim)
    if rank == 3 and min(by) < 1:
        raise UserError("value", f"strides should be greater than zero, but got stride: {by}")
    each = zip(input.shape[-rank:], kernel, by, margin, strict=True)
    smallest = [(n - 1) * step + k - 2 * before for n, k, step, before in each]
    if output_size is None:
        sizes = smallest
    else:
        sizes = list(output_size[2:] if len(output_size) == rank + 2 else output_size)
        if len(sizes) != rank:
            raise UserError(
                "value",
                f"output_size should be a sequence containing {rank} or {rank + 2} elements, but it has a length of "
                f"'{len(sizes)}'",
            )
        for dim, (size, least, step) in enumerate(zip(sizes, smallest, by, strict=True)):
            if not least - step < size < least + step:
                bounds = f"between {least - step} and {least + step}"
                raise UserError("value", f'invalid output_size "{tuple(sizes)}" (dim {dim} must be {bounds})')
    for dim, size in enumerate(sizes):
        if size < 0:
            raise UserError(
                "value",
                "max_unpooling: output_size must contain non-negative spatial dimensions, but got "
                f"output_size[{dim}]={size}",
            )
    return sizes


def unpooled(input: Any, indices: Any, sizes: Sizes) -> Any:
    rank = len(sizes)
    if indices.dtype != np.int64:
        raise UserError("type", f"elements in indices should be type int64 but got: {TYPE_NAMES[indices.dtype.name]}")
    if input.ndim not in (rank + 1, rank + 2):
        raise UserError(
            "shape",
            f"Input to max_unpooling{rank}d should be a {rank + 1}d or {rank + 2}d Tensor, but got a tensor with "
            f"{input.ndim} dimensions.",
        )
    if indices.shape != input.shape:
        raise UserError(
            "shape",
            f"Expected shape of indices to be same as that of the input tensor ({list(input.shape)}) but got indices "
            f"tensor with shape: {list(indices.shape)}",
        )
    for dim in range(1, input.ndim):
        if input.shape[dim] == 0:
            raise UserError(
                "shape",
                f"max_unpooling{rank}d_forward_out_cpu(): Expected input to have non-zero size for non-batch "
                f"dimensions, but got {list(input.shape)} with dimension {dim} being empty.",
            )
    only("f", f"max_unpool{rank}d")(input)
    return UNPOOLS[rank](input, indices, list(sizes))


def declare_pair(name: str) -> None:
    """torch's form of a pooling that gives the indices, too, whether it is asked for them or not."""
    (pooling,) = TABLE[name]
    composite(f"{name}_with_indices({pooling.text.partition('(')[2]}")(
        lambda **given: pooling(**{**given, "return_indices": True})
    )


for _rank in (1, 2, 3):
    declare_pair(f"max_pool{_rank}d")
    declare_pair(f"adaptive_max_pool{_rank}d")
for _rank in (2, 3):
    declare_pair(f"fractional_max_pool{_rank}d")
