"""Calls of every function of torch that gradcli has, drawn from torch's own schemas: arguments that fit, and mistakes."""

from __future__ import annotations

import inspect
import math
import random
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch

from gradcli.ops import frontend

from .pool import Input
from .test_torch_names import NAMES

TENSORS = ("x", "y", "z", "u", "v", "w", "p", "q", "c", "d")  # names of the pool, here with values of their own
SHAPES: list[tuple[int, ...]] = [
    (), (0,), (1,), (3,), (4,), (2, 3), (3, 2), (1, 3), (2, 1), (3, 3), (0, 3), (2, 0), (2, 2, 3), (1, 3, 3), (2, 3, 4),
    (3, 1, 2), (2, 2, 4, 4), (1, 3, 3, 3), (2, 1, 0, 2), (1, 2, 3, 3, 3),
]  # fmt: skip
KINDS = (*["float"] * 5, "float32", "int64", "int32", "uint8", "bool", "complex", "float16")
DTYPES = ("float32", "float64", "int64", "int32", "complex64", "bool", "float16")
SPECIAL = (0.0, 1.0, -1.0, 0.5, 2.0, -0.0, math.inf, math.nan)
INDICES = {
    "index", "indices", "target", "indices_or_sections", "offsets", "lengths", "bag_size", "input_lengths",
    "target_lengths", "sorter", "tensor_indices_or_sections", "repeats", "fweights",
}  # fmt: skip
WORDS = {
    "reduction": ("mean", "sum", "none", "foo"), "reduce": ("sum", "prod", "mean", "amax", "amin", "add", "foo"),
    "mode": ("constant", "reflect", "replicate", "circular", "nearest", "bilinear", "linear", "bicubic", "area", "sum", "mean", "max"),
    "padding_mode": ("zeros", "border", "reflection"), "rounding_mode": ("floor", "trunc", "foo"),
    "norm": ("ortho", "forward", "backward", "foo"), "approximate": ("none", "tanh", "foo"), "side": ("left", "right"),
    "interpolation": ("linear", "lower", "higher", "midpoint", "nearest"), "indexing": ("ij", "xy"), "ord": ("fro", "nuc"),
    "UPLO": ("L", "U"), "driver": ("gels", "gelsy", "gelsd", "gelss"), "p": ("fro", "nuc"), "padding": ("same", "valid"),
    "equation": ("ij,jk->ik", "ij->ji", "ii", "...i,...i"),
}  # fmt: skip
NUMBERS = {
    "int": ("0", "0", "1", "1", "1", "2", "2", "3", "4", "-1", "-1", "-2", "-3"),
    "float": ("0.5", "0.1", "1.0", "2.0", "0.0", "-1.0", "3", "inf"),
    "number": ("2", "0.5", "-1", "0", "1", "3", "1.5", "True", "2.0", "-0.5", "1j"),
}
NAMESPACES = {
    "torch": torch, "torch.Tensor": torch.Tensor, "torch.nn.functional": torch.nn.functional,
    "torch.linalg": torch.linalg, "torch.fft": torch.fft, "torch.special": torch.special,
}  # fmt: skip
OF_PYTHON = {"Tensor": "Tensor", "list[float]": "List[float]", "list[int]": "List[int]", "bool": "bool", "float": "float", "int": "int", "str": "str"}  # fmt: skip
NOT_GIVEN = {"layout", "pin_memory", "memory_format", "out", "non_blocking", "size_average", "reduce", "_stacklevel", "generator", "device"}  # fmt: skip
LEFT_OUT = {
    "what is in memory that nobody has written": "empty empty_like new_empty",
    "the random stream itself": "seed manual_seed initial_seed",
    "dtypes are objects of another class": "result_type promote_types",
    "drawn by position, where torch has `_stacklevel`": "softmax log_softmax softmin",
    "torch dies": "pdist lu_unpack segment_reduce choose_qparams_optimized native_batch_norm",
}  # fmt: skip


class Argument(NamedTuple):
    name: str
    kind: str  # in the words of TorchScript
    required: bool
    keyword_only: bool


class Call(NamedTuple):
    expression: str
    tensors: dict[str, Input]


class Draw:
    """One call, at random: its tensors are mostly of one shape and dtype."""

    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed)
        self.tensors: dict[str, Input] = {}
        self.shape = self.random.choice(SHAPES)
        self.kind = self.random.choice(KINDS)
        self.alike = self.random.random() < 0.6

    def call(self, space: str, name: str, arguments: list[Argument]) -> Call:
        target = {"torch.nn.functional": "F"}.get(space, space)
        if space == "torch.Tensor":
            target, arguments = self.tensor("self"), arguments[1:]
        texts, by_name = [], False
        for argument in arguments:
            if not argument.required and self.random.random() < 0.6:
                by_name = True
                continue
            by_name = by_name or argument.keyword_only or (not argument.required and self.random.random() < 0.3)
            texts.append((f"{argument.name}=" if by_name else "") + self.value(argument.name, argument.kind))
        return Call(f"{target}.{name}({', '.join(texts)})", self.tensors)

    def value(self, name: str, kind: str) -> str:
        if kind.startswith("Optional["):
            return "None" if self.random.random() < 0.1 else self.value(name, kind[9:-1])
        if kind == "Tensor":
            return self.tensor(name)
        if kind.startswith("List["):
            count = self.random.choice((1, 2, 2, 3, len(self.shape)))
            return f"[{', '.join(self.value(name, kind[5:-1]) for _ in range(count))}]"
        if name == "dtype":
            return f"torch.{self.random.choice(DTYPES)}"
        if kind == "str" or name in ("mode", "reduction"):
            return repr(self.random.choice(WORDS.get(name, ("foo",))))
        return self.random.choice(("True", "False") if kind == "bool" else NUMBERS.get(kind, NUMBERS["number"]))

    def tensor(self, name: str) -> str:
        if self.tensors and (self.random.random() < 0.05 or len(self.tensors) == len(TENSORS)):
            return self.random.choice(list(self.tensors))
        shape, kind = self.shape, self.kind
        if not self.alike or self.random.random() < 0.25:
            shape = self.random.choice((*SHAPES, shape[1:], shape[:1], shape[:-1], (*shape, 2), shape[::-1]))
        if not self.alike and self.random.random() < 0.5:
            kind = self.random.choice(KINDS)
        if self.random.random() < 0.85:
            kind = "index" if name in INDICES else "bool" if "mask" in name or name == "condition" else kind
        place = TENSORS[len(self.tensors)]
        self.tensors[place] = Input(self.filled(shape, kind), "int64" if kind == "index" else kind)
        return place

    def filled(self, shape: tuple[int, ...], kind: str) -> Any:
        if 0 in shape:
            return np.zeros(shape)
        return [self.filled(shape[1:], kind) for _ in range(shape[0])] if shape else self.element(kind)

    def element(self, kind: str) -> Any:
        if kind == "bool":
            return self.random.random() < 0.5
        if kind == "index":
            return self.random.choice((0, 0, 1, 1, 2))
        if kind in ("int64", "int32", "uint8"):
            return self.random.randint(0 if kind == "uint8" else -4, 5)
        return complex(self.real(), self.real()) if kind == "complex" else self.real()

    def real(self) -> float:
        return self.random.choice(SPECIAL) if self.random.random() < 0.04 else round(self.random.uniform(-2, 2), 3)


def signatures(space: str, name: str) -> list[list[Argument]]:
    """The parameters of each overload of torch's that takes tensors, or else of each."""
    function = getattr(NAMESPACES[space], name)
    if inspect.isfunction(function):
        parameters = inspect.signature(function).parameters.values()
        return [[of_python(one) for one in parameters if one.name not in NOT_GIVEN and one.kind is not one.VAR_KEYWORD]]
    prefix = space.removeprefix("torch.") + "_" if space in ("torch.linalg", "torch.fft", "torch.special") else ""
    found = [
        [Argument(one.name, str(one.type), not one.has_default_value(), one.kwarg_only) for one in schema.arguments]
        for schema in torch._C._jit_get_schemas_for_operator(f"aten::{prefix}{name}")
        if not any(one.is_out for one in schema.arguments)
    ]
    tensors = [overload for overload in found if any("Tensor" in one.kind for one in overload)]
    return [[one for one in overload if one.name not in NOT_GIVEN] for overload in tensors or found]


def of_python(parameter: inspect.Parameter) -> Argument:
    text = str(parameter.annotation)
    kind = next((kind for word, kind in OF_PYTHON.items() if word in text), type(parameter.default).__name__)
    kind = f"Optional[{kind}]" if "None" in text else kind
    required = parameter.default is parameter.empty
    return Argument(parameter.name, kind, required, parameter.kind is parameter.KEYWORD_ONLY)


def names() -> Iterator[tuple[str, str]]:
    left_out = {name for names in LEFT_OUT.values() for name in names.split()}
    for space, found in NAMES.items():
        for name in found if space != "attributes" else ():
            if name.removesuffix("_") in left_out or name.startswith(("is_", "get_")):
                continue
            full = f"{space}.{name}"
            if frontend.find_method(name) if space == "torch.Tensor" else frontend.find(full):
                yield space, name


def calls(seed: int, each: int) -> Iterator[Call]:
    """So many calls of each function."""
    for space, name in names():
        overloads = signatures(space, name)
        for number in range(each if overloads else 0):
            draw = Draw(f"{seed} {space} {name} {number}")
            yield draw.call(space, name, draw.random.choice(overloads))
