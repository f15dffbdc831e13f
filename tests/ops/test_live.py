"""Every sample against torch itself, on inputs drawn from a seed chosen now (GRADCLI_TEST_SEED repeats one)."""

from __future__ import annotations

import os
import random

import pytest

from . import promotion
from .answers import answer
from .compare import differences, tolerance_of
from .errors import EXPRESSIONS as REFUSED
from .pool import SEED, pool
from .samples import TORCH_FAILS, kinked, smooth
from .test_reduced import differences as rounded_differences
from .test_sweep import FROZEN

CHOSEN = int(os.environ.get("GRADCLI_TEST_SEED") or random.randrange(10**6))


@pytest.mark.torch
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_torch_says_the_same_of_new_inputs(precision: str) -> None:
    pytest.importorskip("torch")
    from . import torch_rows

    print(f"GRADCLI_TEST_SEED={CHOSEN}")
    drawn = pool(CHOSEN)
    wrong = []
    for expression in dict.fromkeys(text for _, text in (*smooth(), *kinked()) if text not in TORCH_FAILS):
        tolerance = tolerance_of(expression) if precision == "float64" else 5e-4
        expected, actual = torch_rows.answer(expression, drawn, precision), answer(expression, drawn, precision)
        wrong += [f"{expression}{difference}" for difference in differences(expected, actual, tolerance)]
    assert wrong == []


@pytest.mark.torch
def test_the_frozen_answers_are_torchs() -> None:
    """Up to what another machine's rounding changes."""
    pytest.importorskip("torch")
    from . import torch_rows

    drawn = pool(SEED)
    for expression, frozen in FROZEN["samples"].items():
        assert (
            list(differences(frozen, torch_rows.answer(expression, drawn), tolerance_of(expression), expression)) == []
        )
    for case, frozen in FROZEN["reduced"].items():
        dtype, _, expression = case.partition(": ")
        assert list(rounded_differences(frozen, torch_rows.rounded_answer(expression, dtype), 1)) == []
    assert FROZEN["dtypes"] == {expression: torch_rows.dtypes(expression) for expression in promotion.EXPRESSIONS}
    assert FROZEN["errors"] == {expression: torch_rows.refusal(expression, drawn) for expression in REFUSED}
