"""Pooling by the mean, and by the p-norm."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from gradcli.engine.device import beside, np, scatter_add, zeros_beside
from gradcli.engine.dtypes import TYPE_NAMES, dtype_kind
from gradcli.errors import UserError
from gradcli.ops.arithmetic import abs as absolute
from gradcli.ops.arithmetic import mul, neg, sign
from gradcli.ops.copies import zeros_like
from gradcli.ops.define import TABLE, Op, composite, op
from gradcli.ops.elementary import pow_scalar, relu
from gradcli.ops.kinds import Check, only, single_or_double
from gradcli.ops.pool import check_not_empty, flattened
from gradcli.ops.pool_windows import (
    OUTSIDE,
    adaptive,
    check_argument_rank,
    check_gradient,
    check_sliding,
    crossed,
    only_one,
    options_of,
    output_sizes,
    sliding,
)
from gradcli.ops.reduce import mean_dim
from gradcli.ops.shape import squeeze_dim, unsqueeze

Sizes = Sequence[int]


def averaged(self: Any, places: Any, divisors: Any, counts: Sizes) -> Any:
    """The sum over each window by its divisor; integers are cut off, as in C++."""
    rank = len(counts)
    places, divisors = beside(self, places), beside(self, divisors)
    seen = flattened(self, rank)[:, places]
    outside = places == OUTSIDE
    if outside.any().item():
        seen = np.where(outside, 0, seen)
    total = np.add.reduce(seen, axis=-1, dtype=self.dtype)
    result = total / divisors if dtype_kind(self.dtype) == "f" else np.trunc(total / divisors)
    return result.astype(self.dtype).reshape(*self.shape[: self.ndim - rank], *counts)


def spread(grad_output: Any, places: Any, divisors: Any, shape: Sizes, rank: int) -> Any:
    """The transpose of `averaged`: each number shared out over its window."""
    shares = flattened(grad_output, rank) / beside(grad_output, divisors.astype(grad_output.dtype))
    result = zeros_beside(grad_output, (len(shares), math.prod(shape[len(shape) - rank :])))
    windows, at = np.nonzero(places != OUTSIDE)
    scatter_add(result, (slice(None), beside(result, places[windows, at])), shares[:, beside(result, windows)])
    return result.reshape(shape)


def sliding_means(
    size: Sizes,
    kernel_size: Sizes,
    stride: Sizes,
    padding: Sizes,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> tuple[Any, Any, list[int]]:
    """Places and divisor of each window, and how many windows there are in each dimension.

    A divisor counts the margins, if at all, without what lies behind the second one, where `ceil_mode` may lead.
    """
    dims = list(zip(size, kernel_size, stride, padding, strict=True))
    dimensions = [sliding(*dim, 1, ceil_mode) for dim in dims]
    places = crossed(size, dimensions)
    counts = [len(at) for at in dimensions]
    if divisor_override is not None:
        divisors = np.full(len(places), divisor_override)
    elif not count_include_pad:
        divisors = np.add.reduce(places != OUTSIDE, axis=-1)
    else:
        divisors = np.ones(1, np.int64)
        for (length, kernel, by, margin), count in zip(dims, counts, strict=True):
            starts = np.arange(count) * by
            width = np.minimum(starts + kernel, length + 2 * margin) - starts
            divisors = (divisors[:, None] * width).reshape(-1)
    return places, divisors, counts


def adaptive_means(size: Sizes, output_size: Sizes) -> tuple[Any, Any]:
    dimensions = [adaptive(length, count) for length, count in zip(size, output_size, strict=True)]
    places = crossed(size, dimensions)
    return places, np.add.reduce(places != OUTSIDE, axis=-1)


def avg_pool_forward(self: Any, kernel_size: Sizes, *options: Any) -> Any:
    size = self.shape[self.ndim - len(kernel_size) :]
    places, divisors, counts = sliding_means(size, kernel_size, *options)
    return averaged(self, places, divisors, counts)


def avg_pool_backward_forward(grad_output: Any, self: Any, kernel_size: Sizes, *options: Any) -> Any:
    rank = len(kernel_size)
    places, divisors, _ = sliding_means(self.shape[self.ndim - rank :], kernel_size, *options)
    return spread(grad_output, places, divisors, self.shape, rank)


def adaptive_avg_pool_forward(self: Any, output_size: Sizes) -> Any:
    return averaged(self, *adaptive_means(self.shape[self.ndim - len(output_size) :], output_size), output_size)


def adaptive_avg_pool_backward(grad_output: Any, self: Any, rank: int) -> Any:
    check_gradient(f"adaptive_avg_pool{rank}d_backward", grad_output)
    means = adaptive_means(self.shape[self.ndim - rank :], grad_output.shape[self.ndim - rank :])
    return spread(grad_output, *means, self.shape, rank)


OPTIONS = (
    "int[] kernel_size, int[] stride, int[] padding, bool ceil_mode, bool count_include_pad, int? divisor_override"
)


def pooling(rank: int, check: Any) -> Op:
    pooled = op(
        f"_avg_pool{rank}d(Tensor self, {OPTIONS})", f"AvgPool{rank}DBackward0", avg_pool_forward,
        contiguous=True, check=check,
        self=lambda grad, self, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override: (
            backward(grad, self, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
        ),
    )  # fmt: skip
    backward = op(
        f"_avg_pool{rank}d_backward(Tensor grad_output, Tensor self, {OPTIONS})", f"AvgPool{rank}DBackwardBackward0",
        avg_pool_backward_forward,
        grad_output=lambda grad, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override: (
            pooled(grad, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
        ),
        self=lambda grad: zeros_like(grad),
    )  # fmt: skip
    return pooled


def adaptive_pooling(rank: int, kernel: str) -> Op:
    """`kernel` is what torch's refusals of a dtype name."""
    pooled = op(
        f"_adaptive_avg_pool{rank}d(Tensor self, int[] output_size)", f"AdaptiveAvgPool{rank}DBackward0",
        adaptive_avg_pool_forward, contiguous=True,
        operands=("output_size",),
        check=lambda self, output_size: None if rank == 2 and 0 in output_size else only("f", kernel)(self),
        self=lambda grad, self: backward(grad, self),
    )  # fmt: skip
    backward = op(
        f"_adaptive_avg_pool{rank}d_backward(Tensor grad_output, Tensor self)",
        f"AdaptiveAvgPool{rank}DBackwardBackward0",
        lambda grad_output, self: adaptive_avg_pool_backward(grad_output, self, rank),
        grad_output=lambda grad, grad_output_shape: pooled(grad, grad_output_shape[-rank:]),
        self=lambda grad: zeros_like(grad),
    )  # fmt: skip
    return pooled


def but_other_integers(check: Check, kernel: str) -> Check:
    """`check`, and that integers are of 64 bits."""

    def both(self: Any) -> None:
        check(self)
        if dtype_kind(self.dtype) in "iu" and self.dtype != np.int64:
            raise UserError("type", f"\"{kernel}\" not implemented for '{TYPE_NAMES[self.dtype.name]}'")

    return both


POOLS = {
    2: pooling(2, but_other_integers(only("iuf", "avg_pool2d"), "avg_pool2d")),
    3: pooling(3, but_other_integers(single_or_double("avg_pool3d_out_frame", "iuf"), "avg_pool3d_out_frame")),
}
ADAPTIVE = {2: adaptive_pooling(2, "adaptive_avg_pool2d"), 3: adaptive_pooling(3, "adaptive_avg_pool3d_cpu")}


@composite(
    "avg_pool1d(Tensor input, int[] kernel_size, int[]? stride=None, int[] padding=0, bool ceil_mode=False, "
    "bool count_include_pad=True)"
)
def avg_pool1d(
    input: Any,
    kernel_size: Sizes | int,
    stride: Sizes | int | None = None,
    padding: Sizes | int = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Any:
    check_argument_rank("avg_pool1d", input)
    kernel = only_one("avg_pool1d", "kernel_size", kernel_size)
    by = only_one("avg_pool1d", "stride", kernel if stride is None or stride == [] else stride)
    options = ([1, kernel], [1, by], [0, only_one("avg_pool1d", "padding", padding)])
    row = unsqueeze(input, -2)
    check_sliding(row, *options, [1, 1], ceil_mode, False)
    return squeeze_dim(POOLS[2](row, *options, ceil_mode, count_include_pad, None), -2)


@composite("adaptive_avg_pool1d(Tensor input, int[] output_size)")
def adaptive_avg_pool1d(input: Any, output_size: Sizes | int) -> Any:
    check_argument_rank("adaptive_avg_pool1d", input)
    sizes = [1, only_one("adaptive_avg_pool1d", "output_size", output_size)]
    return squeeze_dim(adaptively_averaged(unsqueeze(input, -2), sizes), -2)


def adaptively_averaged(input: Any, sizes: Sizes) -> Any:
    """torch takes the mean itself where one number is left of each image."""
    rank = len(sizes)
    function = f"adaptive_avg_pool{rank}d"
    if min(sizes) < 0:
        got = ", ".join(map(str, sizes)) if rank == 2 else f"{sizes[0]}, {sizes[1]},{sizes[2]}"
        raise UserError(
            "value",
            f"{function}: elements of output_size must be greater than or equal to 0 but received {{{got}}}",
        )
    if list(sizes) == [1] * rank:
        return mean_dim(input, list(range(-1, -rank - 1, -1)), True)
    check_not_empty(function, input, input.ndim - rank)
    if input.ndim not in (rank + 1, rank + 2):
        ranks = f"{rank + 1}D or {rank + 2}D"
        raise UserError("shape", f"{function}(): Expected {ranks} tensor, but got {list(input.shape)}")
    return ADAPTIVE[rank](input, list(sizes))


def declare(rank: int) -> None:
    """The poolings over two dimensions, and over three."""

    @composite(
        f"avg_pool{rank}d(Tensor input, int[] kernel_size, int[]? stride=None, int[] padding=0, bool ceil_mode=False, "
        "bool count_include_pad=True, int? divisor_override=None)"
    )
    def avg_pool(
        input: Any,
        kernel_size: Sizes | int,
        stride: Sizes | int | None = None,
        padding: Sizes | int = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> Any:
        kernel, by, margin, gap = options_of(f"avg_pool{rank}d", rank, kernel_size, stride, padding)
        if divisor_override == 0:
            raise UserError("value", "divisor must be not zero")
        check_sliding(input, kernel, by, margin, gap, ceil_mode, False)
        return POOLS[rank](input, kernel, by, margin, ceil_mode, count_include_pad, divisor_override)

    @composite(f"adaptive_avg_pool{rank}d(Tensor input, int?[]|int output_size)")
    def adaptive_avg_pool(input: Any, output_size: Any) -> Any:
        sizes = output_sizes(output_size, input, rank)
        if len(sizes) != rank:
            raise UserError("shape", f"adaptive_avg_pool{rank}d: output_size must be {rank}")
        return adaptively_averaged(input, sizes)


def declare_norm(rank: int) -> None:
    """The pooling by the p-norm, which torch, too, has from those by the mean and by the maximum."""
    largest, mean = (TABLE[f"{kind}_pool{rank}d"][0] for kind in ("max", "avg"))

    @composite(
        f"lp_pool{rank}d(Tensor input, float norm_type, int[] kernel_size, int[]? stride=None, bool ceil_mode=False)"
    )
    def lp_pool(
        input: Any,
        norm_type: float,
        kernel_size: Sizes | int,
        stride: Sizes | int | None = None,
        ceil_mode: bool = False,
    ) -> Any:
        """The p-norm of each window."""
        if math.isinf(norm_type):
            if norm_type > 0:
                return largest(absolute(input), kernel_size, stride, 0, 1, ceil_mode)
            return neg(largest(neg(absolute(input)), kernel_size, stride, 0, 1, ceil_mode))
        if norm_type == 0:
            raise UserError("value", "float division by zero")
        means = mean(pow_scalar(input, norm_type), kernel_size, stride, 0, ceil_mode)
        kernel = [kernel_size] * rank if isinstance(kernel_size, int) else kernel_size
        count = math.prod(kernel) if len(kernel) == rank else kernel[0] ** rank
        return pow_scalar(mul(mul(sign(means), relu(absolute(means))), count), 1.0 / norm_type)


for _rank in (2, 3):
    declare(_rank)
for _rank in (1, 2, 3):
    declare_norm(_rank)
