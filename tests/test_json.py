"""The JSON of a run: what stands in it, in which order, and that the schema in the package describes it."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import numpy as np
import pytest

from gradcli.errors import Span, UserError
from gradcli.record import replace
from gradcli.report.json_lines import JsonLines, JsonValues, refused_line, run_line, validation_line
from gradcli.report.model import Binding, Gradient, Printed, Report, StepReport, TensorState

REPORTS = ("quickstart", "troubled", "broken")


def read(line: str, schema: str = "run") -> Any:
    """The line as another program reads it; it is one line, strict JSON, and as its schema says."""
    jsonschema = pytest.importorskip("jsonschema")
    assert "\n" not in line and line.isascii()
    value = json.loads(line, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
    rules = json.loads(files("gradcli.report").joinpath(f"schemas/{schema}.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(rules)
    jsonschema.validate(value, rules, cls=jsonschema.Draft202012Validator)
    return value


def state(value: Any, grad: Any = None) -> TensorState:
    array = np.array(value)
    return TensorState(array, str(array.dtype), "cpu", True, True, None, grad, "")


def bound(report: Report, *bindings: Binding) -> Any:
    """What the JSON of `report` says about `bindings`."""
    return read(run_line(replace(report, bindings=list(bindings))))["tensors"]


@pytest.mark.parametrize("name", REPORTS)
def test_a_run(name: str, reports: dict[str, Report], golden: Callable[[str, str], None]) -> None:
    line = run_line(reports[name])
    golden(f"json/{name}.json", json.dumps(read(line), indent=1) + "\n")


def test_the_order_of_the_keys(quickstart: Report) -> None:
    value = read(run_line(quickstart))
    assert list(value) == [
        "format", "spec", "ok", "seed", "device", "tensors", "steps", "warnings", "error",
    ]  # fmt: skip
    assert list(value["tensors"]) == ["x", "y", "w", "b", "z", "loss"]
    assert list(value["tensors"]["w"]) == [
        "value", "shape", "dtype", "device", "requires_grad", "is_leaf", "grad_fn", "grad",
    ]  # fmt: skip
    assert list(value["steps"][0]) == ["index", "path", "line", "kind", "name"]
    assert list(value["steps"][2]["printed"][0]) == ["expr", "text", "value"]
    assert list(value["steps"][5]["items"][0]) == ["expr", "ok", "expected", "actual", "index", "abs", "rel", "ulp"]


def test_numbers_are_those_of_tolist(quickstart: Report) -> None:
    tensors = bound(
        quickstart,
        Binding("a", state(np.float32(0.1))),
        Binding("b", state([1, 2**62])),
        Binding("c", state([True, False])),
        Binding("d", state(np.zeros((2, 0)))),
        Binding("e", state(np.array([0.1], "float16"))),
    )
    assert tensors["a"]["value"] == 0.10000000149011612
    assert tensors["b"]["value"] == [1, 2**62]
    assert tensors["c"]["value"] == [True, False]
    assert tensors["d"]["value"] == [[], []] and tensors["d"]["shape"] == [2, 0]
    assert tensors["e"]["value"] == [0.0999755859375]


def test_numbers_that_are_not_finite_are_text_and_complex_ones_pairs(quickstart: Report) -> None:
    odd = np.array([[np.nan, np.inf], [-np.inf, 0.0]])
    tensors = bound(
        quickstart,
        Binding("a", state(odd, grad=odd)),
        Binding("b", state([1 + 2j, complex(np.nan, -np.inf)])),
        Binding("c", state(3j)),
        Binding("d", value=[np.inf, (1, 2j)]),
    )
    assert tensors["a"]["value"] == tensors["a"]["grad"] == [["nan", "inf"], ["-inf", 0.0]]
    assert tensors["b"]["value"] == [[1.0, 2.0], ["nan", "-inf"]]
    assert tensors["c"]["value"] == [0.0, 3.0]
    assert tensors["d"] == ["inf", [1, [0.0, 2.0]]]


def test_what_is_no_tensor(troubled: Report) -> None:
    tensors = read(run_line(troubled))["tensors"]
    assert tensors["usv"] == {"tuple": [tensors["usv"]["tuple"][0], 2.5]}
    assert tensors["usv"]["tuple"][0]["value"] == [[1.0]]
    assert (tensors["n"], tensors["ratio"], tensors["sizes"]) == (5, "-inf", [5, 3])
    assert (tensors["node"], tensors["nothing"]) == ("AddBackward0", None)


def test_large_values_are_left_out_unless_asked_for(quickstart: Report) -> None:
    most = np.zeros((1, 100_001))
    report = replace(
        quickstart,
        bindings=[Binding("large", state(most, grad=most))],
        steps=[
            StepReport(0, (0,), 3, "print", printed=[Printed("large", "tensor([0.0000, ...", most)]),
            StepReport(1, (1,), 4, "backward", grads={"large": Gradient(most, "float64", "")}),
        ],
    )
    short = read(run_line(report))
    large = short["tensors"]["large"]
    assert large["value"] is None and large["grad"] is None and large["omitted"] is True
    assert large["shape"] == [1, 100_001]
    assert short["steps"][0]["printed"][0]["value"] is None
    assert short["steps"][1]["grads"]["large"] == {
        "value": None, "shape": [1, 100_001], "dtype": "float64", "omitted": True,
    }  # fmt: skip
    whole = json.loads(run_line(replace(report, bindings=[Binding("whole", state(most[:, 1:]))])))
    assert len(whole["tensors"]["whole"]["value"][0]) == 100_000
    assert "omitted" not in whole["tensors"]["whole"]
    full = json.loads(run_line(report, full=True))
    assert len(full["tensors"]["large"]["grad"][0]) == 100_001
    assert "omitted" not in json.dumps(full)


def test_an_expectation_that_fails_is_no_error(troubled: Report) -> None:
    value = read(run_line(troubled))
    assert value["ok"] is False and value["error"] is None
    assert value["steps"][-1]["items"][1] == {
        "expr": "v", "ok": False, "expected": [1, 2, 4], "actual": [1, 2, 3],
        "index": [2], "abs": 1, "rel": 0.25, "ulp": 2**51,
    }  # fmt: skip
    assert value["steps"][-1]["items"][3]["rel"] == "nan"


def test_an_error(broken: Report) -> None:
    value = read(run_line(broken))
    assert value["ok"] is False and list(value["tensors"]) == ["x", "y", "w", "b", "z", "loss"]
    assert value["error"] == {
        "kind": "autograd",
        "message": "Trying to backward through the graph a second time",
        "line": 12,
        "column": 15,
        "hint": "add `retain_graph: true` to the backward at line 11",
    }


def test_a_spec_that_cannot_be_read_still_gives_its_line() -> None:
    value = read(refused_line("no\udcff.yaml", UserError("io", "cannot read it")))
    assert value["spec"] == "no\udcff.yaml" and value["ok"] is False and value["tensors"] == {}
    assert value["error"] == {
        "kind": "io", "message": "cannot read it", "line": None, "column": None, "hint": None,
    }  # fmt: skip


def test_a_validation() -> None:
    assert read(validation_line("a.yaml", []), "validate") == {
        "format": 1, "spec": "a.yaml", "ok": True, "errors": [],
    }  # fmt: skip
    errors = [
        UserError("name", "unknown name `v`", "did you mean `w`?", Span(3, 5, 3, 6)),
        UserError("spec", "no"),
    ]
    value = read(validation_line("a.yaml", errors), "validate")
    assert value["ok"] is False
    assert [error["line"] for error in value["errors"]] == [3, None]


def test_asked_for_values_are_lines_of_their_own(quickstart: Report, capsys: pytest.CaptureFixture[str]) -> None:
    got = [
        Printed("a", "", np.array([np.nan, 1.0])),
        Printed("b", "", np.zeros(100_001)),
        Printed("c", "", None),
    ]
    reporter = JsonValues()
    reporter.end(replace(quickstart, got=got))
    reporter.refuse("other.yaml", UserError("io", "cannot read it"))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == '["nan", 1.0]' and lines[2] == "null" and len(lines) == 3
    assert len(json.loads(lines[1])) == 100_001


def test_a_line_for_each_spec(quickstart: Report, troubled: Report, capsys: pytest.CaptureFixture[str]) -> None:
    reporter = JsonLines(full=False)
    reporter.end(quickstart)
    reporter.refuse("other.yaml", UserError("io", "cannot read it"))
    reporter.end(troubled)
    lines = [read(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["spec"] for line in lines] == [quickstart.spec, "other.yaml", troubled.spec]
