"""`gradcli.run`: what programs get, without anything being printed."""

from __future__ import annotations

import doctest
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gradcli

ROOT = Path(gradcli.__file__).parents[1]
LINE = (
    "params: {n: 2}\ntensors: {w: 'ones(n, requires_grad=True)'}\npipeline: [{backward: w.sum()}, {expect: {w: 1}}]\n"
)
SEVERAL = f"{LINE}---\nmatrix: {{k: [1, 2], dtype: [float32, float64]}}\ntensors: {{x: 'ones(k)'}}\n"


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    monkeypatch.chdir(tmp_path)

    def write(text: str) -> Path:
        Path("a.yaml").write_text(text, encoding="utf-8")
        return Path("a.yaml")

    return write


def test_the_example_of_its_help(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    examples = doctest.DocTestFinder().find(gradcli.run, "run", globs={"gradcli": gradcli})
    assert [doctest.DocTestRunner().run(example) for example in examples] == [(0, 4)]


def test_the_example_of_the_readme(write: Callable[[str], Path], capsys: pytest.CaptureFixture[str]) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [spec] = re.findall(r"^```yaml\n(.*?)^```$", readme, re.M | re.S)
    [(program, output)] = re.findall(r"^```python\n(.*?)^```\n\n^```text\n(.*?)^```$", readme, re.M | re.S)
    write(spec).rename("line.yaml")
    exec(program, {})
    assert capsys.readouterr().out == output


def test_a_run(write: Callable[[str], Path], capfd: pytest.CaptureFixture[str]) -> None:
    report = gradcli.run(write(LINE))
    assert isinstance(report, gradcli.Report) and report.ok and report.spec == "a.yaml"
    assert {name: array.tolist() for name, array in report.arrays.items()} == {"w": [1, 1], "w.grad": [1, 1]}
    assert capfd.readouterr() == ("", "")


def test_what_torch_calls_its_constants(write: Callable[[str], Path]) -> None:
    steps = "[inf: tensor(2.), y: 'stack([inf, inf * 0 + torch.nan]).clamp(min=torch.pi, max=torch.inf)']"
    report = gradcli.run(write(f"pipeline: {steps}\n"))
    assert report.ok
    assert report.arrays["y"].tolist() == pytest.approx([np.pi, np.nan], nan_ok=True)


def kind_of_error(report: gradcli.Report) -> str | None:
    return None if report.error is None else report.error.kind


def test_the_options(write: Callable[[str], Path], tmp_path: Path) -> None:
    path = str(write("params: {n: 2, v: [1]}\ntensors: {x: 'randn(n)', v: tensor(v)}\n"))
    report = gradcli.run(path, settings={"n": np.int64(3), "v": np.array([[2, 3]])}, seed=7, dtype="double")
    assert (report.seed, report.dtype) == (7, "float64")
    assert report.arrays["x"].shape == (3,) and report.arrays["v"].tolist() == [[2, 3]]
    assert kind_of_error(gradcli.run(path, max_memory=4)) == "limit"
    (tmp_path / "other").mkdir()
    np.save(tmp_path / "x.npy", np.ones(2))
    (tmp_path / "other" / "b.yaml").write_text("tensors: {x: {load: ../x.npy}}\n")
    assert kind_of_error(gradcli.run("other/b.yaml")) == "io"
    assert gradcli.run("other/b.yaml", allow_path=[tmp_path]).ok


# hypothesis listens to the garbage collector in this process: an alarm that goes off in there is told as unraisable,
# and comes again
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_run_that_takes_too_long(write: Callable[[str], Path]) -> None:
    path = write("pipeline: [{x: 0}, {repeat: {times: 1000000000, steps: [x: 1]}}]\n")
    error = gradcli.run(path, timeout=0.1).error
    assert error is not None and error.message == "it runs longer than 0.1 seconds"


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("tensors: {x: [1, 2}\n", "`}` cannot close the `[` opened before", 1),
        ("tensors: {x: onse(3), y: twos(3)}\n", "unknown operation `onse`", 1),
        ("tensors: {x: ones(3)}\npipeline: [y: x @ ones(2)]\n", "inconsistent tensor size", 2),
        ("pipeline:\n  - y: inv(zeros(2, 2))\n", "singular", 2),
    ],
)
def test_what_is_wrong_with_a_spec_is_in_its_report(
    text: str, message: str, line: int, write: Callable[[str], Path]
) -> None:
    report = gradcli.run(write(text))
    assert not report.ok and report.error is not None and report.error.span is not None
    assert message in report.error.message and report.error.span.line == line


def test_an_expectation_that_fails(write: Callable[[str], Path]) -> None:
    report = gradcli.run(write("pipeline: [{x: 2.0}, {expect: {x: 3.0}}]\n"))
    assert not report.ok and report.error is None
    assert [(item.expr, item.actual, item.expected, item.abs) for item in report.failures] == [("x", 2, 3, 1)]


def test_one_of_several_specs(write: Callable[[str], Path]) -> None:
    path = write(SEVERAL)
    assert gradcli.run(path, spec="a.yaml").arrays.keys() == {"w", "w.grad"}
    report = gradcli.run(path, spec="a.yaml#2[k=2,dtype=float64]")
    assert report.spec == "a.yaml#2[k=2,dtype=float64]" and report.arrays["x"].dtype == np.float64
    assert gradcli.run(path, spec="a.yaml#2", settings={"k": 5}, dtype="float32").arrays["x"].shape == (5,)


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({}, "spec", "`a.yaml` has 5 specs, and one is needed"),
        ({"spec": "a.yaml#3"}, "spec", "`a.yaml` has no spec `a.yaml#3`"),
        ({"spec": "a.yaml#2[k=2]"}, "spec", "`a.yaml` has no spec `a.yaml#2[k=2]`"),
        ({"spec": "a.yaml", "settings": {"m": 1}}, "spec", "`a.yaml` has no param `m`"),
        ({"spec": "a.yaml", "settings": {"n": {}}}, "type", "the setting `n` must be a number, .*, not dict"),
        ({"spec": "a.yaml", "seed": 1.5}, "spec", "`seed` must be an integer, not `1.5`"),
        ({"spec": "a.yaml", "dtype": "int64"}, "spec", "`dtype` must be a floating dtype, not `int64`"),
        ({"spec": "a.yaml", "device": "gpu"}, "spec", "`device` must be `cpu`, `cuda` or `cuda:N`, not `gpu`"),
        ({"spec": "a.yaml", "timeout": 0}, "value", "`timeout` must be a number above 0, not 0"),
        ({"spec": "a.yaml", "timeout": float("nan")}, "value", "`timeout` must be a number above 0, not nan"),
        ({"spec": "a.yaml", "max_memory": -1}, "value", "`max_memory` must be a number above 0, not -1"),
    ],
)
def test_what_makes_no_sense_is_raised(
    options: dict[str, Any], kind: str, message: str, write: Callable[[str], Path]
) -> None:
    with pytest.raises(gradcli.UserError, match=rf"^{re.escape(message).replace(re.escape('.*'), '.*')}$") as raised:
        gradcli.run(write(SEVERAL), **options)
    assert raised.value.kind == kind


@pytest.mark.parametrize("path", ["none.yaml", "."])
def test_a_file_that_cannot_be_read_is_raised(path: str, write: Callable[[str], Path]) -> None:
    write("")
    with pytest.raises(gradcli.UserError, match=f"^cannot read `{path}`: ") as raised:
        gradcli.run(path)
    assert raised.value.kind == "io"


def test_in_another_thread(write: Callable[[str], Path]) -> None:
    path = write(LINE)
    ends: list[object] = []

    def run() -> None:
        ends.append(gradcli.run(path).ok)
        try:
            gradcli.run(path, timeout=1)
        except gradcli.UserError as error:
            ends.append(error.message)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert ends == [True, "`timeout` works in the main thread only"]


def test_the_names_of_the_package() -> None:
    assert set(gradcli.__all__) == {"Report", "UserError", "run"}
    misspelt = "rnu"
    with pytest.raises(AttributeError, match="module 'gradcli' has no attribute 'rnu'"):
        getattr(gradcli, misspelt)
