"""What an operation is and how it is differentiated, read back from the row, and the source, that declares it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from gradcli.engine.device import SpecialFunction
from gradcli.ops import frontend
from gradcli.ops.define import Composite, Op
from gradcli.ops.generate import saved_by
from gradcli.record import Record

FOLDER = Path(__file__).parent
NAMESPACES = {"Tensor": "x.", "autograd": "torch.autograd.", "linalg": "linalg.", "special": "special."}


class Gradient(Record):
    """A recorded operation: its node, the tensors it saves, and the formula of each input's gradient, as source."""

    grad_fn: str
    formulas: dict[str, str]
    saves: list[str]


class Description(Record):
    """One overload of an operation. `computes` is its forward as source, or in words.

    `gradients` are those of the row itself or, of a composition, those of the rows that it is made of.
    """

    name: str
    family: str
    signature: str
    computes: str
    gradients: list[Gradient]
    aliases: list[str]
    method: bool
    inplace: bool


class Declaration(Record):
    """What declares a row: a call of `op`, or a function under `composite`, in the module `family`.

    `node` is None for one of several rows that a loop declares.
    """

    family: str
    node: ast.Call | ast.FunctionDef | None
    functions: dict[str, ast.FunctionDef]


def described(name: str) -> list[Description]:
    """Every overload of the operation that a user calls `name`; none if there is no such operation."""
    rows = [*(frontend.find(name) or ()), *(frontend.find_method(name) or ())]
    return [description(row) for row in dict.fromkeys(rows) if not isinstance(row, frontend.InPlace)]


def everything() -> list[Description]:
    """All operations that a user can call, family by family."""
    rows = [row for name, rows in frontend.table().items() if not name.startswith("_") for row in rows]
    return sorted(map(description, rows), key=lambda found: (found.family, found.name))


def description(row: Op | Composite) -> Description:
    space, _, bare = row.name.rpartition("::")
    declaration = declaration_of(row)
    return Description(
        NAMESPACES.get(space, "") + bare,
        declaration.family,
        row.text.removeprefix(f"{space}::"),
        computation(row, declaration),
        list(gradients(row, declaration)),
        sorted(alias for alias, known in frontend.ALIAS_NAMES.items() if known == row.name),
        frontend.is_method(row) or space == "Tensor",
        isinstance(row, Op) and frontend.is_method(row) and frontend.has_inplace(row),
    )


@cache
def declarations() -> dict[str, Declaration]:
    """The declarations of all rows, by their schemas."""
    found = {}
    for file in sorted(FOLDER.glob("*.py")):
        module = ast.parse(file.read_text(encoding="utf-8"))
        functions = {node.name: node for node in module.body if isinstance(node, ast.FunctionDef)}
        for node in ast.walk(module):
            if isinstance(node, ast.Call) and called(node) == "op":
                found[text_in(node.args[0], file.stem)] = Declaration(file.stem, node, functions)
            elif isinstance(node, ast.FunctionDef):
                for decorator in node.decorator_list:
                    if isinstance(decorator, ast.Call) and called(decorator) == "composite":
                        found[text_in(decorator.args[0], file.stem)] = Declaration(file.stem, node, functions)
    return found


def declaration_of(row: Op | Composite) -> Declaration:
    function = row.call if isinstance(row, Composite) else row.forward
    return declarations().get(row.text) or Declaration(function.__module__.rpartition(".")[2], None, {})


def called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else ""


def text_in(node: ast.expr, module: str) -> str:
    """The text that `node` writes, names of the module (such as FACTORY) in braces included."""
    if isinstance(node, ast.JoinedStr):
        return "".join(text_in(part, module) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        return str(getattr(import_module(f"gradcli.ops.{module}"), ast.unparse(node.value), ""))  # "" for a loop's name
    return str(node.value) if isinstance(node, ast.Constant) else ""


def computation(row: Op | Composite, declaration: Declaration) -> str:
    """The forward as an expression, if it is one; else what its docstring says, or a call of it."""
    node = declaration.node
    if node is None:
        return ""
    if isinstance(node, ast.FunctionDef):
        return in_short(node)
    forward = node.args[2]
    if isinstance(forward, ast.Lambda):
        return source(forward.body)
    text = source(forward)
    if isinstance(row, Op) and isinstance(row.forward, SpecialFunction):
        text = f"scipy.special.{row.forward.function}"
    short = in_short(declaration.functions[text]) if text in declaration.functions else ""
    return short or f"{text}({', '.join(parameter.name for parameter in row.schema.parameters)})"


def in_short(function: ast.FunctionDef) -> str:
    """What a function of one `return` gives, or the first line of its docstring."""
    last = function.body[-1]
    if isinstance(last, ast.Return) and last.value is not None and len(function.body) == 1:
        return source(last.value)
    return (ast.get_docstring(function) or "").partition("\n")[0]


def gradients(row: Op | Composite, declaration: Declaration) -> Iterator[Gradient]:
    if declaration.node is None:
        return
    if isinstance(row, Composite):
        for part in parts_of(declaration.node, declaration.family):
            yield from gradients(part, declaration_of(part))
    elif row.grad_fn is not None:
        yield Gradient(
            row.grad_fn,
            formulas(row, declaration.node),
            [item.name for item in saved_by(row) if item.is_tensor],
        )


def parts_of(node: ast.AST, module: str) -> list[Op]:
    """The rows that a composition calls by name, those of its helpers left aside."""
    names = vars(import_module(f"gradcli.ops.{module}"))
    calls = [called(part) for part in ast.walk(node) if isinstance(part, ast.Call)]
    return [names[name] for name in dict.fromkeys(calls) if isinstance(names.get(name), Op)]


def formulas(row: Op, node: ast.Call | ast.FunctionDef) -> dict[str, str]:
    assert isinstance(node, ast.Call)
    given = {keyword.arg: keyword.value for keyword in node.keywords}
    names = [parameter.name for parameter in row.differentiable]
    if row.joint is not None:
        return {", ".join(names): formula(given["joint"])}
    return {name: formula(given[name]) for name in names}


def formula(node: ast.expr) -> str:
    return source(node.body if isinstance(node, ast.Lambda) else node)


def source(node: ast.expr) -> str:
    """The source of an expression, NumPy by its full name."""
    return ast.unparse(node).replace("np.", "numpy.")


def plain(record: Record) -> dict[str, Any]:
    """A description, or a part of one, in JSON's own types."""
    values = {name: getattr(record, name) for name in record.fields}
    return {
        name: [plain(item) if isinstance(item, Record) else item for item in value]
        if isinstance(value, list)
        else value
        for name, value in values.items()
    }
