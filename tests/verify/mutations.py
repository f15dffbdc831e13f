"""The formulas of the operation table with one token changed, each a mistake that a check of gradients must find."""

from __future__ import annotations

import ast
import copy
import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FunctionType
from typing import Any, NamedTuple, TypeVar

import numpy as np

import gradcli.ops
from gradcli.ops import define
from gradcli.ops.define import TABLE, Op, names_used

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
    """A formula of one of `rows`, or a function that their formulas call, with one token changed: `text`."""

    rows: tuple[Op, ...]
    name: str
    text: str
    install: Callable[[Any], Any]  # of the other formula, or function; gives the one that was there
    changed: Any


def mutations() -> Iterator[Mutation]:
    """Every one of them, in the order of the files."""
    modules = [
        importlib.import_module(f"gradcli.ops.{found.name}") for found in pkgutil.iter_modules(gradcli.ops.__path__)
    ]
    rows = {row.text: row for rows in TABLE.values() for row in rows if isinstance(row, Op)}
    callers = callers_of_helpers()
    for module in modules:
        for node in ast.walk(ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "op":
                row = rows.get(str(node.args[0].value)) if isinstance(node.args[0], ast.Constant) else None
                for keyword in node.keywords if row is not None else ():
                    if isinstance(keyword.value, ast.Lambda) and row is not None and is_formula(row, keyword.arg):
                        for changed in changes(keyword.value):
                            yield Mutation(
                                (row,),
                                f"{row.text} {keyword.arg}",
                                ast.unparse(changed),
                                partial(set_formula, row, str(keyword.arg)),
                                evaluated(ast.Expression(changed), module),
                            )
            elif isinstance(node, ast.FunctionDef) and vars(module).get(node.name) in callers:
                for other in changes(node):
                    yield Mutation(
                        tuple(callers[vars(module)[node.name]]),
                        f"{module.__name__}.{node.name}",
                        ast.unparse(other),
                        partial(set_helper, node.name),
                        evaluated(ast.Module([other], []), module, node.name),
                    )


def is_formula(row: Op, name: str | None) -> bool:
    return name in row.formulas or (name == "joint" and row.joint is not None)


def evaluated(tree: ast.Expression | ast.Module, module: Any, name: str | None = None) -> Any:
    """What `tree` stands for in `module`: the value of an expression, or the function that it defines."""
    code = compile(ast.fix_missing_locations(tree), str(module.__file__), "eval" if name is None else "exec")
    if name is None:
        return eval(code, vars(module))
    before = vars(module)[name]
    exec(code, vars(module))
    changed = vars(module)[name]
    setattr(module, name, before)
    return changed


def callers_of_helpers() -> dict[FunctionType, list[Op]]:
    """The functions that nothing but formulas calls, and the rows whose formulas do."""
    forward: set[FunctionType] = set()
    callers: dict[FunctionType, list[Op]] = {}
    for row in [row for rows in TABLE.values() for row in rows]:
        reached: set[FunctionType] = set()
        if isinstance(row, Op):
            reach(row.forward, forward)
            for formula in [row.joint] if row.joint is not None else row.formulas.values():
                reach(formula, reached)
            for function in reached:
                callers.setdefault(function, []).append(row)
        else:
            reach(row.function, forward)
    return {function: rows for function, rows in callers.items() if function not in forward}


def reach(function: Any, found: set[FunctionType]) -> None:
    """Add `function` and the functions that it calls."""
    if isinstance(function, FunctionType) and function.__module__.startswith("gradcli.ops.") and function not in found:
        found.add(function)
        for name in names_used(function.__code__):
            reach(function.__globals__.get(name), found)


def set_formula(row: Op, name: str, formula: Any) -> Any:
    if name == "joint":
        before, row.joint = row.joint, formula
    else:
        before, row.formulas = row.formulas[name], {**row.formulas, name: formula}
    return before


def set_helper(name: str, function: Any) -> Any:
    """In all modules that know the function of that name."""
    before = None
    for found in pkgutil.iter_modules(gradcli.ops.__path__):
        module = importlib.import_module(f"gradcli.ops.{found.name}")
        known = vars(module).get(name)
        if isinstance(known, FunctionType) and known.__module__ == function.__module__:
            before = known
            setattr(module, name, function)
    return before


@contextmanager
def installed(mutation: Mutation) -> Iterator[None]:
    """The table with the mutation, as if it stood there."""
    before = mutation.install(mutation.changed)
    forget(mutation.rows)
    try:
        with np.errstate(all="ignore"):
            yield
    finally:
        mutation.install(before)
        forget(mutation.rows)


def forget(rows: Iterable[Op]) -> None:
    """Have the rows' functions, and what their formulas are on arrays, made anew at their next use."""
    define._on_arrays.clear()
    for row in rows:
        for name in ("node_class", "call", "inplace"):
            row.__dict__.pop(name, None)


Code = TypeVar("Code", ast.Lambda, ast.FunctionDef)


def changes(formula: Code) -> Iterator[Code]:
    """The formula with one token of its body changed, for each that can be."""
    for place, _ in enumerate(inside(formula)):
        changed = copy.deepcopy(formula)
        node = list(inside(changed))[place]
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


def inside(formula: ast.Lambda | ast.FunctionDef) -> Iterator[ast.AST]:
    """The nodes of the body."""
    for part in formula.body if isinstance(formula, ast.FunctionDef) else [formula.body]:
        yield from ast.walk(part)
