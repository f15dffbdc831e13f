"""Every operation of the table, on every sample: against torch's frozen answers, against difference quotients, and
against itself in other forms. What is swept is read off the table, so a row without samples fails.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradcli.engine.dtypes import converted, dtype_named
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.ops import frontend
from gradcli.ops.define import Op

from . import promotion
from .answers import answer, bindings, described, evaluate, gradients, tensors_of, weighted
from .asking import Answer, Laid, as_it_is
from .compare import differences, tolerance_of
from .errors import EXPRESSIONS as REFUSED
from .errors import OWN_WORDS
from .pool import SEED, Input, pool
from .samples import TORCH_FAILS, kinked, smooth
from .variants import LAYOUTS

TABLE = frontend.table()
FROZEN: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "frozen.json").read_text(encoding="utf-8"))
DRAWN = pool(SEED)
SMOOTH: dict[str, list[str]] = defaultdict(list)
ALL: dict[str, list[str]] = defaultdict(list)
for name, expression in smooth():
    SMOOTH[name].append(expression)
    ALL[name].append(expression)
for name, expression in kinked():
    ALL[name].append(expression)


def key_of(text: str) -> str:
    """`sum.dim` of `sum.dim(Tensor self, ...)`."""
    return text[: text.index("(")]


def test_every_operation_has_samples() -> None:
    rows = {key_of(row.text) for rows in TABLE.values() for row in rows}
    public = {name for name in rows if not name.startswith("_")} | {"_getitem"}
    assert sorted(public - set(ALL)) == ["cuda"]  # it needs a GPU
    assert sorted(set(ALL) - rows) == ["barebones dtypes", "in place"]


# below the nodes that frozen graphs show
TOO_DEEP = {"AvgPool2DBackward0", "AvgPool3DBackward0"}


def test_the_samples_reach_every_node() -> None:
    named = {row.grad_fn for rows in TABLE.values() for row in rows if isinstance(row, Op) and row.grad_fn}
    assert sorted(named - TOO_DEEP - set(re.findall(r"\w+", json.dumps(FROZEN["samples"])))) == []


@pytest.mark.parametrize("name", ALL)
def test_torch_says_the_same(name: str) -> None:
    wrong = [
        f"{expression}{difference}"
        for expression in ALL[name]
        for difference in differences(
            FROZEN["samples"][expression], answer(expression, DRAWN), tolerance_of(expression)
        )
        if expression not in TORCH_FAILS
    ]
    assert wrong == []


@pytest.mark.parametrize("name", SMOOTH)
def test_gradients_are_difference_quotients(name: str) -> None:
    for expression in SMOOTH[name]:
        if tolerance_of(expression) == tolerance_of("x"):
            check_gradients(expression)


def check_gradients(expression: str) -> None:
    """First derivatives against values, second derivatives against first ones."""
    tensors = bindings(expression, DRAWN)
    leaves = {name: tensor for name, tensor in tensors.items() if tensor.requires_grad}

    def values() -> list[Tensor]:
        return [tensor for tensor in tensors_of(evaluate(expression, tensors)) if tensor.requires_grad]

    def slopes() -> list[Tensor]:
        first = gradients(values(), list(leaves.values()), 0.0, create_graph=True)
        return [gradient for gradient in first if gradient is not None and gradient.requires_grad]

    compare_with_quotients(expression, leaves, values, gradients(values(), list(leaves.values()), 0.0), 0.0)
    if slopes():
        compare_with_quotients(expression, leaves, slopes, gradients(slopes(), list(leaves.values()), 1.0), 1.0)


def total(tensors: list[Tensor], shift: float) -> float:
    """What a backward with the weights as gradients differentiates."""
    parts = [
        np.sum(np.conj(weight.array) * tensor.array).real
        for tensor, weight in zip(tensors, weighted(tensors, shift), strict=True)
    ]
    return float(sum(parts))


def compare_with_quotients(
    expression: str,
    leaves: dict[str, Tensor],
    compute: Callable[[], list[Tensor]],
    analytic: list[Tensor | None],
    shift: float,
) -> None:
    for (name, leaf), gradient in zip(leaves.items(), analytic, strict=True):
        if gradient is None and "detach" in expression:
            continue
        found = np.zeros_like(leaf.array) if gradient is None else gradient.array
        numeric = np.zeros_like(leaf.array)
        for place in np.ndindex(leaf.shape):
            for unit in (1, 1j) if leaf.dtype.kind == "c" else (1,):
                numeric[place] += unit * quotient(leaf.array, place, unit * 1e-6, lambda: total(compute(), shift))
        np.testing.assert_allclose(
            found,
            numeric,
            rtol=1e-5,
            atol=1e-6 * max(1.0, float(np.abs(numeric).max(initial=0))),
            err_msg=f"{expression}: {name}",
        )


def quotient(array: Any, place: tuple[int, ...], step: complex, compute: Callable[[], float]) -> float:
    before = array[place]
    array[place] = before + step
    above = compute()
    array[place] = before - step
    below = compute()
    array[place] = before
    return (above - below) / (2 * abs(step))


@pytest.mark.parametrize("name", ALL)
def test_formulas_say_the_same_on_arrays_and_recorded(name: str) -> None:
    for expression in ALL[name]:
        raw, recorded = (first_gradients(expression, create_graph) for create_graph in (False, True))
        assert list(differences(recorded, raw, 1e-12, expression)) == []


def first_gradients(expression: str, create_graph: bool) -> Any:
    tensors = bindings(expression, DRAWN)
    try:
        outputs = [tensor for tensor in tensors_of(evaluate(expression, tensors)) if tensor.requires_grad]
        leaves = [tensor for tensor in tensors.values() if tensor.requires_grad]
        found = gradients(outputs, leaves, 0.0, create_graph=create_graph) if outputs and leaves else []
    except UserError as error:
        return {"error": error.message}
    return [described(None if gradient is None else gradient.detach()) for gradient in found]


# what these say is about the layout itself, or random numbers in the order of the memory
BY_STRIDES = {
    "is_contiguous", "dim_order", "as_strided", "as_strided_", "as_strided_copy", "as_strided_scatter", "rand_like", "randn_like", "randint_like",
    "randint_like.low_dtype", "dropout", "dropout_", "alpha_dropout", "alpha_dropout_", "native_dropout", "normal_", "uniform_", "log_normal_", "exponential_", "cauchy_", "geometric_",
    "random_", "random_.to", "random_.from", "bernoulli_", "bernoulli_.Tensor", "binomial", "grouped_mm", "resize_as_", "slice_inverse", "Tensor::resize", "Tensor::resize_", "Tensor::set_.window",
}  # fmt: skip


@pytest.mark.parametrize("layout", ["transposed", "with steps"])
@pytest.mark.parametrize("name", sorted(set(ALL) - BY_STRIDES))
def test_the_layout_of_the_memory_does_not_matter(name: str, layout: str) -> None:
    for expression in ALL[name]:
        expected, actual = (laid_out(expression, laid) for laid in (as_it_is, LAYOUTS[layout]))
        if not re.match(r"view size|Tensor must have|self.stride|Expected X.is_contiguous", actual.get("error", "")):
            assert list(differences(expected, actual, 1e-11, expression)) == []


def laid_out(expression: str, laid: Laid) -> Answer:
    tensors = bindings(expression, DRAWN, laid=laid)
    try:
        result = evaluate(expression, tensors)
        outputs = [tensor for tensor in tensors_of(result) if tensor.requires_grad]
        leaves = [tensor for tensor in tensors.values() if tensor.requires_grad]
        found = gradients(outputs, leaves, 0.0) if outputs and leaves else []
    except UserError as error:
        return {"error": error.message}
    return {
        "result": [described(tensor.detach()) for tensor in tensors_of(result)],
        "grads": [described(one) for one in found],
    }


@pytest.mark.parametrize("name", SMOOTH)
def test_float32_in_float32_out(name: str) -> None:
    for expression in SMOOTH[name]:
        if not re.search(r"dtype|complex128|float_power|renorm", expression):
            single, double = (answer(expression, DRAWN, precision) for precision in ("float32", "float64"))
            expected = json.loads(json.dumps(double).replace("float64", "float32").replace("complex128", "complex64"))
            assert list(differences(expected, single, 2e-4, expression)) == []


CALL = re.compile(r"(?:torch\.)?(\w+)\((\w+)(?:, (.*))?\)$")


def in_place(expression: str) -> str | None:
    """`clone(x).exp_()` for `exp(x)`, if there is one."""
    match = CALL.match(expression)
    if match is None or not frontend.find_method(f"{match[1]}_") or frontend.find_method(match[1]) is None:
        return None
    return f"clone({match[2]}).{match[1]}_({match[3] or ''})"


def test_in_place_forms_say_the_same() -> None:
    compared = set()
    for name, expressions in SMOOTH.items():
        for expression in expressions:
            other = in_place(expression)
            if other is None:
                continue
            expected, actual = answer(expression, DRAWN), answer(other, DRAWN)
            if "error" not in actual:  # the result may not fit into the memory of the first operand
                for part in ("result", "first", "second"):
                    assert list(differences(numbers(expected.get(part)), numbers(actual.get(part)), 1e-12, other)) == []
                compared.add(name)
    assert len(compared) > 60


def numbers(value: Any) -> Any:
    """Without the graphs."""
    if isinstance(value, list):
        return [numbers(item) for item in value]
    if isinstance(value, dict):
        return {key: numbers(item) for key, item in value.items() if key != "graph"}
    return value


def test_what_can_be_done_in_place_is_what_torch_does() -> None:
    names = [f"{name}_" for name in TABLE if "::" not in name and frontend.find_method(f"{name}_")]
    assert sorted(set(names) - set(FROZEN["methods"]["in place"])) == []


@pytest.mark.parametrize("expression", promotion.EXPRESSIONS)
def test_dtypes_are_torchs(expression: str) -> None:
    wrong = []
    for letter, case in zip(FROZEN["dtypes"][expression], promotion.cases(expression), strict=True):
        found = letter_of(expression, case)
        if letter != "*" and found != letter:
            wrong.append((case, letter, found))
    assert wrong == []


def letter_of(expression: str, case: tuple[str, str, Any]) -> str:
    try:
        result = evaluate(
            expression,
            promotion.operands(lambda values, dtype: Tensor(converted(np.array(values), dtype_named(dtype))), *case),
        )
    except UserError:
        return "-"
    return promotion.LETTERS[tensors_of(result)[0].dtype.name]


@pytest.mark.parametrize("expression", REFUSED)
def test_what_torch_refuses(expression: str) -> None:
    with pytest.raises(UserError) as caught:
        evaluate(expression, bindings(expression, DRAWN))
    if expression not in OWN_WORDS:
        assert caught.value.message[:OPENING_WORDS] == FROZEN["errors"][expression][:OPENING_WORDS]


OPENING_WORDS = 30


def test_the_pool_has_its_values() -> None:
    assert pool(SEED) == DRAWN
    assert pool(SEED)["x"] != pool(SEED + 1)["x"]
    assert DRAWN["zero2"] == Input([0.0, 0.0], "float")
