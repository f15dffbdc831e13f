"""The engine by itself: long graphs, memory, the order of hooks, higher derivatives."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gradcli.engine.graph import backward, grad
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.evaluate import Program, Scope
from gradcli.ops import arithmetic, elementary, operators, pieces
from gradcli.spec.expression import parse_expression

pytestmark = pytest.mark.usefixtures("quiet_numpy")


def leaf(*values: float) -> Tensor:
    return Tensor(np.array(values)).requires_grad_()


def evaluate(text: str, **bindings: Any) -> Any:
    return Program(parse_expression(text, bound=bindings)).run(Scope(bindings=bindings))


def numbers(tensor: Tensor | None) -> list[float]:
    assert tensor is not None
    values: list[float] = tensor.array.tolist()
    return values


def test_a_graph_of_many_nodes_is_built_walked_and_dropped_without_recursion() -> None:
    x = leaf(2.0)
    y = x
    for _ in range(300_000):
        y = arithmetic.add.call(y, 1.0)
    backward([y], [Tensor(np.ones(1))])
    del y
    assert numbers(x.grad) == [1.0]


def test_a_long_graph_is_differentiated_twice_without_recursion() -> None:
    x = leaf(1.0)
    y = x
    for _ in range(20_000):
        y = arithmetic.mul.call(y, y)
        y = elementary.sqrt.call(y)
    (slope,) = grad([y], [x], [Tensor(np.ones(1))], create_graph=True)
    assert slope is not None
    (curvature,) = grad([slope], [x], [Tensor(np.ones(1))])
    assert numbers(slope) == [1.0]
    assert abs(numbers(curvature)[0]) < 1e-9


FREED = """
import gc
import numpy as np
from gradcli.engine.node import Node
from gradcli.engine.tensor import Tensor
from gradcli.evaluate import Program, Scope
from gradcli.spec.expression import parse_expression

gc.disable()
x = Tensor(np.array([1.0, 2.0, 3.0])).requires_grad_()
for text in ("exp(x) * x", "x.max(dim=0).values + layer_norm(x, (3,))", "(x[1:] * 2).tanh().sum()"):
    before = sum(isinstance(item, Node) for item in gc.get_objects())
    y = Program(parse_expression(text)).run(Scope(bindings={"x": x}))
    slope = Program(parse_expression("grad(y.sum(), x, create_graph=True)")).run(Scope(bindings={"x": x, "y": y}))
    del y, slope
    print(sum(isinstance(item, Node) for item in gc.get_objects()) - before)
"""


def test_a_dropped_graph_is_freed_without_the_garbage_collector() -> None:
    """In a process of its own: pytest keeps what a failed test has made."""
    done = subprocess.run([sys.executable, "-c", FREED], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0", "0", "0"]


@pytest.mark.parametrize(
    ("count", "order"),  # as torch 2.13 calls them
    [(2, [0, 1]), (3, [0, 1, 2]), (6, [0, 2, 5, 4, 1, 3])],
)
def test_hooks_of_leaves_that_become_ready_together_run_in_torch_order(count: int, order: list[int]) -> None:
    called: list[int] = []

    def noting(place: int) -> Callable[[Any], None]:
        return lambda gradient: called.append(place)

    leaves = [leaf(float(place)) for place in range(count)]
    for place, one in enumerate(leaves):
        one.register_hook(noting(place))
    joined = pieces.cat(leaves)
    backward([evaluate("x.sum()", x=joined)], [None])
    assert called == order


def test_a_cube_has_three_derivatives() -> None:
    x = leaf(2.0)
    y: Tensor | None = evaluate("x * x * x", x=x)
    for expected in (12.0, 12.0, 6.0):
        assert y is not None
        (y,) = grad([y], [x], [Tensor(np.ones(1))], create_graph=True)
        assert numbers(y) == [expected]
    assert y is not None
    with pytest.raises(UserError, match="element 0 of tensors does not require grad and does not have a grad_fn"):
        grad([y], [x], [Tensor(np.ones(1))])


def test_batched_gradients_are_the_rows_of_the_jacobian() -> None:
    x = leaf(0.5, -1.0)
    y = evaluate("tanh(stack([x[0] * x[1], x[0] + x[1], x[1]]))", x=x)
    (rows,) = evaluate("grad(y, x, eye(3, dtype=float64), retain_graph=True, is_grads_batched=True)", y=y, x=x)
    expected = [
        [(1 - math.tanh(-0.5) ** 2) * -1.0, (1 - math.tanh(-0.5) ** 2) * 0.5],
        [1 - math.tanh(-0.5) ** 2] * 2,
        [0.0, 1 - math.tanh(-1.0) ** 2],
    ]
    np.testing.assert_allclose(rows.array, np.array(expected))
    np.testing.assert_allclose(evaluate("jacobian(y, x)", y=y, x=x).array, np.array(expected))


def test_products_with_derivatives_agree_with_the_derivatives() -> None:
    x, v = leaf(0.5, -1.0, 2.0), Tensor(np.array([1.0, 2.0, -1.0]))
    y = evaluate("(x ** 2).sin()", x=x)
    jacobian = evaluate("jacobian(y, x)", y=y, x=x).array
    np.testing.assert_allclose(evaluate("vjp(y, x, v)", y=y, x=x, v=v).array, v.array @ jacobian)
    np.testing.assert_allclose(evaluate("jvp(y, x, v)", y=y, x=x, v=v).array, jacobian @ v.array)
    loss = evaluate("(x ** 3).prod()", x=x)
    hessian = evaluate("hessian(loss, x)", loss=loss, x=x).array
    np.testing.assert_allclose(evaluate("hvp(loss, x, v)", loss=loss, x=x, v=v).array, hessian @ v.array)


def test_formulas_on_tensors_use_operators_of_the_tensor() -> None:
    """What `create_graph` records of a number is torch's node for a number, not for a tensor."""
    x = leaf(3.0)
    (slope,) = grad([evaluate("x ** 2", x=x)], [x], [Tensor(np.ones(1))], create_graph=True)
    assert slope is not None and slope.grad_fn is not None
    inner = slope.grad_fn.next_functions[1][0]
    assert (slope.grad_fn.name, inner.name if inner else None) == ("MulBackward0", "MulBackward1")
    assert operators.binary("mul", 2, slope).grad_fn.name == "MulBackward0"


def test_the_parts_of_complex_numbers_changed_in_place() -> None:
    c = Tensor(np.array([1 + 2j, 3 - 1j, 0.5j])).requires_grad_()
    y = evaluate("c * 1", c=c)
    evaluate("y.real.mul_(2)", y=y)
    evaluate("y.imag[1:].mul_(5)", y=y)
    backward([evaluate("y.real.sum() + y.imag.sum()", y=y)], [None])
    # a complex gradient has the derivative by the real part, plus 1j times that by the imaginary part
    assert c.grad is not None and c.grad.array.tolist() == [2 + 1j, 2 + 5j, 2 + 5j]
    assert y.grad_fn.name == "CopySlices"
