"""The sliding windows of images as columns, and back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from gradcli.errors import UserError
from gradcli.ops.conv import in_words, out_lengths, overlapped, windows
from gradcli.ops.define import composite, op
from gradcli.ops.kinds import only
from gradcli.ops.shape import wrap_dim

Sizes = Sequence[int]


def im2col_forward(self: Any, kernel_size: Sizes, dilation: Sizes, padding: Sizes, stride: Sizes) -> Any:
    images = self if self.ndim == 4 else self[None]
    seen = windows(images, kernel_size, stride, padding, dilation).transpose(0, 1, 4, 5, 2, 3)
    columns = seen.reshape(len(images), math.prod(seen.shape[1:4]), math.prod(seen.shape[4:]))
    return columns if self.ndim == 4 else columns[0]


def col2im_forward(
    self: Any, output_size: Sizes, kernel_size: Sizes, dilation: Sizes, padding: Sizes, stride: Sizes
) -> Any:
    columns = self if self.ndim == 3 else self[None]
    counts = out_lengths(output_size, kernel_size, stride, padding, dilation)
    channels = columns.shape[1] // math.prod(kernel_size)
    columns = columns.reshape(len(columns), channels, *kernel_size, *counts)
    images = overlapped(columns, output_size, stride, padding, dilation)
    return images if self.ndim == 3 else images[0]


im2col = op(
    "_im2col(Tensor self, int[] kernel_size, int[] dilation, int[] padding, int[] stride)", "Im2ColBackward0",
    im2col_forward, contiguous=True, check=only("bfc", "im2col_out_cpu"),
    self=lambda grad, self_shape, kernel_size, dilation, padding, stride: col2im(
        grad, self_shape[-2:], kernel_size, dilation, padding, stride
    ),
)  # fmt: skip
col2im = op(
    "_col2im(Tensor self, int[] output_size, int[] kernel_size, int[] dilation, int[] padding, int[] stride)",
    "Col2ImBackward0", col2im_forward, contiguous=True, check=only("bfc", "col2im_out_cpu"),
    self=lambda grad, kernel_size, dilation, padding, stride: im2col(grad, kernel_size, dilation, padding, stride),
)  # fmt: skip


def pair(name: str, value: Sizes | int) -> list[int]:
    values = [value] if isinstance(value, int) else list(value)
    if len(values) not in (1, 2):
        raise UserError("shape", f"It is expected {name} equals to 2, but got size {len(values)}")
    return values * 2 if len(values) == 1 else values


# each option, as a message calls it and its numbers
OPTIONS = {
    "kernel_size": ("kernel size", "kernel"),
    "dilation": ("dilation", "dilation"),
    "padding": ("padding", "pad"),
    "stride": ("stride", "stride"),
}


def checked_options(*options: Sizes | int) -> list[list[int]]:
    """Height and width of each option; a UserError, in torch's words, for numbers that are too small."""
    pairs = [pair(name, value) for name, value in zip(OPTIONS, options, strict=True)]
    for values, (word, name) in zip(pairs, OPTIONS.values(), strict=True):
        least, rule = (0, "non-negative") if name == "pad" else (1, "greater than zero")
        if min(values) < least:
            raise UserError("value", f"{word} should be {rule}, but got {in_words(name, values)}")
    return pairs


def as_tuple(values: Sizes) -> str:
    return f"({', '.join(map(str, values))})"


def said(kernel_size: Sizes, dilation: Sizes, padding: Sizes) -> str:
    return f"kernel_size={as_tuple(kernel_size)}, dilation={as_tuple(dilation)}, padding={as_tuple(padding)}"


@composite("unfold(Tensor input, int[] kernel_size, int[] dilation=1, int[] padding=0, int[] stride=1)")
def unfold(
    input: Any,
    kernel_size: Sizes | int,
    dilation: Sizes | int = 1,
    padding: Sizes | int = 0,
    stride: Sizes | int = 1,
) -> Any:
    kernel, gap, margin, step = checked_options(kernel_size, dilation, padding, stride)
    if input.ndim < 3:
        wrap_dim(2, input.ndim)
    if input.ndim > 4 or 0 in input.shape[input.ndim == 4 :]:
        raise UserError(
            "shape",
            "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for "
            f"input, but got: {list(input.shape)}",
        )
    counts = out_lengths(input.shape[-2:], kernel, step, margin, gap)
    if min(counts) < 1:
        raise UserError(
            "shape",
            f"Given input with spatial size {as_tuple(input.shape[-2:])}, {said(kernel, gap, margin)}, calculated "
            f"shape of the array of sliding blocks as {as_tuple(counts)}, but its components must be at least one.",
        )
    return im2col(input, kernel, gap, margin, step)


@composite(
    "fold(Tensor input, int[] output_size, int[] kernel_size, int[] dilation=1, int[] padding=0, int[] stride=1)"
)
def fold(
    input: Any,
    output_size: Sizes | int,
    kernel_size: Sizes | int,
    dilation: Sizes | int = 1,
    padding: Sizes | int = 0,
    stride: Sizes | int = 1,
) -> Any:
    size = pair("output_size", output_size)
    kernel, gap, margin, step = checked_options(kernel_size, dilation, padding, stride)
    if input.ndim not in (2, 3) or 0 in input.shape[input.ndim == 3 :]:
        raise UserError(
            "shape",
            "Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero dimensions for "
            f"input, but got: {list(input.shape)}",
        )
    rows, columns = input.shape[-2:]
    if rows % math.prod(kernel):
        raise UserError(
            "shape",
            "Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got "
            f"input.size(1)={rows} and kernel_size={as_tuple(kernel)}.",
        )
    counts = out_lengths(size, kernel, step, margin, gap)
    blocks = math.prod(counts)
    if columns != blocks or min(counts) < 1:
        raise UserError(
            "shape",
            f"Given output_size={as_tuple(size)}, {said(kernel, gap, margin)}, stride={as_tuple(step)}, expected size "
            f"of input's dimension 2 to match the calculated number of sliding blocks {counts[0]} * {counts[1]} = "
            f"{blocks}, but got input.size(2)={columns}.",
        )
    return col2im(input, size, kernel, gap, margin, step)
