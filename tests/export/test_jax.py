"""Specs as scripts for JAX: how they look, and, with JAX at hand, that they compute what the specs compute."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gradcli.errors import UserError
from gradcli.export.jax.document import script
from gradcli.ops.describe import description
from gradcli.spec.document import load_specs
from tests.ops.test_examples import ROWS

from .arrays import PIPELINES, printing, prints_the_same_numbers, same_or_refused, specs_of

ROOT = Path(__file__).parents[2]
PATHS = sorted(
    file.relative_to(ROOT).as_posix()
    for folder in ("specs", "specs/checks", "tests/cases/export")
    for file in (ROOT / folder).glob("*.yaml")
    if file.stem not in ("edges", "renumbered")  # where JAX has other gradients, and arrays that do not change
)


@pytest.mark.parametrize("path", PATHS)
def test_a_script_looks_as_it_did(
    path: str, golden: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    golden(f"export/jax/{Path(path).stem}.py", script(load_specs(path)))


@pytest.mark.jax
@pytest.mark.parametrize("path", PATHS)
def test_a_script_computes_what_the_spec_computes(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("jax")
    monkeypatch.chdir(ROOT)
    prints_the_same_numbers(load_specs(path), script(load_specs(path)))


@pytest.mark.jax
@pytest.mark.parametrize("case", PIPELINES, ids=[str(place) for place in range(len(PIPELINES))])
def test_a_drawn_pipeline_gives_the_same_numbers(case: Any) -> None:
    pytest.importorskip("jax")
    same_or_refused(printing(case), script, "jax")


@pytest.mark.jax
@pytest.mark.parametrize("key", sorted(set(ROWS) - {"cuda"}))
def test_the_example_of_an_operation_gives_the_same_numbers(key: str) -> None:
    pytest.importorskip("jax")
    same_or_refused(description(ROWS[key]).example, script, "jax")


@pytest.mark.parametrize(
    ("steps", "what", "column"),
    [
        ("y: (x * 0).norm()", "a gradient of `vector_norm` where JAX has another one", 6),
        ("y: atan2(x * 0, x * 0)", "a gradient of `atan2` where JAX has another one", 6),
        ("y: x * 1j", "a gradient of complex numbers", 6),
        ("y: x.clone()\n- z: y[:1]\n- y += 1", "a change in place of what is seen elsewhere", 3),
        ("y: x.clone()\n- y.data.zero_()", "other numbers for what is in the graph", 3),
        ("y: [x * 1, x]\n- y[0].exp_()", "a change in place of what is in a list", 3),
        ("y: x.unfold(0, 2, 1)", "a view of windows", 6),
        ("retain_grad: [x.exp()]", "the gradient of a tensor without a name", 17),
    ],
)
def test_what_has_no_counterpart_is_an_error_with_its_place(steps: str, what: str, column: int) -> None:
    with pytest.raises(UserError) as raised:
        script(specs_of(f'tensors: {{x: "ones(2, requires_grad=True)"}}\npipeline:\n- {steps}'))
    assert what in raised.value.message and "cannot be exported to jax" in raised.value.message
    assert raised.value.span is not None and raised.value.span.column == column
