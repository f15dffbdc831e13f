"""What gradcli answers to a sample; `torch_rows` says the same things of torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from gradcli.engine import graph
from gradcli.engine.node import Node
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.evaluate import Program, Scope
from gradcli.ops.create import default_generator
from gradcli.spec.expression import parse_expression

from .pool import POOL, Input
from .samples import names_in

Answer = dict[str, Any]
Laid = Callable[[Any], Any]
DEPTH = 4
OPENING = 60


def made(given: Input, precision: str = "float64", laid: Laid = lambda array: array) -> Tensor:
    """A leaf with the values of `given`; `laid` may put them elsewhere in memory."""
    dtype = {"float": precision, "complex": "complex64" if precision == "float32" else "complex128"}.get(
        given.kind, given.kind
    )
    tensor = Tensor(laid(np.array(given.values, dtype)))
    return tensor.requires_grad_() if tensor.dtype.kind in "fc" else tensor


def bindings(
    expression: str, pool: dict[str, Input], precision: str = "float64", laid: Laid = lambda array: array
) -> dict[str, Tensor]:
    return {name: made(pool[name], precision, laid) for name in names_in(expression)}


@cache
def program(expression: str) -> Program:
    return Program(parse_expression(expression, bound=POOL))


def evaluate(expression: str, tensors: dict[str, Any]) -> Any:
    default_generator.manual_seed(0)
    with np.errstate(all="ignore"):
        return program(expression).run(Scope(bindings=dict(tensors)))


def tensors_of(value: Any) -> list[Tensor]:
    """The tensors of a result: one, or those of a tuple."""
    if isinstance(value, Tensor):
        return [value]
    return [one for item in value for one in tensors_of(item)] if isinstance(value, list | tuple) else []


def weights(tensors: Sequence[Any], shift: float) -> list[list[Any]]:
    """Flat lists of numbers without pattern to weigh the elements of each tensor with, complex ones with both parts."""
    found, place = [], 0
    for tensor in tensors:
        size = math.prod(tensor.shape)
        found.append([round(math.cos(shift + 1.7 * n), 3) + 0.4 for n in range(place, place + size)])
        place += size
    return found


def weighted(tensors: Sequence[Tensor], shift: float) -> list[Tensor]:
    """The weights, as tensors like those that they weigh."""
    return [
        Tensor(
            (np.array(numbers) * (1 + 0.5j if tensor.dtype.kind == "c" else 1))
            .astype(tensor.dtype)
            .reshape(tensor.shape)
        )
        for tensor, numbers in zip(tensors, weights(tensors, shift), strict=True)
    ]


def gradients(outputs: Sequence[Tensor], inputs: Sequence[Tensor], shift: float, **options: Any) -> list[Tensor | None]:
    with np.errstate(all="ignore"):
        return graph.grad(outputs, inputs, weighted(outputs, shift), allow_unused=True, **options)


def answer(expression: str, pool: dict[str, Input], precision: str = "float64") -> Answer:
    """Values, dtypes and graphs of what `expression` gives and of its first derivatives; the second derivatives."""
    tensors = bindings(expression, pool, precision)
    try:
        result = evaluate(expression, tensors)
    except UserError as error:
        return {"error": error.message[:OPENING]}
    said: Answer = {"result": described(result)}
    outputs = [tensor for tensor in tensors_of(result) if tensor.requires_grad]
    leaves = [tensor for tensor in tensors.values() if tensor.requires_grad]
    if not outputs or not leaves:
        return said
    try:
        first = gradients(outputs, leaves, 0.0, create_graph=True)
        said["first"] = [described(gradient) for gradient in first]
        again = [gradient for gradient in first if gradient is not None and gradient.requires_grad]
        if again:
            said["second"] = [plain(gradient) for gradient in gradients(again, leaves, 1.0)]
    except UserError as error:
        said["fails"] = error.message[:OPENING]
        return said
    said["again"] = second_time(expression, pool, precision)
    return said


def second_time(expression: str, pool: dict[str, Input], precision: str) -> bool:
    """Whether the graph serves for one backward only."""
    tensors = bindings(expression, pool, precision)
    outputs = [tensor for tensor in tensors_of(evaluate(expression, tensors)) if tensor.requires_grad]
    leaves = [tensor for tensor in tensors.values() if tensor.requires_grad]
    gradients(outputs, leaves, 0.0)
    try:
        gradients(outputs, leaves, 0.0)
    except UserError:
        return False
    return True


def described(value: Any) -> Any:
    if isinstance(value, Tensor):
        return {**plain(value), "graph": graph_text(value.grad_fn, DEPTH)}
    if isinstance(value, list | tuple):
        return [described(item) for item in value]
    return value


def plain(tensor: Tensor | None) -> Any:
    if tensor is None:
        return None
    return {
        "dtype": tensor.dtype.name,
        "shape": list(tensor.shape),
        "value": rounded(tensor.array.reshape(-1).tolist()),
    }


def rounded(values: list[Any]) -> list[Any]:
    """Numbers as JSON has them, to 13 digits; a complex one as two."""
    if any(isinstance(value, complex) for value in values):
        values = [part for value in values for part in (value.real, value.imag)]
    return [float(f"{value:.13g}") if isinstance(value, float) else value for value in values]


def graph_text(node: Node | None, depth: int) -> str | None:
    """The names of a node and of those before it, to a depth."""
    if node is None:
        return None
    if depth == 0 or not node.next_functions:
        return node.name
    return f"{node.name}({', '.join(str(graph_text(before, depth - 1)) for before, _ in node.next_functions)})"
