"""Calls drawn from torch's schemas: gradcli answers where torch does, and refuses where torch does."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from .answers import derivatives
from .asking import Answer
from .test_live import CHOSEN

EACH = 4
# a share of the calls may differ: torch's FFT fails on no elements, complex32 is not here, sparse gradients are none, and
# gradients that torch fails to compute of broadcast or singular inputs are computed
MAY_DIFFER = 0.006


@pytest.mark.drawn_calls
def test_torch_says_the_same_of_drawn_calls() -> None:
    pytest.importorskip("torch")
    from . import torch_rows
    from .drawn_calls import calls

    print(f"GRADCLI_TEST_SEED={CHOSEN}")
    count, differing = 0, []
    for call in calls(CHOSEN, EACH):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = torch_rows.derivatives(call.expression, call.tensors)
        actual = derivatives(call.expression, call.tensors)  # an exception that is no UserError fails the test
        count += 1
        if kinds(expected) != kinds(actual):
            shapes = {name: (given.kind, torch_rows.made(given).shape) for name, given in call.tensors.items()}
            differing.append(f"{call.expression} {shapes}: torch {kinds(expected)}, gradcli {kinds(actual)}")
    print(f"{len(differing)} of {count} differ", *differing, sep="\n")
    assert len(differing) <= MAY_DIFFER * count


def kinds(said: Answer) -> Any:
    """Dtypes and shapes of what was said, or that there was an error."""
    return "refused" if "error" in said else [kind(one) for one in (said["result"], *said.get("first", ()))]


def kind(said: Any) -> Any:
    if isinstance(said, dict):
        return said["dtype"], said["shape"]
    return [kind(one) for one in said] if isinstance(said, list | tuple) else type(said).__name__
