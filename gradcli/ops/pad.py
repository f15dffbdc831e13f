"""Padding: around the last dimensions, with a constant or with what is there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gradcli.engine.device import beside, np, scatter_add
from gradcli.engine.dtypes import TYPE_NAMES, dtype_kind
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.ops.copies import copy, zeros_like
from gradcli.ops.define import Op, composite, op
from gradcli.ops.shape import slice_

Places = Callable[[int, int, int], Any]


def margins(pad: Sequence[int], ndim: int) -> list[tuple[int, int, int]]:
    """Each padded dimension, the last one first, with what comes before it and behind it."""
    return [(ndim - 1 - place, pad[2 * place], pad[2 * place + 1]) for place in range(len(pad) // 2)]


def constant_pad_forward(self: Any, pad: Sequence[int], value: float) -> Any:
    """Negative margins cut off."""
    shape, inner, outer = list(self.shape), [slice(None)] * self.ndim, [slice(None)] * self.ndim
    for dim, before, behind in margins(pad, self.ndim):
        length = shape[dim] + before + behind
        if min(length, shape[dim] + before, shape[dim] + behind) < 0:
            raise UserError("shape", "narrow(): length must be non-negative.")
        inner[dim] = slice(max(-before, 0), shape[dim] - max(-behind, 0))
        outer[dim] = slice(max(before, 0), length - max(behind, 0))
        shape[dim] = length
    result = np.full_like(self, value, shape=tuple(shape))
    result[tuple(outer)] = self[tuple(inner)]
    return result


def mirrored(before: int, length: int, behind: int) -> Any:
    """Where each place of a padded dimension comes from, seen in mirrors at the first and the last place."""
    places = np.abs(np.arange(-before, length + behind))
    return length - 1 - np.abs(length - 1 - places)


def nearest(before: int, length: int, behind: int) -> Any:
    return np.clip(np.arange(-before, length + behind), 0, length - 1)


def taken_from(places: Places) -> Callable[..., Any]:
    def forward(self: Any, padding: Sequence[int]) -> Any:
        for dim, before, behind in margins(padding, self.ndim):
            self = np.take(self, beside(self, places(before, self.shape[dim], behind)), axis=dim)
        return self

    return forward


def given_back_to(places: Places) -> Callable[..., Any]:
    """The transpose of `taken_from`."""

    def forward(grad_output: Any, self: Any, padding: Sequence[int]) -> Any:
        for dim, before, behind in reversed(margins(padding, self.ndim)):
            shape = (*grad_output.shape[:dim], self.shape[dim], *grad_output.shape[dim + 1 :])
            result = np.zeros_like(grad_output, shape=shape)
            at = beside(result, places(before, self.shape[dim], behind))
            scatter_add(result, (slice(None),) * dim + (at,), grad_output)
            grad_output = result
        return grad_output

    return forward


constant_pad = op(
    "_constant_pad_nd(Tensor self, int[] pad, Scalar value)", "ConstantPadNdBackward0", constant_pad_forward,
    fits=("value",),
    self=lambda grad, pad: constant_pad(grad, [-margin for margin in pad], 0),
)  # fmt: skip


def declare(name: str, rank: int, places: Places) -> Op:
    """`_reflection_pad1d` and its like, each with the row of its backward, which has it as its own."""
    text, node = f"_{name.lower()}_pad{rank}d", f"{name}Pad{rank}DBackward"
    padded = op(
        f"{text}(Tensor self, int[] padding)", f"{node}0", taken_from(places), contiguous=True,
        self=lambda grad, self, padding: padded_backward(grad, self, padding),
    )  # fmt: skip
    padded_backward = op(
        f"{text}_backward(Tensor grad_output, Tensor self, int[] padding)", f"{node}Backward0", given_back_to(places),
        grad_output=lambda grad, padding: padded(grad, padding),
        self=lambda grad, self: zeros_like(self),
    )  # fmt: skip
    return padded


# by the number of padded dimensions
PADDINGS = {
    "reflect": [declare("Reflection", rank, mirrored) for rank in (1, 2, 3)],
    "replicate": [declare("Replication", rank, nearest) for rank in (1, 2, 3)],
}


def check_margins(input: Any, pad: Sequence[int], mode: str) -> None:
    """torch's checks that there is something to repeat, in whole or in part."""
    spatial = len(pad) // 2
    if mode != "circular" and dtype_kind(input.dtype) == "b":
        name = {"reflect": "reflection", "replicate": "replication"}[mode]
        raise UserError("type", f"\"{name}_pad{spatial}d\" not implemented for '{TYPE_NAMES[input.dtype.name]}'")
    batches = input.ndim - spatial - 1
    if mode != "circular" and 0 in input.shape[batches:]:
        raise UserError(
            "shape",
            f"Expected {spatial + 1}D or {spatial + 2}D (batch mode) tensor with possibly 0 batch size and other "
            f"non-zero dimensions for input, but got: {list(input.shape)}",
        )
    for place, (dim, before, behind) in enumerate(margins(pad, input.ndim)):
        length = input.shape[dim]
        if mode == "circular":
            if before > length or behind > length:
                raise UserError("shape", "Padding value causes wrapping around more than once.")
            if length + before + behind < 0:
                raise UserError("shape", "Negative padding value is resulting in an empty dimension")
        elif mode == "reflect" and (before >= length or behind >= length):
            raise UserError(
                "shape",
                f"Argument #{4 + 2 * place}: Padding size should be less than the corresponding input dimension, but "
                f"got: padding ({before}, {behind}) at dimension {dim} of input {list(input.shape)}",
            )
        elif length + before + behind < 1:
            name = "WHD"[place]
            raise UserError(
                "shape", f"input ({name}: {length}) is too small. Calculated output {name}: {length + before + behind}"
            )


def circular_pad(input: Any, pad: Sequence[int]) -> Any:
    """As torch does it: the input copied into new memory, then for each dimension the margins from inside that."""
    around = margins(pad, input.ndim)
    shape = list(input.shape)
    for dim, before, behind in around:
        shape[dim] += before + behind
    result = Tensor(np.zeros_like(input.array, shape=tuple(shape)))
    inner, source = result, input
    for dim, before, behind in around:
        inner = slice_(inner, dim, max(before, 0), shape[dim] - max(behind, 0), 1)
        source = slice_(source, dim, max(-before, 0), input.shape[dim] - max(-behind, 0), 1)
    copy.inplace(inner, source)
    for dim, before, behind in around:
        first, end = max(before, 0), shape[dim] - max(behind, 0)
        if before > 0:
            copy.inplace(slice_(result, dim, 0, before, 1), slice_(result, dim, end - before, end, 1))
        if behind > 0:
            copy.inplace(slice_(result, dim, end, shape[dim], 1), slice_(result, dim, first, first + behind, 1))
    return result


@composite("constant_pad_nd(Tensor self, int[] pad, Scalar value=0)")
def constant_pad_nd(self: Any, pad: Sequence[int], value: float = 0) -> Any:
    if len(pad) % 2:
        raise UserError("value", f"Length of pad must be even but instead it equals {len(pad)}")
    if len(pad) > 2 * self.ndim:
        raise UserError(
            "value",
            "Length of pad should be no more than twice the number of dimensions of the input. Pad length is "
            f"{len(pad)}while the input has {self.ndim}dimensions.",
        )
    return constant_pad(self, pad, value)


@composite('pad(Tensor input, int[] pad, str mode="constant", float? value=None)')
def pad(input: Any, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Any:
    """`pad` is the margin before and behind the last dimension, then the one before that, and so on."""
    if len(pad) % 2:
        raise UserError("value", "Padding length must be divisible by 2")
    if len(pad) > 2 * input.ndim:
        raise UserError(
            "value",
            "Padding length should be less than or equal to two times the input dimension but got padding length "
            f"{len(pad)} and input of dimension {input.ndim}",
        )
    if mode == "constant":
        return constant_pad(input, pad, value or 0.0)
    if value is not None and value != 0:
        raise UserError("value", f'Padding mode "{mode}" doesn\'t take in value argument')
    spatial = len(pad) // 2
    if mode not in (*PADDINGS, "circular"):
        raise UserError("value", f"Unrecognised padding mode {mode}")
    if spatial not in (1, 2, 3) or input.ndim - spatial not in (1, 2):
        raise UserError(
            "value",
            f"Padding size {len(pad)} is not supported for {input.ndim}D input tensor.",
            hint="a padding of 2 numbers pads 2D or 3D inputs, one of 4 pads 3D or 4D, one of 6 pads 4D or 5D",
        )
    check_margins(input, pad, mode)
    return circular_pad(input, pad) if mode == "circular" else PADDINGS[mode][spatial - 1](input, pad)
