"""The names of a script: the spec's own, changed only where Python or the script itself needs them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from typing import Any

from gradcli.record import Record
from gradcli.spec import steps, tree
from gradcli.spec.steps import Expression, Spec, Step

# Python's own that scripts call
BUILTINS = frozenset({
    "AssertionError", "Exception", "bytearray", "complex", "enumerate", "float", "isinstance", "iter", "len", "list",
    "next", "open", "print", "range", "str", "sum", "tuple", "type",
})  # fmt: skip


class Names:
    """What the names of a spec are called in its script, and new names for what only the script has.

    `own` are the names of what the script imports or defines; a spec's name that is one of them gets a `_`. So does a
    declared function that is called as a value is.
    """

    def __init__(self, spec: Spec, own: Iterable[str]) -> None:
        self.bound = set(bound_in(spec.pipeline)) | {entry.name for entry in spec.tensors}
        values = {*self.bound, *spec.params, *spec.matrix, *_hook_names(spec.pipeline)}
        for entry in spec.functions:
            values.update((*entry.parameters, "grad", "result"))
        self.taken = {*own, *BUILTINS}
        self.first: dict[str, str] = {}  # of names for what has had another before: the first
        self.values = {name: self.fresh(name) for name in sorted(values)}
        self.functions = {entry.name: self.fresh(entry.name) for entry in spec.functions}

    def numbered(self, letter: str) -> str:
        """A name for what has none: `t1`, `t2`, ..."""
        return next(self.fresh(one) for one in (f"{letter}{place}" for place in count(1)) if one not in self.taken)

    def another(self, name: str) -> str:
        """A name for what has had `name` so far: `y_2`, `y_3`, ..."""
        known = self.first.get(name, name)
        found = next(f"{known}_{place}" for place in count(2) if f"{known}_{place}" not in self.taken)
        self.first[found] = known
        return self.fresh(found)

    def fresh(self, name: str) -> str:
        """`name`, or something like it that nothing else is called."""
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        return name


def bound_in(todo: Sequence[Step]) -> Iterator[str]:
    """The names that steps bind."""
    for step in every(todo):
        if isinstance(step, steps.Bind | steps.Repeat):
            yield from () if step.name is None else (step.name,)
        elif isinstance(step, steps.Line) and isinstance(step.statement, tree.Assign | tree.AugmentedAssign):
            statement = step.statement
            targets = statement.targets if isinstance(statement, tree.Assign) else (statement.target,)
            yield from (target.id for target in targets if isinstance(target, tree.Name))


def _hook_names(todo: Sequence[Step]) -> Iterator[str]:
    return (step.name for step in every(todo) if isinstance(step, steps.Hook))


def every(todo: Sequence[Step]) -> Iterator[Step]:
    """All steps, those inside others after them."""
    for step in todo:
        yield step
        yield from every(getattr(step, "steps", ()))


def trees_in(part: Any) -> Iterator[Any]:
    """The trees of all expressions in a part of a spec."""
    if isinstance(part, Expression):
        yield part.tree
    elif isinstance(part, tree.Node):
        yield part
    elif isinstance(part, list | tuple):
        for item in part:
            yield from trees_in(item)
    elif isinstance(part, dict):
        yield from trees_in(list(part.values()))
    elif isinstance(part, Record):
        yield from trees_in([getattr(part, field) for field in part.fields])
