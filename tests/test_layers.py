"""Who may import whom. The way of the data is spec → runner → engine and back as a report."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import gradcli

PACKAGE = Path(gradcli.__file__).parent
# What each part may import of ours: parts, or single modules of them. What is named "later" may be imported
# inside functions only, when it is needed.
ALLOWED: dict[str, set[str]] = {
    "__init__": {"later api"},
    "api": {"errors", "report.model", "later runner", "later spec"},
    "__main__": {"later gradcli", "later cli"},
    "errors": {"record"},
    "record": set(),
    "advice": {"errors"},
    "environment": {"gradcli"},
    "engine": {"errors", "record"},
    "deadline": {"errors"},
    "files": {"engine.device", "engine.dtypes", "engine.memory", "errors", "record", "later report.json_lines"},
    "ops": {"engine", "errors", "record"},
    "spec": {"errors", "record", "engine.dtypes", "later ops.frontend"},
    "report": {"errors", "record", "spec.excerpt", "spec.positions", "spec.source"},
    "verify": {"engine", "errors", "files.results", "ops", "record", "report.model"},
    "evaluate": {"engine", "errors", "ops", "spec", "record"},
    "values": {"engine", "ops", "verify"},
    "functions": {"engine", "errors", "ops", "spec"},
    "export": {"engine", "errors", "evaluate", "files", "ops", "record", "report.model", "runner", "spec", "verify"},
    "trials": {"engine", "errors", "ops", "record", "report.model", "verify"},
    "judging": {"engine", "errors", "record", "report.model", "later runner", "spec", "values", "verify"},
    "runner": {
        "advice",
        "deadline",
        "engine",
        "errors",
        "evaluate",
        "files",
        "functions",
        "judging",
        "ops",
        "record",
        "report",
        "spec",
        "later trials",
        "values",
    },
    "collector": set(),
    "pytest_plugin": {"later report", "later spec", "later suite"},
    "suite": {
        "engine.device",
        "errors",
        "record",
        "report.model",
        "spec",
        "verify",
        "later collector",
        "later runner",
    },
    "cli": {
        "errors",
        "record",
        "later collector",
        "later engine",
        "later environment",
        "later export",
        "later files",
        "later ops",
        "later report",
        "later runner",
        "later spec",
        "later suite",
        "later trials",
        "later verify",
    },
}
# what scripts are given a copy of is no part of the program
MODULES = sorted({*PACKAGE.rglob("*.py")} - {*PACKAGE.glob("export/*/helpers.py")})


def imports(tree: ast.AST, *, later: bool = False) -> Iterator[tuple[str, bool]]:
    """The modules that `tree` imports, each with whether only a function does, or a type checker."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, later) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module is not None, "imports are absolute"
            yield from ((submodule(node.module, alias.name), later) for alias in node.names)
        else:
            inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or is_for_types(node)
            yield from imports(node, later=later or inside)


def submodule(module: str, name: str) -> str:
    """`from gradcli.ops import frontend` imports gradcli.ops.frontend."""
    path = PACKAGE.parent.joinpath(*module.split("."), name)
    return f"{module}.{name}" if path.is_dir() or path.with_suffix(".py").is_file() else module


def is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def part_of(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def is_allowed(own: str, imported: str, later: bool) -> bool:
    name = imported.removeprefix("gradcli.")
    part = name.partition(".")[0]
    granted = {part, name, *({f"later {part}", f"later {name}"} if later else ())}
    return part == own or bool(granted & ALLOWED[own])


def test_every_part_has_its_place() -> None:
    assert {part_of(file) for file in MODULES} == set(ALLOWED)


@pytest.mark.parametrize("file", MODULES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_a_module_imports_what_its_part_may(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for imported, later in imports(tree):
        package = imported.partition(".")[0]
        if package == "gradcli":
            assert is_allowed(part_of(file), imported, later), imported
        if package == "rich":
            assert file == PACKAGE / "report" / "console.py"
        if package in ("numpy", "cupy", "cupyx", "scipy") and not later:
            assert file == PACKAGE / "report" / "text.py"


@pytest.mark.parametrize(
    ("own", "imported", "later", "allowed"),
    [
        ("engine", "gradcli.ops.define", True, False),
        ("ops", "gradcli.spec.tree", False, False),
        ("spec", "gradcli.engine.dtypes", False, True),
        ("spec", "gradcli.engine.tensor", False, False),
        ("spec", "gradcli.ops.frontend", False, False),
        ("spec", "gradcli.ops.frontend", True, True),
        ("report", "gradcli.engine.device", True, False),
        ("cli", "gradcli.runner", False, False),
    ],
)
def test_the_rules_tell_right_from_wrong(own: str, imported: str, later: bool, allowed: bool) -> None:
    assert is_allowed(own, imported, later) is allowed
