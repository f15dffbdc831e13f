"""Automatic differentiation at its simplest, to hold the engine against: a tape of Python floats.

Each value knows what it was computed from and the local derivatives; `gradients` goes over the tape backwards once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence


class Value:
    """A number on the tape."""

    def __init__(self, tape: list[Value], number: float, sources: Sequence[tuple[Value, float]] = ()) -> None:
        self.tape = tape
        self.number = number
        self.sources = sources
        self.gradient = 0.0
        tape.append(self)


def gradients(result: Value, inputs: Sequence[Value]) -> list[float]:
    """The derivatives of `result` by `inputs`."""
    for value in result.tape:
        value.gradient = 0.0
    result.gradient = 1.0
    for value in reversed(result.tape):
        for source, slope in value.sources:
            source.gradient += slope * value.gradient
    return [value.gradient for value in inputs]


def unary(function: Callable[[float], float], slope: Callable[[float], float]) -> Callable[[Value], Value]:
    return lambda x: Value(x.tape, function(x.number), [(x, slope(x.number))])


def add(x: Value, y: Value) -> Value:
    return Value(x.tape, x.number + y.number, [(x, 1.0), (y, 1.0)])


def sub(x: Value, y: Value) -> Value:
    return Value(x.tape, x.number - y.number, [(x, 1.0), (y, -1.0)])


def mul(x: Value, y: Value) -> Value:
    return Value(x.tape, x.number * y.number, [(x, y.number), (y, x.number)])


def div(x: Value, y: Value) -> Value:
    return Value(x.tape, x.number / y.number, [(x, 1 / y.number), (y, -x.number / y.number**2)])


def maximum(x: Value, y: Value) -> Value:
    share = 0.5 if x.number == y.number else float(x.number > y.number)
    return Value(x.tape, max(x.number, y.number), [(x, share), (y, 1 - share)])


BINARY: dict[str, Callable[[Value, Value], Value]] = {
    "add": add,
    "sub": sub,
    "mul": mul,
    "div": div,
    "maximum": maximum,
}
UNARY: dict[str, Callable[[Value], Value]] = {
    "sin": unary(math.sin, math.cos),
    "tanh": unary(math.tanh, lambda x: 1 - math.tanh(x) ** 2),
    "neg": unary(lambda x: -x, lambda x: -1.0),
    "abs": unary(abs, lambda x: float((x > 0) - (x < 0))),
    "relu": unary(lambda x: max(x, 0.0), lambda x: float(x > 0)),
    "sigmoid": unary(lambda x: 1 / (1 + math.exp(-x)), lambda x: math.exp(-x) / (1 + math.exp(-x)) ** 2),
    "square": unary(lambda x: x * x, lambda x: 2 * x),
    "atan": unary(math.atan, lambda x: 1 / (1 + x * x)),
}
