"""What an operation is and how it is differentiated, read back from the row, and the source, that declares it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dis import get_instructions
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

from gradcli.engine.device import SpecialFunction
from gradcli.ops import frontend
from gradcli.ops.define import Composite, Op
from gradcli.ops.examples import example
from gradcli.ops.nodes import saved_by
from gradcli.record import Record

FOLDER = Path(__file__).parent
NAMESPACES = {
    "Tensor": "x.", "autograd": "torch.autograd.", "linalg": "linalg.", "special": "special.", "torch": "torch.",
}  # fmt: skip


class Gradient(Record):
    """A recorded operation: its node, the tensors it saves, and the formula of each input's gradient, as source."""

    grad_fn: str
    formulas: dict[str, str]
    saves: list[str]


class Description(Record):
    """One overload of an operation. `computes` is its forward as source, or in words.

    `gradients` are those of the row itself or, of a composition, those of the rows that it is made of. `example` is
    a spec.
    """

    name: str
    family: str
    signature: str
    computes: str
    gradients: list[Gradient]
    aliases: list[str]
    method: bool
    inplace: bool
    example: str


class Declaration(Record):
    """What declares a row: a call of `op`, or a function under `composite`, in the module `family`."""

    family: str
    node: Any
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
        list(gradients(row)),
        sorted(alias for alias, known in frontend.ALIAS_NAMES.items() if known == row.name),
        frontend.is_method(row) or space == "Tensor",
        isinstance(row, Op) and frontend.is_method(row) and frontend.has_inplace(row),
        example(row),
    )


@cache
def declarations() -> dict[tuple[str, str], Declaration]:
    """The declarations of all rows, by module and pattern of their schemas: one in a function serves several rows."""
    found = {}
    for file in sorted(FOLDER.glob("*.py")):
        module = ast.parse(file.read_text(encoding="utf-8"))
        functions = {node.name: node for node in module.body if isinstance(node, ast.FunctionDef)}
        for node in ast.walk(module):
            for schema in schemas_in(node):
                found[file.stem, pattern_of(schema, file.stem)] = Declaration(file.stem, node, functions)
    return found


def schemas_in(node: ast.AST) -> Iterator[ast.expr]:
    """What stands for the schema, if `node` declares a row: `op(...)`, `composite(...)(...)`, a decorated function."""
    if isinstance(node, ast.Call) and called(node) == "op":
        yield node.args[0]
    for part in node.decorator_list if isinstance(node, ast.FunctionDef) else [getattr(node, "func", None)]:
        if isinstance(part, ast.Call) and called(part) == "composite":
            yield part.args[0]


@cache
def exact_declarations() -> dict[str, Declaration]:
    return {pattern: declaration for (_, pattern), declaration in declarations().items() if ANYTHING not in pattern}


def declaration_of(row: Op | Composite) -> Declaration:
    """The declaration of the row's schema; of several that may be it, one of its own module, in the closest words."""
    if declaration := exact_declarations().get(re.escape(row.text)):
        return declaration
    function = row.function if isinstance(row, Composite) else row.forward
    module = getattr(function, "__module__", "").rpartition(".")[2]
    return declarations()[max(
        (key for key in declarations() if ANYTHING in key[1] and re.fullmatch(key[1], row.text)),
        key=lambda key: (module == key[0], len(key[1])),
    )]  # fmt: skip


def called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else ""


ANYTHING = ".*"


def pattern_of(node: ast.expr, module: str) -> str:
    """The text that `node` writes, as a regular expression: constants of the module (such as FACTORY) in braces are
    filled in, anything may stand for other names.
    """
    if isinstance(node, ast.JoinedStr):
        return "".join(pattern_of(part, module) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        constant = isinstance(node.value, ast.Name) and node.value.id.isupper()
        value = getattr(import_module(f"gradcli.ops.{module}"), ast.unparse(node.value)) if constant else None
        return ANYTHING if value is None else re.escape(value)
    return re.escape(str(node.value)) if isinstance(node, ast.Constant) else ANYTHING


def computation(row: Op | Composite, declaration: Declaration) -> str:
    """The forward as an expression, if it is one; else what its docstring says, or a call of it."""
    node = declaration.node
    if isinstance(node, ast.FunctionDef):
        return in_short(node)
    forward = node.args[-1 if isinstance(row, Composite) else 2]
    if isinstance(forward, ast.Lambda):
        return source(forward.body)
    text = source(forward)
    if isinstance(row, Op) and isinstance(row.forward, SpecialFunction):
        text = f"scipy.special.{row.forward.function}"
    short = in_short(declaration.functions[text]) if text in declaration.functions else ""
    return short or f"{text}({', '.join(parameter.name for parameter in row.schema.parameters)})"


def in_short(function: ast.FunctionDef) -> str:
    """The first line of the docstring; without one, what the function returns, if it does so in one place."""
    if docstring := ast.get_docstring(function):
        return docstring.partition("\n")[0]
    values = [node.value for node in ast.walk(function) if isinstance(node, ast.Return)]
    return source(values[0]) if len(values) == 1 and values[0] and not isinstance(values[0], ast.Name) else ""


def gradients(row: Op | Composite) -> Iterator[Gradient]:
    if isinstance(row, Composite):
        for part in parts_of(row.function):
            yield from gradients(part)
    elif row.grad_fn is not None:
        yield Gradient(
            row.grad_fn,
            formulas(row, declaration_of(row).node),
            [item.name for item in saved_by(row) if item.is_tensor],
        )


def parts_of(function: Any) -> list[Op]:
    """The differentiable rows that a composition names, itself or, where it names none but views, by its helpers."""
    seen: list[FunctionType] = []
    level = [function]
    rows: list[Op] = []
    while level and all(row.view for row in rows):
        seen += level
        named = list(dict.fromkeys(value for one in level for value in named_by(one)))
        rows += [value for value in named if isinstance(value, Op) and value.grad_fn and value not in rows]
        helpers = [value.function if isinstance(value, Composite) else value for value in named]
        level = [one for one in helpers if isinstance(one, FunctionType) and one not in seen]
    return rows


def named_by(function: FunctionType) -> Iterator[Op | Composite | FunctionType]:
    """The rows and the helpers that a function names: of its module, or of the function that made it."""
    values = [cell.cell_contents for cell in function.__closure__ or ()]
    codes = [function.__code__]
    for code in codes:
        codes += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
        names = [step.argval for step in get_instructions(code) if step.opname == "LOAD_GLOBAL"]
        values += [function.__globals__.get(name) for name in names]
    values += [item for value in values if isinstance(value, dict) for item in value.values()]
    values += [value.func for value in values if isinstance(value, partial)]
    for value in values:
        if isinstance(value, Op | Composite) or getattr(value, "__module__", "").startswith("gradcli.ops."):
            yield value


def formulas(row: Op, node: ast.Call) -> dict[str, str]:
    given = {keyword.arg: keyword.value for keyword in node.keywords}
    names = [parameter.name for parameter in row.differentiable]
    if row.joint is not None:
        return {", ".join(names): formula(given["joint"])}
    return {name: formula(given[name]) if name in given else formula_of_origin(row, name) for name in names}


def formula_of_origin(row: Op, name: str) -> str:
    """The formula that `row` shares with the row that it is made of, if it is."""
    for other in (other for rows in frontend.TABLE.values() for other in rows):
        if isinstance(other, Op) and other is not row and other.formulas.get(name) is row.formulas[name]:
            keywords = {keyword.arg: keyword.value for keyword in declaration_of(other).node.keywords}
            if name in keywords:
                return formula(keywords[name])
    return ""


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
