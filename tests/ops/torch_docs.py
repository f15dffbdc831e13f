"""The examples in torch's own documentation: what its functions and methods print in their docstrings."""

from __future__ import annotations

import ast
import doctest
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch

from .make_torch_names import NAMESPACES, is_function

UNWRITTEN = {"empty", "empty_like", "empty_strided", "empty_permuted", "new_empty", "new_empty_strided"}
OF_THE_PROCESS = ("set_", "use_")


class Statement(NamedTuple):
    """`names = expression`, or an expression alone; `words` are all the names and attributes in it."""

    names: list[str]
    expression: str
    words: set[str]


def documented() -> Iterator[tuple[str, list[Statement]]]:
    """The functions that have examples, each with their statements, up to one that is no expression."""
    for space, namespace in NAMESPACES.items():
        for name in dir(namespace):
            function = getattr(namespace, name)
            if not name.startswith("_") and is_function(function):
                yield f"{space}.{name}", statements(function.__doc__ or "")


def statements(text: str) -> list[Statement]:
    found: list[Statement] = []
    try:
        examples = doctest.DocTestParser().get_examples(text)
    except ValueError:  # badly indented
        return found
    for example in examples:
        try:
            parsed = ast.parse(example.source)
        except SyntaxError:
            return found
        for node in parsed.body:
            statement = read(node)
            if statement is None or any(
                word in UNWRITTEN or word.startswith(OF_THE_PROCESS) for word in statement.words
            ):
                return found
            found.append(statement)
    return found


def read(node: ast.stmt) -> Statement | None:
    if isinstance(node, ast.Expr):
        names: list[str] = []
    elif isinstance(node, ast.Assign) and len(node.targets) == 1:
        target = node.targets[0]
        parts = target.elts if isinstance(target, ast.Tuple) else [target]
        names = [part.id for part in parts if isinstance(part, ast.Name)]
        if len(names) < len(parts):
            return None
    else:
        return None
    value = node.value
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "print":
        value = value.args[0]
    words = {part.id for part in ast.walk(value) if isinstance(part, ast.Name)}
    words |= {part.attr for part in ast.walk(value) if isinstance(part, ast.Attribute)}
    words |= {part.arg for part in ast.walk(value) if isinstance(part, ast.keyword) and part.arg}
    return Statement(names, ast.unparse(value), words)


def evaluate(expression: str, names: dict[str, Any]) -> Any:
    torch.manual_seed(0)
    return eval(expression, {"torch": torch, "F": torch.nn.functional, "math": math}, names)
