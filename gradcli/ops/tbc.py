"""The convolution over (time, batch, channels)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from gradcli.engine.device import np
from gradcli.engine.dtypes import TYPE_NAMES
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.ops.arithmetic import wanted
from gradcli.ops.copies import copy
from gradcli.ops.define import composite, op
from gradcli.ops.kinds import only
from gradcli.ops.linalg import addmm
from gradcli.ops.reduce import sum_dim
from gradcli.ops.shape import narrow, select, t, view


def shifts(length: int, width: int, pad: int) -> Iterator[tuple[int, int, int, int]]:
    """For each tap: its number, where in time input and output begin to meet, and for how long they do."""
    count = length - width + 1 + 2 * pad
    for tap in range(width):
        start, out_start = max(0, tap - pad), max(0, pad - tap)
        steps = min(length + pad - tap, count) - out_start
        if steps > 0:
            yield tap, start, out_start, steps


def conv_tbc_forward(self: Any, weight: Any, bias: Any, pad: int) -> Any:
    length, batch, _ = self.shape
    width, _, outputs = weight.shape
    result = np.empty_like(self, shape=(length - width + 1 + 2 * pad, batch, outputs))
    result[...] = bias
    for tap, start, out_start, steps in shifts(length, width, pad):
        result[out_start : out_start + steps] += self[start : start + steps] @ weight[tap]
    return result


def rows_of(tensor: Any, start: int, steps: int) -> Any:
    """A stretch of time as rows of channels."""
    return view(narrow(tensor, 0, start, steps), (steps * tensor.shape[1], tensor.shape[2]))


def conv_tbc_backward(grad: Any, needs: Sequence[bool], self: Any, weight: Any, bias: Any, pad: int) -> tuple[Any, ...]:
    """Added up in place, tap by tap, as torch does."""
    by_self, by_weight, by_bias = (np.zeros_like(one.array if recorded(one) else one) for one in (self, weight, bias))
    if recorded(grad):
        by_self, by_weight, by_bias = Tensor(by_self), Tensor(by_weight), Tensor(by_bias)
    for tap, start, out_start, steps in shifts(self.shape[0], weight.shape[0], pad):
        given, seen = rows_of(grad, out_start, steps), rows_of(self, start, steps)
        add_product(rows_of(by_self, start, steps), given, t(select(weight, 0, tap)))
        add_product(select(by_weight, 0, tap), t(seen), given)
    summed = sum_dim(sum_dim(grad, [0]), [0])
    results = (by_self, by_weight, copy.inplace(by_bias, summed) if recorded(grad) else summed)
    return wanted(results, needs)


def recorded(value: Any) -> bool:
    return isinstance(value, Tensor)


def add_product(total: Any, left: Any, right: Any) -> None:
    if recorded(total):
        addmm.inplace(total, left, right)
    else:
        total += left @ right


conv_tbc_row = op(
    "_conv_tbc(Tensor self, Tensor weight, Tensor bias, int pad)", "ConvTbcBackward0", conv_tbc_forward,
    contiguous=True,
    real_only="conv_tbc",
    joint=conv_tbc_backward,
)  # fmt: skip


@composite("conv_tbc(Tensor input, Tensor weight, Tensor bias, int pad=0)")
def conv_tbc(input: Any, weight: Any, bias: Any, pad: int = 0) -> Any:
    for tensor, rank, message in (
        (input, 3, "Input must have 3 dims: time, batch, in_channel"),
        (weight, 3, "Weight tensor must have 3 dims: kernel_width, in_channels, out_channels."),
        (bias, 1, "Bias must be 1-D"),
    ):
        if tensor.ndim != rank:
            raise UserError("shape", message)
    if input.shape[2] != weight.shape[1]:
        raise UserError("shape", "Input dim 2 (input channels) is not == dim 1 in the weight tensor")
    if weight.shape[2] != bias.shape[0]:
        raise UserError("shape", "Bias size must equal dim 2 in the weight tensor (output channels).")
    count = input.shape[0] - weight.shape[0] + 1 + 2 * pad
    if count < 0:
        shape = [count, input.shape[1], weight.shape[2]]
        raise UserError("shape", f"Trying to create tensor with negative dimension {count}: {shape}")
    if weight.dtype != input.dtype:
        first, second = (TYPE_NAMES[one.dtype.name] for one in (input, weight))
        raise UserError("type", f"self and mat2 must have the same dtype, but got {first} and {second}")
    only("iufc", "addmm_impl_cpu_")(input)
    return conv_tbc_row(input, weight, bias, pad)
