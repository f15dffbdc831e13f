"""The engine against the tape of floats, on random graphs in which values are used again and again."""

from __future__ import annotations

import random

import numpy as np
import pytest

from gradcli.engine import graph
from gradcli.engine.tensor import Tensor
from gradcli.ops import frontend

from .naive_oracle import BINARY, UNARY, Value, gradients


def ours(name: str, *values: Tensor) -> Tensor:
    rows = frontend.find(name)
    assert rows is not None
    result: Tensor = frontend.call(rows, values, {})
    return result


@pytest.mark.parametrize("seed", range(150))
def test_random_graphs_have_the_gradients_of_the_tape(seed: int) -> None:
    generator = random.Random(seed)
    numbers = [generator.choice([0.0, 1.0, generator.uniform(-2, 2)]) for _ in range(3)]
    tape: list[Value] = []
    values = [Value(tape, number) for number in numbers]
    tensors = [Tensor(np.array(number)).requires_grad_() for number in numbers]
    inputs, leaves = list(values), list(tensors)
    for _ in range(generator.randrange(3, 40)):
        if generator.random() < 0.6:
            name = generator.choice(list(BINARY))
            left, right = generator.randrange(len(values)), generator.randrange(len(values))
            if name == "div" and abs(values[right].number) < 0.1:
                name = "mul"
            value, tensor = BINARY[name](values[left], values[right]), ours(name, tensors[left], tensors[right])
        else:
            name, place = generator.choice(list(UNARY)), generator.randrange(len(values))
            value, tensor = UNARY[name](values[place]), ours(name, tensors[place])
        if abs(value.number) < 1e3:
            values.append(value)
            tensors.append(tensor)
    assert float(tensors[-1].array) == pytest.approx(values[-1].number, rel=1e-12, abs=1e-12)
    expected = gradients(values[-1], inputs)
    for create_graph in (False, True):
        found = graph.grad([tensors[-1]], leaves, [None], True, create_graph, materialize_grads=True)
        for gradient, number in zip(found, expected, strict=True):
            assert gradient is not None
            assert float(gradient.array) == pytest.approx(number, rel=1e-9, abs=1e-9)
