"""Images in other arrangements: channels as pixels and back, patches as columns and back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from gradcli.engine.device import np
from gradcli.engine.dtypes import TYPE_NAMES
from gradcli.errors import UserError
from gradcli.ops.define import composite, op


def pixel_shuffle_forward(input: Any, upscale_factor: int) -> Any:
    check_shuffle("pixel_shuffle", input, "upscale_factor", upscale_factor)
    factor = upscale_factor
    *batch, channels, height, width = input.shape
    if channels % factor**2:
        raise UserError(
            "shape",
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, "
            f"but input.size(-3)={channels} is not divisible by {factor**2}",
        )
    parts = input.reshape((-1, channels // factor**2, factor, factor, height, width))
    return parts.transpose((0, 1, 4, 2, 5, 3)).reshape((*batch, channels // factor**2, height * factor, width * factor))


def pixel_unshuffle_forward(input: Any, downscale_factor: int) -> Any:
    check_shuffle("pixel_unshuffle", input, "downscale_factor", downscale_factor)
    factor = downscale_factor
    *batch, channels, height, width = input.shape
    for name, place, length in (("height", -2, height), ("width", -1, width)):
        if length % factor:
            raise UserError(
                "shape",
                f"pixel_unshuffle expects {name} to be divisible by downscale_factor, but input.size({place})={length} "
                f"is not divisible by {factor}",
            )
    parts = input.reshape((-1, channels, height // factor, factor, width // factor, factor))
    return parts.transpose((0, 1, 3, 5, 2, 4)).reshape(
        (*batch, channels * factor**2, height // factor, width // factor)
    )


def check_shuffle(name: str, input: Any, option: str, factor: int) -> None:
    if input.ndim < 3:
        raise UserError(
            "shape",
            f"{name} expects input to have at least 3 dimensions, but got input with {input.ndim} dimension(s)",
        )
    if factor <= 0:
        raise UserError("value", f"{name} expects a positive {option}, but got {factor}")


def channel_shuffle_forward(input: Any, groups: int) -> Any:
    if input.ndim < 3:
        raise UserError(
            "shape", f"channel_shuffle expects input with > 2 dims, but got input with sizes {list(input.shape)}"
        )
    if groups <= 0:
        raise UserError("value", f"Number of groups to divide channels in must be positive. Value of groups:{groups}")
    batch, channels, *rest = input.shape
    if channels % groups:
        raise UserError(
            "shape", f"Number of channels must be divisible by groups. Got {channels} channels and {groups} groups."
        )
    return input.reshape((batch, groups, channels // groups, *rest)).swapaxes(1, 2).reshape(input.shape)


def positions(
    size: Sequence[int], kernel: Sequence[int], dilation: Sequence[int], stride: Sequence[int]
) -> Iterator[tuple[int, slice, slice]]:
    """For each place of the kernel the rows and columns, of a padded image, that it comes to lie on."""
    for row in range(kernel[0]):
        for column in range(kernel[1]):
            tops, lefts = (
                slice(place * gap, place * gap + (count - 1) * step + 1, step)
                for place, gap, count, step in zip((row, column), dilation, size, stride, strict=True)
            )
            yield row * kernel[1] + column, tops, lefts


def blocks(
    height: int,
    width: int,
    kernel: Sequence[int],
    dilation: Sequence[int],
    padding: Sequence[int],
    stride: Sequence[int],
) -> tuple[int, int]:
    """How many patches there are, downwards and across."""
    counts = [
        (length + 2 * margin - gap * (size - 1) - 1) // step + 1
        for length, margin, gap, size, step in zip((height, width), padding, dilation, kernel, stride, strict=True)
    ]
    return counts[0], counts[1]


def im2col_forward(
    self: Any, kernel_size: Sequence[int], dilation: Sequence[int], padding: Sequence[int], stride: Sequence[int]
) -> Any:
    *batch, channels, height, width = self.shape
    size = blocks(height, width, kernel_size, dilation, padding, stride)
    margins = [(0, 0)] * (self.ndim - 2) + [(margin, margin) for margin in padding]
    padded = np.pad(self, margins)
    result = np.zeros_like(self, shape=(*batch, channels, kernel_size[0] * kernel_size[1], *size))
    for place, tops, lefts in positions(size, kernel_size, dilation, stride):
        result[..., place, :, :] = padded[..., tops, lefts]
    return result.reshape((*batch, channels * kernel_size[0] * kernel_size[1], size[0] * size[1]))


def col2im_forward(
    self: Any,
    output_size: Sequence[int],
    kernel_size: Sequence[int],
    dilation: Sequence[int],
    padding: Sequence[int],
    stride: Sequence[int],
) -> Any:
    """Patches back where they come from; where they overlap they add up."""
    height, width = output_size
    size = blocks(height, width, kernel_size, dilation, padding, stride)
    *batch, rows, _ = self.shape
    area = kernel_size[0] * kernel_size[1]
    columns = self.reshape((*batch, rows // area, area, *size))
    padded = np.zeros_like(self, shape=(*batch, rows // area, height + 2 * padding[0], width + 2 * padding[1]))
    for place, tops, lefts in positions(size, kernel_size, dilation, stride):
        padded[..., tops, lefts] += columns[..., place, :, :]
    return padded[..., padding[0] : padding[0] + height, padding[1] : padding[1] + width]


pixel_shuffle = op(
    "pixel_shuffle(Tensor input, int upscale_factor)", "PixelShuffleBackward0", pixel_shuffle_forward, contiguous=True,
    input=lambda grad, upscale_factor: pixel_unshuffle(grad, upscale_factor),
)  # fmt: skip
pixel_unshuffle = op(
    "pixel_unshuffle(Tensor input, int downscale_factor)", "PixelUnshuffleBackward0", pixel_unshuffle_forward,
    contiguous=True,
    input=lambda grad, downscale_factor: pixel_shuffle(grad, downscale_factor),
)  # fmt: skip
channel_shuffle = op(
    "channel_shuffle(Tensor input, int groups)", "ChannelShuffleBackward0", channel_shuffle_forward, contiguous=True,
    input=lambda grad, groups: channel_shuffle(grad, grad.shape[1] // groups),
)  # fmt: skip
im2col = op(
    "_im2col(Tensor self, int[] kernel_size, int[] dilation, int[] padding, int[] stride)", "Im2ColBackward0",
    im2col_forward, contiguous=True,
    self=lambda grad, self_shape, kernel_size, dilation, padding, stride: col2im(
        grad, self_shape[-2:], kernel_size, dilation, padding, stride
    ),
)  # fmt: skip
col2im = op(
    "_col2im(Tensor self, int[] output_size, int[] kernel_size, int[] dilation, int[] padding, int[] stride)",
    "Col2ImBackward0", col2im_forward, contiguous=True,
    self=lambda grad, kernel_size, dilation, padding, stride: im2col(grad, kernel_size, dilation, padding, stride),
)  # fmt: skip


def in_pairs(**options: Any) -> list[list[int]]:
    """Each option once for the height and once for the width."""
    found = []
    for name, given in options.items():
        sizes = [given] if isinstance(given, int) else list(given)
        if len(sizes) not in (1, 2):
            raise UserError("value", f"It is expected {name} equals to 2, but got size {len(sizes)}")
        height, width = sizes * 2 if len(sizes) == 1 else sizes
        if name == "padding" and min(height, width) < 0:
            raise UserError("value", f"padding should be non-negative, but got pad_height: {height} pad_width: {width}")
        if name in ("kernel_size", "dilation", "stride") and min(height, width) < 1:
            part = name.removesuffix("_size")
            raise UserError(
                "value",
                f"{name.replace('_', ' ')} should be greater than zero, but got {part}_height: {height} "
                f"{part}_width: {width}",
            )
        found.append([height, width])
    return found


def check_floating(input: Any, kernel: str) -> None:
    if input.dtype.kind not in "fc":
        raise UserError("type", f"\"{kernel}\" not implemented for '{TYPE_NAMES[input.dtype.name]}'")


def as_tuple(pair: Sequence[int]) -> str:
    return f"({pair[0]}, {pair[1]})"


@composite("unfold(Tensor input, int[] kernel_size, int[] dilation=1, int[] padding=0, int[] stride=1)")
def unfold(input: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """The patches of images as columns."""
    kernel, gaps, margins, steps = in_pairs(kernel_size=kernel_size, dilation=dilation, padding=padding, stride=stride)
    if input.ndim not in (3, 4) or 0 in input.shape[-3:]:
        raise UserError(
            "shape",
            "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for input, "
            f"but got: {list(input.shape)}",
        )
    size = blocks(input.shape[-2], input.shape[-1], kernel, gaps, margins, steps)
    if min(size) < 1:
        raise UserError(
            "shape",
            f"Given input with spatial size {as_tuple(input.shape[-2:])}, kernel_size={as_tuple(kernel)}, "
            f"dilation={as_tuple(gaps)}, padding={as_tuple(margins)}, calculated shape of the array of sliding blocks "
            f"as {as_tuple(size)}, but its components must be at least one.",
        )
    check_floating(input, "im2col_out_cpu")
    return im2col(input, kernel, gaps, margins, steps)


@composite(
    "fold(Tensor input, int[] output_size, int[] kernel_size, int[] dilation=1, int[] padding=0, int[] stride=1)"
)
def fold(input: Any, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """Columns back to the patches of images; where these overlap they add up."""
    output, kernel, gaps, margins, steps = in_pairs(
        output_size=output_size, kernel_size=kernel_size, dilation=dilation, padding=padding, stride=stride
    )
    if input.ndim not in (2, 3) or 0 in input.shape[-2:]:
        raise UserError(
            "shape",
            "Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero dimensions for "
            f"input, but got: {list(input.shape)}",
        )
    rows, columns = input.shape[-2:]
    if rows % (kernel[0] * kernel[1]):
        raise UserError(
            "shape",
            f"Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got "
            f"input.size(1)={rows} and kernel_size={as_tuple(kernel)}.",
        )
    size = blocks(output[0], output[1], kernel, gaps, margins, steps)
    if size[0] * size[1] != columns or min(size) < 1:
        raise UserError(
            "shape",
            f"Given output_size={as_tuple(output)}, kernel_size={as_tuple(kernel)}, dilation={as_tuple(gaps)}, "
            f"padding={as_tuple(margins)}, stride={as_tuple(steps)}, expected size of input's dimension 2 to match the "
            f"calculated number of sliding blocks {size[0]} * {size[1]} = {size[0] * size[1]}, but got input.size(2)="
            f"{columns}.",
        )
    check_floating(input, "col2im_out_cpu")
    return col2im(input, output, kernel, gaps, margins, steps)
