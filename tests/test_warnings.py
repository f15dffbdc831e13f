"""What torch warns of: in torch's words, once for a line, on the screen, on standard error and in JSON."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

import gradcli as gradcli_package
from gradcli.engine.mode import heard_by, warn
from gradcli.report.console import Screen, standard_output
from gradcli.report.model import Report
from gradcli.runner import run
from gradcli.spec.document import load_specs
from gradcli.spec.source import Source

SPEC = """\
tensors:
  x: "tensor([[1., 2., 3.], [4., 5., 6.]], requires_grad=True)"
  v: "tensor([1., 1., 1.])"
pipeline:
  - loss: F.mse_loss(x, v)
  - print: loss
"""
BROADCAST = (
    "Using a target size (torch.Size([3])) that is different to the input size (torch.Size([2, 3])). This will likely "
    "lead to incorrect results due to broadcasting. Please ensure they have the same size."
)


def ended(text: str) -> Report:
    (spec,) = load_specs(Source("spec.yaml", text))
    return run(spec)


def warned_of(expression: str) -> list[str]:
    """The messages of evaluating `expression` once."""
    return [warned.message for warned in ended(SPEC.replace("F.mse_loss(x, v)", f'"{expression}"')).warnings]


def process(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "spec.yaml").write_text(SPEC, encoding="utf-8")
    path = str(Path(gradcli_package.__file__).parents[1])
    command = [sys.executable, "-m", "gradcli", "run", *options, "spec.yaml"]
    return subprocess.run(
        command, cwd=folder, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, timeout=60
    )


def test_a_warning_goes_to_standard_error(tmp_path: Path) -> None:
    result = process(tmp_path)
    assert result.returncode == 0
    assert result.stdout == "tensor(9.1667, grad_fn=<MseLossBackward0>)\n"
    assert f"spec.yaml:5: warning: {BROADCAST}\n" in result.stderr


def test_a_warning_is_in_the_json(tmp_path: Path) -> None:
    result = process(tmp_path, "--json")
    assert json.loads(result.stdout)["warnings"] == [{"message": BROADCAST, "line": 5}]


def test_a_warning_is_on_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setenv("COLUMNS", "400")
    Screen(standard_output(color=False), verbose=False).end(ended(SPEC))
    assert f"   5  warning: {BROADCAST}" in screen.getvalue()


@pytest.mark.parametrize("loss", ["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"])
def test_losses_that_broadcast_say_so(loss: str) -> None:
    assert warned_of(f"F.{loss}(x, v)") == [BROADCAST]
    assert warned_of(f"F.{loss}(x, x * 2)") == []


def test_a_warning_comes_once_for_a_line() -> None:
    assert warned_of("F.mse_loss(x, v) + F.l1_loss(x, v)") == [BROADCAST]
    assert [warned.line for warned in ended(SPEC + "  - print: F.mse_loss(x, v)\n").warnings] == [5, 7]


@pytest.mark.torch
@pytest.mark.parametrize(
    "expression",
    [
        "F.mse_loss(x, v)", "F.mse_loss(x, x, size_average=False)", "F.l1_loss(x, x, reduce=False).sum()",
        "F.cross_entropy(x, x.detach(), size_average=True)", "F.mse_loss(x, x, reduction='elementwise_mean')",
        "F.kl_div(x, x)", "F.softmax(x)", "F.log_softmax(x)", "F.softmin(x)", "F.gumbel_softmax(x, eps=0.1)",
        "F.dropout2d(x)", "F.dropout2d(x[None])", "F.dropout3d(x)", "F.normalize(x)", "F.huber_loss(x, x)",
        "F.kl_div(x, x, reduction='batchmean')", "torch.asarray(x)", "torch.asarray(x, dtype=float64)",
    ],
)  # fmt: skip
def test_torch_warns_of_the_same(expression: str) -> None:
    torch = pytest.importorskip("torch")
    x = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=True)
    names = {"F": torch.nn.functional, "torch": torch, "float64": torch.float64, "x": x, "v": torch.ones(3)}
    torch.set_warn_always(True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        eval(expression, names)
    said = [str(warning.message).partition(" (Triggered internally")[0] for warning in caught]
    assert warned_of(expression) == said


def test_nobody_listens_outside_of_a_run() -> None:
    heard: list[str] = []
    warn("before")
    with heard_by(heard.append):
        warn("inside")
    warn("after")
    assert heard == ["inside"]
