"""The tree of an expression or a one-line statement: what the user wrote, and where, and nothing looked up.

Nodes are compared by identity: the same text at two places is two nodes. Trees may be deeper than Python's
recursion limit (a sum of 2,000 terms is), so whoever reads one goes through it with a stack, as `walk` does.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import EllipsisType
from typing import Literal, TypeAlias

from gradcli.record import Record, field


class Node(Record):
    """What stands in the text at `start:end`."""

    start: int = field(kw_only=True)
    end: int = field(kw_only=True)

    def children(self) -> tuple[Node, ...]:
        """The nodes directly below, in the order of the text."""
        return ()


class Constant(Node):
    """A literal; a minus sign before a number belongs to it. Integers fit in int64."""

    value: int | float | complex | bool | str | EllipsisType | None


class Name(Node):
    """A name, or a module's member in dotted form (`torch.float64`)."""

    id: str


class Keyword(Node):
    """`name=value` among the arguments of a call."""

    name: str
    value: Expr

    def children(self) -> tuple[Node, ...]:
        return (self.value,)


class Call(Node):
    """A function called by its name, which may be dotted: `sum(x)`, `torch.linalg.svd(a)`."""

    function: str
    args: tuple[Expr, ...]
    keywords: tuple[Keyword, ...]

    def children(self) -> tuple[Node, ...]:
        return (*self.args, *self.keywords)


class Method(Node):
    """A method called on a value: `x.sum()`. Its name stands at `name_start`."""

    target: Expr
    name: str
    args: tuple[Expr, ...]
    keywords: tuple[Keyword, ...]
    name_start: int

    def children(self) -> tuple[Node, ...]:
        return (self.target, *self.args, *self.keywords)


class Attribute(Node):
    """An attribute of a value: `w.grad`. Its name ends where the node ends."""

    target: Expr
    name: str

    @property
    def name_start(self) -> int:
        return self.end - len(self.name)

    def children(self) -> tuple[Node, ...]:
        return (self.target,)


class Subscript(Node):
    """`target[index]`; several indices are one `TupleOf`."""

    target: Expr
    index: Expr

    def children(self) -> tuple[Node, ...]:
        return (self.target, self.index)


class Slice(Node):
    """`lower:upper:step` within a subscript; what is left out is None."""

    lower: Expr | None
    upper: Expr | None
    step: Expr | None

    def children(self) -> tuple[Node, ...]:
        return tuple(part for part in (self.lower, self.upper, self.step) if part is not None)


class TupleOf(Node):
    items: tuple[Expr, ...]

    def children(self) -> tuple[Node, ...]:
        return self.items


class ListOf(Node):
    items: tuple[Expr, ...]

    def children(self) -> tuple[Node, ...]:
        return self.items


class Operator(Node):
    """An operator under torch's name for it: `add`, `matmul`, `neg`, `lt`; `is None` is `is_none`."""

    name: str
    operands: tuple[Expr, ...]

    def children(self) -> tuple[Node, ...]:
        return self.operands


class Logical(Node):
    """`and` and `or` of two or more truth values, in order and lazily; `not` of one."""

    name: Literal["and", "or", "not"]
    operands: tuple[Expr, ...]

    def children(self) -> tuple[Node, ...]:
        return self.operands


Expr: TypeAlias = (
    Constant | Name | Call | Method | Attribute | Subscript | Slice | TupleOf | ListOf | Operator | Logical
)
Target: TypeAlias = Name | Attribute | Subscript


class Assign(Node):
    """`target = value`, or with `unpack` one target for each item of the value."""

    targets: tuple[Target, ...]
    unpack: bool
    value: Expr

    def children(self) -> tuple[Node, ...]:
        return (*self.targets, self.value)


class AugmentedAssign(Node):
    """`target += value`; `operator` is the `Operator` name (`add`)."""

    operator: str
    target: Target
    value: Expr

    def children(self) -> tuple[Node, ...]:
        return (self.target, self.value)


class Delete(Node):
    """`del a, b`."""

    names: tuple[Name, ...]

    def children(self) -> tuple[Node, ...]:
        return self.names


class Effect(Node):
    """An expression standing alone, mostly a call made for its effect: `loss.backward()`."""

    value: Expr

    def children(self) -> tuple[Node, ...]:
        return (self.value,)


Statement: TypeAlias = Assign | AugmentedAssign | Delete | Effect


def walk(root: Node) -> Iterator[Node]:
    """`root` and every node below it, parents first, in the order of the text."""
    pending = [root]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(reversed(node.children()))


def names_in(root: Node) -> Iterator[Name]:
    """The names whose values are read below `root`: neither functions called by name nor modules' members."""
    return (node for node in walk(root) if isinstance(node, Name) and "." not in node.id)
