"""The tensors that samples name: drawn from a seed by Python's own generator, so that any engine can have them."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any, NamedTuple

SEED = 213  # of the frozen answers

Draw = Callable[[random.Random], Any]


class Input(NamedTuple):
    """Nested lists with the kind of dtype they are meant for: "float", "complex", or a dtype's own name."""

    values: Any
    kind: str


class Recipe(NamedTuple):
    kind: str
    make: Draw


def filled(shape: tuple[int, ...], draw: Draw) -> Draw:
    def make(generator: random.Random) -> Any:
        if not shape:
            return draw(generator)
        return [filled(shape[1:], draw)(generator) for _ in range(shape[0])]

    return make


def between(low: float, high: float) -> Draw:
    return lambda generator: round(generator.uniform(low, high), 3)


def away_from_zero(generator: random.Random) -> float:
    """At least 0.2, of either sign: far from the kinks of abs, relu and their like."""
    return round(generator.choice((-1, 1)) * generator.uniform(0.2, 2), 3)


def spread_out(*shape: int) -> Draw:
    """No two values closer than 0.1, none near a whole number: no ties within reach of a difference quotient."""

    def make(generator: random.Random) -> Any:
        size = math.prod(shape)
        values = [round((place - size // 2) * 0.25 + 0.1, 3) for place in range(size)]
        generator.shuffle(values)
        pending = iter(values)
        return filled(shape, lambda _: next(pending))(generator)

    return make


def imaginary(generator: random.Random) -> complex:
    return complex(away_from_zero(generator), away_from_zero(generator))


def floats(*shape: int, low: float | None = None, high: float = 2) -> Recipe:
    return Recipe("float", filled(shape, away_from_zero if low is None else between(low, high)))


def complexes(*shape: int) -> Recipe:
    return Recipe("complex", filled(shape, imaginary))


def integers(*shape: int, low: int = -4, high: int = 5) -> Recipe:
    return Recipe("int64", filled(shape, lambda generator: generator.randint(low, high)))


def matrices(*shape: int) -> Recipe:
    """Far from singular: with eigenvalues (of square ones) and singular values that lie far from each other."""
    return Recipe("float", filled(shape[:-2], matrix(*shape[-2:])))


def complex_matrices(rows: int, columns: int) -> Recipe:
    real, imaginary_part = matrix(rows, columns), filled((rows, columns), between(-0.4, 0.4))

    def make(generator: random.Random) -> Any:
        parts = zip(real(generator), imaginary_part(generator), strict=True)
        return [[complex(*pair) for pair in zip(*rows, strict=True)] for rows in parts]

    return Recipe("complex", make)


def matrix(rows: int, columns: int) -> Draw:
    """A dominant diagonal; for what is not square its numbers as singular values, of vectors far from the axes."""
    sizes = [1.6 * (place + 1.5) for place in range(min(rows, columns))]

    def element(row: int, column: int) -> float:
        if rows == columns:
            return sizes[row] * (row == column)
        return sum(size * wave(rows, n, row) * wave(columns, n, column) for n, size in enumerate(sizes))

    return lambda generator: [
        [round(element(row, column) + generator.uniform(-0.4, 0.4), 3) for column in range(columns)]
        for row in range(rows)
    ]


def wave(count: int, n: int, place: int) -> float:
    """Vectors of `count` elements, orthonormal for the n below it."""
    return math.sqrt((2 if n else 1) / count) * math.cos(math.pi * (place + 0.5) * n / count)


def given(values: Any, kind: str = "float") -> Recipe:
    return Recipe(kind, lambda generator: values)


POOL: dict[str, Recipe] = {
    "x": floats(2, 3), "y": floats(2, 3), "z": floats(2, 3), "row": floats(3), "col": floats(2, 1), "s": floats(),
    "s2": floats(), "v": floats(3), "v4": floats(4), "one": floats(1), "empty": floats(0, 3), "none": floats(0),
    "p": floats(2, 3, low=0.5), "q": floats(2, 3, low=0.5), "u": floats(2, 3, low=-0.8, high=0.8),
    "over": floats(2, 3, low=1.2, high=3.0), "sp": floats(low=0.5, high=0.9), "emptyp": floats(0, 3),
    "d": Recipe("float", spread_out(2, 3)), "dd": Recipe("float", spread_out(3, 4)),
    "d5": Recipe("float", spread_out(5)),
    "cube": floats(2, 3, 4), "cube2": floats(2, 4, 2), "thin": floats(1, 3, 1), "four": floats(2, 2, 1, 3),
    "m": floats(3, 4), "n": floats(4, 2), "sq": floats(3, 3), "w": floats(5, 3), "b5": floats(5),
    "logits": floats(3, 4), "probs": floats(3, 4, low=0.1, high=0.9), "image": floats(2, 3, 2, 2),
    "volume": floats(2, 3, 2), "classw": floats(4, low=0.5), "imagew": floats(3, low=0.5),
    "c": complexes(2, 3), "c2": complexes(2, 3), "cm": complexes(3, 2), "cs": complexes(),
    "k": integers(2, 3), "k2": integers(2, 3, low=1, high=3), "ks": integers(), "flag": given([True, False, True], "bool"),
    "mask": given([[True, False, True], [False, True, True]], "bool"), "mask0": given(True, "bool"),
    "mask2": given([[False, True, True], [False, False, True]], "bool"),
    "cond": given([[True, False, True]], "bool"),
    "index": integers(2, 3, low=0, high=1), "index1": integers(2, 3, low=0, high=2), "places": given([2, 0, 0], "int64"),
    "two": given([1, 0], "int64"), "zero_index": given(0, "int64"), "labels": integers(3, low=0, high=3),
    "ignored": given([1, -100, 3], "int64"), "pixels": integers(2, 2, 2, low=0, high=2),
    "label2": integers(2, 2, low=0, high=2), "label": given(2, "int64"),
    # square, far from singular, of distinct eigenvalues and singular values; then taller, wider, singular ones
    "sq2": matrices(2, 2), "sq3": matrices(3, 3), "sq3b": matrices(3, 3), "sqs": matrices(2, 2, 2), "csq": complex_matrices(2, 2),
    "sides": floats(3, 2), "tall": matrices(4, 2), "wide": matrices(2, 4), "blocks": matrices(2, 3, 4), "ctall": complex_matrices(3, 2),
    "cwide": complex_matrices(2, 3), "tau": floats(3, low=1.5), "csides": complexes(2, 2), "sq4": matrices(4, 4), "sq6": matrices(6, 6),
    "sig": floats(8), "sigs": floats(2, 8), "csig": complexes(8), "spec": complexes(3, 5), "specs": complexes(2, 3, 5), "fullspec": complexes(4, 5),
    "win3": floats(3, low=0.5), "win4": floats(4, low=0.5),
    "vs": floats(2, 2), "flat": given([[1.0, 2.0], [2.0, 4.0]]), "indefinite": given([[1.0, 2.0], [2.0, 1.0]]),
    # where formulas meet their kinks
    "zero2": given([0.0, 0.0]), "edge": given([-1.0, 0.0, 1.0, 2.0, 0.5]), "ties": given([1.0, 3.0, 3.0, 0.0, 3.0]),
    "tied": given([[2.0, 2.0, 1.0], [0.0, 5.0, 5.0]]), "ones2": given([1.0, 1.0]), "origin": given(0.0),
    "onezero": given([2.0, 0.0, 3.0]), "twozeros": given([0.0, 0.0, 3.0]),
    "zeroed": given([[2.0, 0.0, 3.0], [0.0, 0.0, 4.0], [1.0, 2.0, 5.0]]),
    "powers": given([0.0, 1.0, -1.0, 2.0, 0.5]), "bases": given([0.0, 0.0, -2.0, 0.0, 0.0]),
    "special": given([math.inf, -math.inf, math.nan, 0.0, -0.0, 1.5]), "huge": given([-1000.0, 1000.0, 90.0, -90.0]),
    "halves": given([0.5, 1.5, -0.5, -2.5, 2.0]), "single": given([[1.5], [2.5]]), "low": given([0.0, 1.0, 2.0, 3.0, 1.0]),
    "high": given([1.0, 0.0, 2.0, 1.0, 1.0]), "lone": given([3.0]), "infs": given([[math.inf, 1.0], [-math.inf, -math.inf]]),
    "czero": given([0j, 1 + 0j, 1j], "complex"),
    # signals, images and scans with a batch and channels, and what slides over them
    "signal": floats(1, 2, 5), "photo": floats(1, 2, 4, 4), "scan": floats(1, 1, 3, 3, 3), "taps1": floats(3, 2, 2),
    "taps2": floats(3, 2, 2, 2), "taps3": floats(2, 1, 2, 2, 2), "up1": floats(2, 2, 2), "up2": floats(2, 3, 2, 2),
    "up3": floats(1, 2, 2, 2, 2), "separate": floats(4, 1, 2, 2), "cphoto": complexes(1, 2, 3, 3), "ctaps": complexes(1, 2, 2, 2),
    "columns": floats(1, 4, 9), "dsignal": Recipe("float", spread_out(1, 2, 5)), "dphoto": Recipe("float", spread_out(1, 2, 4, 4)),
    "dscan": Recipe("float", spread_out(1, 1, 3, 3, 3)), "kphoto": integers(1, 2, 4, 4),
    "looks": floats(1, 2, 3, 2, low=-0.9, high=0.9), "beyond": floats(1, 3, 2, 2, low=-3.3, high=3.3),
    "looks3": floats(1, 1, 2, 2, 3, low=-0.9, high=0.9), "beyond3": floats(1, 1, 2, 2, 3, low=-2.3, high=2.3),
    "theta": floats(1, 2, 3), "theta3": floats(1, 3, 4),
}  # fmt: skip


def pool(seed: int) -> dict[str, Input]:
    """Every tensor of the pool, each from a generator of its own."""
    return {name: Input(recipe.make(random.Random(f"{seed} {name}")), recipe.kind) for name, recipe in POOL.items()}
