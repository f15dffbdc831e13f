"""Specs as scripts for JAX: how they look, and, with JAX at hand, that they compute what the specs compute."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gradcli.errors import UserError
from gradcli.export.jax.document import script
from gradcli.ops.describe import description
from gradcli.spec.document import load_specs
from tests.ops.test_examples import ROWS

from .arrays import prints_the_same_numbers, specs_of

ROOT = Path(__file__).parents[2]
NAMES = ("accumulation", "freezing", "quickstart", "training", "where_trap")
UNUSUAL = ("aliases", "constants", "documents", "second_order", "sorts_of_leaves")
PATHS = [
    *(f"specs/{name}.yaml" for name in NAMES),
    *(f"tests/cases/export/{name}.yaml" for name in UNUSUAL),
]


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
@pytest.mark.parametrize("key", sorted(set(ROWS) - {"cuda"}))
def test_the_example_of_an_operation_gives_the_same_numbers(key: str) -> None:
    pytest.importorskip("jax")
    example = description(ROWS[key]).example
    try:
        made = script(specs_of(example))
    except UserError as error:
        assert "cannot be exported to jax" in error.message and error.span is not None
    else:
        prints_the_same_numbers(specs_of(example), made)


@pytest.mark.parametrize(
    ("steps", "what", "column"),
    [
        ("hook: {on: x, as: g, value: 2 * g}", "a hook", 3),
        ("y: x * 2\n- retain_grad: [y]", "a gradient of what is no leaf", 3),
        ("y: x.clamp(0, 1)", "a gradient of `clamp`", 6),
        ("y: x.detach().clone()\n- z: y[:1]\n- y += 1", "a change in place of what is seen elsewhere", 3),
        ("backward: {of: x.sum(), create_graph: true}", "a backward with these options", 3),
        ("y: x\n- repeat: {times: 2, steps: [y: y * 2]}\n- backward: y.sum()", "made in a loop", 13),
        ("y: x * 2\n- z: x * 3\n- no_grad: [x += 1]\n- backward: (y + z).sum()", "what `x` was before", 13),
        ("print: jacobian(x * 2, x)", "`jacobian`", 10),
        ("expect_error: {steps: [backward: x], match: scalar}", "a step `expect_error`", 3),
    ],
)
def test_what_has_no_counterpart_is_an_error_with_its_place(steps: str, what: str, column: int) -> None:
    with pytest.raises(UserError) as raised:
        script(specs_of(f'tensors: {{x: "ones(2, requires_grad=True)"}}\npipeline:\n- {steps}'))
    assert what in raised.value.message and "cannot be exported to jax" in raised.value.message
    assert raised.value.span is not None and raised.value.span.column == column
