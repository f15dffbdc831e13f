"""`gradcli ops`: the table tells of itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import gradcli
from gradcli.cli import app
from gradcli.ops.define import Op
from gradcli.ops.describe import described, everything
from gradcli.ops.frontend import table

SCHEMA = json.loads((Path(gradcli.__file__).parent / "report" / "schemas" / "ops.json").read_text(encoding="utf-8"))


def test_every_operation_is_described() -> None:
    rows = [row for name, rows in table().items() if not name.startswith("_") for row in rows]
    assert len(everything()) == len(rows)
    for row in rows:
        name = row.name.replace("autograd::", "torch.autograd.").removeprefix("Tensor::")
        found = next((one for one in described(name) if row.text.endswith(one.signature)), None)
        assert found is not None, row
        assert found.computes, row
        if isinstance(row, Op) and row.grad_fn is not None:
            (gradient,) = found.gradients
            assert gradient.grad_fn == row.grad_fn and all(gradient.formulas.values())
            assert ", ".join(gradient.formulas) == ", ".join(parameter.name for parameter in row.differentiable)


@pytest.mark.parametrize("name", ["atan2", "softmax", "max"])
def test_all_there_is_to_know(
    name: str, capsys: pytest.CaptureFixture[str], golden: Callable[[str, str], None]
) -> None:
    assert app.run(["ops", name]) == 0
    golden(f"ops/{name}.txt", capsys.readouterr().out)


def test_the_list_has_a_line_an_overload(capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run(["ops"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "atan2(Tensor self, Tensor other)  Atan2Backward0" in lines
    assert len(lines) == len(everything())


def test_the_json_is_as_its_schema_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run(["ops", "--json"]) == 0
    for line in capsys.readouterr().out.splitlines():
        pytest.importorskip("jsonschema").validate(json.loads(line), SCHEMA)


def test_several_examples_are_one_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert app.run(["ops", "max", "sgn", "--example"]) == 0
    file = tmp_path / "examples.yaml"
    file.write_text(capsys.readouterr().out, encoding="utf-8")
    assert app.run(["run", str(file)]) == 0
    shown = capsys.readouterr()
    assert shown.err.count("ok · 4 steps") == 4
    assert shown.out.count("<MaxBackward0>") == 2 and "<SgnBackward0>" in shown.out


def test_an_unknown_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run(["ops", "sofmax"]) == 2
    assert "there is no operation `sofmax`; did you mean `softmax`?" in capsys.readouterr().err
