"""Tensors of the host among those of a device: what torch lets stand together, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from gradcli.engine import graph
from gradcli.engine.device import device_of, to_device, to_host
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.evaluate import Program, Scope
from gradcli.spec.expression import parse_expression

from .standin import installed

# `x`, `k`, `b` and `n` are on the device, `c`, `d`, `i` and `f` numbers of the host, `h` and `at` vectors of the host
VALUES: dict[str, tuple[Any, str]] = {
    "x": ([[0.3, -1.2, 2.0], [0.7, 1.1, -0.4]], "cuda"), "k": ([[1, 2, 3], [4, 5, 6]], "cuda"),
    "b": ([[True, False, True], [False, True, True]], "cuda"), "n": (1.7, "cuda"), "at": ([0, 1], "cpu"),
    "c": (0.6, "cpu"), "d": (1.5, "cpu"), "i": (2, "cpu"), "f": (True, "cpu"), "h": ([1.0, 2.0, 3.0], "cpu"),
}  # fmt: skip
FUNCTIONS = (
    "add", "sub", "mul", "div", "atan2", "hypot", "copysign", "fmod", "remainder", "maximum", "minimum", "fmax", "fmin",
    "logaddexp", "logaddexp2", "nextafter", "eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or",
    "logical_xor", "floor_divide", "ldexp", "dist", "isclose", "clamp_min", "clamp_max", "max", "rsub",
)  # fmt: skip
ALLOWED = [
    *(f"{name}(x, c)" for name in FUNCTIONS), *(f"{name}(c, x)" for name in FUNCTIONS),
    *(f"{name}(k, i)" for name in ("bitwise_and", "bitwise_or", "bitwise_xor", "gcd", "lcm", "bitwise_left_shift")),
    "pow(c, x)", "pow(n, c)", "float_power(n, c)", "xlogy(x, c)", "n + c", "c * n", "2 ** x * c", "addcmul(x, c, x)",
    "addcmul(c, x, x)", "addcdiv(x, x, c, value=2)", "lerp(x, x * 2, c)", "lerp(x, c, 0.5)", "where(b, c, x)",
    "where(b, c, d)", "where(f, x, c)", "x.masked_fill(b, c)", "x.index_fill(1, k[0, :2] - 1, c)", "torch.fill(x, c)",
    "clone(x).fill_(c)", "clone(x).mul_(c).add_(d)", "clone(x)[0].mul_(c)", "clone(x).copy_(h)", "clone(c).copy_(n)",
    "clone(c).fill_(n)", "x.index_put([k[0, :1] - 1], c)", "x[at]", "x[i - 1, at]", "mse_loss(n, c)", "tanh(x * c) * c",
]  # fmt: skip
REFUSED = [
    "x + h", "clamp(x, c)", "cat([h, x[0]])", "stack([n, c])", "mse_loss(x, c)", "x @ h",
    "dot(x[0], h)", "clone(c).add_(n)", "clone(h).mul_(x[0])",
    "gather(x, 1, at[None])", "h[k[0] - 1]", "outer(x[0], h)",
]  # fmt: skip


@pytest.fixture(autouse=True)
def cuda() -> Iterator[None]:
    with installed():
        yield


def evaluated(expression: str, everything_on: str | None = None) -> tuple[Tensor, dict[str, Tensor]]:
    tensors = {
        name: Tensor(to_device(np.array(values), everything_on or device)) for name, (values, device) in VALUES.items()
    }
    for tensor in tensors.values():
        if tensor.dtype.kind == "f":
            tensor.requires_grad_()
    with np.errstate(all="ignore"):
        result = Program(parse_expression(expression, bound=tensors)).run(Scope(bindings=dict(tensors)))
    return result, {name: tensor for name, tensor in tensors.items() if tensor.requires_grad}


def answered(expression: str, everything_on: str | None = None) -> list[Any]:
    """The result, its node, and first and second derivatives, each with the device that it is on."""
    result, leaves = evaluated(expression, everything_on)
    said: list[Any] = [shown(result), str(result.grad_fn)]
    outputs = [result]
    for _ in range(2):
        if (
            not all(output.requires_grad for output in outputs) or "floor_divide" in expression
        ):  # torch has no derivative
            break
        weights = [
            Tensor(to_device(np.ones(output.shape, output.dtype), device_of(output.array))) for output in outputs
        ]
        found = graph.grad(outputs, list(leaves.values()), weights, allow_unused=True, create_graph=True)
        said += [None if one is None else (name, shown(one)) for name, one in zip(leaves, found, strict=True)]
        for leaf, one in zip(leaves.values(), found, strict=True):
            assert everything_on or one is None or device_of(one.array) == device_of(leaf.array)
        outputs = [one for one in found if one is not None and one.requires_grad] or [Tensor(np.zeros(()))]
    return said


def shown(tensor: Tensor) -> Any:
    return [tensor.dtype.name, to_host(tensor.array).tolist()]


@pytest.mark.parametrize("expression", ALLOWED)
def test_what_torch_takes_is_what_the_host_computes(expression: str) -> None:
    assert answered(expression) == answered(expression, "cpu")


@pytest.mark.parametrize("expression", ALLOWED)
def test_the_result_is_on_the_device_of_the_tensors(expression: str) -> None:
    changes_a_number = expression.startswith("clone(c)")
    assert device_of(evaluated(expression)[0].array) == ("cpu" if changes_a_number else "cuda:0")


@pytest.mark.parametrize("expression", REFUSED)
def test_what_torch_refuses(expression: str) -> None:
    with pytest.raises(UserError, match=r"same device") as caught:
        evaluated(expression)
    assert caught.value.kind == "device"


def test_one_number_of_the_host_is_enough() -> None:
    with pytest.raises(UserError, match="too many CPU scalars"):
        evaluated("addcmul(x, c, d)")


def test_a_gradient_gathers_where_its_leaf_is() -> None:
    result, leaves = evaluated("(x * c).sum() * c")
    graph.backward([result], [None])
    gradients = [gradient.array for name in "xc" if (gradient := leaves[name].grad) is not None]
    assert [device_of(gradient) for gradient in gradients] == ["cuda:0", "cpu"]
