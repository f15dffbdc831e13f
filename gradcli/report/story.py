"""What a run tells its reader, in words and in order, but without saying how it is put on the screen.

A line is a list of pieces, each with the role that a screen may colour it by.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

from gradcli.record import replace
from gradcli.report.model import (
    Binding,
    Expectation,
    Gradient,
    Printed,
    Report,
    StepReport,
    TensorDifference,
    TensorState,
    Warned,
)

Role = Literal["plain", "faint", "strong", "good", "bad", "warn"]
Line = list[tuple[str, Role]]

COLUMNS = ("name", "shape", "dtype", "requires_grad", "grad_fn", "gradient")
INDENT = " " * 6
_FEW = 4
_ASCII = str.maketrans({"✓": "+", "✗": "x", "·": "-", "…": "...", "━": "=", "─": "-"})


def header(name: str, title: str | None, seed: int, dtype: str, device: str) -> list[Line]:
    """Which spec runs, and under what."""
    first: Line = [(name, "strong")]
    if title:
        first.append((f"  {title}", "plain"))
    return [first, [(f"seed {seed} · {dtype} · {device}", "faint")]]


def printed(item: Printed) -> str:
    """The text of a printed line, after its label if it has one."""
    return item.text if item.label is None else f"{item.label}: {item.text}"


def backward(step: StepReport, *, whole: bool) -> list[Line]:
    """A backward and the gradients it left: a summary of each, or the `whole` text."""
    lines: list[Line] = [[(_gutter(step.line), "faint"), (f"backward {step.name or ''}".rstrip(), "plain")]]
    grads = {f"{name}.grad": gradient for name, gradient in (step.grads or {}).items()}
    if whole:
        for name, gradient in grads.items():
            lines += _labelled(name, gradient.text if gradient else "None", len(name))
        return lines
    shapes = {name: _shape(gradient.value) if gradient else "" for name, gradient in grads.items()}
    name_width, shape_width = _width(shapes), _width(shapes.values())
    for name, gradient in grads.items():
        shown = f"{INDENT}{name:<{name_width}}  {shapes[name]:<{shape_width}}"
        lines.append([(shown, "plain"), (f"  {_summary_with_norm(gradient)}", "plain")])
    return lines


def expectation(item: Expectation) -> list[Line]:
    """Whether an expectation holds and, where it does not, by how much it is missed."""
    gutter: tuple[str, Role] = (_gutter(item.line), "faint")
    if item.ok:
        return [[gutter, ("✓ ", "good"), (item.expr, "plain")]]
    lines: list[Line] = [[gutter, ("✗ ", "bad"), (item.expr, "strong")]]
    lines += _labelled("expected", item.expected_text, 8) + _labelled("actual", item.actual_text, 8)
    return lines + distance(item)


def warning(warned: Warned) -> Line:
    """A warning, with the line that it is about."""
    return [(_gutter(warned.line), "faint"), ("warning: ", "warn"), (warned.message, "plain")]


def outcome(report: Report) -> Line:
    """How the run ended, in one line."""
    items = [item for step in report.steps for item in step.items or ()]
    steps = count(len(report.steps), "step")
    failed = len(report.failures)
    if report.error is not None:
        at = f" in line {report.error.span.line}" if report.error.span else ""
        unmet = f" · {share_failed(failed, len(items))}" if failed else ""
        return [("✗ ", "bad"), (f"stopped by an error{at}", "plain"), (f" after {steps}{unmet}", "faint")]
    if failed:
        return [("✗ ", "bad"), (share_failed(failed, len(items)), "plain"), (f" · {steps}", "faint")]
    held = f" · {count(len(items), 'expectation')} met" if items else ""
    return [("✓ ", "good"), ("ok", "plain"), (f" · {steps}{held}", "faint")]


def rows(bindings: Iterable[Binding]) -> list[tuple[str, ...]]:
    """The closing table: a row for each tensor, under `COLUMNS`."""
    return [_row(name, part.state) for name, part in _leaves(bindings) if part.state is not None]


def values(bindings: Iterable[Binding]) -> list[Line]:
    """What the names stand for that are no tensors."""
    others = [(name, part.text) for name, part in _leaves(bindings) if part.state is None]
    return [[(f"{name} = ", "faint"), (" ".join(text.split()), "plain")] for name, text in others]


def _leaves(bindings: Iterable[Binding]) -> Iterator[tuple[str, Binding]]:
    """The bindings by name, tuples taken apart."""
    for binding in bindings:
        if binding.parts is None:
            yield binding.name, binding
        else:
            for index, part in enumerate(binding.parts):
                yield from _leaves([replace(part, name=f"{binding.name}[{index}]")])


def _row(name: str, state: TensorState) -> tuple[str, ...]:
    shape, requires_grad = _shape(state.value), str(state.requires_grad)
    return name, shape, state.dtype, requires_grad, state.grad_fn or "", _grad(state)


def _grad(state: TensorState) -> str:
    if state.grad is not None:
        return summary(state.grad)
    return "None" if state.requires_grad and state.is_leaf else ""


def summary(array: Any) -> str:
    """An array in a few words: its few elements, or the range of its many, and what is not finite."""
    import numpy as np

    if array.size <= _FEW and array.ndim < 2:
        numbers = [_number(value) for value in np.atleast_1d(array).tolist()]
        return f"[{', '.join(numbers)}]" if array.ndim else numbers[0]
    if array.size == 0:
        return "empty"
    finite = array[np.isfinite(array)]
    strange = [
        f"{count} {name}"
        for name, count in (
            ("nan", int(np.isnan(array).sum())),
            ("inf", int(np.isinf(array).sum())),
        )
        if count
    ]
    return ", ".join([_range(finite), *strange] if finite.size else strange)


def _range(array: Any) -> str:
    sizes = abs(array) if array.dtype.kind == "c" else array
    least, most = _number(sizes.min().item()), _number(sizes.max().item())
    extent = f"all {least}" if least == most else f"{least} … {most}"
    return f"|z| {extent}" if array.dtype.kind == "c" else extent


def _summary_with_norm(gradient: Gradient | None) -> str:
    if gradient is None:
        return "None"
    array = gradient.value
    if array.size <= _FEW:
        return summary(array)
    import numpy as np

    with np.errstate(over="ignore", invalid="ignore"):
        norm = np.sqrt((abs(array.astype(np.complex128)) ** 2).sum()).item()
    return f"{summary(array)}  norm {_number(norm)}"


def _number(value: Any) -> str:
    if isinstance(value, complex):
        return f"{value.real:.4g}{value.imag:+.4g}j"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def distance(item: Expectation | TensorDifference) -> list[Line]:
    """By how much and where, and how much of it is off."""
    at = f" at {list(item.index)}" if item.index else ""
    worst = f"first{at}" if at else ""
    if item.abs is not None:
        relative = "" if item.rel is None else f", relative {_number(item.rel)}"
        steps = "" if item.ulp is None else f", {_ulps(item.ulp)}"
        worst = f"worst{at}: absolute {_number(item.abs)}{relative}{steps}"
    share = f"{100 * item.off:.3g} % of elements off" if at and item.off else ""
    further = " · ".join(part for part in (share, item.why) if part)
    return [[(INDENT + text, "plain")] for text in (worst, further) if text]


def _ulps(count: int) -> str:
    """A distance as a number of representable numbers."""
    return f"{count:,} ULP" if count < 1_000_000 else f"{count:.1e} ULP"


def _labelled(label: str, text: str, width: int) -> list[Line]:
    """`text` beside its label or, where it has several lines, below it, as wide as it is."""
    if "\n" not in text:
        return [[(f"{INDENT}{label:<{width}}  ", "faint"), (text, "plain")]]
    lines: list[Line] = [[(line, "plain")] for line in text.split("\n")]
    return [[(INDENT + label, "faint")], *lines]


def _shape(array: Any) -> str:
    return str(list(array.shape))


def _gutter(line: int) -> str:
    return f"{line:>4}  "


def _width(texts: Iterable[str]) -> int:
    return max(map(len, texts), default=0)


def share_failed(failed: int, total: int) -> str:
    """`1 of 3 expectations failed`"""
    return f"{failed} of {count(total, 'expectation')} failed"


def count(number: int, what: str) -> str:
    """`1 step`, `2 steps`"""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def text_of(line: Line) -> str:
    """The line without its roles."""
    return "".join(text for text, _ in line)


def in_ascii(text: str) -> str:
    """`text` with other signs for those of ours that are not ASCII."""
    return text.translate(_ASCII)


def fitting(text: str, encoding: str | None) -> str:
    """The same where `encoding` may not have them."""
    return text if (encoding or "utf-8").lower().startswith("utf") else in_ascii(text)


def aligned(table: Sequence[Sequence[str]]) -> list[str]:
    """The rows of `table` in columns as wide as they need to be, none of them cut."""
    widths = [_width(column) for column in zip(*table, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]
