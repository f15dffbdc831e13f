"""Every example of torch's documentation that is an expression gives what torch gives."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from gradcli.errors import UserError
from gradcli.evaluate import Program, Scope
from gradcli.ops.create import default_generator
from gradcli.spec.expression import parse_expression

from .answers import GRADCLI
from .compare import differences
from .torch_names import REASONS

# besides names that have a reason: what is of Python, of other modules, or of layouts and devices that are not here
NOT_OURS = {
    "out", "lambda", "tuple", "list", "dict", "device", "cuda", "math", "np", "testing", "utils", "LA", "itertools",
    "array", "TypedStorage", "_nnz", "layout", "grad_fn", "set_printoptions",
}  # fmt: skip

# examples that end the function's others, too
APART = {
    "torch.atleast_1d": "of nothing", "torch.atleast_2d": "the same", "torch.atleast_3d": "the same",
    "torch.sort": "a list is not repeated", "torch.typename": "of a class", "torch.vmap": "of functions",
    "torch.fft.hfft2": "torch is not as close to what it has transformed", "torch.fft.hfftn": "the same",
}  # fmt: skip
NEAR_ZERO = 5.0  # of what is subtracted to show that nothing is left


def evaluate(expression: str, names: dict[str, Any]) -> Any:
    default_generator.manual_seed(0)
    with np.errstate(all="ignore"):
        return Program(parse_expression(expression, bound=names)).run(Scope(bindings=dict(names)))


def bind(names: list[str], value: Any, bindings: dict[str, Any]) -> None:
    if len(names) == 1:
        bindings[names[0]] = value
    elif names:
        bindings.update(zip(names, value, strict=True))


def plain(said: Any) -> Any:
    """A dtype or a device by its name."""
    return str(said).removeprefix("torch.") if type(said).__name__.lower().endswith(("dtype", "device")) else said


@pytest.mark.torch
def test_the_examples_of_torchs_documentation_give_the_same() -> None:
    pytest.importorskip("torch")
    from . import torch_docs, torch_rows

    refused: list[str] = []
    wrong: list[str] = []
    count = 0
    for function, examples in torch_docs.documented():
        if function in APART:
            continue
        ours: dict[str, Any] = {}
        its: dict[str, Any] = {}
        for names, expression, words in examples:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    expected = torch_docs.evaluate(expression, its)
            except Exception:
                break
            bind(names, expected, its)
            try:
                actual = evaluate(expression, ours)
            except UserError as error:
                if not words & (NOT_OURS | REASONS.keys()):
                    refused.append(f"{function}: {expression}: {error.message}")
                break
            bind(names, actual, ours)
            count += 1
            its_answer, answer = plain(torch_rows.TORCH.described(expected)), plain(GRADCLI.described(actual))
            wrong += differences(its_answer, answer, 2e-4, f"{function}: {expression}", NEAR_ZERO)
    print(f"{count} expressions")
    assert count > 1500  # there are about 1,900
    assert (refused, wrong) == ([], [])
