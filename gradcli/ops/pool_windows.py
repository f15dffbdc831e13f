"""Where the windows of a pooling lie, and what torch refuses about them.

A window is a row of places in the flattened spatial dimensions, `OUTSIDE` where it looks over the edge. So pooling
of every kind (strided, dilated, padded, adaptive, fractional) and of every rank is one computation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gradcli.engine.device import np
from gradcli.errors import UserError
from gradcli.ops.shape import wrap_dim

Sizes = Sequence[int]

OUTSIDE = -1
NUMERALS = {1: "one", 2: "two", 3: "three"}


def sliding(length: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool) -> Any:
    """The places of each window over one dimension, a row each."""
    count = window_count(length, kernel, stride, padding, dilation, ceil_mode)
    places = np.arange(count)[:, None] * stride - padding + np.arange(kernel) * dilation
    return np.where((places < 0) | (places >= length), OUTSIDE, places)


def window_count(length: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool) -> int:
    """With `ceil_mode` a last window may reach over the end, but not begin behind the input and its first margin."""
    room = length + 2 * padding - dilation * (kernel - 1) - 1
    count = (room + (stride - 1 if ceil_mode else 0)) // stride + 1
    return count - 1 if ceil_mode and (count - 1) * stride >= length + padding else count


def adaptive(length: int, count: int) -> Any:
    """`count` windows of about the same size that cover a dimension."""
    number = np.arange(count)
    starts, ends = number * length // max(count, 1), -(-(number + 1) * length // max(count, 1))
    places = starts[:, None] + np.arange(np.amax(ends - starts, initial=1))
    return np.where(places < ends[:, None], places, OUTSIDE)


def fractional(length: int, kernel: int, count: int, samples: Any) -> Any:
    """Windows at random steps, other ones for each image: `samples` tells where in a step each image begins."""
    room = length - kernel
    starts = np.full((*samples.shape, count), room)
    if count > 1:
        step = np.asarray(room, samples.dtype) / np.asarray(count - 1, samples.dtype)
        first = samples[:, None]
        number = np.arange(count - 1).astype(samples.dtype)
        found = np.trunc((number + first) * step) - np.trunc(first * step)
        starts[:, :-1] = np.clip(np.nan_to_num(found), 0, room)
    return starts[..., None] + np.arange(kernel)


def crossed(size: Sizes, dimensions: Sequence[Any]) -> Any:
    """The places of each window in the flattened dimensions, from those in each: (..., windows, places)."""
    places = np.zeros((1, 1), np.int64)
    for length, at in zip(size, dimensions, strict=True):
        before, here = places[..., :, None, :, None], at[..., None, :, None, :]
        both = np.where((before < 0) | (here < 0), OUTSIDE, before * length + here)
        *leading, windows, more_windows, width, more_width = both.shape
        places = both.reshape(*leading, windows * more_windows, width * more_width)
    return places


def in_each(function: str, name: str, value: Sizes | int, rank: int) -> list[int]:
    """A number for each spatial dimension, from one for all."""
    values = [value] if isinstance(value, int) else list(value)
    if len(values) not in (1, rank):
        verb = "must be either" if name == "dilation" else "must either be"
        if function == "avg_pool3d":
            verb = "must be"
        kinds = "omitted, a single int" if name == "stride" else "a single int"
        raise UserError("shape", f"{function}: {name} {verb} {kinds}, or a tuple of {NUMERALS[rank]} ints")
    return values * rank if len(values) == 1 else values


def options_of(
    function: str,
    rank: int,
    kernel_size: Sizes | int,
    stride: Sizes | int | None,
    padding: Sizes | int,
    dilation: Sizes | int = 1,
) -> tuple[list[int], list[int], list[int], list[int]]:
    """Each option spelled out for each dimension; the stride is that of the kernel where it is left out."""
    kernel = in_each(function, "kernel_size", kernel_size, rank)
    steps = kernel if stride is None or stride == [] else in_each(function, "stride", stride, rank)
    return kernel, steps, in_each(function, "padding", padding, rank), in_each(function, "dilation", dilation, rank)


def in_words(prefix: str, values: Sizes) -> str:
    return " ".join(f"{prefix}{axis}: {value}" for axis, value in zip("THW"[-len(values) :], values, strict=True))


def margins_in_words(padding: Sizes, kernel: Sizes) -> str:
    if len(kernel) == 2:
        return f"padW = {padding[1]}, padH = {padding[0]}, kW = {kernel[1]}, kH = {kernel[0]}"
    numbers = [
        f"{prefix}{axis}: {values['THW'.index(axis)]}"
        for prefix, values in (("k", kernel), ("pad", padding))
        for axis in "TWH"
    ]
    return " ".join(numbers)


def check_sliding(
    input: Any, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, ceil_mode: bool, largest: bool
) -> None:
    """A UserError, in torch's words and order, if the windows do not fit `input`; `largest`: they are for a maximum."""
    rank = len(kernel)
    ranks = f"{rank + 1}D or {rank + 2}D (batch mode) tensor"
    if input.ndim not in (rank + 1, rank + 2):
        if rank == 2 and not largest:
            wrap_dim(-3, input.ndim)
        raise UserError("shape", f"non-empty {ranks} expected for input")
    for k, by, margin, gap in zip(kernel, stride, padding, dilation, strict=True):
        if by == 0:
            raise UserError("value", "stride should not be zero")
        if margin < 0:
            raise UserError("value", f"pad must be non-negative, but got pad: {margin}")
        if margin > ((k - 1) * gap + 1) // 2:
            raise UserError(
                "value",
                f"pad should be at most half of effective kernel size, but got pad={margin}, kernel_size={k} and "
                f"dilation={gap}",
            )
    named = {"kernel size": ("k", kernel), "stride": ("d", stride), "dilation": ("dilation", dilation)}
    for word, (prefix, values) in named.items():
        if min(values) <= 0:
            raise UserError("value", f"{word} should be greater than zero, but got {in_words(prefix, values)}")
    shape = list(input.shape[-rank - 1 :])
    if 0 in shape:
        message = f"Expected {ranks} with optional 0 dim batch size for input, but got:{list(input.shape)}"
        if rank == 3:
            message = (
                f"{'max_pool3d_with_indices' if largest else 'avg_pool3d'}_out_cpu_template(): Expected input's "
                f"non-batch dimensions to have positive length, but input has a shape of {list(input.shape)} and "
                f"non-batch dimension {shape.index(0)} has length zero!"
            )
        raise UserError("shape", message)
    if any(margin > k // 2 for margin, k in zip(padding, kernel, strict=True)):
        raise UserError(
            "value",
            f"pad should be smaller than or equal to half of kernel size, but got {margins_in_words(padding, kernel)}",
        )
    each = zip(shape[1:], kernel, stride, padding, dilation, strict=True)
    counts = [window_count(*one, ceil_mode) for one in each]
    if rank == 3 and not largest and any(n < k for n, k in zip(shape[1:], kernel, strict=True)):
        image, window = in_words("", shape[1:]), in_words("k", kernel)
        raise UserError("shape", f"input image ({image}) smaller than kernel size ({window})")
    if min(counts) < 1:
        given, found = "x".join(map(str, shape)), "x".join(map(str, [shape[0], *counts]))
        raise UserError(
            "shape", f"Given input size: ({given}). Calculated output size: ({found}). Output size is too small"
        )


def check_gradient(function: str, grad_output: Any) -> None:
    """torch has no way back through an adaptive pooling to nothing."""
    if 0 in grad_output.shape[1:]:
        raise UserError(
            "shape",
            f"{function}(): Expected grad_output to have non-zero size for non-batch dimensions, but grad_output has "
            f"sizes {list(grad_output.shape)} with dimension {grad_output.shape.index(0, 1)} being empty",
        )


def check_argument_rank(function: str, input: Any) -> None:
    """torch's words for an input of pooling over one dimension that has neither 2 nor 3."""
    if input.ndim not in (2, 3):
        raise UserError(
            "shape",
            f"Expected 2 to 3 dimensions, but got {input.ndim}-dimensional tensor for argument #1 'self' (while "
            f"checking arguments for {function})",
        )


def only_one(function: str, name: str, value: Sizes | int) -> int:
    """The one number of an option of pooling over one dimension."""
    values = [value] if isinstance(value, int) else list(value)
    if len(values) != 1:
        raise UserError("shape", f"{function}() argument '{name}' should contain one int (got {len(values)})")
    return values[0]


def output_sizes(output_size: Any, input: Any, rank: int) -> list[int]:
    """What an adaptive pooling is asked for, with the input's own length where there is None."""
    if isinstance(output_size, int):
        return [output_size] * rank
    if input.ndim <= len(output_size):
        raise UserError("shape", f"Input dimension should be at least {len(output_size) + 1}")
    own = input.shape[input.ndim - len(output_size) :]
    return [length if wanted is None else wanted for wanted, length in zip(output_size, own, strict=True)]
