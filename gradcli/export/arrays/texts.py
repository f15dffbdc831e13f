"""What the texts of rows are: words of NumPy in which a row's parameters stand for what they are where it is used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradcli.engine.device import np
from gradcli.engine.tensor import Tensor
from gradcli.export.python import PLACE, literal, name
from gradcli.record import Record
from gradcli.spec import tree


class Use(Record):
    """A row where it is used: trees and values of its arguments by parameter, and its results in the engine."""

    trees: dict[str, Any]
    values: dict[str, Any]
    results: tuple[Any, ...]

    def word(self, word: str) -> Any:
        """What a word of a text stands for; None if for nothing but itself."""
        known = self.trees.get(word)
        if isinstance(known, tree.ListOf) and len(known.items) == 1 and isinstance(self.values[word][0], Tensor):
            return tree.TupleOf(known.items, **PLACE)  # of lists of one number the number is taken
        if known is None and word == "shape" and self.results:
            known = tree.TupleOf(tuple(map(literal, self.results[0].shape)), **PLACE)
        if known is None and word == "dtype" and self.results:
            dtype = self.results[0].dtype.name
            known = name(f"np.{dtype}" + ("_" if dtype == "bool" else ""))
        return known

    def rank(self, parameter: str = "self") -> int:
        rank: int = self.values[parameter].ndim
        return rank

    def size(self, dim: int, parameter: str = "self") -> int:
        shape: tuple[int, ...] = self.values[parameter].shape
        return shape[dim % len(shape)] if shape else 1


# a text or a tree; several for several results
Made = str | list[str] | tree.Node | list[tree.Node] | None
Template = str | list[str] | Callable[[Use], Made]

TEXTS: dict[str, Template] = {}


def text(names: str, template: Template) -> None:
    """Declare the text of rows, by name or by name and overload."""
    TEXTS.update(dict.fromkeys(names.split(), template))


def times(parameter: str, product: str) -> Callable[[Use], str]:
    """A product with a number, which is left out if it is 1."""
    return lambda use: product if is_one(use.values[parameter]) else f"{parameter} * {product}"


def is_one(value: Any) -> bool:
    return isinstance(value, int | float) and value == 1


def at(use: Use, dim: int, part: str) -> str:
    """A subscript of one dimension."""
    return ":, " * (dim % use.rank()) + part


def with_dims(made: Template, number: Made = None) -> Callable[[Use], Made]:
    """A text for what has dimensions, and another one, or none, for what is one number."""
    return lambda use: (made(use) if callable(made) else made) if use.rank() else number


def of_kinds(kinds: str, made: Template, other: Made = None) -> Callable[[Use], Made]:
    """A text for `self` of some kinds of dtype, and another one, or none, for all others."""
    return lambda use: (made(use) if callable(made) else made) if use.values["self"].dtype.kind in kinds else other


def are_finite(use: Use) -> bool:
    return all(bool(np.isfinite(one.array).all()) for one in use.results)
