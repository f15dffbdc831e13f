"""The formulas of the operation table with one token changed, each a mistake that a check of gradients must find."""

from __future__ import annotations

import ast
import copy
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import gradcli.ops
from gradcli.ops.define import TABLE, Op

OTHER_OPERATOR: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult,
}  # fmt: skip
OTHER_COMPARISON: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.Gt, ast.Gt: ast.Lt, ast.LtE: ast.GtE, ast.GtE: ast.LtE, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
}  # fmt: skip
OTHER_NAME = {
    "sin": "cos", "cos": "sin", "sinh": "cosh", "cosh": "sinh", "exp": "log", "log": "exp", "self": "grad",
    "result": "grad", "other": "grad", "tanh": "sin", "sqrt": "square", "square": "sqrt", "sum": "mean",
}  # fmt: skip


class Mutation(NamedTuple):
    """The formula of `op` for its input `name` (`joint`: all of them), with one token changed: `text`."""

    op: Op
    name: str
    text: str
    formula: Any


def mutations() -> Iterator[Mutation]:
    """Every one of them, in the order of the files."""
    for found in pkgutil.iter_modules(gradcli.ops.__path__):
        module = importlib.import_module(f"gradcli.ops.{found.name}")
        rows = {row.text: row for rows in TABLE.values() for row in rows if isinstance(row, Op)}
        tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "op":
                row = rows.get(str(call.args[0].value)) if isinstance(call.args[0], ast.Constant) else None
                for keyword in call.keywords if row is not None else ():
                    if isinstance(keyword.value, ast.Lambda) and keyword.arg is not None and row is not None:
                        for changed in changes(keyword.value):
                            code = compile(
                                ast.fix_missing_locations(ast.Expression(changed)), str(module.__file__), "eval"
                            )
                            if keyword.arg in row.formulas or keyword.arg == "joint":
                                text = ast.unparse(changed)
                                yield Mutation(row, keyword.arg, text, eval(code, vars(module)))


def changes(formula: ast.Lambda) -> Iterator[ast.Lambda]:
    """The formula with one token of its body changed, for each that can be."""
    for place, _ in enumerate(ast.walk(formula.body)):
        changed = copy.deepcopy(formula)
        node = list(ast.walk(changed.body))[place]
        parameters = {argument.arg for argument in formula.args.args}
        if isinstance(node, ast.BinOp) and type(node.op) in OTHER_OPERATOR:
            node.op = OTHER_OPERATOR[type(node.op)]()
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            node.op = ast.UAdd()
        elif isinstance(node, ast.Compare) and type(node.ops[0]) in OTHER_COMPARISON:
            node.ops = [OTHER_COMPARISON[type(node.ops[0])]()]
        elif (
            isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool)
        ):
            node.value += 1
        elif isinstance(node, ast.Name) and node.id in OTHER_NAME:
            other = OTHER_NAME[node.id]
            if node.id in parameters and other not in parameters:
                continue
            node.id = other
        else:
            continue
        yield changed
