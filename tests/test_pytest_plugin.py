"""The pytest plugin: specs as tests, and nothing at all unless it is asked for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import gradcli

pytest_plugins = "pytester"
ROOT = Path(gradcli.__file__).parents[1]
GOOD = "tensors: {x: ones(3)}\npipeline: [{print: x}, {expect: {x: 1}}]\n"
BAD = """\
title: A wrong sum
tensors: {x: ones(3)}
pipeline:
  - y: x.sum()
  - expect: {y: 4}
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A folder with specs, in which pytest knows the plugin whether it is installed or not."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makefile(".grad.yaml", good=GOOD, bad=BAD)
    pytester.makefile(".yaml", other=BAD)
    return pytester


def run(project: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return project.runpytest_subprocess("-p", "gradcli.pytest_plugin", "-p", "no:cacheprovider", *arguments)


def test_specs_are_tests(project: pytest.Pytester) -> None:
    result = run(project, "--gradcli", "-v")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["bad.grad.yaml::bad FAILED*", "good.grad.yaml::good PASSED*"])


def test_a_failure_is_told_as_gradcli_test_tells_it(project: pytest.Pytester) -> None:
    told = re.search(r"^_+ bad _+\n(.*?)^=+ short", run(project, "--gradcli").stdout.str(), re.M | re.S)
    assert told is not None
    assert (
        told[1]
        == """\
bad.grad.yaml:5:14: ✗ y
    5 |   - expect: {y: 4}
      |              ^
      expected  4
      actual    tensor(3.)
      worst: absolute 1, relative 0.25, 4.2e+06 ULP
"""
    )


@pytest.mark.parametrize("file", ["pytest.ini", "pyproject.toml"])
def test_the_configuration_can_ask_for_it(file: str, project: pytest.Pytester) -> None:
    head = "[pytest]" if file == "pytest.ini" else "[tool.pytest.ini_options]"
    (project.path / file).write_text(f"{head}\ngradcli = true\n")
    run(project).assert_outcomes(passed=1, failed=1)


def test_it_does_nothing_unless_asked_for(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_modules="""
        import sys
        def test_modules():
            assert [name for name in sys.modules if name.startswith("gradcli")] == ["gradcli", "gradcli.pytest_plugin"]
            assert "numpy" not in sys.modules
        """
    )
    run(project).assert_outcomes(passed=1)


def test_documents_and_combinations_are_tests_of_their_own(project: pytest.Pytester) -> None:
    text = f"{GOOD}---\nmatrix: {{n: [1, 2]}}\npipeline: [{{expect: {{n: 1}}}}]\n"
    (project.path / "specs").mkdir()
    (project.path / "specs" / "many.grad.yml").write_text(text)
    result = run(project, "--gradcli", "-v", "specs")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        [
            "specs/many.grad.yml::many PASSED*",
            "*::many#2?n=1? PASSED*",
            "*::many#2?n=2? FAILED*",
            "specs/many.grad.yml#2?n=2?:5:22: ✗ n",
        ]
    )
    run(project, "--gradcli", "specs/many.grad.yml::many#2[n=1]").assert_outcomes(passed=1)
    run(project, "--gradcli", "-k", "many and not 2").assert_outcomes(passed=1, deselected=4)


def test_a_spec_that_cannot_run_fails(project: pytest.Pytester) -> None:
    project.makefile(".grad.yaml", bad="tensors: {x: onse(3)}\n", good="tensors: [\n")
    result = run(project, "--gradcli")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["error: bad.grad.yaml:1:14: unknown operation `onse`", "  did you mean `ones`?"])


def test_files_are_loaded_from_the_folder_of_the_spec(project: pytest.Pytester) -> None:
    (project.path / "specs").mkdir()
    (project.path / "specs" / "x.json").write_text("[1, 2]")
    (project.path / "specs" / "x.grad.yaml").write_text(
        "tensors: {x: {load: x.json}}\npipeline: [{expect: {x: [1, 2]}}]\n"
    )
    run(project, "--gradcli", "specs/x.grad.yaml").assert_outcomes(passed=1)
    (project.path / "other").mkdir()
    result = project.run(
        "python", "-m", "pytest", "-q", "-p", "gradcli.pytest_plugin", "--gradcli", "specs", "--rootdir", "."
    )
    result.assert_outcomes(passed=1)
