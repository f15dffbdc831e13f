"""Runs scripts of arrays, and compares what they print with what the spec prints."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from gradcli.export.arrays.expressions import asks_the_graph
from gradcli.report.model import Printed
from gradcli.runner import run
from gradcli.spec.document import expand, load_specs
from gradcli.spec.expression import parse_expression
from gradcli.spec.source import Source
from gradcli.spec.steps import Spec


def printed_by(script: str) -> list[Any]:
    """The last value of each call of `print`."""
    printed: list[Any] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of overflows and divisions by zero, which torch keeps to itself
        exec(compile(script, "script.py", "exec"), {"print": lambda *values: printed.append(values[-1])})
    return printed


def printed_in(specs: list[Spec]) -> list[Printed]:
    """What specs print, but for what only a graph has."""
    reports = [run(one) for spec in specs for one in expand(spec)]
    assert all(report.error is None for report in reports)
    return [
        item
        for report in reports
        for step in report.steps
        for item in step.printed or ()
        if not asks_the_graph(parse_expression(item.expr))
    ]


def prints_the_same_numbers(specs: list[Spec], script: str) -> None:
    ours, theirs = printed_in(specs), printed_by(script)
    assert len(theirs) == len(ours)
    for item, value in zip(ours, theirs, strict=True):
        if item.value is None or isinstance(item.value, str):
            assert value == item.value, item.expr
        else:
            expected = np.asarray(item.value)
            assert np.shape(value) == expected.shape, item.expr
            if hasattr(value, "dtype") and hasattr(item.value, "dtype"):
                assert value.dtype == expected.dtype, item.expr
            tolerance = 1e-10 if expected.dtype == np.float64 else 1e-4
            np.testing.assert_allclose(value, expected, rtol=tolerance, atol=tolerance / 10, err_msg=item.expr)


def specs_of(text: str) -> list[Spec]:
    return load_specs(Source("spec.yaml", text))
