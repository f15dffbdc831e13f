"""Where two answers to the same pipeline differ, in words."""

from __future__ import annotations

import math
from typing import Any

from .pipeline import Answer

# Words of torch's autograd errors, which gradcli keeps. Of other errors (a wrong shape, say) only the place
# must agree.
AUTOGRAD_OPENINGS = (
    "A view was created in",
    "Can't detach views in-place",
    "Mismatch in shape: grad_output",
    "One of the differentiated Tensors",
    "Only Tensors of floating point",
    "Output ",
    "The differentiated Tensor at index",
    "Trying to backward through the graph",
    "a leaf Variable that requires grad",
    "a view of a leaf Variable",
    "attempting to assign a gradient",
    "derivative for ",
    "can't retain_grad on Tensor",
    "cannot register a hook",
    "element ",
    "hook 'hook' has changed",
    "grad can be implicitly created only",
    "leaf variable has been moved",
    "one of the variables needed for gradient",
    "only Tensors of floating point",
    "you can only change requires_grad flags",
)


def is_autograd(opening: str) -> bool:
    """Whether torch's message is one whose words are kept."""
    return opening.removeprefix("error: ").startswith(AUTOGRAD_OPENINGS)


def differences(expected: Answer, actual: Answer, share: float = 1) -> list[str]:
    """One line for each place where `actual` is not `expected`, the error first; empty if they agree.

    `share` of the tolerances is allowed.
    """
    single = any(dtype == "float32" for dtype in dtypes(expected["bindings"]))
    judge = Judge(rtol=1e-4 * share, atol=1e-5 * share) if single else Judge(1e-9 * share, 1e-10 * share)
    judge.error(expected["error"], actual["error"])
    if list(expected["bindings"]) != list(actual["bindings"]):
        judge.report("names", list(expected["bindings"]), list(actual["bindings"]))
    for name, value in expected["bindings"].items():
        if name in actual["bindings"]:
            judge.value(name, value, actual["bindings"][name])
    for index, (probe, answered) in enumerate(zip(expected["probes"], actual["probes"], strict=True)):
        judge.probe(f"probe {index}", probe, answered)
    return judge.found


def dtypes(value: Any) -> list[str]:
    """All dtypes that an answer's bindings name."""
    if isinstance(value, list):
        return [dtype for item in value for dtype in dtypes(item)]
    if not isinstance(value, dict):
        return []
    return [value["dtype"]] if "dtype" in value else [dtype for item in value.values() for dtype in dtypes(item)]


class Judge:
    """Collects differences, with one tolerance for all numbers."""

    def __init__(self, rtol: float, atol: float) -> None:
        self.rtol = rtol
        self.atol = atol
        self.found: list[str] = []

    def report(self, where: str, expected: object, actual: object) -> None:
        self.found.append(f"{where}: torch {expected!r}, gradcli {actual!r}")

    def error(self, expected: Any, actual: Any) -> None:
        """Both fail or neither, at the same step; an autograd error with the same opening words."""
        if expected is None or actual is None:
            if expected != actual:
                self.report("error", expected, actual)
        elif expected["step"] != actual["step"] or not self.same_words(expected["opening"], actual["opening"]):
            self.report("error", expected, actual)

    def same_words(self, expected: str, actual: str) -> bool:
        return expected == actual or not is_autograd(expected)

    def value(self, where: str, expected: Any, actual: Any) -> None:
        """A binding or a part of one."""
        if isinstance(expected, dict) and isinstance(actual, dict):
            for key, part in expected.items():
                if key not in actual:
                    self.report(f"{where}.{key}", part, "nothing")
                elif key == "value":
                    self.numbers(where, part, actual[key])
                else:
                    self.value(f"{where}.{key}", part, actual[key])
        elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
            for index, (part, other) in enumerate(zip(expected, actual, strict=True)):
                self.value(f"{where}[{index}]", part, other)
        elif isinstance(expected, float):
            self.numbers(where, expected, actual)
        elif type(expected) is not type(actual) or expected != actual:
            self.report(where, expected, actual)

    def probe(self, where: str, expected: Any, actual: Any) -> None:
        """Both probes fail with the same words, or both leave the same gradients."""
        if isinstance(expected, str) and isinstance(actual, str):
            if not self.same_words(expected, actual):
                self.report(where, expected, actual)
        elif isinstance(expected, dict) and isinstance(actual, dict) and list(expected) == list(actual):
            for name in expected:
                self.numbers(f"{where}, {name}.grad", expected[name], actual[name])
        else:
            self.report(where, expected, actual)

    def numbers(self, where: str, expected: Any, actual: Any) -> None:
        """Nested lists of numbers, close to one another as seen from the largest of them."""
        ours, theirs = flat(actual), flat(expected)
        size = max([1.0, *(abs(number) for number in theirs if math.isfinite(number))])
        if len(ours) != len(theirs) or not all(
            self.close(number, other, size) for number, other in zip(theirs, ours, strict=True)
        ):
            self.report(where, expected, actual)

    def close(self, expected: float, actual: float, size: float) -> bool:
        if isinstance(expected, bool | int) or not math.isfinite(expected):
            return expected == actual or (math.isnan(expected) and math.isnan(actual))
        return abs(expected - actual) <= self.rtol * abs(expected) + self.atol * size


def flat(value: Any) -> list[Any]:
    """The numbers of a nested list."""
    return [number for item in value for number in flat(item)] if isinstance(value, list) else [value]
