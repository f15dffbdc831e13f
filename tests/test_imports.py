"""What each command may import: starting is importing, and modules can be counted where time is noise."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import gradcli

ROOT = Path(gradcli.__file__).parents[1]
SPEC = """
title: A gradient
tensors: {x: "ones(3, requires_grad=True)"}
pipeline: [{backward: x.sum()}, {print: x.grad}]
"""
HEAVY = {
    "numpy",
    "rich",
    "typer",
    "yaml",
    "cupy",
    "ml_dtypes",
    "scipy",
    "torch",
    "pydantic",
    "jsonschema",
    "safetensors",
}

# Ends as `leave` does, but says first which modules are there.
PROGRAM = """
import os, sys
import gradcli.__main__
def leave(status):
    print(*sorted(sys.modules), file=sys.stderr)
    sys.exit(status)
os._exit = leave
sys.argv[0] = "gradcli"
gradcli.__main__.main()
"""


def imported(*arguments: str, folder: Path, program: str = PROGRAM) -> set[str]:
    """The modules that a command line has imported by its end."""
    (folder / "spec.yaml").write_text(SPEC, encoding="utf-8")
    (folder / "bfloat16.yaml").write_text(f"dtype: bfloat16\n{SPEC}", encoding="utf-8")
    command = [sys.executable, "-c", program, *arguments]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "", "TERM": "xterm"}
    ended = subprocess.run(
        command, cwd=folder, env=environment, text=True, encoding="utf-8", capture_output=True, timeout=60
    )
    assert ended.returncode == 0, ended.stderr
    return set(ended.stderr.splitlines()[-1].split())


@pytest.mark.parametrize(
    ("arguments", "heavy"),
    [
        (["--version"], set()),
        (["--help"], {"typer"}),
        (["run", "--help"], {"typer"}),
        (["validate", "spec.yaml"], {"typer", "yaml"}),
        (["validate", "--json", "spec.yaml"], {"typer", "yaml"}),
        (["init", "new.yaml"], {"typer"}),
        (["init", "--list"], {"typer"}),
        (["export", "spec.yaml", "--to", "torch"], {"typer", "yaml"}),
        (["schema"], {"typer"}),
        (["schema", "--of", "run"], {"typer"}),
        (["completion", "bash"], {"typer"}),
        (["doctor"], {"typer"}),
        (["ops"], {"typer"}),
        (["ops", "softmax"], {"typer"}),
        (["run", "spec.yaml"], {"typer", "yaml", "numpy"}),
        (["run", "--json", "spec.yaml"], {"typer", "yaml", "numpy"}),
        (["run", "--quiet", "spec.yaml"], {"typer", "yaml", "numpy"}),
        (["run", "--get", "x.grad", "spec.yaml"], {"typer", "yaml", "numpy"}),
        (["diff", "spec.yaml", "spec.yaml"], {"typer", "yaml", "numpy"}),
        (["run", "--color", "always", "spec.yaml"], {"typer", "yaml", "numpy", "rich"}),
        (["check", "spec.yaml"], {"typer", "yaml", "numpy"}),
        (["check", "--json", "spec.yaml"], {"typer", "yaml", "numpy"}),
        (["run", "--dtype", "bfloat16", "spec.yaml"], {"typer", "yaml", "numpy", "ml_dtypes"}),
        (["validate", "bfloat16.yaml"], {"typer", "yaml"}),
        (["test", "--list", "spec.yaml"], {"typer", "yaml"}),
        (["test", "spec.yaml"], {"typer", "yaml", "numpy"}),
        (["test", "--json", "spec.yaml"], {"typer", "yaml", "numpy"}),
        (["test", "--color", "always", "spec.yaml"], {"typer", "yaml", "numpy", "rich"}),
    ],
)
def test_what_a_command_imports(arguments: list[str], heavy: set[str], tmp_path: Path) -> None:
    modules = imported(*arguments, folder=tmp_path)
    assert modules & HEAVY == heavy


def test_the_package_alone_imports_nothing(tmp_path: Path) -> None:
    program = (
        "import sys; before = set(sys.modules); import gradcli\nprint(*set(sys.modules) - before, file=sys.stderr)"
    )
    assert imported(folder=tmp_path, program=program) == {"gradcli"}


@pytest.mark.parametrize(("command", "other"), [("run", "validate"), ("validate", "run")])
def test_a_command_imports_no_other_command(command: str, other: str, tmp_path: Path) -> None:
    modules = imported(command, "spec.yaml", folder=tmp_path)
    assert f"gradcli.cli.{command}" in modules and f"gradcli.cli.{other}" not in modules


def test_random_numbers_are_imported_by_who_draws_them(tmp_path: Path) -> None:
    assert "numpy.random" not in imported("run", "spec.yaml", folder=tmp_path)


def test_json_is_imported_for_json_only(tmp_path: Path) -> None:
    assert "gradcli.report.json_lines" not in imported("run", "spec.yaml", folder=tmp_path)
    assert "gradcli.report.plain" not in imported("run", "--json", "spec.yaml", folder=tmp_path)
