"""What gradcli answers to a sample; `torch_rows` says the same things of torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from gradcli.engine import graph
from gradcli.engine.dtypes import COMPLEX_OF, converted, dtype_named, is_differentiable
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.evaluate import Program, Scope
from gradcli.ops.create import default_generator
from gradcli.spec.expression import parse_expression

from .asking import OPENING, Engine, Laid, as_it_is, rounded
from .pool import POOL, Input
from .samples import names_in


def made(given: Input, precision: str = "float64", laid: Laid = as_it_is) -> Tensor:
    """A leaf with the values of `given`; `laid` may put them elsewhere in memory."""
    dtype = {"float": precision, "complex": COMPLEX_OF[precision]}.get(given.kind, given.kind)
    tensor = Tensor(laid(converted(np.array(given.values), dtype_named(dtype))))
    return tensor.requires_grad_() if is_differentiable(tensor.dtype) else tensor


def bindings(
    expression: str, pool: dict[str, Input], precision: str = "float64", laid: Laid = as_it_is
) -> dict[str, Tensor]:
    return {name: made(pool[name], precision, laid) for name in names_in(expression)}


@cache
def program(expression: str) -> Program:
    return Program(parse_expression(expression, bound=POOL))


def evaluate(expression: str, tensors: dict[str, Any]) -> Any:
    default_generator.manual_seed(0)
    with np.errstate(all="ignore"):
        return program(expression).run(Scope(bindings=dict(tensors)))


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


def plain(tensor: Tensor | None) -> Any:
    if tensor is None:
        return None
    return {
        "dtype": tensor.dtype.name,
        "shape": list(tensor.shape),
        "value": rounded(tensor.array.reshape(-1).tolist()),
    }


class Gradcli(Engine):
    tensor = Tensor
    refuses = fails = UserError

    def bindings(
        self, expression: str, pool: dict[str, Input], precision: str, laid: Laid = as_it_is
    ) -> dict[str, Any]:
        return dict(bindings(expression, pool, precision, laid))

    def evaluate(self, expression: str, tensors: dict[str, Any]) -> Any:
        return evaluate(expression, tensors)

    def gradients(self, outputs: Sequence[Any], inputs: Sequence[Any], shift: float, **options: Any) -> Sequence[Any]:
        return gradients(outputs, inputs, shift, **options)

    def plain(self, tensor: Tensor | None) -> Any:
        return plain(tensor)

    def name_of(self, node: Any) -> str:
        return str(node.name)

    def count_change(self, tensor: Any) -> None:
        tensor.count_change()

    def opening(self, error: Exception) -> str:
        assert isinstance(error, UserError)
        return error.message[:OPENING]


GRADCLI = Gradcli()
answer, derivatives, rounded_answer = GRADCLI.answer, GRADCLI.derivatives, GRADCLI.rounded_answer
described, tensors_of = GRADCLI.described, GRADCLI.tensors_of
