"""Where two answers to a sample differ, in words."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

OF_DTYPE = {"float32": 5e-6, "complex64": 5e-6, "float16": 2e-3}


def tolerance_of(expression: str) -> float:
    """Coarser where a sample itself computes in a smaller dtype."""
    return 5e-5 if "float32" in expression or "complex64" in expression else 1e-9


def differences(
    expected: Any, actual: Any, tolerance: float = 1e-9, where: str = "", scale: float = 0.0
) -> Iterator[str]:
    """A line for each place where `actual` is not `expected`: numbers to `tolerance`, everything else exactly.

    The gradients by all inputs are one vector: a number in it may be off by a little of the largest one (`scale`).
    """
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key in dict.fromkeys((*expected, *actual)):
            one: Any = expected.get(key)
            other: Any = actual.get(key)
            if key == "value" and expected.get("shape") == actual.get("shape"):
                each = 2 if expected["dtype"].startswith("complex") else 1
                yield from numbers(one, other, max(tolerance, OF_DTYPE.get(expected["dtype"], 0)), where, scale, each)
            elif key == "error" and key in expected and key in actual:
                continue  # that both refuse is what counts here: the words have a test of their own
            else:
                of_all = largest(one) if key in ("first", "second") else scale
                yield from differences(one, other, tolerance, f"{where}.{key}", of_all)
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        for place, (one, other) in enumerate(zip(expected, actual, strict=True)):
            yield from differences(one, other, tolerance, f"{where}[{place}]", scale)
    elif type(expected) is type(actual) and isinstance(expected, float | complex):
        yield from numbers(parts(expected), parts(actual), tolerance, where, each=2)
    elif type(expected) is not type(actual) or expected != actual:
        yield f"{where}: torch {expected!r}, gradcli {actual!r}"


def parts(number: float | complex) -> list[float]:
    return [number.real, number.imag]


def largest(gradients: list[Any] | None) -> float:
    values = [value for gradient in gradients or () if gradient is not None for value in gradient["value"]]
    return max((abs(value) for value in values if math.isfinite(value)), default=0.0)


def numbers(
    expected: list[Any], actual: list[Any], tolerance: float, where: str, scale: float = 0.0, each: int = 1
) -> Iterator[str]:
    """Lines for numbers of `each` parts, which round together."""
    finite = [abs(value) for value in expected if math.isfinite(value)]
    slack = tolerance * 0.01 * max((scale, *finite))  # sums of large numbers that nearly cancel
    for place, (one, other) in enumerate(zip(expected, actual, strict=True)):
        start = place - place % each
        size = math.hypot(*(part for part in expected[start : start + each] if math.isfinite(part)))
        same = one == other or (math.isnan(one) and math.isnan(other))
        near = math.isfinite(one) and abs(one - other) <= tolerance * size + slack
        if not (same or near):
            yield f"{where}: torch {expected}, gradcli {actual}"
            return
