"""Only `engine/device.py` knows NumPy, SciPy and CuPy by name: all else reaches them through it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import gradcli

PACKAGE = Path(gradcli.__file__).parent
MODULES = sorted([*(PACKAGE / "ops").glob("*.py"), *(PACKAGE / "engine").glob("*.py")])
LIBRARIES = {"numpy", "cupy", "cupyx", "scipy"}
# what no CuPy array can be given to; where they are used all the same, arrays are brought to the host by name
HOST_ONLY = {"frompyfunc", "insert", "ndindex", "nditer", "vectorize", "apply_along_axis"}
BY_NAME = {"device.py", "lapack.py"}


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_the_libraries_are_reached_through_the_device(module: Path) -> None:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    imported = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert module.name in BY_NAME or not imported & LIBRARIES


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_what_only_the_host_has_is_not_used(module: Path) -> None:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "np"
    }
    assert module.name in BY_NAME or not used & HOST_ONLY
