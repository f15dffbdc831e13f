"""Which rows of the table an expression, a composition or a formula calls, and with what."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from gradcli.engine.dtypes import barebones
from gradcli.engine.mode import grad_mode, set_grad_enabled
from gradcli.engine.tensor import Tensor
from gradcli.export.arrays.picked import SUBSCRIPTS
from gradcli.export.python import PLACE, literal
from gradcli.ops import frontend, generate
from gradcli.ops.define import Op
from gradcli.record import Record
from gradcli.spec import tree

# rows that give a tensor another shape, which is then the tensor's own
RESHAPING = frozenset({"_squeeze_", "_unsqueeze_", "_t_", "_transpose_", "_as_strided_", "_resize_", "_set_"})


class MarkedInt(int):
    """A number that is not written as one: what is called with it has its tree, and what is computed of it has one."""

    tree: Any


class MarkedFloat(float):
    tree: Any


def marked(number: Any, made: Any) -> Any:
    """A number with a tree, unless that is the number; other values stay what they are."""
    kind: Any = {int: MarkedInt, float: MarkedFloat}.get(type(number))
    if kind is None or isinstance(made, tree.Constant):
        return number
    found = kind(number)
    found.tree = made
    return found


def tree_of(number: Any) -> Any:
    return number.tree if isinstance(number, MarkedInt | MarkedFloat) else literal(number)


def arithmetic(name: str, function: Callable[..., Any], swapped: bool) -> Callable[..., Any]:
    def compute(self: Any, *others: Any) -> Any:
        operands = (*others, self) if swapped else (self, *others)
        if not all(isinstance(one, int | float) for one in operands):
            return NotImplemented
        made = tree.Operator(name, tuple(map(tree_of, operands)), **PLACE)
        return marked(function(*map(plain, operands)), made)

    return compute


def _install() -> None:
    names = {"add": "add", "sub": "sub", "mul": "mul", "truediv": "div", "floordiv": "floor_divide", "mod": "remainder"}
    for kind in (MarkedInt, MarkedFloat):
        for python, name in (*names.items(), ("pow", "pow"), ("neg", "neg")):
            for prefix in ("",) if python == "neg" else ("", "r"):
                setattr(kind, f"__{prefix}{python}__", arithmetic(name, getattr(operator, python), prefix == "r"))


def plain(value: Any) -> Any:
    """A value as rows take it, without marks."""
    if isinstance(value, list | tuple) and type(value) in (list, tuple):
        return type(value)(map(plain, value))
    if isinstance(value, MarkedInt):
        return int(value)
    return float(value) if isinstance(value, MarkedFloat) else value


class Called(Record):
    """A row that was called: the arguments by parameter, and all that it gave.

    `drawn` is a copy of random results. Where `overwritten` is a tensor, it was `self`, and is now the result; among
    the arguments is a copy of what it was.
    """

    op: Op
    arguments: dict[str, Any]
    results: tuple[Any, ...]
    drawn: tuple[Tensor, ...] = ()
    overwritten: Tensor | None = None
    recorded: bool = True  # whether the engine put it into the graph, if a gradient flows through it


class Watch:
    """Sees each call of a row of the table on Tensors, once `watching` has begun."""

    def __init__(self) -> None:
        self.calls: list[Called] | None = None

    def during(self, compute: Callable[[], Any], recording: bool | None = None) -> tuple[Any, list[Called]]:
        """What `compute` gives, and the calls that it made; `recording` is as for grad mode."""
        self.calls = []
        try:
            if recording is None:
                value = compute()
            else:
                with set_grad_enabled(recording):
                    value = compute()
            return value, self.calls
        finally:
            self.calls = None

    def seen(self, op: Op, run: Callable[..., Any] | None, inplace: bool) -> Callable[..., Any]:
        """`run`, which calls `op`, seen; it is compiled when it is first called, if it is None."""

        def call(*args: Any, **keywords: Any) -> Any:
            nonlocal run
            if run is None:
                run = generate.dispatch(op, inplace)
            if self.calls is None:
                return run(*args, **keywords)
            parameters = op.schema.parameters
            given = {parameter.name: parameter.default for parameter in parameters}
            given.update(zip(given, args, strict=False), **keywords)
            overwritten = given["self"] if inplace or op.name in RESHAPING else None
            if overwritten is not None:
                given["self"] = Tensor(overwritten.array.copy(), overwritten.edge)
            result = run(*map(plain, args), **{known: plain(value) for known, value in keywords.items()})
            results = result if isinstance(result, tuple) else (result,)
            drawn = tuple([Tensor(one.array.copy()) for one in results]) if op.draws else ()
            self.calls.append(Called(op, given, results, drawn, overwritten, grad_mode.enabled))
            return result

        return call


_install()


@contextmanager
def watching() -> Iterator[Watch]:
    """While the block lasts, a Watch sees the calls."""
    watch = Watch()
    barebones.use()  # which would compile the rows anew, meanwhile
    rows = [row for rows in frontend.table().values() for row in rows if isinstance(row, Op)] + list(SUBSCRIPTS)
    kinds = {"call": False, "inplace": True}
    known = [{kind: row.__dict__.get(kind) for kind in kinds} for row in rows]
    for row, functions in zip(rows, known, strict=True):
        for kind, inplace in kinds.items():
            row.__dict__[kind] = watch.seen(row, functions[kind], inplace)
    try:
        yield watch
    finally:
        for row, functions in zip(rows, known, strict=True):
            for kind, function in functions.items():
                del row.__dict__[kind]
                if function is not None:
                    row.__dict__[kind] = function
