"""Where two answers to a sample differ, in words."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

OF_DTYPE = {"float32": 5e-6, "complex64": 5e-6, "float16": 2e-3}


def tolerance_of(expression: str) -> float:
    """Coarser where a sample itself computes in a smaller dtype."""
    return 5e-6 if "float32" in expression or "complex64" in expression else 1e-9


def differences(expected: Any, actual: Any, tolerance: float = 1e-9, where: str = "") -> Iterator[str]:
    """A line for each place where `actual` is not `expected`: numbers to `tolerance`, everything else exactly."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key in dict.fromkeys((*expected, *actual)):
            if key == "value" and expected.get("shape") == actual.get("shape"):
                yield from numbers(
                    expected[key], actual[key], max(tolerance, OF_DTYPE.get(expected["dtype"], 0)), where
                )
            elif key == "error" and key in expected and key in actual:
                continue  # that both refuse is what counts here: the words have a test of their own
            else:
                yield from differences(expected.get(key), actual.get(key), tolerance, f"{where}.{key}")
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        for place, (one, other) in enumerate(zip(expected, actual, strict=True)):
            yield from differences(one, other, tolerance, f"{where}[{place}]")
    elif isinstance(expected, float) and isinstance(actual, float):
        yield from numbers([expected], [actual], tolerance, where)
    elif type(expected) is not type(actual) or expected != actual:
        yield f"{where}: torch {expected!r}, gradcli {actual!r}"


def numbers(expected: list[Any], actual: list[Any], tolerance: float, where: str) -> Iterator[str]:
    finite = [abs(value) for value in expected if math.isfinite(value)]
    slack = tolerance * 0.01 * max(finite, default=0)  # sums of large numbers that nearly cancel
    for one, other in zip(expected, actual, strict=True):
        same = one == other or (math.isnan(one) and math.isnan(other))
        near = math.isfinite(one) and abs(one - other) <= tolerance * abs(one) + slack
        if not (same or near):
            yield f"{where}: torch {expected}, gradcli {actual}"
            return
