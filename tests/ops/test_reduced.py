"""float16 and bfloat16 against torch's frozen answers."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import gradcli

from . import reduced
from .answers import rounded_answer
from .test_sweep import FROZEN

DIGITS = {"float16": 10, "bfloat16": 7}  # binary ones, behind the first
UNITS = {expression: units for units, expressions in reduced.OFF.items() for expression in expressions}


@pytest.mark.parametrize(("dtype", "expression"), list(reduced.cases()))
def test_torch_says_the_same(dtype: str, expression: str) -> None:
    expected, actual = FROZEN["reduced"][f"{dtype}: {expression}"], rounded_answer(expression, dtype)
    assert list(differences(expected, actual, UNITS.get(expression, 0))) == []


def differences(expected: Any, actual: Any, units: int) -> Iterator[str]:
    """Where messages, dtypes, shapes or numbers differ: those of float16 and bfloat16 by more than `units`."""
    if isinstance(expected, str) or isinstance(actual, str) or len(expected) != len(actual):
        if expected != actual:
            yield f"torch {expected}, gradcli {actual}"
        return
    for one, other in zip(expected, actual, strict=True):
        same = one is other is None or (
            {**one, "value": None} == {**other, "value": None}
            and near(one["value"], other["value"], allowed(one, units))
        )
        if not same:
            yield f"torch {one}, gradcli {other}"


def allowed(tensor: Any, units: int) -> float:
    """So many units in the last place of the largest number; of float32 always one, and not quite of the last."""
    digits, units = (DIGITS[tensor["dtype"]], units) if tensor["dtype"] in DIGITS else (20, 1)
    largest = max((abs(value) for value in tensor["value"] if math.isfinite(value)), default=0)
    return math.ldexp(units, math.frexp(largest)[1] - 1 - digits) if largest else 0.0


def near(expected: list[Any], actual: list[Any], slack: float) -> bool:
    return all(
        one == other or (one != one and other != other) or (slack > 0 and abs(one - other) <= slack)
        for one, other in zip(expected, actual, strict=True)
    )


def test_what_may_be_off_is_what_is_answered() -> None:
    assert set(UNITS) <= {expression for _, expression in reduced.cases()}


def test_nobody_asks_numpy_for_the_kind_of_a_dtype() -> None:
    """To NumPy bfloat16 is of the kind of anything at all: `dtype_kind` knows better."""
    package = Path(gradcli.__file__).parent
    asked = [
        f"{file.name}:{node.lineno}"
        for folder in ("engine", "ops", "files")
        for file in (package / folder).glob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "kind" and ast.unparse(node.value).endswith("dtype")
    ]
    # a device has no bfloat16, and in `kinds` a slower look follows
    assert {name.partition(":")[0] for name in asked} == {"device.py", "dtypes.py", "kinds.py", "reduced.py"}
