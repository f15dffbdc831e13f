"""Recurrent cells: what one step of a recurrent network makes of its input and of what it remembers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gradcli.errors import UserError
from gradcli.ops.arithmetic import add, mul, sub
from gradcli.ops.define import composite
from gradcli.ops.elementary import relu, sigmoid, tanh
from gradcli.ops.linalg import linear
from gradcli.ops.view_copies import unsafe_chunk

WEIGHTS = "Tensor w_ih, Tensor w_hh, Tensor? b_ih=None, Tensor? b_hh=None"


def check_cell(input: Any, hx: Any, w_ih: Any, w_hh: Any, gates: int) -> None:
    """A UserError, in torch's words, if the shapes are not those of a cell with so many `gates`."""
    if input.shape[1] != w_ih.shape[1]:
        raise UserError("shape", f"input has inconsistent input_size: got {input.shape[1]} expected {w_ih.shape[1]}")
    if input.shape[0] != hx.shape[0]:
        raise UserError("shape", f"Input batch size {input.shape[0]} doesn't match hidden0 batch size {hx.shape[0]}")
    size = hx.shape[1]
    if size != w_hh.shape[1]:
        raise UserError("shape", f"hidden0 has inconsistent hidden_size: got {size}, expected {w_hh.shape[1]}")
    for name, weight in (("ih", w_ih), ("hh", w_hh)):
        if weight.shape[0] != gates * size:
            raise UserError(
                "shape",
                f"weight_{name} first dim must be {gates} * hidden_size = {gates * size}, but got {weight.shape[0]}",
            )


def gates_of(input: Any, hx: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, gates: int = 1) -> Any:
    check_cell(input, hx, w_ih, w_hh, gates)
    return add(linear(hx, w_hh, b_hh), linear(input, w_ih, b_ih))


@composite(f"rnn_tanh_cell(Tensor input, Tensor hx, {WEIGHTS})")
def rnn_tanh_cell(input: Any, hx: Any, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None) -> Any:
    return tanh(gates_of(input, hx, w_ih, w_hh, b_ih, b_hh))


@composite(f"rnn_relu_cell(Tensor input, Tensor hx, {WEIGHTS})")
def rnn_relu_cell(input: Any, hx: Any, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None) -> Any:
    return relu(gates_of(input, hx, w_ih, w_hh, b_ih, b_hh))


def lstm_step(gates: Any, c: Any) -> tuple[Any, Any]:
    """The next (h, c): c is kept by the forget gate and renewed by the input gate, h is what the output gate lets out
    of it.
    """
    parts = unsafe_chunk(gates, 4, 1)
    renews, keeps, lets_out = sigmoid(parts[0]), sigmoid(parts[1]), sigmoid(parts[3])
    c = add(mul(keeps, c), mul(renews, tanh(parts[2])))
    return mul(lets_out, tanh(c)), c


@composite(f"lstm_cell(Tensor input, Tensor[] hx, {WEIGHTS})")
def lstm_cell(input: Any, hx: Sequence[Any], w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None) -> Any:
    """What comes of (h, c)."""
    if len(hx) != 2:
        raise UserError("value", "lstm_cell expects two hidden states")
    h, c = hx
    return lstm_step(gates_of(input, h, w_ih, w_hh, b_ih, b_hh, 4), c)


def gru_step(by_input: Any, by_memory: Any, hx: Any) -> Any:
    """`hx` and a proposal for it, mixed by the update gate; the reset gate lets the proposal forget `hx`."""
    by_input, by_memory = unsafe_chunk(by_input, 3, 1), unsafe_chunk(by_memory, 3, 1)
    resets, updates = (sigmoid(add(by_memory[place], by_input[place])) for place in (0, 1))
    proposal = tanh(add(by_input[2], mul.inplace(by_memory[2], resets)))
    return add(mul.inplace(sub(hx, proposal), updates), proposal)


@composite(f"gru_cell(Tensor input, Tensor hx, {WEIGHTS})")
def gru_cell(input: Any, hx: Any, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None) -> Any:
    """What comes of `hx`."""
    check_cell(input, hx, w_ih, w_hh, 3)
    return gru_step(linear(input, w_ih, b_ih), linear(hx, w_hh, b_hh), hx)
