"""Channels as pixels and back, and channels in another order."""

from __future__ import annotations

from typing import Any

from gradcli.errors import UserError
from gradcli.ops.arithmetic import no_derivative
from gradcli.ops.define import op


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
    shape = (*batch, channels // factor**2, height * factor, width * factor)
    if not input.size:
        return input.reshape(shape)
    parts = input.reshape((-1, channels // factor**2, factor, factor, height, width))
    return parts.transpose((0, 1, 4, 2, 5, 3)).reshape(shape)


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
    if not input.size:
        return input.copy()  # in its own shape, as torch has it
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


pixel_shuffle = op(
    "pixel_shuffle(Tensor input, int upscale_factor)", "PixelShuffleBackward0", pixel_shuffle_forward, contiguous=True,
    input=lambda grad, upscale_factor: pixel_unshuffle(grad, upscale_factor),
)  # fmt: skip
pixel_unshuffle = op(
    "pixel_unshuffle(Tensor input, int downscale_factor)", "PixelUnshuffleBackward0", pixel_unshuffle_forward,
    contiguous=True,
    input=lambda grad, downscale_factor: pixel_shuffle(grad, downscale_factor),
)  # fmt: skip
native_channel_shuffle = op(
    "native_channel_shuffle(Tensor input, int groups)", "NotImplemented", channel_shuffle_forward, contiguous=True,
    input=no_derivative("native_channel_shuffle"),
)  # fmt: skip
channel_shuffle = op(
    "channel_shuffle(Tensor input, int groups)", "ChannelShuffleBackward0", channel_shuffle_forward, contiguous=True,
    input=lambda grad, groups: channel_shuffle(grad, grad.shape[1] // groups),
)  # fmt: skip
