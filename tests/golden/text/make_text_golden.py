"""Writes text.json, next to this file: tensors and values, and what torch prints of them.

Run with torch 2.13: `python make_text_golden.py`.

A tensor is `{"values", "shape", "dtype"}`: the values, repeated cyclically, fill the shape in row-major
order; values that JSON has no numbers for are text. `"default_dtype"`, `"requires_grad"` and `"grad_fn"`
stand there only if they matter.
A value is a JSON scalar, or an object with one key that says what it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

import torch

Case = dict[str, Any]

SPECIAL = ["nan", "inf", "-inf"]
FLOATS = ["float16", "float32", "float64"]
INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]


def build(case: Case) -> Any:
    dtype = getattr(torch, case["dtype"])
    number = float if dtype.is_floating_point else complex if dtype.is_complex else int
    shape, count = case["shape"], prod(case["shape"])
    values = [number(value) for value in case["values"]]
    filled = (values * (count // len(values) + 1))[:count]
    tensor = torch.tensor(filled, dtype=dtype).reshape(shape)
    if "grad_fn" in case:
        leaf = tensor.requires_grad_()
        return {"AddBackward0": leaf + 0, "CloneBackward0": leaf.clone()}[case["grad_fn"]]
    return tensor.requires_grad_(case.get("requires_grad", False))


def printed(case: Case) -> str:
    torch.set_default_dtype(getattr(torch, case.get("default_dtype", "float32")))
    text = str(build(case))
    torch.set_default_dtype(torch.float32)
    return text


def tensor(values: list[Any], shape: list[int] | None = None, dtype: str = "float32", **rest: Any) -> Case:
    return {"values": values, "shape": [len(values)] if shape is None else shape, "dtype": dtype, **rest}


def tensors() -> Iterator[Case]:
    # The notation: whole numbers, four decimals or scientific, and the borders between them.
    for values in (
        [1.0],
        [0.0],
        [-0.0],
        [0.0, -0.0, 0.5],
        [1.0, 2.0, 10.0],
        [1.0, -2.0, 100.0],
        [0.1, 0.2],
        [0.1, -22.5, 333.25],
        [1.0, 1000.0],
        [1.0, 1001.0],
        [1.5, 1500.0],
        [1.5, 1501.5],
        [1e8],
        [100000008.0],
        [99999999.5],
        [100000000.5],
        [1e-4],
        [1.0001e-4],
        [9.9999e-5],
        [1e-5, 1e-5, 0.0],
        [0.5, 0.00006],
        [0.99999, 0.99996],
        [9.99996, 1.0],
        [16777216.0, 16777216.0],
        [1e-45],
        [1e-40, 1.0],
        [3.4028234663852886e38],
        [0.3333333333333333, 0.6666666666666666],
        [0.00005, 0.00015, 0.12345],
        [2.00005, 2.00015, 2.5],
    ):
        for dtype in ("float32", "float64"):
            yield tensor(values, dtype=dtype)
    yield tensor([5e-324], dtype="float64")
    yield tensor([1e308, 1e-308], dtype="float64")
    yield tensor([1e-310, 2.0], dtype="float64")
    yield tensor([6e-8, 65504.0], dtype="float16")
    yield tensor([0.1, 1e-4], dtype="float16")

    # NaN and infinity count neither for the notation nor for the width.
    finite: list[float]
    for finite in ([], [0.0], [1.0], [0.5], [-1234.5], [1e-7], [123456.0, 1.0]):
        yield tensor([*finite, *SPECIAL])
    yield tensor([0.0, "nan", "-inf", 0.0], [2, 2])

    # No dimension, no element.
    for dtype in ("float32", "float64", "float16", "int64", "int32", "bool", "complex64", "complex128"):
        yield tensor([1], [], dtype)
        yield tensor([1], [0], dtype)
        yield tensor([1], [0, 3], dtype)
    yield tensor([-1.5e-7], [])
    yield tensor(["nan"], [])
    yield tensor([1.0], [2, 0], requires_grad=True)
    yield tensor([1.0], [2, 0, 4], "float64", grad_fn="CloneBackward0")

    # Integers and truth values.
    for dtype in INTEGERS:
        info = torch.iinfo(getattr(torch, dtype))
        yield tensor([0, 1, 10, info.max], dtype=dtype)
        yield tensor([info.min, 7], [2, 3], dtype)
    yield tensor([True, False], [2, 3], "bool")
    yield tensor([False], [30], "bool")
    yield tensor([1, -20, 300], [60], "int64")

    # Complex numbers: each part has its own notation.
    for parts in (
        ["1+2j"],
        ["1-10j", "1+2j"],
        ["1.5-0j", "-0+2j"],
        ["1e-9+2j", "3.5-4e10j"],
        ["nan-infj", "3.25-100j"],
        ["0.5+1j", "-100.25-2j", "0j"],
    ):
        yield tensor(parts, dtype="complex64")
        yield tensor(parts, [3, 2], "complex128")
    yield tensor(["0.25+0.5j", "-1-2j"], [25], "complex64")
    yield tensor(["0.25+0.5j", "-1-2j", "1e9+1j"], [1200], "complex128")

    # Long rows are wrapped, deeper brackets indented.
    wave = [0.25, -1.5, 12.75, 0.0, 3.0, -100.125, 7.5]
    for count in (8, 9, 10, 18, 40, 1000):
        yield tensor(wave[:5], [count])
        yield tensor([1.0, 2.0, 3.0], [count])
    for shape in ([2, 3], [1, 1], [3, 20], [2, 3, 4], [2, 1, 15], [2, 2, 2, 2], [1] * 64, [2] * 6):
        yield tensor(wave, shape)

    # More than 1000 elements are summarised.
    for shape in (
        [1001],
        [6, 167],
        [7, 143],
        [167, 6],
        [40, 50],
        [2, 600],
        [3, 20, 30],
        [8, 8, 8, 8],
        [5, 5, 5, 9],
    ):
        yield tensor(wave, shape)
    # What a summary leaves out (every seventh element, here) has no say in the notation and in the width.
    yield tensor([1, 2, 3, 10**9, 4, 5, 6], [1001], "int64")
    yield tensor([0.5, 1.0, 1.5, 1e9, 2.0, 2.5, 3.0], [1400], requires_grad=True)
    yield tensor([True, False, False], [2000], "bool")

    # Suffixes, and where they go on a line of their own.
    for dtype, default_dtype in product([*FLOATS, "complex64", "complex128", "int64"], FLOATS):
        yield tensor([1, 2], dtype=dtype, default_dtype=default_dtype)
    yield tensor([1], [0], "float32", default_dtype="float64")
    yield tensor([1], [0], "complex128", default_dtype="float64")
    for count in (6, 7, 8, 9, 10, 11, 12, 13, 14):
        yield tensor([1.0], [count], requires_grad=True)
        yield tensor([1.0], [count], "float64", grad_fn="AddBackward0")
    yield tensor([0.5], [2, 5], grad_fn="CloneBackward0")
    yield tensor([0.5], [2, 5], "float64", requires_grad=True)


def scalar(value: float) -> Case:
    return {"tensor": tensor([value], [])}


def values() -> Iterator[Any]:
    pair = {"tensor": tensor([1.0, 2.5, -3.0, 4.0], [2, 2])}
    yield from (None, True, 3, -0.5, 1e-07, 1e20, "a 'word'", "")
    yield {"complex": "1-2j"}
    yield {"dtype": "float32"}
    yield {"dtype": "bool"}
    yield {"size": []}
    yield {"size": [5]}
    yield {"size": [5, 3]}
    yield pair
    yield {"list": []}
    yield {"tuple": []}
    yield {"tuple": [scalar(1.0)]}
    yield {"list": [pair, None, pair]}
    yield {"tuple": [pair, {"list": [scalar(0.5), 1, "text"]}, {"dtype": "int64"}, {"size": [2]}]}
    yield {"list": [1.5, "it's", {"tuple": [2]}, {"complex": "2j"}, False]}
    yield {"max": [{"tensor": tensor([2.0])}, {"tensor": tensor([1], dtype="int64")}]}
    yield {"list": [{"max": [pair, scalar(1.0)]}]}


def value(plan: Any) -> Any:
    if not isinstance(plan, dict):
        return plan
    ((kind, content),) = plan.items()
    if kind in ("list", "tuple", "max"):
        content = [value(item) for item in content]
    makers: dict[str, Callable[[Any], Any]] = {
        "list": list,
        "tuple": tuple,
        "max": torch.return_types.max,
        "tensor": build,
        "size": torch.Size,
        "dtype": lambda name: getattr(torch, name),
        "complex": complex,
    }
    return makers[kind](content)


if __name__ == "__main__":
    golden = {
        "tensors": [{**case, "text": printed(case)} for case in tensors()],
        "values": [{"value": plan, "text": str(value(plan))} for plan in values()],
    }
    lines = [f'"{name}": [\n' + ",\n".join(map(json.dumps, cases)) + "\n]" for name, cases in golden.items()]
    Path(__file__).with_name("text.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
