"""Laws that gradients, in-place operations and views obey, whatever the shapes and the numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from gradcli.engine import graph
from gradcli.engine.tensor import Tensor

from .answers import evaluate

FUNCTIONS = (
    "sin(x)",
    "x * x",
    "exp(x) / 3",
    "x.sum(-1)",
    "x.cumsum(0)",
    "tanh(x).t()",
    "x[..., :1]",
    "softmax(x, -1)",
    "x.flip(0)",
)
SHAPES = arrays.array_shapes(min_dims=1, max_dims=2, min_side=1, max_side=4)
NUMBERS = st.floats(-3, 3, allow_subnormal=False)


def matrices(shape: Any = SHAPES) -> st.SearchStrategy[Any]:
    return arrays.arrays(np.float64, shape, elements=NUMBERS)


def gradient(expression: str, x: Any, weight: Any) -> Any:
    """The gradient of `expression` by `x`, its result weighed with the first elements of `weight`."""
    leaf = Tensor(x.copy()).requires_grad_()
    result = evaluate(expression, {"x": leaf})
    seed = Tensor(np.resize(weight, result.shape))
    (found,) = graph.grad([result], [leaf], [seed])
    assert found is not None
    return found.array


def close(actual: Any, expected: Any) -> None:
    np.testing.assert_allclose(actual, expected, rtol=1e-10, atol=1e-10)


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(FUNCTIONS), matrices(), matrices((16,)), matrices((16,)), NUMBERS)
def test_gradients_are_linear_in_the_gradient_of_the_result(f: str, x: Any, v: Any, w: Any, factor: float) -> None:
    close(gradient(f, x, v + factor * w), gradient(f, x, v) + factor * gradient(f, x, w))


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(FUNCTIONS[:3]), st.sampled_from(FUNCTIONS[:3]), matrices(), matrices((16,)))
def test_the_gradient_of_a_sum_is_the_sum_of_gradients(f: str, g: str, x: Any, v: Any) -> None:
    close(gradient(f"{f} + {g}", x, v), gradient(f, x, v) + gradient(g, x, v))


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(["x + y", "x * y", "y - x", "x / (2 + y * y)", "maximum(x, y)", "where(y > 0, x, y)"]),
    SHAPES,
    st.data(),
)
def test_a_broadcast_operand_has_the_summed_gradient(f: str, shape: tuple[int, ...], data: st.DataObject) -> None:
    small = tuple(1 if data.draw(st.booleans()) else length for length in shape)[
        data.draw(st.integers(0, len(shape))) :
    ]
    x, y, v = (data.draw(matrices(s)) for s in (small, shape, shape))
    other = Tensor(y)
    narrow, wide = Tensor(x.copy()).requires_grad_(), Tensor(np.broadcast_to(x, shape).copy()).requires_grad_()
    (found,) = graph.grad([evaluate(f, {"x": narrow, "y": other})], [narrow], [Tensor(v)])
    (expanded,) = graph.grad([evaluate(f, {"x": wide, "y": other})], [wide], [Tensor(v)])
    assert found is not None and expanded is not None and found.shape == small
    total = expanded.array.sum(tuple(range(len(shape) - len(small))))
    close(found.array, total.sum(tuple(dim for dim, n in enumerate(small) if n == 1), keepdims=True))


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(["sin", "exp", "tanh", "neg", "abs", "sigmoid", "square", "relu", "floor"]),
    matrices(),
    matrices((16,)),
)
def test_in_place_is_out_of_place(name: str, x: Any, v: Any) -> None:
    close(gradient(f"clone(x).{name}_()", x, v), gradient(f"clone(x).{name}()", x, v))


VIEWS = (
    "b[0]",
    "b[..., 1:]",
    "b.t()",
    "b.reshape(-1)",
    "b.unsqueeze(0)",
    "b.select(-1, 0)",
    "b.narrow(0, 0, 1)",
    "b.flatten()",
    "b[:]",
)


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(VIEWS), matrices(), NUMBERS)
def test_what_is_written_into_a_view_shows_in_its_base(view: str, x: Any, number: float) -> None:
    base = Tensor(x.copy())
    part = evaluate(view, {"b": base})
    before, part_before = base.array.copy(), part.array.copy()
    evaluate("part.add_(number)", {"part": part, "number": number})
    close(part.array, part_before + number)
    close(evaluate(view, {"b": base}).array, part.array)
    assert base.version[0] == 1
    assert np.count_nonzero(base.array != before) <= part.array.size


@settings(deadline=None, max_examples=30)
@given(matrices(), NUMBERS)
def test_detach_shares_the_memory(x: Any, number: float) -> None:
    leaf = Tensor(x.copy()).requires_grad_()
    evaluate("leaf.detach().fill_(number)", {"leaf": leaf, "number": number})
    assert (leaf.array == number).all() and leaf.version[0] == 1
