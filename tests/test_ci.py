"""What other projects copy into their CI: the job of the README, and the hooks for pre-commit."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from gradcli.cli import app

ROOT = Path(__file__).parents[1]
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))


def job() -> Any:
    [text] = re.findall(r"^```yml\n(.*?)^```$", (ROOT / "README.md").read_text(encoding="utf-8"), re.M | re.S)
    return yaml.safe_load(text)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with specs, as CI finds it."""
    shutil.copytree(ROOT / "specs", tmp_path / "specs")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CI", "true")
    return tmp_path


def test_the_commands_of_the_job_run(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    [steps] = [one["steps"] for one in job()["jobs"].values()]
    commands = [shlex.split(step["run"]) for step in steps if "run" in step]
    assert [command[0] for command in commands] == ["python", "gradcli"]
    assert app.run(commands[1][1:]) == 0
    reports = [step["with"]["path"] for step in steps if "path" in step.get("with", {})]
    assert reports and all((project / report).is_file() for report in reports)


def test_the_job_fails_where_a_spec_does(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (project / "specs" / "wrong.yaml").write_text("pipeline: [{expect: {1 + 1: 3}}]\n")
    command = next(
        step["run"] for step in job()["jobs"]["gradients"]["steps"] if step.get("run", "").startswith("gradcli")
    )
    assert app.run(shlex.split(command)[1:]) == 1
    assert "::error file=specs/wrong.yaml,line=1" in capfd.readouterr().out


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_a_hook_is_a_command(hook: dict[str, Any], project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert hook["language"] == "python" and re.search(hook["files"], "specs/a.grad.yaml")
    assert not re.search(hook["files"], "specs/a.yaml")
    program, *arguments = shlex.split(hook["entry"])
    assert program == "gradcli" and hook["id"] == f"gradcli-{arguments[0]}"
    shutil.copy("specs/blitz.yaml", "a.grad.yaml")
    assert app.run([*arguments, "a.grad.yaml"]) == 0
    Path("b.grad.yaml").write_text("pipeline: [{x: yy}]\n")
    assert app.run([*arguments, "a.grad.yaml", "b.grad.yaml"]) > 0


def test_the_readme_names_the_hooks() -> None:
    named = re.findall(r"`(gradcli-\w+)`", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert set(named) == {hook["id"] for hook in HOOKS}
