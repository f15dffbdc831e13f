"""The documents cannot drift: their specs run, their outputs are real, their lists are the program's own."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from gradcli.cli import app
from gradcli.spec.language import KEYS, STEP_WORDS
from gradcli.spec.scope import ATTRIBUTES

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
REFERENCE = (ROOT / "specs" / "README.md").read_text(encoding="utf-8")
CI = (ROOT / ".ci" / "run").read_text(encoding="utf-8")


class Block(NamedTuple):
    """A fenced block: where it begins, what follows the fence, its text, and the output printed below it."""

    place: str
    info: str
    text: str
    output: str | None


def blocks(name: str, document: str) -> list[Block]:
    found = list(re.finditer(r"^```(.*)\n((?:.*\n)*?)```$", document, re.MULTILINE))
    shown: list[Block] = []
    for block, below in zip(found, [*found[1:], None], strict=True):
        follows = below is not None and below[1] == "text" and "#" not in between(document, block, below)
        output = below[2] if below is not None and follows else None
        line = document.count("\n", 0, block.start()) + 1
        shown.append(Block(f"{name}:{line}", block[1], block[2], output))
    return shown


def between(document: str, block: re.Match[str], below: re.Match[str]) -> str:
    return document[block.end() : below.start()]


BLOCKS = blocks("README.md", README) + blocks("specs/README.md", REFERENCE)


def section(title: str) -> str:
    """The part of the reference under the heading `title`."""
    return REFERENCE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def gradcli(arguments: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """The program in a process of its own, its output not a terminal."""
    environment = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    environment["PYTHONPATH"] = str(ROOT)
    return subprocess.run(
        [sys.executable, "-m", "gradcli", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        timeout=60,
    )


def help_of(*command: str) -> str:
    written = io.StringIO()
    with contextlib.redirect_stdout(written):
        assert app.run([*command, "--help"]) == 0
    return written.getvalue()


def test_there_are_examples() -> None:
    assert sum(block.info == "yaml" for block in BLOCKS) > 8
    kinds = {"yaml", "yaml wrong", "text", "sh", "python", "yml", "csv points.csv"}
    kinds |= {"yaml specs/sum.yaml", "yaml specs/wave.yaml"}
    assert {block.info for block in BLOCKS} == kinds


@pytest.mark.parametrize(
    "block", [block for block in BLOCKS if block.info in ("yaml", "yaml wrong")], ids=lambda block: block.place
)
def test_every_spec_runs_and_prints_what_stands_below_it(block: Block, tmp_path: Path) -> None:
    for file in BLOCKS:
        if file.info.startswith("csv "):
            (tmp_path / file.info.removeprefix("csv ")).write_text(file.text, encoding="utf-8")
    (tmp_path / "spec.yaml").write_text(block.text, encoding="utf-8")
    ended = gradcli(["run", "spec.yaml"], tmp_path)
    if block.info == "yaml":
        assert (ended.returncode, ended.stdout) == (0, block.output or ""), ended.stderr
    else:
        assert (ended.returncode, ended.stderr) == (2, block.output)


@pytest.mark.parametrize("command", [("test", "specs/sum.yaml"), ("check", "specs/wave.yaml")], ids=" ".join)
def test_a_spec_that_fails_prints_what_stands_below_it(command: tuple[str, str], tmp_path: Path) -> None:
    place, shown = (block for block in BLOCKS if command[1] in block.info + block.text)
    (tmp_path / "specs").mkdir()
    (tmp_path / command[1]).write_text(place.text, encoding="utf-8")
    ended = gradcli(list(command), tmp_path)
    assert (ended.returncode, ended.stderr) == (1, "")
    assert re.sub(r"[\d.]+ m?s\b", "1 ms", ended.stdout) == shown.text


@pytest.mark.parametrize("command", [(), *[(name,) for name in app.COMMANDS]], ids=" ".join)
def test_the_examples_of_every_help_run(command: tuple[str, ...], tmp_path: Path) -> None:
    _, _, rest = help_of(*command).partition("Example")
    examples = re.findall(r"^    gradcli (.+)$", rest, re.MULTILINE)
    assert examples
    shutil.copytree(ROOT / "specs", tmp_path / "specs")
    for example in examples:
        arguments = [
            path
            for word in shlex.split(example)
            for path in (sorted(map(str, tmp_path.glob(word))) if "*" in word else [word])
        ]
        ended = gradcli(arguments, tmp_path)
        assert ended.returncode == 0 and (ended.stdout or ended.stderr), (example, ended.stderr)


@pytest.mark.parametrize("document", [README, REFERENCE], ids=["README.md", "specs/README.md"])
def test_the_options_in_the_documents_exist(document: str) -> None:
    known = "".join(help_of(name) for name in app.COMMANDS)
    not_yet = document.partition("It does not have yet:")[2].partition("\n## ")[0]
    named = re.findall(r"(?<=gradcli )[^`\n]+|`(?=--[a-z])[^`]+", document.replace(not_yet, ""))
    options = {option for text in named for option in re.findall(r"--[a-z][a-z-]+", text)}
    assert "--set" in options
    assert {option for option in options if not re.search(rf"{option}\b", known)} == set()


def test_what_does_not_exist_yet_does_not_exist() -> None:
    not_yet = README.partition("It does not have yet:")[2].partition("\n## ")[0]
    known = "".join(help_of(name) for name in app.COMMANDS)
    assert [option for option in re.findall(r"--[a-z][a-z-]+", not_yet) if option in known] == []


def test_the_commands_in_the_readme_are_those_of_the_program() -> None:
    assert set(re.findall(r"`gradcli (\w+)", README)) == set(app.COMMANDS)
    table = README.partition("Some more to try:")[2].partition("\n\nThe exit status")[0]
    assert set(re.findall(r"^\| `gradcli (\w+)", table, re.MULTILINE)) == set(app.COMMANDS)


def test_the_checks_run_the_test_command_of_the_readme() -> None:
    commands = [line for block in BLOCKS if block.info == "sh" for line in block.text.splitlines()]
    assert len(commands) == 2
    pattern = re.search(r"grep -m 1 '(.+)' README\.md", CI)
    assert pattern is not None
    assert [line for line in README.splitlines() if re.search(pattern[1], line)][:1] == commands[1:]
    for command in commands:
        assert command.startswith("python3 -m venv .venv && .venv/bin/python -m pip install -q -e ")
    extras = re.findall(r"'\.\[(\w+)]'", "\n".join(commands))
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert extras == ["test"] and "\ntest = [" in project


def test_the_contents_of_the_reference_are_its_sections() -> None:
    linked = [re.sub(r"\W+", "-", title.lower()) for title in re.findall(r"^## (.*)$", REFERENCE, re.MULTILINE)]
    assert re.findall(r"\]\(#([\w-]+)\)", REFERENCE.partition("\n## ")[0]) == linked
    assert "<<<<<<<" not in REFERENCE


def test_the_reference_has_every_key_and_step() -> None:
    keys = re.findall(r"^\| `(\w+):`", section("The keys"), re.MULTILINE)
    assert sorted(keys) == sorted(KEYS)
    rows = re.findall(r"^\| (`.+?) \| ", section("Steps"), re.MULTILINE)
    named = {word for row in rows for word in re.findall(r"`(\w+): ", row)}
    assert named - {"name"} == set(STEP_WORDS)


def test_the_attributes_in_the_reference_exist() -> None:
    _, _, attributes = section("Expressions").partition("Attributes of a tensor:")
    named = set(re.findall(r"`\.(\w+)`", attributes.partition("\n- ")[0]))
    assert len(named) > 15 and named <= ATTRIBUTES
