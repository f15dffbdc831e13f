"""Specs as scripts for NumPy: they compute what the specs compute, or there is one error that says why not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gradcli.errors import UserError
from gradcli.export.numpy.document import script
from gradcli.ops.describe import description
from gradcli.spec.document import load_specs
from tests.ops.test_examples import ROWS

from .arrays import PIPELINES, printing, prints_the_same_numbers, same_or_refused, specs_of

ROOT = Path(__file__).parents[2]
SPECS = sorted([*ROOT.glob("specs/*.yaml"), *ROOT.glob("specs/checks/*.yaml")])
UNUSUAL = sorted(ROOT.glob("tests/cases/export/*.yaml"))


@pytest.mark.parametrize("path", SPECS + UNUSUAL, ids=lambda path: path.stem)
def test_a_script_computes_what_the_spec_computes(
    path: Path, golden: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    seen = path.relative_to(ROOT).as_posix()
    made = script(load_specs(seen))
    prints_the_same_numbers(load_specs(seen), made)
    golden(f"export/numpy/{path.stem}.py", made)


@pytest.mark.parametrize("key", ROWS)
def test_the_example_of_an_operation_gives_the_same_numbers(key: str) -> None:
    same_or_refused(description(ROWS[key]).example, script, "numpy")


@pytest.mark.parametrize("case", PIPELINES, ids=[str(place) for place in range(len(PIPELINES))])
def test_a_drawn_pipeline_gives_the_same_numbers(case: Any) -> None:
    same_or_refused(printing(case), script, "numpy")


@pytest.mark.parametrize(
    ("steps", "what", "column"),
    [
        ("y: x.to(bfloat16)", "`bfloat16`", 11),
        ("node: x.exp().grad_fn", "`.grad_fn`", 9),
        ("y: randn(40, 40)", "1,600 elements", 6),
        ("g: x.grad\n- print: g", "`g`, a second name for a gradient", 3),
        ("retain_grad: [x.exp()]", "the gradient of a tensor without a name", 17),
        ("y: x * 2\n- z: y\n- y += 1", "a change in place of what has other names", 3),
        ("y: x.detach() * 1j\n- z: y.conj()\n- y += 1", "a change in place of what a conjugate shows", 3),
        ("y: x.detach() * 1j\n- z: y.conj()\n- z.mul_(2)", "a change in place of a part of a tensor", 3),
        ("y: [x * 1, x]\n- y[0].exp_()", "a change in place of what is in a list", 3),
        ("y: x.clone()\n- y.data = zeros(3)", "`.data = ...`", 12),
        ("H: jacobian(x.exp(), x, create_graph=True)", "`jacobian`, recorded", 6),
        ("y: x\n- repeat: {times: 2000, steps: [y: y * 1]}\n- backward: y.sum()", "a loop of so many rounds", 3),
    ],
)
def test_what_has_no_counterpart_is_an_error_with_its_place(steps: str, what: str, column: int) -> None:
    with pytest.raises(UserError) as raised:
        script(specs_of(f'tensors: {{x: "ones(2, requires_grad=True)"}}\npipeline:\n- {steps}'))
    assert what in raised.value.message and "cannot be exported to numpy" in raised.value.message
    assert raised.value.span is not None and raised.value.span.column == column


def test_a_spec_that_fails_is_not_exported() -> None:
    with pytest.raises(UserError, match="second time"):
        script(
            specs_of(
                'tensors: {x: "ones(2, requires_grad=True)"}\npipeline: [y: (x * x).sum(), backward: y, backward: y]'
            )
        )
