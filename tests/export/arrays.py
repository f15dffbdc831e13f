"""Runs scripts of arrays, and compares what they print with what the spec prints."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from gradcli.engine.dtypes import TYPE_NAMES
from gradcli.errors import UserError
from gradcli.export.arrays.items import asks_the_graph
from gradcli.report.model import Printed
from gradcli.runner import run
from gradcli.spec import tree
from gradcli.spec.document import expand, load_specs
from gradcli.spec.expression import parse_expression
from gradcli.spec.source import Source
from gradcli.spec.steps import Spec
from tests.pipelines.pipeline import spec_text

FROZEN = Path(__file__).parents[1] / "pipelines" / "frozen.json"


def is_whole(case: Any) -> bool:
    return case["answer"]["error"] is None


PIPELINES: list[Any] = list(filter(is_whole, json.loads(FROZEN.read_text())))


def printing(case: Any) -> str:
    """A drawn pipeline that prints all that it has in the end."""
    pipeline, bindings = case["pipeline"], case["answer"]["bindings"]
    held = [name for name, value in bindings.items() if isinstance(value, dict) and value.get("grad")]
    shown = {"print": [*bindings, *(f"{name}.grad" for name in held)]}
    longer: Any = {**pipeline, "pipeline": [*pipeline["pipeline"], shown]}
    return spec_text(longer)


def same_or_refused(text: str, script: Callable[[list[Spec]], str], library: str) -> None:
    """Whether the script of a spec computes the same numbers, unless what it would take is refused."""
    if "cuda" in text:
        return
    try:
        made = script(specs_of(text))
    except UserError as error:
        assert f"cannot be exported to {library}" in error.message and error.span is not None
    else:
        prints_the_same_numbers(specs_of(text), made)


def printed_by(script: str) -> list[Any]:
    """The last value of each call of `print`."""
    printed: list[Any] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of overflows and divisions by zero, which torch keeps to itself
        exec(compile(script, "script.py", "exec"), {"print": lambda *values: printed.append(values[-1])})
    return printed


def printed_in(specs: list[Spec]) -> list[tuple[str, Any]]:
    """What specs print, but for what only a graph has."""
    reports = [run(one) for spec in specs for one in expand(spec)]
    assert all(report.error is None for report in reports)
    items = [item for report in reports for step in report.steps for item in step.printed or ()]
    return [shown for item in items for shown in without_graph(item)]


def without_graph(item: Printed) -> Iterator[tuple[str, Any]]:
    """What is printed of an item, or of the parts of one that shows several values in a line."""
    root = parse_expression(item.expr)
    if not asks_the_graph(root):
        yield item.expr, item.value
    elif isinstance(root, tree.TupleOf):
        parts = zip(root.items, item.value, strict=True)
        yield from [(item.expr, value) for part, value in parts if not asks_the_graph(part)]


def prints_the_same_numbers(specs: list[Spec], script: str) -> None:
    ours, theirs = printed_in(specs), printed_by(script)
    assert len(theirs) == len(ours)
    for (expression, wanted), value in zip(ours, theirs, strict=True):
        same(value, wanted, expression)


def same(value: Any, wanted: Any, expression: str) -> None:
    """Whether a script printed what a spec does: up to what rounding may have done."""
    if isinstance(wanted, str) and wanted in TYPE_NAMES:
        assert np.dtype(value).name == wanted, expression
    elif wanted is None or isinstance(wanted, str):
        assert value == wanted, expression
    elif isinstance(wanted, tuple):
        assert len(value) == len(wanted), expression
        for one, other in zip(value, wanted, strict=True):
            same(one, other, expression)
    else:
        expected = np.asarray(wanted)
        assert np.shape(value) == expected.shape, expression
        if hasattr(value, "dtype") and hasattr(wanted, "dtype"):
            assert value.dtype == expected.dtype, expression
        tolerance = 1e-6 if expected.dtype == np.float64 else 1e-4
        np.testing.assert_allclose(value, expected, rtol=tolerance, atol=tolerance / 10, err_msg=expression)


def specs_of(text: str) -> list[Spec]:
    return load_specs(Source("spec.yaml", text))
