"""Specs as scripts for NumPy: they compute what the specs compute, or there is one error that says why not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gradcli.errors import UserError
from gradcli.export.numpy.document import script
from gradcli.ops.describe import description
from gradcli.spec.document import load_specs
from tests.ops.test_examples import ROWS
from tests.pipelines.pipeline import spec_text

from .arrays import prints_the_same_numbers, specs_of

ROOT = Path(__file__).parents[2]
SPECS = [
    ROOT / "specs" / f"{name}.yaml"
    for name in ("accumulation", "freezing", "hooks", "leaves", "quickstart", "training", "where_trap")
]
UNUSUAL = [
    ROOT / "tests" / "cases" / "export" / f"{name}.yaml"
    for name in ("aliases", "arrays", "constants", "documents", "edges", "sorts_of_leaves")
]
PIPELINES: Any = json.loads((ROOT / "tests" / "pipelines" / "frozen.json").read_text())


def same_or_refused(text: str) -> None:
    """Whether the script of a spec computes the same numbers, unless what it would take is refused."""
    try:
        made = script(specs_of(text))
    except UserError as error:
        assert "cannot be exported to numpy" in error.message and error.span is not None
    else:
        prints_the_same_numbers(specs_of(text), made)


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
    example = description(ROWS[key]).example
    if "cuda" not in example:
        same_or_refused(example)


@pytest.mark.parametrize("case", PIPELINES, ids=[str(place) for place in range(len(PIPELINES))])
def test_a_drawn_pipeline_gives_the_same_numbers(case: Any) -> None:
    if case["answer"]["error"] is None:
        pipeline: Any = case["pipeline"]
        bindings = case["answer"]["bindings"]
        held = [name for name, value in bindings.items() if isinstance(value, dict) and value.get("grad")]
        shown = {"print": [*bindings, *(f"{name}.grad" for name in held)]}
        longer: Any = {**pipeline, "pipeline": [*pipeline["pipeline"], shown]}
        same_or_refused(spec_text(longer))


@pytest.mark.parametrize(
    ("steps", "what", "column"),
    [
        ("y: x.erf()", "`erf`", 6),
        ("y: x.sum(dtype=float64)", "`dtype` of `sum`", 6),
        ("backward: {of: x.sum(), create_graph: true}", "a backward that is recorded", 3),
        ("expect_error: {steps: [backward: x], match: scalar}", "a step `expect_error`", 3),
        ('"(g,) = grad(x.sum(), x, create_graph=True)"', "a gradient that is recorded", 3),
        ('"v, i = x.max(0)"', "several results", 3),
        ("g: x.grad\n- print: g", "`g`, a second name for a gradient", 3),
        ("y: x * 2\n- y += 1", "a change in place that a gradient flows through", 3),
        ("y: x\n- repeat: {times: 2, steps: [y: y * 2]}\n- backward: y.sum()", "made in a loop", 13),
        (
            "y: x * 2\n- repeat: {times: 2, steps: [backward: {of: y.sum(), retain_graph: true}, y: y * 2]}",
            "from one round of a loop",
            30,
        ),
        ("y: x.exp()\n- z: y * 1\n- y: x\n- backward: z.sum()", "needs what `y` was before", 13),
        ("repeat: {times: 2, steps: [y: randn(2)]}", "`randn` in a loop", 33),
        ("y: randn(40, 40)", "1,600 elements", 6),
        ("node: x.exp().grad_fn", "`.grad_fn`", 9),
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
