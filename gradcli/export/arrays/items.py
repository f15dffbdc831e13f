"""What a script has of a value: its tree, and what it is in the engine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from gradcli.engine.device import np
from gradcli.engine.node import DEAD_END
from gradcli.engine.tensor import Tensor
from gradcli.evaluate import Scope
from gradcli.export.arrays.table import parsed
from gradcli.export.arrays.watch import MarkedFloat, MarkedInt
from gradcli.export.python import PLACE, literal
from gradcli.ops.define import Op
from gradcli.record import Record, field
from gradcli.spec import tree
from gradcli.spec.steps import Expression, FunctionEntry

GRAPH_ONLY = frozenset(
    {"grad_fn", "requires_grad", "is_leaf", "retains_grad", "_version", "next_functions", "name", "device"}
)


class Item(Record):
    """A part of an expression: its tree in the script, and what it is in the engine."""

    tree: Any
    value: Any

    @property
    def active(self) -> bool:
        """Whether a gradient flows through it."""
        return any(one.edge is not None and one.edge is not DEAD_END for one in tensors_in(self.value))


class Operation(Record):
    """A row, or a function with a backward of its own, at work: arguments as trees and values, and its results."""

    op: Op | FunctionEntry
    trees: dict[str, Any]
    values: dict[str, Any]
    results: tuple[Any, ...]
    drawn: list[Any] | None = None  # the results, if they are random
    flows: Sequence[tuple[str, int | None]] = ()  # the inputs that had gradients when it was recorded

    @property
    def inputs(self) -> list[tuple[str, int | None]]:
        """The tensors that may have gradients: parameters, and places in those that are lists; as edges are."""
        if isinstance(self.op, FunctionEntry):
            return [(parameter, None) for parameter in self.op.parameters]
        found: list[tuple[str, int | None]] = []
        for parameter in self.op.differentiable:
            places = range(len(self.values[parameter.name])) if parameter.is_list else [None]
            found += [(parameter.name, place) for place in places]
        return found

    def input(self, parameter: str, place: int | None) -> Item:
        made, value = self.trees[parameter], self.values[parameter]
        return Item(made, value) if place is None else Item(made.items[place], value[place])

    @property
    def active(self) -> list[tuple[str, int | None]]:
        return [one for one in self.inputs if self.input(*one).active]


Keep = Callable[[Operation], Sequence[Item]]


class Reading(Record):
    """How an expression is read: what its names are besides bindings, and who is told of operations with gradients."""

    expression: Expression
    scope: Scope
    local: dict[str, Item] = field(default_factory=dict)
    keep: Keep | None = None
    inside: bool = False  # a function, which sees `local` and params only
    lines: bool = True  # whether lines may be written for what is needed twice


class Trees:
    """The trees of tensors, which are known by who they are, or else by their numbers."""

    def __init__(self) -> None:
        self._tensors: dict[int, tuple[Tensor, Any, Any]] = {}
        self._arrays: dict[int, tuple[Any, Any]] = {}

    def add(self, value: Tensor, made: Any) -> None:
        self._tensors[id(value)] = value, value.memory, made
        if value.mirror is None:
            self._arrays[id(value.array)] = value.array, made

    def add_all(self, value: Any, made: Any) -> None:
        """A tensor, or a list of them whose tree has items."""
        if isinstance(value, Tensor):
            self.add(value, made)
        elif isinstance(value, list | tuple):
            for place, one in enumerate(value):
                self.add_all(one, part_of(made, place))

    def of(self, value: Tensor) -> Any:
        _, array, made = self._tensors.get(id(value), (None, None, None))
        if array is value.memory:
            return made
        return None if value.mirror is not None else self._arrays.get(id(value.array), (None, None))[1]


def tensors_in(value: Any) -> Iterator[Tensor]:
    """A tensor, or those in a list."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for one in value:
            yield from tensors_in(one)


def numbers_in_arguments(value: Any) -> Iterator[Any]:
    if isinstance(value, MarkedInt | MarkedFloat):
        yield value
    elif isinstance(value, list | tuple | dict):
        for one in value.values() if isinstance(value, dict) else value:
            yield from numbers_in_arguments(one)


def short(array: Any) -> Any:
    """Numbers in as few digits as tell them from others of their dtype."""
    if array.dtype.name not in ("float16", "float32"):
        return array
    return np.array([float(str(one)) for one in array.ravel()]).reshape(array.shape)


def type_of_list(value: Any) -> Any:
    return tree.TupleOf if isinstance(value, tuple) else tree.ListOf


def part_of(made: Any, place: int) -> Any:
    """The tree of an item of what is a tuple or a list."""
    if isinstance(made, tree.TupleOf | tree.ListOf):
        return made.items[place]
    return tree.Subscript(made, literal(place), **PLACE)


def items_of(item: Item) -> list[Item]:
    """An item, or those of a list."""
    if not isinstance(item.value, list | tuple):
        return [item]
    return [Item(part_of(item.tree, place), one) for place, one in enumerate(item.value)]


def used_twice(text: Any) -> list[str]:
    """The words that a text has more than once."""
    if not isinstance(text, str):
        return []
    words = Counter(node.id for node in tree.walk(parsed(text)) if isinstance(node, tree.Name))
    return [word for word, count in words.items() if count > 1]


def is_simple(made: Any) -> bool:
    """Whether a tree is as well written twice as given a name."""
    while isinstance(made, tree.Attribute):
        made = made.target
    return isinstance(made, tree.Name | tree.Constant)


def written_in(node: Any) -> str:
    """What an operation is called where it is written."""
    if isinstance(node, tree.Call):
        return node.function.rpartition(".")[2]
    written: str = node.name
    return written


def is_grad(node: Any) -> bool:
    return isinstance(node, tree.Attribute) and node.name == "grad"


def asks_the_graph(root: Any) -> bool:
    """Whether an expression reads what only a graph has."""
    return any(isinstance(node, tree.Attribute) and node.name in GRAPH_ONLY for node in tree.walk(root))
