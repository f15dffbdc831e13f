"""The example of every operation: `gradcli ops NAME` shows a spec that runs, and that shows what it says it shows."""

from __future__ import annotations

import re
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest

from gradcli.export.torch.document import script
from gradcli.ops import frontend
from gradcli.ops.define import Composite, Op
from gradcli.ops.describe import Description, description
from gradcli.report.model import Report
from gradcli.report.story import printed
from gradcli.runner import run
from gradcli.spec.document import load_specs
from gradcli.spec.source import Source
from gradcli.spec.steps import Spec
from tests.device.standin import installed

from .test_sweep import key_of

ROWS = {
    key_of(row.text): row
    for name, rows in frontend.table().items()
    if not name.startswith("_")
    for row in rows
}  # fmt: skip


# torch warns of whatever calls these
DEPRECATED = (
    "range", "frobenius_norm", "nuclear_norm", "nuclear_norm.dim", "Tensor::resize", "Tensor::resize_as",
)  # fmt: skip
# what these are recorded as depends on what they differentiate
OF_A_GRAPH = ("grad", "vjp")


def spec_of(text: str) -> Spec:
    (spec,) = load_specs(Source("example.yaml", text))
    return spec


def ran(row: Op | Composite, text: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Report, list[Any]]:
    """The report of an example, and what its calls of `row` gave."""
    results = []

    def watched(call: Any) -> Any:
        def watch(*args: Any, **given: Any) -> Any:
            results.append(call(*args, **given))
            return results[-1]

        return watch

    for form in ("call", "inplace") if isinstance(row, Op) else ("call",):
        monkeypatch.setitem(row.__dict__, form, watched(getattr(row, form)))
    with installed() if "cuda" in text else nullcontext(), np.errstate(all="ignore"):
        return run(spec_of(text)), results


@pytest.mark.parametrize("key", ROWS)
def test_it_runs_and_differentiates(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    row = ROWS[key]
    said = description(row)
    report, results = ran(row, said.example, monkeypatch)
    assert report.error is None and (report.warnings == [] or key in DEPRECATED)
    assert results, "another overload was called"
    if "backward" in said.example:
        check_gradients(row, said, report)


def check_gradients(row: Op | Composite, said: Description, report: Report) -> None:
    shown = [printed(item) for step in report.steps for item in step.printed or ()]
    nodes = re.findall(r"^<(\w+)>$", "\n".join(shown), re.MULTILINE)
    if isinstance(row, Op):
        assert nodes == [row.grad_fn] == [gradient.grad_fn for gradient in said.gradients]
    elif nodes and row.name not in OF_A_GRAPH:
        assert said.gradients, "which nodes it is recorded as is not said"
    gradients = report.steps[-1].printed
    assert gradients
    for gradient in gradients:
        assert gradient.expr.endswith(".grad") and isinstance(gradient.value, np.ndarray), gradient.expr
        assert np.isfinite(gradient.value).all()


@pytest.mark.torch
@pytest.mark.parametrize("key", sorted(set(ROWS) - {"cuda"}))
def test_torch_runs_it_and_names_the_same_nodes(key: str) -> None:
    pytest.importorskip("torch")
    from tests.export.running import run as run_script

    spec = spec_of(description(ROWS[key]).example)
    names, in_torch = run_script(script([spec]))
    assert "raised" not in names
    shown = [printed(item) for step in run(spec).steps for item in step.printed or ()]
    assert names_in("\n".join(shown)) == names_in(in_torch)


def names_in(text: str) -> list[list[str]]:
    """The nodes and dtypes that lines name."""
    return [re.findall(r"[A-Z]\w+Backward\w*|torch\.(?!autograd)\w+", line) for line in text.splitlines()]
