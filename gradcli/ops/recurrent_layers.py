"""Recurrent layers over whole sequences, padded or packed, composed of steps as torch composes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gradcli.engine.dtypes import TYPE_NAMES
from gradcli.errors import UserError
from gradcli.ops.arithmetic import add
from gradcli.ops.define import composite
from gradcli.ops.dropout import dropped
from gradcli.ops.elementary import relu, tanh
from gradcli.ops.fused_lstm import fused_layer
from gradcli.ops.linalg import linear, matmul
from gradcli.ops.pieces import cat, stack, unbind
from gradcli.ops.recurrent import gru_step, lstm_step
from gradcli.ops.shape import contiguous, narrow, reshape, select, t, transpose, view, wrap_dim
from gradcli.ops.windows import transpose_

State = tuple[Any, ...]  # what a layer remembers: (h,), of an LSTM (h, c)
# what the input of a step, already weighed, makes of a state, by the layer's weights
Step = Callable[[Any, State, "Weights"], State]
Layer = Callable[[Step, Any, State, "Weights"], tuple[Any, State]]

OPTIONS = "bool has_biases, int num_layers, float dropout, bool train, bool bidirectional"


class Weights:
    """The parameters of one direction of one layer, in the order in which torch lists them."""

    def __init__(self, tensors: Sequence[Any], has_biases: bool) -> None:
        self.w_ih, self.w_hh = tensors[:2]
        self.biases = tensors[2:4] if has_biases else (None, None)
        self.w_hr = tensors[-1] if len(tensors) % 2 else None

    def of_input(self, input: Any) -> Any:
        return linear(input, self.w_ih, self.biases[0])

    def of_memory(self, h: Any) -> Any:
        return linear(h, self.w_hh, self.biases[1])


def simple(activation: Callable[[Any], Any]) -> Step:
    return lambda by_input, state, weights: (activation(add.inplace(weights.of_memory(state[0]), by_input)),)


def gru_next(by_input: Any, state: State, weights: Weights) -> State:
    return (gru_step(by_input, weights.of_memory(state[0]), state[0]),)


def lstm_next(by_input: Any, state: State, weights: Weights) -> State:
    h, c = lstm_step(add.inplace(weights.of_memory(state[0]), by_input), state[1])
    return (h if weights.w_hr is None else matmul(h, t(weights.w_hr))), c


def padded_layer(backwards: bool) -> Layer:
    """One direction over an input of shape (length, batch, features)."""
    order = slice(None, None, -1 if backwards else 1)

    def layer(step: Step, input: Any, state: State, weights: Weights) -> tuple[Any, State]:
        outputs = []
        for by_input in unbind(weights.of_input(input), 0)[order]:
            state = step(by_input, state, weights)
            outputs.append(state[0])
        if not outputs:
            raise UserError("shape", "Expected sequence length to be larger than 0 in RNN")
        return stack(outputs[order], 0), state

    return layer


def is_fused(input: Any, hx: Sequence[Any]) -> bool:
    """Whether torch's CPU leaves an LSTM to oneDNN."""
    return input.dtype.name == "float32" and input.array.size > 0 and not is_projected(hx)


def is_projected(hx: Sequence[Any]) -> bool:
    """Whether the output of an LSTM is smaller than what it remembers, by a weight of its own."""
    return len(hx) == 2 and len({part.shape[wrap_dim(2, part.ndim)] for part in hx}) == 2


def selected(part: Any) -> list[Any]:
    return [select(part, 0, place) for place in range(part.shape[0])]


def rows(state: State, start: int, stop: int) -> State:
    return tuple(narrow(part, 0, start, stop - start) for part in state)


def joined(states: Sequence[State]) -> State:
    return tuple(cat(list(parts), 0) for parts in zip(*states, strict=True))


def packed_layer(sizes: Sequence[int]) -> Layer:
    """Forwards over packed data, of which step i has `sizes[i]` rows; sequences that end leave from the end."""

    def layer(step: Step, input: Any, state: State, weights: Weights) -> tuple[Any, State]:
        by_input = weights.of_input(input)
        outputs, ended, offset, alive = [], [], 0, sizes[0]
        for size in sizes:
            if size < alive:
                ended.append(rows(state, size, alive))
                state = rows(state, 0, size)
            state = step(narrow(by_input, 0, offset, size), state, weights)
            outputs.append(state[0])
            offset, alive = offset + size, size
        return cat(outputs, 0), joined([state, *reversed(ended)])

    return layer


def packed_backwards_layer(sizes: Sequence[int]) -> Layer:
    """Backwards over packed data: sequences join as the steps reach their ends."""

    def layer(step: Step, input: Any, state: State, weights: Weights) -> tuple[Any, State]:
        by_input = weights.of_input(input)
        initial, alive, offset = state, sizes[-1], input.shape[0]
        state = rows(initial, 0, alive)
        outputs = []
        for size in reversed(sizes):
            if size > alive:
                state = joined([state, rows(initial, alive, size)])
            offset, alive = offset - size, size
            state = step(narrow(by_input, 0, offset, size), state, weights)
            outputs.append(state[0])
        return cat(outputs[::-1], 0), state

    return layer


def weights_of(params: Sequence[Any], has_biases: bool, projected: bool) -> list[Weights]:
    size = (4 if has_biases else 2) + projected
    if len(params) % size:
        raise UserError("value", "got an incorrect number of RNN parameters")
    return [Weights(params[start : start + size], has_biases) for start in range(0, len(params), size)]


def stacked(
    step: Step,
    input: Any,
    hx: Sequence[Any],
    params: Sequence[Any],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    directions: Sequence[Layer],
    apart: Callable[[Any], Sequence[Any]] = lambda part: unbind(part, 0),
) -> tuple[Any, ...]:
    """The outputs of the last of `num_layers` layers, and what each direction of each layer remembers at its end.

    `apart` takes the states of the directions from each other.
    """
    weights = weights_of(params, has_biases, is_projected(hx))
    states = list(zip(*(apart(part) for part in hx), strict=True))
    for given, what in ((states, "hidden states"), (weights, "weights")):
        if len(given) % len(directions):
            raise UserError("value", "Odd number of params or hiddens given to a bidirectional RNN")
        if len(given) != num_layers * len(directions):
            raise UserError("value", f"Expected more {what} in stacked_rnn")
    last: list[State] = []
    for number in range(num_layers):
        outputs = []
        for direction in directions:
            place = len(last)
            output, state = direction(step, input, states[place], weights[place])
            outputs.append(output)
            last.append(state)
        input = cat(outputs, -1) if len(outputs) > 1 else outputs[0]
        if train and dropout and number < num_layers - 1:
            input = dropped(input, dropout, True, False)
    return (input, *(stack(list(parts), 0) for parts in zip(*last, strict=True)))


def fused_layers(
    step: Step,
    input: Any,
    hx: Sequence[Any],
    options: tuple[Sequence[Any], bool, int, float, bool],
    both: Sequence[bool],
) -> tuple[Any, ...]:
    """As `stacked`, of LSTM layers in a node of their own, which want their inputs row by row in memory."""

    def direction(backwards: bool) -> Layer:
        def layer(step: Step, input: Any, state: State, weights: Weights) -> tuple[Any, State]:
            output, *after = fused_layer(input, weights.w_ih, weights.w_hh, *weights.biases, *state, backwards)
            return output, tuple(after)

        return layer

    input, *hx = (contiguous(tensor) for tensor in (input, *hx))
    directions = [direction(backwards) for backwards in both]
    return stacked(step, input, hx, *options, directions, selected)


def sizes_of(batch_sizes: Any) -> list[int]:
    if batch_sizes.dtype.name != "int64":
        kind = TYPE_NAMES[batch_sizes.dtype.name]
        raise UserError("type", f"expected scalar type Long but found {kind}")
    if batch_sizes.ndim == 0:
        raise UserError("shape", "Dimension specified as 0 but tensor has no dimensions")
    sizes: list[int] = batch_sizes.array.reshape(-1)[: batch_sizes.shape[0]].tolist()
    if not sizes:
        raise UserError("shape", "Expected sequence length to be larger than 0 in RNN")
    return sizes


def declare(
    name: str,
    step: Step,
    memory: str,
    to_batch_first: Callable[..., Any] = transpose_,
    fused: Callable[..., Any] | None = None,
) -> None:
    """The layer `name` for padded input, (length, batch, features) or `batch_first`, and for packed data.

    `to_batch_first` turns the outputs around: torch does it in place, but not for the LSTM.
    `fused` are its layers in nodes of their own, if there are any.
    """

    def memory_of(hx: Any) -> Sequence[Any]:
        if memory == "Tensor":
            return [hx]
        if len(hx) != 2:
            raise UserError("value", f"{name} expects two hidden states")
        return list(hx)

    @composite(f"{name}.input(Tensor input, {memory} hx, Tensor[] params, {OPTIONS}, bool batch_first)")
    def padded(
        input: Any,
        hx: Any,
        params: Sequence[Any],
        has_biases: bool,
        num_layers: int,
        dropout: float,
        train: bool,
        bidirectional: bool,
        batch_first: bool,
    ) -> tuple[Any, ...]:
        """The outputs at all steps, and the states at the end, one for each direction of each layer."""
        initial, both = memory_of(hx), (False, True)[: 1 + bidirectional]
        steps_first = transpose(input, 0, 1) if batch_first else input
        options = (params, has_biases, num_layers, dropout, train)
        if fused is not None and is_fused(input, initial):
            output, *states = fused(step, steps_first, initial, options, both)
        else:
            output, *states = stacked(step, steps_first, initial, *options, [padded_layer(back) for back in both])
        return (to_batch_first(output, 0, 1) if batch_first else output, *states)

    @composite(f"{name}.data(Tensor data, Tensor batch_sizes, {memory} hx, Tensor[] params, {OPTIONS})")
    def packed(
        data: Any,
        batch_sizes: Any,
        hx: Any,
        params: Sequence[Any],
        has_biases: bool,
        num_layers: int,
        dropout: float,
        train: bool,
        bidirectional: bool,
    ) -> tuple[Any, ...]:
        """The outputs, packed as the data, and the states at the ends of the sequences."""
        sizes, initial = sizes_of(batch_sizes), memory_of(hx)
        options = (params, has_biases, num_layers, dropout, train)
        both = (False, True)[: 1 + bidirectional]
        if fused is not None and len(set(sizes)) == 1 and is_fused(data, initial):
            steps = reshape(data, (len(sizes), sizes[0], data.shape[-1]))
            output, *states = fused(step, steps, initial, options, both)
            return (view(output, (-1, output.shape[-1])), *states)
        directions = [packed_layer(sizes), packed_backwards_layer(sizes)][: len(both)]
        return stacked(step, data, initial, *options, directions)


declare("rnn_tanh", simple(tanh), "Tensor")
declare("rnn_relu", simple(relu), "Tensor")
declare("gru", gru_next, "Tensor")
declare("lstm", lstm_next, "Tensor[]", transpose, fused_layers)
