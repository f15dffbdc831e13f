"""One direction of one layer of an LSTM as a single node: torch has oneDNN compute it for float32."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gradcli.ops.arithmetic import wanted
from gradcli.ops.copies import zeros_like
from gradcli.ops.define import op
from gradcli.ops.elementary import sigmoid, tanh
from gradcli.ops.linalg import addmm, mm
from gradcli.ops.pieces import cat, stack
from gradcli.ops.reduce import sum_dim
from gradcli.ops.shape import new_zeros, select, t, transpose, unsqueeze
from gradcli.ops.view_copies import unsafe_chunk


def gates_at(input: Any, h: Any, weight0: Any, weight1: Any, weight2: Any, weight3: Any) -> tuple[Any, Any, Any, Any]:
    """What renews, what keeps, what is proposed, and what lets out, at one step."""
    parts = unsafe_chunk(weighed(input, weight0, weight2) + weighed(h, weight1, weight3), 4, 1)
    return sigmoid(parts[0]), sigmoid(parts[1]), tanh(parts[2]), sigmoid(parts[3])


def weighed(input: Any, weight: Any, bias: Any) -> Any:
    return addmm(new_zeros(weight, (weight.shape[0],)) if bias is None else bias, input, t(weight))


def in_order(length: int, reverse: bool) -> Sequence[int]:
    return range(length - 1, -1, -1) if reverse else range(length)


def fused_forward(
    input: Any, weight0: Any, weight1: Any, weight2: Any, weight3: Any, hx: Any, cx: Any, reverse: bool
) -> tuple[Any, Any, Any]:
    outputs, h, c = [], hx, cx
    for now in in_order(input.shape[0], reverse):
        renews, keeps, proposal, lets_out = gates_at(input[now], h, weight0, weight1, weight2, weight3)
        c = keeps * c + renews * proposal
        h = lets_out * tanh(c)
        outputs.append(h)
    return stack(outputs[::-1] if reverse else outputs, 0), h, c


def fused_gradients(
    grads: Sequence[Any],
    needs: Sequence[bool],
    input: Any,
    weight0: Any,
    weight1: Any,
    weight2: Any,
    weight3: Any,
    hx: Any,
    cx: Any,
    length: int,
    reverse: bool,
) -> tuple[Any, ...]:
    """Back through the steps, after a walk forth: nothing of their insides has been kept."""
    order = in_order(length, reverse)
    by_output, by_h, by_c = grads[0], *(zeros_like(hx) if grad is None else grad for grad in grads[1:])
    steps, h, c = [], hx, cx
    for now in order:
        renews, keeps, proposal, lets_out = gates_at(select(input, 0, now), h, weight0, weight1, weight2, weight3)
        after = keeps * c + renews * proposal
        seen = tanh(after)
        steps.append((now, h, c, renews, keeps, proposal, lets_out, seen))
        h, c = lets_out * seen, after
    by_inputs: dict[int, Any] = {}
    by_weights: list[Any] = []
    for now, h, c, renews, keeps, proposal, lets_out, seen in reversed(steps):
        by_h = by_h if by_output is None else by_h + select(by_output, 0, now)
        by_c = by_c + by_h * lets_out * (1 - seen * seen)
        slopes = (
            by_c * proposal * renews * (1 - renews),
            by_c * c * keeps * (1 - keeps),
            by_c * renews * (1 - proposal * proposal),
            by_h * seen * lets_out * (1 - lets_out),
        )
        gates = cat(list(slopes), 1)
        turned = transpose(gates, 0, 1)
        parts = (mm(turned, select(input, 0, now)), mm(turned, h), sum_dim(gates, [0]))
        by_weights = [one + other for one, other in zip(by_weights, parts, strict=True)] if by_weights else [*parts]
        by_inputs[now] = unsqueeze(mm(gates, weight0), 0)
        by_h, by_c = mm(gates, weight1), by_c * keeps
    by_input = cat([by_inputs[now] for now in range(length)], 0)
    return wanted((by_input, *by_weights, by_weights[2], by_h, by_c), needs)


fused_layer = op(
    "_mkldnn_rnn_layer(Tensor input, Tensor weight0, Tensor weight1, Tensor? weight2, Tensor? weight3, Tensor hx, "
    "Tensor cx, bool reverse) -> (result0, result1, result2)",
    "MkldnnRnnLayerBackward0", fused_forward, contiguous=True,
    joint=lambda grads, needs, input, weight0, weight1, weight2, weight3, hx, cx, result0, reverse: fused_gradients(
        grads, needs, input, weight0, weight1, weight2, weight3, hx, cx, result0.shape[0], reverse
    ),
)  # fmt: skip
