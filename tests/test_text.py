"""Tensors and other values print as torch prints them: frozen texts, and a live comparison."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from gradcli.errors import UserError
from gradcli.report.text import format_size, format_tensor, format_value

GOLDEN = json.loads((Path(__file__).parent / "golden" / "text" / "text.json").read_text())
OPTIONS = ("requires_grad", "grad_fn", "default_dtype")
REALS = ["float16", "float32", "float64"]
DTYPES = [
    "bool",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    *REALS,
    "complex64",
]


class Size(tuple[int, ...]):
    """Stands for the engine's size: a tuple that `describe` knows."""


class MaxResult(NamedTuple):
    values: object
    indices: object


MaxResult.__name__ = "max"


def build(case: dict[str, Any]) -> Any:
    """The array that a golden case describes."""
    dtype = np.dtype(case["dtype"])
    number = {"f": float, "c": complex}.get(dtype.kind, int)
    return np.resize(np.array([number(value) for value in case["values"]], dtype), case["shape"])


def build_value(plan: Any) -> Any:
    """The value that a golden plan describes, arrays standing for tensors."""
    if not isinstance(plan, dict):
        return plan
    ((kind, content),) = plan.items()
    if kind in ("list", "tuple", "max"):
        content = [build_value(item) for item in content]
    makers: dict[str, Callable[[Any], Any]] = {
        "list": list,
        "tuple": tuple,
        "max": MaxResult._make,
        "tensor": build,
        "size": Size,
        "dtype": np.dtype,
        "complex": complex,
    }
    return makers[kind](content)


def describe(value: object) -> str | None:
    if isinstance(value, np.ndarray):
        return format_tensor(value)
    return format_size(value) if isinstance(value, Size) else None


@pytest.mark.parametrize("case", GOLDEN["tensors"], ids=lambda case: f"{case['dtype']}{case['shape']}")
def test_a_tensor_prints_as_in_torch(case: dict[str, Any]) -> None:
    options = {name: case[name] for name in OPTIONS if name in case}
    assert format_tensor(build(case), **options) == case["text"]


@pytest.mark.parametrize("case", GOLDEN["values"], ids=lambda case: case["text"][:20])
def test_a_value_prints_as_in_python_with_torch(case: dict[str, Any]) -> None:
    assert format_value(build_value(case["value"]), describe) == case["text"]


def test_the_device_stands_before_the_other_suffixes() -> None:
    text = format_tensor(np.ones(2), device="cuda:0", requires_grad=True)
    assert text == "tensor([1., 1.], device='cuda:0', dtype=torch.float64, requires_grad=True)"
    text = format_tensor(np.zeros((0, 3)), device="cuda:1", default_dtype="float64")
    assert text == "tensor([], device='cuda:1', size=(0, 3))"
    text = format_tensor(np.ones((2, 9), np.float32), device="cuda:0", grad_fn="AddBackward0")
    row = "[1., 1., 1., 1., 1., 1., 1., 1., 1.]"
    assert text == f"tensor([{row},\n        {row}], device='cuda:0',\n       grad_fn=<AddBackward0>)"


def test_the_layout_in_memory_does_not_show() -> None:
    array = np.arange(12.0, dtype=np.float32).reshape(3, 4)
    for view in (array.T, array[::-1, ::2], array.astype(">f4"), np.broadcast_to(array, (2, 3, 4))):
        assert format_tensor(view) == format_tensor(np.array(view, dtype=np.float32, order="C"))


def test_printing_reads_only_what_it_shows_of_a_huge_tensor() -> None:
    # One element seen as 10^17 of them: whatever went over them all would never come back.
    huge = np.broadcast_to(np.float32(2.0), (10**6, 10**6, 10**5))
    text = format_tensor(huge)
    rows = ",\n         ".join(["[2., 2., 2.,  ..., 2., 2., 2.]"] * 3)
    assert text.startswith(f"tensor([[{rows},\n         ...,\n")
    assert text.count("2.") == 6**3


def test_an_object_with_a_text_of_its_own_prints_it() -> None:
    class Device:
        def __str__(self) -> str:
            return "cpu"

        def __repr__(self) -> str:
            return "device(type='cpu')"

    assert format_value(Device(), describe) == "cpu"
    assert format_value([Device()], describe) == "[device(type='cpu')]"


def test_bottomless_lists_are_the_users_mistake() -> None:
    value: list[object] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(UserError, match="nested too deeply"):
        format_value(value, describe)


def random_shape(rng: random.Random) -> tuple[int, ...]:
    sizes = {
        0: [1],
        1: [0, 1, 2, 3, 6, 7, 12, 13, 30, 40, 400, 999, 1000, 1001, 5000],
        2: [1, 1, 2, 3, 3, 6, 7, 11, 20, 33, 40, 160],
        3: [1, 2, 3, 4, 6, 7, 20],
        4: [1, 2, 3, 5, 7],
        5: [0, 1, 2, 3, 4],
    }
    ndim = rng.choice([0, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5])
    return tuple(rng.choice(sizes[ndim]) for _ in range(ndim))


def random_reals(rng: random.Random, draw: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Float64 numbers of one of the kinds that torch prints differently, some among special values."""
    normal = np.asarray(draw.standard_normal(shape))
    spread = rng.choice([1, 2, 4, 12])
    borders = [1, -1, 1e-4, 1e8, 1e8 + 1, 1e5, 1000, 1e-3, 123.5, 5e-5, 99999.99995, 1e-310, 1e-45, 1e308]
    kinds: list[Callable[[], Any]] = [
        lambda: normal,
        lambda: abs(normal),
        lambda: normal * 10.0 ** rng.uniform(-10, 10),
        lambda: normal * 10.0 ** draw.uniform(-spread, spread, shape),
        lambda: np.round(normal * 10.0 ** rng.uniform(0, 10)),
        lambda: np.round(normal * 10.0 ** rng.uniform(0, 4), rng.randrange(5)),
        lambda: draw.choice(borders, shape),
    ]
    values = rng.choice(kinds)()
    if rng.random() < 0.35:
        special = [0.0, -0.0, np.nan, np.inf, -np.inf][: rng.choice([1, 2, 5])]
        values = np.where(draw.random(shape) < rng.choice([0.05, 0.5, 1]), draw.choice(special, shape), values)
    return values


def random_array(rng: random.Random, draw: np.random.Generator) -> Any:
    shape = random_shape(rng)
    dtype = np.dtype(rng.choice([*DTYPES, *REALS, *REALS, "complex128"]))
    if dtype.kind == "b":
        return np.asarray(draw.random(shape) < 0.5)
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        bound = rng.choice([1, 10, 1000, limits.max])
        low, high = max(limits.min, -bound), min(limits.max, bound)
        return np.asarray(draw.integers(low, high, shape, dtype=dtype, endpoint=True))
    values = np.empty(shape, np.complex128)
    values.real = random_reals(rng, draw, shape)
    values.imag = random_reals(rng, draw, shape)
    with np.errstate(over="ignore", under="ignore"):
        return (values if dtype.kind == "c" else values.real).astype(dtype)


@pytest.mark.torch
def test_random_tensors_print_as_in_torch_today() -> None:
    torch = pytest.importorskip("torch")
    seed = time.time_ns() % 10**9
    print("seed", seed)
    rng, draw = random.Random(seed), np.random.default_rng(seed)
    before = torch.get_default_dtype()
    try:
        for _ in range(1500):
            array = random_array(rng, draw)
            default_dtype = rng.choice(REALS)
            torch.set_default_dtype(getattr(torch, default_dtype))
            tensor = torch.from_numpy(array.copy())
            options: dict[str, Any] = {}
            if array.dtype.kind in "fc" and rng.random() < 0.6:
                tensor.requires_grad_()
                options["requires_grad"] = True
                if rng.random() < 0.5:
                    tensor = tensor.clone()
                    options["grad_fn"] = "CloneBackward0"
            text = format_tensor(array, default_dtype=default_dtype, **options)
            assert text == str(tensor), (array.dtype, array.shape, options)
    finally:
        torch.set_default_dtype(before)
